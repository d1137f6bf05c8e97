
/*
 * What all rooms know of each other: the configuration and the context of a
 * request.
 *
 * Configuration lives in cf->pool and is read-only once nginx runs, but for
 * an endpoint's "line", "flow" and "joined", which are a worker's own state.
 */


#ifndef _NGX_HTTP_JAMHOOK_H_INCLUDED_
#define _NGX_HTTP_JAMHOOK_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_jamhook_secret.h"
#include "ngx_http_jamhook_event.h"
#include "ngx_http_jamhook_ladder.h"
#include "ngx_http_jamhook_backend.h"
#include "ngx_http_jamhook_counts.h"
#include "ngx_http_jamhook_zone.h"


#define NGX_HTTP_JAMHOOK_VERSION         "0.1.0"

#define NGX_HTTP_JAMHOOK_ENDPOINTS_MAX   256
#define NGX_HTTP_JAMHOOK_NAME_MAX        64          /* bytes, an endpoint's */
#define NGX_HTTP_JAMHOOK_NO_SOURCE       ((ngx_uint_t) -1)
#define NGX_HTTP_JAMHOOK_BODY_MAX        (16 * 1024 * 1024)
#define NGX_HTTP_JAMHOOK_RESPONSE_MAX    16384       /* bytes kept of a body */

/* Without a store: the sender gives up after 15 s, so we do before. */
#define NGX_HTTP_JAMHOOK_PASS_TIMEOUT    12000       /* ms */

#define NGX_HTTP_JAMHOOK_RETRY_AFTER     5           /* s, where we say it */


typedef struct ngx_http_jamhook_loc_conf_s  ngx_http_jamhook_loc_conf_t;
typedef struct ngx_http_jamhook_endpoint_s  ngx_http_jamhook_endpoint_t;
typedef struct ngx_http_jamhook_delivery_s  ngx_http_jamhook_delivery_t;


/* Where a directive stands, for what is found after the whole is read. */
typedef struct {
    u_char                        *file;         /* NULL: nowhere */
    ngx_uint_t                     line;
} ngx_http_jamhook_place_t;


typedef enum {
    NGX_HTTP_JAMHOOK_CONNECTOR_NONE = 0,
    NGX_HTTP_JAMHOOK_CONNECTOR_INTERCOM_FIN
} ngx_http_jamhook_connector_e;


typedef struct {
    ngx_str_t                      name;
    ngx_http_jamhook_endpoint_t   *endpoint;     /* once all is read */
} ngx_http_jamhook_route_t;


/* An endpoint's line in this worker: relay/schedule owns it. */
typedef struct {
    ngx_queue_t                    queue;        /* among lines with work */
    ngx_queue_t                    waiting;      /* of deliveries */
    ngx_uint_t                     active;
    ngx_uint_t                     reserved;     /* for claims */
    unsigned                       queued:1;
} ngx_http_jamhook_line_t;


/* What a worker knows of an endpoint's deliveries: relay/dispatch owns it. */
typedef struct {
    ngx_http_jamhook_cell_t       *cell;         /* in shared memory */
    int64_t                        next_at;      /* Unix ms: when the next one
                                                    is due; 0: not known */
    ngx_http_jamhook_pause_e       paused;
    ngx_uint_t                     window;       /* due ones under way at once
                                                    while it is down; 0: as
                                                    many as max_active */
    unsigned                       more:1;       /* some are due now */
} ngx_http_jamhook_flow_t;


struct ngx_http_jamhook_endpoint_s {
    ngx_str_t                      name;
    ngx_http_jamhook_place_t       place;
    ngx_http_conf_ctx_t            ctx;          /* the location's */
    ngx_http_core_loc_conf_t      *clcf;
    ngx_http_jamhook_loc_conf_t   *jlcf;
    ngx_str_t                      request_line; /* of its deliveries */
    ngx_str_t                      url;          /* scheme, host and "/...";
                                                    absent: with variables */
    ngx_array_t                    secrets;      /* of ngx_str_t: what its URLs
                                                    have behind the host,
                                                    longest first; not what
                                                    is in variables */
    unsigned                       variables:1;  /* in one of its URLs */
    unsigned                       joined:1;     /* relay/endpoint's: the id
                                                    alone follows the name */
    ngx_uint_t                     index;        /* in jmcf->endpoints */
    ngx_http_jamhook_line_t        line;
    ngx_http_jamhook_flow_t        flow;
};


