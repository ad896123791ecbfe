// Tensors handed to other frameworks and taken from them, without copying.
#include <array>
#include <limits>
#include <utility>

#include "conformance.h"

// The layout of DLPack 1.x, as a consumer's own header would declare it.
extern "C" {
struct DLDevice {
  std::int32_t device_type, device_id;
};
struct DLDataType {
  std::uint8_t code, bits;
  std::uint16_t lanes;
};
struct DLTensor {
  void* data;
  DLDevice device;
  std::int32_t ndim;
  DLDataType dtype;
  std::int64_t *shape, *strides;
  std::uint64_t byte_offset;
};
struct DLPackVersion {
  std::uint32_t major, minor;
};
struct DLManagedTensorVersioned {
  DLPackVersion version;
  void* manager_ctx;
  void (*deleter)(DLManagedTensorVersioned* self);
  std::uint64_t flags;
  DLTensor dl_tensor;
};
}

namespace sampan::conformance {
namespace {

struct Type {
  DType dtype;
  std::uint8_t code, bits;
};
// dlpack.h: 0 signed, 1 unsigned, 2 float, 4 bfloat
constexpr Type kTypes[] = {{DType::f32, 2, 32}, {DType::f16, 2, 16}, {DType::bf16, 4, 16},
                           {DType::f64, 2, 64}, {DType::i8, 0, 8},   {DType::u8, 1, 8},
                           {DType::i32, 0, 32}, {DType::u32, 1, 32}, {DType::i64, 0, 64}};

void there_and_back(const Type& type) {
  Stream stream = device().create_stream();
  const auto bytes = test_bytes(bytes_for(type.dtype, 2 * 3 * 5));
  Buffer buffer = upload(stream, bytes);
  const View view = buffer.view(type.dtype, {2, 3, 5});
  DLManagedTensorVersioned* tensor = to_dlpack(std::move(buffer), view);
  EXPECT_EQ(tensor->version.major, 1u);
  EXPECT_EQ(tensor->dl_tensor.dtype.code, type.code);
  EXPECT_EQ(tensor->dl_tensor.dtype.bits, type.bits);
  EXPECT_EQ(tensor->dl_tensor.dtype.lanes, 1);
  ASSERT_EQ(tensor->dl_tensor.ndim, 3);
  EXPECT_EQ(tensor->dl_tensor.shape[2], 5);
  EXPECT_EQ(tensor->dl_tensor.strides[0], 15);
  const Imported back = from_dlpack(device(), tensor);
  EXPECT_EQ(back.view.dtype(), type.dtype);
  EXPECT_EQ(back.view.rank(), 3u);
  EXPECT_EQ(back.view.elems(), 30u);
  EXPECT_TRUE(same_values(download<std::byte>(stream, back.view), bytes));
}

// A part of a buffer, with gaps between its rows.
void strided() {
  Stream stream = device().create_stream();
  std::vector<float> values(8 * 10);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i);
  Buffer buffer = upload(stream, values);
  const View part = buffer.view(DType::f32, {8, 10}).slice(0, 2, 3).slice(1, 4, 5);
  const Imported back = from_dlpack(device(), to_dlpack(std::move(buffer), part));
  EXPECT_EQ(back.view.stride(0), 10u);
  const Buffer dense = stream.allocate(60);
  stream.copy(dense.view(DType::f32, {3, 5}), back.view);
  std::vector<float> expected;
  for (std::size_t row = 2; row < 5; ++row) {
    for (std::size_t col = 4; col < 9; ++col) expected.push_back(values[row * 10 + col]);
  }
  EXPECT_EQ(download<float>(stream, dense), expected);
}

// The tensor owns the buffer: its memory returns to the pool by the deleter.
void deleter_frees() {
  const std::uint64_t before = device().pool_stats().in_use_bytes;
  Buffer buffer = device().allocate(4096);
  const View view = buffer.view(DType::f32);
  DLManagedTensorVersioned* tensor = to_dlpack(std::move(buffer), view);
  EXPECT_GT(device().pool_stats().in_use_bytes, before);
  tensor->deleter(tensor);
  EXPECT_EQ(device().pool_stats().in_use_bytes, before);
}

// ---- A tensor of somebody else's ---------------------------------------------------------------

// Memory of another buffer, as its maker would describe it. Counts the calls of its deleter.
struct Foreign {
  explicit Foreign(std::uint64_t elems) : owner(device().allocate(elems * 4)) {
    shape[0] = static_cast<std::int64_t>(elems);
    Buffer probe = device().allocate(4);
    const View view = probe.view(DType::f32);
    DLManagedTensorVersioned* sample = to_dlpack(std::move(probe), view);
    tensor.dl_tensor.device = sample->dl_tensor.device;
    sample->deleter(sample);
    tensor.version = {1, 0};
    tensor.manager_ctx = this;
    tensor.deleter = [](DLManagedTensorVersioned* self) {
      ++static_cast<Foreign*>(self->manager_ctx)->deletions;
    };
    tensor.dl_tensor.data = owner.native();
    tensor.dl_tensor.byte_offset = owner.native_offset_bytes();
    tensor.dl_tensor.ndim = 1;
    tensor.dl_tensor.dtype = {2, 32, 1};
    tensor.dl_tensor.shape = shape.data();
  }
  Buffer owner;
  std::array<std::int64_t, 8> shape{}, strides{};
  DLManagedTensorVersioned tensor{};
  int deletions = 0;
};

void import_and_release() {
  Stream stream = device().create_stream();
  Foreign foreign(1000);
  stream.fill(foreign.owner.view(DType::f32), 2.5f);
  stream.synchronize();
  {
    const Imported imported = from_dlpack(device(), &foreign.tensor);
    EXPECT_EQ(imported.view.elems(), 1000u);
    EXPECT_EQ(download<float>(stream, imported.view), std::vector<float>(1000, 2.5f));
    EXPECT_EQ(foreign.deletions, 0);
  }
  EXPECT_EQ(foreign.deletions, 1);
}

void release_waits_for_work() {
  Stream stream = device().create_stream();
  Foreign foreign(1000);
  {
    const Imported imported = from_dlpack(device(), &foreign.tensor);
    stream.fill(imported.view, 1.5f);
  }
  EXPECT_EQ(foreign.deletions, 1);
  EXPECT_TRUE(stream.ready());
  EXPECT_EQ(download<float>(stream, foreign.owner), std::vector<float>(1000, 1.5f));
}

void import_of_nothing() {
  Foreign foreign(1);
  foreign.shape[0] = 0;
  {
    const Imported imported = from_dlpack(device(), &foreign.tensor);
    EXPECT_EQ(imported.view.elems(), 0u);
  }
  EXPECT_EQ(foreign.deletions, 1);
}

struct Lie {
  const char* name;
  void (*tell)(Foreign& foreign);
};
constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
constexpr Lie kLies[] = {
    {"AnotherMajorVersion", [](Foreign& f) { f.tensor.version.major = 2; }},
    {"MajorVersionZero", [](Foreign& f) { f.tensor.version.major = 0; }},
    {"UnknownDeviceType", [](Foreign& f) { f.tensor.dl_tensor.device.device_type = 77; }},
    {"NegativeRank", [](Foreign& f) { f.tensor.dl_tensor.ndim = -1; }},
    {"RankSeven", [](Foreign& f) { f.tensor.dl_tensor.ndim = 7; }},
    {"RankBeyondReason", [](Foreign& f) { f.tensor.dl_tensor.ndim = 1 << 30; }},
    {"NoShape", [](Foreign& f) { f.tensor.dl_tensor.shape = nullptr; }},
    {"NegativeExtent", [](Foreign& f) { f.shape[0] = -1; }},
    {"NegativeStride",
     [](Foreign& f) {
       f.strides[0] = -1;
       f.tensor.dl_tensor.strides = f.strides.data();
     }},
    {"ExtentThatOverflows", [](Foreign& f) { f.shape[0] = kMost; }},
    {"ProductThatOverflows",
     [](Foreign& f) {
       f.tensor.dl_tensor.ndim = 3;
       f.shape = {kMost, kMost, 4};
     }},
    {"StrideThatOverflows",
     [](Foreign& f) {
       f.shape[0] = 3;
       f.strides[0] = kMost;
       f.tensor.dl_tensor.strides = f.strides.data();
     }},
    {"OffsetThatOverflows", [](Foreign& f) { f.tensor.dl_tensor.byte_offset = UINT64_MAX; }},
    {"UnknownCode", [](Foreign& f) { f.tensor.dl_tensor.dtype.code = 200; }},
    {"TwoLanes", [](Foreign& f) { f.tensor.dl_tensor.dtype.lanes = 2; }},
    {"OddBits", [](Foreign& f) { f.tensor.dl_tensor.dtype.bits = 24; }},
    {"NoMemory", [](Foreign& f) { f.tensor.dl_tensor.data = nullptr; }},
};

}  // namespace

