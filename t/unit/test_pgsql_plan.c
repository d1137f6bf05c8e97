
/*
 * How PostgreSQL carries the statements out, under a session's own settings:
 * none may walk through a table that grows, neither while the tables are empty,
 * for such a plan may be kept till they are large, nor when they are.
 */

#include "store.h"


/* these do not grow with the events */

#define SMALL  "('meta', 'endpoints', 'tallies', 'probe')"


/* how a node's condition has to begin, once the tables are large */

static const struct {
    ngx_http_jamhook_pgsql_e   sql;
    const char                *index;
    const char                *condition;
} indexes[] = {
    { NGX_HTTP_JAMHOOK_PGSQL_EVENT_ROUTE, "events_id_key", "(id = u.id)" },
    { NGX_HTTP_JAMHOOK_PGSQL_OUTCOME, "deliveries_pkey", "((event = " },
    { NGX_HTTP_JAMHOOK_PGSQL_CLAIM_FAR, "deliveries_due",
      "((endpoint = p.id) AND (class = \"*VALUES*\".column1)"
      " AND (next_at > " },
    { NGX_HTTP_JAMHOOK_PGSQL_CLAIM, "deliveries_due",
      "((endpoint = $2) AND (class = 0) AND (next_at <= " },
    { NGX_HTTP_JAMHOOK_PGSQL_CLAIM, "deliveries_due",
      "((endpoint = $2) AND (class = 1) AND (next_at <= " },
    { NGX_HTTP_JAMHOOK_PGSQL_CLAIM, "events_pkey", "(seq = " },
    { NGX_HTTP_JAMHOOK_PGSQL_POLL_ORPHANS, "deliveries_sending",
      "(lease_until <= " },
    { NGX_HTTP_JAMHOOK_PGSQL_RECOVER, "deliveries_failed",
      "((endpoint = $2) AND (event > $3) AND (event <= " },
    { NGX_HTTP_JAMHOOK_PGSQL_RECOVER, "deliveries_pending",
      "((endpoint = $2) AND (event > $3) AND (event <= " },
    { NGX_HTTP_JAMHOOK_PGSQL_LIST_EVENTS, "events_pkey",
      "((seq < $1) AND (seq > $2))" },
    { NGX_HTTP_JAMHOOK_PGSQL_LIST_TYPE, "events_type",
      "((type = $5) AND (seq < $1) AND (seq > $2))" },
    { NGX_HTTP_JAMHOOK_PGSQL_LIST_CONVERSATION, "events_conversation",
      "((conversation_id = $6) AND (seq < $1) AND (seq > $2))" },
    { NGX_HTTP_JAMHOOK_PGSQL_LIST_JAM, "events_jam",
      "((jam_id = $7) AND (seq < $1) AND (seq > $2))" },
    { NGX_HTTP_JAMHOOK_PGSQL_LIST_PENDING, "deliveries_pending",
      "((endpoint = p.p) AND (event < $1) AND (event > $2))" },
    { NGX_HTTP_JAMHOOK_PGSQL_LIST_FAILED, "deliveries_failed",
      "((endpoint = p.p) AND (event < $1) AND (event > $2))" },
    { NGX_HTTP_JAMHOOK_PGSQL_LIST_SENDING, "deliveries_sending",
      "(lease_until > " },
    { NGX_HTTP_JAMHOOK_PGSQL_LIST_ATTEMPTS, "attempts_pkey",
      "((seq < $1) AND (seq > $2))" },
    { NGX_HTTP_JAMHOOK_PGSQL_LIST_RESULTS, "attempts_result",
      "((endpoint = " },
    { NGX_HTTP_JAMHOOK_PGSQL_SHOW_EVENT, "events_id_key", "(id = $1)" },
    { NGX_HTTP_JAMHOOK_PGSQL_SHOW_DELIVERIES, "deliveries_pkey",
      "(event = " },
    { NGX_HTTP_JAMHOOK_PGSQL_SHOW_ATTEMPTS, "attempts_event",
      "(event = " },
    { NGX_HTTP_JAMHOOK_PGSQL_REMOVE_ATTEMPTS, "attempts_event", "(event = " },
    { NGX_HTTP_JAMHOOK_PGSQL_STATS, "rollups_pkey", "((span = " }
};


/* a session of ours, for statements of the test's */

