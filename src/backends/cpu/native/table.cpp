// The table of one instruction level.
#include "backends/cpu/native/attention_item.h"
#include "backends/cpu/native/gemm_blocked.h"
#include "backends/cpu/native/gemm_small.h"
#include "backends/cpu/native/isa_target.h"
#include "backends/cpu/native/kernel_table.h"
#include "backends/cpu/native/row_kernels.h"

namespace sampan::cpu::native::SAMPAN_ISA {

const KernelTable& level_table() {
  static const KernelTable table{
      .tiles = {tile_geometry(ComputeFormat::f32), tile_geometry(ComputeFormat::bf16),
                tile_geometry(ComputeFormat::i8)},
      .gemm_blocked_item = gemm_blocked_item,
      .gemm_small_item = gemm_small_item,
      .gemm_pack_panel = gemm_pack_panel,
      .attention_item = attention_item,
      .attention_merge = attention_merge,
      .attention_store = attention_store,
      .row_op = row_op,
  };
  return table;
}

}  // namespace sampan::cpu::native::SAMPAN_ISA
