
#define _GNU_SOURCE                  /* memmem() */

#include "ngx_http_jamhook_headers.h"
#include "ngx_http_jamhook_json.h"

#include "ngx_shim.h"
#include "tap.h"


typedef struct {
    const char  *key;
    const char  *value;              /* NULL: none, nginx's own */
    size_t       len;
    const char  *json;               /* of this header alone */
} header_t;


#define S(s)  s, sizeof(s) - 1

static header_t  headers[] = {
    { "Host", S("example.com"), "[[\"Host\",\"example.com\"]]" },
    { "X-Empty", S(""), "[[\"X-Empty\",\"\"]]" },
    { "Server", NULL, 0, "[]" },
    { "Authorization", S("Bearer 123"), "[[\"Authorization\",\"***\"]]" },
    { "proxy-authorization", S("a"), "[[\"proxy-authorization\",\"***\"]]" },
    { "COOKIE", S("a=b"), "[[\"COOKIE\",\"***\"]]" },
    { "Set-Cookie", S("a=b"), "[[\"Set-Cookie\",\"***\"]]" },
    { "X-Api-Key", S("k"), "[[\"X-Api-Key\",\"***\"]]" },
    { "X-Api-Keys", S("k"), "[[\"X-Api-Keys\",\"k\"]]" },
    { "X-Quote", S("a\"b\\c\x01"), "[[\"X-Quote\",\"a\\\"b\\\\c\\u0001\"]]" },
    { "X-Utf8", S("J\xc3\xb6rg \xe2\x82\xac \xf0\x9f\x8e\xa5"),
      "[[\"X-Utf8\",\"J\xc3\xb6rg \xe2\x82\xac \xf0\x9f\x8e\xa5\"]]" },

    /* what is no UTF-8 is taken for ISO 8859-1 */

    { "X-Latin", S("J\xf6rg"), "[[\"X-Latin\",\"J\xc3\xb6rg\"]]" },
    { "X-Latin", S("\xf6\"\xff\x02" "a"),
      "[[\"X-Latin\",\"\xc3\xb6\\\"\xc3\xbf\\u0002a\"]]" },
    { "X-Cut", S("a\xe2\x82"), "[[\"X-Cut\",\"a\xc3\xa2\xc2\x82\"]]" },
    { "X-Half", S("\xed\xa0\x80"),
      "[[\"X-Half\",\"\xc3\xad\xc2\xa0\xc2\x80\"]]" },
    { "X-High", S("\xf4\x90\x80\x80"),
      "[[\"X-High\",\"\xc3\xb4\xc2\x90\xc2\x80\xc2\x80\"]]" },
    { "X-B\xfc", S("1"), "[[\"X-B\xc3\xbc\",\"1\"]]" },
    { "X-Nul", S("a\0b"), "[[\"X-Nul\",\"a\\u0000b\"]]" },
};


static ngx_list_t       list;
static ngx_table_elt_t  elts[nitems(headers)];


static void
set(ngx_pool_t *pool, ngx_uint_t first, ngx_uint_t n)
{
    ngx_uint_t  i;

    ngx_memzero(&list, sizeof(ngx_list_t));
    ngx_memzero(elts, sizeof(elts));

    list.part.elts = elts;
    list.part.nelts = n;

    for (i = 0; i < n; i++) {
        elts[i].hash = 1;
        elts[i].key = shim_str(pool, headers[first + i].key);

        if (headers[first + i].value) {
            elts[i].value = shim_bytes(pool, headers[first + i].value,
                                       headers[first + i].len);
        }
    }
}


static ngx_int_t
write_all(ngx_pool_t *pool)
{
    ngx_str_t  json;

    return ngx_http_jamhook_headers_json(&list, pool, &json);
}


static char *
read_back(ngx_pool_t *pool, const char *json, size_t len)
{
    u_char                     *p;
    ngx_int_t                   rc;
    ngx_str_t                   text;
    ngx_uint_t                  i;
    ngx_array_t                 read;
    ngx_http_jamhook_header_t  *h;

    text = shim_bytes(pool, json, len);
    rc = ngx_http_jamhook_headers_read(&text, pool, &read);

    if (rc != NGX_OK) {
        return (rc == NGX_DECLINED) ? "declined" : "error";
    }

    len = 1;
    h = read.elts;

    for (i = 0; i < read.nelts; i++) {
        len += h[i].name.len + h[i].value.len + 2;
    }

    text.data = ngx_palloc(pool, len);
    p = text.data;

    for (i = 0; i < read.nelts; i++) {
        p = ngx_cpymem(p, h[i].name.data, h[i].name.len);
        *p++ = '=';
        p = ngx_cpymem(p, h[i].value.data, h[i].value.len);
        *p++ = ';';
    }

    *p = '\0';

    return (char *) text.data;
}


