
/*
 * Owner: whose lease it is, and whether that process still lives.
 *
 * An owner has a random name and a file "worker.NAME" in the store's directory
 * that it keeps locked by flock().  The kernel gives the lock up at the very
 * moment the process ends, however it ends; a process id would be reused, and
 * stays for as long as nobody waits for its zombie.
 */


#ifndef _NGX_HTTP_JAMHOOK_SQLITE_OWNER_H_INCLUDED_
#define _NGX_HTTP_JAMHOOK_SQLITE_OWNER_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


#define NGX_HTTP_JAMHOOK_OWNER_LEN   32      /* of a name, hex */
#define NGX_HTTP_JAMHOOK_OWNER_PATH  4096


typedef struct {
    ngx_fd_t          fd;                    /* NGX_INVALID_FILE: none */
    ngx_str_t         name;                  /* points to "hex" */
    u_char            hex[NGX_HTTP_JAMHOOK_OWNER_LEN];
    char              path[NGX_HTTP_JAMHOOK_OWNER_PATH];
} ngx_http_jamhook_owner_t;


/* Makes an owner in dir (NUL-terminated).  NGX_ERROR: *err says why. */
ngx_int_t ngx_http_jamhook_owner_open(ngx_http_jamhook_owner_t *owner,
    char *dir, ngx_err_t *err);

/*
 * Sees to it that its file is in its place; where somebody moved or removed it
 * there is a new one, for the same name.  NGX_ERROR: *err says why.
 */
ngx_int_t ngx_http_jamhook_owner_renew(ngx_http_jamhook_owner_t *owner,
    ngx_err_t *err);

void ngx_http_jamhook_owner_close(ngx_http_jamhook_owner_t *owner);

/* 1 if that owner's process lives; what a dead one left is removed. */
ngx_uint_t ngx_http_jamhook_owner_lives(char *dir, ngx_str_t *name);

/* Removes what dead ones left in dir.  How many live, or NGX_ERROR. */
ngx_int_t ngx_http_jamhook_owner_sweep(char *dir);


#endif /* _NGX_HTTP_JAMHOOK_SQLITE_OWNER_H_INCLUDED_ */
