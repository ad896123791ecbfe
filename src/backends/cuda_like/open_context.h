#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "backends/cuda_like/driver.h"
#include "backends/cuda_like/error.h"
#include "backends/cuda_like/teardown.h"

namespace sampan::cuda_like {

/// Makes a context current on this thread and brings back what was current before. Costs one call
/// of the driver where it is current already.
class Current {
 public:
  /// Throws Failure.
  explicit Current(Context wanted) {
    check(shape().context_get, During::kQuery, "Making the device current", &before_);
    if (before_ == wanted) return;
    check(shape().context_set, During::kQuery, "Making the device current", wanted);
    changed_ = true;
  }
  Current(const Current&) = delete;
  Current& operator=(const Current&) = delete;
  ~Current() {
    if (changed_) (void)shape().context_set(before_);
  }

 private:
  Context before_ = nullptr;
  bool changed_ = false;
};

/// A word of pinned memory that all devices see at one address, 0 at first.
struct Word {
  std::uint32_t* host = nullptr;
  Address address = 0;
};

/// The context of a device from open to close, and what is kept with it for reuse. Shared by the
/// device and by all that may outlive it: points that streams of other devices wait for.
/// Free-threaded.
class OpenContext {
 public:
  /// Retains the context that the process shares. One that broke earlier is reset first. Throws
  /// Failure: the driver refuses, or a broken context is still open elsewhere in the backend.
  explicit OpenContext(Ordinal ordinal);
  OpenContext(const OpenContext&) = delete;
  OpenContext& operator=(const OpenContext&) = delete;
  ~OpenContext();

  [[nodiscard]] Context handle() const { return handle_; }
  [[nodiscard]] Ordinal ordinal() const { return ordinal_; }

  [[nodiscard]] bool lost() const { return lost_.load(std::memory_order_acquire); }
  /// Throws the loss once the device is lost; cheap until then.
  void check_alive() const {
    if (lost()) [[unlikely]]
      throw_loss();
  }
  /// If `failure` means that nothing works here any more: remembers the first such as a loss.
  void note(const Failure& failure) noexcept;

  /// Events that synchronise without spinning. The context is current. Throws Failure.
  [[nodiscard]] DriverEvent take_event(bool timed);
  void give_event(DriverEvent event, bool timed) noexcept;

  /// Throws Failure.
  [[nodiscard]] Word take_word();
  void give_word(Word word) noexcept;

 private:
  void retain();
  [[nodiscard]] bool is_broken() const;
  [[noreturn]] void throw_loss() const;
  void destroy_all() noexcept;

  const Ordinal ordinal_;
  Context handle_ = nullptr;
  std::atomic<bool> lost_{false};
  mutable std::mutex mutex_;
  std::optional<Failure> loss_;
  std::vector<DriverEvent> events_[2];  // untimed, timed
  std::vector<Word> words_;
  std::vector<void*> pages_;
};

/// An event of the driver's, given back when it ends.
class OwnedEvent {
 public:
  OwnedEvent() = default;
  /// The context is current. Throws Failure.
  OwnedEvent(std::shared_ptr<OpenContext> context, bool timed)
      : context_(std::move(context)), timed_(timed), handle_(context_->take_event(timed)) {}
  OwnedEvent(OwnedEvent&& other) noexcept
      : context_(std::move(other.context_)),
        timed_(other.timed_),
        handle_(std::exchange(other.handle_, nullptr)) {}
  OwnedEvent& operator=(OwnedEvent&&) = delete;
  ~OwnedEvent() {
    if (handle_ != nullptr) context_->give_event(handle_, timed_);
  }

  [[nodiscard]] DriverEvent get() const { return handle_; }
  [[nodiscard]] OpenContext& context() const { return *context_; }

 private:
  std::shared_ptr<OpenContext> context_;
  bool timed_ = false;
  DriverEvent handle_ = nullptr;
};

/// Runs `body` with the context current, for a destructor: what fails stays as it is.
template <typename Body>
void quietly(const OpenContext& context, Body&& body) noexcept {
  // A driver that fails twice doesn't work any more; then nothing is left to release.
  std::optional<Current> current;
  for (int attempt = 0; attempt < 2 && !current; ++attempt) {
    try {
      current.emplace(context.handle());
    } catch (const std::exception&) {
      continue;
    }
  }
  try {
    body();
  } catch (const std::exception&) {
    // What couldn't be released stays.
  }
}

/// Runs `body` with the context current, unless the device is lost, and remembers a loss that it
/// meets.
template <typename Body>
[[nodiscard]] sampan_code_t guarded(OpenContext& context, sampan_error_t* error,
                                    Body&& body) noexcept {
  return guarded(error, [&] {
    context.check_alive();
    try {
      const Current current(context.handle());
      return body();
    } catch (const Failure& failure) {
      context.note(failure);
      throw;
    }
  });
}

}  // namespace sampan::cuda_like
