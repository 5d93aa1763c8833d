/* Upsampling of rows and its adjoint, for one element type and one instruction set. A template: resampling.c defines REAL, BITS,
 * LANES, PERMUTES and NAME.
 *
 *     interpolate    coarse rows  --blend 1, 2 or 4-->  one row in scratch  --expand-->  fine row
 *     repeat         coarse row   --expand-->  fine row  --copy-->  the other fine rows of its block
 *     collect        fine rows    --weighted sum-->  one row in scratch  --shrink-->  coarse row
 *
 * expand finds all elements of a vector of the fine row in one vector of the coarse row, as that is denser:
 *
 *     coarse   base: | a b c d e f g h |        first    0 0 1 1 2 2 3 3      w0 * (a a b b c c d d)
 *     fine      at:  | . . . . . . . . |        second   0 1 1 2 2 3 3 4    + w1 * (a b b c c d d e) */

typedef REAL NAME(vector) __attribute__((vector_size(LANES * sizeof(REAL)), aligned(sizeof(REAL)), may_alias));
typedef BITS NAME(places) __attribute__((vector_size(LANES * sizeof(BITS)), aligned(sizeof(BITS)), may_alias));

static inline NAME(vector) NAME(permuted)(NAME(vector) from, NAME(places) places)
{
#if PERMUTES
    return __builtin_shuffle(from, places);
#else
    NAME(vector) to;
    for (int lane = 0; lane < LANES; lane++) to[lane] = from[places[lane]];
    return to;
#endif
}

static inline int64_t NAME(least)(int64_t a, int64_t b) { return a < b ? a : b; }

/* One row of the block, so many elements of each column, which are `pitch` apart; `row` has at least LANES elements if it is
 * permuted. */
