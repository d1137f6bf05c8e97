
#include "ngx_http_jamhook_tool.h"
#include "ngx_http_jamhook_clock.h"

#if (NGX_HTTP_JAMHOOK_PGSQL)
#include "ngx_http_jamhook_pgsql_uri.h"
#endif

#include <grp.h>


#define NGX_HTTP_JAMHOOK_TOOL_PLACE     "/var/lib/nginx/jamhook"

#define NGX_HTTP_JAMHOOK_TOOL_PATIENCE  60000        /* ms, with those who keep
                                                        the store busy */


static ngx_int_t ngx_http_jamhook_tool_place_sqlite(
    ngx_http_jamhook_tool_t *tool, char *dir,
    ngx_http_jamhook_store_conf_t *conf);
static ngx_int_t ngx_http_jamhook_tool_place_pgsql(
    ngx_http_jamhook_tool_t *tool, char *uri,
    ngx_http_jamhook_store_conf_t *conf);
static ngx_int_t ngx_http_jamhook_tool_names(ngx_http_jamhook_tool_t *tool);
static void *ngx_http_jamhook_tool_session(ngx_http_jamhook_tool_t *tool,
    ngx_http_jamhook_session_e kind);
static ngx_int_t ngx_http_jamhook_tool_again(ngx_http_jamhook_tool_t *tool,
    ngx_http_jamhook_failure_t *failure, int64_t *until);
static const char *ngx_http_jamhook_tool_advice(
    ngx_http_jamhook_backend_t *backend, ngx_http_jamhook_failure_e kind);
static const char *ngx_http_jamhook_tool_advice_sqlite(
    ngx_http_jamhook_failure_e kind);
#if (NGX_HTTP_JAMHOOK_PGSQL)
static const char *ngx_http_jamhook_tool_advice_pgsql(
    ngx_http_jamhook_failure_e kind);
#endif


ngx_int_t
ngx_http_jamhook_tool_open(ngx_http_jamhook_tool_t *tool)
{
    char  *store;

    store = tool->values[NGX_HTTP_JAMHOOK_TOOL_STORE];

    if (store == NULL) {
        store = getenv("JAMHOOK_STORE");
    }

    if (store == NULL || *store == '\0') {
        store = NGX_HTTP_JAMHOOK_TOOL_PLACE;
    }

    tool->conf.guest = 1;
    tool->backend = ngx_http_jamhook_tool_place(tool, store, &tool->conf);

    if (tool->backend == NULL
        || ngx_http_jamhook_tool_enter(tool, tool->backend, &tool->conf)
           != NGX_OK
        || ngx_http_jamhook_tool_names(tool) != NGX_OK)
    {
        return NGX_ERROR;
    }

    tool->reader = ngx_http_jamhook_tool_session(tool,
                                               NGX_HTTP_JAMHOOK_SESSION_READ);

    return (tool->reader == NULL) ? NGX_ERROR : NGX_OK;
}


void
ngx_http_jamhook_tool_close(ngx_http_jamhook_tool_t *tool)
{
    if (tool->reader != NULL) {
        tool->backend->close(tool->reader);
        tool->reader = NULL;
    }

    if (tool->writer != NULL) {
        tool->backend->close(tool->writer);
        tool->writer = NULL;
    }

    if (tool->backend != NULL) {
        tool->backend->leave(&tool->conf);
    }
}


/* what it may be: as behind jamhook_store, or a directory alone */

ngx_http_jamhook_backend_t *
ngx_http_jamhook_tool_place(ngx_http_jamhook_tool_t *tool, char *store,
    ngx_http_jamhook_store_conf_t *conf)
{
    if (ngx_http_jamhook_tool_is_uri(store)) {

        if (ngx_http_jamhook_tool_place_pgsql(tool, store, conf) != NGX_OK) {
            return NULL;
        }

#if (NGX_HTTP_JAMHOOK_PGSQL)
        return &ngx_http_jamhook_pgsql_backend;
#endif
    }

    if (ngx_http_jamhook_tool_place_sqlite(tool, store, conf) != NGX_OK) {
        return NULL;
    }

    return &ngx_http_jamhook_sqlite_backend;
}


ngx_uint_t
ngx_http_jamhook_tool_is_uri(char *store)
{
    return strncmp(store, "postgresql:", 11) == 0
           || strncmp(store, "postgres:", 9) == 0;
}


/*
 * The whole name of the directory, for the current one may be closed to the
 * store's owner.
 */

