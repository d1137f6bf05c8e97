
#include "ngx_http_jamhook_conf.h"
#include "ngx_http_jamhook_pgsql_uri.h"


#if (NGX_HTTP_JAMHOOK_PGSQL)


static void ngx_http_jamhook_conf_pgsql_advise(ngx_conf_t *cf,
    ngx_http_jamhook_pgsql_uri_t *u);
static void ngx_http_jamhook_conf_pgsql_wipe(void *data);
static char *ngx_http_jamhook_conf_pgsql_unusable(ngx_str_t *name,
    ngx_core_conf_t *ccf);


/* the URI is not copied: where it holds a password, there is one to wipe */

char *
ngx_http_jamhook_conf_pgsql(ngx_conf_t *cf, ngx_str_t *uri,
    ngx_http_jamhook_main_conf_t *jmcf)
{
    ngx_int_t                       rc;
    ngx_str_t                       scheme;
    ngx_pool_cleanup_t             *cln;
    ngx_http_jamhook_pgsql_uri_t    u;
    ngx_http_jamhook_store_conf_t  *store;

    rc = ngx_http_jamhook_pgsql_uri(&u, uri, cf->pool);

    if (rc == NGX_ERROR) {
        return NGX_CONF_ERROR;
    }

    if (rc == NGX_DECLINED) {
        scheme.data = uri->data;
        scheme.len = (u_char *) ngx_strchr(uri->data, ':') + 1 - uri->data;

        return ngx_http_jamhook_conf_invalid(cf, &scheme, (char *) u.error);
    }

    store = ngx_pcalloc(cf->pool, sizeof(ngx_http_jamhook_store_conf_t));
    if (store == NULL) {
        return NGX_CONF_ERROR;
    }

    store->place = u.shown;
    store->conninfo = *uri;

    if (u.password) {
        cln = ngx_pool_cleanup_add(cf->pool, 0);
        if (cln == NULL) {
            return NGX_CONF_ERROR;
        }

        cln->handler = ngx_http_jamhook_conf_pgsql_wipe;
        cln->data = &store->conninfo;
    }

    ngx_http_jamhook_conf_pgsql_advise(cf, &u);

    jmcf->store = store;
    jmcf->backend = &ngx_http_jamhook_pgsql_backend;
    jmcf->passfile = u.passfile;

    return NGX_CONF_OK;
}


static void
ngx_http_jamhook_conf_pgsql_advise(ngx_conf_t *cf,
    ngx_http_jamhook_pgsql_uri_t *u)
{
    if (u->password) {
        ngx_conf_log_error(NGX_LOG_WARN, cf, 0,
                           "\"jamhook_store\" holds a password, which "
                           "\"nginx -T\" shows; use \"passfile=\" or "
                           "\"service=\"");
    }

    if (u->clear) {
        ngx_conf_log_error(NGX_LOG_WARN, cf, 0,
                           "\"jamhook_store\" may send events to \"%V\" in "
                           "clear text; use \"sslmode=verify-full\"",
                           &u->shown);
    }

    if (u->any) {
        ngx_conf_log_error(NGX_LOG_WARN, cf, 0,
                           "\"jamhook_store\" may find a standby among the "
                           "hosts of \"%V\"; use "
                           "\"target_session_attrs=read-write\"", &u->shown);
    }
}


static void
ngx_http_jamhook_conf_pgsql_wipe(void *data)
{
    ngx_str_t *uri = data;

    ngx_explicit_memzero(uri->data, uri->len);
}


/* libpq goes on without such a file, and says so nowhere */

void
ngx_http_jamhook_conf_pgsql_passfile(ngx_cycle_t *cycle,
    ngx_http_jamhook_main_conf_t *jmcf)
{
    char             *what;
    ngx_core_conf_t  *ccf;

    if (jmcf->passfile.len == 0) {
        return;
    }

    ccf = (ngx_core_conf_t *) ngx_get_conf(cycle->conf_ctx, ngx_core_module);

    what = ngx_http_jamhook_conf_pgsql_unusable(&jmcf->passfile, ccf);

    if (what == NULL) {
        return;
    }

    /* see ngx_http_jamhook_conf_store_directory() */

    ngx_log_error(NGX_LOG_WARN, ngx_cycle->log, 0,
                  "the password file \"%V\" in \"jamhook_store\" cannot be "
                  "used, %s: give it to nginx's worker user, with mode 0600, "
                  "in %s:%ui",
                  &jmcf->passfile, what,
                  jmcf->store_place.file, jmcf->store_place.line);
}


/* NULL: the workers can use it */

static char *
ngx_http_jamhook_conf_pgsql_unusable(ngx_str_t *name, ngx_core_conf_t *ccf)
{
    ngx_file_info_t  fi;

    if (ngx_file_info(name->data, &fi) == NGX_FILE_ERROR) {
        return (ngx_errno == NGX_ENOENT) ? "it is not there"
                                         : "it cannot be looked at";
    }

    if (!ngx_is_file(&fi)) {
        return "it is no regular file";
    }

    if (fi.st_mode & (S_IRWXG|S_IRWXO)) {
        return "others have rights on it";
    }

    if (ccf->user == (ngx_uid_t) NGX_CONF_UNSET_UINT) {

        /* the workers are who we are */

        return (access((char *) name->data, R_OK) == -1) ? "it is not readable"
                                                         : NULL;
    }

    if (ccf->user != 0
        && (fi.st_uid != ccf->user || !(fi.st_mode & S_IRUSR)))
    {
        return "the workers may not read it";
    }

    return NULL;
}


#else


char *
ngx_http_jamhook_conf_pgsql(ngx_conf_t *cf, ngx_str_t *uri,
    ngx_http_jamhook_main_conf_t *jmcf)
{
    ngx_str_t  scheme;

    scheme.data = uri->data;
    scheme.len = (u_char *) ngx_strchr(uri->data, ':') + 1 - uri->data;

    return ngx_http_jamhook_conf_invalid(cf, &scheme,
               "this build has no PostgreSQL: install libpq-dev and build "
               "again");
}


void
ngx_http_jamhook_conf_pgsql_passfile(ngx_cycle_t *cycle,
    ngx_http_jamhook_main_conf_t *jmcf)
{
}


#endif
