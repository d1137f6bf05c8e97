
/*
 * tool/tool_print: what an event or a target says, as the command line prints
 * it, drives no terminal: nothing below a blank, no DEL, no C1, nothing that
 * turns or hides text, and all of it UTF-8.  The input is the text.
 */

#include "ngx_http_jamhook_tool_print.c"

#include "ngx_http_jamhook_text.h"

#include "fuzz.h"


void *
ngx_http_jamhook_tool_alloc(ngx_pool_t *pool, size_t size)
{
    return ngx_palloc(pool, size);
}


void
ngx_http_jamhook_tool_no_memory(void)
{
    abort();
}


void *
ngx_http_jamhook_tool_push(ngx_array_t *a)
{
    return ngx_array_push(a);
}


void
ngx_http_jamhook_tool_array(ngx_array_t *a, ngx_pool_t *pool, size_t size)
{
    check(ngx_array_init(a, pool, 8, size) == NGX_OK);
}


static void
harmless(char *text)
{
    u_char    *p, *last;
    size_t     n, i;
    uint32_t   c;

    p = (u_char *) text;
    last = p + strlen(text);

    for ( /* void */ ; p < last; p += n) {
        n = ngx_http_jamhook_text_utf8(p, last - p);
        check(n != 0);

        c = (n == 1) ? *p : *p & (0x7f >> n);

        for (i = 1; i < n; i++) {
            c = c << 6 | (p[i] & 0x3f);
        }

        check(c >= 0x20 && !(c >= 0x7f && c <= 0x9f));
        check(!(c >= 0x200b && c <= 0x200f));
        check(!(c >= 0x2028 && c <= 0x202e));
        check(!(c >= 0x2060 && c <= 0x206f));
        check(c != 0x061c && c != 0xfeff);
    }
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char        *safe;
    size_t       i;
    ngx_str_t    s;
    ngx_uint_t   plain;
    ngx_pool_t  *pool;

    pool = ngx_create_pool(1, NULL);
    s = shim_bytes(pool, data, size);

    safe = ngx_http_jamhook_tool_safe(pool, &s);
    harmless(safe);

    for (plain = 1, i = 0; i < s.len; i++) {
        plain &= s.data[i] >= 0x20 && s.data[i] < 0x7f;
    }

    check(!plain || (strlen(safe) == s.len
                     && memcmp(safe, s.data, s.len) == 0));
    check(ngx_http_jamhook_tool_width(safe) <= strlen(safe));

    ngx_destroy_pool(pool);

    return 0;
}