static ngx_int_t
ngx_http_jamhook_tool_place_sqlite(ngx_http_jamhook_tool_t *tool, char *dir,
    ngx_http_jamhook_store_conf_t *conf)
{
    char       *path;
    ngx_str_t   name;

    if (strncmp(dir, "sqlite:", 7) == 0) {
        dir += 7;
    }

    path = realpath(dir, NULL);

    if (path == NULL) {
        name.data = (u_char *) dir;
        name.len = strlen(dir);

        ngx_http_jamhook_tool_say("there is no store in \"%s\": %s; name what"
                                  " is behind jamhook_store, a directory or"
                                  " postgresql://...",
                                  ngx_http_jamhook_tool_safe(tool->pool,
                                                             &name),
                                  strerror(ngx_errno));
        return NGX_ERROR;
    }

    conf->place.len = strlen(path);
    conf->place.data = ngx_http_jamhook_tool_alloc(tool->pool,
                                                   conf->place.len + 1);

    ngx_memcpy(conf->place.data, path, conf->place.len);
    free(path);

    return NGX_OK;
}


/* what is shown of it has no password */

static ngx_int_t
ngx_http_jamhook_tool_place_pgsql(ngx_http_jamhook_tool_t *tool, char *uri,
    ngx_http_jamhook_store_conf_t *conf)
{
#if (NGX_HTTP_JAMHOOK_PGSQL)

    ngx_int_t                      rc;
    ngx_http_jamhook_pgsql_uri_t   u;

    conf->conninfo.data = (u_char *) uri;
    conf->conninfo.len = strlen(uri);

    rc = ngx_http_jamhook_pgsql_uri(&u, &conf->conninfo, tool->pool);

    if (rc == NGX_OK) {
        conf->place = u.shown;
        return NGX_OK;
    }

    if (rc == NGX_ERROR) {
        ngx_http_jamhook_tool_no_memory();
    }

    ngx_http_jamhook_tool_say("the URI of the store is wrong: %s",
                              (char *) u.error);
    return NGX_ERROR;

#else

    (void) uri;
    (void) conf;
    (void) ngx_http_jamhook_tool_without(tool);

    return NGX_ERROR;

#endif
}


int
ngx_http_jamhook_tool_without(ngx_http_jamhook_tool_t *tool)
{
    (void) tool;

    ngx_http_jamhook_tool_say("this jamhook was built without PostgreSQL:"
                              " build it where libpq is (libpq-dev)");

    return NGX_HTTP_JAMHOOK_TOOL_TROUBLE;
}


/*
 * A file that root makes beside the database is closed to nginx's workers, and
 * a directory of theirs is no place to write to with root's rights.
 */

ngx_int_t
ngx_http_jamhook_tool_enter(ngx_http_jamhook_tool_t *tool,
    ngx_http_jamhook_backend_t *backend, ngx_http_jamhook_store_conf_t *conf)
{
    uid_t                       uid;
    gid_t                       gid;
    ngx_http_jamhook_failure_t  failure;

    if (backend->look(conf, &uid, &gid, &failure) != NGX_OK) {
        ngx_http_jamhook_tool_trouble(tool, backend, &failure);
        return NGX_ERROR;
    }

    if (geteuid() != 0 || uid == 0) {
        return NGX_OK;
    }

    if (setgroups(1, &gid) == 0 && setgid(gid) == 0 && setuid(uid) == 0) {
        return NGX_OK;
    }

    ngx_http_jamhook_tool_say("taking the rights of the store's owner (user"
                              " %u) failed: %s", (unsigned) uid,
                              strerror(ngx_errno));
    return NGX_ERROR;
}


/* the endpoints that there are: without nginx.conf the store alone says so */

static ngx_int_t
ngx_http_jamhook_tool_names(ngx_http_jamhook_tool_t *tool)
{
    ngx_int_t                     rc;
    ngx_http_jamhook_op_names_t  *op;

    op = ngx_http_jamhook_tool_alloc(tool->pool,
                                     sizeof(ngx_http_jamhook_op_names_t));

    op->op.type = NGX_HTTP_JAMHOOK_OP_NAMES;
    op->pool = tool->pool;

    tool->reader = ngx_http_jamhook_tool_session(tool,
                                               NGX_HTTP_JAMHOOK_SESSION_READ);

    if (tool->reader == NULL) {
        return NGX_ERROR;
    }

    rc = ngx_http_jamhook_tool_read(tool, &op->op);

    ngx_http_jamhook_tool_close(tool);

    if (rc == NGX_OK) {
        tool->conf.endpoints = op->names.elts;
        tool->conf.nendpoints = op->names.nelts;
    }

    return rc;
}


