
#include "ngx_http_jamhook_sqlite.h"


/*
 * A version's step makes it of the one before.  It only adds: so the module
 * that is one release older goes on working with it, and "compatible" stays.
 * A step that cannot do so sets it to its own version.
 */

typedef struct {
    const char  **sql;
} ngx_http_jamhook_sqlite_step_t;


/*
 * Operators read the store with the sqlite3 shell: what ".schema" shows is the
 * text between the quotes, comments and all, and the views are for them.
 */

static const char  *ngx_http_jamhook_sqlite_version_1[] = {

    "PRAGMA application_id = 1248684139",

    "CREATE TABLE meta (\n"
    "    key         TEXT NOT NULL PRIMARY KEY,\n"
    "    value       -- compatible: the lowest version of the module's schema\n"
    "                --   (PRAGMA user_version) that may use this store\n"
    "                -- last_event: no event gets this number or a lower one\n"
    ") WITHOUT ROWID",

    "INSERT INTO meta (key, value) VALUES ('compatible', 1),"
    " ('last_event', 0)",

    "CREATE TABLE endpoints (\n"
    "    id            INTEGER PRIMARY KEY,\n"
    "    name          TEXT NOT NULL UNIQUE,\n"
    "    paused        INTEGER NOT NULL DEFAULT 0,\n"
    "                  -- 0: active, 1: by hand, 2: it answered 410,\n"
    "                  -- 3: failed for too long (jamhook_disable_after)\n"
    "    paused_at     INTEGER NOT NULL DEFAULT 0,\n"
    "                  -- this and all times: Unix, milliseconds; 0: not\n"
    "    failing_since INTEGER NOT NULL DEFAULT 0,\n"
    "                  -- the first failure after the last success\n"
    "    probe_at      INTEGER NOT NULL DEFAULT 0,\n"
    "                  -- paused 3: when one delivery is tried\n"
    "    seen_at       INTEGER NOT NULL\n"
    "                  -- when a configuration had it last\n"
    ")",

    "CREATE TABLE events (\n"
    "    seq             INTEGER PRIMARY KEY,    -- never used twice\n"
    "    received_at     INTEGER NOT NULL,\n"
    "    forgotten       INTEGER NOT NULL DEFAULT 0,\n"
    "                    -- 1: what told of a customer was taken out\n"
    "    id              TEXT NOT NULL UNIQUE,   -- the message's\n"
    "    source          TEXT,                   -- location it came by\n"
    "    event_id        TEXT,\n"
    "    type            TEXT,\n"
    "    created_at      TEXT,                   -- as sent\n"
    "    conversation_id TEXT,\n"
    "    jam_id          TEXT,\n"
    "    recording_url   TEXT,\n"
    "    key             TEXT,       -- fingerprint: verified its signature\n"
    "    headers         TEXT,                   -- JSON\n"
    "    body            BLOB                    -- byte for byte\n"
    ")",

    "CREATE INDEX events_type ON events (type)",

    "CREATE INDEX events_conversation ON events (conversation_id)"
    " WHERE conversation_id IS NOT NULL",

    "CREATE INDEX events_jam ON events (jam_id) WHERE jam_id IS NOT NULL",

    "CREATE TABLE deliveries (\n"
    "    event       INTEGER NOT NULL,           -- events.seq\n"
    "    endpoint    INTEGER NOT NULL,           -- endpoints.id\n"
    "    state       INTEGER NOT NULL,\n"
    "                -- 0: pending (or paused, as its endpoint is),\n"
    "                -- 1: sending, 2: succeeded, 3: failed\n"
    "    class       INTEGER NOT NULL DEFAULT 0,\n"
    "                -- 0: new, goes first, 1: backlog\n"
    "    next_at     INTEGER NOT NULL DEFAULT 0, -- pending: when it is due\n"
    "    attempts    INTEGER NOT NULL DEFAULT 0, -- the last one's number\n"
    "    replay      INTEGER NOT NULL DEFAULT 0, -- manual replays\n"
    "    step        INTEGER NOT NULL DEFAULT 0, -- jamhook_retry used up\n"
    "    interrupted INTEGER NOT NULL DEFAULT 0, -- attempts, in a row\n"
    "    trigger     INTEGER NOT NULL DEFAULT 0,\n"
    "                -- of the next attempt: 0: scheduled, 1: manual\n"
    "    lease_until INTEGER NOT NULL DEFAULT 0,\n"
    "                -- sending: CLOCK_MONOTONIC, milliseconds\n"
    "    claimed_at  INTEGER NOT NULL DEFAULT 0,\n"
    "    changed_at  INTEGER NOT NULL,\n"
    "    lease_owner TEXT,       -- sending: who locks the file worker.OWNER\n"
    "    PRIMARY KEY (event, endpoint)\n"
    ") WITHOUT ROWID",

    "CREATE INDEX deliveries_due"
    " ON deliveries (endpoint, class, next_at) WHERE state = 0",

    /* with the state, which is always the same, they are enough to count by */

    "CREATE INDEX deliveries_pending"
    " ON deliveries (endpoint, event, state) WHERE state = 0",

    "CREATE INDEX deliveries_sending"
    " ON deliveries (lease_owner, lease_until) WHERE state = 1",

    "CREATE INDEX deliveries_failed"
    " ON deliveries (endpoint, event, state) WHERE state = 3",

    "CREATE TABLE attempts (\n"
    "    seq              INTEGER PRIMARY KEY,\n"
    "    event            INTEGER NOT NULL,      -- events.seq\n"
    "    endpoint         INTEGER NOT NULL,      -- endpoints.id\n"
    "    number           INTEGER NOT NULL,      -- 1, 2, ... of a delivery\n"
    "    trigger          INTEGER NOT NULL,\n"
    "                     -- 0: scheduled, 1: manual\n"
    "    result           INTEGER NOT NULL,\n"
    "                     -- 0: succeeded, 1: failed, 2: interrupted\n"
    "    started_at       INTEGER NOT NULL,\n"
    "    duration         INTEGER NOT NULL,      -- milliseconds\n"
    "    status           INTEGER NOT NULL,      -- 0: no response\n"
    "    truncated        INTEGER NOT NULL,      -- response_body is\n"
    "    error            TEXT,\n"
    "    request_headers  TEXT,                  -- JSON, set by jamhook\n"
    "    response_headers TEXT,                  -- JSON\n"
    "    request_body     BLOB,                  -- NULL: the event's\n"
    "    response_body    BLOB\n"
    ")",

    "CREATE INDEX attempts_event ON attempts (event)",

    "CREATE INDEX attempts_result ON attempts (endpoint, result)",

    "CREATE TABLE tallies (\n"
    "    endpoint    INTEGER PRIMARY KEY,        -- endpoints.id\n"
    "    succeeded   INTEGER NOT NULL            -- deliveries in that state\n"
    ")",

    "CREATE TABLE rollups (                      -- of attempts\n"
    "    span        INTEGER NOT NULL,   -- 0: a minute, 1: an hour\n"
    "    at          INTEGER NOT NULL,   -- its beginning, Unix, seconds\n"
    "    endpoint    INTEGER NOT NULL,           -- endpoints.id\n"
    "    slot        INTEGER NOT NULL,\n"
    "                -- result * 256 + a number for the duration, eight for\n"
    "                -- each doubling\n"
    "    n           INTEGER NOT NULL,\n"
    "    PRIMARY KEY (span, at, endpoint, slot)\n"
    ") WITHOUT ROWID",

    "CREATE TABLE probe (\n"
    "    id          INTEGER PRIMARY KEY,\n"
    "    data        BLOB        -- written to see whether the disk takes it\n"
    ")",

    "CREATE VIEW show_endpoints AS\n"
    "SELECT id, name,\n"
    "    CASE paused WHEN 0 THEN 'active' ELSE 'paused' END AS state,\n"
    "    CASE paused WHEN 0 THEN NULL WHEN 1 THEN 'manual'\n"
    "        WHEN 2 THEN 'gone' WHEN 3 THEN 'failing' ELSE paused END"
    " AS reason,\n"
    "    datetime(nullif(paused_at, 0) / 1000, 'unixepoch') AS paused_at,\n"
    "    datetime(nullif(failing_since, 0) / 1000, 'unixepoch')"
    " AS failing_since,\n"
    "    datetime(seen_at / 1000, 'unixepoch') AS seen_at\n"
    "FROM endpoints",

    "CREATE VIEW show_events AS\n"
    "SELECT seq, datetime(received_at / 1000, 'unixepoch') AS received_at,\n"
    "    id, source, type, conversation_id, jam_id, forgotten,\n"
    "    length(body) AS bytes\n"
    "FROM events",

    "CREATE VIEW show_deliveries AS\n"
    "SELECT d.event, e.id, p.name AS endpoint,\n"
    "    CASE d.state WHEN 0 THEN CASE WHEN p.paused\n"
    "        THEN 'paused' ELSE 'pending' END\n"
    "        WHEN 1 THEN 'sending' WHEN 2 THEN 'succeeded'\n"
    "        WHEN 3 THEN 'failed' ELSE d.state END AS state,\n"
    "    CASE d.state WHEN 0 THEN\n"
    "        datetime(d.next_at / 1000, 'unixepoch') END AS next_attempt_at,\n"
    "    d.attempts, d.replay,\n"
    "    datetime(d.changed_at / 1000, 'unixepoch') AS changed_at\n"
    "FROM deliveries d LEFT JOIN events e ON e.seq = d.event\n"
    "    LEFT JOIN endpoints p ON p.id = d.endpoint",

    "CREATE VIEW show_attempts AS\n"
    "SELECT a.seq, a.event, e.id, p.name AS endpoint, a.number,\n"
    "    CASE a.trigger WHEN 0 THEN 'scheduled' WHEN 1 THEN 'manual'\n"
    "        ELSE a.trigger END AS trigger,\n"
    "    datetime(a.started_at / 1000, 'unixepoch') AS started_at,\n"
    "    a.duration,\n"
    "    CASE a.result WHEN 0 THEN 'succeeded' WHEN 1 THEN 'failed'\n"
    "        WHEN 2 THEN 'interrupted' ELSE a.result END AS result,\n"
    "    nullif(a.status, 0) AS status, a.error\n"
    "FROM attempts a LEFT JOIN events e ON e.seq = a.event\n"
    "    LEFT JOIN endpoints p ON p.id = a.endpoint",

    NULL
};


