
#include "ngx_http_jamhook_tool.h"
#include "ngx_http_jamhook.h"
#include "ngx_http_jamhook_clock.h"
#include "ngx_http_jamhook_secret.h"
#include "ngx_http_jamhook_sign.h"
#include "ngx_http_jamhook_text.h"
#include "ngx_http_jamhook_verify.h"

#include <stdio.h>


#define NGX_HTTP_JAMHOOK_TOOL_TOLERATED    300       /* s */
#define NGX_HTTP_JAMHOOK_TOOL_HEADERS_MAX  65536     /* bytes of a file */
#define NGX_HTTP_JAMHOOK_TOOL_SECRET       32        /* bytes of a new key */


static ngx_int_t ngx_http_jamhook_tool_keys(ngx_http_jamhook_tool_t *tool,
    ngx_http_jamhook_secret_use_e use, ngx_array_t *keys);
static ngx_int_t ngx_http_jamhook_tool_file(ngx_http_jamhook_tool_t *tool,
    const char *name, size_t max, ngx_uint_t secret, ngx_str_t *text);
static ngx_int_t ngx_http_jamhook_tool_payload(ngx_http_jamhook_tool_t *tool,
    ngx_str_t *body);

static ngx_int_t ngx_http_jamhook_tool_tolerance(
    ngx_http_jamhook_tool_t *tool, time_t *tolerance);
static ngx_int_t ngx_http_jamhook_tool_gather(ngx_http_jamhook_tool_t *tool,
    ngx_http_jamhook_verify_set_t *set);
static void ngx_http_jamhook_tool_gather_one(ngx_http_jamhook_tool_t *tool,
    ngx_http_jamhook_verify_set_t *set, const char *name,
    ngx_http_jamhook_tool_option_e option);
static void ngx_http_jamhook_tool_gather_line(ngx_http_jamhook_tool_t *tool,
    ngx_http_jamhook_verify_set_t *set, u_char *data, size_t len);
static int ngx_http_jamhook_tool_verified(ngx_http_jamhook_tool_t *tool,
    ngx_http_jamhook_message_t *msg, ngx_http_jamhook_key_t *key,
    ngx_uint_t n);
static int ngx_http_jamhook_tool_refused(ngx_http_jamhook_tool_t *tool,
    const char *code, char *why);

static ngx_int_t ngx_http_jamhook_tool_message(ngx_http_jamhook_tool_t *tool,
    ngx_http_jamhook_message_t *msg);
static void ngx_http_jamhook_tool_signed(ngx_http_jamhook_tool_t *tool,
    ngx_http_jamhook_message_t *msg, ngx_uint_t prefix);
static int ngx_http_jamhook_tool_keygen_pair(void);
static void ngx_http_jamhook_tool_keygen_print(const char *prefix,
    u_char *bytes, size_t len);


static const char  *ngx_http_jamhook_tool_prefixes[] = {
    "webhook", "svix", NULL
};


int
ngx_http_jamhook_tool_verify(ngx_http_jamhook_tool_t *tool)
{
    int                             rc;
    char                           *why;
    time_t                          tolerance;
    ngx_str_t                       body;
    ngx_array_t                     keys;
    ngx_http_jamhook_key_t         *key, *first;
    ngx_http_jamhook_message_t      msg;
    ngx_http_jamhook_verify_set_t   set;

    if (ngx_http_jamhook_tool_tolerance(tool, &tolerance) != NGX_OK
        || ngx_http_jamhook_tool_gather(tool, &set) != NGX_OK
        || ngx_http_jamhook_tool_keys(tool, NGX_HTTP_JAMHOOK_SECRET_VERIFY,
                                      &keys)
           != NGX_OK)
    {
        return NGX_HTTP_JAMHOOK_TOOL_USAGE;
    }

    switch (ngx_http_jamhook_verify_headers(&set,
                                          ngx_http_jamhook_clock_now() / 1000,
                                            tolerance, &msg, &why))
    {
    case NGX_HTTP_JAMHOOK_VERIFY_OK:
        break;

    case NGX_HTTP_JAMHOOK_VERIFY_TIMESTAMP:
        rc = ngx_http_jamhook_tool_refused(tool, "timestamp_invalid", why);
        goto done;

    default:
        rc = ngx_http_jamhook_tool_refused(tool, "signature_missing", why);
        goto done;
    }

    if (ngx_http_jamhook_tool_payload(tool, &body) != NGX_OK) {
        rc = NGX_HTTP_JAMHOOK_TOOL_TROUBLE;
        goto done;
    }

    switch (ngx_http_jamhook_verify_signature(&msg, &body, &keys, tool->pool,
                                              &key))
    {
    case NGX_HTTP_JAMHOOK_VERIFY_OK:
        first = keys.elts;
        rc = ngx_http_jamhook_tool_verified(tool, &msg, key, key - first + 1);
        break;

    case NGX_HTTP_JAMHOOK_VERIFY_MISMATCH:
        rc = ngx_http_jamhook_tool_refused(tool, "signature_invalid",
                                           "no key matches the signature");
        break;

    default:
        ngx_http_jamhook_tool_say("the signature could not be checked");
        rc = NGX_HTTP_JAMHOOK_TOOL_TROUBLE;
    }

done:

    ngx_http_jamhook_secret_free(&keys);

    return rc;
}


