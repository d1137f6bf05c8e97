
#include "ngx_http_jamhook_crypto.h"
#include "ngx_http_jamhook_text.h"

#include <openssl/err.h>

#include "ngx_shim.h"
#include "crypto_fail.h"
#include "tap.h"


static ngx_str_t
unhex(ngx_pool_t *pool, const char *hex)
{
    size_t     i;
    ngx_str_t  s;

    s.len = strlen(hex) / 2;
    s.data = ngx_pnalloc(pool, s.len);

    for (i = 0; i < s.len; i++) {
        s.data[i] = (u_char) ngx_hextoi((u_char *) hex + 2 * i, 2);
    }

    return s;
}


static ngx_str_t
tohex(ngx_pool_t *pool, u_char *p, size_t len)
{
    ngx_str_t  s;

    s.data = ngx_pnalloc(pool, 2 * len);
    s.len = ngx_http_jamhook_text_hex(s.data, p, len) - s.data;

    return s;
}


/* RFC 4231, each through one object twice, in parts of every kind */

static void
test_hmac(ngx_pool_t *pool)
{
    u_char                   *digest;
    ngx_str_t                 key, data, parts[4];
    ngx_uint_t                i;
    ngx_http_jamhook_hmac_t  *hmac;

    static struct {
        const char  *key;
        ngx_uint_t   repeat;
        const char  *data;
        const char  *digest;
    } table[] = {
        { "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", 1, "Hi There",
          "b0344c61d8db38535ca8afceaf0bf12b"
          "881dc200c9833da726e9376c2e32cff7" },
        { "4a656665", 1, "what do ya want for nothing?",
          "5bdcc146bf60754e6a042426089575c7"
          "5a003f089d2739839dec58b964ec3843" },
        { "aa", 131, "Test Using Larger Than Block-Size Key - Hash Key First",
          "60e431591ee0b67f0d8a26aacbf5b77f"
          "8e0bc6213728c5140546040f0ee37f54" },
        { "aa", 131, "This is a test using a larger than block-size key and a"
          " larger than block-size data. The key needs to be hashed before"
          " being used by the HMAC algorithm.",
          "9b09ffa71b942fcb27635fbcd5b0e944"
          "bfdc63644f0713938a7f51535c3a35e2" },
    };

    digest = ngx_pnalloc(pool, NGX_HTTP_JAMHOOK_SHA256_LEN);

    for (i = 0; i < nitems(table); i++) {
        key = unhex(pool, table[i].key);

        if (table[i].repeat != 1) {
            u_char  byte = key.data[0];

            key.len = table[i].repeat;
            key.data = ngx_pnalloc(pool, key.len);
            memset(key.data, byte, key.len);
        }

        hmac = ngx_http_jamhook_crypto_hmac_create(key.data, key.len);

        /* the key was copied */
        memset(key.data, 0, key.len);

        data = shim_str(pool, table[i].data);

        ok(ngx_http_jamhook_crypto_hmac(hmac, &data, 1, digest) == NGX_OK,
           "RFC 4231: HMAC %u", (unsigned) i);
        is(tohex(pool, digest, NGX_HTTP_JAMHOOK_SHA256_LEN), table[i].digest,
           "RFC 4231: value %u", (unsigned) i);

        parts[0].data = data.data;
        parts[0].len = 3;
        ngx_str_null(&parts[1]);
        parts[2].data = data.data + 3;
        parts[2].len = data.len - 3;
        ngx_str_set(&parts[3], "");

        memset(digest, 0, NGX_HTTP_JAMHOOK_SHA256_LEN);

        ok(ngx_http_jamhook_crypto_hmac(hmac, parts, 4, digest) == NGX_OK,
           "the same object again, in parts");
        is(tohex(pool, digest, NGX_HTTP_JAMHOOK_SHA256_LEN), table[i].digest,
           "it has not changed");

        ngx_http_jamhook_crypto_hmac_free(hmac);
    }

    /* a key of exactly a block, and of a byte more: two different ways */

    key.data = ngx_pnalloc(pool, 65);
    memset(key.data, 'k', 65);
    data = shim_str(pool, "data");

    hmac = ngx_http_jamhook_crypto_hmac_create(key.data, 64);
    (void) ngx_http_jamhook_crypto_hmac(hmac, &data, 1, digest);
    is(tohex(pool, digest, NGX_HTTP_JAMHOOK_SHA256_LEN),
       "93244b031118b8060c6619e5900fcf91"
       "6faefb2d8d020fecb22ae0f62275db08",
       "a key of 64 bytes");
    ngx_http_jamhook_crypto_hmac_free(hmac);

    hmac = ngx_http_jamhook_crypto_hmac_create(key.data, 65);
    (void) ngx_http_jamhook_crypto_hmac(hmac, &data, 1, digest);
    is(tohex(pool, digest, NGX_HTTP_JAMHOOK_SHA256_LEN),
       "a79b53d0bf1cb4bb00c301979e6e60ef"
       "792a435cafabd76ab9e8989bbdef2dff",
       "a key of 65 bytes");
    ngx_http_jamhook_crypto_hmac_free(hmac);

    ngx_http_jamhook_crypto_hmac_free(NULL);
}


