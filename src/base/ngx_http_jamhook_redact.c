
#include "ngx_http_jamhook_redact.h"


/* more than a byte can be: an escape of something else, or one cut off */

#define NGX_HTTP_JAMHOOK_REDACT_OTHER  0x100
#define NGX_HTTP_JAMHOOK_REDACT_CUT    0x101


static void ngx_http_jamhook_redact_firsts(u_char *firsts, ngx_str_t *secrets,
    ngx_uint_t n);
static size_t ngx_http_jamhook_redact_any(u_char *p, u_char *last,
    ngx_str_t *secrets, ngx_uint_t n, ngx_uint_t cut);
static size_t ngx_http_jamhook_redact_find(u_char *p, u_char *last,
    ngx_str_t *secret, ngx_uint_t cut);
static u_char *ngx_http_jamhook_redact_unit(u_char *p, u_char *last,
    ngx_uint_t *unit);


void
ngx_http_jamhook_redact(ngx_str_t *text, ngx_str_t *secrets, ngx_uint_t n,
    ngx_uint_t cut)
{
    u_char      *p, *last, *out, *start, *next;
    size_t       len;
    ngx_uint_t   unit;
    u_char       firsts[256];

    p = text->data;
    last = text->data + text->len;
    out = text->data;

    ngx_http_jamhook_redact_firsts(firsts, secrets, n);

    while (p < last) {

        /* of nearly all bytes that is enough */

        for (start = p; p < last && !firsts[*p]; p++) { /* void */ }

        if (out != start) {
            ngx_memmove(out, start, p - start);
        }

        out += p - start;

        if (p == last) {
            break;
        }

        next = ngx_http_jamhook_redact_unit(p, last, &unit);
        len = 0;

        /* in a text without escapes it may begin in what looks like one */

        for (start = p; start < next; start++) {
            len = ngx_http_jamhook_redact_any(start, last, secrets, n, cut);

            if (len) {
                break;
            }
        }

        ngx_memmove(out, p, start - p);

        if (len == 0) {
            out += start - p;
            p = next;
            continue;
        }

        if (start > p && *out == '\\') {

            /* half an escape: its backslash is one, for who reads JSON */

            ngx_memmove(out + 1, out, start - p);
            out++;
        }

        out += start - p;
        out = ngx_cpymem(out, "...", sizeof("...") - 1);

        p = start + len;
    }

    text->len = out - text->data;
}


/* the bytes that one of them may begin with, in whichever way it is written */

static void
ngx_http_jamhook_redact_firsts(u_char *firsts, ngx_str_t *secrets,
    ngx_uint_t n)
{
    ngx_str_t   *s;
    ngx_uint_t   i, unit;

    ngx_memzero(firsts, 256);

    for (i = 0; i < n; i++) {
        s = &secrets[i];

        if (s->len == 0) {
            continue;
        }

        firsts['%'] = 1;
        firsts['\\'] = 1;
        firsts[*s->data] = 1;

        (void) ngx_http_jamhook_redact_unit(s->data, s->data + s->len, &unit);

        if (unit < NGX_HTTP_JAMHOOK_REDACT_OTHER) {
            firsts[unit] = 1;
        }
    }
}


/* of the secrets the first that is there */

static size_t
ngx_http_jamhook_redact_any(u_char *p, u_char *last, ngx_str_t *secrets,
    ngx_uint_t n, ngx_uint_t cut)
{
    size_t      len;
    ngx_uint_t  i;

    for (i = 0; i < n; i++) {
        len = ngx_http_jamhook_redact_find(p, last, &secrets[i], cut);

        if (len) {
            return len;
        }
    }

    return 0;
}


/* how many bytes at p are the secret, or the beginning of it; 0: none */

static size_t
ngx_http_jamhook_redact_find(u_char *p, u_char *last, ngx_str_t *secret,
    ngx_uint_t cut)
{
    u_char      *s, *slast, *start;
    ngx_uint_t   unit, wanted, n;

    /* as it is, with backslashes of its own, or short where it is decoded */

    if (secret->len >= NGX_HTTP_JAMHOOK_REDACT_MIN
        && secret->len <= (size_t) (last - p)
        && ngx_memcmp(p, secret->data, secret->len) == 0)
    {
        return secret->len;
    }

    start = p;
    s = secret->data;
    slast = secret->data + secret->len;

    for (n = 0; s < slast; n++) {
        unit = NGX_HTTP_JAMHOOK_REDACT_CUT;

        if (p < last) {
            p = ngx_http_jamhook_redact_unit(p, last, &unit);
        }

        if (unit == NGX_HTTP_JAMHOOK_REDACT_CUT) {
            return (cut && n >= NGX_HTTP_JAMHOOK_REDACT_MIN) ? last - start
                                                             : 0;
        }

        s = ngx_http_jamhook_redact_unit(s, slast, &wanted);

        if (unit != wanted || unit == NGX_HTTP_JAMHOOK_REDACT_OTHER) {
            return 0;
        }
    }

    return n >= NGX_HTTP_JAMHOOK_REDACT_MIN ? p - start : 0;
}


/*
 * Reads a byte in whichever way it is written, and returns the end of that.
 * Of JSON's escapes with a letter none stands for what a URL has.
 */

static u_char *
ngx_http_jamhook_redact_unit(u_char *p, u_char *last, ngx_uint_t *unit)
{
    size_t      digits, left;
    u_char     *next;
    ngx_int_t   value;

    left = last - p;
    next = p + 1;
    *unit = *p;

    if (*p == '%') {
        digits = 2;

    } else if (*p == '\\' && left > 1 && p[1] == 'u') {
        digits = 4;
        next++;

    } else if (*p == '\\' && left > 1) {
        *unit = (p[1] == '/') ? '/' : NGX_HTTP_JAMHOOK_REDACT_OTHER;
        return next + 1;

    } else if (*p == '\\') {
        *unit = NGX_HTTP_JAMHOOK_REDACT_CUT;
        return last;

    } else {
        return next;
    }

    if ((size_t) (last - next) < digits) {
        *unit = NGX_HTTP_JAMHOOK_REDACT_CUT;
        return last;
    }

    value = ngx_hextoi(next, digits);

    if (value == NGX_ERROR) {
        *unit = (*p == '%') ? '%' : NGX_HTTP_JAMHOOK_REDACT_OTHER;
        return next;
    }

    *unit = ngx_min((ngx_uint_t) value, NGX_HTTP_JAMHOOK_REDACT_OTHER);

    return next + digits;
}
