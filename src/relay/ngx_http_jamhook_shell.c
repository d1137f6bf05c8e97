
#include "ngx_http_jamhook_shell.h"


/*
 * References that nginx may drop without ever reaching the one at which it
 * would look for a client to say goodbye to.
 */
#define NGX_HTTP_JAMHOOK_SHELL_REFS      64

#define NGX_HTTP_JAMHOOK_SHELL_FREE_MAX  32


static ngx_int_t ngx_http_jamhook_shell_create_request(
    ngx_http_jamhook_shell_t *shell);
static void ngx_http_jamhook_shell_empty_handler(ngx_event_t *ev);
static void ngx_http_jamhook_shell_gone_cleanup(void *data);


/* shells kept for the next delivery */

static struct {
    ngx_http_jamhook_shell_t  *free;
    ngx_uint_t                 n;
} ngx_http_jamhook_shells;


/* modules look at a connection's addresses without asking if there are any */

static struct sockaddr_in  ngx_http_jamhook_shell_sockaddr;
static ngx_listening_t     ngx_http_jamhook_shell_listening;
static ngx_str_t           ngx_http_jamhook_shell_addr =
                                                      ngx_string("127.0.0.1");
static ngx_str_t           ngx_http_jamhook_shell_method = ngx_string("POST");
static ngx_str_t           ngx_http_jamhook_shell_protocol =
                                                       ngx_string("HTTP/1.1");


ngx_http_jamhook_shell_t *
ngx_http_jamhook_shell_open(ngx_http_conf_ctx_t *ctx,
    ngx_log_handler_pt log_handler,
    ngx_http_jamhook_shell_gone_handler_pt gone, void *data)
{
    ngx_connection_t          *c;
    ngx_http_core_loc_conf_t  *clcf;
    ngx_http_jamhook_shell_t  *shell;

    shell = ngx_http_jamhook_shells.free;

    if (shell) {
        ngx_http_jamhook_shells.free = shell->next;
        ngx_http_jamhook_shells.n--;

    } else {
        shell = ngx_alloc(sizeof(ngx_http_jamhook_shell_t), ngx_cycle->log);
        if (shell == NULL) {
            return NULL;
        }
    }

    ngx_memzero(shell, sizeof(ngx_http_jamhook_shell_t));

    shell->gone = gone;
    shell->data = data;

    clcf = ctx->loc_conf[ngx_http_core_module.ctx_index];

    shell->log = *clcf->error_log;
    shell->log.connection = ngx_atomic_fetch_add(ngx_connection_counter, 1);
    shell->log.handler = log_handler;
    shell->log.data = &shell->log_ctx;
    shell->log.action = "delivering";

    shell->hc.conf_ctx = ctx;

    c = &shell->connection;

    /* no descriptor, and not -1, by which lua knows requests of its own */

    c->fd = (ngx_socket_t) -2;
    c->shared = 1;
    c->type = SOCK_STREAM;
    c->read = &shell->read;
    c->write = &shell->write;
    c->log = &shell->log;
    c->log_error = NGX_ERROR_INFO;
    c->number = shell->log.connection;
    c->data = &shell->hc;
    c->listening = &ngx_http_jamhook_shell_listening;
    c->addr_text = ngx_http_jamhook_shell_addr;

    ngx_http_jamhook_shell_sockaddr.sin_family = AF_INET;
    ngx_http_jamhook_shell_sockaddr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);

    c->sockaddr = (struct sockaddr *) &ngx_http_jamhook_shell_sockaddr;
    c->socklen = sizeof(struct sockaddr_in);
    c->local_sockaddr = c->sockaddr;
    c->local_socklen = c->socklen;

    /* there is no socket to set options on */

    c->tcp_nodelay = NGX_TCP_NODELAY_DISABLED;
    c->tcp_nopush = NGX_TCP_NOPUSH_DISABLED;

    /* "active": else the upstream would add the events to epoll */

    c->read->active = 1;
    c->read->data = c;
    c->read->handler = ngx_http_jamhook_shell_empty_handler;
    c->read->log = c->log;

    c->write->active = 1;
    c->write->ready = 1;
    c->write->write = 1;
    c->write->data = c;
    c->write->handler = ngx_http_jamhook_shell_empty_handler;
    c->write->log = c->log;

    shell->log_ctx.connection = c;

    if (ngx_http_jamhook_shell_create_request(shell) != NGX_OK) {
        ngx_http_jamhook_shell_close(shell);
        return NULL;
    }

    return shell;
}


