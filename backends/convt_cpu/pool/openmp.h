/* The same contract by OpenMP, for programs that have one OpenMP pool and want it used. */

#ifndef CONVT_OPENMP_H
#define CONVT_OPENMP_H

#include "layer.h"

/* As convt_pool_start. */
void convt_openmp_start(int (*poll)(void), int (*is_main)(void));

/* A convt_run. */
int convt_openmp_run(convt_task task, void *stage, int64_t tasks, int threads);

/* What OpenMP would use here and now. */
int convt_openmp_threads(void);

/* Whether threads had run in a process that this one was forked from: they have stayed behind, GNU's OpenMP would wait for them,
 * so all is done by one. */
int convt_openmp_orphaned(void);

#endif
