
/*
 * Endpoint: the door of an endpoint's location.  It lets in the delivery that
 * is meant for it and nobody else, and sees to it that the URI for a Fin
 * target ends in the conversation's id.  Event loop only.
 */


#ifndef _NGX_HTTP_JAMHOOK_ENDPOINT_H_INCLUDED_
#define _NGX_HTTP_JAMHOOK_ENDPOINT_H_INCLUDED_


#include "ngx_http_jamhook.h"


/*
 * The content handler of every endpoint's location: runs the one that the
 * location has for the delivery that it is meant for, 404 for all others.
 */
ngx_int_t ngx_http_jamhook_endpoint_content_handler(ngx_http_request_t *r);

/*
 * A handler of the rewrite phase, before nginx's own: what is no delivery to
 * this endpoint gets 404, so that no "return" of the location answers it.
 */
ngx_int_t ngx_http_jamhook_endpoint_rewrite_handler(ngx_http_request_t *r);


#endif /* _NGX_HTTP_JAMHOOK_ENDPOINT_H_INCLUDED_ */
