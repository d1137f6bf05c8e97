
#include "sqlite_store.h"


/* a process that claims an event and ends as if it were killed */

static void
claim_and_die(const char *id)
{
    int    status;
    pid_t  pid;

    (void) fflush(stdout);
    pid = fork();

    if (pid == 0) {
        session_t  *s = store_open(NGX_HTTP_JAMHOOK_SESSION_WRITE);

        _exit(s == NULL || event_put(s, id, 1, 1) == 0);
    }

    (void) waitpid(pid, &status, 0);

    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        ok(0, "a process claims %s", id);
    }
}


static void
test_orphans(void)
{
    poll_t                      op;
    outcome_t                   out;
    ngx_str_t                   owner;
    session_t                  *s, *other;
    ngx_pool_t                 *pool;
    ngx_http_jamhook_orphan_t  *o;

    store_new();

    /* before any other session: a child must not have its descriptors */

    claim_and_die("dies");
    ok(files("worker.") == 1, "a dead process leaves its file");

    ok(poll_store(&op, &pool) == NGX_OK && orphans(&op) == 1,
       "what it was sending is an orphan, at once");

    o = op.orphans;
    ok(o->endpoint == 0 && o->event == 1 && o->number == 1 && o->step == 0
       && o->interrupted == 0 && o->started_at == now.now
       && o->trigger == NGX_HTTP_JAMHOOK_TRIGGER_SCHEDULED,
       "with what is known of the attempt");
    is(o->id, "dies", "the event's id");
    ok(o->owner.len == 32, "its owner");
    ok(files("worker.") == 0, "the file is removed");
    owner = o->owner;

    s = store_open(NGX_HTTP_JAMHOOK_SESSION_WRITE);
    other = store_open(NGX_HTTP_JAMHOOK_SESSION_WRITE);

    outcome_set(&out, 1, 1, NGX_HTTP_JAMHOOK_STATE_PENDING);
    out.result = NGX_HTTP_JAMHOOK_RESULT_INTERRUPTED;
    out.owner = owner;
    ok(store_write(s, &out) == NGX_OK && !out.late, "somebody speaks for it");
    ok(store_write(other, &out) == NGX_OK && out.late
       && sql("SELECT count(*) FROM attempts") == 1, "one, not two");
    ngx_destroy_pool(pool);

    ok(event_put(s, "mine", 2, 1) == 2
       && event_put(other, "theirs", 1, 1) == 3, "two owners send");
    ok(poll_store(&op, &pool) == NGX_OK && orphans(&op) == 0,
       "who lives keeps what is his");
    ngx_destroy_pool(pool);

    now.mono += LEASE - 1;
    (void) poll_store(&op, &pool);
    ok(orphans(&op) == 0, "to the last moment");
    ngx_destroy_pool(pool);

    now.mono += 1;
    (void) poll_store(&op, &pool);
    ok(orphans(&op) == 3, "then the lease is over");
    ngx_destroy_pool(pool);

    store_conf.nendpoints = 1;
    (void) poll_store(&op, &pool);
    ok(orphans(&op) == 2, "of endpoints that are known here");
    ngx_destroy_pool(pool);
    store_conf.nendpoints = 2;

    ok(outcome(s, 2, 1, NGX_HTTP_JAMHOOK_STATE_SUCCEEDED) == NGX_OK,
       "while nobody has acted on it, its owner may still end it");

    now.mono -= LEASE;
    store_close(other);
    (void) poll_store(&op, &pool);
    ok(orphans(&op) == 1 && op.orphans->event == 3,
       "an owner that closed is gone");
    ngx_destroy_pool(pool);

    store_close(s);
}


static void
test_orphans_many(void)
{
    poll_t       op;
    session_t   *s;
    ngx_pool_t  *pool;

    s = store_fresh();
    events_put(s, "e", 700, 1);
    (void) sql("UPDATE deliveries SET state = 1, attempts = 1, lease_owner ="
               " printf('%%032x', event %% 3), lease_until = %lld", INT64_MAX);

    ok(poll_store(&op, &pool) == NGX_OK
       && orphans(&op) == NGX_HTTP_JAMHOOK_STORE_ROWS,
       "orphans of many owners, a batch of them");
    ngx_destroy_pool(pool);

    (void) sql("UPDATE deliveries SET lease_owner ="
               " '../../../../../../../etc/passwd.' WHERE event > 1");
    ok(poll_store(&op, &pool) == NGX_OK
       && orphans(&op) == NGX_HTTP_JAMHOOK_STORE_ROWS,
       "a name that is none is nobody's");
    ngx_destroy_pool(pool);

    store_close(s);
}


