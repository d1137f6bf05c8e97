
#include "ngx_http_jamhook_tool.h"
#include "ngx_http_jamhook_text.h"

#include <stdio.h>


static uint32_t ngx_http_jamhook_tool_next(u_char **p, u_char *end);
static ngx_uint_t ngx_http_jamhook_tool_is_harmless(uint32_t c);
static void ngx_http_jamhook_tool_json_char(uint32_t c);
static size_t ngx_http_jamhook_tool_width(const char *text);


const char  *ngx_http_jamhook_tool_states[] = {
    "pending", "sending", "succeeded", "failed", "paused", NULL
};

const char  *ngx_http_jamhook_tool_results[] = {
    "succeeded", "failed", "interrupted", NULL
};

const char  *ngx_http_jamhook_tool_triggers[] = {
    "scheduled", "manual", "test", NULL
};

const char  *ngx_http_jamhook_tool_pauses[] = {
    "active", "paused (manual)", "paused (gone)", "paused (failing)", NULL
};


/*
 * What an event or a target says may drive a terminal: escape sequences, and
 * characters that hide text or turn its direction.
 */

char *
ngx_http_jamhook_tool_safe(ngx_pool_t *pool, ngx_str_t *text)
{
    char      *safe, *dst;
    u_char    *p, *start, *end;
    uint32_t   c;

    /* the longest is one byte as "\xff"; three as "\u2028"; four as 10 */

    safe = ngx_http_jamhook_tool_alloc(pool, text->len * 4 + 1);

    dst = safe;
    p = text->data;
    end = p + text->len;

    while (p < end) {
        start = p;
        c = ngx_http_jamhook_tool_next(&p, end);

        if (c <= 0x10ffff && ngx_http_jamhook_tool_is_harmless(c)) {
            dst = (char *) ngx_cpymem(dst, start, p - start);

        } else if (c > 0x10ffff || c < 0x80) {
            dst += sprintf(dst, c == '\n' ? "\\n" : c == '\r' ? "\\r"
                                : c == '\t' ? "\\t" : "\\x%02x", *start);

        } else {
            dst += sprintf(dst, c > 0xffff ? "\\U%08x" : "\\u%04x",
                           (unsigned) c);
        }
    }

    *dst = '\0';

    return safe;
}


void
ngx_http_jamhook_tool_lines(ngx_str_t *text, ngx_uint_t indent)
{
    u_char      *p, *end, *eol;
    ngx_str_t    line;
    ngx_pool_t  *pool;

    pool = ngx_create_pool(NGX_DEFAULT_POOL_SIZE, NULL);

    if (pool == NULL) {
        ngx_http_jamhook_tool_no_memory();
    }

    p = text->data;
    end = p + text->len;

    while (p < end) {
        eol = memchr(p, '\n', end - p);

        if (eol == NULL) {
            eol = end;
        }

        line.data = p;
        line.len = eol - p;

        (void) printf("%*s%s\n", (int) indent, "",
                      ngx_http_jamhook_tool_safe(pool, &line));

        p = eol + 1;
    }

    ngx_destroy_pool(pool);
}


/* the next character, or a number beyond all of them for a byte that is none */

static uint32_t
ngx_http_jamhook_tool_next(u_char **p, u_char *end)
{
    size_t  n;

    if (**p < 0x80) {
        return *(*p)++;
    }

    /*
     * nginx's decoder takes any bytes from 0x80 on to end a character with,
     * and in these may stand one that a terminal knows.
     */

    n = ngx_http_jamhook_text_utf8(*p, end - *p);

    if (n == 0) {
        (*p)++;
        return 0xffffffff;
    }

    return ngx_utf8_decode(p, n);
}


