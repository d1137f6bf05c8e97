
#include "ngx_http_jamhook_sqlite_shown.h"


static int64_t ngx_http_jamhook_sqlite_shown_column(void *row,
    ngx_uint_t column);
static ngx_int_t ngx_http_jamhook_sqlite_shown_string(
    ngx_http_jamhook_shown_t *shown, void *row, ngx_uint_t column,
    ngx_str_t *value);
static ngx_int_t ngx_http_jamhook_sqlite_shown_no_memory(void *session);


static ngx_http_jamhook_shown_rows_t  ngx_http_jamhook_sqlite_shown_rows = {
    ngx_http_jamhook_sqlite_shown_column,
    ngx_http_jamhook_sqlite_shown_string,
    ngx_http_jamhook_sqlite_shown_no_memory
};


ngx_int_t
ngx_http_jamhook_sqlite_shown_init(ngx_http_jamhook_shown_t *shown,
    ngx_http_jamhook_sqlite_t *s, ngx_pool_t *pool)
{
    ngx_int_t                        rc;
    ngx_http_jamhook_sqlite_query_t  q;

    if (ngx_http_jamhook_shown_init(shown, s, s->conf, pool,
                                    &ngx_http_jamhook_sqlite_shown_rows)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    ngx_http_jamhook_sqlite_query(&q, s, NGX_HTTP_JAMHOOK_SQL_SHOW_ENDPOINTS);

    for ( ;; ) {
        rc = ngx_http_jamhook_sqlite_row(&q);

        if (rc == NGX_ERROR) {
            return NGX_ERROR;
        }

        if (rc == NGX_DONE) {
            ngx_http_jamhook_shown_configured(shown);
            return NGX_OK;
        }

        if (ngx_http_jamhook_shown_named(shown, &q) != NGX_OK) {
            ngx_http_jamhook_sqlite_end(&q);
            return NGX_ERROR;
        }
    }
}


ngx_int_t
ngx_http_jamhook_sqlite_shown_deliveries(ngx_http_jamhook_shown_t *shown,
    ngx_http_jamhook_shown_event_t *event)
{
    ngx_int_t                        rc;
    ngx_http_jamhook_sqlite_query_t  q;

    if (ngx_http_jamhook_shown_deliveries(shown, event) != NGX_OK) {
        return NGX_ERROR;
    }

    ngx_http_jamhook_sqlite_query(&q, shown->session,
                                  NGX_HTTP_JAMHOOK_SQL_SHOW_DELIVERIES);
    ngx_http_jamhook_sqlite_int(&q, event->event);

    for ( ;; ) {
        rc = ngx_http_jamhook_sqlite_row(&q);

        if (rc == NGX_ERROR) {
            return NGX_ERROR;
        }

        if (rc == NGX_DONE) {
            ngx_http_jamhook_shown_deliveries_sort(event);
            return NGX_OK;
        }

        if (ngx_http_jamhook_shown_delivery(shown, &q, event) != NGX_OK) {
            ngx_http_jamhook_sqlite_end(&q);
            return NGX_ERROR;
        }
    }
}


ngx_int_t
ngx_http_jamhook_sqlite_shown_attempt(ngx_http_jamhook_shown_t *shown,
    int64_t seq, int64_t since, int64_t until,
    ngx_http_jamhook_shown_attempt_t *attempt)
{
    ngx_int_t                        rc;
    ngx_http_jamhook_sqlite_query_t  q;

    ngx_http_jamhook_sqlite_query(&q, shown->session,
                                  NGX_HTTP_JAMHOOK_SQL_SHOW_ATTEMPT);
    ngx_http_jamhook_sqlite_int(&q, seq);
    ngx_http_jamhook_sqlite_int(&q, since);
    ngx_http_jamhook_sqlite_int(&q, until);

    rc = ngx_http_jamhook_sqlite_row(&q);

    if (rc != NGX_OK) {
        return rc;
    }

    rc = ngx_http_jamhook_shown_listed(shown, &q, attempt);

    attempt->seq = seq;

    ngx_http_jamhook_sqlite_end(&q);

    return rc;
}


static int64_t
ngx_http_jamhook_sqlite_shown_column(void *row, ngx_uint_t column)
{
    ngx_http_jamhook_sqlite_query_t *q = row;

    return ngx_http_jamhook_sqlite_column(q, column);
}


static ngx_int_t
ngx_http_jamhook_sqlite_shown_string(ngx_http_jamhook_shown_t *shown,
    void *row, ngx_uint_t column, ngx_str_t *value)
{
    ngx_http_jamhook_sqlite_query_t *q = row;

    const void  *data;

    ngx_str_null(value);

    if (sqlite3_column_type(q->st, column) == SQLITE_NULL) {
        return NGX_OK;
    }

    /* no data but a length of 0, or no memory */

    data = sqlite3_column_blob(q->st, column);

    if (data == NULL) {
        ngx_str_set(value, "");

        return (sqlite3_errcode(q->s->db) == SQLITE_NOMEM)
                   ? ngx_http_jamhook_sqlite_fail(q->s, SQLITE_NOMEM)
                   : NGX_OK;
    }

    value->len = sqlite3_column_bytes(q->st, column);
    value->data = ngx_pnalloc(shown->pool, value->len);

    if (value->data == NULL) {
        return ngx_http_jamhook_sqlite_fail(q->s, SQLITE_NOMEM);
    }

    ngx_memcpy(value->data, data, value->len);

    return NGX_OK;
}


static ngx_int_t
ngx_http_jamhook_sqlite_shown_no_memory(void *session)
{
    return ngx_http_jamhook_sqlite_fail(session, SQLITE_NOMEM);
}
