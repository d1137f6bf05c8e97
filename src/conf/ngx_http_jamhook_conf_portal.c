
#include "ngx_http_jamhook_conf.h"
#include "ngx_http_jamhook_portal.h"
#include "ngx_http_jamhook_redact.h"
#include "ngx_http_jamhook_text.h"


static char *ngx_http_jamhook_conf_portal_location(ngx_conf_t *cf,
    ngx_http_core_loc_conf_t *clcf);
static u_char *ngx_http_jamhook_conf_url_variable(u_char *p, u_char *last);
static ngx_int_t ngx_http_jamhook_conf_url_secret(ngx_conf_t *cf, u_char *p,
    u_char *last, ngx_array_t *secrets);
static ngx_int_t ngx_http_jamhook_conf_cmp_secrets(const void *one,
    const void *two);


char *
ngx_http_jamhook_conf_portal(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_jamhook_loc_conf_t *jlcf = conf;

    ngx_str_t                 *value, url;
    ngx_uint_t                 i;
    ngx_http_core_loc_conf_t  *clcf;

    if (jlcf->portal) {
        return "is duplicate";
    }

    if (ngx_http_jamhook_conf_role(cf, jlcf) != NGX_CONF_OK) {
        return NGX_CONF_ERROR;
    }

    jlcf->portal = 1;

    ngx_http_jamhook_conf_here(cf, &jlcf->portal_place);
    ngx_http_jamhook_conf_needs_store(cf, cmd);

    value = cf->args->elts;

    for (i = 1; i < cf->args->nelts; i++) {

        if (ngx_strcmp(value[i].data, "open") == 0) {

            if (jlcf->portal_open) {
                return ngx_http_jamhook_conf_invalid(cf, &value[i],
                           "it stands there twice");
            }

            jlcf->portal_open = 1;
            continue;
        }

        if (ngx_strncmp(value[i].data, "conversation_url=", 17) != 0) {
            return ngx_http_jamhook_conf_invalid(cf, &value[i],
                       "the parameters are \"open\" and "
                       "\"conversation_url=\" with a URL");
        }

        if (jlcf->conversation_url.data) {
            return ngx_http_jamhook_conf_invalid(cf, &value[i],
                       "it stands there twice");
        }

        url.data = value[i].data + 17;
        url.len = value[i].len - 17;

        if (ngx_http_jamhook_text_http_url(&url) != NGX_OK) {
            return ngx_http_jamhook_conf_invalid(cf, &value[i],
                       "give what stands before a conversation's id in your "
                       "inbox, such as \"conversation_url=https://app."
                       "intercom.com/a/inbox/abc/inbox/conversation/\"");
        }

        jlcf->conversation_url = url;
    }

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    if (clcf->handler) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"jamhook_portal\" stands beside another content "
                           "handler, such as \"proxy_pass\": give each a "
                           "location of its own");
        return NGX_CONF_ERROR;
    }

    clcf->handler = ngx_http_jamhook_portal_handler;

    return ngx_http_jamhook_conf_portal_location(cf, clcf);
}


/* what is below the location's name are the page's files and the calls */

static char *
ngx_http_jamhook_conf_portal_location(ngx_conf_t *cf,
    ngx_http_core_loc_conf_t *clcf)
{
    ngx_uint_t  prefix;

    prefix = clcf->name.len
             && clcf->name.data[0] == '/'
             && clcf->name.data[clcf->name.len - 1] == '/'
             && !clcf->exact_match;

#if (NGX_PCRE)
    if (clcf->regex) {
        prefix = 0;
    }
#endif

    if (!prefix) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"jamhook_portal\" stands in the location \"%V\": "
                           "use a prefix one whose name ends in \"/\", such "
                           "as \"location /jamhook/\"", &clcf->name);
        return NGX_CONF_ERROR;
    }

    /* a request without the slash is redirected there, by nginx itself */

    if (!clcf->noname) {
        clcf->auto_redirect = 1;
    }

    return NGX_CONF_OK;
}


ngx_int_t
ngx_http_jamhook_conf_check_portal(ngx_conf_t *cf,
    ngx_http_jamhook_location_t *loc)
{
    ngx_http_jamhook_place_t  *place;

    place = &loc->jlcf->portal_place;

    /* an "if" is a part of the location that it stands in */

    if (loc->jlcf->endpoint) {
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                      "\"jamhook_portal\" and \"jamhook_endpoint\" stand in "
                      "one location: give each a location of its own, in "
                      "%s:%ui", place->file, place->line);
        return NGX_ERROR;
    }

    return ngx_http_jamhook_conf_check_handler(cf, loc->clcf,
                                              ngx_http_jamhook_portal_handler,
                                              "jamhook_portal", place);
}


/*
 * A path may be a password, as that of an Intercom workflow is; so may what
 * stands before a host.
 */

