#include "backends/cpu/native/attention.h"

#include <algorithm>
#include <atomic>

#include "backends/cpu/native/kernel_table.h"

namespace sampan::cpu::native {
namespace {

// An item packs its keys once for all its rows, which costs about as much as 16 rows of work.
constexpr std::int64_t kMostChunkRows = 512;
// With fewer rows than this, keys are shared out as well, in at most this many parts of at least
// this many keys.
constexpr std::int64_t kFewRows = 64;
constexpr std::int64_t kMostKeyParts = 16;
constexpr std::int64_t kLeastPartKeys = 480;
// A task must be worth its hand-over, about half a microsecond.
constexpr double kMultiplyAddsPerTask = 131072;

std::int64_t ceil_div(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }
std::int64_t round_up(std::int64_t a, std::int64_t b) { return ceil_div(a, b) * b; }

std::size_t aligned_bytes(std::int64_t words) {
  return static_cast<std::size_t>(
      round_up(words * 4, static_cast<std::int64_t>(kWorkspaceAlignmentBytes)));
}

bool empty_result(const AttentionDesc& desc) { return desc.batch == 0 || desc.q_len == 0; }

/// Splits the keys by the description alone, so that results don't depend on the thread count.
void choose_key_parts(AttentionPlan& plan, const AttentionDesc& desc) {
  std::int64_t parts = 1;
  if (plan.rows <= kFewRows) {
    parts = std::clamp(desc.kv_len / kLeastPartKeys, std::int64_t{1}, kMostKeyParts);
  }
  plan.key_part = round_up(std::max<std::int64_t>(1, ceil_div(desc.kv_len, parts)), kKeyBlock);
  plan.key_parts = std::max<std::int64_t>(1, ceil_div(desc.kv_len, plan.key_part));
}

/// Rows per item: as many as worthwhile, but enough items for the tasks.
void choose_row_chunks(AttentionPlan& plan, const AttentionDesc& desc, std::int64_t tasks) {
  const std::int64_t others = desc.batch * desc.kv_heads * plan.key_parts;
  const std::int64_t wanted =
      std::max(ceil_div(plan.rows, kMostChunkRows), tasks > 1 ? ceil_div(2 * tasks, others) : 1);
  plan.row_chunk = round_up(ceil_div(plan.rows, wanted), kScoreRows);
  plan.row_chunks = ceil_div(plan.rows, plan.row_chunk);
}

AttentionPlan make_plan(const AttentionDesc& desc, const KernelTable& table,
                        std::uint32_t threads) {
  const TileGeometry& tile = table.tiles[static_cast<int>(ComputeFormat::f32)];
  AttentionPlan plan;
  plan.rows = desc.q_len * (desc.heads / desc.kv_heads);
  plan.dim_padded = round_up(desc.head_dim, tile.lanes);
  const double work = 2.0 * static_cast<double>(desc.batch * desc.kv_heads) *
                      static_cast<double>(plan.rows) * static_cast<double>(desc.kv_len) *
                      static_cast<double>(desc.head_dim);
  const auto tasks = static_cast<std::int64_t>(
      std::clamp(work / kMultiplyAddsPerTask, 1.0, static_cast<double>(std::max(1u, threads))));
  choose_key_parts(plan, desc);
  choose_row_chunks(plan, desc, tasks);
  plan.items = desc.batch * desc.kv_heads * plan.row_chunks * plan.key_parts;
  plan.tasks = static_cast<std::uint32_t>(std::min(tasks, plan.items));

  plan.q_bytes = aligned_bytes(plan.row_chunk * plan.dim_padded);
  plan.k_bytes = aligned_bytes(kKeyBlock * plan.dim_padded);
  plan.v_bytes = aligned_bytes(kKeyBlock * plan.dim_padded);
  plan.scores_bytes = aligned_bytes(kScoreRows * kKeyBlock);
  const std::size_t state_bytes = aligned_bytes(plan.row_chunk * (plan.dim_padded + 2));
  (plan.key_parts > 1 ? plan.partial_bytes : plan.state_bytes) = state_bytes;
  return plan;
}

std::size_t workspace_bytes_of(const AttentionPlan& plan) {
  return plan.tasks * plan.task_bytes() + static_cast<std::size_t>(plan.items) * plan.partial_bytes;
}

struct Job {
  const AttentionPlan& plan;
  const AttentionDesc& desc;
  const AttentionBuffers& buffers;
  std::int64_t kv_len;
  const KernelTable& table;
  std::byte* workspace;
  std::atomic<std::int64_t> next{0};

  /// Item `index`, the longest first: with a causal mask, later rows see more keys.
  [[nodiscard]] AttentionItem item(std::int64_t index) const {
    const std::int64_t part = index % plan.key_parts;
    const std::int64_t head = index / plan.key_parts % desc.kv_heads;
    const std::int64_t batch = index / (plan.key_parts * desc.kv_heads) % desc.batch;
    const std::int64_t chunk =
        plan.row_chunks - 1 - index / (plan.key_parts * desc.kv_heads * desc.batch);
    return {batch, head, cut(chunk, plan.row_chunk, plan.rows), cut(part, plan.key_part, kv_len)};
  }

