
#include "ngx_http_jamhook_text.h"

#include "ngx_shim.h"
#include "tap.h"


typedef struct {
    const char  *text;
    const char  *hex;          /* NULL: refused */
    ngx_uint_t   unpadded;
} base64_t;


static void
test_alphabets(ngx_pool_t *pool)
{
    u_char       ch;
    ngx_str_t    s;
    ngx_uint_t   i, letter, token, type;
    ngx_int_t    tokens, types;

    tokens = 0;
    types = 0;

    for (i = 0; i < 256; i++) {
        ch = (u_char) i;
        s.data = &ch;
        s.len = 1;

        letter = (i >= 'A' && i <= 'Z') || (i >= 'a' && i <= 'z')
                 || (i >= '0' && i <= '9');
        token = letter || i == '_' || i == '-';
        type = token || i == '.' || i == ':' || i == '/';

        tokens += (ngx_http_jamhook_text_token(&s, 1) == NGX_OK) == token;
        types += (ngx_http_jamhook_text_type(&s, 1) == NGX_OK) == type;
    }

    ok(tokens == 256, "a token has letters, digits, _ and - only");
    ok(types == 256, "a type has those and . : / only");

    s = shim_str(pool, "abcd");
    ok(ngx_http_jamhook_text_token(&s, 4) == NGX_OK, "4 of 4 bytes");
    ok(ngx_http_jamhook_text_token(&s, 3) == NGX_DECLINED, "4 of 3 bytes");

    s = shim_str(pool, "");
    ok(ngx_http_jamhook_text_token(&s, 4) == NGX_DECLINED, "an empty token");
    ok(ngx_http_jamhook_text_type(&s, 4) == NGX_DECLINED, "an empty type");

    s = shim_str(pool, "abc\n");
    ok(ngx_http_jamhook_text_token(&s, 9) == NGX_DECLINED,
       "a token with a newline at its end");

    s = shim_bytes(pool, "ab\0c", 4);
    ok(ngx_http_jamhook_text_type(&s, 9) == NGX_DECLINED, "a NUL in a type");
}


static void
test_control(ngx_pool_t *pool)
{
    u_char      bytes[20];
    ngx_str_t   s;
    ngx_uint_t  i, at, n;

    /* it looks at eight bytes at a time; beside each there are high ones */

    for (at = 0, n = 0; at < sizeof(bytes); at++) {

        for (i = 0; i < 256; i++) {
            memset(bytes, (i & 1) ? 'a' : 0xff, sizeof(bytes));
            bytes[at] = (u_char) i;

            s = shim_bytes(pool, bytes, sizeof(bytes));
            n += ngx_http_jamhook_text_has_control(&s)
                 == (i < 0x20 || i == 0x7f);
        }
    }

    ok(n == sizeof(bytes) * 256, "has_control finds 0-31 and 127 anywhere");

    s = shim_str(pool, "");
    ok(!ngx_http_jamhook_text_has_control(&s), "nothing in an empty string");
}


static void
test_url(ngx_pool_t *pool)
{
    ngx_str_t   s;
    ngx_uint_t  i;

    static const char  *good[] = {
        "http://a", "https://a", "HTTPS://Jam.dev/r/1", "http://a:80",
        "http://[::1]/", "https://user@host/", "https://a?b", "https://a#b",
        "https://jam.dev/\xc3\xa9", "https://a/@", "https://a/b//c"
    };
    static const char  *bad[] = {
        "", "h", "http:/", "http://", "https://", "https:///a", "https://?a",
        "https://#a", "https://:80/", "https://@/a", "https://u@:1/",
        "ftp://a", "httpss://a", "http:a", "//a", "/a", "javascript:alert(1)",
        " https://a", "https://a b", "https://a\nb", "https://a\x7f",
        "https://a\t", "https//a", "xhttps://a", "https:/a"
    };

    for (i = 0; i < nitems(good); i++) {
        s = shim_str(pool, good[i]);
        ok(ngx_http_jamhook_text_http_url(&s) == NGX_OK,
           "a URL: \"%s\"", good[i]);
    }

    for (i = 0; i < nitems(bad); i++) {
        s = shim_str(pool, bad[i]);
        ok(ngx_http_jamhook_text_http_url(&s) == NGX_DECLINED,
           "no URL: \"%s\"", bad[i]);
    }
}


