#include "backends/common/cache_entry.h"

#include <algorithm>
#include <limits>
#include <stdexcept>

namespace sampan::common {
namespace {

constexpr std::string_view kMagic = "SAMPANCC";
constexpr std::size_t kVersionAt = 8;
constexpr std::size_t kKeyLengthAt = 12;
constexpr std::size_t kPayloadLengthAt = 16;
constexpr std::size_t kDigestAt = 24;
constexpr std::size_t kKeyAt = kDigestAt + sizeof(Sha256Digest);

template <typename Integer>
void put(Bytes& out, Integer value) {
  for (std::size_t i = 0; i < sizeof(Integer); ++i) {
    out.push_back(static_cast<std::byte>(value >> (8 * i)));
  }
}

template <typename Integer>
Integer get(ByteView in, std::size_t offset) {
  Integer value = 0;
  for (std::size_t i = 0; i < sizeof(Integer); ++i) {
    value |= std::to_integer<Integer>(in[offset + i]) << (8 * i);
  }
  return value;
}

void put_bytes(Bytes& out, ByteView bytes) { out.insert(out.end(), bytes.begin(), bytes.end()); }

}  // namespace

CacheKey::CacheKey() { add("entry_version", std::to_string(kCacheEntryVersion)); }

CacheKey& CacheKey::add(std::string_view name, std::string_view value) {
  text_ += std::to_string(name.size()) + ":";
  text_ += name;
  text_ += "=" + std::to_string(value.size()) + ":";
  text_ += value;
  text_ += "\n";
  return *this;
}

Sha256Digest cache_key_digest(std::string_view key_text) { return sha256({bytes_of(key_text)}); }

const char* describe(EntryError error) {
  switch (error) {
    case EntryError::kNone:
      return "is sound";
    case EntryError::kTruncated:
      return "is cut short";
    case EntryError::kNotAnEntry:
      return "is not a cache entry";
    case EntryError::kOtherVersion:
      return "has another format version";
    case EntryError::kWrongLength:
      return "is longer or shorter than its header says";
    case EntryError::kOtherKey:
      return "belongs to another key";
    case EntryError::kBadDigest:
      return "does not match its digest";
  }
  return "is unreadable";
}

Bytes encode_entry_head(std::string_view key_text, ByteView payload) {
  if (key_text.size() > std::numeric_limits<std::uint32_t>::max()) {
    throw std::length_error("the cache key is 4 GiB or longer");
  }
  Bytes head;
  head.reserve(kKeyAt + key_text.size());
  put_bytes(head, bytes_of(kMagic));
  put(head, kCacheEntryVersion);
  put(head, static_cast<std::uint32_t>(key_text.size()));
  put(head, static_cast<std::uint64_t>(payload.size()));
  put_bytes(head, sha256({head, bytes_of(key_text), payload}));
  put_bytes(head, bytes_of(key_text));
  return head;
}

ParsedEntry parse_entry(ByteView entry, std::string_view key_text) {
  if (entry.size() < kKeyAt) return {EntryError::kTruncated, {}};
  if (text_of(entry.first(kMagic.size())) != kMagic) return {EntryError::kNotAnEntry, {}};
  if (get<std::uint32_t>(entry, kVersionAt) != kCacheEntryVersion) {
    return {EntryError::kOtherVersion, {}};
  }
  const ByteView body = entry.subspan(kKeyAt);
  const std::size_t key_bytes = get<std::uint32_t>(entry, kKeyLengthAt);
  if (key_bytes > body.size() ||
      get<std::uint64_t>(entry, kPayloadLengthAt) != body.size() - key_bytes) {
    return {EntryError::kWrongLength, {}};
  }
  const ByteView payload = body.subspan(key_bytes);
  const Sha256Digest digest = sha256({entry.first(kDigestAt), body.first(key_bytes), payload});
  if (!std::ranges::equal(digest, entry.subspan(kDigestAt, digest.size()))) {
    return {EntryError::kBadDigest, {}};
  }
  if (text_of(body.first(key_bytes)) != key_text) return {EntryError::kOtherKey, {}};
  return {EntryError::kNone, payload};
}

}  // namespace sampan::common
