#include "kernels/operation_test.h"

#include <algorithm>
#include <utility>

#include "kernels/types.h"
#include "support/gtest_compare.h"

namespace sampan::test {
namespace {

constexpr int kRuns = 3;
// Neither a multiple of a vector nor of 4 bytes in any type.
constexpr std::int64_t kPadElems = 5;
constexpr std::int64_t kOffsetElems = 3;

std::vector<std::uint64_t> unsigned_of(const std::vector<std::int64_t>& numbers) {
  return {numbers.begin(), numbers.end()};
}

}  // namespace

Tensor::Tensor(const Device& device, const Layout& layout, Filler filler)
    : guarded_(layout, filler), buffer_(device.allocate(guarded_.image().size())) {}

void Tensor::set(std::vector<double> values) {
  guarded_.set(values);
  values_ = std::move(values);
}

View Tensor::view() const {
  const Layout& layout = guarded_.layout();
  return view_as(library_dtype(layout.dtype), unsigned_of(layout.shape),
                 unsigned_of(layout.strides));
}

View Tensor::view_as(DType dtype, std::span<const std::uint64_t> shape,
                     std::span<const std::uint64_t> strides) const {
  return View(buffer_, dtype, shape, strides, guarded_.first_element_bytes());
}

void Tensor::upload(Stream& stream) const {
  stream.copy_from_host(buffer_.view(DType::u8), guarded_.image());
}

std::vector<std::byte> Tensor::download(Stream& stream) const {
  std::vector<std::byte> memory(guarded_.image().size());
  stream.copy_to_host(std::span(memory), buffer_.view(DType::u8));
  stream.synchronize();
  return memory;
}

OperationTest::OperationTest(const Target& target)
    : target_(target), forced_(target.provider), stream_(target.device.create_stream()) {}

Tensor& OperationTest::input(const Layout& layout, std::vector<double> values) {
  Tensor& tensor = tensors_.emplace_back(device(), layout, Filler::kPoison);
  tensor.set(std::move(values));
  tensor.upload(stream_);
  inputs_.push_back(&tensor);
  return tensor;
}

Tensor& OperationTest::output(const Layout& layout) {
  Tensor& tensor = tensors_.emplace_back(device(), layout, Filler::kCanary);
  results_.push_back({&tensor, {}});
  return tensor;
}

Tensor& OperationTest::in_out(const Layout& layout, std::vector<double> values) {
  Tensor& tensor = output(layout);
  tensor.set(std::move(values));
  return tensor;
}

void OperationTest::run(const ops::Plan& plan, const std::function<void(Stream&)>& enqueue) {
  expect_provider(plan, target_);
  for (int run = 0; run < kRuns; ++run) run_once(enqueue, run == 0);
  for (const Tensor* tensor : inputs_) {
    EXPECT_TRUE(untouched(tensor->guarded().any_write(tensor->download(stream_)))) << "in an input";
  }
  for (const Result& result : results_) {
    EXPECT_TRUE(untouched(result.tensor->guarded().stray_write(result.memory)))
        << "around a result";
  }
}

void OperationTest::run_once(const std::function<void(Stream&)>& enqueue, bool is_first) {
  for (const Result& result : results_) result.tensor->upload(stream_);
  stream_.synchronize();
  const std::uint64_t allocations = device().pool_stats().allocations;
  enqueue(stream_);
  if (!target_.is_host()) {
    EXPECT_EQ(device().pool_stats().allocations, allocations) << "a run allocated memory";
  }
  for (Result& result : results_) {
    std::vector<std::byte> memory = result.tensor->download(stream_);
    if (is_first) {
      result.memory = std::move(memory);
    } else {
      EXPECT_LT(first_difference(memory, result.memory), 0) << "two runs differ at that byte";
    }
  }
}

const std::vector<std::byte>& OperationTest::memory(const Tensor& output) const {
  const auto found = std::find_if(results_.begin(), results_.end(),
                                  [&](const Result& result) { return result.tensor == &output; });
  return found->memory;
}

std::vector<double> OperationTest::result(const Tensor& output) const {
  return output.guarded().elements(memory(output));
}

void OperationTest::expect_within(const Tensor& output, const reference::Result& expected) const {
  EXPECT_TRUE(agrees(compare_within(result(output), expected, output.guarded().layout().dtype)));
}

void OperationTest::expect_exact(const Tensor& output, std::span<const double> expected) const {
  EXPECT_TRUE(agrees(compare_exact(result(output), expected, output.guarded().layout().dtype)));
}

void expect_provider(const ops::Plan& plan, const Target& target) {
  const std::vector<ops::Candidate>& candidates = plan.why();
  ASSERT_EQ(candidates.size(), 3u) << "backend, portable and host are always considered";
  EXPECT_TRUE(candidates.front().chosen);
  EXPECT_EQ(candidates.front().provider, target.provider);
  EXPECT_FALSE(candidates.front().name.empty());
  for (const ops::Candidate& candidate : candidates) {
    EXPECT_FALSE(candidate.reason.empty()) << candidate.provider;
    EXPECT_EQ(candidate.chosen, &candidate == &candidates.front()) << candidate.provider;
  }
  EXPECT_EQ(plan.device(), target.device);
}

Layout make_layout(DType dtype, std::vector<std::int64_t> shape, bool padded) {
  Layout layout{reference_dtype(dtype), std::move(shape), {}, 0};
  layout.strides.resize(layout.shape.size());
  std::int64_t step = 1;
  for (std::size_t axis = layout.shape.size(); axis-- > 0;) {
    layout.strides[axis] = step;
    const bool is_row = axis + 1 == layout.shape.size();
    step *= std::max<std::int64_t>(layout.shape[axis], 1);
    if (padded && is_row) step += kPadElems;
  }
  if (padded) layout.offset = kOffsetElems;
  return layout;
}

}  // namespace sampan::test
