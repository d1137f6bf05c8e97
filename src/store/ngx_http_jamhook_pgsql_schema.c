
#include "ngx_http_jamhook_pgsql.h"


/*
 * The tables are SQLite's, and so are the numbers in them; times are Unix
 * milliseconds, by the database's clock.  What differs has to do with several
 * nodes that write at once: leases end by time alone, numbers come from
 * identities, and sums have a shard, so that sessions do not wait for each
 * other's rows.  Numbers grow with the time: those of what another store had,
 * and is moved here, are below all others.  A queue's rows change often: there
 * is room left in the pages, and autovacuum comes soon.
 */

#define NGX_HTTP_JAMHOOK_PGSQL_QUEUE                                          \
    " WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02,"          \
    " autovacuum_vacuum_threshold = 1000,"                                    \
    " autovacuum_vacuum_insert_scale_factor = 0.1,"                           \
    " autovacuum_analyze_scale_factor = 0.05,"                                \
    " autovacuum_analyze_threshold = 1000,"                                   \
    " autovacuum_vacuum_cost_delay = 0)"

#define NGX_HTTP_JAMHOOK_PGSQL_LOG                                            \
    " WITH (autovacuum_vacuum_scale_factor = 0.02,"                           \
    " autovacuum_vacuum_threshold = 1000,"                                    \
    " autovacuum_vacuum_insert_scale_factor = 0.1,"                           \
    " autovacuum_analyze_scale_factor = 0.05,"                                \
    " autovacuum_analyze_threshold = 1000)"


/* the number of the lock that who makes the tables holds */

#define NGX_HTTP_JAMHOOK_PGSQL_MAKING  "7738153410428823552"

#define NGX_HTTP_JAMHOOK_PGSQL_OLDEST  140000        /* of the server */


/* What a database holds. */
typedef struct {
    int64_t     version;                             /* 0: no table of ours */
    ngx_uint_t  schema;                              /* it is there, empty */
    ngx_uint_t  may;                                 /* make tables there */
} ngx_http_jamhook_pgsql_found_t;


static ngx_int_t ngx_http_jamhook_pgsql_schema_server(
    ngx_http_jamhook_pgsql_t *s);
static ngx_int_t ngx_http_jamhook_pgsql_schema_look(
    ngx_http_jamhook_pgsql_t *s, ngx_http_jamhook_pgsql_found_t *found);
static ngx_int_t ngx_http_jamhook_pgsql_schema_check(
    ngx_http_jamhook_pgsql_t *s, ngx_http_jamhook_pgsql_found_t *found);
static ngx_int_t ngx_http_jamhook_pgsql_schema_upgrade(
    ngx_http_jamhook_pgsql_t *s, ngx_uint_t *created);
static ngx_int_t ngx_http_jamhook_pgsql_schema_steps(
    ngx_http_jamhook_pgsql_t *s, ngx_http_jamhook_pgsql_found_t *found);
static ngx_int_t ngx_http_jamhook_pgsql_schema_run(
    ngx_http_jamhook_pgsql_t *s, const char *sql);


/*
 * A version's step makes it of the one before, and ends with the statement that
 * notes it.  It only adds: so the module that is one release older goes on
 * working with it, and "compatible" stays.  A step that cannot do so sets it to
 * its own version.
 */

static const char  ngx_http_jamhook_pgsql_version_1[] =
    "INSERT INTO jamhook.meta (key, value) VALUES ('version', 1),"
    " ('compatible', 1)";


/* by version - 1 */

static const char  *ngx_http_jamhook_pgsql_steps[] = {
    ngx_http_jamhook_pgsql_version_1
};


/* all steps, one behind the other: together they make the newest */

