
/*
 * The WAL's frames are written at once, and never where others' stand; whatever
 * the disk does, a transaction is there as a whole or not at all.
 *
 * Below all sessions is a disk of the test's own: a VFS before the system's
 * that counts what is written to a WAL, and fails, or ends the process, when it
 * is told to.
 */

#include "store.h"

#include <pthread.h>
#include <sys/resource.h>


typedef struct {
    sqlite3_file    file;
} disk_file_t;


static sqlite3_vfs          disk_vfs;
static sqlite3_vfs         *disk_base;
static sqlite3_mem_methods  disk_memory;

static long                 disk_writes;         /* to WALs, so far */
static long                 disk_fail;           /* the n-th from now on */
static int                  disk_code;           /* so; 0: the process ends */
static int                  disk_sync_code;      /* so do syncs of WALs */
static int                  disk_frail;          /* no POWERSAFE_OVERWRITE */
static int                  disk_no_memory;      /* for 100 KB and more */


#define disk_real(f)  ((sqlite3_file *) ((disk_file_t *) (f) + 1))


static int
disk_close(sqlite3_file *f)
{
    return disk_real(f)->pMethods->xClose(disk_real(f));
}


static int
disk_read(sqlite3_file *f, void *buf, int n, sqlite3_int64 at)
{
    return disk_real(f)->pMethods->xRead(disk_real(f), buf, n, at);
}


/* one that fails has written the half of it */

static int
disk_write(sqlite3_file *f, const void *buf, int n, sqlite3_int64 at)
{
    disk_writes++;

    if (disk_fail == 0 || --disk_fail != 0) {
        return disk_real(f)->pMethods->xWrite(disk_real(f), buf, n, at);
    }

    (void) disk_real(f)->pMethods->xWrite(disk_real(f), buf, n / 2, at);

    if (disk_code == 0) {
        _exit(0);
    }

    return disk_code;
}


static int
disk_truncate(sqlite3_file *f, sqlite3_int64 size)
{
    return disk_real(f)->pMethods->xTruncate(disk_real(f), size);
}


static int
disk_sync(sqlite3_file *f, int flags)
{
    return disk_sync_code
               ? disk_sync_code
               : disk_real(f)->pMethods->xSync(disk_real(f), flags);
}


static int
disk_size(sqlite3_file *f, sqlite3_int64 *size)
{
    return disk_real(f)->pMethods->xFileSize(disk_real(f), size);
}


static int
disk_lock(sqlite3_file *f, int level)
{
    return SQLITE_OK;
}


static int
disk_reserved(sqlite3_file *f, int *is)
{
    *is = 0;

    return SQLITE_OK;
}


static int
disk_control(sqlite3_file *f, int op, void *data)
{
    return disk_real(f)->pMethods->xFileControl(disk_real(f), op, data);
}


static int
disk_sector(sqlite3_file *f)
{
    return disk_real(f)->pMethods->xSectorSize(disk_real(f));
}


static int
disk_device(sqlite3_file *f)
{
    return disk_real(f)->pMethods->xDeviceCharacteristics(disk_real(f))
           & (disk_frail ? ~SQLITE_IOCAP_POWERSAFE_OVERWRITE : ~0);
}


static const sqlite3_io_methods  disk_methods = {
    1, disk_close, disk_read, disk_write, disk_truncate, disk_sync, disk_size,
    disk_lock, disk_lock, disk_reserved, disk_control, disk_sector,
    disk_device, NULL, NULL, NULL, NULL, NULL, NULL
};


static int
disk_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *f, int flags,
    int *out)
{
    int  rc;

    if (!(flags & SQLITE_OPEN_WAL)) {
        return disk_base->xOpen(disk_base, name, f, flags, out);
    }

    f->pMethods = NULL;
    rc = disk_base->xOpen(disk_base, name, disk_real(f), flags, out);

    if (disk_real(f)->pMethods != NULL) {
        f->pMethods = &disk_methods;
    }

    return rc;
}


static void *
disk_malloc(int n)
{
    if (n >= 100000 && disk_no_memory) {
        return NULL;
    }

    return disk_memory.xMalloc(n);
}


