/* A limit on the number of threads for calls from the calling thread: what threadpoolctl sets, by these symbols' names. */

#ifndef CONVT_LIMIT_H
#define CONVT_LIMIT_H

#define CONVT_EXPORT __attribute__((visibility("default")))

/* 0: there is none. */
CONVT_EXPORT int convt_pool_get_num_threads(void);

/* Less than 1: none. */
CONVT_EXPORT void convt_pool_set_num_threads(int threads);

#endif
