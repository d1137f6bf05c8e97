
#include "store.h"

#include <sys/file.h>

#include <grp.h>
#include <signal.h>
#include <sys/resource.h>


#define NOBODY  65534


static void
test_open(void)
{
    char          path[600];
    session_t    *s, *other, *reader;
    struct stat   st;

    store_new();

    ok(store_open(NGX_HTTP_JAMHOOK_SESSION_READ) == NULL
       && failure.kind == NGX_HTTP_JAMHOOK_STORE_CANTOPEN && !created,
       "a reading session makes no store");

    s = store_open(NGX_HTTP_JAMHOOK_SESSION_WRITE);
    ok(s != NULL && created, "a writing one does, and its directory");

    (void) stat(store_dir, &st);
    ok((st.st_mode & 0777) == 0700, "which is for nobody else");
    (void) snprintf(path, sizeof(path), "%s/jamhook.db", store_dir);
    (void) stat(path, &st);
    ok((st.st_mode & 0777) == 0600, "nor is the file");
    (void) snprintf(path, sizeof(path), "%s/jamhook.db-wal", store_dir);
    (void) stat(path, &st);
    ok((st.st_mode & 0777) == 0600, "nor the one beside it");

    ok(sql("PRAGMA application_id") == NGX_HTTP_JAMHOOK_SQLITE_ID
       && sql("PRAGMA user_version") == 1
       && sql("SELECT value FROM meta WHERE key = 'compatible'") == 1,
       "it says what it is");
    ok(sql("SELECT count(*) FROM endpoints WHERE seen_at = %lld", now.now)
       == 2, "it has the endpoints");

    other = store_open(NGX_HTTP_JAMHOOK_SESSION_WRITE);
    ok(other != NULL && !created && files("worker.") == 2,
       "a second session finds it there");

    store_conf.nendpoints = 3;
    reader = store_open(NGX_HTTP_JAMHOOK_SESSION_READ);
    ok(reader != NULL && reader->endpoints[0].id == 1
       && reader->endpoints[1].id == 2 && reader->endpoints[2].id == 0,
       "a reader knows the endpoints that are there");
    reader->failure = &failure;
    ok(ngx_http_jamhook_sqlite_exec(reader, "DELETE FROM endpoints")
       == NGX_ERROR
       && failure.kind == NGX_HTTP_JAMHOOK_STORE_READONLY,
       "and cannot write");
    store_close(reader);

    ok(event_put(s, "one", 1, 0) == 1 && event_put(other, "two", 1, 0) == 2,
       "both write");

    store_close(other);
    ok(files("worker.") == 1, "an owner's file goes with it");
    store_close(s);
    ok(files("") == 5 && files("turn.") == 2,
       "and all others but the database and those of the turns");

    s = store_open(NGX_HTTP_JAMHOOK_SESSION_WRITE);
    ok(s != NULL && !created && sql("SELECT count(*) FROM events") == 2
       && s->endpoints[2].id == 3,
       "what was stored is there, a new endpoint is added");
    ok(strcmp((char *) failure.text, "") == 0, "without a failure");
    store_close(s);
}


/* who this process is does not hang on a session: its leases do not */

static void
test_member(void)
{
    char                           path[NGX_HTTP_JAMHOOK_OWNER_PATH];
    u_char                         name[NGX_HTTP_JAMHOOK_OWNER_LEN];
    session_t                     *s;
    ngx_http_jamhook_store_conf_t  conf;

    store_new();
    conf = store_conf;

    s = backend.open(&conf, NGX_HTTP_JAMHOOK_SESSION_WRITE, &now, NULL,
                     &created, &failure);

    memcpy(name, s->owner->hex, sizeof(name));
    (void) snprintf(path, sizeof(path), "%s", s->owner->path);

    ok(event_put(s, "mine", 1, 1) == 1 && sql("SELECT count(*) FROM deliveries"
       " WHERE state = 1") == 1, "an event is claimed");

    backend.close(s);
    ok(ngx_http_jamhook_owner_lives(store_dir, &(ngx_str_t) {
           sizeof(name), name }), "when the session is closed its owner lives");

    s = backend.open(&conf, NGX_HTTP_JAMHOOK_SESSION_WRITE, &now, NULL,
                     &created, &failure);
    ok(memcmp(s->owner->hex, name, sizeof(name)) == 0,
       "and is that of the next session");
    backend.close(s);

    ok(unlink(path) == 0, "its file is removed by somebody");
    s = backend.open(&conf, NGX_HTTP_JAMHOOK_SESSION_WRITE, &now, NULL,
                     &created, &failure);
    ok(memcmp(s->owner->hex, name, sizeof(name)) == 0
       && access(path, F_OK) == 0
       && ngx_http_jamhook_owner_lives(store_dir, &s->owner->name),
       "the next session makes it anew");
    backend.close(s);

    backend.leave(&conf);
    ok(access(path, F_OK) == -1 && conf.member == NULL,
       "a process that leaves removes it");
    backend.leave(&conf);
}


