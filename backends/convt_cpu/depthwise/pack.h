/* depthwise, packing: the rows of a box of the input, cut into planes, with halos. A template as direct.h is.
 *
 * Rows of a packed plane lie one behind the other, so that a vector may run across a row's end: short rows waste nothing but
 * their halo. They are packed shortly before they are needed, and boxes of an image hand on the rows that they share. */

typedef struct {
    int64_t image, group, at[3], size[3]; /* a box of positions of the output planes */
} NAME(unit);

/* The box of a unit; the boxes of an image's group come one after the other, then the groups, then the images. */
static NAME(unit) NAME(unit_at)(const convt_depthwise_plan *p, int64_t index)
{
    NAME(unit) unit;
    for (int axis = 2; axis >= 0; axis--) {
        int64_t planes = (p->out_size[axis] + p->out_stride[axis] - 1) / p->out_stride[axis];
        unit.at[axis] = index % p->boxes[axis] * p->count[axis];
        unit.size[axis] = p->count[axis] < planes - unit.at[axis] ? p->count[axis] : planes - unit.at[axis];
        index /= p->boxes[axis];
    }
    unit.group = index % p->groups;
    unit.image = index / p->groups;
    return unit;
}

/* Elements of a phase in a row of so many. */
static inline int64_t NAME(of_phase)(int64_t size, int64_t stride, int64_t phase)
{
    return stride == 1 ? size : size > phase ? (size - phase + stride - 1) / stride : 0;
}

/* Both phases of a stride of 2 in one go: to[p * plane_size + x] = row[2 * (first + x) + p] as above. */
static inline void NAME(pack_both)(
    const REAL *row, int64_t size, int64_t first, int64_t count, REAL *to, int64_t plane_size)
{
    int64_t low = first < 0 ? -first : 0, even = (size + 1) / 2 - first, odd = size / 2 - first;
    low = low < count ? low : count;
    even = even < low ? low : even > count ? count : even;
    odd = odd < low ? low : odd > count ? count : odd;
    for (int64_t x = 0; x < low; x++) to[x] = to[plane_size + x] = 0;
    row += 2 * first;
    NAME(deinterleave_both)(odd - low, row + 2 * low, to + low, to + plane_size + low);
    for (int64_t x = odd; x < even; x++) to[x] = row[2 * x];
    for (int64_t x = even; x < count; x++) to[x] = 0;
    for (int64_t x = odd; x < count; x++) to[plane_size + x] = 0;
}

/* The packed rows `first` to `last` of all planes of a channel, counted over z and y, and zeros for the vector that ends
 * behind them. */
static void NAME(pack_box_rows)(
    const convt_depthwise_plan *p, const NAME(unit) *unit, int64_t first, int64_t last, const REAL *channel,
    const convt_strides *strides, REAL *to)
{
    const int64_t *stride = p->in_stride, slices[3] = {1, p->rows[0], p->rows[1]};
    int64_t step = strides->axis[2], size = p->in_size[2], pitch = p->rows[2], start = unit->at[2] + p->low[2];
    for (int64_t plane = 0, both; plane < p->in_planes; plane += 1 + both) {
        const int64_t *phase = p->in_phase + 3 * plane;
        int64_t of_phase = NAME(of_phase)(size, stride[2], phase[2]);
        both = stride[2] == 2 && step == 1 && p->in_planes - plane > 1 && phase[2] == 0 && phase[5] == 1;
        NAME(place) at = NAME(find_place)(first, slices);
        REAL *row_to = to + plane * p->plane_size + first * pitch;
        for (int64_t row = first; row < last; row++, row_to += pitch, NAME(move_on)(&at, 1, slices)) {
            int64_t z = (unit->at[0] + p->low[0] + at.at[1]) * stride[0] + phase[0];
            int64_t y = (unit->at[1] + p->low[1] + at.at[2]) * stride[1] + phase[1];
            const REAL *from = channel + z * strides->axis[0] + y * strides->axis[1];
            if (z < 0 || z >= p->in_size[0] || y < 0 || y >= p->in_size[1]) {
                memset(row_to, 0, pitch * sizeof(REAL));
                if (both) memset(row_to + p->plane_size, 0, pitch * sizeof(REAL));
            } else if (both)
                NAME(pack_both)(from, size, start, pitch, row_to, p->plane_size);
            else
                NAME(pack_row)(from, of_phase, step, stride[2], phase[2], start, pitch, row_to);
        }
    }
    for (int64_t plane = 0; plane < p->in_planes; plane++)
        memset(to + plane * p->plane_size + last * pitch, 0, LANES * sizeof(REAL));
}

/* Whether the box of a unit lies beside that of the unit before, and shares rows with it: along the one axis that has boxes, or
 * along y, where the first box of a slice follows the last one of another slice. */
static inline int NAME(follows)(const convt_depthwise_plan *p, int64_t index)
{
    return p->slide && index % (p->boxes[1] == 1 ? p->boxes[0] : p->boxes[1]) > 0;
}

/* Moves the rows that two boxes of an image share to where the next box has them. Returns how many are packed thereby. */
static int64_t NAME(slide)(const convt_depthwise_plan *p, REAL *packed)
{
    int64_t shared = p->rows[0] * p->rows[1] - p->slide, pitch = p->rows[2];
    for (int64_t c = 0; c < p->inputs; c++)
        for (int64_t plane = 0; plane < p->in_planes; plane++) {
            REAL *rows = packed + c * p->channel_size + plane * p->plane_size;
            memmove(rows, rows + p->slide * pitch, shared * pitch * sizeof(REAL));
        }
    return shared;
}

/* Packed rows that must be ready before a chunk. One chunk more than it reads: what was just stored cannot be loaded at other
 * bounds before it has left the store buffer, where it waits behind the output. */
static int64_t NAME(rows_needed)(const convt_depthwise_plan *p, int64_t z, int64_t row)
{
    int64_t halo_z = p->rows[0] - p->count[0], halo_y = p->rows[1] - p->count[1], all = p->rows[0] * p->rows[1];
    int64_t needed = (z + halo_z) * p->rows[1] + row + 2 * p->chunk + halo_y;
    return needed < all ? needed : all;
}
