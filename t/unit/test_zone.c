
#include <ngx_config.h>
#include <ngx_core.h>

/* another process may run as soon as a word was changed */

static void  (*meanwhile)(void);

static inline ngx_atomic_uint_t
cmp_set(ngx_atomic_t *lock, ngx_atomic_uint_t old, ngx_atomic_uint_t set)
{
    void               (*other)(void);
    ngx_atomic_uint_t    done;

    done = ngx_atomic_cmp_set(lock, old, set);

    if (meanwhile) {
        other = meanwhile;
        meanwhile = NULL;
        other();
    }

    return done;
}

#undef ngx_atomic_cmp_set
#define ngx_atomic_cmp_set  cmp_set

/* one that is looked into: its cells are its own */
#include "../../src/stats/ngx_http_jamhook_zone.c"
#include "../../src/stats/ngx_http_jamhook_counts.c"

#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ngx_shim.h"
#include "tap.h"


/* 64 us past a moment at which 32 bits of microseconds come round */
#define START  ((ngx_msec_t) 4294967296 / 1000 * 3)


/* what of nginx's the zone uses; a shim for others may have the time, too */

volatile ngx_msec_t  ngx_current_msec __attribute__((weak));
ngx_pid_t            ngx_pid __attribute__((weak)) = 100;
ngx_uint_t           ngx_pagesize __attribute__((weak)) = 4096;

static ngx_shm_zone_t  shm_zone;
static void           *shm_tag;
static ngx_slab_pool_t  slab;
static ngx_uint_t       slab_allocations;
static ngx_uint_t       slab_fails;      /* the n-th allocation; 0: none */
static void            *slab_made[4];


ngx_shm_zone_t *
ngx_shared_memory_add(ngx_conf_t *cf, ngx_str_t *name, size_t size, void *tag)
{
    (void) cf;

    ngx_memzero(&shm_zone, sizeof(ngx_shm_zone_t));

    shm_zone.shm.name = *name;
    shm_zone.shm.size = size;
    shm_zone.shm.addr = (u_char *) &slab;
    shm_tag = tag;

    return &shm_zone;
}


void *
ngx_slab_alloc(ngx_slab_pool_t *pool, size_t size)
{
    void  *p;

    (void) pool;

    if (slab_fails && --slab_fails == 0) {
        return NULL;
    }

    p = malloc(size);
    slab_made[slab_allocations++ % 4] = p;

    return p;
}


void *
ngx_slab_calloc(ngx_slab_pool_t *pool, size_t size)
{
    void  *p;

    p = ngx_slab_alloc(pool, size);

    if (p != NULL) {
        ngx_memzero(p, size);
    }

    return p;
}


/*
 * A configuration: the zone's, with n endpoints named by the numbers from k,
 * and as many sources as there may be of them.
 */

typedef struct {
    ngx_str_t                         names[NGX_HTTP_JAMHOOK_ZONE_CELLS];
    ngx_http_jamhook_cell_t          *cells[NGX_HTTP_JAMHOOK_ZONE_CELLS];
    ngx_http_jamhook_source_count_t  *counts[NGX_HTTP_JAMHOOK_COUNT_SOURCES];
    ngx_http_jamhook_zone_conf_t      zone;
    ngx_pool_t                       *pool;
} conf_t;


static void *
conf_load(conf_t *conf, ngx_uint_t k, ngx_uint_t n, void *old)
{
    char        name[16];
    ngx_conf_t  cf;
    ngx_uint_t  i;

    conf->pool = ngx_create_pool(1, NULL);

    for (i = 0; i < n; i++) {
        (void) snprintf(name, sizeof(name), "e%d", (int) (k + i));
        conf->names[i] = shim_str(conf->pool, name);
        conf->cells[i] = NULL;
    }

    conf->zone.endpoints = conf->names;
    conf->zone.nendpoints = n;
    conf->zone.cells = conf->cells;
    conf->zone.sources = conf->names;
    conf->zone.nsources = ngx_min(n, NGX_HTTP_JAMHOOK_COUNT_SOURCES);
    conf->zone.counts = conf->counts;

    ngx_memzero(&cf, sizeof(ngx_conf_t));
    cf.pool = conf->pool;

    if (ngx_http_jamhook_zone_add(&cf, &shm_tag, &conf->zone) != NGX_OK
        || shm_zone.init(&shm_zone, old) != NGX_OK)
    {
        return NULL;
    }

    ngx_http_jamhook_zone_use(&conf->zone);

    return shm_zone.data;
}


