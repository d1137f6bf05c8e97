
#include "store.h"


static void
test_event(void)
{
    event_t     op, twice;
    route_t     routes[3], again[3];
    session_t  *s;

    ngx_http_jamhook_op_t  *ops[2];

    s = store_fresh();

    event_set(&op, routes, 1, 1, "msg_1", "{\"a\":1}");
    ok(store_write(s, &op) == NGX_OK
       && op.verdict == NGX_HTTP_JAMHOOK_EVENT_STORED && op.event == 1,
       "a new event is stored");
    ok(routes[0].verdict == NGX_HTTP_JAMHOOK_ROUTE_ADDED
       && routes[0].claimed && routes[0].number == 1 && routes[0].replay == 0
       && routes[0].lease_until == now.mono + LEASE,
       "its delivery is claimed");
    ok(sql("SELECT count(*) FROM deliveries WHERE state = 1 AND attempts = 1"
           " AND lease_owner = '%.32s' AND lease_until = %lld"
           " AND claimed_at = %lld", OWNER(s), LEASE_UNTIL, now.now)
       == 1, "as a row says");
    ok(sql("SELECT count(*) FROM events WHERE id = 'msg_1'"
           " AND received_at = %lld AND body = " BLOB("'{\"a\":1}'")
           " AND source = '/jam' AND jam_id IS NULL AND forgotten = 0",
           now.now)
       == 1, "the event's row");

    event_set(&op, routes, 1, 1, "msg_1", "{\"a\":1}");
    ok(store_write(s, &op) == NGX_OK
       && op.verdict == NGX_HTTP_JAMHOOK_EVENT_DUPLICATE && op.event == 1
       && routes[0].verdict == NGX_HTTP_JAMHOOK_ROUTE_EXISTS
       && !routes[0].claimed && routes[0].number == 0
       && routes[0].lease_until == 0,
       "again: a duplicate, nothing is claimed");

    event_set(&op, routes, 2, 1, "msg_1", "{\"a\":2}");
    ok(store_write(s, &op) == NGX_OK
       && op.verdict == NGX_HTTP_JAMHOOK_EVENT_CONFLICT
       && sql("SELECT count(*) FROM deliveries") == 1,
       "another body: a conflict, nothing changes");

    event_set(&op, routes, 2, 0, "msg_1", "{\"a\":1}");
    ok(store_write(s, &op) == NGX_OK
       && op.verdict == NGX_HTTP_JAMHOOK_EVENT_STORED
       && routes[0].verdict == NGX_HTTP_JAMHOOK_ROUTE_EXISTS
       && routes[1].verdict == NGX_HTTP_JAMHOOK_ROUTE_ADDED
       && !routes[1].claimed,
       "to one endpoint more: stored");
    ok(sql("SELECT count(*) FROM deliveries WHERE state = 0 AND class = 0"
           " AND attempts = 0 AND next_at = %lld AND lease_owner IS NULL",
           now.now)
       == 1, "that delivery waits, due at once");

    (void) outcome(s, 1, 1, NGX_HTTP_JAMHOOK_STATE_FAILED);
    (void) sql("UPDATE deliveries SET replay = 4, step = 3, trigger = 1"
               " WHERE endpoint = 1");

    event_set(&op, routes, 2, 1, "msg_1", "{\"a\":1}");
    ok(store_write(s, &op) == NGX_OK
       && op.verdict == NGX_HTTP_JAMHOOK_EVENT_DUPLICATE
       && routes[0].verdict == NGX_HTTP_JAMHOOK_ROUTE_RESTARTED
       && routes[0].claimed && routes[0].number == 2 && routes[0].replay == 4
       && routes[1].verdict == NGX_HTTP_JAMHOOK_ROUTE_EXISTS
       && sql("SELECT count(*) FROM deliveries WHERE state = 1 AND step = 0"
              " AND trigger = 0 AND replay = 4 AND attempts = 2")
          == 1,
       "what had failed starts anew, numbers go on");

    (void) outcome(s, 1, 2, NGX_HTTP_JAMHOOK_STATE_FAILED);
    event_set(&op, routes, 1, 0, "msg_1", "{\"a\":1}");
    ok(store_write(s, &op) == NGX_OK
       && routes[0].verdict == NGX_HTTP_JAMHOOK_ROUTE_RESTARTED
       && !routes[0].claimed
       && sql("SELECT attempts FROM deliveries WHERE endpoint = 1"
              " AND state = 0 AND class = 0 AND next_at = %lld", now.now)
          == 2,
       "or waits, if not to be claimed");

    event_set(&op, routes, 1, 1, "msg_2", "{}");
    event_set(&twice, again, 2, 1, "msg_2", "{}");
    ops[0] = &op.op;
    ops[1] = &twice.op;
    ok(backend.write(s, ops, 2, &now, &failure) == NGX_OK
       && op.verdict == NGX_HTTP_JAMHOOK_EVENT_STORED
       && twice.verdict == NGX_HTTP_JAMHOOK_EVENT_STORED
       && op.event > 1 && twice.event == op.event
       && again[0].verdict == NGX_HTTP_JAMHOOK_ROUTE_EXISTS
       && again[1].verdict == NGX_HTTP_JAMHOOK_ROUTE_ADDED
       && sql("SELECT count(*) FROM events") == 2,
       "one id twice in a batch");

    event_set(&op, routes, 1, 1, "msg_3", "");
    op.body = str("");
    (void) store_write(s, &op);
    event_set(&op, routes, 1, 1, "msg_3", "");
    ok(store_write(s, &op) == NGX_OK
       && op.verdict == NGX_HTTP_JAMHOOK_EVENT_DUPLICATE,
       "an empty body is the same as an empty body");

    store_close(s);
}


