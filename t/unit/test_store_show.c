
#include "store.h"


typedef ngx_http_jamhook_shown_event_t     shown_event_t;
typedef ngx_http_jamhook_shown_attempt_t   shown_attempt_t;
typedef ngx_http_jamhook_shown_delivery_t  shown_delivery_t;
typedef ngx_http_jamhook_shown_endpoint_t  shown_endpoint_t;
typedef ngx_http_jamhook_op_endpoints_t    endpoints_t;


static ngx_pool_t  *pool;


static shown_event_t *
show(const char *id)
{
    show_t  op;

    ngx_memzero(&op, sizeof(show_t));
    op.op.type = NGX_HTTP_JAMHOOK_OP_SHOW;
    op.pool = pool;
    op.id = str(id);

    return (store_read_once(&op) == NGX_OK) ? op.event : NULL;
}


static ngx_array_t *
endpoints(void)
{
    static endpoints_t  op;

    ngx_memzero(&op, sizeof(endpoints_t));
    op.op.type = NGX_HTTP_JAMHOOK_OP_ENDPOINTS;
    op.pool = pool;

    if (store_read_once(&op) != NGX_OK) {
        ok(0, "endpoints: %s", failure.text);
        exit(1);
    }

    return &op.endpoints;
}


static void
test_show(void)
{
    event_t           in;
    route_t           routes[2];
    outcome_t         out;
    session_t        *s;
    shown_event_t    *event;
    shown_attempt_t  *attempt;
    shown_delivery_t *d;

    s = store_fresh();

    event_set(&in, routes, 2, 1, "msg", "{\"a\":1}");
    in.headers = str("{\"host\":\"h\"}");
    in.conversation_id = str("c1");
    (void) store_write(s, &in);

    outcome_set(&out, 1, 1, NGX_HTTP_JAMHOOK_STATE_PENDING);
    out.request_headers = str("{\"a\":\"b\"}");
    out.request_body = str("sent");
    out.response_headers = str("{}");
    out.response_body = str("");
    out.truncated = 1;
    (void) store_write(s, &out);

    ok(show("none") == NULL && failure.kind == NGX_HTTP_JAMHOOK_STORE_OK,
       "an event that is not there");

    event = show("msg");
    ok(event != NULL && event->event == 1 && event->received_at == now.now
       && event->size == 7 && !event->forgotten, "one that is");
    is(event->id, "msg", "its id");
    is(event->headers, "{\"host\":\"h\"}", "its headers");
    is(event->body, "{\"a\":1}", "its body");

    d = event->deliveries.elts;
    ok(event->deliveries.nelts == 2
       && d[0].state == NGX_HTTP_JAMHOOK_SHOWN_SENDING
       && d[0].attempts.nelts == 0
       && d[1].state == NGX_HTTP_JAMHOOK_SHOWN_PENDING
       && d[1].attempts.nelts == 1, "its deliveries");

    attempt = d[1].attempts.elts;
    is(attempt->request_headers, "{\"a\":\"b\"}", "what was sent: headers");
    is(attempt->request_body, "sent", "body");
    is(attempt->response_headers, "{}", "what was answered");
    ok(attempt->response_body.len == 0 && attempt->response_body.data != NULL
       && attempt->truncated && attempt->status == 500
       && attempt->event == 1 && attempt->id.data == NULL, "and the rest");

    /* many, and not in their order */

    (void) sql("WITH RECURSIVE i (i) AS (SELECT 2 UNION ALL SELECT i + 1"
               " FROM i WHERE i < 1501) INSERT INTO attempts (event, endpoint,"
               " number, trigger, result, started_at, duration, status,"
               " truncated) SELECT 1, 2, CASE i WHEN 1500 THEN 1501"
               " WHEN 1501 THEN 1500 ELSE i END, 0, 1, i, 1, 500, 0 FROM i");
    (void) sql("INSERT INTO attempts (event, endpoint, number, trigger,"
               " result, started_at, duration, status, truncated)"
               " VALUES (1, 2, 1501, 0, 2, 7000, 1, 500, 0)");
    event = show("msg");
    d = event->deliveries.elts;
    attempt = d[0].attempts.elts;
    ok(d[1].attempts.nelts == 1 && d[0].attempts.nelts == 1000,
       "the newest thousand of each delivery");
    ok(attempt[0].number == 503 && attempt[996].number == 1499
       && attempt[997].number == 1500 && attempt[998].started_at == 1500
       && attempt[999].started_at == 7000, "by number, then as written");

    (void) sql("UPDATE attempts SET response_body = " ZEROS("1048576")
               " WHERE seq > (SELECT max(seq) - 40 FROM attempts)");
    event = show("msg");
    d = event->deliveries.elts;
    attempt = d[0].attempts.elts;
    ok(attempt[999].response_body.len == 1048576 && !attempt[999].truncated
       && attempt[984].response_body.len == 1048576
       && attempt[983].response_body.data == NULL && attempt[983].truncated
       && d[1].attempts.nelts == 1, "16 MB of bodies, of the newest");

    (void) outcome(s, 1, 1, NGX_HTTP_JAMHOOK_STATE_FAILED);
    (void) sql("UPDATE deliveries SET state = 3, lease_owner = NULL");
    (void) forget(s, "msg");

    event = show("msg");
    d = event->deliveries.elts;
    attempt = d[1].attempts.elts;
    ok(event->forgotten && event->body.data == NULL && event->size == 0
       && event->headers.data == NULL && event->conversation_id.data == NULL
       && attempt->request_body.data == NULL
       && attempt->response_headers.data == NULL
       && event->deliveries.nelts == 2, "what was forgotten is absent");

    store_close(s);
}


