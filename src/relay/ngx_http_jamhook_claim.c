
#include "ngx_http_jamhook_claim.h"
#include "ngx_http_jamhook_flight.h"
#include "ngx_http_jamhook_parcel.h"
#include "ngx_http_jamhook_schedule.h"
#include "ngx_http_jamhook_store.h"
#include "ngx_http_jamhook_text.h"
#include "ngx_http_jamhook_verify.h"


static void ngx_http_jamhook_claim_turn(void);
static ngx_uint_t ngx_http_jamhook_claim_wants(void);
static ngx_uint_t ngx_http_jamhook_claim_want(
    ngx_http_jamhook_endpoint_t *ep);
static ngx_uint_t ngx_http_jamhook_claim_due(ngx_http_jamhook_endpoint_t *ep,
    ngx_msec_t *wait);
static void ngx_http_jamhook_claim_claimed(ngx_http_jamhook_op_t *op);
static void ngx_http_jamhook_claim_take(ngx_http_jamhook_claim_t *claim);
static void ngx_http_jamhook_claim_alarm(ngx_msec_t wait);
static void ngx_http_jamhook_claim_alarm_handler(ngx_event_t *ev);


static struct {
    ngx_http_jamhook_endpoint_t   **endpoints;
    ngx_uint_t                      n;
    ngx_uint_t                      first;       /* to be asked this turn */
    int64_t                         longest;     /* ms */

    ngx_http_jamhook_op_claim_t     op;
    ngx_http_jamhook_want_t        *wants;       /* room for n */
    ngx_event_t                     alarm;       /* when something is due */

    unsigned                        claiming:1;
    unsigned                        wanted:1;    /* look for what is due */
} ngx_http_jamhook_claim;


/* what nginx's debug log takes the data of a timer for */

static ngx_connection_t  ngx_http_jamhook_claim_ident = { .fd = -1 };


ngx_int_t
ngx_http_jamhook_claim_init(ngx_cycle_t *cycle,
    ngx_http_jamhook_main_conf_t *jmcf)
{
    int64_t                        longest;
    ngx_uint_t                     i;
    ngx_event_t                   *ev;
    ngx_http_jamhook_endpoint_t  **ep;

    ep = jmcf->endpoints.elts;

    ngx_http_jamhook_claim.endpoints = ep;
    ngx_http_jamhook_claim.n = jmcf->endpoints.nelts;

    for (i = 0; i < ngx_http_jamhook_claim.n; i++) {
        ep[i]->flow.cell = jmcf->zone.cells[i];

        longest = ngx_http_jamhook_ladder_longest(&ep[i]->jlcf->policy);

        ngx_http_jamhook_claim.longest = ngx_max(longest,
                                              ngx_http_jamhook_claim.longest);
    }

    ngx_http_jamhook_claim.wants = ngx_pcalloc(cycle->pool,
                          ngx_max(i, 1) * sizeof(ngx_http_jamhook_want_t));
    if (ngx_http_jamhook_claim.wants == NULL) {
        return NGX_ERROR;
    }

    ngx_http_jamhook_claim.op.op.type = NGX_HTTP_JAMHOOK_OP_CLAIM;
    ngx_http_jamhook_claim.op.op.handler = ngx_http_jamhook_claim_claimed;
    ngx_http_jamhook_claim.op.log = cycle->log;

    ev = &ngx_http_jamhook_claim.alarm;

    ev->handler = ngx_http_jamhook_claim_alarm_handler;
    ev->data = &ngx_http_jamhook_claim_ident;
    ev->log = cycle->log;
    ev->cancelable = 1;

    ngx_http_jamhook_store_on_turn(ngx_http_jamhook_claim_turn);

    return NGX_OK;
}


/*
 * Up to n turns of an endpoint: of its max_active, and of its rate.  None: not
 * before *wait ms, or, where that is 0, when a turn is given back.
 */

ngx_uint_t
ngx_http_jamhook_claim_turns(ngx_http_jamhook_endpoint_t *ep, ngx_uint_t n,
    ngx_msec_t *wait)
{
    ngx_uint_t  turns, taken;

    *wait = 0;

    if (ngx_exiting || ngx_terminate) {

        /* others claim what comes in now */

        return 0;
    }

    *wait = ngx_http_jamhook_zone_held(ep->flow.cell);

    if (*wait) {
        return 0;
    }

    turns = ngx_http_jamhook_schedule_reserve(ep, n);

    if (turns == 0 || ep->jlcf->rate_interval == 0) {
        return turns;
    }

    taken = ngx_http_jamhook_zone_take(ep->flow.cell, ep->jlcf->rate_interval,
                                       turns, wait);

    ngx_http_jamhook_schedule_unreserve(ep, turns - taken);

    return taken;
}


void
ngx_http_jamhook_claim_unturn(ngx_http_jamhook_endpoint_t *ep, ngx_uint_t n)
{
    ngx_http_jamhook_schedule_unreserve(ep, n);

    if (ep->jlcf->rate_interval) {
        ngx_http_jamhook_zone_give_back(ep->flow.cell, ep->jlcf->rate_interval,
                                        n);
    }
}


