
/*
 * base/secret: a key file is taken, or refused in a line, as a second reader
 * says that goes by the words in secret.h; what is taken signs and verifies.
 * The input: 's' for the use SIGN, anything else for VERIFY; the text.
 */

#include "ngx_http_jamhook_sign.h"
#include "ngx_http_jamhook_verify.h"

#include <openssl/evp.h>
#include <openssl/sha.h>

#include "fuzz.h"


#define MAX  NGX_HTTP_JAMHOOK_SECRET_KEYS_MAX


typedef struct {
    ngx_uint_t   kind;
    ngx_str_t    bytes;
    ngx_str_t    shown;        /* what the fingerprint is of */
} entry_t;

typedef struct {
    entry_t       keys[MAX + 1];
    ngx_uint_t   n;
    ngx_uint_t   line;
} file_t;


/* base64 in its one form, with its padding or without */

static ngx_uint_t
decode(ngx_pool_t *pool, ngx_str_t *s, ngx_str_t *bytes)
{
    int      n, pad;
    char    *padded;
    u_char  *again;

    if (s->len % 4 == 1
        || (s->len % 4 && memchr(s->data, '=', s->len) != NULL))
    {
        return 0;
    }

    n = (int) (s->len + 3) / 4 * 4;

    padded = ngx_pnalloc(pool, s->len + 4);
    memcpy(padded, s->data, s->len);
    memcpy(padded + s->len, "====", 4);

    bytes->data = ngx_pnalloc(pool, n);
    again = ngx_pnalloc(pool, n + 1);

    for (pad = 0; pad < 2 && padded[n - 1 - pad] == '='; pad++) {
        /* void */
    }

    if (EVP_DecodeBlock(bytes->data, (u_char *) padded, n) != n / 4 * 3) {
        return 0;
    }

    bytes->len = n / 4 * 3 - pad;

    return EVP_EncodeBlock(again, bytes->data, (int) bytes->len) == n
           && memcmp(again, padded, n) == 0;
}


static ngx_uint_t
is_pair(ngx_str_t *bytes)
{
    u_char     public[32];
    size_t     len;
    EVP_PKEY  *pkey;

    len = 32;
    pkey = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, bytes->data,
                                        32);
    check(pkey && EVP_PKEY_get_raw_public_key(pkey, public, &len) == 1);
    EVP_PKEY_free(pkey);

    return memcmp(public, bytes->data + 32, 32) == 0;
}


static ngx_int_t
line(ngx_pool_t *pool, file_t *file, ngx_str_t s, ngx_uint_t sign)
{
    entry_t      *key;
    ngx_uint_t   i;

    static const char  *prefixes[] = { "whsec_", "whsk_", "whpk_" };

    while (s.len && strchr(" \t\r", s.data[0]) && s.data[0]) {
        s.data++;
        s.len--;
    }

    while (s.len && strchr(" \t\r", s.data[s.len - 1]) && s.data[s.len - 1]) {
        s.len--;
    }

    if (s.len == 0 || s.data[0] == '#') {
        return NGX_OK;
    }

    key = &file->keys[file->n];

    for (i = 0; i < 3; i++) {
        if (s.len >= strlen(prefixes[i])
            && memcmp(s.data, prefixes[i], strlen(prefixes[i])) == 0)
        {
            break;
        }
    }

    if (i == 3 || (i == 2 && sign)) {
        return NGX_DECLINED;
    }

    s.data += strlen(prefixes[i]);
    s.len -= strlen(prefixes[i]);

    key->kind = i;

    if (s.len == 0
        || !decode(pool, &s, &key->bytes)
        || (i == 1 && key->bytes.len != 64)
        || (i == 2 && key->bytes.len != 32))
    {
        return NGX_DECLINED;
    }

    key->shown = key->bytes;

    if (i == 1) {
        key->shown.data += 32;
        key->shown.len -= 32;
    }

    for (i = 0; i < file->n; i++) {
        if (file->keys[i].kind == key->kind
            && fuzz_same(&file->keys[i].shown, &key->shown))
        {
            return NGX_DECLINED;
        }
    }

    if (file->n == MAX || (key->kind == 1 && !is_pair(&key->bytes))) {
        return NGX_DECLINED;
    }

    file->n++;

    return NGX_OK;
}


