// What the emulated driver knows, and what all of its functions do when they are called.
#pragma once
#include <cuda.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <deque>
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
    bool freed;  // for the caller, but work that was given before still uses it
};

// A stream's work that nobody has waited for yet: it is done as late as the rules of streams allow.
struct Queue {
    std::deque<std::function<CUresult()>> jobs;
    long given, done, latest;  // latest: when it was given its last job
    bool apart;  // it does not wait for the default stream, nor that for it
};

struct Event {
    CUstream stream;
    Queue *queue;
    long given;
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
inline std::map<std::pair<CUstream, std::thread::id>, Queue> queues;
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

// The queue of a stream; the default stream of each thread is one of its own.
inline Queue &queue_of(CUstream stream) {
    if (stream == CU_STREAM_LEGACY) stream = nullptr;
    return queues[{stream, stream == CU_STREAM_PER_THREAD ? std::this_thread::get_id() : std::thread::id()}];
}

// Do what a queue was given, up to some of it.
inline CUresult finish(Queue &queue, long given) {
    CUresult first = CUDA_SUCCESS;
    while (queue.done < given && !queue.jobs.empty()) {
        auto job = std::move(queue.jobs.front());
        queue.jobs.pop_front(), queue.done++;
        if (CUresult failed = job(); failed && !first) first = failed;
    }
    return first;
}

// Those that have something to do. Who was given a job last is the first: it is the one who should wait for the others.
inline std::vector<Queue *> busy() {
    std::vector<Queue *> found;
    for (auto &each : queues)
        if (each.second.done < each.second.given) found.push_back(&each.second);
    std::sort(found.begin(), found.end(), [](Queue *a, Queue *b) { return a->latest > b->latest; });
    return found;
}
inline CUresult finish_all() {
    CUresult first = CUDA_SUCCESS;
    for (Queue *each : busy())
        if (CUresult failed = finish(*each, each->given); failed && !first) first = failed;
    return first;
}

inline void give(Queue &queue, std::function<CUresult()> job) {
    static long jobs;
    queue.jobs.push_back(std::move(job)), queue.given++, queue.latest = ++jobs;
}

// The default stream's work comes after that of all streams that are not apart, and theirs after its.
inline void keep_default_order(Queue &queue) {
    Queue &usual = queue_of(nullptr);
    if (queue.apart) return;
    if (&queue != &usual) {
        if (usual.done < usual.given) give(queue, [&usual, given = usual.given] { return finish(usual, given); });
        return;
    }
    for (Queue *other : busy())
        if (other != &usual && !other->apart) give(usual, [other, given = other->given] { return finish(*other, given); });
}

// All that a stream was given, and what that waits for.
inline CUresult finish(CUstream stream) {
    std::lock_guard<std::recursive_mutex> lock(mutex);
    Queue &queue = queue_of(stream);
    keep_default_order(queue);
    return finish(queue, queue.given);
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

// Work of a stream: done when somebody waits for it, or when the graph is launched.
template <class Work>
CUresult work(CUstream stream, Work job) {
    std::lock_guard<std::recursive_mutex> lock(mutex);
    auto capture = captured.find(stream);
    if (capture == captured.end()) {
        Queue &queue = queue_of(stream);
        keep_default_order(queue);
        give(queue, job);
        return CUDA_SUCCESS;
    }
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
