/* Tasks for tests of the layers: each notes its seat, waits as long as it was told, and one may send a signal or fail. */

#ifndef CONVT_REHEARSAL_H
#define CONVT_REHEARSAL_H

#include <signal.h>
#include <stdatomic.h>
#include <unistd.h>

#include "clock.h"
#include "layer.h"

struct rehearsal {
    int64_t nanoseconds;      /* that a task takes */
    int64_t signalling;       /* the task that sends the signal to the process; -1: none */
    int signal;               /* which */
    int64_t failing;          /* the task that gives 0; -1: none */
    const volatile int *held; /* workers end no task while it is not 0; NULL: nothing holds them */
    int *seats;               /* of the tasks that have begun; others keep what they had */
    char *seated;             /* one for each seat */
    _Atomic int clashes;      /* seats that two tasks had at once */
};

static int rehearse_task(void *stage, int64_t task, int seat)
{
    struct rehearsal *r = stage;
    int64_t until = nanoseconds() + r->nanoseconds;
    if (__atomic_exchange_n(&r->seated[seat], 1, __ATOMIC_RELAXED))
        atomic_fetch_add(&r->clashes, 1);
    r->seats[task] = seat;
    if (task == r->signalling)
        kill(getpid(), r->signal);
    while (nanoseconds() < until || (seat && r->held && *r->held))
        breathe();
    __atomic_store_n(&r->seated[seat], 0, __ATOMIC_RELAXED);
    return task != r->failing;
}

#endif
