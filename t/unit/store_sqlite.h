
/* SQLite's part of store.h: a directory of its own for each store */


#ifndef _STORE_SQLITE_H_INCLUDED_
#define _STORE_SQLITE_H_INCLUDED_


#include "ngx_http_jamhook_sqlite.h"

#include <dirent.h>
#include <ftw.h>


#define backend          ngx_http_jamhook_sqlite_backend
#define store_patience   ngx_http_jamhook_sqlite_patience
#define store_list_time  ngx_http_jamhook_sqlite_list_time

#define LEASE_UNTIL      (now.mono + LEASE)
#define AGAIN            2
#define LOST             0

#define BLOB(text)       "CAST(" text " AS BLOB)"
#define ZEROS(n)         "zeroblob(" n ")"
#define HEX32(n)         "printf('%%032x', " n ")"
#define RANDOM(n)        "abs(random() %% " n ")"
#define NUMBERED         " "
#define SHARD_COLUMN     ""
#define SHARD            ""


typedef ngx_http_jamhook_sqlite_t  session_t;


static char        store_base[256];      /* holds all the stores of a test */
static char        store_dir[512];       /* the one in use */
static pid_t       store_pid;
static ngx_uint_t  store_count;


static inline int
store_unlink(const char *path, const struct stat *st, int flag,
    struct FTW *ftw)
{
    (void) st;
    (void) flag;
    (void) ftw;

    (void) chmod(path, 0700);

    return remove(path);
}


static inline void
store_clean(void)
{
    if (getpid() == store_pid && store_base[0] != '\0') {
        (void) nftw(store_base, store_unlink, 16, FTW_DEPTH|FTW_PHYS);
    }
}


/* a directory for the next store, not made yet */

static inline void
store_new(void)
{
    const char  *tmp;

    if (store_base[0] == '\0') {
        tmp = getenv("TMPDIR");

        (void) snprintf(store_base, sizeof(store_base), "%s/jamhook-XXXXXX",
                        tmp ? tmp : "/tmp");

        if (mkdtemp(store_base) == NULL) {
            perror(store_base);
            exit(2);
        }

        (void) chmod(store_base, 0711);

        store_pid = getpid();
        (void) atexit(store_clean);
    }

    (void) snprintf(store_dir, sizeof(store_dir), "%s/%d", store_base,
                    (int) store_count++);

    store_conf.place.data = (u_char *) store_dir;
    store_conf.place.len = strlen(store_dir);
    store_conf.max_size = 0;
    store_conf.endpoints = store_names;
    store_conf.nendpoints = 2;

    store_patience = 5000;
}


static inline ngx_str_t
store_owner(session_t *s)
{
    ngx_str_t  none = ngx_null_string;

    return s->owner ? s->owner->name : none;
}


/* the first column of up to max rows, by another handle; -1: an error */

static inline int
store_numbers(const char *text, int64_t *numbers, int max)
{
    int            n, rc;
    char           path[600];
    sqlite3       *db;
    sqlite3_stmt  *st;

    (void) snprintf(path, sizeof(path), "%s/jamhook.db", store_dir);

    n = 0;
    st = NULL;

    rc = sqlite3_open(path, &db);

    if (rc == SQLITE_OK) {
        (void) sqlite3_busy_timeout(db, 1000);
        rc = sqlite3_prepare_v2(db, text, -1, &st, NULL);
    }

    if (rc == SQLITE_OK) {

        for (rc = sqlite3_step(st);
             rc == SQLITE_ROW && n < max;
             rc = sqlite3_step(st))
        {
            numbers[n++] = sqlite3_column_int64(st, 0);
        }
    }

    if (rc != SQLITE_ROW && rc != SQLITE_DONE) {
        (void) printf("# %s: %s\n", text, sqlite3_errmsg(db));
        n = -1;
    }

    (void) sqlite3_finalize(st);
    (void) sqlite3_close(db);

    return n;
}


static inline void
store_refuse(void)
{
    (void) store_numbers("CREATE TRIGGER no BEFORE INSERT ON attempts"
                         " WHEN new.duration = 666"
                         " BEGIN SELECT RAISE(FAIL, 'no'); END", NULL, 0);
}


static inline void
store_settle(void)
{
}


static inline ngx_uint_t
store_is_whole(void)
{
    int64_t  n;

    return store_numbers("SELECT count(*) FROM pragma_integrity_check"
                         " WHERE integrity_check = 'ok'", &n, 1)
           == 1 && n == 1;
}


static inline void
store_made(void)
{
}


/* numbers go on behind those that were written by hand */

static inline void
store_renumber(void)
{
}


/* files of the store's directory whose name begins so */

static inline ngx_uint_t
files(const char *prefix)
{
    DIR            *d;
    ngx_uint_t      n;
    struct dirent  *entry;

    n = 0;
    d = opendir(store_dir);

    while (d != NULL) {
        entry = readdir(d);

        if (entry == NULL) {
            break;
        }

        n += (strncmp(entry->d_name, prefix, strlen(prefix)) == 0);
    }

    if (d != NULL) {
        (void) closedir(d);
    }

    return n;
}


#endif /* _STORE_SQLITE_H_INCLUDED_ */
