
/*
 * Metrics: the content handler of jamhook_metrics, Prometheus' text format
 * 0.0.4.  Counts come from shared memory, and what the store knows from a read
 * of it; a store in trouble takes away its own gauges alone.
 */


#ifndef _NGX_HTTP_JAMHOOK_METRICS_H_INCLUDED_
#define _NGX_HTTP_JAMHOOK_METRICS_H_INCLUDED_


#include "ngx_http_jamhook.h"


ngx_int_t ngx_http_jamhook_metrics_handler(ngx_http_request_t *r);


#endif /* _NGX_HTTP_JAMHOOK_METRICS_H_INCLUDED_ */
