#include "backends/cuda_like/image.h"

#include <elf.h>

#include <algorithm>
#include <cstring>

namespace sampan::cuda_like {
namespace {

// [offset, offset + count * entry) lies inside of `size` bytes.
bool inside(std::uint64_t offset, std::uint64_t count, std::uint64_t entry, std::uint64_t size) {
  return offset <= size && count * entry <= size - offset;
}

// Of each section, whose table has been checked.
bool sections_inside(common::ByteView image, const Elf64_Ehdr& head) {
  for (std::uint64_t i = 0; i < head.e_shnum; ++i) {
    Elf64_Shdr section;
    std::memcpy(&section, image.data() + head.e_shoff + i * sizeof section, sizeof section);
    if (section.sh_type == SHT_NOBITS) continue;
    if (!inside(section.sh_offset, section.sh_size, 1, image.size())) return false;
  }
  return true;
}

}  // namespace

bool is_elf(common::ByteView image) {
  return image.size() >= SELFMAG && std::memcmp(image.data(), ELFMAG, SELFMAG) == 0;
}

std::string elf_refusal(common::ByteView image, std::uint16_t machine) {
  constexpr const char* kCut = "is cut short or damaged; build it anew";
  Elf64_Ehdr head;
  if (image.size() < sizeof head) return kCut;
  std::memcpy(&head, image.data(), sizeof head);
  if (head.e_machine != machine) return "is made for another kind of device; build it anew";
  const bool tables = inside(head.e_shoff, head.e_shnum, sizeof(Elf64_Shdr), image.size()) &&
                      inside(head.e_phoff, head.e_phnum, sizeof(Elf64_Phdr), image.size());
  return tables && sections_inside(image, head) ? "" : kCut;
}

}  // namespace sampan::cuda_like
