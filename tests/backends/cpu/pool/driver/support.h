/* The pool with threads that can be made late or refused, and stages that check themselves. */

#ifndef CONVT_DRIVER_SUPPORT_H
#define CONVT_DRIVER_SUPPORT_H

#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static atomic_int births_held, births_refused, largest_refused_stack, stack_of_birth;

static void *worker(void *);

static void *late(void *argument)
{
    while (atomic_load(&births_held))
        usleep(100);
    return worker(argument);
}

static int create(pthread_t *thread, const pthread_attr_t *attributes, void *(*function)(void *), void *argument)
{
    size_t stack;
    pthread_attr_getstacksize(attributes, &stack);
    atomic_store(&stack_of_birth, (int)stack);
    if (atomic_load(&births_refused))
        return EAGAIN;
    if ((int)stack <= atomic_load(&largest_refused_stack))
        return EINVAL;
    return pthread_create(thread, attributes, function == worker ? late : function, argument);
}

#ifdef __linux__
#include <sched.h>

static atomic_int one_core, affinities_set;

static int core(void) { return atomic_load(&one_core) ? 0 : sched_getcpu(); }

static int set_affinity(pid_t thread, size_t size, const cpu_set_t *cores)
{
    atomic_fetch_add(&affinities_set, 1);
    return sched_setaffinity(thread, size, cores);
}

#define sched_getcpu core
#define sched_setaffinity set_affinity
#endif

#define pthread_create create
#include "pool.c"
#undef pthread_create /* the scenarios' own */
#undef sched_getcpu
#undef sched_setaffinity

#if defined(__SANITIZE_THREAD__)
#define THREAD_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define THREAD_SANITIZER 1
#endif
#endif
#ifndef THREAD_SANITIZER
#define THREAD_SANITIZER 0
#endif

#define CHECK(condition) \
    do { \
        if (!(condition)) { \
            fprintf(stderr, "%s:%d: %s: %s\n", __FILE__, __LINE__, __func__, #condition); \
            _exit(1); \
        } \
    } while (0)

/* Waits for what other threads will do; the alarm ends what never comes. */
#define AWAIT(condition) \
    while (!(condition)) \
    usleep(100)

/* Signals: what the main thread does when it is asked for them */

static pthread_t main_thread;
static int (*on_poll)(void);
static atomic_int raised; /* an exception that is still there */

static int is_main(void) { return pthread_equal(pthread_self(), main_thread); }
static int poll_now(void) { return on_poll ? on_poll() : 0; }

/* The next look at the clock finds that signals are due after so many nanoseconds from now. */
static void be_due(int64_t after)
{
    signals_left = nanoseconds();
    signals_due = signals_left + after;
}

/* Stages */

enum { MOST = 4096 };

struct stage {
    atomic_int done[MOST];
    atomic_int seated[CONVT_MOST_THREADS];
    atomic_int by_workers;
    int64_t failing;
    int microseconds;
};

/* On the stack: a sanitizer's allocator may be locked for ever in a child that was forked from several threads. */
#define NEW_STAGE {.failing = -1}

static int count(void *argument, int64_t task, int seat)
{
    struct stage *stage = argument;
    CHECK(!atomic_exchange(&stage->seated[seat], 1));
    CHECK(seat || !atomic_load(&raised));
    CHECK(!atomic_fetch_add(&stage->done[task], 1));
    if (seat)
        atomic_fetch_add(&stage->by_workers, 1);
    if (stage->microseconds)
        usleep(stage->microseconds);
    atomic_store(&stage->seated[seat], 0);
    return task != stage->failing;
}

static int64_t done(struct stage *stage)
{
    int64_t sum = 0;
    for (int i = 0; i < MOST; i++)
        sum += atomic_load(&stage->done[i]);
    return sum;
}

/* All tasks of a fresh stage, once each. */
static int run_and_check(int64_t tasks, int threads, int microseconds)
{
    struct stage stage = NEW_STAGE;
    stage.microseconds = microseconds;
    CHECK(convt_pool_run(count, &stage, tasks, threads) == 1);
    CHECK(done(&stage) == tasks);
    return atomic_load(&stage.by_workers);
}

static void until_workers_take_part(int threads)
{
    while (!run_and_check(50, threads, 200)) {
    }
}

static pid_t fork_child(void)
{
    pid_t child = fork();
    if (!child)
        alarm(60);
    return child;
}

static void check_child(pid_t child)
{
    int status;
    CHECK(child > 0 && waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/* Workers end no task before this is set. */
static atomic_int released;

static int worker_waits(void *stage, int64_t task, int seat)
{
    (void)stage, (void)task;
    while (seat && !atomic_load(&released))
        usleep(100);
    if (!seat)
        usleep(100);
    return 1;
}

#endif
