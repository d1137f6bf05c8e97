
#include "store.h"


/* the location that events of event_put() came by stands second */

static ngx_str_t  sources[] = {
    ngx_string("/ja"), ngx_string("/jam"), ngx_string("/jam2")
};


static ngx_int_t
replay(session_t *s, replay_t *op, const char *id, ngx_uint_t endpoint,
    unsigned may_add)
{
    ngx_memzero(op, sizeof(replay_t));

    op->op.type = NGX_HTTP_JAMHOOK_OP_REPLAY;
    op->id = str(id);
    op->endpoint = endpoint;
    op->may_add = may_add;
    op->sources = sources;
    op->nsources = 2;

    return store_write(s, op) == NGX_OK ? (ngx_int_t) op->verdict : -1;
}


static void
test_replay(void)
{
    replay_t    op;
    session_t  *s;

    s = store_fresh();

    (void) event_put(s, "msg_1", 1, 1);

    ok(replay(s, &op, "nobody", NGX_HTTP_JAMHOOK_NO_ENDPOINT, 0)
       == NGX_HTTP_JAMHOOK_REPLAY_NO_EVENT, "no such event");
    ok(replay(s, &op, "msg_1", NGX_HTTP_JAMHOOK_NO_ENDPOINT, 0)
       == NGX_HTTP_JAMHOOK_REPLAY_SENDING && op.replayed == 0,
       "it is being sent");
    ok(replay(s, &op, "msg_1", 0, 0) == NGX_HTTP_JAMHOOK_REPLAY_SENDING
       && sql("SELECT replay FROM deliveries") == 0, "to this endpoint");
    ok(replay(s, &op, "msg_1", 1, 0) == NGX_HTTP_JAMHOOK_REPLAY_NO_DELIVERY,
       "no delivery to that one");

    sources[1] = sources[2];

    ok(replay(s, &op, "msg_1", 1, 1) == NGX_HTTP_JAMHOOK_REPLAY_NO_DELIVERY
       && sql("SELECT count(*) FROM deliveries") == 1,
       "its location passes to none: none is made");

    ngx_str_set(&sources[1], "/jam");

    ok(replay(s, &op, "msg_1", 1, 1) == NGX_HTTP_JAMHOOK_REPLAY_OK
       && op.replayed == 1
       && sql("SELECT count(*) FROM deliveries WHERE endpoint = 2"
              " AND state = 0 AND class = 0 AND replay = 0 AND trigger = 1"
              " AND attempts = 0 AND next_at = %lld", now.now)
          == 1,
       "unless it may be made: its replay is 0");

    (void) outcome(s, 1, 1, NGX_HTTP_JAMHOOK_STATE_FAILED);
    (void) sql("UPDATE deliveries SET step = 4, interrupted = 2");
    now.now += 5;

    ok(replay(s, &op, "msg_1", 0, 1) == NGX_HTTP_JAMHOOK_REPLAY_OK
       && op.replayed == 1
       && sql("SELECT count(*) FROM deliveries WHERE endpoint = 1"
              " AND state = 0 AND class = 0 AND replay = 1 AND trigger = 1"
              " AND attempts = 1 AND step = 0 AND interrupted = 0"
              " AND next_at = %lld AND changed_at = %lld", now.now, now.now)
          == 1
       && sql("SELECT step FROM deliveries WHERE endpoint = 2") == 4,
       "one that failed starts anew, and it alone");

    (void) sql("UPDATE deliveries SET state = 2 WHERE endpoint = 1");
    ok(replay(s, &op, "msg_1", NGX_HTTP_JAMHOOK_NO_ENDPOINT, 0)
       == NGX_HTTP_JAMHOOK_REPLAY_OK
       && op.replayed == 2
       && sql("SELECT count(*) FROM deliveries WHERE state = 0 AND step = 0"
              " AND (endpoint = 1 AND replay = 2"
              " OR endpoint = 2 AND replay = 1)")
          == 2,
       "all: one that succeeded, one that waits");

    (void) sql("UPDATE events SET forgotten = 1");
    ok(replay(s, &op, "msg_1", 0, 1) == NGX_HTTP_JAMHOOK_REPLAY_NO_EVENT,
       "a forgotten one is none");

    (void) sql("UPDATE events SET forgotten = 0");
    (void) sql("DELETE FROM deliveries");
    ok(replay(s, &op, "msg_1", NGX_HTTP_JAMHOOK_NO_ENDPOINT, 0)
       == NGX_HTTP_JAMHOOK_REPLAY_NO_DELIVERY, "one without deliveries");

    store_close(s);
}


