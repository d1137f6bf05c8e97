
#include "ngx_http_jamhook_tool.h"
#include "ngx_http_jamhook_render.h"


static void ngx_http_jamhook_tool_status_json(ngx_http_jamhook_tool_t *tool,
    ngx_array_t *endpoints);


int
ngx_http_jamhook_tool_status(ngx_http_jamhook_tool_t *tool)
{
    ngx_uint_t                          i, n;
    ngx_http_jamhook_tool_table_t       table;
    ngx_http_jamhook_op_endpoints_t     op;
    ngx_http_jamhook_shown_endpoint_t  *ep;

    static const char  *heads[] = {
        "ENDPOINT", "STATE", ">PENDING", ">SENDING", ">FAILED", ">SUCCEEDED",
        "OLDEST PENDING", "LAST ATTEMPT", "RESULT", NULL
    };

    if (ngx_http_jamhook_tool_open(tool) != NGX_OK) {
        return NGX_HTTP_JAMHOOK_TOOL_TROUBLE;
    }

    ngx_memzero(&op, sizeof(ngx_http_jamhook_op_endpoints_t));

    op.op.type = NGX_HTTP_JAMHOOK_OP_ENDPOINTS;
    op.pool = tool->pool;

    if (ngx_http_jamhook_tool_read(tool, &op.op) != NGX_OK) {
        return NGX_HTTP_JAMHOOK_TOOL_TROUBLE;
    }

    ep = op.endpoints.elts;
    n = op.endpoints.nelts;

    if (tool->given[NGX_HTTP_JAMHOOK_TOOL_JSON]) {
        ngx_http_jamhook_tool_status_json(tool, &op.endpoints);

    } else if (n == 0) {
        ngx_http_jamhook_tool_say("the store knows no endpoint yet");

    } else {
        ngx_http_jamhook_tool_table_init(&table, tool->pool, heads);

        for (i = 0; i < n; i++) {
            ngx_http_jamhook_tool_cell(&table, &ep[i].name);
            ngx_http_jamhook_tool_cell_text(&table,
                         ep[i].paused > NGX_HTTP_JAMHOOK_PAUSE_FAILING
                         ? "paused"
                         : ngx_http_jamhook_tool_pauses[ep[i].paused]);
            ngx_http_jamhook_tool_cell_int(&table, ep[i].pending);
            ngx_http_jamhook_tool_cell_int(&table, ep[i].sending);
            ngx_http_jamhook_tool_cell_int(&table, ep[i].failed);
            ngx_http_jamhook_tool_cell_int(&table, ep[i].succeeded);
            ngx_http_jamhook_tool_cell_time(&table, ep[i].oldest_at);
            ngx_http_jamhook_tool_cell_time(&table, ep[i].last
                                                    ? ep[i].last->started_at
                                                    : 0);
            ngx_http_jamhook_tool_cell_text(&table, ep[i].last
                      ? ngx_http_jamhook_tool_attempt(tool->pool,
                                                           ep[i].last)
                      : "-");
        }

        ngx_http_jamhook_tool_table_print(&table);
    }

    return n ? NGX_HTTP_JAMHOOK_TOOL_DONE : NGX_HTTP_JAMHOOK_TOOL_NOTHING;
}


/* the API's, without what nginx.conf alone knows */

static void
ngx_http_jamhook_tool_status_json(ngx_http_jamhook_tool_t *tool,
    ngx_array_t *endpoints)
{
    ngx_uint_t                          i;
    ngx_http_jamhook_writer_t           w;
    ngx_http_jamhook_shown_endpoint_t  *ep;

    ep = endpoints->elts;

    ngx_http_jamhook_writer_init(&w, tool->pool);
    ngx_http_jamhook_writer_open(&w, '{');
    ngx_http_jamhook_writer_name(&w, "data");
    ngx_http_jamhook_writer_open(&w, '[');

    for (i = 0; i < endpoints->nelts; i++) {
        ngx_http_jamhook_writer_open(&w, '{');
        ngx_http_jamhook_writer_name(&w, "name");
        ngx_http_jamhook_writer_str(&w, &ep[i].name);
        ngx_http_jamhook_writer_name(&w, "state");
        ngx_http_jamhook_writer_text(&w, ep[i].paused ? "paused" : "active");
        ngx_http_jamhook_render_reason(&w, ep[i].paused, 0);
        ngx_http_jamhook_writer_name(&w, "paused_at");
        ngx_http_jamhook_writer_time(&w, ep[i].paused_at);
        ngx_http_jamhook_writer_name(&w, "failing_since");
        ngx_http_jamhook_writer_time(&w, ep[i].failing_since);
        ngx_http_jamhook_writer_name(&w, "stats");
        ngx_http_jamhook_writer_open(&w, '{');
        ngx_http_jamhook_writer_name(&w, "succeeded");
        ngx_http_jamhook_writer_int(&w, ep[i].succeeded);
        ngx_http_jamhook_writer_name(&w, "failed");
        ngx_http_jamhook_writer_int(&w, ep[i].failed);
        ngx_http_jamhook_writer_name(&w, "pending");
        ngx_http_jamhook_writer_int(&w, ep[i].pending);
        ngx_http_jamhook_writer_name(&w, "sending");
        ngx_http_jamhook_writer_int(&w, ep[i].sending);
        ngx_http_jamhook_writer_close(&w, '}');
        ngx_http_jamhook_writer_name(&w, "oldest_pending_at");
        ngx_http_jamhook_writer_time(&w, ep[i].oldest_at);
        ngx_http_jamhook_writer_name(&w, "last_attempt");

        if (ep[i].last != NULL) {
            ngx_http_jamhook_render_attempt(&w, ep[i].last);

        } else {
            ngx_http_jamhook_writer_null(&w);
        }

        ngx_http_jamhook_writer_close(&w, '}');
    }

    ngx_http_jamhook_writer_close(&w, ']');
    ngx_http_jamhook_writer_name(&w, "next");
    ngx_http_jamhook_writer_null(&w);
    ngx_http_jamhook_writer_close(&w, '}');

    ngx_http_jamhook_tool_json(&w);
}
