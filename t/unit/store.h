
/*
 * A store for the tests of src/store, a new one for each of them: the clock is
 * the test's own, ops are made by one call each, and sql() looks at the tables
 * from outside.  A program includes it once; it defines what it has.
 *
 * With -DSTORE_PGSQL the store is PostgreSQL's, else SQLite's.  What is named
 * here has the same name and meaning in both, so test_store*.c are built twice;
 * what the two have for it is in store_sqlite.h and store_pgsql.h:
 *
 *     backend, session_t
 *     store_new()           a place for the next store, which is not made yet
 *     store_owner()         of a session's leases; empty: it has none
 *     store_numbers()       what a statement gives, from outside
 *     store_refuse()        no attempt of 666 ms can be written from then on
 *     store_settle()        waits till a killed process is done with the store
 *     store_is_whole()      as far as that can be asked for
 *     store_renumber()      to be called after rows with numbers by hand
 *     store_patience        how long a session waits, ms
 *     store_list_time       of lists, ms
 *     LEASE_UNTIL           lease_until of a delivery that is claimed now
 *     AGAIN                 rows of an attempt that is reported twice
 *     LOST                  1: what is claimed and not told, for memory was
 *                           short, may wait for the end of its lease
 *
 * and of SQL what they do not have in common:
 *
 *     BLOB("'x'")           a text's bytes
 *     ZEROS("70000")        so many bytes
 *     HEX32("x")            a number as 32 digits
 *     RANDOM("60")          0 to 59; "%" is "%%" in sql()
 *     NUMBERED              between columns and values: a row with its number
 *     SHARD_COLUMN, SHARD   before the columns of a sum, and their values
 */


#ifndef _STORE_H_INCLUDED_
#define _STORE_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include <stdlib.h>
#include <sys/wait.h>

#include "ngx_http_jamhook_backend.h"

#include "ngx_shim.h"
#include "tap.h"


#define DAY      ((int64_t) 86400000)
#define HOUR     ((int64_t) 3600000)
#define MINUTE   ((int64_t) 60000)
#define LEASE    20000
#define LONGEST  (12 * HOUR)


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


static ngx_str_t  store_names[] = {
    ngx_string("fin"), ngx_string("audit"), ngx_string("third")
};

static ngx_http_jamhook_store_conf_t  store_conf;
static ngx_http_jamhook_failure_t     failure;
static ngx_uint_t                     created;

static ngx_http_jamhook_clock_t       now = { 1757419200000, 5000000 };


#if (STORE_PGSQL)
#include "store_pgsql.h"
#else
#include "store_sqlite.h"
#endif


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

    } else if (created) {
        store_made();
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


/* for "'%.32s'" */

#define OWNER(s)  ((char *) store_owner(s).data)


/* from outside; -1: no row, -2: an error, of the test's own */

static inline int64_t
sql(const char *fmt, ...)
{
    int       rows;
    char     *text;
    int64_t   n;
    va_list   args;

    va_start(args, fmt);

    if (vasprintf(&text, fmt, args) == -1) {
        abort();
    }

    va_end(args);

    rows = store_numbers(text, &n, 1);
    free(text);

    if (rows < 0) {
        ok(0, "a statement of the test's own");
        return -2;
    }

    return rows ? n : -1;
}


static inline ngx_int_t
store_write(session_t *s, void *op)
{
    ngx_int_t               rc;
    ngx_http_jamhook_op_t  *ops[1];

    ops[0] = op;

    ngx_memzero(&failure, sizeof(ngx_http_jamhook_failure_t));

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

    ngx_memzero(&failure, sizeof(ngx_http_jamhook_failure_t));

    rc = backend.read(s, op, &now, &failure);

    if (rc != NGX_OK && !shim_failed) {
        (void) printf("# %d %s\n", failure.kind, failure.text);
    }

    return rc;
}


/* by a reading session of its own, which gets all the memory that it wants */

static inline ngx_int_t
store_read_once(void *op)
{
    ngx_int_t   rc;
    session_t  *s;
    ngx_uint_t  fail;

    fail = shim_fail;
    shim_fail = 0;
    s = store_open(NGX_HTTP_JAMHOOK_SESSION_READ);
    shim_fail = fail;

    rc = store_read(s, op);

    store_close(s);

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
    ngx_http_jamhook_backend_claims_free(op);
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


/* its verdict */

static inline ngx_int_t
forget(session_t *s, const char *id)
{
    ngx_http_jamhook_op_forget_t  op;

    ngx_memzero(&op, sizeof(ngx_http_jamhook_op_forget_t));

    op.op.type = NGX_HTTP_JAMHOOK_OP_FORGET;
    op.id = str(id);

    return store_write(s, &op) == NGX_OK ? (ngx_int_t) op.verdict : -1;
}


/* how many events it removed */

static inline ngx_int_t
retain(session_t *s, retain_t *op, int64_t age)
{
    ngx_memzero(op, sizeof(retain_t));

    op->op.type = NGX_HTTP_JAMHOOK_OP_RETAIN;
    op->age = age;

    return store_write(s, op) == NGX_OK ? (ngx_int_t) op->removed : -1;
}


/* an event with deliveries to two endpoints, that holds it wherever it can */

static inline void
event_secret(session_t *s, const char *id, const char *secret, size_t size)
{
    char       *body;
    event_t     op;
    route_t     routes[3];
    outcome_t   out;

    body = malloc(size + strlen(secret) + 1);
    memset(body, 'b', size);
    strcpy(body + size, secret);

    event_set(&op, routes, 2, 1, id, body);
    op.conversation_id = str(secret);
    op.jam_id = str(secret);
    op.event_id = str(secret);
    op.recording_url = str(secret);
    op.headers = str(secret);
    (void) store_write(s, &op);

    outcome_set(&out, op.event, 1, NGX_HTTP_JAMHOOK_STATE_PENDING);
    out.request_headers = str(secret);
    out.request_body = str(body);
    out.response_headers = str(secret);
    out.response_body = str(body);
    (void) store_write(s, &out);

    free(body);
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


/* leases are over, whoever has them */

static inline void
leases_end(void)
{
    now.now += LEASE;
    now.mono += LEASE;
}


#endif /* _STORE_H_INCLUDED_ */
