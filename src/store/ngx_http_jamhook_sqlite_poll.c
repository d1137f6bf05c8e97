
#include "ngx_http_jamhook_sqlite.h"


static ngx_int_t ngx_http_jamhook_sqlite_poll_endpoint(
    ngx_http_jamhook_sqlite_t *s, ngx_http_jamhook_op_poll_t *op,
    ngx_uint_t index);
static ngx_int_t ngx_http_jamhook_sqlite_poll_next(
    ngx_http_jamhook_sqlite_t *s, int64_t endpoint, int64_t longest,
    int64_t *next_at);
static ngx_int_t ngx_http_jamhook_sqlite_poll_at(ngx_http_jamhook_sqlite_t *s,
    ngx_http_jamhook_sql_e sql, int64_t endpoint,
    ngx_http_jamhook_class_e class, int64_t *at);
static ngx_int_t ngx_http_jamhook_sqlite_poll_owner(
    ngx_http_jamhook_sqlite_t *s, u_char *name, ngx_str_t *owner);
static ngx_int_t ngx_http_jamhook_sqlite_poll_orphans(
    ngx_http_jamhook_sqlite_t *s, ngx_http_jamhook_op_poll_t *op,
    ngx_str_t *owner, ngx_http_jamhook_orphan_t ***last, ngx_uint_t *n);
static ngx_http_jamhook_orphan_t *ngx_http_jamhook_sqlite_poll_orphan(
    ngx_http_jamhook_sqlite_query_t *q, ngx_pool_t *pool, ngx_str_t *owner);
static int64_t ngx_http_jamhook_sqlite_poll_until(
    ngx_http_jamhook_sqlite_t *s, ngx_str_t *owner);
static ngx_int_t ngx_http_jamhook_sqlite_release_owner(
    ngx_http_jamhook_sqlite_t *s, ngx_str_t *owner, ngx_uint_t *n);
static ngx_uint_t ngx_http_jamhook_sqlite_poll_index(
    ngx_http_jamhook_sqlite_t *s, int64_t id);


