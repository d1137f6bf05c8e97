
#include "ngx_http_jamhook_sqlite_shown.h"


static ngx_int_t ngx_http_jamhook_sqlite_shown_named(
    ngx_http_jamhook_sqlite_shown_t *shown,
    ngx_http_jamhook_sqlite_query_t *q);
static ngx_int_t ngx_http_jamhook_sqlite_shown_configured(
    ngx_http_jamhook_sqlite_shown_t *shown);
static ngx_int_t ngx_http_jamhook_sqlite_shown_delivery(
    ngx_http_jamhook_sqlite_shown_t *shown, ngx_http_jamhook_sqlite_query_t *q,
    ngx_array_t *deliveries);
static int ngx_libc_cdecl ngx_http_jamhook_sqlite_shown_cmp(const void *one,
    const void *two);


/* all that the table has: a name of which nothing is left still has old rows */

ngx_int_t
ngx_http_jamhook_sqlite_shown_init(ngx_http_jamhook_sqlite_shown_t *shown,
    ngx_http_jamhook_sqlite_t *s, ngx_pool_t *pool)
{
    ngx_int_t                        rc;
    ngx_http_jamhook_sqlite_query_t  q;

    shown->s = s;
    shown->pool = pool;

    if (ngx_array_init(&shown->named, pool, s->conf->nendpoints + 1,
                       sizeof(ngx_http_jamhook_sqlite_named_t))
        != NGX_OK)
    {
        return ngx_http_jamhook_sqlite_fail(s, SQLITE_NOMEM);
    }

    ngx_http_jamhook_sqlite_query(&q, s, NGX_HTTP_JAMHOOK_SQL_SHOW_ENDPOINTS);

    for ( ;; ) {
        rc = ngx_http_jamhook_sqlite_row(&q);

        if (rc == NGX_ERROR) {
            return NGX_ERROR;
        }

        if (rc == NGX_DONE) {
            return ngx_http_jamhook_sqlite_shown_configured(shown);
        }

        if (ngx_http_jamhook_sqlite_shown_named(shown, &q) != NGX_OK) {
            ngx_http_jamhook_sqlite_end(&q);
            return NGX_ERROR;
        }
    }
}


static ngx_int_t
ngx_http_jamhook_sqlite_shown_named(ngx_http_jamhook_sqlite_shown_t *shown,
    ngx_http_jamhook_sqlite_query_t *q)
{
    int64_t                           paused;
    ngx_http_jamhook_sqlite_named_t  *named;

    named = ngx_array_push(&shown->named);
    if (named == NULL) {
        return ngx_http_jamhook_sqlite_fail(shown->s, SQLITE_NOMEM);
    }

    paused = ngx_http_jamhook_sqlite_column(q, 2);

    named->id = ngx_http_jamhook_sqlite_column(q, 0);
    named->index = NGX_HTTP_JAMHOOK_NO_ENDPOINT;
    named->paused = (paused >= 0 && paused <= NGX_HTTP_JAMHOOK_PAUSE_FAILING)
                        ? paused : NGX_HTTP_JAMHOOK_PAUSE_MANUAL;
    named->paused_at = ngx_http_jamhook_sqlite_column(q, 3);
    named->failing_since = ngx_http_jamhook_sqlite_column(q, 4);

    return ngx_http_jamhook_sqlite_shown_str(shown, q, 1, &named->name);
}


static ngx_int_t
ngx_http_jamhook_sqlite_shown_configured(
    ngx_http_jamhook_sqlite_shown_t *shown)
{
    ngx_uint_t                        i;
    ngx_http_jamhook_sqlite_t        *s;
    ngx_http_jamhook_sqlite_named_t  *named;

    s = shown->s;

    for (i = 0; i < s->conf->nendpoints; i++) {

        /* no writing session had it when this one was opened */

        if (s->endpoints[i].id == 0
            && ngx_http_jamhook_sqlite_endpoints_find(s) != NGX_OK)
        {
            return NGX_ERROR;
        }

        named = ngx_http_jamhook_sqlite_shown_id(shown, s->endpoints[i].id);

        if (named != NULL) {
            named->index = i;
        }
    }

    return NGX_OK;
}


