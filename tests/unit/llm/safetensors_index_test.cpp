#include <gtest/gtest.h>

#include "safetensors.h"
#include "support.h"

namespace sampan::llm {
namespace {

using test::model_error;
using test::TempFolder;

constexpr std::string_view kIndex = "model.safetensors.index.json";
constexpr std::string_view kPart1 = "model-00001-of-00002.safetensors";
constexpr std::string_view kPart2 = "model-00002-of-00002.safetensors";

// A folder whose parts hold the tensors a and b, and c.
class SafetensorsIndex : public testing::Test {
 protected:
  void SetUp() override {
    folder_.write(kPart1,
                  test::safetensors_bytes(R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},)"
                                          R"("b":{"dtype":"U8","shape":[2],"data_offsets":[1,3]}})",
                                          3));
    folder_.write(kPart2, test::safetensors_bytes(
                              R"({"c":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}})", 4));
  }

  void write_index(std::string_view weight_map) const {
    folder_.write(kIndex,
                  R"({"metadata":{"total_size":7},"weight_map":)" + std::string(weight_map) + "}");
  }

  static std::string weight_map(std::string_view a, std::string_view b, std::string_view c) {
    return R"({"a":")" + std::string(a) + R"(","b":")" + std::string(b) + R"(","c":")" +
           std::string(c) + "\"}";
  }

  std::string path_of(std::string_view name) const { return (folder_.path() / name).string(); }

  TempFolder folder_;
};

TEST_F(SafetensorsIndex, OpensAllParts) {
  write_index(weight_map(kPart1, kPart1, kPart2));
  const Safetensors files = Safetensors::open(folder_.path());
  ASSERT_EQ(files.tensors().size(), 3u);
  EXPECT_EQ(files.file_name(*files.find("b")), path_of(kPart1));
  EXPECT_EQ(files.file_name(*files.find("c")), path_of(kPart2));
  EXPECT_EQ(std::to_integer<int>(files.bytes(*files.find("b"))[1]), 2);
  EXPECT_EQ(std::to_integer<int>(files.bytes(*files.find("c"))[3]), 3);
  EXPECT_EQ(files.name(), path_of(kIndex));

  EXPECT_EQ(Safetensors::open(path_of(kIndex)).tensors().size(), 3u) << "by the index's own path";
}

TEST_F(SafetensorsIndex, PartsMayBeLinks) {
  std::filesystem::create_directory(folder_.path() / "blobs");
  std::filesystem::rename(path_of(kPart2), path_of("blobs/0123"));
  std::filesystem::create_symlink("blobs/0123", path_of(kPart2));
  write_index(weight_map(kPart1, kPart1, kPart2));
  EXPECT_EQ(Safetensors::open(folder_.path()).tensors().size(), 3u);
}

TEST_F(SafetensorsIndex, ASingleFileComesFirst) {
  write_index("{}");
  folder_.write("model.safetensors", test::safetensors_bytes("{}", 0));
  EXPECT_EQ(Safetensors::open(folder_.path()).name(), path_of("model.safetensors"));
}

struct IndexCase {
  const char* what;
  std::string text;
  std::string_view file;  ///< that the message names
  const char* part_of_message;
};

