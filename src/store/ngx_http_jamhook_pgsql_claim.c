
#include "ngx_http_jamhook_pgsql.h"


#define NGX_HTTP_JAMHOOK_PGSQL_SOON      100         /* ms, while others claim
                                                        what is due */

#define NGX_HTTP_JAMHOOK_PGSQL_STRINGS   9           /* of a claim, in the
                                                        order of columns */


/* columns of CLAIM: how the endpoint stands, and what was claimed */

enum {
    NGX_HTTP_JAMHOOK_PGSQL_CLAIM_PAUSED = 0,
    NGX_HTTP_JAMHOOK_PGSQL_CLAIM_PROBE_IN,       /* ms from now */
    NGX_HTTP_JAMHOOK_PGSQL_CLAIM_DUE,            /* how many, or more */
    NGX_HTTP_JAMHOOK_PGSQL_CLAIM_BACKLOG,        /* are some of them? */
    NGX_HTTP_JAMHOOK_PGSQL_CLAIM_PICKED,         /* how many are not in the
                                                    hands of others */
    NGX_HTTP_JAMHOOK_PGSQL_CLAIM_NEXT_IN,        /* ms; NULL: none */
    NGX_HTTP_JAMHOOK_PGSQL_CLAIM_EVENT,          /* NULL: nothing was */
    NGX_HTTP_JAMHOOK_PGSQL_CLAIM_ALIVE,
    NGX_HTTP_JAMHOOK_PGSQL_CLAIM_ATTEMPTS,
    NGX_HTTP_JAMHOOK_PGSQL_CLAIM_REPLAY,
    NGX_HTTP_JAMHOOK_PGSQL_CLAIM_STEP,
    NGX_HTTP_JAMHOOK_PGSQL_CLAIM_INTERRUPTED,
    NGX_HTTP_JAMHOOK_PGSQL_CLAIM_TRIGGER,
    NGX_HTTP_JAMHOOK_PGSQL_CLAIM_STRINGS
};


/* A want, from its statement on to the answer. */
typedef struct {
    ngx_http_jamhook_want_t             *want;
    ngx_uint_t                           n;      /* how many are asked for */
    ngx_http_jamhook_pgsql_endpoint_t   *ep;
    ngx_http_jamhook_op_claim_t         *op;
} ngx_http_jamhook_pgsql_want_t;


static ngx_int_t ngx_http_jamhook_pgsql_claim_far(ngx_http_jamhook_pgsql_t *s,
    ngx_http_jamhook_op_claim_t *op);
static ngx_int_t ngx_http_jamhook_pgsql_claim_want(
    ngx_http_jamhook_pgsql_t *s, ngx_http_jamhook_op_claim_t *op,
    ngx_http_jamhook_want_t *want);
static ngx_int_t ngx_http_jamhook_pgsql_claim_claimed(
    ngx_http_jamhook_pgsql_t *s, PGresult *res, void *data);
static ngx_int_t ngx_http_jamhook_pgsql_claim_take(
    ngx_http_jamhook_pgsql_t *s, ngx_http_jamhook_pgsql_want_t *w,
    PGresult *res, ngx_uint_t *dropped);
static void ngx_http_jamhook_pgsql_claim_share(
    ngx_http_jamhook_pgsql_want_t *w, PGresult *res);
static void ngx_http_jamhook_pgsql_claim_left(ngx_http_jamhook_pgsql_t *s,
    ngx_http_jamhook_pgsql_want_t *w, PGresult *res, ngx_uint_t dropped);
static void ngx_http_jamhook_pgsql_claim_probed(ngx_http_jamhook_pgsql_t *s,
    ngx_http_jamhook_pgsql_want_t *w, PGresult *res);
static ngx_http_jamhook_claim_t *ngx_http_jamhook_pgsql_claim_copy(
    PGresult *res, int row, ngx_log_t *log);


