// Copies between host memory and the device, and within the device.
#include <algorithm>
#include <cstring>

#include "conformance.h"

namespace sampan::conformance {
namespace {

constexpr std::uint64_t kGuard = 64;
constexpr std::byte kCanary{0xc5};
constexpr std::uint64_t kSizes[] = {0, 1, 333, 4095, 4096, 4097, (1 << 20) + 1};

struct KindRow {
  const char* name;
  MemoryKind kind;
};
constexpr KindRow kKinds[] = {{"device", MemoryKind::device}, {"host", MemoryKind::host}};

// A buffer full of canaries with room for `size_bytes` from kGuard + offset_bytes on.
struct Guarded {
  Guarded(Stream& stream, std::uint64_t size_bytes, std::uint64_t offset_bytes, MemoryKind kind)
      : first(kGuard + offset_bytes), image(first + size_bytes + kGuard, kCanary) {
    buffer = upload(stream, image, kind);
    window = buffer.view(DType::u8, {size_bytes}, first);
  }
  /// Canaries, with `bytes` in the window.
  [[nodiscard]] std::vector<std::byte> expected(const std::vector<std::byte>& bytes) const {
    std::vector<std::byte> all = image;
    std::copy(bytes.begin(), bytes.end(), all.begin() + static_cast<std::ptrdiff_t>(first));
    return all;
  }
  std::uint64_t first;
  std::vector<std::byte> image;
  Buffer buffer;
  View window;
};

void from_host(std::uint64_t size, std::uint64_t offset) {
  Stream stream = device().create_stream();
  const Guarded target(stream, size, offset, MemoryKind::device);
  const auto bytes = test_bytes(size);
  stream.copy_from_host(target.window, std::span(bytes));
  EXPECT_TRUE(same_values(download<std::byte>(stream, target.buffer), target.expected(bytes)));
}

void to_host(std::uint64_t size, std::uint64_t offset) {
  Stream stream = device().create_stream();
  const auto all = test_bytes(size + offset + kGuard);
  const Buffer source = upload(stream, all);
  std::vector<std::byte> host(size + 2 * kGuard, kCanary);
  stream.copy_to_host(std::span(host).subspan(kGuard, size),
                      source.view(DType::u8, {size}, offset));
  stream.synchronize();
  std::vector<std::byte> expected(host.size(), kCanary);
  std::copy_n(all.begin() + static_cast<std::ptrdiff_t>(offset), size, expected.begin() + kGuard);
  EXPECT_TRUE(same_values(host, expected));
}

void within_device(std::uint64_t size, std::uint64_t dst_offset, std::uint64_t src_offset,
                   MemoryKind dst_kind, MemoryKind src_kind) {
  Stream stream = device().create_stream();
  const Guarded target(stream, size, dst_offset, dst_kind);
  const auto all = test_bytes(size + src_offset + 1);
  const Buffer source = upload(stream, all, src_kind);
  stream.copy(target.window, source.view(DType::u8, {size}, src_offset));
  const auto first = all.begin() + static_cast<std::ptrdiff_t>(src_offset);
  const std::vector<std::byte> bytes(first, first + static_cast<std::ptrdiff_t>(size));
  EXPECT_TRUE(same_values(download<std::byte>(stream, target.buffer), target.expected(bytes)));
  EXPECT_TRUE(same_values(download<std::byte>(stream, source), all));
}

void add_sizes(CaseList& cases) {
  for (const std::uint64_t size : kSizes) {
    for (const std::uint64_t offset : {0, 1, 7, 64}) {
      const std::string row = std::to_string(size) + "+" + std::to_string(offset);
      cases.add("Copy", "FromHost/" + row, [=] { from_host(size, offset); });
      cases.add("Copy", "ToHost/" + row, [=] { to_host(size, offset); });
    }
    for (const KindRow& dst : kKinds) {
      for (const KindRow& src : kKinds) {
        for (const auto& [to, from] : {std::pair(0, 0), std::pair(1, 3), std::pair(64, 256)}) {
          cases.add("Copy",
                    std::string("Within/") + src.name + "To" + dst.name + "/" +
                        std::to_string(size) + "+" + std::to_string(from) + "To" +
                        std::to_string(to),
                    [=, to = to, from = from, d = dst.kind, s = src.kind] {
                      within_device(size, static_cast<std::uint64_t>(to),
                                    static_cast<std::uint64_t>(from), d, s);
                    });
        }
      }
    }
  }
}

// Each element type counts its own bytes.
void add_types(CaseList& cases) {
  for (const DType dtype : {DType::f32, DType::f16, DType::bf16, DType::f64, DType::i8, DType::u8,
                            DType::i32, DType::u32, DType::i64, DType::i4}) {
    cases.add("Copy", "Type/" + std::string(to_string(dtype)), [dtype] {
      Stream stream = device().create_stream();
      const auto bytes = test_bytes(bytes_for(dtype, 334));
      const Buffer source = upload(stream, bytes);
      const Buffer target = device().allocate(bytes.size() + 16);
      stream.fill(target.view(DType::u8), std::uint8_t{0xc5});
      stream.copy(target.view(dtype, {2, 167}), source.view(dtype, {2, 167}));
      auto expected = bytes;
      expected.resize(bytes.size() + 16, kCanary);
      EXPECT_TRUE(same_values(download<std::byte>(stream, target), expected));
    });
  }
}

void add_order(CaseList& cases) {
  cases.add("Copy", "FollowsEarlierWorkAndPrecedesLater", [] {
    Stream stream = device().create_stream();
    const Buffer a = device().allocate(4096), b = device().allocate(4096);
    Gate gate(stream);
    stream.fill(a.view(DType::u8), std::uint8_t{1});
    stream.copy(b.view(DType::u8), a.view(DType::u8));
    stream.fill(a.view(DType::u8), std::uint8_t{2});
    gate.open();
    EXPECT_EQ(download<std::uint8_t>(stream, b), std::vector<std::uint8_t>(4096, 1));
    EXPECT_EQ(download<std::uint8_t>(stream, a), std::vector<std::uint8_t>(4096, 2));
  });
  cases.add("Copy", "WithinOneBufferWithoutOverlap", [] {
    Stream stream = device().create_stream();
    const auto bytes = test_bytes(2000);
    const Buffer buffer = upload(stream, bytes);
    stream.copy(buffer.view(DType::u8, {1000}, 1000), buffer.view(DType::u8, {1000}));
    auto expected = bytes;
    std::copy_n(bytes.begin(), 1000, expected.begin() + 1000);
    EXPECT_TRUE(same_values(download<std::byte>(stream, buffer), expected));
  });
  cases.add("Copy", "OfLargeMemory", [] {
    Stream stream = device().create_stream();
    const auto bytes = test_bytes((32 << 20) + 3);
    const Buffer source = upload(stream, bytes);
    const Buffer target = stream.allocate(bytes.size());
    stream.copy(target.view(DType::u8), source.view(DType::u8));
    EXPECT_TRUE(same_values(download<std::byte>(stream, target), bytes));
  });
  cases.add("Copy", "ManySmallOnes", [] {
    Stream stream = device().create_stream();
    const auto bytes = test_bytes(1000);
    const Buffer source = upload(stream, bytes);
    const Buffer target = stream.allocate(1000);
    for (std::uint64_t i = 0; i < 1000; ++i) {
      stream.copy(target.view(DType::u8, {1}, 999 - i), source.view(DType::u8, {1}, i));
    }
    std::vector<std::byte> expected(bytes.rbegin(), bytes.rend());
    EXPECT_TRUE(same_values(download<std::byte>(stream, target), expected));
  });
}

// ---- Refused: nothing is copied, and the stream goes on ----------------------------------------

struct Refusal {
  const char* name;
  void (*call)(Stream& stream, const Buffer& a, const Buffer& b);  // buffers of 4,096 bytes
};

constexpr Refusal kRefusals[] = {
    {"Overlap",
     [](Stream& s, const Buffer& a, const Buffer&) {
       s.copy(a.view(DType::u8, {100}, 50), a.view(DType::u8, {100}));
     }},
    {"OverlapByOneByte",
     [](Stream& s, const Buffer& a, const Buffer&) {
       s.copy(a.view(DType::u8, {100}, 99), a.view(DType::u8, {100}));
     }},
    {"OntoItself",
     [](Stream& s, const Buffer& a, const Buffer&) { s.copy(a.view(DType::u8), a.view(DType::u8)); }},
    {"OtherType",
     [](Stream& s, const Buffer& a, const Buffer& b) {
       s.copy(a.view(DType::f32, {10}), b.view(DType::i32, {10}));
     }},
    {"OtherLength",
     [](Stream& s, const Buffer& a, const Buffer& b) {
       s.copy(a.view(DType::f32, {10}), b.view(DType::f32, {11}));
     }},
    {"OtherRank",
     [](Stream& s, const Buffer& a, const Buffer& b) {
       s.copy(a.view(DType::f32, {2, 5}), b.view(DType::f32, {10}));
     }},
    {"EmptyDestination",
     [](Stream& s, const Buffer&, const Buffer& b) { s.copy(View(), b.view(DType::u8)); }},
    {"EmptySource",
     [](Stream& s, const Buffer& a, const Buffer&) { s.copy(a.view(DType::u8), View()); }},
    {"StridedRankThree",
     [](Stream& s, const Buffer& a, const Buffer& b) {
       s.copy(a.view(DType::f32, {2, 3, 4}),
              b.view(DType::f32, {2, 3, 8}).slice(2, 0, 4));
     }},
    {"StridedRows",
     [](Stream& s, const Buffer& a, const Buffer& b) {
       const std::uint64_t shape[] = {4, 4}, strides[] = {16, 2};
       s.copy(a.view(DType::f32, {4, 4}), View(b, DType::f32, shape, strides));
     }},
    {"Broadcast",
     [](Stream& s, const Buffer& a, const Buffer& b) {
       const std::uint64_t shape[] = {4}, strides[] = {0};
       s.copy(a.view(DType::f32, {4}), View(b, DType::f32, shape, strides));
     }},
    {"FromHostTooShort",
     [](Stream& s, const Buffer& a, const Buffer&) {
       const std::byte host[9] = {};
       s.copy_from_host(a.view(DType::u8, {10}), std::span<const std::byte>(host));
     }},
    {"FromHostTooLong",
     [](Stream& s, const Buffer& a, const Buffer&) {
       const std::byte host[11] = {};
       s.copy_from_host(a.view(DType::u8, {10}), std::span<const std::byte>(host));
     }},
    {"FromHostIntoHoles",
     [](Stream& s, const Buffer& a, const Buffer&) {
       const std::byte host[8] = {};
       s.copy_from_host(a.view(DType::u8, {2, 8}).slice(1, 0, 4), std::span<const std::byte>(host));
     }},
    {"FromHostIntoNothing",
     [](Stream& s, const Buffer&, const Buffer&) {
       const std::byte host[1] = {};
       s.copy_from_host(View(), std::span<const std::byte>(host));
     }},
    {"ToHostTooShort",
     [](Stream& s, const Buffer& a, const Buffer&) {
       std::byte host[9] = {};
       s.copy_to_host(std::span<std::byte>(host), a.view(DType::u8, {10}));
     }},
    {"ToHostTooLong",
     [](Stream& s, const Buffer& a, const Buffer&) {
       std::byte host[11] = {};
       s.copy_to_host(std::span<std::byte>(host), a.view(DType::u8, {10}));
     }},
    {"ToHostFromHoles",
     [](Stream& s, const Buffer& a, const Buffer&) {
       std::byte host[8] = {};
       s.copy_to_host(std::span<std::byte>(host), a.view(DType::u8, {2, 8}).slice(1, 0, 4));
     }},
    {"ToHostFromNothing",
     [](Stream& s, const Buffer&, const Buffer&) {
       std::byte host[1] = {};
       s.copy_to_host(std::span<std::byte>(host), View());
     }},
    {"EmptyStream",
     [](Stream&, const Buffer& a, const Buffer& b) {
       Stream none;
       none.copy(a.view(DType::u8), b.view(DType::u8));
     }},
};

void check_refusal(const Refusal& row) {
  Stream stream = device().create_stream();
  const auto bytes = test_bytes(4096, 1), other = test_bytes(4096, 2);
  const Buffer a = upload(stream, bytes), b = upload(stream, other);
  expect_error(ErrorCode::invalid_argument, [&] { row.call(stream, a, b); });
  EXPECT_TRUE(same_values(download<std::byte>(stream, a), bytes));
  EXPECT_TRUE(same_values(download<std::byte>(stream, b), other));
}

// A stream of another device may neither read nor write this device's memory without its part in
// the copy.
void check_foreign_handles() {
  const Buffer mine = device().allocate(64);
  Stream stream = device().create_stream();
  for (const Device& other : other_devices()) {
    SCOPED_TRACE(other.id());
    const Buffer theirs = other.allocate(64);
    Stream foreign = other.create_stream();
    std::byte host[64] = {};
    const auto refused = [&](const std::function<void()>& call) {
      expect_error(ErrorCode::invalid_argument, call, {device().id(), other.id()});
    };
    refused([&] { stream.copy_from_host(theirs.view(DType::u8), std::span<const std::byte>(host)); });
    refused([&] { stream.copy_to_host(std::span<std::byte>(host), theirs.view(DType::u8)); });
    refused([&] { stream.fill(theirs.view(DType::u8), std::uint8_t{1}); });
    refused([&] { stream.copy_2d(mine, theirs, {0, 8, 0, 8, 8, 8}); });
    refused([&] { stream.copy_2d(theirs, mine, {0, 8, 0, 8, 8, 8}); });
    const Buffer a = device().allocate(64), b = device().allocate(64);
    refused([&] { foreign.copy(a.view(DType::u8), b.view(DType::u8)); });
  }
}

}  // namespace

void add_copy_cases(CaseList& cases) {
  add_sizes(cases);
  add_types(cases);
  add_order(cases);
  for (const Refusal& row : kRefusals) {
    cases.add("CopyRefuses", row.name, [&row] { check_refusal(row); });
  }
  cases.add("CopyRefuses", "ForeignHandles", check_foreign_handles);
}

}  // namespace sampan::conformance
