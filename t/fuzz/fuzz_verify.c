
/*
 * rules/verify and rules/sign: a message is accepted if, and only if, a
 * straightforward reading of Standard Webhooks with OpenSSL's own HMAC() and
 * EVP_DigestVerify() accepts it, by the same key.
 *
 * The input: now and the tolerance in a line; headers, "name: value", up to an
 * empty line; the body.  In the values "{t}" becomes now, and in those of the
 * signature headers "{1}", "{2}", "{3}" and "{0}" the tokens of the keys below
 * and of one that is not among them, so that what is right can be mutated.
 */

#include "ngx_http_jamhook_sign.h"
#include "ngx_http_jamhook_verify.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "fuzz.h"


#define ONE    "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
#define TWO    "C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
#define OTHER  "AAECAwQFBgcICQoLDA0ODxAREhMUFRYX"
#define SK     "6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLl"  \
               "X0dRqSKJp4AJ6p9lMicMFs6Kvg=="

#define KEYS   "whsec_" ONE "\nwhsk_" SK "\nwhsec_" TWO "\n"

#define HEADERS  12


typedef struct {
    ngx_str_t    name;
    ngx_str_t    value;
} header_t;

typedef struct {
    ngx_pool_t  *pool;
    header_t     headers[HEADERS];
    ngx_uint_t   n;
    time_t       now;
    time_t       tolerance;
    ngx_str_t    body;

    /* of the family that counts */

    ngx_str_t   *id;
    ngx_str_t   *timestamp;
    ngx_str_t   *signature;

    ngx_str_t    message;
} message_t;


static ngx_array_t  *keys;
static EVP_PKEY     *pkey;

static const char   *names[] = {
    "svix-id", "svix-timestamp", "svix-signature",
    "webhook-id", "webhook-timestamp", "webhook-signature"
};


static ngx_str_t
decoded(ngx_pool_t *pool, const char *base64)
{
    int        n;
    ngx_str_t  s;

    s = shim_str(pool, base64);

    n = EVP_DecodeBlock(s.data, (u_char *) base64, (int) strlen(base64));
    check(n > 0);

    s.len = n - (base64[strlen(base64) - 1] == '=')
              - (base64[strlen(base64) - 2] == '=');

    return s;
}


static void
setup(void)
{
    char        *why;
    ngx_str_t    text, bytes;
    ngx_uint_t   line;
    ngx_pool_t  *pool;

    pool = ngx_create_pool(1, NULL);
    keys = shim_array(pool, 4, sizeof(ngx_http_jamhook_key_t));
    text = shim_str(pool, KEYS);

    check(ngx_http_jamhook_secret_parse(&text, NGX_HTTP_JAMHOOK_SECRET_VERIFY,
                                        keys, &line, &why)
          == NGX_OK);

    bytes = decoded(pool, SK);
    check(bytes.len == 64);

    pkey = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, bytes.data,
                                        32);
    check(pkey != NULL);
}


static ngx_str_t
token(message_t *m, u_char which)
{
    u_char       raw[64], base64[96];
    size_t       len;
    ngx_str_t    key;
    unsigned     n;
    EVP_MD_CTX  *md;

    if (which == '2') {
        len = 64;
        md = EVP_MD_CTX_new();

        check(EVP_DigestSignInit(md, NULL, NULL, NULL, pkey) == 1);
        check(EVP_DigestSign(md, raw, &len, m->message.data, m->message.len)
              == 1);

        EVP_MD_CTX_free(md);

        memcpy(base64, "v1a,", 4);
        n = 4 + EVP_EncodeBlock(base64 + 4, raw, (int) len);

        return shim_bytes(m->pool, base64, n);
    }

    key = decoded(m->pool, which == '1' ? ONE : which == '3' ? TWO : OTHER);

    check(HMAC(EVP_sha256(), key.data, (int) key.len, m->message.data,
               m->message.len, raw, &n)
          != NULL);

    memcpy(base64, "v1,", 3);
    n = 3 + EVP_EncodeBlock(base64 + 3, raw, (int) n);

    return shim_bytes(m->pool, base64, n);
}