/* RFC 8032, section 7.1, tests 1 and 3, and what must not match */

static void
test_ed25519(ngx_pool_t *pool)
{
    u_char                   *raw, *sig;
    ngx_str_t                 seed, public, message, signature;
    ngx_uint_t                i, j, n;
    ngx_http_jamhook_pkey_t  *private_key, *public_key;

    static struct {
        const char  *seed;
        const char  *public;
        const char  *message;
        const char  *signature;
    } table[] = {
        { "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
          "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
          "",
          "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555f"
          "b8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b" },
        { "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
          "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
          "af82",
          "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18"
          "ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a" },
    };

    sig = ngx_pnalloc(pool, NGX_HTTP_JAMHOOK_ED25519_LEN);
    raw = ngx_pnalloc(pool, NGX_HTTP_JAMHOOK_ED25519_KEY);

    for (i = 0; i < nitems(table); i++) {
        seed = unhex(pool, table[i].seed);
        public = unhex(pool, table[i].public);
        message = unhex(pool, table[i].message);
        signature = unhex(pool, table[i].signature);

        private_key = ngx_http_jamhook_crypto_ed25519_private(seed.data);
        public_key = ngx_http_jamhook_crypto_ed25519_public(public.data);

        (void) ngx_http_jamhook_crypto_ed25519_raw(private_key, raw);
        is(tohex(pool, raw, NGX_HTTP_JAMHOOK_ED25519_KEY), table[i].public,
           "RFC 8032: the seed's public key");

        (void) ngx_http_jamhook_crypto_ed25519_raw(public_key, raw);
        is(tohex(pool, raw, NGX_HTTP_JAMHOOK_ED25519_KEY), table[i].public,
           "the public key itself");

        ok(ngx_http_jamhook_crypto_ed25519_sign(private_key, &message, sig)
           == NGX_OK, "RFC 8032: it signs");
        is(tohex(pool, sig, NGX_HTTP_JAMHOOK_ED25519_LEN), table[i].signature,
           "RFC 8032: the signature");

        ok(ngx_http_jamhook_crypto_ed25519_verify(public_key, &message,
                                                  signature.data)
           == NGX_OK, "the public key verifies");
        ok(ngx_http_jamhook_crypto_ed25519_verify(private_key, &message,
                                                  signature.data)
           == NGX_OK, "the private key verifies too");

        for (n = 0, j = 0; j < NGX_HTTP_JAMHOOK_ED25519_LEN; j++) {
            signature.data[j] ^= 0x10;
            n += ngx_http_jamhook_crypto_ed25519_verify(public_key, &message,
                                                        signature.data)
                 == NGX_DECLINED;
            signature.data[j] ^= 0x10;
        }

        ok(n == NGX_HTTP_JAMHOOK_ED25519_LEN,
           "one bit changed in any byte: declined");

        ngx_str_set(&message, "other");
        ok(ngx_http_jamhook_crypto_ed25519_verify(public_key, &message,
                                                  signature.data)
           == NGX_DECLINED, "another message: declined");

        ok(ngx_http_jamhook_crypto_ed25519_sign(public_key, &message, sig)
           == NGX_ERROR, "a public key cannot sign");

        ok(ERR_peek_error() == 0, "no error is left in OpenSSL's queue");

        ngx_http_jamhook_crypto_pkey_free(private_key);
        ngx_http_jamhook_crypto_pkey_free(public_key);
    }

    ngx_http_jamhook_crypto_pkey_free(NULL);
}


