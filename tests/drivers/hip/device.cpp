// libamdhip64: initialisation, devices.
#include <algorithm>
#include <cstdio>
#include <cstring>

#include "architectures.h"
#include "face.h"

namespace sampan::emulator {

std::vector<Properties> devices_of_face() {
  std::vector<Properties> devices(std::min(setting("SAMPAN_EMU_HIP_DEVICES", 2), 16u));
  for (std::size_t i = 0; i < devices.size(); ++i) {
    Properties& device = devices[i];
    device.name = "Emulated HIP device";
    device.pci_bus = 0xb1 + static_cast<int>(i);
    device.uuid = {0x5a, 0x3b, 0xa3, 0xd0, 0, 0, 0x40, 0,
                   0x80, 0,    0,    0,    0, 0, 0,    static_cast<unsigned char>(i + 1)};
    device.capability_major = 9;
    device.capability_minor = 0;
    device.architecture = hip::architecture_number(hip::kArchitecture);
    device.elf_machine = hip::kElfMachine;
    device.warp_size = setting("SAMPAN_EMU_HIP_WAVE", 64) == 32 ? 32 : 64;
    device.max_block_z = 1024;
    device.max_grid_yz = 65536;
    device.shared_bytes = device.shared_bytes_opt_in = device.shared_bytes_per_multiprocessor =
        64u << 10;
    device.reserved_shared_bytes = 0;
  }
  return devices;
}

namespace hip {
namespace {

constexpr int kVersion = 60000000;  // 6.0

/// The values of hipDeviceAttribute_t that can be asked for, as numbered since HIP 5.
Status attribute(int* value, int number, const Properties& device) {
  const auto word = [](auto figure) { return static_cast<int>(figure); };
  switch (number) {
    case 2:
      *value = 2;
      break;  // copy engines
    case 3:
      *value = 1;
      break;  // can map host memory
    case 5:
      *value = 1'700'000;
      break;  // clock, kHz
    case 8:
      *value = 1;
      break;  // concurrent kernels
    case 10:
      *value = 1;
      break;  // cooperative launch
    case 19:
      *value = 8 << 20;
      break;  // L2 cache
    case 23:
      *value = device.capability_major;
      break;
    case 25:
      *value = word(device.max_blocks_per_multiprocessor);
      break;
    case 26:
    case 27:
    case 56:
      *value = word(device.max_threads_per_block);
      break;
    case 28:
      *value = word(device.max_block_z);
      break;
    case 29:
      *value = word(device.max_grid_x);
      break;
    case 30:
    case 31:
      *value = word(device.max_grid_yz);
      break;
    case 57:
      *value = word(device.max_threads_per_multiprocessor);
      break;
    case 58:
      *value = 0x7fffffff;
      break;  // pitch
    case 59:
      *value = 4096;
      break;  // memory bus, bits
    case 60:
      *value = 1'600'000;
      break;  // memory clock, kHz
    case 61:
      *value = device.capability_minor;
      break;
    case 63:
    case 10015:
      *value = word(device.multiprocessors);
      break;
    case 67:
      *value = device.pci_bus;
      break;
    case 68:
    case 69:
      *value = 0;
      break;  // PCI device, domain
    case 71:
      *value = 64 << 10;
      break;  // registers per block
    case 74:
    case 75:
      *value = word(device.shared_bytes);
      break;
    case 76:
    case 10002:
      *value = word(device.shared_bytes_per_multiprocessor);
      break;
    case 78:
    case 85:
    case 88:
      *value = 1;
      break;  // stream priorities, unified addressing, memory pools
    case 83:
      *value = 64 << 10;
      break;  // constant memory
    case 87:
      *value = word(device.warp_size);
      break;
    case 10013:
      *value = 1;
      break;  // waits for values
    default:
      require((number >= 0 && number < 95) || (number >= 10000 && number < 10020),
              Status::invalid_value);
      *value = 0;
  }
  return Status::ok;
}

void copy_text(char* out, std::size_t room, const std::string& text) {
  std::snprintf(out, room, "%s", text.c_str());
}

Device& require_device(int number) { return Machine::of_library().device(number); }

}  // namespace

void prepare() {
  static std::once_flag once;
  Machine& machine = Machine::of_library();
  require(machine.device_count() > 0, Status::no_device);
  std::call_once(once, [&] {
    require(driver::initialize() == Status::ok, Status::not_initialized);
    for (int i = 0; i < machine.device_count(); ++i) machine.device(i).retain();
  });
  if (current_context() == nullptr) set_current_context(&machine.device(0).context());
}

SAMPAN_EMU_EXPORT hipError_t hipInit(unsigned flags) {
  return run(
      "hipInit",
      [&] {
        require(flags == 0, Status::invalid_value);
        return Status::ok;
      },
      flags);
}

SAMPAN_EMU_EXPORT hipError_t hipDriverGetVersion(int* out_version) {
  return run("hipDriverGetVersion", [&] {
    require(out_version != nullptr, Status::invalid_value);
    *out_version = kVersion;
    return Status::ok;
  });
}

SAMPAN_EMU_EXPORT hipError_t hipGetDeviceCount(int* out_count) {
  return run("hipGetDeviceCount", [&] {
    require(out_count != nullptr, Status::invalid_value);
    *out_count = Machine::of_library().device_count();
    return Status::ok;
  });
}

SAMPAN_EMU_EXPORT hipError_t hipDeviceGet(hipDevice_t* out_device, int ordinal) {
  return run(
      "hipDeviceGet",
      [&] {
        require(out_device != nullptr, Status::invalid_value);
        *out_device = require_device(ordinal).index();
        return Status::ok;
      },
      ordinal);
}

SAMPAN_EMU_EXPORT hipError_t hipDeviceGetName(char* out_name, int room, hipDevice_t device) {
  return run(
      "hipDeviceGetName",
      [&] {
        require(out_name != nullptr && room > 0, Status::invalid_value);
        copy_text(out_name, static_cast<std::size_t>(room),
                  require_device(device).properties().name);
        return Status::ok;
      },
      device);
}

SAMPAN_EMU_EXPORT hipError_t hipDeviceTotalMem(std::size_t* out_bytes, hipDevice_t device) {
  return run(
      "hipDeviceTotalMem",
      [&] {
        require(out_bytes != nullptr, Status::invalid_value);
        *out_bytes = require_device(device).properties().memory_bytes;
        return Status::ok;
      },
      device);
}

SAMPAN_EMU_EXPORT hipError_t hipDeviceGetUuid(hipUUID* out_uuid, hipDevice_t device) {
  return run(
      "hipDeviceGetUuid",
      [&] {
        require(out_uuid != nullptr, Status::invalid_value);
        std::memcpy(out_uuid->bytes, require_device(device).properties().uuid.data(),
                    sizeof out_uuid->bytes);
        return Status::ok;
      },
      device);
}

SAMPAN_EMU_EXPORT hipError_t hipDeviceGetPCIBusId(char* out_id, int room, int device) {
  return run(
      "hipDeviceGetPCIBusId",
      [&] {
        require(out_id != nullptr && room > 0, Status::invalid_value);
        const auto bus = static_cast<unsigned>(require_device(device).properties().pci_bus);
        require(std::snprintf(out_id, static_cast<std::size_t>(room), "0000:%02x:00.0", bus) < room,
                Status::invalid_value);
        return Status::ok;
      },
      device);
}

SAMPAN_EMU_EXPORT hipError_t hipDeviceGetAttribute(int* out_value, hipDeviceAttribute_t number,
                                                   int device) {
  return run(
      "hipDeviceGetAttribute",
      [&] {
        require(out_value != nullptr, Status::invalid_value);
        return attribute(out_value, number, require_device(device).properties());
      },
      number, device);
}

SAMPAN_EMU_EXPORT hipError_t hipGetDeviceProperties(hipDeviceProp_t* out_properties, int device) {
  return run(
      "hipGetDeviceProperties",
      [&] {
        require(out_properties != nullptr, Status::invalid_value);
        const Properties& properties = require_device(device).properties();
        *out_properties = {};
        copy_text(out_properties->name, sizeof out_properties->name, properties.name);
        copy_text(out_properties->gcnArchName, sizeof out_properties->gcnArchName,
                  std::string(kArchitecture) + ":sramecc+:xnack-");
        out_properties->totalGlobalMem = properties.memory_bytes;
        out_properties->sharedMemPerBlock = properties.shared_bytes;
        out_properties->regsPerBlock = 64 << 10;
        out_properties->warpSize = static_cast<int>(properties.warp_size);
        out_properties->maxThreadsPerBlock = static_cast<int>(properties.max_threads_per_block);
        return Status::ok;
      },
      device);
}

SAMPAN_EMU_EXPORT hipError_t hipSetDevice(int device) {
  return run(
      "hipSetDevice",
      [&] {
        set_current_context(&require_device(device).context());
        return Status::ok;
      },
      device);
}

SAMPAN_EMU_EXPORT hipError_t hipGetDevice(int* out_device) {
  return run("hipGetDevice", [&] {
    require(out_device != nullptr, Status::invalid_value);
    *out_device = current_context()->device().index();
    return Status::ok;
  });
}

SAMPAN_EMU_EXPORT hipError_t hipDeviceReset() {
  return run<Effect::done>("hipDeviceReset", [] {
    current_context()->reset();
    return Status::ok;
  });
}

SAMPAN_EMU_EXPORT hipError_t hipDeviceSynchronize() {
  return run("hipDeviceSynchronize", [] { return driver::synchronize_context(); });
}

SAMPAN_EMU_EXPORT hipError_t hipDeviceGetStreamPriorityRange(int* least, int* greatest) {
  return run("hipDeviceGetStreamPriorityRange", [&] {
    if (least != nullptr) *least = 1;
    if (greatest != nullptr) *greatest = -1;
    return Status::ok;
  });
}

SAMPAN_EMU_EXPORT hipError_t hipDeviceCanAccessPeer(int* out_answer, int device, int peer) {
  return run(
      "hipDeviceCanAccessPeer", [&] { return driver::can_access_peer(out_answer, device, peer); },
      device, peer);
}

SAMPAN_EMU_EXPORT hipError_t hipDeviceEnablePeerAccess(int peer, unsigned flags) {
  return run(
      "hipDeviceEnablePeerAccess",
      [&] {
        require(flags == 0, Status::invalid_value);
        return driver::set_peer(require_device(peer), true);
      },
      peer, flags);
}

SAMPAN_EMU_EXPORT hipError_t hipDeviceDisablePeerAccess(int peer) {
  return run(
      "hipDeviceDisablePeerAccess", [&] { return driver::set_peer(require_device(peer), false); },
      peer);
}

}  // namespace hip
}  // namespace sampan::emulator
