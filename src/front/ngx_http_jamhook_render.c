
#include "ngx_http_jamhook_render.h"
#include "ngx_http_jamhook_headers.h"


/* What an attempt is shown with on an event's page. */
typedef struct {
    ngx_str_t    *body;                  /* the event's own */
    size_t        left;                  /* bytes of bodies that may follow */
} ngx_http_jamhook_render_room_t;


static void ngx_http_jamhook_render_next(ngx_http_jamhook_writer_t *w,
    int64_t next);
static void ngx_http_jamhook_render_event_members(ngx_http_jamhook_writer_t *w,
    ngx_http_jamhook_shown_event_t *event);
static void ngx_http_jamhook_render_deliveries(ngx_http_jamhook_writer_t *w,
    ngx_http_jamhook_shown_event_t *event,
    ngx_http_jamhook_render_room_t *room);
static void ngx_http_jamhook_render_delivery(ngx_http_jamhook_writer_t *w,
    ngx_http_jamhook_shown_delivery_t *d,
    ngx_http_jamhook_render_room_t *room);
static void ngx_http_jamhook_render_attempt_members(
    ngx_http_jamhook_writer_t *w, ngx_http_jamhook_shown_attempt_t *a,
    ngx_http_jamhook_render_room_t *room);
static void ngx_http_jamhook_render_request(ngx_http_jamhook_writer_t *w,
    ngx_http_jamhook_shown_attempt_t *a,
    ngx_http_jamhook_render_room_t *room);
static void ngx_http_jamhook_render_response(ngx_http_jamhook_writer_t *w,
    ngx_http_jamhook_shown_attempt_t *a,
    ngx_http_jamhook_render_room_t *room);
static void ngx_http_jamhook_render_headers(ngx_http_jamhook_writer_t *w,
    ngx_str_t *json);
static void ngx_http_jamhook_render_body(ngx_http_jamhook_writer_t *w,
    ngx_str_t *body, ngx_uint_t truncated,
    ngx_http_jamhook_render_room_t *room);
static size_t ngx_http_jamhook_render_whole(u_char *data, size_t len);


static char  *ngx_http_jamhook_render_states[] = {
    "pending", "sending", "succeeded", "failed", "paused"
};

static char  *ngx_http_jamhook_render_triggers[] = {
    "scheduled", "manual", "test"
};

static char  *ngx_http_jamhook_render_results[] = {
    "succeeded", "failed", "interrupted"
};

static char  *ngx_http_jamhook_render_reasons[] = {
    NULL, "manual", "gone", "failing"
};


void
ngx_http_jamhook_render_events(ngx_http_jamhook_writer_t *w,
    ngx_http_jamhook_op_events_t *op)
{
    ngx_uint_t                       i;
    ngx_http_jamhook_shown_event_t  *event;

    event = op->events.elts;

    ngx_http_jamhook_writer_open(w, '{');
    ngx_http_jamhook_writer_name(w, "data");
    ngx_http_jamhook_writer_open(w, '[');

    for (i = 0; i < op->events.nelts; i++) {
        ngx_http_jamhook_writer_open(w, '{');
        ngx_http_jamhook_render_event_members(w, &event[i]);
        ngx_http_jamhook_render_deliveries(w, &event[i], NULL);
        ngx_http_jamhook_writer_close(w, '}');
    }

    ngx_http_jamhook_writer_close(w, ']');
    ngx_http_jamhook_render_next(w, op->next);
    ngx_http_jamhook_writer_close(w, '}');
}


void
ngx_http_jamhook_render_event(ngx_http_jamhook_writer_t *w,
    ngx_http_jamhook_shown_event_t *event)
{
    ngx_http_jamhook_render_room_t  room;

    room.body = &event->body;
    room.left = NGX_HTTP_JAMHOOK_RENDER_MAX;

    ngx_http_jamhook_writer_open(w, '{');
    ngx_http_jamhook_render_event_members(w, event);

    ngx_http_jamhook_writer_name(w, "key");
    ngx_http_jamhook_writer_str(w, &event->key);
    ngx_http_jamhook_writer_name(w, "headers");
    ngx_http_jamhook_render_headers(w, &event->headers);
    ngx_http_jamhook_writer_name(w, "body");

    if (event->forgotten) {
        ngx_http_jamhook_writer_null(w);

    } else {
        ngx_http_jamhook_writer_str(w, &event->body);
    }

    ngx_http_jamhook_render_deliveries(w, event, &room);
    ngx_http_jamhook_writer_close(w, '}');
}