static void
recover_set(recover_t *op, ngx_http_jamhook_op_e type)
{
    ngx_memzero(op, sizeof(recover_t));

    op->op.type = type;
}


/* calls until it is done, sums; more than 9: it does not end */

static ngx_uint_t
recover_all(session_t *s, recover_t *op, ngx_uint_t *changed,
    ngx_uint_t *failed)
{
    ngx_uint_t  calls;

    *changed = 0;
    *failed = 0;

    for (calls = 1; calls < 10; calls++) {

        if (store_write(s, op) != NGX_OK) {
            return 0;
        }

        *changed += op->changed;
        *failed += op->failed;

        if (op->done || op->changed > NGX_HTTP_JAMHOOK_STORE_ROWS) {
            break;
        }
    }

    return calls;
}


static void
test_recover(void)
{
    recover_t    op;
    session_t   *s;
    ngx_uint_t   calls, changed, failed;

    s = store_fresh();

    recover_set(&op, NGX_HTTP_JAMHOOK_OP_RECOVER);
    ok(store_write(s, &op) == NGX_OK && op.done && op.changed == 0,
       "recover: nothing there");

    events_put(s, "e", 1200, 2);

    /* 800 failed, 200 wait for a retry, 100 are due, 100 succeeded */

    (void) sql("UPDATE deliveries SET state = CASE WHEN event %% 12 < 8 THEN 3"
               " WHEN event %% 12 = 11 THEN 2 ELSE 0 END,"
               " step = 3, replay = 1, interrupted = 1, attempts = 4,"
               " next_at = CASE WHEN event %% 12 < 10 THEN %lld ELSE %lld END,"
               " class = CASE WHEN event %% 12 >= 8 THEN 1 ELSE 0 END",
               now.now + HOUR, now.now - 7);
    (void) sql("UPDATE events SET received_at = %lld + seq", now.now - DAY);

    recover_set(&op, NGX_HTTP_JAMHOOK_OP_RECOVER);
    op.since = now.now - DAY + 1;
    op.until = now.now - DAY + 13;
    calls = recover_all(s, &op, &changed, &failed);
    ok(calls == 3 && changed == 10 && failed == 8,
       "the range alone: %d calls, %d changed, %d of them had failed",
       (int) calls, (int) changed, (int) failed);
    ok(sql("SELECT count(*) FROM deliveries WHERE endpoint = 1 AND state = 0"
           " AND event <= 12 AND class = 1 AND trigger = 1 AND step = 0"
           " AND interrupted = 0 AND attempts = 4 AND next_at = %lld"
           " AND replay = CASE WHEN event %% 12 < 8 THEN 2 ELSE 1 END", now.now)
       == 10, "a retry that is hurried is no replay, what failed is");
    ok(sql("SELECT count(*) FROM deliveries WHERE event > 12 AND step <> 3"
           " OR endpoint = 2 AND step <> 3 OR event %% 12 >= 10"
           " AND step <> 3")
       == 0, "no others");

    recover_set(&op, NGX_HTTP_JAMHOOK_OP_RECOVER);
    (void) store_write(s, &op);
    ok(!op.done && op.changed <= NGX_HTTP_JAMHOOK_STORE_ROWS
       && op.cursor > 0 && op.last == 1200, "the first of all");

    events_put(s, "later", 20, 2);
    (void) sql("UPDATE deliveries SET state = 3 WHERE event > 1200");
    changed = op.changed;
    failed = op.failed;

    while (!op.done && store_write(s, &op) == NGX_OK) {
        changed += op.changed;
        failed += op.failed;
    }

    ok(changed == 990 && failed == 792, "all: %d, %d", (int) changed,
       (int) failed);
    ok(sql("SELECT count(*) FROM deliveries WHERE endpoint = 1 AND state = 3")
       == 20
       && sql("SELECT count(*) FROM deliveries WHERE state = 0 AND"
              " endpoint = 1 AND next_at > %lld", now.now)
          == 0,
       "none is left but what came later");

    (void) sql("UPDATE events SET forgotten = 1 WHERE seq > 1200");
    recover_set(&op, NGX_HTTP_JAMHOOK_OP_RECOVER);
    calls = recover_all(s, &op, &changed, &failed);
    ok(calls == 3 && changed == 0, "what is forgotten is passed over");

    store_close(s);
}


