
#include "ngx_http_jamhook_tool.h"

#if (NGX_HTTP_JAMHOOK_PGSQL)

#include "ngx_http_jamhook_tool_move.h"
#include "ngx_http_jamhook_text.h"

#include <arpa/inet.h>
#include <stdio.h>


/*
 * Rows go by COPY into a temporary table, a batch at a time, and from there to
 * where they belong, so that what is there already can be left out.
 *
 * Lists and retention take it for granted that numbers grow with the time.  So
 * if the new store keeps the numbers below NGX_HTTP_JAMHOOK_MOVE_FIRST free,
 * what is moved gets its number by its time, and stands before all that came in
 * by the new store, also where several old ones are joined.
 */

#define NGX_HTTP_JAMHOOK_MOVE_FIRST      1000000000000000
#define NGX_HTTP_JAMHOOK_MOVE_PER_MS     100         /* numbers */

#define NGX_HTTP_JAMHOOK_MOVE_ROWS       5000        /* of a batch, */
#define NGX_HTTP_JAMHOOK_MOVE_SIZE       (16 * 1024 * 1024)     /* or bytes */
#define NGX_HTTP_JAMHOOK_MOVE_BUFFER     65536
#define NGX_HTTP_JAMHOOK_MOVE_COLUMNS    16
#define NGX_HTTP_JAMHOOK_MOVE_TRIES      40

#define NGX_HTTP_JAMHOOK_MOVE_TABLE(name, columns)                            \
    "CREATE TEMP TABLE " name " (" columns ") ON COMMIT DROP"

#define NGX_HTTP_JAMHOOK_MOVE_EVENT                                           \
    "received_at, forgotten, id, source, event_id, type, created_at,"         \
    " conversation_id, jam_id, recording_url, key, headers, body"

#define NGX_HTTP_JAMHOOK_MOVE_ATTEMPT                                         \
    "endpoint, number, trigger, result, started_at, duration, status,"        \
    " truncated, error"


typedef struct ngx_http_jamhook_move_table_s  ngx_http_jamhook_move_table_t;

struct ngx_http_jamhook_move_table_s {
    const char     *what;
    const char     *select;              /* from the old store */

    /*
     * A letter for each column of it: i(nteger), t(ext), b(ytes), e(ndpoint).
     * Before them goes the row's number, of those that have a time.
     */
    const char     *kinds;
    const char     *copy;

    int64_t       (*time)(sqlite3_stmt *st);
    ngx_int_t     (*batch)(ngx_http_jamhook_move_t *m);
};


static ngx_int_t ngx_http_jamhook_move_begin_rows(ngx_http_jamhook_move_t *m);
static ngx_int_t ngx_http_jamhook_move_table(ngx_http_jamhook_move_t *m,
    ngx_http_jamhook_move_table_t *table, int64_t rows);
static ngx_int_t ngx_http_jamhook_move_batch(ngx_http_jamhook_move_t *m,
    ngx_http_jamhook_move_table_t *table);
static ngx_int_t ngx_http_jamhook_move_row(ngx_http_jamhook_move_t *m,
    ngx_http_jamhook_move_table_t *table, sqlite3_stmt *st);
static ngx_uint_t ngx_http_jamhook_move_to(ngx_http_jamhook_move_t *m,
    ngx_http_jamhook_move_table_t *table, sqlite3_stmt *st, int64_t *to);
static void ngx_http_jamhook_move_progress(ngx_http_jamhook_move_t *m,
    ngx_uint_t last);

static int64_t ngx_http_jamhook_move_event_time(sqlite3_stmt *st);
static int64_t ngx_http_jamhook_move_attempt_time(sqlite3_stmt *st);
static ngx_int_t ngx_http_jamhook_move_events(ngx_http_jamhook_move_t *m);
static ngx_int_t ngx_http_jamhook_move_deliveries(ngx_http_jamhook_move_t *m);
static ngx_int_t ngx_http_jamhook_move_attempts(ngx_http_jamhook_move_t *m);
static ngx_int_t ngx_http_jamhook_move_rollups(ngx_http_jamhook_move_t *m);
static ngx_int_t ngx_http_jamhook_move_states(ngx_http_jamhook_move_t *m);

static ngx_int_t ngx_http_jamhook_move_do(ngx_http_jamhook_move_t *m,
    const char *sql, int64_t *rows);
static ngx_int_t ngx_http_jamhook_move_left(ngx_http_jamhook_move_t *m,
    const char *table, ngx_uint_t try, int64_t *left);

static ngx_int_t ngx_http_jamhook_move_put(ngx_http_jamhook_move_t *m,
    const void *data, size_t len);
