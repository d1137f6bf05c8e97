
/*
 * URI: what jamhook_store or "jamhook -s" says of a PostgreSQL, read by libpq
 * and never connected to: is it right, what of it may be shown, is it wise.
 */


#ifndef _NGX_HTTP_JAMHOOK_PGSQL_URI_H_INCLUDED_
#define _NGX_HTTP_JAMHOOK_PGSQL_URI_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


typedef struct {
    ngx_str_t    shown;                  /* user, hosts, ports, database and
                                            service, NUL-terminated; it is a URI
                                            itself */
    ngx_str_t    passfile;               /* NUL-terminated; absent: none is
                                            named */
    u_char       error[256];             /* DECLINED: NUL-terminated, without
                                            what may be a part of a password */
    unsigned     password:1;             /* there is one in it */
    unsigned     clear:1;                /* what goes to a host that is not this
                                            machine may go in clear text */
    unsigned     any:1;                  /* of several hosts it may find one
                                            that cannot be written to */
} ngx_http_jamhook_pgsql_uri_t;


/* uri is NUL-terminated.  NGX_OK, NGX_DECLINED: it is wrong, NGX_ERROR. */
ngx_int_t ngx_http_jamhook_pgsql_uri(ngx_http_jamhook_pgsql_uri_t *u,
    ngx_str_t *uri, ngx_pool_t *pool);


#endif /* _NGX_HTTP_JAMHOOK_PGSQL_URI_H_INCLUDED_ */
