/* The checks of driver.c for one element type; a template: driver.c defines REAL, EPSILON and NAME.
 *
 *     y    | before | row 0: width | gap | row 1: width | gap | ...        only the widths may change */

typedef struct {
    int64_t rows, width, pitch;
    size_t size; /* of y and its copies, in bytes */
    REAL *y, *old, *start;
    double *sum, *bound; /* [rows][width]: what must come out, and how far off it may be */
} NAME(result);

static void NAME(fill)(REAL *to, int64_t count)
{
    for (int64_t i = 0; i < count; i++) to[i] = (REAL)number();
}

static NAME(result) NAME(new_result)(int64_t rows, int64_t width)
{
    NAME(result) r = {.rows = rows, .width = width, .pitch = width + GAP};
    int64_t elements = BEFORE + rows * r.pitch;
    r.size = (size_t)elements * sizeof(REAL);
    r.start = guarded(r.size), r.old = malloc(r.size), r.y = r.start + BEFORE;
    r.sum = calloc((size_t)(rows * width), sizeof(double)), r.bound = calloc((size_t)(rows * width), sizeof(double));
    if (!r.old || !r.sum || !r.bound) exit(2);
    NAME(fill)(r.start, elements);
    memcpy(r.old, r.start, r.size);
    return r;
}

static void NAME(add_product)(NAME(result) *r, int64_t m, int64_t p, double a, double b)
{
    double product = a * b;
    r->sum[m * r->width + p] += product;
    r->bound[m * r->width + p] += product < 0 ? -product : product;
}

/* Compares y with the sums of `terms` products each, and frees all. */
static void NAME(compare)(NAME(result) *r, int add, int64_t terms, const char *isa, const char *kernel, int vectors)
{
    if (!strcmp(spoil, "sum")) r->y[0] += 8;
    if (!strcmp(spoil, "gap")) r->y[r->width] += 1;
    if (!strcmp(spoil, "before")) r->y[-1] += 1;
    const char *fault = NULL;
    for (int64_t m = 0; m < r->rows; m++)
        for (int64_t p = 0; p < r->pitch; p++) {
            const REAL *y = r->y + m * r->pitch + p, *old = r->old + (y - r->start);
            if (p >= r->width) {
                if (memcmp(y, old, sizeof *y)) fault = "writes behind a row";
                continue;
            }
            double sum = r->sum[m * r->width + p], bound = r->bound[m * r->width + p], off;
            if (add) sum += (double)*old, bound += *old < 0 ? -(double)*old : (double)*old;
            off = (double)*y - sum;
            if (!((off < 0 ? -off : off) <= (double)(terms + 1) * EPSILON * bound)) fault = "is off by more than roundings";
        }
    if (memcmp(r->start, r->old, BEFORE * sizeof(REAL))) fault = "writes before y";
    if (fault) {
        wrong = 1;
        fprintf(
            stderr, "%s %d bytes: %s_%dx%d %s (add %d, %d terms)\n", isa, (int)sizeof(REAL), kernel, (int)r->rows, vectors,
            fault, add, (int)terms);
    }
    release(r->start, r->size), free(r->old), free(r->sum), free(r->bound);
}

/* y[m][p] (+)= sum over c, t of w[c][t][m] * x[c * x_pitch + offsets[t] + p] */
static void NAME(check_direct)(
    const NAME(convt_kernels) *table, int rows, int vectors, int64_t channels, int64_t taps, int add)
{
    NAME(result) r = NAME(new_result)(rows, vectors * table->lanes);
    int64_t offsets[3] = {SPREAD, 3, 7}, x_pitch = r.width + SPREAD;
    int64_t x_count = channels * x_pitch, w_count = channels * taps * rows;
    size_t x_size = (size_t)x_count * sizeof(REAL), w_size = (size_t)w_count * sizeof(REAL);
    REAL *x = guarded(x_size), *w = guarded(w_size);
    NAME(fill)(x, x_count), NAME(fill)(w, w_count);
    table->direct[rows][vectors](channels, taps, offsets, x_pitch, AHEAD, x, w, r.y, r.pitch, add);
    for (int64_t c = 0; c < channels; c++)
        for (int64_t t = 0; t < taps; t++)
            for (int64_t m = 0; m < rows; m++)
                for (int64_t p = 0; p < r.width; p++)
                    NAME(add_product)(&r, m, p, w[(c * taps + t) * rows + m], x[c * x_pitch + offsets[t] + p]);
    release(x, x_size), release(w, w_size);
    NAME(compare)(&r, add, channels * taps, table->isa, "direct", vectors);
}