static ngx_int_t
read_file(ngx_pool_t *pool, file_t *file, ngx_str_t *text, ngx_uint_t sign)
{
    u_char     *p, *end, *last;
    ngx_str_t   s;

    p = text->data;
    last = p + text->len;

    for (file->line = 1; p < last; file->line++) {
        end = memchr(p, '\n', last - p);
        end = end ? end : last;

        s.data = p;
        s.len = end - p;

        if (line(pool, file, s, sign) != NGX_OK) {
            return NGX_DECLINED;
        }

        p = (end < last) ? end + 1 : last;
    }

    file->line = 0;

    return file->n ? NGX_OK : NGX_DECLINED;
}


static void
fingerprint(ngx_pool_t *pool, ngx_http_jamhook_key_t *key, entry_t *expected)
{
    char        text[9];
    u_char      digest[32];
    ngx_str_t   s;

    s.len = 8 + expected->shown.len;
    s.data = ngx_pnalloc(pool, s.len);
    memcpy(s.data, "jamhook:", 8);
    memcpy(s.data + 8, expected->shown.data, expected->shown.len);

    (void) SHA256(s.data, s.len, digest);
    (void) snprintf(text, sizeof(text), "%02x%02x%02x%02x", digest[0],
                    digest[1], digest[2], digest[3]);

    check(memcmp(key->fingerprint, text, 8) == 0);
    check((ngx_uint_t) key->kind == expected->kind);
    check(key->kind != NGX_HTTP_JAMHOOK_KEY_WHSEC
          || key->is_short == (expected->bytes.len < 24));
}


/* each key by itself signs, and knows its own */

static void
works(ngx_pool_t *pool, ngx_http_jamhook_key_t *key)
{
    ngx_str_t                    value;
    ngx_array_t                  one;
    ngx_http_jamhook_key_t      *found;
    ngx_http_jamhook_message_t   msg;

    static ngx_str_t  body = ngx_string("{\"a\":1}");

    memset(&one, 0, sizeof(one));
    one.elts = key;
    one.nelts = 1;

    ngx_str_set(&msg.id, "msg_1");
    ngx_str_set(&msg.timestamp, "1614265330");

    if (key->kind == NGX_HTTP_JAMHOOK_KEY_WHPK) {
        check(ngx_http_jamhook_sign(&msg.id, &msg.timestamp, &body, &one,
                                    pool, &value)
              == NGX_ERROR);
        return;
    }

    check(ngx_http_jamhook_sign(&msg.id, &msg.timestamp, &body, &one, pool,
                                &value)
          == NGX_OK);

    msg.signature = shim_bytes(pool, value.data, value.len);

    check(ngx_http_jamhook_verify_signature(&msg, &body, &one, pool, &found)
          == NGX_HTTP_JAMHOOK_VERIFY_OK);
    check(found == key);

    msg.signature.data[msg.signature.len / 2] ^= 1;

    check(ngx_http_jamhook_verify_signature(&msg, &body, &one, pool, &found)
          == NGX_HTTP_JAMHOOK_VERIFY_MISMATCH);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char                    *why;
    file_t                   file;
    ngx_int_t                rc;
    ngx_str_t                text;
    ngx_uint_t               at, i, sign;
    ngx_pool_t              *pool;
    ngx_array_t             *keys;
    ngx_http_jamhook_key_t  *key;

    if (size == 0) {
        return 0;
    }

    pool = ngx_create_pool(1, NULL);

    sign = data[0] == 's';
    text = shim_bytes(pool, data + 1, size - 1);
    keys = shim_array(pool, 2, sizeof(ngx_http_jamhook_key_t));

    memset(&file, 0, sizeof(file));

    rc = ngx_http_jamhook_secret_parse(&text,
                                       sign ? NGX_HTTP_JAMHOOK_SECRET_SIGN
                                            : NGX_HTTP_JAMHOOK_SECRET_VERIFY,
                                       keys, &at, &why);

    check(rc == read_file(pool, &file, &text, sign));

    if (rc == NGX_OK) {
        check(keys->nelts == file.n);

        key = keys->elts;

        for (i = 0; i < keys->nelts; i++) {
            fingerprint(pool, &key[i], &file.keys[i]);
            works(pool, &key[i]);
            check(strncmp(ngx_http_jamhook_secret_kind(&key[i]), "wh", 2)
                  == 0);
        }

    } else {
        check(at == file.line && strlen(why) != 0);
    }

    ngx_http_jamhook_secret_free(keys);
    ngx_destroy_pool(pool);

    return 0;
}
