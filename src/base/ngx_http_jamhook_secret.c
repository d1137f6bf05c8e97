
#include "ngx_http_jamhook_secret.h"
#include "ngx_http_jamhook_text.h"


#define NGX_HTTP_JAMHOOK_SECRET_SHORT  24    /* bytes that a key should have */


/* One key on its way from its line into the array; it is wiped behind it. */
typedef struct {
    ngx_http_jamhook_key_kind_e     kind;
    ngx_str_t                       bytes;       /* decoded, from the pool */
    u_char                          digest[NGX_HTTP_JAMHOOK_SHA256_LEN];
} ngx_http_jamhook_secret_line_t;

/* What tells keys of a file apart, to find one that stands twice. */
typedef struct {
    ngx_http_jamhook_key_kind_e     kind;
    u_char                          digest[NGX_HTTP_JAMHOOK_SHA256_LEN];
} ngx_http_jamhook_secret_seen_t;

typedef struct {
    ngx_http_jamhook_secret_use_e   use;
    ngx_array_t                    *keys;
    char                           *why;
    ngx_uint_t                      nseen;
    ngx_http_jamhook_secret_seen_t  seen[NGX_HTTP_JAMHOOK_SECRET_KEYS_MAX];
} ngx_http_jamhook_secret_parse_t;


static ngx_int_t ngx_http_jamhook_secret_lines(
    ngx_http_jamhook_secret_parse_t *parse, ngx_str_t *text, ngx_uint_t *line);
static void ngx_http_jamhook_secret_trim(ngx_str_t *s);
static ngx_int_t ngx_http_jamhook_secret_line(
    ngx_http_jamhook_secret_parse_t *parse, ngx_str_t *s);
static ngx_int_t ngx_http_jamhook_secret_prefix(
    ngx_http_jamhook_secret_parse_t *parse, ngx_str_t *s,
    ngx_http_jamhook_key_kind_e *kind);
static ngx_int_t ngx_http_jamhook_secret_decoded(
    ngx_http_jamhook_secret_parse_t *parse,
    ngx_http_jamhook_secret_line_t *line);
static ngx_int_t ngx_http_jamhook_secret_digest(
    ngx_http_jamhook_secret_line_t *line);
static ngx_int_t ngx_http_jamhook_secret_once(
    ngx_http_jamhook_secret_parse_t *parse,
    ngx_http_jamhook_secret_line_t *line);
static ngx_int_t ngx_http_jamhook_secret_add(
    ngx_http_jamhook_secret_parse_t *parse,
    ngx_http_jamhook_secret_line_t *line);
static ngx_int_t ngx_http_jamhook_secret_declined(
    ngx_http_jamhook_secret_parse_t *parse, char *why);


/* by ngx_http_jamhook_key_kind_e */

static ngx_str_t  ngx_http_jamhook_secret_prefixes[] = {
    ngx_string("whsec_"),
    ngx_string("whsk_"),
    ngx_string("whpk_"),
    ngx_null_string
};


ngx_int_t
ngx_http_jamhook_secret_parse(ngx_str_t *text,
    ngx_http_jamhook_secret_use_e use, ngx_array_t *keys, ngx_uint_t *line,
    char **why)
{
    ngx_int_t                        rc;
    ngx_http_jamhook_secret_parse_t  parse;

    ngx_memzero(&parse, sizeof(ngx_http_jamhook_secret_parse_t));

    parse.use = use;
    parse.keys = keys;

    rc = ngx_http_jamhook_secret_lines(&parse, text, line);

    if (rc == NGX_OK && parse.nseen == 0) {
        *line = 0;
        rc = ngx_http_jamhook_secret_declined(&parse, "it has no key");
    }

    if (rc == NGX_DECLINED) {
        *why = parse.why;
    }

    ngx_explicit_memzero(&parse, sizeof(ngx_http_jamhook_secret_parse_t));

    return rc;
}


void
ngx_http_jamhook_secret_free(ngx_array_t *keys)
{
    ngx_uint_t               i;
    ngx_http_jamhook_key_t  *key;

    key = keys->elts;

    for (i = 0; i < keys->nelts; i++) {
        ngx_http_jamhook_crypto_hmac_free(key[i].hmac);
        ngx_http_jamhook_crypto_pkey_free(key[i].pkey);
    }

    if (keys->nelts != 0) {
        ngx_explicit_memzero(key,
                             keys->nelts * sizeof(ngx_http_jamhook_key_t));
    }

    keys->nelts = 0;
}


