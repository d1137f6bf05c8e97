
#include "ngx_http_jamhook_query.h"
#include "ngx_http_jamhook_text.h"


#define NGX_HTTP_JAMHOOK_QUERY_STRING_MAX  1024      /* bytes, decoded */


static ngx_int_t ngx_http_jamhook_query_param(ngx_pool_t *pool,
    ngx_str_t *raw_name, ngx_str_t *raw_value,
    ngx_http_jamhook_query_param_t *params, void *data, uint64_t *seen,
    ngx_str_t *name, char **why);
static ngx_int_t ngx_http_jamhook_query_decode(ngx_pool_t *pool,
    ngx_str_t *src, ngx_str_t *dst);
static ngx_int_t ngx_http_jamhook_query_value(
    ngx_http_jamhook_query_param_t *param, ngx_str_t *value, void *data,
    char **why);
static ngx_int_t ngx_http_jamhook_query_limit(ngx_str_t *value, ngx_uint_t *n);
static ngx_int_t ngx_http_jamhook_query_position(ngx_str_t *value,
    int64_t *cursor);
static ngx_int_t ngx_http_jamhook_query_word(ngx_str_t *words,
    ngx_str_t *value, ngx_uint_t *index);
static ngx_int_t ngx_http_jamhook_query_digits(u_char **p, u_char *last,
    size_t n, ngx_int_t min, ngx_int_t max, ngx_int_t *value);
static ngx_int_t ngx_http_jamhook_query_char(u_char **p, u_char *last,
    u_char c);
static ngx_int_t ngx_http_jamhook_query_date(u_char **p, u_char *last,
    int64_t *days);
static ngx_int_t ngx_http_jamhook_query_clock(u_char **p, u_char *last,
    int64_t *ms, ngx_uint_t *leap);
static ngx_int_t ngx_http_jamhook_query_fraction(u_char **p, u_char *last,
    ngx_int_t *ms);
static ngx_int_t ngx_http_jamhook_query_offset(u_char **p, u_char *last,
    ngx_int_t *minutes);


ngx_int_t
ngx_http_jamhook_query_read(ngx_pool_t *pool, ngx_str_t *args,
    ngx_http_jamhook_query_param_t *params, void *data, ngx_str_t *name,
    char **why)
{
    u_char     *p, *end, *last, *equals;
    uint64_t    seen;
    ngx_int_t   rc;
    ngx_str_t   raw_name, raw_value;

    if (args->len == 0) {
        return NGX_OK;
    }

    seen = 0;
    p = args->data;
    last = args->data + args->len;

    for ( /* void */ ; p < last; p = end + 1) {

        end = ngx_strlchr(p, last, '&');
        if (end == NULL) {
            end = last;
        }

        if (p == end) {
            continue;
        }

        equals = ngx_strlchr(p, end, '=');
        if (equals == NULL) {
            equals = end;
        }

        raw_name.data = p;
        raw_name.len = equals - p;

        raw_value.data = (equals == end) ? end : equals + 1;
        raw_value.len = end - raw_value.data;

        rc = ngx_http_jamhook_query_param(pool, &raw_name, &raw_value, params,
                                          data, &seen, name, why);
        if (rc != NGX_OK) {
            return rc;
        }
    }

    return NGX_OK;
}


ngx_int_t
ngx_http_jamhook_query_time(ngx_str_t *s, int64_t *ms)
{
    u_char      *p, *last;
    int64_t      days, clock, t;
    ngx_int_t    fraction, offset;
    ngx_uint_t   leap;

    p = s->data;
    last = s->data + s->len;

    if (ngx_http_jamhook_query_date(&p, last, &days) != NGX_OK
        || ngx_http_jamhook_query_char(&p, last, 't') != NGX_OK
        || ngx_http_jamhook_query_clock(&p, last, &clock, &leap) != NGX_OK
        || ngx_http_jamhook_query_fraction(&p, last, &fraction) != NGX_OK
        || ngx_http_jamhook_query_offset(&p, last, &offset) != NGX_OK
        || p != last)
    {
        return NGX_DECLINED;
    }

    t = days * 86400000 + clock - (int64_t) offset * 60000;

    if (leap) {

        /* Unix time has none: the last moment before; at the end of a day */

        if ((t / 1000) % 86400 != 86399) {
            return NGX_DECLINED;
        }

        fraction = 999;
    }

    /* the first moment, which ops take for "not given", and what an offset
       puts before it */

    *ms = ngx_max(t + fraction, 1);

    return NGX_OK;
}


