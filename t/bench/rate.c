
/*
 * rate: sends signed events, each under an id of its own, and can be the
 * target that they arrive at. For durable.pl; build: cc -O2 rate.c -lcrypto
 *
 *   rate send PORT PATH SECRET CONNECTIONS SECONDS RATE FIRST TARGET
 *
 *       RATE 0: each connection sends its next event when the last one was
 *       answered. Else so many are sent a second, on schedule, whatever has
 *       been answered, and all latencies count from when an event was to be
 *       sent. FIRST: the first event's number. TARGET: a port to listen on as
 *       the target, or 0.
 *
 *   rate fsync DIRECTORY N
 *
 *       N appends of 4 KiB to a file there, each with fdatasync().
 *
 * Says "name=value ..." in one line; times are microseconds, p999 is what 99.9
 * % of them are below.
 */


#define _GNU_SOURCE

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include <openssl/evp.h>
#include <openssl/hmac.h>


#define SIZE      8192
#define MAX       (8 * 1000 * 1000)      /* events */
#define LINGER    10000000000LL          /* ns to wait for what is missing */
#define ID_LEN    31
#define NUMBER    7                      /* of the id: in base 62, its end */


typedef enum { SENDER, LISTENER, TARGET, TIMER } kind_e;

typedef struct conn_s {
    kind_e          kind;
    int             fd;
    uint32_t        event;               /* SENDER: under way */
    int             busy;
    struct conn_s  *next;                /* SENDER: free ones */
    size_t          n;
    char            in[SIZE];
} conn_t;


static const char  base62[] =
    "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

static int       ep, port, target;
static char     *path;
static unsigned char  key[64];
static int       key_len;
static int64_t   first;
static double    rate;

static int64_t  *planned;                /* by event: ns */
static uint32_t *answer, *arrival, *late;
static int64_t   sent, answered, arrived, again, errors;
static conn_t   *spare;
static int64_t   start, end;


static __attribute__((noreturn)) void
die(const char *what)
{
    perror(what);
    exit(1);
}


/* zeros */

static void *
room(size_t n, size_t size)
{
    void  *p;

    p = calloc(n, size);
    if (p != NULL) {
        return p;
    }

    die("calloc");
}


static int64_t
now(void)
{
    struct timespec  ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);

    return (int64_t) ts.tv_sec * 1000000000 + ts.tv_nsec;
}


static void
digits(char *to, int n, uint64_t value)
{
    while (n--) {
        to[n] = base62[value % 62];
        value /= 62;
    }
}


static uint64_t
mix(uint64_t x)
{
    x += 0x9e3779b97f4a7c15;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
    x = (x ^ (x >> 27)) * 0x94d049bb133111eb;

    return x ^ (x >> 31);
}


/* as a KSUID: the second, then what is random; here its end is the number */

static void
make_id(char *id, int64_t number, time_t at)
{
    memcpy(id, "msg_", 4);
    digits(id + 4, 6, at);
    digits(id + 10, 14, mix(number ^ (uint64_t) at << 24));
    digits(id + ID_LEN - NUMBER, NUMBER, number);
    id[ID_LEN] = '\0';
}


static int64_t
number_of(const char *id)
{
    int          i;
    int64_t      number;
    const char  *p;

    number = 0;

    for (i = ID_LEN - NUMBER; i < ID_LEN; i++) {
        p = id[i] ? strchr(base62, id[i]) : NULL;

        if (p == NULL) {
            return -1;
        }

        number = number * 62 + (p - base62);
    }

    return number;
}


static void
watch(conn_t *c, uint32_t events)
{
    struct epoll_event  ev;

    ev.events = events;
    ev.data.ptr = c;

    if (epoll_ctl(ep, EPOLL_CTL_ADD, c->fd, &ev) == -1) {
        die("epoll_ctl");
    }
}


static void
no_delay(int fd)
{
    int  one = 1;

    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
}


