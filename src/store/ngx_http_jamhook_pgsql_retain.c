
#include "ngx_http_jamhook_pgsql.h"


#define NGX_HTTP_JAMHOOK_PGSQL_EVENTS    100         /* looked at in a call */
#define NGX_HTTP_JAMHOOK_PGSQL_REMOVED   (4 * 1024 * 1024)   /* bytes of
                                                        theirs, likewise */
#define NGX_HTTP_JAMHOOK_PGSQL_SEEN      3600000     /* ms */
#define NGX_HTTP_JAMHOOK_PGSQL_AHEAD     86400000    /* ms: a clock was wrong */

/* How long sums are kept: what STATS asks for at most, and an hour. */
#define NGX_HTTP_JAMHOOK_PGSQL_MINUTES   (25 * 3600)             /* seconds */
#define NGX_HTTP_JAMHOOK_PGSQL_HOURS     (31 * 86400 + 3600)


/* An event that is old enough. */
typedef struct {
    int64_t                          event;
    ngx_uint_t                       deliveries;     /* how many it has */
    ngx_uint_t                       attempts;
    int                              row;            /* the first delivery, */
    int                              last;           /* and behind the last
                                                        one, as were locked */
    unsigned                         locked:1;       /* the event's own row */
} ngx_http_jamhook_pgsql_old_t;

typedef struct {
    ngx_http_jamhook_pgsql_t        *s;
    ngx_http_jamhook_op_retain_t    *op;
    ngx_uint_t                       more;           /* of sums, too old */
    int64_t                          cursor;         /* where to go on; 0: from
                                                        the beginning */
    ngx_uint_t                       rows;           /* changed so far */
    ngx_uint_t                       n;
    ngx_http_jamhook_pgsql_old_t     old[NGX_HTTP_JAMHOOK_PGSQL_EVENTS];
    ngx_http_jamhook_pgsql_array_t   gone;           /* events */
    ngx_http_jamhook_pgsql_array_t   failed[2];      /* deliveries: events,
                                                        endpoints */
} ngx_http_jamhook_pgsql_retain_t;


static ngx_int_t ngx_http_jamhook_pgsql_retain_turn(
    ngx_http_jamhook_pgsql_retain_t *r, ngx_uint_t *ours);
static void ngx_http_jamhook_pgsql_retain_ids(
    ngx_http_jamhook_pgsql_query_t *q);
static ngx_int_t ngx_http_jamhook_pgsql_retain_rest(
    ngx_http_jamhook_pgsql_retain_t *r);
static ngx_int_t ngx_http_jamhook_pgsql_retain_released(
    ngx_http_jamhook_pgsql_t *s, PGresult *res, void *data);
static ngx_int_t ngx_http_jamhook_pgsql_retain_sums(
    ngx_http_jamhook_pgsql_t *s, PGresult *res, void *data);
static ngx_int_t ngx_http_jamhook_pgsql_retain_list(
    ngx_http_jamhook_pgsql_t *s, PGresult *res, void *data);
static ngx_int_t ngx_http_jamhook_pgsql_retain_judge(
    ngx_http_jamhook_pgsql_retain_t *r);
static void ngx_http_jamhook_pgsql_retain_olds(
    ngx_http_jamhook_pgsql_retain_t *r, ngx_http_jamhook_pgsql_query_t *q);
static ngx_int_t ngx_http_jamhook_pgsql_retain_lock(
    ngx_http_jamhook_pgsql_t *s, PGresult *res, void *data);
static ngx_int_t ngx_http_jamhook_pgsql_retain_deliveries(
    ngx_http_jamhook_pgsql_t *s, PGresult *res, void *data);
static void ngx_http_jamhook_pgsql_retain_one(
    ngx_http_jamhook_pgsql_retain_t *r, ngx_http_jamhook_pgsql_old_t *old,
    PGresult *res);
static ngx_int_t ngx_http_jamhook_pgsql_retain_change(
    ngx_http_jamhook_pgsql_retain_t *r);
