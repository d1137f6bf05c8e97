
/*
 * Query: what stands behind the '?' of a call to the portal's API.  Pure, for
 * it reads what comes from outside.
 */


#ifndef _NGX_HTTP_JAMHOOK_QUERY_H_INCLUDED_
#define _NGX_HTTP_JAMHOOK_QUERY_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


#define NGX_HTTP_JAMHOOK_QUERY_LIMIT      50
#define NGX_HTTP_JAMHOOK_QUERY_LIMIT_MAX  250
#define NGX_HTTP_JAMHOOK_CURSOR_MAX       24         /* bytes */


typedef enum {
    NGX_HTTP_JAMHOOK_QUERY_STRING = 0,   /* ngx_str_t: decoded; at most 1024
                                            bytes, no control character */
    NGX_HTTP_JAMHOOK_QUERY_NUMBER,       /* ngx_uint_t: 1 to QUERY_LIMIT_MAX */
    NGX_HTTP_JAMHOOK_QUERY_TIME,         /* int64_t: RFC 3339, as Unix ms */
    NGX_HTTP_JAMHOOK_QUERY_CURSOR,       /* int64_t, greater than 0 */
    NGX_HTTP_JAMHOOK_QUERY_WORD          /* ngx_uint_t: index in words */
} ngx_http_jamhook_query_kind_e;

/* One parameter of a call.  A table of them ends with an empty name. */
typedef struct {
    ngx_str_t                       name;
    ngx_http_jamhook_query_kind_e   kind;
    size_t                          offset;      /* into the caller's struct */
    ngx_str_t                      *words;       /* WORD: ends with an empty
                                                    one */
} ngx_http_jamhook_query_param_t;


/*
 * Reads args, the text behind '?', into the struct at data, by a table.  What
 * is not there, or is empty, stays as the caller set it.  NGX_OK; NGX_DECLINED:
 * a parameter that is unknown, stands there twice or has a value that it cannot
 * have, with its name (as it stands there, decoded) in *name and a static text
 * in *why; NGX_ERROR: memory.
 */
ngx_int_t ngx_http_jamhook_query_read(ngx_pool_t *pool, ngx_str_t *args,
    ngx_http_jamhook_query_param_t *params, void *data, ngx_str_t *name,
    char **why);

/* An RFC 3339 date and time with its offset.  NGX_OK, NGX_DECLINED. */
ngx_int_t ngx_http_jamhook_query_time(ngx_str_t *s, int64_t *ms);

/* A cursor of [A-Za-z0-9_-]; dst has NGX_HTTP_JAMHOOK_CURSOR_MAX bytes. */
u_char *ngx_http_jamhook_query_cursor(u_char *dst, int64_t n);


#endif /* _NGX_HTTP_JAMHOOK_QUERY_H_INCLUDED_ */
