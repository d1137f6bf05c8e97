
#include "ngx_http_jamhook_store.h"
#include "ngx_http_jamhook_clock.h"
#include "ngx_http_jamhook_jobs.h"


/*
 * A session and what it has to do.  While its job is under way, what is below
 * "the job's" is the thread's.
 */
typedef struct {
    ngx_http_jamhook_job_t            job;
    ngx_http_jamhook_session_e        kind;
    unsigned                          busy:1;

    /* the job's */

    void                             *session;
    ngx_http_jamhook_op_t            *ops[NGX_HTTP_JAMHOOK_STORE_BATCH + 1];
    ngx_uint_t                        n;
    ngx_int_t                         rc;
    ngx_uint_t                        created;
    int64_t                           us;        /* it took */
    ngx_http_jamhook_failure_t        failure;
} ngx_http_jamhook_lane_t;


static void ngx_http_jamhook_store_submit_read(ngx_http_jamhook_op_t *op);
static void ngx_http_jamhook_store_refuse(ngx_http_jamhook_op_t *op);
static void ngx_http_jamhook_store_refused_handler(ngx_event_t *ev);
static void ngx_http_jamhook_store_turn_handler(ngx_event_t *ev);
static void ngx_http_jamhook_store_run(void);
static ngx_uint_t ngx_http_jamhook_store_batch(void);
static size_t ngx_http_jamhook_store_take(ngx_queue_t *queue, ngx_uint_t max,
    size_t bytes);
static void ngx_http_jamhook_store_post(ngx_http_jamhook_lane_t *lane);
static void ngx_http_jamhook_store_read(void);
static void ngx_http_jamhook_store_hold(void);

static void ngx_http_jamhook_store_watch_init(ngx_log_t *log);
static void ngx_http_jamhook_store_watch(void);
static void ngx_http_jamhook_store_unwatch(void);
static void ngx_http_jamhook_store_watch_handler(ngx_event_t *ev);

static void ngx_http_jamhook_store_job(void *data, ngx_log_t *log);
static void ngx_http_jamhook_store_clock(ngx_http_jamhook_clock_t *clock);

static void ngx_http_jamhook_store_written(void *data);
static void ngx_http_jamhook_store_was_read(void *data);
static void ngx_http_jamhook_store_doubt(ngx_http_jamhook_failure_t *failure);
static void ngx_http_jamhook_store_well(ngx_uint_t created);
static void ngx_http_jamhook_store_trouble(
    ngx_http_jamhook_failure_t *failure);
static ngx_msec_t ngx_http_jamhook_store_next_try(void);
static void ngx_http_jamhook_store_tell(ngx_http_jamhook_failure_t *failure);
static void ngx_http_jamhook_store_printable(u_char *text);
static void ngx_http_jamhook_store_unwritten(void);
static void ngx_http_jamhook_store_end(ngx_queue_t *queue, ngx_int_t rc);

static void ngx_http_jamhook_store_wait(void);
static void ngx_http_jamhook_store_retry_handler(ngx_event_t *ev);
static void ngx_http_jamhook_store_patience_handler(ngx_event_t *ev);
static void ngx_http_jamhook_store_patience(ngx_queue_t *queue);
static void ngx_http_jamhook_store_hold_handler(ngx_event_t *ev);


static struct {
    ngx_http_jamhook_backend_t      *backend;
    ngx_http_jamhook_store_conf_t   *conf;
    ngx_http_jamhook_store_state_e   state;
    void                           (*on_well)(ngx_uint_t again);
    void                           (*on_turn)(void);
    ngx_uint_t                     (*on_change)(ngx_uint_t trouble);
    void                           (*on_commit)(ngx_uint_t committed,
                                                int64_t us);
    void                           (*on_wake)(void);

    ngx_http_jamhook_lane_t          writing;
    ngx_http_jamhook_lane_t          reading;

    /* of ops; each has its turn in every transaction */

    ngx_queue_t                      outcomes;
    ngx_queue_t                      events;
    ngx_queue_t                      claims;
    ngx_queue_t                      others;
    ngx_queue_t                      reads;
    ngx_queue_t                      refused;

    ngx_queue_t                      under_way;      /* in the writing job */
    ngx_uint_t                       nevents;        /* in "events" */
    ngx_uint_t                       nothers;        /* in "others" */
    ngx_uint_t                       nreads;         /* in "reads" */
    size_t                           bytes;

    ngx_event_t                      turn;           /* posted */
    ngx_event_t                      refuse;         /* posted */
    ngx_event_t                      retry;
    ngx_event_t                      patience;
    ngx_event_t                      hold;           /* not cancelable */
    ngx_http_jamhook_op_probe_t      probe;

    ngx_connection_t                 watched;        /* fd: of the reading
                                                        session, or -1 */
    ngx_event_t                      readable;
    ngx_event_t                      writable;       /* never asked for */

    ngx_msec_t                       wait;           /* till the next try */
    ngx_msec_t                       next_try;       /* ngx_current_msec */
    ngx_msec_t                       since;          /* trouble's beginning */
    ngx_msec_t                       told;           /* when that was logged */
    ngx_msec_t                       warned;         /* of a read */
    unsigned                         doubt:1;        /* a read failed */
    ngx_http_jamhook_failure_e       kind;           /* as told */
    ngx_http_jamhook_failure_t       failure;        /* the last one */
    unsigned                         told_once:1;
    unsigned                         teller:1;       /* of this trouble */
} ngx_http_jamhook_store;


