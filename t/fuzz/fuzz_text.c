
/*
 * base/text beside OpenSSL's base64, the C library's numbers and iconv's UTF-8,
 * and the alphabets written out.  The input is the text.
 */

#include "ngx_http_jamhook_text.h"

#include <iconv.h>

#include <openssl/evp.h>

#include "fuzz.h"


static iconv_t  utf8 = (iconv_t) -1;


/* by iconv, which knows no surrogates and nothing beyond U+10FFFF */

static size_t
character(ngx_str_t *s, size_t at)
{
    char    *in, *out, buf[8];
    size_t   n, left, room;

    for (n = 1; n <= 4 && at + n <= s->len; n++) {
        in = (char *) s->data + at;
        left = n;
        out = buf;
        room = sizeof(buf);

        (void) iconv(utf8, NULL, NULL, NULL, NULL);

        if (iconv(utf8, &in, &left, &out, &room) != (size_t) -1
            && left == 0)
        {
            return n;
        }
    }

    return 0;
}


static void
test_utf8(ngx_pool_t *pool, ngx_str_t *s)
{
    size_t     i, n, skipped;
    ngx_str_t  rest, tried;

    if (utf8 == (iconv_t) -1) {
        utf8 = iconv_open("UTF-32LE", "UTF-8");
        check(utf8 != (iconv_t) -1);
    }

    for (i = 0; i < s->len && i < 64; i += n ? n : skipped) {
        rest = shim_bytes(pool, s->data + i, s->len - i);

        n = ngx_http_jamhook_text_utf8(rest.data, rest.len);
        check(n == character(s, i));

        skipped = ngx_http_jamhook_text_not_utf8(rest.data, rest.len);

        if (n) {
            check(skipped == n);
            continue;
        }

        /* the longest that can be the beginning of a character, or one byte */

        check(skipped >= 1 && skipped <= 3 && skipped <= rest.len);

        if (skipped > 1) {
            tried = shim_str(pool, "\x80\x80\x80\x80");
            memcpy(tried.data, rest.data, skipped);

            check(character(&tried, 0) > skipped);
        }
    }

    check(ngx_http_jamhook_text_utf8(s->data, 0) == 0);
}


static void
test_base64(ngx_pool_t *pool, ngx_str_t *s, ngx_uint_t unpadded)
{
    int        n, pad;
    char      *padded;
    u_char    *bytes, *again, *dst;
    size_t     len;
    ngx_int_t  rc, expected;
    ngx_str_t  decoded;

    dst = ngx_pnalloc(pool, ngx_base64_decoded_length(s->len));
    len = 99999999;

    rc = ngx_http_jamhook_text_base64_decode(dst, &len, s, unpadded);

    /* OpenSSL is lenient: what it makes of that must be the same text again */

    padded = ngx_pnalloc(pool, s->len + 4);
    memcpy(padded, s->data, s->len);
    memcpy(padded + s->len, "====", 4);

    expected = NGX_DECLINED;
    n = (int) s->len;

    if (n % 4 == 0 || (unpadded && n % 4 != 1)) {
        n = (n + 3) / 4 * 4;

        bytes = ngx_pnalloc(pool, n + 1);
        again = ngx_pnalloc(pool, n + 1);

        for (pad = 0; pad < 2 && pad < n && padded[n - 1 - pad] == '='; pad++) {
            /* void */
        }

        if (EVP_DecodeBlock(bytes, (u_char *) padded, n) == n / 4 * 3
            && EVP_EncodeBlock(again, bytes, n / 4 * 3 - pad) == n
            && memcmp(again, padded, n) == 0
            && (s->len % 4 == 0 || memchr(s->data, '=', s->len) == NULL))
        {
            expected = NGX_OK;

            check(rc == NGX_OK);
            check(len == (size_t) n / 4 * 3 - pad);
            check(memcmp(dst, bytes, len) == 0);
        }
    }

    check(rc == expected);

    if (rc == NGX_OK && s->len % 4 == 0) {
        decoded.data = dst;
        decoded.len = len;

        again = ngx_pnalloc(pool, ngx_base64_encoded_length(len));

        check(ngx_http_jamhook_text_base64_encode(again, &decoded)
              == again + s->len);
        check(memcmp(again, s->data, s->len) == 0);
    }
}


