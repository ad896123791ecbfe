#include "ops/host_stage.h"

#include "ops/plan_impl.h"
#include "sampan/error.h"

namespace sampan::ops {
namespace {

Device cpu_device() { return sampan::device("cpu"); }

}  // namespace

HostStage::HostStage(Stream& stream) : stream_(stream), host_stream_(cpu_device().create_stream()) {
  Event ready = stream_.device().create_event();
  stream_.record(ready);
  host_stream_.wait(ready);
}

View HostStage::in(const View& view) {
  if (!view || view.span_bytes() == 0) return View();
  buffers_.push_back(host_stream_.allocate(view.span_bytes()));
  host_stream_.copy(buffers_.back().view(DType::u8), view.as_bytes());
  return View(buffers_.back(), view.dtype(), view.shape(), view.strides());
}

View HostStage::out(const View& view) {
  const View host = in(view);
  if (host) results_.push_back({view, host});
  return host;
}

void HostStage::finish() {
  for (const Result& result : results_) {
    host_stream_.copy(result.device.as_bytes(), result.host.as_bytes());
  }
  Event done = host_stream_.device().create_event();
  host_stream_.record(done);
  stream_.wait(done);
}

std::optional<std::string> attempt_on_host(
    const Device& device, std::string& reason,
    const std::function<std::string(const Device&)>& make) try {
  const Device cpu = cpu_device();
  if (device == cpu) {
    reason = "the device is the host";
    return std::nullopt;
  }
  const FreeChoice free;
  return "on " + cpu.id() + ": " + make(cpu);
} catch (const Error& error) {
  reason = error.what();
  return std::nullopt;
}

}  // namespace sampan::ops
