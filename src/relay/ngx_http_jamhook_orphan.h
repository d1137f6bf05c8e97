
/*
 * Orphan: what other workers left.  Every second, and when another node has
 * released something, a worker looks in the store for leases that are over,
 * because their process is gone or their time has come, and writes
 * "interrupted" for those attempts, so that the deliveries go on; and how the
 * endpoints stand.  Event loop only.
 */


#ifndef _NGX_HTTP_JAMHOOK_ORPHAN_H_INCLUDED_
#define _NGX_HTTP_JAMHOOK_ORPHAN_H_INCLUDED_


#include "ngx_http_jamhook.h"


#define NGX_HTTP_JAMHOOK_ORPHAN_EVERY   1000     /* ms */

/* Not more often, however often another node releases something. */
#define NGX_HTTP_JAMHOOK_ORPHAN_WAKE    50       /* ms */


/* Readies a worker, once its store and claim are. */
void ngx_http_jamhook_orphan_init(ngx_cycle_t *cycle,
    ngx_http_jamhook_main_conf_t *jmcf);


#endif /* _NGX_HTTP_JAMHOOK_ORPHAN_H_INCLUDED_ */
