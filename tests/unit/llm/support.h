#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "config.h"

namespace sampan::llm::test {

/// A folder of its own for one test, removed with what it holds.
class TempFolder {
 public:
  TempFolder();
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;
  ~TempFolder();

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

  /// Writes (or overwrites) the file `name` and returns its path.
  std::filesystem::path write(std::string_view name, std::string_view bytes) const;

 private:
  std::filesystem::path path_;
};

/// The message of the ModelError that `action` throws, after checking what holds for all of them:
/// it begins with `file`, is one line of printable text, and isn't long. Fails the test (and
/// returns
/// "") if `action` throws nothing or anything else.
std::string model_error(std::string_view file, const std::function<void()>& action);

/// The largest single allocation by `new` (in any library) while `action` ran.
std::size_t largest_allocation_bytes(const std::function<void()>& action);

/// A .safetensors file: the length of `header`, `header`, and `data_bytes` bytes 0, 1, 2, ...
std::string safetensors_bytes(std::string_view header, std::size_t data_bytes);

/// A .safetensors file that holds exactly `tensors`, all of one dtype.
std::string weights_file(const std::vector<ExpectedTensor>& tensors, std::string_view dtype = "F16",
                         std::uint64_t element_bytes = 2);

/// A JSON object from names and values that are JSON already.
std::string json_object(const std::map<std::string, std::string>& fields);

}  // namespace sampan::llm::test
