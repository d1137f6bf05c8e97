
/* How SQLite carries the statements out. */

#include "store.h"


/* what SQLite says of how it will carry out a statement */

static void
plan(session_t *s, const char *text, char *buf, size_t size)
{
    char          *explain;
    sqlite3_stmt  *st;

    buf[0] = '\0';
    explain = sqlite3_mprintf("EXPLAIN QUERY PLAN %s", text);

    if (sqlite3_prepare_v2(s->db, explain, -1, &st, NULL) == SQLITE_OK) {
        while (sqlite3_step(st) == SQLITE_ROW) {
            (void) snprintf(buf + strlen(buf), size - strlen(buf), "%s; ",
                            (const char *) sqlite3_column_text(st, 3));
        }

    } else {
        (void) snprintf(buf, size, "SCAN %s", sqlite3_errmsg(s->db));
    }

    (void) sqlite3_finalize(st);
    sqlite3_free(explain);
}


static void
test_plans(void)
{
    char        text[1024], *scan, *sort;
    session_t  *s;
    ngx_uint_t  i;

    static struct {
        ngx_http_jamhook_sql_e   sql;
        const char              *index;
    } indexes[] = {
        { NGX_HTTP_JAMHOOK_SQL_DUE,
          "INDEX deliveries_due (endpoint=? AND class=? AND next_at<?)" },
        { NGX_HTTP_JAMHOOK_SQL_DUE_FAR,
          "INDEX deliveries_due (endpoint=? AND class=? AND next_at>?)" },
        { NGX_HTTP_JAMHOOK_SQL_DUE_FIRST,
          "INDEX deliveries_due (endpoint=? AND class=?)" },
        { NGX_HTTP_JAMHOOK_SQL_DUE_LAST,
          "INDEX deliveries_due (endpoint=? AND class=?)" },
        { NGX_HTTP_JAMHOOK_SQL_RECOVER_LIST,
          "INDEX deliveries_failed (endpoint=? AND event>? AND event<?)" },
        { NGX_HTTP_JAMHOOK_SQL_RECOVER_LIST,
          "INDEX deliveries_pending (endpoint=? AND event>? AND event<?)" },
        { NGX_HTTP_JAMHOOK_SQL_RESUME,
          "INDEX deliveries_due (endpoint=? AND class=?)" },
        { NGX_HTTP_JAMHOOK_SQL_OUTCOME,
          "PRIMARY KEY (event=? AND endpoint=?)" },
        { NGX_HTTP_JAMHOOK_SQL_POLL_OWNER,
          "INDEX deliveries_sending (lease_owner>?)" },
        { NGX_HTTP_JAMHOOK_SQL_POLL_ORPHANS,
          "INDEX deliveries_sending (lease_owner=? AND lease_until<?)" },
        { NGX_HTTP_JAMHOOK_SQL_REMOVE_ATTEMPTS,
          "INDEX attempts_event (event=?)" },
        { NGX_HTTP_JAMHOOK_SQL_TALLY_LIST, "PRIMARY KEY (event=?)" },
        { NGX_HTTP_JAMHOOK_SQL_ROLLUP_LIST,
          "PRIMARY KEY (span=? AND at>? AND at<?)" },
        { NGX_HTTP_JAMHOOK_SQL_ROLLUP_REMOVE,
          "PRIMARY KEY (span=? AND at=? AND endpoint=? AND slot=?)" },
        { NGX_HTTP_JAMHOOK_SQL_ROLLUP_REMOVE,
          "PRIMARY KEY (span=? AND at<?)" },
        { NGX_HTTP_JAMHOOK_SQL_WALK_EVENTS, "PRIMARY KEY (rowid<?)" },
        { NGX_HTTP_JAMHOOK_SQL_WALK_TYPE,
          "INDEX events_type (type=? AND rowid<?)" },
        { NGX_HTTP_JAMHOOK_SQL_WALK_CONVERSATION,
          "INDEX events_conversation (conversation_id=? AND rowid<?)" },
        { NGX_HTTP_JAMHOOK_SQL_WALK_JAM,
          "INDEX events_jam (jam_id=? AND rowid<?)" },
        { NGX_HTTP_JAMHOOK_SQL_WALK_PENDING,
          "INDEX deliveries_pending (endpoint=? AND event<?)" },
        { NGX_HTTP_JAMHOOK_SQL_WALK_FAILED,
          "INDEX deliveries_failed (endpoint=? AND event<?)" },
        { NGX_HTTP_JAMHOOK_SQL_WALK_SENDING,
          "INDEX deliveries_sending (lease_owner>?)" },
        { NGX_HTTP_JAMHOOK_SQL_WALK_ATTEMPTS, "PRIMARY KEY (rowid<?)" },
        { NGX_HTTP_JAMHOOK_SQL_WALK_RESULT,
          "INDEX attempts_result (endpoint=? AND result=? AND rowid<?)" },
        { NGX_HTTP_JAMHOOK_SQL_TIME_OF_EVENT, "PRIMARY KEY (rowid>?)" },
        { NGX_HTTP_JAMHOOK_SQL_TIME_OF_ATTEMPT, "PRIMARY KEY (rowid>?)" },
        { NGX_HTTP_JAMHOOK_SQL_SHOW_EVENT, "PRIMARY KEY (rowid=?)" },
        { NGX_HTTP_JAMHOOK_SQL_SHOW_DELIVERIES, "PRIMARY KEY (event=?)" },
        { NGX_HTTP_JAMHOOK_SQL_SHOW_ATTEMPTS,
          "INDEX attempts_event (event=?)" },
        { NGX_HTTP_JAMHOOK_SQL_SHOW_ATTEMPT,
          "SEARCH a USING INTEGER PRIMARY KEY (rowid=?)" },
        { NGX_HTTP_JAMHOOK_SQL_LAST_ATTEMPT_OF,
          "INDEX attempts_result (endpoint=? AND result=?)" },
        { NGX_HTTP_JAMHOOK_SQL_COUNT_PENDING,
          "COVERING INDEX deliveries_pending (endpoint=?)" },
        { NGX_HTTP_JAMHOOK_SQL_COUNT_FAILED,
          "COVERING INDEX deliveries_failed (endpoint=?)" },
        { NGX_HTTP_JAMHOOK_SQL_LIST_SENDING,
          "INDEX deliveries_sending (lease_owner>?)" }
    };

    s = store_fresh();

    for (i = 0; i < NGX_HTTP_JAMHOOK_SQL_N; i++) {
        plan(s, ngx_http_jamhook_sqlite_sql[i], text, sizeof(text));

        scan = strstr(text, "SCAN CONSTANT ROW; ");
        scan = scan ? scan + 5 : text;

        /* of endpoints there are few, and few deliveries are being sent */

        if (strncmp(scan, "SCAN endpoints", 14) == 0) {
            scan += 5;
        }

        sort = (i == NGX_HTTP_JAMHOOK_SQL_WALK_SENDING)
                   ? NULL : strstr(text, "TEMP B-TREE");

        if (!ok(strstr(scan, "SCAN ") == NULL && sort == NULL,
                "no table is walked through: %.60s",
                ngx_http_jamhook_sqlite_sql[i]))
        {
            (void) printf("# %s\n", text);
        }
    }

    for (i = 0; i < nitems(indexes); i++) {
        plan(s, ngx_http_jamhook_sqlite_sql[indexes[i].sql], text,
             sizeof(text));

        if (!ok(strstr(text, indexes[i].index) != NULL, "by %s",
                indexes[i].index))
        {
            (void) printf("# %s\n", text);
        }
    }

    store_close(s);
}


int
main(void)
{
    test_plans();

    return done();
}
