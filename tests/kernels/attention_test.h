// One attention: tensors made from its description, run, and compared with the reference.
#pragma once

#include <string>

#include "kernels/case.h"
#include "sampan/ops/attention.h"

namespace sampan::test {

struct AttentionCase {
  ops::AttentionDesc desc;        ///< strides and max_pages are set by the test
  std::uint64_t keys_of_run = 0;  ///< AttentionArgs::skv
  /// Keys and values are windows on a cache with room for more keys, queries and results rows of a
  /// wider matrix; what lies between is poison, or canaries.
  bool is_strided = false;
  bool is_sample = false;
};

/// "f32_b2_h4_hkv2_sq1_skv17_d64_causal": what distinguishes the case.
[[nodiscard]] std::string name_of(const AttentionCase& attention);

/// Adds the case under its name.
void add_attention(CaseList& cases, const std::string& suite, const AttentionCase& attention);

}  // namespace sampan::test
