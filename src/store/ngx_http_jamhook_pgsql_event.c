
#include "ngx_http_jamhook_pgsql.h"
#include "ngx_http_jamhook_crypto.h"


/* Where a row of EVENT_ROUTE belongs; route NULL: the event has none. */
typedef struct {
    ngx_http_jamhook_op_event_t   *op;
    ngx_http_jamhook_op_route_t   *route;
} ngx_http_jamhook_pgsql_route_t;


/* EVENTs of as many ids, from their statements on to the answers. */
typedef struct {
    ngx_http_jamhook_op_t        **ops;
    ngx_uint_t                     n;
    int64_t                       *added;        /* numbers of those that are
                                                    new */
    ngx_uint_t                     nadded;
    ngx_http_jamhook_pgsql_route_t
                                  *routes;       /* by row's number - 1 */
    ngx_uint_t                     nroutes;
} ngx_http_jamhook_pgsql_events_t;


static ngx_uint_t ngx_http_jamhook_pgsql_event_run(
    ngx_http_jamhook_op_t **ops, uint32_t *hashes, ngx_uint_t n);
static void ngx_http_jamhook_pgsql_event_init(
    ngx_http_jamhook_op_event_t *op);
static uint32_t ngx_http_jamhook_pgsql_event_hash(ngx_str_t *id);
static ngx_int_t ngx_http_jamhook_pgsql_event_send(
    ngx_http_jamhook_pgsql_t *s, ngx_http_jamhook_op_t **ops, ngx_uint_t n);
static ngx_int_t ngx_http_jamhook_pgsql_event_add(
    ngx_http_jamhook_pgsql_t *s, ngx_http_jamhook_pgsql_events_t *run);
static ngx_int_t ngx_http_jamhook_pgsql_event_added(
    ngx_http_jamhook_pgsql_t *s, PGresult *res, void *data);
static ngx_int_t ngx_http_jamhook_pgsql_event_route(
    ngx_http_jamhook_pgsql_t *s, ngx_http_jamhook_pgsql_events_t *run);
static ngx_int_t ngx_http_jamhook_pgsql_event_digest(
    ngx_http_jamhook_pgsql_query_t *q, ngx_http_jamhook_pgsql_array_t *digests,
    ngx_str_t *body);
static ngx_int_t ngx_http_jamhook_pgsql_event_routed(
    ngx_http_jamhook_pgsql_t *s, PGresult *res, void *data);
static ngx_uint_t ngx_http_jamhook_pgsql_event_is_new(
    ngx_http_jamhook_pgsql_events_t *run, int64_t event);
static void ngx_http_jamhook_pgsql_event_row(ngx_http_jamhook_pgsql_t *s,
    ngx_http_jamhook_pgsql_route_t *r, PGresult *res, int row);


/* columns of EVENT_ROUTE */

enum {
    NGX_HTTP_JAMHOOK_PGSQL_ROUTE_ORD = 0,
    NGX_HTTP_JAMHOOK_PGSQL_ROUTE_EVENT,
    NGX_HTTP_JAMHOOK_PGSQL_ROUTE_KIND,
    NGX_HTTP_JAMHOOK_PGSQL_ROUTE_CLAIM,
    NGX_HTTP_JAMHOOK_PGSQL_ROUTE_ADDED,
    NGX_HTTP_JAMHOOK_PGSQL_ROUTE_ATTEMPTS,       /* NULL: not restarted */
    NGX_HTTP_JAMHOOK_PGSQL_ROUTE_REPLAY
};


/* what an event that is there already is, as EVENT_ROUTE says */

enum {
    NGX_HTTP_JAMHOOK_PGSQL_KIND_NONE = 0,
    NGX_HTTP_JAMHOOK_PGSQL_KIND_SAME,
    NGX_HTTP_JAMHOOK_PGSQL_KIND_FORGOTTEN,
    NGX_HTTP_JAMHOOK_PGSQL_KIND_OTHER
};


/* an id that comes again goes into another statement, which sees the first */

