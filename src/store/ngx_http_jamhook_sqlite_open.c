
#include "ngx_http_jamhook_sqlite.h"


#define NGX_HTTP_JAMHOOK_SQLITE_FILE   "/jamhook.db"


static ngx_int_t ngx_http_jamhook_sqlite_member(
    ngx_http_jamhook_sqlite_t *s);
static ngx_int_t ngx_http_jamhook_sqlite_directory(
    ngx_http_jamhook_sqlite_t *s);
static ngx_int_t ngx_http_jamhook_sqlite_file(ngx_http_jamhook_sqlite_t *s);
static ngx_int_t ngx_http_jamhook_sqlite_sync(ngx_http_jamhook_sqlite_t *s,
    const char *below);
static ngx_int_t ngx_http_jamhook_sqlite_wal(ngx_http_jamhook_sqlite_t *s);
static int ngx_http_jamhook_sqlite_wal_row(void *data, int n, char **values,
    char **names);
static ngx_int_t ngx_http_jamhook_sqlite_endpoints_add(
    ngx_http_jamhook_sqlite_t *s);


/*
 * secure_delete: what is forgotten is overwritten.  The WAL is written back at
 * 1000 pages, 4 MB, and may stay as large as that.  The schema's own
 * expressions are not trusted: the file may have been in other hands.
 */

static const char  ngx_http_jamhook_sqlite_pragmas[] =
    "PRAGMA synchronous = FULL;"
    "PRAGMA secure_delete = ON;"
    "PRAGMA foreign_keys = OFF;"
    "PRAGMA cache_size = -8000;"
    "PRAGMA temp_store = MEMORY;"
    "PRAGMA wal_autocheckpoint = 1000;"
    "PRAGMA journal_size_limit = 8388608;"
    "PRAGMA trusted_schema = OFF;";


/* a lease without an owner, which we never write, would never be over */

static const char  ngx_http_jamhook_sqlite_mend[] =
    "UPDATE deliveries SET state = 0, lease_owner = NULL WHERE state = 1"
    " AND (typeof(lease_owner) <> 'text'"
    " OR length(CAST(lease_owner AS BLOB)) <> 32)";


ngx_http_jamhook_sqlite_t *
ngx_http_jamhook_sqlite_create(ngx_http_jamhook_store_conf_t *conf,
    ngx_log_t *log)
{
    size_t                      len;
    ngx_pool_t                 *pool;
    ngx_http_jamhook_sqlite_t  *s;

    pool = ngx_create_pool(NGX_DEFAULT_POOL_SIZE, log);
    if (pool == NULL) {
        return NULL;
    }

    s = ngx_pcalloc(pool, sizeof(ngx_http_jamhook_sqlite_t));
    if (s == NULL) {
        goto failed;
    }

    s->pool = pool;
    s->conf = conf;
    s->turn.next = NGX_INVALID_FILE;
    s->turn.now = NGX_INVALID_FILE;
    s->patience = ngx_http_jamhook_sqlite_patience;

    len = conf->place.len + sizeof(NGX_HTTP_JAMHOOK_SQLITE_FILE);

    s->path = ngx_pnalloc(pool, len);
    if (s->path == NULL) {
        goto failed;
    }

    ngx_memcpy(s->path, conf->place.data, conf->place.len);
    ngx_memcpy(s->path + conf->place.len, NGX_HTTP_JAMHOOK_SQLITE_FILE,
               sizeof(NGX_HTTP_JAMHOOK_SQLITE_FILE));

    s->endpoints = ngx_pcalloc(pool, (conf->nendpoints + 1)
                               * sizeof(ngx_http_jamhook_sqlite_endpoint_t));
    if (s->endpoints == NULL) {
        goto failed;
    }

    return s;

failed:

    ngx_destroy_pool(pool);

    return NULL;
}


