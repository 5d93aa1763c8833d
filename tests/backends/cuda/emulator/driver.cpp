// A stand-in for NVIDIA's libcuda.so.1: devices are two pieces of the host's memory, kernels run on the processor.
//
// It answers what PyCUDA and convt ask; every other function of cuda.h says CUDA_ERROR_NOT_SUPPORTED (stubs.c, generated).
// It is stricter than a GPU: new memory is NaN, memory ends at a page that cannot be touched and is gone when freed, copies
// must stay inside one allocation, every call needs a context, memory of a pool is freed in the stream that it was allocated
// in, and a stream's work is done when somebody waits for it, not before. Calls are counted, and tests ask for them (emulator_*,
// at the end). In a stream that is being captured, work is written into the graph and not done.
//
// state.h has what it knows, memory.cpp and streams.cpp the functions of these kinds, this file the others.
#include <dlfcn.h>

#include "state.h"

using namespace emulated;

namespace {

void leave_context(Context *context) {
    if (!stack.empty() && stack.back() == context) stack.pop_back();
}

}  // namespace

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
        {209, "no kernel image is available for execution on the device"}, {500, "named symbol not found"}, {716, "misaligned address"}, {719, "unspecified launch failure"},
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
    std::lock_guard<std::recursive_mutex> lock(mutex);
    return finish_all();
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
    last_launch = stream;
    auto *f = (Function *)function;
    const std::vector<char> values((char *)extra[1], (char *)extra[1] + *(size_t *)extra[3]);
    return work(stream, [=] {
        switch (f->module->run(f->kernel, values.data(), values.size(), gx, bx)) {
            case 1: std::fprintf(stderr, "emulator: the parameters are not of the kernel's size\n"); return CUDA_ERROR_INVALID_VALUE;
            case 2: std::fprintf(stderr, "emulator: threads wait at different barriers\n"); return CUDA_ERROR_LAUNCH_FAILED;
            case 3: return CUDA_ERROR_MISALIGNED_ADDRESS;
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
    return std::count_if(blocks.begin(), blocks.end(), [](auto &each) { return !each.second.freed; });
}
EXPORT long emulator_contexts() { return (long)stack.size(); }
EXPORT CUstream emulator_stream() { return last_launch; }
EXPORT CUstream emulator_scratch_stream() { return last_allocation; }
EXPORT long emulator_host_waits() { return host_waits; }
EXPORT long emulator_stream_waits(CUstream stream, CUstream other) {
    std::lock_guard<std::recursive_mutex> lock(mutex);
    return waits[{stream, other}];
}
// For who computes at once what a stream should: the stand-in for cuDNN.
EXPORT void emulator_finish(CUstream stream) { finish(stream); }
EXPORT int emulator_references(int device) { return primary[device].references; }
