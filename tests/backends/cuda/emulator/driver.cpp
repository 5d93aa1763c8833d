// A stand-in for NVIDIA's libcuda.so.1: devices are two pieces of the host's memory, kernels run on the processor.
//
// It answers what PyCUDA and convt ask; every other function of cuda.h says CUDA_ERROR_NOT_SUPPORTED (stubs.c, generated).
// It is stricter than a GPU: new memory is NaN, memory ends at a page that cannot be touched and is gone when freed, copies
// must stay inside one allocation, every call needs a context. Work is done when a call returns, so it cannot show that
// streams lack an order; the calls are counted instead, and tests ask for them (emulator_*, at the end).
#include <cuda.h>
#include <dlfcn.h>
#include <sys/mman.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>
#include <string>
#include <vector>

namespace {

struct Context {
    int device;
    int references;
};

struct Block {
    size_t bytes;
    Context *context;
    char *map;
    size_t mapped;
    bool host;
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

CUresult allocate(void **address, size_t bytes, bool host) {
    std::lock_guard<std::recursive_mutex> lock(mutex);
    Context *context = stack.back();
    if (!bytes) return CUDA_ERROR_INVALID_VALUE;
    if (!host && used[context->device] + bytes > total) return CUDA_ERROR_OUT_OF_MEMORY;
    size_t rounded = (bytes + 15) / 16 * 16, mapped = (rounded + PAGE - 1) / PAGE * PAGE + PAGE;
    char *map = (char *)mmap(nullptr, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (map == MAP_FAILED) return CUDA_ERROR_OUT_OF_MEMORY;
    mprotect(map + mapped - PAGE, PAGE, PROT_NONE);
    char *start = map + mapped - PAGE - rounded;
    std::memset(start, 0xff, rounded);
    blocks[start] = {bytes, context, map, mapped, host};
    if (!host) used[context->device] += bytes;
    *address = start;
    return CUDA_SUCCESS;
}

CUresult release(void *address, bool host) {
    std::lock_guard<std::recursive_mutex> lock(mutex);
    auto block = blocks.find((char *)address);
    if (block == blocks.end() || block->second.host != host) return CUDA_ERROR_INVALID_VALUE;
    if (!host) used[block->second.context->device] -= block->second.bytes;
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
        {209, "no kernel image is available for execution on the device"}, {500, "named symbol not found"}, {719, "unspecified launch failure"}};
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
    ENTER(true);
    return CUDA_SUCCESS;
}

// Memory

EXPORT CUresult cuMemAlloc(CUdeviceptr *address, size_t bytes) {
    ENTER(true);
    return allocate((void **)address, bytes, false);
}
EXPORT CUresult cuMemFree(CUdeviceptr address) {
    ENTER(true);
    return release((void *)address, false);
}
EXPORT CUresult cuMemHostAlloc(void **address, size_t bytes, unsigned) {
    ENTER(true);
    return allocate(address, bytes, true);
}
EXPORT CUresult cuMemFreeHost(void *address) {
    ENTER(true);
    return release(address, true);
}
EXPORT CUresult cuMemGetInfo(size_t *free, size_t *all) {
    ENTER(true);
    const size_t taken = used[stack.back()->device];
    *all = total, *free = taken < total ? total - taken : 0;
    return CUDA_SUCCESS;
}
EXPORT CUresult cuMemcpyHtoD(CUdeviceptr to, const void *from, size_t bytes) {
    ENTER(true);
    REQUIRE(within(to, bytes));
    std::memcpy((void *)to, from, bytes);
    return CUDA_SUCCESS;
}
EXPORT CUresult cuMemcpyDtoH(void *to, CUdeviceptr from, size_t bytes) {
    ENTER(true);
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
EXPORT CUresult cuMemcpyHtoDAsync(CUdeviceptr to, const void *from, size_t bytes, CUstream) { return cuMemcpyHtoD(to, from, bytes); }
EXPORT CUresult cuMemcpyDtoHAsync(void *to, CUdeviceptr from, size_t bytes, CUstream) { return cuMemcpyDtoH(to, from, bytes); }
EXPORT CUresult cuMemcpyDtoDAsync(CUdeviceptr to, CUdeviceptr from, size_t bytes, CUstream) { return cuMemcpyDtoD(to, from, bytes); }
EXPORT CUresult cuMemsetD8Async(CUdeviceptr address, unsigned char value, size_t bytes, CUstream) {
    ENTER(true);
    REQUIRE(within(address, bytes));
    std::memset((void *)address, value, bytes);
    return CUDA_SUCCESS;
}
EXPORT CUresult cuPointerGetAttributes(unsigned count, CUpointer_attribute *attributes, void **values, CUdeviceptr address) {
    ENTER(true);
    std::lock_guard<std::recursive_mutex> lock(mutex);
    auto *block = block_of((void *)address);
    for (unsigned i = 0; i < count; i++) switch (attributes[i]) {
        case CU_POINTER_ATTRIBUTE_CONTEXT: *(CUcontext *)values[i] = block ? (CUcontext)block->second.context : nullptr; break;
        case CU_POINTER_ATTRIBUTE_MEMORY_TYPE:
            *(int *)values[i] = !block ? 0 : block->second.host ? CU_MEMORYTYPE_HOST : CU_MEMORYTYPE_DEVICE;
            break;
        case CU_POINTER_ATTRIBUTE_DEVICE_ORDINAL: *(int *)values[i] = block ? block->second.context->device : -2; break;
        default: return CUDA_ERROR_NOT_SUPPORTED;
    }
    return CUDA_SUCCESS;
}

// Streams and events: all work is done when a call returns.

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
    ENTER(true);
    return CUDA_SUCCESS;
}
EXPORT CUresult cuStreamWaitEvent(CUstream, CUevent, unsigned) {
    ENTER(true);
    return CUDA_SUCCESS;
}
EXPORT CUresult cuEventCreate(CUevent *event, unsigned) {
    ENTER(true);
    *event = (CUevent) new char;
    return CUDA_SUCCESS;
}
EXPORT CUresult cuEventDestroy(CUevent event) {
    ENTER(true);
    delete (char *)event;
    return CUDA_SUCCESS;
}
EXPORT CUresult cuEventSynchronize(CUevent) {
    ENTER(true);
    return CUDA_SUCCESS;
}
EXPORT CUresult cuEventElapsedTime(float *milliseconds, CUevent, CUevent) {
    ENTER(true);
    *milliseconds = 1;
    return CUDA_SUCCESS;
}
EXPORT CUresult cuEventRecord(CUevent, CUstream) {
    ENTER(true);
    return CUDA_SUCCESS;
}

// Kernels: any code for a GPU is answered by the host's build of the same sources, $EMULATOR_KERNELS.

EXPORT CUresult cuModuleLoadData(CUmodule *module, const void *image) {
    ENTER(true);
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
    switch (f->module->run(f->kernel, extra[1], *(size_t *)extra[3], gx, bx)) {
        case 1: std::fprintf(stderr, "emulator: the parameters are not of the kernel's size\n"); return CUDA_ERROR_INVALID_VALUE;
        case 2: std::fprintf(stderr, "emulator: threads wait at different barriers\n"); return CUDA_ERROR_LAUNCH_FAILED;
    }
    return CUDA_SUCCESS;
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
EXPORT int emulator_references(int device) { return primary[device].references; }