static ngx_uint_t
all_differ(conf_t *conf, ngx_uint_t n)
{
    ngx_uint_t  i, j;

    for (i = 0; i < n; i++) {

        if (conf->cells[i] == NULL) {
            return 0;
        }

        for (j = 0; j < i; j++) {
            if (conf->cells[i] == conf->cells[j]) {
                return 0;
            }
        }
    }

    return 1;
}


static void
test_reload(void)
{
    void           *one, *two, *more;
    size_t          size;
    ngx_uint_t      i, kept;
    static conf_t   a, b, c, d, full, over;

    ngx_current_msec = START;

    one = conf_load(&a, 0, 3, NULL);

    ok(one != NULL && all_differ(&a, 3), "each endpoint has a cell");
    ok(shm_tag == &shm_tag && shm_zone.shm.name.len == 7
       && ngx_memcmp(shm_zone.shm.name.data, "jamhook", 7) == 0,
       "the zone is called jamhook");
    ok(ngx_strcmp(slab.log_ctx, " in jamhook zone") == 0, "in the log too");

    size = shm_zone.shm.size;

    ok(size % ngx_pagesize == 0 && size > sizeof(ngx_http_jamhook_zone_t),
       "it has room for all cells: %d bytes", (int) size);

    ngx_http_jamhook_zone_hold(a.cells[1], 5000);

    two = conf_load(&b, 1, 3, one);

    ok(two != NULL && shm_zone.shm.size == size, "its size stays the same");
    ok(slab_allocations == 2, "a reload takes no memory of it");
    ok(b.cells[0] == a.cells[1] && b.cells[1] == a.cells[2],
       "endpoints keep their cells over a reload");
    ok(b.cells[2] != a.cells[0] && all_differ(&b, 3),
       "a new one gets a free cell, not that of one that is gone");
    ok(ngx_http_jamhook_zone_held(b.cells[0]) == 5000, "holds stay");

    /* back, as if the second had been refused */

    (void) conf_load(&c, 0, 3, one);
    ok(c.cells[0] == a.cells[0] && c.cells[1] == a.cells[1]
       && c.cells[2] == a.cells[2],
       "a configuration that was not accepted changed nothing");

    (void) conf_load(&d, 0, 0, two);
    ok(1, "a configuration without endpoints");

    /* e0 to e1023: every cell is in use */

    more = conf_load(&full, 0, NGX_HTTP_JAMHOOK_ZONE_CELLS, two);
    ok(more != NULL && all_differ(&full, NGX_HTTP_JAMHOOK_ZONE_CELLS),
       "as many endpoints as there are cells");

    ngx_http_jamhook_zone_hold(full.cells[0], 7000);

    (void) conf_load(&over, 500, NGX_HTTP_JAMHOOK_ZONE_CELLS, more);

    kept = 0;

    for (i = 0; i < NGX_HTTP_JAMHOOK_ZONE_CELLS - 500; i++) {
        kept += (over.cells[i] == full.cells[i + 500]);
    }

    ok(kept == i, "those that are still there keep their cells");
    ok(all_differ(&over, NGX_HTTP_JAMHOOK_ZONE_CELLS),
       "cells of those that are gone are given away, each once");
    ok(ngx_http_jamhook_zone_held(full.cells[0]) == 7000,
       "and are not reset: old workers may use them");

    ngx_destroy_pool(a.pool);
    ngx_destroy_pool(b.pool);
    ngx_destroy_pool(c.pool);
    ngx_destroy_pool(d.pool);
    ngx_destroy_pool(full.pool);
    ngx_destroy_pool(over.pool);
    free(slab_made[0]);
    free(slab_made[1]);
}


/* what is counted stays with its name */

