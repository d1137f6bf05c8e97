
#include "ngx_http_jamhook_sqlite_shown.h"
#include "ngx_http_jamhook_clock.h"


static ngx_int_t ngx_http_jamhook_sqlite_walk_head(
    ngx_http_jamhook_sqlite_walk_t *walk,
    ngx_http_jamhook_sqlite_stream_t *stream, int64_t *seq);
static ngx_int_t ngx_http_jamhook_sqlite_walk_fetch(
    ngx_http_jamhook_sqlite_walk_t *walk,
    ngx_http_jamhook_sqlite_stream_t *stream);
static ngx_int_t ngx_http_jamhook_sqlite_walk_search(
    ngx_http_jamhook_sqlite_t *s, ngx_http_jamhook_sql_e sql, int64_t time,
    int64_t end, int64_t *low, int64_t *high);


ngx_msec_t  ngx_http_jamhook_sqlite_list_time = NGX_HTTP_JAMHOOK_LIST_TIME;


ngx_int_t
ngx_http_jamhook_sqlite_walk_init(ngx_http_jamhook_sqlite_walk_t *walk,
    ngx_http_jamhook_shown_t *shown, int64_t cursor)
{
    walk->shown = shown;
    walk->below = (cursor > 0) ? cursor : NGX_HTTP_JAMHOOK_SQLITE_FOREVER;
    walk->above = 0;
    walk->looked = 0;
    walk->began = ngx_http_jamhook_clock_mono();

    if (ngx_array_init(&walk->streams, shown->pool, 1,
                       sizeof(ngx_http_jamhook_sqlite_stream_t))
        != NGX_OK)
    {
        return ngx_http_jamhook_sqlite_fail(shown->session, SQLITE_NOMEM);
    }

    return NGX_OK;
}


ngx_http_jamhook_sqlite_stream_t *
ngx_http_jamhook_sqlite_walk_add(ngx_http_jamhook_sqlite_walk_t *walk,
    ngx_http_jamhook_sql_e sql, ngx_str_t *text)
{
    ngx_http_jamhook_sqlite_stream_t  *stream;

    stream = ngx_array_push(&walk->streams);

    if (stream == NULL) {
        (void) ngx_http_jamhook_sqlite_fail(walk->shown->session, SQLITE_NOMEM);
        return NULL;
    }

    stream->sql = sql;
    stream->text = text;
    stream->nkeys = 0;
    stream->i = 0;
    stream->n = 0;
    stream->last = 0;

    return stream;
}


