#include "openmp.h"

#include <omp.h>

#include "regions.h"

static _Atomic int used, orphaned;

int convt_openmp_threads(void) { return omp_get_max_threads(); }

int convt_openmp_orphaned(void) { return atomic_load(&orphaned); }

static void parallel(void (*body)(void *), void *data, int threads)
{
    atomic_store(&used, 1);
#pragma omp parallel num_threads(threads)
    body(data);
}

int convt_openmp_run(convt_task task, void *stage, int64_t tasks, int threads)
{
    return run_in_regions(parallel, convt_openmp_orphaned, task, stage, tasks, threads);
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
