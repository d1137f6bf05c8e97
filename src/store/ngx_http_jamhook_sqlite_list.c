
#include "ngx_http_jamhook_sqlite_shown.h"


/* What EVENTS looks for. */
typedef struct {
    ngx_http_jamhook_shown_t            shown;
    ngx_http_jamhook_op_events_t       *op;
    ngx_http_jamhook_named_t           *named;       /* op->endpoint's */
    unsigned                            covered:1;   /* the walk leaves out what
                                                        has no such delivery */
} ngx_http_jamhook_sqlite_sought_t;

/* What ATTEMPTS looks for. */
typedef struct {
    ngx_http_jamhook_shown_t            shown;
    ngx_http_jamhook_op_attempts_t     *op;
} ngx_http_jamhook_sqlite_logged_t;

/* Adds a row to the list, if it is one that is sought. */
typedef ngx_int_t (*ngx_http_jamhook_sqlite_list_pt)(void *data, int64_t seq);


static ngx_int_t ngx_http_jamhook_sqlite_list_walk(
    ngx_http_jamhook_sqlite_walk_t *walk, ngx_array_t *list, ngx_uint_t limit,
    int64_t *next, ngx_http_jamhook_sqlite_list_pt add, void *data);

static ngx_int_t ngx_http_jamhook_sqlite_list_choose(
    ngx_http_jamhook_sqlite_sought_t *sought,
    ngx_http_jamhook_sqlite_walk_t *walk);
static ngx_int_t ngx_http_jamhook_sqlite_list_choose_deliveries(
    ngx_http_jamhook_sqlite_sought_t *sought,
    ngx_http_jamhook_sqlite_walk_t *walk);
static ngx_int_t ngx_http_jamhook_sqlite_list_event(void *data, int64_t seq);
static ngx_int_t ngx_http_jamhook_sqlite_list_copy(
    ngx_http_jamhook_sqlite_sought_t *sought,
    ngx_http_jamhook_sqlite_query_t *q, int64_t seq);
static ngx_int_t ngx_http_jamhook_sqlite_list_has(
    ngx_http_jamhook_sqlite_sought_t *sought, int64_t seq);
static ngx_int_t ngx_http_jamhook_sqlite_list_has_any(
    ngx_http_jamhook_sqlite_sought_t *sought, int64_t seq);

static ngx_int_t ngx_http_jamhook_sqlite_list_choose_attempts(
    ngx_http_jamhook_sqlite_logged_t *logged,
    ngx_http_jamhook_sqlite_walk_t *walk);
static ngx_int_t ngx_http_jamhook_sqlite_list_add_results(
    ngx_http_jamhook_sqlite_logged_t *logged,
    ngx_http_jamhook_sqlite_walk_t *walk, ngx_http_jamhook_named_t *named);
static ngx_int_t ngx_http_jamhook_sqlite_list_attempt(void *data, int64_t seq);


