
#include "ngx_http_jamhook_pgsql.h"
#include "ngx_http_jamhook_pgsql_uri.h"


/* what is looked at, as libpq names it; its values: NULL, not in the URI */

typedef enum {
    NGX_HTTP_JAMHOOK_PGSQL_URI_SERVICE = 0,
    NGX_HTTP_JAMHOOK_PGSQL_URI_USER,
    NGX_HTTP_JAMHOOK_PGSQL_URI_HOST,
    NGX_HTTP_JAMHOOK_PGSQL_URI_HOSTADDR,
    NGX_HTTP_JAMHOOK_PGSQL_URI_PORT,
    NGX_HTTP_JAMHOOK_PGSQL_URI_DBNAME,
    NGX_HTTP_JAMHOOK_PGSQL_URI_SSLMODE,
    NGX_HTTP_JAMHOOK_PGSQL_URI_GSSENCMODE,
    NGX_HTTP_JAMHOOK_PGSQL_URI_ATTRS,
    NGX_HTTP_JAMHOOK_PGSQL_URI_PASSFILE,
    NGX_HTTP_JAMHOOK_PGSQL_URI_N
} ngx_http_jamhook_pgsql_uri_e;


typedef struct {
    char        *values[NGX_HTTP_JAMHOOK_PGSQL_URI_N];
    ngx_uint_t   nhosts;                 /* also of "hostaddr" */
    ngx_uint_t   nports;
} ngx_http_jamhook_pgsql_uri_parts_t;


static ngx_int_t ngx_http_jamhook_pgsql_uri_escaped(
    ngx_http_jamhook_pgsql_uri_t *u, ngx_str_t *uri);
static ngx_int_t ngx_http_jamhook_pgsql_uri_options(
    ngx_http_jamhook_pgsql_uri_t *u, PQconninfoOption *options,
    ngx_http_jamhook_pgsql_uri_parts_t *parts);
static ngx_int_t ngx_http_jamhook_pgsql_uri_value(
    ngx_http_jamhook_pgsql_uri_t *u, char *name, char *value);
static ngx_int_t ngx_http_jamhook_pgsql_uri_one_of(
    ngx_http_jamhook_pgsql_uri_t *u, char *name, char *value, char *list);
static ngx_int_t ngx_http_jamhook_pgsql_uri_ports(
    ngx_http_jamhook_pgsql_uri_t *u,
    ngx_http_jamhook_pgsql_uri_parts_t *parts);
static void ngx_http_jamhook_pgsql_uri_judge(ngx_http_jamhook_pgsql_uri_t *u,
    ngx_http_jamhook_pgsql_uri_parts_t *parts);
static ngx_uint_t ngx_http_jamhook_pgsql_uri_is_local(u_char *host,
    size_t len);
static ngx_int_t ngx_http_jamhook_pgsql_uri_show(
    ngx_http_jamhook_pgsql_uri_t *u, ngx_http_jamhook_pgsql_uri_parts_t *parts,
    size_t len, ngx_pool_t *pool);
static u_char *ngx_http_jamhook_pgsql_uri_hosts(u_char *p,
    ngx_http_jamhook_pgsql_uri_parts_t *parts);
static ngx_uint_t ngx_http_jamhook_pgsql_uri_is_ipv6(u_char *host,
    size_t len);
static u_char *ngx_http_jamhook_pgsql_uri_escape(u_char *p, u_char *s,
    size_t len);
static ngx_uint_t ngx_http_jamhook_pgsql_uri_count(char *list);
static size_t ngx_http_jamhook_pgsql_uri_item(char *list, ngx_uint_t i,
    u_char **item);
static void ngx_http_jamhook_pgsql_uri_wrong(ngx_http_jamhook_pgsql_uri_t *u,
    ngx_str_t *uri, char *said);


static char  *ngx_http_jamhook_pgsql_uri_names[] = {
    "service",
    "user",
    "host",
    "hostaddr",
    "port",
    "dbname",
    "sslmode",
    "gssencmode",
    "target_session_attrs",
    "passfile"
};


/* names of files; a worker's current directory is no place to begin from */

static char  *ngx_http_jamhook_pgsql_uri_files[] = {
    "passfile",
    "servicefile",
    "sslcert",
    "sslkey",
    "sslrootcert",
    "sslcrl",
    "sslcrldir",
    NULL
};


