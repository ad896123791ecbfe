// Products with few rows of A: B is streamed once, as it lies, and A stays in cache.
#include "backends/cpu/native/gemm_small.h"

#include "backends/cpu/native/epilogue.h"
#include "backends/cpu/native/stream_kernels.h"

namespace sampan::cpu::native::SAMPAN_ISA {
namespace {

/// A in place where it already is that, else a copy in `scratch`.
RowsOfA take_a(const GemmDesc& desc, const GemmBuffers& buffers, std::int64_t batch,
               float* scratch) {
  const std::byte* base = byte_offset(buffers.a, desc.a.type, batch * desc.a.batch_stride);
  if (desc.a.type == ElementType::f32 && !desc.transpose_a) {
    return {reinterpret_cast<const float*>(base), desc.a.row_stride};
  }
  with_dense_source<Side::a>(
      desc, buffers.a, batch, [](ElementType type, auto&& call) { with_float_storage(type, call); },
      [&](const auto& source) {
        using Storage = typename std::remove_cvref_t<decltype(source)>::Storage;
        for (std::int64_t i = 0; i < desc.m; ++i) {
          float* row = scratch + i * desc.k;
          std::int64_t k = 0;
          if (source.k_contiguous) {
            for (; k + kLanes <= desc.k; k += kLanes) {
              store(row + k, load_f32<Storage>(source.at(i, k)));
            }
          }
          for (; k < desc.k; ++k) row[k] = load_scalar_f32<Storage>(source.at(i, k));
        }
      });
  return {scratch, desc.k};
}

template <class Source>
void run_dots(const GemmDesc& desc, const RowsOfA& a, const Source& source, Range cols,
              const Epilogue& epilogue) {
  alignas(kVecBytes) float tile[kSmallRows * kLanes] = {};
  for (std::int64_t n = cols.begin; n < cols.end; n += kLanes) {
    const auto count = min_of<std::int64_t>(kLanes, cols.end - n);
    dot_products(desc.m, a, source, n, count, desc.k, tile, kLanes);
    finish_tile(epilogue, tile, kLanes, 0, n, static_cast<int>(desc.m), static_cast<int>(count));
  }
}

template <class Source>
void run_sums(const GemmPlan& plan, const GemmDesc& desc, const RowsOfA& a, const Source& source,
              Range all_cols, const Epilogue& epilogue, float* sums) {
  for (std::int64_t n = all_cols.begin; n < all_cols.end; n += plan.n_block) {
    const Range cols{n, min_of(all_cols.end, n + plan.n_block)};
    __builtin_memset(sums, 0, static_cast<std::size_t>(desc.m * plan.n_block) * sizeof(float));
    add_products(desc.m, a, source, cols, desc.k, sums, plan.n_block);
    finish_tile(epilogue, sums, plan.n_block, 0, n, static_cast<int>(desc.m),
                static_cast<int>(cols.size()));
  }
}

}  // namespace

void gemm_small_item(const GemmPlan& plan, const GemmDesc& desc, const GemmBuffers& buffers,
                     const GemmItem& item, std::byte* scratch) {
  const RowsOfA a = take_a(desc, buffers, item.batch, reinterpret_cast<float*>(scratch));
  auto* sums = reinterpret_cast<float*>(scratch + plan.a_bytes);
  const Epilogue epilogue = make_epilogue(desc, buffers, item.batch);
  if (desc.group_k > 0) {
    with_quant_source(desc, buffers,
                      [&](const auto& source) { run_dots(desc, a, source, item.cols, epilogue); });
    return;
  }
  with_dense_source<Side::b>(
      desc, buffers.b, item.batch,
      [](ElementType type, auto&& call) { with_float_storage(type, call); },
      [&](const auto& source) {
        if (plan.path == GemmPath::dots) {
          run_dots(desc, a, source, item.cols, epilogue);
        } else {
          run_sums(plan, desc, a, source, item.cols, epilogue, sums);
        }
      });
}

}  // namespace sampan::cpu::native::SAMPAN_ISA