static inline __attribute__((always_inline)) void NAME(expand)(
    const int mixed, const convt_rows *p, int64_t width, int64_t pitch, const REAL *row, REAL *out)
{
    typedef NAME(vector) vector;
    typedef NAME(places) places;
    const REAL *keep = p->keep, *take = p->take;
    if (p->how == CONVT_PERMUTE) {
        const BITS *first = p->first, *second = p->second;
        for (int64_t g = 0, j = 0; g < p->groups; g++, j += LANES) {
            vector from = *(const vector *)(row + p->base[g]);
            vector to = NAME(permuted)(from, *(const places *)(first + j));
            if (mixed)
                to = *(const vector *)(keep + j) * to +
                     *(const vector *)(take + j) * NAME(permuted)(from, *(const places *)(second + j));
            if (p->fine_count >= LANES)
                *(vector *)(out + p->at[g]) = to;
            else
                memcpy(out, &to, p->fine_count * sizeof(REAL));
        }
    } else if (p->how == CONVT_INDEX) {
        const int64_t *first = p->first, *second = p->second;
        for (int64_t j = 0; j < p->fine_count; j++)
            out[j] = mixed ? keep[j] * row[first[j]] + take[j] * row[second[j]] : row[first[j]];
    } else if (p->how == CONVT_BLOCKS) {
        const int64_t *first = p->first, *second = p->second, inner = p->inner;
        for (int64_t j = 0; j * inner < p->fine_count; j++) {
            const REAL *a = row + first[j] * pitch, *b = row + second[j] * pitch;
            if (!mixed)
                memcpy(out + j * inner, a, width * sizeof(REAL));
            else
                for (int64_t i = 0; i < width; i++) out[j * inner + i] = keep[j] * a[i] + take[j] * b[i];
        }
    } else if (width == p->inner)
        memcpy(out, row, p->fine_count * sizeof(REAL));
    else
        for (int64_t j = 0; j * p->inner < p->fine_count; j++) memcpy(out + j * p->inner, row + j * pitch, width * sizeof(REAL));
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

/* The fine rows of coarse row (n, z, y) begin at fine row ... */
static inline int64_t NAME(first_fine_row)(const convt_rows *p, int64_t n, int64_t z, int64_t y)
{
    return (n * p->fine[0] + z * p->scale[0]) * p->fine[1] + y * p->scale[1];
}

/* The row (n, z, y) of the box, among all rows of an array of these sizes. */
static inline int64_t NAME(written)(const convt_rows *p, const int64_t *sizes, int64_t n, int64_t z, int64_t y)
{
    return (n * sizes[0] + p->origin[0] + z) * sizes[1] + p->origin[1] + y;
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

static void NAME(interpolate)(
    const convt_rows *p, int64_t first, int64_t last, const void *from, void *to, void *memory)
{
    const int64_t pitch = NAME(row_size)(p, p->coarse), fine_pitch = NAME(row_size)(p, p->fine), count = p->coarse_count;
    ROWS(r, n, z, y, p->box) {
        const REAL *plane = (const REAL *)from + n * p->coarse[0] * p->coarse[1] * pitch + p->coarse_first;
        const REAL *near = plane + p->low[0][z] * p->coarse[1] * pitch, *far = plane + p->high[0][z] * p->coarse[1] * pitch;
        const REAL *a = near + p->low[1][y] * pitch, *b = near + p->high[1][y] * pitch;
        const REAL *c = far + p->low[1][y] * pitch, *d = far + p->high[1][y] * pitch;
        REAL *out = (REAL *)to + NAME(written)(p, p->fine, n, z, y) * fine_pitch + p->fine_first;
        for (int64_t i = 0; i < p->inner; i += p->width) {
            const int64_t width = NAME(least)(p->width, p->inner - i);
            RUNS(count, runs, length);
            int own = p->part[0][z] || p->part[1][y];
            REAL *scratch = memory;
            if (own)
                for (int64_t run = 0, at = i; run < runs; run++, at += p->inner)
                    NAME(blend)(p->part[0][z], p->part[1][y], length, a + at, b + at, c + at, d + at, scratch + run * length);
            else if (p->how == CONVT_PERMUTE && count < LANES)
                memcpy(scratch, a, count * sizeof(REAL)), own = 1;
            NAME(expand)(1, p, width, own ? width : p->inner, own ? scratch : a + i, out + i);
        }
    }
}

static void NAME(repeat)(const convt_rows *p, int64_t first, int64_t last, const void *from, void *to, void *memory)
{
    const int64_t pitch = NAME(row_size)(p, p->coarse), fine_pitch = NAME(row_size)(p, p->fine);
    ROWS(r, n, z, y, p->coarse) {
        const REAL *row = (const REAL *)from + r * pitch + p->coarse_first;
        REAL *out = (REAL *)to + NAME(first_fine_row)(p, n, z, y) * fine_pitch + p->fine_first;
        if (p->how == CONVT_PERMUTE && p->coarse_count < LANES) row = memcpy(memory, row, p->coarse_count * sizeof(REAL));
        for (int64_t i = 0; i < p->inner; i += p->width)
            NAME(expand)(0, p, NAME(least)(p->width, p->inner - i), p->inner, row + i, out + i);
        for (int64_t i = 0; i < p->scale[0]; i++)
            for (int64_t j = 0; j < p->scale[1]; j++)
                if (i || j) memcpy(out + (i * p->fine[1] + j) * fine_pitch, out, p->fine_count * sizeof(REAL));
    }
}

/* sums (+)= the weighted rows, each from element `at` on. */
static void NAME(add_rows)(int64_t rows, const REAL **row, const REAL *w, int64_t at, int64_t count, REAL *restrict sums, int add)
{
    const REAL *a = row[0] + at, *b = rows > 1 ? row[1] + at : a, *c = rows > 2 ? row[2] + at : a, *d = rows > 3 ? row[3] + at : a;
    if (!add && rows == 4)
        for (int64_t i = 0; i < count; i++) sums[i] = w[0] * a[i] + w[1] * b[i] + w[2] * c[i] + w[3] * d[i];
    else if (rows == 4)
        for (int64_t i = 0; i < count; i++) sums[i] += w[0] * a[i] + w[1] * b[i] + w[2] * c[i] + w[3] * d[i];
    else if (!add && rows == 2)
        for (int64_t i = 0; i < count; i++) sums[i] = w[0] * a[i] + w[1] * b[i];
    else
        for (int64_t each = 0; each < rows; each++, add = 1)
            for (int64_t i = 0; i < count; i++) sums[i] = (add ? sums[i] : 0) + w[each] * row[each][at + i];
}

/* out[i] (+)= the weighted sum of one element's neighbours in a row of sums, so many elements of each column. */
static inline __attribute__((always_inline)) void NAME(shrink)(
    const int reach, const convt_rows *p, int64_t width, const REAL *sums, REAL *out)
{
    const REAL *w = p->column_weight;
    const int64_t inner = p->inner, add = p->add;
    for (int64_t x = 0; x * inner < p->coarse_count; x++, w += p->reach[2], out += inner) {
        const REAL *from = sums + p->column_start[x] * width;
        const int64_t count = p->column_count[x];
        if (reach && count == reach) {
            REAL sum = add ? *out : 0;
CONVT_UNROLL(8)
            for (int t = 0; t < reach; t++) sum += w[t] * from[t];
            *out = sum;
        } else if (inner == 1) {
            REAL sum = add ? *out : 0;
            for (int64_t t = 0; t < count; t++) sum += w[t] * from[t];
            *out = sum;
        } else {
            for (int64_t i = 0; !add && i < width; i++) out[i] = w[0] * from[i];
            for (int64_t t = !add; t < count; t++)
                for (int64_t i = 0; i < width; i++) out[i] += w[t] * from[t * width + i];
        }
    }
}

/* out[i] (+)= the sum of the i-th run. */
static inline __attribute__((always_inline)) void NAME(sum_runs)(
    const int64_t length, int64_t add, int64_t count, const REAL *restrict sums, REAL *restrict out)
{
    for (int64_t x = 0; x < count; x++) {
        REAL sum = sums[x * length];
        for (int64_t t = 1; t < length; t++) sum += sums[x * length + t];
        out[x] = add ? out[x] + sum : sum;
    }
}

/* The weighted sum of the fine rows of coarse row (z, y) of the box, so many elements of each column from `at` on. */
static void NAME(sum_rows)(
    const convt_rows *p, int64_t z, int64_t y, int64_t at, int64_t width, const REAL *plane, REAL *restrict sums)
{
    const int64_t fine_pitch = NAME(row_size)(p, p->fine);
    RUNS(p->fine_count, runs, length);
    const REAL *row[4] = {0};
    REAL w[4] = {0};
    int64_t rows = 0;
    int add = 0;
    for (int64_t i = p->start[0][z]; i < p->end[0][z]; i++)
        for (int64_t j = p->start[1][y]; j < p->end[1][y]; j++) {
            row[rows] = plane + (i * p->fine[1] + j) * fine_pitch + at;
            w[rows++] = p->weight[0][z * p->reach[0] + i - p->start[0][z]] * p->weight[1][y * p->reach[1] + j - p->start[1][y]];
            if (rows < 4 && (i + 1 < p->end[0][z] || j + 1 < p->end[1][y])) continue;
            for (int64_t run = 0; run < runs; run++)
                NAME(add_rows)(rows, row, w, run * p->inner, length, sums + run * length, add);
            rows = 0, add = 1;
        }
}

static void NAME(collect)(const convt_rows *p, int64_t first, int64_t last, const void *from, void *to, void *memory)
{
    const int64_t pitch = NAME(row_size)(p, p->coarse), fine_pitch = NAME(row_size)(p, p->fine);
    ROWS(r, n, z, y, p->box) {
        const REAL *plane = (const REAL *)from + n * p->fine[0] * p->fine[1] * fine_pitch + p->fine_first;
        REAL *sums = memory, *row = (REAL *)to + NAME(written)(p, p->coarse, n, z, y) * pitch + p->coarse_first;
        for (int64_t i = 0; i < p->inner; i += p->width) {
            const int64_t width = NAME(least)(p->width, p->inner - i);
            REAL *out = row + i;
            NAME(sum_rows)(p, z, y, i, width, plane, sums);
            if (p->how == CONVT_COPY) {
                RUNS(p->coarse_count, runs, length);
                for (int64_t run = 0; run < runs; run++)
                    NAME(sum_runs)(1, p->add, length, sums + run * length, out + run * p->inner);
            } else if (p->plain && p->inner == 1 && p->scale[2] == 2)
                NAME(sum_runs)(2, p->add, p->coarse_count, sums, out);
            else if (p->plain && p->inner == 1 && p->scale[2] == 4)
                NAME(sum_runs)(4, p->add, p->coarse_count, sums, out);
            else if (p->inner > 1)
                NAME(shrink)(0, p, width, sums, out);
            else if (p->reach[2] == 2)
                NAME(shrink)(2, p, width, sums, out);
            else if (p->reach[2] == 4)
                NAME(shrink)(4, p, width, sums, out);
            else if (p->reach[2] == 8)
                NAME(shrink)(8, p, width, sums, out);
            else
                NAME(shrink)(0, p, width, sums, out);
        }
    }
}
#undef RUNS

static void NAME(nails)(const convt_rows *p, int64_t first, int64_t last, const void *from, void *to, void *memory)
{
    const int64_t pitch = NAME(row_size)(p, p->coarse), fine_pitch = NAME(row_size)(p, p->fine), inner = p->inner;
    (void)memory;
    ROWS(r, n, z, y, p->coarse) {
        const REAL *row = (const REAL *)from + r * pitch;
        REAL *out = (REAL *)to + NAME(first_fine_row)(p, n, z, y) * fine_pitch;
        for (int64_t i = 0; i < p->scale[0]; i++)
            memset(out + i * p->fine[1] * fine_pitch, 0, p->scale[1] * fine_pitch * sizeof(REAL));
        for (int64_t x = 0; x < p->coarse[2]; x++, out += p->scale[2] * inner, row += inner)
            for (int64_t i = 0; i < inner; i++) out[i] = row[i];
    }
}

static void NAME(pick)(const convt_rows *p, int64_t first, int64_t last, const void *from, void *to, void *memory)
{
    const int64_t pitch = NAME(row_size)(p, p->coarse), fine_pitch = NAME(row_size)(p, p->fine), inner = p->inner;
    (void)memory;
    ROWS(r, n, z, y, p->coarse) {
        const REAL *row = (const REAL *)from + NAME(first_fine_row)(p, n, z, y) * fine_pitch;
        REAL *out = (REAL *)to + r * pitch;
        for (int64_t x = 0; x < p->coarse[2]; x++, row += p->scale[2] * inner, out += inner)
            for (int64_t i = 0; i < inner; i++) out[i] = row[i];
    }
}

static const convt_resampling NAME(resampling) = {
    LANES, PERMUTES, NAME(interpolate), NAME(repeat), NAME(collect), NAME(nails), NAME(pick),
};

#undef ROWS
#undef REAL
#undef BITS
#undef LANES
#undef NAME
