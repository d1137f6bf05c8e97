
#include "ngx_http_jamhook_sqlite_shown.h"


static ngx_int_t ngx_http_jamhook_sqlite_show_event(
    ngx_http_jamhook_shown_t *shown, ngx_http_jamhook_shown_event_t *event);
static ngx_int_t ngx_http_jamhook_sqlite_show_body(
    ngx_http_jamhook_shown_t *shown, ngx_http_jamhook_shown_event_t *event);
static ngx_int_t ngx_http_jamhook_sqlite_show_attempts(
    ngx_http_jamhook_shown_t *shown, ngx_http_jamhook_shown_event_t *event);

static ngx_int_t ngx_http_jamhook_sqlite_show_endpoint(
    ngx_http_jamhook_shown_t *shown, ngx_http_jamhook_op_endpoints_t *op,
    ngx_http_jamhook_named_t *named);
static ngx_int_t ngx_http_jamhook_sqlite_show_counts(
    ngx_http_jamhook_sqlite_t *s, int64_t id, int64_t first,
    ngx_http_jamhook_shown_endpoint_t *endpoint);
static ngx_int_t ngx_http_jamhook_sqlite_show_count(
    ngx_http_jamhook_sqlite_t *s, ngx_http_jamhook_sql_e sql, int64_t id,
    int64_t *n, int64_t *first);
static ngx_int_t ngx_http_jamhook_sqlite_show_last(
    ngx_http_jamhook_shown_t *shown, int64_t id,
    ngx_http_jamhook_shown_endpoint_t *endpoint);
static ngx_int_t ngx_http_jamhook_sqlite_show_sending(
    ngx_http_jamhook_shown_t *shown, ngx_http_jamhook_op_endpoints_t *op);


ngx_int_t
ngx_http_jamhook_sqlite_op_show(ngx_http_jamhook_sqlite_t *s,
    ngx_http_jamhook_op_t *o)
{
    int64_t                          seq;
    ngx_int_t                        rc;
    ngx_http_jamhook_op_show_t      *op = (ngx_http_jamhook_op_show_t *) o;
    ngx_http_jamhook_shown_t         shown;
    ngx_http_jamhook_shown_event_t  *event;
    ngx_http_jamhook_sqlite_query_t  q;

    op->event = NULL;

    ngx_http_jamhook_sqlite_query(&q, s, NGX_HTTP_JAMHOOK_SQL_EVENT_FIND);
    ngx_http_jamhook_sqlite_text(&q, &op->id);

    rc = ngx_http_jamhook_sqlite_row(&q);

    if (rc != NGX_OK) {
        return (rc == NGX_DONE) ? NGX_OK : NGX_ERROR;
    }

    seq = ngx_http_jamhook_sqlite_column(&q, 0);

    ngx_http_jamhook_sqlite_end(&q);

    event = ngx_pcalloc(op->pool, sizeof(ngx_http_jamhook_shown_event_t));
    if (event == NULL) {
        return ngx_http_jamhook_sqlite_fail(s, SQLITE_NOMEM);
    }

    event->event = seq;

    if (ngx_http_jamhook_sqlite_shown_init(&shown, s, op->pool) != NGX_OK
        || ngx_http_jamhook_sqlite_show_event(&shown, event) != NGX_OK
        || ngx_http_jamhook_sqlite_show_body(&shown, event) != NGX_OK
        || ngx_http_jamhook_sqlite_shown_deliveries(&shown, event) != NGX_OK
        || ngx_http_jamhook_sqlite_show_attempts(&shown, event) != NGX_OK)
    {
        return NGX_ERROR;
    }

    op->event = event;

    return NGX_OK;
}


static ngx_int_t
ngx_http_jamhook_sqlite_show_event(ngx_http_jamhook_shown_t *shown,
    ngx_http_jamhook_shown_event_t *event)
{
    ngx_int_t                        rc;
    ngx_str_t                        any;
    ngx_http_jamhook_sqlite_query_t  q;

    ngx_str_null(&any);

    ngx_http_jamhook_sqlite_query(&q, shown->session,
                                  NGX_HTTP_JAMHOOK_SQL_SHOW_EVENT);
    ngx_http_jamhook_sqlite_int(&q, event->event);
    ngx_http_jamhook_sqlite_text(&q, &any);
    ngx_http_jamhook_sqlite_text(&q, &any);
    ngx_http_jamhook_sqlite_text(&q, &any);
    ngx_http_jamhook_sqlite_int(&q, INT64_MIN);
    ngx_http_jamhook_sqlite_int(&q, NGX_HTTP_JAMHOOK_SQLITE_FOREVER);

    if (ngx_http_jamhook_sqlite_row(&q) != NGX_OK) {
        return NGX_ERROR;
    }

    rc = ngx_http_jamhook_shown_event(shown, &q, event);

    ngx_http_jamhook_sqlite_end(&q);

    return rc;
}


