
/*
 * Upkeep: what a store needs besides deliveries.  Retention, by one worker;
 * and what the operator asks for by hand: replay, recover, pause, resume,
 * forget, a test.  Event loop only.
 */


#ifndef _NGX_HTTP_JAMHOOK_UPKEEP_H_INCLUDED_
#define _NGX_HTTP_JAMHOOK_UPKEEP_H_INCLUDED_


#include "ngx_http_jamhook.h"
#include "ngx_http_jamhook_deliver.h"


#define NGX_HTTP_JAMHOOK_UPKEEP_EVERY  60000     /* ms, at most, between two
                                                    looks for what is too old */
#define NGX_HTTP_JAMHOOK_UPKEEP_FIRST  1000      /* ms, at most, from a worker's
                                                    start to the first look,
                                                    and to the next where the
                                                    store does not work */
#define NGX_HTTP_JAMHOOK_UPKEEP_PAUSE  20        /* ms between two batches */


/*
 * Something asked for by hand.  The caller owns it and frees it no earlier
 * than in its handler; it outlives the request that asked.
 */
typedef struct ngx_http_jamhook_ask_s  ngx_http_jamhook_ask_t;

struct ngx_http_jamhook_ask_s {

    /* set by who asks, zeroed else: the op that is meant, its "in" members */

    union {
        ngx_http_jamhook_op_t             op;    /* type */
        ngx_http_jamhook_op_replay_t      replay;
        ngx_http_jamhook_op_recover_t     recover;
        ngx_http_jamhook_op_resume_t      resume;
        ngx_http_jamhook_op_pause_t       pause;
        ngx_http_jamhook_op_forget_t      forget;
    } u;

    void                                (*handler)(
                                                 ngx_http_jamhook_ask_t *ask);
    void                                 *data;

    /* when handler is called: u.op.rc, the op's "out" members, and */

    ngx_uint_t                            changed;   /* RECOVER, RESUME: in
                                                        all its batches */
};


/* Readies a worker, once dispatch is. */
void ngx_http_jamhook_upkeep_init(ngx_cycle_t *cycle,
    ngx_http_jamhook_main_conf_t *jmcf);

/*
 * Does what was asked.  RECOVER and RESUME are done in batches that let others
 * commit between them.  What is due then is sent at once.  The handler is
 * called once, never from within this call.
 */
void ngx_http_jamhook_upkeep_ask(ngx_http_jamhook_ask_t *ask);

/*
 * Sends a sample event of a type, for a conversation, to one endpoint, once: no
 * retry, no part in statistics or pausing, not kept.  handler gets the delivery
 * with its outcome, parcel and data; trigger is TEST's.  NGX_OK; NGX_ERROR: no
 * memory, the handler is not called.
 */
ngx_int_t ngx_http_jamhook_upkeep_test(ngx_http_jamhook_endpoint_t *ep,
    ngx_str_t *type, ngx_str_t *conversation_id,
    ngx_http_jamhook_delivery_handler_pt handler, void *data);


#endif /* _NGX_HTTP_JAMHOOK_UPKEEP_H_INCLUDED_ */
