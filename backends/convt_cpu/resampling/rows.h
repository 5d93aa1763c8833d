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

/* One row of the block; `row` has at least LANES elements if it is permuted. */
static inline __attribute__((always_inline)) void NAME(expand)(const int mixed, const convt_rows *p, const REAL *row, REAL *out)
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
            const REAL *a = row + first[j], *b = row + second[j];
            if (!mixed)
                memcpy(out + j * inner, a, inner * sizeof(REAL));
            else
                for (int64_t i = 0; i < inner; i++) out[j * inner + i] = keep[j] * a[i] + take[j] * b[i];
        }
    } else
        memcpy(out, row, p->fine_count * sizeof(REAL));
}

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

static void NAME(interpolate)(
    const convt_rows *p, int64_t first, int64_t last, const void *from, void *to, void *memory)
{
    const int64_t pitch = NAME(row_size)(p, p->coarse), fine_pitch = NAME(row_size)(p, p->fine), count = p->coarse_count;
    REAL *restrict scratch = memory;
    ROWS(r, n, z, y, p->fine) {
        const REAL *plane = (const REAL *)from + n * p->coarse[0] * p->coarse[1] * pitch + p->coarse_first;
        const REAL *near = plane + p->low[0][z] * p->coarse[1] * pitch, *far = plane + p->high[0][z] * p->coarse[1] * pitch;
        const REAL *a = near + p->low[1][y] * pitch, *b = near + p->high[1][y] * pitch;
        const REAL *c = far + p->low[1][y] * pitch, *d = far + p->high[1][y] * pitch, *row = scratch;
        const double tz = p->part[0][z], ty = p->part[1][y];
        const REAL wa = (1 - tz) * (1 - ty), wb = (1 - tz) * ty, wc = tz * (1 - ty), wd = tz * ty;
        if (tz && ty)
            for (int64_t i = 0; i < count; i++) scratch[i] = wa * a[i] + wb * b[i] + wc * c[i] + wd * d[i];
        else if (ty)
            for (int64_t i = 0; i < count; i++) scratch[i] = wa * a[i] + wb * b[i];
        else if (tz)
            for (int64_t i = 0; i < count; i++) scratch[i] = wa * a[i] + wc * c[i];
        else if (p->how == CONVT_PERMUTE && count < LANES)
            memcpy(scratch, a, count * sizeof(REAL));
        else
            row = a;
        NAME(expand)(1, p, row, (REAL *)to + r * fine_pitch + p->fine_first);
    }
}

static void NAME(repeat)(const convt_rows *p, int64_t first, int64_t last, const void *from, void *to, void *memory)
{
    const int64_t pitch = NAME(row_size)(p, p->coarse), fine_pitch = NAME(row_size)(p, p->fine);
    ROWS(r, n, z, y, p->coarse) {
        const REAL *row = (const REAL *)from + r * pitch + p->coarse_first;
        REAL *out = (REAL *)to + NAME(first_fine_row)(p, n, z, y) * fine_pitch + p->fine_first;
        if (p->how == CONVT_PERMUTE && p->coarse_count < LANES) row = memcpy(memory, row, p->coarse_count * sizeof(REAL));
        NAME(expand)(0, p, row, out);
        for (int64_t i = 0; i < p->scale[0]; i++)
            for (int64_t j = 0; j < p->scale[1]; j++)
                if (i || j) memcpy(out + (i * p->fine[1] + j) * fine_pitch, out, p->fine_count * sizeof(REAL));
    }
}

/* sums (+)= the weighted rows. */
static void NAME(add_rows)(int64_t rows, const REAL **row, const REAL *w, int64_t count, REAL *restrict sums, int add)
{
    const REAL *a = row[0], *b = row[1], *c = row[2], *d = row[3];
    if (!add && rows == 4)
        for (int64_t i = 0; i < count; i++) sums[i] = w[0] * a[i] + w[1] * b[i] + w[2] * c[i] + w[3] * d[i];
    else if (rows == 4)
        for (int64_t i = 0; i < count; i++) sums[i] += w[0] * a[i] + w[1] * b[i] + w[2] * c[i] + w[3] * d[i];
    else if (!add && rows == 2)
        for (int64_t i = 0; i < count; i++) sums[i] = w[0] * a[i] + w[1] * b[i];
    else
        for (int64_t each = 0; each < rows; each++, add = 1)
            for (int64_t i = 0; i < count; i++) sums[i] = (add ? sums[i] : 0) + w[each] * row[each][i];
}

