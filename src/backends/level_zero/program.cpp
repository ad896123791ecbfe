#include "backends/level_zero/program.h"

#include <algorithm>
#include <cctype>
#include <sstream>

#include "backends/common/cache_entry.h"
#include "backends/common/host_log.h"
#include "backends/common/text.h"
#include "backends/level_zero/spirv.h"

namespace sampan::level_zero {
namespace {

using common::Bytes;
using common::ByteView;

// A build log of the driver's, empty where it gives none; destroys it.
std::string take_log(ze::BuildLog log) {
  if (log == nullptr) return {};
  std::string text;
  std::size_t bytes = 0;
  if (api().build_log_get_string(log, &bytes, nullptr) == ze::kSuccess && bytes > 1) {
    text.resize(bytes);
    if (api().build_log_get_string(log, &bytes, text.data()) != ze::kSuccess) text.clear();
  }
  (void)api().build_log_destroy(log);
  text.resize(std::min(text.find('\0'), text.size()));
  return text;
}

OwnedModule create(const Device& device, ByteView code, std::uint32_t format,
                   const sampan_module_desc_t& desc) {
  ze::ModuleDesc module;
  module.format = format;
  module.code_bytes = code.size();
  module.code = reinterpret_cast<const std::uint8_t*>(code.data());
  ze::Module made = nullptr;
  ze::BuildLog log = nullptr;
  const ze::Result result =
      api().module_create(device.context(), device.id(), &module, &made, &log);
  std::string text = take_log(log);
  if (result == ze::kSuccess) return OwnedModule(made);
  Failure failure =
      failure_of(result, "zeModuleCreate", During::kBuild, "Loading " + quoted_name(desc));
  // Compiled code that doesn't build isn't the source's fault.
  if (failure.code == SAMPAN_COMPILE_FAILED) failure.code = SAMPAN_INVALID_BINARY;
  const std::string line = first_error(text);
  if (!line.empty()) failure.message += ": " + line;
  failure.detail = std::move(text);
  throw failure;
}

Bytes driver_binary(ze::Module module) {
  constexpr const char* kDoing = "Reading the native code of a module";
  std::size_t bytes = 0;
  check(api().module_get_native_binary(module, &bytes, nullptr), "zeModuleGetNativeBinary",
        During::kQuery, kDoing);
  Bytes code(bytes);
  check(
      api().module_get_native_binary(module, &bytes, reinterpret_cast<std::uint8_t*>(code.data())),
      "zeModuleGetNativeBinary", During::kQuery, kDoing);
  code.resize(std::min(bytes, code.size()));
  return code;
}

// What native code is good for.
common::CacheKey target_key(const Device& device) {
  const sampan_device_info_t info = describe_device(device.facts());
  common::CacheKey key;
  key.add("backend", "level_zero")
      .add("build", build_id())
      .add("driver version", info.driver)
      .add("device", info.name)
      .add("isa", info.isa);
  return key;
}

OwnedModule from_spirv(const Device& device, ByteView spirv, const sampan_module_desc_t& desc) {
  common::CacheKey key = target_key(device);
  key.add("spirv", common::text_of(spirv));
  OwnedModule built;
  const Bytes native = cache().get_or_compile(key, [&]() -> Bytes {
    built = create(device, spirv, ze::kFormatSpirv, desc);
    return driver_binary(built.get());
  });
  if (built) return built;
  try {
    return create(device, native, ze::kFormatNative, desc);
  } catch (const Failure& failure) {
    if (failure.code != SAMPAN_INVALID_BINARY) throw;
    common::log(SAMPAN_LOG_WARNING,
                "Cached code is of no use, compiling again: " + failure.message);
  }
  return create(device, spirv, ze::kFormatSpirv, desc);
}

// Takes what `packed_binary` returned, or a binary of the driver's own.
OwnedModule from_native(const Device& device, ByteView code, const sampan_module_desc_t& desc) {
  const auto entry = common::parse_entry(code, target_key(device).text());
  switch (entry.error) {
    case common::EntryError::kNone:
      return create(device, entry.payload, ze::kFormatNative, desc);
    case common::EntryError::kNotAnEntry:
      return create(device, code, ze::kFormatNative, desc);
    case common::EntryError::kOtherKey:
      throw Failure(SAMPAN_INVALID_BINARY,
                    "The native code of " + quoted_name(desc) +
                        " was made for another device or driver; build it anew");
    default:
      throw Failure(SAMPAN_INVALID_BINARY, "The native code of " + quoted_name(desc) + " " +
                                               common::describe(entry.error) + "; build it anew");
  }
}

}  // namespace

OwnedModule build_module(const Device& device, const sampan_module_desc_t& desc) {
  const ByteView code{static_cast<const std::byte*>(desc.code), desc.code_bytes};
  switch (desc.format) {
    case SAMPAN_FORMAT_SOURCE:
      return from_spirv(device, compile_to_spirv(desc), desc);
    case SAMPAN_FORMAT_NATIVE:
      return from_native(device, code, desc);
    case SAMPAN_FORMAT_SPIRV:
      check_spirv(code, desc);
      return from_spirv(device, code, desc);
    default:
      throw Failure(SAMPAN_UNSUPPORTED,
                    "The Level Zero backend knows no code format " + std::to_string(desc.format));
  }
}

Bytes packed_binary(const Device& device, ze::Module module) {
  const Bytes code = driver_binary(module);
  const Bytes head = common::encode_entry_head(target_key(device).text(), code);
  Bytes packed(head.size() + code.size());
  std::ranges::copy(code, std::ranges::copy(head, packed.begin()).out);
  return packed;
}

common::CodeCache& cache() {
  // Never destroyed: modules may be loaded while static objects die.
  static auto* const kCache = new common::CodeCache(
      common::cache_settings(common::Environment::of_process()),
      [](const std::string& message) { common::log(SAMPAN_LOG_WARNING, message); });
  return *kCache;
}

std::string quoted_name(const sampan_module_desc_t& desc) {
  return desc.name != nullptr && *desc.name != '\0' ? common::in_quotes(desc.name) : "a module";
}

std::string first_error(const std::string& log) {
  std::istringstream lines(log);
  std::string first;
  for (std::string line; std::getline(lines, line);) {
    if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
    if (first.empty()) first = line;
    std::string lower = line;
    std::ranges::transform(lower, lower.begin(), [](unsigned char c) { return std::tolower(c); });
    if (lower.find("error") != std::string::npos) return line;
  }
  return first;
}

}  // namespace sampan::level_zero
