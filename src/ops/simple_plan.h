#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "ops/operand.h"
#include "ops/plan_impl.h"
#include "ops/portable.h"

namespace sampan::ops {

/// Everything that tells one simple operation (views in, views out, at most one number per run)
/// from another.
struct SimpleSpec {
  /// Runs a plan, and what that plan has chosen.
  struct Runner {
    std::function<void(Stream&, std::span<const View>, std::uint32_t)> run;
    std::string name;
  };

  std::string operation;          ///< "this rms_norm", for messages
  std::vector<Operand> operands;  ///< of every view of a run, the results last
  std::size_t results = 1;
  bool last_input_is_optional = false;
  /// The backend's own operation: SAMPAN_OP_… and its description. 0: there is none.
  std::uint32_t backend_op = 0;
  std::shared_ptr<const void> backend_desc;
  /// Loads the portable kernel; throws what loading throws.
  std::function<PortableKernel(const Device&)> load;
  /// Launches it; nothing may be allocated.
  std::function<void(Stream&, const PortableKernel&, std::span<const View>, std::uint32_t)> launch;
  /// A plan of the same operation on another device.
  std::function<Runner(const Device&)> same_on;
};

/// `run(plan, stream, views, number)` as a Runner.
template <class PlanType, class Run>
[[nodiscard]] SimpleSpec::Runner runner_of(PlanType plan, Run run) {
  std::string name = plan.why().front().name;
  return {[plan = std::move(plan), run = std::move(run)](
              Stream& stream, std::span<const View> views, std::uint32_t number) {
            run(plan, stream, views, number);
          },
          std::move(name)};
}

class SimplePlan : public PlanImpl {
 public:
  SimplePlan(const Device& device, SimpleSpec spec);
  /// Does nothing if a result has no elements.
  void run(Stream& stream, std::span<const View> views, std::uint32_t number = 0) const;

 private:
  std::optional<std::string> attempt(Provider provider, std::string& reason);
  void run_backend(Stream& stream, std::span<const View> views) const;
  void run_host(Stream& stream, std::span<const View> views, std::uint32_t number) const;

  SimpleSpec spec_;
  BackendOp op_;
  PortableKernel portable_;
  SimpleSpec::Runner host_;
};

/// The grid of the kernels that give a group to each row.
[[nodiscard]] LaunchConfig row_config(const PortableKernel& kernel, std::uint64_t rows,
                                      std::uint32_t local_bytes_per_item);
/// The grid of the kernels that walk over columns in x and rows in y.
[[nodiscard]] LaunchConfig grid_config(const PortableKernel& kernel, std::uint64_t rows,
                                       std::uint64_t cols);

}  // namespace sampan::ops
