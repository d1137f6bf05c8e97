
#include "ngx_http_jamhook_writer.h"
#include "ngx_http_jamhook_text.h"


/* what a time can be at most: 9999-12-31T23:59:59.999Z */
#define NGX_HTTP_JAMHOOK_WRITER_LAST  253402300799999


static void ngx_http_jamhook_writer_value(ngx_http_jamhook_writer_t *w);
static void ngx_http_jamhook_writer_string(ngx_http_jamhook_writer_t *w,
    ngx_str_t *s);
static u_char *ngx_http_jamhook_writer_run(u_char *p, u_char *last);
static void ngx_http_jamhook_writer_escape(ngx_http_jamhook_writer_t *w,
    ngx_uint_t c);
static u_char *ngx_http_jamhook_writer_digits(u_char *p, ngx_uint_t n,
    ngx_uint_t width);
static void ngx_http_jamhook_writer_put(ngx_http_jamhook_writer_t *w,
    void *data, size_t len);
static ngx_int_t ngx_http_jamhook_writer_grow(ngx_http_jamhook_writer_t *w,
    size_t len);


/* a bit for each ASCII character that stands in a string as it is */

static const uint32_t  ngx_http_jamhook_writer_plain[] = {
    0x00000000,
    0xfffffffb,    /* all but the quote */
    0xefffffff,    /* all but the backslash */
    0x7fffffff     /* all but DEL */
};


void
ngx_http_jamhook_writer_init(ngx_http_jamhook_writer_t *w, ngx_pool_t *pool)
{
    ngx_memzero(w, sizeof(ngx_http_jamhook_writer_t));

    w->pool = pool;
    w->last = &w->out;
}


void
ngx_http_jamhook_writer_open(ngx_http_jamhook_writer_t *w, u_char c)
{
    ngx_http_jamhook_writer_value(w);
    ngx_http_jamhook_writer_put(w, &c, 1);

    w->comma = 0;
}


void
ngx_http_jamhook_writer_close(ngx_http_jamhook_writer_t *w, u_char c)
{
    ngx_http_jamhook_writer_put(w, &c, 1);

    w->comma = 1;
}


void
ngx_http_jamhook_writer_name(ngx_http_jamhook_writer_t *w, char *name)
{
    ngx_str_t  key;

    key.data = (u_char *) name;
    key.len = ngx_strlen(name);

    ngx_http_jamhook_writer_key(w, &key);
}


void
ngx_http_jamhook_writer_key(ngx_http_jamhook_writer_t *w, ngx_str_t *key)
{
    ngx_http_jamhook_writer_value(w);
    ngx_http_jamhook_writer_string(w, key);
    ngx_http_jamhook_writer_put(w, ":", 1);

    w->comma = 0;
}


void
ngx_http_jamhook_writer_str(ngx_http_jamhook_writer_t *w, ngx_str_t *s)
{
    if (s->data == NULL) {
        ngx_http_jamhook_writer_null(w);
        return;
    }

    ngx_http_jamhook_writer_value(w);
    ngx_http_jamhook_writer_string(w, s);
}


void
ngx_http_jamhook_writer_text(ngx_http_jamhook_writer_t *w, char *text)
{
    ngx_str_t  s;

    s.data = (u_char *) text;
    s.len = text ? ngx_strlen(text) : 0;

    ngx_http_jamhook_writer_str(w, &s);
}


void
ngx_http_jamhook_writer_int(ngx_http_jamhook_writer_t *w, int64_t n)
{
    u_char    *p, buf[NGX_INT64_LEN + 1];
    uint64_t   magnitude;

    p = buf;
    magnitude = n;

    if (n < 0) {
        *p++ = '-';
        magnitude = -magnitude;
    }

    p = ngx_http_jamhook_text_decimal(p, magnitude);

    ngx_http_jamhook_writer_value(w);
    ngx_http_jamhook_writer_put(w, buf, p - buf);
}


void
ngx_http_jamhook_writer_bool(ngx_http_jamhook_writer_t *w, ngx_uint_t b)
{
    ngx_http_jamhook_writer_value(w);

    if (b) {
        ngx_http_jamhook_writer_put(w, "true", 4);

    } else {
        ngx_http_jamhook_writer_put(w, "false", 5);
    }
}


void
ngx_http_jamhook_writer_null(ngx_http_jamhook_writer_t *w)
{
    ngx_http_jamhook_writer_value(w);
    ngx_http_jamhook_writer_put(w, "null", 4);
}


void
ngx_http_jamhook_writer_time(ngx_http_jamhook_writer_t *w, int64_t ms)
{
    u_char    *p, buf[sizeof("\"2026-11-23T15:04:05.123Z\"") - 1];
    ngx_tm_t   tm;

    if (ms <= 0) {
        ngx_http_jamhook_writer_null(w);
        return;
    }

    ms = ngx_min(ms, NGX_HTTP_JAMHOOK_WRITER_LAST);

    ngx_gmtime((time_t) (ms / 1000), &tm);

    p = buf;
    *p++ = '"';
    p = ngx_http_jamhook_writer_digits(p, tm.ngx_tm_year, 4);
    *p++ = '-';
    p = ngx_http_jamhook_writer_digits(p, tm.ngx_tm_mon, 2);
    *p++ = '-';
    p = ngx_http_jamhook_writer_digits(p, tm.ngx_tm_mday, 2);
    *p++ = 'T';
    p = ngx_http_jamhook_writer_digits(p, tm.ngx_tm_hour, 2);
    *p++ = ':';
    p = ngx_http_jamhook_writer_digits(p, tm.ngx_tm_min, 2);
    *p++ = ':';
    p = ngx_http_jamhook_writer_digits(p, tm.ngx_tm_sec, 2);
    *p++ = '.';
    p = ngx_http_jamhook_writer_digits(p, (ngx_uint_t) (ms % 1000), 3);
    *p++ = 'Z';
    *p++ = '"';

    ngx_http_jamhook_writer_value(w);
    ngx_http_jamhook_writer_put(w, buf, p - buf);
}


