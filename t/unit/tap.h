
/*
 * TAP for the unit tests: ok() prints a line, done() the plan, and main()
 * returns what done() does.  A program is one process and one thread.
 */


#ifndef _TAP_H_INCLUDED_
#define _TAP_H_INCLUDED_


#include <stdarg.h>
#include <stdio.h>
#include <string.h>


static int  tap_count;
static int  tap_failures;


static inline int
ok(int passed, const char *fmt, ...)
{
    char     name[256], *p;
    va_list  args;

    va_start(args, fmt);
    (void) vsnprintf(name, sizeof(name), fmt, args);
    va_end(args);

    /* what TAP would read as something else */

    for (p = name; *p != '\0'; p++) {
        if (*p == '#' || *p < 0x20 || *p == 0x7f) {
            *p = '?';
        }
    }

    tap_count++;

    if (!passed) {
        tap_failures++;
    }

    (void) printf("%sok %d - %s\n", passed ? "" : "not ", tap_count, name);
    (void) fflush(stdout);

    return passed;
}


static inline void
diag(const char *what, const unsigned char *p, size_t len)
{
    (void) printf("# %s: \"%.*s\"\n", what, (int) len, (const char *) p);
}


static inline int
done(void)
{
    (void) printf("1..%d\n", tap_count);
    (void) fflush(stdout);

    return tap_failures != 0;
}


/* s (ngx_str_t) is exactly the C string */

#define is(s, expected, ...)                                                 \
    do {                                                                     \
        if (!ok((s).len == strlen(expected)                                  \
                && memcmp((s).len ? (void *) (s).data : (void *) "",         \
                          expected, (s).len) == 0,                           \
                __VA_ARGS__))                                                \
        {                                                                    \
            diag("got", (s).data, (s).len);                                  \
            diag("expected", (const unsigned char *) (expected),             \
                 strlen(expected));                                          \
        }                                                                    \
    } while (0)


#endif /* _TAP_H_INCLUDED_ */
