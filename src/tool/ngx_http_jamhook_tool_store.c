
#include "ngx_http_jamhook_tool.h"
#include "ngx_http_jamhook_clock.h"

#include <grp.h>


#define NGX_HTTP_JAMHOOK_TOOL_PLACE     "/var/lib/nginx/jamhook"

#define NGX_HTTP_JAMHOOK_TOOL_PATIENCE  60000        /* ms, with those who keep
                                                        the store busy */


static ngx_int_t ngx_http_jamhook_tool_place(ngx_http_jamhook_tool_t *tool);
static ngx_int_t ngx_http_jamhook_tool_become(uid_t uid, gid_t gid);
static ngx_int_t ngx_http_jamhook_tool_names(ngx_http_jamhook_tool_t *tool);
static void *ngx_http_jamhook_tool_session(ngx_http_jamhook_tool_t *tool,
    ngx_http_jamhook_session_e kind);
static ngx_int_t ngx_http_jamhook_tool_again(ngx_http_jamhook_tool_t *tool,
    ngx_http_jamhook_failure_t *failure, int64_t *until);
static void ngx_http_jamhook_tool_trouble(ngx_http_jamhook_tool_t *tool,
    ngx_http_jamhook_failure_t *failure);
static const char *ngx_http_jamhook_tool_advice(
    ngx_http_jamhook_failure_e kind);


ngx_int_t
ngx_http_jamhook_tool_open(ngx_http_jamhook_tool_t *tool)
{
    uid_t                       uid;
    gid_t                       gid;
    ngx_http_jamhook_failure_t  failure;

    if (ngx_http_jamhook_tool_place(tool) != NGX_OK) {
        return NGX_ERROR;
    }

    if (tool->backend->look(&tool->conf, &uid, &gid, &failure) != NGX_OK) {
        ngx_http_jamhook_tool_trouble(tool, &failure);
        return NGX_ERROR;
    }

    if (ngx_http_jamhook_tool_become(uid, gid) != NGX_OK
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
}


/*
 * The whole name of the directory, for the current one may be closed to the
 * store's owner.
 */

static ngx_int_t
ngx_http_jamhook_tool_place(ngx_http_jamhook_tool_t *tool)
{
    char  *dir, *path;

    tool->backend = &ngx_http_jamhook_sqlite_backend;
    tool->conf.guest = 1;

    dir = tool->values[NGX_HTTP_JAMHOOK_TOOL_STORE];

    if (dir == NULL) {
        dir = getenv("JAMHOOK_STORE");
    }

    if (dir == NULL || *dir == '\0') {
        dir = NGX_HTTP_JAMHOOK_TOOL_PLACE;
    }

    if (strncmp(dir, "sqlite:", 7) == 0) {
        dir += 7;
    }

    path = realpath(dir, NULL);

    if (path == NULL) {
        ngx_http_jamhook_tool_say("there is no store in \"%s\": %s; name the"
                                  " directory of jamhook_store with -s", dir,
                                  strerror(ngx_errno));
        return NGX_ERROR;
    }

    tool->conf.place.len = strlen(path);
    tool->conf.place.data = ngx_http_jamhook_tool_alloc(tool->pool,
                                                  tool->conf.place.len + 1);

    ngx_memcpy(tool->conf.place.data, path, tool->conf.place.len);
    free(path);

    return NGX_OK;
}


/*
 * A file that root makes beside the database is closed to nginx's workers, and
 * a directory of theirs is no place to write to with root's rights.
 */

static ngx_int_t
ngx_http_jamhook_tool_become(uid_t uid, gid_t gid)
{
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

    ngx_http_jamhook_tool_trouble(tool, failure);

    return NGX_ERROR;
}


static void
ngx_http_jamhook_tool_trouble(ngx_http_jamhook_tool_t *tool,
    ngx_http_jamhook_failure_t *failure)
{
    ngx_str_t  text;

    text.data = failure->text;
    text.len = ngx_strlen(failure->text);

    ngx_http_jamhook_tool_say("the store cannot be used: %s; %s",
                              ngx_http_jamhook_tool_safe(tool->pool, &text),
                              ngx_http_jamhook_tool_advice(failure->kind));
}


static const char *
ngx_http_jamhook_tool_advice(ngx_http_jamhook_failure_e kind)
{
    switch (kind) {

    case NGX_HTTP_JAMHOOK_STORE_BUSY:
        return "look for a \"sqlite3\" shell or a backup that does not end";

    case NGX_HTTP_JAMHOOK_STORE_NOSPC:
        return "make room on its disk";

    case NGX_HTTP_JAMHOOK_STORE_IO:
        return "look at the disk and the kernel's log";

    case NGX_HTTP_JAMHOOK_STORE_CANTOPEN:
        return "name the directory of jamhook_store with -s; root may open it,"
               " and the user that nginx's workers have";

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

    default:
        return "try again";
    }
}


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
