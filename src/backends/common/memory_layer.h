#pragma once

#include <cstdint>
#include <list>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "backends/common/bytes.h"

namespace sampan::common {

/// Compiled code held in memory, the least recently used dropped first. Free-threaded.
class MemoryLayer {
 public:
  /// Holds up to `max_bytes` of keys and payloads together.
  explicit MemoryLayer(std::uint64_t max_bytes) : max_bytes_(max_bytes) {}

  /// A copy of the payload, which becomes the most recently used.
  [[nodiscard]] std::optional<Bytes> find(std::string_view key_text);

  /// Keeps a copy of the payload; one larger than the limit is not kept.
  void insert(std::string_view key_text, ByteView payload);

 private:
  struct Item {
    std::string key_text;
    Bytes payload;
    [[nodiscard]] std::uint64_t size_bytes() const { return key_text.size() + payload.size(); }
  };
  using Items = std::list<Item>;

  void erase(Items::iterator item);

  const std::uint64_t max_bytes_;
  std::mutex mutex_;
  Items items_;                                                   // most recently used first
  std::unordered_map<std::string_view, Items::iterator> by_key_;  // views into items_
  std::uint64_t held_bytes_ = 0;
};

}  // namespace sampan::common