ngx_int_t
ngx_http_jamhook_pgsql_op_claim(ngx_http_jamhook_pgsql_t *s,
    ngx_http_jamhook_op_t *o)
{
    ngx_uint_t                    i;
    ngx_http_jamhook_op_claim_t  *op = (ngx_http_jamhook_op_claim_t *) o;

    if (ngx_http_jamhook_pgsql_claim_far(s, op) != NGX_OK) {
        return NGX_ERROR;
    }

    for (i = 0; i < op->nwants; i++) {
        if (ngx_http_jamhook_pgsql_claim_want(s, op, &op->wants[i])
            != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_jamhook_pgsql_claim_far(ngx_http_jamhook_pgsql_t *s,
    ngx_http_jamhook_op_claim_t *op)
{
    ngx_uint_t                       i;
    ngx_http_jamhook_pgsql_array_t   endpoint;
    ngx_http_jamhook_pgsql_query_t   q;

    ngx_memzero(&endpoint, sizeof(ngx_http_jamhook_pgsql_array_t));

    ngx_http_jamhook_pgsql_query(&q, s, NGX_HTTP_JAMHOOK_PGSQL_CLAIM_FAR);

    for (i = 0; i < op->nwants; i++) {
        ngx_http_jamhook_pgsql_array_int(&q, &endpoint,
                                     s->endpoints[op->wants[i].endpoint].id);
    }

    ngx_http_jamhook_pgsql_time(&q);
    ngx_http_jamhook_pgsql_ints(&q, &endpoint);
    ngx_http_jamhook_pgsql_int(&q, op->longest);
    ngx_http_jamhook_pgsql_int(&q, NGX_HTTP_JAMHOOK_STORE_ROWS);

    return ngx_http_jamhook_pgsql_send(&q, NULL, NULL);
}


static ngx_int_t
ngx_http_jamhook_pgsql_claim_want(ngx_http_jamhook_pgsql_t *s,
    ngx_http_jamhook_op_claim_t *op, ngx_http_jamhook_want_t *want)
{
    ngx_http_jamhook_pgsql_want_t   *w;
    ngx_http_jamhook_pgsql_query_t   q;

    want->claimed = 0;
    want->more = 0;
    want->next_at = 0;

    w = ngx_palloc(s->scratch, sizeof(ngx_http_jamhook_pgsql_want_t));

    if (w == NULL) {
        return ngx_http_jamhook_pgsql_fail_memory(s);
    }

    w->want = want;
    w->n = ngx_min(want->n, NGX_HTTP_JAMHOOK_STORE_ROWS);
    w->ep = &s->endpoints[want->endpoint];
    w->op = op;

    ngx_http_jamhook_pgsql_query(&q, s, NGX_HTTP_JAMHOOK_PGSQL_CLAIM);
    ngx_http_jamhook_pgsql_time(&q);
    ngx_http_jamhook_pgsql_int(&q, w->ep->id);
    ngx_http_jamhook_pgsql_int(&q, w->n);

    /* a quarter for BACKLOG; what is less than one adds up over the claims */

    ngx_http_jamhook_pgsql_int(&q, (w->ep->share + w->n) / 4);

    ngx_http_jamhook_pgsql_text(&q, &s->owner);
    ngx_http_jamhook_pgsql_int(&q, want->lease);

    /* so many bytes for all of them */

    ngx_http_jamhook_pgsql_int(&q,
                               NGX_HTTP_JAMHOOK_STORE_CLAIMED / op->nwants);
    ngx_http_jamhook_pgsql_int(&q, NGX_HTTP_JAMHOOK_STORE_PROBE);

    return ngx_http_jamhook_pgsql_send(&q,
                                       ngx_http_jamhook_pgsql_claim_claimed,
                                       w);
}


static ngx_int_t
ngx_http_jamhook_pgsql_claim_claimed(ngx_http_jamhook_pgsql_t *s,
    PGresult *res, void *data)
{
    ngx_http_jamhook_pgsql_want_t *w = data;

    ngx_uint_t  dropped;

    if (PQntuples(res) == 0) {

        return ngx_http_jamhook_pgsql_fail_text(s,
                                              NGX_HTTP_JAMHOOK_STORE_CORRUPT,
                                              "the row of an endpoint is gone");
    }

    if (ngx_http_jamhook_pgsql_claim_take(s, w, res, &dropped) != NGX_OK) {
        return NGX_ERROR;
    }

    switch (ngx_http_jamhook_pgsql_column(res, 0,
                                        NGX_HTTP_JAMHOOK_PGSQL_CLAIM_PAUSED))
    {
    case NGX_HTTP_JAMHOOK_PAUSE_NONE:
        ngx_http_jamhook_pgsql_claim_share(w, res);
        ngx_http_jamhook_pgsql_claim_left(s, w, res, dropped);
        break;

    case NGX_HTTP_JAMHOOK_PAUSE_FAILING:

        if (dropped) {
            w->want->more = 1;
            break;
        }

        ngx_http_jamhook_pgsql_claim_probed(s, w, res);
        break;

    default: /* waits for a resume */
        break;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_jamhook_pgsql_claim_take(ngx_http_jamhook_pgsql_t *s,
    ngx_http_jamhook_pgsql_want_t *w, PGresult *res, ngx_uint_t *dropped)
{
    int                         row;
    ngx_http_jamhook_claim_t   *claim, **last;

    *dropped = 0;

    for (last = &w->op->claims; *last != NULL; last = &(*last)->next) {
        /* void */
    }

    for (row = 0; row < PQntuples(res); row++) {

        if (PQgetisnull(res, row, NGX_HTTP_JAMHOOK_PGSQL_CLAIM_EVENT)) {
            break;
        }

        if (!ngx_http_jamhook_pgsql_column(res, row,
                                         NGX_HTTP_JAMHOOK_PGSQL_CLAIM_ALIVE))
        {
            (*dropped)++;
            continue;
        }

        claim = ngx_http_jamhook_pgsql_claim_copy(res, row, w->op->log);

        if (claim == NULL) {
            return ngx_http_jamhook_pgsql_fail_memory(s);
        }

        /* from here on it is freed with the op's */

        *last = claim;
        last = &claim->next;

        claim->endpoint = w->want->endpoint;
        claim->lease_until = s->clock->mono + (int64_t) w->want->lease;

        w->want->claimed++;
    }

    return NGX_OK;
}


static void
ngx_http_jamhook_pgsql_claim_share(ngx_http_jamhook_pgsql_want_t *w,
    PGresult *res)
{
    if (!ngx_http_jamhook_pgsql_column(res, 0,
                                       NGX_HTTP_JAMHOOK_PGSQL_CLAIM_BACKLOG))
    {
        w->ep->share = 0;
        return;
    }

    w->ep->share = (w->ep->share + w->n) % 4;
}


/*
 * What was due and is not ours: it did not fit in, or others have it in hand
 * and will soon be done.
 */

static void
ngx_http_jamhook_pgsql_claim_left(ngx_http_jamhook_pgsql_t *s,
    ngx_http_jamhook_pgsql_want_t *w, PGresult *res, ngx_uint_t dropped)
{
    int64_t                   due, picked;
    ngx_http_jamhook_want_t  *want;

    want = w->want;

    due = ngx_http_jamhook_pgsql_column(res, 0,
                                        NGX_HTTP_JAMHOOK_PGSQL_CLAIM_DUE);
    picked = ngx_http_jamhook_pgsql_column(res, 0,
                                         NGX_HTTP_JAMHOOK_PGSQL_CLAIM_PICKED);

    if (dropped || (int64_t) want->claimed < picked) {
        want->more = 1;
        return;
    }

    if (due > picked) {

        if (picked == (int64_t) w->n) {
            want->more = 1;
            return;
        }

        want->next_at = s->clock->now + NGX_HTTP_JAMHOOK_PGSQL_SOON;
        return;
    }

    if (!PQgetisnull(res, 0, NGX_HTTP_JAMHOOK_PGSQL_CLAIM_NEXT_IN)) {
        want->next_at = s->clock->now
                        + ngx_http_jamhook_pgsql_column(res, 0,
                                        NGX_HTTP_JAMHOOK_PGSQL_CLAIM_NEXT_IN);
    }
}


/* Paused because it fails: the rest is not before the next one's turn. */

static void
ngx_http_jamhook_pgsql_claim_probed(ngx_http_jamhook_pgsql_t *s,
    ngx_http_jamhook_pgsql_want_t *w, PGresult *res)
{
    int64_t                   due, at, next;
    ngx_http_jamhook_want_t  *want;

    want = w->want;

    due = ngx_http_jamhook_pgsql_column(res, 0,
                                        NGX_HTTP_JAMHOOK_PGSQL_CLAIM_DUE)
          - (int64_t) want->claimed;

    at = want->claimed ? NGX_HTTP_JAMHOOK_STORE_PROBE
                       : ngx_http_jamhook_pgsql_column(res, 0,
                                       NGX_HTTP_JAMHOOK_PGSQL_CLAIM_PROBE_IN);

    if (due > 0) {

        /* it is time, and yet there was none: others are at it */

        next = NGX_HTTP_JAMHOOK_PGSQL_SOON;

    } else if (!PQgetisnull(res, 0, NGX_HTTP_JAMHOOK_PGSQL_CLAIM_NEXT_IN)) {
        next = ngx_http_jamhook_pgsql_column(res, 0,
                                        NGX_HTTP_JAMHOOK_PGSQL_CLAIM_NEXT_IN);

    } else {
        return;
    }

    want->next_at = s->clock->now + ngx_max(next, at);
}


static ngx_http_jamhook_claim_t *
ngx_http_jamhook_pgsql_claim_copy(PGresult *res, int row, ngx_log_t *log)
{
    size_t                     len;
    u_char                    *p;
    ngx_str_t                 *strings[NGX_HTTP_JAMHOOK_PGSQL_STRINGS];
    ngx_str_t                  values[NGX_HTTP_JAMHOOK_PGSQL_STRINGS];
    ngx_uint_t                 i;
    ngx_http_jamhook_claim_t  *claim;

    len = 0;

    for (i = 0; i < NGX_HTTP_JAMHOOK_PGSQL_STRINGS; i++) {
        ngx_http_jamhook_pgsql_string(res, row,
                                    NGX_HTTP_JAMHOOK_PGSQL_CLAIM_STRINGS + i,
                                      &values[i]);
        len += values[i].len;
    }

    claim = ngx_http_jamhook_backend_claim(len, log);
    if (claim == NULL) {
        return NULL;
    }

    claim->event = ngx_http_jamhook_pgsql_column(res, row,
                                         NGX_HTTP_JAMHOOK_PGSQL_CLAIM_EVENT);
    claim->number = ngx_http_jamhook_pgsql_column(res, row,
                                      NGX_HTTP_JAMHOOK_PGSQL_CLAIM_ATTEMPTS);
    claim->replay = ngx_http_jamhook_pgsql_column(res, row,
                                        NGX_HTTP_JAMHOOK_PGSQL_CLAIM_REPLAY);
    claim->step = ngx_http_jamhook_pgsql_column(res, row,
                                          NGX_HTTP_JAMHOOK_PGSQL_CLAIM_STEP);
    claim->interrupted = ngx_http_jamhook_pgsql_column(res, row,
                                   NGX_HTTP_JAMHOOK_PGSQL_CLAIM_INTERRUPTED);
    claim->trigger = ngx_http_jamhook_pgsql_column(res, row,
                                       NGX_HTTP_JAMHOOK_PGSQL_CLAIM_TRIGGER);

    strings[0] = &claim->id;
    strings[1] = &claim->event_id;
    strings[2] = &claim->type;
    strings[3] = &claim->created_at;
    strings[4] = &claim->conversation_id;
    strings[5] = &claim->jam_id;
    strings[6] = &claim->recording_url;
    strings[7] = &claim->key;
    strings[8] = &claim->body;

    p = (u_char *) (claim + 1);

    for (i = 0; i < NGX_HTTP_JAMHOOK_PGSQL_STRINGS; i++) {

        if (values[i].data == NULL) {
            continue;
        }

        strings[i]->len = values[i].len;
        strings[i]->data = p;

        p = ngx_cpymem(p, values[i].data, values[i].len);
    }

    return claim;
}
