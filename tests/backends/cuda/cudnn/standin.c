// A stand-in for libcudnn.so.9: the functions that the cuda backend calls, with plain loops on the host's memory.
//
// It is stricter than cuDNN: it refuses what is not documented to work (arrays that are not dense, an order other than the
// filters'), checks every workspace, and fills it with garbage. Its algorithms compute the same, but differ in speed (as they
// say), workspace, determinism and math type, so that tests can tell which one was chosen.
//
// For tests: standin_fail lets a call fail; standin_spoil makes scatter's results not a number; standin_log has the
// convolutions with their descriptors; standin_live counts what has not been destroyed; standin_stream is that of the last
// convolution.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <math.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXPORT __attribute__((visibility("default")))
enum { OK = 0, BAD_PARAM = 2000, SIZE_INSUFFICIENT = 2006, NOT_SUPPORTED = 3000, LAYOUT = 3004, OUT_OF_MEMORY = 4004, FAILED = 5000 };
enum { FLOAT = 0, DOUBLE = 1, HALF = 2, BFLOAT16 = 9, NCHW = 0, NHWC = 1, DEFAULT_MATH = 0, TENSOR_OP = 1, FMA = 3, AXES = 5 };

typedef struct { int type, dims, size[AXES], stride[AXES], order; } Tensor;  // a filter too, then with its order
typedef struct { int axes, pad[3], stride[3], dilation[3], mode, type, groups, math; } Convolution;
typedef struct { void *stream; } Handle;
typedef struct { int algo, status; float time; size_t memory; int determinism, math, reserved[3]; } Performance;

// In the order of the heuristic.
static const Performance ALGORITHMS[] = {
    {4, OK, 0.5f, 0, 1, DEFAULT_MATH}, {1, OK, 3.0f, 1 << 20, 1, DEFAULT_MATH}, {3, OK, 1.5f, 4096, 1, TENSOR_OP},
    {0, OK, 1.0f, 0, 0, DEFAULT_MATH}, {2, OK, 2.0f, 4096, 1, DEFAULT_MATH},    {5, NOT_SUPPORTED, 0.5f, 0, 1, DEFAULT_MATH},
};
enum { COUNT = sizeof ALGORITHMS / sizeof *ALGORITHMS };

static _Atomic long live;
static void *last_stream;
static char text[1 << 16], failing[64];
static _Thread_local char last_error[128];
static int failing_status, failing_after, spoiled;

EXPORT long standin_live(void) { return live; }
EXPORT const char *standin_log(void) { return text; }
EXPORT void *standin_stream(void) { return last_stream; }
EXPORT void standin_clear(void) { text[0] = 0; }
EXPORT void standin_spoil(int on) { spoiled = on; }
EXPORT void standin_fail(const char *function, int status, int after) {
    snprintf(failing, sizeof failing, "%s", function);
    failing_status = status, failing_after = after;
}

static void note(const char *format, ...) {
    const size_t used = strlen(text);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text + used, sizeof text - used, format, arguments);
    va_end(arguments);
}
static int refuse(int status, const char *why) {
    snprintf(last_error, sizeof last_error, "%s", why);
    return status;
}
static int enter(const char *function) {
    last_error[0] = 0;
    if (strcmp(function, failing) || failing_after-- > 0) return OK;
    failing[0] = 0;
    return refuse(failing_status, "as the test wants it");
}
#define ENTER                                  \
    do {                                       \
        const int failed = enter(__func__);    \
        if (failed) return failed;             \
    } while (0)

static void note_tensor(const char *name, const Tensor *t) {
    note(" %s=", name);
    for (int i = 0; i < t->dims; i++) note("%s%d", i ? "x" : "", t->size[i]);
    note(t->order == NHWC ? ":NHWC" : ":NCHW");
    note(t->type == HALF ? ":half" : t->type == BFLOAT16 ? ":bfloat16" : "");
}