  static Range cut(std::int64_t index, std::int64_t step, std::int64_t extent) {
    return {std::min(extent, index * step), std::min(extent, (index + 1) * step)};
  }

  [[nodiscard]] AttentionState partial(std::int64_t index) const {
    std::byte* memory = workspace + plan.tasks * plan.task_bytes() +
                        static_cast<std::size_t>(index) * plan.partial_bytes;
    return attention_state(memory, plan.row_chunk, plan.dim_padded);
  }
};

void run_task(void* arg, std::uint32_t index) {
  Job& job = *static_cast<Job*>(arg);
  const AttentionPlan& plan = job.plan;
  std::byte* scratch = job.workspace + index * plan.task_bytes();
  for (std::int64_t i = job.next++; i < plan.items; i = job.next++) {
    const AttentionItem item = job.item(i);
    const bool whole = plan.key_parts == 1;
    const AttentionState state =
        whole ? attention_state(scratch + plan.task_bytes() - plan.state_bytes, plan.row_chunk,
                                plan.dim_padded)
              : job.partial(i);
    job.table.attention_item(plan, job.desc, job.buffers, job.kv_len, item, scratch, state);
    if (whole) job.table.attention_store(plan, job.desc, job.buffers, item, state);
  }
}

void merge_task(void* arg, std::uint32_t) {
  Job& job = *static_cast<Job*>(arg);
  const AttentionPlan& plan = job.plan;
  for (std::int64_t i = job.next++; i < plan.items / plan.key_parts; i = job.next++) {
    const std::int64_t first = i * plan.key_parts;
    const AttentionItem item = job.item(first);
    for (std::int64_t part = 1; part < plan.key_parts; ++part) {
      job.table.attention_merge(plan, job.partial(first), job.partial(first + part),
                                item.rows.size());
    }
    job.table.attention_store(plan, job.desc, job.buffers, item, job.partial(first));
  }
}

bool valid_strides(const AttentionDesc& desc) {
  const auto valid = [&](const TokenStrides& s, std::int64_t heads, std::int64_t tokens) {
    return s.batch >= 0 && s.token >= 0 && s.head >= 0 && (heads <= 1 || s.head >= desc.head_dim) &&
           (tokens <= 1 || s.token >= desc.head_dim);
  };
  return valid(desc.q, desc.heads, desc.q_len) && valid(desc.o, desc.heads, desc.q_len) &&
         valid(desc.k, desc.kv_heads, desc.kv_len) && valid(desc.v, desc.kv_heads, desc.kv_len);
}

bool complete(const AttentionDesc& desc, const AttentionBuffers& buffers, std::int64_t kv_len) {
  const bool keys =
      kv_len == 0 || (buffers.q != nullptr && buffers.k != nullptr && buffers.v != nullptr &&
                      (desc.page_size == 0 || buffers.block_table != nullptr));
  return buffers.o != nullptr && keys;
}

}  // namespace

Status attention_check(const AttentionDesc& desc) noexcept {
  const bool extents = desc.batch >= 0 && desc.q_len >= 0 && desc.kv_len >= 0 &&
                       desc.head_dim > 0 && desc.heads > 0 && desc.kv_heads > 0 &&
                       desc.heads % desc.kv_heads == 0 && desc.page_size >= 0;
  if (!extents || !valid_strides(desc)) return Status::invalid_argument;
  if (desc.page_size > 0 && desc.max_pages < ceil_div(desc.kv_len, desc.page_size)) {
    return Status::invalid_argument;
  }
  return is_float(desc.type) ? Status::ok : Status::unsupported;
}

std::size_t attention_workspace_bytes(const AttentionDesc& desc, IsaLevel isa,
                                      std::uint32_t threads) noexcept {
  if (attention_check(desc) != Status::ok || empty_result(desc)) return 0;
  return workspace_bytes_of(make_plan(desc, kernel_table(isa), threads));
}

Status attention(const AttentionDesc& desc, const AttentionBuffers& buffers, std::int64_t kv_len,
                 IsaLevel isa, const Parallel& parallel, void* workspace,
                 std::size_t workspace_bytes) noexcept {
  if (const Status status = attention_check(desc); status != Status::ok) return status;
  if (empty_result(desc)) return Status::ok;
  if (kv_len < 0 || kv_len > desc.kv_len || !complete(desc, buffers, kv_len)) {
    return Status::invalid_argument;
  }
  const KernelTable& table = kernel_table(isa);
  const AttentionPlan plan = make_plan(desc, table, parallel.threads);
  if (workspace_bytes < workspace_bytes_of(plan)) return Status::workspace_too_small;
  if (reinterpret_cast<std::uintptr_t>(workspace) % kWorkspaceAlignmentBytes != 0 ||
      workspace == nullptr) {
    return Status::invalid_argument;
  }
  Job job{plan, desc, buffers, kv_len, table, static_cast<std::byte*>(workspace)};
  const auto run = [&](void (*task)(void*, std::uint32_t)) {
    job.next = 0;
    if (plan.tasks == 1) {
      task(&job, 0);
    } else {
      parallel.run(parallel.context, plan.tasks, task, &job);
    }
  };
  run(run_task);
  if (plan.key_parts > 1) run(merge_task);
  return Status::ok;
}

}  // namespace sampan::cpu::native
