
#include "ngx_http_jamhook_reply.h"
#include "ngx_http_jamhook_json.h"
#include "ngx_http_jamhook_text.h"


typedef struct {
    ngx_uint_t  status;
    ngx_str_t   title;
    ngx_str_t   code;
    ngx_str_t   header;              /* that goes with it, if any */
    ngx_str_t   value;
} ngx_http_jamhook_problem_t;


static ngx_int_t ngx_http_jamhook_reply_send(ngx_http_request_t *r,
    ngx_uint_t status, ngx_str_t *type, ngx_buf_t *b);
static ngx_int_t ngx_http_jamhook_reply_send_header(ngx_http_request_t *r,
    ngx_uint_t status, ngx_str_t *type, off_t size);
static u_char *ngx_http_jamhook_reply_number(ngx_pool_t *pool, ngx_uint_t n,
    ngx_str_t *s);


static ngx_str_t  ngx_http_jamhook_reply_json =
    ngx_string("application/json");
static ngx_str_t  ngx_http_jamhook_reply_problem_json =
    ngx_string("application/problem+json");
static ngx_str_t  ngx_http_jamhook_reply_retry_after =
    ngx_string("Retry-After");


/* in the order of ngx_http_jamhook_code_e */

static ngx_http_jamhook_problem_t  ngx_http_jamhook_problems[] = {

    { NGX_HTTP_BAD_REQUEST, ngx_string("Bad Request"),
      ngx_string("body_invalid"), ngx_null_string, ngx_null_string },

    { NGX_HTTP_UNAUTHORIZED, ngx_string("Unauthorized"),
      ngx_string("signature_missing"),
      ngx_string("WWW-Authenticate"), ngx_string("Standard-Webhooks") },

    { NGX_HTTP_UNAUTHORIZED, ngx_string("Unauthorized"),
      ngx_string("signature_invalid"),
      ngx_string("WWW-Authenticate"), ngx_string("Standard-Webhooks") },

    { NGX_HTTP_UNAUTHORIZED, ngx_string("Unauthorized"),
      ngx_string("timestamp_invalid"),
      ngx_string("WWW-Authenticate"), ngx_string("Standard-Webhooks") },

    { NGX_HTTP_NOT_ALLOWED, ngx_string("Method Not Allowed"),
      ngx_string("method_not_allowed"),
      ngx_string("Allow"), ngx_string("POST") },

    { NGX_HTTP_REQUEST_ENTITY_TOO_LARGE, ngx_string("Content Too Large"),
      ngx_string("body_too_large"), ngx_null_string, ngx_null_string },

    { NGX_HTTP_UNSUPPORTED_MEDIA_TYPE, ngx_string("Unsupported Media Type"),
      ngx_string("media_type_unsupported"), ngx_null_string,
      ngx_null_string },

    { 422, ngx_string("Unprocessable Content"),
      ngx_string("event_invalid"), ngx_null_string, ngx_null_string },

    { NGX_HTTP_CONFLICT, ngx_string("Conflict"),
      ngx_string("id_conflict"), ngx_null_string, ngx_null_string },

    { NGX_HTTP_BAD_GATEWAY, ngx_string("Bad Gateway"),
      ngx_string("delivery_failed"), ngx_null_string, ngx_null_string },

    { NGX_HTTP_GATEWAY_TIME_OUT, ngx_string("Gateway Timeout"),
      ngx_string("delivery_failed"), ngx_null_string, ngx_null_string },

    { NGX_HTTP_SERVICE_UNAVAILABLE, ngx_string("Service Unavailable"),
      ngx_string("unavailable"), ngx_null_string, ngx_null_string },

    /* the portal's */

    { NGX_HTTP_BAD_REQUEST, ngx_string("Bad Request"),
      ngx_string("parameter_invalid"), ngx_null_string, ngx_null_string },

    { NGX_HTTP_FORBIDDEN, ngx_string("Forbidden"),
      ngx_string("forbidden"), ngx_null_string, ngx_null_string },

    { NGX_HTTP_NOT_FOUND, ngx_string("Not Found"),
      ngx_string("not_found"), ngx_null_string, ngx_null_string },

    { NGX_HTTP_CONFLICT, ngx_string("Conflict"),
      ngx_string("conflict"), ngx_null_string, ngx_null_string }
};


