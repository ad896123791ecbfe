#include "ratios.h"

#include <algorithm>
#include <cstdio>

namespace sampan::bench {
namespace {

struct Median {
  double time_ns = 0, rate = 0;
  std::string problem;
};

/// Keeps the medians while the console shows them.
class Reporter : public benchmark::ConsoleReporter {
 public:
  void ReportRuns(const std::vector<Run>& runs) override {
    ConsoleReporter::ReportRuns(runs);
    for (const Run& run : runs) {
      const std::string name = run.run_name.function_name;
      if (run.error_occurred) medians_[name].problem = run.error_message;
      if (run.run_type != Run::RT_Aggregate || run.aggregate_name != "median") continue;
      Median& median = medians_[name];
      median.time_ns =
          run.GetAdjustedRealTime() / benchmark::GetTimeUnitMultiplier(run.time_unit) * 1e9;
      const auto rate = run.counters.find(kRate);
      if (rate != run.counters.end()) median.rate = rate->second.value;
    }
  }

  void print(const std::vector<Ratio>& ratios) const {
    std::printf("\n%-58s %12s %12s %8s  %s\n", "ratio (medians of one interleaved run)", "ours",
                "base", "ratio", "target");
    for (const Ratio& ratio : ratios) {
      const auto ours = medians_.find(ratio.ours), base = medians_.find(ratio.base);
      if (ours == medians_.end() || base == medians_.end()) continue;
      const std::string problem =
          !ours->second.problem.empty() ? ours->second.problem : base->second.problem;
      if (!problem.empty()) {
        std::printf("%-58s not measured: %s\n", ratio.what.c_str(), problem.c_str());
        continue;
      }
      const double a = ratio.of_rates ? ours->second.rate : ours->second.time_ns;
      const double b = ratio.of_rates ? base->second.rate : base->second.time_ns;
      std::printf("%-58s %12.4g %12.4g %8.3f  %s\n", ratio.what.c_str(), a, b, a / b,
                  ratio.target.c_str());
    }
  }

 private:
  std::map<std::string, Median> medians_;
};

}  // namespace

int run_and_compare(int argc, char** argv, const std::vector<Ratio>& ratios) {
  std::vector<char*> args(argv, argv + argc);
  // Before the caller's own options, so that those win.
  static char repetitions[] = "--benchmark_repetitions=9";
  static char interleaving[] = "--benchmark_enable_random_interleaving=true";
  static char aggregates[] = "--benchmark_display_aggregates_only=true";
  args.insert(args.begin() + 1, {repetitions, interleaving, aggregates});
  int count = static_cast<int>(args.size());
  benchmark::Initialize(&count, args.data());
  if (benchmark::ReportUnrecognizedArguments(count, args.data())) return 2;
  Reporter reporter;
  benchmark::RunSpecifiedBenchmarks(&reporter);
  reporter.print(ratios);
  return 0;
}

}  // namespace sampan::bench
