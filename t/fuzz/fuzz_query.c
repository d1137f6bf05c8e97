
/*
 * rules/query: what stands behind a '?'.  Each parameter that is taken is what
 * a second reading of the text says, and has a value that it may have; times
 * beside timegm(); a cursor is taken if we made it and not if a bit of it is
 * another.  The input: a number of which a cursor is made, in a line; the text.
 */

#include "ngx_http_jamhook_query.h"

#include <time.h>

#include "fuzz.h"


typedef struct {
    ngx_str_t     q;
    ngx_str_t     id;
    ngx_uint_t    limit;
    int64_t       since;
    int64_t       until;
    int64_t       cursor;
    ngx_uint_t    state;
} params_t;


static ngx_str_t  states[] = {
    ngx_string("pending"),
    ngx_string("failed"),
    ngx_null_string
};


static ngx_http_jamhook_query_param_t  table[] = {

    { ngx_string("q"), NGX_HTTP_JAMHOOK_QUERY_STRING,
      offsetof(params_t, q), NULL },

    { ngx_string("id"), NGX_HTTP_JAMHOOK_QUERY_STRING,
      offsetof(params_t, id), NULL },

    { ngx_string("limit"), NGX_HTTP_JAMHOOK_QUERY_NUMBER,
      offsetof(params_t, limit), NULL },

    { ngx_string("since"), NGX_HTTP_JAMHOOK_QUERY_TIME,
      offsetof(params_t, since), NULL },

    { ngx_string("until"), NGX_HTTP_JAMHOOK_QUERY_TIME,
      offsetof(params_t, until), NULL },

    { ngx_string("cursor"), NGX_HTTP_JAMHOOK_QUERY_CURSOR,
      offsetof(params_t, cursor), NULL },

    { ngx_string("state"), NGX_HTTP_JAMHOOK_QUERY_WORD,
      offsetof(params_t, state), states },

    { ngx_null_string, 0, 0, NULL }
};


static int
hex(int c)
{
    return isdigit(c) ? c - '0' : tolower(c) - 'a' + 10;
}


static ngx_uint_t
decode(ngx_pool_t *pool, u_char *p, u_char *last, ngx_str_t *s)
{
    s->data = ngx_pnalloc(pool, last - p);

    for (s->len = 0; p < last; p++) {

        if (*p == '%') {
            if (last - p < 3 || !isxdigit(p[1]) || !isxdigit(p[2])) {
                return 0;
            }

            s->data[s->len++] = (u_char) (hex(p[1]) * 16 + hex(p[2]));
            p += 2;
            continue;
        }

        s->data[s->len++] = *p;
    }

    *s = shim_bytes(pool, s->data, s->len);

    return 1;
}


/* RFC 3339, by the C library; 0: it is none */

static int64_t
moment(ngx_pool_t *pool, ngx_str_t *s)
{
    int         leap, hours, minutes, n, digits;
    char       *text, *p;
    int64_t     t, ms;
    struct tm   tm, again;

    static const char  form[] = "dddd-dd-ddtdd:dd:dd";

    if (s->len < sizeof(form) || memchr(s->data, '\0', s->len)) {
        return 0;
    }

    text = fuzz_text(pool, s);

    for (n = 0; form[n]; n++) {
        if (form[n] == 'd' ? !isdigit(s->data[n])
                           : tolower(s->data[n]) != form[n])
        {
            return 0;
        }
    }

    memset(&tm, 0, sizeof(tm));

    check(sscanf(text, "%4d-%2d-%2d%*c%2d:%2d:%2d", &tm.tm_year, &tm.tm_mon,
                 &tm.tm_mday, &tm.tm_hour, &tm.tm_min, &tm.tm_sec)
          == 6);

    if (tm.tm_year < 1970 || tm.tm_hour > 23 || tm.tm_min > 59
        || tm.tm_sec > 60)
    {
        return 0;
    }

    leap = tm.tm_sec == 60;
    tm.tm_sec -= leap;
    tm.tm_year -= 1900;
    tm.tm_mon--;

    again = tm;
    t = timegm(&again);

    if (again.tm_mday != tm.tm_mday || again.tm_mon != tm.tm_mon
        || again.tm_year != tm.tm_year)
    {
        return 0;
    }

    p = text + n;
    ms = 0;

    if (*p == '.') {
        p++;
        digits = (int) strspn(p, "0123456789");

        if (digits == 0 || digits > 9) {
            return 0;
        }

        for (n = 0; n < 3; n++) {
            ms = ms * 10 + (n < digits ? p[n] - '0' : 0);
        }

        p += digits;
    }

    if (*p == '+' || *p == '-') {

        if (strlen(p) != 6 || !isdigit(p[1]) || !isdigit(p[2])
            || p[3] != ':' || !isdigit(p[4]) || !isdigit(p[5]))
        {
            return 0;
        }

        hours = (p[1] - '0') * 10 + p[2] - '0';
        minutes = (p[4] - '0') * 10 + p[5] - '0';

        if (hours > 23 || minutes > 59) {
            return 0;
        }

        t -= (*p == '-' ? -1 : 1) * (hours * 60 + minutes) * 60;

    } else if (strcasecmp(p, "z") != 0) {
        return 0;
    }

    if (leap) {

        /* at the end of a day of UTC */

        if (((t + 1) % 86400 + 86400) % 86400 != 0) {
            return 0;
        }

        ms = 999;
    }

    return ngx_max(t * 1000 + ms, 1);
}


