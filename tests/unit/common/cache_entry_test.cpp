#include "backends/common/cache_entry.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <map>

#include "backends/common/text.h"
#include "cache_test.h"

namespace sampan::common {
namespace {

using testing::payload_of;

Bytes encode(std::string_view key_text, const Bytes& payload) {
  Bytes entry = encode_entry_head(key_text, payload);
  entry.insert(entry.end(), payload.begin(), payload.end());
  return entry;
}

constexpr std::size_t kHeaderBytes = 56;

TEST(Sha256, GivesTheStandardsExamples) {
  // FIPS 180-4 examples, and the empty message.
  EXPECT_EQ(hex(sha256({})), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(hex(sha256({bytes_of("abc")})),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(sha256({bytes_of("a"), bytes_of(""), bytes_of("bc")}), sha256({bytes_of("abc")}));
}

TEST(CacheKey, DifferentFieldsNeverGiveTheSameText) {
  using Fields = std::vector<std::pair<std::string, std::string>>;
  // Every list would equal another one in some format without lengths.
  const std::vector<Fields> lists = {
      {},
      {{"a", "bc"}},
      {{"ab", "c"}},
      {{"a", "b"}, {"c", ""}},
      {{"c", ""}, {"a", "b"}},
      {{"a", "b\n1:c=0:"}},
      {{"a", "b"}, {"c", ""}, {"", ""}},
      {{"a=1:b\n1:c", ""}},
      {{"a", std::string("b\0", 2)}},
      {{"a", "b"}},
      {{"", "ab"}},
      {{"ab", ""}},
  };
  std::map<std::string, std::size_t> seen;
  for (std::size_t i = 0; i < lists.size(); ++i) {
    CacheKey key;
    for (const auto& [name, value] : lists[i]) key.add(name, value);
    const auto [place, fresh] = seen.emplace(key.text(), i);
    EXPECT_TRUE(fresh) << "list " << i << " has the text of list " << place->second;
  }
}

TEST(CacheKey, StartsWithTheEntryVersionAndSpellsFieldsOut) {
  EXPECT_EQ(CacheKey().add("isa", "sm_90").text(), "13:entry_version=1:1\n3:isa=5:sm_90\n");
}

TEST(CacheEntry, RoundTripsEverySize) {
  for (const std::size_t key_bytes : {0u, 1u, 31u, 4099u}) {
    for (const std::size_t payload_bytes : {0u, 1u, 55u, 56u, 57u, 4096u, 65537u}) {
      SCOPED_TRACE(std::to_string(key_bytes) + " + " + std::to_string(payload_bytes));
      const std::string key(key_bytes, 'k');
      const Bytes payload = payload_of(3, payload_bytes);
      const Bytes entry = encode(key, payload);
      ASSERT_EQ(entry.size(), kHeaderBytes + key_bytes + payload_bytes);
      const ParsedEntry parsed = parse_entry(entry, key);
      ASSERT_EQ(parsed.error, EntryError::kNone);
      EXPECT_TRUE(std::ranges::equal(parsed.payload, payload));
    }
  }
}

TEST(CacheEntry, RefusesEveryChangeOfEveryByte) {
  const std::string key = "the key";
  const Bytes sound = encode(key, payload_of(1, 40));
  for (std::size_t at = 0; at < sound.size(); ++at) {
    for (int change = 1; change < 256; ++change) {
      Bytes entry = sound;
      entry[at] ^= static_cast<std::byte>(change);
      const ParsedEntry parsed = parse_entry(entry, key);
      ASSERT_NE(parsed.error, EntryError::kNone) << "byte " << at << " change " << change;
      ASSERT_TRUE(parsed.payload.empty());
    }
  }
}

TEST(CacheEntry, RefusesEveryOtherLength) {
  const std::string key = "the key";
  const Bytes sound = encode(key, payload_of(1, 40));
  for (std::size_t length = 0; length < sound.size(); ++length) {
    // A copy of exactly this size, so that a sanitizer sees any read past it.
    const Bytes entry(sound.begin(), sound.begin() + static_cast<std::ptrdiff_t>(length));
    ASSERT_NE(parse_entry(entry, key).error, EntryError::kNone) << length;
  }
  Bytes longer = sound;
  longer.push_back(std::byte{0});
  EXPECT_EQ(parse_entry(longer, key).error, EntryError::kWrongLength);
}

TEST(CacheEntry, RefusesLengthsThatWrapAround) {
  const Bytes sound = encode("key", payload_of(1, 8));
  const std::uint64_t body_bytes = sound.size() - kHeaderBytes;
  for (const std::uint32_t key_bytes : {12u, 0x7fffffffu, 0x80000000u, 0xffffffffu}) {
    Bytes entry = sound;
    const std::uint64_t payload_bytes = body_bytes - key_bytes;  // their sum is right modulo 2^64
    std::memcpy(entry.data() + 12, &key_bytes, sizeof key_bytes);
    std::memcpy(entry.data() + 16, &payload_bytes, sizeof payload_bytes);
    EXPECT_EQ(parse_entry(entry, "key").error, EntryError::kWrongLength) << key_bytes;
  }
}

TEST(CacheEntry, NamesTheCause) {
  const Bytes sound = encode("key", payload_of(1, 8));
  const auto changed = [&](std::size_t at) {
    Bytes entry = sound;
    entry[at] ^= std::byte{1};
    return entry;
  };
  const struct {
    Bytes entry;
    std::string key;
    EntryError error;
  } cases[] = {
      {{}, "key", EntryError::kTruncated},
      {changed(0), "key", EntryError::kNotAnEntry},
      {changed(8), "key", EntryError::kOtherVersion},
      {changed(12), "key", EntryError::kWrongLength},
      {changed(16), "key", EntryError::kWrongLength},
      {changed(24), "key", EntryError::kBadDigest},
      {changed(sound.size() - 1), "key", EntryError::kBadDigest},
      {sound, "kez", EntryError::kOtherKey},
      {sound, "ke", EntryError::kOtherKey},
      {sound, "", EntryError::kOtherKey},
  };
  std::set<std::string> sentences;
  for (const auto& c : cases) {
    EXPECT_EQ(parse_entry(c.entry, c.key).error, c.error) << describe(c.error);
    sentences.insert(describe(c.error));
  }
  EXPECT_EQ(sentences.size(), 6u);
}

}  // namespace
}  // namespace sampan::common