/* what nginx's debug log takes the data of a timer for */

static ngx_connection_t  ngx_http_jamhook_store_ident = { .fd = -1 };


/* of one kind of trouble that comes and goes */

#define NGX_HTTP_JAMHOOK_STORE_LOG_EVERY  10000      /* ms */


ngx_int_t
ngx_http_jamhook_store_init(ngx_cycle_t *cycle,
    ngx_http_jamhook_backend_t *backend, ngx_http_jamhook_store_conf_t *conf)
{
    ngx_event_t  *ev[5];
    ngx_uint_t    i;

    if (ngx_http_jamhook_jobs_init(cycle) != NGX_OK) {
        ngx_log_error(NGX_LOG_ALERT, cycle->log, 0,
                      "jamhook store has no threads");
        return NGX_ERROR;
    }

    ngx_http_jamhook_store.backend = backend;
    ngx_http_jamhook_store.conf = conf;

    if (backend->ready) {
        backend->ready();
    }

    ngx_queue_init(&ngx_http_jamhook_store.outcomes);
    ngx_queue_init(&ngx_http_jamhook_store.events);
    ngx_queue_init(&ngx_http_jamhook_store.claims);
    ngx_queue_init(&ngx_http_jamhook_store.others);
    ngx_queue_init(&ngx_http_jamhook_store.reads);
    ngx_queue_init(&ngx_http_jamhook_store.refused);
    ngx_queue_init(&ngx_http_jamhook_store.under_way);

    ngx_http_jamhook_store.writing.kind = NGX_HTTP_JAMHOOK_SESSION_WRITE;
    ngx_http_jamhook_store.writing.job.done = ngx_http_jamhook_store_written;
    ngx_http_jamhook_store.reading.kind = NGX_HTTP_JAMHOOK_SESSION_READ;
    ngx_http_jamhook_store.reading.job.done = ngx_http_jamhook_store_was_read;
    ngx_http_jamhook_store.reading.job.low = 1;

    ngx_http_jamhook_store.turn.handler = ngx_http_jamhook_store_turn_handler;
    ngx_http_jamhook_store.refuse.handler =
        ngx_http_jamhook_store_refused_handler;
    ngx_http_jamhook_store.retry.handler =
        ngx_http_jamhook_store_retry_handler;
    ngx_http_jamhook_store.patience.handler =
        ngx_http_jamhook_store_patience_handler;
    ngx_http_jamhook_store.hold.handler = ngx_http_jamhook_store_hold_handler;

    ev[0] = &ngx_http_jamhook_store.refuse;
    ev[1] = &ngx_http_jamhook_store.retry;
    ev[2] = &ngx_http_jamhook_store.patience;
    ev[3] = &ngx_http_jamhook_store.hold;
    ev[4] = &ngx_http_jamhook_store.turn;

    for (i = 0; i < 5; i++) {
        ev[i]->log = cycle->log;
        ev[i]->data = &ngx_http_jamhook_store_ident;
    }

    ngx_http_jamhook_store_watch_init(cycle->log);

    ngx_http_jamhook_store.wait = NGX_HTTP_JAMHOOK_STORE_RETRY;

    ngx_http_jamhook_store.retry.cancelable = 1;
    ngx_http_jamhook_store.patience.cancelable = 1;

    /* opens it */

    ngx_http_jamhook_store.probe.op.type = NGX_HTTP_JAMHOOK_OP_PROBE;
    ngx_http_jamhook_store_run();

    return NGX_OK;
}


void
ngx_http_jamhook_store_exit(void)
{
    ngx_uint_t                i;
    ngx_http_jamhook_lane_t  *lane[2];

    if (ngx_http_jamhook_store.reading.session) {
        ngx_http_jamhook_store_unwatch();
    }

    lane[0] = &ngx_http_jamhook_store.reading;
    lane[1] = &ngx_http_jamhook_store.writing;

    for (i = 0; i < 2; i++) {
        if (lane[i]->session) {
            ngx_http_jamhook_store.backend->close(lane[i]->session);
            lane[i]->session = NULL;
        }
    }

    if (ngx_http_jamhook_store.backend) {
        ngx_http_jamhook_store.backend->leave(ngx_http_jamhook_store.conf);
    }
}


ngx_uint_t
ngx_http_jamhook_store_is_well(void)
{
    return ngx_http_jamhook_store.state == NGX_HTTP_JAMHOOK_STORE_WELL;
}


void
ngx_http_jamhook_store_on_well(void (*handler)(ngx_uint_t again))
{
    ngx_http_jamhook_store.on_well = handler;
}


void
ngx_http_jamhook_store_on_turn(void (*handler)(void))
{
    ngx_http_jamhook_store.on_turn = handler;
}


void
ngx_http_jamhook_store_on_change(ngx_uint_t (*handler)(ngx_uint_t trouble))
{
    ngx_http_jamhook_store.on_change = handler;
}


void
ngx_http_jamhook_store_on_commit(
    void (*handler)(ngx_uint_t committed, int64_t us))
{
    ngx_http_jamhook_store.on_commit = handler;
}


