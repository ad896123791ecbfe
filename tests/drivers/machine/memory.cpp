#include "memory.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <string>

#include "context.h"
#include "control.h"
#include "module.h"

namespace sampan::emulator {
namespace {

constexpr std::byte kFresh{0xCD}, kFreed{0xDD}, kFence{0xFE};
constexpr std::size_t kAlignment = 256;
constexpr std::size_t kPoisonedAtEachEnd = std::size_t{8} << 20;
constexpr std::size_t kQuarantined = 64;
// Inaccessible before and after a block: only addresses, so it may be large.
constexpr std::size_t kGapBytes = std::size_t{16} << 20;

std::size_t page_bytes() {
  static const auto bytes = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  return bytes;
}

std::size_t rounded_up(std::size_t bytes, std::size_t unit) {
  return (bytes + unit - 1) / unit * unit;
}

}  // namespace

GuardedPages::GuardedPages(std::size_t bytes) : bytes_(bytes) {
  const std::size_t inside = rounded_up(rounded_up(bytes, kAlignment), page_bytes());
  mapping_bytes_ = inside + 2 * kGapBytes;
  void* mapping =
      mmap(nullptr, mapping_bytes_, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (mapping == MAP_FAILED) refuse(Status::out_of_memory);
  mapping_ = static_cast<std::byte*>(mapping);
  if (mprotect(mapping_ + kGapBytes, inside, PROT_READ | PROT_WRITE) != 0) {
    munmap(mapping_, mapping_bytes_);
    refuse(Status::out_of_memory);
  }
  data_ = mapping_ + kGapBytes + inside - rounded_up(bytes, kAlignment);
  std::fill(mapping_ + kGapBytes, data_, kFence);
  std::fill(data_ + bytes_, mapping_ + kGapBytes + inside, kFence);
}

GuardedPages::~GuardedPages() { munmap(mapping_, mapping_bytes_); }

bool GuardedPages::intact() const {
  const auto is_fence = [](std::byte b) { return b == kFence; };
  const std::byte* const end = mapping_ + mapping_bytes_ - kGapBytes;
  return std::all_of(mapping_ + kGapBytes, data_, is_fence) &&
         std::all_of(static_cast<const std::byte*>(data_ + bytes_), end, is_fence);
}

void GuardedPages::poison(std::byte pattern) {
  const std::size_t head = std::min(bytes_, kPoisonedAtEachEnd);
  const std::size_t tail = std::min(bytes_ - head, kPoisonedAtEachEnd);
  std::fill_n(data_, head, pattern);
  std::fill_n(data_ + bytes_ - tail, tail, pattern);
}

void GuardedPages::retire() {
  mmap(mapping_, mapping_bytes_, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED,
       -1, 0);
}

std::uint64_t AddressSpace::allocate(Context& context, std::size_t bytes) {
  require(bytes != 0, Status::invalid_value);
  const int device = context.device().index();
  const std::uint64_t limit = std::min<std::uint64_t>(context.device().properties().memory_bytes,
                                                      Control::of_library().memory_limit());
  {
    std::unique_lock lock(mutex_);
    std::uint64_t& used = used_bytes_[device];
    require(bytes <= limit && used <= limit - bytes, Status::out_of_memory);
    used += bytes;
  }
  std::shared_ptr<Block> block;
  try {
    block = std::make_shared<Block>(context, device, bytes);
  } catch (...) {
    std::unique_lock lock(mutex_);
    used_bytes_[device] -= bytes;
    throw;
  }
  block->pages.poison(kFresh);
  Control::of_library().add_live(Kind::memory, 1);
  Control::of_library().add_used_bytes(static_cast<std::int64_t>(bytes));
  std::unique_lock lock(mutex_);
  blocks_.emplace(block->address(), block);
  return block->address();
}

Held AddressSpace::find(std::uint64_t address, std::size_t bytes) const {
  return find_block(address, bytes, false);
}

Held AddressSpace::find_for_run(std::uint64_t address, std::size_t bytes) const {
  return find_block(address, bytes, true);
}

Held AddressSpace::find_block(std::uint64_t address, std::size_t bytes, bool freeing_too) const {
  std::shared_lock lock(mutex_);
  auto it = blocks_.upper_bound(address);
  if (it != blocks_.begin()) {
    --it;
    const std::shared_ptr<Block>& block = it->second;
    const std::uint64_t offset = address - it->first;
    const bool inside = offset <= block->bytes && bytes <= block->bytes - offset;
    if (inside && (freeing_too || !block->freeing)) return {block, block->context, block->device};
  }
  return find_global(address, bytes);
}

Held AddressSpace::find_global(std::uint64_t address, std::size_t bytes) const {
  auto it = globals_.upper_bound(address);
  if (it == globals_.begin()) return {};
  --it;
  const std::shared_ptr<Module> module = it->second.module.lock();
  const std::uint64_t offset = address - it->first;
  const bool inside = offset < it->second.bytes && bytes <= it->second.bytes - offset;
  if (module == nullptr || !inside) return {};
  return {module, &module->context(), module->context().device().index()};
}

void AddressSpace::add_global(const std::shared_ptr<Module>& module, std::uint64_t address,
                              std::size_t bytes) {
  std::unique_lock lock(mutex_);
  std::erase_if(globals_, [](const auto& entry) { return entry.second.module.expired(); });
  globals_[address] = {module, bytes};
}

std::shared_ptr<Block> AddressSpace::start_free(std::uint64_t address) {
  std::unique_lock lock(mutex_);
  const auto it = blocks_.find(address);
  require(it != blocks_.end() && !it->second->freeing, Status::invalid_value);
  it->second->freeing = true;
  return it->second;
}

void AddressSpace::forget(const std::shared_ptr<Block>& block) {
  Control& control = Control::of_library();
  if (!block->pages.intact()) {
    control.report("something wrote just outside a block of " + std::to_string(block->bytes) +
                   " bytes of device memory");
  }
  block->pages.poison(kFreed);
  block->pages.retire();
  control.add_live(Kind::memory, -1);
  control.add_used_bytes(-static_cast<std::int64_t>(block->bytes));
  used_bytes_[block->device] -= block->bytes;
  quarantine_.push_back(block);
  if (quarantine_.size() > kQuarantined) quarantine_.pop_front();
}

void AddressSpace::finish_free(const std::shared_ptr<Block>& block) {
  std::unique_lock lock(mutex_);
  if (blocks_.erase(block->address()) != 0) forget(block);
}

std::uint64_t AddressSpace::used_bytes(int device) const {
  std::shared_lock lock(mutex_);
  const auto it = used_bytes_.find(device);
  return it == used_bytes_.end() ? 0 : it->second;
}

void* AddressSpace::allocate_host(Context& context, std::size_t bytes) {
  require(bytes != 0, Status::invalid_value);
  void* pointer = std::aligned_alloc(page_bytes(), rounded_up(bytes, page_bytes()));
  require(pointer != nullptr, Status::out_of_memory);
  std::memset(pointer, std::to_integer<int>(kFresh), std::min(bytes, kPoisonedAtEachEnd));
  Control::of_library().add_live(Kind::host, 1);
  std::unique_lock lock(mutex_);
  host_.emplace(address_of(pointer), HostRange{&context, bytes, false});
  return pointer;
}

void AddressSpace::free_host(void* pointer) {
  std::unique_lock lock(mutex_);
  const auto it = host_.find(address_of(pointer));
  require(it != host_.end() && !it->second.registered, Status::invalid_value);
  host_.erase(it);
  Control::of_library().add_live(Kind::host, -1);
  std::free(pointer);
}

void AddressSpace::register_host(Context& context, void* pointer, std::size_t bytes) {
  require(pointer != nullptr && bytes != 0, Status::invalid_value);
  const std::uint64_t begin = address_of(pointer);
  std::unique_lock lock(mutex_);
  const auto next = host_.lower_bound(begin);
  require(next == host_.end() || next->first >= begin + bytes, Status::host_already_registered);
  if (next != host_.begin()) {
    const auto& [before, range] = *std::prev(next);
    require(before + range.bytes <= begin, Status::host_already_registered);
  }
  host_.emplace(begin, HostRange{&context, bytes, true});
  Control::of_library().add_live(Kind::registration, 1);
}

void AddressSpace::unregister_host(void* pointer) {
  std::unique_lock lock(mutex_);
  const auto it = host_.find(address_of(pointer));
  require(it != host_.end() && it->second.registered, Status::host_not_registered);
  host_.erase(it);
  Control::of_library().add_live(Kind::registration, -1);
}

bool AddressSpace::is_known_host(std::uint64_t address, std::size_t bytes) const {
  std::shared_lock lock(mutex_);
  auto it = host_.upper_bound(address);
  if (it == host_.begin()) return false;
  --it;
  const std::uint64_t offset = address - it->first;
  return offset < it->second.bytes && bytes <= it->second.bytes - offset;
}

void AddressSpace::release_all(const Context& context) {
  std::unique_lock lock(mutex_);
  for (auto it = blocks_.begin(); it != blocks_.end();) {
    if (it->second->context != &context) {
      ++it;
      continue;
    }
    it->second->freeing = true;
    forget(it->second);
    it = blocks_.erase(it);
  }
  for (auto it = host_.begin(); it != host_.end();) {
    if (it->second.context != &context) {
      ++it;
      continue;
    }
    Control::of_library().add_live(it->second.registered ? Kind::registration : Kind::host, -1);
    if (!it->second.registered) std::free(reinterpret_cast<void*>(it->first));
    it = host_.erase(it);
  }
}

}  // namespace sampan::emulator