static void
dial(conn_t *c)
{
    struct sockaddr_in  to;

    memset(&to, 0, sizeof(to));
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);

    c->fd = socket(AF_INET, SOCK_STREAM, 0);

    if (c->fd == -1 || connect(c->fd, (struct sockaddr *) &to, sizeof(to))) {
        die("connect");
    }

    no_delay(c->fd);
    fcntl(c->fd, F_SETFL, O_NONBLOCK);
    watch(c, EPOLLIN);

    c->n = 0;
}


static void
post(conn_t *c, int64_t at)
{
    int            body_len, n;
    char           id[ID_LEN + 1], body[512], mac64[64], out[2048];
    time_t         seconds;
    int64_t        number;
    unsigned int   mac_len;
    unsigned char  mac[EVP_MAX_MD_SIZE];

    c->event = sent++;
    c->busy = 1;
    planned[c->event] = at;
    late[c->event] = (now() - at) / 1000;

    number = first + c->event;
    seconds = time(NULL);

    make_id(id, number, seconds);

    /* id, time and body stand as they are signed */

    n = snprintf(out, sizeof(out), "%s.%lld.", id, (long long) seconds);
    body_len = snprintf(body, sizeof(body),
        "{\"id\":\"evt_12345\",\"type\":\"intercom.recorder.recorded\","
        "\"created_at\":\"2025-09-09T12:00:00Z\",\"data\":{\"conversationId\":"
        "\"21547068%07d\",\"jamId\":\"9573a43b-3ec9-49ab-b7e4-bf6cfc4bdfc\","
        "\"recording_url\":\"https://jam.dev/r/rec_12345\"}}",
        (int) (number % 10000000));
    memcpy(out + n, body, body_len);

    HMAC(EVP_sha256(), key, key_len, (unsigned char *) out, n + body_len, mac,
         &mac_len);
    EVP_EncodeBlock((unsigned char *) mac64, mac, mac_len);

    n = snprintf(out, sizeof(out),
        "POST %s HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        "Content-Type: application/json\r\nContent-Length: %d\r\n"
        "svix-id: %s\r\nsvix-timestamp: %lld\r\nsvix-signature: v1,%s\r\n\r\n"
        "%s", path, body_len, id, (long long) seconds, mac64, body);

    if (write(c->fd, out, n) != n) {
        die("write");
    }
}


static uint32_t
since(int64_t event)
{
    return (now() - planned[event]) / 1000;
}


/* the bytes of a whole message in the buffer, or 0; bodies are not large */

static size_t
whole(conn_t *c)
{
    char   *head, *p;
    size_t  n;

    c->in[c->n] = '\0';
    head = strstr(c->in, "\r\n\r\n");

    if (head == NULL) {
        return 0;
    }

    p = strcasestr(c->in, "\r\ncontent-length:");
    n = head + 4 - c->in + (p && p < head ? atoi(p + 17) : 0);

    return c->n >= n ? n : 0;
}


static void
answer_came(conn_t *c, size_t n)
{
    if (!c->busy || n != c->n) {
        (void) fprintf(stderr, "an answer to nothing\n");
        exit(1);
    }

    c->busy = 0;
    c->n = 0;
    answer[answered++] = since(c->event);

    if (strncmp(c->in, "HTTP/1.1 200", 12) != 0) {
        if (errors++ == 0) {
            (void) fprintf(stderr, "%s\n", c->in);
        }
    }

    if (rate == 0 && now() < end) {
        post(c, now());
        return;
    }

    c->next = spare;
    spare = c;
}


