#pragma once

#include <gtest/gtest.h>

#include <optional>
#include <string>

#include "plugin.h"

namespace sampan::test {

/// Runs a test once per memory path that the device has; the others are skipped by name.
class OnPath : public ::testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    variable_.emplace("SAMPAN_OPENCL_MEMORY", GetParam());
    bench_.emplace();
    if (bench_->opened()) return;
    if (bench_->error()->code == SAMPAN_UNSUPPORTED) {
      GTEST_SKIP() << "UNSUPPORTED: " << bench_->error().message();
    }
    FAIL() << bench_->error().message();
  }

  [[nodiscard]] const Bench& bench() const { return *bench_; }
  [[nodiscard]] static const sampan_backend_t& tables() { return Plugin::get().backend; }

 private:
  std::optional<ScopedVariable> variable_;
  std::optional<Bench> bench_;
};

[[nodiscard]] inline std::string path_name(const ::testing::TestParamInfo<const char*>& info) {
  return info.param;
}

#define INSTANTIATE_ON_PATHS(suite)                                                 \
  INSTANTIATE_TEST_SUITE_P(Paths, suite, ::testing::Values("svm", "usm", "buffer"), \
                           ::sampan::test::path_name)

}  // namespace sampan::test