EXPORT size_t cudnnGetVersion(void) {
    const char *version = getenv("STANDIN_CUDNN_VERSION");
    return version ? strtoul(version, NULL, 10) : 91000;
}
EXPORT const char *cudnnGetErrorString(int status) {
    switch (status) {
        case BAD_PARAM: return "CUDNN_STATUS_BAD_PARAM";
        case SIZE_INSUFFICIENT: return "CUDNN_STATUS_BAD_PARAM_SIZE_INSUFFICIENT";
        case NOT_SUPPORTED: return "CUDNN_STATUS_NOT_SUPPORTED";
        case LAYOUT: return "CUDNN_STATUS_NOT_SUPPORTED_LAYOUT";
        case OUT_OF_MEMORY: return "CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED";
        case FAILED: return "CUDNN_STATUS_EXECUTION_FAILED";
        default: return "CUDNN_UNKNOWN_STATUS";
    }
}
EXPORT void cudnnGetLastErrorString(char *message, size_t size) { snprintf(message, size, "%s", last_error); }

// Objects.

static int create(void **made, size_t size) {
    *made = calloc(1, size);
    live++;
    return OK;
}
static int destroy(void *object) {
    if (!object) return refuse(BAD_PARAM, "no object");
    free(object);
    live--;
    return OK;
}
EXPORT int cudnnCreate(void **made) { ENTER; return create(made, sizeof(Handle)); }
EXPORT int cudnnDestroy(void *handle) { ENTER; return destroy(handle); }
EXPORT int cudnnSetStream(Handle *handle, void *stream) { ENTER; return handle->stream = stream, OK; }
EXPORT int cudnnCreateTensorDescriptor(void **made) { ENTER; return create(made, sizeof(Tensor)); }
EXPORT int cudnnDestroyTensorDescriptor(void *object) { ENTER; return destroy(object); }
EXPORT int cudnnCreateFilterDescriptor(void **made) { ENTER; return create(made, sizeof(Tensor)); }
EXPORT int cudnnDestroyFilterDescriptor(void *object) { ENTER; return destroy(object); }
EXPORT int cudnnCreateConvolutionDescriptor(void **made) { ENTER; return create(made, sizeof(Convolution)); }
EXPORT int cudnnDestroyConvolutionDescriptor(void *object) { ENTER; return destroy(object); }

static void lay_densely(Tensor *t, int order) {
    int step = 1;
    if (order == NHWC) t->stride[1] = 1, step = t->size[1];
    for (int i = t->dims - 1; i >= 0; i--)
        if (order == NCHW || i != 1) t->stride[i] = step, step *= t->size[i];
}
static int is_dense(const Tensor *t, int order) {
    Tensor dense = *t;
    lay_densely(&dense, order);
    for (int i = 0; i < t->dims; i++)
        if (t->size[i] > 1 && t->stride[i] != dense.stride[i]) return 0;
    return 1;
}
static int set_tensor(Tensor *t, int type, int dims, const int *size, const int *stride) {
    if ((type != FLOAT && type != DOUBLE && type != HALF && type != BFLOAT16) || dims < 4 || dims > AXES) return refuse(BAD_PARAM, "type or dimensions");
    *t = (Tensor){.type = type, .dims = dims};
    for (int i = 0; i < dims; i++) {
        if (size[i] < 1 || (stride && stride[i] < 1)) return refuse(BAD_PARAM, "sizes and strides must be positive");
        t->size[i] = size[i], t->stride[i] = stride ? stride[i] : 0;
    }
    return OK;
}
EXPORT int cudnnSetTensorNdDescriptor(Tensor *t, int type, int dims, const int *size, const int *stride) {
    ENTER;
    const int status = set_tensor(t, type, dims, size, stride);
    t->order = !status && !is_dense(t, NCHW) && is_dense(t, NHWC) ? NHWC : NCHW;
    return status;
}
EXPORT int cudnnSetFilterNdDescriptor(Tensor *t, int type, int order, int dims, const int *size) {
    ENTER;
    const int status = set_tensor(t, type, dims, size, NULL);
    if (status) return status;
    t->order = order;
    lay_densely(t, order);
    return OK;
}
EXPORT int cudnnSetConvolutionNdDescriptor(Convolution *c, int axes, const int *pad, const int *stride, const int *dilation,
                                           int mode, int type) {
    ENTER;
    if (axes < 2 || axes > 3) return refuse(NOT_SUPPORTED, "axes");
    c->axes = axes, c->mode = mode, c->type = type, c->groups = 1;
    for (int i = 0; i < axes; i++) {
        if (pad[i] < 0 || stride[i] < 1 || dilation[i] < 1) return refuse(BAD_PARAM, "padding, stride or dilation");
        c->pad[i] = pad[i], c->stride[i] = stride[i], c->dilation[i] = dilation[i];
    }
    return OK;
}
EXPORT int cudnnSetConvolutionGroupCount(Convolution *c, int groups) { ENTER; return c->groups = groups, OK; }
EXPORT int cudnnSetConvolutionMathType(Convolution *c, int math) { ENTER; return c->math = math, OK; }

