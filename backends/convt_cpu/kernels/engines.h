/* The engines: their templates, and the names of their stages. A further engine adds its header and its line here.
 *
 * What several engines share comes first. */

#include "rows.h"
#include "place.h"
#include "weights.h"
#include "moves.h"
#include "transpose.h"
#include "dots.h"
#include "splits.h"
#include "map.h"

#include "direct_stages.h"
#include "depthwise_stages.h"
#include "correlate_stages.h"
#include "winograd_stages.h"
#include "winograd_correlate_stages.h"
#include "cells_stages.h"
#include "thin_stages.h"
#include "windows_stages.h"

#define CONVT_STAGES(X)                                                                                                   \
    X(direct_weights) X(direct_strips) X(direct_pack) X(direct_sums) X(direct_outputs)                                    \
    X(depthwise_boxes) X(depthwise_filters) X(depthwise_channels) X(depthwise_splits) X(depthwise_totals)                 \
    X(correlate_splits) X(correlate_totals) X(correlate_taps) X(correlate_pack) X(correlate_blocks)                      \
    X(winograd_weights) X(winograd_tiles) X(winograd_input) X(winograd_sums) X(winograd_outputs)                          \
    X(winograd_correlate_splits) X(winograd_correlate_totals) X(winograd_correlate_taps) X(winograd_correlate_pack)      \
    X(winograd_correlate_blocks)                                                                                          \
    X(cells_rows) X(cells_panels)                                                                                         \
    X(thin_rows) X(thin_lanes) X(thin_columns) X(thin_dots)                                                               \
    X(windows_boxes)
