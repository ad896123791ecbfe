#include "backends/cpu/native/rowops.h"

#include <algorithm>

#include "backends/cpu/native/kernel_table.h"

namespace sampan::cpu::native {
namespace {

// A task must be worth its hand-over, about half a microsecond: as many elements pass L2 in 3 us.
constexpr std::int64_t kElemsPerTask = 32768;
// Elementwise rows may be cut at multiples of this many columns: whole vectors and cache lines.
constexpr std::int64_t kColUnit = 64;

bool is_elementwise(RowKind kind) { return kind == RowKind::silu_mul || kind == RowKind::add; }
bool is_norm(RowKind kind) { return kind == RowKind::rms_norm || kind == RowKind::layer_norm; }

struct Job {
  const RowDesc& desc;
  const RowBuffers& buffers;
  const KernelTable& table;
  std::int64_t tasks;
  bool by_columns;
};

void run_task(void* arg, std::uint32_t index) {
  const Job& job = *static_cast<const Job*>(arg);
  const RowDesc& desc = job.desc;
  const auto part = [&](std::int64_t extent, std::int64_t unit) {
    const std::int64_t units = (extent + unit - 1) / unit;
    return Range{std::min(extent, units * index / job.tasks * unit),
                 std::min(extent, units * (index + 1) / job.tasks * unit)};
  };
  const Range rows = job.by_columns ? Range{0, desc.rows} : part(desc.rows, 1);
  const Range cols = job.by_columns ? part(desc.cols, kColUnit) : Range{0, desc.cols};
  job.table.row_op(desc, job.buffers, rows, cols);
}

bool complete(const RowDesc& desc, const RowBuffers& buffers) {
  return buffers.x != nullptr && buffers.y != nullptr &&
         (!is_elementwise(desc.kind) || buffers.x2 != nullptr) &&
         (!is_norm(desc.kind) || buffers.weight != nullptr);
}

}  // namespace

Status row_check(const RowDesc& desc) noexcept {
  const auto valid = [&](std::int64_t stride) {
    return stride >= 0 && (desc.rows <= 1 || stride >= desc.cols);
  };
  const bool strides = valid(desc.x_stride) && valid(desc.y_stride) &&
                       (!is_elementwise(desc.kind) || valid(desc.x2_stride));
  if (desc.rows < 0 || desc.cols < 0 || !strides) return Status::invalid_argument;
  const bool floats = is_float(desc.type) && (!is_norm(desc.kind) || is_float(desc.weight_type));
  return floats ? Status::ok : Status::unsupported;
}

Status row_op(const RowDesc& desc, const RowBuffers& buffers, IsaLevel isa,
              const Parallel& parallel) noexcept {
  if (const Status status = row_check(desc); status != Status::ok) return status;
  if (desc.rows == 0 || desc.cols == 0) return Status::ok;
  if (!complete(desc, buffers)) return Status::invalid_argument;
  const bool by_columns = is_elementwise(desc.kind) && desc.rows < parallel.threads;
  const std::int64_t worthwhile = desc.rows * desc.cols / kElemsPerTask;
  const std::int64_t tasks =
      std::clamp(std::min(worthwhile, by_columns ? desc.cols / kColUnit : desc.rows),
                 std::int64_t{1}, std::max(std::int64_t{1}, std::int64_t{parallel.threads}));
  Job job{desc, buffers, kernel_table(isa), tasks, by_columns};
  if (tasks == 1) {
    run_task(&job, 0);
  } else {
    parallel.run(parallel.context, static_cast<std::uint32_t>(tasks), run_task, &job);
  }
  return Status::ok;
}

}  // namespace sampan::cpu::native
