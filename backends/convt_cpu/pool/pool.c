#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include "pool.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>

#include "cores.h"
#include "gate.h"
#include "signals.h"

enum { SLOTS = 64, PIECES = 16, LARGEST_PIECE = 64, WAKES_BY_CALLER = 4, WAKES_BY_WORKER = 2 };
enum { FAILED = 1, BROKEN = 2, PAUSED = 4 };

/* What many threads write has a cache line of its own. */
struct job {
    struct gate gate;
    _Alignas(64) _Atomic int64_t next; /* the first task that is not claimed */
    _Alignas(64) _Atomic int stop;     /* flags: why no more tasks should be begun */
    _Alignas(64) convt_task task;
    void *stage;
    int64_t tasks;
    int threads;
    _Atomic int core;  /* the caller's */
    struct job *outer; /* the caller's next older job */
};

static struct job jobs[SLOTS];
static _Alignas(64) _Atomic uint64_t slots; /* a bit for each that is taken */
static struct word news;                    /* counts the jobs opened */
static _Alignas(64) _Atomic int spinning;   /* workers that look for news */
static _Alignas(64) _Atomic int sleeping;
static _Alignas(64) _Atomic int workers;
static _Thread_local struct job *own; /* the calling thread's open jobs, the youngest first */

/* Jobs: open, share, finish */

static struct job *take_slot(void)
{
    uint64_t taken = atomic_load_explicit(&slots, memory_order_relaxed);
    while (~taken) {
        int slot = __builtin_ctzll(~taken);
        if (atomic_compare_exchange_weak_explicit(
                &slots, &taken, taken | UINT64_C(1) << slot, memory_order_acquire, memory_order_relaxed))
            return &jobs[slot];
    }
    return NULL;
}

static void free_slot(struct job *job)
{
    struct job **link = &own;
    while (*link != job) /* the first, unless something switches stacks between calls */
        link = &(*link)->outer;
    *link = job->outer;
    atomic_fetch_and_explicit(&slots, ~(UINT64_C(1) << (job - jobs)), memory_order_release);
}

/* Wakes so many as there are seats that no worker is awake for. */
static void call_workers(struct job *job, int most)
{
    if (!atomic_load(&sleeping))
        return;
    int wanted = gate_seats(&job->gate) - atomic_load(&spinning);
    if (wanted > 0)
        word_wake(&news, wanted < most ? wanted : most);
}

static void announce(struct job *job)
{
    gate_open(&job->gate, job->threads - 1);
    atomic_fetch_add(&news.value, 1);
    call_workers(job, WAKES_BY_CALLER);
}

/* The first of the tasks [first, *end) that now are the calling thread's; -1: there are none left. */
static int64_t claim(struct job *job, int64_t *end)
{
    int64_t first = atomic_load_explicit(&job->next, memory_order_relaxed);
    do {
        if (first >= job->tasks)
            return -1;
        int64_t piece = (job->tasks - first) / (PIECES * job->threads);
        *end = first + (piece < 1 ? 1 : piece < LARGEST_PIECE ? piece : LARGEST_PIECE);
    } while (!atomic_compare_exchange_weak_explicit(&job->next, &first, *end, memory_order_relaxed, memory_order_relaxed));
    return first;
}

static int stopped(struct job *job, int reasons)
{
    return atomic_load_explicit(&job->stop, memory_order_relaxed) & reasons;
}

static void stop(struct job *job, int reason) { atomic_fetch_or_explicit(&job->stop, reason, memory_order_relaxed); }

/* The open job with the fewest inside, entered; NULL: there is none, or none with two fewer than `mine`. */
static struct job *enter_job(struct job *mine, int *seat)
{
    static _Thread_local unsigned turn;
    for (;;) {
        uint64_t taken = atomic_load_explicit(&slots, memory_order_relaxed);
        int fewest = mine ? gate_inside(&mine->gate) - 1 : CONVT_MOST_THREADS;
        struct job *best = NULL;
        int shift = (int)(turn++ % SLOTS);
        for (uint64_t left = taken >> shift | (shift ? taken << (SLOTS - shift) : 0); left; left &= left - 1) {
            struct job *job = &jobs[(__builtin_ctzll(left) + shift) % SLOTS];
            if (job != mine && gate_seats(&job->gate) && gate_inside(&job->gate) < fewest) {
                best = job;
                fewest = gate_inside(&job->gate);
            }
        }
        if (!best)
            return NULL;
        int core = mine ? -1 : atomic_load_explicit(&best->core, memory_order_relaxed);
        if (core >= 0 && core == core_here())
            step_aside(core);
        if ((*seat = gate_enter(&best->gate)))
            return best;
    }
}

/* Workers */

/* Till there is other news than `seen`; awake until `until`. */
static void rest(uint32_t seen, int64_t until)
{
    atomic_fetch_add(&spinning, 1);
    while (atomic_load(&news.value) == seen && nanoseconds() < until)
        breathe();
    atomic_fetch_sub(&spinning, 1);
    if (atomic_load(&news.value) != seen)
        return;
    atomic_fetch_add(&sleeping, 1);
    while (atomic_load(&news.value) == seen)
        word_sleep(&news, seen, -1);
    atomic_fetch_sub(&sleeping, 1);
}