static ngx_int_t
ngx_http_jamhook_sqlite_show_body(ngx_http_jamhook_shown_t *shown,
    ngx_http_jamhook_shown_event_t *event)
{
    ngx_int_t                        rc;
    ngx_http_jamhook_sqlite_query_t  q;

    ngx_http_jamhook_sqlite_query(&q, shown->session,
                                  NGX_HTTP_JAMHOOK_SQL_SHOW_BODY);
    ngx_http_jamhook_sqlite_int(&q, event->event);

    if (ngx_http_jamhook_sqlite_row(&q) != NGX_OK) {
        return NGX_ERROR;
    }

    rc = shown->rows->string(shown, &q, 0, &event->headers);

    if (rc == NGX_OK) {
        rc = shown->rows->string(shown, &q, 1, &event->body);
    }

    ngx_http_jamhook_sqlite_end(&q);

    return rc;
}


static ngx_int_t
ngx_http_jamhook_sqlite_show_attempts(ngx_http_jamhook_shown_t *shown,
    ngx_http_jamhook_shown_event_t *event)
{
    size_t                           bytes;
    ngx_int_t                        rc;
    ngx_http_jamhook_sqlite_query_t  q;

    if (ngx_http_jamhook_shown_attempts(shown, event) != NGX_OK) {
        return NGX_ERROR;
    }

    bytes = event->headers.len + event->body.len;

    ngx_http_jamhook_sqlite_query(&q, shown->session,
                                  NGX_HTTP_JAMHOOK_SQL_SHOW_ATTEMPTS);
    ngx_http_jamhook_sqlite_int(&q, event->event);
    ngx_http_jamhook_sqlite_int(&q, NGX_HTTP_JAMHOOK_SHOWN_OF_ALL);

    for ( ;; ) {
        rc = ngx_http_jamhook_sqlite_row(&q);

        if (rc == NGX_ERROR) {
            return NGX_ERROR;
        }

        if (rc == NGX_DONE) {
            ngx_http_jamhook_shown_attempts_sort(event);
            return NGX_OK;
        }

        if (ngx_http_jamhook_shown_attempt_of(shown, &q, event, &bytes)
            != NGX_OK)
        {
            ngx_http_jamhook_sqlite_end(&q);
            return NGX_ERROR;
        }
    }
}


