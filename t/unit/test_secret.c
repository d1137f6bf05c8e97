
#include "ngx_http_jamhook_secret.h"

#include "ngx_shim.h"
#include "tap.h"


#define P1   "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
#define SK   "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbf"                \
             "VKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg=="
#define PK   "whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4="

/* SK with one bit of its public half changed */
#define BAD  "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbf"                \
             "VKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvw=="

#define VERIFY  NGX_HTTP_JAMHOOK_SECRET_VERIFY
#define SIGN    NGX_HTTP_JAMHOOK_SECRET_SIGN


static void
test_declined(ngx_pool_t *pool)
{
    char          *why;
    ngx_int_t      rc;
    ngx_str_t      text;
    ngx_uint_t     i, line;
    ngx_array_t   *keys;

    static struct {
        const char                     *text;
        ngx_http_jamhook_secret_use_e   use;
        ngx_uint_t                      line;
        const char                     *why;     /* a part of it */
    } table[] = {
        { "", VERIFY, 0, "no key" },
        { "\n\n", VERIFY, 0, "no key" },
        { " \t\r\n# whsec_AAAA\n", VERIFY, 0, "no key" },
        { "whsec_", VERIFY, 1, "nothing" },
        { "whsec_ \n", VERIFY, 1, "nothing" },
        { "\n#\nwhsk_\n", SIGN, 3, "nothing" },
        { "whpk_\n", VERIFY, 1, "nothing" },
        { "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", VERIFY, 1, "begins" },
        { "WHSEC_MfKQ", VERIFY, 1, "begins" },
        { "whsec", VERIFY, 1, "begins" },
        { "whse", VERIFY, 1, "begins" },
        { "w", VERIFY, 1, "begins" },
        { "\xef\xbb\xbf" P1, VERIFY, 1, "begins" },
        { P1 "\n" P1 "x\n", VERIFY, 2, "base64" },
        { "whsec_MfKQ-_==", VERIFY, 1, "base64" },
        { "whsec_MfK Q9r8", VERIFY, 1, "base64" },
        { "whsec_MfKQ # it", VERIFY, 1, "base64" },
        { "whsec_MfKQ9", VERIFY, 1, "base64" },
        { "whsec_AB==", VERIFY, 1, "base64" },
        { "whsec_====", VERIFY, 1, "base64" },
        { "whsec_AAA=AAAA", VERIFY, 1, "base64" },
        { "whsk_AAAA", VERIFY, 1, "64 bytes" },
        { "whsk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4=", SIGN, 1,
          "64 bytes" },
        { "whpk_AAAA", VERIFY, 1, "32 bytes" },
        { "whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOig==", VERIFY, 1,
          "32 bytes" },
        { "whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4A", VERIFY, 1,
          "32 bytes" },
        { BAD, SIGN, 1, "belong together" },
        { BAD, VERIFY, 1, "belong together" },
        { P1 "\n" PK, SIGN, 2, "cannot sign" },
        { P1 "\n\n" P1, VERIFY, 3, "twice" },
        { "whsec_AAAA\n" P1 "\nwhsec_AAAA", SIGN, 3, "twice" },
        { "whsec_AAA=\nwhsec_AAA", SIGN, 2, "twice" },
        { PK "\n" PK, VERIFY, 2, "twice" },
        { SK "\n" P1 "\n" SK, SIGN, 3, "twice" },
    };

    for (i = 0; i < nitems(table); i++) {
        keys = shim_array(pool, 1, sizeof(ngx_http_jamhook_key_t));
        text = shim_str(pool, table[i].text);

        line = 99;
        why = "";

        rc = ngx_http_jamhook_secret_parse(&text, table[i].use, keys, &line,
                                           &why);

        ok(rc == NGX_DECLINED
           && line == table[i].line
           && strstr(why, table[i].why) != NULL,
           "declined: \"%s\", line %u, %s", table[i].text, (unsigned) line,
           why);

        ngx_http_jamhook_secret_free(keys);
    }
}