static void
test_counts(void)
{
    void           *one, *two, *three;
    ngx_uint_t      i, kept, fresh;
    static conf_t   a, b, c, d;

    slab_allocations = 0;

    one = conf_load(&a, 0, 200, NULL);

    for (i = 0; i < 200; i++) {
        a.counts[i]->results[0] = 1000 + i;
        ngx_http_jamhook_zone_count(a.cells[i])->outcomes[0] = 2000 + i;
    }

    two = conf_load(&b, 100, 256, one);

    kept = 0;
    fresh = 0;

    for (i = 0; i < 256; i++) {
        kept += b.counts[i]->results[0] == 1100 + i
                && ngx_http_jamhook_zone_count(b.cells[i])->outcomes[0]
                   == 2100 + i;
        fresh += b.counts[i]->results[0] == 0
                 && ngx_http_jamhook_zone_count(b.cells[i])->outcomes[0] == 0;
    }

    ok(kept == 100, "counts are kept by name over a reload");
    ok(fresh == 156, "a new name begins at nothing");

    /* 200 and 256 names were there: more than fit with 256 others */

    three = conf_load(&c, 500, 256, two);

    fresh = 0;

    for (i = 0; i < 256; i++) {
        fresh += c.counts[i]->results[0] == 0
                 && c.counts[i]->len == c.names[i].len;
    }

    ok(three != NULL && fresh == 256,
       "one whose name is gone is given away, at nothing");

    c.counts[7]->codes[3] = 5;
    c.counts[7]->refused_at = 1;

    (void) conf_load(&d, 507, 1, three);
    ok(d.counts[0] == c.counts[7] && d.counts[0]->codes[3] == 5
       && d.counts[0]->refused_at == 1, "and kept from then on");

    ok(ngx_http_jamhook_zone_store() == &ngx_http_jamhook_zone->store,
       "the store's");

    ngx_destroy_pool(a.pool);
    ngx_destroy_pool(b.pool);
    ngx_destroy_pool(c.pool);
    ngx_destroy_pool(d.pool);
    free(slab_made[0]);
    free(slab_made[1]);
}


/* which worker this is: what a process has of its own */

static void
become(ngx_pid_t pid, ngx_uint_t slot)
{
    ngx_pid = pid;
    ngx_http_jamhook_zone_slot = slot;
}


static ngx_uint_t  another;


static void
start_another(void)
{
    ngx_pid_t   pid;
    ngx_uint_t  slot;

    pid = ngx_pid;
    slot = ngx_http_jamhook_zone_slot;

    become(500, NGX_HTTP_JAMHOOK_COUNT_WORKERS);
    (void) ngx_http_jamhook_zone_work(1, 0);
    another = ngx_http_jamhook_zone_slot;

    become(pid, slot);
}