static void
test_turn(void)
{
    session_t                *s;
    ngx_http_jamhook_turn_t   one, two, three;

    s = store_fresh();

    ngx_http_jamhook_turn_open(&one, store_dir);
    ngx_http_jamhook_turn_open(&two, store_dir);
    ngx_http_jamhook_turn_open(&three, store_dir);

    ok(ngx_http_jamhook_turn_take(&one, 0) == NGX_OK, "the first has a turn");
    ok(ngx_http_jamhook_turn_take(&two, 5) == NGX_BUSY
       && ngx_http_jamhook_turn_take(&three, 5) == NGX_BUSY,
       "others wait for it, and not for ever");

    ngx_http_jamhook_sqlite_patience = 5;
    ok(event_put(s, "waits", 1, 0) == 0
       && failure.kind == NGX_HTTP_JAMHOOK_STORE_BUSY,
       "nothing is written meanwhile");
    ngx_http_jamhook_sqlite_patience = 5000;

    ngx_http_jamhook_turn_give(&one);
    ok(event_put(s, "writes", 1, 0) == 1, "and then it is");
    ok(ngx_http_jamhook_turn_take(&two, 0) == NGX_OK, "others have theirs");

    /* it is for who waits and does not come to an end */

    (void) flock(three.next, LOCK_EX);
    ngx_http_jamhook_turn_give(&two);
    ok(ngx_http_jamhook_turn_take(&two, 5) == NGX_BUSY,
       "who has just had it does not get it before who waits");
    ngx_http_jamhook_turn_close(&three);
    ok(ngx_http_jamhook_turn_take(&two, 0) == NGX_OK,
       "and does when nobody waits");

    ngx_http_jamhook_turn_close(&two);
    ok(ngx_http_jamhook_turn_take(&two, 0) == NGX_OK,
       "without the files nobody waits");
    ngx_http_jamhook_turn_give(&two);

    ngx_http_jamhook_turn_close(&one);
    store_close(s);
}


/* the kind of failure that a writing session meets, at once */

static ngx_http_jamhook_failure_e
refused(void)
{
    session_t  *s;

    s = store_open(NGX_HTTP_JAMHOOK_SESSION_WRITE);

    if (s != NULL) {
        store_close(s);
        return NGX_HTTP_JAMHOOK_STORE_OK;
    }

    (void) printf("# %s\n", failure.text);

    return failure.kind;
}


static void
test_versions(void)
{
    store_close(store_fresh());

    (void) sql("PRAGMA user_version = 2");
    ok(refused() == NGX_HTTP_JAMHOOK_STORE_OK
       && sql("PRAGMA user_version") == 2,
       "a schema one version newer is used, and left so");
    (void) sql("UPDATE meta SET value = 2 WHERE key = 'compatible'");
    ok(refused() == NGX_HTTP_JAMHOOK_STORE_NEWER,
       "unless it says that it must not be");
    (void) sql("UPDATE meta SET value = 1 WHERE key = 'compatible'");
    (void) sql("PRAGMA user_version = 3");
    ok(refused() == NGX_HTTP_JAMHOOK_STORE_NEWER, "two versions newer");
    (void) sql("PRAGMA user_version = 1");
    ok(refused() == NGX_HTTP_JAMHOOK_STORE_OK, "its own");
    (void) sql("DELETE FROM meta WHERE key = 'compatible'");
    ok(refused() == NGX_HTTP_JAMHOOK_STORE_CORRUPT, "it does not say");
}


