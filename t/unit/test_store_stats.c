
#include "store.h"


#define UNEQUAL                                                              \
    "SELECT count(*) FROM endpoints p WHERE (SELECT count(*)"                \
    " FROM deliveries d WHERE d.endpoint = p.id AND state = 2)"              \
    " <> (SELECT coalesce(sum(succeeded), 0) FROM tallies t"                 \
    " WHERE t.endpoint = p.id)"


static ngx_pool_t  *pool;


static void
test_slots(void)
{
    int64_t     ms, low;
    ngx_uint_t  i, good;

    good = 1;

    for (i = 1; i < NGX_HTTP_JAMHOOK_SLOTS; i++) {
        low = ngx_http_jamhook_backend_slot_ms(i);

        good &= (ngx_http_jamhook_backend_slot(low) == i
                 && ngx_http_jamhook_backend_slot(low - 1) == i - 1);
    }

    ok(good, "each slot begins where the one before ends");

    for (ms = 0; ms < 4000000; ms += 1 + ms / 97) {
        i = ngx_http_jamhook_backend_slot(ms);
        low = ngx_http_jamhook_backend_slot_ms(i);

        good &= (low <= ms && (ms - low <= low / 8
                               || i == NGX_HTTP_JAMHOOK_SLOTS - 1));
    }

    ok(good, "none is wider than an eighth of where it begins");
    ok(ngx_http_jamhook_backend_slot(0) == 0
       && ngx_http_jamhook_backend_slot(-5) == 0
       && ngx_http_jamhook_backend_slot(7) == 7
       && ngx_http_jamhook_backend_slot(8) == 8
       && ngx_http_jamhook_backend_slot(16) == 16
       && ngx_http_jamhook_backend_slot(17) == 16
       && ngx_http_jamhook_backend_slot(INT64_MAX)
          == NGX_HTTP_JAMHOOK_SLOTS - 1, "at the ends");
}


static stats_t *
stats(int64_t width, ngx_uint_t n)
{
    ngx_int_t       rc;
    session_t      *s;
    static stats_t  op;

    ngx_memzero(&op, sizeof(stats_t));
    op.op.type = NGX_HTTP_JAMHOOK_OP_STATS;
    op.pool = pool;
    op.width = width;
    op.n = n;

    s = store_open(NGX_HTTP_JAMHOOK_SESSION_READ);
    rc = store_read(s, &op);
    store_close(s);

    if (rc != NGX_OK) {
        exit(1);
    }

    return &op;
}


/* a delivery of an event of its own */

static void
attempt(session_t *s, ngx_uint_t endpoint, ngx_http_jamhook_result_e result,
    ngx_msec_t duration)
{
    char            id[32];
    event_t         in;
    route_t         routes[3];
    outcome_t       op;
    static int      n;

    (void) snprintf(id, sizeof(id), "a%d", n++);
    event_set(&in, routes, 1, 1, id, "{}");
    routes[0].endpoint = endpoint;
    (void) store_write(s, &in);

    outcome_set(&op, in.event, 1, result ? NGX_HTTP_JAMHOOK_STATE_FAILED
                                         : NGX_HTTP_JAMHOOK_STATE_SUCCEEDED);
    op.endpoint = endpoint;
    op.result = result;
    op.duration = duration;

    if (store_write(s, &op) != NGX_OK || op.late) {
        ok(0, "an attempt");
    }
}


