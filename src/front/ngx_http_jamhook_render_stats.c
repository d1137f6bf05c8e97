
#include "ngx_http_jamhook_render.h"
#include "ngx_http_jamhook_clock.h"
#include "ngx_http_jamhook_reply.h"


static char *ngx_http_jamhook_render_connector(ngx_http_jamhook_endpoint_t *ep);
static void ngx_http_jamhook_render_conf(ngx_http_jamhook_writer_t *w,
    ngx_http_jamhook_endpoint_t *ep);
static void ngx_http_jamhook_render_keys(ngx_http_jamhook_writer_t *w,
    ngx_http_jamhook_keys_t *keys);
static void ngx_http_jamhook_render_totals(ngx_http_jamhook_writer_t *w,
    ngx_http_jamhook_op_stats_t *op);
static void ngx_http_jamhook_render_shares(ngx_http_jamhook_writer_t *w,
    ngx_http_jamhook_op_stats_t *op);
static void ngx_http_jamhook_render_outcomes(ngx_http_jamhook_writer_t *w,
    ngx_http_jamhook_bucket_t *bucket);
static void ngx_http_jamhook_render_bucket(ngx_http_jamhook_writer_t *w,
    int64_t at, ngx_http_jamhook_bucket_t *bucket);
static void ngx_http_jamhook_render_latency(ngx_http_jamhook_writer_t *w,
    int64_t *slots);
static int64_t ngx_http_jamhook_render_quantile(int64_t *slots, int64_t rank);
static void ngx_http_jamhook_render_store(ngx_http_jamhook_writer_t *w,
    ngx_http_jamhook_store_status_t *status, int64_t now);
static void ngx_http_jamhook_render_received(ngx_http_jamhook_writer_t *w,
    ngx_http_jamhook_source_count_t **sources, ngx_uint_t n);
static void ngx_http_jamhook_render_source(ngx_http_jamhook_writer_t *w,
    ngx_http_jamhook_source_count_t *source);
static void ngx_http_jamhook_render_refused(ngx_http_jamhook_writer_t *w,
    ngx_http_jamhook_source_count_t *source);


/* by store_state_e */

static char  *ngx_http_jamhook_render_store_states[] = {
    "opening", "well", "trouble"
};


/* by code_e: what it means that an event was refused, and what to do */

static char  *ngx_http_jamhook_render_refusals[] = {

    "the signature held, but the body is not one JSON object in UTF-8: look "
    "whether the sender is Jam, and whether its webhook sends JSON",

    "one of the headers webhook-id, webhook-timestamp and webhook-signature "
    "is missing, doubled or malformed: look whether the sender is Jam, and "
    "whether something between Jam and this nginx drops headers",

    "no key in jamhook_verify matches: compare the signing secret in Jam's "
    "webhook settings with the key file, and look whether something between "
    "Jam and this nginx changes the body",

    "the signed time is too far from this machine's clock: look at the clock "
    "first, then whether something holds requests back or plays old ones "
    "again; jamhook_tolerance says how far is too far",

    "the request was not a POST: somebody opened the address in a browser, or "
    "a monitor asks it; Jam sends POST",

    "the body is larger than client_max_body_size (and than 16 MiB, which is "
    "the most that can be taken): raise it in the location",

    "the body is not application/json, or it is compressed: look whether "
    "something between Jam and this nginx changes the request",

    "the signature held, but a member of the event is missing or unsafe: the "
    "error log of this time, at level info, names it; where events carry no "
    "type, set jamhook_event_type",

    "an id came again with another body: two senders use the same ids, or "
    "something between Jam and this nginx changes the body",

    "without a store, an endpoint did not take the event: the error log says "
    "which one and what it answered; the sender tries again",

    "without a store, an endpoint did not answer in time: the error log says "
    "which one; the sender tries again",

    "the event could not be kept: the store was in trouble, had too much "
    "waiting, or has reached max_size; the error log says which, and the "
    "sender tries again"
};


