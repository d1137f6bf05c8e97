
/*
 * base/json beside a second reader, which was written for this from RFC 8259
 * and says what a text holds: both take the same texts, and cJSON makes of
 * each what stands in it.  The input is the text.
 */

#include "ngx_http_jamhook_json.h"

#include <math.h>

#include <cjson/cJSON.h>

#include "fuzz.h"


/* cJSON's end of a number, and what stands for \u0000 */
#define NUMBER_MAX  63
#define NUL         "\xff\xff\xff\xff\xff\xff"


typedef struct {
    const u_char  *p;
    const u_char  *last;
    u_char        *said;       /* what was read, in a form of our own */
    size_t         len;
    size_t         size;
} reader_t;


static void
say(reader_t *r, const void *p, size_t len)
{
    if (r->len + len > r->size) {
        r->size = 2 * (r->len + len);
        r->said = realloc(r->said, r->size);
        check(r->said != NULL);
    }

    memcpy(r->said + r->len, p, len);
    r->len += len;
}


static void
say_string(reader_t *r, const void *p, size_t len)
{
    say(r, "s", 1);
    say(r, &len, sizeof(len));
    say(r, p, len);
}


static void
space(reader_t *r)
{
    while (r->p < r->last && strchr(" \t\r\n", *r->p) && *r->p) {
        r->p++;
    }
}


static int
unit(reader_t *r, unsigned *value)
{
    int  i, c;

    if (r->last - r->p < 6 || r->p[0] != '\\' || r->p[1] != 'u') {
        return 0;
    }

    for (*value = 0, i = 2; i < 6; i++) {
        c = r->p[i];

        if (!isxdigit(c)) {
            return 0;
        }

        *value = *value * 16 + (isdigit(c) ? c - '0' : tolower(c) - 'a' + 10);
    }

    r->p += 6;

    return 1;
}


/* its UTF-8, by the number of the character */

static size_t
encode(u_char *dst, unsigned c)
{
    size_t  n, i;

    if (c < 0x80) {
        *dst = (u_char) c;
        return 1;
    }

    n = (c < 0x800) ? 2 : (c < 0x10000) ? 3 : 4;

    for (i = n - 1; i; i--, c >>= 6) {
        dst[i] = (u_char) (0x80 | (c & 0x3f));
    }

    dst[0] = (u_char) ((0xf00 >> n) | c);

    return n;
}


/* one character as it stands there: decoded, encoded again and compared */

static size_t
utf8(const u_char *p, size_t left)
{
    size_t    n, i;
    u_char    again[4];
    unsigned  c;

    n = (*p < 0x80) ? 1 : (*p >> 5 == 6) ? 2 : (*p >> 4 == 14) ? 3
        : (*p >> 3 == 30) ? 4 : 0;

    if (n == 0 || n > left) {
        return 0;
    }

    c = (n == 1) ? *p : *p & (0x7f >> n);

    for (i = 1; i < n; i++) {
        if (p[i] >> 6 != 2) {
            return 0;
        }

        c = c << 6 | (p[i] & 0x3f);
    }

    if (c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff)) {
        return 0;
    }

    return encode(again, c) == n && memcmp(again, p, n) == 0 ? n : 0;
}


static int
string(reader_t *r)
{
    u_char      *s;
    size_t       n, len;
    unsigned     c, low;
    const char  *letter;

    static const char  letters[] = "\"\\/bfnrt";
    static const char  meant[] = "\"\\/\b\f\n\r\t";

    if (r->p == r->last || *r->p++ != '"') {
        return 0;
    }

    s = malloc(r->last - r->p + 8);
    check(s != NULL);

    for (len = 0; r->p < r->last && *r->p != '"'; /* void */ ) {

        if (*r->p < 0x20) {
            break;
        }

        if (*r->p != '\\') {
            n = utf8(r->p, r->last - r->p);

            if (n == 0) {
                break;
            }

            memcpy(s + len, r->p, n);
            len += n;
            r->p += n;
            continue;
        }

        if (r->last - r->p > 1 && r->p[1] != '\0') {
            letter = strchr(letters, r->p[1]);

            if (letter) {
                s[len++] = meant[letter - letters];
                r->p += 2;
                continue;
            }
        }

        if (!unit(r, &c) || (c >= 0xdc00 && c <= 0xdfff)) {
            free(s);
            return 0;
        }

        if (c >= 0xd800 && c <= 0xdbff) {

            if (!unit(r, &low) || low < 0xdc00 || low > 0xdfff) {
                free(s);
                return 0;
            }

            c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
        }

        if (c == 0) {
            memcpy(s + len, NUL, 6);
            len += 6;

        } else {
            len += encode(s + len, c);
        }
    }

    if (r->p == r->last || *r->p != '"') {
        free(s);
        return 0;
    }

    r->p++;

    say_string(r, s, len);
    free(s);

    return 1;
}


