// Streams, events and graphs of the emulated driver: all work is done when a call returns, or when the graph is launched that
// captures it.
#include "state.h"

using namespace emulated;

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
EXPORT CUresult cuEventSynchronize(CUevent) {
    WAIT();
    return CUDA_SUCCESS;
}
#undef cuEventElapsedTime  // a newer name, in newer headers; drivers have both
EXPORT CUresult cuEventElapsedTime(float *milliseconds, CUevent, CUevent) {
    ENTER(true);
    *milliseconds = 1;  // whatever was done: all work is done when a call returns
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
