
#include "store.h"

#include <signal.h>


static void
test_open(void)
{
    session_t  *s, *other, *reader;

    store_new();

    ok(store_open(NGX_HTTP_JAMHOOK_SESSION_READ) == NULL && !created,
       "a reading session makes no store");

    s = store_open(NGX_HTTP_JAMHOOK_SESSION_WRITE);
    ok(s != NULL && created, "a writing one does");

    ok(sql("SELECT value FROM meta WHERE key = 'compatible'") == 1
       && sql("SELECT count(*) FROM endpoints WHERE seen_at = %lld", now.now)
          == 2,
       "it has the endpoints");

    other = store_open(NGX_HTTP_JAMHOOK_SESSION_WRITE);
    ok(other != NULL && !created, "a second session finds it there");

    store_conf.nendpoints = 3;
    reader = store_open(NGX_HTTP_JAMHOOK_SESSION_READ);
    ok(reader != NULL && reader->endpoints[0].id == 1
       && reader->endpoints[1].id == 2 && reader->endpoints[2].id == 0,
       "a reader knows the endpoints that are there");
    store_close(reader);

    ok(event_put(s, "one", 1, 0) == 1 && event_put(other, "two", 1, 0) == 2,
       "both write");

    store_close(other);
    store_close(s);

    s = store_open(NGX_HTTP_JAMHOOK_SESSION_WRITE);
    ok(s != NULL && !created && sql("SELECT count(*) FROM events") == 2
       && s->endpoints[2].id > 2,
       "what was stored is there, a new endpoint is added");
    store_close(s);
}


/* who this process is does not hang on a session: its leases do not */

static void
test_member(void)
{
    u_char                         name[32];
    session_t                     *s;
    outcome_t                      out;
    ngx_http_jamhook_store_conf_t  conf;

    store_new();
    conf = store_conf;

    s = backend.open(&conf, NGX_HTTP_JAMHOOK_SESSION_WRITE, &now, NULL,
                     &created, &failure);

    store_made();

    ok(store_owner(s).len == sizeof(name), "an owner has a name");
    memcpy(name, store_owner(s).data, sizeof(name));

    ok(event_put(s, "mine", 1, 1) == 1 && sql("SELECT count(*) FROM deliveries"
       " WHERE state = 1") == 1, "an event is claimed");

    backend.close(s);

    s = backend.open(&conf, NGX_HTTP_JAMHOOK_SESSION_WRITE, &now, NULL,
                     &created, &failure);
    ok(memcmp(store_owner(s).data, name, sizeof(name)) == 0,
       "the next session's owner is the same");

    outcome_set(&out, 1, 1, NGX_HTTP_JAMHOOK_STATE_SUCCEEDED);
    ok(store_write(s, &out) == NGX_OK && !out.late,
       "and ends what was claimed by the first");
    backend.close(s);

    backend.leave(&conf);
    ok(conf.member == NULL, "a process that leaves forgets it");
    backend.leave(&conf);
}


/* a claim that was made before another op fails */

static void
test_failed(void)
{
    claim_t                   claims;
    outcome_t                 out;
    session_t                *s;
    ngx_http_jamhook_op_t    *ops[2];
    ngx_http_jamhook_want_t   want;

    s = store_fresh();
    events_put(s, "e", 3, 1);
    (void) sql("UPDATE deliveries SET state = 1, attempts = 1, lease_owner ="
               " '%.32s' WHERE event = 1", OWNER(s));
    store_refuse();

    ngx_memzero(&claims, sizeof(claim_t));
    ngx_memzero(&want, sizeof(ngx_http_jamhook_want_t));
    claims.op.type = NGX_HTTP_JAMHOOK_OP_CLAIM;
    claims.wants = &want;
    claims.nwants = 1;
    claims.longest = LONGEST;
    want.n = 2;
    want.lease = LEASE;

    outcome_set(&out, 1, 1, NGX_HTTP_JAMHOOK_STATE_SUCCEEDED);
    out.duration = 666;

    ops[0] = &claims.op;
    ops[1] = &out.op;
    ok(backend.write(s, ops, 2, &now, &failure) == NGX_ERROR
       && claims.claims == NULL
       && sql("SELECT count(*) FROM deliveries WHERE state = 1") == 1
       && sql("SELECT count(*) FROM attempts") == 0,
       "a batch that fails claims nothing: %s", failure.text);

    out.duration = 66;
    ok(backend.write(s, ops, 2, &now, &failure) == NGX_OK
       && claims.claims != NULL && want.claimed == 2 && !out.late,
       "then it does");
    claims_free(&claims);

    store_close(s);
}


