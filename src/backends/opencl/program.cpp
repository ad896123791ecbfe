#include "backends/opencl/program.h"

#include <algorithm>
#include <cctype>
#include <sstream>
#include <string_view>
#include <utility>

#include "backends/common/cache_entry.h"
#include "backends/common/code_cache.h"
#include "backends/opencl/host.h"
#include "backends/opencl/info.h"

namespace sampan::opencl {
namespace {

std::string build_log(cl::Program program, const Device& device) {
  std::size_t bytes = 0;
  if (api().get_program_build_info(program, device.id(), cl::kProgramBuildLog, 0, nullptr,
                                   &bytes) != cl::kSuccess) {
    return {};
  }
  std::string log(bytes, '\0');
  if (api().get_program_build_info(program, device.id(), cl::kProgramBuildLog, bytes, log.data(),
                                   nullptr) != cl::kSuccess) {
    return {};
  }
  log.resize(std::min(log.find('\0'), log.size()));
  return log;
}

// The line that says what is wrong: the first with "error" in it, else the first with anything.
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

std::string module_name(const sampan_module_desc_t& desc) {
  return desc.name != nullptr && *desc.name != '\0' ? desc.name : "a module";
}

void build(const OwnedProgram& program, const Device& device, const std::string& options,
           const sampan_module_desc_t& desc) {
  const cl::Device id = device.id();
  const cl::Int code =
      api().build_program(program.get(), 1, &id, options.c_str(), nullptr, nullptr);
  watch_exit(After::build);
  if (code == cl::kSuccess) return;
  Failure failure =
      failure_of(code, "clBuildProgram", During::kBuild, "Building '" + module_name(desc) + "'");
  failure.detail = build_log(program.get(), device);
  const std::string line = first_error(failure.detail);
  if (!line.empty() && failure.code == SAMPAN_COMPILE_FAILED) {
    failure.message = "Building '" + module_name(desc) + "' failed: " + line;
  }
  throw failure;
}

OwnedProgram from_binary(const Device& device, common::ByteView code,
                         const sampan_module_desc_t& desc) {
  const cl::Device id = device.id();
  const auto* bytes = reinterpret_cast<const unsigned char*>(code.data());
  const std::size_t size_bytes = code.size();
  cl::Int binary_code = cl::kSuccess;
  cl::Int result = cl::kSuccess;
  OwnedProgram program(api().create_program_with_binary(device.context(), 1, &id, &size_bytes,
                                                        &bytes, &binary_code, &result));
  const std::string doing = "Loading '" + module_name(desc) + "'";
  // CL_INVALID_VALUE is what drivers answer to bytes that are no binary at all.
  if (result == cl::kInvalidValue) result = cl::kInvalidBinary;
  check(result, "clCreateProgramWithBinary", During::kBuild, doing);
  check(binary_code, "clCreateProgramWithBinary", During::kBuild, doing);
  try {
    build(program, device, "", desc);
  } catch (Failure& failure) {
    if (failure.code == SAMPAN_COMPILE_FAILED) failure.code = SAMPAN_INVALID_BINARY;
    throw;
  }
  return program;
}

std::string build_options(const Device& device, const sampan_module_desc_t& desc) {
  std::string options = device.traits().compile_options;
  if (desc.options != nullptr && *desc.options != '\0') options += std::string(" ") + desc.options;
  return options;
}

OwnedProgram from_source(const Device& device, const std::string& options,
                         const sampan_module_desc_t& desc) {
  const char* text = static_cast<const char*>(desc.code);
  const std::size_t text_bytes = desc.code_bytes;
  cl::Int code = cl::kSuccess;
  OwnedProgram program(
      api().create_program_with_source(device.context(), 1, &text, &text_bytes, &code));
  check(code, "clCreateProgramWithSource", During::kBuild, "Building '" + module_name(desc) + "'");
  build(program, device, options, desc);
  return program;
}

common::Bytes driver_binary(cl::Program program) {
  constexpr const char* kDoing = "Reading the native code of a module";
  std::size_t size_bytes = 0;  // of one device: each program here is built for one
  check(api().get_program_info(program, cl::kProgramBinarySizes, sizeof size_bytes, &size_bytes,
                               nullptr),
        "clGetProgramInfo", During::kQuery, kDoing);
  common::Bytes binary(size_bytes);
  if (binary.empty()) return binary;
  auto* at = reinterpret_cast<unsigned char*>(binary.data());
  check(api().get_program_info(program, cl::kProgramBinaries, sizeof at, &at, nullptr),
        "clGetProgramInfo", During::kQuery, kDoing);
  return binary;
}

common::CodeCache& cache() {
  // Never destroyed: modules may be loaded while static objects die.
  static auto* const kCache =
      new common::CodeCache(common::cache_settings(common::Environment::of_process()),
                            [](const std::string& message) { log(SAMPAN_LOG_WARNING, message); });
  return *kCache;
}

// What a binary is good for.
common::CacheKey target_key(const Device& device) {
  const Traits& traits = device.traits();
  const cl::Device id = device.id();
  common::CacheKey key;
  key.add("backend", "opencl")
      .add("build", build_id())
      .add("platform", traits.entry.platform_name)
      .add("platform version", platform_text(traits.entry.platform, cl::kPlatformVersion))
      .add("driver version", device_text(id, cl::kDriverVersion))
      .add("device", device_text(id, cl::kDeviceName))
      .add("device version", device_text(id, cl::kDeviceVersion));
  return key;
}

OwnedProgram from_cached_source(const Device& device, const sampan_module_desc_t& desc) {
  const std::string options = build_options(device, desc);
  if (!device.traits().cache_binaries) return from_source(device, options, desc);
  common::CacheKey key = target_key(device);
  key.add("options", options).add("source", {static_cast<const char*>(desc.code), desc.code_bytes});
  OwnedProgram built;
  const common::Bytes binary = cache().get_or_compile(key, [&]() -> common::Bytes {
    built = from_source(device, options, desc);
    return driver_binary(built.get());
  });
  if (built) return built;
  if (!binary.empty()) {
    try {
      return from_binary(device, binary, desc);
    } catch (const Failure& failure) {
      log(SAMPAN_LOG_WARNING, "Cached code is of no use, compiling again: " + failure.message);
    }
  }
  return from_source(device, options, desc);
}

// Takes what `program_binary` returned, or a binary of the driver's own.
OwnedProgram from_native(const Device& device, const sampan_module_desc_t& desc) {
  const common::ByteView code{static_cast<const std::byte*>(desc.code), desc.code_bytes};
  const auto entry = common::parse_entry(code, target_key(device).text());
  switch (entry.error) {
    case common::EntryError::kNone:
      return from_binary(device, entry.payload, desc);
    case common::EntryError::kNotAnEntry:
      return from_binary(device, code, desc);
    case common::EntryError::kOtherKey:
      throw Failure(SAMPAN_INVALID_BINARY,
                    "The native code of '" + module_name(desc) +
                        "' was made for another device or driver; build it anew");
    default:
      throw Failure(SAMPAN_INVALID_BINARY, "The native code of '" + module_name(desc) + "' " +
                                               common::describe(entry.error) + "; build it anew");
  }
}

OwnedProgram from_spirv(const Device& device, const sampan_module_desc_t& desc) {
  const Traits& traits = device.traits();
  const bool core = traits.version >= 210 && api().create_program_with_il != nullptr &&
                    !device_text(device.id(), cl::kDeviceIlVersion).empty();
  const bool khr =
      traits.has("cl_khr_il_program") && traits.extension.create_program_with_il != nullptr;
  if (!core && !khr) {
    throw Failure(SAMPAN_UNSUPPORTED, "This device takes no SPIR-V (" + traits.entry.platform_name +
                                          "); load the source instead");
  }
  const auto create = core ? api().create_program_with_il : traits.extension.create_program_with_il;
  cl::Int code = cl::kSuccess;
  OwnedProgram program(create(device.context(), desc.code, desc.code_bytes, &code));
  if (code == cl::kInvalidValue) code = cl::kInvalidBinary;
  check(code, "clCreateProgramWithIL", During::kBuild, "Loading '" + module_name(desc) + "'");
  build(program, device, "", desc);
  return program;
}

}  // namespace

OwnedProgram build_program(const Device& device, const sampan_module_desc_t& desc) {
  switch (desc.format) {
    case SAMPAN_FORMAT_SOURCE:
      return from_cached_source(device, desc);
    case SAMPAN_FORMAT_NATIVE:
      return from_native(device, desc);
    case SAMPAN_FORMAT_SPIRV:
      return from_spirv(device, desc);
    default:
      throw Failure(SAMPAN_UNSUPPORTED,
                    "The OpenCL backend knows no code format " + std::to_string(desc.format));
  }
}

common::Bytes program_binary(const Device& device, cl::Program program) {
  const common::Bytes code = driver_binary(program);
  if (code.empty()) return code;
  const common::Bytes head = common::encode_entry_head(target_key(device).text(), code);
  common::Bytes packed(head.size() + code.size());
  std::ranges::copy(code, std::ranges::copy(head, packed.begin()).out);
  return packed;
}

}  // namespace sampan::opencl
