
/* A session of PostgreSQL's, and what can happen to it. */

#include "store.h"

#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>


/* a session of ours, told something by the test */

static void
session_exec(session_t *s, const char *text)
{
    PGresult  *res;

    (void) PQexitPipelineMode(s->db);
    (void) PQsetnonblocking(s->db, 0);

    res = PQexec(s->db, text);

    if (PQresultStatus(res) != PGRES_COMMAND_OK
        && PQresultStatus(res) != PGRES_TUPLES_OK)
    {
        ok(0, "%s: %s", text, PQerrorMessage(s->db));
    }

    PQclear(res);

    (void) PQsetnonblocking(s->db, 1);
    (void) PQenterPipelineMode(s->db);
}


/* a statement whose answer is a text */

static void
says(const char *expected, const char *name, const char *text)
{
    PGresult    *res;
    const char  *value;

    res = PQexec(store_outside, text);
    value = (PQresultStatus(res) == PGRES_TUPLES_OK && PQntuples(res) == 1)
                ? PQgetvalue(res, 0, 0) : PQerrorMessage(store_outside);

    if (!ok(strcmp(value, expected) == 0, "%s", name)) {
        (void) printf("# got: %s\n# expected: %s\n", value, expected);
    }

    PQclear(res);
}


/* sessions of the store that the server ends */

static int64_t
terminate(void)
{
    int64_t  n;

    n = sql("SELECT count(pg_terminate_backend(pid, 5000))"
            " FROM pg_stat_activity WHERE datname = current_database()"
            " AND pid <> pg_backend_pid()");

    return n;
}


static int64_t
msec(void)
{
    struct timespec  ts;

    (void) clock_gettime(CLOCK_MONOTONIC, &ts);

    return (int64_t) ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}


/* text columns take no NUL and nothing that is no UTF-8; bytes do */

static void
test_text(void)
{
    claim_t                   taken;
    event_t                   in;
    route_t                   routes[2];
    outcome_t                 out;
    session_t                *s;
    ngx_http_jamhook_want_t   want;

    static u_char  odd[] = "a\0b\xff" "c\xc3\xa9\xed\xa0\x80\xf0\x9f";

    s = store_fresh();

    event_set(&in, routes, 1, 1, "msg", "{}");
    in.source.data = odd;
    in.source.len = sizeof(odd) - 1;
    in.conversation_id = in.source;
    in.created_at = str("");
    in.body = in.source;
    ok(store_write(s, &in) == NGX_OK
       && in.verdict == NGX_HTTP_JAMHOOK_EVENT_STORED, "an event of odd bytes");

    (void) sql("SELECT 1");
    says("a\xef\xbf\xbd" "b\xef\xbf\xbd" "c\xc3\xa9\xef\xbf\xbd\xef\xbf\xbd"
         "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd",
         "what is no UTF-8, or NUL, becomes U+FFFD",
         "SELECT source FROM events WHERE conversation_id = source");
    says("610062ff63c3a9eda080f09f", "a body is kept byte for byte",
         "SELECT encode(body, 'hex') FROM events");
    says("t", "what is empty is not absent",
         "SELECT created_at = '' AND jam_id IS NULL FROM events");

    ok(store_write(s, &in) == NGX_OK
       && in.verdict == NGX_HTTP_JAMHOOK_EVENT_DUPLICATE,
       "and is the same when it comes again");

    outcome_set(&out, 1, 1, NGX_HTTP_JAMHOOK_STATE_PENDING);
    out.error = in.source;
    out.request_headers = in.source;
    out.response_headers = in.source;
    out.response_body = in.source;
    ok(store_write(s, &out) == NGX_OK && !out.late, "an attempt of odd bytes");
    says("t", "likewise", "SELECT error = source AND request_headers = source"
         " AND response_headers = source AND response_body = body"
         " FROM attempts CROSS JOIN events");

    now.now += 1000;
    ok(claim(s, &taken, &want, 0, 1) == 1
       && taken.claims->body.len == sizeof(odd) - 1
       && memcmp(taken.claims->body.data, odd, sizeof(odd) - 1) == 0,
       "it comes out as it went in");
    claims_free(&taken);

    store_close(s);
}


/* a connection that is gone when the next batch comes */

