/* Winograd's transforms of a window, in registers. A template as direct.h is.
 *
 * Two sums y[i] = d[i] * g[0] + ... + d[i + r - 1] * g[r - 1] of an axis by r + 1 products instead of 2 * r:
 *
 *     y = A ((G g) * (B d))         B: n x n,  G: n x r,  A: 2 x n,  n = r + 1,  * element by element
 *
 *            B:              G:                    A:
 *     r = 2  d0 - d1         g0                    y0 = p0 + p1
 *            d1              g0 + g1               y1 =      p1 + p2
 *            d2 - d1         g1
 *
 *     r = 3  d0 - d2         g0                    y0 = p0 + (p1 + p2) / 2
 *            d1 + d2         g0 + g1 + g2          y1 =      (p1 - p2) / 2 - p3
 *            d2 - d1         g0 - g1 + g2
 *            d1 - d3         g2
 *
 * They are *local*: no product of y0 has d[n - 1] in it, none of y1 has d[0], so that each sum is made of its own elements,
 * whatever lies beside them. More sums from one window, or larger windows, would need fewer products, but an element that
 * must cancel: rounding would leave what is large of it in sums that it does not belong to. All of the taps are in each sum,
 * so each tap must meet an element of the array.
 *
 * Halving comes last, where it is exact: small multiples of the smallest denormal number keep all their bits.
 * (Lavin and Gray, arXiv:1509.09308; r = 3 is interpolation at 0, 1, -1 and infinity.) Along y and x, the transforms follow one
 * another. Vectors are of tiles, those of the weights of output channels. */

/* A number whose product with this overflows is too large for the transforms. */
#define WINOGRAD_LIMIT (sizeof(REAL) == 4 ? (REAL)0x1p77 : (REAL)0x1p543)

/* v = B d, for one vector of each of n elements. */
static inline __attribute__((always_inline)) void NAME(transform_elements)(
    const int n, const NAME(vector) *d, int64_t d_step, NAME(vector) *v, int64_t v_step)
{
    NAME(vector) d0 = d[0], d1 = d[d_step], d2 = d[2 * d_step];
    if (n == 3) {
        v[0] = d0 - d1;
        v[v_step] = d1;
        v[2 * v_step] = d2 - d1;
        return;
    }
    NAME(vector) d3 = d[3 * d_step];
    v[0] = d0 - d2;
    v[v_step] = d1 + d2;
    v[2 * v_step] = d2 - d1;
    v[3 * v_step] = d1 - d3;
}

/* y = A p. */
static inline __attribute__((always_inline)) void NAME(transform_results)(
    const int n, const NAME(vector) *p, int64_t p_step, NAME(vector) *y, int64_t y_step)
{
    NAME(vector) p0 = p[0], p1 = p[p_step], p2 = p[2 * p_step];
    if (n == 3) {
        y[0] = p0 + p1;
        y[y_step] = p1 + p2;
        return;
    }
    NAME(vector) p3 = p[3 * p_step];
    y[0] = p0 + (p1 + p2) * (REAL)0.5;
    y[y_step] = (p1 - p2) * (REAL)0.5 - p3;
}

/* u = G g, of n - 1 taps. */
static inline __attribute__((always_inline)) void NAME(transform_taps)(
    const int n, const NAME(vector) *g, int64_t g_step, NAME(vector) *u, int64_t u_step)
{
    NAME(vector) g0 = g[0], g1 = g[g_step];
    u[0] = g0;
    if (n == 3) {
        u[u_step] = g0 + g1;
        u[2 * u_step] = g1;
        return;
    }
    NAME(vector) g2 = g[2 * g_step], ends = g0 + g2;
    u[u_step] = ends + g1;
    u[2 * u_step] = ends - g1;
    u[3 * u_step] = g2;
}
