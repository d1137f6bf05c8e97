
/*
 * API: the portal's calls.  api finds the call, reads its parameters and body,
 * and waits for what answers it; api_read has those that only look, api_act
 * those that change something.
 *
 * A call lives in a pool of its own, for an op of the store outlives a client
 * that leaves.  The request holds one reference to it, in a cleanup of its
 * pool, so that what is sent lives until it was sent; what is under way holds
 * the other.  Event loop only, but for an op's digest.
 */


#ifndef _NGX_HTTP_JAMHOOK_API_H_INCLUDED_
#define _NGX_HTTP_JAMHOOK_API_H_INCLUDED_


#include "ngx_http_jamhook.h"
#include "ngx_http_jamhook_json.h"
#include "ngx_http_jamhook_query.h"
#include "ngx_http_jamhook_reply.h"
#include "ngx_http_jamhook_writer.h"


#define NGX_HTTP_JAMHOOK_API_BODY     65536      /* bytes of a POST, at most */
#define NGX_HTTP_JAMHOOK_API_TIMEOUT  10000      /* ms without a sign of life of
                                                    the store, then 503 */

#define NGX_HTTP_JAMHOOK_API_24H      1          /* the window if none is
                                                    named */


/* What may stand behind the '?'; each call knows some of it. */
typedef struct {
    ngx_str_t                      type;
    ngx_str_t                      endpoint;
    ngx_str_t                      conversation_id;
    ngx_str_t                      jam_id;
    ngx_uint_t                     state;        /* shown_e */
    ngx_uint_t                     result;       /* result_e, or RESULT_ANY */
    ngx_uint_t                     window;       /* of 1h, 24h, 7d, 30d */
    ngx_uint_t                     limit;
    int64_t                        since;
    int64_t                        until;
    int64_t                        cursor;
} ngx_http_jamhook_args_t;


typedef struct ngx_http_jamhook_call_s        ngx_http_jamhook_call_t;
typedef struct ngx_http_jamhook_route_call_s  ngx_http_jamhook_route_call_t;

struct ngx_http_jamhook_call_s {
    ngx_pool_t                    *pool;
    ngx_uint_t                     refs;
    ngx_http_request_t            *request;      /* NULL: it is gone */
    ngx_http_jamhook_ctx_t        *ctx;          /* the request's */
    ngx_http_jamhook_main_conf_t  *jmcf;         /* a worker's configuration
                                                    lives as long as it does,
                                                    longer than any op */
    ngx_http_jamhook_loc_conf_t   *jlcf;
    ngx_http_jamhook_route_call_t *route;
    ngx_str_t                      name;         /* in the path: an endpoint's,
                                                    or an event's id */
    ngx_http_jamhook_args_t        args;
    ngx_http_jamhook_json_t       *body;         /* NULL: there is none */

    ngx_http_jamhook_writer_t      writer;       /* the answer */
    off_t                          sending;      /* bytes of it that count */
    ngx_event_t                    timer;
    ngx_uint_t                    *progress;     /* NULL, or a number that
                                                    changes while all is well */
    ngx_uint_t                     seen;         /* of it */
    void                          *data;         /* the call's own, in pool */
};


/* Answers a call; NGX_AGAIN: it waits, else what finalize_request() takes. */
typedef ngx_int_t (*ngx_http_jamhook_call_handler_pt)(
    ngx_http_jamhook_call_t *call);

/* A call that can be made. */
struct ngx_http_jamhook_route_call_s {
    ngx_uint_t                          method;  /* NGX_HTTP_GET: and HEAD */
    ngx_str_t                           list;    /* "events" */
    ngx_str_t                           action;  /* "replay", or empty */
    ngx_http_jamhook_query_param_t     *params;
    char                              **members; /* of the body; NULL: of GET */
    ngx_http_jamhook_call_handler_pt    handler;
    unsigned                            named:1; /* events/{id} */
};


/* The tables end with a method of 0. */
extern ngx_http_jamhook_route_call_t  ngx_http_jamhook_api_reads[];
extern ngx_http_jamhook_route_call_t  ngx_http_jamhook_api_acts[];


/* Answers what is no file; path: below the portal's prefix. */
ngx_int_t ngx_http_jamhook_api_handler(ngx_http_request_t *r, ngx_str_t *path);

/*
 * Refuse a request, with a line at "info".  parameter: what is wrong in it, as
 * it came, or NULL.  They return what ngx_http_finalize_request() takes.
 */
ngx_int_t ngx_http_jamhook_api_refuse(ngx_http_request_t *r,
    ngx_http_jamhook_code_e code, ngx_str_t *parameter, char *why);
ngx_int_t ngx_http_jamhook_api_refuse_method(ngx_http_request_t *r,
    ngx_str_t *allow);

/* 503: says what is wrong with the store; text: else, what did not work. */
ngx_int_t ngx_http_jamhook_api_unavailable(ngx_http_request_t *r, char *text);

/*
 * The call is to be answered later: keeps it until ngx_http_jamhook_api_end().
 * After timeout ms without progress the client is told 503, and what is under
 * way goes on alone; 0: it ends in time by itself.  NGX_AGAIN; NGX_ERROR.
 */
ngx_int_t ngx_http_jamhook_api_wait(ngx_http_jamhook_call_t *call,
    ngx_msec_t timeout);

/* The request that waits; NULL: there is nobody to be told. */
ngx_http_request_t *ngx_http_jamhook_api_waiting(
    ngx_http_jamhook_call_t *call);

/* Ends the wait: r with rc, unless it is NULL.  The call may be gone then. */
void ngx_http_jamhook_api_end(ngx_http_jamhook_call_t *call,
    ngx_http_request_t *r, ngx_int_t rc);

/* Sends what was written into call->writer. */
ngx_int_t ngx_http_jamhook_api_send(ngx_http_jamhook_call_t *call,
    ngx_http_request_t *r);


#endif /* _NGX_HTTP_JAMHOOK_API_H_INCLUDED_ */
