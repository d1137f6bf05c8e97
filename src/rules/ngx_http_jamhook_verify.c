
#include "ngx_http_jamhook_verify.h"
#include "ngx_http_jamhook_sign.h"
#include "ngx_http_jamhook_text.h"


/* room for a signature of len bytes while its base64 is decoded */
#define ngx_http_jamhook_verify_room(len)                                    \
    ngx_base64_decoded_length(ngx_base64_encoded_length(len))


typedef struct {
    ngx_str_t    name;
    size_t       offset;
} ngx_http_jamhook_verify_name_t;

/* One signature header on its way through the keys. */
typedef struct {
    ngx_str_t   *list;
    ngx_str_t    parts[NGX_HTTP_JAMHOOK_SIGN_PARTS];
    ngx_str_t    message;      /* the parts joined, once Ed25519 needs it */
    ngx_uint_t   tries;        /* Ed25519's that are left */
    ngx_pool_t  *pool;
} ngx_http_jamhook_verify_ctx_t;


static ngx_uint_t ngx_http_jamhook_verify_complete(
    ngx_http_jamhook_verify_set_t *set, ngx_uint_t i);
static ngx_uint_t ngx_http_jamhook_verify_doubled(
    ngx_http_jamhook_verify_set_t *set);
static ngx_http_jamhook_verify_e ngx_http_jamhook_verify_timestamp(
    ngx_str_t *timestamp, time_t now, time_t tolerance, char **why);
static ngx_int_t ngx_http_jamhook_verify_v1(
    ngx_http_jamhook_verify_ctx_t *ctx, ngx_http_jamhook_key_t *key);
static ngx_int_t ngx_http_jamhook_verify_v1a(
    ngx_http_jamhook_verify_ctx_t *ctx, ngx_http_jamhook_key_t *key);
static ngx_int_t ngx_http_jamhook_verify_token(ngx_str_t *list,
    ngx_str_t *token);
static ngx_int_t ngx_http_jamhook_verify_decode(ngx_str_t *token,
    ngx_str_t *version, size_t len, u_char *dst);


static ngx_http_jamhook_verify_name_t  ngx_http_jamhook_verify_names[] = {

    { ngx_string("svix-id"),
      offsetof(ngx_http_jamhook_verify_set_t, id[0]) },

    { ngx_string("svix-timestamp"),
      offsetof(ngx_http_jamhook_verify_set_t, timestamp[0]) },

    { ngx_string("svix-signature"),
      offsetof(ngx_http_jamhook_verify_set_t, signature[0]) },

    { ngx_string("webhook-id"),
      offsetof(ngx_http_jamhook_verify_set_t, id[1]) },

    { ngx_string("webhook-timestamp"),
      offsetof(ngx_http_jamhook_verify_set_t, timestamp[1]) },

    { ngx_string("webhook-signature"),
      offsetof(ngx_http_jamhook_verify_set_t, signature[1]) },

    { ngx_null_string, 0 }
};


static ngx_str_t  ngx_http_jamhook_verify_version_v1 = ngx_string("v1,");
static ngx_str_t  ngx_http_jamhook_verify_version_v1a = ngx_string("v1a,");


void
ngx_http_jamhook_verify_gather(ngx_http_jamhook_verify_set_t *set,
    ngx_str_t *name, ngx_str_t *value)
{
    ngx_http_jamhook_verify_name_t    *n;
    ngx_http_jamhook_verify_header_t  *header;

    for (n = ngx_http_jamhook_verify_names; n->name.len != 0; n++) {

        if (name->len != n->name.len
            || ngx_memcmp(name->data, n->name.data, name->len) != 0)
        {
            continue;
        }

        header = (ngx_http_jamhook_verify_header_t *)
                     ((u_char *) set + n->offset);

        header->value = *value;
        header->count++;

        return;
    }
}


