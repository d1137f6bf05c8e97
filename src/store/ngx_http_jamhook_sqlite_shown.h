
/*
 * What the portal reads of a SQLite store, one level below its ops: the
 * endpoints, an event, an attempt as they are shown; and a walk over the
 * numbers of a list's rows, newest first.
 *
 * Everything lies in the op's pool.  What returns NGX_ERROR has filled
 * s->failure.
 */


#ifndef _NGX_HTTP_JAMHOOK_SQLITE_SHOWN_H_INCLUDED_
#define _NGX_HTTP_JAMHOOK_SQLITE_SHOWN_H_INCLUDED_


#include "ngx_http_jamhook_sqlite.h"


/* An endpoint that the store knows, be it configured here or not. */
typedef struct {
    int64_t                             id;
    ngx_str_t                           name;
    ngx_uint_t                          index;   /* or NO_ENDPOINT */
    ngx_http_jamhook_pause_e            paused;
    int64_t                             paused_at;
    int64_t                             failing_since;
} ngx_http_jamhook_sqlite_named_t;

/* An op that reads. */
typedef struct {
    ngx_http_jamhook_sqlite_t          *s;
    ngx_pool_t                         *pool;
    ngx_array_t                         named;   /* named_t, by id */
} ngx_http_jamhook_sqlite_shown_t;


/* sqlite_shown */

ngx_int_t ngx_http_jamhook_sqlite_shown_init(
    ngx_http_jamhook_sqlite_shown_t *shown, ngx_http_jamhook_sqlite_t *s,
    ngx_pool_t *pool);

/* NULL: there is none. */
ngx_http_jamhook_sqlite_named_t *ngx_http_jamhook_sqlite_shown_id(
    ngx_http_jamhook_sqlite_shown_t *shown, int64_t id);
ngx_http_jamhook_sqlite_named_t *ngx_http_jamhook_sqlite_shown_name(
    ngx_http_jamhook_sqlite_shown_t *shown, ngx_str_t *name);

/* A delivery's state on disk, as its endpoint's (may be NULL) makes it. */
ngx_http_jamhook_shown_e ngx_http_jamhook_sqlite_shown_state(
    ngx_http_jamhook_sqlite_named_t *named, int64_t state);

/* 1: what is pending for it is paused */
ngx_uint_t ngx_http_jamhook_sqlite_shown_is_held(
    ngx_http_jamhook_sqlite_named_t *named);

/*
 * Copies a row of SHOW_EVENT, of the event's deliveries, and of an attempt: its
 * first columns.
 */
ngx_int_t ngx_http_jamhook_sqlite_shown_event(
    ngx_http_jamhook_sqlite_shown_t *shown, ngx_http_jamhook_sqlite_query_t *q,
    ngx_http_jamhook_shown_event_t *event);
ngx_int_t ngx_http_jamhook_sqlite_shown_deliveries(
    ngx_http_jamhook_sqlite_shown_t *shown,
    ngx_http_jamhook_shown_event_t *event);
ngx_int_t ngx_http_jamhook_sqlite_shown_attempt(
    ngx_http_jamhook_sqlite_shown_t *shown, ngx_http_jamhook_sqlite_query_t *q,
    ngx_http_jamhook_shown_attempt_t *attempt);

/* The attempt of a number, if it began within the times; NGX_DONE: not. */
ngx_int_t ngx_http_jamhook_sqlite_shown_attempt_read(
    ngx_http_jamhook_sqlite_shown_t *shown, int64_t seq, int64_t since,
    int64_t until, ngx_http_jamhook_shown_attempt_t *attempt);

/* A column's bytes; NULL is absent. */
ngx_int_t ngx_http_jamhook_sqlite_shown_str(
    ngx_http_jamhook_sqlite_shown_t *shown, ngx_http_jamhook_sqlite_query_t *q,
    int column, ngx_str_t *value);


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
    ngx_http_jamhook_sqlite_shown_t    *shown;
    ngx_array_t                         streams;
    int64_t                             below;   /* the last one, or where to
                                                    begin, not included */
    int64_t                             above;   /* likewise, to end */
    ngx_uint_t                          looked;  /* at so many */
    int64_t                             began;   /* mono, ms */
} ngx_http_jamhook_sqlite_walk_t;

/* cursor: the last row of the walk before; 0: from the newest on. */
ngx_int_t ngx_http_jamhook_sqlite_walk_init(
    ngx_http_jamhook_sqlite_walk_t *walk,
    ngx_http_jamhook_sqlite_shown_t *shown, int64_t cursor);

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
