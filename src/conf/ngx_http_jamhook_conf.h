
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
char *ngx_http_jamhook_conf_store(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_jamhook_conf_retention(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_jamhook_conf_retry(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_jamhook_conf_final(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_jamhook_conf_rate(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_jamhook_conf_disable_after(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);

/* For setters: where the directive stands. */
void ngx_http_jamhook_conf_here(ngx_conf_t *cf,
    ngx_http_jamhook_place_t *place);

/* For setters: logs that value is wrong, and what is right; NGX_CONF_ERROR. */
char *ngx_http_jamhook_conf_invalid(ngx_conf_t *cf, ngx_str_t *value,
    char *right);

/* For setters: the directive has no meaning without jamhook_store. */
void ngx_http_jamhook_conf_needs_store(ngx_conf_t *cf, ngx_command_t *cmd);

/* jamhook_retry, jamhook_final, jamhook_disable_after of an outer level. */
void ngx_http_jamhook_conf_merge_policy(ngx_http_jamhook_loc_conf_t *prev,
    ngx_http_jamhook_loc_conf_t *conf);

/*
 * In postconfiguration: cross-checks, and the last touches that need all of
 * it (an endpoint's content handler goes behind ours).  NGX_OK, NGX_ERROR.
 */
ngx_int_t ngx_http_jamhook_conf_check(ngx_conf_t *cf,
    ngx_http_jamhook_main_conf_t *jmcf);

/* Its part for the store: what needs one, defaults, the endpoints' names. */
ngx_int_t ngx_http_jamhook_conf_check_store(ngx_conf_t *cf,
    ngx_http_jamhook_main_conf_t *jmcf);

/*
 * In init_module, in the master and for nginx -t: makes the store's directory
 * and gives it to the workers' user, as nginx does with its own.  Nothing that
 * goes wrong there stops nginx: it is a warning.
 */
void ngx_http_jamhook_conf_store_directory(ngx_cycle_t *cycle);

/*
 * Reads the key file of a directive; name may be relative to nginx's
 * configuration.  NULL: it was logged.  The keys belong to cf->pool.
 */
ngx_http_jamhook_keys_t *ngx_http_jamhook_conf_keys(ngx_conf_t *cf,
    ngx_str_t *directive, ngx_str_t *name, ngx_http_jamhook_secret_use_e use);


#endif /* _NGX_HTTP_JAMHOOK_CONF_H_INCLUDED_ */
