
#include "ngx_http_jamhook_conf.h"


#define NGX_HTTP_JAMHOOK_CONF_MAX_SIZE       ((off_t) 10 * 1024 * 1024 * 1024)
#define NGX_HTTP_JAMHOOK_CONF_MIN_SIZE       (1024 * 1024)
#define NGX_HTTP_JAMHOOK_CONF_PLACE_MAX      480     /* SQLite takes names of
                                                        512 bytes */

#define NGX_HTTP_JAMHOOK_CONF_RETENTION      (30 * 86400)            /* s */
#define NGX_HTTP_JAMHOOK_CONF_DISABLE_AFTER  (5 * 86400 * 1000)      /* ms */
#define NGX_HTTP_JAMHOOK_CONF_TIME_MAX       ((int64_t) 36500 * 86400)   /* s */

#define NGX_HTTP_JAMHOOK_CONF_DELAYS_MAX     64


static char *ngx_http_jamhook_conf_store_parameter(ngx_conf_t *cf,
    ngx_str_t *value);
static char *ngx_http_jamhook_conf_store_scheme(ngx_conf_t *cf,
    ngx_str_t *value);
static char *ngx_http_jamhook_conf_store_place(ngx_conf_t *cf,
    ngx_str_t *value, ngx_str_t *place);
static ngx_int_t ngx_http_jamhook_conf_check_store_place(ngx_conf_t *cf,
    ngx_http_jamhook_main_conf_t *jmcf);
static ngx_uint_t ngx_http_jamhook_conf_is_store(u_char *dir);
static char *ngx_http_jamhook_conf_make_directory(u_char *dir,
    ngx_core_conf_t *ccf);


/* jamhook_retry's default, and what "off" points to */

static ngx_msec_t  ngx_http_jamhook_conf_delays[] = {
    5 * 1000,
    5 * 60 * 1000,
    30 * 60 * 1000,
    2 * 60 * 60 * 1000,
    5 * 60 * 60 * 1000,
    10 * 60 * 60 * 1000,
    10 * 60 * 60 * 1000
};


char *
ngx_http_jamhook_conf_store(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_jamhook_main_conf_t *jmcf = conf;

    ngx_str_t                      *value, size;
    ngx_http_jamhook_store_conf_t  *store;

    if (jmcf->store) {
        return "is duplicate";
    }

#if !(NGX_THREADS)

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "\"jamhook_store\" needs threads, and this nginx was "
                       "built without them: build it with \"--with-threads\"");
    return NGX_CONF_ERROR;

#endif

    value = cf->args->elts;

    ngx_http_jamhook_conf_here(cf, &jmcf->store_place);

    if (ngx_strncmp(value[1].data, "postgresql:", 11) == 0
        || ngx_strncmp(value[1].data, "postgres:", 9) == 0)
    {
        if (cf->args->nelts == 3) {
            return ngx_http_jamhook_conf_store_parameter(cf, value);
        }

        return ngx_http_jamhook_conf_pgsql(cf, &value[1], jmcf);
    }

    if (ngx_strncmp(value[1].data, "sqlite:", 7) != 0) {
        return ngx_http_jamhook_conf_store_scheme(cf, &value[1]);
    }

    store = ngx_pcalloc(cf->pool, sizeof(ngx_http_jamhook_store_conf_t));
    if (store == NULL) {
        return NGX_CONF_ERROR;
    }

    if (ngx_http_jamhook_conf_store_place(cf, &value[1], &store->place)
        != NGX_CONF_OK)
    {
        return NGX_CONF_ERROR;
    }

    store->max_size = NGX_HTTP_JAMHOOK_CONF_MAX_SIZE;

    if (cf->args->nelts == 3) {

        if (ngx_strncmp(value[2].data, "max_size=", 9) != 0) {
            return ngx_http_jamhook_conf_invalid(cf, &value[2],
                       "the one parameter is \"max_size=\", such as "
                       "max_size=10g");
        }

        size.data = value[2].data + 9;
        size.len = value[2].len - 9;

        store->max_size = ngx_parse_offset(&size);

        /* an error is less, too */

        if (store->max_size < NGX_HTTP_JAMHOOK_CONF_MIN_SIZE) {
            return ngx_http_jamhook_conf_invalid(cf, &value[2],
                       "give a size of 1m or more, such as max_size=10g");
        }
    }

    jmcf->store = store;
    jmcf->backend = &ngx_http_jamhook_sqlite_backend;

    return NGX_CONF_OK;
}


