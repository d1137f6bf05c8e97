
#include "ngx_http_jamhook_api.h"
#include "ngx_http_jamhook_ctx.h"
#include "ngx_http_jamhook_headers.h"
#include "ngx_http_jamhook_late.h"
#include "ngx_http_jamhook_store.h"


#define NGX_HTTP_JAMHOOK_API_POOL        4096        /* bytes, to begin with */
#define NGX_HTTP_JAMHOOK_API_NAME_SHOWN  64          /* of a parameter's */

/*
 * Bytes of large answers that a worker sends at once: an event of 15 MiB to
 * clients that read slowly would take all memory.
 */
#define NGX_HTTP_JAMHOOK_API_LARGE       (1024 * 1024)
#define NGX_HTTP_JAMHOOK_API_SENDING     (64 * 1024 * 1024)


static ngx_http_jamhook_route_call_t *ngx_http_jamhook_api_find(
    ngx_http_request_t *r, ngx_str_t *path, ngx_str_t *name,
    ngx_str_t *allow);
static ngx_uint_t ngx_http_jamhook_api_split(ngx_str_t *path,
    ngx_str_t *parts);
static ngx_uint_t ngx_http_jamhook_api_is(
    ngx_http_jamhook_route_call_t *route, ngx_str_t *parts, ngx_uint_t n);
static ngx_int_t ngx_http_jamhook_api_allow(ngx_http_request_t *r,
    ngx_uint_t methods, ngx_str_t *allow);
static char *ngx_http_jamhook_api_foreign(ngx_http_request_t *r);
static ngx_uint_t ngx_http_jamhook_api_is_origin(ngx_http_request_t *r,
    ngx_str_t *origin);

static ngx_http_jamhook_call_t *ngx_http_jamhook_api_create(
    ngx_http_request_t *r, ngx_str_t *name);
static void ngx_http_jamhook_api_cleanup(void *data);
static void ngx_http_jamhook_api_release(ngx_http_jamhook_call_t *call);
static ngx_int_t ngx_http_jamhook_api_args(ngx_http_jamhook_call_t *call);
static ngx_int_t ngx_http_jamhook_api_read(ngx_http_jamhook_call_t *call);
static ngx_int_t ngx_http_jamhook_api_act(ngx_http_jamhook_call_t *call);
static void ngx_http_jamhook_api_body_handler(ngx_http_request_t *r);
static ngx_int_t ngx_http_jamhook_api_body(ngx_http_jamhook_call_t *call);
static ngx_int_t ngx_http_jamhook_api_text(ngx_http_jamhook_call_t *call,
    ngx_str_t *text);
static ngx_int_t ngx_http_jamhook_api_too_large(ngx_http_request_t *r);

static void ngx_http_jamhook_api_timer_handler(ngx_event_t *ev);
static void ngx_http_jamhook_api_finish(ngx_http_jamhook_call_t *call,
    ngx_http_request_t *r, ngx_int_t rc);

static ngx_int_t ngx_http_jamhook_api_refuse_str(ngx_http_request_t *r,
    ngx_http_jamhook_code_e code, ngx_str_t *parameter, ngx_str_t *allow,
    ngx_str_t *why);
static ngx_int_t ngx_http_jamhook_api_printable(ngx_http_request_t *r,
    ngx_str_t *src, ngx_str_t *dst);


static ngx_http_jamhook_route_call_t  *ngx_http_jamhook_api_routes[] = {
    ngx_http_jamhook_api_reads,
    ngx_http_jamhook_api_acts,
    NULL
};


/* of this worker's large answers, bytes */

static off_t  ngx_http_jamhook_api_sending;


