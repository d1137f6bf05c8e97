
/*
 * Page: the portal's files, built into the module.  page.c is made from
 * src/front/page by "make page" and checked in, so that building the module
 * needs no Node.
 */


#ifndef _NGX_HTTP_JAMHOOK_PAGE_H_INCLUDED_
#define _NGX_HTTP_JAMHOOK_PAGE_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


typedef struct {
    ngx_str_t    name;                   /* below the portal's prefix: "" is
                                            the page itself, "app.js", ... */
    ngx_str_t    type;                   /* the media type */
    ngx_str_t    etag;                   /* with its quotes */
    ngx_str_t    text;
    ngx_str_t    gzip;                   /* the same, compressed; empty: it is
                                            not worth it */
} ngx_http_jamhook_page_t;


/* Ends with one whose text is empty. */
extern ngx_http_jamhook_page_t  ngx_http_jamhook_pages[];


#endif /* _NGX_HTTP_JAMHOOK_PAGE_H_INCLUDED_ */
