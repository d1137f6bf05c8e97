
#include "ngx_http_jamhook_event.h"
#include "ngx_http_jamhook_json.h"
#include "ngx_http_jamhook_text.h"


#define NGX_HTTP_JAMHOOK_EVENT_CREATED  "jam.created"
#define NGX_HTTP_JAMHOOK_EVENT_UNKNOWN  "unknown"

#define NGX_HTTP_JAMHOOK_EVENT_DIGITS   16    /* json_integer() wants that */


/* One body while it is read. */
typedef struct {
    ngx_http_jamhook_event_t  *event;
    ngx_http_jamhook_json_t   *root;
    ngx_http_jamhook_json_t   *holder;       /* "data" or root; NULL: doubled */
    char                      *path;         /* of the holder: "data." or "" */
    ngx_pool_t                *pool;
} ngx_http_jamhook_event_reader_t;

typedef struct {
    size_t                     max;
    ngx_int_t                (*check_handler)(ngx_str_t *s, size_t max);
    char                      *unsafe;       /* what to say if it declines */
} ngx_http_jamhook_event_rule_t;


static ngx_int_t ngx_http_jamhook_event_holder(
    ngx_http_jamhook_event_reader_t *reader);
static ngx_int_t ngx_http_jamhook_event_envelope(
    ngx_http_jamhook_event_reader_t *reader);
static ngx_int_t ngx_http_jamhook_event_members(
    ngx_http_jamhook_event_reader_t *reader);
static void ngx_http_jamhook_event_type(
    ngx_http_jamhook_event_reader_t *reader, ngx_str_t *event_type);
static void ngx_http_jamhook_event_shape(
    ngx_http_jamhook_event_reader_t *reader, ngx_str_t *type);
static void ngx_http_jamhook_event_intercom(
    ngx_http_jamhook_event_reader_t *reader);
static ngx_int_t ngx_http_jamhook_event_keep(ngx_http_jamhook_event_t *event,
    ngx_pool_t *pool);
static ngx_uint_t ngx_http_jamhook_event_has(ngx_http_jamhook_json_t *object,
    char *name);
static ngx_uint_t ngx_http_jamhook_event_is_output(
    ngx_http_jamhook_event_reader_t *reader);
static ngx_int_t ngx_http_jamhook_event_conversation(
    ngx_http_jamhook_event_reader_t *reader);
static ngx_int_t ngx_http_jamhook_event_string(
    ngx_http_jamhook_event_reader_t *reader, ngx_http_jamhook_json_t *object,
    char *name, ngx_http_jamhook_event_rule_t *rule, ngx_str_t *value);
static char *ngx_http_jamhook_event_value(ngx_http_jamhook_json_t *item,
    ngx_http_jamhook_event_rule_t *rule, ngx_str_t *value);
static ngx_int_t ngx_http_jamhook_event_plain(ngx_str_t *s, size_t max);
static ngx_int_t ngx_http_jamhook_event_url(ngx_str_t *s, size_t max);
static ngx_int_t ngx_http_jamhook_event_problem(
    ngx_http_jamhook_event_reader_t *reader, ngx_http_jamhook_json_t *object,
    char *name, char *what);


static ngx_http_jamhook_event_rule_t  ngx_http_jamhook_event_rule_type = {
    NGX_HTTP_JAMHOOK_TYPE_MAX, ngx_http_jamhook_text_type,
    "is unsafe: it may have [A-Za-z0-9_.:/-] only"
};

static ngx_http_jamhook_event_rule_t  ngx_http_jamhook_event_rule_token = {
    NGX_HTTP_JAMHOOK_CONVERSATION_MAX, ngx_http_jamhook_text_token,
    "is unsafe: it may have [A-Za-z0-9_-] only"
};

static ngx_http_jamhook_event_rule_t  ngx_http_jamhook_event_rule_plain = {
    NGX_HTTP_JAMHOOK_MEMBER_MAX, ngx_http_jamhook_event_plain,
    "is unsafe: it holds a control character"
};

