#include "sampan/ops/plan.h"

#include <algorithm>
#include <cstdlib>
#include <mutex>
#include <utility>

#include "ops/plan_impl.h"
#include "sampan/error.h"

namespace sampan::ops {
namespace {

struct Forced {
  std::mutex mutex;
  std::string provider;
};

bool is_provider(const std::string& name) {
  return name.empty() || name == "backend" || name == "portable" || name == "host";
}

// Throws as long as the environment asks for what there isn't.
Forced& forced() {
  static Forced* const instance = [] {
    const char* value = ::secure_getenv("SAMPAN_OPS_PROVIDER");
    const std::string provider = value != nullptr ? value : "";
    if (!is_provider(provider)) {
      throw Error(ErrorCode::invalid_argument, "SAMPAN_OPS_PROVIDER is '" + provider +
                                                   "'; set it to backend, portable or host");
    }
    return new Forced{{}, provider};
  }();
  return *instance;
}

thread_local int free_choices = 0;

std::string forced_provider() {
  if (free_choices > 0) return {};
  const std::lock_guard lock(forced().mutex);
  return forced().provider;
}

}  // namespace

std::string to_string(Provider provider) {
  switch (provider) {
    case Provider::backend:
      return "backend";
    case Provider::portable:
      return "portable";
    case Provider::host:
      return "host";
  }
  return "unknown";
}

void set_provider(std::string provider) {
  if (!is_provider(provider)) {
    throw Error(ErrorCode::invalid_argument,
                "'" + provider + "' is no provider; there are backend, portable and host");
  }
  const std::lock_guard lock(forced().mutex);
  forced().provider = std::move(provider);
}

void choose_provider(
    PlanImpl& plan, const std::string& operation,
    const std::function<std::optional<std::string>(Provider, std::string&)>& attempt) {
  const std::string only = forced_provider();
  bool chosen = false;
  for (const Provider provider : {Provider::backend, Provider::portable, Provider::host}) {
    Candidate candidate;
    candidate.provider = to_string(provider);
    if (!only.empty() && only != candidate.provider) {
      candidate.reason = "the provider is forced to '" + only + "'";
    } else if (chosen) {
      candidate.reason = "not tried: an earlier provider in the order can do it";
    } else if (auto name = attempt(provider, candidate.reason)) {
      candidate.name = std::move(*name);
      candidate.chosen = chosen = true;
      if (candidate.reason.empty()) candidate.reason = "the first in the order that can do it";
    }
    plan.candidates.push_back(std::move(candidate));
  }
  if (!chosen) {
    std::string message = operation + " isn't possible on " + plan.device.id() + ":";
    for (const Candidate& candidate : plan.candidates) {
      message += " [" + candidate.provider + "] " + candidate.reason + ";";
    }
    message.back() = '.';
    throw Error(ErrorCode::unsupported, std::move(message));
  }
  std::stable_partition(plan.candidates.begin(), plan.candidates.end(),
                        [](const Candidate& candidate) { return candidate.chosen; });
}

FreeChoice::FreeChoice() { ++free_choices; }
FreeChoice::~FreeChoice() { --free_choices; }

BackendOp make_backend_op(PlanImpl& plan, std::uint32_t op, const void* desc, std::string& reason) {
  BackendOp made = BackendOp::make(plan.device, op, desc, reason);
  if (made && made.workspace_bytes() > 0) {
    plan.workspace = plan.device.allocate(made.workspace_bytes());
  }
  return made;
}

Device Plan::device() const { return impl_ ? impl_->device : Device(); }

const std::vector<Candidate>& Plan::why() const {
  static const std::vector<Candidate> empty;
  return impl_ ? impl_->candidates : empty;
}

std::uint64_t Plan::workspace_bytes() const { return impl_ ? impl_->workspace.size_bytes() : 0; }

PlanImpl& Plan::impl() const {
  if (!impl_) {
    throw Error(ErrorCode::invalid_argument, "this plan is empty; make one for a device first");
  }
  return *impl_;
}

}  // namespace sampan::ops