static void
cursors(ngx_pool_t *pool, ngx_str_t *line)
{
    u_char     *dst, *end;
    int64_t     n;
    params_t    params;
    ngx_int_t   rc;
    ngx_str_t   args, name;
    char       *why;

    n = fuzz_number(line, 1);

    args = shim_str(pool, "cursor=XXXXXXXXXXXXXXXXXXXXXXXX");
    dst = args.data + 7;
    end = ngx_http_jamhook_query_cursor(dst, n);

    check(end == args.data + args.len);

    memset(&params, 0, sizeof(params));
    rc = ngx_http_jamhook_query_read(pool, &args, table, &params, &name, &why);

    check((rc == NGX_OK) == (n > 0));
    check(rc != NGX_OK || params.cursor == n);

    dst[(uint64_t) n % 24] ^= 1 << ((uint64_t) n / 24 % 8);

    check(ngx_http_jamhook_query_read(pool, &args, table, &params, &name, &why)
          == NGX_DECLINED);
}


/* one that was taken */

static void
taken(ngx_pool_t *pool, ngx_str_t *name, ngx_str_t *value, params_t *params)
{
    u_char    made[NGX_HTTP_JAMHOOK_CURSOR_MAX];
    int64_t   ms;

    if (value->len == 0) {
        return;
    }

    if (name->data[0] == 'q' || name->data[0] == 'i') {
        check(fuzz_same(name->data[0] == 'q' ? &params->q : &params->id,
                        value));
        check(value->len <= 1024);

    } else if (name->data[0] == 'l') {
        check(params->limit >= 1 && params->limit <= 250);
        check(fuzz_number(value, -1) == (int64_t) params->limit);

    } else if (name->data[0] == 'c') {
        check(params->cursor > 0 && value->len == sizeof(made));
        (void) ngx_http_jamhook_query_cursor(made, params->cursor);
        check(memcmp(made, value->data, sizeof(made)) == 0);

    } else if (name->len == 5 && name->data[1] == 't') {
        check(params->state < 2 && fuzz_same(&states[params->state], value));

    } else {
        ms = (name->data[0] == 's') ? params->since : params->until;
        check(ms != 0 && ms == moment(pool, value));
    }
}


static void
test(ngx_pool_t *pool, ngx_str_t *args)
{
    char        *why;
    u_char      *p, *end, *last, *equals;
    params_t     params;
    ngx_int_t    rc;
    ngx_str_t    name, value, refused;
    ngx_uint_t   i, seen;

    memset(&params, 0, sizeof(params));
    why = NULL;

    rc = ngx_http_jamhook_query_read(pool, args, table, &params, &refused,
                                     &why);

    check(rc == NGX_OK || (rc == NGX_DECLINED && why != NULL));

    if (rc != NGX_OK) {
        return;
    }

    seen = 0;
    last = args->data + args->len;

    for (p = args->data; p < last; p = end + 1) {

        for (end = p; end < last && *end != '&'; end++) {
            /* void */
        }

        if (end == p) {
            continue;
        }

        equals = memchr(p, '=', end - p);

        check(decode(pool, p, equals ? equals : end, &name));
        check(decode(pool, equals ? equals + 1 : end, end, &value));

        for (i = 0; table[i].name.len; i++) {
            if (fuzz_same(&table[i].name, &name)) {
                break;
            }
        }

        check(table[i].name.len != 0);
        check(!(seen & (1 << i)));
        seen |= 1 << i;

        taken(pool, &name, &value, &params);
    }
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int64_t        ms;
    ngx_int_t      rc;
    ngx_str_t      line, args;
    ngx_pool_t    *pool;
    fuzz_input_t   in;

    pool = ngx_create_pool(1, NULL);

    in.pool = pool;
    in.p = data;
    in.last = data + size;

    line = fuzz_line(&in);
    args = fuzz_rest(&in);

    cursors(pool, &line);
    test(pool, &args);

    /* as a time by itself, as the portal's bodies have them */

    ms = 0;
    rc = ngx_http_jamhook_query_time(&args, &ms);

    check((rc == NGX_OK) == (ms != 0));
    check(ms == moment(pool, &args));

    ngx_destroy_pool(pool);

    return 0;
}
