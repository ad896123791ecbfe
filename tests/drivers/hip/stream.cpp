// libamdhip64: streams and events.
#include "face.h"

namespace sampan::emulator::hip {
namespace {

constexpr std::uint32_t kWholeWord = 0xffffffffu;
// Flags of events that only matter to caches.
constexpr unsigned kFenceFlags = 0xe0000000u;

}  // namespace

SAMPAN_EMU_EXPORT hipError_t hipStreamCreateWithPriority(hipStream_t* stream, unsigned flags,
                                                         int priority) {
  return run(
      "hipStreamCreateWithPriority",
      [&] { return driver::create_stream(out(stream), flags, priority); }, flags, priority);
}

SAMPAN_EMU_EXPORT hipError_t hipStreamCreateWithFlags(hipStream_t* stream, unsigned flags) {
  return run(
      "hipStreamCreateWithFlags", [&] { return driver::create_stream(out(stream), flags, 0); },
      flags);
}

SAMPAN_EMU_EXPORT hipError_t hipStreamDestroy(hipStream_t stream) {
  return run<Effect::done>(
      "hipStreamDestroy", [&] { return driver::destroy_stream(stream); }, stream);
}

SAMPAN_EMU_EXPORT hipError_t hipStreamSynchronize(hipStream_t stream) {
  return run(
      "hipStreamSynchronize", [&] { return driver::synchronize_stream(stream); }, stream);
}

SAMPAN_EMU_EXPORT hipError_t hipStreamQuery(hipStream_t stream) {
  return run(
      "hipStreamQuery", [&] { return driver::query_stream(stream); }, stream);
}

SAMPAN_EMU_EXPORT hipError_t hipStreamWaitEvent(hipStream_t stream, hipEvent_t event,
                                                unsigned flags) {
  return run(
      "hipStreamWaitEvent",
      [&] {
        require(flags == 0, Status::invalid_value);
        return driver::wait_event(stream, event);
      },
      stream, event, flags);
}

SAMPAN_EMU_EXPORT hipError_t hipLaunchHostFunc(hipStream_t stream, hipHostFn_t function,
                                               void* argument) {
  return run(
      "hipLaunchHostFunc", [&] { return driver::launch_host_function(stream, function, argument); },
      stream, argument);
}

SAMPAN_EMU_EXPORT hipError_t hipStreamWaitValue32(hipStream_t stream, void* address,
                                                  std::uint32_t value, unsigned flags,
                                                  std::uint32_t mask) {
  return run(
      "hipStreamWaitValue32",
      [&] {
        require(mask == kWholeWord, Status::not_supported);
        return driver::wait_value(stream, address_of(address), value, flags);
      },
      stream, address, value, flags, mask);
}

SAMPAN_EMU_EXPORT hipError_t hipStreamWriteValue32(hipStream_t stream, void* address,
                                                   std::uint32_t value, unsigned flags) {
  return run(
      "hipStreamWriteValue32",
      [&] { return driver::write_value(stream, address_of(address), value); }, stream, address,
      value, flags);
}

SAMPAN_EMU_EXPORT hipError_t hipEventCreateWithFlags(hipEvent_t* event, unsigned flags) {
  return run(
      "hipEventCreateWithFlags",
      [&] { return driver::create_event(out(event), flags & ~kFenceFlags); }, flags);
}

SAMPAN_EMU_EXPORT hipError_t hipEventDestroy(hipEvent_t event) {
  return run<Effect::done>(
      "hipEventDestroy", [&] { return driver::destroy_event(event); }, event);
}

SAMPAN_EMU_EXPORT hipError_t hipEventRecord(hipEvent_t event, hipStream_t stream) {
  return run(
      "hipEventRecord", [&] { return driver::record_event(event, stream); }, event, stream);
}

SAMPAN_EMU_EXPORT hipError_t hipEventQuery(hipEvent_t event) {
  return run(
      "hipEventQuery", [&] { return driver::query_event(event); }, event);
}

SAMPAN_EMU_EXPORT hipError_t hipEventSynchronize(hipEvent_t event) {
  return run(
      "hipEventSynchronize", [&] { return driver::synchronize_event(event); }, event);
}

SAMPAN_EMU_EXPORT hipError_t hipEventElapsedTime(float* out_ms, hipEvent_t begin, hipEvent_t end) {
  return run(
      "hipEventElapsedTime", [&] { return driver::elapsed(out_ms, begin, end); }, begin, end);
}

}  // namespace sampan::emulator::hip
