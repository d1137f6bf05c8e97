
#define _GNU_SOURCE                  /* memmem() */

#include "ngx_http_jamhook_render.h"
#include "ngx_http_jamhook_json.h"
#include "ngx_http_jamhook_reply.h"

#include "ngx_shim.h"
#include "tap.h"


#define AT  1795446245123            /* 2026-11-23T15:04:05.123Z */


/* what render has of the room front and of nginx */

ngx_pid_t  ngx_pid = 77;


ngx_str_t *
ngx_http_jamhook_reply_code(ngx_http_jamhook_code_e code)
{
    static ngx_str_t  words[] = {
        ngx_string("c0"), ngx_string("c1"), ngx_string("c2"),
        ngx_string("c3"), ngx_string("c4"), ngx_string("c5"),
        ngx_string("c6"), ngx_string("c7"), ngx_string("c8"),
        ngx_string("delivery_failed"), ngx_string("delivery_failed"),
        ngx_string("c11")
    };

    return &words[code];
}


static ngx_pool_t                 *pool;
static ngx_http_jamhook_writer_t   w;


static void
begin(void)
{
    ngx_http_jamhook_writer_init(&w, pool);
}


/* what was written; "" if it is no JSON object */

static ngx_str_t
end(void)
{
    char         *why;
    u_char       *p;
    ngx_str_t     s;
    ngx_chain_t  *cl;

    ngx_str_set(&s, "");

    if (ngx_http_jamhook_writer_end(&w, &cl) != NGX_OK) {
        return s;
    }

    s.len = w.size;
    s.data = ngx_pnalloc(pool, s.len);
    p = s.data;

    for ( /* void */ ; cl; cl = cl->next) {
        p = ngx_cpymem(p, cl->buf->pos, cl->buf->last - cl->buf->pos);
    }

    if (ngx_http_jamhook_json_check(&s, &why) != NGX_OK) {
        diag(why, s.data, s.len);
        s.len = 0;
    }

    return s;
}


static ngx_uint_t
has(ngx_str_t s, const char *part)
{
    if (memmem(s.data, s.len, part, strlen(part))) {
        return 1;
    }

    diag("in", s.data, ngx_min(s.len, 2000));
    diag("lacks", (const u_char *) part, strlen(part));

    return 0;
}


#define set(member, text)  ngx_str_set(member, text)


static void
make_event(ngx_http_jamhook_shown_event_t *event)
{
    ngx_http_jamhook_shown_delivery_t  *d;

    ngx_memzero(event, sizeof(ngx_http_jamhook_shown_event_t));

    event->received_at = AT;
    set(&event->id, "msg_1");
    set(&event->source, "/jam");
    set(&event->event_id, "evt_1");
    set(&event->type, "intercom.recorder.recorded");
    set(&event->created_at, "2026-11-23T15:04:00Z");
    set(&event->conversation_id, "123");
    event->size = 8;

    ngx_array_init(&event->deliveries, pool, 4,
                   sizeof(ngx_http_jamhook_shown_delivery_t));

    d = ngx_array_push(&event->deliveries);
    ngx_memzero(d, sizeof(ngx_http_jamhook_shown_delivery_t));
    set(&d->endpoint, "fin");
    d->state = NGX_HTTP_JAMHOOK_SHOWN_PENDING;
    d->next_at = AT + 1;
    d->changed_at = AT;
    d->number = 2;
    d->replay = 1;

    d = ngx_array_push(&event->deliveries);
    ngx_memzero(d, sizeof(ngx_http_jamhook_shown_delivery_t));
    set(&d->endpoint, "old");
    d->state = NGX_HTTP_JAMHOOK_SHOWN_PAUSED;
    d->unknown = 1;
    d->changed_at = AT;
}


