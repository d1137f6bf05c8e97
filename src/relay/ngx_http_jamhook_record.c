
#include "ngx_http_jamhook_record.h"
#include "ngx_http_jamhook_headers.h"


static void ngx_http_jamhook_record_request(ngx_http_jamhook_op_outcome_t *op,
    ngx_http_jamhook_delivery_t *d);
static void ngx_http_jamhook_record_response(ngx_http_jamhook_op_outcome_t *op,
    ngx_http_jamhook_delivery_t *d);


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
}
