
#include "ngx_http_jamhook_sqlite.h"


static ngx_int_t ngx_http_jamhook_sqlite_find(ngx_http_jamhook_sqlite_t *s,
    ngx_str_t *id, int64_t *event, ngx_uint_t *forgotten);
static ngx_int_t ngx_http_jamhook_sqlite_count(ngx_http_jamhook_sqlite_t *s,
    int64_t event, ngx_uint_t *all, ngx_uint_t *sending);

static ngx_int_t ngx_http_jamhook_sqlite_replay_one(
    ngx_http_jamhook_sqlite_t *s, ngx_http_jamhook_op_replay_t *op,
    int64_t event);
static ngx_int_t ngx_http_jamhook_sqlite_came_by(ngx_http_jamhook_sqlite_t *s,
    ngx_http_jamhook_op_replay_t *op);
static ngx_int_t ngx_http_jamhook_sqlite_replay_add(
    ngx_http_jamhook_sqlite_t *s, int64_t event, int64_t endpoint);
static ngx_int_t ngx_http_jamhook_sqlite_replay_update(
    ngx_http_jamhook_sqlite_t *s, ngx_http_jamhook_op_replay_t *op,
    int64_t event, ngx_http_jamhook_sqlite_endpoint_t *ep);

static ngx_int_t ngx_http_jamhook_sqlite_held(ngx_http_jamhook_sqlite_t *s,
    ngx_http_jamhook_sqlite_endpoint_t *ep, ngx_uint_t *n);
static ngx_int_t ngx_http_jamhook_sqlite_recover_first(
    ngx_http_jamhook_sqlite_t *s, ngx_http_jamhook_op_recover_t *op);
static ngx_int_t ngx_http_jamhook_sqlite_recover_one(
    ngx_http_jamhook_sqlite_t *s, ngx_http_jamhook_op_recover_t *op,
    int64_t event, int64_t state);


