#include "core/kernel_source.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <set>
#include <utility>

#include "core/error.h"
#include "sampan/plugin/backend.h"

namespace sampan::core {
namespace {

struct Target {
  std::uint32_t language;
  std::string_view header, macro;
};
constexpr std::array kTargets = {
    Target{SAMPAN_LANGUAGE_CPP, "cpu.h", "SAMPAN_TARGET_CPU"},
    Target{SAMPAN_LANGUAGE_OPENCL_C, "opencl.h", "SAMPAN_TARGET_OPENCL"},
    Target{SAMPAN_LANGUAGE_CUDA, "cuda.h", "SAMPAN_TARGET_CUDA"},
    Target{SAMPAN_LANGUAGE_HIP, "hip.h", "SAMPAN_TARGET_HIP"},
};

std::string_view embedded(const std::string& name) {
  for (const EmbeddedFile& file : embedded_kernels()) {
    if (file.name == name) return file.text;
  }
  return {};
}

// Comments become spaces, so that positions stay.
std::string without_comments(std::string_view text) {
  std::string out(text);
  for (std::size_t i = 0; i + 1 < out.size(); ++i) {
    const std::string_view two(out.data() + i, 2);
    if (two != "//" && two != "/*") continue;
    const std::string_view end = two == "//" ? "\n" : "*/";
    std::size_t stop = out.find(end, i + 2);
    if (stop == std::string::npos)
      stop = out.size();
    else if (end == "*/")
      stop += 2;
    for (; i < stop; ++i) {
      if (out[i] != '\n') out[i] = ' ';
    }
    --i;
  }
  return out;
}

bool is_identifier(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }

// Positions behind "KERNEL(" and "KERNEL_FLAT(".
std::vector<std::size_t> kernel_starts(std::string_view clean) {
  std::vector<std::size_t> starts;
  for (const std::string_view word : {"KERNEL(", "KERNEL_FLAT("}) {
    for (std::size_t at = clean.find(word); at != std::string_view::npos;
         at = clean.find(word, at + 1)) {
      if (at == 0 || !is_identifier(clean[at - 1])) starts.push_back(at + word.size());
    }
  }
  std::sort(starts.begin(), starts.end());
  return starts;
}

std::string identifier_at(std::string_view text, std::size_t at) {
  while (at < text.size() && std::isspace(static_cast<unsigned char>(text[at])) != 0) ++at;
  std::size_t end = at;
  while (end < text.size() && is_identifier(text[end])) ++end;
  return std::string(text.substr(at, end - at));
}

std::string_view trimmed(std::string_view line) {
  const std::size_t first = line.find_first_not_of(" \t");
  return first == std::string_view::npos ? std::string_view{} : line.substr(first);
}

// Position of the parenthesis that closes the one before `at`; npos if none does.
std::size_t closing(std::string_view text, std::size_t at) {
  for (int depth = 1; at < text.size(); ++at) {
    if (text[at] == '(') ++depth;
    if (text[at] == ')' && --depth == 0) return at;
  }
  return std::string_view::npos;
}

// A parameter list cut at its commas, those inside parentheses left alone; blanks around each gone.
std::vector<std::string_view> parameters(std::string_view list) {
  constexpr std::string_view kBlank = " \t\n";
  std::vector<std::string_view> result;
  std::size_t begin = 0;
  int depth = 0;
  for (std::size_t at = 0; at <= list.size(); ++at) {
    if (at < list.size() && list[at] == '(') ++depth;
    if (at < list.size() && list[at] == ')') --depth;
    if (at < list.size() && (list[at] != ',' || depth > 0)) continue;
    std::string_view item = list.substr(begin, at - begin);
    const std::size_t first = item.find_first_not_of(kBlank);
    if (first != std::string_view::npos) {
      result.push_back(item.substr(first, item.find_last_not_of(kBlank) + 1 - first));
    }
    begin = at + 1;
  }
  return result;
}

// Name in `#include "name"`, or empty.
std::string quoted_include(std::string_view line) {
  line = trimmed(line);
  if (!line.starts_with('#')) return {};
  line = trimmed(line.substr(1));
  if (!line.starts_with("include")) return {};
  const std::size_t open = line.find('"');
  const std::size_t close = open == std::string_view::npos ? open : line.find('"', open + 1);
  if (close == std::string_view::npos) return {};
  return std::string(line.substr(open + 1, close - open - 1));
}

class Flattener {
 public:
  explicit Flattener(std::uint32_t language) : language_(language) {}