static void
test_resume(void)
{
    claim_t                   claims;
    recover_t                 op;
    session_t                *s;
    ngx_uint_t                calls, changed, failed;
    ngx_http_jamhook_want_t   want;

    s = store_fresh();

    events_put(s, "e", 1200, 2);

    ok(pause_endpoint(s, 0, NGX_HTTP_JAMHOOK_PAUSE_MANUAL) == NGX_OK
       && sql("SELECT count(*) FROM endpoints WHERE paused = 1 AND id = 1"
              " AND paused_at = %lld", now.now)
          == 1,
       "pause: one row");
    ok(claim(s, &claims, &want, 0, 5) == 0 && want.next_at == 0, "it holds");
    ok(claim(s, &claims, &want, 1, 5) == 5, "the other goes on");
    claims_free(&claims);

    now.now += 50;
    (void) pause_endpoint(s, 0, NGX_HTTP_JAMHOOK_PAUSE_MANUAL);
    ok(sql("SELECT paused_at FROM endpoints WHERE id = 1") == now.now - 50,
       "again: since the first time");

    recover_set(&op, NGX_HTTP_JAMHOOK_OP_RESUME);
    (void) store_write(s, &op);
    ok(!op.done && op.changed == 500
       && sql("SELECT paused FROM endpoints WHERE id = 1") == 1,
       "resume: a part, and still paused");

    events_put(s, "later", 3, 2);
    calls = recover_all(s, &op, &changed, &failed);
    ok(calls == 2 && changed == 700 && op.done
       && sql("SELECT paused + paused_at FROM endpoints WHERE id = 1") == 0,
       "then the rest, and released");
    ok(sql("SELECT count(*) FROM deliveries WHERE endpoint = 1 AND class = 0")
       == 0
       && sql("SELECT count(*) FROM deliveries WHERE endpoint = 2"
              " AND class = 1")
          == 0,
       "what was held is backlog");

    events_put(s, "x", 1, 1);
    ok(claim(s, &claims, &want, 0, 1) == 1
       && claims.claims->id.data[0] == 'x', "a new one goes before it");
    claims_free(&claims);

    (void) sql("UPDATE endpoints SET failing_since = 5 WHERE id = 1");
    recover_set(&op, NGX_HTTP_JAMHOOK_OP_RESUME);
    (void) store_write(s, &op);
    ok(op.done && op.changed == 0
       && sql("SELECT failing_since FROM endpoints WHERE id = 1") == 0,
       "of one that is not paused: it no longer counts as failing");

    store_close(s);
}


