
#include "ngx_http_jamhook_sqlite_owner.h"

#include <dirent.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/random.h>


#define NGX_HTTP_JAMHOOK_OWNER_PREFIX  "worker."
#define NGX_HTTP_JAMHOOK_OWNER_TRIES   100


static ngx_int_t ngx_http_jamhook_owner_name(ngx_http_jamhook_owner_t *owner);
static ngx_int_t ngx_http_jamhook_owner_path(char *path, char *dir,
    ngx_str_t *name);
static ngx_int_t ngx_http_jamhook_owner_lock(ngx_http_jamhook_owner_t *owner);
static ngx_uint_t ngx_http_jamhook_owner_is_at(ngx_fd_t fd, char *path);
static ngx_uint_t ngx_http_jamhook_owner_is_name(ngx_str_t *name);


ngx_int_t
ngx_http_jamhook_owner_open(ngx_http_jamhook_owner_t *owner, char *dir,
    ngx_err_t *err)
{
    ngx_int_t   rc;
    ngx_uint_t  i;

    owner->fd = NGX_INVALID_FILE;

    for (i = 0; i < NGX_HTTP_JAMHOOK_OWNER_TRIES; i++) {

        if (ngx_http_jamhook_owner_name(owner) != NGX_OK
            || ngx_http_jamhook_owner_path(owner->path, dir, &owner->name)
               != NGX_OK)
        {
            break;
        }

        rc = ngx_http_jamhook_owner_lock(owner);

        if (rc == NGX_OK) {
            return NGX_OK;
        }

        if (rc == NGX_ERROR) {
            break;
        }

        ngx_set_errno(NGX_EAGAIN);
    }

    *err = ngx_errno;

    return NGX_ERROR;
}


ngx_int_t
ngx_http_jamhook_owner_renew(ngx_http_jamhook_owner_t *owner, ngx_err_t *err)
{
    ngx_fd_t    old;
    ngx_int_t   rc;
    ngx_uint_t  i;

    if (ngx_http_jamhook_owner_is_at(owner->fd, owner->path)) {
        return NGX_OK;
    }

    old = owner->fd;
    rc = NGX_AGAIN;

    /* who finds it before it is locked removes it */

    for (i = 0; rc == NGX_AGAIN && i < NGX_HTTP_JAMHOOK_OWNER_TRIES; i++) {
        rc = ngx_http_jamhook_owner_lock(owner);
    }

    if (rc == NGX_OK) {
        (void) close(old);
        return NGX_OK;
    }

    *err = (rc == NGX_AGAIN) ? NGX_EAGAIN : ngx_errno;

    return NGX_ERROR;
}


void
ngx_http_jamhook_owner_close(ngx_http_jamhook_owner_t *owner)
{
    if (owner->fd == NGX_INVALID_FILE) {
        return;
    }

    /* the name first: once unlocked it may be taken for a dead one's */

    if (ngx_http_jamhook_owner_is_at(owner->fd, owner->path)) {
        (void) unlink(owner->path);
    }

    (void) close(owner->fd);

    owner->fd = NGX_INVALID_FILE;
}


ngx_uint_t
ngx_http_jamhook_owner_lives(char *dir, ngx_str_t *name)
{
    char        path[NGX_HTTP_JAMHOOK_OWNER_PATH];
    ngx_fd_t    fd;
    ngx_uint_t  lives;

    if (!ngx_http_jamhook_owner_is_name(name)
        || ngx_http_jamhook_owner_path(path, dir, name) != NGX_OK)
    {
        return 0;
    }

    fd = open(path, O_RDWR|O_CLOEXEC|O_NOFOLLOW|O_NONBLOCK);

    if (fd == NGX_INVALID_FILE) {

        /* no file: dead; no descriptor left, for one: nothing is known */

        return ngx_errno != NGX_ENOENT;
    }

    lives = 1;

    if (flock(fd, LOCK_EX|LOCK_NB) == 0) {

        if (ngx_http_jamhook_owner_is_at(fd, path)) {
            (void) unlink(path);
        }

        lives = 0;
    }

    (void) close(fd);

    return lives;
}