static ngx_int_t ngx_http_jamhook_pgsql_retain_remove(
    ngx_http_jamhook_pgsql_retain_t *r);


/*
 * A call goes on where the one before ended: what is old but cannot go yet is
 * passed by and not looked at again before the next round.  Of all nodes one
 * removes at a time; the others leave it to him, till their next round.
 */

ngx_int_t
ngx_http_jamhook_pgsql_op_retain(ngx_http_jamhook_pgsql_t *s,
    ngx_http_jamhook_op_t *o)
{
    ngx_uint_t                        ours;
    ngx_http_jamhook_op_retain_t     *op = (ngx_http_jamhook_op_retain_t *) o;
    ngx_http_jamhook_pgsql_retain_t  *r;

    op->removed = 0;
    op->paused = 0;
    op->unknown = 0;
    op->more = 0;

    r = ngx_pcalloc(s->scratch, sizeof(ngx_http_jamhook_pgsql_retain_t));

    if (r == NULL) {
        return ngx_http_jamhook_pgsql_fail_memory(s);
    }

    r->s = s;
    r->op = op;

    if (ngx_http_jamhook_pgsql_retain_turn(r, &ours) != NGX_OK) {
        return NGX_ERROR;
    }

    if (!ours) {
        return NGX_OK;
    }

    if (ngx_http_jamhook_pgsql_retain_rest(r) != NGX_OK) {
        return NGX_ERROR;
    }

    if (r->n != 0
        && (ngx_http_jamhook_pgsql_retain_judge(r) != NGX_OK
            || ngx_http_jamhook_pgsql_retain_change(r) != NGX_OK))
    {
        return NGX_ERROR;
    }

    op->more = (r->cursor != 0 || r->more);

    /* if the batch fails yet, this much is passed by until the next round */

    s->retained = r->cursor;

    return NGX_OK;
}


/*
 * Notes that somebody has these endpoints, so that others know, and asks
 * whether others are at it.
 */

static ngx_int_t
ngx_http_jamhook_pgsql_retain_turn(ngx_http_jamhook_pgsql_retain_t *r,
    ngx_uint_t *ours)
{
    PGresult                        *res;
    ngx_http_jamhook_pgsql_t        *s;
    ngx_http_jamhook_pgsql_query_t   q;

    s = r->s;

    ngx_http_jamhook_pgsql_query(&q, s, NGX_HTTP_JAMHOOK_PGSQL_RETAIN_SEEN);
    ngx_http_jamhook_pgsql_time(&q);
    ngx_http_jamhook_pgsql_retain_ids(&q);
    ngx_http_jamhook_pgsql_int(&q, ngx_min(r->op->age / 4,
                                           NGX_HTTP_JAMHOOK_PGSQL_SEEN));

    if (ngx_http_jamhook_pgsql_send(&q, NULL, NULL) != NGX_OK) {
        return NGX_ERROR;
    }

    ngx_http_jamhook_pgsql_query(&q, s, NGX_HTTP_JAMHOOK_PGSQL_RETAIN_TURN);

    res = ngx_http_jamhook_pgsql_ask(&q);

    if (res == NULL) {
        return NGX_ERROR;
    }

    *ours = ngx_http_jamhook_pgsql_column(res, 0, 0);

    PQclear(res);

    return NGX_OK;
}


/* the endpoints of this configuration */

static void
ngx_http_jamhook_pgsql_retain_ids(ngx_http_jamhook_pgsql_query_t *q)
{
    ngx_uint_t                       i;
    ngx_http_jamhook_pgsql_array_t   ids;

    ngx_memzero(&ids, sizeof(ngx_http_jamhook_pgsql_array_t));

    for (i = 0; i < q->s->conf->nendpoints; i++) {
        ngx_http_jamhook_pgsql_array_int(q, &ids, q->s->endpoints[i].id);
    }

    ngx_http_jamhook_pgsql_ints(q, &ids);
}


/* leases that are over and nobody's, sums, and the events to be looked at */

