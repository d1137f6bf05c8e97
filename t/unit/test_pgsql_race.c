
/*
 * What only several sessions at once can show, of the hot path: events,
 * outcomes, claims.
 */

#include "store.h"

#include <pthread.h>


#define NODES  4


/* a write in a thread of its own */
typedef struct {
    session_t                    *s;
    ngx_http_jamhook_op_t       **ops;
    ngx_uint_t                    n;
    ngx_int_t                     rc;
    ngx_http_jamhook_failure_t    failure;
    pthread_t                     thread;
} node_t;


/* claims till nothing is left */
typedef struct {
    session_t                    *s;
    u_char                        taken[1000];   /* how often, by event */
    ngx_uint_t                    spun;          /* claims that came to nothing
                                                    and asked for another */
    ngx_uint_t                    calls;
    pthread_t                     thread;
} claimer_t;


static pthread_barrier_t  barrier;


static void *
node_run(void *data)
{
    node_t  *node = data;

    node->rc = backend.write(node->s, node->ops, node->n, &now,
                             &node->failure);

    return NULL;
}


static void
node_start(node_t *node, session_t *s, ngx_http_jamhook_op_t **ops,
    ngx_uint_t n)
{
    ngx_memzero(node, sizeof(node_t));

    node->s = s;
    node->ops = ops;
    node->n = n;

    if (pthread_create(&node->thread, NULL, node_run, node) != 0) {
        abort();
    }
}


static ngx_int_t
node_end(node_t *node)
{
    (void) pthread_join(node->thread, NULL);

    if (node->rc != NGX_OK) {
        (void) printf("# %d %s\n", node->failure.kind, node->failure.text);
    }

    return node->rc;
}


/* waits till a session waits for a lock; 0: none does */

static ngx_uint_t
blocked(void)
{
    ngx_uint_t  i;

    for (i = 0; i < 500; i++) {
        if (sql("SELECT count(*) FROM pg_stat_activity WHERE datname ="
                " current_database() AND wait_event_type = 'Lock'")
            > 0)
        {
            return 1;
        }

        (void) usleep(10000);
    }

    return 0;
}


/* a session from outside that holds what it is told to */

static ngx_uint_t
tell(PGconn *db, const char *text)
{
    PGresult    *res;
    ngx_uint_t   good;

    res = PQexec(db, text);
    good = (PQresultStatus(res) == PGRES_COMMAND_OK
            || PQresultStatus(res) == PGRES_TUPLES_OK);

    if (!good) {
        (void) printf("# %s: %s\n", text, PQerrorMessage(db));
    }

    PQclear(res);

    return good;
}


static void
claim_set(claim_t *op, ngx_http_jamhook_want_t *wants, ngx_uint_t nwants,
    ngx_uint_t n)
{
    ngx_uint_t  i;

    ngx_memzero(op, sizeof(claim_t));
    ngx_memzero(wants, nwants * sizeof(ngx_http_jamhook_want_t));

    op->op.type = NGX_HTTP_JAMHOOK_OP_CLAIM;
    op->wants = wants;
    op->nwants = nwants;
    op->longest = LONGEST;

    for (i = 0; i < nwants; i++) {
        wants[i].endpoint = i;
        wants[i].n = n;
        wants[i].lease = LEASE;
    }
}


static void *
claimer_run(void *data)
{
    claimer_t *c = data;

    claim_t                      op;
    ngx_http_jamhook_op_t       *ops[1];
    ngx_http_jamhook_want_t      want;
    ngx_http_jamhook_claim_t    *claim;
    ngx_http_jamhook_failure_t   f;

    (void) pthread_barrier_wait(&barrier);

    do {
        claim_set(&op, &want, 1, 7);
        ops[0] = &op.op;

        if (backend.write(c->s, ops, 1, &now, &f) != NGX_OK) {
            (void) printf("# %s\n", f.text);
            break;
        }

        for (claim = op.claims; claim != NULL; claim = claim->next) {
            c->taken[claim->event]++;
        }

        claims_free(&op);

        c->spun += (want.claimed == 0 && want.more);
        c->calls++;

    } while (want.more || want.next_at != 0);

    return NULL;
}


