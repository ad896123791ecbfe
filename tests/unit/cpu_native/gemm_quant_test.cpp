// Products with weight-only quantised B against their definition in f64, at every instruction
// level.
#include <gtest/gtest.h>

#include "backends/cpu/native/gemm.h"
#include "reference/quantize.h"
#include "support.h"
#include "support/compare.h"
#include "support/gtest_compare.h"

namespace sampan::cpu::native::test {
namespace {

struct Shape {
  std::int64_t m, n, k, group_k;
};

// Few rows take the streaming path, more than 16 the packed one; groups of 96 are no power of two.
constexpr Shape kShapes[] = {
    {1, 1, 32, 32},   {1, 17, 64, 32},   {2, 5, 96, 96},    {3, 16, 128, 64},  {4, 33, 512, 128},
    {5, 47, 288, 96}, {16, 49, 320, 32}, {17, 49, 320, 32}, {33, 50, 576, 96}, {40, 97, 512, 256},
};

class Quantised : public testing::TestWithParam<std::tuple<ElementType, Dtype, Dtype>> {
 protected:
  [[nodiscard]] static ElementType codes_type() { return std::get<0>(GetParam()); }
  [[nodiscard]] static Dtype activations() { return std::get<1>(GetParam()); }
  [[nodiscard]] static Dtype scale_type() { return std::get<2>(GetParam()); }
};

/// Codes [n, k] in guarded memory, as the type stores them.
class Codes {
 public:
  Codes(ElementType type, std::int64_t n, std::int64_t k, unsigned seed)
      : memory_(static_cast<std::size_t>(storage_bytes(type, n * k))) {
    std::mt19937 engine(seed);
    for (std::int64_t i = 0; i < n * k; ++i) {
      values_.push_back(type == ElementType::i8 ? static_cast<int>(engine() % 255) - 127
                                                : static_cast<int>(engine() % 16) - 8);
    }
    const std::vector<std::byte> bytes = type == ElementType::i8
                                             ? reference::encode(Dtype::kI8, values_)
                                             : reference::pack_i4(values_);
    std::memcpy(memory_.data(), bytes.data(), bytes.size());
  }
  [[nodiscard]] const std::vector<double>& values() const { return values_; }
  [[nodiscard]] const void* data() const { return memory_.data(); }

 private:
  GuardedMemory memory_;
  std::vector<double> values_;
};

GemmDesc describe(const Shape& shape, ElementType codes, Dtype a, Dtype scale) {
  GemmDesc desc;
  desc.m = shape.m;
  desc.n = shape.n;
  desc.k = shape.k;
  desc.a = {element_type(a), shape.k, 0};
  desc.b = {codes, shape.k, 0};
  desc.d = {element_type(a), shape.n, 0};
  desc.transpose_b = true;
  desc.group_k = shape.group_k;
  desc.scale_type = element_type(scale);
  return desc;
}

TEST_P(Quantised, StaysWithinTheAPrioriBound) {
  for (const Shape& shape : kShapes) {
    SCOPED_TRACE(text_of(shape.m, "x", shape.n, "x", shape.k, " group ", shape.group_k));
    Tensor<2> a(activations(), {shape.m, shape.k});
    a.generate(fractions(1));
    const Codes codes(codes_type(), shape.n, shape.k, 2);
    Tensor<2> scales(scale_type(), {shape.n, shape.k / shape.group_k});
    scales.generate(fractions(3));
    reference::GemmSpec spec;
    spec.out = activations();
    const reference::Result expected = reference::gemm_quantized(
        a.view(), {codes.values().data(), {shape.n, shape.k}}, scales.view(), shape.group_k, spec);

    GemmDesc desc = describe(shape, codes_type(), activations(), scale_type());
    for (const IsaLevel isa : available_levels()) {
      for (const bool pack : {false, true}) {
        SCOPED_TRACE(text_of(isa_name(isa), pack ? " packed" : ""));
        Tensor<2> d(activations(), {shape.m, shape.n});
        GemmBuffers buffers{
            .a = a.data(), .b = codes.data(), .scales = scales.data(), .d = d.data()};
        const Workspace packed(pack ? gemm_packed_b_bytes(desc, isa) : 0);
        if (pack) {
          ASSERT_EQ(gemm_pack_b(desc, buffers, isa, serial(), packed.data(), packed.size_bytes()),
                    Status::ok);
          buffers.b = packed.data();
          buffers.scales = nullptr;
        }
        desc.packed_b = pack;
        const Workspace workspace(gemm_workspace_bytes(desc, isa, 1));
        ASSERT_EQ(gemm(desc, buffers, isa, serial(), workspace.data(), workspace.size_bytes()),
                  Status::ok);
        EXPECT_TRUE(
            sampan::test::agrees(sampan::test::compare_within(d.read(), expected, d.dtype())));
      }
    }
  }
}

TEST_P(Quantised, ThreadsDoNotChangeABit) {
  for (const std::int64_t m : {1, 7, 24}) {
    const Shape shape{m, 700, 512, 64};
    SCOPED_TRACE(m);
    Tensor<2> a(activations(), {shape.m, shape.k});
    a.generate(fractions(1));
    const Codes codes(codes_type(), shape.n, shape.k, 2);
    Tensor<2> scales(scale_type(), {shape.n, shape.k / shape.group_k});
    scales.generate(fractions(3));
    const GemmDesc desc = describe(shape, codes_type(), activations(), scale_type());
    Tensor<2> d(activations(), {shape.m, shape.n});
    const GemmBuffers buffers{
        .a = a.data(), .b = codes.data(), .scales = scales.data(), .d = d.data()};
    for (const IsaLevel isa : available_levels()) {
      SCOPED_TRACE(isa_name(isa));
      std::vector<std::byte> serial_bits;
      for (const std::uint32_t threads : {1u, 2u, 5u}) {
        ThreadedParallel parallel(threads);
        const Workspace workspace(gemm_workspace_bytes(desc, isa, threads));
        d.memory().poison();
        ASSERT_EQ(
            gemm(desc, buffers, isa, parallel.get(), workspace.data(), workspace.size_bytes()),
            Status::ok);
        if (threads == 1) serial_bits = d.memory().copy();
        EXPECT_EQ(d.memory().copy(), serial_bits) << threads << " threads";
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Native, Quantised,
                         testing::Combine(testing::Values(ElementType::i8, ElementType::i4),
                                          testing::Values(Dtype::kF32, Dtype::kBf16),
                                          testing::Values(Dtype::kF16, Dtype::kBf16, Dtype::kF32)));

TEST(GemmQuantised, RefusesWhatItCannotRun) {
  const Shape shape{4, 8, 64, 32};
  const GemmDesc good = describe(shape, ElementType::i4, Dtype::kF32, Dtype::kF16);
  EXPECT_EQ(gemm_check(good), Status::ok);
  GemmDesc desc = good;
  desc.group_k = 48;
  EXPECT_EQ(gemm_check(desc), Status::invalid_argument);
  desc = good;
  desc.b.row_stride = 65;
  EXPECT_EQ(gemm_check(desc), Status::invalid_argument);
  desc = good;
  desc.transpose_b = false;
  EXPECT_EQ(gemm_check(desc), Status::unsupported);
  desc = good;
  desc.batch = 2;
  desc.b.batch_stride = 8 * 64;
  EXPECT_EQ(gemm_check(desc), Status::unsupported);
  desc = good;
  desc.scale_type = ElementType::i32;
  EXPECT_EQ(gemm_check(desc), Status::unsupported);
}

}  // namespace
}  // namespace sampan::cpu::native::test
