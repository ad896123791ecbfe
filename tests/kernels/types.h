// Element types of the library and of the reference.
#pragma once

#include <string>

#include "reference/dtype.h"
#include "sampan/dtype.h"

namespace sampan::test {

/// The reference's name of a type. Throws std::invalid_argument for those that it doesn't know.
[[nodiscard]] reference::Dtype reference_dtype(DType dtype);

[[nodiscard]] DType library_dtype(reference::Dtype dtype);

/// "bf16", for names of cases.
[[nodiscard]] inline std::string dtype_name(DType dtype) { return std::string(to_string(dtype)); }

}  // namespace sampan::test
