
/* Who makes PostgreSQL's tables, who may not, and which ones are taken. */

#include "store.h"


#define PROCESSES  8


static char  user[64];                   /* one without rights of its own */


/* the URI says who comes; NULL: the superuser again */

static void
store_as(const char *name)
{
    char    *end;
    size_t   left;

    end = strstr(store_uri, "&user=");

    if (end == NULL) {
        end = store_uri + strlen(store_uri);
    }

    *end = '\0';
    left = sizeof(store_uri) - (end - store_uri);

    if (name != NULL) {
        (void) snprintf(end, left, "&user=%s", name);
    }

    store_conf.conninfo.len = strlen(store_uri);
    store_conf.place.len = store_conf.conninfo.len;
}


/* the kind of the failure; OK: it was opened, and closed again */

static ngx_http_jamhook_failure_e
store_try(ngx_http_jamhook_session_e kind, unsigned guest)
{
    session_t  *s;

    ngx_memzero(&failure, sizeof(ngx_http_jamhook_failure_t));

    store_conf.guest = guest;
    s = store_open(kind);
    store_conf.guest = 0;

    if (s != NULL) {
        store_close(s);
        return NGX_HTTP_JAMHOOK_STORE_OK;
    }

    return failure.kind;
}


#define try_write()  store_try(NGX_HTTP_JAMHOOK_SESSION_WRITE, 0)
#define try_read()   store_try(NGX_HTTP_JAMHOOK_SESSION_READ, 0)


static ngx_uint_t
failure_says(const char *text)
{
    return strstr((char *) failure.text, text) != NULL;
}


/* statements that failed in the database, as its statistics know it */

static int64_t
rolled_back(void)
{
    store_settle();

    return sql("SELECT xact_rollback FROM pg_stat_database"
               " WHERE datname = current_database()");
}


static void
test_nothing(void)
{
    store_new();

    ok(try_read() == NGX_HTTP_JAMHOOK_STORE_NOSTORE
       && failure_says("no tables"),
       "nothing there: a reading session says so");
    ok(store_try(NGX_HTTP_JAMHOOK_SESSION_WRITE, 1)
       == NGX_HTTP_JAMHOOK_STORE_NOSTORE
       && store_try(NGX_HTTP_JAMHOOK_SESSION_READ, 1)
          == NGX_HTTP_JAMHOOK_STORE_NOSTORE,
       "and so does a guest");
    ok(sql("SELECT count(*) FROM pg_namespace WHERE nspname = 'jamhook'") == 0,
       "they make none");
    ok(rolled_back() == 0, "and there is no error in the server's log");
}


/* nodes that start at once */

static void
test_many(void)
{
    int         i, status, opened, made;
    pid_t       pids[PROCESSES];
    session_t  *s;

    store_new();
    (void) fflush(stdout);

    for (i = 0; i < PROCESSES; i++) {
        pids[i] = fork();

        if (pids[i] == 0) {
            s = store_open(NGX_HTTP_JAMHOOK_SESSION_WRITE);

            if (s == NULL) {
                (void) printf("# %d %s\n", failure.kind, failure.text);
                (void) fflush(stdout);
            }

            _exit(s == NULL ? 9 : (int) created);
        }
    }

    opened = 0;
    made = 0;

    for (i = 0; i < PROCESSES; i++) {
        (void) waitpid(pids[i], &status, 0);

        if (WIFEXITED(status) && WEXITSTATUS(status) < 2) {
            opened++;
            made += WEXITSTATUS(status);
        }
    }

    ok(opened == PROCESSES && made == 1,
       "%d processes at once: %d have a store, %d made it", PROCESSES, opened,
       made);
    ok(sql("SELECT count(*) FROM jamhook.endpoints") == 2
       && sql("SELECT count(*) FROM jamhook.meta WHERE key = 'version'"
              " AND value = 1") == 1,
       "once");
    ok(rolled_back() == 0, "and none ran into another");
    ok(try_write() == NGX_HTTP_JAMHOOK_STORE_OK && !created
       && try_read() == NGX_HTTP_JAMHOOK_STORE_OK, "then it is there");
}


/* all a node does, by a user who may only what the script grants */