typedef struct {
    ngx_array_t                    endpoints;    /* endpoint_t * */
    ngx_array_t                    locations;    /* location_t */

    /* jamhook_store */

    ngx_http_jamhook_store_conf_t *store;        /* NULL: pass-through */
    ngx_http_jamhook_backend_t    *backend;
    ngx_http_jamhook_place_t       store_place;
    ngx_str_t                      passfile;     /* pgsql: absent: none is
                                                    named */
    time_t                         retention;    /* s */

    /* in shared memory: cells by endpoint, counts by jlcf->source */

    ngx_http_jamhook_zone_conf_t   zone;

    /* the first directive that has no meaning without a store */

    char                          *needs_store;
    ngx_http_jamhook_place_t       needs_store_place;
} ngx_http_jamhook_main_conf_t;


/* A location, "if" or "limit_except" that has a part in this. */
typedef struct {
    ngx_http_core_loc_conf_t      *clcf;
    ngx_http_jamhook_loc_conf_t   *jlcf;
} ngx_http_jamhook_location_t;


struct ngx_http_jamhook_loc_conf_s {

    /* an ingest location */

    ngx_array_t                   *pass;         /* of route_t */
    ngx_http_jamhook_place_t       pass_place;
    ngx_http_jamhook_keys_t       *verify;       /* NULL with verify_off */
    ngx_flag_t                     verify_off;
    ngx_http_jamhook_place_t       verify_place;
    time_t                         tolerance;    /* s */
    ngx_str_t                      event_type;   /* empty: auto */
    ngx_http_jamhook_place_t       event_type_place;
    ngx_uint_t                     source;       /* in jmcf->zone.counts, or
                                                    NO_SOURCE: not counted */

    /* an endpoint's location */

    ngx_http_jamhook_endpoint_t   *endpoint;
    ngx_uint_t                     connector;
    ngx_http_jamhook_place_t       connector_place;
    ngx_array_t                   *events;       /* of ngx_str_t */
    ngx_http_jamhook_place_t       events_place;
    ngx_http_jamhook_keys_t       *sign;         /* NULL with sign_off */
    ngx_http_jamhook_place_t       sign_place;
    ngx_msec_t                     timeout;
    ngx_int_t                      max_active;
    ngx_http_jamhook_policy_t      policy;       /* fin: once all is read */
    ngx_http_jamhook_place_t       retry_place;
    ngx_http_jamhook_place_t       final_place;
    ngx_uint_t                     rate_interval;   /* us from one attempt to
                                                       the next; 0: off */
    ngx_http_jamhook_place_t       rate_place;
    ngx_msec_t                     disable_after;   /* 0: off */

    /* the portal's location */

    ngx_str_t                      conversation_url;    /* absent: none */
    ngx_http_jamhook_place_t       portal_place;
    ngx_http_jamhook_place_t       metrics_place;

    /* the content handler that stands behind ours, by conf/check */

    ngx_http_handler_pt            handler;
    ngx_http_jamhook_loc_conf_t   *outer;        /* of an "if" */

    unsigned                       portal:1;
    unsigned                       portal_open:1;
    unsigned                       metrics:1;
    unsigned                       event_type_set:1;
    unsigned                       wrap:1;       /* wrap=data */
    unsigned                       sign_off:1;
    unsigned                       sign_svix:1;  /* prefix=svix */

    /*
     * The handler is known for one of nginx's upstream modules, so that its
     * request can be looked at before a byte is sent.
     */
    unsigned                       upstream_known:1;
    unsigned                       proxied:1;    /* proxy_pass stands there */
};


/*
 * An event while this worker holds it: its bytes and what they say.  It owns
 * a pool and counts who needs it; the deliveries of it live in that pool.
 */
typedef struct {
    ngx_pool_t                    *pool;
    ngx_uint_t                     refs;
    ngx_str_t                      id;           /* the message's */
    ngx_str_t                      body;         /* as received */
    ngx_http_jamhook_event_t       event;
    ngx_str_t                      key;          /* fingerprint of the one
                                                    that verified it */
} ngx_http_jamhook_parcel_t;


/*
 * A request's context: at ingest (delivery is NULL; in r->pool), and in the
 * detached request of a delivery, where a subrequest has it only while the
 * endpoint's own content handler answers.
 */
typedef struct {
    ngx_http_jamhook_parcel_t     *parcel;       /* NULL: nothing known yet */
    ngx_http_jamhook_delivery_t   *delivery;
    ngx_str_t                      id;           /* ingest: as claimed */
    ngx_str_t                      result;       /* ingest: result or code;
                                                    an attempt's result */
    void                          *ingest;       /* ingest's own */
} ngx_http_jamhook_ctx_t;


extern ngx_module_t  ngx_http_jamhook_module;


#endif /* _NGX_HTTP_JAMHOOK_H_INCLUDED_ */