ngx_int_t
ngx_http_jamhook_reply_success(ngx_http_request_t *r, ngx_str_t *result,
    ngx_str_t *id, ngx_str_t *type)
{
    size_t      len;
    ngx_buf_t  *b;

    len = sizeof("{\"result\":,\"id\":,\"type\":}") - 1
          + ngx_http_jamhook_json_escaped_length(result)
          + ngx_http_jamhook_json_escaped_length(id)
          + ngx_http_jamhook_json_escaped_length(type);

    b = ngx_create_temp_buf(r->pool, len);
    if (b == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    b->last = ngx_cpymem(b->last, "{\"result\":",
                         sizeof("{\"result\":") - 1);
    b->last = ngx_http_jamhook_json_escape(b->last, result);
    b->last = ngx_cpymem(b->last, ",\"id\":", sizeof(",\"id\":") - 1);
    b->last = ngx_http_jamhook_json_escape(b->last, id);
    b->last = ngx_cpymem(b->last, ",\"type\":", sizeof(",\"type\":") - 1);
    b->last = ngx_http_jamhook_json_escape(b->last, type);
    *b->last++ = '}';

    return ngx_http_jamhook_reply_send(r, NGX_HTTP_OK,
                                       &ngx_http_jamhook_reply_json, b);
}


ngx_int_t
ngx_http_jamhook_reply_problem(ngx_http_request_t *r,
    ngx_http_jamhook_code_e code, ngx_str_t *detail, ngx_int_t retry_after)
{
    return ngx_http_jamhook_reply_refusal(r, code, detail, NULL, NULL,
                                          retry_after);
}


ngx_int_t
ngx_http_jamhook_reply_refusal(ngx_http_request_t *r,
    ngx_http_jamhook_code_e code, ngx_str_t *detail, ngx_str_t *parameter,
    ngx_str_t *allow, ngx_int_t retry_after)
{
    size_t                       len;
    ngx_int_t                    rc;
    ngx_str_t                    seconds;
    ngx_buf_t                   *b;
    ngx_http_jamhook_problem_t  *problem;

    problem = &ngx_http_jamhook_problems[code];

    rc = ngx_http_discard_request_body(r);
    if (rc != NGX_OK) {
        return rc;
    }

    if (problem->header.len
        && ngx_http_jamhook_reply_header(r, &problem->header,
                                         allow ? allow : &problem->value)
           != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (code == NGX_HTTP_JAMHOOK_UNAVAILABLE) {

        if (ngx_http_jamhook_reply_number(r->pool, retry_after, &seconds)
            == NULL
            || ngx_http_jamhook_reply_header(r,
                                          &ngx_http_jamhook_reply_retry_after,
                                          &seconds)
               != NGX_OK)
        {
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        }
    }

    len = sizeof("{\"title\":\"\",\"status\":,\"detail\":,\"code\":\"\"}") - 1
          + problem->title.len + NGX_INT_T_LEN
          + ngx_http_jamhook_json_escaped_length(detail)
          + problem->code.len;

    if (parameter) {
        len += sizeof(",\"parameter\":") - 1
               + ngx_http_jamhook_json_escaped_length(parameter);
    }

    b = ngx_create_temp_buf(r->pool, len);
    if (b == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    b->last = ngx_sprintf(b->last,
                          "{\"title\":\"%V\",\"status\":%ui,\"detail\":",
                          &problem->title, problem->status);
    b->last = ngx_http_jamhook_json_escape(b->last, detail);
    b->last = ngx_sprintf(b->last, ",\"code\":\"%V\"", &problem->code);

    if (parameter) {
        b->last = ngx_cpymem(b->last, ",\"parameter\":",
                             sizeof(",\"parameter\":") - 1);
        b->last = ngx_http_jamhook_json_escape(b->last, parameter);
    }

    *b->last++ = '}';

    return ngx_http_jamhook_reply_send(r, problem->status,
                                       &ngx_http_jamhook_reply_problem_json,
                                       b);
}


ngx_str_t *
ngx_http_jamhook_reply_code(ngx_http_jamhook_code_e code)
{
    return &ngx_http_jamhook_problems[code].code;
}


ngx_int_t
ngx_http_jamhook_reply_json_chain(ngx_http_request_t *r, ngx_chain_t *out,
    off_t size)
{
    ngx_int_t     rc;
    ngx_chain_t  *cl;

    rc = ngx_http_jamhook_reply_send_header(r, NGX_HTTP_OK,
                                            &ngx_http_jamhook_reply_json,
                                            size);

    if (rc == NGX_ERROR || rc > NGX_OK || r->header_only) {
        return rc;
    }

    for (cl = out; cl->next; cl = cl->next) { /* void */ }

    cl->buf->last_buf = (r == r->main) ? 1 : 0;
    cl->buf->last_in_chain = 1;

    return ngx_http_output_filter(r, out);
}


static ngx_int_t
ngx_http_jamhook_reply_send(ngx_http_request_t *r, ngx_uint_t status,
    ngx_str_t *type, ngx_buf_t *b)
{
    ngx_int_t    rc;
    ngx_chain_t  out;

    rc = ngx_http_jamhook_reply_send_header(r, status, type,
                                            b->last - b->pos);

    if (rc == NGX_ERROR || rc > NGX_OK || r->header_only) {
        return rc;
    }

    b->last_buf = (r == r->main) ? 1 : 0;
    b->last_in_chain = 1;

    out.buf = b;
    out.next = NULL;

    return ngx_http_output_filter(r, &out);
}


static ngx_int_t
ngx_http_jamhook_reply_send_header(ngx_http_request_t *r, ngx_uint_t status,
    ngx_str_t *type, off_t size)
{
    r->headers_out.status = status;
    r->headers_out.content_type = *type;
    r->headers_out.content_type_len = type->len;
    r->headers_out.content_type_lowcase = NULL;
    r->headers_out.content_length_n = size;

    return ngx_http_send_header(r);
}


ngx_int_t
ngx_http_jamhook_reply_header(ngx_http_request_t *r, ngx_str_t *key,
    ngx_str_t *value)
{
    ngx_table_elt_t  *h;

    h = ngx_list_push(&r->headers_out.headers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    ngx_memzero(h, sizeof(ngx_table_elt_t));

    h->hash = 1;
    h->key = *key;
    h->value = *value;

    return NGX_OK;
}


static u_char *
ngx_http_jamhook_reply_number(ngx_pool_t *pool, ngx_uint_t n, ngx_str_t *s)
{
    s->data = ngx_pnalloc(pool, NGX_INT_T_LEN);
    if (s->data == NULL) {
        return NULL;
    }

    s->len = ngx_http_jamhook_text_decimal(s->data, n) - s->data;

    return s->data;
}
