#include "backends/cpu/retired.h"

#include <new>

#include "backends/cpu/stream.h"

namespace sampan::cpu {

void Retired::add_stream(const Stream& stream) {
  const std::lock_guard lock(mutex_);
  streams_.push_back(&stream);
}

void Retired::remove_stream(const Stream& stream) noexcept {
  std::list<Grave> finished;  // freed after the lock
  const std::lock_guard lock(mutex_);
  std::erase(streams_, &stream);
  for (Grave& grave : graves_) {
    std::erase_if(grave.pending, [&](const auto& entry) { return entry.first == &stream; });
  }
  finished = take_finished();
}

void Retired::retire(std::unique_ptr<Retirable> remains) noexcept {
  std::list<Grave> finished;
  const std::lock_guard lock(mutex_);
  try {
    graves_.emplace_back();
    Grave& grave = graves_.back();
    grave.pending.reserve(streams_.size());
    for (const Stream* stream : streams_) {
      grave.pending.emplace_back(stream, stream->submitted());
    }
    grave.remains = std::move(remains);
  } catch (const std::bad_alloc&) {
    (void)remains.release();
  }
  finished = take_finished();
}

std::list<Retired::Grave> Retired::take_finished() noexcept {
  std::list<Grave> finished;
  for (auto grave = graves_.begin(); grave != graves_.end();) {
    std::erase_if(grave->pending,
                  [](const auto& entry) { return entry.first->completed() >= entry.second; });
    const auto next = std::next(grave);
    if (grave->pending.empty()) finished.splice(finished.end(), graves_, grave);
    grave = next;
  }
  return finished;
}

}  // namespace sampan::cpu