ngx_http_jamhook_sqlite_named_t *
ngx_http_jamhook_sqlite_shown_id(ngx_http_jamhook_sqlite_shown_t *shown,
    int64_t id)
{
    ngx_uint_t                        low, high, middle;
    ngx_http_jamhook_sqlite_named_t  *named;

    named = shown->named.elts;
    low = 0;
    high = shown->named.nelts;

    while (low < high) {
        middle = low + (high - low) / 2;

        if (named[middle].id == id) {
            return &named[middle];
        }

        if (named[middle].id < id) {
            low = middle + 1;

        } else {
            high = middle;
        }
    }

    return NULL;
}


ngx_http_jamhook_sqlite_named_t *
ngx_http_jamhook_sqlite_shown_name(ngx_http_jamhook_sqlite_shown_t *shown,
    ngx_str_t *name)
{
    ngx_uint_t                        i;
    ngx_http_jamhook_sqlite_named_t  *named;

    named = shown->named.elts;

    for (i = 0; i < shown->named.nelts; i++) {
        if (named[i].name.len == name->len
            && ngx_memcmp(named[i].name.data, name->data, name->len) == 0)
        {
            return &named[i];
        }
    }

    return NULL;
}


ngx_uint_t
ngx_http_jamhook_sqlite_shown_is_held(ngx_http_jamhook_sqlite_named_t *named)
{
    return named == NULL
           || named->paused != NGX_HTTP_JAMHOOK_PAUSE_NONE
           || named->index == NGX_HTTP_JAMHOOK_NO_ENDPOINT;
}


ngx_http_jamhook_shown_e
ngx_http_jamhook_sqlite_shown_state(ngx_http_jamhook_sqlite_named_t *named,
    int64_t state)
{
    switch (state) {

    case NGX_HTTP_JAMHOOK_STATE_PENDING:
        return ngx_http_jamhook_sqlite_shown_is_held(named)
                   ? NGX_HTTP_JAMHOOK_SHOWN_PAUSED
                   : NGX_HTTP_JAMHOOK_SHOWN_PENDING;

    case NGX_HTTP_JAMHOOK_STATE_SENDING:
        return NGX_HTTP_JAMHOOK_SHOWN_SENDING;

    case NGX_HTTP_JAMHOOK_STATE_SUCCEEDED:
        return NGX_HTTP_JAMHOOK_SHOWN_SUCCEEDED;

    default:
        return NGX_HTTP_JAMHOOK_SHOWN_FAILED;
    }
}


