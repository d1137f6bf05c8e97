
#include "ngx_http_jamhook_pgsql.h"
#include "ngx_http_jamhook_clock.h"
#include "ngx_http_jamhook_text.h"

#include <arpa/inet.h>
#include <poll.h>


/* of an array: dimensions, NULLs, type, elements, lower bound */

#define NGX_HTTP_JAMHOOK_PGSQL_HEADER    20
#define NGX_HTTP_JAMHOOK_PGSQL_ARRAY     1024        /* bytes at first */

/* types' numbers, which never change */

#define NGX_HTTP_JAMHOOK_PGSQL_BYTEA     17
#define NGX_HTTP_JAMHOOK_PGSQL_INT8      20
#define NGX_HTTP_JAMHOOK_PGSQL_TEXT      25


/* SQLSTATEs that begin so are of one kind; the first one that fits counts */

typedef struct {
    char                        *state;
    ngx_http_jamhook_failure_e   kind;
} ngx_http_jamhook_pgsql_kind_t;


static void ngx_http_jamhook_pgsql_put32(u_char *p, uint32_t value);
static void ngx_http_jamhook_pgsql_put64(u_char *p, int64_t value);
static void ngx_http_jamhook_pgsql_value(ngx_http_jamhook_pgsql_query_t *q,
    const void *value, size_t len);
static ngx_int_t ngx_http_jamhook_pgsql_mend(ngx_http_jamhook_pgsql_t *s,
    ngx_str_t *value, ngx_str_t *mended);
static size_t ngx_http_jamhook_pgsql_mended(ngx_str_t *value, u_char *dst);
static u_char *ngx_http_jamhook_pgsql_element(
    ngx_http_jamhook_pgsql_query_t *q, ngx_http_jamhook_pgsql_array_t *a,
    ngx_int_t len);
static ngx_int_t ngx_http_jamhook_pgsql_reserve(
    ngx_http_jamhook_pgsql_query_t *q, ngx_http_jamhook_pgsql_array_t *a,
    size_t len);
static void ngx_http_jamhook_pgsql_array(ngx_http_jamhook_pgsql_query_t *q,
    ngx_http_jamhook_pgsql_array_t *a, uint32_t type);
static ngx_http_jamhook_pgsql_sent_t *ngx_http_jamhook_pgsql_sent(
    ngx_http_jamhook_pgsql_t *s, ngx_http_jamhook_pgsql_e sql);
static ngx_int_t ngx_http_jamhook_pgsql_prepare(ngx_http_jamhook_pgsql_t *s,
    ngx_http_jamhook_pgsql_e sql, const char *name);
static ngx_int_t ngx_http_jamhook_pgsql_sync(ngx_http_jamhook_pgsql_t *s);
static PGresult *ngx_http_jamhook_pgsql_next(ngx_http_jamhook_pgsql_t *s);
static ngx_int_t ngx_http_jamhook_pgsql_wait(ngx_http_jamhook_pgsql_t *s,
    ngx_uint_t write);
static void ngx_http_jamhook_pgsql_answer(ngx_http_jamhook_pgsql_t *s,
    ngx_http_jamhook_pgsql_sent_t *sent, PGresult *res);
static ngx_int_t ngx_http_jamhook_pgsql_round_trip(
    ngx_http_jamhook_pgsql_t *s);


static ngx_http_jamhook_pgsql_kind_t  ngx_http_jamhook_pgsql_kinds[] = {
    { "08",    NGX_HTTP_JAMHOOK_STORE_AWAY },
    { "57P",   NGX_HTTP_JAMHOOK_STORE_AWAY },        /* it shuts down, starts */
    { "53300", NGX_HTTP_JAMHOOK_STORE_AWAY },        /* too many connections */
    { "23",    NGX_HTTP_JAMHOOK_STORE_CORRUPT },     /* others' changes */
    { "25P03", NGX_HTTP_JAMHOOK_STORE_AWAY },        /* idle for too long */
    { "57014", NGX_HTTP_JAMHOOK_STORE_BUSY },        /* cancelled */
    { "55P03", NGX_HTTP_JAMHOOK_STORE_BUSY },        /* a lock */
    { "25006", NGX_HTTP_JAMHOOK_STORE_READONLY },
    { "53100", NGX_HTTP_JAMHOOK_STORE_NOSPC },
    { "53200", NGX_HTTP_JAMHOOK_STORE_MEMORY },
    { "42501", NGX_HTTP_JAMHOOK_STORE_DENIED },
    { "28",    NGX_HTTP_JAMHOOK_STORE_DENIED },
    { "3D000", NGX_HTTP_JAMHOOK_STORE_CANTOPEN },    /* no such database */
    { "3F000", NGX_HTTP_JAMHOOK_STORE_CORRUPT },     /* nor schema, table, */
    { "42P01", NGX_HTTP_JAMHOOK_STORE_CORRUPT },
    { "42703", NGX_HTTP_JAMHOOK_STORE_CORRUPT },     /* column */
    { "XX001", NGX_HTTP_JAMHOOK_STORE_CORRUPT },
    { "XX002", NGX_HTTP_JAMHOOK_STORE_CORRUPT },
    { "",      NGX_HTTP_JAMHOOK_STORE_IO }
};


