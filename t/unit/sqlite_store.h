
/*
 * A SQLite store in a temporary directory, for the tests of src/store: the
 * clock is the test's own, ops are made by one call each, and sql() looks at
 * the file from outside.  A test includes it once; it defines what it has.
 */


#ifndef _SQLITE_STORE_H_INCLUDED_
#define _SQLITE_STORE_H_INCLUDED_


#include "ngx_http_jamhook_sqlite.h"

#include <dirent.h>
#include <ftw.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "ngx_shim.h"
#include "tap.h"


#define DAY      ((int64_t) 86400000)
#define HOUR     ((int64_t) 3600000)
#define LEASE    20000
#define LONGEST  (12 * HOUR)

#define backend  ngx_http_jamhook_sqlite_backend


typedef ngx_http_jamhook_sqlite_t      session_t;
typedef ngx_http_jamhook_op_event_t    event_t;
typedef ngx_http_jamhook_op_route_t    route_t;
typedef ngx_http_jamhook_op_claim_t    claim_t;
typedef ngx_http_jamhook_op_outcome_t  outcome_t;
typedef ngx_http_jamhook_op_recover_t  recover_t;
typedef ngx_http_jamhook_op_replay_t   replay_t;
typedef ngx_http_jamhook_op_retain_t   retain_t;
typedef ngx_http_jamhook_op_poll_t     poll_t;
typedef ngx_http_jamhook_op_events_t   events_t;
typedef ngx_http_jamhook_op_show_t     show_t;
typedef ngx_http_jamhook_op_attempts_t attempts_t;
typedef ngx_http_jamhook_op_stats_t    stats_t;


static char        store_base[256];      /* holds all the stores of a test */
static char        store_dir[512];       /* the one in use */
static pid_t       store_pid;
static ngx_uint_t  store_count;

static ngx_str_t   store_names[] = {
    ngx_string("fin"), ngx_string("audit"), ngx_string("third")
};

static ngx_http_jamhook_store_conf_t  store_conf;
static ngx_http_jamhook_failure_t     failure;
static ngx_uint_t                     created;

static ngx_http_jamhook_clock_t       now = { 1757419200000, 5000000 };


static inline int
store_unlink(const char *path, const struct stat *st, int flag,
    struct FTW *ftw)
{
    (void) st;
    (void) flag;
    (void) ftw;

    (void) chmod(path, 0700);

    return remove(path);
}


static inline void
store_clean(void)
{
    if (getpid() == store_pid && store_base[0] != '\0') {
        (void) nftw(store_base, store_unlink, 16, FTW_DEPTH|FTW_PHYS);
    }
}


/* a directory for the next store, not made yet */

static inline void
store_new(void)
{
    const char  *tmp;

    if (store_base[0] == '\0') {
        tmp = getenv("TMPDIR");

        (void) snprintf(store_base, sizeof(store_base), "%s/jamhook-XXXXXX",
                        tmp ? tmp : "/tmp");

        if (mkdtemp(store_base) == NULL) {
            perror(store_base);
            exit(2);
        }

        (void) chmod(store_base, 0711);

        store_pid = getpid();
        (void) atexit(store_clean);
    }

    (void) snprintf(store_dir, sizeof(store_dir), "%s/%d", store_base,
                    (int) store_count++);

    store_conf.place.data = (u_char *) store_dir;
    store_conf.place.len = strlen(store_dir);
    store_conf.max_size = 0;
    store_conf.endpoints = store_names;
    store_conf.nendpoints = 2;

    ngx_http_jamhook_sqlite_patience = 5000;
}


/* each session is a process of its own, as far as the store knows */

static inline session_t *
store_open(ngx_http_jamhook_session_e kind)
{
    session_t                      *s;
    ngx_http_jamhook_store_conf_t  *conf;

    conf = malloc(sizeof(ngx_http_jamhook_store_conf_t));
    *conf = store_conf;

    s = backend.open(conf, kind, &now, NULL, &created, &failure);

    if (s == NULL) {
        backend.leave(conf);
        free(conf);
    }

    return s;
}


static inline void
store_close(session_t *s)
{
    ngx_http_jamhook_store_conf_t  *conf;

    conf = s->conf;

    backend.close(s);
    backend.leave(conf);
    free(conf);
}


/* a new store, and the writing session that made it */

static inline session_t *
store_fresh(void)
{
    session_t  *s;

    store_new();

    s = store_open(NGX_HTTP_JAMHOOK_SESSION_WRITE);

    if (s == NULL) {
        (void) printf("Bail out! %s\n", failure.text);
        exit(2);
    }

    return s;
}


