/* Refuses one request for memory: the one after so many. Preloaded, for glibc. */
#include <stddef.h>

long requests_granted = -1; /* negative: all */

extern void *__libc_malloc(size_t), *__libc_calloc(size_t, size_t), *__libc_realloc(void *, size_t);

static int refused(void) { return requests_granted >= 0 && requests_granted-- == 0; }

void *malloc(size_t size) { return refused() ? NULL : __libc_malloc(size); }
void *calloc(size_t count, size_t size) { return refused() ? NULL : __libc_calloc(count, size); }
void *realloc(void *block, size_t size) { return refused() ? NULL : __libc_realloc(block, size); }
