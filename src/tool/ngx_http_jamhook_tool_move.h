
/*
 * Move: an SQLite store taken over to PostgreSQL, in one transaction of each.
 * What is there already is left as it is, so it can be done again after
 * whatever went wrong, and nginx may work on the new store meanwhile.
 *
 * The one part of the program that knows what backends are made of.
 */


#ifndef _NGX_HTTP_JAMHOOK_TOOL_MOVE_H_INCLUDED_
#define _NGX_HTTP_JAMHOOK_TOOL_MOVE_H_INCLUDED_


#include "ngx_http_jamhook_tool.h"
#include "ngx_http_jamhook_pgsql.h"
#include "ngx_http_jamhook_sqlite.h"


#define NGX_HTTP_JAMHOOK_MOVE_STATES     4           /* of a delivery */

/* deliveries and attempts in the old store that something else knows */
#define NGX_HTTP_JAMHOOK_MOVE_WHOLE                                           \
    " WHERE event IN (SELECT seq FROM events)"                                \
    " AND endpoint IN (SELECT id FROM endpoints)"


/* An endpoint of the old store. */
typedef struct {
    ngx_str_t                      name;
    int64_t                        id;               /* in the old store */
    int64_t                        to;               /* in the new one */
    int64_t                        paused;
    int64_t                        paused_at;
    int64_t                        failing_since;
    int64_t                        probe_at;
    int64_t                        seen_at;
    int64_t                        succeeded;        /* deliveries, moved */
    unsigned                       recovered:1;      /* the new store has seen
                                                        it succeed */
} ngx_http_jamhook_move_endpoint_t;


/* What there is to move, and what came of it. */
typedef struct {
    int64_t                        events;
    int64_t                        bytes;            /* of events' bodies */
    int64_t                        deliveries;
    int64_t                        states[NGX_HTTP_JAMHOOK_MOVE_STATES];
    int64_t                        attempts;
} ngx_http_jamhook_move_counts_t;


typedef struct {
    ngx_http_jamhook_tool_t       *tool;
    ngx_http_jamhook_store_conf_t  from;
    ngx_http_jamhook_store_conf_t  to;
    sqlite3                       *source;
    void                          *session;          /* that "source" is of */
    PGconn                        *target;

    int64_t                        shard;            /* of sums: this store's
                                                        own, below 0 */
    unsigned                       numbered:1;       /* numbers by time */
    unsigned                       terminal:1;

    ngx_array_t                    endpoints;
    ngx_http_jamhook_move_counts_t found;            /* in the old store */
    ngx_http_jamhook_move_counts_t added;            /* to the new one */
    int64_t                        astray;           /* deliveries and attempts
                                                        of no event */
    int64_t                        others;           /* events whose id is
                                                        there with another
                                                        body */

    /* the rows that are being copied */

    const char                    *what;             /* "events" */
    int64_t                        rows;             /* so far */
    int64_t                        of;
    ngx_uint_t                     batch;            /* rows in this one */
    size_t                         size;             /* bytes in this one */
    int64_t                        number;           /* the last one given */
    size_t                         used;             /* of "buffer" */
    u_char                        *buffer;
    u_char                        *mended;
    size_t                         mended_size;
    unsigned                       copying:1;
} ngx_http_jamhook_move_t;


/* What goes wrong has been said in all of these. */

/* tool_move_copy.c: the rows, in the transactions that are open */

ngx_int_t ngx_http_jamhook_move_rows(ngx_http_jamhook_move_t *m);

/* Is all of it in the new store? */
ngx_int_t ngx_http_jamhook_move_compare(ngx_http_jamhook_move_t *m);

/* A statement in the new store; NULL: it failed.  Texts, one for each $n. */
PGresult *ngx_http_jamhook_move_ask(ngx_http_jamhook_move_t *m,
    const char *sql, int n, ...);
int64_t ngx_http_jamhook_move_column(PGresult *res, int row, int column);

/* In the old one: a number, or nothing but success. */
ngx_int_t ngx_http_jamhook_move_number(ngx_http_jamhook_move_t *m,
    const char *sql, int64_t *n);
ngx_int_t ngx_http_jamhook_move_run(ngx_http_jamhook_move_t *m,
    const char *sql);
ngx_int_t ngx_http_jamhook_move_source_failed(ngx_http_jamhook_move_t *m);


#endif /* _NGX_HTTP_JAMHOOK_TOOL_MOVE_H_INCLUDED_ */
