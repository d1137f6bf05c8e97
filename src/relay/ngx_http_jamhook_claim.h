
/*
 * Claim: takes deliveries that are due out of the store, as many as there are
 * turns for them, and knows when the next one is.  Event loop only.
 */


#ifndef _NGX_HTTP_JAMHOOK_CLAIM_H_INCLUDED_
#define _NGX_HTTP_JAMHOOK_CLAIM_H_INCLUDED_


#include "ngx_http_jamhook.h"


/* Deliveries to look for are looked for at least so often. */
#define NGX_HTTP_JAMHOOK_CLAIM_EVERY  1000       /* ms */


/* Readies a worker.  NGX_OK, NGX_ERROR (memory). */
ngx_int_t ngx_http_jamhook_claim_init(ngx_cycle_t *cycle,
    ngx_http_jamhook_main_conf_t *jmcf);

/*
 * Takes up to n turns of an endpoint, of its jamhook_max_active and its rate,
 * unless it is held; returns how many.  With none *wait says after how many ms
 * to ask again, 0: when a turn is given back.  unturn gives turns back.
 */
ngx_uint_t ngx_http_jamhook_claim_turns(ngx_http_jamhook_endpoint_t *ep,
    ngx_uint_t n, ngx_msec_t *wait);
void ngx_http_jamhook_claim_unturn(ngx_http_jamhook_endpoint_t *ep,
    ngx_uint_t n);

/*
 * Looks for what is due, with the next transaction: a turn came free; something
 * is due to this endpoint now; something will be at this time, Unix ms.
 */
void ngx_http_jamhook_claim_look(void);
void ngx_http_jamhook_claim_wake(ngx_http_jamhook_endpoint_t *ep);
void ngx_http_jamhook_claim_expect(ngx_http_jamhook_endpoint_t *ep,
    int64_t at);

/*
 * Notes how an attempt went, so that the backlog of an endpoint that is down is
 * tried by fewer at a time.
 */
void ngx_http_jamhook_claim_went(ngx_http_jamhook_endpoint_t *ep,
    ngx_uint_t down);

/* Notes that an endpoint was paused or resumed by hand. */
void ngx_http_jamhook_claim_paused(ngx_http_jamhook_endpoint_t *ep,
    ngx_http_jamhook_pause_e reason);

/* The longest that any delivery can have to wait for its next try, ms. */
int64_t ngx_http_jamhook_claim_longest(void);


#endif /* _NGX_HTTP_JAMHOOK_CLAIM_H_INCLUDED_ */
