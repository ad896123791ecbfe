#pragma once

#include <string>

namespace sampan::cli {

/// What the file holds. Throws std::runtime_error, one sentence with the path, if it can't be read
/// or holds more than 64 MiB: no text for this command does, while a device file never ends.
[[nodiscard]] std::string read_text_file(const std::string& path);

}  // namespace sampan::cli
