/* What XLA calls for each of convt's maps: it hands the work on to Python, whose lock the callback takes.
 *
 * `work` describes the whole map, so that a program that was compiled by another process finds all that it needs here.
 * The buffers are as the program's shapes and layouts say; Python knows these from `work`.
 */
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <thread>

#include <unistd.h>

#include "xla/ffi/api/ffi.h"

namespace ffi = xla::ffi;

namespace {

/* Puts into the `room` bytes of `said` what went wrong, or nothing, with a zero at its end. */
using Run = void (*)(const char *work, int64_t length, const void *left, const void *right, void *result, char *said,
                     int64_t room);

/* What is said unless Python says otherwise: Ctrl-C may come before it can. */
const char interrupted[] = "KeyboardInterrupt";

std::atomic<Run> python{nullptr};
std::atomic<int> inside{0};
pid_t owner;

struct Visit {
    Visit() { inside.fetch_add(1); }
    ~Visit() { inside.fetch_sub(1); }
};

ffi::Error map(std::string_view work, ffi::AnyBuffer left, ffi::AnyBuffer right, ffi::Result<ffi::AnyBuffer> result)
{
    Visit visit;
    Run run = python.load(); /* after the visit has begun: who closes waits for it */
    if (run == nullptr)
        return ffi::Error(ffi::ErrorCode::kCancelled, "convt: Python ends");
    char said[2000] = {};
    std::strcpy(said, interrupted);
    run(work.data(), static_cast<int64_t>(work.size()), left.untyped_data(), right.untyped_data(), result->untyped_data(),
        said, sizeof said);
    if (said[0] == 0)
        return ffi::Error::Success();
    if (std::strncmp(said, interrupted, sizeof interrupted - 1) == 0)
        std::raise(SIGINT); /* again, for the program that has called XLA */
    return ffi::Error(ffi::ErrorCode::kInternal, said);
}

} // namespace

XLA_FFI_DEFINE_HANDLER_SYMBOL(convt_jax_map, map,
                              ffi::Ffi::Bind()
                                  .Attr<std::string_view>("work")
                                  .Arg<ffi::AnyBuffer>()
                                  .Arg<ffi::AnyBuffer>()
                                  .Ret<ffi::AnyBuffer>());

extern "C" void convt_jax_open(Run run)
{
    owner = getpid();
    python.store(run);
}

/* From here on nothing calls Python, which may go. In a forked child, the visits of the parent's threads never end. */
extern "C" void convt_jax_close(void)
{
    python.store(nullptr);
    while (getpid() == owner && inside.load() != 0)
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
}
