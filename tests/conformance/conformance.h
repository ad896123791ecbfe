// What the cases of the conformance suite are written with. Public headers of Sampan only.
#pragma once

#include <gtest/gtest.h>

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sampan/sampan.h"

namespace sampan::conformance {

/// One check that every device has to pass, or whose failure its backend declares. The full name is
/// "Suite.Name"; cases made from a table carry their row in the name: "Copy.FromHost/4097".
struct Case {
  std::string name;
  std::function<void()> body;
};

/// The cases, in the order in which they run.
class CaseList {
 public:
  void add(std::string_view suite, std::string_view name, std::function<void()> body) {
    cases_.push_back({std::string(suite) + "." + std::string(name), std::move(body)});
  }
  [[nodiscard]] const std::vector<Case>& all() const noexcept { return cases_; }

 private:
  std::vector<Case> cases_;
};

void add_device_cases(CaseList& cases);
void add_memory_cases(CaseList& cases);
void add_pool_cases(CaseList& cases);
void add_view_cases(CaseList& cases);
void add_dlpack_cases(CaseList& cases);
void add_copy_cases(CaseList& cases);
void add_copy_2d_cases(CaseList& cases);
void add_cross_device_cases(CaseList& cases);
void add_fill_cases(CaseList& cases);
void add_stream_cases(CaseList& cases);
void add_event_cases(CaseList& cases);
void add_module_cases(CaseList& cases);
void add_kernel_cases(CaseList& cases);
void add_launch_cases(CaseList& cases);
void add_graph_cases(CaseList& cases);
void add_failure_cases(CaseList& cases);
void add_ops_cases(CaseList& cases);

/// The device that the running case tests.
[[nodiscard]] const Device& device();
/// Set by the runner before each case.
void set_device(Device device);
/// The other visible devices. A case that needs a second device passes where there is none.
[[nodiscard]] std::vector<Device> other_devices();

/// Ends the case as unsupported, which the backend has to declare with a reason.
[[noreturn]] void unsupported(const std::string& reason);

/// Fails the case unless `call` throws Error `code` with a message that holds every one of `words`.
void expect_error(ErrorCode code, const std::function<void()>& call,
                  std::initializer_list<std::string_view> words = {});

/// `size_bytes` bytes that look random and depend on `seed` alone.
[[nodiscard]] std::vector<std::byte> test_bytes(std::size_t size_bytes, std::uint32_t seed = 1);

/// Names the first byte that differs.
[[nodiscard]] testing::AssertionResult same_bytes(std::span<const std::byte> actual,
                                                  std::span<const std::byte> expected);
template <class T>
[[nodiscard]] testing::AssertionResult same_values(const std::vector<T>& actual,
                                                   const std::vector<T>& expected) {
  return same_bytes(std::as_bytes(std::span(actual)), std::as_bytes(std::span(expected)));
}

/// A new buffer with these values; the copy has run.
template <class T>
[[nodiscard]] Buffer upload(Stream& stream, const std::vector<T>& values,
                            MemoryKind kind = MemoryKind::device) {
  Buffer buffer = stream.device().allocate(values.size() * sizeof(T), kind);
  stream.copy_from_host(buffer.view(DType::u8), std::as_bytes(std::span(values)));
  stream.synchronize();
  return buffer;
}

/// What the view holds once the stream's work so far has run.
template <class T>
[[nodiscard]] std::vector<T> download(Stream& stream, const View& view) {
  std::vector<T> values(view.span_bytes() / sizeof(T));
  stream.copy_to_host(std::as_writable_bytes(std::span(values)), view);
  stream.synchronize();
  return values;
}
template <class T>
[[nodiscard]] std::vector<T> download(Stream& stream, const Buffer& buffer) {
  return download<T>(stream, buffer.view(DType::u8));
}

/// A kernel of the suite's own module (kernels.h), compiled once for the device under test.
[[nodiscard]] Kernel helper_kernel(const std::string& name);
/// The same for another device.
[[nodiscard]] Kernel helper_kernel(const Device& on, const std::string& name);
/// Drops the compiled modules: needed after Device::reopen.
void forget_kernels();

/// One-dimensional launch of groups of 64 items over `n` items.
[[nodiscard]] LaunchConfig items64(std::uint32_t n);

/// Holds up a stream: work enqueued after the gate was made waits until it opens. Opens by itself
/// after a minute, so that a defect fails a case instead of hanging it.
class Gate {
 public:
  explicit Gate(Stream& stream);
  Gate(const Gate&) = delete;
  ~Gate() { open(); }
  void open();

 private:
  struct State {
    std::mutex mutex;
    std::condition_variable changed;
    bool is_open = false;
  };
  std::shared_ptr<State> state_ = std::make_shared<State>();
};

/// Restores the pool's budget, and returns idle memory to the driver, when the case ends.
class PoolGuard {
 public:
  explicit PoolGuard(Device device) : device_(std::move(device)) { device_.trim_pool(); }
  PoolGuard(const PoolGuard&) = delete;
  ~PoolGuard() {
    try {
      device_.set_memory_budget(0);
      device_.trim_pool();
    } catch (const Error& error) {
      ADD_FAILURE() << "the pool can't be restored: " << error.what();
    }
  }

 private:
  Device device_;
};

}  // namespace sampan::conformance
