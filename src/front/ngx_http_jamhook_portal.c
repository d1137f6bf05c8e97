
#include "ngx_http_jamhook_portal.h"
#include "ngx_http_jamhook_api.h"
#include "ngx_http_jamhook_page.h"
#include "ngx_http_jamhook_reply.h"


typedef struct {
    in_addr_t  net;                      /* in the host's byte order */
    in_addr_t  mask;
} ngx_http_jamhook_portal_net_t;


static ngx_uint_t ngx_http_jamhook_portal_is_near(struct sockaddr *sa);
static ngx_uint_t ngx_http_jamhook_portal_is_near_inet(in_addr_t addr);
#if (NGX_HAVE_INET6)
static ngx_uint_t ngx_http_jamhook_portal_is_near_inet6(struct in6_addr *addr);
#endif
static void ngx_http_jamhook_portal_path(ngx_http_request_t *r,
    ngx_str_t *path);
static ngx_http_jamhook_page_t *ngx_http_jamhook_portal_find(ngx_str_t *path);
static ngx_int_t ngx_http_jamhook_portal_headers(ngx_http_request_t *r,
    ngx_http_jamhook_page_t *page);
static ngx_int_t ngx_http_jamhook_portal_page(ngx_http_request_t *r,
    ngx_http_jamhook_page_t *page);
static ngx_int_t ngx_http_jamhook_portal_send(ngx_http_request_t *r,
    ngx_http_jamhook_page_t *page);
static ngx_int_t ngx_http_jamhook_portal_page_headers(ngx_http_request_t *r,
    ngx_http_jamhook_page_t *page);
#if (NGX_HTTP_GZIP)
static ngx_int_t ngx_http_jamhook_portal_vary(ngx_http_request_t *r);
static ngx_int_t ngx_http_jamhook_portal_gzip(ngx_http_request_t *r);
#endif


/* loopback, private (RFC 1918) */

static ngx_http_jamhook_portal_net_t  ngx_http_jamhook_portal_nets[] = {
    { 0x7f000000, 0xff000000 },
    { 0x0a000000, 0xff000000 },
    { 0xac100000, 0xfff00000 },
    { 0xc0a80000, 0xffff0000 },
    { 0, 0 }
};


static ngx_str_t  ngx_http_jamhook_portal_referrer[] = {
    ngx_string("Referrer-Policy"), ngx_string("no-referrer")
};

static ngx_str_t  ngx_http_jamhook_portal_nosniff[] = {
    ngx_string("X-Content-Type-Options"), ngx_string("nosniff")
};

static ngx_str_t  ngx_http_jamhook_portal_csp[] = {
    ngx_string("Content-Security-Policy"),
    ngx_string("default-src 'none'; script-src 'self'; style-src 'self'; "
               "img-src 'self' data:; connect-src 'self'; base-uri 'none'; "
               "form-action 'none'; frame-ancestors 'none'")
};

static ngx_str_t  ngx_http_jamhook_portal_cache = ngx_string("Cache-Control");
static ngx_str_t  ngx_http_jamhook_portal_no_store = ngx_string("no-store");
static ngx_str_t  ngx_http_jamhook_portal_no_cache = ngx_string("no-cache");
static ngx_str_t  ngx_http_jamhook_portal_reads = ngx_string("GET, HEAD");


