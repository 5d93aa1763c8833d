/* Winograd's transforms of tiles and windows of up to three axes, of which at most two have more taps than one. A template as
 * direct.h is. plan.h says what tiles of the edge are. */

/* Elements of a tile, or of a window; frequencies. Of an axis with so many taps. */
#define CONVT_POINTS(taps) ((taps) == 1 ? 1 : 5 - (taps))
#define CONVT_ELEMENTS(taps) ((taps) == 1 ? 1 : 4)
#define CONVT_LINES(taps) ((taps) == 1 ? 1 : (taps) + 2)

/* G along one axis of a tile. */
static inline __attribute__((always_inline)) void NAME(transform_points)(
    const int taps, const int edge, const NAME(vector) *g, int64_t g_step, NAME(vector) *u, int64_t u_step)
{
    NAME(vector) zero = {0};
    u[0] = g[0];
    if (taps == 1) return;
    if (taps == 3) u[4 * u_step] = edge ? g[0] : zero;
    if (edge)
        u[u_step] = u[2 * u_step] = zero, u[3 * u_step] = -g[0];
    else if (taps == 2)
        NAME(transform_taps)(4, g, g_step, u, u_step);
    else
        u[u_step] = g[0] + g[g_step], u[2 * u_step] = g[0] - g[g_step], u[3 * u_step] = g[g_step];
}

/* B along one axis of a window. */
static inline __attribute__((always_inline)) void NAME(transform_elements_of)(
    const int taps, const int edge, const NAME(vector) *d, int64_t d_step, NAME(vector) *v, int64_t v_step)
{
    NAME(vector) zero = {0};
    if (taps == 1) {
        v[0] = d[0];
        return;
    }
    if (taps == 3) v[4 * v_step] = edge ? d[d_step] : zero;
    if (edge)
        v[0] = d[0], v[v_step] = v[2 * v_step] = zero, v[3 * v_step] = d[(taps - 1) * d_step];
    else
        NAME(transform_elements)(4, d, d_step, v, v_step);
}

static inline __attribute__((always_inline)) void NAME(transform_line)(
    const int windows, const int taps, const int edge, const NAME(vector) *from, int64_t step, NAME(vector) *to, int64_t to_step)
{
    if (windows)
        NAME(transform_elements_of)(taps, edge, from, step, to, to_step);
    else
        NAME(transform_points)(taps, edge, from, step, to, to_step);
}

/* A along one axis, in place: the taps lie where its first frequencies lay. */
static inline __attribute__((always_inline)) void NAME(transform_sums)(const int taps, NAME(vector) *m, int64_t step)
{
    if (taps == 2) NAME(transform_results)(4, m, step, m, step);
    if (taps != 3) return;
    NAME(vector) sum = (m[step] + m[2 * step]) * (REAL)0.5, difference = (m[step] - m[2 * step]) * (REAL)0.5;
    m[0] += sum;
    m[step] = difference + m[4 * step];
    m[2 * step] = sum - m[3 * step];
}

/* A tile or a window of one vector of channels, axis by axis. `edge` has a bit for each axis. */
static inline __attribute__((always_inline)) void NAME(winograd_tile_of)(
    const int windows, const int z, const int y, const int x, const int edge, const NAME(vector) *e, NAME(vector) *to)
{
    typedef NAME(vector) vector;
    const int height = windows ? CONVT_ELEMENTS(y) : CONVT_POINTS(y), width = windows ? CONVT_ELEMENTS(x) : CONVT_POINTS(x);
    const int columns = CONVT_LINES(z) * width, rows = CONVT_LINES(z) * CONVT_LINES(y);
    vector by_z[20], by_y[25];
CONVT_UNROLL_KNOWN(20)
    for (int i = 0; i < height * width; i++)
        NAME(transform_line)(windows, z, edge & 1, e + i, height * width, by_z + i, height * width);
CONVT_UNROLL_KNOWN(25)
    for (int i = 0; i < columns; i++)
        NAME(transform_line)(
            windows, y, edge & 2, by_z + i / width * height * width + i % width, width,
            by_y + i / width * CONVT_LINES(y) * width + i % width, width);
CONVT_UNROLL_KNOWN(25)
    for (int i = 0; i < rows; i++)
        NAME(transform_line)(windows, x, edge & 4, by_y + i * width, 1, to + i * CONVT_LINES(x), 1);
}
