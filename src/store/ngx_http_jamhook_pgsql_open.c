
#include "ngx_http_jamhook_pgsql.h"
#include "ngx_http_jamhook_clock.h"
#include "ngx_http_jamhook_crypto.h"



/* Who this process is, for its leases. */
typedef struct {
    u_char    name[NGX_HTTP_JAMHOOK_PGSQL_OWNER];
} ngx_http_jamhook_pgsql_member_t;


static ngx_int_t ngx_http_jamhook_pgsql_refused(ngx_http_jamhook_pgsql_t *s);
static ngx_int_t ngx_http_jamhook_pgsql_settle(ngx_http_jamhook_pgsql_t *s);
static void ngx_http_jamhook_pgsql_notice(void *data, const PGresult *res);
static void ngx_http_jamhook_pgsql_ended(ngx_http_jamhook_pgsql_t *s,
    const PGresult *res);
static ngx_uint_t ngx_http_jamhook_pgsql_is_unconfirmed(
    ngx_http_jamhook_pgsql_t *s, const PGresult *res, const char *state);
static ngx_int_t ngx_http_jamhook_pgsql_endpoint_ids(
    ngx_http_jamhook_pgsql_t *s, PGresult *res, void *data);


/*
 * Plans: no walks through tables, for one that was planned while a table was
 * empty may be used until it is large.  Sessions that are cut off in the middle
 * of a transaction give their locks up soon.  Commits that are not waited for
 * would be acknowledged, and lost; "local" and the like were somebody's choice.
 */

static char  ngx_http_jamhook_pgsql_settings[] =
    "SELECT set_config('search_path', 'jamhook', false),"
    " set_config('enable_seqscan', 'off', false),"
    " set_config('enable_hashjoin', 'off', false),"
    " set_config('enable_mergejoin', 'off', false),"
    " set_config('jit', 'off', false),"
    " set_config('client_min_messages', 'warning', false),"
    " set_config('default_transaction_isolation', 'read committed', false),"
    " set_config('statement_timeout', '0', false),"
    " set_config('plan_cache_mode', 'force_generic_plan', false),"
    " set_config('lock_timeout', '5s', false),"
    " set_config('idle_in_transaction_session_timeout', '10s', false),"
    " set_config('tcp_keepalives_idle', '10', false),"
    " set_config('tcp_keepalives_interval', '5', false),"
    " set_config('tcp_keepalives_count', '3', false),"
    " set_config('synchronous_commit',"
    " CASE current_setting('synchronous_commit') WHEN 'off' THEN 'on'"
    " ELSE current_setting('synchronous_commit') END, false)";

/*
 * A shard that no other session has, the lowest one, for all that there ever
 * were are summed up.  The lock goes with the connection.
 */

static char  ngx_http_jamhook_pgsql_writing[] =
    "SELECT i::int8 FROM generate_series(0, 255) i"
    " WHERE pg_try_advisory_lock(1248684139, i) LIMIT 1";

static char  ngx_http_jamhook_pgsql_reading[] =
    "SELECT set_config('statement_timeout', '8s', false)";


ngx_http_jamhook_pgsql_t *
ngx_http_jamhook_pgsql_create(ngx_http_jamhook_store_conf_t *conf,
    ngx_log_t *log)
{
    ngx_pool_t                *pool;
    ngx_http_jamhook_pgsql_t  *s;

    pool = ngx_create_pool(NGX_DEFAULT_POOL_SIZE, log);

    if (pool == NULL) {
        return NULL;
    }

    s = ngx_pcalloc(pool, sizeof(ngx_http_jamhook_pgsql_t));

    if (s == NULL) {
        ngx_destroy_pool(pool);
        return NULL;
    }

    s->pool = pool;
    s->log = log;
    s->conf = conf;

    s->endpoints = ngx_pcalloc(pool, (conf->nendpoints + 1)
                               * sizeof(ngx_http_jamhook_pgsql_endpoint_t));
    if (s->endpoints == NULL) {
        ngx_destroy_pool(pool);
        return NULL;
    }

    return s;
}


void
ngx_http_jamhook_pgsql_disconnect(ngx_http_jamhook_pgsql_t *s)
{
    PQfinish(s->db);

    s->db = NULL;
    s->broken = 0;
    s->ended[0] = '\0';

    ngx_memzero(s->prepared, sizeof(s->prepared));
}


void
ngx_http_jamhook_pgsql_destroy(ngx_http_jamhook_pgsql_t *s)
{
    ngx_http_jamhook_pgsql_disconnect(s);

    ngx_destroy_pool(s->pool);
}