ngx_int_t
ngx_http_jamhook_owner_sweep(char *dir)
{
    DIR            *d;
    size_t          len;
    ngx_int_t       living;
    ngx_str_t       name;
    struct dirent  *entry;

    d = opendir(dir);
    if (d == NULL) {
        return NGX_ERROR;
    }

    living = 0;

    len = sizeof(NGX_HTTP_JAMHOOK_OWNER_PREFIX) - 1;

    for ( ;; ) {
        entry = readdir(d);

        if (entry == NULL) {
            break;
        }

        if (strncmp(entry->d_name, NGX_HTTP_JAMHOOK_OWNER_PREFIX, len) != 0) {
            continue;
        }

        name.data = (u_char *) entry->d_name + len;
        name.len = ngx_strlen(name.data);

        if (ngx_http_jamhook_owner_lives(dir, &name)) {
            living++;
        }
    }

    (void) closedir(d);

    return living;
}


static ngx_int_t
ngx_http_jamhook_owner_name(ngx_http_jamhook_owner_t *owner)
{
    u_char  random[NGX_HTTP_JAMHOOK_OWNER_LEN / 2];

    if (getrandom(random, sizeof(random), 0) != (ssize_t) sizeof(random)) {
        return NGX_ERROR;
    }

    (void) ngx_hex_dump(owner->hex, random, sizeof(random));

    owner->name.data = owner->hex;
    owner->name.len = NGX_HTTP_JAMHOOK_OWNER_LEN;

    return NGX_OK;
}


static ngx_int_t
ngx_http_jamhook_owner_path(char *path, char *dir, ngx_str_t *name)
{
    int  n;

    n = snprintf(path, NGX_HTTP_JAMHOOK_OWNER_PATH,
                 "%s/" NGX_HTTP_JAMHOOK_OWNER_PREFIX "%.*s", dir,
                 (int) name->len, name->data);

    if (n < 0 || n >= NGX_HTTP_JAMHOOK_OWNER_PATH) {
        ngx_set_errno(ENAMETOOLONG);
        return NGX_ERROR;
    }

    return NGX_OK;
}


/*
 * Between open() and flock() the file looks like one that a dead process left,
 * and may be removed as such: NGX_AGAIN.
 */

static ngx_int_t
ngx_http_jamhook_owner_lock(ngx_http_jamhook_owner_t *owner)
{
    ngx_fd_t   fd;
    ngx_err_t  err;

    fd = open(owner->path, O_RDWR|O_CREAT|O_EXCL|O_CLOEXEC, 0600);

    if (fd == NGX_INVALID_FILE) {
        return (ngx_errno == NGX_EEXIST) ? NGX_AGAIN : NGX_ERROR;
    }

    if (flock(fd, LOCK_EX|LOCK_NB) == 0) {

        if (ngx_http_jamhook_owner_is_at(fd, owner->path)) {
            owner->fd = fd;
            return NGX_OK;
        }

        (void) close(fd);
        return NGX_AGAIN;
    }

    err = ngx_errno;

    (void) close(fd);

    if (err == EWOULDBLOCK || err == NGX_EINTR) {

        /* who looks at it removes it */

        return NGX_AGAIN;
    }

    (void) unlink(owner->path);
    ngx_set_errno(err);

    return NGX_ERROR;
}


static ngx_uint_t
ngx_http_jamhook_owner_is_at(ngx_fd_t fd, char *path)
{
    struct stat  mine, there;

    return fstat(fd, &mine) == 0
           && lstat(path, &there) == 0
           && mine.st_ino == there.st_ino
           && mine.st_dev == there.st_dev;
}


/* what comes from the database or a directory becomes part of a path */

static ngx_uint_t
ngx_http_jamhook_owner_is_name(ngx_str_t *name)
{
    size_t  i;
    u_char  ch;

    if (name->len != NGX_HTTP_JAMHOOK_OWNER_LEN) {
        return 0;
    }

    for (i = 0; i < name->len; i++) {
        ch = name->data[i];

        if (!((ch >= '0' && ch <= '9') || (ch >= 'a' && ch <= 'f'))) {
            return 0;
        }
    }

    return 1;
}
