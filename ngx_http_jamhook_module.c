
/*
 * ngx_http_jamhook_module: Jam's recorder events in, signed deliveries out.
 *
 * The tables: directives, module, configuration, process hooks.  What they
 * point to lives in the rooms under src; src/README.md is their map.
 */


#include "ngx_http_jamhook.h"
#include "ngx_http_jamhook_claim.h"
#include "ngx_http_jamhook_conf.h"
#include "ngx_http_jamhook_dispatch.h"
#include "ngx_http_jamhook_endpoint.h"
#include "ngx_http_jamhook_ingest.h"
#include "ngx_http_jamhook_jobs.h"
#include "ngx_http_jamhook_metrics.h"
#include "ngx_http_jamhook_orphan.h"
#include "ngx_http_jamhook_outcome.h"
#include "ngx_http_jamhook_portal.h"
#include "ngx_http_jamhook_schedule.h"
#include "ngx_http_jamhook_store.h"
#include "ngx_http_jamhook_tally.h"
#include "ngx_http_jamhook_upkeep.h"
#include "ngx_http_jamhook_variables.h"


#define NGX_HTTP_JAMHOOK_TOLERANCE   300         /* s */
#define NGX_HTTP_JAMHOOK_TIMEOUT     15000       /* ms */
#define NGX_HTTP_JAMHOOK_MAX_ACTIVE  64

#define NGX_HTTP_JAMHOOK_ANY_CONF                                             \
    (NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF)

/* a location that clients reach, and the "if" and "limit_except" in one */

#define NGX_HTTP_JAMHOOK_INGEST_CONF                                          \
    (NGX_HTTP_LOC_CONF|NGX_HTTP_LIF_CONF|NGX_HTTP_LMT_CONF)


static ngx_int_t ngx_http_jamhook_preconfiguration(ngx_conf_t *cf);
static ngx_int_t ngx_http_jamhook_postconfiguration(ngx_conf_t *cf);
static void *ngx_http_jamhook_create_main_conf(ngx_conf_t *cf);
static void *ngx_http_jamhook_create_loc_conf(ngx_conf_t *cf);
static char *ngx_http_jamhook_merge_loc_conf(ngx_conf_t *cf, void *parent,
    void *child);
static void ngx_http_jamhook_merge_block(ngx_http_core_loc_conf_t *clcf,
    ngx_http_jamhook_loc_conf_t *prev, ngx_http_jamhook_loc_conf_t *conf);
static ngx_int_t ngx_http_jamhook_init_module(ngx_cycle_t *cycle);
static ngx_int_t ngx_http_jamhook_init_process(ngx_cycle_t *cycle);
static void ngx_http_jamhook_exit_process(ngx_cycle_t *cycle);


