#include "model_folder.h"

#include <gtest/gtest.h>

#include "support.h"
#include "tokenizer_model.h"

namespace sampan::llm {
namespace {

using test::model_error;

// A folder with a small model that is whole and consistent.
class ModelFolderTest : public testing::Test {
 protected:
  void SetUp() override {
    write_config(vocab_size());
    const auto config = load_config(folder_.path() / "config.json");
    folder_.write("model.safetensors", test::weights_file(expected_tensors(config), "BF16"));
    folder_.write("tokenizer.model", test::small_tokenizer().bytes());
  }

  static std::size_t vocab_size() { return test::small_tokenizer().pieces.size(); }

  void write_config(std::size_t vocab_size) const {
    folder_.write("config.json", test::json_object({{"model_type", "\"llama\""},
                                                    {"vocab_size", std::to_string(vocab_size)},
                                                    {"hidden_size", "8"},
                                                    {"intermediate_size", "6"},
                                                    {"num_hidden_layers", "2"},
                                                    {"num_attention_heads", "2"}}));
  }

  std::string path_of(const char* name) const { return (folder_.path() / name).string(); }

  std::string open_error(const char* file) const {
    return model_error(path_of(file), [&] { (void)ModelFolder::open(folder_.path()); });
  }

  test::TempFolder folder_;
};

TEST_F(ModelFolderTest, OpensAndSurvivesAMove) {
  ModelFolder opened = ModelFolder::open(folder_.path());
  const ModelFolder model = std::move(opened);
  EXPECT_EQ(model.config.layer_count, 2);
  EXPECT_EQ(model.tokenizer.vocab_size(), static_cast<std::int32_t>(vocab_size()));
  const TensorInfo* norm = model.weights.find("model.norm.weight");
  ASSERT_NE(norm, nullptr);
  EXPECT_EQ(model.weights.bytes(*norm).size(), 16u);
  EXPECT_EQ(
      model.weights.bytes(*norm)[0],
      std::byte{static_cast<unsigned char>(
          norm->offset_bytes - model.weights.find("model.embed_tokens.weight")->offset_bytes)});
}

TEST_F(ModelFolderTest, NamesTheFileThatIsMissing) {
  struct {
    const char* removed;
    const char* named;
  } const cases[] = {{"tokenizer.model", "tokenizer.model"},
                     {"model.safetensors", ""},
                     {"config.json", "config.json"}};
  for (const auto& c : cases) {
    std::filesystem::remove(path_of(c.removed));
    if (c.named[0] != '\0') {
      open_error(c.named);
    } else {
      const std::string message =
          model_error(folder_.path().string(), [&] { (void)ModelFolder::open(folder_.path()); });
      EXPECT_NE(message.find("model.safetensors"), std::string::npos) << message;
    }
  }
}

TEST_F(ModelFolderTest, RefusesFilesOfDifferentModels) {
  write_config(vocab_size() + 1);
  EXPECT_NE(open_error("model.safetensors").find("'model.embed_tokens.weight'"), std::string::npos);
  SetUp();
  auto other = test::small_tokenizer();
  other.pieces.push_back({"one more"});
  folder_.write("tokenizer.model", other.bytes());
  EXPECT_NE(open_error("tokenizer.model").find("vocab_size"), std::string::npos);
}

TEST_F(ModelFolderTest, RefusesAFolderThatIsNone) {
  const auto missing = folder_.path() / "nowhere";
  model_error((missing / "config.json").string(), [&] { (void)ModelFolder::open(missing); });
  const auto file = folder_.path() / "config.json";
  model_error((file / "config.json").string(), [&] { (void)ModelFolder::open(file); });
}

}  // namespace
}  // namespace sampan::llm
