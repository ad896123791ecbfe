#include "kernels/gemm_test.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

#include "kernels/operation_test.h"
#include "kernels/types.h"
#include "reference/gemm.h"
#include "reference/quantize.h"
#include "support/random_data.h"

namespace sampan::test {
namespace {

using reference::Dtype;
using Matrices = reference::View<3>;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

bool is_weight_only(const GemmCase& gemm) { return gemm.desc.group_k > 0; }

/// The operands of one case on a device, and what the reference makes of them.
class GemmTest {
 public:
  GemmTest(const Target& target, const GemmCase& gemm)
      : test_(target), gemm_(gemm), desc_(gemm.desc), seed_(seed_of(name_of(gemm))) {
    batch_ = static_cast<std::int64_t>(desc_.batch);
    m_ = static_cast<std::int64_t>(desc_.m);
    n_ = static_cast<std::int64_t>(desc_.n);
    k_ = static_cast<std::int64_t>(desc_.k);
  }

  void run() {
    make_factors();
    make_result();
    const ops::GemmPlan plan(test_.device(), desc_);
    test_.run(plan, [&](Stream& stream) { plan.run(stream, args_); });
    const reference::Result expected = expected_result();
    if (gemm_.is_exact || desc_.d == DType::i32) {
      test_.expect_exact(*d_, expected.value);
    } else {
      test_.expect_within(*d_, expected);
    }
  }

 private:
  [[nodiscard]] std::vector<double> numbers(DType dtype, std::int64_t count) {
    const auto size = static_cast<std::size_t>(count);
    ++seed_;
    if (dtype == DType::i8) return random_integers(size, -128, 127, seed_);
    if (!gemm_.is_exact) return random_normal(size, 1.0, reference_dtype(dtype), seed_);
    const std::int64_t range = std::max<std::int64_t>(1, exact_integer_range(4 * k_ + 8));
    return random_integers(size, -range, range, seed_);
  }

  /// A matrix for each batch, or one for all. Sets the leading dimension and the batch stride.
  [[nodiscard]] Layout layout(DType dtype, std::int64_t rows, std::int64_t cols, bool is_shared,
                              std::uint64_t& ld, std::uint64_t* batch_stride) const {
    const bool has_batches = batch_ != 1 && !is_shared;
    Layout made = has_batches ? make_layout(dtype, {batch_, rows, cols}, gemm_.is_padded)
                              : make_layout(dtype, {rows, cols}, gemm_.is_padded);
    ld = gemm_.is_padded ? static_cast<std::uint64_t>(made.strides[made.strides.size() - 2]) : 0;
    if (batch_stride != nullptr) {
      *batch_stride = has_batches ? static_cast<std::uint64_t>(made.strides[0]) : 0;
    }
    return made;
  }

  [[nodiscard]] std::int64_t count(const Layout& made) const {
    std::int64_t elems = 1;
    for (const std::int64_t extent : made.shape) elems *= extent;
    return elems;
  }

  /// The tensor's numbers as [batch, rows, cols]; as [1, batch * rows, cols] for quantised weights,
  /// which all batches share.
  [[nodiscard]] Matrices matrices(const Tensor& tensor) const {
    const std::vector<std::int64_t>& shape = tensor.guarded().layout().shape;
    const std::int64_t rows = shape[shape.size() - 2];
    const std::int64_t cols = shape[shape.size() - 1];
    if (is_weight_only(gemm_) && shape.size() == 3) {
      return Matrices(tensor.values().data(), {1, batch_ * rows, cols});
    }
    const std::int64_t stride = shape.size() == 3 ? rows * cols : 0;
    return Matrices(tensor.values().data(), {batch_, rows, cols}, {stride, cols, 1});
  }

  Tensor& random_input(const Layout& made, DType dtype) {
    return test_.input(made, numbers(dtype, count(made)));
  }

