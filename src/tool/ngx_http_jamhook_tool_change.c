
#include "ngx_http_jamhook_tool.h"
#include "ngx_http_jamhook_text.h"

#include <stdio.h>
#include <time.h>


#define NGX_HTTP_JAMHOOK_TOOL_BATCH   50             /* events forgotten in one
                                                        transaction */
#define NGX_HTTP_JAMHOOK_TOOL_WIPES   30             /* tries, one a second */


/* What became of the events that were to be forgotten. */
typedef struct {
    ngx_uint_t    forgotten;
    ngx_uint_t    sending;
    ngx_uint_t    wiped;                 /* nothing is left in a journal */
} ngx_http_jamhook_tool_forgot_t;


static ngx_int_t ngx_http_jamhook_tool_replay_endpoint(
    ngx_http_jamhook_tool_t *tool, ngx_http_jamhook_op_replay_t *op);
static ngx_int_t ngx_http_jamhook_tool_forget_list(
    ngx_http_jamhook_tool_t *tool, ngx_array_t *ids);
static ngx_int_t ngx_http_jamhook_tool_forget_confirm(
    ngx_http_jamhook_tool_t *tool, ngx_uint_t n);
static ngx_int_t ngx_http_jamhook_tool_forget_batch(
    ngx_http_jamhook_tool_t *tool, ngx_str_t *ids, ngx_uint_t n,
    ngx_http_jamhook_tool_forgot_t *forgot);
static ngx_int_t ngx_http_jamhook_tool_forget_wipe(
    ngx_http_jamhook_tool_t *tool, ngx_http_jamhook_tool_forgot_t *forgot);
static int ngx_http_jamhook_tool_forget_tell(ngx_http_jamhook_tool_t *tool,
    ngx_http_jamhook_tool_forgot_t *forgot);


int
ngx_http_jamhook_tool_replay(ngx_http_jamhook_tool_t *tool)
{
    char                          *id;
    ngx_http_jamhook_op_t         *ops[1];
    ngx_http_jamhook_writer_t      w;
    ngx_http_jamhook_op_replay_t   op;

    if (ngx_http_jamhook_tool_open(tool) != NGX_OK) {
        return NGX_HTTP_JAMHOOK_TOOL_TROUBLE;
    }

    ngx_memzero(&op, sizeof(ngx_http_jamhook_op_replay_t));

    op.op.type = NGX_HTTP_JAMHOOK_OP_REPLAY;
    op.id.data = (u_char *) tool->args[0];
    op.id.len = strlen(tool->args[0]);

    if (ngx_http_jamhook_tool_replay_endpoint(tool, &op) != NGX_OK) {
        return NGX_HTTP_JAMHOOK_TOOL_NOTHING;
    }

    ops[0] = &op.op;

    if (ngx_http_jamhook_tool_write(tool, ops, 1) != NGX_OK) {
        return NGX_HTTP_JAMHOOK_TOOL_TROUBLE;
    }

    id = ngx_http_jamhook_tool_safe(tool->pool, &op.id);

    switch (op.verdict) {

    case NGX_HTTP_JAMHOOK_REPLAY_OK:
        break;

    case NGX_HTTP_JAMHOOK_REPLAY_NO_DELIVERY:
        ngx_http_jamhook_tool_say("the event \"%s\" has no delivery%s", id,
                                  tool->nargs == 2 ? " to that endpoint" : "");
        return NGX_HTTP_JAMHOOK_TOOL_NOTHING;

    case NGX_HTTP_JAMHOOK_REPLAY_SENDING:
        ngx_http_jamhook_tool_say("the event \"%s\" is being sent; nothing was"
                                  " changed", id);
        return NGX_HTTP_JAMHOOK_TOOL_NOTHING;

    default: /* NGX_HTTP_JAMHOOK_REPLAY_NO_EVENT */
        ngx_http_jamhook_tool_say("there is no event \"%s\", or it was"
                                  " forgotten", id);
        return NGX_HTTP_JAMHOOK_TOOL_NOTHING;
    }

    if (tool->given[NGX_HTTP_JAMHOOK_TOOL_JSON]) {
        ngx_http_jamhook_writer_init(&w, tool->pool);
        ngx_http_jamhook_writer_open(&w, '{');
        ngx_http_jamhook_writer_name(&w, "replayed");
        ngx_http_jamhook_writer_int(&w, op.replayed);
        ngx_http_jamhook_writer_close(&w, '}');
        ngx_http_jamhook_tool_json(&w);

    } else {
        (void) printf("%u %s due now; nginx sends as soon as it runs\n",
                      (unsigned) op.replayed,
                      op.replayed == 1 ? "delivery is" : "deliveries are");
    }

    return NGX_HTTP_JAMHOOK_TOOL_DONE;
}