static void
expand(message_t *m, ngx_str_t *value, ngx_uint_t tokens)
{
    char       text[24];
    u_char    *p;
    size_t     i;
    ngx_str_t  out, s;

    out.data = ngx_pnalloc(m->pool, value->len * 40 + 1);
    p = out.data;

    for (i = 0; i < value->len; i++) {

        if (value->len - i >= 3 && value->data[i] == '{'
            && value->data[i + 2] == '}')
        {
            s.len = 0;

            if (!tokens && value->data[i + 1] == 't') {
                (void) snprintf(text, sizeof(text), "%lld",
                                (long long) m->now);
                s = shim_str(m->pool, text);

            } else if (tokens && strchr("0123", value->data[i + 1])
                       && value->data[i + 1] != '\0')
            {
                s = token(m, value->data[i + 1]);
            }

            if (s.len) {
                p = ngx_cpymem(p, s.data, s.len);
                i += 2;
                continue;
            }
        }

        *p++ = value->data[i];
    }

    *value = shim_bytes(m->pool, out.data, p - out.data);
}


static ngx_str_t *
find(message_t *m, const char *name, ngx_uint_t *count)
{
    ngx_str_t   *value;
    ngx_uint_t   i;

    value = NULL;

    for (*count = 0, i = 0; i < m->n; i++) {
        if (m->headers[i].name.len == strlen(name)
            && memcmp(m->headers[i].name.data, name, strlen(name)) == 0)
        {
            value = &m->headers[i].value;
            (*count)++;
        }
    }

    return (value && value->len) ? value : NULL;
}


/* the headers alone, as the standard has them */

static ngx_http_jamhook_verify_e
judge(message_t *m)
{
    int64_t      at;
    ngx_str_t   *found[6];
    ngx_uint_t   i, count;

    for (i = 0; i < 6; i++) {
        found[i] = find(m, names[i], &count);

        if (count > 1) {
            return NGX_HTTP_JAMHOOK_VERIFY_MISSING;
        }
    }

    i = (found[0] && found[1] && found[2]) ? 0 : 3;

    if (!found[i] || !found[i + 1] || !found[i + 2]) {
        return NGX_HTTP_JAMHOOK_VERIFY_MISSING;
    }

    m->id = found[i];
    m->timestamp = found[i + 1];
    m->signature = found[i + 2];

    if (m->id->len > 256 || !fuzz_only(m->id, FUZZ_ALNUM "_-")) {
        return NGX_HTTP_JAMHOOK_VERIFY_MISSING;
    }

    if (m->timestamp->len > 15 || m->timestamp->data[0] == '0'
        || !fuzz_only(m->timestamp, "0123456789"))
    {
        return NGX_HTTP_JAMHOOK_VERIFY_TIMESTAMP;
    }

    at = fuzz_number(m->timestamp, 0);

    if (llabs((long long) (m->now - at)) > m->tolerance) {
        return NGX_HTTP_JAMHOOK_VERIFY_TIMESTAMP;
    }

    return NGX_HTTP_JAMHOOK_VERIFY_OK;
}


static ngx_uint_t
ed25519(message_t *m, u_char *p, size_t len, ngx_uint_t *is)
{
    u_char       raw[68], again[96];
    EVP_MD_CTX  *md;

    /* as a decoder that takes one form only would have it */

    if (len != 4 + 88 || memcmp(p, "v1a,", 4) != 0
        || EVP_DecodeBlock(raw, p + 4, 88) != 66
        || EVP_EncodeBlock(again, raw, 64) != 88
        || memcmp(again, p + 4, 88) != 0)
    {
        return 0;
    }

    md = EVP_MD_CTX_new();
    check(EVP_DigestVerifyInit(md, NULL, NULL, NULL, pkey) == 1);

    *is = EVP_DigestVerify(md, raw, 64, m->message.data, m->message.len) == 1;

    EVP_MD_CTX_free(md);

    return 1;
}


/* which key: 0, 1, 2 in the order of KEYS; 3: none */

static ngx_uint_t
signer(message_t *m)
{
    u_char      *p, *end, *last;
    ngx_str_t    one, two;
    ngx_uint_t   best, tried, is;

    one = token(m, '1');
    two = token(m, '3');

    best = 3;
    tried = 0;

    p = m->signature->data;
    last = p + m->signature->len;

    for ( /* void */ ; p < last; p = end + 1) {

        for (end = p; end < last && *end != ' '; end++) {
            /* void */
        }

        if ((size_t) (end - p) == one.len
            && memcmp(p, one.data, one.len) == 0)
        {
            best = 0;
        }

        if ((size_t) (end - p) == two.len
            && memcmp(p, two.data, two.len) == 0)
        {
            best = ngx_min(best, 2);
        }

        if (tried < NGX_HTTP_JAMHOOK_VERIFY_TRIES) {
            is = 0;
            tried += ed25519(m, p, end - p, &is);
            best = is ? ngx_min(best, 1) : best;
        }
    }

    return best;
}


