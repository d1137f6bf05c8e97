
#include "ngx_http_jamhook_pgsql_shown.h"


/* columns behind those of an event, and in front of the last attempt's */

#define NGX_HTTP_JAMHOOK_PGSQL_OF_EVENT  12
#define NGX_HTTP_JAMHOOK_PGSQL_LAST      6


/* SHOW while it is read. */
typedef struct {
    ngx_http_jamhook_shown_t            shown;
    ngx_http_jamhook_op_show_t         *op;
    ngx_http_jamhook_shown_event_t     *event;   /* NULL: there is none */
} ngx_http_jamhook_pgsql_show_t;


static ngx_int_t ngx_http_jamhook_pgsql_show_send(
    ngx_http_jamhook_pgsql_show_t *show);
static ngx_int_t ngx_http_jamhook_pgsql_show_event(ngx_http_jamhook_pgsql_t *s,
    PGresult *res, void *data);
static ngx_int_t ngx_http_jamhook_pgsql_show_deliveries(
    ngx_http_jamhook_pgsql_t *s, PGresult *res, void *data);
static ngx_int_t ngx_http_jamhook_pgsql_show_attempts(
    ngx_http_jamhook_pgsql_t *s, PGresult *res, void *data);

static ngx_int_t ngx_http_jamhook_pgsql_show_endpoints(
    ngx_http_jamhook_shown_t *shown, ngx_http_jamhook_op_endpoints_t *op,
    PGresult *res);
static ngx_int_t ngx_http_jamhook_pgsql_show_endpoint(
    ngx_http_jamhook_shown_t *shown, ngx_http_jamhook_op_endpoints_t *op,
    ngx_http_jamhook_pgsql_row_t *row);
static ngx_int_t ngx_http_jamhook_pgsql_show_last(
    ngx_http_jamhook_shown_t *shown, ngx_http_jamhook_pgsql_row_t *row,
    ngx_http_jamhook_shown_endpoint_t *endpoint);


/* all of it in one round trip */

ngx_int_t
ngx_http_jamhook_pgsql_op_show(ngx_http_jamhook_pgsql_t *s,
    ngx_http_jamhook_op_t *o)
{
    ngx_http_jamhook_op_show_t     *op = (ngx_http_jamhook_op_show_t *) o;
    ngx_http_jamhook_pgsql_show_t   show;

    op->event = NULL;

    show.op = op;
    show.event = NULL;

    if (ngx_http_jamhook_pgsql_shown_init(&show.shown, s, op->pool) != NGX_OK
        || ngx_http_jamhook_pgsql_show_send(&show) != NGX_OK
        || ngx_http_jamhook_pgsql_flush(s) != NGX_OK)
    {
        return NGX_ERROR;
    }

    op->event = show.event;

    return NGX_OK;
}


