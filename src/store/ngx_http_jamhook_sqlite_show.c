
#include "ngx_http_jamhook_sqlite_shown.h"


/*
 * Attempts of one delivery, and of all of an event's: older ones are left out.
 * Bytes of these: beyond them older ones have no bodies, nor headers.
 */
#define NGX_HTTP_JAMHOOK_SQLITE_OF_ONE   1000
#define NGX_HTTP_JAMHOOK_SQLITE_OF_ALL   20000
#define NGX_HTTP_JAMHOOK_SQLITE_BYTES    (16 * 1024 * 1024)


static ngx_int_t ngx_http_jamhook_sqlite_show_event(
    ngx_http_jamhook_sqlite_shown_t *shown,
    ngx_http_jamhook_shown_event_t *event);
static ngx_int_t ngx_http_jamhook_sqlite_show_body(
    ngx_http_jamhook_sqlite_shown_t *shown,
    ngx_http_jamhook_shown_event_t *event);
static ngx_int_t ngx_http_jamhook_sqlite_show_attempts(
    ngx_http_jamhook_sqlite_shown_t *shown,
    ngx_http_jamhook_shown_event_t *event);
static ngx_int_t ngx_http_jamhook_sqlite_show_attempt(
    ngx_http_jamhook_sqlite_shown_t *shown, ngx_http_jamhook_sqlite_query_t *q,
    ngx_http_jamhook_shown_event_t *event, size_t *bytes);
static ngx_http_jamhook_shown_delivery_t *ngx_http_jamhook_sqlite_show_whose(
    ngx_http_jamhook_shown_event_t *event,
    ngx_http_jamhook_sqlite_named_t *named);
static ngx_int_t ngx_http_jamhook_sqlite_show_bodies(
    ngx_http_jamhook_sqlite_shown_t *shown, ngx_http_jamhook_sqlite_query_t *q,
    ngx_http_jamhook_shown_attempt_t *attempt, size_t *bytes);
static void ngx_http_jamhook_sqlite_show_sort(ngx_array_t *attempts);

static ngx_int_t ngx_http_jamhook_sqlite_show_endpoint(
    ngx_http_jamhook_sqlite_shown_t *shown,
    ngx_http_jamhook_op_endpoints_t *op, ngx_str_t *name,
    ngx_http_jamhook_sqlite_named_t *named);
static ngx_int_t ngx_http_jamhook_sqlite_show_counts(
    ngx_http_jamhook_sqlite_t *s, int64_t id,
    ngx_http_jamhook_shown_endpoint_t *endpoint);
static ngx_int_t ngx_http_jamhook_sqlite_show_count(
    ngx_http_jamhook_sqlite_t *s, ngx_http_jamhook_sql_e sql, int64_t id,
    int64_t *n, int64_t *first);
static ngx_int_t ngx_http_jamhook_sqlite_show_last(
    ngx_http_jamhook_sqlite_shown_t *shown, int64_t id,
    ngx_http_jamhook_shown_endpoint_t *endpoint);
static ngx_int_t ngx_http_jamhook_sqlite_show_sending(
    ngx_http_jamhook_sqlite_shown_t *shown,
    ngx_http_jamhook_op_endpoints_t *op);


