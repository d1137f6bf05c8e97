
#include "ngx_http_jamhook_json.h"

#include <cjson/cJSON.h>

#include "ngx_shim.h"
#include "tap.h"


#define JSON(s)  { s, sizeof(s) - 1 }


typedef struct {
    const char  *text;
    size_t       len;
} text_t;


static text_t  json_good[] = {
    JSON("{}"),
    JSON(" \t\r\n{ \t\r\n} \t\r\n"),
    JSON("{\"a\":1}"),
    JSON("{ \"a\" : 1 , \"b\" : [ 1 , 2 ] }"),
    JSON("{\"\":\"\"}"),
    JSON("{\"a\":{}}"),
    JSON("{\"a\":[]}"),
    JSON("{\"a\":[[],{}]}"),
    JSON("{\"a\":true,\"b\":false,\"c\":null}"),
    JSON("{\"a\":1,\"a\":2}"),
    JSON("{\"a\":0}"),
    JSON("{\"a\":-0}"),
    JSON("{\"a\":-1}"),
    JSON("{\"a\":10}"),
    JSON("{\"a\":0.0}"),
    JSON("{\"a\":0e0}"),
    JSON("{\"a\":1.5e+10}"),
    JSON("{\"a\":1E-10}"),
    JSON("{\"a\":1e999}"),
    JSON("{\"a\":123456789012345678901234567890}"),
    JSON("{\"a\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"}"),
    JSON("{\"a\":\"\\u0041\\uabcd\\uABCD\"}"),
    JSON("{\"a\":\"\\u0000\"}"),
    JSON("{\"a\":\"\\u001f\"}"),
    JSON("{\"a\":\"\\ud7ff\\ue000\"}"),
    JSON("{\"a\":\"\\ud800\\udc00\\uDBFF\\uDFFF\"}"),
    JSON("{\"a\":\"\x7f\"}"),
    JSON("{\"a\":\"\xc2\x80\xdf\xbf\"}"),
    JSON("{\"a\":\"\xe0\xa0\x80\xef\xbf\xbf\"}"),
    JSON("{\"a\":\"\xed\x9f\xbf\xee\x80\x80\"}"),
    JSON("{\"a\":\"\xf0\x90\x80\x80\xf4\x8f\xbf\xbf\"}"),
    JSON("{\"a\":\"\xf1\x80\x80\x80\xf3\xbf\xbf\xbf\"}"),
    JSON("{\"a\":\"\xef\xbb\xbf\"}"),
    JSON("{\"\xc3\xa9\":1}"),
    JSON("{\"a\":\"//\",\"b\":\"{[\"}")
};


