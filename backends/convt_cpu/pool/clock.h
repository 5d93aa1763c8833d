/* Time, and waiting for a moment of it. */

#ifndef CONVT_CLOCK_H
#define CONVT_CLOCK_H

#include <stdint.h>
#include <time.h>

#define CONVT_SPIN 50000 /* nanoseconds: about what falling asleep and waking up take */

static inline int64_t nanoseconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* A breath between two looks at what another thread will write; together less than a microsecond. */
static inline void breathe(void)
{
    for (int i = 0; i < 16; i++) {
#if defined(__x86_64__) || defined(__i386__)
        __builtin_ia32_pause();
#elif defined(__aarch64__)
        __asm__ __volatile__("yield");
#else
        __asm__ __volatile__("" ::: "memory");
#endif
    }
}

#endif
