// A stand-in for NVIDIA's libcuda.so.1: devices are two pieces of the host's memory, kernels run on the processor.
//
// It answers what PyCUDA and convt ask; every other function of cuda.h says CUDA_ERROR_NOT_SUPPORTED (stubs.c, generated).
// It is stricter than a GPU: new memory is NaN, memory ends at a page that cannot be touched and is gone when freed, copies
// must stay inside one allocation, every call needs a context, memory of a pool is freed in the stream that it was allocated
// in. Work is done when a call returns, so it cannot show that streams lack an order; the calls are counted instead, and tests
// ask for them (emulator_*, at the end). In a stream that is being captured, work is written into the graph and not done.
#include <cuda.h>
#include <dlfcn.h>
#include <sys/mman.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace {

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
constexpr size_t PAGE = 4096;
std::recursive_mutex mutex;
Context primary[DEVICES] = {{0, 0}, {1, 0}};
std::map<char *, Block> blocks;
std::map<std::string, long> calls;
std::map<std::string, std::pair<int, int>> failures;  // code, and how many calls go well before
std::map<CUstream, Graph *> captured;
std::vector<Pool *> pools;
std::map<std::pair<CUstream, CUstream>, long> waits;  // by who waits and for whom
long host_waits;
size_t used[DEVICES], total = size_t(1) << 31;
void *last_stream;
bool ready;
thread_local std::vector<Context *> stack;