/* y[m][p] (+)= sum over q of rows[at_rows[q] + m] * lanes[at_lanes[q] + p] */
static void NAME(check_correlate)(const NAME(convt_kernels) *table, int rows, int vectors, int64_t count, int add)
{
    NAME(result) r = NAME(new_result)(rows, vectors * table->lanes);
    int64_t at_rows[MAX_COUNT + CONVT_PREFETCH] = {0}, at_lanes[MAX_COUNT + CONVT_PREFETCH] = {0};
    int64_t of_rows = rows + SPREAD, of_lanes = r.width + SPREAD;
    REAL *x = guarded((size_t)of_rows * sizeof(REAL)), *z = guarded((size_t)of_lanes * sizeof(REAL));
    NAME(fill)(x, of_rows), NAME(fill)(z, of_lanes);
    for (int64_t q = 0; q < count; q++) /* the first one reads up to the end */
        at_rows[q] = (7 * q + SPREAD) % (SPREAD + 1), at_lanes[q] = (5 * q + SPREAD) % (SPREAD + 1);
    table->correlate[rows][vectors](count, at_rows, x, at_lanes, z, r.y, r.pitch, add);
    for (int64_t q = 0; q < count; q++)
        for (int64_t m = 0; m < rows; m++)
            for (int64_t p = 0; p < r.width; p++)
                NAME(add_product)(&r, m, p, x[at_rows[q] + m], z[at_lanes[q] + p]);
    release(x, (size_t)of_rows * sizeof(REAL)), release(z, (size_t)of_lanes * sizeof(REAL));
    NAME(compare)(&r, add, count, table->isa, "correlate", vectors);
}

/* All kernels that the list names for as many rows as the table says. */
static void NAME(check_table)(const NAME(convt_kernels) *original)
{
    static const int wide[][2] = {
#define ENTRY(rows, vectors) {rows, vectors},
        DIRECT_LIST_32(ENTRY)
    };
    static const int narrow[][2] = {
        DIRECT_LIST_16(ENTRY)
#undef ENTRY
    };
    static const int64_t some_channels[] = {0, 1, 5}, some_taps[] = {0, 1, 3}, some_counts[] = {0, 1, MAX_COUNT};
    NAME(convt_kernels) table = *original;
    const int is_wide = table.max_rows == wide[sizeof wide / sizeof *wide - 1][0];
    const int(*list)[2] = is_wide ? wide : narrow;
    const int count = (int)((is_wide ? sizeof wide : sizeof narrow) / sizeof *list);
    int in_table = 0;
    if (!strcmp(spoil, "missing")) table.direct[list[count - 1][0]][list[count - 1][1]] = NULL;
    for (int rows = 0; rows <= CONVT_MAX_ROWS; rows++)
        for (int vectors = 0; vectors <= CONVT_MAX_VECTORS; vectors++)
            in_table += (table.direct[rows][vectors] != NULL) + (table.correlate[rows][vectors] != NULL);
    for (int i = 0; i < count; i++) {
        const int rows = list[i][0], vectors = list[i][1];
        if (!table.direct[rows][vectors] || !table.correlate[rows][vectors]) {
            wrong = 1;
            fprintf(stderr, "%s %d bytes: a kernel %dx%d is missing\n", table.isa, (int)sizeof(REAL), rows, vectors);
            continue;
        }
        for (int add = 0; add < 2; add++)
            for (int j = 0; j < 3; j++) {
                for (int k = 0; k < 3; k++) NAME(check_direct)(&table, rows, vectors, some_channels[j], some_taps[k], add);
                NAME(check_correlate)(&table, rows, vectors, some_counts[j], add);
            }
    }
    if (in_table > 2 * count) {
        wrong = 1;
        fprintf(stderr, "%s %d bytes: the table has kernels that the list lacks\n", table.isa, (int)sizeof(REAL));
    }
    printf("%s, %d bytes, %d lanes: %d kernels\n", table.isa, (int)sizeof(REAL), (int)table.lanes, in_table);
}

#undef REAL
#undef EPSILON
#undef NAME
