#include "openmp.h"

#include <omp.h>
#include <pthread.h>
#include <stdatomic.h>

#include "signals.h"

enum { FAILED = 1, DUE = 2 };

static _Atomic int used, orphaned;

int convt_openmp_threads(void) { return omp_get_max_threads(); }

int convt_openmp_orphaned(void) { return atomic_load(&orphaned); }

/* Until all are done or one has failed, or till the caller has to ask for signals: not in here, since a handler may fork. */
static int region(convt_task task, void *stage, int64_t tasks, int threads, int asks, _Atomic int64_t *next)
{
    _Atomic int stop = 0;
    atomic_store(&used, 1);
#pragma omp parallel num_threads(threads)
    {
        int seat = omp_get_thread_num();
        while (!atomic_load_explicit(&stop, memory_order_relaxed)) {
            if (asks && !seat && signals_are_due()) {
                atomic_fetch_or(&stop, DUE);
                break;
            }
            int64_t i = atomic_fetch_add_explicit(next, 1, memory_order_relaxed);
            if (i >= tasks)
                break;
            if (!task(stage, i, seat))
                atomic_fetch_or(&stop, FAILED);
        }
    }
    return atomic_load(&stop);
}

int convt_openmp_run(convt_task task, void *stage, int64_t tasks, int threads)
{
    threads = tasks < threads ? (int)tasks : threads;
    _Atomic int64_t next = 0;
    int asks = signals_begin(), result = 1;
    while (result == 1 && atomic_load(&next) < tasks) {
        if (asks && signals_are_due() && signals_raised())
            result = -1;
        else if (threads > 1 && !convt_openmp_orphaned())
            result = !(region(task, stage, tasks, threads, asks, &next) & FAILED);
        else
            result = task(stage, atomic_fetch_add(&next, 1), 0) != 0;
    }
    if (asks)
        signals_end();
    return result;
}

static void after_fork(void)
{
    if (atomic_load(&used))
        atomic_store(&orphaned, 1);
}

void convt_openmp_start(int (*poll)(void), int (*is_main)(void))
{
    signals_poll = poll;
    signals_is_main = is_main;
    pthread_atfork(NULL, NULL, after_fork);
}