static void
test_between(void)
{
    int         fd;
    poll_t      polled;
    session_t  *s, *reader;

    s = store_fresh();
    reader = store_open(NGX_HTTP_JAMHOOK_SESSION_READ);

    ok(event_put(s, "one", 1, 1) == 1, "a session writes");
    ok(terminate() == 2, "the server ends all sessions");
    ok(event_put(s, "two", 1, 1) > 1, "it writes again, at once");
    ok(outcome(s, 1, 1, NGX_HTTP_JAMHOOK_STATE_SUCCEEDED) == NGX_OK,
       "and what it had claimed is still its own");

    ngx_memzero(&polled, sizeof(poll_t));
    polled.op.type = NGX_HTTP_JAMHOOK_OP_POLL;
    polled.pool = ngx_create_pool(1, NULL);
    polled.longest = LONGEST;
    ok(store_read(reader, &polled) == NGX_OK, "one that reads does so again");
    ngx_destroy_pool(polled.pool);

    fd = backend.descriptor(reader);
    ok(fd != -1 && fd == PQsocket(reader->db), "and listens");

    store_close(reader);
    store_close(s);
}


/* a batch that is cut off in the middle: an outcome, an event and a claim */

static ngx_int_t
batch(session_t *s, outcome_t *out, const char *id, claim_t *taken,
    ngx_http_jamhook_want_t *want)
{
    ngx_int_t               rc;
    route_t                 routes[3];
    static event_t          in;
    ngx_http_jamhook_op_t  *ops[3];

    event_set(&in, routes, 2, 1, id, "{}");

    ngx_memzero(taken, sizeof(claim_t));
    ngx_memzero(want, sizeof(ngx_http_jamhook_want_t));

    taken->op.type = NGX_HTTP_JAMHOOK_OP_CLAIM;
    taken->wants = want;
    taken->nwants = 1;
    taken->longest = LONGEST;
    want->endpoint = 1;
    want->n = 2;
    want->lease = LEASE;

    ops[0] = &out->op;
    ops[1] = &in.op;
    ops[2] = &taken->op;

    ngx_memzero(&failure, sizeof(ngx_http_jamhook_failure_t));

    rc = backend.write(s, ops, 3, &now, &failure);

    if (rc == NGX_OK) {
        claims_free(taken);
        taken->claims = NULL;
    }

    return rc;
}


/* what the tables are when nothing of it was written */

static ngx_uint_t
untouched(void)
{
    return sql("SELECT count(*) FROM events") == 3
           && sql("SELECT count(*) FROM attempts") == 0
           && sql("SELECT count(*) FROM tallies") == 0
           && sql("SELECT count(*) FROM rollups") == 0
           && sql("SELECT count(*) FROM deliveries WHERE state = 1") == 1;
}


static void
test_within(void)
{
    claim_t                   taken;
    outcome_t                 out;
    session_t                *s;
    ngx_uint_t                i;
    ngx_http_jamhook_want_t   want;

    static const char  *tables[] = { "attempts", "events", "deliveries" };

    for (i = 0; i < nitems(tables); i++) {
        s = store_fresh();

        events_put(s, "e", 3, 2);
        (void) sql("UPDATE deliveries SET state = 1, attempts = 1,"
                   " lease_owner = '%.32s' WHERE event = 1 AND endpoint = 1",
                   OWNER(s));

        (void) sql("CREATE FUNCTION die() RETURNS trigger LANGUAGE plpgsql AS"
                   " $$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid());"
                   " RETURN NEW; END $$");
        (void) sql("CREATE TRIGGER die AFTER INSERT OR UPDATE ON %s FOR EACH"
                   " ROW EXECUTE FUNCTION die()", tables[i]);

        outcome_set(&out, 1, 1, NGX_HTTP_JAMHOOK_STATE_SUCCEEDED);

        ok(batch(s, &out, "new", &taken, &want) == NGX_ERROR
           && failure.kind == NGX_HTTP_JAMHOOK_STORE_AWAY
           && taken.claims == NULL,
           "a session that ends while %s are written: %s", tables[i],
           failure.text);
        ok(untouched(), "nothing is half written");

        (void) sql("DROP TRIGGER die ON %s", tables[i]);

        ok(batch(s, &out, "new", &taken, &want) == NGX_OK && !out.late
           && want.claimed == 2 && sql("SELECT count(*) FROM events") == 4
           && sql("SELECT count(*) FROM attempts") == 1
           && sql("SELECT sum(succeeded) FROM tallies") == 1,
           "the same batch again is written, once");

        store_close(s);
    }
}


