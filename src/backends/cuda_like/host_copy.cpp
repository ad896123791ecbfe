#include "backends/cuda_like/host_copy.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <mutex>
#include <shared_mutex>

#include "backends/cuda_like/driver.h"
#include "backends/cuda_like/error.h"

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

void HostCopies::make_stage() {
  if (stage_ != nullptr) return;
  check(api().host_allocate, During::kAllocation, kCopying, &stage_,
        static_cast<std::size_t>(kStageBytes), kHostPortable | kHostMapped);
}

void HostCopies::carry(DriverStream stream, void* to, const void* from, std::size_t bytes) {
  calls_.enqueue(
      stream, [=] { std::memcpy(to, from, bytes); }, kCopying);
}

void HostCopies::to_device(DriverStream stream, Address dst, const void* host,
                           std::uint64_t size_bytes) {
  make_stage();
  for (std::uint64_t done = 0; done < size_bytes;) {
    const std::size_t bytes = std::min(kStageBytes, size_bytes - done);
    carry(stream, stage_, static_cast<const char*>(host) + done, bytes);
    check(shape().copy, During::kSubmission, kCopying, dst + done,
          reinterpret_cast<Address>(stage_), bytes, stream);
    done += bytes;
  }
}

void HostCopies::to_host(DriverStream stream, void* host, Address src, std::uint64_t size_bytes) {
  make_stage();
  for (std::uint64_t done = 0; done < size_bytes;) {
    const std::size_t bytes = std::min(kStageBytes, size_bytes - done);
    check(shape().copy, During::kSubmission, kCopying, reinterpret_cast<Address>(stage_),
          src + done, bytes, stream);
    carry(stream, static_cast<char*>(host) + done, stage_, bytes);
    done += bytes;
  }
}

}  // namespace sampan::cuda_like
