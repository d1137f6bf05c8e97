
#include "ngx_http_jamhook_query.h"

#include "ngx_shim.h"
#include "tap.h"

#include <ctype.h>
#include <time.h>


typedef struct {
    ngx_str_t    type;
    ngx_str_t    jam_id;
    ngx_uint_t   limit;
    ngx_uint_t   state;
    int64_t      since;
    int64_t      cursor;
} call_t;


static ngx_str_t  words[] = {
    ngx_string("pending"), ngx_string("failed"), ngx_null_string
};

static ngx_http_jamhook_query_param_t  params[] = {
    { ngx_string("type"), NGX_HTTP_JAMHOOK_QUERY_STRING,
      offsetof(call_t, type), NULL },
    { ngx_string("jam_id"), NGX_HTTP_JAMHOOK_QUERY_STRING,
      offsetof(call_t, jam_id), NULL },
    { ngx_string("limit"), NGX_HTTP_JAMHOOK_QUERY_NUMBER,
      offsetof(call_t, limit), NULL },
    { ngx_string("state"), NGX_HTTP_JAMHOOK_QUERY_WORD,
      offsetof(call_t, state), words },
    { ngx_string("since"), NGX_HTTP_JAMHOOK_QUERY_TIME,
      offsetof(call_t, since), NULL },
    { ngx_string("cursor"), NGX_HTTP_JAMHOOK_QUERY_CURSOR,
      offsetof(call_t, cursor), NULL },
    { ngx_null_string, 0, 0, NULL }
};


static ngx_pool_t  *pool;
static call_t       call;
static ngx_str_t    name;
static char        *why;


static ngx_int_t
query(ngx_pool_t *p, const char *args)
{
    ngx_str_t  s;

    ngx_memzero(&call, sizeof(call_t));
    call.limit = NGX_HTTP_JAMHOOK_QUERY_LIMIT;
    call.state = 99;

    ngx_str_null(&name);
    why = NULL;

    s = shim_str(pool, args);

    return ngx_http_jamhook_query_read(p, &s, params, &call, &name, &why);
}


static void
test_good(void)
{
    ngx_str_t  none = ngx_null_string;

    ok(ngx_http_jamhook_query_read(pool, &none, params, &call, &name, &why)
       == NGX_OK, "no query at all");

    ok(query(pool, "") == NGX_OK && call.limit == 50 && call.state == 99
       && call.type.data == NULL, "an empty one sets nothing");

    ok(query(pool, "since=2026-11-23T15:04:05.123Z&state=failed&limit=250"
                   "&type=intercom.recorder.*&jam_id=a%20b%2Bc+d")
       == NGX_OK, "all kinds, in any order");
    is(call.type, "intercom.recorder.*", "a string");
    is(call.jam_id, "a b+c+d", "one that is decoded, '+' stands for itself");
    ok(call.limit == 250 && call.state == 1 && call.since == 1795446245123,
       "a number, a word, a time");

    ok(query(pool, "&&type=a&&limit=1&") == NGX_OK && call.limit == 1,
       "'&' where none has to be");
    ok(query(pool, "type=&limit=&state=&since=&cursor=&jam_id") == NGX_OK
       && call.limit == 50 && call.state == 99 && call.type.data == NULL
       && call.since == 0 && call.cursor == 0,
       "an empty value counts as not given");
    ok(query(pool, "%74ype=%c3%b6%3D%26=") == NGX_OK, "an encoded name");
    is(call.type, "\xc3\xb6=&=", "its value, with '=' and '&'");
    ok(query(pool, "since=2026-11-23T16:04:05+01:00") == NGX_OK
       && call.since == 1795446245000, "an offset needs no encoding");
}