static void
test_late(void)
{
    claim_t                   taken;
    outcome_t                 out;
    session_t                *s;
    int64_t                   began;
    ngx_http_jamhook_want_t   want;

    s = store_fresh();

    events_put(s, "e", 3, 2);
    (void) sql("UPDATE deliveries SET state = 1, attempts = 1, lease_owner ="
               " '%.32s' WHERE event = 1 AND endpoint = 1", OWNER(s));
    outcome_set(&out, 1, 1, NGX_HTTP_JAMHOOK_STATE_SUCCEEDED);

    (void) sql("BEGIN");
    (void) sql("LOCK TABLE attempts IN ACCESS EXCLUSIVE MODE");

    store_patience = 300;
    began = msec();
    ok(batch(s, &out, "new", &taken, &want) == NGX_ERROR
       && failure.kind == NGX_HTTP_JAMHOOK_STORE_AWAY
       && taken.claims == NULL, "an answer that does not come: %s",
       failure.text);
    began = msec() - began;
    ok(began >= 299 && began < 2000, "is waited for %d ms", (int) began);

    ok(batch(s, &out, "new", &taken, &want) == NGX_ERROR, "nor does it now");
    store_close(s);
    store_patience = 9000;

    (void) sql("COMMIT");
    store_settle();

    /* the server may have carried it out all the same, and nobody was told */

    s = store_open(NGX_HTTP_JAMHOOK_SESSION_WRITE);
    ok(batch(s, &out, "new", &taken, &want) == NGX_OK
       && sql("SELECT count(*) FROM events") == 4
       && sql("SELECT count(*) FROM deliveries") == 8
       && sql("SELECT count(*) FROM attempts") == 1
       && sql("SELECT sum(n) FROM rollups WHERE span = 0") == 1,
       "then it is, and what was written before is not written twice");

    /* who has a lock, for longer than the session waits for one */

    session_exec(s, "SET lock_timeout = '100ms'");
    (void) sql("BEGIN");
    (void) sql("LOCK TABLE events IN ACCESS EXCLUSIVE MODE");
    shim_failed = 1;
    ok(event_put(s, "locked", 1, 1) == 0
       && failure.kind == NGX_HTTP_JAMHOOK_STORE_BUSY,
       "a table that is locked: %s", failure.text);
    shim_failed = 0;
    (void) sql("COMMIT");
    ok(event_put(s, "locked", 1, 1) != 0,
       "the session goes on when it is not any more");

    store_close(s);
}


/* an event, while whose writing the connection is cut; 1: that fails it */

static void *
cut(void *data)
{
    int  *fd = data;

    (void) usleep(300000);
    (void) shutdown(*fd, SHUT_RDWR);

    return NULL;
}


static ngx_uint_t
cut_off(session_t *s, const char *id)
{
    int         fd;
    pthread_t   thread;
    ngx_uint_t  written;

    fd = PQsocket(s->db);

    if (pthread_create(&thread, NULL, cut, &fd) != 0) {
        abort();
    }

    shim_failed = 1;
    written = event_put(s, id, 1, 1);
    shim_failed = 0;

    (void) pthread_join(thread, NULL);

    return written == 0;
}


static ngx_int_t
recover_all(session_t *s)
{
    recover_t  op;

    ngx_memzero(&op, sizeof(recover_t));
    op.op.type = NGX_HTTP_JAMHOOK_OP_RECOVER;

    return store_write(s, &op);
}


/* runs a function with each event, at once or with the COMMIT */

static void
trigger_set(const char *body, ngx_uint_t deferred)
{
    (void) sql("CREATE FUNCTION seen() RETURNS trigger LANGUAGE plpgsql AS"
               " $$ BEGIN %s RETURN NULL; END $$", body);
    (void) sql("CREATE CONSTRAINT TRIGGER seen AFTER INSERT ON events"
               " DEFERRABLE INITIALLY %s FOR EACH ROW EXECUTE FUNCTION seen()",
               deferred ? "DEFERRED" : "IMMEDIATE");
}