ngx_int_t
ngx_http_jamhook_sqlite_op_endpoints(ngx_http_jamhook_sqlite_t *s,
    ngx_http_jamhook_op_t *o)
{
    ngx_uint_t                        i;
    ngx_http_jamhook_named_t         *named;
    ngx_http_jamhook_shown_t          shown;
    ngx_http_jamhook_op_endpoints_t  *op;

    op = (ngx_http_jamhook_op_endpoints_t *) o;

    if (ngx_http_jamhook_sqlite_shown_init(&shown, s, op->pool) != NGX_OK
        || ngx_http_jamhook_shown_endpoints(&shown, op) != NGX_OK)
    {
        return NGX_ERROR;
    }

    named = shown.named.elts;

    for (i = 0; i < shown.named.nelts; i++) {
        if (ngx_http_jamhook_sqlite_show_endpoint(&shown, op, &named[i])
            != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return ngx_http_jamhook_sqlite_show_sending(&shown, op);
}


static ngx_int_t
ngx_http_jamhook_sqlite_show_endpoint(ngx_http_jamhook_shown_t *shown,
    ngx_http_jamhook_op_endpoints_t *op, ngx_http_jamhook_named_t *named)
{
    int64_t                             pending, first;
    ngx_http_jamhook_shown_endpoint_t  *endpoint;

    pending = 0;
    first = 0;

    if (ngx_http_jamhook_sqlite_show_count(shown->session,
                                           NGX_HTTP_JAMHOOK_SQL_COUNT_PENDING,
                                           named->id, &pending, &first)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (named->index == NGX_HTTP_JAMHOOK_NO_ENDPOINT && pending == 0) {
        return NGX_OK;
    }

    endpoint = ngx_http_jamhook_shown_endpoint_add(shown, op, named);
    if (endpoint == NULL) {
        return NGX_ERROR;
    }

    endpoint->pending = pending;

    if (ngx_http_jamhook_sqlite_show_counts(shown->session, named->id, first,
                                            endpoint)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_http_jamhook_sqlite_show_last(shown, named->id, endpoint);
}


static ngx_int_t
ngx_http_jamhook_sqlite_show_counts(ngx_http_jamhook_sqlite_t *s, int64_t id,
    int64_t first, ngx_http_jamhook_shown_endpoint_t *endpoint)
{
    ngx_int_t                        rc;
    ngx_http_jamhook_sqlite_query_t  q;

    if (ngx_http_jamhook_sqlite_show_count(s,
                                           NGX_HTTP_JAMHOOK_SQL_COUNT_FAILED,
                                           id, &endpoint->failed, NULL)
        != NGX_OK
        || ngx_http_jamhook_sqlite_show_count(s,
                                              NGX_HTTP_JAMHOOK_SQL_TALLY_READ,
                                              id, &endpoint->succeeded, NULL)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (endpoint->pending == 0) {
        return NGX_OK;
    }

    ngx_http_jamhook_sqlite_query(&q, s, NGX_HTTP_JAMHOOK_SQL_TIME_OF_EVENT);
    ngx_http_jamhook_sqlite_int(&q, first);

    rc = ngx_http_jamhook_sqlite_row(&q);

    if (rc == NGX_OK) {
        endpoint->oldest_at = ngx_http_jamhook_sqlite_column(&q, 1);
        ngx_http_jamhook_sqlite_end(&q);
    }

    return (rc == NGX_ERROR) ? NGX_ERROR : NGX_OK;
}


/* no row is none; first may be NULL */

static ngx_int_t
ngx_http_jamhook_sqlite_show_count(ngx_http_jamhook_sqlite_t *s,
    ngx_http_jamhook_sql_e sql, int64_t id, int64_t *n, int64_t *first)
{
    ngx_int_t                        rc;
    ngx_http_jamhook_sqlite_query_t  q;

    ngx_http_jamhook_sqlite_query(&q, s, sql);
    ngx_http_jamhook_sqlite_int(&q, id);

    rc = ngx_http_jamhook_sqlite_row(&q);

    if (rc != NGX_OK) {
        return (rc == NGX_DONE) ? NGX_OK : NGX_ERROR;
    }

    *n = ngx_http_jamhook_sqlite_column(&q, 0);

    if (first != NULL) {
        *first = ngx_http_jamhook_sqlite_column(&q, 1);
    }

    ngx_http_jamhook_sqlite_end(&q);

    return NGX_OK;
}


static ngx_int_t
ngx_http_jamhook_sqlite_show_last(ngx_http_jamhook_shown_t *shown,
    int64_t id, ngx_http_jamhook_shown_endpoint_t *endpoint)
{
    int64_t                            seq;
    ngx_int_t                          rc;
    ngx_http_jamhook_shown_attempt_t  *attempt;

    seq = 0;

    if (ngx_http_jamhook_sqlite_show_count(shown->session,
                                         NGX_HTTP_JAMHOOK_SQL_LAST_ATTEMPT_OF,
                                           id, &seq, NULL)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (seq == 0) {
        return NGX_OK;
    }

    attempt = ngx_palloc(shown->pool,
                         sizeof(ngx_http_jamhook_shown_attempt_t));
    if (attempt == NULL) {
        return ngx_http_jamhook_sqlite_fail(shown->session, SQLITE_NOMEM);
    }

    rc = ngx_http_jamhook_sqlite_shown_attempt(shown, seq, INT64_MIN,
                                              NGX_HTTP_JAMHOOK_SQLITE_FOREVER,
                                               attempt);
    if (rc == NGX_OK) {
        endpoint->last = attempt;
    }

    return (rc == NGX_ERROR) ? NGX_ERROR : NGX_OK;
}


/* they are few, and lie by their owners */

static ngx_int_t
ngx_http_jamhook_sqlite_show_sending(ngx_http_jamhook_shown_t *shown,
    ngx_http_jamhook_op_endpoints_t *op)
{
    ngx_int_t                           rc;
    ngx_http_jamhook_named_t           *named;
    ngx_http_jamhook_sqlite_query_t     q;
    ngx_http_jamhook_shown_endpoint_t  *endpoint;

    ngx_http_jamhook_sqlite_query(&q, shown->session,
                                  NGX_HTTP_JAMHOOK_SQL_LIST_SENDING);

    for ( ;; ) {
        rc = ngx_http_jamhook_sqlite_row(&q);

        if (rc != NGX_OK) {
            return (rc == NGX_DONE) ? NGX_OK : NGX_ERROR;
        }

        named = ngx_http_jamhook_shown_id(shown,
                                       ngx_http_jamhook_sqlite_column(&q, 0));

        endpoint = named
                       ? ngx_http_jamhook_shown_endpoint_find(shown, op, named)
                       : NULL;

        if (endpoint != NULL) {
            endpoint->sending++;
        }
    }
}