static text_t  json_bad[] = {

    /* not one object */

    JSON(""),
    JSON(" "),
    JSON("null"),
    JSON("1"),
    JSON("\"a\""),
    JSON("[]"),
    JSON("[{}]"),
    JSON("{}{}"),
    JSON("{} {}"),
    JSON("{}1"),
    JSON("{},"),
    JSON("{}}"),
    JSON("{}]"),
    JSON("{}\0"),
    JSON("\0{}"),
    JSON("{\0}"),
    JSON("\xef\xbb\xbf{}"),
    JSON("\xff\xfe{}"),
    JSON("\f{}"),
    JSON("\v{}"),
    JSON("\xc2\xa0{}"),
    JSON("{}\xc2\xa0"),
    JSON("{} //"),
    JSON("/**/{}"),
    JSON("{/**/}"),

    /* brackets, commas, colons */

    JSON("}"),
    JSON("{"),
    JSON("{]"),
    JSON("{\"a\":[}"),
    JSON("{\"a\":[1}"),
    JSON("{\"a\":{]}"),
    JSON("{\"a\":[}]"),
    JSON("{\"a\":[{]}}"),
    JSON("{,}"),
    JSON("{\"a\":1,}"),
    JSON("{,\"a\":1}"),
    JSON("{\"a\":1,,\"b\":1}"),
    JSON("{\"a\":1 \"b\":1}"),
    JSON("{\"a\":1;\"b\":1}"),
    JSON("{\"a\"}"),
    JSON("{\"a\":}"),
    JSON("{\"a\" 1}"),
    JSON("{\"a\"::1}"),
    JSON("{\"a\"=1}"),
    JSON("{\"a\":1:2}"),
    JSON("{:1}"),
    JSON("{\"a\":[1,]}"),
    JSON("{\"a\":[,1]}"),
    JSON("{\"a\":[,]}"),
    JSON("{\"a\":[1 2]}"),
    JSON("{\"a\":[1:2]}"),
    JSON("{\"a\":[\"b\":2]}"),
    JSON("{\"a\":(1)}"),

    /* names */

    JSON("{a:1}"),
    JSON("{'a':1}"),
    JSON("{1:1}"),
    JSON("{null:1}"),
    JSON("{[]:1}"),
    JSON("{{}:1}"),
    JSON("{\"a:1}"),
    JSON("{\"a\xff\":1}"),
    JSON("{\"\\ud800\":1}"),
    JSON("{\"a\nb\":1}"),

    /* literals */

    JSON("{\"a\":True}"),
    JSON("{\"a\":TRUE}"),
    JSON("{\"a\":tru}"),
    JSON("{\"a\":truee}"),
    JSON("{\"a\":fals}"),
    JSON("{\"a\":nul}"),
    JSON("{\"a\":nulll}"),
    JSON("{\"a\":nan}"),
    JSON("{\"a\":NaN}"),
    JSON("{\"a\":Infinity}"),
    JSON("{\"a\":undefined}"),
    JSON("{\"a\":b}"),
    JSON("{\"a\":'b'}"),

    /* numbers */

    JSON("{\"a\":01}"),
    JSON("{\"a\":00}"),
    JSON("{\"a\":-01}"),
    JSON("{\"a\":-}"),
    JSON("{\"a\":--1}"),
    JSON("{\"a\":+1}"),
    JSON("{\"a\":.5}"),
    JSON("{\"a\":-.5}"),
    JSON("{\"a\":1.}"),
    JSON("{\"a\":1.e1}"),
    JSON("{\"a\":1.2.3}"),
    JSON("{\"a\":1e}"),
    JSON("{\"a\":1e+}"),
    JSON("{\"a\":1e1.5}"),
    JSON("{\"a\":1e1e1}"),
    JSON("{\"a\":e1}"),
    JSON("{\"a\":0x10}"),
    JSON("{\"a\":1_000}"),
    JSON("{\"a\":1a}"),
    JSON("{\"a\":- 1}"),
    JSON("{\"a\":1 000}"),
    JSON("{\"a\":-Infinity}"),

    /* strings: control characters, escapes, surrogates */

    JSON("{\"a\":\"\n\"}"),
    JSON("{\"a\":\"\t\"}"),
    JSON("{\"a\":\"\0\"}"),
    JSON("{\"a\":\"\x1f\"}"),
    JSON("{\"a\":\"\\a\"}"),
    JSON("{\"a\":\"\\v\"}"),
    JSON("{\"a\":\"\\0\"}"),
    JSON("{\"a\":\"\\'\"}"),
    JSON("{\"a\":\"\\x41\"}"),
    JSON("{\"a\":\"\\U0041\"}"),
    JSON("{\"a\":\"\\\0\"}"),
    JSON("{\"a\":\"\\\n\"}"),
    JSON("{\"a\":\"\\u\"}"),
    JSON("{\"a\":\"\\u004\"}"),
    JSON("{\"a\":\"\\u004g\"}"),
    JSON("{\"a\":\"\\u-041\"}"),
    JSON("{\"a\":\"\\u 041\"}"),
    JSON("{\"a\":\"\\ud800\"}"),
    JSON("{\"a\":\"\\udbff\"}"),
    JSON("{\"a\":\"\\udc00\"}"),
    JSON("{\"a\":\"\\udfff\"}"),
    JSON("{\"a\":\"\\ud800x\"}"),
    JSON("{\"a\":\"\\ud800\\n\"}"),
    JSON("{\"a\":\"\\ud800\\u0041\"}"),
    JSON("{\"a\":\"\\ud800\\ud800\"}"),
    JSON("{\"a\":\"\\ud800\\ue000\"}"),
    JSON("{\"a\":\"\\ud800\\udc0\"}"),
    JSON("{\"a\":\"\\udc00\\ud800\"}"),
    JSON("{\"a\":\"b}"),
    JSON("{\"a\":\"b\\\"}"),

    /* strings: UTF-8 */

    JSON("{\"a\":\"\x80\"}"),
    JSON("{\"a\":\"\xbf\"}"),
    JSON("{\"a\":\"\xc0\x80\"}"),
    JSON("{\"a\":\"\xc0\xaf\"}"),
    JSON("{\"a\":\"\xc1\xbf\"}"),
    JSON("{\"a\":\"\xc2\"}"),
    JSON("{\"a\":\"\xc2\x7f\"}"),
    JSON("{\"a\":\"\xc2\xc0\"}"),
    JSON("{\"a\":\"\xe0\x80\xaf\"}"),
    JSON("{\"a\":\"\xe0\x9f\xbf\"}"),
    JSON("{\"a\":\"\xe1\x80\"}"),
    JSON("{\"a\":\"\xe1\x80\x7f\"}"),
    JSON("{\"a\":\"\xe1\x80\xc0\"}"),
    JSON("{\"a\":\"\xed\xa0\x80\"}"),
    JSON("{\"a\":\"\xed\xbf\xbf\"}"),
    JSON("{\"a\":\"\xf0\x80\x80\x80\"}"),
    JSON("{\"a\":\"\xf0\x8f\xbf\xbf\"}"),
    JSON("{\"a\":\"\xf1\x80\x80\"}"),
    JSON("{\"a\":\"\xf1\x80\x80\x7f\"}"),
    JSON("{\"a\":\"\xf4\x90\x80\x80\"}"),
    JSON("{\"a\":\"\xf5\x80\x80\x80\"}"),
    JSON("{\"a\":\"\xf8\x88\x80\x80\x80\"}"),
    JSON("{\"a\":\"\xfe\"}"),
    JSON("{\"a\":\"\xff\"}")
};