/*
 * The number and a check, in hex.  The check makes it opaque: one that was made
 * up or edited is refused, where it would give odd lists.
 */

u_char *
ngx_http_jamhook_query_cursor(u_char *dst, int64_t n)
{
    u_char      bytes[12];
    uint64_t    value, check;
    ngx_uint_t  i;

    value = n;
    check = (value * 0x9e3779b97f4a7c15) >> 32;

    for (i = 0; i < 8; i++) {
        bytes[i] = (u_char) (value >> (56 - 8 * i));
    }

    for (i = 0; i < 4; i++) {
        bytes[8 + i] = (u_char) (check >> (24 - 8 * i));
    }

    return ngx_http_jamhook_text_hex(dst, bytes, sizeof(bytes));
}


static ngx_int_t
ngx_http_jamhook_query_param(ngx_pool_t *pool, ngx_str_t *raw_name,
    ngx_str_t *raw_value, ngx_http_jamhook_query_param_t *params, void *data,
    uint64_t *seen, ngx_str_t *name, char **why)
{
    uint64_t                         bit;
    ngx_int_t                        rc;
    ngx_str_t                        value;
    ngx_http_jamhook_query_param_t  *param;

    rc = ngx_http_jamhook_query_decode(pool, raw_name, name);

    if (rc != NGX_OK) {
        *name = *raw_name;
        *why = "its name is not percent-encoded as it should be";
        return rc;
    }

    bit = 1;

    for (param = params; param->name.len; param++) {

        if (param->name.len == name->len
            && ngx_memcmp(param->name.data, name->data, name->len) == 0)
        {
            break;
        }

        bit <<= 1;
    }

    if (param->name.len == 0) {
        *why = "there is no such parameter";
        return NGX_DECLINED;
    }

    if (*seen & bit) {
        *why = "it is given twice";
        return NGX_DECLINED;
    }

    *seen |= bit;

    rc = ngx_http_jamhook_query_decode(pool, raw_value, &value);

    if (rc != NGX_OK) {
        *why = "its value is not percent-encoded as it should be";
        return rc;
    }

    if (value.len == 0) {
        return NGX_OK;
    }

    return ngx_http_jamhook_query_value(param, &value, data, why);
}


/* '+' stands for itself: times have it */

static ngx_int_t
ngx_http_jamhook_query_decode(ngx_pool_t *pool, ngx_str_t *src,
    ngx_str_t *dst)
{
    u_char     *p, *last, *out;
    ngx_int_t   c;

    p = src->data;
    last = src->data + src->len;

    if (ngx_strlchr(p, last, '%') == NULL) {
        *dst = *src;
        return NGX_OK;
    }

    out = ngx_pnalloc(pool, src->len);
    if (out == NULL) {
        return NGX_ERROR;
    }

    dst->data = out;

    while (p < last) {

        if (*p != '%') {
            *out++ = *p++;
            continue;
        }

        if (last - p < 3) {
            return NGX_DECLINED;
        }

        c = ngx_hextoi(p + 1, 2);
        if (c == NGX_ERROR) {
            return NGX_DECLINED;
        }

        *out++ = (u_char) c;
        p += 3;
    }

    dst->len = out - dst->data;

    return NGX_OK;
}


