
/* Who comes to a store from outside nginx, and what is in its directory. */

#include "store.h"


static session_t *
guest_open(ngx_http_jamhook_session_e kind)
{
    session_t  *s;

    store_conf.guest = 1;
    s = store_open(kind);
    store_conf.guest = 0;

    return s;
}


static ngx_http_jamhook_failure_e
guest_refused(void)
{
    session_t  *s;

    failure.kind = NGX_HTTP_JAMHOOK_STORE_OK;
    s = guest_open(NGX_HTTP_JAMHOOK_SESSION_WRITE);

    if (s != NULL) {
        store_close(s);
        return NGX_HTTP_JAMHOOK_STORE_OK;
    }

    s = guest_open(NGX_HTTP_JAMHOOK_SESSION_READ);

    if (s != NULL) {
        store_close(s);
        return NGX_HTTP_JAMHOOK_STORE_OK;
    }

    return failure.kind;
}


static ngx_int_t
guest_look(uid_t *uid)
{
    gid_t  gid;

    return backend.look(&store_conf, uid, &gid, &failure);
}


static void
test_owner(void)
{
    session_t  *s, *guest;

    s = store_fresh();
    guest = guest_open(NGX_HTTP_JAMHOOK_SESSION_WRITE);

    ok(guest != NULL && files("worker.") == 1 && guest->owner == NULL,
       "a guest has no leases");

    store_close(guest);
    store_close(s);
}


static void
test_journal(void)
{
    char                           path[600];
    sqlite3                       *db;
    session_t                     *s;
    ngx_http_jamhook_op_forget_t   op;

    s = store_fresh();
    (void) event_put(s, "m1", 1, 0);

    (void) snprintf(path, sizeof(path), "%s/jamhook.db", store_dir);
    ok(sqlite3_open(path, &db) == SQLITE_OK
       && sqlite3_exec(db, "BEGIN; SELECT count(*) FROM events", NULL, NULL,
                       NULL)
          == SQLITE_OK,
       "somebody reads an older state");

    ngx_memzero(&op, sizeof(ngx_http_jamhook_op_forget_t));
    op.op.type = NGX_HTTP_JAMHOOK_OP_FORGET;
    op.id = str("m1");
    ok(store_write(s, &op) == NGX_OK && !op.wiped,
       "what is forgotten is still in the journal");

    (void) sqlite3_close(db);

    now.mono += 2000;
    op.id = str("");
    ok(store_write(s, &op) == NGX_OK && op.wiped
       && op.verdict == NGX_HTTP_JAMHOOK_FORGET_NO_EVENT,
       "any later batch takes it out");

    store_close(s);
}


static void
test_refused(void)
{
    char    path[600], link[600];
    FILE   *f;
    uid_t   uid;

    store_new();
    ok(guest_refused() == NGX_HTTP_JAMHOOK_STORE_CANTOPEN
       && guest_look(&uid) == NGX_ERROR,
       "no directory");
    ok(access(store_dir, F_OK) == -1, "none is made");

    (void) mkdir(store_dir, 0700);
    ok(guest_refused() == NGX_HTTP_JAMHOOK_STORE_CANTOPEN
       && guest_look(&uid) == NGX_ERROR && files("jamhook") == 0
       && files("turn") == 0,
       "an empty one stays empty");

    (void) snprintf(path, sizeof(path), "%s/jamhook.db", store_dir);
    f = fopen(path, "w");
    (void) fclose(f);

    ok(guest_refused() == NGX_HTTP_JAMHOOK_STORE_CORRUPT && files("turn") == 0,
       "an empty file");
    ok(guest_look(&uid) == NGX_OK && uid == geteuid(), "it has an owner");

    (void) snprintf(link, sizeof(link), "%s/real.db", store_dir);
    (void) rename(path, link);
    (void) symlink(link, path);

    ok(guest_refused() == NGX_HTTP_JAMHOOK_STORE_CORRUPT
       && guest_look(&uid) == NGX_ERROR,
       "a link");

    store_close(store_fresh());

    (void) sql("PRAGMA user_version = 99");
    ok(guest_refused() == NGX_HTTP_JAMHOOK_STORE_NEWER, "a newer one");

    if (NGX_HTTP_JAMHOOK_SQLITE_VERSION > 1) {
        (void) sql("PRAGMA user_version = %d",
                   NGX_HTTP_JAMHOOK_SQLITE_VERSION - 1);
        ok(guest_refused() == NGX_HTTP_JAMHOOK_STORE_OLDER, "an older one");
    }
}


int
main(void)
{
    test_owner();
    test_journal();
    test_refused();

    return done();
}
