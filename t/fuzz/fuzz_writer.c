
/*
 * base/writer: of whatever is written, in whatever order, comes JSON that our
 * strict check takes, in buffers that are full but for the last; and a string
 * in it means what was written, with U+FFFD for what was no UTF-8.
 *
 * The input: a line is a value: "{" and "[" open, "}" closes what is open, "n"
 * and a number, "t" and a time, "0" null, "y" and "f"; anything else is a
 * string without its first byte.  In an object the name is the string before.
 */

#include "ngx_http_jamhook_writer.h"
#include "ngx_http_jamhook_json.h"
#include "ngx_http_jamhook_text.h"

#include <time.h>

#include <cjson/cJSON.h>

#include "fuzz.h"


#define DEPTH  60


/* its characters, up to a NUL, which ends cJSON's strings */

static ngx_str_t
meant(ngx_pool_t *pool, ngx_str_t *s)
{
    size_t      i, n;
    u_char     *p;
    ngx_str_t   out;

    out.data = ngx_pnalloc(pool, 3 * s->len);
    p = out.data;

    for (i = 0; i < s->len && s->data[i] != '\0'; i += n) {
        n = ngx_http_jamhook_text_utf8(s->data + i, s->len - i);

        if (n) {
            p = ngx_cpymem(p, s->data + i, n);

        } else {
            p = ngx_cpymem(p, "\xef\xbf\xbd", 3);
            n = ngx_http_jamhook_text_not_utf8(s->data + i, s->len - i);
        }
    }

    out.len = p - out.data;

    return out;
}


static ngx_str_t
end(ngx_pool_t *pool, ngx_http_jamhook_writer_t *w)
{
    u_char       *p;
    ngx_str_t     s;
    ngx_chain_t  *cl, *out;

    check(ngx_http_jamhook_writer_end(w, &out) == NGX_OK);

    s.len = w->size;
    s.data = ngx_pnalloc(pool, s.len);
    p = s.data;

    for (cl = out; cl; cl = cl->next) {
        check(cl->buf->last_in_chain == (cl->next == NULL));
        check(cl->next == NULL || cl->buf->last == cl->buf->end);
        check((size_t) (cl->buf->last - cl->buf->pos)
              <= (size_t) (s.data + s.len - p));

        p = ngx_cpymem(p, cl->buf->pos, cl->buf->last - cl->buf->pos);
    }

    check(p == s.data + s.len);

    return s;
}


/* one string by itself */

static void
string(ngx_pool_t *pool, ngx_str_t *s)
{
    size_t                      i;
    cJSON                      *root, *item;
    ngx_str_t                   json, text;
    ngx_http_jamhook_writer_t   w;

    ngx_http_jamhook_writer_init(&w, pool);
    ngx_http_jamhook_writer_open(&w, '{');
    ngx_http_jamhook_writer_name(&w, "a");
    ngx_http_jamhook_writer_str(&w, s);
    ngx_http_jamhook_writer_close(&w, '}');

    json = end(pool, &w);

    /* nothing that is not seen, nor what ends a line of a script */

    for (i = 0; i < json.len; i++) {
        check(json.data[i] >= 0x20 && json.data[i] != 0x7f);
    }

    check(memmem(json.data, json.len, "\xe2\x80\xa8", 3) == NULL);
    check(memmem(json.data, json.len, "\xe2\x80\xa9", 3) == NULL);

    root = cJSON_ParseWithLength((char *) json.data, json.len);
    item = cJSON_GetObjectItemCaseSensitive(root, "a");
    check(cJSON_IsString(item));

    text = meant(pool, s);
    check(strlen(item->valuestring) == text.len);
    check(memcmp(item->valuestring, text.data, text.len) == 0);

    cJSON_Delete(root);
}


static void
moment(ngx_pool_t *pool, int64_t ms)
{
    char                        text[64];
    time_t                      t;
    ngx_str_t                   json;
    struct tm                   tm;
    ngx_http_jamhook_writer_t   w;

    ngx_http_jamhook_writer_init(&w, pool);
    ngx_http_jamhook_writer_time(&w, ms);
    json = end(pool, &w);

    if (ms <= 0) {
        check(json.len == 4 && memcmp(json.data, "null", 4) == 0);
        return;
    }

    ms = ngx_min(ms, 253402300799999);
    t = ms / 1000;

    (void) gmtime_r(&t, &tm);
    (void) snprintf(text, sizeof(text),
                    "\"%04d-%02d-%02dT%02d:%02d:%02d.%03dZ\"",
                    tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour,
                    tm.tm_min, tm.tm_sec, (int) (ms % 1000));

    check(json.len == strlen(text) && memcmp(json.data, text, json.len) == 0);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char                       *why;
    u_char                      open[DEPTH];
    ngx_str_t                   line, name, json;
    ngx_uint_t                  depth;
    ngx_pool_t                 *pool;
    fuzz_input_t                in;
    ngx_http_jamhook_writer_t   w;

    pool = ngx_create_pool(1, NULL);

    in.pool = pool;
    in.p = data;
    in.last = data + size;

    ngx_http_jamhook_writer_init(&w, pool);
    ngx_http_jamhook_writer_open(&w, '{');

    open[0] = '{';
    depth = 1;
    name = shim_str(pool, "first");

    while (in.p < in.last) {
        line = fuzz_line(&in);

        if (line.len == 0) {
            continue;
        }

        if (line.data[0] == '}') {

            if (depth > 1) {
                depth--;
                ngx_http_jamhook_writer_close(&w, open[depth] + 2);
            }

            continue;
        }

        if (open[depth - 1] == '{') {
            ngx_http_jamhook_writer_key(&w, &name);
        }

        name = line;
        name.data++;
        name.len--;

        switch (line.data[0]) {

        case '{':
        case '[':
            if (depth < DEPTH) {
                open[depth++] = line.data[0];
                ngx_http_jamhook_writer_open(&w, line.data[0]);
                break;
            }

            /* fall through */

        case '0':
            ngx_http_jamhook_writer_null(&w);
            break;

        case 'n':
            ngx_http_jamhook_writer_int(&w, fuzz_number(&name, INT64_MIN));
            break;

        case 't':
            ngx_http_jamhook_writer_time(&w, fuzz_number(&name, INT64_MAX));
            moment(pool, fuzz_number(&name, INT64_MAX));
            break;

        case 'y':
        case 'f':
            ngx_http_jamhook_writer_bool(&w, line.data[0] == 'y');
            break;

        default:
            ngx_http_jamhook_writer_str(&w, &name);
            string(pool, &name);
        }
    }

    while (depth) {
        depth--;
        ngx_http_jamhook_writer_close(&w, open[depth] + 2);
    }

    json = end(pool, &w);
    check(ngx_http_jamhook_json_check(&json, &why) == NGX_OK);

    ngx_destroy_pool(pool);

    return 0;
}