/* of PostgreSQL, which takes none */

static char *
ngx_http_jamhook_conf_store_parameter(ngx_conf_t *cf, ngx_str_t *value)
{
    ngx_str_t  name;

    if (ngx_strncmp(value[2].data, "max_size=", 9) == 0) {
        return ngx_http_jamhook_conf_invalid(cf, &value[2],
                   "it is for \"sqlite:\" alone; what PostgreSQL may hold is "
                   "a matter of its disk");
    }

    /* it may be a piece of the URI, with what must not be told */

    ngx_str_set(&name, "...");

    return ngx_http_jamhook_conf_invalid(cf, &name,
               "nothing follows the URI of a PostgreSQL; its own parameters "
               "are in it, behind \"?\"");
}


/* an unknown one; it may hold a password, so only its beginning is told */

static char *
ngx_http_jamhook_conf_store_scheme(ngx_conf_t *cf, ngx_str_t *value)
{
    u_char     *p;
    ngx_str_t   scheme;

    scheme = *value;

    p = ngx_strlchr(value->data, value->data + value->len, ':');

    if (p) {
        scheme.len = p + 1 - value->data;
    }

    return ngx_http_jamhook_conf_invalid(cf, &scheme,
               "give \"sqlite:\" and a directory, such as "
               "sqlite:/var/lib/nginx/jamhook, or a PostgreSQL's URI, such as "
               "postgresql://jamhook@db.example.com/jamhook");
}