static int  ngx_http_jamhook_pgsql_formats[NGX_HTTP_JAMHOOK_PGSQL_PARAMS] = {
    1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
    1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1
};


void
ngx_http_jamhook_pgsql_query(ngx_http_jamhook_pgsql_query_t *q,
    ngx_http_jamhook_pgsql_t *s, ngx_http_jamhook_pgsql_e sql)
{
    q->s = s;
    q->sql = sql;
    q->n = 0;
    q->failed = 0;
}


static void
ngx_http_jamhook_pgsql_put32(u_char *p, uint32_t value)
{
    value = htonl(value);
    ngx_memcpy(p, &value, 4);
}


static void
ngx_http_jamhook_pgsql_put64(u_char *p, int64_t value)
{
    ngx_http_jamhook_pgsql_put32(p, (uint32_t) ((uint64_t) value >> 32));
    ngx_http_jamhook_pgsql_put32(p + 4, (uint32_t) value);
}


/* one more parameter; "value" is not copied */

static void
ngx_http_jamhook_pgsql_value(ngx_http_jamhook_pgsql_query_t *q,
    const void *value, size_t len)
{
    q->values[q->n] = value;
    q->lengths[q->n] = (int) len;
    q->n++;
}


void
ngx_http_jamhook_pgsql_time(ngx_http_jamhook_pgsql_query_t *q)
{
    if (ngx_http_jamhook_pgsql_fake_clock) {
        ngx_http_jamhook_pgsql_int(q, q->s->clock->now);

    } else {
        ngx_http_jamhook_pgsql_null(q);
    }
}


void
ngx_http_jamhook_pgsql_int(ngx_http_jamhook_pgsql_query_t *q, int64_t value)
{
    u_char  *p;

    p = q->ints[q->n];

    ngx_http_jamhook_pgsql_put64(p, value);
    ngx_http_jamhook_pgsql_value(q, p, 8);
}


void
ngx_http_jamhook_pgsql_null(ngx_http_jamhook_pgsql_query_t *q)
{
    ngx_http_jamhook_pgsql_value(q, NULL, 0);
}


void
ngx_http_jamhook_pgsql_text(ngx_http_jamhook_pgsql_query_t *q,
    ngx_str_t *value)
{
    ngx_str_t  mended;

    if (ngx_http_jamhook_pgsql_mend(q->s, value, &mended) != NGX_OK) {
        q->failed = 1;
    }

    ngx_http_jamhook_pgsql_bytes(q, &mended);
}


void
ngx_http_jamhook_pgsql_bytes(ngx_http_jamhook_pgsql_query_t *q,
    ngx_str_t *value)
{
    /* libpq takes NULL for NULL, however long it is */

    ngx_http_jamhook_pgsql_value(q, value->data, value->len);
}


/* *mended is *value itself, unless it has to be mended */

static ngx_int_t
ngx_http_jamhook_pgsql_mend(ngx_http_jamhook_pgsql_t *s, ngx_str_t *value,
    ngx_str_t *mended)
{
    size_t  len;

    *mended = *value;

    if (value->data == NULL) {
        return NGX_OK;
    }

    len = ngx_http_jamhook_pgsql_mended(value, NULL);

    if (len == 0) {
        return NGX_OK;
    }

    mended->data = ngx_palloc(s->scratch, len);

    if (mended->data == NULL) {
        ngx_str_null(mended);
        return NGX_ERROR;
    }

    mended->len = ngx_http_jamhook_pgsql_mended(value, mended->data);

    return NGX_OK;
}


