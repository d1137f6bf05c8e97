
#include "ngx_http_jamhook_json.h"
#include "ngx_http_jamhook_text.h"

#include <math.h>

#include <cjson/cJSON.h>


/* cJSON gives up on a number that is longer */
#define NGX_HTTP_JAMHOOK_JSON_NUMBER_MAX  63

/* no byte of valid UTF-8: it stands where the text wrote \u0000 */
#define NGX_HTTP_JAMHOOK_JSON_NUL         0xff


/* what a JSON string holds as it stands */

#define ngx_http_jamhook_json_plain(ch)                                       \
    ((ch) >= 0x20 && (ch) != '"' && (ch) != '\\')


typedef struct {
    u_char       *p;
    u_char       *last;
    char         *why;
    uint64_t      objects;    /* a bit for each of 64 levels, inmost lowest */
    ngx_uint_t    depth;

    /* "odd" is set if cJSON needs the text mended; "mend" does that */
    unsigned      odd:1;
    unsigned      mend:1;
} ngx_http_jamhook_json_scan_t;


static u_char *ngx_http_jamhook_json_skip_plain(u_char *p, u_char *last);
static ngx_int_t ngx_http_jamhook_json_scan(
    ngx_http_jamhook_json_scan_t *scan, ngx_str_t *text);
static ngx_int_t ngx_http_jamhook_json_scan_root(
    ngx_http_jamhook_json_scan_t *scan);
static ngx_int_t ngx_http_jamhook_json_scan_value(
    ngx_http_jamhook_json_scan_t *scan);
static ngx_int_t ngx_http_jamhook_json_scan_open(
    ngx_http_jamhook_json_scan_t *scan, ngx_uint_t object);
static ngx_int_t ngx_http_jamhook_json_scan_name(
    ngx_http_jamhook_json_scan_t *scan);
static ngx_int_t ngx_http_jamhook_json_scan_string(
    ngx_http_jamhook_json_scan_t *scan);
static ngx_int_t ngx_http_jamhook_json_scan_escape(
    ngx_http_jamhook_json_scan_t *scan);
static ngx_int_t ngx_http_jamhook_json_scan_unit(
    ngx_http_jamhook_json_scan_t *scan, ngx_uint_t *unit);
static ngx_int_t ngx_http_jamhook_json_scan_number(
    ngx_http_jamhook_json_scan_t *scan);
static ngx_int_t ngx_http_jamhook_json_scan_digits(
    ngx_http_jamhook_json_scan_t *scan);
static ngx_int_t ngx_http_jamhook_json_scan_literal(
    ngx_http_jamhook_json_scan_t *scan, char *literal, size_t len);
static void ngx_http_jamhook_json_scan_space(
    ngx_http_jamhook_json_scan_t *scan);
static ngx_int_t ngx_http_jamhook_json_scan_failed(
    ngx_http_jamhook_json_scan_t *scan, char *why);
static ngx_int_t ngx_http_jamhook_json_mend(ngx_pool_t *pool, ngx_str_t *text);
static void ngx_http_jamhook_json_cleanup(void *data);
static ngx_uint_t ngx_http_jamhook_json_short_escape(u_char ch);


ngx_int_t
ngx_http_jamhook_json_check(ngx_str_t *text, char **why)
{
    ngx_int_t                     rc;
    ngx_http_jamhook_json_scan_t  scan;

    ngx_memzero(&scan, sizeof(ngx_http_jamhook_json_scan_t));

    rc = ngx_http_jamhook_json_scan(&scan, text);

    if (rc != NGX_OK) {
        *why = scan.why;
    }

    return rc;
}


