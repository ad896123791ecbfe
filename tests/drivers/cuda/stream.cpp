// libcuda: streams and events.
#include "face.h"

namespace sampan::emulator::cuda {

SAMPAN_EMU_EXPORT CUresult cuStreamCreateWithPriority(CUstream* stream, unsigned flags,
                                                      int priority) {
  return run(
      "cuStreamCreateWithPriority",
      [&] { return driver::create_stream(out(stream), flags, priority); }, flags, priority);
}

SAMPAN_EMU_EXPORT CUresult cuStreamCreate(CUstream* stream, unsigned flags) {
  return run(
      "cuStreamCreate", [&] { return driver::create_stream(out(stream), flags, 0); }, flags);
}

SAMPAN_EMU_EXPORT CUresult cuStreamDestroy_v2(CUstream stream) {
  return run<Effect::done>(
      "cuStreamDestroy_v2", [&] { return driver::destroy_stream(stream); }, stream);
}

SAMPAN_EMU_EXPORT CUresult cuStreamSynchronize(CUstream stream) {
  return run(
      "cuStreamSynchronize", [&] { return driver::synchronize_stream(stream); }, stream);
}

SAMPAN_EMU_EXPORT CUresult cuStreamQuery(CUstream stream) {
  return run(
      "cuStreamQuery", [&] { return driver::query_stream(stream); }, stream);
}

SAMPAN_EMU_EXPORT CUresult cuStreamGetCtx(CUstream stream, CUcontext* context) {
  return run(
      "cuStreamGetCtx",
      [&] {
        require(context != nullptr, Status::invalid_value);
        Device& device = driver::stream(stream)->context().device();
        *context = static_cast<CUcontext>(Machine::of_library().context_handle(device));
        return Status::ok;
      },
      stream);
}

SAMPAN_EMU_EXPORT CUresult cuStreamWaitEvent(CUstream stream, CUevent event, unsigned flags) {
  return run(
      "cuStreamWaitEvent",
      [&] {
        require(flags <= 1, Status::invalid_value);
        return driver::wait_event(stream, event);
      },
      stream, event, flags);
}

SAMPAN_EMU_EXPORT CUresult cuLaunchHostFunc(CUstream stream, CUhostFn function, void* argument) {
  return run(
      "cuLaunchHostFunc", [&] { return driver::launch_host_function(stream, function, argument); },
      stream, argument);
}

SAMPAN_EMU_EXPORT CUresult cuStreamWaitValue32_v2(CUstream stream, CUdeviceptr address,
                                                  cuuint32_t value, unsigned flags) {
  return run(
      "cuStreamWaitValue32_v2", [&] { return driver::wait_value(stream, address, value, flags); },
      stream, address, value, flags);
}

SAMPAN_EMU_EXPORT CUresult cuStreamWriteValue32_v2(CUstream stream, CUdeviceptr address,
                                                   cuuint32_t value, unsigned flags) {
  return run(
      "cuStreamWriteValue32_v2",
      [&] {
        require(flags == 0, Status::invalid_value);
        return driver::write_value(stream, address, value);
      },
      stream, address, value, flags);
}

SAMPAN_EMU_EXPORT CUresult cuEventCreate(CUevent* event, unsigned flags) {
  return run(
      "cuEventCreate", [&] { return driver::create_event(out(event), flags); }, flags);
}

SAMPAN_EMU_EXPORT CUresult cuEventDestroy_v2(CUevent event) {
  return run<Effect::done>(
      "cuEventDestroy_v2", [&] { return driver::destroy_event(event); }, event);
}

SAMPAN_EMU_EXPORT CUresult cuEventRecord(CUevent event, CUstream stream) {
  return run(
      "cuEventRecord", [&] { return driver::record_event(event, stream); }, event, stream);
}

SAMPAN_EMU_EXPORT CUresult cuEventQuery(CUevent event) {
  return run(
      "cuEventQuery", [&] { return driver::query_event(event); }, event);
}

SAMPAN_EMU_EXPORT CUresult cuEventSynchronize(CUevent event) {
  return run(
      "cuEventSynchronize", [&] { return driver::synchronize_event(event); }, event);
}

SAMPAN_EMU_EXPORT CUresult cuEventElapsedTime(float* out_ms, CUevent begin, CUevent end) {
  return run(
      "cuEventElapsedTime", [&] { return driver::elapsed(out_ms, begin, end); }, begin, end);
}

SAMPAN_EMU_EXPORT CUresult cuEventElapsedTime_v2(float* out_ms, CUevent begin, CUevent end) {
  return run(
      "cuEventElapsedTime_v2", [&] { return driver::elapsed(out_ms, begin, end); }, begin, end);
}

}  // namespace sampan::emulator::cuda
