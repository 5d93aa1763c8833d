/* Upsampling of rows and its adjoint, for one element type and one instruction set. A template: resampling.c defines REAL, BITS,
 * LANES, PERMUTES and NAME. places.h says which elements meet, columns.h makes the tables of a block of columns, collect.h is the
 * adjoint.
 *
 *     interpolate    coarse rows  --blend 1, 2 or 4-->  one row in scratch  --expand-->  fine row
 *     repeat         coarse row   --expand-->  fine row  --copy-->  the next fine rows, if they are made of the same one
 *     collect        fine rows    --weighted sum-->  one row in scratch  --shrink-->  coarse row
 *
 * expand finds all elements of a vector of the fine row in one vector of the coarse row, as that is denser:
 *
 *     coarse   base: | a b c d e f g h |        first    0 0 1 1 2 2 3 3      w0 * (a a b b c c d d)
 *     fine      at:  | . . . . . . . . |        second   0 1 1 2 2 3 3 4    + w1 * (a b b c c d d e) */

typedef REAL NAME(vector) __attribute__((vector_size(LANES * sizeof(REAL)), aligned(sizeof(REAL)), may_alias));
typedef BITS NAME(places) __attribute__((vector_size(LANES * sizeof(BITS)), aligned(sizeof(BITS)), may_alias));

static inline int64_t NAME(least)(int64_t a, int64_t b) { return a < b ? a : b; }

#include "resampling/columns.h"

/* One row of the block, so many elements of each column, which are `pitch` apart; `row` has at least LANES elements if it is
 * permuted. */
static inline __attribute__((always_inline)) void NAME(expand)(
    const int mixed, const convt_rows *p, const convt_columns *c, int64_t width, int64_t pitch, const REAL *row, REAL *out)
{
    const REAL *keep = c->keep, *take = c->take;
#if PERMUTES
    if (c->how == CONVT_PERMUTE) {
        typedef NAME(vector) vector;
        typedef NAME(places) places;
        const BITS *first = c->first, *second = c->second;
        for (int64_t g = 0, j = 0; g < c->groups; g++, j += LANES) {
            vector from = *(const vector *)(row + c->base[g]);
            vector to = __builtin_shuffle(from, *(const places *)(first + j));
            if (mixed)
                to = *(const vector *)(keep + j) * to +
                     *(const vector *)(take + j) * __builtin_shuffle(from, *(const places *)(second + j));
            if (c->fine_count >= LANES)
                *(vector *)(out + c->at[g]) = to;
            else
                memcpy(out, &to, c->fine_count * sizeof(REAL));
        }
    } else
#endif
    if (c->how == CONVT_INDEX) {
        const int64_t *first = c->first, *second = c->second;
        for (int64_t j = 0; j < c->fine_count; j++)
            out[j] = mixed ? keep[j] * row[first[j]] + take[j] * row[second[j]] : row[first[j]];
    } else if (c->how == CONVT_BLOCKS) {
        const int64_t *first = c->first, *second = c->second, inner = p->inner;
        for (int64_t j = 0; j * inner < c->fine_count; j++) {
            const REAL *a = row + first[j] * pitch, *b = row + second[j] * pitch;
            if (!mixed)
                memcpy(out + j * inner, a, width * sizeof(REAL));
            else
                for (int64_t i = 0; i < width; i++) out[j * inner + i] = keep[j] * a[i] + take[j] * b[i];
        }
    } else if (c->how == CONVT_FILL) {
        int64_t phase = c->fine_first % p->scale[2];
        for (int64_t j = 0, end; j < c->fine_count; j = end, row++, phase = 0) {
            end = NAME(least)(j + p->scale[2] - phase, c->fine_count);
            for (int64_t i = j; i < end; i++) out[i] = *row;
        }
    } else if (width == p->inner)
        memcpy(out, row, c->fine_count * sizeof(REAL));
    else
        for (int64_t j = 0; j * p->inner < c->fine_count; j++) memcpy(out + j * p->inner, row + j * pitch, width * sizeof(REAL));
}

/* Elements i to i + width of all columns among so many elements: as few runs as there are, each `inner` from the last one. */
#define RUNS(count, runs, length)                                                                                         \
    const int64_t runs = width == p->inner ? 1 : (count) / p->inner, length = width == p->inner ? (count) : width

static inline int64_t NAME(row_size)(const convt_rows *p, const int64_t *sizes) { return sizes[2] * p->inner; }

