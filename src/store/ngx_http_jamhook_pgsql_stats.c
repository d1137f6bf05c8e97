
#include "ngx_http_jamhook_pgsql_shown.h"


#define NGX_HTTP_JAMHOOK_PGSQL_SINCE     4           /* column */


static ngx_int_t ngx_http_jamhook_pgsql_stats(ngx_http_jamhook_shown_t *shown,
    ngx_http_jamhook_op_stats_t *op, PGresult *res);


/* the buckets end with the database's time, and come with it */

ngx_int_t
ngx_http_jamhook_pgsql_op_stats(ngx_http_jamhook_pgsql_t *s,
    ngx_http_jamhook_op_t *o)
{
    PGresult                        *res;
    ngx_int_t                        rc;
    ngx_http_jamhook_shown_t         shown;
    ngx_http_jamhook_op_stats_t     *op = (ngx_http_jamhook_op_stats_t *) o;
    ngx_http_jamhook_pgsql_query_t   q;

    if (ngx_http_jamhook_pgsql_shown_init(&shown, s, op->pool) != NGX_OK) {
        return NGX_ERROR;
    }

    ngx_http_jamhook_pgsql_query(&q, s, NGX_HTTP_JAMHOOK_PGSQL_STATS);
    ngx_http_jamhook_pgsql_time(&q);
    ngx_http_jamhook_pgsql_int(&q, op->width);
    ngx_http_jamhook_pgsql_int(&q, op->n);
    ngx_http_jamhook_pgsql_int(&q, ngx_http_jamhook_shown_span(op));

    res = ngx_http_jamhook_pgsql_ask(&q);

    if (res == NULL) {
        return NGX_ERROR;
    }

    rc = ngx_http_jamhook_pgsql_stats(&shown, op, res);

    PQclear(res);

    return rc;
}


/* one row at least; without a roll-up it is of no endpoint */

static ngx_int_t
ngx_http_jamhook_pgsql_stats(ngx_http_jamhook_shown_t *shown,
    ngx_http_jamhook_op_stats_t *op, PGresult *res)
{
    ngx_http_jamhook_pgsql_row_t   row;
    ngx_http_jamhook_shown_sums_t  sums;

    op->since = ngx_http_jamhook_pgsql_column(res, 0,
                                              NGX_HTTP_JAMHOOK_PGSQL_SINCE);

    if (ngx_http_jamhook_shown_sums(&sums, shown, op) != NGX_OK) {
        return NGX_ERROR;
    }

    row.s = shown->session;
    row.res = res;
    row.first = 0;

    for (row.row = 0; row.row < PQntuples(res); row.row++) {
        if (ngx_http_jamhook_shown_sum(&sums, &row) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}
