
#include "ngx_http_jamhook_conf.h"
#include "ngx_http_jamhook_conf_text.h"
#include "ngx_http_jamhook_endpoint.h"
#include "ngx_http_jamhook_ingest.h"
#include "ngx_http_jamhook_metrics.h"


typedef struct {
    char  *module;
    char  *prefix;                       /* of its directives */
} ngx_http_jamhook_upstream_t;


static ngx_int_t ngx_http_jamhook_conf_check_strays(ngx_conf_t *cf,
    ngx_http_jamhook_loc_conf_t *jlcf);
static ngx_int_t ngx_http_jamhook_conf_check_pass(ngx_conf_t *cf,
    ngx_http_jamhook_main_conf_t *jmcf, ngx_http_jamhook_location_t *loc);
static ngx_int_t ngx_http_jamhook_conf_check_route(ngx_conf_t *cf,
    ngx_http_jamhook_main_conf_t *jmcf, ngx_http_jamhook_loc_conf_t *jlcf,
    ngx_http_jamhook_route_t *route);
static ngx_int_t ngx_http_jamhook_conf_check_metrics(ngx_conf_t *cf,
    ngx_http_jamhook_location_t *loc);
static ngx_int_t ngx_http_jamhook_conf_check_endpoint(ngx_conf_t *cf,
    ngx_http_jamhook_endpoint_t *ep);
static ngx_int_t ngx_http_jamhook_conf_check_location(ngx_conf_t *cf,
    ngx_http_jamhook_endpoint_t *ep);
static ngx_int_t ngx_http_jamhook_conf_default_events(ngx_conf_t *cf,
    ngx_http_jamhook_loc_conf_t *jlcf);
static void ngx_http_jamhook_conf_take_over(ngx_conf_t *cf,
    ngx_http_jamhook_location_t *loc);
static ngx_int_t ngx_http_jamhook_conf_check_upstream(ngx_conf_t *cf,
    ngx_http_jamhook_endpoint_t *ep);
static ngx_http_upstream_conf_t *ngx_http_jamhook_conf_upstream(
    ngx_conf_t *cf, ngx_http_core_loc_conf_t *clcf, char *module);
static ngx_int_t ngx_http_jamhook_conf_check_texts(ngx_conf_t *cf,
    ngx_http_jamhook_main_conf_t *jmcf);
static ngx_int_t ngx_http_jamhook_conf_check_text(ngx_conf_t *cf,
    ngx_http_jamhook_endpoint_t *ep, ngx_http_jamhook_conf_text_t *text);
static void ngx_http_jamhook_conf_check_url(ngx_conf_t *cf,
    ngx_http_jamhook_endpoint_t *ep, ngx_http_jamhook_conf_text_t *text);
static void ngx_http_jamhook_conf_check_tls(ngx_conf_t *cf,
    ngx_http_jamhook_endpoint_t *ep, ngx_http_jamhook_conf_text_t *text);
static ngx_uint_t ngx_http_jamhook_conf_url_begins(ngx_str_t *url,
    char *scheme);
static ngx_uint_t ngx_http_jamhook_conf_url_ends(ngx_str_t *url, char *end);


/* nginx's upstream modules: each one's conf begins with upstream's */

static ngx_http_jamhook_upstream_t  ngx_http_jamhook_conf_upstreams[] = {
    { "ngx_http_proxy_module", "proxy" },
    { "ngx_http_grpc_module", "grpc" },
    { "ngx_http_fastcgi_module", "fastcgi" },
    { "ngx_http_uwsgi_module", "uwsgi" },
    { "ngx_http_scgi_module", "scgi" },
    { NULL, NULL }
};


static ngx_str_t  ngx_http_jamhook_conf_fin_events[] = {
    ngx_string(NGX_HTTP_JAMHOOK_RECORDED),
    ngx_string(NGX_HTTP_JAMHOOK_OPTED_OUT)
};

static ngx_str_t  ngx_http_jamhook_conf_all_events = ngx_string("*");