static void
test_claims(void)
{
    claimer_t    nodes[NODES];
    ngx_uint_t   i, j, n, once, spun, sharers, calls;

    store_close(store_fresh());

    (void) pthread_barrier_init(&barrier, NULL, NODES);
    ngx_memzero(nodes, sizeof(nodes));

    for (i = 0; i < NODES; i++) {
        nodes[i].s = store_open(NGX_HTTP_JAMHOOK_SESSION_WRITE);
    }

    events_put(nodes[0].s, "e", 250, 1);
    events_put(nodes[0].s, "f", 250, 1);
    (void) sql("UPDATE deliveries SET class = event %% 2");

    for (i = 0; i < NODES; i++) {
        (void) pthread_create(&nodes[i].thread, NULL, claimer_run, &nodes[i]);
    }

    once = 0;
    spun = 0;
    calls = 0;
    sharers = 0;

    for (i = 0; i < NODES; i++) {
        (void) pthread_join(nodes[i].thread, NULL);
        spun += nodes[i].spun;
        calls += nodes[i].calls;
        sharers += (memchr(nodes[i].taken, 1, 501) != NULL);
    }

    for (j = 1; j <= 500; j++) {
        n = 0;

        for (i = 0; i < NODES; i++) {
            n += nodes[i].taken[j];
        }

        once += (n == 1);
    }

    ok(once == 500 && sharers > 1
       && sql("SELECT count(*) FROM deliveries WHERE state = 1"
              " AND attempts = 1")
          == 500,
       "500 due, claimed by %d of %d sessions at once: each one once (%d)",
       (int) sharers, NODES, (int) once);
    ok(spun == 0, "no claim that comes to nothing asks for another at once"
       " (%d calls)", (int) calls);

    for (i = 0; i < NODES; i++) {
        store_close(nodes[i].s);
    }

    (void) pthread_barrier_destroy(&barrier);
}


static void
test_held(void)
{
    PGconn                     *db;
    claim_t                     op;
    session_t                  *s;
    ngx_http_jamhook_want_t     want, wants[2];
    ngx_http_jamhook_claim_t   *c;

    s = store_fresh();
    db = store_connect(store_uri);

    events_put(s, "e", 6, 2);

    (void) tell(db, "BEGIN; SELECT 1 FROM deliveries WHERE event <= 4"
                    " FOR UPDATE");

    ok(claim(s, &op, &want, 0, 10) == 2 && op.claims->event == 5 && !want.more
       && want.next_at == now.now + 100,
       "what others have in hand is passed over, and looked for again soon");
    claims_free(&op);

    ok(claim(s, &op, &want, 0, 10) == 0 && !want.more
       && want.next_at == now.now + 100, "all of them");

    (void) tell(db, "ROLLBACK");

    ok(claim(s, &op, &want, 0, 10) == 4 && !want.more && want.next_at == 0,
       "the others gave them up");
    claims_free(&op);

    events_put(s, "f", 6, 2);
    (void) tell(db, "BEGIN; UPDATE deliveries SET next_at = next_at + 60000"
                    " WHERE event = 7");
    ok(claim(s, &op, &want, 0, 2) == 2 && want.more
       && op.claims->event == 8 && op.claims->next->event == 9,
       "a want that others' do not keep from being met");
    claims_free(&op);
    (void) tell(db, "COMMIT");

    claim_set(&op, wants, 2, 3);
    wants[0].endpoint = 1;
    wants[1].endpoint = 0;
    wants[1].n = 8;

    ok(store_write(s, &op) == NGX_OK
       && wants[0].claimed == 3 && wants[0].more
       && wants[1].claimed == 3 && !wants[1].more
       && wants[1].next_at == now.now + 60000,
       "two endpoints in one claim");

    c = op.claims;
    ok(c->endpoint == 1 && c->event == 1 && c->next->event == 2
       && c->next->next->next->endpoint == 0
       && c->next->next->next->event == 10, "one after the other");
    claims_free(&op);

    PQfinish(db);
    store_close(s);
}


static void
test_bytes(void)
{
    char                     *body;
    claim_t                   op;
    event_t                   event;
    route_t                   routes[3];
    session_t                *s;
    ngx_uint_t                i;
    ngx_http_jamhook_want_t   want;

    static const char  *ids[] = { "a", "b", "c", "d" };

    s = store_fresh();

    body = malloc(9 * 1024 * 1024 + 1);

    for (i = 0; i < 4; i++) {
        memset(body, 'b', 9 * 1024 * 1024);
        body[(i < 3 ? 4 : 9) * 1024 * 1024] = '\0';

        event_set(&event, routes, 1, 0, ids[i], body);
        (void) store_write(s, &event);
    }

    ok(claim(s, &op, &want, 0, 10) == 2 && want.more, "so many bytes at once");
    claims_free(&op);
    ok(claim(s, &op, &want, 0, 10) == 2 && !want.more
       && op.claims->next->body.len == 9 * 1024 * 1024,
       "one more where there was room left");
    claims_free(&op);

    (void) sql("UPDATE deliveries SET state = 0 WHERE event = 4");
    ok(claim(s, &op, &want, 0, 10) == 1, "one that is larger, alone");
    claims_free(&op);

    free(body);
    store_close(s);
}


