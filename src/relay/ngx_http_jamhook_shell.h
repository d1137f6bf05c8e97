
/*
 * Shell: a request without a client.  The one owner of detached requests.
 *
 * A shell is a connection that has no socket and one request on it.  Both are
 * ours alone: the connection is none of the cycle's, and the request is kept
 * "blocked" with references in hand, so that nginx never frees either; only
 * ngx_http_jamhook_shell_close() does.  Event loop only.
 */


#ifndef _NGX_HTTP_JAMHOOK_SHELL_H_INCLUDED_
#define _NGX_HTTP_JAMHOOK_SHELL_H_INCLUDED_


#include "ngx_http_jamhook.h"


typedef struct ngx_http_jamhook_shell_s  ngx_http_jamhook_shell_t;

/* nginx gave the request up; close the shell, but not from within this. */
typedef void (*ngx_http_jamhook_shell_gone_handler_pt)(void *data);

struct ngx_http_jamhook_shell_s {
    ngx_connection_t                         connection;
    ngx_event_t                              read;
    ngx_event_t                              write;
    ngx_log_t                                log;
    ngx_http_log_ctx_t                       log_ctx;
    ngx_http_connection_t                    hc;

    ngx_http_request_t                      *request;

    ngx_http_jamhook_shell_gone_handler_pt   gone;
    void                                    *data;

    ngx_http_jamhook_shell_t                *next;      /* while it is free */
};


/*
 * Opens a shell whose request stands at the beginning of the location that
 * ctx belongs to, past the server's rewrites and the search for a location.
 * ctx outlives the shell.  log_handler adds to each log line; its log->data
 * is shell->log_ctx.  data is handed to gone() and free for the log handler's
 * use.  NULL: no memory.
 */
ngx_http_jamhook_shell_t *ngx_http_jamhook_shell_open(ngx_http_conf_ctx_t *ctx,
    ngx_log_handler_pt log_handler,
    ngx_http_jamhook_shell_gone_handler_pt gone, void *data);

/*
 * Stops what runs in the request, as nginx does when it terminates one: the
 * upstream, timers, other modules' work.  gone() is not called any more.
 */
void ngx_http_jamhook_shell_stop(ngx_http_jamhook_shell_t *shell);

/*
 * Ends whatever still runs in the request and frees it.  Never call it from
 * one of the request's own handlers: post an event and call it there.
 */
void ngx_http_jamhook_shell_close(ngx_http_jamhook_shell_t *shell);


#endif /* _NGX_HTTP_JAMHOOK_SHELL_H_INCLUDED_ */
