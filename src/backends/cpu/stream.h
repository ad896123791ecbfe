// A stream: a queue of commands and whoever runs them in order.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <new>

#include "backends/cpu/command_queue.h"
#include "backends/cpu/device.h"
#include "backends/cpu/error.h"
#include "backends/cpu/parking.h"
#include "backends/cpu/thread.h"
#include "backends/cpu/worker.h"

namespace sampan::cpu {

/// Told of each completed piece of work while a profile runs.
struct ProfileSink {
  void (*call)(void* context, const sampan_interval_t* interval) = nullptr;
  void* context = nullptr;
};

/// Commands run one after the other, by whoever holds the baton: the stream's leader, a thread
/// started with the first command, or a thread that waits for the stream while the leader has not
/// woken up. The holder calls in the device's pool for large launches.
///
/// Nobody's core is taken while nothing happens: leader, helpers and waiters spin for kSpinNs, then
/// sleep. When the queue is full, the submitter waits for room while the stream makes progress, and
/// the queue grows while the stream itself waits (for an event, a host function).
class Stream {
 public:
  /// Throws std::bad_alloc.
  explicit Stream(Device& device);
  /// Waits for the work submitted; in a forked child it waits for nothing.
  ~Stream();
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  // ---- The caller's side ----

  /// Enqueues a `Record`, a plain struct derived from Command, with `extra_bytes` of room after it.
  /// `fill(record)` sets its fields; it isn't called on failure. One caller at a time.
  template <typename Record, typename Fill>
  sampan_code_t submit(const CommandType& type, std::uint64_t sequence, std::size_t extra_bytes,
                       sampan_error_t* error, Fill fill) noexcept {
    if (const auto code = check(error); code != SAMPAN_OK) return code;
    if (const auto code = start_leader(error); code != SAMPAN_OK) return code;
    void* room = make_room(sizeof(Record) + extra_bytes, error);
    if (room == nullptr) return error->code;
    auto* record = new (room) Record;
    record->type = &type;
    record->sequence = sequence;
    fill(*record);
    queue_.publish();
    leader_spot_.notify();
    return SAMPAN_OK;
  }

  /// SAMPAN_OK, or why the stream takes no more work. Any thread.
  sampan_code_t check(sampan_error_t* error) const noexcept;
  /// SAMPAN_OK, NOT_READY, or the failure. Any thread.
  sampan_code_t query(sampan_error_t* error) const noexcept;
  /// Waits for what has been submitted by now. Any thread.
  sampan_code_t wait(std::uint64_t timeout_ns, sampan_error_t* error) noexcept;

  // ---- The side of running commands ----

  [[nodiscard]] Device& device() noexcept { return device_; }
  [[nodiscard]] Worker& worker() noexcept { return worker_; }
  /// Commands since the stream's creation. Any thread.
  [[nodiscard]] std::uint64_t submitted() const noexcept { return queue_.submitted(); }
  [[nodiscard]] std::uint64_t completed() const noexcept { return queue_.completed(); }

  /// Fails the stream; the first failure stays.
  void fail_with(const Failure& failure) noexcept;
  /// Null while the stream works.
  [[nodiscard]] const Failure* failure() const noexcept {
    return failed_.load(std::memory_order_acquire) ? &failure_ : nullptr;
  }
  void set_profile(const ProfileSink& sink) noexcept { profile_ = sink; }

  /// Says that the running command waits for something outside the stream, while in scope.
  class Stall {
   public:
    explicit Stall(Stream& stream) noexcept;
    ~Stall();
    Stall(const Stall&) = delete;
    Stall& operator=(const Stall&) = delete;

   private:
    Stream& stream_;
  };

 private:
  sampan_code_t start_leader(sampan_error_t* error) noexcept;
  void* make_room(std::size_t bytes, sampan_error_t* error) noexcept;
  [[nodiscard]] bool wait_for_count(std::uint64_t target, std::uint64_t deadline_ns) noexcept;
  void ask_to_wake_at(std::uint64_t target) noexcept;

  void lead() noexcept;
  void help_until(std::uint64_t target) noexcept;
  void execute(Command& command) noexcept;
  void run_profiled(Command& command) noexcept;
  [[nodiscard]] bool take_baton() noexcept;
  void put_baton() noexcept;

  Device& device_;
  CommandQueue queue_;
  Thread leader_;
  ParkingSpot leader_spot_;

  // Of whoever holds the baton.
  alignas(64) std::atomic<bool> baton_taken_{false};
  std::atomic<bool> leader_absent_{false};  // whoever took the baton last was not the leader
  ProfileSink profile_;
  Worker worker_;

  // Waiters sleep until this many commands have completed; kNever if nobody does.
  alignas(64) std::atomic<std::uint64_t> wake_at_{kNever};
  ParkingSpot progress_;
  std::atomic<bool> stalled_{false};
  std::atomic<bool> stop_{false};

  std::atomic<bool> failed_{false};
  Failure failure_;  // constant once failed_ is set
};

extern const sampan_stream_table_t kStreamTable;
extern const sampan_profile_table_t kProfileTable;
extern const sampan_peer_table_t kPeerTable;

}  // namespace sampan::cpu

struct sampan_stream final : sampan::cpu::Stream {
  using Stream::Stream;
};
