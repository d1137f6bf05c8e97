
#include "ngx_http_jamhook_tool.h"
#include "ngx_http_jamhook_render.h"


static ngx_int_t ngx_http_jamhook_tool_list_options(
    ngx_http_jamhook_tool_t *tool, ngx_http_jamhook_op_events_t *op);
static ngx_int_t ngx_http_jamhook_tool_list_waiting(
    ngx_http_jamhook_tool_t *tool, ngx_http_jamhook_op_events_t *op,
    ngx_uint_t n);
static void ngx_http_jamhook_tool_list_merge(ngx_http_jamhook_op_events_t *op,
    ngx_array_t *others, ngx_uint_t n);
static void ngx_http_jamhook_tool_list_table(ngx_http_jamhook_tool_t *tool,
    ngx_http_jamhook_op_events_t *op, ngx_uint_t waiting);
static ngx_uint_t ngx_http_jamhook_tool_list_wants(
    ngx_http_jamhook_op_events_t *op, ngx_http_jamhook_shown_delivery_t *d,
    ngx_uint_t waiting);


int
ngx_http_jamhook_tool_list(ngx_http_jamhook_tool_t *tool)
{
    ngx_int_t                      rc;
    ngx_uint_t                     n, waiting;
    ngx_http_jamhook_writer_t      w;
    ngx_http_jamhook_op_events_t   op;

    n = NGX_HTTP_JAMHOOK_TOOL_ROWS;
    waiting = (strcmp(tool->command, "pending") == 0);

    if (ngx_http_jamhook_tool_limit(tool, &n) != NGX_OK
        || ngx_http_jamhook_tool_list_options(tool, &op) != NGX_OK)
    {
        return NGX_HTTP_JAMHOOK_TOOL_USAGE;
    }

    if (ngx_http_jamhook_tool_open(tool) != NGX_OK) {
        return NGX_HTTP_JAMHOOK_TOOL_TROUBLE;
    }

    rc = waiting ? ngx_http_jamhook_tool_list_waiting(tool, &op, n)
                 : ngx_http_jamhook_tool_events(tool, &op, n);

    if (rc != NGX_OK) {
        return NGX_HTTP_JAMHOOK_TOOL_TROUBLE;
    }

    if (tool->given[NGX_HTTP_JAMHOOK_TOOL_JSON]) {
        ngx_http_jamhook_writer_init(&w, tool->pool);
        ngx_http_jamhook_render_events(&w, &op);
        ngx_http_jamhook_tool_json(&w);

    } else if (op.events.nelts == 0) {
        ngx_http_jamhook_tool_say("there are none");

    } else {
        ngx_http_jamhook_tool_list_table(tool, &op, waiting);
    }

    if (op.next != 0 && !tool->given[NGX_HTTP_JAMHOOK_TOOL_JSON]) {
        ngx_http_jamhook_tool_say("there may be more: -n %u, or --until",
                                  (unsigned) n * 2);
    }

    return op.events.nelts ? NGX_HTTP_JAMHOOK_TOOL_DONE
                           : NGX_HTTP_JAMHOOK_TOOL_NOTHING;
}


