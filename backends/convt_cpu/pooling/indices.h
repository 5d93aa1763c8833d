/* What goes by the indices of max pooling: its gradient, its inverse and the gradient of that. A part of the template windows.h.
 *
 *     put     indices 5 0 5      from a b c      to b . . . . c        the last stays; or, for the gradient, a + c
 *     take    indices 5 0 5      from u . . . . v        to . u v      what was overwritten has no part: zero */

/* Visits the elements of a task's block: zeros first, then what `coarse` puts or adds there, in scan order. Here and below,
 * what is returned is whether all indices lie in the fine array; those that do not are left out. */
static inline __attribute__((always_inline)) int NAME(put)(
    const int add, const int64_t inner, const int64_t count, const convt_windows *p, const REAL *from, const int64_t *indices,
    REAL *to)
{
    int inside = 1;
    if (inner == 1)
        memset(to, 0, p->plane * sizeof(REAL));
    else
        for (int64_t at = 0; at < p->plane; at++) memset(to + at * inner, 0, count * sizeof(REAL));
    for (int64_t q = 0; q < p->pixels; q++)
        for (int64_t i = 0; i < count; i++) {
            const int64_t at = indices[q * inner + i];
            if ((uint64_t)at >= (uint64_t)p->plane)
                inside = 0;
            else if (add)
                to[at * inner + i] += from[q * inner + i];
            else
                to[at * inner + i] = from[q * inner + i];
        }
    return inside;
}

/* The element of each index if no later one has it. First each writes its number where its index says, then it looks who was
 * the last; `winner` has a number for each fine element of a segment, and starts with whatever it holds. */
static inline __attribute__((always_inline)) int NAME(take)(
    const int64_t inner, const convt_windows *p, const REAL *from, const int64_t *indices, REAL *to, int32_t *winner,
    int64_t segment)
{
    int64_t found = 0;
    for (int64_t begin = 0; begin < p->plane; begin += segment) {
        const uint64_t size = NAME(least)(segment, p->plane - begin);
        for (int64_t q = 0; q < p->pixels; q++) {
            const uint64_t at = (uint64_t)indices[q * inner] - (uint64_t)begin;
            if (at < size) winner[at] = (int32_t)q;
        }
        for (int64_t q = 0; q < p->pixels; q++) {
            const uint64_t at = (uint64_t)indices[q * inner] - (uint64_t)begin;
            if (at >= size) continue;
            found++;
            REAL value = from[(begin + (int64_t)at) * inner];
            BITS bits; /* no branch, which nobody could foretell */
            memcpy(&bits, &value, sizeof bits);
            bits &= -(BITS)(winner[at] == (int32_t)q);
            memcpy(&value, &bits, sizeof bits);
            to[q * inner] = value;
        }
    }
    return found == p->pixels;
}

/* The elements of `count` indices, at most CONVT_GATHERED, whose windows begin at first + starts[i], or all at first; returns
 * whether an index lies outside of its window. What is read is what has been checked, whoever changes the indices meanwhile. */
static inline __attribute__((always_inline)) int64_t NAME(gather)(
    const int64_t depth, const int64_t height, const int64_t inner, const convt_windows *p, int64_t count, int64_t first,
    const REAL *from, const int64_t *indices, REAL *to)
{
    const int64_t width = p->size[2], row = p->fine[2], area = p->fine[1] * row;
    int64_t places[CONVT_GATHERED], outside = 0;
    for (int64_t i = 0; i < count; i++) {
        const int64_t at = indices[i];
        int64_t place = at - first - (inner == 1 ? p->starts[i] : 0);
        for (int64_t z = 1; z < depth; z++) place -= area & -(int64_t)(place >= area);
        for (int64_t y = 1; y < height; y++) place -= row & -(int64_t)(place >= row);
        const int64_t other = -(int64_t)((uint64_t)place >= (uint64_t)width); /* all bits */
        outside |= other;
        places[i] = at & ~other;
    }
#pragma GCC unroll 8
    for (int64_t i = 0; i < count; i++) to[i] = from[places[i] * inner + (inner == 1 ? 0 : i)];
    return outside;
}

