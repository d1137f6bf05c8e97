
/*
 * Backend: what a store must be able to do, in plain structs.
 *
 * A backend (sqlite, pgsql) makes sessions.  A session is one
 * connection; it is used by one thread at a time, and only from jobs, for
 * every call may block.  What it needs of the outside it is handed: the time,
 * the names of the endpoints, memory.  It knows no request, no event loop and
 * no nginx.conf.
 *
 * An operation ("op") is owned by who submits it, who sets what is marked
 * "in" and keeps the strings alive until the op is done; the backend sets
 * what is marked "out".  Strings are bytes with a length; one with data NULL
 * is absent and kept as NULL.  Times are Unix milliseconds, delays and
 * durations milliseconds.
 */


#ifndef _NGX_HTTP_JAMHOOK_BACKEND_H_INCLUDED_
#define _NGX_HTTP_JAMHOOK_BACKEND_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


/* Rows that one op changes at most, so that others get their turn. */
#define NGX_HTTP_JAMHOOK_STORE_ROWS      500

/* Bytes of bodies after which a CLAIM takes no more. */
#define NGX_HTTP_JAMHOOK_STORE_CLAIMED   (8 * 1024 * 1024)

/* An endpoint that is paused because it failed is tried so often. */
#define NGX_HTTP_JAMHOOK_STORE_PROBE     3600000     /* ms */

#define NGX_HTTP_JAMHOOK_NO_ENDPOINT     ((ngx_uint_t) -1)


/* Numbers that are kept on disk: never change one. */

typedef enum {
    NGX_HTTP_JAMHOOK_STATE_PENDING = 0,
    NGX_HTTP_JAMHOOK_STATE_SENDING = 1,
    NGX_HTTP_JAMHOOK_STATE_SUCCEEDED = 2,
    NGX_HTTP_JAMHOOK_STATE_FAILED = 3
    /* "paused" is a pending one whose endpoint is paused, or unknown here */
} ngx_http_jamhook_state_e;

typedef enum {
    NGX_HTTP_JAMHOOK_TRIGGER_SCHEDULED = 0,
    NGX_HTTP_JAMHOOK_TRIGGER_MANUAL = 1,
    NGX_HTTP_JAMHOOK_TRIGGER_TEST = 2            /* never kept */
} ngx_http_jamhook_trigger_e;

typedef enum {
    NGX_HTTP_JAMHOOK_RESULT_SUCCEEDED = 0,
    NGX_HTTP_JAMHOOK_RESULT_FAILED = 1,
    NGX_HTTP_JAMHOOK_RESULT_INTERRUPTED = 2
} ngx_http_jamhook_result_e;

typedef enum {
    NGX_HTTP_JAMHOOK_PAUSE_NONE = 0,             /* active */
    NGX_HTTP_JAMHOOK_PAUSE_MANUAL = 1,
    NGX_HTTP_JAMHOOK_PAUSE_GONE = 2,             /* it answered 410 */
    NGX_HTTP_JAMHOOK_PAUSE_FAILING = 3           /* jamhook_disable_after */
} ngx_http_jamhook_pause_e;

/*
 * Due deliveries of class NEW go before those of BACKLOG, which get a share
 * of a quarter: retries, replays, what was held while its endpoint was paused.
 */
typedef enum {
    NGX_HTTP_JAMHOOK_CLASS_NEW = 0,
    NGX_HTTP_JAMHOOK_CLASS_BACKLOG = 1
} ngx_http_jamhook_class_e;


/* Why a session cannot do what it was asked.  Never a matter of one op. */

