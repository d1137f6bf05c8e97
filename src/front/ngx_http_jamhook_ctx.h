
/*
 * Context: what is known of a request.
 *
 * An ingest request's context lives in r->pool, holds a reference to its
 * parcel and gives it up when the pool goes.  A delivery's is the delivery's
 * own.  Event loop only.
 */


#ifndef _NGX_HTTP_JAMHOOK_CTX_H_INCLUDED_
#define _NGX_HTTP_JAMHOOK_CTX_H_INCLUDED_


#include "ngx_http_jamhook.h"


/*
 * The context of r or, where r is a part of a delivery, of that delivery.
 * NULL if r has nothing to do with jamhook.
 */
ngx_http_jamhook_ctx_t *ngx_http_jamhook_get_ctx(ngx_http_request_t *r);

/* Gives r a context of its own.  NULL: no memory. */
ngx_http_jamhook_ctx_t *ngx_http_jamhook_create_ctx(ngx_http_request_t *r);


#endif /* _NGX_HTTP_JAMHOOK_CTX_H_INCLUDED_ */
