
/*
 * What the portal reads of a SQLite store, one level below its ops: the
 * endpoints, an event's deliveries, an attempt; and a walk over the numbers of
 * a list's rows, newest first.
 *
 * Everything lies in the op's pool.  What returns NGX_ERROR has filled
 * s->failure.
 */


#ifndef _NGX_HTTP_JAMHOOK_SQLITE_SHOWN_H_INCLUDED_
#define _NGX_HTTP_JAMHOOK_SQLITE_SHOWN_H_INCLUDED_


#include "ngx_http_jamhook_sqlite.h"
#include "ngx_http_jamhook_shown.h"


/* sqlite_shown: rows are ngx_http_jamhook_sqlite_query_t */

ngx_int_t ngx_http_jamhook_sqlite_shown_init(ngx_http_jamhook_shown_t *shown,
    ngx_http_jamhook_sqlite_t *s, ngx_pool_t *pool);

ngx_int_t ngx_http_jamhook_sqlite_shown_deliveries(
    ngx_http_jamhook_shown_t *shown, ngx_http_jamhook_shown_event_t *event);

/* The attempt of a number, if it began within the times; NGX_DONE: not. */
ngx_int_t ngx_http_jamhook_sqlite_shown_attempt(
    ngx_http_jamhook_shown_t *shown, int64_t seq, int64_t since, int64_t until,
    ngx_http_jamhook_shown_attempt_t *attempt);


/* sqlite_walk */

#define NGX_HTTP_JAMHOOK_SQLITE_FETCHED  64

/* Rows of one index in which they lie in the order of their numbers. */
typedef struct {
    ngx_http_jamhook_sql_e              sql;     /* a WALK */
    ngx_str_t                          *text;    /* its first parameter; or */
    int64_t                             keys[2];
    ngx_uint_t                          nkeys;   /* so many of these */

    ngx_uint_t                          i;       /* the walk's own */
    ngx_uint_t                          n;
    unsigned                            last:1;
    int64_t                             rows[NGX_HTTP_JAMHOOK_SQLITE_FETCHED];
} ngx_http_jamhook_sqlite_stream_t;

typedef struct {
    ngx_http_jamhook_shown_t           *shown;
    ngx_array_t                         streams;
    int64_t                             below;   /* the last one, or where to
                                                    begin, not included */
    int64_t                             above;   /* likewise, to end */
    ngx_uint_t                          looked;  /* at so many */
    int64_t                             began;   /* mono, ms */
} ngx_http_jamhook_sqlite_walk_t;

/* cursor: the last row of the walk before; 0: from the newest on. */
ngx_int_t ngx_http_jamhook_sqlite_walk_init(
    ngx_http_jamhook_sqlite_walk_t *walk, ngx_http_jamhook_shown_t *shown,
    int64_t cursor);

/* Streams are merged, and what is in several of them comes once. */
ngx_http_jamhook_sqlite_stream_t *ngx_http_jamhook_sqlite_walk_add(
    ngx_http_jamhook_sqlite_walk_t *walk, ngx_http_jamhook_sql_e sql,
    ngx_str_t *text);

/*
 * Leaves out what is surely of another time; 0 is no bound.  last and time: the
 * statements for the highest number, and for a row's time.
 */
ngx_int_t ngx_http_jamhook_sqlite_walk_bound(
    ngx_http_jamhook_sqlite_walk_t *walk, ngx_http_jamhook_sql_e last,
    ngx_http_jamhook_sql_e time, int64_t since, int64_t until);

/*
 * The next row, in walk->below as well; NGX_DONE: there is none, NGX_AGAIN: it
 * took too long.
 */
ngx_int_t ngx_http_jamhook_sqlite_walk_next(
    ngx_http_jamhook_sqlite_walk_t *walk, int64_t *seq);


#endif /* _NGX_HTTP_JAMHOOK_SQLITE_SHOWN_H_INCLUDED_ */
