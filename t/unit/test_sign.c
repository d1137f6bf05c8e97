
#include "ngx_http_jamhook_sign.h"

#include "ngx_shim.h"
#include "tap.h"


#define P1   "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
#define SK   "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbf"                \
             "VKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg=="
#define PK   "whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4="

#define TOKEN1  "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
#define TOKEN2  "v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFy" \
                "mVJaA7AZdpXwVLPo3mNl8EM+m7TBAg=="


static ngx_array_t *
keys_of(ngx_pool_t *pool, const char *text)
{
    char         *why;
    ngx_str_t     s;
    ngx_uint_t    line;
    ngx_array_t  *keys;

    keys = shim_array(pool, 4, sizeof(ngx_http_jamhook_key_t));
    s = shim_str(pool, text);

    if (ngx_http_jamhook_secret_parse(&s, NGX_HTTP_JAMHOOK_SECRET_VERIFY, keys,
                                      &line, &why)
        != NGX_OK)
    {
        abort();
    }

    return keys;
}


static void
test_sign(ngx_pool_t *pool)
{
    ngx_int_t     rc;
    ngx_str_t     id, timestamp, body, value;
    ngx_uint_t    i;
    ngx_array_t  *keys;

    static struct {
        const char  *keys;
        const char  *value;    /* NULL: an error */
    } table[] = {
        { P1, TOKEN1 },
        { SK, TOKEN2 },
        { P1 "\n" SK, TOKEN1 " " TOKEN2 },
        { SK "\n" P1, TOKEN2 " " TOKEN1 },
        { PK, NULL },
        { P1 "\n" PK, NULL },
    };

    id = shim_str(pool, "msg_p5jXN8AQM9LWM0D4loKWxJek");
    timestamp = shim_str(pool, "1614265330");
    body = shim_str(pool, "{\"test\": 2432232314}");

    for (i = 0; i < nitems(table); i++) {
        keys = keys_of(pool, table[i].keys);

        rc = ngx_http_jamhook_sign(&id, &timestamp, &body, keys, pool, &value);

        if (table[i].value == NULL) {
            ok(rc == NGX_ERROR, "a public key cannot sign");

        } else if (ok(rc == NGX_OK, "signed with %s", table[i].keys)) {
            is(value, table[i].value, "as was published");
        }

        ngx_http_jamhook_secret_free(keys);
    }

    keys = shim_array(pool, 1, sizeof(ngx_http_jamhook_key_t));
    ok(ngx_http_jamhook_sign(&id, &timestamp, &body, keys, pool, &value)
       == NGX_ERROR, "no key, no signature");

    /* an empty body may have no data at all */

    keys = keys_of(pool, P1 "\n" SK);
    ngx_str_null(&body);
    ok(ngx_http_jamhook_sign(&id, &timestamp, &body, keys, pool, &value)
       == NGX_OK, "an empty body is signed");
    is(value, "v1,v48jdbgvh29KJz2Qc+ghw8G6vG3nAKnujWBg8oM/62A="
       " v1a,B7QTtBWn3FCmEgaIAxfHcTQsVTvrObbZrn2ZpDIJT+aURE"
       "dLmLcUDsy+BgzSHOSWZ5c+W5sPYk5UnuCxv79UCQ==",
       "as another program would");
    ngx_http_jamhook_secret_free(keys);
}


static void
test_idempotency_key(ngx_pool_t *pool)
{
    u_char      *dst;
    ngx_str_t    id, endpoint, s;
    ngx_uint_t   i;

    static struct {
        const char  *id;
        const char  *endpoint;
        ngx_uint_t   replay;
        const char  *uuid;
    } table[] = {
        { "msg_p5jXN8AQM9LWM0D4loKWxJek", "fin", 0,
          "22364f04-88c4-58c4-95f9-b8a540765970" },
        { "msg_p5jXN8AQM9LWM0D4loKWxJek", "fin", 1,
          "6bc4ee4b-7806-5bfd-a0f4-6ca033c8fea0" },
        { "msg_p5jXN8AQM9LWM0D4loKWxJek", "fin", 12,
          "f790641d-8971-57b5-af28-e858ae13ce15" },
        { "msg_p5jXN8AQM9LWM0D4loKWxJek", "audit", 0,
          "f12b1517-e213-5859-b960-681c7fecaaa9" },
        { "a", "b", 0,
          "84ce064f-e116-5412-a4be-b828ff85c519" },
        { "a", "b", 4294967296,
          "cc451dbc-bd1e-509a-b033-6e7118983426" },
    };

    for (i = 0; i < nitems(table); i++) {
        id = shim_str(pool, table[i].id);
        endpoint = shim_str(pool, table[i].endpoint);

        dst = ngx_pnalloc(pool, NGX_HTTP_JAMHOOK_UUID_LEN);

        ok(ngx_http_jamhook_sign_idempotency_key(&id, &endpoint,
                                                 table[i].replay, dst)
           == NGX_OK, "the key of %s/%s, replay %lu", table[i].id,
           table[i].endpoint, (unsigned long) table[i].replay);

        s.data = dst;
        s.len = NGX_HTTP_JAMHOOK_UUID_LEN;
        is(s, table[i].uuid, "is a UUID of version 5");
    }
}


static void
test_new_id(ngx_pool_t *pool)
{
    size_t       j;
    u_char       seen[256];
    ngx_str_t    id, last;
    ngx_uint_t   i, good, differ, letters;

    memset(seen, 0, sizeof(seen));
    ngx_str_null(&last);

    good = 0;
    differ = 0;

    for (i = 0; i < 500; i++) {

        if (ngx_http_jamhook_sign_new_id(pool, &id) != NGX_OK
            || id.len != 31
            || memcmp(id.data, "msg_", 4) != 0)
        {
            break;
        }

        for (j = 4; j < id.len; j++) {
            seen[id.data[j]] = 1;
        }

        good++;
        differ += last.len == 0 || memcmp(last.data, id.data, 31) != 0;
        last = id;
    }

    for (letters = 0, i = 0; i < 256; i++) {
        letters += seen[i];

        if (seen[i] && strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrst"
                              "uvwxyz0123456789", (int) i) == NULL)
        {
            letters = 999;
            break;
        }
    }

    ok(good == 500, "ids are msg_ and 27 characters");
    ok(differ == 500, "no two alike");
    ok(letters == 62, "of letters and digits, all of them and no others");
}


static ngx_array_t  *run_keys;


static ngx_int_t
run_sign(ngx_pool_t *pool)
{
    ngx_str_t  id = ngx_string("a"), ts = ngx_string("1"), value;

    return ngx_http_jamhook_sign(&id, &ts, &id, run_keys, pool, &value);
}


static ngx_int_t
run_new_id(ngx_pool_t *pool)
{
    ngx_str_t  id;

    return ngx_http_jamhook_sign_new_id(pool, &id);
}


int
main(void)
{
    ngx_pool_t  *pool;

    pool = ngx_create_pool(1, NULL);

    test_sign(pool);
    test_idempotency_key(pool);
    test_new_id(pool);

    run_keys = keys_of(pool, P1 "\n" SK);

    ok(shim_exhaust(run_sign) == 2, "sign() without memory");
    ok(shim_exhaust(run_new_id) == 1, "new_id() without memory");

    ngx_http_jamhook_secret_free(run_keys);

    ngx_destroy_pool(pool);

    return done();
}