ngx_int_t
ngx_http_jamhook_json_parse(ngx_pool_t *pool, ngx_str_t *text,
    ngx_http_jamhook_json_t **root, char **why)
{
    cJSON                         *json;
    ngx_str_t                      mended;
    ngx_pool_cleanup_t            *cln;
    ngx_http_jamhook_json_scan_t   scan;

    ngx_memzero(&scan, sizeof(ngx_http_jamhook_json_scan_t));

    if (ngx_http_jamhook_json_scan(&scan, text) != NGX_OK) {
        *why = scan.why;
        return NGX_DECLINED;
    }

    mended = *text;

    if (scan.odd && ngx_http_jamhook_json_mend(pool, &mended) != NGX_OK) {
        return NGX_ERROR;
    }

    cln = ngx_pool_cleanup_add(pool, 0);
    if (cln == NULL) {
        return NGX_ERROR;
    }

    /* the grammar was checked, so that only memory can be missing */

    json = cJSON_ParseWithLength((char *) mended.data, mended.len);
    if (json == NULL) {
        return NGX_ERROR;
    }

    cln->handler = ngx_http_jamhook_json_cleanup;
    cln->data = json;

    *root = json;

    return NGX_OK;
}


void
ngx_http_jamhook_json_release(ngx_pool_t *pool, ngx_http_jamhook_json_t *root)
{
    ngx_pool_cleanup_t  *cln;

    for (cln = pool->cleanup; cln; cln = cln->next) {

        if (cln->handler == ngx_http_jamhook_json_cleanup
            && cln->data == root)
        {
            cln->handler = NULL;
            cJSON_Delete(root);
            return;
        }
    }
}


ngx_http_jamhook_json_kind_e
ngx_http_jamhook_json_member(ngx_http_jamhook_json_t *object, char *name,
    ngx_http_jamhook_json_t **item)
{
    cJSON  *member, *found;

    *item = NULL;
    found = NULL;

    for (member = object->child; member != NULL; member = member->next) {

        if (member->string == NULL
            || *member->string != *name
            || ngx_strcmp(member->string, name) != 0)
        {
            continue;
        }

        if (found != NULL) {
            return NGX_HTTP_JAMHOOK_JSON_DOUBLED;
        }

        found = member;
    }

    if (found == NULL) {
        return NGX_HTTP_JAMHOOK_JSON_ABSENT;
    }

    *item = found;

    switch (found->type & 0xff) {

    case cJSON_NULL:
        return NGX_HTTP_JAMHOOK_JSON_NULL;

    case cJSON_String:
        return NGX_HTTP_JAMHOOK_JSON_STRING;

    case cJSON_Number:
        return NGX_HTTP_JAMHOOK_JSON_NUMBER;

    case cJSON_Object:
        return NGX_HTTP_JAMHOOK_JSON_OBJECT;

    default:
        return NGX_HTTP_JAMHOOK_JSON_OTHER;
    }
}


ngx_uint_t
ngx_http_jamhook_json_has_prefix(ngx_http_jamhook_json_t *object, char *prefix)
{
    size_t   len;
    cJSON   *member;

    len = ngx_strlen(prefix);

    for (member = object->child; member != NULL; member = member->next) {

        if (member->string != NULL
            && ngx_strncasecmp((u_char *) member->string, (u_char *) prefix,
                               len)
               == 0)
        {
            return 1;
        }
    }

    return 0;
}


ngx_int_t
ngx_http_jamhook_json_stranger(ngx_http_jamhook_json_t *object, char **names,
    ngx_str_t *name)
{
    char   **known;
    cJSON   *member;

    for (member = object->child; member != NULL; member = member->next) {

        if (member->string == NULL) {
            continue;
        }

        for (known = names; *known != NULL; known++) {
            if (ngx_strcmp(member->string, *known) == 0) {
                break;
            }
        }

        if (*known == NULL) {
            name->data = (u_char *) member->string;
            name->len = ngx_strlen(member->string);
            return NGX_OK;
        }
    }

    return NGX_DECLINED;
}


