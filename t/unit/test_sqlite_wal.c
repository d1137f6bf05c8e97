
/* The WAL's frames are written at once, and never where others' stand. */

#include "store.h"

#include <sys/resource.h>


/* calls of this process that write, so far; -1: the system does not say */

static long
writes(void)
{
    long   n;
    FILE  *f;
    char   line[128];

    n = -1;
    f = fopen("/proc/self/io", "r");

    while (f != NULL && fgets(line, sizeof(line), f) != NULL) {
        (void) sscanf(line, "syscw: %ld", &n);
    }

    if (f != NULL) {
        (void) fclose(f);
    }

    return n;
}


static off_t
wal_size(void)
{
    char         path[600];
    struct stat  st;

    (void) snprintf(path, sizeof(path), "%s/jamhook.db-wal", store_dir);

    return (stat(path, &st) == 0) ? st.st_size : 0;
}


static void
test_together(void)
{
    long        before, n;
    off_t       size;
    session_t  *s;

    s = store_fresh();

    events_put(s, "a", 2, 1);

    size = wal_size();
    before = writes();
    events_put(s, "b", 200, 2);
    n = writes() - before;
    size = wal_size() - size;

    ok(size > 10 * 4096, "a transaction of many pages (%d bytes)", (int) size);
    ok(before < 0 || n <= 1 + size / (128 * 1024),
       "is written with few calls (%d)", (int) n);
    ok(sql("SELECT count(*) FROM events") == 202, "and is there");

    before = writes();
    ok(event_put(s, "one", 1, 1) == 203 && (before < 0 || writes() - before < 3)
       && sql("SELECT count(*) FROM events") == 203, "as is a small one");

    (void) ngx_http_jamhook_sqlite_exec(s, "PRAGMA synchronous = OFF");
    events_put(s, "c", 20, 1);
    ok(sql("SELECT count(*) FROM events") == 223,
       "what is committed is written, with or without a sync");

    store_close(s);
    ok(store_is_whole(), "the file is whole");
}


/* more than is kept in memory is written, and read, before the end */

static void
spill(session_t *s, const char *prefix, ngx_int_t n)
{
    ngx_int_t   i;
    char        text[256];

    (void) ngx_http_jamhook_sqlite_exec(s, "PRAGMA cache_size = 10");
    (void) ngx_http_jamhook_sqlite_exec(s, "BEGIN IMMEDIATE");

    for (i = 0; i < n; i++) {
        (void) snprintf(text, sizeof(text),
                        "INSERT INTO events (seq, received_at, id, body)"
                        " SELECT max(seq) + 1, 0, '%s%d', zeroblob(3000)"
                        " FROM events", prefix, (int) i * 7919 % 1000);
        if (ngx_http_jamhook_sqlite_exec(s, text) != NGX_OK) {
            ok(0, "%s", s->failure->text);
            return;
        }
    }
}


static void
test_spilled(void)
{
    session_t  *s, *other;

    s = store_fresh();
    ok(event_put(s, "first", 1, 0) == 1, "a first event");

    spill(s, "x", 150);
    ok(ngx_http_jamhook_sqlite_exec(s, "UPDATE events SET source = id")
       == NGX_OK && ngx_http_jamhook_sqlite_commit(s) == NGX_OK
       && sql("SELECT count(*) FROM events WHERE source = id") == 151
       && store_is_whole(), "a transaction larger than the memory for it");

    /* some of it waits to be written when it is given up */

    other = store_open(NGX_HTTP_JAMHOOK_SESSION_WRITE);

    spill(s, "y", 25);
    ngx_http_jamhook_sqlite_rollback(s);
    events_put(other, "theirs", 120, 1);

    ok(event_put(s, "mine", 1, 0) != 0
       && sql("SELECT count(*) FROM events") == 272 && store_is_whole(),
       "one that is rolled back writes over nothing");

    spill(s, "z", 25);
    ngx_http_jamhook_sqlite_rollback(s);
    events_put(other, "more", 120, 1);
    store_close(s);

    ok(event_put(other, "last", 1, 0) != 0
       && sql("SELECT count(*) FROM events") == 393 && store_is_whole(),
       "nor does a session that ends after one");

    store_close(other);
}


static void
test_failed(void)
{
    char                    ids[100][8];
    event_t                 op[100];
    route_t                 routes[100];
    session_t              *s;
    ngx_uint_t              i;
    struct rlimit           limit, low;
    ngx_http_jamhook_op_t  *ops[100];

    s = store_fresh();
    events_put(s, "a", 2, 1);

    (void) signal(SIGXFSZ, SIG_IGN);
    (void) getrlimit(RLIMIT_FSIZE, &limit);

    low = limit;
    low.rlim_cur = wal_size() + 10000;
    (void) setrlimit(RLIMIT_FSIZE, &low);

    for (i = 0; i < 100; i++) {
        (void) snprintf(ids[i], 8, "b%d", (int) i);
        event_set(&op[i], &routes[i], 1, 0, ids[i], "{}");
        ops[i] = &op[i].op;
    }

    ok(backend.write(s, ops, 100, &now, &failure) == NGX_ERROR
       && failure.kind == NGX_HTTP_JAMHOOK_STORE_NOSPC,
       "a write that fails half way fails: %s", failure.text);

    (void) setrlimit(RLIMIT_FSIZE, &limit);

    ok(sql("SELECT count(*) FROM events") == 2, "and nothing is there");
    ok(backend.write(s, ops, 100, &now, &failure) == NGX_OK
       && sql("SELECT count(*) FROM events") == 102 && store_is_whole(),
       "until it is tried again");

    store_close(s);
}


int
main(void)
{
    test_together();
    test_spilled();
    test_failed();

    return done();
}