ngx_http_jamhook_verify_e
ngx_http_jamhook_verify_headers(ngx_http_jamhook_verify_set_t *set, time_t now,
    time_t tolerance, ngx_http_jamhook_message_t *msg, char **why)
{
    ngx_uint_t  i;

    if (ngx_http_jamhook_verify_doubled(set)) {
        *why = "a signature header stands twice";
        return NGX_HTTP_JAMHOOK_VERIFY_MISSING;
    }

    for (i = 0; i < 2; i++) {
        if (ngx_http_jamhook_verify_complete(set, i)) {
            break;
        }
    }

    if (i == 2) {
        *why = "a signature header is missing";
        return NGX_HTTP_JAMHOOK_VERIFY_MISSING;
    }

    msg->id = set->id[i].value;
    msg->timestamp = set->timestamp[i].value;
    msg->signature = set->signature[i].value;

    if (ngx_http_jamhook_text_token(&msg->id, NGX_HTTP_JAMHOOK_ID_MAX)
        != NGX_OK)
    {
        *why = "the message id is malformed";
        return NGX_HTTP_JAMHOOK_VERIFY_MISSING;
    }

    return ngx_http_jamhook_verify_timestamp(&msg->timestamp, now, tolerance,
                                             why);
}


void
ngx_http_jamhook_verify_unsigned(ngx_http_jamhook_verify_set_t *set,
    ngx_http_jamhook_message_t *msg)
{
    ngx_http_jamhook_verify_header_t  *id;

    ngx_memzero(msg, sizeof(ngx_http_jamhook_message_t));

    id = (set->id[0].count != 0) ? &set->id[0] : &set->id[1];

    if (id->count == 1
        && ngx_http_jamhook_text_token(&id->value, NGX_HTTP_JAMHOOK_ID_MAX)
           == NGX_OK)
    {
        msg->id = id->value;
    }
}


ngx_http_jamhook_verify_e
ngx_http_jamhook_verify_signature(ngx_http_jamhook_message_t *msg,
    ngx_str_t *body, ngx_array_t *keys, ngx_pool_t *pool,
    ngx_http_jamhook_key_t **key)
{
    ngx_int_t                       rc;
    ngx_uint_t                      i;
    ngx_http_jamhook_key_t         *k;
    ngx_http_jamhook_verify_ctx_t   ctx;

    ctx.list = &msg->signature;
    ctx.tries = NGX_HTTP_JAMHOOK_VERIFY_TRIES;
    ctx.pool = pool;

    ngx_str_null(&ctx.message);

    ngx_http_jamhook_sign_parts(ctx.parts, &msg->id, &msg->timestamp, body);

    k = keys->elts;

    for (i = 0; i < keys->nelts; i++) {

        if (k[i].kind == NGX_HTTP_JAMHOOK_KEY_WHSEC) {
            rc = ngx_http_jamhook_verify_v1(&ctx, &k[i]);

        } else {
            rc = ngx_http_jamhook_verify_v1a(&ctx, &k[i]);
        }

        if (rc == NGX_OK) {
            *key = &k[i];
            return NGX_HTTP_JAMHOOK_VERIFY_OK;
        }

        if (rc == NGX_ERROR) {
            return NGX_HTTP_JAMHOOK_VERIFY_ERROR;
        }
    }

    return NGX_HTTP_JAMHOOK_VERIFY_MISMATCH;
}


static ngx_uint_t
ngx_http_jamhook_verify_complete(ngx_http_jamhook_verify_set_t *set,
    ngx_uint_t i)
{
    return set->id[i].value.len != 0
           && set->timestamp[i].value.len != 0
           && set->signature[i].value.len != 0;
}


static ngx_uint_t
ngx_http_jamhook_verify_doubled(ngx_http_jamhook_verify_set_t *set)
{
    ngx_uint_t  i;

    for (i = 0; i < 2; i++) {

        if (set->id[i].count > 1
            || set->timestamp[i].count > 1
            || set->signature[i].count > 1)
        {
            return 1;
        }
    }

    return 0;
}


static ngx_http_jamhook_verify_e
ngx_http_jamhook_verify_timestamp(ngx_str_t *timestamp, time_t now,
    time_t tolerance, char **why)
{
    int64_t  signed_at, age;

    if (ngx_http_jamhook_text_number(timestamp, &signed_at) != NGX_OK) {
        *why = "the timestamp is not a number";
        return NGX_HTTP_JAMHOOK_VERIFY_TIMESTAMP;
    }

    age = (int64_t) now - signed_at;

    if (age > (int64_t) tolerance) {
        *why = "timestamp too old";
        return NGX_HTTP_JAMHOOK_VERIFY_TIMESTAMP;
    }

    if (-age > (int64_t) tolerance) {
        *why = "timestamp too far in the future";
        return NGX_HTTP_JAMHOOK_VERIFY_TIMESTAMP;
    }

    return NGX_HTTP_JAMHOOK_VERIFY_OK;
}


