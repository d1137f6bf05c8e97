
/*
 * Deliver: one attempt, from a delivery whose turn has come to its outcome.
 *
 * A delivery lives in its parcel's pool and holds a reference to the parcel
 * until its handler returns.  Event loop only.
 *
 *     add -> WAITING -> SENDING -> DONE -> handler(d)
 *               |                   ^
 *               +---- deadline -----+
 */


#ifndef _NGX_HTTP_JAMHOOK_DELIVER_H_INCLUDED_
#define _NGX_HTTP_JAMHOOK_DELIVER_H_INCLUDED_


#include "ngx_http_jamhook.h"
#include "ngx_http_jamhook_outcome.h"
#include "ngx_http_jamhook_shell.h"


typedef enum {
    NGX_HTTP_JAMHOOK_WAITING = 0,        /* for its turn */
    NGX_HTTP_JAMHOOK_SENDING,
    NGX_HTTP_JAMHOOK_DONE
} ngx_http_jamhook_delivery_state_e;

typedef void (*ngx_http_jamhook_delivery_handler_pt)(
    ngx_http_jamhook_delivery_t *d);

struct ngx_http_jamhook_delivery_s {

    /* set by who adds it */

    ngx_http_jamhook_parcel_t             *parcel;
    ngx_http_jamhook_endpoint_t           *endpoint;
    ngx_uint_t                             attempt;      /* 1, 2, ... */
    ngx_uint_t                             replay;       /* 0, 1, ... */
    ngx_msec_t                             deadline;     /* ngx_current_msec
                                                            of its end */
    ngx_http_jamhook_delivery_handler_pt   handler;      /* once, when DONE */
    void                                  *data;
    unsigned                               reserved:1;   /* by schedule */
    unsigned                               kept:1;       /* in the store */
    unsigned                               test:1;       /* counts nowhere */

    ngx_http_jamhook_outcome_t             outcome;

    /* relay's own */

    ngx_http_jamhook_delivery_state_e      state;
    ngx_queue_t                            queue;
    ngx_event_t                            timer;
    ngx_event_t                            done;         /* posted */
    ngx_msec_t                             started;
    int64_t                                started_us;   /* monotonic */
    ngx_http_jamhook_shell_t              *shell;
    ngx_http_request_t                    *sr;
    ngx_http_post_subrequest_t             post;
    ngx_http_jamhook_ctx_t                 ctx;
    ngx_str_t                              body;         /* as sent, in the
                                                            shell's pool or
                                                            the parcel's */
    ngx_int_t                            (*create_request)(
                                                      ngx_http_request_t *r);
    u_char                                 idempotency_key[36];

    unsigned                               has_response:1;
    unsigned                               has_outcome:1;
};


/*
 * Makes the attempt: opens a shell and runs the subrequest.  d->done is posted
 * when there is an outcome, which may be at once.  NGX_OK; NGX_ERROR: no
 * memory, nothing is under way.
 */
ngx_int_t ngx_http_jamhook_deliver_start(ngx_http_jamhook_delivery_t *d);

/*
 * Ends an attempt under way for a reason of ours; d->done is posted.  Allowed
 * at any time while it is SENDING; an attempt that has its outcome keeps it.
 */
void ngx_http_jamhook_deliver_abort(ngx_http_jamhook_delivery_t *d,
    ngx_http_jamhook_error_e error);

/* The delivery that r is the subrequest of; NULL for any other request. */
ngx_http_jamhook_delivery_t *ngx_http_jamhook_deliver_get(
    ngx_http_request_t *r);


#endif /* _NGX_HTTP_JAMHOOK_DELIVER_H_INCLUDED_ */
