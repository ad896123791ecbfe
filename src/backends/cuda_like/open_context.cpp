#include "backends/cuda_like/open_context.h"

#include <map>

namespace sampan::cuda_like {
namespace {

constexpr std::size_t kPageBytes = 4096;
constexpr std::size_t kWordBytes = 64;  // a cache line each: the host and devices write to them
constexpr std::size_t kKeptEvents = 256;

constexpr const char* kOpening = "Opening the device";

struct Shared {
  int open = 0;
  bool broken = false;
};

// What this process knows of each device's one context.
std::mutex& shared_mutex() {
  static auto* const kMutex = new std::mutex;
  return *kMutex;
}
Shared& shared(Ordinal ordinal) {
  static auto* const kAll = new std::map<Ordinal, Shared>;
  return (*kAll)[ordinal];
}

}  // namespace

OpenContext::OpenContext(Ordinal ordinal) : ordinal_(ordinal) {
  const std::lock_guard lock(shared_mutex());
  Shared& state = shared(ordinal);
  if (state.open != 0 && state.broken) {
    throw Failure(SAMPAN_DEVICE_LOST,
                  "The device's context is broken and still in use; let go of everything made on "
                  "it, then open it again");
  }
  retain();
  // Somebody else in this process may have broken it, too, or nobody noticed.
  if (state.open == 0 && (state.broken || is_broken())) {
    (void)shape().context_release(ordinal_);
    check(shape().context_reset, During::kAllocation, kOpening, ordinal);
    retain();
  }
  state.broken = false;
  ++state.open;
}

void OpenContext::retain() {
  check(shape().context_retain, During::kAllocation, kOpening, &handle_, ordinal_);
}

bool OpenContext::is_broken() const {
  try {
    const Current current(handle_);
    std::size_t free_bytes = 0, total_bytes = 0;
    return breaks_context(api().memory_info(&free_bytes, &total_bytes));
  } catch (const Failure& failure) {
    return breaks_context(static_cast<Result>(failure.driver_code));
  }
}

OpenContext::~OpenContext() {
  quietly(*this, [this] { destroy_all(); });
  const std::lock_guard lock(shared_mutex());
  --shared(ordinal_).open;
  (void)shape().context_release(ordinal_);
}

void OpenContext::destroy_all() noexcept {
  for (const auto& kind : events_) {
    for (const DriverEvent event : kind) (void)api().event_destroy(event);
  }
  for (void* page : pages_) (void)api().host_free(page);
}

void OpenContext::note(const Failure& failure) noexcept {
  const bool breaks =
      !failure.driver_call.empty() && breaks_context(static_cast<Result>(failure.driver_code));
  if (!breaks && failure.code != SAMPAN_DEVICE_LOST) return;
  const std::lock_guard lock(mutex_);
  if (loss_) return;
  try {
    Failure loss = failure;
    loss.code = SAMPAN_DEVICE_LOST;
    loss.flags = SAMPAN_ERROR_STICKY | SAMPAN_ERROR_DEVICE_LOST;
    if (failure.code != SAMPAN_DEVICE_LOST) {
      loss.message = "The device must be closed and opened again: " + failure.message;
    }
    loss_.emplace(std::move(loss));
  } catch (const std::bad_alloc&) {
    // The next call meets the failure again.
    return;
  }
  lost_.store(true, std::memory_order_release);
  const std::lock_guard shared_lock(shared_mutex());
  shared(ordinal_).broken = true;
}

void OpenContext::throw_loss() const {
  const std::lock_guard lock(mutex_);
  throw Failure(*loss_);
}

DriverEvent OpenContext::take_event(bool timed) {
  {
    const std::lock_guard lock(mutex_);
    auto& kept = events_[timed ? 1 : 0];
    if (!kept.empty()) {
      const DriverEvent event = kept.back();
      kept.pop_back();
      return event;
    }
  }
  DriverEvent event = nullptr;
  const unsigned flags = kEventBlockingSync | (timed ? 0u : kEventDisableTiming);
  check(api().event_create, During::kAllocation, "Making an event", &event, flags);
  return event;
}

void OpenContext::give_event(DriverEvent event, bool timed) noexcept {
  try {
    const std::lock_guard lock(mutex_);
    auto& kept = events_[timed ? 1 : 0];
    if (kept.size() < kKeptEvents) {
      kept.push_back(event);
      return;
    }
  } catch (const std::bad_alloc&) {
    // No room to keep it.
  }
  quietly(*this, [&] { (void)api().event_destroy(event); });
}

Word OpenContext::take_word() {
  const std::lock_guard lock(mutex_);
  if (words_.empty()) {
    pages_.reserve(pages_.size() + 1);
    words_.reserve(words_.size() + kPageBytes / kWordBytes);
    const Current current(handle_);
    void* page = nullptr;
    check(api().host_allocate, During::kAllocation, "Making an event", &page, kPageBytes,
          kHostPortable | kHostMapped);
    Address address = 0;
    const Result code = api().host_device_address(&address, page, 0);
    if (code != kSuccess) {
      (void)api().host_free(page);
      throw failure_of(code, api().host_device_address.symbol, During::kAllocation,
                       "Making an event");
    }
    pages_.push_back(page);
    for (std::size_t at = 0; at < kPageBytes; at += kWordBytes) {
      auto* const host = reinterpret_cast<std::uint32_t*>(static_cast<char*>(page) + at);
      words_.push_back({host, address + at});
    }
  }
  const Word word = words_.back();
  words_.pop_back();
  std::atomic_ref(*word.host).store(0, std::memory_order_release);
  return word;
}

void OpenContext::give_word(Word word) noexcept {
  const std::lock_guard lock(mutex_);
  words_.push_back(word);  // there is room: it came from here
}

}  // namespace sampan::cuda_like
