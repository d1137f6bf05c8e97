
/* Leases end with the process that has them; and they go by a clock. */

#include "store.h"


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


/* a lease that nobody has, in the store of an earlier process */

static void
test_ownerless(void)
{
    session_t  *s;

    s = store_fresh();
    (void) event_put(s, "one", 2, 1);
    (void) sql("UPDATE deliveries SET lease_owner = NULL WHERE endpoint = 1");
    (void) sql("UPDATE deliveries SET lease_owner = 'x' WHERE endpoint = 2");
    store_close(s);

    s = store_open(NGX_HTTP_JAMHOOK_SESSION_WRITE);
    ok(sql("SELECT count(*) FROM deliveries WHERE state = 0") == 2,
       "a lease without an owner is none");
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


int
main(void)
{
    test_orphans();
    test_orphans_many();
    test_ownerless();
    test_set_back();

    return done();
}
