// Quantisation of weights in groups, and back.
#include <gtest/gtest.h>

#include <array>

#include "kernels/case.h"
#include "kernels/operation_test.h"
#include "kernels/types.h"
#include "reference/quantize.h"
#include "sampan/ops/sequence.h"
#include "support/gtest_compare.h"
#include "support/random_data.h"

namespace sampan::test {
namespace {

/// What the groups hold: numbers; some groups of zeros, some with one large number, some whose
/// largest is negative; numbers so small that an f16 scale vanishes.
enum class Data { normal, mixed, tiny };

struct QuantizeCase {
  std::int64_t n, groups, group_k;
  DType w = DType::f32, codes = DType::i8, scales = DType::f16;
  Data data = Data::normal;
  bool is_sample = false;
};

std::string name_of(const QuantizeCase& c) {
  constexpr std::array kData{"", "_mixed", "_tiny"};
  return dtype_name(c.w) + "_" + dtype_name(c.codes) + "g" + std::to_string(c.group_k) + "_" +
         dtype_name(c.scales) + "_" + std::to_string(c.n) + "x" + std::to_string(c.groups) +
         kData[static_cast<std::size_t>(c.data)];
}

std::int64_t k_of(const QuantizeCase& c) { return c.groups * c.group_k; }

std::vector<double> weights_of(const QuantizeCase& c) {
  const reference::Dtype dtype = reference_dtype(c.w);
  const auto count = static_cast<std::size_t>(c.n * k_of(c));
  std::vector<double> w =
      random_normal(count, c.data == Data::tiny ? 1e-7 : 0.5, dtype, seed_of(name_of(c)));
  if (c.data != Data::mixed) return w;
  const auto group_k = static_cast<std::size_t>(c.group_k);
  for (std::size_t begin = 0; begin < count; begin += group_k) {
    const std::size_t kind = begin / group_k % 3;
    if (kind == 0) std::fill_n(w.begin() + static_cast<std::ptrdiff_t>(begin), group_k, 0.0);
    if (kind == 1) w[begin + group_k / 2] = 100;
    if (kind == 2) w[begin + group_k - 1] = -64;
  }
  return w;
}

ops::QuantizeDesc describe(const QuantizeCase& c) {
  ops::QuantizeDesc desc;
  desc.n = static_cast<std::uint64_t>(c.n);
  desc.k = static_cast<std::uint64_t>(k_of(c));
  desc.group_k = static_cast<std::uint64_t>(c.group_k);
  desc.w_dtype = c.w;
  desc.q_dtype = c.codes;
  desc.scale_type = c.scales;
  return desc;
}

reference::QuantizeSpec spec_of(const QuantizeCase& c) {
  return {.codes = c.codes == DType::i4 ? reference::CodeType::kI4 : reference::CodeType::kI8,
          .group_k = c.group_k,
          .scale_type = reference_dtype(c.scales),
          .out = reference_dtype(c.w)};
}

/// Codes as bytes: one each, or two in one.
Layout codes_layout(const QuantizeCase& c) {
  const bool is_i4 = c.codes == DType::i4;
  return {is_i4 ? reference::Dtype::kU8 : reference::Dtype::kI8,
          {c.n, is_i4 ? k_of(c) / 2 : k_of(c)},
          {},
          3};
}
View codes_view(const QuantizeCase& c, const Tensor& tensor) {
  const auto k = static_cast<std::uint64_t>(k_of(c));
  return tensor.view_as(c.codes, std::array{static_cast<std::uint64_t>(c.n), k},
                        std::array{k, std::uint64_t{1}});
}

std::vector<double> unpacked(const QuantizeCase& c, const std::vector<double>& stored) {
  if (c.codes == DType::i8) return stored;
  std::vector<std::byte> bytes;
  for (const double byte : stored) bytes.push_back(static_cast<std::byte>(byte));
  return reference::unpack_i4(bytes, static_cast<std::size_t>(c.n * k_of(c)));
}

void run_quantize(const Target& target, const QuantizeCase& c) {
  OperationTest test(target);
  Tensor& w = test.input({reference_dtype(c.w), {c.n, k_of(c)}, {}, 1}, weights_of(c));
  Tensor& q = test.output(codes_layout(c));
  Tensor& scales = test.output({reference_dtype(c.scales), {c.n, c.groups}, {}, 2});
  const ops::QuantizePlan plan(target.device, describe(c));
  test.run(plan,
           [&](Stream& stream) { plan.run(stream, w.view(), codes_view(c, q), scales.view()); });
  const reference::View<2> weights(w.values().data(), {c.n, k_of(c)});
  test.expect_within(scales, reference::quantize_scales(weights, spec_of(c)));
  const std::vector<double> chosen = test.result(scales);
  EXPECT_TRUE(agrees(
      compare_within(unpacked(c, test.result(q)),
                     reference::quantize_codes(
                         weights, reference::View<2>(chosen.data(), {c.n, c.groups}), spec_of(c)),
                     reference::Dtype::kI8)));
}

void run_dequantize(const Target& target, const QuantizeCase& c) {
  OperationTest test(target);
  const auto count = static_cast<std::size_t>(c.n * k_of(c));
  const bool is_i4 = c.codes == DType::i4;
  const std::vector<double> codes =
      random_integers(count, is_i4 ? -8 : -127, is_i4 ? 7 : 127, seed_of(name_of(c)));
  std::vector<double> stored = codes;
  if (is_i4) {
    stored.clear();
    for (const std::byte pair : reference::pack_i4(codes)) {
      stored.push_back(std::to_integer<int>(pair));
    }
  }
  Tensor& q = test.input(codes_layout(c), stored);
  Tensor& scales = test.input(
      {reference_dtype(c.scales), {c.n, c.groups}, {}, 1},
      random_normal(static_cast<std::size_t>(c.n * c.groups), 0.1, reference_dtype(c.scales), 7));
  Tensor& w = test.output({reference_dtype(c.w), {c.n, k_of(c)}, {}, 3});
  const ops::DequantizePlan plan(target.device, describe(c));
  test.run(plan,
           [&](Stream& stream) { plan.run(stream, codes_view(c, q), scales.view(), w.view()); });
  test.expect_within(
      w, reference::dequantize(reference::View<2>(codes.data(), {c.n, k_of(c)}),
                               reference::View<2>(scales.values().data(), {c.n, c.groups}),
                               spec_of(c)));
}

}  // namespace

void add_quantize_cases(CaseList& cases) {
  const auto add = [&](const QuantizeCase& c) {
    cases.add({.suite = "quantize",
               .name = name_of(c),
               .body = [c](const Target& target) { run_quantize(target, c); },
               .is_sample = c.is_sample});
    cases.add({.suite = "dequantize",
               .name = name_of(c),
               .body = [c](const Target& target) { run_dequantize(target, c); },
               .is_sample = c.is_sample});
  };
  for (const auto& [w, codes, scales] : {std::tuple{DType::f32, DType::i8, DType::f16},
                                         {DType::f32, DType::i4, DType::f16},
                                         {DType::f32, DType::i8, DType::f32},
                                         {DType::bf16, DType::i4, DType::bf16},
                                         {DType::f16, DType::i8, DType::f16}}) {
    const QuantizeCase base{
        .n = 3, .groups = 2, .group_k = 32, .w = w, .codes = codes, .scales = scales};
    QuantizeCase c = base;
    c.is_sample = true;
    add(c);
    c = base;
    c.group_k = 128;
    c.n = 67;
    add(c);
    c = base;
    c.groups = 7;
    c.data = Data::mixed;
    add(c);
    c = base;
    c.n = 1;
    c.groups = 1;
    c.group_k = 96;
    add(c);
    c = base;
    c.data = Data::tiny;
    add(c);
    c = base;
    c.n = 0;
    add(c);
    c = base;
    c.groups = 0;
    add(c);
  }
}

}  // namespace sampan::test
