/* The adjoint of interpolation and repetition. A part of the template rows.h. */

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
    const int reach, const int64_t inner, const convt_columns *c, int64_t width, const REAL *sums, REAL *out)
{
    const REAL *w = c->weight;
    const int64_t add = c->add;
    for (int64_t x = 0; x * inner < c->coarse_count; x++, w += c->reach, out += inner) {
        const REAL *from = sums + c->start[x] * width;
        const int64_t count = c->count[x];
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

/* The weighted sum of the fine rows of coarse row (z, y), so many elements of each column from `at` on. */
static void NAME(sum_rows)(
    const convt_rows *p, const convt_columns *c, int64_t z, int64_t y, int64_t at, int64_t width, const REAL *plane,
    REAL *restrict sums)
{
    const int64_t fine_pitch = NAME(row_size)(p, p->fine), behind = convt_support_end(p, 0, z);
    const int64_t start = convt_support(p, 1, y), end = convt_support_end(p, 1, y);
    RUNS(c->fine_count, runs, length);
    const REAL *row[4] = {0};
    REAL w[4] = {0};
    int64_t rows = 0;
    int add = 0;
    const convt_place first = convt_place_of(p, 1, start);
    int64_t i = convt_support(p, 0, z);
    for (convt_place above = convt_place_of(p, 0, i); i < behind; i++, above = convt_next_place(p, 0, above)) {
        const double part = p->plain ? 1 : convt_part(p, 0, above, z);
        convt_place left = first;
        for (int64_t j = start; j < end; j++, left = convt_next_place(p, 1, left)) {
            row[rows] = plane + (i * p->fine[1] + j) * fine_pitch + at;
            w[rows++] = p->plain ? 1 : part * convt_part(p, 1, left, y);
            if (rows < 4 && (i + 1 < behind || j + 1 < end)) continue;
            for (int64_t run = 0; run < runs; run++)
                NAME(add_rows)(rows, row, w, run * p->inner, length, sums + run * length, add);
            rows = 0, add = 1;
        }
    }
}

/* The coarse rows first to last. */
static void NAME(collect)(
    const convt_rows *p, const convt_columns *c, int64_t first, int64_t last, const REAL *from, REAL *to, REAL *sums)
{
    const int64_t pitch = NAME(row_size)(p, p->coarse), fine_pitch = NAME(row_size)(p, p->fine);
    ROWS(r, n, z, y, p->coarse) {
        const REAL *plane = from + n * p->fine[0] * p->fine[1] * fine_pitch + c->fine_first;
        for (int64_t i = 0; i < p->inner; i += p->width) {
            const int64_t width = NAME(least)(p->width, p->inner - i), inner = p->inner;
            const int64_t plain = p->plain && inner == 1 && p->scale[2] <= p->most ? p->scale[2] : 0;
            REAL *out = to + r * pitch + c->coarse_first + i;
            NAME(sum_rows)(p, c, z, y, i, width, plane, sums);
            if (c->how == CONVT_COPY && c->weight == 0) {
                RUNS(c->coarse_count, runs, length);
                for (int64_t run = 0; run < runs; run++)
                    memcpy(out + run * inner, sums + run * length, length * sizeof(REAL));
            } else if (plain == 2)
                NAME(sum_runs)(2, c->coarse_count, sums, out);
            else if (plain == 4)
                NAME(sum_runs)(4, c->coarse_count, sums, out);
            else if (inner > 1)
                NAME(shrink)(0, inner, c, width, sums, out);
            else if (c->reach == 2)
                NAME(shrink)(2, 1, c, width, sums, out);
            else if (c->reach == 4)
                NAME(shrink)(4, 1, c, width, sums, out);
            else if (c->reach == 8)
                NAME(shrink)(8, 1, c, width, sums, out);
            else
                NAME(shrink)(0, 1, c, width, sums, out);
        }
    }
}