void
ngx_http_jamhook_store_on_wake(void (*handler)(void))
{
    ngx_http_jamhook_store.on_wake = handler;
}


ngx_msec_t
ngx_http_jamhook_store_settle(void)
{
    return ngx_http_jamhook_store.backend->seldom
           + NGX_HTTP_JAMHOOK_STORE_SETTLE;
}


void
ngx_http_jamhook_store_status(ngx_http_jamhook_store_status_t *status)
{
    ngx_uint_t    i;
    ngx_queue_t  *q, *queues[3];

    ngx_memzero(status, sizeof(ngx_http_jamhook_store_status_t));

    status->state = ngx_http_jamhook_store.state;
    status->queue = ngx_http_jamhook_store.nevents;

    if (status->state == NGX_HTTP_JAMHOOK_STORE_TROUBLE) {
        status->ms = ngx_current_msec - ngx_http_jamhook_store.since;
        status->text = (char *) ngx_http_jamhook_store.failure.text;
        status->advice = ngx_http_jamhook_store.backend->advice(
                                         ngx_http_jamhook_store.failure.kind);
    }

    if (ngx_http_jamhook_store.backend == NULL) {
        return;
    }

    status->queue += ngx_http_jamhook_store.nothers;

    /* no more of these than deliveries under way, and a transaction */

    queues[0] = &ngx_http_jamhook_store.outcomes;
    queues[1] = &ngx_http_jamhook_store.claims;
    queues[2] = &ngx_http_jamhook_store.under_way;

    for (i = 0; i < 3; i++) {
        for (q = ngx_queue_head(queues[i]);
             q != ngx_queue_sentinel(queues[i]);
             q = ngx_queue_next(q))
        {
            status->queue++;
        }
    }
}


/*
 * What comes in during one turn of the event loop makes one transaction: the
 * job starts when the turn is over.
 */

void
ngx_http_jamhook_store_want_turn(void)
{
    if (!ngx_http_jamhook_store.turn.posted
        && !ngx_http_jamhook_store.writing.busy)
    {
        ngx_post_event(&ngx_http_jamhook_store.turn, &ngx_posted_events);
    }

    ngx_http_jamhook_store_hold();
}


static void
ngx_http_jamhook_store_turn_handler(ngx_event_t *ev)
{
    ngx_http_jamhook_store_run();
}


void
ngx_http_jamhook_store_submit(ngx_http_jamhook_op_t *op)
{
    op->rc = NGX_AGAIN;
    op->late_told = 0;
    op->woken = 0;

    if (op->type == NGX_HTTP_JAMHOOK_OP_OUTCOME) {
        ngx_queue_insert_tail(&ngx_http_jamhook_store.outcomes, &op->queue);
        ngx_http_jamhook_store_want_turn();
        return;
    }

    if (ngx_http_jamhook_store.state == NGX_HTTP_JAMHOOK_STORE_TROUBLE) {
        ngx_http_jamhook_store_refuse(op);
        return;
    }

    if (NGX_HTTP_JAMHOOK_OP_IS_READ(op->type)) {
        ngx_http_jamhook_store_submit_read(op);
        return;
    }

    switch (op->type) {

    case NGX_HTTP_JAMHOOK_OP_EVENT:

        if (ngx_http_jamhook_store.nevents >= NGX_HTTP_JAMHOOK_STORE_QUEUE
            || ngx_http_jamhook_store.bytes >= NGX_HTTP_JAMHOOK_STORE_WAITING)
        {
            ngx_http_jamhook_store_refuse(op);
            return;
        }

        ngx_http_jamhook_store.nevents++;
        ngx_http_jamhook_store.bytes += op->size;

        op->deadline = ngx_current_msec + NGX_HTTP_JAMHOOK_STORE_PATIENCE;

        if (!ngx_http_jamhook_store.patience.timer_set) {
            ngx_add_timer(&ngx_http_jamhook_store.patience,
                          NGX_HTTP_JAMHOOK_STORE_PATIENCE);
        }

        ngx_queue_insert_tail(&ngx_http_jamhook_store.events, &op->queue);
        break;

    case NGX_HTTP_JAMHOOK_OP_CLAIM:
        ngx_queue_insert_tail(&ngx_http_jamhook_store.claims, &op->queue);
        break;

    default:

        if (op->bounded
            && ngx_http_jamhook_store.nothers >= NGX_HTTP_JAMHOOK_STORE_ASKED)
        {
            ngx_http_jamhook_store_refuse(op);
            return;
        }

        ngx_http_jamhook_store.nothers++;

        ngx_queue_insert_tail(&ngx_http_jamhook_store.others, &op->queue);
    }

    ngx_http_jamhook_store_want_turn();
}


/* what deliveries wait for goes before what people look at */

static void
ngx_http_jamhook_store_submit_read(ngx_http_jamhook_op_t *op)
{
    ngx_uint_t  max;

    max = op->first ? 2 * NGX_HTTP_JAMHOOK_STORE_READS
                    : NGX_HTTP_JAMHOOK_STORE_READS;

    if (ngx_http_jamhook_store.nreads >= max) {
        ngx_http_jamhook_store_refuse(op);
        return;
    }

    if (op->first) {
        ngx_queue_insert_head(&ngx_http_jamhook_store.reads, &op->queue);

    } else {
        ngx_queue_insert_tail(&ngx_http_jamhook_store.reads, &op->queue);
    }

    ngx_http_jamhook_store.nreads++;

    ngx_http_jamhook_store_read();
}


