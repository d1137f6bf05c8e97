
#include "ngx_http_jamhook_ladder.h"

#include "ngx_shim.h"
#include "tap.h"


#define S   1000
#define M   (60 * S)
#define H   (60 * M)

#define RESPONSE     NGX_HTTP_JAMHOOK_WAS_RESPONSE
#define TIMEOUT      NGX_HTTP_JAMHOOK_WAS_TIMEOUT
#define ERROR        NGX_HTTP_JAMHOOK_WAS_ERROR
#define INTERRUPTED  NGX_HTTP_JAMHOOK_WAS_INTERRUPTED

#define SUCCEEDED    NGX_HTTP_JAMHOOK_NEXT_SUCCEEDED
#define FAILED       NGX_HTTP_JAMHOOK_NEXT_FAILED
#define RETRY        NGX_HTTP_JAMHOOK_NEXT_RETRY

#define NONE         NGX_DECLINED


/* at the lowest and the highest random number */
typedef struct {
    const char              *name;
    ngx_http_jamhook_was_e   was;
    ngx_uint_t               status;
    ngx_int_t                retry_after;
    ngx_uint_t               step;

    ngx_http_jamhook_next_e  state;
    ngx_msec_t               least;
    ngx_msec_t               most;
    ngx_msec_t               hold;
    unsigned                 counts;
    unsigned                 gone;
} row_t;


static ngx_msec_t  delays[] = { 5 * S, 5 * M, 30 * M, 2 * H, 5 * H, 10 * H,
                                10 * H };
static ngx_uint_t  final[] = { 404, 409, 429 };

static ngx_http_jamhook_policy_t  usual = { delays, 7, NULL, 0, 0 };
static ngx_http_jamhook_policy_t  fin = { delays, 7, final, 2, 1 };
static ngx_http_jamhook_policy_t  all_final = { delays, 7, final, 3, 0 };
static ngx_http_jamhook_policy_t  off = { delays, 0, NULL, 0, 0 };


static row_t  usual_rows[] = {
    { "200", RESPONSE, 200, NONE, 0, SUCCEEDED, 0, 0, 0, 0, 0 },
    { "204", RESPONSE, 204, NONE, 3, SUCCEEDED, 0, 0, 0, 0, 0 },
    { "299", RESPONSE, 299, NONE, 7, SUCCEEDED, 0, 0, 0, 0, 0 },
    { "199", RESPONSE, 199, NONE, 0, RETRY, 4 * S, 6 * S, 0, 1, 0 },
    { "300", RESPONSE, 300, NONE, 0, RETRY, 4 * S, 6 * S, 0, 1, 0 },
    { "308", RESPONSE, 308, NONE, 0, RETRY, 4 * S, 6 * S, 0, 1, 0 },
    { "400", RESPONSE, 400, NONE, 0, RETRY, 4 * S, 6 * S, 0, 1, 0 },
    { "404", RESPONSE, 404, NONE, 1, RETRY, 4 * M, 6 * M, 0, 1, 0 },
    { "500", RESPONSE, 500, NONE, 2, RETRY, 24 * M, 36 * M, 0, 1, 0 },
    { "502", RESPONSE, 502, NONE, 6, RETRY, 8 * H, 12 * H, 0, 1, 0 },
    { "500, the last", RESPONSE, 500, NONE, 7, FAILED, 0, 0, 0, 1, 0 },
    { "500, beyond a ladder that was cut", RESPONSE, 500, NONE, 64, FAILED,
      0, 0, 0, 1, 0 },
    { "410", RESPONSE, 410, NONE, 0, FAILED, 0, 0, 0, 1, 1 },
    { "503 without Retry-After", RESPONSE, 503, NONE, 0, RETRY, 4 * S, 6 * S,
      0, 1, 0 },
    { "503, Retry-After 0", RESPONSE, 503, 0, 0, RETRY, 4 * S, 6 * S, 0, 1,
      0 },
    { "503, Retry-After 5", RESPONSE, 503, 5, 0, RETRY, 5 * S, 6 * S, 5 * S,
      1, 0 },
    { "503, Retry-After 120", RESPONSE, 503, 120, 0, RETRY, 120 * S, 132 * S,
      60 * S, 1, 0 },
    { "503, Retry-After shorter than the ladder", RESPONSE, 503, 120, 4, RETRY,
      4 * H, 6 * H, 60 * S, 1, 0 },
    { "503, Retry-After 10 h", RESPONSE, 503, 36000, 0, RETRY, 10 * H, 11 * H,
      60 * S, 1, 0 },
    { "503, Retry-After of a year", RESPONSE, 503, 31536000, 0, RETRY, 10 * H,
      11 * H, 60 * S, 1, 0 },
    { "503, the last, holds", RESPONSE, 503, 30, 7, FAILED, 0, 0, 30 * S, 1,
      0 },
    { "429 without Retry-After", RESPONSE, 429, NONE, 0, RETRY, 60 * S, 60 * S,
      0, 1, 0 },
    { "429 without Retry-After, higher", RESPONSE, 429, NONE, 1, RETRY, 4 * M,
      6 * M, 0, 1, 0 },
    { "429, Retry-After 1", RESPONSE, 429, 1, 0, RETRY, 4 * S, 6 * S, 1 * S, 1,
      0 },
    { "429, Retry-After 100", RESPONSE, 429, 100, 0, RETRY, 100 * S, 110 * S,
      60 * S, 1, 0 },
    { "429, the last", RESPONSE, 429, NONE, 7, FAILED, 0, 0, 0, 1, 0 },
    { "500 with a Retry-After", RESPONSE, 500, 3600, 0, RETRY, 4 * S, 6 * S, 0,
      1, 0 },
    { "200 with a Retry-After", RESPONSE, 200, 3600, 0, SUCCEEDED, 0, 0, 0, 0,
      0 },
    { "timeout", TIMEOUT, 0, NONE, 0, RETRY, 60 * S, 60 * S, 0, 1, 0 },
    { "timeout, higher", TIMEOUT, 0, NONE, 1, RETRY, 4 * M, 6 * M, 0, 1, 0 },
    { "timeout, the last", TIMEOUT, 0, NONE, 7, FAILED, 0, 0, 0, 1, 0 },
    { "no connection", ERROR, 0, NONE, 0, RETRY, 4 * S, 6 * S, 0, 1, 0 },
    { "no connection, the last", ERROR, 0, NONE, 7, FAILED, 0, 0, 0, 1, 0 },
    { "answered by nginx, with the status of a success", ERROR, 200, NONE, 0,
      RETRY, 4 * S, 6 * S, 0, 1, 0 },
    { "answered by nginx, 410", ERROR, 410, NONE, 0, RETRY, 4 * S, 6 * S, 0, 1,
      0 },
};

