/* Winograd's transforms of a window, in registers. A template as direct.h is.
 *
 * F(m, r): m sums y[i] = d[i] * g[0] + ... + d[i + r - 1] * g[r - 1] of an axis by 4 = m + r - 1 products instead of m * r:
 *
 *     y = A ((G g) * (B d))         B: 4 x 4,  G: 4 x r,  A: m x 4,  * element by element
 *
 *         d0 - d2        F(3, 2)  g0       F(2, 3)  g0              y0 = p0 + (p1 + p2) / 2
 *     B:  d1 + d2            G:   g0 + g1       g0 + g1 + g2    A:  y1 =      (p1 - p2) / 2      (- p3 if m = 2)
 *         d2 - d1                 g0 - g1       g0 - g1 + g2        y2 =      (p1 + p2) / 2 - p3 (if m = 3)
 *         d1 - d3                 g1            g2
 *
 * Halving comes last, where it is exact: small multiples of the smallest denormal number keep all their bits.
 * (Lavin and Gray, arXiv:1509.09308; interpolation at 0, 1, -1 and infinity.) Larger windows would need fewer products, but
 * lose digits; these are as accurate as plain sums. Along y and x, the transforms follow one another. Vectors are of tiles,
 * those of the weights of output channels. */

/* A number whose product with this overflows is too large for the transforms. */
#define WINOGRAD_LIMIT (sizeof(REAL) == 4 ? (REAL)0x1p77 : (REAL)0x1p543)

/* v = B d, for one vector of elements. */
static inline __attribute__((always_inline)) void NAME(transform_four)(
    NAME(vector) d0, NAME(vector) d1, NAME(vector) d2, NAME(vector) d3, NAME(vector) *v, int64_t step)
{
    v[0] = d0 - d2;
    v[step] = d1 + d2;
    v[2 * step] = d2 - d1;
    v[3 * step] = d1 - d3;
}

/* y = A p; three results, or two. */
static inline __attribute__((always_inline)) void NAME(transform_results)(
    const int results, const NAME(vector) *p, int64_t step, NAME(vector) *y, int64_t y_step)
{
    NAME(vector) sum = (p[step] + p[2 * step]) * (REAL)0.5, difference = (p[step] - p[2 * step]) * (REAL)0.5;
    y[0] = p[0] + sum;
    if (results == 2) difference -= p[3 * step];
    y[y_step] = difference;
    if (results == 3) y[2 * y_step] = sum - p[3 * step];
}

/* u = G g; two taps, or three. */
static inline __attribute__((always_inline)) void NAME(transform_taps)(
    const int taps, const NAME(vector) *g, int64_t step, NAME(vector) *u, int64_t u_step)
{
    NAME(vector) ends = g[0], middle = g[step];
    if (taps == 3) ends += g[2 * step];
    u[0] = g[0];
    u[u_step] = ends + middle;
    u[2 * u_step] = ends - middle;
    u[3 * u_step] = g[(taps - 1) * step];
}

/* Transforms the windows of a vector of tiles: element e at d + e * d_pitch, frequency f at v + f * v_pitch. `bad` becomes
 * NaN where an element is not finite or too large. */
static inline void NAME(transform_window)(const REAL *d, int64_t d_pitch, REAL *v, int64_t v_pitch, NAME(vector) *bad)
{
    typedef NAME(vector) vector;
    vector e[16], rows[16], f[4];
CONVT_UNROLL(16)
    for (int i = 0; i < 16; i++) {
        e[i] = *(const vector *)(d + i * d_pitch);
        *bad += e[i] * WINOGRAD_LIMIT * 0;
    }
CONVT_UNROLL(4)
    for (int x = 0; x < 4; x++) NAME(transform_four)(e[x], e[4 + x], e[8 + x], e[12 + x], rows + x, 4);
CONVT_UNROLL(4)
    for (int y = 0; y < 4; y++) {
        NAME(transform_four)(rows[4 * y], rows[4 * y + 1], rows[4 * y + 2], rows[4 * y + 3], f, 1);
CONVT_UNROLL(4)
        for (int x = 0; x < 4; x++) *(vector *)(v + (4 * y + x) * v_pitch) = f[x];
    }
}

/* The results of a vector of tiles: frequency f at m + f * m_pitch, result (y, x) at to + y * y_pitch + x * x_pitch. */
static inline __attribute__((always_inline)) void NAME(transform_products_of)(
    const int results_y, const int results_x, const REAL *m, int64_t m_pitch, REAL *to, int64_t y_pitch, int64_t x_pitch)
{
    typedef NAME(vector) vector;
    vector p[16], rows[12], y[3];
CONVT_UNROLL(16)
    for (int i = 0; i < 16; i++) p[i] = *(const vector *)(m + i * m_pitch);
CONVT_UNROLL(4)
    for (int x = 0; x < 4; x++) NAME(transform_results)(results_y, p + x, 4, rows + x, 4);
CONVT_UNROLL(3)
    for (int i = 0; i < results_y; i++) {
        NAME(transform_results)(results_x, rows + 4 * i, 1, y, 1);
CONVT_UNROLL(3)
        for (int x = 0; x < results_x; x++) *(vector *)(to + i * y_pitch + x * x_pitch) = y[x];
    }
}

/* The same; the compiler unrolls each size. */
static inline void NAME(transform_products)(
    int64_t results_y, int64_t results_x, const REAL *m, int64_t m_pitch, REAL *to, int64_t y_pitch, int64_t x_pitch)
{
    if (results_y == 2 && results_x == 2)
        NAME(transform_products_of)(2, 2, m, m_pitch, to, y_pitch, x_pitch);
    else if (results_y == 3 && results_x == 3)
        NAME(transform_products_of)(3, 3, m, m_pitch, to, y_pitch, x_pitch);
    else if (results_y == 2)
        NAME(transform_products_of)(2, 3, m, m_pitch, to, y_pitch, x_pitch);
    else
        NAME(transform_products_of)(3, 2, m, m_pitch, to, y_pitch, x_pitch);
}