char *
ngx_http_jamhook_secret_kind(ngx_http_jamhook_key_t *key)
{
    switch (key->kind) {

    case NGX_HTTP_JAMHOOK_KEY_WHSEC:
        return "whsec";

    case NGX_HTTP_JAMHOOK_KEY_WHSK:
        return "whsk";

    default: /* NGX_HTTP_JAMHOOK_KEY_WHPK */
        return "whpk";
    }
}


static ngx_int_t
ngx_http_jamhook_secret_lines(ngx_http_jamhook_secret_parse_t *parse,
    ngx_str_t *text, ngx_uint_t *line)
{
    u_char     *p, *last, *end;
    ngx_int_t   rc;
    ngx_str_t   s;

    p = text->data;
    last = text->data + text->len;

    for (*line = 1; p < last; (*line)++) {

        end = ngx_strlchr(p, last, LF);
        if (end == NULL) {
            end = last;
        }

        s.data = p;
        s.len = end - p;

        ngx_http_jamhook_secret_trim(&s);

        if (s.len != 0 && s.data[0] != '#') {
            rc = ngx_http_jamhook_secret_line(parse, &s);
            if (rc != NGX_OK) {
                return rc;
            }
        }

        /* the end may be that of the text: no step beyond it */

        p = (end < last) ? end + 1 : last;
    }

    return NGX_OK;
}


static void
ngx_http_jamhook_secret_trim(ngx_str_t *s)
{
    while (s->len != 0
           && (s->data[0] == ' ' || s->data[0] == '\t' || s->data[0] == CR))
    {
        s->data++;
        s->len--;
    }

    while (s->len != 0
           && (s->data[s->len - 1] == ' ' || s->data[s->len - 1] == '\t'
               || s->data[s->len - 1] == CR))
    {
        s->len--;
    }
}


static ngx_int_t
ngx_http_jamhook_secret_line(ngx_http_jamhook_secret_parse_t *parse,
    ngx_str_t *s)
{
    ngx_int_t                       rc;
    ngx_str_t                       base64;
    ngx_http_jamhook_secret_line_t  line;

    base64 = *s;

    rc = ngx_http_jamhook_secret_prefix(parse, &base64, &line.kind);
    if (rc != NGX_OK) {
        return rc;
    }

    line.bytes.data = ngx_pnalloc(parse->keys->pool,
                                  ngx_base64_decoded_length(base64.len));
    if (line.bytes.data == NULL) {
        return NGX_ERROR;
    }

    rc = ngx_http_jamhook_text_base64_decode(line.bytes.data, &line.bytes.len,
                                             &base64, 1);
    if (rc == NGX_OK) {
        rc = ngx_http_jamhook_secret_decoded(parse, &line);

    } else {
        rc = ngx_http_jamhook_secret_declined(parse, "the key is not base64");
    }

    ngx_explicit_memzero(line.bytes.data,
                         ngx_base64_decoded_length(base64.len));
    ngx_explicit_memzero(&line, sizeof(ngx_http_jamhook_secret_line_t));

    return rc;
}


/* leaves in s what follows the prefix */

