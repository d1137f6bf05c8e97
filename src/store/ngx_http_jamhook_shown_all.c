
#include "ngx_http_jamhook_shown.h"


static ngx_http_jamhook_shown_delivery_t *ngx_http_jamhook_shown_whose(
    ngx_http_jamhook_shown_event_t *event, ngx_http_jamhook_named_t *named);
static ngx_int_t ngx_http_jamhook_shown_bodies(ngx_http_jamhook_shown_t *shown,
    void *row, ngx_http_jamhook_shown_attempt_t *attempt, size_t *bytes);
static void ngx_http_jamhook_shown_sort(ngx_array_t *attempts);


ngx_int_t
ngx_http_jamhook_shown_attempts(ngx_http_jamhook_shown_t *shown,
    ngx_http_jamhook_shown_event_t *event)
{
    ngx_uint_t                          i;
    ngx_http_jamhook_shown_delivery_t  *d;

    d = event->deliveries.elts;

    for (i = 0; i < event->deliveries.nelts; i++) {
        if (ngx_array_init(&d[i].attempts, shown->pool, 2,
                           sizeof(ngx_http_jamhook_shown_attempt_t))
            != NGX_OK)
        {
            return shown->rows->no_memory(shown->session);
        }
    }

    return NGX_OK;
}


/* from the newest on, so that it is the older ones that are left out */

ngx_int_t
ngx_http_jamhook_shown_attempt_of(ngx_http_jamhook_shown_t *shown, void *row,
    ngx_http_jamhook_shown_event_t *event, size_t *bytes)
{
    ngx_http_jamhook_named_t           *named;
    ngx_http_jamhook_shown_attempt_t   *attempt;
    ngx_http_jamhook_shown_delivery_t  *d;

    named = ngx_http_jamhook_shown_id(shown, shown->rows->column(row, 1));
    d = ngx_http_jamhook_shown_whose(event, named);

    if (d == NULL || d->attempts.nelts == NGX_HTTP_JAMHOOK_SHOWN_OF_ONE) {
        return NGX_OK;
    }

    attempt = ngx_array_push(&d->attempts);
    if (attempt == NULL) {
        return shown->rows->no_memory(shown->session);
    }

    if (ngx_http_jamhook_shown_attempt(shown, row, attempt) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_http_jamhook_shown_bodies(shown, row, attempt, bytes);
}


/* names are not copied, so they need not be compared */

static ngx_http_jamhook_shown_delivery_t *
ngx_http_jamhook_shown_whose(ngx_http_jamhook_shown_event_t *event,
    ngx_http_jamhook_named_t *named)
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
ngx_http_jamhook_shown_bodies(ngx_http_jamhook_shown_t *shown, void *row,
    ngx_http_jamhook_shown_attempt_t *attempt, size_t *bytes)
{
    ngx_str_t   *strings[4];
    ngx_uint_t   i;

    attempt->truncated = (shown->rows->column(row, 9) != 0);

    if (*bytes >= NGX_HTTP_JAMHOOK_SHOWN_BYTES) {
        attempt->truncated = 1;
        return NGX_OK;
    }

    strings[0] = &attempt->request_headers;
    strings[1] = &attempt->request_body;
    strings[2] = &attempt->response_headers;
    strings[3] = &attempt->response_body;

    for (i = 0; i < 4; i++) {
        if (shown->rows->string(shown, row, 10 + i, strings[i]) != NGX_OK) {
            return NGX_ERROR;
        }

        *bytes += strings[i]->len;
    }

    return NGX_OK;
}


void
ngx_http_jamhook_shown_attempts_sort(ngx_http_jamhook_shown_event_t *event)
{
    ngx_uint_t                          i;
    ngx_http_jamhook_shown_delivery_t  *d;

    d = event->deliveries.elts;

    for (i = 0; i < event->deliveries.nelts; i++) {
        ngx_http_jamhook_shown_sort(&d[i].attempts);
    }
}


/*
 * By number, those of the same as they were written.  They come the other way
 * round, and but for late ones that is all there is to do.
 */

static void
ngx_http_jamhook_shown_sort(ngx_array_t *attempts)
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


/* one that is configured, and no worker has told the store yet, has its name */

ngx_int_t
ngx_http_jamhook_shown_endpoints(ngx_http_jamhook_shown_t *shown,
    ngx_http_jamhook_op_endpoints_t *op)
{
    ngx_uint_t                          i, n;
    ngx_http_jamhook_named_t           *named;
    ngx_http_jamhook_shown_endpoint_t  *endpoint;

    n = shown->conf->nendpoints;

    if (ngx_array_init(&op->endpoints, op->pool, n + 1,
                       sizeof(ngx_http_jamhook_shown_endpoint_t))
        != NGX_OK)
    {
        return shown->rows->no_memory(shown->session);
    }

    op->endpoints.nelts = n;

    endpoint = op->endpoints.elts;
    ngx_memzero(endpoint, n * sizeof(ngx_http_jamhook_shown_endpoint_t));

    for (i = 0; i < n; i++) {
        endpoint[i].name = shown->conf->endpoints[i];
        endpoint[i].index = i;

        named = ngx_http_jamhook_shown_name(shown, &endpoint[i].name);

        if (named != NULL) {
            endpoint[i].paused = named->paused;
            endpoint[i].paused_at = named->paused_at;
            endpoint[i].failing_since = named->failing_since;
        }
    }

    return NGX_OK;
}


ngx_http_jamhook_shown_endpoint_t *
ngx_http_jamhook_shown_endpoint_find(ngx_http_jamhook_shown_t *shown,
    ngx_http_jamhook_op_endpoints_t *op, ngx_http_jamhook_named_t *named)
{
    ngx_uint_t                          i;
    ngx_http_jamhook_shown_endpoint_t  *endpoint;

    endpoint = op->endpoints.elts;

    if (named->index != NGX_HTTP_JAMHOOK_NO_ENDPOINT) {
        return &endpoint[named->index];
    }

    for (i = shown->conf->nendpoints; i < op->endpoints.nelts; i++) {
        if (endpoint[i].name.data == named->name.data) {
            return &endpoint[i];
        }
    }

    return NULL;
}


/* or finds it; NULL: no memory */

ngx_http_jamhook_shown_endpoint_t *
ngx_http_jamhook_shown_endpoint_add(ngx_http_jamhook_shown_t *shown,
    ngx_http_jamhook_op_endpoints_t *op, ngx_http_jamhook_named_t *named)
{
    ngx_http_jamhook_shown_endpoint_t  *endpoint;

    endpoint = ngx_http_jamhook_shown_endpoint_find(shown, op, named);

    if (endpoint != NULL) {
        return endpoint;
    }

    endpoint = ngx_array_push(&op->endpoints);

    if (endpoint == NULL) {
        (void) shown->rows->no_memory(shown->session);
        return NULL;
    }

    ngx_memzero(endpoint, sizeof(ngx_http_jamhook_shown_endpoint_t));

    endpoint->name = named->name;
    endpoint->index = NGX_HTTP_JAMHOOK_NO_ENDPOINT;
    endpoint->paused = named->paused;
    endpoint->paused_at = named->paused_at;
    endpoint->failing_since = named->failing_since;

    return endpoint;
}
