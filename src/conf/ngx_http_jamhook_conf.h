
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
char *ngx_http_jamhook_conf_metrics(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_jamhook_conf_portal(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);

/* For setters: where the directive stands. */
void ngx_http_jamhook_conf_here(ngx_conf_t *cf,
    ngx_http_jamhook_place_t *place);

/* For setters: logs that value is wrong, and what is right; NGX_CONF_ERROR. */
char *ngx_http_jamhook_conf_invalid(ngx_conf_t *cf, ngx_str_t *value,
    char *right);

/*
 * For setters: one location takes events in, sends them out or shows them.
 * Logs that it has another part already; NGX_CONF_OK, NGX_CONF_ERROR.
 */
char *ngx_http_jamhook_conf_role(ngx_conf_t *cf,
    ngx_http_jamhook_loc_conf_t *jlcf);

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

/*
 * Its part: is the content handler still the directive's own?  A block without
 * a name (an "if") may have none.  NGX_OK; NGX_ERROR, logged.
 */
ngx_int_t ngx_http_jamhook_conf_check_handler(ngx_conf_t *cf,
    ngx_http_core_loc_conf_t *clcf, ngx_http_handler_pt handler,
    char *directive, ngx_http_jamhook_place_t *place);

/* Its part for a location with jamhook_portal.  NGX_OK, NGX_ERROR. */
ngx_int_t ngx_http_jamhook_conf_check_portal(ngx_conf_t *cf,
    ngx_http_jamhook_location_t *loc);

/*
 * What may be shown of the URL of a proxy_pass: its scheme and host, then
 * "/...".  masked is left absent where the URL has variables or is none.
 * NGX_OK, NGX_ERROR (memory).
 */
ngx_int_t ngx_http_jamhook_conf_mask_url(ngx_conf_t *cf, ngx_str_t *url,
    ngx_str_t *masked);

/*
 * Where the path begins in "http://host/path" or "http://unix:/socket:/path";
 * NULL: it has none.
 */
u_char *ngx_http_jamhook_conf_url_path(ngx_str_t *url);

/*
 * Adds to secrets, an array of ngx_str_t, what the URL has behind its host: the
 * pieces that variables, "?" and "&" leave of it, without slashes at their ends
 * and if they are long enough for ngx_http_jamhook_redact().  They are copies
 * in cf->pool, longest first.  NGX_OK, NGX_ERROR (memory).
 */
ngx_int_t ngx_http_jamhook_conf_url_secrets(ngx_conf_t *cf, ngx_str_t *url,
    ngx_array_t *secrets);

/* Its part for the store: what needs one, defaults, the endpoints' names. */
ngx_int_t ngx_http_jamhook_conf_check_store(ngx_conf_t *cf,
    ngx_http_jamhook_main_conf_t *jmcf);

/*
 * After that: adds the zone, where anything is counted, and says which of its
 * counts is whose (jlcf->source).  NGX_OK, NGX_ERROR.
 */
ngx_int_t ngx_http_jamhook_conf_add_zone(ngx_conf_t *cf,
    ngx_http_jamhook_main_conf_t *jmcf);

/*
 * For jamhook_store: PostgreSQL by this URI, which is NUL-terminated and holds
 * a ":".  NGX_CONF_OK; NGX_CONF_ERROR, logged without a password.
 */
char *ngx_http_jamhook_conf_pgsql(ngx_conf_t *cf, ngx_str_t *uri,
    ngx_http_jamhook_main_conf_t *jmcf);

/* Its part in init_module: warns of a password file that is of no use. */
void ngx_http_jamhook_conf_pgsql_passfile(ngx_cycle_t *cycle,
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