static ngx_uint_t
ngx_http_jamhook_tool_is_harmless(uint32_t c)
{
    ngx_uint_t  i;

    static const uint32_t  harmful[][2] = {
        { 0x00, 0x1f }, { 0x7f, 0x9f },
        { 0x061c, 0x061c },                  /* and more that turn the text */
        { 0x200b, 0x200f }, { 0x2028, 0x202e }, { 0x2060, 0x206f },
        { 0xfeff, 0xfeff }, { 0xfff9, 0xfffb },
        { 0xe0000, 0xe007f }                 /* tags: not seen */
    };

    if (c >= 0x20 && c < 0x7f) {
        return 1;
    }

    for (i = 0; i < sizeof(harmful) / sizeof(harmful[0]); i++) {
        if (c >= harmful[i][0] && c <= harmful[i][1]) {
            return 0;
        }
    }

    return 1;
}


char *
ngx_http_jamhook_tool_when(ngx_pool_t *pool, int64_t ms)
{
    char      *text;
    size_t     size;
    ngx_tm_t   tm;

    if (ms <= 0) {
        return "-";
    }

    ngx_gmtime(ms / 1000, &tm);

    size = sizeof("-2147483648-12-31T23:59:59.999Z");
    text = ngx_http_jamhook_tool_alloc(pool, size);

    (void) snprintf(text, size, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ",
                    tm.ngx_tm_year, tm.ngx_tm_mon, tm.ngx_tm_mday,
                    tm.ngx_tm_hour, tm.ngx_tm_min, tm.ngx_tm_sec,
                    (int) (ms % 1000));

    return text;
}


/* "succeeded (200)", "failed (timeout)", "failed (answered by nginx, 413)" */

const char *
ngx_http_jamhook_tool_attempt(ngx_pool_t *pool,
    ngx_http_jamhook_shown_attempt_t *a)
{
    char        *text, *error;
    size_t       size;
    const char  *result;

    result = ngx_http_jamhook_tool_results[a->result];
    error = ngx_http_jamhook_tool_safe(pool, &a->error);
    size = strlen(result) + strlen(error) + sizeof(" (, )") + NGX_INT64_LEN;
    text = ngx_http_jamhook_tool_alloc(pool, size);

    if (a->status != 0) {
        (void) snprintf(text, size, "%s (%s%s%u)", result, error,
                        *error ? ", " : "", (unsigned) a->status);

    } else if (*error) {
        (void) snprintf(text, size, "%s (%s)", result, error);

    } else {
        (void) snprintf(text, size, "%s", result);
    }

    return text;
}


const char *
ngx_http_jamhook_tool_state(ngx_http_jamhook_shown_delivery_t *d)
{
    if (d->state == NGX_HTTP_JAMHOOK_SHOWN_PAUSED
        && d->paused != NGX_HTTP_JAMHOOK_PAUSE_NONE
        && d->paused <= NGX_HTTP_JAMHOOK_PAUSE_FAILING)
    {
        return ngx_http_jamhook_tool_pauses[d->paused];
    }

    return ngx_http_jamhook_tool_states[d->state];
}


/*
 * The writer's text is right as JSON; what could reach a terminal is made an
 * escape here, which means the same.
 */

void
ngx_http_jamhook_tool_json(ngx_http_jamhook_writer_t *w)
{
    u_char       *p, *text, *start, *end;
    uint32_t      c;
    ngx_chain_t  *cl;

    if (ngx_http_jamhook_writer_end(w, &cl) != NGX_OK) {
        ngx_http_jamhook_tool_no_memory();
    }

    text = ngx_http_jamhook_tool_alloc(w->pool, w->size + 1);
    p = text;

    for ( /* void */ ; cl != NULL; cl = cl->next) {
        p = ngx_cpymem(p, cl->buf->pos, cl->buf->last - cl->buf->pos);
    }

    end = p;
    p = text;

    while (p < end) {
        start = p;
        c = ngx_http_jamhook_tool_next(&p, end);

        if (ngx_http_jamhook_tool_is_harmless(c)) {
            (void) fwrite(start, 1, p - start, stdout);

        } else {
            ngx_http_jamhook_tool_json_char(c);
        }
    }

    (void) fputc('\n', stdout);
}


