/* moves: copies what is the same for all channels in whole vectors. A template as direct.h is.
 *
 *     row of a channel     . . | a b c d e f g |          lanes of a vector that lie outside become zeros;
 *     move                 [ 0 0 a b ]                    what it writes behind the place that it is meant for
 *     next move                    [ c d e f ]            is overwritten by the next
 *
 * A list of moves is written down once and used for every channel. */

/* Lanes `low` to `high` of a vector come from `from` on, seen from the channel's first element, the others are zeros; it is
 * written to `to`. */
typedef struct {
    int64_t from;
    int32_t to;
    int16_t low, high;
} NAME(move);

/* Ones between zeros: a vector of them from LANES - low on leaves the lanes before `low` out, one from 2 * LANES - high on
 * those from `high` on. */
#if LANES == 16
#define EACH(x) x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x
#elif LANES == 8
#define EACH(x) x, x, x, x, x, x, x, x
#elif LANES == 4
#define EACH(x) x, x, x, x
#else
#define EACH(x) x, x
#endif
static const BITS NAME(inside)[3 * LANES] = {EACH(0), EACH(-1), EACH(0)};
#undef EACH

/* Whole vectors, of elements that lie `step` apart; the lanes that are left out are read, too. The next channel, `next` elements
 * further on, is asked for. */
static inline __attribute__((always_inline)) void NAME(move_vectors)(
    const int step, int64_t count, const NAME(move) *moves, const REAL *channel, int64_t next, REAL *to)
{
    typedef BITS __attribute__((vector_size(LANES * sizeof(REAL)), aligned(sizeof(REAL)), may_alias)) bits;
    for (int64_t i = 0; i < count; i++) {
        const REAL *from = channel + moves[i].from;
CONVT_UNROLL(6)
        for (int v = 0; v < step; v++) __builtin_prefetch(from + next + v * LANES);
        bits low = *(const bits *)(NAME(inside) + LANES - moves[i].low);
        bits high = *(const bits *)(NAME(inside) + 2 * LANES - moves[i].high);
        *(bits *)(to + moves[i].to) = (bits)NAME(strided)(step, from) & low & high;
    }
}

/* The same for any step, reading nothing else. */
static void NAME(move_elements)(
    int64_t step, int64_t count, const NAME(move) *moves, const REAL *channel, int64_t next, REAL *to)
{
    for (int64_t i = 0; i < count; i++) {
        const REAL *from = channel + moves[i].from;
        int64_t low = moves[i].low;
        for (int64_t v = 0; v < step && step < LANES; v++) __builtin_prefetch(from + next + v * LANES);
        memset(to + moves[i].to, 0, LANES * sizeof(REAL));
        NAME(deinterleave)(moves[i].high - low, step, from + low * step, to + moves[i].to + low);
    }
}

/* What moves read: an array whose elements lie from `extent[0]` to before `extent[1]`, seen from the first one. Elements of a
 * move are `step` apart, channels `next`; `reach` has the least and the greatest `from` of all moves. */
typedef struct {
    const REAL *array;
    int64_t extent[2], reach[2], step, next;
} NAME(source);

static NAME(source) NAME(source_of)(const REAL *array, int axes, const int64_t *size, const int64_t *stride)
{
    NAME(source) source = {array, {0, 1}, {0, 0}, stride[axes - 1], stride[1]};
    for (int i = 0; i < axes; i++) source.extent[stride[i] > 0] += (size[i] - 1) * stride[i];
    return source;
}

static void NAME(note_reach)(NAME(source) *source, int64_t count, const NAME(move) *moves)
{
    int64_t *reach = source->reach;
    reach[0] = reach[1] = 0;
    for (int64_t i = 0; i < count; i++) {
        reach[0] = moves[i].from < reach[0] ? moves[i].from : reach[0];
        reach[1] = moves[i].from > reach[1] ? moves[i].from : reach[1];
    }
}

/* From the channel that starts at `at`; by vectors where these read nothing outside the array. */
static void NAME(move_all)(
    const NAME(source) *from, int64_t count, const NAME(move) *moves, int64_t at, REAL *to)
{
    int64_t step = from->step, first = at + from->reach[0], last = at + from->reach[1];
    if (first >= from->extent[0] && last + step * LANES <= from->extent[1])
        switch (step) {
#define CASE(n)                                                                                                           \
    case n: NAME(move_vectors)(n, count, moves, from->array + at, from->next, to); return;
            CASE(1) CASE(2) CASE(3) CASE(4) CASE(6)
#undef CASE
        }
    NAME(move_elements)(step, count, moves, from->array + at, from->next, to);
}
