#include "core/device.h"

#include <algorithm>
#include <cstdio>
#include <utility>

#include "core/buffer.h"
#include "core/error.h"
#include "core/event.h"
#include "core/module.h"
#include "core/open_device.h"
#include "core/registry.h"
#include "core/stream.h"
#include "core/validate/validate.h"

namespace sampan {
namespace core {
namespace {

// The physical device behind a driver's device: by PCI address, UUID, or, for devices that are the
// host's own processor, by that.
std::string identity_of(const sampan_device_info_t& raw, const std::string& id) {
  char text[64];
  if (raw.pci_known != 0) {
    std::snprintf(text, sizeof(text), "pci:%04x:%02x:%02x.%x", raw.pci_domain, raw.pci_bus,
                  raw.pci_device, raw.pci_function);
    return text;
  }
  if (raw.kind == SAMPAN_DEVICE_CPU && raw.emulated == 0) return "host-cpu";
  if (std::any_of(std::begin(raw.uuid), std::end(raw.uuid),
                  [](std::uint8_t b) { return b != 0; })) {
    std::string uuid = "uuid:";
    for (const std::uint8_t byte : raw.uuid) {
      std::snprintf(text, sizeof(text), "%02x", byte);
      uuid += text;
    }
    return uuid;
  }
  return id;
}

DeviceInfo describe(const Backend& backend, std::uint32_t ordinal,
                    const sampan_device_info_t& raw) {
  DeviceInfo info;
  info.id = backend.name + ":" + std::to_string(ordinal);
  info.backend = backend.name;
  info.name = raw.name;
  info.vendor = raw.vendor;
  info.driver = raw.driver;
  info.isa = raw.isa;
  info.identity = identity_of(raw, info.id);
  info.tile_class = raw.tile_class;
  info.kind = static_cast<DeviceKind>(raw.kind);
  info.emulated = raw.emulated != 0;
  info.host_access = (raw.features & SAMPAN_FEATURE_HOST_ACCESS) != 0;
  info.memory_bytes = raw.memory_bytes;
  info.max_allocation_bytes = raw.max_allocation_bytes;
  info.offset_alignment_bytes = std::max<std::uint64_t>(raw.offset_alignment_bytes, 1);
  info.local_memory_bytes = raw.local_memory_bytes;
  info.compute_units = raw.compute_units;
  info.subgroup_size = raw.subgroup_size;
  info.max_group_items = raw.max_group_items;
  std::copy_n(raw.max_group, 3, info.max_group.begin());
  std::copy_n(raw.max_grid, 3, info.max_grid.begin());
  const std::uint64_t capabilities = raw.capabilities & backend.capabilities;
  info.has_graphs = (capabilities & SAMPAN_CAP_GRAPH) != 0;
  info.has_ops = (capabilities & SAMPAN_CAP_OPS) != 0;
  return info;
}

}  // namespace

DeviceImpl::DeviceImpl(const Backend& backend_in, std::uint32_t ordinal_in,
                       const sampan_device_info_t& raw)
    : backend(backend_in),
      ordinal(ordinal_in),
      raw_info(raw),
      info(describe(backend_in, ordinal_in, raw)) {}

std::shared_ptr<OpenDevice> DeviceImpl::open() {
  const std::lock_guard lock(mutex_);
  if (!open_) open_ = std::make_shared<OpenDevice>(*this);
  return open_;
}

void DeviceImpl::reopen() {
  const std::lock_guard lock(mutex_);
  if (open_) open_->retire();
  open_ = nullptr;
  open_ = std::make_shared<OpenDevice>(*this);
}

Device device_of(const OpenDevice& device) {
  // The registry holds every DeviceImpl by shared_ptr and hands them out as such.
  return Device(const_cast<DeviceImpl&>(device.owner).shared_from_this());
}

}  // namespace core

namespace {

core::OpenDevice& opened(const std::shared_ptr<core::OpenDevice>& device) { return *device; }

Buffer foreign_buffer(const std::shared_ptr<core::OpenDevice>& device, MemoryKind kind,
                      sampan_memory_t* memory, std::uint64_t size_bytes) {
  return Buffer(std::make_unique<core::BufferImpl>(device, kind, memory, size_bytes,
                                                   std::function<void()>{}));
}

}  // namespace

Device::Device(std::shared_ptr<core::DeviceImpl> impl) noexcept : impl_(std::move(impl)) {}

const DeviceInfo& Device::info() const { return core::require(*this).info; }

std::vector<std::string> Device::also() const {
  const DeviceInfo& mine = info();
  std::vector<std::string> ids;
  for (const Device& other : core::Registry::instance().all_devices()) {
    if (other.info().identity == mine.identity && other.info().backend != mine.backend) {
      ids.push_back(other.id());
    }
  }
  return ids;
}

MemoryInfo Device::memory_info() const {
  const auto device = core::require(*this).open();
  MemoryInfo memory;
  core::ErrorRecord error;
  core::check(device->backend.device.memory_info(device->handle(), &memory.free_bytes,
                                                 &memory.total_bytes, error.raw()),
              error, device->backend.name);
  return memory;
}

Stream Device::create_stream(const StreamOptions& options) const {
  return Stream(core::StreamImpl::create(core::require(*this).open(), options));
}

Event Device::create_event(const EventOptions& options) const {
  return Event(std::make_shared<core::EventImpl>(
      core::require(*this).open(), options.timing ? std::uint32_t{SAMPAN_EVENT_TIMING} : 0u));
}

Buffer Device::allocate(std::uint64_t size_bytes, MemoryKind kind) const {
  core::check_allocation(size_bytes, info());
  return Buffer(opened(core::require(*this).open()).allocate(size_bytes, kind, nullptr));
}

Buffer Device::register_host(void* pointer, std::uint64_t size_bytes) const {
  if (pointer == nullptr || size_bytes == 0) {
    core::throw_invalid("register_host needs host memory of at least one byte");
  }
  const auto device = core::require(*this).open();
  core::ErrorRecord error;
  sampan_memory_t* memory = nullptr;
  core::check(device->backend.memory.register_host(device->handle(), pointer, size_bytes, &memory,
                                                   error.raw()),
              error, device->backend.name);
  return foreign_buffer(device, MemoryKind::host, memory, size_bytes);
}

Buffer Device::wrap(void* native, std::uint64_t size_bytes) const {
  if (native == nullptr || size_bytes == 0) {
    core::throw_invalid("wrap needs device memory of at least one byte");
  }
  const auto device = core::require(*this).open();
  core::ErrorRecord error;
  sampan_memory_t* memory = nullptr;
  core::check(
      device->backend.memory.wrap(device->handle(), native, size_bytes, &memory, error.raw()),
      error, device->backend.name);
  return foreign_buffer(device, MemoryKind::device, memory, size_bytes);
}

Module Device::load(const Code& code, const LoadOptions& options) const {
  return Module(std::make_shared<core::ModuleImpl>(core::require(*this).open(), code, options));
}

PoolStats Device::pool_stats() const { return core::require(*this).open()->stats(); }
void Device::set_memory_budget(std::uint64_t bytes) const {
  core::require(*this).open()->set_budget(bytes);
}
std::uint64_t Device::trim_pool() const { return core::require(*this).open()->trim(); }

Telemetry Device::telemetry() const {
  const auto device = core::require(*this).open();
  sampan_telemetry_t raw{};
  raw.size = sizeof(raw);
  core::ErrorRecord error;
  core::check(device->backend.telemetry.read(device->handle(), &raw, error.raw()), error,
              device->backend.name);
  Telemetry out;
  out.source = raw.source;
  out.has_power = (raw.valid & SAMPAN_TELEMETRY_POWER) != 0;
  out.has_energy = (raw.valid & SAMPAN_TELEMETRY_ENERGY) != 0;
  out.has_temperature = (raw.valid & SAMPAN_TELEMETRY_TEMPERATURE) != 0;
  out.has_utilisation = (raw.valid & SAMPAN_TELEMETRY_UTILISATION) != 0;
  out.has_clock = (raw.valid & SAMPAN_TELEMETRY_CLOCK) != 0;
  out.power_w = static_cast<double>(raw.power_mw) * 1e-3;
  out.energy_j = static_cast<double>(raw.energy_uj) * 1e-6;
  out.temperature_c = static_cast<double>(raw.temperature_mc) * 1e-3;
  out.utilisation = static_cast<double>(raw.utilisation_permille) * 1e-3;
  out.clock_mhz = static_cast<double>(raw.clock_khz) * 1e-3;
  return out;
}

void Device::reopen() const { core::require(*this).reopen(); }

void* Device::native() const {
  const auto device = core::require(*this).open();
  void* handle = nullptr;
  core::ErrorRecord error;
  core::check(device->backend.device.native(device->handle(), &handle, error.raw()), error,
              device->backend.name);
  return handle;
}

}  // namespace sampan