static void
write_file(const char *name, const char *text, size_t len)
{
    char   path[600];
    FILE  *f;

    (void) snprintf(path, sizeof(path), "%s/%s", store_dir, name);

    f = fopen(path, "r+");
    if (f == NULL) {
        f = fopen(path, "w");
    }

    (void) fwrite(text, 1, len, f);
    (void) fclose(f);
}


static void
test_foreign(void)
{
    char         text[8192];
    session_t   *s;

    store_new();
    (void) mkdir(store_dir, 0700);
    memset(text, 'a', sizeof(text));
    write_file("jamhook.db", text, sizeof(text));
    ok(refused() == NGX_HTTP_JAMHOOK_STORE_CORRUPT, "a file of letters");

    store_new();
    (void) mkdir(store_dir, 0700);
    (void) sql("CREATE TABLE t(a)");
    ok(refused() == NGX_HTTP_JAMHOOK_STORE_CORRUPT
       && strstr((char *) failure.text, "not a jamhook store") != NULL
       && sql("SELECT count(*) FROM sqlite_master") == 1,
       "a database of somebody's, left as it is");
    ok(files("worker.") == 0, "no owner is left behind");

    store_new();
    (void) mkdir(store_dir, 0700);
    write_file("jamhook.db", "", 0);
    ok(refused() == NGX_HTTP_JAMHOOK_STORE_OK && created,
       "an empty file becomes a store");

    store_new();
    (void) mkdir(store_dir, 0700);
    (void) sql("PRAGMA journal_mode = WAL");
    ok(refused() == NGX_HTTP_JAMHOOK_STORE_OK && created,
       "so does one of which no more than the header was made");

    s = store_fresh();
    events_put(s, "e", 200, 2);
    store_close(s);
    memset(text, 0xa5, sizeof(text));
    write_file("jamhook.db", text, 100);
    ok(refused() == NGX_HTTP_JAMHOOK_STORE_CORRUPT, "a broken header");

    s = store_fresh();
    (void) sql("DROP TABLE attempts");
    (void) event_put(s, "e", 1, 1);
    shim_failed = 1;
    ok(outcome(s, 1, 1, NGX_HTTP_JAMHOOK_STATE_SUCCEEDED) == NGX_ERROR
       && failure.kind == NGX_HTTP_JAMHOOK_STORE_CORRUPT
       && sql("SELECT state FROM deliveries") == 1,
       "a table is missing: %s", failure.text);
    (void) sql("DELETE FROM endpoints");
    ok(outcome(s, 1, 1, NGX_HTTP_JAMHOOK_STATE_SUCCEEDED) == NGX_ERROR
       && failure.kind == NGX_HTTP_JAMHOOK_STORE_CORRUPT,
       "an endpoint's row is missing");
    shim_failed = 0;
    store_close(s);
}


/* as a user without rights, for root has all of them; 99: it crashed */

static ngx_http_jamhook_failure_e
refused_to_nobody(void)
{
    int    status;
    pid_t  pid;

    (void) fflush(stdout);

    pid = fork();

    if (pid == 0) {

        if (getuid() == 0
            && (setgroups(0, NULL) != 0 || setgid(NOBODY) != 0
                || setuid(NOBODY) != 0))
        {
            _exit(98);
        }

        status = refused();
        (void) fflush(stdout);
        _exit(status);
    }

    (void) waitpid(pid, &status, 0);

    return WIFEXITED(status) ? WEXITSTATUS(status) : 99;
}