static void
test_events(void)
{
    ngx_str_t                         s;
    ngx_uint_t                        i;
    ngx_http_jamhook_op_events_t      op;
    ngx_http_jamhook_shown_event_t   *event;
    ngx_http_jamhook_shown_delivery_t  *d;

    static struct {
        ngx_http_jamhook_pause_e   paused;
        char                      *text;
    } reasons[] = {
        { NGX_HTTP_JAMHOOK_PAUSE_MANUAL, "\"paused\",\"reason\":\"manual\"" },
        { NGX_HTTP_JAMHOOK_PAUSE_GONE, "\"paused\",\"reason\":\"gone\"" },
        { NGX_HTTP_JAMHOOK_PAUSE_FAILING,
          "\"paused\",\"reason\":\"failing\"" }
    };

    ngx_memzero(&op, sizeof(ngx_http_jamhook_op_events_t));
    ngx_array_init(&op.events, pool, 2, sizeof(ngx_http_jamhook_shown_event_t));

    begin();
    ngx_http_jamhook_render_events(&w, &op);
    is(end(), "{\"data\":[],\"next\":null}", "no events");

    event = ngx_array_push(&op.events);
    make_event(event);
    op.next = 5;

    begin();
    ngx_http_jamhook_render_events(&w, &op);
    s = end();

    ok(has(s, "{\"data\":[{\"id\":\"msg_1\",\"event_id\":\"evt_1\","
              "\"source\":\"/jam\",\"type\":\"intercom.recorder.recorded\","
              "\"created_at\":\"2026-11-23T15:04:00Z\","
              "\"received_at\":\"2026-11-23T15:04:05.123Z\","
              "\"conversation_id\":\"123\",\"jam_id\":null,"
              "\"recording_url\":null,\"size\":8,\"forgotten\":false,"
              "\"deliveries\":[{\"endpoint\":\"fin\",\"state\":\"pending\","
              "\"reason\":null,"
              "\"next_attempt_at\":\"2026-11-23T15:04:05.124Z\","
              "\"changed_at\":\"2026-11-23T15:04:05.123Z\","
              "\"attempt_count\":2,\"replays\":1},"
              "{\"endpoint\":\"old\",\"state\":\"paused\","
              "\"reason\":\"not configured\",\"next_attempt_at\":null,"
              "\"changed_at\":\"2026-11-23T15:04:05.123Z\","
              "\"attempt_count\":0,\"replays\":0}]}],\"next\":\""),
       "an event");
    ok(s.len > 2 && memcmp(s.data + s.len - 2, "\"}", 2) == 0
       && !memmem(s.data, s.len, "\"next\":null", 11), "with a cursor");

    d = event->deliveries.elts;
    d[1].unknown = 0;

    for (i = 0; i < nitems(reasons); i++) {
        d[1].paused = reasons[i].paused;
        begin();
        ngx_http_jamhook_render_events(&w, &op);
        ok(has(end(), reasons[i].text), "%s", reasons[i].text);
    }
}


static ngx_http_jamhook_shown_attempt_t *
add(ngx_http_jamhook_shown_event_t *event)
{
    ngx_http_jamhook_shown_attempt_t   *a;
    ngx_http_jamhook_shown_delivery_t  *d;

    d = event->deliveries.elts;

    if (d->attempts.elts == NULL) {
        ngx_array_init(&d->attempts, pool, 2,
                       sizeof(ngx_http_jamhook_shown_attempt_t));
    }

    a = ngx_array_push(&d->attempts);
    ngx_memzero(a, sizeof(ngx_http_jamhook_shown_attempt_t));
    set(&a->endpoint, "fin");
    a->number = d->attempts.nelts;
    a->result = NGX_HTTP_JAMHOOK_RESULT_FAILED;
    a->started_at = AT;
    a->duration = 12;

    return a;
}