static int64_t
next_at(ngx_uint_t endpoint)
{
    poll_t       op;
    int64_t      at;
    ngx_pool_t  *pool;

    at = (poll_store(&op, &pool) == NGX_OK) ? op.endpoints[endpoint].next_at
                                            : -1;
    ngx_destroy_pool(pool);

    return at;
}


static void
test_next(void)
{
    poll_t       op;
    session_t   *s;
    ngx_pool_t  *pool;

    s = store_fresh();

    ok(next_at(0) == 0 && next_at(1) == 0, "nothing waits");

    events_put(s, "e", 4, 1);
    ok(next_at(0) == now.now && next_at(1) == 0, "some are due");

    (void) sql("UPDATE deliveries SET next_at = %lld + 1000 * event,"
               " class = 1 - (event = 3)", now.now);
    ok(next_at(0) == now.now + 1000, "the first of the backlog");
    (void) sql("UPDATE deliveries SET class = 1 - class");
    ok(next_at(0) == now.now + 1000, "or of the new ones");
    (void) sql("UPDATE deliveries SET next_at = %lld WHERE event = 3",
               now.now + LONGEST + 1);
    ok(next_at(0) == now.now, "one further ahead than can be is due");
    (void) sql("UPDATE deliveries SET next_at = %lld WHERE event = 3",
               now.now + LONGEST);
    ok(next_at(0) == now.now + 1000, "but not as far as can be");
    (void) sql("UPDATE deliveries SET next_at = 9 WHERE event = 2");
    ok(next_at(0) == 9, "what is overdue says since when");

    (void) pause_endpoint(s, 0, NGX_HTTP_JAMHOOK_PAUSE_FAILING);
    ok(next_at(0) == now.now + HOUR, "failing: when it is tried");
    (void) sql("UPDATE endpoints SET probe_at = %lld, failing_since = 8",
               now.now + HOUR + 1);
    ok(next_at(0) == now.now, "or now, if that is too far ahead");
    (void) sql("UPDATE endpoints SET probe_at = 5");
    (void) sql("UPDATE deliveries SET next_at = %lld", now.now + 7);
    ok(next_at(0) == now.now + 7, "not before one is due");

    (void) poll_store(&op, &pool);
    ok(op.endpoints[0].paused == NGX_HTTP_JAMHOOK_PAUSE_FAILING
       && op.endpoints[0].paused_at == now.now
       && op.endpoints[0].failing_since == 8
       && op.endpoints[1].paused == NGX_HTTP_JAMHOOK_PAUSE_NONE
       && op.endpoints[1].paused_at == 0,
       "how the endpoints stand");
    ngx_destroy_pool(pool);

    (void) sql("UPDATE endpoints SET probe_at = %lld", now.now + HOUR);
    (void) sql("UPDATE deliveries SET state = 2");
    ok(next_at(0) == 0, "failing, and nothing waits");
    (void) sql("UPDATE deliveries SET state = 0");

    (void) pause_endpoint(s, 0, NGX_HTTP_JAMHOOK_PAUSE_GONE);
    ok(next_at(0) == 0, "gone: nothing is to be done");
    (void) pause_endpoint(s, 0, NGX_HTTP_JAMHOOK_PAUSE_MANUAL);
    ok(next_at(0) == 0, "paused: likewise");

    store_close(s);
}


static ngx_int_t
poll_once(ngx_pool_t *pool)
{
    poll_t      op;
    ngx_int_t   rc;
    session_t  *s;
    ngx_uint_t  fail;

    fail = shim_fail;
    shim_fail = 0;
    s = store_open(NGX_HTTP_JAMHOOK_SESSION_READ);
    shim_fail = fail;

    ngx_memzero(&op, sizeof(poll_t));
    op.op.type = NGX_HTTP_JAMHOOK_OP_POLL;
    op.pool = pool;
    op.longest = LONGEST;

    rc = backend.read(s, &op.op, &now, &failure);

    store_close(s);

    return rc;
}