CUresult enter(const char *name, bool needs_context) {
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
CUresult wait(const char *name) {
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

// The block that has the address, or null.
std::pair<char *const, Block> *block_of(const void *address) {
    auto next = blocks.upper_bound((char *)address);
    if (next == blocks.begin()) return nullptr;
    auto &block = *--next;
    return (char *)address < block.first + block.second.bytes ? &block : nullptr;
}

bool within(CUdeviceptr address, size_t bytes) {
    std::lock_guard<std::recursive_mutex> lock(mutex);
    if (!bytes) return true;
    auto *block = block_of((void *)address);
    return block && (char *)address + bytes <= block->first + block->second.bytes && block->second.context->device == stack.back()->device;
}

CUresult allocate(void **address, size_t bytes, bool host, Pool *pool = nullptr) {
    std::lock_guard<std::recursive_mutex> lock(mutex);
    Context *context = stack.back();
    if (!bytes) return CUDA_ERROR_INVALID_VALUE;
    size_t more = host ? 0 : bytes;  // from the device
    if (pool) more -= std::min(more, pool->reserved - pool->used);
    if (more && used[context->device] + more > total) return CUDA_ERROR_OUT_OF_MEMORY;
    size_t rounded = (bytes + 15) / 16 * 16, mapped = (rounded + PAGE - 1) / PAGE * PAGE + PAGE;
    char *map = (char *)mmap(nullptr, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (map == MAP_FAILED) return CUDA_ERROR_OUT_OF_MEMORY;
    mprotect(map + mapped - PAGE, PAGE, PROT_NONE);
    char *start = map + mapped - PAGE - rounded;
    std::memset(start, 0xff, rounded);
    blocks[start] = {bytes, context, map, mapped, host, pool, nullptr, nullptr, {}};
    used[context->device] += more;
    if (pool) pool->reserved += more, pool->used += bytes;
    *address = start;
    return CUDA_SUCCESS;
}

CUresult release(void *address, bool host, bool pooled = false) {
    std::lock_guard<std::recursive_mutex> lock(mutex);
    auto block = blocks.find((char *)address);
    if (block == blocks.end() || block->second.host != host || !block->second.pool == pooled) return CUDA_ERROR_INVALID_VALUE;
    if (pooled) block->second.pool->used -= block->second.bytes;
    else if (!host) used[block->second.context->device] -= block->second.bytes;
    munmap(block->second.map, block->second.mapped);
    blocks.erase(block);
    return CUDA_SUCCESS;
}

void leave_context(Context *context) {
    if (!stack.empty() && stack.back() == context) stack.pop_back();
}

}  // namespace

#define ENTER(needs_context) \
    if (CUresult failed = enter(__func__, needs_context)) return failed
#define WAIT() \
    if (CUresult failed = wait(__func__)) return failed
#define REQUIRE(condition) \
    if (!(condition)) return CUDA_ERROR_INVALID_VALUE
#define EXPORT extern "C" __attribute__((visibility("default")))

EXPORT CUresult cuInit(unsigned) {
    ready = true;
    ENTER(false);
    return CUDA_SUCCESS;
}
EXPORT CUresult cuDriverGetVersion(int *version) {
    *version = CUDA_VERSION;
    return CUDA_SUCCESS;
}
EXPORT CUresult cuGetErrorString(CUresult code, const char **words) {
    static const std::map<int, const char *> known = {{1, "invalid argument"}, {2, "out of memory"}, {3, "initialization error"},
        {100, "no CUDA-capable device is detected"}, {200, "device kernel image is invalid"}, {201, "invalid device context"},
        {209, "no kernel image is available for execution on the device"}, {500, "named symbol not found"}, {719, "unspecified launch failure"},
        {801, "operation not supported"}, {900, "operation not permitted when stream is capturing"}};
    auto found = known.find(code);
    *words = found == known.end() ? "emulated error" : found->second;
    return CUDA_SUCCESS;
}
EXPORT CUresult cuGetErrorName(CUresult code, const char **name) { return cuGetErrorString(code, name); }

// Devices

EXPORT CUresult cuDeviceGetCount(int *count) {
    ENTER(false);
    *count = std::getenv("EMULATOR_DEVICES") ? std::atoi(std::getenv("EMULATOR_DEVICES")) : DEVICES;
    return CUDA_SUCCESS;
}
EXPORT CUresult cuDeviceGet(CUdevice *device, int ordinal) {
    ENTER(false);
    if (ordinal < 0 || ordinal >= DEVICES) return CUDA_ERROR_INVALID_DEVICE;
    *device = ordinal;
    return CUDA_SUCCESS;
}
EXPORT CUresult cuDeviceGetName(char *name, int length, CUdevice) {
    std::snprintf(name, length, "emulated");
    return CUDA_SUCCESS;
}
EXPORT CUresult cuDeviceComputeCapability(int *major, int *minor, CUdevice) {
    *major = 9, *minor = 0;
    return CUDA_SUCCESS;
}
EXPORT CUresult cuDeviceTotalMem(size_t *bytes, CUdevice) {
    *bytes = total;
    return CUDA_SUCCESS;
}
EXPORT CUresult cuDeviceGetAttribute(int *value, CUdevice_attribute, CUdevice) {
    *value = 0;
    return CUDA_SUCCESS;
}

// Contexts

EXPORT CUresult cuDevicePrimaryCtxRetain(CUcontext *context, CUdevice device) {
    ENTER(false);
    primary[device].references++;
    *context = (CUcontext)&primary[device];
    return CUDA_SUCCESS;
}
EXPORT CUresult cuDevicePrimaryCtxRelease(CUdevice device) {
    ENTER(false);
    REQUIRE(primary[device].references > 0);
    primary[device].references--;
    return CUDA_SUCCESS;
}
EXPORT CUresult cuCtxCreate(CUcontext *context, CUctxCreateParams *, unsigned, CUdevice device) {
    ENTER(false);
    auto *made = new Context{device, 1};
    stack.push_back(made);
    *context = (CUcontext)made;
    return CUDA_SUCCESS;
}
EXPORT CUresult cuCtxDestroy(CUcontext context) {
    ENTER(false);
    leave_context((Context *)context);
    return CUDA_SUCCESS;
}
EXPORT CUresult cuCtxDetach(CUcontext context) {
    ENTER(false);
    leave_context((Context *)context);
    return CUDA_SUCCESS;
}
EXPORT CUresult cuCtxPushCurrent(CUcontext context) {
    ENTER(false);
    REQUIRE(context);
    stack.push_back((Context *)context);
    return CUDA_SUCCESS;
}
EXPORT CUresult cuCtxPopCurrent(CUcontext *context) {
    ENTER(true);
    if (context) *context = (CUcontext)stack.back();
    stack.pop_back();
    return CUDA_SUCCESS;
}
EXPORT CUresult cuCtxGetCurrent(CUcontext *context) {
    ENTER(false);
    *context = stack.empty() ? nullptr : (CUcontext)stack.back();
    return CUDA_SUCCESS;
}
EXPORT CUresult cuCtxGetDevice(CUdevice *device) {
    ENTER(true);
    *device = stack.back()->device;
    return CUDA_SUCCESS;
}
EXPORT CUresult cuCtxGetApiVersion(CUcontext, unsigned *version) {
    *version = CUDA_VERSION;
    return CUDA_SUCCESS;
}
EXPORT CUresult cuCtxSynchronize() {
    WAIT();
    return CUDA_SUCCESS;
}

// Memory

EXPORT CUresult cuMemAlloc(CUdeviceptr *address, size_t bytes) {
    WAIT();
    return allocate((void **)address, bytes, false);
}
EXPORT CUresult cuMemFree(CUdeviceptr address) {
    WAIT();
    return release((void *)address, false);
}
EXPORT CUresult cuMemHostAlloc(void **address, size_t bytes, unsigned) {
    WAIT();
    return allocate(address, bytes, true);
}
EXPORT CUresult cuMemFreeHost(void *address) {
    WAIT();
    return release(address, true);
}
EXPORT CUresult cuMemGetInfo(size_t *free, size_t *all) {
    ENTER(true);
    const size_t taken = used[stack.back()->device];
    *all = total, *free = taken < total ? total - taken : 0;
    return CUDA_SUCCESS;
}
EXPORT CUresult cuMemcpyHtoD(CUdeviceptr to, const void *from, size_t bytes) {
    WAIT();
    REQUIRE(within(to, bytes));
    std::memcpy((void *)to, from, bytes);
    return CUDA_SUCCESS;
}
EXPORT CUresult cuMemcpyDtoH(void *to, CUdeviceptr from, size_t bytes) {
    WAIT();
    REQUIRE(within(from, bytes));
    std::memcpy(to, (void *)from, bytes);
    return CUDA_SUCCESS;
}
EXPORT CUresult cuMemcpyDtoD(CUdeviceptr to, CUdeviceptr from, size_t bytes) {
    ENTER(true);
    REQUIRE(within(to, bytes) && within(from, bytes));
    std::memmove((void *)to, (void *)from, bytes);
    return CUDA_SUCCESS;
}
// Memory that is not page-locked may be waited for.
EXPORT CUresult cuMemcpyHtoDAsync(CUdeviceptr to, const void *from, size_t bytes, CUstream) { return cuMemcpyHtoD(to, from, bytes); }
EXPORT CUresult cuMemcpyDtoHAsync(void *to, CUdeviceptr from, size_t bytes, CUstream) { return cuMemcpyDtoH(to, from, bytes); }
EXPORT CUresult cuMemcpyDtoDAsync(CUdeviceptr to, CUdeviceptr from, size_t bytes, CUstream stream) {
    return work(stream, [=] { return cuMemcpyDtoD(to, from, bytes); });
}
EXPORT CUresult cuMemsetD8Async(CUdeviceptr address, unsigned char value, size_t bytes, CUstream stream) {
    ENTER(true);
    REQUIRE(within(address, bytes));
    return work(stream, [=] {
        std::memset((void *)address, value, bytes);
        return CUDA_SUCCESS;
    });
}
EXPORT CUresult cuPointerGetAttributes(unsigned count, CUpointer_attribute *attributes, void **values, CUdeviceptr address) {
    ENTER(true);
    std::lock_guard<std::recursive_mutex> lock(mutex);
    auto *block = block_of((void *)address);
    for (unsigned i = 0; i < count; i++) switch (attributes[i]) {
        case CU_POINTER_ATTRIBUTE_CONTEXT:
            *(CUcontext *)values[i] = block && !block->second.pool ? (CUcontext)block->second.context : nullptr;
            break;
        case CU_POINTER_ATTRIBUTE_MEMORY_TYPE:
            *(int *)values[i] = !block ? 0 : block->second.host ? CU_MEMORYTYPE_HOST : CU_MEMORYTYPE_DEVICE;
            break;
        case CU_POINTER_ATTRIBUTE_DEVICE_ORDINAL: *(int *)values[i] = block ? block->second.context->device : -2; break;
        default: return CUDA_ERROR_NOT_SUPPORTED;
    }
    return CUDA_SUCCESS;
}

// Pools: what is freed cannot be touched any more, but its bytes stay the pool's.

EXPORT CUresult cuMemPoolCreate(CUmemoryPool *pool, const CUmemPoolProps *wanted) {
    ENTER(false);
    REQUIRE(wanted->allocType == CU_MEM_ALLOCATION_TYPE_PINNED && wanted->location.type == CU_MEM_LOCATION_TYPE_DEVICE);
    REQUIRE(!wanted->handleTypes && !wanted->maxSize && wanted->location.id >= 0 && wanted->location.id < DEVICES);
    pools.push_back(new Pool{wanted->location.id, 0, 0, 0});
    *pool = (CUmemoryPool)pools.back();
    return CUDA_SUCCESS;
}
EXPORT CUresult cuMemPoolSetAttribute(CUmemoryPool pool, CUmemPool_attribute which, void *value) {
    ENTER(false);
    REQUIRE(which == CU_MEMPOOL_ATTR_RELEASE_THRESHOLD);
    ((Pool *)pool)->threshold = *(uint64_t *)value;
    return CUDA_SUCCESS;
}
EXPORT CUresult cuMemPoolGetAttribute(CUmemoryPool pool, CUmemPool_attribute which, void *value) {
    ENTER(false);
    REQUIRE(which == CU_MEMPOOL_ATTR_RESERVED_MEM_CURRENT || which == CU_MEMPOOL_ATTR_USED_MEM_CURRENT);
    *(uint64_t *)value = which == CU_MEMPOOL_ATTR_USED_MEM_CURRENT ? ((Pool *)pool)->used : ((Pool *)pool)->reserved;
    return CUDA_SUCCESS;
}
EXPORT CUresult cuMemPoolTrimTo(CUmemoryPool handle, size_t kept) {
    ENTER(false);
    std::lock_guard<std::recursive_mutex> lock(mutex);
    Pool *pool = (Pool *)handle;
    kept = std::min(pool->reserved, std::max(pool->used, kept));
    used[pool->device] -= pool->reserved - kept;
    pool->reserved = kept;
    return CUDA_SUCCESS;
}
EXPORT CUresult cuMemAllocFromPoolAsync(CUdeviceptr *address, size_t bytes, CUmemoryPool pool, CUstream stream) {
    ENTER(true);
    std::lock_guard<std::recursive_mutex> lock(mutex);
    REQUIRE(((Pool *)pool)->device == stack.back()->device);
    if (CUresult failed = allocate((void **)address, bytes, false, (Pool *)pool)) return failed;
    Block &block = blocks[(char *)*address];
    block.stream = stream, block.thread = std::this_thread::get_id();
    auto capture = captured.find(stream);
    if (capture != captured.end()) {
        block.graph = capture->second;
        block.graph->memory.push_back((char *)*address);
    }
    return CUDA_SUCCESS;
}
EXPORT CUresult cuMemFreeAsync(CUdeviceptr address, CUstream stream) {
    ENTER(true);
    std::lock_guard<std::recursive_mutex> lock(mutex);
    auto found = blocks.find((char *)address);
    REQUIRE(found != blocks.end() && found->second.pool && found->second.stream == stream);
    REQUIRE(stream != CU_STREAM_PER_THREAD || found->second.thread == std::this_thread::get_id());
    auto capture = captured.find(stream);
    REQUIRE(found->second.graph == (capture == captured.end() ? nullptr : capture->second));
    if (!found->second.graph) return release((void *)address, false, true);
    const size_t bytes = found->second.bytes;  // a graph's own until it is destroyed, but nothing is left in it
    return work(stream, [=] {
        std::memset((void *)address, 0xff, bytes);
        return CUDA_SUCCESS;
    });
}

// Streams and events: all work is done when a call returns, or when the graph is launched that captures it.

EXPORT CUresult cuStreamCreate(CUstream *stream, unsigned) {
    ENTER(true);
    *stream = (CUstream) new char;
    return CUDA_SUCCESS;
}
EXPORT CUresult cuStreamDestroy(CUstream stream) {
    delete (char *)stream;
    return CUDA_SUCCESS;
}
EXPORT CUresult cuStreamSynchronize(CUstream) {
    WAIT();
    return CUDA_SUCCESS;
}
EXPORT CUresult cuStreamWaitEvent(CUstream stream, CUevent event, unsigned) {
    ENTER(true);
    std::lock_guard<std::recursive_mutex> lock(mutex);
    waits[{stream, ((Event *)event)->stream}]++;
    return CUDA_SUCCESS;
}
EXPORT CUresult cuEventCreate(CUevent *event, unsigned) {
    ENTER(true);
    *event = (CUevent) new Event{};
    return CUDA_SUCCESS;
}
EXPORT CUresult cuEventDestroy(CUevent event) {
    ENTER(true);
    delete (Event *)event;
    return CUDA_SUCCESS;
}
EXPORT CUresult cuEventRecord(CUevent event, CUstream stream) {
    ENTER(true);
    ((Event *)event)->stream = stream;
    return CUDA_SUCCESS;
}
EXPORT CUresult cuStreamBeginCapture(CUstream stream, CUstreamCaptureMode) {
    ENTER(true);
    std::lock_guard<std::recursive_mutex> lock(mutex);
    REQUIRE(stream && stream != CU_STREAM_LEGACY && !captured.count(stream));
    captured[stream] = new Graph{};
    return CUDA_SUCCESS;
}
EXPORT CUresult cuStreamEndCapture(CUstream stream, CUgraph *graph) {
    ENTER(true);
    std::lock_guard<std::recursive_mutex> lock(mutex);
    REQUIRE(captured.count(stream));
    *graph = (CUgraph)captured[stream];
    captured.erase(stream);
    return ((Graph *)*graph)->broken ? CUDA_ERROR_STREAM_CAPTURE_INVALIDATED : CUDA_SUCCESS;
}
EXPORT CUresult cuGraphInstantiateWithFlags(CUgraphExec *executable, CUgraph graph, unsigned long long) {
    ENTER(true);
    *executable = (CUgraphExec)graph;
    return CUDA_SUCCESS;
}
EXPORT CUresult cuGraphLaunch(CUgraphExec executable, CUstream) {
    ENTER(true);
    std::lock_guard<std::recursive_mutex> lock(mutex);
    for (auto &job : ((Graph *)executable)->work) job();
    return CUDA_SUCCESS;
}
EXPORT CUresult cuGraphExecDestroy(CUgraphExec) {
    ENTER(true);
    return CUDA_SUCCESS;
}
EXPORT CUresult cuGraphDestroy(CUgraph graph) {
    ENTER(true);
    for (char *address : ((Graph *)graph)->memory) release(address, false, true);
    delete (Graph *)graph;
    return CUDA_SUCCESS;
}

// Kernels: any code for a GPU is answered by the host's build of the same sources, $EMULATOR_KERNELS.

EXPORT CUresult cuModuleLoadData(CUmodule *module, const void *image) {
    WAIT();
    const uint32_t magic = *(const uint32_t *)image;
    if (magic != 0xba55ed50 && magic != 0x464c457f) return CUDA_ERROR_INVALID_IMAGE;  // a fatbin, an ELF
    const char *path = std::getenv("EMULATOR_KERNELS");
    void *library = path ? dlopen(path, RTLD_NOW | RTLD_LOCAL) : nullptr;
    if (!library) {
        std::fprintf(stderr, "emulator: EMULATOR_KERNELS must name the host's build of the kernels, got %s\n", path ? dlerror() : "nothing");
        return CUDA_ERROR_INVALID_IMAGE;
    }
    *module = (CUmodule) new Module{(decltype(Module::find))dlsym(library, "emulator_find"), (decltype(Module::run))dlsym(library, "emulator_run")};
    return CUDA_SUCCESS;
}
EXPORT CUresult cuModuleUnload(CUmodule module) {
    delete (Module *)module;
    return CUDA_SUCCESS;
}
EXPORT CUresult cuModuleGetFunction(CUfunction *function, CUmodule module, const char *name) {
    ENTER(true);
    const void *kernel = ((Module *)module)->find(name);
    if (!kernel) return CUDA_ERROR_NOT_FOUND;
    *function = (CUfunction) new Function{(Module *)module, kernel};
    return CUDA_SUCCESS;
}
EXPORT CUresult cuLaunchKernel(CUfunction function, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by, unsigned bz,
                               unsigned shared, CUstream stream, void **parameters, void **extra) {
    ENTER(true);
    REQUIRE(gx && gx <= 0x7fffffff && gy == 1 && gz == 1 && bx && bx <= 1024 && by == 1 && bz == 1 && !shared);
    REQUIRE(!parameters && extra && extra[0] == CU_LAUNCH_PARAM_BUFFER_POINTER && extra[2] == CU_LAUNCH_PARAM_BUFFER_SIZE);
    std::lock_guard<std::recursive_mutex> lock(mutex);
    last_stream = stream;
    auto *f = (Function *)function;
    const std::vector<char> values((char *)extra[1], (char *)extra[1] + *(size_t *)extra[3]);
    return work(stream, [=] {
        switch (f->module->run(f->kernel, values.data(), values.size(), gx, bx)) {
            case 1: std::fprintf(stderr, "emulator: the parameters are not of the kernel's size\n"); return CUDA_ERROR_INVALID_VALUE;
            case 2: std::fprintf(stderr, "emulator: threads wait at different barriers\n"); return CUDA_ERROR_LAUNCH_FAILED;
        }
        return CUDA_SUCCESS;
    });
}

// For tests

EXPORT void emulator_fail(const char *name, int code, int after) {
    std::lock_guard<std::recursive_mutex> lock(mutex);
    failures[name] = {code, after};
}
EXPORT void emulator_set_memory(size_t bytes) { total = bytes; }
EXPORT long emulator_calls(const char *name) {
    std::lock_guard<std::recursive_mutex> lock(mutex);
    return calls[name];
}
EXPORT long emulator_blocks() {
    std::lock_guard<std::recursive_mutex> lock(mutex);
    return (long)blocks.size();
}
EXPORT long emulator_contexts() { return (long)stack.size(); }
EXPORT void *emulator_stream() { return last_stream; }
EXPORT long emulator_host_waits() { return host_waits; }
EXPORT long emulator_stream_waits(CUstream stream, CUstream other) {
    std::lock_guard<std::recursive_mutex> lock(mutex);
    return waits[{stream, other}];
}
EXPORT int emulator_references(int device) { return primary[device].references; }
