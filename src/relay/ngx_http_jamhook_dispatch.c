
#include "ngx_http_jamhook_dispatch.h"
#include "ngx_http_jamhook_claim.h"
#include "ngx_http_jamhook_parcel.h"
#include "ngx_http_jamhook_store.h"


static void ngx_http_jamhook_dispatch_kept(ngx_http_jamhook_op_t *op);
static void ngx_http_jamhook_dispatch_overdue(ngx_http_jamhook_op_t *op);
static void ngx_http_jamhook_dispatch_tell(ngx_http_jamhook_keep_t *keep,
    ngx_http_jamhook_kept_e verdict);
static void ngx_http_jamhook_dispatch_start_handler(ngx_event_t *ev);
static void ngx_http_jamhook_dispatch_routed(ngx_http_jamhook_keep_t *keep);


static struct {
    ngx_http_jamhook_endpoint_t   **endpoints;
    ngx_queue_t                     kept;        /* told, to be sent */
    ngx_event_t                     start;       /* posted */
} ngx_http_jamhook_dispatch;


/* what nginx's debug log takes the data of an event for */

static ngx_connection_t  ngx_http_jamhook_dispatch_ident = { .fd = -1 };


void
ngx_http_jamhook_dispatch_init(ngx_http_jamhook_main_conf_t *jmcf)
{
    ngx_http_jamhook_dispatch.endpoints = jmcf->endpoints.elts;

    ngx_queue_init(&ngx_http_jamhook_dispatch.kept);

    ngx_http_jamhook_dispatch.start.handler =
                                      ngx_http_jamhook_dispatch_start_handler;
    ngx_http_jamhook_dispatch.start.log = ngx_cycle->log;
    ngx_http_jamhook_dispatch.start.data = &ngx_http_jamhook_dispatch_ident;
}


ngx_int_t
ngx_http_jamhook_dispatch_event(ngx_http_jamhook_keep_t *keep,
    ngx_http_jamhook_parcel_t *parcel, ngx_http_jamhook_endpoint_t **endpoints,
    ngx_uint_t n, ngx_str_t *source, ngx_str_t *headers)
{
    ngx_uint_t                    i;
    ngx_msec_t                    wait;
    ngx_http_jamhook_op_route_t  *route;
    ngx_http_jamhook_op_event_t  *op;

    route = ngx_pcalloc(parcel->pool, n * sizeof(ngx_http_jamhook_op_route_t));
    if (route == NULL) {
        return NGX_ERROR;
    }

    keep->flights = ngx_pcalloc(parcel->pool,
                                n * sizeof(ngx_http_jamhook_flight_t));
    if (keep->flights == NULL) {
        return NGX_ERROR;
    }

    for (i = 0; i < n; i++) {
        route[i].endpoint = endpoints[i]->index;
        route[i].lease = ngx_http_jamhook_flight_lease(endpoints[i]);

        route[i].claim = endpoints[i]->flow.paused
                             == NGX_HTTP_JAMHOOK_PAUSE_NONE
                         && ngx_http_jamhook_claim_turns(endpoints[i], 1,
                                                            &wait);
    }

    op = &keep->event;

    op->op.type = NGX_HTTP_JAMHOOK_OP_EVENT;
    op->op.handler = ngx_http_jamhook_dispatch_kept;
    op->op.overdue = ngx_http_jamhook_dispatch_overdue;
    op->op.data = keep;
    op->op.size = parcel->body.len + headers->len;

    op->id = parcel->id;
    op->source = *source;
    op->event_id = parcel->event.event_id;
    op->type = parcel->event.type;
    op->created_at = parcel->event.created_at;
    op->conversation_id = parcel->event.conversation_id;
    op->jam_id = parcel->event.jam_id;
    op->recording_url = parcel->event.recording_url;
    op->key = parcel->key;
    op->headers = *headers;
    op->body = parcel->body;
    op->routes = route;
    op->nroutes = n;

    keep->parcel = parcel;
    parcel->refs++;              /* until dispatch_kept() */

    ngx_http_jamhook_store_submit(&op->op);

    return NGX_OK;
}


