#include "core/open_device.h"

#include <algorithm>
#include <utility>

#include "core/buffer.h"
#include "core/checked.h"
#include "core/device.h"
#include "core/error.h"
#include "core/stream.h"
#include "core/stream_directory.h"
#include "core/trace.h"

namespace sampan::core {
namespace {

// Small buffers share a block; larger ones get blocks of their own size, rounded. 32 MiB keeps
// driver allocations rare and wastes little on a device of a few GiB.
constexpr std::uint64_t kSmallBytes = 8ull << 20;
constexpr std::uint64_t kSharedBlockBytes = 32ull << 20;
constexpr std::uint64_t kLargeGranuleBytes = 2ull << 20;

std::uint64_t block_bytes_for(std::uint64_t size_bytes) {
  if (size_bytes <= kSmallBytes) return kSharedBlockBytes;
  const auto rounded = checked_align(size_bytes, kLargeGranuleBytes);
  return rounded ? *rounded : size_bytes;
}

}  // namespace

OpenDevice::KindPool::KindPool(MemoryKind kind_in)
    : kind(kind_in),
      pool([](const StreamPoint& point) { return StreamDirectory::completed(point); }) {}

OpenDevice::OpenDevice(const DeviceImpl& owner_in)
    : owner(owner_in), backend(owner.backend), info(owner.info), raw_info(owner.raw_info) {
  start_trace();
  ErrorRecord error;
  check(backend.device.open(owner.ordinal, &handle_, error.raw()), error, backend.name);
}

OpenDevice::~OpenDevice() {
  for (KindPool* kind : {&device_pool_, &host_pool_}) {
    for (const auto& [block, memory] : kind->memories) backend.memory.release(memory);
  }
  backend.device.close(handle_);
}

void OpenDevice::throw_retired() const {
  throw Error(ErrorCode::device_lost,
              info.id + " was reopened; this handle belongs to its earlier life, make a new one");
}

void OpenDevice::throw_out_of_memory(std::uint64_t size_bytes, const std::string& driver) const {
  ErrorRecord error;
  std::uint64_t free_bytes = 0, total_bytes = 0;
  backend.device.memory_info(handle_, &free_bytes, &total_bytes, error.raw());
  const std::lock_guard lock(mutex_);
  const std::uint64_t limit = budget_bytes_ != 0 ? budget_bytes_ : total_bytes;
  ErrorInfo out;
  out.code = ErrorCode::out_of_device_memory;
  out.backend = backend.name;
  out.retryable = true;
  out.message = info.id + " can't give " + std::to_string(size_bytes) +
                " bytes: " + std::to_string(free_bytes) + " are free, the limit is " +
                std::to_string(limit) + (budget_bytes_ != 0 ? " (budget)" : "") +
                ", this process holds " +
                std::to_string(device_pool_.pool.in_use_bytes() + host_pool_.pool.in_use_bytes()) +
                " in buffers; free some or ask for less" +
                (driver.empty() ? "" : " (driver: " + driver + ")");
  throw Error(std::move(out));
}

std::optional<PoolGrant> OpenDevice::take(KindPool& pool, std::uint64_t size_bytes,
                                          StreamImpl* stream) {
  const std::lock_guard lock(mutex_);
  auto grant = pool.pool.take(size_bytes, stream != nullptr ? stream->key() : 0, stream != nullptr);
  if (grant) {
    ++counters_.reuses;
    counters_.cross_stream_waits += grant->waits.size();
    counters_.peak_in_use_bytes =
        std::max(counters_.peak_in_use_bytes,
                 device_pool_.pool.in_use_bytes() + host_pool_.pool.in_use_bytes());
  }
  return grant;
}

bool OpenDevice::grow(KindPool& pool, std::uint64_t size_bytes, std::string& driver_message) {
  const std::uint64_t roomy = block_bytes_for(size_bytes);
  const auto exact = checked_align(size_bytes, Pool::kAlignmentBytes);
  if (!exact) return false;
  // The whole block first; where that much isn't left, what was asked for.
  for (const std::uint64_t bytes : {roomy, *exact}) {
    {
      const std::lock_guard lock(mutex_);
      const std::uint64_t reserved =
          device_pool_.pool.reserved_bytes() + host_pool_.pool.reserved_bytes();
      if (budget_bytes_ != 0 && (reserved > budget_bytes_ || bytes > budget_bytes_ - reserved)) {
        continue;
      }
    }
    ErrorRecord error;
    sampan_memory_t* memory = nullptr;
    const auto code = backend.memory.allocate(handle_, static_cast<std::uint32_t>(pool.kind), bytes,
                                              &memory, error.raw());
    if (code == SAMPAN_OK) {
      const std::lock_guard lock(mutex_);
      pool.memories.emplace(pool.pool.add_block(bytes), memory);
      ++counters_.driver_allocations;
      return true;
    }
    if (code != SAMPAN_OUT_OF_DEVICE_MEMORY && code != SAMPAN_OUT_OF_HOST_MEMORY) {
      throw_error(code, error.get(), backend.name);
    }
    driver_message = to_info(code, error.get(), backend.name).message;
  }
  return false;
}

std::unique_ptr<BufferImpl> OpenDevice::allocate(std::uint64_t size_bytes, MemoryKind kind,
                                                 StreamImpl* stream) {
  require_current();
  if (size_bytes == 0) {
    return std::make_unique<BufferImpl>(shared_from_this(), kind, nullptr, PoolGrant{}, 0);
  }
  KindPool& pool = pool_of(kind);
  std::string driver_message;
  auto grant = take(pool, size_bytes, stream);
  bool trimmed = false;
  while (!grant) {
    if (!grow(pool, size_bytes, driver_message)) {
      if (trimmed) throw_out_of_memory(size_bytes, driver_message);
      trim();
      trimmed = true;
    }
    grant = take(pool, size_bytes, stream);
  }
  sampan_memory_t* memory = nullptr;
  {
    const std::lock_guard lock(mutex_);
    ++counters_.allocations;
    memory = pool.memories.at(grant->block);
  }
  auto buffer = std::make_unique<BufferImpl>(shared_from_this(), kind, memory, *grant, size_bytes);
  if (stream != nullptr) {
    // The stream inherits the waits, so a later owner has to wait for the stream.
    buffer->note_use(stream->key());
    for (const StreamPoint& point : grant->waits) StreamDirectory::wait_on_stream(point, *stream);
  }
  return buffer;
}

void OpenDevice::give_back(MemoryKind kind, const PoolGrant& grant,
                           std::vector<StreamPoint> points) noexcept {
  const std::lock_guard lock(mutex_);
  pool_of(kind).pool.give_back(grant.block, grant.offset_bytes, std::move(points));
}

PoolStats OpenDevice::stats() const {
  const std::lock_guard lock(mutex_);
  PoolStats stats = counters_;
  stats.in_use_bytes = device_pool_.pool.in_use_bytes() + host_pool_.pool.in_use_bytes();
  stats.reserved_bytes = device_pool_.pool.reserved_bytes() + host_pool_.pool.reserved_bytes();
  stats.budget_bytes = budget_bytes_;
  stats.reuses = counters_.reuses - std::min(counters_.reuses, counters_.driver_allocations);
  return stats;
}

void OpenDevice::set_budget(std::uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  budget_bytes_ = bytes;
}

std::uint64_t OpenDevice::trim_kind(KindPool& kind) {
  std::vector<Pool::IdleBlock> idle;
  {
    const std::lock_guard lock(mutex_);
    idle = kind.pool.idle_blocks();
  }
  // Work that may still use the blocks ends first, outside of the lock.
  for (const Pool::IdleBlock& block : idle) {
    for (const StreamPoint& point : block.points) StreamDirectory::wait_on_host(point);
  }
  std::uint64_t freed = 0;
  std::vector<sampan_memory_t*> released;
  {
    const std::lock_guard lock(mutex_);
    for (const Pool::IdleBlock& block : kind.pool.idle_blocks()) {
      const bool done =
          std::all_of(block.points.begin(), block.points.end(),
                      [](const auto& point) { return StreamDirectory::completed(point); });
      if (!done) continue;
      const auto memory = kind.memories.find(block.block);
      released.push_back(memory->second);
      kind.memories.erase(memory);
      kind.pool.remove_block(block.block);
      freed += block.size_bytes;
    }
  }
  for (sampan_memory_t* memory : released) backend.memory.release(memory);
  return freed;
}

std::uint64_t OpenDevice::trim() { return trim_kind(device_pool_) + trim_kind(host_pool_); }

}  // namespace sampan::core