ngx_int_t
ngx_http_jamhook_pgsql_member(ngx_http_jamhook_pgsql_t *s)
{
    u_char                            random[NGX_HTTP_JAMHOOK_PGSQL_OWNER / 2];
    ngx_http_jamhook_pgsql_member_t  *member;

    member = s->conf->member;

    if (member == NULL) {
        member = ngx_alloc(sizeof(ngx_http_jamhook_pgsql_member_t), s->log);

        if (member == NULL) {
            return ngx_http_jamhook_pgsql_fail_memory(s);
        }

        if (ngx_http_jamhook_crypto_random(random, sizeof(random)) != NGX_OK) {
            ngx_free(member);
            return ngx_http_jamhook_pgsql_fail_text(s,
                                              NGX_HTTP_JAMHOOK_STORE_MEMORY,
                                              "no random bytes");
        }

        (void) ngx_hex_dump(member->name, random, sizeof(random));

        s->conf->member = member;
    }

    s->owner.data = member->name;
    s->owner.len = NGX_HTTP_JAMHOOK_PGSQL_OWNER;

    return NGX_OK;
}


/*
 * What stands before the conninfo is a default.  Each host that is tried may
 * take its time, and the thread that waits here does nothing else.
 */

ngx_int_t
ngx_http_jamhook_pgsql_connect(ngx_http_jamhook_pgsql_t *s)
{
    const char  *keys[] = { "connect_timeout", "keepalives_idle",
                            "keepalives_interval", "keepalives_count",
                            "tcp_user_timeout", "fallback_application_name",
                            "dbname", "client_encoding", NULL };

    const char  *values[] = { "3", "10", "5", "3", "10000", "jamhook",
                              (char *) s->conf->conninfo.data, "UTF8", NULL };

    s->db = PQconnectdbParams(keys, values, 1);

    if (s->db == NULL) {
        return ngx_http_jamhook_pgsql_fail_memory(s);
    }

    /* connecting has its own limits */

    s->deadline = ngx_http_jamhook_clock_mono()
                  + (int64_t) ngx_http_jamhook_pgsql_patience;

    if (PQstatus(s->db) != CONNECTION_OK) {
        return ngx_http_jamhook_pgsql_refused(s);
    }

    (void) PQsetNoticeReceiver(s->db, ngx_http_jamhook_pgsql_notice, s);

    if (PQsetnonblocking(s->db, 1) != 0 || PQenterPipelineMode(s->db) != 1) {
        return ngx_http_jamhook_pgsql_fail_connection(s);
    }

    return ngx_http_jamhook_pgsql_settle(s);
}


/*
 * libpq keeps no SQLSTATE of a connection that failed, and the server may say
 * it in its own language; but libpq knows whether it was asked for a password.
 */

static ngx_int_t
ngx_http_jamhook_pgsql_refused(ngx_http_jamhook_pgsql_t *s)
{
    char                        *text;
    ngx_http_jamhook_failure_e   kind;

    text = PQerrorMessage(s->db);
    kind = NGX_HTTP_JAMHOOK_STORE_AWAY;

    if (ngx_strstr(text, "too many connections")
        || ngx_strstr(text, "remaining connection slots"))
    {
        /* what a password was taken for, too */

    } else if (ngx_strstr(text, "FATAL:  database \"")) {
        kind = NGX_HTTP_JAMHOOK_STORE_CANTOPEN;

    } else if (PQconnectionNeedsPassword(s->db)
               || PQconnectionUsedPassword(s->db)
               || ngx_strstr(text, "pg_hba.conf")
               || ngx_strstr(text, "authentication failed")
               || ngx_strstr(text, "permission denied")
               || ngx_strstr(text, "is not permitted to log in")
               || ngx_strstr(text, "FATAL:  role \""))
    {
        kind = NGX_HTTP_JAMHOOK_STORE_DENIED;
    }

    s->broken = 1;

    return ngx_http_jamhook_pgsql_fail_text(s, kind, text);
}


static ngx_int_t
ngx_http_jamhook_pgsql_settle(ngx_http_jamhook_pgsql_t *s)
{
    PGresult  *res;

    res = ngx_http_jamhook_pgsql_exec(s, ngx_http_jamhook_pgsql_settings);

    if (res == NULL) {
        return NGX_ERROR;
    }

    PQclear(res);

    if (s->kind == NGX_HTTP_JAMHOOK_SESSION_WRITE) {
        res = ngx_http_jamhook_pgsql_exec(s, ngx_http_jamhook_pgsql_writing);

        if (res == NULL) {
            return NGX_ERROR;
        }

        /* where there are more sessions, some wait for each other */

        s->shard = PQntuples(res) ? ngx_http_jamhook_pgsql_column(res, 0, 0)
                                  : 0;
        PQclear(res);

        return NGX_OK;
    }

    res = ngx_http_jamhook_pgsql_exec(s, ngx_http_jamhook_pgsql_reading);

    if (res == NULL) {
        return NGX_ERROR;
    }

    PQclear(res);

    if (s->conf->guest) {
        return NGX_OK;
    }

    res = ngx_http_jamhook_pgsql_exec(s, "LISTEN jamhook");

    if (res == NULL) {
        return NGX_ERROR;
    }

    PQclear(res);

    return NGX_OK;
}


