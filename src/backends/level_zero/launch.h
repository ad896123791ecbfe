#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <unordered_map>
#include <utility>
#include <vector>

#include "backends/level_zero/module.h"
#include "sampan/plugin/backend.h"

namespace sampan::level_zero {

class Stream;

/// A kernel of the driver's that one stream alone uses. It keeps its arguments and its group size
/// between launches, so only those that changed are set again. One caller at a time.
class KernelInstance {
 public:
  /// Throws Failure.
  explicit KernelInstance(const Kernel& kernel);

  [[nodiscard]] ze::Kernel handle() const { return kernel_.get(); }
  [[nodiscard]] bool unloaded() const { return program_->unloaded.load(std::memory_order_relaxed); }

  /// Throws Failure: the driver doesn't take an argument; it counts as unset then.
  void set_args(const sampan_arg_t* args, std::uint32_t count);
  /// Throws Failure.
  void set_group(const std::uint32_t (&group)[3]);

 private:
  /// What an argument was last set to; no bytes: nothing.
  struct Slot {
    std::uint32_t size_bytes = 0;
    std::array<std::uint8_t, 16> value{};
  };
  void set(std::uint32_t index, const void* value, std::uint32_t size_bytes);

  const std::shared_ptr<Program> program_;  // outlives kernel_
  const std::string* const name_;
  OwnedKernel kernel_;
  std::vector<Slot> slots_;
  std::array<std::uint32_t, 3> group_{};
};

/// The kernel instances of one stream.
class KernelSet {
 public:
  /// The instance of `kernel`, made at the first call. Drops those of unloaded modules once the
  /// work that was there when they were found is `settled`; `submitted` is what is there now.
  [[nodiscard]] KernelInstance& get(const Kernel& kernel, std::uint64_t submitted,
                                    std::uint64_t settled);
  /// The stream's work is done.
  void clear();

 private:
  void retire(std::uint64_t submitted);
  [[nodiscard]] KernelInstance& find_or_make(const Kernel& kernel);

  std::unordered_map<std::uint64_t, std::unique_ptr<KernelInstance>> instances_;
  std::vector<std::pair<std::uint64_t, std::unique_ptr<KernelInstance>>> retired_;
  std::uint64_t last_id_ = 0;
  KernelInstance* last_ = nullptr;
  std::uint64_t seen_epoch_ = 0;
};

/// See sampan_stream_table_t::launch. Throws Failure.
void enqueue_launch(Stream& stream, const sampan_launch_t& launch);

}  // namespace sampan::level_zero
