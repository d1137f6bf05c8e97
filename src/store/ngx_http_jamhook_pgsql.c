
#include "ngx_http_jamhook_pgsql.h"
#include "ngx_http_jamhook_clock.h"

#include <poll.h>
#include <time.h>


#define NGX_HTTP_JAMHOOK_PGSQL_SELDOM    5000        /* ms between tries */

#define NGX_HTTP_JAMHOOK_PGSQL_TRIES     6           /* of a batch */
#define NGX_HTTP_JAMHOOK_PGSQL_NAP       5           /* ms, more each time */


static void *ngx_http_jamhook_pgsql_open(ngx_http_jamhook_store_conf_t *conf,
    ngx_http_jamhook_session_e kind, ngx_http_jamhook_clock_t *clock,
    ngx_log_t *log, ngx_uint_t *created, ngx_http_jamhook_failure_t *failure);
static void ngx_http_jamhook_pgsql_close(void *session);
static void ngx_http_jamhook_pgsql_leave(ngx_http_jamhook_store_conf_t *conf);
static ngx_int_t ngx_http_jamhook_pgsql_write(void *session,
    ngx_http_jamhook_op_t **ops, ngx_uint_t n, ngx_http_jamhook_clock_t *clock,
    ngx_http_jamhook_failure_t *failure);
static ngx_int_t ngx_http_jamhook_pgsql_read(void *session,
    ngx_http_jamhook_op_t *op, ngx_http_jamhook_clock_t *clock,
    ngx_http_jamhook_failure_t *failure);
static int ngx_http_jamhook_pgsql_descriptor(void *session);

static ngx_int_t ngx_http_jamhook_pgsql_establish(
    ngx_http_jamhook_pgsql_t *s, ngx_uint_t *created);
static ngx_int_t ngx_http_jamhook_pgsql_ready(ngx_http_jamhook_pgsql_t *s);
static ngx_int_t ngx_http_jamhook_pgsql_batch(ngx_http_jamhook_pgsql_t *s,
    ngx_http_jamhook_clock_t *clock, ngx_http_jamhook_failure_t *failure);
static void ngx_http_jamhook_pgsql_batch_end(ngx_http_jamhook_pgsql_t *s);
static void ngx_http_jamhook_pgsql_anew(ngx_http_jamhook_pgsql_t *s);
static void ngx_http_jamhook_pgsql_nap(ngx_http_jamhook_pgsql_t *s,
    ngx_uint_t tries);
static ngx_uint_t ngx_http_jamhook_pgsql_retry(ngx_http_jamhook_pgsql_t *s,
    ngx_uint_t tries);
static ngx_int_t ngx_http_jamhook_pgsql_transaction(
    ngx_http_jamhook_pgsql_t *s, ngx_http_jamhook_op_t **ops, ngx_uint_t n);
static ngx_int_t ngx_http_jamhook_pgsql_ops(ngx_http_jamhook_pgsql_t *s,
    ngx_http_jamhook_op_t **ops, ngx_uint_t n);
static ngx_int_t ngx_http_jamhook_pgsql_snapshot(
    ngx_http_jamhook_pgsql_t *s, ngx_http_jamhook_op_t *op);
static ngx_int_t ngx_http_jamhook_pgsql_begin(ngx_http_jamhook_pgsql_t *s,
    ngx_http_jamhook_pgsql_e sql);
static ngx_int_t ngx_http_jamhook_pgsql_commit(ngx_http_jamhook_pgsql_t *s);
static ngx_int_t ngx_http_jamhook_pgsql_committed(ngx_http_jamhook_pgsql_t *s,
    PGresult *res, void *data);
static void ngx_http_jamhook_pgsql_rollback(ngx_http_jamhook_pgsql_t *s);


ngx_uint_t  ngx_http_jamhook_pgsql_fake_clock;
ngx_msec_t  ngx_http_jamhook_pgsql_patience = 9000;


