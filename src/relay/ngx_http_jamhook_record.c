
#include "ngx_http_jamhook_record.h"
#include "ngx_http_jamhook_headers.h"
#include "ngx_http_jamhook_redact.h"


static void ngx_http_jamhook_record_request(ngx_http_jamhook_op_outcome_t *op,
    ngx_http_jamhook_delivery_t *d);
static void ngx_http_jamhook_record_response(ngx_http_jamhook_op_outcome_t *op,
    ngx_http_jamhook_delivery_t *d);
static void ngx_http_jamhook_record_redact(ngx_http_jamhook_delivery_t *d,
    ngx_str_t *text, ngx_uint_t cut);


void
ngx_http_jamhook_record_attempt(ngx_http_jamhook_op_outcome_t *op,
    ngx_http_jamhook_delivery_t *d)
{
    ngx_http_jamhook_outcome_t  *o;

    o = &d->outcome;

    op->result = o->result;
    op->duration = o->duration;

    if (o->error != NGX_HTTP_JAMHOOK_ERR_NONE
        && o->error != NGX_HTTP_JAMHOOK_ERR_INTERRUPTED)
    {
        op->error.data = (u_char *) ngx_http_jamhook_outcome_error(o->error);
        op->error.len = ngx_strlen(op->error.data);
    }

    if (o->error == NGX_HTTP_JAMHOOK_ERR_NONE
        || o->error == NGX_HTTP_JAMHOOK_ERR_NGINX)
    {
        op->status = o->status;
    }

    if (d->sr == NULL) {

        /* it never came to a request */

        return;
    }

    ngx_http_jamhook_record_request(op, d);

    if (o->error == NGX_HTTP_JAMHOOK_ERR_NONE) {
        ngx_http_jamhook_record_response(op, d);
    }
}


static void
ngx_http_jamhook_record_request(ngx_http_jamhook_op_outcome_t *op,
    ngx_http_jamhook_delivery_t *d)
{
    (void) ngx_http_jamhook_headers_json(&d->sr->headers_in.headers,
                                         d->parcel->pool,
                                         &op->request_headers);

    if (d->body.data == NULL || d->body.data == d->parcel->body.data) {
        return;
    }

    op->request_body.data = ngx_pstrdup(d->parcel->pool, &d->body);
    if (op->request_body.data) {
        op->request_body.len = d->body.len;
    }
}


static void
ngx_http_jamhook_record_response(ngx_http_jamhook_op_outcome_t *op,
    ngx_http_jamhook_delivery_t *d)
{
    size_t                       len;
    ngx_buf_t                   *b;
    ngx_http_request_t          *sr;
    ngx_http_jamhook_outcome_t  *o;

    o = &d->outcome;
    sr = d->sr;

    (void) ngx_http_jamhook_headers_json(sr->upstream
                                             ? &sr->upstream->headers_in.headers
                                             : &sr->headers_out.headers,
                                         d->parcel->pool,
                                         &op->response_headers);

    ngx_http_jamhook_record_redact(d, &op->response_headers, 0);

    b = &o->body;
    len = b->last - b->start;

    op->truncated = (o->body_length > (off_t) len);

    if (len == 0) {
        return;
    }

    op->response_body.data = ngx_pnalloc(d->parcel->pool, len);

    if (op->response_body.data == NULL) {
        op->truncated = 1;
        return;
    }

    ngx_memcpy(op->response_body.data, b->start, len);
    op->response_body.len = len;

    ngx_http_jamhook_record_redact(d, &op->response_body, op->truncated);
}


/* what says "Cannot POST /path" says a password, if the path is one */

static void
ngx_http_jamhook_record_redact(ngx_http_jamhook_delivery_t *d, ngx_str_t *text,
    ngx_uint_t cut)
{
    u_char                       *p;
    ngx_str_t                     uri;
    ngx_http_upstream_t          *u;
    ngx_http_jamhook_endpoint_t  *ep;

    if (text->len == 0) {
        return;
    }

    ep = d->endpoint;
    u = d->sr->upstream;

    ngx_http_jamhook_redact(text, ep->secrets.elts, ep->secrets.nelts, cut);

    if (u == NULL || u->uri.len == 0 || (ep->url.data && !ep->variables)) {
        return;
    }

    /* a URL of variables, or one that is not known: as proxy_pass made it */

    uri = u->uri;

    p = ngx_strlchr(uri.data, uri.data + uri.len, '?');

    if (p) {
        uri.len = p - uri.data;
    }

    while (uri.len && *uri.data == '/') {
        uri.data++;
        uri.len--;
    }

    ngx_http_jamhook_redact(text, &uri, 1, cut);
}
