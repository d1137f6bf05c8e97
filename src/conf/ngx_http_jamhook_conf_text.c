
#include "ngx_http_jamhook_conf_text.h"


#define NGX_HTTP_JAMHOOK_TEXT_BLOCKS    32       /* nested */
#define NGX_HTTP_JAMHOOK_TEXT_INCLUDES  16       /* nested */
#define NGX_HTTP_JAMHOOK_TEXT_FILE_MAX  (16 * 1024 * 1024)


typedef struct {
    ngx_str_t     endpoint;              /* empty: none named here yet */
    ngx_uint_t    first;                 /* in found, of this block's own */
    unsigned      is_condition:1;        /* part of the block around it */
} ngx_http_jamhook_conf_text_block_t;

typedef struct {
    ngx_conf_t   *cf;
    ngx_array_t  *found;
    ngx_array_t   args;                  /* of ngx_str_t, the directive's */
    ngx_uint_t    depth;
    ngx_uint_t    includes;
    ngx_http_jamhook_conf_text_block_t
                  blocks[NGX_HTTP_JAMHOOK_TEXT_BLOCKS];
} ngx_http_jamhook_conf_text_ctx_t;

typedef struct {
    u_char       *name;
    u_char       *pos;
    u_char       *last;
    ngx_uint_t    line;
} ngx_http_jamhook_conf_text_file_t;


static ngx_int_t ngx_http_jamhook_conf_text_file(
    ngx_http_jamhook_conf_text_ctx_t *ctx, ngx_str_t *name);
static ngx_int_t ngx_http_jamhook_conf_text_load(ngx_conf_t *cf,
    ngx_str_t *name, ngx_str_t *text);
static ngx_int_t ngx_http_jamhook_conf_text_token(
    ngx_http_jamhook_conf_text_ctx_t *ctx,
    ngx_http_jamhook_conf_text_file_t *file);
static ngx_int_t ngx_http_jamhook_conf_text_word(
    ngx_http_jamhook_conf_text_ctx_t *ctx,
    ngx_http_jamhook_conf_text_file_t *file);
static u_char *ngx_http_jamhook_conf_text_end(
    ngx_http_jamhook_conf_text_file_t *file, u_char quote);
static ngx_int_t ngx_http_jamhook_conf_text_directive(
    ngx_http_jamhook_conf_text_ctx_t *ctx,
    ngx_http_jamhook_conf_text_file_t *file);
static ngx_int_t ngx_http_jamhook_conf_text_include(
    ngx_http_jamhook_conf_text_ctx_t *ctx, ngx_str_t *name);
static ngx_int_t ngx_http_jamhook_conf_text_open(
    ngx_http_jamhook_conf_text_ctx_t *ctx);
static ngx_int_t ngx_http_jamhook_conf_text_close(
    ngx_http_jamhook_conf_text_ctx_t *ctx);
static ngx_uint_t ngx_http_jamhook_conf_text_is(ngx_str_t *s, char *word);
static ngx_uint_t ngx_http_jamhook_conf_text_is_lua(
    ngx_http_jamhook_conf_text_ctx_t *ctx);
static void ngx_http_jamhook_conf_text_skip_lua(
    ngx_http_jamhook_conf_text_file_t *file);


/* in the order of ngx_http_jamhook_conf_text_kind_e */

static char  *ngx_http_jamhook_conf_text_kinds[] = {
    "proxy_pass",
    "grpc_pass",
    "proxy_set_body",
    "proxy_method",
    NULL
};


void
ngx_http_jamhook_conf_text_read(ngx_conf_t *cf, ngx_array_t *found)
{
    ngx_str_t                          name;
    ngx_uint_t                         i, n;
    ngx_http_jamhook_conf_text_t      *text;
    ngx_http_jamhook_conf_text_ctx_t  *ctx;

    ctx = ngx_pcalloc(cf->temp_pool, sizeof(ngx_http_jamhook_conf_text_ctx_t));
    if (ctx == NULL) {
        return;
    }

    ctx->cf = cf;
    ctx->found = found;

    if (ngx_array_init(&ctx->args, cf->temp_pool, 8, sizeof(ngx_str_t))
        != NGX_OK)
    {
        return;
    }

    name = cf->cycle->conf_file;

    (void) ngx_http_jamhook_conf_text_file(ctx, &name);

    /* where it broke off: what stands in whole blocks */

    text = found->elts;
    n = 0;

    for (i = 0; i < found->nelts; i++) {

        if (text[i].endpoint.len) {
            text[n++] = text[i];
        }
    }

    found->nelts = n;
}


