
/*
 * Counts: numbers that all workers add to, in the zone.  They begin with nginx
 * (or a binary upgrade) and live through reloads; what must last longer is in
 * the store.  Counters only go up.  Atomics without a lock: a worker may die at
 * any point, and a reader may see one number of a moment later than another.
 */


#ifndef _NGX_HTTP_JAMHOOK_COUNTS_H_INCLUDED_
#define _NGX_HTTP_JAMHOOK_COUNTS_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


/* Upper bounds of a histogram's buckets; one more is open. */
#define NGX_HTTP_JAMHOOK_COUNTS_BOUNDS   14

typedef struct {
    int64_t                  us;
    char                    *s;          /* the same in seconds, as text */
} ngx_http_jamhook_bound_t;

extern const ngx_http_jamhook_bound_t  ngx_http_jamhook_counts_bounds[];


typedef struct {
    ngx_atomic_t             n[NGX_HTTP_JAMHOOK_COUNTS_BOUNDS + 1];
    ngx_atomic_t             sum;        /* us; with words of 32 bits it comes
                                            round after 71 minutes' worth */
} ngx_http_jamhook_histogram_t;


/* Of an endpoint.  What came of attempts; tests do not count. */

typedef enum {
    NGX_HTTP_JAMHOOK_COUNT_SUCCEEDED = 0,
    NGX_HTTP_JAMHOOK_COUNT_STATUS_3XX,
    NGX_HTTP_JAMHOOK_COUNT_STATUS_4XX,
    NGX_HTTP_JAMHOOK_COUNT_STATUS_5XX,
    NGX_HTTP_JAMHOOK_COUNT_CONNECT,
    NGX_HTTP_JAMHOOK_COUNT_RESOLVE,
    NGX_HTTP_JAMHOOK_COUNT_TIMEOUT,
    NGX_HTTP_JAMHOOK_COUNT_INVALID,
    NGX_HTTP_JAMHOOK_COUNT_MISCONFIGURED,
    NGX_HTTP_JAMHOOK_COUNT_NGINX,                /* answered by nginx */
    NGX_HTTP_JAMHOOK_COUNT_INTERRUPTED,
    NGX_HTTP_JAMHOOK_COUNT_OUTCOMES
} ngx_http_jamhook_count_outcome_e;

typedef struct {
    ngx_atomic_t                   outcomes[NGX_HTTP_JAMHOOK_COUNT_OUTCOMES];
    ngx_http_jamhook_histogram_t   duration;     /* but of interrupted ones */
} ngx_http_jamhook_endpoint_count_t;


/* Of an ingest location, by its name: it is the "source" of events. */

typedef enum {
    NGX_HTTP_JAMHOOK_COUNT_STORED = 0,
    NGX_HTTP_JAMHOOK_COUNT_DELIVERED,
    NGX_HTTP_JAMHOOK_COUNT_DUPLICATE,
    NGX_HTTP_JAMHOOK_COUNT_IGNORED,
    NGX_HTTP_JAMHOOK_COUNT_RESULTS
} ngx_http_jamhook_count_result_e;

#define NGX_HTTP_JAMHOOK_COUNT_CODES     16      /* room for front/reply's */
#define NGX_HTTP_JAMHOOK_COUNT_NAME      128     /* bytes of a name */
#define NGX_HTTP_JAMHOOK_COUNT_SOURCES   256

typedef struct {
    ngx_uint_t                     len;          /* 0: free; the master's */
    u_char                         name[NGX_HTTP_JAMHOOK_COUNT_NAME];
    ngx_atomic_t                   results[NGX_HTTP_JAMHOOK_COUNT_RESULTS];
    ngx_atomic_t                   codes[NGX_HTTP_JAMHOOK_COUNT_CODES];
    ngx_atomic_t                   last_at;      /* s, Unix; 0: never */
    ngx_atomic_t                   refused_at;   /* s, Unix: when the last was;
                                                    0: none */
    ngx_atomic_t                   refused_code; /* and why */
} ngx_http_jamhook_source_count_t;


/* Of the store. */
typedef struct {
    ngx_atomic_t                   commits;
    ngx_atomic_t                   failures;
    ngx_http_jamhook_histogram_t   duration;     /* of commits */
} ngx_http_jamhook_store_count_t;


/*
 * A worker's own numbers of the moment.  It writes its slot each second; one
 * that was not written for NGX_HTTP_JAMHOOK_COUNT_STALE does not count.
 */

#define NGX_HTTP_JAMHOOK_COUNT_WORKERS   512
#define NGX_HTTP_JAMHOOK_COUNT_STALE     5000    /* ms */

typedef struct {
    ngx_atomic_t                   pid;
    ngx_atomic_t                   seen;         /* ms, monotonic */
    ngx_atomic_t                   queue;        /* ops that wait for the store
                                                    or are under way */
    ngx_atomic_t                   trouble;      /* 1: its store is in it */
} ngx_http_jamhook_worker_count_t;


void ngx_http_jamhook_counts_duration(ngx_http_jamhook_histogram_t *h,
    int64_t us);

/* What came of a request or an attempt, in a word: the contract's. */
ngx_str_t *ngx_http_jamhook_counts_result(
    ngx_http_jamhook_count_result_e result);
ngx_str_t *ngx_http_jamhook_counts_outcome(
    ngx_http_jamhook_count_outcome_e outcome);


#endif /* _NGX_HTTP_JAMHOOK_COUNTS_H_INCLUDED_ */