static void
disk_ready(void)
{
    sqlite3_mem_methods  memory;

    (void) sqlite3_config(SQLITE_CONFIG_GETMALLOC, &disk_memory);
    memory = disk_memory;
    memory.xMalloc = disk_malloc;
    (void) sqlite3_config(SQLITE_CONFIG_MALLOC, &memory);

    disk_base = sqlite3_vfs_find(NULL);
    disk_vfs = *disk_base;
    disk_vfs.zName = "disk";
    disk_vfs.szOsFile += (int) sizeof(disk_file_t);
    disk_vfs.xOpen = disk_open;
    (void) sqlite3_vfs_register(&disk_vfs, 1);
}


static off_t
wal_size(void)
{
    char         path[600];
    struct stat  st;

    (void) snprintf(path, sizeof(path), "%s/jamhook.db-wal", store_dir);

    return (stat(path, &st) == 0) ? st.st_size : 0;
}


static ngx_uint_t
copy(const char *from, const char *to, const char *suffix)
{
    char     path[600], buf[65536];
    FILE    *in, *out;
    size_t   n;

    (void) snprintf(path, sizeof(path), "%s%s", from, suffix);
    in = fopen(path, "rb");

    (void) snprintf(path, sizeof(path), "%s%s", to, suffix);
    out = fopen(path, "wb");

    if (in == NULL || out == NULL) {
        return 0;
    }

    while ((n = fread(buf, 1, sizeof(buf), in)) > 0) {
        (void) fwrite(buf, 1, n, out);
    }

    return fclose(in) == 0 && fclose(out) == 0;
}


/*
 * Events that would be found if all processes were killed now: without the
 * index of the WAL, which is in their memory.  -1: the file is not whole.
 */

static int64_t
recovered(void)
{
    char       home[512], from[600], to[600];
    off_t      size;
    int64_t    n;

    size = wal_size();
    (void) snprintf(from, sizeof(from), "%s/jamhook.db", store_dir);

    ngx_memcpy(home, store_dir, sizeof(home));
    (void) snprintf(store_dir, sizeof(store_dir), "%.500s.copy", home);
    (void) mkdir(store_dir, 0700);
    (void) snprintf(to, sizeof(to), "%s/jamhook.db", store_dir);

    n = -1;

    /* after the last session there is no WAL */

    if (copy(from, to, "") && (size == 0 || copy(from, to, "-wal"))) {
        n = sql("SELECT count(*) FROM events");

        if (!store_is_whole()) {
            n = -1;
        }
    }

    ngx_memcpy(store_dir, home, sizeof(home));

    return n;
}


/* so many events are there, for others and for whoever comes after a crash */

static ngx_uint_t
has(int64_t n)
{
    return sql("SELECT count(*) FROM events") == n && store_is_whole()
           && recovered() == n;
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
    before = disk_writes;
    events_put(s, "b", 200, 2);
    n = disk_writes - before;
    size = wal_size() - size;

    ok(size > 10 * 4096, "a transaction of many pages (%d bytes)", (int) size);
    ok(n <= 1 + size / (128 * 1024), "is written with few calls (%d)",
       (int) n);
    ok(has(202), "and is there");

    before = disk_writes;
    ok(event_put(s, "one", 1, 1) == 203 && disk_writes - before == 1
       && has(203), "as is a small one");

    (void) ngx_http_jamhook_sqlite_exec(s, "PRAGMA synchronous = OFF");
    events_put(s, "c", 20, 1);
    ok(has(223), "what is committed is written, with or without a sync");

    before = disk_writes;
    (void) ngx_http_jamhook_sqlite_exec(s, "UPDATE events SET source = 'x'"
                                           " WHERE seq = 1");
    ok(disk_writes - before == 2 && sql("SELECT count(*) FROM events"
                                        " WHERE source = 'x'") == 1
       && has(223), "a single page is written as SQLite does it");

    store_close(s);
    ok(store_is_whole(), "the file is whole");
}


/* more than is kept in memory is written, and read, before the end */

