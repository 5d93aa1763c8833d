/* Max pooling: the geometry, and the functions of one instruction set and element type. */
#ifndef CONVT_POOLING_H
#define CONVT_POOLING_H

#include <stdint.h>

/* Arrays are (outer, z, y, x, inner), contiguous; indices are flat in (z, y, x) of the fine array. */
typedef struct {
    int64_t outer, inner;
    int64_t fine[3], coarse[3], size[3], stride[3], before[3];
    int64_t plane, pixels; /* elements of fine and coarse */
    int64_t block;         /* coarse elements of a row, or elements of `inner`, that are done at once */
    int64_t segment;       /* fine elements whose winners are remembered at once */
} convt_windows;

typedef struct {
    /* The coarse rows first to last. */
    void (*pool)(
        const convt_windows *, int64_t first, int64_t last, const void *fine, void *coarse, int64_t *indices, void *scratch);
    /* The tasks first to last: each a block of one outer's inner elements. */
    void (*pool_backward)(
        const convt_windows *, int64_t first, int64_t last, const void *coarse, const int64_t *indices, void *fine, void *scratch);
    void (*unpool)(
        const convt_windows *, int64_t first, int64_t last, const void *coarse, const int64_t *indices, void *fine, void *scratch);
    void (*unpool_backward)(
        const convt_windows *, int64_t first, int64_t last, const void *fine, const int64_t *indices, void *coarse, void *scratch);
    int (*inside)(const convt_windows *, int64_t count, const int64_t *indices);
} convt_pooling;

/* By the index of the instruction set in kernels/isa.c and the size of an element. */
const convt_pooling *convt_pooling_of(int isa, int size);

#endif
