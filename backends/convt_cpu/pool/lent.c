#include "lent.h"

#include "regions.h"

typedef void (*gomp_parallel)(void (*body)(void *), void *data, unsigned threads, unsigned flags);

static _Atomic(gomp_parallel) accepted;
static _Atomic int orphaned;

static int alone(void) { return atomic_load(&orphaned); }

static void parallel(void (*body)(void *), void *data, int threads)
{
    atomic_load(&accepted)(body, data, (unsigned)threads, 0);
}

int convt_lent_accept(void *parallel)
{
    atomic_store(&accepted, (gomp_parallel)parallel);
    return !alone();
}

int convt_lent_run(convt_task task, void *stage, int64_t tasks, int threads)
{
    return run_in_regions(parallel, alone, task, stage, tasks, threads);
}

static void after_fork(void) { atomic_store(&orphaned, 1); }

void convt_lent_start(int (*poll)(void), int (*is_main)(void))
{
    signals_poll = poll;
    signals_is_main = is_main;
    pthread_atfork(NULL, NULL, after_fork);
}
