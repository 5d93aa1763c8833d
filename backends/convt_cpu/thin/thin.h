/* thin: maps of few positions and very many weights, whose time is that of moving the weights once. A template as
 * direct.h is.
 *
 * A lane is a fine channel and a tap of it, in the order in which a kernel array in C order has them, so that the weights
 * are used where they lie. The fine array is seen as a matrix of columns, one row for each coarse position:
 *
 *     columns[position][lane] = fine[channel of the lane][position * stride - padding + tap of the lane * dilation]
 *
 *     scatter       columns[position][lane] = sum over coarse channels c of x[c][position] * w[c][lane], added up in `fine`
 *     correlate     dw[c][lane] = sum over positions of x[c][position] * columns[position][lane]
 *     gather        y[c][position] = sum over lanes of w[c][lane] * columns[position][lane]; see gather.h
 *
 * A task of scatter or correlate owns the lanes of `part` fine channels. The direct kernels compute it, lanes in the role of
 * their positions:
 *
 *     rows      scatter [tile][c][unit]: `unit` positions;  correlate [tile][position][unit]: `unit` channels
 *     columns   [position][lane], `pitch` elements apart
 *     panel     [c of a block][lane], likewise, of weights that cannot be read in place or that are read more than once */

/* Between the fine array and the columns of `channels` fine channels: adds up those of the positions from `first` to
 * `last`, or makes them, with zeros where a tap lies outside. */
static inline __attribute__((always_inline)) void NAME(walk_columns)(
    const int adds, const convt_thin_plan *p, int64_t first, int64_t last, int64_t channels, REAL *fine,
    const convt_strides *strides, REAL *columns)
{
    const int64_t *kernel = p->g.kernel, *size = p->g.fine;
    int64_t step = strides->axis[2], apart = p->g.dilation[2];
    NAME(place) position = NAME(find_place)(first, p->g.coarse);
    for (int64_t i = first; i < last; i++, NAME(move_on)(&position, 1, p->g.coarse), columns += p->pitch) {
        int64_t x = position.at[2] * p->g.stride[2] - p->g.padding[2], low = 0, high = kernel[2];
        while (low < high && x + low * apart < 0) low++;
        while (high > low && x + (high - 1) * apart >= size[2]) high--;
        int dense = apart * step == 1;
        REAL *column = columns, *channel = fine + position.outer * strides->outer + x * step;
        for (int64_t k = 0; k < channels; k++, channel += strides->channel)
            for (int64_t tz = 0; tz < kernel[0]; tz++)
                for (int64_t ty = 0; ty < kernel[1]; ty++, column += kernel[2]) {
                    int64_t z = position.at[0] * p->g.stride[0] - p->g.padding[0] + tz * p->g.dilation[0];
                    int64_t y = position.at[1] * p->g.stride[1] - p->g.padding[1] + ty * p->g.dilation[1];
                    int inside = z >= 0 && z < size[0] && y >= 0 && y < size[1];
                    REAL *row = channel + z * strides->axis[0] + y * strides->axis[1];
                    if (adds) {
                        if (inside && dense)
                            for (int64_t t = low; t < high; t++) row[t] += column[t];
                        else if (inside)
                            for (int64_t t = low; t < high; t++) row[t * apart * step] += column[t];
                    } else if (inside && dense && low == 0 && high == kernel[2])
                        memcpy(column, row, high * sizeof(REAL));
                    else
                        for (int64_t t = 0; t < kernel[2]; t++)
                            column[t] = inside && t >= low && t < high ? row[t * apart * step] : 0;
                }
    }
}

/* Sets `channels` fine channels of all images to the bias. */
static void NAME(fill_bias)(
    const convt_thin_plan *p, int64_t channels, const REAL *bias, REAL *fine, const convt_strides *strides)
{
    const int64_t *size = p->g.fine;
    for (int64_t n = 0; n < p->g.batch; n++)
        for (int64_t k = 0; k < channels; k++)
            for (int64_t z = 0; z < size[0]; z++)
                for (int64_t y = 0; y < size[1]; y++) {
                    REAL *row = fine + n * strides->outer + k * strides->channel;
                    row += z * strides->axis[0] + y * strides->axis[1];
                    for (int64_t x = 0; x < size[2]; x++) row[x * strides->axis[2]] = bias ? bias[k] : 0;
                }
}

/* Whether the lanes of a coarse channel are neighbours in memory. */
static int NAME(dense)(const convt_thin_plan *p, const convt_strides *strides)
{
    int64_t taps = NAME(dense_taps)(3, p->g.kernel, strides->axis);
    return taps && (p->outputs == 1 || strides->channel == taps);
}

/* Copies so many elements, and asks for what lies `next` elements further on: at the end of a page the processor would not know
 * where to go on. */
static inline void NAME(copy_and_fetch)(int64_t count, const REAL *from, int64_t next, REAL *to)
{
    for (int64_t i = 0; i < count; i += 64 / (int64_t)sizeof(REAL)) __builtin_prefetch(from + next + i);
    memcpy(to, from, count * sizeof(REAL));
}

/* Between the lanes from `lane` on of one coarse channel, where `kernel` has them, and a row: reads them, or writes them. */
static inline __attribute__((always_inline)) void NAME(move_lanes)(
    const int reads, const convt_thin_plan *p, int64_t lane, int64_t count, REAL *kernel, const convt_strides *strides,
    REAL *row)
{
    if (NAME(dense)(p, strides)) {
        if (reads)
            NAME(copy_and_fetch)(count, kernel + lane, strides->outer, row);
        else
            memcpy(kernel + lane, row, count * sizeof(REAL));
        return;
    }
    NAME(place) place = NAME(find_place)(lane, p->g.kernel);
    for (int64_t i = 0; i < count; i++, NAME(move_on)(&place, 1, p->g.kernel)) {
        REAL *weight = kernel + place.outer * strides->channel;
        for (int axis = 0; axis < 3; axis++) weight += place.at[axis] * strides->axis[axis];
        if (reads)
            row[i] = *weight;
        else
            *weight = row[i];
    }
}

