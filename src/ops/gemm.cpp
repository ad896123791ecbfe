#include "sampan/ops/gemm.h"

#include <algorithm>
#include <array>

#include "ops/host_stage.h"
#include "ops/operand.h"
#include "ops/plan_impl.h"
#include "ops/portable.h"
#include "sampan/error.h"
#include "sampan/plugin/backend.h"

namespace sampan::ops {
namespace {

[[noreturn]] void refuse(const std::string& why) {
  throw Error(ErrorCode::invalid_argument, "this gemm makes no sense: " + why);
}

// Rows up to which reading B once for a few rows beats the tiled kernels.
constexpr std::uint64_t kMaxGemvRows = 4;

bool is_float(DType dtype) {
  return dtype == DType::f32 || dtype == DType::f16 || dtype == DType::bf16;
}

void check_types(const GemmDesc& d) {
  if (d.group_k > 0) {
    if (d.b != DType::i8 && d.b != DType::i4) refuse("weight-only needs B of i8 or i4");
    if (!is_float(d.a) || !is_float(d.d) || !is_float(d.scale_type)) {
      refuse("weight-only needs A, D and the scales in f32, f16 or bf16");
    }
    if (!d.b_transposed) refuse("weight-only needs b_transposed: B is stored [n, k]");
    if (d.group_k % 32 != 0 || d.k % d.group_k != 0) {
      refuse("group_k must be a multiple of 32 that divides k");
    }
    return;
  }
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

/// Leading dimensions and strides as they are, none 0.
struct Layout {
  std::uint64_t lda, ldb, ldc, ldd, ldr;

  explicit Layout(const GemmDesc& d)
      : lda(d.lda != 0       ? d.lda
            : d.a_transposed ? d.m
                             : d.k),
        ldb(d.ldb != 0       ? d.ldb
            : d.b_transposed ? d.k
                             : d.n),
        ldc(d.ldc != 0 ? d.ldc : d.n),
        ldd(d.ldd != 0 ? d.ldd : d.n),
        ldr(d.ld_residual != 0 ? d.ld_residual : d.n) {
    if (lda < (d.a_transposed ? d.m : d.k) || ldb < (d.b_transposed ? d.k : d.n) || ldc < d.n ||
        ldd < d.n || ldr < d.n) {
      refuse("a leading dimension is below the row it holds");
    }
  }
};

class GemmImpl : public PlanImpl {
 public:
  GemmImpl(const Device& device_in, const GemmDesc& desc_in)
      : PlanImpl(device_in), desc(desc_in), layout(desc_in) {
    check_types(desc);
    choose_provider(*this, "this gemm", [this](Provider provider, std::string& reason) {
      return attempt(provider, reason);
    });
  }

  void run(Stream& stream, const GemmArgs& args) const {
    check(args);
    if (desc.m == 0 || desc.n == 0 || desc.batch == 0) return;
    if (op) return run_backend(stream, args);
    if (portable.kernel) return run_portable(stream, args);
    run_host(stream, args);
  }

 private:
  std::optional<std::string> attempt(Provider provider, std::string& reason);
  void check(const GemmArgs& args) const;
  void run_backend(Stream& stream, const GemmArgs& args) const;
  void run_portable(Stream& stream, const GemmArgs& args) const;
  void run_host(Stream& stream, const GemmArgs& args) const;
  bool load_portable_kernel(std::string& reason);
  [[nodiscard]] LaunchConfig portable_config() const;
  [[nodiscard]] sampan_gemm_desc_t to_abi() const;
  [[nodiscard]] bool is_weight_only() const { return desc.group_k > 0; }
  [[nodiscard]] bool is_integer() const { return desc.d == DType::i32; }

  GemmDesc desc;
  Layout layout;
  BackendOp op;
  PortableKernel portable;
  bool is_gemv = false;  // the portable kernel is one of few rows
  std::shared_ptr<const GemmPlan> host;
};

sampan_gemm_desc_t GemmImpl::to_abi() const {
  sampan_gemm_desc_t out{};
  out.size = sizeof(out);
  out.a_type = static_cast<std::uint32_t>(desc.a);
  out.b_type = static_cast<std::uint32_t>(desc.b);
  out.c_type = out.d_type = static_cast<std::uint32_t>(desc.d);
  out.scale_type = static_cast<std::uint32_t>(desc.scale_type);
  out.a_transposed = desc.a_transposed;
  out.b_transposed = desc.b_transposed;
  out.activation = static_cast<std::uint32_t>(desc.activation);
  out.has_bias = desc.has_bias;
  out.has_residual = desc.has_residual;
  out.b_constant = desc.b_constant;
  out.m = desc.m;
  out.n = desc.n;
  out.k = desc.k;
  out.batch = desc.batch;
  out.lda = layout.lda;
  out.ldb = layout.ldb;
  out.ldc = layout.ldc;
  out.ldd = layout.ldd;
  out.ld_residual = layout.ldr;
  out.a_batch_stride = desc.a_batch_stride;
  out.b_batch_stride = desc.b_batch_stride;
  out.c_batch_stride = desc.c_batch_stride;
  out.d_batch_stride = desc.d_batch_stride;
  out.group_k = desc.group_k;
  out.alpha = desc.alpha;
  out.beta = desc.beta;
  return out;
}

bool GemmImpl::load_portable_kernel(std::string& reason) try {
  for (const std::uint64_t size :
       {desc.m, desc.n, desc.k, layout.lda, layout.ldb, layout.ldc, layout.ldd, layout.ldr}) {
    static_cast<void>(to_u32(size, "a size or leading dimension"));
  }
  // Few rows stream B once; many share it in a tile, the smaller one where the larger leaves the
  // device idle.
  is_gemv = desc.m <= kMaxGemvRows && !is_integer() && desc.b_transposed && !desc.a_transposed;
  const std::string family = is_gemv ? "gemv" : "gemm";
  const std::string file = is_integer() ? "gemm_i8" : is_weight_only() ? family + "_quant" : family;
  std::vector<Tile> tiles = find_tiles(device.info(), file);
  Tile tile = tiles.front();
  if (tiles.size() > 1 && is_gemv && desc.m > 1) tile = tiles[1];
  if (!is_gemv) {
    for (const Tile& candidate : tiles) {
      tile = candidate;
      const std::uint64_t groups =
          ceil_div(desc.m, tile["BM"]) * ceil_div(desc.n, tile["BN"]) * desc.batch;
      if (groups >= device.info().compute_units) break;
    }
  }
  if (is_weight_only()) {
    tile["BITS"] = bits(desc.b);
    portable = load_portable(device, file, file, tile,
                             {{"DT_A", desc.a}, {"DT_C", desc.d}, {"DT_S", desc.scale_type}});
  } else if (is_integer()) {
    portable = load_portable(device, file, file, tile, {});
  } else {
    portable = load_portable(device, file, file, tile,
                             {{"DT_A", desc.a}, {"DT_B", desc.b}, {"DT_C", desc.d}});
  }
  return true;
} catch (const Error& error) {
  if (error.code() == ErrorCode::device_lost) throw;
  reason = error.what();
  return false;
}

std::optional<std::string> GemmImpl::attempt(Provider provider, std::string& reason) {
  switch (provider) {
    case Provider::backend: {
      const sampan_gemm_desc_t abi = to_abi();
      op = make_backend_op(*this, SAMPAN_OP_GEMM, &abi, reason);
      return op ? std::optional(op.name()) : std::nullopt;
    }
    case Provider::portable:
      return load_portable_kernel(reason) ? std::optional(portable.name) : std::nullopt;
    case Provider::host:
      if (device == HostStage::host()) {
        reason = "the device is the host";
        return std::nullopt;
      }
      host = std::make_shared<const GemmPlan>(HostStage::host(), desc);
      return "on " + host->device().id() + ": " + host->why().front().name;
  }
  return std::nullopt;
}

void GemmImpl::check(const GemmArgs& args) const {
  const GemmDesc& d = desc;
  const auto operand = [&](const char* name, const View& view, DType dtype, std::uint64_t rows,
                           std::uint64_t cols, std::uint64_t ld, std::uint64_t batch_stride) {
    if (rows == 0 || cols == 0) return;
    check_operand(view, d.batch > 1 && batch_stride != 0
                            ? make_operand(name, dtype, {d.batch, rows, cols}, {batch_stride, ld})
                            : make_operand(name, dtype, {rows, cols}, {ld}));
  };
  if (d.m == 0 || d.n == 0 || d.batch == 0) return;
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
  if (is_weight_only()) {
    operand("scales", args.scales, d.scale_type, d.n, d.k / d.group_k, d.k / d.group_k, 0);
  }
}

void GemmImpl::run_backend(Stream& stream, const GemmArgs& args) const {
  const auto arg = [](const View& view) { return view ? Arg(view) : Arg(nullptr); };
  const std::array<Arg, 7> list = {arg(args.a),    arg(args.b),        arg(args.c),
                                   arg(args.bias), arg(args.residual), arg(args.scales),
                                   arg(args.d)};
  op.run(stream, list, workspace ? workspace.view(DType::u8) : View());
}

// The kernels write C in place: a C that is another matrix is copied to D first.
void GemmImpl::run_portable(Stream& stream, const GemmArgs& args) const {
  const auto u32 = [](std::uint64_t value) { return static_cast<std::uint32_t>(value); };
  const bool copy_c = desc.beta != 0 && (args.c.impl() != args.d.impl() ||
                                         args.c.offset_bytes() != args.d.offset_bytes());
  if (copy_c) stream.copy(args.d, args.c);
  constexpr std::uint32_t kTransA = 1, kTransB = 2, kBias = 4, kResidual = 8, kActivation = 16;
  const std::uint32_t flags = (desc.a_transposed ? kTransA : 0) |
                              (desc.b_transposed ? kTransB : 0) | (desc.has_bias ? kBias : 0) |
                              (desc.has_residual ? kResidual : 0) |
                              static_cast<std::uint32_t>(desc.activation) * kActivation;
  ArgList list;
  list.value(u32(desc.m)).value(u32(desc.n)).value(u32(desc.k)).value(flags);
  if (is_weight_only()) {
    list.value(desc.alpha).value(desc.beta);
    list.buffer(args.a).value(u32(layout.lda));
    list.buffer_bytes(args.b).value(u32(bytes_for(desc.b, layout.ldb)));
    list.buffer(args.scales).value(u32(desc.k / desc.group_k)).value(u32(desc.group_k));
    list.buffer(args.d).value(u32(layout.ldd)).buffer(args.bias);
    list.buffer(args.residual).value(u32(layout.ldr));
  } else {
    if (!is_integer()) list.value(desc.alpha).value(desc.beta);
    list.buffer(args.a).value(u32(layout.lda)).value(desc.a_batch_stride);
    list.buffer(args.b).value(u32(layout.ldb)).value(desc.b_batch_stride);
    list.buffer(args.d).value(u32(layout.ldd)).value(desc.d_batch_stride);
    if (!is_integer()) {
      list.buffer(args.bias).buffer(args.residual);
      list.value(u32(layout.ldr)).value(desc.d_batch_stride);
    }
  }
  stream.launch_span(portable.kernel, portable_config(), list.span());
}

LaunchConfig GemmImpl::portable_config() const {
  const auto u32 = [](std::uint64_t value) { return static_cast<std::uint32_t>(value); };
  const PortableKernel& p = portable;
  LaunchConfig config;
  if (is_gemv) {
    config.grid = {u32(ceil_div(desc.n, p["RN"])), u32(ceil_div(desc.m, p["MM"])), u32(desc.batch)};
    config.group = {p["ITEMS"], 1, 1};
    config.local_bytes = p["ITEMS"] > 1 ? 4 * p["ITEMS"] * p["RN"] * p["MM"] : 4;
    return config;
  }
  const std::uint32_t bm = p["BM"], bn = p["BN"], bk = p["BK"];
  const bool parked = bm * bn != p["GX"] * p["GY"] * p["TM"] * p["TN"];
  config.grid = {u32(ceil_div(desc.n, bn)), u32(ceil_div(desc.m, bm)), u32(desc.batch)};
  config.group = {p["GX"], p["GY"], 1};
  config.local_bytes = 4 * (bm * (bk + 4) + bk * bn + (parked ? bm * bn : 0));
  return config;
}

void GemmImpl::run_host(Stream& stream, const GemmArgs& args) const {
  HostStage stage(stream);
  GemmArgs copy;
  copy.a = stage.in(args.a);
  copy.b = stage.in(args.b);
  copy.c = stage.in(args.c);
  copy.bias = stage.in(args.bias);
  copy.residual = stage.in(args.residual);
  copy.scales = stage.in(args.scales);
  copy.d = stage.out(args.d);
  host->run(stage.host_stream(), copy);
  stage.finish();
}

}  // namespace

GemmPlan::GemmPlan(const Device& device, const GemmDesc& desc)
    : Plan(std::make_shared<GemmImpl>(device, desc)) {}

void GemmPlan::run(Stream& stream, const GemmArgs& args) const {
  static_cast<const GemmImpl&>(impl()).run(stream, args);
}

}  // namespace sampan::ops
