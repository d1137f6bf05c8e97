
#include "ngx_http_jamhook_schedule.h"
#include "ngx_http_jamhook_clock.h"
#include "ngx_http_jamhook_parcel.h"
#include "ngx_http_jamhook_tally.h"


static void ngx_http_jamhook_schedule_watch(void);
static void ngx_http_jamhook_schedule_line(ngx_http_jamhook_endpoint_t *ep);
static void ngx_http_jamhook_schedule_run(void);
static void ngx_http_jamhook_schedule_leave(ngx_http_jamhook_delivery_t *d);
static void ngx_http_jamhook_schedule_start(ngx_http_jamhook_delivery_t *d);
static void ngx_http_jamhook_schedule_set_timer(
    ngx_http_jamhook_delivery_t *d, ngx_msec_t limit);
static ngx_msec_t ngx_http_jamhook_schedule_left(
    ngx_http_jamhook_delivery_t *d);
static void ngx_http_jamhook_schedule_timer_handler(ngx_event_t *ev);
static void ngx_http_jamhook_schedule_give_up(ngx_http_jamhook_delivery_t *d,
    ngx_http_jamhook_result_e result, ngx_http_jamhook_error_e error);
static void ngx_http_jamhook_schedule_done_handler(ngx_event_t *ev);
static void ngx_http_jamhook_schedule_shutdown_handler(ngx_event_t *ev);


static struct {
    ngx_queue_t        lines;        /* with deliveries that could start */
    ngx_queue_t        sending;      /* deliveries */
    ngx_uint_t         active;
    ngx_uint_t         reserved;
    ngx_uint_t         max_active;
    ngx_uint_t         waiting;
    size_t             waiting_bytes;
    unsigned           closing:1;    /* that has expired */
    ngx_connection_t  *watcher;      /* hears of worker_shutdown_timeout */
} ngx_http_jamhook_schedule;


void
ngx_http_jamhook_schedule_init(ngx_cycle_t *cycle)
{
    ngx_queue_init(&ngx_http_jamhook_schedule.lines);
    ngx_queue_init(&ngx_http_jamhook_schedule.sending);

    ngx_http_jamhook_schedule.max_active = ngx_max(cycle->connection_n / 4, 1);
}


void
ngx_http_jamhook_schedule_exit(void)
{
    ngx_connection_t  *c;

    c = ngx_http_jamhook_schedule.watcher;

    if (c) {
        ngx_http_jamhook_schedule.watcher = NULL;

        /* there is no socket to close */

        c->fd = 0;
        ngx_free_connection(c);
        c->fd = (ngx_socket_t) -1;
    }
}


void
ngx_http_jamhook_schedule_init_line(ngx_http_jamhook_line_t *line)
{
    ngx_queue_init(&line->waiting);
}


ngx_uint_t
ngx_http_jamhook_schedule_is_full(void)
{
    return ngx_http_jamhook_schedule.waiting
           >= NGX_HTTP_JAMHOOK_WAITING_MAX
           || ngx_http_jamhook_schedule.waiting_bytes
              >= NGX_HTTP_JAMHOOK_WAITING_BYTES;
}


ngx_uint_t
ngx_http_jamhook_schedule_reserve(ngx_http_jamhook_endpoint_t *ep,
    ngx_uint_t n)
{
    ngx_uint_t                i, used, taken, left;
    ngx_http_jamhook_line_t  *line;

    if (ngx_http_jamhook_schedule.watcher == NULL) {
        ngx_http_jamhook_schedule_watch();
    }

    line = &ep->line;

    for (i = 0; i < n; i++) {
        used = line->active + line->reserved;
        taken = ngx_http_jamhook_schedule.active
                + ngx_http_jamhook_schedule.reserved;

        if (used >= (ngx_uint_t) ep->jlcf->max_active
            || taken >= ngx_http_jamhook_schedule.max_active)
        {
            break;
        }

        left = ngx_http_jamhook_schedule.max_active - taken;

        if (used && used >= 3 * left) {
            break;
        }

        line->reserved++;
        ngx_http_jamhook_schedule.reserved++;
    }

    return i;
}


