#include <chrono>
#include <cstdio>

#include "mock.h"

namespace mock {
namespace {

using Table = sampan_device_table_t;

sampan_code_t count(std::uint32_t* out_count, sampan_error_t* error) {
  return call("device.count", nullptr, error, [&](auto&) {
    *out_count = state().device_count;
    return SAMPAN_OK;
  });
}

sampan_code_t describe(std::uint32_t ordinal, sampan_device_info_t* out, sampan_error_t* error) {
  return call("device.describe", nullptr, error, [&](auto&) {
    sampan_device_info_t info{};
    info.size = out->size;
    info.kind = SAMPAN_DEVICE_ACCELERATOR;
    info.language = SAMPAN_LANGUAGE_NONE;
    info.features = state().host_access ? std::uint32_t{SAMPAN_FEATURE_HOST_ACCESS} : 0u;
    info.capabilities = UINT64_MAX;
    std::snprintf(info.name, sizeof(info.name), "Mock device %u", ordinal);
    std::snprintf(info.vendor, sizeof(info.vendor), "Sampan tests");
    std::snprintf(info.driver, sizeof(info.driver), "mock 1");
    std::snprintf(info.isa, sizeof(info.isa), "mock-1");
    // Device 1 is known by its PCI address, the others by UUID.
    info.pci_known = ordinal == 1 ? 1 : 0;
    info.pci_bus = 0x99;
    info.uuid[0] = 0xab;
    info.uuid[15] = static_cast<std::uint8_t>(ordinal);
    info.emulated = 1;
    info.memory_bytes = info.max_allocation_bytes = memory_bytes_of(ordinal);
    info.offset_alignment_bytes = 1;
    info.local_memory_bytes = 32 << 10;
    info.compute_units = 1;
    info.subgroup_size = 1;
    info.max_group_items = 1024;
    for (int i = 0; i < 3; ++i) {
      info.max_group[i] = 1024;
      info.max_grid[i] = 1u << 30;
    }
    *out = info;
    return SAMPAN_OK;
  });
}

sampan_code_t open(std::uint32_t ordinal, sampan_device_t** out, sampan_error_t* error) {
  return call("device.open", nullptr, error, [&](auto&) {
    auto* device = new sampan_device_t();
    device->ordinal = ordinal;
    state().open[ordinal] = device;
    ++state().live[SAMPAN_MOCK_LIVE_DEVICES];
    *out = device;
    return SAMPAN_OK;
  });
}

void close(sampan_device_t* device) {
  const std::lock_guard lock(state().mutex);
  if (device->children != 0) violation("device.close with handles of the device still alive");
  if (state().open[device->ordinal] == device) state().open[device->ordinal] = nullptr;
  --state().live[SAMPAN_MOCK_LIVE_DEVICES];
  delete device;
}

sampan_code_t memory_info(sampan_device_t* device, std::uint64_t* out_free_bytes,
                          std::uint64_t* out_total_bytes, sampan_error_t* error) {
  return call("device.memory_info", device, error, [&](auto&) {
    const std::uint64_t total = memory_bytes_of(device->ordinal);
    *out_total_bytes = total;
    *out_free_bytes = total > device->used_bytes ? total - device->used_bytes : 0;
    return SAMPAN_OK;
  });
}

sampan_code_t status(sampan_device_t* device, sampan_error_t* error) {
  return call("device.status", device, error, [](auto&) { return SAMPAN_OK; });
}

sampan_code_t native(sampan_device_t* device, void** out, sampan_error_t* error) {
  return call("device.native", device, error, [&](auto&) {
    *out = device;
    return SAMPAN_OK;
  });
}

sampan_code_t clock(sampan_device_t* device, std::uint64_t* out_host_ns,
                    std::uint64_t* out_device_ns, sampan_error_t* error) {
  return call("device.clock", device, error, [&](auto&) {
    *out_host_ns = host_now_ns();
    *out_device_ns = device_now_ns(*device);
    return SAMPAN_OK;
  });
}

}  // namespace

std::uint64_t host_now_ns() {
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(
                                        std::chrono::steady_clock::now().time_since_epoch())
                                        .count());
}

// Each device's clock runs from a start of its own, as those of real devices do.
std::uint64_t device_now_ns(const sampan_device_t& device) {
  return host_now_ns() + (device.ordinal + 1) * 1'000'000'000ull;
}

const Table kDeviceTable = {sizeof(Table), 0,           count,  describe, open,
                            close,         memory_info, status, native,   clock};

}  // namespace mock