void add_dlpack_cases(CaseList& cases) {
  for (const Type& type : kTypes) {
    cases.add("DLPack", "ThereAndBack/" + std::string(to_string(type.dtype)),
              [&type] { there_and_back(type); });
  }
  cases.add("DLPack", "Strided", strided);
  cases.add("DLPack", "DeleterFreesTheBuffer", deleter_frees);
  cases.add("DLPack", "ImportCallsTheDeleterOnce", import_and_release);
  cases.add("DLPack", "ImportIsReleasedBehindItsWork", release_waits_for_work);
  cases.add("DLPack", "ImportOfNothing", import_of_nothing);
  for (const Lie& lie : kLies) {
    cases.add("DLPack", std::string("Refuses/") + lie.name, [&lie] {
      Foreign foreign(16);
      lie.tell(foreign);
      expect_error(ErrorCode::invalid_argument,
                   [&] { static_cast<void>(from_dlpack(device(), &foreign.tensor)); });
      EXPECT_EQ(foreign.deletions, 0);  // a tensor that was not taken stays its owner's
    });
  }
  cases.add("DLPack", "Refuses/Null", [] {
    expect_error(ErrorCode::invalid_argument,
                 [] { static_cast<void>(from_dlpack(device(), nullptr)); });
  });
  cases.add("DLPack", "Refuses/ViewOfAnotherBuffer", [] {
    const Buffer other = device().allocate(64);
    expect_error(ErrorCode::invalid_argument, [&] {
      static_cast<void>(to_dlpack(device().allocate(64), other.view(DType::f32)));
    });
  });
  cases.add("DLPack", "Refuses/HalfBytes", [] {
    Buffer buffer = device().allocate(64);
    const View view = buffer.view(DType::i4);
    expect_error(ErrorCode::unsupported,
                 [&] { static_cast<void>(to_dlpack(std::move(buffer), view)); }, {"i4"});
  });
}

}  // namespace sampan::conformance
