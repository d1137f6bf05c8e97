
/*
 * rules/backoff, and rules/ladder behind it: whatever a target says, the wait
 * has bounds.  Digits beside a count by hand; dates in the three forms that
 * HTTP has, made of a time, say that time; with nginx's own parser where there
 * is a source of it, as in nginx.
 *
 * The input: now; a Retry-After or X-RateLimit-Reset; a status; the delays of
 * a ladder, the step on it and 32 random bits; a time: a line each.
 */

#include "ngx_http_jamhook_backoff.h"
#include "ngx_http_jamhook_ladder.h"

#include <time.h>

#include <ngx_parse_time.h>

#include "fuzz.h"


#define MAX  NGX_HTTP_JAMHOOK_BACKOFF_MAX


#if (FUZZ_NGINX)

/* of nginx's ngx_parse_time.c, by another name */
time_t nginx_parse_http_time(u_char *value, size_t len);

#endif


static ngx_int_t
bounded(int64_t n)
{
    return n < 0 ? 0 : n > MAX ? MAX : (ngx_int_t) n;
}


static void
digits(ngx_str_t *value, time_t now, ngx_int_t after, ngx_int_t reset)
{
    size_t     i;
    int64_t    n;
    ngx_str_t  s;

    if (value->len == 0 || !fuzz_only(value, "0123456789")) {
        check(reset == NGX_DECLINED);
        return;
    }

    s = *value;

    for (i = 0; i + 1 < s.len && s.data[i] == '0'; i++) {
        /* void */
    }

    s.data += i;
    s.len -= i;

    n = s.len > 16 ? 1000000000000000000 : fuzz_number(&s, 0);

    check(after == bounded(n));
    check(reset == bounded(n - now));
}


static void
dates(ngx_pool_t *pool, time_t at, time_t now)
{
    char        text[64];
    size_t      i;
    ngx_str_t   s;
    struct tm   tm;

    /* in English, whatever the machine's language */

    static const char  *formats[] = {
        "%a, %d %b %Y %H:%M:%S GMT",
        "%A, %d-%b-%y %H:%M:%S GMT",
        "%a %b %e %H:%M:%S %Y"
    };

    (void) gmtime_r(&at, &tm);

    for (i = 0; i < 3; i++) {
        check(strftime(text, sizeof(text), formats[i], &tm) != 0);

        s = shim_str(pool, text);

        check(ngx_http_jamhook_backoff_retry_after(&s, now)
              == bounded(at - now));

#if (FUZZ_NGINX)
        check(nginx_parse_http_time(s.data, s.len) == at);
#endif
    }
}


static void
ladder(ngx_int_t after, ngx_str_t *line, ngx_uint_t status)
{
    char                       *p, *end, text[256];
    uint64_t                    wait;
    ngx_msec_t                  delays[8], longest;
    ngx_uint_t                  i, final;
    ngx_http_jamhook_rung_t     rung;
    ngx_http_jamhook_next_t     next;
    ngx_http_jamhook_policy_t   policy;

    memset(&policy, 0, sizeof(policy));
    memset(&rung, 0, sizeof(rung));

    (void) snprintf(text, sizeof(text), "%.*s",
                    (int) ngx_min(line->len, sizeof(text) - 1), line->data);

    p = text;

    rung.step = strtoull(p, &p, 10) % 10;
    rung.random = (uint32_t) strtoull(p, &p, 10);
    rung.interrupted = strtoull(p, &p, 10) % 4;
    rung.was = (ngx_http_jamhook_was_e) (strtoull(p, &p, 10) % 4);
    policy.fin = strtoull(p, &p, 10) % 2;
    final = strtoull(p, &p, 10) % 1000;

    for (i = 0; i < 8; i++) {
        delays[i] = strtoull(p, &end, 10);

        if (end == p) {
            break;
        }

        p = end;
    }

    policy.delays = delays;
    policy.ndelays = i;
    policy.final = &final;
    policy.nfinal = 1;

    rung.status = status;
    rung.retry_after = after;

    ngx_http_jamhook_ladder_next(&policy, &rung, &next);

    longest = (ngx_msec_t) ngx_http_jamhook_ladder_longest(&policy);

    check((int64_t) longest > 0);
    check(next.hold <= NGX_HTTP_JAMHOOK_LADDER_HOLD);
    check(next.step <= rung.step + 1);

    if (next.state != NGX_HTTP_JAMHOOK_NEXT_RETRY) {
        check(next.delay == 0);
        return;
    }

    check(next.delay <= longest);

    if (rung.was == NGX_HTTP_JAMHOOK_WAS_RESPONSE) {
        check(next.step == rung.step + 1);
        check(status < 200 || status > 299);
        check(status != final && status != 410);

        if (after >= 0 && (status == 429 || status == 503)) {
            wait = (uint64_t) after * 1000;
            check(next.delay >= wait);
            check(next.hold == ngx_min(wait, NGX_HTTP_JAMHOOK_LADDER_HOLD));

        } else {
            check(next.hold == 0);
        }
    }
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    time_t         now, at;
    ngx_int_t      after, reset, later;
    ngx_str_t      line, value, policy, status;
    ngx_pool_t    *pool;
    fuzz_input_t   in;

    pool = ngx_create_pool(1, NULL);

    in.pool = pool;
    in.p = data;
    in.last = data + size;

    line = fuzz_line(&in);
    now = llabs((long long) fuzz_number(&line, 1700000000)) % 253402300800;

    value = fuzz_line(&in);
    status = fuzz_line(&in);
    policy = fuzz_line(&in);
    line = fuzz_line(&in);

    after = ngx_http_jamhook_backoff_retry_after(&value, now);
    reset = ngx_http_jamhook_backoff_reset(&value, now);

    check(after == NGX_DECLINED || (after >= 0 && after <= MAX));
    check(reset == NGX_DECLINED || (reset >= 0 && reset <= MAX));

    digits(&value, now, after, reset);

    /* a second later it is a second less, or the same */

    later = ngx_http_jamhook_backoff_retry_after(&value, now + 1);
    check(later == after || later == after - 1);

    later = ngx_http_jamhook_backoff_reset(&value, now + 1);
    check(later == reset || later == reset - 1);

#if (FUZZ_NGINX)
    at = value.len ? nginx_parse_http_time(value.data, value.len) : NGX_ERROR;
    check(at > -((time_t) 1 << 40) && at < (time_t) 1 << 40);

    if (!fuzz_only(&value, "0123456789")) {
        check(after == (at == NGX_ERROR ? NGX_DECLINED : bounded(at - now)));
    }
#endif

    /* two digits of a year say 1970 to 2069 */

    at = llabs((long long) fuzz_number(&line, 1700000000)) % 3124224000;
    dates(pool, at, now);

    ladder(after, &policy,
           (ngx_uint_t) llabs((long long) fuzz_number(&status, 503)) % 1000);

    ngx_destroy_pool(pool);

    return 0;
}
