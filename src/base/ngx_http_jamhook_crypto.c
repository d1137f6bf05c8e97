
#include "ngx_http_jamhook_crypto.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rand.h>


#define NGX_HTTP_JAMHOOK_SHA256_BLOCK  64


/*
 * HMAC as RFC 2104 has it: the states of SHA-256 after the key's two padded
 * blocks, and one to work with.  The library's own EVP_MAC would do the same,
 * but to start anew with the key it has (EVP_MAC_init() without a key) gives
 * wrong results in OpenSSL 3.0.0-3.0.2 (openssl#17811, Ubuntu 22.04), and
 * HMAC_CTX is deprecated since 3.0.  This is one way for 1.1.1 and 3.x.
 */
struct ngx_http_jamhook_hmac_s {
    EVP_MD_CTX  *inner;
    EVP_MD_CTX  *outer;
    EVP_MD_CTX  *work;
};


static ngx_int_t ngx_http_jamhook_crypto_hmac_pad(EVP_MD_CTX *ctx,
    u_char *block, u_char pad);
static ngx_int_t ngx_http_jamhook_crypto_update(EVP_MD_CTX *ctx,
    ngx_str_t *parts, ngx_uint_t n);
static ngx_int_t ngx_http_jamhook_crypto_digest(const EVP_MD *md,
    ngx_str_t *parts, ngx_uint_t n, u_char *digest);


#if (OPENSSL_VERSION_NUMBER >= 0x30000000L)

/*
 * OpenSSL 3 looks EVP_sha1() and its like up anew at each use; each delivery
 * has one.  Fetched by a worker's first one, freed by crypto_exit().
 */
static EVP_MD  *ngx_http_jamhook_crypto_md_sha1;

#endif


ngx_http_jamhook_hmac_t *
ngx_http_jamhook_crypto_hmac_create(u_char *key, size_t len)
{
    u_char                    block[NGX_HTTP_JAMHOOK_SHA256_BLOCK];
    ngx_int_t                 rc;
    ngx_str_t                 part;
    ngx_http_jamhook_hmac_t  *hmac;

    hmac = OPENSSL_zalloc(sizeof(ngx_http_jamhook_hmac_t));
    if (hmac == NULL) {
        goto failed;
    }

    hmac->inner = EVP_MD_CTX_new();
    hmac->outer = EVP_MD_CTX_new();
    hmac->work = EVP_MD_CTX_new();

    if (hmac->inner == NULL || hmac->outer == NULL || hmac->work == NULL) {
        goto failed;
    }

    ngx_memzero(block, NGX_HTTP_JAMHOOK_SHA256_BLOCK);

    if (len <= NGX_HTTP_JAMHOOK_SHA256_BLOCK) {
        ngx_memcpy(block, key, len);
        rc = NGX_OK;

    } else {
        part.len = len;
        part.data = key;
        rc = ngx_http_jamhook_crypto_sha256(&part, 1, block);
    }

    if (rc == NGX_OK) {
        rc = ngx_http_jamhook_crypto_hmac_pad(hmac->inner, block, 0x36);
    }

    if (rc == NGX_OK) {
        rc = ngx_http_jamhook_crypto_hmac_pad(hmac->outer, block, 0x5c);
    }

    ngx_explicit_memzero(block, NGX_HTTP_JAMHOOK_SHA256_BLOCK);

    if (rc == NGX_OK) {
        return hmac;
    }

failed:

    ERR_clear_error();
    ngx_http_jamhook_crypto_hmac_free(hmac);

    return NULL;
}


void
ngx_http_jamhook_crypto_hmac_free(ngx_http_jamhook_hmac_t *hmac)
{
    if (hmac == NULL) {
        return;
    }

    /* OpenSSL wipes a digest's state when it frees it */

    EVP_MD_CTX_free(hmac->inner);
    EVP_MD_CTX_free(hmac->outer);
    EVP_MD_CTX_free(hmac->work);

    OPENSSL_free(hmac);
}


