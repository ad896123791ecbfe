#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "core/backend.h"
#include "core/plugin_search.h"
#include "sampan/device.h"

namespace sampan::core {

/// The result of opening one plug-in: a backend, or the reason why there is none.
struct LoadResult {
  BackendInfo info;
  std::unique_ptr<const Backend> backend;  ///< set if info.status is loaded
};

/// How long a foreign plug-in's constructor and its query function may take each.
constexpr std::chrono::milliseconds kProbeLimit{10'000};

/// Opens the plug-in, asks it, and takes over its tables. Never throws, never hangs on a foreign
/// plug-in: one that doesn't ship with Sampan is tried in a child process first, so that a
/// constructor that throws, crashes, exits or never returns costs this process nothing. A plug-in
/// once opened stays mapped, also when refused.
[[nodiscard]] LoadResult load_plugin(const PluginFile& file,
                                     std::chrono::milliseconds probe_limit = kProbeLimit);

/// What Sampan offers to plug-ins.
[[nodiscard]] const sampan_host_t& host_table();

}  // namespace sampan::core