static void
test_workers(void)
{
    ngx_uint_t                i, n, one, two, troubled;
    ngx_http_jamhook_cell_t  *cell;
    static conf_t             a;

    slab_allocations = 0;
    ngx_current_msec = START;

    (void) conf_load(&a, 0, 2, NULL);
    cell = a.cells[1];

    /* what nobody zeroed */

    ngx_memset((void *) ngx_http_jamhook_zone->active, 0xaa,
               sizeof(ngx_http_jamhook_zone->active));

    ok(ngx_http_jamhook_zone_sum_active(cell) == 0
       && ngx_http_jamhook_zone_sum_queue(&troubled) == 0 && troubled == 0,
       "nobody is at work");

    become(100, NGX_HTTP_JAMHOOK_COUNT_WORKERS);

    ngx_http_jamhook_zone_active(cell, 3);
    ok(ngx_http_jamhook_zone_sum_active(cell) == 0, "no slot, no number");

    ok(ngx_http_jamhook_zone_work(10, 0) == 1, "a worker takes a slot");
    ok(ngx_http_jamhook_zone_work(10, 0) == 0, "and keeps it");

    ngx_http_jamhook_zone_active(cell, 3);
    one = ngx_http_jamhook_zone_slot;

    become(200, NGX_HTTP_JAMHOOK_COUNT_WORKERS);
    ok(ngx_http_jamhook_zone_work(5, 1) == 1
       && ngx_http_jamhook_zone_slot != one, "another takes another");
    ngx_http_jamhook_zone_active(cell, 4);
    two = ngx_http_jamhook_zone_slot;

    ok(ngx_http_jamhook_zone_sum_active(cell) == 7
       && ngx_http_jamhook_zone_sum_active(a.cells[0]) == 0,
       "attempts under way are summed");
    ok(ngx_http_jamhook_zone_sum_queue(&troubled) == 15 && troubled == 1,
       "so is what waits");

    ngx_http_jamhook_zone_active(cell, 2);
    ok(ngx_http_jamhook_zone_sum_active(cell) == 5, "a number is replaced");

    /* the first one dies, the second goes on */

    ngx_current_msec += NGX_HTTP_JAMHOOK_COUNT_STALE + 1;
    (void) ngx_http_jamhook_zone_work(6, 0);

    ok(ngx_http_jamhook_zone_sum_active(cell) == 2
       && ngx_http_jamhook_zone_sum_queue(&troubled) == 6 && troubled == 0,
       "one that is gone does not count");

    become(300, NGX_HTTP_JAMHOOK_COUNT_WORKERS);
    ok(ngx_http_jamhook_zone_work(0, 0) == 1
       && ngx_http_jamhook_zone_slot == one
       && ngx_http_jamhook_zone_sum_active(cell) == 2,
       "its slot is taken over, empty");

    /* it was not dead */

    become(100, one);
    ngx_http_jamhook_zone_active(cell, 9);
    ok(ngx_http_jamhook_zone_sum_active(cell) == 2,
       "one that lost its slot does not write there");
    ok(ngx_http_jamhook_zone_work(1, 0) == 1
       && ngx_http_jamhook_zone_slot != one
       && ngx_http_jamhook_zone_slot != two, "but takes another, and says so");

    ngx_http_jamhook_zone_active(cell, 9);
    ngx_http_jamhook_zone_leave();
    ok(ngx_http_jamhook_zone_sum_active(cell) == 2, "one that leaves is gone");
    ngx_http_jamhook_zone_leave();

    /* two that start at once, where others died */

    ngx_current_msec += NGX_HTTP_JAMHOOK_COUNT_STALE + 1;

    become(200, two);
    (void) ngx_http_jamhook_zone_work(6, 0);
    become(300, one);
    (void) ngx_http_jamhook_zone_work(0, 0);

    become(400, NGX_HTTP_JAMHOOK_COUNT_WORKERS);
    meanwhile = start_another;
    ok(ngx_http_jamhook_zone_work(1, 0) == 1 && meanwhile == NULL
       && another != NGX_HTTP_JAMHOOK_COUNT_WORKERS
       && another != ngx_http_jamhook_zone_slot,
       "one that starts meanwhile takes another slot");
    ok(ngx_http_jamhook_zone_work(1, 0) == 0, "both keep theirs");

    ngx_http_jamhook_zone_leave();
    become(500, another);
    ngx_http_jamhook_zone_leave();

    /* an older idea of the time than another's */

    become(200, two);
    ngx_current_msec -= 700;
    ok(ngx_http_jamhook_zone_sum_active(cell) == 2,
       "seen by a worker with an older idea of the time");

    /* all slots are taken */

    n = 0;

    for (i = 0; i < NGX_HTTP_JAMHOOK_COUNT_WORKERS; i++) {
        become(1000 + i, NGX_HTTP_JAMHOOK_COUNT_WORKERS);
        n += ngx_http_jamhook_zone_work(0, 0);
    }

    ok(n == NGX_HTTP_JAMHOOK_COUNT_WORKERS - 2, "as many as there are slots");

    ngx_http_jamhook_zone_active(cell, 1);
    ok(ngx_http_jamhook_zone_work(0, 0) == 0
       && ngx_http_jamhook_zone_sum_active(cell) == 2,
       "one more is not counted");

    become(100, NGX_HTTP_JAMHOOK_COUNT_WORKERS);
    ngx_destroy_pool(a.pool);
    free(slab_made[0]);
    free(slab_made[1]);

    ngx_http_jamhook_zone = NULL;
    ok(ngx_http_jamhook_zone_work(0, 0) == 0
       && ngx_http_jamhook_zone_sum_queue(&troubled) == 0
       && ngx_http_jamhook_zone_store() == NULL, "no zone, nothing");
}


