
#include "ngx_http_jamhook_api.h"
#include "ngx_http_jamhook_flight.h"
#include "ngx_http_jamhook_record.h"
#include "ngx_http_jamhook_render.h"
#include "ngx_http_jamhook_schedule.h"
#include "ngx_http_jamhook_text.h"
#include "ngx_http_jamhook_upkeep.h"


typedef struct ngx_http_jamhook_act_s  ngx_http_jamhook_act_t;

struct ngx_http_jamhook_act_s {
    ngx_http_jamhook_ask_t         ask;
    ngx_http_jamhook_endpoint_t   *endpoint;     /* NULL: all of an event */

    /* it was carried out: tells the log, and r unless it is NULL */

    ngx_int_t                    (*answer)(ngx_http_jamhook_call_t *call,
                                           ngx_http_request_t *r,
                                           ngx_log_t *log);
};


static ngx_int_t ngx_http_jamhook_api_replay(ngx_http_jamhook_call_t *call);
static ngx_int_t ngx_http_jamhook_api_sources(ngx_http_jamhook_call_t *call,
    ngx_http_jamhook_op_replay_t *op, ngx_http_jamhook_endpoint_t *ep);
static ngx_uint_t ngx_http_jamhook_api_passes(
    ngx_http_jamhook_loc_conf_t *jlcf, ngx_http_jamhook_endpoint_t *ep);
static ngx_int_t ngx_http_jamhook_api_replayed(ngx_http_jamhook_call_t *call,
    ngx_http_request_t *r, ngx_log_t *log);
static ngx_int_t ngx_http_jamhook_api_forget(ngx_http_jamhook_call_t *call);
static ngx_int_t ngx_http_jamhook_api_forgotten(ngx_http_jamhook_call_t *call,
    ngx_http_request_t *r, ngx_log_t *log);
static ngx_int_t ngx_http_jamhook_api_recover(ngx_http_jamhook_call_t *call);
static ngx_int_t ngx_http_jamhook_api_recovered(ngx_http_jamhook_call_t *call,
    ngx_http_request_t *r, ngx_log_t *log);
static ngx_int_t ngx_http_jamhook_api_pause(ngx_http_jamhook_call_t *call);
static ngx_int_t ngx_http_jamhook_api_paused(ngx_http_jamhook_call_t *call,
    ngx_http_request_t *r, ngx_log_t *log);
static ngx_int_t ngx_http_jamhook_api_resume(ngx_http_jamhook_call_t *call);
static ngx_int_t ngx_http_jamhook_api_resumed(ngx_http_jamhook_call_t *call,
    ngx_http_request_t *r, ngx_log_t *log);
static ngx_int_t ngx_http_jamhook_api_test(ngx_http_jamhook_call_t *call);
static ngx_int_t ngx_http_jamhook_api_sample(ngx_http_jamhook_call_t *call,
    ngx_http_jamhook_endpoint_t *ep, ngx_str_t *type, ngx_str_t *id);
static void ngx_http_jamhook_api_tested(ngx_http_jamhook_delivery_t *d);

static ngx_http_jamhook_endpoint_t *ngx_http_jamhook_api_endpoint_by_name(
    ngx_http_jamhook_call_t *call, ngx_str_t *name);
static ngx_int_t ngx_http_jamhook_api_unknown(ngx_http_jamhook_call_t *call);
static ngx_int_t ngx_http_jamhook_api_member(ngx_http_jamhook_call_t *call,
    char *name, ngx_str_t *value);
static ngx_int_t ngx_http_jamhook_api_member_time(
    ngx_http_jamhook_call_t *call, char *name, int64_t *ms);
static ngx_int_t ngx_http_jamhook_api_member_invalid(
    ngx_http_jamhook_call_t *call, char *name, char *why);

static ngx_http_jamhook_act_t *ngx_http_jamhook_api_act_create(
    ngx_http_jamhook_call_t *call, ngx_http_jamhook_op_e type);
static ngx_int_t ngx_http_jamhook_api_ask(ngx_http_jamhook_call_t *call);
static void ngx_http_jamhook_api_asked(ngx_http_jamhook_ask_t *ask);
static ngx_int_t ngx_http_jamhook_api_count(ngx_http_jamhook_call_t *call,
    ngx_http_request_t *r, ngx_uint_t n);


