/* Max pooling, for one element type and one instruction set. A template: pooling.c defines REAL, BITS, LANES, NAME.
 *
 * Where pixels lie together (inner == 1), a fine row is split into its phases, so that each tap of a window is one more vector
 * of neighbouring elements, for as many windows as there are lanes:
 *
 *     row, stride 2      . a b c d e f .         phase 0    . b d f        tap 0 of the windows      ( . b d )
 *     ( . = -infinity )                          phase 1    a c e .        tap 1                     ( a c e )
 *                                                                          tap 2                     ( b d f )
 * The largest element so far and its place in the window stay in scratch for a block of windows. Otherwise the channels that lie
 * together are compared all at once.
 *
 * `taken` is true for a larger element and for the first NaN. */

typedef REAL NAME(vector) __attribute__((vector_size(LANES * sizeof(REAL)), aligned(sizeof(REAL)), may_alias));
typedef BITS NAME(places) __attribute__((vector_size(LANES * sizeof(BITS)), aligned(sizeof(BITS)), may_alias));

static inline __attribute__((always_inline)) void NAME(split)(
    const int64_t stride, int64_t first, int64_t last, const REAL *row, REAL *phase)
{
    for (int64_t i = first; i < last; i++) phase[i] = row[i * stride];
}

/* The elements first to last of one phase, phase[0] being row[start]; the rest of it stays -infinity. */
static inline void NAME(phase)(int64_t stride, int64_t start, const int64_t *ends, const REAL *row, REAL *phase)
{
    const int64_t first = ends[0], last = ends[1];
    if (stride == 1)
        memcpy(phase + first, row + start + first, (last - first) * sizeof(REAL));
    else if (stride == 2)
        NAME(split)(2, first, last, row + start, phase);
    else if (stride == 3)
        NAME(split)(3, first, last, row + start, phase);
    else
        NAME(split)(stride, first, last, row + start, phase);
}

/* All taps of one fine row, whose first place in a window is `code`, for so many windows. */
static void NAME(compare)(
    const convt_windows *p, int64_t windows, int64_t code, const REAL *phases, int64_t pitch, REAL *best, BITS *place)
{
    typedef NAME(vector) vector;
    typedef NAME(places) places;
    const int64_t size = p->size[2], stride = p->stride[2];
    for (int64_t q = 0; q < windows; q += LANES) {
        vector most = *(vector *)(best + q);
        places at = *(places *)(place + q);
        const REAL *from = phases + q, *next = from;
        for (int64_t k = 0, phase = 0; k < size; k++) {
            vector value = *(const vector *)next;
            places taken = (places)~(value <= most) & (places)(most == most);
            most = (vector)((taken & (places)value) | (~taken & (places)most));
            at = (taken & (places)((BITS)(code + k) - (places){0})) | (~taken & at);
            next += pitch;
            if (++phase == stride) phase = 0, next = ++from;
        }
        *(vector *)(best + q) = most;
        *(places *)(place + q) = at;
    }
}

static inline int64_t NAME(least)(int64_t a, int64_t b) { return a < b ? a : b; }

/* Scratch memory of a block of windows of one row; it is prepared once for all rows. */
typedef struct {
    int64_t windows, start, pitch, phases; /* `start` of the first window in the row */
    int64_t *ends;                         /* of each phase: the first and last element that the row has */
    REAL *best, *split;
    BITS *place, *least; /* `least`: the first tap inside of the row */
} NAME(block);

static NAME(block) NAME(prepared)(const convt_windows *p, int64_t q, void *scratch)
{
    const int64_t stride = p->stride[2], padded = p->block + LANES, reach = p->size[2] / stride;
    NAME(block) b = {
        .windows = NAME(least)(p->block, p->coarse[2] - q),
        .start = q * stride - p->before[2],
        .pitch = padded + reach,
        .phases = NAME(least)(stride, p->size[2]),
    };
    b.ends = scratch;
    b.best = (REAL *)(b.ends + 2 * b.phases);
    b.place = (BITS *)(b.best + padded);
    b.least = b.place + padded;
    b.split = (REAL *)(b.least + padded);
    for (int64_t i = 0; i < b.phases * b.pitch; i++) b.split[i] = -__builtin_inf();
    for (int64_t i = 0; i < padded; i++)
        b.least[i] = NAME(least)(b.start + i * stride < 0 ? -(b.start + i * stride) : 0, p->size[2]);
    for (int64_t phase = 0; phase < b.phases; phase++) {
        const int64_t start = b.start + phase;
        int64_t first = start < 0 ? (-start + stride - 1) / stride : 0;
        int64_t last = start < p->fine[2] ? (p->fine[2] - start + stride - 1) / stride : 0;
        last = NAME(least)(last, b.windows + reach);
        b.ends[2 * phase] = first;
        b.ends[2 * phase + 1] = first < last ? last : first;
    }
    return b;
}

