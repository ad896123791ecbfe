#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>

#include "sampan/view.h"

namespace sampan {

class Device;
class Stream;
namespace core {
class BufferImpl;
}

enum class MemoryKind : std::uint32_t {
  device = 1,  ///< Fast for the device. The host reaches it only if `Buffer::host_data` says so.
  host = 2,    ///< Pinned host memory: the host reaches it, copies from and to it are asynchronous.
};

/// Owned memory of one device; move-only. Obtained from `Device::allocate` and `Stream::allocate`.
///
/// Destroying a buffer never blocks and is safe with work in flight: its memory returns to the
/// device's pool, which hands it out again to the same stream at once, to another stream only
/// behind an event, so that no work still running can see it change.
///
/// Threads: free-threaded; destroying it while another thread uses it is a mistake.
class Buffer {
 public:
  Buffer() noexcept;
  explicit Buffer(std::unique_ptr<core::BufferImpl> impl) noexcept;
  Buffer(Buffer&&) noexcept;
  Buffer& operator=(Buffer&&) noexcept;
  ~Buffer();

  [[nodiscard]] explicit operator bool() const noexcept { return impl_ != nullptr; }
  /// As asked for, not rounded; 0 is allowed (a buffer that no work can touch).
  [[nodiscard]] std::uint64_t size_bytes() const noexcept;
  [[nodiscard]] MemoryKind kind() const noexcept;
  [[nodiscard]] Device device() const;

  /// The whole buffer as elements, or a dense row-major window.
  [[nodiscard]] View view(DType dtype) const;
  [[nodiscard]] View view(DType dtype, std::initializer_list<std::uint64_t> shape,
                          std::uint64_t offset_bytes = 0) const {
    return View(*this, dtype, shape, offset_bytes);
  }

  /// The address by which the host reaches the memory, or nullptr where it can't (a GPU's device
  /// memory). The caller orders its accesses: wait for the streams that use the buffer.
  [[nodiscard]] void* host_data() const;
  template <class T>
  [[nodiscard]] T* host() const {
    return static_cast<T*>(host_data());
  }

  /// The driver's own handle: a device pointer, or cl_mem. The buffer starts `native_offset_bytes`
  /// behind it, as several buffers share one driver allocation.
  [[nodiscard]] void* native() const;
  [[nodiscard]] std::uint64_t native_offset_bytes() const;

  [[nodiscard]] core::BufferImpl* impl() const noexcept { return impl_.get(); }

 private:
  std::unique_ptr<core::BufferImpl> impl_;
};

}  // namespace sampan