static ngx_http_jamhook_query_param_t  ngx_http_jamhook_api_act_params[] = {
    { ngx_null_string, 0, 0, NULL }
};


static char  *ngx_http_jamhook_api_no_members[] = { NULL };
static char  *ngx_http_jamhook_api_replay_members[] = { "endpoint", NULL };
static char  *ngx_http_jamhook_api_recover_members[] = {
    "since", "until", NULL
};
static char  *ngx_http_jamhook_api_test_members[] = {
    "type", "conversation_id", NULL
};


ngx_http_jamhook_route_call_t  ngx_http_jamhook_api_acts[] = {

    { NGX_HTTP_POST, ngx_string("events"), ngx_string("replay"),
      ngx_http_jamhook_api_act_params, ngx_http_jamhook_api_replay_members,
      ngx_http_jamhook_api_replay, 1 },

    { NGX_HTTP_DELETE, ngx_string("events"), ngx_null_string,
      ngx_http_jamhook_api_act_params, ngx_http_jamhook_api_no_members,
      ngx_http_jamhook_api_forget, 1 },

    { NGX_HTTP_POST, ngx_string("endpoints"), ngx_string("recover"),
      ngx_http_jamhook_api_act_params, ngx_http_jamhook_api_recover_members,
      ngx_http_jamhook_api_recover, 1 },

    { NGX_HTTP_POST, ngx_string("endpoints"), ngx_string("pause"),
      ngx_http_jamhook_api_act_params, ngx_http_jamhook_api_no_members,
      ngx_http_jamhook_api_pause, 1 },

    { NGX_HTTP_POST, ngx_string("endpoints"), ngx_string("resume"),
      ngx_http_jamhook_api_act_params, ngx_http_jamhook_api_no_members,
      ngx_http_jamhook_api_resume, 1 },

    { NGX_HTTP_POST, ngx_string("endpoints"), ngx_string("test"),
      ngx_http_jamhook_api_act_params, ngx_http_jamhook_api_test_members,
      ngx_http_jamhook_api_test, 1 },

    { 0, ngx_null_string, ngx_null_string, NULL, NULL, NULL, 0 }
};


