#include "backends/cpu/system_files.h"

#include <fcntl.h>

#include <charconv>

#include "backends/common/file_io.h"
#include "backends/common/unique_fd.h"

namespace sampan::cpu {
namespace {

// The group's path in /proc/self/cgroup, whose lines read "ID:CONTROLLERS:PATH".
std::string group_path(std::string_view controllers) {
  const std::string groups = read_system_file("/proc/self/cgroup");
  const std::string wanted = std::string(":").append(controllers).append(":");
  const std::size_t at = groups.find(wanted);
  if (at == std::string::npos) return {};
  const std::size_t begin = at + wanted.size();
  return groups.substr(begin, groups.find('\n', begin) - begin);
}

}  // namespace

std::string read_system_file(const std::string& path) {
  constexpr std::size_t kMaxBytes = 64u << 10;
  const common::UniqueFd file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) return {};
  std::string text(kMaxBytes, '\0');
  std::size_t read_bytes = 0;
  if (common::read_up_to(file.get(), std::as_writable_bytes(std::span(text)), read_bytes) != 0) {
    return {};
  }
  text.resize(read_bytes);
  return text;
}

std::optional<std::uint64_t> leading_number(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of(" \t"), text.size()));
  std::uint64_t value = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failure != std::errc{}) return std::nullopt;
  return value;
}

std::optional<std::uint64_t> labelled_number(std::string_view text, std::string_view label) {
  const std::size_t at = text.find(label);
  if (at == std::string_view::npos) return std::nullopt;
  return leading_number(text.substr(at + label.size()));
}

std::string control_group_file(std::string_view name) {
  return "/sys/fs/cgroup" + group_path("") + "/" + std::string(name);
}

std::string control_group_v1_file(std::string_view controller, std::string_view name) {
  return "/sys/fs/cgroup/" + std::string(controller) + group_path(controller) + "/" +
         std::string(name);
}

}  // namespace sampan::cpu
