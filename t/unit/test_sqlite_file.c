
/* What the store's file holds, and how large it becomes. */

#include "store.h"


static void
test_full(void)
{
    char        body[20001];
    event_t     op;
    route_t     routes[3];
    int64_t     first;
    ngx_int_t   i;
    session_t  *s;
    retain_t    old;

    store_new();
    store_conf.max_size = 400000;

    s = store_open(NGX_HTTP_JAMHOOK_SESSION_WRITE);

    memset(body, 'b', 20000);
    body[20000] = '\0';

    first = event_put(s, "first", 1, 1);

    for (i = 0; i < 40; i++) {
        char  id[16];

        (void) snprintf(id, sizeof(id), "big%d", (int) i);
        event_set(&op, routes, 1, 0, id, body);

        if (store_write(s, &op) != NGX_OK
            || op.verdict != NGX_HTTP_JAMHOOK_EVENT_STORED)
        {
            break;
        }
    }

    ok(i > 10 && i < 20 && op.verdict == NGX_HTTP_JAMHOOK_EVENT_FULL
       && sql("SELECT count(*) FROM events") == i + 1,
       "at max_size new events are refused (%d)", (int) i);

    event_set(&op, routes, 2, 0, "first", "{}");
    ok(store_write(s, &op) == NGX_OK
       && op.verdict == NGX_HTTP_JAMHOOK_EVENT_STORED
       && routes[0].verdict == NGX_HTTP_JAMHOOK_ROUTE_EXISTS
       && routes[1].verdict == NGX_HTTP_JAMHOOK_ROUTE_ADDED,
       "old ones are still told, and may be added to");
    event_set(&op, routes, 1, 0, "first", "other");
    ok(store_write(s, &op) == NGX_OK
       && op.verdict == NGX_HTTP_JAMHOOK_EVENT_CONFLICT,
       "or conflict");
    ok(outcome(s, first, 1, NGX_HTTP_JAMHOOK_STATE_SUCCEEDED) == NGX_OK,
       "outcomes go on");

    (void) sql("UPDATE deliveries SET state = 2");
    now.now += 2 * DAY;
    ok(retain(s, &old, DAY) > 10,
       "retention goes on");

    event_set(&op, routes, 1, 0, "after", body);
    ok(store_write(s, &op) == NGX_OK
       && op.verdict == NGX_HTTP_JAMHOOK_EVENT_STORED,
       "and makes room");

    store_close(s);
}


static void
test_growth(void)
{
    char        prefix[16];
    retain_t    op;
    session_t  *s;
    int64_t     pages, most;
    ngx_int_t   i;

    s = store_fresh();
    most = 0;
    pages = 0;

    for (i = 0; i < 36; i++) {
        (void) snprintf(prefix, sizeof(prefix), "r%d-", (int) i);
        events_put(s, prefix, 60, 2);
        (void) sql("UPDATE events SET body = randomblob(1500)"
                   " WHERE received_at = %lld", now.now);
        (void) sql("UPDATE deliveries SET state = 2");
        now.now += HOUR;

        do {
            (void) retain(s, &op, 8 * HOUR);
        } while (op.more);

        pages = sql("PRAGMA page_count");

        if (i < 16) {
            most = ngx_max(most, pages);
        }
    }

    ok(sql("SELECT count(*) FROM events") < 600 && pages <= most + most / 20,
       "the file does not grow under a steady load: %d pages, then %d",
       (int) most, (int) pages);

    store_close(s);
}


/* whether any file of the store holds it */

static ngx_uint_t
store_holds(const char *needle)
{
    char         path[600];
    FILE        *f;
    long         len;
    u_char      *data;
    ngx_uint_t   i, found;

    static const char  *names[] = { "jamhook.db", "jamhook.db-wal" };

    found = 0;

    for (i = 0; i < nitems(names); i++) {
        (void) snprintf(path, sizeof(path), "%s/%s", store_dir, names[i]);

        f = fopen(path, "rb");
        if (f == NULL) {
            continue;
        }

        (void) fseek(f, 0, SEEK_END);
        len = ftell(f);
        rewind(f);

        data = malloc(len + 1);

        if (fread(data, 1, len, f) == (size_t) len
            && memmem(data, len, needle, strlen(needle)) != NULL)
        {
            found = 1;
        }

        free(data);
        (void) fclose(f);
    }

    return found;
}


static void
test_forget(void)
{
    char        id[32], secret[32];
    outcome_t   out;
    session_t  *s, *reader;
    ngx_int_t   i, held, kept;

    s = store_fresh();

    event_secret(s, "msg_1", "Jane Roe", 9000);
    event_secret(s, "msg_2", "John Doe", 100);

    ok(forget(s, "msg_1") == NGX_HTTP_JAMHOOK_FORGET_SENDING
       && store_holds("Jane Roe"),
       "what is being sent is not forgotten");

    outcome_set(&out, 1, 1, NGX_HTTP_JAMHOOK_STATE_SUCCEEDED);
    out.endpoint = 1;
    (void) store_write(s, &out);

    ok(forget(s, "msg_1") == NGX_HTTP_JAMHOOK_FORGET_OK
       && !store_holds("Jane Roe"), "then no byte of it is in the files");
    ok(store_holds("John Doe"), "of another one it is");

    /* a reader in the middle keeps the WAL from being cut */

    (void) sql("UPDATE deliveries SET state = 2, lease_owner = NULL");
    reader = store_open(NGX_HTTP_JAMHOOK_SESSION_READ);
    reader->failure = &failure;
    (void) ngx_http_jamhook_sqlite_begin(reader,
                                         NGX_HTTP_JAMHOOK_SQL_BEGIN_READ);
    (void) ngx_http_jamhook_sqlite_exec(reader,
                                        "SELECT count(*) FROM events");
    ok(forget(s, "msg_2") == NGX_HTTP_JAMHOOK_FORGET_OK && s->wipe,
       "while somebody reads");
    (void) ngx_http_jamhook_sqlite_commit(reader);
    store_close(reader);

    (void) event_put(s, "msg_3", 1, 0);
    ok(s->wipe, "tried again, but not at once");
    now.mono += 1000;
    (void) event_put(s, "msg_4", 1, 0);
    ok(!s->wipe && !store_holds("John Doe"), "after a later batch it is gone");

    /* rows move between pages as others shrink: none may leave a copy */

    for (i = 0; i < 60; i++) {
        (void) snprintf(id, sizeof(id), "many%d", (int) i);
        (void) snprintf(secret, sizeof(secret), "<Customer %d>", (int) i);
        event_secret(s, id, secret, (i * 7919) % 3000);
    }

    (void) sql("UPDATE deliveries SET state = 2, lease_owner = NULL");

    held = 0;
    kept = 0;

    for (i = 0; i < 60; i++) {
        (void) snprintf(id, sizeof(id), "many%d", (int) (i * 77) % 60);
        (void) snprintf(secret, sizeof(secret), "<Customer %d>",
                        (int) (i * 77) % 60);

        held += store_holds(secret);
        (void) forget(s, id);
        kept += store_holds(secret);
    }

    ok(held == 60 && kept == 0, "one after another: %d held, %d kept",
       (int) held, (int) kept);

    store_close(s);
}


int
main(void)
{
    test_full();
    test_growth();
    test_forget();

    return done();
}