static size_t
digits(reader_t *r)
{
    const u_char  *start;

    for (start = r->p; r->p < r->last && isdigit(*r->p); r->p++) {
        /* void */
    }

    return r->p - start;
}


static int
number(reader_t *r)
{
    char           text[NUMBER_MAX + 1];
    size_t         len;
    double         value;
    const u_char  *start;

    start = r->p;

    if (r->p < r->last && *r->p == '-') {
        r->p++;
    }

    if (r->p < r->last && *r->p == '0') {
        r->p++;

    } else if (digits(r) == 0) {
        return 0;
    }

    if (r->p < r->last && *r->p == '.') {
        r->p++;

        if (digits(r) == 0) {
            return 0;
        }
    }

    if (r->p < r->last && (*r->p | 0x20) == 'e') {
        r->p++;

        if (r->p < r->last && (*r->p == '+' || *r->p == '-')) {
            r->p++;
        }

        if (digits(r) == 0) {
            return 0;
        }
    }

    len = r->p - start;
    value = -1;

    if (len <= NUMBER_MAX) {
        memcpy(text, start, len);
        text[len] = '\0';
        value = strtod(text, NULL);
    }

    say(r, "n", 1);
    say(r, &value, sizeof(value));

    return 1;
}


static int  value(reader_t *r, int depth);


static int
members(reader_t *r, int depth, u_char end)
{
    if (depth > NGX_HTTP_JAMHOOK_JSON_MAX_DEPTH) {
        return 0;
    }

    say(r, end == '}' ? "{" : "[", 1);

    r->p++;
    space(r);

    if (r->p < r->last && *r->p == end) {
        r->p++;
        say(r, &end, 1);
        return 1;
    }

    for ( ;; ) {
        space(r);

        if (end == '}') {
            if (!string(r)) {
                return 0;
            }

            space(r);

            if (r->p == r->last || *r->p++ != ':') {
                return 0;
            }

            space(r);
        }

        if (!value(r, depth)) {
            return 0;
        }

        space(r);

        if (r->p == r->last) {
            return 0;
        }

        if (*r->p == end) {
            r->p++;
            say(r, &end, 1);
            return 1;
        }

        if (*r->p++ != ',') {
            return 0;
        }
    }
}


static int
value(reader_t *r, int depth)
{
    size_t  i, len;

    static const char  *words[] = { "true", "false", "null" };

    if (r->p == r->last) {
        return 0;
    }

    switch (*r->p) {

    case '{':
        return members(r, depth + 1, '}');

    case '[':
        return members(r, depth + 1, ']');

    case '"':
        return string(r);
    }

    for (i = 0; i < 3; i++) {
        len = strlen(words[i]);

        if ((size_t) (r->last - r->p) >= len
            && memcmp(r->p, words[i], len) == 0)
        {
            r->p += len;
            say(r, words[i], 1);
            return 1;
        }
    }

    return number(r);
}


static int
object(reader_t *r, ngx_str_t *text)
{
    r->p = text->data;
    r->last = text->data + text->len;

    space(r);

    if (r->p == r->last || *r->p != '{' || !members(r, 1, '}')) {
        return 0;
    }

    space(r);

    return r->p == r->last;
}


/* the same of cJSON's tree, and what the room says of its members */

static void
strings(ngx_pool_t *pool, cJSON *item, char *text)
{
    char       *why;
    u_char     *p;
    size_t      i, len;
    reader_t    one, two;
    ngx_str_t   s, json;
    ngx_int_t   rc, plain;

    static const char  head[] = "{\"a\":";

    if (text == item->valuestring) {
        rc = ngx_http_jamhook_json_string(item, &s);
        check((rc == NGX_DECLINED) == (strchr(text, 0xff) != NULL));
    }

    s = shim_str(pool, text);

    for (plain = 1, i = 0; i < s.len; i++) {
        plain &= s.data[i] >= 0x20 && s.data[i] < 0x80
                 && s.data[i] != '"' && s.data[i] != '\\';
    }

    check(ngx_http_jamhook_json_is_plain(&s) == (ngx_uint_t) plain);

    /* written again, and read again */

    len = ngx_http_jamhook_json_escaped_length(&s);

    json.len = sizeof(head) - 1 + len + 1;
    json.data = ngx_pnalloc(pool, json.len);

    p = ngx_cpymem(json.data, head, sizeof(head) - 1);
    p = ngx_http_jamhook_json_escape(p, &s);
    check(p == json.data + json.len - 1);
    *p = '}';

    if (strchr(text, 0xff) != NULL) {
        check(ngx_http_jamhook_json_check(&json, &why) == NGX_DECLINED);
        return;
    }

    check(ngx_http_jamhook_json_check(&json, &why) == NGX_OK);

    memset(&one, 0, sizeof(one));
    memset(&two, 0, sizeof(two));

    check(object(&one, &json));

    say(&two, "{", 1);
    say_string(&two, "a", 1);
    say_string(&two, s.data, s.len);
    say(&two, "}", 1);

    check(one.len == two.len && memcmp(one.said, two.said, one.len) == 0);

    free(one.said);
    free(two.said);
}


