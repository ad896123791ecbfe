#include "backends/cpu/op_plan.h"

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <optional>
#include <string_view>

#include "backends/cpu/native/attention.h"
#include "backends/cpu/native/gemm.h"
#include "backends/cpu/native/rowops.h"

namespace sampan::cpu {
namespace {

using native::ElementType;
using native::Status;

std::optional<ElementType> element_type(std::uint32_t type) {
  switch (type) {
    case SAMPAN_F32:
      return ElementType::f32;
    case SAMPAN_F16:
      return ElementType::f16;
    case SAMPAN_BF16:
      return ElementType::bf16;
    case SAMPAN_I8:
      return ElementType::i8;
    case SAMPAN_I4:
      return ElementType::i4;
    case SAMPAN_I32:
      return ElementType::i32;
    default:
      return std::nullopt;
  }
}

constexpr std::int64_t to_signed(std::uint64_t value) { return static_cast<std::int64_t>(value); }

bool accepted(Status status, const char* operation, std::string& reason) {
  if (status == Status::ok) return true;
  reason = std::string("the native ") + operation +
           (status == Status::unsupported ? " has no kernel for these types or layouts"
                                          : " refuses these sizes or strides");
  return false;
}

// Fills `to` from the ABI's types; false, with the reason, for one that no native kernel knows.
bool set_type(ElementType& to, std::uint32_t type, const char* operation, std::string& reason) {
  const std::optional<ElementType> known = element_type(type);
  if (known) to = *known;
  return known || accepted(Status::unsupported, operation, reason);
}

// ---- gemm ---------------------------------------------------------------------------------------

class GemmPlan final : public OpPlan {
 public:
  GemmPlan(Device& device, const native::GemmDesc& desc, bool b_constant)
      : device_(device), desc_(desc), isa_(device.isa()) {
    workspace_bytes = native::gemm_workspace_bytes(desc, isa_, device.pool().threads());
    if (b_constant) prepare_packing(device.pool().threads());
  }

  ~GemmPlan() override {
    if (packed_) device_.budget().give_back(packed_bytes_);
  }

  Status run(const OpArgs& args, const native::Parallel& parallel, std::byte* workspace) override {
    const auto& [a, b, c, bias, residual, scales, d, unused] = args.buffers;
    native::GemmBuffers buffers{
        .a = a, .b = b, .c = c, .bias = bias, .residual = residual, .scales = scales, .d = d};
    if (packed_for(buffers, parallel)) {
      native::GemmDesc desc = desc_;
      desc.packed_b = true;
      buffers.b = packed_.get();
      return native::gemm(desc, buffers, isa_, parallel, workspace, workspace_bytes);
    }
    return native::gemm(desc_, buffers, isa_, parallel, workspace, workspace_bytes);
  }

 private:
  enum PackState { kUnpacked, kPacking, kPacked, kUnpackable };

  void prepare_packing(std::uint32_t threads) {
    if (desc_.batch != 1 && desc_.b.batch_stride != 0) return;
    packed_bytes_ = native::gemm_packed_b_bytes(desc_, isa_);
    constexpr std::size_t kAlignment = native::kWorkspaceAlignmentBytes;
    packed_bytes_ = (packed_bytes_ + kAlignment - 1) / kAlignment * kAlignment;
    // Without room for a copy, every run reads B as it is.
    if (packed_bytes_ == 0 || !device_.budget().take(packed_bytes_)) return;
    packed_.reset(std::aligned_alloc(kAlignment, packed_bytes_));
    if (!packed_) {
      device_.budget().give_back(packed_bytes_);
      return;
    }
    // Few rows take another path over a packed B, which packs A too.
    native::GemmDesc packed = desc_;
    packed.packed_b = true;
    workspace_bytes =
        std::max(workspace_bytes, native::gemm_workspace_bytes(packed, isa_, threads));
  }

  // True if the packed copy is that of this B. The first run makes it; another B is never packed.
  // A run beside the first waits for it: over B as it lies it would give other bits.
  bool packed_for(const native::GemmBuffers& buffers, const native::Parallel& parallel) {
    if (!packed_) return false;
    int state = state_.load(std::memory_order_acquire);
    if (state == kUnpacked && state_.compare_exchange_strong(state, kPacking)) {
      packed_from_ = buffers.b;
      const Status status =
          native::gemm_pack_b(desc_, buffers, isa_, parallel, packed_.get(), packed_bytes_);
      state = status == Status::ok ? kPacked : kUnpackable;
      state_.store(state, std::memory_order_release);
      state_.notify_all();
    }
    if (state == kPacking) {
      state_.wait(kPacking, std::memory_order_acquire);
      state = state_.load(std::memory_order_acquire);
    }
    return state == kPacked && packed_from_ == buffers.b;
  }