ngx_int_t
ngx_http_jamhook_sqlite_op_events(ngx_http_jamhook_sqlite_t *s,
    ngx_http_jamhook_op_t *o)
{
    ngx_http_jamhook_op_events_t      *op = (ngx_http_jamhook_op_events_t *) o;
    ngx_http_jamhook_sqlite_walk_t     walk;
    ngx_http_jamhook_sqlite_sought_t   sought;

    op->next = 0;

    if (ngx_array_init(&op->events, op->pool, ngx_min(op->limit, 64),
                       sizeof(ngx_http_jamhook_shown_event_t))
        != NGX_OK)
    {
        return ngx_http_jamhook_sqlite_fail(s, SQLITE_NOMEM);
    }

    sought.op = op;
    sought.named = NULL;
    sought.covered = 0;

    if (ngx_http_jamhook_sqlite_shown_init(&sought.shown, s, op->pool)
        != NGX_OK
        || ngx_http_jamhook_sqlite_walk_init(&walk, &sought.shown, op->cursor)
           != NGX_OK
        || ngx_http_jamhook_sqlite_list_choose(&sought, &walk) != NGX_OK
        || ngx_http_jamhook_sqlite_walk_bound(&walk,
                                            NGX_HTTP_JAMHOOK_SQL_EVENT_LAST,
                                            NGX_HTTP_JAMHOOK_SQL_TIME_OF_EVENT,
                                              op->since, op->until)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_http_jamhook_sqlite_list_walk(&walk, &op->events, op->limit,
                                             &op->next,
                                          ngx_http_jamhook_sqlite_list_event,
                                             &sought);
}


static ngx_int_t
ngx_http_jamhook_sqlite_list_walk(ngx_http_jamhook_sqlite_walk_t *walk,
    ngx_array_t *list, ngx_uint_t limit, int64_t *next,
    ngx_http_jamhook_sqlite_list_pt add, void *data)
{
    int64_t    seq;
    ngx_int_t  rc;

    for ( ;; ) {
        rc = ngx_http_jamhook_sqlite_walk_next(walk, &seq);

        if (rc == NGX_ERROR) {
            return NGX_ERROR;
        }

        if (rc == NGX_DONE) {
            *next = 0;
            return NGX_OK;
        }

        /* one row more than asked for shows that it goes on */

        if (rc == NGX_AGAIN || list->nelts == limit) {
            return NGX_OK;
        }

        if (add(data, seq) != NGX_OK) {
            return NGX_ERROR;
        }

        *next = seq;
    }
}


/* by what leaves the fewest rows; without a stream nothing can match */

static ngx_int_t
ngx_http_jamhook_sqlite_list_choose(ngx_http_jamhook_sqlite_sought_t *sought,
    ngx_http_jamhook_sqlite_walk_t *walk)
{
    ngx_str_t                     *text;
    ngx_http_jamhook_sql_e         sql;
    ngx_http_jamhook_op_events_t  *op;

    op = sought->op;

    if (op->endpoint.data != NULL) {
        sought->named = ngx_http_jamhook_shown_name(&sought->shown,
                                                    &op->endpoint);
        if (sought->named == NULL) {
            return NGX_OK;
        }
    }

    text = NULL;

    if (op->conversation_id.data != NULL) {
        sql = NGX_HTTP_JAMHOOK_SQL_WALK_CONVERSATION;
        text = &op->conversation_id;

    } else if (op->jam_id.data != NULL) {
        sql = NGX_HTTP_JAMHOOK_SQL_WALK_JAM;
        text = &op->jam_id;

    } else if (op->state == NGX_HTTP_JAMHOOK_SHOWN_PENDING
               || op->state == NGX_HTTP_JAMHOOK_SHOWN_PAUSED
               || op->state == NGX_HTTP_JAMHOOK_SHOWN_FAILED)
    {
        return ngx_http_jamhook_sqlite_list_choose_deliveries(sought, walk);

    } else if (op->state == NGX_HTTP_JAMHOOK_SHOWN_SENDING) {
        sql = NGX_HTTP_JAMHOOK_SQL_WALK_SENDING;

    } else if (op->type.data != NULL) {
        sql = NGX_HTTP_JAMHOOK_SQL_WALK_TYPE;
        text = &op->type;

    } else {
        sql = NGX_HTTP_JAMHOOK_SQL_WALK_EVENTS;
    }

    return (ngx_http_jamhook_sqlite_walk_add(walk, sql, text) != NULL)
               ? NGX_OK : NGX_ERROR;
}


static ngx_int_t
ngx_http_jamhook_sqlite_list_choose_deliveries(
    ngx_http_jamhook_sqlite_sought_t *sought,
    ngx_http_jamhook_sqlite_walk_t *walk)
{
    ngx_uint_t                         i;
    ngx_http_jamhook_sql_e             sql;
    ngx_http_jamhook_named_t          *named;
    ngx_http_jamhook_sqlite_stream_t  *stream;

    sought->covered = 1;

    sql = (sought->op->state == NGX_HTTP_JAMHOOK_SHOWN_FAILED)
              ? NGX_HTTP_JAMHOOK_SQL_WALK_FAILED
              : NGX_HTTP_JAMHOOK_SQL_WALK_PENDING;

    named = sought->shown.named.elts;

    for (i = 0; i < sought->shown.named.nelts; i++) {

        if ((sought->named != NULL && sought->named != &named[i])
            || !ngx_http_jamhook_shown_can_be(&named[i], sought->op->state))
        {
            continue;
        }

        stream = ngx_http_jamhook_sqlite_walk_add(walk, sql, NULL);
        if (stream == NULL) {
            return NGX_ERROR;
        }

        stream->keys[0] = named[i].id;
        stream->nkeys = 1;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_jamhook_sqlite_list_event(void *data, int64_t seq)
{
    ngx_http_jamhook_sqlite_sought_t *sought = data;

    ngx_int_t                         rc;
    ngx_http_jamhook_op_events_t     *op;
    ngx_http_jamhook_sqlite_query_t   q;

    op = sought->op;

    ngx_http_jamhook_sqlite_query(&q, sought->shown.session,
                                  NGX_HTTP_JAMHOOK_SQL_SHOW_EVENT);
    ngx_http_jamhook_sqlite_int(&q, seq);
    ngx_http_jamhook_sqlite_text(&q, &op->type);
    ngx_http_jamhook_sqlite_text(&q, &op->conversation_id);
    ngx_http_jamhook_sqlite_text(&q, &op->jam_id);
    ngx_http_jamhook_sqlite_int(&q, op->since);
    ngx_http_jamhook_sqlite_int(&q, op->until
                                    ? op->until
                                    : NGX_HTTP_JAMHOOK_SQLITE_FOREVER);

    rc = ngx_http_jamhook_sqlite_row(&q);

    if (rc != NGX_OK) {
        return (rc == NGX_DONE) ? NGX_OK : NGX_ERROR;
    }

    rc = ngx_http_jamhook_sqlite_list_has(sought, seq);

    if (rc == NGX_OK) {
        rc = ngx_http_jamhook_sqlite_list_copy(sought, &q, seq);
    }

    ngx_http_jamhook_sqlite_end(&q);

    return (rc == NGX_ERROR) ? NGX_ERROR : NGX_OK;
}


static ngx_int_t
ngx_http_jamhook_sqlite_list_copy(ngx_http_jamhook_sqlite_sought_t *sought,
    ngx_http_jamhook_sqlite_query_t *q, int64_t seq)
{
    ngx_http_jamhook_shown_event_t  *event;

    event = ngx_array_push(&sought->op->events);
    if (event == NULL) {
        return ngx_http_jamhook_sqlite_fail(sought->shown.session,
                                            SQLITE_NOMEM);
    }

    ngx_memzero(event, sizeof(ngx_http_jamhook_shown_event_t));

    event->event = seq;

    if (ngx_http_jamhook_shown_event(&sought->shown, q, event) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_http_jamhook_sqlite_shown_deliveries(&sought->shown, event);
}


/* a delivery as it is sought?  NGX_DONE: none */

static ngx_int_t
ngx_http_jamhook_sqlite_list_has(ngx_http_jamhook_sqlite_sought_t *sought,
    int64_t seq)
{
    ngx_int_t                         rc;
    ngx_http_jamhook_shown_e          state;
    ngx_http_jamhook_op_events_t     *op;
    ngx_http_jamhook_sqlite_query_t   q;

    op = sought->op;

    if (sought->covered) {
        return NGX_OK;
    }

    if (sought->named == NULL) {
        return (op->state == NGX_HTTP_JAMHOOK_SHOWN_ANY)
                   ? NGX_OK
                   : ngx_http_jamhook_sqlite_list_has_any(sought, seq);
    }

    ngx_http_jamhook_sqlite_query(&q, sought->shown.session,
                                  NGX_HTTP_JAMHOOK_SQL_DELIVERY_READ);
    ngx_http_jamhook_sqlite_int(&q, seq);
    ngx_http_jamhook_sqlite_int(&q, sought->named->id);

    rc = ngx_http_jamhook_sqlite_row(&q);

    if (rc != NGX_OK) {
        return rc;
    }

    state = ngx_http_jamhook_shown_state(sought->named,
                                       ngx_http_jamhook_sqlite_column(&q, 0));

    ngx_http_jamhook_sqlite_end(&q);

    return (op->state == NGX_HTTP_JAMHOOK_SHOWN_ANY || op->state == state)
               ? NGX_OK : NGX_DONE;
}


static ngx_int_t
ngx_http_jamhook_sqlite_list_has_any(ngx_http_jamhook_sqlite_sought_t *sought,
    int64_t seq)
{
    ngx_int_t                         rc;
    ngx_http_jamhook_shown_e          state;
    ngx_http_jamhook_named_t         *named;
    ngx_http_jamhook_sqlite_query_t   q;

    ngx_http_jamhook_sqlite_query(&q, sought->shown.session,
                                  NGX_HTTP_JAMHOOK_SQL_SHOW_DELIVERIES);
    ngx_http_jamhook_sqlite_int(&q, seq);

    for ( ;; ) {
        rc = ngx_http_jamhook_sqlite_row(&q);

        if (rc != NGX_OK) {
            return rc;
        }

        named = ngx_http_jamhook_shown_id(&sought->shown,
                                       ngx_http_jamhook_sqlite_column(&q, 0));
        state = ngx_http_jamhook_shown_state(named,
                                       ngx_http_jamhook_sqlite_column(&q, 1));

        if (state == sought->op->state) {
            ngx_http_jamhook_sqlite_end(&q);
            return NGX_OK;
        }
    }
}


ngx_int_t
ngx_http_jamhook_sqlite_op_attempts(ngx_http_jamhook_sqlite_t *s,
    ngx_http_jamhook_op_t *o)
{
    ngx_http_jamhook_op_attempts_t    *op;
    ngx_http_jamhook_sqlite_walk_t     walk;
    ngx_http_jamhook_sqlite_logged_t   logged;

    op = (ngx_http_jamhook_op_attempts_t *) o;
    op->next = 0;

    if (ngx_array_init(&op->attempts, op->pool, ngx_min(op->limit, 64),
                       sizeof(ngx_http_jamhook_shown_attempt_t))
        != NGX_OK)
    {
        return ngx_http_jamhook_sqlite_fail(s, SQLITE_NOMEM);
    }

    logged.op = op;

    if (ngx_http_jamhook_sqlite_shown_init(&logged.shown, s, op->pool)
        != NGX_OK
        || ngx_http_jamhook_sqlite_walk_init(&walk, &logged.shown, op->cursor)
           != NGX_OK
        || ngx_http_jamhook_sqlite_list_choose_attempts(&logged, &walk)
           != NGX_OK
        || ngx_http_jamhook_sqlite_walk_bound(&walk,
                                          NGX_HTTP_JAMHOOK_SQL_LAST_ATTEMPT,
                                          NGX_HTTP_JAMHOOK_SQL_TIME_OF_ATTEMPT,
                                              op->since, op->until)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_http_jamhook_sqlite_list_walk(&walk, &op->attempts, op->limit,
                                             &op->next,
                                         ngx_http_jamhook_sqlite_list_attempt,
                                             &logged);
}


/* a stream for each endpoint and result, or one of all */

static ngx_int_t
ngx_http_jamhook_sqlite_list_choose_attempts(
    ngx_http_jamhook_sqlite_logged_t *logged,
    ngx_http_jamhook_sqlite_walk_t *walk)
{
    ngx_uint_t                       i;
    ngx_http_jamhook_named_t        *named;
    ngx_http_jamhook_op_attempts_t  *op;

    op = logged->op;

    if (op->endpoint.data != NULL) {
        named = ngx_http_jamhook_shown_name(&logged->shown, &op->endpoint);

        return (named != NULL)
                   ? ngx_http_jamhook_sqlite_list_add_results(logged, walk,
                                                              named)
                   : NGX_OK;
    }

    if (op->result == NGX_HTTP_JAMHOOK_RESULT_ANY) {
        return (ngx_http_jamhook_sqlite_walk_add(walk,
                                        NGX_HTTP_JAMHOOK_SQL_WALK_ATTEMPTS,
                                                 NULL)
                != NULL)
                   ? NGX_OK : NGX_ERROR;
    }

    named = logged->shown.named.elts;

    for (i = 0; i < logged->shown.named.nelts; i++) {
        if (ngx_http_jamhook_sqlite_list_add_results(logged, walk, &named[i])
            != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_jamhook_sqlite_list_add_results(
    ngx_http_jamhook_sqlite_logged_t *logged,
    ngx_http_jamhook_sqlite_walk_t *walk, ngx_http_jamhook_named_t *named)
{
    ngx_uint_t                         result, sought;
    ngx_http_jamhook_sqlite_stream_t  *stream;

    sought = logged->op->result;

    for (result = 0; result < 3; result++) {

        if (sought != NGX_HTTP_JAMHOOK_RESULT_ANY && sought != result) {
            continue;
        }

        stream = ngx_http_jamhook_sqlite_walk_add(walk,
                                             NGX_HTTP_JAMHOOK_SQL_WALK_RESULT,
                                                  NULL);
        if (stream == NULL) {
            return NGX_ERROR;
        }

        stream->keys[0] = named->id;
        stream->keys[1] = result;
        stream->nkeys = 2;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_jamhook_sqlite_list_attempt(void *data, int64_t seq)
{
    ngx_http_jamhook_sqlite_logged_t *logged = data;

    ngx_int_t                          rc;
    ngx_http_jamhook_op_attempts_t    *op;
    ngx_http_jamhook_shown_attempt_t  *attempt;

    op = logged->op;

    attempt = ngx_array_push(&op->attempts);
    if (attempt == NULL) {
        return ngx_http_jamhook_sqlite_fail(logged->shown.session,
                                            SQLITE_NOMEM);
    }

    rc = ngx_http_jamhook_sqlite_shown_attempt(&logged->shown, seq, op->since,
                                               op->until
                                                   ? op->until
                                         : NGX_HTTP_JAMHOOK_SQLITE_FOREVER,
                                               attempt);
    if (rc == NGX_DONE) {
        op->attempts.nelts--;
        return NGX_OK;
    }

    return rc;
}