void
ngx_http_jamhook_render_attempts(ngx_http_jamhook_writer_t *w,
    ngx_http_jamhook_op_attempts_t *op)
{
    ngx_uint_t                         i;
    ngx_http_jamhook_shown_attempt_t  *a;

    a = op->attempts.elts;

    ngx_http_jamhook_writer_open(w, '{');
    ngx_http_jamhook_writer_name(w, "data");
    ngx_http_jamhook_writer_open(w, '[');

    for (i = 0; i < op->attempts.nelts; i++) {
        ngx_http_jamhook_render_attempt(w, &a[i]);
    }

    ngx_http_jamhook_writer_close(w, ']');
    ngx_http_jamhook_render_next(w, op->next);
    ngx_http_jamhook_writer_close(w, '}');
}


void
ngx_http_jamhook_render_attempt(ngx_http_jamhook_writer_t *w,
    ngx_http_jamhook_shown_attempt_t *a)
{
    ngx_http_jamhook_writer_open(w, '{');
    ngx_http_jamhook_writer_name(w, "event");
    ngx_http_jamhook_writer_str(w, &a->id);
    ngx_http_jamhook_writer_name(w, "type");
    ngx_http_jamhook_writer_str(w, &a->type);
    ngx_http_jamhook_writer_name(w, "endpoint");
    ngx_http_jamhook_writer_str(w, &a->endpoint);

    ngx_http_jamhook_render_attempt_members(w, a, NULL);
    ngx_http_jamhook_writer_close(w, '}');
}


void
ngx_http_jamhook_render_test(ngx_http_jamhook_writer_t *w,
    ngx_http_jamhook_op_outcome_t *op, ngx_str_t *body)
{
    ngx_http_jamhook_render_room_t    room;
    ngx_http_jamhook_shown_attempt_t  a;

    ngx_memzero(&a, sizeof(ngx_http_jamhook_shown_attempt_t));

    /* there is one, and it is no event's */

    a.number = 1;
    a.trigger = NGX_HTTP_JAMHOOK_TRIGGER_TEST;
    a.result = op->result;
    a.started_at = op->started_at;
    a.duration = op->duration;
    a.status = op->status;
    a.error = op->error;
    a.request_headers = op->request_headers;
    a.request_body = op->request_body;
    a.response_headers = op->response_headers;
    a.response_body = op->response_body;
    a.truncated = op->truncated;

    room.body = body;
    room.left = NGX_HTTP_JAMHOOK_RENDER_MAX;

    ngx_http_jamhook_writer_open(w, '{');
    ngx_http_jamhook_render_attempt_members(w, &a, &room);
    ngx_http_jamhook_writer_close(w, '}');
}


void
ngx_http_jamhook_render_reason(ngx_http_jamhook_writer_t *w,
    ngx_http_jamhook_pause_e paused, ngx_uint_t unknown)
{
    ngx_http_jamhook_writer_name(w, "reason");
    ngx_http_jamhook_writer_text(w, unknown
                                    ? "not configured"
                                    : ngx_http_jamhook_render_reasons[paused]);
}


static void
ngx_http_jamhook_render_next(ngx_http_jamhook_writer_t *w, int64_t next)
{
    u_char     cursor[NGX_HTTP_JAMHOOK_CURSOR_MAX];
    ngx_str_t  s;

    ngx_str_null(&s);

    if (next) {
        s.data = cursor;
        s.len = ngx_http_jamhook_query_cursor(cursor, next) - cursor;
    }

    ngx_http_jamhook_writer_name(w, "next");
    ngx_http_jamhook_writer_str(w, &s);
}


