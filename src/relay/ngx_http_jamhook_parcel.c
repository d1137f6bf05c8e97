
#include "ngx_http_jamhook_parcel.h"


/* for what the body says, a few deliveries and the answer */

#define NGX_HTTP_JAMHOOK_PARCEL_SIZE  2048


ngx_http_jamhook_parcel_t *
ngx_http_jamhook_parcel_create(size_t body_size)
{
    ngx_pool_t                 *pool;
    ngx_http_jamhook_parcel_t  *parcel;

    pool = ngx_create_pool(NGX_HTTP_JAMHOOK_PARCEL_SIZE, ngx_cycle->log);
    if (pool == NULL) {
        return NULL;
    }

    parcel = ngx_http_jamhook_parcel_adopt(pool);
    if (parcel == NULL) {
        goto failed;
    }

    parcel->body.data = ngx_pnalloc(pool, body_size + 1);
    if (parcel->body.data == NULL) {
        goto failed;
    }

    return parcel;

failed:

    ngx_destroy_pool(pool);

    return NULL;
}


ngx_http_jamhook_parcel_t *
ngx_http_jamhook_parcel_adopt(ngx_pool_t *pool)
{
    ngx_http_jamhook_parcel_t  *parcel;

    parcel = ngx_pcalloc(pool, sizeof(ngx_http_jamhook_parcel_t));
    if (parcel == NULL) {
        return NULL;
    }

    parcel->pool = pool;
    parcel->refs = 1;

    return parcel;
}


void
ngx_http_jamhook_parcel_release(ngx_http_jamhook_parcel_t *parcel)
{
    parcel->refs--;

    if (parcel->refs == 0) {
        ngx_destroy_pool(parcel->pool);
    }
}
