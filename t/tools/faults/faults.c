
/*
 * Faults on demand, for tests: a library for LD_PRELOAD that lets a disk fail
 * or be slow, the clock stand elsewhere, memory run out.  What is to go wrong
 * stands in a file, named by the environment's JAMHOOK_FAULTS, that is mapped
 * by all processes that come from the one it was loaded into; t/lib/Jamhook/
 * Faults.pm writes it, at any time.
 *
 * Files fail only below the directory that the file names.  CLOCK_MONOTONIC is
 * left alone, and so is what the kernel does by its own clock: an absolute
 * time made of an offset one is another one to pthread_cond_timedwait().
 */


#define _GNU_SOURCE

#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <limits.h>
#include <malloc.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>


#define FAULTS_MAGIC  0x66617532

#define FAULTS_WHERE  32

/* pages in SQLite's cache are larger, and it may have as many as it wants */
#define FAULTS_BLOCK  4096


/* The file, in the order of Faults.pm. */

typedef enum {
    FAULTS_SYNC = 0,                     /* fsync, fdatasync */
    FAULTS_WRITE,                        /* write, pwrite, ftruncate, ... */
    FAULTS_OPEN,                         /* what would make a file */
    FAULTS_ALLOC,
    FAULTS_LAST
} faults_kind_e;

typedef struct {
    int64_t   error;                     /* errno; below 0: a signal, to this
                                            process; 0: all is well */
    int64_t   ms;                        /* it takes so long */
    int64_t   skip;                      /* so many go well first */
    int64_t   times;                     /* so many fail; 0: all */
    int64_t   seen;                      /* out: calls */
    int64_t   failed;                    /* out: of these */
    int64_t   every;                     /* ALLOC: each n-th; no "error" then */
    int64_t   pid;                       /* only in this process; 0: all */
} faults_kind_t;

typedef struct {
    int64_t        magic;
    int64_t        clock_ms;             /* added to the clock */
    faults_kind_t  kinds[FAULTS_LAST];
    char           dir[PATH_MAX];
    int64_t        live_pid;             /* whose blocks are counted */
    int64_t        live;                 /* out: allocated and not freed, of up
                                            to FAULTS_BLOCK bytes */
    int64_t        where[FAULTS_WHERE];  /* out: the stack of the last ALLOC
                                            that failed, up to a 0 */
} faults_t;


static faults_t  *faults;


