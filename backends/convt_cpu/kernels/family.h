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
#include "place.h"
#include "weights.h"
#include "moves.h"
#include "pack.h"
#include "columns.h"
#include "strip.h"
#include "depthwise_pack.h"
#include "depthwise_sums.h"
#include "depthwise_rows.h"
#include "depthwise.h"
#include "depthwise_channels.h"
#include "depthwise_correlate.h"
#include "transpose.h"
#include "correlate.h"
#include "correlate_pack.h"
#include "correlate_strip.h"
#include "correlate_write.h"
#include "winograd_transforms.h"
#include "winograd_weights.h"
#include "winograd.h"
#include "winograd_correlate.h"
#include "cells.h"
#include "thin.h"
#include "dots.h"
#include "thin_gather.h"
#include "windows.h"

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
    .depthwise = NAME(depthwise),
    .depthwise_channels = NAME(depthwise_channels),
    .depthwise_correlate = NAME(depthwise_correlate),
#define ENTRY(rows, vectors) .correlate[rows][vectors] = NAME(correlate_##rows##x##vectors),
    DIRECT_LIST(ENTRY)
#undef ENTRY
    .correlate_pack_coarse = NAME(correlate_pack_coarse),
    .correlate_pack_fine = NAME(correlate_pack_fine),
    .correlate_sum = NAME(correlate_sum),
    .correlate_write = NAME(correlate_write),
    .winograd_weights = NAME(winograd_weights),
    .winograd_input = NAME(winograd_input),
    .winograd_tiles = NAME(winograd_tiles),
    .winograd_outputs = NAME(winograd_outputs),
    .winograd_correlate_pack = NAME(winograd_correlate_pack),
    .winograd_correlate_sum = NAME(winograd_correlate_sum),
    .winograd_correlate_write = NAME(winograd_correlate_write),
    .cells_rows = NAME(cells_rows),
    .cells = NAME(cells),
    .thin_rows = NAME(thin_rows),
    .thin_scatter = NAME(thin_scatter),
    .thin_correlate = NAME(thin_correlate),
    .thin_column = NAME(thin_column),
    .thin_gather = NAME(thin_gather),
    .windows = NAME(windows),
};

#undef REAL
#undef BITS
#undef LANES
#undef NAME
#undef TABLE
