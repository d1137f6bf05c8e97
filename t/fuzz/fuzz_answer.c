
/*
 * relay/outcome and relay/record: what a target answers.  Its status, headers
 * and body, in pieces of any size, go through the filters that take it, and
 * into the log of attempts: bounded, redacted, with a judgement by its status
 * alone.  nginx around it is the few functions below.
 *
 * The input: a status and what the request ended with; sizes of the pieces,
 * again and again; a secret of the endpoint's URL; headers, "name: value", up
 * to an empty line; the body.
 */

#include "ngx_http_jamhook_outcome.c"
#include "ngx_http_jamhook_record.c"

#include "ngx_http_jamhook_json.h"

#include "fuzz.h"


#define NOW      1700000000
#define HEADERS  8
#define SIZES    8


ngx_module_t                          ngx_http_jamhook_module;
ngx_http_output_header_filter_pt      ngx_http_top_header_filter;
ngx_http_output_body_filter_pt        ngx_http_top_body_filter;
volatile ngx_time_t                  *ngx_cached_time;
ngx_queue_t                           ngx_posted_events;

static ngx_time_t                     now;
static ngx_http_jamhook_delivery_t   *delivery;


typedef struct {
    ngx_http_jamhook_delivery_t   d;
    ngx_http_jamhook_endpoint_t   ep;
    ngx_http_jamhook_parcel_t     parcel;
    ngx_http_jamhook_shell_t      shell;
    ngx_http_request_t            sr;
    ngx_connection_t              connection;
    ngx_http_upstream_t           upstream;
    ngx_http_upstream_state_t     state;
    ngx_table_elt_t               headers[HEADERS];
    void                         *ctx[1];
    ngx_str_t                     secret;
    ngx_uint_t                    status;
    ngx_uint_t                    rc;
    size_t                        sizes[SIZES];
    ngx_uint_t                    nsizes;
    ngx_str_t                     body;
} answer_t;


ngx_http_jamhook_delivery_t *
ngx_http_jamhook_deliver_get(ngx_http_request_t *r)
{
    return (r == delivery->sr) ? delivery : NULL;
}


ngx_int_t
ngx_pfree(ngx_pool_t *pool, void *p)
{
    ngx_pool_large_t  *l;

    for (l = pool->large; l; l = l->next) {
        if (l->alloc == p) {
            free(p);
            l->alloc = NULL;
            return NGX_OK;
        }
    }

    check(!"it is of that pool");

    return NGX_DECLINED;
}


void
ngx_log_error_core(ngx_uint_t level, ngx_log_t *log, ngx_err_t err,
    const char *fmt, ...)
{
    (void) level;
    (void) log;
    (void) err;

    /* with what of an answer it may say: a number, or one of our words */

    check(strstr(fmt, "%V") == NULL);
}


static void
read_answer(answer_t *a, fuzz_input_t *in)
{
    char             *p, *end;
    u_char           *colon;
    ngx_str_t         line;
    ngx_uint_t        i;
    ngx_table_elt_t  *h;

    line = fuzz_line(in);
    p = fuzz_text(in->pool, &line);
    a->status = strtoul(p, &p, 10) % 1000;
    a->rc = strtoul(p, &p, 10) % 600;

    line = fuzz_line(in);
    p = fuzz_text(in->pool, &line);

    for (a->nsizes = 0; a->nsizes < SIZES; a->nsizes++) {
        a->sizes[a->nsizes] = strtoul(p, &end, 10) % 20000;

        if (end == p) {
            break;
        }

        p = end;
    }

    a->secret = fuzz_line(in);

    for (i = 0; i < HEADERS; i++) {
        line = fuzz_line(in);

        if (line.len == 0) {
            break;
        }

        h = &a->headers[i];
        h->hash = 1;

        colon = memchr(line.data, ':', line.len);

        if (colon == NULL || line.data + line.len - colon < 2) {
            h->key = line;
            h->value = shim_str(in->pool, "");

        } else {
            h->key = shim_bytes(in->pool, line.data, colon - line.data);
            h->value = shim_bytes(in->pool, colon + 2,
                                  line.data + line.len - colon - 2);
        }
    }

    a->upstream.headers_in.headers.part.elts = a->headers;
    a->upstream.headers_in.headers.part.nelts = i;

    a->body = fuzz_rest(in);
}


