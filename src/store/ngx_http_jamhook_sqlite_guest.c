
#include "ngx_http_jamhook_sqlite.h"


static ngx_int_t ngx_http_jamhook_sqlite_guest_place(
    ngx_http_jamhook_sqlite_t *s, struct stat *st);
static ngx_int_t ngx_http_jamhook_sqlite_guest_check(
    ngx_http_jamhook_sqlite_t *s);


/* none of what a worker does on its way in changes anything here */

ngx_int_t
ngx_http_jamhook_sqlite_open_guest(ngx_http_jamhook_sqlite_t *s)
{
    struct stat  st;

    if (ngx_http_jamhook_sqlite_guest_place(s, &st) != NGX_OK
        || ngx_http_jamhook_sqlite_connect(s) != NGX_OK
        || ngx_http_jamhook_sqlite_guest_check(s) != NGX_OK
        || ngx_http_jamhook_sqlite_set_pragmas(s) != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (s->kind == NGX_HTTP_JAMHOOK_SESSION_READ) {
        s->latest = s->clock->now;

        if (ngx_http_jamhook_sqlite_exec(s, "PRAGMA query_only = ON")
            != NGX_OK)
        {
            return NGX_ERROR;
        }

    } else {
        ngx_http_jamhook_turn_open(&s->turn, (char *) s->conf->place.data);

        if (ngx_http_jamhook_sqlite_number(s,
                   ngx_http_jamhook_sqlite_sql[NGX_HTTP_JAMHOOK_SQL_LATEST],
                                           &s->latest)
            != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return ngx_http_jamhook_sqlite_endpoints_find(s);
}


ngx_int_t
ngx_http_jamhook_sqlite_look_for(ngx_http_jamhook_store_conf_t *conf,
    uid_t *uid, gid_t *gid, ngx_http_jamhook_failure_t *failure)
{
    ngx_int_t                   rc;
    struct stat                 st;
    ngx_http_jamhook_sqlite_t  *s;

    s = ngx_http_jamhook_sqlite_create(conf, NULL);

    if (s == NULL) {
        failure->kind = NGX_HTTP_JAMHOOK_STORE_MEMORY;
        ngx_memcpy(failure->text, "no memory", sizeof("no memory"));
        return NGX_ERROR;
    }

    s->failure = failure;

    rc = ngx_http_jamhook_sqlite_guest_place(s, &st);

    /* a file of root's may have been moved there by the directory's owner */

    if (rc == NGX_OK
        && st.st_uid == 0
        && stat((char *) conf->place.data, &st) == -1)
    {
        rc = ngx_http_jamhook_sqlite_fail_errno(s, "stat()",
                                                (char *) conf->place.data,
                                                ngx_errno);
    }

    if (rc == NGX_OK) {
        *uid = st.st_uid;
        *gid = st.st_gid;
    }

    ngx_destroy_pool(s->pool);

    return rc;
}


ngx_int_t
ngx_http_jamhook_sqlite_op_names(ngx_http_jamhook_sqlite_t *s,
    ngx_http_jamhook_op_t *o)
{
    size_t                           len;
    ngx_int_t                        rc;
    ngx_str_t                       *name;
    ngx_http_jamhook_op_names_t     *op = (ngx_http_jamhook_op_names_t *) o;
    ngx_http_jamhook_sqlite_query_t  q;

    if (ngx_array_init(&op->names, op->pool, 16, sizeof(ngx_str_t)) != NGX_OK)
    {
        return ngx_http_jamhook_sqlite_fail(s, SQLITE_NOMEM);
    }

    ngx_http_jamhook_sqlite_query(&q, s, NGX_HTTP_JAMHOOK_SQL_ENDPOINT_NAMES);

    for ( ;; ) {
        rc = ngx_http_jamhook_sqlite_row(&q);

        if (rc != NGX_OK) {
            return (rc == NGX_DONE) ? NGX_OK : NGX_ERROR;
        }

        len = sqlite3_column_bytes(q.st, 0);
        name = ngx_array_push(&op->names);

        if (name != NULL) {
            name->len = len;
            name->data = ngx_pnalloc(op->pool, len + 1);
        }

        if (name == NULL || name->data == NULL) {
            ngx_http_jamhook_sqlite_end(&q);
            return ngx_http_jamhook_sqlite_fail(s, SQLITE_NOMEM);
        }

        if (len != 0) {
            ngx_memcpy(name->data, sqlite3_column_blob(q.st, 0), len);
        }
    }
}


static ngx_int_t
ngx_http_jamhook_sqlite_guest_place(ngx_http_jamhook_sqlite_t *s,
    struct stat *st)
{
    ngx_err_t  err;

    if (lstat(s->path, st) == 0) {

        if (S_ISREG(st->st_mode)) {
            return NGX_OK;
        }

        return ngx_http_jamhook_sqlite_fail_text(s,
                                             NGX_HTTP_JAMHOOK_STORE_CORRUPT,
                                             "not a regular file");
    }

    err = ngx_errno;

    if (err == NGX_ENOENT) {
        return ngx_http_jamhook_sqlite_fail_text(s,
                                             NGX_HTTP_JAMHOOK_STORE_CANTOPEN,
                                             "there is no such file");
    }

    return ngx_http_jamhook_sqlite_fail_errno(s, "stat()", s->path, err);
}


static ngx_int_t
ngx_http_jamhook_sqlite_guest_check(ngx_http_jamhook_sqlite_t *s)
{
    int64_t  version;

    if (ngx_http_jamhook_sqlite_look(s, &version) != NGX_OK) {
        return NGX_ERROR;
    }

    if (version == 0) {
        return ngx_http_jamhook_sqlite_fail_text(s,
                                             NGX_HTTP_JAMHOOK_STORE_CORRUPT,
                                             "the file holds no store");
    }

    if (version < NGX_HTTP_JAMHOOK_SQLITE_VERSION) {
        return ngx_http_jamhook_sqlite_fail_text(s,
                                             NGX_HTTP_JAMHOOK_STORE_OLDER,
                                             "the store was made by an earlier"
                                             " version of the module");
    }

    return NGX_OK;
}