void
ngx_http_jamhook_render_endpoints(ngx_http_jamhook_writer_t *w,
    ngx_http_jamhook_op_endpoints_t *op, ngx_http_jamhook_main_conf_t *jmcf)
{
    ngx_uint_t                          i;
    ngx_http_jamhook_shown_endpoint_t  *shown;

    shown = op->endpoints.elts;

    ngx_http_jamhook_writer_open(w, '{');
    ngx_http_jamhook_writer_name(w, "data");
    ngx_http_jamhook_writer_open(w, '[');

    for (i = 0; i < op->endpoints.nelts; i++) {
        ngx_http_jamhook_render_endpoint(w, &shown[i], jmcf);
    }

    ngx_http_jamhook_writer_close(w, ']');
    ngx_http_jamhook_writer_name(w, "next");
    ngx_http_jamhook_writer_null(w);
    ngx_http_jamhook_writer_close(w, '}');
}


void
ngx_http_jamhook_render_endpoint(ngx_http_jamhook_writer_t *w,
    ngx_http_jamhook_shown_endpoint_t *shown,
    ngx_http_jamhook_main_conf_t *jmcf)
{
    ngx_uint_t                     paused;
    ngx_http_jamhook_endpoint_t  **eps, *ep;

    eps = jmcf->endpoints.elts;
    ep = (shown->index == NGX_HTTP_JAMHOOK_NO_ENDPOINT) ? NULL
                                                        : eps[shown->index];

    paused = (ep == NULL || shown->paused != NGX_HTTP_JAMHOOK_PAUSE_NONE);

    ngx_http_jamhook_writer_open(w, '{');
    ngx_http_jamhook_writer_name(w, "name");
    ngx_http_jamhook_writer_str(w, &shown->name);
    ngx_http_jamhook_writer_name(w, "state");
    ngx_http_jamhook_writer_text(w, paused ? "paused" : "active");
    ngx_http_jamhook_render_reason(w, shown->paused, ep == NULL);
    ngx_http_jamhook_writer_name(w, "paused_at");
    ngx_http_jamhook_writer_time(w, shown->paused_at);
    ngx_http_jamhook_writer_name(w, "failing_since");
    ngx_http_jamhook_writer_time(w, shown->failing_since);

    ngx_http_jamhook_render_conf(w, ep);

    ngx_http_jamhook_writer_name(w, "stats");
    ngx_http_jamhook_writer_open(w, '{');
    ngx_http_jamhook_writer_name(w, "succeeded");
    ngx_http_jamhook_writer_int(w, shown->succeeded);
    ngx_http_jamhook_writer_name(w, "failed");
    ngx_http_jamhook_writer_int(w, shown->failed);
    ngx_http_jamhook_writer_name(w, "pending");
    ngx_http_jamhook_writer_int(w, shown->pending);
    ngx_http_jamhook_writer_name(w, "sending");
    ngx_http_jamhook_writer_int(w, shown->sending);
    ngx_http_jamhook_writer_close(w, '}');

    ngx_http_jamhook_writer_name(w, "oldest_pending_at");
    ngx_http_jamhook_writer_time(w, shown->oldest_at);
    ngx_http_jamhook_writer_name(w, "last_attempt");

    if (shown->last) {
        ngx_http_jamhook_render_attempt(w, shown->last);

    } else {
        ngx_http_jamhook_writer_null(w);
    }

    ngx_http_jamhook_writer_close(w, '}');
}


void
ngx_http_jamhook_render_stats(ngx_http_jamhook_writer_t *w,
    ngx_http_jamhook_op_stats_t *op, ngx_str_t *window,
    ngx_http_jamhook_source_count_t **sources, ngx_uint_t n)
{
    ngx_http_jamhook_writer_open(w, '{');
    ngx_http_jamhook_writer_name(w, "window");
    ngx_http_jamhook_writer_str(w, window);
    ngx_http_jamhook_writer_name(w, "since");
    ngx_http_jamhook_writer_time(w, op->since);
    ngx_http_jamhook_writer_name(w, "until");
    ngx_http_jamhook_writer_time(w, op->since + op->width * (int64_t) op->n);
    ngx_http_jamhook_writer_name(w, "width");
    ngx_http_jamhook_writer_int(w, op->width / 1000);

    ngx_http_jamhook_render_totals(w, op);
    ngx_http_jamhook_render_shares(w, op);
    ngx_http_jamhook_render_received(w, sources, n);

    ngx_http_jamhook_writer_close(w, '}');
}


