
/*
 * Event: what a body says.  Both generations of Jam's payload, the type, the
 * members that the connector and the variables use.
 *
 * Pure.  Strings live in the pool that is passed in.
 */


#ifndef _NGX_HTTP_JAMHOOK_EVENT_H_INCLUDED_
#define _NGX_HTTP_JAMHOOK_EVENT_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


#define NGX_HTTP_JAMHOOK_CONVERSATION_MAX  128    /* bytes, of [A-Za-z0-9_-] */
#define NGX_HTTP_JAMHOOK_TYPE_MAX          128
#define NGX_HTTP_JAMHOOK_MEMBER_MAX        256    /* id, created_at, jamId */
#define NGX_HTTP_JAMHOOK_URL_MAX           2048

#define NGX_HTTP_JAMHOOK_RECORDED   "intercom.recorder.recorded"
#define NGX_HTTP_JAMHOOK_OPTED_OUT  "intercom.recorder.opted_out"


/*
 * A member that is absent or null is an empty string.  So is one that is not
 * as it must be; then "problem" says which and why ("\"data.jamId\" is not a
 * string"), the first one found.  Whether that matters depends on who
 * subscribes, so it is the caller's to judge.
 */
typedef struct {
    ngx_str_t    event_id;             /* envelope's "id" */
    ngx_str_t    type;                 /* never empty: "unknown" at worst */
    ngx_str_t    created_at;           /* envelope's */
    ngx_str_t    conversation_id;
    ngx_str_t    jam_id;
    ngx_str_t    recording_url;        /* or jamUrl */

    ngx_str_t    problem;              /* empty: none */

    unsigned     type_problem:1;       /* the envelope's type is unusable */
    unsigned     is_connector_output:1;    /* {"event":..,"payload":..} */
} ngx_http_jamhook_event_t;


/*
 * Reads a verified body.  event_type: what the location says of events that
 * carry no type, empty for "auto".
 * NGX_OK; NGX_DECLINED and *why, a static text: not one JSON object in valid
 * UTF-8 (body_invalid); NGX_ERROR: no memory.
 */
ngx_int_t ngx_http_jamhook_event_read(ngx_http_jamhook_event_t *event,
    ngx_str_t *body, ngx_str_t *event_type, ngx_pool_t *pool, char **why);

/* 1 if type is one of the two recorder types. */
ngx_uint_t ngx_http_jamhook_event_is_recorder(ngx_str_t *type);

/*
 * 1 if type is covered by one of the patterns (ngx_str_t): equal to it, or
 * beginning with it up to its trailing "*".
 */
ngx_uint_t ngx_http_jamhook_event_matches(ngx_str_t *type,
    ngx_array_t *patterns);


#endif /* _NGX_HTTP_JAMHOOK_EVENT_H_INCLUDED_ */
