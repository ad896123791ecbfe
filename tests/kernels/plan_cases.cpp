// What all plans have in common, whatever their operation.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <functional>
#include <thread>

#include "kernels/case.h"
#include "kernels/operation_test.h"
#include "reference/gemm.h"
#include "sampan/error.h"
#include "sampan/ops/elementwise.h"
#include "sampan/ops/gemm.h"
#include "support/random_data.h"

namespace sampan::test {
namespace {

ops::GemmDesc small_gemm() {
  ops::GemmDesc desc;
  desc.m = 5;
  desc.n = 6;
  desc.k = 7;
  return desc;
}

// Without force, the first provider in the order that can do it, and a reason for the others.
void takes_the_first_provider(const Target& target) {
  const ops::GemmPlan plan(target.device, small_gemm());
  const std::string expected = target.device.info().has_ops ? "backend" : "portable";
  expect_provider(plan, {target.device, expected});
}

void empty_plan_is_refused(const Target& target) {
  Stream stream = target.device.create_stream();
  EXPECT_TRUE(ops::GemmPlan().why().empty());
  EXPECT_EQ(ops::GemmPlan().workspace_bytes(), 0u);
  try {
    ops::GemmPlan().run(stream, {});
    ADD_FAILURE() << "an empty plan ran";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::invalid_argument);
  }
}

void unknown_provider_is_refused(const Target&) {
  try {
    ops::set_provider("vendor");
    ADD_FAILURE() << "a provider of no such name was taken";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::invalid_argument);
    EXPECT_NE(std::string(error.what()).find("'vendor'"), std::string::npos) << error.what();
  }
}

std::vector<double> run_scale(const Device& device, const ops::ElementwisePlan& plan,
                              std::int64_t elems, int repeats) {
  Stream stream = device.create_stream();
  Tensor x(device, {reference::Dtype::kF32, {elems}, {}, 0}, Filler::kPoison);
  x.set(random_integers(static_cast<std::size_t>(elems), -9, 9, 3));
  x.upload(stream);
  for (int i = 0; i < repeats; ++i) plan.run(stream, x.view(), View(), x.view());
  return x.guarded().elements(x.download(stream));
}

// Plans are copied between threads, each with a stream of its own.
void runs_on_two_streams_at_once(const Target& target) {
  constexpr std::int64_t kElems = 3001;
  const ForcedProvider forced(target.provider);
  ops::ElementwiseDesc desc;
  desc.kind = ops::Elementwise::scale;
  desc.elems = kElems;
  desc.scale = -1;
  const ops::ElementwisePlan plan(target.device, desc);
  std::vector<double> results[2];
  {
    std::vector<std::jthread> threads;
    for (auto& result : results) {
      threads.emplace_back([&target, plan, &result] {
        try {
          result = run_scale(target.device, plan, kElems, 51);
        } catch (const std::exception& error) {
          ADD_FAILURE() << error.what();
        }
      });
    }
  }
  std::vector<double> expected = random_integers(kElems, -9, 9, 3);
  for (double& value : expected) value = -value;
  for (const auto& result : results) EXPECT_EQ(result, expected);
}

/// Whether this machine has the instructions of a level of SAMPAN_CPU_ISA.
bool machine_has(const std::string& level) {
#if defined(__x86_64__)
  if (level == "v2") return __builtin_cpu_supports("sse4.2") != 0;
  if (level == "v3") return __builtin_cpu_supports("avx2") != 0;
  const bool v4 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw");
  return v4 && (level == "v4" || (__builtin_cpu_supports("avx512bf16") != 0 &&
                                  __builtin_cpu_supports("avx512vnni") != 0));
#else
  return level.empty();
#endif
}

// SAMPAN_CPU_ISA chooses the level that the tests run at: the device must say so.
void runs_at_the_chosen_level(const Target& target) {
  const char* chosen = std::getenv("SAMPAN_CPU_ISA");
  const std::string& isa = target.device.info().isa;
  if (target.device.info().backend != "cpu") return;
  EXPECT_FALSE(isa.empty());
  if (chosen == nullptr) return;
  if (!machine_has(chosen)) GTEST_SKIP() << "this machine lacks " << chosen << "; it has " << isa;
  std::string expected = "x86-64-" + std::string(chosen);
  std::replace(expected.begin(), expected.end(), '_', '-');
  EXPECT_EQ(isa, expected);
}

void add(CaseList& cases, const char* name, void (*body)(const Target&), bool is_refusal) {
  cases.add(
      {.suite = "plan", .name = name, .body = body, .is_sample = true, .is_refusal = is_refusal});
}

}  // namespace

void add_plan_cases(CaseList& cases) {
  add(cases, "takes_the_first_provider", takes_the_first_provider, true);
  add(cases, "empty_plan_is_refused", empty_plan_is_refused, true);
  add(cases, "unknown_provider_is_refused", unknown_provider_is_refused, true);
  add(cases, "runs_at_the_chosen_level", runs_at_the_chosen_level, true);
  add(cases, "runs_on_two_streams_at_once", runs_on_two_streams_at_once, false);
}

}  // namespace sampan::test
