/* cells: scatter as a matrix product whose lanes run along the filter. A template as direct.h is; plan.h says what
 * a cell is.
 *
 *     sums[position][lane] = sum over inputs c and cells t of  rows[c][t][position] * panel[c][t][lane]
 *
 *     rows     [tile][input][t][unit]        x[c][position - t], broadcast
 *     panel    [panel][input][t][width]      w[c][output][t * stride + place], in the order output, place: the filter as it
 *                                            lies in memory where its last axis is dense
 *     sums     [panel][tile][unit][width]    written to the output in pieces of a cell's rows, each element once
 *
 * The direct kernels compute it: lanes in the role of their positions, positions in that of their outputs. */

typedef struct {
    int64_t count, from; /* elements, the first of them */
    int zero;            /* there is nothing to read: zeros */
} NAME(run);

typedef REAL NAME(half) __attribute__((vector_size(LANES / 2 * sizeof(REAL)), aligned(sizeof(REAL)), may_alias));

/* y[i] = x[i] + bias, in vectors or half vectors of which the last two may overlap. */
static inline __attribute__((always_inline)) void NAME(put)(int64_t count, const REAL *x, REAL bias, REAL *y)
{
    if (count >= LANES) {
        for (int64_t i = 0; i < count - LANES; i += LANES)
            *(NAME(vector) *)(y + i) = *(const NAME(vector) *)(x + i) + bias;
        *(NAME(vector) *)(y + count - LANES) = *(const NAME(vector) *)(x + count - LANES) + bias;
    } else if (count >= LANES / 2) {
        NAME(half) last = *(const NAME(half) *)(x + count - LANES / 2) + bias;
        *(NAME(half) *)y = *(const NAME(half) *)x + bias;
        *(NAME(half) *)(y + count - LANES / 2) = last;
    } else
        for (int64_t i = 0; i < count; i++) y[i] = x[i] + bias;
}

/* The elements that `count` indices from `place` on stand for: each is moved by `shift` along the three axes, and is zero
 * outside of `limit`. Returns how many runs there are. */
static int NAME(find_runs)(
    NAME(place) place, int64_t count, const int64_t size[3], const int64_t shift[3], const int64_t limit[3],
    const convt_strides *strides, int64_t outer, NAME(run) *runs)
{
    int found = 0;
    int64_t step = strides->axis[2];
    while (count > 0) {
        int64_t a = place.at[0] + shift[0], b = place.at[1] + shift[1], c = place.at[2] + shift[2];
        int64_t length = size[2] - place.at[2] < count ? size[2] - place.at[2] : count;
        int inside = a >= 0 && a < limit[0] && b >= 0 && b < limit[1] && c < limit[2];
        int64_t before = !inside ? length : c < 0 ? -c : 0;
        before = before < length ? before : length;
        if (before == 0 && c + length > limit[2]) length = limit[2] - c;
        NAME(run) run = {before ? before : length, 0, before > 0}, *last = runs + found - 1;
        if (!run.zero) run.from = place.outer * outer + a * strides->axis[0] + b * strides->axis[1] + c * step;
        if (found && last->zero == run.zero && (run.zero || last->from + last->count * step == run.from))
            last->count += run.count;
        else
            runs[found++] = run;
        count -= run.count;
        NAME(move_on)(&place, run.count, size);
    }
    return found;
}

/* Copies the runs of each channel, `pitch` elements apart, and zeros behind them up to `width`. */
static void NAME(copy_runs)(
    int found, const NAME(run) *runs, int64_t step, int64_t channels, int64_t channel, const REAL *from, int64_t pitch,
    int64_t width, REAL *to)
{
    for (int64_t c = 0; c < channels; c++, from += channel, to += pitch) {
        int64_t at = 0;
        for (int r = 0; r < found; r++) {
            const REAL *run = from + runs[r].from;
            int64_t count = runs[r].count;
            if (runs[r].zero)
                for (int64_t i = 0; i < count; i++) to[at + i] = 0;
            else if (step == 1) {
                for (int64_t i = 0; i < count; i += 64 / sizeof(REAL)) __builtin_prefetch(run + 8 * channel + i);
                NAME(put)(count, run, -(REAL)0, to + at);
            } else
                for (int64_t i = 0; i < count; i++) to[at + i] = run[i * step];
            at += count;
        }
        for (; at < width; at++) to[at] = 0;
    }
}

/* Packs one tile of positions, all inputs of a group. Returns 1 if all are finite, or none would meet the zeros of lanes
 * that have no tap, else 0. */
