// Element types, status codes and the fork-join interface shared by every native CPU operation.
#pragma once

#include <cstddef>
#include <cstdint>

namespace sampan::cpu::native {

/// How a matrix element is stored. `f16` is IEEE binary16, `bf16` the upper half of an f32.
/// `i4` holds value + 8 in four bits, two to a byte, the even index in the low half.
enum class ElementType : std::uint8_t { f32, f16, bf16, i8, i4, i32 };

/// True for the three floating types.
[[nodiscard]] constexpr bool is_float(ElementType type) noexcept {
  return type == ElementType::f32 || type == ElementType::f16 || type == ElementType::bf16;
}

/// Bytes that `count_elems` contiguous elements take; `count_elems` must be even for i4.
[[nodiscard]] constexpr std::int64_t storage_bytes(ElementType type,
                                                   std::int64_t count_elems) noexcept {
  switch (type) {
    case ElementType::f32:
    case ElementType::i32:
      return count_elems * 4;
    case ElementType::f16:
    case ElementType::bf16:
      return count_elems * 2;
    case ElementType::i8:
      return count_elems;
    case ElementType::i4:
      return count_elems / 2;
  }
  return 0;
}

/// Result of a native call. Nothing has been written unless it is `ok`.
enum class [[nodiscard]] Status : std::uint8_t{
    ok,
    unsupported,          ///< this combination of types or layouts has no native kernel
    invalid_argument,     ///< a negative extent, a stride smaller than its row, a null operand
    workspace_too_small,  ///< fewer bytes than the matching *_workspace_bytes asked for
};

/// Runs `task(arg, 0) ... task(arg, task_count - 1)`, each exactly once, in any order and on any
/// threads, and returns when all have ended. Results never depend on which thread ran a task.
struct Parallel {
  void (*run)(void* context, std::uint32_t task_count, void (*task)(void* arg, std::uint32_t index),
              void* arg);
  void* context;
  std::uint32_t threads;  ///< how many tasks can run at once; at least 1
};

/// Runs every task on the calling thread, in order.
[[nodiscard]] Parallel serial() noexcept;

/// Alignment of every workspace and packed buffer.
inline constexpr std::size_t kWorkspaceAlignmentBytes = 64;

}  // namespace sampan::cpu::native