ngx_int_t
ngx_http_jamhook_api_handler(ngx_http_request_t *r, ngx_str_t *path)
{
    char                           *why;
    ngx_int_t                       rc;
    ngx_str_t                       name, allow;
    ngx_http_jamhook_call_t        *call;
    ngx_http_jamhook_route_call_t  *route;

    route = ngx_http_jamhook_api_find(r, path, &name, &allow);

    if (route == NULL) {
        return allow.len ? ngx_http_jamhook_api_refuse_method(r, &allow)
                         : ngx_http_jamhook_api_refuse(r,
                               NGX_HTTP_JAMHOOK_NOT_FOUND, NULL,
                               "there is no such file and no such call");
    }

    if (route->method != NGX_HTTP_GET) {
        why = ngx_http_jamhook_api_foreign(r);

        if (why) {
            return ngx_http_jamhook_api_refuse(r, NGX_HTTP_JAMHOOK_FORBIDDEN,
                                               NULL, why);
        }
    }

    call = ngx_http_jamhook_api_create(r, &name);
    if (call == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    call->route = route;

    rc = ngx_http_jamhook_api_args(call);
    if (rc != NGX_DECLINED) {
        return rc;
    }

    return (route->method == NGX_HTTP_GET) ? ngx_http_jamhook_api_read(call)
                                           : ngx_http_jamhook_api_act(call);
}


/* NULL: none; allow is the methods that the path has, or empty */

static ngx_http_jamhook_route_call_t *
ngx_http_jamhook_api_find(ngx_http_request_t *r, ngx_str_t *path,
    ngx_str_t *name, ngx_str_t *allow)
{
    ngx_str_t                       parts[3];
    ngx_uint_t                      n, method, methods;
    ngx_http_jamhook_route_call_t  *route, **routes;

    methods = 0;
    ngx_str_null(allow);

    n = ngx_http_jamhook_api_split(path, parts);

    *name = parts[1];

    method = (r->method == NGX_HTTP_HEAD) ? NGX_HTTP_GET : r->method;

    for (routes = ngx_http_jamhook_api_routes; *routes; routes++) {

        for (route = *routes; route->method; route++) {

            if (!ngx_http_jamhook_api_is(route, parts, n)) {
                continue;
            }

            if (route->method == method) {
                return route;
            }

            methods |= route->method;
        }
    }

    if (methods && ngx_http_jamhook_api_allow(r, methods, allow) != NGX_OK) {
        ngx_str_null(allow);
    }

    return NULL;
}


/* "api/events/{id}/replay" has three parts; 0: it cannot be a call */

static ngx_uint_t
ngx_http_jamhook_api_split(ngx_str_t *path, ngx_str_t *parts)
{
    u_char      *p, *last, *end;
    ngx_uint_t   n;

    ngx_memzero(parts, 3 * sizeof(ngx_str_t));

    p = path->data;
    last = path->data + path->len;

    if (path->len < 4 || ngx_strncmp(p, "api/", 4) != 0) {
        return 0;
    }

    p += 4;

    for (n = 0; n < 3; n++) {

        end = ngx_strlchr(p, last, '/');

        parts[n].data = p;
        parts[n].len = (end ? end : last) - p;

        if (parts[n].len == 0) {
            return 0;
        }

        if (end == NULL) {
            return n + 1;
        }

        p = end + 1;
    }

    return 0;
}


static ngx_uint_t
ngx_http_jamhook_api_is(ngx_http_jamhook_route_call_t *route,
    ngx_str_t *parts, ngx_uint_t n)
{
    ngx_uint_t  expected;

    expected = 1 + route->named + (route->action.len != 0);

    if (n != expected
        || parts[0].len != route->list.len
        || ngx_strncmp(parts[0].data, route->list.data, route->list.len) != 0)
    {
        return 0;
    }

    return route->action.len == 0
           || (parts[2].len == route->action.len
               && ngx_strncmp(parts[2].data, route->action.data,
                              route->action.len)
                  == 0);
}


static ngx_int_t
ngx_http_jamhook_api_allow(ngx_http_request_t *r, ngx_uint_t methods,
    ngx_str_t *allow)
{
    u_char  *p;

    allow->data = ngx_pnalloc(r->pool, sizeof("GET, HEAD, POST, DELETE") - 1);
    if (allow->data == NULL) {
        return NGX_ERROR;
    }

    p = allow->data;

    if (methods & NGX_HTTP_GET) {
        p = ngx_cpymem(p, "GET, HEAD", sizeof("GET, HEAD") - 1);
    }

    if (methods & NGX_HTTP_POST) {
        p = ngx_sprintf(p, "%sPOST", p == allow->data ? "" : ", ");
    }

    if (methods & NGX_HTTP_DELETE) {
        p = ngx_sprintf(p, "%sDELETE", p == allow->data ? "" : ", ");
    }

    allow->len = p - allow->data;

    return NGX_OK;
}


/*
 * A page of another origin cannot set a header of its own without asking first,
 * and nobody here says yes.  The rest is for browsers that say whose page it
 * is.  NULL: all is well.
 */

static char *
ngx_http_jamhook_api_foreign(ngx_http_request_t *r)
{
    ngx_uint_t                   meant;
    ngx_table_elt_t             *h;
    ngx_http_jamhook_headers_t   walk;

    meant = 0;

    ngx_http_jamhook_headers_first(&walk, &r->headers_in.headers);

    for ( ;; ) {

        h = ngx_http_jamhook_headers_next(&walk);
        if (h == NULL) {
            break;
        }

        if (ngx_http_jamhook_headers_is(h, "x-jamhook-request")) {
            meant = (h->value.len == 1 && h->value.data[0] == '1');

        } else if (ngx_http_jamhook_headers_is(h, "origin")) {

            if (!ngx_http_jamhook_api_is_origin(r, &h->value)) {
                return "the \"Origin\" is not this host";
            }

        } else if (ngx_http_jamhook_headers_is(h, "sec-fetch-site")) {

            if (!(h->value.len == 11
                  && ngx_strncmp(h->value.data, "same-origin", 11) == 0)
                && !(h->value.len == 4
                     && ngx_strncmp(h->value.data, "none", 4) == 0))
            {
                return "the \"Sec-Fetch-Site\" is not \"same-origin\"";
            }
        }
    }

    return meant ? NULL : "a call that changes something needs the header "
                          "\"X-Jamhook-Request: 1\"";
}


/* "https://host[:port]"; browsers leave a scheme's own port out */

static ngx_uint_t
ngx_http_jamhook_api_is_origin(ngx_http_request_t *r, ngx_str_t *origin)
{
    char       *port;
    size_t      len;
    ngx_str_t   host[2];
    ngx_uint_t  i;

    host[0] = *origin;

    if (origin->len > 8
        && ngx_strncasecmp(origin->data, (u_char *) "https://", 8) == 0)
    {
        host[0].data += 8;
        host[0].len -= 8;
        port = ":443";

    } else if (origin->len > 7
               && ngx_strncasecmp(origin->data, (u_char *) "http://", 7) == 0)
    {
        host[0].data += 7;
        host[0].len -= 7;
        port = ":80";

    } else {
        return 0;
    }

    /* HTTP/3 may come with ":authority" alone */

    host[1] = r->headers_in.host ? r->headers_in.host->value
                                 : r->headers_in.server;

    len = ngx_strlen(port);

    for (i = 0; i < 2; i++) {

        if (host[i].len > len
            && ngx_strncmp(host[i].data + host[i].len - len, port, len) == 0)
        {
            host[i].len -= len;
        }
    }

    return host[0].len == host[1].len
           && ngx_strncasecmp(host[0].data, host[1].data, host[0].len) == 0;
}


static ngx_http_jamhook_call_t *
ngx_http_jamhook_api_create(ngx_http_request_t *r, ngx_str_t *name)
{
    ngx_pool_t               *pool;
    ngx_pool_cleanup_t       *cln;
    ngx_http_jamhook_ctx_t   *ctx;
    ngx_http_jamhook_call_t  *call;

    ctx = ngx_http_jamhook_create_ctx(r);
    if (ctx == NULL) {
        return NULL;
    }

    cln = ngx_pool_cleanup_add(r->pool, 0);
    if (cln == NULL) {
        return NULL;
    }

    pool = ngx_create_pool(NGX_HTTP_JAMHOOK_API_POOL, ngx_cycle->log);
    if (pool == NULL) {
        return NULL;
    }

    call = ngx_pcalloc(pool, sizeof(ngx_http_jamhook_call_t));
    if (call == NULL) {
        ngx_destroy_pool(pool);
        return NULL;
    }

    call->pool = pool;
    call->refs = 1;
    call->request = r;
    call->ctx = ctx;
    call->jmcf = ngx_http_get_module_main_conf(r, ngx_http_jamhook_module);
    call->jlcf = ngx_http_get_module_loc_conf(r, ngx_http_jamhook_module);

    cln->handler = ngx_http_jamhook_api_cleanup;
    cln->data = call;

    ctx->ingest = call;

    call->name.data = ngx_pstrdup(pool, name);
    if (call->name.data == NULL && name->len) {
        return NULL;
    }

    call->name.len = name->len;

    ngx_http_jamhook_writer_init(&call->writer, pool);

    return call;
}


/* the request goes, and with it what was sent */

static void
ngx_http_jamhook_api_cleanup(void *data)
{
    ngx_http_jamhook_call_t *call = data;

    call->request = NULL;

    if (call->timer.timer_set) {
        ngx_del_timer(&call->timer);
    }

    ngx_http_jamhook_api_release(call);
}


static void
ngx_http_jamhook_api_release(ngx_http_jamhook_call_t *call)
{
    call->refs--;

    if (call->refs == 0) {
        ngx_http_jamhook_api_sending -= call->sending;
        ngx_destroy_pool(call->pool);
    }
}


/* this and what follows: NGX_DECLINED: go on; else the request was answered */

static ngx_int_t
ngx_http_jamhook_api_args(ngx_http_jamhook_call_t *call)
{
    char       *why;
    ngx_int_t   rc;
    ngx_str_t   name;

    call->args.state = NGX_HTTP_JAMHOOK_SHOWN_ANY;
    call->args.result = NGX_HTTP_JAMHOOK_RESULT_ANY;
    call->args.limit = NGX_HTTP_JAMHOOK_QUERY_LIMIT;
    call->args.window = NGX_HTTP_JAMHOOK_API_24H;

    rc = ngx_http_jamhook_query_read(call->pool, &call->request->args,
                                     call->route->params, &call->args, &name,
                                     &why);

    if (rc == NGX_DECLINED) {
        return ngx_http_jamhook_api_refuse(call->request,
                                           NGX_HTTP_JAMHOOK_PARAMETER_INVALID,
                                           &name, why);
    }

    return (rc == NGX_OK) ? NGX_DECLINED : NGX_HTTP_INTERNAL_SERVER_ERROR;
}


static ngx_int_t
ngx_http_jamhook_api_read(ngx_http_jamhook_call_t *call)
{
    ngx_int_t            rc;
    ngx_http_request_t  *r;

    r = call->request;

    rc = ngx_http_discard_request_body(r);
    if (rc != NGX_OK) {
        return rc;
    }

    rc = call->route->handler(call);

    if (rc == NGX_AGAIN) {

        /* released by ngx_http_finalize_request() in late_finalize() */

        r->main->count++;

        return NGX_DONE;
    }

    return rc;
}


static ngx_int_t
ngx_http_jamhook_api_act(ngx_http_jamhook_call_t *call)
{
    ngx_int_t            rc;
    ngx_http_request_t  *r;

    r = call->request;

    if (r->headers_in.content_length_n > NGX_HTTP_JAMHOOK_API_BODY) {
        return ngx_http_jamhook_api_too_large(r);
    }

    r->request_body_in_single_buf = 1;

    rc = ngx_http_read_client_request_body(r,
                                           ngx_http_jamhook_api_body_handler);

    if (rc == NGX_HTTP_REQUEST_ENTITY_TOO_LARGE) {

        /* as ingest: the rest of a chunked body is still to come */

        r->keepalive = 0;

        return ngx_http_jamhook_api_too_large(r);
    }

    if (rc >= NGX_HTTP_SPECIAL_RESPONSE) {
        return rc;
    }

    return NGX_DONE;
}


static void
ngx_http_jamhook_api_body_handler(ngx_http_request_t *r)
{
    ngx_int_t                 rc;
    ngx_http_jamhook_ctx_t   *ctx;
    ngx_http_jamhook_call_t  *call;

    ctx = ngx_http_get_module_ctx(r, ngx_http_jamhook_module);
    call = ctx->ingest;

    rc = ngx_http_jamhook_api_body(call);

    if (rc == NGX_DECLINED) {
        rc = call->route->handler(call);
    }

    if (rc == NGX_AGAIN) {

        /*
         * The reference that ngx_http_read_client_request_body() took holds
         * the request until api_finish().
         */

        return;
    }

    ngx_http_finalize_request(r, rc);
}


/* nothing, or one object with members that the call knows */

static ngx_int_t
ngx_http_jamhook_api_body(ngx_http_jamhook_call_t *call)
{
    char                *why;
    ngx_int_t            rc;
    ngx_str_t            text, name;
    ngx_http_request_t  *r;

    r = call->request;

    rc = ngx_http_jamhook_api_text(call, &text);

    if (rc != NGX_DECLINED || text.len == 0) {
        return rc;
    }

    rc = ngx_http_jamhook_json_parse(call->pool, &text, &call->body, &why);

    if (rc == NGX_ERROR) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (rc != NGX_OK) {
        ngx_str_set(&name, "body");

        return ngx_http_jamhook_api_refuse(r,
                                           NGX_HTTP_JAMHOOK_PARAMETER_INVALID,
                                           &name, why);
    }

    if (ngx_http_jamhook_json_stranger(call->body, call->route->members,
                                       &name)
        == NGX_OK)
    {
        return ngx_http_jamhook_api_refuse(r,
                                           NGX_HTTP_JAMHOOK_PARAMETER_INVALID,
                                           &name,
                                           "this call knows no such member");
    }

    return NGX_DECLINED;
}


static ngx_int_t
ngx_http_jamhook_api_text(ngx_http_jamhook_call_t *call, ngx_str_t *text)
{
    off_t                size;
    u_char              *p;
    ngx_buf_t           *b;
    ngx_chain_t         *cl, *bufs;
    ngx_http_request_t  *r;

    r = call->request;
    bufs = r->request_body ? r->request_body->bufs : NULL;

    size = 0;

    for (cl = bufs; cl; cl = cl->next) {
        size += ngx_buf_size(cl->buf);
    }

    if (size > NGX_HTTP_JAMHOOK_API_BODY) {
        return ngx_http_jamhook_api_too_large(r);
    }

    p = ngx_pnalloc(call->pool, (size_t) size + 1);
    if (p == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    text->data = p;

    for (cl = bufs; cl; cl = cl->next) {
        b = cl->buf;

        if (ngx_buf_in_memory(b)) {
            p = ngx_cpymem(p, b->pos, b->last - b->pos);
            continue;
        }

        if (!b->in_file) {
            continue;
        }

        /* with client_body_in_file_only */

        size = b->file_last - b->file_pos;

        if (ngx_read_file(b->file, p, (size_t) size, b->file_pos)
            != (ssize_t) size)
        {
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        }

        p += size;
    }

    text->len = p - text->data;

    return NGX_DECLINED;
}


static ngx_int_t
ngx_http_jamhook_api_too_large(ngx_http_request_t *r)
{
    return ngx_http_jamhook_api_refuse(r, NGX_HTTP_JAMHOOK_BODY_TOO_LARGE,
                                       NULL,
                                       "the body has more than 64 KiB");
}


ngx_int_t
ngx_http_jamhook_api_wait(ngx_http_jamhook_call_t *call, ngx_msec_t timeout)
{
    if (ngx_http_jamhook_late_notice(call->request) != NGX_OK) {
        return NGX_ERROR;
    }

    if (timeout) {
        call->timer.handler = ngx_http_jamhook_api_timer_handler;
        call->timer.data = call;
        call->timer.log = ngx_cycle->log;

        ngx_add_timer(&call->timer, timeout);
    }

    call->refs++;                /* until api_end() */

    return NGX_AGAIN;
}


static void
ngx_http_jamhook_api_timer_handler(ngx_event_t *ev)
{
    ngx_http_request_t       *r;
    ngx_http_jamhook_call_t  *call = ev->data;

    if (call->progress && *call->progress != call->seen) {
        call->seen = *call->progress;
        ngx_add_timer(ev, NGX_HTTP_JAMHOOK_API_TIMEOUT);
        return;
    }

    r = ngx_http_jamhook_api_waiting(call);

    if (r) {
        ngx_http_jamhook_api_finish(call, r,
                 ngx_http_jamhook_api_unavailable(r,
                     "the store did not answer in time; what was asked for "
                     "may still be done"));
    }
}


ngx_http_request_t *
ngx_http_jamhook_api_waiting(ngx_http_jamhook_call_t *call)
{
    return ngx_http_jamhook_late_request(call->request, call->ctx);
}


void
ngx_http_jamhook_api_end(ngx_http_jamhook_call_t *call, ngx_http_request_t *r,
    ngx_int_t rc)
{
    if (r) {
        ngx_http_jamhook_api_finish(call, r, rc);
    }

    ngx_http_jamhook_api_release(call);
}


/* the request may live on while it is sent, but is not told anything more */

static void
ngx_http_jamhook_api_finish(ngx_http_jamhook_call_t *call,
    ngx_http_request_t *r, ngx_int_t rc)
{
    call->request = NULL;

    if (call->timer.timer_set) {
        ngx_del_timer(&call->timer);
    }

    ngx_http_jamhook_late_finalize(r, rc);
}


ngx_int_t
ngx_http_jamhook_api_send(ngx_http_jamhook_call_t *call, ngx_http_request_t *r)
{
    ngx_chain_t  *out;

    if (ngx_http_jamhook_writer_end(&call->writer, &out) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (call->writer.size > NGX_HTTP_JAMHOOK_API_LARGE) {

        if (ngx_http_jamhook_api_sending
            && ngx_http_jamhook_api_sending + call->writer.size
               > NGX_HTTP_JAMHOOK_API_SENDING)
        {
            return ngx_http_jamhook_api_unavailable(r,
                       "other large answers are being sent; try again in a "
                       "moment");
        }

        call->sending = call->writer.size;
        ngx_http_jamhook_api_sending += call->sending;
    }

    return ngx_http_jamhook_reply_json_chain(r, out, call->writer.size);
}


ngx_int_t
ngx_http_jamhook_api_unavailable(ngx_http_request_t *r, char *text)
{
    u_char                           *p, *last;
    u_char                            buf[1024];
    ngx_str_t                         why;
    ngx_http_jamhook_store_status_t   status;

    ngx_http_jamhook_store_status(&status);

    p = buf;
    last = buf + sizeof(buf);

    switch (status.state) {

    case NGX_HTTP_JAMHOOK_STORE_TROUBLE:
        p = ngx_slprintf(p, last, "the store does not work: %s; %s",
                         status.text, status.advice);
        break;

    case NGX_HTTP_JAMHOOK_STORE_OPENING:
        p = ngx_slprintf(p, last, "the store is being opened; try again in a "
                         "moment");
        break;

    default:
        p = ngx_slprintf(p, last, "%s", text);
    }

    why.data = buf;
    why.len = p - buf;

    return ngx_http_jamhook_api_refuse_str(r, NGX_HTTP_JAMHOOK_UNAVAILABLE,
                                           NULL, NULL, &why);
}


ngx_int_t
ngx_http_jamhook_api_refuse(ngx_http_request_t *r,
    ngx_http_jamhook_code_e code, ngx_str_t *parameter, char *why)
{
    ngx_str_t  s, name;

    s.data = (u_char *) why;
    s.len = ngx_strlen(why);

    if (parameter) {

        if (ngx_http_jamhook_api_printable(r, parameter, &name) != NGX_OK) {
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        }

        parameter = &name;
    }

    return ngx_http_jamhook_api_refuse_str(r, code, parameter, NULL, &s);
}


ngx_int_t
ngx_http_jamhook_api_refuse_method(ngx_http_request_t *r, ngx_str_t *allow)
{
    ngx_str_t  why;

    ngx_str_set(&why, "this is not what can be done here");

    return ngx_http_jamhook_api_refuse_str(r,
                                           NGX_HTTP_JAMHOOK_METHOD_NOT_ALLOWED,
                                           NULL, allow, &why);
}


static ngx_int_t
ngx_http_jamhook_api_refuse_str(ngx_http_request_t *r,
    ngx_http_jamhook_code_e code, ngx_str_t *parameter, ngx_str_t *allow,
    ngx_str_t *why)
{
    ngx_log_error(NGX_LOG_INFO, r->connection->log, 0,
                  "jamhook portal refused a call: %V: %V",
                  ngx_http_jamhook_reply_code(code), why);

    return ngx_http_jamhook_reply_refusal(r, code, why, parameter, allow,
                                          NGX_HTTP_JAMHOOK_RETRY_AFTER);
}


/* a name as it came may be long, and any bytes */

static ngx_int_t
ngx_http_jamhook_api_printable(ngx_http_request_t *r, ngx_str_t *src,
    ngx_str_t *dst)
{
    size_t  i;

    dst->len = ngx_min(src->len, NGX_HTTP_JAMHOOK_API_NAME_SHOWN);

    dst->data = ngx_pnalloc(r->pool, dst->len + 1);
    if (dst->data == NULL) {
        return NGX_ERROR;
    }

    for (i = 0; i < dst->len; i++) {
        dst->data[i] = (src->data[i] >= 0x20 && src->data[i] < 0x7f)
                           ? src->data[i] : '?';
    }

    return NGX_OK;
}