static void
test_probe_once(void)
{
    claim_t                   op[2];
    node_t                    nodes[2];
    session_t                *s[2];
    ngx_uint_t                i, j, single, calm;
    ngx_http_jamhook_op_t    *ops[2];
    ngx_http_jamhook_want_t   want[2];

    s[0] = store_fresh();
    s[1] = store_open(NGX_HTTP_JAMHOOK_SESSION_WRITE);

    events_put(s[0], "e", 50, 1);
    (void) sql("UPDATE endpoints SET paused = 3, paused_at = 1"
               " WHERE id = 1");

    single = 0;
    calm = 0;

    for (i = 0; i < 20; i++) {
        (void) sql("UPDATE endpoints SET probe_at = %lld", now.now);

        for (j = 0; j < 2; j++) {
            claim_set(&op[j], &want[j], 1, 5);
            ops[j] = &op[j].op;
            node_start(&nodes[j], s[j], &ops[j], 1);
        }

        (void) node_end(&nodes[0]);
        (void) node_end(&nodes[1]);

        single += (want[0].claimed + want[1].claimed == 1
                   && sql("SELECT count(*) FROM deliveries WHERE state = 1")
                      == (int64_t) i + 1
                   && sql("SELECT count(*) FROM endpoints WHERE id = 1"
                          " AND probe_at = %lld", now.now + HOUR) == 1);

        for (j = 0; j < 2; j++) {
            calm += (!want[j].more && want[j].next_at > now.now);
            claims_free(&op[j]);
        }
    }

    ok(single == 20, "a failing endpoint is tried by one of two sessions (%d)",
       (int) single);
    ok(calm == 40, "and the other waits (%d)", (int) calm);

    store_close(s[1]);
    store_close(s[0]);
}


static void
test_same_id(void)
{
    char         id[32];
    node_t       nodes[2];
    event_t      op[2];
    route_t      routes[2][3];
    session_t   *s[2];
    ngx_uint_t   i, j, stored, claimed, conflict;

    ngx_http_jamhook_op_t  *ops[2];

    s[0] = store_fresh();
    s[1] = store_open(NGX_HTTP_JAMHOOK_SESSION_WRITE);

    stored = 0;
    claimed = 0;
    conflict = 0;

    for (i = 0; i < 100; i++) {
        (void) snprintf(id, sizeof(id), "msg_%d", (int) i);

        for (j = 0; j < 2; j++) {
            event_set(&op[j], routes[j], 2, 1, id,
                      (i < 50 || j == 0) ? "{}" : "{ }");
            ops[j] = &op[j].op;
            node_start(&nodes[j], s[j], &ops[j], 1);
        }

        (void) node_end(&nodes[0]);
        (void) node_end(&nodes[1]);

        if (nodes[0].rc != NGX_OK || nodes[1].rc != NGX_OK) {
            continue;
        }

        stored += (op[0].event == op[1].event
                   && (op[0].verdict == NGX_HTTP_JAMHOOK_EVENT_STORED)
                      + (op[1].verdict == NGX_HTTP_JAMHOOK_EVENT_STORED)
                      == 1);
        conflict += (op[0].verdict == NGX_HTTP_JAMHOOK_EVENT_CONFLICT)
                    + (op[1].verdict == NGX_HTTP_JAMHOOK_EVENT_CONFLICT);
        claimed += (routes[0][0].claimed + routes[1][0].claimed == 1
                    && routes[0][1].claimed + routes[1][1].claimed == 1);
    }

    ok(stored == 100 && claimed == 100 && conflict == 50,
       "one id put by two sessions at once: stored by one (%d), claimed by one"
       " (%d); with two bodies a conflict (%d)", (int) stored, (int) claimed,
       (int) conflict);
    ok(sql("SELECT count(*) FROM events") == 100
       && sql("SELECT count(*) FROM deliveries WHERE attempts = 1") == 200,
       "one row each");

    store_close(s[1]);
    store_close(s[0]);
}


static void
test_waits(void)
{
    PGconn      *db;
    node_t       node;
    event_t      op;
    route_t      routes[3];
    session_t   *s;

    ngx_http_jamhook_op_t  *ops[1];

    s = store_fresh();
    db = store_connect(store_uri);
    ops[0] = &op.op;

    (void) tell(db, "BEGIN; INSERT INTO events (received_at, id, body)"
                    " VALUES (1, 'msg_1', '{}')");

    event_set(&op, routes, 1, 1, "msg_1", "{}");
    node_start(&node, s, ops, 1);
    ok(blocked(), "an id that another session is about to store");
    (void) tell(db, "COMMIT");
    ok(node_end(&node) == NGX_OK && op.event == 1
       && op.verdict == NGX_HTTP_JAMHOOK_EVENT_STORED
       && routes[0].verdict == NGX_HTTP_JAMHOOK_ROUTE_ADDED
       && sql("SELECT count(*) FROM events") == 1,
       "is that one's, once it has; what it lacked is added");

    (void) tell(db, "BEGIN; INSERT INTO events (received_at, id, body)"
                    " VALUES (1, 'msg_2', '{ }')");

    event_set(&op, routes, 1, 1, "msg_2", "{}");
    node_start(&node, s, ops, 1);
    (void) blocked();
    (void) tell(db, "COMMIT");
    ok(node_end(&node) == NGX_OK
       && op.verdict == NGX_HTTP_JAMHOOK_EVENT_CONFLICT
       && !routes[0].claimed
       && sql("SELECT count(*) FROM deliveries") == 1,
       "or a conflict");

    (void) tell(db, "BEGIN; INSERT INTO events (received_at, id, body)"
                    " VALUES (1, 'msg_3', '{ }')");

    event_set(&op, routes, 1, 1, "msg_3", "{}");
    node_start(&node, s, ops, 1);
    (void) blocked();
    (void) tell(db, "ROLLBACK");
    ok(node_end(&node) == NGX_OK
       && op.verdict == NGX_HTTP_JAMHOOK_EVENT_STORED
       && routes[0].claimed,
       "or new, if that one gave up");

    /* retention is about to remove it */

    (void) tell(db, "BEGIN; DELETE FROM deliveries WHERE event = 1;"
                    " DELETE FROM events WHERE seq = 1");

    event_set(&op, routes, 1, 1, "msg_1", "{}");
    node_start(&node, s, ops, 1);
    (void) blocked();
    (void) tell(db, "COMMIT");
    ok(node_end(&node) == NGX_OK && op.event > 3
       && op.verdict == NGX_HTTP_JAMHOOK_EVENT_STORED
       && routes[0].verdict == NGX_HTTP_JAMHOOK_ROUTE_ADDED,
       "or new again, if it was just removed");

    PQfinish(db);
    store_close(s);
}


