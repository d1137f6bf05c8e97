
/*
 * SQLite, inside: a session, its statements, and the functions of the files
 * sqlite*.c for each other.  Nobody else includes this, nor <sqlite3.h>.
 *
 * A session lives in a pool of its own and is used by one thread at a time.
 * All that returns NGX_ERROR has filled s->failure.
 */


#ifndef _NGX_HTTP_JAMHOOK_SQLITE_H_INCLUDED_
#define _NGX_HTTP_JAMHOOK_SQLITE_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include <sqlite3.h>

#include "ngx_http_jamhook_backend.h"
#include "ngx_http_jamhook_sqlite_owner.h"
#include "ngx_http_jamhook_sqlite_turn.h"


#define NGX_HTTP_JAMHOOK_SQLITE_VERSION  1           /* of the schema */
#define NGX_HTTP_JAMHOOK_SQLITE_LEFT     1000000     /* "compatible" of one that
                                                        was moved: no version
                                                        may use it */
#define NGX_HTTP_JAMHOOK_SQLITE_ID       0x4a6d686b  /* "Jmhk" */

#define NGX_HTTP_JAMHOOK_SQLITE_FOREVER  INT64_MAX


/* The statements, in the order of their texts in sqlite_sql.c. */

typedef enum {
    NGX_HTTP_JAMHOOK_SQL_BEGIN = 0,
    NGX_HTTP_JAMHOOK_SQL_BEGIN_READ,
    NGX_HTTP_JAMHOOK_SQL_COMMIT,
    NGX_HTTP_JAMHOOK_SQL_PAGES,
    NGX_HTTP_JAMHOOK_SQL_FREE_PAGES,

    NGX_HTTP_JAMHOOK_SQL_ENDPOINT_ADD,
    NGX_HTTP_JAMHOOK_SQL_ENDPOINT_FIND,
    NGX_HTTP_JAMHOOK_SQL_ENDPOINT_READ,
    NGX_HTTP_JAMHOOK_SQL_ENDPOINT_SAVE,
    NGX_HTTP_JAMHOOK_SQL_ENDPOINT_SEEN,
    NGX_HTTP_JAMHOOK_SQL_ENDPOINT_NAMES,

    NGX_HTTP_JAMHOOK_SQL_EVENT_LAST,
    NGX_HTTP_JAMHOOK_SQL_EVENT_NOTE_LAST,
    NGX_HTTP_JAMHOOK_SQL_EVENT_ADD,
    NGX_HTTP_JAMHOOK_SQL_EVENT_COMPARE,
    NGX_HTTP_JAMHOOK_SQL_EVENT_FIND,
    NGX_HTTP_JAMHOOK_SQL_EVENT_FORGOTTEN,

    NGX_HTTP_JAMHOOK_SQL_DELIVERY_ADD,
    NGX_HTTP_JAMHOOK_SQL_DELIVERY_READ,
    NGX_HTTP_JAMHOOK_SQL_DELIVERY_RESTART,
    NGX_HTTP_JAMHOOK_SQL_DELIVERY_FAIL,
    NGX_HTTP_JAMHOOK_SQL_DELIVERY_COUNT,

    NGX_HTTP_JAMHOOK_SQL_OUTCOME,
    NGX_HTTP_JAMHOOK_SQL_ATTEMPT_ADD,

    NGX_HTTP_JAMHOOK_SQL_DUE,
    NGX_HTTP_JAMHOOK_SQL_DUE_FAR,
    NGX_HTTP_JAMHOOK_SQL_DUE_FIRST,
    NGX_HTTP_JAMHOOK_SQL_DUE_LAST,
    NGX_HTTP_JAMHOOK_SQL_CLAIM_READ,
    NGX_HTTP_JAMHOOK_SQL_CLAIM_TAKE,
    NGX_HTTP_JAMHOOK_SQL_SHIFT,
    NGX_HTTP_JAMHOOK_SQL_LATEST,

    NGX_HTTP_JAMHOOK_SQL_REPLAY,
    NGX_HTTP_JAMHOOK_SQL_RECOVER_LIST,
    NGX_HTTP_JAMHOOK_SQL_RECOVER,
    NGX_HTTP_JAMHOOK_SQL_RESUME,
    NGX_HTTP_JAMHOOK_SQL_FORGET_EVENT,
    NGX_HTTP_JAMHOOK_SQL_FORGET_ATTEMPTS,
    NGX_HTTP_JAMHOOK_SQL_FORGET_DELIVERIES,
    NGX_HTTP_JAMHOOK_SQL_PROBE,

    NGX_HTTP_JAMHOOK_SQL_RETAIN_LIST,
    NGX_HTTP_JAMHOOK_SQL_RETAIN_DELIVERIES,
    NGX_HTTP_JAMHOOK_SQL_RELEASE,
    NGX_HTTP_JAMHOOK_SQL_REMOVE_ATTEMPTS,
    NGX_HTTP_JAMHOOK_SQL_REMOVE_DELIVERIES,
    NGX_HTTP_JAMHOOK_SQL_REMOVE_EVENT,

    NGX_HTTP_JAMHOOK_SQL_POLL_OWNER,
    NGX_HTTP_JAMHOOK_SQL_POLL_ORPHANS,

    NGX_HTTP_JAMHOOK_SQL_TALLY_LIST,
    NGX_HTTP_JAMHOOK_SQL_TALLY_ADD,
    NGX_HTTP_JAMHOOK_SQL_TALLY_READ,
    NGX_HTTP_JAMHOOK_SQL_ROLLUP_ADD,
    NGX_HTTP_JAMHOOK_SQL_ROLLUP_LIST,
    NGX_HTTP_JAMHOOK_SQL_ROLLUP_REMOVE,

    NGX_HTTP_JAMHOOK_SQL_WALK_EVENTS,
    NGX_HTTP_JAMHOOK_SQL_WALK_TYPE,
    NGX_HTTP_JAMHOOK_SQL_WALK_CONVERSATION,
    NGX_HTTP_JAMHOOK_SQL_WALK_JAM,
    NGX_HTTP_JAMHOOK_SQL_WALK_PENDING,
    NGX_HTTP_JAMHOOK_SQL_WALK_FAILED,
    NGX_HTTP_JAMHOOK_SQL_WALK_SENDING,
    NGX_HTTP_JAMHOOK_SQL_WALK_ATTEMPTS,
    NGX_HTTP_JAMHOOK_SQL_WALK_RESULT,
    NGX_HTTP_JAMHOOK_SQL_TIME_OF_EVENT,
    NGX_HTTP_JAMHOOK_SQL_TIME_OF_ATTEMPT,

    NGX_HTTP_JAMHOOK_SQL_SHOW_ENDPOINTS,
    NGX_HTTP_JAMHOOK_SQL_SHOW_EVENT,
    NGX_HTTP_JAMHOOK_SQL_SHOW_BODY,
    NGX_HTTP_JAMHOOK_SQL_SHOW_DELIVERIES,
    NGX_HTTP_JAMHOOK_SQL_SHOW_ATTEMPTS,
    NGX_HTTP_JAMHOOK_SQL_SHOW_ATTEMPT,
    NGX_HTTP_JAMHOOK_SQL_LAST_ATTEMPT,
    NGX_HTTP_JAMHOOK_SQL_LAST_ATTEMPT_OF,
    NGX_HTTP_JAMHOOK_SQL_COUNT_PENDING,
    NGX_HTTP_JAMHOOK_SQL_COUNT_FAILED,
    NGX_HTTP_JAMHOOK_SQL_LIST_SENDING,

    NGX_HTTP_JAMHOOK_SQL_N
} ngx_http_jamhook_sql_e;


