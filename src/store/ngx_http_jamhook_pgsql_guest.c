
#include "ngx_http_jamhook_pgsql.h"


static ngx_int_t ngx_http_jamhook_pgsql_names(ngx_http_jamhook_pgsql_t *s,
    PGresult *res, void *data);


/*
 * A store that has no directory belongs to nobody here: who asks stays who he
 * is, and the server judges him when a session is opened, which also says
 * whether there is a store.
 */

ngx_int_t
ngx_http_jamhook_pgsql_look_for(ngx_http_jamhook_store_conf_t *conf,
    uid_t *uid, gid_t *gid, ngx_http_jamhook_failure_t *failure)
{
    (void) conf;
    (void) failure;

    *uid = geteuid();
    *gid = getegid();

    return NGX_OK;
}


ngx_int_t
ngx_http_jamhook_pgsql_op_names(ngx_http_jamhook_pgsql_t *s,
    ngx_http_jamhook_op_t *o)
{
    ngx_http_jamhook_op_names_t     *op = (ngx_http_jamhook_op_names_t *) o;
    ngx_http_jamhook_pgsql_query_t   q;

    if (ngx_array_init(&op->names, op->pool, 16, sizeof(ngx_str_t)) != NGX_OK)
    {
        return ngx_http_jamhook_pgsql_fail_memory(s);
    }

    ngx_http_jamhook_pgsql_query(&q, s, NGX_HTTP_JAMHOOK_PGSQL_NAMES);

    if (ngx_http_jamhook_pgsql_send(&q, ngx_http_jamhook_pgsql_names, op)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_http_jamhook_pgsql_flush(s);
}


static ngx_int_t
ngx_http_jamhook_pgsql_names(ngx_http_jamhook_pgsql_t *s, PGresult *res,
    void *data)
{
    ngx_http_jamhook_op_names_t *op = data;

    int         row;
    ngx_str_t  *name;

    for (row = 0; row < PQntuples(res); row++) {

        name = ngx_array_push(&op->names);
        if (name == NULL) {
            return ngx_http_jamhook_pgsql_fail_memory(s);
        }

        if (ngx_http_jamhook_pgsql_copy(s, op->pool, res, row, 0, name)
            != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}
