
/* What only several nodes at once can show, of what changes many rows. */

#include "store.h"

#include <unistd.h>


/* the number of the lock in pgsql_sql.c */
#define RETAINING  "7738153410428823553"


/* another node's transaction: what it holds stays held till other_end() */

static void
other_begin(const char *fmt, ...)
{
    char      text[512];
    va_list   args;

    va_start(args, fmt);
    (void) vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);

    if (sql("BEGIN") == -2 || sql("%s", text) == -2) {
        ok(0, "another node: %s", text);
    }
}


static void
other_end(void)
{
    (void) sql("COMMIT");
}


/* the same a while later, while this process does something else */

static void
other_end_later(void)
{
    (void) PQsendQuery(store_outside, "SELECT pg_sleep(0.3); COMMIT");
}


static void
other_join(void)
{
    PGresult  *res;

    for ( ;; ) {
        res = PQgetResult(store_outside);

        if (res == NULL) {
            return;
        }

        PQclear(res);
    }
}


static void
test_retain_turn(void)
{
    retain_t    op;
    session_t  *s;

    s = store_fresh();
    events_put(s, "old", 5, 1);
    (void) sql("UPDATE deliveries SET state = 2");
    now.now += 2 * DAY;

    other_begin("SELECT pg_advisory_xact_lock(" RETAINING ")");
    ok(retain(s, &op, DAY) == 0 && !op.more
       && sql("SELECT count(*) FROM events") == 5,
       "another node removes: this one leaves it to that");
    ok(sql("SELECT min(seen_at) FROM endpoints") == now.now,
       "but says that it has its endpoints");
    other_end();
    ok(retain(s, &op, DAY) == 5, "then it is its turn");

    store_close(s);
}


/* each process removes what it can get, until nothing is left */

static void
test_retain_many(void)
{
    int         i, status;
    pid_t       pids[4];
    retain_t    op;
    session_t  *s;
    ngx_uint_t  removed, whole, n;

    s = store_fresh();

    for (i = 0; i < 4; i++) {
        events_put(s, &"a\0b\0c\0d\0"[2 * i], 200, 2);
    }

    (void) sql("UPDATE deliveries SET state = 2");
    (void) sql("INSERT INTO tallies VALUES (1, 99, 800), (2, 99, 800)");
    store_close(s);
    now.now += 2 * DAY;
    (void) fflush(stdout);

    for (i = 0; i < 4; i++) {
        pids[i] = fork();

        if (pids[i] == 0) {
            s = store_open(NGX_HTTP_JAMHOOK_SESSION_WRITE);
            removed = 0;

            for (n = 0; s != NULL && n < 100 && removed < 250; n++) {

                if (retain(s, &op, DAY) == -1) {
                    _exit(255);
                }

                removed += op.removed;
                (void) usleep(1000);
            }

            _exit(s == NULL ? 255 : removed / 4);
        }
    }

    removed = 0;
    whole = 0;

    for (i = 0; i < 4; i++) {
        (void) waitpid(pids[i], &status, 0);

        if (WIFEXITED(status) && WEXITSTATUS(status) != 255) {
            whole++;
            removed += 4 * WEXITSTATUS(status);
        }
    }

    ok(whole == 4 && removed == 800,
       "four nodes at once: %d without trouble, %d events removed in all",
       (int) whole, (int) removed);
    ok(sql("SELECT count(*) FROM events") == 0
       && sql("SELECT count(*) FROM deliveries") == 0
       && sql("SELECT count(*) FROM tallies") > 2
       && sql("SELECT sum(succeeded) FROM tallies WHERE endpoint = 1") == 0
       && sql("SELECT sum(succeeded) FROM tallies WHERE endpoint = 2") == 0,
       "none is left, none was counted twice");
}


/* what others have in hand stays, and is not waited for */

