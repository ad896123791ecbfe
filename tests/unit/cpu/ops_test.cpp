// The native operations through the ops group. Their numerics are tested beside them; here, that
// every field and argument of the ABI arrives where it belongs. Values are small integers where
// the operation allows, so that results are exact in any order of additions.
#include <cmath>
#include <functional>

#include "plugin.h"

namespace sampan_test {
namespace {

struct PlanDestroy {
  void operator()(sampan_op_plan_t* plan) const { backend().ops->destroy(plan); }
};
using Plan = std::unique_ptr<sampan_op_plan_t, PlanDestroy>;

class OpsTest : public testing::Test {
 protected:
  Device device_ = open_device();
  Stream stream_ = create_stream(device_.get());
  ErrorRecord error_;
  std::uint64_t workspace_bytes_ = 0;

  template <typename Desc>
  Plan plan(std::uint32_t op, const Desc& desc) {
    sampan_op_plan_t* raw = nullptr;
    EXPECT_CODE(SAMPAN_OK,
                backend().ops->plan(device_.get(), op, &desc, &raw, &workspace_bytes_, &error_),
                error_);
    return Plan(raw);
  }

  sampan_code_t enqueue(const Plan& plan, const std::vector<sampan_arg_t>& args,
                        const Memory& workspace, std::uint64_t workspace_offset = 0) {
    return backend().ops->run(plan.get(), stream_.get(), args.data(),
                              static_cast<std::uint32_t>(args.size()),
                              {workspace.get(), workspace_offset}, 3, &error_);
  }

  void run(const Plan& plan, const std::vector<sampan_arg_t>& args) {
    // An odd place: a region may start anywhere.
    const Memory workspace = allocate(device_.get(), workspace_bytes_ + 8);
    ASSERT_CODE(SAMPAN_OK, enqueue(plan, args, workspace, 8), error_);
    ASSERT_CODE(SAMPAN_OK, wait(stream_, error_), error_);
  }