static ngx_int_t
ngx_http_jamhook_conf_text_file(ngx_http_jamhook_conf_text_ctx_t *ctx,
    ngx_str_t *name)
{
    ngx_int_t                          rc;
    ngx_str_t                          text;
    ngx_http_jamhook_conf_text_file_t  file;

    rc = ngx_http_jamhook_conf_text_load(ctx->cf, name, &text);
    if (rc != NGX_OK) {
        return rc;
    }

    file.name = name->data;
    file.pos = text.data;
    file.last = text.data + text.len;
    file.line = 1;

    do {
        rc = ngx_http_jamhook_conf_text_token(ctx, &file);
    } while (rc == NGX_OK);

    /* it may hold URLs, which are passwords */

    ngx_explicit_memzero(text.data, text.len);

    if (rc == NGX_DONE) {
        return ctx->args.nelts ? NGX_DECLINED : NGX_OK;
    }

    return rc;
}


static ngx_int_t
ngx_http_jamhook_conf_text_load(ngx_conf_t *cf, ngx_str_t *name,
    ngx_str_t *text)
{
    ssize_t          n;
    ngx_file_t       file;
    ngx_file_info_t  fi;

    ngx_memzero(&file, sizeof(ngx_file_t));

    file.name = *name;
    file.log = cf->log;

    file.fd = ngx_open_file(name->data, NGX_FILE_RDONLY|NGX_FILE_NONBLOCK,
                            NGX_FILE_OPEN, 0);
    if (file.fd == NGX_INVALID_FILE) {
        return NGX_DECLINED;
    }

    n = NGX_ERROR;
    ngx_str_null(text);

    if (ngx_fd_info(file.fd, &fi) != NGX_FILE_ERROR
        && ngx_is_file(&fi)
        && ngx_file_size(&fi) <= NGX_HTTP_JAMHOOK_TEXT_FILE_MAX)
    {
        text->len = (size_t) ngx_file_size(&fi);
        text->data = ngx_pnalloc(cf->temp_pool, text->len + 1);

        if (text->data) {
            n = ngx_read_file(&file, text->data, text->len, 0);
        }
    }

    if (ngx_close_file(file.fd) == NGX_FILE_ERROR) {
        ngx_log_error(NGX_LOG_ALERT, cf->log, ngx_errno,
                      ngx_close_file_n " \"%V\" failed", name);
    }

    return (n == (ssize_t) text->len) ? NGX_OK : NGX_DECLINED;
}


/* NGX_OK: go on; NGX_DONE: the end of the file */

static ngx_int_t
ngx_http_jamhook_conf_text_token(ngx_http_jamhook_conf_text_ctx_t *ctx,
    ngx_http_jamhook_conf_text_file_t *file)
{
    ngx_int_t  rc;

    while (file->pos < file->last) {

        switch (*file->pos) {

        case LF:
            file->line++;

            /* fall through */

        case ' ':
        case '\t':
        case CR:
            file->pos++;
            continue;

        case '#':
            while (file->pos < file->last && *file->pos != LF) {
                file->pos++;
            }

            continue;

        case ';':
            file->pos++;
            rc = ngx_http_jamhook_conf_text_directive(ctx, file);
            ctx->args.nelts = 0;
            return rc;

        case '{':
            file->pos++;

            if (ngx_http_jamhook_conf_text_is_lua(ctx)) {
                ngx_http_jamhook_conf_text_skip_lua(file);
                rc = NGX_OK;

            } else {
                rc = ngx_http_jamhook_conf_text_open(ctx);
            }

            ctx->args.nelts = 0;
            return rc;

        case '}':
            file->pos++;
            return ngx_http_jamhook_conf_text_close(ctx);

        default:
            return ngx_http_jamhook_conf_text_word(ctx, file);
        }
    }

    return NGX_DONE;
}


