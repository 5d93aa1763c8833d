/* The main thread asks for signals: handlers that raise, handlers that call. */

#ifndef CONVT_DRIVER_INTERRUPTIONS_H
#define CONVT_DRIVER_INTERRUPTIONS_H

#include "jobs.h"

static int nested(void)
{
    be_due(0);
    on_poll = NULL;
    run_and_check(60, 3, 10);
    return 0;
}

static void a_handler_may_call(void)
{
    for (int i = 0; i < 20; i++) {
        on_poll = nested;
        while (on_poll) { /* workers may be so fast that the caller has nothing to do */
            be_due(0);
            run_and_check(100, 1 + i % 4, 10);
        }
    }
}

static int raise_exception(void)
{
    atomic_store(&raised, 1);
    return -1;
}

static void catch_exception(void)
{
    CHECK(atomic_exchange(&raised, 0));
    on_poll = NULL;
}

static void a_handler_that_raises_ends_the_job(void)
{
    for (int threads = 1; threads < 5; threads++) {
        struct stage stage = NEW_STAGE;
        stage.microseconds = 20;
        on_poll = raise_exception;
        be_due(2000000);
        CHECK(convt_pool_run(count, &stage, MOST, threads) == -1);
        CHECK(done(&stage) < MOST);
        for (int i = 0; i < threads; i++)
            CHECK(!atomic_load(&stage.seated[i]));
        catch_exception();
        run_and_check(100, threads, 0);
    }
}

static void a_call_of_many_short_stages_asks_too(void)
{
    for (int threads = 1; threads < 4; threads++) {
        struct stage stage = {.failing = -1, .microseconds = 100};
        int result = 1;
        on_poll = raise_exception;
        while (result == 1) {
            memset(&stage.done, 0, sizeof stage.done);
            result = convt_pool_run(count, &stage, 3, threads);
        }
        CHECK(result == -1);
        catch_exception();
    }
}

static int polls;

static int count_polls(void) { return polls++, 0; }

static void it_is_not_asked_often(void)
{
    int64_t start = nanoseconds();
    on_poll = count_polls;
    for (int i = 0; i < 20; i++)
        run_and_check(400, 1 + i % 3, 10);
    CHECK(polls <= 1 + (nanoseconds() - start) / CONVT_POLL);
}

static int release(void)
{
    atomic_store(&released, 1);
    return 0;
}

static void who_waits_for_a_worker_asks_too(void)
{
    while (!atomic_load(&released)) { /* in case that no worker takes part, or that the caller asks before its last task */
        on_poll = release;
        CHECK(convt_pool_run(worker_waits, NULL, 40, 2) == 1);
    }
}

static void other_threads_do_not_ask(void)
{
    int threads = 3;
    pthread_t caller;
    on_poll = raise_exception;
    be_due(0);
    pthread_create(&caller, NULL, calls_many_times, &threads);
    pthread_join(caller, NULL);
}

#endif