static inline ngx_str_t
str(const char *s)
{
    ngx_str_t  t;

    t.data = (u_char *) s;
    t.len = s ? strlen(s) : 0;

    return t;
}


/* from outside, by another handle; -1: no row, -2: an error */

static inline int64_t
sql(const char *fmt, ...)
{
    int            rc;
    char          *text, path[600];
    int64_t        n;
    va_list        args;
    sqlite3       *db;
    sqlite3_stmt  *st;

    va_start(args, fmt);
    text = sqlite3_vmprintf(fmt, args);
    va_end(args);

    (void) snprintf(path, sizeof(path), "%s/jamhook.db", store_dir);

    n = -2;
    st = NULL;

    if (sqlite3_open(path, &db) == SQLITE_OK
        && sqlite3_busy_timeout(db, 1000) == SQLITE_OK
        && sqlite3_prepare_v2(db, text, -1, &st, NULL) == SQLITE_OK)
    {
        rc = sqlite3_step(st);

        if (rc == SQLITE_ROW) {
            n = sqlite3_column_int64(st, 0);

        } else if (rc == SQLITE_DONE) {
            n = -1;
        }
    }

    if (n == -2) {
        (void) printf("# %s: %s\n", text, sqlite3_errmsg(db));
    }

    (void) sqlite3_finalize(st);
    (void) sqlite3_close(db);
    sqlite3_free(text);

    return n;
}


static inline ngx_int_t
store_write(session_t *s, void *op)
{
    ngx_int_t               rc;
    ngx_http_jamhook_op_t  *ops[1];

    ops[0] = op;

    rc = backend.write(s, ops, 1, &now, &failure);

    if (rc != NGX_OK && !shim_failed) {
        (void) printf("# %d %s\n", failure.kind, failure.text);
    }

    return rc;
}


static inline ngx_int_t
store_read(session_t *s, void *op)
{
    ngx_int_t  rc;

    rc = backend.read(s, op, &now, &failure);

    if (rc != NGX_OK && !shim_failed) {
        (void) printf("# %d %s\n", failure.kind, failure.text);
    }

    return rc;
}


/* an event to the first n endpoints */

static inline void
event_set(event_t *op, route_t *routes, ngx_uint_t n, unsigned claim,
    const char *id, const char *body)
{
    ngx_uint_t  i;

    ngx_memzero(op, sizeof(event_t));
    ngx_memzero(routes, n * sizeof(route_t));

    op->op.type = NGX_HTTP_JAMHOOK_OP_EVENT;
    op->id = str(id);
    op->source = str("/jam");
    op->type = str("intercom.recorder.recorded");
    op->body = str(body);
    op->routes = routes;
    op->nroutes = n;

    for (i = 0; i < n; i++) {
        routes[i].endpoint = i;
        routes[i].lease = LEASE;
        routes[i].claim = claim;
    }
}


/* its number, 0 unless it is stored */

static inline int64_t
event_put(session_t *s, const char *id, ngx_uint_t n, unsigned claim)
{
    event_t  op;
    route_t  routes[3];

    event_set(&op, routes, n, claim, id, "{}");

    if (store_write(s, &op) != NGX_OK
        || op.verdict != NGX_HTTP_JAMHOOK_EVENT_STORED)
    {
        return 0;
    }

    return op.event;
}


/* n events "<prefix>NNNN" in one batch; fails the test if that fails */

static inline void
events_put(session_t *s, const char *prefix, ngx_uint_t n,
    ngx_uint_t endpoints)
{
    char                   (*ids)[32];
    event_t                 *events;
    route_t                (*routes)[3];
    ngx_uint_t               i;
    ngx_http_jamhook_op_t  **ops;

    ids = calloc(n, 32);
    events = calloc(n, sizeof(event_t));
    routes = calloc(n, 3 * sizeof(route_t));
    ops = calloc(n, sizeof(ngx_http_jamhook_op_t *));

    for (i = 0; i < n; i++) {
        (void) snprintf(ids[i], 32, "%s%04d", prefix, (int) i);
        event_set(&events[i], routes[i], endpoints, 0, ids[i], "{}");
        ops[i] = &events[i].op;
    }

    if (backend.write(s, ops, n, &now, &failure) != NGX_OK) {
        ok(0, "%d events: %s", (int) n, failure.text);
    }

    free(ids);
    free(events);
    free(routes);
    free(ops);
}