static PGconn *
session(session_t *s)
{
    (void) PQexitPipelineMode(s->db);
    (void) PQsetnonblocking(s->db, 0);

    return s->db;
}


static PGresult *
exec(PGconn *db, const char *fmt, ...)
{
    char      *text;
    va_list    args;
    PGresult  *res;

    va_start(args, fmt);

    if (vasprintf(&text, fmt, args) == -1) {
        abort();
    }

    va_end(args);

    res = PQexec(db, text);

    if (PQresultStatus(res) != PGRES_TUPLES_OK
        && PQresultStatus(res) != PGRES_COMMAND_OK)
    {
        (void) printf("# %.60s: %s\n", text, PQerrorMessage(db));
        PQclear(res);
        res = NULL;
    }

    free(text);

    return res;
}


/* lines of the plan of a session's statement, for whatever parameters */

static PGresult *
plan(PGconn *db, ngx_uint_t sql)
{
    int        i, n;
    char       nulls[256];
    PGresult  *res;

    PQclear(exec(db, "DEALLOCATE ALL"));

    res = exec(db, "PREPARE p AS %s", ngx_http_jamhook_pgsql_sql[sql]);

    if (res == NULL) {
        return NULL;
    }

    PQclear(res);

    res = exec(db, "SELECT coalesce(array_length(parameter_types, 1), 0)"
                   " FROM pg_prepared_statements WHERE name = 'p'");
    n = res ? atoi(PQgetvalue(res, 0, 0)) : 0;
    PQclear(res);

    nulls[0] = '\0';

    for (i = 0; i < n; i++) {
        (void) strcat(nulls, i ? ", NULL" : "(NULL");
    }

    return exec(db, "EXPLAIN (COSTS OFF) EXECUTE p%s%s", nulls, n ? ")" : "");
}


/* the node's index; NULL: it is none that has one */

static const char *
node_index(const char *line)
{
    size_t       len;
    const char  *p;
    static char  name[64];

    p = strstr(line, "Bitmap Index Scan on ");

    if (p != NULL) {
        p += sizeof("Bitmap Index Scan on ") - 1;

    } else {
        p = strstr(line, "Scan");
        p = p ? strstr(p, " using ") : NULL;

        if (p == NULL) {
            return NULL;
        }

        p += sizeof(" using ") - 1;
    }

    len = strcspn(p, " ");
    (void) snprintf(name, sizeof(name), "%.*s", (int) len, p);

    return name;
}


/* what it is looked into for; empty: it is walked through */

static const char *
node_condition(PGresult *res, int row)
{
    const char  *line, *p;

    for (row++; row < PQntuples(res); row++) {
        line = PQgetvalue(res, row, 0);

        if (strstr(line, "->") != NULL) {
            break;
        }

        p = strstr(line, "Index Cond: ");

        if (p != NULL) {
            return p + sizeof("Index Cond: ") - 1;
        }
    }

    return "";
}


/*
 * min() and max() read one row, at an end of the index.  Before PostgreSQL 17
 * that has a condition too, IS NOT NULL, for columns that cannot be NULL.
 */

static ngx_uint_t
node_is_end(PGresult *res, int row)
{
    return row > 0
           && strstr(PQgetvalue(res, row - 1, 0), "->  Limit") != NULL;
}


/* an index of a table that grows is looked into by its first column */

static ngx_uint_t
node_is_good(PGresult *res, int row)
{
    char         begins[80];
    PGresult    *first;
    ngx_uint_t   good;
    const char  *line, *index, *condition;

    line = PQgetvalue(res, row, 0);

    if (strstr(line, "Seq Scan") != NULL) {
        return 0;
    }

    index = node_index(line);

    if (index == NULL) {
        return 1;
    }

    /* without a row here: one of a table that does not grow */

    first = exec(store_outside, "SELECT a.attname FROM pg_index i"
                 " JOIN pg_class c ON c.oid = i.indrelid"
                 " JOIN pg_attribute a ON a.attrelid = i.indexrelid"
                 " AND a.attnum = 1"
                 " WHERE i.indexrelid = 'jamhook.%s'::regclass"
                 " AND c.relname NOT IN " SMALL, index);

    condition = node_condition(res, row);
    good = (first != NULL);

    if (good && PQntuples(first) == 1) {
        (void) snprintf(begins, sizeof(begins), "(%s",
                        PQgetvalue(first, 0, 0));
        good = (strstr(condition, begins) != NULL)
               || (*condition == '\0' && node_is_end(res, row));
    }

    PQclear(first);

    return good;
}


