
/*
 * rules/event and rules/connector: what is taken out of a body keeps its rules,
 * and what the connector makes of it is, byte for byte, what cJSON prints.
 * The input: jamhook_event_type's argument, the patterns of jamhook_events and
 * a location, a line each; the body.
 */

#include "ngx_http_jamhook_connector.h"
#include "ngx_http_jamhook_json.h"
#include "ngx_http_jamhook_text.h"

#include <cjson/cJSON.h>

#include "fuzz.h"


#define TOKEN  FUZZ_ALNUM "_-"
#define TYPE   FUZZ_ALNUM "_.:/-"


static void
plain(ngx_str_t *s, size_t max)
{
    check(s->len <= max);
    check(!ngx_http_jamhook_text_has_control(s));
}


static void
rules(ngx_http_jamhook_event_t *event)
{
    check(event->type.len != 0);
    check(event->type.len <= NGX_HTTP_JAMHOOK_TYPE_MAX);
    check(fuzz_only(&event->type, TYPE));

    check(event->conversation_id.len <= NGX_HTTP_JAMHOOK_CONVERSATION_MAX);
    check(fuzz_only(&event->conversation_id, TOKEN));

    plain(&event->event_id, NGX_HTTP_JAMHOOK_MEMBER_MAX);
    plain(&event->created_at, NGX_HTTP_JAMHOOK_MEMBER_MAX);
    plain(&event->jam_id, NGX_HTTP_JAMHOOK_MEMBER_MAX);
    plain(&event->recording_url, NGX_HTTP_JAMHOOK_URL_MAX);

    check(event->recording_url.len == 0
          || strncasecmp((char *) event->recording_url.data, "http", 4) == 0);

    /* it goes into logs and answers: of our own words alone */

    plain(&event->problem, 128);
    check(event->problem.len == 0 || event->problem.data[0] == '"');
    check(!event->type_problem || event->problem.len != 0);
}


static void
member(ngx_pool_t *pool, cJSON *object, const char *name, ngx_str_t *value)
{
    if (value->len) {
        check(cJSON_AddStringToObject(object, name, fuzz_text(pool, value)));
    }
}


static void
mapped(ngx_pool_t *pool, ngx_http_jamhook_event_t *event, ngx_uint_t wrap)
{
    char                      *text, *why;
    cJSON                     *root, *data, *payload;
    ngx_str_t                  body, none;
    ngx_http_jamhook_event_t   again;

    check(ngx_http_jamhook_connector_fin(event, wrap, pool, &body) == NGX_OK);

    root = cJSON_CreateObject();
    data = wrap ? cJSON_AddObjectToObject(root, "data") : root;

    member(pool, data, "event", &event->type);
    payload = cJSON_AddObjectToObject(data, "payload");
    member(pool, payload, "conversationId", &event->conversation_id);
    member(pool, payload, "jamId", &event->jam_id);
    member(pool, payload, "recording_url", &event->recording_url);

    text = cJSON_PrintUnformatted(root);
    check(text != NULL);

    check(body.len == strlen(text) && memcmp(body.data, text, body.len) == 0);

    cJSON_free(text);
    cJSON_Delete(root);

    /* a strict reader takes it, and we know it again */

    ngx_str_null(&none);

    body = shim_bytes(pool, body.data, body.len);

    check(ngx_http_jamhook_event_read(&again, &body, &none, pool, &why)
          == NGX_OK);
    check(again.is_connector_output);
}


static void
uri(ngx_pool_t *pool, ngx_str_t *location, ngx_str_t *id)
{
    u_char                  *p;
    ngx_str_t                made;
    ngx_uint_t               doubled;
    ngx_http_jamhook_uri_e   said;

    check(ngx_http_jamhook_connector_fin_uri(location, id, pool, &made)
          == NGX_OK);

    said = ngx_http_jamhook_connector_fin_check(&made, id);

    if (id->len == 0
        || memchr(made.data, '?', made.len) != NULL)
    {
        check(said == NGX_HTTP_JAMHOOK_URI_WRONG);
        return;
    }

    p = made.data + made.len - id->len - 1;
    doubled = p > made.data && p[-1] == '/';

    check(said == (doubled ? NGX_HTTP_JAMHOOK_URI_DOUBLE_SLASH
                           : NGX_HTTP_JAMHOOK_URI_OK));

    /* whatever stands there: what is not WRONG ends in the id */

    said = ngx_http_jamhook_connector_fin_check(location, id);

    check(said == NGX_HTTP_JAMHOOK_URI_WRONG
          || (location->len > id->len
              && memcmp(location->data + location->len - id->len, id->data,
                        id->len)
                 == 0));
}


static void
matches(ngx_pool_t *pool, ngx_str_t *line, ngx_str_t *type)
{
    size_t        i, start, len;
    ngx_str_t    *pattern, s;
    ngx_uint_t    expected;
    ngx_array_t  *patterns;

    patterns = shim_array(pool, 4, sizeof(ngx_str_t));
    expected = 0;

    for (start = 0, i = 0; i <= line->len; i++) {

        if (i < line->len && line->data[i] != ' ') {
            continue;
        }

        s = shim_bytes(pool, line->data + start, i - start);
        start = i + 1;

        pattern = ngx_array_push(patterns);
        *pattern = s;

        len = s.len;

        if (len && s.data[len - 1] == '*') {
            expected |= type->len >= len - 1
                        && memcmp(type->data, s.data, len - 1) == 0;

        } else {
            expected |= fuzz_same(type, &s);
        }
    }

    check(ngx_http_jamhook_event_matches(type, patterns) == expected);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char                      *why, *strict;
    ngx_int_t                  rc;
    ngx_str_t                  body, type, patterns, location, none;
    ngx_pool_t                *pool;
    fuzz_input_t               in;
    ngx_http_jamhook_event_t   event;

    pool = ngx_create_pool(1, NULL);

    in.pool = pool;
    in.p = data;
    in.last = data + size;

    type = fuzz_line(&in);
    patterns = fuzz_line(&in);
    location = fuzz_line(&in);
    body = fuzz_rest(&in);

    ngx_str_null(&none);

    if (ngx_http_jamhook_text_type(&type, NGX_HTTP_JAMHOOK_TYPE_MAX)
        != NGX_OK)
    {
        type = none;
    }

    why = NULL;
    rc = ngx_http_jamhook_event_read(&event, &body, &type, pool, &why);

    check(rc == ngx_http_jamhook_json_check(&body, &strict));

    if (rc != NGX_OK) {
        check(rc == NGX_DECLINED && why != NULL);
        ngx_destroy_pool(pool);
        return 0;
    }

    rules(&event);
    mapped(pool, &event, 0);
    mapped(pool, &event, 1);
    matches(pool, &patterns, &event.type);
    uri(pool, &location, &event.conversation_id);

    (void) ngx_http_jamhook_event_is_recorder(&event.type);

    ngx_destroy_pool(pool);

    return 0;
}
