
/*
 * Connector: what an endpoint is sent.  Pure.
 */


#ifndef _NGX_HTTP_JAMHOOK_CONNECTOR_H_INCLUDED_
#define _NGX_HTTP_JAMHOOK_CONNECTOR_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_http_jamhook_event.h"


/*
 * Maps an event for Intercom's Wait-for-Webhook step:
 *
 *     {"event":<type>,"payload":{"conversationId":..,"jamId":..,
 *      "recording_url":..}}
 *
 * in this order, without spaces, empty members left out; in {"data":..} if
 * wrap is set.  body is allocated from pool.  NGX_OK, NGX_ERROR (memory).
 */
ngx_int_t ngx_http_jamhook_connector_fin(ngx_http_jamhook_event_t *event,
    ngx_uint_t wrap, ngx_pool_t *pool, ngx_str_t *body);

/*
 * The URI of a Fin delivery: the location's name without a slash at its end,
 * "/", the conversation's id.  NGX_OK, NGX_ERROR (memory).
 */
ngx_int_t ngx_http_jamhook_connector_fin_uri(ngx_str_t *location,
    ngx_str_t *conversation_id, ngx_pool_t *pool, ngx_str_t *uri);

typedef enum {
    NGX_HTTP_JAMHOOK_URI_OK = 0,         /* ends in "/" and the id */
    NGX_HTTP_JAMHOOK_URI_DOUBLE_SLASH,   /* ends in "//" and the id */
    NGX_HTTP_JAMHOOK_URI_WRONG           /* the id would not arrive */
} ngx_http_jamhook_uri_e;

/*
 * Judges the URI of the request line to the target.  One with a "?" is WRONG:
 * then the id would be part of the arguments.
 */
ngx_http_jamhook_uri_e ngx_http_jamhook_connector_fin_check(ngx_str_t *uri,
    ngx_str_t *conversation_id);


#endif /* _NGX_HTTP_JAMHOOK_CONNECTOR_H_INCLUDED_ */
