
#include "store.h"


static void
test_orphans(void)
{
    poll_t                      op;
    outcome_t                   out;
    session_t                  *s, *other;
    ngx_pool_t                 *pool;
    ngx_http_jamhook_orphan_t  *o;

    s = store_fresh();
    other = store_open(NGX_HTTP_JAMHOOK_SESSION_WRITE);

    ok(event_put(s, "mine", 2, 1) == 1
       && event_put(other, "theirs", 1, 1) == 2, "two owners send");
    ok(poll_store(&op, &pool) == NGX_OK && orphans(&op) == 0,
       "who lives keeps what is his");
    ngx_destroy_pool(pool);

    leases_end();
    now.now -= 1;
    now.mono -= 1;
    (void) poll_store(&op, &pool);
    ok(orphans(&op) == 0, "to the last moment");
    ngx_destroy_pool(pool);

    now.now += 1;
    now.mono += 1;
    (void) poll_store(&op, &pool);
    ok(orphans(&op) == 3, "then the lease is over");
    ngx_destroy_pool(pool);

    store_conf.nendpoints = 1;
    ok(poll_store(&op, &pool) == NGX_OK && orphans(&op) == 2,
       "of endpoints that are known here");
    store_conf.nendpoints = 2;

    for (o = op.orphans; o != NULL && o->event != 2; o = o->next) {
        /* void */
    }

    ok(o != NULL && o->endpoint == 0 && o->number == 1 && o->step == 0
       && o->interrupted == 0 && o->started_at == now.now - LEASE
       && o->trigger == NGX_HTTP_JAMHOOK_TRIGGER_SCHEDULED,
       "with what is known of the attempt");

    if (o != NULL) {
        is(o->id, "theirs", "the event's id");
        ok(o->owner.len == 32
           && memcmp(o->owner.data, OWNER(other), 32) == 0, "its owner");

        outcome_set(&out, 2, 1, NGX_HTTP_JAMHOOK_STATE_PENDING);
        out.result = NGX_HTTP_JAMHOOK_RESULT_INTERRUPTED;
        out.owner = o->owner;
        out.started_at = o->started_at;
        ok(store_write(s, &out) == NGX_OK && !out.late
           && sql("SELECT started_at FROM attempts") == now.now - LEASE,
           "somebody speaks for it");
        ok(store_write(other, &out) == NGX_OK && out.late
           && sql("SELECT count(*) FROM attempts") == 1, "one, not two");
    }

    ngx_destroy_pool(pool);

    ok(outcome(s, 1, 1, NGX_HTTP_JAMHOOK_STATE_SUCCEEDED) == NGX_OK,
       "while nobody has acted on it, its owner may still end it");
    (void) poll_store(&op, &pool);
    ok(orphans(&op) == 1 && op.orphans->event == 1
       && op.orphans->endpoint == 1, "the last one is left");
    ngx_destroy_pool(pool);

    store_close(other);
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
               " " HEX32("event %% 3") ", lease_until = 5");

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
               " class = CASE event WHEN 3 THEN 0 ELSE 1 END", now.now);
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
    poll_t  op;

    ngx_memzero(&op, sizeof(poll_t));
    op.op.type = NGX_HTTP_JAMHOOK_OP_POLL;
    op.pool = pool;
    op.longest = LONGEST;

    return store_read_once(&op);
}


static void
test_no_memory(void)
{
    session_t  *s;

    s = store_fresh();
    events_put(s, "e", 2, 1);
    (void) sql("UPDATE deliveries SET state = 1, lease_owner ="
               " " HEX32("7"));

    ok(shim_exhaust(poll_once) > 2
       && failure.kind == NGX_HTTP_JAMHOOK_STORE_OK,
       "without memory at each place");

    store_conf.nendpoints = 3;
    ok(next_at(2) == 0, "an endpoint that no writer has had yet");

    store_close(s);
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
    leases_end();

    ok(store_write(s, &op) == NGX_OK
       && sql("SELECT count(*) FROM deliveries WHERE state = 1") == 2
       && sql("SELECT count(*) FROM deliveries WHERE state = 0 AND"
              " endpoint = 3 AND lease_owner IS NULL AND class = 1") == 1,
       "when it is gone what is not ours waits again");

    store_close(s);
}


int
main(void)
{
    test_orphans();
    test_orphans_many();
    test_release();
    test_next();
    test_no_memory();

    return done();
}
