
/*
 * PostgreSQL: a store that several nginx nodes share, by libpq.
 *
 * A transaction goes out as one pipeline and comes back as one: BEGIN, what
 * came of attempts, events, a claim, COMMIT.  So statements are queued with a
 * reader each, and the readers are called, in that order, when all is there:
 *
 *     query(), its parameters, send()     as often as is needed
 *     flush()                             the round trip; calls the readers
 *
 * An op that must know an answer before it can go on does the same within its
 * transaction, by ask() in place of send().
 *
 * Due times and leases go by the database's clock, for the nodes' may differ:
 * parameter $1 of a statement that needs the time is time(), and its text says
 * NGX_HTTP_JAMHOOK_PGSQL_NOW.  What an op gives back in the time of its node,
 * a statement returns as a difference, in ms from now.
 *
 * All of it blocks, and is called in jobs, never on the event loop.
 */


#ifndef _NGX_HTTP_JAMHOOK_PGSQL_H_INCLUDED_
#define _NGX_HTTP_JAMHOOK_PGSQL_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include <libpq-fe.h>

#include "ngx_http_jamhook_backend.h"


#define NGX_HTTP_JAMHOOK_PGSQL_VERSION   1           /* of the schema */

#define NGX_HTTP_JAMHOOK_PGSQL_OWNER     32          /* bytes of its name */

/* Unix ms in SQL; $1: NULL, or the time of a test. */
#define NGX_HTTP_JAMHOOK_PGSQL_NOW                                            \
    "coalesce($1::int8, floor(extract(epoch FROM now()) * 1000)::int8)"


/*
 * The statements; their texts, in the same order and all in one place, are in
 * pgsql_sql.c.
 */

typedef enum {
    NGX_HTTP_JAMHOOK_PGSQL_BEGIN = 0,
    NGX_HTTP_JAMHOOK_PGSQL_BEGIN_READ,
    NGX_HTTP_JAMHOOK_PGSQL_COMMIT,
    NGX_HTTP_JAMHOOK_PGSQL_ROLLBACK,
    NGX_HTTP_JAMHOOK_PGSQL_NOTIFY,

    /* endpoints */

    NGX_HTTP_JAMHOOK_PGSQL_ENDPOINT_ADD,
    NGX_HTTP_JAMHOOK_PGSQL_ENDPOINT_FIND,

    /* pgsql_event, pgsql_outcome, pgsql_claim */

    NGX_HTTP_JAMHOOK_PGSQL_EVENT_ADD,
    NGX_HTTP_JAMHOOK_PGSQL_EVENT_ROUTE,
    NGX_HTTP_JAMHOOK_PGSQL_OUTCOME,
    NGX_HTTP_JAMHOOK_PGSQL_OUTCOME_ENDPOINT,
    NGX_HTTP_JAMHOOK_PGSQL_CLAIM_FAR,
    NGX_HTTP_JAMHOOK_PGSQL_CLAIM,

    /* pgsql_poll, pgsql_admin, pgsql_retain */

    NGX_HTTP_JAMHOOK_PGSQL_POLL,
    NGX_HTTP_JAMHOOK_PGSQL_POLL_ORPHANS,

    NGX_HTTP_JAMHOOK_PGSQL_EVENT_LOCK,
    NGX_HTTP_JAMHOOK_PGSQL_DELIVERY_LOCK,
    NGX_HTTP_JAMHOOK_PGSQL_UNTALLY,
    NGX_HTTP_JAMHOOK_PGSQL_REPLAY,
    NGX_HTTP_JAMHOOK_PGSQL_REPLAY_ADD,
    NGX_HTTP_JAMHOOK_PGSQL_RECOVER,
    NGX_HTTP_JAMHOOK_PGSQL_PAUSE,
    NGX_HTTP_JAMHOOK_PGSQL_RESUME,
    NGX_HTTP_JAMHOOK_PGSQL_RESUME_END,
    NGX_HTTP_JAMHOOK_PGSQL_FORGET_EVENT,
    NGX_HTTP_JAMHOOK_PGSQL_FORGET_ATTEMPTS,
    NGX_HTTP_JAMHOOK_PGSQL_FORGET_DELIVERIES,

    NGX_HTTP_JAMHOOK_PGSQL_RETAIN_SEEN,
    NGX_HTTP_JAMHOOK_PGSQL_RETAIN_TURN,
    NGX_HTTP_JAMHOOK_PGSQL_RELEASE,
    NGX_HTTP_JAMHOOK_PGSQL_ROLLUP_REMOVE,
    NGX_HTTP_JAMHOOK_PGSQL_RETAIN_LIST,
    NGX_HTTP_JAMHOOK_PGSQL_RETAIN_LOCK,
    NGX_HTTP_JAMHOOK_PGSQL_RETAIN_DELIVERIES,
    NGX_HTTP_JAMHOOK_PGSQL_RETAIN_FAIL,
    NGX_HTTP_JAMHOOK_PGSQL_REMOVE_ATTEMPTS,
    NGX_HTTP_JAMHOOK_PGSQL_REMOVE_DELIVERIES,
    NGX_HTTP_JAMHOOK_PGSQL_REMOVE_EVENTS,

    NGX_HTTP_JAMHOOK_PGSQL_PROBE,

    /* pgsql_list, pgsql_show, pgsql_stats, pgsql_guest */

    NGX_HTTP_JAMHOOK_PGSQL_LIST_EVENTS,
    NGX_HTTP_JAMHOOK_PGSQL_LIST_TYPE,
    NGX_HTTP_JAMHOOK_PGSQL_LIST_CONVERSATION,
    NGX_HTTP_JAMHOOK_PGSQL_LIST_JAM,
    NGX_HTTP_JAMHOOK_PGSQL_LIST_PENDING,
    NGX_HTTP_JAMHOOK_PGSQL_LIST_FAILED,
    NGX_HTTP_JAMHOOK_PGSQL_LIST_SENDING,
    NGX_HTTP_JAMHOOK_PGSQL_LIST_ATTEMPTS,
    NGX_HTTP_JAMHOOK_PGSQL_LIST_RESULTS,
    NGX_HTTP_JAMHOOK_PGSQL_BOUND_EVENTS,
    NGX_HTTP_JAMHOOK_PGSQL_BOUND_ATTEMPTS,
    NGX_HTTP_JAMHOOK_PGSQL_SHOW_NAMED,
    NGX_HTTP_JAMHOOK_PGSQL_SHOW_EVENT,
    NGX_HTTP_JAMHOOK_PGSQL_SHOW_DELIVERIES,
    NGX_HTTP_JAMHOOK_PGSQL_SHOW_ATTEMPTS,
    NGX_HTTP_JAMHOOK_PGSQL_SHOW_ENDPOINTS,
    NGX_HTTP_JAMHOOK_PGSQL_STATS,
    NGX_HTTP_JAMHOOK_PGSQL_NAMES,

    NGX_HTTP_JAMHOOK_PGSQL_N
} ngx_http_jamhook_pgsql_e;

