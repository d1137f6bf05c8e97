
#include "ngx_http_jamhook_writer.h"
#include "ngx_http_jamhook_json.h"

#include "ngx_shim.h"
#include "tap.h"


typedef struct {
    const char  *in;
    size_t       len;
    const char  *out;                /* between the quotes */
} text_t;


#define S(s)  s, sizeof(s) - 1
#define R     "\xef\xbf\xbd"         /* U+FFFD */

static text_t  texts[] = {
    { S(""), "" },
    { S("plain text, ~!@#$%^*()[]{}:;'/?.,|`_-+="),
      "plain text, ~!@#$%^*()[]{}:;'/?.,|`_-+=" },
    { S("\"\\"), "\\\"\\\\" },
    { S("\b\f\n\r\t"), "\\b\\f\\n\\r\\t" },
    { S("\0\x01\x1f\x7f"), "\\u0000\\u0001\\u001f\\u007f" },
    { S("</script><!--&amp;"),
      "</script><!--&amp;" },

    { S("J\xc3\xb6rg \xe2\x82\xac \xf0\x9f\x8e\xa5"),
      "J\xc3\xb6rg \xe2\x82\xac \xf0\x9f\x8e\xa5" },
    { S("\xc2\x80\xdf\xbf\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf"
        "\xf0\x90\x80\x80\xf4\x8f\xbf\xbf"),
      "\xc2\x80\xdf\xbf\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf"
      "\xf0\x90\x80\x80\xf4\x8f\xbf\xbf" },
    { S("a\xe2\x80\xa8" "b\xe2\x80\xa9" "c\xe2\x80\xa7\xe2\x80\xaa"),
      "a\\u2028b\\u2029c\xe2\x80\xa7\xe2\x80\xaa" },

    /* what is no UTF-8 */

    { S("\x80"), R },
    { S("\xbf\xbf"), R R },
    { S("\xc0\x80"), R R },                          /* overlong */
    { S("\xc1\xbf"), R R },
    { S("\xe0\x80\x80"), R R R },
    { S("\xe0\x9f\xbf"), R R R },
    { S("\xf0\x80\x80\x80"), R R R R },
    { S("\xf0\x8f\xbf\xbf"), R R R R },
    { S("\xed\xa0\x80"), R R R },                    /* surrogates */
    { S("\xed\xbf\xbf\xed\xa0\xbd"), R R R R R R },
    { S("\xf4\x90\x80\x80"), R R R R },              /* beyond U+10FFFF */
    { S("\xf5\x80\x80\x80\xff\xfe"), R R R R R R },
    { S("a\xc3"), "a" R },                           /* cut off */
    { S("a\xe2\x82"), "a" R },
    { S("a\xe2"), "a" R },
    { S("\xf0\x9f\x8e"), R },
    { S("\xf0\x9f"), R },
    { S("\xe2\x82" "a\xf0\x9f\x8e\"\xc3<"), R "a" R "\\\"" R "<" },
    { S("\xe2\x80\xe2\x80\xa8"), R "\\u2028" },

    /* the Unicode standard's own examples, tables 3-8 to 3-11 */

    { S("\xc0\xaf\xe0\x80\xbf\xf0\x81\x82\x41"), R R R R R R R R "A" },
    { S("\xed\xa0\x80\xed\xbf\xbf\xed\xaf\x41"), R R R R R R R R "A" },
    { S("\xf4\x91\x92\x93\xff\x41\x80\xbf\x42"), R R R R R "A" R R "B" },
    { S("\xe1\x80\xe2\xf0\x91\x92\xf1\xbf\x41"), R R R R "A" },
};


static ngx_pool_t  *pool;


/* the chain as one string; checks that it is as the header says */

static ngx_str_t
gather(ngx_http_jamhook_writer_t *w, ngx_uint_t *buffers, ngx_uint_t *sound)
{
    u_char       *p;
    ngx_str_t     s;
    ngx_uint_t    n, good;
    ngx_chain_t  *out, *cl;

    n = 0;
    good = 0;

    s.len = w->size;
    s.data = ngx_pnalloc(pool, s.len + 1);
    p = s.data;

    if (ngx_http_jamhook_writer_end(w, &out) == NGX_OK) {
        good = 1;

        for (cl = out; cl; cl = cl->next) {
            n++;

            if (cl->buf->last == cl->buf->pos
                || cl->buf->last_in_chain != (cl->next == NULL)
                || p + (cl->buf->last - cl->buf->pos) > s.data + s.len)
            {
                good = 0;
                break;
            }

            p = ngx_cpymem(p, cl->buf->pos, cl->buf->last - cl->buf->pos);
        }

        good = good && p == s.data + s.len;
    }

    if (buffers) {
        *buffers = n;
    }

    *sound = good;

    return s;
}