static void
run_all(session_t *s)
{
    poll_t                        poll;
    int64_t                       event;
    claim_t                       claims;
    retain_t                      retained;
    recover_t                     resume;
    ngx_pool_t                   *pool;
    ngx_http_jamhook_want_t       want;
    ngx_http_jamhook_op_probe_t   probe;

    event = event_put(s, "one", 2, 1);

    ok(event >= 1000000000000000
       && outcome(s, event, 1, NGX_HTTP_JAMHOOK_STATE_SUCCEEDED) == NGX_OK,
       "it stores and sends");

    now.now += DAY;
    ok(poll_store(&poll, &pool) == NGX_OK && orphans(&poll) == 1, "polls");
    ngx_destroy_pool(pool);
    now.now -= DAY;

    (void) event_put(s, "two", 1, 0);
    ok(claim(s, &claims, &want, 0, 5) == 1, "claims");
    claims_free(&claims);

    ngx_memzero(&resume, sizeof(recover_t));
    resume.op.type = NGX_HTTP_JAMHOOK_OP_RESUME;
    ok(pause_endpoint(s, 0, NGX_HTTP_JAMHOOK_PAUSE_MANUAL) == NGX_OK
       && store_write(s, &resume) == NGX_OK && resume.done,
       "pauses and resumes");

    ngx_memzero(&probe, sizeof(ngx_http_jamhook_op_probe_t));
    probe.op.type = NGX_HTTP_JAMHOOK_OP_PROBE;
    ok(store_write(s, &probe) == NGX_OK, "probes");

    (void) event_put(s, "three", 1, 0);
    ok(forget(s, "three") == NGX_HTTP_JAMHOOK_FORGET_OK, "forgets");

    now.now += 2 * DAY;
    ok(retain(s, &retained, DAY) == 1, "and removes");
    now.now -= 2 * DAY;
}


static void
test_rights(void)
{
    const char  **p;
    session_t    *s;
    ngx_uint_t    made;

    store_new();

    (void) snprintf(user, sizeof(user), "jh_user_%d", (int) getpid());
    (void) store_server_exec("CREATE ROLE %s LOGIN", user);

    store_as(user);
    ok(try_write() == NGX_HTTP_JAMHOOK_STORE_NOSTORE
       && failure_says("may not make them"),
       "who may not make the tables is told so");
    store_as(NULL);
    ok(rolled_back() == 0, "without an error in the server's log");

    /* the owner of the database has made the schema, and no more */

    (void) sql("CREATE SCHEMA jamhook AUTHORIZATION %s", user);
    store_as(user);
    s = store_open(NGX_HTTP_JAMHOOK_SESSION_WRITE);
    ok(s != NULL && created, "who has got an empty schema makes them there");

    if (s != NULL) {
        store_close(s);
    }

    store_as(NULL);
    ok(sql("SELECT count(*) FROM pg_tables WHERE schemaname = 'jamhook'"
           " AND tableowner <> '%s'", user) == 0, "and they are his");
    (void) sql("DROP SCHEMA jamhook CASCADE");

    /* or all of it, by the script */

    (void) sql("CREATE SCHEMA jamhook");

    for (p = ngx_http_jamhook_pgsql_tables; *p != NULL; p++) {
        if (sql("%s", *p) == -2) {
            ok(0, "the script's %.40s", *p);
        }
    }

    store_as(user);
    ok(try_write() == NGX_HTTP_JAMHOOK_STORE_DENIED, "no rights on them");
    store_as(NULL);
    ok(rolled_back() == 1, "which is an error");

    made = sql("SELECT count(*) FROM pg_roles WHERE rolname = 'jamhook'") == 0
           && store_server_exec("CREATE ROLE jamhook");

    for (p = ngx_http_jamhook_pgsql_grants; *p != NULL; p++) {
        if (sql("%s", *p) == -2) {
            ok(0, "the script's %.40s", *p);
        }
    }

    (void) sql("GRANT jamhook TO %s", user);

    store_as(user);
    s = store_open(NGX_HTTP_JAMHOOK_SESSION_WRITE);

    if (ok(s != NULL && !created, "with the script's rights")) {
        run_all(s);
        store_close(s);
    }

    store_as(NULL);
    (void) sql("DROP SCHEMA jamhook CASCADE");
    (void) store_server_exec("DROP ROLE %s", user);

    if (made) {
        (void) store_server_exec("DROP ROLE jamhook");
    }
}


