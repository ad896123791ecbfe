#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "sampan/plugin/backend.h"

namespace sampan::core {

/// One loaded backend: its identity and complete tables. Functions that the plug-in lacks answer
/// UNSUPPORTED, so callers never test a pointer. Lives until the process ends.
struct Backend {
  std::string name, version, build_id, driver_path, path;
  std::uint64_t capabilities = 0;
  sampan_device_table_t device{};
  sampan_memory_table_t memory{};
  sampan_stream_table_t stream{};
  sampan_event_table_t event{};
  sampan_module_table_t module{};
  sampan_graph_table_t graph{};
  sampan_peer_table_t peer{};
  sampan_profile_table_t profile{};
  sampan_telemetry_table_t telemetry{};
  sampan_ops_table_t ops{};
};

/// True for [a-z0-9_]+ of fewer than 32 characters.
[[nodiscard]] bool is_backend_name(std::string_view name);

/// Takes over what a query returned. Returns an empty string, or the sentence why it is refused: a
/// major that isn't ours, a bad name, a missing device group, a capability bit whose group lacks a
/// function.
[[nodiscard]] std::string adopt(const sampan_backend_t& theirs, Backend& out);

}  // namespace sampan::core
