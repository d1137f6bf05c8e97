
/*
 * base/headers: the text of headers for the store is JSON, says what they were
 * and hides what is never kept; it is read again as what it says; and of any
 * other text each is refused, or means the same when it is written anew.
 *
 * The input: headers, "name: value", up to an empty line ("!name" is one that
 * was removed, a name alone has no value); a text as from the store.
 */

#include "ngx_http_jamhook_headers.h"
#include "ngx_http_jamhook_json.h"

#include <cjson/cJSON.h>

#include "fuzz.h"


#define PARTS  4
#define EACH   2


typedef struct {
    ngx_list_t        list;
    ngx_list_part_t   parts[PARTS];
    ngx_table_elt_t   elts[PARTS][EACH];
    ngx_table_elt_t  *real[PARTS * EACH];
    ngx_uint_t        n;
} headers_t;


static ngx_uint_t
is_secret(ngx_table_elt_t *h)
{
    size_t  i;

    static const char  *secrets[] = {
        "authorization", "proxy-authorization", "cookie", "set-cookie",
        "x-api-key"
    };

    for (i = 0; i < nitems(secrets); i++) {
        if (h->key.len == strlen(secrets[i])
            && strncasecmp((char *) h->key.data, secrets[i], h->key.len) == 0)
        {
            return 1;
        }
    }

    return 0;
}


static void
read_list(fuzz_input_t *in, headers_t *all)
{
    u_char           *colon;
    ngx_str_t         line;
    ngx_uint_t        i, n;
    ngx_table_elt_t  *h;

    memset(all, 0, sizeof(headers_t));

    for (n = 0; n < PARTS * EACH; n++) {
        line = fuzz_line(in);

        if (line.len == 0) {
            break;
        }

        h = &all->elts[n / EACH][n % EACH];
        h->hash = line.data[0] != '!';

        colon = memchr(line.data, ':', line.len);

        if (colon == NULL || line.data + line.len - colon < 2) {
            h->key = line;

        } else {
            h->key = shim_bytes(in->pool, line.data, colon - line.data);
            h->value = shim_bytes(in->pool, colon + 2,
                                  line.data + line.len - colon - 2);
        }

        all->parts[n / EACH].nelts++;

        if (h->hash && h->value.data) {
            all->real[all->n++] = h;
        }
    }

    for (i = 0; i < PARTS; i++) {
        all->parts[i].elts = all->elts[i];
        all->parts[i].next = (i < PARTS - 1) ? &all->parts[i + 1] : NULL;
    }

    all->list.part = all->parts[0];
}


/* as it is, or each byte beyond ASCII as a character */

static char *
text_of(ngx_pool_t *pool, ngx_str_t *s)
{
    char       *why, *text, *p;
    size_t      i;
    ngx_str_t   json;

    json.len = ngx_http_jamhook_json_escaped_length(s) + 6;
    json.data = ngx_pnalloc(pool, json.len);

    p = (char *) ngx_cpymem(json.data, "{\"a\":", 5);
    p = (char *) ngx_http_jamhook_json_escape((u_char *) p, s);
    *p = '}';

    text = ngx_pnalloc(pool, 2 * s->len + 1);
    p = text;

    if (ngx_http_jamhook_json_check(&json, &why) == NGX_OK) {
        memcpy(text, s->data, s->len);
        text[s->len] = '\0';
        return text;
    }

    for (i = 0; i < s->len; i++) {
        if (s->data[i] < 0x80) {
            *p++ = (char) s->data[i];

        } else {
            *p++ = (char) (0xc0 | s->data[i] >> 6);
            *p++ = (char) (0x80 | (s->data[i] & 0x3f));
        }
    }

    *p = '\0';

    return text;
}


