/* pack: copies a strip of the input, cut into planes, in the order in which the direct kernels read it. A template as direct.h is.
 *
 *     strip   [input channel][input plane][image][z][y][x, halo included]      rows of a channel in one piece
 *
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
    int64_t low = -first, high = stride == 1 ? size - first : size > phase ? (size - phase + stride - 1) / stride - first : 0;
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
    return position < p->span ? position : position / p->span * p->span_size + position % p->span;
}

/* Goes on by so many positions, for which there is room in the piece. */
static inline void NAME(advance)(const convt_direct_plan *p, int64_t count, REAL **to, int64_t *room)
{
    *to += count;
    *room -= count;
    if (*room == 0) {
        *to += p->span_size - p->span;
        *room = p->span;
    }
}

/* One channel of one plane. A plane in several pieces is cut where a piece has no room left. */
static void NAME(pack_plane)(
    const convt_direct_plan *p, const NAME(box) *box, int64_t plane, const REAL *channel, const convt_strides *strides,
    REAL *to)
{
    const int64_t *stride = p->in_stride, *phase = p->in_phase + 3 * plane, *shift = p->in_shift + 3 * plane;
    int64_t room = p->span, left = p->span < p->plane_size || p->span_size ? p->positions : p->plane_size, count;
    for (int64_t n = 0; n < box->images; n++)
        for (int64_t z = 0; z < p->rows[0]; z++)
            for (int64_t y = 0; y < p->rows[1]; y++) {
                int64_t row_z = (box->at[0] + shift[0] + z) * stride[0] + phase[0];
                int64_t row_y = (box->at[1] + shift[1] + y) * stride[1] + phase[1];
                int outside = row_z < 0 || row_z >= p->in_size[0] || row_y < 0 || row_y >= p->in_size[1];
                const REAL *row = outside ? channel
                                          : channel + (box->image + n) * strides->outer + row_z * strides->axis[0] +
                                                row_y * strides->axis[1];
                for (int64_t x = 0; x < p->rows[2]; x += count) {
                    count = room < p->rows[2] - x ? room : p->rows[2] - x;
                    NAME(pack_row)(
                        row, outside ? 0 : p->in_size[2], strides->axis[2], stride[2], phase[2],
                        box->at[2] + shift[2] + x, count, to);
                    NAME(advance)(p, count, &to, &room);
                }
                left -= p->rows[2];
            }
    for (; left > 0; left -= count) {
        count = room < left ? room : left;
        memset(to, 0, count * sizeof(REAL));
        NAME(advance)(p, count, &to, &room);
    }
}

/* Short rows would be walked slowly, one by one, for every channel. Their walk is the same for all channels, so it is written
 * down once: where each packed position comes from, seen from its channel. */

enum { NAME(SHORT) = 32, NAME(LISTED) = 1 << 14, NAME(NOWHERE) = INT32_MIN };

/* Positions of a plane, those included that only fill the last piece. */
static inline int64_t NAME(listed_positions)(const convt_direct_plan *p)
{
    return p->span < p->plane_size || p->span_size ? (p->positions + p->span - 1) / p->span * p->span : p->plane_size;
}

static int NAME(is_short)(const convt_direct_plan *p, const convt_strides *in)
{
    int64_t furthest = 0;
    for (int axis = 0; axis < 3; axis++) furthest += llabs(in->axis[axis]) * p->in_size[axis];
    furthest += llabs(in->outer) * p->count[0];
    return p->rows[2] <= NAME(SHORT) && p->in_planes * NAME(listed_positions)(p) <= NAME(LISTED) && furthest < INT32_MAX;
}

