#include "backends/cpu/compiler.h"

#include <algorithm>
#include <mutex>
#include <optional>

#include "backends/common/code_cache.h"
#include "backends/common/file_io.h"
#include "backends/common/subprocess.h"
#include "backends/common/temp_dir.h"
#include "backends/common/text.h"
#include "backends/cpu/backend.h"
#include "dialect/cpu_abi.h"

#include <fcntl.h>
#include <sys/stat.h>

namespace sampan::cpu {
namespace {

// What the dialect's CPU header asks for, and no names but the kernels' in the result.
constexpr const char* kCompileFlags[] = {"-x",
                                         "c++",
                                         "-std=c++17",
                                         "-O3",
                                         "-fPIC",
                                         "-shared",
                                         "-ffp-contract=fast",
                                         "-fno-math-errno",
                                         "-w",
                                         "-fno-exceptions",
                                         "-fno-rtti",
                                         "-fno-trapping-math",
                                         "-fvisibility=hidden"};

struct Compiler {
  std::vector<std::string> command;
  std::string version;  // all that --version prints: part of the cache's key
};

std::vector<std::string> split_at_blanks(std::string_view text) {
  std::vector<std::string> words;
  while (true) {
    text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
    if (text.empty()) return words;
    const std::size_t end = std::min(text.find(' '), text.size());
    words.emplace_back(text.substr(0, end));
    text.remove_prefix(end);
  }
}

// The compiler, if it answers.
std::optional<Compiler> try_compiler(std::vector<std::string> command) {
  common::ProcessRequest request;
  request.argv = command;
  request.argv.emplace_back("--version");
  common::ProcessResult result = common::run_process(request);
  if (!result.succeeded) return std::nullopt;
  return Compiler{std::move(command), std::move(result.output)};
}

Compiler find_compiler() {
  const std::string chosen = common::Environment::of_process().value("SAMPAN_CXX");
  if (!chosen.empty()) {
    if (auto compiler = try_compiler(split_at_blanks(chosen))) return *compiler;
    throw NoCompiler("SAMPAN_CXX is '" + chosen +
                     "', which does not answer --version; set it to a C++17 compiler, or unset it");
  }
  for (const char* name : {"c++", "g++", "clang++"}) {
    if (auto compiler = try_compiler({name})) return *compiler;
  }
  throw NoCompiler(
      "a kernel in source form needs a C++ compiler, and neither c++ nor g++ nor clang++ is in "
      "PATH; install g++ or set SAMPAN_CXX to a C++17 compiler");
}

// Found once: later changes of PATH are not seen. A machine without a compiler is asked again.
const Compiler& compiler() {
  static std::mutex mutex;
  static const Compiler* found = nullptr;  // never freed: may be in use at exit
  const std::lock_guard lock(mutex);
  if (found == nullptr) found = new Compiler(find_compiler());
  return *found;
}

common::CodeCache& code_cache() {
  static common::CodeCache* const kCache = new common::CodeCache(
      common::cache_settings(common::Environment::of_process()),
      [](const std::string& message) { log_line(SAMPAN_LOG_WARNING, message.c_str()); });
  return *kCache;
}

std::vector<std::string> machine_flags(native::IsaLevel isa) {
  switch (isa) {
    case native::IsaLevel::generic:
      return {};
    case native::IsaLevel::x86_64_v2:
      return {"-march=x86-64-v2"};
    case native::IsaLevel::x86_64_v3:
      return {"-march=x86-64-v3"};
    case native::IsaLevel::x86_64_v4:
      return {"-march=x86-64-v4", "-mprefer-vector-width=512"};
    case native::IsaLevel::x86_64_v4_bf16:
      return {"-march=x86-64-v4", "-mprefer-vector-width=512", "-mavx512bf16", "-mavx512vnni"};
  }
  return {};
}

std::vector<std::string> command_line(const Compiler& compiler, const SourceModule& source) {
  std::vector<std::string> command = compiler.command;
  command.insert(command.end(), std::begin(kCompileFlags), std::end(kCompileFlags));
  for (std::string& flag : machine_flags(source.isa)) command.push_back(std::move(flag));
  for (std::string& option : split_at_blanks(source.options)) command.push_back(std::move(option));
  return command;
}

void replace_all(std::string& text, const std::string& what) {
  for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at)) {
    text.erase(at, what.size());
  }
}

// The first line of a compiler's log that names an error.
std::string first_error(const std::string& log) {
  const std::size_t at = log.find("error:");
  if (at == std::string::npos) return {};
  const std::size_t newline = log.rfind('\n', at);
  const std::size_t begin = newline == std::string::npos ? 0 : newline + 1;
  return log.substr(begin, log.find('\n', at) - begin);
}

common::Bytes read_file(const std::string& path) {
  const common::UniqueFd file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat status {};
  if (!file || fstat(file.get(), &status) != 0) {
    throw std::runtime_error("the compiler left no result behind; check the free space in TMPDIR");
  }
  common::Bytes bytes(static_cast<std::size_t>(status.st_size));
  std::size_t read_bytes = 0;
  if (common::read_up_to(file.get(), bytes, read_bytes) != 0 || read_bytes != bytes.size()) {
    throw std::runtime_error("the compiler's result could not be read back from TMPDIR");
  }
  return bytes;
}

common::Bytes compile_now(const std::vector<std::string>& command, const SourceModule& source) {
  const common::TempDir folder = common::TempDir::create("sampan-cc");
  const std::string input = folder.write_file("kernels.cpp", common::bytes_of(source.text));
  const std::string output = folder.file("kernels.so");
  common::ProcessRequest request;
  request.argv = command;
  request.argv.insert(request.argv.end(), {"-o", output, input, "-lm"});
  common::ProcessResult result = common::run_process(request);
  if (!result.succeeded) {
    replace_all(result.output, folder.path() + "/");
    const std::string cause = first_error(result.output);
    throw CompileError("the kernels of '" + std::string(source.name) +
                           "' do not compile: " + (cause.empty() ? result.explanation : cause),
                       std::move(result.output));
  }
  return read_file(output);
}

}  // namespace

common::Bytes compile_kernels(const SourceModule& source) {
  const Compiler& with = compiler();
  const std::vector<std::string> command = command_line(with, source);
  common::CacheKey key;
  key.add("backend", "cpu")
      .add("kernel abi", std::to_string(SAMPAN_CPU_ABI))
      .add("compiler", with.version)
      .add("command", common::joined(command, " "))
      .add("isa", native::isa_name(source.isa))
      .add("source", source.text);
  return code_cache().get_or_compile(key, [&] { return compile_now(command, source); });
}

}  // namespace sampan::cpu