/* An endpoint of the configuration; all but id and share is a batch's. */
typedef struct {
    int64_t                      id;             /* 0: no row (reading) */
    ngx_uint_t                   share;          /* quarters that BACKLOG has
                                                    coming, see sqlite_claim */
    unsigned                     known:1;        /* read in this batch */
    ngx_http_jamhook_pause_e     paused;
    int64_t                      paused_at;
    int64_t                      failing_since;
    int64_t                      probe_at;
    int64_t                      seen_at;
} ngx_http_jamhook_sqlite_endpoint_t;


/* Sums that a transaction adds to, see sqlite_stats. */

typedef enum {                           /* the first two are kept on disk */
    NGX_HTTP_JAMHOOK_SPAN_MINUTE = 0,
    NGX_HTTP_JAMHOOK_SPAN_HOUR = 1,
    NGX_HTTP_JAMHOOK_SPAN_TALLY              /* no time: succeeded deliveries */
} ngx_http_jamhook_span_e;

typedef struct {
    ngx_http_jamhook_span_e      span;
    int64_t                      at;             /* Unix seconds */
    int64_t                      endpoint;       /* its id */
    ngx_uint_t                   slot;
    int64_t                      n;
} ngx_http_jamhook_sqlite_sum_t;

#define NGX_HTTP_JAMHOOK_SQLITE_SUMS     128


/* How a session's files are opened, see sqlite_wal. */

