#include "spirv.h"

#include <cstring>

namespace sampan::emulator::ze {
namespace {

// SPIR-V 1.2 specification, 2.3 "Physical layout" and 3.32 "Instructions".
constexpr std::uint32_t kMagic = 0x07230203;
constexpr std::size_t kHeaderWords = 5;
constexpr std::uint32_t kOpEntryPoint = 15, kOpExecutionMode = 16, kOpTypePointer = 32,
                        kOpFunction = 54, kOpFunctionParameter = 55, kOpFunctionEnd = 56;
constexpr std::uint32_t kModeLocalSize = 17;
constexpr std::uint32_t kStorageWorkgroup = 4, kStorageFunction = 7;

using Instruction = std::span<const std::uint32_t>;

// Literal strings end with a zero byte inside their last word.
std::string literal(Instruction words) {
  const auto* text = reinterpret_cast<const char*>(words.data());
  return {text, strnlen(text, words.size_bytes())};
}

class Reader {
 public:
  void take(Instruction i) {
    const std::uint32_t op = i[0] & 0xffff;
    if (op == kOpEntryPoint && i.size() > 3) {
      names_[i[2]] = literal(i.subspan(3));
      found_[names_[i[2]]];
    } else if (op == kOpExecutionMode && i.size() > 5 && i[2] == kModeLocalSize) {
      found_[names_[i[1]]].group = {i[3], i[4], i[5]};
    } else if (op == kOpTypePointer && i.size() > 2) {
      storage_[i[1]] = i[2];
    } else if (op == kOpFunction && i.size() > 2) {
      const auto name = names_.find(i[2]);
      current_ = name == names_.end() ? nullptr : &found_[name->second];
    } else if (op == kOpFunctionParameter && i.size() > 1 && current_ != nullptr) {
      current_->arguments += letter(i[1]);
    } else if (op == kOpFunctionEnd) {
      current_ = nullptr;
    }
  }

  std::map<std::string, KernelSignature> found() { return std::move(found_); }

 private:
  // A structure by value is a pointer to the function's own storage.
  char letter(std::uint32_t type) const {
    const auto pointer = storage_.find(type);
    if (pointer == storage_.end() || pointer->second == kStorageFunction) return 'v';
    return pointer->second == kStorageWorkgroup ? 'l' : 'g';
  }

  std::map<std::string, KernelSignature> found_;
  std::map<std::uint32_t, std::string> names_;      // by id of the function
  std::map<std::uint32_t, std::uint32_t> storage_;  // by id of the pointer type
  KernelSignature* current_ = nullptr;
};

}  // namespace

std::map<std::string, KernelSignature> read_signatures(std::span<const std::uint32_t> words) {
  if (words.size() < kHeaderWords || words[0] != kMagic) return {};
  Reader reader;
  for (std::size_t at = kHeaderWords; at < words.size();) {
    const std::uint32_t length = words[at] >> 16;
    if (length == 0 || length > words.size() - at) return {};
    reader.take(words.subspan(at, length));
    at += length;
  }
  return reader.found();
}

}  // namespace sampan::emulator::ze
