
/*
 * Zone: what the workers of one nginx share, in shared memory.  The one owner
 * of it.  No pointers, no trees, no lock: arrays of atomics, so that a worker
 * may die at any point.  An endpoint has a cell, an ingest location a count, a
 * worker a slot.
 *
 * The zone lives through a reload.  A binary upgrade starts an empty one, and
 * with it all counts begin anew.
 */


#ifndef _NGX_HTTP_JAMHOOK_ZONE_H_INCLUDED_
#define _NGX_HTTP_JAMHOOK_ZONE_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_http_jamhook_counts.h"


/* endpoints that one zone can tell apart over its reloads */
#define NGX_HTTP_JAMHOOK_ZONE_CELLS  1024


typedef struct ngx_http_jamhook_cell_s  ngx_http_jamhook_cell_t;


/*
 * What a configuration has in the zone: endpoints, at most
 * NGX_HTTP_JAMHOOK_ZONE_CELLS, and names of ingest locations, at most
 * NGX_HTTP_JAMHOOK_COUNT_SOURCES of at most NGX_HTTP_JAMHOOK_COUNT_NAME bytes.
 * The caller allocates it all, and it lives as long as the configuration.
 */
typedef struct {
    ngx_str_t                         *endpoints;
    ngx_uint_t                         nendpoints;
    ngx_http_jamhook_cell_t          **cells;        /* out: by endpoint */

    ngx_str_t                         *sources;
    ngx_uint_t                         nsources;
    ngx_http_jamhook_source_count_t  **counts;       /* out: by source */

    void                              *zone;         /* out: for zone_use() */
} ngx_http_jamhook_zone_conf_t;

/*
 * Adds the zone to the configuration (tag: the module).  What is "out" is set
 * at the zone's init: for each name the same as before a reload.  What belongs
 * to a name that is gone is given away only when nothing else is free.  NGX_OK,
 * NGX_ERROR (logged).
 */
ngx_int_t ngx_http_jamhook_zone_add(ngx_conf_t *cf, void *tag,
    ngx_http_jamhook_zone_conf_t *zcf);

/*
 * What this process works with from now on: the zone of its configuration, or
 * none where that has none.  The master, which may have read other ones since,
 * does not know it for its workers.
 */
void ngx_http_jamhook_zone_use(ngx_http_jamhook_zone_conf_t *zcf);

/*
 * Notes for all workers how the store is, and returns how it was: 0: well, else
 * a level of trouble.  A higher one takes the place of a lower one, and 0 that
 * of all.  -1 only asks.
 */
ngx_uint_t ngx_http_jamhook_zone_trouble(ngx_uint_t level);

/* Holds the endpoint for ms from now (ngx_current_msec), at most an hour; the
   later end of two holds counts. */
void ngx_http_jamhook_zone_hold(ngx_http_jamhook_cell_t *cell, ngx_msec_t ms);

/* Milliseconds that the endpoint is still held; 0: it is not. */
ngx_msec_t ngx_http_jamhook_zone_held(ngx_http_jamhook_cell_t *cell);

/* Ends a hold (a resume by hand). */
void ngx_http_jamhook_zone_release(ngx_http_jamhook_cell_t *cell);

/*
 * Takes up to n turns from the endpoint's rate of one attempt every "interval"
 * microseconds (0: any number); what was not taken adds up to a tenth of a
 * second's worth, but at least one.  Returns how many were taken; if fewer
 * than n, *wait is the time in ms after which the next one is to be had.
 */
ngx_uint_t ngx_http_jamhook_zone_take(ngx_http_jamhook_cell_t *cell,
    ngx_uint_t interval, ngx_uint_t n, ngx_msec_t *wait);

/*
 * An attempt is about to start, with a turn taken before.  Returns the ms that
 * it has to wait, so that turns taken while a commit was slow are not all used
 * at once.
 */
ngx_msec_t ngx_http_jamhook_zone_pace(ngx_http_jamhook_cell_t *cell,
    ngx_uint_t interval);

/* Gives back turns that were not used. */
void ngx_http_jamhook_zone_give_back(ngx_http_jamhook_cell_t *cell,
    ngx_uint_t interval, ngx_uint_t n);

/* Where to count; the store's is NULL where there is no zone. */
ngx_http_jamhook_endpoint_count_t *ngx_http_jamhook_zone_count(
    ngx_http_jamhook_cell_t *cell);
ngx_http_jamhook_store_count_t *ngx_http_jamhook_zone_store(void);

/*
 * This worker is at work: writes its slot, and takes one where it has none,
 * that of a worker that is gone.  To be called each second.  Returns 1 if the
 * slot is a new one, so that zone_active() has to be told again.  leave gives
 * it up.
 */
ngx_uint_t ngx_http_jamhook_zone_work(ngx_uint_t queue, ngx_uint_t trouble);
void ngx_http_jamhook_zone_leave(void);

/* This worker has n attempts of the endpoint's under way. */
void ngx_http_jamhook_zone_active(ngx_http_jamhook_cell_t *cell,
    ngx_uint_t n);

/*
 * Of all workers that wrote their slots within NGX_HTTP_JAMHOOK_COUNT_STALE:
 * the endpoint's attempts under way; how much waits for the store, and how many
 * of them see it in trouble.
 */
ngx_uint_t ngx_http_jamhook_zone_sum_active(ngx_http_jamhook_cell_t *cell);
ngx_uint_t ngx_http_jamhook_zone_sum_queue(ngx_uint_t *troubled);


#endif /* _NGX_HTTP_JAMHOOK_ZONE_H_INCLUDED_ */
