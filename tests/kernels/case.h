// The table of kernel cases. Each file of cases adds its rows; main.cpp makes one test of each row,
// device and provider.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "kernels/target.h"

namespace sampan::test {

struct KernelCase {
  std::string suite;  ///< "gemm"
  std::string name;   ///< letters, digits and _, unique in its suite
  std::function<void(const Target&)> body;
  bool is_native = false;  ///< backends with operations of their own bring this one
  /// A few of each suite: they run with the provider "host" too, and on every level of the CPU.
  bool is_sample = false;
  /// Says what plans refuse and why: runs once for each device, with no provider forced.
  bool is_refusal = false;
};

class CaseList {
 public:
  void add(KernelCase row) { rows_.push_back(std::move(row)); }
  [[nodiscard]] const std::vector<KernelCase>& rows() const { return rows_; }

 private:
  std::vector<KernelCase> rows_;
};

void add_gemm_cases(CaseList& cases);
void add_gemm_epilogue_cases(CaseList& cases);
void add_gemm_integer_cases(CaseList& cases);
void add_gemm_quantised_cases(CaseList& cases);
void add_attention_cases(CaseList& cases);
void add_norm_cases(CaseList& cases);
void add_softmax_cases(CaseList& cases);
void add_select_cases(CaseList& cases);
void add_elementwise_cases(CaseList& cases);
void add_cast_cases(CaseList& cases);
void add_sequence_cases(CaseList& cases);
void add_quantize_cases(CaseList& cases);
void add_plan_cases(CaseList& cases);
void add_refusal_cases(CaseList& cases);

/// A seed that depends on the text alone (FNV-1a).
[[nodiscard]] std::uint64_t seed_of(std::string_view text);

}  // namespace sampan::test