static void
test_forget(void)
{
    event_t     op;
    route_t     routes[3];
    outcome_t   out;
    session_t  *s;

    s = store_fresh();

    event_secret(s, "msg_1", "Jane Roe", 9000);
    event_secret(s, "msg_2", "John Doe", 100);

    ok(forget(s, "nobody") == NGX_HTTP_JAMHOOK_FORGET_NO_EVENT,
       "forget: no such event");
    ok(forget(s, "msg_1") == NGX_HTTP_JAMHOOK_FORGET_SENDING
       && sql("SELECT sum(forgotten) FROM events") == 0,
       "it is being sent");

    outcome_set(&out, 1, 1, NGX_HTTP_JAMHOOK_STATE_SUCCEEDED);
    out.endpoint = 1;
    (void) store_write(s, &out);

    ok(forget(s, "msg_1") == NGX_HTTP_JAMHOOK_FORGET_OK, "then not any more");
    ok(sql("SELECT count(*) FROM events WHERE seq = 1 AND forgotten = 1"
           " AND body IS NULL AND headers IS NULL AND conversation_id IS NULL"
           " AND jam_id IS NULL AND recording_url IS NULL"
           " AND event_id IS NULL AND type IS NOT NULL AND id = 'msg_1'")
       == 1
       && sql("SELECT count(*) FROM attempts WHERE event = 1"
              " AND request_headers IS NULL AND request_body IS NULL"
              " AND response_headers IS NULL AND response_body IS NULL"
              " AND result < 2")
          == 2
       && sql("SELECT count(*) FROM deliveries WHERE event = 1"
              " AND state = CASE endpoint WHEN 1 THEN 3 ELSE 2 END")
          == 2,
       "all that told of the customer went, what waited failed");
    ok(sql("SELECT count(*) FROM events WHERE seq = 2 AND forgotten = 0"
           " AND length(body) = 108 AND conversation_id = 'John Doe'")
       == 1
       && sql("SELECT count(*) FROM attempts WHERE event = 2"
              " AND request_headers = 'John Doe'")
          == 1,
       "of another one nothing did");

    event_set(&op, routes, 2, 1, "msg_1", "something else");
    ok(store_write(s, &op) == NGX_OK
       && op.verdict == NGX_HTTP_JAMHOOK_EVENT_DUPLICATE
       && routes[0].verdict == NGX_HTTP_JAMHOOK_ROUTE_EXISTS
       && !routes[0].claimed
       && sql("SELECT count(*) FROM deliveries WHERE event = 1") == 2,
       "a late repeat is a duplicate, and goes nowhere");
    ok(forget(s, "msg_1") == NGX_HTTP_JAMHOOK_FORGET_OK, "once more");

    (void) sql("DELETE FROM deliveries WHERE event = 1 AND endpoint = 2");
    event_set(&op, routes, 2, 1, "msg_1", "{}");
    ok(store_write(s, &op) == NGX_OK
       && op.verdict == NGX_HTTP_JAMHOOK_EVENT_DUPLICATE
       && !routes[0].claimed && !routes[1].claimed
       && sql("SELECT count(*) FROM deliveries WHERE event = 1") == 1,
       "nor does it get a delivery that it has not");

    store_close(s);
}


static void
test_retain(void)
{
    retain_t    op;
    session_t  *s, *other;

    s = store_fresh();

    events_put(s, "old", 250, 2);
    (void) sql("UPDATE deliveries SET state = 2 + (event %% 2)");
    (void) sql("INSERT INTO attempts (event, endpoint, number, trigger,"
               " result, started_at, duration, status, truncated)"
               " SELECT event, endpoint, 1, 0, 0, 0, 0, 0, 0"
               " FROM deliveries");

    ok(retain(s, &op, DAY) == 0 && !op.more, "nothing is old enough");
    now.now += DAY - 1;
    events_put(s, "new", 5, 1);
    ok(retain(s, &op, DAY) == 0, "nor a moment before");
    ok(sql("SELECT min(seen_at) FROM endpoints") == now.now,
       "that the endpoints are there is noted");
    now.now += 1;
    ok(retain(s, &op, DAY) == 100 && op.more
       && sql("SELECT min(seq) FROM events") == 101
       && sql("SELECT count(*) FROM attempts") == 300,
       "a hundred, the oldest, with all that is theirs");
    ok(retain(s, &op, DAY) == 100 && op.more, "the next");
    ok(retain(s, &op, DAY) == 50 && !op.more
       && sql("SELECT count(*) FROM events") == 5
       && sql("SELECT count(*) FROM deliveries") == 5
       && sql("SELECT count(*) FROM attempts") == 0,
       "the rest, but not what is young");
    ok(sql("SELECT min(seen_at) FROM endpoints") == now.now - 1,
       "endpoints are not noted each time");

    now.now += DAY;
    ok(retain(s, &op, DAY) == 0 && !op.more
       && sql("SELECT count(*) FROM deliveries WHERE state = 0") == 5,
       "what waits is kept");
    (void) sql("UPDATE deliveries SET state = 1");
    ok(retain(s, &op, DAY) == 0, "what is being sent as well");
    (void) sql("UPDATE deliveries SET state = 0");

    (void) pause_endpoint(s, 0, NGX_HTTP_JAMHOOK_PAUSE_GONE);
    ok(retain(s, &op, DAY) == 5 && op.paused == 5 && op.unknown == 0
       && sql("SELECT count(*) FROM events") == 0,
       "what is paused goes");
    ok(event_put(s, "next", 2, 0) > 255, "no number is given out twice");

    /* paused, while the other delivery is still to be sent */

    now.now += 2 * DAY;
    ok(retain(s, &op, DAY) == 0 && op.paused == 1
       && sql("SELECT state FROM deliveries WHERE endpoint = 1") == 3
       && sql("SELECT state FROM deliveries WHERE endpoint = 2") == 0,
       "it fails first, while another waits");
    ok(retain(s, &op, DAY) == 0 && op.paused == 0, "and is counted once");

    /* a node that has the first endpoint only */

    (void) sql("UPDATE endpoints SET paused = 0");
    store_conf.nendpoints = 1;
    other = store_open(NGX_HTTP_JAMHOOK_SESSION_WRITE);
    ok(retain(other, &op, DAY) == 0 && op.unknown == 0,
       "an endpoint of others that was seen is theirs");
    now.now += DAY - 1;
    ok(retain(other, &op, DAY) == 0 && op.unknown == 0, "for a day");
    now.now += 1;
    ok(retain(other, &op, DAY) == 1 && op.unknown == 1
       && sql("SELECT count(*) FROM deliveries") == 0,
       "nobody has it any more: it goes");
    store_close(other);

    store_close(s);
}


