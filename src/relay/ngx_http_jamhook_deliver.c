
#include "ngx_http_jamhook_deliver.h"
#include "ngx_http_jamhook_backoff.h"
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

static ngx_http_jamhook_delivery_t *ngx_http_jamhook_deliver_get(
    ngx_http_request_t *r);
static ngx_int_t ngx_http_jamhook_deliver_fin_known(
    ngx_http_jamhook_delivery_t *d, ngx_http_handler_pt handler);
static ngx_int_t ngx_http_jamhook_deliver_fin_create_request(
    ngx_http_request_t *r);
static ngx_int_t ngx_http_jamhook_deliver_fin_join(
    ngx_http_jamhook_delivery_t *d, ngx_chain_t *bufs);
static void ngx_http_jamhook_deliver_misconfigured(
    ngx_http_jamhook_delivery_t *d);

static ngx_int_t ngx_http_jamhook_deliver_header_filter(
    ngx_http_request_t *r);
static void ngx_http_jamhook_deliver_patience(ngx_http_jamhook_outcome_t *o,
    ngx_list_t *headers);
static ngx_int_t ngx_http_jamhook_deliver_body_filter(ngx_http_request_t *r,
    ngx_chain_t *in);
static void ngx_http_jamhook_deliver_keep(ngx_http_jamhook_delivery_t *d,
    u_char *p, size_t size);

static ngx_int_t ngx_http_jamhook_deliver_post_handler(ngx_http_request_t *sr,
    void *data, ngx_int_t rc);
static void ngx_http_jamhook_deliver_no_response(
    ngx_http_jamhook_delivery_t *d, ngx_int_t rc);
static void ngx_http_jamhook_deliver_judge(ngx_http_jamhook_delivery_t *d);


static ngx_http_output_header_filter_pt  ngx_http_next_header_filter;
static ngx_http_output_body_filter_pt    ngx_http_next_body_filter;