static void
test_retain_held(void)
{
    retain_t    op;
    session_t  *s;

    s = store_fresh();
    events_put(s, "old", 5, 2);
    (void) sql("UPDATE deliveries SET state = 2");
    (void) sql("UPDATE deliveries SET state = 0 WHERE event = 5");
    now.now += 2 * DAY;

    other_begin("UPDATE deliveries SET state = 1 WHERE event = 2"
                " AND endpoint = 2");
    ok(retain(s, &op, DAY) == 3
       && sql("SELECT count(*) FROM deliveries WHERE event = 2") == 2,
       "a delivery that is claimed at this moment");
    other_end();
    ok(retain(s, &op, DAY) == 0, "then it is being sent");
    (void) sql("DELETE FROM deliveries WHERE event = 2");

    other_begin("SELECT 1 FROM events WHERE seq = 2 FOR KEY SHARE");
    ok(retain(s, &op, DAY) == 0, "an event without any, that gets one");
    other_end();
    ok(retain(s, &op, DAY) == 1 && sql("SELECT min(seq) FROM events") == 5,
       "and afterwards");

    /* seen_at: whoever has the row notes it himself, or in its next round */

    (void) sql("UPDATE endpoints SET seen_at = 0");
    other_begin("SELECT 1 FROM endpoints WHERE id = 1 FOR UPDATE");
    (void) retain(s, &op, DAY);
    ok(sql("SELECT seen_at FROM endpoints WHERE id = 1") == 0
       && sql("SELECT seen_at FROM endpoints WHERE id = 2") == now.now,
       "nor is an endpoint's row waited for");
    other_end();

    store_close(s);
}


static void
test_release(void)
{
    retain_t    op;
    session_t  *s;

    s = store_fresh();
    events_put(s, "e", 4, 1);
    (void) sql("UPDATE deliveries SET state = 1, attempts = 1,"
               " lease_owner = repeat('a', 32), lease_until = %lld",
               now.now + 10);
    (void) sql("UPDATE deliveries SET endpoint = 77 WHERE event = 1");
    (void) sql("UPDATE deliveries SET lease_owner = NULL WHERE event = 2");
    (void) sql("UPDATE deliveries SET lease_owner = '' WHERE event = 3");

    (void) retain(s, &op, DAY);
    ok(sql("SELECT count(*) FROM deliveries WHERE state = 1") == 4,
       "leases that go on");

    now.now += 10;
    (void) retain(s, &op, DAY);
    ok(sql("SELECT count(*) FROM deliveries WHERE state = 0 AND event < 4"
           " AND class = 1 AND lease_until = 0 AND lease_owner IS NULL"
           " AND next_at = %lld", now.now) == 3
       && sql("SELECT state FROM deliveries WHERE event = 4") == 1,
       "then what nobody here could go on with waits again");

    store_close(s);
}


/* 1 if the other nodes were woken since the last time */

static ngx_uint_t
woken(void)
{
    PGnotify    *notify;
    ngx_uint_t   n;

    (void) sql("SELECT 1");

    for (n = 0; /* void */ ; n = 1) {
        notify = PQnotifies(store_outside);

        if (notify == NULL) {
            return n;
        }

        PQfreemem(notify);
    }
}


static ngx_int_t
replay(session_t *s, const char *id, ngx_uint_t endpoint)
{
    replay_t   op;
    ngx_str_t  source;

    ngx_memzero(&op, sizeof(replay_t));
    ngx_str_set(&source, "/jam");

    op.op.type = NGX_HTTP_JAMHOOK_OP_REPLAY;
    op.id = str(id);
    op.endpoint = endpoint;
    op.may_add = 1;
    op.sources = &source;
    op.nsources = 1;

    return store_write(s, &op) == NGX_OK ? (ngx_int_t) op.verdict : -1;
}


static ngx_uint_t
recover(session_t *s, ngx_http_jamhook_op_e type)
{
    recover_t  op;

    ngx_memzero(&op, sizeof(recover_t));
    op.op.type = type;

    return store_write(s, &op) == NGX_OK && op.done;
}


