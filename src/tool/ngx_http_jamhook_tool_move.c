
#include "ngx_http_jamhook_tool.h"

#if (NGX_HTTP_JAMHOOK_PGSQL)

#include "ngx_http_jamhook_tool_move.h"
#include "ngx_http_jamhook_clock.h"

#include <stdarg.h>
#include <stdio.h>
#include <sys/random.h>
#include <time.h>


#define NGX_HTTP_JAMHOOK_MOVE_WAIT       60          /* s, for old workers */
#define NGX_HTTP_JAMHOOK_MOVE_BUSY       5000        /* ms, for a lock */

#define NGX_HTTP_JAMHOOK_MOVE_PARAMS     8

/* one move at a time into a database: pg_advisory_lock() of "jamhmove" */
#define NGX_HTTP_JAMHOOK_MOVE_LOCK       "7665528336041342565"


static int ngx_http_jamhook_move_places(ngx_http_jamhook_move_t *m,
    int64_t *wait);
static ngx_int_t ngx_http_jamhook_move_connect(ngx_http_jamhook_move_t *m);
static ngx_int_t ngx_http_jamhook_move_make(ngx_http_jamhook_move_t *m);
static ngx_int_t ngx_http_jamhook_move_open(ngx_http_jamhook_move_t *m);
static ngx_int_t ngx_http_jamhook_move_shard(ngx_http_jamhook_move_t *m);
static ngx_int_t ngx_http_jamhook_move_lock(ngx_http_jamhook_move_t *m,
    int64_t wait);
static ngx_int_t ngx_http_jamhook_move_try(ngx_http_jamhook_move_t *m);
static ngx_int_t ngx_http_jamhook_move_count(ngx_http_jamhook_move_t *m);
static ngx_int_t ngx_http_jamhook_move_endpoints(ngx_http_jamhook_move_t *m);
static ngx_int_t ngx_http_jamhook_move_endpoint(ngx_http_jamhook_move_t *m,
    ngx_http_jamhook_move_endpoint_t *ep);
static ngx_int_t ngx_http_jamhook_move_begin(ngx_http_jamhook_move_t *m);
static ngx_int_t ngx_http_jamhook_move_end(ngx_http_jamhook_move_t *m);
static ngx_int_t ngx_http_jamhook_move_leave(ngx_http_jamhook_move_t *m);
static void ngx_http_jamhook_move_tell(ngx_http_jamhook_move_t *m);
static void ngx_http_jamhook_move_tell_json(ngx_http_jamhook_move_t *m);
static void ngx_http_jamhook_move_close(ngx_http_jamhook_move_t *m);


/*
 * The session may take its time.  No plan that walks through the old store's
 * numbers again for each batch.
 */

static const char  ngx_http_jamhook_move_settings[] =
    "SELECT set_config('search_path', 'jamhook', false),"
    " set_config('statement_timeout', '0', false),"
    " set_config('lock_timeout', '60s', false),"
    " set_config('idle_in_transaction_session_timeout', '0', false),"
    " set_config('enable_hashjoin', 'off', false),"
    " set_config('enable_mergejoin', 'off', false),"
    " set_config('jit', 'off', false),"
    " set_config('temp_buffers', '64MB', false),"
    " set_config('synchronous_commit',"
    " CASE current_setting('synchronous_commit') WHEN 'off' THEN 'on'"
    " ELSE current_setting('synchronous_commit') END, false)";


