#include "ops/portable.h"

#include <nlohmann/json.hpp>

#include "ops/tile_table.h"
#include "sampan/error.h"

namespace sampan::ops {
namespace {

using Json = nlohmann::json;

const Json& tile_table() {
  // Never destroyed: plans may be made while the process exits.
  static const Json* const table = new Json(Json::parse(tile_table_text()));
  return *table;
}

}  // namespace

std::vector<Tile> find_tiles(const DeviceInfo& info, const std::string& file) {
  const Json& targets = tile_table().at("targets");
  const auto target = targets.find(info.tile_class);
  if (target == targets.end() || !target->contains(file) || (*target)[file].empty()) {
    throw Error(
        ErrorCode::unsupported,
        "kernels/tuning has no '" + file + "' tile for devices of class '" + info.tile_class + "'");
  }
  return (*target)[file].get<std::vector<Tile>>();
}

std::string storage_name(DType dtype) {
  switch (dtype) {
    case DType::f32:
      return "F32";
    case DType::f16:
      return "F16";
    case DType::bf16:
      return "BF16";
    case DType::i32:
      return "I32";
    case DType::i8:
      return "I8";
    case DType::u8:
      return "U8";
    default:
      return {};
  }
}

PortableKernel load_portable(const Device& device, const std::string& file,
                             const std::string& entry, const Tile& tile,
                             const std::vector<std::pair<std::string, DType>>& types) {
  PortableKernel result;
  result.tile = tile;
  result.name = entry;
  LoadOptions options;
  for (const auto& [name, value] : tile) {
    options.defines.emplace_back(name, std::to_string(value));
  }
  for (const auto& [name, dtype] : types) {
    options.defines.emplace_back(name, storage_name(dtype));
    if (options.defines.back().second.empty()) {
      throw Error(ErrorCode::unsupported,
                  "the portable kernels don't store " + std::string(to_string(dtype)));
    }
  }
  for (const auto& [name, value] : options.defines) result.name += " " + name + "=" + value;
  result.kernel = device.load(Code::builtin(file), options).kernel(entry);
  return result;
}

PortableKernel load_portable(const Device& device, const std::string& file,
                             const std::string& entry,
                             const std::vector<std::pair<std::string, DType>>& types) {
  return load_portable(device, file, entry, find_tiles(device.info(), file).front(), types);
}

}  // namespace sampan::ops
