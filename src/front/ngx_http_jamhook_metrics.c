
#include "ngx_http_jamhook_metrics.h"
#include "ngx_http_jamhook_clock.h"
#include "ngx_http_jamhook_ctx.h"
#include "ngx_http_jamhook_late.h"
#include "ngx_http_jamhook_reply.h"
#include "ngx_http_jamhook_store.h"
#include "ngx_http_jamhook_text.h"


#define NGX_HTTP_JAMHOOK_METRICS_BUFFER  16384   /* bytes */

/* ms that the store may take; then the answer goes without what it knows */
#define NGX_HTTP_JAMHOOK_METRICS_TIMEOUT 5000

/* room for one line: a name that is escaped and its numbers */
#define NGX_HTTP_JAMHOOK_METRICS_LINE    1024


/* the text on its way; lives in r->pool, as its buffers do */

typedef struct {
    ngx_pool_t                        *pool;
    ngx_chain_t                       *out;
    ngx_chain_t                      **last;
    ngx_buf_t                         *b;
    off_t                              size;
    ngx_http_jamhook_main_conf_t      *jmcf;
    ngx_str_t                         *sources;  /* escaped, as in jmcf->zone */
    ngx_http_jamhook_op_endpoints_t   *op;       /* NULL: the store was not
                                                    asked or did not answer */
    unsigned                           failed:1;
} ngx_http_jamhook_metrics_t;


/* who waits for the store's answer; lies in the op's pool */

typedef struct {
    ngx_http_jamhook_op_endpoints_t    op;
    ngx_http_request_t                *request;  /* NULL: the client left */
    ngx_http_jamhook_ctx_t            *ctx;      /* the request's */
    ngx_pool_cleanup_t                *cln;      /* clears request */
    ngx_event_t                        timer;    /* a worker that is to quit
                                                    stays for it */
} ngx_http_jamhook_metrics_wait_t;


static ngx_int_t ngx_http_jamhook_metrics_not_allowed(ngx_http_request_t *r);
static ngx_int_t ngx_http_jamhook_metrics_ask(ngx_http_request_t *r);
static void ngx_http_jamhook_metrics_cleanup(void *data);
static void ngx_http_jamhook_metrics_timer_handler(ngx_event_t *ev);
static void ngx_http_jamhook_metrics_answer(
    ngx_http_jamhook_metrics_wait_t *w, ngx_http_jamhook_op_endpoints_t *op);
static ngx_uint_t ngx_http_jamhook_metrics_wanted(ngx_http_jamhook_op_t *op);
static void ngx_http_jamhook_metrics_told(ngx_http_jamhook_op_t *op);
static ngx_int_t ngx_http_jamhook_metrics_send(ngx_http_request_t *r,
    ngx_http_jamhook_op_endpoints_t *op);

static ngx_int_t ngx_http_jamhook_metrics_names(
    ngx_http_jamhook_metrics_t *m);
static void ngx_http_jamhook_metrics_escape(ngx_str_t *to, ngx_str_t *from);
static void ngx_http_jamhook_metrics_sources(ngx_http_jamhook_metrics_t *m);
static void ngx_http_jamhook_metrics_codes(ngx_http_jamhook_metrics_t *m,
    ngx_uint_t i);
static void ngx_http_jamhook_metrics_endpoints(ngx_http_jamhook_metrics_t *m);
static void ngx_http_jamhook_metrics_deliveries(
    ngx_http_jamhook_metrics_t *m);
static void ngx_http_jamhook_metrics_store(ngx_http_jamhook_metrics_t *m);
static void ngx_http_jamhook_metrics_histogram(ngx_http_jamhook_metrics_t *m,
    char *metric, ngx_str_t *endpoint, ngx_http_jamhook_histogram_t *h);
static void ngx_http_jamhook_metrics_family(ngx_http_jamhook_metrics_t *m,
    char *metric, char *type, char *help);
static void ngx_http_jamhook_metrics_line(ngx_http_jamhook_metrics_t *m,
    char *fmt, ...);


static ngx_str_t  ngx_http_jamhook_metrics_type =
    ngx_string("text/plain; version=0.0.4; charset=utf-8");
static ngx_str_t  ngx_http_jamhook_metrics_cache_control =
    ngx_string("Cache-Control");
