
#include "ngx_http_jamhook_zone.h"


#define NGX_HTTP_JAMHOOK_ZONE_NAME   64          /* bytes, an endpoint's */
#define NGX_HTTP_JAMHOOK_ZONE_HOLD   3600000     /* ms: the longest hold */
#define NGX_HTTP_JAMHOOK_ZONE_BURST  100000      /* us: turns not taken add up
                                                    for so long */

/* us: no attempt is put off for longer: another rate did that */
#define NGX_HTTP_JAMHOOK_ZONE_AHEAD   600000000

/* us: a worker that was busy for so long has an older idea of the time */
#define NGX_HTTP_JAMHOOK_ZONE_LAG    1000000


/*
 * Both times go by the machine's monotonic clock, which is that of
 * ngx_current_msec in all of nginx's processes, and are compared by their
 * difference.  Where a word has 32 bits they come round: a hold after 49 days,
 * which is why one that is over is cleared; a turn after 71 minutes, so that an
 * endpoint that was idle for so long may once wait for two intervals.
 */

struct ngx_http_jamhook_cell_s {
    ngx_atomic_t              hold_until;        /* ms; 0: it is not held */
    ngx_atomic_t              turn;              /* us: when all turns taken so
                                                    far are due ("theoretical
                                                    arrival time" of GCRA) */

    ngx_atomic_t              start;             /* us: the same of attempts
                                                    that were started */

    /* the master's, workers do not look at them */

    ngx_uint_t                len;               /* 0: the cell is free */
    u_char                    name[NGX_HTTP_JAMHOOK_ZONE_NAME];
};

/* In shared memory. */
typedef struct {
    ngx_atomic_t              trouble;           /* 1: the store is in it */
    ngx_http_jamhook_cell_t   cells[NGX_HTTP_JAMHOOK_ZONE_CELLS];
} ngx_http_jamhook_zone_t;

/* In cf->pool. */
typedef struct {
    ngx_http_jamhook_zone_t  *zone;
    ngx_slab_pool_t          *shpool;
    ngx_str_t                *names;
    ngx_uint_t                n;
    ngx_http_jamhook_cell_t **cells;
} ngx_http_jamhook_zone_ctx_t;


static ngx_int_t ngx_http_jamhook_zone_init(ngx_shm_zone_t *shm_zone,
    void *data);
static void ngx_http_jamhook_zone_assign(ngx_http_jamhook_zone_ctx_t *ctx);
static ngx_http_jamhook_cell_t *ngx_http_jamhook_zone_find(
    ngx_http_jamhook_zone_t *zone, ngx_str_t *name);
static ngx_http_jamhook_cell_t *ngx_http_jamhook_zone_spare(
    ngx_http_jamhook_zone_ctx_t *ctx);
static ngx_uint_t ngx_http_jamhook_zone_is_named(
    ngx_http_jamhook_cell_t *cell, ngx_str_t *name);


/* the zone that this process was started with; NULL: there is none */

static ngx_http_jamhook_zone_t  *ngx_http_jamhook_zone;


ngx_int_t
ngx_http_jamhook_zone_add(ngx_conf_t *cf, void *tag, ngx_str_t *names,
    ngx_uint_t n, ngx_http_jamhook_cell_t **cells)
{
    size_t                        size;
    ngx_str_t                     name = ngx_string("jamhook");
    ngx_shm_zone_t               *shm_zone;
    ngx_http_jamhook_zone_ctx_t  *ctx;

    ctx = ngx_pcalloc(cf->pool, sizeof(ngx_http_jamhook_zone_ctx_t));
    if (ctx == NULL) {
        return NGX_ERROR;
    }

    ctx->names = names;
    ctx->n = n;
    ctx->cells = cells;

    /* always the same, for with another one nginx begins an empty zone */

    size = ngx_align(sizeof(ngx_http_jamhook_zone_t), ngx_pagesize)
           + 8 * ngx_pagesize;

    shm_zone = ngx_shared_memory_add(cf, &name, size, tag);
    if (shm_zone == NULL) {
        return NGX_ERROR;
    }

    shm_zone->init = ngx_http_jamhook_zone_init;
    shm_zone->data = ctx;

    return NGX_OK;
}


