
#include "ngx_http_jamhook_sqlite.h"
#include "ngx_http_jamhook_clock.h"

#include <time.h>


#define NGX_HTTP_JAMHOOK_SQLITE_SELDOM 1000      /* ms between tries */

#define NGX_HTTP_JAMHOOK_SQLITE_NAP    300       /* us, and up to so much: */
#define NGX_HTTP_JAMHOOK_SQLITE_JITTER 700

#define NGX_HTTP_JAMHOOK_SQLITE_WAITED 10        /* ms that are worth a look at
                                                    the clock */

#define NGX_HTTP_JAMHOOK_SQLITE_SET_BACK  1000   /* ms, from which on it
                                                    matters */

#define NGX_HTTP_JAMHOOK_SQLITE_WIPE   1000      /* ms between two tries */
#define NGX_HTTP_JAMHOOK_SQLITE_WIPE_PATIENCE  100


static void ngx_http_jamhook_sqlite_ready(void);
static void *ngx_http_jamhook_sqlite_open(ngx_http_jamhook_store_conf_t *conf,
    ngx_http_jamhook_session_e kind, ngx_http_jamhook_clock_t *clock,
    ngx_log_t *log, ngx_uint_t *created, ngx_http_jamhook_failure_t *failure);
static void ngx_http_jamhook_sqlite_close(void *session);
static void ngx_http_jamhook_sqlite_leave(
    ngx_http_jamhook_store_conf_t *conf);
static ngx_int_t ngx_http_jamhook_sqlite_write(void *session,
    ngx_http_jamhook_op_t **ops, ngx_uint_t n, ngx_http_jamhook_clock_t *clock,
    ngx_http_jamhook_failure_t *failure);
static ngx_int_t ngx_http_jamhook_sqlite_read(void *session,
    ngx_http_jamhook_op_t *op, ngx_http_jamhook_clock_t *clock,
    ngx_http_jamhook_failure_t *failure);
static char *ngx_http_jamhook_sqlite_advice(ngx_http_jamhook_failure_e kind);

static ngx_int_t ngx_http_jamhook_sqlite_in_place(
    ngx_http_jamhook_sqlite_t *s);
static void ngx_http_jamhook_sqlite_batch(ngx_http_jamhook_sqlite_t *s,
    ngx_http_jamhook_clock_t *clock, ngx_http_jamhook_failure_t *failure);
static ngx_int_t ngx_http_jamhook_sqlite_turn(ngx_http_jamhook_sqlite_t *s);
static void ngx_http_jamhook_sqlite_waited(ngx_http_jamhook_sqlite_t *s);
static ngx_int_t ngx_http_jamhook_sqlite_transaction(
    ngx_http_jamhook_sqlite_t *s, ngx_http_jamhook_op_t **ops, ngx_uint_t n);
static ngx_int_t ngx_http_jamhook_sqlite_run_ops(ngx_http_jamhook_sqlite_t *s,
    ngx_http_jamhook_op_t **ops, ngx_uint_t n);
static ngx_int_t ngx_http_jamhook_sqlite_set_back(
    ngx_http_jamhook_sqlite_t *s);
static void ngx_http_jamhook_sqlite_wipe(ngx_http_jamhook_sqlite_t *s);


ngx_msec_t  ngx_http_jamhook_sqlite_patience = 5000;


ngx_http_jamhook_backend_t  ngx_http_jamhook_sqlite_backend = {
    "sqlite",
    NGX_HTTP_JAMHOOK_SQLITE_SELDOM,
    ngx_http_jamhook_sqlite_ready,
    ngx_http_jamhook_sqlite_open,
    ngx_http_jamhook_sqlite_close,
    ngx_http_jamhook_sqlite_leave,
    ngx_http_jamhook_sqlite_write,
    ngx_http_jamhook_sqlite_read,
    ngx_http_jamhook_sqlite_look_for,
    NULL,
    ngx_http_jamhook_sqlite_advice
};


/* by ngx_http_jamhook_op_e */