TEST_F(SafetensorsIndex, RefusesEveryLyingIndex) {
  const std::string good = weight_map(kPart1, kPart1, kPart2);
  const auto index = [](std::string_view map) {
    return R"({"weight_map":)" + std::string(map) + "}";
  };
  const auto with_file = [&](std::string_view name) {
    return index(weight_map(kPart1, kPart1, name));
  };
  const IndexCase cases[] = {
      {"empty", "", kIndex, "not valid JSON"},
      {"not JSON", "weights", kIndex, "at byte 0"},
      {"NaN", R"({"metadata":{"total_size":NaN},"weight_map":{}})", kIndex, "at byte 26"},
      {"a list", "[]", kIndex, "not an object"},
      {"a string", "\"x\"", kIndex, "not an object"},
      {"no map", "{}", kIndex, "no 'weight_map'"},
      {"map is a list", index("[]"), kIndex, "'weight_map'"},
      {"two maps", R"({"weight_map":)" + good + R"(,"weight_map":)" + good + "}", kIndex, "twice"},
      {"nested too deep", std::string(100, '[') + std::string(100, ']'), kIndex, "not valid JSON"},
      {"file is a number", index(R"({"a":1})"), kIndex, "'a'"},
      {"file is null", index(R"({"a":null})"), kIndex, "'a'"},
      {"empty name", with_file(""), kIndex, "'c'"},
      {"parent folder", with_file(".."), kIndex, "plain name"},
      {"up and down", with_file("../x.safetensors"), kIndex, "plain name"},
      {"subfolder", with_file("sub/x.safetensors"), kIndex, "plain name"},
      {"absolute", with_file("/etc/passwd"), kIndex, "plain name"},
      {"backslash", with_file("a\\\\b"), kIndex, "plain name"},
      {"hidden", with_file(".x"), kIndex, "plain name"},
      {"zero byte", with_file("model\\u0000.safetensors"), kIndex, "plain name"},
      {"long name", with_file(std::string(256, 'x')), kIndex, "plain name"},
      {"tensor twice", index(R"({"a":"m","a":"m"})"), kIndex, "'a' appears twice"},
      {"missing part", with_file("model-00003.safetensors"), "model-00003.safetensors",
       "No such file"},
      {"the part is the index", with_file(kIndex), kIndex, ""},
      {"wrong part", index(weight_map(kPart2, kPart1, kPart2)), kPart1, "'a' is not listed"},
      {"tensor in no part",
       index(good.substr(0, good.size() - 1) + R"(,"d":")" + std::string(kPart2) + "\"}"), kPart2,
       "'d' is missing"},
      {"tensor not listed",
       index(R"({"a":")" + std::string(kPart1) + R"(","c":")" + std::string(kPart2) + "\"}"),
       kPart1, "'b' is not listed"},
  };
  for (const IndexCase& c : cases) {
    SCOPED_TRACE(c.what);
    folder_.write(kIndex, c.text);
    const std::string message =
        model_error(path_of(c.file), [&] { (void)Safetensors::open(folder_.path()); });
    EXPECT_NE(message.find(c.part_of_message), std::string::npos) << message;
  }
}

TEST_F(SafetensorsIndex, RefusesATensorThatIsInTwoParts) {
  folder_.write(kPart2,
                test::safetensors_bytes(R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},)"
                                        R"("c":{"dtype":"U8","shape":[2],"data_offsets":[1,3]}})",
                                        3));
  write_index(weight_map(kPart1, kPart1, kPart2));
  const std::string message =
      model_error(path_of(kPart2), [&] { (void)Safetensors::open(folder_.path()); });
  EXPECT_NE(message.find("'a' is not listed"), std::string::npos) << message;
}

TEST_F(SafetensorsIndex, RefusesADamagedPart) {
  std::filesystem::resize_file(path_of(kPart2), std::filesystem::file_size(path_of(kPart2)) - 1);
  write_index(weight_map(kPart1, kPart1, kPart2));
  const std::string message =
      model_error(path_of(kPart2), [&] { (void)Safetensors::open(folder_.path()); });
  EXPECT_NE(message.find("cut short"), std::string::npos) << message;
}

TEST_F(SafetensorsIndex, RefusesMoreFilesThanItMayOpen) {
  std::string map = "{";
  for (int i = 0; i < 600; ++i) {
    const std::string tensor = std::to_string(i);
    const std::string name = tensor + ".safetensors";
    folder_.write(name,
                  test::safetensors_bytes(
                      "{\"" + tensor + R"(":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}})", 0));
    map += (i == 0 ? "\"" : ",\"") + tensor + "\":\"" + name + "\"";
  }
  write_index(map + "}");
  const std::string message =
      model_error(path_of(kIndex), [&] { (void)Safetensors::open(folder_.path()); });
  EXPECT_NE(message.find("more than 512 files"), std::string::npos) << message;
}

}  // namespace
}  // namespace sampan::llm
