/* pack: copies a strip of the input, cut into planes, in the order in which the direct kernels read it. A template as
 * direct.h is.
 *
 *     strip   [input channel][input plane][image][z][y][x, halo included]      rows of a channel in one piece
 *
 * plan.h says what planes and strips are. Each row is some moves; what its last one writes behind the row is
 * overwritten by the next row. */

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

enum { NAME(MOVES) = 1024, NAME(MOVED) = 128 }; /* moves that are written down in one go, of each plane at most */

/* Moves of a plane: `count` from the `first` on. Each row of the plane has `of_row`. */
static void NAME(list_moves)(
    const convt_direct_plan *p, const NAME(box) *box, int64_t plane, int64_t first, int64_t count, const convt_strides *in,
    NAME(move) *moves)
{
    const int64_t *stride = p->in_stride, *phase = p->in_phase + 3 * plane, *shift = p->in_shift + 3 * plane;
    const int64_t vectors[3] = {p->rows[0], p->rows[1], (p->rows[2] + LANES - 1) / LANES};
    int64_t start = box->at[2] + shift[2], low = start < 0 ? -start : 0; /* the part of a row that exists: low to high */
    int64_t high = p->in_size[2] > phase[2] ? (p->in_size[2] - phase[2] + stride[2] - 1) / stride[2] - start : 0;
    if (high > p->rows[2]) high = p->rows[2];
    NAME(place) at = NAME(find_place)(first, vectors);
    int64_t to = -at.at[2] * LANES;
    for (int64_t i = 0; i < count; i++) {
        int64_t z = (box->at[0] + shift[0] + at.at[0]) * stride[0] + phase[0];
        int64_t y = (box->at[1] + shift[1] + at.at[1]) * stride[1] + phase[1], x = at.at[2] * LANES;
        int64_t from = low - x, end = high - x;
        from = from < 0 ? 0 : from;
        end = end > LANES ? LANES : end;
        moves[i] = (NAME(move)){0, (int32_t)(to + x), 0, 0};
        if (from < end && z >= 0 && z < p->in_size[0] && y >= 0 && y < p->in_size[1]) {
            int64_t row = at.outer * in->outer + z * in->axis[0] + y * in->axis[1];
            int64_t source = row + ((start + x) * stride[2] + phase[2]) * in->axis[2];
            moves[i] = (NAME(move)){source, (int32_t)(to + x), (int16_t)from, (int16_t)end};
        }
        NAME(move_on)(&at, 1, vectors);
        if (at.at[2] == 0) to += p->rows[2];
    }
}

/* Writes positions of a plane, and zeros behind them, from the first one's piece on, which has some room left. */
static void NAME(fill_plane)(
    const convt_direct_plan *p, int64_t first, int64_t count, const REAL *row, REAL *plane)
{
    REAL *to = plane + NAME(locate)(p, first);
    for (int64_t room = p->span - first % p->span, some; count > 0; count -= some) {
        some = room < count ? room : count;
        if (row) {
            NAME(copy_row)(some, row, to);
            row += some;
        } else
            memset(to, 0, some * sizeof(REAL));
        NAME(advance)(p, some, &to, &room);
    }
}

/* Moves to the positions of a plane from `first` to `end`. A plane in one piece takes all vectors but the last ones, which
 * would reach beyond the end: like those of a plane in several pieces they go to a row beside it first. */
static void NAME(move_plane)(
    const convt_direct_plan *p, const NAME(source) *source, int64_t count, const NAME(move) *moves, int64_t channel,
    int64_t first, int64_t end, REAL *plane)
{
    REAL row[(NAME(MOVED) + 1) * LANES];
    int64_t whole = p->span_size ? 0 : count, behind;
    while (whole > 0 && first + moves[whole - 1].to + LANES > end) whole--;
    NAME(move_all)(source, whole, moves, channel, plane + first);
    if (whole == count) return;
    behind = moves[whole].to;
    NAME(move_all)(source, count - whole, moves + whole, channel, row - behind);
    NAME(fill_plane)(p, first + behind, end - first - behind, row, plane);
}

/* Packs rows `row` to `end_row` of some channels of a strip, those along z and of several images in one count. */
static void NAME(pack_rows_of_strip)(
    const convt_direct_plan *p, const NAME(box) *box, int64_t first, int64_t last, int64_t row, int64_t end_row,
    const REAL *input, const convt_strides *in, REAL *strip)
{
    NAME(move) moves[NAME(MOVES)];
    int64_t of_row = (p->rows[2] + LANES - 1) / LANES, begin = row * of_row, all = (end_row - row) * of_row;
    int64_t at_once = all < NAME(MOVED) ? all : NAME(MOVED), planes = NAME(MOVES) / at_once;
    int64_t size[5] = {p->batch, p->groups * p->inputs, p->in_size[0], p->in_size[1], p->in_size[2]};
    int64_t stride[5] = {in->outer, in->channel, in->axis[0], in->axis[1], in->axis[2]};
    NAME(source) source = NAME(source_of)(input, 5, size, stride);
    source.step *= p->in_stride[2];
    for (int64_t at = 0; at < all; at += at_once) {
        int64_t count = at_once < all - at ? at_once : all - at;
        int64_t position = at / of_row * p->rows[2] + at % of_row * LANES;
        int64_t end = (at + count) / of_row * p->rows[2] + (at + count) % of_row * LANES;
        for (int64_t plane = 0; plane < p->in_planes; plane += planes) {
            int64_t some = planes < p->in_planes - plane ? planes : p->in_planes - plane;
            for (int64_t i = 0; i < some; i++) NAME(list_moves)(p, box, plane + i, begin + at, count, in, moves + i * count);
            NAME(note_reach)(&source, some * count, moves);
            for (int64_t c = first; c < last; c++) {
                int64_t from = box->image * in->outer + (box->group * p->inputs + c) * in->channel;
                for (int64_t i = 0; i < some; i++)
                    NAME(move_plane)(
                        p, &source, count, moves + i * count, from, position, end,
                        strip + c * p->channel_size + (plane + i) * p->plane_size);
            }
        }
    }
    int64_t packed = (end_row - row) * p->rows[2];
    int64_t rest = (p->span_size ? p->positions : p->plane_size) - packed;
    for (int64_t c = first; c < last && rest > 0; c++)
        for (int64_t plane = 0; plane < p->in_planes; plane++)
            NAME(fill_plane)(p, packed, rest, NULL, strip + c * p->channel_size + plane * p->plane_size);
}

/* Packs some channels of a strip. */
static void NAME(pack_strip)(
    const convt_direct_plan *p, const NAME(box) *box, int64_t first, int64_t last, const REAL *input,
    const convt_strides *in, REAL *strip)
{
    NAME(pack_rows_of_strip)(p, box, first, last, 0, box->images * p->rows[0] * p->rows[1], input, in, strip);
}
