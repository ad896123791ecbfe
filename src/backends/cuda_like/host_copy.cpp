#include "backends/cuda_like/host_copy.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <mutex>
#include <shared_mutex>

namespace sampan::cuda_like {
namespace {

// Long enough for the bus, short enough to be pinned for each stream that copies so.
constexpr std::uint64_t kStageBytes = std::uint64_t{2} << 20;

constexpr const char* kCopying = "Copying";

struct Pinned {
  std::shared_mutex mutex;
  std::map<std::uintptr_t, std::uint64_t> ranges;  // begin, bytes
};

Pinned& pinned() {
  static auto* const kPinned = new Pinned;
  return *kPinned;
}

}  // namespace

void add_pinned(const void* begin, std::uint64_t size_bytes) {
  const std::unique_lock lock(pinned().mutex);
  pinned().ranges[reinterpret_cast<std::uintptr_t>(begin)] = size_bytes;
}

void remove_pinned(const void* begin) noexcept {
  const std::unique_lock lock(pinned().mutex);
  pinned().ranges.erase(reinterpret_cast<std::uintptr_t>(begin));
}

bool is_pinned(const void* begin, std::uint64_t size_bytes) {
  const auto at = reinterpret_cast<std::uintptr_t>(begin);
  const std::shared_lock lock(pinned().mutex);
  auto next = pinned().ranges.upper_bound(at);
  if (next == pinned().ranges.begin()) return false;
  const auto& [first, bytes] = *--next;
  return at - first <= bytes && size_bytes <= bytes - (at - first);
}

HostCopies::~HostCopies() {
  if (stage_ != nullptr) (void)api().host_free(stage_);
}

void HostCopies::make_room() {
  while (!carries_.empty() && carries_.front()->done.load(std::memory_order_acquire)) {
    carries_.pop_front();
  }
  if (stage_ == nullptr) {
    check(api().host_allocate, During::kAllocation, kCopying, &stage_,
          static_cast<std::size_t>(kStageBytes), kHostPortable | kHostMapped);
  }
}

void HostCopies::carry(DriverStream stream, void* to, const void* from, std::size_t bytes) {
  carries_.push_back(std::make_unique<Carry>());
  Carry& next = *carries_.back();
  next.to = to;
  next.from = from;
  next.bytes = bytes;
  const HostFunction run = [](void* user) {
    Carry& mine = *static_cast<Carry*>(user);
    std::memcpy(mine.to, mine.from, mine.bytes);
    mine.done.store(true, std::memory_order_release);
  };
  const Result code = api().launch_host_function(stream, run, &next);
  if (code == kSuccess) return;
  carries_.pop_back();
  throw failure_of(code, api().launch_host_function.symbol, During::kSubmission, kCopying);
}

void HostCopies::to_device(DriverStream stream, Address dst, const void* host,
                           std::uint64_t size_bytes) {
  make_room();
  for (std::uint64_t done = 0; done < size_bytes;) {
    const std::size_t bytes = std::min(kStageBytes, size_bytes - done);
    carry(stream, stage_, static_cast<const char*>(host) + done, bytes);
    check(shape().copy, During::kSubmission, kCopying, dst + done,
          reinterpret_cast<Address>(stage_), bytes, stream);
    done += bytes;
  }
}

void HostCopies::to_host(DriverStream stream, void* host, Address src, std::uint64_t size_bytes) {
  make_room();
  for (std::uint64_t done = 0; done < size_bytes;) {
    const std::size_t bytes = std::min(kStageBytes, size_bytes - done);
    check(shape().copy, During::kSubmission, kCopying, reinterpret_cast<Address>(stage_),
          src + done, bytes, stream);
    carry(stream, static_cast<char*>(host) + done, stage_, bytes);
    done += bytes;
  }
}

}  // namespace sampan::cuda_like