ngx_int_t
ngx_http_jamhook_pgsql_uri(ngx_http_jamhook_pgsql_uri_t *u, ngx_str_t *uri,
    ngx_pool_t *pool)
{
    char                                *said;
    ngx_int_t                            rc;
    PQconninfoOption                    *options;
    ngx_http_jamhook_pgsql_uri_parts_t   parts;

    ngx_memzero(u, sizeof(ngx_http_jamhook_pgsql_uri_t));
    ngx_memzero(&parts, sizeof(ngx_http_jamhook_pgsql_uri_parts_t));

    if (ngx_http_jamhook_pgsql_uri_escaped(u, uri) != NGX_OK) {
        return NGX_DECLINED;
    }

    options = PQconninfoParse((char *) uri->data, &said);

    if (options == NULL) {

        if (said == NULL) {
            return NGX_ERROR;
        }

        ngx_http_jamhook_pgsql_uri_wrong(u, uri, said);
        PQfreemem(said);

        return NGX_DECLINED;
    }

    rc = ngx_http_jamhook_pgsql_uri_options(u, options, &parts);

    if (rc == NGX_OK) {
        rc = ngx_http_jamhook_pgsql_uri_ports(u, &parts);
    }

    if (rc == NGX_OK) {
        ngx_http_jamhook_pgsql_uri_judge(u, &parts);
        rc = ngx_http_jamhook_pgsql_uri_show(u, &parts, uri->len, pool);
    }

    PQconninfoFree(options);

    return rc;
}


/*
 * A password with a "@", "/" or "?" that is not escaped ends early, and libpq
 * takes the rest of it for a host or a database, whose names are told.
 */

