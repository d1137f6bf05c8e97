
#include "ngx_http_jamhook_flight.h"
#include "ngx_http_jamhook_claim.h"
#include "ngx_http_jamhook_clock.h"
#include "ngx_http_jamhook_parcel.h"
#include "ngx_http_jamhook_record.h"
#include "ngx_http_jamhook_schedule.h"
#include "ngx_http_jamhook_store.h"
#include "ngx_http_jamhook_tally.h"


static void ngx_http_jamhook_flight_go(ngx_event_t *ev);
static void ngx_http_jamhook_flight_delivered(ngx_http_jamhook_delivery_t *d);
static void ngx_http_jamhook_flight_judge(ngx_http_jamhook_flight_t *f);
static void ngx_http_jamhook_flight_written(ngx_http_jamhook_op_t *op);


void
ngx_http_jamhook_flight_start(ngx_http_jamhook_flight_t *f,
    ngx_http_jamhook_parcel_t *parcel, ngx_http_jamhook_endpoint_t *ep,
    int64_t lease_until)
{
    int64_t     left;
    ngx_msec_t  wait;

    /* an attempt ends before its lease does, however long the commit took */

    left = lease_until - ngx_http_jamhook_clock_mono()
           - NGX_HTTP_JAMHOOK_FLIGHT_LEASE / 5;

    f->d.parcel = parcel;
    f->d.endpoint = ep;
    f->d.deadline = ngx_current_msec + (ngx_msec_t) ngx_max(left, 1);
    f->d.handler = ngx_http_jamhook_flight_delivered;
    f->d.data = f;
    f->d.reserved = 1;
    f->d.kept = 1;

    if (left <= 0) {

        /* the commit took all of it: it may be another's by now */

        ngx_log_error(NGX_LOG_WARN, ngx_cycle->log, 0,
                      "jamhook delivery failed: interrupted, the commit took "
                      "longer than its lease, endpoint: \"%V\", event: "
                      "\"%V\"", &ep->name, &parcel->id);

        ngx_http_jamhook_schedule_unreserve(ep, 1);

        f->started_at = ngx_http_jamhook_flight_now();
        f->d.outcome.result = NGX_HTTP_JAMHOOK_RESULT_INTERRUPTED;
        f->d.outcome.error = NGX_HTTP_JAMHOOK_ERR_INTERRUPTED;
        f->d.outcome.retry_after = NGX_DECLINED;

        ngx_http_jamhook_tally_interrupted(ep);
        ngx_http_jamhook_flight_delivered(&f->d);
        return;
    }

    f->pace.handler = ngx_http_jamhook_flight_go;
    f->pace.data = f;

    parcel->refs++;              /* until flight_go() */

    wait = ep->jlcf->rate_interval
               ? ngx_http_jamhook_zone_pace(ep->flow.cell,
                                            ep->jlcf->rate_interval)
               : 0;

    if (wait == 0 || left - (int64_t) wait < (int64_t) ep->jlcf->timeout) {

        /* no wait, or none that the lease allows */

        ngx_http_jamhook_flight_go(&f->pace);
        return;
    }

    f->pace.log = ngx_cycle->log;

    ngx_add_timer(&f->pace, wait);
}


static void
ngx_http_jamhook_flight_go(ngx_event_t *ev)
{
    ngx_http_jamhook_flight_t  *f = ev->data;

    f->started_at = ngx_http_jamhook_flight_now();

    ngx_http_jamhook_schedule_add(&f->d);

    ngx_http_jamhook_parcel_release(f->d.parcel);
}


static void
ngx_http_jamhook_flight_delivered(ngx_http_jamhook_delivery_t *d)
{
    ngx_http_jamhook_flight_t      *f = d->data;
    ngx_http_jamhook_op_outcome_t  *op;

    ngx_http_jamhook_flight_judge(f);

    op = &f->op;

    op->op.type = NGX_HTTP_JAMHOOK_OP_OUTCOME;
    op->op.handler = ngx_http_jamhook_flight_written;
    op->op.data = f;

    op->endpoint = d->endpoint->index;
    op->event = f->event;
    op->number = d->attempt;
    op->trigger = f->trigger;
    op->started_at = f->started_at;

    ngx_http_jamhook_record_attempt(op, d);
    ngx_http_jamhook_flight_next(op, &f->next, d->endpoint);

    if (f->next.hold) {
        ngx_http_jamhook_zone_hold(d->endpoint->flow.cell, f->next.hold);
    }

    d->parcel->refs++;           /* until dispatch_written() */

    ngx_http_jamhook_store_submit(&op->op);

    /* there is a turn free for the next one */

    ngx_http_jamhook_claim_look();
}


