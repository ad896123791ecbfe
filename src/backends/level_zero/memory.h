#pragma once

#include <cstdint>

#include "backends/level_zero/device.h"
#include "sampan/plugin/backend.h"

namespace sampan::level_zero {

/// Memory that the device reaches by address. Free-threaded.
class Memory {
 public:
  static constexpr std::size_t kAlignmentBytes = 256;

  struct Allocate {
    std::uint32_t kind;  ///< SAMPAN_MEMORY_*
  };
  struct Register {
    void* pointer;
  };
  struct Wrap {
    void* native;
  };

  /// See sampan_memory_table_t. Each throws Failure.
  Memory(Device& device, std::uint64_t size_bytes, Allocate how);
  Memory(Device& device, std::uint64_t size_bytes, Register how);
  Memory(Device& device, std::uint64_t size_bytes, Wrap how);
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;
  ~Memory();

  [[nodiscard]] Device& device() const { return device_; }
  [[nodiscard]] char* address() const { return static_cast<char*>(address_); }
  /// The host reaches it at the same address.
  [[nodiscard]] bool on_host() const { return on_host_; }

 private:
  enum class Owner { kAllocated, kImported, kNobody };

  Device& device_;
  void* address_ = nullptr;
  bool on_host_ = false;
  Owner owner_ = Owner::kNobody;
  std::uint64_t counted_bytes_ = 0;  // of device.allocated_bytes
};

extern const sampan_memory_table_t kMemoryTable;

}  // namespace sampan::level_zero

/// What the ABI calls a memory.
struct sampan_memory final : sampan::level_zero::Memory {
  using Memory::Memory;
};