/* A block of windows of coarse row (z, y) of a plane. */
static void NAME(pool_block)(
    const convt_windows *p, const NAME(block) *b, int64_t z, int64_t y, const REAL *plane, REAL *out, int64_t *indices)
{
    const int64_t z0 = z * p->stride[0] - p->before[0], y0 = y * p->stride[1] - p->before[1], stride = p->stride[2];
    int any = 0;
    for (int64_t kz = z0 < 0 ? -z0 : 0; kz < p->size[0] && z0 + kz < p->fine[0]; kz++)
        for (int64_t ky = y0 < 0 ? -y0 : 0; ky < p->size[1] && y0 + ky < p->fine[1]; ky++) {
            const REAL *row = plane + ((z0 + kz) * p->fine[1] + y0 + ky) * p->fine[2];
            const int64_t code = (kz * p->fine[1] + ky) * p->fine[2];
            for (int64_t phase = 0; phase < b->phases; phase++)
                NAME(phase)(stride, b->start + phase, b->ends + 2 * phase, row, b->split + phase * b->pitch);
            for (int64_t i = 0; !any && i < b->windows + LANES; i++)
                b->best[i] = -__builtin_inf(), b->place[i] = (BITS)code + b->least[i];
            any = 1;
            NAME(compare)(p, b->windows, code, b->split, b->pitch, b->best, b->place);
        }
    memcpy(out, b->best, b->windows * sizeof(REAL));
    const int64_t origin = (z0 * p->fine[1] + y0) * p->fine[2] + b->start;
    for (int64_t i = 0; i < b->windows; i++) indices[i] = origin + i * stride + b->place[i];
}

/* One coarse pixel, by its elements from i to end of `inner`. */
static void NAME(pool_pixel)(
    const convt_windows *p, int64_t z, int64_t y, int64_t x, int64_t count, const REAL *plane, REAL *restrict out,
    int64_t *restrict indices)
{
    const int64_t z0 = z * p->stride[0] - p->before[0], y0 = y * p->stride[1] - p->before[1], x0 = x * p->stride[2] - p->before[2];
    int any = 0;
    for (int64_t kz = z0 < 0 ? -z0 : 0; kz < p->size[0] && z0 + kz < p->fine[0]; kz++)
        for (int64_t ky = y0 < 0 ? -y0 : 0; ky < p->size[1] && y0 + ky < p->fine[1]; ky++)
            for (int64_t kx = x0 < 0 ? -x0 : 0; kx < p->size[2] && x0 + kx < p->fine[2]; kx++) {
                const int64_t place = ((z0 + kz) * p->fine[1] + y0 + ky) * p->fine[2] + x0 + kx;
                const REAL *value = plane + place * p->inner;
                if (!any)
                    for (int64_t i = 0; i < count; i++) out[i] = value[i], indices[i] = place;
                else
                    for (int64_t i = 0; i < count; i++) {
                        int taken = !(value[i] <= out[i]) & (out[i] == out[i]);
                        out[i] = taken ? value[i] : out[i];
                        indices[i] = taken ? place : indices[i];
                    }
                any = 1;
            }
}

static void NAME(pool)(
    const convt_windows *p, int64_t first, int64_t last, const void *fine, void *coarse, int64_t *indices, void *scratch)
{
    const int64_t width = p->coarse[2] * p->inner;
    const int wide = sizeof(BITS) == 4 && p->size[0] * p->fine[1] * p->fine[2] > INT32_MAX;
    const int by_rows = p->inner == 1 && !wide;
    for (int64_t q = 0; q < (by_rows ? p->coarse[2] : 1); q += p->block) {
        const NAME(block) block = by_rows ? NAME(prepared)(p, q, scratch) : (NAME(block)){0};
        int64_t y = first % p->coarse[1], z = first / p->coarse[1] % p->coarse[0], n = first / p->coarse[1] / p->coarse[0];
        for (int64_t r = first; r < last; r++) {
            const REAL *plane = (const REAL *)fine + n * p->plane * p->inner;
            REAL *out = (REAL *)coarse + r * width;
            int64_t *to = indices + r * width;
            if (by_rows)
                NAME(pool_block)(p, &block, z, y, plane, out + q, to + q);
            else
                for (int64_t x = 0; x < p->coarse[2]; x++)
                    for (int64_t i = 0; i < p->inner; i += p->block)
                        NAME(pool_pixel)(
                            p, z, y, x, NAME(least)(p->block, p->inner - i), plane + i, out + x * p->inner + i,
                            to + x * p->inner + i);
            if (++y == p->coarse[1]) y = 0, z++;
            if (z == p->coarse[0]) z = 0, n++;
        }
    }
}

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
    const int64_t inner, const convt_windows *p, const REAL *from, const int64_t *indices, REAL *to, int32_t *winner)
{
    int64_t found = 0;
    for (int64_t begin = 0; begin < p->plane; begin += p->segment) {
        const uint64_t size = NAME(least)(p->segment, p->plane - begin);
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
    const convt_windows *p, int64_t first, int64_t last, const void *from, const int64_t *indices, void *to, void *scratch)
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
            inside &= NAME(take)(1, p, in, indices + at, (REAL *)to + at, scratch);
        else
            for (int64_t c = 0; c < count; c++)
                inside &= NAME(take)(p->inner, p, in + c, indices + at + c, (REAL *)to + at + c, scratch);
    }
    return inside;
}
#undef TASKS

static const convt_pooling NAME(pooling) = {NAME(pool), NAME(pool_backward), NAME(unpool), NAME(unpool_backward)};

#undef REAL
#undef BITS
#undef LANES
#undef NAME
