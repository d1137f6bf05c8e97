
#include "ngx_http_jamhook_api.h"
#include "ngx_http_jamhook_render.h"
#include "ngx_http_jamhook_store.h"


/* any op that is read, with what the answer needs besides */

typedef struct {
    union {
        ngx_http_jamhook_op_t            op;
        ngx_http_jamhook_op_events_t     events;
        ngx_http_jamhook_op_show_t       show;
        ngx_http_jamhook_op_attempts_t   attempts;
        ngx_http_jamhook_op_endpoints_t  endpoints;
        ngx_http_jamhook_op_stats_t      stats;
    } u;

    char                                *none;   /* what the 404 says; NULL:
                                                    there was something */
} ngx_http_jamhook_read_t;

typedef struct {
    int64_t                              width;  /* ms of a bucket */
    ngx_uint_t                           n;      /* of them */
} ngx_http_jamhook_window_t;


static ngx_int_t ngx_http_jamhook_api_events(ngx_http_jamhook_call_t *call);
static void ngx_http_jamhook_api_events_digest(ngx_http_jamhook_op_t *op);
static ngx_int_t ngx_http_jamhook_api_event(ngx_http_jamhook_call_t *call);
static void ngx_http_jamhook_api_event_digest(ngx_http_jamhook_op_t *op);
static ngx_int_t ngx_http_jamhook_api_attempts(ngx_http_jamhook_call_t *call);
static void ngx_http_jamhook_api_attempts_digest(ngx_http_jamhook_op_t *op);
static ngx_int_t ngx_http_jamhook_api_endpoints(ngx_http_jamhook_call_t *call);
static void ngx_http_jamhook_api_endpoints_digest(ngx_http_jamhook_op_t *op);
static ngx_int_t ngx_http_jamhook_api_endpoint(ngx_http_jamhook_call_t *call);
static void ngx_http_jamhook_api_endpoint_digest(ngx_http_jamhook_op_t *op);
static ngx_int_t ngx_http_jamhook_api_stats(ngx_http_jamhook_call_t *call);
static void ngx_http_jamhook_api_stats_digest(ngx_http_jamhook_op_t *op);
static ngx_int_t ngx_http_jamhook_api_status(ngx_http_jamhook_call_t *call);

static ngx_http_jamhook_read_t *ngx_http_jamhook_api_op(
    ngx_http_jamhook_call_t *call, ngx_http_jamhook_op_e type,
    void (*digest)(ngx_http_jamhook_op_t *op));
static ngx_uint_t ngx_http_jamhook_api_read_wanted(ngx_http_jamhook_op_t *op);
static ngx_int_t ngx_http_jamhook_api_submit(ngx_http_jamhook_call_t *call);
static void ngx_http_jamhook_api_read_handler(ngx_http_jamhook_op_t *op);


/* in the order of ngx_http_jamhook_shown_e */

static ngx_str_t  ngx_http_jamhook_api_states[] = {
    ngx_string("pending"),
    ngx_string("sending"),
    ngx_string("succeeded"),
    ngx_string("failed"),
    ngx_string("paused"),
    ngx_null_string
};


/* in the order of ngx_http_jamhook_result_e */

static ngx_str_t  ngx_http_jamhook_api_results[] = {
    ngx_string("succeeded"),
    ngx_string("failed"),
    ngx_string("interrupted"),
    ngx_null_string
};


static ngx_str_t  ngx_http_jamhook_api_window_names[] = {
    ngx_string("1h"),
    ngx_string("24h"),
    ngx_string("7d"),
    ngx_string("30d"),
    ngx_null_string
};


/* in the order of their names */

static ngx_http_jamhook_window_t  ngx_http_jamhook_api_windows[] = {
    { 60 * 1000, 60 },
    { 15 * 60 * 1000, 96 },
    { 2 * 3600 * 1000, 84 },
    { 6 * 3600 * 1000, 120 }
};

static ngx_http_jamhook_query_param_t  ngx_http_jamhook_api_no_params[] = {
    { ngx_null_string, 0, 0, NULL }
};