/*
 * Every parameter has its type written out where it is first used: $1::int8,
 * $2::text, $3::bytea, $4::int8[], $5::text[], $6::bytea[].  There are no other
 * types: all go out, and results come back, in binary.  No numeric may come
 * back: sum() and the like are cast to int8.
 */
extern const char  *ngx_http_jamhook_pgsql_sql[];


typedef struct ngx_http_jamhook_pgsql_s  ngx_http_jamhook_pgsql_t;


/* An endpoint of the configuration. */
typedef struct {
    int64_t                             id;      /* 0: no row yet */
    ngx_uint_t                          share;   /* quarters that BACKLOG has
                                                    coming, see pgsql_claim */
} ngx_http_jamhook_pgsql_endpoint_t;


/*
 * What a statement gave.  NGX_OK, NGX_ERROR: the batch has failed, by one of
 * the fail functions.  That does not undo a COMMIT that was sent behind the
 * statement: what was queued and not flushed stands, and must bear to be made
 * twice.
 */
typedef ngx_int_t (*ngx_http_jamhook_pgsql_reader_pt)(
    ngx_http_jamhook_pgsql_t *s, PGresult *res, void *data);


#define NGX_HTTP_JAMHOOK_PGSQL_PARAMS    32          /* of a statement */
#define NGX_HTTP_JAMHOOK_PGSQL_SENT      64          /* statements in a round
                                                        trip; send() makes one
                                                        when there are more */

/* what an answer is waited for */
typedef struct {
    ngx_http_jamhook_pgsql_e            sql;
    ngx_http_jamhook_pgsql_reader_pt    reader;
    void                               *data;
    unsigned                            prepare:1;   /* of PREPARE: no reader */
    unsigned                            keep:1;      /* data gets the result */
} ngx_http_jamhook_pgsql_sent_t;