void
ngx_http_jamhook_schedule_unreserve(ngx_http_jamhook_endpoint_t *ep,
    ngx_uint_t n)
{
    ep->line.reserved -= n;
    ngx_http_jamhook_schedule.reserved -= n;
}


void
ngx_http_jamhook_schedule_add(ngx_http_jamhook_delivery_t *d)
{
    if (ngx_http_jamhook_schedule.watcher == NULL) {
        ngx_http_jamhook_schedule_watch();
    }

    if (d->reserved) {
        ngx_http_jamhook_schedule_unreserve(d->endpoint, 1);
    }

    d->parcel->refs++;
    d->state = NGX_HTTP_JAMHOOK_WAITING;

    d->timer.handler = ngx_http_jamhook_schedule_timer_handler;
    d->timer.data = d;
    d->timer.log = ngx_cycle->log;

    d->done.handler = ngx_http_jamhook_schedule_done_handler;
    d->done.data = d;
    d->done.log = ngx_cycle->log;

    ngx_queue_insert_tail(&d->endpoint->line.waiting, &d->queue);

    ngx_http_jamhook_schedule.waiting++;
    ngx_http_jamhook_schedule.waiting_bytes += d->parcel->body.len;

    if (ngx_http_jamhook_schedule.closing) {
        ngx_http_jamhook_schedule_give_up(d,
                                          NGX_HTTP_JAMHOOK_RESULT_INTERRUPTED,
                                          NGX_HTTP_JAMHOOK_ERR_INTERRUPTED);
        return;
    }

    ngx_http_jamhook_schedule_line(d->endpoint);
    ngx_http_jamhook_schedule_run();

    if (d->state == NGX_HTTP_JAMHOOK_WAITING) {
        ngx_http_jamhook_schedule_set_timer(d, NGX_MAX_INT32_VALUE);
    }
}


/*
 * When worker_shutdown_timeout expires, nginx calls the read handler of every
 * connection of the cycle.  No shell is among those, so there is one connection
 * for them all, from the first delivery on.  Without one (there is none free)
 * the attempts' own deadlines have to do.
 */

static void
ngx_http_jamhook_schedule_watch(void)
{
    ngx_connection_t  *c, *saved;

    /* any number that is a descriptor's: only nginx's tables see it */

    saved = ngx_cycle->files ? ngx_cycle->files[0] : NULL;

    c = ngx_get_connection(0, ngx_cycle->log);

    if (ngx_cycle->files) {
        ngx_cycle->files[0] = saved;
    }

    if (c == NULL) {
        return;
    }

    c->fd = (ngx_socket_t) -2;
    c->shared = 1;
    c->read->handler = ngx_http_jamhook_schedule_shutdown_handler;
    c->read->log = ngx_cycle->log;
    c->write->log = ngx_cycle->log;

    ngx_http_jamhook_schedule.watcher = c;
}


/* puts an endpoint's line among those that could start a delivery */

static void
ngx_http_jamhook_schedule_line(ngx_http_jamhook_endpoint_t *ep)
{
    ngx_http_jamhook_line_t  *line;

    line = &ep->line;

    if (line->queued
        || ngx_queue_empty(&line->waiting)
        || line->active >= (ngx_uint_t) ep->jlcf->max_active)
    {
        return;
    }

    line->queued = 1;
    ngx_queue_insert_tail(&ngx_http_jamhook_schedule.lines, &line->queue);
}


static void
ngx_http_jamhook_schedule_run(void)
{
    ngx_queue_t                  *q;
    ngx_http_jamhook_line_t      *line;
    ngx_http_jamhook_delivery_t  *d;

    while (ngx_http_jamhook_schedule.active
           < ngx_http_jamhook_schedule.max_active
           && !ngx_queue_empty(&ngx_http_jamhook_schedule.lines))
    {
        q = ngx_queue_head(&ngx_http_jamhook_schedule.lines);
        ngx_queue_remove(q);

        line = ngx_queue_data(q, ngx_http_jamhook_line_t, queue);
        line->queued = 0;

        if (ngx_queue_empty(&line->waiting)) {
            continue;
        }

        q = ngx_queue_head(&line->waiting);
        d = ngx_queue_data(q, ngx_http_jamhook_delivery_t, queue);

        if (ngx_http_jamhook_schedule_left(d) == 0) {

            /* its timer is about to say so: nobody waits for it any more */

            ngx_http_jamhook_schedule_give_up(d, NGX_HTTP_JAMHOOK_RESULT_FAILED,
                                              NGX_HTTP_JAMHOOK_ERR_TIMEOUT);

        } else {
            ngx_http_jamhook_schedule_leave(d);
            ngx_http_jamhook_schedule_start(d);
        }

        ngx_http_jamhook_schedule_line(d->endpoint);
    }
}


