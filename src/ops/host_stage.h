#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "sampan/device.h"
#include "sampan/stream.h"
#include "sampan/view.h"

namespace sampan::ops {

/// One operation carried out on the CPU for another device: copies what it reads there, and what it
/// writes back. The last resort: it allocates from the CPU's pool on every run, and the run blocks
/// its caller until the result is back.
class HostStage {
 public:
  explicit HostStage(Stream& stream);

  /// The stream to run on.
  [[nodiscard]] Stream& host_stream() noexcept { return host_stream_; }
  /// A copy on the CPU, with the same layout; empty for a view of nothing.
  [[nodiscard]] View in(const View& view);
  /// The same for a result; `finish` copies it back. What lies between its rows survives.
  [[nodiscard]] View out(const View& view);
  void finish();

 private:
  struct Result {
    View device, host;
  };
  Stream& stream_;
  Stream host_stream_;
  std::vector<Buffer> buffers_;
  std::vector<Result> results_;
};

/// For the provider "host": makes the same plan on the CPU by `make`, which returns the name of the
/// implementation that was chosen there. Nullopt with the reason if there is no CPU device, if it
/// is `device` itself, or if `make` throws.
[[nodiscard]] std::optional<std::string> attempt_on_host(
    const Device& device, std::string& reason,
    const std::function<std::string(const Device& cpu)>& make);

}  // namespace sampan::ops