/* For row r = (n, z, y) of arrays of these sizes, from first to last; divisions are slow. */
#define ROWS(r, n, z, y, sizes)                                                                                           \
    for (int64_t r = first, y = r % (sizes)[1], z = r / (sizes)[1] % (sizes)[0], n = r / (sizes)[1] / (sizes)[0];         \
         r < last; r++, z += ++y == (sizes)[1], y = y == (sizes)[1] ? 0 : y, n += z == (sizes)[0],                        \
                 z = z == (sizes)[0] ? 0 : z)

/* The row (n, z, y), among all rows of an array of these sizes. */
static inline int64_t NAME(row)(const int64_t *sizes, int64_t n, int64_t z, int64_t y)
{
    return (n * sizes[0] + z) * sizes[1] + y;
}

/* Where the fine rows from (z, y) on lie among the coarse ones. */
typedef struct {
    convt_place z, y;
} NAME(rows);

static inline NAME(rows) NAME(next_row)(const convt_rows *p, NAME(rows) a, int64_t z, int64_t y)
{
    if (y + 1 < p->fine[1]) return (NAME(rows)){a.z, convt_next_place(p, 1, a.y)};
    const convt_place above = z + 1 < p->fine[0] ? convt_next_place(p, 0, a.z) : convt_place_of(p, 0, 0);
    return (NAME(rows)){above, convt_place_of(p, 1, 0)};
}

/* The part tz of c and d, and ty of b and d. */
static inline void NAME(blend)(
    double tz, double ty, int64_t count, const REAL *a, const REAL *b, const REAL *c, const REAL *d, REAL *restrict out)
{
    const REAL wa = (1 - tz) * (1 - ty), wb = (1 - tz) * ty, wc = tz * (1 - ty), wd = tz * ty;
    if (tz && ty)
        for (int64_t i = 0; i < count; i++) out[i] = wa * a[i] + wb * b[i] + wc * c[i] + wd * d[i];
    else if (ty)
        for (int64_t i = 0; i < count; i++) out[i] = wa * a[i] + wb * b[i];
    else
        for (int64_t i = 0; i < count; i++) out[i] = wa * a[i] + wc * c[i];
}

/* The fine rows first to last. */
static void NAME(interpolate)(
    const convt_rows *p, const convt_columns *c, int64_t first, int64_t last, const REAL *from, REAL *to, REAL *scratch)
{
    const int64_t pitch = NAME(row_size)(p, p->coarse), fine_pitch = NAME(row_size)(p, p->fine), count = c->coarse_count;
    NAME(rows) at = {{0, 0}, {0, 0}};
    ROWS(r, n, z, y, p->fine) {
        at = r == first ? (NAME(rows)){convt_place_of(p, 0, z), convt_place_of(p, 1, y)} : at;
        const convt_place above = convt_clipped(p, 0, at.z), left = convt_clipped(p, 1, at.y);
        const double tz = (double)above.rest / (double)p->divisor[0], ty = (double)left.rest / (double)p->divisor[1];
        const REAL *a = from + NAME(row)(p->coarse, n, above.low, left.low) * pitch + c->coarse_first;
        const REAL *b = a + (ty > 0) * pitch, *e = a + (tz > 0) * p->coarse[1] * pitch, *d = e + (ty > 0) * pitch;
        REAL *out = to + r * fine_pitch + c->fine_first;
        for (int64_t i = 0; i < p->inner; i += p->width) {
            const int64_t width = NAME(least)(p->width, p->inner - i);
            RUNS(count, runs, length);
            int own = tz || ty;
            if (own)
                for (int64_t run = 0, x = i; run < runs; run++, x += p->inner)
                    NAME(blend)(tz, ty, length, a + x, b + x, e + x, d + x, scratch + run * length);
            else if (c->how == CONVT_PERMUTE && count < LANES)
                memcpy(scratch, a, count * sizeof(REAL)), own = 1;
            NAME(expand)(1, p, c, width, own ? width : p->inner, own ? scratch : a + i, out + i);
        }
        at = NAME(next_row)(p, at, z, y);
    }
}

/* The fine rows first to last. */
static void NAME(repeat)(
    const convt_rows *p, const convt_columns *c, int64_t first, int64_t last, const REAL *from, REAL *to, REAL *scratch)
{
    const int64_t pitch = NAME(row_size)(p, p->coarse), fine_pitch = NAME(row_size)(p, p->fine);
    NAME(rows) at = {{0, 0}, {0, 0}};
    ROWS(r, n, z, y, p->fine) {
        at = r == first ? (NAME(rows)){convt_place_of(p, 0, z), convt_place_of(p, 1, y)} : at;
        REAL *out = to + r * fine_pitch + c->fine_first;
        if (at.y.rest && r > first)
            memcpy(out, out - fine_pitch, c->fine_count * sizeof(REAL));
        else {
            const REAL *row = from + NAME(row)(p->coarse, n, at.z.low, at.y.low) * pitch + c->coarse_first;
            if (c->how == CONVT_PERMUTE && c->coarse_count < LANES) row = memcpy(scratch, row, c->coarse_count * sizeof(REAL));
            for (int64_t i = 0; i < p->inner; i += p->width)
                NAME(expand)(0, p, c, NAME(least)(p->width, p->inner - i), p->inner, row + i, out + i);
        }
        at = NAME(next_row)(p, at, z, y);
    }
}