/*
 * Of two in a deadlock one gives way: who has waited for a second.  1: that was
 * the node.
 */

static ngx_uint_t
deadlock(session_t *s, PGconn *db, event_t *op, route_t routes[2][3],
    ngx_int_t *rc)
{
    node_t       node;
    PGresult    *res;
    ngx_uint_t   done;

    ngx_http_jamhook_op_t  *ops[2];

    (void) tell(db, "BEGIN; INSERT INTO events (received_at, id, body)"
                    " VALUES (1, 'b', '{}')");

    event_set(&op[0], routes[0], 1, 1, "a", "{}");
    event_set(&op[1], routes[1], 1, 1, "b", "{}");
    ops[0] = &op[0].op;
    ops[1] = &op[1].op;

    node_start(&node, s, ops, 2);
    (void) blocked();

    (void) PQsendQuery(db, "INSERT INTO events (received_at, id, body)"
                           " VALUES (1, 'a', '{}')");

    done = 0;

    for ( ;; ) {
        res = PQgetResult(db);

        if (res == NULL) {
            break;
        }

        done += (PQresultStatus(res) == PGRES_COMMAND_OK);
        PQclear(res);
    }

    (void) tell(db, "COMMIT");
    *rc = node_end(&node);

    return done;
}


static void
test_deadlock(void)
{
    PGconn      *db;
    event_t      op[2];
    route_t      routes[2][3];
    session_t   *s;
    ngx_int_t    rc;
    ngx_uint_t   i, done;

    s = NULL;
    db = NULL;
    done = 0;

    /*
     * The node waits first, so it is the first to find out; where this machine
     * has slept for that second it looked too early.
     */

    for (i = 0; i < 10 && !done; i++) {
        if (s != NULL) {
            PQfinish(db);
            store_close(s);
        }

        s = store_fresh();
        db = store_connect(store_uri);
        done = deadlock(s, db, op, routes, &rc);
    }

    ok(done == 1, "a deadlock: the node gives way");

    ok(rc == NGX_OK
       && op[0].event != 0 && op[1].event == 1
       && op[0].verdict == NGX_HTTP_JAMHOOK_EVENT_STORED
       && routes[0][0].claimed && routes[1][0].claimed
       && sql("SELECT count(*) FROM events") == 2
       && sql("SELECT count(*) FROM deliveries WHERE state = 1") == 2,
       "and tries its batch again");

    PQfinish(db);
    store_close(s);
}


/* events in one order, and in the other */

#define CROSSED  50

typedef struct {
    event_t                  events[CROSSED];
    route_t                  routes[CROSSED][3];
    ngx_http_jamhook_op_t   *ops[CROSSED];
} crossed_t;


static void
crossed_set(crossed_t *c, char ids[][16], ngx_uint_t backwards)
{
    ngx_uint_t  i, n;

    for (i = 0; i < CROSSED; i++) {
        n = backwards ? CROSSED - 1 - i : i;

        event_set(&c->events[i], c->routes[i], 1, 1, ids[n], "{}");
        c->ops[i] = &c->events[i].op;
    }
}


