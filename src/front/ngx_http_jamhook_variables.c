
#include "ngx_http_jamhook_variables.h"
#include "ngx_http_jamhook_ctx.h"
#include "ngx_http_jamhook_deliver.h"
#include "ngx_http_jamhook_text.h"


static ngx_int_t ngx_http_jamhook_variable_event(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_http_jamhook_variable_id(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_http_jamhook_variable_endpoint(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_http_jamhook_variable_attempt(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_http_jamhook_variable_result(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_http_jamhook_variable_key(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_http_jamhook_variable_set(ngx_http_variable_value_t *v,
    ngx_str_t *value);


/*
 * Not cacheable: at ingest nothing is known until the body was read, and a
 * log asks after that.
 */

static ngx_http_variable_t  ngx_http_jamhook_variables[] = {

    { ngx_string("jamhook_id"), NULL, ngx_http_jamhook_variable_id,
      0, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("jamhook_event_id"), NULL, ngx_http_jamhook_variable_event,
      offsetof(ngx_http_jamhook_event_t, event_id),
      NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("jamhook_type"), NULL, ngx_http_jamhook_variable_event,
      offsetof(ngx_http_jamhook_event_t, type),
      NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("jamhook_created_at"), NULL, ngx_http_jamhook_variable_event,
      offsetof(ngx_http_jamhook_event_t, created_at),
      NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("jamhook_conversation_id"), NULL,
      ngx_http_jamhook_variable_event,
      offsetof(ngx_http_jamhook_event_t, conversation_id),
      NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("jamhook_jam_id"), NULL, ngx_http_jamhook_variable_event,
      offsetof(ngx_http_jamhook_event_t, jam_id),
      NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("jamhook_recording_url"), NULL,
      ngx_http_jamhook_variable_event,
      offsetof(ngx_http_jamhook_event_t, recording_url),
      NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("jamhook_endpoint"), NULL,
      ngx_http_jamhook_variable_endpoint,
      0, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("jamhook_attempt"), NULL, ngx_http_jamhook_variable_attempt,
      0, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("jamhook_result"), NULL, ngx_http_jamhook_variable_result,
      0, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("jamhook_key"), NULL, ngx_http_jamhook_variable_key,
      0, NGX_HTTP_VAR_NOCACHEABLE, 0 },

      ngx_http_null_variable
};


ngx_int_t
ngx_http_jamhook_variables_add(ngx_conf_t *cf)
{
    ngx_http_variable_t  *var, *v;

    for (v = ngx_http_jamhook_variables; v->name.len; v++) {
        var = ngx_http_add_variable(cf, &v->name, v->flags);
        if (var == NULL) {
            return NGX_ERROR;
        }

        var->get_handler = v->get_handler;
        var->data = v->data;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_jamhook_variable_event(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    ngx_http_jamhook_ctx_t  *ctx;

    ctx = ngx_http_jamhook_get_ctx(r);

    if (ctx == NULL || ctx->parcel == NULL) {
        v->not_found = 1;
        return NGX_OK;
    }

    return ngx_http_jamhook_variable_set(v,
                   (ngx_str_t *) ((char *) &ctx->parcel->event + data));
}


static ngx_int_t
ngx_http_jamhook_variable_id(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    ngx_http_jamhook_ctx_t  *ctx;

    ctx = ngx_http_jamhook_get_ctx(r);

    if (ctx == NULL) {
        v->not_found = 1;
        return NGX_OK;
    }

    /* before the signature held: what the header claims */

    return ngx_http_jamhook_variable_set(v,
                                         ctx->parcel && ctx->parcel->id.len
                                             ? &ctx->parcel->id : &ctx->id);
}


static ngx_int_t
ngx_http_jamhook_variable_endpoint(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    ngx_http_jamhook_ctx_t  *ctx;

    ctx = ngx_http_jamhook_get_ctx(r);

    if (ctx == NULL || ctx->delivery == NULL) {
        v->not_found = 1;
        return NGX_OK;
    }

    return ngx_http_jamhook_variable_set(v, &ctx->delivery->endpoint->name);
}


static ngx_int_t
ngx_http_jamhook_variable_attempt(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    ngx_str_t                value;
    ngx_http_jamhook_ctx_t  *ctx;

    ctx = ngx_http_jamhook_get_ctx(r);

    if (ctx == NULL || ctx->delivery == NULL) {
        v->not_found = 1;
        return NGX_OK;
    }

    value.data = ngx_pnalloc(r->pool, NGX_INT_T_LEN);
    if (value.data == NULL) {
        return NGX_ERROR;
    }

    value.len = ngx_http_jamhook_text_decimal(value.data,
                                              ctx->delivery->attempt)
                - value.data;

    return ngx_http_jamhook_variable_set(v, &value);
}


static ngx_int_t
ngx_http_jamhook_variable_result(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    ngx_http_jamhook_ctx_t  *ctx;

    ctx = ngx_http_jamhook_get_ctx(r);

    if (ctx == NULL) {
        v->not_found = 1;
        return NGX_OK;
    }

    return ngx_http_jamhook_variable_set(v, &ctx->result);
}


static ngx_int_t
ngx_http_jamhook_variable_key(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    ngx_http_jamhook_ctx_t  *ctx;

    ctx = ngx_http_jamhook_get_ctx(r);

    if (ctx == NULL || ctx->parcel == NULL) {
        v->not_found = 1;
        return NGX_OK;
    }

    return ngx_http_jamhook_variable_set(v, &ctx->parcel->key);
}


/* a control character could smuggle a header, or a line into a log */

static ngx_int_t
ngx_http_jamhook_variable_set(ngx_http_variable_value_t *v, ngx_str_t *value)
{
    if (value->len == 0 || ngx_http_jamhook_text_has_control(value)) {
        v->not_found = 1;
        return NGX_OK;
    }

    v->len = value->len;
    v->data = value->data;
    v->valid = 1;
    v->no_cacheable = 0;
    v->not_found = 0;

    return NGX_OK;
}