typedef enum {
    NGX_HTTP_JAMHOOK_STORE_OK = 0,
    NGX_HTTP_JAMHOOK_STORE_BUSY,         /* locked by others for too long */
    NGX_HTTP_JAMHOOK_STORE_NOSPC,        /* no space left on the device */
    NGX_HTTP_JAMHOOK_STORE_IO,
    NGX_HTTP_JAMHOOK_STORE_READONLY,
    NGX_HTTP_JAMHOOK_STORE_CANTOPEN,     /* no directory, no permission */
    NGX_HTTP_JAMHOOK_STORE_CORRUPT,      /* or no database of ours at all */
    NGX_HTTP_JAMHOOK_STORE_NEWER,        /* made by a later version */
    NGX_HTTP_JAMHOOK_STORE_OLDER,        /* by an earlier one: guests alone are
                                            told so */
    NGX_HTTP_JAMHOOK_STORE_MOVED,        /* the file is not there any more */
    NGX_HTTP_JAMHOOK_STORE_AWAY,         /* no server answers, or not in time */
    NGX_HTTP_JAMHOOK_STORE_DENIED,       /* a password, or rights, are
                                            missing */
    NGX_HTTP_JAMHOOK_STORE_NOSTORE,      /* no tables, and this user may not
                                            make them */
    NGX_HTTP_JAMHOOK_STORE_LEFT,         /* what was in it is in another store
                                            now: "jamhook move" */
    NGX_HTTP_JAMHOOK_STORE_MEMORY
} ngx_http_jamhook_failure_e;

typedef struct {
    ngx_http_jamhook_failure_e   kind;
    u_char                       text[256];      /* NUL-terminated: what the
                                                    library or system says */
} ngx_http_jamhook_failure_t;


/* The time as an op sees it; leases go by "mono", which no one can set. */
typedef struct {
    int64_t                      now;            /* Unix ms */
    int64_t                      mono;           /* CLOCK_MONOTONIC, ms */
} ngx_http_jamhook_clock_t;


/* What sessions are opened with; outlives them. */
typedef struct {
    ngx_str_t                    place;          /* sqlite: the directory, NUL-
                                                    terminated; pgsql: what may
                                                    be shown of "conninfo" */
    ngx_str_t                    conninfo;       /* pgsql: a URI, NUL-
                                                    terminated; may hold a
                                                    password */
    off_t                        max_size;       /* sqlite: bytes */
    ngx_str_t                   *endpoints;      /* ops name them by index */
    ngx_uint_t                   nendpoints;

    /*
     * The backend's own: who this process is, which stays the same when a
     * session is closed in trouble and opened again, for its leases do.
     */
    void                        *member;

    /*
     * Who comes from outside nginx: opens what is there, makes nothing and
     * brings nothing up to date, has no leases, and no nginx.conf: what it
     * names is not counted as configured.
     */
    unsigned                     guest:1;
} ngx_http_jamhook_store_conf_t;


/* The operations. */

typedef enum {

    /* of a writing session */

    NGX_HTTP_JAMHOOK_OP_EVENT = 0,
    NGX_HTTP_JAMHOOK_OP_OUTCOME,
    NGX_HTTP_JAMHOOK_OP_CLAIM,
    NGX_HTTP_JAMHOOK_OP_REPLAY,
    NGX_HTTP_JAMHOOK_OP_RECOVER,
    NGX_HTTP_JAMHOOK_OP_PAUSE,
    NGX_HTTP_JAMHOOK_OP_RESUME,
    NGX_HTTP_JAMHOOK_OP_FORGET,
    NGX_HTTP_JAMHOOK_OP_RETAIN,
    NGX_HTTP_JAMHOOK_OP_PROBE,

    /* of a reading one */

    NGX_HTTP_JAMHOOK_OP_POLL,
    NGX_HTTP_JAMHOOK_OP_EVENTS,
    NGX_HTTP_JAMHOOK_OP_SHOW,
    NGX_HTTP_JAMHOOK_OP_ATTEMPTS,
    NGX_HTTP_JAMHOOK_OP_ENDPOINTS,
    NGX_HTTP_JAMHOOK_OP_STATS,
    NGX_HTTP_JAMHOOK_OP_NAMES
} ngx_http_jamhook_op_e;

#define NGX_HTTP_JAMHOOK_OP_IS_READ(type)                                     \
    ((type) >= NGX_HTTP_JAMHOOK_OP_POLL)

typedef struct ngx_http_jamhook_op_s  ngx_http_jamhook_op_t;

/* Every op's struct begins with this. */
struct ngx_http_jamhook_op_s {
    ngx_http_jamhook_op_e        type;           /* in */
    ngx_int_t                    rc;             /* out, by store: NGX_OK: it
                                                    is done and on disk;
                                                    NGX_ERROR: it is not;
                                                    NGX_BUSY: the queue is
                                                    full, or trouble */

    /* the store's own, see ngx_http_jamhook_store.h */