static ngx_int_t
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
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static void
test_spilled(void)
{
    session_t  *s, *other;

    s = store_fresh();
    ok(event_put(s, "first", 1, 0) == 1, "a first event");

    ok(spill(s, "x", 150) == NGX_OK
       && ngx_http_jamhook_sqlite_exec(s, "UPDATE events SET source = id")
          == NGX_OK && ngx_http_jamhook_sqlite_commit(s) == NGX_OK
       && sql("SELECT count(*) FROM events WHERE source = id") == 151
       && has(151), "a transaction larger than the memory for it");

    /* some of it waits to be written when it is given up */

    other = store_open(NGX_HTTP_JAMHOOK_SESSION_WRITE);

    (void) spill(s, "y", 25);
    ngx_http_jamhook_sqlite_rollback(s);
    events_put(other, "theirs", 120, 1);

    ok(event_put(s, "mine", 1, 0) != 0 && has(272),
       "one that is rolled back writes over nothing");

    /* a part of it is, and its place is used again */

    (void) spill(s, "part", 12);
    (void) ngx_http_jamhook_sqlite_exec(s, "SAVEPOINT part");
    (void) ngx_http_jamhook_sqlite_exec(s, "UPDATE events SET source = 'y'");
    (void) ngx_http_jamhook_sqlite_exec(s, "ROLLBACK TO part");
    (void) ngx_http_jamhook_sqlite_exec(s, "UPDATE events SET source = 'z'");
    ok(ngx_http_jamhook_sqlite_commit(s) == NGX_OK
       && sql("SELECT count(*) FROM events WHERE source = 'z'") == 284
       && has(284), "one of which a part is");

    /* SQLite does it by itself, and the session's next step is another one */

    (void) spill(s, "auto", 25);
    ok(ngx_http_jamhook_sqlite_exec(s,
           "INSERT OR ROLLBACK INTO events (received_at, id, body)"
           " VALUES (0, 'first', '')") == NGX_ERROR
       && sqlite3_get_autocommit(s->db) == 1,
       "one that SQLite rolls back");

    events_put(other, "again", 120, 1);
    (void) ngx_http_jamhook_sqlite_exec(s, "PRAGMA wal_checkpoint");
    ok(has(404), "does neither");

    (void) spill(s, "z", 25);
    ngx_http_jamhook_sqlite_rollback(s);
    events_put(other, "more", 120, 1);
    store_close(s);

    ok(event_put(other, "last", 1, 0) != 0 && has(525),
       "nor does a session that ends after one");

    s = store_open(NGX_HTTP_JAMHOOK_SESSION_WRITE);
    (void) spill(s, "w", 25);
    store_close(s);

    ok(event_put(other, "very last", 1, 0) != 0 && has(526),
       "or within one");

    store_close(other);
    ok(store_is_whole(), "the file is whole");
}


/* SQLite reads what it wrote, and writes the checksums of frames alone */

static void
test_checksums(void)
{
    long        before, n;
    ngx_int_t   rc;
    session_t  *s, *other;

    s = store_fresh();
    other = store_open(NGX_HTTP_JAMHOOK_SESSION_WRITE);

    (void) ngx_http_jamhook_sqlite_exec(s, "PRAGMA synchronous = OFF");
    ok(event_put(s, "first", 1, 0) == 1, "a first event");

    (void) spill(s, "x", 60);
    (void) ngx_http_jamhook_sqlite_exec(s, "UPDATE events SET source = id");
    (void) ngx_http_jamhook_sqlite_exec(s, "UPDATE events SET source = 'y'");

    before = disk_writes;
    rc = ngx_http_jamhook_sqlite_commit(s);
    n = disk_writes - before;

    ok(rc == NGX_OK && n > 60, "checksums are written anew (%d writes)",
       (int) n);
    ok(has(61), "and all of them when it is committed, without a sync");

    (void) ngx_http_jamhook_sqlite_exec(other, "PRAGMA wal_checkpoint");
    events_put(other, "theirs", 200, 1);
    events_put(s, "mine", 20, 1);
    ok(has(281), "and not later");

    store_close(s);
    store_close(other);
    ok(store_is_whole(), "the file is whole");
}


