
#include "ngx_http_jamhook_sqlite.h"


/*
 * SQLite writes a page to its WAL with two calls, one for the 24 bytes before
 * it and one for the page, and a transaction of 30 events has 50 pages.  What
 * comes in a row is gathered here and written at once, when the frame that ends
 * the transaction is complete.  SQLite's own methods write it, with their care
 * and their errors.
 *
 * Nothing waits any more when SQLite tells others of the transaction: it does
 * that after the last frame, whose write fails if this one does.  Where it
 * writes checksums anew the last of them has no page behind it, so a head which
 * ends a transaction waits only behind others, and those are never in a row.
 *
 * What waits is always of a transaction that is not committed, and whose lock
 * we hold.  It may be let go, and must be once that lock is given up, for then
 * others write in its place; SQLite says so, for it rolls back by itself after
 * some failures.
 */


#define NGX_HTTP_JAMHOOK_SQLITE_WAL_HEAD  24             /* of a frame */

/* SQLite takes the size of a write modulo 128K */
#define NGX_HTTP_JAMHOOK_SQLITE_WAL_SIZE  (128 * 1024 - 1)


/* A WAL that is open; SQLite's own file stands behind it. */
typedef struct {
    sqlite3_file                    file;
    ngx_http_jamhook_sqlite_vfs_t  *vfs;     /* NULL: it does not gather */
    u_char                         *buf;     /* NULL: no memory, or not yet */
    int                             len;
    sqlite3_int64                   at;      /* where it belongs */
    unsigned                        last:1;  /* the frame ends a transaction */
} ngx_http_jamhook_sqlite_wal_t;


#define ngx_http_jamhook_sqlite_wal_real(f)                                   \
    ((sqlite3_file *) ((ngx_http_jamhook_sqlite_wal_t *) (f) + 1))

#define ngx_http_jamhook_sqlite_wal_call(f, method)                           \
    ngx_http_jamhook_sqlite_wal_real(f)->pMethods->method


static void ngx_http_jamhook_sqlite_wal_rollback(void *data);
static int ngx_http_jamhook_sqlite_wal_open(sqlite3_vfs *vfs,
    const char *name, sqlite3_file *f, int flags, int *out);
static int ngx_http_jamhook_sqlite_wal_close(sqlite3_file *f);
static int ngx_http_jamhook_sqlite_wal_read(sqlite3_file *f, void *buf, int n,
    sqlite3_int64 at);
static int ngx_http_jamhook_sqlite_wal_write(sqlite3_file *f, const void *buf,
    int n, sqlite3_int64 at);
static ngx_uint_t ngx_http_jamhook_sqlite_wal_ready(
    ngx_http_jamhook_sqlite_wal_t *wal);
static int ngx_http_jamhook_sqlite_wal_flush(sqlite3_file *f);
static int ngx_http_jamhook_sqlite_wal_truncate(sqlite3_file *f,
    sqlite3_int64 size);
static int ngx_http_jamhook_sqlite_wal_sync(sqlite3_file *f, int flags);
static int ngx_http_jamhook_sqlite_wal_size(sqlite3_file *f,
    sqlite3_int64 *size);
static int ngx_http_jamhook_sqlite_wal_lock(sqlite3_file *f, int level);
static int ngx_http_jamhook_sqlite_wal_unlock(sqlite3_file *f, int level);
static int ngx_http_jamhook_sqlite_wal_reserved(sqlite3_file *f, int *is);
static int ngx_http_jamhook_sqlite_wal_control(sqlite3_file *f, int op,
    void *data);
static int ngx_http_jamhook_sqlite_wal_sector(sqlite3_file *f);
static int ngx_http_jamhook_sqlite_wal_device(sqlite3_file *f);


/* a WAL is neither locked nor mapped: version 1 has all that it needs */

static const sqlite3_io_methods  ngx_http_jamhook_sqlite_wal_methods = {
    1,
    ngx_http_jamhook_sqlite_wal_close,
    ngx_http_jamhook_sqlite_wal_read,
    ngx_http_jamhook_sqlite_wal_write,
    ngx_http_jamhook_sqlite_wal_truncate,
    ngx_http_jamhook_sqlite_wal_sync,
    ngx_http_jamhook_sqlite_wal_size,
    ngx_http_jamhook_sqlite_wal_lock,
    ngx_http_jamhook_sqlite_wal_unlock,
    ngx_http_jamhook_sqlite_wal_reserved,
    ngx_http_jamhook_sqlite_wal_control,
    ngx_http_jamhook_sqlite_wal_sector,
    ngx_http_jamhook_sqlite_wal_device,
    NULL, NULL, NULL, NULL, NULL, NULL
};


/*
 * The name is SQLite's only for as long as this takes: a library that others
 * use too does not keep what is gone with our module.  Other threads may do the
 * same, so each has its own.  The rest of "vfs" is the system's, whose methods
 * look at nothing in it but what is copied.
 */