static void
test_warnings(void)
{
    session_t  *s;

    s = store_fresh();

    trigger_set("RAISE WARNING 'of ours';"
                " RAISE WARNING 'too' USING ERRCODE = '57P01';", 0);
    ok(event_put(s, "one", 1, 1) == 1,
       "a warning of a trigger's is no trouble: %s", failure.text);
    (void) sql("DROP TRIGGER seen ON events; DROP FUNCTION seen");

    trigger_set("RAISE WARNING 'of ours';"
                " RAISE WARNING 'too' USING ERRCODE = '57P01';", 1);
    ok(event_put(s, "two", 1, 1) == 2, "nor is one that comes with the COMMIT:"
       " %s", failure.text);
    store_close(s);

    /* it warns of SELECTs when the next statement begins, which is COMMIT */

    (void) store_server_exec("ALTER DATABASE %s SET session_preload_libraries"
                             " = 'auto_explain'", store_name);
    (void) store_server_exec("ALTER DATABASE %s SET"
                             " auto_explain.log_min_duration = 0", store_name);
    (void) store_server_exec("ALTER DATABASE %s SET auto_explain.log_level ="
                             " warning", store_name);

    s = store_open(NGX_HTTP_JAMHOOK_SESSION_WRITE);
    session_exec(s, "SET lc_messages = 'C'");
    ok(event_put(s, "three", 1, 1) == 3, "what auto_explain says: %s",
       failure.text);
    (void) sql("UPDATE deliveries SET state = 3");
    ok(recover_all(s) == NGX_OK, "with a NOTIFY before the COMMIT: %s",
       failure.text);
    store_close(s);
}


/* what a session is told while it is being closed */

static void
test_told(void)
{
    session_t  *s;

    s = store_fresh();

    trigger_set("RAISE WARNING 'another process crashed'"
                " USING ERRCODE = '57P02'; PERFORM pg_sleep(1);", 0);

    ok(cut_off(s, "one") && strstr((char *) failure.text, "crashed") != NULL
       && failure.kind == NGX_HTTP_JAMHOOK_STORE_AWAY,
       "a connection that is lost, and why: %s", failure.text);
    store_close(s);

    (void) sql("DROP TRIGGER seen ON events; DROP FUNCTION seen");
    trigger_set("PERFORM pg_sleep(1);", 0);

    s = store_open(NGX_HTTP_JAMHOOK_SESSION_WRITE);
    ok(cut_off(s, "two") && strstr((char *) failure.text, "crashed") == NULL
       && strstr((char *) failure.text, "closed") != NULL,
       "or that nobody says why: %s", failure.text);
    store_close(s);
}


/* a COMMIT that is waited for, as for a standby that is not there */

static void
test_commit_hangs(void)
{
    session_t  *s;

    s = store_fresh();

    trigger_set("PERFORM pg_sleep(1);", 1);

    store_patience = 300;
    shim_failed = 1;
    ok(event_put(s, "one", 1, 1) == 0
       && failure.kind == NGX_HTTP_JAMHOOK_STORE_AWAY,
       "a COMMIT that hangs: %s", failure.text);
    shim_failed = 0;
    store_patience = 9000;

    ok(strstr(backend.advice(failure.kind), "synchronous_standby_names")
       != NULL, "it may be for the standby: %s", backend.advice(failure.kind));

    store_close(s);
}


/* what a commit is waited for, as a row's writing sees it */