ngx_int_t
ngx_http_jamhook_json_string(ngx_http_jamhook_json_t *item, ngx_str_t *value)
{
    size_t   len;
    u_char  *data;

    data = (u_char *) item->valuestring;
    len = ngx_strlen(data);

    if (memchr(data, NGX_HTTP_JAMHOOK_JSON_NUL, len) != NULL) {
        return NGX_DECLINED;
    }

    value->data = data;
    value->len = len;

    return NGX_OK;
}


ngx_int_t
ngx_http_jamhook_json_integer(ngx_http_jamhook_json_t *item, u_char *buf,
    ngx_str_t *value)
{
    double    number;
    u_char   *p, digits[15];
    int64_t   n;

    number = item->valuedouble;

    /* doubles hold every integer of 15 digits; "-0" is not one of ours */

    if (!(number >= 0 && number < 1e15) || signbit(number)) {
        return NGX_DECLINED;
    }

    n = (int64_t) number;

    if ((double) n != number) {
        return NGX_DECLINED;
    }

    p = digits + sizeof(digits);

    do {
        *--p = (u_char) (n % 10 + '0');
        n /= 10;
    } while (n != 0);

    value->len = digits + sizeof(digits) - p;
    value->data = buf;

    ngx_memcpy(buf, p, value->len);

    return NGX_OK;
}


size_t
ngx_http_jamhook_json_escaped_length(ngx_str_t *s)
{
    u_char  ch;
    size_t  i, len;

    len = s->len + 2;

    if (ngx_http_jamhook_json_is_plain(s)) {
        return len;
    }

    for (i = 0; i < s->len; i++) {
        ch = s->data[i];

        if (ngx_http_jamhook_json_plain(ch)) {
            continue;
        }

        len += ngx_http_jamhook_json_short_escape(ch) ? 1
                                                      : sizeof("u001f") - 1;
    }

    return len;
}


ngx_uint_t
ngx_http_jamhook_json_is_plain(ngx_str_t *s)
{
    u_char  *last;

    if (s->len == 0) {
        return 1;
    }

    last = s->data + s->len;

    return ngx_http_jamhook_json_skip_plain(s->data, last) == last;
}


u_char *
ngx_http_jamhook_json_escape(u_char *dst, ngx_str_t *s)
{
    size_t      i;
    u_char      ch;
    ngx_uint_t  escape;

    *dst++ = '"';

    if (s->len != 0 && ngx_http_jamhook_json_is_plain(s)) {
        dst = ngx_cpymem(dst, s->data, s->len);
        *dst++ = '"';

        return dst;
    }

    for (i = 0; i < s->len; i++) {
        ch = s->data[i];

        if (ngx_http_jamhook_json_plain(ch)) {
            *dst++ = ch;
            continue;
        }

        escape = ngx_http_jamhook_json_short_escape(ch);

        if (escape) {
            *dst++ = '\\';
            *dst++ = (u_char) escape;

        } else {
            dst = ngx_cpymem(dst, "\\u00", 4);
            dst = ngx_hex_dump(dst, &ch, 1);
        }
    }

    *dst++ = '"';

    return dst;
}


/*
 * To the first byte that is not plain ASCII.  Eight bytes at a time: the high
 * bit of each says that it is none, or that one before it is none.
 */

static u_char *
ngx_http_jamhook_json_skip_plain(u_char *p, u_char *last)
{
    uint64_t  w, quote, slash, odd;

    static const uint64_t  ones = 0x0101010101010101,
                           high = 0x8080808080808080;

    while (last - p >= 8) {
        ngx_memcpy(&w, p, 8);

        quote = w ^ (ones * '"');
        slash = w ^ (ones * '\\');

        odd = w | (w - ones * 0x20) | (quote - ones) | (slash - ones);

        if (odd & high) {
            break;
        }

        p += 8;
    }

    while (p < last && *p < 0x80 && ngx_http_jamhook_json_plain(*p)) {
        p++;
    }

    return p;
}


