#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "sampan/backend_op.h"
#include "sampan/plugin/backend.h"

namespace sampan::core {

class OpenDevice;

/// A plan of the backend's, destroyed with its last owner.
class OpHandle {
 public:
  OpHandle(std::shared_ptr<OpenDevice> device, std::uint32_t op, sampan_op_plan_t* plan,
           std::uint64_t workspace_bytes);
  OpHandle(const OpHandle&) = delete;
  ~OpHandle();

  [[nodiscard]] const std::shared_ptr<OpenDevice>& device() const noexcept { return device_; }
  [[nodiscard]] sampan_op_plan_t* raw() const noexcept { return plan_; }
  [[nodiscard]] std::uint64_t workspace_bytes() const noexcept { return workspace_bytes_; }
  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  /// True if argument `i` of `count` is the result.
  [[nodiscard]] bool writes(std::size_t i, std::size_t count) const noexcept;

 private:
  std::shared_ptr<OpenDevice> device_;
  std::uint32_t op_;
  sampan_op_plan_t* plan_;
  std::uint64_t workspace_bytes_;
  std::string name_;
};

}  // namespace sampan::core