static void
test_no_memory(void)
{
    session_t  *s;

    s = store_fresh();
    events_put(s, "e", 2, 1);
    (void) sql("UPDATE deliveries SET state = 1, lease_owner ="
               " printf('%%032x', 7)");

    ok(shim_exhaust(poll_once) == 3
       && failure.kind == NGX_HTTP_JAMHOOK_STORE_OK,
       "without memory at each place");

    store_conf.nendpoints = 3;
    ok(next_at(2) == 0, "an endpoint that no writer has had yet");

    store_close(s);
}


/* what SQLite says of how it will carry out a statement */

static void
plan(session_t *s, const char *text, char *buf, size_t size)
{
    char          *explain;
    sqlite3_stmt  *st;

    buf[0] = '\0';
    explain = sqlite3_mprintf("EXPLAIN QUERY PLAN %s", text);

    if (sqlite3_prepare_v2(s->db, explain, -1, &st, NULL) == SQLITE_OK) {
        while (sqlite3_step(st) == SQLITE_ROW) {
            (void) snprintf(buf + strlen(buf), size - strlen(buf), "%s; ",
                            (const char *) sqlite3_column_text(st, 3));
        }

    } else {
        (void) snprintf(buf, size, "SCAN %s", sqlite3_errmsg(s->db));
    }

    (void) sqlite3_finalize(st);
    sqlite3_free(explain);
}


