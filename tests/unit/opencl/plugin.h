#pragma once

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "sampan/plugin/backend.h"

namespace sampan::test {

/// The plug-in under test, loaded once per process, and what the host's side of it recorded.
struct Plugin {
  sampan_backend_t backend{};
  sampan_code_t query_code = SAMPAN_INTERNAL;
  std::string query_message;

  [[nodiscard]] static const Plugin& get();
  /// Everything that the plug-in logged so far.
  [[nodiscard]] static std::vector<std::string> log();
};

/// An error record with room for a build log.
class Error {
 public:
  Error() {
    record_.size = sizeof record_;
    record_.detail = detail_.data();
    record_.detail_bytes = detail_.size();
  }
  [[nodiscard]] sampan_error_t* get() { return &record_; }
  [[nodiscard]] const sampan_error_t& operator*() const { return record_; }
  [[nodiscard]] const sampan_error_t* operator->() const { return &record_; }
  [[nodiscard]] std::string message() const { return record_.message; }
  [[nodiscard]] std::string detail() const { return record_.detail; }

 private:
  std::vector<char> detail_ = std::vector<char>(1 << 16);
  sampan_error_t record_{};
};

/// Sets an environment variable for the life of the object, for settings read at each open.
class ScopedVariable {
 public:
  ScopedVariable(std::string name, const std::string& value);
  ScopedVariable(const ScopedVariable&) = delete;
  ScopedVariable& operator=(const ScopedVariable&) = delete;
  ~ScopedVariable();

 private:
  std::string name_;
  std::string before_;
  bool was_set_;
};

/// A handle that ends by its function of the ABI.
template <typename T>
using Handle = std::unique_ptr<T, void (*)(T*)>;

/// One opened device with its tables; the methods fail the test where the plug-in fails.
class Bench {
 public:
  /// `error` is filled and `device` null where the device can't be opened.
  Bench();

  [[nodiscard]] bool opened() const { return device_ != nullptr; }
  [[nodiscard]] const Error& error() const { return error_; }
  [[nodiscard]] sampan_device_t* device() const { return device_.get(); }
  [[nodiscard]] const sampan_device_info_t& info() const { return info_; }

  [[nodiscard]] Handle<sampan_memory_t> memory(std::uint64_t size_bytes,
                                               std::uint32_t kind = SAMPAN_MEMORY_DEVICE) const;
  [[nodiscard]] Handle<sampan_stream_t> stream() const;
  [[nodiscard]] Handle<sampan_event_t> event(std::uint32_t flags = 0) const;
  /// Compiles OpenCL C.
  [[nodiscard]] Handle<sampan_module_t> module(const std::string& source,
                                               const std::string& options = "") const;
  [[nodiscard]] sampan_kernel_t* kernel(const Handle<sampan_module_t>& module,
                                        const char* name) const;

  void upload(sampan_stream_t* stream, sampan_region_t dst, const void* host,
              std::uint64_t size_bytes) const;
  void download(sampan_stream_t* stream, void* host, sampan_region_t src,
                std::uint64_t size_bytes) const;
  void wait(sampan_stream_t* stream) const;

 private:
  Error error_;
  sampan_device_info_t info_{};
  Handle<sampan_device_t> device_;
};

[[nodiscard]] sampan_arg_t region_arg(sampan_memory_t* memory, std::uint64_t offset_bytes = 0);

template <typename T>
[[nodiscard]] sampan_arg_t value_arg(const T& value) {
  static_assert(sizeof(T) <= 16);
  sampan_arg_t arg{};
  arg.kind = SAMPAN_ARG_VALUE;
  arg.size_bytes = sizeof(T);
  std::memcpy(arg.u.value, &value, sizeof(T));
  return arg;
}

/// `args` must outlive the use of the launch.
[[nodiscard]] sampan_launch_t make_launch(sampan_kernel_t* kernel,
                                          std::span<const sampan_arg_t> args, std::uint32_t groups,
                                          std::uint32_t items, std::uint64_t sequence = 1);

/// Bytes that no two neighbours share and no two seeds.
[[nodiscard]] std::vector<std::uint8_t> pattern_bytes(std::size_t count, std::uint32_t seed);

/// Fails the current test with the plug-in's message.
#define EXPECT_CODE(expected, error_object, call) \
  EXPECT_EQ(static_cast<sampan_code_t>(expected), (call)) << (error_object).message()
#define ASSERT_CODE(expected, error_object, call) \
  ASSERT_EQ(static_cast<sampan_code_t>(expected), (call)) << (error_object).message()

}  // namespace sampan::test
