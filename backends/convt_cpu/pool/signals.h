/* Ctrl-C: Python's main thread asks for signals between its tasks, at most every 50 ms by the clock.
 *
 * The clock goes on from one stage to the next, so that a call of many short stages asks too. Its variables belong to the main
 * thread alone. */

#ifndef CONVT_SIGNALS_H
#define CONVT_SIGNALS_H

#include "clock.h"
#include "layer.h"

#define CONVT_POLL 50000000 /* nanoseconds */

static int (*signals_poll)(void);
static int (*signals_is_main)(void);
static int64_t signals_due, signals_left;

/* Whether this thread has to ask. After a pause it need not ask at once: it has just come from Python. */
static inline int signals_begin(void)
{
    if (!signals_is_main || !signals_is_main())
        return 0;
    int64_t now = nanoseconds();
    if (now - signals_left > CONVT_POLL)
        signals_due = now + CONVT_POLL;
    return 1;
}

static inline int signals_are_due(void) { return nanoseconds() >= signals_due; }

/* Whether a signal's handler has raised an exception. The handler may do what it likes: call convt, fork. */
static inline int signals_raised(void)
{
    int raised = signals_poll();
    signals_due = nanoseconds() + CONVT_POLL;
    return raised != 0;
}

static inline void signals_end(void) { signals_left = nanoseconds(); }

/* All tasks on the calling thread. */
static inline int run_alone(convt_task task, void *stage, int64_t tasks)
{
    int asks = signals_begin(), result = 1;
    for (int64_t i = 0; i < tasks && result == 1; i++) {
        if (asks && signals_are_due() && signals_raised())
            result = -1;
        else if (!task(stage, i, 0))
            result = 0;
    }
    if (asks)
        signals_end();
    return result;
}

#endif