static ngx_int_t
ngx_http_jamhook_query_value(ngx_http_jamhook_query_param_t *param,
    ngx_str_t *value, void *data, char **why)
{
    void  *field;

    field = (u_char *) data + param->offset;

    switch (param->kind) {

    case NGX_HTTP_JAMHOOK_QUERY_NUMBER:
        *why = "it must be a number from 1 to 250";
        return ngx_http_jamhook_query_limit(value, field);

    case NGX_HTTP_JAMHOOK_QUERY_TIME:
        *why = "it must be a time of RFC 3339, such as 2026-01-31T15:04:05Z";
        return ngx_http_jamhook_query_time(value, field);

    case NGX_HTTP_JAMHOOK_QUERY_CURSOR:
        *why = "it must be what an earlier answer gave as \"next\"";
        return ngx_http_jamhook_query_position(value, field);

    case NGX_HTTP_JAMHOOK_QUERY_WORD:
        *why = "it has a value that it cannot have";
        return ngx_http_jamhook_query_word(param->words, value, field);

    default: /* NGX_HTTP_JAMHOOK_QUERY_STRING */

        if (value->len > NGX_HTTP_JAMHOOK_QUERY_STRING_MAX) {
            *why = "it is longer than 1024 bytes";
            return NGX_DECLINED;
        }

        if (ngx_http_jamhook_text_has_control(value)) {
            *why = "it holds a control character";
            return NGX_DECLINED;
        }

        *(ngx_str_t *) field = *value;

        return NGX_OK;
    }
}


static ngx_int_t
ngx_http_jamhook_query_limit(ngx_str_t *value, ngx_uint_t *n)
{
    int64_t  number;

    if (ngx_http_jamhook_text_number(value, &number) != NGX_OK
        || number > NGX_HTTP_JAMHOOK_QUERY_LIMIT_MAX)
    {
        return NGX_DECLINED;
    }

    *n = (ngx_uint_t) number;

    return NGX_OK;
}


/* what it would be if we had made it is compared to what it is */

static ngx_int_t
ngx_http_jamhook_query_position(ngx_str_t *value, int64_t *cursor)
{
    u_char     *p, made[NGX_HTTP_JAMHOOK_CURSOR_MAX];
    uint64_t    n;
    ngx_int_t   digit;

    if (value->len != NGX_HTTP_JAMHOOK_CURSOR_MAX) {
        return NGX_DECLINED;
    }

    n = 0;

    for (p = value->data; p < value->data + 16; p++) {

        digit = ngx_hextoi(p, 1);
        if (digit == NGX_ERROR) {
            return NGX_DECLINED;
        }

        n = n << 4 | (uint64_t) digit;
    }

    if (n == 0 || n > INT64_MAX) {
        return NGX_DECLINED;
    }

    (void) ngx_http_jamhook_query_cursor(made, (int64_t) n);

    if (ngx_memcmp(made, value->data, sizeof(made)) != 0) {
        return NGX_DECLINED;
    }

    *cursor = (int64_t) n;

    return NGX_OK;
}


static ngx_int_t
ngx_http_jamhook_query_word(ngx_str_t *words, ngx_str_t *value,
    ngx_uint_t *index)
{
    ngx_uint_t  i;

    for (i = 0; words[i].len; i++) {

        if (words[i].len == value->len
            && ngx_memcmp(words[i].data, value->data, value->len) == 0)
        {
            *index = i;
            return NGX_OK;
        }
    }

    return NGX_DECLINED;
}


/* n digits that make a number from min to max */

static ngx_int_t
ngx_http_jamhook_query_digits(u_char **p, u_char *last, size_t n,
    ngx_int_t min, ngx_int_t max, ngx_int_t *value)
{
    *value = 0;

    for ( /* void */ ; n; n--) {

        if (*p == last || **p < '0' || **p > '9') {
            return NGX_DECLINED;
        }

        *value = *value * 10 + (*(*p)++ - '0');
    }

    return (*value >= min && *value <= max) ? NGX_OK : NGX_DECLINED;
}


/* c, in lower case, or its upper case */

static ngx_int_t
ngx_http_jamhook_query_char(u_char **p, u_char *last, u_char c)
{
    if (*p == last || ngx_tolower(**p) != c) {
        return NGX_DECLINED;
    }

    (*p)++;

    return NGX_OK;
}


