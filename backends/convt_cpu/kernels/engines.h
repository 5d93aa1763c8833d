/* The engines, a line each, in the order in which they are told and, where two cost the same, taken. Each is a folder.
 *
 * Read twice: the templates of all stages, and then, with STAGE(engine, stage) defined, that for each of them. */

#include "direct/stages.h"
#include "winograd/stages.h"
#include "depthwise/stages.h"
#include "cells/stages.h"
#include "thin/stages.h"
#include "windows/stages.h"
#include "correlate/stages.h"
#include "winograd_correlate/stages.h"
