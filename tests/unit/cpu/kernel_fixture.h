#pragma once

#include "plugin.h"

namespace sampan_test {

/// A device with one stream.
class KernelTest : public testing::Test {
 protected:
  Device device_ = open_device();
  Stream stream_ = create_stream(device_.get());
  ErrorRecord error_;

  sampan_code_t run(sampan_kernel_t* what, const Dim3& grid, const Dim3& group,
                    const std::vector<sampan_arg_t>& args) {
    if (const auto code = launch(stream_, what, grid, group, args, error_); code != SAMPAN_OK) {
      return code;
    }
    return wait(stream_, error_);
  }
};

}  // namespace sampan_test
