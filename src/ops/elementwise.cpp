#include "sampan/ops/elementwise.h"

#include <array>

#include "ops/simple_plan.h"
#include "sampan/error.h"
#include "sampan/plugin/backend.h"

namespace sampan::ops {
namespace {

struct Row {
  Elementwise kind;
  const char* entry;
  std::uint32_t inputs;
  std::uint32_t backend_row;  // SAMPAN_ROW_…, 0: none
};
constexpr std::array kRows = {
    Row{Elementwise::add, "elementwise_add", 2, SAMPAN_ROW_ADD},
    Row{Elementwise::mul, "elementwise_mul", 2, 0},
    Row{Elementwise::silu_mul, "elementwise_silu_mul", 2, SAMPAN_ROW_SILU_MUL},
    Row{Elementwise::scale, "elementwise_scale", 1, 0},
    Row{Elementwise::silu, "elementwise_silu", 1, 0},
    Row{Elementwise::gelu, "elementwise_gelu_tanh", 1, 0},
    Row{Elementwise::cast, "elementwise_cast", 1, 0},
};

const Row& row_of(Elementwise kind) {
  for (const Row& row : kRows) {
    if (row.kind == kind) return row;
  }
  throw Error(ErrorCode::invalid_argument, "unknown kind of elementwise operation");
}

/// A long array is cut into rows, so that each size fits the kernels' 32 bits. The kernels take
/// rows of equal length; what is left over is a row of its own.
struct Cut {
  static constexpr std::uint64_t kCols = 1ull << 20;
  std::uint64_t rows, cols, rest;

  explicit Cut(std::uint64_t elems) : rows(elems / kCols), cols(kCols), rest(elems % kCols) {
    if (rows == 0) {
      rows = elems > 0 ? 1 : 0;
      cols = elems;
      rest = 0;
    }
  }
};

void launch_rows(Stream& stream, const PortableKernel& kernel, const Row& row,
                 const ElementwiseDesc& d, std::span<const View> v, std::uint64_t first,
                 std::uint64_t rows, std::uint64_t cols) {
  const auto u32 = [](std::uint64_t value) { return static_cast<std::uint32_t>(value); };
  ArgList list;
  list.value(u32(rows)).value(u32(cols));
  for (const View& view : v) {
    list.buffer_at(view, first).value(u32(cols));
  }
  if (row.kind == Elementwise::scale) list.value(d.scale);
  stream.launch_span(kernel.kernel, grid_config(kernel, rows, cols), list.span());
}

std::shared_ptr<const void> backend_desc(const ElementwiseDesc& d, std::uint32_t kind) {
  auto out = std::make_shared<sampan_row_desc_t>();
  *out = {};
  out->size = sizeof(*out);
  out->kind = kind;
  out->type = out->weight_type = static_cast<std::uint32_t>(d.dtype);
  out->rows = 1;
  out->cols = out->x_stride = out->x2_stride = out->y_stride = d.elems;
  return out;
}

SimpleSpec make_spec(ElementwiseDesc d) {
  const Row& row = row_of(d.kind);
  if (d.kind != Elementwise::cast) {
    if (!is_float(d.dtype)) {
      throw Error(ErrorCode::invalid_argument,
                  "elementwise operations but cast take f32, f16 or bf16");
    }
    d.y_dtype = d.dtype;
  }
  SimpleSpec spec;
  spec.operation = "this " + std::string(row.entry);
  spec.operands.push_back(make_operand("a", d.dtype, {d.elems}));
  if (row.inputs == 2) spec.operands.push_back(make_operand("b", d.dtype, {d.elems}));
  spec.operands.push_back(make_operand("y", d.y_dtype, {d.elems}));
  spec.backend_op = row.backend_row != 0 ? std::uint32_t{SAMPAN_OP_ROW} : 0;
  if (row.backend_row != 0) spec.backend_desc = backend_desc(d, row.backend_row);
  spec.load = [d, entry = row.entry](const Device& device) {
    return load_portable(device, "elementwise", entry, {{"DT_X", d.dtype}, {"DT_Y", d.y_dtype}});
  };
  spec.launch = [d, &row, cut = Cut(d.elems)](Stream& stream, const PortableKernel& kernel,
                                              std::span<const View> v, std::uint32_t) {
    launch_rows(stream, kernel, row, d, v, 0, cut.rows, cut.cols);
    if (cut.rest > 0) {
      launch_rows(stream, kernel, row, d, v, cut.rows * cut.cols, 1, cut.rest);
    }
  };
  spec.same_on = [d](const Device& device) {
    return runner_of(ElementwisePlan(device, d), [](const ElementwisePlan& plan, Stream& stream,
                                                    std::span<const View> v, std::uint32_t) {
      plan.run(stream, v[0], v.size() == 3 ? v[1] : View(), v.back());
    });
  };
  return spec;
}

}  // namespace

ElementwisePlan::ElementwisePlan(const Device& device, const ElementwiseDesc& desc)
    : Plan(std::make_shared<SimplePlan>(device, make_spec(desc))),
      has_two_inputs_(row_of(desc.kind).inputs == 2) {}

void ElementwisePlan::run(Stream& stream, const View& a, const View& b, const View& y) const {
  const auto& plan = static_cast<const SimplePlan&>(impl());
  if (has_two_inputs_) {
    plan.run(stream, std::array{a, b, y});
  } else {
    plan.run(stream, std::array{a, y});
  }
}

}  // namespace sampan::ops