static ngx_str_t  ngx_http_jamhook_deliver_names[][2] = {
    { ngx_string("Content-Type"), ngx_string("content-type") },
    { ngx_string("Content-Length"), ngx_string("content-length") },
    { ngx_string("User-Agent"), ngx_string("user-agent") },
    { ngx_string("Idempotency-Key"), ngx_string("idempotency-key") },
    { ngx_string("webhook-id"), ngx_string("webhook-id") },
    { ngx_string("webhook-timestamp"), ngx_string("webhook-timestamp") },
    { ngx_string("webhook-signature"), ngx_string("webhook-signature") },
    { ngx_string("svix-id"), ngx_string("svix-id") },
    { ngx_string("svix-timestamp"), ngx_string("svix-timestamp") },
    { ngx_string("svix-signature"), ngx_string("svix-signature") }
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

    d->post.handler = ngx_http_jamhook_deliver_post_handler;
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
    ngx_str_t        *name;
    ngx_table_elt_t  *h;

    h = ngx_list_push(&sr->headers_in.headers);
    if (h == NULL) {
        return NULL;
    }

    name = ngx_http_jamhook_deliver_names[i];

    ngx_memzero(h, sizeof(ngx_table_elt_t));

    h->key = name[0];
    h->lowcase_key = name[1].data;
    h->hash = ngx_hash_key(name[1].data, name[1].len);
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

    ngx_http_jamhook_deliver_judge(d);

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

    p = buf;

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


ngx_int_t
ngx_http_jamhook_deliver_rewrite_handler(ngx_http_request_t *r)
{
    ngx_http_jamhook_loc_conf_t  *jlcf;
    ngx_http_jamhook_delivery_t  *d;

    jlcf = ngx_http_get_module_loc_conf(r, ngx_http_jamhook_module);

    if (jlcf->endpoint == NULL) {
        return NGX_DECLINED;
    }

    d = ngx_http_jamhook_deliver_get(r);

    if (d && d->endpoint == jlcf->endpoint) {
        return NGX_DECLINED;
    }

    return NGX_HTTP_NOT_FOUND;
}


ngx_int_t
ngx_http_jamhook_deliver_content_handler(ngx_http_request_t *r)
{
    ngx_int_t                     rc;
    ngx_http_handler_pt           handler;
    ngx_http_jamhook_loc_conf_t  *jlcf;
    ngx_http_jamhook_delivery_t  *d;

    jlcf = ngx_http_get_module_loc_conf(r, ngx_http_jamhook_module);
    d = ngx_http_jamhook_deliver_get(r);

    if (d == NULL || d->endpoint != jlcf->endpoint || d->has_outcome) {
        return NGX_HTTP_NOT_FOUND;
    }

    /*
     * From here on the location's own handler answers.  A redirect takes the
     * context away again, and with it the right to speak for the target.
     */

    ngx_http_set_ctx(r, &d->ctx, ngx_http_jamhook_module);

    handler = jlcf->handler;

    if (jlcf->connector != NGX_HTTP_JAMHOOK_CONNECTOR_INTERCOM_FIN) {
        rc = handler(r);

    } else if (jlcf->upstream_known) {
        rc = ngx_http_jamhook_deliver_fin_known(d, handler);

    } else {
        rc = handler(r);

        if (rc == NGX_DONE
            && !d->has_outcome
            && r->upstream
            && r->upstream->uri.len
            && ngx_http_jamhook_connector_fin_check(&r->upstream->uri,
                                         &d->parcel->event.conversation_id)
               == NGX_HTTP_JAMHOOK_URI_WRONG)
        {
            ngx_http_jamhook_deliver_misconfigured(d);
            ngx_http_jamhook_deliver_abort(d,
                                       NGX_HTTP_JAMHOOK_ERR_MISCONFIGURED);
        }
    }

    if (rc == NGX_DECLINED) {
        ngx_http_set_ctx(r, NULL, ngx_http_jamhook_module);
    }

    return rc;
}


/*
 * The address is known, so nothing is evaluated that a rewrite could have
 * set, and nginx's upstream would connect within the handler.  With r->aio it
 * stops short of that, and the request to the target can be judged, and
 * mended, before it is sent.
 */

static ngx_int_t
ngx_http_jamhook_deliver_fin_known(ngx_http_jamhook_delivery_t *d,
    ngx_http_handler_pt handler)
{
    ngx_int_t             rc;
    ngx_http_request_t   *sr;
    ngx_http_upstream_t  *u;

    sr = d->sr;

    sr->aio = 1;
    rc = handler(sr);
    sr->aio = 0;

    u = sr->upstream;

    if (rc != NGX_DONE || u == NULL || u->create_request == NULL) {
        return rc;
    }

    d->create_request = u->create_request;
    u->create_request = ngx_http_jamhook_deliver_fin_create_request;

    ngx_http_upstream_init(sr);

    return NGX_DONE;
}


static ngx_int_t
ngx_http_jamhook_deliver_fin_create_request(ngx_http_request_t *r)
{
    ngx_int_t                     rc;
    ngx_str_t                    *id;
    ngx_chain_t                  *bufs;
    ngx_http_upstream_t          *u;
    ngx_http_jamhook_uri_e        uri;
    ngx_http_jamhook_delivery_t  *d;

    u = r->upstream;
    bufs = u->request_bufs;
    d = ngx_http_jamhook_deliver_get(r);
    id = &d->parcel->event.conversation_id;

    rc = d->create_request(r);

    if (rc != NGX_OK || u->uri.len == 0) {
        return rc;
    }

    uri = ngx_http_jamhook_connector_fin_check(&u->uri, id);

    if (uri == NGX_HTTP_JAMHOOK_URI_DOUBLE_SLASH) {
        rc = ngx_http_jamhook_deliver_fin_join(d, bufs);

        if (rc != NGX_OK) {
            return rc;
        }

        uri = ngx_http_jamhook_connector_fin_check(&u->uri, id);
    }

    if (uri == NGX_HTTP_JAMHOOK_URI_WRONG) {
        ngx_http_jamhook_deliver_misconfigured(d);
        d->outcome.error = NGX_HTTP_JAMHOOK_ERR_MISCONFIGURED;
        return NGX_ERROR;
    }

    return NGX_OK;
}


/*
 * "location /fin" and a URL with a slash at its end: nginx puts what follows
 * "/fin" behind the slash.  So let the id alone follow it.
 */

static ngx_int_t
ngx_http_jamhook_deliver_fin_join(ngx_http_jamhook_delivery_t *d,
    ngx_chain_t *bufs)
{
    u_char              *p;
    ngx_int_t            rc;
    ngx_str_t           *name, *id, uri;
    ngx_http_request_t  *r;

    r = d->sr;
    id = &d->parcel->event.conversation_id;
    name = &d->endpoint->clcf->name;

    if (name->len == 0 || name->data[name->len - 1] == '/') {
        return NGX_OK;
    }

    p = ngx_pnalloc(r->pool, name->len + id->len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    uri = r->uri;

    r->uri.data = p;
    p = ngx_cpymem(p, name->data, name->len);
    p = ngx_cpymem(p, id->data, id->len);
    r->uri.len = p - r->uri.data;

    r->upstream->request_bufs = bufs;

    rc = d->create_request(r);

    r->uri = uri;

    return rc;
}


static void
ngx_http_jamhook_deliver_misconfigured(ngx_http_jamhook_delivery_t *d)
{
    d->shell->log.action = NULL;

    ngx_log_error(NGX_LOG_ERR, &d->shell->log, 0,
                  "jamhook delivery misconfigured: the URI for the target "
                  "does not end in \"/\" and the conversation's id; with "
                  "variables in \"proxy_pass\" end it in "
                  "\"/$jamhook_conversation_id\", without them give the "
                  "location's name and the URL both a \"/\" at the end or "
                  "none, and no \"?\"");
}


void
ngx_http_jamhook_deliver_abort(ngx_http_jamhook_delivery_t *d,
    ngx_http_jamhook_error_e error)
{
    ngx_http_request_t   *sr;
    ngx_http_upstream_t  *u;

    if (d->has_outcome) {
        return;
    }

    sr = d->sr;

    if (!d->has_response) {
        d->outcome.error = error;
        sr->headers_out.status = NGX_HTTP_GATEWAY_TIME_OUT;
    }

    /* the upstream gives back one reference, the request another */

    sr->main->count++;

    u = sr->upstream;

    if (u && u->cleanup && *u->cleanup) {
        (*u->cleanup)(sr);
    }

    ngx_http_finalize_request(sr, NGX_HTTP_GATEWAY_TIME_OUT);
}


/* the delivery that r is the subrequest of, NULL for any other request */

static ngx_http_jamhook_delivery_t *
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


void
ngx_http_jamhook_deliver_init_filters(void)
{
    ngx_http_next_header_filter = ngx_http_top_header_filter;
    ngx_http_top_header_filter = ngx_http_jamhook_deliver_header_filter;

    ngx_http_next_body_filter = ngx_http_top_body_filter;
    ngx_http_top_body_filter = ngx_http_jamhook_deliver_body_filter;
}


static ngx_int_t
ngx_http_jamhook_deliver_header_filter(ngx_http_request_t *r)
{
    ngx_http_upstream_t          *u;
    ngx_http_jamhook_outcome_t   *o;
    ngx_http_jamhook_delivery_t  *d;

    d = ngx_http_jamhook_deliver_get(r);

    if (d == NULL) {
        return ngx_http_next_header_filter(r);
    }

    /* nobody to send it to: what follows in the chain is not asked */

    r->header_sent = 1;

    u = r->upstream;

    if (u) {
        /* else the pipe would spool a large answer to a temporary file */
        u->buffering = 0;
    }

    if (d->has_outcome || d->has_response) {
        return NGX_OK;
    }

    o = &d->outcome;

    d->has_response = 1;

    if (ngx_http_get_module_ctx(r, ngx_http_jamhook_module) == NULL
#if (NGX_HTTP_CACHE)
        || r->cached
#endif
       )
    {
        o->error = NGX_HTTP_JAMHOOK_ERR_NGINX;
        o->status = r->headers_out.status;
        return NGX_OK;
    }

    if (u == NULL) {
        o->status = r->headers_out.status;
        ngx_http_jamhook_deliver_patience(o, &r->headers_out.headers);

    } else if (u->headers_in.status_n == 0) {

        /* no HTTP at all, which nginx takes for HTTP/0.9 */

        o->error = NGX_HTTP_JAMHOOK_ERR_INVALID;

    } else {
        o->status = u->headers_in.status_n;
        ngx_http_jamhook_deliver_patience(o, &u->headers_in.headers);
    }

    return NGX_OK;
}


/* what a target says of when to come back; the later of two counts */

static void
ngx_http_jamhook_deliver_patience(ngx_http_jamhook_outcome_t *o,
    ngx_list_t *headers)
{
    ngx_int_t         n;
    ngx_uint_t        i;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *h;

    if (o->status != NGX_HTTP_TOO_MANY_REQUESTS
        && o->status != NGX_HTTP_SERVICE_UNAVAILABLE)
    {
        return;
    }

    part = &headers->part;
    h = part->elts;

    for (i = 0; /* void */ ; i++) {

        if (i >= part->nelts) {
            if (part->next == NULL) {
                break;
            }

            part = part->next;
            h = part->elts;
            i = 0;
        }

        if (h[i].hash == 0) {
            continue;
        }

        if (h[i].key.len == sizeof("Retry-After") - 1
            && ngx_strncasecmp(h[i].key.data, (u_char *) "Retry-After",
                               sizeof("Retry-After") - 1)
               == 0)
        {
            n = ngx_http_jamhook_backoff_retry_after(&h[i].value, ngx_time());

        } else if (h[i].key.len == sizeof("X-RateLimit-Reset") - 1
                   && ngx_strncasecmp(h[i].key.data,
                                      (u_char *) "X-RateLimit-Reset",
                                      sizeof("X-RateLimit-Reset") - 1)
                      == 0)
        {
            n = ngx_http_jamhook_backoff_reset(&h[i].value, ngx_time());

        } else {
            continue;
        }

        if (n != NGX_DECLINED && n > o->retry_after) {
            o->retry_after = n;
        }
    }
}


static ngx_int_t
ngx_http_jamhook_deliver_body_filter(ngx_http_request_t *r, ngx_chain_t *in)
{
    ngx_buf_t                    *b;
    ngx_chain_t                  *cl;
    ngx_http_jamhook_delivery_t  *d;

    d = ngx_http_jamhook_deliver_get(r);

    if (d == NULL) {
        return ngx_http_next_body_filter(r, in);
    }

    for (cl = in; cl; cl = cl->next) {
        b = cl->buf;

        d->outcome.body_length += ngx_buf_size(b);

        if (ngx_buf_in_memory(b)) {
            ngx_http_jamhook_deliver_keep(d, b->pos, b->last - b->pos);
        }

        b->pos = b->last;

        if (b->in_file) {
            b->file_pos = b->file_last;
        }
    }

    return NGX_OK;
}


/*
 * Keeps the first bytes of a response.  What memory there is not is bytes not
 * kept: the outcome does not hang on them.
 */

static void
ngx_http_jamhook_deliver_keep(ngx_http_jamhook_delivery_t *d, u_char *p,
    size_t size)
{
    size_t      have, need;
    u_char     *new;
    ngx_buf_t  *b;

    b = &d->outcome.body;

    have = b->last - b->start;

    size = ngx_min(size, NGX_HTTP_JAMHOOK_RESPONSE_MAX - have);
    if (size == 0) {
        return;
    }

    if ((size_t) (b->end - b->last) < size) {
        need = ngx_max(2 * have, have + size);
        need = ngx_min(need, NGX_HTTP_JAMHOOK_RESPONSE_MAX);

        new = ngx_pnalloc(d->sr->pool, need);
        if (new == NULL) {
            return;
        }

        if (have) {
            ngx_memcpy(new, b->start, have);
        }

        if (b->start) {
            (void) ngx_pfree(d->sr->pool, b->start);
        }

        b->start = new;
        b->pos = new;
        b->last = new + have;
        b->end = new + need;
    }

    b->last = ngx_cpymem(b->last, p, size);
}


/*
 * Only records.  NGX_OK keeps nginx from error pages, and from taking an
 * error here for the end of the request as a whole.
 */

static ngx_int_t
ngx_http_jamhook_deliver_post_handler(ngx_http_request_t *sr, void *data,
    ngx_int_t rc)
{
    ngx_connection_t             *c;
    ngx_http_jamhook_delivery_t  *d = data;

    c = sr->connection;

    c->error = 0;
    c->timedout = 0;
    sr->buffered = 0;

    if (d->has_outcome) {
        return NGX_OK;
    }

    d->has_outcome = 1;

    if (!d->has_response && d->outcome.error == NGX_HTTP_JAMHOOK_ERR_NONE) {
        ngx_http_jamhook_deliver_no_response(d, rc);
    }

    ngx_http_jamhook_deliver_judge(d);

    ngx_post_event(&d->done, &ngx_posted_events);

    return NGX_OK;
}


/* the request ended without a header: why? */

static void
ngx_http_jamhook_deliver_no_response(ngx_http_jamhook_delivery_t *d,
    ngx_int_t rc)
{
    ngx_http_request_t          *sr;
    ngx_http_upstream_t         *u;
    ngx_http_jamhook_outcome_t  *o;

    o = &d->outcome;
    sr = d->sr;
    u = sr->upstream;

    if (ngx_http_get_module_ctx(sr, ngx_http_jamhook_module) == NULL) {
        o->error = NGX_HTTP_JAMHOOK_ERR_NGINX;
        o->status = (rc >= NGX_HTTP_OK) ? (ngx_uint_t) rc
                                        : sr->headers_out.status;
        return;
    }

    if (u == NULL) {

        /* a handler of another kind left its answer to nginx's pages */

        if (rc >= NGX_HTTP_OK) {
            o->status = rc;

        } else {
            o->error = NGX_HTTP_JAMHOOK_ERR_INVALID;
        }

        return;
    }

    if (rc >= NGX_HTTP_SPECIAL_RESPONSE
        && u->headers_in.status_n == (ngx_uint_t) rc)
    {
        /* the target's own answer, by proxy_intercept_errors */

        o->status = rc;
        ngx_http_jamhook_deliver_patience(o, &u->headers_in.headers);
        return;
    }

    if (rc == NGX_HTTP_GATEWAY_TIME_OUT) {
        o->error = NGX_HTTP_JAMHOOK_ERR_TIMEOUT;

    } else if (u->state == NULL) {

        /* it never came to a connection */

        o->error = (rc == NGX_HTTP_BAD_GATEWAY)
                       ? NGX_HTTP_JAMHOOK_ERR_RESOLVE
                       : NGX_HTTP_JAMHOOK_ERR_MISCONFIGURED;

    } else if (rc != NGX_HTTP_BAD_GATEWAY) {

        /* no free connection, no memory */

        o->error = NGX_HTTP_JAMHOOK_ERR_INTERRUPTED;

    } else if (!u->request_sent) {
        o->error = NGX_HTTP_JAMHOOK_ERR_CONNECT;

    } else {
        o->error = NGX_HTTP_JAMHOOK_ERR_INVALID;
    }
}


static void
ngx_http_jamhook_deliver_judge(ngx_http_jamhook_delivery_t *d)
{
    ngx_log_t                   *log;
    ngx_http_jamhook_outcome_t  *o;

    o = &d->outcome;
    log = &d->shell->log;
    log->action = NULL;

    ngx_log_debug4(NGX_LOG_DEBUG_HTTP, log, 0,
                   "jamhook response: status:%ui error:%d kept:%uz of:%O",
                   o->status, o->error, (size_t) (o->body.last - o->body.start),
                   o->body_length);

    switch (o->error) {

    case NGX_HTTP_JAMHOOK_ERR_NONE:

        if (o->status >= NGX_HTTP_OK
            && o->status < NGX_HTTP_SPECIAL_RESPONSE)
        {
            o->result = NGX_HTTP_JAMHOOK_SUCCEEDED;

            ngx_log_error(NGX_LOG_INFO, log, 0,
                          "jamhook delivered: target answered %ui", o->status);
            return;
        }

        o->result = NGX_HTTP_JAMHOOK_FAILED;

        ngx_log_error(NGX_LOG_ERR, log, 0,
                      "jamhook delivery failed: target answered %ui",
                      o->status);
        return;

    case NGX_HTTP_JAMHOOK_ERR_NGINX:

        o->result = NGX_HTTP_JAMHOOK_FAILED;

        ngx_log_error(NGX_LOG_ERR, log, 0,
                      "jamhook delivery failed: answered by nginx with %ui, "
                      "the target was not asked; look for \"return\", "
                      "\"rewrite\", \"error_page\" or a cache in the "
                      "endpoint's location", o->status);
        return;

    case NGX_HTTP_JAMHOOK_ERR_INTERRUPTED:

        o->result = NGX_HTTP_JAMHOOK_INTERRUPTED;
        break;

    default:

        o->result = NGX_HTTP_JAMHOOK_FAILED;
        break;
    }

    ngx_log_error(NGX_LOG_ERR, log, 0, "jamhook delivery failed: %s",
                  ngx_http_jamhook_deliver_error(o->error));
}


char *
ngx_http_jamhook_deliver_error(ngx_http_jamhook_error_e error)
{
    static char  *errors[] = {
        "",
        "connect",
        "resolve",
        "timeout",
        "invalid",
        "misconfigured",
        "answered by nginx",
        "interrupted"
    };

    return errors[error];
}
