/* From V and G to M: sums over tiles of outer products. A template as direct.h is. */

/* Of which axes each tile of a strip is of the edge, a bit for each axis. */
static void NAME(winograd_edges)(const convt_winograd_correlate_plan *p, int64_t first_unit, int64_t units, uint8_t *edges)
{
    for (int64_t u = 0; u < units; u++) {
        int64_t unit = first_unit + u, x = unit % p->units[2] * p->unit[1], y = unit / p->units[2] % p->units[1] * p->unit[0];
        int64_t z = unit / p->units[2] / p->units[1] % p->units[0], of_z = NAME(extent_of)(p, 0, z).edge;
        for (int64_t j = 0; j < p->unit[0]; j++) {
            int64_t of_y = of_z | NAME(extent_of)(p, 1, y + j).edge << 1;
            for (int64_t i = 0; i < p->unit[1]; i++) *edges++ = (uint8_t)(of_y | NAME(extent_of)(p, 2, x + i).edge << 2);
        }
    }
}

/* Which of some tiles have a product of frequency f: where they lie in V and G, with CONVT_PREFETCH entries more. Frequencies 1
 * and 2 of an axis are those of inner tiles alone, 4 the edge's. Returns how many they are. */
static int64_t NAME(list_tiles)(
    const convt_winograd_correlate_plan *p, int64_t f, int64_t count, const uint8_t *edges, int64_t *in_v, int64_t *in_g)
{
    int64_t line[3] = {f / p->lines[2] / p->lines[1], f / p->lines[2] % p->lines[1], f % p->lines[2]}, found = 0, i;
    int edge = 0, care = 0;
    for (int axis = 0; axis < 3; axis++) {
        if (line[axis] == 4) edge |= 1 << axis;
        if (line[axis] % 3 != 0) care |= 1 << axis;
    }
    for (i = 0; i < count; i++)
        if ((edges[i] & care) == edge) in_v[found] = i * p->fine.width, in_g[found++] = i * p->coarse.width;
    for (i = found; i < found + CONVT_PREFETCH; i++) in_v[i] = found ? in_v[found - 1] : 0, in_g[i] = found ? in_g[found - 1] : 0;
    return found;
}

/* Adds the products of a strip's tiles to M of one block of each side, or sets M to them: the coarse channels `row`, the first of
 * a panel, to `end` of their block. */
static void NAME(winograd_correlate_sum)(
    const convt_winograd_correlate_plan *p, int64_t fine_block, int64_t row, int64_t end_row, int64_t first_unit,
    int64_t units, const REAL *v, const REAL *g, int add, REAL *m)
{
    const convt_winograd_side *fine = &p->fine, *coarse = &p->coarse;
    int64_t lanes = NAME(block_channels)(fine, fine_block), tiles = units * p->unit_tiles, more;
    int64_t least = (end_row - row) % p->rows ? (end_row - row) % p->rows : p->rows;
    int64_t chunks = (tiles + p->chunk - 1) / p->chunk, size = (tiles + chunks - 1) / chunks;
    int64_t in_v[CONVT_CHUNK + CONVT_PREFETCH], in_g[CONVT_CHUNK + CONVT_PREFETCH];
    uint8_t edges[CONVT_STRIP_TILES];
    NAME(winograd_edges)(p, first_unit, units, edges);
    for (int64_t f = 0; f < p->frequencies; f++, g += tiles * coarse->pitch)
        for (int64_t first = 0, set = add; first < tiles; first += size, set = 1) {
            int64_t count = NAME(list_tiles)(p, f, convt_least(size, tiles - first), edges + first, in_v, in_g);
            if (count == 0 && set) continue;
            for (int64_t phase = 0; phase < p->phases; phase++) {
                int64_t matrix = f * p->phases + phase;
                const REAL *of_v = v + matrix * tiles * fine->pitch, *of_g = g + first * coarse->width;
                for (int64_t at = 0; at < lanes; at += more * LANES) {
                    int64_t in_panel = at % fine->panel, end = fine->panel - in_panel;
                    more = ((end < lanes - at ? end : lanes - at) + LANES - 1) / LANES;
                    while (!NAME(table).correlate[p->rows][more] || !NAME(table).correlate[least][more]) more--;
                    for (int64_t c = row; c < end_row; c += p->rows)
                        NAME(table).correlate[p->rows < end_row - c ? p->rows : end_row - c][more](
                            count, in_g, of_g + c / p->rows * tiles * coarse->width, in_v,
                            of_v + (at / fine->panel * tiles + first) * fine->width + in_panel,
                            m + (matrix * coarse->block + c) * fine->pitch + at, fine->pitch, (int)set);
                }
            }
        }
}