static row_t  fin_rows[] = {
    { "Fin: 200", RESPONSE, 200, NONE, 0, SUCCEEDED, 0, 0, 0, 0, 0 },
    { "Fin: 410 speaks of one conversation", RESPONSE, 410, NONE, 0, FAILED, 0,
      0, 0, 0, 0 },
    { "Fin: 404 is final", RESPONSE, 404, NONE, 0, FAILED, 0, 0, 0, 0, 0 },
    { "Fin: 409 is final", RESPONSE, 409, NONE, 0, FAILED, 0, 0, 0, 0, 0 },
    { "Fin: 429 is not", RESPONSE, 429, NONE, 0, RETRY, 60 * S, 60 * S, 0, 1,
      0 },
    { "Fin: 404 by nginx is not", ERROR, 404, NONE, 0, RETRY, 4 * S, 6 * S, 0,
      1, 0 },
    { "Fin: timeout", TIMEOUT, 0, NONE, 0, RETRY, 60 * S, 60 * S, 0, 1, 0 },
};

static row_t  all_final_rows[] = {
    { "a final 429 holds what else there is", RESPONSE, 429, 30, 0, FAILED, 0,
      0, 30 * S, 0, 0 },
    { "410 is gone", RESPONSE, 410, NONE, 0, FAILED, 0, 0, 0, 1, 1 },
};

static row_t  off_rows[] = {
    { "off: 200", RESPONSE, 200, NONE, 0, SUCCEEDED, 0, 0, 0, 0, 0 },
    { "off: 500", RESPONSE, 500, NONE, 0, FAILED, 0, 0, 0, 1, 0 },
    { "off: 429 with Retry-After", RESPONSE, 429, 10, 0, FAILED, 0, 0, 10 * S,
      1, 0 },
    { "off: 503 with Retry-After", RESPONSE, 503, 70, 0, FAILED, 0, 0, 60 * S,
      1, 0 },
    { "off: timeout", TIMEOUT, 0, NONE, 0, FAILED, 0, 0, 0, 1, 0 },
    { "off: no connection", ERROR, 0, NONE, 0, FAILED, 0, 0, 0, 1, 0 },
};


