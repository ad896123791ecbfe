// Compares what a device returned with the reference.
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "reference/bound.h"

namespace sampan::test {

/// One element of a comparison.
struct Element {
  std::size_t index = 0;
  double actual = 0;
  double expected = 0;
  double bound = 0;
  /// |actual - expected| / bound; 0 for an equal element, infinity for an impossible one.
  double ratio = 0;
};

/// Outcome of one comparison: what failed first, what was worst, and how close it was overall.
class Comparison {
 public:
  [[nodiscard]] bool passed() const { return failures_ == 0 && !size_mismatch_; }
  [[nodiscard]] std::size_t count() const { return count_; }
  [[nodiscard]] std::size_t failures() const { return failures_; }
  /// Valid if failures() > 0.
  [[nodiscard]] const Element& first_failure() const { return first_failure_; }
  /// The element of the largest ratio, failed or not. Valid if count() > 0.
  [[nodiscard]] const Element& worst() const { return worst_; }
  /// Largest distance in units in the last place of the output type, over finite elements.
  [[nodiscard]] double max_ulp() const { return max_ulp_; }
  /// sum((actual - expected)^2) / sum(expected^2) over finite elements; 0 where both are 0.
  [[nodiscard]] double nmse() const;
  /// One line for people; names the first failure if there is one.
  [[nodiscard]] std::string message() const;

 private:
  friend Comparison compare_within(std::span<const double>, const reference::Result&,
                                   reference::Dtype);

  void add(const Element& element, reference::Dtype out, bool ok);

  std::size_t count_ = 0;
  std::size_t failures_ = 0;
  bool size_mismatch_ = false;
  std::size_t expected_count_ = 0;
  Element first_failure_;
  Element worst_;
  double max_ulp_ = 0;
  double squared_error_ = 0;
  double squared_expected_ = 0;
};

/// Passes if every actual[i] is within expected.bound[i] of expected.value[i], where
/// - a NaN must meet a NaN, an infinity the same infinity;
/// - an infinity may also stand for a finite value that its bound lets round beyond `out`'s range;
/// - an element whose expected value is finite but whose bound isn't fails: such a test can't fail;
/// - different counts fail.
[[nodiscard]] Comparison compare_within(std::span<const double> actual,
                                        const reference::Result& expected, reference::Dtype out);

/// Passes if every element equals expected[i] rounded to `out`; +0 equals -0, NaN equals NaN.
[[nodiscard]] Comparison compare_exact(std::span<const double> actual,
                                       std::span<const double> expected, reference::Dtype out);

/// Index of the first differing byte, or the shorter length if one is a prefix of the other;
/// a negative number if they are equal. For operations that move bits: copy, transpose, gather.
[[nodiscard]] std::ptrdiff_t first_difference(std::span<const std::byte> actual,
                                              std::span<const std::byte> expected);

}  // namespace sampan::test