ngx_int_t
ngx_http_jamhook_conf_mask_url(ngx_conf_t *cf, ngx_str_t *url,
    ngx_str_t *masked)
{
    u_char     *p, *last;
    size_t      scheme;
    ngx_str_t   host;

    p = url->data;
    last = url->data + url->len;

    if (ngx_strlchr(p, last, '$') != NULL) {
        return NGX_OK;
    }

    scheme = 0;

    p = ngx_strlchr(p, last, ':');

    if (p && last - p >= 3 && p[1] == '/' && p[2] == '/') {
        scheme = p + 3 - url->data;
    }

    host.data = url->data + scheme;
    host.len = 0;

    if (url->len - scheme >= 5
        && ngx_strncasecmp(host.data, (u_char *) "unix:", 5) == 0)
    {
        /* the socket's path ends at a colon; it says nothing to a reader */

        host.len = sizeof("unix:") - 1;

    } else {

        for (p = host.data; p < last; p++) {

            if (*p == '/' || *p == '?' || *p == '#') {
                break;
            }

            if (*p == '@') {
                host.data = p + 1;
            }
        }

        host.len = p - host.data;
    }

    masked->data = ngx_pnalloc(cf->pool, scheme + host.len
                                         + sizeof("/...") - 1);
    if (masked->data == NULL) {
        return NGX_ERROR;
    }

    p = ngx_cpymem(masked->data, url->data, scheme);
    p = ngx_cpymem(p, host.data, host.len);
    p = ngx_cpymem(p, "/...", sizeof("/...") - 1);

    masked->len = p - masked->data;

    return NGX_OK;
}


u_char *
ngx_http_jamhook_conf_url_path(ngx_str_t *url)
{
    u_char  *p, *last;

    last = url->data + url->len;

    p = ngx_strlchr(url->data, last, ':');

    if (p == NULL || last - p < 3) {
        return NULL;
    }

    p += sizeof("://") - 1;

    if (last - p > 5 && ngx_strncasecmp(p, (u_char *) "unix:", 5) == 0) {
        p = ngx_strlchr(p + 5, last, ':');
        return p ? p + 1 : NULL;
    }

    return ngx_strlchr(p, last, '/');
}


ngx_int_t
ngx_http_jamhook_conf_url_secrets(ngx_conf_t *cf, ngx_str_t *url,
    ngx_array_t *secrets)
{
    u_char  *p, *last, *start;

    last = url->data + url->len;

    p = ngx_http_jamhook_conf_url_path(url);

    if (p == NULL) {
        p = ngx_strlchr(url->data, last, '?');

        if (p == NULL) {
            return NGX_OK;
        }
    }

    start = p;

    while (p < last) {

        if (*p != '$' && *p != '?' && *p != '&') {
            p++;
            continue;
        }

        if (ngx_http_jamhook_conf_url_secret(cf, start, p, secrets) != NGX_OK) {
            return NGX_ERROR;
        }

        p = (*p == '$') ? ngx_http_jamhook_conf_url_variable(p, last) : p + 1;
        start = p;
    }

    if (ngx_http_jamhook_conf_url_secret(cf, start, last, secrets) != NGX_OK) {
        return NGX_ERROR;
    }

    ngx_sort(secrets->elts, secrets->nelts, sizeof(ngx_str_t),
             ngx_http_jamhook_conf_cmp_secrets);

    return NGX_OK;
}


/* the end of the variable whose "$" is at p */

static u_char *
ngx_http_jamhook_conf_url_variable(u_char *p, u_char *last)
{
    u_char  c, *end;

    p++;

    if (p < last && *p == '{') {
        end = ngx_strlchr(p, last, '}');
        return end ? end + 1 : last;
    }

    for ( /* void */ ; p < last; p++) {
        c = ngx_tolower(*p);

        if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '_') {
            break;
        }
    }

    return p;
}


static ngx_int_t
ngx_http_jamhook_conf_url_secret(ngx_conf_t *cf, u_char *p, u_char *last,
    ngx_array_t *secrets)
{
    ngx_str_t  *secret;

    while (p < last && *p == '/') {
        p++;
    }

    while (p < last && last[-1] == '/') {
        last--;
    }

    if (last - p < NGX_HTTP_JAMHOOK_REDACT_MIN) {
        return NGX_OK;
    }

    secret = ngx_array_push(secrets);
    if (secret == NULL) {
        return NGX_ERROR;
    }

    secret->len = last - p;

    secret->data = ngx_pnalloc(cf->pool, secret->len);
    if (secret->data == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(secret->data, p, secret->len);

    return NGX_OK;
}


static ngx_int_t
ngx_http_jamhook_conf_cmp_secrets(const void *one, const void *two)
{
    const ngx_str_t  *first, *second;

    first = one;
    second = two;

    if (first->len == second->len) {
        return 0;
    }

    return first->len > second->len ? -1 : 1;
}
