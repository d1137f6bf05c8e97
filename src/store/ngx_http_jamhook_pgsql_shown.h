
/*
 * What the portal reads of a PostgreSQL store: its rows, as shown.h wants them.
 */


#ifndef _NGX_HTTP_JAMHOOK_PGSQL_SHOWN_H_INCLUDED_
#define _NGX_HTTP_JAMHOOK_PGSQL_SHOWN_H_INCLUDED_


#include "ngx_http_jamhook_pgsql.h"
#include "ngx_http_jamhook_shown.h"


typedef struct {
    ngx_http_jamhook_pgsql_t           *s;
    PGresult                           *res;
    int                                 row;
    int                                 first;   /* column that is the row's */
} ngx_http_jamhook_pgsql_row_t;


/*
 * Queues the statement for the endpoints; they are there after the next round
 * trip.
 */
ngx_int_t ngx_http_jamhook_pgsql_shown_init(ngx_http_jamhook_shown_t *shown,
    ngx_http_jamhook_pgsql_t *s, ngx_pool_t *pool);


#endif /* _NGX_HTTP_JAMHOOK_PGSQL_SHOWN_H_INCLUDED_ */