static void
test_paused(void)
{
    event_t     op;
    route_t     routes[3];
    session_t  *s;

    s = store_fresh();

    (void) pause_endpoint(s, 0, NGX_HTTP_JAMHOOK_PAUSE_MANUAL);

    event_set(&op, routes, 2, 1, "msg_1", "{}");
    ok(store_write(s, &op) == NGX_OK
       && !routes[0].claimed && routes[1].claimed
       && sql("SELECT count(*) FROM deliveries WHERE endpoint = 1"
              " AND state = 0 AND class = 1 AND next_at = %lld", now.now)
          == 1,
       "to a paused endpoint: backlog, not claimed");

    store_close(s);
}


static void
test_claim(void)
{
    claim_t                    op;
    session_t                 *s;
    ngx_uint_t                 n;
    ngx_http_jamhook_want_t    want;
    ngx_http_jamhook_claim_t  *c;

    s = store_fresh();

    ok(claim(s, &op, &want, 0, 10) == 0 && !want.more && want.next_at == 0
       && op.claims == NULL,
       "nothing waits");

    events_put(s, "new", 6, 1);
    (void) sql("UPDATE deliveries SET next_at = next_at - 10 + event %% 3,"
               " step = event, interrupted = 1, replay = 2, attempts = 7,"
               " trigger = 1");
    (void) sql("UPDATE events SET conversation_id = 'c' || seq, jam_id = '',"
               " event_id = 'evt', created_at = 'then',"
               " recording_url = 'https://r'");

    ok(claim(s, &op, &want, 0, 4) == 4 && want.more && want.next_at == 0,
       "four of six, and more");

    c = op.claims;
    ok(c->event == 3 && c->next->event == 6 && c->next->next->event == 1
       && c->next->next->next->event == 4
       && c->next->next->next->next == NULL,
       "the most overdue first");
    ok(c->endpoint == 0 && c->number == 8 && c->replay == 2 && c->step == 3
       && c->interrupted == 1 && c->trigger == NGX_HTTP_JAMHOOK_TRIGGER_MANUAL
       && c->lease_until == now.mono + LEASE,
       "with what is known of the delivery");
    is(c->id, "new0002", "its id");
    is(c->event_id, "evt", "event_id");
    is(c->type, "intercom.recorder.recorded", "type");
    is(c->created_at, "then", "created_at");
    is(c->conversation_id, "c3", "conversation_id");
    is(c->recording_url, "https://r", "recording_url");
    is(c->body, "{}", "body");
    ok(c->jam_id.len == 0 && c->jam_id.data != NULL, "what is empty is there");
    ok(sql("SELECT count(*) FROM deliveries WHERE state = 1 AND attempts = 8"
           " AND lease_owner = '%.32s'", OWNER(s))
       == 4, "the rows are leased");
    claims_free(&op);

    (void) sql("UPDATE deliveries SET next_at = %lld WHERE event = 5",
               now.now + 7000);
    ok(claim(s, &op, &want, 0, 4) == 1 && !want.more
       && want.next_at == now.now + 7000,
       "then the rest, and when the next one is due");
    claims_free(&op);

    (void) sql("UPDATE deliveries SET next_at = %lld WHERE event = 5",
               now.now + LONGEST + 1);
    ok(claim(s, &op, &want, 0, 4) == 1 && op.claims->event == 5
       && want.next_at == 0,
       "what is due later than it can be is due: the clock was set back");
    claims_free(&op);

    ok(claim(s, &op, &want, 1, 4) == 0, "none for another endpoint");
    (void) sql("UPDATE deliveries SET state = 0, next_at = 5");
    (void) sql("UPDATE events SET forgotten = 1, jam_id = NULL"
               " WHERE seq <= 2");
    (void) sql("DELETE FROM events WHERE seq = 3");

    n = claim(s, &op, &want, 0, 4);
    ok(n == 1 && op.claims->event == 4 && want.more
       && sql("SELECT count(*) FROM deliveries WHERE state = 3") == 3,
       "what was forgotten or is gone fails instead");
    claims_free(&op);

    ok(claim(s, &op, &want, 0, 2000) == 2 && op.claims->jam_id.data != NULL,
       "a want for more than a batch");
    claims_free(&op);

    store_close(s);
}