ngx_int_t
ngx_http_jamhook_sqlite_op_show(ngx_http_jamhook_sqlite_t *s,
    ngx_http_jamhook_op_t *o)
{
    int64_t                          seq;
    ngx_int_t                        rc;
    ngx_http_jamhook_op_show_t      *op = (ngx_http_jamhook_op_show_t *) o;
    ngx_http_jamhook_shown_event_t  *event;
    ngx_http_jamhook_sqlite_query_t  q;
    ngx_http_jamhook_sqlite_shown_t  shown;

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
ngx_http_jamhook_sqlite_show_event(ngx_http_jamhook_sqlite_shown_t *shown,
    ngx_http_jamhook_shown_event_t *event)
{
    ngx_int_t                        rc;
    ngx_str_t                        any;
    ngx_http_jamhook_sqlite_query_t  q;

    ngx_str_null(&any);

    ngx_http_jamhook_sqlite_query(&q, shown->s,
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

    rc = ngx_http_jamhook_sqlite_shown_event(shown, &q, event);

    ngx_http_jamhook_sqlite_end(&q);

    return rc;
}


static ngx_int_t
ngx_http_jamhook_sqlite_show_body(ngx_http_jamhook_sqlite_shown_t *shown,
    ngx_http_jamhook_shown_event_t *event)
{
    ngx_int_t                        rc;
    ngx_http_jamhook_sqlite_query_t  q;

    ngx_http_jamhook_sqlite_query(&q, shown->s,
                                  NGX_HTTP_JAMHOOK_SQL_SHOW_BODY);
    ngx_http_jamhook_sqlite_int(&q, event->event);

    if (ngx_http_jamhook_sqlite_row(&q) != NGX_OK) {
        return NGX_ERROR;
    }

    rc = ngx_http_jamhook_sqlite_shown_str(shown, &q, 0, &event->headers);

    if (rc == NGX_OK) {
        rc = ngx_http_jamhook_sqlite_shown_str(shown, &q, 1, &event->body);
    }

    ngx_http_jamhook_sqlite_end(&q);

    return rc;
}


/* from the newest on, so that it is the older ones that are left out */

static ngx_int_t
ngx_http_jamhook_sqlite_show_attempts(ngx_http_jamhook_sqlite_shown_t *shown,
    ngx_http_jamhook_shown_event_t *event)
{
    size_t                              bytes;
    ngx_int_t                           rc;
    ngx_uint_t                          i;
    ngx_http_jamhook_sqlite_query_t     q;
    ngx_http_jamhook_shown_delivery_t  *d;

    d = event->deliveries.elts;

    for (i = 0; i < event->deliveries.nelts; i++) {
        if (ngx_array_init(&d[i].attempts, shown->pool, 2,
                           sizeof(ngx_http_jamhook_shown_attempt_t))
            != NGX_OK)
        {
            return ngx_http_jamhook_sqlite_fail(shown->s, SQLITE_NOMEM);
        }
    }

    bytes = event->headers.len + event->body.len;

    ngx_http_jamhook_sqlite_query(&q, shown->s,
                                  NGX_HTTP_JAMHOOK_SQL_SHOW_ATTEMPTS);
    ngx_http_jamhook_sqlite_int(&q, event->event);
    ngx_http_jamhook_sqlite_int(&q, NGX_HTTP_JAMHOOK_SQLITE_OF_ALL);

    for ( ;; ) {
        rc = ngx_http_jamhook_sqlite_row(&q);

        if (rc == NGX_ERROR) {
            return NGX_ERROR;
        }

        if (rc == NGX_DONE) {
            break;
        }

        if (ngx_http_jamhook_sqlite_show_attempt(shown, &q, event, &bytes)
            != NGX_OK)
        {
            ngx_http_jamhook_sqlite_end(&q);
            return NGX_ERROR;
        }
    }

    for (i = 0; i < event->deliveries.nelts; i++) {
        ngx_http_jamhook_sqlite_show_sort(&d[i].attempts);
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_jamhook_sqlite_show_attempt(ngx_http_jamhook_sqlite_shown_t *shown,
    ngx_http_jamhook_sqlite_query_t *q, ngx_http_jamhook_shown_event_t *event,
    size_t *bytes)
{
    ngx_http_jamhook_sqlite_named_t    *named;
    ngx_http_jamhook_shown_attempt_t   *attempt;
    ngx_http_jamhook_shown_delivery_t  *d;

    named = ngx_http_jamhook_sqlite_shown_id(shown,
                                        ngx_http_jamhook_sqlite_column(q, 1));
    d = ngx_http_jamhook_sqlite_show_whose(event, named);

    if (d == NULL
        || d->attempts.nelts == NGX_HTTP_JAMHOOK_SQLITE_OF_ONE)
    {
        return NGX_OK;
    }

    attempt = ngx_array_push(&d->attempts);
    if (attempt == NULL) {
        return ngx_http_jamhook_sqlite_fail(shown->s, SQLITE_NOMEM);
    }

    if (ngx_http_jamhook_sqlite_shown_attempt(shown, q, attempt) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_http_jamhook_sqlite_show_bodies(shown, q, attempt, bytes);
}


/* names are not copied, so they need not be compared */

static ngx_http_jamhook_shown_delivery_t *
ngx_http_jamhook_sqlite_show_whose(ngx_http_jamhook_shown_event_t *event,
    ngx_http_jamhook_sqlite_named_t *named)
{
    ngx_uint_t                          i;
    ngx_http_jamhook_shown_delivery_t  *d;

    d = event->deliveries.elts;

    for (i = 0; named != NULL && i < event->deliveries.nelts; i++) {
        if (d[i].endpoint.data == named->name.data) {
            return &d[i];
        }
    }

    return NULL;
}


static ngx_int_t
ngx_http_jamhook_sqlite_show_bodies(ngx_http_jamhook_sqlite_shown_t *shown,
    ngx_http_jamhook_sqlite_query_t *q,
    ngx_http_jamhook_shown_attempt_t *attempt, size_t *bytes)
{
    ngx_str_t   *strings[4];
    ngx_uint_t   i;

    attempt->truncated = (ngx_http_jamhook_sqlite_column(q, 9) != 0);

    if (*bytes >= NGX_HTTP_JAMHOOK_SQLITE_BYTES) {
        attempt->truncated = 1;
        return NGX_OK;
    }

    strings[0] = &attempt->request_headers;
    strings[1] = &attempt->request_body;
    strings[2] = &attempt->response_headers;
    strings[3] = &attempt->response_body;

    for (i = 0; i < 4; i++) {
        if (ngx_http_jamhook_sqlite_shown_str(shown, q, 10 + i, strings[i])
            != NGX_OK)
        {
            return NGX_ERROR;
        }

        *bytes += strings[i]->len;
    }

    return NGX_OK;
}


/*
 * By number, those of the same as they were written.  They come the other way
 * round, and but for late ones that is all there is to do.
 */

static void
ngx_http_jamhook_sqlite_show_sort(ngx_array_t *attempts)
{
    ngx_uint_t                         i, j, n;
    ngx_http_jamhook_shown_attempt_t  *attempt, one;

    attempt = attempts->elts;
    n = attempts->nelts;

    for (i = 0; i < n / 2; i++) {
        one = attempt[i];
        attempt[i] = attempt[n - 1 - i];
        attempt[n - 1 - i] = one;
    }

    for (i = 1; i < n; i++) {
        one = attempt[i];

        for (j = i; j > 0 && attempt[j - 1].number > one.number; j--) {
            attempt[j] = attempt[j - 1];
        }

        attempt[j] = one;
    }
}


ngx_int_t
ngx_http_jamhook_sqlite_op_endpoints(ngx_http_jamhook_sqlite_t *s,
    ngx_http_jamhook_op_t *o)
{
    ngx_uint_t                        i;
    ngx_http_jamhook_sqlite_named_t  *named;
    ngx_http_jamhook_op_endpoints_t  *op;
    ngx_http_jamhook_sqlite_shown_t   shown;

    op = (ngx_http_jamhook_op_endpoints_t *) o;

    if (ngx_http_jamhook_sqlite_shown_init(&shown, s, op->pool) != NGX_OK) {
        return NGX_ERROR;
    }

    if (ngx_array_init(&op->endpoints, op->pool, s->conf->nendpoints + 1,
                       sizeof(ngx_http_jamhook_shown_endpoint_t))
        != NGX_OK)
    {
        return ngx_http_jamhook_sqlite_fail(s, SQLITE_NOMEM);
    }

    for (i = 0; i < s->conf->nendpoints; i++) {
        named = ngx_http_jamhook_sqlite_shown_id(&shown, s->endpoints[i].id);

        if (ngx_http_jamhook_sqlite_show_endpoint(&shown, op,
                                                  &s->conf->endpoints[i],
                                                  named)
            != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    named = shown.named.elts;

    for (i = 0; i < shown.named.nelts; i++) {

        if (named[i].index == NGX_HTTP_JAMHOOK_NO_ENDPOINT
            && ngx_http_jamhook_sqlite_show_endpoint(&shown, op,
                                                     &named[i].name, &named[i])
               != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return ngx_http_jamhook_sqlite_show_sending(&shown, op);
}


/* named NULL: it is configured, and no worker has told the store yet */

static ngx_int_t
ngx_http_jamhook_sqlite_show_endpoint(ngx_http_jamhook_sqlite_shown_t *shown,
    ngx_http_jamhook_op_endpoints_t *op, ngx_str_t *name,
    ngx_http_jamhook_sqlite_named_t *named)
{
    ngx_http_jamhook_shown_endpoint_t  *endpoint;

    endpoint = ngx_array_push(&op->endpoints);
    if (endpoint == NULL) {
        return ngx_http_jamhook_sqlite_fail(shown->s, SQLITE_NOMEM);
    }

    ngx_memzero(endpoint, sizeof(ngx_http_jamhook_shown_endpoint_t));

    endpoint->name = *name;

    if (named == NULL) {
        endpoint->index = op->endpoints.nelts - 1;
        return NGX_OK;
    }

    endpoint->index = named->index;
    endpoint->paused = named->paused;
    endpoint->paused_at = named->paused_at;
    endpoint->failing_since = named->failing_since;

    if (ngx_http_jamhook_sqlite_show_counts(shown->s, named->id, endpoint)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (endpoint->index == NGX_HTTP_JAMHOOK_NO_ENDPOINT
        && endpoint->pending == 0)
    {
        op->endpoints.nelts--;
        return NGX_OK;
    }

    return ngx_http_jamhook_sqlite_show_last(shown, named->id, endpoint);
}


static ngx_int_t
ngx_http_jamhook_sqlite_show_counts(ngx_http_jamhook_sqlite_t *s, int64_t id,
    ngx_http_jamhook_shown_endpoint_t *endpoint)
{
    int64_t                          first;
    ngx_int_t                        rc;
    ngx_http_jamhook_sqlite_query_t  q;

    if (ngx_http_jamhook_sqlite_show_count(s,
                                           NGX_HTTP_JAMHOOK_SQL_COUNT_PENDING,
                                           id, &endpoint->pending, &first)
        != NGX_OK
        || ngx_http_jamhook_sqlite_show_count(s,
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
ngx_http_jamhook_sqlite_show_last(ngx_http_jamhook_sqlite_shown_t *shown,
    int64_t id, ngx_http_jamhook_shown_endpoint_t *endpoint)
{
    int64_t                            seq;
    ngx_int_t                          rc;
    ngx_http_jamhook_shown_attempt_t  *attempt;

    seq = 0;

    if (ngx_http_jamhook_sqlite_show_count(shown->s,
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
        return ngx_http_jamhook_sqlite_fail(shown->s, SQLITE_NOMEM);
    }

    rc = ngx_http_jamhook_sqlite_shown_attempt_read(shown, seq, INT64_MIN,
                                              NGX_HTTP_JAMHOOK_SQLITE_FOREVER,
                                                    attempt);
    if (rc == NGX_OK) {
        endpoint->last = attempt;
    }

    return (rc == NGX_ERROR) ? NGX_ERROR : NGX_OK;
}


/* they are few, and lie by their owners */

static ngx_int_t
ngx_http_jamhook_sqlite_show_sending(ngx_http_jamhook_sqlite_shown_t *shown,
    ngx_http_jamhook_op_endpoints_t *op)
{
    ngx_int_t                           rc;
    ngx_uint_t                          i;
    ngx_http_jamhook_sqlite_named_t    *named;
    ngx_http_jamhook_sqlite_query_t     q;
    ngx_http_jamhook_shown_endpoint_t  *endpoint;

    endpoint = op->endpoints.elts;

    ngx_http_jamhook_sqlite_query(&q, shown->s,
                                  NGX_HTTP_JAMHOOK_SQL_LIST_SENDING);

    for ( ;; ) {
        rc = ngx_http_jamhook_sqlite_row(&q);

        if (rc != NGX_OK) {
            return (rc == NGX_DONE) ? NGX_OK : NGX_ERROR;
        }

        named = ngx_http_jamhook_sqlite_shown_id(shown,
                                       ngx_http_jamhook_sqlite_column(&q, 0));

        if (named == NULL) {
            continue;
        }

        /* the configured ones come first, in their order */

        if (named->index != NGX_HTTP_JAMHOOK_NO_ENDPOINT) {
            endpoint[named->index].sending++;
            continue;
        }

        for (i = shown->s->conf->nendpoints; i < op->endpoints.nelts; i++) {
            if (endpoint[i].name.data == named->name.data) {
                endpoint[i].sending++;
            }
        }
    }
}
