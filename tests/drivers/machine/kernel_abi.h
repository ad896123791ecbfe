// Between the machine and the kernels that the emulated compiler made. Part of the kernels'
// prelude, so it includes nothing.
#pragma once

namespace sampan_emulator {

using Size = __SIZE_TYPE__;
using Bits64 = unsigned long long;

/// Changed with anything below; a module of another version is refused. One digit.
constexpr unsigned kAbi = 2;

/// Each thread of a block runs on a stack of this size, which begins at a multiple of it. Stacks
/// come in chunks, which begin at multiples of their size.
constexpr Size kStackBytes = Size{256} << 10;
constexpr Size kStacksPerChunk = 32;
constexpr Size kChunkBytes = kStackBytes * kStacksPerChunk;

struct Dim3 {
  unsigned x, y, z;
};

constexpr unsigned kMaxLanes = 64;
struct Lanes {
  struct alignas(16) Value {
    unsigned char bytes[16];
  };
  Value values[kMaxLanes];
  Bits64 present;  ///< the lanes that took part
};

/// In the array at the start of the chunk: the place is told by the stack's address, and neighbours
/// share cache sets no more than they must (161 ns a thread with a barrier, 231 where each was at
/// the start of its own stack; loaded EPYC Zen 5, 2026-11-23).
struct Thread {
  Dim3 index, block, block_size, grid_size;
  unsigned lane, warp, warp_size;
  void* dynamic_shared;
  /// Returns when all threads of the block that haven't ended have called it.
  void (*barrier)();
  /// Returns when all lanes of `mask` that haven't ended have called it with the same mask: what
  /// they gave, at most 16 bytes each. Valid until the lane's next exchange with that mask.
  const Lanes* (*exchange)(Bits64 mask, const void* value, Size bytes);
};

/// The running thread.
__attribute__((always_inline)) inline Thread& this_thread() {
  const auto address = reinterpret_cast<__UINTPTR_TYPE__>(__builtin_frame_address(0));
  return reinterpret_cast<Thread*>(address &
                                   ~(kChunkBytes - 1))[address / kStackBytes % kStacksPerChunk];
}

struct Argument {
  unsigned bytes, alignment;
  bool is_pointer;
};

/// What a module exports for each kernel, as sampan_emulator_NAME.
struct KernelEntry {
  unsigned abi;
  unsigned argument_count;
  const Argument* arguments;
  unsigned max_threads;  ///< of __launch_bounds__; 0 without
  /// Runs one thread; `arguments` points to each argument, device addresses as the program has
  /// them.
  void (*run)(void* const* arguments);
};

/// Device addresses carry it outside kernels.
constexpr Bits64 kDeviceBit = Bits64{1} << 62;

}  // namespace sampan_emulator