ngx_uint_t
ngx_http_jamhook_zone_trouble(ngx_uint_t trouble)
{
    return ngx_http_jamhook_zone == NULL
           || ngx_atomic_cmp_set(&ngx_http_jamhook_zone->trouble, !trouble,
                                 trouble);
}


void
ngx_http_jamhook_zone_hold(ngx_http_jamhook_cell_t *cell, ngx_msec_t ms)
{
    ngx_atomic_uint_t  now, old, until;

    if (ms == 0) {
        return;
    }

    now = ngx_current_msec;

    until = now + ngx_min(ms, NGX_HTTP_JAMHOOK_ZONE_HOLD);

    if (until == 0) {
        until = 1;
    }

    do {
        old = cell->hold_until;

        if (old
            && (ngx_atomic_int_t) (old - until) >= 0
            && (ngx_atomic_int_t) (old - now) <= 2 * NGX_HTTP_JAMHOOK_ZONE_HOLD)
        {
            return;
        }

    } while (!ngx_atomic_cmp_set(&cell->hold_until, old, until));
}


ngx_msec_t
ngx_http_jamhook_zone_held(ngx_http_jamhook_cell_t *cell)
{
    ngx_atomic_int_t   left;
    ngx_atomic_uint_t  until;

    until = cell->hold_until;

    if (until == 0) {
        return 0;
    }

    left = (ngx_atomic_int_t) (until - ngx_current_msec);

    if (left > 0 && left <= 2 * NGX_HTTP_JAMHOOK_ZONE_HOLD) {
        return left;
    }

    (void) ngx_atomic_cmp_set(&cell->hold_until, until, 0);

    return 0;
}


void
ngx_http_jamhook_zone_release(ngx_http_jamhook_cell_t *cell)
{
    cell->hold_until = 0;
}


ngx_uint_t
ngx_http_jamhook_zone_take(ngx_http_jamhook_cell_t *cell, ngx_uint_t interval,
    ngx_uint_t n, ngx_msec_t *wait)
{
    ngx_uint_t         taken;
    ngx_atomic_int_t   ahead, burst;
    ngx_atomic_uint_t  now, old;

    *wait = 0;

    if (interval == 0) {
        return n;
    }

    burst = ngx_max(interval, NGX_HTTP_JAMHOOK_ZONE_BURST);
    now = (ngx_atomic_uint_t) ngx_current_msec * 1000;

    do {
        old = cell->turn;
        ahead = (ngx_atomic_int_t) (old - now);

        /*
         * Turns that were not taken are lost; and nobody waits longer than a
         * turn can be ahead, which another rate may have set before a reload.
         */

        if (ahead < 0
            || ahead > burst + (ngx_atomic_int_t) interval
                       + NGX_HTTP_JAMHOOK_ZONE_LAG)
        {
            ahead = 0;
        }

        taken = (ahead < burst) ? (burst - ahead) / interval : 0;
        taken = ngx_min(taken, n);

        ahead += taken * interval;

    } while (taken
             && !ngx_atomic_cmp_set(&cell->turn, old, now + ahead));

    if (taken < n) {
        *wait = (ahead + interval - burst + 999) / 1000;
    }

    return taken;
}


ngx_msec_t
ngx_http_jamhook_zone_pace(ngx_http_jamhook_cell_t *cell, ngx_uint_t interval)
{
    ngx_atomic_int_t   ahead;
    ngx_atomic_uint_t  now, old;

    now = (ngx_atomic_uint_t) ngx_current_msec * 1000;

    do {
        old = cell->start;
        ahead = (ngx_atomic_int_t) (old - now);

        if (ahead < 0 || ahead > NGX_HTTP_JAMHOOK_ZONE_AHEAD) {
            ahead = 0;
        }

    } while (!ngx_atomic_cmp_set(&cell->start, old, now + ahead + interval));

    ahead += (ngx_atomic_int_t) interval
             - (ngx_atomic_int_t) ngx_max(interval,
                                          NGX_HTTP_JAMHOOK_ZONE_BURST);

    return ahead > 0 ? (ngx_msec_t) (ahead + 999) / 1000 : 0;
}


void
ngx_http_jamhook_zone_give_back(ngx_http_jamhook_cell_t *cell,
    ngx_uint_t interval, ngx_uint_t n)
{
    (void) ngx_atomic_fetch_add(&cell->turn,
                                - (ngx_atomic_int_t) (interval * n));
}