/* by version - 1 */

static ngx_http_jamhook_sqlite_step_t  ngx_http_jamhook_sqlite_steps[] = {
    { ngx_http_jamhook_sqlite_version_1 }
};


ngx_int_t
ngx_http_jamhook_sqlite_schema_check(ngx_http_jamhook_sqlite_t *s,
    int64_t *version)
{
    int64_t  id, tables, compatible;

    if (ngx_http_jamhook_sqlite_number(s, "PRAGMA application_id", &id)
        != NGX_OK
        || ngx_http_jamhook_sqlite_number(s, "PRAGMA user_version", version)
           != NGX_OK
        || ngx_http_jamhook_sqlite_number(s,
                                          "SELECT count(*) FROM sqlite_master",
                                          &tables)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (id == 0 && *version == 0 && tables == 0) {
        return NGX_OK;
    }

    if (id != NGX_HTTP_JAMHOOK_SQLITE_ID || *version < 1) {
        return ngx_http_jamhook_sqlite_fail_text(s,
                                           NGX_HTTP_JAMHOOK_STORE_CORRUPT,
                                           "the file is not a jamhook store");
    }

    if (ngx_http_jamhook_sqlite_number(s,
                            "SELECT value FROM meta WHERE key = 'compatible'",
                                       &compatible)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (compatible == NGX_HTTP_JAMHOOK_SQLITE_LEFT) {
        return ngx_http_jamhook_sqlite_fail_text(s,
                                           NGX_HTTP_JAMHOOK_STORE_LEFT,
                                           "\"jamhook move\" has taken all that"
                                           " was in it over to PostgreSQL");
    }

    if (*version > NGX_HTTP_JAMHOOK_SQLITE_VERSION + 1
        || compatible > NGX_HTTP_JAMHOOK_SQLITE_VERSION)
    {
        return ngx_http_jamhook_sqlite_fail_text(s,
                                           NGX_HTTP_JAMHOOK_STORE_NEWER,
                                           "the store was made by a later"
                                           " version of the module");
    }

    return NGX_OK;
}


ngx_int_t
ngx_http_jamhook_sqlite_schema_upgrade(ngx_http_jamhook_sqlite_t *s,
    int64_t version)
{
    char          sql[64];
    const char  **p;

    if (version >= NGX_HTTP_JAMHOOK_SQLITE_VERSION) {
        return NGX_OK;
    }

    for ( /* void */ ; version < NGX_HTTP_JAMHOOK_SQLITE_VERSION; version++) {

        for (p = ngx_http_jamhook_sqlite_steps[version].sql; *p != NULL; p++) {

            if (ngx_http_jamhook_sqlite_exec(s, *p) != NGX_OK) {
                return NGX_ERROR;
            }
        }
    }

    /* a pragma takes no parameter */

    (void) sqlite3_snprintf(sizeof(sql), sql, "PRAGMA user_version = %d",
                            NGX_HTTP_JAMHOOK_SQLITE_VERSION);

    return ngx_http_jamhook_sqlite_exec(s, sql);
}