static void
test_retain_order(void)
{
    retain_t    op;
    session_t  *s;

    s = store_fresh();

    events_put(s, "e", 350, 1);

    /* 1-150 wait, then one from a clock that was wrong, then finished ones */

    (void) sql("UPDATE deliveries SET state = 2 WHERE event > 150");
    (void) sql("UPDATE events SET received_at = %lld WHERE seq = 151",
               now.now + 40 * DAY);
    now.now += 2 * DAY;

    ok(retain(s, &op, DAY) == 0 && op.more, "what cannot go");
    ok(retain(s, &op, DAY) == 49 && op.more, "is passed by");
    ok(retain(s, &op, DAY) == 100 && op.more
       && sql("SELECT count(*) FROM events WHERE seq = 151") == 1,
       "and one from the future too");
    ok(retain(s, &op, DAY) == 50 && !op.more, "to the end");

    (void) sql("UPDATE deliveries SET state = 2 WHERE event <= 150");
    ok(retain(s, &op, DAY) == 100 && op.more, "then from the beginning");

    store_close(s);

    s = store_fresh();
    events_put(s, "e", 100, 2);
    (void) sql("UPDATE deliveries SET state = 3");
    (void) sql("INSERT INTO attempts (event, endpoint, number, trigger,"
               " result, started_at, duration, status, truncated)"
               " SELECT event, endpoint, v.column1, 0, 0, 0, 0, 0, 0"
               " FROM deliveries, (VALUES (1), (2), (3), (4), (5), (6), (7),"
               " (8), (9), (10)) v");
    now.now += 2 * DAY;
    ok(retain(s, &op, DAY) > 15 && op.removed < 25 && op.more,
       "many attempts: fewer events in a call (%d)", (int) op.removed);

    while (op.more) {
        (void) retain(s, &op, DAY);
    }

    ok(sql("SELECT count(*) FROM events") == 0
       && sql("SELECT count(*) FROM attempts") == 0, "none is missed");

    store_close(s);
}


static void
test_probe(void)
{
    session_t                    *s;
    ngx_http_jamhook_op_probe_t   op;

    s = store_fresh();

    ngx_memzero(&op, sizeof(ngx_http_jamhook_op_probe_t));
    op.op.type = NGX_HTTP_JAMHOOK_OP_PROBE;

    ok(store_write(s, &op) == NGX_OK && store_write(s, &op) == NGX_OK
       && sql("SELECT count(*) FROM probe WHERE length(data) = 65536") == 1
       && sql("SELECT count(*) FROM probe") == 1,
       "a probe writes 64 KiB, one row");

    store_close(s);
}


int
main(void)
{
    test_replay();
    test_recover();
    test_resume();
    test_forget();
    test_retain();
    test_retain_order();
    test_probe();

    return done();
}
