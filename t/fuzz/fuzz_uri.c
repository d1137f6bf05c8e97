
/*
 * store/pgsql_uri: what may be shown of a URI never has the password, also not
 * where libpq does not understand it; and it is a URI itself, of that place.
 *
 * The input is the URI; "{p}" in it becomes a password, "{%p}" one that is
 * percent-encoded.
 */

#include "ngx_http_jamhook_pgsql.h"
#include "ngx_http_jamhook_pgsql_uri.h"

#include "fuzz.h"


#define PASSWORD  "sZQxword"
#define ENCODED   "%73ZQxword"


static ngx_str_t
expand(ngx_pool_t *pool, const uint8_t *data, size_t size)
{
    size_t     i;
    u_char    *p;
    ngx_str_t  out;

    out.data = ngx_pnalloc(pool, size * 10 + 1);
    p = out.data;

    for (i = 0; i < size && data[i] != '\0'; i++) {

        if (size - i >= 3 && memcmp(data + i, "{p}", 3) == 0) {
            p = ngx_cpymem(p, PASSWORD, sizeof(PASSWORD) - 1);
            i += 2;

        } else if (size - i >= 4 && memcmp(data + i, "{%p}", 4) == 0) {
            p = ngx_cpymem(p, ENCODED, sizeof(ENCODED) - 1);
            i += 3;

        } else {
            *p++ = data[i];
        }
    }

    *p = '\0';

    out = shim_bytes(pool, out.data, p - out.data + 1);
    out.len--;

    return out;
}


/* 1: it stands where a password does, and nowhere else */

static ngx_uint_t
is_secret(char *uri)
{
    char        *p, *at, *start;
    ngx_uint_t   n;

    n = 0;
    start = strstr(uri, "://");

    if (start == NULL) {
        return 0;
    }

    start += 3;
    at = strrchr(start, '@');

    for (p = uri; ; p++) {
        p = strstr(p, "ZQxword");

        if (p == NULL) {
            return n != 0;
        }

        n++;

        if (p < start) {
            return 0;
        }

        /* "//user:...@"; or of a parameter */

        if (at && p < at && memchr(start, ':', p - start)
            && memchr(start, '/', p - start) == NULL
            && memchr(start, '?', p - start) == NULL
            && memchr(start, '@', p - start) == NULL)
        {
            continue;
        }

        if (p - start > 11
            && (memcmp(p - 10, "password=s", 10) == 0
                || (p - start > 13 && memcmp(p - 12, "password=%73", 12) == 0)))
        {
            continue;
        }

        return 0;
    }
}


static void
parsed(ngx_http_jamhook_pgsql_uri_t *u, ngx_str_t *uri)
{
    PQconninfoOption  *options, *o;
    ngx_uint_t         secret, shown;

    options = PQconninfoParse((char *) uri->data, NULL);
    check(options != NULL);

    secret = 0;
    shown = 0;

    for (o = options; o->keyword; o++) {

        if (o->val == NULL || strstr(o->val, "ZQxword") == NULL) {
            continue;
        }

        if (strcmp(o->keyword, "password") == 0
            || strcmp(o->keyword, "sslpassword") == 0)
        {
            secret = 1;

        } else {
            shown = 1;
        }
    }

    PQconninfoFree(options);

    check(!secret || u->password);
    check(!secret || shown
          || memmem(u->shown.data, u->shown.len, "ZQxword", 7) == NULL);
    check(!secret || shown || u->passfile.data == NULL
          || memmem(u->passfile.data, u->passfile.len, "ZQxword", 7) == NULL);
}


/* what is shown says the same place, and no more */

static void
again(ngx_http_jamhook_pgsql_uri_t *u, ngx_pool_t *pool)
{
    ngx_str_t                      uri;
    ngx_http_jamhook_pgsql_uri_t   two;

    uri = shim_bytes(pool, u->shown.data, u->shown.len + 1);
    uri.len--;

    check(uri.data[uri.len] == '\0' && strlen((char *) uri.data) == uri.len);

    if (ngx_http_jamhook_pgsql_uri(&two, &uri, pool) != NGX_OK) {
        (void) fprintf(stderr, "shown: %s: %s\n", uri.data, two.error);
        check(!"it is a URI itself");
    }

    check(!two.password);
    check(fuzz_same(&two.shown, &u->shown));
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t                         len;
    ngx_int_t                      rc;
    ngx_str_t                      uri;
    ngx_pool_t                    *pool;
    ngx_http_jamhook_pgsql_uri_t   u;

    pool = ngx_create_pool(1, NULL);
    uri = expand(pool, data, size);

    rc = ngx_http_jamhook_pgsql_uri(&u, &uri, pool);

    if (rc == NGX_OK) {
        parsed(&u, &uri);
        again(&u, pool);

    } else {
        check(rc == NGX_DECLINED);

        len = strnlen((char *) u.error, sizeof(u.error));
        check(len != 0 && len < sizeof(u.error));
        check(!is_secret((char *) uri.data)
              || strstr((char *) u.error, "ZQxword") == NULL);
    }

    ngx_destroy_pool(pool);

    return 0;
}