static void
test_histogram(void)
{
    ngx_uint_t                    i, right;
    ngx_http_jamhook_histogram_t  h;

    ngx_memzero(&h, sizeof(h));

    ngx_http_jamhook_counts_duration(&h, -5);
    ngx_http_jamhook_counts_duration(&h, 0);
    ngx_http_jamhook_counts_duration(&h, 1000);
    ngx_http_jamhook_counts_duration(&h, 1001);
    ngx_http_jamhook_counts_duration(&h, 30000000);
    ngx_http_jamhook_counts_duration(&h, 30000001);
    ngx_http_jamhook_counts_duration(&h, 3600000000);

    ok(h.n[0] == 3 && h.n[1] == 1
       && h.n[NGX_HTTP_JAMHOOK_COUNTS_BOUNDS - 1] == 1
       && h.n[NGX_HTTP_JAMHOOK_COUNTS_BOUNDS] == 2,
       "each duration is in its bucket, a bound in the lower one");
    ok(h.sum == (ngx_atomic_uint_t) 3660002002, "and in the sum");

    right = 1;

    for (i = 0; i < NGX_HTTP_JAMHOOK_COUNTS_BOUNDS; i++) {
        right &= strtod(ngx_http_jamhook_counts_bounds[i].s, NULL)
                 == ngx_http_jamhook_counts_bounds[i].us / 1e6
                 && (i == 0 || ngx_http_jamhook_counts_bounds[i].us
                               > ngx_http_jamhook_counts_bounds[i - 1].us);
    }

    ok(right, "bounds go up, and their texts say the same");

    ok(ngx_strcmp(ngx_http_jamhook_counts_result(
                      NGX_HTTP_JAMHOOK_COUNT_RESULTS - 1)->data, "ignored")
       == 0
       && ngx_strcmp(ngx_http_jamhook_counts_outcome(
                      NGX_HTTP_JAMHOOK_COUNT_OUTCOMES - 1)->data,
                     "interrupted")
          == 0, "the words are as many as the kinds");
}


static void
test_memory(void)
{
    ngx_pool_t     *pool;
    ngx_uint_t      n;
    static conf_t   conf;

    for (n = 1; n <= 2; n++) {
        slab_allocations = 0;
        slab_fails = n;

        ok(conf_load(&conf, 0, 1, NULL) == NULL,
           "an error without memory in the zone");
        ngx_destroy_pool(conf.pool);
        pool = NULL;

        if (n == 2) {
            free(slab_made[0]);
        }
    }

    slab_fails = 0;
    (void) pool;
}


static void
test_hold(void)
{
    ngx_http_jamhook_cell_t  cell;

    ngx_memzero(&cell, sizeof(cell));
    ngx_current_msec = START;

    ok(ngx_http_jamhook_zone_held(&cell) == 0, "nothing is held at first");

    ngx_http_jamhook_zone_hold(&cell, 0);
    ok(ngx_http_jamhook_zone_held(&cell) == 0, "a hold of nothing");

    ngx_http_jamhook_zone_hold(&cell, 1000);
    ok(ngx_http_jamhook_zone_held(&cell) == 1000, "held");

    ngx_current_msec += 400;
    ok(ngx_http_jamhook_zone_held(&cell) == 600, "less, as time goes");

    ngx_http_jamhook_zone_hold(&cell, 500);
    ok(ngx_http_jamhook_zone_held(&cell) == 600, "an earlier end is nothing");

    ngx_http_jamhook_zone_hold(&cell, 700);
    ok(ngx_http_jamhook_zone_held(&cell) == 700, "a later one counts");

    ngx_current_msec += 699;
    ok(ngx_http_jamhook_zone_held(&cell) == 1, "to the last millisecond");

    ngx_current_msec += 1;
    ok(ngx_http_jamhook_zone_held(&cell) == 0 && cell.hold_until == 0,
       "over, and cleared");

    ngx_http_jamhook_zone_hold(&cell, 60000);
    ngx_http_jamhook_zone_release(&cell);
    ok(ngx_http_jamhook_zone_held(&cell) == 0, "released");

    ngx_http_jamhook_zone_hold(&cell, 60000);
    ngx_current_msec -= 50;
    ok(ngx_http_jamhook_zone_held(&cell) == 60050,
       "seen by a worker with an older idea of the time");

    ngx_http_jamhook_zone_release(&cell);
    ngx_http_jamhook_zone_hold(&cell, (ngx_msec_t) -1);
    ok(ngx_http_jamhook_zone_held(&cell) == 3600000, "an hour at most");

    ngx_http_jamhook_zone_hold(&cell, 1000);
    ok(ngx_http_jamhook_zone_held(&cell) == 3600000, "and it stays so");

    cell.hold_until = ngx_current_msec + 3 * 3600000;
    ok(ngx_http_jamhook_zone_held(&cell) == 0, "a hold that cannot be is none");

    cell.hold_until = ngx_current_msec + 3 * 3600000;
    ngx_http_jamhook_zone_hold(&cell, 1000);
    ok(ngx_http_jamhook_zone_held(&cell) == 1000, "and does not outlast one");

    ngx_current_msec = (ngx_msec_t) -1000;
    ngx_http_jamhook_zone_release(&cell);
    ngx_http_jamhook_zone_hold(&cell, 1000);
    ok(ngx_http_jamhook_zone_held(&cell) == 1001, "an end at 0 is one later");

    ngx_http_jamhook_zone_hold(&cell, 3000);
    ngx_current_msec += 1500;
    ok(ngx_http_jamhook_zone_held(&cell) == 1500, "the clock comes round");

    ngx_http_jamhook_zone_hold(&cell, 2000);
    ok(ngx_http_jamhook_zone_held(&cell) == 2000, "also for the later end");
}


