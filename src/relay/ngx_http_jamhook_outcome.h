
/*
 * Outcome: what came of an attempt.  Takes the target's answer out of nginx's
 * filter chains, keeps the beginning of it, and judges: only what the
 * endpoint location's own content handler brought is an answer.  Event loop
 * only.
 */


#ifndef _NGX_HTTP_JAMHOOK_OUTCOME_H_INCLUDED_
#define _NGX_HTTP_JAMHOOK_OUTCOME_H_INCLUDED_


#include "ngx_http_jamhook.h"
#include "ngx_http_jamhook_backend.h"


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


/* Puts the filters that take a target's response into nginx's chains. */
void ngx_http_jamhook_outcome_init_filters(void);

/*
 * The subrequest's end: fills d->outcome and posts d->done, no more.  Returns
 * NGX_OK always, which keeps nginx from error pages and from taking an error
 * for the end of the request as a whole.
 */
ngx_int_t ngx_http_jamhook_outcome_post_handler(ngx_http_request_t *sr,
    void *data, ngx_int_t rc);

/* Sets d->outcome.result by status and error, and tells the log. */
void ngx_http_jamhook_outcome_judge(ngx_http_jamhook_delivery_t *d);

/* "timeout", "connect", ...: the contract's words.  "" for ERR_NONE. */
char *ngx_http_jamhook_outcome_error(ngx_http_jamhook_error_e error);


#endif /* _NGX_HTTP_JAMHOOK_OUTCOME_H_INCLUDED_ */