static void
ngx_http_jamhook_schedule_leave(ngx_http_jamhook_delivery_t *d)
{
    ngx_queue_remove(&d->queue);

    ngx_http_jamhook_schedule.waiting--;
    ngx_http_jamhook_schedule.waiting_bytes -= d->parcel->body.len;
}


static void
ngx_http_jamhook_schedule_start(ngx_http_jamhook_delivery_t *d)
{
    d->state = NGX_HTTP_JAMHOOK_SENDING;
    d->started = ngx_current_msec;

    d->started_us = ngx_http_jamhook_clock_mono_us();

    d->endpoint->line.active++;
    ngx_http_jamhook_schedule.active++;

    ngx_http_jamhook_tally_active(d->endpoint);

    ngx_queue_insert_tail(&ngx_http_jamhook_schedule.sending, &d->queue);

    ngx_http_jamhook_schedule_set_timer(d, d->endpoint->jlcf->timeout);

    if (ngx_http_jamhook_deliver_start(d) != NGX_OK) {
        d->outcome.result = NGX_HTTP_JAMHOOK_RESULT_INTERRUPTED;
        d->outcome.error = NGX_HTTP_JAMHOOK_ERR_INTERRUPTED;

        ngx_log_error((d->kept ? NGX_LOG_WARN : NGX_LOG_ERR), ngx_cycle->log,
                      0,
                      "jamhook delivery failed: interrupted, there is no "
                      "memory for it, endpoint: \"%V\", event: \"%V\"",
                      &d->endpoint->name, &d->parcel->id);

        ngx_post_event(&d->done, &ngx_posted_events);
    }
}


/*
 * The timer runs for as long as there is a delivery.  It is not cancelable: a
 * worker that is told to quit stays for it.
 */

static void
ngx_http_jamhook_schedule_set_timer(ngx_http_jamhook_delivery_t *d,
    ngx_msec_t limit)
{
    if (d->timer.timer_set) {
        ngx_del_timer(&d->timer);
    }

    ngx_add_timer(&d->timer, ngx_min(ngx_http_jamhook_schedule_left(d), limit));
}


/* milliseconds until the delivery must have ended */

static ngx_msec_t
ngx_http_jamhook_schedule_left(ngx_http_jamhook_delivery_t *d)
{
    ngx_msec_int_t  left;

    left = (ngx_msec_int_t) (d->deadline - ngx_current_msec);

    return ngx_max(left, 0);
}


/* the attempt took too long, or the wait for its turn did */

static void
ngx_http_jamhook_schedule_timer_handler(ngx_event_t *ev)
{
    ngx_http_jamhook_delivery_t  *d = ev->data;

    if (d->state == NGX_HTTP_JAMHOOK_SENDING) {

        /* an end before jamhook_timeout is the lease's: no fault of theirs */

        ngx_http_jamhook_deliver_abort(d,
                       d->kept && ngx_current_msec - d->started
                                  < d->endpoint->jlcf->timeout
                           ? NGX_HTTP_JAMHOOK_ERR_INTERRUPTED
                           : NGX_HTTP_JAMHOOK_ERR_TIMEOUT);
        return;
    }

    ngx_http_jamhook_schedule_give_up(d, NGX_HTTP_JAMHOOK_RESULT_FAILED,
                                      NGX_HTTP_JAMHOOK_ERR_TIMEOUT);
}


/* ends a delivery that still waits for its turn */