static ngx_int_t
ngx_http_jamhook_pgsql_show_send(ngx_http_jamhook_pgsql_show_t *show)
{
    ngx_http_jamhook_pgsql_t        *s;
    ngx_http_jamhook_pgsql_query_t   q;

    s = show->shown.session;

    ngx_http_jamhook_pgsql_query(&q, s, NGX_HTTP_JAMHOOK_PGSQL_SHOW_EVENT);
    ngx_http_jamhook_pgsql_text(&q, &show->op->id);

    if (ngx_http_jamhook_pgsql_send(&q, ngx_http_jamhook_pgsql_show_event,
                                    show)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    ngx_http_jamhook_pgsql_query(&q, s,
                                 NGX_HTTP_JAMHOOK_PGSQL_SHOW_DELIVERIES);
    ngx_http_jamhook_pgsql_text(&q, &show->op->id);

    if (ngx_http_jamhook_pgsql_send(&q, ngx_http_jamhook_pgsql_show_deliveries,
                                    show)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    ngx_http_jamhook_pgsql_query(&q, s, NGX_HTTP_JAMHOOK_PGSQL_SHOW_ATTEMPTS);
    ngx_http_jamhook_pgsql_text(&q, &show->op->id);
    ngx_http_jamhook_pgsql_int(&q, NGX_HTTP_JAMHOOK_SHOWN_OF_ALL);
    ngx_http_jamhook_pgsql_int(&q, NGX_HTTP_JAMHOOK_SHOWN_OF_ONE);
    ngx_http_jamhook_pgsql_int(&q, NGX_HTTP_JAMHOOK_SHOWN_BYTES);

    return ngx_http_jamhook_pgsql_send(&q,
                                       ngx_http_jamhook_pgsql_show_attempts,
                                       show);
}


static ngx_int_t
ngx_http_jamhook_pgsql_show_event(ngx_http_jamhook_pgsql_t *s, PGresult *res,
    void *data)
{
    ngx_http_jamhook_pgsql_show_t *show = data;

    ngx_http_jamhook_pgsql_row_t     row;
    ngx_http_jamhook_shown_event_t  *event;

    if (PQntuples(res) == 0) {
        return NGX_OK;
    }

    event = ngx_pcalloc(show->op->pool,
                        sizeof(ngx_http_jamhook_shown_event_t));
    if (event == NULL) {
        return ngx_http_jamhook_pgsql_fail_memory(s);
    }

    row.s = s;
    row.res = res;
    row.row = 0;
    row.first = 0;

    if (ngx_http_jamhook_shown_event(&show->shown, &row, event) != NGX_OK
        || ngx_http_jamhook_shown_deliveries(&show->shown, event) != NGX_OK)
    {
        return NGX_ERROR;
    }

    event->event = ngx_http_jamhook_pgsql_column(res, 0,
                                             NGX_HTTP_JAMHOOK_PGSQL_OF_EVENT);
    show->event = event;

    if (ngx_http_jamhook_pgsql_copy(s, show->op->pool, res, 0,
                                    NGX_HTTP_JAMHOOK_PGSQL_OF_EVENT + 1,
                                    &event->headers)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_http_jamhook_pgsql_copy(s, show->op->pool, res, 0,
                                       NGX_HTTP_JAMHOOK_PGSQL_OF_EVENT + 2,
                                       &event->body);
}


static ngx_int_t
ngx_http_jamhook_pgsql_show_deliveries(ngx_http_jamhook_pgsql_t *s,
    PGresult *res, void *data)
{
    ngx_http_jamhook_pgsql_show_t *show = data;

    ngx_http_jamhook_pgsql_row_t  row;

    if (show->event == NULL) {
        return NGX_OK;
    }

    row.s = s;
    row.res = res;
    row.first = 0;

    for (row.row = 0; row.row < PQntuples(res); row.row++) {
        if (ngx_http_jamhook_shown_delivery(&show->shown, &row, show->event)
            != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    ngx_http_jamhook_shown_deliveries_sort(show->event);

    return ngx_http_jamhook_shown_attempts(&show->shown, show->event);
}


static ngx_int_t
ngx_http_jamhook_pgsql_show_attempts(ngx_http_jamhook_pgsql_t *s,
    PGresult *res, void *data)
{
    ngx_http_jamhook_pgsql_show_t *show = data;

    size_t                        bytes;
    ngx_http_jamhook_pgsql_row_t  row;

    if (show->event == NULL) {
        return NGX_OK;
    }

    bytes = show->event->headers.len + show->event->body.len;

    row.s = s;
    row.res = res;
    row.first = 0;

    for (row.row = 0; row.row < PQntuples(res); row.row++) {
        if (ngx_http_jamhook_shown_attempt_of(&show->shown, &row, show->event,
                                              &bytes)
            != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    ngx_http_jamhook_shown_attempts_sort(show->event);

    return NGX_OK;
}


ngx_int_t
ngx_http_jamhook_pgsql_op_endpoints(ngx_http_jamhook_pgsql_t *s,
    ngx_http_jamhook_op_t *o)
{
    PGresult                         *res;
    ngx_int_t                         rc;
    ngx_uint_t                        i;
    ngx_http_jamhook_shown_t          shown;
    ngx_http_jamhook_pgsql_array_t    names;
    ngx_http_jamhook_pgsql_query_t    q;
    ngx_http_jamhook_op_endpoints_t  *op;

    op = (ngx_http_jamhook_op_endpoints_t *) o;

    if (ngx_http_jamhook_pgsql_shown_init(&shown, s, op->pool) != NGX_OK) {
        return NGX_ERROR;
    }

    ngx_memzero(&names, sizeof(ngx_http_jamhook_pgsql_array_t));

    ngx_http_jamhook_pgsql_query(&q, s, NGX_HTTP_JAMHOOK_PGSQL_SHOW_ENDPOINTS);

    for (i = 0; i < s->conf->nendpoints; i++) {
        ngx_http_jamhook_pgsql_array_text(&q, &names, &s->conf->endpoints[i]);
    }

    ngx_http_jamhook_pgsql_texts(&q, &names);

    res = ngx_http_jamhook_pgsql_ask(&q);

    if (res == NULL) {
        return NGX_ERROR;
    }

    rc = ngx_http_jamhook_pgsql_show_endpoints(&shown, op, res);

    PQclear(res);

    return rc;
}


static ngx_int_t
ngx_http_jamhook_pgsql_show_endpoints(ngx_http_jamhook_shown_t *shown,
    ngx_http_jamhook_op_endpoints_t *op, PGresult *res)
{
    ngx_http_jamhook_pgsql_row_t  row;

    if (ngx_http_jamhook_shown_endpoints(shown, op) != NGX_OK) {
        return NGX_ERROR;
    }

    row.s = shown->session;
    row.res = res;
    row.first = NGX_HTTP_JAMHOOK_PGSQL_LAST + 1;

    for (row.row = 0; row.row < PQntuples(res); row.row++) {
        if (ngx_http_jamhook_pgsql_show_endpoint(shown, op, &row) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_jamhook_pgsql_show_endpoint(ngx_http_jamhook_shown_t *shown,
    ngx_http_jamhook_op_endpoints_t *op, ngx_http_jamhook_pgsql_row_t *row)
{
    ngx_http_jamhook_named_t           *named;
    ngx_http_jamhook_shown_endpoint_t  *endpoint;

    named = ngx_http_jamhook_shown_id(shown,
                                      ngx_http_jamhook_pgsql_column(row->res,
                                                                row->row, 0));
    if (named == NULL) {
        return NGX_OK;
    }

    endpoint = ngx_http_jamhook_shown_endpoint_add(shown, op, named);
    if (endpoint == NULL) {
        return NGX_ERROR;
    }

    endpoint->pending = ngx_http_jamhook_pgsql_column(row->res, row->row, 1);
    endpoint->failed = ngx_http_jamhook_pgsql_column(row->res, row->row, 2);
    endpoint->succeeded = ngx_http_jamhook_pgsql_column(row->res, row->row, 3);
    endpoint->sending = ngx_http_jamhook_pgsql_column(row->res, row->row, 4);
    endpoint->oldest_at = ngx_http_jamhook_pgsql_column(row->res, row->row, 5);

    return ngx_http_jamhook_pgsql_show_last(shown, row, endpoint);
}


static ngx_int_t
ngx_http_jamhook_pgsql_show_last(ngx_http_jamhook_shown_t *shown,
    ngx_http_jamhook_pgsql_row_t *row,
    ngx_http_jamhook_shown_endpoint_t *endpoint)
{
    ngx_http_jamhook_shown_attempt_t  *attempt;

    if (PQgetisnull(row->res, row->row, NGX_HTTP_JAMHOOK_PGSQL_LAST)) {
        return NGX_OK;
    }

    attempt = ngx_palloc(shown->pool,
                         sizeof(ngx_http_jamhook_shown_attempt_t));
    if (attempt == NULL) {
        return ngx_http_jamhook_pgsql_fail_memory(row->s);
    }

    if (ngx_http_jamhook_shown_listed(shown, row, attempt) != NGX_OK) {
        return NGX_ERROR;
    }

    attempt->seq = ngx_http_jamhook_pgsql_column(row->res, row->row,
                                                 NGX_HTTP_JAMHOOK_PGSQL_LAST);
    endpoint->last = attempt;

    return NGX_OK;
}