static void
test_versions(void)
{
    store_close(store_fresh());

    (void) sql("UPDATE meta SET value = 2 WHERE key = 'version'");
    ok(try_write() == NGX_HTTP_JAMHOOK_STORE_OK && !created
       && sql("SELECT value FROM meta WHERE key = 'version'") == 2,
       "one version later: it is used as it is");

    (void) sql("UPDATE meta SET value = 2 WHERE key = 'compatible'");
    ok(try_write() == NGX_HTTP_JAMHOOK_STORE_NEWER
       && try_read() == NGX_HTTP_JAMHOOK_STORE_NEWER,
       "unless it says that it cannot be");

    (void) sql("UPDATE meta SET value = 1 WHERE key = 'compatible'");
    (void) sql("UPDATE meta SET value = 3 WHERE key = 'version'");
    ok(try_write() == NGX_HTTP_JAMHOOK_STORE_NEWER
       && failure_says("later version"), "two versions later");

    (void) sql("DELETE FROM meta");
    ok(try_write() == NGX_HTTP_JAMHOOK_STORE_CORRUPT, "no version");

    (void) sql("DROP TABLE meta");
    (void) sql("CREATE TABLE jamhook.meta (name text)");
    ok(try_write() == NGX_HTTP_JAMHOOK_STORE_CORRUPT, "a table of others");
}


static void
test_others(void)
{
    store_new();

    (void) sql("CREATE SCHEMA jamhook");
    (void) sql("CREATE TABLE jamhook.events (id int)");
    ok(try_write() == NGX_HTTP_JAMHOOK_STORE_CORRUPT
       && sql("SELECT count(*) FROM pg_tables WHERE schemaname = 'jamhook'")
          == 1,
       "a schema that somebody else has is left alone");

    (void) sql("DROP SCHEMA jamhook CASCADE");
    ok(try_write() == NGX_HTTP_JAMHOOK_STORE_OK && created,
       "when it is gone there is a store");
}


static void
test_encoding(void)
{
    store_new();
    store_clean();

    (void) snprintf(store_name, sizeof(store_name), "jh_%d_latin",
                    (int) store_pid);
    (void) store_server_exec("CREATE DATABASE %s TEMPLATE template0"
                             " ENCODING 'LATIN1' LOCALE 'C'", store_name);
    (void) snprintf(strstr(store_uri, "dbname="), 80, "dbname=%s", store_name);
    store_conf.conninfo.len = strlen(store_uri);

    ok(try_write() == NGX_HTTP_JAMHOOK_STORE_CORRUPT && failure_says("UTF8"),
       "another encoding: %s", failure.text);
}


/* the views are for people: they must be there and say words */

static void
test_views(void)
{
    session_t  *s;

    s = store_fresh();

    (void) event_put(s, "msg", 2, 1);
    (void) outcome(s, 1, 1, NGX_HTTP_JAMHOOK_STATE_PENDING);

    ok(sql("SELECT count(*) FROM show_deliveries WHERE id = 'msg'"
           " AND (endpoint = 'fin' AND state = 'pending'"
           " AND next_attempt_at = '2025-09-09 12:00:01+00'"
           " OR endpoint = 'audit' AND state = 'sending')")
       == 2, "deliveries in words");
    (void) pause_endpoint(s, 0, NGX_HTTP_JAMHOOK_PAUSE_GONE);
    ok(sql("SELECT count(*) FROM show_deliveries WHERE state = 'paused'") == 1
       && sql("SELECT count(*) FROM show_endpoints WHERE name = 'fin'"
              " AND state = 'paused' AND reason = 'gone'"
              " AND paused_at = '2025-09-09 12:00:00+00'")
          == 1,
       "endpoints");
    ok(sql("SELECT count(*) FROM show_attempts WHERE result = 'failed'"
           " AND trigger = 'scheduled' AND status = 500 AND error IS NULL")
       == 1, "attempts");
    ok(sql("SELECT bytes FROM show_events WHERE id = 'msg'"
           " AND received_at = '2025-09-09 12:00:00+00'") == 2, "events");

    store_close(s);
}


int
main(void)
{
    test_nothing();
    test_many();
    test_rights();
    test_versions();
    test_others();
    test_encoding();
    test_views();

    return done();
}