static void
ngx_http_jamhook_store_refuse(ngx_http_jamhook_op_t *op)
{
    op->rc = NGX_BUSY;

    ngx_queue_insert_tail(&ngx_http_jamhook_store.refused, &op->queue);

    if (!ngx_http_jamhook_store.refuse.posted) {
        ngx_post_event(&ngx_http_jamhook_store.refuse, &ngx_posted_events);
    }

    ngx_http_jamhook_store_hold();
}


static void
ngx_http_jamhook_store_refused_handler(ngx_event_t *ev)
{
    ngx_http_jamhook_store_end(&ngx_http_jamhook_store.refused, NGX_BUSY);
    ngx_http_jamhook_store_hold();
}


/* starts the writing job, if there is something for it */

static void
ngx_http_jamhook_store_run(void)
{
    ngx_http_jamhook_lane_t  *lane;

    lane = &ngx_http_jamhook_store.writing;

    if (lane->busy) {
        return;
    }

    if (ngx_http_jamhook_store.state != NGX_HTTP_JAMHOOK_STORE_TROUBLE) {

        if (ngx_http_jamhook_store.on_turn) {
            ngx_http_jamhook_store.on_turn();
        }

        if (ngx_http_jamhook_store_batch()) {
            ngx_http_jamhook_store_post(lane);
        }
    }

    ngx_http_jamhook_store_hold();
}


/* takes the next transaction's ops out of the queues; returns how many */

static ngx_uint_t
ngx_http_jamhook_store_batch(void)
{
    size_t                    bytes;
    ngx_uint_t                max;
    ngx_http_jamhook_lane_t  *lane;

    lane = &ngx_http_jamhook_store.writing;
    lane->n = 0;

    max = NGX_HTTP_JAMHOOK_STORE_BATCH;
    bytes = NGX_HTTP_JAMHOOK_STORE_BYTES;

    if (ngx_http_jamhook_store.state != NGX_HTTP_JAMHOOK_STORE_WELL
        || ngx_http_jamhook_store.doubt)
    {
        ngx_http_jamhook_store.doubt = 0;
        lane->ops[lane->n++] = &ngx_http_jamhook_store.probe.op;
    }

    /*
     * A delivery of an event that was taken must go on: outcomes first.  They
     * leave room for events.  Of claims, and of the rest, there is at most one
     * op a transaction, for it may change many rows.
     */

    (void) ngx_http_jamhook_store_take(&ngx_http_jamhook_store.outcomes,
                                       max / 2, bytes);

    if (ngx_http_jamhook_store.state == NGX_HTTP_JAMHOOK_STORE_TROUBLE) {
        return lane->n;
    }

    bytes = ngx_http_jamhook_store_take(&ngx_http_jamhook_store.events,
                                        max - 1, bytes);

    (void) ngx_http_jamhook_store_take(&ngx_http_jamhook_store.claims,
                                       lane->n + 1, bytes + 1);

    (void) ngx_http_jamhook_store_take(&ngx_http_jamhook_store.others,
                                       lane->n + 1, bytes + 1);

    return lane->n;
}


static size_t
ngx_http_jamhook_store_take(ngx_queue_t *queue, ngx_uint_t max, size_t bytes)
{
    ngx_queue_t              *q;
    ngx_http_jamhook_op_t    *op;
    ngx_http_jamhook_lane_t  *lane;

    lane = &ngx_http_jamhook_store.writing;

    while (lane->n < max && bytes && !ngx_queue_empty(queue)) {
        q = ngx_queue_head(queue);
        op = ngx_queue_data(q, ngx_http_jamhook_op_t, queue);

        ngx_queue_remove(q);
        ngx_queue_insert_tail(&ngx_http_jamhook_store.under_way, q);

        lane->ops[lane->n++] = op;
        bytes -= ngx_min(bytes, op->size);

        if (op->type == NGX_HTTP_JAMHOOK_OP_EVENT) {
            ngx_http_jamhook_store.nevents--;
            ngx_http_jamhook_store.bytes -= op->size;

        } else if (queue == &ngx_http_jamhook_store.others) {
            ngx_http_jamhook_store.nothers--;
        }
    }

    return bytes;
}


static void
ngx_http_jamhook_store_post(ngx_http_jamhook_lane_t *lane)
{
    if (lane == &ngx_http_jamhook_store.reading) {
        ngx_http_jamhook_store_unwatch();
    }

    lane->busy = 1;
    lane->job.run = ngx_http_jamhook_store_job;
    lane->job.data = lane;

    if (ngx_http_jamhook_jobs_post(&lane->job) == NGX_OK) {
        return;
    }

    /* as a failure of the job, for that is what it comes to */

    lane->rc = NGX_ERROR;
    lane->failure.kind = NGX_HTTP_JAMHOOK_STORE_MEMORY;
    (void) ngx_cpystrn(lane->failure.text, (u_char *) "no thread takes the job",
                       sizeof(lane->failure.text));

    lane->job.done(lane);
}


