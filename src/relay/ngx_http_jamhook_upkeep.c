
#include "ngx_http_jamhook_upkeep.h"
#include "ngx_http_jamhook_claim.h"
#include "ngx_http_jamhook_parcel.h"
#include "ngx_http_jamhook_schedule.h"
#include "ngx_http_jamhook_sign.h"
#include "ngx_http_jamhook_store.h"


static void ngx_http_jamhook_upkeep_retain_handler(ngx_event_t *ev);
static void ngx_http_jamhook_upkeep_retained(ngx_http_jamhook_op_t *op);

static void ngx_http_jamhook_upkeep_answered(ngx_http_jamhook_op_t *op);
static ngx_uint_t ngx_http_jamhook_upkeep_again(ngx_http_jamhook_ask_t *ask);
static void ngx_http_jamhook_upkeep_effects(ngx_http_jamhook_ask_t *ask);

static ngx_int_t ngx_http_jamhook_upkeep_sample(
    ngx_http_jamhook_parcel_t *parcel, ngx_str_t *type,
    ngx_str_t *conversation_id);


static struct {
    ngx_http_jamhook_main_conf_t   *jmcf;
    ngx_http_jamhook_op_retain_t    retain;
    ngx_event_t                     timer;
    ngx_msec_t                      every;
} ngx_http_jamhook_upkeep;


/* what nginx's debug log takes the data of a timer for */

static ngx_connection_t  ngx_http_jamhook_upkeep_ident = { .fd = -1 };


void
ngx_http_jamhook_upkeep_init(ngx_cycle_t *cycle,
    ngx_http_jamhook_main_conf_t *jmcf)
{
    int64_t       age;
    ngx_event_t  *ev;

    ngx_http_jamhook_upkeep.jmcf = jmcf;

    if (ngx_worker != 0) {
        return;
    }

    age = (int64_t) jmcf->retention * 1000;

    ngx_http_jamhook_upkeep.retain.op.type = NGX_HTTP_JAMHOOK_OP_RETAIN;
    ngx_http_jamhook_upkeep.retain.op.handler =
                                            ngx_http_jamhook_upkeep_retained;
    ngx_http_jamhook_upkeep.retain.age = age;

    ngx_http_jamhook_upkeep.every =
                (ngx_msec_t) ngx_min(age / 4, NGX_HTTP_JAMHOOK_UPKEEP_EVERY);

    ev = &ngx_http_jamhook_upkeep.timer;

    ev->handler = ngx_http_jamhook_upkeep_retain_handler;
    ev->data = &ngx_http_jamhook_upkeep_ident;
    ev->log = cycle->log;
    ev->cancelable = 1;

    /* soon, for nginx may be reloaded again before "every" is over */

    ngx_add_timer(ev, ngx_min(ngx_http_jamhook_upkeep.every,
                              NGX_HTTP_JAMHOOK_UPKEEP_FIRST));
}


static void
ngx_http_jamhook_upkeep_retain_handler(ngx_event_t *ev)
{
    if (ngx_exiting) {
        return;
    }

    if (!ngx_http_jamhook_store_is_well()) {

        /* it may just not be open yet, and the worker not live for long */

        ngx_add_timer(ev, ngx_min(ngx_http_jamhook_upkeep.every,
                                  NGX_HTTP_JAMHOOK_UPKEEP_FIRST));
        return;
    }

    ngx_http_jamhook_store_submit(&ngx_http_jamhook_upkeep.retain.op);
}


static void
ngx_http_jamhook_upkeep_retained(ngx_http_jamhook_op_t *op)
{
    ngx_http_jamhook_op_retain_t  *retain;

    retain = (ngx_http_jamhook_op_retain_t *) op;

    if (op->rc == NGX_OK && retain->paused + retain->unknown) {
        ngx_log_error(NGX_LOG_WARN, ngx_cycle->log, 0,
                      "jamhook gave up deliveries older than "
                      "jamhook_retention: %ui to paused endpoints, %ui to "
                      "endpoints that no configuration has any more",
                      retain->paused, retain->unknown);
    }

    if (ngx_exiting) {
        return;
    }

    ngx_add_timer(&ngx_http_jamhook_upkeep.timer,
                  op->rc == NGX_OK && retain->more
                      ? NGX_HTTP_JAMHOOK_UPKEEP_PAUSE
                      : ngx_http_jamhook_upkeep.every);
}


void
ngx_http_jamhook_upkeep_ask(ngx_http_jamhook_ask_t *ask)
{
    ask->u.op.handler = ngx_http_jamhook_upkeep_answered;
    ask->u.op.data = ask;
    ask->u.op.bounded = 1;

    ngx_http_jamhook_store_submit(&ask->u.op);
}


static void
ngx_http_jamhook_upkeep_answered(ngx_http_jamhook_op_t *op)
{
    ngx_http_jamhook_ask_t  *ask = op->data;

    if (op->rc == NGX_OK) {
        ngx_http_jamhook_upkeep_effects(ask);

        if (ngx_http_jamhook_upkeep_again(ask)) {

            /* what was begun is not turned away */

            op->bounded = 0;
            ngx_http_jamhook_store_submit(op);
            return;
        }
    }

    ask->handler(ask);
}


