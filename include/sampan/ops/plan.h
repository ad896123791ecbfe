#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "sampan/device.h"

namespace sampan::ops {

class PlanImpl;

/// One implementation that was considered for an operation.
struct Candidate {
  std::string provider;  ///< "backend" (its own, or the vendor's library), "portable", "host"
  std::string name;      ///< "native gemm x86-64-v4", "gemm BM=8 BN=32 …"
  bool chosen = false;
  std::string reason;      ///< why chosen or rejected
  double measured_us = 0;  ///< median of a tuning run; 0 = not measured
};

/// An operation bound to shapes, a device and the implementation that was chosen for it; shared,
/// cheap to copy. The workspace is allocated here, so running allocates nothing.
///
/// Choice, in this order: what tuning measured fastest; the backend's own operation; the portable
/// kernel with the device's tile; the CPU with copies, last.
///
/// Threads: runs of one plan share its workspace: run it on one stream at a time, or make one plan
/// for each stream.
///
/// Making a plan throws invalid_argument (shapes, strides or types that make no sense) or
/// unsupported (no provider; the message lists each candidate with its reason). Running throws as
/// `Stream::launch`, and invalid_argument for views that don't fit the plan.
class Plan {
 public:
  Plan() noexcept = default;
  explicit Plan(std::shared_ptr<PlanImpl> impl) noexcept : impl_(std::move(impl)) {}

  [[nodiscard]] explicit operator bool() const noexcept { return impl_ != nullptr; }
  [[nodiscard]] Device device() const;
  /// Every candidate, the chosen one first.
  [[nodiscard]] const std::vector<Candidate>& why() const;
  [[nodiscard]] std::uint64_t workspace_bytes() const;

 protected:
  /// Throws invalid_argument for an empty plan.
  [[nodiscard]] PlanImpl& impl() const;

 private:
  std::shared_ptr<PlanImpl> impl_;
};

/// Forces a provider ("backend", "portable", "host"; empty: free choice) for every plan made after,
/// in this process; SAMPAN_OPS_PROVIDER sets the start value. For tests and comparisons.
void set_provider(std::string provider);

}  // namespace sampan::ops