typedef struct {
    sqlite3_vfs                          vfs;            /* first: SQLite's */
    sqlite3_vfs                         *base;
    void                                *wal;            /* NULL: not open */
    char                                 name[32];
} ngx_http_jamhook_sqlite_vfs_t;


typedef struct {
    ngx_pool_t                          *pool;
    ngx_http_jamhook_store_conf_t       *conf;
    ngx_http_jamhook_session_e           kind;
    sqlite3                             *db;
    ngx_http_jamhook_sqlite_vfs_t        vfs;            /* writing: the db's */
    sqlite3_stmt                        *stmts[NGX_HTTP_JAMHOOK_SQL_N];
    char                                *path;           /* of the file */
    ngx_http_jamhook_owner_t            *owner;          /* writing: the
                                                            conf's member */
    ngx_http_jamhook_turn_t              turn;           /* writing */
    int64_t                              page_size;
    ngx_http_jamhook_sqlite_endpoint_t  *endpoints;      /* by index */
    int64_t                              busy_since;     /* mono, ms */
    ngx_msec_t                           patience;       /* with a lock, ms */
    int64_t                              latest;         /* Unix ms that it was
                                                            seen to be */
    int64_t                              retained;       /* event up to which
                                                            RETAIN came */
    int64_t                              wiped;          /* mono of the last
                                                            try, ms */
    int64_t                              due[2][NGX_HTTP_JAMHOOK_STORE_ROWS
                                                + 1];    /* see sqlite_claim */
    unsigned                             shifting:1;     /* the clock was set
                                                            back, and rows are
                                                            left */
    unsigned                             wipe:1;         /* the WAL holds what
                                                            was forgotten */

    /* the batch's */

    ngx_http_jamhook_clock_t            *clock;          /* "time", or the
                                                            caller's */
    ngx_http_jamhook_clock_t             time;
    int64_t                              began;          /* mono, ms: to wait
                                                            for others */
    ngx_http_jamhook_failure_t          *failure;
    int64_t                              last_event;     /* -1: not known */
    ngx_uint_t                           nsums;
    ngx_http_jamhook_sqlite_sum_t        sums[NGX_HTTP_JAMHOOK_SQLITE_SUMS];
    unsigned                             size_known:1;
    unsigned                             full:1;
    unsigned                             forgot:1;
} ngx_http_jamhook_sqlite_t;


/*
 * A statement in use: query(), then its parameters in their order, then run()
 * or row().  What fails on the way is told by the last of these.
 */
typedef struct {
    ngx_http_jamhook_sqlite_t   *s;
    sqlite3_stmt                *st;
    int                          n;              /* parameters so far */
    int                          rc;
} ngx_http_jamhook_sqlite_query_t;


#define ngx_http_jamhook_sqlite_column(q, i)                                  \
    sqlite3_column_int64((q)->st, i)


/* sqlite_query: statements, failures */

extern const char  *ngx_http_jamhook_sqlite_sql[];

void ngx_http_jamhook_sqlite_query(ngx_http_jamhook_sqlite_query_t *q,
    ngx_http_jamhook_sqlite_t *s, ngx_http_jamhook_sql_e sql);
void ngx_http_jamhook_sqlite_int(ngx_http_jamhook_sqlite_query_t *q,
    int64_t value);

/* The bytes are not copied: they stay as they are till run() or row(). */
void ngx_http_jamhook_sqlite_text(ngx_http_jamhook_sqlite_query_t *q,
    ngx_str_t *value);
void ngx_http_jamhook_sqlite_blob(ngx_http_jamhook_sqlite_query_t *q,
    ngx_str_t *value);

/* NGX_OK: there is a row; end() or another row() follows.  NGX_DONE: none. */
ngx_int_t ngx_http_jamhook_sqlite_row(ngx_http_jamhook_sqlite_query_t *q);
void ngx_http_jamhook_sqlite_end(ngx_http_jamhook_sqlite_query_t *q);

/* Of one that gives no rows, or one whose row does not matter. */
ngx_int_t ngx_http_jamhook_sqlite_run(ngx_http_jamhook_sqlite_query_t *q);

ngx_int_t ngx_http_jamhook_sqlite_exec(ngx_http_jamhook_sqlite_t *s,
    const char *sql);

/* The number that a statement gives which is needed once a session. */
ngx_int_t ngx_http_jamhook_sqlite_number(ngx_http_jamhook_sqlite_t *s,
    const char *sql, int64_t *number);

/* All of these return NGX_ERROR, to be returned. */
ngx_int_t ngx_http_jamhook_sqlite_fail(ngx_http_jamhook_sqlite_t *s, int rc);
ngx_int_t ngx_http_jamhook_sqlite_fail_errno(ngx_http_jamhook_sqlite_t *s,
    const char *what, const char *path, ngx_err_t err);
