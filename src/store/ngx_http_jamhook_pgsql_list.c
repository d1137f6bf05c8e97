
#include "ngx_http_jamhook_pgsql_shown.h"
#include "ngx_http_jamhook_clock.h"


/* Rows of an index that are looked at in one round trip. */
#define NGX_HTTP_JAMHOOK_PGSQL_FEWEST    64
#define NGX_HTTP_JAMHOOK_PGSQL_MOST      4096

/* columns of a list's rows: how far the piece goes, its rows, then: */
#define NGX_HTTP_JAMHOOK_PGSQL_SEQ       2
#define NGX_HTTP_JAMHOOK_PGSQL_ROW       3
#define NGX_HTTP_JAMHOOK_PGSQL_DELIVERY  15          /* of an event */


typedef struct ngx_http_jamhook_pgsql_walk_s  ngx_http_jamhook_pgsql_walk_t;

/* A list while it is looked for, by a piece of an index at a time. */
struct ngx_http_jamhook_pgsql_walk_s {
    ngx_http_jamhook_shown_t            shown;
    void                               *op;
    ngx_http_jamhook_pgsql_e            sql;
    int64_t                             below;   /* the last one looked at, and
                                                    where to end: neither is
                                                    included */
    int64_t                             above;
    int64_t                             began;   /* mono, ms */
    ngx_uint_t                          limit;
    ngx_array_t                        *list;
    int64_t                            *next;
    ngx_http_jamhook_named_t           *named;   /* the endpoint; NULL: any, */
    unsigned                            some:1;  /* but not all of them */
    int64_t                             state;   /* EVENTS: on disk; -1: any, or
                                                    all that is looked at is */

    /* its parameters behind the first four */
    void                              (*values)(
                                         ngx_http_jamhook_pgsql_walk_t *walk,
                                         ngx_http_jamhook_pgsql_query_t *q);

    /* adds what it gave; NGX_DONE: there is more than the limit */
    ngx_int_t                         (*rows)(
                                         ngx_http_jamhook_pgsql_walk_t *walk,
                                         PGresult *res);
};


static ngx_uint_t ngx_http_jamhook_pgsql_list_waits(
    ngx_http_jamhook_op_events_t *op);
static void ngx_http_jamhook_pgsql_list_choose(
    ngx_http_jamhook_pgsql_walk_t *walk, ngx_http_jamhook_op_events_t *op);
static void ngx_http_jamhook_pgsql_list_event_values(
    ngx_http_jamhook_pgsql_walk_t *walk, ngx_http_jamhook_pgsql_query_t *q);
static ngx_int_t ngx_http_jamhook_pgsql_list_events(
    ngx_http_jamhook_pgsql_walk_t *walk, PGresult *res);
static ngx_int_t ngx_http_jamhook_pgsql_list_rows(
    ngx_http_jamhook_pgsql_walk_t *walk, PGresult *res);
static ngx_http_jamhook_shown_event_t *ngx_http_jamhook_pgsql_list_event(
    ngx_http_jamhook_pgsql_walk_t *walk, ngx_http_jamhook_pgsql_row_t *row);

static void ngx_http_jamhook_pgsql_list_attempt_values(
    ngx_http_jamhook_pgsql_walk_t *walk, ngx_http_jamhook_pgsql_query_t *q);
static ngx_int_t ngx_http_jamhook_pgsql_list_attempts(
    ngx_http_jamhook_pgsql_walk_t *walk, PGresult *res);

static void ngx_http_jamhook_pgsql_list_ids(
    ngx_http_jamhook_pgsql_walk_t *walk, ngx_http_jamhook_pgsql_query_t *q,
    ngx_http_jamhook_shown_e state);

static ngx_int_t ngx_http_jamhook_pgsql_walk_init(
    ngx_http_jamhook_pgsql_walk_t *walk, ngx_http_jamhook_pgsql_t *s,
    ngx_pool_t *pool, size_t size);
