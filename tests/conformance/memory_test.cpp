// Allocation, registered and wrapped memory, lifetime of buffers.
#include <cstring>
#include <utility>

#include "conformance.h"

namespace sampan::conformance {
namespace {

struct Kind {
  const char* name;
  MemoryKind kind;
};
constexpr Kind kKinds[] = {{"device", MemoryKind::device}, {"host", MemoryKind::host}};

constexpr std::uint64_t kSizes[] = {0,    1,    255,  256,  257,       333,
                                    4095, 4096, 4097, 1 << 20, (8 << 20) + 1, 33 << 20};

// A new buffer has the size and kind asked for, and keeps what is written to all of it.
void check_buffer(Stream& stream, const Buffer& buffer, std::uint64_t size_bytes, MemoryKind kind) {
  ASSERT_TRUE(buffer);
  EXPECT_EQ(buffer.size_bytes(), size_bytes);
  EXPECT_EQ(buffer.kind(), kind);
  EXPECT_EQ(buffer.device(), device());
  const View view = buffer.view(DType::u8);
  EXPECT_EQ(view.elems(), size_bytes);
  const auto bytes = test_bytes(size_bytes, static_cast<std::uint32_t>(size_bytes));
  stream.copy_from_host(view, std::span(bytes));
  EXPECT_TRUE(same_values(download<std::byte>(stream, view), bytes));
  if (kind == MemoryKind::host && size_bytes != 0) {
    ASSERT_NE(buffer.host_data(), nullptr);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(buffer.host_data()) % 256, 0u);
    EXPECT_TRUE(same_bytes({buffer.host<std::byte>(), size_bytes}, bytes));
  }
}

void add_sizes(CaseList& cases) {
  for (const Kind& kind : kKinds) {
    for (const std::uint64_t size : kSizes) {
      const std::string row = std::string(kind.name) + "/" + std::to_string(size);
      cases.add("Memory", "DeviceAllocate/" + row, [&kind, size] {
        Stream stream = device().create_stream();
        const Buffer buffer = device().allocate(size, kind.kind);
        check_buffer(stream, buffer, size, kind.kind);
      });
      cases.add("Memory", "StreamAllocate/" + row, [&kind, size] {
        Stream stream = device().create_stream();
        const Buffer buffer = stream.allocate(size, kind.kind);
        check_buffer(stream, buffer, size, kind.kind);
      });
    }
  }
}

// Sizes that no device has: refused with numbers, and the next allocation works.
struct HugeSize {
  const char* name;
  std::uint64_t (*bytes)();
};
constexpr HugeSize kHuge[] = {
    {"OneMoreThanTheDeviceGives", [] { return device().info().max_allocation_bytes + 1; }},
    {"TwiceTheMemory", [] { return 2 * device().info().memory_bytes; }},
    {"2^48", [] { return std::uint64_t{1} << 48; }},
    {"2^63", [] { return std::uint64_t{1} << 63; }},
    {"2^64-256", [] { return UINT64_MAX - 255; }},
    {"2^64-1", [] { return UINT64_MAX; }},
};

void add_huge(CaseList& cases) {
  for (const Kind& kind : kKinds) {
    for (const HugeSize& row : kHuge) {
      cases.add("Memory", std::string("Huge/") + kind.name + "/" + row.name, [&kind, &row] {
        Stream stream = device().create_stream();
        const std::uint64_t size = row.bytes();
        expect_error(
            ErrorCode::out_of_device_memory,
            [&] { static_cast<void>(device().allocate(size, kind.kind)); },
            {std::to_string(size), "limit"});
        expect_error(
            ErrorCode::out_of_device_memory,
            [&] { static_cast<void>(stream.allocate(size, kind.kind)); },
            {std::to_string(size), "limit"});
        const Buffer next = stream.allocate(4096, kind.kind);
        check_buffer(stream, next, 4096, kind.kind);
      });
    }
  }
}

// Memory of the test's own, made known to the device, starting `offset` bytes into its block.
void add_registered(CaseList& cases) {
  for (const std::size_t size : {1u, 333u, 4096u, 1u << 20}) {
    for (const std::size_t offset : {0u, 1u, 64u}) {
      cases.add("Memory", "Register/" + std::to_string(size) + "+" + std::to_string(offset),
                [size, offset] {
                  std::vector<std::byte> own(size + offset + 64, std::byte{0x5a});
                  Stream stream = device().create_stream();
                  const auto bytes = test_bytes(size);
                  const Buffer source = upload(stream, bytes);
                  {
                    const Buffer registered = device().register_host(own.data() + offset, size);
                    EXPECT_EQ(registered.kind(), MemoryKind::host);
                    EXPECT_EQ(registered.size_bytes(), size);
                    EXPECT_EQ(registered.host_data(), own.data() + offset);
                    stream.copy(registered.view(DType::u8), source.view(DType::u8));
                    stream.synchronize();
                  }
                  auto expected = std::vector<std::byte>(own.size(), std::byte{0x5a});
                  std::memcpy(expected.data() + offset, bytes.data(), size);
                  EXPECT_TRUE(same_values(own, expected));
                });
    }
  }
  cases.add("Memory", "RegisterIsASource", [] {
    auto own = test_bytes(4097);
    Stream stream = device().create_stream();
    const Buffer registered = device().register_host(own.data(), own.size());
    const Buffer copy = stream.allocate(own.size());
    stream.copy(copy.view(DType::u8), registered.view(DType::u8));
    EXPECT_TRUE(same_values(download<std::byte>(stream, copy), own));
  });
  cases.add("Memory", "RegisterReleaseWaitsForItsCopies", [] {
    auto own = test_bytes(4096);
    const auto expected = own;
    Stream stream = device().create_stream();
    const Buffer copy = device().allocate(own.size());
    {
      const Buffer registered = device().register_host(own.data(), own.size());
      stream.copy(copy.view(DType::u8), registered.view(DType::u8));
    }
    std::fill(own.begin(), own.end(), std::byte{0});  // the memory is ours again
    EXPECT_TRUE(same_values(download<std::byte>(stream, copy), expected));
  });
  cases.add("Memory", "RegisterRefusesNull", [] {
    expect_error(ErrorCode::invalid_argument,
                 [] { static_cast<void>(device().register_host(nullptr, 4096)); });
    std::byte own{};
    expect_error(ErrorCode::invalid_argument,
                 [&] { static_cast<void>(device().register_host(&own, 0)); });
  });
}

void add_wrapped(CaseList& cases) {
  cases.add("Memory", "Wrap", [] {
    Stream stream = device().create_stream();
    const auto bytes = test_bytes(40 << 20);  // large enough for a driver allocation of its own
    const Buffer owner = upload(stream, bytes);
    ASSERT_EQ(owner.native_offset_bytes(), 0u);
    {
      const Buffer wrapped = device().wrap(owner.native(), owner.size_bytes());
      EXPECT_EQ(wrapped.size_bytes(), owner.size_bytes());
      EXPECT_TRUE(same_values(download<std::byte>(stream, wrapped), bytes));
      stream.fill(wrapped.view(DType::u8), std::uint8_t{7});
    }
    EXPECT_TRUE(same_values(download<std::byte>(stream, owner),
                            std::vector<std::byte>(bytes.size(), std::byte{7})));
  });
  cases.add("Memory", "WrapAsKernelArgument", [] {
    Stream stream = device().create_stream();
    const std::vector<std::uint32_t> values((40 << 20) / 4, 5);
    const Buffer owner = upload(stream, values);
    const Buffer wrapped = device().wrap(owner.native(), owner.size_bytes());
    stream.launch(helper_kernel("advance"), items64(1000), 1000u, 3u, 1u, wrapped);
    const auto result = download<std::uint32_t>(stream, owner);
    EXPECT_EQ(result[0], 16u);
    EXPECT_EQ(result[999], 16u);
    EXPECT_EQ(result[1000], 5u);
  });
  cases.add("Memory", "WrapRefusesNull", [] {
    expect_error(ErrorCode::invalid_argument,
                 [] { static_cast<void>(device().wrap(nullptr, 4096)); });
  });
}

void add_lifetime(CaseList& cases) {
  cases.add("Buffer", "DroppedWithWorkInFlight", [] {
    Stream stream = device().create_stream();
    const Buffer result = device().allocate(4096);
    Gate gate(stream);
    {
      const Buffer source = stream.allocate(4096);
      stream.fill(source.view(DType::u8), std::uint8_t{9});
      stream.copy(result.view(DType::u8), source.view(DType::u8));
    }
    gate.open();
    EXPECT_TRUE(same_values(download<std::byte>(stream, result),
                            std::vector<std::byte>(4096, std::byte{9})));
  });
  cases.add("Buffer", "OutlivesItsStream", [] {
    Buffer buffer;
    {
      Stream stream = device().create_stream();
      buffer = stream.allocate(1000);
      stream.fill(buffer.view(DType::u8), std::uint8_t{3});
    }
    Stream other = device().create_stream();
    EXPECT_TRUE(same_values(download<std::byte>(other, buffer),
                            std::vector<std::byte>(1000, std::byte{3})));
  });
  cases.add("Buffer", "MovesAndEmpties", [] {
    Buffer a = device().allocate(100);
    Buffer b = device().allocate(200);
    b = std::move(a);
    EXPECT_EQ(b.size_bytes(), 100u);
    EXPECT_FALSE(a);  // NOLINT(bugprone-use-after-move): that is what is checked
    EXPECT_EQ(a.size_bytes(), 0u);
    EXPECT_EQ(a.host_data(), nullptr);
  });
  cases.add("Buffer", "EmptyOneIsRefused", [] {
    Stream stream = device().create_stream();
    const Buffer none;
    expect_error(ErrorCode::invalid_argument, [&] { static_cast<void>(none.view(DType::u8)); });
    expect_error(ErrorCode::invalid_argument, [&] { stream.copy_2d(none, none, {}); });
  });
  cases.add("Buffer", "OfZeroBytesCanBeUsed", [] {
    Stream stream = device().create_stream();
    const Buffer none = device().allocate(0);
    const Buffer also = stream.allocate(0);
    stream.copy(none.view(DType::f32), also.view(DType::f32));
    stream.fill(none.view(DType::f32), 1.0f);
    stream.copy_from_host(none.view(DType::u8), std::span<const std::byte>());
    stream.launch(helper_kernel("advance"), items64(64), 0u, 1u, 1u, none);
    stream.synchronize();
    expect_error(ErrorCode::invalid_argument,
                 [&] { static_cast<void>(none.view(DType::u8, {1})); });
  });
  cases.add("Buffer", "HostWritesReachTheDevice", [] {
    Stream stream = device().create_stream();
    const Buffer host = device().allocate(4097, MemoryKind::host);
    const auto bytes = test_bytes(4097);
    std::memcpy(host.host_data(), bytes.data(), bytes.size());
    const Buffer copy = stream.allocate(4097);
    stream.copy(copy.view(DType::u8), host.view(DType::u8));
    EXPECT_TRUE(same_values(download<std::byte>(stream, copy), bytes));
  });
  cases.add("Buffer", "HostMemoryIsAKernelArgument", [] {
    Stream stream = device().create_stream();
    const Buffer host = device().allocate(1000 * 4, MemoryKind::host);
    for (std::uint32_t i = 0; i < 1000; ++i) host.host<std::uint32_t>()[i] = i;
    stream.launch(helper_kernel("advance"), items64(1000), 1000u, 2u, 7u, host);
    stream.synchronize();
    for (std::uint32_t i = 0; i < 1000; ++i) {
      ASSERT_EQ(host.host<std::uint32_t>()[i], 2 * i + 7) << i;
    }
  });
  cases.add("Buffer", "HostReachesDeviceMemoryWhereItSaysSo", [] {
    Stream stream = device().create_stream();
    const Buffer buffer = device().allocate(1000);
    if (buffer.host_data() == nullptr) unsupported("the host doesn't reach device memory");
    std::memset(buffer.host_data(), 0x42, 1000);
    EXPECT_TRUE(same_values(download<std::byte>(stream, buffer),
                            std::vector<std::byte>(1000, std::byte{0x42})));
    stream.fill(buffer.view(DType::u8), std::uint8_t{0x24});
    stream.synchronize();
    EXPECT_TRUE(same_bytes({buffer.host<std::byte>(), 1000},
                           std::vector<std::byte>(1000, std::byte{0x24})));
  });
}

}  // namespace

void add_memory_cases(CaseList& cases) {
  add_sizes(cases);
  add_huge(cases);
  add_registered(cases);
  add_wrapped(cases);
  add_lifetime(cases);
}

}  // namespace sampan::conformance
