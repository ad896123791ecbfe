#include "core/stream_directory.h"

#include <chrono>
#include <mutex>
#include <thread>
#include <unordered_map>

#include "core/stream.h"
#include "sampan/error.h"

namespace sampan::core {
namespace {

struct Table {
  std::mutex mutex;
  std::unordered_map<StreamKey, std::weak_ptr<StreamImpl>> streams;
  StreamKey next = 1;
};

// Never destroyed: streams of static lifetime end after main.
Table& table() {
  static Table* const instance = new Table;
  return *instance;
}

struct Found {
  std::shared_ptr<StreamImpl> stream;
  bool is_ending = false;  // its destructor is waiting for its work
};

Found find(StreamKey key) noexcept {
  const std::lock_guard lock(table().mutex);
  const auto it = table().streams.find(key);
  if (it == table().streams.end()) return {};
  Found found{it->second.lock(), false};
  found.is_ending = found.stream == nullptr;
  return found;
}

}  // namespace

StreamKey StreamDirectory::add(const std::shared_ptr<StreamImpl>& stream) {
  const std::lock_guard lock(table().mutex);
  const StreamKey key = table().next++;
  table().streams.emplace(key, stream);
  return key;
}

void StreamDirectory::remove(StreamKey key) noexcept {
  const std::lock_guard lock(table().mutex);
  table().streams.erase(key);
}

std::optional<StreamPoint> StreamDirectory::now(StreamKey key) noexcept {
  const Found found = find(key);
  if (found.stream) return StreamPoint{key, found.stream->position()};
  if (found.is_ending) return StreamPoint{key, UINT64_MAX};
  return std::nullopt;
}

bool StreamDirectory::completed(const StreamPoint& point) noexcept {
  const Found found = find(point.stream);
  if (found.stream) return found.stream->completed(point.position);
  return !found.is_ending;
}

void StreamDirectory::wait_on_stream(const StreamPoint& point, StreamImpl& later) {
  const Found found = find(point.stream);
  if (found.stream.get() == &later) return;
  if (found.stream) {
    try {
      found.stream->order_before(later);
      return;
    } catch (const Error&) {
      // A failed stream takes no events any more; what it was given ends soon.
    }
  }
  wait_on_host(point);
}

void StreamDirectory::wait_on_host(const StreamPoint& point) noexcept {
  for (;;) {
    const Found found = find(point.stream);
    if (found.stream) {
      if (found.stream->completed(point.position)) return;
      try {
        found.stream->wait_on_host(SAMPAN_WAIT_FOREVER);
      } catch (const Error&) {
        // Failed work has ended, too; its own waiters are told why.
      }
      return;
    }
    if (!found.is_ending) return;
    std::this_thread::sleep_for(std::chrono::microseconds(50));
  }
}

}  // namespace sampan::core
