// The queue between a stream's caller and whoever runs the stream's work.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace sampan::cpu {

class Stream;
struct Command;

/// What a command does. One constant object per kind of command.
struct CommandType {
  /// Does the work, on the leader thread or on a thread that waits for the stream.
  void (*run)(Stream& stream, Command& command);
  /// Called instead of `run` once the stream has failed: gives back what the command holds. May be
  /// null.
  void (*drop)(Stream& stream, Command& command);
  /// SAMPAN_NODE_* for the profile; 0 for what isn't work.
  std::uint32_t node_kind;
  /// Must run on the leader, as it may block or runs the caller's code.
  bool leader_only;
};

/// The head of every command; the rest of the record follows it. Commands are plain data: no
/// destructor is run.
struct Command {
  const CommandType* type;
  std::uint64_t sequence;
  std::uint32_t record_bytes;
  std::uint32_t reserved;
};

/// Variable-length records in a ring of segments, one producer, one consumer at a time.
///
/// Rule when full: up to kSegments segments are taken from memory set aside at creation; past that
/// the producer is told that there is no room and decides between waiting for the consumer and
/// growing the ring. A record's address stays the same until it is popped.
class CommandQueue {
 public:
  static constexpr std::size_t kSegmentBytes = 32u << 10;
  static constexpr std::size_t kSegments = 8;
  static constexpr std::size_t kRecordAlignment = 64;
  static constexpr std::size_t kMaxRecordBytes = 16u << 10;

  /// Throws std::bad_alloc.
  CommandQueue();
  CommandQueue(const CommandQueue&) = delete;
  CommandQueue& operator=(const CommandQueue&) = delete;

  /// Producer: room for a record of `bytes` (at most kMaxRecordBytes), or null when the ring is
  /// full; `completed()` must then exceed `room_after()` before it is worth asking again.
  [[nodiscard]] void* reserve(std::size_t bytes) noexcept;
  [[nodiscard]] std::uint64_t room_after() const noexcept { return producer_->next->end_count; }
  /// Producer: enlarges the full ring by one segment; false when out of memory.
  [[nodiscard]] bool grow() noexcept;
  /// Producer: publishes the record reserved last.
  void publish() noexcept;

  /// Consumer: the oldest record, or null.
  [[nodiscard]] Command* front() noexcept;
  /// Consumer: ends the front record. Returns the new number of completed records.
  std::uint64_t pop(const Command& command) noexcept;

  /// Records published and completed since creation. Any thread.
  [[nodiscard]] std::uint64_t submitted() const noexcept {
    return submitted_.load(std::memory_order_seq_cst);
  }
  [[nodiscard]] std::uint64_t completed() const noexcept {
    return completed_.load(std::memory_order_seq_cst);
  }
  [[nodiscard]] bool pending() const noexcept { return submitted() != completed(); }

 private:
  struct Segment {
    Segment* next = nullptr;      // the circle; changed by the producer alone
    std::uint64_t end_count = 0;  // records published when the producer left it; 0: never used
    alignas(kRecordAlignment) std::byte records[kSegmentBytes];
  };

  [[nodiscard]] bool is_free(const Segment& segment) const noexcept;
  void append(Segment* segment) noexcept;
  void move_to_next() noexcept;

  // Producer's part.
  Segment* producer_ = nullptr;
  std::size_t producer_bytes_ = 0;  // used of the producer's segment
  std::size_t reserved_bytes_ = 0;
  std::uint64_t published_ = 0;
  std::size_t segments_used_ = 0;  // of `segments_`
  std::unique_ptr<Segment[]> segments_;
  std::vector<std::unique_ptr<Segment>> grown_;

  // Consumer's part.
  alignas(64) Segment* consumer_ = nullptr;
  std::size_t consumer_bytes_ = 0;

  alignas(64) std::atomic<std::uint64_t> submitted_{0};
  alignas(64) std::atomic<std::uint64_t> completed_{0};
};

}  // namespace sampan::cpu
