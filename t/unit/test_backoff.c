
#include "ngx_http_jamhook_backoff.h"

#include "ngx_shim.h"
#include "tap.h"


/* Tue, 09 Sep 2025 12:00:00 GMT */
#define NOW  1757419200


typedef struct {
    const char  *value;
    ngx_int_t    seconds;
} backoff_t;


static backoff_t  retry_after[] = {
    { "0", 0 },
    { "1", 1 },
    { "120", 120 },
    { "007", 7 },
    { "36000", 36000 },
    { "36001", 36000 },
    { "2147483648", 36000 },
    { "4294967297", 36000 },
    { "9223372036854775808", 36000 },
    { "18446744073709551617", 36000 },
    { "99999999999999999999999999999999999999999999999999", 36000 },
    { "0000000000000000000000000000000000000000000000005", 5 },

    { "Tue, 09 Sep 2025 12:00:00 GMT", 0 },
    { "Tue, 09 Sep 2025 12:00:01 GMT", 1 },
    { "Tue, 09 Sep 2025 12:02:00 GMT", 120 },
    { "Tue, 09 Sep 2025 11:59:59 GMT", 0 },
    { "Tue, 09 Sep 2025 22:00:00 GMT", 36000 },
    { "Tue, 09 Sep 2025 22:00:01 GMT", 36000 },
    { "Fri, 31 Dec 9999 23:59:59 GMT", 36000 },
    { "Thu, 01 Jan 1970 00:00:00 GMT", 0 },
    { "Tuesday, 09-Sep-25 12:02:00 GMT", 120 },
    { "Tue Sep  9 12:02:00 2025", 120 },

    { "", NGX_DECLINED },
    { "+1", NGX_DECLINED },
    { "-1", NGX_DECLINED },
    { "1 2", NGX_DECLINED },
    { " 1", NGX_DECLINED },
    { "1.5", NGX_DECLINED },
    { "1s", NGX_DECLINED },
    { "0x10", NGX_DECLINED },
    { "soon", NGX_DECLINED },
    { "2025-09-09T12:02:00Z", NGX_DECLINED },
    { "Tue, 09 Sep 2025", NGX_DECLINED },
};

static backoff_t  reset[] = {
    { "1757419200", 0 },
    { "1757419201", 1 },
    { "1757419199", 0 },
    { "1757455200", 36000 },
    { "1757455201", 36000 },
    { "0", 0 },
    { "10", 0 },
    { "99999999999999999999999999999", 36000 },
    { "", NGX_DECLINED },
    { "-5", NGX_DECLINED },
    { "1757419201.5", NGX_DECLINED },
    { "Tue, 09 Sep 2025 12:00:01 GMT", NGX_DECLINED },
};


int
main(void)
{
    ngx_int_t    rc;
    ngx_str_t    s;
    ngx_uint_t   i;
    ngx_pool_t  *pool;

    pool = ngx_create_pool(1, NULL);

    for (i = 0; i < nitems(retry_after); i++) {
        s = shim_str(pool, retry_after[i].value);
        rc = ngx_http_jamhook_backoff_retry_after(&s, NOW);

        ok(rc == retry_after[i].seconds, "Retry-After \"%s\" is %d",
           retry_after[i].value, (int) rc);
    }

    for (i = 0; i < nitems(reset); i++) {
        s = shim_str(pool, reset[i].value);
        rc = ngx_http_jamhook_backoff_reset(&s, NOW);

        ok(rc == reset[i].seconds, "X-RateLimit-Reset \"%s\" is %d",
           reset[i].value, (int) rc);
    }

    ngx_str_null(&s);
    ok(ngx_http_jamhook_backoff_retry_after(&s, NOW) == NGX_DECLINED
       && ngx_http_jamhook_backoff_reset(&s, NOW) == NGX_DECLINED,
       "a header without any value");

    ngx_destroy_pool(pool);

    return done();
}
