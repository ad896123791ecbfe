// Kernels of the portable dialect compute what they say.
#include <cmath>
#include <cstring>
#include <limits>
#include <set>

#include "conformance.h"

namespace sampan::conformance {
namespace {

constexpr std::uint32_t kSizes[] = {0, 1, 63, 64, 65, 333, 4095, 4096, 4097, 1 << 20};

LaunchConfig groups(std::uint32_t count, std::uint32_t items) {
  LaunchConfig config;
  config.grid.x = count;
  config.group.x = items;
  return config;
}

// Small integers: every result is exact, whatever is fused.
void check_axpy(std::uint32_t n, std::uint64_t offset) {
  Stream stream = device().create_stream();
  std::vector<float> x(n + offset), y(n + 2 * offset);
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(i % 97);
  for (std::size_t i = 0; i < y.size(); ++i) y[i] = static_cast<float>(i % 89);
  const Buffer device_x = upload(stream, x), device_y = upload(stream, y);
  stream.launch(helper_kernel("axpy"), items64(n), n, -3.0f, device_x, offset, device_y, offset);
  for (std::size_t i = 0; i < n; ++i) y[offset + i] -= 3.0f * x[offset + i];
  EXPECT_TRUE(same_values(download<float>(stream, device_y), y));
  EXPECT_TRUE(same_values(download<float>(stream, device_x), x));
}

// A view's own offset, where the device takes it.
void check_view_argument() {
  Stream stream = device().create_stream();
  const std::uint64_t skip = std::max<std::uint64_t>(device().info().offset_alignment_bytes, 4);
  std::vector<std::uint32_t> values(skip / 4 + 100, 1);
  const Buffer data = upload(stream, values);
  stream.launch(helper_kernel("advance"), items64(100), 100u, 2u, 3u,
                data.view(DType::u32, {100}, skip));
  std::fill(values.begin() + static_cast<std::ptrdiff_t>(skip / 4), values.end(), 5u);
  EXPECT_EQ(download<std::uint32_t>(stream, data), values);
}

void check_reverse(std::uint32_t items, std::uint32_t group_count) {
  Stream stream = device().create_stream();
  std::vector<std::uint32_t> values(items * group_count), expected(values.size());
  for (std::uint32_t i = 0; i < values.size(); ++i) values[i] = i * 7 + 1;
  for (std::uint32_t i = 0; i < values.size(); ++i) {
    expected[i] = values[i / items * items + items - 1 - i % items];
  }
  const Buffer in = upload(stream, values), out = stream.allocate(values.size() * 4);
  stream.launch(helper_kernel("reverse_" + std::to_string(items)), groups(group_count, items), in,
                out);
  EXPECT_EQ(download<std::uint32_t>(stream, out), expected);
}

void check_pass_on(std::uint32_t rounds, std::uint32_t group_count) {
  Stream stream = device().create_stream();
  std::vector<std::uint32_t> values(64 * group_count), expected(values.size());
  for (std::uint32_t i = 0; i < values.size(); ++i) values[i] = i * i;
  for (std::uint32_t i = 0; i < values.size(); ++i) {
    expected[i] = values[i / 64 * 64 + (i + rounds) % 64] + rounds * (rounds - 1) / 2;
  }
  const Buffer in = upload(stream, values), out = stream.allocate(values.size() * 4);
  stream.launch(helper_kernel("pass_on"), groups(group_count, 64), rounds, in, out);
  EXPECT_EQ(download<std::uint32_t>(stream, out), expected);
}

// Every item of every group runs once, and knows its place.
void check_ids(Dim3 grid, Dim3 group) {
  Stream stream = device().create_stream();
  const auto text = [](Dim3 d) {
    return std::to_string(d.x) + "x" + std::to_string(d.y) + "x" + std::to_string(d.z);
  };
  const std::uint32_t group_count = grid.x * grid.y * grid.z;
  const std::uint32_t items = group.x * group.y * group.z;
  const Buffer out = stream.allocate(std::uint64_t{group_count} * items * 32);
  stream.fill(out.view(DType::u8), std::uint8_t{0});
  LaunchConfig config;
  config.grid = grid;
  config.group = group;
  stream.launch(helper_kernel("ids_" + text(group)), config, out);
  std::vector<std::uint32_t> expected;
  expected.reserve(std::size_t{group_count} * items * 8);
  for (std::uint32_t g = 0; g < group_count; ++g) {
    for (std::uint32_t i = 0; i < items; ++i) {
      const std::uint32_t words[] = {g % grid.x,
                                     g / grid.x % grid.y,
                                     g / grid.x / grid.y,
                                     i % group.x,
                                     i / group.x % group.y,
                                     i / group.x / group.y,
                                     group_count,
                                     1};
      expected.insert(expected.end(), std::begin(words), std::end(words));
    }
  }
  EXPECT_TRUE(same_values(download<std::uint32_t>(stream, out), expected));
}

void check_count(std::uint32_t group_count) {
  Stream stream = device().create_stream();
  const Buffer counter = stream.allocate(4);
  stream.fill(counter.view(DType::i32), 0);
  stream.launch(helper_kernel("count"), groups(group_count, 64), counter);
  EXPECT_EQ(download<std::uint32_t>(stream, counter)[0], group_count * 64);
}

template <class T>
void check_scalar(const std::string& type, T value, std::uint64_t expected) {
  Stream stream = device().create_stream();
  const Buffer out = stream.allocate(8);
  stream.launch(helper_kernel("scalar_" + type), LaunchConfig{}, value, out);
  EXPECT_EQ(download<std::uint64_t>(stream, out)[0], expected);
}

template <class T>
void add_integer(CaseList& cases, const std::string& type) {
  using Limits = std::numeric_limits<T>;
  // A set: an unsigned type's smallest value is 0, its largest -1.
  for (const T value : std::set<T>{Limits::min(), T{0}, T{1}, static_cast<T>(Limits::max() / 3),
                                   Limits::max(), static_cast<T>(-1)}) {
    const std::string name = "Scalar/" + type + "/" + std::to_string(value);
    cases.add("Kernel", name, [type, value] {
      check_scalar(type, value, static_cast<std::uint64_t>(static_cast<std::int64_t>(value)));
    });
  }
}

void add_scalars(CaseList& cases) {
  add_integer<std::int8_t>(cases, "i8");
  add_integer<std::uint8_t>(cases, "u8");
  add_integer<std::int16_t>(cases, "i16");
  add_integer<std::uint16_t>(cases, "u16");
  add_integer<std::int32_t>(cases, "i32");
  add_integer<std::uint32_t>(cases, "u32");
  add_integer<std::int64_t>(cases, "i64");
  add_integer<std::uint64_t>(cases, "u64");
  for (const auto& [name, value] :
       {std::pair<const char*, float>{"MinusZero", -0.0f},
        {"One", 1.0f},
        {"Smallest", std::numeric_limits<float>::denorm_min()},
        {"Largest", std::numeric_limits<float>::max()},
        {"Infinity", std::numeric_limits<float>::infinity()},
        {"NaN", std::numeric_limits<float>::quiet_NaN()}}) {
    cases.add("Kernel", std::string("Scalar/f32/") + name, [value = value] {
      std::uint32_t bits = 0;
      std::memcpy(&bits, &value, sizeof(bits));
      check_scalar("f32", value, bits);
    });
  }
  cases.add("Kernel", "Scalar/AllTypesAtOnce", [] {
    Stream stream = device().create_stream();
    const Buffer in = upload(stream, std::vector<std::uint32_t>{99}), out = stream.allocate(48);
    stream.launch(helper_kernel("many_scalars"), LaunchConfig{}, in, std::int8_t{-5},
                  std::uint64_t{0x0123456789abcdef}, std::uint8_t{200}, 2.5f, std::int16_t{-300},
                  std::int64_t{-2}, std::uint16_t{65000}, std::int32_t{-70000},
                  std::uint32_t{4000000000u}, out);
    const std::vector<std::uint32_t> expected = {
        99,          static_cast<std::uint32_t>(-5),     0x89abcdef,  0x01234567,
        200,         0x40200000,                         static_cast<std::uint32_t>(-300),
        0xfffffffe,  0xffffffff,                         65000,
        static_cast<std::uint32_t>(-70000),              4000000000u};
    EXPECT_EQ(download<std::uint32_t>(stream, out), expected);
  });
}

// ---- Vectors of the storage types --------------------------------------------------------------

// The integer `value` (below 64) in the bits of a type.
std::uint32_t encoded(DType dtype, std::uint32_t value) {
  const float number = static_cast<float>(value);
  std::uint32_t bits = 0;
  std::memcpy(&bits, &number, sizeof(bits));
  switch (dtype) {
    case DType::f32:
      return bits;
    case DType::bf16:
      return bits >> 16;
    case DType::f16:
      // Another bias and 13 bits less of mantissa; 0 has no exponent.
      return value == 0 ? 0 : (bits >> 13) - ((127u - 15u) << 10);
    default:
      return value;
  }
}

std::vector<std::byte> encoded(DType dtype, std::uint32_t n, std::uint32_t factor) {
  const std::uint32_t size = bits(dtype) / 8;
  std::vector<std::byte> bytes(std::size_t{n} * size);
  for (std::uint32_t i = 0; i < n; ++i) {
    const std::uint32_t word = encoded(dtype, i % 60 * factor);
    std::memcpy(bytes.data() + std::size_t{i} * size, &word, size);  // little endian
  }
  return bytes;
}

void check_double(const std::string& type, DType dtype, std::uint32_t n) {
  Stream stream = device().create_stream();
  const Buffer x = upload(stream, encoded(dtype, n, 1));
  std::vector<std::byte> expected = encoded(dtype, n, 2);
  expected.resize(expected.size() + 256, std::byte{0xc5});
  const Buffer y = stream.allocate(expected.size());
  stream.fill(y.view(DType::u8), std::uint8_t{0xc5});
  // An item takes VW elements, at least one: more groups than needed do nothing.
  stream.launch(helper_kernel("vf_double_" + type), groups((n + 15) / 16, 16), n, x, y);
  EXPECT_TRUE(same_values(download<std::byte>(stream, y), expected));
}

void add_vectors(CaseList& cases) {
  for (const auto& [type, dtype] : {std::pair<const char*, DType>{"F32", DType::f32},
                                    {"F16", DType::f16},
                                    {"BF16", DType::bf16},
                                    {"I32", DType::i32},
                                    {"I8", DType::i8},
                                    {"U8", DType::u8}}) {
    for (const std::uint32_t n : {1u, 3u, 16u, 333u, 4097u}) {
      cases.add("Kernel", std::string("Vectors/") + type + "/" + std::to_string(n),
                [t = std::string(type), d = dtype, n] { check_double(t, d, n); });
    }
  }
}

void check_null() {
  Stream stream = device().create_stream();
  const Buffer some = stream.allocate(4), out = stream.allocate(4);
  stream.launch(helper_kernel("nullable"), LaunchConfig{}, nullptr, out);
  EXPECT_EQ(download<std::uint32_t>(stream, out)[0], 1u);
  stream.launch(helper_kernel("nullable"), LaunchConfig{}, some, out);
  EXPECT_EQ(download<std::uint32_t>(stream, out)[0], 0u);
}

}  // namespace

void add_kernel_cases(CaseList& cases) {
  for (const std::uint32_t n : kSizes) {
    cases.add("Kernel", "Axpy/" + std::to_string(n), [n] { check_axpy(n, 0); });
    cases.add("Kernel", "AxpyFromAnOffset/" + std::to_string(n), [n] { check_axpy(n, 5); });
  }
  for (const std::uint32_t items : {1u, 2u, 7u, 16u, 64u, 128u}) {
    for (const std::uint32_t count : {1u, 3u, 1000u}) {
      cases.add("Kernel", "Reverse/" + std::to_string(items) + "x" + std::to_string(count),
                [=] { check_reverse(items, count); });
    }
  }
  for (const std::uint32_t rounds : {1u, 64u, 1000u}) {
    cases.add("Kernel", "ManyBarriers/" + std::to_string(rounds),
              [rounds] { check_pass_on(rounds, 5); });
  }
  for (const Dim3 grid : {Dim3{1, 1, 1}, {7, 1, 1}, {1, 7, 1}, {1, 1, 7}, {5, 3, 2}, {64, 33, 3}}) {
    const std::string name =
        std::to_string(grid.x) + "x" + std::to_string(grid.y) + "x" + std::to_string(grid.z);
    cases.add("Kernel", "Ids/64x1x1/" + name, [grid] { check_ids(grid, {64, 1, 1}); });
    cases.add("Kernel", "Ids/4x3x2/" + name, [grid] { check_ids(grid, {4, 3, 2}); });
  }
  for (const std::uint32_t count : {1u, 1000u, 65536u}) {
    cases.add("Kernel", "AtomicCount/" + std::to_string(count), [count] { check_count(count); });
  }
  cases.add("Kernel", "ViewArgument", check_view_argument);
  cases.add("Kernel", "NullArgument", check_null);
  add_scalars(cases);
  add_vectors(cases);
}

}  // namespace sampan::conformance
