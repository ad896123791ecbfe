#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "core/memory/pool.h"
#include "core/validate/audit.h"
#include "sampan/buffer.h"
#include "sampan/plugin/backend.h"

namespace sampan::core {

class OpenDevice;
class StreamImpl;

/// What stands behind a Buffer: a piece of a pool's block, or memory that somebody else owns.
class BufferImpl {
 public:
  /// A piece of the pool; `memory` null for a buffer of 0 bytes.
  BufferImpl(std::shared_ptr<OpenDevice> device, MemoryKind kind, sampan_memory_t* memory,
             PoolGrant grant, std::uint64_t size_bytes);
  /// Foreign memory, registered or wrapped; `on_release` runs after the last use has completed.
  BufferImpl(std::shared_ptr<OpenDevice> device, MemoryKind kind, sampan_memory_t* memory,
             std::uint64_t size_bytes, std::function<void()> on_release);
  BufferImpl(const BufferImpl&) = delete;
  ~BufferImpl();
  static void operator delete(void* bytes) noexcept { audit::free_buffer(bytes); }

  [[nodiscard]] const std::shared_ptr<OpenDevice>& device() const noexcept { return device_; }
  [[nodiscard]] MemoryKind kind() const noexcept { return kind_; }
  [[nodiscard]] std::uint64_t size_bytes() const noexcept { return size_bytes_; }
  [[nodiscard]] std::uint64_t block_offset_bytes() const noexcept { return grant_.offset_bytes; }
  [[nodiscard]] sampan_memory_t* memory() const noexcept { return memory_; }
  [[nodiscard]] sampan_region_t region(std::uint64_t offset_bytes) const noexcept {
    return {memory_, grant_.offset_bytes + offset_bytes};
  }
  /// Address of the first byte for the host, or null.
  [[nodiscard]] void* host_data() const;
  void set_on_release(std::function<void()> on_release) { on_release_ = std::move(on_release); }

  /// Remembers that work of the stream uses the buffer; one compare when it is the same stream as
  /// last time.
  void note_use(StreamKey stream) {
    if (last_user_.load(std::memory_order_relaxed) != stream) [[unlikely]]
      note_new_user(stream);
  }

 private:
  void note_new_user(StreamKey stream);

  std::shared_ptr<OpenDevice> device_;
  sampan_memory_t* memory_;
  PoolGrant grant_;
  std::uint64_t size_bytes_;
  MemoryKind kind_;
  bool is_foreign_;
  std::function<void()> on_release_;
  std::atomic<StreamKey> last_user_{0};
  std::mutex users_mutex_;
  std::vector<StreamKey> users_;
};

}  // namespace sampan::core