static void
test_crossed(void)
{
    char         ids[CROSSED][16];
    node_t       nodes[2];
    int64_t      deadlocks;
    session_t   *s[2];
    ngx_uint_t   i, j, n, good;

    static crossed_t  batch[2];

    s[0] = store_fresh();
    s[1] = store_open(NGX_HTTP_JAMHOOK_SESSION_WRITE);

    /* one of them is slow, so that they meet */

    (void) sql("CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS"
               " $$ BEGIN PERFORM pg_sleep(0.0005); RETURN NEW; END $$");
    (void) sql("CREATE TRIGGER slow BEFORE INSERT ON events FOR EACH ROW"
               " EXECUTE FUNCTION slow()");

    good = 0;

    for (n = 0; n < 10; n++) {

        for (i = 0; i < CROSSED; i++) {
            (void) snprintf(ids[i], sizeof(ids[i]), "m%d_%02d", (int) n,
                            (int) i);
        }

        for (j = 0; j < 2; j++) {
            crossed_set(&batch[j], ids, j);
            node_start(&nodes[j], s[j], batch[j].ops, CROSSED);
        }

        good += (node_end(&nodes[0]) == NGX_OK);
        good += (node_end(&nodes[1]) == NGX_OK);

        for (i = 0; i < CROSSED; i++) {
            good += (batch[0].routes[i][0].claimed
                     + batch[1].routes[CROSSED - 1 - i][0].claimed
                     == 1);
        }
    }

    ok(good == 10 * (2 + CROSSED)
       && sql("SELECT count(*) FROM events") == 10 * CROSSED
       && sql("SELECT count(*) FROM deliveries WHERE attempts = 1")
          == 10 * CROSSED,
       "two sessions put the same ids in opposite orders: each is there once,"
       " claimed by one (%d)", (int) good);

    /* sessions tell it when they end */

    store_close(s[1]);
    store_close(s[0]);
    store_settle();

    deadlocks = sql("SELECT deadlocks FROM pg_stat_database"
                    " WHERE datname = current_database()");
    ok(deadlocks == 0, "without a deadlock (%d)", (int) deadlocks);
}


/* a session that somebody ends while it reads */

static void *
polled(void *data)
{
    ngx_int_t  *rc = data;

    poll_t       op;
    ngx_pool_t  *pool;

    *rc = poll_store(&op, &pool);

    if (*rc != NGX_OK) {
        (void) printf("# %d %s\n", failure.kind, failure.text);
    }

    ngx_destroy_pool(pool);

    return NULL;
}


static void
test_ended(void)
{
    PGconn      *db;
    session_t   *s;
    ngx_int_t    rc;
    pthread_t    thread;
    ngx_uint_t   ended;

    s = store_fresh();
    db = store_connect(store_uri);

    (void) tell(db, "BEGIN; LOCK TABLE deliveries IN ACCESS EXCLUSIVE MODE");
    (void) pthread_create(&thread, NULL, polled, &rc);

    ended = blocked()
            && sql("SELECT count(pg_terminate_backend(pid))"
                   " FROM pg_stat_activity WHERE datname = current_database()"
                   " AND wait_event_type = 'Lock'")
               == 1;

    (void) tell(db, "COMMIT");
    (void) pthread_join(thread, NULL);

    ok(ended && rc == NGX_OK,
       "a session that somebody ends while it reads: another one reads");

    PQfinish(db);
    store_close(s);
}


/* new endpoints likewise, and a deadlock with somebody else */

static void *
opened(void *data)
{
    session_t **s = data;

    *s = store_open(NGX_HTTP_JAMHOOK_SESSION_WRITE);

    if (*s == NULL) {
        (void) printf("# %d %s\n", failure.kind, failure.text);
    }

    return NULL;
}


static void
test_open(void)
{
    PGconn     *db;
    PGresult   *res;
    session_t  *s, *first;
    pthread_t   thread;

    first = store_fresh();
    (void) sql("DELETE FROM endpoints");
    db = store_connect(store_uri);

    /* it has the first of its own, and waits for the second */

    (void) tell(db, "BEGIN; INSERT INTO endpoints (name, seen_at)"
                    " VALUES ('audit', 1)");
    (void) pthread_create(&thread, NULL, opened, &s);
    ok(blocked(), "a session opens while another one has new endpoints");

    (void) PQsendQuery(db, "INSERT INTO endpoints (name, seen_at)"
                           " VALUES ('fin', 1)");

    for ( ;; ) {
        res = PQgetResult(db);

        if (res == NULL) {
            break;
        }

        PQclear(res);
    }

    (void) tell(db, "COMMIT");
    (void) pthread_join(thread, NULL);
    ok(s != NULL && sql("SELECT count(*) FROM endpoints") == 2,
       "and in another order: it gives way, and opens");

    if (s != NULL) {
        store_close(s);
    }

    /* their rows are not waited for */

    (void) sql("UPDATE endpoints SET seen_at = 1");
    (void) tell(db, "BEGIN; SELECT 1 FROM endpoints FOR UPDATE");
    s = store_open(NGX_HTTP_JAMHOOK_SESSION_WRITE);
    ok(s != NULL && sql("SELECT max(seen_at) FROM endpoints") == 1,
       "one opens while others have the rows");
    (void) tell(db, "COMMIT");

    if (s != NULL) {
        store_close(s);
    }

    s = store_open(NGX_HTTP_JAMHOOK_SESSION_WRITE);
    ok(sql("SELECT min(seen_at) FROM endpoints") == now.now,
       "and says that it has them when it can");

    PQfinish(db);
    store_close(s);
    store_close(first);
}