static ngx_int_t
ngx_http_jamhook_shell_create_request(ngx_http_jamhook_shell_t *shell)
{
    ngx_connection_t           *c;
    ngx_http_request_t         *r;
    ngx_http_cleanup_t         *cln;
    ngx_http_core_main_conf_t  *cmcf;

    c = &shell->connection;

    r = ngx_http_create_request(c);
    if (r == NULL) {
        return NGX_ERROR;
    }

    shell->request = r;
    shell->log_ctx.request = r;
    shell->log_ctx.current_request = r;

    c->data = r;
    c->pool = r->pool;

    /* released by ngx_http_jamhook_shell_close() alone */

    r->blocked = 1;
    r->count += NGX_HTTP_JAMHOOK_SHELL_REFS;

    /* the shell itself is no request to show in an access log, or to count */

    r->logged = 1;

#if (NGX_STAT_STUB)
    (void) ngx_atomic_fetch_add(ngx_stat_requests, -1);
    (void) ngx_atomic_fetch_add(ngx_stat_reading, -1);
    (void) ngx_atomic_fetch_add(ngx_stat_writing, 1);
    r->stat_reading = 0;
    r->stat_writing = 1;
#endif

    r->http_state = NGX_HTTP_PROCESS_REQUEST_STATE;
    r->read_event_handler = ngx_http_request_empty_handler;
    r->write_event_handler = ngx_http_request_empty_handler;

    r->method = NGX_HTTP_POST;
    r->method_name = ngx_http_jamhook_shell_method;
    r->http_protocol = ngx_http_jamhook_shell_protocol;
    r->http_version = NGX_HTTP_VERSION_11;

    r->header_in = ngx_create_temp_buf(r->pool, 1);
    if (r->header_in == NULL) {
        return NGX_ERROR;
    }

    c->buffer = r->header_in;

    if (ngx_list_init(&r->headers_in.headers, r->pool, 1,
                      sizeof(ngx_table_elt_t))
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    /*
     * An inherited limit_req or limit_conn declines what was counted already;
     * a delay would wake a request that nobody waits for.
     */

    r->limit_req_status = 1;
    r->limit_conn_status = 1;

    cmcf = ngx_http_get_module_main_conf(r, ngx_http_core_module);

    r->valid_location = 1;
    r->phase_handler = cmcf->phase_engine.location_rewrite_index;

    cln = ngx_http_cleanup_add(r, 0);
    if (cln == NULL) {
        return NGX_ERROR;
    }

    cln->handler = ngx_http_jamhook_shell_gone_cleanup;
    cln->data = shell;

    return NGX_OK;
}


void
ngx_http_jamhook_shell_stop(ngx_http_jamhook_shell_t *shell)
{
    ngx_http_request_t  *r;
    ngx_http_cleanup_t  *cln;

    r = shell->request;

    shell->gone = NULL;

    cln = r->cleanup;
    r->cleanup = NULL;

    while (cln) {
        if (cln->handler) {
            cln->handler(cln->data);
        }

        cln = cln->next;
    }
}


void
ngx_http_jamhook_shell_close(ngx_http_jamhook_shell_t *shell)
{
    ngx_connection_t  *c;

    c = &shell->connection;

    shell->gone = NULL;

    if (shell->request) {
        c->timedout = 0;
        ngx_http_free_request(shell->request, 0);
    }

    if (c->read->timer_set) {
        ngx_del_timer(c->read);
    }

    if (c->write->timer_set) {
        ngx_del_timer(c->write);
    }

    if (c->read->posted) {
        ngx_delete_posted_event(c->read);
    }

    if (c->write->posted) {
        ngx_delete_posted_event(c->write);
    }

    if (ngx_http_jamhook_shells.n >= NGX_HTTP_JAMHOOK_SHELL_FREE_MAX) {
        ngx_free(shell);
        return;
    }

    shell->next = ngx_http_jamhook_shells.free;
    ngx_http_jamhook_shells.free = shell;
    ngx_http_jamhook_shells.n++;
}


static void
ngx_http_jamhook_shell_empty_handler(ngx_event_t *ev)
{
    ngx_log_debug0(NGX_LOG_DEBUG_HTTP, ev->log, 0, "jamhook shell event");
}


static void
ngx_http_jamhook_shell_gone_cleanup(void *data)
{
    ngx_http_jamhook_shell_t  *shell = data;

    if (shell->gone) {
        shell->gone(shell->data);
    }
}
