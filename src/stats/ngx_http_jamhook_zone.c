
#include "ngx_http_jamhook_zone.h"


/* twice as many as one configuration has: a reload finds free ones */
#define NGX_HTTP_JAMHOOK_ZONE_SOURCES  (2 * NGX_HTTP_JAMHOOK_COUNT_SOURCES)

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

    /* the master's, workers do not look at them; as in a source's count */

    ngx_uint_t                len;               /* 0: the cell is free */
    u_char                    name[NGX_HTTP_JAMHOOK_COUNT_NAME];

    ngx_atomic_t              hold_until;        /* ms; 0: it is not held */
    ngx_atomic_t              turn;              /* us: when all turns taken so
                                                    far are due ("theoretical
                                                    arrival time" of GCRA) */

    ngx_atomic_t              start;             /* us: the same of attempts
                                                    that were started */

    ngx_http_jamhook_endpoint_count_t  count;
};

/* What cells and sources begin with, for what is found by name. */
typedef struct {
    ngx_uint_t                len;
    u_char                    name[NGX_HTTP_JAMHOOK_COUNT_NAME];
} ngx_http_jamhook_label_t;

/* A worker's attempts under way, by cell: written by that worker alone. */
typedef struct {
    volatile uint32_t         n[NGX_HTTP_JAMHOOK_ZONE_CELLS];
} ngx_http_jamhook_active_t;

/* In shared memory. */
typedef struct {
    ngx_atomic_t                     trouble;    /* the store's, a level */
    ngx_http_jamhook_store_count_t   store;
    ngx_http_jamhook_worker_count_t  workers[NGX_HTTP_JAMHOOK_COUNT_WORKERS];
    ngx_http_jamhook_source_count_t  sources[NGX_HTTP_JAMHOOK_ZONE_SOURCES];
    ngx_http_jamhook_cell_t          cells[NGX_HTTP_JAMHOOK_ZONE_CELLS];

    /* zeroed by the worker that takes a slot, so that others cost no memory */

    ngx_http_jamhook_active_t        active[NGX_HTTP_JAMHOOK_COUNT_WORKERS];
} ngx_http_jamhook_zone_t;

/* In cf->pool. */
typedef struct {
    ngx_http_jamhook_zone_t         *zone;
    ngx_slab_pool_t                 *shpool;
    ngx_http_jamhook_zone_conf_t    *conf;
} ngx_http_jamhook_zone_ctx_t;


static ngx_int_t ngx_http_jamhook_zone_init(ngx_shm_zone_t *shm_zone,
    void *data);
static void ngx_http_jamhook_zone_assign(ngx_http_jamhook_zone_ctx_t *ctx);
static void *ngx_http_jamhook_zone_find(void *labels, size_t size,
    ngx_uint_t nlabels, ngx_str_t *name);
static void *ngx_http_jamhook_zone_make(void *labels, size_t size,
    ngx_uint_t nlabels, ngx_str_t *names, ngx_uint_t n, ngx_str_t *name);
static ngx_uint_t ngx_http_jamhook_zone_is_named(
    ngx_http_jamhook_label_t *label, ngx_str_t *name);
static ngx_uint_t ngx_http_jamhook_zone_join(void);
static ngx_uint_t ngx_http_jamhook_zone_is_live(
    ngx_http_jamhook_worker_count_t *worker);


/* the zone that this process was started with; NULL: there is none */

static ngx_http_jamhook_zone_t  *ngx_http_jamhook_zone;

/* which of its workers this one is; NGX_HTTP_JAMHOOK_COUNT_WORKERS: none */

static ngx_uint_t  ngx_http_jamhook_zone_slot = NGX_HTTP_JAMHOOK_COUNT_WORKERS;