static void
test_plans(void)
{
    char        text[1024], *scan, *sort;
    session_t  *s;
    ngx_uint_t  i;

    static struct {
        ngx_http_jamhook_sql_e   sql;
        const char              *index;
    } indexes[] = {
        { NGX_HTTP_JAMHOOK_SQL_DUE,
          "INDEX deliveries_due (endpoint=? AND class=? AND next_at<?)" },
        { NGX_HTTP_JAMHOOK_SQL_DUE_FAR,
          "INDEX deliveries_due (endpoint=? AND class=? AND next_at>?)" },
        { NGX_HTTP_JAMHOOK_SQL_DUE_FIRST,
          "INDEX deliveries_due (endpoint=? AND class=?)" },
        { NGX_HTTP_JAMHOOK_SQL_DUE_LAST,
          "INDEX deliveries_due (endpoint=? AND class=?)" },
        { NGX_HTTP_JAMHOOK_SQL_RECOVER_LIST,
          "INDEX deliveries_failed (endpoint=? AND event>? AND event<?)" },
        { NGX_HTTP_JAMHOOK_SQL_RECOVER_LIST,
          "INDEX deliveries_pending (endpoint=? AND event>? AND event<?)" },
        { NGX_HTTP_JAMHOOK_SQL_RESUME,
          "INDEX deliveries_due (endpoint=? AND class=?)" },
        { NGX_HTTP_JAMHOOK_SQL_OUTCOME,
          "PRIMARY KEY (event=? AND endpoint=?)" },
        { NGX_HTTP_JAMHOOK_SQL_POLL_OWNER,
          "INDEX deliveries_sending (lease_owner>?)" },
        { NGX_HTTP_JAMHOOK_SQL_POLL_ORPHANS,
          "INDEX deliveries_sending (lease_owner=? AND lease_until<?)" },
        { NGX_HTTP_JAMHOOK_SQL_REMOVE_ATTEMPTS,
          "INDEX attempts_event (event=?)" },
        { NGX_HTTP_JAMHOOK_SQL_TALLY_LIST, "PRIMARY KEY (event=?)" },
        { NGX_HTTP_JAMHOOK_SQL_ROLLUP_LIST,
          "PRIMARY KEY (span=? AND at>? AND at<?)" },
        { NGX_HTTP_JAMHOOK_SQL_ROLLUP_REMOVE,
          "PRIMARY KEY (span=? AND at=? AND endpoint=? AND slot=?)" },
        { NGX_HTTP_JAMHOOK_SQL_ROLLUP_REMOVE,
          "PRIMARY KEY (span=? AND at<?)" },
        { NGX_HTTP_JAMHOOK_SQL_WALK_EVENTS, "PRIMARY KEY (rowid<?)" },
        { NGX_HTTP_JAMHOOK_SQL_WALK_TYPE,
          "INDEX events_type (type=? AND rowid<?)" },
        { NGX_HTTP_JAMHOOK_SQL_WALK_CONVERSATION,
          "INDEX events_conversation (conversation_id=? AND rowid<?)" },
        { NGX_HTTP_JAMHOOK_SQL_WALK_JAM,
          "INDEX events_jam (jam_id=? AND rowid<?)" },
        { NGX_HTTP_JAMHOOK_SQL_WALK_PENDING,
          "INDEX deliveries_pending (endpoint=? AND event<?)" },
        { NGX_HTTP_JAMHOOK_SQL_WALK_FAILED,
          "INDEX deliveries_failed (endpoint=? AND event<?)" },
        { NGX_HTTP_JAMHOOK_SQL_WALK_SENDING,
          "INDEX deliveries_sending (lease_owner>?)" },
        { NGX_HTTP_JAMHOOK_SQL_WALK_ATTEMPTS, "PRIMARY KEY (rowid<?)" },
        { NGX_HTTP_JAMHOOK_SQL_WALK_RESULT,
          "INDEX attempts_result (endpoint=? AND result=? AND rowid<?)" },
        { NGX_HTTP_JAMHOOK_SQL_TIME_OF_EVENT, "PRIMARY KEY (rowid>?)" },
        { NGX_HTTP_JAMHOOK_SQL_TIME_OF_ATTEMPT, "PRIMARY KEY (rowid>?)" },
        { NGX_HTTP_JAMHOOK_SQL_SHOW_EVENT, "PRIMARY KEY (rowid=?)" },
        { NGX_HTTP_JAMHOOK_SQL_SHOW_DELIVERIES, "PRIMARY KEY (event=?)" },
        { NGX_HTTP_JAMHOOK_SQL_SHOW_ATTEMPTS,
          "INDEX attempts_event (event=?)" },
        { NGX_HTTP_JAMHOOK_SQL_SHOW_ATTEMPT,
          "SEARCH a USING INTEGER PRIMARY KEY (rowid=?)" },
        { NGX_HTTP_JAMHOOK_SQL_LAST_ATTEMPT_OF,
          "INDEX attempts_result (endpoint=? AND result=?)" },
        { NGX_HTTP_JAMHOOK_SQL_COUNT_PENDING,
          "COVERING INDEX deliveries_pending (endpoint=?)" },
        { NGX_HTTP_JAMHOOK_SQL_COUNT_FAILED,
          "COVERING INDEX deliveries_failed (endpoint=?)" },
        { NGX_HTTP_JAMHOOK_SQL_LIST_SENDING,
          "INDEX deliveries_sending (lease_owner>?)" }
    };

    s = store_fresh();

    for (i = 0; i < NGX_HTTP_JAMHOOK_SQL_N; i++) {
        plan(s, ngx_http_jamhook_sqlite_sql[i], text, sizeof(text));

        scan = strstr(text, "SCAN CONSTANT ROW; ");
        scan = scan ? scan + 5 : text;

        /* of endpoints there are few, and few deliveries are being sent */

        if (strncmp(scan, "SCAN endpoints", 14) == 0) {
            scan += 5;
        }

        sort = (i == NGX_HTTP_JAMHOOK_SQL_WALK_SENDING)
                   ? NULL : strstr(text, "TEMP B-TREE");

        if (!ok(strstr(scan, "SCAN ") == NULL && sort == NULL,
                "no table is walked through: %.60s",
                ngx_http_jamhook_sqlite_sql[i]))
        {
            (void) printf("# %s\n", text);
        }
    }

    for (i = 0; i < nitems(indexes); i++) {
        plan(s, ngx_http_jamhook_sqlite_sql[indexes[i].sql], text,
             sizeof(text));

        if (!ok(strstr(text, indexes[i].index) != NULL, "by %s",
                indexes[i].index))
        {
            (void) printf("# %s\n", text);
        }
    }

    store_close(s);
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
           " AND next_attempt_at > '2025'"
           " OR endpoint = 'audit' AND state = 'sending')")
       == 2, "deliveries in words");
    (void) pause_endpoint(s, 0, NGX_HTTP_JAMHOOK_PAUSE_GONE);
    ok(sql("SELECT count(*) FROM show_deliveries WHERE state = 'paused'") == 1
       && sql("SELECT count(*) FROM show_endpoints WHERE name = 'fin'"
              " AND state = 'paused' AND reason = 'gone'")
          == 1,
       "endpoints");
    ok(sql("SELECT count(*) FROM show_attempts WHERE result = 'failed'"
           " AND trigger = 'scheduled' AND status = 500 AND error IS NULL")
       == 1, "attempts");
    ok(sql("SELECT bytes FROM show_events WHERE id = 'msg'") == 2, "events");

    store_close(s);
}