static void
event_came(conn_t *c, size_t n)
{
    char        *id;
    int64_t      event;

    static char  ok[] = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                        "Content-Length: 11\r\n\r\n{\"ok\":true}";

    id = strcasestr(c->in, "\r\nwebhook-id: ");

    if (id) {
        id += 14;

    } else {
        id = strcasestr(c->in, "\r\nsvix-id: ");
        id = id ? id + 11 : "";
    }

    event = strlen(id) < ID_LEN ? -1 : number_of(id) - first;

    /* others are of a round before */

    if (event >= 0 && event < sent) {
        if (arrival[event]) {
            again++;

        } else {
            arrival[event] = since(event) + 1;
            arrived++;
        }
    }

    if (write(c->fd, ok, sizeof(ok) - 1) != sizeof(ok) - 1) {
        die("write");
    }

    memmove(c->in, c->in + n, c->n - n);
    c->n -= n;
}


static void
take(conn_t *c)
{
    int      one = 1;
    conn_t  *new;

    new = room(1, sizeof(conn_t));
    new->kind = TARGET;
    new->fd = accept4(c->fd, NULL, NULL, SOCK_NONBLOCK);

    if (new->fd == -1) {
        free(new);
        return;
    }

    setsockopt(new->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    watch(new, EPOLLIN);
}


static void
readable(conn_t *c)
{
    size_t   n;
    ssize_t  got;

    got = read(c->fd, c->in + c->n, SIZE - 1 - c->n);

    if (got == -1 && errno == EAGAIN) {
        return;
    }

    if (got <= 0) {
        close(c->fd);

        if (c->kind == TARGET) {
            free(c);
            return;
        }

        if (c->busy) {
            (void) fprintf(stderr,
                           "a connection was closed without an answer\n");
            exit(1);
        }

        dial(c);
        return;
    }

    c->n += got;

    while ((n = whole(c))) {
        if (c->kind == SENDER) {
            answer_came(c, n);

        } else {
            event_came(c, n);
        }
    }
}


static int
listen_on(int at)
{
    int                 fd, one = 1;
    struct sockaddr_in  to;

    memset(&to, 0, sizeof(to));
    to.sin_family = AF_INET;
    to.sin_port = htons(at);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);

    fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));

    if (bind(fd, (struct sockaddr *) &to, sizeof(to)) || listen(fd, 1024)) {
        die("listen");
    }

    return fd;
}


static int
by_value(const void *a, const void *b)
{
    uint32_t  x = *(const uint32_t *) a, y = *(const uint32_t *) b;

    return (x > y) - (x < y);
}


static void
say(const char *name, uint32_t *of, int64_t n)
{
    if (n == 0) {
        return;
    }

    qsort(of, n, sizeof(uint32_t), by_value);

    printf(" %s10=%u %s25=%u %s50=%u %s75=%u", name, of[n / 10],
           name, of[n / 4], name, of[n / 2], name, of[n * 3 / 4]);
    printf(" %s90=%u %s95=%u %s99=%u %s999=%u %smax=%u", name, of[n * 9 / 10],
           name, of[n * 95 / 100], name, of[n * 99 / 100],
           name, of[n * 999 / 1000], name, of[n - 1]);
}


static void
arm(int fd, int64_t at)
{
    struct itimerspec  it;

    memset(&it, 0, sizeof(it));
    it.it_value.tv_sec = at / 1000000000;
    it.it_value.tv_nsec = at % 1000000000;

    timerfd_settime(fd, TFD_TIMER_ABSTIME, &it, NULL);
}


