#include "backends/level_zero/memory.h"

#include <memory>
#include <string>

namespace sampan::level_zero {
namespace {

std::string allocating(std::uint64_t size_bytes, const char* of) {
  return "Allocating " + std::to_string(size_bytes) + " bytes of " + of + " memory";
}

sampan_code_t allocate(sampan_device_t* device, std::uint32_t kind, std::uint64_t size_bytes,
                       sampan_memory_t** out, sampan_error_t* error) {
  return guarded(*device, error, [&] {
    *out = std::make_unique<sampan_memory>(*device, size_bytes, Memory::Allocate{kind}).release();
  });
}

sampan_code_t register_host(sampan_device_t* device, void* pointer, std::uint64_t size_bytes,
                            sampan_memory_t** out, sampan_error_t* error) {
  return guarded(*device, error, [&] {
    *out =
        std::make_unique<sampan_memory>(*device, size_bytes, Memory::Register{pointer}).release();
  });
}

sampan_code_t wrap(sampan_device_t* device, void* native, std::uint64_t size_bytes,
                   sampan_memory_t** out, sampan_error_t* error) {
  return guarded(*device, error, [&] {
    *out = std::make_unique<sampan_memory>(*device, size_bytes, Memory::Wrap{native}).release();
  });
}

void release(sampan_memory_t* memory) { delete memory; }

sampan_code_t host_address(sampan_memory_t* memory, void** out, sampan_error_t* error) {
  return common::guarded(error, [&] {
    if (!memory->on_host()) {
      throw Failure(SAMPAN_UNSUPPORTED,
                    "The host can't reach this memory; copy it to host memory instead");
    }
    *out = memory->address();
  });
}

sampan_code_t native(sampan_memory_t* memory, void** out, sampan_error_t* error) {
  return common::guarded(error, [&] { *out = memory->address(); });
}

}  // namespace

const sampan_memory_table_t kMemoryTable = {
    .size = sizeof(sampan_memory_table_t),
    .reserved = 0,
    .allocate = allocate,
    .register_host = register_host,
    .wrap = wrap,
    .release = release,
    .host_address = host_address,
    .native = native,
};

Memory::Memory(Device& device, std::uint64_t size_bytes, Allocate how) : device_(device) {
  on_host_ = how.kind == SAMPAN_MEMORY_HOST;
  if (on_host_) {
    const ze::HostMemDesc desc;
    check(api().mem_alloc_host(device.context(), &desc, size_bytes, kAlignmentBytes, &address_),
          "zeMemAllocHost", During::kAllocation, allocating(size_bytes, "pinned host"));
  } else {
    const ze::DeviceMemDesc desc;
    check(api().mem_alloc_device(device.context(), &desc, size_bytes, kAlignmentBytes, device.id(),
                                 &address_),
          "zeMemAllocDevice", During::kAllocation, allocating(size_bytes, "device"));
    counted_bytes_ = size_bytes;
    device_.allocated_bytes.fetch_add(counted_bytes_, std::memory_order_relaxed);
  }
  owner_ = Owner::kAllocated;
}

Memory::Memory(Device& device, std::uint64_t size_bytes, Register how)
    : device_(device), address_(how.pointer), on_host_(true) {
  if (device.facts().reaches_system_memory) return;
  const ImportApi& import = device.facts().import;
  if (import.import_pointer == nullptr) {
    throw Failure(SAMPAN_UNSUPPORTED,
                  "This driver can't register host memory; allocate pinned memory instead");
  }
  check(import.import_pointer(device.facts().driver, how.pointer, size_bytes),
        "zexDriverImportExternalPointer", During::kAllocation, "Registering host memory");
  owner_ = Owner::kImported;
}

Memory::Memory(Device& device, std::uint64_t, Wrap how) : device_(device), address_(how.native) {}

Memory::~Memory() {
  device_.allocated_bytes.fetch_sub(counted_bytes_, std::memory_order_relaxed);
  if (owner_ == Owner::kAllocated) (void)api().mem_free(device_.context(), address_);
  if (owner_ == Owner::kImported) {
    (void)device_.facts().import.release_pointer(device_.facts().driver, address_);
  }
}

}  // namespace sampan::level_zero