static void
test_digests(ngx_pool_t *pool)
{
    u_char     *digest;
    ngx_str_t   parts[3];

    digest = ngx_pnalloc(pool, NGX_HTTP_JAMHOOK_SHA1_LEN);

    ngx_str_set(&parts[0], "a");
    ngx_str_null(&parts[1]);
    ngx_str_set(&parts[2], "bc");

    (void) ngx_http_jamhook_crypto_sha1(parts, 3, digest);
    is(tohex(pool, digest, NGX_HTTP_JAMHOOK_SHA1_LEN),
       "a9993e364706816aba3e25717850c26c9cd0d89d", "SHA-1 of \"abc\"");

    (void) ngx_http_jamhook_crypto_sha1(parts, 0, digest);
    is(tohex(pool, digest, NGX_HTTP_JAMHOOK_SHA1_LEN),
       "da39a3ee5e6b4b0d3255bfef95601890afd80709", "SHA-1 of nothing");

    digest = ngx_pnalloc(pool, NGX_HTTP_JAMHOOK_SHA256_LEN);

    (void) ngx_http_jamhook_crypto_sha256(parts, 3, digest);
    is(tohex(pool, digest, NGX_HTTP_JAMHOOK_SHA256_LEN),
       "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
       "SHA-256 of \"abc\"");

    (void) ngx_http_jamhook_crypto_sha256(parts, 0, digest);
    is(tohex(pool, digest, NGX_HTTP_JAMHOOK_SHA256_LEN),
       "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
       "SHA-256 of nothing");
}


static void
test_random(ngx_pool_t *pool)
{
    u_char      *a, *b;
    ngx_uint_t   i, n;

    a = ngx_pnalloc(pool, 64);
    b = ngx_pnalloc(pool, 64);

    memset(a, 0, 64);
    memset(b, 0, 64);

    ok(ngx_http_jamhook_crypto_random(a, 64) == NGX_OK
       && ngx_http_jamhook_crypto_random(b, 64) == NGX_OK
       && memcmp(a, b, 64) != 0
       && memcmp(a + 48, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 16) != 0,
       "random bytes differ and reach the end");

    ok(ngx_http_jamhook_crypto_random(NULL, (size_t) 1 << 32) == NGX_ERROR,
       "more than OpenSSL's int is refused, not cut");

    memcpy(b, a, 64);
    ok(ngx_http_jamhook_crypto_equal(a, b, 64), "equal values are");

    for (n = 0, i = 0; i < 64; i++) {
        b[i] ^= 1;
        n += ngx_http_jamhook_crypto_equal(a, b, 64);
        b[i] ^= 1;
    }

    ok(n == 0, "values that differ in one bit are not");
}


/*
 * Each function with each of OpenSSL's allocations failing.  OpenSSL does
 * without some of them; then what it gives must be right.
 */

static ngx_int_t
run_hmac_create(ngx_str_t *message, void *object, u_char *out)
{
    ngx_int_t                 rc;
    ngx_http_jamhook_hmac_t  *hmac;

    (void) object;

    hmac = ngx_http_jamhook_crypto_hmac_create(message->data, message->len);
    if (hmac == NULL) {
        return NGX_ERROR;
    }

    rc = ngx_http_jamhook_crypto_hmac(hmac, message, 1, out);

    ngx_http_jamhook_crypto_hmac_free(hmac);

    return rc;
}


static ngx_int_t
run_hmac(ngx_str_t *message, void *object, u_char *out)
{
    return ngx_http_jamhook_crypto_hmac(object, message, 1, out);
}


static ngx_int_t
run_sha1(ngx_str_t *message, void *object, u_char *out)
{
    (void) object;

    return ngx_http_jamhook_crypto_sha1(message, 1, out);
}


static ngx_int_t
run_private(ngx_str_t *message, void *object, u_char *out)
{
    ngx_int_t                 rc;
    ngx_http_jamhook_pkey_t  *pkey;

    (void) object;

    pkey = ngx_http_jamhook_crypto_ed25519_private(message->data);
    if (pkey == NULL) {
        return NGX_ERROR;
    }

    rc = ngx_http_jamhook_crypto_ed25519_raw(pkey, out);

    ngx_http_jamhook_crypto_pkey_free(pkey);

    return rc;
}


