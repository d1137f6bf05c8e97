
/*
 * Sign: the signature of a delivery, its idempotency key, new message ids.
 *
 * Pure but for OpenSSL's random generator.  Sources: Standard Webhooks 1.0.0;
 * RFC 9562 section 5.5.
 */


#ifndef _NGX_HTTP_JAMHOOK_SIGN_H_INCLUDED_
#define _NGX_HTTP_JAMHOOK_SIGN_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_http_jamhook_secret.h"


#define NGX_HTTP_JAMHOOK_UUID_LEN    36
#define NGX_HTTP_JAMHOOK_SIGN_PARTS  5


/*
 * What a signature covers, id "." timestamp "." body: as the parts that HMAC
 * takes, and joined, from pool, for Ed25519.  join: NGX_OK, NGX_ERROR (memory).
 */
void ngx_http_jamhook_sign_parts(ngx_str_t *parts, ngx_str_t *id,
    ngx_str_t *timestamp, ngx_str_t *body);
ngx_int_t ngx_http_jamhook_sign_join(ngx_str_t *parts, ngx_pool_t *pool,
    ngx_str_t *message);

/*
 * Signs id "." timestamp "." body with each key in turn; value becomes the
 * tokens ("v1,<base64>", "v1a,<base64>") separated by spaces, from pool.
 * NGX_OK, NGX_ERROR (memory, OpenSSL, a key that cannot sign).
 */
ngx_int_t ngx_http_jamhook_sign(ngx_str_t *id, ngx_str_t *timestamp,
    ngx_str_t *body, ngx_array_t *keys, ngx_pool_t *pool, ngx_str_t *value);

/*
 * The UUID version 5 in the URL namespace of "jamhook:<id>/<endpoint>", with
 * "#<replay>" added where replay is not 0.  dst: NGX_HTTP_JAMHOOK_UUID_LEN
 * bytes, lower case.  NGX_OK, NGX_ERROR (OpenSSL).
 */
ngx_int_t ngx_http_jamhook_sign_idempotency_key(ngx_str_t *id,
    ngx_str_t *endpoint, ngx_uint_t replay, u_char *dst);

/*
 * A new message id: "msg_" and 27 random characters of [A-Za-z0-9], from
 * pool.  NGX_OK, NGX_ERROR (memory, OpenSSL).
 */
ngx_int_t ngx_http_jamhook_sign_new_id(ngx_pool_t *pool, ngx_str_t *id);


#endif /* _NGX_HTTP_JAMHOOK_SIGN_H_INCLUDED_ */
