#include "backends/level_zero/spirv.h"

#include <cstring>
#include <fstream>
#include <iterator>
#include <sstream>
#include <vector>

#include "backends/common/subprocess.h"
#include "backends/common/temp_dir.h"
#include "backends/level_zero/error.h"
#include "backends/level_zero/program.h"

namespace sampan::level_zero {
namespace {

using common::Bytes;
using common::run_process;
using Arguments = std::vector<std::string>;

constexpr std::uint32_t kMagic = 0x07230203;  // SPIR-V specification, 2.3

// Neither -O2 nor simplifycfg: they make code that the translator or the validator refuses. The
// device's driver optimises. OpenCL C 1.2 has no generic address space, which drivers needn't have.
const Arguments kFrontEnd = {"clang-15",
                             "--target=spir64",
                             "-cl-std=CL1.2",
                             "-cl-mad-enable",
                             "-Xclang",
                             "-finclude-default-header",
                             "-O1",
                             "-Xclang",
                             "-disable-llvm-passes",
                             "-emit-llvm",
                             "-c",
                             "-x",
                             "cl"};
const Arguments kInliner = {"opt-15", "-passes=always-inline,function(sroa,early-cse)"};
const Arguments kTranslator = {"llvm-spirv-15", "--spirv-max-version=1.2"};

// What the tools say of themselves, part of keys. Throws Failure: one isn't there.
const std::string& tool_versions() {
  static const std::string versions = [] {
    std::string all;
    for (const Arguments* tool : {&kFrontEnd, &kInliner, &kTranslator}) {
      const auto result = run_process({.argv = {tool->front(), "--version"}});
      if (!result.succeeded) {
        throw Failure(SAMPAN_UNSUPPORTED,
                      "Level Zero takes no source, and " + tool->front() +
                          ", which makes SPIR-V of it, can't run (" + result.explanation +
                          "); install clang-15, llvm-15 and llvm-spirv-15, or load SPIR-V");
      }
      all += result.output;
    }
    return all;
  }();
  return versions;
}

std::vector<std::string> words_of(const char* options) {
  std::istringstream text(options != nullptr ? options : "");
  return {std::istream_iterator<std::string>(text), {}};
}

void run(Arguments arguments, const Arguments& more, const sampan_module_desc_t& desc) {
  arguments.insert(arguments.end(), more.begin(), more.end());
  const std::string tool = arguments.front();
  auto result = run_process({.argv = std::move(arguments)});
  if (result.succeeded) return;
  const std::string line = first_error(result.output);
  Failure failure(SAMPAN_COMPILE_FAILED,
                  "Building " + quoted_name(desc) +
                      " failed: " + (line.empty() ? tool + ": " + result.explanation : line));
  failure.driver_call = tool;
  failure.detail = std::move(result.output);
  throw failure;
}

Bytes contents(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  const auto* const bytes = reinterpret_cast<const std::byte*>(text.data());
  return {bytes, bytes + text.size()};
}

Bytes compile(const sampan_module_desc_t& desc) {
  const auto folder = common::TempDir::create("sampan_spirv");
  const std::string source =
      folder.write_file("module.cl", {static_cast<const std::byte*>(desc.code), desc.code_bytes});
  const std::string raw = folder.file("raw.bc");
  const std::string inlined = folder.file("inlined.bc");
  const std::string spirv = folder.file("module.spv");
  Arguments front_end = words_of(desc.options);
  front_end.insert(front_end.end(), {source, "-o", raw});
  run(kFrontEnd, front_end, desc);
  run(kInliner, {raw, "-o", inlined}, desc);
  run(kTranslator, {inlined, "-o", spirv}, desc);
  Bytes code = contents(spirv);
  if (code.empty())
    throw Failure(SAMPAN_COMPILE_FAILED,
                  "The SPIR-V of " + quoted_name(desc) + " can't be read back");
  return code;
}

std::string text_of(const Arguments& arguments) {
  std::string text;
  for (const std::string& argument : arguments) text += argument + "\n";
  return text;
}

}  // namespace

Bytes compile_to_spirv(const sampan_module_desc_t& desc) {
  common::CacheKey key;
  key.add("backend", "level_zero")
      .add("build", build_id())
      .add("tools", tool_versions())
      .add("steps", text_of(kFrontEnd) + text_of(kInliner) + text_of(kTranslator))
      .add("options", desc.options != nullptr ? desc.options : "")
      .add("source", {static_cast<const char*>(desc.code), desc.code_bytes});
  return cache().get_or_compile(key, [&] { return compile(desc); });
}

void check_spirv(common::ByteView code, const sampan_module_desc_t& desc) {
  std::uint32_t magic = 0;
  if (code.size() >= sizeof magic) std::memcpy(&magic, code.data(), sizeof magic);
  if (magic == kMagic && code.size() % sizeof magic == 0) return;
  throw Failure(SAMPAN_INVALID_BINARY,
                "The code of " + quoted_name(desc) + " is no SPIR-V of this machine's byte order");
}

}  // namespace sampan::level_zero