struct ngx_http_jamhook_pgsql_s {
    ngx_pool_t                         *pool;
    ngx_log_t                          *log;
    ngx_http_jamhook_store_conf_t      *conf;
    ngx_http_jamhook_session_e          kind;
    PGconn                             *db;
    ngx_str_t                           owner;       /* of leases: the conf's
                                                        member */
    ngx_http_jamhook_pgsql_endpoint_t  *endpoints;   /* by index */
    ngx_uint_t                          shard;       /* of sums */
    int64_t                             retained;    /* event up to which
                                                        RETAIN came */
    unsigned                            prepared[NGX_HTTP_JAMHOOK_PGSQL_N];
    u_char                              ended[128];  /* why the server closes
                                                        the connection, if it
                                                        said so; with a NUL */

    /* the batch's */

    ngx_pool_t                         *scratch;     /* for parameters and what
                                                        readers share; goes when
                                                        the batch is over */
    ngx_http_jamhook_clock_t           *clock;
    ngx_http_jamhook_failure_t         *failure;
    int64_t                             deadline;    /* mono, ms */
    ngx_uint_t                          nsent;
    ngx_http_jamhook_pgsql_sent_t       sent[NGX_HTTP_JAMHOOK_PGSQL_SENT];
    unsigned                            begun:1;     /* a transaction */
    unsigned                            failed:1;    /* "failure" says why */
    unsigned                            again:1;     /* the batch, anew */
    unsigned                            broken:1;    /* of no use any more */
    unsigned                            committing:1; /* COMMIT's answer is
                                                        waited for */
    unsigned                            warned:1;    /* by the server, of that
                                                        COMMIT */
    unsigned                            notify:1;    /* wakes the other nodes,
                                                        with the COMMIT */
};


/* pgsql_query: parameters, the pipeline, results */

typedef struct {
    u_char                             *start;
    u_char                             *last;
    u_char                             *end;
    uint32_t                            n;
    unsigned                            nulls:1;
} ngx_http_jamhook_pgsql_array_t;

typedef struct {
    ngx_http_jamhook_pgsql_t           *s;
    ngx_http_jamhook_pgsql_e            sql;
    int                                 n;           /* parameters so far */
    unsigned                            failed:1;    /* no memory */
    const char                         *values[NGX_HTTP_JAMHOOK_PGSQL_PARAMS];
    int                                 lengths[NGX_HTTP_JAMHOOK_PGSQL_PARAMS];
    u_char                              ints[NGX_HTTP_JAMHOOK_PGSQL_PARAMS][8];
} ngx_http_jamhook_pgsql_query_t;

void ngx_http_jamhook_pgsql_query(ngx_http_jamhook_pgsql_query_t *q,
    ngx_http_jamhook_pgsql_t *s, ngx_http_jamhook_pgsql_e sql);

/* The parameters, in their order.  time(): for PGSQL_NOW. */
void ngx_http_jamhook_pgsql_time(ngx_http_jamhook_pgsql_query_t *q);
void ngx_http_jamhook_pgsql_int(ngx_http_jamhook_pgsql_query_t *q,
    int64_t value);
void ngx_http_jamhook_pgsql_null(ngx_http_jamhook_pgsql_query_t *q);

/*
 * Text of whatever bytes: what is no UTF-8 or NUL becomes U+FFFD, for else the
 * server would refuse all of the transaction.  data NULL: NULL.
 */
void ngx_http_jamhook_pgsql_text(ngx_http_jamhook_pgsql_query_t *q,
    ngx_str_t *value);
void ngx_http_jamhook_pgsql_bytes(ngx_http_jamhook_pgsql_query_t *q,
    ngx_str_t *value);

/*
 * Arrays: init() with zeros, then their elements in their order, in one type.
 * They lie in the batch's scratch; what fails is told by send().
 */
void ngx_http_jamhook_pgsql_array_int(ngx_http_jamhook_pgsql_query_t *q,
    ngx_http_jamhook_pgsql_array_t *a, int64_t value);
void ngx_http_jamhook_pgsql_array_text(ngx_http_jamhook_pgsql_query_t *q,
    ngx_http_jamhook_pgsql_array_t *a, ngx_str_t *value);
void ngx_http_jamhook_pgsql_array_bytes(ngx_http_jamhook_pgsql_query_t *q,
    ngx_http_jamhook_pgsql_array_t *a, ngx_str_t *value);

/* The array as a parameter; its elements are of that type. */
void ngx_http_jamhook_pgsql_ints(ngx_http_jamhook_pgsql_query_t *q,
    ngx_http_jamhook_pgsql_array_t *a);
void ngx_http_jamhook_pgsql_texts(ngx_http_jamhook_pgsql_query_t *q,
    ngx_http_jamhook_pgsql_array_t *a);