static ngx_http_jamhook_sqlite_op_pt  ngx_http_jamhook_sqlite_ops[] = {
    ngx_http_jamhook_sqlite_op_event,
    ngx_http_jamhook_sqlite_op_outcome,
    ngx_http_jamhook_sqlite_op_claim,
    ngx_http_jamhook_sqlite_op_replay,
    ngx_http_jamhook_sqlite_op_recover,
    ngx_http_jamhook_sqlite_op_pause,
    ngx_http_jamhook_sqlite_op_resume,
    ngx_http_jamhook_sqlite_op_forget,
    ngx_http_jamhook_sqlite_op_retain,
    ngx_http_jamhook_sqlite_op_probe,
    ngx_http_jamhook_sqlite_op_poll,
    ngx_http_jamhook_sqlite_op_events,
    ngx_http_jamhook_sqlite_op_show,
    ngx_http_jamhook_sqlite_op_attempts,
    ngx_http_jamhook_sqlite_op_endpoints,
    ngx_http_jamhook_sqlite_op_stats,
    ngx_http_jamhook_sqlite_op_names
};


/*
 * SQLite counts the bytes that it has, under a lock, each time that it takes or
 * gives some, and nobody asks.  Where others in this process use it already it
 * goes on, for this must come before its first use.
 */

static void
ngx_http_jamhook_sqlite_ready(void)
{
    (void) sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}


static void *
ngx_http_jamhook_sqlite_open(ngx_http_jamhook_store_conf_t *conf,
    ngx_http_jamhook_session_e kind, ngx_http_jamhook_clock_t *clock,
    ngx_log_t *log, ngx_uint_t *created, ngx_http_jamhook_failure_t *failure)
{
    ngx_int_t                   rc;
    ngx_uint_t                  made;
    ngx_http_jamhook_sqlite_t  *s;

    made = 0;

    if (created != NULL) {
        *created = 0;
    }

    s = ngx_http_jamhook_sqlite_create(conf, log);

    if (s == NULL) {
        failure->kind = NGX_HTTP_JAMHOOK_STORE_MEMORY;
        ngx_memcpy(failure->text, "no memory", sizeof("no memory"));
        return NULL;
    }

    s->kind = kind;
    ngx_http_jamhook_sqlite_batch(s, clock, failure);

    if (conf->guest) {
        rc = ngx_http_jamhook_sqlite_open_guest(s);

    } else if (kind == NGX_HTTP_JAMHOOK_SESSION_WRITE) {
        rc = ngx_http_jamhook_sqlite_open_write(s, &made);

    } else {
        rc = ngx_http_jamhook_sqlite_open_read(s);
    }

    if (rc != NGX_OK) {
        ngx_http_jamhook_sqlite_close(s);
        return NULL;
    }

    if (created != NULL) {
        *created = made;
    }

    return s;
}


static void
ngx_http_jamhook_sqlite_close(void *session)
{
    ngx_uint_t                  i;
    ngx_http_jamhook_sqlite_t  *s = session;

    for (i = 0; i < NGX_HTTP_JAMHOOK_SQL_N; i++) {
        (void) sqlite3_finalize(s->stmts[i]);
    }

    if (s->db != NULL) {
        ngx_http_jamhook_sqlite_wal_drop(s);
        (void) sqlite3_close(s->db);
    }

    ngx_http_jamhook_turn_close(&s->turn);

    ngx_destroy_pool(s->pool);
}


static void
ngx_http_jamhook_sqlite_leave(ngx_http_jamhook_store_conf_t *conf)
{
    if (conf->member != NULL) {
        ngx_http_jamhook_owner_close(conf->member);
        ngx_free(conf->member);
        conf->member = NULL;
    }
}


static ngx_int_t
ngx_http_jamhook_sqlite_write(void *session, ngx_http_jamhook_op_t **ops,
    ngx_uint_t n, ngx_http_jamhook_clock_t *clock,
    ngx_http_jamhook_failure_t *failure)
{
    ngx_int_t                   rc;
    ngx_http_jamhook_sqlite_t  *s = session;

    ngx_http_jamhook_sqlite_batch(s, clock, failure);

    if (ngx_http_jamhook_sqlite_turn(s) != NGX_OK) {
        return NGX_ERROR;
    }

    rc = ngx_http_jamhook_sqlite_transaction(s, ops, n);

    ngx_http_jamhook_turn_give(&s->turn);

    return rc;
}


/* waits for others, within its patience */