int
ngx_http_jamhook_tool_move(ngx_http_jamhook_tool_t *tool)
{
    int                      rc;
    int64_t                  wait;
    ngx_http_jamhook_move_t  m;

    ngx_memzero(&m, sizeof(ngx_http_jamhook_move_t));

    m.tool = tool;
    m.terminal = isatty(STDERR_FILENO);

    ngx_http_jamhook_tool_array(&m.endpoints, tool->pool,
                                sizeof(ngx_http_jamhook_move_endpoint_t));

    rc = ngx_http_jamhook_move_places(&m, &wait);

    if (rc != NGX_HTTP_JAMHOOK_TOOL_DONE) {
        return rc;
    }

    rc = NGX_HTTP_JAMHOOK_TOOL_TROUBLE;

    /* the new one first: root may read the file with the password */

    if (ngx_http_jamhook_move_make(&m) == NGX_OK
        && ngx_http_jamhook_move_connect(&m) == NGX_OK
        && ngx_http_jamhook_move_open(&m) == NGX_OK
        && ngx_http_jamhook_move_lock(&m, wait) == NGX_OK
        && ngx_http_jamhook_move_shard(&m) == NGX_OK
        && ngx_http_jamhook_move_count(&m) == NGX_OK
        && ngx_http_jamhook_move_endpoints(&m) == NGX_OK
        && ngx_http_jamhook_move_begin(&m) == NGX_OK
        && ngx_http_jamhook_move_rows(&m) == NGX_OK
        && ngx_http_jamhook_move_compare(&m) == NGX_OK
        && ngx_http_jamhook_move_end(&m) == NGX_OK
        && ngx_http_jamhook_move_leave(&m) == NGX_OK)
    {
        rc = NGX_HTTP_JAMHOOK_TOOL_DONE;
    }

    ngx_http_jamhook_move_close(&m);

    return rc;
}


static int
ngx_http_jamhook_move_places(ngx_http_jamhook_move_t *m, int64_t *wait)
{
    char                     *from, *to, *time;
    ngx_http_jamhook_tool_t  *tool;

    tool = m->tool;
    from = tool->values[NGX_HTTP_JAMHOOK_TOOL_FROM];
    to = tool->values[NGX_HTTP_JAMHOOK_TOOL_TO];
    time = tool->values[NGX_HTTP_JAMHOOK_TOOL_WAIT];

    *wait = NGX_HTTP_JAMHOOK_MOVE_WAIT;

    if (from == NULL || ngx_http_jamhook_tool_is_uri(from)
        || to == NULL || !ngx_http_jamhook_tool_is_uri(to))
    {
        return ngx_http_jamhook_tool_usage(tool, "give --from=DIRECTORY and"
                                        " --to=postgresql://USER@HOST/DB");
    }

    if (time != NULL
        && strcmp(time, "0") != 0
        && ngx_http_jamhook_tool_duration(time, wait) != NGX_OK)
    {
        return ngx_http_jamhook_tool_usage(tool, "--wait takes a time such as"
                                           " 30s or 5m");
    }

    if (time != NULL && strcmp(time, "0") == 0) {
        *wait = 0;
    }

    m->from.guest = 1;

    return (ngx_http_jamhook_tool_place(tool, from, &m->from) != NULL
            && ngx_http_jamhook_tool_place(tool, to, &m->to) != NULL)
           ? NGX_HTTP_JAMHOOK_TOOL_DONE : NGX_HTTP_JAMHOOK_TOOL_TROUBLE;
}


/* as nginx does when it starts: it makes the tables, or finds them good */

static ngx_int_t
ngx_http_jamhook_move_make(ngx_http_jamhook_move_t *m)
{
    void                        *session;
    ngx_uint_t                   created;
    ngx_http_jamhook_clock_t     clock;
    ngx_http_jamhook_backend_t  *backend;
    ngx_http_jamhook_failure_t   failure;

    backend = &ngx_http_jamhook_pgsql_backend;

    clock.now = ngx_http_jamhook_clock_now();
    clock.mono = ngx_http_jamhook_clock_mono();

    session = backend->open(&m->to, NGX_HTTP_JAMHOOK_SESSION_WRITE, &clock,
                            NULL, &created, &failure);

    if (session == NULL) {
        backend->leave(&m->to);
        ngx_http_jamhook_tool_trouble(m->tool, backend, &failure);
        return NGX_ERROR;
    }

    backend->close(session);
    backend->leave(&m->to);

    return NGX_OK;
}


static ngx_int_t
ngx_http_jamhook_move_connect(ngx_http_jamhook_move_t *m)
{
    PGresult                    *res;
    ngx_http_jamhook_failure_t   failure;

    const char  *keys[] = { "connect_timeout", "keepalives_idle",
                            "fallback_application_name", "dbname",
                            "client_encoding", NULL };

    const char  *values[] = { "10", "30", "jamhook move",
                              (char *) m->to.conninfo.data, "UTF8", NULL };

    m->target = PQconnectdbParams(keys, values, 1);

    if (m->target == NULL) {
        ngx_http_jamhook_tool_no_memory();
    }

    if (PQstatus(m->target) != CONNECTION_OK) {
        failure.kind = NGX_HTTP_JAMHOOK_STORE_AWAY;
        (void) ngx_cpystrn(failure.text,
                           (u_char *) PQerrorMessage(m->target),
                           sizeof(failure.text));
        ngx_http_jamhook_tool_trouble(m->tool,
                                      &ngx_http_jamhook_pgsql_backend,
                                      &failure);
        return NGX_ERROR;
    }

    res = ngx_http_jamhook_move_ask(m, ngx_http_jamhook_move_settings, 0);
    if (res == NULL) {
        return NGX_ERROR;
    }

    PQclear(res);

    return NGX_OK;
}


