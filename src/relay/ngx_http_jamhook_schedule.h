
/*
 * Schedule: whose turn it is.  Each endpoint has a line in each worker; the
 * lines take turns, each within jamhook_max_active and all together within a
 * quarter of worker_connections.  Event loop only.
 */


#ifndef _NGX_HTTP_JAMHOOK_SCHEDULE_H_INCLUDED_
#define _NGX_HTTP_JAMHOOK_SCHEDULE_H_INCLUDED_


#include "ngx_http_jamhook_deliver.h"


#define NGX_HTTP_JAMHOOK_WAITING_MAX    8192
#define NGX_HTTP_JAMHOOK_WAITING_BYTES  (64 * 1024 * 1024)


/* Readies a worker; exit gives back what deliveries took since. */
void ngx_http_jamhook_schedule_init(ngx_cycle_t *cycle);
void ngx_http_jamhook_schedule_exit(void);

/* Readies an endpoint's line, when the endpoint is made. */
void ngx_http_jamhook_schedule_init_line(ngx_http_jamhook_line_t *line);

/*
 * 1 if so much waits for its turn in this worker that no more should be added:
 * deliveries, or bytes of the events that they are of.
 */
ngx_uint_t ngx_http_jamhook_schedule_is_full(void);

/*
 * Reserves up to n turns of an endpoint, for deliveries that are to be claimed
 * from the store; returns how many.  An endpoint may use at most three times
 * what it leaves free for others, so that one that hangs does not take all.
 * unreserve gives turns back; a delivery with "reserved" set uses one up.
 */
ngx_uint_t ngx_http_jamhook_schedule_reserve(ngx_http_jamhook_endpoint_t *ep,
    ngx_uint_t n);
void ngx_http_jamhook_schedule_unreserve(ngx_http_jamhook_endpoint_t *ep,
    ngx_uint_t n);

/*
 * Puts a delivery at the end of its endpoint's line; it may start at once.
 * Takes a reference to the parcel.  d->handler is called exactly once, from
 * the event loop and never from within this call.
 */
void ngx_http_jamhook_schedule_add(ngx_http_jamhook_delivery_t *d);


#endif /* _NGX_HTTP_JAMHOOK_SCHEDULE_H_INCLUDED_ */
