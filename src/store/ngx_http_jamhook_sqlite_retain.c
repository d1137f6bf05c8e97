
#include "ngx_http_jamhook_sqlite.h"


#define NGX_HTTP_JAMHOOK_SQLITE_EVENTS   100     /* looked at in a call */
#define NGX_HTTP_JAMHOOK_SQLITE_REMOVED  (4 * 1024 * 1024)   /* bytes of
                                                    theirs, likewise */
#define NGX_HTTP_JAMHOOK_SQLITE_SEEN     3600000     /* ms */
#define NGX_HTTP_JAMHOOK_SQLITE_AHEAD    86400000    /* ms: a clock was wrong */


/* What is to become of an event that is old enough. */
typedef struct {
    int64_t      event;
    ngx_uint_t   deliveries;
    ngx_uint_t   stay;                       /* of these */
    ngx_uint_t   paused;                     /* to be failed */
    ngx_uint_t   unknown;                    /* likewise */
    ngx_uint_t   nends;
    int64_t      ends[NGX_HTTP_JAMHOOK_STORE_ROWS];  /* their endpoints */
} ngx_http_jamhook_sqlite_old_t;


static ngx_int_t ngx_http_jamhook_sqlite_retain_seen(
    ngx_http_jamhook_sqlite_t *s, int64_t age);
static ngx_int_t ngx_http_jamhook_sqlite_retain_list(
    ngx_http_jamhook_sqlite_t *s, ngx_http_jamhook_op_retain_t *op,
    ngx_uint_t *n, int64_t *cursor);
static ngx_int_t ngx_http_jamhook_sqlite_retain_judge(
    ngx_http_jamhook_sqlite_t *s, ngx_http_jamhook_op_retain_t *op,
    ngx_http_jamhook_sqlite_old_t *old);
static ngx_uint_t ngx_http_jamhook_sqlite_retain_is_ours(
    ngx_http_jamhook_sqlite_t *s, int64_t id);
static ngx_int_t ngx_http_jamhook_sqlite_retain_fail(
    ngx_http_jamhook_sqlite_t *s, ngx_http_jamhook_sqlite_old_t *old);
static ngx_int_t ngx_http_jamhook_sqlite_retain_remove(
    ngx_http_jamhook_sqlite_t *s, int64_t event, ngx_uint_t *rows);
static ngx_int_t ngx_http_jamhook_sqlite_retain_note(
    ngx_http_jamhook_sqlite_t *s, int64_t event);


/*
 * A call goes on where the one before ended: what is old but cannot go yet is
 * passed by and not looked at again before the next round.
 */

ngx_int_t
ngx_http_jamhook_sqlite_op_retain(ngx_http_jamhook_sqlite_t *s,
    ngx_http_jamhook_op_t *o)
{
    int64_t                         cursor;
    ngx_uint_t                      i, n, rows, more;
    ngx_http_jamhook_op_retain_t   *op = (ngx_http_jamhook_op_retain_t *) o;
    ngx_http_jamhook_sqlite_old_t   old;

    op->removed = 0;
    op->paused = 0;
    op->unknown = 0;
    op->more = 0;

    if (ngx_http_jamhook_sqlite_retain_seen(s, op->age) != NGX_OK
        || ngx_http_jamhook_sqlite_release(s) != NGX_OK
        || ngx_http_jamhook_sqlite_sums_retain(s, &more) != NGX_OK
        || ngx_http_jamhook_sqlite_retain_list(s, op, &n, &cursor) != NGX_OK)
    {
        return NGX_ERROR;
    }

    rows = 0;

    for (i = 0; i < n; i++) {

        if (rows >= NGX_HTTP_JAMHOOK_STORE_ROWS) {
            cursor = s->due[0][i - 1];
            break;
        }

        old.event = s->due[0][i];

        if (ngx_http_jamhook_sqlite_retain_judge(s, op, &old) != NGX_OK) {
            return NGX_ERROR;
        }

        op->paused += old.paused;
        op->unknown += old.unknown;

        if (old.stay != 0) {
            rows += old.deliveries;

            if (ngx_http_jamhook_sqlite_retain_fail(s, &old) != NGX_OK) {
                return NGX_ERROR;
            }

            continue;
        }

        if (ngx_http_jamhook_sqlite_retain_remove(s, old.event, &rows)
            != NGX_OK)
        {
            return NGX_ERROR;
        }

        op->removed++;
    }

    op->more = (cursor != 0 || more);
    s->retained = cursor;

    return NGX_OK;
}