    ngx_queue_t                  queue;
    void                       (*handler)(ngx_http_jamhook_op_t *op);
    void                       (*overdue)(ngx_http_jamhook_op_t *op);

    /*
     * Of one that reads, may be NULL: called in its thread after it was read,
     * for what takes time.  It touches the op and its pool alone.
     */
    void                       (*digest)(ngx_http_jamhook_op_t *op);

    /*
     * The same: asked on the loop before it is begun.  0: nobody waits for it
     * any more, and it ends with NGX_BUSY.
     */
    ngx_uint_t                 (*wanted)(ngx_http_jamhook_op_t *op);
    void                        *data;
    ngx_msec_t                   deadline;       /* ngx_current_msec */
    size_t                       size;           /* bytes it holds */
    unsigned                     late_told:1;    /* overdue was called */
    unsigned                     first:1;        /* in: reads: before others */
    unsigned                     bounded:1;      /* in: writes: refused where
                                                    STORE_ASKED of them wait */
    unsigned                     woken:1;        /* out: reads: another node has
                                                    released something */
};


/* EVENT: keeps an event and makes its deliveries. */

typedef enum {
    NGX_HTTP_JAMHOOK_EVENT_STORED = 0,   /* it, or deliveries it lacked */
    NGX_HTTP_JAMHOOK_EVENT_DUPLICATE,    /* nothing new, or only restarted */
    NGX_HTTP_JAMHOOK_EVENT_CONFLICT,     /* its id was seen with another body;
                                            nothing was changed */
    NGX_HTTP_JAMHOOK_EVENT_FULL          /* max_size is reached, likewise */
} ngx_http_jamhook_event_verdict_e;

typedef enum {
    NGX_HTTP_JAMHOOK_ROUTE_EXISTS = 0,   /* has a delivery that goes its way */
    NGX_HTTP_JAMHOOK_ROUTE_ADDED,
    NGX_HTTP_JAMHOOK_ROUTE_RESTARTED     /* had failed */
} ngx_http_jamhook_route_verdict_e;

typedef struct {
    ngx_uint_t                         endpoint;         /* in: index */
    ngx_msec_t                         lease;            /* in: ms */
    unsigned                           claim:1;          /* in: if possible */

    unsigned                           claimed:1;        /* out: ours to send */
    ngx_http_jamhook_route_verdict_e   verdict;          /* out */
    ngx_uint_t                         number;           /* out: attempt's */
    ngx_uint_t                         replay;           /* out: 0, 1, ... */
    int64_t                            lease_until;      /* out: mono, ms */
} ngx_http_jamhook_op_route_t;

typedef struct {
    ngx_http_jamhook_op_t              op;

    ngx_str_t                          id;
    ngx_str_t                          source;           /* the location */
    ngx_str_t                          event_id;
    ngx_str_t                          type;
    ngx_str_t                          created_at;       /* as sent */
    ngx_str_t                          conversation_id;
    ngx_str_t                          jam_id;
    ngx_str_t                          recording_url;
    ngx_str_t                          key;              /* fingerprint of the
                                                            one that verified */
    ngx_str_t                          headers;          /* JSON, masked */
    ngx_str_t                          body;
    ngx_http_jamhook_op_route_t       *routes;
    ngx_uint_t                         nroutes;

    ngx_http_jamhook_event_verdict_e   verdict;          /* out */
    int64_t                            event;            /* out: its number */
} ngx_http_jamhook_op_event_t;


/* CLAIM: takes deliveries that are due, for this session to send. */

typedef struct ngx_http_jamhook_claim_s  ngx_http_jamhook_claim_t;

struct ngx_http_jamhook_claim_s {
    ngx_http_jamhook_claim_t          *next;
    ngx_pool_t                        *pool;     /* its own, this struct and its
                                                    strings lie in it; whoever
                                                    gets the op back owns it */
    ngx_uint_t                         endpoint;
    int64_t                            event;
    ngx_uint_t                         number;   /* of the attempt: 1, 2, ... */
    ngx_uint_t                         replay;
    ngx_uint_t                         step;     /* of the ladder: 0, 1, ... */
    ngx_uint_t                         interrupted;      /* in a row */
    ngx_http_jamhook_trigger_e         trigger;
    int64_t                            lease_until;      /* mono, ms */

