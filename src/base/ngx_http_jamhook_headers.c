
#include "ngx_http_jamhook_headers.h"
#include "ngx_http_jamhook_json.h"


static ngx_table_elt_t *ngx_http_jamhook_headers_real(
    ngx_http_jamhook_headers_t *walk);
static ngx_str_t *ngx_http_jamhook_headers_value(ngx_table_elt_t *h);
static size_t ngx_http_jamhook_headers_json_length(ngx_str_t *s);
static u_char *ngx_http_jamhook_headers_json_write(u_char *p, ngx_str_t *s);
static ngx_uint_t ngx_http_jamhook_headers_is_utf8(ngx_str_t *s);


/* what is never kept */

static ngx_str_t  ngx_http_jamhook_headers_secret[] = {
    ngx_string("authorization"),
    ngx_string("proxy-authorization"),
    ngx_string("cookie"),
    ngx_string("set-cookie"),
    ngx_string("x-api-key"),
    ngx_null_string
};

static ngx_str_t  ngx_http_jamhook_headers_masked = ngx_string("***");


void
ngx_http_jamhook_headers_first(ngx_http_jamhook_headers_t *walk,
    ngx_list_t *list)
{
    walk->part = &list->part;
    walk->i = 0;
}


ngx_table_elt_t *
ngx_http_jamhook_headers_next(ngx_http_jamhook_headers_t *walk)
{
    ngx_table_elt_t  *h;

    while (walk->part) {

        if (walk->i >= walk->part->nelts) {
            walk->part = walk->part->next;
            walk->i = 0;
            continue;
        }

        h = walk->part->elts;
        h += walk->i++;

        if (h->hash) {
            return h;
        }
    }

    return NULL;
}


ngx_uint_t
ngx_http_jamhook_headers_is(ngx_table_elt_t *h, char *name)
{
    size_t  len;

    len = ngx_strlen(name);

    return h->key.len == len
           && ngx_strncasecmp(h->key.data, (u_char *) name, len) == 0;
}


ngx_int_t
ngx_http_jamhook_headers_json(ngx_list_t *list, ngx_pool_t *pool,
    ngx_str_t *json)
{
    u_char                      *p;
    size_t                       len;
    ngx_uint_t                   first;
    ngx_table_elt_t             *h;
    ngx_http_jamhook_headers_t   walk;

    json->len = 0;
    json->data = NULL;

    len = sizeof("[]") - 1;

    ngx_http_jamhook_headers_first(&walk, list);

    for ( ;; ) {

        h = ngx_http_jamhook_headers_real(&walk);
        if (h == NULL) {
            break;
        }

        len += sizeof("[,],") - 1
               + ngx_http_jamhook_headers_json_length(&h->key)
               + ngx_http_jamhook_headers_json_length(
                                         ngx_http_jamhook_headers_value(h));
    }

    p = ngx_pnalloc(pool, len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    json->data = p;

    *p++ = '[';
    first = 1;

    ngx_http_jamhook_headers_first(&walk, list);

    for ( ;; ) {

        h = ngx_http_jamhook_headers_real(&walk);
        if (h == NULL) {
            break;
        }

        if (!first) {
            *p++ = ',';
        }

        first = 0;

        *p++ = '[';
        p = ngx_http_jamhook_headers_json_write(p, &h->key);
        *p++ = ',';
        p = ngx_http_jamhook_headers_json_write(p,
                                         ngx_http_jamhook_headers_value(h));
        *p++ = ']';
    }

    *p++ = ']';

    json->len = p - json->data;

    return NGX_OK;
}


/* nginx adds some without a value, for its own use: "Server", "Date" */

static ngx_table_elt_t *
ngx_http_jamhook_headers_real(ngx_http_jamhook_headers_t *walk)
{
    ngx_table_elt_t  *h;

    do {
        h = ngx_http_jamhook_headers_next(walk);
    } while (h && h->value.data == NULL);

    return h;
}


static ngx_str_t *
ngx_http_jamhook_headers_value(ngx_table_elt_t *h)
{
    ngx_str_t  *name;

    for (name = ngx_http_jamhook_headers_secret; name->len; name++) {
        if (h->key.len == name->len
            && ngx_strncasecmp(h->key.data, name->data, name->len) == 0)
        {
            return &ngx_http_jamhook_headers_masked;
        }
    }

    return &h->value;
}


static size_t
ngx_http_jamhook_headers_json_length(ngx_str_t *s)
{
    size_t      len, i;

    if (ngx_http_jamhook_json_is_plain(s)) {
        return s->len + 2;
    }

    len = ngx_http_jamhook_json_escaped_length(s);

    if (ngx_http_jamhook_headers_is_utf8(s)) {
        return len;
    }

    /* two bytes of UTF-8 for each */

    for (i = 0; i < s->len; i++) {
        len += s->data[i] >= 0x80;
    }

    return len;
}


static u_char *
ngx_http_jamhook_headers_json_write(u_char *p, ngx_str_t *s)
{
    size_t     i, n;
    u_char     c, *start;
    ngx_str_t  ascii;

    if (ngx_http_jamhook_json_is_plain(s)
        || ngx_http_jamhook_headers_is_utf8(s))
    {
        return ngx_http_jamhook_json_escape(p, s);
    }

    *p++ = '"';

    for (i = 0; i < s->len; i += n) {

        if (s->data[i] >= 0x80) {
            n = 1;
            *p++ = 0xc0 | (s->data[i] >> 6);
            *p++ = 0x80 | (s->data[i] & 0x3f);
            continue;
        }

        for (n = 1; i + n < s->len && s->data[i + n] < 0x80; n++) {
            /* void */
        }

        /* escaped, but without the quotes around it */

        ascii.data = &s->data[i];
        ascii.len = n;

        start = p - 1;
        c = *start;

        p = ngx_http_jamhook_json_escape(start, &ascii) - 1;

        *start = c;
    }

    *p++ = '"';

    return p;
}


static ngx_uint_t
ngx_http_jamhook_headers_is_utf8(ngx_str_t *s)
{
    u_char    *p, *last;
    uint32_t   c;

    p = s->data;
    last = s->data + s->len;

    while (p < last) {

        if (*p < 0x80) {
            p++;
            continue;
        }

        c = ngx_utf8_decode(&p, last - p);

        if (c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff)) {
            return 0;
        }
    }

    return 1;
}
