
#include "ngx_http_jamhook_sqlite.h"

#include <stdio.h>


static ngx_http_jamhook_failure_e ngx_http_jamhook_sqlite_kind(int rc,
    ngx_err_t err);
static ngx_http_jamhook_failure_e ngx_http_jamhook_sqlite_kind_errno(
    ngx_err_t err);


void
ngx_http_jamhook_sqlite_query(ngx_http_jamhook_sqlite_query_t *q,
    ngx_http_jamhook_sqlite_t *s, ngx_http_jamhook_sql_e sql)
{
    q->s = s;
    q->n = 0;
    q->rc = SQLITE_OK;

    if (s->stmts[sql] == NULL) {
        q->rc = sqlite3_prepare_v3(s->db, ngx_http_jamhook_sqlite_sql[sql], -1,
                                   SQLITE_PREPARE_PERSISTENT, &s->stmts[sql],
                                   NULL);
    }

    q->st = s->stmts[sql];
}


void
ngx_http_jamhook_sqlite_int(ngx_http_jamhook_sqlite_query_t *q, int64_t value)
{
    if (q->rc == SQLITE_OK) {
        q->rc = sqlite3_bind_int64(q->st, ++q->n, value);
    }
}


void
ngx_http_jamhook_sqlite_text(ngx_http_jamhook_sqlite_query_t *q,
    ngx_str_t *value)
{
    if (q->rc == SQLITE_OK) {

        /* data NULL becomes NULL */

        q->rc = sqlite3_bind_text64(q->st, ++q->n, (char *) value->data,
                                    value->len, SQLITE_STATIC, SQLITE_UTF8);
    }
}


void
ngx_http_jamhook_sqlite_blob(ngx_http_jamhook_sqlite_query_t *q,
    ngx_str_t *value)
{
    if (q->rc == SQLITE_OK) {
        q->rc = sqlite3_bind_blob64(q->st, ++q->n, value->data, value->len,
                                    SQLITE_STATIC);
    }
}


ngx_int_t
ngx_http_jamhook_sqlite_row(ngx_http_jamhook_sqlite_query_t *q)
{
    if (q->rc == SQLITE_OK) {
        ngx_set_errno(0);

        q->rc = sqlite3_step(q->st);

        if (q->rc == SQLITE_ROW) {
            q->rc = SQLITE_OK;
            return NGX_OK;
        }

        if (q->rc == SQLITE_DONE) {
            q->rc = SQLITE_OK;
            (void) sqlite3_reset(q->st);
            return NGX_DONE;
        }
    }

    /* what the message says is gone after the reset */

    (void) ngx_http_jamhook_sqlite_fail(q->s, q->rc);
    ngx_http_jamhook_sqlite_end(q);

    return NGX_ERROR;
}


void
ngx_http_jamhook_sqlite_end(ngx_http_jamhook_sqlite_query_t *q)
{
    if (q->st != NULL) {
        (void) sqlite3_reset(q->st);
    }
}


ngx_int_t
ngx_http_jamhook_sqlite_run(ngx_http_jamhook_sqlite_query_t *q)
{
    if (ngx_http_jamhook_sqlite_row(q) == NGX_ERROR) {
        return NGX_ERROR;
    }

    ngx_http_jamhook_sqlite_end(q);

    return NGX_OK;
}


ngx_int_t
ngx_http_jamhook_sqlite_exec(ngx_http_jamhook_sqlite_t *s, const char *sql)
{
    int  rc;

    ngx_set_errno(0);

    rc = sqlite3_exec(s->db, sql, NULL, NULL, NULL);

    return (rc == SQLITE_OK) ? NGX_OK : ngx_http_jamhook_sqlite_fail(s, rc);
}

ngx_int_t
ngx_http_jamhook_sqlite_number(ngx_http_jamhook_sqlite_t *s, const char *sql,
    int64_t *number)
{
    int            rc;
    sqlite3_stmt  *st;

    rc = sqlite3_prepare_v2(s->db, sql, -1, &st, NULL);

    if (rc == SQLITE_OK) {
        rc = sqlite3_step(st);
    }

    if (rc == SQLITE_ROW) {
        *number = sqlite3_column_int64(st, 0);
        (void) sqlite3_finalize(st);
        return NGX_OK;
    }

    if (rc == SQLITE_DONE) {
        rc = SQLITE_CORRUPT;
    }

    (void) ngx_http_jamhook_sqlite_fail(s, rc);
    (void) sqlite3_finalize(st);

    return NGX_ERROR;
}



/* libc's snprintf() in these: it always ends with a NUL */