static char *
ngx_http_jamhook_conf_store_place(ngx_conf_t *cf, ngx_str_t *value,
    ngx_str_t *place)
{
    place->data = value->data + 7;
    place->len = value->len - 7;

    while (place->len > 1 && place->data[place->len - 1] == '/') {
        place->data[--place->len] = '\0';
    }

    if (place->len == 0) {
        return ngx_http_jamhook_conf_invalid(cf, value,
                   "a directory follows, such as "
                   "sqlite:/var/lib/nginx/jamhook");
    }

    /* the argument has a NUL behind it, and so has what is made of it */

    if (ngx_conf_full_name(cf->cycle, place, 0) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    if (place->len > NGX_HTTP_JAMHOOK_CONF_PLACE_MAX) {
        return ngx_http_jamhook_conf_invalid(cf, value,
                   "the directory's whole name is longer than 480 bytes");
    }

    return NGX_CONF_OK;
}


char *
ngx_http_jamhook_conf_retention(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_jamhook_main_conf_t *jmcf = conf;

    ngx_str_t  *value;

    if (jmcf->retention != NGX_CONF_UNSET) {
        return "is duplicate";
    }

    ngx_http_jamhook_conf_needs_store(cf, cmd);

    value = cf->args->elts;

    jmcf->retention = ngx_parse_time(&value[1], 1);

    if (jmcf->retention < 1
        || jmcf->retention > NGX_HTTP_JAMHOOK_CONF_TIME_MAX)
    {
        return ngx_http_jamhook_conf_invalid(cf, &value[1],
                   "give a time from 1s to 36500d, such as 30d");
    }

    return NGX_CONF_OK;
}


char *
ngx_http_jamhook_conf_retry(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_jamhook_loc_conf_t *jlcf = conf;

    ngx_int_t                   delay;
    ngx_str_t                  *value;
    ngx_uint_t                  i, n;
    ngx_http_jamhook_policy_t  *policy;

    if (jlcf->retry_place.file) {
        return "is duplicate";
    }

    ngx_http_jamhook_conf_here(cf, &jlcf->retry_place);
    ngx_http_jamhook_conf_needs_store(cf, cmd);

    policy = &jlcf->policy;
    value = cf->args->elts;
    n = cf->args->nelts - 1;

    if (n == 1 && ngx_strcmp(value[1].data, "off") == 0) {
        policy->delays = ngx_http_jamhook_conf_delays;
        policy->ndelays = 0;

        return NGX_CONF_OK;
    }

    if (n > NGX_HTTP_JAMHOOK_CONF_DELAYS_MAX) {
        return ngx_http_jamhook_conf_invalid(cf,
                   &value[NGX_HTTP_JAMHOOK_CONF_DELAYS_MAX + 1],
                   "it is the 65th delay, and 64 are allowed");
    }

    policy->delays = ngx_palloc(cf->pool, n * sizeof(ngx_msec_t));
    if (policy->delays == NULL) {
        return NGX_CONF_ERROR;
    }

    policy->ndelays = n;

    for (i = 0; i < n; i++) {

        delay = ngx_parse_time(&value[i + 1], 0);

        if (delay < 1 || delay > NGX_HTTP_JAMHOOK_LADDER_DELAY) {
            return ngx_http_jamhook_conf_invalid(cf, &value[i + 1],
                       "give times from 1ms to 24d, such as 5s 5m 30m, or "
                       "\"off\" alone");
        }

        policy->delays[i] = delay;
    }

    return NGX_CONF_OK;
}


char *
ngx_http_jamhook_conf_final(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_jamhook_loc_conf_t *jlcf = conf;

    ngx_int_t                   status;
    ngx_str_t                  *value;
    ngx_uint_t                  i, j, n;
    ngx_http_jamhook_policy_t  *policy;

    if (jlcf->final_place.file) {
        return "is duplicate";
    }

    ngx_http_jamhook_conf_here(cf, &jlcf->final_place);

    policy = &jlcf->policy;
    value = cf->args->elts;
    n = cf->args->nelts - 1;

    policy->final = ngx_palloc(cf->pool, n * sizeof(ngx_uint_t));
    if (policy->final == NULL) {
        return NGX_CONF_ERROR;
    }

    policy->nfinal = n;

    for (i = 0; i < n; i++) {

        status = ngx_atoi(value[i + 1].data, value[i + 1].len);

        if (status >= 200 && status < 300) {
            return ngx_http_jamhook_conf_invalid(cf, &value[i + 1],
                       "a delivery that was answered so has succeeded");
        }

        if (status == 410) {
            return ngx_http_jamhook_conf_invalid(cf, &value[i + 1],
                       "a delivery that was answered so has failed at once "
                       "already");
        }

        if (value[i + 1].len != 3 || status < 300 || status > 599) {
            return ngx_http_jamhook_conf_invalid(cf, &value[i + 1],
                       "give statuses from 300 to 599, such as 404 409");
        }

        for (j = 0; j < i; j++) {

            if (policy->final[j] == (ngx_uint_t) status) {
                return ngx_http_jamhook_conf_invalid(cf, &value[i + 1],
                           "the status is named twice");
            }
        }

        policy->final[i] = status;
    }

    return NGX_CONF_OK;
}


char *
ngx_http_jamhook_conf_rate(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_jamhook_loc_conf_t *jlcf = conf;

    u_char     *unit;
    ngx_int_t   n, us;
    ngx_str_t  *value;

    if (jlcf->rate_place.file) {
        return "is duplicate";
    }

    ngx_http_jamhook_conf_here(cf, &jlcf->rate_place);
    ngx_http_jamhook_conf_needs_store(cf, cmd);

    value = cf->args->elts;

    if (ngx_strcmp(value[1].data, "off") == 0) {
        return NGX_CONF_OK;
    }

    n = NGX_ERROR;
    us = 0;

    if (value[1].len > 3) {
        unit = value[1].data + value[1].len - 3;
        n = ngx_atoi(value[1].data, value[1].len - 3);

        if (ngx_strcmp(unit, "r/s") == 0) {
            us = 1000000;

        } else if (ngx_strcmp(unit, "r/m") == 0) {
            us = 60 * 1000000;
        }
    }

    if (n < 1 || n > us) {
        return ngx_http_jamhook_conf_invalid(cf, &value[1],
                   "give a number of attempts such as 10r/s or 30r/m, of 1 "
                   "or more and at most a million a second, or \"off\"");
    }

    /* never more attempts than the rate: a fraction is rounded up */

    jlcf->rate_interval = (us + n - 1) / n;

    return NGX_CONF_OK;
}


char *
ngx_http_jamhook_conf_disable_after(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    ngx_http_jamhook_loc_conf_t *jlcf = conf;

    ngx_int_t   time;
    ngx_str_t  *value;

    if (jlcf->disable_after != NGX_CONF_UNSET_MSEC) {
        return "is duplicate";
    }

    ngx_http_jamhook_conf_needs_store(cf, cmd);

    value = cf->args->elts;

    if (ngx_strcmp(value[1].data, "off") == 0) {
        jlcf->disable_after = 0;
        return NGX_CONF_OK;
    }

    time = ngx_parse_time(&value[1], 0);

    if (time < 1 || time / 1000 > NGX_HTTP_JAMHOOK_CONF_TIME_MAX) {
        return ngx_http_jamhook_conf_invalid(cf, &value[1],
                   "give a time from 1ms to 36500d, such as 5d, or \"off\"");
    }

    jlcf->disable_after = time;

    return NGX_CONF_OK;
}


void
ngx_http_jamhook_conf_needs_store(ngx_conf_t *cf, ngx_command_t *cmd)
{
    ngx_http_jamhook_main_conf_t  *jmcf;

    jmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_jamhook_module);

    if (jmcf->needs_store == NULL) {
        jmcf->needs_store = (char *) cmd->name.data;
        ngx_http_jamhook_conf_here(cf, &jmcf->needs_store_place);
    }
}


