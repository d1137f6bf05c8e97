
/*
 * What unit tests need beside nginx's own functions, which are those of
 * src/tool/ngx_http_jamhook_tool_host.c: texts of an exact length, and the ways
 * to make allocations fail.
 */


#ifndef _NGX_SHIM_H_INCLUDED_
#define _NGX_SHIM_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


#define nitems(a)  (sizeof(a) / sizeof((a)[0]))


/* The n-th allocation of a pool from now on fails; 0: none does. */
extern ngx_uint_t  shim_fail;

/* Whether it did. */
extern ngx_uint_t  shim_failed;

typedef ngx_int_t (*shim_run_pt)(ngx_pool_t *pool);


/*
 * Runs it with each of its allocations failing, one after another, until it
 * meets none: each time it must say NGX_ERROR, at last NGX_OK.  Returns how
 * many allocations it has, -1 if it did not do so.
 */
ngx_int_t shim_exhaust(shim_run_pt run);

/* A copy of exactly len bytes, without a NUL behind it, from the pool. */
ngx_str_t shim_bytes(ngx_pool_t *pool, const void *p, size_t len);

/* The same of a C string. */
ngx_str_t shim_str(ngx_pool_t *pool, const char *s);

/* An empty array of n elements of size. */
ngx_array_t *shim_array(ngx_pool_t *pool, ngx_uint_t n, size_t size);


#endif /* _NGX_SHIM_H_INCLUDED_ */
