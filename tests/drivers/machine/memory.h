// The memory of the emulated devices, and the host memory that they may reach.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <shared_mutex>
#include <vector>

#include "status.h"

namespace sampan::emulator {

class Context;
class Module;

/// Device addresses carry this bit, which makes them invalid on the host: a host dereference faults
/// at once. Kernels see the address without it.
constexpr std::uint64_t kDeviceBit = std::uint64_t{1} << 62;

[[nodiscard]] constexpr bool is_device_address(std::uint64_t address) {
  return (address & kDeviceBit) != 0;
}
/// Where the bytes of a device or host address really are.
[[nodiscard]] inline std::byte* real(std::uint64_t address) {
  return reinterpret_cast<std::byte*>(address & ~kDeviceBit);
}
[[nodiscard]] inline std::uint64_t address_of(const void* pointer) {
  return reinterpret_cast<std::uint64_t>(pointer);
}

/// Pages of memory between two gaps of 16 MiB that can't be accessed. The block ends where the
/// second gap begins, but for the slack of up to 255 bytes that alignment leaves; what is left of
/// the first page and the slack are filled with a pattern.
class GuardedPages {
 public:
  /// Throws Refusal{out_of_memory} where the system has none.
  explicit GuardedPages(std::size_t bytes);
  ~GuardedPages();
  GuardedPages(const GuardedPages&) = delete;
  GuardedPages& operator=(const GuardedPages&) = delete;

  /// Aligned to 256 bytes.
  [[nodiscard]] std::byte* data() const { return data_; }
  [[nodiscard]] std::size_t bytes() const { return bytes_; }
  /// Whether the bytes around the block are as they were.
  [[nodiscard]] bool intact() const;
  /// Fills the block with `pattern`; of a large block, the first and the last 8 MiB.
  void poison(std::byte pattern);
  /// Drops the contents and makes every access fault; the addresses stay taken.
  void retire();

 private:
  std::byte* mapping_ = nullptr;
  std::size_t mapping_bytes_ = 0;
  std::byte* data_ = nullptr;
  std::size_t bytes_ = 0;
};

/// One allocation of device memory.
struct Block {
  Block(Context& owner, int on_device, std::size_t size)
      : context(&owner), device(on_device), bytes(size), pages(size) {}

  Context* const context;
  const int device;
  const std::size_t bytes;
  GuardedPages pages;
  bool freeing = false;  ///< a stream-ordered free is on its way: no new use

  [[nodiscard]] std::uint64_t address() const { return address_of(pages.data()) | kDeviceBit; }
};

/// Keeps device bytes mapped while they are used.
struct Held {
  std::shared_ptr<const void> owner;  ///< a Block or a Module; null: no such bytes
  Context* context = nullptr;
  int device = -1;
  explicit operator bool() const { return owner != nullptr; }
};

/// Host memory that the devices know: allocated by the driver or registered by the program.
struct HostRange {
  Context* context = nullptr;
  std::size_t bytes = 0;
  bool registered = false;
};

/// All memory of one library's devices. Free-threaded.
class AddressSpace {
 public:
  /// New device memory, filled with 0xCD. Throws Refusal{invalid_value} for 0 bytes and
  /// Refusal{out_of_memory} where the device has less than that left.
  [[nodiscard]] std::uint64_t allocate(Context& context, std::size_t bytes);

  /// Who holds all of [address, address + bytes). For new work: nobody where a block is being
  /// freed.
  [[nodiscard]] Held find(std::uint64_t address, std::size_t bytes) const;
  /// The same for work that runs now: a block is there until its free has had its turn.
  [[nodiscard]] Held find_for_run(std::uint64_t address, std::size_t bytes) const;

  /// A module's variable, device memory for as long as the module is there.
  void add_global(const std::shared_ptr<Module>& module, std::uint64_t address, std::size_t bytes);

  /// Takes the block that begins at `address` from the program: `find` no longer sees it, its bytes
  /// stay. Throws Refusal{invalid_value} for anything else.
  [[nodiscard]] std::shared_ptr<Block> start_free(std::uint64_t address);
  /// Gives its bytes back. Reports damage around it.
  void finish_free(const std::shared_ptr<Block>& block);

  /// Bytes in use on a device, the ones being freed included.
  [[nodiscard]] std::uint64_t used_bytes(int device) const;

  /// Pinned host memory, filled with 0xCD, aligned to a page. Throws as `allocate`.
  [[nodiscard]] void* allocate_host(Context& context, std::size_t bytes);
  /// Throws Refusal{invalid_value} for what allocate_host didn't return.
  void free_host(void* pointer);
  /// Throws Refusal{host_already_registered} where any byte is known already.
  void register_host(Context& context, void* pointer, std::size_t bytes);
  /// Throws Refusal{host_not_registered}.
  void unregister_host(void* pointer);
  /// Whether the devices know all of these bytes of host memory.
  [[nodiscard]] bool is_known_host(std::uint64_t address, std::size_t bytes) const;

  /// Ends all that belongs to a context.
  void release_all(const Context& context);

 private:
  void forget(const std::shared_ptr<Block>& block);

  struct Global {
    std::weak_ptr<Module> module;
    std::size_t bytes = 0;
  };
  [[nodiscard]] Held find_block(std::uint64_t address, std::size_t bytes, bool freeing_too) const;
  [[nodiscard]] Held find_global(std::uint64_t address, std::size_t bytes) const;

  mutable std::shared_mutex mutex_;
  std::map<std::uint64_t, Global> globals_;                 // by address
  std::map<std::uint64_t, std::shared_ptr<Block>> blocks_;  // by address
  std::map<std::uint64_t, HostRange> host_;                 // by address
  std::map<int, std::uint64_t> used_bytes_;                 // by device
  // Freed blocks whose addresses stay inaccessible, so that a late access faults.
  std::deque<std::shared_ptr<Block>> quarantine_;
};

}  // namespace sampan::emulator