static void NAME(list_sources)(const convt_direct_plan *p, const NAME(box) *box, const convt_strides *in, int32_t *from)
{
    const int64_t *stride = p->in_stride;
    for (int64_t plane = 0; plane < p->in_planes; plane++) {
        const int64_t *phase = p->in_phase + 3 * plane, *shift = p->in_shift + 3 * plane;
        int32_t *end = from + NAME(listed_positions)(p);
        for (int64_t n = 0; n < box->images; n++)
            for (int64_t z = 0; z < p->rows[0]; z++)
                for (int64_t y = 0; y < p->rows[1]; y++)
                    for (int64_t x = 0; x < p->rows[2]; x++) {
                        int64_t at[3] = {z, y, x}, source = n * in->outer, inside = 1;
                        for (int axis = 0; axis < 3; axis++) {
                            int64_t i = (box->at[axis] + shift[axis] + at[axis]) * stride[axis] + phase[axis];
                            inside &= i >= 0 && i < p->in_size[axis];
                            source += i * in->axis[axis];
                        }
                        *from++ = inside ? (int32_t)source : NAME(NOWHERE);
                    }
        while (from < end) *from++ = NAME(NOWHERE);
    }
}

/* to[i] = channel[from[i]], or zero, without a branch. */
static void NAME(copy_listed)(int64_t count, const int32_t *from, const REAL *channel, REAL *to)
{
    typedef BITS __attribute__((may_alias)) bits;
    const bits *source = (const bits *)channel;
    bits *target = (bits *)to;
    for (int64_t i = 0; i < count; i++) {
        bits inside = -(bits)(from[i] != NAME(NOWHERE));
        target[i] = source[from[i] & (int32_t)inside] & inside;
    }
}

static void NAME(pack_listed)(const convt_direct_plan *p, const int32_t *from, const REAL *channel, REAL *to)
{
    int64_t positions = NAME(listed_positions)(p);
    for (int64_t plane = 0; plane < p->in_planes; plane++, from += positions, to += p->plane_size)
        for (int64_t at = 0; at < positions; at += p->span)
            NAME(copy_listed)(p->span, from + at, channel, to + NAME(locate)(p, at));
}

/* Asks for the part of a channel that a strip will read. */
static void NAME(prefetch)(const convt_direct_plan *p, const NAME(box) *box, const REAL *channel, const convt_strides *in)
{
    int64_t first[3], last[3];
    for (int axis = 0; axis < 3; axis++) {
        first[axis] = box->at[axis] * p->in_stride[axis];
        last[axis] = first[axis] + box->size[axis] * p->in_stride[axis];
        if (last[axis] > p->in_size[axis]) last[axis] = p->in_size[axis];
    }
    for (int64_t n = 0; n < box->images; n++)
        for (int64_t z = first[0]; z < last[0]; z++)
            for (int64_t y = first[1]; y < last[1]; y++) {
                const REAL *row =
                    channel + (box->image + n) * in->outer + z * in->axis[0] + y * in->axis[1];
                for (int64_t x = first[2]; x < last[2]; x += 64 / (int64_t)sizeof(REAL)) __builtin_prefetch(row + x);
            }
}

/* Packs some channels of a strip. */
static void NAME(pack_strip)(
    const convt_direct_plan *p, const NAME(box) *box, int64_t first, int64_t last, const REAL *input,
    const convt_strides *in, REAL *strip)
{
    int32_t from[NAME(LISTED)];
    int listed = NAME(is_short)(p, in);
    if (listed) NAME(list_sources)(p, box, in, from);
    input += box->group * p->inputs * in->channel;
    for (int64_t c = first; c < last; c++) {
        const REAL *channel = input + c * in->channel;
        REAL *to = strip + c * p->channel_size;
        if (c + 1 < last && in->axis[2] == 1) NAME(prefetch)(p, box, channel + in->channel, in);
        if (listed)
            NAME(pack_listed)(p, from, channel + box->image * in->outer, to);
        else
            for (int64_t plane = 0; plane < p->in_planes; plane++)
                NAME(pack_plane)(p, box, plane, channel, in, to + plane * p->plane_size);
    }
}
