
#include "ngx_http_jamhook_ladder.h"
#include "ngx_http_jamhook_backoff.h"


static void ngx_http_jamhook_ladder_response(ngx_http_jamhook_policy_t *policy,
    ngx_http_jamhook_rung_t *rung, ngx_http_jamhook_next_t *next);
static void ngx_http_jamhook_ladder_step(ngx_http_jamhook_policy_t *policy,
    ngx_http_jamhook_rung_t *rung, uint64_t wait,
    ngx_http_jamhook_next_t *next);
static uint64_t ngx_http_jamhook_ladder_patience(
    ngx_http_jamhook_policy_t *policy);
static uint64_t ngx_http_jamhook_ladder_delay(
    ngx_http_jamhook_policy_t *policy, ngx_uint_t step);
static uint64_t ngx_http_jamhook_ladder_random(uint32_t random, uint64_t n);


void
ngx_http_jamhook_ladder_next(ngx_http_jamhook_policy_t *policy,
    ngx_http_jamhook_rung_t *rung, ngx_http_jamhook_next_t *next)
{
    ngx_memzero(next, sizeof(ngx_http_jamhook_next_t));

    next->step = rung->step;

    switch (rung->was) {

    case NGX_HTTP_JAMHOOK_WAS_RESPONSE:
        ngx_http_jamhook_ladder_response(policy, rung, next);
        return;

    case NGX_HTTP_JAMHOOK_WAS_TIMEOUT:
        next->counts = 1;
        ngx_http_jamhook_ladder_step(policy, rung,
                                     ngx_http_jamhook_ladder_patience(policy),
                                     next);
        return;

    case NGX_HTTP_JAMHOOK_WAS_INTERRUPTED:

        if (rung->interrupted < NGX_HTTP_JAMHOOK_LADDER_INTERRUPTED - 1) {
            next->state = NGX_HTTP_JAMHOOK_NEXT_RETRY;
            next->interrupted = rung->interrupted + 1;
            return;
        }

        next->interrupted = NGX_HTTP_JAMHOOK_LADDER_INTERRUPTED;
        ngx_http_jamhook_ladder_step(policy, rung, 0, next);
        return;

    default: /* NGX_HTTP_JAMHOOK_WAS_ERROR */
        next->counts = 1;
        ngx_http_jamhook_ladder_step(policy, rung, 0, next);
    }
}


int64_t
ngx_http_jamhook_ladder_longest(ngx_http_jamhook_policy_t *policy)
{
    uint64_t    delay, longest;
    ngx_uint_t  i;

    longest = (uint64_t) NGX_HTTP_JAMHOOK_BACKOFF_MAX * 1000;
    longest += longest / 10;

    for (i = 0; i < policy->ndelays; i++) {
        delay = ngx_http_jamhook_ladder_delay(policy, i);
        delay += delay / 5;

        longest = ngx_max(longest, delay);
    }

    return (int64_t) longest;
}


static void
ngx_http_jamhook_ladder_response(ngx_http_jamhook_policy_t *policy,
    ngx_http_jamhook_rung_t *rung, ngx_http_jamhook_next_t *next)
{
    uint64_t    wait, asked;
    ngx_uint_t  i;

    if (rung->status >= 200 && rung->status < 300) {
        next->state = NGX_HTTP_JAMHOOK_NEXT_SUCCEEDED;
        return;
    }

    wait = 0;

    if (rung->status == 429) {
        wait = ngx_http_jamhook_ladder_patience(policy);
    }

    if ((rung->status == 429 || rung->status == 503)
        && rung->retry_after >= 0)
    {
        asked = (uint64_t) ngx_min(rung->retry_after,
                                   NGX_HTTP_JAMHOOK_BACKOFF_MAX)
                * 1000;

        wait = asked + ngx_http_jamhook_ladder_random(rung->random, asked / 10);

        next->hold = ngx_min(asked, NGX_HTTP_JAMHOOK_LADDER_HOLD);
    }

    for (i = 0; i < policy->nfinal; i++) {

        if (policy->final[i] == rung->status) {
            next->state = NGX_HTTP_JAMHOOK_NEXT_FAILED;
            return;
        }
    }

    if (rung->status == 410) {
        next->state = NGX_HTTP_JAMHOOK_NEXT_FAILED;
        next->counts = !policy->fin;
        next->gone = !policy->fin;
        return;
    }

    next->counts = 1;
    ngx_http_jamhook_ladder_step(policy, rung, wait, next);
}


/* the next delay of the ladder, or wait where that is longer */

static void
ngx_http_jamhook_ladder_step(ngx_http_jamhook_policy_t *policy,
    ngx_http_jamhook_rung_t *rung, uint64_t wait,
    ngx_http_jamhook_next_t *next)
{
    uint64_t  delay, fifth;

    if (rung->step >= policy->ndelays) {
        next->state = NGX_HTTP_JAMHOOK_NEXT_FAILED;
        next->interrupted = 0;
        return;
    }

    delay = ngx_http_jamhook_ladder_delay(policy, rung->step);

    fifth = delay / 5;
    delay = delay - fifth
            + ngx_http_jamhook_ladder_random(rung->random, 2 * fifth);

    next->state = NGX_HTTP_JAMHOOK_NEXT_RETRY;
    next->delay = (ngx_msec_t) ngx_max(delay, wait);
    next->step = rung->step + 1;
}


/* for who did not say how long */

static uint64_t
ngx_http_jamhook_ladder_patience(ngx_http_jamhook_policy_t *policy)
{
    uint64_t    delay, longest;
    ngx_uint_t  i;

    longest = 0;

    for (i = 0; i < policy->ndelays; i++) {
        delay = ngx_http_jamhook_ladder_delay(policy, i);
        longest = ngx_max(longest, delay);
    }

    return ngx_min(longest, NGX_HTTP_JAMHOOK_LADDER_PATIENCE);
}


static uint64_t
ngx_http_jamhook_ladder_delay(ngx_http_jamhook_policy_t *policy,
    ngx_uint_t step)
{
    return ngx_min(policy->delays[step], NGX_HTTP_JAMHOOK_LADDER_DELAY);
}


/* 0..n, made of 32 random bits; n is below 2^32 */

static uint64_t
ngx_http_jamhook_ladder_random(uint32_t random, uint64_t n)
{
    return (n + 1) * random >> 32;
}