static ngx_int_t
change(session_t *s)
{
    if (spill(s, "x", 40) != NGX_OK
        || ngx_http_jamhook_sqlite_exec(s, "UPDATE events SET source = id")
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_http_jamhook_sqlite_commit(s);
}


/* each write of a large transaction in turn fails; "on" goes on after that */

static void
each_write(int code, ngx_uint_t on, const char *name)
{
    char        id[32];
    int64_t     n, want;
    ngx_int_t   rc;
    ngx_uint_t  i, bad;
    session_t  *s, *other;

    bad = 0;
    n = 1;
    rc = NGX_ERROR;

    s = store_fresh();
    other = store_open(NGX_HTTP_JAMHOOK_SESSION_WRITE);
    (void) event_put(other, "first", 1, 0);

    for (i = 1; rc != NGX_OK && i < 1000; i++) {
        ngx_memzero(&failure, sizeof(failure));

        disk_fail = i;
        disk_code = code;
        rc = change(s);

        want = n;

        if (rc == NGX_OK) {
            want += 40;

        } else if (on && !sqlite3_get_autocommit(s->db)) {

            /* what was done until then is there, or nothing of it */

            if (ngx_http_jamhook_sqlite_commit(s) == NGX_OK) {
                want = sql("SELECT count(*) FROM events");
            }
        }

        disk_fail = 0;

        if (rc != NGX_OK) {
            ngx_http_jamhook_sqlite_rollback(s);
        }

        bad += !has(want);

        (void) sqlite3_exec(other->db, "DELETE FROM events WHERE id LIKE 'x%'",
                            NULL, NULL, NULL);
        (void) snprintf(id, sizeof(id), "theirs%d", (int) i);
        (void) event_put(other, id, 1, 0);
        bad += !has(++n);
    }

    ok(rc == NGX_OK && i > 10 && bad == 0, "%s at each of %d writes", name,
       (int) i - 2);

    store_close(s);
    store_close(other);
}


static void
test_failing(void)
{
    session_t  *s, *other;

    each_write(SQLITE_FULL, 0, "no room");
    each_write(SQLITE_IOERR_WRITE, 0, "an error");
    each_write(SQLITE_FULL, 1, "no room, and a commit all the same,");
    each_write(SQLITE_IOERR_WRITE, 1, "an error, and a commit all the same,");

    /* one that is met while reading ends a statement, not the transaction */

    s = store_fresh();
    (void) event_put(s, "first", 1, 0);
    (void) spill(s, "x", 25);

    disk_fail = 1;
    disk_code = SQLITE_FULL;
    (void) ngx_http_jamhook_sqlite_exec(s, "UPDATE events SET id = id || 'y'");

    ok(disk_fail == 0 && !sqlite3_get_autocommit(s->db),
       "a statement that finds no room for what it reads");
    ok(ngx_http_jamhook_sqlite_commit(s) == NGX_OK && has(26),
       "and a commit all the same");
    store_close(s);

    s = store_fresh();
    other = store_open(NGX_HTTP_JAMHOOK_SESSION_WRITE);
    (void) event_put(s, "first", 1, 0);

    disk_sync_code = SQLITE_IOERR_FSYNC;
    shim_failed = 1;
    ok(event_put(s, "a", 1, 0) == 0
       && failure.kind == NGX_HTTP_JAMHOOK_STORE_IO,
       "a sync that fails, fails: %s", failure.text);
    ok(sql("SELECT count(*) FROM events") == 1, "and nothing is there");
    shim_failed = 0;
    disk_sync_code = 0;

    ok(event_put(other, "b", 1, 0) == 2 && event_put(s, "a", 1, 0) == 3
       && has(3), "until it is tried again");

    store_close(s);
    store_close(other);
}


/* each write in turn is the process's last */

static void
test_crash(void)
{
    int         status;
    char        id[32];
    pid_t       pid;
    int64_t     n;
    ngx_uint_t  i, bad;
    session_t  *s;

    store_new();
    s = store_open(NGX_HTTP_JAMHOOK_SESSION_WRITE);
    (void) event_put(s, "first", 1, 0);
    store_close(s);

    bad = 0;
    n = 1;
    status = 0;

    for (i = 1; i < 1000; i++) {
        pid = fork();

        if (pid == 0) {
            s = store_open(NGX_HTTP_JAMHOOK_SESSION_WRITE);

            disk_fail = i;
            disk_code = 0;

            (void) change(s);
            _exit(7);
        }

        (void) waitpid(pid, &status, 0);

        if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
            break;
        }

        bad += !has(n);

        s = store_open(NGX_HTTP_JAMHOOK_SESSION_WRITE);
        (void) snprintf(id, sizeof(id), "theirs%d", (int) i);
        (void) event_put(s, id, 1, 0);
        store_close(s);

        bad += !has(++n);
    }

    ok(WIFEXITED(status) && WEXITSTATUS(status) == 7 && i > 10 && bad == 0
       && has(n + 40), "a crash at each of %d writes", (int) i - 1);
}


