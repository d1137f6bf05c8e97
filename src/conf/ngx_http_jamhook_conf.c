
#include "ngx_http_jamhook_conf.h"
#include "ngx_http_jamhook_ingest.h"
#include "ngx_http_jamhook_metrics.h"
#include "ngx_http_jamhook_schedule.h"
#include "ngx_http_jamhook_text.h"


static ngx_int_t ngx_http_jamhook_conf_repeated(ngx_array_t *values,
    ngx_str_t *value);


char *
ngx_http_jamhook_conf_pass(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_jamhook_loc_conf_t *jlcf = conf;

    ngx_str_t                 *value;
    ngx_uint_t                 i;
    ngx_http_core_loc_conf_t  *clcf;
    ngx_http_jamhook_route_t  *route;

    if (jlcf->pass) {
        return "is duplicate";
    }

    if (ngx_http_jamhook_conf_role(cf, jlcf) != NGX_CONF_OK) {
        return NGX_CONF_ERROR;
    }

    jlcf->pass = ngx_array_create(cf->pool, cf->args->nelts - 1,
                                  sizeof(ngx_http_jamhook_route_t));
    if (jlcf->pass == NULL) {
        return NGX_CONF_ERROR;
    }

    ngx_http_jamhook_conf_here(cf, &jlcf->pass_place);

    value = cf->args->elts;

    for (i = 1; i < cf->args->nelts; i++) {

        if (ngx_http_jamhook_text_token(&value[i], NGX_HTTP_JAMHOOK_NAME_MAX)
            != NGX_OK)
        {
            return ngx_http_jamhook_conf_invalid(cf, &value[i],
                       "the name of an endpoint is 1 to 64 of A-Z a-z 0-9 "
                       "_ -");
        }

        /* a route begins with the endpoint's name */

        if (ngx_http_jamhook_conf_repeated(jlcf->pass, &value[i]) != NGX_OK) {
            return ngx_http_jamhook_conf_invalid(cf, &value[i],
                       "the endpoint is named twice");
        }

        route = ngx_array_push(jlcf->pass);
        if (route == NULL) {
            return NGX_CONF_ERROR;
        }

        route->name = value[i];
        route->endpoint = NULL;
    }

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    if (clcf->handler) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"jamhook_pass\" stands beside another content "
                           "handler, such as \"proxy_pass\": give each a "
                           "location of its own");
        return NGX_CONF_ERROR;
    }

    clcf->handler = ngx_http_jamhook_ingest_handler;

    return NGX_CONF_OK;
}


char *
ngx_http_jamhook_conf_verify(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_jamhook_loc_conf_t *jlcf = conf;

    ngx_str_t  *value;

    if (jlcf->verify_off != NGX_CONF_UNSET) {
        return "is duplicate";
    }

    ngx_http_jamhook_conf_here(cf, &jlcf->verify_place);

    value = cf->args->elts;

    if (ngx_strcmp(value[1].data, "off") == 0) {

        if (cf->cmd_type & (NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF)) {
            return ngx_http_jamhook_conf_invalid(cf, &value[1],
                       "it is allowed in a location only, so that nothing "
                       "is open by inheritance; give a key file here");
        }

        jlcf->verify_off = 1;
        jlcf->verify = NULL;

        return NGX_CONF_OK;
    }

    jlcf->verify = ngx_http_jamhook_conf_keys(cf, &value[0], &value[1],
                                              NGX_HTTP_JAMHOOK_SECRET_VERIFY);
    if (jlcf->verify == NULL) {
        return NGX_CONF_ERROR;
    }

    jlcf->verify_off = 0;

    return NGX_CONF_OK;
}


char *
ngx_http_jamhook_conf_tolerance(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_jamhook_loc_conf_t *jlcf = conf;

    ngx_str_t  *value;

    if (jlcf->tolerance != NGX_CONF_UNSET) {
        return "is duplicate";
    }

    value = cf->args->elts;

    jlcf->tolerance = ngx_parse_time(&value[1], 1);

    if (jlcf->tolerance == (time_t) NGX_ERROR || jlcf->tolerance == 0) {
        return ngx_http_jamhook_conf_invalid(cf, &value[1],
                   "give a time of 1s or more, such as 5m");
    }

    return NGX_CONF_OK;
}