static const char  json_document[] =
    " {\"id\":\"evt_\\u0031\\ud83d\\ude00\\n\", \"n\":[-0.5e-3,true,false,"
    "null,{\"a\":{}}],\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\":\"\\u0000\"}";


static void
test_good(ngx_pool_t *pool)
{
    char                     *why;
    ngx_int_t                 rc;
    ngx_str_t                 s;
    ngx_uint_t                i;
    ngx_http_jamhook_json_t  *root;

    for (i = 0; i < nitems(json_good); i++) {
        why = NULL;
        root = NULL;

        s = shim_bytes(pool, json_good[i].text, json_good[i].len);

        rc = ngx_http_jamhook_json_check(&s, &why);
        ok(rc == NGX_OK && why == NULL, "valid: %s", json_good[i].text);

        rc = ngx_http_jamhook_json_parse(pool, &s, &root, &why);
        ok(rc == NGX_OK && cJSON_IsObject(root), "and parsed");
    }
}


static void
test_bad(ngx_pool_t *pool)
{
    char                     *why;
    ngx_int_t                 rc;
    ngx_str_t                 s;
    ngx_uint_t                i;
    ngx_http_jamhook_json_t  *root;

    for (i = 0; i < nitems(json_bad); i++) {
        why = NULL;

        s = shim_bytes(pool, json_bad[i].text, json_bad[i].len);

        rc = ngx_http_jamhook_json_check(&s, &why);
        ok(rc == NGX_DECLINED && why != NULL,
           "refused: %s (%s)", json_bad[i].text, why);

        why = NULL;

        ok(ngx_http_jamhook_json_parse(pool, &s, &root, &why) == NGX_DECLINED
           && why != NULL,
           "and not parsed");
    }
}


