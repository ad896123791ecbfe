#pragma once

#include <string>

#include "backends/cuda_like/driver_api.h"

namespace sampan::cuda_like {

/// The driver's library and its functions.
struct Driver {
  DriverApi api{};
  Shape shape{};
  std::string path;       ///< of the file opened; empty if none could be
  std::string error;      ///< why there is no working driver, in one sentence; else empty
  std::string version;    ///< as the maker writes it: "13.0"
  bool emulated = false;  ///< a test driver: no hardware stands behind it
};

/// Opens and initialises the vendor's driver at the first call. With SAMPAN_TEST_DRIVERS set it is
/// the one in that folder ("1": the folder `drivers` beside the plug-ins' own) and no other. The
/// library is never closed and the result lives as long as the process. Free-threaded.
[[nodiscard]] const Driver& driver();

/// The functions alone. Only where `driver().error` is empty.
[[nodiscard]] inline const DriverApi& api() { return driver().api; }
[[nodiscard]] inline const Shape& shape() { return driver().shape; }

/// The vendor's run-time compiler.
struct Compiler {
  CompilerApi api{};
  std::string error;    ///< why there is none, in one sentence; else empty
  std::string version;  ///< with the library's file, for the keys of caches
};

/// Opens the compiler at the first call; see `driver`.
[[nodiscard]] const Compiler& compiler();

}  // namespace sampan::cuda_like