static ngx_int_t
ngx_http_jamhook_tool_replay_endpoint(ngx_http_jamhook_tool_t *tool,
    ngx_http_jamhook_op_replay_t *op)
{
    ngx_str_t   name, *names;
    ngx_uint_t  i;

    op->endpoint = NGX_HTTP_JAMHOOK_NO_ENDPOINT;

    if (tool->nargs < 2) {
        return NGX_OK;
    }

    name.data = (u_char *) tool->args[1];
    name.len = strlen(tool->args[1]);
    names = tool->conf.endpoints;

    for (i = 0; i < tool->conf.nendpoints; i++) {

        if (names[i].len == name.len
            && ngx_memcmp(names[i].data, name.data, name.len) == 0)
        {
            op->endpoint = i;
            return NGX_OK;
        }
    }

    ngx_http_jamhook_tool_say("the store knows no endpoint \"%s\"",
                              ngx_http_jamhook_tool_safe(tool->pool, &name));
    return NGX_ERROR;
}


int
ngx_http_jamhook_tool_forget(ngx_http_jamhook_tool_t *tool)
{
    ngx_str_t                      *id, conversation;
    ngx_uint_t                      i, n;
    ngx_array_t                     ids;
    ngx_http_jamhook_tool_forgot_t  forgot;

    conversation = ngx_http_jamhook_tool_value(tool,
                                          NGX_HTTP_JAMHOOK_TOOL_CONVERSATION);

    if (tool->nargs + (conversation.len != 0) != 1) {
        return ngx_http_jamhook_tool_usage(tool, "give either an event's id or"
                                           " --conversation");
    }

    if (!tool->given[NGX_HTTP_JAMHOOK_TOOL_YES] && !isatty(STDIN_FILENO)) {
        return ngx_http_jamhook_tool_usage(tool, "there is no terminal to ask"
                                           " at: give --yes");
    }

    if (ngx_http_jamhook_tool_open(tool) != NGX_OK) {
        return NGX_HTTP_JAMHOOK_TOOL_TROUBLE;
    }

    ngx_http_jamhook_tool_array(&ids, tool->pool, sizeof(ngx_str_t));

    if (tool->nargs == 1) {
        id = ngx_http_jamhook_tool_push(&ids);
        id->data = (u_char *) tool->args[0];
        id->len = strlen(tool->args[0]);

    } else if (ngx_http_jamhook_tool_forget_list(tool, &ids) != NGX_OK) {
        return NGX_HTTP_JAMHOOK_TOOL_TROUBLE;
    }

    if (ids.nelts != 0
        && ngx_http_jamhook_tool_forget_confirm(tool, ids.nelts) != NGX_OK)
    {
        ngx_http_jamhook_tool_say("nothing was changed");
        return NGX_HTTP_JAMHOOK_TOOL_NOTHING;
    }

    ngx_memzero(&forgot, sizeof(ngx_http_jamhook_tool_forgot_t));
    forgot.wiped = 1;

    id = ids.elts;

    for (i = 0; i < ids.nelts; i += n) {
        n = ngx_min(ids.nelts - i, NGX_HTTP_JAMHOOK_TOOL_BATCH);

        if (ngx_http_jamhook_tool_forget_batch(tool, &id[i], n, &forgot)
            != NGX_OK)
        {
            ngx_http_jamhook_tool_say("forgotten so far: %u of %u",
                                      (unsigned) forgot.forgotten,
                                      (unsigned) ids.nelts);
            return NGX_HTTP_JAMHOOK_TOOL_TROUBLE;
        }
    }

    if (ngx_http_jamhook_tool_forget_wipe(tool, &forgot) != NGX_OK) {
        return NGX_HTTP_JAMHOOK_TOOL_TROUBLE;
    }

    return ngx_http_jamhook_tool_forget_tell(tool, &forgot);
}


/* the events of the conversation that there are now */