static void
test_taken(ngx_pool_t *pool)
{
    char                    *why;
    ngx_int_t                rc;
    ngx_str_t                text, fingerprint;
    ngx_uint_t               i, line;
    ngx_array_t             *keys;
    ngx_http_jamhook_key_t  *key;

    static struct {
        const char                     *text;
        ngx_http_jamhook_secret_use_e   use;
        ngx_uint_t                      n;
        const char                     *kind;       /* of the last */
        const char                     *fingerprint;
        ngx_uint_t                      is_short;
    } table[] = {
        { P1, VERIFY, 1, "whsec", "e2ac7d88", 0 },
        { P1 "\n", SIGN, 1, "whsec", "e2ac7d88", 0 },
        { "# Jam\r\n\r\n \t" P1 "\t \r\n\n#\n", VERIFY, 1, "whsec",
          "e2ac7d88", 0 },
        { SK, SIGN, 1, "whsk", "a26e3301", 0 },
        { SK, VERIFY, 1, "whsk", "a26e3301", 0 },
        { PK, VERIFY, 1, "whpk", "a26e3301", 0 },
        { SK "\n" PK, VERIFY, 2, "whpk", "a26e3301", 0 },
        { P1 "\n" SK, SIGN, 2, "whsk", "a26e3301", 0 },

        /* the same bytes, of another kind */
        { PK "\nwhsec_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4=",
          VERIFY, 2, "whsec", "a26e3301", 0 },

        { "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaQ=", VERIFY, 1, "whsec",
          "2e4de3fe", 1 },
        { "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaQ", VERIFY, 1, "whsec",
          "2e4de3fe", 1 },
        { "whsec_AA==", VERIFY, 1, "whsec", "4cab82a3", 1 },
    };

    for (i = 0; i < nitems(table); i++) {
        keys = shim_array(pool, 1, sizeof(ngx_http_jamhook_key_t));
        text = shim_str(pool, table[i].text);

        rc = ngx_http_jamhook_secret_parse(&text, table[i].use, keys, &line,
                                           &why);

        if (!ok(rc == NGX_OK && keys->nelts == table[i].n,
                "taken: \"%s\"", table[i].text))
        {
            continue;
        }

        key = (ngx_http_jamhook_key_t *) keys->elts + keys->nelts - 1;

        ok(strcmp(ngx_http_jamhook_secret_kind(key), table[i].kind) == 0,
           "its last is a %s", table[i].kind);

        ok((key->kind == NGX_HTTP_JAMHOOK_KEY_WHSEC)
           ? (key->hmac != NULL && key->pkey == NULL)
           : (key->hmac == NULL && key->pkey != NULL),
           "with one object");

        fingerprint.data = key->fingerprint;
        fingerprint.len = NGX_HTTP_JAMHOOK_FINGERPRINT_LEN;
        is(fingerprint, table[i].fingerprint, "and its fingerprint");

        ok(key->is_short == table[i].is_short, "short: %u",
           (unsigned) table[i].is_short);

        ngx_http_jamhook_secret_free(keys);

        ok(keys->nelts == 0 && key->hmac == NULL && key->pkey == NULL,
           "freed and wiped");

        ngx_http_jamhook_secret_free(keys);
    }
}


/* a key is what follows the prefix, decoded: known by what it signs */

static void
test_use(ngx_pool_t *pool)
{
    char                    *why;
    u_char                   mac[32], signature[64];
    ngx_str_t                text, message;
    ngx_uint_t               line;
    ngx_array_t             *keys;
    ngx_http_jamhook_key_t  *key;

    keys = shim_array(pool, 1, sizeof(ngx_http_jamhook_key_t));
    text = shim_str(pool, "whsec_SmVmZQ==\n" SK "\n" PK "\n");
    message = shim_str(pool, "what do ya want for nothing?");

    (void) ngx_http_jamhook_secret_parse(&text, VERIFY, keys, &line, &why);

    key = keys->elts;

    ok(keys->nelts == 3
       && ngx_http_jamhook_crypto_hmac(key[0].hmac, &message, 1, mac) == NGX_OK
       && memcmp(mac, "\x5b\xdc\xc1\x46\xbf\x60\x75\x4e", 8) == 0,
       "\"Jefe\" of RFC 4231 as a whsec_ key");

    ok(ngx_http_jamhook_crypto_ed25519_sign(key[1].pkey, &message, signature)
       == NGX_OK
       && ngx_http_jamhook_crypto_ed25519_verify(key[2].pkey, &message,
                                                 signature)
          == NGX_OK,
       "what a whsk_ key signs its whpk_ key verifies");

    ngx_http_jamhook_secret_free(keys);
}