/* the length of what is mended, 0: nothing is to be; written where dst is */

static size_t
ngx_http_jamhook_pgsql_mended(ngx_str_t *value, u_char *dst)
{
    size_t      len, n;
    u_char     *p, *last;
    ngx_uint_t  bad;

    len = 0;
    bad = 0;
    p = value->data;
    last = p + value->len;

    while (p < last) {
        n = *p ? ngx_http_jamhook_text_utf8(p, last - p) : 0;

        if (n == 0) {
            bad = 1;
            p++;
            len += 3;

            if (dst) {
                dst = ngx_cpymem(dst, "\xef\xbf\xbd", 3);
            }

            continue;
        }

        if (dst) {
            dst = ngx_cpymem(dst, p, n);
        }

        p += n;
        len += n;
    }

    return bad ? len : 0;
}


void
ngx_http_jamhook_pgsql_array_int(ngx_http_jamhook_pgsql_query_t *q,
    ngx_http_jamhook_pgsql_array_t *a, int64_t value)
{
    u_char  *p;

    p = ngx_http_jamhook_pgsql_element(q, a, 8);

    if (p != NULL) {
        ngx_http_jamhook_pgsql_put64(p, value);
    }
}


void
ngx_http_jamhook_pgsql_array_text(ngx_http_jamhook_pgsql_query_t *q,
    ngx_http_jamhook_pgsql_array_t *a, ngx_str_t *value)
{
    ngx_str_t  mended;

    if (ngx_http_jamhook_pgsql_mend(q->s, value, &mended) != NGX_OK) {
        q->failed = 1;
    }

    ngx_http_jamhook_pgsql_array_bytes(q, a, &mended);
}


void
ngx_http_jamhook_pgsql_array_bytes(ngx_http_jamhook_pgsql_query_t *q,
    ngx_http_jamhook_pgsql_array_t *a, ngx_str_t *value)
{
    u_char  *p;

    if (value->data == NULL) {
        (void) ngx_http_jamhook_pgsql_element(q, a, -1);
        a->nulls = 1;
        return;
    }

    p = ngx_http_jamhook_pgsql_element(q, a, value->len);

    if (p != NULL && value->len != 0) {
        ngx_memcpy(p, value->data, value->len);
    }
}


/* room for an element's bytes; -1: it is NULL */

static u_char *
ngx_http_jamhook_pgsql_element(ngx_http_jamhook_pgsql_query_t *q,
    ngx_http_jamhook_pgsql_array_t *a, ngx_int_t len)
{
    u_char  *p;
    size_t   size;

    size = (len < 0) ? 0 : len;

    if (ngx_http_jamhook_pgsql_reserve(q, a, 4 + size) != NGX_OK) {
        return NULL;
    }

    ngx_http_jamhook_pgsql_put32(a->last, (uint32_t) len);

    p = a->last + 4;

    a->last = p + size;
    a->n++;

    return p;
}


static ngx_int_t
ngx_http_jamhook_pgsql_reserve(ngx_http_jamhook_pgsql_query_t *q,
    ngx_http_jamhook_pgsql_array_t *a, size_t len)
{
    size_t   used, size;
    u_char  *p;

    if (a->start != NULL && (size_t) (a->end - a->last) >= len) {
        return NGX_OK;
    }

    used = a->start ? (size_t) (a->last - a->start)
                    : NGX_HTTP_JAMHOOK_PGSQL_HEADER;
    size = ngx_max(2 * used, NGX_HTTP_JAMHOOK_PGSQL_ARRAY);

    while (size - used < len) {
        size *= 2;
    }

    p = ngx_palloc(q->s->scratch, size);

    if (p == NULL) {
        q->failed = 1;
        return NGX_ERROR;
    }

    if (a->start != NULL) {
        ngx_memcpy(p, a->start, used);
    }

    a->start = p;
    a->last = p + used;
    a->end = p + size;

    return NGX_OK;
}


void
ngx_http_jamhook_pgsql_ints(ngx_http_jamhook_pgsql_query_t *q,
    ngx_http_jamhook_pgsql_array_t *a)
{
    ngx_http_jamhook_pgsql_array(q, a, NGX_HTTP_JAMHOOK_PGSQL_INT8);
}


