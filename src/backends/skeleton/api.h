#pragma once

namespace sampan::skeleton {

/// Step 2. The part of the vendor's driver that the backend uses, in our own declarations, so that
/// it builds on machines without the SDK: one pointer per function, filled at run time from the
/// driver's library by `backends/common/shared_library.h` (SharedLibrary, SymbolSlot,
/// load_symbols). Pin the symbols' names with their versions ("cuMemAlloc_v2"), and tell those that
/// every driver has from those that newer ones have. Where the SDK's headers are installed, a test
/// compares each declaration with them (tests/unit/opencl/abi_test.cpp is one to copy).
///
/// Never close the library again: drivers leave threads and exit handlers behind.
struct Api {
  // int (*init)(unsigned flags);
};

}  // namespace sampan::skeleton
