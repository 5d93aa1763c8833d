/* windows: gather with filters whose rows are vectors long. A template as direct.h is.
 *
 *     y[c][u] = bias[c] + sum over fine channels k and taps t of  w[c][k][t] * x[k][u * stride - padding + t]
 *
 * Lanes run along the rows of a filter, as the kernel array has them, and a window of x is read where it lies: nothing is cut
 * into phases, however large the stride. A task packs the rows that its box of positions sees, some fine channels at a time:
 *
 *     packed row    0 0 a b c d e f g h i j k 0 0 0         the window of a position starts at stride * position
 *     windows       [ 0 0 a b c d ]
 *                           [ c d e f g h ]
 *                                   [ g h i j k 0 ]
 *
 *     sums    [channel][position][lane], of a task; their lanes are added up in the end, see dots.h
 *
 * The weights are read in place where rows are whole vectors, one behind the other, else through a panel [channel][step]. */

typedef struct {
    int64_t image, at[3], size[3];
} NAME(windows_box);

static NAME(windows_box) NAME(windows_box_at)(const convt_windows_plan *p, int64_t index)
{
    NAME(windows_box) box;
    for (int axis = 2; axis >= 0; index /= p->boxes[axis--]) {
        box.at[axis] = index % p->boxes[axis] * p->count[axis];
        int64_t rest = p->g.coarse[axis] - box.at[axis];
        box.size[axis] = p->count[axis] < rest ? p->count[axis] : rest;
    }
    box.image = index;
    return box;
}

/* The rows of one fine channel that a box sees, with zeros around the array. */
static void NAME(pack_windows)(
    const convt_windows_plan *p, const NAME(windows_box) *box, const REAL *channel, const convt_strides *fine, REAL *to)
{
    int64_t first[3];
    for (int axis = 0; axis < 3; axis++) first[axis] = box->at[axis] * p->g.stride[axis] - p->g.padding[axis];
    for (int64_t z = first[0]; z < first[0] + p->rows[0]; z++)
        for (int64_t y = first[1]; y < first[1] + p->rows[1]; y++, to += p->rows[2]) {
            int inside = z >= 0 && z < p->g.fine[0] && y >= 0 && y < p->g.fine[1];
            const REAL *row = inside ? channel + z * fine->axis[0] + y * fine->axis[1] : channel;
            NAME(pack_row)(row, inside ? p->g.fine[2] : 0, fine->axis[2], 1, 0, first[2], p->rows[2], to);
        }
}

/* One filter of one fine channel, its rows filled up to whole vectors. */
static void NAME(pack_window_filter)(const convt_windows_plan *p, const REAL *filter, const convt_strides *kernel, REAL *to)
{
    for (int64_t z = 0; z < p->g.kernel[0]; z++)
        for (int64_t y = 0; y < p->g.kernel[1]; y++, to += p->vectors * LANES)
            NAME(pack_row)(
                filter + z * kernel->axis[0] + y * kernel->axis[1], p->g.kernel[2], kernel->axis[2], 1, 0, 0,
                p->vectors * LANES, to);
}

/* Some fine channels' filters of one coarse channel as a row of the panel. */
static void NAME(pack_window_filters)(
    const convt_windows_plan *p, int64_t replaces, int64_t channels, const REAL *filter, const convt_strides *kernel,
    REAL *to)
{
    for (int64_t k = 0; k < channels; k++, filter += kernel->channel)
        NAME(pack_window_filter)(p, filter, kernel, to + k * p->steps * LANES);
    if (replaces) NAME(replace)(channels * p->steps * LANES, to);
}

/* Whether the filters of a coarse channel lie in memory as in the panel. */
static int NAME(filters_in_place)(const convt_windows_plan *p, const convt_strides *kernel)
{
    int64_t taps = NAME(dense_taps)(3, p->g.kernel, kernel->axis);
    return taps && p->g.kernel[2] % LANES == 0 && (p->chunk == 1 || kernel->channel == taps);
}

