#pragma once

#include <string>
#include <vector>

#include "backends/opencl/api.h"

namespace sampan::opencl {

/// What the driver answers to a question of fixed size, or `otherwise` where it doesn't know the
/// question or answers in another size.
template <typename T>
[[nodiscard]] T device_fact(cl::Device device, cl::Uint name, T otherwise = T{}) {
  T answer{};
  std::size_t bytes = 0;
  const bool known =
      api().get_device_info(device, name, sizeof answer, &answer, &bytes) == cl::kSuccess;
  return known && bytes == sizeof answer ? answer : otherwise;
}

/// An answer of any number of items; empty where the driver doesn't know the question.
template <typename T>
[[nodiscard]] std::vector<T> device_facts(cl::Device device, cl::Uint name) {
  std::size_t bytes = 0;
  if (api().get_device_info(device, name, 0, nullptr, &bytes) != cl::kSuccess) return {};
  std::vector<T> answer(bytes / sizeof(T));
  if (answer.empty() || api().get_device_info(device, name, answer.size() * sizeof(T),
                                              answer.data(), nullptr) != cl::kSuccess) {
    return {};
  }
  return answer;
}

/// An answer in text, without its zero and the blanks around it.
[[nodiscard]] std::string device_text(cl::Device device, cl::Uint name);
[[nodiscard]] std::string platform_text(cl::Platform platform, cl::Uint name);

/// "OpenCL 2.1 whatever" -> 210; 0 where the text isn't of this form.
[[nodiscard]] unsigned parse_version(const std::string& text);

}  // namespace sampan::opencl
