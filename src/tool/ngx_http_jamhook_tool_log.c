
#include "ngx_http_jamhook_tool.h"
#include "ngx_http_jamhook_render.h"

#include <stdio.h>
#include <time.h>


#define NGX_HTTP_JAMHOOK_TOOL_LAST  20               /* rows, with -f */
#define NGX_HTTP_JAMHOOK_TOOL_NAP   500000000        /* ns between two looks */


static ngx_int_t ngx_http_jamhook_tool_log_read(ngx_http_jamhook_tool_t *tool,
    ngx_http_jamhook_op_attempts_t *op, ngx_uint_t n, int64_t after);
static ngx_int_t ngx_http_jamhook_tool_log_newest(
    ngx_http_jamhook_tool_t *tool, ngx_pool_t *pool, int64_t *seq);
static int ngx_http_jamhook_tool_log_follow(ngx_http_jamhook_tool_t *tool,
    ngx_http_jamhook_op_attempts_t *from,
    ngx_http_jamhook_tool_table_t *table, int64_t after);
static void ngx_http_jamhook_tool_log_print(ngx_http_jamhook_tool_t *tool,
    ngx_array_t *attempts, ngx_http_jamhook_tool_table_t *table);


int
ngx_http_jamhook_tool_log(ngx_http_jamhook_tool_t *tool)
{
    int64_t                            after;
    ngx_uint_t                         n, follow;
    ngx_http_jamhook_writer_t          w;
    ngx_http_jamhook_tool_table_t      table;
    ngx_http_jamhook_op_attempts_t     op;
    ngx_http_jamhook_shown_attempt_t  *a;

    static const char  *heads[] = {
        "STARTED", "ENDPOINT", "RESULT", ">MS", ">ATTEMPT", "TRIGGER", "TYPE",
        "EVENT", NULL
    };

    follow = tool->given[NGX_HTTP_JAMHOOK_TOOL_FOLLOW];
    n = follow ? NGX_HTTP_JAMHOOK_TOOL_LAST : NGX_HTTP_JAMHOOK_TOOL_ROWS;

    ngx_memzero(&op, sizeof(ngx_http_jamhook_op_attempts_t));

    op.pool = tool->pool;
    op.result = NGX_HTTP_JAMHOOK_RESULT_ANY;
    op.endpoint = ngx_http_jamhook_tool_value(tool,
                                              NGX_HTTP_JAMHOOK_TOOL_ENDPOINT);

    if (ngx_http_jamhook_tool_limit(tool, &n) != NGX_OK
        || ngx_http_jamhook_tool_word(tool, NGX_HTTP_JAMHOOK_TOOL_RESULT,
                                      ngx_http_jamhook_tool_results,
                                      &op.result)
           != NGX_OK
        || ngx_http_jamhook_tool_time(tool, NGX_HTTP_JAMHOOK_TOOL_SINCE,
                                      &op.since)
           != NGX_OK
        || ngx_http_jamhook_tool_time(tool, NGX_HTTP_JAMHOOK_TOOL_UNTIL,
                                      &op.until)
           != NGX_OK)
    {
        return NGX_HTTP_JAMHOOK_TOOL_USAGE;
    }

    if (ngx_http_jamhook_tool_open(tool) != NGX_OK
        || ngx_http_jamhook_tool_log_newest(tool, tool->pool, &after)
           != NGX_OK
        || ngx_http_jamhook_tool_log_read(tool, &op, n, 0) != NGX_OK)
    {
        return NGX_HTTP_JAMHOOK_TOOL_TROUBLE;
    }

    if (tool->given[NGX_HTTP_JAMHOOK_TOOL_JSON] && !follow) {
        ngx_http_jamhook_writer_init(&w, tool->pool);
        ngx_http_jamhook_render_attempts(&w, &op);
        ngx_http_jamhook_tool_json(&w);

    } else {
        ngx_http_jamhook_tool_table_init(&table, tool->pool, heads);
        ngx_http_jamhook_tool_log_print(tool, &op.attempts, &table);
    }

    if (follow) {
        a = op.attempts.elts;

        if (op.attempts.nelts != 0) {
            after = ngx_max(after, a[0].seq);
        }

        return ngx_http_jamhook_tool_log_follow(tool, &op, &table, after);
    }

    return op.attempts.nelts ? NGX_HTTP_JAMHOOK_TOOL_DONE
                             : NGX_HTTP_JAMHOOK_TOOL_NOTHING;
}


/* newest first, to its end, to n rows, or to what is known already */

