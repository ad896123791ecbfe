#pragma once

#include <cstdint>
#include <deque>
#include <list>
#include <mutex>
#include <vector>

#include "backends/level_zero/api.h"

namespace sampan::level_zero {

/// Events of one context, all of its devices', seen by the host and with timestamps. They come in
/// blocks from the driver's pools, are used again, and blocks that nobody uses go back, so that
/// neither a burst nor a long run keeps more than it needs. Free-threaded.
class EventPool {
 public:
  explicit EventPool(ze::Context context) : context_(context) {}
  EventPool(const EventPool&) = delete;
  EventPool& operator=(const EventPool&) = delete;
  ~EventPool();

  struct Block;
  struct Slot {
    ze::Event event = nullptr;
    Block* block = nullptr;
  };

  /// An event that isn't signalled. Throws Failure.
  [[nodiscard]] Slot take();
  /// No command waits for it any more. One that a command will still signal is kept aside until
  /// then.
  void give(Slot slot) noexcept;

 private:
  [[nodiscard]] Block& block_with_room();
  void add_block();
  void recycle_signalled();
  void drop_spare_blocks();
  void destroy(Block& block);

  static constexpr std::uint32_t kBlockEvents = 64;
  static constexpr std::size_t kSpareBlocks = 1;  // kept though nobody uses them

  const ze::Context context_;
  std::mutex mutex_;
  std::list<Block> blocks_;
  std::deque<Slot> pending_;  // given back before they were signalled
};

struct EventPool::Block {
  ze::EventPool pool = nullptr;
  std::vector<ze::Event> all, free;
};

}  // namespace sampan::level_zero