ngx_http_jamhook_backend_t  ngx_http_jamhook_pgsql_backend = {
    "pgsql",
    NGX_HTTP_JAMHOOK_PGSQL_SELDOM,
    NULL,
    ngx_http_jamhook_pgsql_open,
    ngx_http_jamhook_pgsql_close,
    ngx_http_jamhook_pgsql_leave,
    ngx_http_jamhook_pgsql_write,
    ngx_http_jamhook_pgsql_read,
    ngx_http_jamhook_pgsql_look_for,
    ngx_http_jamhook_pgsql_descriptor,
    ngx_http_jamhook_pgsql_advice
};


/* by ngx_http_jamhook_op_e; the first two take several at once */

static ngx_http_jamhook_pgsql_op_pt  ngx_http_jamhook_pgsql_one[] = {
    NULL,
    NULL,
    ngx_http_jamhook_pgsql_op_claim,
    ngx_http_jamhook_pgsql_op_replay,
    ngx_http_jamhook_pgsql_op_recover,
    ngx_http_jamhook_pgsql_op_pause,
    ngx_http_jamhook_pgsql_op_resume,
    ngx_http_jamhook_pgsql_op_forget,
    ngx_http_jamhook_pgsql_op_retain,
    ngx_http_jamhook_pgsql_op_probe,
    ngx_http_jamhook_pgsql_op_poll,
    ngx_http_jamhook_pgsql_op_events,
    ngx_http_jamhook_pgsql_op_show,
    ngx_http_jamhook_pgsql_op_attempts,
    ngx_http_jamhook_pgsql_op_endpoints,
    ngx_http_jamhook_pgsql_op_stats,
    ngx_http_jamhook_pgsql_op_names
};


static void *
ngx_http_jamhook_pgsql_open(ngx_http_jamhook_store_conf_t *conf,
    ngx_http_jamhook_session_e kind, ngx_http_jamhook_clock_t *clock,
    ngx_log_t *log, ngx_uint_t *created, ngx_http_jamhook_failure_t *failure)
{
    ngx_int_t                  rc;
    ngx_uint_t                 made;
    ngx_http_jamhook_pgsql_t  *s;

    made = 0;

    s = ngx_http_jamhook_pgsql_create(conf, log);

    if (s == NULL) {
        failure->kind = NGX_HTTP_JAMHOOK_STORE_MEMORY;
        ngx_memcpy(failure->text, "no memory", sizeof("no memory"));
        return NULL;
    }

    s->kind = kind;

    rc = ngx_http_jamhook_pgsql_batch(s, clock, failure);

    if (rc == NGX_OK) {
        rc = ngx_http_jamhook_pgsql_member(s);
    }

    if (rc == NGX_OK) {
        rc = ngx_http_jamhook_pgsql_establish(s, &made);
    }

    ngx_http_jamhook_pgsql_batch_end(s);

    if (rc != NGX_OK) {
        ngx_http_jamhook_pgsql_destroy(s);
        return NULL;
    }

    if (created != NULL) {
        *created = made;
    }

    return s;
}


static ngx_int_t
ngx_http_jamhook_pgsql_establish(ngx_http_jamhook_pgsql_t *s,
    ngx_uint_t *created)
{
    ngx_int_t   rc;
    ngx_uint_t  tries;

    if (ngx_http_jamhook_pgsql_connect(s) != NGX_OK
        || ngx_http_jamhook_pgsql_schema(s, created) != NGX_OK)
    {
        return NGX_ERROR;
    }

    /*
     * A deadlock, with a node that has them in another order: it may come
     * again before that one gets on.
     */

    for (tries = 1; /* void */ ; tries++) {
        rc = ngx_http_jamhook_pgsql_endpoints(s);

        if (rc == NGX_OK || !s->again || s->broken
            || tries == NGX_HTTP_JAMHOOK_PGSQL_TRIES)
        {
            return rc;
        }

        ngx_http_jamhook_pgsql_nap(s, tries);
        ngx_http_jamhook_pgsql_anew(s);
    }
}


/*
 * A connection that the server, or something in between, closed while it was
 * idle is no trouble, where another one can be had.
 */

