#pragma once

#include <string>
#include <vector>

#include "run_program.h"

namespace sampan_test {

/// Runs sampan_process_probe, a program of its own, with the environment given.
[[nodiscard]] Outcome run_probe(
    const std::string& scenario, const std::string& device,
    const std::map<std::string, std::optional<std::string>>& environment = {});

/// "cpu:0" and "opencl:0", as far as this machine has them.
[[nodiscard]] std::vector<std::string> probed_devices();

/// For a test's name: "opencl:0" becomes "opencl".
[[nodiscard]] std::string backend_of(const std::string& device);

}  // namespace sampan_test
