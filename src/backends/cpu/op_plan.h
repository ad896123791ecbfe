// Operations of the backend's own: the native kernels behind the plug-in's ops group.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "backends/cpu/device.h"
#include "backends/cpu/native/types.h"
#include "backends/cpu/retired.h"
#include "sampan/plugin/backend.h"

namespace sampan::cpu {

/// The arguments of one run, in the order that the plug-in ABI gives for the operation.
struct OpArgs {
  static constexpr std::uint32_t kMax = 8;

  std::array<std::byte*, kMax> buffers{};  ///< null where not used
  std::uint32_t value = 0;                 ///< the scalar argument, if the operation has one
};

/// An operation bound to shapes. Several streams may run it at once, each with its own workspace.
class OpPlan : public Retirable {
 public:
  /// Computes on the calling thread and those of `parallel`; allocates nothing.
  virtual native::Status run(const OpArgs& args, const native::Parallel& parallel,
                             std::byte* workspace) = 0;

  std::uint64_t workspace_bytes = 0;
  std::string name;  ///< "native gemm x86-64-v4"
};

/// The plan of `desc`, the struct that belongs to `op` (SAMPAN_OP_*). Null, with the reason, where
/// the native kernels can't. Throws std::bad_alloc.
[[nodiscard]] std::unique_ptr<OpPlan> make_op_plan(Device& device, std::uint32_t op,
                                                   const void* desc, std::string& reason);

extern const sampan_ops_table_t kOpsTable;

}  // namespace sampan::cpu