static ngx_int_t
ngx_http_jamhook_pgsql_ready(ngx_http_jamhook_pgsql_t *s)
{
    ngx_uint_t     created;
    struct pollfd  pfd;

    pfd.fd = PQsocket(s->db);
    pfd.events = POLLIN;

    /* what the server says when it ends a session goes to notice() */

    while (!s->broken
           && PQconsumeInput(s->db) == 1
           && PQstatus(s->db) == CONNECTION_OK)
    {
        (void) PQisBusy(s->db);

        if (s->broken) {
            break;
        }

        if (poll(&pfd, 1, 0) != 1) {
            return NGX_OK;
        }
    }

    ngx_http_jamhook_pgsql_disconnect(s);

    if (ngx_http_jamhook_pgsql_establish(s, &created) != NGX_OK) {

        /* one that is not set up must not be used, whatever went wrong */

        s->broken = 1;
        s->nsent = 0;

        return NGX_ERROR;
    }

    return NGX_OK;
}


static void
ngx_http_jamhook_pgsql_close(void *session)
{
    ngx_http_jamhook_pgsql_destroy(session);
}


static void
ngx_http_jamhook_pgsql_leave(ngx_http_jamhook_store_conf_t *conf)
{
    if (conf->member != NULL) {
        ngx_free(conf->member);
        conf->member = NULL;
    }
}


static int
ngx_http_jamhook_pgsql_descriptor(void *session)
{
    ngx_http_jamhook_pgsql_t *s = session;

    return PQsocket(s->db);
}


static ngx_int_t
ngx_http_jamhook_pgsql_batch(ngx_http_jamhook_pgsql_t *s,
    ngx_http_jamhook_clock_t *clock, ngx_http_jamhook_failure_t *failure)
{
    s->clock = clock;
    s->failure = failure;
    s->deadline = ngx_http_jamhook_clock_mono()
                  + (int64_t) ngx_http_jamhook_pgsql_patience;

    ngx_http_jamhook_pgsql_anew(s);

    s->scratch = ngx_create_pool(NGX_DEFAULT_POOL_SIZE, s->log);

    if (s->scratch == NULL) {
        return ngx_http_jamhook_pgsql_fail_memory(s);
    }

    return NGX_OK;
}


static void
ngx_http_jamhook_pgsql_batch_end(ngx_http_jamhook_pgsql_t *s)
{
    if (s->scratch != NULL) {
        ngx_destroy_pool(s->scratch);
        s->scratch = NULL;
    }
}


static void
ngx_http_jamhook_pgsql_anew(ngx_http_jamhook_pgsql_t *s)
{
    ngx_memzero(s->failure, sizeof(ngx_http_jamhook_failure_t));

    s->failed = 0;
    s->again = 0;
    s->committing = 0;
    s->warned = 0;
    s->notify = 0;
}


/* longer each time, and not as long as the others */

static void
ngx_http_jamhook_pgsql_nap(ngx_http_jamhook_pgsql_t *s, ngx_uint_t tries)
{
    struct timespec  nap;

    nap.tv_sec = 0;
    nap.tv_nsec = tries * (NGX_HTTP_JAMHOOK_PGSQL_NAP + s->shard % 8)
                  * 1000000;

    (void) nanosleep(&nap, NULL);
}


/* after a batch that failed for that many times; 1: it is worth another try */

static ngx_uint_t
ngx_http_jamhook_pgsql_retry(ngx_http_jamhook_pgsql_t *s, ngx_uint_t tries)
{
    if (!s->again || tries == NGX_HTTP_JAMHOOK_PGSQL_TRIES) {
        return 0;
    }

    ngx_http_jamhook_pgsql_nap(s, tries);
    ngx_http_jamhook_pgsql_anew(s);

    return !s->broken || ngx_http_jamhook_pgsql_ready(s) == NGX_OK;
}


static ngx_int_t
ngx_http_jamhook_pgsql_write(void *session, ngx_http_jamhook_op_t **ops,
    ngx_uint_t n, ngx_http_jamhook_clock_t *clock,
    ngx_http_jamhook_failure_t *failure)
{
    ngx_int_t                  rc;
    ngx_uint_t                 tries;
    ngx_http_jamhook_pgsql_t  *s = session;

    if (ngx_http_jamhook_pgsql_batch(s, clock, failure) != NGX_OK
        || ngx_http_jamhook_pgsql_ready(s) != NGX_OK)
    {
        ngx_http_jamhook_pgsql_batch_end(s);
        return NGX_ERROR;
    }

    tries = 0;

    do {
        rc = ngx_http_jamhook_pgsql_transaction(s, ops, n);
    } while (rc != NGX_OK && ngx_http_jamhook_pgsql_retry(s, ++tries));

    ngx_http_jamhook_pgsql_batch_end(s);

    return rc;
}


