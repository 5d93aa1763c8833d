/* What engines and layers of threads agree on.
 *
 * A stage is a number of tasks that do not depend on each other. An engine gives the function that does one of them, a layer
 * (pool.h, openmp.h) runs them all. A task must not need Python, and should take less than 50 ms: signals wait that long. */

#ifndef CONVT_LAYER_H
#define CONVT_LAYER_H

#include <stdint.h>

/* Does one task. 0: it met a value that the engine cannot treat, and what has not begun need not begin.
 * `seat` is in [0, threads), and no other task that runs at the same time has it: it picks the slice of scratch memory. */
typedef int (*convt_task)(void *stage, int64_t task, int seat);

/* Runs all tasks on the caller, who has seat 0, and on at most `threads - 1` other threads; returns when none is running.
 * 1: all are done. 0: a task gave 0. -1: interrupted, and a Python exception is set (only where the caller is Python's main
 * thread). To be called without the GIL. */
typedef int (*convt_run)(convt_task task, void *stage, int64_t tasks, int threads);

#endif
