
#include "ngx_http_jamhook_deliver.h"
#include "ngx_http_jamhook_connector.h"
#include "ngx_http_jamhook_sign.h"
#include "ngx_http_jamhook_text.h"


/* the headers of a delivery, in the order in which they are sent */

enum {
    NGX_HTTP_JAMHOOK_H_CONTENT_TYPE = 0,
    NGX_HTTP_JAMHOOK_H_CONTENT_LENGTH,
    NGX_HTTP_JAMHOOK_H_USER_AGENT,
    NGX_HTTP_JAMHOOK_H_IDEMPOTENCY_KEY,
    NGX_HTTP_JAMHOOK_H_WEBHOOK_ID,
    NGX_HTTP_JAMHOOK_H_WEBHOOK_TIMESTAMP,
    NGX_HTTP_JAMHOOK_H_WEBHOOK_SIGNATURE,
    NGX_HTTP_JAMHOOK_H_SVIX_ID,
    NGX_HTTP_JAMHOOK_H_SVIX_TIMESTAMP,
    NGX_HTTP_JAMHOOK_H_SVIX_SIGNATURE
};


typedef struct {
    ngx_str_t    key;
    ngx_str_t    lowcase;
    ngx_uint_t   hash;         /* 0: not asked for yet */
} ngx_http_jamhook_deliver_name_t;


static ngx_int_t ngx_http_jamhook_deliver_create_subrequest(
    ngx_http_jamhook_delivery_t *d);
static ngx_int_t ngx_http_jamhook_deliver_create_body(
    ngx_http_jamhook_delivery_t *d, ngx_str_t *body);
static ngx_int_t ngx_http_jamhook_deliver_create_headers(
    ngx_http_jamhook_delivery_t *d, ngx_str_t *body);
static ngx_table_elt_t *ngx_http_jamhook_deliver_push_header(
    ngx_http_request_t *sr, ngx_uint_t i, ngx_str_t *value);

static void ngx_http_jamhook_deliver_gone(void *data);
static u_char *ngx_http_jamhook_deliver_log_handler(ngx_log_t *log,
    u_char *buf, size_t len);


static ngx_http_jamhook_deliver_name_t  ngx_http_jamhook_deliver_names[] = {
    { ngx_string("Content-Type"), ngx_string("content-type"), 0 },
    { ngx_string("Content-Length"), ngx_string("content-length"), 0 },
    { ngx_string("User-Agent"), ngx_string("user-agent"), 0 },
    { ngx_string("Idempotency-Key"), ngx_string("idempotency-key"), 0 },
    { ngx_string("webhook-id"), ngx_string("webhook-id"), 0 },
    { ngx_string("webhook-timestamp"), ngx_string("webhook-timestamp"), 0 },
    { ngx_string("webhook-signature"), ngx_string("webhook-signature"), 0 },
    { ngx_string("svix-id"), ngx_string("svix-id"), 0 },
    { ngx_string("svix-timestamp"), ngx_string("svix-timestamp"), 0 },
    { ngx_string("svix-signature"), ngx_string("svix-signature"), 0 }
};

static ngx_str_t  ngx_http_jamhook_deliver_content_type =
    ngx_string("application/json");
static ngx_str_t  ngx_http_jamhook_deliver_user_agent =
    ngx_string("jamhook/" NGX_HTTP_JAMHOOK_VERSION);


ngx_int_t
ngx_http_jamhook_deliver_start(ngx_http_jamhook_delivery_t *d)
{
    ngx_str_t                     body;
    ngx_http_request_t           *r;
    ngx_http_jamhook_endpoint_t  *ep;

    ep = d->endpoint;

    d->outcome.retry_after = NGX_DECLINED;

    d->shell = ngx_http_jamhook_shell_open(&ep->ctx,
                                      ngx_http_jamhook_deliver_log_handler,
                                      ngx_http_jamhook_deliver_gone, d);
    if (d->shell == NULL) {
        goto failed;
    }

    r = d->shell->request;

    d->ctx.parcel = d->parcel;
    d->ctx.delivery = d;

    ngx_http_set_ctx(r, &d->ctx, ngx_http_jamhook_module);

    /*
     * The line for logs is the location's name: a conversation's id is no
     * matter for logs.
     */

    r->request_line = ep->request_line;
    r->unparsed_uri = ep->clcf->name;

    if (ngx_http_jamhook_deliver_create_subrequest(d) != NGX_OK
        || ngx_http_jamhook_deliver_create_body(d, &body) != NGX_OK
        || ngx_http_jamhook_deliver_create_headers(d, &body) != NGX_OK)
    {
        goto failed;
    }

    ngx_http_run_posted_requests(r->connection);

    return NGX_OK;

failed:

    d->has_outcome = 1;

    return NGX_ERROR;
}


