
#include "ngx_http_jamhook_deliver.h"
#include "ngx_http_jamhook_backoff.h"
#include "ngx_http_jamhook_headers.h"


static ngx_int_t ngx_http_jamhook_outcome_header_filter(
    ngx_http_request_t *r);
static void ngx_http_jamhook_outcome_patience(ngx_http_jamhook_outcome_t *o,
    ngx_list_t *headers);
static ngx_int_t ngx_http_jamhook_outcome_body_filter(ngx_http_request_t *r,
    ngx_chain_t *in);
static void ngx_http_jamhook_outcome_keep(ngx_http_jamhook_delivery_t *d,
    u_char *p, size_t size);

static void ngx_http_jamhook_outcome_log(ngx_http_jamhook_delivery_t *d);
static void ngx_http_jamhook_outcome_no_response(
    ngx_http_jamhook_delivery_t *d, ngx_int_t rc);


static ngx_http_output_header_filter_pt  ngx_http_next_header_filter;
static ngx_http_output_body_filter_pt    ngx_http_next_body_filter;


void
ngx_http_jamhook_outcome_init_filters(void)
{
    ngx_http_next_header_filter = ngx_http_top_header_filter;
    ngx_http_top_header_filter = ngx_http_jamhook_outcome_header_filter;

    ngx_http_next_body_filter = ngx_http_top_body_filter;
    ngx_http_top_body_filter = ngx_http_jamhook_outcome_body_filter;
}


static ngx_int_t
ngx_http_jamhook_outcome_header_filter(ngx_http_request_t *r)
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

    if (ngx_http_get_module_ctx(r, ngx_http_jamhook_module) != &d->ctx
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
        ngx_http_jamhook_outcome_patience(o, &r->headers_out.headers);

    } else if (u->headers_in.status_n == 0) {

        /* no HTTP at all, which nginx takes for HTTP/0.9 */

        o->error = NGX_HTTP_JAMHOOK_ERR_INVALID;

    } else {
        o->status = u->headers_in.status_n;
        ngx_http_jamhook_outcome_patience(o, &u->headers_in.headers);
    }

    return NGX_OK;
}


/* what a target says of when to come back; the later of two counts */

static void
ngx_http_jamhook_outcome_patience(ngx_http_jamhook_outcome_t *o,
    ngx_list_t *headers)
{
    ngx_int_t                    n;
    ngx_table_elt_t             *h;
    ngx_http_jamhook_headers_t   walk;

    if (o->status != NGX_HTTP_TOO_MANY_REQUESTS
        && o->status != NGX_HTTP_SERVICE_UNAVAILABLE)
    {
        return;
    }

    ngx_http_jamhook_headers_first(&walk, headers);

    for ( ;; ) {

        h = ngx_http_jamhook_headers_next(&walk);
        if (h == NULL) {
            return;
        }

        if (ngx_http_jamhook_headers_is(h, "retry-after")) {
            n = ngx_http_jamhook_backoff_retry_after(&h->value, ngx_time());

        } else if (ngx_http_jamhook_headers_is(h, "x-ratelimit-reset")) {
            n = ngx_http_jamhook_backoff_reset(&h->value, ngx_time());

        } else {
            continue;
        }

        if (n != NGX_DECLINED && n > o->retry_after) {
            o->retry_after = n;
        }
    }
}


