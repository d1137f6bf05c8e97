
/*
 * Host: the few functions of nginx's core that the rooms base, rules and store
 * use, for programs without an nginx around them: the tool and the unit tests.
 * The packages that one builds modules with have nginx's headers alone.
 *
 * Every allocation of a pool is one of malloc()'s, as with nginx's own
 * NGX_DEBUG_PALLOC, so that a sanitizer sees each byte beyond it.
 */

#include <ngx_config.h>
#include <ngx_core.h>

#include <stdarg.h>
#include <stdio.h>
#include <strings.h>

#include <ngx_parse_time.h>


/* unit tests have a function that says when memory is short */

#ifdef NGX_HTTP_JAMHOOK_TOOL_HOST_FAILS
ngx_uint_t NGX_HTTP_JAMHOOK_TOOL_HOST_FAILS(void);
#else
#define NGX_HTTP_JAMHOOK_TOOL_HOST_FAILS()  0
#endif


ngx_pool_t *
ngx_create_pool(size_t size, ngx_log_t *log)
{
    ngx_pool_t  *pool;

    (void) size;

    if (NGX_HTTP_JAMHOOK_TOOL_HOST_FAILS()) {
        return NULL;
    }

    pool = calloc(1, sizeof(ngx_pool_t));

    if (pool != NULL) {
        pool->log = log;
    }

    return pool;
}


void
ngx_destroy_pool(ngx_pool_t *pool)
{
    ngx_pool_large_t    *l, *next;
    ngx_pool_cleanup_t  *c;

    for (c = pool->cleanup; c != NULL; c = c->next) {
        if (c->handler != NULL) {
            c->handler(c->data);
        }
    }

    for (l = pool->large; l != NULL; l = next) {
        next = l->next;
        free(l->alloc);
        free(l);
    }

    free(pool);
}


void *
ngx_alloc(size_t size, ngx_log_t *log)
{
    (void) log;

    return malloc(size);
}


void *
ngx_palloc(ngx_pool_t *pool, size_t size)
{
    ngx_pool_large_t  *l;

    if (NGX_HTTP_JAMHOOK_TOOL_HOST_FAILS()) {
        return NULL;
    }

    l = malloc(sizeof(ngx_pool_large_t));
    if (l == NULL) {
        return NULL;
    }

    l->alloc = malloc(size);
    if (l->alloc == NULL) {
        free(l);
        return NULL;
    }

    l->next = pool->large;
    pool->large = l;

    return l->alloc;
}


void *
ngx_pnalloc(ngx_pool_t *pool, size_t size)
{
    return ngx_palloc(pool, size);
}


void *
ngx_pcalloc(ngx_pool_t *pool, size_t size)
{
    void  *p;

    p = ngx_palloc(pool, size);

    if (p != NULL) {
        ngx_memzero(p, size);
    }

    return p;
}


ngx_pool_cleanup_t *
ngx_pool_cleanup_add(ngx_pool_t *p, size_t size)
{
    ngx_pool_cleanup_t  *c;

    c = ngx_pcalloc(p, sizeof(ngx_pool_cleanup_t));
    if (c == NULL) {
        return NULL;
    }

    if (size != 0) {
        c->data = ngx_palloc(p, size);
        if (c->data == NULL) {
            return NULL;
        }
    }

    c->next = p->cleanup;
    p->cleanup = c;

    return c;
}


ngx_chain_t *
ngx_alloc_chain_link(ngx_pool_t *pool)
{
    return ngx_palloc(pool, sizeof(ngx_chain_t));
}


ngx_buf_t *
ngx_create_temp_buf(ngx_pool_t *pool, size_t size)
{
    ngx_buf_t  *b;

    b = ngx_pcalloc(pool, sizeof(ngx_buf_t));
    if (b == NULL) {
        return NULL;
    }

    b->start = ngx_palloc(pool, size);
    if (b->start == NULL) {
        return NULL;
    }

    b->pos = b->start;
    b->last = b->start;
    b->end = b->last + size;
    b->temporary = 1;

    return b;
}


void *
ngx_array_push(ngx_array_t *a)
{
    void  *elts;

    if (a->nelts == a->nalloc) {
        elts = ngx_palloc(a->pool, 2 * a->nalloc * a->size);
        if (elts == NULL) {
            return NULL;
        }

        ngx_memcpy(elts, a->elts, a->nelts * a->size);

        a->elts = elts;
        a->nalloc *= 2;
    }

    return (u_char *) a->elts + a->size * a->nelts++;
}


u_char *
ngx_pstrdup(ngx_pool_t *pool, ngx_str_t *src)
{
    u_char  *dst;

    dst = ngx_pnalloc(pool, src->len);

    if (dst != NULL) {
        ngx_memcpy(dst, src->data, src->len);
    }

    return dst;
}


u_char *
ngx_cpystrn(u_char *dst, u_char *src, size_t n)
{
    if (n == 0) {
        return dst;
    }

    while (--n != 0 && *src != '\0') {
        *dst++ = *src++;
    }

    *dst = '\0';

    return dst;
}


/* with what these rooms have in it: %s, %ui and %% */