static void
ngx_http_jamhook_dispatch_kept(ngx_http_jamhook_op_t *op)
{
    ngx_http_jamhook_keep_t  *keep = op->data;

    static ngx_http_jamhook_kept_e  verdicts[] = {
        NGX_HTTP_JAMHOOK_KEPT_STORED,
        NGX_HTTP_JAMHOOK_KEPT_DUPLICATE,
        NGX_HTTP_JAMHOOK_KEPT_CONFLICT,
        NGX_HTTP_JAMHOOK_KEPT_FULL
    };

    switch (op->rc) {

    case NGX_OK:
        ngx_http_jamhook_dispatch_tell(keep, verdicts[keep->event.verdict]);
        break;

    case NGX_BUSY:
        ngx_http_jamhook_dispatch_tell(keep,
                                       ngx_http_jamhook_store_is_well()
                                           ? NGX_HTTP_JAMHOOK_KEPT_BUSY
                                           : NGX_HTTP_JAMHOOK_KEPT_TROUBLE);
        break;

    default:
        ngx_http_jamhook_dispatch_tell(keep, NGX_HTTP_JAMHOOK_KEPT_TROUBLE);
    }

    ngx_queue_insert_tail(&ngx_http_jamhook_dispatch.kept, &keep->queue);

    if (!ngx_http_jamhook_dispatch.start.posted) {
        ngx_post_event(&ngx_http_jamhook_dispatch.start, &ngx_posted_events);
    }
}


/*
 * All senders of a transaction are answered before its deliveries begin: they
 * wait, and one peer after the other is woken less often than both in turn.
 */

static void
ngx_http_jamhook_dispatch_start_handler(ngx_event_t *ev)
{
    ngx_queue_t                *q;
    ngx_http_jamhook_keep_t    *keep;
    ngx_http_jamhook_parcel_t  *parcel;

    while (!ngx_queue_empty(&ngx_http_jamhook_dispatch.kept)) {
        q = ngx_queue_head(&ngx_http_jamhook_dispatch.kept);
        ngx_queue_remove(q);

        keep = ngx_queue_data(q, ngx_http_jamhook_keep_t, queue);
        parcel = keep->parcel;

        ngx_http_jamhook_dispatch_routed(keep);

        ngx_http_jamhook_parcel_release(parcel);
    }
}


/* the sender is told to come again; should it be committed yet, it goes on */

static void
ngx_http_jamhook_dispatch_overdue(ngx_http_jamhook_op_t *op)
{
    ngx_http_jamhook_dispatch_tell(op->data, NGX_HTTP_JAMHOOK_KEPT_TROUBLE);
}


static void
ngx_http_jamhook_dispatch_tell(ngx_http_jamhook_keep_t *keep,
    ngx_http_jamhook_kept_e verdict)
{
    if (keep->told) {
        return;
    }

    keep->told = 1;
    keep->verdict = verdict;
    keep->handler(keep);
}


/* the turns that were reserved are used now, or given back */

static void
ngx_http_jamhook_dispatch_routed(ngx_http_jamhook_keep_t *keep)
{
    ngx_uint_t                    i;
    ngx_http_jamhook_flight_t    *f;
    ngx_http_jamhook_op_route_t  *route;
    ngx_http_jamhook_endpoint_t  *ep;

    for (i = 0; i < keep->event.nroutes; i++) {
        route = &keep->event.routes[i];
        ep = ngx_http_jamhook_dispatch.endpoints[route->endpoint];

        if (keep->event.op.rc != NGX_OK
            || keep->event.verdict == NGX_HTTP_JAMHOOK_EVENT_CONFLICT
            || keep->event.verdict == NGX_HTTP_JAMHOOK_EVENT_FULL)
        {
            route->claimed = 0;
            route->verdict = NGX_HTTP_JAMHOOK_ROUTE_EXISTS;
        }

        if (route->claimed) {
            f = &keep->flights[i];

            f->event = keep->event.event;
            f->d.attempt = route->number;
            f->d.replay = route->replay;

            ngx_http_jamhook_flight_start(f, keep->parcel, ep,
                                            route->lease_until);
            continue;
        }

        if (route->claim) {
            ngx_http_jamhook_claim_unturn(ep, 1);
        }

        if (route->verdict != NGX_HTTP_JAMHOOK_ROUTE_EXISTS) {
            ngx_http_jamhook_claim_wake(ep);
        }
    }
}