static void
ngx_http_jamhook_render_event_members(ngx_http_jamhook_writer_t *w,
    ngx_http_jamhook_shown_event_t *event)
{
    ngx_http_jamhook_writer_name(w, "id");
    ngx_http_jamhook_writer_str(w, &event->id);
    ngx_http_jamhook_writer_name(w, "event_id");
    ngx_http_jamhook_writer_str(w, &event->event_id);
    ngx_http_jamhook_writer_name(w, "source");
    ngx_http_jamhook_writer_str(w, &event->source);
    ngx_http_jamhook_writer_name(w, "type");
    ngx_http_jamhook_writer_str(w, &event->type);
    ngx_http_jamhook_writer_name(w, "created_at");
    ngx_http_jamhook_writer_str(w, &event->created_at);
    ngx_http_jamhook_writer_name(w, "received_at");
    ngx_http_jamhook_writer_time(w, event->received_at);
    ngx_http_jamhook_writer_name(w, "conversation_id");
    ngx_http_jamhook_writer_str(w, &event->conversation_id);
    ngx_http_jamhook_writer_name(w, "jam_id");
    ngx_http_jamhook_writer_str(w, &event->jam_id);
    ngx_http_jamhook_writer_name(w, "recording_url");
    ngx_http_jamhook_writer_str(w, &event->recording_url);
    ngx_http_jamhook_writer_name(w, "size");
    ngx_http_jamhook_writer_int(w, event->forgotten ? 0
                                                    : (int64_t) event->size);
    ngx_http_jamhook_writer_name(w, "forgotten");
    ngx_http_jamhook_writer_bool(w, event->forgotten);
}


static void
ngx_http_jamhook_render_deliveries(ngx_http_jamhook_writer_t *w,
    ngx_http_jamhook_shown_event_t *event,
    ngx_http_jamhook_render_room_t *room)
{
    ngx_uint_t                          i;
    ngx_http_jamhook_shown_delivery_t  *d;

    d = event->deliveries.elts;

    ngx_http_jamhook_writer_name(w, "deliveries");
    ngx_http_jamhook_writer_open(w, '[');

    for (i = 0; i < event->deliveries.nelts; i++) {
        ngx_http_jamhook_render_delivery(w, &d[i], room);
    }

    ngx_http_jamhook_writer_close(w, ']');
}


/* room: NULL in a list, where attempts are left out */

static void
ngx_http_jamhook_render_delivery(ngx_http_jamhook_writer_t *w,
    ngx_http_jamhook_shown_delivery_t *d,
    ngx_http_jamhook_render_room_t *room)
{
    ngx_uint_t                         i;
    ngx_http_jamhook_shown_attempt_t  *a;

    ngx_http_jamhook_writer_open(w, '{');
    ngx_http_jamhook_writer_name(w, "endpoint");
    ngx_http_jamhook_writer_str(w, &d->endpoint);
    ngx_http_jamhook_writer_name(w, "state");
    ngx_http_jamhook_writer_text(w, ngx_http_jamhook_render_states[d->state]);

    if (d->state == NGX_HTTP_JAMHOOK_SHOWN_PAUSED) {
        ngx_http_jamhook_render_reason(w, d->paused, d->unknown);

    } else {
        ngx_http_jamhook_render_reason(w, NGX_HTTP_JAMHOOK_PAUSE_NONE, 0);
    }

    ngx_http_jamhook_writer_name(w, "next_attempt_at");
    ngx_http_jamhook_writer_time(w, d->next_at);
    ngx_http_jamhook_writer_name(w, "changed_at");
    ngx_http_jamhook_writer_time(w, d->changed_at);
    ngx_http_jamhook_writer_name(w, "attempt_count");
    ngx_http_jamhook_writer_int(w, d->number);
    ngx_http_jamhook_writer_name(w, "replays");
    ngx_http_jamhook_writer_int(w, d->replay);

    if (room) {
        a = d->attempts.elts;

        ngx_http_jamhook_writer_name(w, "attempts");
        ngx_http_jamhook_writer_open(w, '[');

        for (i = 0; i < d->attempts.nelts; i++) {
            ngx_http_jamhook_writer_open(w, '{');
            ngx_http_jamhook_render_attempt_members(w, &a[i], room);
            ngx_http_jamhook_writer_close(w, '}');
        }

        ngx_http_jamhook_writer_close(w, ']');
    }

    ngx_http_jamhook_writer_close(w, '}');
}


/* room: NULL in the log, which has no headers and no bodies */

static void
ngx_http_jamhook_render_attempt_members(ngx_http_jamhook_writer_t *w,
    ngx_http_jamhook_shown_attempt_t *a, ngx_http_jamhook_render_room_t *room)
{
    ngx_http_jamhook_writer_name(w, "number");
    ngx_http_jamhook_writer_int(w, a->number);
    ngx_http_jamhook_writer_name(w, "trigger");
    ngx_http_jamhook_writer_text(w,
                                ngx_http_jamhook_render_triggers[a->trigger]);
    ngx_http_jamhook_writer_name(w, "started_at");
    ngx_http_jamhook_writer_time(w, a->started_at);
    ngx_http_jamhook_writer_name(w, "duration");
    ngx_http_jamhook_writer_int(w, a->duration);
    ngx_http_jamhook_writer_name(w, "result");
    ngx_http_jamhook_writer_text(w,
                                 ngx_http_jamhook_render_results[a->result]);

    if (room && a->request_headers.data) {
        ngx_http_jamhook_render_request(w, a, room);
    }

    if (a->error.data) {
        ngx_http_jamhook_writer_name(w, "error");
        ngx_http_jamhook_writer_str(w, &a->error);

        if (a->status) {
            ngx_http_jamhook_writer_name(w, "status");
            ngx_http_jamhook_writer_int(w, a->status);
        }

    } else if (a->status) {
        ngx_http_jamhook_render_response(w, a, room);
    }
}


