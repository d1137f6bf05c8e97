
#include "ngx_http_jamhook_endpoint.h"
#include "ngx_http_jamhook_connector.h"
#include "ngx_http_jamhook_deliver.h"


static ngx_int_t ngx_http_jamhook_endpoint_upstream(
    ngx_http_jamhook_delivery_t *d, ngx_http_handler_pt handler);
static ngx_int_t ngx_http_jamhook_endpoint_fin_create_request(
    ngx_http_request_t *r);
static ngx_int_t ngx_http_jamhook_endpoint_fin_join(
    ngx_http_jamhook_delivery_t *d, ngx_chain_t *bufs);
static void ngx_http_jamhook_endpoint_misconfigured(
    ngx_http_jamhook_delivery_t *d);


ngx_int_t
ngx_http_jamhook_endpoint_rewrite_handler(ngx_http_request_t *r)
{
    ngx_http_jamhook_loc_conf_t  *jlcf;
    ngx_http_jamhook_delivery_t  *d;

    jlcf = ngx_http_get_module_loc_conf(r, ngx_http_jamhook_module);

    if (jlcf->endpoint == NULL) {
        return NGX_DECLINED;
    }

    d = ngx_http_jamhook_deliver_get(r);

    if (d && d->endpoint == jlcf->endpoint) {
        return NGX_DECLINED;
    }

    return NGX_HTTP_NOT_FOUND;
}


ngx_int_t
ngx_http_jamhook_endpoint_content_handler(ngx_http_request_t *r)
{
    ngx_int_t                     rc;
    ngx_http_jamhook_loc_conf_t  *jlcf;
    ngx_http_jamhook_delivery_t  *d;

    jlcf = ngx_http_get_module_loc_conf(r, ngx_http_jamhook_module);
    d = ngx_http_jamhook_deliver_get(r);

    if (d == NULL || d->endpoint != jlcf->endpoint || d->has_outcome) {
        return NGX_HTTP_NOT_FOUND;
    }

    /*
     * From here on the location's own handler answers.  A redirect takes the
     * context away again, and with it the right to speak for the target.
     */

    ngx_http_set_ctx(r, &d->ctx, ngx_http_jamhook_module);

    if (jlcf->upstream_known) {
        rc = ngx_http_jamhook_endpoint_upstream(d, jlcf->handler);

    } else {
        rc = jlcf->handler(r);

        if (rc == NGX_DONE
            && jlcf->connector == NGX_HTTP_JAMHOOK_CONNECTOR_INTERCOM_FIN
            && !d->has_outcome
            && r->upstream
            && ngx_http_jamhook_connector_fin_check(&r->upstream->uri,
                                         &d->parcel->event.conversation_id)
               == NGX_HTTP_JAMHOOK_URI_WRONG)
        {
            ngx_http_jamhook_endpoint_misconfigured(d);
            ngx_http_jamhook_deliver_abort(d,
                                       NGX_HTTP_JAMHOOK_ERR_MISCONFIGURED);
        }
    }

    if (rc == NGX_DECLINED) {
        ngx_http_set_ctx(r, NULL, ngx_http_jamhook_module);
    }

    return rc;
}


/*
 * nginx's upstream would make its request and connect within the handler.
 * With r->aio set it stops short of that, so that the request to the target
 * can be judged, and mended, before it is sent.  What is left of the handler
 * evaluates the URL, and would tell the log of one that is none: there a part
 * of it is a password, so it is for us to tell.
 */

static ngx_int_t
ngx_http_jamhook_endpoint_upstream(ngx_http_jamhook_delivery_t *d,
    ngx_http_handler_pt handler)
{
    ngx_log_t            *log;
    ngx_int_t             rc;
    ngx_uint_t            level;
    ngx_http_request_t   *sr;
    ngx_http_upstream_t  *u;

    sr = d->sr;
    log = &d->shell->log;
    level = log->log_level;

    if (level < NGX_LOG_DEBUG) {
        log->log_level = ngx_min(level, NGX_LOG_CRIT);
    }

    sr->aio = 1;
    rc = handler(sr);
    sr->aio = 0;

    log->log_level = level;

    u = sr->upstream;

    if (rc != NGX_DONE || u == NULL || u->create_request == NULL) {

        if (rc == NGX_HTTP_INTERNAL_SERVER_ERROR) {
            log->action = NULL;

            ngx_log_error(NGX_LOG_ERR, log, 0,
                          "jamhook delivery misconfigured: the location's "
                          "\"proxy_pass\" gives no URL; is a variable in it "
                          "empty?");
        }

        return rc;
    }

    if (d->endpoint->jlcf->connector
        == NGX_HTTP_JAMHOOK_CONNECTOR_INTERCOM_FIN)
    {
        d->create_request = u->create_request;
        u->create_request = ngx_http_jamhook_endpoint_fin_create_request;
    }

    ngx_http_upstream_init(sr);

    return NGX_DONE;
}


