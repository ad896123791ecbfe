#include "support/compare.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <sstream>
#include <vector>

namespace sampan::test {
namespace {

using reference::Dtype;

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// Whether rounding to `out` may turn a number within e.bound of e.expected into e.actual, infinite.
bool may_overflow(const Element& e, Dtype out) {
  if (!reference::is_float(out)) return false;
  const double furthest = e.expected + std::copysign(e.bound, e.actual);
  return reference::round_to(out, furthest) == e.actual;
}

double ratio_of(const Element& e, Dtype out) {
  if (std::isnan(e.expected)) return std::isnan(e.actual) ? 0 : kInfinity;
  if (std::isnan(e.actual)) return kInfinity;
  if (std::isinf(e.expected)) return e.actual == e.expected ? 0 : kInfinity;
  if (!std::isfinite(e.bound)) return kInfinity;
  if (std::isinf(e.actual)) return may_overflow(e, out) ? 1 : kInfinity;
  if (e.actual == e.expected) return 0;
  return std::fabs(e.actual - e.expected) / e.bound;  // bound 0 gives infinity, as they differ
}

}  // namespace

void Comparison::add(const Element& element, Dtype out, bool ok) {
  if (!ok && failures_++ == 0) first_failure_ = element;
  if (count_++ == 0 || element.ratio > worst_.ratio) worst_ = element;
  if (!std::isfinite(element.actual) || !std::isfinite(element.expected)) return;
  const double error = element.actual - element.expected;
  max_ulp_ = std::max(max_ulp_, std::fabs(error) / reference::ulp(out, element.expected));
  squared_error_ += error * error;
  squared_expected_ += element.expected * element.expected;
}

double Comparison::nmse() const {
  if (squared_error_ == 0) return 0;
  return squared_expected_ == 0 ? kInfinity : squared_error_ / squared_expected_;
}

std::string Comparison::message() const {
  std::ostringstream text;
  text.precision(9);
  if (size_mismatch_) {
    text << "got " << count_ << " elements instead of " << expected_count_;
    return text.str();
  }
  const auto describe = [&](const Element& element) {
    text << "[" << element.index << "] is " << element.actual << " instead of " << element.expected
         << " +- " << element.bound << " (error/bound " << element.ratio << ")";
  };
  if (failures_ > 0) {
    text << failures_ << " of " << count_ << " elements are wrong; first ";
    describe(first_failure_);
    text << "; worst ";
  } else {
    text << count_ << " elements agree; worst ";
  }
  if (count_ > 0) describe(worst_);
  text << "; max ulp " << max_ulp_ << ", NMSE " << nmse();
  return text.str();
}

Comparison compare_within(std::span<const double> actual, const reference::Result& expected,
                          Dtype out) {
  Comparison comparison;
  if (actual.size() != expected.value.size()) {
    comparison.count_ = actual.size();
    comparison.expected_count_ = expected.value.size();
    comparison.size_mismatch_ = true;
    return comparison;
  }
  for (std::size_t i = 0; i < actual.size(); ++i) {
    Element element{i, actual[i], expected.value[i], expected.bound[i], 0};
    element.ratio = ratio_of(element, out);
    comparison.add(element, out, element.ratio <= 1);
  }
  return comparison;
}

Comparison compare_exact(std::span<const double> actual, std::span<const double> expected,
                         Dtype out) {
  reference::Result rounded;
  rounded.reserve(expected.size());
  for (const double value : expected) {
    rounded.append(reference::exact(reference::round_to(out, value)));
  }
  return compare_within(actual, rounded, out);
}

std::ptrdiff_t first_difference(std::span<const std::byte> actual,
                                std::span<const std::byte> expected) {
  const auto [left, right] =
      std::mismatch(actual.begin(), actual.end(), expected.begin(), expected.end());
  if (left == actual.end() && right == expected.end()) return -1;
  return left - actual.begin();
}

}  // namespace sampan::test