/* a clock that is set back, by less than anything is ever put off */

static void
test_set_back(void)
{
    poll_t                     op;
    claim_t                    taken;
    int64_t                    noon;
    session_t                 *s, *other, *reader;
    ngx_pool_t                *pool;
    ngx_http_jamhook_want_t    want;

    s = store_fresh();
    other = store_open(NGX_HTTP_JAMHOOK_SESSION_WRITE);
    reader = store_open(NGX_HTTP_JAMHOOK_SESSION_READ);

    noon = now.now;

    (void) event_put(s, "waits", 1, 1);
    (void) outcome(s, 1, 1, NGX_HTTP_JAMHOOK_STATE_PENDING);
    ok(claim(other, &taken, &want, 0, 4) == 0 && want.next_at == noon + 1000,
       "a delivery waits for a second");

    now.now -= HOUR;

    pool = ngx_create_pool(1, NULL);
    ngx_memzero(&op, sizeof(poll_t));
    op.op.type = NGX_HTTP_JAMHOOK_OP_POLL;
    op.pool = pool;
    op.longest = LONGEST;

    ok(backend.read(reader, &op.op, &now, &failure) == NGX_OK
       && op.endpoints[0].next_at == now.now,
       "the clock is set back an hour: there is something to be done");
    ok(backend.read(reader, &op.op, &now, &failure) == NGX_OK
       && op.endpoints[0].next_at == noon + 1000, "which is told once");
    ngx_destroy_pool(pool);

    ok(claim(s, &taken, &want, 0, 4) == 0 && want.next_at == now.now + 1000,
       "it waits for a second from now on");

    now.now += 10;
    ok(claim(other, &taken, &want, 0, 4) == 0
       && want.next_at == now.now - 10 + 1000, "others change that no more");

    now.now += 990;
    ok(claim(other, &taken, &want, 0, 4) == 1, "and goes on");
    claims_free(&taken);

    /* set back while nobody was there to see it */

    (void) outcome(other, 1, 2, NGX_HTTP_JAMHOOK_STATE_PENDING);
    store_close(reader);
    store_close(other);
    store_close(s);

    now.now -= HOUR;

    s = store_open(NGX_HTTP_JAMHOOK_SESSION_WRITE);
    ok(claim(s, &taken, &want, 0, 4) == 0 && want.next_at == now.now + 1000,
       "the next process finds that it was set back");
    store_close(s);

    now.now = noon;
}


/* what nobody here could go on with is given back */

static void
test_release(void)
{
    session_t  *s, *other;
    retain_t    op;

    s = store_fresh();

    store_conf.nendpoints = 3;
    other = store_open(NGX_HTTP_JAMHOOK_SESSION_WRITE);
    store_conf.nendpoints = 2;

    (void) event_put(other, "one", 3, 1);
    ok(sql("SELECT count(*) FROM deliveries WHERE state = 1") == 3,
       "one is sent to three, one of which we do not have");

    ngx_memzero(&op, sizeof(retain_t));
    op.op.type = NGX_HTTP_JAMHOOK_OP_RETAIN;
    op.age = DAY;

    ok(store_write(s, &op) == NGX_OK
       && sql("SELECT count(*) FROM deliveries WHERE state = 1") == 3,
       "while its owner lives it is left alone");

    store_close(other);

    ok(store_write(s, &op) == NGX_OK
       && sql("SELECT count(*) FROM deliveries WHERE state = 1") == 2
       && sql("SELECT count(*) FROM deliveries WHERE state = 0 AND"
              " endpoint = 3 AND lease_owner IS NULL AND class = 1") == 1,
       "when it is gone what is not ours waits again");

    (void) sql("UPDATE deliveries SET lease_owner = NULL WHERE endpoint = 1");
    (void) sql("UPDATE deliveries SET lease_owner = 'x' WHERE endpoint = 2");
    store_close(s);

    s = store_open(NGX_HTTP_JAMHOOK_SESSION_WRITE);
    ok(sql("SELECT count(*) FROM deliveries WHERE state = 0") == 3,
       "a lease without an owner is none");
    store_close(s);
}


int
main(void)
{
    test_orphans();
    test_orphans_many();
    test_release();
    test_next();
    test_set_back();
    test_no_memory();
    test_plans();
    test_views();

    return done();
}