ngx_int_t
ngx_http_jamhook_zone_add(ngx_conf_t *cf, void *tag,
    ngx_http_jamhook_zone_conf_t *zcf)
{
    size_t                        size;
    ngx_str_t                     name = ngx_string("jamhook");
    ngx_shm_zone_t               *shm_zone;
    ngx_http_jamhook_zone_ctx_t  *ctx;

    ctx = ngx_pcalloc(cf->pool, sizeof(ngx_http_jamhook_zone_ctx_t));
    if (ctx == NULL) {
        return NGX_ERROR;
    }

    ctx->conf = zcf;

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


void
ngx_http_jamhook_zone_use(ngx_http_jamhook_zone_conf_t *zcf)
{
    ngx_http_jamhook_zone = zcf->zone;
}


ngx_uint_t
ngx_http_jamhook_zone_trouble(ngx_uint_t level)
{
    ngx_atomic_t       *p;
    ngx_atomic_uint_t   old;

    static ngx_atomic_t  alone;          /* there is no zone to share */

    p = ngx_http_jamhook_zone ? &ngx_http_jamhook_zone->trouble : &alone;

    if (level == (ngx_uint_t) -1) {
        return *p;
    }

    do {
        old = *p;

        if (level && old >= level) {
            break;
        }

    } while (!ngx_atomic_cmp_set(p, old, level));

    return old;
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


ngx_http_jamhook_endpoint_count_t *
ngx_http_jamhook_zone_count(ngx_http_jamhook_cell_t *cell)
{
    return &cell->count;
}


ngx_http_jamhook_store_count_t *
ngx_http_jamhook_zone_store(void)
{
    return ngx_http_jamhook_zone ? &ngx_http_jamhook_zone->store : NULL;
}


ngx_uint_t
ngx_http_jamhook_zone_work(ngx_uint_t queue, ngx_uint_t trouble)
{
    ngx_uint_t                        joined;
    ngx_http_jamhook_worker_count_t  *worker;

    if (ngx_http_jamhook_zone == NULL) {
        return 0;
    }

    joined = 0;

    /* after a standstill it may be another's */

    if (ngx_http_jamhook_zone_slot == NGX_HTTP_JAMHOOK_COUNT_WORKERS
        || ngx_http_jamhook_zone->workers[ngx_http_jamhook_zone_slot].pid
           != (ngx_atomic_uint_t) ngx_pid)
    {
        joined = ngx_http_jamhook_zone_join();

        if (!joined) {
            return 0;
        }
    }

    worker = &ngx_http_jamhook_zone->workers[ngx_http_jamhook_zone_slot];

    worker->queue = queue;
    worker->trouble = trouble;

    ngx_memory_barrier();

    worker->seen = ngx_current_msec;

    return joined;
}


void
ngx_http_jamhook_zone_leave(void)
{
    ngx_http_jamhook_worker_count_t  *worker;

    if (ngx_http_jamhook_zone_slot == NGX_HTTP_JAMHOOK_COUNT_WORKERS) {
        return;
    }

    worker = &ngx_http_jamhook_zone->workers[ngx_http_jamhook_zone_slot];

    (void) ngx_atomic_cmp_set(&worker->pid, (ngx_atomic_uint_t) ngx_pid, 0);

    ngx_http_jamhook_zone_slot = NGX_HTTP_JAMHOOK_COUNT_WORKERS;
}


void
ngx_http_jamhook_zone_active(ngx_http_jamhook_cell_t *cell, ngx_uint_t n)
{
    ngx_uint_t  slot;

    slot = ngx_http_jamhook_zone_slot;

    if (slot == NGX_HTTP_JAMHOOK_COUNT_WORKERS
        || ngx_http_jamhook_zone->workers[slot].pid
           != (ngx_atomic_uint_t) ngx_pid)
    {
        return;
    }

    ngx_http_jamhook_zone->active[slot].n[cell
                                          - ngx_http_jamhook_zone->cells] = n;
}


ngx_uint_t
ngx_http_jamhook_zone_sum_active(ngx_http_jamhook_cell_t *cell)
{
    ngx_uint_t  i, k, sum;

    k = cell - ngx_http_jamhook_zone->cells;
    sum = 0;

    for (i = 0; i < NGX_HTTP_JAMHOOK_COUNT_WORKERS; i++) {

        if (ngx_http_jamhook_zone_is_live(&ngx_http_jamhook_zone->workers[i]))
        {
            sum += ngx_http_jamhook_zone->active[i].n[k];
        }
    }

    return sum;
}


ngx_uint_t
ngx_http_jamhook_zone_sum_queue(ngx_uint_t *troubled)
{
    ngx_uint_t                        i, sum;
    ngx_http_jamhook_worker_count_t  *worker;

    sum = 0;
    *troubled = 0;

    if (ngx_http_jamhook_zone == NULL) {
        return 0;
    }

    for (i = 0; i < NGX_HTTP_JAMHOOK_COUNT_WORKERS; i++) {
        worker = &ngx_http_jamhook_zone->workers[i];

        if (ngx_http_jamhook_zone_is_live(worker)) {
            sum += worker->queue;
            *troubled += worker->trouble;
        }
    }

    return sum;
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

    ctx->zone = ngx_slab_alloc(ctx->shpool, sizeof(ngx_http_jamhook_zone_t));
    if (ctx->zone == NULL) {
        return NGX_ERROR;
    }

    ngx_memzero(ctx->zone, offsetof(ngx_http_jamhook_zone_t, active));

    ctx->shpool->data = ctx->zone;

    ctx->shpool->log_ctx = ngx_slab_alloc(ctx->shpool, sizeof(log_ctx));
    if (ctx->shpool->log_ctx == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(ctx->shpool->log_ctx, log_ctx, sizeof(log_ctx));

    ngx_http_jamhook_zone_assign(ctx);

    return NGX_OK;
}


/* all that are known keep what they have, before others get something */

static void
ngx_http_jamhook_zone_assign(ngx_http_jamhook_zone_ctx_t *ctx)
{
    ngx_uint_t                        i;
    ngx_http_jamhook_cell_t          *cell;
    ngx_http_jamhook_zone_t          *zone;
    ngx_http_jamhook_zone_conf_t     *zcf;
    ngx_http_jamhook_source_count_t  *count;

    zone = ctx->zone;
    zcf = ctx->conf;

    zcf->zone = zone;

    for (i = 0; i < zcf->nendpoints; i++) {
        zcf->cells[i] = ngx_http_jamhook_zone_find(zone->cells, sizeof(*cell),
                                                   NGX_HTTP_JAMHOOK_ZONE_CELLS,
                                                   &zcf->endpoints[i]);
    }

    for (i = 0; i < zcf->nendpoints; i++) {

        if (zcf->cells[i]) {
            continue;
        }

        cell = ngx_http_jamhook_zone_make(zone->cells, sizeof(*cell),
                                          NGX_HTTP_JAMHOOK_ZONE_CELLS,
                                          zcf->endpoints, zcf->nendpoints,
                                          &zcf->endpoints[i]);

        ngx_memzero((void *) &cell->count, sizeof(cell->count));
        zcf->cells[i] = cell;
    }

    for (i = 0; i < zcf->nsources; i++) {
        zcf->counts[i] = ngx_http_jamhook_zone_find(zone->sources,
                                                 sizeof(*count),
                                                 NGX_HTTP_JAMHOOK_ZONE_SOURCES,
                                                 &zcf->sources[i]);
    }

    for (i = 0; i < zcf->nsources; i++) {

        if (zcf->counts[i]) {
            continue;
        }

        count = ngx_http_jamhook_zone_make(zone->sources, sizeof(*count),
                                           NGX_HTTP_JAMHOOK_ZONE_SOURCES,
                                           zcf->sources, zcf->nsources,
                                           &zcf->sources[i]);

        ngx_memzero((void *) count->results, sizeof(*count)
                    - offsetof(ngx_http_jamhook_source_count_t, results));
        zcf->counts[i] = count;
    }
}


static void *
ngx_http_jamhook_zone_find(void *labels, size_t size, ngx_uint_t nlabels,
    ngx_str_t *name)
{
    u_char      *p;
    ngx_uint_t   i;

    for (p = labels, i = 0; i < nlabels; p += size, i++) {

        if (ngx_http_jamhook_zone_is_named((ngx_http_jamhook_label_t *) p,
                                           name))
        {
            return p;
        }
    }

    return NULL;
}


/*
 * A free one; else one whose name is gone, as it is: workers on their way out
 * may use it yet, and what a cell says of the moment is soon over.  There is
 * one, for there are more of them than names.
 */

static void *
ngx_http_jamhook_zone_make(void *labels, size_t size, ngx_uint_t nlabels,
    ngx_str_t *names, ngx_uint_t n, ngx_str_t *name)
{
    u_char                    *p;
    ngx_uint_t                 i, k;
    ngx_http_jamhook_label_t  *label;

    label = NULL;

    for (p = labels, i = 0; i < nlabels; p += size, i++) {

        if (((ngx_http_jamhook_label_t *) p)->len == 0) {
            label = (ngx_http_jamhook_label_t *) p;
            goto found;
        }
    }

    for (p = labels, i = 0; i < nlabels; p += size, i++) {
        label = (ngx_http_jamhook_label_t *) p;

        for (k = 0; k < n; k++) {

            if (ngx_http_jamhook_zone_is_named(label, &names[k])) {
                break;
            }
        }

        if (k == n) {
            break;
        }
    }

found:

    label->len = ngx_min(name->len, NGX_HTTP_JAMHOOK_COUNT_NAME);
    ngx_memcpy(label->name, name->data, label->len);

    return label;
}


static ngx_uint_t
ngx_http_jamhook_zone_is_named(ngx_http_jamhook_label_t *label,
    ngx_str_t *name)
{
    return label->len == name->len
           && ngx_memcmp(label->name, name->data, name->len) == 0;
}


/* more workers than slots: some are not counted */

static ngx_uint_t
ngx_http_jamhook_zone_join(void)
{
    ngx_uint_t                        i;
    ngx_atomic_uint_t                 pid;
    ngx_http_jamhook_worker_count_t  *worker;

    for (i = 0; i < NGX_HTTP_JAMHOOK_COUNT_WORKERS; i++) {
        worker = &ngx_http_jamhook_zone->workers[i];
        pid = worker->pid;

        if (ngx_http_jamhook_zone_is_live(worker)) {
            continue;
        }

        /*
         * First: as soon as the slot is this worker's, another one that looks
         * for a slot has to see it at work.
         */

        worker->seen = ngx_current_msec;

        if (!ngx_atomic_cmp_set(&worker->pid, pid,
                                (ngx_atomic_uint_t) ngx_pid))
        {
            continue;
        }

        ngx_memzero((void *) &ngx_http_jamhook_zone->active[i],
                    sizeof(ngx_http_jamhook_active_t));

        ngx_http_jamhook_zone_slot = i;

        return 1;
    }

    ngx_http_jamhook_zone_slot = NGX_HTTP_JAMHOOK_COUNT_WORKERS;

    return 0;
}


static ngx_uint_t
ngx_http_jamhook_zone_is_live(ngx_http_jamhook_worker_count_t *worker)
{
    ngx_atomic_int_t  age;

    /* another's idea of the time may be newer than this worker's */

    age = (ngx_atomic_int_t) ((ngx_atomic_uint_t) ngx_current_msec
                              - worker->seen);

    return worker->pid != 0
           && age <= NGX_HTTP_JAMHOOK_COUNT_STALE
           && age >= -NGX_HTTP_JAMHOOK_COUNT_STALE;
}
