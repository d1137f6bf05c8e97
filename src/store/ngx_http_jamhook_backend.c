
#include "ngx_http_jamhook_backend.h"


/*
 * As a floating point number of three bits: a slot is wider than its smallest
 * duration by an eighth at most.
 */

ngx_uint_t
ngx_http_jamhook_backend_slot(int64_t ms)
{
    ngx_uint_t  shift, slot;

    if (ms < 8) {
        return (ms < 0) ? 0 : ms;
    }

    for (shift = 0; (ms >> shift) >= 16; shift++) { /* void */ }

    slot = (shift + 1) * 8 + ((ms >> shift) & 7);

    return ngx_min(slot, NGX_HTTP_JAMHOOK_SLOTS - 1);
}


int64_t
ngx_http_jamhook_backend_slot_ms(ngx_uint_t slot)
{
    if (slot < 8) {
        return slot;
    }

    return (int64_t) (8 + slot % 8) << (slot / 8 - 1);
}


/* what is larger than a page is no part of the pool's own block */

ngx_http_jamhook_claim_t *
ngx_http_jamhook_backend_claim(size_t len, ngx_log_t *log)
{
    size_t                     size;
    ngx_pool_t                *pool;
    ngx_http_jamhook_claim_t  *claim;

    len += sizeof(ngx_http_jamhook_claim_t);
    size = sizeof(ngx_pool_t) + 2 * sizeof(ngx_pool_large_t);

    if (len < 4096) {
        size += len + NGX_ALIGNMENT;
    }

    pool = ngx_create_pool(ngx_align(size, NGX_POOL_ALIGNMENT), log);
    if (pool == NULL) {
        return NULL;
    }

    claim = ngx_palloc(pool, len);
    if (claim == NULL) {
        ngx_destroy_pool(pool);
        return NULL;
    }

    ngx_memzero(claim, sizeof(ngx_http_jamhook_claim_t));

    claim->pool = pool;

    return claim;
}


void
ngx_http_jamhook_backend_claims_free(ngx_http_jamhook_op_claim_t *op)
{
    ngx_http_jamhook_claim_t  *claim, *next;

    for (claim = op->claims; claim != NULL; claim = next) {
        next = claim->next;
        ngx_destroy_pool(claim->pool);
    }

    op->claims = NULL;
}