static void
test_number(ngx_pool_t *pool)
{
    int64_t     n;
    ngx_str_t   s;
    ngx_uint_t  i;

    static const char  *bad[] = {
        "", "0", "01", "00", "+1", "-1", " 1", "1 ", "1.0", "1e3", "0x1",
        "1000000000000000", "99999999999999999999999999", "1,2", "a", "1a",
        "\xd9\xa1"
    };

    s = shim_str(pool, "1");
    ok(ngx_http_jamhook_text_number(&s, &n) == NGX_OK && n == 1, "number 1");

    s = shim_str(pool, "999999999999999");
    ok(ngx_http_jamhook_text_number(&s, &n) == NGX_OK
       && n == 999999999999999, "a number of 15 digits");

    s = shim_str(pool, "1614265330");
    ok(ngx_http_jamhook_text_number(&s, &n) == NGX_OK && n == 1614265330,
       "a timestamp");

    for (i = 0; i < nitems(bad); i++) {
        s = shim_str(pool, bad[i]);
        n = -7;
        ok(ngx_http_jamhook_text_number(&s, &n) == NGX_DECLINED && n == -7,
           "no number: \"%s\"", bad[i]);
    }
}


static void
test_base64(ngx_pool_t *pool)
{
    size_t       len;
    u_char      *dst, hex[64], *end;
    ngx_int_t    rc;
    ngx_str_t    s;
    ngx_uint_t   i;

    static base64_t  table[] = {
        { "", "", 0 },
        { "AA==", "00", 0 },
        { "Zg==", "66", 0 },
        { "Zm8=", "666f", 0 },
        { "Zm9v", "666f6f", 0 },
        { "Zm9vYg==", "666f6f62", 0 },
        { "+/+/", "fbffbf", 0 },
        { "////", "ffffff", 0 },

        { "Zg==", "66", 1 },
        { "Zg", "66", 1 },
        { "Zm8", "666f", 1 },
        { "Zm9vYg", "666f6f62", 1 },

        { "Zg", NULL, 0 },
        { "Zm8", NULL, 0 },
        { "Zg=", NULL, 0 },
        { "Zg=", NULL, 1 },
        { "Z", NULL, 1 },
        { "Zm9vY", NULL, 1 },
        { "=", NULL, 1 },
        { "==", NULL, 1 },
        { "===", NULL, 1 },
        { "====", NULL, 0 },
        { "Z===", NULL, 0 },
        { "Zg===", NULL, 1 },
        { "Zg==Zg==", NULL, 0 },
        { "Zm8=Zg", NULL, 1 },
        { "Zm=v", NULL, 0 },
        { "Zh==", NULL, 0 },
        { "Zm9=", NULL, 0 },
        { "Zh", NULL, 1 },
        { "Zm9", NULL, 1 },
        { "-_-_", NULL, 0 },
        { "Zm9v\n", NULL, 1 },
        { "Zm 9", NULL, 0 },
        { " Zm9", NULL, 0 },
        { "Zm9\xff", NULL, 0 },
        { "Zm9@", NULL, 0 },
        { "Zm9[", NULL, 0 },
        { "Zm9`", NULL, 0 },
        { "Zm9{", NULL, 0 },
        { "Zm9:", NULL, 0 },
        { "Zm9.", NULL, 0 },
    };

    for (i = 0; i < nitems(table); i++) {
        s = shim_str(pool, table[i].text);
        dst = ngx_pnalloc(pool, ngx_base64_decoded_length(s.len));

        rc = ngx_http_jamhook_text_base64_decode(dst, &len, &s,
                                                 table[i].unpadded);
        if (table[i].hex == NULL) {
            ok(rc == NGX_DECLINED, "%s\"%s\" is not base64",
               table[i].unpadded ? "unpadded " : "", table[i].text);
            continue;
        }

        end = ngx_http_jamhook_text_hex(hex, dst, rc == NGX_OK ? len : 0);

        ok(rc == NGX_OK
           && (size_t) (end - hex) == strlen(table[i].hex)
           && memcmp(hex, table[i].hex, end - hex) == 0,
           "%s\"%s\" is %s", table[i].unpadded ? "unpadded " : "",
           table[i].text, table[i].hex);
    }
}


/* every length and value there and back, and every letter but the right one */

static void
test_base64_round(ngx_pool_t *pool)
{
    size_t       len;
    u_char      *text, *back, bytes[64];
    ngx_str_t    src, encoded;
    ngx_uint_t   i, j, n;

    for (n = 0, i = 0; i <= 64; i++) {

        for (j = 0; j < i; j++) {
            bytes[j] = (u_char) (j * 37 + i * 101 + 7);
        }

        src = shim_bytes(pool, bytes, i);
        text = ngx_pnalloc(pool, ngx_base64_encoded_length(i));

        encoded.data = text;
        encoded.len = ngx_http_jamhook_text_base64_encode(text, &src) - text;

        back = ngx_pnalloc(pool, ngx_base64_decoded_length(encoded.len));

        n += encoded.len == ngx_base64_encoded_length(i)
             && ngx_http_jamhook_text_base64_decode(back, &len, &encoded, 0)
                == NGX_OK
             && len == i
             && memcmp(back, bytes, i) == 0;
    }

    ok(n == 65, "base64 of 0-64 bytes there and back");

    /* of two bytes the last letter has 4 good bits: 16 of 256 are right */

    for (n = 0, i = 0; i < 256; i++) {
        bytes[0] = 'A';
        bytes[1] = 'A';
        bytes[2] = (u_char) i;
        bytes[3] = '=';

        encoded = shim_bytes(pool, bytes, 4);
        back = ngx_pnalloc(pool, 3);

        n += ngx_http_jamhook_text_base64_decode(back, &len, &encoded, 0)
             == NGX_OK;
    }

    ok(n == 16 + 1, "16 letters may stand before one \"=\", and a second =");
}