static void
test_bounds(ngx_pool_t *pool)
{
    char         *why;
    u_char       *p;
    ngx_int_t     rc;
    ngx_str_t     text;
    ngx_uint_t    i, n, line;
    ngx_array_t  *keys;

    for (n = 31; n <= 34; n++) {
        text.data = ngx_pnalloc(pool, n * 20);
        p = text.data;

        for (i = 0; i < n; i++) {
            p += sprintf((char *) p, "whsec_%c%cAA\n", (int) ('A' + i % 26),
                         (int) ('a' + i / 26));
        }

        text.len = p - text.data;

        keys = shim_array(pool, 1, sizeof(ngx_http_jamhook_key_t));

        rc = ngx_http_jamhook_secret_parse(&text, SIGN, keys, &line, &why);

        if (n <= NGX_HTTP_JAMHOOK_SECRET_KEYS_MAX) {
            ok(rc == NGX_OK && keys->nelts == n, "%u keys", (unsigned) n);

        } else {
            ok(rc == NGX_DECLINED && line == 33
               && strstr(why, "too many") != NULL, "%u keys are too many",
               (unsigned) n);
        }

        ngx_http_jamhook_secret_free(keys);
    }

    /* the longest that fits a file */

    text.len = NGX_HTTP_JAMHOOK_SECRET_FILE_MAX;
    text.data = ngx_pnalloc(pool, text.len);
    memset(text.data, 'A', text.len);
    memcpy(text.data, "whsec_", 6);
    memset(text.data + 6 + (text.len - 6) / 4 * 4, '\n', (text.len - 6) % 4);

    keys = shim_array(pool, 1, sizeof(ngx_http_jamhook_key_t));

    rc = ngx_http_jamhook_secret_parse(&text, SIGN, keys, &line, &why);
    ok(rc == NGX_OK && keys->nelts == 1, "a key as large as its file");

    ngx_http_jamhook_secret_free(keys);
}


/* nothing of a key is left in the pool but in OpenSSL's objects */

static void
test_wiped(void)
{
    char              *why;
    ngx_str_t          text;
    ngx_uint_t         i, line, found, seen;
    ngx_pool_t        *pool;
    ngx_array_t       *keys;
    ngx_pool_large_t  *l;

    static const char  *texts[] = { P1, SK, PK, BAD, P1 "=" };

    for (i = 0; i < nitems(texts); i++) {
        text.data = (u_char *) texts[i];
        text.len = strlen(texts[i]);

        pool = ngx_create_pool(1, NULL);
        keys = shim_array(pool, 4, sizeof(ngx_http_jamhook_key_t));

        (void) ngx_http_jamhook_secret_parse(&text, VERIFY, keys, &line, &why);

        found = 0;
        seen = 0;

        /* the newest allocation is the decoded key's: base64's room for it */

        for (l = pool->large; l != NULL && seen == 0; l = l->next) {
            size_t  j, len;

            len = ngx_base64_decoded_length(text.len
                                            - ((i == 0 || i == 4) ? 6 : 5));

            for (j = 0; j < len; j++) {
                found += ((u_char *) l->alloc)[j] != 0;
            }

            seen++;
        }

        ok(seen == 1 && found == 0, "the decoded key is wiped: %s", texts[i]);

        ngx_http_jamhook_secret_free(keys);
        ngx_destroy_pool(pool);
    }
}


static ngx_int_t
run_parse(ngx_pool_t *pool)
{
    char         *why;
    ngx_int_t     rc;
    ngx_str_t     text = ngx_string(P1 "\n" SK "\n" PK "\n");
    ngx_uint_t    line;
    ngx_array_t   keys;

    if (ngx_array_init(&keys, pool, 1, sizeof(ngx_http_jamhook_key_t))
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    rc = ngx_http_jamhook_secret_parse(&text, VERIFY, &keys, &line, &why);

    ngx_http_jamhook_secret_free(&keys);

    return rc;
}


int
main(void)
{
    ngx_pool_t  *pool;

    pool = ngx_create_pool(1, NULL);

    test_declined(pool);
    test_taken(pool);
    test_use(pool);
    test_bounds(pool);
    test_wiped();

    ok(shim_exhaust(run_parse) >= 6, "parse() without memory");

    ngx_destroy_pool(pool);

    return done();
}
