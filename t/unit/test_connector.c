
#include "ngx_http_jamhook_connector.h"

#include "ngx_shim.h"
#include "tap.h"


static void
event_set(ngx_http_jamhook_event_t *event, ngx_pool_t *pool, const char *type,
    const char *conversation_id, const char *jam_id, const char *url)
{
    ngx_memzero(event, sizeof(ngx_http_jamhook_event_t));

    event->type = shim_str(pool, type);

    if (conversation_id != NULL) {
        event->conversation_id = shim_str(pool, conversation_id);
    }

    if (jam_id != NULL) {
        event->jam_id = shim_str(pool, jam_id);
    }

    if (url != NULL) {
        event->recording_url = shim_str(pool, url);
    }
}


static void
test_fin(ngx_pool_t *pool)
{
    ngx_str_t                  body;
    ngx_uint_t                 i;
    ngx_http_jamhook_event_t   event;

    static struct {
        const char  *type;
        const char  *conversation_id;
        const char  *jam_id;
        const char  *url;
        ngx_uint_t   wrap;
        const char  *body;
    } table[] = {
        { "intercom.recorder.recorded", "215470686832743",
          "9573a43b-3ec9-49ab-b7e4-bf6cfc4bdfc",
          "https://jam.dev/r/rec_12345", 0,
          "{\"event\":\"intercom.recorder.recorded\",\"payload\":{"
          "\"conversationId\":\"215470686832743\","
          "\"jamId\":\"9573a43b-3ec9-49ab-b7e4-bf6cfc4bdfc\","
          "\"recording_url\":\"https://jam.dev/r/rec_12345\"}}" },
        { "intercom.recorder.opted_out", "215470686832743", NULL, NULL, 0,
          "{\"event\":\"intercom.recorder.opted_out\",\"payload\":{"
          "\"conversationId\":\"215470686832743\"}}" },
        { "intercom.recorder.opted_out", "1", NULL, NULL, 1,
          "{\"data\":{\"event\":\"intercom.recorder.opted_out\",\"payload\":{"
          "\"conversationId\":\"1\"}}}" },
        { "intercom.recorder.recorded", "1", "j", "http://u", 1,
          "{\"data\":{\"event\":\"intercom.recorder.recorded\",\"payload\":{"
          "\"conversationId\":\"1\",\"jamId\":\"j\","
          "\"recording_url\":\"http://u\"}}}" },
        { "a", "1", NULL, "http://u", 0,
          "{\"event\":\"a\",\"payload\":{\"conversationId\":\"1\","
          "\"recording_url\":\"http://u\"}}" },
        { "a", "1", "j", NULL, 0,
          "{\"event\":\"a\",\"payload\":{\"conversationId\":\"1\","
          "\"jamId\":\"j\"}}" },
        { "a", NULL, "j", NULL, 0,
          "{\"event\":\"a\",\"payload\":{\"jamId\":\"j\"}}" },
        { "a", NULL, NULL, NULL, 0, "{\"event\":\"a\",\"payload\":{}}" },
        { "a\"b", "1", "\"\\\x01\xc3\xa9", "http://u/\"}}", 0,
          "{\"event\":\"a\\\"b\",\"payload\":{\"conversationId\":\"1\","
          "\"jamId\":\"\\\"\\\\\\u0001\xc3\xa9\","
          "\"recording_url\":\"http://u/\\\"}}\"}}" },
    };

    for (i = 0; i < nitems(table); i++) {
        event_set(&event, pool, table[i].type, table[i].conversation_id,
                  table[i].jam_id, table[i].url);

        ok(ngx_http_jamhook_connector_fin(&event, table[i].wrap, pool, &body)
           == NGX_OK, "body %u", (unsigned) i);
        is(body, table[i].body, "body %u is as it must be", (unsigned) i);
    }
}