static void
test_digits(ngx_pool_t *pool)
{
    u_char     buf[20];
    ngx_str_t  s;

    (void) pool;

    s.data = buf;

    s.len = ngx_http_jamhook_text_decimal(buf, 0) - buf;
    is(s, "0", "decimal 0");

    s.len = ngx_http_jamhook_text_decimal(buf, 1050) - buf;
    is(s, "1050", "decimal 1050");

    s.len = ngx_http_jamhook_text_decimal(buf, 18446744073709551615ULL) - buf;
    is(s, "18446744073709551615", "the largest decimal");

    s.len = ngx_http_jamhook_text_hex(buf, (u_char *) "\x00\x0f\xa0\xff", 4)
            - buf;
    is(s, "000fa0ff", "hex is in lower case");
}


/* each text: how long its first character is, or what U+FFFD stands for */

static void
test_utf8(ngx_pool_t *pool)
{
    ngx_str_t   s;
    ngx_uint_t  i;

    static const struct {
        const char  *text;
        size_t       len;
        size_t       n;
        size_t       bad;
        const char  *name;
    } tests[] = {
        { "", 0, 0, 0, "nothing" },
        { "a", 1, 1, 0, "ASCII" },
        { "\0", 1, 1, 0, "NUL" },
        { "\x7f\xff", 2, 1, 0, "DEL" },
        { "\xc2\x80", 2, 2, 0, "U+0080" },
        { "\xdf\xbf\xbf", 3, 2, 0, "U+07FF, and more" },
        { "\xe0\xa0\x80", 3, 3, 0, "U+0800" },
        { "\xed\x9f\xbf", 3, 3, 0, "U+D7FF" },
        { "\xee\x80\x80", 3, 3, 0, "U+E000" },
        { "\xef\xbf\xbf", 3, 3, 0, "U+FFFF" },
        { "\xf0\x90\x80\x80", 4, 4, 0, "U+10000" },
        { "\xf4\x8f\xbf\xbf", 4, 4, 0, "U+10FFFF" },
        { "\x80", 1, 0, 1, "a byte that only continues" },
        { "\xbf\xbf", 2, 0, 1, "two of them" },
        { "\xc0\x80", 2, 0, 1, "an overlong NUL" },
        { "\xc1\xbf", 2, 0, 1, "an overlong DEL" },
        { "\xc2", 1, 0, 1, "the first byte of two" },
        { "\xc2" "a", 2, 0, 1, "the first byte of two, and a letter" },
        { "\xe0\x9f\xbf", 3, 0, 1, "an overlong U+07FF" },
        { "\xed\xa0\x80", 3, 0, 1, "a surrogate" },
        { "\xed\xbf\xbf", 3, 0, 1, "the last surrogate" },
        { "\xe2\x82", 2, 0, 2, "two bytes of three" },
        { "\xe2\x82" "a", 3, 0, 2, "two bytes of three, and a letter" },
        { "\xe2\x82\xc2", 3, 0, 2, "two bytes of three, and a first one" },
        { "\xf0\x8f\xbf\xbf", 4, 0, 1, "an overlong U+FFFF" },
        { "\xf4\x90\x80\x80", 4, 0, 1, "U+110000" },
        { "\xf0\x9f\x98", 3, 0, 3, "three bytes of four" },
        { "\xf0\x9f\x98\x7f", 4, 0, 3, "three bytes of four, and DEL" },
        { "\xf5\x80\x80\x80", 4, 0, 1, "the first byte of five" },
        { "\xff", 1, 0, 1, "0xff" },
    };

    for (i = 0; i < nitems(tests); i++) {
        s = shim_bytes(pool, tests[i].text, tests[i].len);

        ok(ngx_http_jamhook_text_utf8(s.data, s.len) == tests[i].n
           && (tests[i].bad == 0
               || ngx_http_jamhook_text_not_utf8(s.data, s.len)
                  == tests[i].bad),
           "UTF-8: %s", tests[i].name);
    }
}


int
main(void)
{
    ngx_pool_t  *pool;

    pool = ngx_create_pool(1, NULL);

    test_alphabets(pool);
    test_control(pool);
    test_url(pool);
    test_number(pool);
    test_base64(pool);
    test_base64_round(pool);
    test_digits(pool);
    test_utf8(pool);

    ngx_destroy_pool(pool);

    return done();
}
