
/*
 * Reply: what the sender of an event is told.  Short JSON, no secret: Svix
 * shows it to Jam's users.  The portal's refusals have the same form.
 */


#ifndef _NGX_HTTP_JAMHOOK_REPLY_H_INCLUDED_
#define _NGX_HTTP_JAMHOOK_REPLY_H_INCLUDED_


#include "ngx_http_jamhook.h"


typedef enum {
    NGX_HTTP_JAMHOOK_BODY_INVALID = 0,
    NGX_HTTP_JAMHOOK_SIGNATURE_MISSING,
    NGX_HTTP_JAMHOOK_SIGNATURE_INVALID,
    NGX_HTTP_JAMHOOK_TIMESTAMP_INVALID,
    NGX_HTTP_JAMHOOK_METHOD_NOT_ALLOWED,
    NGX_HTTP_JAMHOOK_BODY_TOO_LARGE,
    NGX_HTTP_JAMHOOK_MEDIA_TYPE_UNSUPPORTED,
    NGX_HTTP_JAMHOOK_EVENT_INVALID,
    NGX_HTTP_JAMHOOK_ID_CONFLICT,
    NGX_HTTP_JAMHOOK_DELIVERY_FAILED,            /* 502 */
    NGX_HTTP_JAMHOOK_DELIVERY_TIMED_OUT,         /* 504, of the same code */
    NGX_HTTP_JAMHOOK_UNAVAILABLE,
    NGX_HTTP_JAMHOOK_CODES,                      /* how many there are at
                                                    ingest */

    /* the portal's alone */

    NGX_HTTP_JAMHOOK_PARAMETER_INVALID = NGX_HTTP_JAMHOOK_CODES,
    NGX_HTTP_JAMHOOK_FORBIDDEN,
    NGX_HTTP_JAMHOOK_NOT_FOUND,
    NGX_HTTP_JAMHOOK_CONFLICT
} ngx_http_jamhook_code_e;


/*
 * Sends 200 with {"result":..,"id":..,"type":..}.  Returns what
 * ngx_http_finalize_request() takes.
 */
ngx_int_t ngx_http_jamhook_reply_success(ngx_http_request_t *r,
    ngx_str_t *result, ngx_str_t *id, ngx_str_t *type);

/*
 * Sends an RFC 9457 problem with the code's status and headers.  detail: a
 * text for people.  retry_after: seconds, for UNAVAILABLE alone.  A body that
 * nobody read is discarded.  Returns what ngx_http_finalize_request() takes.
 */
ngx_int_t ngx_http_jamhook_reply_problem(ngx_http_request_t *r,
    ngx_http_jamhook_code_e code, ngx_str_t *detail, ngx_int_t retry_after);

/*
 * The same with what the portal adds: parameter, the name of what is wrong in a
 * request, printable ASCII; allow, for METHOD_NOT_ALLOWED.  Both may be NULL.
 */
ngx_int_t ngx_http_jamhook_reply_refusal(ngx_http_request_t *r,
    ngx_http_jamhook_code_e code, ngx_str_t *detail, ngx_str_t *parameter,
    ngx_str_t *allow, ngx_int_t retry_after);

/*
 * Sends 200 and a text of JSON: size bytes in a chain of buffers that live as
 * long as the request.  Returns what ngx_http_finalize_request() takes.
 */
ngx_int_t ngx_http_jamhook_reply_json_chain(ngx_http_request_t *r,
    ngx_chain_t *out, off_t size);

/* Adds a header; both strings live as long as the request.  NGX_OK,
   NGX_ERROR. */
ngx_int_t ngx_http_jamhook_reply_header(ngx_http_request_t *r, ngx_str_t *key,
    ngx_str_t *value);

/* The contract's word for a code: "signature_missing", ... */
ngx_str_t *ngx_http_jamhook_reply_code(ngx_http_jamhook_code_e code);


#endif /* _NGX_HTTP_JAMHOOK_REPLY_H_INCLUDED_ */
