
/*
 * Clock: the system's clocks, read anew; nginx's own are those of a turn of the
 * event loop.  Any thread.
 */


#ifndef _NGX_HTTP_JAMHOOK_CLOCK_H_INCLUDED_
#define _NGX_HTTP_JAMHOOK_CLOCK_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


/* CLOCK_REALTIME, Unix ms. */
int64_t ngx_http_jamhook_clock_now(void);

/* CLOCK_MONOTONIC, ms: no one can set it. */
int64_t ngx_http_jamhook_clock_mono(void);
int64_t ngx_http_jamhook_clock_mono_us(void);


#endif /* _NGX_HTTP_JAMHOOK_CLOCK_H_INCLUDED_ */
