#include "kernels/attention_test.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "kernels/operation_test.h"
#include "kernels/types.h"
#include "reference/attention.h"
#include "support/random_data.h"

namespace sampan::test {
namespace {

using Heads = reference::View<4>;

// What a strided tensor has more than the case needs.
constexpr std::int64_t kSpareTokens = 3;
constexpr std::int64_t kSpareElems = 7;

class AttentionTest {
 public:
  AttentionTest(const Target& target, const AttentionCase& attention)
      : test_(target),
        case_(attention),
        desc_(attention.desc),
        seed_(seed_of(name_of(attention))),
        b_(static_cast<std::int64_t>(desc_.b)),
        h_(static_cast<std::int64_t>(desc_.h)),
        hkv_(static_cast<std::int64_t>(desc_.hkv)),
        sq_(static_cast<std::int64_t>(desc_.sq)),
        skv_(static_cast<std::int64_t>(desc_.skv)),
        d_(static_cast<std::int64_t>(desc_.d)),
        page_size_(static_cast<std::int64_t>(desc_.page_size)) {}

  void run() {
    if (page_size_ > 0) make_pages();
    const std::int64_t outer = page_size_ > 0 ? pages_ : b_;
    const std::int64_t rows = page_size_ > 0 ? page_size_ : skv_;
    Tensor& q = random(tensor_layout(b_, sq_, h_, desc_.q_strides));
    k_ = &random(tensor_layout(outer, rows, hkv_, desc_.k_strides));
    v_ = &random(tensor_layout(outer, rows, hkv_, desc_.v_strides));
    Tensor& o = test_.output(tensor_layout(b_, sq_, h_, desc_.o_strides));
    const ops::AttentionPlan plan(test_.device(), desc_);
    ops::AttentionArgs args{.q = q.view(), .k = k_->view(), .v = v_->view(), .o = o.view()};
    if (block_table_ != nullptr) args.block_table = block_table_->view();
    args.skv = case_.keys_of_run;
    test_.run(plan, [&](Stream& stream) { plan.run(stream, args); });
    test_.expect_within(o, expected(q));
  }

 private:
  Tensor& random(const Layout& layout) {
    std::size_t count = 1;
    for (const std::int64_t extent : layout.shape) count *= static_cast<std::size_t>(extent);
    return test_.input(layout, random_normal(count, 1.0, reference_dtype(desc_.dtype), ++seed_));
  }

  [[nodiscard]] Layout tensor_layout(std::int64_t outer, std::int64_t tokens, std::int64_t heads,
                                     std::array<std::uint64_t, 3>& strides) const {
    Layout layout = make_layout(desc_.dtype, {outer, tokens, heads, d_}, false);
    if (!case_.is_strided) return layout;
    const std::int64_t token = heads * d_ + kSpareElems;
    const std::int64_t whole = token * (tokens + kSpareTokens);
    layout.strides = {whole, token, d_, 1};
    layout.offset = kSpareTokens;
    strides = {static_cast<std::uint64_t>(whole), static_cast<std::uint64_t>(token),
               static_cast<std::uint64_t>(d_)};
    return layout;
  }

  // Pages in random order, some of nobody. Entries behind a row's last key point nowhere.
  void make_pages() {
    const std::int64_t needed = (skv_ + page_size_ - 1) / page_size_;
    const std::int64_t per_row = needed + 2;
    desc_.max_pages = static_cast<std::uint64_t>(per_row);
    pages_ = b_ * needed + 3;
    std::vector<std::int32_t> order(static_cast<std::size_t>(pages_));
    std::iota(order.begin(), order.end(), 0);
    Random random(++seed_);
    for (std::size_t i = order.size() - 1; i > 0; --i) {
      std::swap(order[i],
                order[static_cast<std::size_t>(random.integer(0, static_cast<std::int64_t>(i)))]);
    }
    table_.assign(static_cast<std::size_t>(b_ * per_row), INT32_MAX);
    for (std::int64_t row = 0; row < b_; ++row) {
      for (std::int64_t i = 0; i < needed; ++i) {
        table_[static_cast<std::size_t>(row * per_row + i)] =
            order[static_cast<std::size_t>(row * needed + i)];
      }
    }
    block_table_ = &test_.input(make_layout(DType::i32, {b_, per_row}, false),
                                std::vector<double>(table_.begin(), table_.end()));
  }

  [[nodiscard]] std::int64_t keys() const {
    return case_.keys_of_run != 0 ? static_cast<std::int64_t>(case_.keys_of_run) : skv_;
  }

  [[nodiscard]] reference::Result expected(const Tensor& q) const {
    reference::AttentionSpec spec;
    spec.scale =
        desc_.scale != 0 ? desc_.scale : static_cast<float>(1 / std::sqrt(static_cast<double>(d_)));
    spec.causal = desc_.causal;
    spec.out = reference_dtype(desc_.dtype);
    const std::vector<std::int32_t> lengths(static_cast<std::size_t>(b_),
                                            static_cast<std::int32_t>(keys()));
    spec.kv_lengths = lengths;
    const Heads queries(q.values().data(), {b_, sq_, h_, d_});
    if (page_size_ == 0) {
      return reference::attention(queries, Heads(k_->values().data(), {b_, skv_, hkv_, d_}),
                                  Heads(v_->values().data(), {b_, skv_, hkv_, d_}), spec);
    }
    const std::array<std::int64_t, 4> paged{pages_, page_size_, hkv_, d_};
    return reference::attention_paged(
        queries, {Heads(k_->values().data(), paged), Heads(v_->values().data(), paged), table_},
        spec);
  }

  OperationTest test_;
  const AttentionCase& case_;
  ops::AttentionDesc desc_;
  std::uint64_t seed_;
  std::int64_t b_, h_, hkv_, sq_, skv_, d_, page_size_;
  std::int64_t pages_ = 0;
  std::vector<std::int32_t> table_;
  Tensor *k_ = nullptr, *v_ = nullptr, *block_table_ = nullptr;
};

}  // namespace

std::string name_of(const AttentionCase& attention) {
  const ops::AttentionDesc& d = attention.desc;
  std::string name = dtype_name(d.dtype);
  for (const auto& [part, number] : {std::pair{"_b", d.b},
                                     {"_h", d.h},
                                     {"_hkv", d.hkv},
                                     {"_sq", d.sq},
                                     {"_skv", d.skv},
                                     {"_d", d.d}}) {
    name += part + std::to_string(number);
  }
  if (d.causal) name += "_causal";
  if (d.scale != 0) name += "_scaled";
  if (d.page_size > 0) name += "_pages" + std::to_string(d.page_size);
  if (attention.keys_of_run > 0) name += "_run" + std::to_string(attention.keys_of_run);
  if (attention.is_strided) name += "_strided";
  return name;
}

void add_attention(CaseList& cases, const std::string& suite, const AttentionCase& attention) {
  cases.add({.suite = suite,
             .name = name_of(attention),
             .body = [attention](const Target& target) { AttentionTest(target, attention).run(); },
             .is_native = true,
             .is_sample = attention.is_sample});
}

}  // namespace sampan::test