void
ngx_http_jamhook_render_status(ngx_http_jamhook_writer_t *w,
    ngx_http_jamhook_store_status_t *status,
    ngx_http_jamhook_main_conf_t *jmcf, ngx_str_t *conversation_url,
    ngx_http_jamhook_source_count_t **sources, ngx_uint_t n)
{
    int64_t                        now;
    ngx_uint_t                     i;
    ngx_http_jamhook_endpoint_t  **eps;

    now = ngx_http_jamhook_clock_now();

    ngx_http_jamhook_writer_open(w, '{');
    ngx_http_jamhook_writer_name(w, "version");
    ngx_http_jamhook_writer_text(w, NGX_HTTP_JAMHOOK_VERSION);
    ngx_http_jamhook_writer_name(w, "now");
    ngx_http_jamhook_writer_time(w, now);
    ngx_http_jamhook_writer_name(w, "worker_pid");
    ngx_http_jamhook_writer_int(w, ngx_pid);

    ngx_http_jamhook_render_store(w, status, now);

    ngx_http_jamhook_writer_name(w, "conversation_url");

    if (conversation_url->len) {
        ngx_http_jamhook_writer_str(w, conversation_url);

    } else {
        ngx_http_jamhook_writer_null(w);
    }

    eps = jmcf->endpoints.elts;

    ngx_http_jamhook_writer_name(w, "endpoints");
    ngx_http_jamhook_writer_open(w, '[');

    for (i = 0; i < jmcf->endpoints.nelts; i++) {
        ngx_http_jamhook_writer_open(w, '{');
        ngx_http_jamhook_writer_name(w, "name");
        ngx_http_jamhook_writer_str(w, &eps[i]->name);
        ngx_http_jamhook_writer_name(w, "connector");
        ngx_http_jamhook_writer_text(w,
                                   ngx_http_jamhook_render_connector(eps[i]));
        ngx_http_jamhook_writer_close(w, '}');
    }

    ngx_http_jamhook_writer_close(w, ']');

    ngx_http_jamhook_render_received(w, sources, n);

    ngx_http_jamhook_writer_close(w, '}');
}


static char *
ngx_http_jamhook_render_connector(ngx_http_jamhook_endpoint_t *ep)
{
    return (ep->jlcf->connector == NGX_HTTP_JAMHOOK_CONNECTOR_INTERCOM_FIN)
           ? "intercom_fin"
           : "none";
}


/* what nginx.conf says of it; ep is NULL where it does not */

static void
ngx_http_jamhook_render_conf(ngx_http_jamhook_writer_t *w,
    ngx_http_jamhook_endpoint_t *ep)
{
    ngx_str_t   *type;
    ngx_uint_t   i;

    ngx_http_jamhook_writer_name(w, "connector");
    ngx_http_jamhook_writer_text(w, ep ? ngx_http_jamhook_render_connector(ep)
                                       : NULL);
    ngx_http_jamhook_writer_name(w, "events");
    ngx_http_jamhook_writer_open(w, '[');

    if (ep) {
        type = ep->jlcf->events->elts;

        for (i = 0; i < ep->jlcf->events->nelts; i++) {
            ngx_http_jamhook_writer_str(w, &type[i]);
        }
    }

    ngx_http_jamhook_writer_close(w, ']');
    ngx_http_jamhook_writer_name(w, "url");

    if (ep && ep->url.len) {
        ngx_http_jamhook_writer_str(w, &ep->url);

    } else {
        ngx_http_jamhook_writer_null(w);
    }

    ngx_http_jamhook_writer_name(w, "keys");
    ngx_http_jamhook_writer_open(w, '[');

    if (ep && ep->jlcf->sign) {
        ngx_http_jamhook_render_keys(w, ep->jlcf->sign);
    }

    ngx_http_jamhook_writer_close(w, ']');
    ngx_http_jamhook_writer_name(w, "signed");
    ngx_http_jamhook_writer_bool(w, ep && ep->jlcf->sign);
}


