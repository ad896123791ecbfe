#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "backends/level_zero/api.h"
#include "sampan/plugin/backend.h"

namespace sampan::level_zero {

/// A device, and what the driver tells of it without opening it. Sub-devices aren't listed: the
/// driver spreads a device's work over them.
struct Facts {
  ze::Driver driver = nullptr;
  ze::Device device = nullptr;
  bool emulated = false;  ///< the driver says that it is one of Sampan's test drivers
  std::string driver_version;
  ze::DeviceProperties properties{};
  ze::ComputeProperties compute{};
  std::uint32_t queue_ordinal = 0;  ///< of the group that runs kernels
  std::size_t max_pattern_bytes = 1;
  std::uint64_t memory_bytes = 0;
  bool f64 = false;
  bool reaches_system_memory = false;
  ImportApi import{};
};

/// What the loader knows.
struct Enumeration {
  std::vector<Facts> devices;
  std::string reason;  ///< why there are none
};

/// All devices of all drivers that can run kernels, asked for at the first call; one that fails is
/// logged and hides no other. Free-threaded.
[[nodiscard]] const Enumeration& enumeration();

/// See sampan_device_table_t::describe; without `size`.
[[nodiscard]] sampan_device_info_t describe_device(const Facts& facts);

}  // namespace sampan::level_zero
