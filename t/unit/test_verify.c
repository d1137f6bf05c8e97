
#include "ngx_http_jamhook_verify.h"
#include "ngx_http_jamhook_sign.h"

#include <cjson/cJSON.h>

#include "ngx_shim.h"
#include "crypto_fail.h"
#include "tap.h"


#define NOW  1614265330

#define P1   "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
#define SK   "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbf"                \
             "VKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg=="
#define PK   "whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4="

#define ID     "msg_p5jXN8AQM9LWM0D4loKWxJek"
#define TS     "1614265330"
#define BODY   "{\"test\": 2432232314}"

/* what P1 and SK make of these */
#define GOOD   "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
#define GOODA  "v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFy"  \
               "mVJaA7AZdpXwVLPo3mNl8EM+m7TBAg=="

/* well formed, and wrong */
#define BAD    "v1,AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
#define BADA   "v1a,AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"  \
               "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=="

#define OK         NGX_HTTP_JAMHOOK_VERIFY_OK
#define MISSING    NGX_HTTP_JAMHOOK_VERIFY_MISSING
#define MISMATCH   NGX_HTTP_JAMHOOK_VERIFY_MISMATCH
#define TIMESTAMP  NGX_HTTP_JAMHOOK_VERIFY_TIMESTAMP


static ngx_array_t *
keys_of(ngx_pool_t *pool, const char *text)
{
    char         *why;
    ngx_str_t     s;
    ngx_uint_t    line;
    ngx_array_t  *keys;

    keys = shim_array(pool, 4, sizeof(ngx_http_jamhook_key_t));
    s = shim_str(pool, text);

    if (ngx_http_jamhook_secret_parse(&s, NGX_HTTP_JAMHOOK_SECRET_VERIFY, keys,
                                      &line, &why)
        != NGX_OK)
    {
        abort();
    }

    return keys;
}


/* which: the number of the key that must have matched, where it does */

static ngx_http_jamhook_verify_e
verify(ngx_pool_t *pool, const char *keys_text, ngx_str_t *list,
    ngx_str_t *body, ngx_uint_t *which)
{
    ngx_array_t                 *keys;
    ngx_http_jamhook_key_t      *key;
    ngx_http_jamhook_verify_e    rc;
    ngx_http_jamhook_message_t   msg;

    keys = keys_of(pool, keys_text);

    msg.id = shim_str(pool, ID);
    msg.timestamp = shim_str(pool, TS);
    msg.signature = *list;

    key = NULL;

    rc = ngx_http_jamhook_verify_signature(&msg, body, keys, pool, &key);

    *which = (rc == OK) ? (ngx_uint_t) (key
                                        - (ngx_http_jamhook_key_t *) keys->elts)
                        : 99;

    ngx_http_jamhook_secret_free(keys);

    return rc;
}


static const char *
member(cJSON *item, const char *name)
{
    cJSON  *value;

    value = cJSON_GetObjectItemCaseSensitive(item, name);

    if (!cJSON_IsString(value)) {
        abort();
    }

    return value->valuestring;
}


/* t/data/signatures.json: each vector, and how many there must be */

static void
test_vectors(ngx_pool_t *pool)
{
    char                       *text;
    FILE                       *file;
    cJSON                      *root, *item;
    size_t                      n;
    ngx_str_t                   body, list;
    ngx_uint_t                  i, count, which;
    ngx_http_jamhook_verify_e   rc, expected;

    static const char  *lists[] = { "accepted", "refused" };

    text = ngx_pnalloc(pool, 65536);

    file = fopen(T_DATA "/signatures.json", "rb");
    if (file == NULL) {
        perror(T_DATA "/signatures.json");
        abort();
    }

    n = fread(text, 1, 65536, file);
    (void) fclose(file);

    root = cJSON_ParseWithLength(text, n);

    ok(root != NULL && strcmp(member(root, "id"), ID) == 0
       && strcmp(member(root, "timestamp"), TS) == 0, "the vectors are read");

    for (i = 0; i < 2; i++) {
        count = 0;
        expected = (i == 0) ? OK : MISMATCH;

        cJSON_ArrayForEach(item, cJSON_GetObjectItem(root, lists[i])) {

            body = shim_str(pool, member(item, "body"));
            list = shim_str(pool, member(item, "signature"));

            rc = verify(pool, member(cJSON_GetObjectItem(root, "keys"),
                                     member(item, "key")),
                        &list, &body, &which);

            ok(rc == expected, "%s: %s", lists[i], member(item, "name"));
            count++;
        }

        ok(count >= 5, "%u vectors are %s", (unsigned) count, lists[i]);
    }

    cJSON_Delete(root);
}


