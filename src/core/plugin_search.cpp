#include "core/plugin_search.h"

#include <dlfcn.h>
#include <sys/auxv.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "core/environment.h"
#include "core/manifest.h"
#include "sampan/plugin/backend.h"

namespace sampan::core {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kPrefix = "libsampan_";
constexpr std::string_view kSuffix = ".so";

std::vector<fs::path> sorted_files(const fs::path& folder) {
  std::vector<fs::path> files;
  std::error_code ignored;
  for (fs::directory_iterator it(folder, ignored), end; !ignored && it != end;
       it.increment(ignored)) {
    files.push_back(it->path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

// <folder of libsampan.so>/sampan, in the build tree and when installed.
fs::path in_tree_folder() {
  Dl_info info{};
  if (::dladdr(reinterpret_cast<const void*>(&find_plugins), &info) == 0 ||
      info.dli_fname == nullptr) {
    return {};
  }
  std::error_code ignored;
  const fs::path library = fs::canonical(info.dli_fname, ignored);
  return ignored ? fs::path{} : library.parent_path() / "sampan";
}

std::vector<PluginFile> in_tree_plugins() {
  std::vector<PluginFile> found;
  for (const fs::path& file : sorted_files(in_tree_folder())) {
    const std::string name = file.filename().string();
    if (!name.starts_with(kPrefix) || !name.ends_with(kSuffix)) continue;
    found.push_back({name.substr(kPrefix.size(), name.size() - kPrefix.size() - kSuffix.size()),
                     file.string(),
                     true,
                     {}});
  }
  return found;
}

PluginFile refused(const fs::path& manifest, std::string name, std::string reason) {
  if (name.empty()) name = manifest.stem().string();
  return {std::move(name), manifest.string(), false, std::move(reason)};
}

// Why this host can't be the plug-in's, or empty. A plug-in older than the host is always taken.
std::string unsuitable_abi(const Manifest& manifest) {
  if (manifest.abi_major == SAMPAN_ABI_MAJOR && manifest.minor_min <= SAMPAN_ABI_MINOR) return {};
  const auto version = [](std::uint32_t major, std::uint32_t minor) {
    return std::to_string(major) + "." + std::to_string(minor);
  };
  return "its manifest asks for plug-in ABI " + version(manifest.abi_major, manifest.minor_min) +
         ", this Sampan speaks " + version(SAMPAN_ABI_MAJOR, SAMPAN_ABI_MINOR) +
         "; install a plug-in built for this Sampan";
}

PluginFile from_manifest(const fs::path& file) {
  if (std::string reason = untrusted_reason(file); !reason.empty()) {
    return refused(file, {}, std::move(reason));
  }
  std::ifstream in(file, std::ios::binary);
  std::string text(kMaxManifestBytes + 1, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(in.gcount()));
  std::string problem;
  const auto manifest = parse_manifest(text, problem);
  if (!manifest) {
    return refused(file, {}, "manifest " + file.string() + ": " + problem);
  }
  if (std::string reason = unsuitable_abi(*manifest); !reason.empty()) {
    return refused(file, manifest->name, std::move(reason));
  }
  const fs::path library = file.parent_path() / manifest->path;
  std::error_code missing;
  if (!fs::exists(library, missing)) {
    return refused(file, manifest->name,
                   "its manifest names " + library.string() + ", which doesn't exist");
  }
  if (std::string reason = untrusted_reason(library); !reason.empty()) {
    return refused(file, manifest->name, std::move(reason));
  }
  if (!manifest->sha256.empty() && manifest->sha256 != file_sha256(library)) {
    return refused(file, manifest->name,
                   library.string() + " doesn't have the SHA-256 that its manifest names");
  }
  return {manifest->name, library.string(), false, {}};
}

// Folders of manifests that need not exist.
std::vector<fs::path> standing_folders() {
  std::vector<fs::path> places = {SAMPAN_SYSCONF_DIR "/sampan/plugins"};
  if (::getauxval(AT_SECURE) != 0) return places;
  if (const std::string data = env("XDG_DATA_HOME"); !data.empty() && data[0] == '/') {
    places.push_back(fs::path(data) / "sampan/plugins");
  } else if (const std::string home = env("HOME"); !home.empty() && home[0] == '/') {
    places.push_back(fs::path(home) / ".local/share/sampan/plugins");
  }
  return places;
}

void add_folder(const fs::path& folder, std::vector<PluginFile>& found) {
  for (const fs::path& file : sorted_files(folder)) {
    if (file.extension() == ".json") found.push_back(from_manifest(file));
  }
}

// An item of SAMPAN_PLUGIN_PATH (empty in privileged processes): somebody asked for it, so what is
// wrong with it is shown.
void add_named_place(const fs::path& place, std::vector<PluginFile>& found) {
  std::error_code ignored;
  if (!place.is_absolute()) {
    found.push_back(refused(
        place, {},
        "SAMPAN_PLUGIN_PATH holds the relative path '" + place.string() + "'; write it absolute"));
  } else if (fs::is_directory(place, ignored)) {
    add_folder(place, found);
  } else if (fs::exists(place, ignored)) {
    found.push_back(from_manifest(place));
  } else {
    found.push_back(refused(
        place, {}, "SAMPAN_PLUGIN_PATH names " + place.string() + ", which can't be found"));
  }
}

}  // namespace

std::vector<PluginFile> find_plugins() {
  std::vector<PluginFile> found = in_tree_plugins();
  for (const fs::path& folder : standing_folders()) add_folder(folder, found);
  std::istringstream list(env("SAMPAN_PLUGIN_PATH"));
  for (std::string item; std::getline(list, item, ':');) {
    if (!item.empty()) add_named_place(item, found);
  }
  for (auto it = found.begin(); it != found.end(); ++it) {
    const auto first = std::find_if(found.begin(), it, [&](const PluginFile& other) {
      return other.name == it->name && other.refusal.empty();
    });
    if (first != it && it->refusal.empty()) {
      it->refusal = "a backend of the same name was found before, in " + first->path;
    }
  }
  return found;
}

}  // namespace sampan::core
