#include "backends/cpu/native/gemm.h"

#include <algorithm>
#include <cstring>

#include "backends/cpu/native/gemm_internal.h"

namespace sampan::cpu::native {
namespace {

bool valid_layout(const MatrixLayout& layout, std::int64_t rows, std::int64_t cols) {
  return layout.batch_stride >= 0 && (rows <= 1 || layout.row_stride >= cols) &&
         layout.row_stride >= 0;
}

bool has_epilogue(const GemmDesc& desc) {
  return desc.alpha != 1.0f || desc.beta != 0.0f || desc.has_bias || desc.has_residual ||
         desc.activation != Activation::none;
}

Status check_weight_only(const GemmDesc& desc) {
  if (desc.group_k < 0 || desc.group_k % 32 != 0 || desc.k % desc.group_k != 0) {
    return Status::invalid_argument;
  }
  const bool codes = desc.b.type == ElementType::i8 || desc.b.type == ElementType::i4;
  const bool even = desc.b.type != ElementType::i4 || desc.b.row_stride % 2 == 0;
  const bool one_b = desc.batch <= 1 || desc.b.batch_stride == 0;
  if (!even) return Status::invalid_argument;
  return codes && one_b && desc.transpose_b && is_float(desc.a.type) && is_float(desc.d.type) &&
                 is_float(desc.scale_type)
             ? Status::ok
             : Status::unsupported;
}

Status check_types(const GemmDesc& desc) {
  const bool extras = (desc.beta == 0.0f || is_float(desc.c.type)) &&
                      (!desc.has_bias || is_float(desc.bias_type)) &&
                      (!desc.has_residual || is_float(desc.residual.type));
  if (!extras) return Status::unsupported;
  if (desc.group_k != 0) return check_weight_only(desc);
  if (desc.a.type == ElementType::i8 || desc.b.type == ElementType::i8) {
    const bool exact = desc.a.type == ElementType::i8 && desc.b.type == ElementType::i8 &&
                       desc.d.type == ElementType::i32 && !has_epilogue(desc);
    return exact ? Status::ok : Status::unsupported;
  }
  const bool floats = is_float(desc.a.type) && is_float(desc.b.type) && is_float(desc.d.type);
  return floats ? Status::ok : Status::unsupported;
}

bool is_aligned(const void* p) {
  return reinterpret_cast<std::uintptr_t>(p) % kWorkspaceAlignmentBytes == 0;
}

/// An empty product (k = 0) reads neither A nor B, which may then be null: this description
/// computes no address in them.
GemmDesc without_unread_operands(const GemmDesc& desc) {
  if (desc.k > 0) return desc;
  GemmDesc bare = desc;
  bare.transpose_a = false;
  bare.transpose_b = true;
  bare.a = {desc.a.type, 0, 0};
  bare.b = {desc.b.type, 0, 0};
  return bare;
}

bool empty_result(const GemmDesc& desc) { return desc.m == 0 || desc.n == 0 || desc.batch == 0; }

Status check_buffers(const GemmDesc& desc, const GemmBuffers& buffers) {
  const bool product = desc.k > 0;
  const bool complete =
      buffers.d != nullptr && (!product || (buffers.a != nullptr && buffers.b != nullptr)) &&
      (desc.beta == 0.0f || buffers.c != nullptr) &&
      (desc.group_k == 0 || desc.packed_b || !product || buffers.scales != nullptr) &&
      (!desc.has_bias || buffers.bias != nullptr) &&
      (!desc.has_residual || buffers.residual != nullptr);
  return complete ? Status::ok : Status::invalid_argument;
}

struct GemmJob {
  const GemmPlan& plan;
  const GemmDesc& desc;
  const GemmBuffers& buffers;
  const KernelTable& table;
  std::byte* workspace;
};

void run_task(void* arg, std::uint32_t index) {
  const GemmJob& job = *static_cast<const GemmJob*>(arg);
  const std::int64_t items = job.plan.items;
  const std::int64_t tasks = job.plan.tasks;
  std::byte* scratch = job.workspace + index * job.plan.task_bytes();
  for (std::int64_t i = items * index / tasks; i < items * (index + 1) / tasks; ++i) {
    const GemmItem item = gemm_item(job.plan, job.desc, i);
    const auto run = job.plan.path == GemmPath::blocked ? job.table.gemm_blocked_item
                                                        : job.table.gemm_small_item;
    run(job.plan, job.desc, job.buffers, item, scratch);
  }
}

/// The plan of the product that will read the packed B.
GemmPlan packing_plan(const GemmDesc& desc, const KernelTable& table) {
  GemmDesc packed = desc;
  packed.packed_b = true;
  return make_plan(packed, table, 1);
}

struct PackJob {
  const GemmPlan& plan;
  const GemmDesc& desc;
  const GemmBuffers& buffers;
  const KernelTable& table;
  std::uint32_t* packed;
  std::int64_t panels;  ///< per k block
};

void pack_task(void* arg, std::uint32_t index) {
  const PackJob& job = *static_cast<const PackJob*>(arg);
  const std::int64_t block = index / job.panels;
  const std::int64_t col = index % job.panels * job.plan.geometry.cols;
  job.table.gemm_pack_panel(
      job.plan, job.desc, job.buffers, block, col,
      job.packed + job.plan.packed_panel_offset(block, col, job.desc.n, job.desc.k));
}

}  // namespace

Status gemm_check(const GemmDesc& desc) noexcept {
  if (desc.m < 0 || desc.n < 0 || desc.k < 0 || desc.batch < 0) return Status::invalid_argument;
  if (const Status types = check_types(desc); types != Status::ok) return types;
  const bool layouts =
      (desc.transpose_a ? valid_layout(desc.a, desc.k, desc.m)
                        : valid_layout(desc.a, desc.m, desc.k)) &&
      (desc.packed_b || (desc.transpose_b ? valid_layout(desc.b, desc.n, desc.k)
                                          : valid_layout(desc.b, desc.k, desc.n))) &&
      valid_layout(desc.d, desc.m, desc.n) &&
      (desc.beta == 0.0f || valid_layout(desc.c, desc.m, desc.n)) &&
      (!desc.has_residual || valid_layout(desc.residual, desc.m, desc.n));
  if (!layouts) return Status::invalid_argument;
  const bool one_packed_b = !desc.packed_b || desc.batch <= 1 || desc.b.batch_stride == 0;
  return one_packed_b ? Status::ok : Status::unsupported;
}

std::size_t gemm_workspace_bytes(const GemmDesc& desc, IsaLevel isa,
                                 std::uint32_t threads) noexcept {
  if (gemm_check(desc) != Status::ok || empty_result(desc)) return 0;
  const GemmPlan plan = make_plan(without_unread_operands(desc), kernel_table(isa), threads);
  return plan.tasks * plan.task_bytes();
}

Status gemm(const GemmDesc& desc, const GemmBuffers& buffers, IsaLevel isa,
            const Parallel& parallel, void* workspace, std::size_t workspace_bytes) noexcept {
  if (const Status status = gemm_check(desc); status != Status::ok) return status;
  if (empty_result(desc)) return Status::ok;
  if (const Status status = check_buffers(desc, buffers); status != Status::ok) return status;
  const KernelTable& table = kernel_table(isa);
  const GemmDesc effective = without_unread_operands(desc);
  const GemmPlan plan = make_plan(effective, table, parallel.threads);
  const std::size_t needed = plan.tasks * plan.task_bytes();
  if (workspace_bytes < needed) return Status::workspace_too_small;
  if (needed > 0 && (workspace == nullptr || !is_aligned(workspace))) {
    return Status::invalid_argument;
  }
  GemmJob job{plan, effective, buffers, table, static_cast<std::byte*>(workspace)};
  if (plan.tasks == 1) {
    run_task(&job, 0);
  } else {
    parallel.run(parallel.context, plan.tasks, run_task, &job);
  }
  return Status::ok;
}

std::size_t gemm_packed_b_bytes(const GemmDesc& desc, IsaLevel isa) noexcept {
  if (gemm_check(desc) != Status::ok || desc.n == 0 || desc.k == 0) return 0;
  const GemmPlan plan = packing_plan(desc, kernel_table(isa));
  return static_cast<std::size_t>(plan.packed_panel_offset(plan.k_blocks, 0, desc.n, desc.k)) *
         sizeof(std::uint32_t);
}

Status gemm_pack_b(const GemmDesc& desc, const GemmBuffers& buffers, IsaLevel isa,
                   const Parallel& parallel, void* packed, std::size_t packed_bytes) noexcept {
  if (const Status status = gemm_check(desc); status != Status::ok) return status;
  if (desc.n == 0 || desc.k == 0) return Status::ok;
  if (buffers.b == nullptr || (desc.group_k > 0 && buffers.scales == nullptr) ||
      packed == nullptr || !is_aligned(packed)) {
    return Status::invalid_argument;
  }
  if (packed_bytes < gemm_packed_b_bytes(desc, isa)) return Status::workspace_too_small;
  const KernelTable& table = kernel_table(isa);
  const GemmPlan plan = packing_plan(desc, table);
  const std::int64_t panels = (desc.n + plan.geometry.cols - 1) / plan.geometry.cols;
  PackJob job{plan, desc, buffers, table, static_cast<std::uint32_t*>(packed), panels};
  parallel.run(parallel.context, static_cast<std::uint32_t>(panels * plan.k_blocks), pack_task,
               &job);
  return Status::ok;
}

}  // namespace sampan::cpu::native
