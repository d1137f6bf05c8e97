
/*
 * Configuration: the setters of the directives and the checks that need the
 * whole of nginx.conf.  Every message names the directive, the value, what is
 * right, and the file and line.
 */


#ifndef _NGX_HTTP_JAMHOOK_CONF_H_INCLUDED_
#define _NGX_HTTP_JAMHOOK_CONF_H_INCLUDED_


#include "ngx_http_jamhook.h"


char *ngx_http_jamhook_conf_pass(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_jamhook_conf_verify(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_jamhook_conf_tolerance(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_jamhook_conf_event_type(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_jamhook_conf_endpoint(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_jamhook_conf_connector(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_jamhook_conf_events(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_jamhook_conf_sign(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_jamhook_conf_timeout(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_jamhook_conf_max_active(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);

/*
 * In postconfiguration: cross-checks, and the last touches that need all of
 * it (an endpoint's content handler goes behind ours).  NGX_OK, NGX_ERROR.
 */
ngx_int_t ngx_http_jamhook_conf_check(ngx_conf_t *cf,
    ngx_http_jamhook_main_conf_t *jmcf);

/*
 * Reads the key file of a directive; name may be relative to nginx's
 * configuration.  NULL: it was logged.  The keys belong to cf->pool.
 */
ngx_http_jamhook_keys_t *ngx_http_jamhook_conf_keys(ngx_conf_t *cf,
    ngx_str_t *directive, ngx_str_t *name, ngx_http_jamhook_secret_use_e use);


#endif /* _NGX_HTTP_JAMHOOK_CONF_H_INCLUDED_ */
