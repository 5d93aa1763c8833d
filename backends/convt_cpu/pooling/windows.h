/* Max pooling, for one element type and one instruction set. A template: pooling.c defines REAL, BITS, LANES, NAME.
 *
 * Where pixels lie together (inner == 1), a fine row is split into its phases, so that each tap of a window is one more vector
 * of neighbouring elements, for as many windows as there are lanes:
 *
 *     row, stride 2      . a b c d e f .         phase 0    . b d f        tap 0 of the windows      ( . b d )
 *     ( . = -infinity )                          phase 1    a c e .        tap 1                     ( a c e )
 *                                                                          tap 2                     ( b d f )
 * The largest element so far and its place in the window stay in scratch for a block of windows. Of a window that is too wide
 * for scratch memory, some taps after the other are done so. Otherwise the channels that lie together are compared all at once.
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

/* So many taps of one fine row, the first at place `code` of a window, for so many windows. */
static void NAME(compare)(
    int64_t size, int64_t stride, int64_t windows, int64_t code, const REAL *phases, int64_t pitch, REAL *best, BITS *place)
{
    typedef NAME(vector) vector;
    typedef NAME(places) places;
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

/* Scratch memory of a block of windows of one row; it is prepared once for all rows, but for each run of taps if those are not
 * all. */
typedef struct {
    int64_t windows, start;      /* `start` of the first window in the row */
    int64_t taps, pitch, phases; /* of a run */
    int64_t *ends;               /* of each phase: the first and last element that the row has */
    REAL *best, *split;
    BITS *place, *least; /* `least`: the first tap inside of the row */
} NAME(block);

/* For the run of taps that begins with this one. */
static void NAME(prepare_taps)(const convt_windows *p, const NAME(block) *b, int64_t tap)
{
    const int64_t stride = p->stride[2], most = b->windows + b->taps / stride;
    for (int64_t i = 0; i < b->phases * b->pitch; i++) b->split[i] = -__builtin_inf();
    for (int64_t phase = 0; phase < b->phases; phase++) {
        const int64_t start = b->start + tap + phase;
        int64_t first = start < 0 ? (-start + stride - 1) / stride : 0, last = most;
        if (start + (most - 1) * stride >= p->fine[2])
            last = start < p->fine[2] ? (p->fine[2] - start + stride - 1) / stride : 0;
        b->ends[2 * phase] = first;
        b->ends[2 * phase + 1] = first < last ? last : first;
    }
}

static NAME(block) NAME(prepared)(const convt_windows *p, int64_t q, void *scratch)
{
    const int64_t stride = p->stride[2], padded = p->block + LANES;
    NAME(block) b = {
        .windows = NAME(least)(p->block, p->coarse[2] - q),
        .start = q * stride - p->before[2],
        .taps = p->taps,
        .pitch = padded + p->taps / stride,
        .phases = NAME(least)(stride, p->taps),
    };
    b.ends = scratch;
    b.best = (REAL *)(b.ends + 2 * b.phases);
    b.place = (BITS *)(b.best + padded);
    b.least = b.place + padded;
    b.split = (REAL *)(b.least + padded);
    for (int64_t i = 0; i < padded; i++) {
        const int64_t start = i < b.windows ? b.start + i * stride : 0;
        b.least[i] = NAME(least)(start < 0 ? -start : 0, p->size[2]);
    }
    if (b.taps == p->size[2]) NAME(prepare_taps)(p, &b, 0);
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
            for (int64_t i = 0; !any && i < b->windows + LANES; i++)
                b->best[i] = -__builtin_inf(), b->place[i] = (BITS)code + b->least[i];
            any = 1;
            for (int64_t tap = 0; tap < p->size[2]; tap += b->taps) {
                const int64_t taps = NAME(least)(b->taps, p->size[2] - tap);
                if (b->taps < p->size[2]) NAME(prepare_taps)(p, b, tap);
                for (int64_t phase = 0; phase < NAME(least)(b->phases, taps); phase++)
                    NAME(phase)(stride, b->start + tap + phase, b->ends + 2 * phase, row, b->split + phase * b->pitch);
                NAME(compare)(taps, stride, b->windows, code + tap, b->split, b->pitch, b->best, b->place);
            }
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
    const int by_rows = p->inner == 1 && !p->wide;
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

#include "pooling/running.h"

#include "pooling/indices.h"

static const convt_pooling NAME(pooling) = {
    LANES, NAME(pool), NAME(pool_tiles), NAME(pool_backward), NAME(unpool), NAME(unpool_backward),
};

#undef REAL
#undef BITS
#undef LANES
#undef NAME
