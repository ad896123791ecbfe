#pragma once

#include <memory>

#include "core/event.h"

namespace sampan::core {

/// Carries the completion of an event of one backend to a host-signalled event of another: a thread
/// of Sampan's waits for `source` and then signals `target`, with the failure if `source` failed.
/// The thread starts with the first use and polls only while something is pending.
void bridge(std::shared_ptr<EventHandle> source, std::shared_ptr<EventHandle> target);

}  // namespace sampan::core
