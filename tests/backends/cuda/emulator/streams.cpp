// Streams, events and graphs of the emulated driver. Work is done as late as streams, events and those who wait allow: who does
// not wait finds memory as it was before.
#include "state.h"

using namespace emulated;

EXPORT CUresult cuStreamCreate(CUstream *stream, unsigned flags) {
    ENTER(true);
    std::lock_guard<std::recursive_mutex> lock(mutex);
    *stream = (CUstream) new char;
    queue_of(*stream).apart = flags & CU_STREAM_NON_BLOCKING;
    return CUDA_SUCCESS;
}
EXPORT CUresult cuStreamDestroy(CUstream stream) {
    finish(stream);  // its queue stays, for those who wait for it
    return CUDA_SUCCESS;
}
EXPORT CUresult cuStreamSynchronize(CUstream stream) {
    WAIT();
    return finish(stream);
}
EXPORT CUresult cuStreamWaitEvent(CUstream stream, CUevent event, unsigned) {
    ENTER(true);
    std::lock_guard<std::recursive_mutex> lock(mutex);
    const Event &e = *(Event *)event;
    waits[{stream, e.stream}]++;
    if (e.queue) give(queue_of(stream), [queue = e.queue, given = e.given] { return finish(*queue, given); });
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
EXPORT CUresult cuEventSynchronize(CUevent event) {
    WAIT();
    std::lock_guard<std::recursive_mutex> lock(mutex);
    const Event &e = *(Event *)event;
    return e.queue ? finish(*e.queue, e.given) : CUDA_SUCCESS;
}
#undef cuEventElapsedTime  // a newer name, in newer headers; drivers have both
EXPORT CUresult cuEventElapsedTime(float *milliseconds, CUevent, CUevent) {
    ENTER(true);
    *milliseconds = 1;  // whatever was done
    return CUDA_SUCCESS;
}
EXPORT CUresult cuEventRecord(CUevent event, CUstream stream) {
    ENTER(true);
    std::lock_guard<std::recursive_mutex> lock(mutex);
    Queue &queue = queue_of(stream);
    keep_default_order(queue);
    *(Event *)event = {stream, &queue, queue.given};
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
EXPORT CUresult cuGraphLaunch(CUgraphExec executable, CUstream stream) {
    ENTER(true);
    return work(stream, [=] {
        for (auto &job : ((Graph *)executable)->work) job();
        return CUDA_SUCCESS;
    });
}
EXPORT CUresult cuGraphExecDestroy(CUgraphExec) {
    ENTER(true);
    return CUDA_SUCCESS;
}
EXPORT CUresult cuGraphDestroy(CUgraph graph) {
    ENTER(true);
    finish_all();
    for (char *address : ((Graph *)graph)->memory) release(address, false, true);
    delete (Graph *)graph;
    return CUDA_SUCCESS;
}
