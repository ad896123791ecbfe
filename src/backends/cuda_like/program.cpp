#include "backends/cuda_like/program.h"

#include <algorithm>
#include <cctype>
#include <regex>
#include <sstream>
#include <vector>

#include "backends/common/cache_entry.h"
#include "backends/common/code_cache.h"
#include "backends/common/host_log.h"
#include "backends/common/text.h"
#include "backends/cuda_like/vendor.h"

namespace sampan::cuda_like {
namespace {

std::string module_name(const sampan_module_desc_t& desc) {
  return desc.name != nullptr && *desc.name != '\0' ? desc.name : "a module";
}

std::string in_quotes(const sampan_module_desc_t& desc) {
  return common::in_quotes(module_name(desc));
}

/// A program of the run-time compiler's.
class Compilation {
 public:
  explicit Compilation(const sampan_module_desc_t& desc) : desc_(desc) {
    const std::string text(static_cast<const char*>(desc.code), desc.code_bytes);
    require(compiler().api.create, &program_, text.c_str(), module_name(desc).c_str(), 0, nullptr,
            nullptr);
  }
  Compilation(const Compilation&) = delete;
  Compilation& operator=(const Compilation&) = delete;
  ~Compilation() { (void)compiler().api.destroy(&program_); }

  void compile(const std::vector<std::string>& options) {
    std::vector<const char*> words;
    for (const std::string& option : options) words.push_back(option.c_str());
    const Result code =
        compiler().api.compile(program_, static_cast<int>(words.size()), words.data());
    if (code != kSuccess) throw failure(code);
  }

  /// What was made, as machine code or as intermediate code.
  [[nodiscard]] common::Bytes code(bool intermediate) const {
    const CompilerApi& api = compiler().api;
    return read(intermediate ? api.ptx_bytes : api.code_bytes, intermediate ? api.ptx : api.code);
  }

 private:
  template <typename... Parameters, typename... Arguments>
  void require(const Entry<Result(Parameters...)>& entry, Arguments... arguments) const {
    const Result code = entry.function(arguments...);
    if (code == kSuccess) return;
    Failure failure(SAMPAN_DRIVER_ERROR, "Building " + in_quotes(desc_) +
                                             " failed: " + entry.symbol + " returned " +
                                             compiler().api.error_text(code));
    failure.driver_code = code;
    failure.driver_call = entry.symbol;
    throw failure;
  }

  [[nodiscard]] common::Bytes read(const Entry<Result(Program, std::size_t*)>& size_of,
                                   const Entry<Result(Program, char*)>& content) const {
    std::size_t bytes = 0;
    require(size_of, program_, &bytes);
    common::Bytes out(bytes);
    if (bytes != 0) require(content, program_, reinterpret_cast<char*>(out.data()));
    return out;
  }

  [[nodiscard]] std::string log() const;
  [[nodiscard]] Failure failure(Result code) const;