static void
test_event(void)
{
    ngx_str_t                          s;
    ngx_http_jamhook_shown_event_t     event;
    ngx_http_jamhook_shown_attempt_t  *a;

    make_event(&event);
    set(&event.key, "0123abcd");
    set(&event.headers, "[[\"Host\",\"h\"],[\"X-A\",\"1\"],[\"x-a\",\"<2\"]]");
    set(&event.body, "{\"a\":\"\"}");

    a = add(&event);
    set(&a->request_headers, "[[\"User-Agent\",\"jamhook\"]]");
    set(&a->request_body, "own");
    set(&a->response_headers, "[]");
    set(&a->response_body, "cut \xf0\x9f\x8e");
    a->status = 500;
    a->truncated = 1;

    a = add(&event);
    a->trigger = NGX_HTTP_JAMHOOK_TRIGGER_MANUAL;
    a->result = NGX_HTTP_JAMHOOK_RESULT_SUCCEEDED;
    set(&a->request_headers, "odd");
    set(&a->response_headers, "[]");
    a->status = 204;

    a = add(&event);
    set(&a->error, "answered by nginx");
    a->status = 403;

    a = add(&event);
    a->result = NGX_HTTP_JAMHOOK_RESULT_INTERRUPTED;

    a = add(&event);
    set(&a->error, "timeout");
    set(&a->request_headers, "[]");

    begin();
    ngx_http_jamhook_render_event(&w, &event);
    s = end();

    ok(has(s, ",\"forgotten\":false,\"key\":\"0123abcd\",\"headers\":"
              "{\"host\":\"h\",\"x-a\":\"1, <2\"},"
              "\"body\":\"{\\\"a\\\":\\\"\\\"}\",\"deliveries\":[{"
              "\"endpoint\":\"fin\""), "the event's own");
    ok(has(s, ",\"replays\":1,\"attempts\":[{\"number\":1,"
              "\"trigger\":\"scheduled\","
              "\"started_at\":\"2026-11-23T15:04:05.123Z\",\"duration\":12,"
              "\"result\":\"failed\",\"request\":{\"headers\":{"
              "\"user-agent\":\"jamhook\"},\"body\":\"own\","
              "\"truncated\":false},\"response\":{\"status\":500,"
              "\"headers\":{},\"body\":\"cut \",\"truncated\":true}}"),
       "an attempt, cut at a character");
    ok(has(s, "{\"number\":2,\"trigger\":\"manual\","
              "\"started_at\":\"2026-11-23T15:04:05.123Z\",\"duration\":12,"
              "\"result\":\"succeeded\",\"request\":{\"headers\":null,"
              "\"body\":\"{\\\"a\\\":\\\"\\\"}\",\"truncated\":false},"
              "\"response\":{\"status\":204,\"headers\":{},\"body\":\"\","
              "\"truncated\":false}}"),
       "one with the event's body, odd headers and an empty answer");
    ok(has(s, "\"duration\":12,\"result\":\"failed\","
              "\"error\":\"answered by nginx\",\"status\":403}"),
       "one that nginx answered");
    ok(has(s, "\"duration\":12,\"result\":\"interrupted\"}"),
       "one that was interrupted");
    ok(has(s, "\"request\":{\"headers\":{},\"body\":\"{\\\"a\\\":\\\"\\\"}\","
              "\"truncated\":false},\"error\":\"timeout\"}"),
       "one without an answer");

    make_event(&event);
    event.forgotten = 1;
    set(&event.body, "");

    a = add(&event);
    a->status = 200;
    a->result = NGX_HTTP_JAMHOOK_RESULT_SUCCEEDED;

    begin();
    ngx_http_jamhook_render_event(&w, &event);
    s = end();

    ok(has(s, "\"size\":0,\"forgotten\":true,\"key\":null,\"headers\":null,"
              "\"body\":null,"), "one that was forgotten");
    ok(has(s, "\"result\":\"succeeded\",\"response\":{\"status\":200,"
              "\"headers\":null,\"body\":null,\"truncated\":false}}"),
       "and its attempt");
}


/* an event's own body is always there; attempts' bodies up to a limit */