  void make_factors() {
    const Layout a =
        desc_.a_transposed
            ? layout(desc_.a, k_, m_, gemm_.shares_a, desc_.lda, &desc_.a_batch_stride)
            : layout(desc_.a, m_, k_, gemm_.shares_a, desc_.lda, &desc_.a_batch_stride);
    a_ = &random_input(a, desc_.a);
    args_.a = a_->view();
    if (is_weight_only(gemm_)) return make_codes();
    const Layout b =
        desc_.b_transposed
            ? layout(desc_.b, n_, k_, gemm_.shares_b, desc_.ldb, &desc_.b_batch_stride)
            : layout(desc_.b, k_, n_, gemm_.shares_b, desc_.ldb, &desc_.b_batch_stride);
    b_ = &random_input(b, desc_.b);
    args_.b = b_->view();
  }

  void make_codes() {
    const bool is_i4 = desc_.b == DType::i4;
    const std::int64_t per_byte = is_i4 ? 2 : 1;
    codes_ = random_integers(static_cast<std::size_t>(n_ * k_), is_i4 ? -8 : -127, is_i4 ? 7 : 127,
                             ++seed_);
    std::vector<double> bytes = codes_;
    if (is_i4) {
      bytes.clear();
      for (const std::byte packed : reference::pack_i4(codes_)) {
        bytes.push_back(std::to_integer<int>(packed));
      }
    }
    const Layout made =
        make_layout(is_i4 ? DType::u8 : DType::i8, {n_, k_ / per_byte}, gemm_.is_padded);
    b_ = &test_.input(made, bytes);
    const auto ld = static_cast<std::uint64_t>(made.strides[0] * per_byte);
    desc_.ldb = gemm_.is_padded ? ld : 0;
    args_.b = b_->view_as(desc_.b, std::array{desc_.n, desc_.k}, std::array{ld, std::uint64_t{1}});
    make_scales();
  }

  void make_scales() {
    const auto groups = k_ / static_cast<std::int64_t>(desc_.group_k);
    std::vector<double> scales = random_normal(static_cast<std::size_t>(n_ * groups), 0.05,
                                               reference_dtype(desc_.scale_type), ++seed_);
    for (double& scale : scales) scale = gemm_.is_exact ? (scale > 0 ? 1 : 0.5) : std::fabs(scale);
    scales_ = &test_.input(make_layout(desc_.scale_type, {n_, groups}, false), scales);
    args_.scales = scales_->view();
  }

  void make_result() {
    const Layout made = layout(desc_.d, m_, n_, false, desc_.ldd, &desc_.d_batch_stride);
    const std::int64_t elems = count(made);
    std::uint64_t residual_batch_stride = 0;  // that of D, by definition
    if (desc_.has_residual) {
      const Layout rows = layout(desc_.d, m_, n_, false, desc_.ld_residual, &residual_batch_stride);
      Tensor& residual = gemm_.residual_is_d ? test_.in_out(rows, numbers(desc_.d, elems))
                                             : random_input(rows, desc_.d);
      residual_ = &residual;
      args_.residual = residual.view();
      if (gemm_.residual_is_d) d_ = &residual;
    }
    if (d_ == nullptr) {
      const bool reads_d = desc_.beta != 0 && gemm_.c == GemmCase::C::is_d;
      d_ =
          &test_.in_out(made, reads_d ? numbers(desc_.d, elems)
                                      : std::vector<double>(static_cast<std::size_t>(elems), kNan));
    }
    args_.d = d_->view();
    make_c(elems);
    if (desc_.has_bias) {
      bias_ = &random_input(make_layout(desc_.d, {n_}, gemm_.is_padded), desc_.d);
      args_.bias = bias_->view();
    }
  }

  // Without beta, C is a matrix of NaN that nobody may read.
  void make_c(std::int64_t elems) {
    if (desc_.d == DType::i32) return;
    const Layout made = layout(desc_.d, m_, n_, false, desc_.ldc, &desc_.c_batch_stride);
    if (desc_.beta == 0) {
      c_ = &test_.input(made, std::vector<double>(static_cast<std::size_t>(elems), kNan));
    } else if (gemm_.c == GemmCase::C::is_d) {
      c_ = d_;
    } else {
      c_ = &random_input(made, desc_.d);
    }
    args_.c = c_->view();
  }