/* so that others know that somebody has these endpoints */

static ngx_int_t
ngx_http_jamhook_sqlite_retain_seen(ngx_http_jamhook_sqlite_t *s, int64_t age)
{
    int64_t                              now, every;
    ngx_uint_t                           i;
    ngx_http_jamhook_sqlite_query_t      q;
    ngx_http_jamhook_sqlite_endpoint_t  *ep;

    now = s->clock->now;
    every = ngx_min(age / 4, NGX_HTTP_JAMHOOK_SQLITE_SEEN);

    for (i = 0; i < s->conf->nendpoints; i++) {
        ep = ngx_http_jamhook_sqlite_endpoint(s, i);

        if (ep == NULL) {
            return NGX_ERROR;
        }

        if (ep->seen_at <= now && now - ep->seen_at < every) {
            continue;
        }

        ngx_http_jamhook_sqlite_query(&q, s,
                                      NGX_HTTP_JAMHOOK_SQL_ENDPOINT_SEEN);
        ngx_http_jamhook_sqlite_int(&q, ep->id);
        ngx_http_jamhook_sqlite_int(&q, now);

        if (ngx_http_jamhook_sqlite_run(&q) != NGX_OK) {
            return NGX_ERROR;
        }

        ep->seen_at = now;
    }

    return NGX_OK;
}


/*
 * The next events that are old enough, in s->due[0].  *cursor: where to go on,
 * 0: from the beginning, for the end was reached.
 */

static ngx_int_t
ngx_http_jamhook_sqlite_retain_list(ngx_http_jamhook_sqlite_t *s,
    ngx_http_jamhook_op_retain_t *op, ngx_uint_t *n, int64_t *cursor)
{
    int64_t                          now, event, received_at;
    ngx_int_t                        rc;
    int64_t                          bytes;
    ngx_uint_t                       looked;
    ngx_http_jamhook_sqlite_query_t  q;

    bytes = 0;
    now = s->clock->now;

    ngx_http_jamhook_sqlite_query(&q, s, NGX_HTTP_JAMHOOK_SQL_RETAIN_LIST);
    ngx_http_jamhook_sqlite_int(&q, s->retained);
    ngx_http_jamhook_sqlite_int(&q, NGX_HTTP_JAMHOOK_SQLITE_EVENTS);

    *n = 0;
    *cursor = 0;

    for (looked = 1; /* void */ ; looked++) {
        rc = ngx_http_jamhook_sqlite_row(&q);

        if (rc != NGX_OK) {
            break;
        }

        event = ngx_http_jamhook_sqlite_column(&q, 0);
        received_at = ngx_http_jamhook_sqlite_column(&q, 1);

        if (now - received_at >= op->age) {
            s->due[0][(*n)++] = event;

        } else if (received_at <= now + NGX_HTTP_JAMHOOK_SQLITE_AHEAD) {

            /* what is behind it is younger still */

            ngx_http_jamhook_sqlite_end(&q);
            return NGX_OK;
        }

        bytes += ngx_http_jamhook_sqlite_column(&q, 2);

        if (looked == NGX_HTTP_JAMHOOK_SQLITE_EVENTS
            || bytes >= NGX_HTTP_JAMHOOK_SQLITE_REMOVED)
        {
            /* what is removed is overwritten: so much at a time */

            *cursor = event;
            ngx_http_jamhook_sqlite_end(&q);
            return NGX_OK;
        }
    }

    return (rc == NGX_DONE) ? NGX_OK : NGX_ERROR;
}