static ngx_int_t
ngx_http_jamhook_api_replay(ngx_http_jamhook_call_t *call)
{
    ngx_int_t                      rc;
    ngx_str_t                      name;
    ngx_http_jamhook_act_t        *act;
    ngx_http_jamhook_op_replay_t  *op;

    rc = ngx_http_jamhook_api_member(call, "endpoint", &name);
    if (rc != NGX_DECLINED) {
        return rc;
    }

    act = ngx_http_jamhook_api_act_create(call, NGX_HTTP_JAMHOOK_OP_REPLAY);
    if (act == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    act->answer = ngx_http_jamhook_api_replayed;

    op = &act->ask.u.replay;
    op->id = call->name;
    op->endpoint = NGX_HTTP_JAMHOOK_NO_ENDPOINT;

    if (name.data == NULL) {
        return ngx_http_jamhook_api_ask(call);
    }

    act->endpoint = ngx_http_jamhook_api_endpoint_by_name(call, &name);

    if (act->endpoint == NULL) {
        return ngx_http_jamhook_api_member_invalid(call, "endpoint",
                               "no endpoint of this name is configured");
    }

    op->endpoint = act->endpoint->index;

    if (ngx_http_jamhook_api_sources(call, op, act->endpoint) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_http_jamhook_api_ask(call);
}


/* an event may be given to those that its location passes to, and no others */

static ngx_int_t
ngx_http_jamhook_api_sources(ngx_http_jamhook_call_t *call,
    ngx_http_jamhook_op_replay_t *op, ngx_http_jamhook_endpoint_t *ep)
{
    ngx_uint_t                    i;
    ngx_http_jamhook_location_t  *loc;

    op->sources = ngx_palloc(call->pool, call->jmcf->locations.nelts
                                         * sizeof(ngx_str_t));
    if (op->sources == NULL) {
        return NGX_ERROR;
    }

    loc = call->jmcf->locations.elts;

    for (i = 0; i < call->jmcf->locations.nelts; i++) {

        if (ngx_http_jamhook_api_passes(loc[i].jlcf, ep)) {
            op->sources[op->nsources++] = loc[i].clcf->name;
        }
    }

    op->may_add = (op->nsources != 0);

    return NGX_OK;
}


static ngx_uint_t
ngx_http_jamhook_api_passes(ngx_http_jamhook_loc_conf_t *jlcf,
    ngx_http_jamhook_endpoint_t *ep)
{
    ngx_uint_t                 i;
    ngx_http_jamhook_route_t  *route;

    if (jlcf->pass == NULL) {
        return 0;
    }

    route = jlcf->pass->elts;

    for (i = 0; i < jlcf->pass->nelts; i++) {
        if (route[i].endpoint == ep) {
            return 1;
        }
    }

    return 0;
}


static ngx_int_t
ngx_http_jamhook_api_replayed(ngx_http_jamhook_call_t *call,
    ngx_http_request_t *r, ngx_log_t *log)
{
    ngx_str_t                      name;
    ngx_http_jamhook_act_t        *act;
    ngx_http_jamhook_op_replay_t  *op;

    act = call->data;
    op = &act->ask.u.replay;

    if (op->verdict == NGX_HTTP_JAMHOOK_REPLAY_OK) {
        ngx_log_error(NGX_LOG_NOTICE, log, 0,
                      "jamhook portal: event \"%V\" replayed, deliveries: "
                      "%ui", &call->name, op->replayed);

        return ngx_http_jamhook_api_count(call, r, op->replayed);
    }

    if (r == NULL) {
        return NGX_OK;
    }

    switch (op->verdict) {

    case NGX_HTTP_JAMHOOK_REPLAY_SENDING:
        return ngx_http_jamhook_api_refuse(r, NGX_HTTP_JAMHOOK_CONFLICT, NULL,
                                           "the event is being sent at this "
                                           "moment; try again when that is "
                                           "over");

    case NGX_HTTP_JAMHOOK_REPLAY_NO_DELIVERY:

        if (act->endpoint) {
            ngx_str_set(&name, "endpoint");

            return ngx_http_jamhook_api_refuse(r, NGX_HTTP_JAMHOOK_NOT_FOUND,
                                               &name,
                                               "the event was not for this "
                                               "endpoint, and its location "
                                               "does not pass to it");
        }

        return ngx_http_jamhook_api_refuse(r, NGX_HTTP_JAMHOOK_NOT_FOUND, NULL,
                                           "the event has no deliveries");

    default: /* NGX_HTTP_JAMHOOK_REPLAY_NO_EVENT */
        return ngx_http_jamhook_api_refuse(r, NGX_HTTP_JAMHOOK_NOT_FOUND, NULL,
                                           "there is no event with this id, "
                                           "or it was forgotten");
    }
}


static ngx_int_t
ngx_http_jamhook_api_forget(ngx_http_jamhook_call_t *call)
{
    ngx_http_jamhook_act_t  *act;

    act = ngx_http_jamhook_api_act_create(call, NGX_HTTP_JAMHOOK_OP_FORGET);
    if (act == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    act->answer = ngx_http_jamhook_api_forgotten;
    act->ask.u.forget.id = call->name;

    return ngx_http_jamhook_api_ask(call);
}


static ngx_int_t
ngx_http_jamhook_api_forgotten(ngx_http_jamhook_call_t *call,
    ngx_http_request_t *r, ngx_log_t *log)
{
    ngx_http_jamhook_act_t     *act;
    ngx_http_jamhook_writer_t  *w;

    act = call->data;

    if (act->ask.u.forget.verdict == NGX_HTTP_JAMHOOK_FORGET_OK) {
        ngx_log_error(NGX_LOG_NOTICE, log, 0,
                      "jamhook portal: event \"%V\" forgotten", &call->name);
    }

    if (r == NULL) {
        return NGX_OK;
    }

    switch (act->ask.u.forget.verdict) {

    case NGX_HTTP_JAMHOOK_FORGET_OK:

        w = &call->writer;

        ngx_http_jamhook_writer_open(w, '{');
        ngx_http_jamhook_writer_name(w, "id");
        ngx_http_jamhook_writer_str(w, &call->name);
        ngx_http_jamhook_writer_name(w, "forgotten");
        ngx_http_jamhook_writer_bool(w, 1);
        ngx_http_jamhook_writer_close(w, '}');

        return ngx_http_jamhook_api_send(call, r);

    case NGX_HTTP_JAMHOOK_FORGET_SENDING:
        return ngx_http_jamhook_api_refuse(r, NGX_HTTP_JAMHOOK_CONFLICT, NULL,
                                           "the event is being sent at this "
                                           "moment; try again when that is "
                                           "over");

    default: /* NGX_HTTP_JAMHOOK_FORGET_NO_EVENT */
        return ngx_http_jamhook_api_refuse(r, NGX_HTTP_JAMHOOK_NOT_FOUND, NULL,
                                           "there is no event with this id");
    }
}


static ngx_int_t
ngx_http_jamhook_api_recover(ngx_http_jamhook_call_t *call)
{
    int64_t                       since, until;
    ngx_int_t                     rc;
    ngx_http_jamhook_act_t       *act;
    ngx_http_jamhook_endpoint_t  *ep;

    ep = ngx_http_jamhook_api_endpoint_by_name(call, &call->name);
    if (ep == NULL) {
        return ngx_http_jamhook_api_unknown(call);
    }

    since = 0;
    until = 0;

    rc = ngx_http_jamhook_api_member_time(call, "since", &since);

    if (rc == NGX_DECLINED) {
        rc = ngx_http_jamhook_api_member_time(call, "until", &until);
    }

    if (rc != NGX_DECLINED) {
        return rc;
    }

    act = ngx_http_jamhook_api_act_create(call, NGX_HTTP_JAMHOOK_OP_RECOVER);
    if (act == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    act->endpoint = ep;
    act->answer = ngx_http_jamhook_api_recovered;
    act->ask.u.recover.endpoint = ep->index;
    act->ask.u.recover.since = since;
    act->ask.u.recover.until = until;

    return ngx_http_jamhook_api_ask(call);
}


static ngx_int_t
ngx_http_jamhook_api_recovered(ngx_http_jamhook_call_t *call,
    ngx_http_request_t *r, ngx_log_t *log)
{
    ngx_http_jamhook_act_t  *act;

    act = call->data;

    ngx_log_error(NGX_LOG_NOTICE, log, 0,
                  "jamhook portal: endpoint \"%V\" recovered, deliveries: %ui",
                  &act->endpoint->name, act->ask.changed);

    return ngx_http_jamhook_api_count(call, r, act->ask.changed);
}


static ngx_int_t
ngx_http_jamhook_api_pause(ngx_http_jamhook_call_t *call)
{
    ngx_http_jamhook_act_t       *act;
    ngx_http_jamhook_endpoint_t  *ep;

    ep = ngx_http_jamhook_api_endpoint_by_name(call, &call->name);
    if (ep == NULL) {
        return ngx_http_jamhook_api_unknown(call);
    }

    act = ngx_http_jamhook_api_act_create(call, NGX_HTTP_JAMHOOK_OP_PAUSE);
    if (act == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    act->endpoint = ep;
    act->answer = ngx_http_jamhook_api_paused;
    act->ask.u.pause.endpoint = ep->index;
    act->ask.u.pause.reason = NGX_HTTP_JAMHOOK_PAUSE_MANUAL;

    return ngx_http_jamhook_api_ask(call);
}


static ngx_int_t
ngx_http_jamhook_api_paused(ngx_http_jamhook_call_t *call,
    ngx_http_request_t *r, ngx_log_t *log)
{
    ngx_http_jamhook_act_t     *act;
    ngx_http_jamhook_writer_t  *w;

    act = call->data;

    ngx_log_error(NGX_LOG_NOTICE, log, 0,
                  "jamhook portal: endpoint \"%V\" paused",
                  &act->endpoint->name);

    if (r == NULL) {
        return NGX_OK;
    }

    w = &call->writer;

    ngx_http_jamhook_writer_open(w, '{');
    ngx_http_jamhook_writer_name(w, "name");
    ngx_http_jamhook_writer_str(w, &act->endpoint->name);
    ngx_http_jamhook_writer_name(w, "state");
    ngx_http_jamhook_writer_text(w, "paused");
    ngx_http_jamhook_writer_name(w, "reason");
    ngx_http_jamhook_writer_text(w, "manual");
    ngx_http_jamhook_writer_close(w, '}');

    return ngx_http_jamhook_api_send(call, r);
}


static ngx_int_t
ngx_http_jamhook_api_resume(ngx_http_jamhook_call_t *call)
{
    ngx_http_jamhook_act_t       *act;
    ngx_http_jamhook_endpoint_t  *ep;

    ep = ngx_http_jamhook_api_endpoint_by_name(call, &call->name);
    if (ep == NULL) {
        return ngx_http_jamhook_api_unknown(call);
    }

    act = ngx_http_jamhook_api_act_create(call, NGX_HTTP_JAMHOOK_OP_RESUME);
    if (act == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    act->endpoint = ep;
    act->answer = ngx_http_jamhook_api_resumed;
    act->ask.u.resume.endpoint = ep->index;

    return ngx_http_jamhook_api_ask(call);
}


static ngx_int_t
ngx_http_jamhook_api_resumed(ngx_http_jamhook_call_t *call,
    ngx_http_request_t *r, ngx_log_t *log)
{
    ngx_http_jamhook_act_t     *act;
    ngx_http_jamhook_writer_t  *w;

    act = call->data;

    ngx_log_error(NGX_LOG_NOTICE, log, 0,
                  "jamhook portal: endpoint \"%V\" resumed, deliveries: %ui",
                  &act->endpoint->name, act->ask.u.resume.released);

    if (r == NULL) {
        return NGX_OK;
    }

    w = &call->writer;

    ngx_http_jamhook_writer_open(w, '{');
    ngx_http_jamhook_writer_name(w, "name");
    ngx_http_jamhook_writer_str(w, &act->endpoint->name);
    ngx_http_jamhook_writer_name(w, "state");
    ngx_http_jamhook_writer_text(w, "active");
    ngx_http_jamhook_writer_name(w, "released");
    ngx_http_jamhook_writer_int(w, act->ask.u.resume.released);
    ngx_http_jamhook_writer_close(w, '}');

    return ngx_http_jamhook_api_send(call, r);
}


/* works without the store, for nothing of it is kept */

static ngx_int_t
ngx_http_jamhook_api_test(ngx_http_jamhook_call_t *call)
{
    ngx_int_t                     rc;
    ngx_str_t                     type, id;
    ngx_http_jamhook_endpoint_t  *ep;

    ep = ngx_http_jamhook_api_endpoint_by_name(call, &call->name);
    if (ep == NULL) {
        return ngx_http_jamhook_api_unknown(call);
    }

    rc = ngx_http_jamhook_api_sample(call, ep, &type, &id);
    if (rc != NGX_DECLINED) {
        return rc;
    }

    if (ngx_http_jamhook_schedule_is_full()) {
        return ngx_http_jamhook_api_refuse(call->request,
                                           NGX_HTTP_JAMHOOK_UNAVAILABLE, NULL,
                                           "too many deliveries wait for "
                                           "their turn");
    }

    ngx_log_error(NGX_LOG_NOTICE, call->request->connection->log, 0,
                  "jamhook portal: endpoint \"%V\" gets a test", &ep->name);

    /* jamhook_timeout ends it */

    if (ngx_http_jamhook_api_wait(call, 0) != NGX_AGAIN) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (ngx_http_jamhook_upkeep_test(ep, &type, &id,
                                     ngx_http_jamhook_api_tested, call)
        != NGX_OK)
    {
        ngx_http_jamhook_api_end(call, NULL, NGX_OK);
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return NGX_AGAIN;
}


/* what the sample says; NGX_DECLINED: go on */

static ngx_int_t
ngx_http_jamhook_api_sample(ngx_http_jamhook_call_t *call,
    ngx_http_jamhook_endpoint_t *ep, ngx_str_t *type, ngx_str_t *id)
{
    ngx_int_t    rc;
    ngx_str_t   *types;
    ngx_uint_t   i;

    rc = ngx_http_jamhook_api_member(call, "type", type);

    if (rc == NGX_DECLINED) {
        rc = ngx_http_jamhook_api_member(call, "conversation_id", id);
    }

    if (rc != NGX_DECLINED) {
        return rc;
    }

    if (type->data == NULL) {
        ngx_str_set(type, NGX_HTTP_JAMHOOK_RECORDED);

        types = ep->jlcf->events->elts;

        for (i = 0; i < ep->jlcf->events->nelts; i++) {
            if (types[i].data[types[i].len - 1] != '*') {
                *type = types[i];
                break;
            }
        }
    }

    if (ngx_http_jamhook_text_type(type, NGX_HTTP_JAMHOOK_TYPE_MAX)
        != NGX_OK)
    {
        return ngx_http_jamhook_api_member_invalid(call, "type",
                   "a type is 1 to 128 of A-Z a-z 0-9 _ . : / -");
    }

    if (id->data == NULL) {

        if (ep->jlcf->connector == NGX_HTTP_JAMHOOK_CONNECTOR_INTERCOM_FIN) {
            return ngx_http_jamhook_api_member_invalid(call,
                       "conversation_id",
                       "Intercom looks the conversation up: give the id of "
                       "one of yours");
        }

        ngx_str_set(id, "0");
    }

    if (ngx_http_jamhook_text_token(id, NGX_HTTP_JAMHOOK_CONVERSATION_MAX)
        != NGX_OK)
    {
        return ngx_http_jamhook_api_member_invalid(call, "conversation_id",
                   "an id is 1 to 128 of A-Z a-z 0-9 _ -");
    }

    return NGX_DECLINED;
}


static void
ngx_http_jamhook_api_tested(ngx_http_jamhook_delivery_t *d)
{
    ngx_int_t                       rc;
    ngx_http_request_t             *r;
    ngx_http_jamhook_call_t        *call = d->data;
    ngx_http_jamhook_op_outcome_t   op;

    rc = NGX_OK;

    r = ngx_http_jamhook_api_waiting(call);

    if (r) {
        ngx_memzero(&op, sizeof(ngx_http_jamhook_op_outcome_t));

        op.number = d->attempt;
        op.trigger = NGX_HTTP_JAMHOOK_TRIGGER_TEST;
        op.started_at = ngx_http_jamhook_flight_now() - d->outcome.duration;

        ngx_http_jamhook_record_attempt(&op, d);

        ngx_http_jamhook_render_test(&call->writer, &op, &d->parcel->body);

        rc = ngx_http_jamhook_api_send(call, r);
    }

    ngx_http_jamhook_api_end(call, r, rc);
}


static ngx_http_jamhook_endpoint_t *
ngx_http_jamhook_api_endpoint_by_name(ngx_http_jamhook_call_t *call,
    ngx_str_t *name)
{
    ngx_uint_t                     i;
    ngx_http_jamhook_endpoint_t  **ep;

    ep = call->jmcf->endpoints.elts;

    for (i = 0; i < call->jmcf->endpoints.nelts; i++) {

        if (ep[i]->name.len == name->len
            && ngx_strncmp(ep[i]->name.data, name->data, name->len) == 0)
        {
            return ep[i];
        }
    }

    return NULL;
}


static ngx_int_t
ngx_http_jamhook_api_unknown(ngx_http_jamhook_call_t *call)
{
    return ngx_http_jamhook_api_refuse(call->request,
                                       NGX_HTTP_JAMHOOK_NOT_FOUND, NULL,
                                       "no endpoint of this name is "
                                       "configured");
}


/*
 * A member of the body that is a string; absent, or null, it has no data.
 * NGX_DECLINED: go on; else the request was answered.
 */

static ngx_int_t
ngx_http_jamhook_api_member(ngx_http_jamhook_call_t *call, char *name,
    ngx_str_t *value)
{
    ngx_http_jamhook_json_t  *item;

    ngx_str_null(value);

    if (call->body == NULL) {
        return NGX_DECLINED;
    }

    switch (ngx_http_jamhook_json_member(call->body, name, &item)) {

    case NGX_HTTP_JAMHOOK_JSON_ABSENT:
    case NGX_HTTP_JAMHOOK_JSON_NULL:
        return NGX_DECLINED;

    case NGX_HTTP_JAMHOOK_JSON_STRING:

        if (ngx_http_jamhook_json_string(item, value) == NGX_OK) {
            return NGX_DECLINED;
        }

        return ngx_http_jamhook_api_member_invalid(call, name,
                                                   "it has a zero in it");

    case NGX_HTTP_JAMHOOK_JSON_DOUBLED:
        return ngx_http_jamhook_api_member_invalid(call, name,
                                                   "it stands there twice");

    default:
        return ngx_http_jamhook_api_member_invalid(call, name,
                                                   "it is no string");
    }
}


static ngx_int_t
ngx_http_jamhook_api_member_time(ngx_http_jamhook_call_t *call, char *name,
    int64_t *ms)
{
    ngx_int_t  rc;
    ngx_str_t  value;

    rc = ngx_http_jamhook_api_member(call, name, &value);

    if (rc != NGX_DECLINED || value.data == NULL) {
        return rc;
    }

    if (ngx_http_jamhook_query_time(&value, ms) == NGX_OK) {
        return NGX_DECLINED;
    }

    return ngx_http_jamhook_api_member_invalid(call, name,
               "give a time of RFC 3339, such as 2026-11-23T15:04:05Z");
}


static ngx_int_t
ngx_http_jamhook_api_member_invalid(ngx_http_jamhook_call_t *call, char *name,
    char *why)
{
    ngx_str_t  parameter;

    parameter.data = (u_char *) name;
    parameter.len = ngx_strlen(name);

    return ngx_http_jamhook_api_refuse(call->request,
                                       NGX_HTTP_JAMHOOK_PARAMETER_INVALID,
                                       &parameter, why);
}


static ngx_http_jamhook_act_t *
ngx_http_jamhook_api_act_create(ngx_http_jamhook_call_t *call,
    ngx_http_jamhook_op_e type)
{
    ngx_http_jamhook_act_t  *act;

    act = ngx_pcalloc(call->pool, sizeof(ngx_http_jamhook_act_t));
    if (act == NULL) {
        return NULL;
    }

    act->ask.u.op.type = type;
    act->ask.handler = ngx_http_jamhook_api_asked;
    act->ask.data = call;

    call->data = act;
    call->progress = &act->ask.changed;

    return act;
}


static ngx_int_t
ngx_http_jamhook_api_ask(ngx_http_jamhook_call_t *call)
{
    ngx_http_jamhook_act_t  *act;

    if (ngx_http_jamhook_api_wait(call, NGX_HTTP_JAMHOOK_API_TIMEOUT)
        != NGX_AGAIN)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    act = call->data;

    ngx_http_jamhook_upkeep_ask(&act->ask);

    return NGX_AGAIN;
}


static void
ngx_http_jamhook_api_asked(ngx_http_jamhook_ask_t *ask)
{
    ngx_int_t                 rc;
    ngx_http_request_t       *r;
    ngx_http_jamhook_act_t   *act;
    ngx_http_jamhook_call_t  *call = ask->data;

    rc = NGX_OK;
    act = call->data;

    r = ngx_http_jamhook_api_waiting(call);

    if (ask->u.op.rc == NGX_OK) {
        rc = act->answer(call, r, r ? r->connection->log : ngx_cycle->log);

    } else if (r) {
        rc = ngx_http_jamhook_api_unavailable(r,
                 ask->u.op.rc == NGX_BUSY
                     ? "too many calls wait for the store"
                     : "the store could not do it; of a longer task a part "
                       "may be done");
    }

    ngx_http_jamhook_api_end(call, r, rc);
}


static ngx_int_t
ngx_http_jamhook_api_count(ngx_http_jamhook_call_t *call,
    ngx_http_request_t *r, ngx_uint_t n)
{
    ngx_http_jamhook_writer_t  *w;

    if (r == NULL) {
        return NGX_OK;
    }

    w = &call->writer;

    ngx_http_jamhook_writer_open(w, '{');
    ngx_http_jamhook_writer_name(w, "replayed");
    ngx_http_jamhook_writer_int(w, n);
    ngx_http_jamhook_writer_close(w, '}');

    return ngx_http_jamhook_api_send(call, r);
}