const char  *ngx_http_jamhook_pgsql_tables[] = {

    "CREATE TABLE jamhook.meta (\n"
    "    key          text PRIMARY KEY,\n"
    "    value        bigint NOT NULL\n"
    "                 -- version: of the schema\n"
    "                 -- compatible: the lowest version of the module's\n"
    "                 --   schema that may use this store\n"
    ")",

    "CREATE TABLE jamhook.endpoints (\n"
    "    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,\n"
    "    name          text NOT NULL UNIQUE,\n"
    "    paused        int NOT NULL DEFAULT 0,\n"
    "                  -- 0: active, 1: by hand, 2: it answered 410,\n"
    "                  -- 3: failed for too long (jamhook_disable_after)\n"
    "    paused_at     bigint NOT NULL DEFAULT 0,\n"
    "                  -- this and all times: Unix, milliseconds; 0: not\n"
    "    failing_since bigint NOT NULL DEFAULT 0,\n"
    "                  -- the first failure after the last success\n"
    "    probe_at      bigint NOT NULL DEFAULT 0,\n"
    "                  -- paused 3: when one delivery is tried\n"
    "    seen_at       bigint NOT NULL\n"
    "                  -- when a configuration had it last\n"
    ") WITH (fillfactor = 20)",

    "CREATE TABLE jamhook.events (\n"
    "    seq             bigint GENERATED ALWAYS AS IDENTITY"
    " (START WITH 1000000000000000) PRIMARY KEY,\n"
    "    received_at     bigint NOT NULL,\n"
    "    forgotten       int NOT NULL DEFAULT 0,\n"
    "                    -- 1: what told of a customer was taken out\n"
    "    id              text NOT NULL UNIQUE,   -- the message's\n"
    "    source          text,                   -- location it came by\n"
    "    event_id        text,\n"
    "    type            text,\n"
    "    created_at      text,                   -- as sent\n"
    "    conversation_id text,\n"
    "    jam_id          text,\n"
    "    recording_url   text,\n"
    "    key             text,       -- fingerprint: verified its signature\n"
    "    headers         text,                   -- JSON\n"
    "    body            bytea                   -- byte for byte\n"
    ")" NGX_HTTP_JAMHOOK_PGSQL_LOG,

    "CREATE INDEX events_type ON jamhook.events (type, seq)",

    "CREATE INDEX events_conversation ON jamhook.events (conversation_id, seq)"
    " WHERE conversation_id IS NOT NULL",

    "CREATE INDEX events_jam ON jamhook.events (jam_id, seq)"
    " WHERE jam_id IS NOT NULL",

    "CREATE TABLE jamhook.deliveries (\n"
    "    event       bigint NOT NULL,            -- events.seq\n"
    "    endpoint    bigint NOT NULL,            -- endpoints.id\n"
    "    state       int NOT NULL,\n"
    "                -- 0: pending (or paused, as its endpoint is),\n"
    "                -- 1: sending, 2: succeeded, 3: failed\n"
    "    class       int NOT NULL DEFAULT 0,\n"
    "                -- 0: new, goes first, 1: backlog\n"
    "    next_at     bigint NOT NULL DEFAULT 0,  -- pending: when it is due\n"
    "    attempts    int NOT NULL DEFAULT 0,     -- the last one's number\n"
    "    replay      int NOT NULL DEFAULT 0,     -- manual replays\n"
    "    step        int NOT NULL DEFAULT 0,     -- jamhook_retry used up\n"
    "    interrupted int NOT NULL DEFAULT 0,     -- attempts, in a row\n"
    "    trigger     int NOT NULL DEFAULT 0,\n"
    "                -- of the next attempt: 0: scheduled, 1: manual\n"
    "    lease_until bigint NOT NULL DEFAULT 0,  -- sending\n"
    "    claimed_at  bigint NOT NULL DEFAULT 0,\n"
    "    changed_at  bigint NOT NULL,\n"
    "    lease_owner text,       -- sending: the name of a worker\n"
    "    PRIMARY KEY (event, endpoint)\n"
    ")" NGX_HTTP_JAMHOOK_PGSQL_QUEUE,

    "CREATE INDEX deliveries_due"
    " ON jamhook.deliveries (endpoint, class, next_at, event)"
    " WHERE state = 0",

    "CREATE INDEX deliveries_pending"
    " ON jamhook.deliveries (endpoint, event) WHERE state = 0",

    "CREATE INDEX deliveries_sending"
    " ON jamhook.deliveries (lease_until) WHERE state = 1",

    "CREATE INDEX deliveries_failed"
    " ON jamhook.deliveries (endpoint, event) WHERE state = 3",

    "CREATE TABLE jamhook.attempts (\n"
    "    seq              bigint GENERATED ALWAYS AS IDENTITY"
    " (START WITH 1000000000000000) PRIMARY KEY,\n"
    "    event            bigint NOT NULL,       -- events.seq\n"
    "    endpoint         bigint NOT NULL,       -- endpoints.id\n"
    "    number           int NOT NULL,          -- 1, 2, ... of a delivery\n"
    "    trigger          int NOT NULL,\n"
    "                     -- 0: scheduled, 1: manual\n"
    "    result           int NOT NULL,\n"
    "                     -- 0: succeeded, 1: failed, 2: interrupted\n"
    "    started_at       bigint NOT NULL,\n"
    "    duration         bigint NOT NULL,       -- milliseconds\n"
    "    status           int NOT NULL,          -- 0: no response\n"
    "    truncated        int NOT NULL,          -- response_body is\n"
    "    error            text,\n"
    "    request_headers  text,                  -- JSON, set by jamhook\n"
    "    response_headers text,                  -- JSON\n"
    "    request_body     bytea,                 -- NULL: the event's\n"
    "    response_body    bytea\n"
    ")" NGX_HTTP_JAMHOOK_PGSQL_LOG,

    /*
     * What came of an attempt is written again where nobody knows whether the
     * COMMIT before was carried out; who speaks for a worker that is gone only
     * ever says "interrupted".
     */
    "CREATE UNIQUE INDEX attempts_event"
    " ON jamhook.attempts (event, endpoint, number, (result = 2))",

    "CREATE INDEX attempts_result"
    " ON jamhook.attempts (endpoint, result, seq)",

    "CREATE TABLE jamhook.tallies (\n"
    "    endpoint    bigint NOT NULL,            -- endpoints.id\n"
    "    shard       int NOT NULL,\n"
    "                -- one of several rows, to be summed up\n"
    "    succeeded   bigint NOT NULL,            -- deliveries in that state\n"
    "    PRIMARY KEY (endpoint, shard)\n"
    ") WITH (fillfactor = 20)",

    "CREATE TABLE jamhook.rollups (              -- of attempts\n"
    "    span        int NOT NULL,       -- 0: a minute, 1: an hour\n"
    "    at          bigint NOT NULL,    -- its beginning, Unix, seconds\n"
    "    endpoint    bigint NOT NULL,            -- endpoints.id\n"
    "    slot        int NOT NULL,\n"
    "                -- result * 256 + a number for the duration, eight for\n"
    "                -- each doubling\n"
    "    shard       int NOT NULL,\n"
    "    n           bigint NOT NULL,\n"
    "    PRIMARY KEY (span, at, endpoint, slot, shard)\n"
    ")" NGX_HTTP_JAMHOOK_PGSQL_QUEUE,

    "CREATE TABLE jamhook.probe (\n"
    "    id          int PRIMARY KEY,\n"
    "    data        bytea       -- written to see whether the disk takes it\n"
    ")",

    /* for people */

    "CREATE VIEW jamhook.show_endpoints AS\n"
    "SELECT id, name,\n"
    "    CASE paused WHEN 0 THEN 'active' ELSE 'paused' END AS state,\n"
    "    CASE paused WHEN 0 THEN NULL WHEN 1 THEN 'manual'\n"
    "        WHEN 2 THEN 'gone' WHEN 3 THEN 'failing'\n"
    "        ELSE paused::text END AS reason,\n"
    "    to_timestamp(nullif(paused_at, 0) / 1000.0) AS paused_at,\n"
    "    to_timestamp(nullif(failing_since, 0) / 1000.0) AS failing_since,\n"
    "    to_timestamp(seen_at / 1000.0) AS seen_at\n"
    "FROM jamhook.endpoints",

    "CREATE VIEW jamhook.show_events AS\n"
    "SELECT seq, to_timestamp(received_at / 1000.0) AS received_at,\n"
    "    id, source, type, conversation_id, jam_id, forgotten,\n"
    "    octet_length(body) AS bytes\n"
    "FROM jamhook.events",

    "CREATE VIEW jamhook.show_deliveries AS\n"
    "SELECT d.event, e.id, p.name AS endpoint,\n"
    "    CASE d.state WHEN 0 THEN CASE WHEN p.paused <> 0\n"
    "        THEN 'paused' ELSE 'pending' END\n"
    "        WHEN 1 THEN 'sending' WHEN 2 THEN 'succeeded'\n"
    "        WHEN 3 THEN 'failed' ELSE d.state::text END AS state,\n"
    "    CASE d.state WHEN 0 THEN\n"
    "        to_timestamp(d.next_at / 1000.0) END AS next_attempt_at,\n"
    "    d.attempts, d.replay,\n"
    "    to_timestamp(d.changed_at / 1000.0) AS changed_at\n"
    "FROM jamhook.deliveries d\n"
    "    LEFT JOIN jamhook.events e ON e.seq = d.event\n"
    "    LEFT JOIN jamhook.endpoints p ON p.id = d.endpoint",

    "CREATE VIEW jamhook.show_attempts AS\n"
    "SELECT a.seq, a.event, e.id, p.name AS endpoint, a.number,\n"
    "    CASE a.trigger WHEN 0 THEN 'scheduled' WHEN 1 THEN 'manual'\n"
    "        ELSE a.trigger::text END AS trigger,\n"
    "    to_timestamp(a.started_at / 1000.0) AS started_at,\n"
    "    a.duration,\n"
    "    CASE a.result WHEN 0 THEN 'succeeded' WHEN 1 THEN 'failed'\n"
    "        WHEN 2 THEN 'interrupted' ELSE a.result::text END AS result,\n"
    "    nullif(a.status, 0) AS status, a.error\n"
    "FROM jamhook.attempts a\n"
    "    LEFT JOIN jamhook.events e ON e.seq = a.event\n"
    "    LEFT JOIN jamhook.endpoints p ON p.id = a.endpoint",

    ngx_http_jamhook_pgsql_version_1,

    NULL
};


