#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <unordered_map>
#include <vector>

#include "backends/opencl/handle.h"
#include "backends/opencl/memory.h"
#include "backends/opencl/module.h"
#include "sampan/plugin/backend.h"

namespace sampan::opencl {

class Stream;

/// A cl_kernel that one stream alone uses, and the arguments that it holds. A cl_kernel keeps its
/// arguments between launches, so only those that changed are set again. One caller at a time.
class KernelInstance {
 public:
  /// Throws Failure.
  explicit KernelInstance(const Kernel& kernel);

  [[nodiscard]] cl::Kernel handle() const { return kernel_.get(); }
  [[nodiscard]] bool unloaded() const { return program_->unloaded.load(std::memory_order_relaxed); }

  /// Sets all but those that are `pinned` then. Throws Failure: the driver doesn't take an
  /// argument; none of them counts as set then.
  void set_args(const sampan_arg_t* args, std::uint32_t count);

  /// An argument that lies in mapped memory, which no kernel can use: PinnedArgs sets another.
  struct Pinned {
    std::uint32_t index;
    sampan_region_t region;
  };
  [[nodiscard]] const std::vector<Pinned>& pinned() const { return pinned_; }

  /// For the next launch alone, which must be enqueued while `buffer` lives. Throws Failure.
  void set_buffer(std::uint32_t index, cl::Mem buffer);

 private:
  /// What an argument was last set to.
  struct Slot {
    enum class Kind : std::uint8_t { kUnset, kValue, kRegion };
    Kind kind = Kind::kUnset;
    std::uint32_t size_bytes = 0;
    std::array<std::uint8_t, 16> value{};
    std::uint64_t memory_id = 0;  // 0: a null pointer
    std::uint64_t offset_bytes = 0;
    OwnedMem buffer;  // a cl_kernel holds no reference of its own
  };

  void set_value(std::uint32_t index, const sampan_arg_t& arg, Slot& slot);
  void set_region(std::uint32_t index, const sampan_region_t& region, Slot& slot);
  void pass_region(std::uint32_t index, const sampan_region_t& region, Slot& slot);
  [[noreturn]] void refuse(cl::Int code, const char* call, std::uint32_t index);

  const std::shared_ptr<Program> program_;
  const std::string* const name_;
  const ExtensionApi& extension_;
  OwnedKernel kernel_;
  std::vector<Slot> slots_;
  std::vector<Pinned> pinned_;
};

/// The kernel instances of one stream.
class KernelSet {
 public:
  /// The instance of `kernel`, made at the first call. Drops those of unloaded modules.
  [[nodiscard]] KernelInstance& get(const Kernel& kernel);

 private:
  [[nodiscard]] KernelInstance& find_or_make(const Kernel& kernel);

  std::unordered_map<std::uint64_t, std::unique_ptr<KernelInstance>> instances_;
  std::uint64_t last_id_ = 0;
  KernelInstance* last_ = nullptr;
  std::uint64_t seen_epoch_ = 0;
};

/// Items per dimension of a launch.
struct Range {
  explicit Range(const sampan_launch_t& launch);

  std::array<std::size_t, 3> global;
  std::array<std::size_t, 3> local;
};

/// Throws the failure of a launch or of recording one, with the sizes in the message.
[[noreturn]] void refuse_launch(cl::Int code, const char* call, const sampan_launch_t& launch);

/// See sampan_stream_table_t::launch. Throws Failure.
void enqueue_launch(Stream& stream, const sampan_launch_t& launch);

}  // namespace sampan::opencl
