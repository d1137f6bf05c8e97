
/*
 * Configuration text: what proxy_pass and its kin say in an endpoint's
 * location, word by word.
 *
 * nginx's modules keep their arguments to themselves, and a URL with variables
 * is compiled, so the files are read a second time, by nginx's rules for
 * tokens.  Nothing rests on it but warnings, looking at a request before it is
 * sent rather than after, and which parts of a URL are not kept: text that
 * cannot be read (another module's blocks may have rules of their own) yields
 * nothing, and relay/record has the request's URI for that.
 */


#ifndef _NGX_HTTP_JAMHOOK_CONF_TEXT_H_INCLUDED_
#define _NGX_HTTP_JAMHOOK_CONF_TEXT_H_INCLUDED_


#include "ngx_http_jamhook.h"


typedef enum {
    NGX_HTTP_JAMHOOK_TEXT_PROXY_PASS = 0,
    NGX_HTTP_JAMHOOK_TEXT_GRPC_PASS,
    NGX_HTTP_JAMHOOK_TEXT_PROXY_SET_BODY,
    NGX_HTTP_JAMHOOK_TEXT_PROXY_METHOD
} ngx_http_jamhook_conf_text_kind_e;

/* One directive; the strings live in cf->temp_pool. */
typedef struct {
    ngx_http_jamhook_conf_text_kind_e
                               kind;
    ngx_str_t                  endpoint;     /* the name in jamhook_endpoint */
    ngx_str_t                  value;        /* with its variables */
    ngx_http_jamhook_place_t   place;
    unsigned                   conditional:1;    /* in an "if" or the like */
} ngx_http_jamhook_conf_text_t;


/*
 * Reads the whole of nginx.conf with what it includes, as far as it can be
 * read.  found: an array of ngx_http_jamhook_conf_text_t that the caller
 * initialized; it gets what stands in endpoints' locations.
 */
void ngx_http_jamhook_conf_text_read(ngx_conf_t *cf, ngx_array_t *found);


#endif /* _NGX_HTTP_JAMHOOK_CONF_TEXT_H_INCLUDED_ */