static void
test_plain(void)
{
    long        before, n;
    session_t  *s;

    disk_no_memory = 1;
    s = store_fresh();
    before = disk_writes;
    events_put(s, "a", 50, 1);
    disk_no_memory = 0;
    n = disk_writes - before;
    ok(n > 10 && has(50), "without memory it is written as SQLite does it"
       " (%d writes)", (int) n);

    before = disk_writes;
    events_put(s, "b", 50, 1);
    ok(disk_writes - before == 1 && has(100), "until there is some");
    store_close(s);

    disk_frail = 1;
    s = store_fresh();
    before = disk_writes;
    events_put(s, "a", 50, 1);
    n = disk_writes - before;
    ok(n > 10 && has(50), "so it is on a frail disk (%d writes)", (int) n);
    store_close(s);
    disk_frail = 0;
}


/* sessions of several threads come and go, which have one list of names */

static void *
thread(void *data)
{
    char                           *name = data;
    event_t                         op;
    route_t                         routes[3];
    ngx_int_t                       i, n;
    char                            id[32];
    session_t                      *s;
    ngx_http_jamhook_op_t          *ops[1];
    ngx_http_jamhook_clock_t        clock;
    ngx_http_jamhook_failure_t      why;
    ngx_http_jamhook_store_conf_t   conf;

    n = 0;
    conf = store_conf;
    clock = now;

    for (i = 0; i < 40; i++) {
        s = backend.open(&conf, NGX_HTTP_JAMHOOK_SESSION_WRITE, &clock, NULL,
                         NULL, &why);

        if (s == NULL) {
            (void) printf("# %s\n", why.text);
            continue;
        }

        (void) snprintf(id, sizeof(id), "%s%d", name, (int) i);
        event_set(&op, routes, 1, 0, id, "{}");
        ops[0] = &op.op;

        n += (backend.write(s, ops, 1, &clock, &why) == NGX_OK);
        backend.close(s);
    }

    backend.leave(&conf);

    return (void *) (intptr_t) n;
}


static void
test_threads(void)
{
    void       *n[3];
    pthread_t   ids[3];
    ngx_uint_t  i;
    session_t  *s;

    static char  *names[] = { "a", "b", "c" };

    s = store_fresh();

    for (i = 0; i < 3; i++) {
        (void) pthread_create(&ids[i], NULL, thread, names[i]);
    }

    for (i = 0; i < 3; i++) {
        (void) pthread_join(ids[i], &n[i]);
    }

    ok((intptr_t) n[0] == 40 && (intptr_t) n[1] == 40
       && (intptr_t) n[2] == 40 && has(120), "sessions of three threads");
    ok(strcmp(sqlite3_vfs_find(NULL)->zName, "disk") == 0
       && sqlite3_vfs_find(NULL)->pNext->pNext == disk_base->pNext,
       "leave no name behind");

    store_close(s);
}


/* the real disk, when it is full */

static void
test_full(void)
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
    ok(backend.write(s, ops, 100, &now, &failure) == NGX_OK && has(102),
       "until it is tried again");

    store_close(s);
}


int
main(void)
{
    disk_ready();

    test_together();
    test_spilled();
    test_checksums();
    test_failing();
    test_crash();
    test_plain();
    test_threads();
    test_full();

    return done();
}
