
#include "ngx_http_jamhook_redact.h"

#include "ngx_shim.h"
#include "tap.h"


typedef struct {
    const char  *what;
    const char  *text;
    const char  *redacted;     /* NULL: as it was */
    ngx_uint_t   cut;
} redact_t;


static ngx_str_t  secrets[] = {
    ngx_string("the/copied/path/with-more"),
    ngx_string("the/copied/path"),
    ngx_string("token=a%2Fb%20cdef"),
    ngx_string("123456789012"),
    ngx_string("a\\b/c\\d/e\\f/g"),
    ngx_string("%41%42%43%44"),
    ngx_string("short"),
};


static redact_t  redacts[] = {
    { "a text without any", "Cannot POST /the/other/path", NULL, 0 },
    { "nothing", "", NULL, 0 },
    { "one", "Cannot POST /the/copied/path/123",
      "Cannot POST /.../123", 0 },
    { "the whole text", "the/copied/path", "...", 0 },
    { "the longest", "/the/copied/path/with-more/1 /the/copied/path/with-mor",
      "/.../1 /.../with-mor", 0 },
    { "all of them",
      "the/copied/path123456789012the/copied/path /the/the/copied/path",
      "......... /the/...", 0 },
    { "a secret of 12 bytes", "x1234567890123", "x...3", 0 },
    { "not one that is shorter", "short", NULL, 0 },
    { "case counts", "/the/Copied/path", NULL, 0 },

    { "percent-encoded", "?next=%2Fthe%2fcopied%2Fpath%2F7",
      "?next=%2F...%2F7", 0 },
    { "each byte so", "%74%68%65%2F%63%6F%70%69%65%64%2F%70%61%74%68!",
      "...!", 0 },
    { "a secret that is encoded itself",
      "token=a%2Fb%20cdef token=a/b cdef token=a%2fb cdef",
      "... ... ...", 0 },
    { "one with backslashes", "/a\\b/c\\d/e\\f/g/1", "/.../1", 0 },
    { "one that is short when it is decoded", "%41%42%43%44 ABCD",
      "... ABCD", 0 },
    { "a \"%\" that begins nothing", "%th%zzthe/copied/path%", "%th%zz...%",
      0 },
    { "a \"%\" in the middle", "the/copied%/path", NULL, 0 },

    { "as JSON has it", "{\"url\":\"\\/the\\/copied\\/path\\/1\"}",
      "{\"url\":\"\\/...\\/1\"}", 0 },
    { "with JSON's numbers", "\\u002Fthe\\u002fcopied/p\\u0061th",
      "\\u002F...", 0 },
    { "a number that is no byte", "the/copied\\u012fpath", NULL, 0 },
    { "a number that is none", "\\u00gthe/copied/path", "\\u00g...", 0 },
    { "behind a line's end of JSON", "\\nthe/copied/path\\n", "\\n...\\n", 0 },
    { "behind a backslash of JSON", "\\\\/the/copied/path", "\\\\/...", 0 },
    { "what looks like an escape, behind a path of Windows",
      "C:\\the/copied/path", "C:\\\\...", 0 },
    { "like a number", "\\u123456789012", "\\\\u...", 0 },
    { "like half of one", "\\u00123456789012", "\\\\u00...", 0 },
    { "like an encoded byte", "%123456789012", "%...", 0 },
    { "and what it does not need is found", "\\u1234123456789012\\",
      "\\u1234...\\", 0 },
    { "an escape that is no slash", "the\\tcopied/path", NULL, 0 },

    { "a beginning, with nothing behind it", "/the/copied/", NULL, 0 },
    { "a beginning that is cut off", "x /the/copied/p", "x /...", 1 },
    { "of 12 bytes", "/the/copied/p", "/...", 1 },
    { "not of 11", "/the/copied/", NULL, 1 },
    { "cut in an escape", "/the%2Fcopied/p%6", "/...", 1 },
    { "cut behind its first byte", "/the/copied/p%", "/...", 1 },
    { "cut in one of JSON", "/the\\/copied/p\\", "/...", 1 },
    { "cut in a number of JSON", "/the\\/copied/p\\u00", "/...", 1 },
    { "cut in an escape too early", "/the/copied%2", NULL, 1 },
    { "whole, and cut off behind it", "/the/copied/path", "/...", 1 },
    { "whole and a beginning", "/the/copied/path /the/copied/pat",
      "/... /...", 1 },
};


static void
test_redact(ngx_pool_t *pool)
{
    ngx_str_t    s;
    ngx_uint_t   i;
    const char  *wanted;

    for (i = 0; i < nitems(redacts); i++) {
        wanted = redacts[i].redacted ? redacts[i].redacted : redacts[i].text;

        s = shim_str(pool, redacts[i].text);
        ngx_http_jamhook_redact(&s, secrets, nitems(secrets), redacts[i].cut);
        is(s, wanted, "%s", redacts[i].what);
    }
}


/* at each place where it can be cut: never more than 11 bytes of it are left */

static void
test_border(ngx_pool_t *pool)
{
    size_t       n, left;
    ngx_str_t    s, text;
    ngx_uint_t   good;

    text = shim_str(pool, "path: the/copied/path/with-more");
    good = 0;

    for (n = 0; n <= text.len; n++) {
        s = shim_bytes(pool, text.data, n);
        ngx_http_jamhook_redact(&s, secrets, nitems(secrets), 1);

        left = s.len - ngx_min(s.len, sizeof("path: ") - 1);

        good += n < sizeof("path: ") - 1 + NGX_HTTP_JAMHOOK_REDACT_MIN
                ? s.len == n
                : (left <= sizeof("...") - 1 + sizeof("/with-mor") - 1);
    }

    ok(good == text.len + 1, "a text that ends anywhere");
}


static void
test_bytes(ngx_pool_t *pool)
{
    ngx_str_t  s, none;

    s = shim_bytes(pool, "\0\xff\x80the/copied/path\0\n", 20);
    ngx_http_jamhook_redact(&s, secrets, nitems(secrets), 0);
    ok(s.len == 8 && ngx_memcmp(s.data, "\0\xff\x80...\0\n", 8) == 0,
       "bytes of any kind");

    s = shim_str(pool, "the/copied/path");
    ngx_http_jamhook_redact(&s, NULL, 0, 1);
    is(s, "the/copied/path", "no secrets");

    ngx_str_null(&none);
    ngx_http_jamhook_redact(&s, &none, 1, 1);
    is(s, "the/copied/path", "an empty one");
}


int
main(void)
{
    ngx_pool_t  *pool;

    pool = ngx_create_pool(1, NULL);

    test_redact(pool);
    test_border(pool);
    test_bytes(pool);

    ngx_destroy_pool(pool);

    return done();
}
