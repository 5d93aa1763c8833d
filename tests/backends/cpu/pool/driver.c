/* Runs the pool hard: cc -pthread -I backends/convt_cpu/pool tests/backends/cpu/pool/driver.c -o driver && ./driver
 *
 * test_driver.py builds it with sanitizers and with either way to sleep. The pool's source is part of it, so that threads can be
 * made late or refused, and its state be seen. Every scenario runs in a process of its own; a hang is ended by an alarm. */

#define _GNU_SOURCE
#include <assert.h>
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

/* Scenarios */

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

/* Signals */

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

/* fork */

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

/* Several jobs */

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

/* Parts */

static void *call_with_little_stack(void *nothing)
{
    CHECK(convt_pool_run(worker_waits, NULL, 200, 5) == 1);
    return nothing;
}

static void a_caller_with_little_stack(void)
{
    pthread_t caller;
    pthread_attr_t attributes;
    atomic_store(&released, 1);
    pthread_attr_init(&attributes);
    CHECK(!pthread_attr_setstacksize(&attributes, 64 << 10));
    CHECK(!pthread_create(&caller, &attributes, call_with_little_stack, NULL));
    pthread_join(caller, NULL);
}

static void a_gate_gives_each_seat_once(void)
{
    static struct gate gate;
    static char taken[CONVT_MOST_THREADS];
    for (int seats = 1; seats < CONVT_MOST_THREADS; seats += 1 + seats / 5) {
        memset(taken, 0, sizeof taken);
        gate_open(&gate, seats);
        for (int seat = seats + 1; seat <= 64 * gate.words; seat++)
            CHECK(atomic_load(&gate.taken[(seat - 1) / 64]) >> (seat - 1) % 64 & 1);
        for (int i = 0; i < seats; i++) {
            int seat = gate_enter(&gate);
            CHECK(1 <= seat && seat <= seats && !taken[seat]++);
        }
        CHECK(!gate_enter(&gate) && gate_inside(&gate) == seats);
        int left = 1 + seats / 2;
        gate_leave(&gate, left);
        CHECK(gate_enter(&gate) == left);
        gate_close(&gate);
        for (int i = 1; i <= seats; i++) {
            CHECK(!gate_empty(&gate, 0));
            gate_leave(&gate, i);
            CHECK(!gate_enter(&gate));
        }
        CHECK(gate_empty(&gate, -1));
    }
}

static void pieces_get_smaller(void)
{
    static struct job job;
    for (int64_t tasks = 1; tasks < 10000000; tasks *= 7) {
        int64_t end = 0, first, claims = 0, before = 0;
        job.tasks = tasks;
        job.threads = 4;
        atomic_store(&job.next, 0);
        while ((first = claim(&job, &end)) >= 0) {
            CHECK(first == before && end > first);
            CHECK(end - first == 1 || (end - first) * PIECES * job.threads <= tasks - first);
            CHECK(end - first <= LARGEST_PIECE);
            before = end;
            claims++;
        }
        CHECK(before == tasks && claims <= 400 + tasks / LARGEST_PIECE);
    }
}

#ifdef __linux__
static int check_cores(void *stage, int64_t task, int seat)
{
    (void)task;
    cpu_set_t mine;
    if (seat && !sched_getaffinity(0, sizeof mine, &mine)) {
        CHECK(CPU_EQUAL(&mine, &allowed_cores));
        atomic_fetch_add((atomic_int *)stage, 1);
    }
    usleep(100);
    return 1;
}

static void workers_of_a_pinned_thread_are_free(void)
{
    cpu_set_t one;
    atomic_int checked = 0;
    CPU_ZERO(&one);
    CPU_SET(sched_getcpu(), &one);
    CHECK(!sched_setaffinity(0, sizeof one, &one));
    while (!atomic_load(&checked))
        CHECK(convt_pool_run(check_cores, &checked, 20, 3) == 1);
    step_aside(sched_getcpu()); /* nowhere to go */
    cpu_set_t mine;
    CHECK(!sched_getaffinity(0, sizeof mine, &mine) && CPU_EQUAL(&mine, &one));
}

static void workers_step_aside_from_their_callers_core(void)
{
    atomic_store(&one_core, 1);
    until_workers_take_part(2);
    CHECK(CPU_COUNT(&allowed_cores) == 1 || atomic_load(&affinities_set) > 1); /* the first is at its birth */
}

static void stepping_aside_leaves_the_allowed_cores(void)
{
    cpu_set_t mine;
    for (int i = 0; i < 100; i++)
        step_aside(sched_getcpu());
    step_aside(-1);
    step_aside(CPU_SETSIZE);
    CHECK(!sched_getaffinity(0, sizeof mine, &mine) && CPU_EQUAL(&mine, &allowed_cores));
}
#endif

#define SCENARIO(name) {#name, name}

static const struct {
    const char *name;
    void (*run)(void);
} scenarios[] = {
    SCENARIO(every_task_is_done_once),
    SCENARIO(a_failure_ends_the_job),
    SCENARIO(many_callers),
    SCENARIO(late_workers_are_not_awaited),
    SCENARIO(without_workers),
    SCENARIO(larger_stacks_where_small_ones_are_refused),
    SCENARIO(workers_block_signals),
    SCENARIO(idle_workers_sleep),
    SCENARIO(news_of_full_jobs_does_not_keep_workers_awake),
    SCENARIO(a_handler_may_call),
    SCENARIO(a_handler_that_raises_ends_the_job),
    SCENARIO(a_call_of_many_short_stages_asks_too),
    SCENARIO(it_is_not_asked_often),
    SCENARIO(who_waits_for_a_worker_asks_too),
    SCENARIO(other_threads_do_not_ask),
    SCENARIO(a_child_makes_its_own_workers),
    SCENARIO(a_child_forked_while_others_call),
    SCENARIO(a_handler_may_fork),
    SCENARIO(workers_go_out_for_a_fork_and_come_back),
    SCENARIO(another_thread_may_fork),
    SCENARIO(workers_change_over_to_a_new_job),
    SCENARIO(more_callers_than_slots),
    SCENARIO(a_caller_with_little_stack),
    SCENARIO(a_gate_gives_each_seat_once),
    SCENARIO(pieces_get_smaller),
#ifdef __linux__
    SCENARIO(workers_of_a_pinned_thread_are_free),
    SCENARIO(workers_step_aside_from_their_callers_core),
    SCENARIO(stepping_aside_leaves_the_allowed_cores),
#endif
};

int main(int arguments, char **argument)
{
    for (size_t i = 0; i < sizeof scenarios / sizeof *scenarios; i++) {
        if (arguments > 1 && strcmp(argument[1], scenarios[i].name))
            continue;
        int64_t start = nanoseconds();
        pid_t child = fork();
        if (!child) {
            alarm(60);
            main_thread = pthread_self();
            convt_pool_start(poll_now, is_main);
            scenarios[i].run();
            return 0;
        }
        int status;
        waitpid(child, &status, 0);
        printf("%-45s %s (%.2f s)\n", scenarios[i].name, status ? "FAILED" : "passed", 1e-9 * (nanoseconds() - start));
        fflush(stdout);
        if (status)
            return 1;
    }
    return 0;
}
