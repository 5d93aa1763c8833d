/* Where the tiles of a block lie. A template as direct.h is. */

/* A tile's image and its first place; how many tiles there are from it to the end of its row, or of its piece of one; how far
 * apart these are in places. */
typedef struct {
    int64_t image, y, x, left, apart;
} NAME(tile);

static inline int NAME(of_frame)(const convt_winograd_plan *p, int64_t block) { return block >= p->inside_blocks; }

/* Places along an axis of a block's tiles. */
static inline int64_t NAME(results_of)(const convt_winograd_plan *p, int64_t block) { return NAME(of_frame)(p, block) ? 1 : 2; }

static NAME(tile) NAME(inside_tile)(const convt_winograd_plan *p, int64_t tile)
{
    const int64_t *tiles = p->tiles, *lattices = p->lattices;
    int64_t x = tile % tiles[1], row = tile / tiles[1] / lattices[1], of_x = tile / tiles[1] % lattices[1];
    int64_t y = row % tiles[0], of_y = row / tiles[0] % lattices[0];
    return (NAME(tile)){
        row / tiles[0] / lattices[0], p->low[0] + of_y + lattices[0] * 2 * y, p->low[1] + of_x + lattices[1] * 2 * x,
        tiles[1] - x, lattices[1] * 2};
}

/* A rectangle of the frame, and its tiles before some tile of the frame. */
typedef struct {
    const convt_winograd_band *y, *x;
    int64_t before;
} NAME(rectangle);

/* The rectangle in which a tile of the frame lies. */
static NAME(rectangle) NAME(rectangle_at)(const convt_winograd_plan *p, int64_t tile)
{
    for (const convt_winograd_band *y = p->band[0];; y++)
        for (const convt_winograd_band *x = p->band[1]; x < p->band[1] + p->bands[1]; x++) {
            int64_t tiles = p->batch * (y->high - y->low) * (x->high - x->low);
            if (y->low == p->low[0] && x->low == p->low[1]) continue;
            if (tile < tiles) return (NAME(rectangle)){y, x, tile};
            tile -= tiles;
        }
}

static NAME(tile) NAME(frame_tile)(const convt_winograd_plan *p, int64_t tile)
{
    NAME(rectangle) r = NAME(rectangle_at)(p, tile);
    int64_t width = r.x->high - r.x->low, height = r.y->high - r.y->low, x = r.before % width, row = r.before / width;
    return (NAME(tile)){row / height, r.y->low + row % height, r.x->low + x, width - x, 1};
}

static NAME(tile) NAME(tile_at)(const convt_winograd_plan *p, int64_t block, int64_t tile)
{
    if (NAME(of_frame)(p, block)) return NAME(frame_tile)(p, (block - p->inside_blocks) * p->block_tiles + tile);
    return NAME(inside_tile)(p, block * p->block_tiles + tile);
}

static int64_t NAME(tiles_of)(const convt_winograd_plan *p, int64_t block)
{
    int64_t of_image = p->lattices[0] * p->lattices[1] * p->tiles[0] * p->tiles[1];
    if (NAME(of_frame)(p, block))
        return convt_least(p->block_tiles, p->batch * p->frame - (block - p->inside_blocks) * p->block_tiles);
    return convt_least(p->block_tiles, p->batch * of_image - block * p->block_tiles);
}

/* Vectors of tiles of a block. */
static int64_t NAME(winograd_vectors)(const convt_winograd_plan *p, int64_t block)
{
    return (NAME(tiles_of)(p, block) + LANES - 1) / LANES;
}

/* What must be computed of some tiles of a frame: bits of the taps that meet anything, and of the phases of the output. */
typedef struct {
    int64_t taps, phases;
} NAME(needs);

static NAME(needs) NAME(needs_of)(const convt_winograd_plan *p, int64_t block, int64_t first, int64_t count)
{
    NAME(needs) needs = {0, 0};
    int64_t tile = (block - p->inside_blocks) * p->block_tiles + first, end = tile + count;
    for (NAME(rectangle) r; tile < end; tile += p->batch * (r.y->high - r.y->low) * (r.x->high - r.x->low) - r.before) {
        r = NAME(rectangle_at)(p, tile);
        for (int64_t y = 0; y < p->taps[0]; y++)
            if (r.y->elements >> y & 1) needs.taps |= r.x->elements << y * p->taps[1];
        for (int64_t y = 0; y < p->out_stride[0]; y++)
            if (r.y->phases >> y & 1) needs.phases |= r.x->phases << y * p->out_stride[1];
    }
    return needs;
}