/*
 * In the master, while workers of the configuration before it may be at work,
 * and without knowing whether this one will be accepted.
 */

static ngx_int_t
ngx_http_jamhook_zone_init(ngx_shm_zone_t *shm_zone, void *data)
{
    ngx_http_jamhook_zone_ctx_t  *octx = data;

    ngx_http_jamhook_zone_ctx_t  *ctx;

    static u_char  log_ctx[] = " in jamhook zone";

    ctx = shm_zone->data;

    if (octx) {
        ctx->zone = octx->zone;
        ctx->shpool = octx->shpool;

        ngx_http_jamhook_zone_assign(ctx);

        return NGX_OK;
    }

    ctx->shpool = (ngx_slab_pool_t *) shm_zone->shm.addr;

    if (shm_zone->shm.exists) {
        ctx->zone = ctx->shpool->data;

        ngx_http_jamhook_zone_assign(ctx);

        return NGX_OK;
    }

    ctx->zone = ngx_slab_calloc(ctx->shpool, sizeof(ngx_http_jamhook_zone_t));
    if (ctx->zone == NULL) {
        return NGX_ERROR;
    }

    ctx->shpool->data = ctx->zone;

    ctx->shpool->log_ctx = ngx_slab_alloc(ctx->shpool, sizeof(log_ctx));
    if (ctx->shpool->log_ctx == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(ctx->shpool->log_ctx, log_ctx, sizeof(log_ctx));

    ngx_http_jamhook_zone_assign(ctx);

    return NGX_OK;
}


/* all that have a cell keep it, before others get one */

static void
ngx_http_jamhook_zone_assign(ngx_http_jamhook_zone_ctx_t *ctx)
{
    ngx_str_t                *name;
    ngx_uint_t                i;
    ngx_http_jamhook_cell_t  *cell;

    ngx_http_jamhook_zone = ctx->zone;

    for (i = 0; i < ctx->n; i++) {
        ctx->cells[i] = ngx_http_jamhook_zone_find(ctx->zone, &ctx->names[i]);
    }

    for (i = 0; i < ctx->n; i++) {

        if (ctx->cells[i]) {
            continue;
        }

        cell = ngx_http_jamhook_zone_spare(ctx);
        name = &ctx->names[i];

        cell->len = ngx_min(name->len, NGX_HTTP_JAMHOOK_ZONE_NAME);
        ngx_memcpy(cell->name, name->data, cell->len);

        ctx->cells[i] = cell;
    }
}


static ngx_http_jamhook_cell_t *
ngx_http_jamhook_zone_find(ngx_http_jamhook_zone_t *zone, ngx_str_t *name)
{
    ngx_uint_t  i;

    for (i = 0; i < NGX_HTTP_JAMHOOK_ZONE_CELLS; i++) {

        if (ngx_http_jamhook_zone_is_named(&zone->cells[i], name)) {
            return &zone->cells[i];
        }
    }

    return NULL;
}


/*
 * A free cell; else one of an endpoint that is gone, as it is: workers on their
 * way out may use it yet, and what stands in it is soon over.  There is one,
 * for there are more cells than endpoints.
 */

static ngx_http_jamhook_cell_t *
ngx_http_jamhook_zone_spare(ngx_http_jamhook_zone_ctx_t *ctx)
{
    ngx_uint_t                i, k;
    ngx_http_jamhook_cell_t  *cell;

    cell = ctx->zone->cells;

    for (i = 0; i < NGX_HTTP_JAMHOOK_ZONE_CELLS; i++) {

        if (cell[i].len == 0) {
            return &cell[i];
        }
    }

    for (i = 0; i < NGX_HTTP_JAMHOOK_ZONE_CELLS; i++) {

        for (k = 0; k < ctx->n; k++) {

            if (ngx_http_jamhook_zone_is_named(&cell[i], &ctx->names[k])) {
                break;
            }
        }

        if (k == ctx->n) {
            return &cell[i];
        }
    }

    return NULL;
}


static ngx_uint_t
ngx_http_jamhook_zone_is_named(ngx_http_jamhook_cell_t *cell, ngx_str_t *name)
{
    return cell->len == name->len
           && ngx_memcmp(cell->name, name->data, name->len) == 0;
}