const char  *ngx_http_jamhook_pgsql_grants[] = {
    "GRANT USAGE ON SCHEMA jamhook TO jamhook",
    "GRANT SELECT ON ALL TABLES IN SCHEMA jamhook TO jamhook",
    "GRANT INSERT, UPDATE, DELETE ON jamhook.endpoints, jamhook.events,\n"
    "    jamhook.deliveries, jamhook.attempts, jamhook.tallies,\n"
    "    jamhook.rollups, jamhook.probe TO jamhook",
    NULL
};


ngx_int_t
ngx_http_jamhook_pgsql_schema(ngx_http_jamhook_pgsql_t *s,
    ngx_uint_t *created)
{
    ngx_http_jamhook_pgsql_found_t  found;

    if (ngx_http_jamhook_pgsql_schema_server(s) != NGX_OK
        || ngx_http_jamhook_pgsql_schema_look(s, &found) != NGX_OK
        || ngx_http_jamhook_pgsql_schema_check(s, &found) != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (found.version >= NGX_HTTP_JAMHOOK_PGSQL_VERSION) {
        return NGX_OK;
    }

    if (s->kind == NGX_HTTP_JAMHOOK_SESSION_WRITE && !s->conf->guest) {

        if (found.version == 0 && !found.may) {
            return ngx_http_jamhook_pgsql_fail_text(s,
                                            NGX_HTTP_JAMHOOK_STORE_NOSTORE,
                                            "the database has no tables of"
                                            " jamhook, and this user may not"
                                            " make them");
        }

        return ngx_http_jamhook_pgsql_schema_upgrade(s, created);
    }

    if (found.version == 0) {
        return ngx_http_jamhook_pgsql_fail_text(s,
                                            NGX_HTTP_JAMHOOK_STORE_NOSTORE,
                                            "the database has no tables of"
                                            " jamhook");
    }

    return ngx_http_jamhook_pgsql_fail_text(s, NGX_HTTP_JAMHOOK_STORE_OLDER,
                                            "the store was made by an earlier"
                                            " version of the module");
}


/* the server says both when the connection is made */

static ngx_int_t
ngx_http_jamhook_pgsql_schema_server(ngx_http_jamhook_pgsql_t *s)
{
    const char  *encoding;

    if (PQserverVersion(s->db) < NGX_HTTP_JAMHOOK_PGSQL_OLDEST) {
        return ngx_http_jamhook_pgsql_fail_text(s,
                                            NGX_HTTP_JAMHOOK_STORE_CORRUPT,
                                            "the server is older than"
                                            " PostgreSQL 14");
    }

    encoding = PQparameterStatus(s->db, "server_encoding");

    if (encoding == NULL || ngx_strcmp(encoding, "UTF8") != 0) {
        return ngx_http_jamhook_pgsql_fail_text(s,
                                            NGX_HTTP_JAMHOOK_STORE_CORRUPT,
                                            "the database was not made with"
                                            " the encoding UTF8");
    }

    return NGX_OK;
}


/* without an error in the server's log where there is nothing */

static ngx_int_t
ngx_http_jamhook_pgsql_schema_look(ngx_http_jamhook_pgsql_t *s,
    ngx_http_jamhook_pgsql_found_t *found)
{
    PGresult    *res;
    ngx_uint_t   meta, others;

    res = ngx_http_jamhook_pgsql_exec(s,
             "SELECT n.id IS NOT NULL, coalesce("
             "has_schema_privilege(n.id, 'CREATE'),"
             " has_database_privilege(current_database(), 'CREATE')),"
             " EXISTS (SELECT 1 FROM pg_class"
             " WHERE relnamespace = n.id AND relname = 'meta'),"
             " EXISTS (SELECT 1 FROM pg_class WHERE relnamespace = n.id)"
             " FROM (SELECT to_regnamespace('jamhook')::oid AS id) n");

    if (res == NULL) {
        return NGX_ERROR;
    }

    found->version = 0;
    found->schema = ngx_http_jamhook_pgsql_column(res, 0, 0);
    found->may = ngx_http_jamhook_pgsql_column(res, 0, 1);
    meta = ngx_http_jamhook_pgsql_column(res, 0, 2);
    others = ngx_http_jamhook_pgsql_column(res, 0, 3);

    PQclear(res);

    if (meta) {
        found->version = -1;
        return NGX_OK;
    }

    if (others) {
        return ngx_http_jamhook_pgsql_fail_text(s,
                                            NGX_HTTP_JAMHOOK_STORE_CORRUPT,
                                            "the schema \"jamhook\" holds"
                                            " something, but no store");
    }

    return NGX_OK;
}


/* which version it is, and whether this module may use it */

static ngx_int_t
ngx_http_jamhook_pgsql_schema_check(ngx_http_jamhook_pgsql_t *s,
    ngx_http_jamhook_pgsql_found_t *found)
{
    int64_t    compatible;
    PGresult  *res;

    if (found->version == 0) {
        return NGX_OK;
    }

    res = ngx_http_jamhook_pgsql_exec(s,
             "SELECT"
             " (SELECT value FROM jamhook.meta WHERE key = 'version'),"
             " (SELECT value FROM jamhook.meta WHERE key = 'compatible')");

    if (res == NULL) {
        return NGX_ERROR;
    }

    found->version = ngx_http_jamhook_pgsql_column(res, 0, 0);
    compatible = ngx_http_jamhook_pgsql_column(res, 0, 1);

    PQclear(res);

    if (found->version < 1) {
        return ngx_http_jamhook_pgsql_fail_text(s,
                                            NGX_HTTP_JAMHOOK_STORE_CORRUPT,
                                            "the schema \"jamhook\" is not a"
                                            " jamhook store");
    }

    if (found->version > NGX_HTTP_JAMHOOK_PGSQL_VERSION + 1
        || compatible > NGX_HTTP_JAMHOOK_PGSQL_VERSION)
    {
        return ngx_http_jamhook_pgsql_fail_text(s,
                                            NGX_HTTP_JAMHOOK_STORE_NEWER,
                                            "the store was made by a later"
                                            " version of the module");
    }

    return NGX_OK;
}


/*
 * Nodes and workers that start at once come here one after the other, and who
 * comes second finds it done.  What fails is undone when the session is closed.
 */

static ngx_int_t
ngx_http_jamhook_pgsql_schema_upgrade(ngx_http_jamhook_pgsql_t *s,
    ngx_uint_t *created)
{
    ngx_http_jamhook_pgsql_found_t  found;

    if (ngx_http_jamhook_pgsql_schema_run(s, "BEGIN") != NGX_OK
        || ngx_http_jamhook_pgsql_schema_run(s,
               "SELECT pg_advisory_xact_lock(" NGX_HTTP_JAMHOOK_PGSQL_MAKING
               ")")
           != NGX_OK
        || ngx_http_jamhook_pgsql_schema_look(s, &found) != NGX_OK
        || ngx_http_jamhook_pgsql_schema_check(s, &found) != NGX_OK)
    {
        return NGX_ERROR;
    }

    if ((found.version < NGX_HTTP_JAMHOOK_PGSQL_VERSION
         && ngx_http_jamhook_pgsql_schema_steps(s, &found) != NGX_OK)
        || ngx_http_jamhook_pgsql_schema_run(s, "COMMIT") != NGX_OK)
    {
        return NGX_ERROR;
    }

    *created = (found.version == 0);

    return NGX_OK;
}


/* who may not make a schema may have been given one */

static ngx_int_t
ngx_http_jamhook_pgsql_schema_steps(ngx_http_jamhook_pgsql_t *s,
    ngx_http_jamhook_pgsql_found_t *found)
{
    const char  **p;

    if (found->version == 0 && !found->schema
        && ngx_http_jamhook_pgsql_schema_run(s, "CREATE SCHEMA jamhook")
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    p = ngx_http_jamhook_pgsql_tables;

    if (found->version != 0) {

        /* behind what made that version */

        while (*p++ != ngx_http_jamhook_pgsql_steps[found->version - 1]) {
            /* void */
        }
    }

    for ( /* void */ ; *p != NULL; p++) {

        if (ngx_http_jamhook_pgsql_schema_run(s, *p) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_jamhook_pgsql_schema_run(ngx_http_jamhook_pgsql_t *s,
    const char *sql)
{
    PGresult  *res;

    res = ngx_http_jamhook_pgsql_exec(s, sql);

    if (res == NULL) {
        return NGX_ERROR;
    }

    PQclear(res);

    return NGX_OK;
}
