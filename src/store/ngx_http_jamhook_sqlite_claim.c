
#include "ngx_http_jamhook_sqlite.h"


#define NGX_HTTP_JAMHOOK_SQLITE_STRINGS  9       /* of a claim, in the order of
                                                    CLAIM_READ's columns */
#define NGX_HTTP_JAMHOOK_SQLITE_FIRST    6       /* the first one's column */


/* What may be claimed for a want: the events are in s->due, by class. */
typedef struct {
    ngx_http_jamhook_want_t             *want;
    ngx_http_jamhook_sqlite_endpoint_t  *ep;
    ngx_http_jamhook_op_claim_t         *op;
    ngx_http_jamhook_claim_t           **last;
    size_t                               bytes;          /* of bodies */
    ngx_uint_t                           n[2];
    int64_t                              first_at[2];    /* the one most due */
} ngx_http_jamhook_sqlite_due_t;


static ngx_int_t ngx_http_jamhook_sqlite_claim_want(
    ngx_http_jamhook_sqlite_t *s, ngx_http_jamhook_sqlite_due_t *due);
static ngx_int_t ngx_http_jamhook_sqlite_claim_probe(
    ngx_http_jamhook_sqlite_t *s, ngx_http_jamhook_sqlite_due_t *due);
static ngx_int_t ngx_http_jamhook_sqlite_claim_next(
    ngx_http_jamhook_sqlite_t *s, ngx_http_jamhook_sqlite_due_t *due);
static ngx_int_t ngx_http_jamhook_sqlite_claim_due(
    ngx_http_jamhook_sqlite_t *s, ngx_http_jamhook_sqlite_due_t *due,
    ngx_http_jamhook_class_e class, ngx_uint_t limit);
static ngx_int_t ngx_http_jamhook_sqlite_claim_list(
    ngx_http_jamhook_sqlite_t *s, ngx_http_jamhook_sqlite_due_t *due,
    ngx_http_jamhook_class_e class, ngx_http_jamhook_sql_e sql, int64_t at,
    ngx_uint_t limit);
static ngx_uint_t ngx_http_jamhook_sqlite_claim_share(
    ngx_http_jamhook_sqlite_due_t *due, ngx_uint_t n);
static ngx_int_t ngx_http_jamhook_sqlite_claim_take(
    ngx_http_jamhook_sqlite_t *s, ngx_http_jamhook_sqlite_due_t *due,
    int64_t event);
static ngx_int_t ngx_http_jamhook_sqlite_claim_lease(
    ngx_http_jamhook_sqlite_t *s, ngx_http_jamhook_sqlite_due_t *due,
    ngx_http_jamhook_claim_t *claim);
static ngx_int_t ngx_http_jamhook_sqlite_claim_drop(
    ngx_http_jamhook_sqlite_t *s, ngx_http_jamhook_sqlite_due_t *due,
    int64_t event);
static ngx_http_jamhook_claim_t *ngx_http_jamhook_sqlite_claim_copy(
    ngx_http_jamhook_sqlite_query_t *q, ngx_log_t *log);


