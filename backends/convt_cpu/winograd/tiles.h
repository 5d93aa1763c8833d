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

/* First the rows above and below the inside, then what is left and right of it. */
static NAME(tile) NAME(frame_tile)(const convt_winograd_plan *p, int64_t tile)
{
    int64_t image = tile / p->frame, at = tile % p->frame, width = p->places[1];
    int64_t height = p->high[0] - p->low[0], beside = width - (p->high[1] - p->low[1]), rows = p->places[0] - height;
    if (at < rows * width) {
        int64_t y = at / width, x = at % width;
        return (NAME(tile)){image, y < p->low[0] ? y : y + height, x, width - x, 1};
    }
    at -= rows * width;
    int64_t x = at % beside, y = p->low[0] + at / beside;
    if (x < p->low[1]) return (NAME(tile)){image, y, x, p->low[1] - x, 1};
    return (NAME(tile)){image, y, x + p->high[1] - p->low[1], beside - x, 1};
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
