#include "core/backend_op.h"

#include <utility>

#include "core/device.h"
#include "core/error.h"
#include "core/open_device.h"
#include "core/stream.h"
#include "core/validate/validate.h"

namespace sampan {
namespace core {

OpHandle::OpHandle(std::shared_ptr<OpenDevice> device, std::uint32_t op, sampan_op_plan_t* plan,
                   std::uint64_t workspace_bytes)
    : device_(std::move(device)), op_(op), plan_(plan), workspace_bytes_(workspace_bytes) {
  if (const char* text = device_->backend.ops.name(plan_)) name_ = text;
}
bool OpHandle::writes(std::size_t i, std::size_t count) const noexcept {
  constexpr std::size_t kAttentionResult = 3;  // its page table and length come behind
  return op_ == SAMPAN_OP_ATTENTION ? i == kAttentionResult : i + 1 == count;
}
OpHandle::~OpHandle() { device_->backend.ops.destroy(plan_); }

}  // namespace core

BackendOp BackendOp::make(const Device& device, std::uint32_t op, const void* desc,
                          std::string& reason) {
  const auto open = core::require(device).open();
  const core::Backend& backend = open->backend;
  if (!open->info.has_ops) {
    reason = "the " + backend.name + " backend brings no operations of its own";
    return {};
  }
  core::ErrorRecord error;
  sampan_op_plan_t* plan = nullptr;
  std::uint64_t workspace_bytes = 0;
  const auto code =
      backend.ops.plan(open->handle(), op, desc, &plan, &workspace_bytes, error.raw());
  if (code == SAMPAN_UNSUPPORTED) {
    reason = core::to_info(code, error.get(), backend.name).message;
    return {};
  }
  core::check(code, error, backend.name);
  BackendOp result;
  result.handle_ = std::make_shared<core::OpHandle>(open, op, plan, workspace_bytes);
  return result;
}

std::string BackendOp::name() const { return handle_ ? handle_->name() : std::string(); }

std::uint64_t BackendOp::workspace_bytes() const noexcept {
  return handle_ ? handle_->workspace_bytes() : 0;
}

std::uint64_t BackendOp::run(Stream& stream, std::span<const Arg> args,
                             const View& workspace) const {
  core::StreamImpl& impl = core::require(stream);
  core::check_op(impl, handle_.get(), args, workspace);
  return impl.run_op(handle_, args, workspace);
}

}  // namespace sampan