static void
test_read(ngx_pool_t *pool)
{
    char        *got;
    size_t       cut;
    ngx_uint_t   i, good;

    static const char  whole[] =
        "[[\"a\",\"\\ud83c\\udfa5\\\"\"],[\"A\",\"c\"],[\"\",\"\"]]";

    static struct {
        const char  *json;
        const char  *read;
    } texts[] = {
        { "[]", "" },
        { "[[\"A-b\",\"C\"]]", "a-b=C;" },
        { "[[\"a\",\"\"],[\"\",\"b\"]]", "a=;=b;" },
        { "[[\"X\",\"1\"],[\"y\",\"2\"],[\"x\",\"3\"],[\"Y\",\"\"],"
          "[\"x\",\"5\"]]",
          "x=1, 3, 5;y=2, ;" },
        { "[[\"a\",\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0041\"]]",
          "a=\"\\/\b\f\n\r\tA;" },
        { "[[\"a\",\"\\u00f6\\u20AC\\ud83c\\udfa5\"]]",
          "a=\xc3\xb6\xe2\x82\xac\xf0\x9f\x8e\xa5;" },
        { "[[\"a\",\"\xf6\xff\"]]", "a=\xf6\xff;" },

        { "", "declined" },
        { "{}", "declined" },
        { "null", "declined" },
        { " []", "declined" },
        { "[] ", "declined" },
        { "[[]]", "declined" },
        { "[[\"a\"]]", "declined" },
        { "[[\"a\",\"b\",\"c\"]]", "declined" },
        { "[[\"a\",1]]", "declined" },
        { "[[\"a\",null]]", "declined" },
        { "[[\"a\",\"b\"],]", "declined" },
        { "[,[\"a\",\"b\"]]", "declined" },
        { "[[\"a\",\"b\"][\"a\",\"b\"]]", "declined" },
        { "[[\"a\",\"b\"]]]", "declined" },
        { "[[\"a\",\"b\n\"]]", "declined" },
        { "[[\"a\",\"\\x\"]]", "declined" },
        { "[[\"a\",\"\\", "declined" },
        { "[[\"a\",\"\\u12g4\"]]", "declined" },
        { "[[\"a\",\"\\ud83c\"]]", "declined" },
        { "[[\"a\",\"\\ud83cx\"]]", "declined" },
        { "[[\"a\",\"\\ud83c\\u0041\"]]", "declined" },
        { "[[\"a\",\"\\udfa5\"]]", "declined" },
    };

    for (i = 0; i < nitems(texts); i++) {
        got = read_back(pool, texts[i].json, strlen(texts[i].json));
        ok(strcmp(got, texts[i].read) == 0, "read: %s", texts[i].json)
            || (diag("got", (u_char *) got, strlen(got)), 1);
    }

    got = read_back(pool, whole, sizeof(whole) - 1);
    ok(strcmp(got, "a=\xf0\x9f\x8e\xa5\", c;=;") == 0, "one that is whole");

    good = 1;

    for (cut = 0; cut < sizeof(whole) - 1; cut++) {
        got = read_back(pool, whole, cut);
        good = good && strcmp(got, "declined") == 0;
    }

    ok(good, "is declined wherever it is cut off");
}


static ngx_int_t
read_all(ngx_pool_t *pool)
{
    ngx_str_t    json;
    ngx_array_t  read;

    ngx_str_set(&json, "[[\"a\",\"1\"],[\"b\",\"2\"],[\"a\",\"3\"]]");

    return ngx_http_jamhook_headers_read(&json, pool, &read);
}


int
main(void)
{
    char         *why;
    ngx_str_t     json, text;
    ngx_uint_t    i;
    ngx_pool_t   *pool;

    pool = ngx_create_pool(1024, NULL);

    for (i = 0; i < nitems(headers); i++) {
        set(pool, i, 1);

        ok(ngx_http_jamhook_headers_json(&list, pool, &json) == NGX_OK,
           "header %u is written", (unsigned) i);
        is(json, headers[i].json, "as \"%s\"", headers[i].json);
    }

    set(pool, 0, nitems(headers));
    elts[1].hash = 0;

    ok(ngx_http_jamhook_headers_json(&list, pool, &json) == NGX_OK,
       "all are written");
    ok(json.len > 9 && memcmp(json.data, "[[\"Host\",", 9) == 0,
       "in their order");
    ok(memmem(json.data, json.len, "X-Empty", 7) == NULL,
       "without those that were removed");

    /* as a member, for a check takes an object alone */

    text.data = ngx_palloc(pool, json.len + 6);
    memcpy(text.data, "{\"a\":", 5);
    memcpy(text.data + 5, json.data, json.len);
    text.data[5 + json.len] = '}';
    text.len = json.len + 6;

    ok(ngx_http_jamhook_json_check(&text, &why) == NGX_OK,
       "and it is JSON in UTF-8");

    set(pool, 0, 0);
    ok(ngx_http_jamhook_headers_json(&list, pool, &json) == NGX_OK,
       "none are written");
    is(json, "[]", "as an empty list");

    set(pool, 0, nitems(headers));
    ok(shim_exhaust(write_all) == 1, "one allocation, and it may fail");

    test_read(pool);

    ok(shim_exhaust(read_all) == 4, "reading has four, and they may");

    ngx_destroy_pool(pool);

    return done();
}