/* claims n at a time; what came, NEW as 'n', BACKLOG as 'b' */

static void
claim_series(session_t *s, ngx_uint_t times, ngx_uint_t n, char *text)
{
    claim_t                    op;
    ngx_http_jamhook_want_t    want;
    ngx_http_jamhook_claim_t  *c;

    while (times--) {
        (void) claim(s, &op, &want, 0, n);

        for (c = op.claims; c != NULL; c = c->next) {
            *text++ = c->id.data[0];
        }

        *text++ = ' ';
        claims_free(&op);
    }

    *text = '\0';
}


static void
test_share(void)
{
    char        text[256];
    session_t  *s;

    s = store_fresh();

    events_put(s, "b", 30, 1);
    (void) sql("UPDATE deliveries SET class = 1, next_at = 1");
    events_put(s, "n", 30, 1);

    claim_series(s, 2, 8, text);
    ok(strcmp(text, "nnnnnnbb nnnnnnbb ") == 0,
       "new ones first, a quarter for the backlog: %s", text);

    claim_series(s, 8, 1, text);
    ok(strcmp(text, "n n n b n n n b ") == 0,
       "one by one, every fourth: %s", text);

    claim_series(s, 2, 2, text);
    ok(strcmp(text, "nn nb ") == 0, "two by two: %s", text);

    claim_series(s, 1, 12, text);
    ok(strcmp(text, "nnnnnnnnnbbb ") == 0, "twelve: %s", text);

    claim_series(s, 1, 8, text);
    ok(strcmp(text, "bbbbbbbb ") == 0, "the backlog alone: %s", text);

    events_put(s, "m", 9, 1);
    (void) sql("UPDATE deliveries SET class = 2 WHERE class = 1");
    claim_series(s, 1, 8, text);
    ok(strcmp(text, "mmmmmmmm ") == 0, "new ones alone: %s", text);

    store_close(s);
}