static ngx_int_t
ngx_http_jamhook_endpoint_fin_create_request(ngx_http_request_t *r)
{
    ngx_int_t                     rc;
    ngx_str_t                    *id;
    ngx_chain_t                  *bufs;
    ngx_http_upstream_t          *u;
    ngx_http_jamhook_uri_e        uri;
    ngx_http_jamhook_delivery_t  *d;
    ngx_http_jamhook_endpoint_t  *ep;

    u = r->upstream;
    bufs = u->request_bufs;
    d = ngx_http_jamhook_deliver_get(r);
    ep = d->endpoint;
    id = &d->parcel->event.conversation_id;

    /*
     * Where one URI had two slashes the next one has, too; but an "if" may
     * have a proxy_pass of its own.
     */

    if (ep->joined) {
        rc = ngx_http_jamhook_endpoint_fin_join(d, bufs);

        if (rc != NGX_OK) {
            return rc;
        }

        if (ngx_http_jamhook_connector_fin_check(&u->uri, id)
            == NGX_HTTP_JAMHOOK_URI_OK)
        {
            return NGX_OK;
        }

        u->request_bufs = bufs;
    }

    rc = d->create_request(r);

    if (rc != NGX_OK) {
        return rc;
    }

    uri = ngx_http_jamhook_connector_fin_check(&u->uri, id);

    if (uri == NGX_HTTP_JAMHOOK_URI_DOUBLE_SLASH) {
        rc = ngx_http_jamhook_endpoint_fin_join(d, bufs);

        if (rc != NGX_OK) {
            return rc;
        }

        uri = ngx_http_jamhook_connector_fin_check(&u->uri, id);

        ep->joined = (uri == NGX_HTTP_JAMHOOK_URI_OK);
    }

    if (uri == NGX_HTTP_JAMHOOK_URI_WRONG) {
        ngx_http_jamhook_endpoint_misconfigured(d);
        d->outcome.error = NGX_HTTP_JAMHOOK_ERR_MISCONFIGURED;
        return NGX_ERROR;
    }

    return NGX_OK;
}


/*
 * "location /fin" and a URL with a slash at its end: nginx puts what follows
 * "/fin" behind the slash.  So let the id alone follow it.
 */

static ngx_int_t
ngx_http_jamhook_endpoint_fin_join(ngx_http_jamhook_delivery_t *d,
    ngx_chain_t *bufs)
{
    u_char              *p;
    ngx_int_t            rc;
    ngx_str_t           *name, *id, uri;
    ngx_http_request_t  *r;

    r = d->sr;
    id = &d->parcel->event.conversation_id;
    name = &d->endpoint->clcf->name;

    if (name->len == 0 || name->data[name->len - 1] == '/') {
        return NGX_OK;
    }

    p = ngx_pnalloc(r->pool, name->len + id->len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    uri = r->uri;

    r->uri.data = p;
    p = ngx_cpymem(p, name->data, name->len);
    p = ngx_cpymem(p, id->data, id->len);
    r->uri.len = p - r->uri.data;

    r->upstream->request_bufs = bufs;

    rc = d->create_request(r);

    r->uri = uri;

    return rc;
}


static void
ngx_http_jamhook_endpoint_misconfigured(ngx_http_jamhook_delivery_t *d)
{
    d->shell->log.action = NULL;

    ngx_log_error(NGX_LOG_ERR, &d->shell->log, 0,
                  "jamhook delivery misconfigured: the URI for the target "
                  "does not end in \"/\" and the conversation's id; with "
                  "variables in \"proxy_pass\" end it in "
                  "\"/$jamhook_conversation_id\", without them give the "
                  "location's name and the URL both a \"/\" at the end or "
                  "none, and no \"?\"; only \"proxy_pass\" over HTTP/1 "
                  "lets it be seen");
}