    ngx_str_t                          id;
    ngx_str_t                          event_id;
    ngx_str_t                          type;
    ngx_str_t                          created_at;
    ngx_str_t                          conversation_id;
    ngx_str_t                          jam_id;
    ngx_str_t                          recording_url;
    ngx_str_t                          key;
    ngx_str_t                          body;
};

/*
 * A claim with nothing in it but its pool, and len bytes behind it for its
 * strings.  NULL: no memory.
 */
ngx_http_jamhook_claim_t *ngx_http_jamhook_backend_claim(size_t len,
    ngx_log_t *log);

typedef struct {
    ngx_uint_t                         endpoint;         /* in */
    ngx_uint_t                         n;                /* in: how many */
    ngx_msec_t                         lease;            /* in: ms */

    ngx_uint_t                         claimed;          /* out */
    unsigned                           more:1;           /* out: due ones are
                                                            left */
    int64_t                            next_at;          /* out: when the next
                                                            one is due; 0: none
                                                            waits, or more */
} ngx_http_jamhook_want_t;

typedef struct {
    ngx_http_jamhook_op_t              op;

    ngx_log_t                         *log;              /* for pools */
    ngx_http_jamhook_want_t           *wants;
    ngx_uint_t                         nwants;
    int64_t                            longest;          /* in: ms; what is due
                                                            later than this is
                                                            due now: the clock
                                                            was set back */

    ngx_http_jamhook_claim_t          *claims;           /* out */
} ngx_http_jamhook_op_claim_t;

/* Frees claims that nobody will get. */
void ngx_http_jamhook_backend_claims_free(ngx_http_jamhook_op_claim_t *op);


/*
 * OUTCOME: what came of an attempt, and what is next.  One op for the attempt's
 * record, the delivery's state and the endpoint's.
 */

typedef struct {
    ngx_http_jamhook_op_t              op;

    ngx_uint_t                         endpoint;
    int64_t                            event;
    ngx_uint_t                         number;           /* the claim's */
    ngx_str_t                          owner;            /* of the lease; empty:
                                                            this session */

    /* the attempt's record */

    ngx_http_jamhook_trigger_e         trigger;
    ngx_http_jamhook_result_e          result;
    int64_t                            started_at;       /* Unix ms */
    ngx_msec_t                         duration;
    ngx_str_t                          error;            /* "timeout", ... */
    ngx_uint_t                         status;           /* 0: no response */
    ngx_str_t                          request_headers;  /* JSON */
    ngx_str_t                          request_body;     /* absent: the event's
                                                            own, as received */
    ngx_str_t                          response_headers; /* JSON, masked */
    ngx_str_t                          response_body;
    unsigned                           truncated:1;      /* response_body is */

    /* what is next, used if the lease is still held */

    ngx_http_jamhook_state_e           state;            /* not SENDING */
    ngx_msec_t                         delay;            /* PENDING: from now */
    ngx_uint_t                         step;
    ngx_uint_t                         interrupted;

    /* for the endpoint */

    unsigned                           counts:1;         /* FAILED: towards
                                                            disable_after */
    unsigned                           gone:1;           /* pause it */
    ngx_msec_t                         disable_after;    /* 0: off */

    unsigned                           late:1;           /* out: the lease was
                                                            not held any more */
    ngx_http_jamhook_pause_e           paused;           /* out: this paused the
                                                            endpoint, why */
    unsigned                           resumed:1;        /* out: this resumed
                                                            it */
} ngx_http_jamhook_op_outcome_t;


/* REPLAY: new attempts of one event, at once. */

typedef enum {
    NGX_HTTP_JAMHOOK_REPLAY_OK = 0,
    NGX_HTTP_JAMHOOK_REPLAY_NO_EVENT,    /* or it was forgotten */
    NGX_HTTP_JAMHOOK_REPLAY_NO_DELIVERY, /* none to that endpoint */
    NGX_HTTP_JAMHOOK_REPLAY_SENDING      /* one is; nothing was changed */
} ngx_http_jamhook_replay_verdict_e;

