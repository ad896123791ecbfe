#pragma once

#include "backends/common/bytes.h"
#include "backends/cuda_like/device.h"
#include "sampan/plugin/backend.h"

namespace sampan::cuda_like {

/// The code of `desc` for the device, as the driver loads it: compiled, out of the cache, or what
/// the caller gave. Throws Failure; see sampan_module_table_t::load.
[[nodiscard]] common::Bytes make_image(const Device& device, const sampan_module_desc_t& desc);

/// Loads what `make_image` returned. The context is current. Throws Failure.
[[nodiscard]] DriverModule load_image(const Device& device, const common::Bytes& image,
                                      const sampan_module_desc_t& desc);

/// `image` with what it is good for: `make_image` takes it as native code.
[[nodiscard]] common::Bytes pack_image(const Device& device, const common::Bytes& image);

}  // namespace sampan::cuda_like
