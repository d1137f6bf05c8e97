
#include "ngx_http_jamhook_pgsql.h"


#define NGX_HTTP_JAMHOOK_PGSQL_RESULTS   256         /* slots of a result */


/*
 * What the OUTCOMEs of a batch come to for an endpoint, whatever its row says:
 * one UPDATE in place of as many as there are.  A success ends what failed
 * before it, "gone" stays.
 */
typedef struct {
    ngx_http_jamhook_op_outcome_t    *succeeded; /* the last one, or NULL */
    ngx_http_jamhook_op_outcome_t    *failed;    /* likewise, if none succeeded
                                                    after it */
    ngx_http_jamhook_op_outcome_t    *gone;
    ngx_msec_t                        after;     /* the shortest disable_after;
                                                    0: none */
} ngx_http_jamhook_pgsql_fold_t;

typedef struct {
    ngx_http_jamhook_pgsql_fold_t    *folds;     /* by endpoint's index */
    ngx_uint_t                       *order;     /* indexes of those that may
                                                    change */
    ngx_uint_t                        n;
} ngx_http_jamhook_pgsql_folds_t;


static ngx_uint_t ngx_http_jamhook_pgsql_outcome_run(
    ngx_http_jamhook_op_t **ops, ngx_uint_t n);
static ngx_int_t ngx_http_jamhook_pgsql_outcome_send(
    ngx_http_jamhook_pgsql_t *s, ngx_http_jamhook_op_t **ops, ngx_uint_t n);
static void ngx_http_jamhook_pgsql_outcome_next(
    ngx_http_jamhook_pgsql_query_t *q, ngx_http_jamhook_op_t **ops,
    ngx_uint_t n);
static void ngx_http_jamhook_pgsql_outcome_attempts(
    ngx_http_jamhook_pgsql_query_t *q, ngx_http_jamhook_op_t **ops,
    ngx_uint_t n);
static int64_t ngx_http_jamhook_pgsql_outcome_slot(
    ngx_http_jamhook_op_outcome_t *op);
static ngx_int_t ngx_http_jamhook_pgsql_outcome_late(
    ngx_http_jamhook_pgsql_t *s, PGresult *res, void *data);

static ngx_int_t ngx_http_jamhook_pgsql_outcome_endpoints(
    ngx_http_jamhook_pgsql_t *s, ngx_http_jamhook_op_t **ops, ngx_uint_t n);
static ngx_uint_t ngx_http_jamhook_pgsql_outcome_fold(
    ngx_http_jamhook_pgsql_fold_t *fold, ngx_http_jamhook_op_outcome_t *op);
static ngx_int_t ngx_http_jamhook_pgsql_outcome_folded(
    ngx_http_jamhook_pgsql_t *s, ngx_http_jamhook_pgsql_folds_t *folds);
static ngx_int_t ngx_http_jamhook_pgsql_outcome_changed(
    ngx_http_jamhook_pgsql_t *s, PGresult *res, void *data);


