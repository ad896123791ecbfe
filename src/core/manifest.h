#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace sampan::core {

/// What a plug-in's manifest says:
///   {"name": "acme", "abi": {"major": 1, "minor_min": 0, "minor_max": 1},
///    "path": "libsampan_acme.so", "sha256": "…"}
/// `name` is a backend's: [a-z0-9_]+. `minor_min` is the oldest minor of the host that suits the
/// plug-in. `path` is absolute or relative to the manifest's folder; `sha256` of that file, in
/// lower-case hex, is optional.
struct Manifest {
  std::string name;
  std::uint32_t abi_major = 0, minor_min = 0, minor_max = 0;
  std::string path;
  std::string sha256;
};

constexpr std::size_t kMaxManifestBytes = 64 * 1024;

/// Reads a manifest's text. On failure returns nullopt and says in one sentence what is wrong and
/// at which byte or field. Pure: a fuzz target drives it.
[[nodiscard]] std::optional<Manifest> parse_manifest(std::string_view text, std::string& problem);

/// Why the file may not be trusted, or an empty string: it is no regular file (reading a pipe would
/// block), or it or its folder may be written by somebody other than root and the user of this
/// process. Of a symbolic link both folders count: its own and that of what it points to.
[[nodiscard]] std::string untrusted_reason(const std::filesystem::path& file);

/// SHA-256 of a file in lower-case hex; empty if it can't be read.
[[nodiscard]] std::string file_sha256(const std::filesystem::path& file);

}  // namespace sampan::core