void
ngx_http_jamhook_pgsql_texts(ngx_http_jamhook_pgsql_query_t *q,
    ngx_http_jamhook_pgsql_array_t *a)
{
    ngx_http_jamhook_pgsql_array(q, a, NGX_HTTP_JAMHOOK_PGSQL_TEXT);
}


void
ngx_http_jamhook_pgsql_byteses(ngx_http_jamhook_pgsql_query_t *q,
    ngx_http_jamhook_pgsql_array_t *a)
{
    ngx_http_jamhook_pgsql_array(q, a, NGX_HTTP_JAMHOOK_PGSQL_BYTEA);
}


static void
ngx_http_jamhook_pgsql_array(ngx_http_jamhook_pgsql_query_t *q,
    ngx_http_jamhook_pgsql_array_t *a, uint32_t type)
{
    size_t  len;

    if (ngx_http_jamhook_pgsql_reserve(q, a, 0) != NGX_OK) {
        ngx_http_jamhook_pgsql_null(q);
        return;
    }

    ngx_http_jamhook_pgsql_put32(a->start, a->n ? 1 : 0);
    ngx_http_jamhook_pgsql_put32(a->start + 4, a->nulls);
    ngx_http_jamhook_pgsql_put32(a->start + 8, type);
    ngx_http_jamhook_pgsql_put32(a->start + 12, a->n);
    ngx_http_jamhook_pgsql_put32(a->start + 16, 1);

    /* an empty one has no dimension */

    len = a->n ? (size_t) (a->last - a->start) : 12;

    ngx_http_jamhook_pgsql_value(q, a->start, len);
}


ngx_int_t
ngx_http_jamhook_pgsql_send(ngx_http_jamhook_pgsql_query_t *q,
    ngx_http_jamhook_pgsql_reader_pt reader, void *data)
{
    char                            name[16];
    ngx_http_jamhook_pgsql_t       *s;
    ngx_http_jamhook_pgsql_sent_t  *sent;

    s = q->s;

    if (q->failed) {
        return ngx_http_jamhook_pgsql_fail_memory(s);
    }

    if (s->nsent + 2 > NGX_HTTP_JAMHOOK_PGSQL_SENT
        && ngx_http_jamhook_pgsql_flush(s) != NGX_OK)
    {
        return NGX_ERROR;
    }

    (void) snprintf(name, sizeof(name), "jamhook%d", (int) q->sql);

    if (ngx_http_jamhook_pgsql_prepare(s, q->sql, name) != NGX_OK) {
        return NGX_ERROR;
    }

    if (PQsendQueryPrepared(s->db, name, q->n, q->values, q->lengths,
                            ngx_http_jamhook_pgsql_formats, 1)
        != 1)
    {
        return ngx_http_jamhook_pgsql_fail_connection(s);
    }

    sent = ngx_http_jamhook_pgsql_sent(s, q->sql);

    sent->reader = reader;
    sent->data = data;

    return NGX_OK;
}


static ngx_http_jamhook_pgsql_sent_t *
ngx_http_jamhook_pgsql_sent(ngx_http_jamhook_pgsql_t *s,
    ngx_http_jamhook_pgsql_e sql)
{
    ngx_http_jamhook_pgsql_sent_t  *sent;

    sent = &s->sent[s->nsent++];

    ngx_memzero(sent, sizeof(ngx_http_jamhook_pgsql_sent_t));

    sent->sql = sql;

    return sent;
}


/* with its first use, in the same round trip */

static ngx_int_t
ngx_http_jamhook_pgsql_prepare(ngx_http_jamhook_pgsql_t *s,
    ngx_http_jamhook_pgsql_e sql, const char *name)
{
    if (s->prepared[sql]) {
        return NGX_OK;
    }

    if (PQsendPrepare(s->db, name, ngx_http_jamhook_pgsql_sql[sql], 0, NULL)
        != 1)
    {
        return ngx_http_jamhook_pgsql_fail_connection(s);
    }

    /* the next one of this pipeline need not; answer() takes it back */

    s->prepared[sql] = 1;

    ngx_http_jamhook_pgsql_sent(s, sql)->prepare = 1;

    return NGX_OK;
}


