#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "backends/common/bytes.h"
#include "backends/common/sha256.h"

namespace sampan::common {

/// Version of the entry layout below. It is the first field of every key too, so that versions of
/// Sampan that differ in it never meet each other's entries.
inline constexpr std::uint32_t kCacheEntryVersion = 1;

/// Everything that decides what a compiler returns, field by field.
///
/// Give each input its own field: source, options, dialect, tile, backend, compiler and driver
/// version, instruction set. A field left out is a wrong kernel after the next driver upgrade.
/// Names and values are written with their lengths, so two different lists of fields never give
/// the same text, whatever bytes they hold. The order of `add` counts.
class CacheKey {
 public:
  CacheKey();

  /// Appends one field; returns the key, to chain.
  CacheKey& add(std::string_view name, std::string_view value);

  /// The whole key: one `length:name=length:value` line per field.
  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  std::string text_;
};

/// SHA-256 of the key's text; in hexadecimal it is the entry's file name.
[[nodiscard]] Sha256Digest cache_key_digest(std::string_view key_text);

/// Why bytes are not the entry of a key.
enum class EntryError {
  kNone,
  kTruncated,
  kNotAnEntry,
  kOtherVersion,
  kWrongLength,
  kOtherKey,
  kBadDigest
};

/// The error as the end of a sentence that starts with the file's name: "is cut short".
[[nodiscard]] const char* describe(EntryError error);

struct ParsedEntry {
  EntryError error = EntryError::kNone;
  ByteView payload;  ///< inside the parsed bytes; empty on error
};

/// What precedes the payload in an entry's file. Layout, integers little-endian:
///
///     offset  bytes
///          0      8  magic "SAMPANCC"
///          8      4  kCacheEntryVersion
///         12      4  key length
///         16      8  payload length
///         24     32  SHA-256 of bytes 0..23, the key and the payload
///         56      -  key text, then the payload up to the end of the file
///
/// Throws std::length_error for a key of 4 GiB or more.
[[nodiscard]] Bytes encode_entry_head(std::string_view key_text, ByteView payload);

/// Reads a whole entry and checks every byte of it against its digest and against the key wanted.
/// Takes any bytes; reads nothing outside them and allocates nothing.
[[nodiscard]] ParsedEntry parse_entry(ByteView entry, std::string_view key_text);

}  // namespace sampan::common