static ngx_int_t
ngx_http_jamhook_tool_log_read(ngx_http_jamhook_tool_t *tool,
    ngx_http_jamhook_op_attempts_t *op, ngx_uint_t n, int64_t after)
{
    ngx_uint_t                         i, known;
    ngx_array_t                        all;
    ngx_http_jamhook_shown_attempt_t  *a, *to;

    ngx_http_jamhook_tool_array(&all, op->pool,
                                sizeof(ngx_http_jamhook_shown_attempt_t));

    op->op.type = NGX_HTTP_JAMHOOK_OP_ATTEMPTS;
    op->cursor = 0;
    known = 0;

    do {
        op->limit = ngx_min(n - all.nelts, NGX_HTTP_JAMHOOK_TOOL_PAGE);

        if (ngx_http_jamhook_tool_read(tool, &op->op) != NGX_OK) {
            return NGX_ERROR;
        }

        a = op->attempts.elts;

        for (i = 0; i < op->attempts.nelts && !known; i++) {

            if (a[i].seq <= after) {
                known = 1;

            } else {
                to = ngx_http_jamhook_tool_push(&all);
                *to = a[i];
            }
        }

        op->cursor = op->next;

    } while (op->next > after && all.nelts < n && !known);

    op->attempts = all;

    return NGX_OK;
}


/* of all attempts: a list that leaves some out does not say how far it saw */

static ngx_int_t
ngx_http_jamhook_tool_log_newest(ngx_http_jamhook_tool_t *tool,
    ngx_pool_t *pool, int64_t *seq)
{
    ngx_http_jamhook_op_attempts_t     op;
    ngx_http_jamhook_shown_attempt_t  *a;

    ngx_memzero(&op, sizeof(ngx_http_jamhook_op_attempts_t));

    op.pool = pool;
    op.result = NGX_HTTP_JAMHOOK_RESULT_ANY;

    if (ngx_http_jamhook_tool_log_read(tool, &op, 1, 0) != NGX_OK) {
        return NGX_ERROR;
    }

    a = op.attempts.elts;
    *seq = op.attempts.nelts ? a[0].seq : 0;

    return NGX_OK;
}


/* till a signal ends it, or trouble */

static int
ngx_http_jamhook_tool_log_follow(ngx_http_jamhook_tool_t *tool,
    ngx_http_jamhook_op_attempts_t *from,
    ngx_http_jamhook_tool_table_t *table, int64_t after)
{
    int64_t                            newest;
    struct timespec                    nap;
    ngx_http_jamhook_op_attempts_t     op;
    ngx_http_jamhook_tool_table_t      t;
    ngx_http_jamhook_shown_attempt_t  *a;

    while (fflush(stdout) == 0) {

        nap.tv_sec = 0;
        nap.tv_nsec = NGX_HTTP_JAMHOOK_TOOL_NAP;

        (void) nanosleep(&nap, NULL);

        op = *from;
        op.pool = ngx_create_pool(NGX_DEFAULT_POOL_SIZE, NULL);

        if (op.pool == NULL) {
            ngx_http_jamhook_tool_no_memory();
        }

        if (ngx_http_jamhook_tool_log_newest(tool, op.pool, &newest) != NGX_OK
            || (newest > after
                && ngx_http_jamhook_tool_log_read(tool, &op,
                                                  NGX_MAX_INT32_VALUE, after)
                   != NGX_OK))
        {
            ngx_destroy_pool(op.pool);
            return NGX_HTTP_JAMHOOK_TOOL_TROUBLE;
        }

        if (newest > after) {
            a = op.attempts.elts;
            after = op.attempts.nelts ? ngx_max(newest, a[0].seq) : newest;

            /* its cells go with this look's pool */

            t = *table;
            t.pool = op.pool;
            ngx_http_jamhook_tool_array(&t.cells, op.pool, sizeof(char *));

            ngx_http_jamhook_tool_log_print(tool, &op.attempts, &t);

            table->headed = t.headed;
        }

        ngx_destroy_pool(op.pool);
    }

    return NGX_HTTP_JAMHOOK_TOOL_DONE;
}


/* the last ones last */

static void
ngx_http_jamhook_tool_log_print(ngx_http_jamhook_tool_t *tool,
    ngx_array_t *attempts, ngx_http_jamhook_tool_table_t *table)
{
    ngx_uint_t                         i;
    ngx_http_jamhook_writer_t          w;
    ngx_http_jamhook_shown_attempt_t  *a;

    a = attempts->elts;

    for (i = attempts->nelts; i-- != 0; /* void */ ) {

        if (tool->given[NGX_HTTP_JAMHOOK_TOOL_JSON]) {
            ngx_http_jamhook_writer_init(&w, table->pool);
            ngx_http_jamhook_render_attempt(&w, &a[i]);
            ngx_http_jamhook_tool_json(&w);
            continue;
        }

        ngx_http_jamhook_tool_cell_time(table, a[i].started_at);
        ngx_http_jamhook_tool_cell(table, &a[i].endpoint);
        ngx_http_jamhook_tool_cell_text(table,
                     ngx_http_jamhook_tool_attempt(table->pool, &a[i]));
        ngx_http_jamhook_tool_cell_int(table, a[i].duration);
        ngx_http_jamhook_tool_cell_int(table, a[i].number);
        ngx_http_jamhook_tool_cell_text(table,
                               ngx_http_jamhook_tool_triggers[a[i].trigger]);
        ngx_http_jamhook_tool_cell(table, &a[i].type);
        ngx_http_jamhook_tool_cell(table, &a[i].id);
    }

    if (table->cells.nelts != 0) {
        ngx_http_jamhook_tool_table_print(table);
    }
}
