// Makes one test of each row of the case tables, on the first device of each backend and for each
// provider that applies: "opencl_portable_gemm.f32_m7_n33_k17".
#include <gtest/gtest.h>

#include <cstdint>
#include <cstdio>
#include <cstring>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "kernels/case.h"
#include "sampan/error.h"

namespace sampan::test {
namespace {

constexpr int kSkipped = 77;  // what the build's test definitions take for "not on this machine"

/// Which tests to make; empty: all.
struct Selection {
  std::string device;  ///< a backend's name
  std::string provider;
  std::string suite;
  bool only_samples = false;
  /// Each buffer gets a block of its own from the driver, so that a checker of memory sees where it
  /// ends and what of it was written.
  bool own_blocks = false;
};

class CaseTest : public testing::Test {
 public:
  CaseTest(const KernelCase& row, Target target, bool own_blocks)
      : row_(row), target_(std::move(target)), own_blocks_(own_blocks) {}
  void SetUp() override {
    // Less than a shared block takes: the pool then asks for each buffer alone.
    constexpr std::uint64_t kBudgetBytes = 16 << 20;
    if (own_blocks_) target_.device.set_memory_budget(kBudgetBytes);
  }
  void TestBody() override { row_.body(target_); }
  void TearDown() override {
    if (own_blocks_) target_.device.trim_pool();
  }

 private:
  const KernelCase& row_;
  Target target_;
  bool own_blocks_;
};

const CaseList& all_cases() {
  static const CaseList cases = [] {
    CaseList list;
    for (const auto add :
         {add_gemm_cases, add_gemm_epilogue_cases, add_gemm_integer_cases, add_gemm_quantised_cases,
          add_attention_cases, add_norm_cases, add_softmax_cases, add_select_cases,
          add_elementwise_cases, add_cast_cases, add_sequence_cases, add_quantize_cases,
          add_plan_cases, add_refusal_cases}) {
      add(list);
    }
    return list;
  }();
  return cases;
}

bool applies(const KernelCase& row, const Device& device, const std::string& provider) {
  if (row.is_refusal) return provider.empty();
  if (provider == "backend") return device.info().has_ops && row.is_native;
  if (provider == "host") return device.info().backend != "cpu" && row.is_sample;
  return provider == "portable";
}

void register_case(const KernelCase& row, const Target& target, bool own_blocks) {
  const std::string provider = target.provider.empty() ? "any" : target.provider;
  const std::string suite = target.device.info().backend + "_" + provider + "_" + row.suite;
  testing::RegisterTest(suite.c_str(), row.name.c_str(), nullptr, nullptr, __FILE__, __LINE__,
                        [&row, target, own_blocks]() -> testing::Test* {
                          return new CaseTest(row, target, own_blocks);
                        });
}

void register_device(const Device& device, const Selection& only) {
  for (const std::string provider : {"backend", "portable", "host", ""}) {
    if (!only.provider.empty() && provider != (only.provider == "any" ? "" : only.provider)) {
      continue;
    }
    for (const KernelCase& row : all_cases().rows()) {
      const bool wanted =
          (only.suite.empty() || row.suite == only.suite) && (!only.only_samples || row.is_sample);
      if (wanted && applies(row, device, provider)) {
        register_case(row, {device, provider}, only.own_blocks);
      }
    }
  }
}

/// Number of backends that have a device here and are wanted.
std::size_t register_all(const Selection& only) {
  std::set<std::string> seen;
  for (const Device& device : devices()) {
    const std::string& backend = device.info().backend;
    if (!only.device.empty() && backend != only.device) continue;
    if (seen.insert(backend).second) register_device(device, only);
  }
  return seen.size();
}

/// The value of `--name value`.
std::optional<std::string> option(int argc, char** argv, const char* name) {
  for (int i = 1; i + 1 < argc; ++i) {
    if (std::strcmp(argv[i], name) == 0) return argv[i + 1];
  }
  return std::nullopt;
}

bool flag(int argc, char** argv, const char* name) {
  for (int i = 1; i < argc; ++i) {
    if (std::strcmp(argv[i], name) == 0) return true;
  }
  return false;
}

int run_tests(int argc, char** argv) {
  Selection only;
  only.device = option(argc, argv, "--device").value_or("");
  only.provider = option(argc, argv, "--provider").value_or("");
  only.suite = option(argc, argv, "--suite").value_or("");
  only.only_samples = flag(argc, argv, "--samples");
  only.own_blocks = flag(argc, argv, "--own-blocks");
  if (register_all(only) == 0) {
    std::fprintf(stderr, "this machine has no device of backend '%s': nothing tested\n",
                 only.device.c_str());
    return kSkipped;
  }
  const int failed = RUN_ALL_TESTS();
  if (!testing::GTEST_FLAG(list_tests) &&
      testing::UnitTest::GetInstance()->test_to_run_count() == 0) {
    std::fprintf(stderr, "no test fits the selection\n");
    return 1;
  }
  return failed;
}

}  // namespace

std::uint64_t seed_of(std::string_view text) {
  std::uint64_t hash = 0xcbf29ce484222325u;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
  return hash;
}

}  // namespace sampan::test

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  return sampan::test::run_tests(argc, argv);
}
