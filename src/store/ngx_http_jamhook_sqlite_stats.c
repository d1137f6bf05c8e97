
#include "ngx_http_jamhook_sqlite_shown.h"


#define NGX_HTTP_JAMHOOK_SQLITE_MINUTE   60          /* seconds */
#define NGX_HTTP_JAMHOOK_SQLITE_HOUR     3600
#define NGX_HTTP_JAMHOOK_SQLITE_DAY      86400

/* How long they are kept: what STATS asks for at most, and an hour. */
#define NGX_HTTP_JAMHOOK_SQLITE_MINUTES  (25 * NGX_HTTP_JAMHOOK_SQLITE_HOUR)
#define NGX_HTTP_JAMHOOK_SQLITE_HOURS    (31 * NGX_HTTP_JAMHOOK_SQLITE_DAY    \
                                          + NGX_HTTP_JAMHOOK_SQLITE_HOUR)


static ngx_int_t ngx_http_jamhook_sqlite_sum(ngx_http_jamhook_sqlite_t *s,
    ngx_http_jamhook_sqlite_sum_t *sum);
static ngx_int_t ngx_http_jamhook_sqlite_sum_write(
    ngx_http_jamhook_sqlite_t *s, ngx_http_jamhook_sqlite_sum_t *sum);


ngx_int_t
ngx_http_jamhook_sqlite_sum_attempt(ngx_http_jamhook_sqlite_t *s,
    int64_t endpoint, ngx_http_jamhook_result_e result, int64_t started_at,
    int64_t duration)
{
    int64_t                        at;
    ngx_http_jamhook_sqlite_sum_t  sum;

    at = started_at / 1000;

    sum.endpoint = endpoint;
    sum.slot = result * NGX_HTTP_JAMHOOK_SHOWN_RESULTS;
    sum.n = 1;

    /* what was interrupted took as long as it was let */

    if (result != NGX_HTTP_JAMHOOK_RESULT_INTERRUPTED) {
        sum.slot += ngx_http_jamhook_backend_slot(duration);
    }

    sum.span = NGX_HTTP_JAMHOOK_SPAN_MINUTE;
    sum.at = at - at % NGX_HTTP_JAMHOOK_SQLITE_MINUTE;

    if (ngx_http_jamhook_sqlite_sum(s, &sum) != NGX_OK) {
        return NGX_ERROR;
    }

    sum.span = NGX_HTTP_JAMHOOK_SPAN_HOUR;
    sum.at = at - at % NGX_HTTP_JAMHOOK_SQLITE_HOUR;

    return ngx_http_jamhook_sqlite_sum(s, &sum);
}


ngx_int_t
ngx_http_jamhook_sqlite_sum_tally(ngx_http_jamhook_sqlite_t *s,
    int64_t endpoint, int64_t n)
{
    ngx_http_jamhook_sqlite_sum_t  sum;

    sum.span = NGX_HTTP_JAMHOOK_SPAN_TALLY;
    sum.at = 0;
    sum.endpoint = endpoint;
    sum.slot = 0;
    sum.n = n;

    return ngx_http_jamhook_sqlite_sum(s, &sum);
}


ngx_int_t
ngx_http_jamhook_sqlite_sum_untally(ngx_http_jamhook_sqlite_t *s,
    int64_t event)
{
    ngx_int_t                        rc;
    ngx_http_jamhook_sqlite_query_t  q;

    ngx_http_jamhook_sqlite_query(&q, s, NGX_HTTP_JAMHOOK_SQL_TALLY_LIST);
    ngx_http_jamhook_sqlite_int(&q, event);

    for ( ;; ) {
        rc = ngx_http_jamhook_sqlite_row(&q);

        if (rc != NGX_OK) {
            return (rc == NGX_DONE) ? NGX_OK : NGX_ERROR;
        }

        if (ngx_http_jamhook_sqlite_sum_tally(s,
                                        ngx_http_jamhook_sqlite_column(&q, 0),
                                              -1)
            != NGX_OK)
        {
            ngx_http_jamhook_sqlite_end(&q);
            return NGX_ERROR;
        }
    }
}


/* a batch has few that differ; one that has more of them writes them twice */

static ngx_int_t
ngx_http_jamhook_sqlite_sum(ngx_http_jamhook_sqlite_t *s,
    ngx_http_jamhook_sqlite_sum_t *sum)
{
    ngx_uint_t                      i;
    ngx_http_jamhook_sqlite_sum_t  *p;

    for (i = 0; i < s->nsums; i++) {
        p = &s->sums[i];

        if (p->slot == sum->slot && p->at == sum->at && p->span == sum->span
            && p->endpoint == sum->endpoint)
        {
            p->n += sum->n;
            return NGX_OK;
        }
    }

    if (s->nsums == NGX_HTTP_JAMHOOK_SQLITE_SUMS
        && ngx_http_jamhook_sqlite_sums_write(s) != NGX_OK)
    {
        return NGX_ERROR;
    }

    s->sums[s->nsums++] = *sum;

    return NGX_OK;
}