ngx_int_t
ngx_http_jamhook_writer_end(ngx_http_jamhook_writer_t *w, ngx_chain_t **out)
{
    if (w->failed) {
        return NGX_ERROR;
    }

    *w->last = NULL;

    if (w->b) {
        w->b->last_in_chain = 1;
    }

    *out = w->out;

    return NGX_OK;
}


static void
ngx_http_jamhook_writer_value(ngx_http_jamhook_writer_t *w)
{
    if (w->comma) {
        ngx_http_jamhook_writer_put(w, ",", 1);
    }

    w->comma = 1;
}


static void
ngx_http_jamhook_writer_string(ngx_http_jamhook_writer_t *w, ngx_str_t *s)
{
    size_t   n;
    u_char  *p, *last, *run;

    p = s->data;
    last = s->data + s->len;

    ngx_http_jamhook_writer_put(w, "\"", 1);

    while (p < last && !w->failed) {
        run = p;
        p = ngx_http_jamhook_writer_run(p, last);

        ngx_http_jamhook_writer_put(w, run, p - run);

        if (p == last) {
            break;
        }

        if (*p < 0x80) {
            ngx_http_jamhook_writer_escape(w, *p++);
            continue;
        }

        n = ngx_http_jamhook_text_utf8(p, last - p);

        if (n != 0) {

            /* e2 80 a8 or a9 */

            ngx_http_jamhook_writer_escape(w, 0x2000 | (p[2] & 0x3f));

        } else {
            ngx_http_jamhook_writer_put(w, "\xef\xbf\xbd", 3);
            n = ngx_http_jamhook_text_not_utf8(p, last - p);
        }

        p += n;
    }

    ngx_http_jamhook_writer_put(w, "\"", 1);
}


/* the end of what stands in a string as it is */

static u_char *
ngx_http_jamhook_writer_run(u_char *p, u_char *last)
{
    size_t  n;

    while (p < last) {

        if (*p < 0x80) {

            if (!(ngx_http_jamhook_writer_plain[*p >> 5]
                  & ((uint32_t) 1 << (*p & 0x1f))))
            {
                break;
            }

            p++;
            continue;
        }

        n = ngx_http_jamhook_text_utf8(p, last - p);

        if (n == 0
            || (n == 3 && p[0] == 0xe2 && p[1] == 0x80
                && (p[2] == 0xa8 || p[2] == 0xa9)))
        {
            break;
        }

        p += n;
    }

    return p;
}


static void
ngx_http_jamhook_writer_escape(ngx_http_jamhook_writer_t *w, ngx_uint_t c)
{
    u_char   letter, buf[6], unit[2];

    switch (c) {

    case '"':
    case '\\':
        letter = (u_char) c;
        break;

    case '\b':
        letter = 'b';
        break;

    case '\f':
        letter = 'f';
        break;

    case '\n':
        letter = 'n';
        break;

    case '\r':
        letter = 'r';
        break;

    case '\t':
        letter = 't';
        break;

    default:
        unit[0] = (u_char) (c >> 8);
        unit[1] = (u_char) c;

        buf[0] = '\\';
        buf[1] = 'u';
        (void) ngx_http_jamhook_text_hex(buf + 2, unit, 2);

        ngx_http_jamhook_writer_put(w, buf, 6);
        return;
    }

    buf[0] = '\\';
    buf[1] = letter;

    ngx_http_jamhook_writer_put(w, buf, 2);
}


static u_char *
ngx_http_jamhook_writer_digits(u_char *p, ngx_uint_t n, ngx_uint_t width)
{
    ngx_uint_t  i;

    for (i = width; i; i--) {
        p[i - 1] = (u_char) (n % 10 + '0');
        n /= 10;
    }

    return p + width;
}


static void
ngx_http_jamhook_writer_put(ngx_http_jamhook_writer_t *w, void *data,
    size_t len)
{
    size_t   n;
    u_char  *p;

    for (p = data; len && !w->failed; p += n, len -= n) {

        if ((w->b == NULL || w->b->last == w->b->end)
            && ngx_http_jamhook_writer_grow(w, len) != NGX_OK)
        {
            w->failed = 1;
            return;
        }

        n = ngx_min(len, (size_t) (w->b->end - w->b->last));

        w->b->last = ngx_cpymem(w->b->last, p, n);
        w->size += n;
    }
}


/* a buffer for what comes, large enough for all of a long string's run */

static ngx_int_t
ngx_http_jamhook_writer_grow(ngx_http_jamhook_writer_t *w, size_t len)
{
    ngx_buf_t    *b;
    ngx_chain_t  *cl;

    cl = ngx_alloc_chain_link(w->pool);
    if (cl == NULL) {
        return NGX_ERROR;
    }

    b = ngx_create_temp_buf(w->pool,
                            ngx_align(len, NGX_HTTP_JAMHOOK_WRITER_BUFFER));
    if (b == NULL) {
        return NGX_ERROR;
    }

    cl->buf = b;
    cl->next = NULL;

    *w->last = cl;
    w->last = &cl->next;
    w->b = b;

    return NGX_OK;
}
