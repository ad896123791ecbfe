#include "sampan/ops/rows.h"

#include <array>

#include "ops/simple_plan.h"
#include "sampan/error.h"
#include "sampan/plugin/backend.h"

namespace sampan::ops {
namespace {

std::uint32_t u32(std::uint64_t value) { return to_u32(value, "a size or stride"); }

RowsDesc with_strides(RowsDesc desc, std::uint64_t y_cols) {
  if (desc.x_stride == 0) desc.x_stride = desc.cols;
  if (desc.y_stride == 0) desc.y_stride = y_cols;
  if (desc.x_stride < desc.cols || desc.y_stride < y_cols) {
    throw Error(ErrorCode::invalid_argument, "a row stride is below the row that it steps over");
  }
  return desc;
}

std::shared_ptr<const void> backend_desc(const RowsDesc& desc, std::uint32_t kind) {
  auto out = std::make_shared<sampan_row_desc_t>();
  *out = {};
  out->size = sizeof(*out);
  out->kind = kind;
  out->type = static_cast<std::uint32_t>(desc.dtype);
  out->weight_type = static_cast<std::uint32_t>(desc.weight_dtype);
  out->rows = desc.rows;
  out->cols = desc.cols;
  out->x_stride = desc.x_stride;
  out->y_stride = desc.y_stride;
  out->epsilon = desc.epsilon;
  out->scale = desc.scale;
  return out;
}

Operand matrix(const char* name, DType dtype, std::uint64_t rows, std::uint64_t cols,
               std::uint64_t stride) {
  return make_operand(name, dtype, {rows, cols}, {stride});
}

template <class PlanType, class... More>
std::function<SimpleSpec::Runner(const Device&)> same_plan(const RowsDesc& desc, More... more) {
  return [=](const Device& device) {
    return runner_of(PlanType(device, desc, more...), [](const PlanType& plan, Stream& stream,
                                                         std::span<const View> v, std::uint32_t) {
      if constexpr (requires { plan.run(stream, v[0], v[1]); }) {
        plan.run(stream, v[0], v[1]);
      } else if constexpr (requires { plan.run(stream, v[0], v[1], v[2]); }) {
        plan.run(stream, v[0], v[1], v[2]);
      } else {
        plan.run(stream, v[0], v[1], v[2], v[3]);
      }
    });
  };
}

SimpleSpec rms_norm(const RowsDesc& given) {
  const RowsDesc d = with_strides(given, given.cols);
  SimpleSpec spec;
  spec.operation = "this rms_norm";
  spec.operands = {matrix("x", d.dtype, d.rows, d.cols, d.x_stride),
                   make_operand("weight", d.weight_dtype, {d.cols}),
                   matrix("y", d.dtype, d.rows, d.cols, d.y_stride)};
  spec.backend_op = SAMPAN_OP_ROW;
  spec.backend_desc = backend_desc(d, SAMPAN_ROW_RMS_NORM);
  spec.load = [d](const Device& device) {
    return load_portable(device, "rms_norm", "rms_norm",
                         {{"DT_X", d.dtype}, {"DT_W", d.weight_dtype}, {"DT_Y", d.dtype}});
  };
  spec.launch = [d](Stream& stream, const PortableKernel& kernel, std::span<const View> v,
                    std::uint32_t) {
    ArgList list;
    list.value(u32(d.rows)).value(u32(d.cols)).value(d.epsilon);
    list.buffer(v[0]).value(u32(d.x_stride)).buffer(v[1]);
    list.buffer(v[2]).value(u32(d.y_stride));
    stream.launch_span(kernel.kernel, row_config(kernel, d.rows, 4), list.span());
  };
  spec.same_on = same_plan<RmsNormPlan>(given);
  return spec;
}

SimpleSpec layer_norm(const RowsDesc& given) {
  const RowsDesc d = with_strides(given, given.cols);
  SimpleSpec spec;
  spec.operation = "this layer_norm";
  spec.operands = {matrix("x", d.dtype, d.rows, d.cols, d.x_stride),
                   make_operand("weight", d.weight_dtype, {d.cols}),
                   make_operand("bias", d.weight_dtype, {d.cols}),
                   matrix("y", d.dtype, d.rows, d.cols, d.y_stride)};
  spec.backend_op = SAMPAN_OP_ROW;
  spec.backend_desc = backend_desc(d, SAMPAN_ROW_LAYER_NORM);
  spec.load = [d](const Device& device) {
    return load_portable(device, "layer_norm", "layer_norm",
                         {{"DT_X", d.dtype}, {"DT_W", d.weight_dtype}, {"DT_Y", d.dtype}});
  };
  spec.launch = [d](Stream& stream, const PortableKernel& kernel, std::span<const View> v,
                    std::uint32_t) {
    constexpr std::uint32_t kHasBias = 1;
    ArgList list;
    list.value(u32(d.rows)).value(u32(d.cols)).value(kHasBias).value(d.epsilon);
    list.buffer(v[0]).value(u32(d.x_stride)).buffer(v[1]).buffer(v[2]);
    list.buffer(v[3]).value(u32(d.y_stride));
    stream.launch_span(kernel.kernel, row_config(kernel, d.rows, 4), list.span());
  };
  spec.same_on = same_plan<LayerNormPlan>(given);
  return spec;
}

SimpleSpec softmax(const RowsDesc& given) {
  const RowsDesc d = with_strides(given, given.cols);
  SimpleSpec spec;
  spec.operation = "this softmax";
  spec.operands = {matrix("x", d.dtype, d.rows, d.cols, d.x_stride),
                   matrix("y", d.dtype, d.rows, d.cols, d.y_stride)};
  spec.backend_op = SAMPAN_OP_ROW;
  spec.backend_desc = backend_desc(d, SAMPAN_ROW_SOFTMAX);
  spec.load = [d](const Device& device) {
    return load_portable(device, "softmax", "softmax", {{"DT_X", d.dtype}, {"DT_Y", d.dtype}});
  };
  spec.launch = [d](Stream& stream, const PortableKernel& kernel, std::span<const View> v,
                    std::uint32_t) {
    ArgList list;
    list.value(u32(d.rows)).value(u32(d.cols)).value(d.scale);
    list.buffer(v[0]).value(u32(d.x_stride)).buffer(v[1]).value(u32(d.y_stride));
    stream.launch_span(kernel.kernel, row_config(kernel, d.rows, 4), list.span());
  };
  spec.same_on = same_plan<SoftmaxPlan>(given);
  return spec;
}

SimpleSpec argmax(const RowsDesc& given) {
  const RowsDesc d = with_strides(given, given.cols);
  if (d.cols == 0 && d.rows > 0) {
    throw Error(ErrorCode::invalid_argument, "a row without elements has no largest one");
  }
  SimpleSpec spec;
  spec.operation = "this argmax";
  spec.operands = {matrix("x", d.dtype, d.rows, d.cols, d.x_stride),
                   make_operand("index", DType::i32, {d.rows})};
  spec.load = [d](const Device& device) {
    return load_portable(device, "top_k", "argmax", {{"DT_X", d.dtype}});
  };
  spec.launch = [d](Stream& stream, const PortableKernel& kernel, std::span<const View> v,
                    std::uint32_t) {
    ArgList list;
    list.value(u32(d.rows)).value(u32(d.cols));
    list.buffer(v[0]).value(u32(d.x_stride)).buffer(v[1]);
    stream.launch_span(kernel.kernel, row_config(kernel, d.rows, 8), list.span());
  };
  spec.same_on = same_plan<ArgmaxPlan>(given);
  return spec;
}

SimpleSpec top_k(const RowsDesc& given, std::uint64_t count) {
  const RowsDesc d = with_strides(given, given.cols);
  constexpr std::uint64_t kMaxCount = 64;
  if (count > kMaxCount || count > d.cols) {
    throw Error(
        ErrorCode::invalid_argument,
        "top-k takes a count of at most 64 and at most the columns, not " + std::to_string(count));
  }
  SimpleSpec spec;
  spec.operation = "this top-k";
  spec.operands = {matrix("x", d.dtype, d.rows, d.cols, d.x_stride),
                   make_operand("values", d.dtype, {d.rows, count}),
                   make_operand("index", DType::i32, {d.rows, count})};
  spec.results = 2;
  spec.load = [d](const Device& device) {
    return load_portable(device, "top_k", "top_k", {{"DT_X", d.dtype}});
  };
  spec.launch = [d, count](Stream& stream, const PortableKernel& kernel, std::span<const View> v,
                           std::uint32_t) {
    ArgList list;
    list.value(u32(d.rows)).value(u32(d.cols)).value(u32(count));
    list.buffer(v[0]).value(u32(d.x_stride)).buffer(v[1]).buffer(v[2]);
    stream.launch_span(kernel.kernel, row_config(kernel, d.rows, 8), list.span());
  };
  spec.same_on = same_plan<TopKPlan>(given, count);
  return spec;
}

SimpleSpec transpose(const RowsDesc& given) {
  const RowsDesc d = with_strides(given, given.rows);
  SimpleSpec spec;
  spec.operation = "this transpose";
  spec.operands = {matrix("x", d.dtype, d.rows, d.cols, d.x_stride),
                   matrix("y", d.dtype, d.cols, d.rows, d.y_stride)};
  // The kernel knows floats; it moves the bits of one of 32 bits as they are.
  const DType moved = bits(d.dtype) == 32 ? DType::f32 : d.dtype;
  if (bits(d.dtype) != 32 && bits(d.dtype) != 16) {
    throw Error(ErrorCode::unsupported,
                "transpose takes elements of 2 or 4 bytes, not " + std::string(to_string(d.dtype)));
  }
  spec.load = [moved](const Device& device) {
    return load_portable(device, "transpose", "transpose", {{"DT_X", moved}});
  };
  spec.launch = [d](Stream& stream, const PortableKernel& kernel, std::span<const View> v,
                    std::uint32_t) {
    constexpr std::uint64_t kOneBatch = 0;
    constexpr std::uint32_t kGroup = 16;
    ArgList list;
    list.value(u32(d.rows)).value(u32(d.cols));
    list.buffer(v[0]).value(u32(d.x_stride)).value(kOneBatch);
    list.buffer(v[1]).value(u32(d.y_stride)).value(kOneBatch);
    LaunchConfig config;
    config.grid = {u32(ceil_div(ceil_div(d.rows, kernel["VW"]), kGroup)),
                   u32(ceil_div(ceil_div(d.cols, kernel["VW"]), kGroup)), 1};
    config.group = {kGroup, kGroup, 1};
    stream.launch_span(kernel.kernel, config, list.span());
  };
  spec.same_on = same_plan<TransposePlan>(given);
  return spec;
}

template <std::size_t N>
void run_simple(PlanImpl& plan, Stream& stream, const std::array<View, N>& views) {
  static_cast<const SimplePlan&>(plan).run(stream, views);
}

}  // namespace

RmsNormPlan::RmsNormPlan(const Device& device, const RowsDesc& desc)
    : Plan(std::make_shared<SimplePlan>(device, rms_norm(desc))) {}
void RmsNormPlan::run(Stream& stream, const View& x, const View& weight, const View& y) const {
  run_simple<3>(impl(), stream, {x, weight, y});
}

LayerNormPlan::LayerNormPlan(const Device& device, const RowsDesc& desc)
    : Plan(std::make_shared<SimplePlan>(device, layer_norm(desc))) {}
void LayerNormPlan::run(Stream& stream, const View& x, const View& weight, const View& bias,
                        const View& y) const {
  run_simple<4>(impl(), stream, {x, weight, bias, y});
}

SoftmaxPlan::SoftmaxPlan(const Device& device, const RowsDesc& desc)
    : Plan(std::make_shared<SimplePlan>(device, softmax(desc))) {}
void SoftmaxPlan::run(Stream& stream, const View& x, const View& y) const {
  run_simple<2>(impl(), stream, {x, y});
}

ArgmaxPlan::ArgmaxPlan(const Device& device, const RowsDesc& desc)
    : Plan(std::make_shared<SimplePlan>(device, argmax(desc))) {}
void ArgmaxPlan::run(Stream& stream, const View& x, const View& index) const {
  run_simple<2>(impl(), stream, {x, index});
}

TopKPlan::TopKPlan(const Device& device, const RowsDesc& desc, std::uint64_t count)
    : Plan(std::make_shared<SimplePlan>(device, top_k(desc, count))) {}
void TopKPlan::run(Stream& stream, const View& x, const View& values, const View& index) const {
  run_simple<3>(impl(), stream, {x, values, index});
}

TransposePlan::TransposePlan(const Device& device, const RowsDesc& desc)
    : Plan(std::make_shared<SimplePlan>(device, transpose(desc))) {}
void TransposePlan::run(Stream& stream, const View& x, const View& y) const {
  run_simple<2>(impl(), stream, {x, y});
}

}  // namespace sampan::ops