static ngx_int_t
ngx_http_jamhook_tool_list_options(ngx_http_jamhook_tool_t *tool,
    ngx_http_jamhook_op_events_t *op)
{
    ngx_uint_t  state;

    ngx_memzero(op, sizeof(ngx_http_jamhook_op_events_t));

    state = NGX_HTTP_JAMHOOK_SHOWN_ANY;

    if (strcmp(tool->command, "failed") == 0) {
        state = NGX_HTTP_JAMHOOK_SHOWN_FAILED;
    }

    if (ngx_http_jamhook_tool_word(tool, NGX_HTTP_JAMHOOK_TOOL_STATE,
                                   ngx_http_jamhook_tool_states, &state)
        != NGX_OK
        || ngx_http_jamhook_tool_time(tool, NGX_HTTP_JAMHOOK_TOOL_SINCE,
                                      &op->since)
           != NGX_OK
        || ngx_http_jamhook_tool_time(tool, NGX_HTTP_JAMHOOK_TOOL_UNTIL,
                                      &op->until)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    op->pool = tool->pool;
    op->state = state;
    op->type = ngx_http_jamhook_tool_value(tool, NGX_HTTP_JAMHOOK_TOOL_TYPE);
    op->jam_id = ngx_http_jamhook_tool_value(tool, NGX_HTTP_JAMHOOK_TOOL_JAM);
    op->endpoint = ngx_http_jamhook_tool_value(tool,
                                              NGX_HTTP_JAMHOOK_TOOL_ENDPOINT);
    op->conversation_id = ngx_http_jamhook_tool_value(tool,
                                          NGX_HTTP_JAMHOOK_TOOL_CONVERSATION);

    return NGX_OK;
}


/* what is held with its endpoint waits as well */

static ngx_int_t
ngx_http_jamhook_tool_list_waiting(ngx_http_jamhook_tool_t *tool,
    ngx_http_jamhook_op_events_t *op, ngx_uint_t n)
{
    ngx_http_jamhook_op_events_t  paused;

    paused = *op;
    paused.state = NGX_HTTP_JAMHOOK_SHOWN_PAUSED;
    op->state = NGX_HTTP_JAMHOOK_SHOWN_PENDING;

    if (ngx_http_jamhook_tool_events(tool, op, n) != NGX_OK
        || ngx_http_jamhook_tool_events(tool, &paused, n) != NGX_OK)
    {
        return NGX_ERROR;
    }

    op->next = ngx_max(op->next, paused.next);

    ngx_http_jamhook_tool_list_merge(op, &paused.events, n);

    return NGX_OK;
}


/* two lists, newest first, that may have events in common */

static void
ngx_http_jamhook_tool_list_merge(ngx_http_jamhook_op_events_t *op,
    ngx_array_t *others, ngx_uint_t n)
{
    ngx_array_t                      merged;
    ngx_http_jamhook_shown_event_t  *a, *b, *ae, *be, *to;

    ngx_http_jamhook_tool_array(&merged, op->pool,
                                sizeof(ngx_http_jamhook_shown_event_t));

    a = op->events.elts;
    ae = a + op->events.nelts;
    b = others->elts;
    be = b + others->nelts;

    while ((a < ae || b < be) && merged.nelts < n) {
        to = ngx_http_jamhook_tool_push(&merged);

        if (b == be || (a < ae && a->event >= b->event)) {
            *to = *a++;

            if (b < be && b->event == to->event) {
                b++;
            }

        } else {
            *to = *b++;
        }
    }

    if (a < ae || b < be) {
        to = merged.elts;
        op->next = to[merged.nelts - 1].event;
    }

    op->events = merged;
}


static void
ngx_http_jamhook_tool_list_table(ngx_http_jamhook_tool_t *tool,
    ngx_http_jamhook_op_events_t *op, ngx_uint_t waiting)
{
    ngx_uint_t                          i, j;
    ngx_http_jamhook_tool_table_t       table;
    ngx_http_jamhook_shown_event_t     *event;
    ngx_http_jamhook_shown_delivery_t  *d, none;

    static const char  *heads[] = {
        "RECEIVED", "ID", "TYPE", "CONVERSATION", "ENDPOINT", "STATE",
        ">ATTEMPTS", "NEXT ATTEMPT", NULL
    };

    ngx_http_jamhook_tool_table_init(&table, tool->pool, heads);
    ngx_memzero(&none, sizeof(ngx_http_jamhook_shown_delivery_t));

    event = op->events.elts;

    for (i = 0; i < op->events.nelts; i++) {
        d = event[i].deliveries.elts;
        j = 0;

        do {
            if (event[i].deliveries.nelts == 0) {
                d = &none;

            } else if (!ngx_http_jamhook_tool_list_wants(op, &d[j], waiting)) {
                continue;
            }

            ngx_http_jamhook_tool_cell_time(&table, event[i].received_at);
            ngx_http_jamhook_tool_cell(&table, &event[i].id);
            ngx_http_jamhook_tool_cell(&table, &event[i].type);

            if (event[i].forgotten) {
                ngx_http_jamhook_tool_cell_text(&table, "(forgotten)");

            } else {
                ngx_http_jamhook_tool_cell(&table, &event[i].conversation_id);
            }

            ngx_http_jamhook_tool_cell(&table, &d[j].endpoint);
            ngx_http_jamhook_tool_cell_text(&table, d == &none ? "-"
                                       : ngx_http_jamhook_tool_state(&d[j]));
            ngx_http_jamhook_tool_cell_int(&table, d[j].number);
            ngx_http_jamhook_tool_cell_time(&table, d[j].next_at);

        } while (++j < event[i].deliveries.nelts);
    }

    ngx_http_jamhook_tool_table_print(&table);
}


/* of an event's deliveries those that it is in the list for */

static ngx_uint_t
ngx_http_jamhook_tool_list_wants(ngx_http_jamhook_op_events_t *op,
    ngx_http_jamhook_shown_delivery_t *d, ngx_uint_t waiting)
{
    if (op->endpoint.data != NULL
        && (op->endpoint.len != d->endpoint.len
            || ngx_memcmp(op->endpoint.data, d->endpoint.data,
                          d->endpoint.len)
               != 0))
    {
        return 0;
    }

    if (waiting) {
        return d->state == NGX_HTTP_JAMHOOK_SHOWN_PENDING
               || d->state == NGX_HTTP_JAMHOOK_SHOWN_PAUSED;
    }

    return op->state == NGX_HTTP_JAMHOOK_SHOWN_ANY || op->state == d->state;
}