static ngx_uint_t
row_holds(ngx_http_jamhook_policy_t *policy, row_t *row, uint32_t random,
    ngx_msec_t delay)
{
    ngx_http_jamhook_next_t  next;
    ngx_http_jamhook_rung_t  rung = { row->step, 2, row->was, row->status,
                                      row->retry_after, random };

    memset(&next, 0xa5, sizeof(next));
    ngx_http_jamhook_ladder_next(policy, &rung, &next);

    return next.state == row->state
           && next.delay == delay
           && next.step == row->step + (row->state == RETRY)
           && next.interrupted == 0
           && next.hold == row->hold
           && next.counts == row->counts
           && next.gone == row->gone;
}


static void
rows(ngx_http_jamhook_policy_t *policy, row_t *row, ngx_uint_t n)
{
    ngx_uint_t  i;

    for (i = 0; i < n; i++) {
        ok(row_holds(policy, &row[i], 0, row[i].least)
           && row_holds(policy, &row[i], 0xffffffff, row[i].most),
           "%s", row[i].name);
    }
}


static ngx_http_jamhook_next_t
next_of(ngx_http_jamhook_policy_t *policy, ngx_http_jamhook_was_e was,
    ngx_uint_t status, ngx_int_t retry_after, ngx_uint_t step,
    ngx_uint_t interrupted, uint32_t random)
{
    ngx_http_jamhook_next_t  next;
    ngx_http_jamhook_rung_t  rung = { step, interrupted, was, status,
                                      retry_after, random };

    ngx_http_jamhook_ladder_next(policy, &rung, &next);

    return next;
}


static void
test_interrupted(void)
{
    ngx_uint_t               i, n;
    ngx_http_jamhook_next_t  next;

    for (i = 0; i < 2; i++) {
        next = next_of(&usual, INTERRUPTED, 0, NONE, 4, i, 12345);

        ok(next.state == RETRY && next.delay == 0 && next.step == 4
           && next.interrupted == i + 1 && !next.counts && !next.gone
           && next.hold == 0,
           "interruption %d: at once, on the same rung", (int) i + 1);
    }

    next = next_of(&usual, INTERRUPTED, 0, NONE, 4, 2, 0);

    ok(next.state == RETRY && next.delay == 4 * H && next.step == 5
       && next.interrupted == 3 && !next.counts,
       "the third counts as a failure of the ladder, not of the endpoint");

    next = next_of(&usual, INTERRUPTED, 0, NONE, 5, 3, 0);

    ok(next.state == RETRY && next.delay == 8 * H && next.step == 6,
       "and so does the fourth in a row");

    next = next_of(&usual, INTERRUPTED, 0, NONE, 7, 2, 0);

    ok(next.state == FAILED && next.delay == 0 && next.step == 7
       && next.interrupted == 0 && !next.counts,
       "the third, with no try left");

    next = next_of(&usual, INTERRUPTED, 0, NONE, 7, 1, 0);

    ok(next.state == RETRY && next.delay == 0 && next.step == 7,
       "the second, with no try left: at once");

    next = next_of(&usual, INTERRUPTED, 0, NONE, 4, (ngx_uint_t) -1, 0);

    ok(next.state == RETRY && next.step == 5 && next.interrupted == 3,
       "a number of interruptions that cannot be");

    next = next_of(&usual, ERROR, 0, NONE, 4, 2, 0);
    ok(next.interrupted == 0, "another outcome ends the row");

    /* an event that kills each worker that sends it */

    ngx_memzero(&next, sizeof(next));
    next.state = RETRY;

    for (n = 0; next.state == RETRY && n < 100; n++) {
        next = next_of(&usual, INTERRUPTED, 0, NONE, next.step,
                       next.interrupted, 0);
    }

    ok(n == 2 + 7 + 1, "an event that kills workers ends after %d", (int) n);

    next = next_of(&off, INTERRUPTED, 0, NONE, 0, 1, 0);
    ok(next.state == RETRY && next.delay == 0, "off: the second, at once");

    next = next_of(&off, INTERRUPTED, 0, NONE, 0, 2, 0);
    ok(next.state == FAILED, "off: the third has failed");
}