  struct Free {
    void operator()(void* memory) const noexcept { std::free(memory); }
  };

  Device& device_;
  const native::GemmDesc desc_;
  const native::IsaLevel isa_;
  std::unique_ptr<void, Free> packed_;
  std::size_t packed_bytes_ = 0;
  std::atomic<int> state_{kUnpacked};
  const void* packed_from_ = nullptr;  // constant once kPacked
};

std::optional<native::Activation> activation_of(std::uint32_t activation) {
  switch (activation) {
    case SAMPAN_ACTIVATION_NONE:
      return native::Activation::none;
    case SAMPAN_ACTIVATION_SILU:
      return native::Activation::silu;
    case SAMPAN_ACTIVATION_GELU:
      return native::Activation::gelu;
    default:
      return std::nullopt;
  }
}

std::optional<native::GemmDesc> translate(const sampan_gemm_desc_t& from, std::string& reason) {
  native::GemmDesc to;
  if (!set_type(to.a.type, from.a_type, "gemm", reason) ||
      !set_type(to.b.type, from.b_type, "gemm", reason) ||
      !set_type(to.c.type, from.c_type, "gemm", reason) ||
      !set_type(to.d.type, from.d_type, "gemm", reason)) {
    return std::nullopt;
  }
  if (from.group_k > 0 && !set_type(to.scale_type, from.scale_type, "gemm", reason)) {
    return std::nullopt;
  }
  const std::optional<native::Activation> activation = activation_of(from.activation);
  if (!activation) {
    reason = "the native gemm doesn't know this activation";
    return std::nullopt;
  }
  to.activation = *activation;
  to.m = to_signed(from.m);
  to.n = to_signed(from.n);
  to.k = to_signed(from.k);
  to.batch = to_signed(from.batch);
  to.a = {to.a.type, to_signed(from.lda), to_signed(from.a_batch_stride)};
  to.b = {to.b.type, to_signed(from.ldb), to_signed(from.b_batch_stride)};
  to.c = {to.c.type, to_signed(from.ldc), to_signed(from.c_batch_stride)};
  to.d = {to.d.type, to_signed(from.ldd), to_signed(from.d_batch_stride)};
  // A residual lies as D does, but for its rows' distance.
  to.residual = {to.d.type, to_signed(from.ld_residual), to_signed(from.d_batch_stride)};
  to.transpose_a = from.a_transposed != 0;
  to.transpose_b = from.b_transposed != 0;
  to.group_k = to_signed(from.group_k);
  to.has_bias = from.has_bias != 0;
  to.has_residual = from.has_residual != 0;
  to.bias_type = to.d.type;
  to.alpha = from.alpha;
  to.beta = from.beta;
  return to;
}

std::unique_ptr<OpPlan> make_gemm(Device& device, const sampan_gemm_desc_t& from,
                                  std::string& reason) {
  const std::optional<native::GemmDesc> desc = translate(from, reason);
  if (!desc || !accepted(native::gemm_check(*desc), "gemm", reason)) return nullptr;
  return std::make_unique<GemmPlan>(device, *desc, from.b_constant != 0);
}

// ---- attention ----------------------------------------------------------------------------------

class AttentionPlan final : public OpPlan {
 public:
  AttentionPlan(Device& device, const native::AttentionDesc& desc)
      : desc_(desc), isa_(device.isa()) {
    workspace_bytes = native::attention_workspace_bytes(desc, isa_, device.pool().threads());
  }

  Status run(const OpArgs& args, const native::Parallel& parallel, std::byte* workspace) override {
    const native::AttentionBuffers buffers{
        .q = args.buffers[0],
        .k = args.buffers[1],
        .v = args.buffers[2],
        .block_table = reinterpret_cast<const std::int32_t*>(args.buffers[4]),
        .o = args.buffers[3]};
    return native::attention(desc_, buffers, args.value, isa_, parallel, workspace,
                             workspace_bytes);
  }

