
#include "ngx_http_jamhook_tool.h"
#include "ngx_http_jamhook.h"

#if (NGX_HTTP_JAMHOOK_PGSQL)

#include "ngx_http_jamhook_pgsql.h"

#include <stdio.h>


static void ngx_http_jamhook_tool_schema_rights(const char *before,
    const char *user);
static char *ngx_http_jamhook_tool_schema_name(ngx_pool_t *pool,
    ngx_str_t *name);


/* for those whose nginx may not make tables: who may feeds it to psql */

int
ngx_http_jamhook_tool_schema(ngx_http_jamhook_tool_t *tool)
{
    ngx_str_t     user;
    ngx_uint_t    i;

    user = ngx_http_jamhook_tool_value(tool, NGX_HTTP_JAMHOOK_TOOL_USER);

    if (user.data != NULL && user.len == 0) {
        return ngx_http_jamhook_tool_usage(tool, "--user takes the name of"
                                           " PostgreSQL's user for nginx");
    }

    (void) printf("-- The tables of nginx's jamhook module %s, version %d of"
                  " them.\n-- psql -v ON_ERROR_STOP=1 -d DATABASE -f THIS\n\n"
                  "BEGIN;\n\n"
                  "CREATE SCHEMA IF NOT EXISTS jamhook;\n\n",
                  NGX_HTTP_JAMHOOK_VERSION, NGX_HTTP_JAMHOOK_PGSQL_VERSION);

    for (i = 0; ngx_http_jamhook_pgsql_tables[i] != NULL; i++) {
        (void) printf("%s;\n\n", ngx_http_jamhook_pgsql_tables[i]);
    }

    if (user.data != NULL) {
        ngx_http_jamhook_tool_schema_rights("",
                     ngx_http_jamhook_tool_schema_name(tool->pool, &user));

    } else {
        (void) printf("-- With --user=NAME these are no comments:\n");
        ngx_http_jamhook_tool_schema_rights("-- ", "NAME");
    }

    (void) printf("\nCOMMIT;\n");

    return NGX_HTTP_JAMHOOK_TOOL_DONE;
}


/* each ends with the name of the user; of a comment, so does each line */

static void
ngx_http_jamhook_tool_schema_rights(const char *before, const char *user)
{
    const char  **sql, *p;

    static const char  end[] = " TO jamhook";

    for (sql = ngx_http_jamhook_pgsql_grants; *sql != NULL; sql++) {
        (void) fputs(before, stdout);

        for (p = *sql; *p != '\0' && strcmp(p, end) != 0; p++) {
            (void) putchar(*p);

            if (*p == '\n') {
                (void) fputs(before, stdout);
            }
        }

        (void) printf(" TO %s;\n", user);
    }
}


static char *
ngx_http_jamhook_tool_schema_name(ngx_pool_t *pool, ngx_str_t *name)
{
    size_t   i;
    char    *quoted, *p;

    quoted = ngx_http_jamhook_tool_alloc(pool, 2 * name->len + 3);

    p = quoted;
    *p++ = '"';

    for (i = 0; i < name->len; i++) {

        if (name->data[i] == '"') {
            *p++ = '"';
        }

        *p++ = name->data[i];
    }

    *p++ = '"';
    *p = '\0';

    return quoted;
}

#else

int
ngx_http_jamhook_tool_schema(ngx_http_jamhook_tool_t *tool)
{
    return ngx_http_jamhook_tool_without(tool);
}

#endif
