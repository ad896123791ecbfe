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

Tile find_tile(const DeviceInfo& info, std::string_view row) {
  const Json& table = tile_table();
  const auto klass = table.find(info.tile_class);
  if (klass == table.end() || !klass->contains(row)) {
    throw Error(ErrorCode::unsupported, "kernels/tuning has no '" + std::string(row) +
                                            "' tile for devices of class '" + info.tile_class +
                                            "'");
  }
  return (*klass)[std::string(row)].get<Tile>();
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
                             const std::string& entry, std::string_view row,
                             const std::vector<std::pair<std::string, DType>>& types,
                             const std::vector<std::pair<std::string, std::uint32_t>>& constants) {
  PortableKernel result;
  result.tile = find_tile(device.info(), row);
  for (const auto& [name, value] : constants) result.tile[name] = value;
  result.name = entry;
  LoadOptions options;
  for (const auto& [name, value] : result.tile) {
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

}  // namespace sampan::ops