/* Packs a tile of coarse elements, [channel or position][unit]; `coarse` points to the first of the group. For scatter
 * (`by_positions`) all channels of some positions, for correlate some channels of all positions. Returns 1 if all are
 * finite, or made so, else 0. */
static int NAME(thin_rows)(
    const convt_thin_plan *p, int64_t replaces, int by_positions, int64_t tile, const REAL *coarse,
    const convt_strides *strides, REAL *rows)
{
    int64_t unit = p->unit, first = tile * unit, all = by_positions ? p->positions : p->inputs;
    int64_t count = all - first < unit ? all - first : unit, length = unit * (by_positions ? p->inputs : p->positions);
    NAME(place) position = NAME(find_place)(by_positions ? first : 0, p->g.coarse);
    memset(rows, 0, length * sizeof(REAL));
    if (!by_positions) coarse += first * strides->channel;
    for (int64_t i = 0; i < (by_positions ? count : p->positions); i++, NAME(move_on)(&position, 1, p->g.coarse)) {
        const REAL *from = coarse + position.outer * strides->outer;
        for (int axis = 0; axis < 3; axis++) from += position.at[axis] * strides->axis[axis];
        if (by_positions)
            for (int64_t c = 0; c < p->inputs; c++) rows[c * unit + i] = from[c * strides->channel];
        else
            for (int64_t m = 0; m < count; m++) rows[i * unit + m] = from[m * strides->channel];
    }
    return NAME(settle)(replaces, length, rows);
}

/* A task of scatter: so many fine channels from `first` on, of all images. `kernel`, `bias` and `fine` point to the group's
 * first. */
static void NAME(thin_scatter)(
    const convt_thin_plan *p, int64_t first, int64_t channels, const REAL *rows, const REAL *kernel, const convt_strides *strides,
    const REAL *bias, REAL *fine, const convt_strides *of_fine, REAL *scratch)
{
    int64_t width = p->width, unit = p->unit, pitch = p->pitch, tiles = (p->positions + unit - 1) / unit;
    int64_t lanes = channels * p->g.taps;
    int64_t padded = (lanes + width - 1) / width * width;
    int in_place = tiles == 1 && lanes == padded && NAME(dense)(p, strides);
    REAL *columns = scratch, *panel = scratch + tiles * unit * pitch;
    for (int64_t c = 0; c < p->inputs; c += p->block) {
        int64_t block = p->block < p->inputs - c ? p->block : p->inputs - c;
        const REAL *weights = kernel + c * strides->outer + first * p->g.taps;
        if (!in_place) {
            for (int64_t i = 0; i < block; i++) {
                REAL *filters = (REAL *)kernel + (c + i) * strides->outer;
                NAME(move_lanes)(1, p, first * p->g.taps, lanes, filters, strides, panel + i * pitch);
                memset(panel + i * pitch + lanes, 0, (padded - lanes) * sizeof(REAL));
            }
            weights = panel;
        }
        for (int64_t lane = 0; lane < padded; lane += width)
            for (int64_t tile = 0; tile < tiles; tile++)
                NAME(table).direct[unit][width / LANES](
                    block, 1, NAME(here), in_place ? strides->outer : pitch, 2 * width /* the next kernel but one */,
                    weights + lane, rows + (tile * p->inputs + c) * unit, columns + tile * unit * pitch + lane, pitch, c > 0);
    }
    fine += first * of_fine->channel;
    NAME(fill_bias)(p, channels, bias ? bias + first : NULL, fine, of_fine);
    NAME(walk_columns)(1, p, 0, p->positions, channels, fine, of_fine, columns);
}

/* A task of correlate: all coarse channels' weights of so many fine channels from `first` on. */
static void NAME(thin_correlate)(
    const convt_thin_plan *p, int64_t first, int64_t channels, const REAL *rows, const REAL *fine, const convt_strides *of_fine, REAL *kernel,
    const convt_strides *strides, REAL *scratch)
{
    int64_t width = p->width, unit = p->unit;
    int64_t lanes = channels * p->g.taps;
    int dense = NAME(dense)(p, strides);
    REAL *columns = scratch, *sums = scratch + p->positions * p->pitch;
    memset(columns, 0, p->positions * p->pitch * sizeof(REAL));
    NAME(walk_columns)(0, p, 0, p->positions, channels, (REAL *)fine + first * of_fine->channel, of_fine, columns);
    for (int64_t c = 0; c < p->inputs; c += unit)
        for (int64_t lane = 0; lane < lanes; lane += width) {
            int64_t some = p->inputs - c < unit ? p->inputs - c : unit, count = lanes - lane < width ? lanes - lane : width;
            int in_place = dense && some == unit && count == width;
            REAL *to = kernel + c * strides->outer;
            NAME(table).direct[unit][width / LANES](
                p->positions, 1, NAME(here), p->pitch, CONVT_PREFETCH * p->pitch, columns + lane, rows + c * p->positions,
                in_place ? to + first * p->g.taps + lane : sums, in_place ? strides->outer : width, 0);
            for (int64_t m = 0; !in_place && m < some; m++)
                NAME(move_lanes)(0, p, first * p->g.taps + lane, count, to + m * strides->outer, strides, sums + m * width);
        }
}
