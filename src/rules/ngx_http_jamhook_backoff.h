
/*
 * Backoff: when a target that asked for patience may be tried again.  Pure.
 *
 * Sources: RFC 9110 section 10.2.3 (Retry-After: seconds or a date);
 * Intercom's X-RateLimit-Reset (Unix time).
 */


#ifndef _NGX_HTTP_JAMHOOK_BACKOFF_H_INCLUDED_
#define _NGX_HTTP_JAMHOOK_BACKOFF_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


#define NGX_HTTP_JAMHOOK_BACKOFF_MAX  36000    /* seconds: 10 h */


/*
 * Reads a Retry-After value: digits, or an HTTP date.  now: Unix seconds.
 * Returns the seconds to wait, 0..NGX_HTTP_JAMHOOK_BACKOFF_MAX (more is cut,
 * a date that has passed is 0), or NGX_DECLINED if it is neither.
 */
ngx_int_t ngx_http_jamhook_backoff_retry_after(ngx_str_t *value, time_t now);

/* The same for X-RateLimit-Reset, a Unix time in seconds. */
ngx_int_t ngx_http_jamhook_backoff_reset(ngx_str_t *value, time_t now);


#endif /* _NGX_HTTP_JAMHOOK_BACKOFF_H_INCLUDED_ */
