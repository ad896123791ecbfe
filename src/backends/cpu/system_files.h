// Small text files of the kernel: /proc, /sys, control groups.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sampan::cpu {

/// Up to 64 KiB of a file; empty if it can't be read. Throws std::bad_alloc.
[[nodiscard]] std::string read_system_file(const std::string& path);

/// The unsigned number that `text` starts with (blanks skipped), or nothing.
[[nodiscard]] std::optional<std::uint64_t> leading_number(std::string_view text);

/// The number after `label` in a text like "MemTotal:  24684092 kB", or nothing.
[[nodiscard]] std::optional<std::uint64_t> labelled_number(std::string_view text,
                                                           std::string_view label);

/// Path of a file of this process's control group, version 2: "/sys/fs/cgroup/user/cpu.max".
[[nodiscard]] std::string control_group_file(std::string_view name);

/// The same for a controller of version 1: "/sys/fs/cgroup/memory/user/memory.limit_in_bytes".
[[nodiscard]] std::string control_group_v1_file(std::string_view controller, std::string_view name);

}  // namespace sampan::cpu
