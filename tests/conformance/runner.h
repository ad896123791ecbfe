// Runs the conformance suite on devices.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "declaration.h"
#include "sampan/device.h"

namespace sampan::conformance {

/// A device under test, with what its backend declares.
struct Target {
  Device device;
  Declaration declaration;
};

struct CaseResult {
  std::string name;
  Outcome outcome = Outcome::failed;
  std::string reason;   ///< of the declaration
  std::string message;  ///< what failed, or what the device answered
  double seconds = 0;
};

/// Names of the cases that `filter` selects: patterns separated by ':', those behind a '-' left out;
/// empty selects all.
[[nodiscard]] std::vector<std::string> case_names(std::string_view filter);

/// Entries of a declaration that name no case of the suite.
[[nodiscard]] std::vector<std::string> stale_entries(const Declaration& declaration);

/// Runs the selected cases on each target, one after the other, and tells `observer` of each result.
/// Call once per process. A case that runs for more than five minutes ends the process with exit
/// code 1, after saying so on stderr: there is no other way out of a driver that hangs.
void run(const std::vector<Target>& targets, std::string_view filter,
         const std::function<void(const Target&, const CaseResult&)>& observer);

}  // namespace sampan::conformance
