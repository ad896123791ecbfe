// Feeds the cache entry parser with bytes as they come, and with sound entries changed in one
// place, which the fuzzer could not produce by itself since it cannot guess a digest.
#include <algorithm>
#include <cstdint>
#include <cstdlib>

#include "backends/common/cache_entry.h"

namespace {

using sampan::common::Bytes;
using sampan::common::ByteView;
using sampan::common::EntryError;
using sampan::common::ParsedEntry;

void require(bool holds) {
  if (!holds) std::abort();
}

Bytes encode(std::string_view key_text, ByteView payload) {
  Bytes entry = sampan::common::encode_entry_head(key_text, payload);
  entry.insert(entry.end(), payload.begin(), payload.end());
  return entry;
}

// What the parser takes must be exactly what the encoder makes of the key and the payload.
void check_parse(ByteView entry, std::string_view key_text) {
  const ParsedEntry parsed = sampan::common::parse_entry(entry, key_text);
  if (parsed.error == EntryError::kNone) {
    require(std::ranges::equal(encode(key_text, parsed.payload), entry));
  } else {
    require(parsed.payload.empty());
  }
}

// Reads: how long the key is, where to change the entry, how, and whether to cut it there.
void check_changed_entry(ByteView input) {
  constexpr std::size_t kChoices = 4;
  if (input.size() < kChoices) return;
  const auto choice = [&](std::size_t i) { return std::to_integer<std::size_t>(input[i]); };
  const ByteView rest = input.subspan(kChoices);
  const std::size_t key_bytes = std::min(choice(0), rest.size());
  const std::string_view key_text = sampan::common::text_of(rest.first(key_bytes));
  const ByteView payload = rest.subspan(key_bytes);

  Bytes entry = encode(key_text, payload);
  const ParsedEntry sound = sampan::common::parse_entry(entry, key_text);
  require(sound.error == EntryError::kNone && std::ranges::equal(sound.payload, payload));

  const std::size_t at = choice(1) * entry.size() / 256;
  if (choice(3) % 4 == 0) {
    entry.resize(at);
  } else {
    entry[at] ^= static_cast<std::byte>(choice(2) | 1);
  }
  require(sampan::common::parse_entry(entry, key_text).error != EntryError::kNone);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteView input = std::as_bytes(std::span(data, size));
  const std::size_t key_bytes = std::min<std::size_t>(size, 13);
  check_parse(input, sampan::common::text_of(input.last(key_bytes)));
  check_parse(input, "");
  check_changed_entry(input);
  return 0;
}