static void
set_up(answer_t *a, ngx_pool_t *pool)
{
    ngx_http_jamhook_delivery_t  *d;

    static ngx_event_t  none;

    d = &a->d;
    delivery = d;

    now.sec = NOW;
    ngx_cached_time = &now;
    ngx_queue_init(&ngx_posted_events);

    ngx_http_jamhook_module.ctx_index = 0;
    a->ctx[0] = &d->ctx;

    a->parcel.pool = pool;
    a->ep.secrets.elts = &a->secret;
    a->ep.secrets.nelts = 1;
    ngx_str_set(&a->ep.url, "https://api.intercom.io/...");

    d->parcel = &a->parcel;
    d->endpoint = &a->ep;
    d->shell = &a->shell;
    d->sr = &a->sr;
    d->done = none;
    d->done.log = &a->shell.log;
    d->outcome.retry_after = NGX_DECLINED;

    a->sr.pool = pool;
    a->sr.ctx = a->ctx;
    a->shell.log.log_level = NGX_LOG_DEBUG;
    a->connection.log = &a->shell.log;
    a->sr.connection = &a->connection;
    a->sr.upstream = &a->upstream;
    a->upstream.headers_in.status_n = a->status;
    a->upstream.state = &a->state;
}


static void
send_body(answer_t *a, ngx_pool_t *pool)
{
    size_t        at, n;
    ngx_buf_t     buf;
    ngx_str_t     piece;
    ngx_uint_t    i;
    ngx_chain_t   cl;

    for (at = 0, i = 0; at < a->body.len; at += n, i++) {
        n = a->nsizes ? a->sizes[i % a->nsizes] : a->body.len;
        n = ngx_min(n ? n : 1, a->body.len - at);

        piece = shim_bytes(pool, a->body.data + at, n);

        memset(&buf, 0, sizeof(buf));
        buf.memory = 1;
        buf.start = buf.pos = piece.data;
        buf.end = buf.last = piece.data + n;

        cl.buf = &buf;
        cl.next = NULL;

        check(ngx_http_jamhook_outcome_body_filter(&a->sr, &cl) == NGX_OK);
        check(buf.pos == buf.last);
    }
}


static void
judged(answer_t *a, ngx_http_jamhook_op_outcome_t *op)
{
    ngx_uint_t                   ok;
    ngx_http_jamhook_outcome_t  *o;

    o = &a->d.outcome;

    check(a->d.has_outcome && a->d.done.posted);

    check(o->retry_after == NGX_DECLINED
          || (o->retry_after >= 0
              && o->retry_after <= NGX_HTTP_JAMHOOK_BACKOFF_MAX));
    check(o->retry_after == NGX_DECLINED || o->status == 429
          || o->status == 503);

    ok = a->status >= 200 && a->status < 300;

    check((o->result == NGX_HTTP_JAMHOOK_RESULT_SUCCEEDED) == ok);
    check(op->result == o->result);
    check(op->status == a->status);
    check((a->status == 0) == (op->error.len != 0));
}


static void
recorded(answer_t *a, ngx_http_jamhook_op_outcome_t *op)
{
    size_t       kept;
    ngx_str_t    expected;
    ngx_array_t  headers;

    if (a->status == 0) {
        check(op->response_body.len == 0 && op->response_headers.len == 0);
        return;
    }

    kept = ngx_min(a->body.len, NGX_HTTP_JAMHOOK_RESPONSE_MAX);

    check(a->d.outcome.body_length == (off_t) a->body.len);
    check(op->truncated == (a->body.len > kept));
    check(op->response_body.len <= kept);

    expected = shim_bytes(a->parcel.pool, a->body.data, kept);
    ngx_http_jamhook_redact(&expected, &a->secret, 1, op->truncated);

    check(fuzz_same(&expected, &op->response_body));

    if (a->secret.len >= NGX_HTTP_JAMHOOK_REDACT_MIN
        && fuzz_only(&a->secret, FUZZ_ALNUM "/-_"))
    {
        check(!fuzz_has(&op->response_body, &a->secret));
        check(!fuzz_has(&op->response_headers, &a->secret));
        check(ngx_http_jamhook_headers_read(&op->response_headers,
                                            a->parcel.pool, &headers)
              == NGX_OK);
    }
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    answer_t                       *a;
    ngx_pool_t                     *pool;
    fuzz_input_t                    in;
    ngx_http_jamhook_op_outcome_t   op;

    pool = ngx_create_pool(1, NULL);
    a = ngx_pcalloc(pool, sizeof(answer_t));

    in.pool = pool;
    in.p = data;
    in.last = data + size;

    read_answer(a, &in);
    set_up(a, pool);

    check(ngx_http_jamhook_outcome_header_filter(&a->sr) == NGX_OK);
    send_body(a, pool);
    check(ngx_http_jamhook_outcome_post_handler(&a->sr, &a->d, a->rc)
          == NGX_OK);

    memset(&op, 0, sizeof(op));
    ngx_http_jamhook_record_attempt(&op, &a->d);

    judged(a, &op);
    recorded(a, &op);

    ngx_destroy_pool(pool);

    return 0;
}