typedef struct {
    ngx_http_jamhook_op_t              op;

    ngx_str_t                          id;
    ngx_uint_t                         endpoint;         /* in: NO_ENDPOINT:
                                                            all it has */
    unsigned                           may_add:1;        /* in: make a delivery
                                                            to endpoint if it
                                                            has none, and came
                                                            by one of */
    ngx_str_t                         *sources;          /* in: locations that
                                                            pass to endpoint */
    ngx_uint_t                         nsources;

    ngx_http_jamhook_replay_verdict_e  verdict;          /* out */
    ngx_uint_t                         replayed;         /* out: deliveries */
} ngx_http_jamhook_op_replay_t;


/*
 * RECOVER: replays what failed, and makes due what waits for its next try.
 * RESUME: releases an endpoint's deliveries.  Both change at most
 * NGX_HTTP_JAMHOOK_STORE_ROWS and are submitted again until they are "done".
 */

typedef struct {
    ngx_http_jamhook_op_t              op;

    ngx_uint_t                         endpoint;
    int64_t                            since;            /* received_at, ms */
    int64_t                            until;            /* not included; 0:
                                                            now */
    int64_t                            cursor;           /* in, out; 0 first */
    int64_t                            last;             /* likewise: where the
                                                            first call found
                                                            the end */
    ngx_uint_t                         changed;          /* out: by this call */
    ngx_uint_t                         failed;           /* out: of these, those
                                                            that had failed */
    ngx_uint_t                         released;         /* out, RESUME: what
                                                            was held, when it
                                                            is done */
    unsigned                           done:1;           /* out */
} ngx_http_jamhook_op_recover_t;

/* RESUME uses all but since, until, cursor and failed of the same struct. */
typedef ngx_http_jamhook_op_recover_t  ngx_http_jamhook_op_resume_t;


typedef struct {
    ngx_http_jamhook_op_t              op;

    ngx_uint_t                         endpoint;
    ngx_http_jamhook_pause_e           reason;           /* not NONE */
} ngx_http_jamhook_op_pause_t;


/* FORGET: takes out what tells of a customer. */

typedef enum {
    NGX_HTTP_JAMHOOK_FORGET_OK = 0,
    NGX_HTTP_JAMHOOK_FORGET_NO_EVENT,
    NGX_HTTP_JAMHOOK_FORGET_SENDING      /* nothing was changed */
} ngx_http_jamhook_forget_verdict_e;

typedef struct {
    ngx_http_jamhook_op_t              op;

    ngx_str_t                          id;
    ngx_http_jamhook_forget_verdict_e  verdict;          /* out */
    unsigned                           wiped:1;          /* out: nor is it in
                                                            a journal that we
                                                            can clear; if not,
                                                            later batches try
                                                            again */
} ngx_http_jamhook_op_forget_t;


/*
 * RETAIN: removes a batch of events that are older than age.  Those that are
 * finished go; deliveries that are paused, or to an endpoint that nobody has
 * had in a configuration for as long as age, become failed first.
 */

typedef struct {
    ngx_http_jamhook_op_t              op;

    int64_t                            age;              /* ms */

    ngx_uint_t                         removed;          /* out: events */
    ngx_uint_t                         paused;           /* out: deliveries that
                                                            were failed */
    ngx_uint_t                         unknown;          /* out: likewise */
    unsigned                           more:1;           /* out: go on soon */
} ngx_http_jamhook_op_retain_t;


/* PROBE: writes something, to see whether that works (again). */

typedef struct {
    ngx_http_jamhook_op_t              op;
} ngx_http_jamhook_op_probe_t;


/*
 * POLL: what there is to do.  A lease is over when its owner's process is gone
 * or its time has come, whichever is first.
 */

typedef struct ngx_http_jamhook_orphan_s  ngx_http_jamhook_orphan_t;

struct ngx_http_jamhook_orphan_s {       /* a delivery whose lease is over */
    ngx_http_jamhook_orphan_t         *next;
    ngx_uint_t                         endpoint;
    int64_t                            event;
    ngx_uint_t                         number;
    ngx_uint_t                         step;
    ngx_uint_t                         interrupted;
    ngx_http_jamhook_trigger_e         trigger;
    int64_t                            started_at;       /* of the claim */
    ngx_str_t                          owner;
    ngx_str_t                          id;               /* the event's */
};