static void
test_stats(void)
{
    stats_t                         *op;
    session_t                       *s;
    ngx_http_jamhook_shown_stats_t  *e;

    s = store_fresh();
    now.now -= now.now % DAY;            /* a day begins */

    op = stats(MINUTE, 60);
    e = op->endpoints.elts;
    ok(op->since == now.now - 59 * MINUTE && op->endpoints.nelts == 2
       && e[0].total.results[0] == 0 && e[1].buckets[59].results[1] == 0,
       "an empty store, at a minute's beginning");

    now.now += 59999;
    attempt(s, 0, NGX_HTTP_JAMHOOK_RESULT_SUCCEEDED, 100);
    attempt(s, 0, NGX_HTTP_JAMHOOK_RESULT_SUCCEEDED, 100);
    attempt(s, 0, NGX_HTTP_JAMHOOK_RESULT_FAILED, 5000);
    attempt(s, 1, NGX_HTTP_JAMHOOK_RESULT_INTERRUPTED, 5000);

    op = stats(MINUTE, 60);
    e = op->endpoints.elts;
    ok(op->since == now.now - 59999 - 59 * MINUTE
       && e[0].total.results[0] == 2 && e[0].total.results[1] == 1
       && e[0].buckets[59].results[0] == 2 && e[0].buckets[58].results[0] == 0
       && e[1].total.results[2] == 1 && e[1].buckets[59].results[2] == 1,
       "attempts of this minute");
    ok(e[0].slots[ngx_http_jamhook_backend_slot(100)] == 2
       && e[0].slots[ngx_http_jamhook_backend_slot(5000)] == 1
       && e[1].slots[ngx_http_jamhook_backend_slot(5000)] == 0
       && e[1].slots[0] == 0, "what they took; interrupted ones do not count");
    is(e[1].name, "audit", "each endpoint's");

    now.now += 1;
    attempt(s, 0, NGX_HTTP_JAMHOOK_RESULT_SUCCEEDED, 3);
    e = stats(MINUTE, 60)->endpoints.elts;
    ok(e[0].buckets[58].results[0] == 2 && e[0].buckets[59].results[0] == 1
       && e[0].total.results[0] == 3, "a minute later");

    now.now += 59 * MINUTE;
    e = stats(MINUTE, 60)->endpoints.elts;
    ok(e[0].total.results[0] == 1 && e[0].buckets[0].results[0] == 1,
       "in an hour they leave the window");
    e = stats(15 * MINUTE, 96)->endpoints.elts;
    ok(e[0].total.results[0] == 3 && e[0].buckets[95].results[0] == 0
       && e[0].buckets[91].results[0] == 3, "of a day, quarters of an hour");

    now.now += 5 * DAY;
    op = stats(2 * HOUR, 84);
    e = op->endpoints.elts;
    ok(op->since % (2 * HOUR) == 0 && e[0].total.results[0] == 3
       && e[0].total.results[1] == 1 && e[0].buckets[83 - 60].results[0] == 3,
       "of a week, two hours, summed up by the hour");
    e = stats(6 * HOUR, 120)->endpoints.elts;
    ok(e[0].total.results[0] == 3 && e[0].buckets[119 - 20].results[1] == 1,
       "of a month, six hours");

    store_conf.nendpoints = 1;
    op = stats(2 * HOUR, 84);
    e = op->endpoints.elts;
    ok(op->endpoints.nelts == 2 && e[1].total.results[2] == 1,
       "one that is not configured any more");
    is(e[1].name, "audit", "has its name");
    store_conf.nendpoints = 2;

    (void) sql("INSERT INTO rollups (" SHARD_COLUMN "span, at, endpoint, slot,"
               " n) VALUES (" SHARD "1, %lld, 77, 0, 1),"
               " (" SHARD "1, %lld, 1, 768, 1), (" SHARD "1, %lld, 1, 152, 1),"
               " (" SHARD "1, %lld, 1, -3, 1)",
               now.now / HOUR * 3600, now.now / HOUR * 3600,
               now.now / HOUR * 3600, now.now / HOUR * 3600);
    op = stats(2 * HOUR, 84);
    e = op->endpoints.elts;
    ok(op->endpoints.nelts == 2 && e[0].buckets[83].results[0] == 0
       && e[0].buckets[83].results[2] == 0, "rows that are none of ours");

    store_close(s);
}


