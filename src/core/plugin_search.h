#pragma once

#include <string>
#include <vector>

namespace sampan::core {

/// A plug-in found by looking at files alone; nothing has been opened.
struct PluginFile {
  std::string name;      ///< by file name (in-tree) or manifest
  std::string path;      ///< the shared object, or the manifest if that was refused
  bool in_tree = false;  ///< ships with this library: trusted as the library itself is
  std::string refusal;   ///< why it won't be opened; empty if it may
};

/// Plug-ins in search order: those beside the library, then by manifest (*.json) in the system
/// folder, the user's data folder, and the folders or files of SAMPAN_PLUGIN_PATH. The latter two
/// are left out in privileged processes; the current folder is never looked at. A name found twice:
/// the later one is refused.
[[nodiscard]] std::vector<PluginFile> find_plugins();

}  // namespace sampan::core