static ngx_int_t
ngx_http_jamhook_pgsql_retain_rest(ngx_http_jamhook_pgsql_retain_t *r)
{
    ngx_uint_t                       span;
    ngx_http_jamhook_pgsql_t        *s;
    ngx_http_jamhook_pgsql_query_t   q;

    static const int64_t  kept[] = {
        NGX_HTTP_JAMHOOK_PGSQL_MINUTES,
        NGX_HTTP_JAMHOOK_PGSQL_HOURS
    };

    s = r->s;

    ngx_http_jamhook_pgsql_query(&q, s, NGX_HTTP_JAMHOOK_PGSQL_RELEASE);
    ngx_http_jamhook_pgsql_time(&q);
    ngx_http_jamhook_pgsql_retain_ids(&q);
    ngx_http_jamhook_pgsql_int(&q, NGX_HTTP_JAMHOOK_STORE_ROWS);

    if (ngx_http_jamhook_pgsql_send(&q, ngx_http_jamhook_pgsql_retain_released,
                                    NULL)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    for (span = 0; span < sizeof(kept) / sizeof(kept[0]); span++) {
        ngx_http_jamhook_pgsql_query(&q, s,
                                     NGX_HTTP_JAMHOOK_PGSQL_ROLLUP_REMOVE);
        ngx_http_jamhook_pgsql_time(&q);
        ngx_http_jamhook_pgsql_int(&q, span);
        ngx_http_jamhook_pgsql_int(&q, kept[span]);
        ngx_http_jamhook_pgsql_int(&q, NGX_HTTP_JAMHOOK_STORE_ROWS);

        if (ngx_http_jamhook_pgsql_send(&q, ngx_http_jamhook_pgsql_retain_sums,
                                        r)
            != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    ngx_http_jamhook_pgsql_query(&q, s, NGX_HTTP_JAMHOOK_PGSQL_RETAIN_LIST);
    ngx_http_jamhook_pgsql_time(&q);
    ngx_http_jamhook_pgsql_int(&q, s->retained);
    ngx_http_jamhook_pgsql_int(&q, NGX_HTTP_JAMHOOK_PGSQL_EVENTS);

    if (ngx_http_jamhook_pgsql_send(&q, ngx_http_jamhook_pgsql_retain_list, r)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_http_jamhook_pgsql_flush(s);
}


/* they are due, and other nodes may have their endpoints */

static ngx_int_t
ngx_http_jamhook_pgsql_retain_released(ngx_http_jamhook_pgsql_t *s,
    PGresult *res, void *data)
{
    (void) data;

    if (ngx_http_jamhook_pgsql_column(res, 0, 0) != 0) {
        s->notify = 1;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_jamhook_pgsql_retain_sums(ngx_http_jamhook_pgsql_t *s, PGresult *res,
    void *data)
{
    ngx_http_jamhook_pgsql_retain_t  *r = data;

    (void) s;

    if (ngx_http_jamhook_pgsql_column(res, 0, 0)
        == NGX_HTTP_JAMHOOK_STORE_ROWS)
    {
        r->more = 1;
    }

    return NGX_OK;
}


/* the next events that are old enough */

static ngx_int_t
ngx_http_jamhook_pgsql_retain_list(ngx_http_jamhook_pgsql_t *s, PGresult *res,
    void *data)
{
    int                               row;
    int64_t                           age, bytes, event;
    ngx_http_jamhook_pgsql_retain_t  *r = data;

    (void) s;

    bytes = 0;

    for (row = 0; row < PQntuples(res); row++) {
        event = ngx_http_jamhook_pgsql_column(res, row, 0);
        age = ngx_http_jamhook_pgsql_column(res, row, 1);

        if (age >= r->op->age) {
            r->old[r->n++].event = event;

        } else if (age >= -NGX_HTTP_JAMHOOK_PGSQL_AHEAD) {

            /* what is behind it is younger still */

            return NGX_OK;
        }

        bytes += ngx_http_jamhook_pgsql_column(res, row, 2);

        if (row == NGX_HTTP_JAMHOOK_PGSQL_EVENTS - 1
            || bytes >= NGX_HTTP_JAMHOOK_PGSQL_REMOVED)
        {
            /* a large body is many rows below */

            r->cursor = event;
            return NGX_OK;
        }
    }

    return NGX_OK;
}


/*
 * First the events, so that they get no more deliveries, then these.  What
 * others hold at this moment is not waited for: it stays until the next round.
 */

static ngx_int_t
ngx_http_jamhook_pgsql_retain_judge(ngx_http_jamhook_pgsql_retain_t *r)
{
    ngx_http_jamhook_pgsql_t        *s;
    ngx_http_jamhook_pgsql_query_t   q;

    s = r->s;

    ngx_http_jamhook_pgsql_query(&q, s, NGX_HTTP_JAMHOOK_PGSQL_RETAIN_LOCK);
    ngx_http_jamhook_pgsql_retain_olds(r, &q);

    if (ngx_http_jamhook_pgsql_send(&q, ngx_http_jamhook_pgsql_retain_lock, r)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    ngx_http_jamhook_pgsql_query(&q, s,
                                 NGX_HTTP_JAMHOOK_PGSQL_RETAIN_DELIVERIES);
    ngx_http_jamhook_pgsql_time(&q);
    ngx_http_jamhook_pgsql_retain_olds(r, &q);

    if (ngx_http_jamhook_pgsql_send(&q,
                                    ngx_http_jamhook_pgsql_retain_deliveries,
                                    r)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_http_jamhook_pgsql_flush(s);
}


static void
ngx_http_jamhook_pgsql_retain_olds(ngx_http_jamhook_pgsql_retain_t *r,
    ngx_http_jamhook_pgsql_query_t *q)
{
    ngx_uint_t                       i;
    ngx_http_jamhook_pgsql_array_t   events;

    ngx_memzero(&events, sizeof(ngx_http_jamhook_pgsql_array_t));

    for (i = 0; i < r->n; i++) {
        ngx_http_jamhook_pgsql_array_int(q, &events, r->old[i].event);
    }

    ngx_http_jamhook_pgsql_ints(q, &events);
}


/* rows come in the order of the events, as r->old has them */

static ngx_int_t
ngx_http_jamhook_pgsql_retain_lock(ngx_http_jamhook_pgsql_t *s, PGresult *res,
    void *data)
{
    int                               row;
    ngx_uint_t                        i;
    ngx_http_jamhook_pgsql_old_t     *old;
    ngx_http_jamhook_pgsql_retain_t  *r = data;

    (void) s;

    row = 0;

    for (i = 0; i < r->n && row < PQntuples(res); i++) {
        old = &r->old[i];

        if (ngx_http_jamhook_pgsql_column(res, row, 0) != old->event) {
            continue;
        }

        old->locked = 1;
        old->deliveries = ngx_http_jamhook_pgsql_column(res, row, 1);
        old->attempts = ngx_http_jamhook_pgsql_column(res, row, 2);

        row++;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_jamhook_pgsql_retain_deliveries(ngx_http_jamhook_pgsql_t *s,
    PGresult *res, void *data)
{
    int                               row;
    ngx_uint_t                        i;
    ngx_http_jamhook_pgsql_old_t     *old;
    ngx_http_jamhook_pgsql_retain_t  *r = data;

    (void) s;

    row = 0;

    for (i = 0; i < r->n; i++) {
        old = &r->old[i];

        if (r->rows >= NGX_HTTP_JAMHOOK_STORE_ROWS) {
            r->cursor = r->old[i - 1].event;
            break;
        }

        old->row = row;

        while (row < PQntuples(res)
               && ngx_http_jamhook_pgsql_column(res, row, 0) == old->event)
        {
            row++;
        }

        old->last = row;

        ngx_http_jamhook_pgsql_retain_one(r, old, res);
    }

    return NGX_OK;
}


/* what is to become of an event that is old enough */

static void
ngx_http_jamhook_pgsql_retain_one(ngx_http_jamhook_pgsql_retain_t *r,
    ngx_http_jamhook_pgsql_old_t *old, PGresult *res)
{
    int                              row;
    int64_t                          endpoint, state;
    ngx_uint_t                       stay;
    ngx_http_jamhook_pgsql_t        *s;
    ngx_http_jamhook_pgsql_query_t   q;

    s = r->s;

    /* or some of it is others' at this moment */

    stay = !old->locked
           || old->deliveries != (ngx_uint_t) (old->last - old->row);

    /* the arrays' memory is the batch's; which statement's does not matter */

    ngx_http_jamhook_pgsql_query(&q, s, NGX_HTTP_JAMHOOK_PGSQL_RETAIN_FAIL);

    for (row = old->row; row < old->last; row++) {
        endpoint = ngx_http_jamhook_pgsql_column(res, row, 1);
        state = ngx_http_jamhook_pgsql_column(res, row, 2);

        if (state != NGX_HTTP_JAMHOOK_STATE_PENDING) {
            stay |= (state == NGX_HTTP_JAMHOOK_STATE_SENDING);
            continue;
        }

        if (ngx_http_jamhook_pgsql_column(res, row, 3)) {
            r->op->paused++;

        } else if (ngx_http_jamhook_pgsql_column(res, row, 4) >= r->op->age
                   && ngx_http_jamhook_pgsql_index(s, endpoint)
                      == NGX_HTTP_JAMHOOK_NO_ENDPOINT)
        {
            r->op->unknown++;

        } else {
            stay = 1;
            continue;
        }

        ngx_http_jamhook_pgsql_array_int(&q, &r->failed[0], old->event);
        ngx_http_jamhook_pgsql_array_int(&q, &r->failed[1], endpoint);
    }

    if (stay) {
        r->rows += old->last - old->row;
        return;
    }

    /* its deliveries are failed first: that is how they are counted */

    ngx_http_jamhook_pgsql_array_int(&q, &r->gone, old->event);

    r->rows += old->deliveries + old->attempts + 1;
    r->op->removed++;
}


static ngx_int_t
ngx_http_jamhook_pgsql_retain_change(ngx_http_jamhook_pgsql_retain_t *r)
{
    ngx_http_jamhook_pgsql_query_t  q;

    if (r->failed[0].n != 0) {
        ngx_http_jamhook_pgsql_query(&q, r->s,
                                     NGX_HTTP_JAMHOOK_PGSQL_RETAIN_FAIL);
        ngx_http_jamhook_pgsql_time(&q);
        ngx_http_jamhook_pgsql_ints(&q, &r->failed[0]);
        ngx_http_jamhook_pgsql_ints(&q, &r->failed[1]);

        if (ngx_http_jamhook_pgsql_send(&q, NULL, NULL) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    if (r->gone.n != 0) {
        return ngx_http_jamhook_pgsql_retain_remove(r);
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_jamhook_pgsql_retain_remove(ngx_http_jamhook_pgsql_retain_t *r)
{
    ngx_uint_t                       i;
    ngx_http_jamhook_pgsql_query_t   q;

    static const ngx_http_jamhook_pgsql_e  remove[] = {
        NGX_HTTP_JAMHOOK_PGSQL_REMOVE_ATTEMPTS,
        NGX_HTTP_JAMHOOK_PGSQL_REMOVE_DELIVERIES,
        NGX_HTTP_JAMHOOK_PGSQL_REMOVE_EVENTS
    };

    for (i = 0; i < sizeof(remove) / sizeof(remove[0]); i++) {
        ngx_http_jamhook_pgsql_query(&q, r->s, remove[i]);
        ngx_http_jamhook_pgsql_ints(&q, &r->gone);

        if (remove[i] == NGX_HTTP_JAMHOOK_PGSQL_REMOVE_DELIVERIES) {
            ngx_http_jamhook_pgsql_int(&q, r->s->shard);
        }

        if (ngx_http_jamhook_pgsql_send(&q, NULL, NULL) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}