static int NAME(cells_rows)(
    const convt_cells_plan *p, int64_t group, int64_t tile, const REAL *input, const convt_strides *in, REAL *rows)
{
    NAME(run) runs[CONVT_MAX_ROWS];
    int64_t first = tile * p->unit, count = p->positions - first < p->unit ? p->positions - first : p->unit;
    int64_t taps = p->taps[0] * p->taps[1] * p->taps[2];
    NAME(place) place = NAME(find_place)(first, p->cells);
    for (int64_t t = 0; t < taps; t++) {
        int64_t shift[3] = {
            p->first[0] - t / p->taps[2] / p->taps[1], p->first[1] - t / p->taps[2] % p->taps[1],
            p->first[2] - t % p->taps[2]};
        int found = NAME(find_runs)(place, count, p->cells, shift, p->g.coarse, in, in->outer, runs);
        NAME(copy_runs)(
            found, runs, in->axis[2], p->inputs, in->channel, input + group * p->inputs * in->channel, taps * p->unit,
            p->unit, rows + t * p->unit);
    }
    return p->full || NAME(all_finite)(p->inputs * taps * p->unit, rows);
}

/* Packs `width` lanes of a block of inputs; `kernel` points to its first filter, `in` and `out` are its strides. Returns 1
 * if all are finite, or made so, else 0: they would meet the zeros around the input. */
static int NAME(cells_panel)(
    const convt_cells_plan *p, int64_t replaces, int64_t first, int64_t channels, const REAL *kernel, int64_t in,
    int64_t out,
    const convt_strides *strides, REAL *panel)
{
    NAME(run) runs[CONVT_MAX_VECTORS * LANES];
    int64_t count = p->lanes - first < p->width ? p->lanes - first : p->width;
    int64_t taps = p->taps[0] * p->taps[1] * p->taps[2], some;
    NAME(place) place = NAME(find_place)(first, p->g.stride);
    for (int64_t c = 0; c < channels; c += some) {
        some = channels - c < CONVT_CELLS_CHANNELS ? channels - c : CONVT_CELLS_CHANNELS;
        for (int64_t t = 0; t < taps; t++) {
            int64_t shift[3] = {
                t / p->taps[2] / p->taps[1] * p->g.stride[0], t / p->taps[2] % p->taps[1] * p->g.stride[1],
                t % p->taps[2] * p->g.stride[2]};
            int found = NAME(find_runs)(place, count, p->g.stride, shift, p->g.kernel, strides, out, runs);
            NAME(copy_runs)(
                found, runs, strides->axis[2], some, in, kernel + c * in, taps * p->width, p->width,
                panel + (c * taps + t) * p->width);
        }
    }
    return NAME(settle)(replaces, channels * taps * p->width, panel);
}

/* A position's cell in the output: where its first element lies or would lie, and whether all of it is there. */
typedef struct {
    int64_t at[3], offset;
    int whole;
} NAME(cell);

static inline NAME(cell) NAME(cell_of)(const convt_cells_plan *p, const NAME(place) *position, const convt_strides *out)
{
    NAME(cell) cell = {.whole = 1, .offset = position->outer * out->outer};
    for (int axis = 0; axis < 3; axis++) {
        cell.at[axis] = (p->first[axis] + position->at[axis]) * p->g.stride[axis] - p->g.padding[axis];
        cell.offset += cell.at[axis] * out->axis[axis];
        cell.whole &= cell.at[axis] >= 0 && cell.at[axis] + p->g.stride[axis] <= p->g.fine[axis];
    }
    return cell;
}

/* Writes `count` sums of each position of a tile: a part of a row of their cells, `channel` is the output channel's first
 * element. Or, before they are known, fetches the cache lines that they will go to. */
static inline __attribute__((always_inline)) void NAME(write_cell_row)(
    const int fetch, const convt_cells_plan *p, const NAME(place) *lane, int64_t count, int64_t positions,
    const NAME(cell) *cells, const REAL *sums, REAL bias, REAL *channel, const convt_strides *out)
{
    int64_t z = lane->at[0], y = lane->at[1], x = lane->at[2], step = out->axis[2];
    channel += z * out->axis[0] + y * out->axis[1] + x * step;
    for (int64_t m = 0; m < positions; m++, sums += p->width) {
        const NAME(cell) *cell = cells + m;
        REAL *to = channel + cell->offset;
        int64_t low = 0, high = count;
        if (!cell->whole) {
            if (cell->at[0] + z < 0 || cell->at[0] + z >= p->g.fine[0]) continue;
            if (cell->at[1] + y < 0 || cell->at[1] + y >= p->g.fine[1]) continue;
            low = -cell->at[2] - x > 0 ? -cell->at[2] - x : 0;
            high = p->g.fine[2] - cell->at[2] - x < count ? p->g.fine[2] - cell->at[2] - x : count;
        }
        if (fetch)
            for (int64_t i = low; i < high; i += 64 / sizeof(REAL)) __builtin_prefetch(to + i * step, 1);
        else if (step == 1)
            NAME(put)(high - low, sums + low, bias, to + low);
        else
            for (int64_t i = low; i < high; i++) to[i * step] = sums[i] + bias;
    }
}