ngx_int_t
ngx_http_jamhook_portal_handler(ngx_http_request_t *r)
{
    ngx_str_t                     path;
    ngx_http_jamhook_page_t      *page;
    ngx_http_jamhook_loc_conf_t  *jlcf;

    /* a part of another answer, or a mirrored request, is nobody's call */

    if (r != r->main) {
        return NGX_HTTP_NOT_FOUND;
    }

    ngx_http_jamhook_portal_path(r, &path);

    page = ngx_http_jamhook_portal_find(&path);

    /* from here on whatever is answered has them, nginx's own pages too */

    if (ngx_http_jamhook_portal_headers(r, page) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    jlcf = ngx_http_get_module_loc_conf(r, ngx_http_jamhook_module);

    if (!jlcf->portal_open
        && !ngx_http_jamhook_portal_is_near(r->connection->sockaddr))
    {
        return ngx_http_jamhook_api_refuse(r, NGX_HTTP_JAMHOOK_FORBIDDEN,
                                           NULL,
                                           "only loopback, private and unix "
                                           "addresses are let in unless "
                                           "\"jamhook_portal open\" is set");
    }

    return page ? ngx_http_jamhook_portal_page(r, page)
                : ngx_http_jamhook_api_handler(r, &path);
}


/* below the location's name, where a "rewrite ... break" did not lead away */

static void
ngx_http_jamhook_portal_path(ngx_http_request_t *r, ngx_str_t *path)
{
    ngx_http_core_loc_conf_t  *clcf;

    clcf = ngx_http_get_module_loc_conf(r, ngx_http_core_module);

    *path = r->uri;

    if (r->uri.len >= clcf->name.len
        && ngx_strncmp(r->uri.data, clcf->name.data, clcf->name.len) == 0)
    {
        path->data += clcf->name.len;
        path->len -= clcf->name.len;
    }
}


static ngx_http_jamhook_page_t *
ngx_http_jamhook_portal_find(ngx_str_t *path)
{
    ngx_http_jamhook_page_t  *page;

    for (page = ngx_http_jamhook_pages; page->text.len; page++) {

        if (page->name.len == path->len
            && ngx_strncmp(page->name.data, path->data, path->len) == 0)
        {
            return page;
        }
    }

    return NULL;
}


/* with realip this is the address that it found */

static ngx_uint_t
ngx_http_jamhook_portal_is_near(struct sockaddr *sa)
{
    struct sockaddr_in   *sin;
#if (NGX_HAVE_INET6)
    struct sockaddr_in6  *sin6;
#endif

    switch (sa->sa_family) {

#if (NGX_HAVE_UNIX_DOMAIN)
    case AF_UNIX:
        return 1;
#endif

#if (NGX_HAVE_INET6)
    case AF_INET6:
        sin6 = (struct sockaddr_in6 *) sa;
        return ngx_http_jamhook_portal_is_near_inet6(&sin6->sin6_addr);
#endif

    case AF_INET:
        sin = (struct sockaddr_in *) sa;
        return ngx_http_jamhook_portal_is_near_inet(
                                                ntohl(sin->sin_addr.s_addr));

    default:
        return 0;
    }
}


static ngx_uint_t
ngx_http_jamhook_portal_is_near_inet(in_addr_t addr)
{
    ngx_http_jamhook_portal_net_t  *net;

    for (net = ngx_http_jamhook_portal_nets; net->mask; net++) {
        if ((addr & net->mask) == net->net) {
            return 1;
        }
    }

    return 0;
}


#if (NGX_HAVE_INET6)

/* ::1, fc00::/7, and IPv4 in IPv6 */

static ngx_uint_t
ngx_http_jamhook_portal_is_near_inet6(struct in6_addr *addr)
{
    u_char     *p;
    in_addr_t   inet;

    p = addr->s6_addr;

    if (IN6_IS_ADDR_V4MAPPED(addr)) {
        inet = (in_addr_t) p[12] << 24 | p[13] << 16 | p[14] << 8 | p[15];

        return ngx_http_jamhook_portal_is_near_inet(inet);
    }

    return IN6_IS_ADDR_LOOPBACK(addr) || (p[0] & 0xfe) == 0xfc;
}

#endif


/*
 * Cache-Control is not made known to nginx as r->headers_out.cache_control:
 * an "expires" of the server would take its place, so it stands beside it.
 */

static ngx_int_t
ngx_http_jamhook_portal_headers(ngx_http_request_t *r,
    ngx_http_jamhook_page_t *page)
{
    ngx_str_t  *cache;

    if (ngx_http_jamhook_reply_header(r, &ngx_http_jamhook_portal_referrer[0],
                                      &ngx_http_jamhook_portal_referrer[1])
        != NGX_OK
        || ngx_http_jamhook_reply_header(r,
                                         &ngx_http_jamhook_portal_nosniff[0],
                                         &ngx_http_jamhook_portal_nosniff[1])
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    cache = &ngx_http_jamhook_portal_no_store;

    if (page
        && page->name.len
        && ngx_strncmp(page->name.data, "api/", 4) != 0)
    {
        cache = &ngx_http_jamhook_portal_no_cache;
    }

    return ngx_http_jamhook_reply_header(r, &ngx_http_jamhook_portal_cache,
                                         cache);
}


static ngx_int_t
ngx_http_jamhook_portal_page(ngx_http_request_t *r,
    ngx_http_jamhook_page_t *page)
{
    ngx_int_t  rc;

    if (!(r->method & (NGX_HTTP_GET|NGX_HTTP_HEAD))) {
        return ngx_http_jamhook_api_refuse_method(r,
                                              &ngx_http_jamhook_portal_reads);
    }

    rc = ngx_http_discard_request_body(r);
    if (rc != NGX_OK) {
        return rc;
    }

    return ngx_http_jamhook_portal_send(r, page);
}


static ngx_int_t
ngx_http_jamhook_portal_send(ngx_http_request_t *r,
    ngx_http_jamhook_page_t *page)
{
    ngx_int_t     rc;
    ngx_buf_t    *b;
    ngx_str_t    *text;
    ngx_chain_t   out;

    r->headers_out.status = NGX_HTTP_OK;
    r->headers_out.content_type = page->type;
    r->headers_out.content_type_len = page->type.len;
    r->headers_out.content_type_lowcase = NULL;

    if (ngx_http_jamhook_portal_page_headers(r, page) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    text = &page->text;

#if (NGX_HTTP_GZIP)

    if (page->gzip.len && ngx_http_gzip_ok(r) == NGX_OK) {

        if (ngx_http_jamhook_portal_gzip(r) != NGX_OK) {
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        }

        text = &page->gzip;
    }

#endif

    r->headers_out.content_length_n = text->len;

    /* If-None-Match is the not_modified filter's */

    rc = ngx_http_send_header(r);

    if (rc == NGX_ERROR || rc > NGX_OK || r->header_only) {
        return rc;
    }

    b = ngx_calloc_buf(r->pool);
    if (b == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    b->pos = text->data;
    b->last = text->data + text->len;
    b->memory = 1;
    b->last_buf = 1;
    b->last_in_chain = 1;

    out.buf = b;
    out.next = NULL;

    return ngx_http_output_filter(r, &out);
}


static ngx_int_t
ngx_http_jamhook_portal_page_headers(ngx_http_request_t *r,
    ngx_http_jamhook_page_t *page)
{
    ngx_table_elt_t  *etag;

    if (ngx_http_jamhook_reply_header(r, &ngx_http_jamhook_portal_csp[0],
                                      &ngx_http_jamhook_portal_csp[1])
        != NGX_OK)
    {
        return NGX_ERROR;
    }

#if (NGX_HTTP_GZIP)

    if (page->gzip.len && ngx_http_jamhook_portal_vary(r) != NGX_OK) {
        return NGX_ERROR;
    }

#endif

    etag = ngx_list_push(&r->headers_out.headers);
    if (etag == NULL) {
        return NGX_ERROR;
    }

    ngx_memzero(etag, sizeof(ngx_table_elt_t));

    etag->hash = 1;
    ngx_str_set(&etag->key, "ETag");
    etag->value = page->etag;

    r->headers_out.etag = etag;

    return NGX_OK;
}


#if (NGX_HTTP_GZIP)

/* nginx adds it, once, where "gzip_vary" is on */

static ngx_int_t
ngx_http_jamhook_portal_vary(ngx_http_request_t *r)
{
    ngx_http_core_loc_conf_t  *clcf;

    static ngx_str_t  name = ngx_string("Vary");
    static ngx_str_t  value = ngx_string("Accept-Encoding");

    clcf = ngx_http_get_module_loc_conf(r, ngx_http_core_module);

    if (clcf->gzip_vary) {
        r->gzip_vary = 1;
        return NGX_OK;
    }

    return ngx_http_jamhook_reply_header(r, &name, &value);
}


/* the bytes are others, so the tag is a weak one */

static ngx_int_t
ngx_http_jamhook_portal_gzip(ngx_http_request_t *r)
{
    ngx_table_elt_t  *h;

    ngx_http_weak_etag(r);

    h = ngx_list_push(&r->headers_out.headers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    ngx_memzero(h, sizeof(ngx_table_elt_t));

    h->hash = 1;
    ngx_str_set(&h->key, "Content-Encoding");
    ngx_str_set(&h->value, "gzip");

    r->headers_out.content_encoding = h;

    return NGX_OK;
}

#endif
