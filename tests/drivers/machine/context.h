// An emulated device and its one context.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "status.h"
#include "stream.h"

namespace sampan::emulator {

class Device;

/// What belongs to one device: its streams, what they may reach, and the first error that none of
/// its calls can get past. Free-threaded; lives for ever.
class Context {
 public:
  explicit Context(Device& device);
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;

  [[nodiscard]] Device& device() const { return device_; }

  /// Not ok once a kernel has failed or the device is lost, until `reset`.
  [[nodiscard]] Status status() const {
    return static_cast<Status>(status_.load(std::memory_order_relaxed));
  }
  /// The first failure counts.
  void fail(Status status);

  [[nodiscard]] std::shared_ptr<Stream> create_stream(bool blocking, int priority);
  /// The stream of the null handle, ordered against all blocking streams.
  [[nodiscard]] const std::shared_ptr<Stream>& legacy_stream() const { return legacy_; }
  /// Appends to a stream of this context, with the order that the legacy stream asks for.
  std::uint64_t push(Stream& stream, Work work);
  /// Waits for all streams.
  void synchronize();
  /// Takes the stream from those that `synchronize` waits for and lets it end its work.
  void retire(Stream& stream);

  /// Whether kernels here may touch memory of that other device.
  [[nodiscard]] bool reaches(int device) const;
  /// False where it is so already.
  bool set_peer(int device, bool enabled);

  /// Drops all work, memory and handles and clears the failure. Blocks until what runs has ended.
  void reset();

 private:
  [[nodiscard]] std::vector<std::shared_ptr<Stream>> streams() const;

  Device& device_;
  std::atomic<int> status_{0};
  std::atomic<std::uint64_t> peers_{0};  // a bit per device
  mutable std::mutex mutex_;             // guards what follows
  std::shared_ptr<Stream> legacy_;
  std::vector<std::shared_ptr<Stream>> streams_;
};

/// The context that is current on this thread; null where none is.
[[nodiscard]] Context* current_context();
void set_current_context(Context* context);

/// What a device says about itself.
struct Properties {
  std::string name;
  std::uint64_t memory_bytes = std::uint64_t{2} << 30;
  std::string pci_bus_id;  // 0000:a1:00.0
  std::array<unsigned char, 16> uuid{};
  int pci_bus = 0;
  int capability_major = 0, capability_minor = 0;
  /// What images for it are marked with: 90 for sm_90, the machine number of an ELF header for AMD.
  unsigned architecture = 0;
  unsigned elf_machine = 0;  ///< of images for it: 190 NVIDIA, 224 AMD
  unsigned warp_size = 32;
  unsigned multiprocessors = 4;
  unsigned max_threads_per_block = 1024, max_block_z = 64;
  unsigned max_threads_per_multiprocessor = 2048;
  unsigned max_blocks_per_multiprocessor = 32;
  unsigned max_grid_x = 0x7fffffff, max_grid_yz = 65535;
  unsigned shared_bytes = 48u << 10;  ///< without opting in
  unsigned shared_bytes_opt_in = 227u << 10;
  unsigned shared_bytes_per_multiprocessor = 228u << 10;
  unsigned reserved_shared_bytes = 1024;  ///< of each block, by the system
};

/// A device with its primary context. Free-threaded; lives for ever.
class Device {
 public:
  Device(int index, Properties properties)
      : index_(index), properties_(std::move(properties)), context_(*this) {}

  [[nodiscard]] int index() const { return index_; }
  [[nodiscard]] const Properties& properties() const { return properties_; }
  [[nodiscard]] Context& context() { return context_; }

  void retain() { ++retained_; }
  /// Resets the context when nobody retains it any more. False where nobody did before.
  bool release();
  [[nodiscard]] bool retained() const { return retained_ > 0; }

 private:
  const int index_;
  const Properties properties_;
  Context context_;
  std::atomic<int> retained_{0};
};

}  // namespace sampan::emulator