ngx_int_t
ngx_http_jamhook_conf_check(ngx_conf_t *cf, ngx_http_jamhook_main_conf_t *jmcf)
{
    ngx_uint_t                     i;
    ngx_http_jamhook_location_t   *loc;
    ngx_http_jamhook_endpoint_t  **ep;

    if (ngx_http_jamhook_conf_check_store(cf, jmcf) != NGX_OK) {
        return NGX_ERROR;
    }

    if (ngx_http_jamhook_conf_check_texts(cf, jmcf) != NGX_OK) {
        return NGX_ERROR;
    }

    loc = jmcf->locations.elts;

    for (i = 0; i < jmcf->locations.nelts; i++) {

        if (ngx_http_jamhook_conf_check_strays(cf, loc[i].jlcf) != NGX_OK) {
            return NGX_ERROR;
        }

        if (loc[i].jlcf->pass
            && ngx_http_jamhook_conf_check_pass(cf, jmcf, &loc[i]) != NGX_OK)
        {
            return NGX_ERROR;
        }

        if (loc[i].jlcf->metrics
            && ngx_http_jamhook_conf_check_metrics(cf, &loc[i]) != NGX_OK)
        {
            return NGX_ERROR;
        }

        if (loc[i].jlcf->portal
            && ngx_http_jamhook_conf_check_portal(cf, &loc[i]) != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    ep = jmcf->endpoints.elts;

    for (i = 0; i < jmcf->endpoints.nelts; i++) {

        if (ngx_http_jamhook_conf_check_endpoint(cf, ep[i]) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    /* "if" and "limit_except" of an endpoint's location follow it here */

    for (i = 0; i < jmcf->locations.nelts; i++) {

        if (loc[i].jlcf->endpoint) {
            ngx_http_jamhook_conf_take_over(cf, &loc[i]);
        }
    }

    return NGX_OK;
}


/* directives that have no meaning where they stand */

static ngx_int_t
ngx_http_jamhook_conf_check_strays(ngx_conf_t *cf,
    ngx_http_jamhook_loc_conf_t *jlcf)
{
    char                      *name, *beside;
    ngx_http_jamhook_place_t  *place;

    place = NULL;
    name = NULL;
    beside = "jamhook_endpoint";

    if (jlcf->endpoint == NULL) {

        if (jlcf->connector_place.file) {
            place = &jlcf->connector_place;
            name = "jamhook_connector";

        } else if (jlcf->events_place.file) {
            place = &jlcf->events_place;
            name = "jamhook_events";

        } else if (jlcf->sign_place.file) {
            place = &jlcf->sign_place;
            name = "jamhook_sign";

        } else if (jlcf->rate_place.file) {
            place = &jlcf->rate_place;
            name = "jamhook_rate";
        }
    }

    if (jlcf->pass == NULL && jlcf->event_type_place.file) {
        place = &jlcf->event_type_place;
        name = "jamhook_event_type";
        beside = "jamhook_pass";
    }

    if (place == NULL) {
        return NGX_OK;
    }

    ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                  "\"%s\" stands in a location without \"%s\", which it "
                  "belongs to, in %s:%ui",
                  name, beside, place->file, place->line);

    return NGX_ERROR;
}


static ngx_int_t
ngx_http_jamhook_conf_check_pass(ngx_conf_t *cf,
    ngx_http_jamhook_main_conf_t *jmcf, ngx_http_jamhook_location_t *loc)
{
    ngx_uint_t                    i;
    ngx_http_jamhook_place_t     *place;
    ngx_http_jamhook_route_t     *route;
    ngx_http_jamhook_loc_conf_t  *jlcf;

    jlcf = loc->jlcf;
    place = &jlcf->pass_place;

    if (ngx_http_jamhook_conf_check_handler(cf, loc->clcf,
                                            ngx_http_jamhook_ingest_handler,
                                            "jamhook_pass", place)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (jlcf->verify == NULL && jlcf->verify_off != 1) {
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                      "\"jamhook_pass\" needs \"jamhook_verify\": give it a "
                      "key file, or write \"jamhook_verify off\" in the "
                      "location to take events from anybody, in %s:%ui",
                      place->file, place->line);
        return NGX_ERROR;
    }

    route = jlcf->pass->elts;

    for (i = 0; i < jlcf->pass->nelts; i++) {

        if (ngx_http_jamhook_conf_check_route(cf, jmcf, jlcf, &route[i])
            != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    /* told once, not again for each "if" in the location */

    if (jmcf->store == NULL && jlcf->pass->nelts > 1 && jlcf->outer == NULL) {
        ngx_log_error(NGX_LOG_WARN, cf->log, 0,
                      "\"jamhook_pass\" names several endpoints and there is "
                      "no store: when one of them fails, the sender repeats "
                      "the event to all, in %s:%ui",
                      place->file, place->line);
    }

    return NGX_OK;
}


ngx_int_t
ngx_http_jamhook_conf_check_handler(ngx_conf_t *cf,
    ngx_http_core_loc_conf_t *clcf, ngx_http_handler_pt handler,
    char *directive, ngx_http_jamhook_place_t *place)
{
    if (clcf->handler == handler
        || (clcf->handler == NULL && clcf->noname))
    {
        return NGX_OK;
    }

    ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                  "\"%s\" stands beside another content handler, such as "
                  "\"proxy_pass\": give each a location of its own, in "
                  "%s:%ui", directive, place->file, place->line);

    return NGX_ERROR;
}


static ngx_int_t
ngx_http_jamhook_conf_check_route(ngx_conf_t *cf,
    ngx_http_jamhook_main_conf_t *jmcf, ngx_http_jamhook_loc_conf_t *jlcf,
    ngx_http_jamhook_route_t *route)
{
    ngx_uint_t                     i;
    ngx_http_jamhook_endpoint_t  **ep;

    ep = jmcf->endpoints.elts;

    for (i = 0; i < jmcf->endpoints.nelts; i++) {

        if (ep[i]->name.len == route->name.len
            && ngx_strncmp(ep[i]->name.data, route->name.data,
                           route->name.len)
               == 0)
        {
            route->endpoint = ep[i];
            return NGX_OK;
        }
    }

    ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                  "unknown endpoint \"%V\" in \"jamhook_pass\": no location "
                  "has \"jamhook_endpoint %V\", in %s:%ui",
                  &route->name, &route->name,
                  jlcf->pass_place.file, jlcf->pass_place.line);

    return NGX_ERROR;
}


static ngx_int_t
ngx_http_jamhook_conf_check_metrics(ngx_conf_t *cf,
    ngx_http_jamhook_location_t *loc)
{
    ngx_http_jamhook_place_t  *place;

    place = &loc->jlcf->metrics_place;

    /* an "if" is a part of the location that it stands in */

    if (loc->jlcf->endpoint) {
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                      "\"jamhook_metrics\" and \"jamhook_endpoint\" stand "
                      "in one location: give each a location of its own, in "
                      "%s:%ui", place->file, place->line);
        return NGX_ERROR;
    }

    return ngx_http_jamhook_conf_check_handler(cf, loc->clcf,
                                             ngx_http_jamhook_metrics_handler,
                                             "jamhook_metrics", place);
}


static ngx_int_t
ngx_http_jamhook_conf_check_endpoint(ngx_conf_t *cf,
    ngx_http_jamhook_endpoint_t *ep)
{
    if (ngx_http_jamhook_conf_check_location(cf, ep) != NGX_OK) {
        return NGX_ERROR;
    }

    if (ep->jlcf->sign == NULL && !ep->jlcf->sign_off) {
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                      "the endpoint \"%V\" needs \"jamhook_sign\": give it a "
                      "key file, or write \"jamhook_sign off\" to send "
                      "without a signature, in %s:%ui",
                      &ep->name, ep->place.file, ep->place.line);
        return NGX_ERROR;
    }

    if (ngx_http_jamhook_conf_default_events(cf, ep->jlcf) != NGX_OK) {
        return NGX_ERROR;
    }

    ep->jlcf->policy.fin = (ep->jlcf->connector
                            == NGX_HTTP_JAMHOOK_CONNECTOR_INTERCOM_FIN);

    return ngx_http_jamhook_conf_check_upstream(cf, ep);
}


/* an endpoint's location: one that can be stepped into, with a handler */

static ngx_int_t
ngx_http_jamhook_conf_check_location(ngx_conf_t *cf,
    ngx_http_jamhook_endpoint_t *ep)
{
    char                      *why;
    ngx_http_core_loc_conf_t  *clcf;

    clcf = ep->clcf;
    why = NULL;

    if (clcf->named) {
        why = "stands in a named location: use a prefix one or \"=\"";

#if (NGX_PCRE)
    } else if (clcf->regex) {
        why = "stands in a location with a regular expression: use a prefix "
              "one or \"=\"";
#endif

    } else if (clcf->handler == NULL) {
        why = "stands in a location without a content handler: add "
              "\"proxy_pass\" with the target's URL";

    } else if (clcf->exact_match
               && ep->jlcf->connector
                  == NGX_HTTP_JAMHOOK_CONNECTOR_INTERCOM_FIN)
    {
        why = "has \"jamhook_connector intercom_fin\" in a location with "
              "\"=\": use a prefix one, for the conversation's id follows "
              "its name";
    }

    if (why == NULL) {
        return NGX_OK;
    }

    ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                  "the endpoint \"%V\" in \"jamhook_endpoint\" %s, in %s:%ui",
                  &ep->name, why, ep->place.file, ep->place.line);

    return NGX_ERROR;
}


