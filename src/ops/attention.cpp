#include "sampan/ops/attention.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <tuple>

#include "ops/host_stage.h"
#include "ops/operand.h"
#include "ops/plan_impl.h"
#include "ops/portable.h"
#include "sampan/error.h"
#include "sampan/plugin/backend.h"

namespace sampan::ops {
namespace {

using Strides = std::array<std::uint64_t, 3>;

[[noreturn]] void refuse(const std::string& why) {
  throw Error(ErrorCode::invalid_argument, "this attention makes no sense: " + why);
}

std::uint32_t u32(std::uint64_t value) { return to_u32(value, "a size or stride"); }

Strides with_default(const Strides& given, std::uint64_t rows, std::uint64_t heads,
                     std::uint64_t d) {
  if (given != Strides{}) return given;
  return {rows * heads * d, heads * d, d};
}

AttentionDesc complete(AttentionDesc d) {
  if (d.h == 0 || d.hkv == 0 || d.h % d.hkv != 0) refuse("h must be a multiple of hkv, and not 0");
  if (d.d < 16 || d.d > 256 || d.d % 16 != 0) refuse("d must be a multiple of 16 from 16 to 256");
  if (d.dtype != DType::f32 && d.dtype != DType::f16 && d.dtype != DType::bf16) {
    refuse("its type must be f32, f16 or bf16");
  }
  if (d.page_size > 0 && d.max_pages * d.page_size < d.skv) {
    refuse("max_pages pages of page_size keys don't hold skv keys");
  }
  const std::uint64_t kv_rows = d.page_size > 0 ? d.page_size : d.skv;
  d.q_strides = with_default(d.q_strides, d.sq, d.h, d.d);
  d.o_strides = with_default(d.o_strides, d.sq, d.h, d.d);
  d.k_strides = with_default(d.k_strides, kv_rows, d.hkv, d.d);
  d.v_strides = with_default(d.v_strides, kv_rows, d.hkv, d.d);
  if (d.scale == 0.0f) d.scale = static_cast<float>(1.0 / std::sqrt(static_cast<double>(d.d)));
  return d;
}

/// Of the tiles with the narrowest heads that hold d, the tallest that the rows of one key head
/// fill; if they fill none, the lowest.
Tile choose_tile(const DeviceInfo& info, const AttentionDesc& desc) {
  std::vector<Tile> tiles = find_tiles(info, "attention");
  std::erase_if(tiles, [&](const Tile& tile) { return tile.at("HD") < desc.d; });
  if (tiles.empty()) {
    throw Error(ErrorCode::unsupported, "no tile of class '" + info.tile_class +
                                            "' holds heads of " + std::to_string(desc.d));
  }
  const std::uint64_t rows = desc.sq * (desc.h / desc.hkv);
  const auto cost = [&](const Tile& tile) {
    const std::uint64_t height = tile.at("BR");
    return std::tuple(tile.at("HD"), height > rows, height > rows ? height : UINT64_MAX - height);
  };
  return *std::min_element(tiles.begin(), tiles.end(),
                           [&](const Tile& a, const Tile& b) { return cost(a) < cost(b); });
}

class AttentionImpl : public PlanImpl {
 public:
  AttentionImpl(const Device& device_in, const AttentionDesc& desc_in)
      : PlanImpl(device_in), desc(complete(desc_in)) {
    choose_provider(*this, "this attention", [this](Provider provider, std::string& reason) {
      return attempt(provider, reason);
    });
  }

  void run(Stream& stream, const AttentionArgs& args) const;

 private:
  std::optional<std::string> attempt(Provider provider, std::string& reason);
  bool load_portable_kernels(std::string& reason);
  void check(const AttentionArgs& args, std::uint64_t skv) const;
  void run_backend(Stream& stream, const AttentionArgs& args, std::uint64_t skv) const;
  void run_portable(Stream& stream, const AttentionArgs& args, std::uint64_t skv) const;
  void run_host(Stream& stream, const AttentionArgs& args, std::uint64_t skv) const;
  [[nodiscard]] sampan_attention_desc_t to_abi() const;