char *
ngx_http_jamhook_conf_event_type(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    ngx_http_jamhook_loc_conf_t *jlcf = conf;

    ngx_str_t  *value;

    if (jlcf->event_type_set) {
        return "is duplicate";
    }

    jlcf->event_type_set = 1;
    ngx_http_jamhook_conf_here(cf, &jlcf->event_type_place);

    value = cf->args->elts;

    if (ngx_strcmp(value[1].data, "auto") == 0) {
        return NGX_CONF_OK;
    }

    if (ngx_http_jamhook_text_type(&value[1], NGX_HTTP_JAMHOOK_TYPE_MAX)
        != NGX_OK)
    {
        return ngx_http_jamhook_conf_invalid(cf, &value[1],
                   "give \"auto\" or a type such as "
                   "\"" NGX_HTTP_JAMHOOK_RECORDED "\": 1 to 128 of "
                   "A-Z a-z 0-9 _ . : / -");
    }

    jlcf->event_type = value[1];

    return NGX_CONF_OK;
}


char *
ngx_http_jamhook_conf_endpoint(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_jamhook_loc_conf_t *jlcf = conf;

    u_char                        *p;
    ngx_str_t                     *value;
    ngx_uint_t                     i;
    ngx_http_core_loc_conf_t      *clcf;
    ngx_http_jamhook_endpoint_t   *ep, **epp;
    ngx_http_jamhook_main_conf_t  *jmcf;

    if (jlcf->endpoint) {
        return "is duplicate";
    }

    if (ngx_http_jamhook_conf_role(cf, jlcf) != NGX_CONF_OK) {
        return NGX_CONF_ERROR;
    }

    jmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_jamhook_module);
    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);
    value = cf->args->elts;

    if (ngx_http_jamhook_text_token(&value[1], NGX_HTTP_JAMHOOK_NAME_MAX)
        != NGX_OK)
    {
        return ngx_http_jamhook_conf_invalid(cf, &value[1],
                   "a name is 1 to 64 of A-Z a-z 0-9 _ -");
    }

    epp = jmcf->endpoints.elts;

    for (i = 0; i < jmcf->endpoints.nelts; i++) {
        ep = epp[i];

        if (ep->name.len == value[1].len
            && ngx_strncmp(ep->name.data, value[1].data, ep->name.len) == 0)
        {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid value \"%V\" in "
                               "\"jamhook_endpoint\": the name is taken by "
                               "the endpoint in %s:%ui, and must be unique",
                               &value[1], ep->place.file, ep->place.line);
            return NGX_CONF_ERROR;
        }
    }

    if (jmcf->endpoints.nelts >= NGX_HTTP_JAMHOOK_ENDPOINTS_MAX) {
        return ngx_http_jamhook_conf_invalid(cf, &value[1],
                   "there are 256 endpoints already, and no more are "
                   "allowed");
    }

    ep = ngx_pcalloc(cf->pool, sizeof(ngx_http_jamhook_endpoint_t));
    if (ep == NULL) {
        return NGX_CONF_ERROR;
    }

    ep->name = value[1];
    ep->clcf = clcf;
    ep->jlcf = jlcf;
    ep->index = jmcf->endpoints.nelts;
    ep->ctx = *(ngx_http_conf_ctx_t *) cf->ctx;

    ngx_http_jamhook_conf_here(cf, &ep->place);
    ngx_http_jamhook_schedule_init_line(&ep->line);

    if (ngx_array_init(&ep->secrets, cf->pool, 1, sizeof(ngx_str_t))
        != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    ep->request_line.len = sizeof("POST  HTTP/1.1") - 1 + clcf->name.len;
    /* a byte more: a client's request line has its CR or LF there */

    ep->request_line.data = ngx_pnalloc(cf->pool, ep->request_line.len + 1);
    if (ep->request_line.data == NULL) {
        return NGX_CONF_ERROR;
    }

    p = ngx_sprintf(ep->request_line.data, "POST %V HTTP/1.1", &clcf->name);
    *p = LF;

    epp = ngx_array_push(&jmcf->endpoints);
    if (epp == NULL) {
        return NGX_CONF_ERROR;
    }

    *epp = ep;
    jlcf->endpoint = ep;

    return NGX_CONF_OK;
}


