/* Windows that overlap so much, or are so large, that each is not gone through by itself. A part of the template windows.h.
 *
 * Of n windows with elements in common, those are compared once; what a window has before and behind them grows from one window
 * to the next one:
 *
 *     4 windows of 6, stride 1      a b c . . .            before: c, b c, a b c, in this order
 *                                     b c . . . d          common: . . .
 *                                       c . . . d e        behind: d, d e, d e f
 *                                         . . . d e f
 * so that their cost is that of their elements, whatever the size, and little is kept. Lines of windows of an axis are made so of
 * the lines of the axes behind it. Scan order is kept, as of equal elements the first counts: `later` never comes before. */

typedef struct {
    const REAL *plane;                    /* from channel i on */
    int64_t channels;                     /* that are done at once */
    int64_t first[3], count[3], pitch;    /* the windows; pitch of a line of count[2] */
    REAL *line[3], *sum[3];               /* for each axis: a line of the axes behind, and what they come to */
    BITS *line_at[3], *sum_at[3];
} NAME(tile);

/* to = first, or where that is larger, or the first NaN, later. */
static void NAME(merge)(
    int64_t count, const REAL *first, const BITS *first_at, const REAL *later, const BITS *later_at, REAL *to, BITS *to_at)
{
    typedef NAME(vector) vector;
    typedef NAME(places) places;
    for (int64_t i = 0; i < count; i += LANES) {
        const vector a = *(const vector *)(first + i), b = *(const vector *)(later + i);
        const places taken = (places)~(b <= a) & (places)(a == a);
        *(vector *)(to + i) = (vector)((taken & (places)b) | (~taken & (places)a));
        *(places *)(to_at + i) = (taken & *(const places *)(later_at + i)) | (~taken & *(const places *)(first_at + i));
    }
}

static inline int NAME(takes)(REAL first, REAL later) { return !(later <= first) && first == first; }

/* All bits that a lane has. */
static inline BITS NAME(any)(NAME(places) lanes)
{
    BITS bits = 0;
    for (int lane = 0; lane < LANES; lane++) bits |= lanes[lane];
    return bits;
}

/* The first of the largest elements of a row, or NaN, if it is larger than the best so far. */
static void NAME(largest)(const REAL *row, int64_t count, int64_t place, REAL *best, BITS *at)
{
    typedef NAME(vector) vector;
    typedef NAME(places) places;
    enum { PIECE = 1 << 11 };
    int64_t begin = 0;
    for (; count - begin >= 16 * LANES && *best == *best; begin += NAME(least)(PIECE, (count - begin) / (4 * LANES) * (4 * LANES))) {
        const int64_t size = NAME(least)(PIECE, (count - begin) / (4 * LANES) * (4 * LANES));
        const REAL *from = row + begin;
        vector most[4];
        places number[4];
        for (int u = 0; u < 4; u++) most[u] = *(const vector *)(from + u * LANES), number[u] = (places)(most[u] == most[u]);
        for (int64_t i = 4 * LANES; i < size; i += 4 * LANES)
            for (int u = 0; u < 4; u++) {
                const vector value = *(const vector *)(from + i + u * LANES);
                const places larger = (places)(value > most[u]);
                most[u] = (vector)((larger & (places)value) | (~larger & (places)most[u]));
                number[u] &= (places)(value == value);
            }
        for (int u = 1; u < 4; u++) {
            const places larger = (places)(most[u] > most[0]);
            most[0] = (vector)((larger & (places)most[u]) | (~larger & (places)most[0]));
            number[0] &= number[u];
        }
        const BITS numbers = ~NAME(any)(~number[0]);
        REAL top = most[0][0];
        for (int lane = 1; lane < LANES; lane++) top = most[0][lane] > top ? most[0][lane] : top;
        if (numbers && top <= *best) continue;
        int64_t i = 0;
        for (places hit; i < size; i += 4 * LANES) {
            hit = (places){0};
            for (int u = 0; u < 4; u++) {
                const vector value = *(const vector *)(from + i + u * LANES);
                hit |= numbers ? (places)(value == top - (vector){0}) : (places)(value != value);
            }
            if (NAME(any)(hit)) break;
        }
        while (numbers ? from[i] != top : from[i] == from[i]) i++;
        *best = from[i], *at = (BITS)(place + begin + i);
    }
    for (int64_t i = begin; i < count && *best == *best; i++)
        if (NAME(takes)(*best, row[i])) *best = row[i], *at = (BITS)(place + i);
}