static void
test_prefixes(ngx_pool_t *pool)
{
    char        *why;
    size_t       len, full;
    ngx_str_t    s;
    ngx_uint_t   n;

    full = sizeof(json_document) - 1;

    for (n = 0, len = 0; len < full; len++) {
        s = shim_bytes(pool, json_document, len);
        n += ngx_http_jamhook_json_check(&s, &why) == NGX_DECLINED;
    }

    ok(n == full, "each of %u prefixes of a document is refused", (unsigned) n);

    s = shim_bytes(pool, json_document, full);
    ok(ngx_http_jamhook_json_check(&s, &why) == NGX_OK, "the whole is not");

    for (n = 0, len = 0; len < full; len++) {
        s.data[len] ^= 0x80;
        n += ngx_http_jamhook_json_check(&s, &why) == NGX_DECLINED;
        s.data[len] ^= 0x80;
    }

    ok(n == full, "nor is one with a byte's high bit turned over taken");
}


/* objects, arrays and both, one in another; the root counts as one */

static void
test_depth(ngx_pool_t *pool)
{
    char        *why;
    u_char      *p;
    ngx_int_t    rc;
    ngx_str_t    s;
    ngx_uint_t   i, kind, depth;

    static ngx_uint_t  depths[] = { 2, 63, 64, 65, 66, 128, 200, 100000 };

    for (kind = 0; kind < 3; kind++) {

        for (i = 0; i < nitems(depths); i++) {
            depth = depths[i];

            s.data = ngx_pnalloc(pool, 16 * depth + 16);
            p = ngx_cpymem(s.data, "{\"a\":", 5);

            for (depth = 1; depth < depths[i]; depth++) {
                p = (kind == 0 || (kind == 2 && depth % 2 == 0))
                    ? ngx_cpymem(p, "{\"a\":", 5) : ngx_cpymem(p, "[", 1);
            }

            p = ngx_cpymem(p, "1", 1);

            for (depth = depths[i] - 1; depth > 0; depth--) {
                p = (kind == 0 || (kind == 2 && depth % 2 == 0))
                    ? ngx_cpymem(p, "}", 1) : ngx_cpymem(p, "]", 1);
            }

            p = ngx_cpymem(p, "}", 1);
            s.len = p - s.data;

            rc = ngx_http_jamhook_json_check(&s, &why);

            ok(rc == ((depths[i] <= 64) ? NGX_OK : NGX_DECLINED),
               "%u levels, kind %u", (unsigned) depths[i], (unsigned) kind);

            if (rc != NGX_OK) {
                ok(strstr(why, "too deep") != NULL, "for that reason");
            }

            /* a wrong bracket at the inmost level is still seen */

            if (depths[i] == 64) {
                p = ngx_strlchr(s.data, s.data + s.len, '1') + 1;
                *p = (*p == '}') ? ']' : '}';

                ok(ngx_http_jamhook_json_check(&s, &why) == NGX_DECLINED,
                   "64 levels, kind %u, a wrong bracket", (unsigned) kind);
            }
        }
    }

    s.data = ngx_pnalloc(pool, 100000);
    s.len = 100000;
    memset(s.data, '[', s.len);
    memcpy(s.data, "{\"a\":", 5);

    ok(ngx_http_jamhook_json_check(&s, &why) == NGX_DECLINED,
       "100,000 brackets");

    /* closing makes room again */

    p = ngx_cpymem(s.data, "{\"a\":[[]", 8);

    for (i = 0; i < 1000; i++) {
        p = ngx_cpymem(p, ",[{}]", 5);
    }

    p = ngx_cpymem(p, "]}", 2);
    s.len = p - s.data;

    ok(ngx_http_jamhook_json_check(&s, &why) == NGX_OK,
       "1,000 arrays side by side");
}


static ngx_http_jamhook_json_t *
parse(ngx_pool_t *pool, const char *text)
{
    char                     *why;
    ngx_str_t                 s;
    ngx_http_jamhook_json_t  *root;

    s = shim_str(pool, text);

    if (ngx_http_jamhook_json_parse(pool, &s, &root, &why) != NGX_OK) {
        abort();
    }

    return root;
}