/* out[i] = the weighted sum of one element's neighbours in a row of sums. */
static inline __attribute__((always_inline)) void NAME(shrink)(const int reach, const convt_rows *p, const REAL *sums, REAL *out)
{
    const REAL *w = p->column_weight;
    const int64_t inner = p->inner;
    for (int64_t x = 0; x * inner < p->coarse_count; x++, w += p->reach[2], out += inner) {
        const REAL *from = sums + p->column_start[x];
        const int64_t count = p->column_count[x];
        if (reach && count == reach) {
            REAL sum = 0;
CONVT_UNROLL(8)
            for (int t = 0; t < reach; t++) sum += w[t] * from[t];
            *out = sum;
        } else if (inner == 1) {
            REAL sum = 0;
            for (int64_t t = 0; t < count; t++) sum += w[t] * from[t];
            *out = sum;
        } else {
            for (int64_t i = 0; i < inner; i++) out[i] = w[0] * from[i];
            for (int64_t t = 1; t < count; t++)
                for (int64_t i = 0; i < inner; i++) out[i] += w[t] * from[t * inner + i];
        }
    }
}

/* out[i] = the sum of the i-th run. */
static inline __attribute__((always_inline)) void NAME(sum_runs)(
    const int64_t length, int64_t count, const REAL *restrict sums, REAL *restrict out)
{
    for (int64_t x = 0; x < count; x++) {
        REAL sum = sums[x * length];
        for (int64_t t = 1; t < length; t++) sum += sums[x * length + t];
        out[x] = sum;
    }
}

static void NAME(collect)(const convt_rows *p, int64_t first, int64_t last, const void *from, void *to, void *memory)
{
    const int64_t pitch = NAME(row_size)(p, p->coarse), fine_pitch = NAME(row_size)(p, p->fine);
    ROWS(r, n, z, y, p->coarse) {
        const REAL *plane = (const REAL *)from + n * p->fine[0] * p->fine[1] * fine_pitch + p->fine_first, *row[4] = {0};
        REAL *sums = memory, *out = (REAL *)to + r * pitch + p->coarse_first, w[4] = {0};
        int64_t rows = 0;
        int add = 0;
        for (int64_t i = p->start[0][z]; i < p->end[0][z]; i++)
            for (int64_t j = p->start[1][y]; j < p->end[1][y]; j++) {
                row[rows] = plane + (i * p->fine[1] + j) * fine_pitch;
                w[rows++] = p->weight[0][z * p->reach[0] + i - p->start[0][z]] *
                            p->weight[1][y * p->reach[1] + j - p->start[1][y]];
                if (rows == 4) NAME(add_rows)(rows, row, w, p->fine_count, sums, add), rows = 0, add = 1;
            }
        if (rows) NAME(add_rows)(rows, row, w, p->fine_count, sums, add);
        if (p->how == CONVT_COPY)
            memcpy(out, sums, p->coarse_count * sizeof(REAL));
        else if (p->plain && p->inner == 1 && p->scale[2] == 2)
            NAME(sum_runs)(2, p->coarse_count, sums, out);
        else if (p->plain && p->inner == 1 && p->scale[2] == 4)
            NAME(sum_runs)(4, p->coarse_count, sums, out);
        else if (p->inner > 1)
            NAME(shrink)(0, p, sums, out);
        else if (p->reach[2] == 2)
            NAME(shrink)(2, p, sums, out);
        else if (p->reach[2] == 4)
            NAME(shrink)(4, p, sums, out);
        else if (p->reach[2] == 8)
            NAME(shrink)(8, p, sums, out);
        else
            NAME(shrink)(0, p, sums, out);
    }
}

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
