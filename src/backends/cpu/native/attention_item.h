// The vector part of attention; see attention_item.cpp.
#pragma once

#include "backends/cpu/native/isa_target.h"
#include "backends/cpu/native/kernel_table.h"

namespace sampan::cpu::native::SAMPAN_ISA {

void attention_item(const AttentionPlan& plan, const AttentionDesc& desc,
                    const AttentionBuffers& buffers, std::int64_t kv_len, const AttentionItem& item,
                    std::byte* scratch, const AttentionState& state);
void attention_merge(const AttentionPlan& plan, const AttentionState& into,
                     const AttentionState& from, std::int64_t rows);
void attention_store(const AttentionPlan& plan, const AttentionDesc& desc,
                     const AttentionBuffers& buffers, const AttentionItem& item,
                     const AttentionState& state);

}  // namespace sampan::cpu::native::SAMPAN_ISA
