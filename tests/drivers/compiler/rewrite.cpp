#include "rewrite.h"

#include <algorithm>
#include <cctype>
#include <set>
#include <vector>

namespace sampan::emulator {
namespace {

constexpr std::string_view kGlobal = "SAMPAN_EMULATOR_GLOBAL";
constexpr std::string_view kShared = "SAMPAN_EMULATOR_SHARED";
constexpr std::string_view kBounds = "SAMPAN_EMULATOR_BOUNDS";

/// A word, number, string or single character, and the blanks and marker lines before it.
struct Token {
  std::string_view space;
  std::string_view text;
};

bool is_word(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }

std::size_t end_of_space(std::string_view text, std::size_t at) {
  while (at < text.size()) {
    const bool line_start = at == 0 || text[at - 1] == '\n';
    if (text[at] == '#' && line_start) {
      at = std::min(text.find('\n', at), text.size());
    } else if (std::isspace(static_cast<unsigned char>(text[at])) != 0) {
      ++at;
    } else {
      break;
    }
  }
  return at;
}

std::size_t end_of_token(std::string_view text, std::size_t at) {
  const char first = text[at];
  if (first == '"' || first == '\'') {
    for (++at; at < text.size() && text[at] != first; ++at) {
      if (text[at] == '\\') ++at;
    }
    return std::min(at + 1, text.size());
  }
  if (!is_word(first)) return at + 1;
  while (at < text.size() && is_word(text[at])) ++at;
  return at;
}

std::vector<Token> split(std::string_view text) {
  std::vector<Token> tokens;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t begin = end_of_space(text, at);
    const std::size_t end = begin < text.size() ? end_of_token(text, begin) : begin;
    tokens.push_back({text.substr(at, begin - at), text.substr(begin, end - begin)});
    at = end;
  }
  return tokens;
}

class Rewriter {
 public:
  explicit Rewriter(std::string_view text) : tokens_(split(text)) {
    result_.reserve(text.size() + 4096);
  }

  std::string run() {
    while (at_ < tokens_.size()) step();
    return std::move(result_) + "\n# 1 \"sampan-emulator\"\n" + entries_;
  }

 private:
  /// What a brace opens: a body of a function or a type, extern "C", or a namespace.
  enum class Brace { body, linkage, name_space };

  [[nodiscard]] std::string_view text(std::size_t index) const {
    return index < tokens_.size() ? tokens_[index].text : std::string_view();
  }

  void copy() {
    result_.append(tokens_[at_].space).append(tokens_[at_].text);
    ++at_;
  }
  void skip() { result_.append(tokens_[at_++].space); }

  /// Copies or, where !keep, drops a parenthesis with all that is in it; returns what is inside.
  std::string parenthesis(bool keep) {
    std::string inside;
    int depth = 0;
    while (at_ < tokens_.size()) {
      const std::string_view word = text(at_);
      if (word == ")" && --depth == 0) break;
      if (depth > 0) inside.append(" ").append(word);
      if (word == "(") ++depth;
      keep ? copy() : skip();
    }
    if (at_ < tokens_.size()) keep ? copy() : skip();
    return inside;
  }

  void step() {
    const std::string_view word = text(at_);
    if (word == kGlobal) {
      kernel();
    } else if (word == "extern" && declares_shared()) {
      dynamic_shared();
    } else if (word == kShared) {
      skip();
      result_ += last_word_ == "static" ? " thread_local " : " static thread_local ";
    } else {
      if (word == "{") enter_brace();
      if (word == "}" && !braces_.empty()) braces_.pop_back();
      copy();
    }
    last_word_ = word;
  }

  void enter_brace() {
    const auto before = [this](std::size_t count) {
      return at_ >= count ? text(at_ - count) : std::string_view();
    };
    const bool name_space = before(1) == "namespace" || before(2) == "namespace";
    braces_.push_back(before(1) == "\"C\"" ? Brace::linkage
                      : name_space         ? Brace::name_space
                                           : Brace::body);
  }
  [[nodiscard]] bool in_body() const {
    return std::find(braces_.begin(), braces_.end(), Brace::body) != braces_.end();
  }