void
ngx_http_jamhook_conf_merge_policy(ngx_http_jamhook_loc_conf_t *prev,
    ngx_http_jamhook_loc_conf_t *conf)
{
    if (conf->policy.delays == NULL) {
        conf->policy.delays = prev->policy.delays;
        conf->policy.ndelays = prev->policy.ndelays;
    }

    if (conf->policy.delays == NULL) {
        conf->policy.delays = ngx_http_jamhook_conf_delays;
        conf->policy.ndelays = sizeof(ngx_http_jamhook_conf_delays)
                               / sizeof(ngx_msec_t);
    }

    if (conf->policy.final == NULL) {
        conf->policy.final = prev->policy.final;
        conf->policy.nfinal = prev->policy.nfinal;
    }

    ngx_conf_merge_msec_value(conf->disable_after, prev->disable_after,
                              NGX_HTTP_JAMHOOK_CONF_DISABLE_AFTER);
}


ngx_int_t
ngx_http_jamhook_conf_check_store(ngx_conf_t *cf,
    ngx_http_jamhook_main_conf_t *jmcf)
{
    ngx_uint_t                      i, n;
    ngx_http_jamhook_endpoint_t   **ep;
    ngx_http_jamhook_store_conf_t  *store;

    store = jmcf->store;

    if (store == NULL) {

        if (jmcf->needs_store == NULL) {
            return NGX_OK;
        }

        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                      "\"%s\" needs \"jamhook_store\": without a store "
                      "nothing is kept or tried again, in %s:%ui",
                      jmcf->needs_store, jmcf->needs_store_place.file,
                      jmcf->needs_store_place.line);
        return NGX_ERROR;
    }

    ngx_conf_init_value(jmcf->retention, NGX_HTTP_JAMHOOK_CONF_RETENTION);

    if (store->conninfo.len == 0
        && ngx_http_jamhook_conf_check_store_place(cf, jmcf) != NGX_OK)
    {
        return NGX_ERROR;
    }

    ep = jmcf->endpoints.elts;
    n = jmcf->endpoints.nelts;

    if (n == 0) {
        return NGX_OK;
    }

    store->endpoints = ngx_palloc(cf->pool, n * sizeof(ngx_str_t));
    if (store->endpoints == NULL) {
        return NGX_ERROR;
    }

    store->nendpoints = n;

    for (i = 0; i < n; i++) {
        store->endpoints[i] = ep[i]->name;
    }

    return NGX_OK;
}


/* nginx removes what it does not know from its caches' directories */

static ngx_int_t
ngx_http_jamhook_conf_check_store_place(ngx_conf_t *cf,
    ngx_http_jamhook_main_conf_t *jmcf)
{
    ngx_str_t    *place;
    ngx_uint_t    i;
    ngx_path_t  **path;

    place = &jmcf->store->place;
    path = cf->cycle->paths.elts;

    for (i = 0; i < cf->cycle->paths.nelts; i++) {

        if (place->len < path[i]->name.len
            || ngx_strncmp(place->data, path[i]->name.data,
                           path[i]->name.len)
               != 0)
        {
            continue;
        }

        if (place->len > path[i]->name.len
            && (place->data[path[i]->name.len] != '/'
                || path[i]->loader == NULL))
        {
            continue;
        }

        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                      "invalid value \"%V\" in \"jamhook_store\": nginx keeps "
                      "files of its own in \"%V\", give the store a directory "
                      "of its own, in %s:%ui",
                      place, &path[i]->name,
                      jmcf->store_place.file, jmcf->store_place.line);

        return NGX_ERROR;
    }

    return NGX_OK;
}


/*
 * Not by ngx_add_path(), which does the same: where it cannot, nginx neither
 * starts nor reloads.
 */

