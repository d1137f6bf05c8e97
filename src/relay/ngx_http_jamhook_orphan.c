
#include "ngx_http_jamhook_orphan.h"
#include "ngx_http_jamhook_claim.h"
#include "ngx_http_jamhook_flight.h"
#include "ngx_http_jamhook_store.h"
#include "ngx_http_jamhook_tally.h"


static void ngx_http_jamhook_orphan_well(ngx_uint_t again);
static void ngx_http_jamhook_orphan_wake(void);
static void ngx_http_jamhook_orphan_poll_handler(ngx_event_t *ev);
static void ngx_http_jamhook_orphan_polled(ngx_http_jamhook_op_t *op);
static void ngx_http_jamhook_orphan_adopt(ngx_http_jamhook_orphan_t *orphan);
static void ngx_http_jamhook_orphan_adopted(ngx_http_jamhook_op_t *op);


static struct {
    ngx_http_jamhook_endpoint_t   **endpoints;
    ngx_uint_t                      n;

    ngx_http_jamhook_op_poll_t      poll;
    ngx_event_t                     timer;
    ngx_msec_t                      well;        /* when the store was */

    ngx_msec_t                      woken;       /* when it was, last */

    ngx_uint_t                      adopting;    /* ops under way */

    unsigned                        settle:1;    /* after trouble */
    unsigned                        polling:1;
    unsigned                        again:1;     /* woken meanwhile */
} ngx_http_jamhook_orphan;


/* what nginx's debug log takes the data of a timer for */

static ngx_connection_t  ngx_http_jamhook_orphan_ident = { .fd = -1 };


void
ngx_http_jamhook_orphan_init(ngx_cycle_t *cycle,
    ngx_http_jamhook_main_conf_t *jmcf)
{
    ngx_event_t  *ev;

    ngx_http_jamhook_orphan.endpoints = jmcf->endpoints.elts;
    ngx_http_jamhook_orphan.n = jmcf->endpoints.nelts;

    ngx_http_jamhook_orphan.poll.op.type = NGX_HTTP_JAMHOOK_OP_POLL;
    ngx_http_jamhook_orphan.poll.op.handler = ngx_http_jamhook_orphan_polled;
    ngx_http_jamhook_orphan.poll.op.first = 1;

    ev = &ngx_http_jamhook_orphan.timer;

    ev->handler = ngx_http_jamhook_orphan_poll_handler;
    ev->data = &ngx_http_jamhook_orphan_ident;
    ev->log = cycle->log;
    ev->cancelable = 1;

    ngx_http_jamhook_store_on_well(ngx_http_jamhook_orphan_well);
    ngx_http_jamhook_store_on_wake(ngx_http_jamhook_orphan_wake);
    ngx_http_jamhook_store_on_change(ngx_http_jamhook_zone_trouble);

    ngx_add_timer(ev, NGX_HTTP_JAMHOOK_ORPHAN_EVERY);
}


static void
ngx_http_jamhook_orphan_well(ngx_uint_t again)
{
    ngx_uint_t  i;

    ngx_http_jamhook_orphan.settle = again;
    ngx_http_jamhook_orphan.well = ngx_current_msec;

    /* nobody has looked yet at what is there */

    for (i = 0; i < ngx_http_jamhook_orphan.n; i++) {
        ngx_http_jamhook_claim_wake(ngx_http_jamhook_orphan.endpoints[i]);
    }

    ngx_http_jamhook_orphan_poll_handler(&ngx_http_jamhook_orphan.timer);
}


/* another node has released something: how do the endpoints stand now? */

static void
ngx_http_jamhook_orphan_wake(void)
{
    ngx_msec_t    passed;
    ngx_event_t  *ev;

    if (ngx_http_jamhook_orphan.polling) {
        ngx_http_jamhook_orphan.again = 1;
        return;
    }

    ev = &ngx_http_jamhook_orphan.timer;
    passed = ngx_current_msec - ngx_http_jamhook_orphan.woken;

    if (passed >= NGX_HTTP_JAMHOOK_ORPHAN_WAKE) {
        ngx_http_jamhook_orphan.woken = ngx_current_msec;
        ngx_http_jamhook_orphan_poll_handler(ev);
        return;
    }

    if (ev->timer_set) {
        ngx_del_timer(ev);
    }

    ngx_add_timer(ev, NGX_HTTP_JAMHOOK_ORPHAN_WAKE - passed);
}


/* looks for what other workers left */

static void
ngx_http_jamhook_orphan_poll_handler(ngx_event_t *ev)
{
    ngx_pool_t  *pool;

    if (ngx_exiting || ngx_terminate) {
        return;
    }

    if (!ev->timer_set) {

        /* workers do not stay in step */

        ngx_add_timer(ev, NGX_HTTP_JAMHOOK_ORPHAN_EVERY
                          - ngx_http_jamhook_flight_random()
                            % (NGX_HTTP_JAMHOOK_ORPHAN_EVERY / 4));
    }

    if (ngx_http_jamhook_orphan.polling
        || !ngx_http_jamhook_store_is_well())
    {
        return;
    }

    pool = ngx_create_pool(NGX_DEFAULT_POOL_SIZE, ngx_cycle->log);
    if (pool == NULL) {
        return;
    }

    ngx_http_jamhook_orphan.polling = 1;
    ngx_http_jamhook_orphan.poll.pool = pool;
    ngx_http_jamhook_orphan.poll.longest = ngx_http_jamhook_claim_longest();
    ngx_http_jamhook_orphan.poll.endpoints = NULL;
    ngx_http_jamhook_orphan.poll.orphans = NULL;

    ngx_http_jamhook_store_submit(&ngx_http_jamhook_orphan.poll.op);
}


