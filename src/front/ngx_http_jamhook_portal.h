
/*
 * Portal: the content handler of jamhook_portal.  Decides who may, and whether
 * a request is for one of the page's files or for a call of the API.  Event
 * loop only.
 */


#ifndef _NGX_HTTP_JAMHOOK_PORTAL_H_INCLUDED_
#define _NGX_HTTP_JAMHOOK_PORTAL_H_INCLUDED_


#include "ngx_http_jamhook.h"


/* The content handler of a location with jamhook_portal. */
ngx_int_t ngx_http_jamhook_portal_handler(ngx_http_request_t *r);


#endif /* _NGX_HTTP_JAMHOOK_PORTAL_H_INCLUDED_ */
