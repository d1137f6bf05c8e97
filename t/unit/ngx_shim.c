
#include "ngx_shim.h"

ngx_uint_t  shim_fail;
ngx_uint_t  shim_failed;


ngx_uint_t shim_is_due(void);


ngx_int_t
shim_exhaust(shim_run_pt run)
{
    ngx_int_t    rc;
    ngx_uint_t   n;
    ngx_pool_t  *pool;

    n = 0;

    do {
        n++;

        pool = ngx_create_pool(1, NULL);

        shim_failed = 0;
        shim_fail = n;

        rc = run(pool);

        shim_fail = 0;
        ngx_destroy_pool(pool);

    } while (shim_failed && rc == NGX_ERROR);

    return (!shim_failed && rc == NGX_OK) ? (ngx_int_t) n - 1 : -1;
}


ngx_str_t
shim_bytes(ngx_pool_t *pool, const void *p, size_t len)
{
    ngx_str_t  s;

    s.len = len;
    s.data = ngx_pnalloc(pool, len);

    if (s.data == NULL) {
        abort();
    }

    if (len != 0) {
        ngx_memcpy(s.data, p, len);
    }

    return s;
}


ngx_str_t
shim_str(ngx_pool_t *pool, const char *s)
{
    return shim_bytes(pool, s, strlen(s));
}


ngx_array_t *
shim_array(ngx_pool_t *pool, ngx_uint_t n, size_t size)
{
    ngx_array_t  *a;

    a = ngx_pcalloc(pool, sizeof(ngx_array_t));

    if (a == NULL || ngx_array_init(a, pool, n, size) != NGX_OK) {
        abort();
    }

    return a;
}


/* src/tool/ngx_http_jamhook_tool_host.c asks at each allocation of a pool */

ngx_uint_t
shim_is_due(void)
{
    if (shim_fail == 0) {
        return 0;
    }

    shim_fail--;

    if (shim_fail == 0) {
        shim_failed = 1;
        return 1;
    }

    return 0;
}