  const sampan_module_desc_t& desc_;
  Program program_ = nullptr;
};

std::string Compilation::log() const {
  try {
    const common::Bytes bytes = read(compiler().api.log_bytes, compiler().api.log);
    std::string text(common::text_of(bytes));
    text.resize(std::min(text.find('\0'), text.size()));
    // NVRTC writes "gemm(12): error"; all other compilers "gemm:12: error".
    static const std::regex kPlace("(^|\n)([^\n()]+)\\(([0-9]+)\\): ");
    return std::regex_replace(text, kPlace, "$1$2:$3: ");
  } catch (const Failure&) {
    return {};
  }
}

// The line that says what is wrong: the first with "error" in it, else the first with anything.
std::string first_error(const std::string& log) {
  std::istringstream lines(log);
  std::string first;
  for (std::string line; std::getline(lines, line);) {
    if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
    if (first.empty()) first = line;
    if (line.find("error") != std::string::npos) return line;
  }
  return first;
}

// Codes of nvrtcResult, which hiprtcResult shares.
Failure Compilation::failure(Result code) const {
  constexpr Result kOutOfMemory = 1, kInvalidOption = 5, kCompilation = 6;
  const bool of_code = code == kCompilation || code == kInvalidOption;
  Failure failure(of_code                ? SAMPAN_COMPILE_FAILED
                  : code == kOutOfMemory ? SAMPAN_OUT_OF_HOST_MEMORY
                                         : SAMPAN_DRIVER_ERROR,
                  "");
  failure.detail = log();
  const std::string line = first_error(failure.detail);
  failure.message = "Building " + in_quotes(desc_) + " failed: " +
                    (line.empty() ? std::string(compiler().api.compile.symbol) + " returned " +
                                        compiler().api.error_text(code)
                                  : line);
  failure.driver_code = code;
  failure.driver_call = compiler().api.compile.symbol;
  return failure;
}

common::CodeCache& cache() {
  // Never destroyed: modules may be loaded while static objects die.
  static auto* const kCache = new common::CodeCache(
      common::cache_settings(common::Environment::of_process()),
      [](const std::string& message) { common::log(SAMPAN_LOG_WARNING, message); });
  return *kCache;
}

// What code is good for. An emulated driver's is no device's.
common::CacheKey target_key(const Device& device) {
  common::CacheKey key;
  key.add("backend", vendor().backend)
      .add("build", vendor().build_id)
      .add("driver", driver().emulated ? "emulated" : "real")
      .add("isa", device.facts().isa);
  return key;
}

/// How a device's code is compiled: for the device itself, or where the compiler is older than the
/// device, to intermediate code that the driver compiles.
struct Target {
  std::string option;
  bool intermediate = false;
};

Target target_of(const Device& device) {
  const Facts& facts = device.facts();
  const CompilerApi& api = compiler().api;
  const Target native{"--gpu-architecture=" + facts.isa};
  int count = 0;
  if (!api.arch_count || !api.archs || api.arch_count(&count) != kSuccess || count <= 0) {
    return native;
  }
  std::vector<int> archs(static_cast<std::size_t>(count));
  if (api.archs(archs.data()) != kSuccess) return native;
  const std::string option =
      vendor().fallback_arch(archs, facts.capability_major, facts.capability_minor);
  return option.empty() || !api.ptx ? native : Target{option, true};
}

std::vector<std::string> compile_options(const Device& device, const Target& target,
                                         const sampan_module_desc_t& desc) {
  std::vector<std::string> options{target.option};
  for (const char* const* word = vendor().compiler_options; *word != nullptr; ++word) {
    options.emplace_back(*word);
  }
  options.push_back("-DSAMPAN_LOCAL_BYTES=" + std::to_string(device.facts().shared_bytes));
  std::istringstream words(desc.options != nullptr ? desc.options : "");
  for (std::string word; words >> word;) options.push_back(word);
  return options;
}

common::Bytes from_source(const Device& device, const sampan_module_desc_t& desc) {
  if (!compiler().error.empty()) {
    throw Failure(SAMPAN_UNSUPPORTED,
                  "Building " + in_quotes(desc) + " needs a compiler: " + compiler().error);
  }
  if (device.facts().isa.empty()) {
    throw Failure(SAMPAN_UNSUPPORTED, "Building " + in_quotes(desc) +
                                          " failed: the driver doesn't tell what instruction set "
                                          "the device has; load code built for it");
  }
  const Target target = target_of(device);
  const std::vector<std::string> options = compile_options(device, target, desc);
  common::CacheKey key = target_key(device);
  key.add("compiler", compiler().version)
      .add("driver version", target.intermediate ? driver().version : "any")
      .add("name", module_name(desc))
      .add("options", common::joined(options, " "))
      .add("source", {static_cast<const char*>(desc.code), desc.code_bytes});
  return cache().get_or_compile(key, [&] {
    Compilation compilation(desc);
    compilation.compile(options);
    return compilation.code(target.intermediate);
  });
}

// Takes what `pack_image` returned, or code of the vendor's own.
common::Bytes from_native(const Device& device, const sampan_module_desc_t& desc) {
  const common::ByteView code{static_cast<const std::byte*>(desc.code), desc.code_bytes};
  // Shorter than an entry's head, it may be anything.
  auto entry = common::parse_entry(code, target_key(device).text());
  if (entry.error == common::EntryError::kTruncated &&
      !common::text_of(code).starts_with("SAMPANCC")) {
    entry.error = common::EntryError::kNotAnEntry;
  }
  const std::string what = "The native code of " + in_quotes(desc) + " ";
  switch (entry.error) {
    case common::EntryError::kNone:
      return {entry.payload.begin(), entry.payload.end()};
    case common::EntryError::kNotAnEntry: {
      const std::string refusal = vendor().refusal(code);
      if (!refusal.empty()) throw Failure(SAMPAN_INVALID_BINARY, what + refusal);
      return {code.begin(), code.end()};
    }
    case common::EntryError::kOtherKey:
      throw Failure(SAMPAN_INVALID_BINARY, what + "was made for another device than this " +
                                               device.facts().isa +
                                               ", or by another version; build it anew");
    default:
      throw Failure(SAMPAN_INVALID_BINARY,
                    what + common::describe(entry.error) + "; build it anew");
  }
}

}  // namespace

common::Bytes make_image(const Device& device, const sampan_module_desc_t& desc) {
  switch (desc.format) {
    case SAMPAN_FORMAT_SOURCE:
      return from_source(device, desc);
    case SAMPAN_FORMAT_NATIVE:
      return from_native(device, desc);
    case SAMPAN_FORMAT_SPIRV:
      throw Failure(SAMPAN_UNSUPPORTED, std::string(vendor().title) +
                                            " devices take no SPIR-V; load the source instead");
    default:
      throw Failure(SAMPAN_UNSUPPORTED, std::string("The ") + vendor().title +
                                            " backend knows no code format " +
                                            std::to_string(desc.format));
  }
}

DriverModule load_image(const Device& device, const common::Bytes& image,
                        const sampan_module_desc_t& desc) {
  // CU_JIT_ERROR_LOG_BUFFER and its size.
  int options[] = {5, 6};
  std::vector<char> log(vendor().load_logs ? 16384 : 0);
  void* values[] = {log.data(), reinterpret_cast<void*>(static_cast<std::uintptr_t>(log.size()))};
  // Intermediate code is text that ends with a zero.
  common::Bytes text(image);
  text.push_back(std::byte{});
  DriverModule module = nullptr;
  const Result code = api().module_load(&module, text.data(), vendor().load_logs ? 2 : 0,
                                        vendor().load_logs ? options : nullptr,
                                        vendor().load_logs ? values : nullptr);
  if (code == kSuccess) return module;
  Failure failure = failure_of(code, api().module_load.symbol, During::kBuild,
                               "Loading " + in_quotes(desc) + " for " + device.facts().isa);
  if (!log.empty()) failure.detail = std::string(log.data());
  throw failure;
}

common::Bytes pack_image(const Device& device, const common::Bytes& image) {
  const common::Bytes head = common::encode_entry_head(target_key(device).text(), image);
  common::Bytes packed(head.size() + image.size());
  std::ranges::copy(image, std::ranges::copy(head, packed.begin()).out);
  return packed;
}

}  // namespace sampan::cuda_like