#define real(name)                                                           \
    static __typeof__(&name)  real_;                                         \
                                                                             \
    if (real_ == NULL) {                                                     \
        real_ = (__typeof__(&name)) dlsym(RTLD_NEXT, #name);                 \
    }


__attribute__((constructor)) static void
faults_init(void)
{
    int          fd;
    char        *name;
    void        *p, *stack[1];

    name = getenv("JAMHOOK_FAULTS");

    if (name == NULL) {
        return;
    }

    fd = open(name, O_RDWR | O_CLOEXEC);

    if (fd == -1) {
        (void) fprintf(stderr, "faults: %s: %s\n", name, strerror(errno));
        return;
    }

    p = mmap(NULL, sizeof(faults_t), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

    (void) close(fd);

    if (p == MAP_FAILED || ((faults_t *) p)->magic != FAULTS_MAGIC) {
        (void) fprintf(stderr, "faults: %s cannot be used\n", name);
        return;
    }

    /* it loads a library, with malloc(), at its first call */
    (void) backtrace(stack, 1);

    faults = p;
}


static int
faults_below(const char *path)
{
    size_t  n;

    n = strlen(faults->dir);

    return n > 0 && strncmp(path, faults->dir, n) == 0
           && (path[n] == '/' || path[n] == '\0');
}


static int
faults_below_fd(int fd)
{
    int      e;
    char     name[64], path[PATH_MAX];
    ssize_t  n;

    if (faults == NULL) {
        return 0;
    }

    e = errno;

    (void) snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
    n = readlink(name, path, sizeof(path) - 1);
    errno = e;

    if (n <= 0) {
        return 0;
    }

    path[n] = '\0';

    return faults_below(path);
}


/* 1: the call is to fail, errno is set. */

static int
faults_hit(faults_kind_e k)
{
    int64_t          error, left;
    faults_kind_t   *kind;
    struct timespec  ts;

    kind = &faults->kinds[k];

    if (kind->pid != 0 && kind->pid != getpid()) {
        return 0;
    }

    (void) __atomic_add_fetch(&kind->seen, 1, __ATOMIC_SEQ_CST);

    if (kind->ms > 0) {
        ts.tv_sec = kind->ms / 1000;
        ts.tv_nsec = kind->ms % 1000 * 1000000;

        while (nanosleep(&ts, &ts) == -1 && errno == EINTR) { /* void */ }
    }

    error = kind->error;

    if (error == 0) {
        return 0;
    }

    if (kind->skip > 0
        && __atomic_fetch_sub(&kind->skip, 1, __ATOMIC_SEQ_CST) > 0)
    {
        return 0;
    }

    if (kind->times > 0) {
        left = __atomic_sub_fetch(&kind->times, 1, __ATOMIC_SEQ_CST);

        if (left < 0) {
            return 0;
        }

        if (left == 0) {
            kind->error = 0;
        }
    }

    (void) __atomic_add_fetch(&kind->failed, 1, __ATOMIC_SEQ_CST);

    if (error < 0) {
        (void) kill(getpid(), (int) -error);
        return 0;
    }

    errno = (int) error;

    return 1;
}


/* the disk */

#define FAULTS_SYNC_CALL(name)                                               \
                                                                             \
int                                                                          \
name(int fd)                                                                 \
{                                                                            \
    real(name);                                                              \
                                                                             \
    if (faults_below_fd(fd) && faults_hit(FAULTS_SYNC)) {                    \
        return -1;                                                           \
    }                                                                        \
                                                                             \
    return real_(fd);                                                        \
}

FAULTS_SYNC_CALL(fsync)
FAULTS_SYNC_CALL(fdatasync)


#define FAULTS_WRITE_CALL(type, name, args, pass)                            \
                                                                             \
type                                                                         \
name args                                                                    \
{                                                                            \
    real(name);                                                              \
                                                                             \
    if (faults_below_fd(fd) && faults_hit(FAULTS_WRITE)) {                   \
        return -1;                                                           \
    }                                                                        \
                                                                             \
    return real_ pass;                                                       \
}

FAULTS_WRITE_CALL(ssize_t, write, (int fd, const void *b, size_t n), (fd, b, n))
FAULTS_WRITE_CALL(ssize_t, pwrite, (int fd, const void *b, size_t n, off_t at),
                  (fd, b, n, at))
FAULTS_WRITE_CALL(ssize_t, pwrite64,
                  (int fd, const void *b, size_t n, off64_t at),
                  (fd, b, n, at))
FAULTS_WRITE_CALL(ssize_t, writev, (int fd, const struct iovec *v, int n),
                  (fd, v, n))
FAULTS_WRITE_CALL(ssize_t, pwritev,
                  (int fd, const struct iovec *v, int n, off_t at),
                  (fd, v, n, at))
FAULTS_WRITE_CALL(ssize_t, pwritev64,
                  (int fd, const struct iovec *v, int n, off64_t at),
                  (fd, v, n, at))
FAULTS_WRITE_CALL(int, ftruncate, (int fd, off_t n), (fd, n))
FAULTS_WRITE_CALL(int, ftruncate64, (int fd, off64_t n), (fd, n))
FAULTS_WRITE_CALL(int, fallocate, (int fd, int mode, off_t at, off_t n),
                  (fd, mode, at, n))
FAULTS_WRITE_CALL(int, fallocate64, (int fd, int mode, off64_t at, off64_t n),
                  (fd, mode, at, n))


/*
 * A disk that is full or broken makes no new file; of a read-only one nothing
 * is opened for writing.
 */

static int
faults_open(const char *path, int flags)
{
    int  e, makes;

    if (faults == NULL || !faults_below(path)) {
        return 0;
    }

    if (faults->kinds[FAULTS_OPEN].error == EROFS) {
        makes = (flags & O_ACCMODE) != O_RDONLY || (flags & O_CREAT);

    } else {
        e = errno;
        makes = (flags & O_CREAT) && access(path, F_OK) == -1;
        errno = e;
    }

    return makes && faults_hit(FAULTS_OPEN);
}


#define FAULTS_OPEN_CALL(name)                                               \
                                                                             \
int                                                                          \
name(const char *path, int flags, ...)                                       \
{                                                                            \
    mode_t   mode;                                                           \
    va_list  args;                                                           \
                                                                             \
    real(name);                                                              \
                                                                             \
    va_start(args, flags);                                                   \
    mode = va_arg(args, mode_t);                                             \
    va_end(args);                                                            \
                                                                             \
    if (faults_open(path, flags)) {                                          \
        return -1;                                                           \
    }                                                                        \
                                                                             \
    return real_(path, flags, mode);                                         \
}

FAULTS_OPEN_CALL(open)
FAULTS_OPEN_CALL(open64)


#define FAULTS_OPENAT_CALL(name)                                             \
                                                                             \
int                                                                          \
name(int fd, const char *path, int flags, ...)                               \
{                                                                            \
    mode_t   mode;                                                           \
    va_list  args;                                                           \
                                                                             \
    real(name);                                                              \
                                                                             \
    va_start(args, flags);                                                   \
    mode = va_arg(args, mode_t);                                             \
    va_end(args);                                                            \
                                                                             \
    if (faults_open(path, flags)) {                                          \
        return -1;                                                           \
    }                                                                        \
                                                                             \
    return real_(fd, path, flags, mode);                                     \
}

FAULTS_OPENAT_CALL(openat)
FAULTS_OPENAT_CALL(openat64)


int
unlink(const char *path)
{
    real(unlink);

    if (faults != NULL && faults->kinds[FAULTS_OPEN].error == EROFS
        && faults_below(path) && faults_hit(FAULTS_OPEN))
    {
        return -1;
    }

    return real_(path);
}


int
mkdir(const char *path, mode_t mode)
{
    real(mkdir);

    if (faults != NULL && faults_below(path) && faults_hit(FAULTS_OPEN)) {
        return -1;
    }

    return real_(path, mode);
}


/* the clock */

int
clock_gettime(clockid_t id, struct timespec *ts)
{
    int      rc;
    int64_t  ms;

    real(clock_gettime);

    rc = real_(id, ts);

    if (rc == 0 && faults != NULL
        && (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE))
    {
        ms = ts->tv_sec * 1000 + faults->clock_ms;
        ts->tv_sec = ms / 1000;
        ts->tv_nsec += ms % 1000 * 1000000;

        if (ts->tv_nsec >= 1000000000) {
            ts->tv_nsec -= 1000000000;
            ts->tv_sec++;
        }
    }

    return rc;
}


int
gettimeofday(struct timeval *tv, void *tz)
{
    struct timespec  ts;

    (void) tz;

    if (clock_gettime(CLOCK_REALTIME, &ts) == -1) {
        return -1;
    }

    tv->tv_sec = ts.tv_sec;
    tv->tv_usec = ts.tv_nsec / 1000;

    return 0;
}


time_t
time(time_t *t)
{
    struct timespec  ts;

    if (clock_gettime(CLOCK_REALTIME, &ts) == -1) {
        return (time_t) -1;
    }

    if (t != NULL) {
        *t = ts.tv_sec;
    }

    return ts.tv_sec;
}


/*
 * Memory.  AddressSanitizer's library has allocations of its own: where it
 * stands before this one nothing fails, where it stands behind, and was told by
 * verify_asan_link_order=0 that it may, it is what is called here.
 */

static void
faults_where(void)
{
    int    i, n;
    void  *stack[FAULTS_WHERE];

    n = backtrace(stack, FAULTS_WHERE);

    for (i = 0; i < FAULTS_WHERE; i++) {
        faults->where[i] = i < n ? (int64_t) (intptr_t) stack[i] : 0;
    }
}


static int
faults_alloc(void)
{
    int64_t         n;
    faults_kind_t  *kind;

    if (faults == NULL) {
        return 0;
    }

    kind = &faults->kinds[FAULTS_ALLOC];

    if (kind->every == 0) {

        /* counted where nothing fails: with a pid alone */

        if ((kind->error == 0 && kind->pid == 0) || !faults_hit(FAULTS_ALLOC)) {
            return 0;
        }

    } else {
        if (kind->pid != 0 && kind->pid != getpid()) {
            return 0;
        }

        n = __atomic_add_fetch(&kind->seen, 1, __ATOMIC_SEQ_CST);

        if (n % kind->every != 0) {
            return 0;
        }

        (void) __atomic_add_fetch(&kind->failed, 1, __ATOMIC_SEQ_CST);
    }

    faults_where();

    return 1;
}


static void
faults_live(const void *p, int n)
{
    if (p != NULL && faults != NULL && faults->live_pid != 0
        && faults->live_pid == getpid()
        && malloc_usable_size((void *) p) <= FAULTS_BLOCK)
    {
        (void) __atomic_add_fetch(&faults->live, n, __ATOMIC_SEQ_CST);
    }
}


#define FAULTS_ALLOC_CALL(name, args, pass)                                  \
                                                                             \
void *                                                                       \
name args                                                                    \
{                                                                            \
    void  *made;                                                             \
                                                                             \
    real(name);                                                              \
                                                                             \
    if (faults_alloc()) {                                                    \
        errno = ENOMEM;                                                      \
        return NULL;                                                         \
    }                                                                        \
                                                                             \
    made = real_ pass;                                                       \
    faults_live(made, 1);                                                    \
                                                                             \
    return made;                                                             \
}

FAULTS_ALLOC_CALL(malloc, (size_t size), (size))
FAULTS_ALLOC_CALL(calloc, (size_t n, size_t size), (n, size))
FAULTS_ALLOC_CALL(memalign, (size_t alignment, size_t size), (alignment, size))
FAULTS_ALLOC_CALL(aligned_alloc, (size_t alignment, size_t size),
                  (alignment, size))


void *
realloc(void *p, size_t size)
{
    void  *made;

    real(realloc);

    if (faults_alloc()) {
        errno = ENOMEM;
        return NULL;
    }

    faults_live(p, -1);

    made = real_(p, size);

    faults_live(made != NULL || size == 0 ? made : p, 1);

    return made;
}


int
posix_memalign(void **p, size_t alignment, size_t size)
{
    int  rc;

    real(posix_memalign);

    if (faults_alloc()) {
        return ENOMEM;
    }

    rc = real_(p, alignment, size);

    if (rc == 0) {
        faults_live(*p, 1);
    }

    return rc;
}


/* AddressSanitizer's would not come by here */

char *
strdup(const char *s)
{
    char    *p;
    size_t   n;

    n = strlen(s) + 1;
    p = malloc(n);

    return p != NULL ? memcpy(p, s, n) : NULL;
}


void
free(void *p)
{
    static volatile int   busy;    /* gcc takes dlsym() for a leaf */
    static void         (*real_)(void *p);

    if (real_ == NULL) {

        /* dlsym() frees what the dlsym() before it, that failed, had to say */

        if (busy) {
            return;
        }

        busy = 1;
        real_ = (void (*)(void *)) dlsym(RTLD_NEXT, "free");
        busy = 0;
    }

    faults_live(p, -1);
    real_(p);
}