static void
test_retain(void)
{
    session_t   *s;
    retain_t     op;
    ngx_uint_t   n;

    s = store_fresh();

    (void) sql("WITH RECURSIVE i (i) AS (SELECT 0 UNION ALL SELECT i + 1"
               " FROM i WHERE i < 2999) INSERT INTO rollups ("
               SHARD_COLUMN "span, at, endpoint, slot, n) SELECT " SHARD
               "0, %lld - i * 60, 1, 5, 1 FROM i", now.now / 1000);
    (void) sql("WITH RECURSIVE i (i) AS (SELECT 0 UNION ALL SELECT i + 1"
               " FROM i WHERE i < 799) INSERT INTO rollups ("
               SHARD_COLUMN "span, at, endpoint, slot, n) SELECT " SHARD
               "1, %lld - i * 3600, 1, 5, 1 FROM i", now.now / 1000);

    for (n = 1; retain(s, &op, DAY) == 0 && op.more && n < 9; n++) {
        /* void */
    }

    ok(n == 3, "old roll-ups go, a batch at a time");
    ok(sql("SELECT count(*) FROM rollups WHERE span = 0") == 25 * 60 + 1
       && sql("SELECT min(at) FROM rollups WHERE span = 0")
          == now.now / 1000 - 25 * 3600, "minutes stay for 25 hours");
    ok(sql("SELECT count(*) FROM rollups WHERE span = 1") == 31 * 24 + 2
       && sql("SELECT min(at) FROM rollups WHERE span = 1")
          == now.now / 1000 - (31 * 24 + 1) * 3600, "hours for 31 days and 1");

    store_close(s);
}


/* more that differ than a batch remembers; and a batch that is not written */

static void
test_batch(void)
{
    outcome_t                outs[400];
    session_t               *s;
    ngx_uint_t               i;
    ngx_http_jamhook_op_t   *ops[400];

    s = store_fresh();
    events_put(s, "e", 400, 1);
    (void) sql("UPDATE deliveries SET state = 1, attempts = 1, lease_owner ="
               " '%.32s'", OWNER(s));

    for (i = 0; i < 400; i++) {
        outcome_set(&outs[i], i + 1, 1, NGX_HTTP_JAMHOOK_STATE_SUCCEEDED);
        outs[i].started_at = now.now - (int64_t) (i % 200) * MINUTE;
        ops[i] = &outs[i].op;
    }

    store_refuse();
    outs[399].duration = 666;

    ok(backend.write(s, ops, 400, &now, &failure) == NGX_ERROR
       && sql("SELECT count(*) FROM rollups") == 0
       && sql("SELECT count(*) FROM tallies") == 0,
       "what is rolled back has added nothing");

    outs[399].duration = 12;

    ok(backend.write(s, ops, 400, &now, &failure) == NGX_OK
       && sql("SELECT sum(n) FROM rollups WHERE span = 0") == 400
       && sql("SELECT count(*) FROM rollups WHERE span = 0") == 200
       && sql("SELECT sum(n) FROM rollups WHERE span = 1") == 400
       && sql("SELECT succeeded FROM tallies WHERE endpoint = 1") == 400
       && sql(UNEQUAL) == 0, "and written once, it is added once");

    store_close(s);
}


static ngx_http_jamhook_op_t *
some_op(ngx_uint_t round, ngx_uint_t last)
{
    static char                           id[8][32];
    static event_t                        event[8];
    static route_t                        routes[8][2];
    static outcome_t                      out[8];
    static replay_t                       replay[8];
    static recover_t                      recover[8];
    static retain_t                       old[8];
    static ngx_http_jamhook_op_forget_t   forget[8];

    static ngx_uint_t                     n;
    ngx_uint_t                            i;

    i = n++ % 8;

    (void) snprintf(id[i], sizeof(id[i]), "r%d",
                    (int) (round - ngx_min(round, (ngx_uint_t) ngx_random()
                                                  % 30)));

    switch (ngx_random() % 12) {

    case 0:
    case 1:
        ngx_memzero(&replay[i], sizeof(replay_t));
        replay[i].op.type = NGX_HTTP_JAMHOOK_OP_REPLAY;
        replay[i].id = str(id[i]);
        replay[i].endpoint = (ngx_random() % 2)
                                 ? NGX_HTTP_JAMHOOK_NO_ENDPOINT
                                 : (ngx_uint_t) ngx_random() % 2;
        replay[i].may_add = 1;
        return &replay[i].op;

    case 2:
        ngx_memzero(&recover[i], sizeof(recover_t));
        recover[i].op.type = NGX_HTTP_JAMHOOK_OP_RECOVER;
        recover[i].endpoint = ngx_random() % 2;
        return &recover[i].op;

    case 3:
        ngx_memzero(&old[i], sizeof(retain_t));
        old[i].op.type = NGX_HTTP_JAMHOOK_OP_RETAIN;
        old[i].age = 40 * MINUTE;
        return &old[i].op;

    case 4:
        ngx_memzero(&forget[i], sizeof(forget[i]));
        forget[i].op.type = NGX_HTTP_JAMHOOK_OP_FORGET;
        forget[i].id = str(id[i]);
        return &forget[i].op;

    case 5:
    case 6:
        event_set(&event[i], routes[i], 1 + ngx_random() % 2,
                  ngx_random() % 2, id[i], "{}");
        return &event[i].op;

    default:
        outcome_set(&out[i], last - ngx_min(last, (ngx_uint_t) ngx_random()
                                                  % 12),
                    1 + ngx_random() % 2,
                    (ngx_random() % 3) ? NGX_HTTP_JAMHOOK_STATE_SUCCEEDED
                                       : NGX_HTTP_JAMHOOK_STATE_FAILED);
        out[i].endpoint = ngx_random() % 2;
        out[i].counts = 0;
        return &out[i].op;
    }
}


