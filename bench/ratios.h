#pragma once

#include <benchmark/benchmark.h>

#include <map>
#include <string>
#include <vector>

namespace sampan::bench {

/// One line of the summary: the median of `ours` over that of `base`, both names of benchmarks that
/// ran in this process. `target` says what the ratio should be: "<= 1.0".
struct Ratio {
  std::string what, ours, base, target;
  /// false: time over time (smaller is better for us); true: rate over rate.
  bool of_rates = false;
};

/// Runs every registered benchmark in interleaved repetitions (so that a machine that changes its
/// speed changes it for all), prints Google Benchmark's table of medians, and then the ratios. A
/// benchmark that was skipped leaves its ratio out, with the reason. Returns the process's exit
/// code.
int run_and_compare(int argc, char** argv, const std::vector<Ratio>& ratios);

/// The rate that of_rates compares: set it as this counter.
inline constexpr const char* kRate = "rate";

}  // namespace sampan::bench