  AttentionDesc desc;
  BackendOp op;
  PortableKernel portable, merge;
  std::uint32_t splits = 1;
  std::shared_ptr<const AttentionPlan> host;
};

sampan_attention_desc_t AttentionImpl::to_abi() const {
  sampan_attention_desc_t out{};
  out.size = sizeof(out);
  out.type = static_cast<std::uint32_t>(desc.dtype);
  out.causal = desc.causal;
  out.page_size = u32(desc.page_size);
  out.max_pages = u32(desc.max_pages);
  out.b = desc.b;
  out.h = desc.h;
  out.hkv = desc.hkv;
  out.sq = desc.sq;
  out.skv = desc.skv;
  out.d = desc.d;
  std::copy(desc.q_strides.begin(), desc.q_strides.end(), out.q_strides);
  std::copy(desc.k_strides.begin(), desc.k_strides.end(), out.k_strides);
  std::copy(desc.v_strides.begin(), desc.v_strides.end(), out.v_strides);
  std::copy(desc.o_strides.begin(), desc.o_strides.end(), out.o_strides);
  out.scale = desc.scale;
  return out;
}

bool AttentionImpl::load_portable_kernels(std::string& reason) try {
  const Tile tile = choose_tile(device.info(), desc);
  const std::vector<std::pair<std::string, DType>> types = {{"DT_Q", desc.dtype},
                                                            {"DT_KV", desc.dtype}};
  portable = load_portable(device, "attention", "attention", tile, types);
  // One split for each compute unit that the rows alone would leave idle.
  const std::uint64_t groups =
      desc.b * desc.hkv * ceil_div(desc.sq * (desc.h / desc.hkv), portable["BR"]);
  const std::uint64_t blocks = ceil_div(desc.skv, portable["BC"]);
  const std::uint64_t idle = device.info().compute_units / std::max<std::uint64_t>(groups, 1);
  splits = static_cast<std::uint32_t>(
      std::clamp<std::uint64_t>(idle, 1, std::max<std::uint64_t>(blocks, 1)));
  if (splits > 1) {
    merge = load_portable(device, "attention", "attention_merge", tile, types);
    workspace = device.allocate(std::uint64_t{splits} * desc.b * desc.sq * desc.h * (desc.d + 2) *
                                sizeof(float));
  }
  return true;
} catch (const Error& error) {
  if (error.code() == ErrorCode::device_lost) throw;
  reason = error.what();
  return false;
}

std::optional<std::string> AttentionImpl::attempt(Provider provider, std::string& reason) {
  switch (provider) {
    case Provider::backend: {
      const sampan_attention_desc_t abi = to_abi();
      op = make_backend_op(*this, SAMPAN_OP_ATTENTION, &abi, reason);
      return op ? std::optional(op.name()) : std::nullopt;
    }
    case Provider::portable:
      return load_portable_kernels(reason) ? std::optional(portable.name) : std::nullopt;
    case Provider::host:
      return attempt_on_host(device, reason, [this](const Device& cpu) {
        host = std::make_shared<const AttentionPlan>(cpu, desc);
        return host->why().front().name;
      });
  }
  return std::nullopt;
}

void AttentionImpl::check(const AttentionArgs& args, std::uint64_t skv) const {
  if (skv > desc.skv) {
    throw Error(ErrorCode::invalid_argument, "this run has " + std::to_string(skv) +
                                                 " keys, the plan was made for at most " +
                                                 std::to_string(desc.skv));
  }
  const auto operand = [&](const char* name, const View& view, std::uint64_t outer,
                           std::uint64_t rows, std::uint64_t heads, const Strides& strides) {
    check_operand(view, make_operand(name, desc.dtype, {outer, rows, heads, desc.d},
                                     {strides[0], strides[1], strides[2]}));
  };
  operand("q", args.q, desc.b, desc.sq, desc.h, desc.q_strides);
  operand("o", args.o, desc.b, desc.sq, desc.h, desc.o_strides);
  if (desc.skv == 0) return;
  if (desc.page_size == 0) {
    operand("k", args.k, desc.b, desc.skv, desc.hkv, desc.k_strides);
    operand("v", args.v, desc.b, desc.skv, desc.hkv, desc.v_strides);
    return;
  }
  const std::uint64_t pages = args.k.rank() > 0 ? args.k.dim(0) : 0;
  operand("k", args.k, pages, desc.page_size, desc.hkv, desc.k_strides);
  operand("v", args.v, pages, desc.page_size, desc.hkv, desc.v_strides);
  check_operand(args.block_table,
                make_operand("block_table", DType::i32, {desc.b, desc.max_pages}));
}

void AttentionImpl::run(Stream& stream, const AttentionArgs& args) const {
  if (desc.b == 0 || desc.sq == 0) return;
  const std::uint64_t skv = args.skv != 0 ? args.skv : desc.skv;
  check(args, skv);
  if (op) return run_backend(stream, args, skv);
  if (portable.kernel) return run_portable(stream, args, skv);
  run_host(stream, args, skv);
}

void AttentionImpl::run_backend(Stream& stream, const AttentionArgs& args,
                                std::uint64_t skv) const {
  const auto arg = [](const View& view) { return view ? Arg(view) : Arg(nullptr); };
  const std::array<Arg, 6> list = {arg(args.q), arg(args.k),           arg(args.v),
                                   arg(args.o), arg(args.block_table), Arg(u32(skv))};
  op.run(stream, list, workspace ? workspace.view(DType::u8) : View());
}

void AttentionImpl::run_portable(Stream& stream, const AttentionArgs& args,
                                 std::uint64_t skv) const {
  constexpr std::uint32_t kCausal = 1, kPaged = 4;
  const std::uint32_t flags = (desc.causal ? kCausal : 0) | (desc.page_size > 0 ? kPaged : 0);
  const View partial = workspace ? workspace.view(DType::f32) : View();
  const auto strided = [](ArgList& list, const View& view, const Strides& strides) {
    list.buffer(view).value(strides[0]).value(u32(strides[1])).value(u32(strides[2]));
  };
  ArgList list;
  list.value(u32(desc.sq)).value(u32(skv)).value(u32(desc.h)).value(u32(desc.hkv));
  list.value(u32(desc.d)).value(flags).value(splits).value(desc.scale);
  list.buffer(View());
  list.buffer(args.block_table).value(u32(desc.max_pages)).value(u32(desc.page_size));
  strided(list, args.q, desc.q_strides);
  strided(list, args.k, desc.k_strides);
  strided(list, args.v, desc.v_strides);
  strided(list, args.o, desc.o_strides);
  list.buffer(partial);

  const PortableKernel& p = portable;
  const std::uint32_t br = p["BR"], bc = p["BC"], hd = p["HD"], items = p["GX"] * p["GY"];
  const bool parked = br * hd != items * p["TM"] * p["TNO"];
  LaunchConfig config;
  config.grid = {u32(ceil_div(desc.sq * (desc.h / desc.hkv), br)), u32(desc.hkv) * splits,
                 u32(desc.b)};
  config.group = {p["GX"], p["GY"], 1};
  config.local_bytes = 4 * (br * (hd + 4) + bc * hd + br * (bc + 4) + br + 3 * std::max(br, items) +
                            (parked ? br * hd : 0));
  stream.launch_span(p.kernel, config, list.span());
  if (splits == 1) return;

  ArgList join;
  join.value(u32(desc.b)).value(u32(desc.sq)).value(u32(desc.h)).value(u32(desc.d)).value(splits);
  join.buffer(partial);
  strided(join, args.o, desc.o_strides);
  constexpr std::uint32_t kMergeItems = 64;
  LaunchConfig merge_config;
  merge_config.grid.x =
      u32(ceil_div(desc.b * desc.sq * desc.h * ceil_div(desc.d, p["VW"]), kMergeItems));
  merge_config.group.x = kMergeItems;
  stream.launch_span(merge.kernel, merge_config, join.span());
}

void AttentionImpl::run_host(Stream& stream, const AttentionArgs& args, std::uint64_t skv) const {
  HostStage stage(stream);
  AttentionArgs copy;
  copy.q = stage.in(args.q);
  copy.k = stage.in(args.k);
  copy.v = stage.in(args.v);
  copy.block_table = stage.in(args.block_table);
  copy.o = stage.out(args.o);
  copy.skv = skv;
  host->run(stage.host_stream(), copy);
  stage.finish();
}

}  // namespace

AttentionPlan::AttentionPlan(const Device& device, const AttentionDesc& desc)
    : Plan(std::make_shared<AttentionImpl>(device, desc)) {}

void AttentionPlan::run(Stream& stream, const AttentionArgs& args) const {
  static_cast<const AttentionImpl&>(impl()).run(stream, args);
}

}  // namespace sampan::ops
