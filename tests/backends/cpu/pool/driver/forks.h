/* fork: by an idle thread, beside callers, from within a call. */

#ifndef CONVT_DRIVER_FORKS_H
#define CONVT_DRIVER_FORKS_H

#include "jobs.h"

static void child_uses_its_own_workers(int threads)
{
    CHECK(atomic_load(&workers) == 0);
    CHECK(!atomic_load(&slots));
    until_workers_take_part(threads);
    CHECK(atomic_load(&workers) == threads - 1);
    _exit(0);
}

static void a_child_makes_its_own_workers(void)
{
    pid_t child = fork_child();
    if (!child)
        child_uses_its_own_workers(2);
    check_child(child);
    until_workers_take_part(4);
    AWAIT(atomic_load(&sleeping) == 3);
    child = fork_child();
    if (!child)
        child_uses_its_own_workers(3);
    check_child(child);
    until_workers_take_part(4);
}

/* Where other threads were busy, the thread sanitizer's own locks may be held in the child for ever: it can start no threads. */
static void child_of_busy_threads(void)
{
    if (!THREAD_SANITIZER)
        child_uses_its_own_workers(3);
    atomic_store(&births_refused, 1);
    CHECK(atomic_load(&workers) == 0);
    CHECK(!atomic_load(&slots));
    run_and_check(50, 3, 10);
    _exit(0);
}

static void a_child_forked_while_others_call(void)
{
    pthread_t callers[3];
    int threads = 4;
    for (int i = 0; i < 3; i++)
        pthread_create(&callers[i], NULL, calls_many_times, &threads);
    for (int i = 0; i < 10; i++) {
        pid_t child = fork_child();
        if (!child)
            child_of_busy_threads();
        check_child(child);
        run_and_check(50, 3, 10);
    }
    for (int i = 0; i < 3; i++)
        pthread_join(callers[i], NULL);
}

static pid_t forked;

static int fork_now(void)
{
    on_poll = NULL;
    forked = fork_child();
    return 0;
}

static int fork_and_call(void)
{
    fork_now();
    run_and_check(60, 3, 10);
    return 0;
}

static int fork_from_within(void)
{
    on_poll = fork_and_call;
    be_due(0);
    run_and_check(60, 3, 10);
    return 0;
}

static void fork_inside(int (*how)(void), int threads, int64_t after)
{
    on_poll = how;
    be_due(after);
    forked = -1;
    run_and_check(300, threads, 20);
    if (forked < 0) /* all was done before */
        return;
    if (!forked) {
        CHECK(threads == 1 || atomic_load(&workers) >= threads - 1); /* they came back while the job went on */
        if (threads > 1)
            until_workers_take_part(threads);
        _exit(0);
    }
    check_child(forked);
}

static void a_handler_may_fork(void)
{
    for (int i = 0; i < 12; i++) {
        fork_inside(fork_now, 1 + i % 4, i % 3 * 300000);
        fork_inside(fork_and_call, 1 + i % 4, i % 3 * 300000);
        fork_inside(fork_from_within, 1 + i % 4, i % 3 * 300000);
    }
}

static atomic_int came_before, has_forked;

static int until_a_worker_is_back(void *stage, int64_t task, int seat)
{
    (void)stage, (void)task;
    usleep(20);
    if (seat)
        atomic_store(&came_before, 1);
    return !(seat && atomic_load(&has_forked));
}

static int fork_once_a_worker_came(void)
{
    if (atomic_load(&came_before)) {
        fork_now();
        atomic_store(&has_forked, 1);
    }
    return 0;
}

static void workers_go_out_for_a_fork_and_come_back(void)
{
    on_poll = fork_once_a_worker_came;
    be_due(0);
    CHECK(convt_pool_run(until_a_worker_is_back, NULL, INT64_MAX, 3) == 0);
    if (!forked)
        _exit(0);
    check_child(forked);
}

static atomic_int forker_ends;

static void *forks_many_times(void *nothing)
{
    while (!atomic_load(&forker_ends)) {
        pid_t child = fork_child();
        if (!child)
            child_of_busy_threads();
        check_child(child);
    }
    return nothing;
}

static void another_thread_may_fork(void)
{
    pthread_t forker;
    pthread_create(&forker, NULL, forks_many_times, NULL);
    for (int i = 0; i < 100; i++)
        run_and_check(60, 4, 10);
    atomic_store(&forker_ends, 1);
    pthread_join(forker, NULL);
}

#endif