ngx_int_t
ngx_http_jamhook_sqlite_op_claim(ngx_http_jamhook_sqlite_t *s,
    ngx_http_jamhook_op_t *o)
{
    ngx_int_t                       rc;
    ngx_uint_t                      i;
    ngx_http_jamhook_op_claim_t    *op = (ngx_http_jamhook_op_claim_t *) o;
    ngx_http_jamhook_sqlite_due_t   due;

    due.op = op;
    due.last = &op->claims;
    due.bytes = 0;

    for (i = 0; i < op->nwants; i++) {
        due.want = &op->wants[i];

        due.want->claimed = 0;
        due.want->more = 0;
        due.want->next_at = 0;

        due.ep = ngx_http_jamhook_sqlite_endpoint(s, due.want->endpoint);
        if (due.ep == NULL) {
            return NGX_ERROR;
        }

        switch (due.ep->paused) {

        case NGX_HTTP_JAMHOOK_PAUSE_NONE:
            rc = ngx_http_jamhook_sqlite_claim_want(s, &due);
            break;

        case NGX_HTTP_JAMHOOK_PAUSE_FAILING:
            rc = ngx_http_jamhook_sqlite_claim_probe(s, &due);
            break;

        default: /* waits for a resume */
            rc = NGX_OK;
        }

        if (rc != NGX_OK) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_jamhook_sqlite_claim_want(ngx_http_jamhook_sqlite_t *s,
    ngx_http_jamhook_sqlite_due_t *due)
{
    ngx_uint_t                c, i, n, take[2];
    ngx_http_jamhook_want_t  *want;

    want = due->want;
    n = ngx_min(want->n, NGX_HTTP_JAMHOOK_STORE_ROWS);

    /* one more than is wanted says whether any are left */

    for (c = 0; c < 2; c++) {
        if (ngx_http_jamhook_sqlite_claim_due(s, due, c, n + 1) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    take[1] = ngx_http_jamhook_sqlite_claim_share(due, n);
    take[0] = ngx_min(due->n[0], n - take[1]);
    take[1] = ngx_min(due->n[1], n - take[0]);

    for (c = 0; c < 2; c++) {
        for (i = 0; i < take[c]; i++) {

            if (due->bytes >= NGX_HTTP_JAMHOOK_STORE_CLAIMED) {
                want->more = 1;
                return NGX_OK;
            }

            if (ngx_http_jamhook_sqlite_claim_take(s, due, s->due[c][i])
                != NGX_OK)
            {
                return NGX_ERROR;
            }
        }
    }

    /* less than was to be had: some were dropped, others may stand behind */

    if (due->n[0] + due->n[1] > n || want->claimed < take[0] + take[1]) {
        want->more = 1;
        return NGX_OK;
    }

    return ngx_http_jamhook_sqlite_claim_next(s, due);
}


/* Paused because it fails: one delivery is tried, the one most overdue. */

static ngx_int_t
ngx_http_jamhook_sqlite_claim_probe(ngx_http_jamhook_sqlite_t *s,
    ngx_http_jamhook_sqlite_due_t *due)
{
    int64_t                              now, at;
    ngx_uint_t                           c;
    ngx_http_jamhook_want_t             *want;
    ngx_http_jamhook_sqlite_endpoint_t  *ep;

    ep = due->ep;
    want = due->want;
    now = s->clock->now;

    /* further ahead than it is ever set: the clock was set back */

    at = (ep->probe_at > now + NGX_HTTP_JAMHOOK_STORE_PROBE) ? now
                                                             : ep->probe_at;
    if (at <= now && want->n != 0) {

        for (c = 0; c < 2; c++) {
            if (ngx_http_jamhook_sqlite_claim_due(s, due, c, 1) != NGX_OK) {
                return NGX_ERROR;
            }
        }

        c = due->n[0] == 0
            || (due->n[1] != 0 && due->first_at[1] < due->first_at[0]);

        if (due->n[c] != 0) {
            if (ngx_http_jamhook_sqlite_claim_take(s, due, s->due[c][0])
                != NGX_OK)
            {
                return NGX_ERROR;
            }

            if (want->claimed == 0) {
                want->more = 1;
                return NGX_OK;
            }

            at = now + NGX_HTTP_JAMHOOK_STORE_PROBE;
            ep->probe_at = at;

            if (ngx_http_jamhook_sqlite_endpoint_save(s, ep) != NGX_OK) {
                return NGX_ERROR;
            }
        }
    }

    if (ngx_http_jamhook_sqlite_claim_next(s, due) != NGX_OK) {
        return NGX_ERROR;
    }

    if (want->next_at != 0 && want->next_at < at) {
        want->next_at = at;
    }

    return NGX_OK;
}


/* when the first of those is due that are left */

static ngx_int_t
ngx_http_jamhook_sqlite_claim_next(ngx_http_jamhook_sqlite_t *s,
    ngx_http_jamhook_sqlite_due_t *due)
{
    int64_t                          at;
    ngx_int_t                        rc;
    ngx_uint_t                       c;
    ngx_http_jamhook_sqlite_query_t  q;

    for (c = 0; c < 2; c++) {
        ngx_http_jamhook_sqlite_query(&q, s, NGX_HTTP_JAMHOOK_SQL_DUE_FIRST);
        ngx_http_jamhook_sqlite_int(&q, due->ep->id);
        ngx_http_jamhook_sqlite_int(&q, c);

        rc = ngx_http_jamhook_sqlite_row(&q);

        if (rc == NGX_ERROR) {
            return NGX_ERROR;
        }

        if (rc == NGX_OK) {
            at = ngx_http_jamhook_sqlite_column(&q, 0);
            ngx_http_jamhook_sqlite_end(&q);

            if (due->want->next_at == 0 || at < due->want->next_at) {
                due->want->next_at = at;
            }
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_jamhook_sqlite_claim_due(ngx_http_jamhook_sqlite_t *s,
    ngx_http_jamhook_sqlite_due_t *due, ngx_http_jamhook_class_e class,
    ngx_uint_t limit)
{
    int64_t  now;

    now = s->clock->now;

    due->n[class] = 0;

    if (ngx_http_jamhook_sqlite_claim_list(s, due, class,
                                           NGX_HTTP_JAMHOOK_SQL_DUE, now,
                                           limit)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_http_jamhook_sqlite_claim_list(s, due, class,
                                              NGX_HTTP_JAMHOOK_SQL_DUE_FAR,
                                              now + due->op->longest, limit);
}


static ngx_int_t
ngx_http_jamhook_sqlite_claim_list(ngx_http_jamhook_sqlite_t *s,
    ngx_http_jamhook_sqlite_due_t *due, ngx_http_jamhook_class_e class,
    ngx_http_jamhook_sql_e sql, int64_t at, ngx_uint_t limit)
{
    ngx_int_t                        rc;
    ngx_uint_t                       n;
    ngx_http_jamhook_sqlite_query_t  q;

    n = due->n[class];

    if (n == limit) {
        return NGX_OK;
    }

    ngx_http_jamhook_sqlite_query(&q, s, sql);
    ngx_http_jamhook_sqlite_int(&q, due->ep->id);
    ngx_http_jamhook_sqlite_int(&q, class);
    ngx_http_jamhook_sqlite_int(&q, at);
    ngx_http_jamhook_sqlite_int(&q, limit - n);

    for ( ;; ) {
        rc = ngx_http_jamhook_sqlite_row(&q);

        if (rc != NGX_OK) {
            break;
        }

        if (n == 0) {
            due->first_at[class] = ngx_http_jamhook_sqlite_column(&q, 1);
        }

        s->due[class][n++] = ngx_http_jamhook_sqlite_column(&q, 0);
    }

    due->n[class] = n;

    return (rc == NGX_DONE) ? NGX_OK : NGX_ERROR;
}


/* A quarter for BACKLOG; what is less than one adds up over the claims. */

static ngx_uint_t
ngx_http_jamhook_sqlite_claim_share(ngx_http_jamhook_sqlite_due_t *due,
    ngx_uint_t n)
{
    ngx_uint_t  share;

    if (due->n[1] == 0) {
        due->ep->share = 0;
        return 0;
    }

    due->ep->share += n;
    share = due->ep->share / 4;
    due->ep->share %= 4;

    return ngx_min(ngx_min(share, n), due->n[1]);
}


static ngx_int_t
ngx_http_jamhook_sqlite_claim_take(ngx_http_jamhook_sqlite_t *s,
    ngx_http_jamhook_sqlite_due_t *due, int64_t event)
{
    ngx_http_jamhook_claim_t         *claim;
    ngx_http_jamhook_sqlite_query_t   q;

    ngx_http_jamhook_sqlite_query(&q, s, NGX_HTTP_JAMHOOK_SQL_CLAIM_READ);
    ngx_http_jamhook_sqlite_int(&q, event);
    ngx_http_jamhook_sqlite_int(&q, due->ep->id);

    if (ngx_http_jamhook_sqlite_row(&q) != NGX_OK) {
        return NGX_ERROR;
    }

    if (ngx_http_jamhook_sqlite_column(&q, 5)) {
        ngx_http_jamhook_sqlite_end(&q);
        return ngx_http_jamhook_sqlite_claim_drop(s, due, event);
    }

    claim = ngx_http_jamhook_sqlite_claim_copy(&q, due->op->log);

    ngx_http_jamhook_sqlite_end(&q);

    if (claim == NULL) {
        return ngx_http_jamhook_sqlite_fail(s, SQLITE_NOMEM);
    }

    /* from here on it is freed with the op's */

    *due->last = claim;
    due->last = &claim->next;

    claim->endpoint = due->want->endpoint;
    claim->event = event;
    claim->lease_until = s->clock->mono + (int64_t) due->want->lease;

    due->want->claimed++;
    due->bytes += claim->body.len;

    return ngx_http_jamhook_sqlite_claim_lease(s, due, claim);
}


static ngx_int_t
ngx_http_jamhook_sqlite_claim_lease(ngx_http_jamhook_sqlite_t *s,
    ngx_http_jamhook_sqlite_due_t *due, ngx_http_jamhook_claim_t *claim)
{
    ngx_http_jamhook_sqlite_query_t  q;

    ngx_http_jamhook_sqlite_query(&q, s, NGX_HTTP_JAMHOOK_SQL_CLAIM_TAKE);
    ngx_http_jamhook_sqlite_int(&q, claim->event);
    ngx_http_jamhook_sqlite_int(&q, due->ep->id);
    ngx_http_jamhook_sqlite_int(&q, claim->number);
    ngx_http_jamhook_sqlite_text(&q, &s->owner->name);
    ngx_http_jamhook_sqlite_int(&q, claim->lease_until);
    ngx_http_jamhook_sqlite_int(&q, s->clock->now);

    return ngx_http_jamhook_sqlite_run(&q);
}


/* nothing is left to be sent */

static ngx_int_t
ngx_http_jamhook_sqlite_claim_drop(ngx_http_jamhook_sqlite_t *s,
    ngx_http_jamhook_sqlite_due_t *due, int64_t event)
{
    ngx_http_jamhook_sqlite_query_t  q;

    ngx_http_jamhook_sqlite_query(&q, s, NGX_HTTP_JAMHOOK_SQL_DELIVERY_FAIL);
    ngx_http_jamhook_sqlite_int(&q, event);
    ngx_http_jamhook_sqlite_int(&q, due->ep->id);
    ngx_http_jamhook_sqlite_int(&q, s->clock->now);

    return ngx_http_jamhook_sqlite_run(&q);
}


static ngx_http_jamhook_claim_t *
ngx_http_jamhook_sqlite_claim_copy(ngx_http_jamhook_sqlite_query_t *q,
    ngx_log_t *log)
{
    size_t                     len;
    u_char                    *p;
    ngx_str_t                 *strings[NGX_HTTP_JAMHOOK_SQLITE_STRINGS];
    ngx_uint_t                 i;
    const void                *data[NGX_HTTP_JAMHOOK_SQLITE_STRINGS];
    ngx_http_jamhook_claim_t  *claim;

    len = 0;

    for (i = 0; i < NGX_HTTP_JAMHOOK_SQLITE_STRINGS; i++) {
        data[i] = sqlite3_column_blob(q->st, NGX_HTTP_JAMHOOK_SQLITE_FIRST + i);
        len += sqlite3_column_bytes(q->st, NGX_HTTP_JAMHOOK_SQLITE_FIRST + i);
    }

    claim = ngx_http_jamhook_backend_claim(len, log);
    if (claim == NULL) {
        return NULL;
    }

    claim->number = ngx_http_jamhook_sqlite_column(q, 0) + 1;
    claim->replay = ngx_http_jamhook_sqlite_column(q, 1);
    claim->step = ngx_http_jamhook_sqlite_column(q, 2);
    claim->interrupted = ngx_http_jamhook_sqlite_column(q, 3);
    claim->trigger = ngx_http_jamhook_sqlite_column(q, 4);

    strings[0] = &claim->id;
    strings[1] = &claim->event_id;
    strings[2] = &claim->type;
    strings[3] = &claim->created_at;
    strings[4] = &claim->conversation_id;
    strings[5] = &claim->jam_id;
    strings[6] = &claim->recording_url;
    strings[7] = &claim->key;
    strings[8] = &claim->body;

    p = (u_char *) (claim + 1);

    for (i = 0; i < NGX_HTTP_JAMHOOK_SQLITE_STRINGS; i++) {
        len = sqlite3_column_bytes(q->st, NGX_HTTP_JAMHOOK_SQLITE_FIRST + i);

        if (sqlite3_column_type(q->st, NGX_HTTP_JAMHOOK_SQLITE_FIRST + i)
            == SQLITE_NULL)
        {
            continue;
        }

        strings[i]->len = len;
        strings[i]->data = p;

        if (len != 0) {
            p = ngx_cpymem(p, data[i], len);
        }
    }

    return claim;
}
