/* strip: one task of the direct engine, from packing its input to writing its output. A template as direct.h is.
 *
 *     input --pack--> strip (in L2) --direct kernels--> sums (in L1, L2) --interleave--> output, each element written once
 *
 *     strip   [input channel][input plane][image][z][y][x, halo included]      rows of a channel in one piece
 *     weights [unit][output plane][input channel][tap][output channel of the unit]
 *     sums    [unit][output plane][output channel of the unit][position]       positions run as they do in the strip;
 *                                                                              those in a halo are computed and left
 * direct_plan.h says what planes and strips are. */

typedef struct {
    int64_t group, image, images, at[3], size[3]; /* the box of a strip */
} NAME(box);

static NAME(box) NAME(strip_box)(const convt_direct_plan *p, int64_t task)
{
    NAME(box) box;
    for (int axis = 2; axis >= 0; axis--) {
        int64_t planes = (p->out_size[axis] + p->out_stride[axis] - 1) / p->out_stride[axis];
        box.at[axis] = task % p->strips[axis + 1] * p->count[axis + 1];
        box.size[axis] = p->count[axis + 1] < planes - box.at[axis] ? p->count[axis + 1] : planes - box.at[axis];
        task /= p->strips[axis + 1];
    }
    box.image = task % p->strips[0] * p->count[0];
    box.images = p->count[0] < p->batch - box.image ? p->count[0] : p->batch - box.image;
    box.group = task / p->strips[0];
    return box;
}

/* to[x] = row[(first + x) * stride + phase], and zeros where the row ends. */
static inline void NAME(pack_row)(
    const REAL *row, int64_t size, int64_t step, int64_t stride, int64_t phase, int64_t first, int64_t count, REAL *to)
{
    int64_t low = -first, high = size > phase ? (size - phase + stride - 1) / stride - first : 0;
    low = low < 0 ? 0 : low > count ? count : low;
    high = high < low ? low : high > count ? count : high;
    for (int64_t x = 0; x < low; x++) to[x] = 0;
    row += ((first + low) * stride + phase) * step;
    if (step == 1)
        NAME(deinterleave)(high - low, stride, row, to + low);
    else
        for (int64_t x = low; x < high; x++) to[x] = row[(x - low) * stride * step];
    for (int64_t x = high; x < count; x++) to[x] = 0;
}

/* Where a position of a packed plane lies. */
static inline int64_t NAME(locate)(const convt_direct_plan *p, int64_t position)
{
    return position / p->span * p->span_size + position % p->span;
}

/* How many of so many positions lie in one piece. */
static inline int64_t NAME(piece)(const convt_direct_plan *p, int64_t position, int64_t count)
{
    int64_t room = p->span - position % p->span;
    return room < count ? room : count;
}

/* One channel of one plane. */
static void NAME(pack_plane)(
    const convt_direct_plan *p, const NAME(box) *box, int64_t plane, const REAL *channel, const convt_strides *strides,
    REAL *to)
{
    const int64_t *stride = p->in_stride, *phase = p->in_phase + 3 * plane, *shift = p->in_shift + 3 * plane;
    int64_t position = 0, piece;
    for (int64_t n = 0; n < box->images; n++)
        for (int64_t z = 0; z < p->rows[0]; z++)
            for (int64_t y = 0; y < p->rows[1]; y++) {
                int64_t row_z = (box->at[0] + shift[0] + z) * stride[0] + phase[0];
                int64_t row_y = (box->at[1] + shift[1] + y) * stride[1] + phase[1];
                int outside = row_z < 0 || row_z >= p->in_size[0] || row_y < 0 || row_y >= p->in_size[1];
                const REAL *row = outside ? channel
                                          : channel + (box->image + n) * strides->outer + row_z * strides->axis[0] +
                                                row_y * strides->axis[1];
                for (int64_t x = 0; x < p->rows[2]; x += piece, position += piece) {
                    piece = NAME(piece)(p, position, p->rows[2] - x);
                    NAME(pack_row)(
                        row, outside ? 0 : p->in_size[2], strides->axis[2], stride[2], phase[2],
                        box->at[2] + shift[2] + x, piece, to + NAME(locate)(p, position));
                }
            }
    for (int64_t end = p->span < p->plane_size ? p->positions : p->plane_size; position < end; position += piece) {
        piece = NAME(piece)(p, position, end - position);
        memset(to + NAME(locate)(p, position), 0, piece * sizeof(REAL));
    }
}