void ngx_http_jamhook_pgsql_byteses(ngx_http_jamhook_pgsql_query_t *q,
    ngx_http_jamhook_pgsql_array_t *a);

/*
 * Queues the statement.  The parameters may go after it.  "reader" may be NULL:
 * only success matters.  It may be called before the transaction is committed:
 * what it sets stands only if write() ends well.
 */
ngx_int_t ngx_http_jamhook_pgsql_send(ngx_http_jamhook_pgsql_query_t *q,
    ngx_http_jamhook_pgsql_reader_pt reader, void *data);

/* One round trip: what was queued, and its readers. */
ngx_int_t ngx_http_jamhook_pgsql_flush(ngx_http_jamhook_pgsql_t *s);

/*
 * The statement, with all that is queued, and its result, to be cleared by
 * PQclear(); NULL: it failed, or one before it.
 */
PGresult *ngx_http_jamhook_pgsql_ask(ngx_http_jamhook_pgsql_query_t *q);

/*
 * A column: NULL is 0, or a string with data NULL.  bool, int2, int4, int8.
 * Strings have a NUL behind them.
 */
int64_t ngx_http_jamhook_pgsql_column(PGresult *res, int row, int column);

/* Its bytes as they lie in the result, and a copy in a pool (NGX_ERROR). */
void ngx_http_jamhook_pgsql_string(PGresult *res, int row, int column,
    ngx_str_t *value);
ngx_int_t ngx_http_jamhook_pgsql_copy(ngx_http_jamhook_pgsql_t *s,
    ngx_pool_t *pool, PGresult *res, int row, int column, ngx_str_t *value);

/* All of these return NGX_ERROR, to be returned. */
ngx_int_t ngx_http_jamhook_pgsql_fail_memory(ngx_http_jamhook_pgsql_t *s);
ngx_int_t ngx_http_jamhook_pgsql_fail_text(ngx_http_jamhook_pgsql_t *s,
    ngx_http_jamhook_failure_e kind, const char *text);
ngx_int_t ngx_http_jamhook_pgsql_fail_result(ngx_http_jamhook_pgsql_t *s,
    PGresult *res);
ngx_int_t ngx_http_jamhook_pgsql_fail_connection(ngx_http_jamhook_pgsql_t *s);

/* The failure of the batch is this one; the first of them counts. */
void ngx_http_jamhook_pgsql_set_failure(ngx_http_jamhook_pgsql_t *s,
    ngx_http_jamhook_failure_e kind, const char *text);


/* Statements that are not prepared, without parameters, one round trip each. */
PGresult *ngx_http_jamhook_pgsql_exec(ngx_http_jamhook_pgsql_t *s,
    const char *sql);

/* Takes the notifications that have come; 1: there were some. */
ngx_uint_t ngx_http_jamhook_pgsql_notified(ngx_http_jamhook_pgsql_t *s);


/* pgsql_open: connecting, and what a session is set to */

ngx_http_jamhook_pgsql_t *ngx_http_jamhook_pgsql_create(
    ngx_http_jamhook_store_conf_t *conf, ngx_log_t *log);
ngx_int_t ngx_http_jamhook_pgsql_connect(ngx_http_jamhook_pgsql_t *s);
void ngx_http_jamhook_pgsql_disconnect(ngx_http_jamhook_pgsql_t *s);
void ngx_http_jamhook_pgsql_destroy(ngx_http_jamhook_pgsql_t *s);

/* The name of this process, made with its first session; NGX_OK, NGX_ERROR. */
ngx_int_t ngx_http_jamhook_pgsql_member(ngx_http_jamhook_pgsql_t *s);

/* ids of the configuration's endpoints; a writing session adds them */
ngx_int_t ngx_http_jamhook_pgsql_endpoints(ngx_http_jamhook_pgsql_t *s);


/* pgsql: transactions */

/* A test's own time, in place of the database's; set before open(). */
extern ngx_uint_t  ngx_http_jamhook_pgsql_fake_clock;

/* How long an answer is waited for, ms; tests set it. */
extern ngx_msec_t  ngx_http_jamhook_pgsql_patience;

/* The index of an endpoint's id, or NGX_HTTP_JAMHOOK_NO_ENDPOINT. */
ngx_uint_t ngx_http_jamhook_pgsql_index(ngx_http_jamhook_pgsql_t *s,
    int64_t id);


/* pgsql_schema */

/*
 * The statements that make the newest schema in an empty database, NULL at the
 * end: for "jamhook schema".
 */