void
ngx_http_jamhook_conf_store_directory(ngx_cycle_t *cycle)
{
    char                          *what;
    u_char                        *p, text[NGX_MAX_ERROR_STR];
    ngx_err_t                      err;
    ngx_core_conf_t               *ccf;
    ngx_http_jamhook_main_conf_t  *jmcf;

    jmcf = ngx_http_cycle_get_module_main_conf(cycle, ngx_http_jamhook_module);

    if (jmcf == NULL || jmcf->store == NULL) {
        return;
    }

    if (jmcf->store->conninfo.len) {
        ngx_http_jamhook_conf_pgsql_passfile(cycle, jmcf);
        return;
    }

    ccf = (ngx_core_conf_t *) ngx_get_conf(cycle->conf_ctx, ngx_core_module);

    what = ngx_http_jamhook_conf_make_directory(jmcf->store->place.data, ccf);

    if (what == NULL) {
        return;
    }

    err = ngx_errno;

    p = ngx_strerror(err, text, sizeof(text) - 1);
    *p = '\0';

    /*
     * To where warnings of the configuration go: the new cycle's own log has
     * the level of "error_log", and would say nothing for nginx -t.
     */

    ngx_log_error(NGX_LOG_WARN, ngx_cycle->log, 0,
                  "the directory \"%V\" in \"jamhook_store\" cannot be used, "
                  "%s failed (%d: %s): jamhook's locations will answer 503 "
                  "until that is mended, in %s:%ui",
                  &jmcf->store->place, what, err, text,
                  jmcf->store_place.file, jmcf->store_place.line);
}


/* NULL: the workers can use it.  Else what failed, with ngx_errno. */

static char *
ngx_http_jamhook_conf_make_directory(u_char *dir, ngx_core_conf_t *ccf)
{
    mode_t           mode;
    ngx_err_t        err;
    ngx_file_info_t  fi;

    if (ngx_create_dir(dir, 0700) == NGX_FILE_ERROR && ngx_errno != NGX_EEXIST)
    {
        return ngx_create_dir_n;
    }

    if (ngx_file_info(dir, &fi) == NGX_FILE_ERROR) {
        return ngx_file_info_n;
    }

    if (!ngx_is_dir(&fi)) {
        ngx_set_errno(NGX_ENOTDIR);
        return "opening it";
    }

    if (ccf->user == (ngx_uid_t) NGX_CONF_UNSET_UINT) {

        /* the workers are who we are */

        return (access((char *) dir, W_OK|X_OK) == -1) ? "access()" : NULL;
    }

    /* the superuser is told of this alone */

    if (access((char *) dir, W_OK) == -1 && ngx_errno == EROFS) {
        return "access()";
    }

    if (fi.st_uid != ccf->user && !ngx_http_jamhook_conf_is_store(dir)) {

        /* somebody else's, by a slip of the pen */

        ngx_set_errno(ENOTEMPTY);
        return "taking it over";
    }

    if (fi.st_uid != ccf->user && chown((char *) dir, ccf->user, -1) == -1) {

        err = ngx_errno;

        /* a file system may know no owners */

        mode = (fi.st_gid == ccf->group) ? S_IWGRP|S_IXGRP : S_IWOTH|S_IXOTH;

        if ((fi.st_mode & mode) == mode) {
            return NULL;
        }

        ngx_set_errno(err);
        return "chown()";
    }

    if ((fi.st_mode & S_IRWXU) != S_IRWXU
        && chmod((char *) dir, (fi.st_mode & 07777) | S_IRWXU) == -1)
    {
        return "chmod()";
    }

    return NULL;
}


/* 1 if the directory holds a store, or nothing at all */

static ngx_uint_t
ngx_http_jamhook_conf_is_store(u_char *dir)
{
    u_char      *name;
    ngx_dir_t    d;
    ngx_str_t    path;
    ngx_uint_t   empty, store;

    path.data = dir;
    path.len = ngx_strlen(dir);

    if (ngx_open_dir(&path, &d) == NGX_ERROR) {
        return 0;
    }

    empty = 1;
    store = 0;

    while (ngx_read_dir(&d) == NGX_OK) {
        name = ngx_de_name(&d);

        if (ngx_strcmp(name, ".") == 0
            || ngx_strcmp(name, "..") == 0
            || ngx_strcmp(name, "lost+found") == 0)
        {
            continue;
        }

        empty = 0;

        if (ngx_strcmp(name, "jamhook.db") == 0) {
            store = 1;
            break;
        }
    }

    (void) ngx_close_dir(&d);

    return empty || store;
}
