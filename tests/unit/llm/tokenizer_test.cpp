#include "tokenizer.h"

#include <gtest/gtest.h>
#include <sentencepiece_trainer.h>

#include <fstream>
#include <iterator>
#include <stdexcept>

#include "sampler.h"
#include "support.h"
#include "tokenizer_model.h"
#include "utf8.h"

namespace sampan::llm {
namespace {

using test::model_error;
using test::small_tokenizer;
using test::token_of;
using test::TokenizerModel;

Tokenizer load(const TokenizerModel& model) {
  return Tokenizer::from_bytes(model.bytes(), "t.model");
}

// What a stream says for `tokens`, checking that no piece cuts a character.
std::string streamed(TextStream& stream, std::span<const std::int32_t> tokens) {
  std::string text;
  for (const std::int32_t token : tokens) {
    const std::string piece = stream.push(token);
    EXPECT_EQ(find_invalid_utf8(piece), std::string::npos);
    text += piece;
  }
  const std::string rest = stream.finish();
  EXPECT_EQ(find_invalid_utf8(rest), std::string::npos);
  return text + rest;
}

TEST(Tokenizer, EncodesAndDecodes) {
  const TokenizerModel model = small_tokenizer();
  const Tokenizer tokenizer = load(model);
  EXPECT_EQ(tokenizer.vocab_size(), static_cast<std::int32_t>(model.pieces.size()));
  EXPECT_EQ(tokenizer.bos_id(), 1);
  EXPECT_EQ(tokenizer.eos_id(), 2);
  const std::string space(test::kSpacePiece);
  EXPECT_EQ(tokenizer.encode("a", "text"), std::vector{token_of(model, space + "a")});
  EXPECT_TRUE(tokenizer.encode("", "text").empty());
  EXPECT_EQ(tokenizer.encode("<user>", "text").back(), token_of(model, "<user>"));
  for (const std::string_view text : {"a", "abc b a", " a  b", "a\nb", "\xC3\xA9", "\xE2\x82\xAC 5",
                                      "\xF0\x9F\x98\x80 x", "<s> a", "tab\tz"}) {
    EXPECT_EQ(tokenizer.decode(tokenizer.encode(text, "text")), text);
  }
  const std::string with_zero("a\0b", 3);
  EXPECT_EQ(tokenizer.decode(tokenizer.encode(with_zero, "text")), with_zero);
}

TEST(Tokenizer, ControlTextIsNotAControlToken) {
  const Tokenizer tokenizer = load(small_tokenizer());
  for (const std::int32_t token : tokenizer.encode("</s><s>", "text")) EXPECT_GT(token, 2);
}

TEST(Tokenizer, MayHaveNoBeginningOrEnd) {
  TokenizerModel model;
  model.byte_fallback = false;
  model.pieces = {{"<unk>", test::kUnknown}, {"a"}};
  const Tokenizer tokenizer = load(model);
  EXPECT_EQ(tokenizer.bos_id(), std::nullopt);
  EXPECT_EQ(tokenizer.eos_id(), std::nullopt);
}

TEST(Tokenizer, RefusesAPromptThatIsNotUtf8) {
  const Tokenizer tokenizer = load(small_tokenizer());
  struct {
    std::string text;
    const char* part_of_message;
  } const cases[] = {{"\xFF", "byte 0 "},
                     {"abc\x80", "byte 3 "},
                     {"a\xC3", "byte 1 "},
                     {"\xED\xA0\x80", "byte 0 "},
                     {"ok \xC0\xAF", "byte 3 "},
                     {"\xC3\xA9\xE2\x82", "byte 2 "},
                     {"x\xF4\x90\x80\x80", "byte 1 "}};
  for (const auto& c : cases) {
    const std::string message =
        model_error("--prompt", [&] { (void)tokenizer.encode(c.text, "--prompt"); });
    EXPECT_NE(message.find(c.part_of_message), std::string::npos) << message;
  }
}

TEST(Tokenizer, DecodeRefusesTokensThatDoNotExist) {
  const Tokenizer tokenizer = load(small_tokenizer());
  for (const std::int32_t token : {-1, INT32_MIN, tokenizer.vocab_size(), INT32_MAX}) {
    EXPECT_THROW((void)tokenizer.decode(std::vector{token}), std::out_of_range);
  }
}

TEST(Tokenizer, ItsVocabularyFitsTheConfig) {
  const Tokenizer tokenizer = load(small_tokenizer());
  LlamaConfig config;
  config.vocab_size = tokenizer.vocab_size();
  tokenizer.check_vocab(config, "config.json");
  config.vocab_size += 64;  // padded
  tokenizer.check_vocab(config, "config.json");
  config.vocab_size = tokenizer.vocab_size() - 1;
  const std::string message =
      model_error("t.model", [&] { tokenizer.check_vocab(config, "config.json"); });
  EXPECT_NE(message.find("config.json is " + std::to_string(config.vocab_size)), std::string::npos)
      << message;
}

TEST(TextStream, HoldsACharacterBackUntilItIsWhole) {
  const TokenizerModel model = small_tokenizer();
  const Tokenizer tokenizer = load(model);
  TextStream stream(tokenizer);
  EXPECT_EQ(stream.push(token_of(model, "<0xF0>")), "");
  EXPECT_EQ(stream.push(token_of(model, "<0x9F>")), "");
  EXPECT_EQ(stream.push(token_of(model, "<0x98>")), "");
  EXPECT_EQ(stream.push(token_of(model, "<0x80>")), "\xF0\x9F\x98\x80");
  EXPECT_EQ(stream.push(token_of(model, "<0xC3>")), "");
  EXPECT_EQ(stream.push(token_of(model, "a")),
            "\xEF\xBF\xBD"
            "a")
      << "the character never came";
  EXPECT_EQ(stream.push(token_of(model, "<0xE2>")), "");
  EXPECT_EQ(stream.finish(), "\xEF\xBF\xBD");
  EXPECT_EQ(stream.finish(), "");
}

TEST(TextStream, KeepsTheSpaceAfterAPrompt) {
  const TokenizerModel model = small_tokenizer();
  const Tokenizer tokenizer = load(model);
  const std::int32_t word = token_of(model, std::string(test::kSpacePiece) + "a");
  TextStream stream(tokenizer);
  EXPECT_EQ(stream.push(*tokenizer.bos_id()), "");
  EXPECT_EQ(stream.push(word), "a");
  EXPECT_EQ(stream.push(word), " a");
  EXPECT_EQ(stream.finish(), "");
  EXPECT_EQ(stream.push(word), "a") << "as if new";
}

TEST(TextStream, GivesNoTextForPaddingAndRefusesNegativeTokens) {
  const TokenizerModel model = small_tokenizer();
  const Tokenizer tokenizer = load(model);
  TextStream stream(tokenizer);
  EXPECT_EQ(stream.push(tokenizer.vocab_size()), "");
  EXPECT_EQ(stream.push(INT32_MAX), "");
  EXPECT_THROW(stream.push(-1), std::out_of_range);
  EXPECT_EQ(stream.push(token_of(model, "a")), "a");
}

// Random tokens of `tokenizer`, with runs of byte tokens and of pieces that are only spaces.
std::vector<std::int32_t> random_tokens(SplitMix64& random,
                                        const std::vector<std::int32_t>& favoured,
                                        std::int32_t vocab_size) {
  std::vector<std::int32_t> tokens(random.next() % 12);
  for (std::int32_t& token : tokens) {
    token = random.next() % 2 == 0
                ? favoured[random.next() % favoured.size()]
                : static_cast<std::int32_t>(random.next() % static_cast<std::uint64_t>(vocab_size));
  }
  return tokens;
}

void expect_stream_equals_decode(const Tokenizer& tokenizer,
                                 const std::vector<std::int32_t>& favoured, int rounds) {
  SplitMix64 random(11);
  for (int round = 0; round < rounds; ++round) {
    const auto tokens = random_tokens(random, favoured, tokenizer.vocab_size());
    TextStream stream(tokenizer);
    ASSERT_EQ(streamed(stream, tokens), tokenizer.decode(tokens))
        << "tokens " << testing::PrintToString(tokens);
  }
}

TEST(TextStream, EqualsDecodeForEveryRuleOfSpaces) {
  for (const bool bpe : {false, true}) {
    for (const bool add_dummy_prefix : {false, true}) {
      for (const bool remove_extra_whitespaces : {false, true}) {
        for (const char* const unk_surface : {"", " ? "}) {
          SCOPED_TRACE(testing::Message() << bpe << add_dummy_prefix << remove_extra_whitespaces
                                          << "'" << unk_surface << "'");
          TokenizerModel model = small_tokenizer();
          model.bpe = bpe;
          model.add_dummy_prefix = add_dummy_prefix;
          model.remove_extra_whitespaces = remove_extra_whitespaces;
          model.more_fields = test::bytes_field(2, test::bytes_field(44, unk_surface));
          const std::string space(test::kSpacePiece);
          const std::vector<std::int32_t> favoured = {0,
                                                      1,
                                                      token_of(model, space),
                                                      token_of(model, space + space),
                                                      token_of(model, space + "a"),
                                                      token_of(model, "<0xE2>"),
                                                      token_of(model, "<0x82>"),
                                                      token_of(model, "<0xAC>"),
                                                      token_of(model, "<0xC3>")};
          expect_stream_equals_decode(load(model), favoured, 4000);
        }
      }
    }
  }
}

struct TrainedCase {
  const char* what;
  const char* options;
};

// The library's own trainer, on a text with characters that fall back to bytes.
std::string train(const test::TempFolder& folder, const char* options) {
  std::string corpus;
  SplitMix64 random(5);
  const char* const words[] = {"the",  "sea",   "ship", "sails",      "over",
                               "calm", "water", "and",  "Caf\xC3\xA9"};
  for (int line = 0; line < 400; ++line) {
    for (int i = 0; i < 9; ++i) corpus += std::string(words[random.next() % 9]) + " ";
    corpus += "\n";
  }
  const auto input = folder.write("corpus.txt", corpus);
  const auto prefix = folder.path() / "trained";
  const auto status = sentencepiece::SentencePieceTrainer::Train(
      "--minloglevel=3 --hard_vocab_limit=false --byte_fallback=true --vocab_size=320 --input=" +
      input.string() + " --model_prefix=" + prefix.string() + " " + options);
  EXPECT_TRUE(status.ok()) << status.ToString();
  std::ifstream in(prefix.string() + ".model", std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

TEST(Tokenizer, LoadsWhatTheTrainerWrites) {
  const TrainedCase cases[] = {
      {"as Llama's",
       "--model_type=bpe --normalization_rule_name=identity "
       "--remove_extra_whitespaces=false"},
      {"BPE, NFKC", "--model_type=bpe --normalization_rule_name=nmt_nfkc"},
      {"unigram, NFKC", "--model_type=unigram --normalization_rule_name=nmt_nfkc"},
      {"unigram, NFKC, case folding", "--model_type=unigram --normalization_rule_name=nmt_nfkc_cf"},
      {"characters", "--model_type=char"},
      {"with symbols", "--model_type=bpe --user_defined_symbols=<a>,<b> --control_symbols=<c>"},
  };
  for (const TrainedCase& c : cases) {
    SCOPED_TRACE(c.what);
    const test::TempFolder folder;
    const std::string bytes = train(folder, c.options);
    const Tokenizer tokenizer = Tokenizer::load(folder.path() / "trained.model");
    const std::string_view text = "the calm sea \xF0\x9F\x98\x80 over \xE6\xBC\xA2";
    const auto tokens = tokenizer.encode(text, "text");
    EXPECT_EQ(tokenizer.decode(tokens), text);
    expect_stream_equals_decode(tokenizer, tokens, 500);
  }
}

}  // namespace
}  // namespace sampan::llm
