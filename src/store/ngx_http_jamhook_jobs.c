
#include "ngx_http_jamhook_jobs.h"


#if (NGX_THREADS)


/* of a thread that reads; nginx's own are at 0 */

#define NGX_HTTP_JAMHOOK_JOBS_NICE  10


/* nginx has it in no header */

extern ngx_module_t  ngx_thread_pool_module;


static ngx_int_t ngx_http_jamhook_jobs_check_events(ngx_conf_t *cf);
static ngx_int_t ngx_http_jamhook_jobs_add_pool(ngx_conf_t *cf,
    ngx_str_t *directive);
static void ngx_http_jamhook_jobs_run(void *data, ngx_log_t *log);
static void ngx_http_jamhook_jobs_step_back(void);
static void ngx_http_jamhook_jobs_done(ngx_event_t *ev);


/* by ngx_http_jamhook_job_t's low */

static ngx_str_t  ngx_http_jamhook_jobs_directives[2][4] = {

    { ngx_string("thread_pool"), ngx_string("jamhook"),
      ngx_string("threads=1"), ngx_string("max_queue=16") },

    { ngx_string("thread_pool"), ngx_string("jamhook_read"),
      ngx_string("threads=1"), ngx_string("max_queue=16") }
};

static ngx_thread_pool_t  *ngx_http_jamhook_jobs_pools[2];


ngx_int_t
ngx_http_jamhook_jobs_add(ngx_conf_t *cf)
{
    ngx_uint_t  i;

    if (ngx_http_jamhook_jobs_check_events(cf) != NGX_OK) {
        return NGX_ERROR;
    }

    for (i = 0; i < 2; i++) {

        if (ngx_http_jamhook_jobs_add_pool(cf,
                                           ngx_http_jamhook_jobs_directives[i])
            != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


/*
 * nginx has a function to name a pool, but none to say how many threads it
 * has: that is for its directive alone.  So the directive is what is called.
 */

static ngx_int_t
ngx_http_jamhook_jobs_add_pool(ngx_conf_t *cf, ngx_str_t *directive)
{
    char           *rv;
    void           *conf;
    ngx_array_t    *saved, args;
    ngx_command_t  *cmd;

    if (ngx_thread_pool_get(cf->cycle, &directive[1])) {
        return NGX_OK;
    }

    conf = ngx_get_conf(cf->cycle->conf_ctx, ngx_thread_pool_module);

    for (cmd = ngx_thread_pool_module.commands; cmd->name.len; cmd++) {
        if (ngx_strcmp(cmd->name.data, "thread_pool") == 0) {
            break;
        }
    }

    if (cmd->name.len == 0) {
        return NGX_ERROR;
    }

    ngx_memzero(&args, sizeof(ngx_array_t));

    args.elts = directive;
    args.nelts = 4;
    args.size = sizeof(ngx_str_t);
    args.nalloc = 4;
    args.pool = cf->pool;

    saved = cf->args;
    cf->args = &args;

    rv = cmd->set(cf, cmd, conf);

    cf->args = saved;

    if (rv != NGX_CONF_OK) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"jamhook_store\" got no threads");
        return NGX_ERROR;
    }

    return NGX_OK;
}


/*
 * With an event method that a thread cannot wake nginx's worker would not
 * start.  Where "events" stands behind "http" this is not known yet.
 */

static ngx_int_t
ngx_http_jamhook_jobs_check_events(ngx_conf_t *cf)
{
    void              *events;
    ngx_uint_t         i;
    ngx_event_conf_t  *ecf;

    static char  *deaf[] = { "select", "poll", "/dev/poll", NULL };

    events = ngx_get_conf(cf->cycle->conf_ctx, ngx_events_module);
    if (events == NULL) {
        return NGX_OK;
    }

    ecf = ngx_event_get_conf(cf->cycle->conf_ctx, ngx_event_core_module);

    for (i = 0; ecf->name != (void *) NGX_CONF_UNSET && deaf[i]; i++) {

        if (ngx_strcmp(ecf->name, deaf[i]) == 0) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "\"jamhook_store\" needs threads, which do "
                               "not work with \"use %s\" in \"events\"",
                               deaf[i]);
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


ngx_int_t
ngx_http_jamhook_jobs_init(ngx_cycle_t *cycle)
{
    ngx_uint_t  i;

    for (i = 0; i < 2; i++) {
        ngx_http_jamhook_jobs_pools[i] =
            ngx_thread_pool_get(cycle, &ngx_http_jamhook_jobs_directives[i][1]);

        if (ngx_http_jamhook_jobs_pools[i] == NULL) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


ngx_int_t
ngx_http_jamhook_jobs_post(ngx_http_jamhook_job_t *job)
{
    job->task.ctx = job;
    job->task.handler = ngx_http_jamhook_jobs_run;
    job->task.event.data = job;
    job->task.event.handler = ngx_http_jamhook_jobs_done;
    job->task.event.log = ngx_cycle->log;

    return ngx_thread_task_post(ngx_http_jamhook_jobs_pools[job->low],
                                &job->task);
}


static void
ngx_http_jamhook_jobs_run(void *data, ngx_log_t *log)
{
    ngx_http_jamhook_job_t  *job = data;

    if (job->low) {
        ngx_http_jamhook_jobs_step_back();
    }

    job->run(job->data, log);
}


/*
 * A walk through many rows takes a processor for some ms, and where there are
 * few of them the event loop waits for it to end.  On Linux a priority is a
 * thread's own; it cannot be raised again without rights, so this thread does
 * nothing else.
 */

static void
ngx_http_jamhook_jobs_step_back(void)
{
#if (NGX_LINUX)

    static __thread ngx_uint_t  done;

    if (!done) {
        done = 1;
        (void) setpriority(PRIO_PROCESS, 0, NGX_HTTP_JAMHOOK_JOBS_NICE);
    }

#endif
}


static void
ngx_http_jamhook_jobs_done(ngx_event_t *ev)
{
    ngx_http_jamhook_job_t  *job = ev->data;

    job->done(job->data);
}


#else /* conf refuses a store */


ngx_int_t
ngx_http_jamhook_jobs_add(ngx_conf_t *cf)
{
    return NGX_ERROR;
}


ngx_int_t
ngx_http_jamhook_jobs_init(ngx_cycle_t *cycle)
{
    return NGX_ERROR;
}


ngx_int_t
ngx_http_jamhook_jobs_post(ngx_http_jamhook_job_t *job)
{
    return NGX_ERROR;
}


#endif