static ngx_int_t
ngx_http_jamhook_secret_prefix(ngx_http_jamhook_secret_parse_t *parse,
    ngx_str_t *s, ngx_http_jamhook_key_kind_e *kind)
{
    ngx_str_t   *prefix;
    ngx_uint_t   i;

    prefix = ngx_http_jamhook_secret_prefixes;

    for (i = 0; prefix[i].len != 0; i++) {

        if (s->len >= prefix[i].len
            && ngx_memcmp(s->data, prefix[i].data, prefix[i].len) == 0)
        {
            break;
        }
    }

    if (prefix[i].len == 0) {
        return ngx_http_jamhook_secret_declined(parse,
                             "a key begins with whsec_, whsk_ or whpk_");
    }

    *kind = (ngx_http_jamhook_key_kind_e) i;

    if (parse->use == NGX_HTTP_JAMHOOK_SECRET_SIGN
        && *kind == NGX_HTTP_JAMHOOK_KEY_WHPK)
    {
        return ngx_http_jamhook_secret_declined(parse,
                             "a whpk_ key is a public one and cannot sign");
    }

    s->data += prefix[i].len;
    s->len -= prefix[i].len;

    if (s->len == 0) {
        return ngx_http_jamhook_secret_declined(parse,
                                         "nothing follows the key's prefix");
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_jamhook_secret_decoded(ngx_http_jamhook_secret_parse_t *parse,
    ngx_http_jamhook_secret_line_t *line)
{
    ngx_int_t  rc;

    if (line->kind == NGX_HTTP_JAMHOOK_KEY_WHSK
        && line->bytes.len != 2 * NGX_HTTP_JAMHOOK_ED25519_KEY)
    {
        return ngx_http_jamhook_secret_declined(parse,
                                                "a whsk_ key has 64 bytes");
    }

    if (line->kind == NGX_HTTP_JAMHOOK_KEY_WHPK
        && line->bytes.len != NGX_HTTP_JAMHOOK_ED25519_KEY)
    {
        return ngx_http_jamhook_secret_declined(parse,
                                                "a whpk_ key has 32 bytes");
    }

    rc = ngx_http_jamhook_secret_digest(line);

    if (rc == NGX_OK) {
        rc = ngx_http_jamhook_secret_once(parse, line);
    }

    if (rc == NGX_OK) {
        rc = ngx_http_jamhook_secret_add(parse, line);
    }

    return rc;
}


static ngx_int_t
ngx_http_jamhook_secret_digest(ngx_http_jamhook_secret_line_t *line)
{
    ngx_str_t  parts[2];

    ngx_str_set(&parts[0], "jamhook:");
    parts[1] = line->bytes;

    if (line->kind == NGX_HTTP_JAMHOOK_KEY_WHSK) {
        parts[1].data += NGX_HTTP_JAMHOOK_ED25519_KEY;
        parts[1].len -= NGX_HTTP_JAMHOOK_ED25519_KEY;
    }

    return ngx_http_jamhook_crypto_sha256(parts, 2, line->digest);
}


static ngx_int_t
ngx_http_jamhook_secret_once(ngx_http_jamhook_secret_parse_t *parse,
    ngx_http_jamhook_secret_line_t *line)
{
    ngx_uint_t                       i;
    ngx_http_jamhook_secret_seen_t  *seen;

    seen = parse->seen;

    for (i = 0; i < parse->nseen; i++) {

        if (seen[i].kind == line->kind
            && ngx_http_jamhook_crypto_equal(seen[i].digest, line->digest,
                                             NGX_HTTP_JAMHOOK_SHA256_LEN))
        {
            return ngx_http_jamhook_secret_declined(parse,
                                                    "the key stands twice");
        }
    }

    if (parse->nseen == NGX_HTTP_JAMHOOK_SECRET_KEYS_MAX) {
        return ngx_http_jamhook_secret_declined(parse,
                                                "there are too many keys");
    }

    seen[i].kind = line->kind;
    ngx_memcpy(seen[i].digest, line->digest, NGX_HTTP_JAMHOOK_SHA256_LEN);

    parse->nseen++;

    return NGX_OK;
}


static ngx_int_t
ngx_http_jamhook_secret_add(ngx_http_jamhook_secret_parse_t *parse,
    ngx_http_jamhook_secret_line_t *line)
{
    u_char                   public[NGX_HTTP_JAMHOOK_ED25519_KEY];
    ngx_http_jamhook_key_t  *key;

    /* from here on the key is in the array, and freed with it */

    key = ngx_array_push(parse->keys);
    if (key == NULL) {
        return NGX_ERROR;
    }

    ngx_memzero(key, sizeof(ngx_http_jamhook_key_t));

    key->kind = line->kind;

    (void) ngx_http_jamhook_text_hex(key->fingerprint, line->digest,
                                     NGX_HTTP_JAMHOOK_FINGERPRINT_LEN / 2);

    if (key->kind == NGX_HTTP_JAMHOOK_KEY_WHSEC) {
        key->is_short = line->bytes.len < NGX_HTTP_JAMHOOK_SECRET_SHORT;
        key->hmac = ngx_http_jamhook_crypto_hmac_create(line->bytes.data,
                                                        line->bytes.len);

        return (key->hmac != NULL) ? NGX_OK : NGX_ERROR;
    }

    if (key->kind == NGX_HTTP_JAMHOOK_KEY_WHPK) {
        key->pkey = ngx_http_jamhook_crypto_ed25519_public(line->bytes.data);

        return (key->pkey != NULL) ? NGX_OK : NGX_ERROR;
    }

    key->pkey = ngx_http_jamhook_crypto_ed25519_private(line->bytes.data);

    if (key->pkey == NULL
        || ngx_http_jamhook_crypto_ed25519_raw(key->pkey, public) != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (!ngx_http_jamhook_crypto_equal(public, line->bytes.data
                                               + NGX_HTTP_JAMHOOK_ED25519_KEY,
                                       NGX_HTTP_JAMHOOK_ED25519_KEY))
    {
        return ngx_http_jamhook_secret_declined(parse,
                      "the halves of the whsk_ key do not belong together");
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_jamhook_secret_declined(ngx_http_jamhook_secret_parse_t *parse,
    char *why)
{
    parse->why = why;

    return NGX_DECLINED;
}
