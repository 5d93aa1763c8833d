/* Max pooling: the geometry, and the functions of one instruction set and element type. */
#ifndef CONVT_POOLING_H
#define CONVT_POOLING_H

#include <stdint.h>

#define CONVT_GATHERED 256

/* Arrays are (outer, z, y, x, inner), contiguous; indices are flat in (z, y, x) of the fine array. */
typedef struct {
    int64_t outer, inner;
    int64_t fine[3], coarse[3], size[3], stride[3], before[3];
    int64_t plane, pixels; /* elements of fine and coarse */
    int64_t block;         /* coarse elements of a row, or elements of `inner`, that are done at once */
    int64_t taps;          /* of a row of a window, that are done at once where inner is 1 */
    int64_t apart;         /* whether all windows lie within the fine array, and none shares elements with another */
    int64_t wide;          /* whether places in a window may be too large for an integer of an element's size */
    int64_t together;      /* windows of a row that have elements in common, where windows are done by tiles */
    int64_t padded;        /* elements of `inner` that are done at once then: whole vectors, or 1 */
    int64_t tile[3], tiles[3]; /* windows of a tile, and how many tiles there are */
    int64_t rows, columns; /* whose windows' first elements are in `starts`, counted from the first: whole rows if rows > 1 */
    int64_t starts[CONVT_GATHERED];
} convt_windows;

typedef struct {
    int64_t lanes;
    /* The coarse rows first to last, or tiles of windows. */
    void (*pool)(
        const convt_windows *, int64_t first, int64_t last, const void *fine, void *coarse, int64_t *indices, void *scratch);
    void (*pool_tiles)(
        const convt_windows *, int64_t first, int64_t last, const void *fine, void *coarse, int64_t *indices, void *scratch);
    /* The tasks first to last, each a block of one outer's inner elements; whether all indices lie in the fine array. */
    int (*pool_backward)(
        const convt_windows *, int64_t first, int64_t last, const void *coarse, const int64_t *indices, void *fine, void *scratch);
    int (*unpool)(
        const convt_windows *, int64_t first, int64_t last, const void *coarse, const int64_t *indices, void *fine, void *scratch);
    int (*unpool_backward)( /* segment: fine elements whose winners are remembered at once; scratch has an int32_t for each */
        const convt_windows *, int64_t first, int64_t last, const void *fine, const int64_t *indices, void *coarse, void *scratch,
        int64_t segment);
} convt_pooling;

/* By the index of the instruction set in kernels/isa.c and the size of an element. */
const convt_pooling *convt_pooling_of(int isa, int size);

#endif
