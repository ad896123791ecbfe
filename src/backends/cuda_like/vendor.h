#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "backends/common/bytes.h"
#include "backends/common/shared_library.h"
#include "backends/cuda_like/driver_api.h"
#include "sampan/plugin/backend.h"

namespace sampan::cuda_like {

/// A line of a driver's symbol table.
struct SymbolRow {
  template <typename Function>
  SymbolRow(const char* name, Entry<Function>* entry, const char* older_name = nullptr)
      : slot(name, &entry->function), older(older_name), symbol(&entry->symbol) {}

  /// As above, where the driver need not have the function.
  template <typename Function>
  static SymbolRow optional(const char* name, Entry<Function>* entry,
                            const char* older_name = nullptr) {
    SymbolRow row(name, entry, older_name);
    row.slot = {name, &entry->function, common::SymbolSlot::Need::kOptional};
    return row;
  }

  common::SymbolSlot slot;
  const char* older;  ///< another name to try, or null
  const char** symbol;
};

/// Numbers of device attributes; -1: the driver has none.
struct Attributes {
  int max_group_items;
  int max_group[3];
  int max_grid[3];
  int shared_bytes;
  int shared_optin_bytes;
  int warp_size;
  int max_pitch_bytes;
  int multiprocessors;
  int capability_major;
  int capability_minor;
  int cooperative_launch;
  int wait_value;
};

/// All that tells one driver of this family from another. A backend is this table, its `Shape` and
/// nothing else.
struct Vendor {
  const char* backend;     ///< "cuda"
  const char* title;       ///< in sentences: "CUDA"
  const char* maker;       ///< "NVIDIA Corporation"
  const char* build_id;    ///< see sampan_backend_t
  std::uint32_t language;  ///< SAMPAN_LANGUAGE_*
  const char* tile_class;
  Attributes attributes;

  std::span<const char* const> driver_libraries;  ///< sonames, best first
  std::vector<SymbolRow> (*driver_symbols)(DriverApi&);
  /// After the symbols are there: leaves out what the driver lacks.
  Shape (*shape)();
  std::string (*version_text)(int driver_version);

  const char* compiler;  ///< "NVRTC"
  std::span<const char* const> compiler_libraries;
  std::vector<SymbolRow> (*compiler_symbols)(CompilerApi&);
  const char* compiler_hint;            ///< how to get one, as the end of a sentence
  const char* const* compiler_options;  ///< besides the target and the definitions; ends with null

  /// What code is compiled for: "sm_90", "gfx90a". Empty where it can't be told.
  std::string (*isa)(Ordinal, int major, int minor);
  /// The option that makes the compiler give intermediate code for the driver to compile, for the
  /// best of `archs` that the device takes; empty where there is none.
  std::string (*fallback_arch)(std::span<const int> archs, int major, int minor);
  /// Why these bytes, which aren't the backend's own, are no code of this driver's; empty: maybe.
  std::string (*refusal)(common::ByteView image);
  /// Loading gives a log through the options of module_load.
  bool load_logs;
};

/// The one vendor that this plug-in is for.
[[nodiscard]] const Vendor& vendor();

}  // namespace sampan::cuda_like