ngx_int_t
ngx_http_jamhook_sqlite_op_poll(ngx_http_jamhook_sqlite_t *s,
    ngx_http_jamhook_op_t *o)
{
    u_char                       name[NGX_HTTP_JAMHOOK_OWNER_LEN];
    ngx_int_t                    rc;
    ngx_str_t                    owner;
    ngx_uint_t                   i, n;
    ngx_http_jamhook_orphan_t  **last;
    ngx_http_jamhook_op_poll_t  *op = (ngx_http_jamhook_op_poll_t *) o;

    op->orphans = NULL;

    op->endpoints = ngx_pcalloc(op->pool, (s->conf->nendpoints + 1)
                                * sizeof(ngx_http_jamhook_endpoint_status_t));
    if (op->endpoints == NULL) {
        return ngx_http_jamhook_sqlite_fail(s, SQLITE_NOMEM);
    }

    for (i = 0; i < s->conf->nendpoints; i++) {

        /* no writing session had it when this one was opened */

        if (s->endpoints[i].id == 0
            && ngx_http_jamhook_sqlite_endpoints_find(s) != NGX_OK)
        {
            return NGX_ERROR;
        }

        if (s->endpoints[i].id == 0) {
            continue;
        }

        if (ngx_http_jamhook_sqlite_poll_endpoint(s, op, i) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    s->latest = s->clock->now;

    n = 0;
    last = &op->orphans;

    ngx_str_set(&owner, "");

    while (n < NGX_HTTP_JAMHOOK_STORE_ROWS) {
        rc = ngx_http_jamhook_sqlite_poll_owner(s, name, &owner);

        if (rc != NGX_OK) {
            return (rc == NGX_DONE) ? NGX_OK : NGX_ERROR;
        }

        if (ngx_http_jamhook_sqlite_poll_orphans(s, op, &owner, &last, &n)
            != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_jamhook_sqlite_poll_endpoint(ngx_http_jamhook_sqlite_t *s,
    ngx_http_jamhook_op_poll_t *op, ngx_uint_t index)
{
    int64_t                              next_at, probe_at, now;
    ngx_http_jamhook_endpoint_status_t  *status;
    ngx_http_jamhook_sqlite_endpoint_t  *ep;

    now = s->clock->now;
    status = &op->endpoints[index];

    ep = ngx_http_jamhook_sqlite_endpoint(s, index);
    if (ep == NULL) {
        return NGX_ERROR;
    }

    status->paused = ep->paused;
    status->paused_at = ep->paused_at;
    status->failing_since = ep->failing_since;

    if (ep->paused == NGX_HTTP_JAMHOOK_PAUSE_MANUAL
        || ep->paused == NGX_HTTP_JAMHOOK_PAUSE_GONE)
    {
        return NGX_OK;
    }

    if (ngx_http_jamhook_sqlite_poll_next(s, ep->id, op->longest, &next_at)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (ep->paused && next_at != 0) {

        /* as CLAIM reads it */

        probe_at = ep->probe_at;

        if (probe_at > now + NGX_HTTP_JAMHOOK_STORE_PROBE) {
            probe_at = now;
        }

        next_at = ngx_max(next_at, probe_at);
    }

    status->next_at = next_at;

    return NGX_OK;
}


static ngx_int_t
ngx_http_jamhook_sqlite_poll_next(ngx_http_jamhook_sqlite_t *s,
    int64_t endpoint, int64_t longest, int64_t *next_at)
{
    int64_t     at, now;
    ngx_int_t   rc;
    ngx_uint_t  c;

    now = s->clock->now;
    *next_at = 0;

    for (c = 0; c < 2; c++) {
        rc = ngx_http_jamhook_sqlite_poll_at(s, NGX_HTTP_JAMHOOK_SQL_DUE_FIRST,
                                             endpoint, c, &at);
        if (rc == NGX_DONE) {
            continue;
        }

        if (rc == NGX_ERROR) {
            return NGX_ERROR;
        }

        if (*next_at == 0 || at < *next_at) {
            *next_at = at;
        }

        rc = ngx_http_jamhook_sqlite_poll_at(s, NGX_HTTP_JAMHOOK_SQL_DUE_LAST,
                                             endpoint, c, &at);
        if (rc == NGX_ERROR) {
            return NGX_ERROR;
        }

        /*
         * The clock was set back: nothing is ever put off for so long, or it
         * was seen to be.  Writing sessions then put it right.
         */

        if (rc == NGX_OK
            && (at > now + longest || ngx_http_jamhook_sqlite_was_set_back(s))
            && *next_at > now)
        {
            *next_at = now;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_jamhook_sqlite_poll_at(ngx_http_jamhook_sqlite_t *s,
    ngx_http_jamhook_sql_e sql, int64_t endpoint,
    ngx_http_jamhook_class_e class, int64_t *at)
{
    ngx_int_t                        rc;
    ngx_http_jamhook_sqlite_query_t  q;

    ngx_http_jamhook_sqlite_query(&q, s, sql);
    ngx_http_jamhook_sqlite_int(&q, endpoint);
    ngx_http_jamhook_sqlite_int(&q, class);

    rc = ngx_http_jamhook_sqlite_row(&q);

    if (rc == NGX_OK) {
        *at = ngx_http_jamhook_sqlite_column(&q, 0);
        ngx_http_jamhook_sqlite_end(&q);
    }

    return rc;
}


/* the owner after this one; NGX_DONE: there is none */

static ngx_int_t
ngx_http_jamhook_sqlite_poll_owner(ngx_http_jamhook_sqlite_t *s, u_char *name,
    ngx_str_t *owner)
{
    ngx_int_t                        rc;
    const void                      *data;
    ngx_http_jamhook_sqlite_query_t  q;

    ngx_http_jamhook_sqlite_query(&q, s, NGX_HTTP_JAMHOOK_SQL_POLL_OWNER);
    ngx_http_jamhook_sqlite_text(&q, owner);

    rc = ngx_http_jamhook_sqlite_row(&q);

    if (rc != NGX_OK) {
        return rc;
    }

    data = sqlite3_column_blob(q.st, 0);

    owner->len = ngx_min((size_t) sqlite3_column_bytes(q.st, 0),
                         NGX_HTTP_JAMHOOK_OWNER_LEN);
    owner->data = name;

    ngx_memcpy(name, data, owner->len);

    ngx_http_jamhook_sqlite_end(&q);

    return NGX_OK;
}


/* leases of the owner that end no later than this are over */

static int64_t
ngx_http_jamhook_sqlite_poll_until(ngx_http_jamhook_sqlite_t *s,
    ngx_str_t *owner)
{
    ngx_http_jamhook_owner_t  *own;

    /* this process lives, whatever became of its file since it was renewed */

    own = s->conf->member;

    if (own != NULL
        && own->name.len == owner->len
        && ngx_memcmp(own->name.data, owner->data, owner->len) == 0)
    {
        return s->clock->mono;
    }

    return ngx_http_jamhook_owner_lives((char *) s->conf->place.data, owner)
               ? s->clock->mono : NGX_HTTP_JAMHOOK_SQLITE_FOREVER;
}


static ngx_int_t
ngx_http_jamhook_sqlite_poll_orphans(ngx_http_jamhook_sqlite_t *s,
    ngx_http_jamhook_op_poll_t *op, ngx_str_t *owner,
    ngx_http_jamhook_orphan_t ***last, ngx_uint_t *n)
{
    ngx_int_t                         rc;
    ngx_uint_t                        index;
    ngx_http_jamhook_orphan_t        *orphan;
    ngx_http_jamhook_sqlite_query_t   q;

    ngx_http_jamhook_sqlite_query(&q, s, NGX_HTTP_JAMHOOK_SQL_POLL_ORPHANS);
    ngx_http_jamhook_sqlite_text(&q, owner);
    ngx_http_jamhook_sqlite_int(&q, ngx_http_jamhook_sqlite_poll_until(s,
                                                                   owner));

    for ( ;; ) {
        rc = ngx_http_jamhook_sqlite_row(&q);

        if (rc != NGX_OK) {
            return (rc == NGX_DONE) ? NGX_OK : NGX_ERROR;
        }

        index = ngx_http_jamhook_sqlite_poll_index(s,
                                      ngx_http_jamhook_sqlite_column(&q, 1));

        if (index == NGX_HTTP_JAMHOOK_NO_ENDPOINT) {
            continue;
        }

        orphan = ngx_http_jamhook_sqlite_poll_orphan(&q, op->pool, owner);
        if (orphan == NULL) {
            ngx_http_jamhook_sqlite_end(&q);
            return ngx_http_jamhook_sqlite_fail(s, SQLITE_NOMEM);
        }

        orphan->endpoint = index;

        **last = orphan;
        *last = &orphan->next;

        if (++(*n) == NGX_HTTP_JAMHOOK_STORE_ROWS) {
            ngx_http_jamhook_sqlite_end(&q);
            return NGX_OK;
        }
    }
}


static ngx_http_jamhook_orphan_t *
ngx_http_jamhook_sqlite_poll_orphan(ngx_http_jamhook_sqlite_query_t *q,
    ngx_pool_t *pool, ngx_str_t *owner)
{
    u_char                     *p;
    size_t                      len;
    const void                 *id;
    ngx_http_jamhook_orphan_t  *orphan;

    id = sqlite3_column_blob(q->st, 7);
    len = sqlite3_column_bytes(q->st, 7);

    orphan = ngx_palloc(pool, sizeof(ngx_http_jamhook_orphan_t) + owner->len
                              + len);
    if (orphan == NULL) {
        return NULL;
    }

    p = (u_char *) orphan + sizeof(ngx_http_jamhook_orphan_t);

    orphan->next = NULL;
    orphan->event = ngx_http_jamhook_sqlite_column(q, 0);
    orphan->number = ngx_http_jamhook_sqlite_column(q, 2);
    orphan->step = ngx_http_jamhook_sqlite_column(q, 3);
    orphan->interrupted = ngx_http_jamhook_sqlite_column(q, 4);
    orphan->trigger = ngx_http_jamhook_sqlite_column(q, 5);
    orphan->started_at = ngx_http_jamhook_sqlite_column(q, 6);

    orphan->owner.len = owner->len;
    orphan->owner.data = p;

    p = ngx_cpymem(p, owner->data, owner->len);

    orphan->id.len = len;
    orphan->id.data = p;

    if (len != 0) {
        ngx_memcpy(p, id, len);
    }

    return orphan;
}


static ngx_uint_t
ngx_http_jamhook_sqlite_poll_index(ngx_http_jamhook_sqlite_t *s, int64_t id)
{
    ngx_uint_t  i;

    for (i = 0; i < s->conf->nendpoints; i++) {
        if (s->endpoints[i].id == id) {
            return i;
        }
    }

    return NGX_HTTP_JAMHOOK_NO_ENDPOINT;
}


ngx_int_t
ngx_http_jamhook_sqlite_release(ngx_http_jamhook_sqlite_t *s)
{
    u_char      name[NGX_HTTP_JAMHOOK_OWNER_LEN];
    ngx_int_t   rc;
    ngx_str_t   owner;
    ngx_uint_t  n;

    n = 0;

    ngx_str_set(&owner, "");

    while (n < NGX_HTTP_JAMHOOK_STORE_ROWS) {
        rc = ngx_http_jamhook_sqlite_poll_owner(s, name, &owner);

        if (rc != NGX_OK) {
            return (rc == NGX_DONE) ? NGX_OK : NGX_ERROR;
        }

        if (ngx_http_jamhook_sqlite_release_owner(s, &owner, &n) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


/* they are listed first: an update changes the index that is walked */

static ngx_int_t
ngx_http_jamhook_sqlite_release_owner(ngx_http_jamhook_sqlite_t *s,
    ngx_str_t *owner, ngx_uint_t *n)
{
    int64_t                          id;
    ngx_int_t                        rc;
    ngx_uint_t                       i, found;
    ngx_http_jamhook_sqlite_query_t  q;

    found = 0;

    ngx_http_jamhook_sqlite_query(&q, s, NGX_HTTP_JAMHOOK_SQL_POLL_ORPHANS);
    ngx_http_jamhook_sqlite_text(&q, owner);
    ngx_http_jamhook_sqlite_int(&q, ngx_http_jamhook_sqlite_poll_until(s,
                                                                   owner));

    while (found + *n < NGX_HTTP_JAMHOOK_STORE_ROWS) {
        rc = ngx_http_jamhook_sqlite_row(&q);

        if (rc == NGX_ERROR) {
            return NGX_ERROR;
        }

        if (rc == NGX_DONE) {
            break;
        }

        id = ngx_http_jamhook_sqlite_column(&q, 1);

        if (ngx_http_jamhook_sqlite_poll_index(s, id)
            == NGX_HTTP_JAMHOOK_NO_ENDPOINT)
        {
            s->due[0][found] = ngx_http_jamhook_sqlite_column(&q, 0);
            s->due[1][found++] = id;
        }
    }

    ngx_http_jamhook_sqlite_end(&q);

    for (i = 0; i < found; i++) {
        ngx_http_jamhook_sqlite_query(&q, s, NGX_HTTP_JAMHOOK_SQL_RELEASE);
        ngx_http_jamhook_sqlite_int(&q, s->due[0][i]);
        ngx_http_jamhook_sqlite_int(&q, s->due[1][i]);
        ngx_http_jamhook_sqlite_text(&q, owner);
        ngx_http_jamhook_sqlite_int(&q, s->clock->now);

        if (ngx_http_jamhook_sqlite_run(&q) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    *n += found;

    return NGX_OK;
}