static void *
ngx_http_jamhook_tool_session(ngx_http_jamhook_tool_t *tool,
    ngx_http_jamhook_session_e kind)
{
    void                        *session;
    int64_t                      until;
    ngx_http_jamhook_clock_t     clock;
    ngx_http_jamhook_failure_t   failure;

    until = 0;

    do {
        clock.now = ngx_http_jamhook_clock_now();
        clock.mono = ngx_http_jamhook_clock_mono();

        session = tool->backend->open(&tool->conf, kind, &clock, NULL, NULL,
                                      &failure);

        if (session != NULL) {
            return session;
        }

    } while (ngx_http_jamhook_tool_again(tool, &failure, &until) == NGX_OK);

    return NULL;
}


ngx_int_t
ngx_http_jamhook_tool_read(ngx_http_jamhook_tool_t *tool,
    ngx_http_jamhook_op_t *op)
{
    int64_t                     until;
    ngx_http_jamhook_clock_t    clock;
    ngx_http_jamhook_failure_t  failure;

    until = 0;

    do {
        clock.now = ngx_http_jamhook_clock_now();
        clock.mono = ngx_http_jamhook_clock_mono();

        if (tool->backend->read(tool->reader, op, &clock, &failure)
            == NGX_OK)
        {
            return NGX_OK;
        }

    } while (ngx_http_jamhook_tool_again(tool, &failure, &until) == NGX_OK);

    return NGX_ERROR;
}


ngx_int_t
ngx_http_jamhook_tool_write(ngx_http_jamhook_tool_t *tool,
    ngx_http_jamhook_op_t **ops, ngx_uint_t n)
{
    int64_t                     until;
    ngx_http_jamhook_clock_t    clock;
    ngx_http_jamhook_failure_t  failure;

    if (tool->writer == NULL) {
        tool->writer = ngx_http_jamhook_tool_session(tool,
                                              NGX_HTTP_JAMHOOK_SESSION_WRITE);
        if (tool->writer == NULL) {
            return NGX_ERROR;
        }
    }

    until = 0;

    do {
        clock.now = ngx_http_jamhook_clock_now();
        clock.mono = ngx_http_jamhook_clock_mono();

        if (tool->backend->write(tool->writer, ops, n, &clock, &failure)
            == NGX_OK)
        {
            return NGX_OK;
        }

    } while (ngx_http_jamhook_tool_again(tool, &failure, &until) == NGX_OK);

    return NGX_ERROR;
}


/* the backend has waited a while; more of it is no use in other trouble */

static ngx_int_t
ngx_http_jamhook_tool_again(ngx_http_jamhook_tool_t *tool,
    ngx_http_jamhook_failure_t *failure, int64_t *until)
{
    int64_t  now;

    now = ngx_http_jamhook_clock_mono();

    if (failure->kind == NGX_HTTP_JAMHOOK_STORE_BUSY) {

        if (*until == 0) {
            *until = now + NGX_HTTP_JAMHOOK_TOOL_PATIENCE;
            ngx_http_jamhook_tool_say("the store is busy, waiting");
        }

        if (now < *until) {
            return NGX_OK;
        }
    }

    ngx_http_jamhook_tool_trouble(tool, tool->backend, failure);

    return NGX_ERROR;
}


void
ngx_http_jamhook_tool_trouble(ngx_http_jamhook_tool_t *tool,
    ngx_http_jamhook_backend_t *backend, ngx_http_jamhook_failure_t *failure)
{
    ngx_str_t  text;

    text.data = failure->text;
    text.len = ngx_strlen(failure->text);

    ngx_http_jamhook_tool_say("the store cannot be used: %s; %s",
                              ngx_http_jamhook_tool_line(tool->pool, &text),
                              ngx_http_jamhook_tool_advice(backend,
                                                           failure->kind));
}


/* what libpq and PostgreSQL say has several lines, and one that ends it */

char *
ngx_http_jamhook_tool_line(ngx_pool_t *pool, ngx_str_t *text)
{
    size_t      i;
    ngx_str_t   line;

    line.data = ngx_http_jamhook_tool_alloc(pool, text->len + 1);
    line.len = 0;

    for (i = 0; i < text->len; i++) {

        if (text->data[i] != '\n' && text->data[i] != '\t') {
            line.data[line.len++] = text->data[i];

        } else if (line.len && line.data[line.len - 1] != ' ') {
            line.data[line.len++] = ' ';
        }
    }

    while (line.len && line.data[line.len - 1] == ' ') {
        line.len--;
    }

    return ngx_http_jamhook_tool_safe(pool, &line);
}


