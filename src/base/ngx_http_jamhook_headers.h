
/*
 * Headers: a walk over a list of headers, as nginx keeps them, and its text
 * for the store.  Pure.
 */


#ifndef _NGX_HTTP_JAMHOOK_HEADERS_H_INCLUDED_
#define _NGX_HTTP_JAMHOOK_HEADERS_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


typedef struct {
    ngx_list_part_t   *part;
    ngx_uint_t         i;
} ngx_http_jamhook_headers_t;

/* One that was read back. */
typedef struct ngx_http_jamhook_header_s  ngx_http_jamhook_header_t;

struct ngx_http_jamhook_header_s {
    ngx_str_t                    name;   /* in lower case */
    ngx_str_t                    value;
    ngx_uint_t                   hash;   /* of the name */
    ngx_http_jamhook_header_t   *next;   /* of the same name */
    unsigned                     doubled:1;      /* it is another's "next" */
};


/* Starts a walk over a list of ngx_table_elt_t, which must not change. */
void ngx_http_jamhook_headers_first(ngx_http_jamhook_headers_t *walk,
    ngx_list_t *list);

/* The next header, or NULL at the end; removed ones (hash 0) are left out. */
ngx_table_elt_t *ngx_http_jamhook_headers_next(
    ngx_http_jamhook_headers_t *walk);

/* 1 if h has this name, which is given in lower case. */
ngx_uint_t ngx_http_jamhook_headers_is(ngx_table_elt_t *h, char *name);

/*
 * The headers as JSON, from pool: [["name","value"],...], in their order.
 * The values of Authorization, Proxy-Authorization, Cookie, Set-Cookie and
 * X-Api-Key are "***".  A text that is no UTF-8 has each byte beyond ASCII as
 * the character of that number.  NGX_OK, NGX_ERROR (memory; *json is absent).
 */
ngx_int_t ngx_http_jamhook_headers_json(ngx_list_t *list, ngx_pool_t *pool,
    ngx_str_t *json);

/*
 * Reads such a text: headers (an array that is initialized here) gets one
 * ngx_http_jamhook_header_t for each name, in the order of their first, the
 * values of doubled ones joined by ", ".  All is from pool.  NGX_OK;
 * NGX_DECLINED: it is no such text; NGX_ERROR: memory.
 */
ngx_int_t ngx_http_jamhook_headers_read(ngx_str_t *json, ngx_pool_t *pool,
    ngx_array_t *headers);


#endif /* _NGX_HTTP_JAMHOOK_HEADERS_H_INCLUDED_ */