static ngx_http_jamhook_event_rule_t  ngx_http_jamhook_event_rule_url = {
    NGX_HTTP_JAMHOOK_URL_MAX, ngx_http_jamhook_event_url,
    "is not an absolute http or https URL"
};


ngx_int_t
ngx_http_jamhook_event_read(ngx_http_jamhook_event_t *event, ngx_str_t *body,
    ngx_str_t *event_type, ngx_pool_t *pool, char **why)
{
    ngx_int_t                        rc;
    ngx_http_jamhook_event_reader_t  reader;

    ngx_memzero(event, sizeof(ngx_http_jamhook_event_t));

    reader.event = event;
    reader.pool = pool;

    rc = ngx_http_jamhook_json_parse(pool, body, &reader.root, why);
    if (rc != NGX_OK) {
        return rc;
    }

    if (ngx_http_jamhook_event_holder(&reader) != NGX_OK) {
        return NGX_ERROR;
    }

    if (reader.holder != NULL
        && reader.holder != reader.root
        && ngx_http_jamhook_event_envelope(&reader) != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (reader.holder != NULL
        && ngx_http_jamhook_event_members(&reader) != NGX_OK)
    {
        return NGX_ERROR;
    }

    ngx_http_jamhook_event_type(&reader, event_type);

    event->is_connector_output = ngx_http_jamhook_event_is_output(&reader);

    if (ngx_http_jamhook_event_keep(event, pool) != NGX_OK) {
        return NGX_ERROR;
    }

    ngx_http_jamhook_json_release(pool, reader.root);

    return NGX_OK;
}


ngx_uint_t
ngx_http_jamhook_event_is_recorder(ngx_str_t *type)
{
    static ngx_str_t  recorded = ngx_string(NGX_HTTP_JAMHOOK_RECORDED);
    static ngx_str_t  opted_out = ngx_string(NGX_HTTP_JAMHOOK_OPTED_OUT);

    return (type->len == recorded.len
            && ngx_memcmp(type->data, recorded.data, type->len) == 0)
           || (type->len == opted_out.len
               && ngx_memcmp(type->data, opted_out.data, type->len) == 0);
}


ngx_uint_t
ngx_http_jamhook_event_matches(ngx_str_t *type, ngx_array_t *patterns)
{
    size_t       len;
    ngx_str_t   *pattern;
    ngx_uint_t   i;

    pattern = patterns->elts;

    for (i = 0; i < patterns->nelts; i++) {
        len = pattern[i].len;

        if (len != 0 && pattern[i].data[len - 1] == '*') {
            len--;

        } else if (len != type->len) {
            continue;
        }

        if (len <= type->len
            && ngx_memcmp(type->data, pattern[i].data, len) == 0)
        {
            return 1;
        }
    }

    return 0;
}


/* finds the object that holds the members: the envelope's, or the body */

static ngx_int_t
ngx_http_jamhook_event_holder(ngx_http_jamhook_event_reader_t *reader)
{
    ngx_http_jamhook_json_t  *data;

    switch (ngx_http_jamhook_json_member(reader->root, "data", &data)) {

    case NGX_HTTP_JAMHOOK_JSON_OBJECT:
        reader->holder = data;
        reader->path = "data.";
        return NGX_OK;

    case NGX_HTTP_JAMHOOK_JSON_DOUBLED:

        /* which of them counts depends on who reads: so none does */

        reader->holder = NULL;
        reader->path = "";
        reader->event->type_problem = 1;
        return ngx_http_jamhook_event_problem(reader, reader->root, "data",
                                              "stands twice");

    default:
        reader->holder = reader->root;
        reader->path = "";
        return NGX_OK;
    }
}


static ngx_int_t
ngx_http_jamhook_event_envelope(ngx_http_jamhook_event_reader_t *reader)
{
    ngx_int_t                  rc;
    ngx_http_jamhook_event_t  *event;

    event = reader->event;

    rc = ngx_http_jamhook_event_string(reader, reader->root, "type",
                                       &ngx_http_jamhook_event_rule_type,
                                       &event->type);
    if (rc == NGX_ERROR) {
        return NGX_ERROR;
    }

    event->type_problem = (rc == NGX_DECLINED);

    if (ngx_http_jamhook_event_string(reader, reader->root, "id",
                                      &ngx_http_jamhook_event_rule_plain,
                                      &event->event_id)
        == NGX_ERROR)
    {
        return NGX_ERROR;
    }

    if (ngx_http_jamhook_event_string(reader, reader->root, "created_at",
                                      &ngx_http_jamhook_event_rule_plain,
                                      &event->created_at)
        == NGX_ERROR)
    {
        return NGX_ERROR;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_jamhook_event_members(ngx_http_jamhook_event_reader_t *reader)
{
    char                      *url;
    ngx_http_jamhook_event_t  *event;

    event = reader->event;

    if (ngx_http_jamhook_event_conversation(reader) == NGX_ERROR) {
        return NGX_ERROR;
    }

    if (ngx_http_jamhook_event_string(reader, reader->holder, "jamId",
                                      &ngx_http_jamhook_event_rule_plain,
                                      &event->jam_id)
        == NGX_ERROR)
    {
        return NGX_ERROR;
    }

    url = ngx_http_jamhook_event_has(reader->holder, "recording_url")
          ? "recording_url" : "jamUrl";

    if (ngx_http_jamhook_event_string(reader, reader->holder, url,
                                      &ngx_http_jamhook_event_rule_url,
                                      &event->recording_url)
        == NGX_ERROR)
    {
        return NGX_ERROR;
    }

    return NGX_OK;
}


static void
ngx_http_jamhook_event_type(ngx_http_jamhook_event_reader_t *reader,
    ngx_str_t *event_type)
{
    ngx_http_jamhook_event_t  *event;

    event = reader->event;

    if (event->type_problem) {
        ngx_str_set(&event->type, NGX_HTTP_JAMHOOK_EVENT_UNKNOWN);
        return;
    }

    if (event->type.len == 0) {

        if (event_type->len != 0) {
            event->type = *event_type;

        } else {
            ngx_http_jamhook_event_shape(reader, &event->type);
        }
    }

    if (reader->holder == reader->root
        && event->type.len == sizeof(NGX_HTTP_JAMHOOK_EVENT_CREATED) - 1
        && ngx_memcmp(event->type.data, NGX_HTTP_JAMHOOK_EVENT_CREATED,
                      event->type.len)
           == 0
        && !ngx_http_jamhook_event_has(reader->root, "conversationId"))
    {
        ngx_http_jamhook_event_intercom(reader);
    }
}


static void
ngx_http_jamhook_event_shape(ngx_http_jamhook_event_reader_t *reader,
    ngx_str_t *type)
{
    ngx_uint_t                jam_id, jam_url, url;
    ngx_http_jamhook_json_t  *holder;

    holder = reader->holder;

    jam_id = ngx_http_jamhook_event_has(holder, "jamId");
    jam_url = ngx_http_jamhook_event_has(holder, "jamUrl");
    url = ngx_http_jamhook_event_has(holder, "recording_url");

    ngx_str_set(type, NGX_HTTP_JAMHOOK_EVENT_UNKNOWN);

    if (ngx_http_jamhook_event_has(holder, "conversationId")) {

        if (jam_id || jam_url || url) {
            ngx_str_set(type, NGX_HTTP_JAMHOOK_RECORDED);

        } else if (!ngx_http_jamhook_json_has_prefix(holder, "jam")
                   && !ngx_http_jamhook_json_has_prefix(holder, "record"))
        {
            ngx_str_set(type, NGX_HTTP_JAMHOOK_OPTED_OUT);
        }

    } else if (holder == reader->root
               && jam_id
               && jam_url
               && ngx_http_jamhook_event_has(holder, "teamId"))
    {
        ngx_str_set(type, NGX_HTTP_JAMHOOK_EVENT_CREATED);
    }
}


/* a new Jam may name its conversation; it need not, so nothing is a problem */

static void
ngx_http_jamhook_event_intercom(ngx_http_jamhook_event_reader_t *reader)
{
    ngx_str_t                 value;
    ngx_http_jamhook_json_t  *intercom, *item;

    if (ngx_http_jamhook_json_member(reader->root, "intercom", &intercom)
           != NGX_HTTP_JAMHOOK_JSON_OBJECT
        || ngx_http_jamhook_json_member(intercom, "conversationId", &item)
           != NGX_HTTP_JAMHOOK_JSON_STRING)
    {
        return;
    }

    if (ngx_http_jamhook_event_value(item, &ngx_http_jamhook_event_rule_token,
                                     &value)
        == NULL)
    {
        reader->event->conversation_id = value;
    }
}


/*
 * Brings the values out of the document.  An event waits for its target or its
 * store, and many do: what malloc() gave for each small piece of the document
 * is better given back now, while it is at hand for the next one.
 */

static ngx_int_t
ngx_http_jamhook_event_keep(ngx_http_jamhook_event_t *event, ngx_pool_t *pool)
{
    size_t       len;
    u_char      *p;
    ngx_uint_t   i;
    ngx_str_t   *values[] = {
        &event->type,
        &event->event_id,
        &event->created_at,
        &event->conversation_id,
        &event->jam_id,
        &event->recording_url
    };

    len = 0;

    for (i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        len += values[i]->len;
    }

    p = ngx_pnalloc(pool, len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    for (i = 0; i < sizeof(values) / sizeof(values[0]); i++) {

        if (values[i]->len == 0) {
            ngx_str_null(values[i]);
            continue;
        }

        ngx_memcpy(p, values[i]->data, values[i]->len);
        values[i]->data = p;
        p += values[i]->len;
    }

    return NGX_OK;
}


/* null is as good as absent; a member that stands twice does stand */

static ngx_uint_t
ngx_http_jamhook_event_has(ngx_http_jamhook_json_t *object, char *name)
{
    ngx_http_jamhook_json_t       *item;
    ngx_http_jamhook_json_kind_e   kind;

    kind = ngx_http_jamhook_json_member(object, name, &item);

    return kind != NGX_HTTP_JAMHOOK_JSON_ABSENT
           && kind != NGX_HTTP_JAMHOOK_JSON_NULL;
}


/* is it what the Fin connector makes of an event, with wrap=data or without? */

static ngx_uint_t
ngx_http_jamhook_event_is_output(ngx_http_jamhook_event_reader_t *reader)
{
    ngx_http_jamhook_json_t  *holder, *item;

    holder = reader->holder;

    if (holder == NULL
        || ngx_http_jamhook_json_member(holder, "event", &item)
           != NGX_HTTP_JAMHOOK_JSON_STRING
        || ngx_http_jamhook_json_member(holder, "payload", &item)
           != NGX_HTTP_JAMHOOK_JSON_OBJECT)
    {
        return 0;
    }

    return holder != reader->root
           || !ngx_http_jamhook_event_has(holder, "conversationId");
}


static ngx_int_t
ngx_http_jamhook_event_conversation(ngx_http_jamhook_event_reader_t *reader)
{
    u_char                   *buf;
    ngx_http_jamhook_json_t  *item;

    if (ngx_http_jamhook_json_member(reader->holder, "conversationId", &item)
        != NGX_HTTP_JAMHOOK_JSON_NUMBER)
    {
        return ngx_http_jamhook_event_string(reader, reader->holder,
                                       "conversationId",
                                       &ngx_http_jamhook_event_rule_token,
                                       &reader->event->conversation_id);
    }

    buf = ngx_pnalloc(reader->pool, NGX_HTTP_JAMHOOK_EVENT_DIGITS);
    if (buf == NULL) {
        return NGX_ERROR;
    }

    if (ngx_http_jamhook_json_integer(item, buf,
                                      &reader->event->conversation_id)
        == NGX_OK)
    {
        return NGX_OK;
    }

    return ngx_http_jamhook_event_problem(reader, reader->holder,
                            "conversationId",
                            "is a number, but no integer of up to 15 digits");
}


/*
 * Reads a member that is a string, if it is there at all.  NGX_OK (value may
 * be empty), NGX_DECLINED (the problem is noted), NGX_ERROR.
 */

static ngx_int_t
ngx_http_jamhook_event_string(ngx_http_jamhook_event_reader_t *reader,
    ngx_http_jamhook_json_t *object, char *name,
    ngx_http_jamhook_event_rule_t *rule, ngx_str_t *value)
{
    char                     *what;
    ngx_http_jamhook_json_t  *item;

    switch (ngx_http_jamhook_json_member(object, name, &item)) {

    case NGX_HTTP_JAMHOOK_JSON_ABSENT:
    case NGX_HTTP_JAMHOOK_JSON_NULL:
        return NGX_OK;

    case NGX_HTTP_JAMHOOK_JSON_STRING:
        what = ngx_http_jamhook_event_value(item, rule, value);
        break;

    case NGX_HTTP_JAMHOOK_JSON_DOUBLED:
        what = "stands twice";
        break;

    default:
        what = "is not a string";
        break;
    }

    if (what == NULL) {
        return NGX_OK;
    }

    if (ngx_http_jamhook_event_problem(reader, object, name, what) != NGX_OK) {
        return NGX_ERROR;
    }

    return NGX_DECLINED;
}


/* NULL and the value, or what is wrong with it: then value stays as it is */

static char *
ngx_http_jamhook_event_value(ngx_http_jamhook_json_t *item,
    ngx_http_jamhook_event_rule_t *rule, ngx_str_t *value)
{
    ngx_str_t  s;

    if (ngx_http_jamhook_json_string(item, &s) != NGX_OK) {
        return "is unsafe: it holds a NUL character";
    }

    if (s.len == 0) {
        return "is empty";
    }

    if (s.len > rule->max) {
        return "is too long";
    }

    if (rule->check_handler(&s, rule->max) != NGX_OK) {
        return rule->unsafe;
    }

    *value = s;

    return NULL;
}


static ngx_int_t
ngx_http_jamhook_event_plain(ngx_str_t *s, size_t max)
{
    (void) max;

    return ngx_http_jamhook_text_has_control(s) ? NGX_DECLINED : NGX_OK;
}


static ngx_int_t
ngx_http_jamhook_event_url(ngx_str_t *s, size_t max)
{
    (void) max;

    return ngx_http_jamhook_text_http_url(s);
}


/* notes what is wrong with a member, if nothing is noted yet */

static ngx_int_t
ngx_http_jamhook_event_problem(ngx_http_jamhook_event_reader_t *reader,
    ngx_http_jamhook_json_t *object, char *name, char *what)
{
    char       *path;
    u_char     *p;
    ngx_str_t  *problem;

    problem = &reader->event->problem;

    if (problem->len != 0) {
        return NGX_OK;
    }

    path = (object == reader->root) ? "" : reader->path;

    p = ngx_pnalloc(reader->pool, sizeof("\"\" ") - 1 + ngx_strlen(path)
                                  + ngx_strlen(name) + ngx_strlen(what));
    if (p == NULL) {
        return NGX_ERROR;
    }

    problem->data = p;

    *p++ = '"';
    p = ngx_cpymem(p, path, ngx_strlen(path));
    p = ngx_cpymem(p, name, ngx_strlen(name));
    *p++ = '"';
    *p++ = ' ';
    p = ngx_cpymem(p, what, ngx_strlen(what));

    problem->len = p - problem->data;

    return NGX_OK;
}
