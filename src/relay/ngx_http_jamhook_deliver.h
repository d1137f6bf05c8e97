
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
#include "ngx_http_jamhook_shell.h"


typedef enum {
    NGX_HTTP_JAMHOOK_WAITING = 0,        /* for its turn */
    NGX_HTTP_JAMHOOK_SENDING,
    NGX_HTTP_JAMHOOK_DONE
} ngx_http_jamhook_delivery_state_e;

typedef enum {
    NGX_HTTP_JAMHOOK_SUCCEEDED = 0,
    NGX_HTTP_JAMHOOK_FAILED,
    NGX_HTTP_JAMHOOK_INTERRUPTED
} ngx_http_jamhook_result_e;

typedef enum {
    NGX_HTTP_JAMHOOK_ERR_NONE = 0,       /* there is a response */
    NGX_HTTP_JAMHOOK_ERR_CONNECT,
    NGX_HTTP_JAMHOOK_ERR_RESOLVE,
    NGX_HTTP_JAMHOOK_ERR_TIMEOUT,
    NGX_HTTP_JAMHOOK_ERR_INVALID,
    NGX_HTTP_JAMHOOK_ERR_MISCONFIGURED,
    NGX_HTTP_JAMHOOK_ERR_NGINX,          /* "answered by nginx" */
    NGX_HTTP_JAMHOOK_ERR_INTERRUPTED     /* no attempt was made of it */
} ngx_http_jamhook_error_e;


/* What came of an attempt. */
typedef struct {
    ngx_http_jamhook_result_e      result;
    ngx_http_jamhook_error_e       error;
    ngx_uint_t                     status;       /* the target's; nginx's with
                                                    ERR_NGINX; else 0 */
    ngx_int_t                      retry_after;  /* s; NGX_DECLINED: none */
    ngx_msec_t                     duration;     /* ms */
    ngx_buf_t                      body;         /* of the response, cut; gone
                                                    when handler returns */
    off_t                          body_length;  /* all that came, bytes */
} ngx_http_jamhook_outcome_t;


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

    ngx_http_jamhook_outcome_t             outcome;

    /* relay's own */

    ngx_http_jamhook_delivery_state_e      state;
    ngx_queue_t                            queue;
    ngx_event_t                            timer;
    ngx_event_t                            done;         /* posted */
    ngx_msec_t                             started;
    ngx_http_jamhook_shell_t              *shell;
    ngx_http_request_t                    *sr;
    ngx_http_post_subrequest_t             post;
    ngx_http_jamhook_ctx_t                 ctx;
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

/*
 * The content handler of every endpoint's location: runs the one that the
 * location has for the delivery that it is meant for, 404 for all others.
 */
ngx_int_t ngx_http_jamhook_deliver_content_handler(ngx_http_request_t *r);

/*
 * A handler of the rewrite phase, before nginx's own: what is no delivery to
 * this endpoint gets 404, so that no "return" of the location answers it.
 */
ngx_int_t ngx_http_jamhook_deliver_rewrite_handler(ngx_http_request_t *r);

/* Puts the filters that take a target's response into nginx's chains. */
void ngx_http_jamhook_deliver_init_filters(void);

/* "timeout", "connect", ...: the contract's words.  "" for ERR_NONE. */
char *ngx_http_jamhook_deliver_error(ngx_http_jamhook_error_e error);


#endif /* _NGX_HTTP_JAMHOOK_DELIVER_H_INCLUDED_ */