static void
test_twice(void)
{
    outcome_t    op[2];
    session_t   *s;

    ngx_http_jamhook_op_t  *ops[2];

    s = store_fresh();

    (void) event_put(s, "msg_1", 1, 1);
    (void) event_put(s, "msg_2", 1, 1);

    ok(outcome(s, 1, 1, NGX_HTTP_JAMHOOK_STATE_SUCCEEDED) == NGX_OK
       && outcome(s, 1, 1, NGX_HTTP_JAMHOOK_STATE_SUCCEEDED) == NGX_OK
       && sql("SELECT count(*) FROM attempts") == 1
       && sql("SELECT sum(n)::bigint FROM rollups") == 2
       && sql("SELECT sum(succeeded)::bigint FROM tallies") == 1
       && sql("SELECT state FROM deliveries WHERE event = 1") == 2,
       "an outcome written again, as after a COMMIT whose answer was lost:"
       " not late, and counted once");

    outcome_set(&op[0], 2, 1, NGX_HTTP_JAMHOOK_STATE_PENDING);
    outcome_set(&op[1], 2, 1, NGX_HTTP_JAMHOOK_STATE_PENDING);
    ops[0] = &op[0].op;
    ops[1] = &op[1].op;
    ok(backend.write(s, ops, 2, &now, &failure) == NGX_OK
       && !op[0].late && !op[1].late
       && sql("SELECT count(*) FROM attempts WHERE event = 2") == 1
       && sql("SELECT sum(n)::bigint FROM rollups") == 4,
       "or twice in a batch");

    /* an orphan's, by whoever is there; then its own node speaks up */

    (void) event_put(s, "msg_3", 1, 1);
    outcome_set(&op[0], 3, 1, NGX_HTTP_JAMHOOK_STATE_PENDING);
    op[0].result = NGX_HTTP_JAMHOOK_RESULT_INTERRUPTED;
    op[0].counts = 0;
    op[0].owner = store_owner(s);
    op[0].started_at = 12345000;
    (void) store_write(s, &op[0]);
    ok(outcome(s, 3, 1, NGX_HTTP_JAMHOOK_STATE_SUCCEEDED) == NGX_DECLINED
       && sql("SELECT state FROM deliveries WHERE event = 3") == 0
       && sql("SELECT count(*) FROM attempts WHERE event = 3") == 2
       && sql("SELECT count(*) FROM attempts WHERE event = 3 AND result = 2"
              " AND started_at = 12345000") == 1,
       "interrupted by another, then told by its own node: both are kept");
    ok(outcome(s, 3, 1, NGX_HTTP_JAMHOOK_STATE_SUCCEEDED) == NGX_OK
       && sql("SELECT count(*) FROM attempts WHERE event = 3") == 2,
       "once");

    store_close(s);
}


/* the event of what is told late is being changed by others */

static void
test_late(void)
{
    node_t       node;
    PGconn      *db;
    outcome_t    op;
    session_t   *s;

    ngx_http_jamhook_op_t  *ops[1];

    s = store_fresh();
    db = store_connect(store_uri);
    ops[0] = &op.op;

    (void) event_put(s, "msg_1", 1, 0);
    (void) event_put(s, "msg_2", 1, 0);

    outcome_set(&op, 1, 1, NGX_HTTP_JAMHOOK_STATE_SUCCEEDED);
    op.response_body = str("secret");
    op.error = str("bytes \xff of any kind");

    (void) tell(db, "BEGIN; UPDATE events SET forgotten = 1 WHERE seq = 1");
    node_start(&node, s, ops, 1);
    (void) blocked();
    (void) tell(db, "COMMIT");
    ok(node_end(&node) == NGX_OK && op.late
       && sql("SELECT count(*) FROM attempts WHERE event = 1"
              " AND response_body IS NULL AND error LIKE 'bytes%%'") == 1,
       "forgotten meanwhile: nothing of it comes back");

    op.event = 2;
    (void) tell(db, "BEGIN; DELETE FROM events WHERE seq = 2");
    node_start(&node, s, ops, 1);
    (void) blocked();
    (void) tell(db, "COMMIT");
    ok(node_end(&node) == NGX_OK && op.late
       && sql("SELECT count(*) FROM attempts WHERE event = 2") == 0,
       "removed meanwhile: nothing is left behind");

    PQfinish(db);
    store_close(s);
}


/* a batch: new ones, old ones, one id twice, events that go nowhere */