ngx_int_t
ngx_http_jamhook_pgsql_op_event(ngx_http_jamhook_pgsql_t *s,
    ngx_http_jamhook_op_t **ops, ngx_uint_t n)
{
    uint32_t                     *hashes;
    ngx_uint_t                    i, run;
    ngx_http_jamhook_op_event_t  *op;

    hashes = ngx_palloc(s->scratch, n * sizeof(uint32_t));

    if (hashes == NULL) {
        return ngx_http_jamhook_pgsql_fail_memory(s);
    }

    for (i = 0; i < n; i++) {
        op = (ngx_http_jamhook_op_event_t *) ops[i];

        ngx_http_jamhook_pgsql_event_init(op);

        hashes[i] = ngx_http_jamhook_pgsql_event_hash(&op->id);
    }

    for (i = 0; i < n; i += run) {
        run = ngx_http_jamhook_pgsql_event_run(&ops[i], &hashes[i], n - i);

        if (ngx_http_jamhook_pgsql_event_send(s, &ops[i], run) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static void
ngx_http_jamhook_pgsql_event_init(ngx_http_jamhook_op_event_t *op)
{
    ngx_uint_t  i;

    for (i = 0; i < op->nroutes; i++) {
        op->routes[i].claimed = 0;
        op->routes[i].verdict = NGX_HTTP_JAMHOOK_ROUTE_EXISTS;
        op->routes[i].number = 0;
        op->routes[i].replay = 0;
        op->routes[i].lease_until = 0;
    }

    op->event = 0;
    op->verdict = NGX_HTTP_JAMHOOK_EVENT_DUPLICATE;
}


static uint32_t
ngx_http_jamhook_pgsql_event_hash(ngx_str_t *id)
{
    size_t    i;
    uint32_t  hash;

    hash = 0;

    for (i = 0; i < id->len; i++) {
        hash = ngx_hash(hash, id->data[i]);
    }

    return hash;
}


/* how many have ids of their own, from the first on */

static ngx_uint_t
ngx_http_jamhook_pgsql_event_run(ngx_http_jamhook_op_t **ops,
    uint32_t *hashes, ngx_uint_t n)
{
    ngx_str_t   *a, *b;
    ngx_uint_t   i, j;

    for (i = 1; i < n; i++) {
        a = &((ngx_http_jamhook_op_event_t *) ops[i])->id;

        for (j = 0; j < i; j++) {

            if (hashes[i] != hashes[j]) {
                continue;
            }

            b = &((ngx_http_jamhook_op_event_t *) ops[j])->id;

            if (a->len == b->len
                && ngx_memcmp(a->data, b->data, a->len) == 0)
            {
                return i;
            }
        }
    }

    return n;
}


static ngx_int_t
ngx_http_jamhook_pgsql_event_send(ngx_http_jamhook_pgsql_t *s,
    ngx_http_jamhook_op_t **ops, ngx_uint_t n)
{
    ngx_uint_t                        i, nroutes;
    ngx_http_jamhook_pgsql_events_t  *run;

    nroutes = 0;

    for (i = 0; i < n; i++) {
        nroutes += ngx_max(((ngx_http_jamhook_op_event_t *) ops[i])->nroutes,
                           1);
    }

    run = ngx_pcalloc(s->scratch, sizeof(ngx_http_jamhook_pgsql_events_t));

    if (run == NULL) {
        return ngx_http_jamhook_pgsql_fail_memory(s);
    }

    run->ops = ops;
    run->n = n;
    run->added = ngx_palloc(s->scratch, n * sizeof(int64_t));
    run->routes = ngx_palloc(s->scratch, nroutes
                                    * sizeof(ngx_http_jamhook_pgsql_route_t));

    if (run->added == NULL || run->routes == NULL) {
        return ngx_http_jamhook_pgsql_fail_memory(s);
    }

    if (ngx_http_jamhook_pgsql_event_add(s, run) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_http_jamhook_pgsql_event_route(s, run);
}


static ngx_int_t
ngx_http_jamhook_pgsql_event_add(ngx_http_jamhook_pgsql_t *s,
    ngx_http_jamhook_pgsql_events_t *run)
{
    ngx_uint_t                       i;
    ngx_http_jamhook_op_event_t     *op;
    ngx_http_jamhook_pgsql_array_t   id, source, event_id, type, created_at,
                                     conversation_id, jam_id, recording_url,
                                     key, headers, body;
    ngx_http_jamhook_pgsql_query_t   q;

    ngx_memzero(&id, sizeof(ngx_http_jamhook_pgsql_array_t));

    source = event_id = type = created_at = id;
    conversation_id = jam_id = recording_url = key = headers = body = id;

    ngx_http_jamhook_pgsql_query(&q, s, NGX_HTTP_JAMHOOK_PGSQL_EVENT_ADD);

    for (i = 0; i < run->n; i++) {
        op = (ngx_http_jamhook_op_event_t *) run->ops[i];

        ngx_http_jamhook_pgsql_array_text(&q, &id, &op->id);
        ngx_http_jamhook_pgsql_array_text(&q, &source, &op->source);
        ngx_http_jamhook_pgsql_array_text(&q, &event_id, &op->event_id);
        ngx_http_jamhook_pgsql_array_text(&q, &type, &op->type);
        ngx_http_jamhook_pgsql_array_text(&q, &created_at, &op->created_at);
        ngx_http_jamhook_pgsql_array_text(&q, &conversation_id,
                                          &op->conversation_id);
        ngx_http_jamhook_pgsql_array_text(&q, &jam_id, &op->jam_id);
        ngx_http_jamhook_pgsql_array_text(&q, &recording_url,
                                          &op->recording_url);
        ngx_http_jamhook_pgsql_array_text(&q, &key, &op->key);
        ngx_http_jamhook_pgsql_array_text(&q, &headers, &op->headers);
        ngx_http_jamhook_pgsql_array_bytes(&q, &body, &op->body);
    }

    ngx_http_jamhook_pgsql_time(&q);
    ngx_http_jamhook_pgsql_texts(&q, &id);
    ngx_http_jamhook_pgsql_texts(&q, &source);
    ngx_http_jamhook_pgsql_texts(&q, &event_id);
    ngx_http_jamhook_pgsql_texts(&q, &type);
    ngx_http_jamhook_pgsql_texts(&q, &created_at);
    ngx_http_jamhook_pgsql_texts(&q, &conversation_id);
    ngx_http_jamhook_pgsql_texts(&q, &jam_id);
    ngx_http_jamhook_pgsql_texts(&q, &recording_url);
    ngx_http_jamhook_pgsql_texts(&q, &key);
    ngx_http_jamhook_pgsql_texts(&q, &headers);
    ngx_http_jamhook_pgsql_byteses(&q, &body);

    return ngx_http_jamhook_pgsql_send(&q, ngx_http_jamhook_pgsql_event_added,
                                       run);
}


static ngx_int_t
ngx_http_jamhook_pgsql_event_added(ngx_http_jamhook_pgsql_t *s, PGresult *res,
    void *data)
{
    ngx_http_jamhook_pgsql_events_t *run = data;

    int  row;

    (void) s;

    for (row = 0; row < PQntuples(res); row++) {
        run->added[run->nadded++] = ngx_http_jamhook_pgsql_column(res, row, 0);
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_jamhook_pgsql_event_route(ngx_http_jamhook_pgsql_t *s,
    ngx_http_jamhook_pgsql_events_t *run)
{
    ngx_uint_t                       i, j;
    ngx_http_jamhook_op_event_t     *op;
    ngx_http_jamhook_op_route_t     *route;
    ngx_http_jamhook_pgsql_array_t   id, digest, nth, endpoint, lease;
    ngx_http_jamhook_pgsql_query_t   q;

    ngx_memzero(&id, sizeof(ngx_http_jamhook_pgsql_array_t));

    digest = nth = endpoint = lease = id;

    ngx_http_jamhook_pgsql_query(&q, s, NGX_HTTP_JAMHOOK_PGSQL_EVENT_ROUTE);

    for (i = 0; i < run->n; i++) {
        op = (ngx_http_jamhook_op_event_t *) run->ops[i];

        ngx_http_jamhook_pgsql_array_text(&q, &id, &op->id);

        if (ngx_http_jamhook_pgsql_event_digest(&q, &digest, &op->body)
            != NGX_OK)
        {
            return ngx_http_jamhook_pgsql_fail_memory(s);
        }

        for (j = 0; j < ngx_max(op->nroutes, 1); j++) {
            route = op->nroutes ? &op->routes[j] : NULL;

            run->routes[run->nroutes].op = op;
            run->routes[run->nroutes++].route = route;

            ngx_http_jamhook_pgsql_array_int(&q, &nth, i + 1);
            ngx_http_jamhook_pgsql_array_int(&q, &endpoint,
                                route ? s->endpoints[route->endpoint].id : 0);
            ngx_http_jamhook_pgsql_array_int(&q, &lease,
                                    (route && route->claim)
                                        ? (int64_t) route->lease : 0);
        }
    }

    ngx_http_jamhook_pgsql_time(&q);
    ngx_http_jamhook_pgsql_texts(&q, &id);
    ngx_http_jamhook_pgsql_byteses(&q, &digest);
    ngx_http_jamhook_pgsql_ints(&q, &nth);
    ngx_http_jamhook_pgsql_ints(&q, &endpoint);
    ngx_http_jamhook_pgsql_ints(&q, &lease);
    ngx_http_jamhook_pgsql_text(&q, &s->owner);

    return ngx_http_jamhook_pgsql_send(&q, ngx_http_jamhook_pgsql_event_routed,
                                       run);
}


/* in place of the body, which EVENT_ADD has sent; of none: none */

static ngx_int_t
ngx_http_jamhook_pgsql_event_digest(ngx_http_jamhook_pgsql_query_t *q,
    ngx_http_jamhook_pgsql_array_t *digests, ngx_str_t *body)
{
    u_char     digest[NGX_HTTP_JAMHOOK_SHA256_LEN];
    ngx_str_t  value;

    ngx_str_null(&value);

    if (body->data != NULL) {

        if (ngx_http_jamhook_crypto_sha256(body, 1, digest) != NGX_OK) {
            return NGX_ERROR;
        }

        value.data = digest;
        value.len = NGX_HTTP_JAMHOOK_SHA256_LEN;
    }

    ngx_http_jamhook_pgsql_array_bytes(q, digests, &value);

    return NGX_OK;
}


static ngx_int_t
ngx_http_jamhook_pgsql_event_routed(ngx_http_jamhook_pgsql_t *s, PGresult *res,
    void *data)
{
    ngx_http_jamhook_pgsql_events_t *run = data;

    int                              row;
    int64_t                          event;
    ngx_uint_t                       ord, kind;
    ngx_http_jamhook_pgsql_route_t  *r;

    for (row = 0; row < PQntuples(res); row++) {
        ord = ngx_http_jamhook_pgsql_column(res, row,
                                            NGX_HTTP_JAMHOOK_PGSQL_ROUTE_ORD);
        event = ngx_http_jamhook_pgsql_column(res, row,
                                          NGX_HTTP_JAMHOOK_PGSQL_ROUTE_EVENT);
        kind = ngx_http_jamhook_pgsql_column(res, row,
                                           NGX_HTTP_JAMHOOK_PGSQL_ROUTE_KIND);

        r = &run->routes[ord - 1];
        r->op->event = event;

        switch (kind) {

        case NGX_HTTP_JAMHOOK_PGSQL_KIND_SAME:

            if (ngx_http_jamhook_pgsql_event_is_new(run, event)) {
                r->op->verdict = NGX_HTTP_JAMHOOK_EVENT_STORED;
            }

            if (r->route != NULL) {
                ngx_http_jamhook_pgsql_event_row(s, r, res, row);
            }

            break;

        case NGX_HTTP_JAMHOOK_PGSQL_KIND_FORGOTTEN:
            break;

        case NGX_HTTP_JAMHOOK_PGSQL_KIND_OTHER:
            r->op->verdict = NGX_HTTP_JAMHOOK_EVENT_CONFLICT;
            break;

        default:

            /* EVENT_ADD has put or locked it, but for others' triggers */

            return ngx_http_jamhook_pgsql_fail_text(s,
                                              NGX_HTTP_JAMHOOK_STORE_CORRUPT,
                                              "an event that was put into its"
                                              " table is not there");
        }
    }

    return NGX_OK;
}


static ngx_uint_t
ngx_http_jamhook_pgsql_event_is_new(ngx_http_jamhook_pgsql_events_t *run,
    int64_t event)
{
    ngx_uint_t  i;

    for (i = 0; i < run->nadded; i++) {
        if (run->added[i] == event) {
            return 1;
        }
    }

    return 0;
}


static void
ngx_http_jamhook_pgsql_event_row(ngx_http_jamhook_pgsql_t *s,
    ngx_http_jamhook_pgsql_route_t *r, PGresult *res, int row)
{
    int64_t                       number;
    ngx_http_jamhook_op_route_t  *route;

    route = r->route;

    if (ngx_http_jamhook_pgsql_column(res, row,
                                      NGX_HTTP_JAMHOOK_PGSQL_ROUTE_ADDED))
    {
        route->verdict = NGX_HTTP_JAMHOOK_ROUTE_ADDED;
        r->op->verdict = NGX_HTTP_JAMHOOK_EVENT_STORED;
        number = 1;

    } else {
        route->replay = ngx_http_jamhook_pgsql_column(res, row,
                                         NGX_HTTP_JAMHOOK_PGSQL_ROUTE_REPLAY);

        if (PQgetisnull(res, row, NGX_HTTP_JAMHOOK_PGSQL_ROUTE_ATTEMPTS)) {
            return;
        }

        route->verdict = NGX_HTTP_JAMHOOK_ROUTE_RESTARTED;
        number = ngx_http_jamhook_pgsql_column(res, row,
                                       NGX_HTTP_JAMHOOK_PGSQL_ROUTE_ATTEMPTS);
    }

    if (ngx_http_jamhook_pgsql_column(res, row,
                                      NGX_HTTP_JAMHOOK_PGSQL_ROUTE_CLAIM))
    {
        route->claimed = 1;
        route->number = number;
        route->lease_until = s->clock->mono + (int64_t) route->lease;
    }
}
