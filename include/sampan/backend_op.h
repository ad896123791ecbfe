#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "sampan/device.h"
#include "sampan/launch.h"
#include "sampan/stream.h"

namespace sampan {

namespace core {
class OpHandle;
}

/// An operation that a backend brings itself (the ops group of plugin/backend.h): a native kernel
/// or a call of the vendor's library, bound to shapes. The plans of sampan/ops are built on it;
/// programs use those. Shared, cheap to copy. Its runs share nothing but the workspace that the
/// caller gives.
class BackendOp {
 public:
  BackendOp() noexcept = default;

  /// `op` is SAMPAN_OP_…, `desc` the struct that belongs to it. Empty, with the reason, if the
  /// backend doesn't offer this operation for these shapes and types; throws other failures.
  [[nodiscard]] static BackendOp make(const Device& device, std::uint32_t op, const void* desc,
                                      std::string& reason);

  [[nodiscard]] explicit operator bool() const noexcept { return handle_ != nullptr; }
  [[nodiscard]] std::string name() const;
  [[nodiscard]] std::uint64_t workspace_bytes() const noexcept;
  /// Enqueues; arguments in the order that plugin/backend.h gives. `workspace` may be empty if none
  /// is needed. Returns as `Stream::launch`.
  std::uint64_t run(Stream& stream, std::span<const Arg> args, const View& workspace) const;

 private:
  std::shared_ptr<core::OpHandle> handle_;
};

}  // namespace sampan