static void
ngx_http_jamhook_flight_judge(ngx_http_jamhook_flight_t *f)
{
    ngx_http_jamhook_rung_t      rung;
    ngx_http_jamhook_outcome_t  *o;

    o = &f->d.outcome;

    ngx_memzero(&rung, sizeof(ngx_http_jamhook_rung_t));

    rung.step = f->step;
    rung.interrupted = f->interrupted;
    rung.status = o->status;
    rung.retry_after = o->retry_after;
    rung.random = ngx_http_jamhook_flight_random();

    switch (o->error) {

    case NGX_HTTP_JAMHOOK_ERR_NONE:
        rung.was = NGX_HTTP_JAMHOOK_WAS_RESPONSE;
        break;

    case NGX_HTTP_JAMHOOK_ERR_TIMEOUT:
        rung.was = NGX_HTTP_JAMHOOK_WAS_TIMEOUT;
        break;

    case NGX_HTTP_JAMHOOK_ERR_INTERRUPTED:
        rung.was = NGX_HTTP_JAMHOOK_WAS_INTERRUPTED;
        break;

    default:
        rung.was = NGX_HTTP_JAMHOOK_WAS_ERROR;
    }

    ngx_http_jamhook_ladder_next(&f->d.endpoint->jlcf->policy, &rung,
                                 &f->next);

    /* an answer to the request, as 404 is, does not say that it is down */

    if (rung.was != NGX_HTTP_JAMHOOK_WAS_INTERRUPTED) {
        ngx_http_jamhook_claim_went(f->d.endpoint,
                               rung.was != NGX_HTTP_JAMHOOK_WAS_RESPONSE
                               || o->status == NGX_HTTP_TOO_MANY_REQUESTS
                               || o->status >= NGX_HTTP_INTERNAL_SERVER_ERROR);
    }
}


void
ngx_http_jamhook_flight_next(ngx_http_jamhook_op_outcome_t *op,
    ngx_http_jamhook_next_t *next, ngx_http_jamhook_endpoint_t *ep)
{
    static ngx_http_jamhook_state_e  states[] = {
        NGX_HTTP_JAMHOOK_STATE_SUCCEEDED,
        NGX_HTTP_JAMHOOK_STATE_FAILED,
        NGX_HTTP_JAMHOOK_STATE_PENDING
    };

    op->state = states[next->state];
    op->delay = next->delay;
    op->step = next->step;
    op->interrupted = next->interrupted;
    op->counts = next->counts;
    op->gone = next->gone;
    op->disable_after = ep->jlcf->disable_after;
}


static void
ngx_http_jamhook_flight_written(ngx_http_jamhook_op_t *op)
{
    ngx_http_jamhook_flight_t  *f = op->data;

    if (op->rc == NGX_OK) {
        ngx_http_jamhook_flight_effects(&f->op, f->d.endpoint,
                                          &f->d.parcel->id);
    }

    ngx_http_jamhook_parcel_release(f->d.parcel);
}


void
ngx_http_jamhook_flight_effects(ngx_http_jamhook_op_outcome_t *op,
    ngx_http_jamhook_endpoint_t *ep, ngx_str_t *id)
{
    ngx_log_t  *log;

    log = ngx_cycle->log;

    if (op->late) {

        if (op->owner.len == 0) {
            ngx_log_error(NGX_LOG_WARN, log, 0,
                          "jamhook attempt %ui ended after its lease, "
                          "endpoint: \"%V\", event: \"%V\"",
                          op->number, &ep->name, id);
        }

    } else if (op->state == NGX_HTTP_JAMHOOK_STATE_FAILED) {
        ngx_log_error(NGX_LOG_ERR, log, 0,
                      "jamhook delivery given up after attempt %ui, "
                      "endpoint: \"%V\", event: \"%V\"",
                      op->number, &ep->name, id);

    } else if (op->state == NGX_HTTP_JAMHOOK_STATE_PENDING) {
        ngx_http_jamhook_claim_expect(ep,
                         ngx_http_jamhook_flight_now() + op->delay);
    }

    if (op->paused == NGX_HTTP_JAMHOOK_PAUSE_GONE) {
        ep->flow.paused = op->paused;
        ngx_log_error(NGX_LOG_ERR, log, 0,
                      "jamhook endpoint \"%V\" is paused: it answered 410; "
                      "its deliveries wait until it is resumed", &ep->name);

    } else if (op->paused == NGX_HTTP_JAMHOOK_PAUSE_FAILING) {
        ep->flow.paused = op->paused;
        ngx_log_error(NGX_LOG_ERR, log, 0,
                      "jamhook endpoint \"%V\" is paused: every attempt "
                      "failed for %T s (jamhook_disable_after); one an hour "
                      "is still made, and the first that succeeds resumes it",
                      &ep->name, (time_t) (op->disable_after / 1000));
    }

    if (op->resumed) {
        ep->flow.paused = NGX_HTTP_JAMHOOK_PAUSE_NONE;
        ngx_log_error(NGX_LOG_NOTICE, log, 0,
                      "jamhook endpoint \"%V\" is resumed: an attempt "
                      "succeeded", &ep->name);
        ngx_http_jamhook_claim_wake(ep);
    }
}


ngx_msec_t
ngx_http_jamhook_flight_lease(ngx_http_jamhook_endpoint_t *ep)
{
    return ep->jlcf->timeout + NGX_HTTP_JAMHOOK_FLIGHT_LEASE;
}


int64_t
ngx_http_jamhook_flight_now(void)
{
    ngx_time_t  *tp;

    tp = ngx_timeofday();

    return (int64_t) tp->sec * 1000 + tp->msec;
}


uint32_t
ngx_http_jamhook_flight_random(void)
{
    return ((uint32_t) ngx_random() << 16) ^ (uint32_t) ngx_random();
}