/* writes till it is killed; a byte in the pipe for each event it was told of */

static void
write_for_ever(int fd, int round)
{
    char        id[32];
    int         n;
    int64_t     event;
    session_t  *s;

    s = store_open(NGX_HTTP_JAMHOOK_SESSION_WRITE);

    for (n = 0; s != NULL; n++) {
        (void) snprintf(id, sizeof(id), "k%d-%d", round, n);

        event = event_put(s, id, 2, 1);

        if (event == 0 || write(fd, "x", 1) != 1) {
            break;
        }

        (void) outcome(s, event, 1, NGX_HTTP_JAMHOOK_STATE_SUCCEEDED);
    }

    _exit(1);
}


static void
test_kill(void)
{
    int         fds[2], round;
    char        c;
    pid_t       pid;
    int64_t     events, whole;
    session_t  *s;
    ngx_uint_t  told;

    store_close(store_fresh());

    told = 0;
    whole = 0;
    events = 0;

    for (round = 0; round < 8; round++) {
        (void) fflush(stdout);

        if (pipe(fds) != 0) {
            break;
        }

        pid = fork();

        if (pid == 0) {
            write_for_ever(fds[1], round);
        }

        (void) close(fds[1]);

        while (read(fds[0], &c, 1) == 1) {
            told++;

            if (told == (ngx_uint_t) (round + 1) * 20) {
                (void) usleep(round * 100);
                (void) kill(pid, SIGKILL);
            }
        }

        (void) close(fds[0]);
        (void) waitpid(pid, NULL, 0);

        store_settle();
        s = store_open(NGX_HTTP_JAMHOOK_SESSION_WRITE);

        if (s != NULL) {
            events = sql("SELECT count(*) FROM events");
            whole += store_is_whole()
                     && events >= (int64_t) told
                     && sql("SELECT count(*) FROM deliveries") == 2 * events
                     && sql("SELECT count(*) FROM attempts")
                        == sql("SELECT count(*) FROM deliveries"
                               " WHERE state = 2");
            store_close(s);
        }
    }

    ok(whole == 8 && told > 100 && events <= (int64_t) told + 8,
       "killed 8 times: told of %d events, %d there", (int) told,
       (int) events);
}


/* all at once on a store that is not made yet, and none of them closes it */

