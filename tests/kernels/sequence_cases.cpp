// Rotary embedding and embedding gather.
#include <gtest/gtest.h>

#include <array>

#include "kernels/case.h"
#include "kernels/operation_test.h"
#include "kernels/types.h"
#include "reference/rope.h"
#include "reference/select.h"
#include "sampan/ops/sequence.h"
#include "support/random_data.h"

namespace sampan::test {
namespace {

struct RopeCase {
  std::int64_t tokens, heads, d;
  DType dtype = DType::f32;
  std::uint32_t first_position = 0;
  double theta = 10000;
  bool has_positions = false;  ///< a view of them, in no order
  bool is_padded = false, is_in_place = false, is_sample = false;
};

std::string name_of(const RopeCase& c) {
  std::string name = dtype_name(c.dtype) + "_" + std::to_string(c.tokens) + "x" +
                     std::to_string(c.heads) + "x" + std::to_string(c.d);
  if (c.first_position > 0) name += "_from" + std::to_string(c.first_position);
  name += c.theta != 10000 ? "_theta" : "";
  name += c.has_positions ? "_positions" : "";
  return name + (c.is_in_place ? "_in_place" : "") + (c.is_padded ? "_padded" : "");
}

/// [tokens, heads, d], heads close together, tokens apart.
Layout rope_layout(const RopeCase& c) {
  Layout layout = make_layout(c.dtype, {c.tokens, c.heads, c.d}, false);
  if (c.is_padded) {
    layout.strides[0] += 11;
    layout.offset = 3;
  }
  return layout;
}

void run_rope(const Target& target, const RopeCase& c) {
  OperationTest test(target);
  const std::uint64_t seed = seed_of(name_of(c));
  const Layout layout = rope_layout(c);
  const auto values = random_normal(static_cast<std::size_t>(c.tokens * c.heads * c.d), 1,
                                    reference_dtype(c.dtype), seed);
  Tensor& x = c.is_in_place ? test.in_out(layout, values) : test.input(layout, values);
  Tensor& y = c.is_in_place ? x : test.output(layout);
  std::vector<std::int32_t> positions(static_cast<std::size_t>(c.tokens));
  for (std::size_t i = 0; i < positions.size(); ++i) {
    positions[i] =
        static_cast<std::int32_t>(c.has_positions ? (i * 7919 + 13) % 2048 : c.first_position + i);
  }
  View given;
  if (c.has_positions) {
    given = test.input(make_layout(DType::i32, {c.tokens}, true),
                       std::vector<double>(positions.begin(), positions.end()))
                .view();
  }
  ops::RopeDesc desc;
  desc.tokens = static_cast<std::uint64_t>(c.tokens);
  desc.heads = static_cast<std::uint64_t>(c.heads);
  desc.d = static_cast<std::uint64_t>(c.d);
  desc.dtype = c.dtype;
  desc.theta = c.theta;
  if (c.is_padded) desc.x_stride = desc.y_stride = static_cast<std::uint64_t>(layout.strides[0]);
  const ops::RopePlan plan(target.device, desc);
  test.run(plan,
           [&](Stream& stream) { plan.run(stream, x.view(), y.view(), c.first_position, given); });
  const reference::RopeSpec spec{.out = reference_dtype(c.dtype)};
  test.expect_within(
      y, reference::rope(reference::View<3>(values.data(), {c.tokens, c.heads, c.d}), positions,
                         reference::rope_frequencies(spec.arithmetic, c.theta, c.d), spec));
}

void add_rope(CaseList& cases, const RopeCase& c) {
  cases.add({.suite = "rope",
             .name = name_of(c),
             .body = [c](const Target& target) { run_rope(target, c); },
             .is_sample = c.is_sample});
}

void add_ropes(CaseList& cases) {
  for (const std::int64_t d : {2, 6, 16, 30, 32, 34, 64, 128, 256}) {
    add_rope(cases, {.tokens = 3, .heads = 1 + d % 5, .d = d, .is_sample = d == 64});
  }
  add_rope(cases, {.tokens = 0, .heads = 2, .d = 8});
  add_rope(cases, {.tokens = 1, .heads = 1, .d = 64, .first_position = 4095});
  add_rope(cases, {.tokens = 67, .heads = 9, .d = 32});
  add_rope(cases, {.tokens = 2, .heads = 131, .d = 16});
  add_rope(cases, {.tokens = 4, .heads = 3, .d = 48, .theta = 500000});
  for (const DType dtype : {DType::f32, DType::f16, DType::bf16}) {
    add_rope(cases, {.tokens = 5,
                     .heads = 3,
                     .d = 20,
                     .dtype = dtype,
                     .first_position = 17,
                     .is_padded = true,
                     .is_sample = true});
    add_rope(cases, {.tokens = 5, .heads = 2, .d = 66, .dtype = dtype, .has_positions = true});
    add_rope(cases, {.tokens = 3,
                     .heads = 4,
                     .d = 64,
                     .dtype = dtype,
                     .has_positions = true,
                     .is_padded = true,
                     .is_in_place = true});
  }
}

struct EmbeddingCase {
  std::int64_t tokens, rows, cols;
  DType table = DType::f32, y = DType::f32;
  bool is_sample = false;
};

void run_embedding(const Target& target, const EmbeddingCase& c) {
  OperationTest test(target);
  Tensor& table =
      test.input({reference_dtype(c.table), {c.rows, c.cols}, {}, 3},
                 random_normal(static_cast<std::size_t>(c.rows * c.cols), 1,
                               reference_dtype(c.table), static_cast<std::uint64_t>(c.cols)));
  // Ids outside of the table among those inside.
  const auto raw = random_integers(static_cast<std::size_t>(c.tokens), -2, c.rows + 1, 5);
  std::vector<std::int32_t> ids(raw.begin(), raw.end());
  if (ids.size() > 2) {
    ids[0] = INT32_MIN;
    ids[1] = INT32_MAX;
    ids[2] = static_cast<std::int32_t>(c.rows);
  }
  Tensor& id = test.input(make_layout(DType::i32, {c.tokens}, true),
                          std::vector<double>(ids.begin(), ids.end()));
  Tensor& y = test.output({reference_dtype(c.y), {c.tokens, c.cols}, {}, 1});
  ops::EmbeddingDesc desc;
  desc.tokens = static_cast<std::uint64_t>(c.tokens);
  desc.rows = static_cast<std::uint64_t>(c.rows);
  desc.cols = static_cast<std::uint64_t>(c.cols);
  desc.table_dtype = c.table;
  desc.y_dtype = c.y;
  const ops::EmbeddingPlan plan(target.device, desc);
  test.run(plan, [&](Stream& stream) { plan.run(stream, table.view(), id.view(), y.view()); });
  const reference::View<2> rows(table.values().data(), {c.rows, c.cols});
  test.expect_exact(y, reference::embedding(rows, ids, reference_dtype(c.y)).value);
}

void add_embeddings(CaseList& cases) {
  const auto add = [&](const EmbeddingCase& c) {
    cases.add({.suite = "embedding",
               .name = dtype_name(c.table) + "_" + dtype_name(c.y) + "_" +
                       std::to_string(c.tokens) + "x" + std::to_string(c.cols) + "_of" +
                       std::to_string(c.rows),
               .body = [c](const Target& target) { run_embedding(target, c); },
               .is_sample = c.is_sample});
  };
  for (const std::int64_t cols : {1, 7, 64, 257, 1031}) {
    add({.tokens = 5, .rows = 11, .cols = cols, .is_sample = cols == 257});
  }
  add({.tokens = 0, .rows = 4, .cols = 9});
  add({.tokens = 6, .rows = 0, .cols = 9});
  add({.tokens = 301, .rows = 50, .cols = 17});
  for (const auto& [table, y] : {std::pair{DType::f16, DType::f32},
                                 {DType::bf16, DType::f32},
                                 {DType::f16, DType::f16},
                                 {DType::bf16, DType::bf16}}) {
    for (const std::int64_t cols : {5, 96}) {
      add({.tokens = 7, .rows = 13, .cols = cols, .table = table, .y = y, .is_sample = cols == 5});
    }
  }
}

}  // namespace

void add_sequence_cases(CaseList& cases) {
  add_ropes(cases);
  add_embeddings(cases);
}

}  // namespace sampan::test
