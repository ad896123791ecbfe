// Weight-only quantisation and its inverse.
#include <algorithm>
#include <array>

#include "ops/simple_plan.h"
#include "sampan/error.h"
#include "sampan/ops/sequence.h"

namespace sampan::ops {
namespace {

constexpr std::uint32_t kItems = 64;  // of a group, fixed by kernels/quantize.k

std::uint32_t u32(std::uint64_t value) { return to_u32(value, "a size"); }

void check(const QuantizeDesc& d) {
  const auto refuse = [](const char* why) {
    throw Error(ErrorCode::invalid_argument,
                std::string("this quantisation makes no sense: ") + why);
  };
  if (!is_float(d.w_dtype) || !is_float(d.scale_type)) {
    refuse("weights and scales must be f32, f16 or bf16");
  }
  if (d.q_dtype != DType::i8 && d.q_dtype != DType::i4) refuse("codes must be i8 or i4");
  if (d.group_k == 0 || d.group_k % 32 != 0 || d.k % d.group_k != 0) {
    refuse("group_k must be a multiple of 32 that divides k");
  }
}

struct Operands {
  Operand w, q, scales;

  explicit Operands(const QuantizeDesc& d)
      : w(make_operand("w", d.w_dtype, {d.n, d.k})),
        q(make_operand("q", d.q_dtype, {d.n, d.k})),
        scales(make_operand("scales", d.scale_type, {d.n, d.k / d.group_k})) {}
};

/// Both kernels take the same arguments.
ArgList arguments(const QuantizeDesc& d, const View& w, const View& q, const View& scales) {
  ArgList list;
  list.value(u32(d.n)).value(u32(d.k)).value(u32(d.group_k));
  list.buffer(w).value(u32(d.k));
  list.buffer(q.as_bytes()).value(u32(bytes_for(d.q_dtype, d.k)));
  list.buffer(scales).value(u32(d.k / d.group_k));
  return list;
}

SimpleSpec make_spec(const QuantizeDesc& d, const char* entry) {
  check(d);
  SimpleSpec spec;
  spec.operation = std::string("this ") + entry;
  spec.load = [d, entry](const Device& device) {
    Tile tile = find_tiles(device.info(), "quantize").front();
    tile["BITS"] = bits(d.q_dtype);
    return load_portable(device, "quantize", entry, tile,
                         {{"DT_X", d.w_dtype}, {"DT_S", d.scale_type}});
  };
  return spec;
}

SimpleSpec quantize(const QuantizeDesc& d) {
  SimpleSpec spec = make_spec(d, "quantize");
  const Operands operands(d);
  spec.operands = {operands.w, operands.q, operands.scales};
  spec.results = 2;
  spec.launch = [d](Stream& stream, const PortableKernel& kernel, std::span<const View> v,
                    std::uint32_t) {
    LaunchConfig config;
    config.grid.x = to_u32(ceil_div(d.n * (d.k / d.group_k), kItems), "the grid");
    config.group.x = kItems;
    stream.launch_span(kernel.kernel, config, arguments(d, v[0], v[1], v[2]).span());
  };
  spec.same_on = [d](const Device& device) {
    return runner_of(QuantizePlan(device, d),
                     [](const QuantizePlan& plan, Stream& stream, std::span<const View> v,
                        std::uint32_t) { plan.run(stream, v[0], v[1], v[2]); });
  };
  return spec;
}

SimpleSpec dequantize(const QuantizeDesc& d) {
  SimpleSpec spec = make_spec(d, "dequantize");
  const Operands operands(d);
  spec.operands = {operands.q, operands.scales, operands.w};
  spec.launch = [d](Stream& stream, const PortableKernel& kernel, std::span<const View> v,
                    std::uint32_t) {
    constexpr std::uint64_t kMaxRows = 65535;  // y of a grid on CUDA; the kernel loops beyond it
    LaunchConfig config;
    config.grid.x = to_u32(ceil_div(d.k, std::uint64_t{kItems} * kernel["VW"]), "the grid");
    config.grid.y = static_cast<std::uint32_t>(std::min(d.n, kMaxRows));
    config.group.x = kItems;
    stream.launch_span(kernel.kernel, config, arguments(d, v[2], v[0], v[1]).span());
  };
  spec.same_on = [d](const Device& device) {
    return runner_of(DequantizePlan(device, d),
                     [](const DequantizePlan& plan, Stream& stream, std::span<const View> v,
                        std::uint32_t) { plan.run(stream, v[0], v[1], v[2]); });
  };
  return spec;
}

}  // namespace

QuantizePlan::QuantizePlan(const Device& device, const QuantizeDesc& desc)
    : Plan(std::make_shared<SimplePlan>(device, quantize(desc))) {}
void QuantizePlan::run(Stream& stream, const View& w, const View& q, const View& scales) const {
  static_cast<const SimplePlan&>(impl()).run(stream, std::array{w, q, scales});
}

DequantizePlan::DequantizePlan(const Device& device, const QuantizeDesc& desc)
    : Plan(std::make_shared<SimplePlan>(device, dequantize(desc))) {}
void DequantizePlan::run(Stream& stream, const View& q, const View& scales, const View& w) const {
  static_cast<const SimplePlan&>(impl()).run(stream, std::array{q, scales, w});
}

}  // namespace sampan::ops
