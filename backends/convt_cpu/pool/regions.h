/* Tasks in parallel regions of an OpenMP library, which that makes: all of its threads are waited for. */

#ifndef CONVT_REGIONS_H
#define CONVT_REGIONS_H

#include <pthread.h>
#include <stdatomic.h>

#include "signals.h"

/* Calls `body(data)` on the caller and at most `threads - 1` others, and returns when all have ended. */
typedef void (*parallel_region)(void (*body)(void *), void *data, int threads);

enum { FAILED = 1, DUE = 2 };

struct region {
    convt_task task;
    void *stage;
    int64_t tasks;
    int asks; /* whether the caller has to ask for signals: not in a region, since a handler may fork */
    pthread_t caller;
    _Atomic int64_t next;
    _Atomic int seats, stop;
};

/* Until all are done or one has failed, or till the caller has to ask for signals. */
static void in_region(void *data)
{
    struct region *r = data;
    int seat = pthread_equal(pthread_self(), r->caller) ? 0 : 1 + atomic_fetch_add(&r->seats, 1);
    while (!atomic_load_explicit(&r->stop, memory_order_relaxed)) {
        if (r->asks && !seat && signals_are_due()) {
            atomic_fetch_or(&r->stop, DUE);
            break;
        }
        int64_t i = atomic_fetch_add_explicit(&r->next, 1, memory_order_relaxed);
        if (i >= r->tasks)
            break;
        if (!r->task(r->stage, i, seat))
            atomic_fetch_or(&r->stop, FAILED);
    }
}

/* A convt_run; without threads of that library where `alone`, which a signal's handler may make true. */
static int run_in_regions(
    parallel_region parallel, int (*alone)(void), convt_task task, void *stage, int64_t tasks, int threads)
{
    struct region r = {.task = task, .stage = stage, .tasks = tasks, .asks = signals_begin(), .caller = pthread_self()};
    int result = 1;
    threads = tasks < threads ? (int)tasks : threads;
    while (result == 1 && atomic_load(&r.next) < tasks) {
        if (r.asks && signals_are_due() && signals_raised())
            result = -1;
        else if (threads > 1 && !alone()) {
            atomic_store(&r.seats, 0);
            atomic_store(&r.stop, 0);
            parallel(in_region, &r, threads);
            result = !(atomic_load(&r.stop) & FAILED);
        } else
            result = task(stage, atomic_fetch_add(&r.next, 1), 0) != 0;
    }
    if (r.asks)
        signals_end();
    return result;
}

#endif