static void
test_room(void)
{
    size_t                             n, i;
    u_char                            *p, *last;
    ngx_str_t                          s;
    ngx_http_jamhook_shown_event_t     event;
    ngx_http_jamhook_shown_attempt_t  *a;

    make_event(&event);

    event.body.len = NGX_HTTP_JAMHOOK_RENDER_MAX + 1000;
    event.body.data = ngx_pnalloc(pool, event.body.len);

    for (i = 0; i + 1 < event.body.len; i += 2) {
        event.body.data[i] = 0xc3;
        event.body.data[i + 1] = 0xb6;
    }

    a = add(&event);
    set(&a->request_headers, "[]");
    set(&a->request_body, "x");
    set(&a->response_headers, "[]");
    a->status = 200;

    a = add(&event);
    set(&a->request_headers, "[]");
    set(&a->response_headers, "[]");
    set(&a->response_body, "\xc3\xb6 abc");
    a->status = 200;

    begin();
    ngx_http_jamhook_render_event(&w, &event);
    s = end();

    n = 0;
    last = s.data + s.len;

    for (p = s.data; p < last; p++) {
        n += (*p == 0xc3);
    }

    ok(n == event.body.len / 2 + (NGX_HTTP_JAMHOOK_RENDER_MAX - 1) / 2,
       "the event's body, and what is left for the attempts'");
    ok(has(s, "\"body\":\"x\",\"truncated\":false}"), "a small one first");
    ok(has(s, "\"truncated\":true},\"response\":{\"status\":200,"
              "\"headers\":{},\"body\":\"\",\"truncated\":true}"),
       "what is beyond is marked");
    ok(!memmem(s.data, s.len, "\xef\xbf\xbd", 3), "no character is cut");
}


static void
test_attempts(void)
{
    ngx_http_jamhook_op_attempts_t     op;
    ngx_http_jamhook_shown_attempt_t  *a;

    ngx_memzero(&op, sizeof(ngx_http_jamhook_op_attempts_t));
    ngx_array_init(&op.attempts, pool, 2,
                   sizeof(ngx_http_jamhook_shown_attempt_t));

    a = ngx_array_push(&op.attempts);
    ngx_memzero(a, sizeof(ngx_http_jamhook_shown_attempt_t));
    set(&a->id, "msg_1");
    set(&a->type, "t");
    set(&a->endpoint, "fin");
    a->number = 3;
    a->started_at = AT;
    a->status = 204;

    a = ngx_array_push(&op.attempts);
    ngx_memzero(a, sizeof(ngx_http_jamhook_shown_attempt_t));
    set(&a->id, "msg_2");
    set(&a->endpoint, "fin");
    a->number = 1;
    a->result = NGX_HTTP_JAMHOOK_RESULT_FAILED;
    a->started_at = AT;
    set(&a->error, "connect");

    begin();
    ngx_http_jamhook_render_attempts(&w, &op);
    is(end(), "{\"data\":[{\"event\":\"msg_1\",\"type\":\"t\","
              "\"endpoint\":\"fin\",\"number\":3,\"trigger\":\"scheduled\","
              "\"started_at\":\"2026-11-23T15:04:05.123Z\",\"duration\":0,"
              "\"result\":\"succeeded\",\"response\":{\"status\":204}},"
              "{\"event\":\"msg_2\",\"type\":null,\"endpoint\":\"fin\","
              "\"number\":1,\"trigger\":\"scheduled\","
              "\"started_at\":\"2026-11-23T15:04:05.123Z\",\"duration\":0,"
              "\"result\":\"failed\",\"error\":\"connect\"}],\"next\":null}",
       "the log");
}