static void
write_list(ngx_pool_t *pool, headers_t *all)
{
    char             *why;
    cJSON            *root, *pair, *name, *value;
    size_t            n;
    ngx_str_t         json, object;
    ngx_uint_t        i;
    ngx_array_t       read;
    ngx_table_elt_t  *h;

    check(ngx_http_jamhook_headers_json(&all->list, pool, &json) == NGX_OK);

    object.len = json.len + 6;
    object.data = ngx_pnalloc(pool, object.len);
    memcpy(object.data, "{\"a\":", 5);
    memcpy(object.data + 5, json.data, json.len);
    object.data[object.len - 1] = '}';

    check(ngx_http_jamhook_json_check(&object, &why) == NGX_OK);

    root = cJSON_ParseWithLength((char *) json.data, json.len);
    check(cJSON_IsArray(root));
    check(cJSON_GetArraySize(root) == (int) all->n);

    for (i = 0; i < all->n; i++) {
        h = all->real[i];

        pair = cJSON_GetArrayItem(root, (int) i);
        check(cJSON_GetArraySize(pair) == 2);

        name = cJSON_GetArrayItem(pair, 0);
        value = cJSON_GetArrayItem(pair, 1);
        check(cJSON_IsString(name) && cJSON_IsString(value));

        /* to a NUL, which ends cJSON's strings */

        if (memchr(h->key.data, '\0', h->key.len) == NULL) {
            check(strcmp(name->valuestring, text_of(pool, &h->key)) == 0);
        }

        if (is_secret(h)) {
            check(strcmp(value->valuestring, "***") == 0);

        } else if (memchr(h->value.data, '\0', h->value.len) == NULL) {
            check(strcmp(value->valuestring, text_of(pool, &h->value)) == 0);
        }
    }

    cJSON_Delete(root);

    json = shim_bytes(pool, json.data, json.len);
    n = json.len;

    check(ngx_http_jamhook_headers_read(&json, pool, &read) == NGX_OK);
    check(read.nelts <= all->n && json.len == n);
    check((read.nelts == 0) == (all->n == 0));
}


static void
read_text(ngx_pool_t *pool, ngx_str_t *text)
{
    size_t                      len;
    ngx_str_t                   json;
    ngx_uint_t                  i, j;
    ngx_list_t                  list;
    ngx_array_t                 one, two;
    ngx_table_elt_t            *elts;
    ngx_http_jamhook_header_t  *h, *again;

    if (ngx_http_jamhook_headers_read(text, pool, &one) != NGX_OK) {
        return;
    }

    h = one.elts;
    len = 0;
    elts = ngx_pcalloc(pool, ngx_max(one.nelts, 1) * sizeof(ngx_table_elt_t));

    for (i = 0; i < one.nelts; i++) {

        for (j = 0; j < i; j++) {
            check(!fuzz_same(&h[i].name, &h[j].name));
        }

        elts[i].hash = 1;
        elts[i].key = h[i].name;
        elts[i].value = h[i].value;

        check(!h[i].doubled);
        len += h[i].name.len + h[i].value.len;
    }

    check(len <= text->len);

    memset(&list, 0, sizeof(list));
    list.part.elts = elts;
    list.part.nelts = one.nelts;

    check(ngx_http_jamhook_headers_json(&list, pool, &json) == NGX_OK);

    json = shim_bytes(pool, json.data, json.len);
    check(ngx_http_jamhook_headers_read(&json, pool, &two) == NGX_OK);
    check(two.nelts <= one.nelts);

    again = two.elts;

    for (i = 0; i < two.nelts && two.nelts == one.nelts; i++) {
        if (!is_secret(&elts[i])
            && memchr(h[i].value.data, '\0', h[i].value.len) == NULL
            && strlen(text_of(pool, &h[i].value)) == h[i].value.len
            && fuzz_same(&again[i].name, &h[i].name))
        {
            check(fuzz_same(&again[i].value, &h[i].value));
        }
    }
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    headers_t                    all;
    ngx_str_t                    text;
    ngx_uint_t                   n;
    ngx_pool_t                  *pool;
    fuzz_input_t                 in;
    ngx_table_elt_t             *h;
    ngx_http_jamhook_headers_t   walk;

    pool = ngx_create_pool(1, NULL);

    in.pool = pool;
    in.p = data;
    in.last = data + size;

    read_list(&in, &all);
    text = fuzz_rest(&in);

    n = 0;
    ngx_http_jamhook_headers_first(&walk, &all.list);

    for ( ;; ) {
        h = ngx_http_jamhook_headers_next(&walk);

        if (h == NULL) {
            break;
        }

        check(h->hash != 0);
        check(!ngx_http_jamhook_headers_is(h, "retry-after")
              || strncasecmp((char *) h->key.data, "retry-after", 11) == 0);
        n++;
    }

    check(n >= all.n);

    write_list(pool, &all);
    read_text(pool, &text);

    ngx_destroy_pool(pool);

    return 0;
}