static void
ngx_http_jamhook_store_read(void)
{
    ngx_queue_t              *q;
    ngx_http_jamhook_op_t    *op;
    ngx_http_jamhook_lane_t  *lane;

    lane = &ngx_http_jamhook_store.reading;

    if (lane->busy
        || ngx_http_jamhook_store.state != NGX_HTTP_JAMHOOK_STORE_WELL)
    {
        return;
    }

    while (!ngx_queue_empty(&ngx_http_jamhook_store.reads)) {
        q = ngx_queue_head(&ngx_http_jamhook_store.reads);
        ngx_queue_remove(q);
        ngx_http_jamhook_store.nreads--;

        op = ngx_queue_data(q, ngx_http_jamhook_op_t, queue);

        if (op->wanted && !op->wanted(op)) {
            ngx_http_jamhook_store_refuse(op);
            continue;
        }

        lane->ops[0] = op;
        lane->n = 1;

        ngx_http_jamhook_store_post(lane);

        return;
    }
}


/*
 * A worker that is told to quit looks whether timers are left.  One is, while
 * something waits for the store.  Reads do not count.
 */

static void
ngx_http_jamhook_store_hold(void)
{
    ngx_uint_t  held;

    held = ngx_http_jamhook_store.writing.busy
           || !ngx_queue_empty(&ngx_http_jamhook_store.outcomes)
           || !ngx_queue_empty(&ngx_http_jamhook_store.events)
           || !ngx_queue_empty(&ngx_http_jamhook_store.refused);

    if (held && !ngx_http_jamhook_store.hold.timer_set) {
        ngx_add_timer(&ngx_http_jamhook_store.hold, 1000);

    } else if (!held && ngx_http_jamhook_store.hold.timer_set) {
        ngx_del_timer(&ngx_http_jamhook_store.hold);
    }
}


static void
ngx_http_jamhook_store_watch_init(ngx_log_t *log)
{
    ngx_event_t       *rev, *wev;
    ngx_connection_t  *c;

    c = &ngx_http_jamhook_store.watched;
    rev = &ngx_http_jamhook_store.readable;
    wev = &ngx_http_jamhook_store.writable;

    c->fd = (ngx_socket_t) -1;
    c->log = log;
    c->read = rev;
    c->write = wev;

    rev->handler = ngx_http_jamhook_store_watch_handler;
    rev->data = c;
    rev->log = log;

    wev->data = c;
    wev->log = log;
    wev->write = 1;
}


/*
 * While no job has the reading session, the loop listens to what comes in on
 * its connection.  This is none of nginx's own: it takes none of
 * "worker_connections" away, and is not looked at when the worker exits.
 */

static void
ngx_http_jamhook_store_watch(void)
{
    int                       fd;
    ngx_connection_t         *c;
    ngx_http_jamhook_lane_t  *lane;

    c = &ngx_http_jamhook_store.watched;
    lane = &ngx_http_jamhook_store.reading;

    if (ngx_http_jamhook_store.backend->descriptor == NULL
        || lane->busy
        || lane->session == NULL
        || c->fd != (ngx_socket_t) -1
        || ngx_exiting
        || ngx_terminate)
    {
        return;
    }

    fd = ngx_http_jamhook_store.backend->descriptor(lane->session);

    if (fd == -1) {
        return;
    }

    c->fd = fd;
    c->read->ready = 0;

    /* what epoll() told already of the last one is none of this one's */

    c->read->instance = !c->read->instance;
    c->write->instance = c->read->instance;

    if (ngx_handle_read_event(c->read, 0) != NGX_OK) {
        c->fd = (ngx_socket_t) -1;
    }
}


static void
ngx_http_jamhook_store_unwatch(void)
{
    ngx_connection_t  *c;

    c = &ngx_http_jamhook_store.watched;

    if (c->fd == (ngx_socket_t) -1) {
        return;
    }

    if (c->read->posted) {
        ngx_delete_posted_event(c->read);
    }

    if (c->read->active) {
        (void) ngx_del_event(c->read, NGX_READ_EVENT, 0);
    }

    c->fd = (ngx_socket_t) -1;
}


/* nothing more is told until a job has read what there is */

static void
ngx_http_jamhook_store_watch_handler(ngx_event_t *ev)
{
    ngx_http_jamhook_store_unwatch();

    if (ngx_http_jamhook_store.on_wake) {
        ngx_http_jamhook_store.on_wake();
    }
}


/* in a thread */

static void
ngx_http_jamhook_store_job(void *data, ngx_log_t *log)
{
    ngx_http_jamhook_lane_t *lane = data;

    int64_t                      began;
    ngx_http_jamhook_clock_t     clock;
    ngx_http_jamhook_backend_t  *backend;

    backend = ngx_http_jamhook_store.backend;
    began = ngx_http_jamhook_clock_mono_us();

    lane->rc = NGX_ERROR;
    lane->created = 0;
    lane->us = 0;
    ngx_memzero(&lane->failure, sizeof(ngx_http_jamhook_failure_t));

    ngx_http_jamhook_store_clock(&clock);

    if (lane->session == NULL) {
        lane->session = backend->open(ngx_http_jamhook_store.conf, lane->kind,
                                      &clock, log, &lane->created,
                                      &lane->failure);
        if (lane->session == NULL) {
            return;
        }

        ngx_http_jamhook_store_clock(&clock);
    }

    if (lane->kind == NGX_HTTP_JAMHOOK_SESSION_WRITE) {
        lane->rc = backend->write(lane->session, lane->ops, lane->n, &clock,
                                  &lane->failure);

    } else {
        lane->rc = backend->read(lane->session, lane->ops[0], &clock,
                                 &lane->failure);

        if (lane->rc == NGX_OK && lane->ops[0]->digest) {
            lane->ops[0]->digest(lane->ops[0]);
        }
    }

    lane->us = ngx_http_jamhook_clock_mono_us() - began;

    if (lane->rc != NGX_OK
        && lane->failure.kind != NGX_HTTP_JAMHOOK_STORE_BUSY
        && lane->failure.kind != NGX_HTTP_JAMHOOK_STORE_NOSPC
        && lane->failure.kind != NGX_HTTP_JAMHOOK_STORE_MEMORY)
    {
        backend->close(lane->session);
        lane->session = NULL;
    }
}