#include "resampling/collect.h"
#undef RUNS

/* The fine rows first to last. */
static void NAME(nails)(
    const convt_rows *p, const convt_columns *c, int64_t first, int64_t last, const REAL *from, REAL *to, REAL *scratch)
{
    const int64_t pitch = NAME(row_size)(p, p->coarse), fine_pitch = NAME(row_size)(p, p->fine), inner = p->inner;
    const int64_t step = p->scale[2] * inner, begin = (c->fine_first + step - 1) / step, end = (c->fine_first + c->fine_count - 1) / step;
    (void)scratch;
    NAME(rows) at = {{0, 0}, {0, 0}};
    ROWS(r, n, z, y, p->fine) {
        at = r == first ? (NAME(rows)){convt_place_of(p, 0, z), convt_place_of(p, 1, y)} : at;
        REAL *out = to + r * fine_pitch;
        memset(out + c->fine_first, 0, c->fine_count * sizeof(REAL));
        if (!at.z.rest && !at.y.rest) {
            const REAL *row = from + NAME(row)(p->coarse, n, at.z.low, at.y.low) * pitch;
            for (int64_t x = begin; x <= end; x++)
                for (int64_t i = 0; i < inner; i++) out[x * step + i] = row[x * inner + i];
        }
        at = NAME(next_row)(p, at, z, y);
    }
}

/* The coarse rows first to last. */
static void NAME(pick)(
    const convt_rows *p, const convt_columns *c, int64_t first, int64_t last, const REAL *from, REAL *to, REAL *scratch)
{
    const int64_t pitch = NAME(row_size)(p, p->coarse), fine_pitch = NAME(row_size)(p, p->fine), inner = p->inner;
    (void)scratch;
    ROWS(r, n, z, y, p->coarse) {
        const REAL *row = from + NAME(row)(p->fine, n, z * p->scale[0], y * p->scale[1]) * fine_pitch + c->fine_first;
        REAL *out = to + r * pitch + c->coarse_first;
        for (int64_t x = 0; x < c->coarse_count; x += inner, row += p->scale[2] * inner)
            for (int64_t i = 0; i < inner; i++) out[x + i] = row[i];
    }
}
#undef ROWS

/* One block of some rows. */
static void NAME(run)(const convt_rows *p, int64_t task, const void *from, void *to, void *memory)
{
    const int64_t block = p->blocks == 1 ? 0 : task % p->blocks, first = (p->blocks == 1 ? task : task / p->blocks) * p->chunk;
    const int64_t last = NAME(least)(first + p->chunk, p->rows);
    REAL *scratch = (REAL *)((char *)memory + p->own);
    convt_columns c;
    for (int64_t piece = 0, more = 1; more; piece++) {
        if (p->tables) {
            c = p->columns[p->tables == p->blocks ? block : block + 1 == p->blocks ? 2 : block > 0];
            const int64_t moved = (block - c.block) * p->block * p->inner; /* what is moved is moved by whole coarse elements */
            c.coarse_first += p->function == CONVT_COLLECT ? moved : moved / p->scale[2];
            c.fine_first += p->function == CONVT_COLLECT ? moved * p->scale[2] : moved;
            more = 0;
        } else
            more = NAME(find)(p, block, piece, &c, memory);
        switch (p->function) {
        case CONVT_INTERPOLATE: NAME(interpolate)(p, &c, first, last, from, to, scratch); break;
        case CONVT_REPEAT: NAME(repeat)(p, &c, first, last, from, to, scratch); break;
        case CONVT_COLLECT: NAME(collect)(p, &c, first, last, from, to, scratch); break;
        case CONVT_NAILS: NAME(nails)(p, &c, first, last, from, to, scratch); break;
        default: NAME(pick)(p, &c, first, last, from, to, scratch);
        }
    }
}

static const convt_resampling NAME(resampling) = {LANES, NAME(find), NAME(pack), NAME(run)};

#undef REAL
#undef BITS
#undef LANES
#undef NAME
