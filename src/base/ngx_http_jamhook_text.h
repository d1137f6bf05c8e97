
/*
 * Text: character classes, UTF-8, strict base64, hex, decimal numbers.
 *
 * Pure functions over (pointer, length); nothing is NUL-terminated, nothing
 * is allocated unless a pool is an argument.  Any thread.
 */


#ifndef _NGX_HTTP_JAMHOOK_TEXT_H_INCLUDED_
#define _NGX_HTTP_JAMHOOK_TEXT_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


/*
 * NGX_OK if s is 1..max bytes of [A-Za-z0-9_-], NGX_DECLINED if not.
 * The alphabet of message ids, conversation ids and endpoint names.
 */
ngx_int_t ngx_http_jamhook_text_token(ngx_str_t *s, size_t max);

/*
 * NGX_OK if s is 1..max bytes of [A-Za-z0-9_.:/-], NGX_DECLINED if not.
 * The alphabet of event types.
 */
ngx_int_t ngx_http_jamhook_text_type(ngx_str_t *s, size_t max);

/*
 * The length of the UTF-8 character at p, 1 to 4 bytes of the len there are; 0:
 * there is no well-formed one, or len is 0.  NUL is one.
 */
size_t ngx_http_jamhook_text_utf8(u_char *p, size_t len);

/*
 * Where it is 0: how many bytes, of len that is not 0, one U+FFFD stands for:
 * the longest beginning of a well-formed character, or one byte (the Unicode
 * standard, "U+FFFD Substitution of Maximal Subparts").
 */
size_t ngx_http_jamhook_text_not_utf8(u_char *p, size_t len);

/* 1 if s holds a byte below 0x20 or 0x7f, 0 if not. */
ngx_uint_t ngx_http_jamhook_text_has_control(ngx_str_t *s);

/*
 * NGX_OK if s is an absolute http or https URL as far as DOMAIN.md asks:
 * the scheme (any letter case), "://", a host of one byte or more, no spaces
 * and no control characters anywhere.  NGX_DECLINED if not.
 */
ngx_int_t ngx_http_jamhook_text_http_url(ngx_str_t *s);

/*
 * Reads a decimal number: 1 to 15 digits only, no sign, no leading zero, not
 * zero.  NGX_OK and *value, or NGX_DECLINED.
 */
ngx_int_t ngx_http_jamhook_text_number(ngx_str_t *s, int64_t *value);

/*
 * Strict base64 of RFC 4648 section 4: its alphabet alone, padding as it must
 * be (or, if "unpadded" is set, left out altogether), no stray bits in the
 * last quantum, no white space.  dst holds at least
 * ngx_base64_decoded_length(src->len) bytes.  NGX_OK and *len, the number of
 * bytes written, or NGX_DECLINED.
 */
ngx_int_t ngx_http_jamhook_text_base64_decode(u_char *dst, size_t *len,
    ngx_str_t *src, ngx_uint_t unpadded);

/*
 * Writes src as padded base64, ngx_base64_encoded_length(src->len) bytes.
 * Returns the end of what was written.
 */
u_char *ngx_http_jamhook_text_base64_encode(u_char *dst, ngx_str_t *src);

/* Writes len bytes as 2 * len lower-case hex digits; returns their end. */
u_char *ngx_http_jamhook_text_hex(u_char *dst, u_char *src, size_t len);

/* Writes n in decimal, at most 20 bytes; returns their end. */
u_char *ngx_http_jamhook_text_decimal(u_char *dst, uint64_t n);


#endif /* _NGX_HTTP_JAMHOOK_TEXT_H_INCLUDED_ */
