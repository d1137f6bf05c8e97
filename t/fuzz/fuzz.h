
/*
 * What the harnesses share: the input in pieces, each an exact copy on the
 * heap so that a sanitizer sees one byte beyond it, and a check that ends the
 * process and so makes libFuzzer keep the input.
 *
 * A harness is one function, LLVMFuzzerTestOneInput().  Where it wants more
 * than one piece, lines come first, so that seeds can be read and written.
 */


#ifndef _FUZZ_H_INCLUDED_
#define _FUZZ_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include <stdint.h>

#include "ngx_shim.h"


#define check(what)                                                           \
    do {                                                                      \
        if (!(what)) {                                                        \
            fuzz_failed(__FILE__, __LINE__, #what);                           \
        }                                                                     \
    } while (0)


/* What is left of an input. */
typedef struct {
    ngx_pool_t     *pool;
    const uint8_t  *p;
    const uint8_t  *last;
} fuzz_input_t;


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


static inline void
fuzz_failed(const char *file, int line, const char *what)
{
    (void) fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, what);
    abort();
}


/* The next line, without its end; empty behind the last one. */

static inline ngx_str_t
fuzz_line(fuzz_input_t *in)
{
    ngx_str_t       s;
    const uint8_t  *end;

    end = (in->p < in->last) ? memchr(in->p, '\n', in->last - in->p) : NULL;

    if (end == NULL) {
        end = in->last;
    }

    s = shim_bytes(in->pool, in->p, end - in->p);

    in->p = (end < in->last) ? end + 1 : end;

    return s;
}


static inline ngx_str_t
fuzz_rest(fuzz_input_t *in)
{
    ngx_str_t  s;

    s = shim_bytes(in->pool, in->p, in->last - in->p);
    in->p = in->last;

    return s;
}


/* A number of up to 18 digits with its sign, or n. */

static inline int64_t
fuzz_number(ngx_str_t *s, int64_t n)
{
    char  text[20];

    if (s->len == 0 || s->len >= sizeof(text)) {
        return n;
    }

    memcpy(text, s->data, s->len);
    text[s->len] = '\0';

    return strtoll(text, NULL, 10);
}


/* With a NUL behind it. */

static inline char *
fuzz_text(ngx_pool_t *pool, ngx_str_t *s)
{
    char  *text;

    text = ngx_pnalloc(pool, s->len + 1);
    check(text != NULL);

    memcpy(text, s->data, s->len);
    text[s->len] = '\0';

    return text;
}


static inline ngx_uint_t
fuzz_same(ngx_str_t *one, ngx_str_t *two)
{
    return one->len == two->len
           && (one->len == 0
               || memcmp(one->data, two->data, one->len) == 0);
}


static inline ngx_uint_t
fuzz_has(ngx_str_t *s, ngx_str_t *what)
{
    return what->len != 0 && s->len != 0
           && memmem(s->data, s->len, what->data, what->len) != NULL;
}


static inline ngx_uint_t
fuzz_only(ngx_str_t *s, const char *allowed)
{
    size_t  i;

    for (i = 0; i < s->len; i++) {
        if (s->data[i] == '\0' || strchr(allowed, s->data[i]) == NULL) {
            return 0;
        }
    }

    return 1;
}


#define FUZZ_ALNUM  "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"     \
                    "0123456789"


#endif /* _FUZZ_H_INCLUDED_ */
