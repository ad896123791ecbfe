#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "mock.h"

namespace mock {
namespace {

using Table = sampan_memory_table_t;

// Fresh memory holds no zeros that a test could take for its result. The first bytes do: filling
// tens of MiB at each allocation would be most of the tests' time.
constexpr std::uint64_t kGarbageBytes = 64 << 10;

sampan_code_t allocate(sampan_device_t* device, std::uint32_t kind, std::uint64_t size_bytes,
                       sampan_memory_t** out, sampan_error_t* error) {
  return call("memory.allocate", device, error, [&](auto&) -> sampan_code_t {
    const std::uint64_t total = memory_bytes_of(device->ordinal);
    const bool on_device = kind == SAMPAN_MEMORY_DEVICE;
    if (on_device && (size_bytes > total || device->used_bytes > total - size_bytes)) {
      return fail(error, SAMPAN_OUT_OF_DEVICE_MEMORY, "mock device %u has no %llu bytes left",
                  device->ordinal, static_cast<unsigned long long>(size_bytes));
    }
    void* host = nullptr;
    if (::posix_memalign(&host, kAlignmentBytes, size_bytes) != 0) throw std::bad_alloc();
    std::memset(host, 0xa5, std::min(size_bytes, kGarbageBytes));
    auto* memory = make_child<sampan_memory_t>(SAMPAN_MOCK_LIVE_MEMORIES, device);
    memory->kind = kind;
    memory->host = static_cast<std::byte*>(host);
    memory->size_bytes = size_bytes;
    if (on_device) device->used_bytes += size_bytes;
    *out = memory;
    return SAMPAN_OK;
  });
}

sampan_code_t adopt(const char* name, sampan_device_t* device, std::uint32_t kind, void* pointer,
                    std::uint64_t size_bytes, sampan_memory_t** out, sampan_error_t* error) {
  return call(name, device, error, [&](auto&) {
    auto* memory = make_child<sampan_memory_t>(SAMPAN_MOCK_LIVE_MEMORIES, device);
    memory->kind = kind;
    memory->host = static_cast<std::byte*>(pointer);
    memory->size_bytes = size_bytes;
    memory->is_foreign = true;
    *out = memory;
    return SAMPAN_OK;
  });
}

sampan_code_t register_host(sampan_device_t* device, void* pointer, std::uint64_t size_bytes,
                            sampan_memory_t** out, sampan_error_t* error) {
  return adopt("memory.register_host", device, SAMPAN_MEMORY_HOST, pointer, size_bytes, out, error);
}

sampan_code_t wrap(sampan_device_t* device, void* pointer, std::uint64_t size_bytes,
                   sampan_memory_t** out, sampan_error_t* error) {
  return adopt("memory.wrap", device, SAMPAN_MEMORY_DEVICE, pointer, size_bytes, out, error);
}

void release(sampan_memory_t* memory) {
  std::unique_lock lock(state().mutex);
  // A lost device can't say when its work ended; else the host must have waited.
  if (memory->in_flight != 0 && !memory->device->is_lost) {
    violation("memory.release while work uses the memory");
  }
  state().changed.wait(lock, [&] { return memory->in_flight == 0; });
  if (!memory->is_foreign) {
    if (memory->kind == SAMPAN_MEMORY_DEVICE) memory->device->used_bytes -= memory->size_bytes;
    std::free(memory->host);
  }
  drop_child(SAMPAN_MOCK_LIVE_MEMORIES, memory);
}

sampan_code_t host_address(sampan_memory_t* memory, void** out, sampan_error_t* error) {
  return call("memory.host_address", memory->device, error, [&](auto&) -> sampan_code_t {
    if (memory->kind != SAMPAN_MEMORY_HOST && !state().host_access) {
      return fail(error, SAMPAN_UNSUPPORTED, "the host doesn't reach the mock's device memory");
    }
    *out = memory->host;
    return SAMPAN_OK;
  });
}

sampan_code_t native(sampan_memory_t* memory, void** out, sampan_error_t* error) {
  return call("memory.native", memory->device, error, [&](auto&) {
    *out = memory->host;
    return SAMPAN_OK;
  });
}

}  // namespace

std::byte* bytes_of(const sampan_region_t& region, std::uint64_t size_bytes,
                    const sampan_device_t* device) {
  const sampan_memory_t& memory = *region.memory;
  if (region.offset_bytes > memory.size_bytes ||
      size_bytes > memory.size_bytes - region.offset_bytes) {
    violation("a region leaves its memory");
  }
  if (device != nullptr && memory.device != device) violation("a region of another device");
  if (size_bytes == 0) violation("a region of 0 bytes");
  return memory.host + region.offset_bytes;
}

void repeat_pattern(std::byte* to, std::uint64_t size_bytes, const void* pattern,
                    std::uint32_t pattern_bytes) {
  for (std::uint64_t at = 0; at < size_bytes; at += pattern_bytes) {
    std::memcpy(to + at, pattern, pattern_bytes);
  }
}

const Table kMemoryTable = {sizeof(Table), 0,       allocate,     register_host,
                            wrap,          release, host_address, native};

}  // namespace mock