ngx_int_t
ngx_http_jamhook_sqlite_fail(ngx_http_jamhook_sqlite_t *s, int rc)
{
    int          n;
    u_char       system[64], *p;
    ngx_err_t    err, last;
    const char  *message;

    last = ngx_errno;

    /* the handle knows more, but not of another call than the last */

    err = 0;
    message = sqlite3_errstr(rc);

    if (s->db != NULL
        && (sqlite3_extended_errcode(s->db) & 0xff) == (rc & 0xff))
    {
        rc = sqlite3_extended_errcode(s->db);
        message = sqlite3_errmsg(s->db);

        if ((rc & 0xff) == SQLITE_IOERR || (rc & 0xff) == SQLITE_CANTOPEN) {
            err = sqlite3_system_errno(s->db);

            /* SQLite notes it of all statements but COMMIT */

            if (err == 0) {
                err = last;
            }
        }
    }

    s->failure->kind = ngx_http_jamhook_sqlite_kind(rc, err);

    p = system;

    if (err != 0) {
        p = ngx_strerror(err, system, sizeof(system) - 1);
    }

    *p = '\0';

    n = snprintf((char *) s->failure->text, sizeof(s->failure->text),
                 "%s (%d%s%s), \"%s\"", message, rc, err ? ": " : "",
                 system, s->path);
    (void) n;

    return NGX_ERROR;
}


ngx_int_t
ngx_http_jamhook_sqlite_fail_errno(ngx_http_jamhook_sqlite_t *s,
    const char *what, const char *path, ngx_err_t err)
{
    int      n;
    u_char   system[64], *p;

    s->failure->kind = ngx_http_jamhook_sqlite_kind_errno(err);

    p = ngx_strerror(err, system, sizeof(system) - 1);
    *p = '\0';

    n = snprintf((char *) s->failure->text, sizeof(s->failure->text),
                 "%s failed (%d: %s), \"%s\"", what, err, system, path);
    (void) n;

    return NGX_ERROR;
}


ngx_int_t
ngx_http_jamhook_sqlite_fail_text(ngx_http_jamhook_sqlite_t *s,
    ngx_http_jamhook_failure_e kind, const char *text)
{
    int  n;

    s->failure->kind = kind;

    n = snprintf((char *) s->failure->text, sizeof(s->failure->text),
                 "%s, \"%s\"", text, s->path);
    (void) n;

    return NGX_ERROR;
}


static ngx_http_jamhook_failure_e
ngx_http_jamhook_sqlite_kind(int rc, ngx_err_t err)
{
    switch (rc & 0xff) {

    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_PROTOCOL:
    case SQLITE_INTERRUPT:
        return NGX_HTTP_JAMHOOK_STORE_BUSY;

    case SQLITE_FULL:
        return NGX_HTTP_JAMHOOK_STORE_NOSPC;

    case SQLITE_IOERR:
        if (rc == SQLITE_IOERR_NOMEM) {
            return NGX_HTTP_JAMHOOK_STORE_MEMORY;
        }

        switch (err) {

        case NGX_ENOSPC:
        case EDQUOT:
        case EFBIG:
            return NGX_HTTP_JAMHOOK_STORE_NOSPC;

        case EROFS:
            return NGX_HTTP_JAMHOOK_STORE_READONLY;

        default:
            return NGX_HTTP_JAMHOOK_STORE_IO;
        }

    case SQLITE_NOLFS:
        return NGX_HTTP_JAMHOOK_STORE_IO;

    case SQLITE_READONLY:
        return (rc == SQLITE_READONLY_DBMOVED) ? NGX_HTTP_JAMHOOK_STORE_MOVED
                                               :
                                             NGX_HTTP_JAMHOOK_STORE_READONLY;

    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
    case SQLITE_AUTH:
        return NGX_HTTP_JAMHOOK_STORE_CANTOPEN;

    case SQLITE_NOMEM:
    case SQLITE_TOOBIG:
        return NGX_HTTP_JAMHOOK_STORE_MEMORY;

    default:

        /*
         * CORRUPT and NOTADB; and ERROR, CONSTRAINT, MISMATCH: a table that is
         * missing or is not as we made it
         */

        return NGX_HTTP_JAMHOOK_STORE_CORRUPT;
    }
}


static ngx_http_jamhook_failure_e
ngx_http_jamhook_sqlite_kind_errno(ngx_err_t err)
{
    switch (err) {

    case NGX_ENOSPC:
    case EDQUOT:
    case EFBIG:
        return NGX_HTTP_JAMHOOK_STORE_NOSPC;

    case NGX_ENOMEM:
        return NGX_HTTP_JAMHOOK_STORE_MEMORY;

    case EIO:
        return NGX_HTTP_JAMHOOK_STORE_IO;

    case EROFS:
        return NGX_HTTP_JAMHOOK_STORE_READONLY;

    default:
        return NGX_HTTP_JAMHOOK_STORE_CANTOPEN;
    }
}
