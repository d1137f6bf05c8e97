
/*
 * Ladder: what follows an attempt.  Pure; DESIGN.md's table "An attempt's
 * outcome" in code.
 */


#ifndef _NGX_HTTP_JAMHOOK_LADDER_H_INCLUDED_
#define _NGX_HTTP_JAMHOOK_LADDER_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


#define NGX_HTTP_JAMHOOK_LADDER_DELAY        2073600000      /* ms, 24 d: the
                                                        longest delay */
#define NGX_HTTP_JAMHOOK_LADDER_PATIENCE     60000   /* ms: after a 429 or a
                                                        timeout */
#define NGX_HTTP_JAMHOOK_LADDER_HOLD         60000   /* ms: an endpoint is held
                                                        no longer at a time */
#define NGX_HTTP_JAMHOOK_LADDER_INTERRUPTED  3       /* in a row count */


/* An endpoint's policy, read-only. */
typedef struct {
    ngx_msec_t       *delays;            /* jamhook_retry, ms */
    ngx_uint_t        ndelays;           /* 0: off */
    ngx_uint_t       *final;             /* jamhook_final, statuses */
    ngx_uint_t        nfinal;
    unsigned          fin:1;             /* connector intercom_fin */
} ngx_http_jamhook_policy_t;

typedef enum {
    NGX_HTTP_JAMHOOK_WAS_RESPONSE = 0,   /* the target answered: "status" */
    NGX_HTTP_JAMHOOK_WAS_TIMEOUT,
    NGX_HTTP_JAMHOOK_WAS_ERROR,          /* anything else that is a failure */
    NGX_HTTP_JAMHOOK_WAS_INTERRUPTED
} ngx_http_jamhook_was_e;

/* Where a delivery stood, and what came of its attempt. */
typedef struct {
    ngx_uint_t              step;        /* delays of the ladder used up */
    ngx_uint_t              interrupted; /* attempts in a row before this one */
    ngx_http_jamhook_was_e  was;
    ngx_uint_t              status;      /* RESPONSE */
    ngx_int_t               retry_after; /* s; NGX_DECLINED: none */
    uint32_t                random;      /* any 32 bits, for the jitter */
} ngx_http_jamhook_rung_t;

typedef enum {
    NGX_HTTP_JAMHOOK_NEXT_SUCCEEDED = 0,
    NGX_HTTP_JAMHOOK_NEXT_FAILED,
    NGX_HTTP_JAMHOOK_NEXT_RETRY
} ngx_http_jamhook_next_e;

typedef struct {
    ngx_http_jamhook_next_e  state;
    ngx_msec_t               delay;      /* RETRY: ms from now */
    ngx_uint_t               step;
    ngx_uint_t               interrupted;
    ngx_msec_t               hold;       /* ms that the endpoint is held */
    unsigned                 counts:1;   /* a failure, for disable_after */
    unsigned                 gone:1;     /* pause the endpoint */
} ngx_http_jamhook_next_t;


/*
 * Says what is next.
 *
 * 2xx: SUCCEEDED.  A final status, 410, no delay left: FAILED.  Else RETRY
 * after the ladder's delay +-20 %; with retry_after (429, 503) no earlier than
 * that plus up to 10 %, with 429 and a timeout no earlier than 60 s or the
 * ladder's longest delay where that is shorter (retry_after, where there is
 * one, takes the place of the 60 s).  Interrupted: at once and without a step,
 * from the third in a row on as a failure of the ladder.
 * counts: all failures but a final status, a Fin endpoint's 410 and
 * interruptions.  gone: 410 of an endpoint that is not Fin.  hold: retry_after,
 * at most 60 s, also where the delivery itself is FAILED.
 */
void ngx_http_jamhook_ladder_next(ngx_http_jamhook_policy_t *policy,
    ngx_http_jamhook_rung_t *rung, ngx_http_jamhook_next_t *next);

/*
 * The longest time, in ms, that a delivery under this policy can have to wait
 * for its next try, jitter and the 10 h of Retry-After included.
 */
int64_t ngx_http_jamhook_ladder_longest(ngx_http_jamhook_policy_t *policy);


#endif /* _NGX_HTTP_JAMHOOK_LADDER_H_INCLUDED_ */