static void
headers(message_t *m, fuzz_input_t *in)
{
    u_char     *colon;
    ngx_str_t   line;
    header_t   *h;

    for (m->n = 0; m->n < HEADERS; m->n++) {
        line = fuzz_line(in);

        if (line.len == 0) {
            return;
        }

        h = &m->headers[m->n];

        colon = memchr(line.data, ':', line.len);

        if (colon == NULL || line.data + line.len - colon < 2) {
            h->name = line;
            h->value = shim_str(m->pool, "");
            continue;
        }

        h->name = shim_bytes(m->pool, line.data, colon - line.data);
        h->value = shim_bytes(m->pool, colon + 2,
                              line.data + line.len - colon - 2);

        expand(m, &h->value, 0);
    }
}


static void
test(message_t *m, ngx_http_jamhook_verify_set_t *set)
{
    char                        *why;
    ngx_str_t                    value;
    ngx_uint_t                   who;
    ngx_http_jamhook_key_t      *key;
    ngx_http_jamhook_message_t   msg;
    ngx_http_jamhook_verify_e    rc, expected;

    why = NULL;
    expected = judge(m);
    rc = ngx_http_jamhook_verify_headers(set, m->now, m->tolerance, &msg,
                                         &why);
    check(rc == expected);
    check((rc == NGX_HTTP_JAMHOOK_VERIFY_OK) == (why == NULL));

    if (rc != NGX_HTTP_JAMHOOK_VERIFY_OK) {
        return;
    }

    check(fuzz_same(&msg.id, m->id));
    check(fuzz_same(&msg.timestamp, m->timestamp));

    who = signer(m);
    key = NULL;
    rc = ngx_http_jamhook_verify_signature(&msg, &m->body, keys, m->pool,
                                           &key);

    check(rc == (who < 3 ? NGX_HTTP_JAMHOOK_VERIFY_OK
                         : NGX_HTTP_JAMHOOK_VERIFY_MISMATCH));
    check(rc != NGX_HTTP_JAMHOOK_VERIFY_OK
          || key == (ngx_http_jamhook_key_t *) keys->elts + who);

    /* and what we sign ourselves is what we accept */

    check(ngx_http_jamhook_sign(&msg.id, &msg.timestamp, &m->body, keys,
                                m->pool, &value)
          == NGX_OK);

    msg.signature = shim_bytes(m->pool, value.data, value.len);

    check(ngx_http_jamhook_verify_signature(&msg, &m->body, keys, m->pool,
                                            &key)
          == NGX_HTTP_JAMHOOK_VERIFY_OK);
    check(key == keys->elts);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    u_char                         *p;
    ngx_str_t                       line, rest;
    message_t                       m;
    ngx_uint_t                      i;
    fuzz_input_t                    in;
    ngx_http_jamhook_message_t      msg;
    ngx_http_jamhook_verify_set_t   set;

    if (keys == NULL) {
        setup();
    }

    memset(&m, 0, sizeof(m));

    m.pool = ngx_create_pool(1, NULL);

    in.pool = m.pool;
    in.p = data;
    in.last = data + size;

    /* within what jamhook_tolerance and a clock can be */

    line = fuzz_line(&in);
    p = memchr(line.data, ' ', line.len);
    m.tolerance = 300;

    if (p) {
        rest = shim_bytes(m.pool, p + 1, line.data + line.len - p - 1);
        m.tolerance = llabs((long long) fuzz_number(&rest, 300)) % 86401;
        line.len = p - line.data;
    }

    m.now = llabs((long long) fuzz_number(&line, 1614265330)) % 4102444800;

    headers(&m, &in);
    m.body = fuzz_rest(&in);

    /* the message, once it is known what it is */

    (void) judge(&m);

    if (m.id) {
        m.message.data = ngx_pnalloc(m.pool, m.id->len + m.timestamp->len
                                             + m.body.len + 2);

        p = ngx_cpymem(m.message.data, m.id->data, m.id->len);
        *p++ = '.';
        p = ngx_cpymem(p, m.timestamp->data, m.timestamp->len);
        *p++ = '.';
        p = ngx_cpymem(p, m.body.data, m.body.len);

        m.message.len = p - m.message.data;

        expand(&m, m.signature, 1);
    }

    memset(&set, 0, sizeof(set));

    for (i = 0; i < m.n; i++) {
        ngx_http_jamhook_verify_gather(&set, &m.headers[i].name,
                                       &m.headers[i].value);
    }

    test(&m, &set);

    ngx_http_jamhook_verify_unsigned(&set, &msg);
    check(msg.id.len <= 256 && fuzz_only(&msg.id, FUZZ_ALNUM "_-"));

    ngx_destroy_pool(m.pool);

    return 0;
}