typedef struct {
    ngx_http_jamhook_pause_e           paused;
    int64_t                            paused_at;        /* 0: it is not */
    int64_t                            failing_since;    /* 0: it is not */
    int64_t                            next_at;          /* when the next
                                                            delivery is due, of
                                                            all that wait; now
                                                            or earlier: some
                                                            are; 0: none */
} ngx_http_jamhook_endpoint_status_t;

typedef struct {
    ngx_http_jamhook_op_t              op;

    ngx_pool_t                        *pool;             /* in: for the results,
                                                            touched by the job
                                                            alone till done */
    int64_t                            longest;          /* in: see CLAIM */

    ngx_http_jamhook_endpoint_status_t
                                      *endpoints;        /* out: by index */
    ngx_http_jamhook_orphan_t         *orphans;          /* out: up to
                                                            STORE_ROWS, only of
                                                            endpoints known
                                                            here */
} ngx_http_jamhook_op_poll_t;


/*
 * What the portal reads.  Results lie in op->pool, which belongs to the caller
 * and is touched by the job alone till the op is done.  Lists are newest first,
 * and a cursor stays right while rows come in and go.
 *
 * What has no index of its own is looked for through all rows.  After
 * NGX_HTTP_JAMHOOK_LIST_TIME a list ends for that reason: it has fewer rows
 * than the limit, maybe none, and a cursor to go on with.
 */

#define NGX_HTTP_JAMHOOK_LIST_TIME       25      /* ms */

/* a delivery's state as an endpoint's makes it: for filters and in results */
typedef enum {
    NGX_HTTP_JAMHOOK_SHOWN_PENDING = 0,
    NGX_HTTP_JAMHOOK_SHOWN_SENDING,
    NGX_HTTP_JAMHOOK_SHOWN_SUCCEEDED,
    NGX_HTTP_JAMHOOK_SHOWN_FAILED,
    NGX_HTTP_JAMHOOK_SHOWN_PAUSED,               /* pending, held with its
                                                    endpoint */
    NGX_HTTP_JAMHOOK_SHOWN_ANY                   /* filters: no matter */
} ngx_http_jamhook_shown_e;

typedef struct {
    int64_t                            seq;      /* grows with the log; SHOW:
                                                    0 */
    int64_t                            event;
    ngx_str_t                          id;       /* the event's; SHOW: absent */
    ngx_str_t                          type;     /* likewise */
    ngx_str_t                          endpoint; /* its name */
    ngx_uint_t                         number;
    ngx_http_jamhook_trigger_e         trigger;
    ngx_http_jamhook_result_e          result;
    int64_t                            started_at;
    int64_t                            duration; /* ms */
    ngx_uint_t                         status;   /* 0: no response */
    ngx_str_t                          error;    /* absent: none */

    /* SHOW only; absent where there was none or it was forgotten */

    ngx_str_t                          request_headers;  /* JSON */
    ngx_str_t                          request_body;     /* absent: the
                                                            event's own */
    ngx_str_t                          response_headers; /* JSON */
    ngx_str_t                          response_body;
    unsigned                           truncated:1;
} ngx_http_jamhook_shown_attempt_t;

typedef struct {
    ngx_str_t                          endpoint; /* its name */
    ngx_http_jamhook_shown_e           state;
    ngx_http_jamhook_pause_e           paused;   /* PAUSED: why */
    unsigned                           unknown:1;    /* PAUSED: for its endpoint
                                                    is not configured here */
    int64_t                            next_at;  /* PENDING; else 0 */
    int64_t                            changed_at;
    ngx_uint_t                         number;   /* of the last attempt; 0 */
    ngx_uint_t                         replay;
    ngx_array_t                        attempts; /* shown_attempt_t, SHOW only:
                                                    in their order */
} ngx_http_jamhook_shown_delivery_t;

typedef struct {
    int64_t                            event;
    int64_t                            received_at;
    ngx_str_t                          id;
    ngx_str_t                          source;
    ngx_str_t                          event_id;
    ngx_str_t                          type;
    ngx_str_t                          created_at;
    ngx_str_t                          conversation_id;
    ngx_str_t                          jam_id;
    ngx_str_t                          recording_url;
    ngx_str_t                          key;
    size_t                             size;     /* of the body, bytes */
    ngx_str_t                          headers;  /* SHOW only: JSON */
    ngx_str_t                          body;     /* SHOW only */
    ngx_array_t                        deliveries;   /* shown_delivery_t, by
                                                        endpoint's name */
    unsigned                           forgotten:1;
} ngx_http_jamhook_shown_event_t;