static void
test_many(void)
{
    int         status, i;
    pid_t       pids[6];
    session_t  *s;
    ngx_uint_t  good;

    store_new();
    (void) fflush(stdout);

    for (i = 0; i < 6; i++) {
        pids[i] = fork();

        if (pids[i] == 0) {
            char  id[32];
            int   n;

            s = store_open(NGX_HTTP_JAMHOOK_SESSION_WRITE);

            for (n = 0; s != NULL && n < 20; n++) {
                (void) snprintf(id, sizeof(id), "c%d-%d", i, n);

                if (event_put(s, id, 1, 1) == 0) {
                    _exit(1);
                }
            }

            if (s == NULL) {
                (void) printf("# %s\n", failure.text);
                (void) fflush(stdout);
            }

            _exit(s == NULL);
        }
    }

    good = 0;

    for (i = 0; i < 6; i++) {
        (void) waitpid(pids[i], &status, 0);
        good += (WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }

    ok(good == 6, "six processes make and use one store");
    ok(sql("SELECT count(*) FROM events") == 120
       && sql("SELECT count(DISTINCT seq) FROM events") == 120,
       "all events have numbers of their own");
    ok(sql("SELECT count(*) FROM deliveries WHERE state = 1") == 120,
       "and all deliveries are claimed");

    s = store_open(NGX_HTTP_JAMHOOK_SESSION_WRITE);
    ok(s != NULL && !created, "the next one finds it there");
    store_close(s);
}


/* n processes at once; what they find comes back through a pipe, as numbers */

typedef int64_t (*race_pt)(session_t *s, ngx_uint_t me, int fd);

static ngx_uint_t
race(race_pt run, ngx_uint_t n, int64_t *results, ngx_uint_t max)
{
    int         fds[2], status;
    pid_t       pids[8];
    int64_t     result;
    session_t  *s;
    ngx_uint_t  i, found;

    (void) fflush(stdout);

    if (pipe(fds) != 0) {
        return 0;
    }

    for (i = 0; i < n; i++) {
        pids[i] = fork();

        if (pids[i] == 0) {
            s = store_open(NGX_HTTP_JAMHOOK_SESSION_WRITE);
            result = (s == NULL) ? -1 : run(s, i, fds[1]);

            if (result != 0) {
                (void) printf("# %d: %s\n", (int) i, failure.text);
                (void) fflush(stdout);
            }

            _exit(result != 0);
        }
    }

    (void) close(fds[1]);
    found = 0;

    while (found < max && read(fds[0], &result, sizeof(result))
                          == sizeof(result))
    {
        results[found++] = result;
    }

    (void) close(fds[0]);

    for (i = 0; i < n; i++) {
        (void) waitpid(pids[i], &status, 0);
        ok(WIFEXITED(status) && WEXITSTATUS(status) == 0,
           "process %d of a race", (int) i);
    }

    return found;
}


static int
by_number(const void *a, const void *b)
{
    int64_t  m = *(const int64_t *) a, n = *(const int64_t *) b;

    return (m > n) - (m < n);
}


/* how many of them are there more than once */

static ngx_uint_t
repeated(int64_t *numbers, ngx_uint_t n)
{
    ngx_uint_t  i, twice;

    qsort(numbers, n, sizeof(int64_t), by_number);

    twice = 0;

    for (i = 1; i < n; i++) {
        twice += (numbers[i] == numbers[i - 1]);
    }

    return twice;
}


/* claims till there is nothing left, and says what it sent */

static int64_t
race_claim(session_t *s, ngx_uint_t me, int fd)
{
    claim_t                    op;
    ngx_uint_t                 empty;
    ngx_http_jamhook_want_t    want;
    ngx_http_jamhook_claim_t  *c;

    for (empty = 0; empty < 3; empty++) {

        if (claim(s, &op, &want, 0, 1 + me * 3) == 999) {
            return -1;
        }

        for (c = op.claims; c != NULL; c = c->next) {

            if (write(fd, &c->event, sizeof(int64_t)) != sizeof(int64_t)
                || outcome(s, c->event, c->number,
                           NGX_HTTP_JAMHOOK_STATE_SUCCEEDED)
                   != NGX_OK)
            {
                return -1;
            }

            empty = 0;
        }

        claims_free(&op);
    }

    return 0;
}


/* the same ids in all, not in the same order; says what it has stored */

static int64_t
race_event(session_t *s, ngx_uint_t me, int fd)
{
    char                    ids[20][32];
    event_t                 op[20];
    route_t                 routes[20][3];
    ngx_uint_t              i, n, batch;
    ngx_http_jamhook_op_t  *ops[20];

    static const ngx_uint_t  strides[] = { 1, 19, 7, 13 };

    for (batch = 0; batch < 10; batch++) {

        for (i = 0; i < 20; i++) {
            n = i * strides[me] % 20;
            (void) snprintf(ids[i], 32, "r%d-%d", (int) batch, (int) n);
            event_set(&op[i], routes[i], 2, n % 2, ids[i], "{}");
            ops[i] = &op[i].op;
        }

        if (backend.write(s, ops, 20, &now, &failure) != NGX_OK) {
            return -1;
        }

        for (i = 0; i < 20; i++) {

            if (op[i].verdict == NGX_HTTP_JAMHOOK_EVENT_STORED) {

                if (write(fd, &op[i].event, sizeof(int64_t))
                    != sizeof(int64_t))
                {
                    return -1;
                }

            } else if (op[i].verdict != NGX_HTTP_JAMHOOK_EVENT_DUPLICATE) {
                return -1;
            }
        }
    }

    return 0;
}


static void
test_race(void)
{
    int64_t     numbers[1000];
    session_t  *s;
    ngx_uint_t  n, twice;

    store_close(store_fresh());

    n = race(race_event, 4, numbers, 1000);
    twice = repeated(numbers, n);
    ok(n == 200 && twice == 0
       && sql("SELECT count(*) FROM events") == 200
       && sql("SELECT count(*) FROM deliveries") == 400
       && sql("SELECT count(*) FROM deliveries WHERE state = 1") == 200,
       "an event that comes to four at once is stored once: %d, %d twice",
       (int) n, (int) twice);

    s = store_fresh();
    events_put(s, "e", 300, 1);
    store_close(s);

    n = race(race_claim, 4, numbers, 1000);
    twice = repeated(numbers, n);
    ok(n == 300 && twice == 0
       && sql("SELECT count(*) FROM deliveries WHERE state = 2"
              " AND attempts = 1") == 300
       && sql("SELECT sum(succeeded) FROM tallies") == 300,
       "four claim what is due: %d, %d twice", (int) n, (int) twice);
}


int
main(void)
{
    test_open();
    test_member();
    test_failed();
    test_kill();
    test_many();
    test_race();

    return done();
}
