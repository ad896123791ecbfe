// What every emulated library exports beside its vendor's functions.
#pragma once

#include <cstdint>

/// Marks a function that the library exports; all others are hidden.
#define SAMPAN_EMU_EXPORT extern "C" __attribute__((visibility("default")))

/// The version of what its compiler makes: code of another version is refused. Real drivers have no
/// such function.
SAMPAN_EMU_EXPORT int sampan_emulated_driver(void);
/// Commands as README.md lists them. 0, or 1 for one that isn't understood.
SAMPAN_EMU_EXPORT int sampan_emu_control(const char* commands);
/// The figure of that name; UINT64_MAX where there is none.
SAMPAN_EMU_EXPORT std::uint64_t sampan_emu_count(const char* what);
/// One sentence about the last mistake seen in the program, or "".
SAMPAN_EMU_EXPORT const char* sampan_emu_last_report(void);
