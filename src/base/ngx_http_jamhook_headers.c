
#include "ngx_http_jamhook_headers.h"
#include "ngx_http_jamhook_json.h"
#include "ngx_http_jamhook_text.h"


/* a text that is read, and where its strings go, which are no longer */
typedef struct {
    u_char    *p;
    u_char    *last;
    u_char    *out;
} ngx_http_jamhook_headers_text_t;


static ngx_table_elt_t *ngx_http_jamhook_headers_real(
    ngx_http_jamhook_headers_t *walk);
static ngx_str_t *ngx_http_jamhook_headers_value(ngx_table_elt_t *h);
static size_t ngx_http_jamhook_headers_json_length(ngx_str_t *s,
    ngx_uint_t *plain);
static u_char *ngx_http_jamhook_headers_json_write(u_char *p, ngx_str_t *s,
    ngx_uint_t plain);
static ngx_uint_t ngx_http_jamhook_headers_is_utf8(ngx_str_t *s);
static ngx_int_t ngx_http_jamhook_headers_read_pair(
    ngx_http_jamhook_headers_text_t *text, ngx_http_jamhook_header_t *h);
static ngx_int_t ngx_http_jamhook_headers_read_string(
    ngx_http_jamhook_headers_text_t *text, ngx_str_t *s);
static ngx_int_t ngx_http_jamhook_headers_read_escape(
    ngx_http_jamhook_headers_text_t *text);
static ngx_int_t ngx_http_jamhook_headers_read_unit(
    ngx_http_jamhook_headers_text_t *text, uint32_t *unit);
static ngx_int_t ngx_http_jamhook_headers_read_char(
    ngx_http_jamhook_headers_text_t *text, u_char c);
static ngx_int_t ngx_http_jamhook_headers_join(ngx_array_t *all,
    ngx_pool_t *pool, ngx_array_t *headers);
static ngx_int_t ngx_http_jamhook_headers_join_values(
    ngx_http_jamhook_header_t *h, ngx_pool_t *pool);


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
    ngx_uint_t                   first, plain;
    ngx_table_elt_t             *h;
    ngx_http_jamhook_headers_t   walk;

    json->len = 0;
    json->data = NULL;

    len = sizeof("[]") - 1;
    plain = 1;

    ngx_http_jamhook_headers_first(&walk, list);

    for ( ;; ) {

        h = ngx_http_jamhook_headers_real(&walk);
        if (h == NULL) {
            break;
        }

        len += sizeof("[,],") - 1
               + ngx_http_jamhook_headers_json_length(&h->key, &plain)
               + ngx_http_jamhook_headers_json_length(
                                 ngx_http_jamhook_headers_value(h), &plain);
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
        p = ngx_http_jamhook_headers_json_write(p, &h->key, plain);
        *p++ = ',';
        p = ngx_http_jamhook_headers_json_write(p,
                                  ngx_http_jamhook_headers_value(h), plain);
        *p++ = ']';
    }

    *p++ = ']';

    json->len = p - json->data;

    return NGX_OK;
}


