/* All kernels of one element type for one instruction set, and their table.
 *
 * Included once per element type by each isa_*.c, which defines
 *     REAL, LANES      the element type, and how many of them a vector has
 *     BITS             an integer of the element's size
 *     NAME(x)          convt_f32_<x>__<isa> or convt_f64_<x>__<isa>
 *     TABLE            the type of the table
 *     ISA, MAX_ROWS, MAX_SUMS, DIRECT_LIST      see kernels.h and list.h */

extern const TABLE NAME(table);

#include "direct.h"
#include "rows.h"
#include "weights.h"
#include "pack.h"
#include "columns.h"
#include "strip.h"
#include "place.h"
#include "cells.h"
#include "thin.h"
#include "thin_gather.h"

const TABLE NAME(table) = {
    .isa = ISA,
    .lanes = LANES,
    .max_rows = MAX_ROWS,
#define ENTRY(rows, vectors) .direct[rows][vectors] = NAME(direct_##rows##x##vectors),
    DIRECT_LIST(ENTRY)
#undef ENTRY
    .pack_pass = NAME(pack_pass),
    .strip = NAME(strip),
    .pack = NAME(pack),
    .outputs = NAME(outputs),
    .cells_rows = NAME(cells_rows),
    .cells = NAME(cells),
    .thin_rows = NAME(thin_rows),
    .thin_scatter = NAME(thin_scatter),
    .thin_correlate = NAME(thin_correlate),
    .thin_column = NAME(thin_column),
    .thin_gather = NAME(thin_gather),
};

#undef REAL
#undef BITS
#undef LANES
#undef NAME
#undef TABLE
