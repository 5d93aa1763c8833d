/* The tables of a block of columns. A part of the template rows.h. */

/* For fine columns begin to stop, at most a block, the first neighbour of each, counted from `origin`, and the part of the
 * second. */
static void NAME(find_places)(
    const convt_rows *p, int64_t begin, int64_t stop, int64_t origin, int64_t *restrict low, double *restrict part)
{
    const int64_t last = p->coarse[2] - 1;
    convt_place at = convt_place_of(p, 2, begin);
    if (p->divisor[2] < CONVT_EXACT) { /* all whole numbers here are exact, and so is the floor of a quotient */
        const double step = p->step[2], divisor = p->divisor[2], rest = at.rest, mixed = !p->plain;
        const int64_t first = at.low;
        for (int32_t j = 0; j < (int32_t)(stop - begin); j++) {
            const double moved = rest + (double)j * step;
            const int32_t whole = (int32_t)(moved / divisor);
            const int64_t place = first + whole;
            const double inside = (place >= 0 && place < last) ? mixed : 0;
            low[j] = (place < 0 ? 0 : place > last ? last : place) - origin;
            part[j] = inside * ((moved - (double)whole * divisor) / divisor);
        }
        return;
    }
    for (int64_t j = 0; j < stop - begin; j++, at = convt_next_place(p, 2, at)) {
        const convt_place a = convt_clipped(p, 2, at);
        low[j] = a.low - origin, part[j] = (double)a.rest / (double)p->divisor[2];
    }
}

/* For fine columns begin to stop the two coarse neighbours of each, counted from the first, and their weights. */
static void NAME(find_neighbours)(
    const convt_rows *p, int64_t begin, int64_t stop, int64_t *restrict low, int64_t *restrict high, REAL *restrict keep,
    REAL *restrict take, double *restrict part)
{
    NAME(find_places)(p, begin, stop, convt_clipped(p, 2, convt_place_of(p, 2, begin)).low, low, part);
    for (int64_t j = 0; j < stop - begin; j++) {
        /* Where there is no second neighbour, two halves of the first: no zero times infinity. */
        const int64_t two = part[j] > 0;
        const double second = part[j] + 0.5 * (double)(1 - two);
        high[j] = low[j] + two;
        keep[j] = 1 - second, take[j] = second;
    }
}

/* Tables of columns become such of elements. */
static void NAME(spread)(int64_t inner, int64_t columns, int64_t *low, int64_t *high, REAL *keep, REAL *take)
{
    for (int64_t j = columns - 1; j >= 0; j--)
        for (int64_t i = inner - 1; i >= 0; i--) {
            const int64_t to = j * inner + i;
            low[to] = low[j] * inner + i, high[to] = high[j] * inner + i;
            keep[to] = keep[j], take[to] = take[j];
        }
}

static void NAME(find_expansion)(const convt_rows *p, convt_columns *c, int64_t begin, int64_t stop, void *memory)
{
    const int64_t inner = p->inner, one_by_one = inner <= (LANES > 4 ? LANES : 4) / 2;
    const int64_t entries = (stop - begin) * (one_by_one ? inner : 1);
    int64_t *low = memory, *high = low + entries;
    double *part = (double *)(high + entries);
    REAL *keep = (REAL *)(part + (stop - begin)), *take = keep + entries;
    NAME(find_neighbours)(p, begin, stop, low, high, keep, take, part);
    if (one_by_one && inner > 1) NAME(spread)(inner, stop - begin, low, high, keep, take);
    c->how = one_by_one ? CONVT_INDEX : CONVT_BLOCKS, c->groups = entries;
    c->first = low, c->second = high, c->keep = keep, c->take = take;
}

/* For coarse columns first to last the fine ones among begin to stop that have a part of each. */
static void NAME(find_supports)(
    const convt_rows *p, convt_columns *c, int64_t first, int64_t last, int64_t begin, int64_t stop, void *memory)
{
    const int64_t columns = last - first, fine = stop - begin;
    int64_t *low = memory, *start = low + fine, *count = start + columns, reach = 1;
    double *part = (double *)(count + columns);
    REAL *weight = (REAL *)(part + fine);
    NAME(find_places)(p, begin, stop, first, low, part);
    for (int64_t x = 0, from = 0, to = 0; x < columns; x++) {
        while (from < fine && low[from] + (part[from] > 0) < x) from++;
        while (to < fine && low[to] <= x) to++;
        start[x] = from, count[x] = to - from;
        if (reach < count[x]) reach = count[x];
    }
    for (int64_t x = 0; x < columns; x++, weight += reach)
        for (int64_t t = 0, j = start[x]; t < reach; t++, j++) {
            const double second = t < count[x] ? part[j] : 1;
            weight[t] = t < count[x] && low[j] < x ? second : 1 - second;
        }
    c->start = start, c->count = count, c->weight = part + fine, c->reach = reach;
}

