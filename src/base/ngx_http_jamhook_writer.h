
/*
 * Writer: makes a JSON text of any length, in buffers from a pool.  What is
 * written need not be UTF-8 nor harmless: each byte that is none becomes
 * U+FFFD; control characters, U+2028 and U+2029 become escapes.  One thread at
 * a time; memory is checked once, at the end.
 */


#ifndef _NGX_HTTP_JAMHOOK_WRITER_H_INCLUDED_
#define _NGX_HTTP_JAMHOOK_WRITER_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


#define NGX_HTTP_JAMHOOK_WRITER_BUFFER  16384        /* bytes */


/*
 * The members are the writer's own; but who needs memory for what it writes
 * takes it from pool and sets failed where there is none, and size may be read.
 */
typedef struct {
    ngx_pool_t      *pool;
    ngx_chain_t     *out;
    ngx_chain_t    **last;
    ngx_buf_t       *b;
    off_t            size;               /* bytes so far */
    unsigned         comma:1;            /* the next value needs one before */
    unsigned         failed:1;           /* no memory */
} ngx_http_jamhook_writer_t;


/* The pool's owner frees all. */
void ngx_http_jamhook_writer_init(ngx_http_jamhook_writer_t *w,
    ngx_pool_t *pool);

/*
 * Structure: '{', '}', '[' or ']'.  Commas come by themselves.  name() takes a
 * literal of harmless characters and is followed by a value.
 */
void ngx_http_jamhook_writer_open(ngx_http_jamhook_writer_t *w, u_char c);
void ngx_http_jamhook_writer_close(ngx_http_jamhook_writer_t *w, u_char c);
void ngx_http_jamhook_writer_name(ngx_http_jamhook_writer_t *w, char *name);

/* The same for a name that came from outside. */
void ngx_http_jamhook_writer_key(ngx_http_jamhook_writer_t *w, ngx_str_t *key);

/* Values.  A string with data NULL is null. */
void ngx_http_jamhook_writer_str(ngx_http_jamhook_writer_t *w, ngx_str_t *s);
void ngx_http_jamhook_writer_text(ngx_http_jamhook_writer_t *w, char *text);
void ngx_http_jamhook_writer_int(ngx_http_jamhook_writer_t *w, int64_t n);
void ngx_http_jamhook_writer_bool(ngx_http_jamhook_writer_t *w, ngx_uint_t b);
void ngx_http_jamhook_writer_null(ngx_http_jamhook_writer_t *w);

/* Unix ms, as RFC 3339 in UTC with milliseconds; 0 is null. */
void ngx_http_jamhook_writer_time(ngx_http_jamhook_writer_t *w, int64_t ms);

/*
 * The text: a chain of buffers in memory, w->size bytes in all, the last one
 * marked last_in_chain.  NGX_OK; NGX_ERROR: memory was short.
 */
ngx_int_t ngx_http_jamhook_writer_end(ngx_http_jamhook_writer_t *w,
    ngx_chain_t **out);


#endif /* _NGX_HTTP_JAMHOOK_WRITER_H_INCLUDED_ */