int
ngx_http_jamhook_sqlite_wal_connect(ngx_http_jamhook_sqlite_t *s, int flags)
{
    int                             rc;
    sqlite3_vfs                    *base;
    ngx_http_jamhook_sqlite_vfs_t  *v;

    base = sqlite3_vfs_find(NULL);

    if (base == NULL) {
        return SQLITE_CANTOPEN;
    }

    v = &s->vfs;

    (void) sqlite3_snprintf(sizeof(v->name), v->name, "jamhook-%p", v);

    v->base = base;
    v->vfs = *base;
    v->vfs.zName = v->name;
    v->vfs.szOsFile += (int) sizeof(ngx_http_jamhook_sqlite_wal_t);
    v->vfs.xOpen = ngx_http_jamhook_sqlite_wal_open;

    rc = sqlite3_vfs_register(&v->vfs, 0);

    if (rc != SQLITE_OK) {
        return rc;
    }

    rc = sqlite3_open_v2(s->path, &s->db, flags, v->name);

    (void) sqlite3_vfs_unregister(&v->vfs);

    if (rc == SQLITE_OK) {
        (void) sqlite3_rollback_hook(s->db,
                                     ngx_http_jamhook_sqlite_wal_rollback, s);
    }

    return rc;
}


static void
ngx_http_jamhook_sqlite_wal_rollback(void *data)
{
    ngx_http_jamhook_sqlite_wal_drop(data);
}


void
ngx_http_jamhook_sqlite_wal_drop(ngx_http_jamhook_sqlite_t *s)
{
    ngx_http_jamhook_sqlite_wal_t  *wal;

    wal = s->vfs.wal;

    if (wal != NULL) {
        wal->len = 0;
    }
}


static int
ngx_http_jamhook_sqlite_wal_open(sqlite3_vfs *vfs, const char *name,
    sqlite3_file *f, int flags, int *out)
{
    int                             rc;
    sqlite3_file                   *real;
    ngx_http_jamhook_sqlite_vfs_t  *v;
    ngx_http_jamhook_sqlite_wal_t  *wal;

    v = (ngx_http_jamhook_sqlite_vfs_t *) vfs;

    if (!(flags & SQLITE_OPEN_WAL)) {
        return v->base->xOpen(v->base, name, f, flags, out);
    }

    wal = (ngx_http_jamhook_sqlite_wal_t *) f;
    ngx_memzero(wal, sizeof(ngx_http_jamhook_sqlite_wal_t));

    real = ngx_http_jamhook_sqlite_wal_real(f);
    rc = v->base->xOpen(v->base, name, real, flags, out);

    /* with methods it is closed, even if it could not be opened */

    if (real->pMethods == NULL) {
        return rc;
    }

    f->pMethods = &ngx_http_jamhook_sqlite_wal_methods;

    /*
     * Where a disk may spoil what stands beside a write SQLite repeats the last
     * frame up to the next sector, in parts that look like heads.
     */

    if (v->wal == NULL
        && (real->pMethods->xDeviceCharacteristics(real)
            & SQLITE_IOCAP_POWERSAFE_OVERWRITE))
    {
        wal->vfs = v;
        v->wal = wal;
    }

    return rc;
}


static int
ngx_http_jamhook_sqlite_wal_close(sqlite3_file *f)
{
    ngx_http_jamhook_sqlite_wal_t  *wal;

    wal = (ngx_http_jamhook_sqlite_wal_t *) f;

    if (wal->vfs != NULL) {
        wal->vfs->wal = NULL;
    }

    sqlite3_free(wal->buf);

    return ngx_http_jamhook_sqlite_wal_call(f, xClose)(
                                         ngx_http_jamhook_sqlite_wal_real(f));
}


static int
ngx_http_jamhook_sqlite_wal_read(sqlite3_file *f, void *buf, int n,
    sqlite3_int64 at)
{
    int                             rc;
    ngx_http_jamhook_sqlite_wal_t  *wal;

    wal = (ngx_http_jamhook_sqlite_wal_t *) f;

    /* a large transaction reads what it could not keep in memory */

    if (at < wal->at + wal->len && at + n > wal->at) {
        rc = ngx_http_jamhook_sqlite_wal_flush(f);

        if (rc != SQLITE_OK) {
            return rc;
        }
    }

    return ngx_http_jamhook_sqlite_wal_call(f, xRead)(
                              ngx_http_jamhook_sqlite_wal_real(f), buf, n, at);
}


