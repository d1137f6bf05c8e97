
#include "ngx_http_jamhook_sqlite_turn.h"
#include "ngx_http_jamhook_clock.h"

#include <stdio.h>
#include <sys/file.h>


/*
 * us between two looks, and up to so much: many may wait for "next", one for
 * "now".  A lock that is waited for in the kernel would have no time limit.
 */

#define NGX_HTTP_JAMHOOK_TURN_NEXT  500
#define NGX_HTTP_JAMHOOK_TURN_NOW   50


static ngx_fd_t ngx_http_jamhook_turn_file(char *dir, char *name);
static ngx_int_t ngx_http_jamhook_turn_lock(ngx_fd_t fd, ngx_uint_t nap,
    int64_t until);


void
ngx_http_jamhook_turn_open(ngx_http_jamhook_turn_t *turn, char *dir)
{
    turn->next = ngx_http_jamhook_turn_file(dir, "turn.next");
    turn->now = ngx_http_jamhook_turn_file(dir, "turn.now");
}


void
ngx_http_jamhook_turn_close(ngx_http_jamhook_turn_t *turn)
{
    if (turn->next != NGX_INVALID_FILE) {
        (void) close(turn->next);
        turn->next = NGX_INVALID_FILE;
    }

    if (turn->now != NGX_INVALID_FILE) {
        (void) close(turn->now);
        turn->now = NGX_INVALID_FILE;
    }
}


ngx_int_t
ngx_http_jamhook_turn_take(ngx_http_jamhook_turn_t *turn, ngx_msec_t patience)
{
    int64_t    until;
    ngx_int_t  rc;

    if (turn->next == NGX_INVALID_FILE || turn->now == NGX_INVALID_FILE) {
        return NGX_OK;
    }

    until = ngx_http_jamhook_clock_mono() + (int64_t) patience;

    if (ngx_http_jamhook_turn_lock(turn->next, NGX_HTTP_JAMHOOK_TURN_NEXT,
                                   until)
        != NGX_OK)
    {
        return NGX_BUSY;
    }

    rc = ngx_http_jamhook_turn_lock(turn->now, NGX_HTTP_JAMHOOK_TURN_NOW,
                                    until);

    (void) flock(turn->next, LOCK_UN);

    return rc;
}


void
ngx_http_jamhook_turn_give(ngx_http_jamhook_turn_t *turn)
{
    if (turn->now != NGX_INVALID_FILE) {
        (void) flock(turn->now, LOCK_UN);
    }
}


static ngx_fd_t
ngx_http_jamhook_turn_file(char *dir, char *name)
{
    int   n;
    char  path[NGX_MAX_PATH];

    n = snprintf(path, sizeof(path), "%s/%s", dir, name);

    if (n < 0 || n >= (int) sizeof(path)) {
        return NGX_INVALID_FILE;
    }

    return open(path, O_RDWR|O_CREAT|O_CLOEXEC|O_NOFOLLOW, 0600);
}


static ngx_int_t
ngx_http_jamhook_turn_lock(ngx_fd_t fd, ngx_uint_t nap, int64_t until)
{
    struct timespec  ts;

    for ( ;; ) {

        if (flock(fd, LOCK_EX|LOCK_NB) == 0) {
            return NGX_OK;
        }

        if (ngx_errno != EWOULDBLOCK && ngx_errno != NGX_EINTR) {

            /* no locks on this file system: SQLite's own has to do */

            return NGX_OK;
        }

        if (ngx_http_jamhook_clock_mono() >= until) {
            return NGX_BUSY;
        }

        ts.tv_sec = 0;
        ts.tv_nsec = 1000 * (nap + ngx_random() % nap);

        (void) nanosleep(&ts, NULL);
    }
}
