
/*
 * Turn: who writes next.  SQLite lets anybody write who comes at the right
 * moment, which on a slow disk is for ever the one that just has.  Workers take
 * a turn before they ask SQLite: two files locked by flock(), of which the
 * first is held only while its holder waits for the second.  Who has just
 * written finds the first one taken by who waits.
 *
 * It is for fairness alone: SQLite's own lock is what counts, and where the
 * files cannot be had it is all there is.
 */


#ifndef _NGX_HTTP_JAMHOOK_SQLITE_TURN_H_INCLUDED_
#define _NGX_HTTP_JAMHOOK_SQLITE_TURN_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


typedef struct {
    ngx_fd_t          next;                  /* NGX_INVALID_FILE: none */
    ngx_fd_t          now;
} ngx_http_jamhook_turn_t;


/* Opens the files in dir (NUL-terminated). */
void ngx_http_jamhook_turn_open(ngx_http_jamhook_turn_t *turn, char *dir);
void ngx_http_jamhook_turn_close(ngx_http_jamhook_turn_t *turn);

/*
 * Waits for a turn, at most so many ms.  NGX_OK; NGX_BUSY: others write all the
 * time, or one of them does not end.
 */
ngx_int_t ngx_http_jamhook_turn_take(ngx_http_jamhook_turn_t *turn,
    ngx_msec_t patience);
void ngx_http_jamhook_turn_give(ngx_http_jamhook_turn_t *turn);


#endif /* _NGX_HTTP_JAMHOOK_SQLITE_TURN_H_INCLUDED_ */