static void
test_wake(void)
{
    retain_t    op;
    session_t  *s;

    s = store_fresh();
    events_put(s, "e", 2, 1);
    (void) sql("LISTEN jamhook");

    ok(replay(s, "none", NGX_HTTP_JAMHOOK_NO_ENDPOINT) == 1 && !woken(),
       "a replay of nothing wakes nobody");
    ok(replay(s, "e0000", 0) == 0 && woken(), "one of something does");
    ok(replay(s, "e0000", 1) == 0 && woken(), "and one that adds a delivery");

    (void) sql("UPDATE deliveries SET next_at = 0");
    ok(recover(s, NGX_HTTP_JAMHOOK_OP_RECOVER) && !woken(),
       "nothing to recover");
    (void) sql("UPDATE deliveries SET state = 3");
    ok(recover(s, NGX_HTTP_JAMHOOK_OP_RECOVER) && woken(), "something");

    ok(recover(s, NGX_HTTP_JAMHOOK_OP_RESUME) && !woken(), "no pause");
    (void) pause_endpoint(s, 0, NGX_HTTP_JAMHOOK_PAUSE_MANUAL);
    ok(!woken(), "a pause");
    ok(recover(s, NGX_HTTP_JAMHOOK_OP_RESUME) && woken(), "its end");

    (void) retain(s, &op, DAY);
    ok(!woken(), "nothing to release");
    (void) sql("UPDATE deliveries SET state = 1, endpoint = 77,"
               " lease_owner = 'x' WHERE event = 2");
    (void) retain(s, &op, DAY);
    ok(woken(), "something");

    store_close(s);
}


/* a claim that others are making is seen, though it is not there yet */

static void
test_claimed(void)
{
    session_t  *s;

    s = store_fresh();
    events_put(s, "e", 3, 2);

    other_begin("UPDATE deliveries SET state = 1, attempts = 1"
                " WHERE event = 1 AND endpoint = 2");
    other_end_later();
    ok(forget(s, "e0000") == NGX_HTTP_JAMHOOK_FORGET_SENDING,
       "forget: it is being claimed");
    other_join();
    ok(sql("SELECT forgotten FROM events WHERE seq = 1") == 0, "and stays");

    other_begin("UPDATE deliveries SET state = 1, attempts = 1"
                " WHERE event = 2 AND endpoint = 2");
    other_end_later();
    ok(replay(s, "e0001", NGX_HTTP_JAMHOOK_NO_ENDPOINT)
       == NGX_HTTP_JAMHOOK_REPLAY_SENDING, "replay: likewise");
    other_join();

    other_begin("DELETE FROM events WHERE seq = 3");
    other_end_later();
    ok(replay(s, "e0002", NGX_HTTP_JAMHOOK_NO_ENDPOINT)
       == NGX_HTTP_JAMHOOK_REPLAY_NO_EVENT, "an event that is being removed");
    other_join();

    store_close(s);
}


/* what two nodes do to the same deliveries at once */

static void
test_recover_two(void)
{
    session_t  *s;

    s = store_fresh();
    events_put(s, "e", 3, 1);
    (void) sql("UPDATE deliveries SET state = 3");

    other_begin("UPDATE deliveries SET state = 1 WHERE event = 2");
    other_end_later();
    ok(recover(s, NGX_HTTP_JAMHOOK_OP_RECOVER), "recover, while another node"
       " sends one of them");
    other_join();
    ok(sql("SELECT count(*) FROM deliveries WHERE state = 0 AND replay = 1")
       == 2
       && sql("SELECT state FROM deliveries WHERE event = 2") == 1,
       "which stays as it is");

    store_close(s);
}


/* the tables went and came again: ids of before mean nothing */

static void
test_other_tables(void)
{
    poll_t       op;
    session_t   *s, *reader;
    ngx_pool_t  *pool;

    s = store_fresh();
    reader = store_open(NGX_HTTP_JAMHOOK_SESSION_READ);
    (void) sql("DELETE FROM endpoints WHERE id = 1");

    pool = ngx_create_pool(1, NULL);
    ngx_memzero(&op, sizeof(poll_t));
    op.op.type = NGX_HTTP_JAMHOOK_OP_POLL;
    op.pool = pool;
    op.longest = LONGEST;

    ngx_memzero(&failure, sizeof(failure));
    ok(backend.read(reader, &op.op, &now, &failure) == NGX_ERROR
       && failure.kind == NGX_HTTP_JAMHOOK_STORE_CORRUPT,
       "an endpoint's row is gone: the session is of no use");
    ok(pause_endpoint(s, 0, NGX_HTTP_JAMHOOK_PAUSE_MANUAL) == NGX_ERROR
       && failure.kind == NGX_HTTP_JAMHOOK_STORE_CORRUPT, "nor is a writing");

    ngx_destroy_pool(pool);
    store_close(reader);
    store_close(s);
}


int
main(void)
{
    test_retain_turn();
    test_retain_many();
    test_retain_held();
    test_release();
    test_wake();
    test_claimed();
    test_recover_two();
    test_other_tables();

    return done();
}
