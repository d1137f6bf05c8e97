
#include "ngx_http_jamhook_headers.h"


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
