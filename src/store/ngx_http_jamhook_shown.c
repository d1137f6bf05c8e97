
#include "ngx_http_jamhook_shown.h"


static int ngx_libc_cdecl ngx_http_jamhook_shown_cmp(const void *one,
    const void *two);


ngx_int_t
ngx_http_jamhook_shown_init(ngx_http_jamhook_shown_t *shown, void *session,
    ngx_http_jamhook_store_conf_t *conf, ngx_pool_t *pool,
    ngx_http_jamhook_shown_rows_t *rows)
{
    shown->session = session;
    shown->pool = pool;
    shown->conf = conf;
    shown->rows = rows;

    if (ngx_array_init(&shown->named, pool, conf->nendpoints + 1,
                       sizeof(ngx_http_jamhook_named_t))
        != NGX_OK)
    {
        return rows->no_memory(session);
    }

    return NGX_OK;
}


/* all that the table has: a name of which nothing is left still has old rows */

ngx_int_t
ngx_http_jamhook_shown_named(ngx_http_jamhook_shown_t *shown, void *row)
{
    int64_t                         paused;
    ngx_http_jamhook_named_t       *named;
    ngx_http_jamhook_shown_rows_t  *rows;

    rows = shown->rows;

    named = ngx_array_push(&shown->named);
    if (named == NULL) {
        return rows->no_memory(shown->session);
    }

    paused = rows->column(row, 2);

    named->id = rows->column(row, 0);
    named->index = NGX_HTTP_JAMHOOK_NO_ENDPOINT;
    named->paused = (paused >= 0 && paused <= NGX_HTTP_JAMHOOK_PAUSE_FAILING)
                        ? paused : NGX_HTTP_JAMHOOK_PAUSE_MANUAL;
    named->paused_at = rows->column(row, 3);
    named->failing_since = rows->column(row, 4);

    return rows->string(shown, row, 1, &named->name);
}


void
ngx_http_jamhook_shown_configured(ngx_http_jamhook_shown_t *shown)
{
    ngx_uint_t                 i;
    ngx_http_jamhook_named_t  *named;

    for (i = 0; i < shown->conf->nendpoints; i++) {
        named = ngx_http_jamhook_shown_name(shown, &shown->conf->endpoints[i]);

        if (named != NULL) {
            named->index = i;
        }
    }
}