static void
test_synchronous(void)
{
    session_t  *s;

    s = store_fresh();

    (void) sql("CREATE TABLE seen (value text, plan text)");
    (void) sql("CREATE FUNCTION see() RETURNS trigger LANGUAGE plpgsql AS $$"
               " BEGIN INSERT INTO seen VALUES ("
               " current_setting('synchronous_commit'),"
               " current_setting('plan_cache_mode')); RETURN NEW; END $$");
    (void) sql("CREATE TRIGGER see AFTER INSERT ON events FOR EACH ROW"
               " EXECUTE FUNCTION see()");

    (void) event_put(s, "one", 1, 0);
    says("on", "commits are waited for", "SELECT value FROM seen");
    store_close(s);

    (void) sql("DELETE FROM seen");
    (void) store_server_exec("ALTER DATABASE %s SET synchronous_commit = off",
                             store_name);
    s = store_open(NGX_HTTP_JAMHOOK_SESSION_WRITE);
    (void) event_put(s, "two", 1, 0);
    says("on", "where they would not be, too", "SELECT value FROM seen");
    says("force_generic_plan", "and plans are made once",
         "SELECT plan FROM seen");
    store_close(s);

    (void) sql("DELETE FROM seen");
    (void) store_server_exec("ALTER DATABASE %s SET synchronous_commit ="
                             " remote_apply", store_name);
    s = store_open(NGX_HTTP_JAMHOOK_SESSION_WRITE);
    (void) event_put(s, "three", 1, 0);
    says("remote_apply", "who asks for more gets it",
         "SELECT value FROM seen");
    store_close(s);
}


static void
test_readonly(void)
{
    session_t  *s;

    s = store_fresh();

    session_exec(s, "SET default_transaction_read_only = on");
    shim_failed = 1;
    ok(event_put(s, "one", 1, 1) == 0
       && failure.kind == NGX_HTTP_JAMHOOK_STORE_READONLY,
       "a server that became read-only: %s", failure.text);
    shim_failed = 0;
    store_close(s);

    (void) store_server_exec("ALTER DATABASE %s SET"
                             " default_transaction_read_only = on",
                             store_name);
    now.now += HOUR;
    s = store_open(NGX_HTTP_JAMHOOK_SESSION_WRITE);
    ok(s == NULL && failure.kind == NGX_HTTP_JAMHOOK_STORE_READONLY,
       "one that is: %s", failure.text);

    s = store_open(NGX_HTTP_JAMHOOK_SESSION_READ);
    ok(s != NULL, "it can be read");

    if (s != NULL) {
        store_close(s);
    }
}


/* why a writing session by that URI is none; OK: it is one */

static ngx_http_jamhook_failure_e
refused(const char *fmt, ...)
{
    char        uri[512];
    va_list     args;
    session_t  *s;

    va_start(args, fmt);
    (void) vsnprintf(uri, sizeof(uri), fmt, args);
    va_end(args);

    ngx_memzero(&failure, sizeof(ngx_http_jamhook_failure_t));

    store_conf.conninfo = str(uri);
    s = store_open(NGX_HTTP_JAMHOOK_SESSION_WRITE);
    store_conf.conninfo = str(store_uri);

    if (s != NULL) {
        store_close(s);
        return NGX_HTTP_JAMHOOK_STORE_OK;
    }

    (void) printf("# %s\n", failure.text);

    if (strchr((char *) failure.text, '\n') != NULL
        || strstr((char *) failure.text, "open sesame") != NULL
        || strstr((char *) failure.text, "wrong") != NULL)
    {
        ok(0, "one line, without a password: %s", failure.text);
    }

    return failure.kind;
}