char *
ngx_http_jamhook_conf_connector(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_jamhook_loc_conf_t *jlcf = conf;

    ngx_str_t  *value;

    if (jlcf->connector_place.file) {
        return "is duplicate";
    }

    ngx_http_jamhook_conf_here(cf, &jlcf->connector_place);

    value = cf->args->elts;

    if (ngx_strcmp(value[1].data, "none") == 0) {
        jlcf->connector = NGX_HTTP_JAMHOOK_CONNECTOR_NONE;

    } else if (ngx_strcmp(value[1].data, "intercom_fin") == 0) {
        jlcf->connector = NGX_HTTP_JAMHOOK_CONNECTOR_INTERCOM_FIN;

    } else {
        return ngx_http_jamhook_conf_invalid(cf, &value[1],
                   "it is \"none\" or \"intercom_fin\"");
    }

    if (cf->args->nelts == 2) {
        return NGX_CONF_OK;
    }

    if (jlcf->connector != NGX_HTTP_JAMHOOK_CONNECTOR_INTERCOM_FIN
        || ngx_strcmp(value[2].data, "wrap=data") != 0)
    {
        return ngx_http_jamhook_conf_invalid(cf, &value[2],
                   "the one parameter is \"wrap=data\", of \"intercom_fin\"");
    }

    jlcf->wrap = 1;

    return NGX_CONF_OK;
}


char *
ngx_http_jamhook_conf_events(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_jamhook_loc_conf_t *jlcf = conf;

    ngx_str_t   *value, *type, s;
    ngx_uint_t   i;

    if (jlcf->events) {
        return "is duplicate";
    }

    ngx_http_jamhook_conf_here(cf, &jlcf->events_place);

    jlcf->events = ngx_array_create(cf->pool, cf->args->nelts - 1,
                                    sizeof(ngx_str_t));
    if (jlcf->events == NULL) {
        return NGX_CONF_ERROR;
    }

    value = cf->args->elts;

    for (i = 1; i < cf->args->nelts; i++) {

        s = value[i];

        if (s.len && s.data[s.len - 1] == '*') {
            s.len--;
        }

        if ((s.len || value[i].len == 0)
            && ngx_http_jamhook_text_type(&s, NGX_HTTP_JAMHOOK_TYPE_MAX)
               != NGX_OK)
        {
            return ngx_http_jamhook_conf_invalid(cf, &value[i],
                       "a type is 1 to 128 of A-Z a-z 0-9 _ . : / -, with "
                       "at most one \"*\", at its end");
        }

        if (ngx_http_jamhook_conf_repeated(jlcf->events, &value[i])
            != NGX_OK)
        {
            return ngx_http_jamhook_conf_invalid(cf, &value[i],
                       "the type is named twice");
        }

        type = ngx_array_push(jlcf->events);
        if (type == NULL) {
            return NGX_CONF_ERROR;
        }

        *type = value[i];
    }

    return NGX_CONF_OK;
}