ngx_int_t
ngx_http_jamhook_pgsql_flush(ngx_http_jamhook_pgsql_t *s)
{
    if (s->nsent == 0) {
        return NGX_OK;
    }

    return ngx_http_jamhook_pgsql_round_trip(s);
}


static ngx_int_t
ngx_http_jamhook_pgsql_round_trip(ngx_http_jamhook_pgsql_t *s)
{
    PGresult                       *res;
    ngx_uint_t                      i, n;
    ngx_http_jamhook_pgsql_sent_t  *sent;

    n = s->nsent;
    s->nsent = 0;

    if (s->broken) {
        return ngx_http_jamhook_pgsql_fail_connection(s);
    }

    if (ngx_http_jamhook_pgsql_sync(s) != NGX_OK) {
        return NGX_ERROR;
    }

    for (i = 0; i < n; i++) {
        sent = &s->sent[i];

        s->committing = (sent->sql == NGX_HTTP_JAMHOOK_PGSQL_COMMIT
                         && !sent->prepare);

        res = ngx_http_jamhook_pgsql_next(s);

        if (res == NULL) {
            return ngx_http_jamhook_pgsql_fail_connection(s);
        }

        ngx_http_jamhook_pgsql_answer(s, sent, res);

        /* the end of this statement's results */

        if (!s->broken) {
            res = ngx_http_jamhook_pgsql_next(s);

            if (res != NULL) {
                PQclear(res);
                return ngx_http_jamhook_pgsql_fail_connection(s);
            }
        }

        if (s->broken) {
            return ngx_http_jamhook_pgsql_fail_connection(s);
        }
    }

    res = ngx_http_jamhook_pgsql_next(s);

    if (res == NULL || PQresultStatus(res) != PGRES_PIPELINE_SYNC) {
        PQclear(res);
        return ngx_http_jamhook_pgsql_fail_connection(s);
    }

    PQclear(res);

    return s->failed ? NGX_ERROR : NGX_OK;
}


static ngx_int_t
ngx_http_jamhook_pgsql_sync(ngx_http_jamhook_pgsql_t *s)
{
    int  rc;

    if (PQpipelineSync(s->db) != 1) {
        return ngx_http_jamhook_pgsql_fail_connection(s);
    }

    /*
     * While much is sent, answers are taken, too: the server may wait for that
     * before it reads on.
     */

    for ( ;; ) {
        rc = PQflush(s->db);

        if (rc == 0) {
            return NGX_OK;
        }

        if (rc < 0) {
            return ngx_http_jamhook_pgsql_fail_connection(s);
        }

        if (ngx_http_jamhook_pgsql_wait(s, 1) != NGX_OK) {
            return NGX_ERROR;
        }
    }
}


/* waits for the next result; NULL: the statement has no more, or a failure */

static PGresult *
ngx_http_jamhook_pgsql_next(ngx_http_jamhook_pgsql_t *s)
{
    while (PQisBusy(s->db)) {

        if (ngx_http_jamhook_pgsql_wait(s, 0) != NGX_OK) {
            return NULL;
        }
    }

    return PQgetResult(s->db);
}


static ngx_int_t
ngx_http_jamhook_pgsql_wait(ngx_http_jamhook_pgsql_t *s, ngx_uint_t write)
{
    int            rc;
    int64_t        left;
    struct pollfd  pfd;

    pfd.fd = PQsocket(s->db);
    pfd.events = write ? POLLIN|POLLOUT : POLLIN;
    pfd.revents = 0;

    if (pfd.fd == -1) {
        return ngx_http_jamhook_pgsql_fail_connection(s);
    }

    for ( ;; ) {
        left = s->deadline - ngx_http_jamhook_clock_mono();

        if (left <= 0) {
            s->broken = 1;
            return ngx_http_jamhook_pgsql_fail_text(s,
                                              NGX_HTTP_JAMHOOK_STORE_AWAY,
                                              "the server did not answer in"
                                              " time");
        }

        rc = poll(&pfd, 1, (int) left);

        if (rc > 0) {
            break;
        }

        if (rc < 0 && errno != EINTR) {
            return ngx_http_jamhook_pgsql_fail_connection(s);
        }
    }

    if ((pfd.revents & ~POLLOUT) && PQconsumeInput(s->db) != 1) {
        return ngx_http_jamhook_pgsql_fail_connection(s);
    }

    return NGX_OK;
}


