
#include "ngx_http_jamhook_pgsql.h"


/* An event whose row this transaction has locked, with its deliveries. */
typedef struct {
    int64_t     event;                               /* 0: there is none */
    ngx_uint_t  forgotten;
    ngx_uint_t  ours;                                /* it came by one of the
                                                        locations of a REPLAY */
    ngx_uint_t  deliveries;
    ngx_uint_t  sending;                             /* of these */
} ngx_http_jamhook_pgsql_locked_t;


static ngx_int_t ngx_http_jamhook_pgsql_lock_event(
    ngx_http_jamhook_pgsql_t *s, ngx_str_t *id,
    ngx_http_jamhook_op_replay_t *op,
    ngx_http_jamhook_pgsql_locked_t *locked);
static ngx_uint_t ngx_http_jamhook_pgsql_came_by(
    ngx_http_jamhook_op_replay_t *op, PGresult *res);
static ngx_int_t ngx_http_jamhook_pgsql_lock_deliveries(
    ngx_http_jamhook_pgsql_t *s, int64_t endpoint,
    ngx_http_jamhook_pgsql_locked_t *locked);
static void ngx_http_jamhook_pgsql_maybe(ngx_http_jamhook_pgsql_query_t *q,
    int64_t endpoint);

static ngx_int_t ngx_http_jamhook_pgsql_replay_add(
    ngx_http_jamhook_pgsql_t *s, ngx_http_jamhook_op_replay_t *op,
    int64_t event, int64_t endpoint);
static ngx_int_t ngx_http_jamhook_pgsql_replay_update(
    ngx_http_jamhook_pgsql_t *s, ngx_http_jamhook_op_replay_t *op,
    ngx_http_jamhook_pgsql_locked_t *locked, int64_t endpoint);

static void ngx_http_jamhook_pgsql_recover_init(
    ngx_http_jamhook_op_recover_t *op);
static ngx_int_t ngx_http_jamhook_pgsql_resumed(ngx_http_jamhook_pgsql_t *s,
    PGresult *res, void *data);
static ngx_int_t ngx_http_jamhook_pgsql_fail_endpoint(
    ngx_http_jamhook_pgsql_t *s);


