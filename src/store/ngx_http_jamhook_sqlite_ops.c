
#include "ngx_http_jamhook_sqlite.h"


/* A delivery as an event makes it. */
typedef struct {
    int64_t                            event;
    ngx_uint_t                         number;       /* if it is claimed */
    ngx_http_jamhook_op_route_t       *route;
    ngx_http_jamhook_sqlite_endpoint_t *ep;
} ngx_http_jamhook_sqlite_start_t;


static ngx_int_t ngx_http_jamhook_sqlite_event_insert(
    ngx_http_jamhook_sqlite_t *s, ngx_http_jamhook_op_event_t *op,
    ngx_uint_t *is_new);
static ngx_int_t ngx_http_jamhook_sqlite_event_compare(
    ngx_http_jamhook_sqlite_t *s, ngx_http_jamhook_op_event_t *op,
    ngx_uint_t *forgotten);
static ngx_int_t ngx_http_jamhook_sqlite_event_route(
    ngx_http_jamhook_sqlite_t *s, int64_t event,
    ngx_http_jamhook_op_route_t *route);
static ngx_int_t ngx_http_jamhook_sqlite_event_start(
    ngx_http_jamhook_sqlite_t *s, ngx_http_jamhook_sql_e sql,
    ngx_http_jamhook_sqlite_start_t *start);
static ngx_int_t ngx_http_jamhook_sqlite_full(ngx_http_jamhook_sqlite_t *s);

static ngx_int_t ngx_http_jamhook_sqlite_outcome_delivery(
    ngx_http_jamhook_sqlite_t *s, ngx_http_jamhook_op_outcome_t *op);
static ngx_int_t ngx_http_jamhook_sqlite_outcome_attempt(
    ngx_http_jamhook_sqlite_t *s, ngx_http_jamhook_op_outcome_t *op);
static ngx_int_t ngx_http_jamhook_sqlite_outcome_endpoint(
    ngx_http_jamhook_sqlite_t *s, ngx_http_jamhook_op_outcome_t *op);
static void ngx_http_jamhook_sqlite_outcome_failed(
    ngx_http_jamhook_sqlite_t *s, ngx_http_jamhook_op_outcome_t *op,
    ngx_http_jamhook_sqlite_endpoint_t *ep);


ngx_int_t
ngx_http_jamhook_sqlite_op_event(ngx_http_jamhook_sqlite_t *s,
    ngx_http_jamhook_op_t *o)
{
    ngx_int_t                     rc;
    ngx_uint_t                    i, is_new, forgotten;
    ngx_http_jamhook_op_event_t  *op = (ngx_http_jamhook_op_event_t *) o;

    for (i = 0; i < op->nroutes; i++) {
        op->routes[i].claimed = 0;
        op->routes[i].verdict = NGX_HTTP_JAMHOOK_ROUTE_EXISTS;
        op->routes[i].number = 0;
        op->routes[i].replay = 0;
        op->routes[i].lease_until = 0;
    }

    op->event = 0;
    forgotten = 0;

    if (ngx_http_jamhook_sqlite_event_insert(s, op, &is_new) != NGX_OK) {
        return NGX_ERROR;
    }

    if (!is_new) {
        rc = ngx_http_jamhook_sqlite_event_compare(s, op, &forgotten);

        if (rc != NGX_OK) {
            return (rc == NGX_DECLINED) ? NGX_OK : NGX_ERROR;
        }
    }

    op->verdict = is_new ? NGX_HTTP_JAMHOOK_EVENT_STORED
                         : NGX_HTTP_JAMHOOK_EVENT_DUPLICATE;

    if (forgotten) {
        return NGX_OK;
    }

    for (i = 0; i < op->nroutes; i++) {

        if (ngx_http_jamhook_sqlite_event_route(s, op->event, &op->routes[i])
            != NGX_OK)
        {
            return NGX_ERROR;
        }

        if (op->routes[i].verdict == NGX_HTTP_JAMHOOK_ROUTE_ADDED) {
            op->verdict = NGX_HTTP_JAMHOOK_EVENT_STORED;
        }
    }

    return NGX_OK;
}


/*
 * Numbers are given out here, not by SQLite: it would give the last event's
 * anew once that is removed, and AUTOINCREMENT writes another row each time.
 */

