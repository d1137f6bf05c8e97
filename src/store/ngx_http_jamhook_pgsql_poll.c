
#include "ngx_http_jamhook_pgsql.h"


static ngx_int_t ngx_http_jamhook_pgsql_poll_known(
    ngx_http_jamhook_pgsql_t *s);
static void ngx_http_jamhook_pgsql_poll_ids(
    ngx_http_jamhook_pgsql_query_t *q, ngx_uint_t *n);
static ngx_int_t ngx_http_jamhook_pgsql_poll_endpoints(
    ngx_http_jamhook_pgsql_t *s, PGresult *res, void *data);
static int64_t ngx_http_jamhook_pgsql_poll_next(ngx_http_jamhook_pgsql_t *s,
    ngx_http_jamhook_op_poll_t *op, PGresult *res, int row);
static ngx_int_t ngx_http_jamhook_pgsql_poll_orphans(
    ngx_http_jamhook_pgsql_t *s, PGresult *res, void *data);
static ngx_http_jamhook_orphan_t *ngx_http_jamhook_pgsql_poll_orphan(
    ngx_pool_t *pool, PGresult *res, int row);


ngx_int_t
ngx_http_jamhook_pgsql_op_poll(ngx_http_jamhook_pgsql_t *s,
    ngx_http_jamhook_op_t *o)
{
    ngx_uint_t                       n;
    ngx_http_jamhook_op_poll_t      *op = (ngx_http_jamhook_op_poll_t *) o;
    ngx_http_jamhook_pgsql_query_t   q;

    op->orphans = NULL;

    op->endpoints = ngx_pcalloc(op->pool, (s->conf->nendpoints + 1)
                                * sizeof(ngx_http_jamhook_endpoint_status_t));
    if (op->endpoints == NULL) {
        return ngx_http_jamhook_pgsql_fail_memory(s);
    }

    if (ngx_http_jamhook_pgsql_poll_known(s) != NGX_OK) {
        return NGX_ERROR;
    }

    ngx_http_jamhook_pgsql_query(&q, s, NGX_HTTP_JAMHOOK_PGSQL_POLL);
    ngx_http_jamhook_pgsql_time(&q);
    ngx_http_jamhook_pgsql_poll_ids(&q, &n);

    if (n == 0) {
        return NGX_OK;
    }

    if (ngx_http_jamhook_pgsql_send(&q, ngx_http_jamhook_pgsql_poll_endpoints,
                                    op)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    ngx_http_jamhook_pgsql_query(&q, s, NGX_HTTP_JAMHOOK_PGSQL_POLL_ORPHANS);
    ngx_http_jamhook_pgsql_time(&q);
    ngx_http_jamhook_pgsql_poll_ids(&q, &n);
    ngx_http_jamhook_pgsql_int(&q, NGX_HTTP_JAMHOOK_STORE_ROWS);

    return ngx_http_jamhook_pgsql_send(&q, ngx_http_jamhook_pgsql_poll_orphans,
                                       op);
}


/* no writing session had some of them when this one was opened */

static ngx_int_t
ngx_http_jamhook_pgsql_poll_known(ngx_http_jamhook_pgsql_t *s)
{
    ngx_uint_t  i;

    for (i = 0; i < s->conf->nendpoints; i++) {
        if (s->endpoints[i].id == 0) {
            return ngx_http_jamhook_pgsql_endpoints(s);
        }
    }

    return NGX_OK;
}


static void
ngx_http_jamhook_pgsql_poll_ids(ngx_http_jamhook_pgsql_query_t *q,
    ngx_uint_t *n)
{
    ngx_uint_t                       i;
    ngx_http_jamhook_pgsql_t        *s;
    ngx_http_jamhook_pgsql_array_t   ids;

    s = q->s;

    ngx_memzero(&ids, sizeof(ngx_http_jamhook_pgsql_array_t));

    for (i = 0; i < s->conf->nendpoints; i++) {
        if (s->endpoints[i].id != 0) {
            ngx_http_jamhook_pgsql_array_int(q, &ids, s->endpoints[i].id);
        }
    }

    *n = ids.n;

    ngx_http_jamhook_pgsql_ints(q, &ids);
}


static ngx_int_t
ngx_http_jamhook_pgsql_poll_endpoints(ngx_http_jamhook_pgsql_t *s,
    PGresult *res, void *data)
{
    int                                  row;
    ngx_uint_t                           i, index, known;
    ngx_http_jamhook_op_poll_t          *op = data;
    ngx_http_jamhook_endpoint_status_t  *status;

    known = 0;

    for (i = 0; i < s->conf->nendpoints; i++) {
        known += (s->endpoints[i].id != 0);
    }

    if ((ngx_uint_t) PQntuples(res) != known) {

        /* these tables are others than before: a new session finds its way */

        return ngx_http_jamhook_pgsql_fail_text(s,
                                              NGX_HTTP_JAMHOOK_STORE_CORRUPT,
                                              "the row of an endpoint is gone");
    }

    for (row = 0; row < PQntuples(res); row++) {
        index = ngx_http_jamhook_pgsql_index(s,
                                  ngx_http_jamhook_pgsql_column(res, row, 0));

        if (index == NGX_HTTP_JAMHOOK_NO_ENDPOINT) {
            continue;
        }

        status = &op->endpoints[index];

        status->paused = ngx_http_jamhook_pgsql_column(res, row, 1);
        status->paused_at = ngx_http_jamhook_pgsql_column(res, row, 2);
        status->failing_since = ngx_http_jamhook_pgsql_column(res, row, 3);
        status->next_at = ngx_http_jamhook_pgsql_poll_next(s, op, res, row);
    }

    return NGX_OK;
}


/*
 * By this node's clock; 0: none waits, or the endpoint waits for a resume.  The
 * columns: its state, the time of its probe, the first and the last delivery.
 */

static int64_t
ngx_http_jamhook_pgsql_poll_next(ngx_http_jamhook_pgsql_t *s,
    ngx_http_jamhook_op_poll_t *op, PGresult *res, int row)
{
    int64_t  next, probe;

    if (PQgetisnull(res, row, 5)) {
        return 0;
    }

    next = ngx_http_jamhook_pgsql_column(res, row, 5);

    /*
     * The database's clock was set back, or it is another server's: nothing is
     * ever put off for so long.
     */

    if (ngx_http_jamhook_pgsql_column(res, row, 6) > op->longest) {
        next = ngx_min(next, 0);
    }

    if (ngx_http_jamhook_pgsql_column(res, row, 1)) {

        /* as CLAIM reads it */

        probe = ngx_http_jamhook_pgsql_column(res, row, 4);

        if (probe > NGX_HTTP_JAMHOOK_STORE_PROBE) {
            probe = 0;
        }

        next = ngx_max(next, probe);
    }

    return s->clock->now + next;
}


static ngx_int_t
ngx_http_jamhook_pgsql_poll_orphans(ngx_http_jamhook_pgsql_t *s, PGresult *res,
    void *data)
{
    int                          row;
    ngx_uint_t                   index;
    ngx_http_jamhook_orphan_t   *orphan, **last;
    ngx_http_jamhook_op_poll_t  *op = data;

    last = &op->orphans;

    for (row = 0; row < PQntuples(res); row++) {
        index = ngx_http_jamhook_pgsql_index(s,
                                  ngx_http_jamhook_pgsql_column(res, row, 1));

        if (index == NGX_HTTP_JAMHOOK_NO_ENDPOINT) {
            continue;
        }

        orphan = ngx_http_jamhook_pgsql_poll_orphan(op->pool, res, row);

        if (orphan == NULL) {
            return ngx_http_jamhook_pgsql_fail_memory(s);
        }

        orphan->endpoint = index;

        *last = orphan;
        last = &orphan->next;
    }

    return NGX_OK;
}


static ngx_http_jamhook_orphan_t *
ngx_http_jamhook_pgsql_poll_orphan(ngx_pool_t *pool, PGresult *res, int row)
{
    u_char                     *p;
    ngx_str_t                   owner, id;
    ngx_http_jamhook_orphan_t  *orphan;

    ngx_http_jamhook_pgsql_string(res, row, 7, &owner);
    ngx_http_jamhook_pgsql_string(res, row, 8, &id);

    orphan = ngx_palloc(pool, sizeof(ngx_http_jamhook_orphan_t) + owner.len
                              + id.len);
    if (orphan == NULL) {
        return NULL;
    }

    p = (u_char *) orphan + sizeof(ngx_http_jamhook_orphan_t);

    orphan->next = NULL;
    orphan->event = ngx_http_jamhook_pgsql_column(res, row, 0);
    orphan->number = ngx_http_jamhook_pgsql_column(res, row, 2);
    orphan->step = ngx_http_jamhook_pgsql_column(res, row, 3);
    orphan->interrupted = ngx_http_jamhook_pgsql_column(res, row, 4);
    orphan->trigger = ngx_http_jamhook_pgsql_column(res, row, 5);

    /* it goes back into the database, with the owner: not by our clock */

    orphan->started_at = ngx_http_jamhook_pgsql_column(res, row, 6);

    orphan->owner.len = owner.len;
    orphan->owner.data = p;

    p = ngx_cpymem(p, owner.data, owner.len);

    orphan->id.len = id.len;
    orphan->id.data = p;

    if (id.len != 0) {
        ngx_memcpy(p, id.data, id.len);
    }

    return orphan;
}
