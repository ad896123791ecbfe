#include "backends/cpu/command_queue.h"

#include <new>

namespace sampan::cpu {
namespace {

constexpr std::size_t round_up(std::size_t bytes, std::size_t multiple) {
  return (bytes + multiple - 1) / multiple * multiple;
}

}  // namespace

CommandQueue::CommandQueue() : segments_(new Segment[kSegments]) {
  // Two segments do while the consumer keeps up: the ring then stays in the cache.
  segments_used_ = 2;
  segments_[0].next = &segments_[1];
  segments_[1].next = &segments_[0];
  producer_ = consumer_ = &segments_[0];
}

// The consumer has left a segment when it has completed a record beyond it.
bool CommandQueue::is_free(const Segment& segment) const noexcept {
  return segment.end_count == 0 || completed() > segment.end_count;
}

void CommandQueue::append(Segment* segment) noexcept {
  segment->next = producer_->next;
  producer_->next = segment;
}

void CommandQueue::move_to_next() noexcept {
  if (producer_bytes_ < kSegmentBytes) {
    new (producer_->records + producer_bytes_) Command{};  // type null: the segment ends here
  }
  producer_->end_count = published_;
  producer_ = producer_->next;
  producer_bytes_ = 0;
}

void* CommandQueue::reserve(std::size_t bytes) noexcept {
  reserved_bytes_ = round_up(bytes, kRecordAlignment);
  if (reserved_bytes_ > kSegmentBytes - producer_bytes_) {
    if (!is_free(*producer_->next)) {
      if (segments_used_ == kSegments) return nullptr;
      append(&segments_[segments_used_++]);
    }
    move_to_next();
  }
  return producer_->records + producer_bytes_;
}

bool CommandQueue::grow() noexcept {
  try {
    grown_.push_back(std::make_unique<Segment>());
  } catch (const std::bad_alloc&) {
    return false;
  }
  append(grown_.back().get());
  return true;
}

void CommandQueue::publish() noexcept {
  auto* command = reinterpret_cast<Command*>(producer_->records + producer_bytes_);
  command->record_bytes = static_cast<std::uint32_t>(reserved_bytes_);
  producer_bytes_ += reserved_bytes_;
  submitted_.store(++published_, std::memory_order_seq_cst);
}

Command* CommandQueue::front() noexcept {
  if (!pending()) return nullptr;
  auto* command = reinterpret_cast<Command*>(consumer_->records + consumer_bytes_);
  if (consumer_bytes_ == kSegmentBytes || command->type == nullptr) {
    consumer_ = consumer_->next;
    consumer_bytes_ = 0;
    command = reinterpret_cast<Command*>(consumer_->records);
  }
  return command;
}

std::uint64_t CommandQueue::pop(const Command& command) noexcept {
  consumer_bytes_ += command.record_bytes;
  const std::uint64_t count = completed_.load(std::memory_order_relaxed) + 1;
  completed_.store(count, std::memory_order_seq_cst);
  return count;
}

}  // namespace sampan::cpu