static const char *
ngx_http_jamhook_tool_advice(ngx_http_jamhook_backend_t *backend,
    ngx_http_jamhook_failure_e kind)
{
#if (NGX_HTTP_JAMHOOK_PGSQL)

    if (backend == &ngx_http_jamhook_pgsql_backend) {
        return ngx_http_jamhook_tool_advice_pgsql(kind);
    }

#else

    (void) backend;

#endif

    return ngx_http_jamhook_tool_advice_sqlite(kind);
}


static const char *
ngx_http_jamhook_tool_advice_sqlite(ngx_http_jamhook_failure_e kind)
{
    switch (kind) {

    case NGX_HTTP_JAMHOOK_STORE_BUSY:
        return "look for a \"sqlite3\" shell or a backup that does not end";

    case NGX_HTTP_JAMHOOK_STORE_NOSPC:
        return "make room on its disk";

    case NGX_HTTP_JAMHOOK_STORE_IO:
        return "look at the disk and the kernel's log";

    case NGX_HTTP_JAMHOOK_STORE_CANTOPEN:
        return "name what is behind jamhook_store with -s; root may open a"
               " directory, and the user that nginx's workers have";

    case NGX_HTTP_JAMHOOK_STORE_READONLY:
        return "root may write to it, and the user that nginx's workers have";

    case NGX_HTTP_JAMHOOK_STORE_CORRUPT:
        return "is it the directory of jamhook_store?";

    case NGX_HTTP_JAMHOOK_STORE_NEWER:
        return "use the jamhook of that version";

    case NGX_HTTP_JAMHOOK_STORE_OLDER:
        return "nginx brings it up to date when it starts with this version";

    case NGX_HTTP_JAMHOOK_STORE_MOVED:
        return "start again";

    case NGX_HTTP_JAMHOOK_STORE_LEFT:
        return "name the new store with -s postgresql://...";

    default:
        return "try again";
    }
}


#if (NGX_HTTP_JAMHOOK_PGSQL)

/* where it differs from what nginx tells in its log */

static const char *
ngx_http_jamhook_tool_advice_pgsql(ngx_http_jamhook_failure_e kind)
{
    switch (kind) {

    case NGX_HTTP_JAMHOOK_STORE_DENIED:
        return "look at the user, at the password (passfile=, PGPASSFILE,"
               " ~/.pgpass or a service) and at the server's pg_hba.conf";

    case NGX_HTTP_JAMHOOK_STORE_NOSTORE:
        return "nginx makes the tables when it starts, or their owner runs"
               " what \"jamhook schema\" prints";

    case NGX_HTTP_JAMHOOK_STORE_CORRUPT:
        return "is it the database of jamhook_store?";

    case NGX_HTTP_JAMHOOK_STORE_NEWER:
        return "use the jamhook of that version";

    case NGX_HTTP_JAMHOOK_STORE_OLDER:
        return "nginx brings it up to date when it starts with this version";

    case NGX_HTTP_JAMHOOK_STORE_NOSPC:
        return "make room on the server's disk";

    case NGX_HTTP_JAMHOOK_STORE_MEMORY:
        return "try again";

    default:
        return ngx_http_jamhook_pgsql_backend.advice(kind);
    }
}

#endif


ngx_int_t
ngx_http_jamhook_tool_events(ngx_http_jamhook_tool_t *tool,
    ngx_http_jamhook_op_events_t *op, ngx_uint_t n)
{
    ngx_uint_t                       i;
    ngx_array_t                      all;
    ngx_http_jamhook_shown_event_t  *event, *to;

    ngx_http_jamhook_tool_array(&all, op->pool,
                                sizeof(ngx_http_jamhook_shown_event_t));

    op->op.type = NGX_HTTP_JAMHOOK_OP_EVENTS;

    do {
        op->limit = ngx_min(n - all.nelts, NGX_HTTP_JAMHOOK_TOOL_PAGE);

        if (ngx_http_jamhook_tool_read(tool, &op->op) != NGX_OK) {
            return NGX_ERROR;
        }

        event = op->events.elts;

        for (i = 0; i < op->events.nelts; i++) {
            to = ngx_http_jamhook_tool_push(&all);
            *to = event[i];
        }

        op->cursor = op->next;

    } while (op->next != 0 && all.nelts < n);

    op->events = all;

    return NGX_OK;
}