static void
test_values(void)
{
    ngx_str_t                  s, key;
    ngx_uint_t                 n, sound;
    ngx_http_jamhook_writer_t  w;

    ngx_http_jamhook_writer_init(&w, pool);

    ngx_http_jamhook_writer_open(&w, '{');
    ngx_http_jamhook_writer_name(&w, "empty");
    ngx_http_jamhook_writer_open(&w, '{');
    ngx_http_jamhook_writer_close(&w, '}');
    ngx_http_jamhook_writer_name(&w, "list");
    ngx_http_jamhook_writer_open(&w, '[');
    ngx_http_jamhook_writer_int(&w, 0);
    ngx_http_jamhook_writer_int(&w, -1);
    ngx_http_jamhook_writer_int(&w, INT64_MAX);
    ngx_http_jamhook_writer_int(&w, INT64_MIN);
    ngx_http_jamhook_writer_open(&w, '[');
    ngx_http_jamhook_writer_close(&w, ']');
    ngx_http_jamhook_writer_bool(&w, 1);
    ngx_http_jamhook_writer_bool(&w, 0);
    ngx_http_jamhook_writer_null(&w);
    ngx_http_jamhook_writer_text(&w, "t");
    ngx_http_jamhook_writer_text(&w, NULL);

    ngx_str_null(&s);
    ngx_http_jamhook_writer_str(&w, &s);
    ngx_str_set(&s, "");
    ngx_http_jamhook_writer_str(&w, &s);
    ngx_http_jamhook_writer_close(&w, ']');

    key = shim_bytes(pool, "k\"<\xff", 4);
    ngx_http_jamhook_writer_key(&w, &key);
    ngx_http_jamhook_writer_open(&w, '{');
    ngx_http_jamhook_writer_name(&w, "a");
    ngx_http_jamhook_writer_int(&w, 1);
    ngx_http_jamhook_writer_close(&w, '}');
    ngx_http_jamhook_writer_close(&w, '}');

    s = gather(&w, &n, &sound);

    ok(sound && n == 1, "one buffer, which ends the chain");
    is(s, "{\"empty\":{},\"list\":[0,-1,9223372036854775807,"
          "-9223372036854775808,[],true,false,null,\"t\",null,null,\"\"],"
          "\"k\\\"<" R "\":{\"a\":1}}",
       "structure, commas and values");
}


static void
test_times(void)
{
    ngx_str_t                  s;
    ngx_uint_t                 i, sound;
    ngx_http_jamhook_writer_t  w;

    static struct {
        int64_t      ms;
        const char  *text;
    } times[] = {
        { 0, "null" },
        { -1, "null" },
        { 1, "\"1970-01-01T00:00:00.001Z\"" },
        { 951782400000, "\"2000-02-29T00:00:00.000Z\"" },
        { 1795446245123, "\"2026-11-23T15:04:05.123Z\"" },
        { 4107542399999, "\"2100-02-28T23:59:59.999Z\"" },
        { 4107542400000, "\"2100-03-01T00:00:00.000Z\"" },
        { 253402300799999, "\"9999-12-31T23:59:59.999Z\"" },
        { INT64_MAX, "\"9999-12-31T23:59:59.999Z\"" }
    };

    for (i = 0; i < nitems(times); i++) {
        ngx_http_jamhook_writer_init(&w, pool);
        ngx_http_jamhook_writer_time(&w, times[i].ms);
        s = gather(&w, NULL, &sound);
        is(s, times[i].text, "the time %lld", (long long) times[i].ms);
    }
}


static void
test_texts(void)
{
    char                      *why;
    size_t                     before;
    u_char                    *expected;
    ngx_str_t                  s, in, filler;
    ngx_uint_t                 i, n, sound, good;
    ngx_http_jamhook_writer_t  w;

    for (i = 0; i < nitems(texts); i++) {
        ngx_http_jamhook_writer_init(&w, pool);
        in = shim_bytes(pool, texts[i].in, texts[i].len);
        ngx_http_jamhook_writer_str(&w, &in);
        s = gather(&w, NULL, &sound);

        ok(s.len == strlen(texts[i].out) + 2 && s.data[0] == '"'
           && memcmp(s.data + 1, texts[i].out, s.len - 2) == 0
           && s.data[s.len - 1] == '"',
           "text %d", (int) i)
            || (diag("got", s.data, s.len), 1);
    }

    /* each with the end of a buffer at each of its bytes */

    good = 1;

    for (i = 0; i < nitems(texts); i++) {

        for (before = NGX_HTTP_JAMHOOK_WRITER_BUFFER - 60;
             before <= NGX_HTTP_JAMHOOK_WRITER_BUFFER;
             before++)
        {
            ngx_http_jamhook_writer_init(&w, pool);
            ngx_http_jamhook_writer_open(&w, '{');

            filler.len = before;
            filler.data = ngx_pnalloc(pool, before);
            ngx_memset(filler.data, 'x', before);
            ngx_http_jamhook_writer_key(&w, &filler);

            in = shim_bytes(pool, texts[i].in, texts[i].len);
            ngx_http_jamhook_writer_str(&w, &in);
            ngx_http_jamhook_writer_close(&w, '}');

            s = gather(&w, &n, &sound);

            n = strlen(texts[i].out);
            expected = s.data + before + 5;

            good = good && sound
                   && s.len == before + n + 7
                   && memcmp(expected, texts[i].out, n) == 0
                   && ngx_http_jamhook_json_check(&s, &why) == NGX_OK;
        }

        ngx_destroy_pool(pool);
        pool = ngx_create_pool(1, NULL);
    }

    ok(good, "the same across the border of two buffers");
}