ngx_int_t
ngx_http_jamhook_crypto_hmac(ngx_http_jamhook_hmac_t *hmac, ngx_str_t *parts,
    ngx_uint_t n, u_char *digest)
{
    u_char  inner[NGX_HTTP_JAMHOOK_SHA256_LEN];

    if (EVP_MD_CTX_copy_ex(hmac->work, hmac->inner) != 1
        || ngx_http_jamhook_crypto_update(hmac->work, parts, n) != NGX_OK
        || EVP_DigestFinal_ex(hmac->work, inner, NULL) != 1
        || EVP_MD_CTX_copy_ex(hmac->work, hmac->outer) != 1
        || EVP_DigestUpdate(hmac->work, inner, sizeof(inner)) != 1
        || EVP_DigestFinal_ex(hmac->work, digest, NULL) != 1)
    {
        /*
         * A copy that had no memory leaves a digest without a state behind,
         * and the next one would write to where the state is not: since
         * OpenSSL 3.5 at the latest.
         */
        (void) EVP_MD_CTX_reset(hmac->work);

        ERR_clear_error();
        return NGX_ERROR;
    }

    return NGX_OK;
}


/* a pkey is an EVP_PKEY under another name, so that no user sees OpenSSL's */

ngx_http_jamhook_pkey_t *
ngx_http_jamhook_crypto_ed25519_private(u_char *seed)
{
    EVP_PKEY  *pkey;

    pkey = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed,
                                        NGX_HTTP_JAMHOOK_ED25519_KEY);
    if (pkey == NULL) {
        ERR_clear_error();
    }

    return (ngx_http_jamhook_pkey_t *) pkey;
}


ngx_http_jamhook_pkey_t *
ngx_http_jamhook_crypto_ed25519_public(u_char *key)
{
    EVP_PKEY  *pkey;

    pkey = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, key,
                                       NGX_HTTP_JAMHOOK_ED25519_KEY);
    if (pkey == NULL) {
        ERR_clear_error();
    }

    return (ngx_http_jamhook_pkey_t *) pkey;
}


void
ngx_http_jamhook_crypto_pkey_free(ngx_http_jamhook_pkey_t *pkey)
{
    EVP_PKEY_free((EVP_PKEY *) pkey);
}


ngx_int_t
ngx_http_jamhook_crypto_ed25519_raw(ngx_http_jamhook_pkey_t *pkey, u_char *key)
{
    size_t  len;

    len = NGX_HTTP_JAMHOOK_ED25519_KEY;

    if (EVP_PKEY_get_raw_public_key((EVP_PKEY *) pkey, key, &len) != 1
        || len != NGX_HTTP_JAMHOOK_ED25519_KEY)
    {
        ERR_clear_error();
        return NGX_ERROR;
    }

    return NGX_OK;
}


ngx_int_t
ngx_http_jamhook_crypto_ed25519_sign(ngx_http_jamhook_pkey_t *pkey,
    ngx_str_t *message, u_char *signature)
{
    size_t       len;
    ngx_int_t    rc;
    EVP_MD_CTX  *ctx;

    rc = NGX_ERROR;
    len = NGX_HTTP_JAMHOOK_ED25519_LEN;

    ctx = EVP_MD_CTX_new();

    if (ctx != NULL
        && EVP_DigestSignInit(ctx, NULL, NULL, NULL, (EVP_PKEY *) pkey) == 1
        && EVP_DigestSign(ctx, signature, &len, message->data, message->len)
           == 1
        && len == NGX_HTTP_JAMHOOK_ED25519_LEN)
    {
        rc = NGX_OK;

    } else {
        ERR_clear_error();
    }

    EVP_MD_CTX_free(ctx);

    return rc;
}


