
/*
 * Secrets: key files, read while the configuration is read.
 *
 * A key's bytes live only inside crypto's objects; the text they were read
 * from is wiped.  The keys of a file belong to cf->pool, whose cleanup frees
 * and wipes them when the configuration goes.
 */


#ifndef _NGX_HTTP_JAMHOOK_SECRET_H_INCLUDED_
#define _NGX_HTTP_JAMHOOK_SECRET_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_http_jamhook_crypto.h"


#define NGX_HTTP_JAMHOOK_SECRET_FILE_MAX     65536   /* bytes */
#define NGX_HTTP_JAMHOOK_SECRET_KEYS_MAX     32      /* in one file */
#define NGX_HTTP_JAMHOOK_FINGERPRINT_LEN     8       /* hex digits */


typedef enum {
    NGX_HTTP_JAMHOOK_KEY_WHSEC = 0,      /* HMAC-SHA256: verifies and signs */
    NGX_HTTP_JAMHOOK_KEY_WHSK,           /* Ed25519, private: both */
    NGX_HTTP_JAMHOOK_KEY_WHPK            /* Ed25519, public: verifies */
} ngx_http_jamhook_key_kind_e;

typedef enum {
    NGX_HTTP_JAMHOOK_SECRET_VERIFY = 0,
    NGX_HTTP_JAMHOOK_SECRET_SIGN
} ngx_http_jamhook_secret_use_e;

typedef struct {
    ngx_http_jamhook_key_kind_e   kind;
    ngx_http_jamhook_hmac_t      *hmac;          /* whsec_ */
    ngx_http_jamhook_pkey_t      *pkey;          /* whsk_, whpk_ */

    /*
     * The first hex digits of SHA-256 over "jamhook:" and the secret (whsec_)
     * or the public key (whsk_ and whpk_, so that a pair shows the same).
     */
    u_char                        fingerprint[NGX_HTTP_JAMHOOK_FINGERPRINT_LEN];
    unsigned                      is_short:1;    /* under 24 bytes */
} ngx_http_jamhook_key_t;

typedef struct {
    ngx_str_t                     file;          /* as the directive names it */
    ngx_array_t                   keys;          /* ngx_http_jamhook_key_t */
} ngx_http_jamhook_keys_t;


/*
 * Parses the text of a key file: one key a line, blank lines, lines that begin
 * with '#' and white space around a key left out (CR LF is fine).
 * keys: an array of ngx_http_jamhook_key_t that the caller initialized; what
 * is in it after a failure is still the caller's to free (secret_free).
 * NGX_OK; NGX_DECLINED with *line (from 1; 0: the file as a whole) and *why, a
 * static text without anything of the key; NGX_ERROR (memory, OpenSSL).
 * Declined: no key at all, an unknown prefix, nothing after the prefix, bad
 * base64, a wrong length (whsk_ 64 bytes, whpk_ 32), a whsk_ whose second half
 * is not its public key, the same key twice, over _KEYS_MAX keys, whsk_ for
 * use VERIFY is taken; whpk_ for use SIGN: declined.
 */
ngx_int_t ngx_http_jamhook_secret_parse(ngx_str_t *text,
    ngx_http_jamhook_secret_use_e use, ngx_array_t *keys, ngx_uint_t *line,
    char **why);

/* Frees and wipes what parse put into keys; the array's memory stays. */
void ngx_http_jamhook_secret_free(ngx_array_t *keys);

/* "whsec", "whsk" or "whpk". */
char *ngx_http_jamhook_secret_kind(ngx_http_jamhook_key_t *key);


#endif /* _NGX_HTTP_JAMHOOK_SECRET_H_INCLUDED_ */
