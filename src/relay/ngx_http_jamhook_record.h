
/*
 * Record: what the delivery log keeps of an attempt, as an op of the store.
 * Event loop only.
 */


#ifndef _NGX_HTTP_JAMHOOK_RECORD_H_INCLUDED_
#define _NGX_HTTP_JAMHOOK_RECORD_H_INCLUDED_


#include "ngx_http_jamhook.h"
#include "ngx_http_jamhook_deliver.h"


/*
 * Fills the attempt's part of op from a delivery that has its outcome and
 * whose shell is still open: result, duration, status or error, the headers
 * that were set, the body that was sent where it is not the event's own, and
 * what came back, without the path of the endpoint's URL where an answer
 * repeats it.  Strings go into the parcel's pool.  Where there is no
 * memory for a text it is left out: the outcome does not hang on it.
 */
void ngx_http_jamhook_record_attempt(ngx_http_jamhook_op_outcome_t *op,
    ngx_http_jamhook_delivery_t *d);


#endif /* _NGX_HTTP_JAMHOOK_RECORD_H_INCLUDED_ */