ngx_int_t
ngx_http_jamhook_sqlite_walk_bound(ngx_http_jamhook_sqlite_walk_t *walk,
    ngx_http_jamhook_sql_e last, ngx_http_jamhook_sql_e time, int64_t since,
    int64_t until)
{
    int64_t                          first, end, at;
    ngx_int_t                        rc;
    ngx_http_jamhook_sqlite_t       *s;
    ngx_http_jamhook_sqlite_query_t  q;

    if (since == 0 && until == 0) {
        return NGX_OK;
    }

    s = walk->shown->session;

    ngx_http_jamhook_sqlite_query(&q, s, last);

    if (ngx_http_jamhook_sqlite_row(&q) != NGX_OK) {
        return NGX_ERROR;
    }

    end = ngx_http_jamhook_sqlite_column(&q, 0) + 1;

    ngx_http_jamhook_sqlite_end(&q);

    if (since != 0) {
        at = since - NGX_HTTP_JAMHOOK_SHOWN_SLACK;

        if (ngx_http_jamhook_sqlite_walk_search(s, time, at, end,
                                                &walk->above, &first)
            != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    if (until != 0) {
        at = until + NGX_HTTP_JAMHOOK_SHOWN_SLACK;

        if (ngx_http_jamhook_sqlite_walk_search(s, time, at, end, &first,
                                                &end)
            != NGX_OK)
        {
            return NGX_ERROR;
        }

        /* behind the last one whose time is known there may be others */

        ngx_http_jamhook_sqlite_query(&q, s, time);
        ngx_http_jamhook_sqlite_int(&q, end);

        rc = ngx_http_jamhook_sqlite_row(&q);

        if (rc == NGX_ERROR) {
            return NGX_ERROR;
        }

        if (rc == NGX_OK) {
            ngx_http_jamhook_sqlite_end(&q);
            walk->below = ngx_min(walk->below, end);
        }
    }

    return NGX_OK;
}


/*
 * Between two rows: *low is before the time and *high is not, or both are
 * beyond the ends, and none lies between them.  That is enough where times are
 * only nearly in order.
 */

static ngx_int_t
ngx_http_jamhook_sqlite_walk_search(ngx_http_jamhook_sqlite_t *s,
    ngx_http_jamhook_sql_e sql, int64_t time, int64_t end, int64_t *low,
    int64_t *high)
{
    int64_t                          middle, seq, at;
    ngx_int_t                        rc;
    ngx_http_jamhook_sqlite_query_t  q;

    *low = 0;
    *high = end;

    while (*high - *low > 1) {
        middle = *low + (*high - *low) / 2;

        ngx_http_jamhook_sqlite_query(&q, s, sql);
        ngx_http_jamhook_sqlite_int(&q, middle);

        rc = ngx_http_jamhook_sqlite_row(&q);

        if (rc == NGX_ERROR) {
            return NGX_ERROR;
        }

        if (rc == NGX_DONE) {
            *high = middle;
            continue;
        }

        seq = ngx_http_jamhook_sqlite_column(&q, 0);
        at = ngx_http_jamhook_sqlite_column(&q, 1);

        ngx_http_jamhook_sqlite_end(&q);

        if (seq >= *high || at >= time) {
            *high = middle;

        } else {
            *low = seq;
        }
    }

    return NGX_OK;
}


ngx_int_t
ngx_http_jamhook_sqlite_walk_next(ngx_http_jamhook_sqlite_walk_t *walk,
    int64_t *seq)
{
    int64_t                            head, best;
    ngx_int_t                          rc;
    ngx_uint_t                         i;
    ngx_http_jamhook_sqlite_stream_t  *stream;

    if (walk->looked != 0
        && walk->looked % NGX_HTTP_JAMHOOK_SQLITE_FETCHED == 0
        && ngx_http_jamhook_clock_mono() - walk->began
           >= (int64_t) ngx_http_jamhook_sqlite_list_time)
    {
        return NGX_AGAIN;
    }

    best = walk->above;
    stream = walk->streams.elts;

    for (i = 0; i < walk->streams.nelts; i++) {
        rc = ngx_http_jamhook_sqlite_walk_head(walk, &stream[i], &head);

        if (rc == NGX_ERROR) {
            return NGX_ERROR;
        }

        if (rc == NGX_OK && head > best) {
            best = head;
        }
    }

    if (best == walk->above) {
        return NGX_DONE;
    }

    walk->below = best;
    walk->looked++;

    *seq = best;

    return NGX_OK;
}


/* a stream's next row; it stays there till the walk is past it */

static ngx_int_t
ngx_http_jamhook_sqlite_walk_head(ngx_http_jamhook_sqlite_walk_t *walk,
    ngx_http_jamhook_sqlite_stream_t *stream, int64_t *seq)
{
    for ( ;; ) {

        while (stream->i < stream->n
               && stream->rows[stream->i] >= walk->below)
        {
            stream->i++;
        }

        if (stream->i < stream->n) {
            *seq = stream->rows[stream->i];
            return NGX_OK;
        }

        if (stream->last) {
            return NGX_DONE;
        }

        if (ngx_http_jamhook_sqlite_walk_fetch(walk, stream) != NGX_OK) {
            return NGX_ERROR;
        }
    }
}


static ngx_int_t
ngx_http_jamhook_sqlite_walk_fetch(ngx_http_jamhook_sqlite_walk_t *walk,
    ngx_http_jamhook_sqlite_stream_t *stream)
{
    ngx_int_t                        rc;
    ngx_uint_t                       i;
    ngx_http_jamhook_sqlite_query_t  q;

    ngx_http_jamhook_sqlite_query(&q, walk->shown->session, stream->sql);

    if (stream->text != NULL) {
        ngx_http_jamhook_sqlite_text(&q, stream->text);
    }

    for (i = 0; i < stream->nkeys; i++) {
        ngx_http_jamhook_sqlite_int(&q, stream->keys[i]);
    }

    ngx_http_jamhook_sqlite_int(&q, walk->below);
    ngx_http_jamhook_sqlite_int(&q, NGX_HTTP_JAMHOOK_SQLITE_FETCHED);

    stream->i = 0;
    stream->n = 0;

    while (stream->n < NGX_HTTP_JAMHOOK_SQLITE_FETCHED) {
        rc = ngx_http_jamhook_sqlite_row(&q);

        if (rc == NGX_ERROR) {
            return NGX_ERROR;
        }

        if (rc == NGX_DONE) {
            break;
        }

        stream->rows[stream->n++] = ngx_http_jamhook_sqlite_column(&q, 0);
    }

    ngx_http_jamhook_sqlite_end(&q);

    stream->last = (stream->n < NGX_HTTP_JAMHOOK_SQLITE_FETCHED);

    return NGX_OK;
}
