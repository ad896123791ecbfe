// What the tests of the native kernels share: guarded tensors, threads, instruction levels. Values
// and bounds come from kernels/reference.
#pragma once

#include <gtest/gtest.h>

#include <sys/mman.h>
#include <unistd.h>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <new>
#include <random>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "backends/cpu/native/isa.h"
#include "backends/cpu/native/types.h"
#include "reference/dtype.h"
#include "reference/view.h"

namespace sampan::cpu::native::test {

using reference::Dtype;

/// The levels that this CPU can run.
inline std::vector<IsaLevel> available_levels() {
  std::vector<IsaLevel> levels;
  for (const IsaLevel level : kIsaLevels) {
    if (level <= detect_isa()) levels.push_back(level);
  }
  return levels;
}

inline ElementType element_type(Dtype dtype) {
  switch (dtype) {
    case Dtype::kF16:
      return ElementType::f16;
    case Dtype::kBf16:
      return ElementType::bf16;
    case Dtype::kI8:
      return ElementType::i8;
    case Dtype::kI32:
      return ElementType::i32;
    default:
      return ElementType::f32;
  }
}

/// Bytes that end exactly at an unreadable page, filled with 0xff: a NaN in every float type, so
/// that using what was never written shows. Touching one byte past the end kills the test.
class GuardedMemory {
 public:
  explicit GuardedMemory(std::size_t bytes) : bytes_(bytes) {
    const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
    mapped_bytes_ = (bytes + page - 1) / page * page + page;
    mapped_ =
        ::mmap(nullptr, mapped_bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (mapped_ == MAP_FAILED) throw std::bad_alloc();
    auto* base = static_cast<std::byte*>(mapped_);
    begin_ = base + mapped_bytes_ - page - bytes;
    if (::mprotect(base + mapped_bytes_ - page, page, PROT_NONE) != 0) throw std::bad_alloc();
    poison();
  }
  ~GuardedMemory() { ::munmap(mapped_, mapped_bytes_); }
  GuardedMemory(const GuardedMemory&) = delete;
  GuardedMemory& operator=(const GuardedMemory&) = delete;

  [[nodiscard]] std::byte* data() const { return begin_; }
  void poison() const { std::memset(begin_, 0xff, bytes_); }
  [[nodiscard]] std::vector<std::byte> copy() const { return {begin_, begin_ + bytes_}; }

 private:
  std::size_t bytes_;
  std::size_t mapped_bytes_ = 0;
  void* mapped_ = nullptr;
  std::byte* begin_ = nullptr;
};

/// A workspace of exactly `bytes` (rounded up to the alignment), ending at an unreadable page.
class Workspace {
 public:
  explicit Workspace(std::size_t bytes)
      : bytes_(bytes),
        memory_((bytes + kWorkspaceAlignmentBytes - 1) / kWorkspaceAlignmentBytes *
                kWorkspaceAlignmentBytes) {}
  [[nodiscard]] void* data() const { return memory_.data(); }
  [[nodiscard]] std::size_t size_bytes() const { return bytes_; }

 private:
  std::size_t bytes_;
  GuardedMemory memory_;
};

/// A tensor in guarded memory with strides that may leave gaps, and its values as numbers.
template <int kRank>
class Tensor {
 public:
  using Index = typename reference::View<kRank>::Index;

  /// Row-major with `pad` unused elements after every innermost row.
  Tensor(Dtype dtype, const Index& shape, std::int64_t pad = 0)
      : Tensor(dtype, shape, padded_strides(shape, pad)) {}

  Tensor(Dtype dtype, const Index& shape, const Index& strides)
      : dtype_(dtype),
        shape_(shape),
        strides_(strides),
        memory_(static_cast<std::size_t>(extent_elems()) * reference::size_bytes(dtype)) {}

  /// Stores `next()` in every element, rounded to the type.
  template <class Next>
  void generate(Next&& next) {
    values_.clear();
    for_each([&](std::int64_t offset) {
      values_.push_back(reference::round_to(dtype_, next()));
      const auto bytes = reference::encode(dtype_, {&values_.back(), 1});
      std::memcpy(at(offset), bytes.data(), bytes.size());
    });
  }