/* The rows of a tile's cells that lie in a panel, the first of whose lanes is `lane`; see write_cell_row. */
static inline __attribute__((always_inline)) void NAME(write_cell_rows)(
    const int fetch, const convt_cells_plan *p, int64_t group, NAME(place) lane, int64_t positions,
    const NAME(cell) *cells, const REAL *sums, const REAL *bias, REAL *output, const convt_strides *out)
{
    int64_t count;
    for (int64_t at = 0; at < p->width && lane.outer < p->outputs; at += count) {
        int64_t channel = group * p->outputs + lane.outer;
        count = p->g.stride[2] - lane.at[2] < p->width - at ? p->g.stride[2] - lane.at[2] : p->width - at;
        NAME(write_cell_row)(
            fetch, p, &lane, count, positions, cells, sums + at, bias ? bias[channel] : 0, output + channel * out->channel,
            out);
        NAME(move_on)(&lane, count, p->g.stride);
    }
}

/* A task: the lanes of `panels` panels from lane `first` on, at the `tiles` tiles from `tile` on, whose packed rows are given. The scratch memory
 * holds the panels of a block and the sums. Returns 1 if all weights are finite, or made so, else 0. */
static int NAME(cells)(
    const convt_cells_plan *p, int64_t replaces, int64_t group, int64_t first, int64_t panels, int64_t tile, int64_t tiles,
    const REAL *rows,
    const REAL *kernel, int64_t in, int64_t out_channel, const convt_strides *strides, const REAL *bias, REAL *output,
    const convt_strides *out, REAL *scratch)
{
    int64_t taps = p->taps[0] * p->taps[1] * p->taps[2];
    int64_t panel_size = p->block * taps * p->width, tile_size = p->unit * p->width;
    int64_t kept = p->block < p->inputs ? p->tiles : 0; /* sums of a single block are written at once */
    REAL *sums = scratch + p->panels * panel_size;
    NAME(place) lanes[CONVT_MAX_PANELS];
    for (int64_t i = 0; i < panels; i++) lanes[i] = NAME(find_place)(first + i * p->width, p->g.stride);
    for (int64_t c = 0; c < p->inputs; c += p->block) {
        int64_t channels = p->block < p->inputs - c ? p->block : p->inputs - c;
        int last = c + channels == p->inputs;
        for (int64_t i = 0; i < panels; i++)
            if (!NAME(cells_panel)(
                    p, replaces, first + i * p->width, channels, kernel + c * in, in, out_channel, strides,
                    scratch + i * panel_size))
                return 0;
        NAME(place) position = NAME(find_place)(tile * p->unit, p->cells);
        for (int64_t j = 0; j < tiles; j++) {
            NAME(cell) cells[CONVT_MAX_ROWS];
            int64_t positions = p->positions - (tile + j) * p->unit;
            if (positions > p->unit) positions = p->unit;
            for (int64_t m = 0; m < positions; m++, NAME(move_on)(&position, 1, p->cells))
                cells[m] = NAME(cell_of)(p, &position, out);
            for (int64_t i = 0; i < panels; i++) {
                NAME(place) lane = lanes[i];
                REAL *tile_sums = sums + (i * kept + (kept ? j : 0)) * tile_size;
                if (last) NAME(write_cell_rows)(1, p, group, lane, positions, cells, tile_sums, bias, output, out);
                NAME(table).direct[p->unit][p->width / LANES](
                    channels * taps, 1, NAME(here), p->width, CONVT_PREFETCH * p->width, scratch + i * panel_size,
                    rows + (j * p->inputs + c) * taps * p->unit, tile_sums, p->width, c > 0);
                if (last) NAME(write_cell_rows)(0, p, group, lane, positions, cells, tile_sums, bias, output, out);
            }
        }
    }
    return 1;
}