  [[nodiscard]] reference::GemmSpec spec() const {
    reference::GemmSpec made;
    made.alpha = desc_.alpha;
    made.beta = desc_.beta;
    if (c_ != nullptr) made.c = matrices(*c_);
    if (bias_ != nullptr) made.bias = reference::View<1>(bias_->values().data(), {n_});
    if (residual_ != nullptr) made.residual = matrices(*residual_);
    if (desc_.activation == ops::Activation::silu) made.activation = reference::Activation::kSilu;
    if (desc_.activation == ops::Activation::gelu) {
      made.activation = reference::Activation::kGeluTanh;
    }
    made.out = reference_dtype(desc_.d);
    return made;
  }

  [[nodiscard]] reference::Result expected_result() const {
    const Matrices a = desc_.a_transposed ? matrices(*a_).swapped(1, 2) : matrices(*a_);
    if (!is_weight_only(gemm_)) {
      const Matrices b = desc_.b_transposed ? matrices(*b_).swapped(1, 2) : matrices(*b_);
      return reference::gemm(a, b, spec());
    }
    const auto group_k = static_cast<std::int64_t>(desc_.group_k);
    const reference::View<2> codes(codes_.data(), {n_, k_});
    const reference::View<2> scales(scales_->values().data(), {n_, k_ / group_k});
    return reference::gemm_quantized(a.slice(0), codes, scales, group_k, spec());
  }

  OperationTest test_;
  const GemmCase& gemm_;
  ops::GemmDesc desc_;
  std::uint64_t seed_;
  std::int64_t batch_ = 1, m_ = 0, n_ = 0, k_ = 0;
  ops::GemmArgs args_;
  Tensor *a_ = nullptr, *b_ = nullptr, *c_ = nullptr, *d_ = nullptr;
  Tensor *bias_ = nullptr, *residual_ = nullptr, *scales_ = nullptr;
  std::vector<double> codes_;
};

std::string types_of(const ops::GemmDesc& d) {
  if (d.group_k > 0) {
    return dtype_name(d.a) + "_" + dtype_name(d.b) + "g" + std::to_string(d.group_k) + "_" +
           dtype_name(d.scale_type) + (d.d == d.a ? "" : "_" + dtype_name(d.d));
  }
  if (d.a == d.b && (d.d == d.a || d.d == DType::i32)) return dtype_name(d.a);
  return dtype_name(d.a) + "_" + dtype_name(d.b) + "_" + dtype_name(d.d);
}

/// 1.5 as "1p5", -2 as "n2".
std::string number_name(float number) {
  std::string text = std::to_string(number);
  text.erase(text.find_last_not_of('0') + 1);
  if (text.back() == '.') text.pop_back();
  std::replace(text.begin(), text.end(), '.', 'p');
  std::replace(text.begin(), text.end(), '-', 'n');
  return text;
}

}  // namespace

std::string name_of(const GemmCase& gemm) {
  const ops::GemmDesc& d = gemm.desc;
  std::string name = types_of(d) + "_m" + std::to_string(d.m) + "_n" + std::to_string(d.n) + "_k" +
                     std::to_string(d.k);
  const auto mark = [&](bool is_so, const std::string& text) {
    if (is_so) name += "_" + text;
  };
  mark(d.batch != 1, "batch" + std::to_string(d.batch));
  mark(d.a_transposed, "ta");
  mark(d.b_transposed && d.group_k == 0, "tb");
  mark(gemm.shares_a, "one_a");
  mark(gemm.shares_b, "one_b");
  mark(d.b_constant, "constant_b");
  mark(d.alpha != 1, "alpha" + number_name(d.alpha));
  mark(d.beta != 0, "beta" + number_name(d.beta));
  mark(d.beta != 0 && gemm.c == GemmCase::C::apart, "c_apart");
  mark(d.has_bias, "bias");
  mark(d.activation == ops::Activation::silu, "silu");
  mark(d.activation == ops::Activation::gelu, "gelu");
  mark(d.has_residual, gemm.residual_is_d ? "residual_in_place" : "residual");
  mark(gemm.is_padded, "padded");
  mark(gemm.is_exact, "exact");
  return name;
}

void add_gemm(CaseList& cases, const std::string& suite, const GemmCase& gemm) {
  cases.add({.suite = suite,
             .name = name_of(gemm),
             .body = [gemm](const Target& target) { GemmTest(target, gemm).run(); },
             .is_native = true,
             .is_sample = gemm.is_sample});
}

}  // namespace sampan::test
