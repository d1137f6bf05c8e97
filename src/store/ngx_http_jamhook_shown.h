
/*
 * What the portal reads, as far as it is the same in all backends: the
 * endpoints that a store knows, the rows that its statements give made into
 * what is shown, sums of them.
 *
 * A row is the backend's; it comes with functions for its columns, which are
 * the same ones in all backends.  Everything lies in the op's pool.  What
 * returns NGX_ERROR has told the backend so, by no_memory() or as string()
 * does.
 */


#ifndef _NGX_HTTP_JAMHOOK_SHOWN_H_INCLUDED_
#define _NGX_HTTP_JAMHOOK_SHOWN_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_http_jamhook_backend.h"


/*
 * Attempts of one delivery, and of all of an event's: older ones are left out.
 * Bytes of these: beyond them older ones have no bodies, nor headers.
 */
#define NGX_HTTP_JAMHOOK_SHOWN_OF_ONE    1000
#define NGX_HTTP_JAMHOOK_SHOWN_OF_ALL    20000
#define NGX_HTTP_JAMHOOK_SHOWN_BYTES     (16 * 1024 * 1024)

/*
 * Numbers grow with the time but for what a clock was set back, and for what an
 * attempt takes, which is written down when it ends.  What is further off than
 * this is overlooked: an attempt that a crash interrupted, and that is written
 * down later than that, where only times up to the crash are asked for.
 */
#define NGX_HTTP_JAMHOOK_SHOWN_SLACK     3600000     /* ms */

/* Slots of a result in the roll-ups. */
#define NGX_HTTP_JAMHOOK_SHOWN_RESULTS   256


typedef struct ngx_http_jamhook_shown_s  ngx_http_jamhook_shown_t;

typedef struct {
    /* NULL is 0 */
    int64_t    (*column)(void *row, ngx_uint_t column);

    /* a copy of its bytes; NULL is absent */
    ngx_int_t  (*string)(ngx_http_jamhook_shown_t *shown, void *row,
                         ngx_uint_t column, ngx_str_t *value);

    /* NGX_ERROR, to be returned */
    ngx_int_t  (*no_memory)(void *session);
} ngx_http_jamhook_shown_rows_t;


/* An endpoint that the store knows, be it configured here or not. */
typedef struct {
    int64_t                             id;
    ngx_str_t                           name;
    ngx_uint_t                          index;   /* or NO_ENDPOINT */
    ngx_http_jamhook_pause_e            paused;
    int64_t                             paused_at;
    int64_t                             failing_since;
} ngx_http_jamhook_named_t;

/* An op that reads. */
struct ngx_http_jamhook_shown_s {
    void                               *session;
    ngx_pool_t                         *pool;
    ngx_http_jamhook_store_conf_t      *conf;
    ngx_http_jamhook_shown_rows_t      *rows;
    ngx_array_t                         named;   /* named_t, by id */
};


/* shown */

ngx_int_t ngx_http_jamhook_shown_init(ngx_http_jamhook_shown_t *shown,
    void *session, ngx_http_jamhook_store_conf_t *conf, ngx_pool_t *pool,
    ngx_http_jamhook_shown_rows_t *rows);

/*
 * An endpoint's row: id, name, paused, paused_at, failing_since; they come by
 * id.  After the last one: which are configured.
 */
ngx_int_t ngx_http_jamhook_shown_named(ngx_http_jamhook_shown_t *shown,
    void *row);
void ngx_http_jamhook_shown_configured(ngx_http_jamhook_shown_t *shown);

/* NULL: there is none. */
ngx_http_jamhook_named_t *ngx_http_jamhook_shown_id(
    ngx_http_jamhook_shown_t *shown, int64_t id);
ngx_http_jamhook_named_t *ngx_http_jamhook_shown_name(
    ngx_http_jamhook_shown_t *shown, ngx_str_t *name);

/* 1: what is pending for it (NULL: an unknown one) is paused */
ngx_uint_t ngx_http_jamhook_shown_is_held(ngx_http_jamhook_named_t *named);

/* A delivery's state on disk, as its endpoint's (may be NULL) makes it. */
ngx_http_jamhook_shown_e ngx_http_jamhook_shown_state(
    ngx_http_jamhook_named_t *named, int64_t state);

/* The same the other way round: can a delivery to it be in that state? */
ngx_uint_t ngx_http_jamhook_shown_can_be(ngx_http_jamhook_named_t *named,
    ngx_http_jamhook_shown_e state);