/* The part of offsets from..to from a window's begin that lies inside of an axis. */
static inline int64_t NAME(inside)(int64_t offset, int64_t start, int64_t size)
{
    return offset < -start ? -start : offset > size - start ? size - start : offset;
}

/* n windows of a row, the first from x on, whose elements lie together; `place` is the row's. */
static void NAME(running_elements)(
    const convt_windows *p, int64_t n, int64_t x, int64_t place, const REAL *row, REAL *value, BITS *at)
{
    const int64_t step = p->stride[2], size = p->size[2], width = p->fine[2];
    const int64_t begin = NAME(inside)((n - 1) * step, x, width), end = NAME(inside)(size, x, width);
    const REAL *from = row + x;
    REAL common = -__builtin_inf(), best = common;
    BITS common_at = 0, best_at = 0;
    if (begin < end) NAME(largest)(from + begin, end - begin, place + x + begin, &common, &common_at);
    value[n - 1] = common, at[n - 1] = common_at;
    for (int64_t q = n - 2; q >= 0; q--) {
        for (int64_t i = NAME(inside)((q + 1) * step, x, width) - 1; i >= NAME(inside)(q * step, x, width); i--)
            if (!NAME(takes)(from[i], best)) best = from[i], best_at = (BITS)(place + x + i);
        const int later = NAME(takes)(best, common);
        value[q] = later ? common : best, at[q] = later ? common_at : best_at;
    }
    best = -__builtin_inf();
    for (int64_t q = 1; q < n; q++) {
        for (int64_t i = NAME(inside)(size + (q - 1) * step, x, width); i < NAME(inside)(size + q * step, x, width); i++)
            if (NAME(takes)(best, from[i])) best = from[i], best_at = (BITS)(place + x + i);
        if (NAME(takes)(value[q], best)) value[q] = best, at[q] = best_at;
    }
}

static void NAME(empty)(int64_t count, REAL *value, BITS *at)
{
    for (int64_t i = 0; i < count; i++) value[i] = -__builtin_inf(), at[i] = 0;
}

static void NAME(running)(
    const convt_windows *p, const NAME(tile) *t, int axis, int64_t n, int64_t first, int64_t place, REAL *value, BITS *at);

/* Element f of an axis, for all windows of the axes behind it; `place` counts what is before it. */
static void NAME(find_line)(const convt_windows *p, const NAME(tile) *t, int axis, int64_t f, int64_t place, REAL *value, BITS *at)
{
    place = place * p->fine[axis] + f;
    if (axis == 0)
        NAME(running)(p, t, 1, t->count[1], t->first[1], place, value, at);
    else if (axis == 1)
        for (int64_t q = 0, n; q < t->count[2]; q += n) {
            n = NAME(least)(p->together, t->count[2] - q);
            const int64_t x = (t->first[2] + q) * p->stride[2] - p->before[2];
            if (p->inner == 1)
                NAME(running_elements)(
                    p, n, x, place * p->fine[2], t->plane + place * p->fine[2], value + q, at + q);
            else
                NAME(running)(p, t, 2, n, t->first[2] + q, place, value + q * p->padded, at + q * p->padded);
        }
    else {
        memcpy(value, t->plane + place * p->inner, t->channels * sizeof(REAL));
        for (int64_t i = 0; i < p->padded; i++) at[i] = (BITS)place;
    }
}

/* n windows of an axis from the first one on, for all windows of the axes behind it. */
static void NAME(running)(
    const convt_windows *p, const NAME(tile) *t, int axis, int64_t n, int64_t first, int64_t place, REAL *value, BITS *at)
{
    const int64_t step = p->stride[axis], size = p->size[axis], elements = p->fine[axis], x = first * step - p->before[axis];
    const int64_t pitch = axis == 2 ? p->padded : axis == 1 ? t->pitch : t->pitch * t->count[1];
    REAL *line = t->line[axis], *sum = t->sum[axis], *common = value + (n - 1) * pitch;
    BITS *line_at = t->line_at[axis], *sum_at = t->sum_at[axis], *common_at = at + (n - 1) * pitch;
    NAME(empty)(pitch, common, common_at);
    for (int64_t i = NAME(inside)((n - 1) * step, x, elements); i < NAME(inside)(size, x, elements); i++) {
        NAME(find_line)(p, t, axis, x + i, place, line, line_at);
        NAME(merge)(pitch, common, common_at, line, line_at, common, common_at);
    }
    NAME(empty)(pitch, sum, sum_at);
    for (int64_t q = n - 2; q >= 0; q--) {
        for (int64_t i = NAME(inside)((q + 1) * step, x, elements) - 1; i >= NAME(inside)(q * step, x, elements); i--) {
            NAME(find_line)(p, t, axis, x + i, place, line, line_at);
            NAME(merge)(pitch, line, line_at, sum, sum_at, sum, sum_at);
        }
        NAME(merge)(pitch, sum, sum_at, common, common_at, value + q * pitch, at + q * pitch);
    }
    NAME(empty)(pitch, sum, sum_at);
    for (int64_t q = 1; q < n; q++) {
        for (int64_t i = NAME(inside)(size + (q - 1) * step, x, elements); i < NAME(inside)(size + q * step, x, elements); i++) {
            NAME(find_line)(p, t, axis, x + i, place, line, line_at);
            NAME(merge)(pitch, sum, sum_at, line, line_at, sum, sum_at);
        }
        NAME(merge)(pitch, value + q * pitch, at + q * pitch, sum, sum_at, value + q * pitch, at + q * pitch);
    }
}

