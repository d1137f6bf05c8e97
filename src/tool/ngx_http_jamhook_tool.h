
/*
 * Tool: the command line "jamhook".  A program of its own around the rooms
 * base, rules and store: one thread, memory in one pool that goes with the
 * process.  It comes to a store as a guest (see backend.h), beside nginx or
 * without one.
 */


#ifndef _NGX_HTTP_JAMHOOK_TOOL_H_INCLUDED_
#define _NGX_HTTP_JAMHOOK_TOOL_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_http_jamhook_backend.h"
#include "ngx_http_jamhook_writer.h"


/* what the process ends with */

#define NGX_HTTP_JAMHOOK_TOOL_DONE       0
#define NGX_HTTP_JAMHOOK_TOOL_NOTHING    1           /* or: does not verify */
#define NGX_HTTP_JAMHOOK_TOOL_USAGE      2
#define NGX_HTTP_JAMHOOK_TOOL_TROUBLE    3

#define NGX_HTTP_JAMHOOK_TOOL_PAGE       250         /* rows read at a time */
#define NGX_HTTP_JAMHOOK_TOOL_ROWS       50          /* shown without -n */


/* The options, in the order of the table in tool.c. */

typedef enum {
    NGX_HTTP_JAMHOOK_TOOL_STORE = 0,
    NGX_HTTP_JAMHOOK_TOOL_JSON,
    NGX_HTTP_JAMHOOK_TOOL_LIMIT,
    NGX_HTTP_JAMHOOK_TOOL_STATE,
    NGX_HTTP_JAMHOOK_TOOL_ENDPOINT,
    NGX_HTTP_JAMHOOK_TOOL_TYPE,
    NGX_HTTP_JAMHOOK_TOOL_CONVERSATION,
    NGX_HTTP_JAMHOOK_TOOL_JAM,
    NGX_HTTP_JAMHOOK_TOOL_SINCE,
    NGX_HTTP_JAMHOOK_TOOL_UNTIL,
    NGX_HTTP_JAMHOOK_TOOL_RESULT,
    NGX_HTTP_JAMHOOK_TOOL_BODY,
    NGX_HTTP_JAMHOOK_TOOL_RAW,
    NGX_HTTP_JAMHOOK_TOOL_YES,
    NGX_HTTP_JAMHOOK_TOOL_FOLLOW,
    NGX_HTTP_JAMHOOK_TOOL_KEY,
    NGX_HTTP_JAMHOOK_TOOL_TOLERANCE,
    NGX_HTTP_JAMHOOK_TOOL_ID,
    NGX_HTTP_JAMHOOK_TOOL_TIMESTAMP,
    NGX_HTTP_JAMHOOK_TOOL_SIGNATURE,
    NGX_HTTP_JAMHOOK_TOOL_HEADER,
    NGX_HTTP_JAMHOOK_TOOL_HEADERS,
    NGX_HTTP_JAMHOOK_TOOL_PREFIX,
    NGX_HTTP_JAMHOOK_TOOL_ED25519,
    NGX_HTTP_JAMHOOK_TOOL_FROM,
    NGX_HTTP_JAMHOOK_TOOL_TO,
    NGX_HTTP_JAMHOOK_TOOL_WAIT,
    NGX_HTTP_JAMHOOK_TOOL_KEEP,
    NGX_HTTP_JAMHOOK_TOOL_USER,
    NGX_HTTP_JAMHOOK_TOOL_HELP,
    NGX_HTTP_JAMHOOK_TOOL_VERSION,
    NGX_HTTP_JAMHOOK_TOOL_OPTIONS
} ngx_http_jamhook_tool_option_e;

typedef struct {
    ngx_pool_t                        *pool;
    char                              *command;
    char                              *values[NGX_HTTP_JAMHOOK_TOOL_OPTIONS];
    unsigned                           given[NGX_HTTP_JAMHOOK_TOOL_OPTIONS];
    ngx_array_t                        headers;      /* char *: each -H */
    char                             **args;         /* behind the command */
    ngx_uint_t                         nargs;

    /* the store, once it is open */

    ngx_http_jamhook_backend_t        *backend;
    ngx_http_jamhook_store_conf_t      conf;
    void                              *reader;       /* sessions, or NULL */
    void                              *writer;
} ngx_http_jamhook_tool_t;