u_char * ngx_cdecl
ngx_snprintf(u_char *buf, size_t max, const char *fmt, ...)
{
    char         number[24];
    u_char      *last;
    va_list      args;
    const char  *text;

    last = buf + max;

    va_start(args, fmt);

    while (*fmt != '\0' && buf < last) {

        if (*fmt != '%') {
            *buf++ = *fmt++;
            continue;
        }

        if (strncmp(fmt, "%ui", 3) == 0) {
            (void) sprintf(number, "%lu",
                           (unsigned long) va_arg(args, ngx_uint_t));
            text = number;
            fmt += 3;

        } else {
            text = (fmt[1] == 's') ? va_arg(args, char *) : "%";
            fmt += 2;
        }

        while (*text != '\0' && buf < last) {
            *buf++ = *text++;
        }
    }

    va_end(args);

    return buf;
}


ngx_int_t
ngx_atoi(u_char *line, size_t n)
{
    ngx_int_t  value;

    if (n == 0 || n > 18) {
        return NGX_ERROR;
    }

    for (value = 0; n--; line++) {

        if (*line < '0' || *line > '9') {
            return NGX_ERROR;
        }

        value = value * 10 + (*line - '0');
    }

    return value;
}


u_char *
ngx_strerror(ngx_err_t err, u_char *errstr, size_t size)
{
    size_t       len;
    const char  *text;

    text = strerror(err);
    len = ngx_min(strlen(text), size);

    return ngx_cpymem(errstr, text, len);
}


void
ngx_explicit_memzero(void *buf, size_t n)
{
    ngx_memzero(buf, n);
    ngx_memory_barrier();
}


ngx_int_t
ngx_strncasecmp(u_char *s1, u_char *s2, size_t n)
{
    return strncasecmp((char *) s1, (char *) s2, n);
}


ngx_int_t
ngx_memn2cmp(u_char *s1, u_char *s2, size_t n1, size_t n2)
{
    ngx_int_t  rc;

    rc = ngx_memcmp(s1, s2, ngx_min(n1, n2));

    return rc ? rc : (n1 > n2) - (n1 < n2);
}


ngx_int_t
ngx_hextoi(u_char *line, size_t n)
{
    u_char     ch;
    ngx_int_t  value;

    for (value = 0; n != 0; n--, line++) {
        ch = ngx_tolower(*line);

        if (ch >= '0' && ch <= '9') {
            value = value * 16 + (ch - '0');

        } else if (ch >= 'a' && ch <= 'f') {
            value = value * 16 + (ch - 'a' + 10);

        } else {
            return NGX_ERROR;
        }
    }

    return value;
}


u_char *
ngx_hex_dump(u_char *dst, u_char *src, size_t len)
{
    while (len--) {
        *dst++ = "0123456789abcdef"[*src >> 4];
        *dst++ = "0123456789abcdef"[*src++ & 0xf];
    }

    return dst;
}


void
ngx_encode_base64(ngx_str_t *dst, ngx_str_t *src)
{
    size_t    i, n;
    u_char   *p, group[3];

    static u_char  alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                "abcdefghijklmnopqrstuvwxyz0123456789+/";

    p = dst->data;

    for (i = 0; i < src->len; i += 3) {
        n = ngx_min(src->len - i, 3);

        ngx_memzero(group, 3);
        ngx_memcpy(group, src->data + i, n);

        *p++ = alphabet[group[0] >> 2];
        *p++ = alphabet[(group[0] & 0x03) << 4 | group[1] >> 4];
        *p++ = (n > 1) ? alphabet[(group[1] & 0x0f) << 2 | group[2] >> 6]
                       : '=';
        *p++ = (n > 2) ? alphabet[group[2] & 0x3f] : '=';
    }

    dst->len = p - dst->data;
}


/* nginx's own members: the year as it is, months from 1 */

void
ngx_gmtime(time_t t, ngx_tm_t *tp)
{
    t = ngx_max(t, 0);

    (void) gmtime_r(&t, tp);

    tp->ngx_tm_year += 1900;
    tp->ngx_tm_mon++;
}


/* not nginx's code, but the three forms that it takes */

time_t
ngx_parse_http_time(u_char *value, size_t len)
{
    char        text[64], *end;
    struct tm   tm;
    ngx_uint_t  i;

    static const char  *formats[] = {
        "%a, %d %b %Y %H:%M:%S GMT",
        "%A, %d-%b-%y %H:%M:%S GMT",
        "%a %b %d %H:%M:%S %Y"
    };

    if (len >= sizeof(text)) {
        return NGX_ERROR;
    }

    ngx_memcpy(text, value, len);
    text[len] = '\0';

    for (i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
        ngx_memzero(&tm, sizeof(struct tm));

        end = strptime(text, formats[i], &tm);

        if (end != NULL && *end == '\0') {
            return timegm(&tm);
        }
    }

    return NGX_ERROR;
}


/* as nginx's: one character of two bytes or more */

uint32_t
ngx_utf8_decode(u_char **p, size_t n)
{
    size_t    len, i;
    uint32_t  u, least;

    u = **p;

    if (u >= 0xf0) {
        u &= 0x07;
        least = 0xffff;
        len = 3;

    } else if (u >= 0xe0) {
        u &= 0x0f;
        least = 0x7ff;
        len = 2;

    } else if (u >= 0xc2) {
        u &= 0x1f;
        least = 0x7f;
        len = 1;

    } else {
        (*p)++;
        return 0xffffffff;
    }

    if (n - 1 < len) {
        return 0xfffffffe;
    }

    for (i = 1; i <= len; i++) {

        if ((*p)[i] < 0x80) {
            *p += i + 1;
            return 0xffffffff;
        }

        u = (u << 6) | ((*p)[i] & 0x3f);
    }

    *p += len + 1;

    return u > least ? u : 0xffffffff;
}
