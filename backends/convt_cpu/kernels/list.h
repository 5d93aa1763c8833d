/* The direct kernels that exist: X(rows, vectors), as many sums as the vector registers hold.
 *
 * With 32 registers: rows * vectors <= 28 sums, the vectors of x and one weight. With 16: <= 12.
 * For each number of rows, one vector is always among them, so that any number of positions can be pieced together. */

#define DIRECT_LIST_16(X)                                                                                                 \
    X(1, 1) X(1, 2) X(1, 4) X(1, 6)                                                                                       \
    X(2, 1) X(2, 2) X(2, 4)                                                                                               \
    X(3, 1) X(3, 2) X(3, 3)                                                                                               \
    X(4, 1) X(4, 2) X(4, 3)                                                                                               \
    X(5, 1) X(5, 2)                                                                                                       \
    X(6, 1) X(6, 2)

#define DIRECT_LIST_32(X)                                                                                                 \
    X(1, 1) X(1, 2) X(1, 4) X(1, 8) X(1, 12)                                                                              \
    X(2, 1) X(2, 2) X(2, 4) X(2, 8) X(2, 12)                                                                              \
    X(3, 1) X(3, 2) X(3, 4) X(3, 8)                                                                                       \
    X(4, 1) X(4, 2) X(4, 4) X(4, 6)                                                                                       \
    X(5, 1) X(5, 2) X(5, 4)                                                                                               \
    X(6, 1) X(6, 2) X(6, 4)                                                                                               \
    X(7, 1) X(7, 2) X(7, 3)                                                                                               \
    X(8, 1) X(8, 2) X(8, 3)                                                                                               \
    X(9, 1) X(9, 2) X(9, 3)                                                                                               \
    X(10, 1) X(10, 2)                                                                                                     \
    X(11, 1) X(11, 2)                                                                                                     \
    X(12, 1) X(12, 2)                                                                                                     \
    X(13, 1) X(13, 2)                                                                                                     \
    X(14, 1) X(14, 2)