/* noise of all bytes is always JSON, and UTF-8 */

static void
test_noise(void)
{
    char                      *why;
    u_char                     bytes[97];
    uint32_t                   seed;
    ngx_str_t                  s, in;
    ngx_uint_t                 i, j, sound, good;
    ngx_http_jamhook_writer_t  w;

    static const u_char  odd[] = {
        0xc2, 0xe0, 0xe2, 0xed, 0xf0, 0xf4, 0x80, 0x82, 0x90, 0xa8, 0xbf
    };

    seed = 1;
    good = 1;

    for (i = 0; i < 5000; i++) {

        for (j = 0; j < sizeof(bytes); j++) {
            seed = seed * 1103515245 + 12345;
            bytes[j] = (seed >> 30) ? odd[(seed >> 16) % sizeof(odd)]
                                    : (u_char) (seed >> 16);
        }

        ngx_http_jamhook_writer_init(&w, pool);
        ngx_http_jamhook_writer_open(&w, '{');

        in = shim_bytes(pool, bytes, sizeof(bytes));
        ngx_http_jamhook_writer_key(&w, &in);
        ngx_http_jamhook_writer_str(&w, &in);
        ngx_http_jamhook_writer_close(&w, '}');

        s = gather(&w, NULL, &sound);

        good = good && sound
               && ngx_http_jamhook_json_check(&s, &why) == NGX_OK;

        ngx_destroy_pool(pool);
        pool = ngx_create_pool(1, NULL);
    }

    ok(good, "noise comes out as JSON");
}


static void
test_large(void)
{
    ngx_str_t                  s, in;
    ngx_uint_t                 n, i, sound;
    ngx_http_jamhook_writer_t  w;

    in.len = 5 * 1024 * 1024 + 1;
    in.data = ngx_pnalloc(pool, in.len);
    ngx_memset(in.data, 'a', in.len);

    ngx_http_jamhook_writer_init(&w, pool);
    ngx_http_jamhook_writer_str(&w, &in);
    s = gather(&w, &n, &sound);

    ok(sound && s.len == in.len + 2
       && memcmp(s.data + 1, in.data, in.len) == 0,
       "a large string is whole");
    ok(n == 2, "and has a buffer of its own");

    for (i = 0; i < in.len; i += 100) {
        in.data[i] = 0x01;
    }

    ngx_http_jamhook_writer_init(&w, pool);
    ngx_http_jamhook_writer_str(&w, &in);
    s = gather(&w, &n, &sound);

    ok(sound && s.len == in.len + 2 + (in.len + 99) / 100 * 5,
       "one with much to escape is whole");
    ok(n == s.len / NGX_HTTP_JAMHOOK_WRITER_BUFFER + 1, "in %d buffers",
       (int) n);
}


static ngx_int_t
run(ngx_pool_t *p)
{
    ngx_int_t                  rc;
    ngx_str_t                  in;
    ngx_uint_t                 i;
    ngx_chain_t               *out;
    ngx_http_jamhook_writer_t  w;

    static u_char  text[100000];

    ngx_memset(text, 'a', sizeof(text));
    in.data = text;
    in.len = sizeof(text);

    ngx_http_jamhook_writer_init(&w, p);
    ngx_http_jamhook_writer_open(&w, '[');
    ngx_http_jamhook_writer_time(&w, 1);

    for (i = 0; i < 10000; i++) {
        ngx_http_jamhook_writer_int(&w, i);
    }

    ngx_http_jamhook_writer_str(&w, &in);
    text[0] = 0xff;
    ngx_http_jamhook_writer_str(&w, &in);
    ngx_http_jamhook_writer_close(&w, ']');

    rc = ngx_http_jamhook_writer_end(&w, &out);

    return (rc == NGX_OK && out == NULL) ? NGX_DECLINED : rc;
}


int
main(void)
{
    ngx_uint_t                 sound;
    ngx_http_jamhook_writer_t  w;

    pool = ngx_create_pool(1, NULL);

    test_values();
    test_times();
    test_texts();
    test_noise();
    test_large();

    ngx_http_jamhook_writer_init(&w, pool);
    ok(gather(&w, NULL, &sound).len == 0 && sound, "nothing written");

    ok(shim_exhaust(run) > 4, "out of memory at each of its allocations");

    ngx_destroy_pool(pool);

    return done();
}