/* the thread may not look at nginx's own */

static void
ngx_http_jamhook_store_clock(ngx_http_jamhook_clock_t *clock)
{
    clock->now = ngx_http_jamhook_clock_now();
    clock->mono = ngx_http_jamhook_clock_mono();
}


static void
ngx_http_jamhook_store_written(void *data)
{
    ngx_queue_t               done;
    ngx_http_jamhook_lane_t  *lane = data;

    lane->busy = 0;

    if (ngx_http_jamhook_store.on_commit) {
        ngx_http_jamhook_store.on_commit(lane->rc == NGX_OK, lane->us);
    }

    if (lane->rc == NGX_OK) {

        if (ngx_http_jamhook_store.state != NGX_HTTP_JAMHOOK_STORE_WELL) {
            ngx_http_jamhook_store_well(lane->created);
        }

        ngx_queue_init(&done);

        if (!ngx_queue_empty(&ngx_http_jamhook_store.under_way)) {
            ngx_queue_add(&done, &ngx_http_jamhook_store.under_way);
            ngx_queue_init(&ngx_http_jamhook_store.under_way);
        }

        /* the next transaction is written while these are handed back */

        ngx_http_jamhook_store_run();
        ngx_http_jamhook_store_end(&done, NGX_OK);

    } else {
        ngx_http_jamhook_store_trouble(&lane->failure);
        ngx_http_jamhook_store_unwritten();
    }

    ngx_http_jamhook_store_run();
}


static void
ngx_http_jamhook_store_was_read(void *data)
{
    ngx_uint_t                woken;
    ngx_http_jamhook_op_t    *op;
    ngx_http_jamhook_lane_t  *lane = data;

    lane->busy = 0;

    op = lane->ops[0];
    op->rc = lane->rc;

    woken = lane->rc == NGX_OK && op->woken;

    if (lane->rc != NGX_OK) {
        ngx_http_jamhook_store_doubt(&lane->failure);
    }

    op->handler(op);

    /* it may have been read before what was released */

    if (woken && ngx_http_jamhook_store.on_wake) {
        ngx_http_jamhook_store.on_wake();
    }

    ngx_http_jamhook_store_read();
    ngx_http_jamhook_store_watch();
}


/* the writing session decides whether this is trouble: it writes a probe */

static void
ngx_http_jamhook_store_doubt(ngx_http_jamhook_failure_t *failure)
{
    if (failure->kind == NGX_HTTP_JAMHOOK_STORE_MOVED) {

        /* it opens the one that is in the place now */

    } else if (ngx_http_jamhook_store.warned == 0
        || ngx_current_msec - ngx_http_jamhook_store.warned
           >= NGX_HTTP_JAMHOOK_STORE_LOG_EVERY)
    {
        ngx_http_jamhook_store.warned = ngx_current_msec;

        ngx_log_error(NGX_LOG_WARN, ngx_cycle->log, 0,
                      "jamhook store \"%V\" could not be read: %s",
                      &ngx_http_jamhook_store.conf->place, failure->text);
    }

    ngx_http_jamhook_store.doubt = 1;
    ngx_http_jamhook_store_want_turn();
}


static void
ngx_http_jamhook_store_well(ngx_uint_t created)
{
    ngx_log_t   *log;
    ngx_uint_t   again, told;

    log = ngx_cycle->log;
    again = ngx_http_jamhook_store.state == NGX_HTTP_JAMHOOK_STORE_TROUBLE;

    if (created) {
        ngx_log_error(NGX_LOG_NOTICE, log, 0,
                      "jamhook store \"%V\" was newly made; was there one "
                      "before, then %s",
                      &ngx_http_jamhook_store.conf->place,
                      ngx_http_jamhook_store.backend->advice(
                                               NGX_HTTP_JAMHOOK_STORE_OK));
    }

    told = ngx_http_jamhook_store.on_change(NGX_HTTP_JAMHOOK_TROUBLE_NONE)
           == NGX_HTTP_JAMHOOK_TROUBLE_TOLD;

    if (told && again) {
        ngx_log_error(NGX_LOG_NOTICE, log, 0,
                      "jamhook store \"%V\" works again, after %M ms",
                      &ngx_http_jamhook_store.conf->place,
                      ngx_current_msec - ngx_http_jamhook_store.since);

    } else if (told) {

        /* others had the trouble, before a reload maybe */

        ngx_log_error(NGX_LOG_NOTICE, log, 0,
                      "jamhook store \"%V\" works again",
                      &ngx_http_jamhook_store.conf->place);
    }

    ngx_http_jamhook_store.state = NGX_HTTP_JAMHOOK_STORE_WELL;
    ngx_http_jamhook_store.wait = NGX_HTTP_JAMHOOK_STORE_RETRY;

    if (ngx_http_jamhook_store.on_well) {
        ngx_http_jamhook_store.on_well(again);
    }

    ngx_http_jamhook_store_read();
}