static ngx_int_t
ngx_http_jamhook_json_scan(ngx_http_jamhook_json_scan_t *scan, ngx_str_t *text)
{
    scan->p = text->data;
    scan->last = text->data + text->len;

    if (text->len >= 3 && ngx_memcmp(text->data, "\xef\xbb\xbf", 3) == 0) {
        return ngx_http_jamhook_json_scan_failed(scan,
                                               "it begins with a BOM");
    }

    ngx_http_jamhook_json_scan_space(scan);

    if (scan->p == scan->last || *scan->p != '{') {
        return ngx_http_jamhook_json_scan_failed(scan,
                                                 "it is not a JSON object");
    }

    scan->p++;

    if (ngx_http_jamhook_json_scan_open(scan, 1) != NGX_OK
        || ngx_http_jamhook_json_scan_root(scan) != NGX_OK)
    {
        return NGX_DECLINED;
    }

    ngx_http_jamhook_json_scan_space(scan);

    if (scan->p != scan->last) {
        return ngx_http_jamhook_json_scan_failed(scan,
                                         "something follows the JSON object");
    }

    return NGX_OK;
}


/* from behind the root's "{" to behind its "}" */

static ngx_int_t
ngx_http_jamhook_json_scan_root(ngx_http_jamhook_json_scan_t *scan)
{
    u_char      ch;
    ngx_uint_t  object;
    enum {
        sw_first = 0,    /* behind "{" or "[" */
        sw_value,
        sw_next          /* behind a value */
    } state;

    state = sw_first;

    while (scan->depth != 0) {
        ngx_http_jamhook_json_scan_space(scan);

        if (scan->p == scan->last) {
            return ngx_http_jamhook_json_scan_failed(scan,
                                                     "the JSON is cut off");
        }

        ch = *scan->p;
        object = scan->objects & 1;

        if (state != sw_value && ch == (object ? '}' : ']')) {
            scan->p++;
            scan->objects >>= 1;
            scan->depth--;
            state = sw_next;
            continue;
        }

        if (state == sw_next) {

            if (ch != ',') {
                return ngx_http_jamhook_json_scan_failed(scan,
                                   "the JSON lacks a comma or a bracket");
            }

            scan->p++;
            state = sw_value;
            continue;
        }

        if (object && ngx_http_jamhook_json_scan_name(scan) != NGX_OK) {
            return NGX_DECLINED;
        }

        if (scan->p == scan->last) {
            return ngx_http_jamhook_json_scan_failed(scan,
                                                     "the JSON is cut off");
        }

        ch = *scan->p;

        if (ngx_http_jamhook_json_scan_value(scan) != NGX_OK) {
            return NGX_DECLINED;
        }

        state = (ch == '{' || ch == '[') ? sw_first : sw_next;
    }

    return NGX_OK;
}


/* at the first byte of a value; of an object or array, no more than that */

static ngx_int_t
ngx_http_jamhook_json_scan_value(ngx_http_jamhook_json_scan_t *scan)
{
    switch (*scan->p) {

    case '{':
        scan->p++;
        return ngx_http_jamhook_json_scan_open(scan, 1);

    case '[':
        scan->p++;
        return ngx_http_jamhook_json_scan_open(scan, 0);

    case '"':
        scan->p++;
        return ngx_http_jamhook_json_scan_string(scan);

    case 't':
        return ngx_http_jamhook_json_scan_literal(scan, "true", 4);

    case 'f':
        return ngx_http_jamhook_json_scan_literal(scan, "false", 5);

    case 'n':
        return ngx_http_jamhook_json_scan_literal(scan, "null", 4);

    default:
        return ngx_http_jamhook_json_scan_number(scan);
    }
}


static ngx_int_t
ngx_http_jamhook_json_scan_open(ngx_http_jamhook_json_scan_t *scan,
    ngx_uint_t object)
{
    if (scan->depth == NGX_HTTP_JAMHOOK_JSON_MAX_DEPTH) {
        return ngx_http_jamhook_json_scan_failed(scan,
                                               "the JSON is nested too deep");
    }

    scan->objects = (scan->objects << 1) | object;
    scan->depth++;

    return NGX_OK;
}