  Memory floats(std::size_t count, const std::function<float(std::size_t)>& value) {
    Memory memory = allocate(device_.get(), count * 4);
    auto* data = host_pointer<float>(memory);
    for (std::size_t i = 0; i < count; ++i) data[i] = value(i);
    return memory;
  }
};

float small(std::size_t i, std::size_t factor) {
  return static_cast<float>(static_cast<int>(i * factor % 7) - 3);
}

struct GemmCase {
  bool a_transposed, b_transposed, has_bias, has_residual;
  std::uint64_t batch;
  float alpha, beta;
};

class GemmOpTest : public OpsTest, public testing::WithParamInterface<GemmCase> {};

TEST_P(GemmOpTest, EveryFieldArrives) {
  const GemmCase& c = GetParam();
  constexpr std::uint64_t m = 5, n = 19, k = 33;
  sampan_gemm_desc_t desc{};
  desc.size = sizeof desc;
  desc.a_type = desc.b_type = desc.c_type = desc.d_type = SAMPAN_F32;
  desc.a_transposed = c.a_transposed;
  desc.b_transposed = c.b_transposed;
  desc.has_bias = c.has_bias;
  desc.has_residual = c.has_residual;
  desc.m = m;
  desc.n = n;
  desc.k = k;
  desc.batch = c.batch;
  desc.lda = (c.a_transposed ? m : k) + 1;
  desc.ldb = (c.b_transposed ? k : n) + 2;
  desc.ldc = n + 3;
  desc.ldd = n + 4;
  desc.ld_residual = n + 5;
  desc.a_batch_stride = 40 * 40;
  desc.b_batch_stride = 50 * 50;
  desc.c_batch_stride = m * desc.ldc;
  desc.d_batch_stride = m * desc.ld_residual;
  desc.alpha = c.alpha;
  desc.beta = c.beta;
  const auto count = [&](std::uint64_t stride) { return stride * c.batch; };
  const Memory a = floats(count(desc.a_batch_stride), [](auto i) { return small(i, 3); });
  const Memory b = floats(count(desc.b_batch_stride), [](auto i) { return small(i, 5); });
  const Memory cc = floats(count(desc.c_batch_stride), [](auto i) { return small(i, 2); });
  const Memory bias = floats(n, [](auto i) { return small(i, 4); });
  const Memory residual = floats(count(desc.d_batch_stride), [](auto i) { return small(i, 6); });
  const Memory d = floats(count(desc.d_batch_stride), [](auto) { return 1e30f; });

  const Plan gemm = plan(SAMPAN_OP_GEMM, desc);
  EXPECT_EQ(std::string(backend().ops->name(gemm.get())).rfind("native gemm ", 0), 0u);
  run(gemm,
      {region(a), region(b), region(cc), region(bias), region(residual), region({}), region(d)});

  const auto* pa = host_pointer<float>(a);
  const auto* pb = host_pointer<float>(b);
  for (std::uint64_t batch = 0; batch < c.batch; ++batch) {
    for (std::uint64_t i = 0; i < m; ++i) {
      for (std::uint64_t j = 0; j < n; ++j) {
        float sum = 0;
        for (std::uint64_t l = 0; l < k; ++l) {
          const float x = pa[batch * desc.a_batch_stride +
                             (c.a_transposed ? l * desc.lda + i : i * desc.lda + l)];
          const float y = pb[batch * desc.b_batch_stride +
                             (c.b_transposed ? j * desc.ldb + l : l * desc.ldb + j)];
          sum += x * y;
        }
        float expected = c.alpha * sum;
        if (c.beta != 0) {
          expected +=
              c.beta * host_pointer<float>(cc)[batch * desc.c_batch_stride + i * desc.ldc + j];
        }
        if (c.has_bias) expected += host_pointer<float>(bias)[j];
        if (c.has_residual) {
          expected +=
              host_pointer<float>(residual)[batch * desc.d_batch_stride + i * desc.ld_residual + j];
        }
        ASSERT_EQ(host_pointer<float>(d)[batch * desc.d_batch_stride + i * desc.ldd + j], expected)
            << batch << ", " << i << ", " << j;
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Cases, GemmOpTest,
                         testing::Values(GemmCase{false, false, false, false, 1, 1, 0},
                                         GemmCase{true, false, true, false, 1, 2, 0},
                                         GemmCase{false, true, false, true, 1, 1, 1},
                                         GemmCase{true, true, true, true, 3, -1, 2},
                                         GemmCase{false, true, true, false, 2, 1, 0}));

TEST_F(OpsTest, AConstantBIsPackedOnceAndOnlyThatB) {
  constexpr std::uint64_t m = 40, n = 64, k = 48;
  sampan_gemm_desc_t desc{};
  desc.size = sizeof desc;
  desc.a_type = desc.b_type = desc.c_type = desc.d_type = SAMPAN_F32;
  desc.b_transposed = 1;
  desc.b_constant = 1;
  desc.m = m;
  desc.n = n;
  desc.k = k;
  desc.batch = 1;
  desc.lda = desc.ldb = k;
  desc.ldc = desc.ldd = n;
  desc.alpha = 1;
  const Memory a = floats(m * k, [](auto i) { return small(i, 3); });
  const Memory weights[] = {floats(n * k, [](auto i) { return small(i, 5); }),
                            floats(n * k, [](auto i) { return small(i, 2); })};
  const Memory d = floats(m * n, [](auto) { return 0.0f; });
  const Plan gemm = plan(SAMPAN_OP_GEMM, desc);
  for (const int which : {0, 1, 0, 1}) {
    const Memory& b = weights[which];
    run(gemm, {region(a), region(b), region({}), region({}), region({}), region({}), region(d)});
    for (std::uint64_t i = 0; i < m; ++i) {
      for (std::uint64_t j = 0; j < n; ++j) {
        float sum = 0;
        for (std::uint64_t l = 0; l < k; ++l) {
          sum += host_pointer<float>(a)[i * k + l] * host_pointer<float>(b)[j * k + l];
        }
        ASSERT_EQ(host_pointer<float>(d)[i * n + j], sum) << which << ": " << i << ", " << j;
      }
    }
  }
}

// The first run packs B: one on another stream at the same time takes the same path, not that
// over B as it is, which adds in another order.
TEST_F(OpsTest, FirstRunsOnTwoStreamsGiveTheSameBits) {
  constexpr std::uint64_t m = 3, n = 256, k = 700;
  sampan_gemm_desc_t desc{};
  desc.size = sizeof desc;
  desc.a_type = desc.b_type = desc.c_type = desc.d_type = SAMPAN_F32;
  desc.b_transposed = desc.b_constant = 1;
  desc.m = m;
  desc.n = n;
  desc.k = k;
  desc.batch = 1;
  desc.lda = desc.ldb = k;
  desc.ldc = desc.ldd = n;
  desc.alpha = 1;
  const auto wave = [](std::size_t i) { return std::sin(static_cast<float>(i)); };
  const Memory a = floats(m * k, wave);
  const Memory b = floats(n * k, wave);
  const Stream other = create_stream(device_.get());
  for (int round = 0; round < 20; ++round) {
    const Memory d[] = {floats(m * n, [](auto) { return 0.0f; }),
                        floats(m * n, [](auto) { return 1.0f; })};
    const Plan gemm = plan(SAMPAN_OP_GEMM, desc);
    const Memory workspaces[] = {allocate(device_.get(), workspace_bytes_ + 8),
                                 allocate(device_.get(), workspace_bytes_ + 8)};
    sampan_stream_t* const streams[] = {stream_.get(), other.get()};
    for (int i = 0; i < 2; ++i) {
      const std::vector<sampan_arg_t> args = {region(a),  region(b),  region({}),  region({}),
                                              region({}), region({}), region(d[i])};
      ASSERT_CODE(SAMPAN_OK,
                  backend().ops->run(gemm.get(), streams[i], args.data(),
                                     static_cast<std::uint32_t>(args.size()),
                                     {workspaces[i].get(), 0}, 3, &error_),
                  error_);
    }
    ASSERT_CODE(SAMPAN_OK, wait(stream_, error_), error_);
    ASSERT_CODE(SAMPAN_OK, wait(other, error_), error_);
    ASSERT_EQ(0, std::memcmp(host_pointer<float>(d[0]), host_pointer<float>(d[1]), m * n * 4));
  }
}

// One key can be seen: its value comes out exactly, from the head, page and batch that the strides
// and the table say.
TEST_F(OpsTest, AttentionReadsTheTensorsItWasTold) {
  constexpr std::uint64_t b = 2, h = 4, hkv = 2, sq = 3, d = 32, page = 4, max_pages = 2;
  constexpr std::uint64_t pages = b * max_pages;
  for (const bool paged : {false, true}) {
    SCOPED_TRACE(paged);
    sampan_attention_desc_t desc{};
    desc.size = sizeof desc;
    desc.type = SAMPAN_F32;
    desc.b = b;
    desc.h = h;
    desc.hkv = hkv;
    desc.sq = sq;
    desc.skv = page * max_pages;
    desc.d = d;
    desc.scale = 0.125f;
    const auto dense = [](std::uint64_t(&to)[3], std::uint64_t tokens, std::uint64_t heads) {
      to[2] = d;
      to[1] = heads * d;
      to[0] = tokens * heads * d;
    };
    dense(desc.q_strides, sq, h);
    dense(desc.o_strides, sq, h);
    dense(desc.k_strides, paged ? page : desc.skv, hkv);
    dense(desc.v_strides, paged ? page : desc.skv, hkv);
    if (paged) {
      desc.page_size = page;
      desc.max_pages = max_pages;
    }
    const std::size_t kv_count = pages * page * hkv * d;
    const Memory q = floats(b * sq * h * d, [](auto i) { return small(i, 3); });
    const Memory k = floats(kv_count, [](auto i) { return small(i, 5); });
    const Memory v = floats(kv_count, [](auto i) { return static_cast<float>(i); });
    const Memory o = floats(b * sq * h * d, [](auto) { return -1.0f; });
    const Memory table = allocate(device_.get(), pages * 4);
    constexpr std::int32_t kTable[] = {3, 0, 1, 2};
    std::copy(std::begin(kTable), std::end(kTable), host_pointer<std::int32_t>(table));
    const Plan attention = plan(SAMPAN_OP_ATTENTION, desc);
    run(attention, {region(q), region(k), region(v), region(o), paged ? region(table) : region({}),
                    value(1u)});
    for (std::uint64_t batch = 0; batch < b; ++batch) {
      const std::uint64_t first =
          paged ? static_cast<std::uint64_t>(kTable[batch * max_pages]) * page : batch * desc.skv;
      for (std::uint64_t token = 0; token < sq; ++token) {
        for (std::uint64_t head = 0; head < h; ++head) {
          for (std::uint64_t e = 0; e < d; ++e) {
            const float expected = static_cast<float>((first * hkv + head / (h / hkv)) * d + e);
            ASSERT_EQ(host_pointer<float>(o)[((batch * sq + token) * h + head) * d + e], expected)
                << batch << ", " << token << ", " << head << ", " << e;
          }
        }
      }
    }
  }
}

TEST_F(OpsTest, RowOperationsTakeTheirArgumentsInOrder) {
  constexpr std::uint64_t rows = 3, cols = 21;
  struct Case {
    std::uint32_t kind;
    int inputs;
    bool second_is_matrix;
    double (*expected)(const float* x, const float* second, const float* third, std::uint64_t col);
  };
  constexpr double kEpsilon = 0.5;
  const Case cases[] = {
      {SAMPAN_ROW_RMS_NORM, 2, false,
       [](const float* x, const float* w, const float*, std::uint64_t col) {
         double sum = 0;
         for (std::uint64_t i = 0; i < cols; ++i) sum += double{x[i]} * x[i];
         return x[col] / std::sqrt(sum / cols + kEpsilon) * w[col];
       }},
      {SAMPAN_ROW_LAYER_NORM, 3, false,
       [](const float* x, const float* w, const float* bias, std::uint64_t col) {
         double sum = 0;
         double squares = 0;
         for (std::uint64_t i = 0; i < cols; ++i) sum += x[i];
         const double mean = sum / cols;
         for (std::uint64_t i = 0; i < cols; ++i) squares += (x[i] - mean) * (x[i] - mean);
         return (x[col] - mean) / std::sqrt(squares / cols + kEpsilon) * w[col] + bias[col];
       }},
      {SAMPAN_ROW_SOFTMAX, 1, false,
       [](const float* x, const float*, const float*, std::uint64_t col) {
         double sum = 0;
         for (std::uint64_t i = 0; i < cols; ++i) sum += std::exp(2.0 * x[i]);
         return std::exp(2.0 * x[col]) / sum;
       }},
      {SAMPAN_ROW_SILU_MUL, 2, true,
       [](const float* gate, const float* up, const float*, std::uint64_t col) {
         return gate[col] / (1 + std::exp(-double{gate[col]})) * up[col];
       }},
      {SAMPAN_ROW_ADD, 2, true,
       [](const float* a, const float* b, const float*, std::uint64_t col) {
         return double{a[col]} + b[col];
       }},
  };
  // Bound: sums of 21 terms and a few roundings of values below 10 in f32; a swapped argument or
  // stride is off by more than 0.01.
  constexpr double kTolerance = 1e-5;
  for (const Case& c : cases) {
    SCOPED_TRACE(c.kind);
    sampan_row_desc_t desc{};
    desc.size = sizeof desc;
    desc.kind = c.kind;
    desc.type = desc.weight_type = SAMPAN_F32;
    desc.rows = rows;
    desc.cols = cols;
    desc.x_stride = cols + 1;
    desc.x2_stride = cols + 2;
    desc.y_stride = cols + 3;
    desc.epsilon = kEpsilon;
    desc.scale = 2.0f;
    const Memory x = floats(rows * desc.x_stride, [](auto i) { return small(i, 3); });
    const Memory second = floats(rows * desc.x2_stride, [](auto i) { return small(i, 5) + 0.5f; });
    const Memory third = floats(cols, [](auto i) { return small(i, 2); });
    const Memory y = floats(rows * desc.y_stride, [](auto) { return 1e30f; });
    std::vector<sampan_arg_t> args = {region(x)};
    if (c.inputs > 1) args.push_back(region(second));
    if (c.inputs > 2) args.push_back(region(third));
    args.push_back(region(y));
    run(plan(SAMPAN_OP_ROW, desc), args);
    for (std::uint64_t row = 0; row < rows; ++row) {
      const float* px = host_pointer<float>(x) + row * desc.x_stride;
      const float* ps =
          host_pointer<float>(second) + (c.second_is_matrix ? row * desc.x2_stride : 0);
      for (std::uint64_t col = 0; col < cols; ++col) {
        ASSERT_NEAR(host_pointer<float>(y)[row * desc.y_stride + col],
                    c.expected(px, ps, host_pointer<float>(third), col), kTolerance)
            << row << ", " << col;
      }
    }
  }
}

TEST_F(OpsTest, WhatNoKernelCoversIsUnsupportedWithTheReason) {
  sampan_row_desc_t row{};
  row.size = sizeof row;
  row.kind = 99;
  sampan_op_plan_t* raw = nullptr;
  EXPECT_EQ(SAMPAN_UNSUPPORTED, backend().ops->plan(device_.get(), SAMPAN_OP_ROW, &row, &raw,
                                                    &workspace_bytes_, &error_));
  EXPECT_NE(error_.message(), "");
  sampan_gemm_desc_t gemm{};
  gemm.size = sizeof gemm;
  gemm.a_type = gemm.b_type = gemm.c_type = gemm.d_type = SAMPAN_F64;
  gemm.m = gemm.n = gemm.k = gemm.batch = gemm.lda = gemm.ldb = gemm.ldc = gemm.ldd = 1;
  EXPECT_EQ(SAMPAN_UNSUPPORTED, backend().ops->plan(device_.get(), SAMPAN_OP_GEMM, &gemm, &raw,
                                                    &workspace_bytes_, &error_));
  EXPECT_EQ(SAMPAN_UNSUPPORTED,
            backend().ops->plan(device_.get(), 77, &gemm, &raw, &workspace_bytes_, &error_));
}

TEST_F(OpsTest, APlanMayBeDestroyedWhileItRuns) {
  const Memory x = floats(1000, [](auto i) { return small(i, 3); });
  const Memory y = floats(1000, [](auto) { return 0.0f; });
  const Event held = create_event(device_.get(), SAMPAN_EVENT_SIGNALLED);
  ASSERT_EQ(SAMPAN_OK, backend().stream->wait_event(stream_.get(), held.get(), &error_));
  {
    sampan_row_desc_t desc{};
    desc.size = sizeof desc;
    desc.kind = SAMPAN_ROW_ADD;
    desc.type = SAMPAN_F32;
    desc.rows = 10;
    desc.cols = desc.x_stride = desc.x2_stride = desc.y_stride = 100;
    const Plan add = plan(SAMPAN_OP_ROW, desc);
    ASSERT_CODE(SAMPAN_OK, enqueue(add, {region(x), region(x), region(y)}, {}), error_);
  }
  ASSERT_EQ(SAMPAN_OK, backend().event->signal(held.get(), SAMPAN_OK, &error_));
  ASSERT_CODE(SAMPAN_OK, wait(stream_, error_), error_);
  for (std::size_t i = 0; i < 1000; ++i) {
    ASSERT_EQ(host_pointer<float>(y)[i], 2 * small(i, 3));
  }
}

}  // namespace
}  // namespace sampan_test