static void
test_encode(ngx_pool_t *pool, ngx_str_t *s)
{
    char       digit[3];
    u_char    *dst, *end, *expected, *back;
    size_t     i, len;
    ngx_str_t  encoded;

    len = ngx_base64_encoded_length(s->len);
    dst = ngx_pnalloc(pool, len);
    end = ngx_http_jamhook_text_base64_encode(dst, s);

    expected = ngx_pnalloc(pool, len + 1);
    check(EVP_EncodeBlock(expected, s->data, (int) s->len) == (int) len);
    check(end == dst + len && memcmp(dst, expected, len) == 0);

    encoded.data = dst;
    encoded.len = len;

    back = ngx_pnalloc(pool, ngx_base64_decoded_length(len));
    check(ngx_http_jamhook_text_base64_decode(back, &len, &encoded, 0)
          == NGX_OK);
    check(len == s->len && memcmp(back, s->data, len) == 0);

    dst = ngx_pnalloc(pool, 2 * s->len);
    check(ngx_http_jamhook_text_hex(dst, s->data, s->len)
          == dst + 2 * s->len);

    for (i = 0; i < s->len; i++) {
        (void) snprintf(digit, sizeof(digit), "%02x", s->data[i]);
        check(memcmp(dst + 2 * i, digit, 2) == 0);
    }
}


static void
test_numbers(ngx_pool_t *pool, ngx_str_t *s)
{
    char       text[32];
    u_char    *dst, *end;
    int64_t    value;
    uint64_t   n;
    ngx_int_t  rc;

    value = -1;
    rc = ngx_http_jamhook_text_number(s, &value);

    check((rc == NGX_OK) == (s->len >= 1 && s->len <= 15
                             && s->data[0] != '0'
                             && fuzz_only(s, "0123456789")));
    check(rc == NGX_DECLINED || value == strtoll(fuzz_text(pool, s), NULL, 10));

    n = 0;
    memcpy(&n, s->data, ngx_min(s->len, sizeof(n)));

    (void) snprintf(text, sizeof(text), "%llu", (unsigned long long) n);
    dst = ngx_pnalloc(pool, strlen(text));
    end = ngx_http_jamhook_text_decimal(dst, n);

    check((size_t) (end - dst) == strlen(text)
          && memcmp(dst, text, end - dst) == 0);
}


static void
test_classes(ngx_pool_t *pool, ngx_str_t *s)
{
    char        *text, *host;
    size_t       i, max, len;
    ngx_uint_t   control;

    max = s->len ? s->data[0] : 1;

    check((ngx_http_jamhook_text_token(s, max) == NGX_OK)
          == (s->len && s->len <= max && fuzz_only(s, FUZZ_ALNUM "_-")));
    check((ngx_http_jamhook_text_type(s, max) == NGX_OK)
          == (s->len && s->len <= max && fuzz_only(s, FUZZ_ALNUM "_.:/-")));

    for (control = 0, i = 0; i < s->len; i++) {
        control |= s->data[i] < 0x20 || s->data[i] == 0x7f;
    }

    check(ngx_http_jamhook_text_has_control(s) == control);

    if (ngx_http_jamhook_text_http_url(s) != NGX_OK) {
        return;
    }

    check(!control && memchr(s->data, ' ', s->len) == NULL);

    text = fuzz_text(pool, s);
    check(strncasecmp(text, "http://", 7) == 0
          || strncasecmp(text, "https://", 8) == 0);

    /* a host of a byte at least */

    host = strchr(text, '/') + 2;
    len = strcspn(host, "/?#");
    host[len] = '\0';

    if (strrchr(host, '@')) {
        host = strrchr(host, '@') + 1;
    }

    check(*host && *host != ':');
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ngx_str_t    s;
    ngx_pool_t  *pool;

    pool = ngx_create_pool(1, NULL);
    s = shim_bytes(pool, data, size);

    test_utf8(pool, &s);
    test_base64(pool, &s, 0);
    test_base64(pool, &s, 1);
    test_encode(pool, &s);
    test_numbers(pool, &s);
    test_classes(pool, &s);

    ngx_destroy_pool(pool);

    return 0;
}
