#include "conformance.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <utility>

#include "kernels.h"

namespace sampan::conformance {
namespace {

Device& current() {
  static Device device;
  return device;
}

std::map<std::string, Module>& modules() {
  static std::map<std::string, Module> by_device;
  return by_device;
}

}  // namespace

const Device& device() { return current(); }
void set_device(Device device) { current() = std::move(device); }

std::vector<Device> other_devices() {
  std::vector<Device> others = devices();
  std::erase(others, current());
  return others;
}

void unsupported(const std::string& reason) { throw Error(ErrorCode::unsupported, reason); }

void expect_error(ErrorCode code, const std::function<void()>& call,
                  std::initializer_list<std::string_view> words) {
  try {
    call();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), code) << "expected " << to_string(code) << ", got: " << error.what();
    const std::string message = error.info().message;
    EXPECT_FALSE(message.empty());
    for (const std::string_view word : words) {
      EXPECT_NE(message.find(word), std::string::npos)
          << "'" << word << "' is missing in: " << message;
    }
    return;
  } catch (const std::exception& other) {
    ADD_FAILURE() << "expected " << to_string(code) << ", got another exception: " << other.what();
    return;
  }
  ADD_FAILURE() << "expected " << to_string(code) << ", nothing was thrown";
}

std::vector<std::byte> test_bytes(std::size_t size_bytes, std::uint32_t seed) {
  std::vector<std::byte> bytes(size_bytes);
  std::uint32_t state = seed * 2654435761u + 12345u;
  for (std::byte& byte : bytes) {
    state = state * 1664525u + 1013904223u;  // Numerical Recipes, 2nd ed., 7.1
    byte = static_cast<std::byte>(state >> 24);
  }
  return bytes;
}

testing::AssertionResult same_bytes(std::span<const std::byte> actual,
                                    std::span<const std::byte> expected) {
  if (actual.size() != expected.size()) {
    return testing::AssertionFailure()
           << actual.size() << " bytes instead of " << expected.size();
  }
  const auto [a, e] = std::mismatch(actual.begin(), actual.end(), expected.begin());
  if (a == actual.end()) return testing::AssertionSuccess();
  return testing::AssertionFailure()
         << "byte " << (a - actual.begin()) << " of " << actual.size() << " is "
         << std::to_integer<int>(*a) << " instead of " << std::to_integer<int>(*e);
}

Kernel helper_kernel(const Device& on, const std::string& name) {
  Module& module = modules()[on.id()];
  if (!module) module = on.load(Code::dialect("conformance", kernel_text()));
  return module.kernel(name);
}
Kernel helper_kernel(const std::string& name) { return helper_kernel(device(), name); }
void forget_kernels() { modules().clear(); }

LaunchConfig items64(std::uint32_t n) {
  LaunchConfig config;
  config.grid.x = (n + 63) / 64;
  config.group.x = 64;
  return config;
}

Gate::Gate(Stream& stream) {
  stream.host_function([state = state_] {
    std::unique_lock lock(state->mutex);
    state->changed.wait_for(lock, std::chrono::minutes(1), [&] { return state->is_open; });
  });
  stream.flush();
}

void Gate::open() {
  const std::lock_guard lock(state_->mutex);
  state_->is_open = true;
  state_->changed.notify_all();
}

}  // namespace sampan::conformance