static void
test_refused(void)
{
    char        role[64];
    const char *port;

    store_close(store_fresh());

    port = PQport(store_server);

    (void) snprintf(role, sizeof(role), "jh_%d", (int) getpid());

    ok(store_server_exec("CREATE ROLE %s LOGIN PASSWORD 'open sesame' IN ROLE"
                         " secretive", role)
       && store_server_exec("GRANT ALL ON DATABASE %s TO %s", store_name,
                            role),
       "a user with a password");
    (void) sql("GRANT ALL ON SCHEMA jamhook TO %s", role);
    (void) sql("GRANT ALL ON ALL TABLES IN SCHEMA jamhook TO %s", role);

    ok(refused("postgresql://%s:open%%20sesame@127.0.0.1:%s/%s", role, port,
               store_name) == NGX_HTTP_JAMHOOK_STORE_OK, "comes in with it");
    ok(refused("postgresql://%s:wrong@127.0.0.1:%s/%s", role, port,
               store_name) == NGX_HTTP_JAMHOOK_STORE_DENIED,
       "with another one");
    ok(refused("postgresql://%s@127.0.0.1:%s/%s?passfile=/nowhere", role,
               port, store_name) == NGX_HTTP_JAMHOOK_STORE_DENIED,
       "without one");
    ok(refused("postgresql://%s_no@127.0.0.1:%s/%s", role, port, store_name)
       == NGX_HTTP_JAMHOOK_STORE_DENIED, "a user that there is not");
    ok(refused("postgresql://%s:open%%20sesame@127.0.0.1:%s/%s_no", role, port,
               store_name) == NGX_HTTP_JAMHOOK_STORE_CANTOPEN,
       "a database that there is not");
    ok(refused("postgresql://%s@127.0.0.1:1/%s", role, store_name)
       == NGX_HTTP_JAMHOOK_STORE_AWAY, "a port where nobody listens");
    ok(refused("postgresql:///%s?host=/nowhere", store_name)
       == NGX_HTTP_JAMHOOK_STORE_AWAY, "a socket that there is not");
    ok(refused("postgresql://postgres@127.0.0.1:1,127.0.0.1:%s/%s", port,
               store_name) == NGX_HTTP_JAMHOOK_STORE_OK,
       "the second of two servers");
    ok(refused("postgresql://postgres@127.0.0.1:%s/%s?target_session_attrs="
               "read-only", port, store_name) == NGX_HTTP_JAMHOOK_STORE_AWAY,
       "none of the kind that is asked for");

    (void) sql("REVOKE ALL ON ALL TABLES IN SCHEMA jamhook FROM %s", role);
    ok(refused("postgresql://%s:open%%20sesame@127.0.0.1:%s/%s", role, port,
               store_name) == NGX_HTTP_JAMHOOK_STORE_DENIED,
       "no rights on the tables");

    (void) store_server_exec("ALTER ROLE %s CONNECTION LIMIT 0", role);
    ok(refused("postgresql://%s:open%%20sesame@127.0.0.1:%s/%s", role, port,
               store_name) == NGX_HTTP_JAMHOOK_STORE_AWAY,
       "too many sessions");

    (void) sql("REVOKE ALL ON SCHEMA jamhook FROM %s", role);
    (void) store_server_exec("REVOKE ALL ON DATABASE %s FROM %s", store_name,
                             role);
    (void) store_server_exec("DROP ROLE %s", role);
}


/* tables that somebody else has changed */

static void
test_broken(void)
{
    session_t  *s;

    s = store_fresh();

    (void) event_put(s, "one", 1, 1);
    (void) sql("ALTER TABLE attempts RENAME TO gone");
    shim_failed = 1;
    ok(outcome(s, 1, 1, NGX_HTTP_JAMHOOK_STATE_SUCCEEDED) == NGX_ERROR
       && failure.kind == NGX_HTTP_JAMHOOK_STORE_CORRUPT
       && sql("SELECT state FROM deliveries") == 1,
       "a table is missing: %s", failure.text);
    (void) sql("ALTER TABLE gone RENAME TO attempts");
    (void) sql("ALTER TABLE attempts DROP COLUMN truncated");
    ok(outcome(s, 1, 1, NGX_HTTP_JAMHOOK_STATE_SUCCEEDED) == NGX_ERROR
       && failure.kind == NGX_HTTP_JAMHOOK_STORE_CORRUPT,
       "a column: %s", failure.text);
    shim_failed = 0;

    (void) sql("CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS"
               " $$ BEGIN RETURN NULL; END $$");
    (void) sql("CREATE TRIGGER nothing BEFORE INSERT ON events FOR EACH ROW"
               " EXECUTE FUNCTION nothing()");
    shim_failed = 1;
    ok(event_put(s, "two", 1, 1) == 0
       && failure.kind == NGX_HTTP_JAMHOOK_STORE_CORRUPT,
       "an event vanishes: %s", failure.text);
    shim_failed = 0;
    (void) sql("DROP TRIGGER nothing ON events");

    (void) sql("ALTER TABLE attempts ADD truncated int NOT NULL DEFAULT 0");
    ok(outcome(s, 1, 1, NGX_HTTP_JAMHOOK_STATE_SUCCEEDED) == NGX_OK,
       "the session goes on when they are there");

    store_close(s);
}


/* 1: it becomes readable, at once or soon */

static ngx_uint_t
wakes(session_t *reader)
{
    struct pollfd  pfd;

    pfd.fd = backend.descriptor(reader);
    pfd.events = POLLIN;
    pfd.revents = 0;

    return poll(&pfd, 1, 1000) == 1;
}