static ngx_int_t
ngx_http_jamhook_conf_text_word(ngx_http_jamhook_conf_text_ctx_t *ctx,
    ngx_http_jamhook_conf_text_file_t *file)
{
    u_char      quote, *p, *end;
    ngx_str_t  *word;

    quote = 0;

    if (*file->pos == '"' || *file->pos == '\'') {
        quote = *file->pos++;
    }

    end = ngx_http_jamhook_conf_text_end(file, quote);

    word = ngx_array_push(&ctx->args);
    if (word == NULL) {
        return NGX_DECLINED;
    }

    word->data = ngx_pnalloc(ctx->cf->temp_pool, end - file->pos + 1);
    if (word->data == NULL) {
        return NGX_DECLINED;
    }

    p = word->data;

    while (file->pos < end) {

        if (*file->pos == LF) {
            file->line++;
        }

        if (*file->pos == '\\' && file->pos + 1 < end) {
            file->pos++;
        }

        *p++ = *file->pos++;
    }

    *p = '\0';
    word->len = p - word->data;

    if (quote && file->pos < file->last) {
        file->pos++;
    }

    return NGX_OK;
}


/* where the word ends that begins at file->pos */

static u_char *
ngx_http_jamhook_conf_text_end(ngx_http_jamhook_conf_text_file_t *file,
    u_char quote)
{
    u_char  *p;

    for (p = file->pos; p < file->last; p++) {

        if (*p == '\\') {
            p++;
            continue;
        }

        if (quote) {

            if (*p == quote) {
                return p;
            }

            continue;
        }

        if (*p == ' ' || *p == '\t' || *p == CR || *p == LF || *p == ';'
            || (*p == '{' && (p == file->pos || p[-1] != '$')))
        {
            return p;
        }
    }

    return file->last;
}


static ngx_int_t
ngx_http_jamhook_conf_text_directive(ngx_http_jamhook_conf_text_ctx_t *ctx,
    ngx_http_jamhook_conf_text_file_t *file)
{
    ngx_str_t                     *value;
    ngx_uint_t                     i;
    ngx_http_jamhook_conf_text_t  *text;

    value = ctx->args.elts;

    if (ctx->args.nelts != 2) {
        return NGX_OK;
    }

    if (ngx_http_jamhook_conf_text_is(&value[0], "include")) {
        return ngx_http_jamhook_conf_text_include(ctx, &value[1]);
    }

    if (ctx->depth == 0) {
        return NGX_OK;
    }

    if (ngx_http_jamhook_conf_text_is(&value[0], "jamhook_endpoint")) {
        ctx->blocks[ctx->depth - 1].endpoint = value[1];
        return NGX_OK;
    }

    for (i = 0; ngx_http_jamhook_conf_text_kinds[i]; i++) {

        if (ngx_http_jamhook_conf_text_is(&value[0],
                                          ngx_http_jamhook_conf_text_kinds[i]))
        {
            break;
        }
    }

    if (ngx_http_jamhook_conf_text_kinds[i] == NULL) {
        return NGX_OK;
    }

    text = ngx_array_push(ctx->found);
    if (text == NULL) {
        return NGX_DECLINED;
    }

    text->kind = i;
    text->value = value[1];
    text->place.file = file->name;
    text->place.line = file->line;
    text->conditional = ctx->blocks[ctx->depth - 1].is_condition;

    ngx_str_null(&text->endpoint);

    return NGX_OK;
}


static ngx_int_t
ngx_http_jamhook_conf_text_include(ngx_http_jamhook_conf_text_ctx_t *ctx,
    ngx_str_t *name)
{
    ngx_int_t   rc;
    ngx_str_t   pattern, file;
    ngx_glob_t  gl;

    if (ctx->includes >= NGX_HTTP_JAMHOOK_TEXT_INCLUDES) {
        return NGX_DECLINED;
    }

    pattern = *name;

    if (ngx_conf_full_name(ctx->cf->cycle, &pattern, 1) != NGX_OK) {
        return NGX_DECLINED;
    }

    ctx->args.nelts = 0;
    ctx->includes++;

    if (strpbrk((char *) pattern.data, "*?[") == NULL) {
        rc = ngx_http_jamhook_conf_text_file(ctx, &pattern);
        ctx->includes--;
        return rc;
    }

    ngx_memzero(&gl, sizeof(ngx_glob_t));

    gl.pattern = pattern.data;
    gl.log = ctx->cf->log;
    gl.test = 1;

    rc = NGX_OK;

    if (ngx_open_glob(&gl) == NGX_OK) {

        while (rc == NGX_OK && ngx_read_glob(&gl, &file) == NGX_OK) {

            /* with the zero at its end */

            file.len++;

            file.data = ngx_pstrdup(ctx->cf->temp_pool, &file);
            if (file.data == NULL) {
                rc = NGX_DECLINED;
                break;
            }

            file.len--;

            rc = ngx_http_jamhook_conf_text_file(ctx, &file);
        }

        ngx_close_glob(&gl);
    }

    ctx->includes--;

    return rc;
}


