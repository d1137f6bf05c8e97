
#include "ngx_http_jamhook_backoff.h"

#include <ngx_parse_time.h>


#define NGX_HTTP_JAMHOOK_BACKOFF_CUT  1000000000000000    /* 10^15 */


static ngx_int_t ngx_http_jamhook_backoff_digits(ngx_str_t *value,
    int64_t *number);
static ngx_int_t ngx_http_jamhook_backoff_limit(int64_t seconds);


ngx_int_t
ngx_http_jamhook_backoff_retry_after(ngx_str_t *value, time_t now)
{
    time_t   date;
    int64_t  seconds;

    if (ngx_http_jamhook_backoff_digits(value, &seconds) == NGX_OK) {
        return ngx_http_jamhook_backoff_limit(seconds);
    }

    if (value->len == 0) {
        return NGX_DECLINED;
    }

    date = ngx_parse_http_time(value->data, value->len);
    if (date == NGX_ERROR) {
        return NGX_DECLINED;
    }

    return ngx_http_jamhook_backoff_limit((int64_t) date - now);
}


ngx_int_t
ngx_http_jamhook_backoff_reset(ngx_str_t *value, time_t now)
{
    int64_t  at;

    if (ngx_http_jamhook_backoff_digits(value, &at) != NGX_OK) {
        return NGX_DECLINED;
    }

    return ngx_http_jamhook_backoff_limit(at - now);
}


/* more digits than a time can have are no mistake: the value is cut */

static ngx_int_t
ngx_http_jamhook_backoff_digits(ngx_str_t *value, int64_t *number)
{
    size_t   i;
    int64_t  n;

    if (value->len == 0) {
        return NGX_DECLINED;
    }

    n = 0;

    for (i = 0; i < value->len; i++) {

        if (value->data[i] < '0' || value->data[i] > '9') {
            return NGX_DECLINED;
        }

        n = n * 10 + (value->data[i] - '0');

        if (n > NGX_HTTP_JAMHOOK_BACKOFF_CUT) {
            n = NGX_HTTP_JAMHOOK_BACKOFF_CUT;
        }
    }

    *number = n;

    return NGX_OK;
}


static ngx_int_t
ngx_http_jamhook_backoff_limit(int64_t seconds)
{
    if (seconds < 0) {
        return 0;
    }

    if (seconds > NGX_HTTP_JAMHOOK_BACKOFF_MAX) {
        return NGX_HTTP_JAMHOOK_BACKOFF_MAX;
    }

    return (ngx_int_t) seconds;
}
