#include "limit.h"

static _Thread_local int limit;

int convt_pool_get_num_threads(void) { return limit; }

void convt_pool_set_num_threads(int threads) { limit = threads > 0 ? threads : 0; }