/* claims up to n deliveries to an endpoint; freed by claims_free() */

static inline ngx_uint_t
claim(session_t *s, claim_t *op, ngx_http_jamhook_want_t *want,
    ngx_uint_t endpoint, ngx_uint_t n)
{
    ngx_memzero(op, sizeof(claim_t));
    ngx_memzero(want, sizeof(ngx_http_jamhook_want_t));

    op->op.type = NGX_HTTP_JAMHOOK_OP_CLAIM;
    op->wants = want;
    op->nwants = 1;
    op->longest = LONGEST;

    want->endpoint = endpoint;
    want->n = n;
    want->lease = LEASE;

    return (store_write(s, op) == NGX_OK) ? want->claimed : 999;
}


static inline void
claims_free(claim_t *op)
{
    ngx_http_jamhook_sqlite_claims_free(op);
}


static inline void
outcome_set(outcome_t *op, int64_t event, ngx_uint_t number,
    ngx_http_jamhook_state_e state)
{
    ngx_memzero(op, sizeof(outcome_t));

    op->op.type = NGX_HTTP_JAMHOOK_OP_OUTCOME;
    op->event = event;
    op->number = number;
    op->state = state;
    op->started_at = now.now;
    op->duration = 12;
    op->result = (state == NGX_HTTP_JAMHOOK_STATE_SUCCEEDED)
                     ? NGX_HTTP_JAMHOOK_RESULT_SUCCEEDED
                     : NGX_HTTP_JAMHOOK_RESULT_FAILED;
    op->status = (state == NGX_HTTP_JAMHOOK_STATE_SUCCEEDED) ? 200 : 500;
    op->counts = (state != NGX_HTTP_JAMHOOK_STATE_SUCCEEDED);
}


/* an outcome for endpoint 0; PENDING: in a second */

static inline ngx_int_t
outcome(session_t *s, int64_t event, ngx_uint_t number,
    ngx_http_jamhook_state_e state)
{
    outcome_t  op;

    outcome_set(&op, event, number, state);
    op.delay = 1000;
    op.step = (state == NGX_HTTP_JAMHOOK_STATE_PENDING);

    if (store_write(s, &op) != NGX_OK) {
        return NGX_ERROR;
    }

    return op.late ? NGX_DECLINED : NGX_OK;
}


static inline ngx_int_t
pause_endpoint(session_t *s, ngx_uint_t endpoint,
    ngx_http_jamhook_pause_e reason)
{
    ngx_http_jamhook_op_pause_t  op;

    ngx_memzero(&op, sizeof(ngx_http_jamhook_op_pause_t));

    op.op.type = NGX_HTTP_JAMHOOK_OP_PAUSE;
    op.endpoint = endpoint;
    op.reason = reason;

    return store_write(s, &op);
}


/* polls with a reading session of its own; *pool is destroyed by the caller */

static inline ngx_int_t
poll_store(poll_t *op, ngx_pool_t **pool)
{
    ngx_int_t   rc;
    session_t  *s;

    *pool = ngx_create_pool(1, NULL);

    ngx_memzero(op, sizeof(poll_t));

    op->op.type = NGX_HTTP_JAMHOOK_OP_POLL;
    op->pool = *pool;
    op->longest = LONGEST;

    s = store_open(NGX_HTTP_JAMHOOK_SESSION_READ);

    if (s == NULL) {
        (void) printf("# %s\n", failure.text);
        return NGX_ERROR;
    }

    rc = backend.read(s, &op->op, &now, &failure);

    store_close(s);

    return rc;
}


static inline ngx_uint_t
orphans(poll_t *op)
{
    ngx_uint_t                  n;
    ngx_http_jamhook_orphan_t  *o;

    n = 0;

    for (o = op->orphans; o != NULL; o = o->next) {
        n++;
    }

    return n;
}


/* files of the store's directory whose name begins so */

static inline ngx_uint_t
files(const char *prefix)
{
    DIR            *d;
    ngx_uint_t      n;
    struct dirent  *entry;

    n = 0;
    d = opendir(store_dir);

    while (d != NULL) {
        entry = readdir(d);

        if (entry == NULL) {
            break;
        }

        n += (strncmp(entry->d_name, prefix, strlen(prefix)) == 0);
    }

    if (d != NULL) {
        (void) closedir(d);
    }

    return n;
}


#endif /* _SQLITE_STORE_H_INCLUDED_ */