static void
test_directory(void)
{
    char   path[600];
    uid_t  uid;

    store_new();
    strcat(store_dir, "/a");
    store_conf.place.len = strlen(store_dir);
    ok(refused() == NGX_HTTP_JAMHOOK_STORE_CANTOPEN
       && strstr((char *) failure.text, store_dir) != NULL,
       "its parent is missing as well");

    store_new();
    (void) close(open(store_dir, O_WRONLY|O_CREAT, 0600));
    ok(refused() == NGX_HTTP_JAMHOOK_STORE_CANTOPEN, "a file in its place");

    uid = getuid() ? getuid() : NOBODY;

    store_new();
    (void) mkdir(store_dir, 0500);
    (void) chown(store_dir, uid, -1);
    ok(refused_to_nobody() == NGX_HTTP_JAMHOOK_STORE_CANTOPEN,
       "a directory without permission to write");

    store_close(store_fresh());
    (void) chmod(store_dir, 0777);
    (void) snprintf(path, sizeof(path), "%s/jamhook.db", store_dir);
    (void) chmod(path, 0444);
    ok(refused_to_nobody() == NGX_HTTP_JAMHOOK_STORE_READONLY,
       "a file without");
    (void) chmod(path, 0);
    ok(refused_to_nobody() == NGX_HTTP_JAMHOOK_STORE_CANTOPEN,
       "nor one to read");

    store_new();
    (void) mkdir(store_dir, 0700);
    (void) snprintf(path, sizeof(path), "%s/jamhook.db", store_dir);
    (void) mkdir(path, 0700);
    ok(refused() == NGX_HTTP_JAMHOOK_STORE_CANTOPEN, "a directory as file");
}


static void
test_busy(void)
{
    event_t     op;
    route_t     routes[3];
    session_t  *s, *other, *reader;
    int64_t     before;

    struct timespec         ts;
    ngx_http_jamhook_op_t  *ops[1];

    s = store_fresh();
    other = store_open(NGX_HTTP_JAMHOOK_SESSION_WRITE);
    events_put(s, "e", 3, 1);

    other->failure = &failure;
    (void) ngx_http_jamhook_sqlite_begin(other, NGX_HTTP_JAMHOOK_SQL_BEGIN);

    ngx_http_jamhook_sqlite_patience = 60;
    event_set(&op, routes, 1, 1, "msg", "{}");
    ops[0] = &op.op;

    (void) clock_gettime(CLOCK_MONOTONIC, &ts);
    before = ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
    ok(backend.write(s, ops, 1, &now, &failure) == NGX_ERROR
       && failure.kind == NGX_HTTP_JAMHOOK_STORE_BUSY,
       "locked by another: %s", failure.text);
    (void) clock_gettime(CLOCK_MONOTONIC, &ts);
    before = ts.tv_sec * 1000 + ts.tv_nsec / 1000000 - before;
    ok(before >= 59 && before < 1000, "after some patience");

    ok(refused() == NGX_HTTP_JAMHOOK_STORE_BUSY, "so is a new session");
    reader = store_open(NGX_HTTP_JAMHOOK_SESSION_READ);
    ok(reader != NULL, "a reading one is not");
    store_close(reader);

    ngx_http_jamhook_sqlite_rollback(other);
    ok(backend.write(s, ops, 1, &now, &failure) == NGX_OK
       && op.verdict == NGX_HTTP_JAMHOOK_EVENT_STORED,
       "then it goes on");

    ngx_http_jamhook_sqlite_patience = 5000;
    store_close(other);
    store_close(s);
}