static ngx_int_t
run_public(ngx_str_t *message, void *object, u_char *out)
{
    ngx_int_t                 rc;
    ngx_http_jamhook_pkey_t  *pkey;

    (void) object;

    pkey = ngx_http_jamhook_crypto_ed25519_public(message->data);
    if (pkey == NULL) {
        return NGX_ERROR;
    }

    rc = ngx_http_jamhook_crypto_ed25519_raw(pkey, out);

    ngx_http_jamhook_crypto_pkey_free(pkey);

    return rc;
}


static ngx_int_t
run_sign(ngx_str_t *message, void *object, u_char *out)
{
    return ngx_http_jamhook_crypto_ed25519_sign(object, message, out);
}


/* the signature is one of another message: never NGX_OK */

static ngx_int_t
run_verify(ngx_str_t *message, void *object, u_char *out)
{
    ngx_int_t  rc;
    u_char     signature[NGX_HTTP_JAMHOOK_ED25519_LEN];

    memset(signature, 7, sizeof(signature));

    rc = ngx_http_jamhook_crypto_ed25519_verify(object, message, signature);

    out[0] = (rc != NGX_OK);

    return (rc == NGX_DECLINED) ? NGX_OK : rc;
}


static void
test_memory(ngx_pool_t *pool)
{
    u_char                    right[64], out[64];
    unsigned                  n, errors, wrong;
    ngx_int_t                 rc;
    ngx_str_t                 message;
    ngx_uint_t                i;
    ngx_http_jamhook_hmac_t  *hmac;
    ngx_http_jamhook_pkey_t  *pkey;

    struct {
        const char  *name;
        ngx_int_t  (*run)(ngx_str_t *message, void *object, u_char *out);
        void        *object;
    } table[] = {
        { "hmac_create", run_hmac_create, NULL },
        { "hmac", run_hmac, NULL },
        { "sha1", run_sha1, NULL },
        { "ed25519_private", run_private, NULL },
        { "ed25519_public", run_public, NULL },
        { "ed25519_sign", run_sign, NULL },
        { "ed25519_verify", run_verify, NULL },
    };

    /* as a public key it is a point of the curve: RFC 8032's first one */

    message = unhex(pool, "d75a980182b10ab7d54bfed3c964073a"
                          "0ee172f3daa62325af021a68f707511a");

    hmac = ngx_http_jamhook_crypto_hmac_create(message.data, message.len);
    pkey = ngx_http_jamhook_crypto_ed25519_private(message.data);

    for (i = 0; i < nitems(table); i++) {
        table[i].object = (table[i].run == run_hmac) ? (void *) hmac
                                                     : (void *) pkey;

        memset(right, 0, sizeof(right));

        rc = table[i].run(&message, table[i].object, right);
        wrong = (rc != NGX_OK);
        errors = 0;

        for (n = 1; n < 1000; n++) {
            memset(out, 0, sizeof(out));

            if (table[i].run == run_hmac) {
                /* one that was used may need no memory any more */
                ngx_http_jamhook_crypto_hmac_free(hmac);
                hmac = ngx_http_jamhook_crypto_hmac_create(message.data,
                                                           message.len);
                table[i].object = hmac;
            }

            crypto_failed = 0;
            crypto_fail = n;

            rc = table[i].run(&message, table[i].object, out);

            crypto_fail = 0;

            if (rc == NGX_ERROR && table[i].run == run_hmac) {
                /* and one that had none is as good as before */
                memset(out, 0, sizeof(out));
                wrong += (run_hmac(&message, hmac, out) != NGX_OK
                          || memcmp(out, right, 64) != 0);
            }

            if (rc == NGX_ERROR) {
                errors++;

            } else if (rc != NGX_OK || memcmp(out, right, 64) != 0) {
                wrong++;
            }

            if (!crypto_failed) {
                break;
            }
        }

        ok(wrong == 0 && errors != 0 && rc == NGX_OK && !crypto_failed,
           "%s fails well where OpenSSL has no memory, in %u of %u places",
           table[i].name, errors, n - 1);
    }

    ok(ERR_peek_error() == 0, "no error is left in OpenSSL's queue");

    ngx_http_jamhook_crypto_hmac_free(hmac);
    ngx_http_jamhook_crypto_pkey_free(pkey);
}


int
main(void)
{
    ngx_pool_t  *pool;

    crypto_fail_init();

    pool = ngx_create_pool(1, NULL);

    test_hmac(pool);
    test_ed25519(pool);
    test_digests(pool);
    test_random(pool);
    test_memory(pool);

    ngx_destroy_pool(pool);

    return done();
}
