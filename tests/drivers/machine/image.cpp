#include "image.h"

#include <elf.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <cstring>

#include "kernel_abi.h"

namespace sampan::emulator {
namespace {

/// 16 characters that end with the version.
std::string mark() { return "sampan-emulator" + std::to_string(sampan_emulator::kAbi); }
constexpr std::string_view kTargetLine = "\n.target sm_";
constexpr std::string_view kDigits = "0123456789abcdef";

struct Header {
  Elf64_Ehdr elf;
  char mark[16];
  std::uint64_t bytes;
};
static_assert(sizeof(Header) == 88);

std::optional<Image> unpack_ptx(std::string_view text) {
  Image image;
  image.is_ptx = true;
  image.target.elf_machine = EM_CUDA;
  const std::string code_line = "\n//" + mark() + ":";
  const std::size_t target = text.find(kTargetLine), code = text.find(code_line);
  if (target == text.npos || code == text.npos) return std::nullopt;
  const char* const number = text.data() + target + kTargetLine.size();
  std::from_chars(number, text.data() + text.size(), image.target.architecture);
  text.remove_prefix(code + code_line.size());
  text = text.substr(0, text.find('\n'));
  image.decoded.reserve(text.size() / 2);
  for (std::size_t i = 0; i + 1 < text.size(); i += 2) {
    const std::size_t high = kDigits.find(text[i]), low = kDigits.find(text[i + 1]);
    if (high == kDigits.npos || low == kDigits.npos) return std::nullopt;
    image.decoded.push_back(static_cast<char>(high << 4 | low));
  }
  return image;
}

}  // namespace

std::string pack_image(const Target& target, std::string_view shared_object) {
  Header header{};
  std::memcpy(header.elf.e_ident, ELFMAG, SELFMAG);
  header.elf.e_ident[EI_CLASS] = ELFCLASS64;
  header.elf.e_ident[EI_DATA] = ELFDATA2LSB;
  header.elf.e_ident[EI_VERSION] = EV_CURRENT;
  header.elf.e_type = ET_EXEC;
  header.elf.e_machine = static_cast<Elf64_Half>(target.elf_machine);
  header.elf.e_version = EV_CURRENT;
  header.elf.e_flags = target.architecture;
  header.elf.e_ehsize = sizeof header.elf;
  mark().copy(header.mark, sizeof header.mark);
  header.bytes = shared_object.size();
  std::string image(reinterpret_cast<const char*>(&header), sizeof header);
  return image.append(shared_object);
}

std::string pack_ptx(unsigned architecture, std::string_view shared_object) {
  std::string text = "//\n.version 9.0";
  text.append(kTargetLine)
      .append(std::to_string(architecture))
      .append("\n.address_size 64")
      .append("\n//" + mark() + ":");
  text.reserve(text.size() + shared_object.size() * 2 + 1);
  for (const char c : shared_object) {
    const auto byte = static_cast<unsigned char>(c);
    text.push_back(kDigits[byte >> 4]);
    text.push_back(kDigits[byte & 15]);
  }
  return text + "\n";
}

std::optional<Image> unpack_image(const void* image) {
  const auto* const bytes = static_cast<const char*>(image);
  // Byte by byte: a short text may end anywhere.
  if (std::strncmp(bytes, ELFMAG, SELFMAG) != 0) return unpack_ptx(bytes);
  Header header;
  std::memcpy(&header.elf, bytes, sizeof header.elf);
  Image result;
  result.target = {header.elf.e_machine, header.elf.e_flags};
  if (header.elf.e_shoff != 0 || header.elf.e_phoff != 0)
    return result;  // a real one: no code for us
  std::memcpy(&header, bytes, sizeof header);
  if (std::string_view(header.mark, sizeof header.mark) != mark()) return std::nullopt;
  result.shared_object = {bytes + sizeof header, header.bytes};
  return result;
}

}  // namespace sampan::emulator