static void
ngx_http_jamhook_render_keys(ngx_http_jamhook_writer_t *w,
    ngx_http_jamhook_keys_t *keys)
{
    ngx_str_t                fingerprint;
    ngx_uint_t               i;
    ngx_http_jamhook_key_t  *key;

    key = keys->keys.elts;

    for (i = 0; i < keys->keys.nelts; i++) {
        fingerprint.data = key[i].fingerprint;
        fingerprint.len = NGX_HTTP_JAMHOOK_FINGERPRINT_LEN;

        ngx_http_jamhook_writer_open(w, '{');
        ngx_http_jamhook_writer_name(w, "kind");
        ngx_http_jamhook_writer_text(w, ngx_http_jamhook_secret_kind(&key[i]));
        ngx_http_jamhook_writer_name(w, "fingerprint");
        ngx_http_jamhook_writer_str(w, &fingerprint);
        ngx_http_jamhook_writer_name(w, "file");
        ngx_http_jamhook_writer_str(w, &keys->file);
        ngx_http_jamhook_writer_close(w, '}');
    }
}


/* of all endpoints */

static void
ngx_http_jamhook_render_totals(ngx_http_jamhook_writer_t *w,
    ngx_http_jamhook_op_stats_t *op)
{
    int64_t                          slots[NGX_HTTP_JAMHOOK_SLOTS];
    ngx_uint_t                       i, j, k;
    ngx_http_jamhook_bucket_t        sum;
    ngx_http_jamhook_shown_stats_t  *shown;

    shown = op->endpoints.elts;

    ngx_memzero(&sum, sizeof(ngx_http_jamhook_bucket_t));
    ngx_memzero(slots, sizeof(slots));

    for (i = 0; i < op->endpoints.nelts; i++) {

        for (k = 0; k < 3; k++) {
            sum.results[k] += shown[i].total.results[k];
        }

        for (k = 0; k < NGX_HTTP_JAMHOOK_SLOTS; k++) {
            slots[k] += shown[i].slots[k];
        }
    }

    ngx_http_jamhook_writer_name(w, "totals");
    ngx_http_jamhook_writer_open(w, '{');
    ngx_http_jamhook_render_outcomes(w, &sum);
    ngx_http_jamhook_writer_close(w, '}');

    ngx_http_jamhook_render_latency(w, slots);

    ngx_http_jamhook_writer_name(w, "buckets");
    ngx_http_jamhook_writer_open(w, '[');

    for (j = 0; j < op->n; j++) {
        ngx_memzero(&sum, sizeof(ngx_http_jamhook_bucket_t));

        for (i = 0; i < op->endpoints.nelts; i++) {
            for (k = 0; k < 3; k++) {
                sum.results[k] += shown[i].buckets[j].results[k];
            }
        }

        ngx_http_jamhook_render_bucket(w, op->since + op->width * (int64_t) j,
                                       &sum);
    }

    ngx_http_jamhook_writer_close(w, ']');
}


/* of each */

static void
ngx_http_jamhook_render_shares(ngx_http_jamhook_writer_t *w,
    ngx_http_jamhook_op_stats_t *op)
{
    ngx_uint_t                       i, j;
    ngx_http_jamhook_shown_stats_t  *shown;

    shown = op->endpoints.elts;

    ngx_http_jamhook_writer_name(w, "endpoints");
    ngx_http_jamhook_writer_open(w, '[');

    for (i = 0; i < op->endpoints.nelts; i++) {
        ngx_http_jamhook_writer_open(w, '{');
        ngx_http_jamhook_writer_name(w, "name");
        ngx_http_jamhook_writer_str(w, &shown[i].name);

        ngx_http_jamhook_render_outcomes(w, &shown[i].total);
        ngx_http_jamhook_render_latency(w, shown[i].slots);

        ngx_http_jamhook_writer_name(w, "buckets");
        ngx_http_jamhook_writer_open(w, '[');

        for (j = 0; j < op->n; j++) {
            ngx_http_jamhook_render_bucket(w,
                                           op->since + op->width * (int64_t) j,
                                           &shown[i].buckets[j]);
        }

        ngx_http_jamhook_writer_close(w, ']');
        ngx_http_jamhook_writer_close(w, '}');
    }

    ngx_http_jamhook_writer_close(w, ']');
}