static void
test_tallies(void)
{
    char                      id[32];
    event_t                   event;
    route_t                   routes[2];
    claim_t                   taken;
    int64_t                   last;
    outcome_t                 fails, ends[2];
    session_t                *s;
    ngx_uint_t                i, j, n, good, failed;
    ngx_http_jamhook_op_t    *ops[8];
    ngx_http_jamhook_want_t   want;

    s = store_fresh();

    store_refuse();

    good = 0;
    failed = 0;

    for (i = 1; i <= 600; i++) {
        now.now += MINUTE;
        now.mono += MINUTE;

        (void) snprintf(id, sizeof(id), "r%d", (int) i);
        event_set(&event, routes, 2, 1, id, "{}");
        ops[0] = &event.op;
        n = 1 + ngx_random() % 4;

        last = sql("SELECT coalesce(max(seq), 0) FROM events");

        for (j = 1; j < n; j++) {
            ops[j] = some_op(i, last + 1);
        }

        /* most end, so that they can be removed one day */

        for (j = 0; j < 2; j++) {
            outcome_set(&ends[j], last - 5, 1,
                        NGX_HTTP_JAMHOOK_STATE_SUCCEEDED);
            ends[j].endpoint = j;
            ops[n++] = &ends[j].op;
        }

        if (i % 5 == 0) {
            outcome_set(&fails, 0, 1, NGX_HTTP_JAMHOOK_STATE_SUCCEEDED);
            fails.duration = 666;
            fails.event = last;
            ops[n++] = &fails.op;
        }

        failed += (backend.write(s, ops, n, &now, &failure) != NGX_OK);

        if (i % 3 == 0 && claim(s, &taken, &want, i % 2, 3) != 999) {
            claims_free(&taken);
        }

        good += (sql(UNEQUAL) == 0);
    }

    ok(good == 600, "succeeded ones are counted right after %d of 600 random"
       " batches, %d of which failed", (int) good, (int) failed);
    ok(failed > 50 && sql("SELECT sum(succeeded) FROM tallies") > 5
       && sql("SELECT count(*) FROM events") < 300,
       "and something happened");

    store_close(s);
}


static ngx_int_t
stats_once(ngx_pool_t *p)
{
    stats_t  op;

    ngx_memzero(&op, sizeof(stats_t));
    op.op.type = NGX_HTTP_JAMHOOK_OP_STATS;
    op.pool = p;
    op.width = MINUTE;
    op.n = 60;

    return store_read_once(&op);
}


static void
test_no_memory(void)
{
    session_t  *s;

    s = store_fresh();
    attempt(s, 0, NGX_HTTP_JAMHOOK_RESULT_SUCCEEDED, 100);
    attempt(s, 1, NGX_HTTP_JAMHOOK_RESULT_SUCCEEDED, 100);
    store_conf.nendpoints = 1;

    ok(shim_exhaust(stats_once) > 8
       && failure.kind == NGX_HTTP_JAMHOOK_STORE_OK,
       "without memory at each place");

    store_conf.nendpoints = 2;
    store_close(s);
}


int
main(void)
{
    srandom(7);
    pool = ngx_create_pool(1, NULL);

    test_slots();
    test_stats();
    test_retain();
    test_batch();
    test_tallies();
    test_no_memory();

    ngx_destroy_pool(pool);

    return done();
}
