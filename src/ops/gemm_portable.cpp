#include "ops/gemm_portable.h"

#include <algorithm>

#include "ops/operand.h"
#include "ops/simple_plan.h"
#include "sampan/error.h"

namespace sampan::ops {
namespace {

// Rows up to which reading B once for a few rows beats the tiled kernels.
constexpr std::uint64_t kMaxGemvRows = 4;

std::uint32_t u32(std::uint64_t value) { return static_cast<std::uint32_t>(value); }

/// For few rows the tile that takes them at once. For many the largest that gives each compute unit
/// a group; the smallest if none does.
Tile choose_tile(const std::vector<Tile>& tiles, const GemmDesc& desc, bool is_gemv,
                 std::uint32_t compute_units) {
  const auto fits = [&](const Tile& tile) {
    if (is_gemv) return tile.at("MM") >= desc.m;
    const std::uint64_t groups =
        ceil_div(desc.m, tile.at("BM")) * ceil_div(desc.n, tile.at("BN")) * desc.batch;
    return groups >= compute_units;
  };
  const auto found = std::find_if(tiles.begin(), tiles.end(), fits);
  return found != tiles.end() ? *found : tiles.back();
}

}  // namespace

PortableGemm::PortableGemm(const Device& device, const GemmDesc& desc, const GemmLayout& layout)
    : desc_(desc), layout_(layout) {
  for (const std::uint64_t size :
       {desc.m, desc.n, desc.k, layout.lda, layout.ldb, layout.ldc, layout.ldd, layout.ldr}) {
    static_cast<void>(to_u32(size, "a size or leading dimension"));
  }
  if (is_weight_only(desc) && desc.a_transposed) {
    throw Error(ErrorCode::unsupported,
                "the portable kernels for quantised weights take no a_transposed; transpose A");
  }
  load_kernel(device);
  // A C that isn't D is copied there; known only when a run names both.
  if (desc.beta != 0) {
    copy_ = load_portable(device, "elementwise", "elementwise_cast",
                          {{"DT_X", desc.d}, {"DT_Y", desc.d}});
  }
}

void PortableGemm::load_kernel(const Device& device) {
  is_gemv_ =
      desc_.m <= kMaxGemvRows && !is_integer(desc_) && desc_.b_transposed && !desc_.a_transposed;
  const std::string family = is_gemv_ ? "gemv" : "gemm";
  const std::string file = is_integer(desc_)       ? "gemm_i8"
                           : is_weight_only(desc_) ? family + "_quant"
                                                   : family;
  Tile tile =
      choose_tile(find_tiles(device.info(), file), desc_, is_gemv_, device.info().compute_units);
  std::vector<std::pair<std::string, DType>> types;
  if (is_weight_only(desc_)) {
    tile["BITS"] = bits(desc_.b);
    types = {{"DT_A", desc_.a}, {"DT_S", desc_.scale_type}, {"DT_C", desc_.d}};
  } else if (!is_integer(desc_)) {
    types = {{"DT_A", desc_.a}, {"DT_B", desc_.b}, {"DT_C", desc_.d}};
  }
  kernel_ = load_portable(device, file, file, tile, types);
}

// The kernels read C from D. If D holds the residual, and C lies elsewhere, the residual has to
// make room.
std::uint64_t PortableGemm::workspace_bytes() const {
  if (desc_.beta == 0 || !desc_.has_residual) return 0;
  return bytes_for(desc_.d, desc_.m * desc_.n * desc_.batch);
}

void PortableGemm::run(Stream& stream, const GemmArgs& args, const View& workspace) const {
  Matrices residual{args.residual, layout_.ldr, desc_.d_batch_stride};
  if (desc_.beta != 0 && !same_place(args.c, args.d)) {
    if (desc_.has_residual && same_place(args.residual, args.d)) {
      const Matrices aside{workspace, desc_.n, desc_.m * desc_.n};
      copy(stream, aside, residual);
      residual = aside;
    }
    copy(stream, {args.d, layout_.ldd, desc_.d_batch_stride},
         {args.c, layout_.ldc, desc_.c_batch_stride});
  }
  if (is_integer(desc_)) return launch_integer(stream, args);
  if (is_weight_only(desc_)) return launch_quantised(stream, args, residual);
  launch_float(stream, args, residual);
}

void PortableGemm::copy(Stream& stream, const Matrices& to, const Matrices& from) const {
  for (std::uint64_t batch = 0; batch < desc_.batch; ++batch) {
    ArgList list;
    list.value(u32(desc_.m)).value(u32(desc_.n));
    list.buffer_at(from.view, batch * from.batch_stride).value(u32(from.ld));
    list.buffer_at(to.view, batch * to.batch_stride).value(u32(to.ld));
    stream.launch_span(copy_.kernel, grid_config(copy_, desc_.m, desc_.n), list.span());
  }
}

void PortableGemm::launch_float(Stream& stream, const GemmArgs& args,
                                const Matrices& residual) const {
  ArgList list;
  list.value(u32(desc_.m)).value(u32(desc_.n)).value(u32(desc_.k)).value(flags());
  list.value(desc_.alpha).value(desc_.beta);
  list.buffer(args.a).value(u32(layout_.lda)).value(desc_.a_batch_stride);
  list.buffer(args.b).value(u32(layout_.ldb)).value(desc_.b_batch_stride);
  list.buffer(args.d).value(u32(layout_.ldd)).value(desc_.d_batch_stride);
  list.buffer(args.bias);
  list.buffer(residual.view).value(u32(residual.ld)).value(residual.batch_stride);
  stream.launch_span(kernel_.kernel, config(desc_.batch), list.span());
}

void PortableGemm::launch_integer(Stream& stream, const GemmArgs& args) const {
  ArgList list;
  list.value(u32(desc_.m)).value(u32(desc_.n)).value(u32(desc_.k)).value(flags());
  list.buffer(args.a).value(u32(layout_.lda)).value(desc_.a_batch_stride);
  list.buffer(args.b).value(u32(layout_.ldb)).value(desc_.b_batch_stride);
  list.buffer(args.d).value(u32(layout_.ldd)).value(desc_.d_batch_stride);
  stream.launch_span(kernel_.kernel, config(desc_.batch), list.span());
}

// These kernels know no batch: one launch for each.
void PortableGemm::launch_quantised(Stream& stream, const GemmArgs& args,
                                    const Matrices& residual) const {
  const View codes = args.b ? args.b.as_bytes() : View();
  for (std::uint64_t batch = 0; batch < desc_.batch; ++batch) {
    ArgList list;
    list.value(u32(desc_.m)).value(u32(desc_.n)).value(u32(desc_.k)).value(flags());
    list.value(desc_.alpha).value(desc_.beta);
    list.buffer_at(args.a, batch * desc_.a_batch_stride).value(u32(layout_.lda));
    list.buffer_at(codes, bytes_for(desc_.b, batch * desc_.b_batch_stride));
    list.value(u32(bytes_for(desc_.b, layout_.ldb)));
    list.buffer(args.scales).value(u32(desc_.k / desc_.group_k)).value(u32(desc_.group_k));
    list.buffer_at(args.d, batch * desc_.d_batch_stride).value(u32(layout_.ldd));
    list.buffer(args.bias);
    list.buffer_at(residual.view, batch * residual.batch_stride).value(u32(residual.ld));
    stream.launch_span(kernel_.kernel, config(1), list.span());
  }
}

std::uint32_t PortableGemm::flags() const {
  constexpr std::uint32_t kTransA = 1, kTransB = 2, kBias = 4, kResidual = 8, kActivation = 16;
  return (desc_.a_transposed ? kTransA : 0) | (desc_.b_transposed ? kTransB : 0) |
         (desc_.has_bias ? kBias : 0) | (desc_.has_residual ? kResidual : 0) |
         static_cast<std::uint32_t>(desc_.activation) * kActivation;
}

LaunchConfig PortableGemm::config(std::uint64_t batches) const {
  const PortableKernel& p = kernel_;
  LaunchConfig made;
  if (is_gemv_) {
    made.grid = {u32(ceil_div(desc_.n, p["RN"])), u32(ceil_div(desc_.m, p["MM"])), u32(batches)};
    made.group = {p["ITEMS"], 1, 1};
    made.local_bytes = p["ITEMS"] > 1 ? 4 * p["ITEMS"] * p["RN"] * p["MM"] : 4;
    return made;
  }
  const std::uint32_t bm = p["BM"], bn = p["BN"], bk = p["BK"];
  const bool parked = bm * bn != p["GX"] * p["GY"] * p["TM"] * p["TN"];
  made.grid = {u32(ceil_div(desc_.n, bn)), u32(ceil_div(desc_.m, bm)), u32(batches)};
  made.group = {p["GX"], p["GY"], 1};
  made.local_bytes = 4 * (bm * (bk + 4) + bk * bn + (parked ? bm * bn : 0));
  return made;
}

}  // namespace sampan::ops