static ngx_int_t
ngx_http_jamhook_move_open(ngx_http_jamhook_move_t *m)
{
    ngx_http_jamhook_clock_t     clock;
    ngx_http_jamhook_backend_t  *backend;
    ngx_http_jamhook_failure_t   failure;

    backend = &ngx_http_jamhook_sqlite_backend;

    if (ngx_http_jamhook_tool_enter(m->tool, backend, &m->from) != NGX_OK) {
        return NGX_ERROR;
    }

    clock.now = ngx_http_jamhook_clock_now();
    clock.mono = ngx_http_jamhook_clock_mono();

    m->session = backend->open(&m->from, NGX_HTTP_JAMHOOK_SESSION_WRITE,
                               &clock, NULL, NULL, &failure);

    if (m->session == NULL) {

        if (failure.kind == NGX_HTTP_JAMHOOK_STORE_LEFT) {
            ngx_http_jamhook_tool_say("there is nothing left to move: %s",
                                      failure.text);

        } else {
            ngx_http_jamhook_tool_trouble(m->tool, backend, &failure);
        }

        return NGX_ERROR;
    }

    m->source = ((ngx_http_jamhook_sqlite_t *) m->session)->db;

    (void) sqlite3_busy_timeout(m->source, NGX_HTTP_JAMHOOK_MOVE_BUSY);

    return NGX_OK;
}


/*
 * What is summed up has rows of this store's own in the new one, so that a
 * second move does not add it once more.  It is on disk before they are.
 */

