
/*
 * Zone: what the workers of one nginx share, in shared memory.  The one owner
 * of it.  No pointers, no trees, no lock: one array of cells, each an
 * endpoint's, of atomics, so that a worker may die at any point.
 *
 * The zone lives through a reload.  A binary upgrade starts an empty one.
 */


#ifndef _NGX_HTTP_JAMHOOK_ZONE_H_INCLUDED_
#define _NGX_HTTP_JAMHOOK_ZONE_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


/* endpoints that one zone can tell apart over its reloads */
#define NGX_HTTP_JAMHOOK_ZONE_CELLS  1024


typedef struct ngx_http_jamhook_cell_s  ngx_http_jamhook_cell_t;


/*
 * Adds the zone to the configuration (tag: the module), with a name for each
 * cell: names, n of them (at most NGX_HTTP_JAMHOOK_ZONE_CELLS), outlive the
 * cycle.  At the zone's init each gets its cell: cells[i], an array of n that
 * the caller allocated, is set then, the same cell as before a reload.  A cell
 * whose endpoint is gone is given away only when no other is free.  NGX_OK,
 * NGX_ERROR (logged).
 */
ngx_int_t ngx_http_jamhook_zone_add(ngx_conf_t *cf, void *tag,
    ngx_str_t *names, ngx_uint_t n, ngx_http_jamhook_cell_t **cells);

/*
 * Notes for all workers whether the store is in trouble (1) or well (0).
 * Returns 1 if that is news.
 */
ngx_uint_t ngx_http_jamhook_zone_trouble(ngx_uint_t trouble);

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


#endif /* _NGX_HTTP_JAMHOOK_ZONE_H_INCLUDED_ */