ngx_int_t
ngx_http_jamhook_pgsql_op_replay(ngx_http_jamhook_pgsql_t *s,
    ngx_http_jamhook_op_t *o)
{
    int64_t                           endpoint;
    ngx_http_jamhook_op_replay_t     *op = (ngx_http_jamhook_op_replay_t *) o;
    ngx_http_jamhook_pgsql_locked_t   locked;

    op->replayed = 0;
    op->verdict = NGX_HTTP_JAMHOOK_REPLAY_NO_EVENT;

    if (ngx_http_jamhook_pgsql_lock_event(s, &op->id, op, &locked) != NGX_OK) {
        return NGX_ERROR;
    }

    if (locked.event == 0 || locked.forgotten) {
        return NGX_OK;
    }

    endpoint = 0;

    if (op->endpoint != NGX_HTTP_JAMHOOK_NO_ENDPOINT) {
        endpoint = s->endpoints[op->endpoint].id;

        if (endpoint == 0) {

            /* nobody has ever had it: there is nothing to it */

            op->verdict = NGX_HTTP_JAMHOOK_REPLAY_NO_DELIVERY;
            return NGX_OK;
        }
    }

    if (ngx_http_jamhook_pgsql_lock_deliveries(s, endpoint, &locked)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (locked.sending != 0) {
        op->verdict = NGX_HTTP_JAMHOOK_REPLAY_SENDING;
        return NGX_OK;
    }

    if (locked.deliveries != 0) {
        return ngx_http_jamhook_pgsql_replay_update(s, op, &locked, endpoint);
    }

    if (endpoint != 0 && op->may_add && locked.ours) {
        return ngx_http_jamhook_pgsql_replay_add(s, op, locked.event,
                                                 endpoint);
    }

    op->verdict = NGX_HTTP_JAMHOOK_REPLAY_NO_DELIVERY;

    return NGX_OK;
}


/* one statement, and it is the last of its batch: so cursor is not lost */

ngx_int_t
ngx_http_jamhook_pgsql_op_recover(ngx_http_jamhook_pgsql_t *s,
    ngx_http_jamhook_op_t *o)
{
    PGresult                        *res;
    ngx_uint_t                       n;
    ngx_http_jamhook_op_recover_t   *op = (ngx_http_jamhook_op_recover_t *) o;
    ngx_http_jamhook_pgsql_query_t   q;

    ngx_http_jamhook_pgsql_recover_init(op);

    ngx_http_jamhook_pgsql_query(&q, s, NGX_HTTP_JAMHOOK_PGSQL_RECOVER);
    ngx_http_jamhook_pgsql_time(&q);
    ngx_http_jamhook_pgsql_int(&q, s->endpoints[op->endpoint].id);
    ngx_http_jamhook_pgsql_int(&q, op->cursor);
    ngx_http_jamhook_pgsql_int(&q, op->last);
    ngx_http_jamhook_pgsql_int(&q, NGX_HTTP_JAMHOOK_STORE_ROWS);
    ngx_http_jamhook_pgsql_int(&q, op->since);
    ngx_http_jamhook_pgsql_int(&q, op->until ? op->until : INT64_MAX);

    res = ngx_http_jamhook_pgsql_ask(&q);

    if (res == NULL) {
        return NGX_ERROR;
    }

    op->last = ngx_http_jamhook_pgsql_column(res, 0, 0);
    n = ngx_http_jamhook_pgsql_column(res, 0, 1);

    if (n != 0) {
        op->cursor = ngx_http_jamhook_pgsql_column(res, 0, 2);
    }

    op->changed = ngx_http_jamhook_pgsql_column(res, 0, 3);
    op->failed = ngx_http_jamhook_pgsql_column(res, 0, 4);
    op->done = (n < NGX_HTTP_JAMHOOK_STORE_ROWS);

    PQclear(res);

    if (op->changed != 0) {
        s->notify = 1;
    }

    return NGX_OK;
}


ngx_int_t
ngx_http_jamhook_pgsql_op_pause(ngx_http_jamhook_pgsql_t *s,
    ngx_http_jamhook_op_t *o)
{
    PGresult                        *res;
    ngx_uint_t                       n;
    ngx_http_jamhook_op_pause_t     *op = (ngx_http_jamhook_op_pause_t *) o;
    ngx_http_jamhook_pgsql_query_t   q;

    ngx_http_jamhook_pgsql_query(&q, s, NGX_HTTP_JAMHOOK_PGSQL_PAUSE);
    ngx_http_jamhook_pgsql_time(&q);
    ngx_http_jamhook_pgsql_int(&q, s->endpoints[op->endpoint].id);
    ngx_http_jamhook_pgsql_int(&q, op->reason);
    ngx_http_jamhook_pgsql_int(&q, NGX_HTTP_JAMHOOK_STORE_PROBE);

    res = ngx_http_jamhook_pgsql_ask(&q);

    if (res == NULL) {
        return NGX_ERROR;
    }

    n = PQntuples(res);

    PQclear(res);

    return n ? NGX_OK : ngx_http_jamhook_pgsql_fail_endpoint(s);
}


/*
 * What was held becomes BACKLOG, in as many calls as it takes, and only then
 * the endpoint is released: so new events go first from the first moment on.
 * What came in meanwhile is BACKLOG already.
 */

ngx_int_t
ngx_http_jamhook_pgsql_op_resume(ngx_http_jamhook_pgsql_t *s,
    ngx_http_jamhook_op_t *o)
{
    int64_t                          failing_since;
    PGresult                        *res;
    ngx_http_jamhook_pause_e         paused;
    ngx_http_jamhook_op_resume_t    *op = (ngx_http_jamhook_op_resume_t *) o;
    ngx_http_jamhook_pgsql_query_t   q;

    ngx_http_jamhook_pgsql_recover_init(op);

    ngx_http_jamhook_pgsql_query(&q, s, NGX_HTTP_JAMHOOK_PGSQL_RESUME);
    ngx_http_jamhook_pgsql_int(&q, s->endpoints[op->endpoint].id);
    ngx_http_jamhook_pgsql_int(&q, op->last);
    ngx_http_jamhook_pgsql_int(&q, NGX_HTTP_JAMHOOK_STORE_ROWS);

    res = ngx_http_jamhook_pgsql_ask(&q);

    if (res == NULL) {
        return NGX_ERROR;
    }

    if (PQntuples(res) == 0) {
        PQclear(res);
        return ngx_http_jamhook_pgsql_fail_endpoint(s);
    }

    paused = ngx_http_jamhook_pgsql_column(res, 0, 0);
    failing_since = ngx_http_jamhook_pgsql_column(res, 0, 1);
    op->last = ngx_http_jamhook_pgsql_column(res, 0, 2);
    op->changed = ngx_http_jamhook_pgsql_column(res, 0, 3);

    PQclear(res);

    if (op->changed == NGX_HTTP_JAMHOOK_STORE_ROWS) {
        return NGX_OK;
    }

    op->done = 1;

    if (paused == NGX_HTTP_JAMHOOK_PAUSE_NONE && failing_since == 0) {
        return NGX_OK;
    }

    ngx_http_jamhook_pgsql_query(&q, s, NGX_HTTP_JAMHOOK_PGSQL_RESUME_END);
    ngx_http_jamhook_pgsql_int(&q, s->endpoints[op->endpoint].id);

    if (paused == NGX_HTTP_JAMHOOK_PAUSE_NONE) {
        return ngx_http_jamhook_pgsql_send(&q, NULL, NULL);
    }

    s->notify = 1;

    return ngx_http_jamhook_pgsql_send(&q, ngx_http_jamhook_pgsql_resumed, op);
}


static ngx_int_t
ngx_http_jamhook_pgsql_resumed(ngx_http_jamhook_pgsql_t *s, PGresult *res,
    void *data)
{
    ngx_http_jamhook_op_resume_t  *op = data;

    (void) s;

    op->released = ngx_http_jamhook_pgsql_column(res, 0, 0);

    return NGX_OK;
}


/*
 * No statement finds any more what was forgotten: that is what PostgreSQL can
 * be made to promise.  It keeps the row's old version in its files until VACUUM
 * gives the room to others, and the bytes until these are written there; they
 * are in its WAL, and in what standbys and archives have of it.  None of that
 * ends by trying again, so there is nothing left to be wiped.
 */

ngx_int_t
ngx_http_jamhook_pgsql_op_forget(ngx_http_jamhook_pgsql_t *s,
    ngx_http_jamhook_op_t *o)
{
    ngx_http_jamhook_op_forget_t     *op = (ngx_http_jamhook_op_forget_t *) o;
    ngx_http_jamhook_pgsql_query_t    q;
    ngx_http_jamhook_pgsql_locked_t   locked;

    op->verdict = NGX_HTTP_JAMHOOK_FORGET_NO_EVENT;
    op->wiped = 1;

    if (ngx_http_jamhook_pgsql_lock_event(s, &op->id, NULL, &locked)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (locked.event == 0) {
        return NGX_OK;
    }

    if (ngx_http_jamhook_pgsql_lock_deliveries(s, 0, &locked) != NGX_OK) {
        return NGX_ERROR;
    }

    if (locked.sending != 0) {
        op->verdict = NGX_HTTP_JAMHOOK_FORGET_SENDING;
        return NGX_OK;
    }

    op->verdict = NGX_HTTP_JAMHOOK_FORGET_OK;

    ngx_http_jamhook_pgsql_query(&q, s, NGX_HTTP_JAMHOOK_PGSQL_FORGET_EVENT);
    ngx_http_jamhook_pgsql_int(&q, locked.event);

    if (ngx_http_jamhook_pgsql_send(&q, NULL, NULL) != NGX_OK) {
        return NGX_ERROR;
    }

    ngx_http_jamhook_pgsql_query(&q, s,
                                 NGX_HTTP_JAMHOOK_PGSQL_FORGET_ATTEMPTS);
    ngx_http_jamhook_pgsql_int(&q, locked.event);

    if (ngx_http_jamhook_pgsql_send(&q, NULL, NULL) != NGX_OK) {
        return NGX_ERROR;
    }

    ngx_http_jamhook_pgsql_query(&q, s,
                                 NGX_HTTP_JAMHOOK_PGSQL_FORGET_DELIVERIES);
    ngx_http_jamhook_pgsql_time(&q);
    ngx_http_jamhook_pgsql_int(&q, locked.event);

    return ngx_http_jamhook_pgsql_send(&q, NULL, NULL);
}


/* a row for each shard: sessions do not wait for each other's */

ngx_int_t
ngx_http_jamhook_pgsql_op_probe(ngx_http_jamhook_pgsql_t *s,
    ngx_http_jamhook_op_t *o)
{
    ngx_http_jamhook_pgsql_query_t  q;

    (void) o;

    ngx_http_jamhook_pgsql_query(&q, s, NGX_HTTP_JAMHOOK_PGSQL_PROBE);

    /*
     * One row for all: while a commit hangs, for a standby say, the next ones
     * wait for its lock and give up, and no more connections hang.
     */

    ngx_http_jamhook_pgsql_int(&q, 0);

    return ngx_http_jamhook_pgsql_send(&q, NULL, NULL);
}


/* op NULL: it does not matter which way it came */

static ngx_int_t
ngx_http_jamhook_pgsql_lock_event(ngx_http_jamhook_pgsql_t *s, ngx_str_t *id,
    ngx_http_jamhook_op_replay_t *op, ngx_http_jamhook_pgsql_locked_t *locked)
{
    PGresult                        *res;
    ngx_http_jamhook_pgsql_query_t   q;

    ngx_memzero(locked, sizeof(ngx_http_jamhook_pgsql_locked_t));

    ngx_http_jamhook_pgsql_query(&q, s, NGX_HTTP_JAMHOOK_PGSQL_EVENT_LOCK);
    ngx_http_jamhook_pgsql_text(&q, id);

    res = ngx_http_jamhook_pgsql_ask(&q);

    if (res == NULL) {
        return NGX_ERROR;
    }

    if (PQntuples(res) != 0) {
        locked->event = ngx_http_jamhook_pgsql_column(res, 0, 0);
        locked->forgotten = ngx_http_jamhook_pgsql_column(res, 0, 1);
        locked->ours = (op != NULL && ngx_http_jamhook_pgsql_came_by(op, res));
    }

    PQclear(res);

    return NGX_OK;
}


/* 1: by one of the locations that the caller names */

static ngx_uint_t
ngx_http_jamhook_pgsql_came_by(ngx_http_jamhook_op_replay_t *op, PGresult *res)
{
    ngx_str_t   source;
    ngx_uint_t  i;

    ngx_http_jamhook_pgsql_string(res, 0, 2, &source);

    for (i = 0; source.data != NULL && i < op->nsources; i++) {

        if (op->sources[i].len == source.len
            && ngx_memcmp(op->sources[i].data, source.data, source.len) == 0)
        {
            return 1;
        }
    }

    return 0;
}


/*
 * The one to an endpoint, or with 0 all of the event.  From here on nobody
 * claims them; one that somebody claims at this moment is waited for, and found
 * to be sending.
 */

static ngx_int_t
ngx_http_jamhook_pgsql_lock_deliveries(ngx_http_jamhook_pgsql_t *s,
    int64_t endpoint, ngx_http_jamhook_pgsql_locked_t *locked)
{
    int                              row;
    PGresult                        *res;
    ngx_http_jamhook_pgsql_query_t   q;

    ngx_http_jamhook_pgsql_query(&q, s, NGX_HTTP_JAMHOOK_PGSQL_DELIVERY_LOCK);
    ngx_http_jamhook_pgsql_int(&q, locked->event);
    ngx_http_jamhook_pgsql_maybe(&q, endpoint);

    res = ngx_http_jamhook_pgsql_ask(&q);

    if (res == NULL) {
        return NGX_ERROR;
    }

    locked->deliveries = PQntuples(res);
    locked->sending = 0;

    for (row = 0; row < PQntuples(res); row++) {
        if (ngx_http_jamhook_pgsql_column(res, row, 1)
            == NGX_HTTP_JAMHOOK_STATE_SENDING)
        {
            locked->sending++;
        }
    }

    PQclear(res);

    return NGX_OK;
}


/* 0: all of them */

static void
ngx_http_jamhook_pgsql_maybe(ngx_http_jamhook_pgsql_query_t *q,
    int64_t endpoint)
{
    if (endpoint != 0) {
        ngx_http_jamhook_pgsql_int(q, endpoint);

    } else {
        ngx_http_jamhook_pgsql_null(q);
    }
}


/* where another came first, the delivery is made and due as well */

static ngx_int_t
ngx_http_jamhook_pgsql_replay_add(ngx_http_jamhook_pgsql_t *s,
    ngx_http_jamhook_op_replay_t *op, int64_t event, int64_t endpoint)
{
    ngx_http_jamhook_pgsql_query_t  q;

    ngx_http_jamhook_pgsql_query(&q, s, NGX_HTTP_JAMHOOK_PGSQL_REPLAY_ADD);
    ngx_http_jamhook_pgsql_time(&q);
    ngx_http_jamhook_pgsql_int(&q, event);
    ngx_http_jamhook_pgsql_int(&q, endpoint);

    op->verdict = NGX_HTTP_JAMHOOK_REPLAY_OK;
    op->replayed = 1;

    s->notify = 1;

    return ngx_http_jamhook_pgsql_send(&q, NULL, NULL);
}


static ngx_int_t
ngx_http_jamhook_pgsql_replay_update(ngx_http_jamhook_pgsql_t *s,
    ngx_http_jamhook_op_replay_t *op, ngx_http_jamhook_pgsql_locked_t *locked,
    int64_t endpoint)
{
    ngx_http_jamhook_pgsql_query_t  q;

    ngx_http_jamhook_pgsql_query(&q, s, NGX_HTTP_JAMHOOK_PGSQL_UNTALLY);
    ngx_http_jamhook_pgsql_int(&q, locked->event);
    ngx_http_jamhook_pgsql_maybe(&q, endpoint);
    ngx_http_jamhook_pgsql_int(&q, s->shard);

    if (ngx_http_jamhook_pgsql_send(&q, NULL, NULL) != NGX_OK) {
        return NGX_ERROR;
    }

    ngx_http_jamhook_pgsql_query(&q, s, NGX_HTTP_JAMHOOK_PGSQL_REPLAY);
    ngx_http_jamhook_pgsql_time(&q);
    ngx_http_jamhook_pgsql_int(&q, locked->event);
    ngx_http_jamhook_pgsql_maybe(&q, endpoint);

    op->verdict = NGX_HTTP_JAMHOOK_REPLAY_OK;
    op->replayed = locked->deliveries;

    s->notify = 1;

    return ngx_http_jamhook_pgsql_send(&q, NULL, NULL);
}


static void
ngx_http_jamhook_pgsql_recover_init(ngx_http_jamhook_op_recover_t *op)
{
    op->changed = 0;
    op->failed = 0;
    op->released = 0;
    op->done = 0;
}


static ngx_int_t
ngx_http_jamhook_pgsql_fail_endpoint(ngx_http_jamhook_pgsql_t *s)
{
    return ngx_http_jamhook_pgsql_fail_text(s, NGX_HTTP_JAMHOOK_STORE_CORRUPT,
                                            "the row of an endpoint is gone");
}