static void
test_uri(ngx_pool_t *pool)
{
    ngx_str_t   location, id, uri;
    ngx_uint_t  i;

    static struct {
        const char  *location;
        const char  *uri;
    } table[] = {
        { "/fin", "/fin/123" },
        { "/fin/", "/fin/123" },
        { "/fin//", "/fin//123" },
        { "/a/b", "/a/b/123" },
        { "/", "/123" },
        { "", "/123" },
    };

    id = shim_str(pool, "123");

    for (i = 0; i < nitems(table); i++) {
        location = shim_str(pool, table[i].location);

        ok(ngx_http_jamhook_connector_fin_uri(&location, &id, pool, &uri)
           == NGX_OK, "the URI for \"%s\"", table[i].location);
        is(uri, table[i].uri, "is %s", table[i].uri);
    }
}


static void
test_check(ngx_pool_t *pool)
{
    ngx_str_t   id, uri;
    ngx_uint_t  i;

    static struct {
        const char              *uri;
        const char              *id;
        ngx_http_jamhook_uri_e   expected;
    } table[] = {
        { "/the/path/123", "123", NGX_HTTP_JAMHOOK_URI_OK },
        { "/123", "123", NGX_HTTP_JAMHOOK_URI_OK },
        { "/123/123", "123", NGX_HTTP_JAMHOOK_URI_OK },
        { "//a/123", "123", NGX_HTTP_JAMHOOK_URI_OK },
        { "/a//123", "123", NGX_HTTP_JAMHOOK_URI_DOUBLE_SLASH },
        { "//123", "123", NGX_HTTP_JAMHOOK_URI_DOUBLE_SLASH },
        { "/a///123", "123", NGX_HTTP_JAMHOOK_URI_DOUBLE_SLASH },
        { "/a/123/", "123", NGX_HTTP_JAMHOOK_URI_WRONG },
        { "/a/", "123", NGX_HTTP_JAMHOOK_URI_WRONG },
        { "/a", "123", NGX_HTTP_JAMHOOK_URI_WRONG },
        { "/a123", "123", NGX_HTTP_JAMHOOK_URI_WRONG },
        { "/0123", "123", NGX_HTTP_JAMHOOK_URI_WRONG },
        { "/1234", "123", NGX_HTTP_JAMHOOK_URI_WRONG },
        { "/12", "123", NGX_HTTP_JAMHOOK_URI_WRONG },
        { "123", "123", NGX_HTTP_JAMHOOK_URI_WRONG },
        { "23", "123", NGX_HTTP_JAMHOOK_URI_WRONG },
        { "", "123", NGX_HTTP_JAMHOOK_URI_WRONG },
        { "/a?/123", "123", NGX_HTTP_JAMHOOK_URI_WRONG },
        { "/a?b=/123", "123", NGX_HTTP_JAMHOOK_URI_WRONG },
        { "/a/123?", "123", NGX_HTTP_JAMHOOK_URI_WRONG },
        { "/a/", "", NGX_HTTP_JAMHOOK_URI_WRONG },
        { "/a/ABC", "abc", NGX_HTTP_JAMHOOK_URI_WRONG },
    };

    for (i = 0; i < nitems(table); i++) {
        uri = shim_str(pool, table[i].uri);
        id = shim_str(pool, table[i].id);

        ok(ngx_http_jamhook_connector_fin_check(&uri, &id)
           == table[i].expected,
           "\"%s\" for \"%s\" is %d", table[i].uri, table[i].id,
           (int) table[i].expected);
    }
}


static ngx_int_t
run_fin(ngx_pool_t *pool)
{
    ngx_str_t                 body;
    ngx_http_jamhook_event_t  event;

    ngx_memzero(&event, sizeof(ngx_http_jamhook_event_t));
    ngx_str_set(&event.type, "a");

    return ngx_http_jamhook_connector_fin(&event, 1, pool, &body);
}


static ngx_int_t
run_uri(ngx_pool_t *pool)
{
    ngx_str_t  uri, location = ngx_string("/fin"), id = ngx_string("1");

    return ngx_http_jamhook_connector_fin_uri(&location, &id, pool, &uri);
}


int
main(void)
{
    ngx_pool_t  *pool;

    pool = ngx_create_pool(1, NULL);

    test_fin(pool);
    test_uri(pool);
    test_check(pool);

    ok(shim_exhaust(run_fin) == 1, "fin() without memory");
    ok(shim_exhaust(run_uri) == 1, "fin_uri() without memory");

    ngx_destroy_pool(pool);

    return done();
}
