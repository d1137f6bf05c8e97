
#include "ngx_http_jamhook_clock.h"

#include <time.h>


static int64_t ngx_http_jamhook_clock_read_us(clockid_t clock);


int64_t
ngx_http_jamhook_clock_now(void)
{
    return ngx_http_jamhook_clock_read_us(CLOCK_REALTIME) / 1000;
}


int64_t
ngx_http_jamhook_clock_mono(void)
{
    return ngx_http_jamhook_clock_read_us(CLOCK_MONOTONIC) / 1000;
}


int64_t
ngx_http_jamhook_clock_mono_us(void)
{
    return ngx_http_jamhook_clock_read_us(CLOCK_MONOTONIC);
}


static int64_t
ngx_http_jamhook_clock_read_us(clockid_t clock)
{
    struct timespec  ts;

    (void) clock_gettime(clock, &ts);

    return (int64_t) ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}
