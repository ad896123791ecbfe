#include "safetensors.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>

#include "model_error.h"
#include "support.h"

namespace sampan::llm {
namespace {

using test::model_error;
using test::safetensors_bytes;
using test::TempFolder;

constexpr std::string_view kTwoTensors =
    R"({"__metadata__":{"format":"pt"},)"
    R"("b":{"dtype":"BF16","shape":[2,3],"data_offsets":[0,12]},)"
    R"("a":{"shape":[],"dtype":"F32","data_offsets":[12,16]}})";
constexpr std::size_t kTwoTensorsDataBytes = 16;

TEST(Safetensors, ReadsATable) {
  const TempFolder folder;
  const std::string bytes = safetensors_bytes(kTwoTensors, kTwoTensorsDataBytes);
  const auto path = folder.write("model.safetensors", bytes);
  const Safetensors file = Safetensors::open(path);

  ASSERT_EQ(file.tensors().size(), 2u);
  const TensorInfo& a = file.tensors()[0];
  const TensorInfo& b = file.tensors()[1];
  EXPECT_EQ(a.name, "a");
  EXPECT_EQ(describe(a.dtype, a.shape), "F32 []");
  EXPECT_EQ(b.name, "b");
  EXPECT_EQ(describe(b.dtype, b.shape), "BF16 [2, 3]");
  EXPECT_EQ(b.offset_bytes, 8 + kTwoTensors.size());
  EXPECT_EQ(file.find("b"), &b);
  EXPECT_EQ(file.find("c"), nullptr);
  EXPECT_EQ(file.find(""), nullptr);
  EXPECT_EQ(file.file_name(a), path.string());
  ASSERT_EQ(file.bytes(a).size(), 4u);
  EXPECT_EQ(std::to_integer<int>(file.bytes(a)[0]), 12);
  ASSERT_EQ(file.bytes(b).size(), 12u);
  EXPECT_EQ(std::to_integer<int>(file.bytes(b)[11]), 11);
}

TEST(Safetensors, ReadsPartsOfATensorAndRefusesWhatLiesOutside) {
  const TempFolder folder;
  const auto path =
      folder.write("model.safetensors", safetensors_bytes(kTwoTensors, kTwoTensorsDataBytes));
  const Safetensors file = Safetensors::open(path);
  const TensorInfo& b = *file.find("b");
  std::array<std::byte, 12> out{};
  file.read(b, 0, out);
  EXPECT_TRUE(std::equal(out.begin(), out.end(), file.bytes(b).begin()));
  file.read(b, 12, {});
  file.read(b, 11, std::span(out).first(1));
  EXPECT_EQ(out[0], std::byte{11});

  struct {
    std::uint64_t offset_bytes;
    std::size_t size_bytes;
  } const outside[] = {{1, 12}, {12, 1}, {13, 0}, {UINT64_MAX, 1}, {UINT64_MAX - 3, 12}};
  for (const auto& c : outside) {
    const std::string message = model_error(
        path.string(), [&] { file.read(b, c.offset_bytes, std::span(out).first(c.size_bytes)); });
    EXPECT_NE(message.find("'b'"), std::string::npos) << message;
  }
}

TEST(Safetensors, AFileThatShrinksGivesAnErrorToRead) {
  const TempFolder folder;
  const std::string bytes = safetensors_bytes(kTwoTensors, kTwoTensorsDataBytes);
  const auto path = folder.write("model.safetensors", bytes);
  const Safetensors file = Safetensors::open(path);
  std::filesystem::resize_file(path, bytes.size() - 1);
  std::array<std::byte, 4> out{};
  const std::string message =
      model_error(path.string(), [&] { file.read(*file.find("a"), 0, out); });
  EXPECT_NE(message.find("ends at byte " + std::to_string(bytes.size() - 1)), std::string::npos)
      << message;
}

TEST(Safetensors, DoesNotLeakItsDescriptorToChildren) {
  const TempFolder folder;
  const auto path =
      folder.write("model.safetensors", safetensors_bytes(kTwoTensors, kTwoTensorsDataBytes));
  const Safetensors file = Safetensors::open(path);
  int found = 0;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    std::error_code ignored;
    if (std::filesystem::read_symlink(entry.path(), ignored) != path) continue;
    ++found;
    EXPECT_NE(::fcntl(std::stoi(entry.path().filename()), F_GETFD) & FD_CLOEXEC, 0);
  }
  EXPECT_EQ(found, 1);
}

struct GoodCase {
  const char* what;
  std::string_view header;
  std::size_t data_bytes;
  std::size_t tensor_count;
};

TEST(Safetensors, AcceptsWhatTheFormatAllows) {
  const GoodCase cases[] = {
      {"no tensors", "{}", 0, 0},
      {"only metadata", R"({"__metadata__":{}})", 0, 0},
      {"padded with spaces", R"({"x":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}       )", 1,
       1},
      {"an empty tensor", R"({"x":{"dtype":"F64","shape":[0,7],"data_offsets":[0,0]}})", 0, 1},
      {"empty tensors around a full one",
       R"({"x":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},)"
       R"("y":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},)"
       R"("z":{"dtype":"U8","shape":[0],"data_offsets":[2,2]}})",
       2, 3},
      {"overflow hidden behind a zero extent",
       R"({"x":{"dtype":"U8","shape":[0,4294967296,4294967295],"data_offsets":[0,0]}})", 0, 1},
      {"an escaped name", R"({"\u0061\n":{"dtype":"I8","shape":[1],"data_offsets":[0,1]}})", 1, 1},
      {"rank 8", R"({"x":{"dtype":"BOOL","shape":[1,1,1,1,1,1,1,1],"data_offsets":[0,1]}})", 1, 1},
  };
  for (const GoodCase& c : cases) {
    SCOPED_TRACE(c.what);
    const TempFolder folder;
    const auto path = folder.write("m.safetensors", safetensors_bytes(c.header, c.data_bytes));
    EXPECT_EQ(Safetensors::open(path).tensors().size(), c.tensor_count);
  }
}

TEST(Safetensors, KnowsTheSizeOfEveryDType) {
  constexpr std::array<std::pair<const char*, std::size_t>, 15> kSizes = {{
      {"BOOL", 1},
      {"U8", 1},
      {"I8", 1},
      {"F8_E4M3", 1},
      {"F8_E5M2", 1},
      {"U16", 2},
      {"I16", 2},
      {"F16", 2},
      {"BF16", 2},
      {"U32", 4},
      {"I32", 4},
      {"F32", 4},
      {"U64", 8},
      {"I64", 8},
      {"F64", 8},
  }};
  for (const auto& [name, size_bytes] : kSizes) {
    SCOPED_TRACE(name);
    const TempFolder folder;
    const std::string header = std::string(R"({"x":{"dtype":")") + name +
                               R"(","shape":[3],"data_offsets":[0,)" +
                               std::to_string(3 * size_bytes) + "]}}";
    const auto path = folder.write("m.safetensors", safetensors_bytes(header, 3 * size_bytes));
    const Safetensors file = Safetensors::open(path);
    EXPECT_EQ(dtype_name(file.tensors()[0].dtype), name);
  }
}

struct HostileCase {
  const char* what;
  std::string header;
  std::size_t data_bytes;
  const char* part_of_message;
};

std::string one(std::string_view fields) { return R"({"x":{)" + std::string(fields) + "}}"; }

std::vector<HostileCase> hostile_cases() {
  const std::string good = R"("x":{"dtype":"U8","shape":[4],"data_offsets":[0,4]})";
  const auto after = [&](std::string_view offsets) {
    return "{" + good + R"(,"y":{"dtype":"U8","shape":[4],"data_offsets":)" + std::string(offsets) +
           "}}";
  };
  return {
      {"not JSON", "{nonsense}", 0, "at byte 10"},
      {"cut JSON", R"({"x":{"dtype":"U8","shape":[4],"data_offsets":[0,4]})", 4, "not valid JSON"},
      {"two documents", "{" + good + "} {}", 4, "not valid JSON"},
      {"NaN", R"({"x":NaN})", 0, "at byte "},
      {"invalid UTF-8", "{\"\xFF\":1}", 0, "not valid JSON"},
      {"a zero byte", std::string("{\"a\0b\":1}", 9), 0, "not valid JSON"},
      {"nested too deep", R"({"x":{"shape":[[0]]}})", 0, "not valid JSON"},
      {"nested deeper still", R"({"x":)" + std::string(5000, '['), 0, "not valid JSON"},
      {"entry is a number", R"({"x":1})", 0, "not an object"},
      {"entry is a list", R"({"x":[]})", 0, "not an object"},
      {"metadata is a list", R"({"__metadata__":[]})", 0, "'__metadata__'"},
      {"metadata holds a number", R"({"__metadata__":{"a":1}})", 0, "'__metadata__'"},
      {"metadata twice", R"({"__metadata__":{},"__metadata__":{}})", 0, "appears twice"},
      {"unknown field", one(R"("dtype":"U8","shape":[1],"data_offsets":[0,1],"extra":1)"), 1,
       "'extra'"},
      {"field twice", one(R"("dtype":"U8","dtype":"U8","shape":[1],"data_offsets":[0,1])"), 1,
       "'dtype' appears twice"},
      {"no dtype", one(R"("shape":[1],"data_offsets":[0,1])"), 1, "'dtype' is missing"},
      {"no shape", one(R"("dtype":"U8","data_offsets":[0,1])"), 1, "'shape' is missing"},
      {"no offsets", one(R"("dtype":"U8","shape":[1])"), 1, "'data_offsets' is missing"},
      {"dtype is a number", one(R"("dtype":8,"shape":[1],"data_offsets":[0,1])"), 1, "dtype"},
      {"unknown dtype", one(R"("dtype":"U9","shape":[1],"data_offsets":[0,1])"), 1, "'U9'"},
      {"dtype in lower case", one(R"("dtype":"u8","shape":[1],"data_offsets":[0,1])"), 1, "'u8'"},
      {"shape is a number", one(R"("dtype":"U8","shape":1,"data_offsets":[0,1])"), 1, "shape"},
      {"negative extent", one(R"("dtype":"U8","shape":[-1],"data_offsets":[0,1])"), 1, "extent 0"},
      {"fractional extent", one(R"("dtype":"U8","shape":[1,1.0],"data_offsets":[0,1])"), 1,
       "extent 1"},
      {"extent of 2^64", one(R"("dtype":"U8","shape":[18446744073709551616],"data_offsets":[0,1])"),
       1, "parsing a number"},
      {"rank 9", one(R"("dtype":"U8","shape":[1,1,1,1,1,1,1,1,1],"data_offsets":[0,1])"), 1,
       "more than 8"},
      {"shape overflows to 0",
       one(R"("dtype":"U8","shape":[4294967296,4294967296],"data_offsets":[0,0])"), 0, "any file"},
      {"dtype overflows the shape",
       one(R"("dtype":"F64","shape":[2305843009213693952],"data_offsets":[0,0])"), 0, "any file"},
      {"overflow to the right size",
       one(R"("dtype":"F32","shape":[4611686018427387905],"data_offsets":[0,4])"), 4, "any file"},
      {"huge shape", one(R"("dtype":"U8","shape":[1099511627776],"data_offsets":[0,1])"), 1,
       "takes 1099511627776"},
      {"wrong dtype", one(R"("dtype":"F16","shape":[4],"data_offsets":[0,4])"), 4,
       "hold 4 bytes but F16 [4] takes 8"},
      {"wrong shape", one(R"("dtype":"U8","shape":[2,3],"data_offsets":[0,4])"), 4, "takes 6"},
      {"scalar with more data", one(R"("dtype":"U8","shape":[],"data_offsets":[0,4])"), 4,
       "takes 1"},
      {"one offset", one(R"("dtype":"U8","shape":[4],"data_offsets":[4])"), 4, "two whole numbers"},
      {"three offsets", one(R"("dtype":"U8","shape":[4],"data_offsets":[0,4,4])"), 4,
       "two whole numbers"},
      {"no offsets in the list", one(R"("dtype":"U8","shape":[4],"data_offsets":[])"), 4,
       "two whole numbers"},
      {"negative offset", one(R"("dtype":"U8","shape":[4],"data_offsets":[-4,0])"), 4,
       "two whole numbers"},
      {"text offset", one(R"("dtype":"U8","shape":[4],"data_offsets":["0","4"])"), 4,
       "two whole numbers"},
      {"reversed offsets", one(R"("dtype":"U8","shape":[4],"data_offsets":[4,0])"), 4,
       "end before they begin"},
      {"begins late", one(R"("dtype":"U8","shape":[3],"data_offsets":[1,4])"), 4, "gap"},
      {"ends beyond the file", one(R"("dtype":"U8","shape":[5],"data_offsets":[0,5])"), 4,
       "cut short"},
      {"ends at 2^64 - 1",
       one(R"("dtype":"U8","shape":[18446744073709551615],"data_offsets":[0,18446744073709551615])"),
       4, "cut short"},
      {"overlap", after("[2,6]"), 6, "inside"},
      {"the same data twice", after("[0,4]"), 4, "inside"},
      {"gap", after("[5,9]"), 9, "gap"},
      {"second one beyond the file", after("[4,8]"), 7, "cut short"},
      {"offsets near 2^64", after("[18446744073709551611,18446744073709551615]"), 8, "gap"},
      {"data of no tensor", "{" + good + "}", 5, "belong to no tensor"},
      {"data but no tensors", "{}", 1, "belong to no tensor"},
      {"empty tensor away from the others",
       "{" + good + R"(,"y":{"dtype":"U8","shape":[0],"data_offsets":[9,9]}})", 4, "gap"},
      {"empty tensor inside another",
       "{" + good + R"(,"y":{"dtype":"U8","shape":[0],"data_offsets":[2,2]}})", 4, "inside"},
      {"name twice", "{" + good + R"(,"x":{"dtype":"U8","shape":[4],"data_offsets":[4,8]}})", 8,
       "'x' appears twice"},
      {"name twice, once escaped",
       "{" + good + R"(,"\u0078":{"dtype":"U8","shape":[4],"data_offsets":[4,8]}})", 8,
       "'x' appears twice"},
      {"a name that drives the terminal", R"({"\u001b[2J\n\r":{"dtype":"U8"}})", 0,
       "\\x1B[2J\\x0A"},
      {"a very long name", "{\"" + std::string(100'000, 'n') + R"(":{}})", 0, "..."},
  };
}

TEST(Safetensors, RefusesEveryLyingTable) {
  for (const HostileCase& c : hostile_cases()) {
    SCOPED_TRACE(c.what);
    const TempFolder folder;
    const std::string bytes = safetensors_bytes(c.header, c.data_bytes);
    const auto path = folder.write("model.safetensors", bytes);
    std::string message;
    // simdjson takes up to 8 bytes per byte of JSON; nothing may follow the numbers in it.
    EXPECT_LE(test::largest_allocation_bytes([&] {
                message = model_error(path.string(), [&] { (void)Safetensors::open(path); });
              }),
              4096 + 16 * bytes.size());
    EXPECT_NE(message.find(c.part_of_message), std::string::npos) << message;
  }
}

struct LengthCase {
  const char* what;
  std::uint64_t claimed_bytes;
  std::uint64_t file_size_bytes;
};

TEST(Safetensors, RefusesEveryLyingLength) {
  constexpr std::uint64_t kLimit = 100'000'000;
  const LengthCase cases[] = {
      {"zero", 0, 64},
      {"one more than there is", 57, 64},
      {"all of the file", 64, 64},
      {"2^63", std::uint64_t{1} << 63, 64},
      {"2^64 - 1", UINT64_MAX, 64},
      {"2^64 - 8", UINT64_MAX - 7, 64},
      {"a sparse file of zeros at the format's limit", kLimit, kLimit + 8},
      {"a sparse file above the format's limit", kLimit + 1, kLimit + 9},
      {"a sparse file of 1 TiB", (std::uint64_t{1} << 40) - 8, std::uint64_t{1} << 40},
  };
  for (const LengthCase& c : cases) {
    SCOPED_TRACE(c.what);
    const TempFolder folder;
    std::string head;
    for (int shift = 0; shift < 64; shift += 8) {
      head += static_cast<char>(c.claimed_bytes >> shift & 0xFF);
    }
    const auto path = folder.write("model.safetensors", head);
    std::filesystem::resize_file(path, c.file_size_bytes);
    EXPECT_LE(test::largest_allocation_bytes(
                  [&] { model_error(path.string(), [&] { (void)Safetensors::open(path); }); }),
              4096u);
  }
}

TEST(Safetensors, RefusesAFileCutAnywhere) {
  const TempFolder folder;
  const std::string bytes = safetensors_bytes(kTwoTensors, kTwoTensorsDataBytes);
  for (std::size_t size_bytes = 0; size_bytes < bytes.size(); ++size_bytes) {
    SCOPED_TRACE(size_bytes);
    const auto path = folder.write("model.safetensors", bytes.substr(0, size_bytes));
    model_error(path.string(), [&] { (void)Safetensors::open(path); });
  }
  const auto path = folder.write("model.safetensors", bytes + "x");
  model_error(path.string(), [&] { (void)Safetensors::open(path); });
}

// Whatever byte is changed, the file is refused or its tensors still cover the data exactly.
TEST(Safetensors, StaysConsistentWithAnyByteChanged) {
  const TempFolder folder;
  const std::string bytes = safetensors_bytes(kTwoTensors, kTwoTensorsDataBytes);
  int accepted = 0;
  for (std::size_t at = 0; at < bytes.size() - kTwoTensorsDataBytes; ++at) {
    for (const char value : {'0', '1', '9', '"', ',', ']', '}', '\0', '\xFF'}) {
      std::string changed = bytes;
      changed[at] = value;
      const auto path = folder.write("model.safetensors", changed);
      try {
        const Safetensors file = Safetensors::open(path);
        std::uint64_t total_bytes = 0;
        for (const TensorInfo& tensor : file.tensors()) {
          ASSERT_EQ(file.bytes(tensor).size(), tensor.size_bytes);
          ASSERT_LE(tensor.offset_bytes + tensor.size_bytes, changed.size());
          total_bytes += tensor.size_bytes;
        }
        ASSERT_EQ(total_bytes, kTwoTensorsDataBytes);
        ++accepted;
      } catch (const ModelError& error) {
        ASSERT_TRUE(std::string(error.what()).starts_with(path.string())) << error.what();
      }
    }
  }
  EXPECT_GT(accepted, 0) << "a changed letter of a name is no error";
}

TEST(Safetensors, RefusesWhatIsNoFile) {
  const TempFolder folder;
  const auto missing = folder.path() / "missing.safetensors";
  EXPECT_NE(
      model_error(missing.string(), [&] { (void)Safetensors::open(missing); }).find("No such file"),
      std::string::npos);
  const auto pipe = folder.path() / "pipe.safetensors";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  model_error(pipe.string(), [&] { (void)Safetensors::open(pipe); });
  model_error("/dev/null", [] { (void)Safetensors::open("/dev/null"); });
  EXPECT_NE(model_error(folder.path().string(), [&] { (void)Safetensors::open(folder.path()); })
                .find("model.safetensors.index.json"),
            std::string::npos);
  const auto in_folder = folder.path() / "model.safetensors";
  std::filesystem::create_directory(in_folder);
  model_error(in_folder.string(), [&] { (void)Safetensors::open(folder.path()); });
}

}  // namespace
}  // namespace sampan::llm
