
#include "ngx_http_jamhook_ingest.h"
#include "ngx_http_jamhook_ctx.h"
#include "ngx_http_jamhook_dispatch.h"
#include "ngx_http_jamhook_headers.h"
#include "ngx_http_jamhook_late.h"
#include "ngx_http_jamhook_parcel.h"
#include "ngx_http_jamhook_reply.h"
#include "ngx_http_jamhook_schedule.h"
#include "ngx_http_jamhook_sign.h"
#include "ngx_http_jamhook_text.h"
#include "ngx_http_jamhook_verify.h"


/* seconds between two lines at "error" of one reason; "info" in between */

#define NGX_HTTP_JAMHOOK_INGEST_LOG_EVERY  60


/* lives in r->pool */

typedef struct {
    ngx_http_jamhook_loc_conf_t      *jlcf;
    ngx_http_jamhook_message_t        msg;
    ngx_msec_t                        arrived;
    ngx_http_jamhook_source_count_t  *count;     /* NULL: it is not counted */
} ngx_http_jamhook_ingest_t;


/* who waits for what; lives in the parcel's pool, so deliveries may tell it */

typedef struct {
    ngx_http_request_t           *request;       /* NULL: the client left */
    ngx_http_jamhook_ctx_t       *ctx;           /* the request's */
    ngx_uint_t                    pending;
    ngx_http_jamhook_code_e       worst;
    ngx_str_t                    *endpoint;      /* the worst one's name */
    ngx_uint_t                    status;        /* and what it answered */
    char                         *error;
    ngx_int_t                     retry_after;
    unsigned                      failed:1;
} ngx_http_jamhook_wait_t;


static ngx_http_jamhook_source_count_t *ngx_http_jamhook_ingest_count(
    ngx_http_request_t *r, ngx_http_jamhook_loc_conf_t *jlcf);
static ngx_int_t ngx_http_jamhook_ingest_headers(ngx_http_request_t *r,
    ngx_http_jamhook_ctx_t *ctx);
static ngx_uint_t ngx_http_jamhook_ingest_is_json(ngx_http_request_t *r);
static ngx_uint_t ngx_http_jamhook_ingest_gather(ngx_http_request_t *r,
    ngx_http_jamhook_verify_set_t *set);

static void ngx_http_jamhook_ingest_body_handler(ngx_http_request_t *r);
static ngx_int_t ngx_http_jamhook_ingest_read(ngx_http_request_t *r,
    ngx_http_jamhook_ctx_t *ctx);
static ngx_int_t ngx_http_jamhook_ingest_verify(ngx_http_request_t *r,
    ngx_http_jamhook_ctx_t *ctx);
static ngx_int_t ngx_http_jamhook_ingest_event(ngx_http_request_t *r,
    ngx_http_jamhook_ctx_t *ctx);
static ngx_int_t ngx_http_jamhook_ingest_id(ngx_http_jamhook_ctx_t *ctx);
static ngx_int_t ngx_http_jamhook_ingest_judge(ngx_http_request_t *r,
    ngx_http_jamhook_ctx_t *ctx);
static ngx_uint_t ngx_http_jamhook_ingest_goes_to(
    ngx_http_jamhook_event_t *event, ngx_http_jamhook_endpoint_t *ep);

static ngx_int_t ngx_http_jamhook_ingest_route(ngx_http_request_t *r,
    ngx_http_jamhook_ctx_t *ctx);
static ngx_http_jamhook_wait_t *ngx_http_jamhook_ingest_wait(
    ngx_http_request_t *r, ngx_http_jamhook_ctx_t *ctx);
static void ngx_http_jamhook_ingest_wait_cleanup(void *data);

static ngx_int_t ngx_http_jamhook_ingest_store(ngx_http_request_t *r,
    ngx_http_jamhook_ctx_t *ctx, ngx_http_jamhook_endpoint_t **endpoints,
    ngx_uint_t n);
static void ngx_http_jamhook_ingest_kept(ngx_http_jamhook_keep_t *keep);

static ngx_int_t ngx_http_jamhook_ingest_deliver(ngx_http_request_t *r,
    ngx_http_jamhook_ctx_t *ctx, ngx_http_jamhook_endpoint_t **endpoints,
    ngx_uint_t n);
static void ngx_http_jamhook_ingest_delivered(ngx_http_jamhook_delivery_t *d);
static void ngx_http_jamhook_ingest_note(ngx_http_jamhook_wait_t *w,
    ngx_http_jamhook_delivery_t *d);