ngx_int_t
ngx_http_jamhook_sqlite_op_replay(ngx_http_jamhook_sqlite_t *s,
    ngx_http_jamhook_op_t *o)
{
    int64_t                        event;
    ngx_int_t                      rc;
    ngx_uint_t                     all, sending, forgotten;
    ngx_http_jamhook_op_replay_t  *op = (ngx_http_jamhook_op_replay_t *) o;

    op->replayed = 0;
    op->verdict = NGX_HTTP_JAMHOOK_REPLAY_NO_EVENT;

    rc = ngx_http_jamhook_sqlite_find(s, &op->id, &event, &forgotten);

    if (rc == NGX_ERROR) {
        return NGX_ERROR;
    }

    if (rc == NGX_DONE || forgotten) {
        return NGX_OK;
    }

    if (op->endpoint != NGX_HTTP_JAMHOOK_NO_ENDPOINT) {
        return ngx_http_jamhook_sqlite_replay_one(s, op, event);
    }

    if (ngx_http_jamhook_sqlite_count(s, event, &all, &sending) != NGX_OK) {
        return NGX_ERROR;
    }

    if (all == 0) {
        op->verdict = NGX_HTTP_JAMHOOK_REPLAY_NO_DELIVERY;
        return NGX_OK;
    }

    if (sending != 0) {
        op->verdict = NGX_HTTP_JAMHOOK_REPLAY_SENDING;
        return NGX_OK;
    }

    if (ngx_http_jamhook_sqlite_sum_untally(s, event) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_http_jamhook_sqlite_replay_update(s, op, event, NULL);
}


ngx_int_t
ngx_http_jamhook_sqlite_op_recover(ngx_http_jamhook_sqlite_t *s,
    ngx_http_jamhook_op_t *o)
{
    int64_t                          states[NGX_HTTP_JAMHOOK_STORE_ROWS];
    ngx_int_t                        rc;
    ngx_uint_t                       i, n;
    ngx_http_jamhook_op_recover_t   *op = (ngx_http_jamhook_op_recover_t *) o;
    ngx_http_jamhook_sqlite_query_t  q;

    if (ngx_http_jamhook_sqlite_recover_first(s, op) != NGX_OK) {
        return NGX_ERROR;
    }

    ngx_http_jamhook_sqlite_query(&q, s, NGX_HTTP_JAMHOOK_SQL_RECOVER_LIST);
    ngx_http_jamhook_sqlite_int(&q, s->endpoints[op->endpoint].id);
    ngx_http_jamhook_sqlite_int(&q, op->cursor);
    ngx_http_jamhook_sqlite_int(&q, op->last);
    ngx_http_jamhook_sqlite_int(&q, NGX_HTTP_JAMHOOK_STORE_ROWS);

    /* first the list, then the changes: they are to the index it is from */

    for (n = 0; /* void */ ; n++) {
        rc = ngx_http_jamhook_sqlite_row(&q);

        if (rc != NGX_OK) {
            break;
        }

        s->due[0][n] = ngx_http_jamhook_sqlite_column(&q, 0);
        states[n] = ngx_http_jamhook_sqlite_column(&q, 1);
    }

    if (rc == NGX_ERROR) {
        return NGX_ERROR;
    }

    for (i = 0; i < n; i++) {
        if (ngx_http_jamhook_sqlite_recover_one(s, op, s->due[0][i], states[i])
            != NGX_OK)
        {
            return NGX_ERROR;
        }

        op->cursor = s->due[0][i];
    }

    op->done = (n < NGX_HTTP_JAMHOOK_STORE_ROWS);

    return NGX_OK;
}


ngx_int_t
ngx_http_jamhook_sqlite_op_pause(ngx_http_jamhook_sqlite_t *s,
    ngx_http_jamhook_op_t *o)
{
    ngx_http_jamhook_op_pause_t         *op = (ngx_http_jamhook_op_pause_t *) o;
    ngx_http_jamhook_sqlite_endpoint_t  *ep;

    ep = ngx_http_jamhook_sqlite_endpoint(s, op->endpoint);
    if (ep == NULL) {
        return NGX_ERROR;
    }

    /* a hand's before a 410 before failures; the same again changes nothing */

    if (ep->paused != NGX_HTTP_JAMHOOK_PAUSE_NONE
        && ep->paused <= op->reason)
    {
        return NGX_OK;
    }

    ep->paused = op->reason;
    ep->paused_at = s->clock->now;
    ep->probe_at = 0;

    if (op->reason == NGX_HTTP_JAMHOOK_PAUSE_FAILING) {
        ep->probe_at = s->clock->now + NGX_HTTP_JAMHOOK_STORE_PROBE;
    }

    return ngx_http_jamhook_sqlite_endpoint_save(s, ep);
}


/*
 * What was held becomes BACKLOG, in as many calls as it takes, and only then
 * the endpoint is released: so new events go first from the first moment on.
 * What came in meanwhile is BACKLOG already.
 */

ngx_int_t
ngx_http_jamhook_sqlite_op_resume(ngx_http_jamhook_sqlite_t *s,
    ngx_http_jamhook_op_t *o)
{
    ngx_http_jamhook_op_resume_t        *op;
    ngx_http_jamhook_sqlite_query_t      q;
    ngx_http_jamhook_sqlite_endpoint_t  *ep;

    op = (ngx_http_jamhook_op_resume_t *) o;

    if (ngx_http_jamhook_sqlite_recover_first(s, op) != NGX_OK) {
        return NGX_ERROR;
    }

    ep = ngx_http_jamhook_sqlite_endpoint(s, op->endpoint);
    if (ep == NULL) {
        return NGX_ERROR;
    }

    if (ep->paused != NGX_HTTP_JAMHOOK_PAUSE_NONE) {
        ngx_http_jamhook_sqlite_query(&q, s, NGX_HTTP_JAMHOOK_SQL_RESUME);
        ngx_http_jamhook_sqlite_int(&q, ep->id);
        ngx_http_jamhook_sqlite_int(&q, op->last);
        ngx_http_jamhook_sqlite_int(&q, NGX_HTTP_JAMHOOK_STORE_ROWS);

        if (ngx_http_jamhook_sqlite_run(&q) != NGX_OK) {
            return NGX_ERROR;
        }

        op->changed = sqlite3_changes(s->db);

        if (op->changed == NGX_HTTP_JAMHOOK_STORE_ROWS) {
            return NGX_OK;
        }
    }

    op->done = 1;

    if (ep->paused == NGX_HTTP_JAMHOOK_PAUSE_NONE && ep->failing_since == 0) {
        return NGX_OK;
    }

    if (ep->paused != NGX_HTTP_JAMHOOK_PAUSE_NONE
        && ngx_http_jamhook_sqlite_held(s, ep, &op->released) != NGX_OK)
    {
        return NGX_ERROR;
    }

    ep->paused = NGX_HTTP_JAMHOOK_PAUSE_NONE;
    ep->paused_at = 0;
    ep->failing_since = 0;
    ep->probe_at = 0;

    return ngx_http_jamhook_sqlite_endpoint_save(s, ep);
}


static ngx_int_t
ngx_http_jamhook_sqlite_held(ngx_http_jamhook_sqlite_t *s,
    ngx_http_jamhook_sqlite_endpoint_t *ep, ngx_uint_t *n)
{
    ngx_http_jamhook_sqlite_query_t  q;

    ngx_http_jamhook_sqlite_query(&q, s, NGX_HTTP_JAMHOOK_SQL_COUNT_PENDING);
    ngx_http_jamhook_sqlite_int(&q, ep->id);

    if (ngx_http_jamhook_sqlite_row(&q) != NGX_OK) {
        return NGX_ERROR;
    }

    *n = ngx_http_jamhook_sqlite_column(&q, 0);

    ngx_http_jamhook_sqlite_end(&q);

    return NGX_OK;
}


ngx_int_t
ngx_http_jamhook_sqlite_op_forget(ngx_http_jamhook_sqlite_t *s,
    ngx_http_jamhook_op_t *o)
{
    int64_t                          event;
    ngx_int_t                        rc;
    ngx_uint_t                       all, sending, forgotten;
    ngx_http_jamhook_op_forget_t    *op = (ngx_http_jamhook_op_forget_t *) o;
    ngx_http_jamhook_sqlite_query_t  q;

    op->verdict = NGX_HTTP_JAMHOOK_FORGET_NO_EVENT;

    rc = ngx_http_jamhook_sqlite_find(s, &op->id, &event, &forgotten);

    if (rc != NGX_OK) {
        return (rc == NGX_DONE) ? NGX_OK : NGX_ERROR;
    }

    if (ngx_http_jamhook_sqlite_count(s, event, &all, &sending) != NGX_OK) {
        return NGX_ERROR;
    }

    if (sending != 0) {
        op->verdict = NGX_HTTP_JAMHOOK_FORGET_SENDING;
        return NGX_OK;
    }

    op->verdict = NGX_HTTP_JAMHOOK_FORGET_OK;
    s->forgot = 1;

    ngx_http_jamhook_sqlite_query(&q, s, NGX_HTTP_JAMHOOK_SQL_FORGET_EVENT);
    ngx_http_jamhook_sqlite_int(&q, event);

    if (ngx_http_jamhook_sqlite_run(&q) != NGX_OK) {
        return NGX_ERROR;
    }

    ngx_http_jamhook_sqlite_query(&q, s, NGX_HTTP_JAMHOOK_SQL_FORGET_ATTEMPTS);
    ngx_http_jamhook_sqlite_int(&q, event);

    if (ngx_http_jamhook_sqlite_run(&q) != NGX_OK) {
        return NGX_ERROR;
    }

    ngx_http_jamhook_sqlite_query(&q, s,
                                  NGX_HTTP_JAMHOOK_SQL_FORGET_DELIVERIES);
    ngx_http_jamhook_sqlite_int(&q, event);
    ngx_http_jamhook_sqlite_int(&q, s->clock->now);

    return ngx_http_jamhook_sqlite_run(&q);
}


ngx_int_t
ngx_http_jamhook_sqlite_op_probe(ngx_http_jamhook_sqlite_t *s,
    ngx_http_jamhook_op_t *o)
{
    ngx_http_jamhook_sqlite_query_t  q;

    (void) o;

    ngx_http_jamhook_sqlite_query(&q, s, NGX_HTTP_JAMHOOK_SQL_PROBE);

    return ngx_http_jamhook_sqlite_run(&q);
}


static ngx_int_t
ngx_http_jamhook_sqlite_find(ngx_http_jamhook_sqlite_t *s, ngx_str_t *id,
    int64_t *event, ngx_uint_t *forgotten)
{
    ngx_int_t                        rc;
    ngx_http_jamhook_sqlite_query_t  q;

    ngx_http_jamhook_sqlite_query(&q, s, NGX_HTTP_JAMHOOK_SQL_EVENT_FIND);
    ngx_http_jamhook_sqlite_text(&q, id);

    rc = ngx_http_jamhook_sqlite_row(&q);

    if (rc == NGX_OK) {
        *event = ngx_http_jamhook_sqlite_column(&q, 0);
        *forgotten = ngx_http_jamhook_sqlite_column(&q, 1);

        ngx_http_jamhook_sqlite_end(&q);
    }

    return rc;
}


static ngx_int_t
ngx_http_jamhook_sqlite_count(ngx_http_jamhook_sqlite_t *s, int64_t event,
    ngx_uint_t *all, ngx_uint_t *sending)
{
    ngx_http_jamhook_sqlite_query_t  q;

    ngx_http_jamhook_sqlite_query(&q, s, NGX_HTTP_JAMHOOK_SQL_DELIVERY_COUNT);
    ngx_http_jamhook_sqlite_int(&q, event);

    if (ngx_http_jamhook_sqlite_row(&q) != NGX_OK) {
        return NGX_ERROR;
    }

    *all = ngx_http_jamhook_sqlite_column(&q, 0);
    *sending = ngx_http_jamhook_sqlite_column(&q, 1);

    ngx_http_jamhook_sqlite_end(&q);

    return NGX_OK;
}


static ngx_int_t
ngx_http_jamhook_sqlite_replay_one(ngx_http_jamhook_sqlite_t *s,
    ngx_http_jamhook_op_replay_t *op, int64_t event)
{
    int64_t                              state;
    ngx_int_t                            rc;
    ngx_http_jamhook_sqlite_query_t      q;
    ngx_http_jamhook_sqlite_endpoint_t  *ep;

    ep = &s->endpoints[op->endpoint];

    ngx_http_jamhook_sqlite_query(&q, s, NGX_HTTP_JAMHOOK_SQL_DELIVERY_READ);
    ngx_http_jamhook_sqlite_int(&q, event);
    ngx_http_jamhook_sqlite_int(&q, ep->id);

    rc = ngx_http_jamhook_sqlite_row(&q);

    if (rc == NGX_ERROR) {
        return NGX_ERROR;
    }

    if (rc == NGX_DONE) {

        rc = op->may_add ? ngx_http_jamhook_sqlite_came_by(s, op)
                         : NGX_DECLINED;

        if (rc == NGX_ERROR) {
            return NGX_ERROR;
        }

        if (rc == NGX_DECLINED) {
            op->verdict = NGX_HTTP_JAMHOOK_REPLAY_NO_DELIVERY;
            return NGX_OK;
        }

        op->verdict = NGX_HTTP_JAMHOOK_REPLAY_OK;
        op->replayed = 1;

        return ngx_http_jamhook_sqlite_replay_add(s, event, ep->id);
    }

    state = ngx_http_jamhook_sqlite_column(&q, 0);

    ngx_http_jamhook_sqlite_end(&q);

    if (state == NGX_HTTP_JAMHOOK_STATE_SENDING) {
        op->verdict = NGX_HTTP_JAMHOOK_REPLAY_SENDING;
        return NGX_OK;
    }

    if (state == NGX_HTTP_JAMHOOK_STATE_SUCCEEDED
        && ngx_http_jamhook_sqlite_sum_tally(s, ep->id, -1) != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_http_jamhook_sqlite_replay_update(s, op, event, ep);
}


/* NGX_OK: by one of the locations that the caller names; NGX_DECLINED */

static ngx_int_t
ngx_http_jamhook_sqlite_came_by(ngx_http_jamhook_sqlite_t *s,
    ngx_http_jamhook_op_replay_t *op)
{
    size_t                           len;
    ngx_int_t                        rc;
    ngx_uint_t                       i;
    const void                      *source;
    ngx_http_jamhook_sqlite_query_t  q;

    ngx_http_jamhook_sqlite_query(&q, s, NGX_HTTP_JAMHOOK_SQL_EVENT_FIND);
    ngx_http_jamhook_sqlite_text(&q, &op->id);

    if (ngx_http_jamhook_sqlite_row(&q) != NGX_OK) {
        return NGX_ERROR;
    }

    source = sqlite3_column_blob(q.st, 2);
    len = (size_t) sqlite3_column_bytes(q.st, 2);

    rc = NGX_DECLINED;

    for (i = 0; source != NULL && i < op->nsources; i++) {

        if (op->sources[i].len == len
            && ngx_memcmp(op->sources[i].data, source, len) == 0)
        {
            rc = NGX_OK;
            break;
        }
    }

    ngx_http_jamhook_sqlite_end(&q);

    return rc;
}


/* it was never sent: replay stays 0, for Idempotency-Key */

static ngx_int_t
ngx_http_jamhook_sqlite_replay_add(ngx_http_jamhook_sqlite_t *s,
    int64_t event, int64_t endpoint)
{
    ngx_str_t                        nobody;
    ngx_http_jamhook_sqlite_query_t  q;

    ngx_str_null(&nobody);

    ngx_http_jamhook_sqlite_query(&q, s, NGX_HTTP_JAMHOOK_SQL_DELIVERY_ADD);
    ngx_http_jamhook_sqlite_int(&q, event);
    ngx_http_jamhook_sqlite_int(&q, endpoint);
    ngx_http_jamhook_sqlite_int(&q, NGX_HTTP_JAMHOOK_STATE_PENDING);
    ngx_http_jamhook_sqlite_int(&q, NGX_HTTP_JAMHOOK_CLASS_NEW);
    ngx_http_jamhook_sqlite_int(&q, s->clock->now);
    ngx_http_jamhook_sqlite_int(&q, 0);
    ngx_http_jamhook_sqlite_int(&q, NGX_HTTP_JAMHOOK_TRIGGER_MANUAL);
    ngx_http_jamhook_sqlite_text(&q, &nobody);
    ngx_http_jamhook_sqlite_int(&q, 0);
    ngx_http_jamhook_sqlite_int(&q, 0);

    return ngx_http_jamhook_sqlite_run(&q);
}


/* ep NULL: all of them */

static ngx_int_t
ngx_http_jamhook_sqlite_replay_update(ngx_http_jamhook_sqlite_t *s,
    ngx_http_jamhook_op_replay_t *op, int64_t event,
    ngx_http_jamhook_sqlite_endpoint_t *ep)
{
    ngx_str_t                        all;
    ngx_http_jamhook_sqlite_query_t  q;

    ngx_str_null(&all);

    ngx_http_jamhook_sqlite_query(&q, s, NGX_HTTP_JAMHOOK_SQL_REPLAY);
    ngx_http_jamhook_sqlite_int(&q, event);

    if (ep == NULL) {
        ngx_http_jamhook_sqlite_text(&q, &all);

    } else {
        ngx_http_jamhook_sqlite_int(&q, ep->id);
    }

    ngx_http_jamhook_sqlite_int(&q, s->clock->now);

    if (ngx_http_jamhook_sqlite_run(&q) != NGX_OK) {
        return NGX_ERROR;
    }

    op->verdict = NGX_HTTP_JAMHOOK_REPLAY_OK;
    op->replayed = sqlite3_changes(s->db);

    return NGX_OK;
}


/* what comes in later is not looked at: so it ends */

static ngx_int_t
ngx_http_jamhook_sqlite_recover_first(ngx_http_jamhook_sqlite_t *s,
    ngx_http_jamhook_op_recover_t *op)
{
    op->changed = 0;
    op->failed = 0;
    op->released = 0;
    op->done = 0;

    if (op->last != 0) {
        return NGX_OK;
    }

    return ngx_http_jamhook_sqlite_last_event(s, &op->last);
}


static ngx_int_t
ngx_http_jamhook_sqlite_recover_one(ngx_http_jamhook_sqlite_t *s,
    ngx_http_jamhook_op_recover_t *op, int64_t event, int64_t state)
{
    ngx_http_jamhook_sqlite_query_t  q;

    ngx_http_jamhook_sqlite_query(&q, s, NGX_HTTP_JAMHOOK_SQL_RECOVER);
    ngx_http_jamhook_sqlite_int(&q, event);
    ngx_http_jamhook_sqlite_int(&q, s->endpoints[op->endpoint].id);
    ngx_http_jamhook_sqlite_int(&q, s->clock->now);
    ngx_http_jamhook_sqlite_int(&q, op->since);
    ngx_http_jamhook_sqlite_int(&q, op->until
                                    ? op->until
                                    : NGX_HTTP_JAMHOOK_SQLITE_FOREVER);

    if (ngx_http_jamhook_sqlite_run(&q) != NGX_OK) {
        return NGX_ERROR;
    }

    if (sqlite3_changes(s->db) == 1) {
        op->changed++;
        op->failed += (state == NGX_HTTP_JAMHOOK_STATE_FAILED);
    }

    return NGX_OK;
}