static ngx_int_t
ngx_http_jamhook_pgsql_transaction(ngx_http_jamhook_pgsql_t *s,
    ngx_http_jamhook_op_t **ops, ngx_uint_t n)
{
    ngx_uint_t  i;

    for (i = 0; i < n; i++) {
        if (ops[i]->type == NGX_HTTP_JAMHOOK_OP_CLAIM) {
            ((ngx_http_jamhook_op_claim_t *) ops[i])->claims = NULL;
        }
    }

    if (ngx_http_jamhook_pgsql_begin(s, NGX_HTTP_JAMHOOK_PGSQL_BEGIN) == NGX_OK
        && ngx_http_jamhook_pgsql_ops(s, ops, n) == NGX_OK
        && ngx_http_jamhook_pgsql_commit(s) == NGX_OK)
    {
        return NGX_OK;
    }

    ngx_http_jamhook_pgsql_rollback(s);

    for (i = 0; i < n; i++) {
        if (ops[i]->type == NGX_HTTP_JAMHOOK_OP_CLAIM) {
            ngx_http_jamhook_backend_claims_free(
                                     (ngx_http_jamhook_op_claim_t *) ops[i]);
        }
    }

    return NGX_ERROR;
}


static ngx_int_t
ngx_http_jamhook_pgsql_ops(ngx_http_jamhook_pgsql_t *s,
    ngx_http_jamhook_op_t **ops, ngx_uint_t n)
{
    ngx_int_t              rc;
    ngx_uint_t             i, run;
    ngx_http_jamhook_op_e  type;

    for (i = 0; i < n; i += run) {
        type = ops[i]->type;
        run = 1;

        switch (type) {

        case NGX_HTTP_JAMHOOK_OP_EVENT:
        case NGX_HTTP_JAMHOOK_OP_OUTCOME:

            while (i + run < n && ops[i + run]->type == type) {
                run++;
            }

            rc = (type == NGX_HTTP_JAMHOOK_OP_EVENT)
                     ? ngx_http_jamhook_pgsql_op_event(s, &ops[i], run)
                     : ngx_http_jamhook_pgsql_op_outcome(s, &ops[i], run);
            break;

        default:
            rc = ngx_http_jamhook_pgsql_one[type](s, ops[i]);
        }

        if (rc != NGX_OK) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_jamhook_pgsql_read(void *session, ngx_http_jamhook_op_t *op,
    ngx_http_jamhook_clock_t *clock, ngx_http_jamhook_failure_t *failure)
{
    ngx_int_t                  rc;
    ngx_uint_t                 tries, woken;
    ngx_http_jamhook_pgsql_t  *s = session;

    op->woken = 0;

    if (ngx_http_jamhook_pgsql_batch(s, clock, failure) != NGX_OK
        || ngx_http_jamhook_pgsql_ready(s) != NGX_OK)
    {
        ngx_http_jamhook_pgsql_batch_end(s);
        return NGX_ERROR;
    }

    /* a POLL sees what was released before it began */

    woken = ngx_http_jamhook_pgsql_notified(s)
            && op->type != NGX_HTTP_JAMHOOK_OP_POLL;

    tries = 0;

    do {
        rc = ngx_http_jamhook_pgsql_snapshot(s, op);
    } while (rc != NGX_OK && ngx_http_jamhook_pgsql_retry(s, ++tries));

    op->woken = ngx_http_jamhook_pgsql_notified(s) || woken;

    ngx_http_jamhook_pgsql_batch_end(s);

    return rc;
}


/* all it reads is of one moment */

static ngx_int_t
ngx_http_jamhook_pgsql_snapshot(ngx_http_jamhook_pgsql_t *s,
    ngx_http_jamhook_op_t *op)
{
    if (ngx_http_jamhook_pgsql_begin(s, NGX_HTTP_JAMHOOK_PGSQL_BEGIN_READ)
        == NGX_OK
        && ngx_http_jamhook_pgsql_one[op->type](s, op) == NGX_OK
        && ngx_http_jamhook_pgsql_commit(s) == NGX_OK)
    {
        return NGX_OK;
    }

    ngx_http_jamhook_pgsql_rollback(s);

    return NGX_ERROR;
}


static ngx_int_t
ngx_http_jamhook_pgsql_begin(ngx_http_jamhook_pgsql_t *s,
    ngx_http_jamhook_pgsql_e sql)
{
    ngx_http_jamhook_pgsql_query_t  q;

    s->begun = 1;

    ngx_http_jamhook_pgsql_query(&q, s, sql);

    return ngx_http_jamhook_pgsql_send(&q, NULL, NULL);
}


static ngx_int_t
ngx_http_jamhook_pgsql_commit(ngx_http_jamhook_pgsql_t *s)
{
    ngx_http_jamhook_pgsql_query_t  q;

    if (s->notify) {
        ngx_http_jamhook_pgsql_query(&q, s, NGX_HTTP_JAMHOOK_PGSQL_NOTIFY);

        if (ngx_http_jamhook_pgsql_send(&q, NULL, NULL) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    ngx_http_jamhook_pgsql_query(&q, s, NGX_HTTP_JAMHOOK_PGSQL_COMMIT);

    if (ngx_http_jamhook_pgsql_send(&q, ngx_http_jamhook_pgsql_committed, NULL)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_http_jamhook_pgsql_flush(s);
}


static ngx_int_t
ngx_http_jamhook_pgsql_committed(ngx_http_jamhook_pgsql_t *s, PGresult *res,
    void *data)
{
    s->begun = 0;

    /* COMMIT of a transaction that failed is carried out as ROLLBACK */

    if (ngx_strcmp(PQcmdStatus(res), "COMMIT") != 0) {
        return ngx_http_jamhook_pgsql_fail_text(s, NGX_HTTP_JAMHOOK_STORE_IO,
                                                "the transaction was rolled"
                                                " back");
    }

    if (s->warned) {

        /* what it did is idempotent: it is tried again with a new session */

        return ngx_http_jamhook_pgsql_fail_text(s, NGX_HTTP_JAMHOOK_STORE_AWAY,
                                                "the server did not wait for"
                                                " its standby");
    }

    return NGX_OK;
}


static void
ngx_http_jamhook_pgsql_rollback(ngx_http_jamhook_pgsql_t *s)
{
    ngx_http_jamhook_pgsql_query_t  q;

    ngx_http_jamhook_pgsql_set_failure(s, NGX_HTTP_JAMHOOK_STORE_IO,
                                       "it was given up");

    /* what is still queued, then the end of it */

    (void) ngx_http_jamhook_pgsql_flush(s);

    if (!s->broken && s->begun) {
        ngx_http_jamhook_pgsql_query(&q, s, NGX_HTTP_JAMHOOK_PGSQL_ROLLBACK);
        (void) ngx_http_jamhook_pgsql_send(&q, NULL, NULL);
        (void) ngx_http_jamhook_pgsql_flush(s);
    }

    s->begun = 0;

    if (s->broken || PQtransactionStatus(s->db) != PQTRANS_IDLE) {

        /* only closing the session ends it */

        s->broken = 1;

        switch (s->failure->kind) {

        case NGX_HTTP_JAMHOOK_STORE_BUSY:
        case NGX_HTTP_JAMHOOK_STORE_NOSPC:
        case NGX_HTTP_JAMHOOK_STORE_MEMORY:
            s->failure->kind = NGX_HTTP_JAMHOOK_STORE_AWAY;
            break;

        default:
            break;
        }
    }
}


ngx_uint_t
ngx_http_jamhook_pgsql_index(ngx_http_jamhook_pgsql_t *s, int64_t id)
{
    ngx_uint_t  i;

    for (i = 0; i < s->conf->nendpoints; i++) {
        if (s->endpoints[i].id == id) {
            return i;
        }
    }

    return NGX_HTTP_JAMHOOK_NO_ENDPOINT;
}
