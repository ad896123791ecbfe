#include "exports.h"

#include "control.h"
#include "kernel_abi.h"

using sampan::emulator::Control;

int sampan_emulated_driver() { return sampan_emulator::kAbi; }

int sampan_emu_control(const char* commands) { return Control::of_library().apply(commands); }

std::uint64_t sampan_emu_count(const char* what) { return Control::of_library().count(what); }

const char* sampan_emu_last_report() { return Control::of_library().last_report(); }
