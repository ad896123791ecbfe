// The CPU plug-in as its host sees it: opened by dlopen, reached through its tables alone.
#pragma once

#include <gtest/gtest.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "sampan/plugin/backend.h"

namespace sampan_test {

/// The plug-in's tables; opened once per process. Fails the process where it can't be opened.
const sampan_backend_t& backend();

/// An error record with room for a log.
struct ErrorRecord {
  ErrorRecord();
  sampan_error_t* operator&() { return &record; }  // NOLINT: stands for the record in calls
  [[nodiscard]] std::string message() const { return record.message; }

  sampan_error_t record{};
  std::vector<char> detail;
};

#define EXPECT_CODE(expected, call, error) EXPECT_EQ((expected), (call)) << (error).message()
#define ASSERT_CODE(expected, call, error) ASSERT_EQ((expected), (call)) << (error).message()

struct DeviceClose {
  void operator()(sampan_device_t* device) const { backend().device->close(device); }
};
struct StreamDestroy {
  void operator()(sampan_stream_t* stream) const { backend().stream->destroy(stream); }
};
struct EventDestroy {
  void operator()(sampan_event_t* event) const { backend().event->destroy(event); }
};
struct MemoryRelease {
  void operator()(sampan_memory_t* memory) const { backend().memory->release(memory); }
};
struct ModuleUnload {
  void operator()(sampan_module_t* module) const { backend().module->unload(module); }
};
using Device = std::unique_ptr<sampan_device_t, DeviceClose>;
using Stream = std::unique_ptr<sampan_stream_t, StreamDestroy>;
using Event = std::unique_ptr<sampan_event_t, EventDestroy>;
using Memory = std::unique_ptr<sampan_memory_t, MemoryRelease>;
using Module = std::unique_ptr<sampan_module_t, ModuleUnload>;

// Each fails the test (and returns null) where the backend fails.
Device open_device(std::uint32_t ordinal = 0);
Stream create_stream(sampan_device_t* device);
Event create_event(sampan_device_t* device, std::uint32_t flags = 0);
Memory allocate(sampan_device_t* device, std::uint64_t size_bytes);

/// The memory's bytes as an array.
template <typename T>
T* host_pointer(const Memory& memory) {
  void* address = nullptr;
  ErrorRecord error;
  EXPECT_CODE(SAMPAN_OK, backend().memory->host_address(memory.get(), &address, &error), error);
  return static_cast<T*>(address);
}

/// `body` in the kernel dialect, with the dialect's header before it and the exports of `kernels`
/// after it: what a host gives to a device of language CPP.
std::string dialect_source(std::string_view body, std::initializer_list<const char*> kernels);

sampan_code_t load_source(sampan_device_t* device, const std::string& text, Module& out,
                          ErrorRecord& error, const char* options = "");

/// A module that must load, and one of its kernels.
Module load(sampan_device_t* device, std::string_view body,
            std::initializer_list<const char*> kernels, const char* options = "");
sampan_kernel_t* kernel(const Module& module, const char* name);

/// Arguments of a launch.
sampan_arg_t region(const Memory& memory, std::uint64_t offset_bytes = 0);
template <typename T>
sampan_arg_t value(const T& v) {
  static_assert(sizeof(T) <= 16);
  sampan_arg_t arg{};
  arg.kind = SAMPAN_ARG_VALUE;
  arg.size_bytes = sizeof(T);
  std::memcpy(arg.u.value, &v, sizeof v);
  return arg;
}

using Dim3 = std::array<std::uint32_t, 3>;

sampan_code_t launch(const Stream& stream, sampan_kernel_t* kernel, const Dim3& grid,
                     const Dim3& group, const std::vector<sampan_arg_t>& args, ErrorRecord& error,
                     std::uint64_t sequence = 1);

sampan_code_t wait(const Stream& stream, ErrorRecord& error,
                   std::uint64_t timeout_ns = SAMPAN_WAIT_FOREVER);

/// Threads of this process now.
int count_threads();
/// Open file descriptors of this process now.
int count_descriptors();

}  // namespace sampan_test