static void
ngx_http_jamhook_store_trouble(ngx_http_jamhook_failure_t *failure)
{
    ngx_msec_t  now;
    ngx_uint_t  lately;

    now = ngx_current_msec;

    ngx_http_jamhook_store.failure = *failure;
    ngx_http_jamhook_store_printable(ngx_http_jamhook_store.failure.text);

    if (!ngx_http_jamhook_store.retry.timer_set) {
        ngx_http_jamhook_store.next_try =
            now + ngx_http_jamhook_store_next_try();
        ngx_http_jamhook_store_wait();
    }

    if (ngx_http_jamhook_store.state != NGX_HTTP_JAMHOOK_STORE_TROUBLE) {
        ngx_http_jamhook_store.state = NGX_HTTP_JAMHOOK_STORE_TROUBLE;
        ngx_http_jamhook_store.since = now;
        ngx_http_jamhook_store.teller = 0;
    }

    /* one that comes and goes is told of every now and then */

    lately = ngx_http_jamhook_store.told_once
             && now - ngx_http_jamhook_store.told
                < NGX_HTTP_JAMHOOK_STORE_LOG_EVERY;

    if (lately) {
        (void) ngx_http_jamhook_store.on_change(
                                             NGX_HTTP_JAMHOOK_TROUBLE_QUIET);
        return;
    }

    if (ngx_http_jamhook_store.teller) {

        if (failure->kind != ngx_http_jamhook_store.kind) {
            ngx_http_jamhook_store_tell(failure);
        }

        return;
    }

    if (ngx_http_jamhook_store.on_change(NGX_HTTP_JAMHOOK_TROUBLE_TOLD)
        != NGX_HTTP_JAMHOOK_TROUBLE_TOLD)
    {
        ngx_http_jamhook_store.teller = 1;
        ngx_http_jamhook_store_tell(failure);
    }
}


/*
 * A server that comes back is not met by all workers of all nodes at the same
 * moment, again and again.
 */

static ngx_msec_t
ngx_http_jamhook_store_next_try(void)
{
    ngx_msec_t  wait, seldom;

    seldom = ngx_http_jamhook_store.backend->seldom;

    if (seldom <= NGX_HTTP_JAMHOOK_STORE_RETRY) {
        return NGX_HTTP_JAMHOOK_STORE_RETRY;
    }

    wait = ngx_http_jamhook_store.wait;

    ngx_http_jamhook_store.wait = ngx_min(wait + wait / 2, seldom);

    wait = wait - wait / 5 + ngx_random() % (2 * wait / 5);

    return ngx_min(wait, seldom);
}


/* with a look now and then whether another worker has found it well */

static void
ngx_http_jamhook_store_wait(void)
{
    ngx_msec_int_t  left;

    left = ngx_http_jamhook_store.next_try - ngx_current_msec;

    ngx_add_timer(&ngx_http_jamhook_store.retry,
                  (left < 0) ? 0 : ngx_min((ngx_msec_t) left,
                                           NGX_HTTP_JAMHOOK_STORE_RETRY));
}


static void
ngx_http_jamhook_store_tell(ngx_http_jamhook_failure_t *failure)
{
    u_char      often[NGX_INT64_LEN + sizeof("1 to  s")];
    ngx_msec_t  seldom;

    seldom = ngx_http_jamhook_store.backend->seldom;

    if (seldom <= NGX_HTTP_JAMHOOK_STORE_RETRY) {
        (void) ngx_sprintf(often, "second%Z");

    } else {
        (void) ngx_sprintf(often, "1 to %M s%Z", seldom / 1000);
    }

    ngx_http_jamhook_store.told = ngx_current_msec;
    ngx_http_jamhook_store.told_once = 1;
    ngx_http_jamhook_store.kind = failure->kind;

    ngx_log_error(NGX_LOG_CRIT, ngx_cycle->log, 0,
                  "jamhook store \"%V\" does not work: %s; %s; new events get "
                  "503 until it works again, which is tried every %s",
                  &ngx_http_jamhook_store.conf->place,
                  ngx_http_jamhook_store.failure.text,
                  ngx_http_jamhook_store.backend->advice(failure->kind),
                  often);
}


/* the file or the server may say anything, and it is repeated */

static void
ngx_http_jamhook_store_printable(u_char *text)
{
    for ( /* void */ ; *text; text++) {

        if (*text < 0x20 || *text >= 0x7f) {
            *text = '?';
        }
    }
}


/* after a transaction that came to nothing */

