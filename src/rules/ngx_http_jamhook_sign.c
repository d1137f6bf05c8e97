
#include "ngx_http_jamhook_sign.h"
#include "ngx_http_jamhook_text.h"


#define NGX_HTTP_JAMHOOK_SIGN_ID_RANDOM  27    /* characters behind "msg_" */


static size_t ngx_http_jamhook_sign_length(ngx_array_t *keys);
static u_char *ngx_http_jamhook_sign_token(u_char *p,
    ngx_http_jamhook_key_t *key, ngx_str_t *parts, ngx_str_t *message);
static void ngx_http_jamhook_sign_uuid(u_char *dst, u_char *digest);


/* RFC 9562, section 6.6: 6ba7b811-9dad-11d1-80b4-00c04fd430c8 */

static u_char  ngx_http_jamhook_sign_namespace_url[] = {
    0x6b, 0xa7, 0xb8, 0x11, 0x9d, 0xad, 0x11, 0xd1,
    0x80, 0xb4, 0x00, 0xc0, 0x4f, 0xd4, 0x30, 0xc8
};


ngx_int_t
ngx_http_jamhook_sign(ngx_str_t *id, ngx_str_t *timestamp, ngx_str_t *body,
    ngx_array_t *keys, ngx_pool_t *pool, ngx_str_t *value)
{
    u_char                  *p;
    ngx_str_t                parts[NGX_HTTP_JAMHOOK_SIGN_PARTS], message;
    ngx_uint_t               i;
    ngx_http_jamhook_key_t  *key;

    key = keys->elts;

    if (keys->nelts == 0) {
        return NGX_ERROR;
    }

    ngx_http_jamhook_sign_parts(parts, id, timestamp, body);

    ngx_str_null(&message);

    for (i = 0; i < keys->nelts; i++) {

        if (key[i].kind == NGX_HTTP_JAMHOOK_KEY_WHSK
            && message.data == NULL
            && ngx_http_jamhook_sign_join(parts, pool, &message) != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    p = ngx_pnalloc(pool, ngx_http_jamhook_sign_length(keys));
    if (p == NULL) {
        return NGX_ERROR;
    }

    value->data = p;

    for (i = 0; i < keys->nelts; i++) {

        if (i != 0) {
            *p++ = ' ';
        }

        p = ngx_http_jamhook_sign_token(p, &key[i], parts, &message);
        if (p == NULL) {
            return NGX_ERROR;
        }
    }

    value->len = p - value->data;

    return NGX_OK;
}


void
ngx_http_jamhook_sign_parts(ngx_str_t *parts, ngx_str_t *id,
    ngx_str_t *timestamp, ngx_str_t *body)
{
    parts[0] = *id;
    ngx_str_set(&parts[1], ".");
    parts[2] = *timestamp;
    ngx_str_set(&parts[3], ".");
    parts[4] = *body;
}


ngx_int_t
ngx_http_jamhook_sign_join(ngx_str_t *parts, ngx_pool_t *pool,
    ngx_str_t *message)
{
    size_t       len;
    u_char      *p;
    ngx_uint_t   i;

    len = 0;

    for (i = 0; i < NGX_HTTP_JAMHOOK_SIGN_PARTS; i++) {
        len += parts[i].len;
    }

    p = ngx_pnalloc(pool, len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    message->data = p;
    message->len = len;

    for (i = 0; i < NGX_HTTP_JAMHOOK_SIGN_PARTS; i++) {

        if (parts[i].len != 0) {
            p = ngx_cpymem(p, parts[i].data, parts[i].len);
        }
    }

    return NGX_OK;
}


ngx_int_t
ngx_http_jamhook_sign_idempotency_key(ngx_str_t *id, ngx_str_t *endpoint,
    ngx_uint_t replay, u_char *dst)
{
    u_char      digest[NGX_HTTP_JAMHOOK_SHA1_LEN], number[NGX_INT64_LEN];
    ngx_str_t   parts[7];
    ngx_uint_t  n;

    parts[0].data = ngx_http_jamhook_sign_namespace_url;
    parts[0].len = sizeof(ngx_http_jamhook_sign_namespace_url);
    ngx_str_set(&parts[1], "jamhook:");
    parts[2] = *id;
    ngx_str_set(&parts[3], "/");
    parts[4] = *endpoint;

    n = 5;

    if (replay != 0) {
        ngx_str_set(&parts[5], "#");
        parts[6].data = number;
        parts[6].len = ngx_http_jamhook_text_decimal(number, replay) - number;

        n = 7;
    }

    if (ngx_http_jamhook_crypto_sha1(parts, n, digest) != NGX_OK) {
        return NGX_ERROR;
    }

    ngx_http_jamhook_sign_uuid(dst, digest);

    return NGX_OK;
}


ngx_int_t
ngx_http_jamhook_sign_new_id(ngx_pool_t *pool, ngx_str_t *id)
{
    u_char         *p, *last, random[64];
    ngx_uint_t      i;

    static u_char   alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                 "abcdefghijklmnopqrstuvwxyz0123456789";

    id->len = sizeof("msg_") - 1 + NGX_HTTP_JAMHOOK_SIGN_ID_RANDOM;

    id->data = ngx_pnalloc(pool, id->len);
    if (id->data == NULL) {
        return NGX_ERROR;
    }

    p = ngx_cpymem(id->data, "msg_", sizeof("msg_") - 1);
    last = id->data + id->len;

    while (p < last) {

        if (ngx_http_jamhook_crypto_random(random, sizeof(random)) != NGX_OK) {
            return NGX_ERROR;
        }

        for (i = 0; i < sizeof(random) && p < last; i++) {

            /* of 256 values the last 8 would favour some characters */

            if (random[i] < 248) {
                *p++ = alphabet[random[i] % 62];
            }
        }
    }

    return NGX_OK;
}


/* an upper bound: every token with a space, every one as long as "v1a" */

static size_t
ngx_http_jamhook_sign_length(ngx_array_t *keys)
{
    return keys->nelts
           * (sizeof("v1a, ") - 1
              + ngx_base64_encoded_length(NGX_HTTP_JAMHOOK_ED25519_LEN));
}


/* returns the token's end, NULL if the key cannot sign */

static u_char *
ngx_http_jamhook_sign_token(u_char *p, ngx_http_jamhook_key_t *key,
    ngx_str_t *parts, ngx_str_t *message)
{
    u_char     raw[NGX_HTTP_JAMHOOK_ED25519_LEN];
    ngx_int_t  rc;
    ngx_str_t  signature;

    signature.data = raw;

    switch (key->kind) {

    case NGX_HTTP_JAMHOOK_KEY_WHSEC:
        p = ngx_cpymem(p, "v1,", 3);
        signature.len = NGX_HTTP_JAMHOOK_SHA256_LEN;
        rc = ngx_http_jamhook_crypto_hmac(key->hmac, parts,
                                          NGX_HTTP_JAMHOOK_SIGN_PARTS, raw);
        break;

    case NGX_HTTP_JAMHOOK_KEY_WHSK:
        p = ngx_cpymem(p, "v1a,", 4);
        signature.len = NGX_HTTP_JAMHOOK_ED25519_LEN;
        rc = ngx_http_jamhook_crypto_ed25519_sign(key->pkey, message, raw);
        break;

    default: /* NGX_HTTP_JAMHOOK_KEY_WHPK */
        return NULL;
    }

    if (rc != NGX_OK) {
        return NULL;
    }

    return ngx_http_jamhook_text_base64_encode(p, &signature);
}


/* RFC 9562, section 5.5: the first 16 bytes of SHA-1, version and variant */

static void
ngx_http_jamhook_sign_uuid(u_char *dst, u_char *digest)
{
    digest[6] = (digest[6] & 0x0f) | 0x50;
    digest[8] = (digest[8] & 0x3f) | 0x80;

    dst = ngx_http_jamhook_text_hex(dst, digest, 4);
    *dst++ = '-';
    dst = ngx_http_jamhook_text_hex(dst, digest + 4, 2);
    *dst++ = '-';
    dst = ngx_http_jamhook_text_hex(dst, digest + 6, 2);
    *dst++ = '-';
    dst = ngx_http_jamhook_text_hex(dst, digest + 8, 2);
    *dst++ = '-';
    (void) ngx_http_jamhook_text_hex(dst, digest + 10, 6);
}