  /// What memory holds now, compact and row-major.
  [[nodiscard]] std::vector<double> read() const {
    std::vector<double> result;
    for_each([&](std::int64_t offset) {
      result.push_back(reference::decode(dtype_, at(offset), 1).front());
    });
    return result;
  }

  /// Whether every byte that belongs to no element is still as it began.
  [[nodiscard]] testing::AssertionResult gaps_untouched() const {
    const std::size_t width = reference::size_bytes(dtype_);
    std::vector<std::byte> bytes = memory_.copy();
    for_each([&](std::int64_t offset) {
      std::memset(bytes.data() + static_cast<std::size_t>(offset) * width, 0xff, width);
    });
    for (std::size_t i = 0; i < bytes.size(); ++i) {
      if (bytes[i] != std::byte{0xff}) {
        return testing::AssertionFailure() << "byte " << i << " outside of the elements changed";
      }
    }
    return testing::AssertionSuccess();
  }

  [[nodiscard]] reference::View<kRank> view() const { return {values_.data(), shape_}; }
  [[nodiscard]] const std::vector<double>& values() const { return values_; }
  [[nodiscard]] const GuardedMemory& memory() const { return memory_; }
  [[nodiscard]] void* data() const { return memory_.data(); }
  [[nodiscard]] Dtype dtype() const { return dtype_; }
  [[nodiscard]] std::int64_t stride(int axis) const { return strides_[axis]; }

 private:
  static Index padded_strides(const Index& shape, std::int64_t pad) {
    Index strides{};
    std::int64_t step = 1;
    for (int axis = kRank - 1; axis >= 0; --axis) {
      strides[axis] = step;
      step = step * shape[axis] + (axis == kRank - 1 ? pad : 0);
    }
    return strides;
  }

  [[nodiscard]] std::int64_t extent_elems() const {
    std::int64_t last = 0;
    for (int axis = 0; axis < kRank; ++axis) {
      if (shape_[axis] == 0) return 0;
      last += (shape_[axis] - 1) * strides_[axis];
    }
    return last + 1;
  }

  [[nodiscard]] std::byte* at(std::int64_t offset) const {
    return memory_.data() + static_cast<std::size_t>(offset) * reference::size_bytes(dtype_);
  }

  template <class Body>
  void for_each(Body&& body, int axis = 0, std::int64_t offset = 0) const {
    if (axis == kRank) {
      body(offset);
      return;
    }
    for (std::int64_t i = 0; i < shape_[axis]; ++i) {
      for_each(body, axis + 1, offset + i * strides_[axis]);
    }
  }

  Dtype dtype_;
  Index shape_;
  Index strides_;
  GuardedMemory memory_;
  std::vector<double> values_;
};

/// The parts printed one after the other.
template <class... Parts>
std::string text_of(const Parts&... parts) {
  std::ostringstream text;
  (text << ... << parts);
  return text.str();
}

/// Integers of magnitude at most 4.
inline auto small_integers(unsigned seed) {
  return [engine = std::mt19937(seed)]() mutable {
    return static_cast<double>(static_cast<int>(engine() % 9) - 4);
  };
}

/// Multiples of 2^-7 in (-1, 1): exact in every float type, with sums that round in f32.
inline auto fractions(unsigned seed) {
  return [engine = std::mt19937(seed)]() mutable {
    return (static_cast<int>(engine() % 255) - 127) * 0x1p-7;
  };
}

/// A fork-join over real threads that take tasks in whatever order they come.
class ThreadedParallel {
 public:
  explicit ThreadedParallel(std::uint32_t threads) : threads_(threads) {}
  [[nodiscard]] Parallel get() { return {&run, this, threads_}; }

 private:
  static void run(void* context, std::uint32_t count, void (*task)(void*, std::uint32_t),
                  void* arg) {
    std::atomic<std::uint32_t> next{0};
    std::vector<std::thread> workers;
    for (std::uint32_t t = 0; t < static_cast<ThreadedParallel*>(context)->threads_; ++t) {
      workers.emplace_back([&] {
        for (std::uint32_t i = next++; i < count; i = next++) task(arg, i);
      });
    }
    for (std::thread& worker : workers) worker.join();
  }
  std::uint32_t threads_;
};

}  // namespace sampan::cpu::native::test