/* interval and time in us, as numbers of the test; what is to come of it */

static ngx_uint_t
takes(ngx_http_jamhook_cell_t *cell, ngx_uint_t interval, ngx_uint_t n,
    ngx_uint_t taken, ngx_msec_t wait)
{
    ngx_uint_t  got;
    ngx_msec_t  w;

    w = 12345;
    got = ngx_http_jamhook_zone_take(cell, interval, n, &w);

    if (got != taken || w != wait) {
        printf("# took %d, wait %d\n", (int) got, (int) w);
    }

    return got == taken && w == wait;
}


static void
test_take(void)
{
    ngx_http_jamhook_cell_t  cell;

    ngx_memzero(&cell, sizeof(cell));
    ngx_current_msec = START;

    ok(takes(&cell, 0, 1000000, 1000000, 0) && cell.turn == 0,
       "without a rate all turns are there");

    /* 1r/s */

    ok(takes(&cell, 1000000, 1, 1, 0), "1r/s: one");
    ok(takes(&cell, 1000000, 1, 0, 1000), "no second one");
    ok(takes(&cell, 1000000, 0, 0, 0), "none is wanted");

    ngx_current_msec += 999;
    ok(takes(&cell, 1000000, 1, 0, 1), "not before the second is over");

    ngx_current_msec += 1;
    ok(takes(&cell, 1000000, 5, 1, 1000), "then one of five");

    ngx_current_msec += 3600000;
    ok(takes(&cell, 1000000, 5, 1, 1000), "an idle hour adds up to one");

    ngx_http_jamhook_zone_give_back(&cell, 1000000, 1);
    ok(takes(&cell, 1000000, 1, 1, 0), "one that was given back");
    ok(takes(&cell, 1000000, 1, 0, 1000), "once");

    /* 1r/m */

    ngx_current_msec += 3600000;
    ok(takes(&cell, 60000000, 2, 1, 60000), "1r/m: one of two");

    ngx_current_msec += 30000;
    ok(takes(&cell, 60000000, 1, 0, 30000), "half a minute later");

    /* 100r/s: ten in a tenth of a second */

    ngx_current_msec += 3600000;
    ok(takes(&cell, 10000, 4, 4, 0), "100r/s: four");
    ok(takes(&cell, 10000, 100, 6, 10), "six more at once");
    ok(takes(&cell, 10000, 1, 0, 10), "then none");

    ngx_current_msec += 25;
    ok(takes(&cell, 10000, 100, 2, 5), "two after 25 ms");

    ngx_http_jamhook_zone_give_back(&cell, 10000, 2);
    ok(takes(&cell, 10000, 1, 1, 0), "two were given back: one");
    ok(takes(&cell, 10000, 2, 1, 5), "and the other");

    ngx_current_msec += 3600000;
    ok(takes(&cell, 10000, 100, 10, 10), "an idle hour adds up to ten");

    /* 3r/s: a fraction of a microsecond never makes it more */

    ngx_current_msec += 3600000;
    ok(takes(&cell, 333334, 2, 1, 334), "3r/s");

    ngx_current_msec += 333;
    ok(takes(&cell, 333334, 2, 0, 1), "not after 333 ms");

    ngx_current_msec += 1;
    ok(takes(&cell, 333334, 2, 1, 334), "but after 334");

    /* 1000000r/s */

    ngx_current_msec += 3600000;
    ok(takes(&cell, 1, 200000, 100000, 1), "1000000r/s: a tenth of a second's");

    ngx_current_msec += 1;
    ok(takes(&cell, 1, 200000, 1000, 1), "a millisecond's worth");

    /* 15r/s: one and a half in a tenth of a second */

    ngx_current_msec += 3600000;
    ok(takes(&cell, 66667, 5, 1, 34), "15r/s: one, and a half is left");
    ngx_current_msec += 34;
    ok(takes(&cell, 66667, 5, 1, 67), "the next comes the sooner");
    ngx_current_msec += 67;
    ok(takes(&cell, 66667, 5, 1, 66), "and the third in its time");
}


