
#include "ngx_http_jamhook_tally.h"
#include "ngx_http_jamhook_store.h"


static void ngx_http_jamhook_tally_handler(ngx_event_t *ev);
static void ngx_http_jamhook_tally_work(void);
static void ngx_http_jamhook_tally_commit(ngx_uint_t committed, int64_t us);
static ngx_http_jamhook_count_outcome_e ngx_http_jamhook_tally_kind(
    ngx_http_jamhook_outcome_t *o);


static struct {
    ngx_http_jamhook_main_conf_t  *jmcf;
    ngx_event_t                    timer;
} ngx_http_jamhook_tally;


/* what nginx's debug log takes the data of a timer for */

static ngx_connection_t  ngx_http_jamhook_tally_ident = { .fd = -1 };


void
ngx_http_jamhook_tally_init(ngx_cycle_t *cycle,
    ngx_http_jamhook_main_conf_t *jmcf)
{
    ngx_event_t  *ev;

    ngx_http_jamhook_zone_use(&jmcf->zone);

    if (ngx_http_jamhook_zone_store() == NULL) {

        /* the module is loaded and idle */

        return;
    }

    ngx_http_jamhook_tally.jmcf = jmcf;

    if (jmcf->store) {
        ngx_http_jamhook_store_on_commit(ngx_http_jamhook_tally_commit);
    }

    ev = &ngx_http_jamhook_tally.timer;

    ev->handler = ngx_http_jamhook_tally_handler;
    ev->data = &ngx_http_jamhook_tally_ident;
    ev->log = cycle->log;
    ev->cancelable = 1;

    ngx_http_jamhook_tally_work();

    ngx_add_timer(ev, NGX_HTTP_JAMHOOK_TALLY_EVERY);
}


/*
 * Goes on while the worker finishes what it has: those attempts are under way,
 * too.  The timer alone keeps no worker.
 */

static void
ngx_http_jamhook_tally_handler(ngx_event_t *ev)
{
    ngx_http_jamhook_tally_work();

    if (!ngx_terminate) {
        ngx_add_timer(ev, NGX_HTTP_JAMHOOK_TALLY_EVERY);
    }
}


static void
ngx_http_jamhook_tally_work(void)
{
    ngx_uint_t                         i, trouble;
    ngx_http_jamhook_endpoint_t      **ep;
    ngx_http_jamhook_main_conf_t      *jmcf;
    ngx_http_jamhook_store_status_t    status;

    jmcf = ngx_http_jamhook_tally.jmcf;

    status.queue = 0;
    trouble = 0;

    if (jmcf->store) {
        ngx_http_jamhook_store_status(&status);
        trouble = (status.state == NGX_HTTP_JAMHOOK_STORE_TROUBLE);
    }

    if (!ngx_http_jamhook_zone_work(status.queue, trouble)) {
        return;
    }

    ep = jmcf->endpoints.elts;

    for (i = 0; i < jmcf->endpoints.nelts; i++) {
        ngx_http_jamhook_tally_active(ep[i]);
    }
}


static void
ngx_http_jamhook_tally_commit(ngx_uint_t committed, int64_t us)
{
    ngx_http_jamhook_store_count_t  *count;

    count = ngx_http_jamhook_zone_store();

    (void) ngx_atomic_fetch_add(committed ? &count->commits : &count->failures,
                                1);

    if (committed) {
        ngx_http_jamhook_counts_duration(&count->duration, us);
    }
}


void
ngx_http_jamhook_tally_exit(void)
{
    ngx_http_jamhook_zone_leave();
}


void
ngx_http_jamhook_tally_active(ngx_http_jamhook_endpoint_t *ep)
{
    ngx_http_jamhook_main_conf_t  *jmcf;

    jmcf = ngx_http_jamhook_tally.jmcf;

    ngx_http_jamhook_zone_active(jmcf->zone.cells[ep->index],
                                 ep->line.active);
}


void
ngx_http_jamhook_tally_outcome(ngx_http_jamhook_delivery_t *d, int64_t us)
{
    ngx_http_jamhook_main_conf_t        *jmcf;
    ngx_http_jamhook_count_outcome_e     kind;
    ngx_http_jamhook_endpoint_count_t   *count;

    if (d->test) {
        return;
    }

    jmcf = ngx_http_jamhook_tally.jmcf;

    kind = ngx_http_jamhook_tally_kind(&d->outcome);
    count = ngx_http_jamhook_zone_count(jmcf->zone.cells[d->endpoint->index]);

    (void) ngx_atomic_fetch_add(&count->outcomes[kind], 1);

    if (us >= 0 && kind != NGX_HTTP_JAMHOOK_COUNT_INTERRUPTED) {
        ngx_http_jamhook_counts_duration(&count->duration, us);
    }
}


void
ngx_http_jamhook_tally_interrupted(ngx_http_jamhook_endpoint_t *ep)
{
    ngx_http_jamhook_main_conf_t       *jmcf;
    ngx_http_jamhook_endpoint_count_t  *count;

    jmcf = ngx_http_jamhook_tally.jmcf;
    count = ngx_http_jamhook_zone_count(jmcf->zone.cells[ep->index]);

    (void) ngx_atomic_fetch_add(
                          &count->outcomes[NGX_HTTP_JAMHOOK_COUNT_INTERRUPTED],
                          1);
}


static ngx_http_jamhook_count_outcome_e
ngx_http_jamhook_tally_kind(ngx_http_jamhook_outcome_t *o)
{
    /* in the order of ngx_http_jamhook_error_e */

    static ngx_http_jamhook_count_outcome_e  kinds[] = {
        NGX_HTTP_JAMHOOK_COUNT_INVALID,       /* not looked up */
        NGX_HTTP_JAMHOOK_COUNT_CONNECT,
        NGX_HTTP_JAMHOOK_COUNT_RESOLVE,
        NGX_HTTP_JAMHOOK_COUNT_TIMEOUT,
        NGX_HTTP_JAMHOOK_COUNT_INVALID,
        NGX_HTTP_JAMHOOK_COUNT_MISCONFIGURED,
        NGX_HTTP_JAMHOOK_COUNT_NGINX,
        NGX_HTTP_JAMHOOK_COUNT_INTERRUPTED
    };

    if (o->result == NGX_HTTP_JAMHOOK_RESULT_SUCCEEDED) {
        return NGX_HTTP_JAMHOOK_COUNT_SUCCEEDED;
    }

    if (o->error != NGX_HTTP_JAMHOOK_ERR_NONE) {
        return kinds[o->error];
    }

    switch (o->status / 100) {

    case 3:
        return NGX_HTTP_JAMHOOK_COUNT_STATUS_3XX;

    case 4:
        return NGX_HTTP_JAMHOOK_COUNT_STATUS_4XX;

    case 5:
        return NGX_HTTP_JAMHOOK_COUNT_STATUS_5XX;

    default:
        return NGX_HTTP_JAMHOOK_COUNT_INVALID;
    }
}
