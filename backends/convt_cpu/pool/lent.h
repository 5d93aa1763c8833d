/* The same contract by the threads of another library that calls convt, which lends them.
 *
 * After each region of its own, GNU's OpenMP keeps its threads spinning for milliseconds, in the hope of the next one. Threads of
 * our own would share the cores with those; so within such a library, its threads compute, which wait for nothing else. */

#ifndef CONVT_LENT_H
#define CONVT_LENT_H

#include "layer.h"

/* As convt_pool_start. */
void convt_lent_start(int (*poll)(void), int (*is_main)(void));

/* What that library's compiler calls for a parallel region: GOMP_parallel, which LLVM's OpenMP has too. 0 in a process forked
 * from this one, whose threads have stayed behind. */
int convt_lent_accept(void *gomp_parallel);

/* A convt_run, with what was accepted last. */
int convt_lent_run(convt_task task, void *stage, int64_t tasks, int threads);

#endif
