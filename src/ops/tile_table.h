#pragma once

#include <string_view>

namespace sampan::ops {

/// kernels/tuning/tiles.json, compiled into the library.
[[nodiscard]] std::string_view tile_table_text();

}  // namespace sampan::ops
