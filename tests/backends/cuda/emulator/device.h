// CUDA's device language for g++: what a .cu file needs to run on the processor, one block after another.
//
// The threads of a block are coroutines with stacks of their own. Each runs until it ends or waits in __syncthreads();
// when all do, they go on. Waiting at different barriers, which hangs a GPU or worse, is reported.
#pragma once
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <type_traits>
#include <utility>

#define __CUDA_EMULATED__ 1
#define __device__
#define __forceinline__ inline
#define __grid_constant__
#define __noinline__ __attribute__((noinline))
#define __launch_bounds__(...)
#define __shared__ static
#ifdef EMULATOR_SCAN
#define __global__ EMULATOR_KERNEL
#else
#define __global__
#endif

struct Dim3 {
    unsigned x = 1, y = 1, z = 1;
};
static Dim3 threadIdx, blockIdx, blockDim, gridDim;

inline unsigned __float_as_uint(float value) {
    unsigned bits;
    std::memcpy(&bits, &value, sizeof bits);
    return bits;
}
inline float __uint_as_float(unsigned bits) {
    float value;
    std::memcpy(&value, &bits, sizeof value);
    return value;
}
inline unsigned __umulhi(unsigned a, unsigned b) { return (unsigned long long)a * b >> 32; }
inline unsigned long long __umul64hi(unsigned long long a, unsigned long long b) { return (unsigned __int128)a * b >> 64; }

namespace emulator {

struct Thread {
    void *stack = nullptr;  // the stack pointer while it does not run
    const void *barrier = nullptr;
    bool ended = true;
};

constexpr size_t STACK = 128 * 1024;
constexpr int MOST_THREADS = 1024;
static Thread threads[MOST_THREADS];
static char *stacks;
static void *scheduler;
static int running;
static void (*body)(const void *);
static const void *argument;

extern "C" void emulator_switch(void **from, void *to);
#if defined(__x86_64__)
asm(".text\n.type emulator_switch,@function\nemulator_switch:\n"
    "  pushq %rbp\n  pushq %rbx\n  pushq %r12\n  pushq %r13\n  pushq %r14\n  pushq %r15\n"
    "  movq %rsp, (%rdi)\n  movq %rsi, %rsp\n"
    "  popq %r15\n  popq %r14\n  popq %r13\n  popq %r12\n  popq %rbx\n  popq %rbp\n  ret\n");
constexpr int SAVED = 6;
#else
#error "the emulator's switch between threads is written for x86-64 only"
#endif

inline void run_thread() {
    body(argument);
    threads[running].ended = true;
    emulator_switch(&threads[running].stack, scheduler);
    abort();  // an ended thread is not run again
}

inline void resume(int index) {
    running = index;
    threadIdx = {unsigned(index) % blockDim.x, unsigned(index) / blockDim.x % blockDim.y, unsigned(index) / blockDim.x / blockDim.y};
    threads[index].barrier = nullptr;
    emulator_switch(&scheduler, threads[index].stack);
}

// False if threads wait at different barriers.
inline bool run_block(int count) {
    for (int i = 0; i < count; i++) {
        // Neighbours start at different offsets: else all stacks would share a few sets of the cache.
        char *top = stacks + (size_t)(i + 1) * STACK - (i % 64) * 192;
        void **frame = (void **)((uintptr_t)top & ~(uintptr_t)15) - 2;
        *frame = (void *)run_thread;
        std::memset(frame -= SAVED, 0, SAVED * sizeof *frame);
        threads[i].stack = frame, threads[i].ended = false;
    }
    for (bool alive = true; alive;) {
        alive = false;
        const void *barrier = nullptr;
        bool ended = false;
        for (int i = 0; i < count; i++) {
            if (!threads[i].ended) resume(i);
            if (threads[i].ended) {
                ended = true;
                continue;
            }
            if (barrier && threads[i].barrier != barrier) return false;
            barrier = threads[i].barrier, alive = true;
        }
        if (alive && ended) return false;
    }
    return true;
}

struct Kernel {
    const char *name;
    size_t parameter_bytes;
    void (*run)(const void *);
};

template <auto F>
struct Call;
template <class Parameters, void (*F)(Parameters)>
struct Call<F> {
    static constexpr size_t BYTES = sizeof(Parameters);
    static void run(const void *parameters) { F(*(const Parameters *)parameters); }
};

extern const Kernel kernels[];
extern const int kernel_count;

}  // namespace emulator

// Called before an address is used that is no multiple of what lies there: the thread goes no further, as on a GPU.
static bool misaligned;
extern "C" __attribute__((visibility("hidden"))) void __ubsan_handle_type_mismatch_v1(void *, void *) {
    using namespace emulator;
    misaligned = threads[running].ended = true;
    emulator_switch(&threads[running].stack, scheduler);
}

__noinline__ static void __syncthreads() {
    using namespace emulator;
    threads[running].barrier = __builtin_return_address(0);
    emulator_switch(&threads[running].stack, scheduler);
}

// One thread runs at a time.
template <class T>
static T atomicMax(T *address, T value) {
    const T before = *address;
    if (value > before) *address = value;
    return before;
}

extern "C" __attribute__((visibility("default"))) const void *emulator_find(const char *name) {
    for (int i = 0; i < emulator::kernel_count; i++)
        if (!std::strcmp(emulator::kernels[i].name, name)) return &emulator::kernels[i];
    return nullptr;
}

// 0: done; 1: the parameters are of another size; 2: threads wait at different barriers; 3: an address is not aligned.
extern "C" __attribute__((visibility("default"))) int emulator_run(const void *kernel, const void *parameters, size_t bytes, unsigned grid,
                                                                   unsigned block) {
    using namespace emulator;
    const Kernel &k = *(const Kernel *)kernel;
    if (bytes != k.parameter_bytes) return 1;
    if (!stacks) stacks = (char *)std::malloc(STACK * MOST_THREADS);
    body = k.run, argument = parameters, blockDim = {block, 1, 1}, gridDim = {grid, 1, 1};
    for (unsigned i = 0; i < grid; i++) {
        blockIdx = {i, 0, 0};
        const bool together = run_block((int)block);
        if (std::exchange(misaligned, false)) return 3;
        if (!together) return 2;
    }
    return 0;
}
