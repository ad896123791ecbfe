#include "ops/host_stage.h"

namespace sampan::ops {
Device HostStage::host() { return sampan::device("cpu"); }

HostStage::HostStage(Stream& stream) : stream_(stream), host_stream_(host().create_stream()) {
  Event ready = stream_.device().create_event();
  stream_.record(ready);
  host_stream_.wait(ready);
}

View HostStage::in(const View& view) {
  if (!view || view.span_bytes() == 0) return view;
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

}  // namespace sampan::ops
