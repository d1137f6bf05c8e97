
/*
 * Redact: takes what is known to be secret out of a text from outside, such as
 * a target's answer that repeats the URL which it was asked for.
 *
 * Pure functions over (pointer, length); nothing is allocated.  Any thread.
 */


#ifndef _NGX_HTTP_JAMHOOK_REDACT_H_INCLUDED_
#define _NGX_HTTP_JAMHOOK_REDACT_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


/* Bytes of a secret; what is shorter stands in other texts, too. */
#define NGX_HTTP_JAMHOOK_REDACT_MIN  12


/*
 * Puts "..." in the place of each of the n secrets in text, in place, which
 * becomes shorter by it.  Of two that begin at the same place the first one in
 * the list counts: the longest goes first.  A secret is found as it is,
 * percent-encoded, with JSON's escapes, and each of its bytes in its own way.
 * A JSON text remains one, for no escape is cut in two.
 *
 * cut: more followed that is not here, so what text ends with is taken out if
 * it is the beginning of a secret, NGX_HTTP_JAMHOOK_REDACT_MIN bytes of it or
 * more.
 */
void ngx_http_jamhook_redact(ngx_str_t *text, ngx_str_t *secrets,
    ngx_uint_t n, ngx_uint_t cut);


#endif /* _NGX_HTTP_JAMHOOK_REDACT_H_INCLUDED_ */