static void
test_members(ngx_pool_t *pool)
{
    ngx_uint_t                i;
    ngx_http_jamhook_json_t  *root, *item;

    static struct {
        char                          *name;
        ngx_http_jamhook_json_kind_e   kind;
    } table[] = {
        { "string", NGX_HTTP_JAMHOOK_JSON_STRING },
        { "number", NGX_HTTP_JAMHOOK_JSON_NUMBER },
        { "object", NGX_HTTP_JAMHOOK_JSON_OBJECT },
        { "array", NGX_HTTP_JAMHOOK_JSON_OTHER },
        { "true", NGX_HTTP_JAMHOOK_JSON_OTHER },
        { "false", NGX_HTTP_JAMHOOK_JSON_OTHER },
        { "null", NGX_HTTP_JAMHOOK_JSON_NULL },
        { "", NGX_HTTP_JAMHOOK_JSON_NUMBER },
        { "twice", NGX_HTTP_JAMHOOK_JSON_DOUBLED },
        { "both null", NGX_HTTP_JAMHOOK_JSON_DOUBLED },
        { "escaped", NGX_HTTP_JAMHOOK_JSON_DOUBLED },
        { "plain", NGX_HTTP_JAMHOOK_JSON_STRING },
        { "String", NGX_HTTP_JAMHOOK_JSON_ABSENT },
        { "strin", NGX_HTTP_JAMHOOK_JSON_ABSENT },
        { "strings", NGX_HTTP_JAMHOOK_JSON_ABSENT },
        { "inner", NGX_HTTP_JAMHOOK_JSON_ABSENT },
        { "cut", NGX_HTTP_JAMHOOK_JSON_ABSENT },
    };

    root = parse(pool, "{\"string\":\"s\",\"number\":1,\"object\":"
                       "{\"inner\":1},\"array\":[1],\"true\":true,\"false\":"
                       "false,\"null\":null,\"\":1,\"twice\":1,\"escaped\":1,"
                       "\"tw\\u0069ce\":\"2\",\"\\u0065scaped\":1,\"pl\\u0061"
                       "in\":\"1\",\"both null\":null,\"both null\":null,"
                       "\"cut\\u0000off\":1}");

    for (i = 0; i < nitems(table); i++) {
        ngx_uint_t  has;

        ok(ngx_http_jamhook_json_member(root, table[i].name, &item)
           == table[i].kind, "the kind of \"%s\"", table[i].name);

        has = table[i].kind != NGX_HTTP_JAMHOOK_JSON_ABSENT
              && table[i].kind != NGX_HTTP_JAMHOOK_JSON_DOUBLED;

        ok((item != NULL) == has, "the item of \"%s\"", table[i].name);
    }

    root = parse(pool, "{}");
    ok(ngx_http_jamhook_json_member(root, "a", &item)
       == NGX_HTTP_JAMHOOK_JSON_ABSENT, "a member of an empty object");
    ok(!ngx_http_jamhook_json_has_prefix(root, "jam"), "no member, no prefix");

    root = parse(pool, "{\"ja\":1,\"ajam\":2,\"o\":{\"jam\":1}}");
    ok(!ngx_http_jamhook_json_has_prefix(root, "jam"), "no name begins so");

    root = parse(pool, "{\"a\":1,\"jam\":null}");
    ok(ngx_http_jamhook_json_has_prefix(root, "jam"), "a name is the prefix");

    root = parse(pool, "{\"a\":1,\"JaMlink\":null}");
    ok(ngx_http_jamhook_json_has_prefix(root, "jam"),
       "a name begins so, in other letters");

    root = parse(pool, "{\"\\u004aam_id\":null}");
    ok(ngx_http_jamhook_json_has_prefix(root, "jam"),
       "a name begins so, with an escape");
}