static ngx_http_jamhook_query_param_t  ngx_http_jamhook_api_events_params[] = {

    { ngx_string("type"), NGX_HTTP_JAMHOOK_QUERY_STRING,
      offsetof(ngx_http_jamhook_args_t, type), NULL },

    { ngx_string("endpoint"), NGX_HTTP_JAMHOOK_QUERY_STRING,
      offsetof(ngx_http_jamhook_args_t, endpoint), NULL },

    { ngx_string("state"), NGX_HTTP_JAMHOOK_QUERY_WORD,
      offsetof(ngx_http_jamhook_args_t, state),
      ngx_http_jamhook_api_states },

    { ngx_string("conversation_id"), NGX_HTTP_JAMHOOK_QUERY_STRING,
      offsetof(ngx_http_jamhook_args_t, conversation_id), NULL },

    { ngx_string("jam_id"), NGX_HTTP_JAMHOOK_QUERY_STRING,
      offsetof(ngx_http_jamhook_args_t, jam_id), NULL },

    { ngx_string("since"), NGX_HTTP_JAMHOOK_QUERY_TIME,
      offsetof(ngx_http_jamhook_args_t, since), NULL },

    { ngx_string("until"), NGX_HTTP_JAMHOOK_QUERY_TIME,
      offsetof(ngx_http_jamhook_args_t, until), NULL },

    { ngx_string("limit"), NGX_HTTP_JAMHOOK_QUERY_NUMBER,
      offsetof(ngx_http_jamhook_args_t, limit), NULL },

    { ngx_string("cursor"), NGX_HTTP_JAMHOOK_QUERY_CURSOR,
      offsetof(ngx_http_jamhook_args_t, cursor), NULL },

    { ngx_null_string, 0, 0, NULL }
};


static ngx_http_jamhook_query_param_t
    ngx_http_jamhook_api_attempts_params[] = {

    { ngx_string("endpoint"), NGX_HTTP_JAMHOOK_QUERY_STRING,
      offsetof(ngx_http_jamhook_args_t, endpoint), NULL },

    { ngx_string("result"), NGX_HTTP_JAMHOOK_QUERY_WORD,
      offsetof(ngx_http_jamhook_args_t, result),
      ngx_http_jamhook_api_results },

    { ngx_string("since"), NGX_HTTP_JAMHOOK_QUERY_TIME,
      offsetof(ngx_http_jamhook_args_t, since), NULL },

    { ngx_string("until"), NGX_HTTP_JAMHOOK_QUERY_TIME,
      offsetof(ngx_http_jamhook_args_t, until), NULL },

    { ngx_string("limit"), NGX_HTTP_JAMHOOK_QUERY_NUMBER,
      offsetof(ngx_http_jamhook_args_t, limit), NULL },

    { ngx_string("cursor"), NGX_HTTP_JAMHOOK_QUERY_CURSOR,
      offsetof(ngx_http_jamhook_args_t, cursor), NULL },

    { ngx_null_string, 0, 0, NULL }
};


static ngx_http_jamhook_query_param_t  ngx_http_jamhook_api_stats_params[] = {

    { ngx_string("window"), NGX_HTTP_JAMHOOK_QUERY_WORD,
      offsetof(ngx_http_jamhook_args_t, window),
      ngx_http_jamhook_api_window_names },

    { ngx_null_string, 0, 0, NULL }
};


ngx_http_jamhook_route_call_t  ngx_http_jamhook_api_reads[] = {

    { NGX_HTTP_GET, ngx_string("events"), ngx_null_string,
      ngx_http_jamhook_api_events_params, NULL,
      ngx_http_jamhook_api_events, 0 },

    { NGX_HTTP_GET, ngx_string("events"), ngx_null_string,
      ngx_http_jamhook_api_no_params, NULL,
      ngx_http_jamhook_api_event, 1 },

    { NGX_HTTP_GET, ngx_string("attempts"), ngx_null_string,
      ngx_http_jamhook_api_attempts_params, NULL,
      ngx_http_jamhook_api_attempts, 0 },

    { NGX_HTTP_GET, ngx_string("endpoints"), ngx_null_string,
      ngx_http_jamhook_api_no_params, NULL,
      ngx_http_jamhook_api_endpoints, 0 },

    { NGX_HTTP_GET, ngx_string("endpoints"), ngx_null_string,
      ngx_http_jamhook_api_no_params, NULL,
      ngx_http_jamhook_api_endpoint, 1 },

    { NGX_HTTP_GET, ngx_string("stats"), ngx_null_string,
      ngx_http_jamhook_api_stats_params, NULL,
      ngx_http_jamhook_api_stats, 0 },

    { NGX_HTTP_GET, ngx_string("status"), ngx_null_string,
      ngx_http_jamhook_api_no_params, NULL,
      ngx_http_jamhook_api_status, 0 },

    { 0, ngx_null_string, ngx_null_string, NULL, NULL, NULL, 0 }
};