static ngx_int_t
ngx_http_jamhook_conf_default_events(ngx_conf_t *cf,
    ngx_http_jamhook_loc_conf_t *jlcf)
{
    ngx_str_t   *type, *types;
    ngx_uint_t   i, n;

    if (jlcf->events) {
        return NGX_OK;
    }

    if (jlcf->connector == NGX_HTTP_JAMHOOK_CONNECTOR_INTERCOM_FIN) {
        types = ngx_http_jamhook_conf_fin_events;
        n = 2;

    } else {
        types = &ngx_http_jamhook_conf_all_events;
        n = 1;
    }

    jlcf->events = ngx_array_create(cf->pool, n, sizeof(ngx_str_t));
    if (jlcf->events == NULL) {
        return NGX_ERROR;
    }

    for (i = 0; i < n; i++) {
        type = ngx_array_push(jlcf->events);
        if (type == NULL) {
            return NGX_ERROR;
        }

        *type = types[i];
    }

    return NGX_OK;
}


/* the location's handler goes behind ours, which lets deliveries through */

static void
ngx_http_jamhook_conf_take_over(ngx_conf_t *cf,
    ngx_http_jamhook_location_t *loc)
{
    ngx_http_upstream_conf_t     *ucf;
    ngx_http_core_loc_conf_t     *clcf;
    ngx_http_jamhook_upstream_t  *u;
    ngx_http_jamhook_loc_conf_t  *jlcf;

    clcf = loc->clcf;
    jlcf = loc->jlcf;

    if (jlcf->outer) {
        jlcf->events = jlcf->outer->events;
        jlcf->handler = jlcf->outer->handler;
        jlcf->upstream_known = (clcf->handler == NULL)
                               && jlcf->outer->upstream_known;
    }

    /*
     * A client hears 404 before anything else is looked at; what nginx itself
     * sends there hears it from ngx_http_jamhook_endpoint_rewrite_handler().
     */

    clcf->internal = 1;

    if (clcf->handler) {
        jlcf->handler = clcf->handler;
        clcf->handler = ngx_http_jamhook_endpoint_content_handler;
    }

    for (u = ngx_http_jamhook_conf_upstreams; u->module; u++) {

        ucf = ngx_http_jamhook_conf_upstream(cf, clcf, u->module);

        if (ucf == NULL) {
            continue;
        }

        /* a target's answer does not steer this nginx */

        ucf->ignore_headers |= NGX_HTTP_UPSTREAM_IGN_XA_REDIRECT
                               |NGX_HTTP_UPSTREAM_IGN_XA_LIMIT_RATE
                               |NGX_HTTP_UPSTREAM_IGN_XA_BUFFERING
                               |NGX_HTTP_UPSTREAM_IGN_XA_CHARSET;

        if (ucf->upstream) {
            jlcf->upstream_known = 1;
        }
    }
}


