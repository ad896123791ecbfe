// Handles that stay recognisable after their object is gone.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "control.h"

namespace sampan::emulator {

/// The objects of one kind that the program has handles to.
///
/// A handle is a number that is never given twice and no valid address, so a destroyed handle, a
/// handle of another kind and a stray pointer are all told apart from a live one. Free-threaded;
/// handles are spread over several locks, so that threads with objects of their own rarely meet.
template <typename T>
class HandleTable {
 public:
  explicit HandleTable(Kind kind) : kind_(kind) {}

  [[nodiscard]] void* add(std::shared_ptr<T> object) {
    const std::uint64_t number = next_.fetch_add(1, std::memory_order_relaxed);
    const std::uint64_t handle =
        (std::uint64_t{0xe0} + static_cast<unsigned>(kind_)) << 48 | number << 4;
    Shard& shard = shard_of(handle);
    std::lock_guard lock(shard.mutex);
    shard.objects.emplace(handle, std::move(object));
    Control::of_library().add_live(kind_, 1);
    return reinterpret_cast<void*>(handle);
  }

  /// Null where the handle is not, or no longer, one of this table.
  [[nodiscard]] std::shared_ptr<T> find(const void* handle) const {
    const auto key = reinterpret_cast<std::uint64_t>(handle);
    const Shard& shard = shard_of(key);
    std::lock_guard lock(shard.mutex);
    const auto it = shard.objects.find(key);
    return it == shard.objects.end() ? nullptr : it->second;
  }

  /// Ends the handle; returns its object, or null as `find`.
  std::shared_ptr<T> remove(const void* handle) {
    const auto key = reinterpret_cast<std::uint64_t>(handle);
    Shard& shard = shard_of(key);
    std::lock_guard lock(shard.mutex);
    auto node = shard.objects.extract(key);
    if (node.empty()) return nullptr;
    Control::of_library().add_live(kind_, -1);
    return std::move(node.mapped());
  }

  /// Ends all handles whose object `matches`; returns the objects.
  template <typename Predicate>
  std::vector<std::shared_ptr<T>> remove_if(Predicate matches) {
    std::vector<std::shared_ptr<T>> removed;
    for (Shard& shard : shards_) {
      std::lock_guard lock(shard.mutex);
      for (auto it = shard.objects.begin(); it != shard.objects.end();) {
        if (!matches(*it->second)) {
          ++it;
          continue;
        }
        removed.push_back(std::move(it->second));
        it = shard.objects.erase(it);
        Control::of_library().add_live(kind_, -1);
      }
    }
    return removed;
  }

 private:
  struct Shard {
    mutable std::mutex mutex;
    std::unordered_map<std::uint64_t, std::shared_ptr<T>> objects;
  };

  Shard& shard_of(std::uint64_t handle) { return shards_[(handle >> 4) % kShards]; }
  const Shard& shard_of(std::uint64_t handle) const { return shards_[(handle >> 4) % kShards]; }

  static constexpr std::size_t kShards = 64;
  const Kind kind_;
  std::atomic<std::uint64_t> next_{1};
  std::array<Shard, kShards> shards_;
};

}  // namespace sampan::emulator