ngx_int_t ngx_http_jamhook_sqlite_fail_text(ngx_http_jamhook_sqlite_t *s,
    ngx_http_jamhook_failure_e kind, const char *text);


/* sqlite_open: a session's beginning */

ngx_http_jamhook_sqlite_t *ngx_http_jamhook_sqlite_create(
    ngx_http_jamhook_store_conf_t *conf, ngx_log_t *log);
ngx_int_t ngx_http_jamhook_sqlite_open_write(
    ngx_http_jamhook_sqlite_t *s, ngx_uint_t *created);
ngx_int_t ngx_http_jamhook_sqlite_open_read(
    ngx_http_jamhook_sqlite_t *s);

/* The steps that all openings share; *version: see schema_check(). */
ngx_int_t ngx_http_jamhook_sqlite_connect(ngx_http_jamhook_sqlite_t *s);
ngx_int_t ngx_http_jamhook_sqlite_look(ngx_http_jamhook_sqlite_t *s,
    int64_t *version);
ngx_int_t ngx_http_jamhook_sqlite_set_pragmas(ngx_http_jamhook_sqlite_t *s);


/* sqlite_wal: how the WAL is written */

/* Opens s->db; returns what sqlite3_open_v2() does. */
int ngx_http_jamhook_sqlite_wal_connect(ngx_http_jamhook_sqlite_t *s,
    int flags);

/* Before a session is closed whose transaction may not have ended. */
void ngx_http_jamhook_sqlite_wal_drop(ngx_http_jamhook_sqlite_t *s);


/* sqlite_guest: who comes from outside nginx */

ngx_int_t ngx_http_jamhook_sqlite_open_guest(ngx_http_jamhook_sqlite_t *s);
ngx_int_t ngx_http_jamhook_sqlite_look_for(
    ngx_http_jamhook_store_conf_t *conf, uid_t *uid, gid_t *gid,
    ngx_http_jamhook_failure_t *failure);
ngx_int_t ngx_http_jamhook_sqlite_op_names(ngx_http_jamhook_sqlite_t *s,
    ngx_http_jamhook_op_t *o);


/* sqlite: the session; sqlite_schema */

/* How long a lock of others is waited for, ms; tests set it. */
extern ngx_msec_t  ngx_http_jamhook_sqlite_patience;

/* SQLite's busy handler, of the n-th time in a row. */
int ngx_http_jamhook_sqlite_busy(void *data, int n);

/* NGX_ERROR: nothing is left begun. */
ngx_int_t ngx_http_jamhook_sqlite_begin(ngx_http_jamhook_sqlite_t *s,
    ngx_http_jamhook_sql_e sql);
ngx_int_t ngx_http_jamhook_sqlite_commit(ngx_http_jamhook_sqlite_t *s);
void ngx_http_jamhook_sqlite_rollback(ngx_http_jamhook_sqlite_t *s);

/* The endpoint as it stands in this batch; NULL on failure. */
ngx_http_jamhook_sqlite_endpoint_t *ngx_http_jamhook_sqlite_endpoint(
    ngx_http_jamhook_sqlite_t *s, ngx_uint_t index);
ngx_int_t ngx_http_jamhook_sqlite_endpoint_save(ngx_http_jamhook_sqlite_t *s,
    ngx_http_jamhook_sqlite_endpoint_t *ep);

/*
 * Makes pending again what was being sent to endpoints that are not in this
 * configuration, where the lease is over: up to NGX_HTTP_JAMHOOK_STORE_ROWS.
 */
ngx_int_t ngx_http_jamhook_sqlite_release(ngx_http_jamhook_sqlite_t *s);

/* 1 if the clock stands before what this session has seen of it. */
ngx_uint_t ngx_http_jamhook_sqlite_was_set_back(ngx_http_jamhook_sqlite_t *s);

/* Looks up the ids: an endpoint that has no row yet keeps 0. */
ngx_int_t ngx_http_jamhook_sqlite_endpoints_find(
    ngx_http_jamhook_sqlite_t *s);

/* The number of the last event there ever was. */
ngx_int_t ngx_http_jamhook_sqlite_last_event(ngx_http_jamhook_sqlite_t *s,
    int64_t *last);

/*
 * Is this a store of ours, and one that this version may use?  *version: of
 * its schema, 0: an empty file.
 */
ngx_int_t ngx_http_jamhook_sqlite_schema_check(ngx_http_jamhook_sqlite_t *s,
    int64_t *version);

