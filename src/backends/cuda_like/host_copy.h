#pragma once

#include <cstdint>

#include "backends/cuda_like/driver_api.h"
#include "backends/cuda_like/driver_calls.h"

namespace sampan::cuda_like {

/// Host memory that the driver knows, so that copies from and to it wait for nobody. One list for
/// the backend. Free-threaded.
void add_pinned(const void* begin, std::uint64_t size_bytes);
void remove_pinned(const void* begin) noexcept;
[[nodiscard]] bool is_pinned(const void* begin, std::uint64_t size_bytes);

/// Copies between a stream's device and ordinary host memory, in order with the stream's work and
/// without holding up the caller.
///
/// The driver can't do that by itself: asked to copy from or to pageable memory, it first waits for
/// the stream, or reads at once what earlier work has yet to write. So host functions carry the
/// bytes between that memory and a pinned piece of ours, and the driver copies the rest of the way.
/// One caller at a time.
class HostCopies {
 public:
  /// `calls` are the stream's.
  explicit HostCopies(DriverCalls& calls) : calls_(calls) {}
  HostCopies(const HostCopies&) = delete;
  HostCopies& operator=(const HostCopies&) = delete;
  /// The stream has no work any more; the context is current.
  ~HostCopies();

  // The context is current. They throw Failure; then a part may be on its way.
  void to_device(DriverStream stream, Address dst, const void* host, std::uint64_t size_bytes);
  void to_host(DriverStream stream, void* host, Address src, std::uint64_t size_bytes);

 private:
  void make_stage();
  void carry(DriverStream stream, void* to, const void* from, std::size_t bytes);

  DriverCalls& calls_;
  void* stage_ = nullptr;
};

}  // namespace sampan::cuda_like
