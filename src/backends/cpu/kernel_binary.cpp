#include "backends/cpu/kernel_binary.h"

#include <algorithm>
#include <cstring>

#include "backends/common/sha256.h"
#include "dialect/cpu_abi.h"

namespace sampan::cpu {
namespace {

constexpr std::string_view kMagic = "SAMPANSO";
constexpr std::size_t kDigestAt = 16;
constexpr std::size_t kHeadBytes = kDigestAt + sizeof(common::Sha256Digest);

void put_u32(std::byte* to, std::uint32_t value) {
  for (int i = 0; i < 4; ++i) to[i] = static_cast<std::byte>(value >> (8 * i));
}

std::uint32_t get_u32(const std::byte* from) {
  std::uint32_t value = 0;
  for (int i = 0; i < 4; ++i) value |= std::to_integer<std::uint32_t>(from[i]) << (8 * i);
  return value;
}

}  // namespace

common::Bytes pack_kernel_binary(common::ByteView shared_object, native::IsaLevel isa) {
  const std::string_view level = native::isa_name(isa);
  common::Bytes binary(kHeadBytes + level.size() + shared_object.size());
  std::memcpy(binary.data(), kMagic.data(), kMagic.size());
  put_u32(binary.data() + 8, SAMPAN_CPU_ABI);
  put_u32(binary.data() + 12, static_cast<std::uint32_t>(level.size()));
  std::memcpy(binary.data() + kHeadBytes, level.data(), level.size());
  std::copy(shared_object.begin(), shared_object.end(),
            binary.begin() + static_cast<std::ptrdiff_t>(kHeadBytes + level.size()));
  const common::ByteView all(binary);
  const auto digest = common::sha256({all.first(kDigestAt), all.subspan(kHeadBytes)});
  std::copy(digest.begin(), digest.end(), binary.begin() + kDigestAt);
  return binary;
}

std::optional<common::ByteView> unpack_kernel_binary(common::ByteView binary, native::IsaLevel isa,
                                                     std::string& reason) {
  if (binary.size() < kHeadBytes || common::text_of(binary.first(kMagic.size())) != kMagic) {
    reason = "it is not what binary() of a CPU module returns; load the source instead";
    return std::nullopt;
  }
  const auto digest = common::sha256({binary.first(kDigestAt), binary.subspan(kHeadBytes)});
  if (!std::equal(digest.begin(), digest.end(), binary.begin() + kDigestAt)) {
    reason = "it is damaged: its digest does not match; make it anew from the source";
    return std::nullopt;
  }
  if (get_u32(binary.data() + 8) != SAMPAN_CPU_ABI) {
    reason = "it was made by another version of Sampan; make it anew from the source";
    return std::nullopt;
  }
  const common::ByteView body = binary.subspan(kHeadBytes);
  const std::size_t level_bytes = std::min<std::size_t>(get_u32(binary.data() + 12), body.size());
  const std::string_view level_name = common::text_of(body.first(level_bytes));
  const auto level = native::parse_isa(level_name);
  if (!level || *level > isa) {
    reason = "it was compiled for " + std::string(level_name) + ", and this device is " +
             std::string(native::isa_name(isa)) + "; compile the source for it";
    return std::nullopt;
  }
  return body.subspan(level_bytes);
}

}  // namespace sampan::cpu
