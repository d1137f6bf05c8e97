
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