static void
test_bad(void)
{
    char        *args;
    ngx_uint_t   i;

    static struct {
        const char  *args;
        const char  *name;
    } bad[] = {
        { "typo=1", "typo" },
        { "Type=1", "Type" },
        { "typ=1", "typ" },
        { "types=1", "types" },
        { "=1", "" },
        { "=", "" },
        { "typo=", "typo" },
        { "a%20b=1", "a b" },
        { "%00=1", NULL },
        { "ty%pe=1", "ty%pe" },
        { "type%=1", "type%" },
        { "type%2=1", "type%2" },
        { "type=%", "type" },
        { "type=a%2", "type" },
        { "type=%zz", "type" },
        { "type=%2g", "type" },
        { "type=%-1", "type" },
        { "type=%u0041", "type" },
        { "type=a%00b", "type" },
        { "type=a%0ab", "type" },
        { "type=%7f", "type" },
        { "type=a&type=b", "type" },
        { "type=a&type=", "type" },
        { "type=&type=", "type" },
        { "type=a&%74ype=b", "type" },
        { "limit=0", "limit" },
        { "limit=251", "limit" },
        { "limit=-1", "limit" },
        { "limit=01", "limit" },
        { "limit=1.0", "limit" },
        { "limit=%2b1", "limit" },
        { "limit=99999999999999999999", "limit" },
        { "limit=1a", "limit" },
        { "state=Failed", "state" },
        { "state=fail", "state" },
        { "state=failedd", "state" },
        { "state=failed%20", "state" },
        { "since=yesterday", "since" },
        { "since=1795446245", "since" },
        { "cursor=1", "cursor" },
        { "limit=1&cursor=0", "cursor" },
    };

    for (i = 0; i < nitems(bad); i++) {
        ok(query(pool, bad[i].args) == NGX_DECLINED && why != NULL,
           "refused: %s", bad[i].args);

        if (bad[i].name) {
            is(name, bad[i].name, "named: %s", bad[i].args);
        }
    }

    args = (char *) ngx_pcalloc(pool, 1100);
    memcpy(args, "type=", 5);
    memset(args + 5, 'a', 1024);
    ok(query(pool, args) == NGX_OK && call.type.len == 1024, "1024 bytes");
    args[5 + 1024] = 'a';
    ok(query(pool, args) == NGX_DECLINED, "and not one more");
    memcpy(args + 5, "%61", 3);
    ok(query(pool, args) == NGX_OK && call.type.len == 1023,
       "decoded bytes count");
}


static void
test_times(void)
{
    int64_t     ms;
    ngx_int_t   rc;
    ngx_str_t   s;
    ngx_uint_t  i;

    static struct {
        const char  *text;
        int64_t      ms;                 /* 0: refused */
    } times[] = {
        { "2026-11-23T15:04:05Z", 1795446245000 },
        { "2026-11-23t15:04:05z", 1795446245000 },
        { "2026-11-23T15:04:05.1Z", 1795446245100 },
        { "2026-11-23T15:04:05.12Z", 1795446245120 },
        { "2026-11-23T15:04:05.123456789Z", 1795446245123 },
        { "2026-11-23T15:04:05.999999999Z", 1795446245999 },
        { "2026-11-23T15:04:05.000Z", 1795446245000 },
        { "2026-11-23T16:04:05+01:00", 1795446245000 },
        { "2026-11-23T09:34:05-05:30", 1795446245000 },
        { "2026-11-23T15:04:05-00:00", 1795446245000 },
        { "2026-11-24T15:03:05.5+23:59", 1795446245500 },
        { "1970-01-01T00:00:00.001Z", 1 },
        { "1970-01-01T00:00:00Z", 1 },
        { "1970-01-01T00:00:00+01:00", 1 },
        { "2000-02-29T00:00:00Z", 951782400000 },
        { "2024-02-29T23:59:59Z", 1709251199000 },
        { "2100-02-28T23:59:59Z", 4107542399000 },
        { "9999-12-31T23:59:59.999Z", 253402300799999 },
        { "2016-12-31T23:59:60Z", 1483228799999 },
        { "2016-12-31T23:59:60.5Z", 1483228799999 },
        { "2017-01-01T00:59:60+01:00", 1483228799999 },

        { "", 0 },
        { "2026", 0 },
        { "2026-11-23", 0 },
        { "2026-11-23T15:04Z", 0 },
        { "2026-11-23T15:04:05", 0 },
        { "2026-11-23 15:04:05Z", 0 },
        { "2026-11-23T15:04:05ZZ", 0 },
        { "2026-11-23T15:04:05Z ", 0 },
        { " 2026-11-23T15:04:05Z", 0 },
        { "2026-11-23T15:04:05.Z", 0 },
        { "2026-11-23T15:04:05,1Z", 0 },
        { "2026-11-23T15:04:05.1234567890Z", 0 },
        { "2026-11-23T15:04:05+0100", 0 },
        { "2026-11-23T15:04:05+1:00", 0 },
        { "2026-11-23T15:04:05+24:00", 0 },
        { "2026-11-23T15:04:05+01:60", 0 },
        { "2026-11-23T15:04:05+01", 0 },
        { "2026-11-23T24:00:00Z", 0 },
        { "2026-11-23T15:60:00Z", 0 },
        { "2026-11-23T15:04:61Z", 0 },
        { "2026-11-23T15:04:60Z", 0 },
        { "2016-12-31T22:59:60Z", 0 },
        { "2016-12-31T23:59:60+01:00", 0 },
        { "2026-13-01T00:00:00Z", 0 },
        { "2026-00-01T00:00:00Z", 0 },
        { "2026-01-00T00:00:00Z", 0 },
        { "2026-01-32T00:00:00Z", 0 },
        { "2026-04-31T00:00:00Z", 0 },
        { "2026-02-29T00:00:00Z", 0 },
        { "2024-02-30T00:00:00Z", 0 },
        { "2100-02-29T00:00:00Z", 0 },
        { "1969-12-31T23:59:59Z", 0 },
        { "0000-01-01T00:00:00Z", 0 },
        { "10000-01-01T00:00:00Z", 0 },
        { "+2026-11-23T15:04:05Z", 0 },
        { "2026-1-23T15:04:05Z", 0 },
        { "2026/11/23T15:04:05Z", 0 },
        { "2026-11-2\xd9\xa3T15:04:05Z", 0 },
    };

    for (i = 0; i < nitems(times); i++) {
        ms = 0;
        s = shim_str(pool, times[i].text);
        rc = ngx_http_jamhook_query_time(&s, &ms);

        ok(times[i].ms ? rc == NGX_OK && ms == times[i].ms
                       : rc == NGX_DECLINED,
           "the time \"%s\": %lld", times[i].text, (long long) ms);
    }
}


