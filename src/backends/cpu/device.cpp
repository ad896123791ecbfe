#include "backends/cpu/device.h"

#include <algorithm>
#include <charconv>
#include <memory>
#include <optional>
#include <string>

#include "backends/cpu/backend.h"
#include "backends/cpu/fiber.h"
#include "backends/cpu/host_memory.h"

namespace sampan::cpu {
namespace {

constexpr std::uint64_t kMiB = std::uint64_t{1} << 20;

// "v3" and "v4_bf16" stand for "x86-64-v3" and "x86-64-v4-bf16".
std::optional<native::IsaLevel> parse_level(std::string name) {
  std::replace(name.begin(), name.end(), '_', '-');
  if (name.starts_with('v')) name.insert(0, "x86-64-");
  return native::parse_isa(name);
}

void read_isa(const common::Environment& environment, Settings& settings) {
  settings.isa = native::detect_isa();
  const std::string wanted = environment.value("SAMPAN_CPU_ISA");
  if (wanted.empty()) return;
  const std::optional<native::IsaLevel> level = parse_level(wanted);
  if (!level) {
    settings.error =
        "SAMPAN_CPU_ISA is '" + wanted + "'; set it to generic, v2, v3, v4 or v4_bf16, or unset it";
  } else if (*level > settings.isa) {
    settings.error = "SAMPAN_CPU_ISA is '" + wanted + "', but this CPU reaches " +
                     std::string(native::isa_name(settings.isa)) +
                     "; set a lower level or unset it";
  } else {
    settings.isa = *level;
  }
}

void read_memory_limit(const common::Environment& environment, Settings& settings) {
  const std::string wanted = environment.value("SAMPAN_CPU_MEMORY_MB");
  if (wanted.empty()) return;
  std::uint64_t megabytes = 0;
  const char* end = wanted.data() + wanted.size();
  const auto parsed = std::from_chars(wanted.data(), end, megabytes);
  if (parsed.ec != std::errc{} || parsed.ptr != end || megabytes == 0 ||
      megabytes > kNever / kMiB) {
    settings.error = "SAMPAN_CPU_MEMORY_MB is '" + wanted +
                     "'; set it to a whole number of MiB above 0, or unset it";
    return;
  }
  settings.memory_limit_bytes = megabytes * kMiB;
}

Settings read_settings() {
  const common::Environment environment = common::Environment::of_process();
  Settings settings;
  settings.machine = look_at_machine(environment);
  read_isa(environment, settings);
  read_memory_limit(environment, settings);
  if (!settings.machine.error.empty()) settings.error = settings.machine.error;
  return settings;
}

// Vector width in f32 lanes, as the tables of tiles name it.
unsigned vector_width(native::IsaLevel isa) {
  if (isa >= native::IsaLevel::x86_64_v4) return 16;
  return isa >= native::IsaLevel::x86_64_v3 ? 8 : 4;
}

sampan_code_t check_settings(sampan_error_t* error) {
  const Settings& all = settings();
  if (all.error.empty()) return SAMPAN_OK;
  return fail(error, SAMPAN_INVALID_ARGUMENT, "%s", all.error.c_str());
}

sampan_device_info_t describe(const Settings& all, const DevicePlace& place) {
  sampan_device_info_t info{};
  info.size = sizeof info;
  info.kind = SAMPAN_DEVICE_CPU;
  info.language = SAMPAN_LANGUAGE_CPP;
  info.features = SAMPAN_FEATURE_HOST_ACCESS | SAMPAN_FEATURE_F64;
  info.capabilities = kCapabilities;
  copy_text(info.name, all.machine.cpu_name.empty() ? "CPU" : all.machine.cpu_name.c_str());
  copy_text(info.vendor, all.machine.cpu_vendor.c_str());
  copy_text(info.driver, kDriverName);
  copy_text(info.isa, std::string(native::isa_name(all.isa)).c_str());
  std::snprintf(info.tile_class, sizeof info.tile_class, "cpu-vw%u", vector_width(all.isa));
  info.memory_bytes = std::min(look_at_memory(place.numa_node).total_bytes, all.memory_limit_bytes);
  info.max_allocation_bytes = info.memory_bytes;
  info.offset_alignment_bytes = 1;
  info.local_memory_bytes = SAMPAN_CPU_LOCAL_BYTES;
  info.compute_units = place.threads;
  info.subgroup_size = 1;
  info.max_group_items = FiberGroup::kMaxItems;
  std::fill_n(info.max_group, 3, FiberGroup::kMaxItems);
  info.max_grid[0] = 0x7fffffff;
  info.max_grid[1] = info.max_grid[2] = 0xffff;
  return info;
}

sampan_code_t device_count(std::uint32_t* out, sampan_error_t* error) {
  return guarded(error, [&] {
    if (const auto code = check_settings(error); code != SAMPAN_OK) return code;
    *out = static_cast<std::uint32_t>(settings().machine.devices.size());
    return sampan_code_t{SAMPAN_OK};
  });
}

sampan_code_t device_describe(std::uint32_t ordinal, sampan_device_info_t* out,
                              sampan_error_t* error) {
  return guarded(error, [&] {
    copy_out(out, describe(settings(), settings().machine.devices.at(ordinal)));
    return sampan_code_t{SAMPAN_OK};
  });
}

sampan_code_t device_open(std::uint32_t ordinal, sampan_device_t** out, sampan_error_t* error) {
  return guarded(error, [&] {
    *out = new sampan_device(settings(), settings().machine.devices.at(ordinal));
    return sampan_code_t{SAMPAN_OK};
  });
}

void device_close(sampan_device_t* device) {
  if (device->lost()) device->pool().abandon();
  delete device;
}

sampan_code_t device_memory_info(sampan_device_t* device, std::uint64_t* out_free_bytes,
                                 std::uint64_t* out_total_bytes, sampan_error_t* error) {
  return guarded(error, [&] {
    if (const auto code = device->check(error); code != SAMPAN_OK) return code;
    const HostMemory memory = look_at_memory(device->place().numa_node);
    *out_free_bytes = std::min(memory.free_bytes, device->budget().left_bytes());
    *out_total_bytes = std::min(memory.total_bytes, device->budget().limit_bytes());
    return sampan_code_t{SAMPAN_OK};
  });
}

sampan_code_t device_status(sampan_device_t* device, sampan_error_t* error) {
  return device->check(error);
}

sampan_code_t device_native(sampan_device_t*, void**, sampan_error_t* error) {
  return fail(error, SAMPAN_UNSUPPORTED, "a CPU device has no driver handle");
}

sampan_code_t device_clock(sampan_device_t*, std::uint64_t* out_host_ns,
                           std::uint64_t* out_device_ns, sampan_error_t*) {
  *out_host_ns = *out_device_ns = now_ns();  // event timestamps come from the same clock
  return SAMPAN_OK;
}

}  // namespace

const Settings& settings() {
  // Never destroyed: devices may be in use while the process exits.
  static const Settings* const kSettings = new Settings(read_settings());
  return *kSettings;
}

bool MemoryBudget::take(std::uint64_t bytes) noexcept {
  std::uint64_t used = used_bytes_.load(std::memory_order_relaxed);
  do {
    if (bytes > limit_bytes_ - used) return false;
  } while (!used_bytes_.compare_exchange_weak(used, used + bytes, std::memory_order_relaxed));
  return true;
}

std::uint64_t MemoryBudget::left_bytes() const noexcept {
  return limit_bytes_ - used_bytes_.load(std::memory_order_relaxed);
}

Device::Device(const Settings& settings, const DevicePlace& place)
    : place_(place),
      isa_(settings.isa),
      spin_ns_(settings.machine.usable_cores > 1 ? kSpinNs : 0),
      forks_at_open_(common::fork_count()),
      pool_(place.threads, place.cores, spin_ns_),
      // The kernel promises more than there is; nothing would be left to say no.
      budget_(std::min(settings.memory_limit_bytes,
                       look_at_memory(place.numa_node).total_bytes)) {}

void Device::retire(std::unique_ptr<Retirable> remains) noexcept {
  if (lost()) {
    (void)remains.release();
  } else {
    retired_.retire(std::move(remains));
  }
}

sampan_code_t Device::check(sampan_error_t* error) const noexcept {
  if (!lost()) return SAMPAN_OK;
  return fail(error, SAMPAN_DEVICE_LOST,
              "this process was forked after the CPU device was opened, and its threads stayed "
              "behind; open the device again in the child");
}

const sampan_device_table_t kDeviceTable = {
    .size = sizeof(sampan_device_table_t),
    .reserved = 0,
    .count = device_count,
    .describe = device_describe,
    .open = device_open,
    .close = device_close,
    .memory_info = device_memory_info,
    .status = device_status,
    .native = device_native,
    .clock = device_clock,
};

}  // namespace sampan::cpu