/* Writes one output channel of a strip from its sums, all planes together. */
static void NAME(write_channel)(
    const convt_direct_plan *p, const NAME(box) *box, const REAL *sums, int64_t plane_size, REAL bias, REAL *channel,
    const convt_strides *strides)
{
    const int64_t *ways = p->out_stride;
    int64_t step = strides->axis[2], first = box->at[2] * ways[2], count = box->size[2] * ways[2];
    if (count > p->out_size[2] - first) count = p->out_size[2] - first;
    for (int64_t n = 0; n < box->images; n++)
        for (int64_t z = box->at[0] * ways[0]; z < (box->at[0] + box->size[0]) * ways[0] && z < p->out_size[0]; z++)
            for (int64_t y = box->at[1] * ways[1]; y < (box->at[1] + box->size[1]) * ways[1] && y < p->out_size[1]; y++) {
                const REAL *row = sums + (z % ways[0] * ways[1] + y % ways[1]) * ways[2] * plane_size +
                                  ((n * p->rows[0] + z / ways[0] - box->at[0]) * p->rows[1] + y / ways[1] - box->at[1]) *
                                      p->rows[2];
                REAL *to = channel + (box->image + n) * strides->outer + z * strides->axis[0] + y * strides->axis[1] +
                           first * step;
                int64_t whole = step == 1 ? count / ways[2] : 0;
                NAME(interleave)(whole, ways[2], row, plane_size, bias, to);
                for (int64_t x = whole * ways[2]; x < count; x++)
                    to[x * step] = row[x % ways[2] * plane_size + x / ways[2]] + bias;
            }
}

/* Packs some channels of a strip. */
static void NAME(pack_strip)(
    const convt_direct_plan *p, const NAME(box) *box, int64_t first, int64_t last, const REAL *input,
    const convt_strides *in, REAL *strip)
{
    input += box->group * p->inputs * in->channel;
    for (int64_t c = first; c < last; c++)
        for (int64_t plane = 0; plane < p->in_planes; plane++)
            NAME(pack_plane)(
                p, box, plane, input + c * in->channel, in, strip + c * p->channel_size + plane * p->plane_size);
}

/* Adds one block's channels, from c on, to the sums of the outputs first to last of a pass. Tile by tile: the positions of one tile stay in the L1 cache while all weights pass by. */
static void NAME(sum_block)(
    const convt_direct_plan *p, int64_t first, int64_t last, int64_t c, const REAL *strip, const REAL *weights, REAL *sums)
{
    int64_t channels = p->block < p->inputs - c ? p->block : p->inputs - c, vectors, vector_count = p->positions / LANES;
    int64_t all_taps = p->first_tap[p->out_planes], row_sums = p->out_planes * p->positions;
    int64_t least = (last - first) % p->unit ? (last - first) % p->unit : p->unit; /* rows of the last unit */
    strip += c * p->channel_size;
    for (int64_t v = 0; v < vector_count; v += vectors) {
        vectors = vector_count - v < p->tile ? vector_count - v : p->tile;
        while (!NAME(table).direct[p->unit][vectors] || !NAME(table).direct[least][vectors]) vectors--;
        int64_t at = NAME(locate)(p, v * LANES);
        for (int64_t m = first; m < last; m += p->unit) {
            int64_t rows = p->unit < last - m ? p->unit : last - m;
            const REAL *unit_weights = weights + (m - first) * channels * all_taps;
            REAL *unit_sums = sums + (m - first) * row_sums + v * LANES;
            for (int64_t plane = 0; plane < p->out_planes; plane++)
                NAME(table).direct[rows][vectors](
                    channels, p->first_tap[plane + 1] - p->first_tap[plane], p->offsets + p->offsets_at[plane],
                    p->channel_size, strip + at, unit_weights + channels * rows * p->first_tap[plane],
                    unit_sums + plane * rows * p->positions, p->positions, c > 0);
        }
    }
}

