/* Winograd's transforms of two axes: windows and products of a vector of tiles. A template as direct.h is. */

/* Makes the sizes of a function's windows known, so that the compiler unrolls each. */
#define CONVT_WINDOWS(height, width, function, ...)                                                                       \
    if (height == 3 && width == 3)                                                                                        \
        function(3, 3, __VA_ARGS__);                                                                                      \
    else if (height == 4 && width == 4)                                                                                   \
        function(4, 4, __VA_ARGS__);                                                                                      \
    else if (height == 3)                                                                                                 \
        function(3, 4, __VA_ARGS__);                                                                                      \
    else                                                                                                                  \
        function(4, 3, __VA_ARGS__);

/* Element e of the windows is at d + e * d_pitch, frequency f goes to v + f * v_pitch. `bad` becomes NaN where an element is
 * not finite or too large. */
static inline __attribute__((always_inline)) void NAME(transform_window_of)(
    const int height, const int width, const REAL *d, int64_t d_pitch, REAL *v, int64_t v_pitch, NAME(vector) *bad)
{
    typedef NAME(vector) vector;
    vector e[16], rows[16], f[4];
CONVT_UNROLL(16)
    for (int i = 0; i < height * width; i++) {
        e[i] = *(const vector *)(d + i * d_pitch);
        *bad += e[i] * WINOGRAD_LIMIT * 0;
    }
CONVT_UNROLL(4)
    for (int x = 0; x < width; x++) NAME(transform_elements)(height, e + x, width, rows + x, width);
CONVT_UNROLL(4)
    for (int y = 0; y < height; y++) {
        NAME(transform_elements)(width, rows + width * y, 1, f, 1);
CONVT_UNROLL(4)
        for (int x = 0; x < width; x++) *(vector *)(v + (width * y + x) * v_pitch) = f[x];
    }
}

static inline void NAME(transform_window)(
    const int64_t *window, const REAL *d, int64_t d_pitch, REAL *v, int64_t v_pitch, NAME(vector) *bad)
{
    CONVT_WINDOWS(window[0], window[1], NAME(transform_window_of), d, d_pitch, v, v_pitch, bad)
}

/* Frequency f of the products is at m + f * m_pitch, result (y, x) of a tile goes to to + y * y_pitch + x * x_pitch. */
static inline __attribute__((always_inline)) void NAME(transform_products_of)(
    const int height, const int width, const REAL *m, int64_t m_pitch, REAL *to, int64_t y_pitch, int64_t x_pitch)
{
    typedef NAME(vector) vector;
    vector p[16], rows[8], y[2];
CONVT_UNROLL(16)
    for (int i = 0; i < height * width; i++) p[i] = *(const vector *)(m + i * m_pitch);
CONVT_UNROLL(4)
    for (int x = 0; x < width; x++) NAME(transform_results)(height, p + x, width, rows + x, width);
CONVT_UNROLL(2)
    for (int i = 0; i < 2; i++) {
        NAME(transform_results)(width, rows + width * i, 1, y, 1);
CONVT_UNROLL(2)
        for (int x = 0; x < 2; x++) *(vector *)(to + i * y_pitch + x * x_pitch) = y[x];
    }
}

static inline void NAME(transform_products)(
    const int64_t *window, const REAL *m, int64_t m_pitch, REAL *to, int64_t y_pitch, int64_t x_pitch)
{
    CONVT_WINDOWS(window[0], window[1], NAME(transform_products_of), m, m_pitch, to, y_pitch, x_pitch)
}