static ngx_int_t
ngx_http_jamhook_sqlite_retain_judge(ngx_http_jamhook_sqlite_t *s,
    ngx_http_jamhook_op_retain_t *op, ngx_http_jamhook_sqlite_old_t *old)
{
    int64_t                          endpoint, state, paused, seen_at;
    ngx_int_t                        rc;
    ngx_http_jamhook_sqlite_query_t  q;

    old->deliveries = 0;
    old->stay = 0;
    old->paused = 0;
    old->unknown = 0;
    old->nends = 0;

    ngx_http_jamhook_sqlite_query(&q, s,
                                  NGX_HTTP_JAMHOOK_SQL_RETAIN_DELIVERIES);
    ngx_http_jamhook_sqlite_int(&q, old->event);

    for ( ;; ) {
        rc = ngx_http_jamhook_sqlite_row(&q);

        if (rc != NGX_OK) {
            return (rc == NGX_DONE) ? NGX_OK : NGX_ERROR;
        }

        old->deliveries++;

        endpoint = ngx_http_jamhook_sqlite_column(&q, 0);
        state = ngx_http_jamhook_sqlite_column(&q, 1);
        paused = ngx_http_jamhook_sqlite_column(&q, 2);
        seen_at = ngx_http_jamhook_sqlite_column(&q, 3);

        if (state != NGX_HTTP_JAMHOOK_STATE_PENDING) {
            old->stay += (state == NGX_HTTP_JAMHOOK_STATE_SENDING);
            continue;
        }

        if (old->nends == NGX_HTTP_JAMHOOK_STORE_ROWS) {
            old->stay++;

        } else if (paused) {
            old->paused++;
            old->ends[old->nends++] = endpoint;

        } else if (s->clock->now - seen_at >= op->age
                   && !ngx_http_jamhook_sqlite_retain_is_ours(s, endpoint))
        {
            old->unknown++;
            old->ends[old->nends++] = endpoint;

        } else {
            old->stay++;
        }
    }
}


static ngx_uint_t
ngx_http_jamhook_sqlite_retain_is_ours(ngx_http_jamhook_sqlite_t *s,
    int64_t id)
{
    ngx_uint_t  i;

    for (i = 0; i < s->conf->nendpoints; i++) {
        if (s->endpoints[i].id == id) {
            return 1;
        }
    }

    return 0;
}


static ngx_int_t
ngx_http_jamhook_sqlite_retain_fail(ngx_http_jamhook_sqlite_t *s,
    ngx_http_jamhook_sqlite_old_t *old)
{
    ngx_uint_t                       i;
    ngx_http_jamhook_sqlite_query_t  q;

    for (i = 0; i < old->nends; i++) {
        ngx_http_jamhook_sqlite_query(&q, s,
                                      NGX_HTTP_JAMHOOK_SQL_DELIVERY_FAIL);
        ngx_http_jamhook_sqlite_int(&q, old->event);
        ngx_http_jamhook_sqlite_int(&q, old->ends[i]);
        ngx_http_jamhook_sqlite_int(&q, s->clock->now);

        if (ngx_http_jamhook_sqlite_run(&q) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_jamhook_sqlite_retain_remove(ngx_http_jamhook_sqlite_t *s,
    int64_t event, ngx_uint_t *rows)
{
    ngx_uint_t                       i;
    ngx_http_jamhook_sqlite_query_t  q;

    static const ngx_http_jamhook_sql_e  remove[] = {
        NGX_HTTP_JAMHOOK_SQL_REMOVE_ATTEMPTS,
        NGX_HTTP_JAMHOOK_SQL_REMOVE_DELIVERIES,
        NGX_HTTP_JAMHOOK_SQL_REMOVE_EVENT
    };

    if (ngx_http_jamhook_sqlite_retain_note(s, event) != NGX_OK
        || ngx_http_jamhook_sqlite_sum_untally(s, event) != NGX_OK)
    {
        return NGX_ERROR;
    }

    for (i = 0; i < sizeof(remove) / sizeof(remove[0]); i++) {
        ngx_http_jamhook_sqlite_query(&q, s, remove[i]);
        ngx_http_jamhook_sqlite_int(&q, event);

        if (ngx_http_jamhook_sqlite_run(&q) != NGX_OK) {
            return NGX_ERROR;
        }

        *rows += sqlite3_changes(s->db);
    }

    return NGX_OK;
}


/* the last event's number would be given out again */

static ngx_int_t
ngx_http_jamhook_sqlite_retain_note(ngx_http_jamhook_sqlite_t *s,
    int64_t event)
{
    int64_t                          last;
    ngx_http_jamhook_sqlite_query_t  q;

    if (ngx_http_jamhook_sqlite_last_event(s, &last) != NGX_OK) {
        return NGX_ERROR;
    }

    if (event != last) {
        return NGX_OK;
    }

    ngx_http_jamhook_sqlite_query(&q, s, NGX_HTTP_JAMHOOK_SQL_EVENT_NOTE_LAST);
    ngx_http_jamhook_sqlite_int(&q, last);

    return ngx_http_jamhook_sqlite_run(&q);
}