static ngx_int_t ngx_http_jamhook_ingest_answer(ngx_http_request_t *r,
    ngx_http_jamhook_wait_t *w);

static ngx_int_t ngx_http_jamhook_ingest_accept(ngx_http_request_t *r,
    ngx_http_jamhook_ctx_t *ctx, ngx_http_jamhook_count_result_e result);
static void ngx_http_jamhook_ingest_refused(ngx_http_jamhook_ctx_t *ctx,
    ngx_http_jamhook_code_e code);
static ngx_int_t ngx_http_jamhook_ingest_reject(ngx_http_request_t *r,
    ngx_http_jamhook_code_e code, char *why);
static ngx_int_t ngx_http_jamhook_ingest_reject_str(ngx_http_request_t *r,
    ngx_http_jamhook_code_e code, ngx_str_t *why);


/* when a reason was last told at "error", by this worker */

static time_t  ngx_http_jamhook_ingest_logged[NGX_HTTP_JAMHOOK_CODES];


ngx_int_t
ngx_http_jamhook_ingest_handler(ngx_http_request_t *r)
{
    ngx_int_t                   rc;
    ngx_http_jamhook_ctx_t     *ctx;
    ngx_http_jamhook_ingest_t  *in;

    ctx = ngx_http_jamhook_create_ctx(r);
    if (ctx == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    in = ngx_pcalloc(r->pool, sizeof(ngx_http_jamhook_ingest_t));
    if (in == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ctx->ingest = in;
    in->jlcf = ngx_http_get_module_loc_conf(r, ngx_http_jamhook_module);
    in->arrived = ngx_current_msec;
    in->count = ngx_http_jamhook_ingest_count(r, in->jlcf);

    rc = ngx_http_jamhook_ingest_headers(r, ctx);
    if (rc != NGX_DECLINED) {
        return rc;
    }

    r->request_body_in_single_buf = 1;

    rc = ngx_http_read_client_request_body(r,
                                        ngx_http_jamhook_ingest_body_handler);

    if (rc == NGX_HTTP_REQUEST_ENTITY_TOO_LARGE) {

        /*
         * The rest of a chunked body is still to come.  nginx's own page
         * would end keepalive: else that rest is taken for the next request.
         */

        r->keepalive = 0;

        return ngx_http_jamhook_ingest_reject(r,
                                              NGX_HTTP_JAMHOOK_BODY_TOO_LARGE,
                                              "the body is too large");
    }

    if (rc >= NGX_HTTP_SPECIAL_RESPONSE) {
        return rc;
    }

    return NGX_DONE;
}


/* where requests of this location are counted, and that one came */

static ngx_http_jamhook_source_count_t *
ngx_http_jamhook_ingest_count(ngx_http_request_t *r,
    ngx_http_jamhook_loc_conf_t *jlcf)
{
    ngx_http_jamhook_main_conf_t     *jmcf;
    ngx_http_jamhook_source_count_t  *count;

    if (jlcf->source == NGX_HTTP_JAMHOOK_NO_SOURCE) {
        return NULL;
    }

    jmcf = ngx_http_get_module_main_conf(r, ngx_http_jamhook_module);

    count = jmcf->zone.counts[jlcf->source];

    /* other workers have the line in their caches: once a second is enough */

    if (count->last_at != (ngx_atomic_uint_t) ngx_time()) {
        count->last_at = ngx_time();
    }

    return count;
}


/* NGX_DECLINED: go on; anything else: the request was answered */

static ngx_int_t
ngx_http_jamhook_ingest_headers(ngx_http_request_t *r,
    ngx_http_jamhook_ctx_t *ctx)
{
    char                           *why;
    ngx_uint_t                      encoded;
    ngx_http_jamhook_verify_e       rc;
    ngx_http_jamhook_ingest_t      *in;
    ngx_http_jamhook_verify_set_t   set;

    in = ctx->ingest;

    if (r->method != NGX_HTTP_POST) {
        return ngx_http_jamhook_ingest_reject(r,
                                          NGX_HTTP_JAMHOOK_METHOD_NOT_ALLOWED,
                                          "the method is not POST");
    }

    ngx_memzero(&set, sizeof(ngx_http_jamhook_verify_set_t));

    encoded = ngx_http_jamhook_ingest_gather(r, &set);

    if (encoded) {
        return ngx_http_jamhook_ingest_reject(r,
                                      NGX_HTTP_JAMHOOK_MEDIA_TYPE_UNSUPPORTED,
                                      "there is a \"Content-Encoding\"");
    }

    if (!ngx_http_jamhook_ingest_is_json(r)) {
        return ngx_http_jamhook_ingest_reject(r,
                                      NGX_HTTP_JAMHOOK_MEDIA_TYPE_UNSUPPORTED,
                                      "the \"Content-Type\" is not "
                                      "\"application/json\"");
    }

    if (in->jlcf->verify == NULL) {
        ngx_http_jamhook_verify_unsigned(&set, &in->msg);
        ctx->id = in->msg.id;
        return NGX_DECLINED;
    }

    rc = ngx_http_jamhook_verify_headers(&set, ngx_time(),
                                         in->jlcf->tolerance, &in->msg, &why);

    switch (rc) {

    case NGX_HTTP_JAMHOOK_VERIFY_OK:
        ctx->id = in->msg.id;
        return NGX_DECLINED;

    case NGX_HTTP_JAMHOOK_VERIFY_TIMESTAMP:
        ctx->id = in->msg.id;
        return ngx_http_jamhook_ingest_reject(r,
                                           NGX_HTTP_JAMHOOK_TIMESTAMP_INVALID,
                                           why);

    default:
        return ngx_http_jamhook_ingest_reject(r,
                                           NGX_HTTP_JAMHOOK_SIGNATURE_MISSING,
                                           why);
    }
}


static ngx_uint_t
ngx_http_jamhook_ingest_is_json(ngx_http_request_t *r)
{
    size_t      len;
    ngx_str_t  *type;

    if (r->headers_in.content_type == NULL) {
        return 0;
    }

    type = &r->headers_in.content_type->value;
    len = sizeof("application/json") - 1;

    if (type->len < len
        || ngx_strncasecmp(type->data, (u_char *) "application/json", len)
           != 0)
    {
        return 0;
    }

    return type->len == len
           || type->data[len] == ';'
           || type->data[len] == ' '
           || type->data[len] == '\t';
}


/* returns 1 if there is a Content-Encoding */

static ngx_uint_t
ngx_http_jamhook_ingest_gather(ngx_http_request_t *r,
    ngx_http_jamhook_verify_set_t *set)
{
    ngx_str_t                    name;
    ngx_uint_t                   encoded;
    ngx_table_elt_t             *h;
    ngx_http_jamhook_headers_t   walk;

    encoded = 0;

    ngx_http_jamhook_headers_first(&walk, &r->headers_in.headers);

    for ( ;; ) {

        h = ngx_http_jamhook_headers_next(&walk);
        if (h == NULL) {
            return encoded;
        }

        if (ngx_http_jamhook_headers_is(h, "content-encoding")) {
            encoded = 1;
            continue;
        }

        name.len = h->key.len;
        name.data = h->lowcase_key;

        ngx_http_jamhook_verify_gather(set, &name, &h->value);
    }
}


static void
ngx_http_jamhook_ingest_body_handler(ngx_http_request_t *r)
{
    ngx_int_t                rc;
    ngx_http_jamhook_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_jamhook_module);

    rc = ngx_http_jamhook_ingest_read(r, ctx);

    if (rc == NGX_DECLINED) {
        rc = ngx_http_jamhook_ingest_verify(r, ctx);
    }

    if (rc == NGX_DECLINED) {
        rc = ngx_http_jamhook_ingest_event(r, ctx);
    }

    if (rc == NGX_DECLINED) {
        rc = ngx_http_jamhook_ingest_route(r, ctx);
    }

    if (rc == NGX_AGAIN) {

        /*
         * The reference that ngx_http_read_client_request_body() took holds
         * the request until ngx_http_jamhook_late_finalize().
         */

        return;
    }

    ngx_http_finalize_request(r, rc);
}


/* brings the body into a parcel, from memory or from a temporary file */

static ngx_int_t
ngx_http_jamhook_ingest_read(ngx_http_request_t *r,
    ngx_http_jamhook_ctx_t *ctx)
{
    off_t                       size;
    u_char                     *p;
    ssize_t                     n;
    ngx_buf_t                  *b;
    ngx_chain_t                *cl, *bufs;
    ngx_http_jamhook_parcel_t  *parcel;

    bufs = r->request_body ? r->request_body->bufs : NULL;

    size = 0;

    for (cl = bufs; cl; cl = cl->next) {
        size += ngx_buf_size(cl->buf);
    }

    if (size > NGX_HTTP_JAMHOOK_BODY_MAX) {
        return ngx_http_jamhook_ingest_reject(r,
                                              NGX_HTTP_JAMHOOK_BODY_TOO_LARGE,
                                              "the body is too large");
    }

    parcel = ngx_http_jamhook_parcel_create(size);
    if (parcel == NULL) {
        return ngx_http_jamhook_ingest_reject(r, NGX_HTTP_JAMHOOK_UNAVAILABLE,
                                              "out of memory");
    }

    /* released by the context's cleanup */

    ctx->parcel = parcel;

    p = parcel->body.data;

    for (cl = bufs; cl; cl = cl->next) {
        b = cl->buf;

        if (ngx_buf_in_memory(b)) {
            p = ngx_cpymem(p, b->pos, b->last - b->pos);
            continue;
        }

        if (!b->in_file) {
            continue;
        }

        size = b->file_last - b->file_pos;

        n = ngx_read_file(b->file, p, (size_t) size, b->file_pos);

        if (n != (ssize_t) size) {
            return ngx_http_jamhook_ingest_reject(r,
                                       NGX_HTTP_JAMHOOK_UNAVAILABLE,
                                       "the temporary file of the body "
                                       "could not be read");
        }

        p += n;
    }

    parcel->body.len = p - parcel->body.data;

    return NGX_DECLINED;
}


static ngx_int_t
ngx_http_jamhook_ingest_verify(ngx_http_request_t *r,
    ngx_http_jamhook_ctx_t *ctx)
{
    ngx_http_jamhook_key_t     *key;
    ngx_http_jamhook_verify_e   rc;
    ngx_http_jamhook_ingest_t  *in;

    in = ctx->ingest;

    if (in->jlcf->verify == NULL) {
        return NGX_DECLINED;
    }

    rc = ngx_http_jamhook_verify_signature(&in->msg, &ctx->parcel->body,
                                           &in->jlcf->verify->keys, r->pool,
                                           &key);

    switch (rc) {

    case NGX_HTTP_JAMHOOK_VERIFY_OK:

        /* a configuration outlives the requests of its workers */

        ctx->parcel->key.data = key->fingerprint;
        ctx->parcel->key.len = NGX_HTTP_JAMHOOK_FINGERPRINT_LEN;

        return NGX_DECLINED;

    case NGX_HTTP_JAMHOOK_VERIFY_MISMATCH:
        return ngx_http_jamhook_ingest_reject(r,
                                           NGX_HTTP_JAMHOOK_SIGNATURE_INVALID,
                                           "no key matches the signature");

    default:
        return ngx_http_jamhook_ingest_reject(r, NGX_HTTP_JAMHOOK_UNAVAILABLE,
                                              "the signature could not be "
                                              "checked");
    }
}


static ngx_int_t
ngx_http_jamhook_ingest_event(ngx_http_request_t *r,
    ngx_http_jamhook_ctx_t *ctx)
{
    char                       *why;
    ngx_int_t                   rc;
    ngx_http_jamhook_ingest_t  *in;
    ngx_http_jamhook_parcel_t  *parcel;

    in = ctx->ingest;
    parcel = ctx->parcel;

    rc = ngx_http_jamhook_event_read(&parcel->event, &parcel->body,
                                     &in->jlcf->event_type, parcel->pool,
                                     &why);

    if (rc == NGX_DECLINED) {
        return ngx_http_jamhook_ingest_reject(r,
                                              NGX_HTTP_JAMHOOK_BODY_INVALID,
                                              why);
    }

    if (rc != NGX_OK || ngx_http_jamhook_ingest_id(ctx) != NGX_OK) {
        return ngx_http_jamhook_ingest_reject(r, NGX_HTTP_JAMHOOK_UNAVAILABLE,
                                              "out of memory");
    }

    return ngx_http_jamhook_ingest_judge(r, ctx);
}


/* the header's; where nobody signs: else the envelope's, else a new one */

static ngx_int_t
ngx_http_jamhook_ingest_id(ngx_http_jamhook_ctx_t *ctx)
{
    ngx_str_t                  *id;
    ngx_http_jamhook_ingest_t  *in;
    ngx_http_jamhook_parcel_t  *parcel;

    in = ctx->ingest;
    parcel = ctx->parcel;

    id = &in->msg.id;

    if (id->len == 0) {
        id = &parcel->event.event_id;

        if (ngx_http_jamhook_text_token(id, NGX_HTTP_JAMHOOK_ID_MAX)
            != NGX_OK)
        {
            return ngx_http_jamhook_sign_new_id(parcel->pool, &parcel->id);
        }
    }

    parcel->id.data = ngx_pstrdup(parcel->pool, id);
    if (parcel->id.data == NULL) {
        return NGX_ERROR;
    }

    parcel->id.len = id->len;

    return NGX_OK;
}


/*
 * What an event must have depends on who is to get it: a Fin endpoint can do
 * nothing without a conversation, any other takes every object.
 */

static ngx_int_t
ngx_http_jamhook_ingest_judge(ngx_http_request_t *r,
    ngx_http_jamhook_ctx_t *ctx)
{
    ngx_uint_t                    i, fin, subscribed;
    ngx_http_jamhook_event_t     *event;
    ngx_http_jamhook_route_t     *route;
    ngx_http_jamhook_ingest_t    *in;
    ngx_http_jamhook_endpoint_t  *ep;

    in = ctx->ingest;
    event = &ctx->parcel->event;

    fin = 0;
    subscribed = 0;

    route = in->jlcf->pass->elts;

    for (i = 0; i < in->jlcf->pass->nelts; i++) {
        ep = route[i].endpoint;

        if (ep->jlcf->connector != NGX_HTTP_JAMHOOK_CONNECTOR_INTERCOM_FIN) {
            continue;
        }

        fin = 1;

        if (ngx_http_jamhook_event_matches(&event->type, ep->jlcf->events)) {
            subscribed = 1;
        }
    }

    if (!fin) {
        return NGX_DECLINED;
    }

    if (event->is_connector_output) {
        return ngx_http_jamhook_ingest_reject(r,
                           NGX_HTTP_JAMHOOK_EVENT_INVALID,
                           "this is the output of a Fin connector; at Jam "
                           "give this URL to a plain endpoint, not to the "
                           "\"Intercom Fin\" connector");
    }

    if (event->type_problem) {
        return ngx_http_jamhook_ingest_reject_str(r,
                           NGX_HTTP_JAMHOOK_EVENT_INVALID, &event->problem);
    }

    if (!subscribed || !ngx_http_jamhook_event_is_recorder(&event->type)) {
        return NGX_DECLINED;
    }

    if (event->problem.len) {
        return ngx_http_jamhook_ingest_reject_str(r,
                           NGX_HTTP_JAMHOOK_EVENT_INVALID, &event->problem);
    }

    if (event->conversation_id.len == 0) {
        return ngx_http_jamhook_ingest_reject(r,
                           NGX_HTTP_JAMHOOK_EVENT_INVALID,
                           "\"conversationId\" is missing");
    }

    return NGX_DECLINED;
}


/* a Fin endpoint has no URL for what belongs to no conversation */

static ngx_uint_t
ngx_http_jamhook_ingest_goes_to(ngx_http_jamhook_event_t *event,
    ngx_http_jamhook_endpoint_t *ep)
{
    if (ep->jlcf->connector == NGX_HTTP_JAMHOOK_CONNECTOR_INTERCOM_FIN
        && event->conversation_id.len == 0)
    {
        return 0;
    }

    return ngx_http_jamhook_event_matches(&event->type, ep->jlcf->events);
}


/*
 * Finds the endpoints that are to get the event.  NGX_AGAIN: somebody is at
 * work and will answer.
 */

static ngx_int_t
ngx_http_jamhook_ingest_route(ngx_http_request_t *r,
    ngx_http_jamhook_ctx_t *ctx)
{
    ngx_uint_t                      i, n;
    ngx_http_jamhook_route_t       *route;
    ngx_http_jamhook_ingest_t      *in;
    ngx_http_jamhook_endpoint_t   **ep;
    ngx_http_jamhook_main_conf_t   *jmcf;

    in = ctx->ingest;

    ep = ngx_palloc(r->pool, in->jlcf->pass->nelts
                             * sizeof(ngx_http_jamhook_endpoint_t *));
    if (ep == NULL) {
        return ngx_http_jamhook_ingest_reject(r, NGX_HTTP_JAMHOOK_UNAVAILABLE,
                                              "out of memory");
    }

    route = in->jlcf->pass->elts;
    n = 0;

    for (i = 0; i < in->jlcf->pass->nelts; i++) {
        if (ngx_http_jamhook_ingest_goes_to(&ctx->parcel->event,
                                            route[i].endpoint))
        {
            ep[n++] = route[i].endpoint;
        }
    }

    if (n == 0) {
        return ngx_http_jamhook_ingest_accept(r, ctx,
                                            NGX_HTTP_JAMHOOK_COUNT_IGNORED);
    }

    jmcf = ngx_http_get_module_main_conf(r, ngx_http_jamhook_module);

    return jmcf->store ? ngx_http_jamhook_ingest_store(r, ctx, ep, n)
                       : ngx_http_jamhook_ingest_deliver(r, ctx, ep, n);
}


/* from here on the client may leave without a trace; NULL: no memory */

static ngx_http_jamhook_wait_t *
ngx_http_jamhook_ingest_wait(ngx_http_request_t *r,
    ngx_http_jamhook_ctx_t *ctx)
{
    ngx_pool_cleanup_t       *cln;
    ngx_http_jamhook_wait_t  *w;

    w = ngx_pcalloc(ctx->parcel->pool, sizeof(ngx_http_jamhook_wait_t));
    if (w == NULL) {
        return NULL;
    }

    cln = ngx_pool_cleanup_add(r->pool, 0);
    if (cln == NULL) {
        return NULL;
    }

    cln->handler = ngx_http_jamhook_ingest_wait_cleanup;
    cln->data = w;

    w->request = r;
    w->ctx = ctx;
    w->retry_after = NGX_DECLINED;

    if (r == r->main && ngx_http_jamhook_late_notice(r) != NGX_OK) {
        return NULL;
    }

    return w;
}


static void
ngx_http_jamhook_ingest_wait_cleanup(void *data)
{
    ngx_http_jamhook_wait_t  *w = data;

    w->request = NULL;
}


/* with a store: the answer comes after the commit */

static ngx_int_t
ngx_http_jamhook_ingest_store(ngx_http_request_t *r,
    ngx_http_jamhook_ctx_t *ctx, ngx_http_jamhook_endpoint_t **endpoints,
    ngx_uint_t n)
{
    ngx_str_t                   headers;
    ngx_http_jamhook_keep_t    *keep;
    ngx_http_core_loc_conf_t   *clcf;
    ngx_http_jamhook_parcel_t  *parcel;

    parcel = ctx->parcel;

    keep = ngx_pcalloc(parcel->pool, sizeof(ngx_http_jamhook_keep_t));
    if (keep == NULL) {
        goto failed;
    }

    if (ngx_http_jamhook_headers_json(&r->headers_in.headers, parcel->pool,
                                      &headers)
        != NGX_OK)
    {
        goto failed;
    }

    keep->handler = ngx_http_jamhook_ingest_kept;
    keep->data = ngx_http_jamhook_ingest_wait(r, ctx);

    if (keep->data == NULL) {
        goto failed;
    }

    clcf = ngx_http_get_module_loc_conf(r, ngx_http_core_module);

    if (ngx_http_jamhook_dispatch_event(keep, parcel, endpoints, n,
                                        &clcf->name, &headers)
        != NGX_OK)
    {
        goto failed;
    }

    return NGX_AGAIN;

failed:

    return ngx_http_jamhook_ingest_reject(r, NGX_HTTP_JAMHOOK_UNAVAILABLE,
                                          "out of memory");
}


static void
ngx_http_jamhook_ingest_kept(ngx_http_jamhook_keep_t *keep)
{
    ngx_int_t                 rc;
    ngx_http_request_t       *r;
    ngx_http_jamhook_ctx_t   *ctx;
    ngx_http_jamhook_wait_t  *w;

    w = keep->data;
    ctx = w->ctx;

    r = ngx_http_jamhook_late_request(w->request, ctx);
    if (r == NULL) {
        return;
    }

    switch (keep->verdict) {

    case NGX_HTTP_JAMHOOK_KEPT_STORED:
        rc = ngx_http_jamhook_ingest_accept(r, ctx,
                                            NGX_HTTP_JAMHOOK_COUNT_STORED);
        break;

    case NGX_HTTP_JAMHOOK_KEPT_DUPLICATE:
        rc = ngx_http_jamhook_ingest_accept(r, ctx,
                                            NGX_HTTP_JAMHOOK_COUNT_DUPLICATE);
        break;

    case NGX_HTTP_JAMHOOK_KEPT_CONFLICT:
        rc = ngx_http_jamhook_ingest_reject(r, NGX_HTTP_JAMHOOK_ID_CONFLICT,
                                            "this id was seen with another "
                                            "body");
        break;

    case NGX_HTTP_JAMHOOK_KEPT_FULL:
        rc = ngx_http_jamhook_ingest_reject(r, NGX_HTTP_JAMHOOK_UNAVAILABLE,
                                            "the store has reached its "
                                            "\"max_size\"");
        break;

    case NGX_HTTP_JAMHOOK_KEPT_BUSY:
        rc = ngx_http_jamhook_ingest_reject(r, NGX_HTTP_JAMHOOK_UNAVAILABLE,
                                            "too many events wait for the "
                                            "store");
        break;

    default:
        rc = ngx_http_jamhook_ingest_reject(r, NGX_HTTP_JAMHOOK_UNAVAILABLE,
                                            "the store cannot commit");
    }

    ngx_http_jamhook_late_finalize(r, rc);
}


/* without a store: the answer comes after the deliveries, and of them */

static ngx_int_t
ngx_http_jamhook_ingest_deliver(ngx_http_request_t *r,
    ngx_http_jamhook_ctx_t *ctx, ngx_http_jamhook_endpoint_t **endpoints,
    ngx_uint_t n)
{
    ngx_uint_t                    i;
    ngx_http_jamhook_wait_t      *w;
    ngx_http_jamhook_ingest_t    *in;
    ngx_http_jamhook_delivery_t  *d;

    if (ngx_http_jamhook_schedule_is_full()) {
        return ngx_http_jamhook_ingest_reject(r, NGX_HTTP_JAMHOOK_UNAVAILABLE,
                                              "too many deliveries wait for "
                                              "their turn");
    }

    in = ctx->ingest;

    d = ngx_pcalloc(ctx->parcel->pool,
                    n * sizeof(ngx_http_jamhook_delivery_t));
    if (d == NULL) {
        goto failed;
    }

    w = ngx_http_jamhook_ingest_wait(r, ctx);
    if (w == NULL) {
        goto failed;
    }

    w->pending = n;

    for (i = 0; i < n; i++) {
        d[i].parcel = ctx->parcel;
        d[i].endpoint = endpoints[i];
        d[i].attempt = 1;
        d[i].deadline = in->arrived + NGX_HTTP_JAMHOOK_PASS_TIMEOUT;
        d[i].handler = ngx_http_jamhook_ingest_delivered;
        d[i].data = w;

        ngx_http_jamhook_schedule_add(&d[i]);
    }

    return NGX_AGAIN;

failed:

    return ngx_http_jamhook_ingest_reject(r, NGX_HTTP_JAMHOOK_UNAVAILABLE,
                                          "out of memory");
}


static void
ngx_http_jamhook_ingest_delivered(ngx_http_jamhook_delivery_t *d)
{
    ngx_http_request_t       *r;
    ngx_http_jamhook_wait_t  *w = d->data;

    ngx_http_jamhook_ingest_note(w, d);

    w->pending--;

    if (w->pending) {
        return;
    }

    r = ngx_http_jamhook_late_request(w->request, w->ctx);

    if (r) {
        ngx_http_jamhook_late_finalize(r,
                                      ngx_http_jamhook_ingest_answer(r, w));
    }
}


/* the worst outcome decides: 503, then 504, then 502 */

static void
ngx_http_jamhook_ingest_note(ngx_http_jamhook_wait_t *w,
    ngx_http_jamhook_delivery_t *d)
{
    ngx_http_jamhook_code_e      code;
    ngx_http_jamhook_outcome_t  *o;

    o = &d->outcome;

    if (o->result == NGX_HTTP_JAMHOOK_RESULT_SUCCEEDED) {
        return;
    }

    if (o->error == NGX_HTTP_JAMHOOK_ERR_NONE
        && (o->status == NGX_HTTP_TOO_MANY_REQUESTS
            || o->status == NGX_HTTP_SERVICE_UNAVAILABLE))
    {
        code = NGX_HTTP_JAMHOOK_UNAVAILABLE;
        w->retry_after = ngx_max(w->retry_after, o->retry_after);

    } else if (o->error == NGX_HTTP_JAMHOOK_ERR_TIMEOUT) {
        code = NGX_HTTP_JAMHOOK_DELIVERY_TIMED_OUT;

    } else {
        code = NGX_HTTP_JAMHOOK_DELIVERY_FAILED;
    }

    /* the codes stand in the order of their weight */

    if (w->failed && code <= w->worst) {
        return;
    }

    w->failed = 1;
    w->worst = code;
    w->endpoint = &d->endpoint->name;
    w->status = o->status;
    w->error = ngx_http_jamhook_outcome_error(o->error);
}


static ngx_int_t
ngx_http_jamhook_ingest_answer(ngx_http_request_t *r,
    ngx_http_jamhook_wait_t *w)
{
    u_char                  *p;
    ngx_int_t                retry_after;
    ngx_str_t                detail;
    ngx_http_jamhook_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_jamhook_module);

    if (!w->failed) {
        return ngx_http_jamhook_ingest_accept(r, ctx,
                                            NGX_HTTP_JAMHOOK_COUNT_DELIVERED);
    }

    ngx_http_jamhook_ingest_refused(ctx, w->worst);

    detail.len = sizeof("the delivery to \"\" failed: it answered ") - 1
                 + w->endpoint->len + ngx_strlen(w->error) + NGX_INT_T_LEN;

    detail.data = ngx_pnalloc(r->pool, detail.len);
    if (detail.data == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (*w->error == '\0') {
        p = ngx_sprintf(detail.data,
                        "the delivery to \"%V\" failed: it answered %ui",
                        w->endpoint, w->status);

    } else {
        p = ngx_sprintf(detail.data, "the delivery to \"%V\" failed: %s",
                        w->endpoint, w->error);
    }

    detail.len = p - detail.data;

    retry_after = w->retry_after;

    if (retry_after == NGX_DECLINED) {
        retry_after = NGX_HTTP_JAMHOOK_RETRY_AFTER;
    }

    return ngx_http_jamhook_reply_problem(r, w->worst, &detail, retry_after);
}


static ngx_int_t
ngx_http_jamhook_ingest_accept(ngx_http_request_t *r,
    ngx_http_jamhook_ctx_t *ctx, ngx_http_jamhook_count_result_e result)
{
    ngx_http_jamhook_ingest_t  *in;

    in = ctx->ingest;

    ctx->result = *ngx_http_jamhook_counts_result(result);

    if (in->count) {
        (void) ngx_atomic_fetch_add(&in->count->results[result], 1);
    }

    return ngx_http_jamhook_reply_success(r, &ctx->result, &ctx->parcel->id,
                                          &ctx->parcel->event.type);
}


static ngx_int_t
ngx_http_jamhook_ingest_reject(ngx_http_request_t *r,
    ngx_http_jamhook_code_e code, char *why)
{
    ngx_str_t  s;

    s.data = (u_char *) why;
    s.len = ngx_strlen(why);

    return ngx_http_jamhook_ingest_reject_str(r, code, &s);
}


/*
 * "why" is a text of ours.  The first line of a reason in a minute is at
 * "error", which is what nginx shows unless told otherwise.
 */

static ngx_int_t
ngx_http_jamhook_ingest_reject_str(ngx_http_request_t *r,
    ngx_http_jamhook_code_e code, ngx_str_t *why)
{
    time_t                   now;
    ngx_uint_t               level;
    ngx_http_jamhook_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_jamhook_module);

    ngx_http_jamhook_ingest_refused(ctx, code);

    now = ngx_time();
    level = NGX_LOG_INFO;

    if (now - ngx_http_jamhook_ingest_logged[code]
        >= NGX_HTTP_JAMHOOK_INGEST_LOG_EVERY
        || now < ngx_http_jamhook_ingest_logged[code])
    {
        ngx_http_jamhook_ingest_logged[code] = now;
        level = NGX_LOG_ERR;
    }

    ngx_log_error(level, r->connection->log, 0,
                  "jamhook event \"%V\" rejected: %V: %V",
                  &ctx->id, &ctx->result, why);

    return ngx_http_jamhook_reply_problem(r, code, why,
                                          NGX_HTTP_JAMHOOK_RETRY_AFTER);
}


/* what the sender is told, for the log and for the counts */

static void
ngx_http_jamhook_ingest_refused(ngx_http_jamhook_ctx_t *ctx,
    ngx_http_jamhook_code_e code)
{
    ngx_http_jamhook_ingest_t  *in;

    in = ctx->ingest;

    ctx->result = *ngx_http_jamhook_reply_code(code);

    if (in->count == NULL) {
        return;
    }

    (void) ngx_atomic_fetch_add(&in->count->codes[code], 1);

    in->count->refused_code = code;
    in->count->refused_at = (ngx_atomic_uint_t) ngx_time();
}