static ngx_int_t
ngx_http_jamhook_tool_tolerance(ngx_http_jamhook_tool_t *tool,
    time_t *tolerance)
{
    char     *value;
    int64_t   s;

    value = tool->values[NGX_HTTP_JAMHOOK_TOOL_TOLERANCE];
    *tolerance = NGX_HTTP_JAMHOOK_TOOL_TOLERATED;

    if (value == NULL) {
        return NGX_OK;
    }

    if (strcmp(value, "off") == 0) {
        *tolerance = NGX_MAX_TIME_T_VALUE;
        return NGX_OK;
    }

    if (ngx_http_jamhook_tool_duration(value, &s) == NGX_OK) {
        *tolerance = s;
        return NGX_OK;
    }

    (void) ngx_http_jamhook_tool_usage(tool, "--tolerance takes a time such as"
                                       " 5m, or \"off\"");
    return NGX_ERROR;
}


static ngx_int_t
ngx_http_jamhook_tool_gather(ngx_http_jamhook_tool_t *tool,
    ngx_http_jamhook_verify_set_t *set)
{
    char        **header;
    u_char       *p, *end, *eol;
    ngx_str_t     text;
    ngx_uint_t    i;

    ngx_memzero(set, sizeof(ngx_http_jamhook_verify_set_t));

    ngx_http_jamhook_tool_gather_one(tool, set, "webhook-id",
                                     NGX_HTTP_JAMHOOK_TOOL_ID);
    ngx_http_jamhook_tool_gather_one(tool, set, "webhook-timestamp",
                                     NGX_HTTP_JAMHOOK_TOOL_TIMESTAMP);
    ngx_http_jamhook_tool_gather_one(tool, set, "webhook-signature",
                                     NGX_HTTP_JAMHOOK_TOOL_SIGNATURE);

    header = tool->headers.elts;

    for (i = 0; i < tool->headers.nelts; i++) {
        ngx_http_jamhook_tool_gather_line(tool, set, (u_char *) header[i],
                                          strlen(header[i]));
    }

    if (!tool->given[NGX_HTTP_JAMHOOK_TOOL_HEADERS]) {
        return NGX_OK;
    }

    if (ngx_http_jamhook_tool_file(tool,
                               tool->values[NGX_HTTP_JAMHOOK_TOOL_HEADERS],
                                   NGX_HTTP_JAMHOOK_TOOL_HEADERS_MAX, 0, &text)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    end = text.data + text.len;

    for (p = text.data; p < end; p = eol + 1) {
        eol = memchr(p, '\n', end - p);

        if (eol == NULL) {
            eol = end;
        }

        ngx_http_jamhook_tool_gather_line(tool, set, p, eol - p);
    }

    return NGX_OK;
}


static void
ngx_http_jamhook_tool_gather_one(ngx_http_jamhook_tool_t *tool,
    ngx_http_jamhook_verify_set_t *set, const char *name,
    ngx_http_jamhook_tool_option_e option)
{
    ngx_str_t  n, value;

    if (tool->given[option]) {
        n.data = (u_char *) name;
        n.len = strlen(name);
        value = ngx_http_jamhook_tool_value(tool, option);

        ngx_http_jamhook_verify_gather(set, &n, &value);
    }
}


/* "Name: value"; other lines, as a request line, are passed over */

static void
ngx_http_jamhook_tool_gather_line(ngx_http_jamhook_tool_t *tool,
    ngx_http_jamhook_verify_set_t *set, u_char *data, size_t len)
{
    size_t      i;
    u_char     *colon, *end;
    ngx_str_t   name, value;

    colon = memchr(data, ':', len);

    if (colon == NULL) {
        return;
    }

    name.len = colon - data;
    name.data = ngx_http_jamhook_tool_alloc(tool->pool, name.len + 1);

    for (i = 0; i < name.len; i++) {
        name.data[i] = ngx_tolower(data[i]);
    }

    value.data = colon + 1;
    end = data + len;

    while (value.data < end && (*value.data == ' ' || *value.data == '\t')) {
        value.data++;
    }

    while (end > value.data
           && (end[-1] == ' ' || end[-1] == '\t' || end[-1] == '\r'))
    {
        end--;
    }

    value.len = end - value.data;

    ngx_http_jamhook_verify_gather(set, &name, &value);
}


static int
ngx_http_jamhook_tool_verified(ngx_http_jamhook_tool_t *tool,
    ngx_http_jamhook_message_t *msg, ngx_http_jamhook_key_t *key, ngx_uint_t n)
{
    char                       *id, *timestamp;
    ngx_str_t                   fingerprint, file;
    ngx_http_jamhook_writer_t   w;

    fingerprint.data = key->fingerprint;
    fingerprint.len = NGX_HTTP_JAMHOOK_FINGERPRINT_LEN;

    if (!tool->given[NGX_HTTP_JAMHOOK_TOOL_JSON]) {
        id = ngx_http_jamhook_tool_safe(tool->pool, &msg->id);
        timestamp = ngx_http_jamhook_tool_safe(tool->pool, &msg->timestamp);

        (void) printf("verified: message %s of %s, by key %u (%s) with"
                      " fingerprint %s\n", id, timestamp, (unsigned) n,
                      ngx_http_jamhook_secret_kind(key),
                      ngx_http_jamhook_tool_safe(tool->pool, &fingerprint));

        return NGX_HTTP_JAMHOOK_TOOL_DONE;
    }

    file = ngx_http_jamhook_tool_value(tool, NGX_HTTP_JAMHOOK_TOOL_KEY);

    ngx_http_jamhook_writer_init(&w, tool->pool);
    ngx_http_jamhook_writer_open(&w, '{');
    ngx_http_jamhook_writer_name(&w, "verified");
    ngx_http_jamhook_writer_bool(&w, 1);
    ngx_http_jamhook_writer_name(&w, "id");
    ngx_http_jamhook_writer_str(&w, &msg->id);
    ngx_http_jamhook_writer_name(&w, "timestamp");
    ngx_http_jamhook_writer_str(&w, &msg->timestamp);
    ngx_http_jamhook_writer_name(&w, "key");
    ngx_http_jamhook_writer_open(&w, '{');
    ngx_http_jamhook_writer_name(&w, "kind");
    ngx_http_jamhook_writer_text(&w, ngx_http_jamhook_secret_kind(key));
    ngx_http_jamhook_writer_name(&w, "fingerprint");
    ngx_http_jamhook_writer_str(&w, &fingerprint);
    ngx_http_jamhook_writer_name(&w, "file");
    ngx_http_jamhook_writer_str(&w, &file);
    ngx_http_jamhook_writer_close(&w, '}');
    ngx_http_jamhook_writer_close(&w, '}');
    ngx_http_jamhook_tool_json(&w);

    return NGX_HTTP_JAMHOOK_TOOL_DONE;
}


/* code: what an ingest location would answer */

static int
ngx_http_jamhook_tool_refused(ngx_http_jamhook_tool_t *tool, const char *code,
    char *why)
{
    ngx_http_jamhook_writer_t  w;

    if (!tool->given[NGX_HTTP_JAMHOOK_TOOL_JSON]) {
        (void) printf("not verified: %s: %s\n", code, why);
        return NGX_HTTP_JAMHOOK_TOOL_NOTHING;
    }

    ngx_http_jamhook_writer_init(&w, tool->pool);
    ngx_http_jamhook_writer_open(&w, '{');
    ngx_http_jamhook_writer_name(&w, "verified");
    ngx_http_jamhook_writer_bool(&w, 0);
    ngx_http_jamhook_writer_name(&w, "code");
    ngx_http_jamhook_writer_text(&w, (char *) code);
    ngx_http_jamhook_writer_name(&w, "detail");
    ngx_http_jamhook_writer_text(&w, why);
    ngx_http_jamhook_writer_close(&w, '}');
    ngx_http_jamhook_tool_json(&w);

    return NGX_HTTP_JAMHOOK_TOOL_NOTHING;
}


int
ngx_http_jamhook_tool_sign(ngx_http_jamhook_tool_t *tool)
{
    int                         rc;
    ngx_str_t                   body;
    ngx_uint_t                  prefix;
    ngx_array_t                 keys;
    ngx_http_jamhook_message_t  msg;

    prefix = 0;

    if (ngx_http_jamhook_tool_word(tool, NGX_HTTP_JAMHOOK_TOOL_PREFIX,
                                   ngx_http_jamhook_tool_prefixes, &prefix)
        != NGX_OK
        || ngx_http_jamhook_tool_message(tool, &msg) != NGX_OK
        || ngx_http_jamhook_tool_keys(tool, NGX_HTTP_JAMHOOK_SECRET_SIGN,
                                      &keys)
           != NGX_OK)
    {
        return NGX_HTTP_JAMHOOK_TOOL_USAGE;
    }

    rc = NGX_HTTP_JAMHOOK_TOOL_TROUBLE;

    if (ngx_http_jamhook_tool_payload(tool, &body) == NGX_OK) {

        if (ngx_http_jamhook_sign(&msg.id, &msg.timestamp, &body, &keys,
                                  tool->pool, &msg.signature)
            == NGX_OK)
        {
            ngx_http_jamhook_tool_signed(tool, &msg, prefix);
            rc = NGX_HTTP_JAMHOOK_TOOL_DONE;

        } else {
            ngx_http_jamhook_tool_say("the payload could not be signed");
        }
    }

    ngx_http_jamhook_secret_free(&keys);

    return rc;
}


/* what is given, or a new id and now */

static ngx_int_t
ngx_http_jamhook_tool_message(ngx_http_jamhook_tool_t *tool,
    ngx_http_jamhook_message_t *msg)
{
    u_char   *p;
    int64_t   n;

    msg->id = ngx_http_jamhook_tool_value(tool, NGX_HTTP_JAMHOOK_TOOL_ID);
    msg->timestamp = ngx_http_jamhook_tool_value(tool,
                                             NGX_HTTP_JAMHOOK_TOOL_TIMESTAMP);

    if (msg->id.data == NULL) {
        if (ngx_http_jamhook_sign_new_id(tool->pool, &msg->id) != NGX_OK) {
            ngx_http_jamhook_tool_say("making an id failed");
            return NGX_ERROR;
        }

    } else if (ngx_http_jamhook_text_token(&msg->id, NGX_HTTP_JAMHOOK_ID_MAX)
               != NGX_OK)
    {
        (void) ngx_http_jamhook_tool_usage(tool, "--id takes up to %d"
                                           " characters of A-Z a-z 0-9 _ -",
                                           NGX_HTTP_JAMHOOK_ID_MAX);
        return NGX_ERROR;
    }

    if (msg->timestamp.data == NULL) {
        p = ngx_http_jamhook_tool_alloc(tool->pool, NGX_INT64_LEN);
        msg->timestamp.data = p;
        msg->timestamp.len = ngx_http_jamhook_text_decimal(p,
                             ngx_http_jamhook_clock_now() / 1000) - p;

    } else if (ngx_http_jamhook_text_number(&msg->timestamp, &n) != NGX_OK) {
        (void) ngx_http_jamhook_tool_usage(tool, "--timestamp takes Unix"
                                           " seconds");
        return NGX_ERROR;
    }

    return NGX_OK;
}


static void
ngx_http_jamhook_tool_signed(ngx_http_jamhook_tool_t *tool,
    ngx_http_jamhook_message_t *msg, ngx_uint_t prefix)
{
    char                        name[sizeof("webhook-timestamp")];
    ngx_str_t                  *values[3], key;
    ngx_uint_t                  i;
    ngx_http_jamhook_writer_t   w;

    static const char  *names[] = { "id", "timestamp", "signature" };

    values[0] = &msg->id;
    values[1] = &msg->timestamp;
    values[2] = &msg->signature;

    ngx_http_jamhook_writer_init(&w, tool->pool);
    ngx_http_jamhook_writer_open(&w, '{');

    for (i = 0; i < 3; i++) {
        key.len = snprintf(name, sizeof(name), "%s-%s",
                           ngx_http_jamhook_tool_prefixes[prefix], names[i]);
        key.data = (u_char *) name;

        if (tool->given[NGX_HTTP_JAMHOOK_TOOL_JSON]) {
            ngx_http_jamhook_writer_key(&w, &key);
            ngx_http_jamhook_writer_str(&w, values[i]);

        } else {
            (void) printf("%s: %.*s\n", name, (int) values[i]->len,
                          values[i]->data);
        }
    }

    if (tool->given[NGX_HTTP_JAMHOOK_TOOL_JSON]) {
        ngx_http_jamhook_writer_close(&w, '}');
        ngx_http_jamhook_tool_json(&w);
    }
}


int
ngx_http_jamhook_tool_keygen(ngx_http_jamhook_tool_t *tool)
{
    u_char  bytes[NGX_HTTP_JAMHOOK_TOOL_SECRET];

    if (tool->given[NGX_HTTP_JAMHOOK_TOOL_ED25519]) {
        return ngx_http_jamhook_tool_keygen_pair();
    }

    if (ngx_http_jamhook_crypto_random(bytes, sizeof(bytes)) != NGX_OK) {
        ngx_http_jamhook_tool_say("making a key failed");
        return NGX_HTTP_JAMHOOK_TOOL_TROUBLE;
    }

    ngx_http_jamhook_tool_keygen_print("whsec_", bytes, sizeof(bytes));
    ngx_explicit_memzero(bytes, sizeof(bytes));

    return NGX_HTTP_JAMHOOK_TOOL_DONE;
}


/* the public one in a comment: the whole may be a key file */

static int
ngx_http_jamhook_tool_keygen_pair(void)
{
    int                       rc;
    u_char                    bytes[2 * NGX_HTTP_JAMHOOK_ED25519_KEY];
    u_char                   *public;
    ngx_http_jamhook_pkey_t  *pkey;

    rc = NGX_HTTP_JAMHOOK_TOOL_TROUBLE;
    public = bytes + NGX_HTTP_JAMHOOK_ED25519_KEY;
    pkey = NULL;

    if (ngx_http_jamhook_crypto_random(bytes, NGX_HTTP_JAMHOOK_ED25519_KEY)
        == NGX_OK)
    {
        pkey = ngx_http_jamhook_crypto_ed25519_private(bytes);
    }

    if (pkey != NULL
        && ngx_http_jamhook_crypto_ed25519_raw(pkey, public) == NGX_OK)
    {
        ngx_http_jamhook_tool_keygen_print("# for who verifies: whpk_", public,
                                           NGX_HTTP_JAMHOOK_ED25519_KEY);
        ngx_http_jamhook_tool_keygen_print("whsk_", bytes, sizeof(bytes));
        rc = NGX_HTTP_JAMHOOK_TOOL_DONE;

    } else {
        ngx_http_jamhook_tool_say("making a key failed");
    }

    ngx_http_jamhook_crypto_pkey_free(pkey);
    ngx_explicit_memzero(bytes, sizeof(bytes));

    return rc;
}


static void
ngx_http_jamhook_tool_keygen_print(const char *prefix, u_char *bytes,
    size_t len)
{
    u_char     text[ngx_base64_encoded_length(
                                         2 * NGX_HTTP_JAMHOOK_ED25519_KEY)];
    u_char    *p;
    ngx_str_t  src;

    src.data = bytes;
    src.len = len;

    p = ngx_http_jamhook_text_base64_encode(text, &src);

    (void) printf("%s%.*s\n", prefix, (int) (p - text), text);

    ngx_explicit_memzero(text, sizeof(text));
}


static ngx_int_t
ngx_http_jamhook_tool_keys(ngx_http_jamhook_tool_t *tool,
    ngx_http_jamhook_secret_use_e use, ngx_array_t *keys)
{
    char        *why, *name;
    ngx_int_t    rc;
    ngx_str_t    text;
    ngx_uint_t   line;

    if (!tool->given[NGX_HTTP_JAMHOOK_TOOL_KEY]) {
        (void) ngx_http_jamhook_tool_usage(tool, "give a key file with -k");
        return NGX_ERROR;
    }

    name = tool->values[NGX_HTTP_JAMHOOK_TOOL_KEY];

    if (ngx_http_jamhook_tool_file(tool, name,
                                   NGX_HTTP_JAMHOOK_SECRET_FILE_MAX, 1, &text)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    ngx_http_jamhook_tool_array(keys, tool->pool,
                                sizeof(ngx_http_jamhook_key_t));

    rc = ngx_http_jamhook_secret_parse(&text, use, keys, &line, &why);

    ngx_explicit_memzero(text.data, text.len);

    if (rc == NGX_OK) {
        return NGX_OK;
    }

    if (rc == NGX_ERROR) {
        ngx_http_jamhook_tool_say("reading the key file failed");

    } else if (line != 0) {
        ngx_http_jamhook_tool_say("invalid key file \"%s\": line %u: %s", name,
                                  (unsigned) line, why);

    } else {
        ngx_http_jamhook_tool_say("invalid key file \"%s\": %s", name, why);
    }

    ngx_http_jamhook_secret_free(keys);

    return NGX_ERROR;
}


/* a whole regular file */

static ngx_int_t
ngx_http_jamhook_tool_file(ngx_http_jamhook_tool_t *tool, const char *name,
    size_t max, ngx_uint_t secret, ngx_str_t *text)
{
    int          fd;
    ssize_t      n;
    ngx_err_t    err;
    struct stat  st;

    /* NONBLOCK: a FIFO has no writer to wait for */

    fd = open(name, O_RDONLY|O_NONBLOCK|O_CLOEXEC);

    if (fd == -1) {
        ngx_http_jamhook_tool_say("opening \"%s\" failed: %s", name,
                                  strerror(ngx_errno));
        return NGX_ERROR;
    }

    if (fstat(fd, &st) == -1
        || !S_ISREG(st.st_mode) || st.st_size > (off_t) max)
    {
        ngx_http_jamhook_tool_say("\"%s\" is not a regular file of at most"
                                  " %u bytes", name, (unsigned) max);
        (void) close(fd);
        return NGX_ERROR;
    }

    if (secret && (st.st_mode & (S_IRWXG|S_IRWXO))) {
        ngx_http_jamhook_tool_say("the key file \"%s\" is open to others than"
                                  " its owner: chmod 600", name);
    }

    text->len = st.st_size;
    text->data = ngx_http_jamhook_tool_alloc(tool->pool, text->len + 1);

    n = read(fd, text->data, text->len);
    err = ngx_errno;

    (void) close(fd);

    if (n != (ssize_t) text->len) {
        ngx_http_jamhook_tool_say("reading \"%s\" failed: %s", name,
                                  n == -1 ? strerror(err)
                                          : "it became shorter");
        ngx_explicit_memzero(text->data, text->len);
        return NGX_ERROR;
    }

    return NGX_OK;
}


/* byte for byte: a line's end at its end is a part of it */

static ngx_int_t
ngx_http_jamhook_tool_payload(ngx_http_jamhook_tool_t *tool, ngx_str_t *body)
{
    size_t   n, size;
    u_char  *data, *more;

    size = 65536;
    data = malloc(size);
    body->len = 0;

    while (data != NULL) {
        n = fread(data + body->len, 1, size - body->len, stdin);
        body->len += n;

        if (body->len > NGX_HTTP_JAMHOOK_BODY_MAX) {
            ngx_http_jamhook_tool_say("the payload on standard input is larger"
                                      " than %u bytes",
                                      NGX_HTTP_JAMHOOK_BODY_MAX);
            free(data);
            return NGX_ERROR;
        }

        if (body->len < size) {

            if (ferror(stdin)) {
                ngx_http_jamhook_tool_say("reading standard input failed: %s",
                                          strerror(ngx_errno));
                free(data);
                return NGX_ERROR;
            }

            /* exactly so long, and in the pool */

            body->data = ngx_http_jamhook_tool_alloc(tool->pool,
                                                     body->len + 1);
            ngx_memcpy(body->data, data, body->len);
            free(data);

            return NGX_OK;
        }

        size *= 2;
        more = realloc(data, size);

        if (more == NULL) {
            free(data);
        }

        data = more;
    }

    ngx_http_jamhook_tool_no_memory();
}
