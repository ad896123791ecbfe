#pragma once

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sampan/device.h"
#include "sampan/dtype.h"

namespace sampan::ops {

/// A kernel's tuning constants: macro name to value.
using Tile = std::map<std::string, std::uint32_t, std::less<>>;

/// The tiles that kernels/tuning gives for this device's class and kernels/<file>.k, the preferred
/// one for large shapes first. Throws unsupported, naming the class, if there is none.
[[nodiscard]] std::vector<Tile> find_tiles(const DeviceInfo& info, const std::string& file);

/// A kernel that ships with Sampan, compiled with a tile and element types.
struct PortableKernel {
  Kernel kernel;
  Tile tile;
  std::string name;  ///< "gemm BM=8 BN=32 DT_A=F32 …", for plan.why()

  [[nodiscard]] std::uint32_t operator[](std::string_view macro) const {
    return tile.find(macro)->second;
  }
};

/// Loads `entry` of kernels/<file>.k with a tile; `types` are macros such as {"DT_A", f32}.
[[nodiscard]] PortableKernel load_portable(const Device& device, const std::string& file,
                                           const std::string& entry, const Tile& tile,
                                           const std::vector<std::pair<std::string, DType>>& types);
/// The same with the first tile.
[[nodiscard]] PortableKernel load_portable(const Device& device, const std::string& file,
                                           const std::string& entry,
                                           const std::vector<std::pair<std::string, DType>>& types);

/// The dialect's name of a storage type: "BF16". Empty if kernels can't store it.
[[nodiscard]] std::string storage_name(DType dtype);

[[nodiscard]] constexpr std::uint64_t ceil_div(std::uint64_t a, std::uint64_t b) {
  return a / b + (a % b != 0 ? 1 : 0);
}

}  // namespace sampan::ops