static void
test_walks(session_t *s, const char *tables)
{
    int          row;
    PGconn      *db;
    PGresult    *res;
    ngx_uint_t   i, good;

    db = session(s);

    for (i = NGX_HTTP_JAMHOOK_PGSQL_NOTIFY; i < NGX_HTTP_JAMHOOK_PGSQL_N; i++)
    {
        res = plan(db, i);
        good = (res != NULL && PQntuples(res) != 0);

        for (row = 0; res != NULL && row < PQntuples(res); row++) {

            if (!node_is_good(res, row)) {
                (void) printf("# %s\n", PQgetvalue(res, row, 0));
                good = 0;
            }
        }

        if (!ok(good, "no table is walked through, %s: %d %.50s", tables,
                (int) i, ngx_http_jamhook_pgsql_sql[i]))
        {
            for (row = 0; res != NULL && row < PQntuples(res); row++) {
                (void) printf("# %s\n", PQgetvalue(res, row, 0));
            }
        }

        PQclear(res);
    }
}


static void
test_indexes(session_t *s)
{
    int          row;
    PGconn      *db;
    PGresult    *res;
    ngx_uint_t   i, found;
    const char  *index, *condition;

    db = session(s);

    for (i = 0; i < nitems(indexes); i++) {
        res = plan(db, indexes[i].sql);
        found = 0;

        for (row = 0; res != NULL && row < PQntuples(res); row++) {
            index = node_index(PQgetvalue(res, row, 0));

            if (index != NULL && strcmp(index, indexes[i].index) == 0) {
                condition = node_condition(res, row);
                found |= (strstr(condition, indexes[i].condition)
                          == condition);
            }
        }

        if (!ok(found, "by %s %s", indexes[i].index, indexes[i].condition)) {
            for (row = 0; res != NULL && row < PQntuples(res); row++) {
                (void) printf("# %s\n", PQgetvalue(res, row, 0));
            }
        }

        PQclear(res);
    }
}


static void
fill(void)
{
    (void) sql("INSERT INTO events (received_at, id, type, conversation_id,"
               " jam_id, headers, body) SELECT i, 'msg_' || i, 't' || i %% 9,"
               " 'c' || i %% 999, CASE i %% 5 WHEN 0 THEN 'j' || i END, '{}',"
               " '{}' FROM generate_series(1, 20000) i");
    (void) sql("INSERT INTO deliveries (event, endpoint, state, class,"
               " next_at, attempts, changed_at, lease_owner, lease_until)"
               " SELECT i, p, CASE WHEN i %% 97 = 0 THEN 1 WHEN i %% 7 = 0 THEN"
               " 3 WHEN i %% 5 = 0 THEN 0 ELSE 2 END, i / 3 %% 2, i, 1, i,"
               " CASE WHEN i %% 97 = 0 THEN 'x' END, i"
               " FROM generate_series(1, 20000) i, generate_series(1, 2) p");
    (void) sql("INSERT INTO attempts (event, endpoint, number, trigger,"
               " result, started_at, duration, status, truncated)"
               " SELECT i, p, n, 0, n - 1, i, 5, 200, 0"
               " FROM generate_series(1, 20000) i, generate_series(1, 2) p,"
               " generate_series(1, 2) n");
    (void) sql("INSERT INTO rollups (span, at, endpoint, slot, shard, n)"
               " SELECT 0, i * 60, p, k, k, 1 FROM generate_series(1, 1500) i,"
               " generate_series(1, 2) p, generate_series(1, 8) k");
    (void) sql("INSERT INTO tallies SELECT p, k, 5 FROM generate_series(1, 2)"
               " p, generate_series(1, 32) k");
    (void) sql("VACUUM ANALYZE");
}


int
main(void)
{
    session_t  *s;

    s = store_fresh();

    (void) sql("SELECT 1");
    test_walks(s, "empty");
    store_close(s);

    s = store_open(NGX_HTTP_JAMHOOK_SESSION_WRITE);
    fill();
    test_walks(s, "large");
    test_indexes(s);
    store_close(s);

    return done();
}
