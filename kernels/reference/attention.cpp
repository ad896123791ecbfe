#include "reference/attention.h"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

namespace sampan::reference {
namespace {

// One batch's keys and values of one head, gathered from wherever they lie.
struct HeadKv {
  std::int64_t keys;
  std::int64_t d;
  std::int64_t dv;
  std::vector<double> k;  // [keys, d]
  std::vector<double> v;  // [keys, dv]
};

// Roundings of a score beyond those of its dot product: the scale, log2(e) folded into it, and the
// product with both.
constexpr int kScoreRoundings = 4;

// scale * q.k by lemmas 8 and 2 of README.md, written as plain loops: this is the hot spot.
Bounded score_of(const AttentionSpec& spec, const std::vector<double>& q, const double* k) {
  double sum = 0;
  double magnitude = 0;
  double sizes = 0;  // of the operands, for what flushing them may lose
  for (std::size_t i = 0; i < q.size(); ++i) {
    sum += q[i] * k[i];
    magnitude += std::fabs(q[i] * k[i]);
    sizes += std::fabs(q[i]) + std::fabs(k[i]);
  }
  const auto d = static_cast<double>(q.size());
  const double flushed = spec.arithmetic.flush * (4 * d + sizes);
  const double error = gamma(d + kScoreRoundings, spec.arithmetic) * magnitude + flushed;
  return {spec.scale * sum, std::fabs(spec.scale) * error + spec.arithmetic.flush};
}

// The dv sums of weight * v over the keys, by lemma 8.
class WeightedSums {
 public:
  WeightedSums(const Arithmetic& arithmetic, std::int64_t dv)
      : arithmetic_(arithmetic), value_(dv), magnitude_(dv), error_(dv) {}

  void add(Bounded weight, const double* v) {
    const double largest = weight.value + weight.error;
    const double slip = weight.error + arithmetic_.flush;  // flushing v may lose flush * weight
    for (std::size_t i = 0; i < value_.size(); ++i) {
      const double size = std::fabs(v[i]);
      value_[i] += weight.value * v[i];
      magnitude_[i] += largest * size;
      error_[i] += slip * size;
    }
    flushed_ += arithmetic_.flush * (4 + largest);
    ++terms_;
  }

  [[nodiscard]] Bounded total(std::size_t i) const {
    const double growth = gamma(static_cast<double>(terms_), arithmetic_);
    return {value_[i], error_[i] + flushed_ + growth * magnitude_[i]};
  }

