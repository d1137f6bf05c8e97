
#include "ngx_http_jamhook_shown.h"


#define NGX_HTTP_JAMHOOK_SHOWN_DAY       86400000    /* ms */


static ngx_int_t ngx_http_jamhook_shown_sums_add(
    ngx_http_jamhook_shown_sums_t *sums, ngx_str_t *name);
static ngx_int_t ngx_http_jamhook_shown_sums_place(
    ngx_http_jamhook_shown_sums_t *sums, int64_t id);


int64_t
ngx_http_jamhook_shown_since(ngx_http_jamhook_op_stats_t *op, int64_t now)
{
    return (now / op->width - (int64_t) op->n + 1) * op->width;
}


ngx_uint_t
ngx_http_jamhook_shown_span(ngx_http_jamhook_op_stats_t *op)
{
    return ((int64_t) op->n * op->width > NGX_HTTP_JAMHOOK_SHOWN_DAY);
}


/* those of the configuration first, in their order */

ngx_int_t
ngx_http_jamhook_shown_sums(ngx_http_jamhook_shown_sums_t *sums,
    ngx_http_jamhook_shown_t *shown, ngx_http_jamhook_op_stats_t *op)
{
    ngx_uint_t                 i;
    ngx_http_jamhook_named_t  *named;

    sums->shown = shown;
    sums->op = op;
    sums->id = 0;
    sums->place = 0;

    sums->places = ngx_pcalloc(op->pool, (shown->named.nelts + 1)
                                         * sizeof(ngx_uint_t));

    if (sums->places == NULL
        || ngx_array_init(&op->endpoints, op->pool,
                          shown->conf->nendpoints + 1,
                          sizeof(ngx_http_jamhook_shown_stats_t))
           != NGX_OK)
    {
        return shown->rows->no_memory(shown->session);
    }

    for (i = 0; i < shown->conf->nendpoints; i++) {
        if (ngx_http_jamhook_shown_sums_add(sums, &shown->conf->endpoints[i])
            != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    named = shown->named.elts;

    for (i = 0; i < shown->named.nelts; i++) {
        if (named[i].index != NGX_HTTP_JAMHOOK_NO_ENDPOINT) {
            sums->places[i] = named[i].index + 1;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_jamhook_shown_sums_add(ngx_http_jamhook_shown_sums_t *sums,
    ngx_str_t *name)
{
    ngx_http_jamhook_op_stats_t     *op;
    ngx_http_jamhook_shown_stats_t  *stats;

    op = sums->op;

    stats = ngx_array_push(&op->endpoints);

    if (stats != NULL) {
        ngx_memzero(stats, sizeof(ngx_http_jamhook_shown_stats_t));

        stats->name = *name;
        stats->buckets = ngx_pcalloc(op->pool,
                                 op->n * sizeof(ngx_http_jamhook_bucket_t));
        stats->slots = ngx_pcalloc(op->pool,
                                   NGX_HTTP_JAMHOOK_SLOTS * sizeof(int64_t));

        if (stats->buckets != NULL && stats->slots != NULL) {
            return NGX_OK;
        }
    }

    return sums->shown->rows->no_memory(sums->shown->session);
}


ngx_int_t
ngx_http_jamhook_shown_sum(ngx_http_jamhook_shown_sums_t *sums, void *row)
{
    int64_t                          id, slot, n;
    ngx_uint_t                       bucket, result;
    ngx_http_jamhook_op_stats_t     *op;
    ngx_http_jamhook_shown_rows_t   *rows;
    ngx_http_jamhook_shown_stats_t  *stats;

    op = sums->op;
    rows = sums->shown->rows;

    bucket = (rows->column(row, 0) * 1000 - op->since) / op->width;
    id = rows->column(row, 1);
    slot = rows->column(row, 2);
    n = rows->column(row, 3);

    /* they lie by time and endpoint */

    if (id != sums->id || sums->place == 0) {
        if (ngx_http_jamhook_shown_sums_place(sums, id) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    result = slot / NGX_HTTP_JAMHOOK_SHOWN_RESULTS;
    slot = slot % NGX_HTTP_JAMHOOK_SHOWN_RESULTS;

    if (sums->place == 0
        || slot < 0 || slot >= NGX_HTTP_JAMHOOK_SLOTS
        || result > NGX_HTTP_JAMHOOK_RESULT_INTERRUPTED
        || bucket >= op->n)
    {
        /* none of ours */

        return NGX_OK;
    }

    stats = op->endpoints.elts;
    stats += sums->place - 1;

    stats->total.results[result] += n;
    stats->buckets[bucket].results[result] += n;

    if (result != NGX_HTTP_JAMHOOK_RESULT_INTERRUPTED) {
        stats->slots[slot] += n;
    }

    return NGX_OK;
}


/* where the endpoint's numbers go; it may be none of this configuration */

static ngx_int_t
ngx_http_jamhook_shown_sums_place(ngx_http_jamhook_shown_sums_t *sums,
    int64_t id)
{
    ngx_uint_t                *place;
    ngx_http_jamhook_named_t  *named, *first;

    sums->id = id;
    sums->place = 0;

    named = ngx_http_jamhook_shown_id(sums->shown, id);

    if (named == NULL) {
        return NGX_OK;
    }

    first = sums->shown->named.elts;
    place = &sums->places[named - first];

    if (*place == 0) {
        if (ngx_http_jamhook_shown_sums_add(sums, &named->name) != NGX_OK) {
            return NGX_ERROR;
        }

        *place = sums->op->endpoints.nelts;
    }

    sums->place = *place;

    return NGX_OK;
}
