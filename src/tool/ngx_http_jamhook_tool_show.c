
#include "ngx_http_jamhook_tool.h"
#include "ngx_http_jamhook_headers.h"
#include "ngx_http_jamhook_render.h"

#include <stdio.h>


static int ngx_http_jamhook_tool_show_raw(ngx_http_jamhook_tool_t *tool,
    ngx_http_jamhook_shown_event_t *event);
static void ngx_http_jamhook_tool_show_event(ngx_http_jamhook_tool_t *tool,
    ngx_http_jamhook_shown_event_t *event);
static void ngx_http_jamhook_tool_show_member(ngx_http_jamhook_tool_t *tool,
    const char *name, ngx_str_t *value);
static void ngx_http_jamhook_tool_show_delivery(ngx_http_jamhook_tool_t *tool,
    ngx_http_jamhook_shown_delivery_t *d);
static void ngx_http_jamhook_tool_show_attempt(ngx_http_jamhook_tool_t *tool,
    ngx_http_jamhook_shown_attempt_t *a);
static void ngx_http_jamhook_tool_show_part(ngx_http_jamhook_tool_t *tool,
    const char *name, ngx_str_t *headers, ngx_str_t *body,
    ngx_uint_t truncated);
static void ngx_http_jamhook_tool_show_headers(ngx_http_jamhook_tool_t *tool,
    ngx_str_t *json, ngx_uint_t indent);


int
ngx_http_jamhook_tool_show(ngx_http_jamhook_tool_t *tool)
{
    ngx_http_jamhook_writer_t   w;
    ngx_http_jamhook_op_show_t  op;

    if (ngx_http_jamhook_tool_open(tool) != NGX_OK) {
        return NGX_HTTP_JAMHOOK_TOOL_TROUBLE;
    }

    ngx_memzero(&op, sizeof(ngx_http_jamhook_op_show_t));

    op.op.type = NGX_HTTP_JAMHOOK_OP_SHOW;
    op.pool = tool->pool;
    op.id.data = (u_char *) tool->args[0];
    op.id.len = strlen(tool->args[0]);

    if (ngx_http_jamhook_tool_read(tool, &op.op) != NGX_OK) {
        return NGX_HTTP_JAMHOOK_TOOL_TROUBLE;
    }

    if (op.event == NULL) {
        ngx_http_jamhook_tool_say("there is no event \"%s\"",
                                  ngx_http_jamhook_tool_safe(tool->pool,
                                                             &op.id));
        return NGX_HTTP_JAMHOOK_TOOL_NOTHING;
    }

    if (tool->given[NGX_HTTP_JAMHOOK_TOOL_RAW]) {
        return ngx_http_jamhook_tool_show_raw(tool, op.event);
    }

    if (tool->given[NGX_HTTP_JAMHOOK_TOOL_JSON]) {
        ngx_http_jamhook_writer_init(&w, tool->pool);
        ngx_http_jamhook_render_event(&w, op.event);
        ngx_http_jamhook_tool_json(&w);

    } else {
        ngx_http_jamhook_tool_show_event(tool, op.event);
    }

    return NGX_HTTP_JAMHOOK_TOOL_DONE;
}


static int
ngx_http_jamhook_tool_show_raw(ngx_http_jamhook_tool_t *tool,
    ngx_http_jamhook_shown_event_t *event)
{
    if (isatty(STDOUT_FILENO)) {
        return ngx_http_jamhook_tool_usage(tool, "--raw does not write to a"
                                           " terminal, whose keys a body may"
                                           " press");
    }

    if (event->forgotten) {
        ngx_http_jamhook_tool_say("the event was forgotten");
        return NGX_HTTP_JAMHOOK_TOOL_NOTHING;
    }

    (void) fwrite(event->body.data, 1, event->body.len, stdout);

    return NGX_HTTP_JAMHOOK_TOOL_DONE;
}


static void
ngx_http_jamhook_tool_show_event(ngx_http_jamhook_tool_t *tool,
    ngx_http_jamhook_shown_event_t *event)
{
    ngx_uint_t                          i;
    ngx_http_jamhook_shown_delivery_t  *d;

    ngx_http_jamhook_tool_show_member(tool, "id", &event->id);
    ngx_http_jamhook_tool_show_member(tool, "type", &event->type);
    (void) printf("%-16s %s\n", "received_at",
                  ngx_http_jamhook_tool_when(tool->pool, event->received_at));
    ngx_http_jamhook_tool_show_member(tool, "source", &event->source);
    ngx_http_jamhook_tool_show_member(tool, "key", &event->key);

    if (event->forgotten) {
        (void) puts("forgotten        what told of a customer was taken out");

    } else {
        ngx_http_jamhook_tool_show_member(tool, "event_id", &event->event_id);
        ngx_http_jamhook_tool_show_member(tool, "created_at",
                                          &event->created_at);
        ngx_http_jamhook_tool_show_member(tool, "conversation_id",
                                          &event->conversation_id);
        ngx_http_jamhook_tool_show_member(tool, "jam_id", &event->jam_id);
        ngx_http_jamhook_tool_show_member(tool, "recording_url",
                                          &event->recording_url);
        (void) printf("%-16s %llu\n", "size",
                      (unsigned long long) event->size);

        ngx_http_jamhook_tool_show_part(tool, "\nheaders", &event->headers,
                                        NULL, 0);

        if (tool->given[NGX_HTTP_JAMHOOK_TOOL_BODY]) {
            (void) puts("\nbody");
            ngx_http_jamhook_tool_lines(&event->body, 4);
        }
    }

    d = event->deliveries.elts;

    for (i = 0; i < event->deliveries.nelts; i++) {
        ngx_http_jamhook_tool_show_delivery(tool, &d[i]);
    }
}


