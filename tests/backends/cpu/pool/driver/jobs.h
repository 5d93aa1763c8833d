/* One job and several: each task once, failures, workers that are late, lacking, idle, wanted elsewhere. */

#ifndef CONVT_DRIVER_JOBS_H
#define CONVT_DRIVER_JOBS_H

#include "support.h"

static void every_task_is_done_once(void)
{
    for (int threads = 1; threads < 9; threads++)
        for (int64_t tasks = 0; tasks < 200; tasks += 1 + tasks / 3)
            run_and_check(tasks, threads, 0);
    run_and_check(MOST, 2, 0);
    run_and_check(MOST, 5, 0);
    run_and_check(2000, 1500, 0);
}

static void a_failure_ends_the_job(void)
{
    for (int threads = 1; threads < 5; threads++) {
        struct stage stage = NEW_STAGE;
        stage.failing = 7;
        stage.microseconds = 50;
        CHECK(convt_pool_run(count, &stage, MOST, threads) == 0);
        CHECK(atomic_load(&stage.done[7]) && done(&stage) < MOST);
        run_and_check(100, threads, 0);
    }
}

static void *calls_many_times(void *argument)
{
    int threads = *(int *)argument;
    for (int i = 0; i < 100; i++)
        run_and_check(1 + i % 60, threads, i % 20 ? 0 : 10);
    return NULL;
}

static void many_callers(void)
{
    pthread_t callers[16];
    int threads[16];
    for (int i = 0; i < 16; i++) {
        threads[i] = 1 + i % 5;
        pthread_create(&callers[i], NULL, calls_many_times, &threads[i]);
    }
    for (int i = 0; i < 16; i++)
        pthread_join(callers[i], NULL);
}

static void late_workers_are_not_awaited(void)
{
    atomic_store(&births_held, 1);
    CHECK(run_and_check(100, 4, 10) == 0);
    CHECK(atomic_load(&workers) == 3);
    atomic_store(&births_held, 0);
    until_workers_take_part(4);
}

static void without_workers(void)
{
    atomic_store(&births_refused, 1);
    CHECK(run_and_check(100, 4, 10) == 0);
    CHECK(atomic_load(&workers) == 0);
    atomic_store(&births_refused, 0);
    run_and_check(100, 4, 0);
    CHECK(atomic_load(&workers) == 0); /* it does not try again at once */
    atomic_store(&hire_again, 0);
    run_and_check(100, 4, 0);
    CHECK(atomic_load(&workers) == 3);
    CHECK(atomic_load(&stack_of_birth) == 2 << 20);
}

static void larger_stacks_where_small_ones_are_refused(void)
{
    atomic_store(&largest_refused_stack, 2 << 20);
    run_and_check(100, 3, 0);
    CHECK(atomic_load(&workers) == 2);
    CHECK(atomic_load(&stack_of_birth) == 16 << 20);
}

static int check_signals(void *stage, int64_t task, int seat)
{
    (void)stage, (void)task;
    sigset_t blocked;
    if (seat) {
        pthread_sigmask(SIG_SETMASK, NULL, &blocked);
        CHECK(sigismember(&blocked, SIGINT) && sigismember(&blocked, SIGALRM) && sigismember(&blocked, SIGCHLD));
        CHECK(!sigismember(&blocked, SIGSEGV));
        atomic_fetch_add((atomic_int *)stage, 1);
    }
    usleep(100);
    return 1;
}

static void workers_block_signals(void)
{
    atomic_int checked = 0;
    while (!atomic_load(&checked))
        CHECK(convt_pool_run(check_signals, &checked, 20, 3) == 1);
    sigset_t blocked;
    pthread_sigmask(SIG_SETMASK, NULL, &blocked);
    CHECK(!sigismember(&blocked, SIGINT));
}

static void idle_workers_sleep(void)
{
    until_workers_take_part(4);
    AWAIT(atomic_load(&sleeping) == 3);
    CHECK(atomic_load(&spinning) == 0);
    until_workers_take_part(4);
    AWAIT(atomic_load(&sleeping) == 3);
}

static void news_of_full_jobs_does_not_keep_workers_awake(void)
{
    until_workers_take_part(4);
    while (atomic_load(&sleeping) < 2)
        run_and_check(2, 2, 0);
}

static atomic_int helped, first_ends, first_running;

static int long_job(void *stage, int64_t task, int seat)
{
    (void)stage, (void)task;
    if (seat)
        atomic_fetch_or(&first_running, 1 << seat);
    usleep(100);
    return !atomic_load(&first_ends);
}

static int waits_for_help(void *stage, int64_t task, int seat)
{
    (void)stage, (void)task;
    if (seat)
        atomic_store(&helped, 1);
    while (!atomic_load(&helped))
        usleep(100);
    return 1;
}

static void *call_long_job(void *nothing)
{
    CHECK(convt_pool_run(long_job, NULL, INT64_MAX, 4) == 0);
    return nothing;
}

static void workers_change_over_to_a_new_job(void)
{
    pthread_t caller;
    pthread_create(&caller, NULL, call_long_job, NULL);
    AWAIT(atomic_load(&first_running) == 14);
    CHECK(convt_pool_run(waits_for_help, NULL, 8, 4) == 1);
    atomic_store(&first_running, 0);
    AWAIT(atomic_load(&first_running) == 14); /* and come back to the seats that they left */
    atomic_store(&first_ends, 1);
    pthread_join(caller, NULL);
}

static atomic_int waiting;

static int waits_for_release(void *stage, int64_t task, int seat)
{
    (void)stage, (void)task;
    if (!seat)
        atomic_fetch_add(&waiting, 1);
    while (!atomic_load(&released))
        usleep(1000);
    return 1;
}

static void *call_and_wait(void *nothing)
{
    CHECK(convt_pool_run(waits_for_release, NULL, 2, 2) == 1);
    return nothing;
}

static void more_callers_than_slots(void)
{
    pthread_t callers[SLOTS];
    for (int i = 0; i < SLOTS; i++)
        pthread_create(&callers[i], NULL, call_and_wait, NULL);
    AWAIT(!~atomic_load(&slots));
    CHECK(run_and_check(50, 4, 0) == 0);
    atomic_store(&released, 1);
    for (int i = 0; i < SLOTS; i++)
        pthread_join(callers[i], NULL);
    CHECK(!atomic_load(&slots));
    until_workers_take_part(4);
}

#endif
