
#include "ngx_http_jamhook_conf.h"


static ngx_int_t ngx_http_jamhook_conf_keys_read(ngx_conf_t *cf,
    ngx_str_t *directive, ngx_str_t *name, ngx_str_t *text);
static void ngx_http_jamhook_conf_keys_warn(ngx_conf_t *cf,
    ngx_str_t *directive, ngx_http_jamhook_keys_t *keys);
static void ngx_http_jamhook_conf_keys_cleanup(void *data);


ngx_http_jamhook_keys_t *
ngx_http_jamhook_conf_keys(ngx_conf_t *cf, ngx_str_t *directive,
    ngx_str_t *name, ngx_http_jamhook_secret_use_e use)
{
    char                     *why;
    ngx_int_t                 rc;
    ngx_str_t                 text;
    ngx_uint_t                line;
    ngx_pool_cleanup_t       *cln;
    ngx_http_jamhook_keys_t  *keys;

    keys = ngx_pcalloc(cf->pool, sizeof(ngx_http_jamhook_keys_t));
    if (keys == NULL) {
        return NULL;
    }

    keys->file = *name;

    if (ngx_array_init(&keys->keys, cf->pool, 2,
                       sizeof(ngx_http_jamhook_key_t))
        != NGX_OK)
    {
        return NULL;
    }

    cln = ngx_pool_cleanup_add(cf->pool, 0);
    if (cln == NULL) {
        return NULL;
    }

    cln->handler = ngx_http_jamhook_conf_keys_cleanup;
    cln->data = keys;

    if (ngx_http_jamhook_conf_keys_read(cf, directive, name, &text)
        != NGX_OK)
    {
        return NULL;
    }

    rc = ngx_http_jamhook_secret_parse(&text, use, &keys->keys, &line, &why);

    ngx_explicit_memzero(text.data, text.len);
    ngx_free(text.data);

    if (rc == NGX_OK) {
        ngx_http_jamhook_conf_keys_warn(cf, directive, keys);
        return keys;
    }

    if (rc == NGX_DECLINED && line) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid key file \"%V\" in \"%V\": line %ui: %s",
                           name, directive, line, why);

    } else if (rc == NGX_DECLINED) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid key file \"%V\" in \"%V\": %s",
                           name, directive, why);
    }

    return NULL;
}


/* text.data is the caller's to wipe and to free with ngx_free() */

static ngx_int_t
ngx_http_jamhook_conf_keys_read(ngx_conf_t *cf, ngx_str_t *directive,
    ngx_str_t *name, ngx_str_t *text)
{
    size_t           size;
    ssize_t          n;
    ngx_str_t        path;
    ngx_file_t       file;
    ngx_file_info_t  fi;

    path = *name;

    if (ngx_conf_full_name(cf->cycle, &path, 1) != NGX_OK) {
        return NGX_ERROR;
    }

    ngx_memzero(&file, sizeof(ngx_file_t));

    file.name = path;
    file.log = cf->log;

    text->data = NULL;

    /* NONBLOCK: a FIFO has no writer to wait for */

    file.fd = ngx_open_file(path.data, NGX_FILE_RDONLY|NGX_FILE_NONBLOCK,
                            NGX_FILE_OPEN, 0);

    if (file.fd == NGX_INVALID_FILE) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, ngx_errno,
                           "the key file \"%V\" of \"%V\" cannot be opened",
                           &path, directive);
        return NGX_ERROR;
    }

    if (ngx_fd_info(file.fd, &fi) == NGX_FILE_ERROR) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, ngx_errno,
                           ngx_fd_info_n " \"%V\" failed", &path);
        goto failed;
    }

    if (!ngx_is_file(&fi)) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "the key file \"%V\" of \"%V\" is not a regular "
                           "file", &path, directive);
        goto failed;
    }

    if (ngx_file_size(&fi) > NGX_HTTP_JAMHOOK_SECRET_FILE_MAX) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "the key file \"%V\" of \"%V\" is larger than %d "
                           "bytes", &path, directive,
                           NGX_HTTP_JAMHOOK_SECRET_FILE_MAX);
        goto failed;
    }

    if (ngx_file_access(&fi) & (S_IRWXG|S_IRWXO)) {
        ngx_conf_log_error(NGX_LOG_WARN, cf, 0,
                           "the key file \"%V\" of \"%V\" is open to others "
                           "than its owner: chmod 600", &path, directive);
    }

    size = (size_t) ngx_file_size(&fi);

    text->data = ngx_alloc(size + 1, cf->log);
    if (text->data == NULL) {
        goto failed;
    }

    n = ngx_read_file(&file, text->data, size, 0);

    if (n == NGX_ERROR || (size_t) n != size) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "the key file \"%V\" of \"%V\" could not be read "
                           "as a whole", &path, directive);
        ngx_explicit_memzero(text->data, size);
        ngx_free(text->data);
        goto failed;
    }

    text->len = size;

    if (ngx_close_file(file.fd) == NGX_FILE_ERROR) {
        ngx_log_error(NGX_LOG_ALERT, cf->log, ngx_errno,
                      ngx_close_file_n " \"%V\" failed", &path);
    }

    return NGX_OK;

failed:

    if (ngx_close_file(file.fd) == NGX_FILE_ERROR) {
        ngx_log_error(NGX_LOG_ALERT, cf->log, ngx_errno,
                      ngx_close_file_n " \"%V\" failed", &path);
    }

    return NGX_ERROR;
}


static void
ngx_http_jamhook_conf_keys_warn(ngx_conf_t *cf, ngx_str_t *directive,
    ngx_http_jamhook_keys_t *keys)
{
    ngx_uint_t               i;
    ngx_http_jamhook_key_t  *key;

    key = keys->keys.elts;

    for (i = 0; i < keys->keys.nelts; i++) {

        if (key[i].is_short) {
            ngx_conf_log_error(NGX_LOG_WARN, cf, 0,
                               "key %ui of the file \"%V\" of \"%V\" is "
                               "short: Standard Webhooks asks for 24 to 64 "
                               "bytes",
                               i + 1, &keys->file, directive);
        }
    }
}


static void
ngx_http_jamhook_conf_keys_cleanup(void *data)
{
    ngx_http_jamhook_keys_t *keys = data;

    ngx_http_jamhook_secret_free(&keys->keys);
}