static void
test_test(void)
{
    ngx_str_t                      body;
    ngx_http_jamhook_op_outcome_t  op;

    ngx_memzero(&op, sizeof(ngx_http_jamhook_op_outcome_t));
    set(&body, "{}");
    set(&op.request_headers, "[[\"A\",\"b\"]]");
    set(&op.response_headers, "[]");
    set(&op.response_body, "no");
    op.started_at = AT;
    op.duration = 7;
    op.status = 400;
    op.result = NGX_HTTP_JAMHOOK_RESULT_FAILED;

    begin();
    ngx_http_jamhook_render_test(&w, &op, &body);
    is(end(), "{\"number\":1,\"trigger\":\"test\","
              "\"started_at\":\"2026-11-23T15:04:05.123Z\",\"duration\":7,"
              "\"result\":\"failed\",\"request\":{\"headers\":{\"a\":\"b\"},"
              "\"body\":\"{}\",\"truncated\":false},\"response\":{"
              "\"status\":400,\"headers\":{},\"body\":\"no\","
              "\"truncated\":false}}", "a test");
}


static ngx_http_jamhook_main_conf_t   jmcf;
static ngx_http_jamhook_loc_conf_t    jlcf[2];
static ngx_http_jamhook_endpoint_t    endpoints[2];
static ngx_http_jamhook_keys_t        keys;


static void
make_conf(void)
{
    ngx_uint_t                      i;
    ngx_http_jamhook_key_t         *key;
    ngx_http_jamhook_endpoint_t   **ep;

    ngx_array_init(&jmcf.endpoints, pool, 2,
                   sizeof(ngx_http_jamhook_endpoint_t *));

    for (i = 0; i < 2; i++) {
        ep = ngx_array_push(&jmcf.endpoints);
        *ep = &endpoints[i];
        endpoints[i].jlcf = &jlcf[i];
        endpoints[i].index = i;
        jlcf[i].events = shim_array(pool, 2, sizeof(ngx_str_t));
        *(ngx_str_t *) ngx_array_push(jlcf[i].events) = shim_str(pool, "a.*");
    }

    set(&endpoints[0].name, "fin");
    set(&endpoints[0].url, "https://fin.test/...");
    set(&endpoints[1].name, "log");
    jlcf[0].connector = NGX_HTTP_JAMHOOK_CONNECTOR_INTERCOM_FIN;
    jlcf[0].sign = &keys;
    jlcf[1].sign_off = 1;

    set(&keys.file, "keys/fin.keys");
    ngx_array_init(&keys.keys, pool, 1, sizeof(ngx_http_jamhook_key_t));
    key = ngx_array_push(&keys.keys);
    ngx_memzero(key, sizeof(ngx_http_jamhook_key_t));
    key->kind = NGX_HTTP_JAMHOOK_KEY_WHSK;
    memcpy(key->fingerprint, "0011aabb", 8);
}