static void
test_strings(ngx_pool_t *pool)
{
    ngx_str_t                 s;
    ngx_uint_t                i;
    ngx_http_jamhook_json_t  *root, *item;

    static struct {
        char  *name;
        char  *value;          /* NULL: declined */
    } table[] = {
        { "plain", "a b" },
        { "empty", "" },
        { "escapes", "\"\\/\b\f\n\r\t" },
        { "one", "\x01" },
        { "utf8", "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80" },
        { "units", "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80" },
        { "backslash", "\\u0000" },
        { "edges", "\xc3\xbf\xef\xbf\xbf" },
        { "nul", NULL },
        { "nul first", NULL },
        { "nul last", NULL },
        { "nul twice", NULL },
        { "nul behind a backslash", NULL },
    };

    root = parse(pool,
                 "{\"plain\":\"a b\",\"empty\":\"\","
                 "\"escapes\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t\","
                 "\"one\":\"\\u0001\","
                 "\"utf8\":\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\","
                 "\"units\":\"\\u00e9\\u20AC\\ud83d\\uDE00\","
                 "\"backslash\":\"\\\\u0000\","
                 "\"edges\":\"\\u00ff\\uffff\","
                 "\"nul\":\"\\u0000\",\"nul first\":\"\\u0000a\","
                 "\"nul last\":\"a\\u0000\","
                 "\"nul twice\":\"a\\u0000\\u0000b\","
                 "\"nul behind a backslash\":\"\\\\\\u0000\"}");

    for (i = 0; i < nitems(table); i++) {
        (void) ngx_http_jamhook_json_member(root, table[i].name, &item);

        if (table[i].value == NULL) {
            ok(ngx_http_jamhook_json_string(item, &s) == NGX_DECLINED,
               "a string with \\u0000: %s", table[i].name);
            continue;
        }

        ok(ngx_http_jamhook_json_string(item, &s) == NGX_OK,
           "a string: %s", table[i].name);
        is(s, table[i].value, "its value");
    }
}


/* numbers that cJSON can't take are read past, the rest stays as it is */

static void
test_numbers(ngx_pool_t *pool)
{
    char                      text[600];
    u_char                    buf[16];
    ngx_int_t                 rc;
    ngx_str_t                 s;
    ngx_uint_t                i;
    ngx_http_jamhook_json_t  *root, *item;

    static struct {
        char  *number;
        char  *digits;         /* NULL: declined */
    } table[] = {
        { "0", "0" },
        { "1", "1" },
        { "10", "10" },
        { "215470686832743", "215470686832743" },
        { "999999999999999", "999999999999999" },
        { "1.0", "1" },
        { "1e3", "1000" },
        { "1000000000000000", NULL },
        { "9007199254740993", NULL },
        { "1e15", NULL },
        { "1e400", NULL },
        { "-1", NULL },
        { "-0", NULL },
        { "-0.0", NULL },
        { "0.5", NULL },
        { "1.5", NULL },
        { "1e-1", NULL },
        { "1000000000000000000000000000000000000000000000000000000000000000",
          NULL },
        { "1.00000000000000000000000000000000000000"
          "00000000000000000000000", "1" },    /* 63 */
        { "1.00000000000000000000000000000000000000"
          "000000000000000000000000", NULL },    /* 64 */
        { "1.00000000000000000000000000000000000000"
          "0000000000000000000000000", NULL },    /* 65 */
        { "0.50000000000000000000000000000000000000000000000000000000000000"
          "000000000000000000000000000000000000000000000000000000000000000",
          NULL },
    };

    for (i = 0; i < nitems(table); i++) {
        (void) snprintf(text, sizeof(text),
                        "{\"a\":[\"%s\"],\"n\":%s,\"s\":\"%s\"}",
                        table[i].number, table[i].number, table[i].number);

        root = parse(pool, text);

        (void) ngx_http_jamhook_json_member(root, "n", &item);

        rc = ngx_http_jamhook_json_integer(item, buf, &s);

        if (table[i].digits == NULL) {
            ok(rc == NGX_DECLINED, "no integer: %s", table[i].number);

        } else if (ok(rc == NGX_OK, "an integer: %s", table[i].number)) {
            is(s, table[i].digits, "its digits");
        }

        (void) ngx_http_jamhook_json_member(root, "s", &item);
        (void) ngx_http_jamhook_json_string(item, &s);
        is(s, table[i].number, "the same in a string stays as it is");
    }
}


