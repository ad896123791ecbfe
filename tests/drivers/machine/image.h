// The emulated compilers' results: what stands for a cubin, a code object or PTX.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace sampan::emulator {

/// What an image is for.
struct Target {
  unsigned elf_machine = 0;   ///< 190 NVIDIA, 224 AMD
  unsigned architecture = 0;  ///< as Properties::architecture
};

/// An ELF header of the target, so that the image looks like a real one, then a mark and the host's
/// shared object.
[[nodiscard]] std::string pack_image(const Target& target, std::string_view shared_object);

/// PTX text that holds the shared object in comments.
[[nodiscard]] std::string pack_ptx(unsigned architecture, std::string_view shared_object);

struct Image {
  Target target;
  bool is_ptx = false;
  std::string_view shared_object;  ///< of an ELF image; points into it
  std::string decoded;             ///< of PTX
  [[nodiscard]] std::string_view code() const { return is_ptx ? decoded : shared_object; }
};

/// Reads what either function made, whose size the driver's API doesn't tell. Empty where it is
/// neither: the image isn't ours, or damaged.
[[nodiscard]] std::optional<Image> unpack_image(const void* image);

}  // namespace sampan::emulator
