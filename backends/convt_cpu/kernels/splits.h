/* splits: sums that several tasks share, each with sums of its own: added in the end, in the tasks' order. A template as
 * direct.h is. */

/* Adds some elements of the other tasks' sums to those of the first one, of so many each. */
static void NAME(add_splits)(int64_t splits, int64_t size, int64_t piece, REAL *sums)
{
    int64_t first = piece * CONVT_ADDED, end = convt_least(first + CONVT_ADDED, size);
    for (int64_t split = 1; split < splits; split++)
        for (int64_t i = first; i < end; i++) sums[i] += sums[split * size + i];
}