static void
ngx_http_jamhook_store_unwritten(void)
{
    ngx_queue_t            *q, failed;
    ngx_http_jamhook_op_t  *op;

    ngx_queue_init(&failed);

    while (!ngx_queue_empty(&ngx_http_jamhook_store.under_way)) {
        q = ngx_queue_last(&ngx_http_jamhook_store.under_way);
        ngx_queue_remove(q);

        op = ngx_queue_data(q, ngx_http_jamhook_op_t, queue);

        if (op->type == NGX_HTTP_JAMHOOK_OP_OUTCOME) {
            ngx_queue_insert_head(&ngx_http_jamhook_store.outcomes, q);

        } else {
            ngx_queue_insert_head(&failed, q);
        }
    }

    /* those that wait have nothing better to expect */

    ngx_http_jamhook_store_end(&failed, NGX_ERROR);
    ngx_http_jamhook_store_end(&ngx_http_jamhook_store.events, NGX_BUSY);
    ngx_http_jamhook_store_end(&ngx_http_jamhook_store.claims, NGX_BUSY);
    ngx_http_jamhook_store_end(&ngx_http_jamhook_store.others, NGX_BUSY);
    ngx_http_jamhook_store_end(&ngx_http_jamhook_store.reads, NGX_BUSY);
}


/* hands back all that are in the queue now */

static void
ngx_http_jamhook_store_end(ngx_queue_t *queue, ngx_int_t rc)
{
    ngx_queue_t             ended, *q;
    ngx_http_jamhook_op_t  *op;

    if (ngx_queue_empty(queue)) {
        return;
    }

    ngx_queue_init(&ended);
    ngx_queue_add(&ended, queue);
    ngx_queue_init(queue);

    if (queue == &ngx_http_jamhook_store.events) {
        ngx_http_jamhook_store.nevents = 0;
        ngx_http_jamhook_store.bytes = 0;
    }

    if (queue == &ngx_http_jamhook_store.others) {
        ngx_http_jamhook_store.nothers = 0;
    }

    if (queue == &ngx_http_jamhook_store.reads) {
        ngx_http_jamhook_store.nreads = 0;
    }

    while (!ngx_queue_empty(&ended)) {
        q = ngx_queue_head(&ended);
        ngx_queue_remove(q);

        op = ngx_queue_data(q, ngx_http_jamhook_op_t, queue);
        op->rc = rc;
        op->handler(op);
    }
}


/* in trouble */

static void
ngx_http_jamhook_store_retry_handler(ngx_event_t *ev)
{
    ngx_http_jamhook_lane_t  *lane;

    lane = &ngx_http_jamhook_store.writing;

    if (lane->busy
        || ngx_http_jamhook_store.state != NGX_HTTP_JAMHOOK_STORE_TROUBLE)
    {
        return;
    }

    if ((ngx_msec_int_t) (ngx_http_jamhook_store.next_try - ngx_current_msec)
        > 0
        && ngx_http_jamhook_store.on_change(NGX_HTTP_JAMHOOK_TROUBLE_ASK)
           != NGX_HTTP_JAMHOOK_TROUBLE_NONE)
    {
        ngx_http_jamhook_store_wait();
        return;
    }

    (void) ngx_http_jamhook_store_batch();

    ngx_http_jamhook_store_post(lane);
    ngx_http_jamhook_store_hold();
}


static void
ngx_http_jamhook_store_patience_handler(ngx_event_t *ev)
{
    ngx_http_jamhook_store_patience(&ngx_http_jamhook_store.under_way);
    ngx_http_jamhook_store_patience(&ngx_http_jamhook_store.events);

    if (!ngx_queue_empty(&ngx_http_jamhook_store.under_way)
        || !ngx_queue_empty(&ngx_http_jamhook_store.events))
    {
        ngx_add_timer(ev, 1000);
    }
}


static void
ngx_http_jamhook_store_patience(ngx_queue_t *queue)
{
    ngx_queue_t            *q;
    ngx_http_jamhook_op_t  *op;

    for (q = ngx_queue_head(queue);
         q != ngx_queue_sentinel(queue);
         q = ngx_queue_next(q))
    {
        op = ngx_queue_data(q, ngx_http_jamhook_op_t, queue);

        if (op->type != NGX_HTTP_JAMHOOK_OP_EVENT
            || op->late_told
            || (ngx_msec_int_t) (op->deadline - ngx_current_msec) > 0)
        {
            continue;
        }

        op->late_told = 1;
        op->overdue(op);
    }
}


static void
ngx_http_jamhook_store_hold_handler(ngx_event_t *ev)
{
    ngx_uint_t    n;
    ngx_queue_t  *q;

    if (ngx_exiting
        && ngx_http_jamhook_store.state == NGX_HTTP_JAMHOOK_STORE_TROUBLE
        && !ngx_http_jamhook_store.writing.busy
        && ngx_current_msec - ngx_http_jamhook_store.since
           > NGX_HTTP_JAMHOOK_STORE_LEAVE)
    {
        n = 0;

        for (q = ngx_queue_head(&ngx_http_jamhook_store.outcomes);
             q != ngx_queue_sentinel(&ngx_http_jamhook_store.outcomes);
             q = ngx_queue_next(q))
        {
            n++;
        }

        ngx_log_error(NGX_LOG_ERR, ev->log, 0,
                      "jamhook: the worker leaves while the store does not "
                      "work; what came of %ui attempts is not written, so "
                      "those deliveries are made again", n);

        ngx_http_jamhook_store_end(&ngx_http_jamhook_store.outcomes,
                                   NGX_ERROR);
    }

    ngx_http_jamhook_store_hold();
}