ngx_int_t
ngx_http_jamhook_pgsql_op_outcome(ngx_http_jamhook_pgsql_t *s,
    ngx_http_jamhook_op_t **ops, ngx_uint_t n)
{
    ngx_uint_t                      i, run;
    ngx_http_jamhook_op_outcome_t  *op;

    for (i = 0; i < n; i++) {
        op = (ngx_http_jamhook_op_outcome_t *) ops[i];

        op->late = 0;
        op->paused = NGX_HTTP_JAMHOOK_PAUSE_NONE;
        op->resumed = 0;
    }

    for (i = 0; i < n; i += run) {
        run = ngx_http_jamhook_pgsql_outcome_run(&ops[i], n - i);

        if (ngx_http_jamhook_pgsql_outcome_send(s, &ops[i], run) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    return ngx_http_jamhook_pgsql_outcome_endpoints(s, ops, n);
}


/* how many are of different deliveries, from the first on */

static ngx_uint_t
ngx_http_jamhook_pgsql_outcome_run(ngx_http_jamhook_op_t **ops, ngx_uint_t n)
{
    ngx_uint_t                      i, j;
    ngx_http_jamhook_op_outcome_t  *a, *b;

    for (i = 1; i < n; i++) {
        a = (ngx_http_jamhook_op_outcome_t *) ops[i];

        for (j = 0; j < i; j++) {
            b = (ngx_http_jamhook_op_outcome_t *) ops[j];

            if (a->event == b->event && a->endpoint == b->endpoint) {
                return i;
            }
        }
    }

    return n;
}


static ngx_int_t
ngx_http_jamhook_pgsql_outcome_send(ngx_http_jamhook_pgsql_t *s,
    ngx_http_jamhook_op_t **ops, ngx_uint_t n)
{
    ngx_http_jamhook_pgsql_query_t  q;

    ngx_http_jamhook_pgsql_query(&q, s, NGX_HTTP_JAMHOOK_PGSQL_OUTCOME);
    ngx_http_jamhook_pgsql_time(&q);
    ngx_http_jamhook_pgsql_text(&q, &s->owner);
    ngx_http_jamhook_pgsql_int(&q, s->shard);

    ngx_http_jamhook_pgsql_outcome_next(&q, ops, n);
    ngx_http_jamhook_pgsql_outcome_attempts(&q, ops, n);

    return ngx_http_jamhook_pgsql_send(&q, ngx_http_jamhook_pgsql_outcome_late,
                                       ops);
}


/* parameters $4 to $12: which delivery, and what is next */

static void
ngx_http_jamhook_pgsql_outcome_next(ngx_http_jamhook_pgsql_query_t *q,
    ngx_http_jamhook_op_t **ops, ngx_uint_t n)
{
    ngx_str_t                        owner;
    ngx_uint_t                       i;
    ngx_http_jamhook_op_outcome_t   *op;
    ngx_http_jamhook_pgsql_array_t   event, endpoint, number, owners, state,
                                     delay, step, interrupted, result;

    ngx_memzero(&event, sizeof(ngx_http_jamhook_pgsql_array_t));

    endpoint = number = owners = state = event;
    delay = step = interrupted = result = event;

    for (i = 0; i < n; i++) {
        op = (ngx_http_jamhook_op_outcome_t *) ops[i];

        ngx_str_null(&owner);

        if (op->owner.len) {
            owner = op->owner;
        }

        ngx_http_jamhook_pgsql_array_int(q, &event, op->event);
        ngx_http_jamhook_pgsql_array_int(q, &endpoint,
                                         q->s->endpoints[op->endpoint].id);
        ngx_http_jamhook_pgsql_array_int(q, &number, op->number);
        ngx_http_jamhook_pgsql_array_text(q, &owners, &owner);
        ngx_http_jamhook_pgsql_array_int(q, &state, op->state);
        ngx_http_jamhook_pgsql_array_int(q, &delay, op->delay);
        ngx_http_jamhook_pgsql_array_int(q, &step, op->step);
        ngx_http_jamhook_pgsql_array_int(q, &interrupted, op->interrupted);
        ngx_http_jamhook_pgsql_array_int(q, &result, op->result);
    }

    ngx_http_jamhook_pgsql_ints(q, &event);
    ngx_http_jamhook_pgsql_ints(q, &endpoint);
    ngx_http_jamhook_pgsql_ints(q, &number);
    ngx_http_jamhook_pgsql_texts(q, &owners);
    ngx_http_jamhook_pgsql_ints(q, &state);
    ngx_http_jamhook_pgsql_ints(q, &delay);
    ngx_http_jamhook_pgsql_ints(q, &step);
    ngx_http_jamhook_pgsql_ints(q, &interrupted);
    ngx_http_jamhook_pgsql_ints(q, &result);
}


/* parameters from $13 on: the attempts' records */

static void
ngx_http_jamhook_pgsql_outcome_attempts(ngx_http_jamhook_pgsql_query_t *q,
    ngx_http_jamhook_op_t **ops, ngx_uint_t n)
{
    int64_t                          at;
    ngx_uint_t                       i;
    ngx_http_jamhook_op_outcome_t   *op;
    ngx_http_jamhook_pgsql_array_t   started, trigger, duration, status,
                                     truncated, slot, error, request_headers,
                                     response_headers, request_body,
                                     response_body;

    ngx_memzero(&started, sizeof(ngx_http_jamhook_pgsql_array_t));

    trigger = duration = status = truncated = slot = started;
    error = request_headers = response_headers = started;
    request_body = response_body = started;

    for (i = 0; i < n; i++) {
        op = (ngx_http_jamhook_op_outcome_t *) ops[i];

        /* how long ago, by this node's clock; an orphan's is the database's */

        at = op->owner.len ? op->started_at
                           : q->s->clock->now - op->started_at;

        ngx_http_jamhook_pgsql_array_int(q, &started, at);
        ngx_http_jamhook_pgsql_array_int(q, &trigger, op->trigger);
        ngx_http_jamhook_pgsql_array_int(q, &duration, op->duration);
        ngx_http_jamhook_pgsql_array_int(q, &status, op->status);
        ngx_http_jamhook_pgsql_array_int(q, &truncated, op->truncated);
        ngx_http_jamhook_pgsql_array_int(q, &slot,
                                     ngx_http_jamhook_pgsql_outcome_slot(op));
        ngx_http_jamhook_pgsql_array_text(q, &error, &op->error);
        ngx_http_jamhook_pgsql_array_text(q, &request_headers,
                                          &op->request_headers);
        ngx_http_jamhook_pgsql_array_text(q, &response_headers,
                                          &op->response_headers);
        ngx_http_jamhook_pgsql_array_bytes(q, &request_body,
                                           &op->request_body);
        ngx_http_jamhook_pgsql_array_bytes(q, &response_body,
                                           &op->response_body);
    }

    ngx_http_jamhook_pgsql_ints(q, &started);
    ngx_http_jamhook_pgsql_ints(q, &trigger);
    ngx_http_jamhook_pgsql_ints(q, &duration);
    ngx_http_jamhook_pgsql_ints(q, &status);
    ngx_http_jamhook_pgsql_ints(q, &truncated);
    ngx_http_jamhook_pgsql_ints(q, &slot);
    ngx_http_jamhook_pgsql_texts(q, &error);
    ngx_http_jamhook_pgsql_texts(q, &request_headers);
    ngx_http_jamhook_pgsql_texts(q, &response_headers);
    ngx_http_jamhook_pgsql_byteses(q, &request_body);
    ngx_http_jamhook_pgsql_byteses(q, &response_body);
}


/* of roll-ups; what was interrupted took as long as it was let */

static int64_t
ngx_http_jamhook_pgsql_outcome_slot(ngx_http_jamhook_op_outcome_t *op)
{
    int64_t  slot;

    slot = op->result * NGX_HTTP_JAMHOOK_PGSQL_RESULTS;

    if (op->result != NGX_HTTP_JAMHOOK_RESULT_INTERRUPTED) {
        slot += ngx_http_jamhook_backend_slot(op->duration);
    }

    return slot;
}


static ngx_int_t
ngx_http_jamhook_pgsql_outcome_late(ngx_http_jamhook_pgsql_t *s, PGresult *res,
    void *data)
{
    ngx_http_jamhook_op_t **ops = data;

    int         row;
    ngx_uint_t  ord;

    (void) s;

    for (row = 0; row < PQntuples(res); row++) {
        ord = ngx_http_jamhook_pgsql_column(res, row, 0);

        ((ngx_http_jamhook_op_outcome_t *) ops[ord - 1])->late = 1;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_jamhook_pgsql_outcome_endpoints(ngx_http_jamhook_pgsql_t *s,
    ngx_http_jamhook_op_t **ops, ngx_uint_t n)
{
    ngx_uint_t                       i, known;
    ngx_http_jamhook_op_outcome_t   *op;
    ngx_http_jamhook_pgsql_fold_t   *fold;
    ngx_http_jamhook_pgsql_folds_t  *folds;

    folds = ngx_pcalloc(s->scratch, sizeof(ngx_http_jamhook_pgsql_folds_t));

    if (folds == NULL) {
        return ngx_http_jamhook_pgsql_fail_memory(s);
    }

    folds->folds = ngx_pcalloc(s->scratch, s->conf->nendpoints
                                     * sizeof(ngx_http_jamhook_pgsql_fold_t));
    folds->order = ngx_palloc(s->scratch,
                              s->conf->nendpoints * sizeof(ngx_uint_t));

    if (folds->folds == NULL || folds->order == NULL) {
        return ngx_http_jamhook_pgsql_fail_memory(s);
    }

    for (i = 0; i < n; i++) {
        op = (ngx_http_jamhook_op_outcome_t *) ops[i];
        fold = &folds->folds[op->endpoint];

        known = (fold->succeeded || fold->failed || fold->gone);

        if (ngx_http_jamhook_pgsql_outcome_fold(fold, op) && !known) {
            folds->order[folds->n++] = op->endpoint;
        }
    }

    if (folds->n == 0) {
        return NGX_OK;
    }

    return ngx_http_jamhook_pgsql_outcome_folded(s, folds);
}


/* 1 if it says something of its endpoint */

static ngx_uint_t
ngx_http_jamhook_pgsql_outcome_fold(ngx_http_jamhook_pgsql_fold_t *fold,
    ngx_http_jamhook_op_outcome_t *op)
{
    ngx_uint_t  says;

    /* who speaks for another knows nothing of the endpoint */

    if (op->owner.len != 0) {
        return 0;
    }

    if (op->result == NGX_HTTP_JAMHOOK_RESULT_SUCCEEDED) {
        fold->succeeded = op;
        fold->failed = NULL;
        return 1;
    }

    says = 0;

    if (op->result == NGX_HTTP_JAMHOOK_RESULT_FAILED && op->counts) {
        fold->failed = op;
        says = 1;

        if (op->disable_after != 0
            && (fold->after == 0 || op->disable_after < fold->after))
        {
            fold->after = op->disable_after;
        }
    }

    if (op->gone) {
        fold->gone = op;
        says = 1;
    }

    return says;
}


static ngx_int_t
ngx_http_jamhook_pgsql_outcome_folded(ngx_http_jamhook_pgsql_t *s,
    ngx_http_jamhook_pgsql_folds_t *folds)
{
    ngx_uint_t                       i;
    ngx_http_jamhook_pgsql_fold_t   *fold;
    ngx_http_jamhook_pgsql_array_t   endpoint, succeeded, failed, gone, after;
    ngx_http_jamhook_pgsql_query_t   q;

    ngx_memzero(&endpoint, sizeof(ngx_http_jamhook_pgsql_array_t));

    succeeded = failed = gone = after = endpoint;

    ngx_http_jamhook_pgsql_query(&q, s,
                                 NGX_HTTP_JAMHOOK_PGSQL_OUTCOME_ENDPOINT);

    for (i = 0; i < folds->n; i++) {
        fold = &folds->folds[folds->order[i]];

        ngx_http_jamhook_pgsql_array_int(&q, &endpoint,
                                       s->endpoints[folds->order[i]].id);
        ngx_http_jamhook_pgsql_array_int(&q, &succeeded,
                                         fold->succeeded != NULL);
        ngx_http_jamhook_pgsql_array_int(&q, &failed, fold->failed != NULL);
        ngx_http_jamhook_pgsql_array_int(&q, &gone, fold->gone != NULL);
        ngx_http_jamhook_pgsql_array_int(&q, &after, fold->after);
    }

    ngx_http_jamhook_pgsql_time(&q);
    ngx_http_jamhook_pgsql_ints(&q, &endpoint);
    ngx_http_jamhook_pgsql_ints(&q, &succeeded);
    ngx_http_jamhook_pgsql_ints(&q, &failed);
    ngx_http_jamhook_pgsql_ints(&q, &gone);
    ngx_http_jamhook_pgsql_ints(&q, &after);
    ngx_http_jamhook_pgsql_int(&q, NGX_HTTP_JAMHOOK_STORE_PROBE);

    return ngx_http_jamhook_pgsql_send(&q,
                                       ngx_http_jamhook_pgsql_outcome_changed,
                                       folds);
}


static ngx_int_t
ngx_http_jamhook_pgsql_outcome_changed(ngx_http_jamhook_pgsql_t *s,
    PGresult *res, void *data)
{
    ngx_http_jamhook_pgsql_folds_t *folds = data;

    int                             row;
    int64_t                         before, after;
    ngx_uint_t                      ord;
    ngx_http_jamhook_pgsql_fold_t  *fold;

    (void) s;

    for (row = 0; row < PQntuples(res); row++) {
        ord = ngx_http_jamhook_pgsql_column(res, row, 0);
        before = ngx_http_jamhook_pgsql_column(res, row, 1);
        after = ngx_http_jamhook_pgsql_column(res, row, 2);

        if (after == before) {
            continue;
        }

        fold = &folds->folds[folds->order[ord - 1]];

        switch (after) {

        case NGX_HTTP_JAMHOOK_PAUSE_NONE:
            fold->succeeded->resumed = 1;
            break;

        case NGX_HTTP_JAMHOOK_PAUSE_GONE:
            fold->gone->paused = NGX_HTTP_JAMHOOK_PAUSE_GONE;
            break;

        case NGX_HTTP_JAMHOOK_PAUSE_FAILING:
            fold->failed->paused = NGX_HTTP_JAMHOOK_PAUSE_FAILING;
            break;
        }
    }

    return NGX_OK;
}