static void
test_mixed(void)
{
    char         ids[60][32];
    event_t      op[60];
    route_t      routes[60][3];
    session_t   *s;
    ngx_uint_t   i, good;

    ngx_http_jamhook_op_t             *ops[60];
    ngx_http_jamhook_event_verdict_e   verdict;

    s = store_fresh();

    for (i = 0; i < 60; i++) {
        (void) snprintf(ids[i], sizeof(ids[i]), "m%02d", (int) i);
        event_set(&op[i], routes[i], i % 3, 1, ids[i], ids[i]);
        ops[i] = &op[i].op;
    }

    /* the first twenty are there, one of them forgotten, one has failed */

    (void) backend.write(s, ops, 20, &now, &failure);
    (void) sql("UPDATE events SET forgotten = 1 WHERE seq = 6");
    (void) sql("UPDATE deliveries SET state = 3, attempts = 4 WHERE event = 8"
               " AND endpoint = 1");

    op[10].body = str("other");
    op[59].id = op[30].id;
    op[58].id = op[31].id;
    op[58].body = op[31].body;

    ok(backend.write(s, ops, 60, &now, &failure) == NGX_OK
       && sql("SELECT count(*) FROM events") == 58,
       "a batch of all kinds");

    good = 0;

    for (i = 0; i < 60; i++) {
        good += (sql("SELECT seq FROM events WHERE id = '%.*s'",
                     (int) op[i].id.len, op[i].id.data)
                 == op[i].event);
    }

    ok(good == 60, "each has its number (%d)", (int) good);

    good = 0;

    for (i = 0; i < 58; i++) {
        verdict = (i == 10) ? NGX_HTTP_JAMHOOK_EVENT_CONFLICT
                  : (i < 20) ? NGX_HTTP_JAMHOOK_EVENT_DUPLICATE
                             : NGX_HTTP_JAMHOOK_EVENT_STORED;

        good += (op[i].verdict == verdict
                 && (i == 0 || op[i].event > op[i - 1].event));
    }

    ok(good == 58, "in their ids' order, with its verdict (%d)", (int) good);
    ok(op[59].verdict == NGX_HTTP_JAMHOOK_EVENT_CONFLICT
       && op[58].verdict == NGX_HTTP_JAMHOOK_EVENT_DUPLICATE,
       "an id that comes again in the batch is compared");
    ok(routes[7][0].verdict == NGX_HTTP_JAMHOOK_ROUTE_RESTARTED
       && routes[7][0].claimed && routes[7][0].number == 5
       && routes[8][0].verdict == NGX_HTTP_JAMHOOK_ROUTE_EXISTS
       && !routes[8][0].claimed && !routes[5][0].claimed
       && routes[20][1].verdict == NGX_HTTP_JAMHOOK_ROUTE_ADDED
       && routes[20][1].claimed && routes[20][1].number == 1,
       "and so have their deliveries");
    ok(sql("SELECT count(*) FROM deliveries WHERE state = 1") == 57
       && sql("SELECT count(*) FROM deliveries d JOIN events e"
              " ON e.seq = d.event WHERE e.body <> convert_to(e.id, 'UTF8')")
          == 0,
       "as rows say");

    store_close(s);
}


/* outcomes of a delivery that is not ours tell of the endpoint all the same */

static void
fold_set(outcome_t *op, char what, ngx_uint_t n)
{
    outcome_set(op, 1000000 + n, 1, what == 'S'
                                        ? NGX_HTTP_JAMHOOK_STATE_SUCCEEDED
                                        : NGX_HTTP_JAMHOOK_STATE_PENDING);

    op->counts = (what == 'F' || what == 'O' || what == 'H');
    op->gone = (what == 'G' || what == 'H');
    op->disable_after = (what == 'F' || what == 'H') ? 5 * DAY : 0;
}


/* as if they were written one by one, which is how SQLite does it */

static void
fold_model(char what, int64_t *paused, int64_t *failing)
{
    if (what == 'S') {
        *failing = 0;
        *paused = (*paused == 3) ? 0 : *paused;
        return;
    }

    if (what == 'F' || what == 'O' || what == 'H') {
        if (*failing == 0 || *failing > now.now) {
            *failing = now.now;
        }

        if (what != 'O' && now.now - *failing >= 5 * DAY && *paused == 0) {
            *paused = 3;
        }
    }

    if ((what == 'G' || what == 'H') && *paused != 1 && *paused != 2) {
        *paused = 2;
    }
}


static ngx_uint_t
fold_once(session_t *s, ngx_uint_t code, ngx_uint_t len, int64_t paused,
    int64_t failing)
{
    char          text[4];
    int64_t       was, told, expected;
    outcome_t     op[3];
    ngx_uint_t    i;

    ngx_http_jamhook_op_t  *ops[3];

    static const char  what[] = "SFOGH";

    was = paused;

    (void) sql("UPDATE endpoints SET paused = %lld, paused_at = 7,"
               " probe_at = 9, failing_since = %lld WHERE id = 1", paused,
               failing);

    for (i = 0; i < len; i++) {
        text[i] = what[code % 5];
        code /= 5;

        fold_set(&op[i], text[i], i);
        fold_model(text[i], &paused, &failing);
        ops[i] = &op[i].op;
    }

    if (backend.write(s, ops, len, &now, &failure) != NGX_OK) {
        (void) printf("# %s\n", failure.text);
        return 0;
    }

    /* what became of it is told by one of them; 9: it was resumed */

    told = 0;
    expected = (paused == was) ? 0 : paused ? paused : 9;

    for (i = 0; i < len; i++) {
        if (op[i].paused) {
            told = told * 10 + op[i].paused;
        }

        if (op[i].resumed) {
            told = told * 10 + 9;
        }
    }

    if (told == expected
        && sql("SELECT count(*) FROM endpoints WHERE id = 1 AND paused = %lld"
               " AND failing_since = %lld AND paused_at = %lld"
               " AND probe_at = %lld", paused, failing,
               (paused == was) ? (int64_t) 7 : paused ? now.now : 0,
               (paused == was) ? (int64_t) 9
                               : (paused == 3) ? now.now + HOUR : 0)
           == 1)
    {
        return 1;
    }

    (void) printf("# %.*s from %d: told %d, expected paused %d failing %lld\n",
                  (int) len, text, (int) was, (int) told, (int) paused,
                  (long long) failing);

    return 0;
}


