/* The gate, the pieces of tasks, the cores, the stack. */

#ifndef CONVT_DRIVER_PARTS_H
#define CONVT_DRIVER_PARTS_H

#include "support.h"

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

#endif