static void
test_endpoints(void)
{
    ngx_uint_t                          i;
    ngx_http_jamhook_op_endpoints_t     op;
    ngx_http_jamhook_shown_attempt_t    last;
    ngx_http_jamhook_shown_endpoint_t  *shown;

    ngx_memzero(&op, sizeof(ngx_http_jamhook_op_endpoints_t));
    ngx_memzero(&last, sizeof(ngx_http_jamhook_shown_attempt_t));
    ngx_array_init(&op.endpoints, pool, 4,
                   sizeof(ngx_http_jamhook_shown_endpoint_t));

    for (i = 0; i < 3; i++) {
        shown = ngx_array_push(&op.endpoints);
        ngx_memzero(shown, sizeof(ngx_http_jamhook_shown_endpoint_t));
        shown->index = i;
    }

    shown = op.endpoints.elts;

    set(&last.id, "msg_1");
    set(&last.endpoint, "fin");
    last.number = 1;
    last.started_at = AT;

    set(&shown[0].name, "fin");
    shown[0].last = &last;
    shown[0].succeeded = 1;
    shown[0].failed = 2;
    shown[0].pending = 3;
    shown[0].sending = 4;
    shown[0].oldest_at = AT;
    shown[0].failing_since = AT;
    set(&shown[1].name, "log");
    shown[1].paused = NGX_HTTP_JAMHOOK_PAUSE_GONE;
    shown[1].paused_at = AT;
    set(&shown[2].name, "old");
    shown[2].index = NGX_HTTP_JAMHOOK_NO_ENDPOINT;
    shown[2].paused = NGX_HTTP_JAMHOOK_PAUSE_MANUAL;
    shown[2].pending = 1;

    begin();
    ngx_http_jamhook_render_endpoints(&w, &op, &jmcf);
    is(end(), "{\"data\":["
       "{\"name\":\"fin\",\"state\":\"active\",\"reason\":null,"
       "\"paused_at\":null,\"failing_since\":\"2026-11-23T15:04:05.123Z\","
       "\"connector\":\"intercom_fin\",\"events\":[\"a.*\"],"
       "\"url\":\"https://fin.test/...\",\"keys\":[{\"kind\":\"whsk\","
       "\"fingerprint\":\"0011aabb\",\"file\":\"keys/fin.keys\"}],"
       "\"signed\":true,\"stats\":{\"succeeded\":1,\"failed\":2,"
       "\"pending\":3,\"sending\":4},"
       "\"oldest_pending_at\":\"2026-11-23T15:04:05.123Z\","
       "\"last_attempt\":{\"event\":\"msg_1\",\"type\":null,"
       "\"endpoint\":\"fin\",\"number\":1,\"trigger\":\"scheduled\","
       "\"started_at\":\"2026-11-23T15:04:05.123Z\",\"duration\":0,"
       "\"result\":\"succeeded\"}},"
       "{\"name\":\"log\",\"state\":\"paused\",\"reason\":\"gone\","
       "\"paused_at\":\"2026-11-23T15:04:05.123Z\",\"failing_since\":null,"
       "\"connector\":\"none\",\"events\":[\"a.*\"],\"url\":null,"
       "\"keys\":[],\"signed\":false,\"stats\":{\"succeeded\":0,"
       "\"failed\":0,\"pending\":0,\"sending\":0},"
       "\"oldest_pending_at\":null,\"last_attempt\":null},"
       "{\"name\":\"old\",\"state\":\"paused\","
       "\"reason\":\"not configured\",\"paused_at\":null,"
       "\"failing_since\":null,\"connector\":null,\"events\":[],"
       "\"url\":null,\"keys\":[],\"signed\":false,\"stats\":{"
       "\"succeeded\":0,\"failed\":0,\"pending\":1,\"sending\":0},"
       "\"oldest_pending_at\":null,\"last_attempt\":null}],\"next\":null}",
       "endpoints");

    begin();
    ngx_http_jamhook_render_endpoint(&w, &shown[1], &jmcf);
    ok(has(end(), "{\"name\":\"log\",\"state\":\"paused\""), "one alone");
}


static void
make_source(ngx_http_jamhook_source_count_t *source)
{
    ngx_uint_t  i;

    ngx_memzero(source, sizeof(ngx_http_jamhook_source_count_t));
    memcpy(source->name, "/jam", 4);
    source->len = 4;

    for (i = 0; i < NGX_HTTP_JAMHOOK_COUNT_RESULTS; i++) {
        source->results[i] = i + 1;
    }

    for (i = 0; i < NGX_HTTP_JAMHOOK_CODES; i++) {
        source->codes[i] = i;
    }

    source->last_at = AT / 1000;
}