/* a member's name, its colon and the space around that */

static ngx_int_t
ngx_http_jamhook_json_scan_name(ngx_http_jamhook_json_scan_t *scan)
{
    if (*scan->p != '"') {
        return ngx_http_jamhook_json_scan_failed(scan,
                                               "a JSON member has no name");
    }

    scan->p++;

    if (ngx_http_jamhook_json_scan_string(scan) != NGX_OK) {
        return NGX_DECLINED;
    }

    ngx_http_jamhook_json_scan_space(scan);

    if (scan->p == scan->last || *scan->p != ':') {
        return ngx_http_jamhook_json_scan_failed(scan,
                                               "a JSON member has no value");
    }

    scan->p++;

    ngx_http_jamhook_json_scan_space(scan);

    return NGX_OK;
}


/* from behind a string's first quote to behind its last */

static ngx_int_t
ngx_http_jamhook_json_scan_string(ngx_http_jamhook_json_scan_t *scan)
{
    u_char     ch;
    size_t     n;

    for ( ;; ) {
        scan->p = ngx_http_jamhook_json_skip_plain(scan->p, scan->last);

        if (scan->p == scan->last) {
            break;
        }

        ch = *scan->p;

        if (ch == '"') {
            scan->p++;
            return NGX_OK;
        }

        if (ch < 0x20) {
            return ngx_http_jamhook_json_scan_failed(scan,
                                   "a JSON string holds a control character");
        }

        if (ch == '\\') {

            if (ngx_http_jamhook_json_scan_escape(scan) != NGX_OK) {
                return NGX_DECLINED;
            }

            continue;
        }

        n = ngx_http_jamhook_text_utf8(scan->p, scan->last - scan->p);

        if (n == 0) {
            return ngx_http_jamhook_json_scan_failed(scan,
                                           "a JSON string is not valid UTF-8");
        }

        scan->p += n;
    }

    return ngx_http_jamhook_json_scan_failed(scan, "a JSON string is cut off");
}


/* at a backslash in a string */

static ngx_int_t
ngx_http_jamhook_json_scan_escape(ngx_http_jamhook_json_scan_t *scan)
{
    u_char      *start;
    ngx_uint_t   unit, low;

    start = scan->p;

    if (scan->last - start >= 2
        && start[1] != '\0'
        && ngx_strchr("\"\\/bfnrt", start[1]) != NULL)
    {
        scan->p += 2;
        return NGX_OK;
    }

    if (ngx_http_jamhook_json_scan_unit(scan, &unit) != NGX_OK) {
        return ngx_http_jamhook_json_scan_failed(scan,
                                             "a JSON string's escape is bad");
    }

    if (unit == 0) {
        scan->odd = 1;

        if (scan->mend) {
            ngx_memset(start, NGX_HTTP_JAMHOOK_JSON_NUL, scan->p - start);
        }
    }

    if (unit < 0xd800 || unit > 0xdfff) {
        return NGX_OK;
    }

    if (unit > 0xdbff
        || ngx_http_jamhook_json_scan_unit(scan, &low) != NGX_OK
        || low < 0xdc00
        || low > 0xdfff)
    {
        return ngx_http_jamhook_json_scan_failed(scan,
                                         "a JSON string's surrogate is alone");
    }

    return NGX_OK;
}


/* "\uXXXX" */

static ngx_int_t
ngx_http_jamhook_json_scan_unit(ngx_http_jamhook_json_scan_t *scan,
    ngx_uint_t *unit)
{
    ngx_int_t  n;

    if (scan->last - scan->p < 6 || scan->p[0] != '\\' || scan->p[1] != 'u') {
        return NGX_DECLINED;
    }

    n = ngx_hextoi(scan->p + 2, 4);
    if (n == NGX_ERROR) {
        return NGX_DECLINED;
    }

    *unit = n;
    scan->p += 6;

    return NGX_OK;
}