void
ngx_http_jamhook_claim_look(void)
{
    ngx_http_jamhook_claim.wanted = 1;
    ngx_http_jamhook_store_want_turn();
}


void
ngx_http_jamhook_claim_wake(ngx_http_jamhook_endpoint_t *ep)
{
    ep->flow.more = 1;

    ngx_http_jamhook_claim_look();
}


/* something is due to the endpoint at this time, Unix ms */

void
ngx_http_jamhook_claim_expect(ngx_http_jamhook_endpoint_t *ep, int64_t at)
{
    int64_t       left;
    ngx_event_t  *ev;

    if (ep->flow.next_at == 0 || at < ep->flow.next_at) {
        ep->flow.next_at = at;
    }

    left = at - ngx_http_jamhook_flight_now();

    if (left <= 0) {
        ngx_http_jamhook_claim_look();
        return;
    }

    ev = &ngx_http_jamhook_claim.alarm;

    if (!ngx_exiting
        && left < NGX_HTTP_JAMHOOK_CLAIM_EVERY
        && (!ev->timer_set
            || (ngx_msec_int_t) (ev->timer.key - ngx_current_msec) > left))
    {
        ngx_http_jamhook_claim_alarm((ngx_msec_t) left);
    }
}


void
ngx_http_jamhook_claim_paused(ngx_http_jamhook_endpoint_t *ep,
    ngx_http_jamhook_pause_e reason)
{
    ep->flow.paused = reason;

    if (reason == NGX_HTTP_JAMHOOK_PAUSE_NONE) {
        ngx_http_jamhook_zone_release(ep->flow.cell);
        ngx_http_jamhook_claim_wake(ep);
    }
}


void
ngx_http_jamhook_claim_went(ngx_http_jamhook_endpoint_t *ep, ngx_uint_t down)
{
    ngx_uint_t  max, window;

    max = (ngx_uint_t) ep->jlcf->max_active;
    window = ep->flow.window;

    if (down) {
        window = (window ? window : max) / 2;
        ep->flow.window = ngx_max(window, 1);
        return;
    }

    ep->flow.window = (2 * window < max) ? 2 * window : 0;
}


int64_t
ngx_http_jamhook_claim_longest(void)
{
    return ngx_http_jamhook_claim.longest;
}


/* a transaction is put together: what is due and has a turn may join it */

static void
ngx_http_jamhook_claim_turn(void)
{
    if (!ngx_http_jamhook_claim.wanted
        || ngx_http_jamhook_claim.claiming
        || !ngx_http_jamhook_store_is_well()
        || ngx_exiting
        || ngx_terminate)
    {
        return;
    }

    ngx_http_jamhook_claim.wanted = 0;

    if (ngx_http_jamhook_claim_wants() == 0) {
        return;
    }

    ngx_http_jamhook_claim.claiming = 1;
    ngx_http_jamhook_claim.op.wants = ngx_http_jamhook_claim.wants;
    ngx_http_jamhook_claim.op.claims = NULL;
    ngx_http_jamhook_claim.op.longest =
                                           ngx_http_jamhook_claim.longest;

    ngx_http_jamhook_store_submit(&ngx_http_jamhook_claim.op.op);
}


/* each endpoint comes first in its turn */

static ngx_uint_t
ngx_http_jamhook_claim_wants(void)
{
    ngx_uint_t                    i, n, turns;
    ngx_msec_t                    wait, soonest;
    ngx_http_jamhook_want_t      *want;
    ngx_http_jamhook_endpoint_t  *ep;

    n = 0;
    soonest = NGX_HTTP_JAMHOOK_CLAIM_EVERY;

    for (i = 0; i < ngx_http_jamhook_claim.n; i++) {
        ep = ngx_http_jamhook_claim.endpoints[
                                  (ngx_http_jamhook_claim.first + i)
                                  % ngx_http_jamhook_claim.n];

        if (ngx_http_jamhook_claim_due(ep, &wait)) {

            turns = ngx_http_jamhook_claim_want(ep);

            if (turns) {
                turns = ngx_http_jamhook_claim_turns(ep, turns, &wait);
            }

            if (turns) {
                want = &ngx_http_jamhook_claim.wants[n++];

                ngx_memzero(want, sizeof(ngx_http_jamhook_want_t));

                want->endpoint = ep->index;
                want->n = turns;
                want->lease = ngx_http_jamhook_flight_lease(ep);
                continue;
            }
        }

        if (wait) {
            soonest = ngx_min(soonest, wait);
        }
    }

    ngx_http_jamhook_claim.first++;
    ngx_http_jamhook_claim.op.nwants = n;

    ngx_http_jamhook_claim_alarm(soonest);

    return n;
}


/* how many to ask for, if there are turns */