static void
integers(ngx_pool_t *pool, cJSON *item)
{
    char        text[400];
    u_char     *buf;
    double      n;
    ngx_int_t   rc;
    ngx_str_t   digits;

    buf = ngx_pnalloc(pool, 16);
    n = item->valuedouble;

    rc = ngx_http_jamhook_json_integer(item, buf, &digits);

    if (!(n >= 0 && n < 1e15) || signbit(n) || floor(n) != n) {
        check(rc == NGX_DECLINED);
        return;
    }

    check(rc == NGX_OK && digits.len <= 15);

    (void) snprintf(text, sizeof(text), "%.0f", n);

    check(digits.len == strlen(text)
          && memcmp(digits.data, text, digits.len) == 0);
}


static void
walk(ngx_pool_t *pool, reader_t *r, cJSON *item)
{
    cJSON       *member;
    ngx_uint_t   object;

    switch (item->type & 0xff) {

    case cJSON_False:
        say(r, "f", 1);
        return;

    case cJSON_True:
        say(r, "t", 1);
        return;

    case cJSON_NULL:
        say(r, "n", 1);
        return;

    case cJSON_Number:
        say(r, "n", 1);
        say(r, &item->valuedouble, sizeof(double));
        integers(pool, item);
        return;

    case cJSON_String:
        say_string(r, item->valuestring, strlen(item->valuestring));
        strings(pool, item, item->valuestring);
        return;
    }

    object = (item->type & 0xff) == cJSON_Object;

    say(r, object ? "{" : "[", 1);

    for (member = item->child; member; member = member->next) {
        if (object) {
            say_string(r, member->string, strlen(member->string));
            strings(pool, member, member->string);
        }

        walk(pool, r, member);
    }

    say(r, object ? "}" : "]", 1);
}


static void
names(ngx_http_jamhook_json_t *root)
{
    char                          *known[2], prefix[4];
    cJSON                         *member, *other, *item;
    ngx_str_t                      name;
    ngx_uint_t                     i, n, same, strangers;
    ngx_http_jamhook_json_kind_e   kind;

    for (member = root->child, n = 0; member && n < 16;
         member = member->next, n++)
    {
        same = 0;
        strangers = 0;

        for (other = root->child; other; other = other->next) {
            if (strcmp(other->string, member->string) == 0) {
                same++;

            } else {
                strangers++;
            }
        }

        kind = ngx_http_jamhook_json_member(root, member->string, &item);

        check((kind == NGX_HTTP_JAMHOOK_JSON_DOUBLED) == (same > 1));
        check(same > 1 || item == member);
        check(same == 1 || item == NULL);

        known[0] = member->string;
        known[1] = NULL;

        check((ngx_http_jamhook_json_stranger(root, known, &name) == NGX_OK)
              == (strangers != 0));
        check(strangers == 0 || strncmp((char *) name.data, member->string,
                                        name.len + 1)
                                != 0);

        for (i = 0; i < 3 && member->string[i]; i++) {
            prefix[i] = (char) ngx_tolower(member->string[i]);
        }

        prefix[i] = '\0';

        check(ngx_http_jamhook_json_has_prefix(root, prefix));
    }

    known[0] = NULL;
    check((ngx_http_jamhook_json_stranger(root, known, &name) == NGX_OK)
          == (root->child != NULL));
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int                       is;
    char                     *why;
    reader_t                  one, two;
    ngx_int_t                 rc;
    ngx_str_t                 text, before;
    ngx_pool_t               *pool;
    ngx_http_jamhook_json_t  *root;

    pool = ngx_create_pool(1, NULL);

    text = shim_bytes(pool, data, size);
    before = shim_bytes(pool, data, size);

    memset(&one, 0, sizeof(one));
    memset(&two, 0, sizeof(two));

    is = object(&one, &text);

    why = NULL;
    rc = ngx_http_jamhook_json_check(&text, &why);

    check((rc == NGX_OK) == is);
    check((rc == NGX_DECLINED) == (why != NULL));

    why = NULL;
    rc = ngx_http_jamhook_json_parse(pool, &text, &root, &why);

    check((rc == NGX_OK) == is);
    check((rc == NGX_DECLINED) == (why != NULL));
    check(fuzz_same(&text, &before));

    if (is) {
        walk(pool, &two, root);
        check(one.len == two.len && memcmp(one.said, two.said, one.len) == 0);

        names(root);
    }

    free(one.said);
    free(two.said);

    ngx_destroy_pool(pool);

    return 0;
}
