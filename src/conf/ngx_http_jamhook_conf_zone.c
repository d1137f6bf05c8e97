
#include "ngx_http_jamhook_conf.h"


static ngx_int_t ngx_http_jamhook_conf_zone_endpoints(ngx_conf_t *cf,
    ngx_http_jamhook_main_conf_t *jmcf);
static ngx_int_t ngx_http_jamhook_conf_zone_sources(ngx_conf_t *cf,
    ngx_http_jamhook_main_conf_t *jmcf);
static ngx_uint_t ngx_http_jamhook_conf_zone_source(ngx_conf_t *cf,
    ngx_http_jamhook_zone_conf_t *zcf, ngx_http_jamhook_location_t *loc);


ngx_int_t
ngx_http_jamhook_conf_add_zone(ngx_conf_t *cf,
    ngx_http_jamhook_main_conf_t *jmcf)
{
    ngx_uint_t                    i;
    ngx_http_jamhook_location_t  *loc;

    loc = jmcf->locations.elts;

    for (i = 0; i < jmcf->locations.nelts; i++) {
        if (loc[i].jlcf->metrics) {
            break;
        }
    }

    if (jmcf->endpoints.nelts == 0 && i == jmcf->locations.nelts) {
        return NGX_OK;
    }

    if (ngx_http_jamhook_conf_zone_endpoints(cf, jmcf) != NGX_OK
        || ngx_http_jamhook_conf_zone_sources(cf, jmcf) != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_http_jamhook_zone_add(cf, &ngx_http_jamhook_module,
                                     &jmcf->zone);
}


static ngx_int_t
ngx_http_jamhook_conf_zone_endpoints(ngx_conf_t *cf,
    ngx_http_jamhook_main_conf_t *jmcf)
{
    ngx_uint_t                      i, n;
    ngx_http_jamhook_endpoint_t   **ep;
    ngx_http_jamhook_zone_conf_t   *zcf;

    zcf = &jmcf->zone;
    ep = jmcf->endpoints.elts;
    n = jmcf->endpoints.nelts;

    if (n == 0) {
        return NGX_OK;
    }

    zcf->endpoints = ngx_palloc(cf->pool, n * sizeof(ngx_str_t));
    if (zcf->endpoints == NULL) {
        return NGX_ERROR;
    }

    zcf->cells = ngx_pcalloc(cf->pool, n * sizeof(ngx_http_jamhook_cell_t *));
    if (zcf->cells == NULL) {
        return NGX_ERROR;
    }

    zcf->nendpoints = n;

    for (i = 0; i < n; i++) {
        zcf->endpoints[i] = ep[i]->name;
    }

    return NGX_OK;
}


/* one for each name: that is what the store knows an event's source by */

static ngx_int_t
ngx_http_jamhook_conf_zone_sources(ngx_conf_t *cf,
    ngx_http_jamhook_main_conf_t *jmcf)
{
    ngx_uint_t                     i, n;
    ngx_http_jamhook_location_t   *loc;
    ngx_http_jamhook_zone_conf_t  *zcf;

    zcf = &jmcf->zone;
    loc = jmcf->locations.elts;
    n = ngx_min(jmcf->locations.nelts, NGX_HTTP_JAMHOOK_COUNT_SOURCES);

    if (n == 0) {
        return NGX_OK;
    }

    zcf->sources = ngx_palloc(cf->pool, n * sizeof(ngx_str_t));
    if (zcf->sources == NULL) {
        return NGX_ERROR;
    }

    zcf->counts = ngx_pcalloc(cf->pool,
                          n * sizeof(ngx_http_jamhook_source_count_t *));
    if (zcf->counts == NULL) {
        return NGX_ERROR;
    }

    for (i = 0; i < jmcf->locations.nelts; i++) {

        if (loc[i].jlcf->pass) {
            loc[i].jlcf->source = ngx_http_jamhook_conf_zone_source(cf, zcf,
                                                                    &loc[i]);
        }
    }

    return NGX_OK;
}


static ngx_uint_t
ngx_http_jamhook_conf_zone_source(ngx_conf_t *cf,
    ngx_http_jamhook_zone_conf_t *zcf, ngx_http_jamhook_location_t *loc)
{
    char                      *why;
    ngx_str_t                 *name;
    ngx_uint_t                 i;
    ngx_http_jamhook_place_t  *place;

    name = &loc->clcf->name;

    for (i = 0; i < zcf->nsources; i++) {

        if (zcf->sources[i].len == name->len
            && ngx_memcmp(zcf->sources[i].data, name->data, name->len) == 0)
        {
            return i;
        }
    }

    if (name->len > NGX_HTTP_JAMHOOK_COUNT_NAME) {
        why = "its name is longer than 128 bytes";

    } else if (zcf->nsources == NGX_HTTP_JAMHOOK_COUNT_SOURCES) {
        why = "there are 256 other names before it";

    } else {
        zcf->sources[zcf->nsources] = *name;
        return zcf->nsources++;
    }

    /* told once, not again for each "if" in the location */

    if (!loc->clcf->noname) {
        place = &loc->jlcf->pass_place;

        ngx_log_error(NGX_LOG_WARN, cf->log, 0,
                      "events of the location \"%V\" with \"jamhook_pass\" "
                      "are not counted: %s, in %s:%ui",
                      name, why, place->file, place->line);
    }

    return NGX_HTTP_JAMHOOK_NO_SOURCE;
}