static ngx_int_t
ngx_http_jamhook_move_shard(ngx_http_jamhook_move_t *m)
{
    char      sql[128];
    uint32_t  random;

    if (getrandom(&random, sizeof(random), 0) != (ssize_t) sizeof(random)) {
        ngx_http_jamhook_tool_say("no random bytes");
        return NGX_ERROR;
    }

    (void) snprintf(sql, sizeof(sql), "INSERT OR IGNORE INTO meta (key, value)"
                    " VALUES ('shard', -%u)", random % 1000000000 + 1);

    if (ngx_http_jamhook_move_run(m, sql) != NGX_OK
        || ngx_http_jamhook_move_run(m, "COMMIT") != NGX_OK
        || ngx_http_jamhook_move_number(m, "SELECT value FROM meta"
                                        " WHERE key = 'shard'", &m->shard)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_http_jamhook_move_lock(m, 0);
}


/*
 * From here on nobody writes to the old store: a worker that starts waits, and
 * finds it left.  One that lives may still come with what it has in memory.
 */

static ngx_int_t
ngx_http_jamhook_move_lock(ngx_http_jamhook_move_t *m, int64_t wait)
{
    int64_t          until;
    ngx_int_t        living, told;
    struct timespec  nap;

    told = 0;
    until = ngx_http_jamhook_clock_mono() + wait * 1000;

    for ( ;; ) {
        living = ngx_http_jamhook_move_try(m);

        if (living == 0) {
            return NGX_OK;
        }

        if (living == NGX_ERROR) {
            return NGX_ERROR;
        }

        if (ngx_http_jamhook_clock_mono() >= until) {
            break;
        }

        if (!told && living != NGX_AGAIN) {
            ngx_http_jamhook_tool_say("%d worker%s of nginx still use%s the"
                                      " old store, waiting", (int) living,
                                      living == 1 ? "" : "s",
                                      living == 1 ? "s" : "");
            told = 1;
        }

        nap.tv_sec = 0;
        nap.tv_nsec = 200000000;

        (void) nanosleep(&nap, NULL);
    }

    if (living == NGX_AGAIN) {
        ngx_http_jamhook_tool_say("another process writes to the old store,"
                                  " nothing was moved: look for another"
                                  " \"jamhook move\", and for a \"sqlite3\""
                                  " shell that does not end");
        return NGX_ERROR;
    }

    ngx_http_jamhook_tool_say("nginx uses the old store (%d worker%s), nothing"
                              " was moved: name the new store in jamhook_store"
                              " and reload, or stop nginx, and come again when"
                              " the old workers have ended", (int) living,
                              living == 1 ? "" : "s");
    return NGX_ERROR;
}


/* 0: it is locked; how many use it; NGX_AGAIN: somebody has locked it */

static ngx_int_t
ngx_http_jamhook_move_try(ngx_http_jamhook_move_t *m)
{
    int        rc;
    ngx_int_t  living;

    rc = sqlite3_exec(m->source, "BEGIN IMMEDIATE", NULL, NULL, NULL);

    if ((rc & 0xff) == SQLITE_BUSY) {
        return NGX_AGAIN;
    }

    if (rc != SQLITE_OK) {
        return ngx_http_jamhook_move_source_failed(m);
    }

    living = ngx_http_jamhook_owner_sweep((char *) m->from.place.data);

    if (living == NGX_ERROR) {
        ngx_http_jamhook_tool_say("the old store's directory cannot be read:"
                                  " %s", strerror(ngx_errno));
    }

    if (living != 0
        && ngx_http_jamhook_move_run(m, "ROLLBACK") != NGX_OK)
    {
        return NGX_ERROR;
    }

    return living;
}


static ngx_int_t
ngx_http_jamhook_move_count(ngx_http_jamhook_move_t *m)
{
    char                             sql[256];
    int64_t                          all;
    ngx_uint_t                       i;
    ngx_http_jamhook_move_counts_t  *found;

    found = &m->found;

    if (ngx_http_jamhook_move_number(m, "SELECT count(*) FROM events",
                                     &found->events)
        != NGX_OK
        || ngx_http_jamhook_move_number(m, "SELECT"
                                        " ifnull(sum(length(body)), 0)"
                                        " FROM events", &found->bytes)
           != NGX_OK
        || ngx_http_jamhook_move_number(m, "SELECT count(*) FROM attempts"
                                        NGX_HTTP_JAMHOOK_MOVE_WHOLE,
                                        &found->attempts)
           != NGX_OK
        || ngx_http_jamhook_move_number(m, "SELECT (SELECT count(*)"
                                        " FROM deliveries)"
                                        " + (SELECT count(*) FROM attempts)",
                                        &all)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    for (i = 0; i < NGX_HTTP_JAMHOOK_MOVE_STATES; i++) {
        (void) snprintf(sql, sizeof(sql), "SELECT count(*) FROM deliveries"
                        NGX_HTTP_JAMHOOK_MOVE_WHOLE " AND state = %d",
                        (int) i);

        if (ngx_http_jamhook_move_number(m, sql, &found->states[i])
            != NGX_OK)
        {
            return NGX_ERROR;
        }

        found->deliveries += found->states[i];
    }

    m->astray = all - found->deliveries - found->attempts;

    return NGX_OK;
}


/*
 * Names go before all else, by themselves: a node that starts with one of them
 * would wait for a transaction that takes minutes.
 */

static ngx_int_t
ngx_http_jamhook_move_endpoints(ngx_http_jamhook_move_t *m)
{
    int                                rc;
    size_t                             len;
    sqlite3_stmt                      *st;
    ngx_http_jamhook_move_endpoint_t  *ep;

    if (sqlite3_prepare_v2(m->source, "SELECT id, name, paused, paused_at,"
                           " failing_since, probe_at, seen_at FROM endpoints"
                           " ORDER BY id", -1, &st, NULL)
        != SQLITE_OK)
    {
        return ngx_http_jamhook_move_source_failed(m);
    }

    for ( ;; ) {
        rc = sqlite3_step(st);

        if (rc != SQLITE_ROW) {
            break;
        }

        ep = ngx_http_jamhook_tool_push(&m->endpoints);
        ngx_memzero(ep, sizeof(ngx_http_jamhook_move_endpoint_t));

        len = sqlite3_column_bytes(st, 1);

        ep->id = sqlite3_column_int64(st, 0);
        ep->name.data = ngx_http_jamhook_tool_alloc(m->tool->pool, len + 1);
        ep->name.len = len;

        if (len != 0) {
            ngx_memcpy(ep->name.data, sqlite3_column_blob(st, 1), len);
        }

        ep->paused = sqlite3_column_int64(st, 2);
        ep->paused_at = sqlite3_column_int64(st, 3);
        ep->failing_since = sqlite3_column_int64(st, 4);
        ep->probe_at = sqlite3_column_int64(st, 5);
        ep->seen_at = sqlite3_column_int64(st, 6);
    }

    (void) sqlite3_finalize(st);

    if (rc != SQLITE_DONE) {
        return ngx_http_jamhook_move_source_failed(m);
    }

    for (len = 0; len < m->endpoints.nelts; len++) {
        ep = m->endpoints.elts;

        if (ngx_http_jamhook_move_endpoint(m, &ep[len]) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_jamhook_move_endpoint(ngx_http_jamhook_move_t *m,
    ngx_http_jamhook_move_endpoint_t *ep)
{
    char       n[5][24];
    PGresult  *res;

    (void) snprintf(n[0], sizeof(n[0]), "%lld", (long long) ep->paused);
    (void) snprintf(n[1], sizeof(n[1]), "%lld", (long long) ep->paused_at);
    (void) snprintf(n[2], sizeof(n[2]), "%lld", (long long) ep->failing_since);
    (void) snprintf(n[3], sizeof(n[3]), "%lld", (long long) ep->probe_at);
    (void) snprintf(n[4], sizeof(n[4]), "%lld", (long long) ep->seen_at);

    res = ngx_http_jamhook_move_ask(m, "INSERT INTO endpoints (name, paused,"
                                    " paused_at, failing_since, probe_at,"
                                    " seen_at) SELECT $1, $2::int, $3::int8,"
                                    " $4::int8, $5::int8, $6::int8"
                                    " WHERE NOT EXISTS (SELECT FROM endpoints"
                                    " WHERE name = $1)"
                                    " ON CONFLICT (name) DO NOTHING", 6,
                                    (char *) ep->name.data, n[0], n[1], n[2],
                                    n[3], n[4]);
    if (res == NULL) {
        return NGX_ERROR;
    }

    PQclear(res);

    res = ngx_http_jamhook_move_ask(m, "SELECT id, EXISTS (SELECT FROM"
                                    " attempts a WHERE a.endpoint = p.id"
                                    " AND a.result = 0)::int FROM endpoints p"
                                    " WHERE name = $1", 1,
                                    (char *) ep->name.data);
    if (res == NULL) {
        return NGX_ERROR;
    }

    ep->to = ngx_http_jamhook_move_column(res, 0, 0);
    ep->recovered = ngx_http_jamhook_move_column(res, 0, 1) != 0;

    PQclear(res);

    return NGX_OK;
}


static ngx_int_t
ngx_http_jamhook_move_begin(ngx_http_jamhook_move_t *m)
{
    ngx_int_t   mine;
    PGresult   *res;

    res = ngx_http_jamhook_move_ask(m, "BEGIN", 0);

    if (res == NULL) {
        return NGX_ERROR;
    }

    PQclear(res);

    res = ngx_http_jamhook_move_ask(m, "SELECT pg_try_advisory_xact_lock("
                                    NGX_HTTP_JAMHOOK_MOVE_LOCK ")::int", 0);
    if (res == NULL) {
        return NGX_ERROR;
    }

    mine = ngx_http_jamhook_move_column(res, 0, 0);

    PQclear(res);

    if (!mine) {
        ngx_http_jamhook_tool_say("another \"jamhook move\" into this database"
                                  " is under way");
        return NGX_ERROR;
    }

    return NGX_OK;
}


/* nodes that run learn that there is something to send */

static ngx_int_t
ngx_http_jamhook_move_end(ngx_http_jamhook_move_t *m)
{
    PGresult  *res;

    res = ngx_http_jamhook_move_ask(m, "SELECT pg_notify('jamhook', '')", 0);

    if (res == NULL) {
        return NGX_ERROR;
    }

    PQclear(res);

    res = ngx_http_jamhook_move_ask(m, "COMMIT", 0);

    if (res == NULL) {
        ngx_http_jamhook_tool_say("it may be done all the same: move again,"
                                  " which adds nothing twice");
        return NGX_ERROR;
    }

    PQclear(res);

    return NGX_OK;
}


/* what follows is as good as done, and can be done again */

static ngx_int_t
ngx_http_jamhook_move_leave(ngx_http_jamhook_move_t *m)
{
    char       sql[128];
    PGresult  *res;

    ngx_http_jamhook_move_tell(m);

    if (!m->tool->given[NGX_HTTP_JAMHOOK_TOOL_KEEP]) {
        (void) snprintf(sql, sizeof(sql), "UPDATE meta SET value = %d"
                        " WHERE key = 'compatible'",
                        NGX_HTTP_JAMHOOK_SQLITE_LEFT);

        if (ngx_http_jamhook_move_run(m, sql) != NGX_OK
            || ngx_http_jamhook_move_run(m, "COMMIT") != NGX_OK)
        {
            ngx_http_jamhook_tool_say("all is in the new store, but the old"
                                      " one could not be marked as left: do"
                                      " not use it any more");
            return NGX_ERROR;
        }
    }

    /* autovacuum does the same in a while; others than the owner may not */

    res = PQexec(m->target, "SET client_min_messages = error;"
                 " ANALYZE jamhook.events, jamhook.deliveries,"
                 " jamhook.attempts, jamhook.rollups");
    PQclear(res);

    return NGX_OK;
}


static void
ngx_http_jamhook_move_tell(ngx_http_jamhook_move_t *m)
{
    ngx_uint_t                      i;
    ngx_http_jamhook_tool_table_t   table;

    static const char  *heads[] = {
        "", ">OLD STORE", ">ADDED", ">WERE THERE", NULL
    };

    const char  *names[] = {
        "events", "attempts", "deliveries", "  pending", "  sending",
        "  succeeded", "  failed"
    };

    int64_t  found[] = {
        m->found.events, m->found.attempts, m->found.deliveries,
        m->found.states[0], m->found.states[1], m->found.states[2],
        m->found.states[3]
    };

    int64_t  added[] = {
        m->added.events, m->added.attempts, m->added.deliveries,
        m->added.states[0], m->added.states[1], m->added.states[2],
        m->added.states[3]
    };

    if (m->tool->given[NGX_HTTP_JAMHOOK_TOOL_JSON]) {
        ngx_http_jamhook_move_tell_json(m);

    } else {
        ngx_http_jamhook_tool_table_init(&table, m->tool->pool, heads);

        for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
            ngx_http_jamhook_tool_cell_text(&table, names[i]);
            ngx_http_jamhook_tool_cell_int(&table, found[i]);
            ngx_http_jamhook_tool_cell_int(&table, added[i]);
            ngx_http_jamhook_tool_cell_int(&table, found[i] - added[i]);
        }

        ngx_http_jamhook_tool_table_print(&table);
    }

    if (m->astray != 0) {
        ngx_http_jamhook_tool_say("%lld deliveries and attempts were left"
                                  " behind, for there is no such event or"
                                  " endpoint", (long long) m->astray);
    }

    if (m->others != 0) {
        ngx_http_jamhook_tool_say("%lld event%s in the new store with another"
                                  " body, which stays: their ids were used"
                                  " twice", (long long) m->others,
                                  m->others == 1 ? " is" : "s are");
    }
}


static void
ngx_http_jamhook_move_tell_json(ngx_http_jamhook_move_t *m)
{
    ngx_uint_t                       i, k;
    ngx_http_jamhook_writer_t        w;
    ngx_http_jamhook_move_counts_t  *c;

    ngx_http_jamhook_writer_init(&w, m->tool->pool);
    ngx_http_jamhook_writer_open(&w, '{');

    for (k = 0; k < 2; k++) {
        c = k ? &m->added : &m->found;

        ngx_http_jamhook_writer_name(&w, k ? "added" : "found");
        ngx_http_jamhook_writer_open(&w, '{');
        ngx_http_jamhook_writer_name(&w, "events");
        ngx_http_jamhook_writer_int(&w, c->events);
        ngx_http_jamhook_writer_name(&w, "deliveries");
        ngx_http_jamhook_writer_int(&w, c->deliveries);

        for (i = 0; i < NGX_HTTP_JAMHOOK_MOVE_STATES; i++) {
            ngx_http_jamhook_writer_name(&w,
                                (char *) ngx_http_jamhook_tool_states[i]);
            ngx_http_jamhook_writer_int(&w, c->states[i]);
        }

        ngx_http_jamhook_writer_name(&w, "attempts");
        ngx_http_jamhook_writer_int(&w, c->attempts);
        ngx_http_jamhook_writer_close(&w, '}');
    }

    ngx_http_jamhook_writer_name(&w, "other_bodies");
    ngx_http_jamhook_writer_int(&w, m->others);
    ngx_http_jamhook_writer_close(&w, '}');

    ngx_http_jamhook_tool_json(&w);
}


/* what was begun and not committed comes to nothing */

static void
ngx_http_jamhook_move_close(ngx_http_jamhook_move_t *m)
{
    if (m->session != NULL) {
        ngx_http_jamhook_sqlite_backend.close(m->session);
    }

    PQfinish(m->target);
    free(m->mended);
}


PGresult *
ngx_http_jamhook_move_ask(ngx_http_jamhook_move_t *m, const char *sql, int n,
    ...)
{
    int          i;
    va_list      args;
    PGresult    *res;
    ngx_str_t    text;
    const char  *values[NGX_HTTP_JAMHOOK_MOVE_PARAMS];

    va_start(args, n);

    for (i = 0; i < n; i++) {
        values[i] = va_arg(args, char *);
    }

    va_end(args);

    res = PQexecParams(m->target, sql, n, NULL, values, NULL, NULL, 0);

    switch (PQresultStatus(res)) {

    case PGRES_COMMAND_OK:
    case PGRES_TUPLES_OK:

        /* what became of a COMMIT is in its tag */

        if (strcmp(sql, "COMMIT") != 0
            || strcmp(PQcmdStatus(res), "COMMIT") == 0)
        {
            return res;
        }

        break;

    case PGRES_COPY_IN:
        return res;

    default:
        break;
    }

    text.data = (u_char *) PQerrorMessage(m->target);
    text.len = strlen(PQerrorMessage(m->target));

    if (m->terminal && m->what != NULL) {
        (void) fputc('\n', stderr);
        m->what = NULL;
    }

    ngx_http_jamhook_tool_say("the new store: %s",
                              text.len ? ngx_http_jamhook_tool_line(
                                                       m->tool->pool, &text)
                                       : "the transaction was rolled back");
    PQclear(res);

    return NULL;
}


int64_t
ngx_http_jamhook_move_column(PGresult *res, int row, int column)
{
    return (row < PQntuples(res))
           ? strtoll(PQgetvalue(res, row, column), NULL, 10) : 0;
}


ngx_int_t
ngx_http_jamhook_move_number(ngx_http_jamhook_move_t *m, const char *sql,
    int64_t *n)
{
    sqlite3_stmt  *st;

    if (sqlite3_prepare_v2(m->source, sql, -1, &st, NULL) != SQLITE_OK) {
        return ngx_http_jamhook_move_source_failed(m);
    }

    if (sqlite3_step(st) != SQLITE_ROW) {
        (void) sqlite3_finalize(st);
        return ngx_http_jamhook_move_source_failed(m);
    }

    *n = sqlite3_column_int64(st, 0);

    (void) sqlite3_finalize(st);

    return NGX_OK;
}


ngx_int_t
ngx_http_jamhook_move_run(ngx_http_jamhook_move_t *m, const char *sql)
{
    if (sqlite3_exec(m->source, sql, NULL, NULL, NULL) != SQLITE_OK) {
        return ngx_http_jamhook_move_source_failed(m);
    }

    return NGX_OK;
}


ngx_int_t
ngx_http_jamhook_move_source_failed(ngx_http_jamhook_move_t *m)
{
    ngx_str_t  text;

    text.data = (u_char *) sqlite3_errmsg(m->source);
    text.len = ngx_strlen(text.data);

    ngx_http_jamhook_tool_say("the old store: %s",
                              ngx_http_jamhook_tool_safe(m->tool->pool,
                                                         &text));
    return NGX_ERROR;
}

#else

int
ngx_http_jamhook_tool_move(ngx_http_jamhook_tool_t *tool)
{
    return ngx_http_jamhook_tool_without(tool);
}

#endif