 private:
  Arithmetic arithmetic_;
  std::vector<double> value_;
  std::vector<double> magnitude_;
  std::vector<double> error_;
  double flushed_ = 0;
  std::int64_t terms_ = 0;
};

// What rounding a weight to a narrower type adds to its error. A weight is at most 1 where it is
// rounded, and only shrinks afterwards.
Bounded rounded_weight(const AttentionSpec& spec, Bounded weight) {
  if (weight.value == 0 && weight.error == 0) return weight;
  return stored(spec.arithmetic, spec.weights, weight);
}

// Appends the dv outputs of one query that sees the first `visible` keys.
void attend(const AttentionSpec& spec, const std::vector<double>& q, const HeadKv& kv,
            std::int64_t visible, Result& result) {
  const Arithmetic& arithmetic = spec.arithmetic;
  if (visible == 0) {
    for (std::int64_t i = 0; i < kv.dv; ++i) result.append(exact(0));
    return;
  }
  std::vector<Bounded> scores(visible);
  for (std::int64_t key = 0; key < visible; ++key) {
    scores[key] = score_of(spec, q, kv.k.data() + key * kv.d);
  }
  const std::vector<Bounded> weights = softmax_weights(arithmetic, scores, spec.max_rescales);
  Sum denominator(arithmetic);
  WeightedSums numerators(arithmetic, kv.dv);
  for (std::int64_t key = 0; key < visible; ++key) {
    denominator.add(weights[key]);
    numerators.add(rounded_weight(spec, weights[key]), kv.v.data() + key * kv.dv);
  }
  const Bounded divisor = denominator.total();
  for (std::int64_t i = 0; i < kv.dv; ++i) {
    result.append(stored(arithmetic, spec.out, divide(arithmetic, numerators.total(i), divisor)));
  }
}

std::int64_t key_count(const AttentionSpec& spec, std::int64_t batch, std::int64_t capacity) {
  if (spec.kv_lengths.empty()) return capacity;
  return std::clamp<std::int64_t>(spec.kv_lengths[batch], 0, capacity);
}

std::int64_t visible_keys(const AttentionSpec& spec, std::int64_t query, std::int64_t queries,
                          std::int64_t keys) {
  if (!spec.causal) return keys;
  return std::clamp<std::int64_t>(query + 1 + keys - queries, 0, keys);
}

// `gather(batch, kv_head)` returns that head's keys and values.
template <class Gather>
Result attend_all(const View<4>& q, std::int64_t kv_heads, const AttentionSpec& spec,
                  Gather gather) {
  const std::int64_t queries = q.extent(1);
  const std::int64_t heads = q.extent(2);
  Result result;
  std::vector<double> q_row(q.extent(3));
  for (std::int64_t batch = 0; batch < q.extent(0); ++batch) {
    std::vector<HeadKv> kv;
    for (std::int64_t head = 0; head < kv_heads; ++head) kv.push_back(gather(batch, head));
    for (std::int64_t query = 0; query < queries; ++query) {
      for (std::int64_t head = 0; head < heads; ++head) {
        for (std::int64_t i = 0; i < q.extent(3); ++i) q_row[i] = q(batch, query, head, i);
        const HeadKv& head_kv = kv[head / (heads / kv_heads)];
        attend(spec, q_row, head_kv, visible_keys(spec, query, queries, head_kv.keys), result);
      }
    }
  }
  return result;
}

// Rows of `view` [outer, inner, heads, d] that `locate(key)` names as {outer, inner} indices.
template <class Locate>
std::vector<double> gather_rows(const View<4>& view, std::int64_t head, std::int64_t keys,
                                Locate locate) {
  std::vector<double> rows;
  rows.reserve(keys * view.extent(3));
  for (std::int64_t key = 0; key < keys; ++key) {
    const auto [outer, inner] = locate(key);
    for (std::int64_t i = 0; i < view.extent(3); ++i) rows.push_back(view(outer, inner, head, i));
  }
  return rows;
}

using Location = std::pair<std::int64_t, std::int64_t>;

}  // namespace

Result attention(const View<4>& q, const View<4>& k, const View<4>& v, const AttentionSpec& spec) {
  return attend_all(q, k.extent(2), spec, [&](std::int64_t batch, std::int64_t head) {
    const std::int64_t keys = key_count(spec, batch, k.extent(1));
    const auto locate = [&](std::int64_t key) { return Location{batch, key}; };
    return HeadKv{keys, k.extent(3), v.extent(3), gather_rows(k, head, keys, locate),
                  gather_rows(v, head, keys, locate)};
  });
}

Result attention_paged(const View<4>& q, const PagedKv& kv, const AttentionSpec& spec) {
  const std::int64_t page_size = kv.k.extent(1);
  const std::int64_t pages_per_batch =
      q.extent(0) == 0 ? 0 : static_cast<std::int64_t>(kv.block_table.size()) / q.extent(0);
  return attend_all(q, kv.k.extent(2), spec, [&](std::int64_t batch, std::int64_t head) {
    const std::int64_t keys = key_count(spec, batch, pages_per_batch * page_size);
    const auto locate = [&](std::int64_t key) {
      const std::int64_t entry = batch * pages_per_batch + key / page_size;
      return Location{kv.block_table[entry], key % page_size};
    };
    return HeadKv{keys, kv.k.extent(3), kv.v.extent(3), gather_rows(kv.k, head, keys, locate),
                  gather_rows(kv.v, head, keys, locate)};
  });
}

}  // namespace sampan::reference