static void
ngx_http_jamhook_orphan_polled(ngx_http_jamhook_op_t *op)
{
    ngx_uint_t                           i;
    ngx_http_jamhook_orphan_t           *orphan;
    ngx_http_jamhook_endpoint_t         *ep;
    ngx_http_jamhook_endpoint_status_t  *status;

    ngx_http_jamhook_orphan.polling = 0;

    if (op->rc == NGX_OK && !ngx_exiting) {

        for (i = 0; i < ngx_http_jamhook_orphan.n; i++) {
            ep = ngx_http_jamhook_orphan.endpoints[i];
            status = &ngx_http_jamhook_orphan.poll.endpoints[i];

            ep->flow.paused = status->paused;

            if (status->next_at) {
                ngx_http_jamhook_claim_expect(ep, status->next_at);
            }
        }

        orphan = ngx_http_jamhook_orphan.poll.orphans;

        if (ngx_http_jamhook_orphan.settle) {

            /*
             * Others could not write either.  What came of attempts whose
             * leases ran out meanwhile, they write when they have noticed.
             */

            if (ngx_current_msec - ngx_http_jamhook_orphan.well
                < ngx_http_jamhook_store_settle())
            {
                orphan = NULL;

            } else {
                ngx_http_jamhook_orphan.settle = 0;
            }
        }

        if (ngx_http_jamhook_orphan.adopting) {

            /* the store is slow: these are the same again */

            orphan = NULL;
        }

        for ( /* void */ ; orphan; orphan = orphan->next) {
            ngx_http_jamhook_orphan_adopt(orphan);
        }
    }

    ngx_destroy_pool(ngx_http_jamhook_orphan.poll.pool);

    if (ngx_http_jamhook_orphan.again) {
        ngx_http_jamhook_orphan.again = 0;
        ngx_http_jamhook_orphan_wake();
    }
}


/* an attempt whose worker is gone, or did not write in time what came of it */

static void
ngx_http_jamhook_orphan_adopt(ngx_http_jamhook_orphan_t *orphan)
{
    u_char                         *p;
    ngx_http_jamhook_next_t         next;
    ngx_http_jamhook_rung_t         rung;
    ngx_http_jamhook_endpoint_t    *ep;
    ngx_http_jamhook_op_outcome_t  *op;

    ep = ngx_http_jamhook_orphan.endpoints[orphan->endpoint];

    op = ngx_calloc(sizeof(ngx_http_jamhook_op_outcome_t) + sizeof(ngx_str_t)
                    + orphan->owner.len + orphan->id.len, ngx_cycle->log);
    if (op == NULL) {
        return;
    }

    op->op.type = NGX_HTTP_JAMHOOK_OP_OUTCOME;
    op->op.handler = ngx_http_jamhook_orphan_adopted;
    op->op.data = op + 1;

    p = (u_char *) (op + 1) + sizeof(ngx_str_t);

    ((ngx_str_t *) (op + 1))->len = orphan->id.len;
    ((ngx_str_t *) (op + 1))->data = p;
    p = ngx_cpymem(p, orphan->id.data, orphan->id.len);

    op->owner.len = orphan->owner.len;
    op->owner.data = p;
    ngx_memcpy(p, orphan->owner.data, orphan->owner.len);

    op->endpoint = orphan->endpoint;
    op->event = orphan->event;
    op->number = orphan->number;
    op->trigger = orphan->trigger;
    op->result = NGX_HTTP_JAMHOOK_RESULT_INTERRUPTED;
    op->started_at = orphan->started_at;

    ngx_memzero(&rung, sizeof(ngx_http_jamhook_rung_t));

    rung.step = orphan->step;
    rung.interrupted = orphan->interrupted;
    rung.was = NGX_HTTP_JAMHOOK_WAS_INTERRUPTED;
    rung.retry_after = NGX_DECLINED;
    rung.random = ngx_http_jamhook_flight_random();

    ngx_http_jamhook_ladder_next(&ep->jlcf->policy, &rung, &next);
    ngx_http_jamhook_flight_next(op, &next, ep);

    ngx_http_jamhook_orphan.adopting++;

    ngx_http_jamhook_store_submit(&op->op);
}


static void
ngx_http_jamhook_orphan_adopted(ngx_http_jamhook_op_t *op)
{
    ngx_str_t                      *id = op->data;
    ngx_http_jamhook_endpoint_t    *ep;
    ngx_http_jamhook_op_outcome_t  *outcome;

    ngx_http_jamhook_orphan.adopting--;

    outcome = (ngx_http_jamhook_op_outcome_t *) op;
    ep = ngx_http_jamhook_orphan.endpoints[outcome->endpoint];

    if (op->rc == NGX_OK) {

        if (!outcome->late) {
            ngx_http_jamhook_tally_interrupted(ep);

            ngx_log_error(NGX_LOG_WARN, ngx_cycle->log, 0,
                          "jamhook attempt %ui was interrupted, its lease is "
                          "over, endpoint: \"%V\", event: \"%V\"",
                          outcome->number, &ep->name, id);
        }

        ngx_http_jamhook_flight_effects(outcome, ep, id);
    }

    ngx_free(op);
}