/* Adds the products of `steps` vectors to the sums of `channels` coarse channels at `count` windows. */
static void NAME(sum_windows)(
    const convt_windows_plan *p, int64_t steps, int64_t channels, int64_t count, const REAL *const *filters,
    const REAL *const *windows, REAL *sums, int add)
{
    int64_t pitch = count * LANES;
    for (int64_t s = 0; s < steps; s += p->block)
        for (int64_t c = 0; c < channels; c += NAME(dot_filters)) {
            const REAL *w[NAME(dot_filters)]; /* the last channel repeated */
            for (int64_t i = 0; i < NAME(dot_filters); i++)
                w[i] = filters[c + i < channels ? c + i : channels - 1] + s * LANES;
            NAME(dots)(
                count, p->block < steps - s ? p->block : steps - s, p->offsets + s, w, windows, sums + c * pitch,
                pitch, add || s);
        }
}

/* Writes the positions of a box. Returns 1 if all are finite, else 0. */
static int NAME(write_windows)(
    const NAME(windows_box) *box, int64_t channels, const REAL *sums, const REAL *bias, REAL *to,
    const convt_strides *coarse)
{
    REAL zero = 0;
    to += box->image * coarse->outer;
    for (int axis = 0; axis < 3; axis++) to += box->at[axis] * coarse->axis[axis];
    for (int64_t c = 0; c < channels; c++, to += coarse->channel)
        for (int64_t z = 0; z < box->size[0]; z++)
            for (int64_t y = 0; y < box->size[1]; y++) {
                REAL *row = to + z * coarse->axis[0] + y * coarse->axis[1], start = bias ? bias[c] : 0;
                for (int64_t x = 0; x < box->size[2]; x++, sums += LANES) {
                    REAL sum = start + NAME(lane_sum)(sums);
                    row[x * coarse->axis[2]] = sum;
                    zero += sum * 0; /* NaN from the first that is not finite */
                }
            }
    return zero == 0;
}

/* So many coarse channels of one group, at most `part`, in one box. The scratch memory holds the packed rows, the sums and the
 * panel. Returns 1 if all results are finite, else 0. */
static int NAME(windows)(
    const convt_windows_plan *p, int64_t replaces, int64_t group, int64_t first, int64_t channels, int64_t index,
    const REAL *fine,
    const convt_strides *of_fine, const REAL *kernel, const convt_strides *of_kernel, const REAL *bias, REAL *coarse,
    const convt_strides *of_coarse, REAL *scratch)
{
    const REAL *windows[CONVT_WINDOWS], *filters[CONVT_FILTERS];
    NAME(windows_box) box = NAME(windows_box_at)(p, index);
    int64_t count = 0, size = p->rows[0] * p->rows[1] * p->rows[2], in_place = !replaces && NAME(filters_in_place)(p,
    of_kernel);
    REAL *packed = scratch, *sums = packed + p->chunk * size;
    REAL *panel = sums + (p->part + NAME(dot_filters)) * p->count[0] * p->count[1] * p->count[2] * LANES;
    for (int64_t z = 0; z < box.size[0]; z++)
        for (int64_t y = 0; y < box.size[1]; y++)
            for (int64_t x = 0; x < box.size[2]; x++) {
                int64_t row = z * p->g.stride[0] * p->rows[1] + y * p->g.stride[1];
                windows[count++] = packed + row * p->rows[2] + x * p->g.stride[2];
            }
    first += group * p->outputs;
    fine += box.image * of_fine->outer + group * p->inputs * of_fine->channel;
    kernel += first * of_kernel->outer;
    for (int64_t k = 0, some; k < p->inputs; k += some, kernel += some * of_kernel->channel) {
        some = p->chunk < p->inputs - k ? p->chunk : p->inputs - k;
        for (int64_t i = 0; i < some; i++)
            NAME(pack_windows)(p, &box, fine + (k + i) * of_fine->channel, of_fine, packed + i * size);
        for (int64_t c = 0; c < channels; c++) {
            REAL *row = panel + c * p->chunk * p->steps * LANES;
            filters[c] = in_place ? kernel + c * of_kernel->outer : row;
            if (!in_place) NAME(pack_window_filters)(p, replaces, some, kernel + c * of_kernel->outer, of_kernel, row);
        }
        NAME(sum_windows)(p, some * p->steps, channels, count, filters, windows, sums, k > 0);
    }
    return NAME(write_windows)(
        &box, channels, sums, bias ? bias + first : NULL, coarse + first * of_coarse->channel, of_coarse);
}