static ngx_int_t ngx_http_jamhook_move_put_int(ngx_http_jamhook_move_t *m,
    int64_t value);
static ngx_int_t ngx_http_jamhook_move_put_bytes(ngx_http_jamhook_move_t *m,
    const void *data, size_t len);
static ngx_int_t ngx_http_jamhook_move_put_text(ngx_http_jamhook_move_t *m,
    const void *data, size_t len);
static ngx_int_t ngx_http_jamhook_move_flush(ngx_http_jamhook_move_t *m);
static ngx_int_t ngx_http_jamhook_move_lost(ngx_http_jamhook_move_t *m);


static const char  *ngx_http_jamhook_move_temporary[] = {

    NGX_HTTP_JAMHOOK_MOVE_TABLE("moving_events",
        "seq bigint, old bigint, received_at bigint, forgotten bigint,"
        " id text, source text, event_id text, type text, created_at text,"
        " conversation_id text, jam_id text, recording_url text, key text,"
        " headers text, body bytea"),

    NGX_HTTP_JAMHOOK_MOVE_TABLE("moving_deliveries",
        "old bigint, endpoint bigint, state bigint, class bigint,"
        " next_at bigint, attempts bigint, replay bigint, step bigint,"
        " interrupted bigint, trigger bigint, claimed_at bigint,"
        " changed_at bigint"),

    NGX_HTTP_JAMHOOK_MOVE_TABLE("moving_attempts",
        "seq bigint, ord bigint, old bigint, endpoint bigint, number bigint,"
        " trigger bigint, result bigint, started_at bigint, duration bigint,"
        " status bigint, truncated bigint, error text, request_headers text,"
        " response_headers text, request_body bytea, response_body bytea"),

    NGX_HTTP_JAMHOOK_MOVE_TABLE("moving_rollups",
        "span bigint, at bigint, endpoint bigint, slot bigint, n bigint"),

    /* which event has which number, all of them */

    NGX_HTTP_JAMHOOK_MOVE_TABLE("moved_events",
        "old bigint PRIMARY KEY, seq bigint NOT NULL,"
        " forgotten int NOT NULL"),

    /* deliveries that were there: their attempts are as well */

    NGX_HTTP_JAMHOOK_MOVE_TABLE("kept_deliveries",
        "event bigint, endpoint bigint, PRIMARY KEY (event, endpoint)"),

    NULL
};


static ngx_http_jamhook_move_table_t  ngx_http_jamhook_move_tables[] = {

    { "events",
      "SELECT seq, " NGX_HTTP_JAMHOOK_MOVE_EVENT " FROM events ORDER BY seq",
      "iiittttttttttb",
      "COPY moving_events FROM STDIN (FORMAT binary)",
      ngx_http_jamhook_move_event_time,
      ngx_http_jamhook_move_events },

    { "deliveries",
      "SELECT event, endpoint, state, class, next_at, attempts, replay, step,"
      " interrupted, trigger, claimed_at, changed_at FROM deliveries"
      " ORDER BY event, endpoint",
      "ieiiiiiiiiii",
      "COPY moving_deliveries FROM STDIN (FORMAT binary)",
      NULL,
      ngx_http_jamhook_move_deliveries },

    { "attempts",
      "SELECT seq, event, " NGX_HTTP_JAMHOOK_MOVE_ATTEMPT ","
      " request_headers, response_headers, request_body, response_body"
      " FROM attempts ORDER BY seq",
      "iieiiiiiiitttbb",
      "COPY moving_attempts FROM STDIN (FORMAT binary)",
      ngx_http_jamhook_move_attempt_time,
      ngx_http_jamhook_move_attempts },

    { "sums",
      "SELECT span, at, endpoint, slot, n FROM rollups",
      "iieii",
      "COPY moving_rollups FROM STDIN (FORMAT binary)",
      NULL,
      ngx_http_jamhook_move_rollups }
};


