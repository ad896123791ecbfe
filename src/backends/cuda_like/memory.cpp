#include "backends/cuda_like/memory.h"

#include <memory>
#include <string>

#include "backends/cuda_like/host_copy.h"

namespace sampan::cuda_like {
namespace {

std::string allocating(std::uint64_t size_bytes, const char* of) {
  return "Allocating " + std::to_string(size_bytes) + " bytes of " + of + " memory";
}

// Pinned memory is the host's, and the driver has one code for both.
Failure of_host(Failure failure) {
  if (failure.code == SAMPAN_OUT_OF_DEVICE_MEMORY) {
    failure.code = SAMPAN_OUT_OF_HOST_MEMORY;
    failure.message += " (pinned memory is the host's)";
  }
  return failure;
}

sampan_code_t allocate(sampan_device_t* device, std::uint32_t kind, std::uint64_t size_bytes,
                       sampan_memory_t** out, sampan_error_t* error) {
  return guarded(*device->context(), error, [&] {
    *out = std::make_unique<sampan_memory>(*device, size_bytes, Memory::Allocate{kind}).release();
  });
}

sampan_code_t register_host(sampan_device_t* device, void* pointer, std::uint64_t size_bytes,
                            sampan_memory_t** out, sampan_error_t* error) {
  return guarded(*device->context(), error, [&] {
    *out =
        std::make_unique<sampan_memory>(*device, size_bytes, Memory::Register{pointer}).release();
  });
}

sampan_code_t wrap(sampan_device_t* device, void* native, std::uint64_t size_bytes,
                   sampan_memory_t** out, sampan_error_t* error) {
  return guarded(*device->context(), error, [&] {
    *out = std::make_unique<sampan_memory>(*device, size_bytes, Memory::Wrap{native}).release();
  });
}

void release(sampan_memory_t* memory) { dispose(memory); }

sampan_code_t host_address(sampan_memory_t* memory, void** out, sampan_error_t* error) {
  return guarded(error, [&] {
    if (memory->host() == nullptr) {
      throw Failure(SAMPAN_UNSUPPORTED,
                    "The host can't reach this memory; copy it to host memory instead");
    }
    *out = memory->host();
  });
}

sampan_code_t native(sampan_memory_t* memory, void** out, sampan_error_t* error) {
  return guarded(error, [&] { *out = reinterpret_cast<void*>(memory->address()); });
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
  if (how.kind != SAMPAN_MEMORY_HOST) {
    check(api().allocate, During::kAllocation, allocating(size_bytes, "device"), &address_,
          static_cast<std::size_t>(size_bytes));
    owner_ = Owner::kDevice;
    return;
  }
  const std::string doing = allocating(size_bytes, "pinned host");
  const Result code = api().host_allocate(&host_, size_bytes, kHostPortable | kHostMapped);
  if (code != kSuccess) {
    throw of_host(failure_of(code, api().host_allocate.symbol, During::kAllocation, doing));
  }
  const Result mapped = api().host_device_address(&address_, host_, 0);
  if (mapped != kSuccess) {
    (void)api().host_free(host_);
    throw failure_of(mapped, api().host_device_address.symbol, During::kAllocation, doing);
  }
  keep_pinned(Owner::kHost, size_bytes);
}

Memory::Memory(Device& device, std::uint64_t size_bytes, Register how)
    : device_(device), host_(how.pointer) {
  constexpr const char* kDoing = "Registering host memory";
  const Result code = api().host_register(host_, size_bytes, kHostPortable | kHostMapped);
  if (code != kSuccess) {
    throw of_host(failure_of(code, api().host_register.symbol, During::kAllocation, kDoing));
  }
  const Result mapped = api().host_device_address(&address_, host_, 0);
  if (mapped != kSuccess) {
    (void)api().host_unregister(host_);
    throw failure_of(mapped, api().host_device_address.symbol, During::kAllocation, kDoing);
  }
  keep_pinned(Owner::kRegistered, size_bytes);
}

Memory::Memory(Device& device, std::uint64_t, Wrap how)
    : device_(device), address_(reinterpret_cast<Address>(how.native)) {}

void Memory::keep_pinned(Owner owner, std::uint64_t size_bytes) {
  owner_ = owner;
  try {
    add_pinned(host_, size_bytes);
  } catch (...) {
    release();
    throw;
  }
}

void Memory::release() noexcept {
  if (owner_ == Owner::kDevice) (void)api().free(address_);
  if (owner_ == Owner::kHost) (void)api().host_free(host_);
  if (owner_ == Owner::kRegistered) (void)api().host_unregister(host_);
}

Memory::~Memory() {
  if (owner_ == Owner::kNobody) return;
  if (owner_ != Owner::kDevice) remove_pinned(host_);
  quietly(*device_.context(), [this] { release(); });
}

}  // namespace sampan::cuda_like