static void
ngx_http_jamhook_render_outcomes(ngx_http_jamhook_writer_t *w,
    ngx_http_jamhook_bucket_t *bucket)
{
    ngx_http_jamhook_writer_name(w, "succeeded");
    ngx_http_jamhook_writer_int(w,
                      bucket->results[NGX_HTTP_JAMHOOK_RESULT_SUCCEEDED]);
    ngx_http_jamhook_writer_name(w, "failed");
    ngx_http_jamhook_writer_int(w,
                      bucket->results[NGX_HTTP_JAMHOOK_RESULT_FAILED]);
    ngx_http_jamhook_writer_name(w, "interrupted");
    ngx_http_jamhook_writer_int(w,
                      bucket->results[NGX_HTTP_JAMHOOK_RESULT_INTERRUPTED]);
}


static void
ngx_http_jamhook_render_bucket(ngx_http_jamhook_writer_t *w, int64_t at,
    ngx_http_jamhook_bucket_t *bucket)
{
    ngx_http_jamhook_writer_open(w, '{');
    ngx_http_jamhook_writer_name(w, "at");
    ngx_http_jamhook_writer_time(w, at);
    ngx_http_jamhook_writer_name(w, "succeeded");
    ngx_http_jamhook_writer_int(w,
                      bucket->results[NGX_HTTP_JAMHOOK_RESULT_SUCCEEDED]);
    ngx_http_jamhook_writer_name(w, "failed");
    ngx_http_jamhook_writer_int(w,
                      bucket->results[NGX_HTTP_JAMHOOK_RESULT_FAILED]);
    ngx_http_jamhook_writer_close(w, '}');
}


static void
ngx_http_jamhook_render_latency(ngx_http_jamhook_writer_t *w, int64_t *slots)
{
    int64_t     n;
    ngx_uint_t  i;

    static struct {
        char     *name;
        int64_t   percent;
    } quantiles[] = {
        { "p50", 50 },
        { "p95", 95 },
        { "p99", 99 },
        { NULL, 0 }
    };

    n = 0;

    for (i = 0; i < NGX_HTTP_JAMHOOK_SLOTS; i++) {
        n += slots[i];
    }

    ngx_http_jamhook_writer_name(w, "latency");
    ngx_http_jamhook_writer_open(w, '{');

    for (i = 0; quantiles[i].name; i++) {
        ngx_http_jamhook_writer_name(w, quantiles[i].name);

        if (n == 0) {
            ngx_http_jamhook_writer_null(w);
            continue;
        }

        /* the nearest rank: the least one that so many are not above */

        ngx_http_jamhook_writer_int(w,
            ngx_http_jamhook_render_quantile(slots,
                                 (n * quantiles[i].percent + 99) / 100));
    }

    ngx_http_jamhook_writer_close(w, '}');
}


/*
 * The duration of the rank-th attempt (from 1), as if those of its slot were
 * spread evenly over it.  The last slot is open: its smallest.
 */

static int64_t
ngx_http_jamhook_render_quantile(int64_t *slots, int64_t rank)
{
    int64_t     low, high;
    ngx_uint_t  i;

    for (i = 0; i < NGX_HTTP_JAMHOOK_SLOTS - 1; i++) {

        if (rank <= slots[i]) {
            low = ngx_http_jamhook_backend_slot_ms(i);
            high = ngx_http_jamhook_backend_slot_ms(i + 1);

            return low + (high - low) * (2 * rank - 1) / (2 * slots[i]);
        }

        rank -= slots[i];
    }

    return ngx_http_jamhook_backend_slot_ms(i);
}


