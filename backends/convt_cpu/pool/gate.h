/* The gate of a job: how many may still come in, and how many are inside, in one word that changes as a whole.
 *
 *      31       30        29 .. 16      15 .. 0
 *   [ closed | awaited |   seats    |   inside   ]
 *
 * Coming in takes a seat, going out gives it back. Closing takes no notice of those inside; the caller waits for them, and a
 * thread that comes later finds the gate closed.
 * A gate may have been closed and opened for another job between a look at it and the attempt to come in: no matter, what the
 * job is about is read inside. */

#ifndef CONVT_GATE_H
#define CONVT_GATE_H

#include "clock.h"
#include "word.h"

#define CONVT_MOST_THREADS 1024

#define GATE_CLOSED (UINT32_C(1) << 31)
#define GATE_AWAITED (UINT32_C(1) << 30)
#define GATE_SEAT (UINT32_C(1) << 16)
#define GATE_SEATS (GATE_AWAITED - GATE_SEAT)
#define GATE_INSIDE (GATE_SEAT - 1)

struct gate {
    struct word word;
    _Alignas(64) int words;                              /* of `taken` that count */
    _Atomic uint64_t taken[CONVT_MOST_THREADS / 64]; /* a bit for each seat from 1 on, and for those that there are not */
};

/* Free seats; none where it is closed. */
static inline int gate_seats(struct gate *gate)
{
    uint32_t now = atomic_load_explicit(&gate->word.value, memory_order_relaxed);
    return now & GATE_CLOSED ? 0 : (int)((now & GATE_SEATS) / GATE_SEAT);
}

static inline int gate_inside(struct gate *gate)
{
    return (int)(atomic_load_explicit(&gate->word.value, memory_order_relaxed) & GATE_INSIDE);
}

/* Nobody is inside. What the job is about must have been written before. */
static inline void gate_open(struct gate *gate, int seats)
{
    gate->words = (seats + 63) / 64;
    for (int i = 0; i < gate->words; i++)
        atomic_store_explicit(&gate->taken[i], 0, memory_order_relaxed);
    if (seats % 64)
        atomic_store_explicit(&gate->taken[gate->words - 1], ~UINT64_C(0) << seats % 64, memory_order_relaxed);
    atomic_store_explicit(&gate->word.value, (uint32_t)seats * GATE_SEAT, memory_order_release);
}

/* The seat, or 0: there was none. */
static inline int gate_enter(struct gate *gate)
{
    uint32_t now = atomic_load_explicit(&gate->word.value, memory_order_relaxed);
    do {
        if (now & GATE_CLOSED || !(now & GATE_SEATS))
            return 0;
    } while (!atomic_compare_exchange_weak_explicit(
        &gate->word.value, &now, now - GATE_SEAT + 1, memory_order_acquire, memory_order_relaxed));
    for (int i = 0;; i = (i + 1) % gate->words) { /* one of them is free */
        uint64_t taken = atomic_load_explicit(&gate->taken[i], memory_order_relaxed);
        while (~taken) {
            int bit = __builtin_ctzll(~taken);
            if (atomic_compare_exchange_weak_explicit(
                    &gate->taken[i], &taken, taken | UINT64_C(1) << bit, memory_order_acquire, memory_order_relaxed))
                return 64 * i + bit + 1;
        }
    }
}

static inline void gate_leave(struct gate *gate, int seat)
{
    atomic_fetch_and_explicit(&gate->taken[(seat - 1) / 64], ~(UINT64_C(1) << (seat - 1) % 64), memory_order_release);
    uint32_t before = atomic_fetch_add_explicit(&gate->word.value, GATE_SEAT - 1, memory_order_release);
    if (before & GATE_AWAITED && (before & GATE_INSIDE) == 1)
        word_wake(&gate->word, INT_MAX);
}

static inline void gate_close(struct gate *gate)
{
    if (!(atomic_load_explicit(&gate->word.value, memory_order_relaxed) & GATE_CLOSED))
        atomic_fetch_or_explicit(&gate->word.value, GATE_CLOSED, memory_order_relaxed);
}

/* Whether nobody is inside, after waiting for at most `limit` nanoseconds (negative: for as long as it takes). */
static inline int gate_empty(struct gate *gate, int64_t limit)
{
    uint32_t now;
    int64_t until = nanoseconds() + CONVT_SPIN;
    while ((now = atomic_load_explicit(&gate->word.value, memory_order_acquire)) & GATE_INSIDE) {
        breathe();
        if (nanoseconds() < until)
            continue;
        now = atomic_fetch_or_explicit(&gate->word.value, GATE_AWAITED, memory_order_acquire) | GATE_AWAITED;
        if (!(now & GATE_INSIDE))
            break;
        word_sleep(&gate->word, now, limit);
        if (limit >= 0)
            return 0;
    }
    return 1;
}

#endif
