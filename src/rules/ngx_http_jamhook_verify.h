
/*
 * Verify: who sent this?  The three headers of Standard Webhooks (or Svix's
 * names for them), the timestamp's distance and the signatures.
 *
 * Pure: no I/O, no request.  Sources: Standard Webhooks 1.0.0, Svix's
 * "verifying payloads"; the vectors in t/data/signatures.json.
 */


#ifndef _NGX_HTTP_JAMHOOK_VERIFY_H_INCLUDED_
#define _NGX_HTTP_JAMHOOK_VERIFY_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_http_jamhook_secret.h"


#define NGX_HTTP_JAMHOOK_ID_MAX        256     /* bytes of a message id */

/*
 * Ed25519 costs about 100 us a try, so a hostile list of tokens gets no more
 * tries than this; Svix sends up to 11.  v1 tokens have no bound.
 */
#define NGX_HTTP_JAMHOOK_VERIFY_TRIES  64


typedef struct {
    ngx_str_t                 value;
    ngx_uint_t                count;         /* how often the header came */
} ngx_http_jamhook_verify_header_t;

/* What was gathered from a request's headers; zero it before the first. */
typedef struct {
    ngx_http_jamhook_verify_header_t  id[2];         /* svix-, webhook- */
    ngx_http_jamhook_verify_header_t  timestamp[2];
    ngx_http_jamhook_verify_header_t  signature[2];
} ngx_http_jamhook_verify_set_t;

/* The message that the headers describe; its strings are the headers'. */
typedef struct {
    ngx_str_t                 id;
    ngx_str_t                 timestamp;     /* as sent */
    ngx_str_t                 signature;     /* the list as sent */
} ngx_http_jamhook_message_t;

typedef enum {
    NGX_HTTP_JAMHOOK_VERIFY_OK = 0,
    NGX_HTTP_JAMHOOK_VERIFY_MISSING,         /* missing, doubled, malformed */
    NGX_HTTP_JAMHOOK_VERIFY_MISMATCH,        /* no key matches */
    NGX_HTTP_JAMHOOK_VERIFY_TIMESTAMP,       /* not a number, too far away */
    NGX_HTTP_JAMHOOK_VERIFY_ERROR            /* memory or OpenSSL */
} ngx_http_jamhook_verify_e;


/* Notes one header; name is in lower case.  Others are passed over. */
void ngx_http_jamhook_verify_gather(ngx_http_jamhook_verify_set_t *set,
    ngx_str_t *name, ngx_str_t *value);

/*
 * Chooses the family (svix- if it is complete, else webhook- if it is; no
 * mixing) and judges the headers alone, before any body: each there once and
 * not empty (any of the six that came twice refuses all), the id a token of
 * 1-256, the timestamp a number within tolerance seconds of now, on both
 * sides, the limit itself included.  now: Unix seconds.
 * On OK and TIMESTAMP msg holds the headers, the id well formed.  *why, a
 * static text for the log and the answer, is set on all but OK.
 */
ngx_http_jamhook_verify_e ngx_http_jamhook_verify_headers(
    ngx_http_jamhook_verify_set_t *set, time_t now, time_t tolerance,
    ngx_http_jamhook_message_t *msg, char **why);

/*
 * For jamhook_verify off: msg->id is the id header's value (svix- first) if it
 * stands once and is well formed, else it is empty; nothing is refused.
 */
void ngx_http_jamhook_verify_unsigned(ngx_http_jamhook_verify_set_t *set,
    ngx_http_jamhook_message_t *msg);

/*
 * Tries every token of msg->signature with every key of its version over
 * id "." timestamp "." body.  OK and *key, the first that matched; MISMATCH;
 * ERROR.  pool: for Ed25519's joined message and scratch space.
 */
ngx_http_jamhook_verify_e ngx_http_jamhook_verify_signature(
    ngx_http_jamhook_message_t *msg, ngx_str_t *body, ngx_array_t *keys,
    ngx_pool_t *pool, ngx_http_jamhook_key_t **key);


#endif /* _NGX_HTTP_JAMHOOK_VERIFY_H_INCLUDED_ */