static int NAME(find)(const convt_rows *p, int64_t block, int64_t piece, convt_columns *c, void *memory)
{
    const int64_t scale = p->scale[2], collects = p->function == CONVT_COLLECT;
    int64_t first = block * p->block, last = NAME(least)(first + p->block, p->coarse[2]), begin, stop, end;
    *c = (convt_columns){.block = block, .how = CONVT_COPY, .reach = 1, .add = piece > 0};
    if (collects) {
        begin = convt_support(p, 2, first) + piece * p->most, end = stop = convt_support_end(p, 2, last - 1);
        if (scale > p->most) stop = NAME(least)(begin + p->most, end);
        if (scale > 1) NAME(find_supports)(p, c, first, last, begin, stop, memory);
    } else if (p->function == CONVT_PICK) {
        begin = first * scale, end = stop = last * scale;
    } else {
        begin = first, end = stop = NAME(least)(begin + p->block, p->fine[2]);
        first = convt_clipped(p, 2, convt_place_of(p, 2, begin)).low;
        const convt_place at = convt_clipped(p, 2, convt_place_of(p, 2, stop - 1));
        last = at.low + (at.rest > 0) + 1;
        if (p->function != CONVT_NAILS && scale > 1) {
            if (p->plain && p->inner == 1 && scale > p->most)
                c->how = CONVT_FILL;
            else
                NAME(find_expansion)(p, c, begin, stop, memory);
        }
    }
    c->coarse_first = first * p->inner, c->coarse_count = (last - first) * p->inner;
    c->fine_first = begin * p->inner, c->fine_count = (stop - begin) * p->inner;
    return stop < end;
}

static const void *NAME(kept)(const void *table, int64_t bytes, char **memory)
{
    void *to = *memory;
    *memory += bytes;
    return memcpy(to, table, bytes);
}

/* From which element on vector g of a block is permuted; -1 if its elements are not all in one vector. */
static int64_t NAME(base)(const convt_columns *c, int64_t at)
{
    const int64_t *low = (const int64_t *)c->first + at, *high = (const int64_t *)c->second + at;
    const int64_t most = c->coarse_count > LANES ? c->coarse_count - LANES : 0, count = NAME(least)(LANES, c->groups - at);
    int64_t base = low[0], top = high[0];
    for (int64_t i = 1; i < count; i++) {
        if (low[i] < base) base = low[i];
        if (high[i] > top) top = high[i];
    }
    base = NAME(least)(base, most);
    return top - base < LANES ? base : -1;
}

/* Vectors of the fine elements; the last one overlaps the one before it, or repeats the last element. */
static void NAME(permute)(const convt_rows *p, convt_columns *c, int64_t groups, void *memory)
{
    const int64_t *low = c->first, *high = c->second, entries = c->groups;
    const REAL *keep = c->keep, *take = c->take;
    int64_t *at = memory, *base = at + groups;
    BITS *first = (BITS *)(base + groups), *second = first + groups * LANES;
    REAL *kept = (REAL *)(second + groups * LANES), *taken = kept + groups * LANES;
    for (int64_t g = 0; g < groups; g++) {
        at[g] = NAME(least)(g * LANES, entries > LANES ? entries - LANES : 0);
        base[g] = NAME(base)(c, at[g]);
        for (int64_t lane = 0; lane < LANES; lane++) {
            const int64_t from = NAME(least)(at[g] + lane, entries - 1), to = g * LANES + lane;
            first[to] = (BITS)(low[from] - base[g]);
            if (p->plain) continue;
            second[to] = (BITS)(high[from] - base[g]);
            kept[to] = keep[from], taken[to] = take[from];
        }
    }
    *c = (convt_columns){
        c->block, c->coarse_first, c->coarse_count, c->fine_first, c->fine_count, CONVT_PERMUTE, groups, at, base, first,
        second, kept, taken, 0, 1, 0, 0, 0,
    };
}

static int64_t NAME(pack)(const convt_rows *p, convt_columns *c, void *memory)
{
    char *to = memory;
    if (c->weight) {
        const int64_t columns = c->coarse_count / p->inner * sizeof(int64_t), weights = columns / sizeof(int64_t) * c->reach;
        if (memory) {
            c->start = NAME(kept)(c->start, columns, &to);
            c->count = NAME(kept)(c->count, columns, &to);
            c->weight = NAME(kept)(c->weight, weights * sizeof(REAL), &to);
        }
        return 2 * columns + weights * (int64_t)sizeof(REAL);
    }
    if (c->how != CONVT_INDEX && c->how != CONVT_BLOCKS) return 0;
    int permutes = PERMUTES && c->how == CONVT_INDEX;
    const int64_t groups = (c->groups + LANES - 1) / LANES, tables = p->plain ? 1 : 2;
    for (int64_t g = 0; permutes && g < groups; g++)
        permutes = NAME(base)(c, NAME(least)(g * LANES, c->groups > LANES ? c->groups - LANES : 0)) >= 0;
    if (permutes) {
        if (memory) NAME(permute)(p, c, groups, memory);
        return groups * (2 * (int64_t)sizeof(int64_t) + (p->plain ? 1 : 4) * LANES * (int64_t)sizeof(REAL));
    }
    const int64_t places = c->groups * sizeof(int64_t), weights = (tables - 1) * c->groups * sizeof(REAL);
    if (memory) {
        c->first = NAME(kept)(c->first, places, &to);
        c->second = tables > 1 ? NAME(kept)(c->second, places, &to) : c->first;
        c->keep = NAME(kept)(c->keep, weights, &to);
        c->take = NAME(kept)(c->take, weights, &to);
    }
    return tables * places + 2 * weights;
}
