// Unified shared memory: which addresses the devices know.
#pragma once

#include <cstddef>
#include <memory>

#include "objects.h"

namespace sampan::emulator::ze {

/// Whether a kernel may be given this address: in an allocation of the context's, or in memory of
/// the program's that was imported.
[[nodiscard]] bool is_known(const Context& context, const void* address);

/// Throws Refusal, and reports, where bytes of a copy or fill begin in an allocation and leave it,
/// or lie in device memory of another context. Other memory counts as the host's.
void require_inside(const Context& context, const void* address, std::size_t bytes);

/// Memory of the program's own that the devices reach.
void import_host(void* pointer, std::size_t bytes);
void release_host(void* pointer);

/// The world's lock is held. Marks the device as lost for every context there is.
void lose_in_contexts(unsigned index);

}  // namespace sampan::emulator::ze
