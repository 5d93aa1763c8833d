/* On which cores threads run; Linux alone tells and lets choose, elsewhere nothing is done.
 *
 * Linux starts a woken thread on the core where it slept. If the caller of a job is there now, the two would share it for
 * milliseconds while another core is idle: the worker must step aside. */

#ifndef CONVT_CORES_H
#define CONVT_CORES_H

#ifdef __linux__

#include <pthread.h>
#include <sched.h>

static cpu_set_t allowed_cores; /* to the thread that loaded the pool; none where there are more than cpu_set_t can tell */

static inline void cores_read(void)
{
    if (sched_getaffinity(0, sizeof allowed_cores, &allowed_cores))
        CPU_ZERO(&allowed_cores);
}

/* A new thread has those of the thread that made it, which may have been pinned to one. */
static inline void cores_free(void)
{
    if (CPU_COUNT(&allowed_cores))
        sched_setaffinity(0, sizeof allowed_cores, &allowed_cores);
    pthread_setname_np(pthread_self(), "convt");
}

static inline int core_here(void) { return sched_getcpu(); }

static inline void step_aside(int core)
{
    cpu_set_t all, others;
    if (sched_getaffinity(0, sizeof all, &all) || core < 0 || core >= CPU_SETSIZE)
        return;
    others = all;
    CPU_CLR(core, &others);
    if (CPU_COUNT(&others) && !sched_setaffinity(0, sizeof others, &others))
        sched_setaffinity(0, sizeof all, &all);
}

#else

static inline void cores_read(void) {}
static inline void cores_free(void) {}
static inline int core_here(void) { return -1; }
static inline void step_aside(int core) { (void)core; }

#endif
#endif
