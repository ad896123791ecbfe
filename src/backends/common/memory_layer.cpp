#include "backends/common/memory_layer.h"

#include <iterator>

namespace sampan::common {

std::optional<Bytes> MemoryLayer::find(std::string_view key_text) {
  const std::lock_guard guard(mutex_);
  const auto found = by_key_.find(key_text);
  if (found == by_key_.end()) return std::nullopt;
  items_.splice(items_.begin(), items_, found->second);
  return found->second->payload;
}

void MemoryLayer::insert(std::string_view key_text, ByteView payload) {
  Item item{std::string(key_text), Bytes(payload.begin(), payload.end())};
  const std::uint64_t size_bytes = item.size_bytes();
  const std::lock_guard guard(mutex_);
  if (const auto old = by_key_.find(key_text); old != by_key_.end()) erase(old->second);
  if (size_bytes > max_bytes_) return;
  while (held_bytes_ > max_bytes_ - size_bytes) erase(std::prev(items_.end()));
  items_.push_front(std::move(item));
  by_key_.emplace(items_.front().key_text, items_.begin());
  held_bytes_ += size_bytes;
}

void MemoryLayer::erase(Items::iterator item) {
  held_bytes_ -= item->size_bytes();
  by_key_.erase(item->key_text);
  items_.erase(item);
}

}  // namespace sampan::common