// Elements.

// The half types as in IEEE 754, and as the upper half of a float; sign, exponent, then mantissa.
static double widened(int type, uint16_t bits) {
    const int digits = type == HALF ? 10 : 7, offset = type == HALF ? 15 : 127, top = (1 << (15 - digits)) - 1;
    const int exponent = bits >> digits & top, mantissa = bits & ((1 << digits) - 1);
    double value = exponent ? ldexp((1 << digits) + mantissa, exponent - offset - digits) : ldexp(mantissa, 1 - offset - digits);
    if (exponent == top) value = mantissa ? NAN : INFINITY;
    return bits & 0x8000 ? -value : value;
}
static uint16_t narrowed(int type, double value) {
    const int digits = type == HALF ? 10 : 7, offset = type == HALF ? 15 : 127, top = (1 << (15 - digits)) - 1;
    const uint16_t sign = signbit(value) ? 0x8000 : 0;
    if (isnan(value)) return 0x7fff;
    if (value == 0) return sign;
    int exponent;
    frexp(value, &exponent);
    if (isinf(value) || exponent > top) return sign | top << digits;
    const int step = (exponent - 1 > 1 - offset ? exponent - 1 : 1 - offset) - digits;  // the last digit's power of two
    const long units = lrint(ldexp(fabs(value), -step));                                // to nearest, ties to even
    // A carry goes into the exponent, and from the largest number to infinity.
    const long bits = units + ((long)(step + digits + offset - 1) << digits);
    return sign | (bits > top << digits ? top << digits : bits);
}

static double get(const Tensor *t, const void *data, long at) {
    if (t->type == FLOAT) return (double)((const float *)data)[at];
    if (t->type == DOUBLE) return ((const double *)data)[at];
    return widened(t->type, ((const uint16_t *)data)[at]);
}
static void put(const Tensor *t, void *data, long at, double value) {
    if (t->type == FLOAT) ((float *)data)[at] = (float)value;
    else if (t->type == DOUBLE) ((double *)data)[at] = value;
    else ((uint16_t *)data)[at] = narrowed(t->type, value);
}
// Factors are floats for the half types.
static double scalar(const Tensor *t, const void *value) {
    return t->type == DOUBLE ? *(const double *)value : (double)*(const float *)value;
}
static long place(const Tensor *t, const int *index) {
    long at = 0;
    for (int i = 0; i < t->dims; i++) at += (long)index[i] * t->stride[i];
    return at;
}
static int next(const Tensor *t, int *index) {
    for (int i = t->dims - 1; i >= 0; i--) {
        if (++index[i] < t->size[i]) return 1;
        index[i] = 0;
    }
    return 0;
}
static float tf32(double value) {
    float rounded = (float)value;
    uint32_t bits;
    memcpy(&bits, &rounded, 4);
    bits &= 0xffffe000u;
    memcpy(&rounded, &bits, 4);
    return rounded;
}

// The emulated driver does work late; what is computed here comes after that.
static void wait_for_stream(const Handle *handle) {
    void (*finish)(void *) = (void (*)(void *))dlsym(RTLD_DEFAULT, "emulator_finish");
    if (finish && handle) finish(handle->stream);
}

// The three maps, each of (fine, coarse, filter).

