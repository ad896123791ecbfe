// Every description and every view that a plan must refuse, with the words that name the cause.
#include <gtest/gtest.h>

#include <functional>
#include <initializer_list>
#include <string_view>

#include "kernels/case.h"
#include "sampan/error.h"
#include "sampan/ops/attention.h"
#include "sampan/ops/elementwise.h"
#include "sampan/ops/gemm.h"
#include "sampan/ops/rows.h"
#include "sampan/ops/sequence.h"
#include "sampan/stream.h"

namespace sampan::test {
namespace {

using Words = std::vector<std::string>;

void expect_refused(ErrorCode code, const Words& words, const std::function<void()>& call) {
  try {
    call();
    ADD_FAILURE() << "nothing was refused";
  } catch (const Error& error) {
    const std::string text = error.what();
    EXPECT_EQ(error.code(), code) << text;
    for (const std::string& word : words) {
      EXPECT_NE(text.find(word), std::string::npos) << "no '" << word << "' in: " << text;
    }
  }
}

template <class Desc>
Desc with(Desc desc, const std::function<void(Desc&)>& change) {
  change(desc);
  return desc;
}

void add(CaseList& cases, const std::string& name, ErrorCode code, const Words& words,
         const std::function<void(const Device&)>& call) {
  cases.add(
      {.suite = "refusal",
       .name = name,
       .body =
           [=](const Target& target) { expect_refused(code, words, [&] { call(target.device); }); },
       .is_refusal = true});
}

ops::GemmDesc good_gemm() {
  ops::GemmDesc desc;
  desc.m = 4;
  desc.n = 8;
  desc.k = 64;
  desc.b_transposed = true;
  return desc;
}
ops::AttentionDesc good_attention() {
  ops::AttentionDesc desc;
  desc.h = 4;
  desc.hkv = 2;
  desc.skv = 8;
  return desc;
}
ops::RowsDesc good_rows() {
  ops::RowsDesc desc;
  desc.rows = 3;
  desc.cols = 5;
  return desc;
}

void add_gemms(CaseList& cases) {
  const auto refuse = [&](const std::string& name, const Words& words,
                          const std::function<void(ops::GemmDesc&)>& change) {
    add(cases, "gemm_" + name, ErrorCode::invalid_argument, words,
        [change](const Device& device) { ops::GemmPlan(device, with(good_gemm(), change)); });
  };
  using D = ops::GemmDesc;
  refuse("f64", {"f32, f16 or bf16"}, [](D& d) { d.a = d.b = d.d = DType::f64; });
  refuse("wide_b", {"B has A's type"}, [](D& d) { d.a = d.d = DType::f16; });
  refuse("narrow_d", {"D has A's type"}, [](D& d) { d.d = DType::bf16; });
  refuse("narrow_lda", {"leading dimension"}, [](D& d) { d.lda = 63; });
  refuse("narrow_ldb", {"leading dimension"}, [](D& d) { d.ldb = 63; });
  refuse("narrow_ldd", {"leading dimension"}, [](D& d) { d.ldd = 7; });
  refuse("integers_with_alpha", {"integers"}, [](D& d) {
    d.a = d.b = DType::i8;
    d.d = DType::i32;
    d.alpha = 2;
  });
  refuse("integers_to_f32", {"i8, i8 and i32"}, [](D& d) { d.a = d.b = DType::i8; });
  refuse("one_result_for_a_batch", {"d_batch_stride"}, [](D& d) { d.batch = 2; });
  const auto quantised = [](D& d) {
    d.b = DType::i4;
    d.group_k = 32;
  };
  refuse("odd_groups", {"multiple of 32"}, [=](D& d) {
    quantised(d);
    d.group_k = 16;
  });
  refuse("groups_beyond_k", {"divides k"}, [=](D& d) {
    quantised(d);
    d.group_k = 96;
  });
  refuse("weights_as_columns", {"b_transposed"}, [=](D& d) {
    quantised(d);
    d.b_transposed = false;
  });
  refuse("float_weights_in_groups", {"i8 or i4"}, [=](D& d) { d.group_k = 32; });
  refuse("integer_scales", {"scales"}, [=](D& d) {
    quantised(d);
    d.scale_type = DType::i8;
  });
  refuse("half_bytes", {"even"}, [=](D& d) {
    quantised(d);
    d.ldb = 65;
  });
}

void add_attentions(CaseList& cases) {
  const auto refuse = [&](const std::string& name, const Words& words,
                          const std::function<void(ops::AttentionDesc&)>& change) {
    add(cases, "attention_" + name, ErrorCode::invalid_argument, words,
        [change](const Device& device) {
          ops::AttentionPlan(device, with(good_attention(), change));
        });
  };
  using D = ops::AttentionDesc;
  refuse("heads_that_share_unevenly", {"multiple of hkv"}, [](D& d) { d.hkv = 3; });
  refuse("no_heads", {"not 0"}, [](D& d) { d.hkv = 0; });
  refuse("odd_d", {"multiple of 16"}, [](D& d) { d.d = 40; });
  refuse("wide_d", {"256"}, [](D& d) { d.d = 272; });
  refuse("no_d", {"16"}, [](D& d) { d.d = 0; });
  refuse("integers", {"f32, f16 or bf16"}, [](D& d) { d.dtype = DType::i8; });
  refuse("few_pages", {"max_pages"}, [](D& d) {
    d.page_size = 3;
    d.max_pages = 2;
  });
}

void add_others(CaseList& cases) {
  const auto invalid = ErrorCode::invalid_argument;
  add(cases, "rms_norm_overlapping_rows", invalid, {"row stride"}, [](const Device& device) {
    auto desc = good_rows();
    desc.x_stride = 4;
    ops::RmsNormPlan(device, desc);
  });
  add(cases, "argmax_of_nothing", invalid, {"largest"}, [](const Device& device) {
    auto desc = good_rows();
    desc.cols = 0;
    ops::ArgmaxPlan(device, desc);
  });
  add(cases, "top_k_beyond_the_row", invalid, {"6"},
      [](const Device& device) { ops::TopKPlan(device, good_rows(), 6); });
  add(cases, "top_k_beyond_the_kernel", invalid, {"64", "65"}, [](const Device& device) {
    auto desc = good_rows();
    desc.cols = 1000;
    ops::TopKPlan(device, desc, 65);
  });
  add(cases, "softmax_of_integers", ErrorCode::unsupported, {"softmax"}, [](const Device& device) {
    auto desc = good_rows();
    desc.dtype = DType::i64;
    ops::SoftmaxPlan(device, desc);
  });
  add(cases, "transpose_of_bytes", ErrorCode::unsupported, {"2 or 4 bytes"},
      [](const Device& device) {
        auto desc = good_rows();
        desc.dtype = DType::i8;
        ops::TransposePlan(device, desc);
      });
  add(cases, "rope_of_odd_d", invalid, {"even"},
      [](const Device& device) { ops::RopePlan(device, {.tokens = 1, .heads = 1, .d = 7}); });
  add(cases, "rope_without_theta", invalid, {"theta"},
      [](const Device& device) { ops::RopePlan(device, {.tokens = 1, .d = 8, .theta = 0}); });
  add(cases, "silu_of_integers", invalid, {"f32, f16 or bf16"}, [](const Device& device) {
    ops::ElementwisePlan(device, {.kind = ops::Elementwise::silu, .elems = 4, .dtype = DType::i32});
  });
  add(cases, "cast_of_f64", ErrorCode::unsupported, {"f64"}, [](const Device& device) {
    ops::ElementwisePlan(device, {.kind = ops::Elementwise::cast, .elems = 4, .dtype = DType::f64});
  });
  add(cases, "quantise_in_odd_groups", invalid, {"multiple of 32"},
      [](const Device& device) { ops::QuantizePlan(device, {.n = 1, .k = 48, .group_k = 24}); });
  add(cases, "quantise_a_part_of_a_group", invalid, {"divides k"},
      [](const Device& device) { ops::QuantizePlan(device, {.n = 1, .k = 48}); });
  add(cases, "quantise_to_floats", invalid, {"i8 or i4"}, [](const Device& device) {
    ops::QuantizePlan(device, {.n = 1, .k = 32, .q_dtype = DType::f16});
  });
  add(cases, "dequantise_integers", invalid, {"f32, f16 or bf16"}, [](const Device& device) {
    ops::DequantizePlan(device, {.n = 1, .k = 32, .w_dtype = DType::i32});
  });
}

// Views that don't fit: wrong type, shape, strides, none at all, memory of another device.
void add_views(CaseList& cases) {
  const auto refuse = [&](const std::string& name, const Words& words,
                          const std::function<View(const Buffer&)>& x) {
    add(cases, "view_" + name, ErrorCode::invalid_argument, words, [x](const Device& device) {
      auto desc = good_rows();
      desc.x_stride = 8;
      const ops::SoftmaxPlan plan(device, desc);
      Stream stream = device.create_stream();
      const Buffer in = device.allocate(4096), out = device.allocate(4096);
      plan.run(stream, x(in), out.view(DType::f32, {3, 5}));
    });
  };
  constexpr std::array<std::uint64_t, 2> kShape{3, 5}, kStrides{8, 1}, kOther{9, 1};
  const auto window = [=](DType dtype, auto strides, std::uint64_t offset_bytes) {
    return [=](const Buffer& buffer) { return View(buffer, dtype, kShape, strides, offset_bytes); };
  };
  refuse("of_another_type", {"'x'", "f32"}, window(DType::i32, kStrides, 0));
  refuse("with_other_strides", {"'x'", "[8, 1]"}, window(DType::f32, kOther, 0));
  refuse("between_elements", {"'x'", "multiple"}, window(DType::f32, kStrides, 2));
  refuse("of_another_shape", {"'x'", "[3, 5]"}, [](const Buffer& buffer) {
    return buffer.view(DType::f32, {5, 3});
  });
  refuse("of_nothing", {"'x'", "empty"}, [](const Buffer&) { return View(); });
}

void add_providers(CaseList& cases) {
  cases.add({.suite = "refusal",
             .name = "provider_that_is_not_there",
             .body =
                 [](const Target& target) {
                   const bool is_cpu = target.device.info().backend == "cpu";
                   const ForcedProvider forced(is_cpu ? "host" : "backend");
                   if (!is_cpu && target.device.info().has_ops) return;
                   expect_refused(ErrorCode::unsupported,
                                  {target.device.id(), "[backend]", "[portable]", "[host]"},
                                  [&] { ops::GemmPlan(target.device, good_gemm()); });
                 },
             .is_refusal = true});
  add(cases, "more_keys_than_planned", ErrorCode::invalid_argument, {"9", "8"},
      [](const Device& device) {
        const ops::AttentionPlan plan(device, good_attention());
        Stream stream = device.create_stream();
        const Buffer memory = device.allocate(1 << 16);
        const View q = memory.view(DType::f32, {1, 1, 4, 64});
        const View kv = memory.view(DType::f32, {1, 8, 2, 64});
        plan.run(stream, {.q = q, .k = kv, .v = kv, .o = q, .skv = 9});
      });
}

}  // namespace

void add_refusal_cases(CaseList& cases) {
  add_gemms(cases);
  add_attentions(cases);
  add_others(cases);
  add_views(cases);
  add_providers(cases);
}

}  // namespace sampan::test
