
/*
 * JSON: the one owner of cJSON, and strict where cJSON is lenient.
 *
 * A document is parsed by cJSON with malloc() and belongs to the pool it was
 * parsed with: a pool cleanup deletes it, if it was not released before.
 * cJSON's global hooks stay alone.
 * Strings that are handed out point into the document.
 */


#ifndef _NGX_HTTP_JAMHOOK_JSON_H_INCLUDED_
#define _NGX_HTTP_JAMHOOK_JSON_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


#define NGX_HTTP_JAMHOOK_JSON_MAX_DEPTH  64


typedef struct cJSON  ngx_http_jamhook_json_t;

typedef enum {
    NGX_HTTP_JAMHOOK_JSON_ABSENT = 0,    /* no such member */
    NGX_HTTP_JAMHOOK_JSON_NULL,
    NGX_HTTP_JAMHOOK_JSON_STRING,
    NGX_HTTP_JAMHOOK_JSON_NUMBER,
    NGX_HTTP_JAMHOOK_JSON_OBJECT,
    NGX_HTTP_JAMHOOK_JSON_OTHER,         /* true, false, an array */
    NGX_HTTP_JAMHOOK_JSON_DOUBLED        /* the member stands more than once */
} ngx_http_jamhook_json_kind_e;


/*
 * Checks that text is exactly one JSON object by RFC 8259: its grammar, valid
 * UTF-8 (no BOM, no surrogates, nothing overlong), \u escapes of surrogates
 * in pairs only, nested at most NGX_HTTP_JAMHOOK_JSON_MAX_DEPTH deep, white
 * space only around it.  Allocates nothing and does not recurse.
 * NGX_OK, or NGX_DECLINED with *why, a static text.
 */
ngx_int_t ngx_http_jamhook_json_check(ngx_str_t *text, char **why);

/*
 * Checks and parses.  NGX_OK and *root; NGX_DECLINED and *why; NGX_ERROR (no
 * memory).  *root lives until the pool is destroyed.
 */
ngx_int_t ngx_http_jamhook_json_parse(ngx_pool_t *pool, ngx_str_t *text,
    ngx_http_jamhook_json_t **root, char **why);

/* Deletes a document before its pool goes: nothing may point into it. */
void ngx_http_jamhook_json_release(ngx_pool_t *pool,
    ngx_http_jamhook_json_t *root);

/*
 * Looks up a member of an object by its exact name (case counts).  Returns
 * what it is, and the member in *item unless it is absent or doubled.
 */
ngx_http_jamhook_json_kind_e ngx_http_jamhook_json_member(
    ngx_http_jamhook_json_t *object, char *name,
    ngx_http_jamhook_json_t **item);

/*
 * 1 if a member's name begins with prefix (lower case), in any letter case.
 */
ngx_uint_t ngx_http_jamhook_json_has_prefix(ngx_http_jamhook_json_t *object,
    char *prefix);

/*
 * Looks for a member whose name is none of names, which ends with NULL.
 * NGX_OK and *name, pointing into the document; NGX_DECLINED: there is none.
 */
ngx_int_t ngx_http_jamhook_json_stranger(ngx_http_jamhook_json_t *object,
    char **names, ngx_str_t *name);

/*
 * The value of a string member, pointing into the document.  NGX_OK, or
 * NGX_DECLINED where the JSON text wrote \u0000 into it (cJSON ends it there).
 */
ngx_int_t ngx_http_jamhook_json_string(ngx_http_jamhook_json_t *item,
    ngx_str_t *value);

/*
 * A number member that is an integer of at most 15 digits, not negative, as
 * its digits in buf (at least 16 bytes).  NGX_OK and *value, or NGX_DECLINED
 * (a fraction, negative, or too large to be sure that no digit was lost).
 */
ngx_int_t ngx_http_jamhook_json_integer(ngx_http_jamhook_json_t *item,
    u_char *buf, ngx_str_t *value);

/*
 * How many bytes s takes as a JSON string with its quotes, and the writing of
 * it: '"', '\\' and control characters escaped, all else as it stands.
 * Returns the end of what was written.
 */
size_t ngx_http_jamhook_json_escaped_length(ngx_str_t *s);
u_char *ngx_http_jamhook_json_escape(u_char *dst, ngx_str_t *s);

/* 1: it is ASCII and stands in a JSON string as it is. */
ngx_uint_t ngx_http_jamhook_json_is_plain(ngx_str_t *s);


#endif /* _NGX_HTTP_JAMHOOK_JSON_H_INCLUDED_ */