/* tool.c: what was asked for, and complaints */

/* NGX_OK; NGX_ERROR: it was said that the value is wrong. */
ngx_int_t ngx_http_jamhook_tool_limit(ngx_http_jamhook_tool_t *tool,
    ngx_uint_t *n);

/* Unix ms; stays as it is where the option is not given. */
ngx_int_t ngx_http_jamhook_tool_time(ngx_http_jamhook_tool_t *tool,
    ngx_http_jamhook_tool_option_e option, int64_t *ms);

/* "90", "90s", "5m", "2h", "30d" or "1w", in s. */
ngx_int_t ngx_http_jamhook_tool_duration(char *text, int64_t *s);

/* The index of an option's value in words, which ends with NULL. */
ngx_int_t ngx_http_jamhook_tool_word(ngx_http_jamhook_tool_t *tool,
    ngx_http_jamhook_tool_option_e option, const char **words,
    ngx_uint_t *index);

/* An option's value; absent where it is not given. */
ngx_str_t ngx_http_jamhook_tool_value(ngx_http_jamhook_tool_t *tool,
    ngx_http_jamhook_tool_option_e option);

/* To stderr, a line; usage() returns NGX_HTTP_JAMHOOK_TOOL_USAGE. */
void ngx_http_jamhook_tool_say(const char *format, ...)
    __attribute__((format(printf, 1, 2)));