static ngx_int_t
ngx_http_jamhook_conf_check_upstream(ngx_conf_t *cf,
    ngx_http_jamhook_endpoint_t *ep)
{
    char                         *what;
    ngx_http_upstream_conf_t     *ucf;
    ngx_http_jamhook_upstream_t  *u;

    for (u = ngx_http_jamhook_conf_upstreams; u->module; u++) {

        ucf = ngx_http_jamhook_conf_upstream(cf, ep->clcf, u->module);

        /* with variables only the text says which module's the handler is */

        if (ucf == NULL
            || (ucf->upstream == NULL
                && !(ep->jlcf->proxied
                     && u == ngx_http_jamhook_conf_upstreams)))
        {
            continue;
        }

        if (ucf->pass_request_headers == 0) {
            what = "headers";

        } else if (ucf->pass_request_body == 0) {
            what = "body";

        } else {
            continue;
        }

        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                      "\"%s_pass_request_%s off\" holds for the endpoint "
                      "\"%V\", so that deliveries would lose what they are "
                      "made of: write \"%s_pass_request_%s on\" in its "
                      "location, in %s:%ui",
                      u->prefix, what, &ep->name, u->prefix, what,
                      ep->place.file, ep->place.line);

        return NGX_ERROR;
    }

    return NGX_OK;
}