static ngx_uint_t
ngx_http_jamhook_claim_want(ngx_http_jamhook_endpoint_t *ep)
{
    ngx_uint_t  busy;

    if (ep->flow.paused != NGX_HTTP_JAMHOOK_PAUSE_NONE) {
        return 1;
    }

    if (ep->flow.window == 0) {
        return (ngx_uint_t) ep->jlcf->max_active;
    }

    busy = ep->line.active + ep->line.reserved;

    return busy < ep->flow.window ? ep->flow.window - busy : 0;
}


/* 1 if something is due; else *wait says in how many ms, or 0 */

static ngx_uint_t
ngx_http_jamhook_claim_due(ngx_http_jamhook_endpoint_t *ep,
    ngx_msec_t *wait)
{
    int64_t                   left;
    ngx_http_jamhook_flow_t  *flow;

    flow = &ep->flow;
    *wait = 0;

    if (flow->paused == NGX_HTTP_JAMHOOK_PAUSE_MANUAL
        || flow->paused == NGX_HTTP_JAMHOOK_PAUSE_GONE)
    {
        return 0;
    }

    if (flow->more) {
        return 1;
    }

    if (flow->next_at == 0) {
        return 0;
    }

    left = flow->next_at - ngx_http_jamhook_flight_now();

    if (left <= 0 || left > ngx_http_jamhook_claim.longest) {
        return 1;
    }

    *wait = (ngx_msec_t) left;

    return 0;
}


static void
ngx_http_jamhook_claim_claimed(ngx_http_jamhook_op_t *op)
{
    ngx_uint_t                    i;
    ngx_http_jamhook_want_t      *want;
    ngx_http_jamhook_claim_t     *claim, *next;
    ngx_http_jamhook_endpoint_t  *ep;

    ngx_http_jamhook_claim.claiming = 0;

    for (i = 0; i < ngx_http_jamhook_claim.op.nwants; i++) {
        want = &ngx_http_jamhook_claim.wants[i];
        ep = ngx_http_jamhook_claim.endpoints[want->endpoint];

        if (op->rc != NGX_OK) {
            ngx_http_jamhook_claim_unturn(ep, want->n);
            continue;
        }

        ngx_http_jamhook_claim_unturn(ep, want->n - want->claimed);

        ep->flow.more = want->more;
        ep->flow.next_at = want->next_at;
    }

    if (op->rc != NGX_OK) {

        /* again when the store works again */

        ngx_http_jamhook_claim.wanted = 1;
        return;
    }

    for (claim = ngx_http_jamhook_claim.op.claims; claim; claim = next) {
        next = claim->next;
        ngx_http_jamhook_claim_take(claim);
    }

    ngx_http_jamhook_claim_look();
}


static void
ngx_http_jamhook_claim_take(ngx_http_jamhook_claim_t *claim)
{
    ngx_http_jamhook_flight_t    *f;
    ngx_http_jamhook_parcel_t    *parcel;
    ngx_http_jamhook_endpoint_t  *ep;

    ep = ngx_http_jamhook_claim.endpoints[claim->endpoint];

    parcel = ngx_http_jamhook_parcel_adopt(claim->pool);
    if (parcel == NULL) {
        goto failed;
    }

    if (ngx_http_jamhook_text_token(&claim->id, NGX_HTTP_JAMHOOK_ID_MAX)
        != NGX_OK)
    {
        /* none that we stored: somebody else wrote there */

        goto failed;
    }

    f = ngx_pcalloc(claim->pool, sizeof(ngx_http_jamhook_flight_t));
    if (f == NULL) {
        goto failed;
    }

    parcel->id = claim->id;
    parcel->body = claim->body;
    parcel->event.event_id = claim->event_id;
    parcel->event.type = claim->type;
    parcel->event.created_at = claim->created_at;
    parcel->event.conversation_id = claim->conversation_id;
    parcel->event.jam_id = claim->jam_id;
    parcel->event.recording_url = claim->recording_url;
    parcel->key = claim->key;

    f->event = claim->event;
    f->step = claim->step;
    f->interrupted = claim->interrupted;
    f->trigger = claim->trigger;
    f->d.attempt = claim->number;
    f->d.replay = claim->replay;

    ngx_http_jamhook_flight_start(f, parcel, ep, claim->lease_until);

    ngx_http_jamhook_parcel_release(parcel);

    return;

failed:

    /* it goes on when its lease is over */

    ngx_http_jamhook_claim_unturn(ep, 1);
    ngx_destroy_pool(claim->pool);
}


static void
ngx_http_jamhook_claim_alarm(ngx_msec_t wait)
{
    ngx_event_t  *ev;

    ev = &ngx_http_jamhook_claim.alarm;

    if (ev->timer_set) {
        ngx_del_timer(ev);
    }

    ngx_add_timer(ev, wait);
}


static void
ngx_http_jamhook_claim_alarm_handler(ngx_event_t *ev)
{
    if (ngx_exiting) {
        return;
    }

    ngx_http_jamhook_claim_look();
}