static ngx_int_t
ngx_http_jamhook_tool_forget_list(ngx_http_jamhook_tool_t *tool,
    ngx_array_t *ids)
{
    ngx_str_t                       *id;
    ngx_uint_t                       i;
    ngx_http_jamhook_op_events_t     op;
    ngx_http_jamhook_shown_event_t  *event;

    ngx_memzero(&op, sizeof(ngx_http_jamhook_op_events_t));

    op.pool = tool->pool;
    op.state = NGX_HTTP_JAMHOOK_SHOWN_ANY;
    op.conversation_id = ngx_http_jamhook_tool_value(tool,
                                          NGX_HTTP_JAMHOOK_TOOL_CONVERSATION);

    if (ngx_http_jamhook_tool_events(tool, &op, NGX_MAX_INT32_VALUE)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    event = op.events.elts;

    for (i = 0; i < op.events.nelts; i++) {
        id = ngx_http_jamhook_tool_push(ids);
        *id = event[i].id;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_jamhook_tool_forget_confirm(ngx_http_jamhook_tool_t *tool,
    ngx_uint_t n)
{
    int  c, first;

    if (tool->given[NGX_HTTP_JAMHOOK_TOOL_YES]) {
        return NGX_OK;
    }

    (void) fprintf(stderr, "Bodies, headers and ids of %u event%s are"
                   " overwritten; what waits is not sent.\nForget? [y/N] ",
                   (unsigned) n, n == 1 ? "" : "s");

    first = getchar();

    for (c = first; c != '\n' && c != EOF; c = getchar()) {
        /* void: the rest of the line */
    }

    return (first == 'y' || first == 'Y') ? NGX_OK : NGX_DECLINED;
}


static ngx_int_t
ngx_http_jamhook_tool_forget_batch(ngx_http_jamhook_tool_t *tool,
    ngx_str_t *ids, ngx_uint_t n, ngx_http_jamhook_tool_forgot_t *forgot)
{
    ngx_uint_t                     i;
    ngx_http_jamhook_op_t         *ops[NGX_HTTP_JAMHOOK_TOOL_BATCH];
    ngx_http_jamhook_op_forget_t   forget[NGX_HTTP_JAMHOOK_TOOL_BATCH];

    ngx_memzero(forget, sizeof(forget));

    for (i = 0; i < n; i++) {
        forget[i].op.type = NGX_HTTP_JAMHOOK_OP_FORGET;
        forget[i].id = ids[i];
        ops[i] = &forget[i].op;
    }

    if (ngx_http_jamhook_tool_write(tool, ops, n) != NGX_OK) {
        return NGX_ERROR;
    }

    for (i = 0; i < n; i++) {

        if (forget[i].verdict == NGX_HTTP_JAMHOOK_FORGET_SENDING) {
            ngx_http_jamhook_tool_say("the event \"%s\" is being sent; it was"
                                      " not changed",
                                      ngx_http_jamhook_tool_safe(tool->pool,
                                                                 &ids[i]));
            forgot->sending++;

        } else if (forget[i].verdict == NGX_HTTP_JAMHOOK_FORGET_OK) {
            forgot->forgotten++;
            forgot->wiped = forget[i].wiped;
        }
    }

    return NGX_OK;
}


/*
 * A reader that is at an older state keeps its pages in the WAL.  Each further
 * transaction, also one that finds no event, tries again to cut it.
 */

static ngx_int_t
ngx_http_jamhook_tool_forget_wipe(ngx_http_jamhook_tool_t *tool,
    ngx_http_jamhook_tool_forgot_t *forgot)
{
    ngx_uint_t                     i;
    struct timespec                nap;
    ngx_http_jamhook_op_t         *ops[1];
    ngx_http_jamhook_op_forget_t   forget;

    for (i = 0; i < NGX_HTTP_JAMHOOK_TOOL_WIPES && !forgot->wiped; i++) {

        if (i == 0) {
            ngx_http_jamhook_tool_say("others read what was forgotten,"
                                      " waiting");
        }

        nap.tv_sec = 1;
        nap.tv_nsec = 0;

        (void) nanosleep(&nap, NULL);

        ngx_memzero(&forget, sizeof(ngx_http_jamhook_op_forget_t));

        forget.op.type = NGX_HTTP_JAMHOOK_OP_FORGET;
        ngx_str_set(&forget.id, "");
        ops[0] = &forget.op;

        if (ngx_http_jamhook_tool_write(tool, ops, 1) != NGX_OK) {
            return NGX_ERROR;
        }

        forgot->wiped = forget.wiped;
    }

    return NGX_OK;
}


static int
ngx_http_jamhook_tool_forget_tell(ngx_http_jamhook_tool_t *tool,
    ngx_http_jamhook_tool_forgot_t *forgot)
{
    ngx_str_t                  id;
    ngx_http_jamhook_writer_t  w;

    if (tool->given[NGX_HTTP_JAMHOOK_TOOL_JSON]) {
        ngx_http_jamhook_writer_init(&w, tool->pool);
        ngx_http_jamhook_writer_open(&w, '{');

        if (tool->nargs == 1) {
            id.data = (u_char *) tool->args[0];
            id.len = strlen(tool->args[0]);

            ngx_http_jamhook_writer_name(&w, "id");
            ngx_http_jamhook_writer_str(&w, &id);
            ngx_http_jamhook_writer_name(&w, "forgotten");
            ngx_http_jamhook_writer_bool(&w, forgot->forgotten);

        } else {
            ngx_http_jamhook_writer_name(&w, "forgotten");
            ngx_http_jamhook_writer_int(&w, forgot->forgotten);
            ngx_http_jamhook_writer_name(&w, "sending");
            ngx_http_jamhook_writer_int(&w, forgot->sending);
        }

        ngx_http_jamhook_writer_close(&w, '}');
        ngx_http_jamhook_tool_json(&w);

    } else if (forgot->forgotten != 0) {
        (void) printf("%u event%s forgotten\n", (unsigned) forgot->forgotten,
                      forgot->forgotten == 1 ? "" : "s");

    } else if (forgot->sending == 0) {
        ngx_http_jamhook_tool_say("there is no such event");
    }

    if (!forgot->wiped) {
        ngx_http_jamhook_tool_say("what was forgotten still stands in the"
                                  " store's journal, for somebody reads an"
                                  " older state: look for a backup or a"
                                  " \"sqlite3\" shell, and forget again");
        return NGX_HTTP_JAMHOOK_TOOL_TROUBLE;
    }

    return (forgot->forgotten != 0 && forgot->sending == 0)
           ? NGX_HTTP_JAMHOOK_TOOL_DONE
           : NGX_HTTP_JAMHOOK_TOOL_NOTHING;
}