static ngx_int_t
ngx_http_jamhook_json_scan_number(ngx_http_jamhook_json_scan_t *scan)
{
    u_char  *start;

    start = scan->p;

    if (*scan->p == '-') {
        scan->p++;
    }

    if (scan->p < scan->last && *scan->p == '0') {
        scan->p++;

    } else if (ngx_http_jamhook_json_scan_digits(scan) != NGX_OK) {
        return NGX_DECLINED;
    }

    if (scan->p < scan->last && *scan->p == '.') {
        scan->p++;

        if (ngx_http_jamhook_json_scan_digits(scan) != NGX_OK) {
            return NGX_DECLINED;
        }
    }

    if (scan->p < scan->last && (*scan->p == 'e' || *scan->p == 'E')) {
        scan->p++;

        if (scan->p < scan->last && (*scan->p == '+' || *scan->p == '-')) {
            scan->p++;
        }

        if (ngx_http_jamhook_json_scan_digits(scan) != NGX_OK) {
            return NGX_DECLINED;
        }
    }

    if (scan->p - start > NGX_HTTP_JAMHOOK_JSON_NUMBER_MAX) {
        scan->odd = 1;

        if (scan->mend) {

            /* a number that no member of ours may have, and white space */

            ngx_memset(start, ' ', scan->p - start);
            ngx_memcpy(start, "-1", 2);
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_jamhook_json_scan_digits(ngx_http_jamhook_json_scan_t *scan)
{
    u_char  *start;

    start = scan->p;

    while (scan->p < scan->last && *scan->p >= '0' && *scan->p <= '9') {
        scan->p++;
    }

    if (scan->p == start) {
        return ngx_http_jamhook_json_scan_failed(scan,
                                               "a JSON value is malformed");
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_jamhook_json_scan_literal(ngx_http_jamhook_json_scan_t *scan,
    char *literal, size_t len)
{
    if ((size_t) (scan->last - scan->p) < len
        || ngx_memcmp(scan->p, literal, len) != 0)
    {
        return ngx_http_jamhook_json_scan_failed(scan,
                                               "a JSON value is malformed");
    }

    scan->p += len;

    return NGX_OK;
}


static void
ngx_http_jamhook_json_scan_space(ngx_http_jamhook_json_scan_t *scan)
{
    while (scan->p < scan->last
           && (*scan->p == ' ' || *scan->p == '\t'
               || *scan->p == CR || *scan->p == LF))
    {
        scan->p++;
    }
}


static ngx_int_t
ngx_http_jamhook_json_scan_failed(ngx_http_jamhook_json_scan_t *scan,
    char *why)
{
    scan->why = why;

    return NGX_DECLINED;
}


/*
 * What is valid but beyond cJSON, it ends a string at \u0000 and refuses long
 * numbers, is written over in a copy.
 */

static ngx_int_t
ngx_http_jamhook_json_mend(ngx_pool_t *pool, ngx_str_t *text)
{
    ngx_http_jamhook_json_scan_t  scan;

    text->data = ngx_pstrdup(pool, text);
    if (text->data == NULL) {
        return NGX_ERROR;
    }

    ngx_memzero(&scan, sizeof(ngx_http_jamhook_json_scan_t));

    scan.mend = 1;

    return ngx_http_jamhook_json_scan(&scan, text);
}


static void
ngx_http_jamhook_json_cleanup(void *data)
{
    cJSON_Delete(data);
}


/* the letter that stands for ch behind a backslash, 0 if there is none */

static ngx_uint_t
ngx_http_jamhook_json_short_escape(u_char ch)
{
    switch (ch) {

    case '"':
    case '\\':
        return ch;

    case '\b':
        return 'b';

    case '\f':
        return 'f';

    case '\n':
        return 'n';

    case '\r':
        return 'r';

    case '\t':
        return 't';

    default:
        return 0;
    }
}