static void
test_moved(void)
{
    char        path[600], away[600];
    event_t     op;
    route_t     routes[3];
    poll_t      polled;
    session_t  *s, *reader;

    ngx_http_jamhook_op_t  *ops[1];

    s = store_fresh();
    reader = store_open(NGX_HTTP_JAMHOOK_SESSION_READ);
    events_put(s, "e", 3, 1);

    (void) snprintf(path, sizeof(path), "%s/jamhook.db", store_dir);
    (void) snprintf(away, sizeof(away), "%s/away.db", store_dir);
    (void) rename(path, away);

    event_set(&op, routes, 1, 1, "msg", "{}");
    ops[0] = &op.op;
    ok(backend.write(s, ops, 1, &now, &failure) == NGX_ERROR
       && failure.kind == NGX_HTTP_JAMHOOK_STORE_MOVED
       && strstr((char *) failure.text, path) != NULL,
       "the file was moved: %s", failure.text);

    ngx_memzero(&polled, sizeof(poll_t));
    polled.op.type = NGX_HTTP_JAMHOOK_OP_POLL;
    ok(backend.read(reader, &polled.op, &now, &failure) == NGX_ERROR
       && failure.kind == NGX_HTTP_JAMHOOK_STORE_MOVED,
       "a reader sees it too");

    (void) rename(away, path);
    ok(backend.write(s, ops, 1, &now, &failure) == NGX_OK,
       "it is back again");

    (void) unlink(path);
    ok(backend.write(s, ops, 1, &now, &failure) == NGX_ERROR
       && failure.kind == NGX_HTTP_JAMHOOK_STORE_MOVED, "it was deleted");

    store_close(reader);
    store_close(s);

    s = store_open(NGX_HTTP_JAMHOOK_SESSION_WRITE);
    ok(s != NULL && created && event_put(s, "msg", 1, 0) == 1,
       "a new session makes a new one");
    store_close(s);
}


/* a file may not grow any more: in a child, for it is the process's limit */

static void
test_no_space(void)
{
    char           text[4000];
    int            status;
    pid_t          pid;
    event_t        op;
    route_t        routes[3];
    session_t     *s;
    ngx_uint_t     i, stored;
    struct rlimit  limit;

    ngx_http_jamhook_op_t  *ops[1];

    store_close(store_fresh());

    memset(text, 'x', sizeof(text));
    text[sizeof(text) - 1] = '\0';

    (void) fflush(stdout);
    pid = fork();

    if (pid == 0) {
        (void) signal(SIGXFSZ, SIG_IGN);
        s = store_open(NGX_HTTP_JAMHOOK_SESSION_WRITE);

        limit.rlim_cur = limit.rlim_max = 300000;
        (void) setrlimit(RLIMIT_FSIZE, &limit);

        stored = 0;
        status = 0;

        for (i = 0; i < 200; i++) {
            char  id[16];

            (void) snprintf(id, sizeof(id), "e%d", (int) i);
            event_set(&op, routes, 1, 1, id, text);
            ops[0] = &op.op;

            if (backend.write(s, ops, 1, &now, &failure) == NGX_OK) {
                stored++;

            } else if (failure.kind == NGX_HTTP_JAMHOOK_STORE_NOSPC) {
                status = 1;

            } else {
                (void) printf("# %s\n", failure.text);
                (void) fflush(stdout);
                status = 2;
                break;
            }
        }

        /* it ends without a word, as by a kill */

        _exit(status * 64 + ngx_min(stored, 63));
    }

    (void) waitpid(pid, &status, 0);
    status = WIFEXITED(status) ? WEXITSTATUS(status) : 255;

    ok(status > 64 && status < 64 + 63, "no space for events: %d stored",
       status - 64);

    s = store_open(NGX_HTTP_JAMHOOK_SESSION_WRITE);
    ok(s != NULL && sql("SELECT count(*) FROM events") == status - 64
       && sql("SELECT count(*) FROM pragma_integrity_check"
              " WHERE integrity_check = 'ok'")
          == 1,
       "these and no others are there after a kill");
    store_close(s);
}


/* a process that ends as if it were killed leaves its owner's file */

static void
test_left(void)
{
    int         status;
    pid_t       pid;
    session_t  *s;

    store_new();
    (void) fflush(stdout);

    pid = fork();

    if (pid == 0) {
        s = store_open(NGX_HTTP_JAMHOOK_SESSION_WRITE);
        _exit(s == NULL);
    }

    (void) waitpid(pid, &status, 0);
    ok(WIFEXITED(status) && WEXITSTATUS(status) == 0
       && files("worker.") == 1, "an owner's file is left");

    s = store_open(NGX_HTTP_JAMHOOK_SESSION_WRITE);
    ok(s != NULL && !created && files("worker.") == 1,
       "and removed by the next one");
    store_close(s);
}


int
main(void)
{
    test_open();
    test_member();
    test_turn();
    test_versions();
    test_foreign();
    test_directory();
    test_busy();
    test_moved();
    test_no_space();
    test_left();

    return done();
}