/* EVENTS: a list of events that match all of what is given. */

typedef struct {
    ngx_http_jamhook_op_t              op;

    ngx_pool_t                        *pool;
    ngx_uint_t                         limit;            /* rows, at least 1 */
    int64_t                            cursor;           /* in: 0, or next */

    ngx_str_t                          type;             /* absent: any */
    ngx_str_t                          endpoint;         /* a name, likewise */
    ngx_str_t                          conversation_id;
    ngx_str_t                          jam_id;
    ngx_http_jamhook_shown_e           state;            /* has a delivery in
                                                            it, to "endpoint"
                                                            if that is given */
    int64_t                            since;            /* received_at; 0 */
    int64_t                            until;            /* not included; 0 */

    ngx_array_t                        events;           /* out:
                                                            shown_event_t */
    int64_t                            next;             /* out: where to go
                                                            on; 0: the end */
} ngx_http_jamhook_op_events_t;


/* SHOW: all of one event. */

typedef struct {
    ngx_http_jamhook_op_t              op;

    ngx_pool_t                        *pool;
    ngx_str_t                          id;

    ngx_http_jamhook_shown_event_t    *event;            /* out: NULL: none */
} ngx_http_jamhook_op_show_t;


/* ATTEMPTS: the log. */

#define NGX_HTTP_JAMHOOK_RESULT_ANY  ((ngx_uint_t) -1)

typedef struct {
    ngx_http_jamhook_op_t              op;

    ngx_pool_t                        *pool;
    ngx_uint_t                         limit;
    int64_t                            cursor;

    ngx_str_t                          endpoint;         /* absent: any */
    ngx_uint_t                         result;           /* or RESULT_ANY */
    int64_t                            since;            /* started_at; 0 */
    int64_t                            until;

    ngx_array_t                        attempts;         /* out:
                                                            shown_attempt_t */
    int64_t                            next;             /* out */
} ngx_http_jamhook_op_attempts_t;


/* ENDPOINTS: how each endpoint stands; those of the configuration first. */

typedef struct {
    ngx_str_t                          name;
    ngx_uint_t                         index;            /* NO_ENDPOINT: it is
                                                            not configured
                                                            here, and something
                                                            waits for it */
    ngx_http_jamhook_pause_e           paused;
    int64_t                            paused_at;        /* 0: it is not */
    int64_t                            failing_since;    /* 0: it is not */
    int64_t                            succeeded;        /* deliveries that are
                                                            in the store */
    int64_t                            failed;
    int64_t                            pending;          /* or paused */
    int64_t                            sending;
    int64_t                            oldest_at;        /* received_at of the
                                                            oldest pending
                                                            one's event; 0 */
    ngx_http_jamhook_shown_attempt_t  *last;             /* attempt, with id
                                                            and type; NULL */
} ngx_http_jamhook_shown_endpoint_t;

typedef struct {
    ngx_http_jamhook_op_t              op;

    ngx_pool_t                        *pool;

    ngx_array_t                        endpoints;        /* out:
                                                            shown_endpoint_t */
} ngx_http_jamhook_op_endpoints_t;


/*
 * STATS: attempts over time, kept summed up by minute (for a day) and by hour
 * (for 31 days), whatever the retention.  Durations are counted in slots, eight
 * for each doubling.
 */

#define NGX_HTTP_JAMHOOK_SLOTS           152

/* The slot of a duration in ms, and the smallest duration of a slot. */
ngx_uint_t ngx_http_jamhook_backend_slot(int64_t ms);
int64_t ngx_http_jamhook_backend_slot_ms(ngx_uint_t slot);

typedef struct {
    int64_t                            results[3];       /* by result_e */
} ngx_http_jamhook_bucket_t;

typedef struct {
    ngx_str_t                          name;
    ngx_http_jamhook_bucket_t          total;
    ngx_http_jamhook_bucket_t         *buckets;          /* op->n of them */
    int64_t                           *slots;            /* SLOTS of them: of
                                                            succeeded and
                                                            failed ones */
} ngx_http_jamhook_shown_stats_t;

