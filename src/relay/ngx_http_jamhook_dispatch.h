
/*
 * Dispatch: an event goes into the store, with its deliveries; where there is
 * a turn for one it is claimed in the same transaction, and sent at once.
 *
 *                 event, claimed in its own transaction
 *                +--------------------------------------+
 *                |                                      v
 *     event --> PENDING -- due, a turn is free: --> SENDING --> SUCCEEDED
 *                ^          claim                    |  |
 *                |                                   |  +-----> FAILED
 *                +-- retry; interrupted; lease over--+
 *
 * These are the store's states.  "claim" takes what is due, "flight" has what
 * is SENDING, "orphan" what somebody else had.  Event loop only.
 */


#ifndef _NGX_HTTP_JAMHOOK_DISPATCH_H_INCLUDED_
#define _NGX_HTTP_JAMHOOK_DISPATCH_H_INCLUDED_


#include "ngx_http_jamhook.h"
#include "ngx_http_jamhook_flight.h"


typedef enum {
    NGX_HTTP_JAMHOOK_KEPT_STORED = 0,
    NGX_HTTP_JAMHOOK_KEPT_DUPLICATE,
    NGX_HTTP_JAMHOOK_KEPT_CONFLICT,
    NGX_HTTP_JAMHOOK_KEPT_FULL,          /* max_size */
    NGX_HTTP_JAMHOOK_KEPT_TROUBLE,       /* the store cannot commit */
    NGX_HTTP_JAMHOOK_KEPT_BUSY           /* too much waits for it */
} ngx_http_jamhook_kept_e;

typedef struct ngx_http_jamhook_keep_s  ngx_http_jamhook_keep_t;

/* An event on its way into the store; lies in the parcel's pool. */
struct ngx_http_jamhook_keep_s {

    /* set by who asks */

    void                         (*handler)(ngx_http_jamhook_keep_t *keep);
    void                          *data;

    ngx_http_jamhook_kept_e        verdict;      /* when handler is called */

    /* dispatch's own */

    ngx_http_jamhook_parcel_t     *parcel;
    ngx_http_jamhook_flight_t     *flights;      /* by route */
    ngx_http_jamhook_op_event_t    event;
    ngx_queue_t                    queue;        /* told, to be sent */
    unsigned                       told:1;
};


/* Readies a worker. */
void ngx_http_jamhook_dispatch_init(ngx_http_jamhook_main_conf_t *jmcf);

/*
 * Stores a parcel's event with a delivery to each of n endpoints.  source: the
 * ingest location's name; headers: JSON, in the parcel's pool, as source is in
 * the configuration's.  keep comes from the parcel's pool, zeroed; its handler
 * is called exactly once, never from within this call; the parcel is held
 * until then and for as long as its deliveries are under way.
 * NGX_OK; NGX_ERROR: no memory, the handler is not called.
 */
ngx_int_t ngx_http_jamhook_dispatch_event(ngx_http_jamhook_keep_t *keep,
    ngx_http_jamhook_parcel_t *parcel, ngx_http_jamhook_endpoint_t **endpoints,
    ngx_uint_t n, ngx_str_t *source, ngx_str_t *headers);


#endif /* _NGX_HTTP_JAMHOOK_DISPATCH_H_INCLUDED_ */