/* How long a list is looked for, ms; tests set it. */
extern ngx_msec_t  ngx_http_jamhook_sqlite_list_time;

/* Brings the schema up to date, in the transaction that is open. */
ngx_int_t ngx_http_jamhook_sqlite_schema_upgrade(
    ngx_http_jamhook_sqlite_t *s, int64_t version);


/*
 * sqlite_stats: what a transaction adds up is written once, by sums_write(),
 * before its COMMIT; one that is rolled back has added nothing.
 */

/* an attempt; started_at in Unix ms, duration in ms */
ngx_int_t ngx_http_jamhook_sqlite_sum_attempt(ngx_http_jamhook_sqlite_t *s,
    int64_t endpoint, ngx_http_jamhook_result_e result, int64_t started_at,
    int64_t duration);

/* n deliveries more to the endpoint that have succeeded, or less */
ngx_int_t ngx_http_jamhook_sqlite_sum_tally(ngx_http_jamhook_sqlite_t *s,
    int64_t endpoint, int64_t n);

/* those of an event have it no longer: call it before they change */
ngx_int_t ngx_http_jamhook_sqlite_sum_untally(ngx_http_jamhook_sqlite_t *s,
    int64_t event);

ngx_int_t ngx_http_jamhook_sqlite_sums_write(ngx_http_jamhook_sqlite_t *s);

/* Removes rows that are too old, a batch; *more: some are left. */
ngx_int_t ngx_http_jamhook_sqlite_sums_retain(ngx_http_jamhook_sqlite_t *s,
    ngx_uint_t *more);


/* the ops */

typedef ngx_int_t (*ngx_http_jamhook_sqlite_op_pt)(
    ngx_http_jamhook_sqlite_t *s, ngx_http_jamhook_op_t *op);

ngx_int_t ngx_http_jamhook_sqlite_op_event(ngx_http_jamhook_sqlite_t *s,
    ngx_http_jamhook_op_t *o);
ngx_int_t ngx_http_jamhook_sqlite_op_outcome(ngx_http_jamhook_sqlite_t *s,
    ngx_http_jamhook_op_t *o);
ngx_int_t ngx_http_jamhook_sqlite_op_claim(ngx_http_jamhook_sqlite_t *s,
    ngx_http_jamhook_op_t *o);
ngx_int_t ngx_http_jamhook_sqlite_op_replay(ngx_http_jamhook_sqlite_t *s,
    ngx_http_jamhook_op_t *o);
ngx_int_t ngx_http_jamhook_sqlite_op_recover(ngx_http_jamhook_sqlite_t *s,
    ngx_http_jamhook_op_t *o);
ngx_int_t ngx_http_jamhook_sqlite_op_pause(ngx_http_jamhook_sqlite_t *s,
    ngx_http_jamhook_op_t *o);
ngx_int_t ngx_http_jamhook_sqlite_op_resume(ngx_http_jamhook_sqlite_t *s,
    ngx_http_jamhook_op_t *o);
ngx_int_t ngx_http_jamhook_sqlite_op_forget(ngx_http_jamhook_sqlite_t *s,
    ngx_http_jamhook_op_t *o);
ngx_int_t ngx_http_jamhook_sqlite_op_retain(ngx_http_jamhook_sqlite_t *s,
    ngx_http_jamhook_op_t *o);
ngx_int_t ngx_http_jamhook_sqlite_op_probe(ngx_http_jamhook_sqlite_t *s,
    ngx_http_jamhook_op_t *o);
ngx_int_t ngx_http_jamhook_sqlite_op_poll(ngx_http_jamhook_sqlite_t *s,
    ngx_http_jamhook_op_t *o);
ngx_int_t ngx_http_jamhook_sqlite_op_events(ngx_http_jamhook_sqlite_t *s,
    ngx_http_jamhook_op_t *o);
ngx_int_t ngx_http_jamhook_sqlite_op_show(ngx_http_jamhook_sqlite_t *s,
    ngx_http_jamhook_op_t *o);
ngx_int_t ngx_http_jamhook_sqlite_op_attempts(ngx_http_jamhook_sqlite_t *s,
    ngx_http_jamhook_op_t *o);
ngx_int_t ngx_http_jamhook_sqlite_op_endpoints(ngx_http_jamhook_sqlite_t *s,
    ngx_http_jamhook_op_t *o);
ngx_int_t ngx_http_jamhook_sqlite_op_stats(ngx_http_jamhook_sqlite_t *s,
    ngx_http_jamhook_op_t *o);

#endif /* _NGX_HTTP_JAMHOOK_SQLITE_H_INCLUDED_ */