static void
ngx_http_jamhook_tool_show_member(ngx_http_jamhook_tool_t *tool,
    const char *name, ngx_str_t *value)
{
    if (value->data != NULL) {
        (void) printf("%-16s %s\n", name,
                      ngx_http_jamhook_tool_safe(tool->pool, value));
    }
}


static void
ngx_http_jamhook_tool_show_delivery(ngx_http_jamhook_tool_t *tool,
    ngx_http_jamhook_shown_delivery_t *d)
{
    ngx_uint_t                         i;
    ngx_http_jamhook_shown_attempt_t  *a;

    (void) printf("\ndelivery to %s: %s since %s",
                  ngx_http_jamhook_tool_safe(tool->pool, &d->endpoint),
                  ngx_http_jamhook_tool_state(d),
                  ngx_http_jamhook_tool_when(tool->pool, d->changed_at));

    if (d->next_at != 0) {
        (void) printf(", next attempt %s",
                      ngx_http_jamhook_tool_when(tool->pool, d->next_at));
    }

    if (d->replay != 0) {
        (void) printf(", replays: %u", (unsigned) d->replay);
    }

    (void) fputc('\n', stdout);

    a = d->attempts.elts;

    for (i = 0; i < d->attempts.nelts; i++) {
        ngx_http_jamhook_tool_show_attempt(tool, &a[i]);
    }
}


static void
ngx_http_jamhook_tool_show_attempt(ngx_http_jamhook_tool_t *tool,
    ngx_http_jamhook_shown_attempt_t *a)
{
    (void) printf("    %u  %s  %s  %s  %lld ms\n", (unsigned) a->number,
                  ngx_http_jamhook_tool_when(tool->pool, a->started_at),
                  ngx_http_jamhook_tool_triggers[a->trigger],
                  ngx_http_jamhook_tool_attempt(tool->pool, a),
                  (long long) a->duration);

    if (!tool->given[NGX_HTTP_JAMHOOK_TOOL_BODY]) {
        return;
    }

    ngx_http_jamhook_tool_show_part(tool, "       request",
                                    &a->request_headers, &a->request_body, 0);
    ngx_http_jamhook_tool_show_part(tool, "       response",
                                    &a->response_headers, &a->response_body,
                                    a->truncated);
}


/* body NULL: not shown here; absent: there is none, or it is the event's own */

static void
ngx_http_jamhook_tool_show_part(ngx_http_jamhook_tool_t *tool,
    const char *name, ngx_str_t *headers, ngx_str_t *body,
    ngx_uint_t truncated)
{
    ngx_uint_t  indent;

    indent = (body == NULL) ? 4 : 10;

    if (headers->data == NULL && (body == NULL || body->data == NULL)) {
        return;
    }

    (void) puts(name);
    ngx_http_jamhook_tool_show_headers(tool, headers, indent);

    if (body != NULL && body->data != NULL) {
        (void) fputc('\n', stdout);
        ngx_http_jamhook_tool_lines(body, indent);

        if (truncated) {
            (void) printf("%*s(there was more)\n", (int) indent, "");
        }
    }
}


static void
ngx_http_jamhook_tool_show_headers(ngx_http_jamhook_tool_t *tool,
    ngx_str_t *json, ngx_uint_t indent)
{
    ngx_int_t                   rc;
    ngx_uint_t                  i;
    ngx_array_t                 headers;
    ngx_http_jamhook_header_t  *h;

    if (json->data == NULL) {
        return;
    }

    rc = ngx_http_jamhook_headers_read(json, tool->pool, &headers);

    if (rc == NGX_ERROR) {
        ngx_http_jamhook_tool_no_memory();
    }

    if (rc == NGX_DECLINED) {
        ngx_http_jamhook_tool_lines(json, indent);
        return;
    }

    h = headers.elts;

    for (i = 0; i < headers.nelts; i++) {
        (void) printf("%*s%s: %s\n", (int) indent, "",
                      ngx_http_jamhook_tool_safe(tool->pool, &h[i].name),
                      ngx_http_jamhook_tool_safe(tool->pool, &h[i].value));
    }
}
