// libcuda: initialisation, devices, contexts.
#include <algorithm>
#include <cstdio>
#include <cstring>
#include <vector>

#include "face.h"

namespace sampan::emulator {

std::vector<Properties> devices_of_face() {
  std::vector<Properties> devices(std::min(setting("SAMPAN_EMU_CUDA_DEVICES", 2), 16u));
  for (std::size_t i = 0; i < devices.size(); ++i) {
    Properties& device = devices[i];
    device.name = "Emulated CUDA device";
    device.pci_bus = 0xa1 + static_cast<int>(i);
    device.uuid = {0x5a, 0x3b, 0xc0, 0xda, 0, 0, 0x40, 0,
                   0x80, 0,    0,    0,    0, 0, 0,    static_cast<unsigned char>(i + 1)};
    device.capability_major = 9;
    device.capability_minor = 0;
    device.architecture = 90;
    device.elf_machine = 190;
  }
  return devices;
}

}  // namespace sampan::emulator

namespace sampan::emulator::cuda {
namespace {

constexpr int kDriverVersion = 13000;

/// The values of CUdevice_attribute that can be asked for.
Status attribute(int* value, int number, const Properties& device) {
  const auto word = [](auto figure) { return static_cast<int>(figure); };
  switch (number) {
    case 1:
    case 2:
    case 3:
      *value = word(device.max_threads_per_block);
      break;
    case 4:
      *value = word(device.max_block_z);
      break;
    case 5:
      *value = word(device.max_grid_x);
      break;
    case 6:
    case 7:
      *value = word(device.max_grid_yz);
      break;
    case 8:
      *value = word(device.shared_bytes);
      break;
    case 9:
      *value = 64 << 10;
      break;  // constant memory
    case 10:
      *value = word(device.warp_size);
      break;
    case 11:
      *value = 0x7fffffff;
      break;  // pitch
    case 12:
      *value = 64 << 10;
      break;  // registers per block
    case 13:
      *value = 1'500'000;
      break;  // clock, kHz
    case 16:
      *value = word(device.multiprocessors);
      break;
    case 19:
      *value = 1;
      break;  // can map host memory
    case 31:
      *value = 1;
      break;  // concurrent kernels
    case 33:
      *value = device.pci_bus;
      break;
    case 34:
      *value = 0;
      break;  // PCI device
    case 36:
      *value = 1'600'000;
      break;  // memory clock, kHz
    case 37:
      *value = 5120;
      break;  // memory bus, bits
    case 38:
      *value = 4 << 20;
      break;  // L2 cache
    case 39:
      *value = word(device.max_threads_per_multiprocessor);
      break;
    case 40:
      *value = 2;
      break;  // copy engines
    case 41:
      *value = 1;
      break;  // unified addressing
    case 50:
      *value = 0;
      break;  // PCI domain
    case 75:
      *value = device.capability_major;
      break;
    case 76:
      *value = device.capability_minor;
      break;
    case 78:
      *value = 1;
      break;  // stream priorities
    case 81:
      *value = word(device.shared_bytes_per_multiprocessor);
      break;
    case 82:
      *value = 64 << 10;
      break;  // registers per multiprocessor
    case 92:
      *value = 1;
      break;  // waits for values
    case 95:
      *value = 1;
      break;  // cooperative launch
    case 97:
      *value = word(device.shared_bytes_opt_in);
      break;
    case 106:
      *value = word(device.max_blocks_per_multiprocessor);
      break;
    case 111:
      *value = 1024;
      break;  // reserved shared memory per block
    case 115:
      *value = 1;
      break;  // memory pools
    default:
      // Numbers that CUDA 13 knows; what they ask for isn't there.
      require(number > 0 && number < 149, Status::invalid_value);
      *value = 0;
  }
  return Status::ok;
}

/// Below the current context: what cuCtxPushCurrent has covered.
std::vector<Context*>& covered() {
  static thread_local std::vector<Context*> contexts;
  return contexts;
}

}  // namespace

Context& require_context(CUcontext handle) {
  driver::require_initialized();
  const std::shared_ptr<Context> context = Machine::of_library().contexts.find(handle);
  require(context != nullptr && context->device().retained(), Status::invalid_context);
  return *context;
}

Device& require_device(CUdevice device) {
  driver::require_initialized();
  return Machine::of_library().device(device);
}

SAMPAN_EMU_EXPORT CUresult cuInit(unsigned flags) {
  return run(
      "cuInit",
      [&] {
        require(flags == 0, Status::invalid_value);
        return driver::initialize();
      },
      flags);
}

SAMPAN_EMU_EXPORT CUresult cuDriverGetVersion(int* out) {
  return run("cuDriverGetVersion", [&] {
    require(out != nullptr, Status::invalid_value);
    *out = kDriverVersion;
    return Status::ok;
  });
}

SAMPAN_EMU_EXPORT CUresult cuDeviceGetCount(int* out) {
  return run("cuDeviceGetCount", [&] {
    driver::require_initialized();
    require(out != nullptr, Status::invalid_value);
    *out = Machine::of_library().device_count();
    return Status::ok;
  });
}

SAMPAN_EMU_EXPORT CUresult cuDeviceGet(CUdevice* out, int ordinal) {
  return run(
      "cuDeviceGet",
      [&] {
        require(out != nullptr, Status::invalid_value);
        *out = require_device(ordinal).index();
        return Status::ok;
      },
      ordinal);
}

SAMPAN_EMU_EXPORT CUresult cuDeviceGetName(char* out, int room, CUdevice device) {
  return run(
      "cuDeviceGetName",
      [&] {
        require(out != nullptr && room > 0, Status::invalid_value);
        std::snprintf(out, static_cast<std::size_t>(room), "%s",
                      require_device(device).properties().name.c_str());
        return Status::ok;
      },
      device);
}

SAMPAN_EMU_EXPORT CUresult cuDeviceTotalMem_v2(std::size_t* out, CUdevice device) {
  return run(
      "cuDeviceTotalMem_v2",
      [&] {
        require(out != nullptr, Status::invalid_value);
        *out = require_device(device).properties().memory_bytes;
        return Status::ok;
      },
      device);
}

SAMPAN_EMU_EXPORT CUresult cuDeviceGetUuid_v2(CUuuid* out, CUdevice device) {
  return run(
      "cuDeviceGetUuid_v2",
      [&] {
        require(out != nullptr, Status::invalid_value);
        std::memcpy(out->bytes, require_device(device).properties().uuid.data(), sizeof out->bytes);
        return Status::ok;
      },
      device);
}

SAMPAN_EMU_EXPORT CUresult cuDeviceGetPCIBusId(char* out, int room, CUdevice device) {
  return run(
      "cuDeviceGetPCIBusId",
      [&] {
        require(out != nullptr && room > 0, Status::invalid_value);
        const int bus = require_device(device).properties().pci_bus;
        const int length = std::snprintf(out, static_cast<std::size_t>(room), "0000:%02x:00.0",
                                         static_cast<unsigned>(bus));
        require(length < room, Status::invalid_value);
        return Status::ok;
      },
      device);
}

SAMPAN_EMU_EXPORT CUresult cuDeviceGetAttribute(int* out, CUdevice_attribute number,
                                                CUdevice device) {
  return run(
      "cuDeviceGetAttribute",
      [&] {
        require(out != nullptr, Status::invalid_value);
        return attribute(out, number, require_device(device).properties());
      },
      number, device);
}

SAMPAN_EMU_EXPORT CUresult cuDevicePrimaryCtxRetain(CUcontext* out, CUdevice number) {
  return run(
      "cuDevicePrimaryCtxRetain",
      [&] {
        require(out != nullptr, Status::invalid_value);
        Device& device = require_device(number);
        device.retain();
        *out = static_cast<CUcontext>(Machine::of_library().context_handle(device));
        return Status::ok;
      },
      number);
}

SAMPAN_EMU_EXPORT CUresult cuDevicePrimaryCtxRelease_v2(CUdevice device) {
  return run<Effect::done>(
      "cuDevicePrimaryCtxRelease_v2",
      [&] { return require_device(device).release() ? Status::ok : Status::invalid_context; },
      device);
}

SAMPAN_EMU_EXPORT CUresult cuDevicePrimaryCtxReset_v2(CUdevice device) {
  return run<Effect::done>(
      "cuDevicePrimaryCtxReset_v2",
      [&] {
        require_device(device).context().reset();
        return Status::ok;
      },
      device);
}

SAMPAN_EMU_EXPORT CUresult cuCtxSetCurrent(CUcontext handle) {
  return run(
      "cuCtxSetCurrent",
      [&] {
        driver::require_initialized();
        set_current_context(handle == nullptr ? nullptr : &require_context(handle));
        return Status::ok;
      },
      handle);
}

SAMPAN_EMU_EXPORT CUresult cuCtxGetCurrent(CUcontext* out) {
  return run("cuCtxGetCurrent", [&] {
    driver::require_initialized();
    require(out != nullptr, Status::invalid_value);
    const Context* const current = current_context();
    *out = current == nullptr
               ? nullptr
               : static_cast<CUcontext>(Machine::of_library().context_handle(current->device()));
    return Status::ok;
  });
}

SAMPAN_EMU_EXPORT CUresult cuCtxPushCurrent_v2(CUcontext handle) {
  return run(
      "cuCtxPushCurrent_v2",
      [&] {
        Context& context = require_context(handle);
        covered().push_back(current_context());
        set_current_context(&context);
        return Status::ok;
      },
      handle);
}

SAMPAN_EMU_EXPORT CUresult cuCtxPopCurrent_v2(CUcontext* out) {
  return run("cuCtxPopCurrent_v2", [&] {
    driver::require_initialized();
    const Context* const current = current_context();
    require(current != nullptr, Status::invalid_context);
    if (out != nullptr)
      *out = static_cast<CUcontext>(Machine::of_library().context_handle(current->device()));
    std::vector<Context*>& below = covered();
    set_current_context(below.empty() ? nullptr : below.back());
    if (!below.empty()) below.pop_back();
    return Status::ok;
  });
}

SAMPAN_EMU_EXPORT CUresult cuCtxGetDevice(CUdevice* out) {
  return run("cuCtxGetDevice", [&] {
    require(out != nullptr, Status::invalid_value);
    *out = driver::context().device().index();
    return Status::ok;
  });
}

SAMPAN_EMU_EXPORT CUresult cuCtxSynchronize() {
  return run("cuCtxSynchronize", [] { return driver::synchronize_context(); });
}

SAMPAN_EMU_EXPORT CUresult cuCtxGetStreamPriorityRange(int* least, int* greatest) {
  return run("cuCtxGetStreamPriorityRange", [&] {
    driver::context();
    if (least != nullptr) *least = 0;
    if (greatest != nullptr) *greatest = -5;
    return Status::ok;
  });
}

SAMPAN_EMU_EXPORT CUresult cuDeviceCanAccessPeer(int* out, CUdevice device, CUdevice peer) {
  return run(
      "cuDeviceCanAccessPeer", [&] { return driver::can_access_peer(out, device, peer); }, device,
      peer);
}

SAMPAN_EMU_EXPORT CUresult cuCtxEnablePeerAccess(CUcontext peer, unsigned flags) {
  return run(
      "cuCtxEnablePeerAccess",
      [&] {
        require(flags == 0, Status::invalid_value);
        return driver::set_peer(require_context(peer).device(), true);
      },
      peer, flags);
}

SAMPAN_EMU_EXPORT CUresult cuCtxDisablePeerAccess(CUcontext peer) {
  return run(
      "cuCtxDisablePeerAccess",
      [&] { return driver::set_peer(require_context(peer).device(), false); }, peer);
}

}  // namespace sampan::emulator::cuda
