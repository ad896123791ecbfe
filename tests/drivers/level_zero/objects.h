// What the program has handles to.
#pragma once

#include <level_zero/ze_api.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "face.h"
#include "interpreter.h"
#include "machine/handle_table.h"

namespace sampan::emulator::ze {

constexpr unsigned kMostDevices = 8;

/// One virtual device. Its clock ticks at 125 MHz and began somewhere; kernels' stamps keep the low
/// 32 bits, so they wrap every 34 s.
struct Device {
  static constexpr std::uint64_t kTicksPerSecond = 125'000'000;
  static constexpr std::uint32_t kValidBits = 36;
  static constexpr std::uint32_t kKernelValidBits = 32;

  unsigned index = 0;
  std::atomic<bool> lost{false};
  std::atomic<std::uint64_t> used_bytes{0};

  [[nodiscard]] std::uint64_t ticks() const;
};

/// The devices of the machine; SAMPAN_EMU_LEVEL_ZERO_DEVICES says how many (2).
[[nodiscard]] std::vector<std::unique_ptr<Device>>& devices();
/// Throws Refusal.
[[nodiscard]] Device& device_of(ze_device_handle_t handle);
[[nodiscard]] std::uint64_t memory_bytes_of_device();

/// A device that is lost stays lost for the contexts of that time and works in later ones.
struct Context {
  std::array<std::atomic<bool>, kMostDevices> lost{};

  /// Throws Refusal{DEVICE_LOST}.
  void check(const Device& device) const {
    require(!lost[device.index], ZE_RESULT_ERROR_DEVICE_LOST);
  }
  [[nodiscard]] bool any_lost() const;
};

struct EventPool {
  std::shared_ptr<Context> context;
  ze_event_pool_flags_t flags = 0;
  std::vector<bool> used;
};

/// Guarded by the world's lock (work.h).
struct Event {
  std::shared_ptr<EventPool> pool;
  std::uint32_t index = 0;
  bool signalled = false;
  unsigned pending_signals = 0, pending_waits = 0;  ///< commands not yet done
  const Device* signaller = nullptr;                ///< of the last command to signal it

  /// Nobody will signal it any more.
  [[nodiscard]] bool orphaned() const {
    return !signalled && signaller != nullptr && pool->context->lost[signaller->index];
  }

  std::uint64_t begin_ticks = 0, end_ticks = 0;
};

struct Fence {
  bool signalled = false;  // guarded by the world's lock
  std::shared_ptr<Context> context;
};

struct Module {
  std::shared_ptr<Context> context;
  std::shared_ptr<Program> program;
};

struct Kernel {
  std::shared_ptr<Module> module;
  std::string name;
  const KernelSignature* signature = nullptr;  // of the program
  std::array<std::uint32_t, 3> group{1, 1, 1};
  std::vector<KernelArgument> arguments;
};

/// All objects of one type. Names like find and take throw Refusal: INVALID_NULL_HANDLE, or
/// INVALID_ARGUMENT for a handle that isn't, or no longer, one of them, which is reported.
template <typename T>
HandleTable<T>& table_of();

template <typename T>
[[nodiscard]] std::shared_ptr<T> find(const void* handle) {
  require(handle != nullptr, ZE_RESULT_ERROR_INVALID_NULL_HANDLE);
  auto object = table_of<T>().find(handle);
  demand(object != nullptr, ZE_RESULT_ERROR_INVALID_ARGUMENT,
         "a handle isn't, or no longer, one of its kind");
  return object;
}

/// Makes a handle.
template <typename Handle, typename T>
void give(Handle* out, std::shared_ptr<T> object) {
  *out = static_cast<Handle>(table_of<T>().add(std::move(object)));
}

/// Ends a handle.
template <typename T>
std::shared_ptr<T> take(const void* handle) {
  require(handle != nullptr, ZE_RESULT_ERROR_INVALID_NULL_HANDLE);
  auto object = table_of<T>().remove(handle);
  demand(object != nullptr, ZE_RESULT_ERROR_INVALID_ARGUMENT,
         "a handle was destroyed that isn't, or no longer, one of its kind");
  return object;
}

}  // namespace sampan::emulator::ze
