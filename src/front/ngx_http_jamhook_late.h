
/*
 * Late: what a request needs that is answered later, when something else is
 * done.  Who lets it wait holds a reference to it, knows it by its context, and
 * forgets it in a cleanup of its pool.
 */


#ifndef _NGX_HTTP_JAMHOOK_LATE_H_INCLUDED_
#define _NGX_HTTP_JAMHOOK_LATE_H_INCLUDED_


#include "ngx_http_jamhook.h"


/* Has nginx notice a client that leaves: its connection is free then.  NGX_OK,
   NGX_ERROR. */
ngx_int_t ngx_http_jamhook_late_notice(ngx_http_request_t *r);

/*
 * r if it still waits with ctx, and then the log speaks of it; NULL: r is, or
 * there is nobody to be told.
 */
ngx_http_request_t *ngx_http_jamhook_late_request(ngx_http_request_t *r,
    ngx_http_jamhook_ctx_t *ctx);

/* Ends the wait, from outside of nginx's handlers of r, which may be gone
   then. */
void ngx_http_jamhook_late_finalize(ngx_http_request_t *r, ngx_int_t rc);


#endif /* _NGX_HTTP_JAMHOOK_LATE_H_INCLUDED_ */
