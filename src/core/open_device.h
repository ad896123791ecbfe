#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

#include "core/backend.h"
#include "core/memory/pool.h"
#include "sampan/device.h"

namespace sampan::core {

class BufferImpl;
class DeviceImpl;
class StreamImpl;

/// A device while it is open: the backend's handle and the pools. Streams, buffers, events and
/// modules keep it alive, so it closes after the last of them. `Device::reopen` retires it: from
/// then on every call on its children fails with device_lost.
class OpenDevice : public std::enable_shared_from_this<OpenDevice> {
 public:
  /// Opens. Throws what the backend reports.
  explicit OpenDevice(const DeviceImpl& owner);
  OpenDevice(const OpenDevice&) = delete;
  ~OpenDevice();

  const DeviceImpl& owner;  ///< the registry's; lives as long as the process
  const Backend& backend;
  const DeviceInfo& info;
  const sampan_device_info_t& raw_info;

  [[nodiscard]] sampan_device_t* handle() const noexcept { return handle_; }
  void retire() noexcept { retired_.store(true, std::memory_order_relaxed); }
  /// Throws device_lost once the device was reopened.
  void require_current() const {
    if (retired_.load(std::memory_order_relaxed)) [[unlikely]]
      throw_retired();
  }

  /// Memory from the pool; `stream` is the one whose work uses it first, or null for any.
  [[nodiscard]] std::unique_ptr<BufferImpl> allocate(std::uint64_t size_bytes, MemoryKind kind,
                                                     StreamImpl* stream);
  /// Takes a piece back (BufferImpl's destructor).
  void give_back(MemoryKind kind, const PoolGrant& grant, std::vector<StreamPoint> points) noexcept;

  [[nodiscard]] PoolStats stats() const;
  void set_budget(std::uint64_t bytes);
  std::uint64_t trim();

 private:
  struct KindPool {
    explicit KindPool(MemoryKind kind);
    MemoryKind kind;
    Pool pool;
    std::unordered_map<BlockId, sampan_memory_t*> memories;
  };
  [[noreturn]] void throw_retired() const;
  [[noreturn]] void throw_out_of_memory(std::uint64_t size_bytes, const std::string& driver) const;
  [[nodiscard]] KindPool& pool_of(MemoryKind kind) noexcept {
    return kind == MemoryKind::host ? host_pool_ : device_pool_;
  }
  std::optional<PoolGrant> take(KindPool& pool, std::uint64_t size_bytes, StreamImpl* stream);
  bool grow(KindPool& pool, std::uint64_t size_bytes, std::string& driver_message);
  std::uint64_t trim_kind(KindPool& pool);

  sampan_device_t* handle_ = nullptr;
  std::atomic<bool> retired_{false};
  mutable std::mutex mutex_;  // guards everything below
  KindPool device_pool_{MemoryKind::device};
  KindPool host_pool_{MemoryKind::host};
  std::uint64_t budget_bytes_ = 0;
  PoolStats counters_;
};

}  // namespace sampan::core