extern const char  *ngx_http_jamhook_pgsql_tables[];

/*
 * The same: what a user "jamhook" needs who does not own them, when the store
 * is made by another.
 */
extern const char  *ngx_http_jamhook_pgsql_grants[];

/*
 * Is there a store of ours, and one that this version may use?  A writing
 * session that is no guest makes it or brings it up to date, in a transaction
 * of its own that other nodes wait for; *created: it made it.
 */
ngx_int_t ngx_http_jamhook_pgsql_schema(ngx_http_jamhook_pgsql_t *s,
    ngx_uint_t *created);


/* pgsql_advice */

char *ngx_http_jamhook_pgsql_advice(ngx_http_jamhook_failure_e kind);


/* pgsql_list */

/* How long a list is looked for, ms; tests set it. */
extern ngx_msec_t  ngx_http_jamhook_pgsql_list_time;


/* pgsql_guest */

ngx_int_t ngx_http_jamhook_pgsql_look_for(
    ngx_http_jamhook_store_conf_t *conf, uid_t *uid, gid_t *gid,
    ngx_http_jamhook_failure_t *failure);


/*
 * The ops.  Of EVENT and OUTCOME a run of them goes into one statement, so
 * theirs take several: they queue (send()) what they need, and their readers
 * set what is marked "out".
 */

ngx_int_t ngx_http_jamhook_pgsql_op_event(ngx_http_jamhook_pgsql_t *s,
    ngx_http_jamhook_op_t **ops, ngx_uint_t n);
ngx_int_t ngx_http_jamhook_pgsql_op_outcome(ngx_http_jamhook_pgsql_t *s,
    ngx_http_jamhook_op_t **ops, ngx_uint_t n);

typedef ngx_int_t (*ngx_http_jamhook_pgsql_op_pt)(
    ngx_http_jamhook_pgsql_t *s, ngx_http_jamhook_op_t *op);

ngx_int_t ngx_http_jamhook_pgsql_op_claim(ngx_http_jamhook_pgsql_t *s,
    ngx_http_jamhook_op_t *o);
ngx_int_t ngx_http_jamhook_pgsql_op_replay(ngx_http_jamhook_pgsql_t *s,
    ngx_http_jamhook_op_t *o);
ngx_int_t ngx_http_jamhook_pgsql_op_recover(ngx_http_jamhook_pgsql_t *s,
    ngx_http_jamhook_op_t *o);
ngx_int_t ngx_http_jamhook_pgsql_op_pause(ngx_http_jamhook_pgsql_t *s,
    ngx_http_jamhook_op_t *o);
ngx_int_t ngx_http_jamhook_pgsql_op_resume(ngx_http_jamhook_pgsql_t *s,
    ngx_http_jamhook_op_t *o);
ngx_int_t ngx_http_jamhook_pgsql_op_forget(ngx_http_jamhook_pgsql_t *s,
    ngx_http_jamhook_op_t *o);
ngx_int_t ngx_http_jamhook_pgsql_op_retain(ngx_http_jamhook_pgsql_t *s,
    ngx_http_jamhook_op_t *o);
ngx_int_t ngx_http_jamhook_pgsql_op_probe(ngx_http_jamhook_pgsql_t *s,
    ngx_http_jamhook_op_t *o);

ngx_int_t ngx_http_jamhook_pgsql_op_poll(ngx_http_jamhook_pgsql_t *s,
    ngx_http_jamhook_op_t *o);
ngx_int_t ngx_http_jamhook_pgsql_op_events(ngx_http_jamhook_pgsql_t *s,
    ngx_http_jamhook_op_t *o);
ngx_int_t ngx_http_jamhook_pgsql_op_show(ngx_http_jamhook_pgsql_t *s,
    ngx_http_jamhook_op_t *o);
ngx_int_t ngx_http_jamhook_pgsql_op_attempts(ngx_http_jamhook_pgsql_t *s,
    ngx_http_jamhook_op_t *o);
ngx_int_t ngx_http_jamhook_pgsql_op_endpoints(ngx_http_jamhook_pgsql_t *s,
    ngx_http_jamhook_op_t *o);
ngx_int_t ngx_http_jamhook_pgsql_op_stats(ngx_http_jamhook_pgsql_t *s,
    ngx_http_jamhook_op_t *o);
ngx_int_t ngx_http_jamhook_pgsql_op_names(ngx_http_jamhook_pgsql_t *s,
    ngx_http_jamhook_op_t *o);

#endif /* _NGX_HTTP_JAMHOOK_PGSQL_H_INCLUDED_ */
