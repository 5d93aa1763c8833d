/* One call of a plan, as every task of every stage sees it.
 *
 * A stage is one parallel loop: a number of tasks, and the function that does one of them. A plan lists its stages
 * (../_plan.pyx), and the runner (../_runner.pyx) runs one after the other on any number of threads:
 *
 *     packing stages      read the kernel alone, and write `packed`
 *     other stages        once, or round after round; they share `shared`, and each task has `own` scratch memory
 *
 * What a task writes to memory that is shared, no other task of its stage reads or writes. */
#ifndef CONVT_CALL_H
#define CONVT_CALL_H

#include <stdint.h>

typedef struct {
    int64_t outer, channel, axis[3]; /* of an (N, C, *spatial) or (C, F, *taps) array, in elements */
} convt_strides;

typedef struct {
    const void *plan; /* of the engine: convt_direct_plan, ... */
    int64_t scatters; /* whether coarse is the input and fine the output */
    int64_t replaces; /* whether what is not finite of the kernel, in correlate of coarse, becomes 1 or -1: see below */
    void *fine, *coarse, *kernel;
    const void *bias; /* NULL for none */
    convt_strides of_fine, of_coarse, of_kernel;
    void *packed, *shared;
    int64_t round; /* of the stages that are repeated, from 0 */
} convt_call;

/* What is before a task's own scratch memory: a seat is one thread's place in a stage. */
typedef struct {
    int64_t run;  /* of a stage that takes runs: so many tasks from the given one on are to be done */
    int64_t kept; /* what the seat's last task in this round has left in its memory, by a number of the stage's own; -1: nothing */
    int64_t unused[6];
} convt_seat;

static inline convt_seat *convt_seat_of(void *own) { return (convt_seat *)own - 1; }

/* What is not finite. By the definition, taps that meet no element have no term. An engine has zeros there, in the kernel's
 * place or around the array that meets it, and 0 * inf is NaN. A task tells of that by what it returns, and what follows is
 * ../mend.py's: the plan runs again, or another one, with numbers that `replaces` makes finite, and the terms of those that
 * are not are added. */
enum {
    CONVT_LEFT = 0,    /* it met a value that the engine cannot treat as the definition does, and has left its work undone */
    CONVT_DONE = 1,
    CONVT_DOUBTFUL = 2 /* done, and right if the kernel, in correlate the coarse array, is finite */
};

/* Sets what several threads may set at once. */
static inline void convt_note(int *flag) { __atomic_store_n(flag, 1, __ATOMIC_RELAXED); }

/* One task. */
typedef int (*convt_stage)(const convt_call *call, int64_t task, void *own);

typedef struct {
    const char *engine, *name;
    convt_stage run;
} convt_named_stage;

enum { CONVT_ADDED = 4096 }; /* elements of sums that are added in one go */

static inline int64_t convt_ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }
static inline int64_t convt_least(int64_t a, int64_t b) { return a < b ? a : b; }

/* Sums that take long are done in several rounds, which go on where the one before has ended, so that signals need not wait for
 * them: the pieces of one round. */
typedef struct {
    int64_t first, from, end; /* the first piece of all rounds, and of this one; behind its last */
} convt_share;

/* Share `split` of `splits` of so many pieces, in the round's chunk of it. */
static inline convt_share convt_share_of(int64_t pieces, int64_t split, int64_t splits, int64_t chunk, int64_t chunks)
{
    int64_t first = pieces * split / splits, count = pieces * (split + 1) / splits - first;
    return (convt_share){first, first + count * chunk / chunks, first + count * (chunk + 1) / chunks};
}

/* What a round does of a map that is done in waves: some pieces of one group, or all pieces of some groups. */
typedef struct {
    int64_t wave, groups; /* pieces of a group at once, and groups; one of them is 1, or `wave` is all pieces */
} convt_waves;

typedef struct {
    int64_t group, groups, first, count; /* groups, and pieces of each */
} convt_wave;

static inline convt_wave convt_wave_of(const convt_waves *waves, int64_t all_groups, int64_t all, int64_t round)
{
    int64_t of_group = convt_ceil_div(all, waves->wave), group = round / of_group * waves->groups;
    int64_t first = round % of_group * waves->wave;
    return (convt_wave){
        group, convt_least(waves->groups, all_groups - group), first, convt_least(waves->wave, all - first)};
}

/* What is done in one go where a task is one piece of one unit, the pieces of a unit one behind the other. */
typedef struct {
    int64_t group, unit, units, first, count; /* some pieces of one unit, or all pieces of some units; none if count <= 0 */
    int64_t end;                              /* behind its last task */
} convt_panel;

/* The first panel of the tasks from `task` to `end`: `most` units at most. A group has so many units, a unit has tasks for so many
 * pieces, of which there are `count`. */
static inline convt_panel convt_panel_of(
    int64_t units, int64_t pieces, int64_t count, int64_t most, int64_t task, int64_t end)
{
    int64_t row = task / pieces, first = task % pieces, last = convt_least(pieces, first + end - task);
    convt_panel panel = {row / units, row % units, 1, first, convt_least(last, count) - first, task + last - first};
    if (last - first == pieces) {
        panel.units = convt_least(convt_least(most, units - panel.unit), (end - task) / pieces);
        panel.end = task + panel.units * pieces;
    }
    return panel;
}

#endif
