#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "sampan/backend_op.h"
#include "sampan/ops/plan.h"

namespace sampan::ops {

/// What every plan has. Each operation derives its own, with the provider it chose.
class PlanImpl {
 public:
  explicit PlanImpl(Device device_in) : device(std::move(device_in)) {}
  virtual ~PlanImpl() = default;

  Device device;
  std::vector<Candidate> candidates;
  Buffer workspace;
};

enum class Provider { backend, portable, host };
[[nodiscard]] std::string to_string(Provider provider);

/// Tries the providers in turn. `attempt` returns the name of the implementation it has set up, or
/// nullopt with the reason why this provider can't. Fills `candidates`, the chosen one first;
/// throws unsupported with every reason if none can.
void choose_provider(
    PlanImpl& plan, const std::string& operation,
    const std::function<std::optional<std::string>(Provider, std::string& reason)>& attempt);

/// While it lives, plans made by this thread choose freely, whatever is forced: for the plan on the
/// CPU behind the provider "host".
class FreeChoice {
 public:
  FreeChoice();
  FreeChoice(const FreeChoice&) = delete;
  FreeChoice& operator=(const FreeChoice&) = delete;
  ~FreeChoice();
};

/// The backend's own operation with its workspace, or empty with the reason.
[[nodiscard]] BackendOp make_backend_op(PlanImpl& plan, std::uint32_t op, const void* desc,
                                        std::string& reason);

}  // namespace sampan::ops