static void
test_heal(void)
{
    ngx_http_jamhook_cell_t  cell;

    ngx_memzero(&cell, sizeof(cell));
    ngx_current_msec = START;

    /* from 1r/m to 100r/s, by a reload */

    ok(takes(&cell, 60000000, 1, 1, 0), "1r/m: one");
    ok(takes(&cell, 10000, 20, 10, 10), "100r/s now: no minute is waited");

    /* and back */

    ngx_current_msec += 1000;
    ok(takes(&cell, 10000, 20, 10, 10), "100r/s");
    ok(takes(&cell, 60000000, 1, 0, 100), "1r/m now");

    ngx_current_msec += 100;
    ok(takes(&cell, 60000000, 1, 1, 0), "when those turns are due");

    /* what another worker took, whose idea of the time is newer */

    ngx_current_msec += 3600000;
    ok(takes(&cell, 1000000, 1, 1, 0), "1r/s: one");
    ngx_current_msec -= 900;
    ok(takes(&cell, 1000000, 1, 0, 1900), "by a worker 900 ms behind: none");
    ngx_current_msec += 900;
    ok(takes(&cell, 1000000, 1, 0, 1000), "nothing was lost by that");

    cell.turn = ngx_current_msec * 1000 + NGX_MAX_INT_T_VALUE;
    ok(takes(&cell, 1000000, 1, 1, 0), "a turn of the year 290000");

    cell.turn = ngx_current_msec * 1000 - NGX_MAX_INT_T_VALUE;
    ok(takes(&cell, 1000000, 1, 1, 0), "and one long ago");

    cell.turn = 0;
    ngx_http_jamhook_zone_give_back(&cell, 1000000, 1);
    ok(takes(&cell, 1000000, 2, 1, 1000), "given back to a cell just made");

    ngx_current_msec = (ngx_msec_t) -1;
    cell.turn = ngx_current_msec * 1000;
    ok(takes(&cell, 10000, 10, 10, 0), "at the end of the clock");
    ngx_current_msec += 20;
    ok(takes(&cell, 10000, 10, 2, 10), "and beyond");
}


/* at each rate, for ten minutes in steps of a few ms: what is granted */