/* Writes all output channels of a unit. */
static void NAME(write_unit)(
    const convt_direct_plan *p, const NAME(box) *box, int64_t first, int64_t rows, const REAL *sums, const REAL *bias,
    REAL *output, const convt_strides *out)
{
    int64_t channel = box->group * p->outputs + first;
    for (int64_t m = 0; m < rows; m++)
        NAME(write_channel)(
            p, box, sums + m * p->positions, rows * p->positions, bias ? bias[channel + m] : 0,
            output + (channel + m) * out->channel, out);
}

/* One pass over a packed strip: the outputs first to last. */
static void NAME(sum_pass)(
    const convt_direct_plan *p, const NAME(box) *box, int64_t first, int64_t last, const REAL *strip, const REAL *weights,
    const REAL *bias, REAL *output, const convt_strides *out, REAL *sums)
{
    for (int64_t c = 0; c < p->inputs; c += p->block)
        NAME(sum_block)(p, first, last, c, strip, weights + c * (last - first) * p->first_tap[p->out_planes], sums);
    for (int64_t m = first; m < last; m += p->unit)
        NAME(write_unit)(
            p, box, m, p->unit < last - m ? p->unit : last - m, sums + (m - first) * p->out_planes * p->positions, bias,
            output, out);
}

/* The schedule by strips: a task is a strip of one group, in all passes; the weights have been packed before. */
static void NAME(strip)(
    const convt_direct_plan *p, int64_t task, const REAL *input, const convt_strides *in, const REAL *weights,
    const REAL *bias, REAL *output, const convt_strides *out, REAL *scratch)
{
    NAME(box) box = NAME(strip_box)(p, task);
    REAL *strip = scratch, *sums = scratch + p->strip_size;
    int64_t filter = p->inputs * p->first_tap[p->out_planes];
    weights += box.group * p->outputs * filter;
    NAME(pack_strip)(p, &box, 0, p->inputs, input, in, strip);
    for (int64_t first = 0; first < p->outputs; first += p->pass) {
        int64_t last = p->pass < p->outputs - first ? first + p->pass : p->outputs;
        NAME(sum_pass)(p, &box, first, last, strip, weights + first * filter, bias, output, out, sums);
    }
}

/* The schedule by outputs, for many weights and few positions: first all strips of a wave are packed, by tasks that take
 * some channels of one strip each ... */
static void NAME(pack)(
    const convt_direct_plan *p, int64_t task, int64_t first, int64_t last, const REAL *input, const convt_strides *in,
    REAL *strip)
{
    NAME(box) box = NAME(strip_box)(p, task);
    NAME(pack_strip)(p, &box, first, last, input, in, strip);
}

/* ... then a task is one pass over all strips of the wave; it packs its weights itself. The scratch memory holds them and the
 * sums. Returns 1 if all weights are finite, else 0. */
static int NAME(outputs)(
    const convt_direct_plan *p, int64_t task, int64_t first_strip, int64_t strips, const REAL *packed, const REAL *kernel,
    int64_t in, int64_t out_channel, const int64_t *axis, const REAL *bias, REAL *output, const convt_strides *out,
    REAL *scratch)
{
    int64_t first = task * p->pass, last = p->pass < p->outputs - first ? first + p->pass : p->outputs;
    REAL *weights = scratch, *sums = scratch + p->pass * p->inputs * p->first_tap[p->out_planes];
    int finite = NAME(pack_pass)(p, first, last, kernel, in, out_channel, axis, weights);
    for (int64_t s = 0; finite && s < strips; s++) {
        NAME(box) box = NAME(strip_box)(p, first_strip + s);
        NAME(sum_pass)(
            p, &box, first, last, packed + s * p->strip_size, weights, bias, output, out, sums);
    }
    return finite;
}