 private:
  const native::AttentionDesc desc_;
  const native::IsaLevel isa_;
};

native::TokenStrides token_strides(const std::uint64_t (&strides)[3]) {
  return {to_signed(strides[0]), to_signed(strides[1]), to_signed(strides[2])};
}

std::unique_ptr<OpPlan> make_attention(Device& device, const sampan_attention_desc_t& from,
                                       std::string& reason) {
  native::AttentionDesc desc;
  if (!set_type(desc.type, from.type, "attention", reason)) return nullptr;
  desc.batch = to_signed(from.b);
  desc.heads = to_signed(from.h);
  desc.kv_heads = to_signed(from.hkv);
  desc.q_len = to_signed(from.sq);
  desc.kv_len = to_signed(from.skv);
  desc.head_dim = to_signed(from.d);
  desc.q = token_strides(from.q_strides);
  desc.k = token_strides(from.k_strides);
  desc.v = token_strides(from.v_strides);
  desc.o = token_strides(from.o_strides);
  desc.scale = from.scale;
  desc.causal = from.causal != 0;
  desc.page_size = from.page_size;
  desc.max_pages = from.max_pages;
  if (!accepted(native::attention_check(desc), "attention", reason)) return nullptr;
  return std::make_unique<AttentionPlan>(device, desc);
}

// ---- rows ---------------------------------------------------------------------------------------

struct RowKind {
  std::uint32_t abi;
  native::RowKind native;
  const char* name;
  // Where the ABI's arguments go, in its order.
  const void* native::RowBuffers::*inputs[3];
};

constexpr RowKind kRowKinds[] = {
    {SAMPAN_ROW_RMS_NORM,
     native::RowKind::rms_norm,
     "rms_norm",
     {&native::RowBuffers::x, &native::RowBuffers::weight, nullptr}},
    {SAMPAN_ROW_LAYER_NORM,
     native::RowKind::layer_norm,
     "layer_norm",
     {&native::RowBuffers::x, &native::RowBuffers::weight, &native::RowBuffers::bias}},
    {SAMPAN_ROW_SOFTMAX,
     native::RowKind::softmax,
     "softmax",
     {&native::RowBuffers::x, nullptr, nullptr}},
    {SAMPAN_ROW_SILU_MUL,
     native::RowKind::silu_mul,
     "silu_mul",
     {&native::RowBuffers::x, &native::RowBuffers::x2, nullptr}},
    {SAMPAN_ROW_ADD,
     native::RowKind::add,
     "add",
     {&native::RowBuffers::x, &native::RowBuffers::x2, nullptr}},
};

class RowPlan final : public OpPlan {
 public:
  RowPlan(const Device& device, const RowKind& kind, const native::RowDesc& desc)
      : kind_(kind), desc_(desc), isa_(device.isa()) {}

  Status run(const OpArgs& args, const native::Parallel& parallel, std::byte*) override {
    native::RowBuffers buffers;
    std::size_t next = 0;
    for (const auto input : kind_.inputs) {
      if (input != nullptr) buffers.*input = args.buffers[next++];
    }
    buffers.y = args.buffers[next];
    return native::row_op(desc_, buffers, isa_, parallel);
  }

 private:
  const RowKind& kind_;
  const native::RowDesc desc_;
  const native::IsaLevel isa_;
};

std::unique_ptr<OpPlan> make_row(Device& device, const sampan_row_desc_t& from,
                                 std::string& reason) {
  const RowKind* kind = nullptr;
  for (const RowKind& known : kRowKinds) {
    if (known.abi == from.kind) kind = &known;
  }
  if (kind == nullptr) {
    reason = "there is no native kernel for this operation on rows";
    return nullptr;
  }
  native::RowDesc desc;
  desc.kind = kind->native;
  if (!set_type(desc.type, from.type, kind->name, reason)) return nullptr;
  const bool has_weight = from.kind == SAMPAN_ROW_RMS_NORM || from.kind == SAMPAN_ROW_LAYER_NORM;
  desc.weight_type = desc.type;
  if (has_weight && !set_type(desc.weight_type, from.weight_type, kind->name, reason)) {
    return nullptr;
  }
  desc.rows = to_signed(from.rows);
  desc.cols = to_signed(from.cols);
  desc.x_stride = to_signed(from.x_stride);
  desc.x2_stride = to_signed(from.x2_stride);
  desc.y_stride = to_signed(from.y_stride);
  desc.epsilon = from.epsilon;
  desc.scale = from.scale;
  if (!accepted(native::row_check(desc), kind->name, reason)) return nullptr;
  auto plan = std::make_unique<RowPlan>(device, *kind, desc);
  plan->name = kind->name;
  return plan;
}

}  // namespace

std::unique_ptr<OpPlan> make_op_plan(Device& device, std::uint32_t op, const void* desc,
                                     std::string& reason) {
  std::unique_ptr<OpPlan> plan;
  switch (op) {
    case SAMPAN_OP_GEMM:
      plan = make_gemm(device, *static_cast<const sampan_gemm_desc_t*>(desc), reason);
      if (plan) plan->name = "gemm";
      break;
    case SAMPAN_OP_ATTENTION:
      plan = make_attention(device, *static_cast<const sampan_attention_desc_t*>(desc), reason);
      if (plan) plan->name = "attention";
      break;
    case SAMPAN_OP_ROW:
      plan = make_row(device, *static_cast<const sampan_row_desc_t*>(desc), reason);
      break;
    default:
      reason = "the CPU backend has no such operation of its own";
  }
  if (plan) {
    plan->name = "native " + plan->name + " " + std::string(native::isa_name(device.isa()));
  }
  return plan;
}

}  // namespace sampan::cpu