static void
test_endpoints(void)
{
    session_t         *s;
    ngx_array_t       *list;
    shown_endpoint_t  *e;

    s = store_fresh();

    list = endpoints();
    e = list->elts;
    ok(list->nelts == 2 && e[0].index == 0 && e[1].index == 1
       && e[0].pending == 0 && e[0].succeeded == 0 && e[0].last == NULL
       && e[0].oldest_at == 0 && e[0].paused_at == 0, "an empty store");
    is(e[0].name, "fin", "in the order of the configuration");

    (void) event_put(s, "one", 2, 1);
    (void) outcome(s, 1, 1, NGX_HTTP_JAMHOOK_STATE_SUCCEEDED);
    now.now += 1000;
    (void) event_put(s, "two", 2, 0);
    now.now += 1000;
    (void) event_put(s, "three", 1, 1);
    (void) outcome(s, 3, 1, NGX_HTTP_JAMHOOK_STATE_FAILED);
    (void) event_put(s, "four", 1, 0);

    e = endpoints()->elts;
    ok(e[0].succeeded == 1 && e[0].failed == 1 && e[0].pending == 2
       && e[0].sending == 0 && e[0].oldest_at == now.now - 1000
       && e[0].failing_since == now.now && e[0].paused == 0,
       "deliveries are counted");
    ok(e[1].succeeded == 0 && e[1].failed == 0 && e[1].pending == 1
       && e[1].sending == 1 && e[1].last == NULL, "for each endpoint");
    is(e[0].last->id, "three", "the last attempt's event");
    is(e[0].last->type, "intercom.recorder.recorded", "its type");
    ok(e[0].last->status == 500 && e[0].last->event == 3, "and status");

    (void) pause_endpoint(s, 1, NGX_HTTP_JAMHOOK_PAUSE_MANUAL);
    store_conf.nendpoints = 1;
    list = endpoints();
    e = list->elts;
    ok(list->nelts == 2 && e[1].index == NGX_HTTP_JAMHOOK_NO_ENDPOINT
       && e[1].pending == 1 && e[1].paused == NGX_HTTP_JAMHOOK_PAUSE_MANUAL
       && e[1].paused_at == now.now && e[1].sending == 1,
       "one that is not configured, but something waits for it");
    is(e[1].name, "audit", "its name");

    (void) sql("UPDATE deliveries SET state = 2, lease_owner = NULL"
               " WHERE endpoint = 2");
    ok(endpoints()->nelts == 1, "or nothing does");

    store_conf.nendpoints = 3;
    list = endpoints();
    e = list->elts;
    ok(list->nelts == 3 && e[2].index == 2 && e[2].pending == 0,
       "one that the store has not heard of");
    store_conf.nendpoints = 2;

    store_close(s);
}


static ngx_int_t
show_once(ngx_pool_t *p)
{
    show_t  op;

    ngx_memzero(&op, sizeof(show_t));
    op.op.type = NGX_HTTP_JAMHOOK_OP_SHOW;
    op.pool = p;
    op.id = str("one");

    return store_read_once(&op);
}


static ngx_int_t
endpoints_once(ngx_pool_t *p)
{
    endpoints_t  op;

    ngx_memzero(&op, sizeof(endpoints_t));
    op.op.type = NGX_HTTP_JAMHOOK_OP_ENDPOINTS;
    op.pool = p;

    return store_read_once(&op);
}


static void
test_no_memory(void)
{
    session_t  *s;

    s = store_fresh();
    (void) event_put(s, "one", 2, 1);
    (void) outcome(s, 1, 1, NGX_HTTP_JAMHOOK_STATE_PENDING);

    ok(shim_exhaust(show_once) > 8
       && failure.kind == NGX_HTTP_JAMHOOK_STORE_OK,
       "an event, without memory at each place");
    ok(shim_exhaust(endpoints_once) > 5
       && failure.kind == NGX_HTTP_JAMHOOK_STORE_OK, "endpoints, likewise");

    store_close(s);
}


/* the views are for people: they must be there and say words */

static void
test_views(void)
{
    session_t  *s;

    s = store_fresh();

    (void) event_put(s, "msg", 2, 1);
    (void) outcome(s, 1, 1, NGX_HTTP_JAMHOOK_STATE_PENDING);

    ok(sql("SELECT count(*) FROM show_deliveries WHERE id = 'msg'"
           " AND (endpoint = 'fin' AND state = 'pending'"
           " AND next_attempt_at > '2025-01-01'"
           " OR endpoint = 'audit' AND state = 'sending')")
       == 2, "deliveries in words");
    (void) pause_endpoint(s, 0, NGX_HTTP_JAMHOOK_PAUSE_GONE);
    ok(sql("SELECT count(*) FROM show_deliveries WHERE state = 'paused'") == 1
       && sql("SELECT count(*) FROM show_endpoints WHERE name = 'fin'"
              " AND state = 'paused' AND reason = 'gone'")
          == 1,
       "endpoints");
    ok(sql("SELECT count(*) FROM show_attempts WHERE result = 'failed'"
           " AND trigger = 'scheduled' AND status = 500 AND error IS NULL")
       == 1, "attempts");
    ok(sql("SELECT bytes FROM show_events WHERE id = 'msg'") == 2, "events");

    store_close(s);
}


int
main(void)
{
    pool = ngx_create_pool(1, NULL);

    test_show();
    test_endpoints();
    test_no_memory();
    test_views();

    ngx_destroy_pool(pool);

    return done();
}