static ngx_int_t
ngx_http_jamhook_outcome_body_filter(ngx_http_request_t *r, ngx_chain_t *in)
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
            ngx_http_jamhook_outcome_keep(d, b->pos, b->last - b->pos);
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
ngx_http_jamhook_outcome_keep(ngx_http_jamhook_delivery_t *d, u_char *p,
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

ngx_int_t
ngx_http_jamhook_outcome_post_handler(ngx_http_request_t *sr, void *data,
    ngx_int_t rc)
{
    ngx_connection_t             *c;
    ngx_http_jamhook_delivery_t  *d = data;

    c = sr->connection;

    c->error = 0;
    c->timedout = 0;
    sr->buffered = 0;
    sr->postponed = NULL;

    if (d->has_outcome) {
        return NGX_OK;
    }

    d->has_outcome = 1;

    if (!d->has_response && d->outcome.error == NGX_HTTP_JAMHOOK_ERR_NONE) {
        ngx_http_jamhook_outcome_no_response(d, rc);
    }

    /* for the access log, as nginx's own page would have it */

    if (!d->has_response && sr->headers_out.status == 0 && rc >= NGX_HTTP_OK) {
        sr->headers_out.status = rc;
    }

    ngx_http_jamhook_outcome_judge(d);

    ngx_post_event(&d->done, &ngx_posted_events);

    return NGX_OK;
}


/* the request ended without a header: why? */

static void
ngx_http_jamhook_outcome_no_response(ngx_http_jamhook_delivery_t *d,
    ngx_int_t rc)
{
    ngx_http_request_t          *sr;
    ngx_http_upstream_t         *u;
    ngx_http_jamhook_outcome_t  *o;

    o = &d->outcome;
    sr = d->sr;
    u = sr->upstream;

    if (ngx_http_get_module_ctx(sr, ngx_http_jamhook_module) != &d->ctx) {
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
        ngx_http_jamhook_outcome_patience(o, &u->headers_in.headers);
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

        /* no free connection; or what the location has cannot be used */

        o->error = (u->state->peer == NULL)
                       ? NGX_HTTP_JAMHOOK_ERR_INTERRUPTED
                       : NGX_HTTP_JAMHOOK_ERR_MISCONFIGURED;

    } else if (u->state->connect_time == (ngx_msec_t) -1) {
        o->error = NGX_HTTP_JAMHOOK_ERR_CONNECT;

    } else {
        o->error = NGX_HTTP_JAMHOOK_ERR_INVALID;
    }
}


void
ngx_http_jamhook_outcome_judge(ngx_http_jamhook_delivery_t *d)
{
    ngx_http_jamhook_outcome_t  *o;

    static ngx_str_t  results[] = {
        ngx_string("succeeded"),
        ngx_string("failed"),
        ngx_string("interrupted")
    };

    o = &d->outcome;

    if (o->error == NGX_HTTP_JAMHOOK_ERR_INTERRUPTED) {
        o->result = NGX_HTTP_JAMHOOK_RESULT_INTERRUPTED;

    } else if (o->error == NGX_HTTP_JAMHOOK_ERR_NONE
               && o->status >= NGX_HTTP_OK
               && o->status < NGX_HTTP_SPECIAL_RESPONSE)
    {
        o->result = NGX_HTTP_JAMHOOK_RESULT_SUCCEEDED;

    } else {
        o->result = NGX_HTTP_JAMHOOK_RESULT_FAILED;
    }

    d->ctx.result = results[o->result];

    ngx_http_jamhook_outcome_log(d);
}


static void
ngx_http_jamhook_outcome_log(ngx_http_jamhook_delivery_t *d)
{
    ngx_log_t                   *log;
    ngx_uint_t                   level;
    ngx_http_jamhook_outcome_t  *o;

    o = &d->outcome;
    log = &d->shell->log;
    log->action = NULL;

    /* one that is kept is tried again, or dispatch says that it is not */

    level = d->kept ? NGX_LOG_WARN : NGX_LOG_ERR;

    ngx_log_debug4(NGX_LOG_DEBUG_HTTP, log, 0,
                   "jamhook response: status:%ui error:%d kept:%uz of:%O",
                   o->status, o->error, (size_t) (o->body.last - o->body.start),
                   o->body_length);

    if (o->result == NGX_HTTP_JAMHOOK_RESULT_SUCCEEDED) {
        ngx_log_error(NGX_LOG_INFO, log, 0,
                      "jamhook delivered: target answered %ui", o->status);

    } else if (o->error == NGX_HTTP_JAMHOOK_ERR_NONE) {
        ngx_log_error(level, log, 0,
                      "jamhook delivery failed: target answered %ui",
                      o->status);

    } else if (o->error == NGX_HTTP_JAMHOOK_ERR_NGINX) {
        ngx_log_error(level, log, 0,
                      "jamhook delivery failed: answered by nginx with %ui, "
                      "the target was not asked; look for \"return\", "
                      "\"rewrite\", \"error_page\" or a cache in the "
                      "endpoint's location", o->status);

    } else {
        ngx_log_error(level, log, 0, "jamhook delivery failed: %s",
                      ngx_http_jamhook_outcome_error(o->error));
    }
}


char *
ngx_http_jamhook_outcome_error(ngx_http_jamhook_error_e error)
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
