
/*
 * OpenSSL without memory: crypto_fail_init() stands before any other use of it
 * in main().
 */


#ifndef _CRYPTO_FAIL_H_INCLUDED_
#define _CRYPTO_FAIL_H_INCLUDED_


#include <stdlib.h>

#include <openssl/crypto.h>


/* The n-th allocation of OpenSSL's from now on fails; 0: none does. */
static unsigned  crypto_fail;
static unsigned  crypto_failed;


static inline void *
crypto_malloc(size_t size, const char *file, int line)
{
    (void) file;
    (void) line;

    if (crypto_fail != 0 && --crypto_fail == 0) {
        crypto_failed = 1;
        return NULL;
    }

    return malloc(size);
}


static inline void *
crypto_realloc(void *p, size_t size, const char *file, int line)
{
    (void) file;
    (void) line;

    return realloc(p, size);
}


static inline void
crypto_free(void *p, const char *file, int line)
{
    (void) file;
    (void) line;

    free(p);
}


static inline void
crypto_fail_init(void)
{
    if (CRYPTO_set_mem_functions(crypto_malloc, crypto_realloc, crypto_free)
        != 1)
    {
        abort();
    }
}


#endif /* _CRYPTO_FAIL_H_INCLUDED_ */