static void
ngx_http_jamhook_tool_json_char(uint32_t c)
{
    if (c > 0xffff) {
        c -= 0x10000;
        (void) printf("\\u%04x", (unsigned) (0xd800 + (c >> 10)));
        c = 0xdc00 + (c & 0x3ff);
    }

    (void) printf("\\u%04x", (unsigned) c);
}


void
ngx_http_jamhook_tool_table_init(ngx_http_jamhook_tool_table_t *table,
    ngx_pool_t *pool, const char **heads)
{
    ngx_uint_t  i;

    ngx_memzero(table, sizeof(ngx_http_jamhook_tool_table_t));

    table->pool = pool;
    table->heads = heads;

    while (heads[table->columns] != NULL) {
        table->columns++;
    }

    table->widths = ngx_http_jamhook_tool_alloc(pool, table->columns
                                                      * sizeof(size_t));

    for (i = 0; i < table->columns; i++) {
        table->widths[i] = strlen(heads[i]) - (heads[i][0] == '>');
    }

    ngx_http_jamhook_tool_array(&table->cells, pool, sizeof(char *));
}


void
ngx_http_jamhook_tool_cell(ngx_http_jamhook_tool_table_t *table,
    ngx_str_t *text)
{
    ngx_http_jamhook_tool_cell_text(table,
                                    text->len == 0
                                    ? "-"
                                    : ngx_http_jamhook_tool_safe(table->pool,
                                                                 text));
}


void
ngx_http_jamhook_tool_cell_text(ngx_http_jamhook_tool_table_t *table,
    const char *text)
{
    size_t        width;
    ngx_uint_t    column;
    const char  **cell;

    column = table->cells.nelts % table->columns;
    width = ngx_http_jamhook_tool_width(text);

    table->widths[column] = ngx_max(table->widths[column], width);

    cell = ngx_http_jamhook_tool_push(&table->cells);
    *cell = text;
}


void
ngx_http_jamhook_tool_cell_int(ngx_http_jamhook_tool_table_t *table,
    int64_t n)
{
    char  *text;

    text = ngx_http_jamhook_tool_alloc(table->pool, NGX_INT64_LEN + 1);

    (void) snprintf(text, NGX_INT64_LEN + 1, "%lld", (long long) n);

    ngx_http_jamhook_tool_cell_text(table, text);
}


void
ngx_http_jamhook_tool_cell_time(ngx_http_jamhook_tool_table_t *table,
    int64_t ms)
{
    ngx_http_jamhook_tool_cell_text(table,
                                    ngx_http_jamhook_tool_when(table->pool,
                                                               ms));
}


void
ngx_http_jamhook_tool_table_print(ngx_http_jamhook_tool_table_t *table)
{
    int           pad;
    ngx_uint_t    i, n, column, right;
    const char  **cells, *text;

    cells = table->cells.elts;
    n = table->cells.nelts + (table->headed ? 0 : table->columns);

    for (i = 0; i < n; i++) {
        column = i % table->columns;
        right = table->heads[column][0] == '>';

        if (table->headed) {
            text = cells[i];

        } else if (i < table->columns) {
            text = table->heads[i] + right;

        } else {
            text = cells[i - table->columns];
        }

        pad = (int) (table->widths[column]
                     - ngx_http_jamhook_tool_width(text));

        if (right) {
            (void) printf("%*s%s", pad, "", text);

        } else if (column + 1 < table->columns) {
            (void) printf("%s%*s", text, pad, "");

        } else {
            (void) fputs(text, stdout);
        }

        (void) fputs(column + 1 < table->columns ? "  " : "\n", stdout);
    }

    table->headed = 1;
    table->cells.nelts = 0;
}


/* characters; what is wider than one, or not seen, is rare here */

static size_t
ngx_http_jamhook_tool_width(const char *text)
{
    size_t  n;

    for (n = 0; *text; text++) {
        n += ((*text & 0xc0) != 0x80);
    }

    return n;
}