ngx_int_t
ngx_http_jamhook_sqlite_open_write(ngx_http_jamhook_sqlite_t *s,
    ngx_uint_t *created)
{
    char     *dir;
    int64_t   version;

    dir = (char *) s->conf->place.data;

    if (ngx_http_jamhook_sqlite_directory(s) != NGX_OK) {
        return NGX_ERROR;
    }

    /* first, for a copy of the directory has a file of our name as well */

    (void) ngx_http_jamhook_owner_sweep(dir);

    if (ngx_http_jamhook_sqlite_member(s) != NGX_OK) {
        return NGX_ERROR;
    }

    ngx_http_jamhook_turn_open(&s->turn, dir);

    if (ngx_http_jamhook_sqlite_file(s) != NGX_OK
        || ngx_http_jamhook_sqlite_connect(s) != NGX_OK
        || ngx_http_jamhook_sqlite_look(s, &version) != NGX_OK
        || ngx_http_jamhook_sqlite_wal(s) != NGX_OK
        || ngx_http_jamhook_sqlite_set_pragmas(s) != NGX_OK
        || ngx_http_jamhook_sqlite_begin(s, NGX_HTTP_JAMHOOK_SQL_BEGIN)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    /* again, for others may open it as well */

    if (ngx_http_jamhook_sqlite_schema_check(s, &version) != NGX_OK
        || ngx_http_jamhook_sqlite_schema_upgrade(s, version) != NGX_OK
        || ngx_http_jamhook_sqlite_endpoints_add(s) != NGX_OK
        || ngx_http_jamhook_sqlite_exec(s, ngx_http_jamhook_sqlite_mend)
           != NGX_OK
        || ngx_http_jamhook_sqlite_number(s, "PRAGMA page_size",
                                          &s->page_size)
           != NGX_OK
        || ngx_http_jamhook_sqlite_number(s,
                   ngx_http_jamhook_sqlite_sql[NGX_HTTP_JAMHOOK_SQL_LATEST],
                                          &s->latest)
           != NGX_OK
        || ngx_http_jamhook_sqlite_commit(s) != NGX_OK)
    {
        ngx_http_jamhook_sqlite_rollback(s);
        return NGX_ERROR;
    }

    if (version == 0) {
        *created = 1;
        return ngx_http_jamhook_sqlite_sync(s, "");
    }

    return NGX_OK;
}


ngx_int_t
ngx_http_jamhook_sqlite_open_read(ngx_http_jamhook_sqlite_t *s)
{
    int64_t  version;

    if (ngx_http_jamhook_sqlite_connect(s) != NGX_OK
        || ngx_http_jamhook_sqlite_look(s, &version) != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (version < NGX_HTTP_JAMHOOK_SQLITE_VERSION) {
        return ngx_http_jamhook_sqlite_fail_text(s,
                                             NGX_HTTP_JAMHOOK_STORE_CANTOPEN,
                                             "the store is not made yet");
    }

    if (ngx_http_jamhook_sqlite_set_pragmas(s) != NGX_OK
        || ngx_http_jamhook_sqlite_exec(s, "PRAGMA query_only = ON") != NGX_OK)
    {
        return NGX_ERROR;
    }

    s->latest = s->clock->now;

    return ngx_http_jamhook_sqlite_endpoints_find(s);
}


/* as it was at one moment: somebody may just be making it */

ngx_int_t
ngx_http_jamhook_sqlite_look(ngx_http_jamhook_sqlite_t *s, int64_t *version)
{
    if (ngx_http_jamhook_sqlite_begin(s, NGX_HTTP_JAMHOOK_SQL_BEGIN_READ)
        == NGX_OK
        && ngx_http_jamhook_sqlite_schema_check(s, version) == NGX_OK
        && ngx_http_jamhook_sqlite_commit(s) == NGX_OK)
    {
        return NGX_OK;
    }

    ngx_http_jamhook_sqlite_rollback(s);

    return NGX_ERROR;
}


ngx_int_t
ngx_http_jamhook_sqlite_set_pragmas(ngx_http_jamhook_sqlite_t *s)
{
    return ngx_http_jamhook_sqlite_exec(s, ngx_http_jamhook_sqlite_pragmas);
}


/* the owner of this process's leases, which outlives its sessions */

static ngx_int_t
ngx_http_jamhook_sqlite_member(ngx_http_jamhook_sqlite_t *s)
{
    char                      *dir;
    ngx_int_t                  rc;
    ngx_err_t                  err;
    ngx_http_jamhook_owner_t  *owner;

    dir = (char *) s->conf->place.data;
    owner = s->conf->member;

    if (owner != NULL) {
        rc = ngx_http_jamhook_owner_renew(owner, &err);

    } else {
        owner = ngx_alloc(sizeof(ngx_http_jamhook_owner_t), s->pool->log);
        if (owner == NULL) {
            return ngx_http_jamhook_sqlite_fail(s, SQLITE_NOMEM);
        }

        rc = ngx_http_jamhook_owner_open(owner, dir, &err);

        if (rc == NGX_OK) {

            /* reading sessions look at it from other threads */

            ngx_memory_barrier();
            s->conf->member = owner;

        } else {
            ngx_free(owner);
        }
    }

    if (rc != NGX_OK) {
        return ngx_http_jamhook_sqlite_fail_errno(s, "making a file", dir,
                                                  err);
    }

    s->owner = owner;

    return NGX_OK;
}


/* the directory alone: a path of which more is missing is a mistake */

static ngx_int_t
ngx_http_jamhook_sqlite_directory(ngx_http_jamhook_sqlite_t *s)
{
    char         *dir;
    ngx_err_t     err;
    struct stat   st;

    dir = (char *) s->conf->place.data;

    if (stat(dir, &st) == 0) {
        return NGX_OK;
    }

    err = ngx_errno;

    if (err != NGX_ENOENT) {
        return ngx_http_jamhook_sqlite_fail_errno(s, "stat()", dir, err);
    }

    if (mkdir(dir, 0700) == 0) {
        return ngx_http_jamhook_sqlite_sync(s, "/..");
    }

    err = ngx_errno;

    if (err != NGX_EEXIST) {
        return ngx_http_jamhook_sqlite_fail_errno(s, "mkdir()", dir, err);
    }

    return NGX_OK;
}


/*
 * Makes the file, so that it has our mode; SQLite gives those beside it the
 * same.  One that exists is never opened here: closing it would give up the
 * locks that other sessions of this process hold on it (fcntl(2)).
 */

static ngx_int_t
ngx_http_jamhook_sqlite_file(ngx_http_jamhook_sqlite_t *s)
{
    ngx_fd_t   fd;
    ngx_err_t  err;

    fd = open(s->path, O_RDWR|O_CREAT|O_EXCL|O_CLOEXEC, 0600);

    if (fd != NGX_INVALID_FILE) {
        (void) close(fd);
        return NGX_OK;
    }

    err = ngx_errno;

    if (err != NGX_EEXIST) {
        return ngx_http_jamhook_sqlite_fail_errno(s, "open()", s->path, err);
    }

    return NGX_OK;
}


/* a name that is new lasts only once its directory is on disk */

static ngx_int_t
ngx_http_jamhook_sqlite_sync(ngx_http_jamhook_sqlite_t *s, const char *below)
{
    char      *dir;
    ngx_fd_t   fd;
    ngx_err_t  err;

    dir = sqlite3_mprintf("%s%s", s->conf->place.data, below);

    if (dir == NULL) {
        return ngx_http_jamhook_sqlite_fail(s, SQLITE_NOMEM);
    }

    err = 0;
    fd = open(dir, O_RDONLY|O_DIRECTORY|O_CLOEXEC);

    if (fd == NGX_INVALID_FILE) {

        /* above ours one may enter without being allowed to read */

        if (ngx_errno != NGX_EACCES) {
            err = ngx_errno;
        }

    } else {

        /* EINVAL: a file system that has no such thing */

        if (fsync(fd) == -1 && ngx_errno != NGX_EINVAL) {
            err = ngx_errno;
        }

        (void) close(fd);
    }

    if (err != 0) {
        (void) ngx_http_jamhook_sqlite_fail_errno(s, "fsync()", dir, err);
    }

    sqlite3_free(dir);

    return err ? NGX_ERROR : NGX_OK;
}


ngx_int_t
ngx_http_jamhook_sqlite_connect(ngx_http_jamhook_sqlite_t *s)
{
    int  rc, flags;

    if (sqlite3_threadsafe() == 0) {
        return ngx_http_jamhook_sqlite_fail_text(s,
                                            NGX_HTTP_JAMHOOK_STORE_CANTOPEN,
                                            "this SQLite was built without"
                                            " support for threads");
    }

    flags = SQLITE_OPEN_READWRITE|SQLITE_OPEN_NOMUTEX;

    rc = (s->kind == NGX_HTTP_JAMHOOK_SESSION_WRITE)
             ? ngx_http_jamhook_sqlite_wal_connect(s, flags)
             : sqlite3_open_v2(s->path, &s->db, flags, NULL);

    if (rc != SQLITE_OK) {
        return ngx_http_jamhook_sqlite_fail(s, rc);
    }

    (void) sqlite3_extended_result_codes(s->db, 1);
    (void) sqlite3_busy_handler(s->db, ngx_http_jamhook_sqlite_busy, s);

    if (s->kind == NGX_HTTP_JAMHOOK_SESSION_WRITE
        && sqlite3_db_readonly(s->db, "main") == 1)
    {
        return ngx_http_jamhook_sqlite_fail_text(s,
                                            NGX_HTTP_JAMHOOK_STORE_READONLY,
                                            "no permission to write");
    }

    return NGX_OK;
}


/* the busy handler is not asked here, where several open a new store at once */

static ngx_int_t
ngx_http_jamhook_sqlite_wal(ngx_http_jamhook_sqlite_t *s)
{
    int  i, rc, is_wal;

    for (i = 0; /* void */ ; i++) {
        is_wal = 0;

        rc = sqlite3_exec(s->db, "PRAGMA journal_mode = WAL",
                          ngx_http_jamhook_sqlite_wal_row, &is_wal, NULL);

        if ((rc & 0xff) != SQLITE_BUSY
            || !ngx_http_jamhook_sqlite_busy(s, i))
        {
            break;
        }
    }

    if (rc != SQLITE_OK) {
        return ngx_http_jamhook_sqlite_fail(s, rc);
    }

    if (!is_wal) {
        return ngx_http_jamhook_sqlite_fail_text(s,
                                            NGX_HTTP_JAMHOOK_STORE_CANTOPEN,
                                            "this file system cannot hold a"
                                            " store: SQLite's WAL does not"
                                            " work there");
    }

    return NGX_OK;
}


static int
ngx_http_jamhook_sqlite_wal_row(void *data, int n, char **values, char **names)
{
    int  *is_wal = data;

    (void) names;

    *is_wal = (n == 1 && values[0] != NULL && strcmp(values[0], "wal") == 0);

    return 0;
}


static ngx_int_t
ngx_http_jamhook_sqlite_endpoints_add(ngx_http_jamhook_sqlite_t *s)
{
    ngx_uint_t                       i;
    ngx_http_jamhook_sqlite_query_t  q;

    for (i = 0; i < s->conf->nendpoints; i++) {
        ngx_http_jamhook_sqlite_query(&q, s,
                                      NGX_HTTP_JAMHOOK_SQL_ENDPOINT_ADD);
        ngx_http_jamhook_sqlite_text(&q, &s->conf->endpoints[i]);
        ngx_http_jamhook_sqlite_int(&q, s->clock->now);

        if (ngx_http_jamhook_sqlite_run(&q) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    return ngx_http_jamhook_sqlite_endpoints_find(s);
}
