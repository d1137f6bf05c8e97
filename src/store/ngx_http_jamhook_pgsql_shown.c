
#include "ngx_http_jamhook_pgsql_shown.h"


static ngx_int_t ngx_http_jamhook_pgsql_shown_read(
    ngx_http_jamhook_pgsql_t *s, PGresult *res, void *data);
static int64_t ngx_http_jamhook_pgsql_shown_column(void *data,
    ngx_uint_t column);
static ngx_int_t ngx_http_jamhook_pgsql_shown_string(
    ngx_http_jamhook_shown_t *shown, void *data, ngx_uint_t column,
    ngx_str_t *value);
static ngx_int_t ngx_http_jamhook_pgsql_shown_no_memory(void *session);


static ngx_http_jamhook_shown_rows_t  ngx_http_jamhook_pgsql_shown_rows = {
    ngx_http_jamhook_pgsql_shown_column,
    ngx_http_jamhook_pgsql_shown_string,
    ngx_http_jamhook_pgsql_shown_no_memory
};


ngx_int_t
ngx_http_jamhook_pgsql_shown_init(ngx_http_jamhook_shown_t *shown,
    ngx_http_jamhook_pgsql_t *s, ngx_pool_t *pool)
{
    ngx_http_jamhook_pgsql_query_t  q;

    if (ngx_http_jamhook_shown_init(shown, s, s->conf, pool,
                                    &ngx_http_jamhook_pgsql_shown_rows)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    ngx_http_jamhook_pgsql_query(&q, s, NGX_HTTP_JAMHOOK_PGSQL_SHOW_NAMED);

    return ngx_http_jamhook_pgsql_send(&q, ngx_http_jamhook_pgsql_shown_read,
                                       shown);
}


static ngx_int_t
ngx_http_jamhook_pgsql_shown_read(ngx_http_jamhook_pgsql_t *s, PGresult *res,
    void *data)
{
    ngx_http_jamhook_shown_t *shown = data;

    ngx_http_jamhook_pgsql_row_t  row;

    row.s = s;
    row.res = res;
    row.first = 0;

    for (row.row = 0; row.row < PQntuples(res); row.row++) {
        if (ngx_http_jamhook_shown_named(shown, &row) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    ngx_http_jamhook_shown_configured(shown);

    return NGX_OK;
}


static int64_t
ngx_http_jamhook_pgsql_shown_column(void *data, ngx_uint_t column)
{
    ngx_http_jamhook_pgsql_row_t *row = data;

    return ngx_http_jamhook_pgsql_column(row->res, row->row,
                                         row->first + column);
}


static ngx_int_t
ngx_http_jamhook_pgsql_shown_string(ngx_http_jamhook_shown_t *shown,
    void *data, ngx_uint_t column, ngx_str_t *value)
{
    ngx_http_jamhook_pgsql_row_t *row = data;

    return ngx_http_jamhook_pgsql_copy(row->s, shown->pool, row->res, row->row,
                                       row->first + column, value);
}


static ngx_int_t
ngx_http_jamhook_pgsql_shown_no_memory(void *session)
{
    return ngx_http_jamhook_pgsql_fail_memory(session);
}
