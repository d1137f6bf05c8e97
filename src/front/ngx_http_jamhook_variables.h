
/*
 * Variables: what an event says, for logs of ingest locations and for what
 * stands in endpoint locations.  Never a key, never a signature.
 */


#ifndef _NGX_HTTP_JAMHOOK_VARIABLES_H_INCLUDED_
#define _NGX_HTTP_JAMHOOK_VARIABLES_H_INCLUDED_


#include "ngx_http_jamhook.h"


/* Adds $jamhook_*, before the configuration is read.  NGX_OK, NGX_ERROR. */
ngx_int_t ngx_http_jamhook_variables_add(ngx_conf_t *cf);


#endif /* _NGX_HTTP_JAMHOOK_VARIABLES_H_INCLUDED_ */