/* each day there is, by the C library */

static void
test_days(void)
{
    char        text[32];
    time_t      t;
    int64_t     ms;
    struct tm   tm;
    ngx_str_t   s;
    ngx_uint_t  good;

    good = 1;

    for (t = 86399; t < 253402300800; t += 86400) {
        (void) gmtime_r(&t, &tm);
        s.len = strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm);
        s.data = (u_char *) text;

        if (ngx_http_jamhook_query_time(&s, &ms) != NGX_OK
            || ms != (int64_t) t * 1000)
        {
            good = 0;
            diag("wrong", s.data, s.len);
            break;
        }
    }

    ok(good, "each day until the end of 9999");
}


static void
test_cursors(void)
{
    char        args[64];
    u_char     *p, c;
    int64_t     n;
    ngx_str_t   s;
    ngx_uint_t  i, j, good;

    u_char  dst[NGX_HTTP_JAMHOOK_CURSOR_MAX];

    static int64_t  numbers[] = {
        1, 2, 255, 256, 4294967296, 1795446245123, INT64_MAX - 1, INT64_MAX
    };

    for (i = 0; i < nitems(numbers); i++) {
        p = ngx_http_jamhook_query_cursor(dst, numbers[i]);

        (void) snprintf(args, sizeof(args), "cursor=%.*s", (int) (p - dst),
                        dst);
        ok(query(pool, args) == NGX_OK && call.cursor == numbers[i], "%s",
           args);

        s.data = dst;
        s.len = p - dst;

        for (j = 0; j < s.len; j++) {
            if (!isalnum(s.data[j]) && s.data[j] != '_' && s.data[j] != '-') {
                break;
            }
        }

        ok(j == s.len, "of its alphabet");
    }

    /* any other letter anywhere */

    good = 1;

    for (i = 0; i < sizeof(dst); i++) {
        for (c = '0'; c < 'z'; c++) {
            (void) ngx_http_jamhook_query_cursor(dst, 1795446245123);

            if (c == dst[i]) {
                continue;
            }

            dst[i] = c;
            (void) snprintf(args, sizeof(args), "cursor=%.24s", dst);
            good = good && query(pool, args) == NGX_DECLINED
                   && call.cursor == 0;
        }
    }

    ok(good, "one that was edited is refused");

    for (n = 0; n >= -1; n--) {
        (void) ngx_http_jamhook_query_cursor(dst, n);
        (void) snprintf(args, sizeof(args), "cursor=%.24s", dst);
        ok(query(pool, args) == NGX_DECLINED, "%d is none", (int) n);
    }

    (void) ngx_http_jamhook_query_cursor(dst, 5);
    (void) snprintf(args, sizeof(args), "cursor=%.23s", dst);
    ok(query(pool, args) == NGX_DECLINED, "one that was cut");
    (void) snprintf(args, sizeof(args), "cursor=%.24s0", dst);
    ok(query(pool, args) == NGX_DECLINED, "one that is longer");
}


static ngx_int_t
run(ngx_pool_t *p)
{
    static u_char  args[] = "t%79pe=%61&limit=2&%6aam_id=b%20";

    ngx_str_t  s;

    s.data = args;
    s.len = sizeof(args) - 1;

    return ngx_http_jamhook_query_read(p, &s, params, &call, &name, &why);
}


int
main(void)
{
    pool = ngx_create_pool(1, NULL);

    test_good();
    test_bad();
    test_times();
    test_days();
    test_cursors();

    ok(shim_exhaust(run) == 4, "out of memory at each of its allocations");

    ngx_destroy_pool(pool);

    return done();
}