ngx_int_t
ngx_http_jamhook_move_rows(ngx_http_jamhook_move_t *m)
{
    ngx_uint_t  i;

    int64_t  rows[] = {
        m->found.events, m->found.deliveries, m->found.attempts, 0
    };

    if (ngx_http_jamhook_move_begin_rows(m) != NGX_OK) {
        return NGX_ERROR;
    }

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (ngx_http_jamhook_move_table(m, &ngx_http_jamhook_move_tables[i],
                                        rows[i])
            != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return ngx_http_jamhook_move_states(m);
}


static ngx_int_t
ngx_http_jamhook_move_begin_rows(ngx_http_jamhook_move_t *m)
{
    PGresult     *res;
    const char  **sql;

    m->buffer = ngx_http_jamhook_tool_alloc(m->tool->pool,
                                            NGX_HTTP_JAMHOOK_MOVE_BUFFER);

    for (sql = ngx_http_jamhook_move_temporary; *sql != NULL; sql++) {
        if (ngx_http_jamhook_move_do(m, *sql, NULL) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    res = ngx_http_jamhook_move_ask(m, "SELECT min(seqstart) FROM pg_sequence"
                  " WHERE seqrelid IN"
                  " (pg_get_serial_sequence('jamhook.events', 'seq')::regclass,"
                  " pg_get_serial_sequence('jamhook.attempts', 'seq')"
                  "::regclass)", 0);

    if (res == NULL) {
        return NGX_ERROR;
    }

    m->numbered = ngx_http_jamhook_move_column(res, 0, 0)
                  >= NGX_HTTP_JAMHOOK_MOVE_FIRST;

    PQclear(res);

    return NGX_OK;
}


static ngx_int_t
ngx_http_jamhook_move_table(ngx_http_jamhook_move_t *m,
    ngx_http_jamhook_move_table_t *table, int64_t rows)
{
    int            rc;
    ngx_int_t      done;
    sqlite3_stmt  *st;

    m->what = table->what;
    m->rows = 0;
    m->of = rows;
    m->number = 0;

    if (sqlite3_prepare_v2(m->source, table->select, -1, &st, NULL)
        != SQLITE_OK)
    {
        return ngx_http_jamhook_move_source_failed(m);
    }

    done = NGX_OK;

    for ( ;; ) {
        rc = sqlite3_step(st);

        if (rc != SQLITE_ROW) {
            break;
        }

        done = ngx_http_jamhook_move_row(m, table, st);

        if (done == NGX_OK
            && (m->batch >= NGX_HTTP_JAMHOOK_MOVE_ROWS
                || m->size >= NGX_HTTP_JAMHOOK_MOVE_SIZE))
        {
            done = ngx_http_jamhook_move_batch(m, table);
        }

        if (done != NGX_OK) {
            break;
        }
    }

    if (done == NGX_OK && rc != SQLITE_DONE) {
        done = ngx_http_jamhook_move_source_failed(m);
    }

    (void) sqlite3_finalize(st);

    if (done == NGX_OK && m->batch != 0) {
        done = ngx_http_jamhook_move_batch(m, table);
    }

    if (done == NGX_OK) {
        ngx_http_jamhook_move_progress(m, 1);
    }

    m->what = NULL;

    return done;
}


static ngx_int_t
ngx_http_jamhook_move_batch(ngx_http_jamhook_move_t *m,
    ngx_http_jamhook_move_table_t *table)
{
    PGresult    *res;
    ngx_uint_t   failed;

    static const u_char  end[] = { 0xff, 0xff };

    if (ngx_http_jamhook_move_put(m, end, sizeof(end)) != NGX_OK
        || ngx_http_jamhook_move_flush(m) != NGX_OK
        || PQputCopyEnd(m->target, NULL) != 1)
    {
        return ngx_http_jamhook_move_lost(m);
    }

    m->copying = 0;
    failed = 0;

    for ( ;; ) {
        res = PQgetResult(m->target);

        if (res == NULL) {
            break;
        }

        if (PQresultStatus(res) != PGRES_COMMAND_OK) {
            failed = 1;
        }

        PQclear(res);
    }

    if (failed) {
        return ngx_http_jamhook_move_lost(m);
    }

    if (table->batch(m) != NGX_OK) {
        return NGX_ERROR;
    }

    m->rows += m->batch;
    m->batch = 0;
    m->size = 0;

    ngx_http_jamhook_move_progress(m, 0);

    return NGX_OK;
}


static ngx_int_t
ngx_http_jamhook_move_row(ngx_http_jamhook_move_t *m,
    ngx_http_jamhook_move_table_t *table, sqlite3_stmt *st)
{
    int          i, len;
    int64_t      to, number;
    uint16_t     columns;
    PGresult    *res;
    ngx_int_t    rc;
    const void  *data;

    static const u_char  head[] = "PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0";

    /* what nobody will find again stays where it is */

    if (!ngx_http_jamhook_move_to(m, table, st, &to)) {
        return NGX_OK;
    }

    if (!m->copying) {
        res = ngx_http_jamhook_move_ask(m, table->copy, 0);

        if (res == NULL) {
            return NGX_ERROR;
        }

        PQclear(res);

        m->copying = 1;

        if (ngx_http_jamhook_move_put(m, head, 19) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    columns = strlen(table->kinds) + (table->time != NULL);
    columns = htons(columns);

    rc = ngx_http_jamhook_move_put(m, &columns, 2);

    if (table->time != NULL && rc == NGX_OK) {
        number = table->time(st) * NGX_HTTP_JAMHOOK_MOVE_PER_MS;

        if (number <= m->number
            || number >= NGX_HTTP_JAMHOOK_MOVE_FIRST / 10 * 9)
        {
            number = m->number + 1;
        }

        m->number = number;

        rc = m->numbered ? ngx_http_jamhook_move_put_int(m, number)
                         : ngx_http_jamhook_move_put_bytes(m, NULL, 0);
    }

    for (i = 0; table->kinds[i] != '\0' && rc == NGX_OK; i++) {

        if (sqlite3_column_type(st, i) == SQLITE_NULL) {
            rc = ngx_http_jamhook_move_put_bytes(m, NULL, 0);
            continue;
        }

        switch (table->kinds[i]) {

        case 'i':
            rc = ngx_http_jamhook_move_put_int(m, sqlite3_column_int64(st, i));
            break;

        case 'e':
            rc = ngx_http_jamhook_move_put_int(m, to);
            break;

        default:
            data = sqlite3_column_blob(st, i);
            len = sqlite3_column_bytes(st, i);

            if (len == 0) {
                data = "";
            }

            rc = (table->kinds[i] == 't')
                 ? ngx_http_jamhook_move_put_text(m, data, len)
                 : ngx_http_jamhook_move_put_bytes(m, data, len);
        }
    }

    m->batch++;

    return rc;
}


/* the endpoint's number in the new store; 0: the row has one that is unknown */

static ngx_uint_t
ngx_http_jamhook_move_to(ngx_http_jamhook_move_t *m,
    ngx_http_jamhook_move_table_t *table, sqlite3_stmt *st, int64_t *to)
{
    int64_t                            id;
    const char                        *column;
    ngx_uint_t                         i;
    ngx_http_jamhook_move_endpoint_t  *ep;

    *to = 0;

    column = strchr(table->kinds, 'e');

    if (column == NULL) {
        return 1;
    }

    id = sqlite3_column_int64(st, (int) (column - table->kinds));
    ep = m->endpoints.elts;

    for (i = 0; i < m->endpoints.nelts; i++) {

        if (ep[i].id == id) {
            *to = ep[i].to;
            return 1;
        }
    }

    return 0;
}


static void
ngx_http_jamhook_move_progress(ngx_http_jamhook_move_t *m, ngx_uint_t last)
{
    if (!m->terminal || m->of == 0) {
        return;
    }

    (void) fprintf(stderr, "\r%s: %lld of %lld%s", m->what,
                   (long long) m->rows, (long long) m->of, last ? "\n" : "");
}


static int64_t
ngx_http_jamhook_move_event_time(sqlite3_stmt *st)
{
    return sqlite3_column_int64(st, 1);
}


/* when it ended; of an interrupted one nobody knows */

static int64_t
ngx_http_jamhook_move_attempt_time(sqlite3_stmt *st)
{
    if (sqlite3_column_int64(st, 5) == NGX_HTTP_JAMHOOK_RESULT_INTERRUPTED) {
        return 0;
    }

    return sqlite3_column_int64(st, 6) + sqlite3_column_int64(st, 7);
}


static ngx_int_t
ngx_http_jamhook_move_events(ngx_http_jamhook_move_t *m)
{
    int64_t     n, added, left;
    PGresult   *res;
    ngx_uint_t  try;

    added = 0;

    for (try = 0; /* void */ ; try++) {

        if (ngx_http_jamhook_move_do(m, m->numbered
              ? "INSERT INTO events (seq, " NGX_HTTP_JAMHOOK_MOVE_EVENT ")"
                " OVERRIDING SYSTEM VALUE"
                " SELECT seq, " NGX_HTTP_JAMHOOK_MOVE_EVENT
                " FROM moving_events ORDER BY old ON CONFLICT DO NOTHING"
              : "INSERT INTO events (" NGX_HTTP_JAMHOOK_MOVE_EVENT ")"
                " SELECT " NGX_HTTP_JAMHOOK_MOVE_EVENT
                " FROM moving_events ORDER BY old ON CONFLICT DO NOTHING", &n)
            != NGX_OK)
        {
            return NGX_ERROR;
        }

        added += n;

        /* retention leaves those that were there as long as we need them */

        if (added != (int64_t) m->batch
            && ngx_http_jamhook_move_do(m, "SELECT FROM moving_events m"
                " JOIN events e ON e.id = m.id FOR KEY SHARE OF e", NULL)
               != NGX_OK)
        {
            return NGX_ERROR;
        }

        if (ngx_http_jamhook_move_do(m,
                "INSERT INTO moved_events (old, seq, forgotten)"
                " SELECT m.old, e.seq, e.forgotten FROM moving_events m"
                " JOIN events e ON e.id = m.id ON CONFLICT DO NOTHING", NULL)
            != NGX_OK)
        {
            return NGX_ERROR;
        }

        if (added == (int64_t) m->batch) {
            break;
        }

        /* some are there; or are their numbers taken? */

        if (try == 0) {
            res = ngx_http_jamhook_move_ask(m, "SELECT count(*)"
                " FROM moving_events m JOIN events e ON e.id = m.id"
                " WHERE m.forgotten = 0 AND e.forgotten = 0"
                " AND m.body IS DISTINCT FROM e.body", 0);

            if (res == NULL) {
                return NGX_ERROR;
            }

            m->others += ngx_http_jamhook_move_column(res, 0, 0);

            PQclear(res);
        }

        if (ngx_http_jamhook_move_do(m, "DELETE FROM moving_events m"
                " USING events e WHERE e.id = m.id", NULL)
            != NGX_OK
            || ngx_http_jamhook_move_left(m, "moving_events", try, &left)
               != NGX_OK)
        {
            return NGX_ERROR;
        }

        if (left == 0) {
            break;
        }
    }

    m->added.events += added;

    return ngx_http_jamhook_move_do(m, "TRUNCATE moving_events", NULL);
}


/*
 * What was being sent has a lease that is over: who has the endpoint notes the
 * attempt as interrupted and goes on.
 */

static ngx_int_t
ngx_http_jamhook_move_deliveries(ngx_http_jamhook_move_t *m)
{
    int                                row;
    int64_t                            endpoint, state, n;
    PGresult                          *res;
    ngx_uint_t                         i;
    ngx_http_jamhook_move_endpoint_t  *ep;

    res = ngx_http_jamhook_move_ask(m,
        "WITH k AS (SELECT v.seq AS event, m.endpoint,"
        " CASE WHEN v.forgotten <> 0 AND m.state = 0 THEN 3 ELSE m.state END"
        " AS state, m.class, m.next_at, m.attempts, m.replay, m.step,"
        " m.interrupted, m.trigger, m.claimed_at, m.changed_at"
        " FROM moving_deliveries m JOIN moved_events v ON v.old = m.old),"
        " a AS (INSERT INTO deliveries (event, endpoint, state, class,"
        " next_at, attempts, replay, step, interrupted, trigger, lease_until,"
        " claimed_at, changed_at, lease_owner)"
        " SELECT event, endpoint, state, class, next_at, attempts, replay,"
        " step, interrupted, trigger, CASE state WHEN 1 THEN 1 ELSE 0 END,"
        " claimed_at, changed_at, CASE state WHEN 1 THEN repeat('0', 32) END"
        " FROM k ORDER BY event, endpoint ON CONFLICT DO NOTHING"
        " RETURNING event, endpoint, state),"
        " t AS (INSERT INTO kept_deliveries (event, endpoint)"
        " SELECT event, endpoint FROM k EXCEPT SELECT event, endpoint FROM a)"
        " SELECT endpoint, state, count(*) FROM a GROUP BY 1, 2", 0);

    if (res == NULL) {
        return NGX_ERROR;
    }

    ep = m->endpoints.elts;

    for (row = 0; row < PQntuples(res); row++) {
        endpoint = ngx_http_jamhook_move_column(res, row, 0);
        state = ngx_http_jamhook_move_column(res, row, 1);
        n = ngx_http_jamhook_move_column(res, row, 2);

        m->added.deliveries += n;

        if (state >= 0 && state < NGX_HTTP_JAMHOOK_MOVE_STATES) {
            m->added.states[state] += n;
        }

        for (i = 0; i < m->endpoints.nelts; i++) {
            if (ep[i].to == endpoint
                && state == NGX_HTTP_JAMHOOK_STATE_SUCCEEDED)
            {
                ep[i].succeeded += n;
            }
        }
    }

    PQclear(res);

    return ngx_http_jamhook_move_do(m, "TRUNCATE moving_deliveries", NULL);
}


/* of an event that the new store was told to forget, nothing is told anew */

static ngx_int_t
ngx_http_jamhook_move_attempts(ngx_http_jamhook_move_t *m)
{
    char        sql[2048];
    int64_t     n, added, left;
    ngx_uint_t  try;

    added = 0;

    (void) snprintf(sql, sizeof(sql),
        "INSERT INTO attempts (%sevent, " NGX_HTTP_JAMHOOK_MOVE_ATTEMPT ","
        " request_headers, response_headers, request_body, response_body)%s"
        " SELECT %sevent, " NGX_HTTP_JAMHOOK_MOVE_ATTEMPT ","
        " CASE forgotten WHEN 0 THEN request_headers END,"
        " CASE forgotten WHEN 0 THEN response_headers END,"
        " CASE forgotten WHEN 0 THEN request_body END,"
        " CASE forgotten WHEN 0 THEN response_body END"
        " FROM (SELECT m.*, v.seq AS event, v.forgotten"
        " FROM moving_attempts m JOIN moved_events v ON v.old = m.old"
        " WHERE NOT EXISTS (SELECT FROM kept_deliveries k"
        " WHERE k.event = v.seq AND k.endpoint = m.endpoint)) m"
        " ORDER BY ord ON CONFLICT DO NOTHING",
        m->numbered ? "seq, " : "",
        m->numbered ? " OVERRIDING SYSTEM VALUE" : "",
        m->numbered ? "m.seq, " : "");

    for (try = 0; /* void */ ; try++) {

        if (ngx_http_jamhook_move_do(m, sql, &n) != NGX_OK) {
            return NGX_ERROR;
        }

        added += n;

        if (added == (int64_t) m->batch || !m->numbered) {
            break;
        }

        /* where only its number is taken it gets another one */

        if (ngx_http_jamhook_move_do(m, "DELETE FROM moving_attempts m"
                " USING moved_events v WHERE v.old = m.old AND (EXISTS"
                " (SELECT FROM kept_deliveries k WHERE k.event = v.seq"
                " AND k.endpoint = m.endpoint) OR EXISTS"
                " (SELECT FROM attempts a WHERE a.event = v.seq"
                " AND a.endpoint = m.endpoint AND a.number = m.number"
                " AND (a.result = 2) = (m.result = 2)))", NULL)
            != NGX_OK
            || ngx_http_jamhook_move_do(m, "DELETE FROM moving_attempts m"
                " WHERE NOT EXISTS (SELECT FROM moved_events v"
                " WHERE v.old = m.old)", NULL)
               != NGX_OK
            || ngx_http_jamhook_move_left(m, "moving_attempts", try, &left)
               != NGX_OK)
        {
            return NGX_ERROR;
        }

        if (left == 0) {
            break;
        }
    }

    m->added.attempts += added;

    return ngx_http_jamhook_move_do(m, "TRUNCATE moving_attempts", NULL);
}


/* a second time they are the same, or nginx has added to them since */

static ngx_int_t
ngx_http_jamhook_move_rollups(ngx_http_jamhook_move_t *m)
{
    char       shard[24];
    PGresult  *res;

    (void) snprintf(shard, sizeof(shard), "%lld", (long long) m->shard);

    res = ngx_http_jamhook_move_ask(m,
        "INSERT INTO rollups (span, at, endpoint, slot, shard, n)"
        " SELECT span, at, endpoint, slot, $1::int, n FROM moving_rollups"
        " ON CONFLICT (span, at, endpoint, slot, shard) DO UPDATE"
        " SET n = greatest(rollups.n, excluded.n)", 1, shard);

    if (res == NULL) {
        return NGX_ERROR;
    }

    PQclear(res);

    return ngx_http_jamhook_move_do(m, "TRUNCATE moving_rollups", NULL);
}


/*
 * How the endpoints stand, last, for others may wait for these rows.  What the
 * old store says counts once: afterwards the new one knows better.
 */

static ngx_int_t
ngx_http_jamhook_move_states(ngx_http_jamhook_move_t *m)
{
    char                               n[6][24];
    PGresult                          *res;
    ngx_uint_t                         i, first;
    ngx_http_jamhook_move_endpoint_t  *ep;

    ep = m->endpoints.elts;

    for (i = 0; i < m->endpoints.nelts; i++) {
        (void) snprintf(n[0], 24, "%lld", (long long) ep[i].to);
        (void) snprintf(n[1], 24, "%lld", (long long) m->shard);
        (void) snprintf(n[2], 24, "%lld", (long long) ep[i].succeeded);

        res = ngx_http_jamhook_move_ask(m,
            "INSERT INTO tallies (endpoint, shard, succeeded)"
            " VALUES ($1::int8, $2::int, $3::int8)"
            " ON CONFLICT (endpoint, shard) DO UPDATE"
            " SET succeeded = tallies.succeeded + excluded.succeeded"
            " RETURNING (xmax = 0)::int", 3, n[0], n[1], n[2]);

        if (res == NULL) {
            return NGX_ERROR;
        }

        first = ngx_http_jamhook_move_column(res, 0, 0) != 0;

        PQclear(res);

        if (!first || (ep[i].recovered
                       && ep[i].paused != NGX_HTTP_JAMHOOK_PAUSE_MANUAL))
        {
            continue;
        }

        (void) snprintf(n[1], 24, "%lld", (long long) ep[i].paused);
        (void) snprintf(n[2], 24, "%lld", (long long) ep[i].paused_at);
        (void) snprintf(n[3], 24, "%lld", (long long) ep[i].probe_at);
        (void) snprintf(n[4], 24, "%lld", (long long)
                        (ep[i].recovered ? 0 : ep[i].failing_since));

        res = ngx_http_jamhook_move_ask(m,
            "UPDATE endpoints SET"
            " paused = CASE paused WHEN 0 THEN $2::int ELSE paused END,"
            " paused_at = CASE paused WHEN 0 THEN $3::int8 ELSE paused_at END,"
            " probe_at = CASE paused WHEN 0 THEN $4::int8 ELSE probe_at END,"
            " failing_since = coalesce(least(nullif(failing_since, 0),"
            " nullif($5::int8, 0)), 0)"
            " WHERE id = $1::int8 AND ((paused = 0 AND $2::int <> 0)"
            " OR ($5::int8 <> 0 AND (failing_since = 0"
            " OR failing_since > $5::int8)))",
            5, n[0], n[1], n[2], n[3], n[4]);

        if (res == NULL) {
            return NGX_ERROR;
        }

        PQclear(res);
    }

    return NGX_OK;
}


/*
 * What is there is counted anew, not what was sent there.  Where something was
 * there before, it may be more.
 */

ngx_int_t
ngx_http_jamhook_move_compare(ngx_http_jamhook_move_t *m)
{
    int                             row;
    int64_t                         state, n;
    PGresult                       *res;
    ngx_uint_t                      i, same;
    ngx_http_jamhook_move_counts_t  there;

    ngx_memzero(&there, sizeof(ngx_http_jamhook_move_counts_t));

    if (ngx_http_jamhook_move_do(m, "SET LOCAL enable_hashjoin = on", NULL)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    res = ngx_http_jamhook_move_ask(m, "SELECT count(*),"
        " coalesce(sum(octet_length(e.body)), 0),"
        " (SELECT count(*) FROM attempts a JOIN moved_events v"
        " ON v.seq = a.event)"
        " FROM events e JOIN moved_events v ON v.seq = e.seq", 0);

    if (res == NULL) {
        return NGX_ERROR;
    }

    there.events = ngx_http_jamhook_move_column(res, 0, 0);
    there.bytes = ngx_http_jamhook_move_column(res, 0, 1);
    there.attempts = ngx_http_jamhook_move_column(res, 0, 2);

    PQclear(res);

    res = ngx_http_jamhook_move_ask(m, "SELECT d.state, count(*)"
        " FROM deliveries d JOIN moved_events v ON v.seq = d.event"
        " GROUP BY 1", 0);

    if (res == NULL) {
        return NGX_ERROR;
    }

    for (row = 0; row < PQntuples(res); row++) {
        state = ngx_http_jamhook_move_column(res, row, 0);
        n = ngx_http_jamhook_move_column(res, row, 1);

        there.deliveries += n;

        if (state >= 0 && state < NGX_HTTP_JAMHOOK_MOVE_STATES) {
            there.states[state] += n;
        }
    }

    PQclear(res);

    same = (there.events == m->found.events);

    /* SQLite keeps an attempt twice, should it ever have been written twice */

    if (there.attempts != m->found.attempts
        && ngx_http_jamhook_move_number(m, "SELECT count(*) FROM (SELECT"
               " DISTINCT event, endpoint, number, result = 2 FROM attempts"
               NGX_HTTP_JAMHOOK_MOVE_WHOLE ")", &m->found.attempts)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (m->added.events == m->found.events) {
        same &= (there.bytes == m->found.bytes
                 && there.deliveries == m->found.deliveries
                 && there.attempts == m->found.attempts);

        for (i = 0; i < NGX_HTTP_JAMHOOK_MOVE_STATES; i++) {
            same &= (there.states[i] == m->found.states[i]);
        }

    } else {
        same &= (there.deliveries >= m->found.deliveries);
    }

    if (same) {
        return NGX_OK;
    }

    ngx_http_jamhook_tool_say("the new store holds %lld events, %lld"
                              " deliveries and %lld attempts of the old one's"
                              " %lld, %lld and %lld: nothing was moved",
                              (long long) there.events,
                              (long long) there.deliveries,
                              (long long) there.attempts,
                              (long long) m->found.events,
                              (long long) m->found.deliveries,
                              (long long) m->found.attempts);
    return NGX_ERROR;
}


static ngx_int_t
ngx_http_jamhook_move_do(ngx_http_jamhook_move_t *m, const char *sql,
    int64_t *rows)
{
    PGresult  *res;

    res = ngx_http_jamhook_move_ask(m, sql, 0);

    if (res == NULL) {
        return NGX_ERROR;
    }

    if (rows != NULL) {
        *rows = strtoll(PQcmdTuples(res), NULL, 10);
    }

    PQclear(res);

    return NGX_OK;
}


/* gives what is left in the table other numbers, further off each time */

static ngx_int_t
ngx_http_jamhook_move_left(ngx_http_jamhook_move_t *m, const char *table,
    ngx_uint_t try, int64_t *left)
{
    char  sql[128];

    (void) snprintf(sql, sizeof(sql), "UPDATE %s SET seq = seq + %lld", table,
                    (long long) 1 << ngx_min(try, 30));

    if (ngx_http_jamhook_move_do(m, sql, left) != NGX_OK) {
        return NGX_ERROR;
    }

    if (*left != 0 && try == NGX_HTTP_JAMHOOK_MOVE_TRIES) {
        ngx_http_jamhook_tool_say("the new store: no numbers are free");
        return NGX_ERROR;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_jamhook_move_put(ngx_http_jamhook_move_t *m, const void *data,
    size_t len)
{
    m->size += len;

    if (len > NGX_HTTP_JAMHOOK_MOVE_BUFFER - m->used) {

        if (ngx_http_jamhook_move_flush(m) != NGX_OK) {
            return NGX_ERROR;
        }

        if (len > NGX_HTTP_JAMHOOK_MOVE_BUFFER) {
            return (PQputCopyData(m->target, data, (int) len) == 1)
                   ? NGX_OK : ngx_http_jamhook_move_lost(m);
        }
    }

    ngx_memcpy(m->buffer + m->used, data, len);
    m->used += len;

    return NGX_OK;
}


static ngx_int_t
ngx_http_jamhook_move_put_int(ngx_http_jamhook_move_t *m, int64_t value)
{
    uint32_t  field[3];

    field[0] = htonl(8);
    field[1] = htonl((uint32_t) ((uint64_t) value >> 32));
    field[2] = htonl((uint32_t) value);

    return ngx_http_jamhook_move_put(m, field, sizeof(field));
}


static ngx_int_t
ngx_http_jamhook_move_put_bytes(ngx_http_jamhook_move_t *m, const void *data,
    size_t len)
{
    uint32_t  size;

    size = htonl(data != NULL ? (uint32_t) len : 0xffffffff);

    if (ngx_http_jamhook_move_put(m, &size, 4) != NGX_OK) {
        return NGX_ERROR;
    }

    return len ? ngx_http_jamhook_move_put(m, data, len) : NGX_OK;
}


/* NUL, and bytes that are no UTF-8, are not kept by PostgreSQL */

static ngx_int_t
ngx_http_jamhook_move_put_text(ngx_http_jamhook_move_t *m, const void *data,
    size_t len)
{
    size_t   n;
    u_char  *p, *last, *dst;

    p = (u_char *) data;
    last = p + len;

    while (p < last) {
        n = *p ? ngx_http_jamhook_text_utf8(p, last - p) : 0;

        if (n == 0) {
            break;
        }

        p += n;
    }

    if (p == last) {
        return ngx_http_jamhook_move_put_bytes(m, data, len);
    }

    if (m->mended_size < 3 * len) {
        m->mended_size = 3 * len;
        m->mended = realloc(m->mended, m->mended_size);

        if (m->mended == NULL) {
            ngx_http_jamhook_tool_no_memory();
        }
    }

    dst = m->mended;

    for (p = (u_char *) data; p < last; p += ngx_max(n, 1)) {
        n = *p ? ngx_http_jamhook_text_utf8(p, last - p) : 0;

        dst = n ? ngx_cpymem(dst, p, n)
                : ngx_cpymem(dst, "\xef\xbf\xbd", 3);
    }

    return ngx_http_jamhook_move_put_bytes(m, m->mended, dst - m->mended);
}


static ngx_int_t
ngx_http_jamhook_move_flush(ngx_http_jamhook_move_t *m)
{
    size_t  used;

    used = m->used;
    m->used = 0;

    if (used == 0
        || PQputCopyData(m->target, (char *) m->buffer, (int) used) == 1)
    {
        return NGX_OK;
    }

    return ngx_http_jamhook_move_lost(m);
}


static ngx_int_t
ngx_http_jamhook_move_lost(ngx_http_jamhook_move_t *m)
{
    ngx_str_t  text;

    text.data = (u_char *) PQerrorMessage(m->target);
    text.len = ngx_strlen(text.data);

    ngx_http_jamhook_tool_say("the new store: %s",
                              ngx_http_jamhook_tool_line(m->tool->pool,
                                                         &text));
    return NGX_ERROR;
}

#endif