ngx_int_t
ngx_http_jamhook_sqlite_sums_write(ngx_http_jamhook_sqlite_t *s)
{
    ngx_uint_t  i;

    for (i = 0; i < s->nsums; i++) {

        if (s->sums[i].n != 0
            && ngx_http_jamhook_sqlite_sum_write(s, &s->sums[i]) != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    s->nsums = 0;

    return NGX_OK;
}


static ngx_int_t
ngx_http_jamhook_sqlite_sum_write(ngx_http_jamhook_sqlite_t *s,
    ngx_http_jamhook_sqlite_sum_t *sum)
{
    ngx_http_jamhook_sqlite_query_t  q;

    if (sum->span == NGX_HTTP_JAMHOOK_SPAN_TALLY) {
        ngx_http_jamhook_sqlite_query(&q, s, NGX_HTTP_JAMHOOK_SQL_TALLY_ADD);
        ngx_http_jamhook_sqlite_int(&q, sum->endpoint);
        ngx_http_jamhook_sqlite_int(&q, sum->n);

        return ngx_http_jamhook_sqlite_run(&q);
    }

    ngx_http_jamhook_sqlite_query(&q, s, NGX_HTTP_JAMHOOK_SQL_ROLLUP_ADD);
    ngx_http_jamhook_sqlite_int(&q, sum->span);
    ngx_http_jamhook_sqlite_int(&q, sum->at);
    ngx_http_jamhook_sqlite_int(&q, sum->endpoint);
    ngx_http_jamhook_sqlite_int(&q, sum->slot);
    ngx_http_jamhook_sqlite_int(&q, sum->n);

    return ngx_http_jamhook_sqlite_run(&q);
}


ngx_int_t
ngx_http_jamhook_sqlite_sums_retain(ngx_http_jamhook_sqlite_t *s,
    ngx_uint_t *more)
{
    ngx_uint_t                       span;
    ngx_http_jamhook_sqlite_query_t  q;

    static const int64_t  kept[] = {
        NGX_HTTP_JAMHOOK_SQLITE_MINUTES,
        NGX_HTTP_JAMHOOK_SQLITE_HOURS
    };

    *more = 0;

    for (span = 0; span < sizeof(kept) / sizeof(kept[0]); span++) {
        ngx_http_jamhook_sqlite_query(&q, s,
                                      NGX_HTTP_JAMHOOK_SQL_ROLLUP_REMOVE);
        ngx_http_jamhook_sqlite_int(&q, span);
        ngx_http_jamhook_sqlite_int(&q, s->clock->now / 1000 - kept[span]);
        ngx_http_jamhook_sqlite_int(&q, NGX_HTTP_JAMHOOK_STORE_ROWS);

        if (ngx_http_jamhook_sqlite_run(&q) != NGX_OK) {
            return NGX_ERROR;
        }

        if (sqlite3_changes(s->db) == NGX_HTTP_JAMHOOK_STORE_ROWS) {
            *more = 1;
        }
    }

    return NGX_OK;
}


ngx_int_t
ngx_http_jamhook_sqlite_op_stats(ngx_http_jamhook_sqlite_t *s,
    ngx_http_jamhook_op_t *o)
{
    ngx_int_t                         rc;
    ngx_http_jamhook_op_stats_t      *op = (ngx_http_jamhook_op_stats_t *) o;
    ngx_http_jamhook_shown_t          shown;
    ngx_http_jamhook_shown_sums_t     sums;
    ngx_http_jamhook_sqlite_query_t   q;

    op->since = ngx_http_jamhook_shown_since(op, s->clock->now);

    if (ngx_http_jamhook_sqlite_shown_init(&shown, s, op->pool) != NGX_OK
        || ngx_http_jamhook_shown_sums(&sums, &shown, op) != NGX_OK)
    {
        return NGX_ERROR;
    }

    ngx_http_jamhook_sqlite_query(&q, s, NGX_HTTP_JAMHOOK_SQL_ROLLUP_LIST);
    ngx_http_jamhook_sqlite_int(&q, ngx_http_jamhook_shown_span(op));
    ngx_http_jamhook_sqlite_int(&q, op->since / 1000);
    ngx_http_jamhook_sqlite_int(&q, (op->since + (int64_t) op->n * op->width)
                                    / 1000);

    for ( ;; ) {
        rc = ngx_http_jamhook_sqlite_row(&q);

        if (rc != NGX_OK) {
            return (rc == NGX_DONE) ? NGX_OK : NGX_ERROR;
        }

        if (ngx_http_jamhook_shown_sum(&sums, &q) != NGX_OK) {
            ngx_http_jamhook_sqlite_end(&q);
            return NGX_ERROR;
        }
    }
}