static void
test_stats(void)
{
    ngx_str_t                         s, window;
    ngx_uint_t                        i, slot;
    ngx_http_jamhook_op_stats_t       op;
    ngx_http_jamhook_shown_stats_t   *shown;
    ngx_http_jamhook_source_count_t   source, *sources;

    make_source(&source);
    sources = &source;
    set(&window, "1h");

    ngx_memzero(&op, sizeof(ngx_http_jamhook_op_stats_t));
    ngx_array_init(&op.endpoints, pool, 2,
                   sizeof(ngx_http_jamhook_shown_stats_t));
    op.width = 60000;
    op.n = 2;
    op.since = 1795446240000;

    begin();
    ngx_http_jamhook_render_stats(&w, &op, &window, NULL, 0);
    is(end(), "{\"window\":\"1h\",\"since\":\"2026-11-23T15:04:00.000Z\","
              "\"until\":\"2026-11-23T15:06:00.000Z\",\"width\":60,"
              "\"totals\":{\"succeeded\":0,\"failed\":0,\"interrupted\":0},"
              "\"latency\":{\"p50\":null,\"p95\":null,\"p99\":null},"
              "\"buckets\":[{\"at\":\"2026-11-23T15:04:00.000Z\","
              "\"succeeded\":0,\"failed\":0},"
              "{\"at\":\"2026-11-23T15:05:00.000Z\",\"succeeded\":0,"
              "\"failed\":0}],\"endpoints\":[],\"received\":[]}",
       "no numbers at all");

    for (i = 0; i < 2; i++) {
        shown = ngx_array_push(&op.endpoints);
        shown->name = endpoints[i].name;
        shown->buckets = ngx_pcalloc(pool,
                                     2 * sizeof(ngx_http_jamhook_bucket_t));
        shown->slots = ngx_pcalloc(pool,
                                   NGX_HTTP_JAMHOOK_SLOTS * sizeof(int64_t));
        ngx_memzero(&shown->total, sizeof(ngx_http_jamhook_bucket_t));
    }

    shown = op.endpoints.elts;

    shown[0].total.results[0] = 90;
    shown[0].total.results[1] = 9;
    shown[0].total.results[2] = 2;
    shown[0].buckets[1].results[0] = 90;
    shown[0].buckets[0].results[1] = 9;
    shown[1].total.results[0] = 1;
    shown[1].buckets[1].results[0] = 1;

    shown[0].slots[5] = 98;
    shown[0].slots[ngx_http_jamhook_backend_slot(1000)] = 1;
    shown[1].slots[NGX_HTTP_JAMHOOK_SLOTS - 1] = 1;

    begin();
    ngx_http_jamhook_render_stats(&w, &op, &window, &sources, 1);
    s = end();

    /* 1000 ms lies in the slot from 960 to 1023 */

    slot = ngx_http_jamhook_backend_slot(1000);
    ok(ngx_http_jamhook_backend_slot_ms(slot) == 960
       && ngx_http_jamhook_backend_slot_ms(slot + 1) == 1024,
       "the slot of 1000 ms");

    ok(has(s, "\"totals\":{\"succeeded\":91,\"failed\":9,\"interrupted\":2},"
              "\"latency\":{\"p50\":5,\"p95\":5,\"p99\":992},\"buckets\":["
              "{\"at\":\"2026-11-23T15:04:00.000Z\",\"succeeded\":0,"
              "\"failed\":9},{\"at\":\"2026-11-23T15:05:00.000Z\","
              "\"succeeded\":91,\"failed\":0}]"), "the sums");
    ok(has(s, "\"endpoints\":[{\"name\":\"fin\",\"succeeded\":90,"
              "\"failed\":9,\"interrupted\":2,\"latency\":{\"p50\":5,"
              "\"p95\":5,\"p99\":992},\"buckets\":["), "an endpoint's");
    ok(has(s, "{\"name\":\"log\",\"succeeded\":1,\"failed\":0,"
              "\"interrupted\":0,\"latency\":{\"p50\":1966080,"
              "\"p95\":1966080,\"p99\":1966080},"), "the last slot is open");
    ok(has(s, "\"received\":[{\"source\":\"/jam\",\"result\":{\"stored\":1,"
              "\"delivered\":2,\"duplicate\":3,\"ignored\":4},\"code\":{"
              "\"c0\":0,\"c1\":1,\"c2\":2,\"c3\":3,\"c4\":4,\"c5\":5,"
              "\"c6\":6,\"c7\":7,\"c8\":8,\"delivery_failed\":19,"
              "\"c11\":11},\"last_at\":\"2026-11-23T15:04:05.000Z\","
              "\"last_refused\":null}]}"), "what was received");

    /* many in one slot are spread over it */

    ngx_memzero(shown[0].slots, NGX_HTTP_JAMHOOK_SLOTS * sizeof(int64_t));
    shown[0].slots[slot] = 100;

    begin();
    ngx_http_jamhook_render_stats(&w, &op, &window, &sources, 1);
    ok(has(end(), "\"interrupted\":2,\"latency\":{\"p50\":991,\"p95\":1020,"
                  "\"p99\":1023}"), "within a slot");
}