static ngx_int_t
ngx_http_jamhook_conf_text_open(ngx_http_jamhook_conf_text_ctx_t *ctx)
{
    ngx_str_t                           *value;
    ngx_http_jamhook_conf_text_block_t  *block;

    if (ctx->depth >= NGX_HTTP_JAMHOOK_TEXT_BLOCKS || ctx->args.nelts == 0) {
        return NGX_DECLINED;
    }

    value = ctx->args.elts;

    block = &ctx->blocks[ctx->depth++];

    ngx_str_null(&block->endpoint);

    block->first = ctx->found->nelts;
    block->is_condition = ngx_http_jamhook_conf_text_is(&value[0], "if")
                          || ngx_http_jamhook_conf_text_is(&value[0],
                                                           "limit_except");

    return NGX_OK;
}


/*
 * What a block that is no part of an endpoint found is of no use; what an
 * "if" found is for the block around it.
 */

static ngx_int_t
ngx_http_jamhook_conf_text_close(ngx_http_jamhook_conf_text_ctx_t *ctx)
{
    ngx_uint_t                           i, n;
    ngx_http_jamhook_conf_text_t        *text;
    ngx_http_jamhook_conf_text_block_t  *block;

    if (ctx->depth == 0 || ctx->args.nelts) {
        return NGX_DECLINED;
    }

    block = &ctx->blocks[--ctx->depth];

    if (block->is_condition) {
        return NGX_OK;
    }

    text = ctx->found->elts;
    n = block->first;

    for (i = block->first; i < ctx->found->nelts; i++) {

        if (text[i].endpoint.len == 0) {

            if (block->endpoint.len == 0) {
                continue;
            }

            text[i].endpoint = block->endpoint;
        }

        text[n++] = text[i];
    }

    ctx->found->nelts = n;

    return NGX_OK;
}


static ngx_uint_t
ngx_http_jamhook_conf_text_is(ngx_str_t *s, char *word)
{
    return s->len == ngx_strlen(word)
           && ngx_strncmp(s->data, word, s->len) == 0;
}


/* "content_by_lua_block" and its kin hold text of another language */

static ngx_uint_t
ngx_http_jamhook_conf_text_is_lua(ngx_http_jamhook_conf_text_ctx_t *ctx)
{
    size_t      len;
    ngx_str_t  *name;

    if (ctx->args.nelts == 0) {
        return 0;
    }

    name = ctx->args.elts;
    len = sizeof("_by_lua_block") - 1;

    return name->len > len
           && ngx_strncmp(name->data + name->len - len, "_by_lua_block", len)
              == 0;
}


/* to the "}" that ends it: neither in a string nor in a comment */

static void
ngx_http_jamhook_conf_text_skip_lua(ngx_http_jamhook_conf_text_file_t *file)
{
    u_char      ch, quote;
    ngx_uint_t  depth, comment;

    depth = 1;
    quote = 0;
    comment = 0;

    for ( /* void */ ; file->pos < file->last && depth; file->pos++) {
        ch = *file->pos;

        if (ch == LF) {
            file->line++;
            comment = 0;
            quote = 0;

        } else if (comment) {
            continue;

        } else if (quote) {

            if (ch == '\\') {
                file->pos++;

            } else if (ch == quote) {
                quote = 0;
            }

        } else if (ch == '"' || ch == '\'') {
            quote = ch;

        } else if (ch == '-' && file->pos[-1] == '-') {
            comment = 1;

        } else if (ch == '{') {
            depth++;

        } else if (ch == '}') {
            depth--;
        }
    }
}