/* what waits again though memory was short for it, and what does not */

static ngx_uint_t  kept, lost;


static ngx_int_t
claim_once(ngx_pool_t *pool)
{
    static session_t         *s;
    claim_t                   op;
    ngx_int_t                 rc;
    ngx_uint_t                fail;
    ngx_http_jamhook_want_t   want;

    if (pool == NULL) {
        store_close(s);
        s = NULL;
        return NGX_OK;
    }

    fail = shim_fail;
    shim_fail = 0;

    if (s == NULL) {
        s = store_fresh();
        events_put(s, "e", 3, 1);
    }

    kept += sql("SELECT count(*) FROM deliveries WHERE attempts = 0");
    lost += sql("SELECT count(*) FROM deliveries WHERE attempts = 1");

    if (LOST) {
        (void) sql("UPDATE deliveries SET state = 0, attempts = 0");
    }

    shim_fail = fail;

    rc = (claim(s, &op, &want, 0, 3) == 3) ? NGX_OK : NGX_ERROR;

    if (rc == NGX_ERROR
        && (op.claims != NULL
            || failure.kind != NGX_HTTP_JAMHOOK_STORE_MEMORY))
    {
        return NGX_ABORT;
    }

    claims_free(&op);

    return rc;
}


static void
test_no_memory(void)
{
    ngx_int_t   n;
    session_t  *s;

    n = shim_exhaust(claim_once);
    ok(n > 5, "a claim of three without memory at each of %d places",
       (int) n);
    ok(sql("SELECT count(*) FROM deliveries WHERE attempts = 1") == 3
       && kept > 5 && (lost == 0 || LOST),
       "nothing of those stays: %d, %d", (int) kept, (int) lost);
    (void) claim_once(NULL);

    store_new();
    s = NULL;

    for (n = 1; n < 100; n++) {
        shim_failed = 0;
        shim_fail = n;

        s = store_open(NGX_HTTP_JAMHOOK_SESSION_WRITE);

        shim_fail = 0;

        if (s != NULL) {
            break;
        }

        if (failure.kind != NGX_HTTP_JAMHOOK_STORE_MEMORY
            || failure.text[0] == '\0')
        {
            ok(0, "at allocation %d: %s", (int) n, failure.text);
        }
    }

    ok(s != NULL && !shim_failed && n > 4,
       "a session without memory at each of %d places", (int) n - 1);

    if (s != NULL) {
        store_close(s);
    }

    shim_failed = 0;
}