/* NGX_OK, NGX_DECLINED (no token matches), NGX_ERROR */

static ngx_int_t
ngx_http_jamhook_verify_v1(ngx_http_jamhook_verify_ctx_t *ctx,
    ngx_http_jamhook_key_t *key)
{
    u_char      expected[NGX_HTTP_JAMHOOK_SHA256_LEN];
    u_char      given[ngx_http_jamhook_verify_room(
                          NGX_HTTP_JAMHOOK_SHA256_LEN)];
    ngx_str_t   list, token;
    ngx_uint_t  computed;

    computed = 0;
    list = *ctx->list;

    while (ngx_http_jamhook_verify_token(&list, &token) == NGX_OK) {

        if (ngx_http_jamhook_verify_decode(&token,
                                           &ngx_http_jamhook_verify_version_v1,
                                           NGX_HTTP_JAMHOOK_SHA256_LEN, given)
            != NGX_OK)
        {
            continue;
        }

        if (!computed) {

            if (ngx_http_jamhook_crypto_hmac(key->hmac, ctx->parts,
                                             NGX_HTTP_JAMHOOK_SIGN_PARTS,
                                             expected)
                != NGX_OK)
            {
                return NGX_ERROR;
            }

            computed = 1;
        }

        if (ngx_http_jamhook_crypto_equal(expected, given,
                                          NGX_HTTP_JAMHOOK_SHA256_LEN))
        {
            return NGX_OK;
        }
    }

    return NGX_DECLINED;
}


static ngx_int_t
ngx_http_jamhook_verify_v1a(ngx_http_jamhook_verify_ctx_t *ctx,
    ngx_http_jamhook_key_t *key)
{
    u_char     given[ngx_http_jamhook_verify_room(
                         NGX_HTTP_JAMHOOK_ED25519_LEN)];
    ngx_int_t  rc;
    ngx_str_t  list, token;

    list = *ctx->list;

    while (ctx->tries != 0
           && ngx_http_jamhook_verify_token(&list, &token) == NGX_OK)
    {
        if (ngx_http_jamhook_verify_decode(&token,
                                        &ngx_http_jamhook_verify_version_v1a,
                                        NGX_HTTP_JAMHOOK_ED25519_LEN, given)
            != NGX_OK)
        {
            continue;
        }

        if (ctx->message.data == NULL
            && ngx_http_jamhook_sign_join(ctx->parts, ctx->pool,
                                          &ctx->message)
               != NGX_OK)
        {
            return NGX_ERROR;
        }

        ctx->tries--;

        rc = ngx_http_jamhook_crypto_ed25519_verify(key->pkey, &ctx->message,
                                                    given);
        if (rc != NGX_DECLINED) {
            return rc;
        }
    }

    return NGX_DECLINED;
}


/* takes the next token off the list; NGX_DECLINED if there is none */

static ngx_int_t
ngx_http_jamhook_verify_token(ngx_str_t *list, ngx_str_t *token)
{
    u_char  *p, *last;

    p = list->data;
    last = list->data + list->len;

    while (p < last && *p == ' ') {
        p++;
    }

    token->data = p;

    while (p < last && *p != ' ') {
        p++;
    }

    token->len = p - token->data;

    list->data = p;
    list->len = last - p;

    return (token->len != 0) ? NGX_OK : NGX_DECLINED;
}


/* dst has verify_room(len) bytes; only a signature of len bytes is one */

static ngx_int_t
ngx_http_jamhook_verify_decode(ngx_str_t *token, ngx_str_t *version,
    size_t len, u_char *dst)
{
    size_t     n;
    ngx_str_t  base64;

    if (token->len != version->len + ngx_base64_encoded_length(len)
        || ngx_memcmp(token->data, version->data, version->len) != 0)
    {
        return NGX_DECLINED;
    }

    base64.data = token->data + version->len;
    base64.len = token->len - version->len;

    if (ngx_http_jamhook_text_base64_decode(dst, &n, &base64, 0) != NGX_OK
        || n != len)
    {
        return NGX_DECLINED;
    }

    return NGX_OK;
}