static void
test_fold(void)
{
    session_t   *s;
    ngx_uint_t   len, code, codes, i, j, n, good;

    int64_t  failing[4] = { 0, now.now - 6 * DAY, now.now - 5, now.now + 5 };

    s = store_fresh();

    n = 0;
    good = 0;
    codes = 1;

    for (len = 1; len <= 3; len++) {
        codes *= 5;

        for (code = 0; code < codes; code++) {
            for (i = 0; i < 4; i++) {
                for (j = 0; j < 4; j++) {
                    n++;
                    good += fold_once(s, code, len, i, failing[j]);
                }
            }
        }
    }

    ok(good == n && n == 2480, "outcomes of a batch come to what they do one"
       " by one: %d of %d", (int) good, (int) n);

    store_close(s);
}


static void
test_row(void)
{
    node_t       node;
    PGconn      *db;
    outcome_t    op;
    PGnotify    *notify;
    session_t   *s;

    ngx_http_jamhook_op_t  *ops[1];

    s = store_fresh();
    db = store_connect(store_uri);
    ops[0] = &op.op;

    /* others hold the endpoint's row: nobody waits for it for nothing */

    (void) event_put(s, "msg_1", 1, 1);
    (void) tell(db, "BEGIN; SELECT 1 FROM endpoints FOR UPDATE");
    outcome_set(&op, 1, 1, NGX_HTTP_JAMHOOK_STATE_SUCCEEDED);
    ok(store_write(s, &op) == NGX_OK,
       "a success locks no endpoint that is well");
    (void) tell(db, "ROLLBACK");

    (void) sql("UPDATE endpoints SET failing_since = %lld", now.now - DAY);
    (void) tell(db, "BEGIN; SELECT 1 FROM endpoints FOR UPDATE");
    fold_set(&op, 'F', 1);
    ok(store_write(s, &op) == NGX_OK, "nor does one more failure");
    (void) tell(db, "ROLLBACK");

    /* what it becomes is worked out after the wait */

    (void) sql("UPDATE endpoints SET failing_since = %lld", now.now - 6 * DAY);
    (void) tell(db, "BEGIN; UPDATE endpoints SET failing_since = 0");
    fold_set(&op, 'F', 1);
    node_start(&node, s, ops, 1);
    (void) blocked();
    (void) tell(db, "COMMIT");
    ok(node_end(&node) == NGX_OK && op.paused == NGX_HTTP_JAMHOOK_PAUSE_NONE
       && sql("SELECT count(*) FROM endpoints WHERE id = 1 AND paused = 0"
              " AND failing_since = %lld", now.now) == 1,
       "a failure meets another node's success: it counts anew");

    (void) sql("UPDATE endpoints SET failing_since = %lld", now.now - 6 * DAY);
    (void) tell(db, "BEGIN; UPDATE endpoints SET paused = 2, paused_at = 5");
    node_start(&node, s, ops, 1);
    (void) blocked();
    (void) tell(db, "COMMIT");
    ok(node_end(&node) == NGX_OK && op.paused == NGX_HTTP_JAMHOOK_PAUSE_NONE
       && sql("SELECT count(*) FROM endpoints WHERE paused = 2"
              " AND paused_at = 5") == 2,
       "or its pause: that stands");

    (void) tell(db, "LISTEN jamhook");
    (void) sql("UPDATE endpoints SET paused = 3, paused_at = 5");
    fold_set(&op, 'S', 1);
    (void) store_write(s, &op);
    (void) tell(db, "SELECT 1");
    notify = PQnotifies(db);
    ok(op.resumed && notify != NULL, "a resume is told to the other nodes");
    PQfreemem(notify);

    (void) store_write(s, &op);
    (void) tell(db, "SELECT 1");
    notify = PQnotifies(db);
    ok(!op.resumed && notify == NULL, "a success alone is not");
    PQfreemem(notify);

    PQfinish(db);
    store_close(s);
}


int
main(void)
{
    test_claims();
    test_held();
    test_bytes();
    test_probe_once();
    test_same_id();
    test_waits();
    test_deadlock();
    test_crossed();
    test_ended();
    test_open();
    test_twice();
    test_late();
    test_mixed();
    test_fold();
    test_row();

    return done();
}