  [[nodiscard]] bool declares_shared() const {
    for (std::size_t i = at_ + 1; i < tokens_.size(); ++i) {
      if (text(i) == kShared) return true;
      if (text(i) == ";" || text(i) == "{" || text(i) == "}") return false;
    }
    return false;
  }

  // [attributes] void [attributes] NAME(
  void kernel() {
    const bool c_linkage = (at_ >= 1 && text(at_ - 1) == "\"C\"") ||
                           (!braces_.empty() && braces_.back() == Brace::linkage);
    skip();
    result_ += " __attribute__((visibility(\"default\"))) ";
    std::string bounds = "0";
    while (at_ < tokens_.size() && text(at_ + 1) != "(" && text(at_) != ";") copy();
    while (at_ < tokens_.size() && text(at_ + 1) == "(") {
      const std::string_view word = text(at_);
      if (word == kBounds) {
        skip();
        bounds = first_of_list(parenthesis(false));
      } else if (word == "__attribute__" || word == "alignas") {
        copy();
        parenthesis(true);
      } else {
        // Others are found by no plain name, as on hardware.
        if (c_linkage && described_.emplace(word).second) add_entry(word, bounds);
        return;
      }
      while (at_ < tokens_.size() && text(at_ + 1) != "(" && text(at_) != ";") copy();
    }
  }

  static std::string first_of_list(const std::string& list) {
    int depth = 0;
    for (std::size_t i = 0; i < list.size(); ++i) {
      if (list[i] == '(') ++depth;
      if (list[i] == ')') --depth;
      if (list[i] == ',' && depth == 0) return list.substr(0, i);
    }
    return list;
  }

  void add_entry(std::string_view name, const std::string& bounds) {
    const std::string kernel(name);
    entries_ +=
        "extern \"C\" __attribute__((visibility(\"default\"))) const sampan_emulator::KernelEntry "
        "sampan_emulator_" +
        kernel + " = {sampan_emulator::kAbi, sampan_emulator::Describe<decltype(&" + kernel +
        ")>::kCount, sampan_emulator::Describe<decltype(&" + kernel +
        ")>::kArguments, static_cast<unsigned>(" + bounds +
        "), &sampan_emulator::Describe<decltype(&" + kernel + ")>::run<&" + kernel + ">};\n";
  }

  // extern ... TYPE NAME [ ] ;  in any order of the words before the type
  void dynamic_shared() {
    std::vector<std::string_view> words;
    while (at_ < tokens_.size() && text(at_) != ";") {
      const std::string_view word = text(at_);
      skip();
      if (word == "__attribute__" || word == "alignas") {
        parenthesis(false);
      } else if (word != "extern" && word != kShared && word != "[" && word != "]") {
        words.push_back(word);
      }
    }
    if (words.empty()) return;
    std::string type;
    for (std::size_t i = 0; i + 1 < words.size(); ++i) type.append(words[i]).append(" ");
    const std::string name(words.back());
    result_ += in_body() ? " " + type + "* const " + name + " = static_cast<" + type +
                               "*>(sampan_emulator::this_thread().dynamic_shared)"
                         : " [[maybe_unused]] static constexpr sampan_emulator::DynamicShared<" +
                               type + "> " + name + "{}";
  }

  std::vector<Token> tokens_;
  std::size_t at_ = 0;
  std::string result_, entries_;
  std::vector<Brace> braces_;  // open ones
  std::set<std::string_view> described_;
  std::string_view last_word_;
};

}  // namespace

std::string rewrite_kernels(std::string_view preprocessed) { return Rewriter(preprocessed).run(); }

}  // namespace sampan::emulator