static ngx_http_upstream_conf_t *
ngx_http_jamhook_conf_upstream(ngx_conf_t *cf, ngx_http_core_loc_conf_t *clcf,
    char *module)
{
    ngx_uint_t     i;
    ngx_module_t  *m;

    for (i = 0; cf->cycle->modules[i]; i++) {
        m = cf->cycle->modules[i];

        if (m->type == NGX_HTTP_MODULE && ngx_strcmp(m->name, module) == 0) {
            return clcf->loc_conf[m->ctx_index];
        }
    }

    return NULL;
}


static ngx_int_t
ngx_http_jamhook_conf_check_texts(ngx_conf_t *cf,
    ngx_http_jamhook_main_conf_t *jmcf)
{
    ngx_uint_t                      i, j;
    ngx_array_t                     found;
    ngx_http_jamhook_endpoint_t   **ep;
    ngx_http_jamhook_conf_text_t   *text;

    if (jmcf->endpoints.nelts == 0) {
        return NGX_OK;
    }

    if (ngx_array_init(&found, cf->temp_pool, 4,
                       sizeof(ngx_http_jamhook_conf_text_t))
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    ngx_http_jamhook_conf_text_read(cf, &found);

    ep = jmcf->endpoints.elts;
    text = found.elts;

    for (i = 0; i < found.nelts; i++) {

        for (j = 0; j < jmcf->endpoints.nelts; j++) {

            if (ep[j]->name.len != text[i].endpoint.len
                || ngx_strncmp(ep[j]->name.data, text[i].endpoint.data,
                               ep[j]->name.len)
                   != 0)
            {
                continue;
            }

            if (ngx_http_jamhook_conf_check_text(cf, ep[j], &text[i])
                != NGX_OK)
            {
                return NGX_ERROR;
            }

            break;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_jamhook_conf_check_text(ngx_conf_t *cf,
    ngx_http_jamhook_endpoint_t *ep, ngx_http_jamhook_conf_text_t *text)
{
    switch (text->kind) {

    case NGX_HTTP_JAMHOOK_TEXT_PROXY_SET_BODY:

        ngx_log_error(NGX_LOG_WARN, cf->log, 0,
                      "\"proxy_set_body\" stands in the location of the "
                      "endpoint \"%V\": its signature is over another body, "
                      "in %s:%ui",
                      &ep->name, text->place.file, text->place.line);
        return NGX_OK;

    case NGX_HTTP_JAMHOOK_TEXT_PROXY_METHOD:

        ngx_log_error(NGX_LOG_WARN, cf->log, 0,
                      "\"proxy_method\" stands in the location of the "
                      "endpoint \"%V\": a webhook is a POST, in %s:%ui",
                      &ep->name, text->place.file, text->place.line);
        return NGX_OK;

    case NGX_HTTP_JAMHOOK_TEXT_PROXY_PASS:

        ep->jlcf->proxied = 1;

        /* fall through */

    default:

        if (!text->conditional) {
            ep->jlcf->upstream_known = 1;

            if (ngx_http_jamhook_conf_mask_url(cf, &text->value, &ep->url)
                != NGX_OK)
            {
                return NGX_ERROR;
            }
        }

        if (ngx_strlchr(text->value.data, text->value.data + text->value.len,
                        '$')
            != NULL)
        {
            ep->variables = 1;
        }

        ngx_http_jamhook_conf_check_tls(cf, ep, text);
        ngx_http_jamhook_conf_check_url(cf, ep, text);

        return ngx_http_jamhook_conf_url_secrets(cf, &text->value,
                                                 &ep->secrets);
    }
}


/* would the conversation's id arrive? */

static void
ngx_http_jamhook_conf_check_url(ngx_conf_t *cf,
    ngx_http_jamhook_endpoint_t *ep, ngx_http_jamhook_conf_text_t *text)
{
    char       *why;
    u_char     *p, *last;
    ngx_str_t  *name;

    if (ep->jlcf->connector != NGX_HTTP_JAMHOOK_CONNECTOR_INTERCOM_FIN) {
        return;
    }

    why = NULL;
    last = text->value.data + text->value.len;

    if (ngx_strlchr(text->value.data, last, '?') != NULL) {
        why = "has a \"?\", and the conversation's id would follow it";

    } else if (ngx_strlchr(text->value.data, last, '$') != NULL) {

        if (!ngx_http_jamhook_conf_url_ends(&text->value,
                                            "/$jamhook_conversation_id")
            && !ngx_http_jamhook_conf_url_ends(&text->value,
                                               "/${jamhook_conversation_id}"))
        {
            why = "has variables and does not end in "
                  "\"/$jamhook_conversation_id\"";
        }

    } else {

        p = ngx_http_jamhook_conf_url_path(&text->value);
        name = &ep->clcf->name;

        if (p && last[-1] != '/' && name->data[name->len - 1] == '/') {
            why = "has no \"/\" at its end and the location's name has one";
        }
    }

    if (why == NULL) {
        return;
    }

    ngx_log_error(NGX_LOG_WARN, cf->log, 0,
                  "the URL of \"proxy_pass\" for the endpoint \"%V\" %s: "
                  "deliveries will fail as \"misconfigured\", in %s:%ui",
                  &ep->name, why, text->place.file, text->place.line);
}


static void
ngx_http_jamhook_conf_check_tls(ngx_conf_t *cf,
    ngx_http_jamhook_endpoint_t *ep, ngx_http_jamhook_conf_text_t *text)
{
#if (NGX_HTTP_SSL)

    char                      *prefix, *module;
    ngx_http_upstream_conf_t  *ucf;

    if (ngx_http_jamhook_conf_url_begins(&text->value, "https://")) {
        module = "ngx_http_proxy_module";
        prefix = "proxy";

    } else if (ngx_http_jamhook_conf_url_begins(&text->value, "grpcs://")) {
        module = "ngx_http_grpc_module";
        prefix = "grpc";

    } else {
        return;
    }

    ucf = ngx_http_jamhook_conf_upstream(cf, ep->clcf, module);
    if (ucf == NULL) {
        return;
    }

    if (ucf->ssl_verify != 1) {
        ngx_log_error(NGX_LOG_WARN, cf->log, 0,
                      "\"%s_ssl_verify\" is off for the endpoint \"%V\": "
                      "whoever is in between can read and answer its "
                      "deliveries; turn it on, with "
                      "\"%s_ssl_trusted_certificate\", in %s:%ui",
                      prefix, &ep->name, prefix,
                      ep->place.file, ep->place.line);
    }

    if (ucf->ssl_server_name != 1) {
        ngx_log_error(NGX_LOG_WARN, cf->log, 0,
                      "\"%s_ssl_server_name\" is off for the endpoint "
                      "\"%V\": a target that shares its address with others "
                      "will not know who is meant; turn it on, in %s:%ui",
                      prefix, &ep->name, ep->place.file, ep->place.line);
    }

#endif
}


static ngx_uint_t
ngx_http_jamhook_conf_url_begins(ngx_str_t *url, char *scheme)
{
    size_t  len;

    len = ngx_strlen(scheme);

    return url->len >= len
           && ngx_strncasecmp(url->data, (u_char *) scheme, len) == 0;
}


static ngx_uint_t
ngx_http_jamhook_conf_url_ends(ngx_str_t *url, char *end)
{
    size_t  len;

    len = ngx_strlen(end);

    return url->len >= len
           && ngx_strncmp(url->data + url->len - len, end, len) == 0;
}
