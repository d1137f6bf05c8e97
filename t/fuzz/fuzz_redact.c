
/*
 * base/redact: no secret is in what comes out, as it is or decoded, whatever
 * stood around it; and a header's text for the store stays one.
 *
 * The input: '1' if more followed, in a line; secrets, a line each, up to an
 * empty line; the text, in which "{1}" is the first secret as it is, and so on
 * to nine, "{%1}" it percent-encoded, "{/1}" with JSON's "\/" and "{u1}" with
 * its numbers.
 */

#include "ngx_http_jamhook_redact.h"
#include "ngx_http_jamhook_headers.h"

#include "fuzz.h"


#define MAX    9
#define URL    FUZZ_ALNUM "-_~:/?#@!$&'()*+,;=[]%"


typedef struct {
    ngx_pool_t  *pool;
    ngx_str_t    secrets[MAX];
    ngx_uint_t   n;
    ngx_uint_t   cut;
} redact_t;


/* longest first, as conf/portal sorts them */

static int
compare(const void *one, const void *two)
{
    size_t  a, b;

    a = ((const ngx_str_t *) one)->len;
    b = ((const ngx_str_t *) two)->len;

    return (a < b) - (a > b);
}


static u_char *
put(u_char *p, ngx_str_t *secret, u_char how)
{
    size_t  i;

    for (i = 0; i < secret->len; i++) {

        switch (how) {

        case '%':
            p += sprintf((char *) p, i % 2 ? "%%%02x" : "%%%02X",
                         secret->data[i]);
            break;

        case 'u':
            p += sprintf((char *) p, "\\u%04x", secret->data[i]);
            break;

        case '/':
            if (secret->data[i] == '/') {
                *p++ = '\\';
            }

            /* fall through */

        default:
            *p++ = secret->data[i];
        }
    }

    return p;
}


static ngx_str_t
expand(redact_t *r, ngx_str_t *text)
{
    u_char      *p, *s, *last;
    size_t       longest;
    ngx_str_t    out;
    ngx_uint_t   i, n;

    longest = 1;

    for (i = 0; i < r->n; i++) {
        longest = ngx_max(longest, r->secrets[i].len);
    }

    out.data = ngx_pnalloc(r->pool, text->len * 3 * longest + 8);

    p = out.data;
    last = text->data + text->len;

    for (s = text->data; s < last; s++) {

        if (*s == '{' && last - s >= 3) {
            n = (s[1] == '%' || s[1] == '/' || s[1] == 'u') ? 2 : 1;

            if (last - s > (ssize_t) n + 1 && s[n + 1] == '}'
                && s[n] >= '1' && s[n] < (ngx_int_t) ('1' + r->n))
            {
                p = put(p, &r->secrets[s[n] - '1'], n == 2 ? s[1] : 0);
                s += n + 1;
                continue;
            }
        }

        *p++ = *s;
    }

    return shim_bytes(r->pool, out.data, p - out.data);
}


static int
hex(int c)
{
    return isdigit(c) ? c - '0' : tolower(c) - 'a' + 10;
}


static ngx_str_t
unescape(ngx_pool_t *pool, ngx_str_t *s)
{
    size_t     i;
    ngx_str_t  out;

    out.data = ngx_pnalloc(pool, s->len);

    for (out.len = 0, i = 0; i < s->len; i++) {

        if (s->data[i] == '%' && s->len - i >= 3
            && isxdigit(s->data[i + 1]) && isxdigit(s->data[i + 2]))
        {
            out.data[out.len++] = (u_char) (hex(s->data[i + 1]) * 16
                                            + hex(s->data[i + 2]));
            i += 2;
            continue;
        }

        out.data[out.len++] = s->data[i];
    }

    return out;
}


/*
 * What is taken out leaves dots, and these beside other bytes may make up
 * something new: nothing is said of a secret that has them.
 */

static void
none_left(redact_t *r, ngx_str_t *out)
{
    ngx_str_t   decoded, *secret;
    ngx_uint_t  i;

    decoded = unescape(r->pool, out);

    for (i = 0; i < r->n; i++) {
        secret = &r->secrets[i];

        if (secret->len < NGX_HTTP_JAMHOOK_REDACT_MIN
            || !fuzz_only(secret, URL))
        {
            continue;
        }

        check(!fuzz_has(out, secret));

        if (memchr(secret->data, '%', secret->len) != NULL) {
            continue;
        }

        /* with backslashes there are two ways to read it */

        if (memchr(out->data, '\\', out->len) == NULL) {
            check(!fuzz_has(&decoded, secret));
        }
    }
}


/* more than the beginning of a secret that others have as well, at the end */

static void
none_begun(redact_t *r, ngx_str_t *out)
{
    size_t      len;
    ngx_str_t  *secret;
    ngx_uint_t  i;

    for (i = 0; i < r->n; i++) {
        secret = &r->secrets[i];

        if (!fuzz_only(secret, URL)) {
            continue;
        }

        for (len = NGX_HTTP_JAMHOOK_REDACT_MIN; len <= secret->len; len++) {
            check(out->len < len
                  || memcmp(out->data + out->len - len, secret->data, len)
                     != 0);
        }
    }
}


/* as relay/record does with an answer's headers */

static void
header(redact_t *r, ngx_str_t *text)
{
    ngx_str_t                   json;
    ngx_uint_t                  i;
    ngx_list_t                  list;
    ngx_array_t                 read;
    ngx_table_elt_t             h;
    ngx_http_jamhook_header_t  *one;

    for (i = 0; i < r->n; i++) {
        if (!fuzz_only(&r->secrets[i], URL ".")
            || memchr(r->secrets[i].data, '[', r->secrets[i].len)
            || memchr(r->secrets[i].data, ']', r->secrets[i].len))
        {
            return;
        }
    }

    memset(&list, 0, sizeof(list));
    memset(&h, 0, sizeof(h));

    h.hash = 1;
    ngx_str_set(&h.key, "Location");
    h.value = *text;

    list.part.elts = &h;
    list.part.nelts = 1;

    check(ngx_http_jamhook_headers_json(&list, r->pool, &json) == NGX_OK);

    json = shim_bytes(r->pool, json.data, json.len);
    ngx_http_jamhook_redact(&json, r->secrets, r->n, 0);

    check(ngx_http_jamhook_headers_read(&json, r->pool, &read) == NGX_OK);
    check(read.nelts == 1);

    one = read.elts;
    check(one->name.len == 8 && memcmp(one->name.data, "location", 8) == 0);

    none_left(r, &one->value);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    redact_t       r;
    ngx_str_t      line, text, out;
    fuzz_input_t   in;

    memset(&r, 0, sizeof(r));

    r.pool = ngx_create_pool(1, NULL);

    in.pool = r.pool;
    in.p = data;
    in.last = data + size;

    line = fuzz_line(&in);
    r.cut = line.len && line.data[0] == '1';

    while (r.n < MAX) {
        line = fuzz_line(&in);

        if (line.len == 0) {
            break;
        }

        r.secrets[r.n++] = line;
    }

    qsort(r.secrets, r.n, sizeof(ngx_str_t), compare);

    text = fuzz_rest(&in);
    text = expand(&r, &text);

    out = shim_bytes(r.pool, text.data, text.len);
    ngx_http_jamhook_redact(&out, r.secrets, r.n, r.cut);

    check(out.len <= text.len);
    none_left(&r, &out);

    if (r.cut) {
        none_begun(&r, &out);
    }

    header(&r, &text);

    ngx_destroy_pool(r.pool);

    return 0;
}