static void
test_outcome(void)
{
    outcome_t   op;
    session_t  *s, *other;

    s = store_fresh();
    other = store_open(NGX_HTTP_JAMHOOK_SESSION_WRITE);

    (void) event_put(s, "msg_1", 1, 1);

    outcome_set(&op, 1, 1, NGX_HTTP_JAMHOOK_STATE_PENDING);
    op.delay = 5000;
    op.step = 1;
    op.interrupted = 2;
    op.error = str("timeout");
    op.status = 0;
    op.request_headers = str("{\"a\":\"b\"}");
    op.request_body = str("sent");
    op.response_headers = str("{}");
    op.response_body = str("answer");
    op.truncated = 1;
    ok(store_write(s, &op) == NGX_OK && !op.late, "an attempt that failed");
    ok(sql("SELECT count(*) FROM deliveries WHERE state = 0 AND class = 1"
           " AND next_at = %lld AND step = 1 AND interrupted = 2"
           " AND lease_owner IS NULL AND attempts = 1", now.now + 5000)
       == 1, "puts the delivery off, into the backlog");
    ok(sql("SELECT count(*) FROM attempts WHERE event = 1 AND endpoint = 1"
           " AND number = 1 AND trigger = 0 AND result = 1 AND duration = 12"
           " AND started_at = %lld AND error = 'timeout' AND status = 0"
           " AND request_headers = '{\"a\":\"b\"}'"
           " AND request_body = " BLOB("'sent'")
           " AND response_headers = '{}' AND truncated = 1"
           " AND response_body = " BLOB("'answer'"), now.now)
       == 1, "its record");

    ok(outcome(s, 1, 1, NGX_HTTP_JAMHOOK_STATE_SUCCEEDED) == NGX_DECLINED
       && sql("SELECT state FROM deliveries") == 0
       && sql("SELECT count(*) FROM attempts") == AGAIN,
       "once more: late, no change of state");

    (void) event_put(s, "msg_2", 1, 1);
    ok(outcome(other, 2, 1, NGX_HTTP_JAMHOOK_STATE_SUCCEEDED) == NGX_DECLINED
       && sql("SELECT state FROM deliveries WHERE event = 2") == 1,
       "by a session that does not hold it: late");
    ok(outcome(s, 2, 2, NGX_HTTP_JAMHOOK_STATE_SUCCEEDED) == NGX_DECLINED,
       "with another number: late");

    outcome_set(&op, 2, 1, NGX_HTTP_JAMHOOK_STATE_PENDING);
    op.result = NGX_HTTP_JAMHOOK_RESULT_INTERRUPTED;
    op.owner = store_owner(s);
    ok(store_write(other, &op) == NGX_OK && !op.late
       && sql("SELECT state FROM deliveries WHERE event = 2") == 0
       && sql("SELECT count(*) FROM attempts WHERE result = 2") == 1,
       "on behalf of the owner: taken");
    ok(store_write(other, &op) == NGX_OK && op.late
       && sql("SELECT count(*) FROM attempts WHERE result = 2") == 1,
       "a second time: late, and nothing is recorded");

    outcome_set(&op, 77, 1, NGX_HTTP_JAMHOOK_STATE_SUCCEEDED);
    ok(store_write(s, &op) == NGX_OK && op.late
       && sql("SELECT count(*) FROM attempts WHERE event = 77") == 0,
       "of an event that is gone: late, and nothing is recorded");

    (void) sql("UPDATE events SET forgotten = 1 WHERE seq = 2");
    outcome_set(&op, 2, 5, NGX_HTTP_JAMHOOK_STATE_SUCCEEDED);
    op.response_body = str("secret");
    op.response_headers = op.request_headers = op.request_body = str("s");
    op.duration = 99;
    ok(store_write(s, &op) == NGX_OK && op.late
       && sql("SELECT count(*) FROM attempts WHERE event = 2 AND result = 0"
              " AND request_headers IS NULL AND request_body IS NULL"
              " AND response_headers IS NULL AND response_body IS NULL"
              " AND duration = 99")
          == 1,
       "of one that was forgotten: recorded without what it held");

    (void) sql("UPDATE deliveries SET state = 1, trigger = 1, attempts = 3,"
               " lease_owner = '%.32s' WHERE event = 1", OWNER(s));
    outcome_set(&op, 1, 3, NGX_HTTP_JAMHOOK_STATE_PENDING);
    op.result = NGX_HTTP_JAMHOOK_RESULT_INTERRUPTED;
    (void) store_write(s, &op);
    ok(sql("SELECT trigger FROM deliveries WHERE event = 1") == 1,
       "a manual one that is interrupted stays manual");
    (void) sql("UPDATE deliveries SET state = 1, lease_owner = '%.32s'"
               " WHERE event = 1", OWNER(s));
    outcome_set(&op, 1, 3, NGX_HTTP_JAMHOOK_STATE_PENDING);
    (void) store_write(s, &op);
    ok(sql("SELECT trigger FROM deliveries WHERE event = 1") == 0,
       "one that failed is scheduled from then on");

    store_close(other);
    store_close(s);
}


/* an attempt at endpoint 0 of a new event, claimed, that ends so */

