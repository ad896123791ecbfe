#include "tokenizer_check.h"

#include <gtest/gtest.h>

#include <cstring>

#include "model_error.h"
#include "support.h"
#include "tokenizer.h"
#include "tokenizer_model.h"

namespace sampan::llm {
namespace {

using test::bytes_field;
using test::model_error;
using test::number_field;
using test::small_tokenizer;
using test::TokenizerModel;

// A normaliser's table, built by hand. Units that aren't set match no label.
struct Table {
  std::vector<std::uint32_t> units = std::vector<std::uint32_t>(512, 0x80000000u);
  std::string texts = std::string("b\0", 2);

  // Makes `at` lead to the node `base`, under `label`, ending a rule if `value`.
  void link(std::uint32_t at, std::uint32_t base, std::uint32_t label, bool value) {
    const std::uint32_t offset = at ^ base;
    units[at] = offset << 10 | (value ? 1u << 8 : 0u) | label;
  }

  std::string bytes() const {
    const auto array_bytes = static_cast<std::uint32_t>(units.size() * 4);
    std::string out(4 + array_bytes, '\0');
    std::memcpy(out.data(), &array_bytes, 4);
    std::memcpy(out.data() + 4, units.data(), array_bytes);
    return out + texts;
  }
};

constexpr std::uint32_t kRoot = 256;  ///< base of the root's children in these tables

// One rule: "a" becomes "b".
Table one_rule() {
  Table table;
  table.link(0, kRoot, 0, false);
  table.link(kRoot ^ 'a', 2, 'a', true);
  table.units[2] = 0x80000000u | 0;
  return table;
}

// "ac" and "bc" become "b", sharing what follows their first letters.
Table shared_ending() {
  Table table;
  table.units.resize(1024, 0x80000000u);
  table.link(0, kRoot, 0, false);
  table.link(kRoot ^ 'a', 512, 'a', false);
  table.link(kRoot ^ 'b', 512, 'b', false);
  table.link(512 ^ 'c', 768, 'c', true);
  table.units[768] = 0x80000000u;
  return table;
}

// A path of `length` times 'a', a rule ending at each step.
Table chain(std::uint32_t length) {
  Table table;
  table.units.resize(256 * (length + 2), 0x80000000u);
  table.link(0, kRoot, 0, false);
  for (std::uint32_t i = 0; i < length; ++i) {
    const std::uint32_t base = kRoot + 256 * i;
    table.link(base ^ 'a', base + 256, 'a', true);
    table.units[base + 256] = 0x80000000u;
  }
  return table;
}

TokenizerModel with_table(const std::string& chars_map) {
  TokenizerModel model = small_tokenizer();
  model.chars_map = chars_map;
  return model;
}

TEST(TokenizerCheck, AcceptsARuleThatTheLibraryThenFollows) {
  const TokenizerModel model = with_table(one_rule().bytes());
  const Tokenizer tokenizer = Tokenizer::from_bytes(model.bytes(), "t.model");
  EXPECT_EQ(tokenizer.decode(tokenizer.encode("a", "text")), "b");
  EXPECT_EQ(tokenizer.decode(tokenizer.encode("c", "text")), "c");
  const Tokenizer sharing =
      Tokenizer::from_bytes(with_table(shared_ending().bytes()).bytes(), "t.model");
  EXPECT_EQ(sharing.decode(sharing.encode("acbca", "text")), "bba");
  check_sentencepiece_model(with_table(chain(32).bytes()).bytes(), "t.model");
}

struct HostileCase {
  const char* what;
  std::string bytes;
  const char* part_of_message;
};

std::string model_with_table(const std::function<void(Table&)>& change) {
  Table table = one_rule();
  change(table);
  return with_table(table.bytes()).bytes();
}

std::vector<HostileCase> hostile_tables() {
  const auto claiming = [](std::uint32_t array_bytes) {
    std::string bytes = one_rule().bytes();
    std::memcpy(bytes.data(), &array_bytes, 4);
    return with_table(bytes).bytes();
  };
  return {
      {"too short", with_table("abc").bytes(), "cut short"},
      {"only a size", with_table(std::string(4, '\0')).bytes(), "claims"},
      {"table of nothing", claiming(0), "claims a table of 0"},
      {"table of all bytes", claiming(2050), "claims"},
      {"table of 2^32 - 4 bytes", claiming(0xFFFFFFFC), "claims a table of 4294967292"},
      {"table of no whole units", claiming(2047), "claims"},
      {"unfinished text", model_with_table([](Table& t) { t.texts.pop_back(); }), "unfinished"},
      {"root outside", model_with_table([](Table& t) { t.link(0, 512, 0, false); }), "outside"},
      {"step outside", model_with_table([](Table& t) { t.link(kRoot ^ 'a', 512, 'a', true); }),
       "outside"},
      {"step far outside",
       model_with_table([](Table& t) { t.units[kRoot ^ 'a'] = 0x7FFFFE00u | 'a'; }), "outside"},
      {"table ends inside a node",
       model_with_table([](Table& t) { t.units.resize(500, 0x80000000u); }), "outside"},
      {"text outside", model_with_table([](Table& t) { t.units[2] = 0x80000002u; }), "text lies"},
      {"text far outside", model_with_table([](Table& t) { t.units[2] = 0xFFFFFFFFu; }),
       "text lies"},
      {"a loop of one", model_with_table([](Table& t) { t.link(kRoot ^ 'a', kRoot, 'a', false); }),
       "has a loop"},
      {"a loop that ends rules", model_with_table([](Table& t) {
         t.link(kRoot ^ 'a', kRoot, 'a', true);
         t.units[kRoot] = 0x80000000u;
       }),
       "has a loop"},
      {"a loop of two", model_with_table([](Table& t) {
         t.link(kRoot ^ 'b', 0, 'b', false);
         t.link('c', kRoot, 'c', false);
       }),
       "has a loop"},
      {"33 rules alike", with_table(chain(33).bytes()).bytes(), "more than 32 rules"},
      {"a very long text",
       model_with_table([](Table& t) { t.texts = std::string(257, 'b') + '\0'; }),
       "longer than 256"},
      {"too large", with_table(std::string((4u << 20) + 1, '\0')).bytes(), "more than 4194304"},
  };
}

std::vector<HostileCase> hostile_models() {
  const auto with_piece = [](const TokenizerModel::Piece& piece) {
    TokenizerModel model = small_tokenizer();
    model.pieces.push_back(piece);
    return model.bytes();
  };
  const auto with_fields = [](const std::string& fields) {
    return small_tokenizer().bytes() + fields;
  };
  const std::string text65(65, 'a');
  const std::string piece65 = bytes_field(1, text65);
  return {
      {"empty", "", "no pieces"},
      {"zeros", std::string(100, '\0'), "byte "},
      {"text", "This is no tokenizer.", "byte "},
      {"JSON", R"({"version":"1.0","model":{"type":"BPE"}})", "byte "},
      {"an ELF file",
       std::string("\x7F"
                   "ELF\2\1\1\0\0\0\0\0\0\0\0\0\3\0\x3E\0",
                   20),
       "byte "},
      {"a ZIP file", std::string("PK\3\4\x14\0\0\0", 8), "byte "},
      {"a safetensors file", test::safetensors_bytes("{}", 0), "byte "},
      {"an empty message", bytes_field(2, ""), "no pieces"},
      {"an empty piece", with_piece({""}), "has 0 bytes"},
      {"a piece without text", with_fields(bytes_field(1, number_field(3, 1))), "has 0 bytes"},
      {"a long piece", with_piece({std::string(1025, 'x')}), "1025 bytes"},
      {"a piece that is not UTF-8", with_piece({"a\xFF"}), "'a\\xFF'"},
      {"a piece cut in a character", with_piece({"\xE2\x96"}), "UTF-8"},
      {"a piece with a zero", with_piece({std::string("a\0b", 3)}), "zero"},
      {"a long user-defined piece", with_piece({text65, test::kUserDefined}), "65 bytes"},
      {"user-defined, then not",
       with_fields(bytes_field(1, piece65 + number_field(3, 4) + number_field(3, 77))), "65 bytes"},
      {"user-defined by 2^32 + 4",
       with_fields(bytes_field(1, piece65 + number_field(3, (std::uint64_t{1} << 32) + 4))),
       "65 bytes"},
      {"type as bytes", with_fields(bytes_field(1, bytes_field(1, "x") + bytes_field(3, "4"))),
       "wire type"},
      {"text as a number", with_fields(bytes_field(1, number_field(1, 5))), "wire type"},
      {"pieces as a number", with_fields(number_field(1, 5)), "wire type"},
      {"normaliser as a number", with_fields(number_field(3, 5)), "wire type"},
      {"table as a number", with_fields(bytes_field(3, number_field(2, 5))), "wire type"},
      {"a self-test", with_fields(bytes_field(4, bytes_field(1, ""))), "self-test"},
      {"a denormaliser", with_fields(bytes_field(5, bytes_field(2, "x"))), "denormaliser"},
      {"field 0", with_fields(std::string("\2\0", 2)), "no field has the key"},
      {"key above 32 bits", with_fields("\x8A\x80\x80\x80\x10"), "no field has the key"},
      {"group", with_fields("\x0B\x0C"), "unknown wire type 3"},
      {"wire type 7", with_fields("\x0F"), "unknown wire type 7"},
      {"number without end", with_fields(std::string("\x10").append(20, '\x80')),
       "more than 10 bytes"},
      {"number cut short", with_fields("\x10\x80"), "cut short"},
      {"length beyond the file", with_fields("\x0A\x7F"), "has only 0 left"},
      {"length of 2^64 - 1", with_fields(std::string("\x0A").append(9, '\xFF').append("\x01")),
       "has only 0 left"},
      // From here on the library itself refuses.
      {"a piece twice", with_piece({"a"}), "already defined"},
      {"two unknowns", with_piece({"<unk2>", test::kUnknown}), "unk is already defined"},
      {"no unknown", bytes_field(1, bytes_field(1, "a")), "unk is not defined"},
      {"a byte twice", with_piece({"<0x41>", test::kByte}), "already defined"},
      {"a byte that is none", with_piece({"<0xZZ>", test::kByte}), "is invalid"},
      {"bytes without fallback",
       [] {
         TokenizerModel model = small_tokenizer();
         model.byte_fallback = false;
         return model.bytes();
       }(),
       "byte_fallback"},
      {"a byte is missing",
       [] {
         TokenizerModel model = small_tokenizer();
         model.pieces.erase(model.pieces.begin() + 100);
         return model.bytes();
       }(),
       "256 byte pieces"},
      {"normaliser's message is no message", with_fields(bytes_field(3, "\x0A\x05x")), "has only"},
  };
}

void expect_refused(const std::vector<HostileCase>& cases) {
  for (const HostileCase& c : cases) {
    SCOPED_TRACE(c.what);
    testing::internal::CaptureStderr();
    std::string message;
    EXPECT_LE(test::largest_allocation_bytes([&] {
                message = model_error("t.model",
                                      [&] { (void)Tokenizer::from_bytes(c.bytes, "t.model"); });
              }),
              65536 + 16 * c.bytes.size());
    EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
    EXPECT_NE(message.find(c.part_of_message), std::string::npos) << message;
  }
}

TEST(TokenizerCheck, RefusesEveryHostileModel) { expect_refused(hostile_models()); }

TEST(TokenizerCheck, RefusesEveryHostileTable) { expect_refused(hostile_tables()); }

// 64 user-defined pieces that begin alike fill the library's array; all are found.
TEST(TokenizerCheck, AcceptsAsManyUserDefinedPiecesAsTheLibraryHolds) {
  TokenizerModel model = small_tokenizer();
  for (std::size_t size = 1; size <= 64; ++size) {
    model.pieces.push_back({std::string(size, 'z'), test::kUserDefined});
  }
  const Tokenizer tokenizer = Tokenizer::from_bytes(model.bytes(), "t.model");
  EXPECT_EQ(tokenizer.encode(std::string(100, 'z'), "text").back(),
            test::token_of(model, std::string(36, 'z')));
}

// Loads `bytes` if they can be, and uses what was loaded.
bool load_and_use(const std::string& bytes) {
  try {
    const Tokenizer tokenizer = Tokenizer::from_bytes(bytes, "t.model");
    const auto tokens = tokenizer.encode("a bc <user> \xC3\xA9\xF0\x9F\x98\x80", "text");
    TextStream stream(tokenizer);
    std::string text;
    for (const std::int32_t token : tokens) text += stream.push(token);
    EXPECT_EQ(text + stream.finish(), tokenizer.decode(tokens));
    return true;
  } catch (const ModelError& error) {
    EXPECT_TRUE(std::string(error.what()).starts_with("t.model: ")) << error.what();
    return false;
  }
}

// Without byte tokens, so that every byte of the file matters.
TokenizerModel tiny_model() {
  TokenizerModel model;
  model.byte_fallback = false;
  model.pieces = {{"<unk>", test::kUnknown},
                  {"<s>", test::kControl},
                  {"a"},
                  {"bc"},
                  {std::string(test::kSpacePiece) + "a"},
                  {"<user>", test::kUserDefined}};
  return model;
}

TEST(TokenizerCheck, AFileCutAnywhereIsRefusedOrUsable) {
  const std::string bytes = tiny_model().bytes();
  int refused = 0;
  for (std::size_t size_bytes = 0; size_bytes < bytes.size(); ++size_bytes) {
    refused += load_and_use(bytes.substr(0, size_bytes)) ? 0 : 1;
  }
  // Only a cut between two fields leaves a model.
  EXPECT_GT(refused, static_cast<int>(bytes.size()) - 10);
}

TEST(TokenizerCheck, AFileWithAnyByteChangedIsRefusedOrUsable) {
  const std::string bytes = tiny_model().bytes();
  for (const bool bpe : {false, true}) {
    TokenizerModel model = tiny_model();
    model.bpe = bpe;
    for (std::size_t at = 0; at < bytes.size(); ++at) {
      for (const int flip : {1, 2, 4, 8, 16, 32, 64, 128, 255}) {
        std::string changed = model.bytes();
        changed[at] = static_cast<char>(changed[at] ^ flip);
        load_and_use(changed);
      }
    }
  }
}

TEST(TokenizerCheck, RefusesFilesThatAreNone) {
  const test::TempFolder folder;
  const auto missing = folder.path() / "tokenizer.model";
  model_error(missing.string(), [&] { (void)Tokenizer::load(missing); });
  model_error(folder.path().string(), [&] { (void)Tokenizer::load(folder.path()); });
  const auto large = folder.write("tokenizer.model", "");
  std::filesystem::resize_file(large, std::uint64_t{1} << 40);
  const std::string message = model_error(large.string(), [&] { (void)Tokenizer::load(large); });
  EXPECT_NE(message.find("more than the 32000000"), std::string::npos) << message;
}

}  // namespace
}  // namespace sampan::llm