/*
 * received_at, forgotten, size of the body, id, source, event_id, type,
 * created_at, conversation_id, jam_id, recording_url, key
 */
ngx_int_t ngx_http_jamhook_shown_event(ngx_http_jamhook_shown_t *shown,
    void *row, ngx_http_jamhook_shown_event_t *event);

/*
 * endpoint, state, next_at, changed_at, attempts, replay; before the first one
 * event->deliveries is made, after the last one it is put in order
 */
ngx_int_t ngx_http_jamhook_shown_deliveries(ngx_http_jamhook_shown_t *shown,
    ngx_http_jamhook_shown_event_t *event);
ngx_int_t ngx_http_jamhook_shown_delivery(ngx_http_jamhook_shown_t *shown,
    void *row, ngx_http_jamhook_shown_event_t *event);
void ngx_http_jamhook_shown_deliveries_sort(
    ngx_http_jamhook_shown_event_t *event);

/*
 * event, endpoint, number, trigger, result, started_at, duration, status,
 * error; a listed one: id and type of its event
 */
ngx_int_t ngx_http_jamhook_shown_attempt(ngx_http_jamhook_shown_t *shown,
    void *row, ngx_http_jamhook_shown_attempt_t *attempt);
ngx_int_t ngx_http_jamhook_shown_listed(ngx_http_jamhook_shown_t *shown,
    void *row, ngx_http_jamhook_shown_attempt_t *attempt);


/* shown_all: all of an event, all endpoints */

/*
 * Attempts of SHOW, of those of the deliveries that are there, from the newest
 * on: the columns of an attempt, truncated, request_headers, request_body,
 * response_headers, response_body.  *bytes: those of the event, to begin with.
 */
ngx_int_t ngx_http_jamhook_shown_attempts(ngx_http_jamhook_shown_t *shown,
    ngx_http_jamhook_shown_event_t *event);
ngx_int_t ngx_http_jamhook_shown_attempt_of(ngx_http_jamhook_shown_t *shown,
    void *row, ngx_http_jamhook_shown_event_t *event, size_t *bytes);
void ngx_http_jamhook_shown_attempts_sort(
    ngx_http_jamhook_shown_event_t *event);

/*
 * ENDPOINTS: the configured ones, in their order; then one at a time.  What
 * is counted, and the last attempt, is not set.  A pointer is good till the
 * next add().
 */
ngx_int_t ngx_http_jamhook_shown_endpoints(ngx_http_jamhook_shown_t *shown,
    ngx_http_jamhook_op_endpoints_t *op);
ngx_http_jamhook_shown_endpoint_t *ngx_http_jamhook_shown_endpoint_find(
    ngx_http_jamhook_shown_t *shown, ngx_http_jamhook_op_endpoints_t *op,
    ngx_http_jamhook_named_t *named);
ngx_http_jamhook_shown_endpoint_t *ngx_http_jamhook_shown_endpoint_add(
    ngx_http_jamhook_shown_t *shown, ngx_http_jamhook_op_endpoints_t *op,
    ngx_http_jamhook_named_t *named);


/* shown_stats */

/* STATS while it is read. */
typedef struct {
    ngx_http_jamhook_shown_t           *shown;
    ngx_http_jamhook_op_stats_t        *op;
    ngx_uint_t                         *places;  /* by endpoint's place in
                                                    "named": in op->endpoints,
                                                    from 1 on; 0: not there */
    int64_t                             id;      /* the last row's endpoint, */
    ngx_uint_t                          place;   /* and where it is */
} ngx_http_jamhook_shown_sums_t;

/* Where the first bucket begins, in ms, where the last one ends with "now". */
int64_t ngx_http_jamhook_shown_since(ngx_http_jamhook_op_stats_t *op,
    int64_t now);

/* Which roll-ups: 0: by the minute, 1: by the hour. */
ngx_uint_t ngx_http_jamhook_shown_span(ngx_http_jamhook_op_stats_t *op);

ngx_int_t ngx_http_jamhook_shown_sums(ngx_http_jamhook_shown_sums_t *sums,
    ngx_http_jamhook_shown_t *shown, ngx_http_jamhook_op_stats_t *op);

/* A roll-up's row: at, in seconds, endpoint, slot, n; op->since is set. */
ngx_int_t ngx_http_jamhook_shown_sum(ngx_http_jamhook_shown_sums_t *sums,
    void *row);


#endif /* _NGX_HTTP_JAMHOOK_SHOWN_H_INCLUDED_ */
