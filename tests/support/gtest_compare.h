// The test helpers' results as GoogleTest assertions.
#pragma once

#include <gtest/gtest.h>

#include <optional>
#include <string>

#include "support/compare.h"

namespace sampan::test {

/// For EXPECT_TRUE: the comparison's message if it failed.
[[nodiscard]] inline testing::AssertionResult agrees(const Comparison& comparison) {
  if (comparison.passed()) return testing::AssertionSuccess() << comparison.message();
  return testing::AssertionFailure() << comparison.message();
}

/// For EXPECT_TRUE: the place of a stray write that GuardedBuffer found.
[[nodiscard]] inline testing::AssertionResult untouched(const std::optional<std::string>& write) {
  if (!write) return testing::AssertionSuccess();
  return testing::AssertionFailure() << *write;
}

}  // namespace sampan::test
