
/*
 * Flight: a delivery of the store's that this worker has a lease of, from the
 * claim to what came of it, written back with what is next.  Event loop only.
 */


#ifndef _NGX_HTTP_JAMHOOK_FLIGHT_H_INCLUDED_
#define _NGX_HTTP_JAMHOOK_FLIGHT_H_INCLUDED_


#include "ngx_http_jamhook.h"
#include "ngx_http_jamhook_deliver.h"


/* A lease lasts this much longer than jamhook_timeout. */
#define NGX_HTTP_JAMHOOK_FLIGHT_LEASE  5000      /* ms */


/* Lies in the parcel's pool, zeroed. */
typedef struct {

    /* set by who claimed it; those of "d": attempt and replay */

    ngx_http_jamhook_delivery_t     d;
    int64_t                         event;
    ngx_uint_t                      step;
    ngx_uint_t                      interrupted;
    ngx_http_jamhook_trigger_e      trigger;

    /* flight's own */

    int64_t                         started_at;      /* Unix ms */
    ngx_event_t                     pace;            /* waits for its rate */
    ngx_http_jamhook_next_t         next;
    ngx_http_jamhook_op_outcome_t   op;
} ngx_http_jamhook_flight_t;


/*
 * Sends it, with the turn that was reserved for it.  The parcel is held until
 * the outcome is written.  lease_until: CLOCK_MONOTONIC, ms.
 */
void ngx_http_jamhook_flight_start(ngx_http_jamhook_flight_t *f,
    ngx_http_jamhook_parcel_t *parcel, ngx_http_jamhook_endpoint_t *ep,
    int64_t lease_until);

/* How long a lease of the endpoint's lasts, ms. */
ngx_msec_t ngx_http_jamhook_flight_lease(ngx_http_jamhook_endpoint_t *ep);

/*
 * Two parts of writing back, also for attempts of others: fills what is next
 * into op; and, when op was written, draws the consequences and tells the log.
 * id: the event's.
 */
void ngx_http_jamhook_flight_next(ngx_http_jamhook_op_outcome_t *op,
    ngx_http_jamhook_next_t *next, ngx_http_jamhook_endpoint_t *ep);
void ngx_http_jamhook_flight_effects(ngx_http_jamhook_op_outcome_t *op,
    ngx_http_jamhook_endpoint_t *ep, ngx_str_t *id);

/* The time that nginx has, Unix ms; 32 bits for jitter. */
int64_t ngx_http_jamhook_flight_now(void);
uint32_t ngx_http_jamhook_flight_random(void);


#endif /* _NGX_HTTP_JAMHOOK_FLIGHT_H_INCLUDED_ */