static ngx_command_t  ngx_http_jamhook_commands[] = {

    { ngx_string("jamhook_pass"),
      NGX_HTTP_JAMHOOK_INGEST_CONF|NGX_CONF_1MORE,
      ngx_http_jamhook_conf_pass,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("jamhook_verify"),
      NGX_HTTP_JAMHOOK_ANY_CONF|NGX_HTTP_JAMHOOK_INGEST_CONF|NGX_CONF_TAKE1,
      ngx_http_jamhook_conf_verify,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("jamhook_tolerance"),
      NGX_HTTP_JAMHOOK_ANY_CONF|NGX_HTTP_JAMHOOK_INGEST_CONF|NGX_CONF_TAKE1,
      ngx_http_jamhook_conf_tolerance,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("jamhook_event_type"),
      NGX_HTTP_JAMHOOK_INGEST_CONF|NGX_CONF_TAKE1,
      ngx_http_jamhook_conf_event_type,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("jamhook_endpoint"),
      NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_http_jamhook_conf_endpoint,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("jamhook_connector"),
      NGX_HTTP_LOC_CONF|NGX_CONF_TAKE12,
      ngx_http_jamhook_conf_connector,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("jamhook_events"),
      NGX_HTTP_LOC_CONF|NGX_CONF_1MORE,
      ngx_http_jamhook_conf_events,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("jamhook_sign"),
      NGX_HTTP_LOC_CONF|NGX_CONF_TAKE12,
      ngx_http_jamhook_conf_sign,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("jamhook_timeout"),
      NGX_HTTP_JAMHOOK_ANY_CONF|NGX_CONF_TAKE1,
      ngx_http_jamhook_conf_timeout,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("jamhook_max_active"),
      NGX_HTTP_JAMHOOK_ANY_CONF|NGX_CONF_TAKE1,
      ngx_http_jamhook_conf_max_active,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("jamhook_store"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE12,
      ngx_http_jamhook_conf_store,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("jamhook_retention"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,
      ngx_http_jamhook_conf_retention,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("jamhook_retry"),
      NGX_HTTP_JAMHOOK_ANY_CONF|NGX_CONF_1MORE,
      ngx_http_jamhook_conf_retry,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("jamhook_final"),
      NGX_HTTP_JAMHOOK_ANY_CONF|NGX_CONF_1MORE,
      ngx_http_jamhook_conf_final,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("jamhook_rate"),
      NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_http_jamhook_conf_rate,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("jamhook_disable_after"),
      NGX_HTTP_JAMHOOK_ANY_CONF|NGX_CONF_TAKE1,
      ngx_http_jamhook_conf_disable_after,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("jamhook_metrics"),
      NGX_HTTP_JAMHOOK_INGEST_CONF|NGX_CONF_NOARGS,
      ngx_http_jamhook_conf_metrics,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("jamhook_portal"),
      NGX_HTTP_JAMHOOK_INGEST_CONF|NGX_CONF_NOARGS|NGX_CONF_TAKE12,
      ngx_http_jamhook_conf_portal,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

      ngx_null_command
};


static ngx_http_module_t  ngx_http_jamhook_module_ctx = {
    ngx_http_jamhook_preconfiguration,     /* preconfiguration */
    ngx_http_jamhook_postconfiguration,    /* postconfiguration */

    ngx_http_jamhook_create_main_conf,     /* create main configuration */
    NULL,                                  /* init main configuration */

    NULL,                                  /* create server configuration */
    NULL,                                  /* merge server configuration */

    ngx_http_jamhook_create_loc_conf,      /* create location configuration */
    ngx_http_jamhook_merge_loc_conf        /* merge location configuration */
};


ngx_module_t  ngx_http_jamhook_module = {
    NGX_MODULE_V1,
    &ngx_http_jamhook_module_ctx,          /* module context */
    ngx_http_jamhook_commands,             /* module directives */
    NGX_HTTP_MODULE,                       /* module type */
    NULL,                                  /* init master */
    ngx_http_jamhook_init_module,          /* init module */
    ngx_http_jamhook_init_process,         /* init process */
    NULL,                                  /* init thread */
    NULL,                                  /* exit thread */
    ngx_http_jamhook_exit_process,         /* exit process */
    NULL,                                  /* exit master */
    NGX_MODULE_V1_PADDING
};


static ngx_int_t
ngx_http_jamhook_preconfiguration(ngx_conf_t *cf)
{
    return ngx_http_jamhook_variables_add(cf);
}


static ngx_int_t
ngx_http_jamhook_postconfiguration(ngx_conf_t *cf)
{
    ngx_http_handler_pt           *h;
    ngx_http_core_main_conf_t     *cmcf;
    ngx_http_jamhook_main_conf_t  *jmcf;

    /*
     * The chain of filters is the process's, not a configuration's: if this one
     * is refused, workers that the master starts for the one before it have the
     * chain as it was left here.
     */

    ngx_http_jamhook_outcome_init_filters();

    jmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_jamhook_module);

    if (ngx_http_jamhook_conf_check(cf, jmcf) != NGX_OK) {
        return NGX_ERROR;
    }

    if (jmcf->store && ngx_http_jamhook_jobs_add(cf) != NGX_OK) {
        return NGX_ERROR;
    }

    if (ngx_http_jamhook_conf_add_zone(cf, jmcf) != NGX_OK) {
        return NGX_ERROR;
    }

    if (jmcf->endpoints.nelts == 0) {

        /* the module is loaded and idle: nothing is in anybody's way */

        return NGX_OK;
    }

    cmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module);

    h = ngx_array_push(&cmcf->phases[NGX_HTTP_REWRITE_PHASE].handlers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    *h = ngx_http_jamhook_endpoint_rewrite_handler;

    return NGX_OK;
}


static void *
ngx_http_jamhook_create_main_conf(ngx_conf_t *cf)
{
    ngx_http_jamhook_main_conf_t  *jmcf;

    jmcf = ngx_pcalloc(cf->pool, sizeof(ngx_http_jamhook_main_conf_t));
    if (jmcf == NULL) {
        return NULL;
    }

    if (ngx_array_init(&jmcf->endpoints, cf->pool, 4,
                       sizeof(ngx_http_jamhook_endpoint_t *))
        != NGX_OK
        || ngx_array_init(&jmcf->locations, cf->pool, 4,
                          sizeof(ngx_http_jamhook_location_t))
           != NGX_OK)
    {
        return NULL;
    }

    jmcf->retention = NGX_CONF_UNSET;

    return jmcf;
}


static void *
ngx_http_jamhook_create_loc_conf(ngx_conf_t *cf)
{
    ngx_http_jamhook_loc_conf_t  *conf;

    conf = ngx_pcalloc(cf->pool, sizeof(ngx_http_jamhook_loc_conf_t));
    if (conf == NULL) {
        return NULL;
    }

    /*
     * set by ngx_pcalloc():
     *
     *     conf->pass = NULL;
     *     conf->verify = NULL;
     *     conf->endpoint = NULL;
     *     conf->connector = NGX_HTTP_JAMHOOK_CONNECTOR_NONE;
     *     conf->events = NULL;
     *     conf->sign = NULL;
     *     conf->policy = { NULL, 0, NULL, 0, 0 };
     *     conf->rate_interval = 0;
     *     conf->*_place.file = NULL;
     */

    conf->verify_off = NGX_CONF_UNSET;
    conf->tolerance = NGX_CONF_UNSET;
    conf->timeout = NGX_CONF_UNSET_MSEC;
    conf->max_active = NGX_CONF_UNSET;
    conf->disable_after = NGX_CONF_UNSET_MSEC;

    return conf;
}


static char *
ngx_http_jamhook_merge_loc_conf(ngx_conf_t *cf, void *parent, void *child)
{
    ngx_http_jamhook_loc_conf_t *prev = parent;
    ngx_http_jamhook_loc_conf_t *conf = child;

    ngx_http_core_loc_conf_t      *clcf;
    ngx_http_jamhook_location_t   *loc;
    ngx_http_jamhook_main_conf_t  *jmcf;

    if (conf->verify_off == NGX_CONF_UNSET) {
        conf->verify_off = prev->verify_off;
        conf->verify = prev->verify;
    }

    ngx_conf_merge_sec_value(conf->tolerance, prev->tolerance,
                             NGX_HTTP_JAMHOOK_TOLERANCE);
    ngx_conf_merge_msec_value(conf->timeout, prev->timeout,
                              NGX_HTTP_JAMHOOK_TIMEOUT);
    ngx_conf_merge_value(conf->max_active, prev->max_active,
                         NGX_HTTP_JAMHOOK_MAX_ACTIVE);
    ngx_http_jamhook_conf_merge_policy(prev, conf);

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    if (clcf->noname) {
        ngx_http_jamhook_merge_block(clcf, prev, conf);
    }

    if (conf->pass == NULL
        && conf->endpoint == NULL
        && conf->connector_place.file == NULL
        && conf->events_place.file == NULL
        && conf->sign_place.file == NULL
        && conf->rate_place.file == NULL
        && conf->event_type_place.file == NULL
        && !conf->portal
        && !conf->metrics)
    {
        return NGX_CONF_OK;
    }

    /* for the checks, when all is read; a location comes before its "if" */

    jmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_jamhook_module);

    loc = ngx_array_push(&jmcf->locations);
    if (loc == NULL) {
        return NGX_CONF_ERROR;
    }

    loc->clcf = clcf;
    loc->jlcf = conf;

    return NGX_CONF_OK;
}


/*
 * An "if" or a "limit_except" is the location that it stands in, with some
 * things changed.
 */

static void
ngx_http_jamhook_merge_block(ngx_http_core_loc_conf_t *clcf,
    ngx_http_jamhook_loc_conf_t *prev, ngx_http_jamhook_loc_conf_t *conf)
{
    if (prev->endpoint) {
        conf->outer = prev;
        conf->endpoint = prev->endpoint;
        conf->connector = prev->connector;
        conf->wrap = prev->wrap;
        conf->sign = prev->sign;
        conf->sign_off = prev->sign_off;
        conf->sign_svix = prev->sign_svix;
        conf->rate_interval = prev->rate_interval;
    }

    if (conf->pass == NULL
        && prev->pass
        && (clcf->handler == NULL
            || clcf->handler == ngx_http_jamhook_ingest_handler))
    {
        conf->outer = prev;
        conf->pass = prev->pass;
        conf->pass_place = prev->pass_place;
    }

    if (!conf->portal
        && prev->portal
        && (clcf->handler == NULL
            || clcf->handler == ngx_http_jamhook_portal_handler))
    {
        conf->portal = 1;
        conf->portal_open = prev->portal_open;
        conf->conversation_url = prev->conversation_url;
        conf->portal_place = prev->portal_place;
    }

    if (!conf->metrics
        && prev->metrics
        && (clcf->handler == NULL
            || clcf->handler == ngx_http_jamhook_metrics_handler))
    {
        conf->metrics = 1;
        conf->metrics_place = prev->metrics_place;
    }

    if (!conf->event_type_set) {
        conf->event_type = prev->event_type;
    }

    /* nginx looks for no handler outside of a "limit_except" */

    if (clcf->lmt_excpt && clcf->handler == NULL) {

        if (conf->pass) {
            clcf->handler = ngx_http_jamhook_ingest_handler;

        } else if (conf->portal) {
            clcf->handler = ngx_http_jamhook_portal_handler;

        } else if (conf->metrics) {
            clcf->handler = ngx_http_jamhook_metrics_handler;
        }
    }
}


static ngx_int_t
ngx_http_jamhook_init_module(ngx_cycle_t *cycle)
{
    ngx_http_jamhook_conf_store_directory(cycle);

    return NGX_OK;
}


static ngx_int_t
ngx_http_jamhook_init_process(ngx_cycle_t *cycle)
{
    ngx_http_jamhook_main_conf_t  *jmcf;

    /* not for the cache manager and its like */

    if (ngx_process != NGX_PROCESS_WORKER
        && ngx_process != NGX_PROCESS_SINGLE)
    {
        return NGX_OK;
    }

    ngx_http_jamhook_schedule_init(cycle);

    jmcf = ngx_http_cycle_get_module_main_conf(cycle, ngx_http_jamhook_module);

    if (jmcf == NULL) {
        return NGX_OK;
    }

    ngx_http_jamhook_tally_init(cycle, jmcf);

    if (jmcf->store == NULL) {
        return NGX_OK;
    }

    if (ngx_http_jamhook_store_init(cycle, jmcf->backend, jmcf->store)
        != NGX_OK
        || ngx_http_jamhook_claim_init(cycle, jmcf) != NGX_OK)
    {
        return NGX_ERROR;
    }

    ngx_http_jamhook_dispatch_init(jmcf);
    ngx_http_jamhook_orphan_init(cycle, jmcf);

    ngx_http_jamhook_upkeep_init(cycle, jmcf);

    return NGX_OK;
}


static void
ngx_http_jamhook_exit_process(ngx_cycle_t *cycle)
{
    ngx_http_jamhook_schedule_exit();
    ngx_http_jamhook_store_exit();
    ngx_http_jamhook_tally_exit();
    ngx_http_jamhook_crypto_exit();
}
