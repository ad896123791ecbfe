#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <mutex>

#include "backends/opencl/device.h"
#include "backends/opencl/handle.h"
#include "sampan/plugin/backend.h"

namespace sampan::opencl {

/// A block of memory, seen in up to three ways: by a pointer for the device, as a buffer object,
/// and by an address for the host. At least one of the first two is there.
///
/// | path   | DEVICE            | HOST                                | registered              |
/// |--------|-------------------|-------------------------------------|-------------------------|
/// | svm    | pointer           | pointer (fine-grained), else mapped | mapped (pointer: system)|
/// | usm    | pointer           | pointer                             | mapped                  |
/// | buffer | buffer            | mapped                              | mapped                  |
///
/// "Mapped" is a buffer that stays mapped for its life, so that the host may use `host` at any
/// time. No command may use it as a buffer then: copies to and from device memory read and write at
/// `host`, copies and fills without device memory are the host's work, and kernels get a copy
/// (PinnedArgs). Blocks are aligned to 256 bytes; a buffer of kind DEVICE has no address that
/// anybody could see, and the driver's own alignment.
class Memory {
 public:
  /// Memory reached by pointer may cost as much more, where the driver's own alignment is lower.
  static constexpr std::uint64_t kAlignmentBytes = 256;
  static constexpr std::uint64_t kAlignmentSlackBytes = kAlignmentBytes - 1;

  /// See sampan_memory_table_t. Each throws Failure.
  struct Allocate {
    std::uint32_t kind;
  };
  struct Register {
    void* pointer;
  };
  struct Wrap {
    void* native;
  };
  Memory(Device& device, std::uint64_t size_bytes, Allocate how);
  Memory(Device& device, std::uint64_t size_bytes, Register how);
  Memory(Device& device, std::uint64_t size_bytes, Wrap how);
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;
  ~Memory();

  [[nodiscard]] Device& device() const { return device_; }
  /// Differs for all memories of the process, also after release.
  [[nodiscard]] std::uint64_t id() const { return id_; }
  [[nodiscard]] std::uint64_t size_bytes() const { return size_bytes_; }

  /// For the device; null where it is reached as a buffer.
  [[nodiscard]] char* pointer() const { return pointer_; }
  /// For the host; null where it can't reach the memory.
  [[nodiscard]] char* host() const { return host_; }
  /// By which commands that take addresses reach the memory. Null for a buffer of kind DEVICE.
  [[nodiscard]] char* address() const { return pointer_ != nullptr ? pointer_ : host_; }
  /// Null where the memory is reached by pointer.
  [[nodiscard]] cl::Mem buffer() const { return buffer_.get(); }
  /// True if `buffer` stays mapped: the host alone reaches the memory.
  [[nodiscard]] bool mapped() const { return mapping_ != nullptr; }

  /// A buffer object over the same bytes: `buffer`, or for SVM one made at the first call. Null
  /// where the driver has none (USM). Not for mapped memory.
  [[nodiscard]] cl::Mem as_buffer();

  /// A reference to a buffer that starts at `offset_bytes`; the caller owns it. Sub-buffers are
  /// kept, so that asking again is cheap. Not for mapped memory. Throws Failure: the offset isn't
  /// aligned.
  [[nodiscard]] OwnedMem buffer_at(std::uint64_t offset_bytes);

  /// A buffer object of its own over a part of shared virtual memory; empty for other memory.
  [[nodiscard]] OwnedMem alias_part(std::uint64_t offset_bytes, std::uint64_t size_bytes) const;

 private:
  void allocate_svm(bool fine_grained);
  void allocate_usm(std::uint32_t kind);
  void allocate_buffer();
  void allocate_mapped();
  void map();
  void unmap();

  enum class Free { kNothing, kSvm, kUsm };

  Device& device_;
  const std::uint64_t id_;
  const std::uint64_t size_bytes_;
  char* pointer_ = nullptr;
  char* host_ = nullptr;
  OwnedMem buffer_;
  char* mapping_ = nullptr;  // where the whole buffer is mapped; `host` is aligned
  std::uint64_t mapped_bytes_ = 0;
  Free free_ = Free::kNothing;
  void* free_pointer_ = nullptr;     // what the driver gave, before aligning
  std::uint64_t counted_bytes_ = 0;  // of device.allocated_bytes
  std::mutex views_mutex_;
  OwnedMem alias_;                           // of an SVM pointer
  std::map<std::uint64_t, OwnedMem> views_;  // sub-buffers by offset
};

/// As clCreateBuffer. `doing` starts the message. Throws Failure.
[[nodiscard]] OwnedMem make_buffer(const Device& device, cl::Bitfield flags, std::uint64_t bytes,
                                   void* host, const char* doing);

/// A part of `buffer` as a kernel's argument; a reference to all of it where that starts at 0.
/// Throws Failure: the offset isn't aligned.
[[nodiscard]] OwnedMem part_for_kernel(cl::Mem buffer, std::uint64_t offset_bytes,
                                       std::uint64_t size_bytes);

extern const sampan_memory_table_t kMemoryTable;

}  // namespace sampan::opencl

/// What the ABI calls a memory.
struct sampan_memory final : sampan::opencl::Memory {
  using Memory::Memory;
};
