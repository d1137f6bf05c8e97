
#include "ngx_http_jamhook_late.h"


ngx_int_t
ngx_http_jamhook_late_notice(ngx_http_request_t *r)
{
    ngx_connection_t  *c;

    c = r->connection;

    r->write_event_handler = ngx_http_request_empty_handler;

    if (r->discard_body) {

        /* a GET with a body, which nginx still reads */

        return NGX_OK;
    }

    r->read_event_handler = ngx_http_test_reading;

    if (c->read->ready) {
        ngx_post_event(c->read, &ngx_posted_events);
        return NGX_OK;
    }

    return ngx_handle_read_event(c->read, 0);
}


ngx_http_request_t *
ngx_http_jamhook_late_request(ngx_http_request_t *r,
    ngx_http_jamhook_ctx_t *ctx)
{
    if (r == NULL
        || ngx_http_get_module_ctx(r, ngx_http_jamhook_module) != ctx)
    {
        /* the client left; or it did, and is in a post_action location */

        return NULL;
    }

    ngx_http_set_log_request(r->connection->log, r);

    return r;
}


void
ngx_http_jamhook_late_finalize(ngx_http_request_t *r, ngx_int_t rc)
{
    ngx_connection_t  *c;

    c = r->connection;

    ngx_http_finalize_request(r, rc);
    ngx_http_run_posted_requests(c);
}