static void
ngx_http_jamhook_pgsql_notice(void *data, const PGresult *res)
{
    ngx_http_jamhook_pgsql_t *s = data;

    char  *severity, *state;

    severity = PQresultErrorField(res, PG_DIAG_SEVERITY_NONLOCALIZED);
    state = PQresultErrorField(res, PG_DIAG_SQLSTATE);

    if (severity && ngx_strcmp(severity, "FATAL") == 0) {

        /* it ends the session while nothing is asked */

        ngx_http_jamhook_pgsql_ended(s, res);
        s->broken = 1;
        return;
    }

    if (severity == NULL || ngx_strcmp(severity, "WARNING") != 0) {
        return;
    }

    /* a server that ends at once says that much, and no more */

    if (state && ngx_strncmp(state, "57P", 3) == 0) {
        ngx_http_jamhook_pgsql_ended(s, res);
    }

    if (ngx_http_jamhook_pgsql_is_unconfirmed(s, res, state)) {
        s->warned = 1;
    }
}


static void
ngx_http_jamhook_pgsql_ended(ngx_http_jamhook_pgsql_t *s, const PGresult *res)
{
    char  *text;

    text = PQresultErrorField(res, PG_DIAG_MESSAGE_PRIMARY);

    if (text != NULL) {
        (void) ngx_cpystrn(s->ended, (u_char *) text, sizeof(s->ended));
    }
}


/*
 * A server that no longer waits for its standby to confirm a commit, for it was
 * told to shut down or to cancel, says so in a warning: the transaction is on
 * its own disk, and would be gone with it.  The text may be in any language,
 * and the SQLSTATE is that of all warnings.  But triggers' have a context, also
 * of those that wait for the COMMIT; and what auto_explain says of a statement
 * may come when the next one begins.  Any other is taken for it, for if it was
 * another we are wrong on the safe side.
 */

static ngx_uint_t
ngx_http_jamhook_pgsql_is_unconfirmed(ngx_http_jamhook_pgsql_t *s,
    const PGresult *res, const char *state)
{
    char  *file;

    if (!s->committing || PQresultErrorField(res, PG_DIAG_CONTEXT) != NULL) {
        return 0;
    }

    file = PQresultErrorField(res, PG_DIAG_SOURCE_FILE);

    if (file && ngx_strcmp(file, "auto_explain.c") == 0) {
        return 0;
    }

    return state == NULL || ngx_strcmp(state, "01000") == 0
           || ngx_strncmp(state, "57P", 3) == 0;
}


ngx_int_t
ngx_http_jamhook_pgsql_endpoints(ngx_http_jamhook_pgsql_t *s)
{
    ngx_uint_t                       i;
    ngx_http_jamhook_pgsql_array_t   names;
    ngx_http_jamhook_pgsql_query_t   q;

    if (s->conf->nendpoints == 0) {
        return NGX_OK;
    }

    if (s->kind == NGX_HTTP_JAMHOOK_SESSION_WRITE && !s->conf->guest) {
        ngx_memzero(&names, sizeof(ngx_http_jamhook_pgsql_array_t));

        ngx_http_jamhook_pgsql_query(&q, s,
                                     NGX_HTTP_JAMHOOK_PGSQL_ENDPOINT_ADD);
        ngx_http_jamhook_pgsql_time(&q);

        for (i = 0; i < s->conf->nendpoints; i++) {
            ngx_http_jamhook_pgsql_array_text(&q, &names,
                                              &s->conf->endpoints[i]);
        }

        ngx_http_jamhook_pgsql_texts(&q, &names);

        if (ngx_http_jamhook_pgsql_send(&q, NULL, NULL) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    ngx_memzero(&names, sizeof(ngx_http_jamhook_pgsql_array_t));

    ngx_http_jamhook_pgsql_query(&q, s, NGX_HTTP_JAMHOOK_PGSQL_ENDPOINT_FIND);

    for (i = 0; i < s->conf->nendpoints; i++) {
        ngx_http_jamhook_pgsql_array_text(&q, &names, &s->conf->endpoints[i]);
    }

    ngx_http_jamhook_pgsql_texts(&q, &names);

    if (ngx_http_jamhook_pgsql_send(&q, ngx_http_jamhook_pgsql_endpoint_ids,
                                    NULL)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_http_jamhook_pgsql_flush(s);
}


static ngx_int_t
ngx_http_jamhook_pgsql_endpoint_ids(ngx_http_jamhook_pgsql_t *s, PGresult *res,
    void *data)
{
    int         row;
    ngx_uint_t  index;

    for (row = 0; row < PQntuples(res); row++) {
        index = ngx_http_jamhook_pgsql_column(res, row, 0) - 1;

        s->endpoints[index].id = ngx_http_jamhook_pgsql_column(res, row, 1);
    }

    if (s->kind == NGX_HTTP_JAMHOOK_SESSION_WRITE && !s->conf->guest
        && (ngx_uint_t) PQntuples(res) != s->conf->nendpoints)
    {
        return ngx_http_jamhook_pgsql_fail_text(s,
                                              NGX_HTTP_JAMHOOK_STORE_CORRUPT,
                                              "the row of an endpoint is gone");
    }

    return NGX_OK;
}
