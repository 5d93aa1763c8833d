/* Threads of our own. The caller takes part, and waits only for what has begun.
 *
 *     caller      opens a job ---- task, task, task ------- closes it -- waits till nobody is inside -- returns
 *                   |   wakes some                 \
 *     worker        |     comes in -- task, task ---+-- goes out      looks for another job, spins 50 us, sleeps
 *     worker        |                 comes in -- task -- goes out
 *     worker        |                                        comes late, finds the gate closed, is not waited for
 *
 * - Tasks are claimed one by one, or where there are very many, in pieces that get smaller towards the end.
 * - Any number of callers at once, also inside each other (a signal's handler may call). Each has a job in a slot of its own,
 *   or where all slots are taken, does all of its work alone. A worker goes to the job with the fewest inside, and changes over
 *   to a new one that has fewer by two or more.
 * - A worker that was woken wakes others in turn, so that the caller wakes few. One that finds itself on its caller's core steps
 *   aside first.
 * - Threads start when they are first asked for, at most 1023, with all signals blocked. Where none can be started there are
 *   fewer. They never end, and never keep the process from ending.
 * - fork, at any moment: the child has no workers and makes its own when next asked. Where the forking thread is itself a caller
 *   (inside a signal's handler), its workers go out before, so that no task is lost, and its job goes on in both processes.
 *
 * Nothing here knows of Python. layer.h says what a task is; gate.h has the protocol, word.h what threads sleep on. */

#ifndef CONVT_POOL_H
#define CONVT_POOL_H

#include "layer.h"

/* Once per process, before all else. `poll` is called in between the tasks of a caller for whom `is_main` is true, and may call
 * or fork in turn; where it gives non-zero, no more tasks are begun. */
void convt_pool_start(int (*poll)(void), int (*is_main)(void));

/* A convt_run. Needs less than 2 KB of the caller's stack beside the tasks. */
int convt_pool_run(convt_task task, void *stage, int64_t tasks, int threads);

#endif