/* takes the result */

static void
ngx_http_jamhook_pgsql_answer(ngx_http_jamhook_pgsql_t *s,
    ngx_http_jamhook_pgsql_sent_t *sent, PGresult *res)
{
    char  *state;

    switch (PQresultStatus(res)) {

    case PGRES_COMMAND_OK:
    case PGRES_TUPLES_OK:

        if (s->failed || sent->prepare) {
            break;
        }

        if (sent->keep) {
            *(PGresult **) sent->data = res;
            return;
        }

        if (sent->reader == NULL) {
            break;
        }

        if (sent->reader(s, res, sent->data) != NGX_OK) {
            ngx_http_jamhook_pgsql_set_failure(s, NGX_HTTP_JAMHOOK_STORE_BUSY,
                                               "it was given up");
        }

        break;

    case PGRES_PIPELINE_ABORTED:

        /* one before it failed */

        if (sent->prepare) {
            s->prepared[sent->sql] = 0;
        }

        if (!s->failed) {
            (void) ngx_http_jamhook_pgsql_fail_text(s,
                                               NGX_HTTP_JAMHOOK_STORE_IO,
                                               "the pipeline was aborted");
        }

        break;

    default:

        if (sent->prepare) {
            s->prepared[sent->sql] = 0;
        }

        (void) ngx_http_jamhook_pgsql_fail_result(s, res);

        /*
         * The server has ended the session, and said so in place of the
         * answer: it did not get as far as the COMMIT behind it.
         */

        state = PQresultErrorField(res, PG_DIAG_SQLSTATE);

        if (state && ngx_strncmp(state, "57P", 3) == 0
            && sent->sql != NGX_HTTP_JAMHOOK_PGSQL_COMMIT)
        {
            s->again = 1;
        }
    }

    PQclear(res);
}


PGresult *
ngx_http_jamhook_pgsql_ask(ngx_http_jamhook_pgsql_query_t *q)
{
    PGresult  *res;

    res = NULL;

    if (ngx_http_jamhook_pgsql_send(q, NULL, &res) != NGX_OK) {
        return NULL;
    }

    q->s->sent[q->s->nsent - 1].keep = 1;

    if (ngx_http_jamhook_pgsql_flush(q->s) != NGX_OK) {
        PQclear(res);
        return NULL;
    }

    return res;
}


PGresult *
ngx_http_jamhook_pgsql_exec(ngx_http_jamhook_pgsql_t *s, const char *sql)
{
    PGresult                       *res;
    ngx_http_jamhook_pgsql_sent_t  *sent;

    res = NULL;

    if (ngx_http_jamhook_pgsql_flush(s) != NGX_OK) {
        return NULL;
    }

    if (PQsendQueryParams(s->db, sql, 0, NULL, NULL, NULL, NULL, 1) != 1) {
        (void) ngx_http_jamhook_pgsql_fail_connection(s);
        return NULL;
    }

    sent = ngx_http_jamhook_pgsql_sent(s, NGX_HTTP_JAMHOOK_PGSQL_N);

    sent->data = &res;
    sent->keep = 1;

    if (ngx_http_jamhook_pgsql_flush(s) != NGX_OK) {
        PQclear(res);
        return NULL;
    }

    return res;
}


int64_t
ngx_http_jamhook_pgsql_column(PGresult *res, int row, int column)
{
    int       i, len;
    u_char   *p;
    uint64_t  value;

    if (PQgetisnull(res, row, column)) {
        return 0;
    }

    p = (u_char *) PQgetvalue(res, row, column);
    len = PQgetlength(res, row, column);

    if (len < 1 || len > 8) {
        return 0;
    }

    /* its sign goes on to the left */

    value = (len > 1 && (p[0] & 0x80)) ? UINT64_MAX : 0;

    for (i = 0; i < len; i++) {
        value = (value << 8) | p[i];
    }

    return (int64_t) value;
}


void
ngx_http_jamhook_pgsql_string(PGresult *res, int row, int column,
    ngx_str_t *value)
{
    if (PQgetisnull(res, row, column)) {
        ngx_str_null(value);
        return;
    }

    value->data = (u_char *) PQgetvalue(res, row, column);
    value->len = PQgetlength(res, row, column);
}