/* 1 if there is another batch to be done */

static ngx_uint_t
ngx_http_jamhook_upkeep_again(ngx_http_jamhook_ask_t *ask)
{
    if (ask->u.op.type != NGX_HTTP_JAMHOOK_OP_RECOVER
        && ask->u.op.type != NGX_HTTP_JAMHOOK_OP_RESUME)
    {
        return 0;
    }

    ask->changed += ask->u.recover.changed;

    return !ask->u.recover.done;
}


static void
ngx_http_jamhook_upkeep_effects(ngx_http_jamhook_ask_t *ask)
{
    ngx_uint_t                     i;
    ngx_http_jamhook_endpoint_t  **ep;

    ep = ngx_http_jamhook_upkeep.jmcf->endpoints.elts;

    switch (ask->u.op.type) {

    case NGX_HTTP_JAMHOOK_OP_REPLAY:

        for (i = 0; i < ngx_http_jamhook_upkeep.jmcf->endpoints.nelts; i++) {
            if (ask->u.replay.endpoint == NGX_HTTP_JAMHOOK_NO_ENDPOINT
                || ask->u.replay.endpoint == i)
            {
                ngx_http_jamhook_claim_wake(ep[i]);
            }
        }

        break;

    case NGX_HTTP_JAMHOOK_OP_RECOVER:
        ngx_http_jamhook_claim_wake(ep[ask->u.recover.endpoint]);
        break;

    case NGX_HTTP_JAMHOOK_OP_RESUME:

        if (ask->u.resume.done) {
            ngx_http_jamhook_claim_paused(ep[ask->u.resume.endpoint],
                                          NGX_HTTP_JAMHOOK_PAUSE_NONE);
        }

        break;

    case NGX_HTTP_JAMHOOK_OP_PAUSE:
        ngx_http_jamhook_claim_paused(ep[ask->u.pause.endpoint],
                                      ask->u.pause.reason);
        break;

    default:
        break;
    }
}


ngx_int_t
ngx_http_jamhook_upkeep_test(ngx_http_jamhook_endpoint_t *ep, ngx_str_t *type,
    ngx_str_t *conversation_id, ngx_http_jamhook_delivery_handler_pt handler,
    void *data)
{
    ngx_http_jamhook_parcel_t    *parcel;
    ngx_http_jamhook_delivery_t  *d;

    parcel = ngx_http_jamhook_parcel_create(0);
    if (parcel == NULL) {
        return NGX_ERROR;
    }

    d = ngx_pcalloc(parcel->pool, sizeof(ngx_http_jamhook_delivery_t));

    if (d == NULL
        || ngx_http_jamhook_upkeep_sample(parcel, type, conversation_id)
           != NGX_OK)
    {
        ngx_http_jamhook_parcel_release(parcel);
        return NGX_ERROR;
    }

    d->parcel = parcel;
    d->endpoint = ep;
    d->test = 1;
    d->attempt = 1;
    d->deadline = ngx_current_msec + ep->jlcf->timeout;
    d->handler = handler;
    d->data = data;

    ngx_http_jamhook_schedule_add(d);
    ngx_http_jamhook_parcel_release(parcel);

    return NGX_OK;
}


/* DOMAIN.md's first generation */

static ngx_int_t
ngx_http_jamhook_upkeep_sample(ngx_http_jamhook_parcel_t *parcel,
    ngx_str_t *type, ngx_str_t *conversation_id)
{
    char       *why, *jam;
    size_t      len;
    u_char     *p;
    ngx_tm_t    tm;
    ngx_str_t   none;

    if (ngx_http_jamhook_sign_new_id(parcel->pool, &parcel->id) != NGX_OK) {
        return NGX_ERROR;
    }

    len = 512 + type->len + conversation_id->len;

    p = ngx_pnalloc(parcel->pool, len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    ngx_gmtime(ngx_time(), &tm);

    /* who opted out has no Jam */

    jam = ",\"jamId\":\"9573a43b-3ec9-49ab-b7e4-bf6cfc4bdfc\","
          "\"recording_url\":\"https://jam.dev/r/rec_12345\"";

    if (type->len == sizeof(NGX_HTTP_JAMHOOK_OPTED_OUT) - 1
        && ngx_strncmp(type->data, NGX_HTTP_JAMHOOK_OPTED_OUT, type->len)
           == 0)
    {
        jam = "";
    }

    parcel->body.data = p;
    p = ngx_slprintf(p, p + len,
                     "{\"id\":\"evt_test\",\"type\":\"%V\","
                     "\"created_at\":\"%4d-%02d-%02dT%02d:%02d:%02dZ\","
                     "\"data\":{\"conversationId\":\"%V\"%s}}",
                     type, tm.ngx_tm_year, tm.ngx_tm_mon, tm.ngx_tm_mday,
                     tm.ngx_tm_hour, tm.ngx_tm_min, tm.ngx_tm_sec,
                     conversation_id, jam);
    parcel->body.len = p - parcel->body.data;

    ngx_str_null(&none);

    return ngx_http_jamhook_event_read(&parcel->event, &parcel->body, &none,
                                       parcel->pool, &why)
           == NGX_OK ? NGX_OK : NGX_ERROR;
}