static ngx_int_t
ngx_http_jamhook_pgsql_uri_escaped(ngx_http_jamhook_pgsql_uri_t *u,
    ngx_str_t *uri)
{
    u_char  *p;

    if (ngx_strncmp(uri->data, "postgresql://", 13) != 0
        && ngx_strncmp(uri->data, "postgres://", 11) != 0)
    {
        /* libpq would take it for its other way to say this, and repeat it */

        (void) ngx_snprintf(u->error, sizeof(u->error) - 1,
                            "\"//\" follows, and a user, hosts and a "
                            "database, such as "
                            "postgresql://jamhook@db.example.com/jamhook");
        return NGX_DECLINED;
    }

    p = (u_char *) ngx_strchr(uri->data, '/') + 2;

    while (*p && *p != '@' && *p != '/' && *p != '?') {
        p++;
    }

    if (*p && ngx_strchr(p + 1, '@')) {
        (void) ngx_snprintf(u->error, sizeof(u->error) - 1,
                            "write \"@\", \"/\" and \"?\" in a name or a "
                            "password as %%40, %%2F and %%3F");
        return NGX_DECLINED;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_jamhook_pgsql_uri_options(ngx_http_jamhook_pgsql_uri_t *u,
    PQconninfoOption *options, ngx_http_jamhook_pgsql_uri_parts_t *parts)
{
    ngx_uint_t         i;
    PQconninfoOption  *option;

    for (option = options; option->keyword; option++) {

        if (option->val == NULL || option->val[0] == '\0') {
            continue;
        }

        /* the mark of what a dialog would not show */

        if (option->dispchar[0] == '*') {
            u->password = 1;
            continue;
        }

        if (ngx_http_jamhook_pgsql_uri_value(u, option->keyword, option->val)
            != NGX_OK)
        {
            return NGX_DECLINED;
        }

        for (i = 0; i < NGX_HTTP_JAMHOOK_PGSQL_URI_N; i++) {

            if (ngx_strcmp(option->keyword,
                           ngx_http_jamhook_pgsql_uri_names[i])
                == 0)
            {
                parts->values[i] = option->val;
            }
        }
    }

    return NGX_OK;
}


/* what libpq would find out only when it connects */

static ngx_int_t
ngx_http_jamhook_pgsql_uri_value(ngx_http_jamhook_pgsql_uri_t *u, char *name,
    char *value)
{
    ngx_uint_t  i;

    if (ngx_strcmp(name, "sslmode") == 0) {
        return ngx_http_jamhook_pgsql_uri_one_of(u, name, value,
                   "disable, allow, prefer, require, verify-ca, verify-full");
    }

    if (ngx_strcmp(name, "target_session_attrs") == 0) {
        return ngx_http_jamhook_pgsql_uri_one_of(u, name, value,
                                                 "read-write, primary, any");
    }

    for (i = 0; ngx_http_jamhook_pgsql_uri_files[i]; i++) {

        /* "system" certificates; a key's "engine:id" */

        if (ngx_strcmp(name, ngx_http_jamhook_pgsql_uri_files[i]) == 0
            && value[0] != '/'
            && ngx_strcmp(value, "system") != 0
            && ngx_strchr(value, ':') == NULL)
        {
            (void) ngx_snprintf(u->error, sizeof(u->error) - 1,
                                "give the whole name of the file in \"%s\", "
                                "from \"/\" on", name);
            return NGX_DECLINED;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_jamhook_pgsql_uri_one_of(ngx_http_jamhook_pgsql_uri_t *u, char *name,
    char *value, char *list)
{
    char    *p;
    size_t   len;

    len = ngx_strlen(value);

    for (p = list; p; p = (char *) ngx_strchr(p, ' ')) {

        if (*p == ' ') {
            p++;
        }

        if (ngx_strncmp(p, value, len) == 0
            && (p[len] == ',' || p[len] == '\0'))
        {
            return NGX_OK;
        }
    }

    (void) ngx_snprintf(u->error, sizeof(u->error) - 1,
                        "\"%s\" is one of %s", name, list);

    return NGX_DECLINED;
}


static ngx_int_t
ngx_http_jamhook_pgsql_uri_ports(ngx_http_jamhook_pgsql_uri_t *u,
    ngx_http_jamhook_pgsql_uri_parts_t *parts)
{
    char        **values;
    size_t        len;
    u_char       *port;
    ngx_int_t     n;
    ngx_uint_t    i;

    values = parts->values;

    parts->nhosts = ngx_http_jamhook_pgsql_uri_count(
                                 values[NGX_HTTP_JAMHOOK_PGSQL_URI_HOSTADDR]);

    if (parts->nhosts == 0) {
        parts->nhosts = ngx_http_jamhook_pgsql_uri_count(
                                     values[NGX_HTTP_JAMHOOK_PGSQL_URI_HOST]);
    }

    parts->nports = ngx_http_jamhook_pgsql_uri_count(
                                     values[NGX_HTTP_JAMHOOK_PGSQL_URI_PORT]);

    for (i = 0; i < parts->nports; i++) {
        len = ngx_http_jamhook_pgsql_uri_item(
                         values[NGX_HTTP_JAMHOOK_PGSQL_URI_PORT], i, &port);

        n = ngx_atoi(port, len);

        if (len != 0 && (n < 1 || n > 65535)) {
            (void) ngx_snprintf(u->error, sizeof(u->error) - 1,
                                "a port is a number from 1 to 65535");
            return NGX_DECLINED;
        }
    }

    if (parts->nports > 1 && parts->nports != parts->nhosts) {
        (void) ngx_snprintf(u->error, sizeof(u->error) - 1,
                            "there are %ui hosts and %ui ports",
                            parts->nhosts, parts->nports);
        return NGX_DECLINED;
    }

    return NGX_OK;
}


/* a service's file may say more: nothing is said of what it may say */

static void
ngx_http_jamhook_pgsql_uri_judge(ngx_http_jamhook_pgsql_uri_t *u,
    ngx_http_jamhook_pgsql_uri_parts_t *parts)
{
    char        *hosts, *ssl, *gss, *attrs;
    size_t       len;
    u_char      *host;
    ngx_uint_t   i, service;

    hosts = parts->values[NGX_HTTP_JAMHOOK_PGSQL_URI_HOSTADDR];

    if (hosts == NULL) {
        hosts = parts->values[NGX_HTTP_JAMHOOK_PGSQL_URI_HOST];
    }

    ssl = parts->values[NGX_HTTP_JAMHOOK_PGSQL_URI_SSLMODE];
    gss = parts->values[NGX_HTTP_JAMHOOK_PGSQL_URI_GSSENCMODE];
    attrs = parts->values[NGX_HTTP_JAMHOOK_PGSQL_URI_ATTRS];
    service = parts->values[NGX_HTTP_JAMHOOK_PGSQL_URI_SERVICE] != NULL;

    if (parts->nhosts > 1
        && ((attrs == NULL && !service)
            || (attrs && ngx_strcmp(attrs, "any") == 0)))
    {
        u->any = 1;
    }

    if ((ssl == NULL && service)
        || (ssl && ngx_strncmp(ssl, "verify", 6) == 0)
        || (ssl && ngx_strcmp(ssl, "require") == 0)
        || (gss && ngx_strcmp(gss, "require") == 0))
    {
        return;
    }

    for (i = 0; i < parts->nhosts; i++) {
        len = ngx_http_jamhook_pgsql_uri_item(hosts, i, &host);

        if (!ngx_http_jamhook_pgsql_uri_is_local(host, len)) {
            u->clear = 1;
        }
    }
}


/* a socket's directory, or the loopback interface */

static ngx_uint_t
ngx_http_jamhook_pgsql_uri_is_local(u_char *host, size_t len)
{
    return len == 0
           || host[0] == '/'
           || host[0] == '@'
           || (len == 9 && ngx_strncasecmp(host, (u_char *) "localhost", 9)
                           == 0)
           || (len > 4 && ngx_strncmp(host, "127.", 4) == 0)
           || (len == 3 && ngx_strncmp(host, "::1", 3) == 0);
}


static ngx_int_t
ngx_http_jamhook_pgsql_uri_show(ngx_http_jamhook_pgsql_uri_t *u,
    ngx_http_jamhook_pgsql_uri_parts_t *parts, size_t len, ngx_pool_t *pool)
{
    char    **values;
    u_char   *p;

    values = parts->values;

    /* each byte escaped; a port for each host, of which each has a byte */

    p = ngx_pnalloc(pool, 64 + (3 + sizeof("[]:65535")) * len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    u->shown.data = p;

    p = ngx_cpymem(p, "postgresql://", 13);

    if (values[NGX_HTTP_JAMHOOK_PGSQL_URI_USER]) {
        p = ngx_http_jamhook_pgsql_uri_escape(p,
                       (u_char *) values[NGX_HTTP_JAMHOOK_PGSQL_URI_USER],
                       ngx_strlen(values[NGX_HTTP_JAMHOOK_PGSQL_URI_USER]));
        *p++ = '@';
    }

    p = ngx_http_jamhook_pgsql_uri_hosts(p, parts);

    *p++ = '/';

    if (values[NGX_HTTP_JAMHOOK_PGSQL_URI_DBNAME]) {
        p = ngx_http_jamhook_pgsql_uri_escape(p,
                       (u_char *) values[NGX_HTTP_JAMHOOK_PGSQL_URI_DBNAME],
                       ngx_strlen(values[NGX_HTTP_JAMHOOK_PGSQL_URI_DBNAME]));
    }

    if (values[NGX_HTTP_JAMHOOK_PGSQL_URI_SERVICE]) {
        p = ngx_cpymem(p, "?service=", 9);
        p = ngx_http_jamhook_pgsql_uri_escape(p,
                       (u_char *) values[NGX_HTTP_JAMHOOK_PGSQL_URI_SERVICE],
                       ngx_strlen(values[NGX_HTTP_JAMHOOK_PGSQL_URI_SERVICE]));
    }

    u->shown.len = p - u->shown.data;
    *p = '\0';

    if (values[NGX_HTTP_JAMHOOK_PGSQL_URI_PASSFILE] == NULL) {
        return NGX_OK;
    }

    u->passfile.len = ngx_strlen(values[NGX_HTTP_JAMHOOK_PGSQL_URI_PASSFILE]);
    u->passfile.data = ngx_pnalloc(pool, u->passfile.len + 1);
    if (u->passfile.data == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(u->passfile.data, values[NGX_HTTP_JAMHOOK_PGSQL_URI_PASSFILE],
               u->passfile.len + 1);

    return NGX_OK;
}


static u_char *
ngx_http_jamhook_pgsql_uri_hosts(u_char *p,
    ngx_http_jamhook_pgsql_uri_parts_t *parts)
{
    char        *hosts, *ports;
    size_t       len;
    u_char      *item;
    ngx_uint_t   i;

    hosts = parts->values[NGX_HTTP_JAMHOOK_PGSQL_URI_HOST];
    ports = parts->values[NGX_HTTP_JAMHOOK_PGSQL_URI_PORT];

    if (hosts == NULL) {
        hosts = parts->values[NGX_HTTP_JAMHOOK_PGSQL_URI_HOSTADDR];
    }

    for (i = 0; i == 0 || i < parts->nhosts; i++) {

        if (i) {
            *p++ = ',';
        }

        len = ngx_http_jamhook_pgsql_uri_item(hosts, i, &item);

        if (ngx_http_jamhook_pgsql_uri_is_ipv6(item, len)) {
            *p++ = '[';
            p = ngx_cpymem(p, item, len);
            *p++ = ']';

        } else {
            p = ngx_http_jamhook_pgsql_uri_escape(p, item, len);
        }

        len = ngx_http_jamhook_pgsql_uri_item(ports,
                                              parts->nports > 1 ? i : 0,
                                              &item);
        if (len) {
            *p++ = ':';
            p = ngx_cpymem(p, item, len);
        }
    }

    return p;
}


/* what stands in brackets as it is; a socket's directory may have a ":" */

static ngx_uint_t
ngx_http_jamhook_pgsql_uri_is_ipv6(u_char *host, size_t len)
{
    u_char      c;
    size_t      i;
    ngx_uint_t  colons;

    colons = 0;

    for (i = 0; i < len; i++) {
        c = ngx_tolower(host[i]);

        if (c == ':') {
            colons++;

        } else if (!(c >= '0' && c <= '9') && !(c >= 'a' && c <= 'f')
                   && c != '.')
        {
            return 0;
        }
    }

    return colons > 1;
}


static u_char *
ngx_http_jamhook_pgsql_uri_escape(u_char *p, u_char *s, size_t len)
{
    u_char  ch;

    static u_char  hex[] = "0123456789ABCDEF";

    while (len--) {
        ch = *s++;

        if ((ch >= 'a' && ch <= 'z')
            || (ch >= 'A' && ch <= 'Z')
            || (ch >= '0' && ch <= '9')
            || ch == '-' || ch == '.' || ch == '_' || ch == '~')
        {
            *p++ = ch;
            continue;
        }

        *p++ = '%';
        *p++ = hex[ch >> 4];
        *p++ = hex[ch & 0xf];
    }

    return p;
}


/* of a list with commas, as libpq has it; NULL: none */

static ngx_uint_t
ngx_http_jamhook_pgsql_uri_count(char *list)
{
    ngx_uint_t  n;

    if (list == NULL) {
        return 0;
    }

    for (n = 1; *list; list++) {
        if (*list == ',') {
            n++;
        }
    }

    return n;
}


static size_t
ngx_http_jamhook_pgsql_uri_item(char *list, ngx_uint_t i, u_char **item)
{
    char  *end;

    *item = (u_char *) list;

    while (list && i--) {
        list = (char *) ngx_strchr(list, ',');

        if (list) {
            list++;
        }
    }

    if (list == NULL) {
        return 0;
    }

    *item = (u_char *) list;
    end = (char *) ngx_strchr(list, ',');

    return end ? (size_t) (end - list) : ngx_strlen(list);
}


/*
 * libpq repeats what it does not understand, and that may be a piece of a
 * password with a character in it that has a meaning in a URI.  The name of a
 * parameter is told where there is no password far and wide.
 */

static void
ngx_http_jamhook_pgsql_uri_wrong(ngx_http_jamhook_pgsql_uri_t *u,
    ngx_str_t *uri, char *said)
{
    char    *p, *end;
    u_char  *last, *query;

    query = ngx_strlchr(uri->data, uri->data + uri->len, '?');

    if (query == NULL
        || ngx_strchr(query, '@')
        || ngx_strstr(query, "password")
        || ngx_strncmp(said, "invalid URI query parameter: ", 29) != 0)
    {
        end = strstr(said, ": \"");

        if (end) {
            *end = '\0';
        }
    }

    last = ngx_cpystrn(u->error, (u_char *) said, sizeof(u->error));

    for (p = (char *) u->error; p < (char *) last; p++) {

        if (*p < 0x20 || *p == 0x7f) {
            *p = ' ';
        }
    }

    while (last > u->error && last[-1] == ' ') {
        *--last = '\0';
    }
}
