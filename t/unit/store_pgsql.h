
/*
 * PostgreSQL's part of store.h: a database of its own for each store, on the
 * server that JAMHOOK_PG names (t/tools/pg.sh starts one).
 */


#ifndef _STORE_PGSQL_H_INCLUDED_
#define _STORE_PGSQL_H_INCLUDED_


#include "ngx_http_jamhook_pgsql.h"


#define backend          ngx_http_jamhook_pgsql_backend
#define store_patience   ngx_http_jamhook_pgsql_patience
#define store_list_time  ngx_http_jamhook_pgsql_list_time

#define LEASE_UNTIL      (now.now + LEASE)
#define AGAIN            1
#define LOST             1

#define BLOB(text)       "convert_to(" text ", 'UTF8')"
#define ZEROS(n)         "decode(repeat('00', " n "), 'hex')"
#define HEX32(n)         "lpad(to_hex(" n "), 32, '0')"
#define RANDOM(n)        "floor(random() * " n ")::int"
#define NUMBERED         " OVERRIDING SYSTEM VALUE "
#define SHARD_COLUMN     "shard, "
#define SHARD            "0, "


typedef ngx_http_jamhook_pgsql_t  session_t;


static char        store_uri[1024];      /* of the database in use */
static char        store_name[64];       /* its name; empty: none yet */
static PGconn     *store_server;         /* the server's own database */
static PGconn     *store_outside;        /* the one in use, for sql() */
static pid_t       store_pid;
static ngx_uint_t  store_count;


/* a session of a test's own; without the rights to do so it ends here */

static inline PGconn *
store_connect(const char *uri)
{
    PGconn    *db;
    PGresult  *res;

    db = PQconnectdb(uri);

    if (PQstatus(db) != CONNECTION_OK) {
        (void) printf("Bail out! %s\n", PQerrorMessage(db));
        exit(2);
    }

    res = PQexec(db, "SET search_path = jamhook; SET client_min_messages ="
                     " warning");
    PQclear(res);

    return db;
}


/* what the server is told; 1: it has done so */

static inline ngx_uint_t
store_server_exec(const char *fmt, ...)
{
    int         good;
    char        text[1024];
    va_list     args;
    PGresult   *res;

    va_start(args, fmt);
    (void) vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);

    res = PQexec(store_server, text);
    good = (PQresultStatus(res) == PGRES_COMMAND_OK
            || PQresultStatus(res) == PGRES_TUPLES_OK);

    if (!good) {
        (void) printf("# %s: %s\n", text, PQerrorMessage(store_server));
    }

    PQclear(res);

    return good;
}


static inline void
store_clean(void)
{
    if (getpid() != store_pid) {
        return;
    }

    PQfinish(store_outside);
    store_outside = NULL;

    if (store_name[0] != '\0') {
        (void) store_server_exec("DROP DATABASE %s WITH (FORCE)", store_name);
        store_name[0] = '\0';
    }
}


static inline void
store_exit(void)
{
    store_clean();

    if (getpid() == store_pid) {
        PQfinish(store_server);
    }
}


/* an empty database for the next store */

static inline void
store_new(void)
{
    const char  *uri;

    uri = getenv("JAMHOOK_PG");

    if (uri == NULL || *uri == '\0') {
        (void) printf("Bail out! JAMHOOK_PG names no server: t/tools/pg.sh"
                      " runs a program with one\n");
        exit(2);
    }

    if (store_server == NULL) {
        store_server = store_connect(uri);
        store_pid = getpid();
        (void) atexit(store_exit);
    }

    store_clean();

    (void) snprintf(store_name, sizeof(store_name), "jh_%d_%d",
                    (int) store_pid, (int) store_count++);

    if (!store_server_exec("CREATE DATABASE %s TEMPLATE template0",
                           store_name))
    {
        (void) printf("Bail out! no database\n");
        exit(2);
    }

    (void) snprintf(store_uri, sizeof(store_uri), "%s%cdbname=%s", uri,
                    strchr(uri, '?') ? '&' : '?', store_name);

    store_conf.conninfo.data = (u_char *) store_uri;
    store_conf.conninfo.len = strlen(store_uri);
    store_conf.place = store_conf.conninfo;
    store_conf.endpoints = store_names;
    store_conf.nendpoints = 2;

    store_patience = 9000;
    ngx_http_jamhook_pgsql_fake_clock = 1;
}


static inline ngx_str_t
store_owner(session_t *s)
{
    return s->owner;
}


/* the first column of up to max rows, by another session; -1: an error */

static inline int
store_numbers(const char *text, int64_t *numbers, int max)
{
    int        n;
    PGresult  *res;

    if (store_outside == NULL) {
        store_outside = store_connect(store_uri);
    }

    res = PQexec(store_outside, text);

    switch (PQresultStatus(res)) {

    case PGRES_TUPLES_OK:
        for (n = 0; n < PQntuples(res) && n < max; n++) {
            numbers[n] = strtoll(PQgetvalue(res, n, 0), NULL, 10);
        }

        break;

    case PGRES_COMMAND_OK:
        n = 0;
        break;

    default:
        (void) printf("# %s: %s\n", text, PQerrorMessage(store_outside));
        n = -1;
    }

    PQclear(res);

    return n;
}


static inline void
store_refuse(void)
{
    (void) store_numbers("ALTER TABLE attempts ADD CONSTRAINT no"
                         " CHECK (duration <> 666)", NULL, 0);
}


static inline void
store_settle(void)
{
    int64_t     n;
    ngx_uint_t  i;

    for (i = 0; i < 500; i++) {
        if (store_numbers("SELECT count(*) FROM pg_stat_activity"
                          " WHERE datname = current_database()"
                          " AND pid <> pg_backend_pid()", &n, 1) != 1
            || n == 0)
        {
            break;
        }

        (void) usleep(10000);
    }
}


static inline ngx_uint_t
store_is_whole(void)
{
    return 1;
}


/* the numbers that the tests are written for, as SQLite has them */

static inline void
store_made(void)
{
    (void) store_numbers("ALTER TABLE events ALTER seq RESTART WITH 1", NULL,
                         0);
    (void) store_numbers("ALTER TABLE attempts ALTER seq RESTART WITH 1", NULL,
                         0);
}


/* numbers go on behind those that were written by hand */

static inline void
store_renumber(void)
{
    (void) store_numbers("SELECT setval(pg_get_serial_sequence("
                         "'jamhook.events', 'seq'), max(seq)) FROM events",
                         NULL, 0);
    (void) store_numbers("SELECT setval(pg_get_serial_sequence("
                         "'jamhook.attempts', 'seq'), max(seq)) FROM attempts",
                         NULL, 0);
    (void) store_numbers("SELECT setval(pg_get_serial_sequence("
                         "'jamhook.endpoints', 'id'), max(id)) FROM endpoints",
                         NULL, 0);
}


#endif /* _STORE_PGSQL_H_INCLUDED_ */