ngx_int_t
ngx_http_jamhook_pgsql_copy(ngx_http_jamhook_pgsql_t *s, ngx_pool_t *pool,
    PGresult *res, int row, int column, ngx_str_t *value)
{
    u_char     *p;
    ngx_str_t   from;

    ngx_http_jamhook_pgsql_string(res, row, column, &from);

    *value = from;

    if (from.data == NULL) {
        return NGX_OK;
    }

    p = ngx_pnalloc(pool, from.len + 1);

    if (p == NULL) {
        return ngx_http_jamhook_pgsql_fail_memory(s);
    }

    value->data = p;

    p = ngx_cpymem(p, from.data, from.len);
    *p = '\0';

    return NGX_OK;
}


void
ngx_http_jamhook_pgsql_set_failure(ngx_http_jamhook_pgsql_t *s,
    ngx_http_jamhook_failure_e kind, const char *text)
{
    u_char  *p, *last;

    if (s->failed) {
        return;
    }

    s->failed = 1;
    s->failure->kind = kind;

    p = s->failure->text;
    last = p + sizeof(s->failure->text) - 1;

    /* messages have lines: one for each host that was tried, say */

    while (*text && p < last) {

        if (*text != '\n') {
            *p++ = *text++;
            continue;
        }

        do { text++; } while (*text == '\n' || *text == ' ' || *text == '\t');

        if (*text) {
            *p++ = ';';
            p += (p < last) ? (*p = ' ', 1) : 0;
        }
    }

    *p = '\0';
}


ngx_int_t
ngx_http_jamhook_pgsql_fail_memory(ngx_http_jamhook_pgsql_t *s)
{
    ngx_http_jamhook_pgsql_set_failure(s, NGX_HTTP_JAMHOOK_STORE_MEMORY,
                                       "no memory");
    return NGX_ERROR;
}


ngx_int_t
ngx_http_jamhook_pgsql_fail_text(ngx_http_jamhook_pgsql_t *s,
    ngx_http_jamhook_failure_e kind, const char *text)
{
    ngx_http_jamhook_pgsql_set_failure(s, kind, text);
    return NGX_ERROR;
}


ngx_int_t
ngx_http_jamhook_pgsql_fail_result(ngx_http_jamhook_pgsql_t *s, PGresult *res)
{
    char                           *state, *text;
    ngx_http_jamhook_pgsql_kind_t  *k;

    state = PQresultErrorField(res, PG_DIAG_SQLSTATE);
    text = PQresultErrorField(res, PG_DIAG_MESSAGE_PRIMARY);

    if (state == NULL) {

        /* libpq's own: the connection is gone */

        return ngx_http_jamhook_pgsql_fail_connection(s);
    }

    for (k = ngx_http_jamhook_pgsql_kinds;
         ngx_strncmp(state, k->state, ngx_strlen(k->state)) != 0;
         k++)
    {
        /* void */
    }

    /* a deadlock, or what others changed meanwhile */

    if (ngx_strncmp(state, "40", 2) == 0) {
        s->again = 1;
    }

    /* it goes on to close the connection */

    if (k->kind == NGX_HTTP_JAMHOOK_STORE_AWAY) {
        s->broken = 1;
    }

    ngx_http_jamhook_pgsql_set_failure(s, k->kind, text ? text : state);

    return NGX_ERROR;
}


ngx_int_t
ngx_http_jamhook_pgsql_fail_connection(ngx_http_jamhook_pgsql_t *s)
{
    char  *text;

    text = s->db ? PQerrorMessage(s->db) : NULL;

    if (s->ended[0] != '\0') {

        /* libpq knows no more than that it is closed */

        text = (char *) s->ended;
    }

    ngx_http_jamhook_pgsql_set_failure(s, NGX_HTTP_JAMHOOK_STORE_AWAY,
                                       (text && *text) ? text
                                           : "the connection is lost");
    s->broken = 1;

    return NGX_ERROR;
}


ngx_uint_t
ngx_http_jamhook_pgsql_notified(ngx_http_jamhook_pgsql_t *s)
{
    PGnotify    *notify;
    ngx_uint_t   n;

    n = 0;

    for ( ;; ) {
        notify = PQnotifies(s->db);

        if (notify == NULL) {
            return n;
        }

        PQfreemem(notify);
        n = 1;
    }
}