static int check(const Tensor *fine, const Tensor *coarse, const Tensor *filter, const Convolution *c) {
    const int dims = c->axes + 2;
    if (fine->dims != dims || coarse->dims != dims || filter->dims != dims) return refuse(BAD_PARAM, "dimensions");
    if (fine->type != filter->type || coarse->type != filter->type) return refuse(BAD_PARAM, "types");
    if (c->type != (filter->type == DOUBLE ? DOUBLE : FLOAT)) return refuse(BAD_PARAM, "type of sums");
    if (c->mode != 1) return refuse(NOT_SUPPORTED, "only cross-correlation is expected");
    if (!is_dense(fine, filter->order) || !is_dense(coarse, filter->order)) return refuse(LAYOUT, "not in the filters' order");
    if (filter->order == NHWC && filter->type == DOUBLE) return refuse(LAYOUT, "no doubles in NHWC");
    if (fine->size[0] != coarse->size[0] || coarse->size[1] != filter->size[0]) return refuse(BAD_PARAM, "batch or channels");
    if (fine->size[1] != filter->size[1] * c->groups || filter->size[0] % c->groups) return refuse(BAD_PARAM, "groups");
    for (int i = 0; i < c->axes; i++) {
        const int reach = (filter->size[2 + i] - 1) * c->dilation[i] + 1, length = fine->size[2 + i] + 2 * c->pad[i];
        if (length < reach || (length - reach) / c->stride[i] + 1 != coarse->size[2 + i]) return refuse(BAD_PARAM, "sizes");
    }
    return OK;
}

enum { TO_FINE, TO_COARSE, TO_FILTER };

static void compute(int to, const Tensor *fine, void *x, const Tensor *coarse, void *y, const Tensor *filter, void *w,
                    const Convolution *c, int rounded) {
    const Tensor *out = to == TO_FINE ? fine : to == TO_COARSE ? coarse : filter;
    void *data = to == TO_FINE ? x : to == TO_COARSE ? y : w;
    long elements = 1;
    for (int i = 0; i < out->dims; i++) elements *= out->size[i];
    double *sums = calloc(elements, sizeof *sums);  // arrays are dense, so that places are positions
    int q[AXES] = {0};
    do {
        const int group = q[1] / (coarse->size[1] / c->groups);
        int k[AXES] = {0};
        Tensor taps = *filter;
        taps.size[0] = 1;
        do {
            int f[AXES] = {q[0], group * filter->size[1] + k[1]}, inside = 1, weight[AXES] = {q[1]};
            memcpy(weight + 1, k + 1, sizeof k - sizeof *k);
            for (int i = 0; i < c->axes; i++) {
                f[2 + i] = q[2 + i] * c->stride[i] - c->pad[i] + k[2 + i] * c->dilation[i];
                inside &= f[2 + i] >= 0 && f[2 + i] < fine->size[2 + i];
            }
            if (!inside) continue;
            const long at[3] = {place(fine, f), place(coarse, q), place(filter, weight)};
            double left = to == TO_FINE ? get(coarse, y, at[1]) : get(fine, x, at[0]);
            double right = to == TO_FILTER ? get(coarse, y, at[1]) : get(filter, w, at[2]);
            if (rounded) left = tf32(left), right = tf32(right);
            sums[at[to]] += left * right;
        } while (next(&taps, k));
    } while (next(coarse, q));
    for (long i = 0; i < elements; i++) put(out, data, i, sums[i]);
    free(sums);
}