static ngx_int_t
ngx_http_jamhook_sqlite_turn(ngx_http_jamhook_sqlite_t *s)
{
    int64_t  waited;

    s->began = ngx_http_jamhook_clock_mono();

    if (ngx_http_jamhook_turn_take(&s->turn, s->patience) != NGX_OK) {
        return ngx_http_jamhook_sqlite_fail_text(s,
                                             NGX_HTTP_JAMHOOK_STORE_BUSY,
                                             "other workers write, and do not"
                                             " come to an end");
    }

    waited = ngx_http_jamhook_clock_mono() - s->began;

    s->patience -= ngx_min(s->patience, (ngx_msec_t) waited);

    return NGX_OK;
}


/* leases and due times count from when the transaction began */

static void
ngx_http_jamhook_sqlite_waited(ngx_http_jamhook_sqlite_t *s)
{
    int64_t  waited;

    waited = ngx_http_jamhook_clock_mono() - s->began;

    if (waited >= NGX_HTTP_JAMHOOK_SQLITE_WAITED) {
        s->time = *s->clock;
        s->time.now += waited;
        s->time.mono += waited;
        s->clock = &s->time;
    }
}


static ngx_int_t
ngx_http_jamhook_sqlite_transaction(ngx_http_jamhook_sqlite_t *s,
    ngx_http_jamhook_op_t **ops, ngx_uint_t n)
{
    ngx_uint_t  i;

    for (i = 0; i < n; i++) {
        if (ops[i]->type == NGX_HTTP_JAMHOOK_OP_CLAIM) {
            ((ngx_http_jamhook_op_claim_t *) ops[i])->claims = NULL;
        }
    }

    if (ngx_http_jamhook_sqlite_in_place(s) != NGX_OK
        || ngx_http_jamhook_sqlite_begin(s, NGX_HTTP_JAMHOOK_SQL_BEGIN)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    ngx_http_jamhook_sqlite_waited(s);

    if (ngx_http_jamhook_sqlite_set_back(s) == NGX_OK
        && ngx_http_jamhook_sqlite_run_ops(s, ops, n) == NGX_OK
        && ngx_http_jamhook_sqlite_sums_write(s) == NGX_OK
        && ngx_http_jamhook_sqlite_commit(s) == NGX_OK)
    {
        if (!s->shifting) {
            s->latest = s->clock->now;
        }

        if (s->forgot) {
            s->wipe = 1;
            s->wiped = 0;
        }

        if (s->wipe) {
            ngx_http_jamhook_sqlite_wipe(s);
        }

        for (i = 0; i < n; i++) {
            if (ops[i]->type == NGX_HTTP_JAMHOOK_OP_FORGET) {
                ((ngx_http_jamhook_op_forget_t *) ops[i])->wiped = !s->wipe;
            }
        }

        return NGX_OK;
    }

    ngx_http_jamhook_sqlite_rollback(s);

    s->retained = 0;

    for (i = 0; i < n; i++) {
        if (ops[i]->type == NGX_HTTP_JAMHOOK_OP_CLAIM) {
            ngx_http_jamhook_backend_claims_free(
                                     (ngx_http_jamhook_op_claim_t *) ops[i]);
        }
    }

    return NGX_ERROR;
}


/*
 * If the clock was set back, what waits for its time would wait for so much
 * longer.  It waits from now on; who comes second finds nothing to change.
 */

static ngx_int_t
ngx_http_jamhook_sqlite_set_back(ngx_http_jamhook_sqlite_t *s)
{
    ngx_uint_t                       i, c;
    ngx_http_jamhook_sqlite_query_t  q;

    s->shifting = 0;

    if (!ngx_http_jamhook_sqlite_was_set_back(s)) {
        return NGX_OK;
    }

    for (i = 0; i < s->conf->nendpoints; i++) {
        for (c = 0; c < 2; c++) {
            ngx_http_jamhook_sqlite_query(&q, s, NGX_HTTP_JAMHOOK_SQL_SHIFT);
            ngx_http_jamhook_sqlite_int(&q, s->endpoints[i].id);
            ngx_http_jamhook_sqlite_int(&q, c);
            ngx_http_jamhook_sqlite_int(&q, s->clock->now);
            ngx_http_jamhook_sqlite_int(&q, NGX_HTTP_JAMHOOK_STORE_ROWS);

            if (ngx_http_jamhook_sqlite_run(&q) != NGX_OK) {
                return NGX_ERROR;
            }

            /* the rest with the next batches */

            if (sqlite3_changes(s->db) == NGX_HTTP_JAMHOOK_STORE_ROWS) {
                s->shifting = 1;
            }
        }
    }

    return NGX_OK;
}


ngx_uint_t
ngx_http_jamhook_sqlite_was_set_back(ngx_http_jamhook_sqlite_t *s)
{
    return s->clock->now + NGX_HTTP_JAMHOOK_SQLITE_SET_BACK < s->latest;
}


static ngx_int_t
ngx_http_jamhook_sqlite_read(void *session, ngx_http_jamhook_op_t *op,
    ngx_http_jamhook_clock_t *clock, ngx_http_jamhook_failure_t *failure)
{
    ngx_http_jamhook_sqlite_t  *s = session;

    ngx_http_jamhook_sqlite_batch(s, clock, failure);

    /* a transaction, so that all it reads is of one moment */

    if (ngx_http_jamhook_sqlite_in_place(s) != NGX_OK
        || ngx_http_jamhook_sqlite_begin(s, NGX_HTTP_JAMHOOK_SQL_BEGIN_READ)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (ngx_http_jamhook_sqlite_run_ops(s, &op, 1) == NGX_OK
        && ngx_http_jamhook_sqlite_commit(s) == NGX_OK)
    {
        return NGX_OK;
    }

    ngx_http_jamhook_sqlite_rollback(s);

    return NGX_ERROR;
}


ngx_int_t
ngx_http_jamhook_sqlite_begin(ngx_http_jamhook_sqlite_t *s,
    ngx_http_jamhook_sql_e sql)
{
    ngx_http_jamhook_sqlite_query_t  q;

    ngx_http_jamhook_sqlite_query(&q, s, sql);

    return ngx_http_jamhook_sqlite_run(&q);
}


/* one that fails is undone by rollback(), whatever the failure was */

ngx_int_t
ngx_http_jamhook_sqlite_commit(ngx_http_jamhook_sqlite_t *s)
{
    ngx_http_jamhook_sqlite_query_t  q;

    ngx_http_jamhook_sqlite_query(&q, s, NGX_HTTP_JAMHOOK_SQL_COMMIT);

    return ngx_http_jamhook_sqlite_run(&q);
}


void
ngx_http_jamhook_sqlite_rollback(ngx_http_jamhook_sqlite_t *s)
{
    ngx_uint_t  i;

    for (i = 0; i < NGX_HTTP_JAMHOOK_SQL_N; i++) {
        if (s->stmts[i] != NULL) {
            (void) sqlite3_reset(s->stmts[i]);
        }
    }

    /* SQLite has done it itself after some failures */

    if (!sqlite3_get_autocommit(s->db)) {
        (void) sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
    }

    if (!sqlite3_get_autocommit(s->db)) {

        /* no memory even for that: only closing the session ends it */

        s->failure->kind = NGX_HTTP_JAMHOOK_STORE_IO;
    }
}


ngx_http_jamhook_sqlite_endpoint_t *
ngx_http_jamhook_sqlite_endpoint(ngx_http_jamhook_sqlite_t *s,
    ngx_uint_t index)
{
    ngx_int_t                            rc;
    ngx_http_jamhook_sqlite_query_t      q;
    ngx_http_jamhook_sqlite_endpoint_t  *ep;

    ep = &s->endpoints[index];

    if (ep->known) {
        return ep;
    }

    ngx_http_jamhook_sqlite_query(&q, s, NGX_HTTP_JAMHOOK_SQL_ENDPOINT_READ);
    ngx_http_jamhook_sqlite_int(&q, ep->id);

    rc = ngx_http_jamhook_sqlite_row(&q);

    if (rc == NGX_ERROR) {
        return NULL;
    }

    if (rc == NGX_DONE) {
        (void) ngx_http_jamhook_sqlite_fail_text(s,
                                              NGX_HTTP_JAMHOOK_STORE_CORRUPT,
                                              "the row of an endpoint is gone");
        return NULL;
    }

    ep->paused = ngx_http_jamhook_sqlite_column(&q, 0);
    ep->paused_at = ngx_http_jamhook_sqlite_column(&q, 1);
    ep->failing_since = ngx_http_jamhook_sqlite_column(&q, 2);
    ep->probe_at = ngx_http_jamhook_sqlite_column(&q, 3);
    ep->seen_at = ngx_http_jamhook_sqlite_column(&q, 4);
    ep->known = 1;

    ngx_http_jamhook_sqlite_end(&q);

    return ep;
}


ngx_int_t
ngx_http_jamhook_sqlite_endpoint_save(ngx_http_jamhook_sqlite_t *s,
    ngx_http_jamhook_sqlite_endpoint_t *ep)
{
    ngx_http_jamhook_sqlite_query_t  q;

    ngx_http_jamhook_sqlite_query(&q, s, NGX_HTTP_JAMHOOK_SQL_ENDPOINT_SAVE);
    ngx_http_jamhook_sqlite_int(&q, ep->id);
    ngx_http_jamhook_sqlite_int(&q, ep->paused);
    ngx_http_jamhook_sqlite_int(&q, ep->paused_at);
    ngx_http_jamhook_sqlite_int(&q, ep->failing_since);
    ngx_http_jamhook_sqlite_int(&q, ep->probe_at);

    return ngx_http_jamhook_sqlite_run(&q);
}


ngx_int_t
ngx_http_jamhook_sqlite_endpoints_find(ngx_http_jamhook_sqlite_t *s)
{
    ngx_int_t                        rc;
    ngx_uint_t                       i;
    ngx_http_jamhook_sqlite_query_t  q;

    for (i = 0; i < s->conf->nendpoints; i++) {
        ngx_http_jamhook_sqlite_query(&q, s,
                                      NGX_HTTP_JAMHOOK_SQL_ENDPOINT_FIND);
        ngx_http_jamhook_sqlite_text(&q, &s->conf->endpoints[i]);

        rc = ngx_http_jamhook_sqlite_row(&q);

        if (rc == NGX_ERROR) {
            return NGX_ERROR;
        }

        if (rc == NGX_OK) {
            s->endpoints[i].id = ngx_http_jamhook_sqlite_column(&q, 0);
            ngx_http_jamhook_sqlite_end(&q);
        }
    }

    return NGX_OK;
}


ngx_int_t
ngx_http_jamhook_sqlite_last_event(ngx_http_jamhook_sqlite_t *s, int64_t *last)
{
    ngx_http_jamhook_sqlite_query_t  q;

    if (s->last_event < 0) {
        ngx_http_jamhook_sqlite_query(&q, s, NGX_HTTP_JAMHOOK_SQL_EVENT_LAST);

        if (ngx_http_jamhook_sqlite_row(&q) != NGX_OK) {
            return NGX_ERROR;
        }

        s->last_event = ngx_http_jamhook_sqlite_column(&q, 0);

        ngx_http_jamhook_sqlite_end(&q);
    }

    *last = s->last_event;

    return NGX_OK;
}


/*
 * A file that was moved or deleted can still be written to, and all of it is
 * lost for whoever looks at the path.
 */

static ngx_int_t
ngx_http_jamhook_sqlite_in_place(ngx_http_jamhook_sqlite_t *s)
{
    int        rc, moved;
    ngx_err_t  err;

    moved = 0;

    rc = sqlite3_file_control(s->db, "main", SQLITE_FCNTL_HAS_MOVED, &moved);

    if (rc == SQLITE_OK && moved) {
        return ngx_http_jamhook_sqlite_fail_text(s,
                                            NGX_HTTP_JAMHOOK_STORE_MOVED,
                                            "the file was moved, deleted or"
                                            " replaced while in use");
    }

    /* without its file this process is taken for a dead one */

    if (s->owner != NULL
        && ngx_http_jamhook_owner_renew(s->owner, &err) != NGX_OK)
    {
        return ngx_http_jamhook_sqlite_fail_errno(s, "making a file",
                                                  s->owner->path, err);
    }

    return NGX_OK;
}


static void
ngx_http_jamhook_sqlite_batch(ngx_http_jamhook_sqlite_t *s,
    ngx_http_jamhook_clock_t *clock, ngx_http_jamhook_failure_t *failure)
{
    ngx_uint_t  i;

    failure->kind = NGX_HTTP_JAMHOOK_STORE_OK;
    failure->text[0] = '\0';

    s->clock = clock;
    s->failure = failure;
    s->patience = ngx_http_jamhook_sqlite_patience;
    s->last_event = -1;
    s->nsums = 0;
    s->size_known = 0;
    s->full = 0;
    s->forgot = 0;

    for (i = 0; i < s->conf->nendpoints; i++) {
        s->endpoints[i].known = 0;
    }
}


static ngx_int_t
ngx_http_jamhook_sqlite_run_ops(ngx_http_jamhook_sqlite_t *s,
    ngx_http_jamhook_op_t **ops, ngx_uint_t n)
{
    ngx_uint_t  i;

    for (i = 0; i < n; i++) {
        if (ngx_http_jamhook_sqlite_ops[ops[i]->type](s, ops[i]) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


/*
 * What was forgotten still stands in the WAL: it is written back and cut.
 * Readers may be in the way, then it is tried again after a later batch.
 */

static void
ngx_http_jamhook_sqlite_wipe(ngx_http_jamhook_sqlite_t *s)
{
    int  rc;

    if (s->wiped != 0
        && s->clock->mono - s->wiped < NGX_HTTP_JAMHOOK_SQLITE_WIPE)
    {
        return;
    }

    s->wiped = s->clock->mono;
    s->patience = ngx_min(s->patience,
                          NGX_HTTP_JAMHOOK_SQLITE_WIPE_PATIENCE);

    rc = sqlite3_wal_checkpoint_v2(s->db, "main", SQLITE_CHECKPOINT_TRUNCATE,
                                   NULL, NULL);

    if (rc == SQLITE_OK) {
        s->wipe = 0;
    }
}


/*
 * Transactions are short, a millisecond or so with the disk's part: SQLite's
 * own handler would soon sleep a hundred.
 */

int
ngx_http_jamhook_sqlite_busy(void *data, int n)
{
    int64_t                     now;
    struct timespec             nap;
    ngx_http_jamhook_sqlite_t  *s = data;

    now = ngx_http_jamhook_clock_mono();

    if (n == 0) {
        s->busy_since = now;
    }

    if (now - s->busy_since >= (int64_t) s->patience) {
        return 0;
    }

    nap.tv_sec = 0;
    nap.tv_nsec = 1000 * (NGX_HTTP_JAMHOOK_SQLITE_NAP
                          + ngx_random() % NGX_HTTP_JAMHOOK_SQLITE_JITTER);

    (void) nanosleep(&nap, NULL);

    return 1;
}


static char *
ngx_http_jamhook_sqlite_advice(ngx_http_jamhook_failure_e kind)
{
    switch (kind) {

    case NGX_HTTP_JAMHOOK_STORE_OK:
        return "look whether its volume is mounted";

    case NGX_HTTP_JAMHOOK_STORE_BUSY:
        return "look for a \"sqlite3\" shell or a backup that does not end, "
               "or for a disk that is too slow";

    case NGX_HTTP_JAMHOOK_STORE_NOSPC:
        return "make room on its disk; a smaller \"max_size\" or "
               "\"jamhook_retention\" keeps it from filling up";

    case NGX_HTTP_JAMHOOK_STORE_IO:
        return "look at the disk and the kernel's log";

    case NGX_HTTP_JAMHOOK_STORE_READONLY:
    case NGX_HTTP_JAMHOOK_STORE_CANTOPEN:
        return "make the directory, and let nginx's worker user write to it "
               "and to the files in it";

    case NGX_HTTP_JAMHOOK_STORE_CORRUPT:
        return "move its files away and restore a backup; without one a new "
               "store is made, and \"sqlite3 old '.recover'\" may save what "
               "was in it";

    case NGX_HTTP_JAMHOOK_STORE_NEWER:
        return "install the version of the module that made it, or a later "
               "one";

    case NGX_HTTP_JAMHOOK_STORE_MOVED:
        return "it is opened anew";

    case NGX_HTTP_JAMHOOK_STORE_LEFT:
        return "name the new store in \"jamhook_store\"";

    default:
        return "see above";
    }
}
