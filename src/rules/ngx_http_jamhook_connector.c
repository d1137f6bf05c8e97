
#include "ngx_http_jamhook_connector.h"
#include "ngx_http_jamhook_json.h"


#define NGX_HTTP_JAMHOOK_CONNECTOR_MEMBERS  3


typedef struct {
    ngx_str_t    before;       /* the member's name and what leads to it */
    ngx_str_t   *value;
} ngx_http_jamhook_connector_member_t;


static u_char *ngx_http_jamhook_connector_copy(u_char *p, ngx_str_t *s);


ngx_int_t
ngx_http_jamhook_connector_fin(ngx_http_jamhook_event_t *event,
    ngx_uint_t wrap, ngx_pool_t *pool, ngx_str_t *body)
{
    size_t                                len;
    u_char                               *p;
    ngx_str_t                             head, tail, comma;
    ngx_uint_t                            i, n;
    ngx_http_jamhook_connector_member_t   members[] = {
        { ngx_string("\"conversationId\":"), &event->conversation_id },
        { ngx_string("\"jamId\":"), &event->jam_id },
        { ngx_string("\"recording_url\":"), &event->recording_url }
    };

    if (wrap) {
        ngx_str_set(&head, "{\"data\":{\"event\":");
        ngx_str_set(&tail, "}}}");

    } else {
        ngx_str_set(&head, "{\"event\":");
        ngx_str_set(&tail, "}}");
    }

    ngx_str_set(&comma, ",\"payload\":{");

    len = head.len + ngx_http_jamhook_json_escaped_length(&event->type)
          + comma.len + tail.len;

    for (i = 0; i < NGX_HTTP_JAMHOOK_CONNECTOR_MEMBERS; i++) {
        len += 1 + members[i].before.len
               + ngx_http_jamhook_json_escaped_length(members[i].value);
    }

    p = ngx_pnalloc(pool, len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    body->data = p;

    p = ngx_http_jamhook_connector_copy(p, &head);
    p = ngx_http_jamhook_json_escape(p, &event->type);
    p = ngx_http_jamhook_connector_copy(p, &comma);

    for (i = 0, n = 0; i < NGX_HTTP_JAMHOOK_CONNECTOR_MEMBERS; i++) {

        if (members[i].value->len == 0) {
            continue;
        }

        if (n++ != 0) {
            *p++ = ',';
        }

        p = ngx_http_jamhook_connector_copy(p, &members[i].before);
        p = ngx_http_jamhook_json_escape(p, members[i].value);
    }

    p = ngx_http_jamhook_connector_copy(p, &tail);

    body->len = p - body->data;

    return NGX_OK;
}


ngx_int_t
ngx_http_jamhook_connector_fin_uri(ngx_str_t *location,
    ngx_str_t *conversation_id, ngx_pool_t *pool, ngx_str_t *uri)
{
    u_char     *p;
    ngx_str_t   name;

    name = *location;

    if (name.len != 0 && name.data[name.len - 1] == '/') {
        name.len--;
    }

    p = ngx_pnalloc(pool, name.len + 1 + conversation_id->len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    uri->data = p;

    p = ngx_http_jamhook_connector_copy(p, &name);
    *p++ = '/';
    p = ngx_http_jamhook_connector_copy(p, conversation_id);

    uri->len = p - uri->data;

    return NGX_OK;
}


ngx_http_jamhook_uri_e
ngx_http_jamhook_connector_fin_check(ngx_str_t *uri,
    ngx_str_t *conversation_id)
{
    u_char  *slash;

    if (conversation_id->len == 0
        || uri->len < conversation_id->len + 1
        || ngx_strlchr(uri->data, uri->data + uri->len, '?') != NULL)
    {
        return NGX_HTTP_JAMHOOK_URI_WRONG;
    }

    slash = uri->data + uri->len - conversation_id->len - 1;

    if (*slash != '/'
        || ngx_memcmp(slash + 1, conversation_id->data, conversation_id->len)
           != 0)
    {
        return NGX_HTTP_JAMHOOK_URI_WRONG;
    }

    if (slash > uri->data && *(slash - 1) == '/') {
        return NGX_HTTP_JAMHOOK_URI_DOUBLE_SLASH;
    }

    return NGX_HTTP_JAMHOOK_URI_OK;
}


/* an empty string may have no data at all */

static u_char *
ngx_http_jamhook_connector_copy(u_char *p, ngx_str_t *s)
{
    if (s->len == 0) {
        return p;
    }

    return ngx_cpymem(p, s->data, s->len);
}
