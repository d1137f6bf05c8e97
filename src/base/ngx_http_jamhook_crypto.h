
/*
 * Crypto: the one owner of OpenSSL.
 *
 * Keyed objects (hmac, pkey) live on OpenSSL's heap: whoever creates one frees
 * it.  They are made while the configuration is read and used on the event
 * loop only: an hmac object holds scratch state, so it is not for threads.
 * Every failure of OpenSSL's is NGX_ERROR, with its error queue cleared.
 */


#ifndef _NGX_HTTP_JAMHOOK_CRYPTO_H_INCLUDED_
#define _NGX_HTTP_JAMHOOK_CRYPTO_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


#define NGX_HTTP_JAMHOOK_SHA1_LEN      20
#define NGX_HTTP_JAMHOOK_SHA256_LEN    32
#define NGX_HTTP_JAMHOOK_ED25519_LEN   64    /* of a signature */
#define NGX_HTTP_JAMHOOK_ED25519_KEY   32    /* of a seed or a public key */


typedef struct ngx_http_jamhook_hmac_s  ngx_http_jamhook_hmac_t;
typedef struct ngx_http_jamhook_pkey_s  ngx_http_jamhook_pkey_t;


/*
 * An HMAC-SHA256 object with its key set once, so that each use costs no
 * fetch and no key schedule.  key: len bytes, 1 or more, copied.  NULL if
 * OpenSSL fails.  hmac_free(NULL) is allowed; it wipes.
 */
ngx_http_jamhook_hmac_t *ngx_http_jamhook_crypto_hmac_create(u_char *key,
    size_t len);
void ngx_http_jamhook_crypto_hmac_free(ngx_http_jamhook_hmac_t *hmac);

/*
 * HMAC-SHA256 over the n parts, one after another, without joining them.
 * digest: NGX_HTTP_JAMHOOK_SHA256_LEN bytes.  NGX_OK, NGX_ERROR.
 */
ngx_int_t ngx_http_jamhook_crypto_hmac(ngx_http_jamhook_hmac_t *hmac,
    ngx_str_t *parts, ngx_uint_t n, u_char *digest);

/*
 * An Ed25519 key from a 32-byte seed or a 32-byte public key.  NULL if OpenSSL
 * refuses it.  pkey_free(NULL) is allowed.
 */
ngx_http_jamhook_pkey_t *ngx_http_jamhook_crypto_ed25519_private(u_char *seed);
ngx_http_jamhook_pkey_t *ngx_http_jamhook_crypto_ed25519_public(u_char *key);
void ngx_http_jamhook_crypto_pkey_free(ngx_http_jamhook_pkey_t *pkey);

/* Writes the 32-byte public key of either kind.  NGX_OK, NGX_ERROR. */
ngx_int_t ngx_http_jamhook_crypto_ed25519_raw(ngx_http_jamhook_pkey_t *pkey,
    u_char *key);

/*
 * Ed25519 over one contiguous message; signature has 64 bytes.
 * sign: NGX_OK, NGX_ERROR.  verify: NGX_OK, NGX_DECLINED (it does not match),
 * NGX_ERROR (memory; in some places OpenSSL lacks it and says no more than
 * that the signature does not match).
 */
ngx_int_t ngx_http_jamhook_crypto_ed25519_sign(ngx_http_jamhook_pkey_t *pkey,
    ngx_str_t *message, u_char *signature);
ngx_int_t ngx_http_jamhook_crypto_ed25519_verify(
    ngx_http_jamhook_pkey_t *pkey, ngx_str_t *message, u_char *signature);

/*
 * Digests over the n parts, one after another; digest holds
 * NGX_HTTP_JAMHOOK_SHA1_LEN or _SHA256_LEN bytes.  NGX_OK, NGX_ERROR.
 */
ngx_int_t ngx_http_jamhook_crypto_sha1(ngx_str_t *parts, ngx_uint_t n,
    u_char *digest);
ngx_int_t ngx_http_jamhook_crypto_sha256(ngx_str_t *parts, ngx_uint_t n,
    u_char *digest);

/* Frees what sha1() keeps for its next use, when a process ends. */
void ngx_http_jamhook_crypto_exit(void);

/* Fills len bytes from OpenSSL's generator.  NGX_OK, NGX_ERROR. */
ngx_int_t ngx_http_jamhook_crypto_random(u_char *p, size_t len);

/* 1 if the two values of len bytes are equal; takes the same time always. */
ngx_uint_t ngx_http_jamhook_crypto_equal(u_char *a, u_char *b, size_t len);


#endif /* _NGX_HTTP_JAMHOOK_CRYPTO_H_INCLUDED_ */