static ngx_str_t  ngx_http_jamhook_metrics_no_store = ngx_string("no-store");
static ngx_str_t  ngx_http_jamhook_metrics_allow = ngx_string("Allow");
static ngx_str_t  ngx_http_jamhook_metrics_methods = ngx_string("GET, HEAD");


ngx_int_t
ngx_http_jamhook_metrics_handler(ngx_http_request_t *r)
{
    ngx_int_t                      rc;
    ngx_http_jamhook_main_conf_t  *jmcf;

    if (!(r->method & (NGX_HTTP_GET|NGX_HTTP_HEAD))) {
        return ngx_http_jamhook_metrics_not_allowed(r);
    }

    rc = ngx_http_discard_request_body(r);
    if (rc != NGX_OK) {
        return rc;
    }

    jmcf = ngx_http_get_module_main_conf(r, ngx_http_jamhook_module);

    if (jmcf->store && ngx_http_jamhook_store_is_well()) {
        return ngx_http_jamhook_metrics_ask(r);
    }

    return ngx_http_jamhook_metrics_send(r, NULL);
}


/* nginx's page says the rest */

static ngx_int_t
ngx_http_jamhook_metrics_not_allowed(ngx_http_request_t *r)
{
    if (ngx_http_jamhook_reply_header(r, &ngx_http_jamhook_metrics_allow,
                                      &ngx_http_jamhook_metrics_methods)
        != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return NGX_HTTP_NOT_ALLOWED;
}


/* the op has its own pool, for it may outlive the request */

static ngx_int_t
ngx_http_jamhook_metrics_ask(ngx_http_request_t *r)
{
    ngx_pool_t                       *pool;
    ngx_pool_cleanup_t               *cln;
    ngx_http_jamhook_ctx_t           *ctx;
    ngx_http_jamhook_metrics_wait_t  *w;

    ctx = ngx_http_jamhook_create_ctx(r);
    if (ctx == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    cln = ngx_pool_cleanup_add(r->pool, 0);
    if (cln == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    pool = ngx_create_pool(NGX_DEFAULT_POOL_SIZE, ngx_cycle->log);
    if (pool == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    w = ngx_pcalloc(pool, sizeof(ngx_http_jamhook_metrics_wait_t));

    if (w == NULL
        || (r == r->main && ngx_http_jamhook_late_notice(r) != NGX_OK))
    {
        ngx_destroy_pool(pool);
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    w->op.op.type = NGX_HTTP_JAMHOOK_OP_ENDPOINTS;
    w->op.op.handler = ngx_http_jamhook_metrics_told;
    w->op.op.wanted = ngx_http_jamhook_metrics_wanted;
    w->op.op.first = 1;
    w->op.op.data = w;
    w->op.pool = pool;
    w->request = r;
    w->ctx = ctx;
    w->cln = cln;

    cln->handler = ngx_http_jamhook_metrics_cleanup;
    cln->data = w;

    w->timer.handler = ngx_http_jamhook_metrics_timer_handler;
    w->timer.data = w;
    w->timer.log = ngx_cycle->log;

    ngx_add_timer(&w->timer, NGX_HTTP_JAMHOOK_METRICS_TIMEOUT);

    /* given back by ngx_http_jamhook_metrics_answer() */

    r->main->count++;

    ngx_http_jamhook_store_submit(&w->op.op);

    return NGX_DONE;
}


static void
ngx_http_jamhook_metrics_cleanup(void *data)
{
    ngx_http_jamhook_metrics_wait_t  *w = data;

    w->request = NULL;

    if (w->timer.timer_set) {
        ngx_del_timer(&w->timer);
    }
}


static void
ngx_http_jamhook_metrics_timer_handler(ngx_event_t *ev)
{
    ngx_http_jamhook_metrics_answer(ev->data, NULL);
}


static ngx_uint_t
ngx_http_jamhook_metrics_wanted(ngx_http_jamhook_op_t *op)
{
    ngx_http_jamhook_metrics_wait_t  *w = op->data;

    return w->request != NULL;
}


static void
ngx_http_jamhook_metrics_told(ngx_http_jamhook_op_t *op)
{
    ngx_http_jamhook_metrics_wait_t  *w = op->data;

    ngx_http_jamhook_metrics_answer(w, op->rc == NGX_OK ? &w->op : NULL);

    ngx_destroy_pool(w->op.pool);
}


static void
ngx_http_jamhook_metrics_answer(ngx_http_jamhook_metrics_wait_t *w,
    ngx_http_jamhook_op_endpoints_t *op)
{
    ngx_http_request_t  *r;

    r = w->request;

    if (r == NULL) {

        /* the client left, or has its answer */

        return;
    }

    ngx_http_jamhook_metrics_cleanup(w);

    /* it may live on, to send its answer: there is nothing to clear then */

    w->cln->handler = NULL;

    if (ngx_http_jamhook_late_request(r, w->ctx)) {
        ngx_http_jamhook_late_finalize(r,
                                       ngx_http_jamhook_metrics_send(r, op));
    }
}


static ngx_int_t
ngx_http_jamhook_metrics_send(ngx_http_request_t *r,
    ngx_http_jamhook_op_endpoints_t *op)
{
    ngx_int_t                    rc;
    ngx_http_jamhook_metrics_t   m;

    ngx_memzero(&m, sizeof(ngx_http_jamhook_metrics_t));

    m.pool = r->pool;
    m.last = &m.out;
    m.op = op;
    m.jmcf = ngx_http_get_module_main_conf(r, ngx_http_jamhook_module);

    if (ngx_http_jamhook_metrics_names(&m) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ngx_http_jamhook_metrics_family(&m, "build_info", "gauge",
                                    "The module's version.");
    ngx_http_jamhook_metrics_line(&m, "jamhook_build_info{version=\"%s\"} 1",
                                  NGX_HTTP_JAMHOOK_VERSION);

    if (m.jmcf->zone.nsources) {
        ngx_http_jamhook_metrics_sources(&m);
    }

    if (m.jmcf->zone.nendpoints) {
        ngx_http_jamhook_metrics_endpoints(&m);
    }

    if (m.jmcf->store) {
        ngx_http_jamhook_metrics_store(&m);
    }

    if (op && op->endpoints.nelts) {
        ngx_http_jamhook_metrics_deliveries(&m);
    }

    if (m.failed
        || ngx_http_jamhook_reply_header(r,
                                      &ngx_http_jamhook_metrics_cache_control,
                                      &ngx_http_jamhook_metrics_no_store)
           != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    r->headers_out.status = NGX_HTTP_OK;
    r->headers_out.content_type = ngx_http_jamhook_metrics_type;
    r->headers_out.content_type_len = sizeof("text/plain") - 1;
    r->headers_out.content_type_lowcase = NULL;
    r->headers_out.content_length_n = m.size;

    rc = ngx_http_send_header(r);

    if (rc == NGX_ERROR || rc > NGX_OK || r->header_only) {
        return rc;
    }

    m.b->last_buf = (r == r->main) ? 1 : 0;
    m.b->last_in_chain = 1;

    return ngx_http_output_filter(r, m.out);
}


/* of locations: any bytes that nginx.conf has there */

static ngx_int_t
ngx_http_jamhook_metrics_names(ngx_http_jamhook_metrics_t *m)
{
    ngx_uint_t                     i;
    ngx_http_jamhook_zone_conf_t  *zcf;

    zcf = &m->jmcf->zone;

    m->sources = ngx_pcalloc(m->pool,
                             ngx_max(zcf->nsources, 1) * sizeof(ngx_str_t));
    if (m->sources == NULL) {
        return NGX_ERROR;
    }

    for (i = 0; i < zcf->nsources; i++) {
        m->sources[i].data = ngx_pnalloc(m->pool, 3 * zcf->sources[i].len + 1);
        if (m->sources[i].data == NULL) {
            return NGX_ERROR;
        }

        ngx_http_jamhook_metrics_escape(&m->sources[i], &zcf->sources[i]);
    }

    return NGX_OK;
}


/* a label's value is UTF-8; three bytes for one are the most it takes */

static void
ngx_http_jamhook_metrics_escape(ngx_str_t *to, ngx_str_t *from)
{
    size_t   n;
    u_char  *d, *p, *last;

    d = to->data;
    p = from->data;
    last = p + from->len;

    while (p < last) {

        if (*p >= 0x80) {
            n = ngx_http_jamhook_text_utf8(p, last - p);

            if (n != 0) {
                d = ngx_cpymem(d, p, n);

            } else {
                d = ngx_cpymem(d, "\xef\xbf\xbd", 3);
                n = ngx_http_jamhook_text_not_utf8(p, last - p);
            }

            p += n;
            continue;
        }

        if (*p == '\\' || *p == '"') {
            *d++ = '\\';
            *d++ = *p;

        } else if (*p == LF) {
            *d++ = '\\';
            *d++ = 'n';

        } else {
            *d++ = *p;
        }

        p++;
    }

    to->len = d - to->data;
}


static void
ngx_http_jamhook_metrics_sources(ngx_http_jamhook_metrics_t *m)
{
    ngx_uint_t                         i, k;
    ngx_http_jamhook_zone_conf_t      *zcf;
    ngx_http_jamhook_source_count_t  **count;

    zcf = &m->jmcf->zone;
    count = zcf->counts;

    ngx_http_jamhook_metrics_family(m, "events_total", "counter",
                                    "Requests to an ingest location by what "
                                    "they were answered: a result, or the "
                                    "code of a refusal.");

    for (i = 0; i < zcf->nsources; i++) {

        for (k = 0; k < NGX_HTTP_JAMHOOK_COUNT_RESULTS; k++) {
            ngx_http_jamhook_metrics_line(m, "jamhook_events_total{"
                                          "source=\"%V\",result=\"%V\"} %uA",
                                          &m->sources[i],
                                          ngx_http_jamhook_counts_result(k),
                                          count[i]->results[k]);
        }

        ngx_http_jamhook_metrics_codes(m, i);
    }

    ngx_http_jamhook_metrics_family(m, "event_last_timestamp_seconds", "gauge",
                                    "When the last request came to an ingest "
                                    "location, in Unix time; 0: none has.");

    for (i = 0; i < zcf->nsources; i++) {
        ngx_http_jamhook_metrics_line(m, "jamhook_event_last_timestamp_seconds{"
                                      "source=\"%V\"} %uA",
                                      &m->sources[i], count[i]->last_at);
    }
}


/* two statuses share the word "delivery_failed", so one line has both */

static void
ngx_http_jamhook_metrics_codes(ngx_http_jamhook_metrics_t *m, ngx_uint_t i)
{
    ngx_uint_t                        code;
    ngx_atomic_uint_t                 n;
    ngx_http_jamhook_source_count_t  *count;

    count = m->jmcf->zone.counts[i];

    for (code = 0; code < NGX_HTTP_JAMHOOK_CODES; code++) {

        if (code == NGX_HTTP_JAMHOOK_DELIVERY_TIMED_OUT) {
            continue;
        }

        n = count->codes[code];

        if (code == NGX_HTTP_JAMHOOK_DELIVERY_FAILED) {
            n += count->codes[NGX_HTTP_JAMHOOK_DELIVERY_TIMED_OUT];
        }

        ngx_http_jamhook_metrics_line(m, "jamhook_events_total{"
                                      "source=\"%V\",result=\"%V\"} %uA",
                                      &m->sources[i],
                                      ngx_http_jamhook_reply_code(code), n);
    }
}


/* names of endpoints need no escape */

static void
ngx_http_jamhook_metrics_endpoints(ngx_http_jamhook_metrics_t *m)
{
    ngx_uint_t                          i, k;
    ngx_http_jamhook_zone_conf_t       *zcf;
    ngx_http_jamhook_endpoint_count_t  *count;

    zcf = &m->jmcf->zone;

    ngx_http_jamhook_metrics_family(m, "attempts_total", "counter",
                                    "Attempts to deliver by what came of "
                                    "them, without tests.");

    for (i = 0; i < zcf->nendpoints; i++) {
        count = ngx_http_jamhook_zone_count(zcf->cells[i]);

        for (k = 0; k < NGX_HTTP_JAMHOOK_COUNT_OUTCOMES; k++) {
            ngx_http_jamhook_metrics_line(m, "jamhook_attempts_total{"
                                          "endpoint=\"%V\",outcome=\"%V\"} %uA",
                                          &zcf->endpoints[i],
                                          ngx_http_jamhook_counts_outcome(k),
                                          count->outcomes[k]);
        }
    }

    ngx_http_jamhook_metrics_family(m, "attempt_duration_seconds", "histogram",
                                    "How long attempts took that were not "
                                    "interrupted.");

    for (i = 0; i < zcf->nendpoints; i++) {
        count = ngx_http_jamhook_zone_count(zcf->cells[i]);
        ngx_http_jamhook_metrics_histogram(m, "attempt_duration_seconds",
                                           &zcf->endpoints[i],
                                           &count->duration);
    }

    ngx_http_jamhook_metrics_family(m, "deliveries_active", "gauge",
                                    "Attempts under way.");

    for (i = 0; i < zcf->nendpoints; i++) {
        ngx_http_jamhook_metrics_line(m, "jamhook_deliveries_active{"
                                      "endpoint=\"%V\"} %ui",
                                      &zcf->endpoints[i],
                           ngx_http_jamhook_zone_sum_active(zcf->cells[i]));
    }
}


/* what the store knows, also of endpoints that are configured no more */

static void
ngx_http_jamhook_metrics_deliveries(ngx_http_jamhook_metrics_t *m)
{
    int64_t                             now, age;
    ngx_uint_t                          i, n, paused;
    ngx_http_jamhook_shown_endpoint_t  *ep;

    ep = m->op->endpoints.elts;
    n = m->op->endpoints.nelts;

    ngx_http_jamhook_metrics_family(m, "deliveries_pending", "gauge",
                                    "Deliveries in the store that wait, also "
                                    "for a paused endpoint.");

    for (i = 0; i < n; i++) {
        ngx_http_jamhook_metrics_line(m, "jamhook_deliveries_pending{"
                                      "endpoint=\"%V\"} %L",
                                      &ep[i].name, ep[i].pending);
    }

    ngx_http_jamhook_metrics_family(m, "deliveries_failed", "gauge",
                                    "Deliveries in the store that were given "
                                    "up.");

    for (i = 0; i < n; i++) {
        ngx_http_jamhook_metrics_line(m, "jamhook_deliveries_failed{"
                                      "endpoint=\"%V\"} %L",
                                      &ep[i].name, ep[i].failed);
    }

    ngx_http_jamhook_metrics_family(m, "delivery_oldest_pending_seconds",
                                    "gauge",
                                    "Age of the oldest event whose delivery "
                                    "waits; 0: none does.");

    now = ngx_http_jamhook_clock_now();

    for (i = 0; i < n; i++) {
        age = ep[i].oldest_at ? ngx_max(now - ep[i].oldest_at, 0) : 0;

        ngx_http_jamhook_metrics_line(m,
                                      "jamhook_delivery_oldest_pending_seconds"
                                      "{endpoint=\"%V\"} %L.%03L",
                                      &ep[i].name, age / 1000, age % 1000);
    }

    ngx_http_jamhook_metrics_family(m, "endpoint_paused", "gauge",
                                    "1: its deliveries wait until it is "
                                    "resumed, or is configured again.");

    for (i = 0; i < n; i++) {
        paused = ep[i].paused != NGX_HTTP_JAMHOOK_PAUSE_NONE
                 || ep[i].index == NGX_HTTP_JAMHOOK_NO_ENDPOINT;

        ngx_http_jamhook_metrics_line(m, "jamhook_endpoint_paused{"
                                      "endpoint=\"%V\"} %ui",
                                      &ep[i].name, paused);
    }
}


static void
ngx_http_jamhook_metrics_store(ngx_http_jamhook_metrics_t *m)
{
    ngx_uint_t                       queue, troubled;
    ngx_http_jamhook_store_count_t  *count;

    queue = ngx_http_jamhook_zone_sum_queue(&troubled);
    count = ngx_http_jamhook_zone_store();

    ngx_http_jamhook_metrics_family(m, "store_up", "gauge",
                                    "1: the store works, for all workers.");
    ngx_http_jamhook_metrics_line(m, "jamhook_store_up %d",
                                  ngx_http_jamhook_store_is_well()
                                  && troubled == 0);

    ngx_http_jamhook_metrics_family(m, "store_commits_total", "counter",
                                    "Transactions of the store.");
    ngx_http_jamhook_metrics_line(m, "jamhook_store_commits_total{"
                                  "result=\"ok\"} %uA", count->commits);
    ngx_http_jamhook_metrics_line(m, "jamhook_store_commits_total{"
                                  "result=\"failed\"} %uA", count->failures);

    ngx_http_jamhook_metrics_family(m, "store_commit_duration_seconds",
                                    "histogram",
                                    "How long transactions took until they "
                                    "were on disk.");
    ngx_http_jamhook_metrics_histogram(m, "store_commit_duration_seconds", NULL,
                                       &count->duration);

    ngx_http_jamhook_metrics_family(m, "store_queue_length", "gauge",
                                    "Operations that wait to be committed.");
    ngx_http_jamhook_metrics_line(m, "jamhook_store_queue_length %ui", queue);
}


/* the count is the buckets' sum, so that both agree */

static void
ngx_http_jamhook_metrics_histogram(ngx_http_jamhook_metrics_t *m, char *metric,
    ngx_str_t *endpoint, ngx_http_jamhook_histogram_t *h)
{
    u_char             *p;
    ngx_str_t           label;
    ngx_uint_t          i;
    ngx_atomic_uint_t   n, sum;
    u_char              buf[sizeof("endpoint=\"\"")
                            + NGX_HTTP_JAMHOOK_NAME_MAX];

    label.data = buf;
    p = buf;

    if (endpoint) {
        p = ngx_sprintf(buf, "endpoint=\"%V\"", endpoint);
    }

    label.len = p - buf;

    sum = h->sum;
    n = 0;

    for (i = 0; i < NGX_HTTP_JAMHOOK_COUNTS_BOUNDS; i++) {
        n += h->n[i];

        ngx_http_jamhook_metrics_line(m, "jamhook_%s_bucket{%V%sle=\"%s\"} "
                                      "%uA", metric, &label,
                                      label.len ? "," : "",
                                      ngx_http_jamhook_counts_bounds[i].s, n);
    }

    n += h->n[i];

    ngx_http_jamhook_metrics_line(m, "jamhook_%s_bucket{%V%sle=\"+Inf\"} %uA",
                                  metric, &label, label.len ? "," : "", n);

    if (label.len) {
        ngx_http_jamhook_metrics_line(m, "jamhook_%s_sum{%V} %uA.%06uA", metric,
                                      &label, sum / 1000000, sum % 1000000);
        ngx_http_jamhook_metrics_line(m, "jamhook_%s_count{%V} %uA", metric,
                                      &label, n);
        return;
    }

    ngx_http_jamhook_metrics_line(m, "jamhook_%s_sum %uA.%06uA", metric,
                                  sum / 1000000, sum % 1000000);
    ngx_http_jamhook_metrics_line(m, "jamhook_%s_count %uA", metric, n);
}


static void
ngx_http_jamhook_metrics_family(ngx_http_jamhook_metrics_t *m, char *metric,
    char *type, char *help)
{
    ngx_http_jamhook_metrics_line(m, "# HELP jamhook_%s %s", metric, help);
    ngx_http_jamhook_metrics_line(m, "# TYPE jamhook_%s %s", metric, type);
}


static void
ngx_http_jamhook_metrics_line(ngx_http_jamhook_metrics_t *m, char *fmt, ...)
{
    u_char       *p;
    va_list       args;
    ngx_chain_t  *cl;

    if (m->failed) {
        return;
    }

    if (m->b == NULL
        || m->b->end - m->b->last < NGX_HTTP_JAMHOOK_METRICS_LINE)
    {
        cl = ngx_alloc_chain_link(m->pool);

        if (cl == NULL) {
            m->failed = 1;
            return;
        }

        m->b = ngx_create_temp_buf(m->pool, NGX_HTTP_JAMHOOK_METRICS_BUFFER);

        if (m->b == NULL) {
            m->failed = 1;
            return;
        }

        cl->buf = m->b;
        cl->next = NULL;

        *m->last = cl;
        m->last = &cl->next;
    }

    va_start(args, fmt);
    p = ngx_vslprintf(m->b->last, m->b->end - 1, fmt, args);
    va_end(args);

    *p++ = LF;

    m->size += p - m->b->last;
    m->b->last = p;
}
