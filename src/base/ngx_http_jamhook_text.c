
#include "ngx_http_jamhook_text.h"


#define NGX_HTTP_JAMHOOK_TEXT_DIGITS  15    /* of a number: below 10^15 */

#define NGX_HTTP_JAMHOOK_TEXT_BAD     64    /* not of base64's alphabet */


static ngx_int_t ngx_http_jamhook_text_alphabet(ngx_str_t *s, size_t max,
    const uint32_t *allowed);
static size_t ngx_http_jamhook_text_formed(u_char *p, size_t len,
    size_t *whole);
static ngx_uint_t ngx_http_jamhook_text_host(u_char *p, u_char *last);


/* one bit a character, 32 of them a word: 0x00-0x1f, 0x20-0x3f and so on */

static const uint32_t  ngx_http_jamhook_text_tokens[] = {
    0x00000000,
    0x03ff2000,    /* 0-9 and "-" */
    0x87fffffe,    /* A-Z and "_" */
    0x07fffffe,    /* a-z */
    0x00000000, 0x00000000, 0x00000000, 0x00000000
};

static const uint32_t  ngx_http_jamhook_text_types[] = {
    0x00000000,
    0x07ffe000,    /* 0-9 and "-./:" */
    0x87fffffe,    /* A-Z and "_" */
    0x07fffffe,    /* a-z */
    0x00000000, 0x00000000, 0x00000000, 0x00000000
};


/* what a character stands for in base64; 0x00-0x0f, 0x10-0x1f and so on */

#define XX  NGX_HTTP_JAMHOOK_TEXT_BAD

static const u_char  ngx_http_jamhook_text_base64[] = {
    XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX,
    XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX,
    XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, 62, XX, XX, XX, 63,
    52, 53, 54, 55, 56, 57, 58, 59, 60, 61, XX, XX, XX, XX, XX, XX,
    XX,  0,  1,  2,  3,  4,  5,  6,  7,  8,  9, 10, 11, 12, 13, 14,
    15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, XX, XX, XX, XX, XX,
    XX, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40,
    41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, XX, XX, XX, XX, XX,
    XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX,
    XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX,
    XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX,
    XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX,
    XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX,
    XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX,
    XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX,
    XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX
};

#undef XX


ngx_int_t
ngx_http_jamhook_text_token(ngx_str_t *s, size_t max)
{
    return ngx_http_jamhook_text_alphabet(s, max,
                                          ngx_http_jamhook_text_tokens);
}


ngx_int_t
ngx_http_jamhook_text_type(ngx_str_t *s, size_t max)
{
    return ngx_http_jamhook_text_alphabet(s, max, ngx_http_jamhook_text_types);
}


size_t
ngx_http_jamhook_text_utf8(u_char *p, size_t len)
{
    size_t  n;

    if (len == 0) {
        return 0;
    }

    return ngx_http_jamhook_text_formed(p, len, &n) == n ? n : 0;
}


size_t
ngx_http_jamhook_text_not_utf8(u_char *p, size_t len)
{
    size_t  n;

    return ngx_http_jamhook_text_formed(p, len, &n);
}


/* eight bytes at a time: is one below 0x20, or is one 0x7f? */

ngx_uint_t
ngx_http_jamhook_text_has_control(ngx_str_t *s)
{
    size_t     left;
    u_char    *p;
    uint64_t   w, del;

    static const uint64_t  ones = 0x0101010101010101,
                           high = 0x8080808080808080;

    p = s->data;

    for (left = s->len; left >= 8; left -= 8, p += 8) {
        ngx_memcpy(&w, p, 8);

        del = w ^ (ones * 0x7f);

        if ((((w - ones * 0x20) & ~w) | ((del - ones) & ~del)) & high) {
            return 1;
        }
    }

    for ( /* void */ ; left; left--, p++) {
        if (*p < 0x20 || *p == 0x7f) {
            return 1;
        }
    }

    return 0;
}


ngx_int_t
ngx_http_jamhook_text_http_url(ngx_str_t *s)
{
    u_char  *p, *last;

    p = s->data;
    last = s->data + s->len;

    if (s->len > 7
        && ngx_strncasecmp(p, (u_char *) "http://", 7) == 0)
    {
        p += 7;

    } else if (s->len > 8
               && ngx_strncasecmp(p, (u_char *) "https://", 8) == 0)
    {
        p += 8;

    } else {
        return NGX_DECLINED;
    }

    if (memchr(p, ' ', last - p) != NULL
        || ngx_http_jamhook_text_has_control(s))
    {
        return NGX_DECLINED;
    }

    return ngx_http_jamhook_text_host(p, last) ? NGX_OK : NGX_DECLINED;
}


ngx_int_t
ngx_http_jamhook_text_number(ngx_str_t *s, int64_t *value)
{
    size_t   i;
    int64_t  n;

    if (s->len == 0
        || s->len > NGX_HTTP_JAMHOOK_TEXT_DIGITS
        || s->data[0] == '0')
    {
        return NGX_DECLINED;
    }

    n = 0;

    for (i = 0; i < s->len; i++) {
        if (s->data[i] < '0' || s->data[i] > '9') {
            return NGX_DECLINED;
        }

        n = n * 10 + (s->data[i] - '0');
    }

    *value = n;

    return NGX_OK;
}