/* `take` where no window shares elements with another: a mere gathering, unless an index lies outside of its window; returns
 * whether one does. */
static inline __attribute__((always_inline)) int NAME(take_apart)(
    const int64_t depth, const int64_t height, const convt_windows *p, int64_t count, const REAL *from,
    const int64_t *indices, REAL *to)
{
    const int64_t inner = p->inner, columns = inner == 1 ? p->columns : 1;
    int64_t outside = 0;
    for (int64_t z = 0; z < p->coarse[0]; z++)
        for (int64_t y = 0, rows = 1; y < p->coarse[1]; y += rows) {
            if (inner == 1) rows = NAME(least)(p->rows, p->coarse[1] - y);
            for (int64_t x = 0; x < p->coarse[2]; x += columns) {
                const int64_t first = (z * p->stride[0] * p->fine[1] + y * p->stride[1]) * p->fine[2] + x * p->stride[2];
                const int64_t at = ((z * p->coarse[1] + y) * p->coarse[2] + x) * inner;
                const int64_t several = rows * NAME(least)(columns, p->coarse[2] - x);
                if (inner == 1)
                    outside |= NAME(gather)(depth, height, 1, p, several, first, from, indices + at, to + at);
                else
                    outside |= NAME(gather)(depth, height, inner, p, count, first, from, indices + at, to + at);
            }
            if (outside) return 1;
        }
    return 0;
}

/* Where inner is 1, nothing is divided: there are many small planes. */
#define TASKS(n, i, count)                                                                                                \
    for (int64_t task = first, per = p->inner == 1 ? 1 : (p->inner + p->block - 1) / p->block; task < last; task++)       \
        for (int64_t n = per == 1 ? task : task / per, i = (task - n * per) * p->block,                                   \
                     count = NAME(least)(p->block, p->inner - i), once = 1;                                               \
             once; once = 0)

static inline __attribute__((always_inline)) int NAME(put_tasks)(
    const int add, const convt_windows *p, int64_t first, int64_t last, const REAL *from, const int64_t *indices, REAL *to)
{
    int inside = 1;
    TASKS(n, i, count) {
        const int64_t at = n * p->pixels * p->inner + i;
        REAL *out = to + n * p->plane * p->inner + i;
        if (p->inner == 1)
            inside &= NAME(put)(add, 1, 1, p, from + at, indices + at, out);
        else
            inside &= NAME(put)(add, p->inner, count, p, from + at, indices + at, out);
    }
    return inside;
}

static int NAME(pool_backward)(
    const convt_windows *p, int64_t first, int64_t last, const void *from, const int64_t *indices, void *to, void *scratch)
{
    (void)scratch;
    return NAME(put_tasks)(1, p, first, last, from, indices, to);
}

static int NAME(unpool)(
    const convt_windows *p, int64_t first, int64_t last, const void *from, const int64_t *indices, void *to, void *scratch)
{
    (void)scratch;
    return NAME(put_tasks)(0, p, first, last, from, indices, to);
}

static int NAME(unpool_backward)(
    const convt_windows *p, int64_t first, int64_t last, const void *from, const int64_t *indices, void *to, void *scratch,
    int64_t segment)
{
    int inside = 1;
    TASKS(n, i, count) {
        const int64_t at = n * p->pixels * p->inner + i;
        const REAL *in = (const REAL *)from + n * p->plane * p->inner + i;
        int left = 1;
        if (p->apart && p->size[0] == 1 && p->size[1] == 2)
            left = NAME(take_apart)(1, 2, p, count, in, indices + at, (REAL *)to + at);
        else if (p->apart)
            left = NAME(take_apart)(p->size[0], p->size[1], p, count, in, indices + at, (REAL *)to + at);
        if (!left) continue;
        if (p->inner == 1)
            inside &= NAME(take)(1, p, in, indices + at, (REAL *)to + at, scratch, segment);
        else
            for (int64_t c = 0; c < count; c++)
                inside &= NAME(take)(p->inner, p, in + c, indices + at + c, (REAL *)to + at + c, scratch, segment);
    }
    return inside;
}
#undef TASKS