static void
test_escape(ngx_pool_t *pool)
{
    size_t                    len;
    u_char                    all[256];
    ngx_str_t                 s, out;
    ngx_uint_t                i;
    ngx_http_jamhook_json_t  *root, *item;

    s = shim_bytes(pool, "a\"b\\c/\b\f\n\r\t\0\x1f\x7f\xc3\xa9", 16);

    len = ngx_http_jamhook_json_escaped_length(&s);
    out.data = ngx_pnalloc(pool, len);
    out.len = ngx_http_jamhook_json_escape(out.data, &s) - out.data;

    is(out, "\"a\\\"b\\\\c/\\b\\f\\n\\r\\t\\u0000\\u001f\x7f\xc3\xa9\"",
       "what has to be escaped is, and nothing else");
    ok(out.len == len, "it is as long as was said");

    s = shim_str(pool, "");
    out.data = ngx_pnalloc(pool, 2);
    out.len = ngx_http_jamhook_json_escape(out.data, &s) - out.data;
    is(out, "\"\"", "an empty string");
    ok(ngx_http_jamhook_json_escaped_length(&s) == 2, "takes two bytes");

    /* all of ASCII but NUL, there and back */

    for (i = 0; i < 127; i++) {
        all[i] = (u_char) (i + 1);
    }

    s = shim_bytes(pool, all, 127);
    len = ngx_http_jamhook_json_escaped_length(&s);

    out.data = ngx_pnalloc(pool, len + 7);
    memcpy(out.data, "{\"a\":", 5);
    (void) ngx_http_jamhook_json_escape(out.data + 5, &s);
    out.data[5 + len] = '}';
    out.data[5 + len + 1] = '\0';

    root = parse(pool, (char *) out.data);
    (void) ngx_http_jamhook_json_member(root, "a", &item);

    ok(ngx_http_jamhook_json_string(item, &out) == NGX_OK
       && out.len == 127 && memcmp(out.data, all, 127) == 0,
       "all of ASCII is the same when read back");
}


static ngx_int_t
run_plain(ngx_pool_t *pool)
{
    char                     *why;
    ngx_str_t                 s = ngx_string("{\"a\":1}");
    ngx_http_jamhook_json_t  *root;

    return ngx_http_jamhook_json_parse(pool, &s, &root, &why);
}


static ngx_int_t
run_mended(ngx_pool_t *pool)
{
    char                     *why;
    ngx_str_t                 s = ngx_string("{\"a\":\"\\u0000\"}");
    ngx_http_jamhook_json_t  *root;

    return ngx_http_jamhook_json_parse(pool, &s, &root, &why);
}


static ngx_uint_t  json_fail;
static ngx_uint_t  json_failed;


static void *
json_malloc(size_t size)
{
    if (json_fail != 0 && --json_fail == 0) {
        json_failed = 1;
        return NULL;
    }

    return malloc(size);
}


static void
test_memory(void)
{
    ngx_int_t     rc;
    ngx_uint_t    n;
    ngx_pool_t   *pool;
    cJSON_Hooks   hooks;

    ok(shim_exhaust(run_plain) >= 1, "parse() without memory");
    ok(shim_exhaust(run_mended) >= 2, "parse() of \\u0000 without memory");

    /* the module never sets these hooks: here they are what fails malloc() */

    hooks.malloc_fn = json_malloc;
    hooks.free_fn = free;
    cJSON_InitHooks(&hooks);

    for (n = 1; n < 100; n++) {
        pool = ngx_create_pool(1, NULL);

        json_failed = 0;
        json_fail = n;

        rc = run_plain(pool);

        json_fail = 0;
        ngx_destroy_pool(pool);

        if (!json_failed || rc != NGX_ERROR) {
            break;
        }
    }

    cJSON_InitHooks(NULL);

    ok(!json_failed && rc == NGX_OK && n > 3,
       "parse() where cJSON has no memory, at each of %u places",
       (unsigned) n - 1);
}


