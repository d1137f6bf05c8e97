
/*
 * Render: what the portal's API answers, as JSON.  Reads the results of ops and
 * the configuration, both of which do not change meanwhile, so that it may run
 * in a thread.
 */


#ifndef _NGX_HTTP_JAMHOOK_RENDER_H_INCLUDED_
#define _NGX_HTTP_JAMHOOK_RENDER_H_INCLUDED_


#include "ngx_http_jamhook.h"
#include "ngx_http_jamhook_query.h"
#include "ngx_http_jamhook_store.h"
#include "ngx_http_jamhook_writer.h"


/* Bytes of attempts' bodies in one answer; what is beyond them is left out and
   marked "truncated".  An event's own body is always there. */
#define NGX_HTTP_JAMHOOK_RENDER_MAX      (2 * 1024 * 1024)


/* GET api/events, api/attempts: {"data":[...],"next":...} */
void ngx_http_jamhook_render_events(ngx_http_jamhook_writer_t *w,
    ngx_http_jamhook_op_events_t *op);
void ngx_http_jamhook_render_attempts(ngx_http_jamhook_writer_t *w,
    ngx_http_jamhook_op_attempts_t *op);

/* GET api/events/{id} */
void ngx_http_jamhook_render_event(ngx_http_jamhook_writer_t *w,
    ngx_http_jamhook_shown_event_t *event);

/* GET api/endpoints: {"data":[...]} */
void ngx_http_jamhook_render_endpoints(ngx_http_jamhook_writer_t *w,
    ngx_http_jamhook_op_endpoints_t *op, ngx_http_jamhook_main_conf_t *jmcf);

/* GET api/endpoints/{name}: the same object alone */
void ngx_http_jamhook_render_endpoint(ngx_http_jamhook_writer_t *w,
    ngx_http_jamhook_shown_endpoint_t *shown,
    ngx_http_jamhook_main_conf_t *jmcf);

/* The answer to a test: op as relay/record filled it, and its started_at; body:
   the event's. */
void ngx_http_jamhook_render_test(ngx_http_jamhook_writer_t *w,
    ngx_http_jamhook_op_outcome_t *op, ngx_str_t *body);

/*
 * GET api/stats.  window: "24h", ...; sources: n pointers to what
 * stats/counts.h keeps of an ingest location.
 */
void ngx_http_jamhook_render_stats(ngx_http_jamhook_writer_t *w,
    ngx_http_jamhook_op_stats_t *op, ngx_str_t *window,
    ngx_http_jamhook_source_count_t **sources, ngx_uint_t n);

/* GET api/status.  conversation_url: of the portal's location, may be absent */
void ngx_http_jamhook_render_status(ngx_http_jamhook_writer_t *w,
    ngx_http_jamhook_store_status_t *status,
    ngx_http_jamhook_main_conf_t *jmcf, ngx_str_t *conversation_url,
    ngx_http_jamhook_source_count_t **sources, ngx_uint_t n);

/* Parts of more than one answer: an attempt of the log; the member "reason". */
void ngx_http_jamhook_render_attempt(ngx_http_jamhook_writer_t *w,
    ngx_http_jamhook_shown_attempt_t *a);
void ngx_http_jamhook_render_reason(ngx_http_jamhook_writer_t *w,
    ngx_http_jamhook_pause_e paused, ngx_uint_t unknown);


#endif /* _NGX_HTTP_JAMHOOK_RENDER_H_INCLUDED_ */
