#include "backends/level_zero/event_pool.h"

#include <algorithm>

#include "backends/level_zero/error.h"

namespace sampan::level_zero {
namespace {

constexpr const char* kMaking = "Making an event";

}  // namespace

EventPool::~EventPool() {
  for (Block& block : blocks_) destroy(block);
}

EventPool::Slot EventPool::take() {
  const std::lock_guard lock(mutex_);
  recycle_signalled();
  Block& block = block_with_room();
  if (block.free.empty()) {
    ze::EventDesc desc;
    desc.index = static_cast<std::uint32_t>(block.all.size());
    desc.signal = desc.wait = ze::kScopeHost;
    ze::Event event = nullptr;
    block.all.reserve(kBlockEvents);
    block.free.reserve(kBlockEvents);
    check(api().event_create(block.pool, &desc, &event), "zeEventCreate", During::kAllocation,
          kMaking);
    block.all.push_back(event);
    return {event, &block};
  }
  const Slot slot{block.free.back(), &block};
  block.free.pop_back();
  return slot;
}

void EventPool::give(Slot slot) noexcept {
  const std::lock_guard lock(mutex_);
  try {
    pending_.push_back(slot);
    recycle_signalled();
    drop_spare_blocks();
  } catch (const std::exception&) {
    // It is destroyed with the pool.
  }
}

EventPool::Block& EventPool::block_with_room() {
  const auto room = std::ranges::find_if(blocks_, [](const Block& block) {
    return !block.free.empty() || block.all.size() < kBlockEvents;
  });
  if (room != blocks_.end()) return *room;
  add_block();
  return blocks_.back();
}

void EventPool::add_block() {
  ze::EventPoolDesc desc;
  desc.flags = ze::kEventPoolHostVisible | ze::kEventPoolKernelTimestamp;
  desc.count = kBlockEvents;
  Block block;
  check(api().event_pool_create(context_, &desc, 0, nullptr, &block.pool), "zeEventPoolCreate",
        During::kAllocation, kMaking);
  try {
    blocks_.push_back(std::move(block));
  } catch (...) {
    (void)api().event_pool_destroy(block.pool);
    throw;
  }
}

// A few at a time: a long list of pending events must not make each call slow.
void EventPool::recycle_signalled() {
  constexpr std::size_t kLooks = 8;
  for (std::size_t looks = std::min(kLooks, pending_.size()); looks > 0; --looks) {
    const Slot slot = pending_.front();
    pending_.pop_front();
    const bool idle = api().event_query_status(slot.event) == ze::kSuccess &&
                      api().event_host_reset(slot.event) == ze::kSuccess;
    if (idle) {
      slot.block->free.push_back(slot.event);
    } else {
      pending_.push_back(slot);
    }
  }
}

void EventPool::drop_spare_blocks() {
  std::size_t spare = 0;
  for (auto it = blocks_.begin(); it != blocks_.end();) {
    const bool unused = it->free.size() == it->all.size();
    if (unused && ++spare > kSpareBlocks) {
      destroy(*it);
      it = blocks_.erase(it);
    } else {
      ++it;
    }
  }
}

void EventPool::destroy(Block& block) {
  for (ze::Event event : block.all) (void)api().event_destroy(event);
  (void)api().event_pool_destroy(block.pool);
}

}  // namespace sampan::level_zero
