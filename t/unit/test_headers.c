
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

    ngx_destroy_pool(pool);

    return done();
}