ngx_int_t
ngx_http_jamhook_crypto_ed25519_verify(ngx_http_jamhook_pkey_t *pkey,
    ngx_str_t *message, u_char *signature)
{
    int          matched;
    ngx_int_t    rc;
    EVP_MD_CTX  *ctx;

    rc = NGX_ERROR;

    ctx = EVP_MD_CTX_new();

    if (ctx != NULL
        && EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, (EVP_PKEY *) pkey) == 1)
    {
        matched = EVP_DigestVerify(ctx, signature,
                                   NGX_HTTP_JAMHOOK_ED25519_LEN,
                                   message->data, message->len);
        if (matched == 1) {
            rc = NGX_OK;

        } else if (matched == 0) {
            rc = NGX_DECLINED;
        }
    }

    if (rc != NGX_OK) {
        ERR_clear_error();
    }

    EVP_MD_CTX_free(ctx);

    return rc;
}


ngx_int_t
ngx_http_jamhook_crypto_sha1(ngx_str_t *parts, ngx_uint_t n, u_char *digest)
{
    const EVP_MD  *md;

    md = EVP_sha1();

#if (OPENSSL_VERSION_NUMBER >= 0x30000000L)

    if (ngx_http_jamhook_crypto_md_sha1 == NULL) {
        ngx_http_jamhook_crypto_md_sha1 = EVP_MD_fetch(NULL, "SHA1", NULL);
    }

    if (ngx_http_jamhook_crypto_md_sha1) {
        md = ngx_http_jamhook_crypto_md_sha1;
    }

#endif

    return ngx_http_jamhook_crypto_digest(md, parts, n, digest);
}


ngx_int_t
ngx_http_jamhook_crypto_sha256(ngx_str_t *parts, ngx_uint_t n, u_char *digest)
{
    return ngx_http_jamhook_crypto_digest(EVP_sha256(), parts, n, digest);
}


void
ngx_http_jamhook_crypto_exit(void)
{
#if (OPENSSL_VERSION_NUMBER >= 0x30000000L)

    EVP_MD_free(ngx_http_jamhook_crypto_md_sha1);
    ngx_http_jamhook_crypto_md_sha1 = NULL;

#endif
}


ngx_int_t
ngx_http_jamhook_crypto_random(u_char *p, size_t len)
{
    if (len > NGX_MAX_INT32_VALUE || RAND_bytes(p, (int) len) != 1) {
        ERR_clear_error();
        return NGX_ERROR;
    }

    return NGX_OK;
}


ngx_uint_t
ngx_http_jamhook_crypto_equal(u_char *a, u_char *b, size_t len)
{
    return CRYPTO_memcmp(a, b, len) == 0;
}


static ngx_int_t
ngx_http_jamhook_crypto_hmac_pad(EVP_MD_CTX *ctx, u_char *block, u_char pad)
{
    int         ok;
    u_char      padded[NGX_HTTP_JAMHOOK_SHA256_BLOCK];
    ngx_uint_t  i;

    for (i = 0; i < NGX_HTTP_JAMHOOK_SHA256_BLOCK; i++) {
        padded[i] = block[i] ^ pad;
    }

    ok = EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) == 1
         && EVP_DigestUpdate(ctx, padded, sizeof(padded)) == 1;

    ngx_explicit_memzero(padded, sizeof(padded));

    return ok ? NGX_OK : NGX_ERROR;
}


static ngx_int_t
ngx_http_jamhook_crypto_update(EVP_MD_CTX *ctx, ngx_str_t *parts, ngx_uint_t n)
{
    ngx_uint_t  i;

    for (i = 0; i < n; i++) {

        if (parts[i].len != 0
            && EVP_DigestUpdate(ctx, parts[i].data, parts[i].len) != 1)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_jamhook_crypto_digest(const EVP_MD *md, ngx_str_t *parts,
    ngx_uint_t n, u_char *digest)
{
    ngx_int_t    rc;
    EVP_MD_CTX  *ctx;

    rc = NGX_ERROR;

    ctx = EVP_MD_CTX_new();

    if (ctx != NULL
        && EVP_DigestInit_ex(ctx, md, NULL) == 1
        && ngx_http_jamhook_crypto_update(ctx, parts, n) == NGX_OK
        && EVP_DigestFinal_ex(ctx, digest, NULL) == 1)
    {
        rc = NGX_OK;

    } else {
        ERR_clear_error();
    }

    EVP_MD_CTX_free(ctx);

    return rc;
}
