
#include "ngx_http_jamhook_ctx.h"
#include "ngx_http_jamhook_parcel.h"


static void ngx_http_jamhook_ctx_cleanup(void *data);


ngx_http_jamhook_ctx_t *
ngx_http_jamhook_get_ctx(ngx_http_request_t *r)
{
    ngx_pool_cleanup_t      *cln;
    ngx_http_jamhook_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_jamhook_module);

    if (ctx) {
        return ctx;
    }

    r = r->main;

    ctx = ngx_http_get_module_ctx(r, ngx_http_jamhook_module);

    if (ctx == NULL && (r->internal || r->filter_finalize)) {

        /* an internal redirect takes the contexts away, but not the pool */

        for (cln = r->pool->cleanup; cln; cln = cln->next) {
            if (cln->handler == ngx_http_jamhook_ctx_cleanup) {
                return cln->data;
            }
        }
    }

    return ctx;
}


ngx_http_jamhook_ctx_t *
ngx_http_jamhook_create_ctx(ngx_http_request_t *r)
{
    ngx_pool_cleanup_t      *cln;
    ngx_http_jamhook_ctx_t  *ctx;

    cln = ngx_pool_cleanup_add(r->pool, sizeof(ngx_http_jamhook_ctx_t));
    if (cln == NULL) {
        return NULL;
    }

    ctx = cln->data;
    ngx_memzero(ctx, sizeof(ngx_http_jamhook_ctx_t));

    cln->handler = ngx_http_jamhook_ctx_cleanup;

    ngx_http_set_ctx(r, ctx, ngx_http_jamhook_module);

    return ctx;
}


static void
ngx_http_jamhook_ctx_cleanup(void *data)
{
    ngx_http_jamhook_ctx_t *ctx = data;

    if (ctx->parcel) {
        ngx_http_jamhook_parcel_release(ctx->parcel);
        ctx->parcel = NULL;
    }
}