static ngx_int_t
ngx_http_jamhook_deliver_create_subrequest(ngx_http_jamhook_delivery_t *d)
{
    ngx_str_t                     uri;
    ngx_http_request_t           *r, *sr;
    ngx_http_jamhook_endpoint_t  *ep;

    r = d->shell->request;
    ep = d->endpoint;

    if (ep->jlcf->connector == NGX_HTTP_JAMHOOK_CONNECTOR_INTERCOM_FIN) {

        if (ngx_http_jamhook_connector_fin_uri(&ep->clcf->name,
                                         &d->parcel->event.conversation_id,
                                         r->pool, &uri)
            != NGX_OK)
        {
            return NGX_ERROR;
        }

    } else {
        uri = ep->clcf->name;
    }

    r->uri = uri;

    d->post.handler = ngx_http_jamhook_outcome_post_handler;
    d->post.data = d;

    if (ngx_http_subrequest(r, &uri, NULL, &sr, &d->post,
                            NGX_HTTP_SUBREQUEST_BACKGROUND
                            |NGX_HTTP_SUBREQUEST_CLONE)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    d->sr = sr;

    return NGX_OK;
}


static ngx_int_t
ngx_http_jamhook_deliver_create_body(ngx_http_jamhook_delivery_t *d,
    ngx_str_t *body)
{
    ngx_buf_t                    *b;
    ngx_http_request_t           *sr;
    ngx_http_request_body_t      *rb;
    ngx_http_jamhook_loc_conf_t  *jlcf;

    sr = d->sr;
    jlcf = d->endpoint->jlcf;

    if (jlcf->connector == NGX_HTTP_JAMHOOK_CONNECTOR_INTERCOM_FIN) {

        if (ngx_http_jamhook_connector_fin(&d->parcel->event, jlcf->wrap,
                                           sr->pool, body)
            != NGX_OK)
        {
            return NGX_ERROR;
        }

    } else {
        *body = d->parcel->body;
    }

    d->body = *body;

    rb = ngx_pcalloc(sr->pool, sizeof(ngx_http_request_body_t));
    if (rb == NULL) {
        return NGX_ERROR;
    }

    sr->request_body = rb;

    if (body->len == 0) {
        return NGX_OK;
    }

    b = ngx_calloc_buf(sr->pool);
    if (b == NULL) {
        return NGX_ERROR;
    }

    b->start = body->data;
    b->pos = body->data;
    b->last = body->data + body->len;
    b->end = b->last;
    b->memory = 1;
    b->last_buf = 1;

    rb->bufs = ngx_alloc_chain_link(sr->pool);
    if (rb->bufs == NULL) {
        return NGX_ERROR;
    }

    rb->bufs->buf = b;
    rb->bufs->next = NULL;
    rb->buf = b;

    return NGX_OK;
}


/* none of the sender's headers: ours alone */

static ngx_int_t
ngx_http_jamhook_deliver_create_headers(ngx_http_jamhook_delivery_t *d,
    ngx_str_t *body)
{
    u_char                       *p;
    ngx_str_t                     length, timestamp, signature, key;
    ngx_uint_t                    first;
    ngx_http_request_t           *sr;
    ngx_http_headers_in_t        *in;
    ngx_http_jamhook_loc_conf_t  *jlcf;

    sr = d->sr;
    in = &sr->headers_in;
    jlcf = d->endpoint->jlcf;

    ngx_memzero(in, sizeof(ngx_http_headers_in_t));

    in->content_length_n = body->len;
    in->keep_alive_n = -1;

    if (ngx_list_init(&in->headers, sr->pool, 8, sizeof(ngx_table_elt_t))
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    p = ngx_pnalloc(sr->pool, NGX_SIZE_T_LEN + NGX_TIME_T_LEN);
    if (p == NULL) {
        return NGX_ERROR;
    }

    length.data = p;
    p = ngx_http_jamhook_text_decimal(p, body->len);
    length.len = p - length.data;

    timestamp.data = p;
    p = ngx_http_jamhook_text_decimal(p, ngx_time());
    timestamp.len = p - timestamp.data;

    if (ngx_http_jamhook_sign_idempotency_key(&d->parcel->id,
                                              &d->endpoint->name, d->replay,
                                              d->idempotency_key)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    key.data = d->idempotency_key;
    key.len = NGX_HTTP_JAMHOOK_UUID_LEN;

    in->content_type = ngx_http_jamhook_deliver_push_header(sr,
                                       NGX_HTTP_JAMHOOK_H_CONTENT_TYPE,
                                       &ngx_http_jamhook_deliver_content_type);

    in->content_length = ngx_http_jamhook_deliver_push_header(sr,
                                       NGX_HTTP_JAMHOOK_H_CONTENT_LENGTH,
                                       &length);

    in->user_agent = ngx_http_jamhook_deliver_push_header(sr,
                                       NGX_HTTP_JAMHOOK_H_USER_AGENT,
                                       &ngx_http_jamhook_deliver_user_agent);

    if (in->content_type == NULL
        || in->content_length == NULL
        || in->user_agent == NULL
        || ngx_http_jamhook_deliver_push_header(sr,
                                       NGX_HTTP_JAMHOOK_H_IDEMPOTENCY_KEY,
                                       &key)
           == NULL)
    {
        return NGX_ERROR;
    }

    if (jlcf->sign == NULL) {
        return NGX_OK;
    }

    if (ngx_http_jamhook_sign(&d->parcel->id, &timestamp, body,
                              &jlcf->sign->keys, sr->pool, &signature)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    first = jlcf->sign_svix ? NGX_HTTP_JAMHOOK_H_SVIX_ID
                            : NGX_HTTP_JAMHOOK_H_WEBHOOK_ID;

    if (ngx_http_jamhook_deliver_push_header(sr, first, &d->parcel->id)
        == NULL
        || ngx_http_jamhook_deliver_push_header(sr, first + 1, &timestamp)
           == NULL
        || ngx_http_jamhook_deliver_push_header(sr, first + 2, &signature)
           == NULL)
    {
        return NGX_ERROR;
    }

    return NGX_OK;
}


static ngx_table_elt_t *
ngx_http_jamhook_deliver_push_header(ngx_http_request_t *sr, ngx_uint_t i,
    ngx_str_t *value)
{
    ngx_table_elt_t                  *h;
    ngx_http_jamhook_deliver_name_t  *name;

    h = ngx_list_push(&sr->headers_in.headers);
    if (h == NULL) {
        return NULL;
    }

    name = &ngx_http_jamhook_deliver_names[i];

    if (name->hash == 0) {
        name->hash = ngx_hash_key(name->lowcase.data, name->lowcase.len);
    }

    ngx_memzero(h, sizeof(ngx_table_elt_t));

    h->key = name->key;
    h->lowcase_key = name->lowcase.data;
    h->hash = name->hash;
    h->value = *value;

    return h;
}


/* nginx gave the whole request up, which leaves nobody to call post_handler */

static void
ngx_http_jamhook_deliver_gone(void *data)
{
    ngx_http_jamhook_delivery_t *d = data;

    if (d->has_outcome) {
        return;
    }

    d->has_outcome = 1;

    if (!d->has_response) {
        d->outcome.error = NGX_HTTP_JAMHOOK_ERR_INTERRUPTED;
    }

    ngx_http_jamhook_outcome_judge(d);

    ngx_post_event(&d->done, &ngx_posted_events);
}


/* never the URI, which nginx's own handler would print: it is a password */

static u_char *
ngx_http_jamhook_deliver_log_handler(ngx_log_t *log, u_char *buf, size_t len)
{
    u_char                       *p;
    ngx_http_log_ctx_t           *ctx;
    ngx_http_upstream_t          *u;
    ngx_http_jamhook_shell_t     *shell;
    ngx_http_jamhook_delivery_t  *d;

    ctx = log->data;
    shell = (ngx_http_jamhook_shell_t *)
                ((u_char *) ctx - offsetof(ngx_http_jamhook_shell_t, log_ctx));
    d = shell->data;

    if (log->action) {
        p = ngx_snprintf(buf, len, " while %s", log->action);
        len -= p - buf;
        buf = p;
    }

    p = ngx_snprintf(buf, len, ", endpoint: \"%V\", event: \"%V\"",
                     &d->endpoint->name, &d->parcel->id);
    len -= p - buf;
    buf = p;

    u = ctx->request ? ctx->current_request->upstream : NULL;

    if (u && u->peer.name) {
        p = ngx_snprintf(buf, len, ", peer: \"%V\"", u->peer.name);
    }

    return p;
}


void
ngx_http_jamhook_deliver_abort(ngx_http_jamhook_delivery_t *d,
    ngx_http_jamhook_error_e error)
{
    ngx_http_request_t  *sr;

    if (d->has_outcome) {
        return;
    }

    sr = d->sr;

    if (!d->has_response) {
        d->outcome.error = error;
        sr->headers_out.status = NGX_HTTP_GATEWAY_TIME_OUT;
    }

    ngx_http_jamhook_shell_stop(d->shell);

    ngx_http_finalize_request(sr, NGX_HTTP_GATEWAY_TIME_OUT);
}


ngx_http_jamhook_delivery_t *
ngx_http_jamhook_deliver_get(ngx_http_request_t *r)
{
    ngx_http_jamhook_ctx_t  *ctx;

    if (r == r->main) {
        return NULL;
    }

    ctx = ngx_http_get_module_ctx(r->main, ngx_http_jamhook_module);

    if (ctx == NULL || ctx->delivery == NULL || ctx->delivery->sr != r) {
        return NULL;
    }

    return ctx->delivery;
}