typedef struct {
    ngx_http_jamhook_op_t              op;

    ngx_pool_t                        *pool;
    int64_t                            width;            /* in: ms of a bucket,
                                                            whole minutes, or
                                                            whole hours above
                                                            one hour */
    ngx_uint_t                         n;                /* in: of them; the
                                                            last one is that
                                                            of now */

    int64_t                            since;            /* out: Unix ms, a
                                                            multiple of width */
    ngx_array_t                        endpoints;        /* out: shown_stats_t,
                                                            those of the conf
                                                            and any that have
                                                            numbers */
} ngx_http_jamhook_op_stats_t;


/* NAMES: of all endpoints that the store has heard of, for a guest. */

typedef struct {
    ngx_http_jamhook_op_t              op;

    ngx_pool_t                        *pool;

    ngx_array_t                        names;            /* out: ngx_str_t, in
                                                            their order */
} ngx_http_jamhook_op_names_t;


typedef enum {
    NGX_HTTP_JAMHOOK_SESSION_WRITE = 0,
    NGX_HTTP_JAMHOOK_SESSION_READ        /* opened after a writing one was */
} ngx_http_jamhook_session_e;

typedef struct {
    char         *name;                  /* "sqlite", "pgsql" */

    /*
     * In trouble it is tried again after STORE_RETRY, and then ever more seldom
     * till only so often, ms.
     */
    ngx_msec_t    seldom;

    /*
     * In a worker, on the event loop, before any session is opened.  NULL:
     * there is nothing to be done.
     */
    void        (*ready)(void);

    /*
     * Opens a session; a writing one makes the store where there is none
     * (*created is set then) and brings its schema up to date, in one
     * transaction.  NULL: *failure says why.
     */
    void       *(*open)(ngx_http_jamhook_store_conf_t *conf,
                        ngx_http_jamhook_session_e kind,
                        ngx_http_jamhook_clock_t *clock, ngx_log_t *log,
                        ngx_uint_t *created,
                        ngx_http_jamhook_failure_t *failure);

    void        (*close)(void *session);

    /*
     * This process has no leases any more, and will open no session: gives up
     * conf->member.
     */
    void        (*leave)(ngx_http_jamhook_store_conf_t *conf);

    /*
     * Carries ops out, in their order, in one transaction.  NGX_OK: all of
     * them are on disk; NGX_ERROR: none is, "out" members mean nothing (claims
     * have been freed), *failure says why, and the session can be used again
     * after BUSY, NOSPC and MEMORY, else it is to be closed.
     */
    ngx_int_t   (*write)(void *session, ngx_http_jamhook_op_t **ops,
                         ngx_uint_t n, ngx_http_jamhook_clock_t *clock,
                         ngx_http_jamhook_failure_t *failure);

    /* The same for one reading op. */
    ngx_int_t   (*read)(void *session, ngx_http_jamhook_op_t *op,
                        ngx_http_jamhook_clock_t *clock,
                        ngx_http_jamhook_failure_t *failure);

    /*
     * Looks for the store, for a guest, and says whose it is: root takes that
     * user's rights before it opens it, so that what is made on the way stays
     * nginx's.  NGX_OK; NGX_ERROR: there is none, *failure says why.
     */
    ngx_int_t   (*look)(ngx_http_jamhook_store_conf_t *conf, uid_t *uid,
                        gid_t *gid, ngx_http_jamhook_failure_t *failure);

    /*
     * A descriptor of a reading session that no job has: it becomes readable
     * when another node has released something, or the connection is gone, and
     * a POLL is due then.  It stays the session's, and changes at most by a
     * job.  -1: there is none.  The function may be NULL.
     */
    int         (*descriptor)(void *session);

    /*
     * What who runs it can do about a failure, as a clause of a log line; of
     * STORE_OK: where a new store was made, and there should have been one.
     */
    char       *(*advice)(ngx_http_jamhook_failure_e kind);
} ngx_http_jamhook_backend_t;


extern ngx_http_jamhook_backend_t  ngx_http_jamhook_sqlite_backend;

#if (NGX_HTTP_JAMHOOK_PGSQL)                     /* libpq was there at build */
extern ngx_http_jamhook_backend_t  ngx_http_jamhook_pgsql_backend;
#endif


#endif /* _NGX_HTTP_JAMHOOK_BACKEND_H_INCLUDED_ */