static void
test_status(void)
{
    ngx_str_t                         s, url;
    ngx_uint_t                        i, good;
    ngx_http_jamhook_source_count_t   source, *sources;
    ngx_http_jamhook_store_status_t   status;

    make_source(&source);
    sources = &source;

    ngx_memzero(&status, sizeof(ngx_http_jamhook_store_status_t));
    ngx_str_null(&url);

    begin();
    ngx_http_jamhook_render_status(&w, &status, &jmcf, &url, &sources, 1);
    s = end();

    ok(has(s, "{\"version\":\"" NGX_HTTP_JAMHOOK_VERSION "\",\"now\":\"20"),
       "a version and the time");
    ok(has(s, "\"worker_pid\":77,\"store\":{\"state\":\"opening\","
              "\"detail\":null,\"advice\":null,\"since\":null,\"queue\":0},"
              "\"conversation_url\":null,\"endpoints\":[{\"name\":\"fin\","
              "\"connector\":\"intercom_fin\"},{\"name\":\"log\","
              "\"connector\":\"none\"}],\"received\":[{\"source\":\"/jam\""),
       "how it stands");

    status.state = NGX_HTTP_JAMHOOK_STORE_TROUBLE;
    status.ms = 1000;
    status.text = "disk";
    status.advice = "make room";
    status.queue = 3;
    set(&url, "https://app.intercom.com/a/");

    begin();
    ngx_http_jamhook_render_status(&w, &status, &jmcf, &url, &sources, 1);
    s = end();

    ok(has(s, "\"store\":{\"state\":\"trouble\",\"detail\":\"disk\","
              "\"advice\":\"make room\",\"since\":\"20")
       && has(s, ",\"queue\":3},"
                 "\"conversation_url\":\"https://app.intercom.com/a/\""),
       "in trouble");

    /* each code has a sentence that says what to do */

    good = 1;

    for (i = 0; i < NGX_HTTP_JAMHOOK_COUNT_CODES; i++) {
        source.refused_at = AT / 1000;
        source.refused_code = i;

        begin();
        ngx_http_jamhook_render_status(&w, &status, &jmcf, &url, &sources, 1);
        s = end();

        if (i < NGX_HTTP_JAMHOOK_CODES) {
            good = good
                   && has(s, "\"last_refused\":{"
                             "\"at\":\"2026-11-23T15:04:05.000Z\",\"code\":\"")
                   && has(s, "\"detail\":\"");

        } else {
            good = good && has(s, "\"last_refused\":null");
        }
    }

    ok(good, "each refusal has its detail");
}


static ngx_int_t
run(ngx_pool_t *p)
{
    ngx_chain_t                     *out;
    ngx_http_jamhook_shown_event_t   event;

    ngx_memzero(&event, sizeof(ngx_http_jamhook_shown_event_t));
    set(&event.id, "msg_1");
    set(&event.headers, "[[\"a\",\"b\"],[\"a\",\"c\"]]");
    set(&event.body, "{}");

    ngx_http_jamhook_writer_init(&w, p);
    ngx_http_jamhook_render_event(&w, &event);

    return ngx_http_jamhook_writer_end(&w, &out);
}


int
main(void)
{
    pool = ngx_create_pool(1, NULL);

    make_conf();

    test_events();
    test_event();
    test_room();
    test_attempts();
    test_test();
    test_endpoints();
    test_stats();
    test_status();

    ok(shim_exhaust(run) == 7, "out of memory at each of its allocations");

    ngx_destroy_pool(pool);

    return done();
}
