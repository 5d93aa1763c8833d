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
#include "correlate.h"

#include "rows.h"
#include "place.h"
#include "taps.h"
#include "finite.h"
#include "moves.h"
#include "transpose.h"
#include "transforms.h"
#include "dots.h"
#include "splits.h"
#include "map.h"

#include "engines.h"

static const convt_named_stage NAME(stages)[] = {
#define STAGE(engine, stage) {#engine, #engine "_" #stage, NAME(stage_##engine##_##stage)},
#include "engines.h"
#undef STAGE
    {NULL, NULL, NULL},
};

const TABLE NAME(table) = {
    .isa = ISA,
    .lanes = LANES,
    .max_rows = MAX_ROWS,
    .stages = NAME(stages),
#define ENTRY(rows, vectors)                                                                                              \
    .direct[rows][vectors] = NAME(direct_##rows##x##vectors), .correlate[rows][vectors] = NAME(correlate_##rows##x##vectors),
    DIRECT_LIST(ENTRY)
#undef ENTRY
};

#undef REAL
#undef BITS
#undef LANES
#undef NAME
#undef TABLE