static ngx_int_t ngx_http_jamhook_pgsql_walk_bound(
    ngx_http_jamhook_pgsql_walk_t *walk, ngx_http_jamhook_pgsql_e sql,
    int64_t since, int64_t until);
static ngx_int_t ngx_http_jamhook_pgsql_walk_between(
    ngx_http_jamhook_pgsql_t *s, PGresult *res, void *data);
static ngx_int_t ngx_http_jamhook_pgsql_walk(
    ngx_http_jamhook_pgsql_walk_t *walk);
static ngx_int_t ngx_http_jamhook_pgsql_walk_piece(
    ngx_http_jamhook_pgsql_walk_t *walk, ngx_uint_t n);
static ngx_uint_t ngx_http_jamhook_pgsql_walk_more(ngx_uint_t n, int64_t took,
    int64_t left);


ngx_msec_t  ngx_http_jamhook_pgsql_list_time = NGX_HTTP_JAMHOOK_LIST_TIME;


ngx_int_t
ngx_http_jamhook_pgsql_op_events(ngx_http_jamhook_pgsql_t *s,
    ngx_http_jamhook_op_t *o)
{
    ngx_http_jamhook_op_events_t   *op = (ngx_http_jamhook_op_events_t *) o;
    ngx_http_jamhook_pgsql_walk_t   walk;

    walk.op = op;
    walk.below = op->cursor;
    walk.limit = op->limit;
    walk.list = &op->events;
    walk.next = &op->next;
    walk.values = ngx_http_jamhook_pgsql_list_event_values;
    walk.rows = ngx_http_jamhook_pgsql_list_events;

    if (ngx_http_jamhook_pgsql_walk_init(&walk, s, op->pool,
                                       sizeof(ngx_http_jamhook_shown_event_t))
        != NGX_OK
        || ngx_http_jamhook_pgsql_walk_bound(&walk,
                                          NGX_HTTP_JAMHOOK_PGSQL_BOUND_EVENTS,
                                             op->since, op->until)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (ngx_http_jamhook_pgsql_list_waits(op)
        && ngx_http_jamhook_pgsql_flush(s) != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (op->endpoint.data != NULL) {
        walk.named = ngx_http_jamhook_shown_name(&walk.shown, &op->endpoint);

        if (walk.named == NULL) {
            return NGX_OK;
        }
    }

    ngx_http_jamhook_pgsql_list_choose(&walk, op);

    return ngx_http_jamhook_pgsql_walk(&walk);
}


/* for the endpoints, or for the bounds; else it begins at once */

static ngx_uint_t
ngx_http_jamhook_pgsql_list_waits(ngx_http_jamhook_op_events_t *op)
{
    if (op->endpoint.data != NULL || op->since != 0 || op->until != 0) {
        return 1;
    }

    return op->state == NGX_HTTP_JAMHOOK_SHOWN_PENDING
           || op->state == NGX_HTTP_JAMHOOK_SHOWN_PAUSED
           || op->state == NGX_HTTP_JAMHOOK_SHOWN_FAILED;
}


/* by what leaves the fewest rows */

static void
ngx_http_jamhook_pgsql_list_choose(ngx_http_jamhook_pgsql_walk_t *walk,
    ngx_http_jamhook_op_events_t *op)
{
    switch (op->state) {

    case NGX_HTTP_JAMHOOK_SHOWN_ANY:
        walk->state = -1;
        walk->some = (walk->named != NULL);
        break;

    case NGX_HTTP_JAMHOOK_SHOWN_PENDING:
    case NGX_HTTP_JAMHOOK_SHOWN_PAUSED:
        walk->state = NGX_HTTP_JAMHOOK_STATE_PENDING;
        walk->some = 1;
        break;

    case NGX_HTTP_JAMHOOK_SHOWN_SENDING:
        walk->state = NGX_HTTP_JAMHOOK_STATE_SENDING;
        walk->some = (walk->named != NULL);
        break;

    case NGX_HTTP_JAMHOOK_SHOWN_SUCCEEDED:
        walk->state = NGX_HTTP_JAMHOOK_STATE_SUCCEEDED;
        walk->some = (walk->named != NULL);
        break;

    default:
        walk->state = NGX_HTTP_JAMHOOK_STATE_FAILED;
        walk->some = 1;
    }

    if (op->conversation_id.data != NULL) {
        walk->sql = NGX_HTTP_JAMHOOK_PGSQL_LIST_CONVERSATION;

    } else if (op->jam_id.data != NULL) {
        walk->sql = NGX_HTTP_JAMHOOK_PGSQL_LIST_JAM;

    } else if (walk->state == NGX_HTTP_JAMHOOK_STATE_PENDING) {
        walk->sql = NGX_HTTP_JAMHOOK_PGSQL_LIST_PENDING;
        walk->state = -1;

    } else if (walk->state == NGX_HTTP_JAMHOOK_STATE_FAILED) {
        walk->sql = NGX_HTTP_JAMHOOK_PGSQL_LIST_FAILED;
        walk->state = -1;

    } else if (walk->state == NGX_HTTP_JAMHOOK_STATE_SENDING) {
        walk->sql = NGX_HTTP_JAMHOOK_PGSQL_LIST_SENDING;

    } else if (op->type.data != NULL) {
        walk->sql = NGX_HTTP_JAMHOOK_PGSQL_LIST_TYPE;

    } else {
        walk->sql = NGX_HTTP_JAMHOOK_PGSQL_LIST_EVENTS;
    }
}


static void
ngx_http_jamhook_pgsql_list_event_values(ngx_http_jamhook_pgsql_walk_t *walk,
    ngx_http_jamhook_pgsql_query_t *q)
{
    ngx_http_jamhook_op_events_t  *op;

    op = walk->op;

    ngx_http_jamhook_pgsql_text(q, &op->type);
    ngx_http_jamhook_pgsql_text(q, &op->conversation_id);
    ngx_http_jamhook_pgsql_text(q, &op->jam_id);
    ngx_http_jamhook_pgsql_int(q, op->since);
    ngx_http_jamhook_pgsql_int(q, op->until ? op->until : INT64_MAX);
    ngx_http_jamhook_pgsql_list_ids(walk, q, op->state);
    ngx_http_jamhook_pgsql_int(q, walk->state);
}


/* those whose deliveries, or attempts, are looked for */

static void
ngx_http_jamhook_pgsql_list_ids(ngx_http_jamhook_pgsql_walk_t *walk,
    ngx_http_jamhook_pgsql_query_t *q, ngx_http_jamhook_shown_e state)
{
    ngx_uint_t                       i;
    ngx_http_jamhook_named_t        *named;
    ngx_http_jamhook_pgsql_array_t   ids;

    if (!walk->some) {
        ngx_http_jamhook_pgsql_null(q);
        return;
    }

    ngx_memzero(&ids, sizeof(ngx_http_jamhook_pgsql_array_t));

    named = walk->shown.named.elts;

    for (i = 0; i < walk->shown.named.nelts; i++) {

        if ((walk->named == NULL || walk->named == &named[i])
            && ngx_http_jamhook_shown_can_be(&named[i], state))
        {
            ngx_http_jamhook_pgsql_array_int(q, &ids, named[i].id);
        }
    }

    ngx_http_jamhook_pgsql_ints(q, &ids);
}


static ngx_int_t
ngx_http_jamhook_pgsql_list_events(ngx_http_jamhook_pgsql_walk_t *walk,
    PGresult *res)
{
    ngx_int_t                        rc;
    ngx_uint_t                       i;
    ngx_http_jamhook_shown_event_t  *event;

    i = walk->list->nelts;

    rc = ngx_http_jamhook_pgsql_list_rows(walk, res);

    event = walk->list->elts;

    for ( /* void */ ; i < walk->list->nelts && rc != NGX_ERROR; i++) {
        ngx_http_jamhook_shown_deliveries_sort(&event[i]);
    }

    return rc;
}


/* a row for each delivery, or one for none */

static ngx_int_t
ngx_http_jamhook_pgsql_list_rows(ngx_http_jamhook_pgsql_walk_t *walk,
    PGresult *res)
{
    int64_t                          seq;
    ngx_http_jamhook_pgsql_row_t     row;
    ngx_http_jamhook_shown_event_t  *event;

    row.s = walk->shown.session;
    row.res = res;
    event = NULL;

    for (row.row = 0; row.row < PQntuples(res); row.row++) {

        if (PQgetisnull(res, row.row, NGX_HTTP_JAMHOOK_PGSQL_SEQ)) {
            return NGX_OK;
        }

        seq = ngx_http_jamhook_pgsql_column(res, row.row,
                                            NGX_HTTP_JAMHOOK_PGSQL_SEQ);

        if (event == NULL || event->event != seq) {

            if (walk->list->nelts == walk->limit) {
                return NGX_DONE;
            }

            event = ngx_http_jamhook_pgsql_list_event(walk, &row);
            if (event == NULL) {
                return NGX_ERROR;
            }

            *walk->next = seq;
        }

        if (PQgetisnull(res, row.row, NGX_HTTP_JAMHOOK_PGSQL_DELIVERY)) {
            continue;
        }

        row.first = NGX_HTTP_JAMHOOK_PGSQL_DELIVERY;

        if (ngx_http_jamhook_shown_delivery(&walk->shown, &row, event)
            != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static ngx_http_jamhook_shown_event_t *
ngx_http_jamhook_pgsql_list_event(ngx_http_jamhook_pgsql_walk_t *walk,
    ngx_http_jamhook_pgsql_row_t *row)
{
    ngx_http_jamhook_shown_event_t  *event;

    event = ngx_array_push(walk->list);

    if (event == NULL) {
        (void) ngx_http_jamhook_pgsql_fail_memory(row->s);
        return NULL;
    }

    ngx_memzero(event, sizeof(ngx_http_jamhook_shown_event_t));

    event->event = ngx_http_jamhook_pgsql_column(row->res, row->row,
                                                 NGX_HTTP_JAMHOOK_PGSQL_SEQ);
    row->first = NGX_HTTP_JAMHOOK_PGSQL_ROW;

    if (ngx_http_jamhook_shown_event(&walk->shown, row, event) != NGX_OK
        || ngx_http_jamhook_shown_deliveries(&walk->shown, event) != NGX_OK)
    {
        return NULL;
    }

    return event;
}


ngx_int_t
ngx_http_jamhook_pgsql_op_attempts(ngx_http_jamhook_pgsql_t *s,
    ngx_http_jamhook_op_t *o)
{
    ngx_http_jamhook_op_attempts_t  *op;
    ngx_http_jamhook_pgsql_walk_t    walk;

    op = (ngx_http_jamhook_op_attempts_t *) o;

    walk.op = op;
    walk.below = op->cursor;
    walk.limit = op->limit;
    walk.list = &op->attempts;
    walk.next = &op->next;
    walk.values = ngx_http_jamhook_pgsql_list_attempt_values;
    walk.rows = ngx_http_jamhook_pgsql_list_attempts;

    walk.sql = NGX_HTTP_JAMHOOK_PGSQL_LIST_ATTEMPTS;

    if (ngx_http_jamhook_pgsql_walk_init(&walk, s, op->pool,
                                     sizeof(ngx_http_jamhook_shown_attempt_t))
        != NGX_OK
        || ngx_http_jamhook_pgsql_walk_bound(&walk,
                                        NGX_HTTP_JAMHOOK_PGSQL_BOUND_ATTEMPTS,
                                             op->since, op->until)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    walk.some = (op->endpoint.data != NULL
                 || op->result != NGX_HTTP_JAMHOOK_RESULT_ANY);

    if (walk.some) {
        walk.sql = NGX_HTTP_JAMHOOK_PGSQL_LIST_RESULTS;
    }

    if ((walk.some || op->since != 0 || op->until != 0)
        && ngx_http_jamhook_pgsql_flush(s) != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (op->endpoint.data != NULL) {
        walk.named = ngx_http_jamhook_shown_name(&walk.shown, &op->endpoint);

        if (walk.named == NULL) {
            return NGX_OK;
        }
    }

    return ngx_http_jamhook_pgsql_walk(&walk);
}


static void
ngx_http_jamhook_pgsql_list_attempt_values(
    ngx_http_jamhook_pgsql_walk_t *walk, ngx_http_jamhook_pgsql_query_t *q)
{
    ngx_uint_t                       result;
    ngx_http_jamhook_op_attempts_t  *op;
    ngx_http_jamhook_pgsql_array_t   results;

    op = walk->op;

    ngx_http_jamhook_pgsql_int(q, op->since ? op->since : INT64_MIN);
    ngx_http_jamhook_pgsql_int(q, op->until ? op->until : INT64_MAX);

    if (!walk->some) {
        return;
    }

    ngx_http_jamhook_pgsql_list_ids(walk, q, NGX_HTTP_JAMHOOK_SHOWN_ANY);

    ngx_memzero(&results, sizeof(ngx_http_jamhook_pgsql_array_t));

    for (result = 0; result < 3; result++) {

        if (op->result == NGX_HTTP_JAMHOOK_RESULT_ANY
            || op->result == result)
        {
            ngx_http_jamhook_pgsql_array_int(q, &results, result);
        }
    }

    ngx_http_jamhook_pgsql_ints(q, &results);
}


static ngx_int_t
ngx_http_jamhook_pgsql_list_attempts(ngx_http_jamhook_pgsql_walk_t *walk,
    PGresult *res)
{
    ngx_http_jamhook_pgsql_row_t       row;
    ngx_http_jamhook_shown_attempt_t  *attempt;

    row.s = walk->shown.session;
    row.res = res;
    row.first = NGX_HTTP_JAMHOOK_PGSQL_ROW;

    for (row.row = 0; row.row < PQntuples(res); row.row++) {

        if (PQgetisnull(res, row.row, NGX_HTTP_JAMHOOK_PGSQL_SEQ)) {
            return NGX_OK;
        }

        if (walk->list->nelts == walk->limit) {
            return NGX_DONE;
        }

        attempt = ngx_array_push(walk->list);
        if (attempt == NULL) {
            return ngx_http_jamhook_pgsql_fail_memory(row.s);
        }

        if (ngx_http_jamhook_shown_listed(&walk->shown, &row, attempt)
            != NGX_OK)
        {
            return NGX_ERROR;
        }

        attempt->seq = ngx_http_jamhook_pgsql_column(res, row.row,
                                                  NGX_HTTP_JAMHOOK_PGSQL_SEQ);
        *walk->next = attempt->seq;
    }

    return NGX_OK;
}


/* walk->below: a cursor */

static ngx_int_t
ngx_http_jamhook_pgsql_walk_init(ngx_http_jamhook_pgsql_walk_t *walk,
    ngx_http_jamhook_pgsql_t *s, ngx_pool_t *pool, size_t size)
{
    walk->began = ngx_http_jamhook_clock_mono();
    walk->above = 0;
    walk->named = NULL;
    walk->some = 0;

    if (walk->below <= 0) {
        walk->below = INT64_MAX;
    }

    *walk->next = 0;

    if (ngx_array_init(walk->list, pool, ngx_min(walk->limit, 64), size)
        != NGX_OK)
    {
        return ngx_http_jamhook_pgsql_fail_memory(s);
    }

    return ngx_http_jamhook_pgsql_shown_init(&walk->shown, s, pool);
}


/*
 * Leaves out what is surely of another time, which is known after the next
 * round trip; 0 is no bound.
 */

static ngx_int_t
ngx_http_jamhook_pgsql_walk_bound(ngx_http_jamhook_pgsql_walk_t *walk,
    ngx_http_jamhook_pgsql_e sql, int64_t since, int64_t until)
{
    ngx_http_jamhook_pgsql_query_t  q;

    if (since == 0 && until == 0) {
        return NGX_OK;
    }

    ngx_http_jamhook_pgsql_query(&q, walk->shown.session, sql);
    ngx_http_jamhook_pgsql_int(&q, since
                                   ? since - NGX_HTTP_JAMHOOK_SHOWN_SLACK
                                   : INT64_MIN);
    ngx_http_jamhook_pgsql_int(&q, until
                                   ? until + NGX_HTTP_JAMHOOK_SHOWN_SLACK
                                   : INT64_MAX);

    return ngx_http_jamhook_pgsql_send(&q, ngx_http_jamhook_pgsql_walk_between,
                                       walk);
}


static ngx_int_t
ngx_http_jamhook_pgsql_walk_between(ngx_http_jamhook_pgsql_t *s, PGresult *res,
    void *data)
{
    ngx_http_jamhook_pgsql_walk_t *walk = data;

    int64_t  end;

    (void) s;

    walk->above = ngx_http_jamhook_pgsql_column(res, 0, 0);

    end = ngx_http_jamhook_pgsql_column(res, 1, 1);
    walk->below = ngx_min(walk->below, end);

    return NGX_OK;
}


static ngx_int_t
ngx_http_jamhook_pgsql_walk(ngx_http_jamhook_pgsql_walk_t *walk)
{
    int64_t     before, now, left;
    ngx_int_t   rc;
    ngx_uint_t  n;

    n = ngx_max(walk->limit + 1, NGX_HTTP_JAMHOOK_PGSQL_FEWEST);

    for ( ;; ) {
        before = ngx_http_jamhook_clock_mono();

        rc = ngx_http_jamhook_pgsql_walk_piece(walk, n);

        if (rc != NGX_AGAIN) {
            return rc;
        }

        now = ngx_http_jamhook_clock_mono();
        left = walk->began + (int64_t) ngx_http_jamhook_pgsql_list_time - now;

        if (left <= 0 || walk->list->nelts == walk->limit) {
            return NGX_OK;
        }

        n = ngx_http_jamhook_pgsql_walk_more(n, now - before, left);
    }
}


/* NGX_AGAIN: it goes on below it */

static ngx_int_t
ngx_http_jamhook_pgsql_walk_piece(ngx_http_jamhook_pgsql_walk_t *walk,
    ngx_uint_t n)
{
    int64_t                          low, looked;
    PGresult                        *res;
    ngx_int_t                        rc;
    ngx_http_jamhook_pgsql_query_t   q;

    ngx_http_jamhook_pgsql_query(&q, walk->shown.session, walk->sql);
    ngx_http_jamhook_pgsql_int(&q, walk->below);
    ngx_http_jamhook_pgsql_int(&q, walk->above);
    ngx_http_jamhook_pgsql_int(&q, n);
    ngx_http_jamhook_pgsql_int(&q, walk->limit + 1 - walk->list->nelts);

    walk->values(walk, &q);

    res = ngx_http_jamhook_pgsql_ask(&q);

    if (res == NULL) {
        return NGX_ERROR;
    }

    low = ngx_http_jamhook_pgsql_column(res, 0, 0);
    looked = ngx_http_jamhook_pgsql_column(res, 0, 1);

    rc = walk->rows(walk, res);

    PQclear(res);

    if (rc == NGX_ERROR) {
        return NGX_ERROR;
    }

    /* one row more than asked for shows that it goes on */

    if (rc == NGX_DONE) {
        return NGX_OK;
    }

    if (looked < (int64_t) n) {
        *walk->next = 0;
        return NGX_OK;
    }

    walk->below = low;
    *walk->next = low;

    return NGX_AGAIN;
}


/* as many as there is time for, if they take as long as those before */

static ngx_uint_t
ngx_http_jamhook_pgsql_walk_more(ngx_uint_t n, int64_t took, int64_t left)
{
    ngx_uint_t  more;

    more = n * left / ngx_max(took, 1);

    more = ngx_min(more, 4 * n);
    more = ngx_min(more, NGX_HTTP_JAMHOOK_PGSQL_MOST);

    return ngx_max(more, NGX_HTTP_JAMHOOK_PGSQL_FEWEST);
}