char *
ngx_http_jamhook_conf_sign(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_jamhook_loc_conf_t *jlcf = conf;

    ngx_str_t  *value;

    if (jlcf->sign_place.file) {
        return "is duplicate";
    }

    ngx_http_jamhook_conf_here(cf, &jlcf->sign_place);

    value = cf->args->elts;

    if (cf->args->nelts == 3) {

        if (ngx_strcmp(value[1].data, "off") == 0) {
            return ngx_http_jamhook_conf_invalid(cf, &value[2],
                       "\"off\" has no parameters");
        }

        if (ngx_strcmp(value[2].data, "prefix=svix") == 0) {
            jlcf->sign_svix = 1;

        } else if (ngx_strcmp(value[2].data, "prefix=webhook") != 0) {
            return ngx_http_jamhook_conf_invalid(cf, &value[2],
                       "it is \"prefix=webhook\" or \"prefix=svix\"");
        }
    }

    if (ngx_strcmp(value[1].data, "off") == 0) {
        jlcf->sign_off = 1;
        return NGX_CONF_OK;
    }

    jlcf->sign = ngx_http_jamhook_conf_keys(cf, &value[0], &value[1],
                                            NGX_HTTP_JAMHOOK_SECRET_SIGN);
    if (jlcf->sign == NULL) {
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


char *
ngx_http_jamhook_conf_timeout(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_jamhook_loc_conf_t *jlcf = conf;

    ngx_str_t  *value;

    if (jlcf->timeout != NGX_CONF_UNSET_MSEC) {
        return "is duplicate";
    }

    value = cf->args->elts;

    jlcf->timeout = ngx_parse_time(&value[1], 0);

    if (jlcf->timeout == (ngx_msec_t) NGX_ERROR || jlcf->timeout == 0) {
        return ngx_http_jamhook_conf_invalid(cf, &value[1],
                   "give a time of 1ms or more, such as 15s");
    }

    return NGX_CONF_OK;
}


char *
ngx_http_jamhook_conf_max_active(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    ngx_http_jamhook_loc_conf_t *jlcf = conf;

    ngx_str_t  *value;

    if (jlcf->max_active != NGX_CONF_UNSET) {
        return "is duplicate";
    }

    value = cf->args->elts;

    jlcf->max_active = ngx_atoi(value[1].data, value[1].len);

    if (jlcf->max_active == NGX_ERROR || jlcf->max_active == 0) {
        return ngx_http_jamhook_conf_invalid(cf, &value[1],
                   "give a number of 1 or more, such as 64");
    }

    return NGX_CONF_OK;
}


char *
ngx_http_jamhook_conf_metrics(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_jamhook_loc_conf_t *jlcf = conf;

    ngx_http_core_loc_conf_t  *clcf;

    if (jlcf->metrics) {
        return "is duplicate";
    }

    if (ngx_http_jamhook_conf_role(cf, jlcf) != NGX_CONF_OK) {
        return NGX_CONF_ERROR;
    }

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    if (clcf->handler) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"jamhook_metrics\" stands beside another content "
                           "handler, such as \"proxy_pass\": give each a "
                           "location of its own");
        return NGX_CONF_ERROR;
    }

    jlcf->metrics = 1;
    ngx_http_jamhook_conf_here(cf, &jlcf->metrics_place);

    clcf->handler = ngx_http_jamhook_metrics_handler;

    return NGX_CONF_OK;
}


char *
ngx_http_jamhook_conf_role(ngx_conf_t *cf, ngx_http_jamhook_loc_conf_t *jlcf)
{
    char       *other;
    ngx_str_t  *value;

    if (jlcf->pass) {
        other = "jamhook_pass";

    } else if (jlcf->endpoint) {
        other = "jamhook_endpoint";

    } else if (jlcf->portal) {
        other = "jamhook_portal";

    } else if (jlcf->metrics) {
        other = "jamhook_metrics";

    } else {
        return NGX_CONF_OK;
    }

    value = cf->args->elts;

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "\"%V\" and \"%s\" stand in one location: give each "
                       "a location of its own", &value[0], other);

    return NGX_CONF_ERROR;
}


void
ngx_http_jamhook_conf_here(ngx_conf_t *cf, ngx_http_jamhook_place_t *place)
{
    place->file = cf->conf_file->file.name.data;
    place->line = cf->conf_file->line;
}


char *
ngx_http_jamhook_conf_invalid(ngx_conf_t *cf, ngx_str_t *value, char *right)
{
    ngx_str_t  *args;

    args = cf->args->elts;

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "invalid value \"%V\" in \"%V\": %s",
                       value, &args[0], right);

    return NGX_CONF_ERROR;
}


/* values: of structs that begin with an ngx_str_t */

static ngx_int_t
ngx_http_jamhook_conf_repeated(ngx_array_t *values, ngx_str_t *value)
{
    u_char      *p;
    ngx_str_t   *s;
    ngx_uint_t   i;

    p = values->elts;

    for (i = 0; i < values->nelts; i++) {
        s = (ngx_str_t *) (p + i * values->size);

        if (s->len == value->len
            && ngx_strncmp(s->data, value->data, s->len) == 0)
        {
            return NGX_DECLINED;
        }
    }

    return NGX_OK;
}
