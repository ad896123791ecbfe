// Runs one operation of a plan on guarded tensors and checks everything but the numbers.
#pragma once

#include <deque>
#include <functional>
#include <span>
#include <vector>

#include "kernels/target.h"
#include "sampan/ops/plan.h"
#include "sampan/stream.h"
#include "sampan/view.h"
#include "support/canary.h"
#include "support/compare.h"

namespace sampan::test {

/// A strided tensor between guards, on the device and as numbers on the host.
class Tensor {
 public:
  Tensor(const Device& device, const Layout& layout, Filler filler);

  /// The numbers that the device gets, row-major and compact: for the reference.
  [[nodiscard]] const std::vector<double>& values() const { return values_; }
  void set(std::vector<double> values);

  /// The tensor as its layout says.
  [[nodiscard]] View view() const;
  /// The same memory under another type, shape and strides (in elements of that type).
  [[nodiscard]] View view_as(DType dtype, std::span<const std::uint64_t> shape,
                             std::span<const std::uint64_t> strides) const;

  void upload(Stream& stream) const;
  /// The memory as it is on the device, guards included; waits for the stream.
  [[nodiscard]] std::vector<std::byte> download(Stream& stream) const;

  [[nodiscard]] const GuardedBuffer& guarded() const { return guarded_; }

 private:
  GuardedBuffer guarded_;
  std::vector<double> values_;
  Buffer buffer_;
};

/// Makes plans for the target's provider, runs one three times and checks that
/// - the plan names that provider, and says why for each candidate;
/// - runs allocate nothing from the device's pool (the provider "host" may);
/// - no byte around a result is written, and none of an input;
/// - every run gives the same bits.
class OperationTest {
 public:
  explicit OperationTest(const Target& target);

  [[nodiscard]] const Device& device() const { return target_.device; }
  [[nodiscard]] Stream& stream() { return stream_; }

  /// Holds `values`; every other byte is poison, which spoils a result that reads it.
  Tensor& input(const Layout& layout, std::vector<double> values);
  /// Holds nothing that means anything.
  Tensor& output(const Layout& layout);
  /// Written and, before, read: starts each run as `values`.
  Tensor& in_out(const Layout& layout, std::vector<double> values);

  void run(const ops::Plan& plan, const std::function<void(Stream&)>& enqueue);

  /// The numbers that the first run wrote.
  [[nodiscard]] std::vector<double> result(const Tensor& output) const;
  /// The bytes that the first run left, guards included.
  [[nodiscard]] const std::vector<std::byte>& memory(const Tensor& output) const;

  /// Each number within the reference's bound, for results of type `output` has.
  void expect_within(const Tensor& output, const reference::Result& expected) const;
  /// Each number equal to the reference's, rounded to the output's type.
  void expect_exact(const Tensor& output, std::span<const double> expected) const;

 private:
  struct Result {
    const Tensor* tensor;
    std::vector<std::byte> memory;  // after the first run
  };
  void run_once(const std::function<void(Stream&)>& enqueue, bool is_first);

  Target target_;
  ForcedProvider forced_;
  Stream stream_;
  std::deque<Tensor> tensors_;  // deque: references stay valid
  std::vector<const Tensor*> inputs_;
  std::vector<Result> results_;
};

/// Checks what `plan.why()` says about a plan that was made for `target`.
void expect_provider(const ops::Plan& plan, const Target& target);

/// Row-major and contiguous, or with room behind each row and a start that is not aligned.
[[nodiscard]] Layout make_layout(DType dtype, std::vector<std::int64_t> shape, bool padded);

}  // namespace sampan::test