static void *worker(void *nothing)
{
    int64_t awake = 0; /* until then; news of jobs that have no seat for it does not keep a worker awake */
    cores_free();
    for (;;) {
        int seat;
        uint32_t seen = atomic_load(&news.value);
        struct job *job = enter_job(NULL, &seat), *newer;
        if (!job) {
            rest(seen, awake);
            continue;
        }
        call_workers(job, WAKES_BY_WORKER);
        int64_t first, end;
        while (!stopped(job, FAILED | BROKEN | PAUSED) && (first = claim(job, &end)) >= 0) {
            for (; first < end && !stopped(job, FAILED | BROKEN); first++)
                if (!job->task(job->stage, first, seat))
                    stop(job, FAILED);
            uint32_t now = atomic_load_explicit(&news.value, memory_order_relaxed);
            if (now == seen)
                continue;
            seen = now;
            int other;
            if ((newer = enter_job(job, &other))) {
                gate_leave(&job->gate, seat);
                job = newer;
                seat = other;
            }
        }
        gate_close(&job->gate);
        gate_leave(&job->gate, seat);
        awake = nanoseconds() + CONVT_SPIN;
    }
    return nothing;
}

static pthread_mutex_t hiring = PTHREAD_MUTEX_INITIALIZER;
static _Atomic int64_t hire_again; /* no sooner, after a failure */

static int start_worker(void)
{
    static const size_t stacks[] = {2 << 20, 16 << 20}; /* the larger where other libraries' thread-local data needs it */
    int error = EINVAL;
    for (int i = 0; error == EINVAL && i < 2; i++) {
        pthread_t thread;
        pthread_attr_t attributes;
        if (pthread_attr_init(&attributes))
            return 0;
        pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
        pthread_attr_setstacksize(&attributes, stacks[i]);
        error = pthread_create(&thread, &attributes, worker, NULL);
        pthread_attr_destroy(&attributes);
    }
    return !error;
}

static int lacking(int wanted)
{
    return atomic_load_explicit(&workers, memory_order_relaxed) < wanted &&
           nanoseconds() >= atomic_load_explicit(&hire_again, memory_order_relaxed);
}

/* So many workers, or as many as there can be. */
static void hire(int wanted)
{
    static const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP}; /* reported where they happen */
    sigset_t signals, before;
    if (!lacking(wanted))
        return;
    sigfillset(&signals);
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++)
        sigdelset(&signals, faults[i]);
    pthread_sigmask(SIG_SETMASK, &signals, &before); /* threads inherit it, and no handler forks while the lock is held */
    pthread_mutex_lock(&hiring);
    while (lacking(wanted)) {
        if (start_worker())
            atomic_fetch_add(&workers, 1);
        else
            atomic_store(&hire_again, nanoseconds() + 1000000000);
    }
    pthread_mutex_unlock(&hiring);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

/* The caller */

/* Asks for signals; a handler may have forked, and this be the child. */
static void ask(struct job *job)
{
    if (!signals_are_due())
        return;
    if (signals_raised())
        stop(job, BROKEN);
    else
        hire(job->threads - 1);
}

static void take_part(struct job *job, int asks)
{
    int64_t first, end;
    while (!stopped(job, FAILED | BROKEN) && (first = claim(job, &end)) >= 0) {
        for (; first < end; first++) {
            if (asks)
                ask(job);
            if (stopped(job, FAILED | BROKEN))
                break;
            if (!job->task(job->stage, first, 0))
                stop(job, FAILED);
        }
    }
    gate_close(&job->gate);
    while (!gate_empty(&job->gate, asks && !stopped(job, BROKEN) ? CONVT_POLL : -1))
        ask(job);
}

int convt_pool_run(convt_task task, void *stage, int64_t tasks, int threads)
{
    threads = threads < CONVT_MOST_THREADS ? threads : CONVT_MOST_THREADS;
    threads = tasks < threads ? (int)tasks : threads;
    struct job *job = threads > 1 ? take_slot() : NULL;
    if (!job)
        return run_alone(task, stage, tasks);
    int asks = signals_begin();
    job->task = task;
    job->stage = stage;
    job->tasks = tasks;
    job->threads = threads;
    atomic_store_explicit(&job->core, core_here(), memory_order_relaxed);
    atomic_store_explicit(&job->stop, 0, memory_order_relaxed);
    atomic_store_explicit(&job->next, 0, memory_order_relaxed);
    job->outer = own;
    own = job;
    announce(job);
    hire(threads - 1);
    take_part(job, asks);
    int why = stopped(job, FAILED | BROKEN);
    free_slot(job);
    if (asks)
        signals_end();
    return why & BROKEN ? -1 : !why;
}

/* fork */

static void before_fork(void)
{
    pthread_mutex_lock(&hiring);
    for (struct job *job = own; job; job = job->outer) {
        stop(job, PAUSED);
        gate_close(&job->gate);
        while (!gate_empty(&job->gate, -1)) {
        }
    }
}

static void go_on(void)
{
    for (struct job *job = own; job; job = job->outer) {
        atomic_fetch_and_explicit(&job->stop, ~PAUSED, memory_order_relaxed);
        if (!stopped(job, FAILED | BROKEN) && atomic_load_explicit(&job->next, memory_order_relaxed) < job->tasks)
            announce(job);
    }
}

static void after_fork_in_parent(void)
{
    pthread_mutex_unlock(&hiring);
    go_on();
}

static void after_fork_in_child(void)
{
    uint64_t kept = 0;
    pthread_mutex_init(&hiring, NULL);
    cores_read();
    word_init(&news);
    atomic_store(&workers, 0);
    atomic_store(&spinning, 0);
    atomic_store(&sleeping, 0);
    for (struct job *job = own; job; job = job->outer)
        kept |= UINT64_C(1) << (job - jobs);
    for (int i = 0; i < SLOTS; i++)
        word_init(&jobs[i].gate.word);
    atomic_store(&slots, kept);
    go_on();
}

void convt_pool_start(int (*poll)(void), int (*is_main)(void))
{
    signals_poll = poll;
    signals_is_main = is_main;
    cores_read();
    word_init(&news);
    for (int i = 0; i < SLOTS; i++) {
        word_init(&jobs[i].gate.word);
        gate_close(&jobs[i].gate);
    }
    pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);
}
