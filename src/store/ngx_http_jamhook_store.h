
/*
 * Store: where events, deliveries and attempts are kept, as the event loop
 * sees it.  Operations ("ops") are handed in, carried out by a backend in a
 * job, and handed back.  What comes in while one transaction is written makes
 * the next one (group commit); reads have a session of their own.
 *
 *     OPENING --> WELL <--> TROUBLE
 *        |                    ^
 *        +--------------------+
 *
 * In trouble new events are refused at once and outcomes wait; every second,
 * or more and more seldom where that is a burden to others, a probe is written,
 * together with what waits, and the first that is committed ends it.  One line
 * at "crit" when it begins, one at "notice" when it ends.
 * Event loop only; one store a worker.
 */


#ifndef _NGX_HTTP_JAMHOOK_STORE_H_INCLUDED_
#define _NGX_HTTP_JAMHOOK_STORE_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_http_jamhook_backend.h"


#define NGX_HTTP_JAMHOOK_STORE_BATCH     256         /* ops in a transaction */
#define NGX_HTTP_JAMHOOK_STORE_BYTES     (8 * 1024 * 1024)   /* in one */
#define NGX_HTTP_JAMHOOK_STORE_QUEUE     4096        /* events that wait */
#define NGX_HTTP_JAMHOOK_STORE_WAITING   (64 * 1024 * 1024)  /* their bytes */
#define NGX_HTTP_JAMHOOK_STORE_READS     128         /* reads that wait; of
                                                        "first" ones twice */
#define NGX_HTTP_JAMHOOK_STORE_ASKED     128         /* ops but events and
                                                        outcomes that wait */
#define NGX_HTTP_JAMHOOK_STORE_PATIENCE  10000       /* ms that an event may
                                                        wait for its commit */
#define NGX_HTTP_JAMHOOK_STORE_RETRY     1000        /* ms between probes, at
                                                        first */
#define NGX_HTTP_JAMHOOK_STORE_SETTLE    2000        /* ms till what waited is
                                                        written */
#define NGX_HTTP_JAMHOOK_STORE_LEAVE     20000       /* ms in trouble after
                                                        which a worker that is
                                                        to quit gives up */


/*
 * Readies a worker's store and begins to open it; conf and backend live as
 * long as the worker.  Trouble of the store is no error.  NGX_OK, NGX_ERROR.
 */
ngx_int_t ngx_http_jamhook_store_init(ngx_cycle_t *cycle,
    ngx_http_jamhook_backend_t *backend, ngx_http_jamhook_store_conf_t *conf);

/* Closes it, when no thread runs any more. */
void ngx_http_jamhook_store_exit(void);

/*
 * Hands in an op whose type, "in" members, handler and data are set, and size,
 * the bytes that it holds, of an EVENT.  op->handler(op) is called exactly once
 * from the event loop, never from within this call, with op->rc:
 *
 *     NGX_OK     done and, where it writes, on disk
 *     NGX_ERROR  not done: the store is in trouble
 *     NGX_BUSY   not tried: too much waits, or the store is in trouble
 *
 * An OUTCOME is kept until it can be written; only when the worker must leave
 * in trouble does it come back with NGX_ERROR.
 */
void ngx_http_jamhook_store_submit(ngx_http_jamhook_op_t *op);

/*
 * An EVENT that waits is not waited for any longer once NGX_HTTP_JAMHOOK_
 * STORE_PATIENCE has passed: op->overdue(op) is called then, once, and
 * op->handler still comes when the job is over.
 */

/* 1 if ops can be expected to work; 0 while it opens or is in trouble. */
ngx_uint_t ngx_http_jamhook_store_is_well(void);

/*
 * Two calls from the event loop: whenever the store became well (again is 1
 * after trouble); and just before a transaction is put together, so that an op
 * may still join it.
 */
void ngx_http_jamhook_store_on_well(void (*handler)(ngx_uint_t again));
void ngx_http_jamhook_store_on_turn(void (*handler)(void));

/*
 * Called from the event loop when something waits to be read: another node has
 * released deliveries, or the connection is gone.  The next read goes there and
 * finds out.  It may come again and again, with a read in between.
 */
void ngx_http_jamhook_store_on_wake(void (*handler)(void));

/*
 * How long after trouble others may need until they have noticed its end, and
 * have written what waited, ms.
 */
ngx_msec_t ngx_http_jamhook_store_settle(void);

/*
 * Told when trouble begins and when the store is well, so that a line is logged
 * once and not by each worker.  Keeps what it is told for all workers, QUIET
 * not in place of TOLD, and returns what was there before; ASK is not kept, it
 * is how a worker learns that another one finds the store well again.  Set
 * before the first job is over.
 */
#define NGX_HTTP_JAMHOOK_TROUBLE_NONE    0
#define NGX_HTTP_JAMHOOK_TROUBLE_QUIET   1       /* no line was logged */
#define NGX_HTTP_JAMHOOK_TROUBLE_TOLD    2
#define NGX_HTTP_JAMHOOK_TROUBLE_ASK     ((ngx_uint_t) -1)

void ngx_http_jamhook_store_on_change(
    ngx_uint_t (*handler)(ngx_uint_t trouble));

/*
 * Called from the event loop after each transaction: whether it is on disk, and
 * the us that its job took.
 */
void ngx_http_jamhook_store_on_commit(
    void (*handler)(ngx_uint_t committed, int64_t us));

typedef enum {
    NGX_HTTP_JAMHOOK_STORE_OPENING = 0,
    NGX_HTTP_JAMHOOK_STORE_WELL,
    NGX_HTTP_JAMHOOK_STORE_TROUBLE
} ngx_http_jamhook_store_state_e;

/* How this worker sees its store. */
typedef struct {
    ngx_http_jamhook_store_state_e   state;
    ngx_msec_t                       ms;         /* TROUBLE: for so long */
    char                            *text;       /* TROUBLE: what is wrong, and
                                                    what can be done; valid
                                                    until the next turn of the
                                                    event loop */
    char                            *advice;
    ngx_uint_t                       queue;      /* ops that wait to be written
                                                    or are */
} ngx_http_jamhook_store_status_t;

void ngx_http_jamhook_store_status(ngx_http_jamhook_store_status_t *status);

/* Has on_turn called at the end of this turn of the event loop, or when the
   transaction under way is over. */
void ngx_http_jamhook_store_want_turn(void);


#endif /* _NGX_HTTP_JAMHOOK_STORE_H_INCLUDED_ */
