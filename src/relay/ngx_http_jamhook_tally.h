
/*
 * Tally: tells shared memory what this worker does: what came of attempts and
 * how many are under way, commits of the store, and each second how much waits
 * for it.  Event loop only.
 */


#ifndef _NGX_HTTP_JAMHOOK_TALLY_H_INCLUDED_
#define _NGX_HTTP_JAMHOOK_TALLY_H_INCLUDED_


#include "ngx_http_jamhook.h"
#include "ngx_http_jamhook_deliver.h"


#define NGX_HTTP_JAMHOOK_TALLY_EVERY  1000       /* ms */


/* Readies a worker; exit gives its slot up. */
void ngx_http_jamhook_tally_init(ngx_cycle_t *cycle,
    ngx_http_jamhook_main_conf_t *jmcf);
void ngx_http_jamhook_tally_exit(void);

/* The number of attempts to the endpoint that are under way has changed. */
void ngx_http_jamhook_tally_active(ngx_http_jamhook_endpoint_t *ep);

/*
 * The delivery has its outcome: counts it, but that of a test.  us: how long
 * the attempt took; -1 where it came to no request.
 */
void ngx_http_jamhook_tally_outcome(ngx_http_jamhook_delivery_t *d,
    int64_t us);

/* An attempt of a worker that is gone was interrupted. */
void ngx_http_jamhook_tally_interrupted(ngx_http_jamhook_endpoint_t *ep);


#endif /* _NGX_HTTP_JAMHOOK_TALLY_H_INCLUDED_ */
