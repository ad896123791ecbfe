#include "compile.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <stdexcept>

#include "backends/common/subprocess.h"
#include "backends/common/temp_dir.h"
#include "prelude_text.h"
#include "rewrite.h"

namespace sampan::emulator {
namespace {

namespace fs = std::filesystem;

constexpr const char* kPreprocess[] = {"-E", "-x", "c++", "-nostdinc", "-nostdinc++", "-w"};
constexpr const char* kCompile[] = {
    "-x",
    "c++-cpp-output",
    "-fpreprocessed",
    "-O2",
    "-fPIC",
    "-shared",
    "-ffp-contract=fast",
    "-fno-math-errno",
    "-fno-trapping-math",
    "-fno-exceptions",
    "-fno-rtti",
    "-fno-stack-protector",
    "-fstack-clash-protection",  // an overflow hits the page below the stack
    "-fvisibility=hidden",
    "-Wl,-Bsymbolic",
    "-w"};

void write_text(const fs::path& path, const std::string& text) {
  fs::create_directories(path.parent_path());
  std::ofstream file(path, std::ios::binary);
  file << text;
  if (!file.flush()) throw std::runtime_error("the emulated compiler can't write " + path.string());
}

std::string read_text(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::string compiler() {
  const char* const chosen = std::getenv("SAMPAN_EMU_CXX");
  return chosen != nullptr && *chosen != '\0' ? chosen : "c++";
}

common::ProcessResult run(std::vector<std::string> arguments) {
  common::ProcessRequest request;
  request.argv.push_back(compiler());
  std::move(arguments.begin(), arguments.end(), std::back_inserter(request.argv));
  common::ProcessResult result = common::run_process(request);
  if (!result.started) throw std::runtime_error("the emulated compiler can't run " + compiler());
  return result;
}

/// Newer instructions where this machine has them; f16 conversions by instruction above all.
const char* machine_flag() {
#if defined(__x86_64__)
  const bool level_3 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  return level_3 ? "-march=x86-64-v3" : "-march=x86-64";
#else
  return "-O2";
#endif
}

/// Drops the folder from a log and, for `lines_in_parentheses`, changes its places.
std::string readable(const Language& language, const std::string& log, const std::string& folder) {
  std::istringstream lines(log);
  std::string all, line;
  while (std::getline(lines, line)) {
    for (std::size_t at = line.find(folder); at != line.npos; at = line.find(folder))
      line.erase(at, folder.size());
    const std::size_t kind = std::min(line.find(": error:"), line.find(": fatal error:"));
    const std::size_t column = kind == line.npos ? kind : line.rfind(':', kind - 1);
    const std::size_t number =
        column == line.npos || column == 0 ? line.npos : line.rfind(':', column - 1);
    if (language.lines_in_parentheses && number != line.npos) {
      line = line.substr(0, number) + "(" + line.substr(number + 1, column - number - 1) + ")" +
             line.substr(kind);
    }
    all += line + "\n";
  }
  return all;
}

std::string whole_text(const Language& language, const Options& options, const Source& source) {
  std::string text(kPreludeText);
  std::string first;
  for (const std::string& definition : language.definitions)
    first += "#define " + definition + "\n";
  text = first + text;
  for (const std::string& definition : options.definitions) text += definition + "\n";
  return text + "#line 1 \"" + source.name + "\"\n" + source.text + "\n";
}

}  // namespace

Options parse_options(const Language& language, const std::vector<std::string>& words) {
  Options options;
  const auto rest_after = [](const std::string& word,
                             const std::vector<std::string>& beginnings) -> const char* {
    for (const std::string& beginning : beginnings) {
      if (word.starts_with(beginning)) return word.c_str() + beginning.size();
    }
    return nullptr;
  };
  for (std::size_t i = 0; i < words.size(); ++i) {
    std::string word = words[i];
    if ((word == "-D" || word == "-U") && i + 1 < words.size()) word += words[++i];
    if (const char* definition = rest_after(word, {"-D", "--define-macro="})) {
      std::string text = definition;
      const std::size_t equals = text.find('=');
      if (equals == text.npos) text += " 1";
      if (equals != text.npos) text[equals] = ' ';
      options.definitions.push_back("#define " + text);
    } else if (const char* name = rest_after(word, {"-U", "--undefine-macro="})) {
      options.definitions.push_back(std::string("#undef ") + name);
    } else if (const char* architecture = rest_after(word, language.architecture)) {
      options.architecture = architecture;
    } else if (const char* standard = rest_after(word, language.standard)) {
      // The prelude needs C++17.
      if (std::string(standard) > "c++17" && std::string(standard) < "c++98")
        options.standard = standard;
    } else if (rest_after(word, language.ignored) == nullptr) {
      throw std::invalid_argument("unrecognized option " + word);
    }
  }
  return options;
}

Compiled compile(const Language& language, const Options& options, const Source& source) {
  const common::TempDir temporary = common::TempDir::create("sampan-emulator");
  const fs::path folder = temporary.path();
  for (const auto& [name, text] : source.headers) {
    const fs::path relative = fs::path(name).lexically_normal();
    if (relative.is_absolute() || *relative.begin() == "..") continue;  // nobody can include it
    write_text(folder / "headers" / relative, text);
  }
  const std::string input = folder / "kernels.cu", middle = folder / "kernels.ii",
                    output = folder / "kernels.so";
  write_text(input, whole_text(language, options, source));

  std::vector<std::string> arguments(std::begin(kPreprocess), std::end(kPreprocess));
  const std::string standard = "-std=" + options.standard;
  arguments.insert(arguments.end(),
                   {standard, "-I" + (folder / "headers").string(), input, "-o", middle});
  Compiled compiled;
  const std::string prefix = (folder / "headers").string() + "/";
  common::ProcessResult result = run(std::move(arguments));
  if (result.succeeded) {
    write_text(middle, rewrite_kernels(read_text(middle)));
    arguments.assign(std::begin(kCompile), std::end(kCompile));
    arguments.insert(arguments.end(), {standard, machine_flag(), middle, "-o", output, "-lm"});
    result = run(std::move(arguments));
  }
  compiled.succeeded = result.succeeded;
  compiled.log = readable(language, result.output, prefix);
  if (compiled.succeeded) compiled.shared_object = read_text(output);
  return compiled;
}

}  // namespace sampan::emulator
