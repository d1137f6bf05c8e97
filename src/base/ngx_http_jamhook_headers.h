
/*
 * Headers: a walk over a list of headers, as nginx keeps them.  Pure.
 */


#ifndef _NGX_HTTP_JAMHOOK_HEADERS_H_INCLUDED_
#define _NGX_HTTP_JAMHOOK_HEADERS_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


typedef struct {
    ngx_list_part_t   *part;
    ngx_uint_t         i;
} ngx_http_jamhook_headers_t;


/* Starts a walk over a list of ngx_table_elt_t, which must not change. */
void ngx_http_jamhook_headers_first(ngx_http_jamhook_headers_t *walk,
    ngx_list_t *list);

/* The next header, or NULL at the end; removed ones (hash 0) are left out. */
ngx_table_elt_t *ngx_http_jamhook_headers_next(
    ngx_http_jamhook_headers_t *walk);

/* 1 if h has this name, which is given in lower case. */
ngx_uint_t ngx_http_jamhook_headers_is(ngx_table_elt_t *h, char *name);


#endif /* _NGX_HTTP_JAMHOOK_HEADERS_H_INCLUDED_ */