static ngx_uint_t
sleeps(session_t *reader)
{
    struct pollfd  pfd;

    pfd.fd = backend.descriptor(reader);
    pfd.events = POLLIN;
    pfd.revents = 0;

    return poll(&pfd, 1, 50) == 0;
}


/* what has come between two reads makes a poll due, if it is none itself */

static ngx_uint_t
woken(session_t *reader)
{
    ngx_int_t                    rc;
    ngx_http_jamhook_op_names_t  op;

    ngx_memzero(&op, sizeof(ngx_http_jamhook_op_names_t));
    op.op.type = NGX_HTTP_JAMHOOK_OP_NAMES;
    op.pool = ngx_create_pool(1, NULL);

    rc = store_read(reader, &op);
    ngx_destroy_pool(op.pool);

    return rc == NGX_OK && op.op.woken;
}


static ngx_uint_t
polls(session_t *reader)
{
    poll_t      op;
    ngx_uint_t  due;

    ngx_memzero(&op, sizeof(poll_t));
    op.op.type = NGX_HTTP_JAMHOOK_OP_POLL;
    op.pool = ngx_create_pool(1, NULL);
    op.longest = LONGEST;

    due = (store_read(reader, &op) == NGX_OK && !op.op.woken
           && op.endpoints[0].next_at == now.now);

    ngx_destroy_pool(op.pool);

    return due;
}


static void
test_notify(void)
{
    replay_t    again;
    recover_t   all;
    session_t  *s, *reader, *guest;

    s = store_fresh();
    reader = store_open(NGX_HTTP_JAMHOOK_SESSION_READ);

    store_conf.guest = 1;
    guest = store_open(NGX_HTTP_JAMHOOK_SESSION_READ);
    store_conf.guest = 0;

    (void) woken(reader);

    (void) event_put(s, "one", 1, 0);
    ok(sleeps(reader) && !woken(reader), "an event wakes nobody");

    ngx_memzero(&again, sizeof(replay_t));
    again.op.type = NGX_HTTP_JAMHOOK_OP_REPLAY;
    again.id = str("one");
    again.endpoint = NGX_HTTP_JAMHOOK_NO_ENDPOINT;
    (void) store_write(s, &again);
    ok(wakes(reader) && woken(reader), "what is replayed does");
    ok(sleeps(reader) && !woken(reader), "once");
    (void) store_write(s, &again);
    ok(wakes(reader) && polls(reader) && sleeps(reader) && !woken(reader),
       "a poll sees it");
    ok(sleeps(guest), "but no guest");
    store_close(guest);

    (void) sql("UPDATE deliveries SET state = 3");
    ngx_memzero(&all, sizeof(recover_t));
    all.op.type = NGX_HTTP_JAMHOOK_OP_RECOVER;
    (void) store_write(s, &all);
    ok(wakes(reader) && woken(reader), "what is recovered");

    (void) pause_endpoint(s, 0, NGX_HTTP_JAMHOOK_PAUSE_MANUAL);
    (void) woken(reader);

    ngx_memzero(&all, sizeof(recover_t));
    all.op.type = NGX_HTTP_JAMHOOK_OP_RESUME;
    (void) store_write(s, &all);
    ok(wakes(reader) && woken(reader), "what is resumed");

    again.id = str("none");
    (void) store_write(s, &again);
    ok(sleeps(reader) && !woken(reader), "a replay of nothing does not");

    (void) terminate();
    ok(wakes(reader), "a connection that is gone does");

    store_close(reader);
    store_close(s);
}


/* each writing op, with each of its allocations failing */

static session_t  *poor;
static ngx_uint_t  poor_op;