static void
ngx_http_jamhook_render_request(ngx_http_jamhook_writer_t *w,
    ngx_http_jamhook_shown_attempt_t *a, ngx_http_jamhook_render_room_t *room)
{
    ngx_http_jamhook_writer_name(w, "request");
    ngx_http_jamhook_writer_open(w, '{');
    ngx_http_jamhook_writer_name(w, "headers");
    ngx_http_jamhook_render_headers(w, &a->request_headers);

    ngx_http_jamhook_render_body(w, a->request_body.data ? &a->request_body
                                                         : room->body,
                                 0, room);

    ngx_http_jamhook_writer_close(w, '}');
}


static void
ngx_http_jamhook_render_response(ngx_http_jamhook_writer_t *w,
    ngx_http_jamhook_shown_attempt_t *a, ngx_http_jamhook_render_room_t *room)
{
    ngx_str_t  body;

    ngx_http_jamhook_writer_name(w, "response");
    ngx_http_jamhook_writer_open(w, '{');
    ngx_http_jamhook_writer_name(w, "status");
    ngx_http_jamhook_writer_int(w, a->status);

    if (room) {
        ngx_http_jamhook_writer_name(w, "headers");
        ngx_http_jamhook_render_headers(w, &a->response_headers);

        body = a->response_body;

        if (body.data == NULL && a->response_headers.data && !a->truncated) {

            /* it was not forgotten: there was none */

            ngx_str_set(&body, "");
        }

        ngx_http_jamhook_render_body(w, &body, a->truncated, room);
    }

    ngx_http_jamhook_writer_close(w, '}');
}


static void
ngx_http_jamhook_render_headers(ngx_http_jamhook_writer_t *w, ngx_str_t *json)
{
    ngx_int_t                   rc;
    ngx_uint_t                  i;
    ngx_array_t                 headers;
    ngx_http_jamhook_header_t  *h;

    rc = (json->data == NULL)
         ? NGX_DECLINED
         : ngx_http_jamhook_headers_read(json, w->pool, &headers);

    if (rc != NGX_OK) {

        if (rc == NGX_ERROR) {
            w->failed = 1;
        }

        ngx_http_jamhook_writer_null(w);
        return;
    }

    h = headers.elts;

    ngx_http_jamhook_writer_open(w, '{');

    for (i = 0; i < headers.nelts; i++) {
        ngx_http_jamhook_writer_key(w, &h[i].name);
        ngx_http_jamhook_writer_str(w, &h[i].value);
    }

    ngx_http_jamhook_writer_close(w, '}');
}


static void
ngx_http_jamhook_render_body(ngx_http_jamhook_writer_t *w, ngx_str_t *body,
    ngx_uint_t truncated, ngx_http_jamhook_render_room_t *room)
{
    ngx_str_t  s;

    s = *body;

    if (s.len > room->left) {
        s.len = room->left;
        truncated = 1;
    }

    if (truncated && s.len) {
        s.len = ngx_http_jamhook_render_whole(s.data, s.len);
    }

    room->left -= s.len;

    ngx_http_jamhook_writer_name(w, "body");
    ngx_http_jamhook_writer_str(w, &s);
    ngx_http_jamhook_writer_name(w, "truncated");
    ngx_http_jamhook_writer_bool(w, truncated);
}


/* the length without a UTF-8 character that was cut through at the end */

static size_t
ngx_http_jamhook_render_whole(u_char *data, size_t len)
{
    u_char  c;
    size_t  i;

    for (i = 1; i <= 3 && i <= len; i++) {
        c = data[len - i];

        if (c < 0x80) {
            break;
        }

        if (c >= 0xc0) {
            return (c >= 0xf0 || (c >= 0xe0 && i < 3) || i < 2) ? len - i
                                                                : len;
        }
    }

    return len;
}