static int
run(char **arg)
{
    int                  i, n, connections, missing;
    char                *secret;
    double               seconds;
    conn_t              *c, timer, listener;
    int64_t              t, last, total, j, k;
    uint64_t             ticks;
    struct epoll_event   events[64];

    port = atoi(arg[0]);
    path = arg[1];
    secret = strchr(arg[2], '_') + 1;
    connections = atoi(arg[3]);
    seconds = atof(arg[4]);
    rate = atof(arg[5]);
    first = atoll(arg[6]);
    target = atoi(arg[7]);

    key_len = EVP_DecodeBlock(key, (unsigned char *) secret, strlen(secret));
    key_len -= (secret[strlen(secret) - 1] == '=')
               + (secret[strlen(secret) - 2] == '=');

    planned = room(MAX, sizeof(int64_t));
    answer = room(MAX, sizeof(uint32_t));
    arrival = room(MAX, sizeof(uint32_t));
    late = room(MAX, sizeof(uint32_t));

    ep = epoll_create1(0);

    if (target) {
        listener.kind = LISTENER;
        listener.fd = listen_on(target);
        watch(&listener, EPOLLIN);
    }

    for (i = 0; i < connections; i++) {
        c = room(1, sizeof(conn_t));
        c->kind = SENDER;
        dial(c);
        c->next = spare;
        spare = c;
    }

    start = now();
    end = start + seconds * 1e9;
    total = rate ? seconds * rate : MAX - connections;

    timer.kind = TIMER;
    timer.fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
    watch(&timer, EPOLLIN);

    last = 0;

    while (rate == 0 && spare) {
        c = spare;
        spare = c->next;
        post(c, now());
    }

    for ( ;; ) {

        /* what is to be sent by now and has a connection */

        t = now();

        while (rate && sent < total && spare
               && (j = start + sent * 1e9 / rate) <= t)
        {
            c = spare;
            spare = c->next;
            post(c, j);
        }

        missing = answered < sent || (target && arrived < sent);

        if (rate ? sent == total : t >= end) {
            if (!missing || t > end + LINGER) {
                break;
            }

            arm(timer.fd, t + 10000000);

        } else if (rate) {
            j = start + sent * 1e9 / rate;

            /* with none free an answer wakes us */

            arm(timer.fd, spare ? j : t + 10000000);

        } else {
            arm(timer.fd, end);
        }

        n = epoll_wait(ep, events, 64, -1);

        for (i = 0; i < n; i++) {
            c = events[i].data.ptr;

            switch (c->kind) {

            case TIMER:
                if (read(c->fd, &ticks, sizeof(ticks)) == -1) { /* void */ }
                break;

            case LISTENER:
                take(c);
                break;

            default:
                j = answered;
                readable(c);

                if (answered > j) {
                    last = now();
                }
            }
        }
    }

    printf("sent=%lld answered=%lld errors=%lld us=%lld arrived=%lld"
           " again=%lld", (long long) sent, (long long) answered,
           (long long) errors, (long long) (last - start) / 1000,
           (long long) arrived, (long long) again);

    for (j = k = 0; j < sent; j++) {
        if (arrival[j]) {
            arrival[k++] = arrival[j] - 1;
        }
    }

    say("p", answer, answered);
    say("a", arrival, k);
    say("late", late, sent);
    printf("\n");

    return 0;
}


static int
sync_file(char **arg)
{
    int        fd, i, n;
    char       name[4096], block[4096];
    int64_t    t;
    uint32_t  *took;

    n = atoi(arg[1]);
    took = room(n, sizeof(uint32_t));
    memset(block, 'x', sizeof(block));
    (void) snprintf(name, sizeof(name), "%s/fsync.%d", arg[0], (int) getpid());

    fd = open(name, O_CREAT | O_EXCL | O_WRONLY | O_APPEND, 0600);

    if (fd == -1) {
        die(name);
    }

    unlink(name);

    for (i = 0; i < n; i++) {
        t = now();

        if (write(fd, block, sizeof(block)) != sizeof(block) || fdatasync(fd)) {
            die("fdatasync");
        }

        took[i] = (now() - t) / 1000;
    }

    printf("n=%d", n);
    say("p", took, n);
    printf("\n");

    return 0;
}


int
main(int argc, char **argv)
{
    if (argc == 10 && strcmp(argv[1], "send") == 0) {
        return run(argv + 2);
    }

    if (argc == 4 && strcmp(argv[1], "fsync") == 0) {
        return sync_file(argv + 2);
    }

    (void) fprintf(stderr, "rate send PORT PATH SECRET CONNECTIONS SECONDS RATE"
                   " FIRST TARGET\nrate fsync DIRECTORY N\n");

    return 2;
}
