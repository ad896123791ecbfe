#pragma once

#include "core/validate/validate.h"
#include "sampan/stream.h"

namespace sampan::core {

/// `Stream::copy` between two devices: through the host's own address where one side has it, by the
/// driver where it knows both, else in chunks through pinned memory, reading one chunk while the
/// one before is written. Later work of `stream` sees the copy done.
void copy_between_devices(StreamImpl& stream, const View& dst, const View& src,
                          std::uint64_t size_bytes);

}  // namespace sampan::core