  void add(std::string_view text, const std::string& name) {
    out_ += "#line 1 \"" + name + "\"\n";
    std::size_t number = 0;
    while (!text.empty()) {
      const std::size_t end = std::min(text.find('\n'), text.size());
      const std::string_view line = text.substr(0, end);
      text.remove_prefix(std::min(end + 1, text.size()));
      ++number;
      const std::string include = quoted_include(line);
      if (include.empty()) {
        out_ += line;
        out_ += '\n';
      } else if (wanted(include, name)) {
        add(embedded("dialect/" + include), "dialect/" + include);
        out_ += "#line " + std::to_string(number + 1) + " \"" + name + "\"\n";
      } else {
        out_ += '\n';
      }
    }
  }

  std::string take() { return std::move(out_); }

 private:
  bool wanted(const std::string& include, const std::string& from) {
    for (const Target& target : kTargets) {
      if (include == target.header && target.language != language_) return false;
    }
    if (embedded("dialect/" + include).empty()) {
      throw_invalid(from + " includes \"" + include +
                    "\"; a kernel may include the dialect's headers only");
    }
    return seen_.insert(include).second;
  }

  std::uint32_t language_;
  std::set<std::string> seen_;
  std::string out_;
};

// The parameters of a kernel, as they are written; empty where they can't be told.
std::vector<std::string> parameters_of(std::string_view text, std::string_view kernel) {
  const std::string clean = without_comments(text);
  for (const std::size_t at : kernel_starts(clean)) {
    if (identifier_at(clean, at) != kernel) continue;
    const std::size_t head_end = closing(clean, at);
    const std::size_t open = clean.find('(', head_end);
    if (open == std::string::npos) return {};
    const std::size_t close = closing(clean, open + 1);
    if (close == std::string::npos) return {};
    std::vector<std::string> found;
    for (const std::string_view parameter :
         parameters(std::string_view(clean).substr(open + 1, close - open - 1))) {
      // A lone word is a macro that stands for several parameters.
      if (parameter.find_first_of(" \t\n*") == std::string_view::npos) return {};
      found.emplace_back(parameter);
    }
    return found;
  }
  return {};
}

// Size of the dialect's scalar in "const u32 n"; 0 if the type is none of them.
std::uint32_t value_bytes(std::string_view parameter) {
  std::string type = identifier_at(parameter, 0);
  if (type == "const") type = identifier_at(parameter, parameter.find("const") + 5);
  for (const auto& [name, bytes] : {std::pair<std::string_view, std::uint32_t>{"i8", 1},
                                    {"u8", 1},
                                    {"i16", 2},
                                    {"u16", 2},
                                    {"i32", 4},
                                    {"u32", 4},
                                    {"f32", 4},
                                    {"i64", 8},
                                    {"u64", 8}}) {
    if (type == name) return bytes;
  }
  return 0;
}

}  // namespace

std::string_view builtin_kernel(std::string_view name) {
  return embedded(std::string(name) + ".k");
}

std::vector<std::string> kernel_names(std::string_view text) {
  const std::string clean = without_comments(text);
  std::vector<std::string> names;
  for (const std::size_t at : kernel_starts(clean)) {
    if (std::string name = identifier_at(clean, at); !name.empty())
      names.push_back(std::move(name));
  }
  return names;
}

std::vector<Access> kernel_accesses(std::string_view text, std::string_view kernel) {
  std::vector<Access> accesses;
  for (const std::string& parameter : parameters_of(text, kernel)) {
    const std::size_t star = parameter.find('*');
    if (star == std::string::npos) {
      accesses.push_back(Access::value);
    } else {
      accesses.push_back(parameter.find("const ") < star ? Access::read : Access::write);
    }
  }
  return accesses;
}

std::vector<std::uint32_t> kernel_value_bytes(std::string_view text, std::string_view kernel) {
  std::vector<std::uint32_t> bytes;
  for (const std::string& parameter : parameters_of(text, kernel)) {
    bytes.push_back(parameter.find('*') == std::string::npos ? value_bytes(parameter) : 0);
  }
  return bytes;
}

std::string flatten(std::string_view text, std::string_view name, std::uint32_t language) {
  std::string head;
  for (const Target& target : kTargets) {
    if (target.language == language) head = "#define " + std::string(target.macro) + " 1\n";
  }
  Flattener flattener(language);
  flattener.add(text, std::string(name));
  std::string flat = head + flattener.take();
  if (language == SAMPAN_LANGUAGE_CPP) {
    for (const std::string& kernel : kernel_names(text)) {
      flat += "SAMPAN_CPU_EXPORT(" + kernel + ")\n";
    }
  }
  return flat;
}

}  // namespace sampan::core