static void
attempt(session_t *s, outcome_t *op, ngx_http_jamhook_state_e state,
    unsigned gone)
{
    char           id[32];
    int64_t        event;
    static int     n;

    (void) snprintf(id, sizeof(id), "attempt%d", n++);

    event = event_put(s, id, 1, 1);

    outcome_set(op, event, 1, state);
    op->delay = 1000;
    op->disable_after = 5 * DAY;
    op->gone = gone;

    if (event == 0 || store_write(s, op) != NGX_OK) {
        ok(0, "an attempt: %s", failure.text);
    }
}


static void
test_disable(void)
{
    claim_t                   op;
    outcome_t                 out;
    session_t                *s;
    ngx_http_jamhook_want_t   want;

    s = store_fresh();

    attempt(s, &out, NGX_HTTP_JAMHOOK_STATE_PENDING, 0);
    ok(sql("SELECT failing_since FROM endpoints WHERE id = 1") == now.now,
       "a failure: the endpoint fails since now");

    now.now += 1000;
    attempt(s, &out, NGX_HTTP_JAMHOOK_STATE_PENDING, 0);
    ok(sql("SELECT failing_since FROM endpoints WHERE id = 1")
       == now.now - 1000,
       "the next does not change that");

    attempt(s, &out, NGX_HTTP_JAMHOOK_STATE_SUCCEEDED, 0);
    ok(sql("SELECT failing_since FROM endpoints WHERE id = 1") == 0
       && !out.resumed,
       "a success ends it");

    (void) sql("UPDATE endpoints SET failing_since = %lld WHERE id = 1",
               now.now + DAY);
    attempt(s, &out, NGX_HTTP_JAMHOOK_STATE_PENDING, 0);
    ok(sql("SELECT failing_since FROM endpoints WHERE id = 1") == now.now,
       "since a time to come: since now");

    now.now += 5 * DAY - 1;
    attempt(s, &out, NGX_HTTP_JAMHOOK_STATE_PENDING, 0);
    ok(out.paused == NGX_HTTP_JAMHOOK_PAUSE_NONE, "not five days yet");

    now.now += 1;
    attempt(s, &out, NGX_HTTP_JAMHOOK_STATE_PENDING, 0);
    ok(out.paused == NGX_HTTP_JAMHOOK_PAUSE_FAILING
       && sql("SELECT count(*) FROM endpoints WHERE id = 1 AND paused = 3"
              " AND paused_at = %lld AND probe_at = %lld", now.now,
              now.now + HOUR)
          == 1,
       "five days: paused");

    ok(claim(s, &op, &want, 0, 8) == 0 && !want.more
       && want.next_at == now.now + HOUR,
       "none is claimed for an hour");

    now.now += HOUR;
    ok(claim(s, &op, &want, 0, 8) == 1 && !want.more
       && want.next_at == now.now + HOUR,
       "then one, and the next in an hour");
    claims_free(&op);
    ok(claim(s, &op, &want, 0, 8) == 0, "no second one");

    (void) sql("UPDATE endpoints SET probe_at = %lld WHERE id = 1",
               now.now + HOUR + 1);
    ok(claim(s, &op, &want, 0, 8) == 1, "the clock was set back: now");

    outcome_set(&out, op.claims->event, op.claims->number,
                NGX_HTTP_JAMHOOK_STATE_PENDING);
    out.disable_after = 5 * DAY;
    ok(store_write(s, &out) == NGX_OK
       && out.paused == NGX_HTTP_JAMHOOK_PAUSE_NONE,
       "it fails: the endpoint was paused already");
    claims_free(&op);

    (void) sql("UPDATE endpoints SET probe_at = %lld WHERE id = 1", now.now);
    ok(claim(s, &op, &want, 0, 8) == 1, "the next");
    outcome_set(&out, op.claims->event, op.claims->number,
                NGX_HTTP_JAMHOOK_STATE_SUCCEEDED);
    ok(store_write(s, &out) == NGX_OK && out.resumed
       && sql("SELECT count(*) FROM endpoints WHERE id = 1 AND paused = 0"
              " AND paused_at = 0 AND failing_since = 0 AND probe_at = 0")
          == 1,
       "it succeeds: resumed");
    claims_free(&op);

    outcome_set(&out, 1, 9, NGX_HTTP_JAMHOOK_STATE_PENDING);
    out.counts = 0;
    ok(store_write(s, &out) == NGX_OK
       && sql("SELECT failing_since FROM endpoints WHERE id = 1") == 0,
       "a failure that does not count");

    attempt(s, &out, NGX_HTTP_JAMHOOK_STATE_PENDING, 0);
    now.now += 9 * DAY;
    (void) event_put(s, "off", 1, 1);
    outcome_set(&out, sql("SELECT max(seq) FROM events"), 1,
                NGX_HTTP_JAMHOOK_STATE_PENDING);
    ok(store_write(s, &out) == NGX_OK
       && out.paused == NGX_HTTP_JAMHOOK_PAUSE_NONE,
       "jamhook_disable_after off");

    store_close(s);
}