ngx_int_t
ngx_http_jamhook_headers_read(ngx_str_t *json, ngx_pool_t *pool,
    ngx_array_t *headers)
{
    ngx_array_t                       all;
    ngx_http_jamhook_header_t        *h;
    ngx_http_jamhook_headers_text_t   text;

    if (ngx_array_init(&all, pool, 16, sizeof(ngx_http_jamhook_header_t))
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    text.p = json->data;
    text.last = json->data + json->len;
    text.out = ngx_pnalloc(pool, ngx_max(json->len, 1));

    if (text.out == NULL) {
        return NGX_ERROR;
    }

    if (ngx_http_jamhook_headers_read_char(&text, '[') != NGX_OK) {
        return NGX_DECLINED;
    }

    while (ngx_http_jamhook_headers_read_char(&text, ']') != NGX_OK) {

        if (all.nelts
            && ngx_http_jamhook_headers_read_char(&text, ',') != NGX_OK)
        {
            return NGX_DECLINED;
        }

        h = ngx_array_push(&all);
        if (h == NULL) {
            return NGX_ERROR;
        }

        if (ngx_http_jamhook_headers_read_pair(&text, h) != NGX_OK) {
            return NGX_DECLINED;
        }
    }

    if (text.p != text.last) {
        return NGX_DECLINED;
    }

    return ngx_http_jamhook_headers_join(&all, pool, headers);
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
ngx_http_jamhook_headers_json_length(ngx_str_t *s, ngx_uint_t *plain)
{
    size_t      len, i;

    if (ngx_http_jamhook_json_is_plain(s)) {
        return s->len + 2;
    }

    *plain = 0;

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


/* "plain": it is known to be, as all of them mostly are */

static u_char *
ngx_http_jamhook_headers_json_write(u_char *p, ngx_str_t *s, ngx_uint_t plain)
{
    size_t     i, n;
    u_char     c, *start;
    ngx_str_t  ascii;

    if (plain) {
        *p++ = '"';
        p = ngx_cpymem(p, s->data, s->len);
        *p++ = '"';

        return p;
    }

    if (ngx_http_jamhook_headers_is_utf8(s)) {
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
    size_t   n;
    u_char  *p, *last;

    p = s->data;
    last = s->data + s->len;

    while (p < last) {
        n = ngx_http_jamhook_text_utf8(p, last - p);

        if (n == 0) {
            return 0;
        }

        p += n;
    }

    return 1;
}


static ngx_int_t
ngx_http_jamhook_headers_read_pair(ngx_http_jamhook_headers_text_t *text,
    ngx_http_jamhook_header_t *h)
{
    u_char  *p;
    size_t   i;

    ngx_memzero(h, sizeof(ngx_http_jamhook_header_t));

    if (ngx_http_jamhook_headers_read_char(text, '[') != NGX_OK
        || ngx_http_jamhook_headers_read_string(text, &h->name) != NGX_OK
        || ngx_http_jamhook_headers_read_char(text, ',') != NGX_OK
        || ngx_http_jamhook_headers_read_string(text, &h->value) != NGX_OK
        || ngx_http_jamhook_headers_read_char(text, ']') != NGX_OK)
    {
        return NGX_DECLINED;
    }

    p = h->name.data;

    for (i = 0; i < h->name.len; i++) {
        p[i] = ngx_tolower(p[i]);
        h->hash = ngx_hash(h->hash, p[i]);
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_jamhook_headers_read_string(ngx_http_jamhook_headers_text_t *text,
    ngx_str_t *s)
{
    u_char  c;

    if (ngx_http_jamhook_headers_read_char(text, '"') != NGX_OK) {
        return NGX_DECLINED;
    }

    s->data = text->out;

    while (text->p < text->last) {
        c = *text->p++;

        if (c == '"') {
            s->len = text->out - s->data;
            return NGX_OK;
        }

        if (c < 0x20) {
            break;
        }

        if (c != '\\') {
            *text->out++ = c;

        } else if (ngx_http_jamhook_headers_read_escape(text) != NGX_OK) {
            break;
        }
    }

    return NGX_DECLINED;
}


/* behind a backslash */

static ngx_int_t
ngx_http_jamhook_headers_read_escape(ngx_http_jamhook_headers_text_t *text)
{
    u_char     c, *p;
    uint32_t   unit, low;

    static const char  letters[] = "\"\\/bfnrt";
    static const char  meant[] = "\"\\/\b\f\n\r\t";

    if (text->p == text->last) {
        return NGX_DECLINED;
    }

    c = *text->p++;

    if (c != 'u') {
        p = (u_char *) ((c != '\0') ? ngx_strchr(letters, c) : NULL);

        if (p == NULL) {
            return NGX_DECLINED;
        }

        *text->out++ = (u_char) meant[p - (u_char *) letters];

        return NGX_OK;
    }

    if (ngx_http_jamhook_headers_read_unit(text, &unit) != NGX_OK) {
        return NGX_DECLINED;
    }

    if (unit >= 0xd800 && unit <= 0xdfff) {

        if (unit > 0xdbff
            || ngx_http_jamhook_headers_read_char(text, '\\') != NGX_OK
            || ngx_http_jamhook_headers_read_char(text, 'u') != NGX_OK
            || ngx_http_jamhook_headers_read_unit(text, &low) != NGX_OK
            || low < 0xdc00
            || low > 0xdfff)
        {
            return NGX_DECLINED;
        }

        unit = 0x10000 + ((unit & 0x3ff) << 10) + (low & 0x3ff);
    }

    p = text->out;

    if (unit < 0x80) {
        *p++ = (u_char) unit;

    } else if (unit < 0x800) {
        *p++ = (u_char) (0xc0 | unit >> 6);
        *p++ = (u_char) (0x80 | (unit & 0x3f));

    } else if (unit < 0x10000) {
        *p++ = (u_char) (0xe0 | unit >> 12);
        *p++ = (u_char) (0x80 | (unit >> 6 & 0x3f));
        *p++ = (u_char) (0x80 | (unit & 0x3f));

    } else {
        *p++ = (u_char) (0xf0 | unit >> 18);
        *p++ = (u_char) (0x80 | (unit >> 12 & 0x3f));
        *p++ = (u_char) (0x80 | (unit >> 6 & 0x3f));
        *p++ = (u_char) (0x80 | (unit & 0x3f));
    }

    text->out = p;

    return NGX_OK;
}


static ngx_int_t
ngx_http_jamhook_headers_read_unit(ngx_http_jamhook_headers_text_t *text,
    uint32_t *unit)
{
    ngx_int_t  n;

    if (text->last - text->p < 4) {
        return NGX_DECLINED;
    }

    n = ngx_hextoi(text->p, 4);
    if (n == NGX_ERROR) {
        return NGX_DECLINED;
    }

    *unit = (uint32_t) n;
    text->p += 4;

    return NGX_OK;
}


static ngx_int_t
ngx_http_jamhook_headers_read_char(ngx_http_jamhook_headers_text_t *text,
    u_char c)
{
    if (text->p == text->last || *text->p != c) {
        return NGX_DECLINED;
    }

    text->p++;

    return NGX_OK;
}


static ngx_int_t
ngx_http_jamhook_headers_join(ngx_array_t *all, ngx_pool_t *pool,
    ngx_array_t *headers)
{
    ngx_uint_t                   i, j;
    ngx_http_jamhook_header_t   *h, *joined, **next;

    if (ngx_array_init(headers, pool, ngx_max(all->nelts, 1),
                       sizeof(ngx_http_jamhook_header_t))
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    h = all->elts;

    for (i = 0; i < all->nelts; i++) {

        if (h[i].doubled) {
            continue;
        }

        next = &h[i].next;

        for (j = i + 1; j < all->nelts; j++) {

            if (h[j].hash == h[i].hash
                && h[j].name.len == h[i].name.len
                && ngx_memcmp(h[j].name.data, h[i].name.data, h[i].name.len)
                   == 0)
            {
                h[j].doubled = 1;
                *next = &h[j];
                next = &h[j].next;
            }
        }

        if (ngx_http_jamhook_headers_join_values(&h[i], pool) != NGX_OK) {
            return NGX_ERROR;
        }

        joined = ngx_array_push(headers);
        if (joined == NULL) {
            return NGX_ERROR;
        }

        *joined = h[i];
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_jamhook_headers_join_values(ngx_http_jamhook_header_t *h,
    ngx_pool_t *pool)
{
    u_char                     *p;
    size_t                      len;
    ngx_str_t                   value;
    ngx_http_jamhook_header_t  *next;

    if (h->next == NULL) {
        return NGX_OK;
    }

    len = h->value.len;

    for (next = h->next; next; next = next->next) {
        len += sizeof(", ") - 1 + next->value.len;
    }

    value.data = ngx_pnalloc(pool, len);
    if (value.data == NULL) {
        return NGX_ERROR;
    }

    value.len = len;

    p = ngx_cpymem(value.data, h->value.data, h->value.len);

    for (next = h->next; next; next = next->next) {
        *p++ = ',';
        *p++ = ' ';
        p = ngx_cpymem(p, next->value.data, next->value.len);
    }

    h->value = value;

    return NGX_OK;
}
