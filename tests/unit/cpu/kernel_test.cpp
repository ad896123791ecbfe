#include "kernel_fixture.h"

namespace sampan_test {
namespace {

// Every item writes its whole identity, so a wrong id, a missing or a doubled item shows up.
constexpr const char* kIdentity = R"(
KERNEL_KIND(identity, 4, 3, 2)(GLOBAL u32* out, u32 stamp) {
  const u32 item = (LID(2) * LSIZE(1) + LID(1)) * LSIZE(0) + LID(0);
  const u32 group = (GID(2) * NGROUPS(1) + GID(1)) * NGROUPS(0) + GID(0);
  MAYBE_BARRIER;
  out[group * 24 + item] += stamp + group * 1000 + item;
}
)";

class IdentityTest : public KernelTest,
                     public testing::WithParamInterface<std::tuple<const char*, Dim3>> {};

TEST_P(IdentityTest, EveryItemRunsOnceWithItsIds) {
  const auto& [options, grid] = GetParam();
  const Module module = load(device_.get(), kIdentity, {"identity"}, options);
  const std::uint32_t groups = grid[0] * grid[1] * grid[2];
  const Memory memory = allocate(device_.get(), groups * 24 * 4);
  auto* out = host_pointer<std::uint32_t>(memory);
  // Twice: the second launch knows what a group costs and may run in another way.
  for (const std::uint32_t stamp : {7u, 9u}) {
    std::fill_n(out, groups * 24, 0u);
    ASSERT_CODE(SAMPAN_OK,
                run(kernel(module, "identity"), grid, {4, 3, 2}, {region(memory), value(stamp)}),
                error_);
    for (std::uint32_t group = 0; group < groups; ++group) {
      for (std::uint32_t item = 0; item < 24; ++item) {
        ASSERT_EQ(out[group * 24 + item], stamp + group * 1000 + item) << group << ", " << item;
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(
    FlatAndFibers, IdentityTest,
    testing::Combine(testing::Values("-DKERNEL_KIND=KERNEL_FLAT -DMAYBE_BARRIER=",
                                     "-DKERNEL_KIND=KERNEL -DMAYBE_BARRIER=BARRIER()"),
                     testing::Values(Dim3{1, 1, 1}, Dim3{2, 1, 1}, Dim3{1, 7, 1}, Dim3{5, 4, 3},
                                     Dim3{997, 1, 2})));

// Each round, an item reads what its neighbour wrote in the round before.
constexpr const char* kRotate = R"(
KERNEL(rotate, ITEMS, 1, 1)(GLOBAL u32* out, u32 rounds) {
  LOCAL_POOL(u32, pool, 2 * ITEMS);
  pool[LID(0)] = LID(0);
  BARRIER();
  u32 from = 0;
  for (u32 r = 0; r < rounds; ++r) {
    pool[(ITEMS - from) + LID(0)] = pool[from + (LID(0) + 1) % ITEMS];
    from = ITEMS - from;
    BARRIER();
  }
  out[GID(0) * ITEMS + LID(0)] = pool[from + LID(0)];
}
)";

class RotateTest : public KernelTest, public testing::WithParamInterface<std::uint32_t> {};

TEST_P(RotateTest, ItemsSeeWhatOthersWroteBeforeTheBarrier) {
  const std::uint32_t items = GetParam();
  constexpr std::uint32_t kGroups = 5;
  const Module module =
      load(device_.get(), kRotate, {"rotate"}, ("-DITEMS=" + std::to_string(items)).c_str());
  const Memory memory = allocate(device_.get(), kGroups * items * 4);
  auto* out = host_pointer<std::uint32_t>(memory);
  for (const std::uint32_t rounds : {0u, 1u, 5u}) {
    ASSERT_CODE(SAMPAN_OK,
                run(kernel(module, "rotate"), {kGroups, 1, 1}, {items, 1, 1},
                    {region(memory), value(rounds)}),
                error_);
    for (std::uint32_t i = 0; i < kGroups * items; ++i) {
      ASSERT_EQ(out[i], (i % items + rounds) % items) << rounds << ", " << i;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(GroupSizes, RotateTest, testing::Values(2u, 3u, 32u, 257u, 1024u));

TEST_F(KernelTest, ValuesOfEverySizeArrive) {
  struct alignas(16) Sixteen {
    float v[4];
  };
  const Module module = load(device_.get(), R"(
struct sixteen { f32 v[4]; };
struct twelve { f32 v[3]; };
KERNEL_FLAT(sizes, 1, 1, 1)(u8 a, u16 b, u32 c, u64 d, f32 e, double f, sixteen g, twelve h, GLOBAL double* out) {
  out[0] = a; out[1] = b; out[2] = c; out[3] = (double)d; out[4] = e; out[5] = f;
  out[6] = g.v[0] + 10 * g.v[3]; out[7] = h.v[0] + 10 * h.v[2];
}
)",
                             {"sizes"});
  const Memory memory = allocate(device_.get(), 8 * 8 + 8);
  const std::array<float, 4> g{1, 2, 3, 4};
  const std::array<float, 3> h{5, 6, 7};
  ASSERT_CODE(SAMPAN_OK,
              run(kernel(module, "sizes"), {1, 1, 1}, {1, 1, 1},
                  {value(std::uint8_t{200}), value(std::uint16_t{60'000}), value(4'000'000'000u),
                   value(std::uint64_t{1} << 40), value(0.5f), value(0.25), value(g), value(h),
                   region(memory, 8)}),
              error_);
  const auto* out = host_pointer<double>(memory) + 1;
  const double expected[] = {200, 60'000, 4e9, 1099511627776.0, 0.5, 0.25, 41, 75};
  for (int i = 0; i < 8; ++i) EXPECT_EQ(out[i], expected[i]) << i;
}

TEST_F(KernelTest, ANullBufferArrivesAsNull) {
  const Module module = load(device_.get(), R"(
KERNEL_FLAT(is_null, 1, 1, 1)(GLOBAL u32* out, const GLOBAL u32* maybe) { *out = maybe == nullptr; }
)",
                             {"is_null"});
  const Memory memory = allocate(device_.get(), 4);
  *host_pointer<std::uint32_t>(memory) = 5;
  ASSERT_CODE(SAMPAN_OK,
              run(kernel(module, "is_null"), {1, 1, 1}, {1, 1, 1}, {region(memory), region({})}),
              error_);
  EXPECT_EQ(*host_pointer<std::uint32_t>(memory), 1u);
}

TEST_F(KernelTest, RefusesWhatTheKernelWasNotCompiledFor) {
  const Module module = load(device_.get(), R"(
KERNEL(two, 2, 1, 1)(GLOBAL u32* out, u32 k) { out[LID(0)] = k; }
)",
                             {"two"});
  sampan_kernel_t* two = kernel(module, "two");
  const Memory memory = allocate(device_.get(), 8);
  struct Case {
    const char* what;
    Dim3 group;
    std::vector<sampan_arg_t> args;
    const char* message;
  };
  const Case cases[] = {
      {"too few arguments", {2, 1, 1}, {region(memory)}, "takes 2 arguments, not 1"},
      {"too many", {2, 1, 1}, {region(memory), value(1u), value(1u)}, "takes 2 arguments, not 3"},
      {"a value for a buffer",
       {2, 1, 1},
       {value(1u), value(1u)},
       "argument 0 of kernel 'two' is a buffer"},
      {"a buffer for a value",
       {2, 1, 1},
       {region(memory), region(memory)},
       "but a buffer was given"},
      {"a wide value", {2, 1, 1}, {region(memory), value(1.0)}, "is a value of 4 bytes"},
      {"another group", {4, 1, 1}, {region(memory), value(1u)}, "groups of 2 x 1 x 1 items, not 4"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.what);
    EXPECT_EQ(SAMPAN_INVALID_ARGUMENT, launch(stream_, two, {1, 1, 1}, c.group, c.args, error_));
    EXPECT_NE(error_.message().find(c.message), std::string::npos) << error_.message();
  }
  // The stream is untouched.
  EXPECT_CODE(SAMPAN_OK, run(two, {1, 1, 1}, {2, 1, 1}, {region(memory), value(3u)}), error_);
}

TEST_F(KernelTest, CooperativeLaunchesHaveOneGroup) {
  const Module module = load(device_.get(), R"(
KERNEL_FLAT(touch, 1, 1, 1)(GLOBAL u32* out) { *out = 1; }
)",
                             {"touch"});
  const Memory memory = allocate(device_.get(), 4);
  const sampan_arg_t arg = region(memory);
  sampan_launch_t desc{};
  desc.size = sizeof desc;
  desc.arg_count = 1;
  desc.kernel = kernel(module, "touch");
  desc.args = &arg;
  std::fill_n(desc.group, 3, 1u);
  std::fill_n(desc.grid, 3, 1u);
  desc.cooperative = 1;
  EXPECT_CODE(SAMPAN_OK, backend().stream->launch(stream_.get(), &desc, &error_), error_);
  EXPECT_CODE(SAMPAN_OK, wait(stream_, error_), error_);
  desc.grid[1] = 2;
  EXPECT_EQ(SAMPAN_UNSUPPORTED, backend().stream->launch(stream_.get(), &desc, &error_));
}

// ---- Failing launches
// ----------------------------------------------------------------------------

constexpr const char* kDiverge = R"(
KERNEL(diverge, 8, 1, 1)(GLOBAL u32* out, u32 leavers) {
  if (LID(0) >= leavers) BARRIER();
  out[LID(0)] = 1;
}
KERNEL(late, 4, 1, 1)(GLOBAL u32* out) {
  BARRIER();
  BARRIER();
  if (LID(0) != 3) BARRIER();
  out[LID(0)] = 1;
}
)";

TEST_F(KernelTest, DivergenceFailsTheStreamAndNamesTheLaunch) {
  const Module module = load(device_.get(), kDiverge, {"diverge", "late"});
  const Memory memory = allocate(device_.get(), 32);
  struct Case {
    const char* name;
    std::uint32_t items;
    std::vector<sampan_arg_t> args;
  };
  const Case cases[] = {{"diverge", 8, {region(memory), value(1u)}},
                        {"diverge", 8, {region(memory), value(7u)}},
                        {"late", 4, {region(memory)}}};
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    const Stream stream = create_stream(device_.get());
    const Stream other = create_stream(device_.get());
    sampan_kernel_t* what = kernel(module, c.name);
    ASSERT_EQ(SAMPAN_OK, launch(stream, what, {3, 1, 1}, {c.items, 1, 1}, c.args, error_, 77));
    for (int again = 0; again < 2; ++again) {
      EXPECT_EQ(SAMPAN_LAUNCH_FAILED, wait(stream, error_));
      EXPECT_EQ(error_.record.sequence, 77u);
      EXPECT_STREQ(error_.record.kernel, c.name);
      EXPECT_NE(error_.record.flags & SAMPAN_ERROR_STICKY, 0u);
      EXPECT_NE(error_.message().find("BARRIER"), std::string::npos) << error_.message();
    }
    EXPECT_EQ(SAMPAN_LAUNCH_FAILED, backend().stream->query(stream.get(), &error_));
    EXPECT_EQ(SAMPAN_LAUNCH_FAILED, backend().stream->flush(stream.get(), &error_));
    EXPECT_EQ(SAMPAN_LAUNCH_FAILED,
              launch(stream, what, {1, 1, 1}, {c.items, 1, 1}, c.args, error_, 78));
    EXPECT_EQ(error_.record.sequence, 77u);
    // Others go on, also with the same kernel.
    if (c.args.size() == 2) {
      EXPECT_CODE(SAMPAN_OK,
                  launch(other, what, {3, 1, 1}, {8, 1, 1}, {region(memory), value(0u)}, error_),
                  error_);
    }
    EXPECT_CODE(SAMPAN_OK, wait(other, error_), error_);
  }
}

TEST_F(KernelTest, WorkBehindAFailureIsDroppedButHostFunctionsAreTold) {
  const Module module = load(device_.get(), kDiverge, {"diverge"});
  const Memory memory = allocate(device_.get(), 32);
  auto* out = host_pointer<std::uint32_t>(memory);
  std::fill_n(out, 8, 5u);
  const Event held = create_event(device_.get(), SAMPAN_EVENT_SIGNALLED);
  const auto& table = *backend().stream;
  // Held up, so that everything is enqueued before the failure is known.
  ASSERT_EQ(SAMPAN_OK, table.wait_event(stream_.get(), held.get(), &error_));
  ASSERT_EQ(SAMPAN_OK, launch(stream_, kernel(module, "diverge"), {1, 1, 1}, {8, 1, 1},
                              {region(memory), value(8u - 1u)}, error_, 5));
  const std::uint32_t nine = 9;
  ASSERT_EQ(SAMPAN_OK, table.fill(stream_.get(), {memory.get(), 28}, &nine, 4, 4, &error_));
  std::int32_t failed = -1;
  ASSERT_EQ(SAMPAN_OK, table.host_function(
                           stream_.get(),
                           [](void* context, std::int32_t state) {
                             *static_cast<std::int32_t*>(context) = state;
                           },
                           &failed, &error_));
  ASSERT_EQ(SAMPAN_OK, backend().event->signal(held.get(), SAMPAN_OK, &error_));
  EXPECT_EQ(SAMPAN_LAUNCH_FAILED, wait(stream_, error_));
  EXPECT_EQ(failed, 1);
  EXPECT_EQ(out[7], 5u) << "the fill behind the failed launch ran";
}

TEST_F(KernelTest, GroupsBeyondTheLimitAreRefused) {
  const Module module =
      load(device_.get(), "KERNEL(huge, 2048, 1, 1)(GLOBAL u32* out) { BARRIER(); }\n", {"huge"});
  sampan_kernel_t* found = nullptr;
  EXPECT_EQ(SAMPAN_INVALID_BINARY, backend().module->kernel(module.get(), "huge", &found, &error_));
  EXPECT_NE(error_.message().find("2048"), std::string::npos) << error_.message();
}

// A launch of many groups must be spread over the threads, whatever it cost before.
TEST_F(KernelTest, ACheapKernelThatTurnsExpensiveStillFinishes) {
  const Module module = load(device_.get(), R"(
KERNEL_FLAT(spin, 1, 1, 1)(GLOBAL u32* out, u32 rounds) {
  u32 x = GID(0);
  for (u32 i = 0; i < rounds; ++i) x = x * 1664525u + 1013904223u;
  out[GID(0)] = x;
}
)",
                             {"spin"});
  constexpr std::uint32_t kGroups = 64;
  const Memory memory = allocate(device_.get(), kGroups * 4);
  auto* out = host_pointer<std::uint32_t>(memory);
  for (const std::uint32_t rounds : {1u, 1u, 1u, 100'000u, 1u, 50'000u}) {
    ASSERT_CODE(
        SAMPAN_OK,
        run(kernel(module, "spin"), {kGroups, 1, 1}, {1, 1, 1}, {region(memory), value(rounds)}),
        error_);
    for (std::uint32_t g = 0; g < kGroups; ++g) {
      std::uint32_t x = g;
      for (std::uint32_t i = 0; i < rounds; ++i) x = x * 1664525u + 1013904223u;
      ASSERT_EQ(out[g], x);
    }
  }
}

}  // namespace
}  // namespace sampan_test