static void
ngx_http_jamhook_schedule_give_up(ngx_http_jamhook_delivery_t *d,
    ngx_http_jamhook_result_e result, ngx_http_jamhook_error_e error)
{
    if (d->timer.timer_set) {
        ngx_del_timer(&d->timer);
    }

    ngx_http_jamhook_schedule_leave(d);
    ngx_queue_init(&d->queue);

    d->state = NGX_HTTP_JAMHOOK_DONE;
    d->outcome.result = result;
    d->outcome.error = error;
    d->outcome.retry_after = NGX_DECLINED;

    ngx_log_error((d->kept ? NGX_LOG_WARN : NGX_LOG_ERR), ngx_cycle->log,
                  0,
                  "jamhook delivery failed: %s while waiting for its turn, "
                  "endpoint: \"%V\", event: \"%V\"",
                  ngx_http_jamhook_outcome_error(error),
                  &d->endpoint->name, &d->parcel->id);

    ngx_post_event(&d->done, &ngx_posted_events);
}


static void
ngx_http_jamhook_schedule_done_handler(ngx_event_t *ev)
{
    int64_t                       us;
    ngx_http_jamhook_shell_t     *shell;
    ngx_http_jamhook_parcel_t    *parcel;
    ngx_http_jamhook_delivery_t  *d = ev->data;
    ngx_http_jamhook_endpoint_t  *ep;

    ep = d->endpoint;
    parcel = d->parcel;
    shell = d->shell;

    if (d->timer.timer_set) {
        ngx_del_timer(&d->timer);
    }

    ngx_queue_remove(&d->queue);

    us = -1;

    if (d->state == NGX_HTTP_JAMHOOK_SENDING) {
        us = ngx_http_jamhook_clock_mono_us() - d->started_us;
        d->outcome.duration = ngx_current_msec - d->started;
        ep->line.active--;
        ngx_http_jamhook_schedule.active--;

        ngx_http_jamhook_tally_active(ep);
    }

    d->state = NGX_HTTP_JAMHOOK_DONE;

    ngx_http_jamhook_tally_outcome(d, us);

    d->handler(d);

    if (shell) {
        ngx_http_jamhook_shell_close(shell);
    }

    ngx_http_jamhook_parcel_release(parcel);

    ngx_http_jamhook_schedule_line(ep);
    ngx_http_jamhook_schedule_run();
}


/* worker_shutdown_timeout: what is under way or waits ends now */

static void
ngx_http_jamhook_schedule_shutdown_handler(ngx_event_t *ev)
{
    ngx_uint_t                      i, n;
    ngx_queue_t                    *q, *next;
    ngx_connection_t               *c;
    ngx_http_jamhook_line_t        *line;
    ngx_http_jamhook_delivery_t    *d;
    ngx_http_jamhook_endpoint_t   **ep;
    ngx_http_jamhook_main_conf_t   *jmcf;

    c = ev->data;

    n = ngx_http_jamhook_schedule.active + ngx_http_jamhook_schedule.waiting;

    if (!c->close) {
        return;
    }

    ngx_http_jamhook_schedule.closing = 1;

    if (n == 0) {
        return;
    }

    ngx_log_error(NGX_LOG_NOTICE, ev->log, 0,
                  "jamhook: worker_shutdown_timeout ends %ui deliveries", n);

    jmcf = ngx_http_cycle_get_module_main_conf(ngx_cycle,
                                               ngx_http_jamhook_module);
    ep = jmcf->endpoints.elts;

    for (i = 0; i < jmcf->endpoints.nelts; i++) {
        line = &ep[i]->line;

        while (!ngx_queue_empty(&line->waiting)) {
            q = ngx_queue_head(&line->waiting);
            d = ngx_queue_data(q, ngx_http_jamhook_delivery_t, queue);

            ngx_http_jamhook_schedule_give_up(d,
                                          NGX_HTTP_JAMHOOK_RESULT_INTERRUPTED,
                                          NGX_HTTP_JAMHOOK_ERR_INTERRUPTED);
        }
    }

    for (q = ngx_queue_head(&ngx_http_jamhook_schedule.sending);
         q != ngx_queue_sentinel(&ngx_http_jamhook_schedule.sending);
         q = next)
    {
        next = ngx_queue_next(q);
        d = ngx_queue_data(q, ngx_http_jamhook_delivery_t, queue);
        ngx_http_jamhook_deliver_abort(d, NGX_HTTP_JAMHOOK_ERR_INTERRUPTED);
    }
}
