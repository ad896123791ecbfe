#include "sampan/ops/sequence.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "ops/simple_plan.h"
#include "sampan/error.h"

namespace sampan::ops {
namespace {

std::uint32_t u32(std::uint64_t value) { return to_u32(value, "a size or stride"); }

// w_i = theta^(-2 i / d), in f64, rounded once: every device turns by the same angles.
std::shared_ptr<Buffer> frequencies(const Device& device, const RopeDesc& d) {
  std::vector<float> table(d.d / 2);
  for (std::size_t i = 0; i < table.size(); ++i) {
    table[i] = static_cast<float>(
        std::pow(d.theta, -2.0 * static_cast<double>(i) / static_cast<double>(d.d)));
  }
  auto buffer = std::make_shared<Buffer>(device.allocate(table.size() * sizeof(float)));
  Stream stream = device.create_stream();
  stream.copy_from_host(buffer->view(DType::f32), std::span<const float>(table));
  stream.synchronize();
  return buffer;
}

RopeDesc with_strides(RopeDesc d) {
  if (d.d == 0 || d.d % 2 != 0) {
    throw Error(ErrorCode::invalid_argument, "rope turns pairs: d must be even and not 0");
  }
  if (!(d.theta > 0)) throw Error(ErrorCode::invalid_argument, "rope's theta must be above 0");
  if (d.x_stride == 0) d.x_stride = d.heads * d.d;
  if (d.y_stride == 0) d.y_stride = d.heads * d.d;
  if (d.x_stride < d.heads * d.d || d.y_stride < d.heads * d.d) {
    throw Error(ErrorCode::invalid_argument, "a token stride is below the heads it steps over");
  }
  return d;
}

SimpleSpec rope(const Device& device, const RopeDesc& given) {
  const RopeDesc d = with_strides(given);
  SimpleSpec spec;
  spec.operation = "this rope";
  const auto heads = [&](const char* name, std::uint64_t stride) {
    return make_operand(name, d.dtype, {d.tokens, d.heads, d.d}, {stride, d.d});
  };
  spec.operands = {heads("x", d.x_stride), make_operand("positions", DType::i32, {d.tokens}),
                   heads("y", d.y_stride)};
  spec.last_input_is_optional = true;
  spec.load = [d](const Device& target) {
    return load_portable(target, "rope", "rope", {{"DT_X", d.dtype}});
  };
  spec.launch = [d, table = frequencies(device, d)](Stream& stream, const PortableKernel& kernel,
                                                    std::span<const View> v, std::uint32_t first) {
    constexpr std::uint32_t kHasPositions = 1;
    constexpr std::uint64_t kMaxRows = 65535;
    ArgList list;
    list.value(u32(d.tokens)).value(u32(d.heads)).value(u32(d.d));
    list.value(v[1] ? kHasPositions : 0u).value(static_cast<std::int32_t>(first));
    list.buffer(v[1]).buffer(table->view(DType::f32));
    list.buffer(v[0]).value(u32(d.x_stride)).value(u32(d.d));
    list.buffer(v[2]).value(u32(d.y_stride)).value(u32(d.d));
    LaunchConfig config;
    const std::uint64_t work = ceil_div(d.d / 2, kernel["VW"]) * ceil_div(d.heads, kernel["HEADS"]);
    config.grid.x = u32(ceil_div(work, kernel["ITEMS"]));
    config.grid.y = static_cast<std::uint32_t>(std::min(d.tokens, kMaxRows));
    config.group.x = kernel["ITEMS"];
    stream.launch_span(kernel.kernel, config, list.span());
  };
  spec.same_on = [given](const Device& target) {
    return runner_of(RopePlan(target, given),
                     [](const RopePlan& plan, Stream& stream, std::span<const View> v,
                        std::uint32_t first) { plan.run(stream, v[0], v[2], first, v[1]); });
  };
  return spec;
}

SimpleSpec embedding(const EmbeddingDesc& d) {
  SimpleSpec spec;
  spec.operation = "this embedding";
  spec.operands = {make_operand("table", d.table_dtype, {d.rows, d.cols}),
                   make_operand("ids", DType::i32, {d.tokens}),
                   make_operand("y", d.y_dtype, {d.tokens, d.cols})};
  spec.load = [d](const Device& device) {
    return load_portable(device, "embedding", "embedding",
                         {{"DT_X", d.table_dtype}, {"DT_Y", d.y_dtype}});
  };
  spec.launch = [d](Stream& stream, const PortableKernel& kernel, std::span<const View> v,
                    std::uint32_t) {
    ArgList list;
    list.value(u32(d.tokens)).value(u32(d.rows)).value(u32(d.cols));
    list.buffer(v[1]).buffer(v[0]).value(u32(d.cols)).buffer(v[2]).value(u32(d.cols));
    stream.launch_span(kernel.kernel, grid_config(kernel, d.tokens, d.cols), list.span());
  };
  spec.same_on = [d](const Device& device) {
    return runner_of(EmbeddingPlan(device, d),
                     [](const EmbeddingPlan& plan, Stream& stream, std::span<const View> v,
                        std::uint32_t) { plan.run(stream, v[0], v[1], v[2]); });
  };
  return spec;
}

}  // namespace

RopePlan::RopePlan(const Device& device, const RopeDesc& desc)
    : Plan(std::make_shared<SimplePlan>(device, rope(device, desc))) {}
void RopePlan::run(Stream& stream, const View& x, const View& y, std::uint32_t first_position,
                   const View& positions) const {
  static_cast<const SimplePlan&>(impl()).run(stream, std::array{x, positions, y}, first_position);
}

EmbeddingPlan::EmbeddingPlan(const Device& device, const EmbeddingDesc& desc)
    : Plan(std::make_shared<SimplePlan>(device, embedding(desc))) {}
void EmbeddingPlan::run(Stream& stream, const View& table, const View& ids, const View& y) const {
  static_cast<const SimplePlan&>(impl()).run(stream, std::array{table, ids, y});
}

}  // namespace sampan::ops
