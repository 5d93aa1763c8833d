/* A number that threads can sleep on until it changes: a futex on Linux, elsewhere a mutex and a condition variable.
 *
 * Whoever changes the value and then calls `word_wake` wakes everybody who had begun to sleep on the value before: sleepers
 * compare once more, in the kernel or under the mutex. Sleep may end early, for no reason. */

#ifndef CONVT_WORD_H
#define CONVT_WORD_H

#include <limits.h>
#include <stdatomic.h>
#include <stdint.h>
#include <time.h>

#if defined(__linux__) && !defined(CONVT_POOL_NO_FUTEX)

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

struct word {
    _Alignas(64) _Atomic uint32_t value;
};

static inline void word_init(struct word *word) { (void)word; }

/* Sleeps while the value is `seen`; `limit` in nanoseconds, negative for none. */
static inline void word_sleep(struct word *word, uint32_t seen, int64_t limit)
{
    struct timespec time = {limit / 1000000000, limit % 1000000000};
    syscall(SYS_futex, &word->value, FUTEX_WAIT_PRIVATE, seen, limit < 0 ? NULL : &time, NULL, 0);
}

static inline void word_wake(struct word *word, int sleepers)
{
    syscall(SYS_futex, &word->value, FUTEX_WAKE_PRIVATE, sleepers, NULL, NULL, 0);
}

#else

#include <pthread.h>

struct word {
    _Alignas(64) _Atomic uint32_t value;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
};

/* Leaves the value. Also for a forked child, where the mutex may belong to a thread that is not there. */
static inline void word_init(struct word *word)
{
    pthread_mutex_init(&word->mutex, NULL);
    pthread_cond_init(&word->changed, NULL);
}

static inline void word_sleep(struct word *word, uint32_t seen, int64_t limit)
{
    struct timespec until = {0, 0};
    if (limit >= 0) {
        clock_gettime(CLOCK_REALTIME, &until);
        int64_t end = until.tv_nsec + limit;
        until.tv_sec += end / 1000000000;
        until.tv_nsec = end % 1000000000;
    }
    pthread_mutex_lock(&word->mutex);
    if (atomic_load(&word->value) == seen) {
        if (limit < 0)
            pthread_cond_wait(&word->changed, &word->mutex);
        else
            pthread_cond_timedwait(&word->changed, &word->mutex, &until);
    }
    pthread_mutex_unlock(&word->mutex);
}

static inline void word_wake(struct word *word, int sleepers)
{
    pthread_mutex_lock(&word->mutex);
    if (sleepers == INT_MAX)
        pthread_cond_broadcast(&word->changed);
    else
        while (sleepers-- > 0)
            pthread_cond_signal(&word->changed);
    pthread_mutex_unlock(&word->mutex);
}

#endif
#endif