ngx_int_t
ngx_http_jamhook_sqlite_shown_event(ngx_http_jamhook_sqlite_shown_t *shown,
    ngx_http_jamhook_sqlite_query_t *q, ngx_http_jamhook_shown_event_t *event)
{
    ngx_str_t   *strings[9];
    ngx_uint_t   i;

    event->received_at = ngx_http_jamhook_sqlite_column(q, 0);
    event->forgotten = (ngx_http_jamhook_sqlite_column(q, 1) != 0);
    event->size = ngx_http_jamhook_sqlite_column(q, 2);

    strings[0] = &event->id;
    strings[1] = &event->source;
    strings[2] = &event->event_id;
    strings[3] = &event->type;
    strings[4] = &event->created_at;
    strings[5] = &event->conversation_id;
    strings[6] = &event->jam_id;
    strings[7] = &event->recording_url;
    strings[8] = &event->key;

    for (i = 0; i < 9; i++) {
        if (ngx_http_jamhook_sqlite_shown_str(shown, q, 3 + i, strings[i])
            != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


ngx_int_t
ngx_http_jamhook_sqlite_shown_deliveries(
    ngx_http_jamhook_sqlite_shown_t *shown,
    ngx_http_jamhook_shown_event_t *event)
{
    ngx_int_t                        rc;
    ngx_http_jamhook_sqlite_query_t  q;

    if (ngx_array_init(&event->deliveries, shown->pool, 2,
                       sizeof(ngx_http_jamhook_shown_delivery_t))
        != NGX_OK)
    {
        return ngx_http_jamhook_sqlite_fail(shown->s, SQLITE_NOMEM);
    }

    ngx_http_jamhook_sqlite_query(&q, shown->s,
                                  NGX_HTTP_JAMHOOK_SQL_SHOW_DELIVERIES);
    ngx_http_jamhook_sqlite_int(&q, event->event);

    for ( ;; ) {
        rc = ngx_http_jamhook_sqlite_row(&q);

        if (rc == NGX_ERROR) {
            return NGX_ERROR;
        }

        if (rc == NGX_DONE) {
            break;
        }

        if (ngx_http_jamhook_sqlite_shown_delivery(shown, &q,
                                                   &event->deliveries)
            != NGX_OK)
        {
            ngx_http_jamhook_sqlite_end(&q);
            return NGX_ERROR;
        }
    }

    if (event->deliveries.nelts > 1) {
        ngx_qsort(event->deliveries.elts, event->deliveries.nelts,
                  sizeof(ngx_http_jamhook_shown_delivery_t),
                  ngx_http_jamhook_sqlite_shown_cmp);
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_jamhook_sqlite_shown_delivery(ngx_http_jamhook_sqlite_shown_t *shown,
    ngx_http_jamhook_sqlite_query_t *q, ngx_array_t *deliveries)
{
    ngx_http_jamhook_sqlite_named_t    *named;
    ngx_http_jamhook_shown_delivery_t  *d;

    d = ngx_array_push(deliveries);
    if (d == NULL) {
        return ngx_http_jamhook_sqlite_fail(shown->s, SQLITE_NOMEM);
    }

    ngx_memzero(d, sizeof(ngx_http_jamhook_shown_delivery_t));

    named = ngx_http_jamhook_sqlite_shown_id(shown,
                                        ngx_http_jamhook_sqlite_column(q, 0));

    if (named != NULL) {
        d->endpoint = named->name;
    }

    d->state = ngx_http_jamhook_sqlite_shown_state(named,
                                        ngx_http_jamhook_sqlite_column(q, 1));

    if (d->state == NGX_HTTP_JAMHOOK_SHOWN_PENDING) {
        d->next_at = ngx_http_jamhook_sqlite_column(q, 2);
    }

    if (d->state == NGX_HTTP_JAMHOOK_SHOWN_PAUSED) {
        d->unknown = (named == NULL
                      || named->index == NGX_HTTP_JAMHOOK_NO_ENDPOINT);
        d->paused = named ? named->paused : NGX_HTTP_JAMHOOK_PAUSE_NONE;
    }

    d->changed_at = ngx_http_jamhook_sqlite_column(q, 3);
    d->number = ngx_http_jamhook_sqlite_column(q, 4);
    d->replay = ngx_http_jamhook_sqlite_column(q, 5);

    return NGX_OK;
}


static int ngx_libc_cdecl
ngx_http_jamhook_sqlite_shown_cmp(const void *one, const void *two)
{
    const ngx_http_jamhook_shown_delivery_t  *first, *second;

    first = one;
    second = two;

    return ngx_memn2cmp(first->endpoint.data, second->endpoint.data,
                        first->endpoint.len, second->endpoint.len);
}


ngx_int_t
ngx_http_jamhook_sqlite_shown_attempt(ngx_http_jamhook_sqlite_shown_t *shown,
    ngx_http_jamhook_sqlite_query_t *q,
    ngx_http_jamhook_shown_attempt_t *attempt)
{
    int64_t                           trigger, result;
    ngx_http_jamhook_sqlite_named_t  *named;

    ngx_memzero(attempt, sizeof(ngx_http_jamhook_shown_attempt_t));

    named = ngx_http_jamhook_sqlite_shown_id(shown,
                                        ngx_http_jamhook_sqlite_column(q, 1));

    if (named != NULL) {
        attempt->endpoint = named->name;
    }

    trigger = ngx_http_jamhook_sqlite_column(q, 3);
    result = ngx_http_jamhook_sqlite_column(q, 4);

    attempt->event = ngx_http_jamhook_sqlite_column(q, 0);
    attempt->number = ngx_http_jamhook_sqlite_column(q, 2);
    attempt->trigger = (trigger == NGX_HTTP_JAMHOOK_TRIGGER_MANUAL)
                           ? NGX_HTTP_JAMHOOK_TRIGGER_MANUAL
                           : NGX_HTTP_JAMHOOK_TRIGGER_SCHEDULED;
    attempt->result = (result == NGX_HTTP_JAMHOOK_RESULT_SUCCEEDED
                       || result == NGX_HTTP_JAMHOOK_RESULT_FAILED)
                          ? result : NGX_HTTP_JAMHOOK_RESULT_INTERRUPTED;
    attempt->started_at = ngx_http_jamhook_sqlite_column(q, 5);
    attempt->duration = ngx_http_jamhook_sqlite_column(q, 6);
    attempt->status = ngx_http_jamhook_sqlite_column(q, 7);

    return ngx_http_jamhook_sqlite_shown_str(shown, q, 8, &attempt->error);
}


ngx_int_t
ngx_http_jamhook_sqlite_shown_attempt_read(
    ngx_http_jamhook_sqlite_shown_t *shown, int64_t seq, int64_t since,
    int64_t until, ngx_http_jamhook_shown_attempt_t *attempt)
{
    ngx_int_t                        rc;
    ngx_http_jamhook_sqlite_query_t  q;

    ngx_http_jamhook_sqlite_query(&q, shown->s,
                                  NGX_HTTP_JAMHOOK_SQL_SHOW_ATTEMPT);
    ngx_http_jamhook_sqlite_int(&q, seq);
    ngx_http_jamhook_sqlite_int(&q, since);
    ngx_http_jamhook_sqlite_int(&q, until);

    rc = ngx_http_jamhook_sqlite_row(&q);

    if (rc != NGX_OK) {
        return rc;
    }

    if (ngx_http_jamhook_sqlite_shown_attempt(shown, &q, attempt) != NGX_OK
        || ngx_http_jamhook_sqlite_shown_str(shown, &q, 9, &attempt->id)
           != NGX_OK
        || ngx_http_jamhook_sqlite_shown_str(shown, &q, 10, &attempt->type)
           != NGX_OK)
    {
        rc = NGX_ERROR;
    }

    attempt->seq = seq;

    ngx_http_jamhook_sqlite_end(&q);

    return rc;
}


ngx_int_t
ngx_http_jamhook_sqlite_shown_str(ngx_http_jamhook_sqlite_shown_t *shown,
    ngx_http_jamhook_sqlite_query_t *q, int column, ngx_str_t *value)
{
    const void  *data;

    ngx_str_null(value);

    if (sqlite3_column_type(q->st, column) == SQLITE_NULL) {
        return NGX_OK;
    }

    /* no data but a length of 0, or no memory */

    data = sqlite3_column_blob(q->st, column);

    if (data == NULL) {
        ngx_str_set(value, "");

        return (sqlite3_errcode(shown->s->db) == SQLITE_NOMEM)
                   ? ngx_http_jamhook_sqlite_fail(shown->s, SQLITE_NOMEM)
                   : NGX_OK;
    }

    value->len = sqlite3_column_bytes(q->st, column);
    value->data = ngx_pnalloc(shown->pool, value->len);

    if (value->data == NULL) {
        return ngx_http_jamhook_sqlite_fail(shown->s, SQLITE_NOMEM);
    }

    ngx_memcpy(value->data, data, value->len);

    return NGX_OK;
}