static void
test_rate(void)
{
    int                      i;
    ngx_uint_t               n, interval, least, most;
    ngx_msec_t               wait, end, start;
    ngx_http_jamhook_cell_t  cell;
    static ngx_uint_t        rates[] = { 1, 3, 7, 10, 15, 60, 100, 333, 1000,
                                         4999 };

    for (i = 0; i < (int) nitems(rates); i++) {
        ngx_memzero(&cell, sizeof(cell));

        interval = (1000000 + rates[i] - 1) / rates[i];
        start = START;
        end = start + 600000;
        n = 0;

        for (ngx_current_msec = start;
             ngx_current_msec < end;
             ngx_current_msec += 1 + ngx_current_msec % 7)
        {
            n += ngx_http_jamhook_zone_take(&cell, interval, 1000, &wait);
        }

        /* below 10r/s what comes late is lost, above it is made up for */

        most = rates[i] * 600 + ngx_max(rates[i] / 10, 1);
        least = 600000000 / (interval + (rates[i] > 10 ? 0 : 7000));

        ok(n <= most && n >= least, "%dr/s for ten minutes: %d",
           (int) rates[i], (int) n);
    }

    /* by one who waits as told */

    ngx_memzero(&cell, sizeof(cell));
    ngx_current_msec = START;
    n = 0;

    while (ngx_current_msec < START + 60000) {
        n += ngx_http_jamhook_zone_take(&cell, 333334, 10, &wait);
        ngx_current_msec += wait;
    }

    ok(n == 180, "3r/s for a minute, waiting as told: %d", (int) n);
}


/* processes at once, on memory that they share */

static void
test_processes(void)
{
    int                       i, status, failed;
    pid_t                     pid;
    ngx_uint_t                got;
    ngx_msec_t                wait;
    ngx_http_jamhook_cell_t  *cell;
    struct { ngx_http_jamhook_cell_t cell; ngx_atomic_t taken; }  *shared;

    shared = mmap(NULL, sizeof(*shared), PROT_READ|PROT_WRITE,
                  MAP_SHARED|MAP_ANONYMOUS, -1, 0);

    if (shared == MAP_FAILED) {
        ok(0, "shared memory");
        return;
    }

    cell = &shared->cell;
    ngx_current_msec = START;
    failed = 0;

    (void) fflush(stdout);

    for (i = 0; i < 4; i++) {
        pid = fork();

        if (pid == 0) {

            /* each grabs one, and gives each third back */

            for (got = 0; got < 300000; got++) {

                if (ngx_http_jamhook_zone_take(cell, 1, 1, &wait) == 1) {

                    if (got % 3) {
                        (void) ngx_atomic_fetch_add(&shared->taken, 1);

                    } else {
                        ngx_http_jamhook_zone_give_back(cell, 1, 1);
                    }
                }

                ngx_http_jamhook_zone_hold(cell, 1 + (got * 7 + i) % 5000);
            }

            _exit(0);
        }

        failed += (pid < 0);
    }

    while (wait4(-1, &status, 0, NULL) > 0) {
        failed += (status != 0);
    }

    ok(failed == 0 && shared->taken == 100000,
       "four processes take all of a burst and no more: %d",
       (int) shared->taken);
    ok(ngx_http_jamhook_zone_held(cell) == 5000, "the latest of their holds");

    (void) munmap(shared, sizeof(*shared));
}


/* attempts of turns that were taken before start at their distance */

static void
test_pace(void)
{
    ngx_uint_t               i, right;
    ngx_http_jamhook_cell_t  cell;

    ngx_memzero(&cell, sizeof(cell));
    ngx_current_msec = START;

    right = 1;

    for (i = 0; i < 5; i++) {
        right &= ngx_http_jamhook_zone_pace(&cell, 200000) == i * 200;
    }

    ok(right, "five at once start 200 ms from one another");

    ngx_current_msec += 1000;
    ok(ngx_http_jamhook_zone_pace(&cell, 200000) == 0,
       "one that comes when it may starts at once");
    ok(ngx_http_jamhook_zone_pace(&cell, 200000) == 200, "and the next waits");

    ngx_memzero(&cell, sizeof(cell));
    right = 1;

    for (i = 0; i < 10; i++) {
        right &= ngx_http_jamhook_zone_pace(&cell, 10000) == 0;
    }

    ok(right && ngx_http_jamhook_zone_pace(&cell, 10000) == 10,
       "at a high rate a tenth of a second's worth starts together");

    cell.start = (ngx_current_msec + 3600 * 1000) * 1000;
    ok(ngx_http_jamhook_zone_pace(&cell, 200000) == 0,
       "what lies absurdly far ahead is forgotten");
}


int
main(void)
{
    test_reload();
    test_counts();
    test_memory();
    test_workers();
    test_histogram();
    test_hold();
    test_take();
    test_heal();
    test_rate();
    test_processes();
    test_pace();

    return done();
}