/* the text is the caller's: it stays as it is, and the document outlives it */

static void
test_ownership(ngx_pool_t *pool)
{
    char                     *why;
    ngx_str_t                 text, copy, s;
    ngx_pool_t               *temp;
    ngx_http_jamhook_json_t  *root, *item;

    temp = ngx_create_pool(1, NULL);

    text = shim_str(temp, "{\"a\":\"b\",\"c\":\"\\u0000\"}");
    copy = shim_bytes(pool, text.data, text.len);

    (void) ngx_http_jamhook_json_parse(pool, &text, &root, &why);

    ok(memcmp(text.data, copy.data, text.len) == 0, "the text is not changed");

    ngx_destroy_pool(temp);

    (void) ngx_http_jamhook_json_member(root, "a", &item);
    (void) ngx_http_jamhook_json_string(item, &s);
    is(s, "b", "the document outlives the text");
}


/* as plain as byte after byte says */

static void
test_plain(void)
{
    u_char      buf[40];
    size_t      len, i;
    ngx_str_t   s;
    ngx_uint_t  n, wrong, plain, seen[2];

    wrong = 0;
    seen[0] = 0;
    seen[1] = 0;
    srandom(7);

    for (n = 0; n < 200000; n++) {
        len = random() % sizeof(buf);
        plain = 1;

        for (i = 0; i < len; i++) {
            buf[i] = (random() % 16) ? 'a' + random() % 26 : random() % 256;
            plain &= buf[i] >= 0x20 && buf[i] < 0x80 && buf[i] != '"'
                     && buf[i] != '\\';
        }

        s.data = buf;
        s.len = len;

        seen[plain]++;

        /* it may take what is plain for what is not, never the other way */

        wrong += ngx_http_jamhook_json_is_plain(&s) && !plain;
    }

    ok(wrong == 0 && seen[0] && seen[1], "what is not plain is never taken"
       " for it (%d, %d)", (int) seen[0], (int) seen[1]);

    for (n = 0; n < 256; n++) {
        ngx_memset(buf, 'x', sizeof(buf));

        for (i = 0; i < 24; i++) {
            buf[i] = n;
            s.data = buf;
            s.len = 24;
            plain = n >= 0x20 && n < 0x80 && n != '"' && n != '\\';
            wrong += ngx_http_jamhook_json_is_plain(&s) != plain;
            buf[i] = 'x';
        }
    }

    ok(wrong == 0, "each byte at each place");
}


/* a string is looked at in words: each byte, at each place in one */

static void
test_places(ngx_pool_t *pool)
{
    char         *why;
    u_char        text[] = "{\"a\":\"01234567890123456789\"}";
    ngx_str_t     s;
    ngx_uint_t    i, at, n, whole;

    for (at = 0, n = 0; at < 20; at++) {

        for (i = 0; i < 256; i++) {
            s = shim_bytes(pool, text, sizeof(text) - 1);
            s.data[6 + at] = (u_char) i;

            whole = (i >= 0x20 && i < 0x80 && i != '"' && i != '\\');

            n += (ngx_http_jamhook_json_check(&s, &why) == NGX_OK) == whole;
        }
    }

    ok(n == 20 * 256, "a byte that no string may hold is found anywhere");
}


int
main(void)
{
    ngx_pool_t  *pool;

    pool = ngx_create_pool(1, NULL);

    test_good(pool);
    test_bad(pool);
    test_prefixes(pool);
    test_depth(pool);
    test_members(pool);
    test_strings(pool);
    test_numbers(pool);
    test_escape(pool);
    test_ownership(pool);
    test_memory();
    test_places(pool);

    ngx_destroy_pool(pool);
    test_plain();

    return done();
}
