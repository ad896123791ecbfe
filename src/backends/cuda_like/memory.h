#pragma once

#include <cstdint>

#include "backends/cuda_like/device.h"
#include "sampan/plugin/backend.h"

namespace sampan::cuda_like {

/// Memory that the device reaches. Free-threaded.
class Memory {
 public:
  struct Allocate {
    std::uint32_t kind;  ///< SAMPAN_MEMORY_*
  };
  struct Register {
    void* pointer;
  };
  struct Wrap {
    void* native;
  };

  // The context is current. They throw Failure.
  Memory(Device& device, std::uint64_t size_bytes, Allocate how);
  Memory(Device& device, std::uint64_t size_bytes, Register how);
  Memory(Device& device, std::uint64_t size_bytes, Wrap how);
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;
  ~Memory();

  [[nodiscard]] Device& device() const { return device_; }
  /// Where kernels and copies of the device find it.
  [[nodiscard]] Address address() const { return address_; }
  /// Where the host finds it; null if it can't.
  [[nodiscard]] void* host() const { return host_; }

 private:
  enum class Owner { kDevice, kHost, kRegistered, kNobody };

  void keep_pinned(Owner owner, std::uint64_t size_bytes);
  void release() noexcept;

  Device& device_;
  Address address_ = 0;
  void* host_ = nullptr;
  Owner owner_ = Owner::kNobody;
};

extern const sampan_memory_table_t kMemoryTable;

}  // namespace sampan::cuda_like

/// What the ABI calls a memory.
struct sampan_memory final : sampan::cuda_like::Memory {
  using Memory::Memory;
};