static void
test_lists(ngx_pool_t *pool)
{
    ngx_str_t                   body, list;
    ngx_uint_t                  i, which;
    ngx_http_jamhook_verify_e   rc;

    static struct {
        const char                 *keys;
        const char                 *list;
        ngx_http_jamhook_verify_e   rc;
        ngx_uint_t                  which;
    } table[] = {

        /* where the good one stands */

        { P1, GOOD, OK, 0 },
        { P1, BAD " " GOOD, OK, 0 },
        { P1, GOOD " " BAD, OK, 0 },
        { P1, "   " BAD "    " GOOD "  ", OK, 0 },
        { P1, BAD " " BAD, MISMATCH, 99 },
        { P1, " ", MISMATCH, 99 },
        { P1, "", MISMATCH, 99 },

        /* what is skipped */

        { P1, "v1 " GOOD, OK, 0 },
        { P1, "garbage , ,, v1, v1a, " GOOD, OK, 0 },
        { P1, "v1a,AAAA v2,AAAA v11,AAAA " GOOD, OK, 0 },
        { P1, "v1,%%%% v1,AAA v1,==== " GOOD, OK, 0 },
        { P1, BADA " " GOOD, OK, 0 },
        { P1, GOODA " " GOOD, OK, 0 },
        { P1, GOODA, MISMATCH, 99 },
        { PK, GOOD, MISMATCH, 99 },
        { PK, GOOD " " BADA " " GOODA, OK, 0 },

        /* almost the good one */

        { P1, "V1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=", MISMATCH, 99 },
        { P1, "g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=", MISMATCH, 99 },
        { P1, "v1g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=", MISMATCH, 99 },
        { P1, "v1a,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=", MISMATCH,
          99 },
        { P1, "v1,,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=", MISMATCH,
          99 },
        { P1, "v1, g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=", MISMATCH,
          99 },
        { P1, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE", MISMATCH, 99 },
        { P1, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE==", MISMATCH,
          99 },
        { P1, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OF=", MISMATCH,
          99 },
        { P1, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OEA", MISMATCH,
          99 },
        { P1, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1A==", MISMATCH,
          99 },
        { P1, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ", MISMATCH, 99 },
        { P1, GOOD "," , MISMATCH, 99 },
        { P1, GOOD "," BAD, MISMATCH, 99 },
        { P1, GOOD "\t", MISMATCH, 99 },
        { P1, "x" GOOD, MISMATCH, 99 },
        { PK, GOODA "=", MISMATCH, 99 },

        /* several keys: a rotation */

        { "whsec_AAAA\n" P1, GOOD, OK, 1 },
        { "whsec_AAAA\n" P1, BAD " " GOOD, OK, 1 },
        { P1 "\nwhsec_AAAA", BAD " " GOOD, OK, 0 },
        { "whsec_AAAA\nwhsec_BBBB\n" PK "\n" P1, GOOD, OK, 3 },
        { "whsec_AAAA\nwhsec_BBBB\n" PK "\n" P1, GOOD " " GOODA, OK, 2 },
        { PK "\n" P1, BADA " " GOOD, OK, 1 },
        { SK, GOODA, OK, 0 },
        { SK "\n" PK, GOODA, OK, 0 },
        { "whsec_AAAA\nwhsec_BBBB", GOOD, MISMATCH, 99 },
    };

    body = shim_str(pool, BODY);

    for (i = 0; i < nitems(table); i++) {
        list = shim_str(pool, table[i].list);

        rc = verify(pool, table[i].keys, &list, &body, &which);

        ok(rc == table[i].rc && which == table[i].which,
           "list %u is %d: %.150s", (unsigned) i, (int) table[i].rc,
           table[i].list);
    }

    /* of no keys at all */

    {
        ngx_array_t                 *keys;
        ngx_http_jamhook_key_t      *key;
        ngx_http_jamhook_message_t   msg;

        keys = shim_array(pool, 1, sizeof(ngx_http_jamhook_key_t));
        msg.id = shim_str(pool, ID);
        msg.timestamp = shim_str(pool, TS);
        msg.signature = shim_str(pool, GOOD);

        ok(ngx_http_jamhook_verify_signature(&msg, &body, keys, pool, &key)
           == MISMATCH, "without a key nothing matches");
    }
}


/* no byte of the token, the body, the id or the time may change */

static void
test_bits(ngx_pool_t *pool)
{
    size_t                       j;
    u_char                       ch;
    ngx_str_t                    body, *s;
    ngx_uint_t                   i, n, total;
    ngx_array_t                 *keys;
    ngx_http_jamhook_key_t      *key;
    ngx_http_jamhook_message_t   msg;

    static const char  *names[] = { "v1 token", "v1a token", "body", "id",
                                    "timestamp" };

    keys = keys_of(pool, P1 "\n" PK);

    for (i = 0; i < 5; i++) {
        msg.id = shim_str(pool, ID);
        msg.timestamp = shim_str(pool, TS);
        msg.signature = shim_str(pool, (i == 1) ? GOODA : GOOD);
        body = shim_str(pool, BODY);

        s = (i < 2) ? &msg.signature : (i == 2) ? &body
            : (i == 3) ? &msg.id : &msg.timestamp;

        n = (ngx_http_jamhook_verify_signature(&msg, &body, keys, pool, &key)
             == OK) ? 0 : 1000;
        total = 0;

        for (j = 0; j < s->len; j++) {
            ch = s->data[j];

            for (s->data[j] = (u_char) (ch ^ 0x01); s->data[j] != ch;
                 s->data[j] = (s->data[j] == (u_char) (ch ^ 0x01))
                              ? (u_char) (ch ^ 0x80) : ch)
            {
                n += ngx_http_jamhook_verify_signature(&msg, &body, keys, pool,
                                                       &key)
                     == MISMATCH;
                total++;
            }
        }

        ok(n == total && total == 2 * s->len,
           "%u changes of one bit in the %s: none matches", (unsigned) total,
           names[i]);

        /* nor cut, at either end */

        for (n = 0, total = s->len; s->len != 0; ) {
            s->len--;
            n += ngx_http_jamhook_verify_signature(&msg, &body, keys, pool,
                                                   &key)
                 == MISMATCH;
        }

        ok(n == total, "nor any of %u shorter ones", (unsigned) total);
    }

    ngx_http_jamhook_secret_free(keys);
}


/* bytes are signed, not text: NUL, not UTF-8, and nothing at all */

static void
test_bytes(ngx_pool_t *pool)
{
    u_char       bytes[256];
    ngx_str_t    id, timestamp, body, list;
    ngx_uint_t   i, which;
    ngx_array_t *keys;

    keys = keys_of(pool, P1);

    id = shim_str(pool, ID);
    timestamp = shim_str(pool, TS);

    for (i = 0; i < 256; i++) {
        bytes[i] = (u_char) i;
    }

    body = shim_bytes(pool, bytes, 256);

    (void) ngx_http_jamhook_sign(&id, &timestamp, &body, keys, pool, &list);
    is(list, "v1,sEcZ042G8Crqgxbybb3y0eDxQR3TcfYsk11I1XULhSI=",
       "all 256 bytes are signed as elsewhere");

    ok(verify(pool, P1, &list, &body, &which) == OK, "and verified");

    body.len = 255;
    ok(verify(pool, P1, &list, &body, &which) == MISMATCH, "one less is not");

    ngx_str_null(&body);
    (void) ngx_http_jamhook_sign(&id, &timestamp, &body, keys, pool, &list);
    ok(verify(pool, P1, &list, &body, &which) == OK, "an empty body");

    ngx_http_jamhook_secret_free(keys);
}


static void
test_many(ngx_pool_t *pool)
{
    u_char      *p;
    ngx_str_t    body, list;
    ngx_uint_t   i, n, which;

    body = shim_str(pool, BODY);

    list.data = ngx_pnalloc(pool, 1000 * 100);

    for (p = list.data, i = 0; i < 999; i++) {
        p = ngx_cpymem(p, BAD " ", sizeof(BAD " ") - 1);
    }

    p = ngx_cpymem(p, GOOD, sizeof(GOOD) - 1);
    list.len = p - list.data;

    ok(verify(pool, P1, &list, &body, &which) == OK,
       "of 1,000 v1 tokens the last matches");

    ok(verify(pool, "whsec_AAAA\n" PK "\n" P1, &list, &body, &which) == OK
       && which == 2, "for the last of three keys too");

    /* Ed25519 has a bound: the 64th is tried, the 65th is not */

    for (n = 63; n <= 64; n++) {

        for (p = list.data, i = 0; i < n; i++) {
            p = ngx_cpymem(p, BADA " ", sizeof(BADA " ") - 1);
        }

        p = ngx_cpymem(p, GOODA, sizeof(GOODA) - 1);
        list.len = p - list.data;

        ok(verify(pool, PK, &list, &body, &which)
           == ((n < NGX_HTTP_JAMHOOK_VERIFY_TRIES) ? OK : MISMATCH),
           "a v1a token behind %u others", (unsigned) n);
    }

    /* the bound is of all keys together, and does not touch v1 */

    for (p = list.data, i = 0; i < 40; i++) {
        p = ngx_cpymem(p, BADA " ", sizeof(BADA " ") - 1);
    }

    p = ngx_cpymem(p, GOODA, sizeof(GOODA) - 1);
    list.len = p - list.data;

    ok(verify(pool, "whpk_11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n" PK,
              &list, &body, &which)
       == MISMATCH, "41 tokens for each of two keys are too many");

    p = ngx_cpymem(p, " " GOOD, sizeof(" " GOOD) - 1);
    list.len = p - list.data;

    ok(verify(pool, "whpk_11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n" PK
                    "\n" P1, &list, &body, &which)
       == OK && which == 2, "a v1 token still matches then");
}


typedef struct {
    const char                 *headers[7];    /* "name: value" */
    ngx_http_jamhook_verify_e   rc;
    const char                 *id;            /* that is taken */
    const char                 *title;
} headers_t;


static headers_t  headers_table[] = {
    { { "svix-id: a", "svix-timestamp: " TS, "svix-signature: s" },
      OK, "a", "svix-" },
    { { "webhook-id: b", "webhook-timestamp: " TS, "webhook-signature: s" },
      OK, "b", "webhook-" },
    { { "webhook-id: b", "webhook-timestamp: " TS, "webhook-signature: s",
        "svix-signature: s", "svix-id: a", "svix-timestamp: " TS },
      OK, "a", "both: svix- is taken" },
    { { "svix-id: a", "svix-timestamp: " TS, "webhook-id: b",
        "webhook-timestamp: " TS, "webhook-signature: s" },
      OK, "b", "svix- is not complete: webhook- is taken" },
    { { "svix-id: a", "svix-timestamp: 1", "svix-signature: ",
        "webhook-id: b", "webhook-timestamp: " TS, "webhook-signature: s" },
      OK, "b", "an empty header is as good as none" },

    { { NULL }, MISSING, NULL, "none" },
    { { "svix-timestamp: " TS, "svix-signature: s" }, MISSING, NULL, "no id" },
    { { "svix-id: a", "svix-signature: s" }, MISSING, NULL, "no timestamp" },
    { { "svix-id: a", "svix-timestamp: " TS }, MISSING, NULL, "no signature" },
    { { "svix-id: ", "svix-timestamp: " TS, "svix-signature: s" },
      MISSING, NULL, "an empty id" },
    { { "svix-id: a", "svix-timestamp: ", "svix-signature: s" },
      MISSING, NULL, "an empty timestamp" },
    { { "svix-id: a", "svix-timestamp: " TS, "webhook-signature: s" },
      MISSING, NULL, "two families mixed" },
    { { "svix-id: a", "webhook-timestamp: " TS, "webhook-signature: s" },
      MISSING, NULL, "two families mixed the other way" },
    { { "svix-id: a", "svix-timestamp: " TS, "webhook-id: b",
        "webhook-signature: s" },
      MISSING, NULL, "parts of two families" },
    { { "x-svix-id: a", "svix-ids: b", "svix-i: c", "svix-timestamp: " TS,
        "svix-signature: s" },
      MISSING, NULL, "names that only look like it" },

    { { "svix-id: a", "svix-id: a", "svix-timestamp: " TS,
        "svix-signature: s" },
      MISSING, NULL, "the id twice" },
    { { "svix-id: a", "svix-timestamp: " TS, "svix-timestamp: " TS,
        "svix-signature: s" },
      MISSING, NULL, "the timestamp twice" },
    { { "svix-id: a", "svix-timestamp: " TS, "svix-signature: s",
        "svix-signature: s" },
      MISSING, NULL, "the signature twice" },
    { { "svix-id: a", "svix-timestamp: " TS, "svix-signature: s",
        "svix-id: " },
      MISSING, NULL, "the id once more, empty" },
    { { "svix-id: a", "svix-timestamp: " TS, "svix-signature: s",
        "webhook-id: b", "webhook-id: b" },
      MISSING, NULL, "svix- complete, webhook-id twice" },
    { { "svix-id: a", "svix-timestamp: " TS, "svix-signature: s",
        "webhook-timestamp: 1", "webhook-timestamp: 1" },
      MISSING, NULL, "svix- complete, webhook-timestamp twice" },
    { { "webhook-id: a", "webhook-timestamp: " TS, "webhook-signature: s",
        "svix-signature: b", "svix-signature: b" },
      MISSING, NULL, "webhook- complete, svix-signature twice" },

    { { "svix-id: a.b", "svix-timestamp: " TS, "svix-signature: s" },
      MISSING, NULL, "a dot in the id" },
    { { "svix-id: a\nb", "svix-timestamp: " TS, "svix-signature: s" },
      MISSING, NULL, "a newline in the id" },
    { { "svix-id: a b", "svix-timestamp: " TS, "svix-signature: s" },
      MISSING, NULL, "a space in the id" },
    { { "svix-id: \xc3\xa9", "svix-timestamp: " TS, "svix-signature: s" },
      MISSING, NULL, "an id that is not ASCII" },
    { { "svix-id: a.b", "svix-timestamp: " TS, "svix-signature: s",
        "webhook-id: a", "webhook-timestamp: " TS, "webhook-signature: s" },
      MISSING, NULL, "svix- is complete and bad: webhook- does not mend it" },
};


static void
gather(ngx_http_jamhook_verify_set_t *set, ngx_pool_t *pool, const char *header)
{
    const char  *colon;
    ngx_str_t    name, value;

    colon = strchr(header, ':');

    name = shim_bytes(pool, header, colon - header);
    value = shim_str(pool, colon + 2);

    ngx_http_jamhook_verify_gather(set, &name, &value);
}


static void
test_headers(ngx_pool_t *pool)
{
    char                            *why;
    ngx_uint_t                       i, j;
    ngx_http_jamhook_verify_e        rc;
    ngx_http_jamhook_message_t       msg;
    ngx_http_jamhook_verify_set_t    set;

    for (i = 0; i < nitems(headers_table); i++) {
        ngx_memzero(&set, sizeof(set));

        gather(&set, pool, "host: example.com");

        for (j = 0; j < 7 && headers_table[i].headers[j] != NULL; j++) {
            gather(&set, pool, headers_table[i].headers[j]);
        }

        why = NULL;
        rc = ngx_http_jamhook_verify_headers(&set, NOW, 300, &msg, &why);

        ok(rc == headers_table[i].rc && (rc == OK) == (why == NULL),
           "headers, %s: %s", headers_table[i].title, why ? why : "ok");

        if (rc == OK) {
            is(msg.id, headers_table[i].id, "the id");
            is(msg.timestamp, TS, "the timestamp");
            is(msg.signature, "s", "the signature");
        }
    }
}


static void
test_ids(ngx_pool_t *pool)
{
    char                           *why;
    u_char                          id[300];
    ngx_uint_t                      i;
    ngx_http_jamhook_verify_e       rc;
    ngx_http_jamhook_message_t      msg;
    ngx_http_jamhook_verify_set_t   set;

    static ngx_uint_t  lengths[] = { 1, 255, 256, 257, 300 };

    memset(id, 'x', sizeof(id));

    for (i = 0; i < nitems(lengths); i++) {
        ngx_memzero(&set, sizeof(set));

        gather(&set, pool, "svix-timestamp: " TS);
        gather(&set, pool, "svix-signature: s");

        set.id[0].count = 1;
        set.id[0].value = shim_bytes(pool, id, lengths[i]);

        rc = ngx_http_jamhook_verify_headers(&set, NOW, 300, &msg, &why);

        ok(rc == ((lengths[i] <= 256) ? OK : MISSING), "an id of %u bytes",
           (unsigned) lengths[i]);
    }

    set.id[0].value = shim_bytes(pool, "a\0b", 3);
    ok(ngx_http_jamhook_verify_headers(&set, NOW, 300, &msg, &why) == MISSING,
       "an id with a NUL");
}


static void
test_timestamps(ngx_pool_t *pool)
{
    char                           *why;
    ngx_uint_t                      i;
    ngx_http_jamhook_verify_e       rc;
    ngx_http_jamhook_message_t      msg;
    ngx_http_jamhook_verify_set_t   set;

    static struct {
        const char                 *timestamp;
        time_t                      tolerance;
        ngx_http_jamhook_verify_e   rc;
        const char                 *why;
    } table[] = {
        { "1614265330", 300, OK, "" },
        { "1614265030", 300, OK, "" },
        { "1614265029", 300, TIMESTAMP, "too old" },
        { "1614265630", 300, OK, "" },
        { "1614265631", 300, TIMESTAMP, "future" },
        { "1614265330", 0, OK, "" },
        { "1614265329", 0, TIMESTAMP, "too old" },
        { "1614265331", 0, TIMESTAMP, "future" },
        { "1", 300, TIMESTAMP, "too old" },
        { "999999999999999", 300, TIMESTAMP, "future" },
        { "1614265330000", 300, TIMESTAMP, "future" },
        { "1", NGX_MAX_INT32_VALUE, OK, "" },
        { "0", NGX_MAX_INT32_VALUE, TIMESTAMP, "not a number" },
        { "-1614265330", 300, TIMESTAMP, "not a number" },
        { "+1614265330", 300, TIMESTAMP, "not a number" },
        { "01614265330", 300, TIMESTAMP, "not a number" },
        { "1614265330.0", 300, TIMESTAMP, "not a number" },
        { "1614265330 ", 300, TIMESTAMP, "not a number" },
        { " 1614265330", 300, TIMESTAMP, "not a number" },
        { "1614265330a", 300, TIMESTAMP, "not a number" },
        { "0x6037bd32", 300, TIMESTAMP, "not a number" },
        { "1.6e9", 300, TIMESTAMP, "not a number" },
        { "1000001614265330", 300, TIMESTAMP, "not a number" },
        { "18446744075323816946", 300, TIMESTAMP, "not a number" },
        { "Thu, 25 Feb 2021 15:02:10 GMT", 300, TIMESTAMP, "not a number" },
    };

    for (i = 0; i < nitems(table); i++) {
        ngx_memzero(&set, sizeof(set));

        gather(&set, pool, "webhook-id: a");
        gather(&set, pool, "webhook-signature: s");

        set.timestamp[1].count = 1;
        set.timestamp[1].value = shim_str(pool, table[i].timestamp);

        why = "";
        rc = ngx_http_jamhook_verify_headers(&set, NOW, table[i].tolerance,
                                             &msg, &why);

        ok(rc == table[i].rc && strstr(why, table[i].why) != NULL,
           "timestamp \"%s\", %u s: %s", table[i].timestamp,
           (unsigned) table[i].tolerance, (rc == OK) ? "ok" : why);
    }
}


static void
test_unsigned(ngx_pool_t *pool)
{
    ngx_uint_t                      i, j;
    ngx_http_jamhook_message_t      msg;
    ngx_http_jamhook_verify_set_t   set;

    static struct {
        const char  *headers[4];
        const char  *id;
    } table[] = {
        { { NULL }, "" },
        { { "svix-id: a" }, "a" },
        { { "webhook-id: b" }, "b" },
        { { "webhook-id: b", "svix-id: a" }, "a" },
        { { "svix-id: a", "svix-timestamp: never", "svix-signature: x" },
          "a" },
        { { "svix-id: a", "svix-id: a" }, "" },
        { { "webhook-id: a", "webhook-id: b" }, "" },
        { { "svix-id: a.b" }, "" },
        { { "svix-id: " }, "" },
        { { "svix-id: a.b", "webhook-id: c" }, "" },
    };

    for (i = 0; i < nitems(table); i++) {
        ngx_memzero(&set, sizeof(set));
        memset(&msg, 0xff, sizeof(msg));

        for (j = 0; j < 4 && table[i].headers[j] != NULL; j++) {
            gather(&set, pool, table[i].headers[j]);
        }

        ngx_http_jamhook_verify_unsigned(&set, &msg);

        is(msg.id, table[i].id, "unsigned %u: the id is \"%s\"", (unsigned) i,
           table[i].id);
        ok(msg.timestamp.len == 0 && msg.signature.len == 0, "nothing else is");
    }
}


/*
 * Where OpenSSL has no memory, that is what is said of a good v1 signature,
 * not that it is bad.  Of Ed25519's OpenSSL itself does not always know the
 * difference.  But a bad one never is good.
 */

static void
test_memory(ngx_pool_t *pool)
{
    unsigned                     n, errors, wrong;
    ngx_str_t                    body;
    ngx_uint_t                   i;
    ngx_array_t                 *keys;
    ngx_http_jamhook_key_t      *key;
    ngx_http_jamhook_verify_e    rc;
    ngx_http_jamhook_message_t   msg;

    static struct {
        const char                 *list;
        ngx_http_jamhook_verify_e   rc;
        ngx_http_jamhook_verify_e   other;     /* that may be, too */
    } table[] = {
        { GOOD, OK, OK },
        { BAD, MISMATCH, MISMATCH },
        { GOODA, OK, MISMATCH },
        { BADA, MISMATCH, MISMATCH },
    };

    msg.id = shim_str(pool, ID);
    msg.timestamp = shim_str(pool, TS);
    body = shim_str(pool, BODY);

    for (i = 0; i < nitems(table); i++) {
        msg.signature = shim_str(pool, table[i].list);

        /* a key that was used may need no memory any more */
        keys = keys_of(pool, P1 "\n" PK);

        errors = 0;
        wrong = 0;

        for (n = 1; n < 1000; n++) {
            crypto_failed = 0;
            crypto_fail = n;

            rc = ngx_http_jamhook_verify_signature(&msg, &body, keys, pool,
                                                   &key);
            crypto_fail = 0;

            if (rc == NGX_HTTP_JAMHOOK_VERIFY_ERROR) {
                errors++;

            } else if (rc != table[i].rc && rc != table[i].other) {
                wrong++;
            }

            if (!crypto_failed) {
                break;
            }
        }

        ok(wrong == 0 && errors != 0 && !crypto_failed && rc == table[i].rc,
           "OpenSSL without memory: %u errors of %u, %u wrong, %.40s", errors,
           n - 1, wrong, table[i].list);

        ngx_http_jamhook_secret_free(keys);
    }
}


static ngx_array_t  *run_keys;


static ngx_int_t
run_verify(ngx_pool_t *pool)
{
    ngx_str_t                    body = ngx_string(BODY);
    ngx_http_jamhook_key_t      *key;
    ngx_http_jamhook_message_t   msg;

    ngx_str_set(&msg.id, ID);
    ngx_str_set(&msg.timestamp, TS);
    ngx_str_set(&msg.signature, BAD " " GOODA);

    switch (ngx_http_jamhook_verify_signature(&msg, &body, run_keys, pool,
                                              &key))
    {
    case OK:
        return NGX_OK;

    case NGX_HTTP_JAMHOOK_VERIFY_ERROR:
        return NGX_ERROR;

    default:
        return NGX_DECLINED;
    }
}


int
main(void)
{
    ngx_pool_t  *pool;

    crypto_fail_init();

    pool = ngx_create_pool(1, NULL);

    test_vectors(pool);
    test_lists(pool);
    test_bits(pool);
    test_bytes(pool);
    test_many(pool);
    test_headers(pool);
    test_ids(pool);
    test_timestamps(pool);
    test_unsigned(pool);
    test_memory(pool);

    run_keys = keys_of(pool, P1 "\n" PK);

    ok(shim_exhaust(run_verify) == 1, "verify_signature() without memory");

    ngx_http_jamhook_secret_free(run_keys);

    ngx_destroy_pool(pool);

    return done();
}
