
#include "ngx_http_jamhook_counts.h"


const ngx_http_jamhook_bound_t  ngx_http_jamhook_counts_bounds[] = {
    { 1000, "0.001" },
    { 2500, "0.0025" },
    { 5000, "0.005" },
    { 10000, "0.01" },
    { 25000, "0.025" },
    { 50000, "0.05" },
    { 100000, "0.1" },
    { 250000, "0.25" },
    { 500000, "0.5" },
    { 1000000, "1" },
    { 2500000, "2.5" },
    { 5000000, "5" },
    { 10000000, "10" },
    { 30000000, "30" }
};


/* in the order of ngx_http_jamhook_count_result_e */

static ngx_str_t  ngx_http_jamhook_counts_results[] = {
    ngx_string("stored"),
    ngx_string("delivered"),
    ngx_string("duplicate"),
    ngx_string("ignored")
};

/* in the order of ngx_http_jamhook_count_outcome_e */

static ngx_str_t  ngx_http_jamhook_counts_outcomes[] = {
    ngx_string("succeeded"),
    ngx_string("status_3xx"),
    ngx_string("status_4xx"),
    ngx_string("status_5xx"),
    ngx_string("connect"),
    ngx_string("resolve"),
    ngx_string("timeout"),
    ngx_string("invalid"),
    ngx_string("misconfigured"),
    ngx_string("answered_by_nginx"),
    ngx_string("interrupted")
};


void
ngx_http_jamhook_counts_duration(ngx_http_jamhook_histogram_t *h, int64_t us)
{
    ngx_uint_t  i;

    us = ngx_max(us, 0);

    for (i = 0; i < NGX_HTTP_JAMHOOK_COUNTS_BOUNDS; i++) {

        if (us <= ngx_http_jamhook_counts_bounds[i].us) {
            break;
        }
    }

    (void) ngx_atomic_fetch_add(&h->n[i], 1);
    (void) ngx_atomic_fetch_add(&h->sum, (ngx_atomic_int_t) us);
}


ngx_str_t *
ngx_http_jamhook_counts_result(ngx_http_jamhook_count_result_e result)
{
    return &ngx_http_jamhook_counts_results[result];
}


ngx_str_t *
ngx_http_jamhook_counts_outcome(ngx_http_jamhook_count_outcome_e outcome)
{
    return &ngx_http_jamhook_counts_outcomes[outcome];
}
