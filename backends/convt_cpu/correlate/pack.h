/* correlate_pack: copies a strip of both arrays, in the order in which the kernels read it. A template as direct.h is.
 *
 *     coarse   [position][coarse channel of the block]        positions of a strip, one behind the other
 *     fine     [image][z][y][x][fine channel of the block]    in the coordinates u of plan.h, zeros outside */

typedef struct {
    int64_t group, image, at[3];
    int64_t size[4]; /* images and coarse positions */
    int64_t rows[3]; /* packed fine positions of an image */
} NAME(correlate_box);

static NAME(correlate_box) NAME(correlate_box_of)(const convt_correlate_plan *p, int64_t strip)
{
    NAME(correlate_box) box;
    for (int axis = 2; axis >= 0; axis--) {
        int64_t count = p->count[axis + 1];
        box.at[axis] = strip % p->strips[axis + 1] * count;
        box.size[axis + 1] = count < p->coarse_size[axis] - box.at[axis] ? count : p->coarse_size[axis] - box.at[axis];
        box.rows[axis] = (box.size[axis + 1] - 1) * p->stride[axis] + (p->kernel[axis] - 1) * p->dilation[axis] + 1;
        strip /= p->strips[axis + 1];
    }
    box.image = strip % p->strips[0] * p->count[0];
    box.size[0] = p->count[0] < p->batch - box.image ? p->count[0] : p->batch - box.image;
    box.group = strip / p->strips[0];
    return box;
}

static inline int64_t NAME(correlate_positions)(const NAME(correlate_box) *box)
{
    return box->size[0] * box->size[1] * box->size[2] * box->size[3];
}

/* Packs one block of coarse channels, piece `piece` of `pieces` of the strip's positions. */
static void NAME(correlate_pack_coarse)(
    const convt_correlate_plan *p, int64_t replaces, int64_t strip, int64_t block, int64_t piece, int64_t pieces,
    const REAL *coarse,
    const convt_strides *strides, REAL *packed)
{
    NAME(correlate_box) box = NAME(correlate_box_of)(p, strip);
    int64_t channel = block * p->block_coarse, pitch = p->coarse_pitch;
    int64_t channels = p->block_coarse < p->coarse - channel ? p->block_coarse : p->coarse - channel;
    int64_t filled = p->fine_lanes ? channels : (channels + LANES - 1) / LANES * LANES; /* vectors read zeros at the end */
    int64_t positions = NAME(correlate_positions)(&box), count;
    int64_t q = positions * piece / pieces, end = positions * (piece + 1) / pieces;
    int64_t row = box.size[3], step = strides->axis[2];
    for (int axis = 1; axis >= 0 && row == box.size[3] * (axis ? 1 : box.size[2]); axis--)
        if (box.size[axis + 1] == 1 || strides->axis[axis] == step * row) row *= box.size[axis + 1];
    coarse += (box.group * p->coarse + channel) * strides->channel + box.image * strides->outer;
    for (int axis = 0; axis < 3; axis++) coarse += box.at[axis] * strides->axis[axis];
    for (; q < end; q += count) {
        int64_t x = q % row, y = q / row * row / box.size[3], z = y / box.size[2];
        const REAL *from = coarse + z / box.size[1] * strides->outer + z % box.size[1] * strides->axis[0] +
                           y % box.size[2] * strides->axis[1] + x * step;
        REAL *to = packed + q * pitch;
        count = row - x < end - q ? row - x : end - q;
        NAME(transpose)(channels, count, from, strides->channel, step, to, pitch);
        for (int64_t i = 0; i < count && filled > channels; i++)
            for (int64_t c = channels; c < filled; c++) to[i * pitch + c] = 0;
        for (int64_t i = 0; replaces && i < count; i++) NAME(replace)(channels, to + i * pitch);
    }
}

/* Packs one block of fine channels, piece `piece` of `pieces` of the strip's rows. */
static void NAME(correlate_pack_fine)(
    const convt_correlate_plan *p, int64_t strip, int64_t block, int64_t piece, int64_t pieces, const REAL *fine,
    const convt_strides *strides, REAL *packed)
{
    NAME(correlate_box) box = NAME(correlate_box_of)(p, strip);
    int64_t first = block * p->fine_block, rows = box.size[0] * box.rows[0] * box.rows[1];
    int64_t channels = p->fine_block < p->fine - first ? p->fine_block : p->fine - first;
    int64_t begin[3], low, high; /* the part of a row that exists is low to high */
    for (int axis = 0; axis < 3; axis++) begin[axis] = box.at[axis] * p->stride[axis] * p->step[axis] - p->padding[axis];
    low = begin[2] < 0 ? (-begin[2] + p->step[2] - 1) / p->step[2] : 0;
    low = low < box.rows[2] ? low : box.rows[2];
    high = p->fine_size[2] > begin[2] ? (p->fine_size[2] - begin[2] + p->step[2] - 1) / p->step[2] : 0;
    high = high < low ? low : high < box.rows[2] ? high : box.rows[2];
    fine += (box.group * p->fine + first) * strides->channel + box.image * strides->outer;
    for (int64_t row = rows * piece / pieces; row < rows * (piece + 1) / pieces; row++) {
        int64_t n = row / box.rows[1] / box.rows[0];
        int64_t z = begin[0] + row / box.rows[1] % box.rows[0] * p->step[0];
        int64_t y = begin[1] + row % box.rows[1] * p->step[1];
        REAL *to = packed + row * box.rows[2] * channels;
        if (z < 0 || z >= p->fine_size[0] || y < 0 || y >= p->fine_size[1]) {
            memset(to, 0, box.rows[2] * channels * sizeof(REAL));
            continue;
        }
        NAME(transpose_row)(
            channels, box.rows[2], low, high,
            fine + n * strides->outer + z * strides->axis[0] + y * strides->axis[1] + begin[2] * strides->axis[2],
            strides->channel, p->step[2] * strides->axis[2], to, channels);
    }
    if (piece == pieces - 1) memset(packed + rows * box.rows[2] * channels, 0, LANES * sizeof(REAL));
}