static const Performance *known(int algorithm) {
    for (int i = 0; i < COUNT; i++)
        if (ALGORITHMS[i].algo == algorithm && ALGORITHMS[i].status == OK) return &ALGORITHMS[i];
    return NULL;
}
static void spoil(const Tensor *out, void *data) {
    long elements = 1;
    for (int i = 0; i < out->dims; i++) elements *= out->size[i];
    for (long i = 0; i < elements; i++) put(out, data, i, NAN);
}
static int run(const char *name, int to, const Tensor *fine, void *x, const Tensor *coarse, void *y, const Tensor *filter,
               void *w, const Convolution *c, int algorithm, void *work, size_t size, double alpha, double beta) {
    const Performance *chosen = known(algorithm);
    int status = check(fine, coarse, filter, c);
    if (status) return status;
    if (!chosen || (chosen->math == TENSOR_OP && c->math == FMA)) return refuse(NOT_SUPPORTED, "algorithm");
    if (size < chosen->memory || (size && !work)) return refuse(SIZE_INSUFFICIENT, "workspace");
    if (alpha != 1 || beta != 0 || !x || !y || !w) return refuse(BAD_PARAM, "scalars or addresses");
    if (size) memset(work, 0xab, size);
    note("%s", name);
    note_tensor("fine", fine), note_tensor("coarse", coarse), note_tensor("filter", filter);
    note(" pad=%d,%d,%d stride=%d,%d,%d", c->pad[0], c->pad[1], c->pad[2], c->stride[0], c->stride[1], c->stride[2]);
    note(" dilation=%d,%d,%d groups=%d math=%d", c->dilation[0], c->dilation[1], c->dilation[2], c->groups, c->math);
    note(" algorithm=%d workspace=%zu\n", algorithm, size);
    compute(to, fine, x, coarse, y, filter, w, c, chosen->math == TENSOR_OP && filter->type == FLOAT);
    if (spoiled && to == TO_FINE) spoil(fine, x);
    return OK;
}

static int heuristic(int status, int wanted, int *returned, Performance *found) {
    if (status) return status;
    *returned = wanted < COUNT ? wanted : COUNT;
    memcpy(found, ALGORITHMS, *returned * sizeof *found);
    return OK;
}
static int needs(int status, int algorithm, size_t *size) {
    if (status) return status;
    const Performance *chosen = known(algorithm);
    if (!chosen) return refuse(NOT_SUPPORTED, "algorithm");
    *size = chosen->memory;
    return OK;
}

// Each map's functions take their two inputs, the convolution and the output.
#define FUNCTIONS(Name, TO, A, B, C, FINE, COARSE, FILTER)                                                                     \
    EXPORT int cudnn##Name(Handle *handle, const void *alpha, const Tensor *A, void *A##_data, const Tensor *B, void *B##_data, \
                           const Convolution *c, int algorithm, void *work, size_t size, const void *beta, const Tensor *C,    \
                           void *C##_data) {                                                                                   \
        ENTER;                                                                                                                 \
        if (!handle) return BAD_PARAM;                                                                                         \
        last_stream = handle->stream;                                                                                          \
        wait_for_stream(handle);                                                                                               \
        return run(#Name, TO, FINE, FINE##_data, COARSE, COARSE##_data, FILTER, FILTER##_data, c, algorithm, work, size,       \
                   scalar(C, alpha), scalar(C, beta));                                                                         \
    }                                                                                                                          \
    EXPORT int cudnnGet##Name##Algorithm_v7(Handle *handle, const Tensor *A, const Tensor *B, const Convolution *c,            \
                                            const Tensor *C, int wanted, int *returned, Performance *found) {                  \
        ENTER;                                                                                                                 \
        return heuristic(handle ? check(FINE, COARSE, FILTER, c) : BAD_PARAM, wanted, returned, found);                        \
    }                                                                                                                          \
    EXPORT int cudnnGet##Name##WorkspaceSize(Handle *handle, const Tensor *A, const Tensor *B, const Convolution *c,           \
                                             const Tensor *C, int algorithm, size_t *size) {                                   \
        ENTER;                                                                                                                 \
        return needs(handle ? check(FINE, COARSE, FILTER, c) : BAD_PARAM, algorithm, size);                                    \
    }

FUNCTIONS(ConvolutionForward, TO_COARSE, fine, filter, coarse, fine, coarse, filter)
FUNCTIONS(ConvolutionBackwardData, TO_FINE, filter, coarse, fine, fine, coarse, filter)
#ifndef WITHOUT_FILTERS
FUNCTIONS(ConvolutionBackwardFilter, TO_FILTER, fine, coarse, filter, fine, coarse, filter)
#endif
