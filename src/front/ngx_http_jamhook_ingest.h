
/*
 * Ingest: an event comes in.
 *
 *     headers -> body -> signature -> JSON -> event -> routes -> deliveries
 *        |        |         |          |        |        |           |
 *     405 415    413       401        400      422    ignored    wait: 200,
 *       401                                                    502, 503, 504
 *
 * Without a store the request waits for its deliveries, but does not own
 * them: when the client leaves they go on.
 */


#ifndef _NGX_HTTP_JAMHOOK_INGEST_H_INCLUDED_
#define _NGX_HTTP_JAMHOOK_INGEST_H_INCLUDED_


#include "ngx_http_jamhook.h"


/* The content handler of a location with jamhook_pass. */
ngx_int_t ngx_http_jamhook_ingest_handler(ngx_http_request_t *r);


#endif /* _NGX_HTTP_JAMHOOK_INGEST_H_INCLUDED_ */