/* Writes the windows of a tile. Where all elements of one are -infinity, no place was taken: it is the first. */
static void NAME(put_tile)(
    const convt_windows *p, const NAME(tile) *t, const REAL *value, const BITS *at, REAL *out, int64_t *indices)
{
    const int64_t apart = p->inner == 1 ? 1 : p->padded;
    for (int64_t z = 0; z < t->count[0]; z++)
        for (int64_t y = 0; y < t->count[1]; y++)
            for (int64_t x = 0; x < t->count[2]; x++) {
                int64_t place = 0;
                const int64_t q[3] = {t->first[0] + z, t->first[1] + y, t->first[2] + x};
                for (int axis = 0; axis < 3; axis++) {
                    const int64_t start = q[axis] * p->stride[axis] - p->before[axis];
                    place = place * p->fine[axis] + (start > 0 ? start : 0);
                }
                const int64_t from = (z * t->count[1] + y) * t->pitch + x * apart;
                const int64_t to = ((q[0] * p->coarse[1] + q[1]) * p->coarse[2] + q[2]) * p->inner;
                for (int64_t i = 0; i < t->channels; i++) {
                    out[to + i] = value[from + i];
                    indices[to + i] = value[from + i] == -__builtin_inf() ? place : at[from + i];
                }
            }
}

/* The tiles first to last; of a plane, x and channels are the fastest. */
static void NAME(pool_tiles)(
    const convt_windows *p, int64_t first, int64_t last, const void *fine, void *coarse, int64_t *indices, void *scratch)
{
    const int64_t blocks = (p->inner + p->padded - 1) / p->padded;
    for (int64_t task = first; task < last; task++) {
        NAME(tile) t = {0};
        int64_t rest = task / (p->inner == 1 ? 1 : blocks);
        const int64_t i = p->inner == 1 ? 0 : task % blocks * p->padded;
        for (int axis = 2; axis >= 0; axis--) {
            t.first[axis] = rest % p->tiles[axis] * p->tile[axis];
            t.count[axis] = NAME(least)(p->tile[axis], p->coarse[axis] - t.first[axis]);
            rest /= p->tiles[axis];
        }
        t.plane = (const REAL *)fine + rest * p->plane * p->inner + i;
        t.channels = NAME(least)(p->padded, p->inner - i);
        t.pitch = (t.count[2] * (p->inner == 1 ? 1 : p->padded) + LANES - 1) / LANES * LANES;
        REAL *value = scratch;
        BITS *at = (BITS *)(value + t.count[0] * t.count[1] * t.pitch), *next = at + t.count[0] * t.count[1] * t.pitch;
        const int flat = p->fine[0] == 1 && p->size[0] == 1; /* nothing along the first axis */
        for (int axis = flat; axis < 3; axis++) {
            const int64_t size = axis == 0 ? t.count[1] * t.pitch : axis == 1 ? t.pitch : p->padded;
            t.line[axis] = (REAL *)next, t.line_at[axis] = next + size;
            t.sum[axis] = (REAL *)(next + 2 * size), t.sum_at[axis] = next + 3 * size;
            NAME(empty)(size, t.line[axis], t.line_at[axis]);
            next += 4 * size;
        }
        NAME(running)(p, &t, flat, t.count[flat], t.first[flat], 0, value, at);
        const int64_t plane = rest * p->pixels * p->inner + i;
        NAME(put_tile)(p, &t, value, at, (REAL *)coarse + plane, indices + plane);
    }
}