static void
test_random(void)
{
    double                   sum;
    uint32_t                 random;
    ngx_uint_t               i, step, within, patient;
    ngx_msec_t               d, least, most;
    ngx_http_jamhook_next_t  next;

    random = 1;

    for (step = 0; step < 7; step++) {
        d = delays[step];
        within = 0;
        sum = 0;
        least = (ngx_msec_t) -1;
        most = 0;

        for (i = 0; i < 100000; i++) {
            random = random * 1664525 + 1013904223;
            next = next_of(&usual, ERROR, 0, NONE, step, 0, random);

            within += (next.delay >= d - d / 5 && next.delay <= d + d / 5);
            sum += next.delay;
            least = ngx_min(least, next.delay);
            most = ngx_max(most, next.delay);
        }

        ok(within == i, "each of %d random delays is within a fifth of %d s",
           (int) i, (int) (d / S));
        ok(least < d - d / 6 && most > d + d / 6
           && sum / i > 0.99 * d && sum / i < 1.01 * d,
           "they use all of it, evenly");
    }

    patient = 0;
    least = (ngx_msec_t) -1;
    most = 0;

    for (i = 0; i < 100000; i++) {
        random = random * 1664525 + 1013904223;
        next = next_of(&usual, RESPONSE, 429, 1000, 0, 0, random);

        patient += (next.delay >= 1000 * S && next.delay <= 1100 * S);
        least = ngx_min(least, next.delay);
        most = ngx_max(most, next.delay);
    }

    ok(patient == i && least < 1010 * S && most > 1090 * S,
       "Retry-After and up to a tenth more");
}


static void
test_edges(void)
{
    ngx_msec_t                 one[] = { 1 }, huge[] = { (ngx_msec_t) -1 },
                               twentyfour[] = { NGX_HTTP_JAMHOOK_LADDER_DELAY },
                               down[] = { 20 * S, 1 * S };
    ngx_http_jamhook_next_t    next;
    ngx_http_jamhook_policy_t  policy = { one, 1, NULL, 0, 0 };

    next = next_of(&policy, ERROR, 0, NONE, 0, 0, 0);
    ok(next.delay == 1, "a delay of 1 ms has no fifth");

    next = next_of(&policy, TIMEOUT, 0, NONE, 0, 0, 0xffffffff);
    ok(next.delay == 1, "a ladder of 1 ms is as patient");

    next = next_of(&policy, RESPONSE, 429, NONE, 0, 0, 0xffffffff);
    ok(next.delay == 1, "429 too");

    next = next_of(&policy, RESPONSE, 429, 7, 0, 0, 0);
    ok(next.delay == 7 * S, "but for a Retry-After");

    ok(ngx_http_jamhook_ladder_longest(&policy) == 11 * H,
       "the longest wait is that of a Retry-After");

    policy.delays = down;
    policy.ndelays = 2;

    next = next_of(&policy, TIMEOUT, 0, NONE, 1, 0, 0);
    ok(next.delay == 20 * S, "patience goes by the longest, not by the next");

    policy.delays = twentyfour;
    policy.ndelays = 1;

    next = next_of(&policy, ERROR, 0, NONE, 0, 0, 0xffffffff);
    ok(next.delay == (ngx_msec_t) NGX_HTTP_JAMHOOK_LADDER_DELAY / 5 * 6,
       "24 d and a fifth");

    ok(ngx_http_jamhook_ladder_longest(&policy)
       == (int64_t) NGX_HTTP_JAMHOOK_LADDER_DELAY / 5 * 6,
       "which is the longest wait");

    policy.delays = huge;

    next = next_of(&policy, ERROR, 0, NONE, 0, 0, 0xffffffff);
    ok(next.delay == (ngx_msec_t) NGX_HTTP_JAMHOOK_LADDER_DELAY / 5 * 6,
       "a delay that cannot be is cut");

    ok(ngx_http_jamhook_ladder_longest(&usual) == 12 * H,
       "the usual longest wait");
    ok(ngx_http_jamhook_ladder_longest(&off) == 11 * H,
       "off: as if there were Retry-After");

    next = next_of(&usual, RESPONSE, 503, NGX_MAX_INT_T_VALUE, 0, 0, 0);
    ok(next.delay == 10 * H && next.hold == 60 * S,
       "a Retry-After that cannot be is cut");

    next = next_of(&usual, RESPONSE, 503, NGX_ERROR, 0, 0, 0);
    ok(next.delay == 4 * S && next.hold == 0, "or is none");
}


int
main(void)
{
    rows(&usual, usual_rows, nitems(usual_rows));
    rows(&fin, fin_rows, nitems(fin_rows));
    rows(&all_final, all_final_rows, nitems(all_final_rows));
    rows(&off, off_rows, nitems(off_rows));

    test_interrupted();
    test_random();
    test_edges();

    return done();
}