int ngx_http_jamhook_tool_usage(ngx_http_jamhook_tool_t *tool,
    const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Memory is short: says so and ends the process. */
void ngx_http_jamhook_tool_no_memory(void) __attribute__((noreturn));

/* These end the process where memory is short. */
void *ngx_http_jamhook_tool_alloc(ngx_pool_t *pool, size_t size);
void *ngx_http_jamhook_tool_push(ngx_array_t *a);
void ngx_http_jamhook_tool_array(ngx_array_t *a, ngx_pool_t *pool,
    size_t size);


/* tool_print.c: texts that came from outside, tables, JSON */

/* As much of text as fits in dst, harmless and with a NUL behind it. */
char *ngx_http_jamhook_tool_safe(ngx_pool_t *pool, ngx_str_t *text);

/* A text of several lines, each behind an indent of so many blanks. */
void ngx_http_jamhook_tool_lines(ngx_str_t *text, ngx_uint_t indent);

/* Unix ms in RFC 3339, UTC; "-" for 0. */
char *ngx_http_jamhook_tool_when(ngx_pool_t *pool, int64_t ms);

/* The API's words, by the enums of backend.h; lists that end with NULL. */
extern const char  *ngx_http_jamhook_tool_states[];
extern const char  *ngx_http_jamhook_tool_results[];
extern const char  *ngx_http_jamhook_tool_triggers[];
extern const char  *ngx_http_jamhook_tool_pauses[];

/* "failed (timeout)"; "pending", "paused (gone)" */
const char *ngx_http_jamhook_tool_attempt(ngx_pool_t *pool,
    ngx_http_jamhook_shown_attempt_t *a);
const char *ngx_http_jamhook_tool_state(
    ngx_http_jamhook_shown_delivery_t *d);

/* Prints what was written, and a line's end. */
void ngx_http_jamhook_tool_json(ngx_http_jamhook_writer_t *w);

typedef struct {
    ngx_pool_t      *pool;
    const char     **heads;              /* one that begins with '>' is of a
                                            column that is flush right */
    ngx_uint_t       columns;
    size_t          *widths;
    ngx_array_t      cells;              /* char * */
    unsigned         headed:1;
} ngx_http_jamhook_tool_table_t;

void ngx_http_jamhook_tool_table_init(ngx_http_jamhook_tool_table_t *table,
    ngx_pool_t *pool, const char **heads);
void ngx_http_jamhook_tool_cell(ngx_http_jamhook_tool_table_t *table,
    ngx_str_t *text);
void ngx_http_jamhook_tool_cell_text(ngx_http_jamhook_tool_table_t *table,
    const char *text);
void ngx_http_jamhook_tool_cell_int(ngx_http_jamhook_tool_table_t *table,
    int64_t n);
void ngx_http_jamhook_tool_cell_time(ngx_http_jamhook_tool_table_t *table,
    int64_t ms);

/* Prints the rows so far and forgets them; the columns get no narrower. */
void ngx_http_jamhook_tool_table_print(ngx_http_jamhook_tool_table_t *table);


/* tool_store.c: sessions.  What goes wrong has been said. */

ngx_int_t ngx_http_jamhook_tool_open(ngx_http_jamhook_tool_t *tool);
void ngx_http_jamhook_tool_close(ngx_http_jamhook_tool_t *tool);
ngx_int_t ngx_http_jamhook_tool_read(ngx_http_jamhook_tool_t *tool,
    ngx_http_jamhook_op_t *op);
ngx_int_t ngx_http_jamhook_tool_write(ngx_http_jamhook_tool_t *tool,
    ngx_http_jamhook_op_t **ops, ngx_uint_t n);

/*
 * The backend of what stands behind jamhook_store, with its place in conf; and
 * root's rights given up, where its files are another user's.
 */
ngx_http_jamhook_backend_t *ngx_http_jamhook_tool_place(
    ngx_http_jamhook_tool_t *tool, char *store,
    ngx_http_jamhook_store_conf_t *conf);
ngx_uint_t ngx_http_jamhook_tool_is_uri(char *store);
ngx_int_t ngx_http_jamhook_tool_enter(ngx_http_jamhook_tool_t *tool,
    ngx_http_jamhook_backend_t *backend, ngx_http_jamhook_store_conf_t *conf);

/* Says what is wrong and what can be done. */
void ngx_http_jamhook_tool_trouble(ngx_http_jamhook_tool_t *tool,
    ngx_http_jamhook_backend_t *backend, ngx_http_jamhook_failure_t *failure);

/* Of a command that is nothing without PostgreSQL: says so. */
int ngx_http_jamhook_tool_without(ngx_http_jamhook_tool_t *tool);

/* As safe(), on one line. */
char *ngx_http_jamhook_tool_line(ngx_pool_t *pool, ngx_str_t *text);

/* Goes on with a list to its end, or to n rows. */
ngx_int_t ngx_http_jamhook_tool_events(ngx_http_jamhook_tool_t *tool,
    ngx_http_jamhook_op_events_t *op, ngx_uint_t n);


/* the commands: what the process ends with */

int ngx_http_jamhook_tool_status(ngx_http_jamhook_tool_t *tool);
int ngx_http_jamhook_tool_list(ngx_http_jamhook_tool_t *tool);
int ngx_http_jamhook_tool_show(ngx_http_jamhook_tool_t *tool);
int ngx_http_jamhook_tool_log(ngx_http_jamhook_tool_t *tool);
int ngx_http_jamhook_tool_replay(ngx_http_jamhook_tool_t *tool);
int ngx_http_jamhook_tool_forget(ngx_http_jamhook_tool_t *tool);
int ngx_http_jamhook_tool_verify(ngx_http_jamhook_tool_t *tool);
int ngx_http_jamhook_tool_sign(ngx_http_jamhook_tool_t *tool);
int ngx_http_jamhook_tool_keygen(ngx_http_jamhook_tool_t *tool);
int ngx_http_jamhook_tool_schema(ngx_http_jamhook_tool_t *tool);
int ngx_http_jamhook_tool_move(ngx_http_jamhook_tool_t *tool);


#endif /* _NGX_HTTP_JAMHOOK_TOOL_H_INCLUDED_ */
