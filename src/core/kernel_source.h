#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/module.h"

namespace sampan::core {

/// A file of kernels/ compiled into the library (generated at build time).
struct EmbeddedFile {
  std::string_view name;  ///< "gemm.k", "dialect/sampan_kernel.h"
  std::string_view text;
};
[[nodiscard]] std::span<const EmbeddedFile> embedded_kernels();

/// The text of `<name>.k`; empty if there is no such file.
[[nodiscard]] std::string_view builtin_kernel(std::string_view name);

/// One self-contained text for a compiler of `language` (SAMPAN_LANGUAGE_*): the dialect's headers
/// spliced in where the text includes them, those of other languages left out, with #line so that
/// messages name the caller's lines. For the CPU every kernel found is exported at the end.
/// invalid_argument: an #include "…" that is not of the dialect.
[[nodiscard]] std::string flatten(std::string_view text, std::string_view name,
                                  std::uint32_t language);

/// Entry points: what stands behind KERNEL( and KERNEL_FLAT(, comments left out.
[[nodiscard]] std::vector<std::string> kernel_names(std::string_view text);

/// How the kernel uses each parameter, by its declaration (`const GLOBAL f32* x` is read); empty if
/// the text has no such kernel.
[[nodiscard]] std::vector<Access> kernel_accesses(std::string_view text, std::string_view kernel);

/// Size of each parameter that is a scalar of the dialect, 0 for others; empty as above.
[[nodiscard]] std::vector<std::uint32_t> kernel_value_bytes(std::string_view text,
                                                            std::string_view kernel);

}  // namespace sampan::core
