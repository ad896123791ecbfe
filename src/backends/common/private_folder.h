#pragma once

#include <string>

#include "backends/common/unique_fd.h"

namespace sampan::common {

struct OpenedFolder {
  UniqueFd fd;         ///< empty where the folder was refused
  std::string reason;  ///< then one sentence that names the folder and the cause
};

/// Opens a folder whose contents will be loaded as code, creating it (and its missing parents)
/// with mode 0700.
///
/// Refused: a relative path, a symbolic link in the last place, anything that is not a folder, a
/// folder of another user than the effective one, a folder that group or others may write. All
/// checks are made on the opened descriptor; work relative to it (openat) and a later swap of
/// the path has no effect.
[[nodiscard]] OpenedFolder open_private_folder(const std::string& path);

}  // namespace sampan::common
