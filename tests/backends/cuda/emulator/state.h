// What the emulated driver knows, and what all of its functions do when they are called.
#pragma once
#include <cuda.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace emulated {

struct Context {
    int device;
    int references;
};

// Memory of a device that is kept when its blocks are freed.
struct Pool {
    int device;
    size_t reserved, used, threshold;
};

struct Graph {
    std::vector<std::function<void()>> work;
    std::vector<char *> memory;
    bool broken;
};

struct Block {
    size_t bytes;
    Context *context;
    char *map;
    size_t mapped;
    bool host;
    Pool *pool;
    Graph *graph;
    CUstream stream;
    std::thread::id thread;
};

struct Event {
    CUstream stream;
};

struct Module {
    const void *(*find)(const char *);
    int (*run)(const void *, const void *, size_t, unsigned, unsigned);
};

struct Function {
    Module *module;
    const void *kernel;
};

constexpr int DEVICES = 2;
inline std::recursive_mutex mutex;
inline Context primary[DEVICES] = {{0, 0}, {1, 0}};
inline std::map<char *, Block> blocks;
inline std::map<std::string, long> calls;
inline std::map<std::string, std::pair<int, int>> failures;  // code, and how many calls go well before
inline std::map<CUstream, Graph *> captured;
inline std::vector<Pool *> pools;
inline std::map<std::pair<CUstream, CUstream>, long> waits;  // by who waits and for whom
inline long host_waits;
inline size_t used[DEVICES], total = size_t(1) << 31;
inline CUstream last_launch, last_allocation;  // in which streams
inline bool ready;
inline thread_local std::vector<Context *> stack;

CUresult release(void *address, bool host, bool pooled = false);  // memory.cpp

inline CUresult enter(const char *name, bool needs_context) {
    std::lock_guard<std::recursive_mutex> lock(mutex);
    calls[name]++;
    auto failure = failures.find(name);
    if (failure != failures.end() && failure->second.second-- <= 0) {
        CUresult code = (CUresult)failure->second.first;
        failures.erase(failure);
        return code;
    }
    if (!ready) return CUDA_ERROR_NOT_INITIALIZED;
    return needs_context && stack.empty() ? CUDA_ERROR_INVALID_CONTEXT : CUDA_SUCCESS;
}

// What the host waits in until the GPU has done its work, or may wait in. During a capture it is forbidden.
inline CUresult wait(const char *name) {
    std::lock_guard<std::recursive_mutex> lock(mutex);
    host_waits++;
    if (CUresult failed = enter(name, true)) return failed;
    for (auto &stream : captured) stream.second->broken = true;
    if (!captured.empty()) return CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED;
    for (Pool *pool : pools)
        if (pool->reserved > pool->threshold) {
            size_t kept = std::max(pool->used, pool->threshold);
            used[pool->device] -= pool->reserved - kept;
            pool->reserved = kept;
        }
    return CUDA_SUCCESS;
}

// Work of a stream: done now, or when the graph is launched.
template <class Work>
CUresult work(CUstream stream, Work job) {
    std::lock_guard<std::recursive_mutex> lock(mutex);
    auto capture = captured.find(stream);
    if (capture == captured.end()) return job();
    capture->second->work.push_back([job] {
        if (CUresult failed = job()) std::fprintf(stderr, "emulator: a graph's work failed with %d\n", failed), std::abort();
    });
    return CUDA_SUCCESS;
}

}  // namespace emulated

#define ENTER(needs_context) \
    if (CUresult failed = enter(__func__, needs_context)) return failed
#define WAIT() \
    if (CUresult failed = wait(__func__)) return failed
#define REQUIRE(condition) \
    if (!(condition)) return CUDA_ERROR_INVALID_VALUE
#define EXPORT extern "C" __attribute__((visibility("default")))