ngx_int_t
ngx_http_jamhook_text_base64_decode(u_char *dst, size_t *len, ngx_str_t *src,
    ngx_uint_t unpadded)
{
    size_t       i, n;
    u_char      *p;
    uint32_t     bits;
    ngx_uint_t   value;

    n = src->len;

    if (n % 4 == 0) {

        if (n != 0 && src->data[n - 1] == '=') {
            n--;

            if (src->data[n - 1] == '=') {
                n--;
            }
        }

    } else if (!unpadded || n % 4 == 1) {
        return NGX_DECLINED;
    }

    p = dst;
    bits = 0;

    for (i = 0; i < n; i++) {
        value = ngx_http_jamhook_text_base64[src->data[i]];

        if (value == NGX_HTTP_JAMHOOK_TEXT_BAD) {
            return NGX_DECLINED;
        }

        bits = (bits << 6) | (uint32_t) value;

        if (i % 4 == 3) {
            *p++ = (u_char) (bits >> 16);
            *p++ = (u_char) (bits >> 8);
            *p++ = (u_char) bits;
        }
    }

    /* the last quantum; its bits beyond whole bytes must be zero */

    if (n % 4 == 2) {

        if (bits & 0x0f) {
            return NGX_DECLINED;
        }

        *p++ = (u_char) (bits >> 4);

    } else if (n % 4 == 3) {

        if (bits & 0x03) {
            return NGX_DECLINED;
        }

        *p++ = (u_char) (bits >> 10);
        *p++ = (u_char) (bits >> 2);
    }

    *len = p - dst;

    return NGX_OK;
}


u_char *
ngx_http_jamhook_text_base64_encode(u_char *dst, ngx_str_t *src)
{
    ngx_str_t  encoded;

    encoded.data = dst;
    encoded.len = 0;

    ngx_encode_base64(&encoded, src);

    return dst + encoded.len;
}


u_char *
ngx_http_jamhook_text_hex(u_char *dst, u_char *src, size_t len)
{
    return ngx_hex_dump(dst, src, len);
}


u_char *
ngx_http_jamhook_text_decimal(u_char *dst, uint64_t n)
{
    u_char  *p, digits[NGX_INT64_LEN];

    p = digits + NGX_INT64_LEN;

    do {
        *--p = (u_char) (n % 10 + '0');
        n /= 10;
    } while (n != 0);

    return ngx_cpymem(dst, p, digits + NGX_INT64_LEN - p);
}


static ngx_int_t
ngx_http_jamhook_text_alphabet(ngx_str_t *s, size_t max,
    const uint32_t *allowed)
{
    size_t  i;
    u_char  ch;

    if (s->len == 0 || s->len > max) {
        return NGX_DECLINED;
    }

    for (i = 0; i < s->len; i++) {
        ch = s->data[i];

        if (!(allowed[ch >> 5] & ((uint32_t) 1 << (ch & 0x1f)))) {
            return NGX_DECLINED;
        }
    }

    return NGX_OK;
}


/*
 * How many bytes at p can be a character's, at least one, and how many a whole
 * one has; 0: none begins so.  By the Unicode standard's table 3-7: the second
 * byte's bounds keep out overlong forms, surrogates and what is beyond
 * U+10FFFF.
 */

static size_t
ngx_http_jamhook_text_formed(u_char *p, size_t len, size_t *whole)
{
    u_char  low, high;
    size_t  i, n;

    low = 0x80;
    high = 0xbf;

    if (p[0] < 0x80) {
        n = 1;

    } else if (p[0] >= 0xc2 && p[0] <= 0xdf) {
        n = 2;

    } else if (p[0] >= 0xe0 && p[0] <= 0xef) {
        n = 3;
        low = (p[0] == 0xe0) ? 0xa0 : 0x80;
        high = (p[0] == 0xed) ? 0x9f : 0xbf;

    } else if (p[0] >= 0xf0 && p[0] <= 0xf4) {
        n = 4;
        low = (p[0] == 0xf0) ? 0x90 : 0x80;
        high = (p[0] == 0xf4) ? 0x8f : 0xbf;

    } else {
        n = 0;
    }

    *whole = n;

    for (i = 1; i < n; i++) {

        if (i == len || p[i] < low || p[i] > high) {
            break;
        }

        low = 0x80;
        high = 0xbf;
    }

    return i;
}


/* 1 if the authority at p, up to the path, names a host */

static ngx_uint_t
ngx_http_jamhook_text_host(u_char *p, u_char *last)
{
    u_char  *host;

    for (host = p; p < last; p++) {

        if (*p == '/' || *p == '?' || *p == '#') {
            break;
        }

        if (*p == '@') {
            host = p + 1;
        }
    }

    return host < p && *host != ':';
}