static void
test_gone(void)
{
    claim_t                   op;
    outcome_t                 out;
    session_t                *s;
    ngx_http_jamhook_want_t   want;

    s = store_fresh();

    events_put(s, "waits", 2, 1);

    attempt(s, &out, NGX_HTTP_JAMHOOK_STATE_FAILED, 1);
    ok(out.paused == NGX_HTTP_JAMHOOK_PAUSE_GONE
       && sql("SELECT paused FROM endpoints WHERE id = 1") == 2,
       "gone: paused");
    ok(claim(s, &op, &want, 0, 8) == 0 && want.next_at == 0 && !want.more,
       "and nothing is claimed");
    now.now += 30 * DAY;
    ok(claim(s, &op, &want, 0, 8) == 0, "ever");

    outcome_set(&out, 1, 1, NGX_HTTP_JAMHOOK_STATE_FAILED);
    out.gone = 1;
    ok(store_write(s, &out) == NGX_OK
       && out.paused == NGX_HTTP_JAMHOOK_PAUSE_NONE,
       "gone again says nothing new");

    (void) pause_endpoint(s, 0, NGX_HTTP_JAMHOOK_PAUSE_FAILING);
    ok(sql("SELECT paused FROM endpoints WHERE id = 1") == 2,
       "gone stays gone");
    (void) pause_endpoint(s, 0, NGX_HTTP_JAMHOOK_PAUSE_MANUAL);
    ok(sql("SELECT paused FROM endpoints WHERE id = 1") == 1,
       "a hand's pause overrides it");
    (void) store_write(s, &out);
    ok(sql("SELECT paused FROM endpoints WHERE id = 1") == 1
       && out.paused == NGX_HTTP_JAMHOOK_PAUSE_NONE,
       "and stays");

    outcome_set(&out, 1, 1, NGX_HTTP_JAMHOOK_STATE_SUCCEEDED);
    (void) store_write(s, &out);
    ok(sql("SELECT paused FROM endpoints WHERE id = 1") == 1 && !out.resumed,
       "a success does not end what a hand did");

    (void) sql("UPDATE endpoints SET paused = 3, probe_at = 5 WHERE id = 1");
    outcome_set(&out, 1, 1, NGX_HTTP_JAMHOOK_STATE_FAILED);
    out.gone = 1;
    ok(store_write(s, &out) == NGX_OK
       && out.paused == NGX_HTTP_JAMHOOK_PAUSE_GONE
       && sql("SELECT paused FROM endpoints WHERE id = 1") == 2,
       "a failing one becomes a gone one");

    store_close(s);
}


int
main(void)
{
    test_event();
    test_paused();
    test_claim();
    test_share();
    test_no_memory();
    test_outcome();
    test_disable();
    test_gone();

    return done();
}