/* days since 1970-01-01 */

static ngx_int_t
ngx_http_jamhook_query_date(u_char **p, u_char *last, int64_t *days)
{
    ngx_int_t  year, month, day, leap;

    static const ngx_int_t  lengths[] = {
        31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31
    };

    if (ngx_http_jamhook_query_digits(p, last, 4, 1970, 9999, &year) != NGX_OK
        || ngx_http_jamhook_query_char(p, last, '-') != NGX_OK
        || ngx_http_jamhook_query_digits(p, last, 2, 1, 12, &month) != NGX_OK
        || ngx_http_jamhook_query_char(p, last, '-') != NGX_OK
        || ngx_http_jamhook_query_digits(p, last, 2, 1, 31, &day) != NGX_OK)
    {
        return NGX_DECLINED;
    }

    leap = (year % 4 == 0 && (year % 100 != 0 || year % 400 == 0));

    if (day > lengths[month - 1] + (month == 2 && leap)) {
        return NGX_DECLINED;
    }

    /* of the year's, by Gauss, who begins it with March */

    if (month <= 2) {
        year--;
        month += 12;
    }

    *days = 365 * year + year / 4 - year / 100 + year / 400
            + 367 * (month - 2) / 12 - 30 + day - 1
            + 59 - 719527;

    return NGX_OK;
}


static ngx_int_t
ngx_http_jamhook_query_clock(u_char **p, u_char *last, int64_t *ms,
    ngx_uint_t *leap)
{
    ngx_int_t  hour, minute, second;

    if (ngx_http_jamhook_query_digits(p, last, 2, 0, 23, &hour) != NGX_OK
        || ngx_http_jamhook_query_char(p, last, ':') != NGX_OK
        || ngx_http_jamhook_query_digits(p, last, 2, 0, 59, &minute) != NGX_OK
        || ngx_http_jamhook_query_char(p, last, ':') != NGX_OK
        || ngx_http_jamhook_query_digits(p, last, 2, 0, 60, &second) != NGX_OK)
    {
        return NGX_DECLINED;
    }

    *leap = (second == 60);

    if (*leap) {
        second = 59;
    }

    *ms = ((hour * 60 + minute) * 60 + second) * (int64_t) 1000;

    return NGX_OK;
}


/* nothing, or up to nine digits, of which three count */

static ngx_int_t
ngx_http_jamhook_query_fraction(u_char **p, u_char *last, ngx_int_t *ms)
{
    ngx_uint_t  n;

    *ms = 0;

    if (*p == last || **p != '.') {
        return NGX_OK;
    }

    (*p)++;

    for (n = 0; *p < last && **p >= '0' && **p <= '9'; n++, (*p)++) {

        if (n < 3) {
            *ms = *ms * 10 + (**p - '0');
        }
    }

    if (n == 0 || n > 9) {
        return NGX_DECLINED;
    }

    for ( /* void */ ; n < 3; n++) {
        *ms *= 10;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_jamhook_query_offset(u_char **p, u_char *last, ngx_int_t *minutes)
{
    ngx_int_t  sign, hour, minute;

    *minutes = 0;

    if (ngx_http_jamhook_query_char(p, last, 'z') == NGX_OK) {
        return NGX_OK;
    }

    if (ngx_http_jamhook_query_char(p, last, '+') == NGX_OK) {
        sign = 1;

    } else if (ngx_http_jamhook_query_char(p, last, '-') == NGX_OK) {
        sign = -1;

    } else {
        return NGX_DECLINED;
    }

    if (ngx_http_jamhook_query_digits(p, last, 2, 0, 23, &hour) != NGX_OK
        || ngx_http_jamhook_query_char(p, last, ':') != NGX_OK
        || ngx_http_jamhook_query_digits(p, last, 2, 0, 59, &minute) != NGX_OK)
    {
        return NGX_DECLINED;
    }

    *minutes = sign * (hour * 60 + minute);

    return NGX_OK;
}