static ngx_int_t
ngx_http_jamhook_api_events(ngx_http_jamhook_call_t *call)
{
    ngx_http_jamhook_args_t       *args;
    ngx_http_jamhook_read_t       *read;
    ngx_http_jamhook_op_events_t  *op;

    read = ngx_http_jamhook_api_op(call, NGX_HTTP_JAMHOOK_OP_EVENTS,
                                   ngx_http_jamhook_api_events_digest);
    if (read == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    args = &call->args;
    op = &read->u.events;

    op->pool = call->pool;
    op->limit = args->limit;
    op->cursor = args->cursor;
    op->type = args->type;
    op->endpoint = args->endpoint;
    op->conversation_id = args->conversation_id;
    op->jam_id = args->jam_id;
    op->state = args->state;
    op->since = args->since;
    op->until = args->until;

    return ngx_http_jamhook_api_submit(call);
}


/*
 * In the store's thread, as all that are called digest: the call's pool and
 * its writer are the thread's till the op is done.
 */

static void
ngx_http_jamhook_api_events_digest(ngx_http_jamhook_op_t *op)
{
    ngx_http_jamhook_call_t  *call = op->data;

    ngx_http_jamhook_render_events(&call->writer,
                                   (ngx_http_jamhook_op_events_t *) op);
}


static ngx_int_t
ngx_http_jamhook_api_event(ngx_http_jamhook_call_t *call)
{
    ngx_http_jamhook_read_t  *read;

    read = ngx_http_jamhook_api_op(call, NGX_HTTP_JAMHOOK_OP_SHOW,
                                   ngx_http_jamhook_api_event_digest);
    if (read == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    read->u.show.pool = call->pool;
    read->u.show.id = call->name;

    return ngx_http_jamhook_api_submit(call);
}


static void
ngx_http_jamhook_api_event_digest(ngx_http_jamhook_op_t *op)
{
    ngx_http_jamhook_call_t     *call = op->data;
    ngx_http_jamhook_read_t     *read;
    ngx_http_jamhook_op_show_t  *show;

    read = call->data;
    show = (ngx_http_jamhook_op_show_t *) op;

    if (show->event == NULL) {
        read->none = "there is no event with this id";
        return;
    }

    ngx_http_jamhook_render_event(&call->writer, show->event);
}


static ngx_int_t
ngx_http_jamhook_api_attempts(ngx_http_jamhook_call_t *call)
{
    ngx_http_jamhook_args_t         *args;
    ngx_http_jamhook_read_t         *read;
    ngx_http_jamhook_op_attempts_t  *op;

    read = ngx_http_jamhook_api_op(call, NGX_HTTP_JAMHOOK_OP_ATTEMPTS,
                                   ngx_http_jamhook_api_attempts_digest);
    if (read == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    args = &call->args;
    op = &read->u.attempts;

    op->pool = call->pool;
    op->limit = args->limit;
    op->cursor = args->cursor;
    op->endpoint = args->endpoint;
    op->result = args->result;
    op->since = args->since;
    op->until = args->until;

    return ngx_http_jamhook_api_submit(call);
}


static void
ngx_http_jamhook_api_attempts_digest(ngx_http_jamhook_op_t *op)
{
    ngx_http_jamhook_call_t  *call = op->data;

    ngx_http_jamhook_render_attempts(&call->writer,
                                     (ngx_http_jamhook_op_attempts_t *) op);
}


static ngx_int_t
ngx_http_jamhook_api_endpoints(ngx_http_jamhook_call_t *call)
{
    ngx_http_jamhook_read_t  *read;

    read = ngx_http_jamhook_api_op(call, NGX_HTTP_JAMHOOK_OP_ENDPOINTS,
                                   ngx_http_jamhook_api_endpoints_digest);
    if (read == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    read->u.endpoints.pool = call->pool;

    return ngx_http_jamhook_api_submit(call);
}


static void
ngx_http_jamhook_api_endpoints_digest(ngx_http_jamhook_op_t *op)
{
    ngx_http_jamhook_call_t  *call = op->data;

    ngx_http_jamhook_render_endpoints(&call->writer,
                                      (ngx_http_jamhook_op_endpoints_t *) op,
                                      call->jmcf);
}


static ngx_int_t
ngx_http_jamhook_api_endpoint(ngx_http_jamhook_call_t *call)
{
    ngx_http_jamhook_read_t  *read;

    read = ngx_http_jamhook_api_op(call, NGX_HTTP_JAMHOOK_OP_ENDPOINTS,
                                   ngx_http_jamhook_api_endpoint_digest);
    if (read == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    read->u.endpoints.pool = call->pool;

    return ngx_http_jamhook_api_submit(call);
}


static void
ngx_http_jamhook_api_endpoint_digest(ngx_http_jamhook_op_t *op)
{
    ngx_http_jamhook_call_t            *call = op->data;
    ngx_uint_t                          i;
    ngx_http_jamhook_read_t            *read;
    ngx_http_jamhook_shown_endpoint_t  *ep;

    read = call->data;
    ep = read->u.endpoints.endpoints.elts;

    for (i = 0; i < read->u.endpoints.endpoints.nelts; i++) {

        if (ep[i].name.len == call->name.len
            && ngx_strncmp(ep[i].name.data, call->name.data, call->name.len)
               == 0)
        {
            ngx_http_jamhook_render_endpoint(&call->writer, &ep[i],
                                             call->jmcf);
            return;
        }
    }

    read->none = "there is no endpoint of this name, and nothing waits for "
                 "one";
}


static ngx_int_t
ngx_http_jamhook_api_stats(ngx_http_jamhook_call_t *call)
{
    ngx_http_jamhook_read_t    *read;
    ngx_http_jamhook_window_t  *window;

    read = ngx_http_jamhook_api_op(call, NGX_HTTP_JAMHOOK_OP_STATS,
                                   ngx_http_jamhook_api_stats_digest);
    if (read == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    window = &ngx_http_jamhook_api_windows[call->args.window];

    read->u.stats.pool = call->pool;
    read->u.stats.width = window->width;
    read->u.stats.n = window->n;

    return ngx_http_jamhook_api_submit(call);
}


static void
ngx_http_jamhook_api_stats_digest(ngx_http_jamhook_op_t *op)
{
    ngx_http_jamhook_call_t  *call = op->data;

    ngx_http_jamhook_render_stats(&call->writer,
                   (ngx_http_jamhook_op_stats_t *) op,
                   &ngx_http_jamhook_api_window_names[call->args.window],
                   call->jmcf->zone.counts, call->jmcf->zone.nsources);
}


/* what can be told without the store */

static ngx_int_t
ngx_http_jamhook_api_status(ngx_http_jamhook_call_t *call)
{
    ngx_http_jamhook_store_status_t  status;

    ngx_http_jamhook_store_status(&status);

    ngx_http_jamhook_render_status(&call->writer, &status, call->jmcf,
                                   &call->jlcf->conversation_url,
                                   call->jmcf->zone.counts,
                                   call->jmcf->zone.nsources);

    return ngx_http_jamhook_api_send(call, call->request);
}


static ngx_http_jamhook_read_t *
ngx_http_jamhook_api_op(ngx_http_jamhook_call_t *call,
    ngx_http_jamhook_op_e type, void (*digest)(ngx_http_jamhook_op_t *op))
{
    ngx_http_jamhook_read_t  *read;

    read = ngx_pcalloc(call->pool, sizeof(ngx_http_jamhook_read_t));
    if (read == NULL) {
        return NULL;
    }

    read->u.op.type = type;
    read->u.op.handler = ngx_http_jamhook_api_read_handler;
    read->u.op.digest = digest;
    read->u.op.wanted = ngx_http_jamhook_api_read_wanted;
    read->u.op.data = call;

    call->data = read;

    return read;
}


/* the client may have left, or was told that it took too long */

static ngx_uint_t
ngx_http_jamhook_api_read_wanted(ngx_http_jamhook_op_t *op)
{
    return ngx_http_jamhook_api_waiting(op->data) != NULL;
}


static ngx_int_t
ngx_http_jamhook_api_submit(ngx_http_jamhook_call_t *call)
{
    ngx_http_jamhook_read_t  *read;

    if (ngx_http_jamhook_api_wait(call, NGX_HTTP_JAMHOOK_API_TIMEOUT)
        != NGX_AGAIN)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    read = call->data;

    ngx_http_jamhook_store_submit(&read->u.op);

    return NGX_AGAIN;
}


static void
ngx_http_jamhook_api_read_handler(ngx_http_jamhook_op_t *op)
{
    ngx_int_t                 rc;
    ngx_http_request_t       *r;
    ngx_http_jamhook_call_t  *call = op->data;
    ngx_http_jamhook_read_t  *read;

    rc = NGX_OK;
    read = call->data;

    r = ngx_http_jamhook_api_waiting(call);

    if (r) {

        if (op->rc != NGX_OK) {
            rc = ngx_http_jamhook_api_unavailable(r,
                     op->rc == NGX_BUSY ? "too many calls wait for the store"
                                        : "the store could not be read");

        } else if (read->none) {
            rc = ngx_http_jamhook_api_refuse(r, NGX_HTTP_JAMHOOK_NOT_FOUND,
                                             NULL, read->none);

        } else {
            rc = ngx_http_jamhook_api_send(call, r);
        }
    }

    ngx_http_jamhook_api_end(call, r, rc);
}
