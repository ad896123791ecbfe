#include "ops/gemm_desc.h"

#include <string>

#include "ops/operand.h"
#include "sampan/error.h"

namespace sampan::ops {
namespace {

[[noreturn]] void refuse(const std::string& why) {
  throw Error(ErrorCode::invalid_argument, "this gemm makes no sense: " + why);
}

void check_weight_only(const GemmDesc& d) {
  if (d.b != DType::i8 && d.b != DType::i4) refuse("weight-only needs B of i8 or i4");
  if (!is_float(d.a) || !is_float(d.d) || !is_float(d.scale_type)) {
    refuse("weight-only needs A, D and the scales in f32, f16 or bf16");
  }
  if (!d.b_transposed) refuse("weight-only needs b_transposed: B is stored [n, k]");
  if (d.group_k % 32 != 0 || d.k % d.group_k != 0) {
    refuse("group_k must be a multiple of 32 that divides k");
  }
  if (d.b == DType::i4 && (d.ldb % 2 != 0 || (d.batch > 1 && d.b_batch_stride % 2 != 0))) {
    refuse("the strides of an i4 B must be even, as each row starts at a byte");
  }
}

void check_types(const GemmDesc& d) {
  if (is_weight_only(d)) return check_weight_only(d);
  if (d.a == DType::i8 && d.b == DType::i8 && d.d == DType::i32) {
    if (d.alpha != 1.0f || d.beta != 0.0f || d.has_bias || d.has_residual ||
        d.activation != Activation::none) {
      refuse("the product of integers takes no alpha, beta, bias, residual or activation");
    }
    return;
  }
  if (!is_float(d.a) || !is_float(d.b) || !is_float(d.d)) {
    refuse("A, B and D must be f32, f16 or bf16, or i8, i8 and i32");
  }
  if (d.b != d.a && d.a != DType::f32) refuse("B has A's type, or a narrow one under an f32 A");
  if (d.d != d.a && d.d != DType::f32) refuse("D has A's type or f32");
}

std::uint64_t or_dense(std::uint64_t ld, std::uint64_t row) { return ld != 0 ? ld : row; }

void check_aliases(const GemmDesc& d, const GemmLayout& layout, const GemmArgs& args) {
  const auto check = [&](const char* name, const View& view, std::uint64_t ld,
                         std::uint64_t batch_stride) {
    const bool same = ld == layout.ldd && (d.batch <= 1 || batch_stride == d.d_batch_stride);
    if (same_place(view, args.d) && !same) {
      refuse(std::string(name) + " lies where D does and must have the same strides");
    }
  };
  if (d.beta != 0) check("C", args.c, layout.ldc, d.c_batch_stride);
  if (d.has_residual) check("the residual", args.residual, layout.ldr, d.d_batch_stride);
}

}  // namespace

GemmLayout check_gemm(const GemmDesc& d) {
  check_types(d);
  const std::uint64_t a_row = d.a_transposed ? d.m : d.k, b_row = d.b_transposed ? d.k : d.n;
  const GemmLayout layout{or_dense(d.lda, a_row), or_dense(d.ldb, b_row), or_dense(d.ldc, d.n),
                          or_dense(d.ldd, d.n), or_dense(d.ld_residual, d.n)};
  if (layout.lda < a_row || layout.ldb < b_row || layout.ldc < d.n || layout.ldd < d.n ||
      layout.ldr < d.n) {
    refuse("a leading dimension is below the row it holds");
  }
  if (d.batch > 1 && d.d_batch_stride == 0 && d.m > 0 && d.n > 0) {
    refuse("d_batch_stride is 0: every batch would write the same D");
  }
  return layout;
}

void check_gemm_args(const GemmDesc& d, const GemmLayout& layout, const GemmArgs& args) {
  const auto operand = [&](const char* name, const View& view, DType dtype, std::uint64_t rows,
                           std::uint64_t cols, std::uint64_t ld, std::uint64_t batch_stride) {
    if (rows == 0 || cols == 0) return;
    check_operand(view, d.batch > 1 && batch_stride != 0
                            ? make_operand(name, dtype, {d.batch, rows, cols}, {batch_stride, ld})
                            : make_operand(name, dtype, {rows, cols}, {ld}));
  };
  operand("a", args.a, d.a, d.a_transposed ? d.k : d.m, d.a_transposed ? d.m : d.k, layout.lda,
          d.a_batch_stride);
  operand("b", args.b, d.b, d.b_transposed ? d.n : d.k, d.b_transposed ? d.k : d.n, layout.ldb,
          d.b_batch_stride);
  operand("d", args.d, d.d, d.m, d.n, layout.ldd, d.d_batch_stride);
  if (d.beta != 0) operand("c", args.c, d.d, d.m, d.n, layout.ldc, d.c_batch_stride);
  if (d.has_residual) {
    operand("residual", args.residual, d.d, d.m, d.n, layout.ldr, d.d_batch_stride);
  }
  if (d.has_bias) check_operand(args.bias, make_operand("bias", d.d, {d.n}));
  if (is_weight_only(d)) {
    operand("scales", args.scales, d.scale_type, d.n, d.k / d.group_k, d.k / d.group_k, 0);
  }
  check_aliases(d, layout, args);
}

}  // namespace sampan::ops