static ngx_int_t
ngx_http_jamhook_sqlite_event_insert(ngx_http_jamhook_sqlite_t *s,
    ngx_http_jamhook_op_event_t *op, ngx_uint_t *is_new)
{
    int64_t                          last;
    ngx_http_jamhook_sqlite_query_t  q;

    *is_new = 0;

    if (ngx_http_jamhook_sqlite_last_event(s, &last) != NGX_OK
        || ngx_http_jamhook_sqlite_full(s) != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (s->full) {
        return NGX_OK;
    }

    ngx_http_jamhook_sqlite_query(&q, s, NGX_HTTP_JAMHOOK_SQL_EVENT_ADD);
    ngx_http_jamhook_sqlite_int(&q, last + 1);
    ngx_http_jamhook_sqlite_int(&q, s->clock->now);
    ngx_http_jamhook_sqlite_text(&q, &op->id);
    ngx_http_jamhook_sqlite_text(&q, &op->source);
    ngx_http_jamhook_sqlite_text(&q, &op->event_id);
    ngx_http_jamhook_sqlite_text(&q, &op->type);
    ngx_http_jamhook_sqlite_text(&q, &op->created_at);
    ngx_http_jamhook_sqlite_text(&q, &op->conversation_id);
    ngx_http_jamhook_sqlite_text(&q, &op->jam_id);
    ngx_http_jamhook_sqlite_text(&q, &op->recording_url);
    ngx_http_jamhook_sqlite_text(&q, &op->key);
    ngx_http_jamhook_sqlite_text(&q, &op->headers);
    ngx_http_jamhook_sqlite_blob(&q, &op->body);

    if (ngx_http_jamhook_sqlite_run(&q) != NGX_OK) {
        return NGX_ERROR;
    }

    if (sqlite3_changes(s->db) == 1) {
        *is_new = 1;
        op->event = ++s->last_event;
    }

    return NGX_OK;
}


/* NGX_DECLINED: it has its verdict, and that is all */

static ngx_int_t
ngx_http_jamhook_sqlite_event_compare(ngx_http_jamhook_sqlite_t *s,
    ngx_http_jamhook_op_event_t *op, ngx_uint_t *forgotten)
{
    ngx_int_t                        rc;
    ngx_uint_t                       same;
    ngx_http_jamhook_sqlite_query_t  q;

    ngx_http_jamhook_sqlite_query(&q, s, NGX_HTTP_JAMHOOK_SQL_EVENT_COMPARE);
    ngx_http_jamhook_sqlite_text(&q, &op->id);
    ngx_http_jamhook_sqlite_blob(&q, &op->body);

    rc = ngx_http_jamhook_sqlite_row(&q);

    if (rc == NGX_ERROR) {
        return NGX_ERROR;
    }

    if (rc == NGX_DONE) {
        op->verdict = NGX_HTTP_JAMHOOK_EVENT_FULL;
        return NGX_DECLINED;
    }

    op->event = ngx_http_jamhook_sqlite_column(&q, 0);
    *forgotten = ngx_http_jamhook_sqlite_column(&q, 1);
    same = ngx_http_jamhook_sqlite_column(&q, 2);

    ngx_http_jamhook_sqlite_end(&q);

    if (!same) {
        op->verdict = NGX_HTTP_JAMHOOK_EVENT_CONFLICT;
        return NGX_DECLINED;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_jamhook_sqlite_event_route(ngx_http_jamhook_sqlite_t *s,
    int64_t event, ngx_http_jamhook_op_route_t *route)
{
    int64_t                          state;
    ngx_http_jamhook_sqlite_query_t  q;
    ngx_http_jamhook_sqlite_start_t  start;

    start.event = event;
    start.number = 1;
    start.route = route;
    start.ep = ngx_http_jamhook_sqlite_endpoint(s, route->endpoint);

    if (start.ep == NULL
        || ngx_http_jamhook_sqlite_event_start(s,
                                            NGX_HTTP_JAMHOOK_SQL_DELIVERY_ADD,
                                               &start)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (sqlite3_changes(s->db) == 1) {
        route->verdict = NGX_HTTP_JAMHOOK_ROUTE_ADDED;
        return NGX_OK;
    }

    route->claimed = 0;
    route->number = 0;
    route->lease_until = 0;

    ngx_http_jamhook_sqlite_query(&q, s, NGX_HTTP_JAMHOOK_SQL_DELIVERY_READ);
    ngx_http_jamhook_sqlite_int(&q, event);
    ngx_http_jamhook_sqlite_int(&q, start.ep->id);

    if (ngx_http_jamhook_sqlite_row(&q) != NGX_OK) {
        return NGX_ERROR;
    }

    state = ngx_http_jamhook_sqlite_column(&q, 0);
    start.number = ngx_http_jamhook_sqlite_column(&q, 1) + 1;
    route->replay = ngx_http_jamhook_sqlite_column(&q, 2);

    ngx_http_jamhook_sqlite_end(&q);

    if (state != NGX_HTTP_JAMHOOK_STATE_FAILED) {
        return NGX_OK;
    }

    route->verdict = NGX_HTTP_JAMHOOK_ROUTE_RESTARTED;

    return ngx_http_jamhook_sqlite_event_start(s,
                                        NGX_HTTP_JAMHOOK_SQL_DELIVERY_RESTART,
                                               &start);
}


/* claimed where that was asked for and may be, else due at once */

static ngx_int_t
ngx_http_jamhook_sqlite_event_start(ngx_http_jamhook_sqlite_t *s,
    ngx_http_jamhook_sql_e sql, ngx_http_jamhook_sqlite_start_t *start)
{
    ngx_str_t                         owner;
    ngx_uint_t                        number;
    ngx_http_jamhook_class_e          class;
    ngx_http_jamhook_state_e          state;
    ngx_http_jamhook_op_route_t      *route;
    ngx_http_jamhook_sqlite_query_t   q;

    route = start->route;

    if (route->claim && start->ep->paused == NGX_HTTP_JAMHOOK_PAUSE_NONE) {
        state = NGX_HTTP_JAMHOOK_STATE_SENDING;
        number = start->number;
        owner = s->owner->name;

        route->claimed = 1;
        route->number = number;
        route->lease_until = s->clock->mono + (int64_t) route->lease;

    } else {
        state = NGX_HTTP_JAMHOOK_STATE_PENDING;
        number = start->number - 1;
        ngx_str_null(&owner);
    }

    class = start->ep->paused ? NGX_HTTP_JAMHOOK_CLASS_BACKLOG
                              : NGX_HTTP_JAMHOOK_CLASS_NEW;

    ngx_http_jamhook_sqlite_query(&q, s, sql);
    ngx_http_jamhook_sqlite_int(&q, start->event);
    ngx_http_jamhook_sqlite_int(&q, start->ep->id);
    ngx_http_jamhook_sqlite_int(&q, state);
    ngx_http_jamhook_sqlite_int(&q, class);
    ngx_http_jamhook_sqlite_int(&q, s->clock->now);
    ngx_http_jamhook_sqlite_int(&q, number);
    ngx_http_jamhook_sqlite_int(&q, NGX_HTTP_JAMHOOK_TRIGGER_SCHEDULED);
    ngx_http_jamhook_sqlite_text(&q, &owner);
    ngx_http_jamhook_sqlite_int(&q, route->lease_until);
    ngx_http_jamhook_sqlite_int(&q, route->claimed ? s->clock->now : 0);

    return ngx_http_jamhook_sqlite_run(&q);
}


/* pages that wait for use again count as free */

static ngx_int_t
ngx_http_jamhook_sqlite_full(ngx_http_jamhook_sqlite_t *s)
{
    int64_t                          used;
    ngx_http_jamhook_sqlite_query_t  q;

    if (s->size_known || s->conf->max_size == 0) {
        return NGX_OK;
    }

    ngx_http_jamhook_sqlite_query(&q, s, NGX_HTTP_JAMHOOK_SQL_PAGES);

    if (ngx_http_jamhook_sqlite_row(&q) != NGX_OK) {
        return NGX_ERROR;
    }

    used = ngx_http_jamhook_sqlite_column(&q, 0);
    ngx_http_jamhook_sqlite_end(&q);

    ngx_http_jamhook_sqlite_query(&q, s, NGX_HTTP_JAMHOOK_SQL_FREE_PAGES);

    if (ngx_http_jamhook_sqlite_row(&q) != NGX_OK) {
        return NGX_ERROR;
    }

    used -= ngx_http_jamhook_sqlite_column(&q, 0);
    ngx_http_jamhook_sqlite_end(&q);

    s->full = (used * s->page_size >= (int64_t) s->conf->max_size);
    s->size_known = 1;

    return NGX_OK;
}


ngx_int_t
ngx_http_jamhook_sqlite_op_outcome(ngx_http_jamhook_sqlite_t *s,
    ngx_http_jamhook_op_t *o)
{
    ngx_http_jamhook_op_outcome_t  *op = (ngx_http_jamhook_op_outcome_t *) o;

    op->late = 0;
    op->paused = NGX_HTTP_JAMHOOK_PAUSE_NONE;
    op->resumed = 0;

    if (ngx_http_jamhook_sqlite_outcome_delivery(s, op) != NGX_OK) {
        return NGX_ERROR;
    }

    if (op->late && op->owner.len != 0) {

        /* who speaks for another has nothing to say if that one could */

        return NGX_OK;
    }

    if (ngx_http_jamhook_sqlite_outcome_attempt(s, op) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_http_jamhook_sqlite_outcome_endpoint(s, op);
}


static ngx_int_t
ngx_http_jamhook_sqlite_outcome_delivery(ngx_http_jamhook_sqlite_t *s,
    ngx_http_jamhook_op_outcome_t *op)
{
    int64_t                          next_at;
    ngx_http_jamhook_class_e         class;
    ngx_http_jamhook_sqlite_query_t  q;

    next_at = 0;
    class = NGX_HTTP_JAMHOOK_CLASS_NEW;

    if (op->state == NGX_HTTP_JAMHOOK_STATE_PENDING) {
        next_at = s->clock->now + (int64_t) op->delay;
        class = NGX_HTTP_JAMHOOK_CLASS_BACKLOG;
    }

    ngx_http_jamhook_sqlite_query(&q, s, NGX_HTTP_JAMHOOK_SQL_OUTCOME);
    ngx_http_jamhook_sqlite_int(&q, op->event);
    ngx_http_jamhook_sqlite_int(&q, s->endpoints[op->endpoint].id);
    ngx_http_jamhook_sqlite_int(&q, op->number);
    ngx_http_jamhook_sqlite_text(&q, op->owner.len ? &op->owner
                                                   : &s->owner->name);
    ngx_http_jamhook_sqlite_int(&q, op->state);
    ngx_http_jamhook_sqlite_int(&q, class);
    ngx_http_jamhook_sqlite_int(&q, next_at);
    ngx_http_jamhook_sqlite_int(&q, op->step);
    ngx_http_jamhook_sqlite_int(&q, op->interrupted);
    ngx_http_jamhook_sqlite_int(&q, op->result
                                    == NGX_HTTP_JAMHOOK_RESULT_INTERRUPTED);
    ngx_http_jamhook_sqlite_int(&q, s->clock->now);

    if (ngx_http_jamhook_sqlite_run(&q) != NGX_OK) {
        return NGX_ERROR;
    }

    op->late = (sqlite3_changes(s->db) == 0);

    if (op->late || op->state != NGX_HTTP_JAMHOOK_STATE_SUCCEEDED) {
        return NGX_OK;
    }

    return ngx_http_jamhook_sqlite_sum_tally(s, s->endpoints[op->endpoint].id,
                                             1);
}


static ngx_int_t
ngx_http_jamhook_sqlite_outcome_attempt(ngx_http_jamhook_sqlite_t *s,
    ngx_http_jamhook_op_outcome_t *op)
{
    ngx_int_t                        rc;
    ngx_str_t                        none;
    ngx_uint_t                       forgotten;
    ngx_http_jamhook_sqlite_query_t  q;

    ngx_str_null(&none);
    forgotten = 0;

    if (op->late) {

        /* since then it may have been forgotten, or removed altogether */

        ngx_http_jamhook_sqlite_query(&q, s,
                                      NGX_HTTP_JAMHOOK_SQL_EVENT_FORGOTTEN);
        ngx_http_jamhook_sqlite_int(&q, op->event);

        rc = ngx_http_jamhook_sqlite_row(&q);

        if (rc != NGX_OK) {
            return (rc == NGX_DONE) ? NGX_OK : NGX_ERROR;
        }

        forgotten = ngx_http_jamhook_sqlite_column(&q, 0);
        ngx_http_jamhook_sqlite_end(&q);
    }

    ngx_http_jamhook_sqlite_query(&q, s, NGX_HTTP_JAMHOOK_SQL_ATTEMPT_ADD);
    ngx_http_jamhook_sqlite_int(&q, op->event);
    ngx_http_jamhook_sqlite_int(&q, s->endpoints[op->endpoint].id);
    ngx_http_jamhook_sqlite_int(&q, op->number);
    ngx_http_jamhook_sqlite_int(&q, op->trigger);
    ngx_http_jamhook_sqlite_int(&q, op->result);
    ngx_http_jamhook_sqlite_int(&q, op->started_at);
    ngx_http_jamhook_sqlite_int(&q, op->duration);
    ngx_http_jamhook_sqlite_int(&q, op->status);
    ngx_http_jamhook_sqlite_int(&q, op->truncated);
    ngx_http_jamhook_sqlite_text(&q, &op->error);
    ngx_http_jamhook_sqlite_text(&q, forgotten ? &none : &op->request_headers);
    ngx_http_jamhook_sqlite_text(&q, forgotten ? &none
                                               : &op->response_headers);
    ngx_http_jamhook_sqlite_blob(&q, forgotten ? &none : &op->request_body);
    ngx_http_jamhook_sqlite_blob(&q, forgotten ? &none : &op->response_body);

    if (ngx_http_jamhook_sqlite_run(&q) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_http_jamhook_sqlite_sum_attempt(s,
                                               s->endpoints[op->endpoint].id,
                                               op->result, op->started_at,
                                               op->duration);
}


/* its row is written only where something changes: seldom */

static ngx_int_t
ngx_http_jamhook_sqlite_outcome_endpoint(ngx_http_jamhook_sqlite_t *s,
    ngx_http_jamhook_op_outcome_t *op)
{
    ngx_http_jamhook_sqlite_endpoint_t  *ep, before;

    ep = ngx_http_jamhook_sqlite_endpoint(s, op->endpoint);
    if (ep == NULL) {
        return NGX_ERROR;
    }

    before = *ep;

    if (op->result == NGX_HTTP_JAMHOOK_RESULT_SUCCEEDED) {
        ep->failing_since = 0;

        if (ep->paused == NGX_HTTP_JAMHOOK_PAUSE_FAILING) {
            ep->paused = NGX_HTTP_JAMHOOK_PAUSE_NONE;
            ep->paused_at = 0;
            ep->probe_at = 0;
            op->resumed = 1;
        }

    } else {
        ngx_http_jamhook_sqlite_outcome_failed(s, op, ep);
    }

    if (ep->paused == before.paused
        && ep->failing_since == before.failing_since)
    {
        return NGX_OK;
    }

    return ngx_http_jamhook_sqlite_endpoint_save(s, ep);
}


static void
ngx_http_jamhook_sqlite_outcome_failed(ngx_http_jamhook_sqlite_t *s,
    ngx_http_jamhook_op_outcome_t *op, ngx_http_jamhook_sqlite_endpoint_t *ep)
{
    int64_t  now;

    now = s->clock->now;

    if (op->result == NGX_HTTP_JAMHOOK_RESULT_FAILED && op->counts) {

        /* in the future: the clock was set back */

        if (ep->failing_since == 0 || ep->failing_since > now) {
            ep->failing_since = now;
        }

        if (op->disable_after != 0
            && now - ep->failing_since >= (int64_t) op->disable_after
            && ep->paused == NGX_HTTP_JAMHOOK_PAUSE_NONE)
        {
            op->paused = NGX_HTTP_JAMHOOK_PAUSE_FAILING;
            ep->probe_at = now + NGX_HTTP_JAMHOOK_STORE_PROBE;
        }
    }

    if (op->gone
        && ep->paused != NGX_HTTP_JAMHOOK_PAUSE_MANUAL
        && ep->paused != NGX_HTTP_JAMHOOK_PAUSE_GONE)
    {
        op->paused = NGX_HTTP_JAMHOOK_PAUSE_GONE;
        ep->probe_at = 0;
    }

    if (op->paused != NGX_HTTP_JAMHOOK_PAUSE_NONE) {
        ep->paused = op->paused;
        ep->paused_at = now;
    }
}