ngx_http_jamhook_named_t *
ngx_http_jamhook_shown_id(ngx_http_jamhook_shown_t *shown, int64_t id)
{
    ngx_uint_t                 low, high, middle;
    ngx_http_jamhook_named_t  *named;

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


ngx_http_jamhook_named_t *
ngx_http_jamhook_shown_name(ngx_http_jamhook_shown_t *shown, ngx_str_t *name)
{
    ngx_uint_t                 i;
    ngx_http_jamhook_named_t  *named;

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
ngx_http_jamhook_shown_is_held(ngx_http_jamhook_named_t *named)
{
    return named == NULL
           || named->paused != NGX_HTTP_JAMHOOK_PAUSE_NONE
           || named->index == NGX_HTTP_JAMHOOK_NO_ENDPOINT;
}


ngx_http_jamhook_shown_e
ngx_http_jamhook_shown_state(ngx_http_jamhook_named_t *named, int64_t state)
{
    switch (state) {

    case NGX_HTTP_JAMHOOK_STATE_PENDING:
        return ngx_http_jamhook_shown_is_held(named)
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


ngx_uint_t
ngx_http_jamhook_shown_can_be(ngx_http_jamhook_named_t *named,
    ngx_http_jamhook_shown_e state)
{
    switch (state) {

    case NGX_HTTP_JAMHOOK_SHOWN_PENDING:
        return !ngx_http_jamhook_shown_is_held(named);

    case NGX_HTTP_JAMHOOK_SHOWN_PAUSED:
        return ngx_http_jamhook_shown_is_held(named);

    default:
        return 1;
    }
}


ngx_int_t
ngx_http_jamhook_shown_event(ngx_http_jamhook_shown_t *shown, void *row,
    ngx_http_jamhook_shown_event_t *event)
{
    ngx_str_t                      *strings[9];
    ngx_uint_t                      i;
    ngx_http_jamhook_shown_rows_t  *rows;

    rows = shown->rows;

    event->received_at = rows->column(row, 0);
    event->forgotten = (rows->column(row, 1) != 0);
    event->size = rows->column(row, 2);

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
        if (rows->string(shown, row, 3 + i, strings[i]) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


ngx_int_t
ngx_http_jamhook_shown_deliveries(ngx_http_jamhook_shown_t *shown,
    ngx_http_jamhook_shown_event_t *event)
{
    if (ngx_array_init(&event->deliveries, shown->pool, 2,
                       sizeof(ngx_http_jamhook_shown_delivery_t))
        != NGX_OK)
    {
        return shown->rows->no_memory(shown->session);
    }

    return NGX_OK;
}


ngx_int_t
ngx_http_jamhook_shown_delivery(ngx_http_jamhook_shown_t *shown, void *row,
    ngx_http_jamhook_shown_event_t *event)
{
    ngx_http_jamhook_named_t           *named;
    ngx_http_jamhook_shown_rows_t      *rows;
    ngx_http_jamhook_shown_delivery_t  *d;

    rows = shown->rows;

    d = ngx_array_push(&event->deliveries);
    if (d == NULL) {
        return rows->no_memory(shown->session);
    }

    ngx_memzero(d, sizeof(ngx_http_jamhook_shown_delivery_t));

    named = ngx_http_jamhook_shown_id(shown, rows->column(row, 0));

    if (named != NULL) {
        d->endpoint = named->name;
    }

    d->state = ngx_http_jamhook_shown_state(named, rows->column(row, 1));

    if (d->state == NGX_HTTP_JAMHOOK_SHOWN_PENDING) {
        d->next_at = rows->column(row, 2);
    }

    if (d->state == NGX_HTTP_JAMHOOK_SHOWN_PAUSED) {
        d->unknown = (named == NULL
                      || named->index == NGX_HTTP_JAMHOOK_NO_ENDPOINT);
        d->paused = named ? named->paused : NGX_HTTP_JAMHOOK_PAUSE_NONE;
    }

    d->changed_at = rows->column(row, 3);
    d->number = rows->column(row, 4);
    d->replay = rows->column(row, 5);

    return NGX_OK;
}


void
ngx_http_jamhook_shown_deliveries_sort(ngx_http_jamhook_shown_event_t *event)
{
    if (event->deliveries.nelts > 1) {
        ngx_qsort(event->deliveries.elts, event->deliveries.nelts,
                  sizeof(ngx_http_jamhook_shown_delivery_t),
                  ngx_http_jamhook_shown_cmp);
    }
}


static int ngx_libc_cdecl
ngx_http_jamhook_shown_cmp(const void *one, const void *two)
{
    const ngx_http_jamhook_shown_delivery_t  *first, *second;

    first = one;
    second = two;

    return ngx_memn2cmp(first->endpoint.data, second->endpoint.data,
                        first->endpoint.len, second->endpoint.len);
}


ngx_int_t
ngx_http_jamhook_shown_attempt(ngx_http_jamhook_shown_t *shown, void *row,
    ngx_http_jamhook_shown_attempt_t *attempt)
{
    int64_t                         trigger, result;
    ngx_http_jamhook_named_t       *named;
    ngx_http_jamhook_shown_rows_t  *rows;

    rows = shown->rows;

    ngx_memzero(attempt, sizeof(ngx_http_jamhook_shown_attempt_t));

    named = ngx_http_jamhook_shown_id(shown, rows->column(row, 1));

    if (named != NULL) {
        attempt->endpoint = named->name;
    }

    trigger = rows->column(row, 3);
    result = rows->column(row, 4);

    attempt->event = rows->column(row, 0);
    attempt->number = rows->column(row, 2);
    attempt->trigger = (trigger == NGX_HTTP_JAMHOOK_TRIGGER_MANUAL)
                           ? NGX_HTTP_JAMHOOK_TRIGGER_MANUAL
                           : NGX_HTTP_JAMHOOK_TRIGGER_SCHEDULED;
    attempt->result = (result == NGX_HTTP_JAMHOOK_RESULT_SUCCEEDED
                       || result == NGX_HTTP_JAMHOOK_RESULT_FAILED)
                          ? result : NGX_HTTP_JAMHOOK_RESULT_INTERRUPTED;
    attempt->started_at = rows->column(row, 5);
    attempt->duration = rows->column(row, 6);
    attempt->status = rows->column(row, 7);

    return rows->string(shown, row, 8, &attempt->error);
}


ngx_int_t
ngx_http_jamhook_shown_listed(ngx_http_jamhook_shown_t *shown, void *row,
    ngx_http_jamhook_shown_attempt_t *attempt)
{
    ngx_http_jamhook_shown_rows_t  *rows;

    rows = shown->rows;

    if (ngx_http_jamhook_shown_attempt(shown, row, attempt) != NGX_OK
        || rows->string(shown, row, 9, &attempt->id) != NGX_OK
        || rows->string(shown, row, 10, &attempt->type) != NGX_OK)
    {
        return NGX_ERROR;
    }

    return NGX_OK;
}
