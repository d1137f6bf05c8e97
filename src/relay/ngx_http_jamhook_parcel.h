
/*
 * Parcel: an event that is held in memory, for as long as anybody needs it.
 * Event loop only.
 */


#ifndef _NGX_HTTP_JAMHOOK_PARCEL_H_INCLUDED_
#define _NGX_HTTP_JAMHOOK_PARCEL_H_INCLUDED_


#include "ngx_http_jamhook.h"


/*
 * Creates a parcel with a pool of its own and room for body_size bytes of
 * body; body.len is 0.  It starts with one reference, the caller's.  NULL: no
 * memory.
 */
ngx_http_jamhook_parcel_t *ngx_http_jamhook_parcel_create(size_t body_size);

/*
 * The same around a pool that is there already, which is the parcel's from
 * then on; body is empty.  NULL: no memory, the pool stays the caller's.
 */
ngx_http_jamhook_parcel_t *ngx_http_jamhook_parcel_adopt(ngx_pool_t *pool);

/* Gives up one reference; the last one frees the parcel. */
void ngx_http_jamhook_parcel_release(ngx_http_jamhook_parcel_t *parcel);


#endif /* _NGX_HTTP_JAMHOOK_PARCEL_H_INCLUDED_ */
