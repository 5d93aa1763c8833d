// Memory of the emulated driver: blocks, copies, pools.
#include <sys/mman.h>

#include <cstring>

#include "state.h"

using namespace emulated;

namespace {

constexpr size_t PAGE = 4096;

// The block that has the address, or null.
std::pair<char *const, Block> *block_of(const void *address) {
    auto next = blocks.upper_bound((char *)address);
    if (next == blocks.begin()) return nullptr;
    auto &block = *--next;
    return !block.second.freed && (char *)address < block.first + block.second.bytes ? &block : nullptr;
}

bool within(CUdeviceptr address, size_t bytes) {
    std::lock_guard<std::recursive_mutex> lock(mutex);
    if (!bytes) return true;
    auto *block = block_of((void *)address);
    return block && (char *)address + bytes <= block->first + block->second.bytes && block->second.context->device == stack.back()->device;
}

bool is_pinned(const void *address) {
    std::lock_guard<std::recursive_mutex> lock(mutex);
    auto *block = block_of(address);
    return block && block->second.host;
}

CUresult copy(void *to, const void *from, size_t bytes, CUstream stream, bool later) {
    CUresult given = work(stream, [=] {
        std::memmove(to, from, bytes);
        return CUDA_SUCCESS;
    });
    return given || later ? given : finish(stream);
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
    blocks[start] = {bytes, context, map, mapped, host, pool, nullptr, nullptr, {}, false};
    used[context->device] += more;
    if (pool) pool->reserved += more, pool->used += bytes;
    *address = start;
    return CUDA_SUCCESS;
}

}  // namespace

CUresult emulated::release(void *address, bool host, bool pooled) {
    std::lock_guard<std::recursive_mutex> lock(mutex);
    auto block = blocks.find((char *)address);
    if (block == blocks.end() || block->second.host != host || !block->second.pool == pooled) return CUDA_ERROR_INVALID_VALUE;
    if (!pooled) finish_all();
    if (pooled && !block->second.freed) block->second.pool->used -= block->second.bytes;
    else if (!pooled && !host) used[block->second.context->device] -= block->second.bytes;
    munmap(block->second.map, block->second.mapped);
    blocks.erase(block);
    return CUDA_SUCCESS;
}

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
    if (CUresult failed = finish((CUstream) nullptr)) return failed;
    std::memcpy((void *)to, from, bytes);
    return CUDA_SUCCESS;
}
EXPORT CUresult cuMemcpyDtoH(void *to, CUdeviceptr from, size_t bytes) {
    WAIT();
    REQUIRE(within(from, bytes));
    if (CUresult failed = finish((CUstream) nullptr)) return failed;
    std::memcpy(to, (void *)from, bytes);
    return CUDA_SUCCESS;
}
EXPORT CUresult cuMemcpyDtoD(CUdeviceptr to, CUdeviceptr from, size_t bytes) {
    return cuMemcpyDtoDAsync(to, from, bytes, nullptr);
}
// To and from memory that is not page-locked it is done before the call returns. Tests count copies, and let them fail, by one name.
EXPORT CUresult cuMemcpyHtoDAsync(CUdeviceptr to, const void *from, size_t bytes, CUstream stream) {
    if (CUresult failed = enter("cuMemcpyHtoD_v2", true)) return failed;
    WAIT();
    REQUIRE(within(to, bytes));
    return copy((void *)to, from, bytes, stream, is_pinned(from));
}
EXPORT CUresult cuMemcpyDtoHAsync(void *to, CUdeviceptr from, size_t bytes, CUstream stream) {
    if (CUresult failed = enter("cuMemcpyDtoH_v2", true)) return failed;
    WAIT();
    REQUIRE(within(from, bytes));
    return copy(to, (void *)from, bytes, stream, is_pinned(to));
}
EXPORT CUresult cuMemcpyDtoDAsync(CUdeviceptr to, CUdeviceptr from, size_t bytes, CUstream stream) {
    ENTER(true);
    REQUIRE(within(to, bytes) && within(from, bytes));
    return copy((void *)to, (void *)from, bytes, stream, true);
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
    last_allocation = block.stream = stream, block.thread = std::this_thread::get_id();
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
    if (!found->second.graph) {
        REQUIRE(!found->second.freed);
        found->second.freed = true, found->second.pool->used -= found->second.bytes;
        return work(stream, [=] { return release((void *)address, false, true); });
    }
    const size_t bytes = found->second.bytes;  // a graph's own until it is destroyed, but nothing is left in it
    return work(stream, [=] {
        std::memset((void *)address, 0xff, bytes);
        return CUDA_SUCCESS;
    });
}
