// The native format of this backend: what `binary` returns and the code cache keeps.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "backends/common/bytes.h"
#include "backends/cpu/native/isa.h"

namespace sampan::cpu {

/// A shared object with the level that it was compiled for. Layout, integers little-endian:
///
///     offset  bytes
///          0      8  magic "SAMPANSO"
///          8      4  SAMPAN_CPU_ABI
///         12      4  length of the level's name
///         16     32  SHA-256 of bytes 0..15 and all that follows the digest
///         48      -  the level's name, then the shared object up to the end
///
/// Throws std::bad_alloc.
[[nodiscard]] common::Bytes pack_kernel_binary(common::ByteView shared_object,
                                               native::IsaLevel isa);

/// Checks a binary for a device of level `isa`. Returns its shared object (inside `binary`), or
/// nothing, with one sentence in `reason`.
[[nodiscard]] std::optional<common::ByteView> unpack_kernel_binary(common::ByteView binary,
                                                                   native::IsaLevel isa,
                                                                   std::string& reason);

}  // namespace sampan::cpu