static ngx_int_t
poor_write(ngx_pool_t *pool)
{
    void       *op;
    ngx_int_t   rc;
    ngx_uint_t  fail;

    event_t                        in;
    route_t                        routes[3];
    claim_t                        taken;
    outcome_t                      out;
    replay_t                       again;
    recover_t                      all;
    retain_t                       old;
    ngx_http_jamhook_op_t          plain;
    ngx_http_jamhook_op_pause_t    pause;
    ngx_http_jamhook_op_forget_t   wipe;
    ngx_http_jamhook_want_t        want;

    fail = shim_fail;
    shim_fail = 0;

    /* as it was before the last time */

    (void) sql("UPDATE endpoints SET paused = 0");
    (void) sql("UPDATE events SET forgotten = 0");
    (void) sql("UPDATE deliveries SET state = 1, attempts = 1, lease_owner ="
               " '%.32s' WHERE event <= 2", OWNER(poor));
    (void) sql("UPDATE deliveries SET state = 0, lease_owner = NULL"
               " WHERE event = 3");
    (void) sql("UPDATE deliveries SET state = 3, lease_owner = NULL"
               " WHERE event = 4");
    ngx_memzero(&failure, sizeof(ngx_http_jamhook_failure_t));

    ngx_memzero(&taken, sizeof(claim_t));
    ngx_memzero(&want, sizeof(ngx_http_jamhook_want_t));
    ngx_memzero(&again, sizeof(replay_t));
    ngx_memzero(&all, sizeof(recover_t));
    ngx_memzero(&old, sizeof(retain_t));
    ngx_memzero(&plain, sizeof(ngx_http_jamhook_op_t));
    ngx_memzero(&pause, sizeof(ngx_http_jamhook_op_pause_t));
    ngx_memzero(&wipe, sizeof(ngx_http_jamhook_op_forget_t));

    switch (poor_op) {

    case NGX_HTTP_JAMHOOK_OP_EVENT:
        event_set(&in, routes, 2, 1, "x", "{}");
        in.headers = str("\xff");
        op = &in;
        break;

    case NGX_HTTP_JAMHOOK_OP_OUTCOME:
        outcome_set(&out, 1, 1, NGX_HTTP_JAMHOOK_STATE_FAILED);
        out.error = str("\xff");
        out.disable_after = DAY;
        op = &out;
        break;

    case NGX_HTTP_JAMHOOK_OP_CLAIM:
        taken.wants = &want;
        taken.nwants = 1;
        taken.longest = LONGEST;
        want.n = 4;
        want.lease = LEASE;
        op = &taken;
        break;

    case NGX_HTTP_JAMHOOK_OP_REPLAY:
        again.id = str("e0003");
        again.endpoint = NGX_HTTP_JAMHOOK_NO_ENDPOINT;
        op = &again;
        break;

    case NGX_HTTP_JAMHOOK_OP_RECOVER:
    case NGX_HTTP_JAMHOOK_OP_RESUME:
        op = &all;
        break;

    case NGX_HTTP_JAMHOOK_OP_PAUSE:
        pause.reason = NGX_HTTP_JAMHOOK_PAUSE_MANUAL;
        op = &pause;
        break;

    case NGX_HTTP_JAMHOOK_OP_FORGET:
        wipe.id = str("e0003");
        op = &wipe;
        break;

    case NGX_HTTP_JAMHOOK_OP_RETAIN:
        old.age = DAY;
        op = &old;
        break;

    default:
        op = &plain;
    }

    ((ngx_http_jamhook_op_t *) op)->type = poor_op;

    shim_fail = fail;
    rc = store_write(poor, op);

    if (taken.claims != NULL) {

        if (rc != NGX_OK) {
            return NGX_ABORT;
        }

        claims_free(&taken);
    }

    if (rc != NGX_OK && failure.kind != NGX_HTTP_JAMHOOK_STORE_MEMORY) {
        (void) printf("# %d: %s\n", failure.kind, failure.text);
        return NGX_ABORT;
    }

    return rc;
}


static void
test_no_memory(void)
{
    ngx_int_t  n;

    static const char  *names[] = {
        "event", "outcome", "claim", "replay", "recover", "pause", "resume",
        "forget", "retain", "probe"
    };

    poor = store_fresh();
    events_put(poor, "e", 5, 2);

    for (poor_op = 0; poor_op < nitems(names); poor_op++) {
        n = shim_exhaust(poor_write);

        ok(n > 0, "%s, without memory at each of %d places", names[poor_op],
           (int) n);
    }

    store_close(poor);
}


int
main(void)
{
    test_text();
    test_between();
    test_within();
    test_late();
    test_warnings();
    test_told();
    test_commit_hangs();
    test_synchronous();
    test_readonly();
    test_refused();
    test_broken();
    test_notify();
    test_no_memory();

    return done();
}
