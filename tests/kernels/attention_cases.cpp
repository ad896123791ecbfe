// Attention: sizes around the tiles, heads of every width, grouped queries, caches with room,
// pages.
#include <array>

#include "kernels/attention_test.h"
#include "support/sizes.h"

namespace sampan::test {
namespace {

constexpr std::array kTypes{DType::f32, DType::f16, DType::bf16};

AttentionCase make(DType dtype, const AttentionShape& shape) {
  AttentionCase attention;
  attention.desc.dtype = dtype;
  attention.desc.b = static_cast<std::uint64_t>(shape.batch);
  attention.desc.h = static_cast<std::uint64_t>(shape.heads);
  attention.desc.hkv = static_cast<std::uint64_t>(shape.kv_heads);
  attention.desc.sq = static_cast<std::uint64_t>(shape.queries);
  attention.desc.skv = static_cast<std::uint64_t>(shape.keys);
  attention.desc.d = static_cast<std::uint64_t>(shape.head_dim);
  attention.desc.causal = shape.causal;
  return attention;
}

// Both sides of the blocks of queries and of keys.
void add_shapes(CaseList& cases) {
  int number = 0;
  for (const AttentionShape& shape : attention_shapes(32, 64, 32)) {
    AttentionCase attention = make(DType::f32, shape);
    attention.is_strided = number % 2 == 1;
    attention.is_sample = number % 12 == 7;
    ++number;
    add_attention(cases, "attention", attention);
  }
}

void add_head_widths(CaseList& cases) {
  for (const DType dtype : kTypes) {
    for (const std::int64_t d : {16, 32, 48, 64, 80, 96, 112, 128, 160, 208, 256}) {
      AttentionCase prefill = make(dtype, {1, 4, 2, 9, 21, d, true});
      prefill.is_sample = d == 80;
      add_attention(cases, "attention_heads", prefill);
      AttentionCase decode = make(dtype, {2, 4, 1, 1, 70, d, false});
      decode.is_strided = true;
      decode.is_sample = d == 64;
      add_attention(cases, "attention_heads", decode);
    }
  }
}

// Query heads that share a key head, from none to all.
void add_groups(CaseList& cases) {
  for (const DType dtype : kTypes) {
    for (const std::int64_t kv_heads : {1, 2, 3, 6}) {
      for (const std::int64_t queries : {1, 13}) {
        AttentionCase attention = make(dtype, {2, 6, kv_heads, queries, 37, 16, queries > 1});
        attention.desc.scale = kv_heads == 3 ? 0.75f : 0.0f;
        add_attention(cases, "attention_groups", attention);
      }
    }
  }
}

// One plan for a growing cache: runs with fewer keys than the plan has room for.
void add_caches(CaseList& cases) {
  for (const DType dtype : kTypes) {
    for (const std::uint64_t keys : {1u, 2u, 63u, 64u, 65u, 130u}) {
      for (const std::int64_t queries : {1, 2}) {
        AttentionCase attention = make(dtype, {2, 4, 2, queries, 131, 48, true});
        attention.keys_of_run = keys;
        attention.is_strided = true;
        attention.is_sample = keys == 65 && queries == 2;
        add_attention(cases, "attention_cache", attention);
      }
    }
  }
  // Enough keys for several splits and many blocks.
  for (const DType dtype : kTypes) {
    add_attention(cases, "attention_cache", make(dtype, {1, 2, 1, 1, 1531, 64, false}));
    add_attention(cases, "attention_cache", make(dtype, {1, 2, 2, 37, 517, 32, true}));
  }
}

void add_pages(CaseList& cases) {
  for (const DType dtype : kTypes) {
    for (const std::uint64_t page_size : {1u, 5u, 16u, 64u}) {
      for (const std::int64_t queries : {1, 11}) {
        AttentionCase attention = make(dtype, {3, 4, 2, queries, 75, 32, queries > 1});
        attention.desc.page_size = page_size;
        attention.is_strided = page_size == 5;
        attention.keys_of_run = page_size == 16 ? 41 : 0;
        attention.is_sample = page_size == 16 && queries == 11;
        add_attention(cases, "attention_pages", attention);
      }
    }
  }
}

}  // namespace

void add_attention_cases(CaseList& cases) {
  add_shapes(cases);
  add_head_widths(cases);
  add_groups(cases);
  add_caches(cases);
  add_pages(cases);
}

}  // namespace sampan::test
