
/*
 * Jobs: calls that block, off the event loop.  The one owner of threads.
 *
 * A job runs in a thread of nginx's own pool "jamhook", or "jamhook_read" where
 * it may take its time, and then its end is told on the event loop.  What it
 * works on is its own until then.  When a worker exits, queued jobs still run,
 * but nobody is told.
 */


#ifndef _NGX_HTTP_JAMHOOK_JOBS_H_INCLUDED_
#define _NGX_HTTP_JAMHOOK_JOBS_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#if (NGX_THREADS)
#include <ngx_thread_pool.h>
#endif


typedef struct {
#if (NGX_THREADS)
    ngx_thread_task_t     task;
#endif
    void                (*run)(void *data, ngx_log_t *log);  /* in a thread */
    void                (*done)(void *data);                 /* event loop */
    void                 *data;
    unsigned              low:1;                 /* it steps back where others
                                                    need the processor */
} ngx_http_jamhook_job_t;


/*
 * Gives the configuration its pools of threads, of one each, unless it has a
 * "thread_pool" of that name itself.  NGX_OK; NGX_ERROR: logged.
 */
ngx_int_t ngx_http_jamhook_jobs_add(ngx_conf_t *cf);

/* Readies a worker.  NGX_OK; NGX_ERROR: there are no threads. */
ngx_int_t ngx_http_jamhook_jobs_init(ngx_cycle_t *cycle);

/*
 * Starts a job whose run, done, data and low are set; it must not be under way
 * already.  NGX_OK; NGX_ERROR: it could not be queued.
 */
ngx_int_t ngx_http_jamhook_jobs_post(ngx_http_jamhook_job_t *job);


#endif /* _NGX_HTTP_JAMHOOK_JOBS_H_INCLUDED_ */