static void
ngx_http_jamhook_render_store(ngx_http_jamhook_writer_t *w,
    ngx_http_jamhook_store_status_t *status, int64_t now)
{
    ngx_uint_t  trouble;

    trouble = (status->state == NGX_HTTP_JAMHOOK_STORE_TROUBLE);

    ngx_http_jamhook_writer_name(w, "store");
    ngx_http_jamhook_writer_open(w, '{');
    ngx_http_jamhook_writer_name(w, "state");
    ngx_http_jamhook_writer_text(w,
                         ngx_http_jamhook_render_store_states[status->state]);
    ngx_http_jamhook_writer_name(w, "detail");
    ngx_http_jamhook_writer_text(w, trouble ? status->text : NULL);
    ngx_http_jamhook_writer_name(w, "advice");
    ngx_http_jamhook_writer_text(w, trouble ? status->advice : NULL);
    ngx_http_jamhook_writer_name(w, "since");
    ngx_http_jamhook_writer_time(w, trouble ? now - (int64_t) status->ms : 0);
    ngx_http_jamhook_writer_name(w, "queue");
    ngx_http_jamhook_writer_int(w, status->queue);
    ngx_http_jamhook_writer_close(w, '}');
}


static void
ngx_http_jamhook_render_received(ngx_http_jamhook_writer_t *w,
    ngx_http_jamhook_source_count_t **sources, ngx_uint_t n)
{
    ngx_uint_t  i;

    ngx_http_jamhook_writer_name(w, "received");
    ngx_http_jamhook_writer_open(w, '[');

    for (i = 0; i < n; i++) {
        ngx_http_jamhook_render_source(w, sources[i]);
    }

    ngx_http_jamhook_writer_close(w, ']');
}


static void
ngx_http_jamhook_render_source(ngx_http_jamhook_writer_t *w,
    ngx_http_jamhook_source_count_t *source)
{
    int64_t     n;
    ngx_str_t   name;
    ngx_uint_t  i;

    name.data = source->name;
    name.len = source->len;

    ngx_http_jamhook_writer_open(w, '{');
    ngx_http_jamhook_writer_name(w, "source");
    ngx_http_jamhook_writer_str(w, &name);

    ngx_http_jamhook_writer_name(w, "result");
    ngx_http_jamhook_writer_open(w, '{');

    for (i = 0; i < NGX_HTTP_JAMHOOK_COUNT_RESULTS; i++) {
        ngx_http_jamhook_writer_key(w, ngx_http_jamhook_counts_result(i));
        ngx_http_jamhook_writer_int(w, source->results[i]);
    }

    ngx_http_jamhook_writer_close(w, '}');

    ngx_http_jamhook_writer_name(w, "code");
    ngx_http_jamhook_writer_open(w, '{');

    for (i = 0; i < NGX_HTTP_JAMHOOK_CODES; i++) {
        n = source->codes[i];

        if (i == NGX_HTTP_JAMHOOK_DELIVERY_TIMED_OUT) {

            /* of the same code as the one before it */

            continue;
        }

        if (i == NGX_HTTP_JAMHOOK_DELIVERY_FAILED) {
            n += source->codes[NGX_HTTP_JAMHOOK_DELIVERY_TIMED_OUT];
        }

        ngx_http_jamhook_writer_key(w, ngx_http_jamhook_reply_code(i));
        ngx_http_jamhook_writer_int(w, n);
    }

    ngx_http_jamhook_writer_close(w, '}');

    ngx_http_jamhook_writer_name(w, "last_at");
    ngx_http_jamhook_writer_time(w, (int64_t) source->last_at * 1000);

    ngx_http_jamhook_render_refused(w, source);

    ngx_http_jamhook_writer_close(w, '}');
}


static void
ngx_http_jamhook_render_refused(ngx_http_jamhook_writer_t *w,
    ngx_http_jamhook_source_count_t *source)
{
    ngx_uint_t  code;

    ngx_http_jamhook_writer_name(w, "last_refused");

    code = source->refused_code;

    if (source->refused_at == 0 || code >= NGX_HTTP_JAMHOOK_CODES) {
        ngx_http_jamhook_writer_null(w);
        return;
    }

    ngx_http_jamhook_writer_open(w, '{');
    ngx_http_jamhook_writer_name(w, "at");
    ngx_http_jamhook_writer_time(w, (int64_t) source->refused_at * 1000);
    ngx_http_jamhook_writer_name(w, "code");
    ngx_http_jamhook_writer_str(w, ngx_http_jamhook_reply_code(code));
    ngx_http_jamhook_writer_name(w, "detail");
    ngx_http_jamhook_writer_text(w, ngx_http_jamhook_render_refusals[code]);
    ngx_http_jamhook_writer_close(w, '}');
}