static int
ngx_http_jamhook_sqlite_wal_write(sqlite3_file *f, const void *buf, int n,
    sqlite3_int64 at)
{
    int                             rc;
    const u_char                   *p;
    ngx_uint_t                      head, last;
    ngx_http_jamhook_sqlite_wal_t  *wal;

    wal = (ngx_http_jamhook_sqlite_wal_t *) f;

    if (wal->len != 0
        && (at != wal->at + wal->len
            || n > NGX_HTTP_JAMHOOK_SQLITE_WAL_SIZE - wal->len))
    {
        rc = ngx_http_jamhook_sqlite_wal_flush(f);

        if (rc != SQLITE_OK) {
            return rc;
        }
    }

    head = (n == NGX_HTTP_JAMHOOK_SQLITE_WAL_HEAD);
    last = 0;

    if (head) {

        /* the size of the database, in the last frame alone */

        p = buf;
        last = (p[4] | p[5] | p[6] | p[7]) != 0;
    }

    if (wal->len == 0) {

        /* a page alone replaces one that was written before */

        if (!head || last || !ngx_http_jamhook_sqlite_wal_ready(wal)) {
            return ngx_http_jamhook_sqlite_wal_call(f, xWrite)(
                              ngx_http_jamhook_sqlite_wal_real(f), buf, n, at);
        }

        wal->at = at;
    }

    ngx_memcpy(wal->buf + wal->len, buf, n);
    wal->len += n;

    if (head) {
        wal->last = last;
        return SQLITE_OK;
    }

    return wal->last ? ngx_http_jamhook_sqlite_wal_flush(f) : SQLITE_OK;
}


static ngx_uint_t
ngx_http_jamhook_sqlite_wal_ready(ngx_http_jamhook_sqlite_wal_t *wal)
{
    if (wal->buf == NULL && wal->vfs != NULL) {
        wal->buf = sqlite3_malloc(NGX_HTTP_JAMHOOK_SQLITE_WAL_SIZE);
    }

    return wal->buf != NULL;
}


/*
 * What could not be written stays: SQLite took it for written, and does not end
 * its transaction after each failure.
 */

static int
ngx_http_jamhook_sqlite_wal_flush(sqlite3_file *f)
{
    int                             rc;
    ngx_http_jamhook_sqlite_wal_t  *wal;

    wal = (ngx_http_jamhook_sqlite_wal_t *) f;

    if (wal->len == 0) {
        return SQLITE_OK;
    }

    rc = ngx_http_jamhook_sqlite_wal_call(f, xWrite)(
                                   ngx_http_jamhook_sqlite_wal_real(f),
                                   wal->buf, wal->len, wal->at);

    if (rc == SQLITE_OK) {
        wal->len = 0;
    }

    return rc;
}


static int
ngx_http_jamhook_sqlite_wal_truncate(sqlite3_file *f, sqlite3_int64 size)
{
    int  rc;

    rc = ngx_http_jamhook_sqlite_wal_flush(f);

    if (rc != SQLITE_OK) {
        return rc;
    }

    return ngx_http_jamhook_sqlite_wal_call(f, xTruncate)(
                                   ngx_http_jamhook_sqlite_wal_real(f), size);
}


static int
ngx_http_jamhook_sqlite_wal_sync(sqlite3_file *f, int flags)
{
    int  rc;

    rc = ngx_http_jamhook_sqlite_wal_flush(f);

    if (rc != SQLITE_OK) {
        return rc;
    }

    return ngx_http_jamhook_sqlite_wal_call(f, xSync)(
                                  ngx_http_jamhook_sqlite_wal_real(f), flags);
}


static int
ngx_http_jamhook_sqlite_wal_size(sqlite3_file *f, sqlite3_int64 *size)
{
    int  rc;

    rc = ngx_http_jamhook_sqlite_wal_flush(f);

    if (rc != SQLITE_OK) {
        return rc;
    }

    return ngx_http_jamhook_sqlite_wal_call(f, xFileSize)(
                                   ngx_http_jamhook_sqlite_wal_real(f), size);
}


static int
ngx_http_jamhook_sqlite_wal_lock(sqlite3_file *f, int level)
{
    return ngx_http_jamhook_sqlite_wal_call(f, xLock)(
                                  ngx_http_jamhook_sqlite_wal_real(f), level);
}


static int
ngx_http_jamhook_sqlite_wal_unlock(sqlite3_file *f, int level)
{
    return ngx_http_jamhook_sqlite_wal_call(f, xUnlock)(
                                  ngx_http_jamhook_sqlite_wal_real(f), level);
}


static int
ngx_http_jamhook_sqlite_wal_reserved(sqlite3_file *f, int *is)
{
    return ngx_http_jamhook_sqlite_wal_call(f, xCheckReservedLock)(
                                     ngx_http_jamhook_sqlite_wal_real(f), is);
}


static int
ngx_http_jamhook_sqlite_wal_control(sqlite3_file *f, int op, void *data)
{
    return ngx_http_jamhook_sqlite_wal_call(f, xFileControl)(
                               ngx_http_jamhook_sqlite_wal_real(f), op, data);
}


static int
ngx_http_jamhook_sqlite_wal_sector(sqlite3_file *f)
{
    return ngx_http_jamhook_sqlite_wal_call(f, xSectorSize)(
                                         ngx_http_jamhook_sqlite_wal_real(f));
}


static int
ngx_http_jamhook_sqlite_wal_device(sqlite3_file *f)
{
    return ngx_http_jamhook_sqlite_wal_call(f, xDeviceCharacteristics)(
                                         ngx_http_jamhook_sqlite_wal_real(f));
}
