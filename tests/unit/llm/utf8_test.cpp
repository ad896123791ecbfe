#include "utf8.h"

#include <gtest/gtest.h>

#include <string>

#include "model_error.h"

namespace sampan::llm {
namespace {

// Reference by arithmetic: what each code point is spelled as, by the definition of UTF-8.
std::string spell(char32_t code) {
  const auto tail = [&](int shift) {
    return static_cast<char>(0x80 | (static_cast<unsigned>(code) >> shift & 0x3F));
  };
  const auto head = [&](unsigned mark, int shift) {
    return static_cast<char>(mark | static_cast<unsigned>(code) >> shift);
  };
  if (code < 0x80) return {static_cast<char>(code)};
  if (code < 0x800) return {head(0xC0, 6), tail(0)};
  if (code < 0x10000) return {head(0xE0, 12), tail(6), tail(0)};
  return {head(0xF0, 18), tail(12), tail(6), tail(0)};
}

TEST(Utf8, EveryCodePointIsOneCharacterUnlessASurrogate) {
  for (char32_t code = 0; code < 0x110000; ++code) {
    const bool surrogate = code >= 0xD800 && code <= 0xDFFF;
    const std::string text = spell(code) + "x";
    const Utf8Prefix prefix = utf8_prefix(text);
    ASSERT_EQ(prefix.start, surrogate ? Utf8Start::kInvalid : Utf8Start::kCharacter)
        << static_cast<unsigned>(code);
    ASSERT_EQ(prefix.size_bytes, surrogate ? 1 : text.size() - 1) << static_cast<unsigned>(code);
  }
}

TEST(Utf8, BeginningsOfACharacterAreIncomplete) {
  for (const char32_t code :
       {0x80u, 0x7FFu, 0x800u, 0xD7FFu, 0xE000u, 0xFFFFu, 0x10000u, 0x10FFFFu}) {
    const std::string text = spell(code);
    for (std::size_t size = 1; size < text.size(); ++size) {
      const Utf8Prefix prefix = utf8_prefix(text.substr(0, size));
      EXPECT_EQ(prefix.start, Utf8Start::kIncomplete) << static_cast<unsigned>(code);
      EXPECT_EQ(prefix.size_bytes, size) << static_cast<unsigned>(code);
      EXPECT_EQ(find_invalid_utf8("ab" + text.substr(0, size)), 2u) << static_cast<unsigned>(code);
    }
  }
}

struct InvalidCase {
  const char* what;
  std::string_view text;
  std::size_t offset_bytes;
};

TEST(Utf8, FindsTheFirstInvalidByte) {
  const InvalidCase cases[] = {
      {"empty", "", std::string_view::npos},
      {"all valid", "a\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80", std::string_view::npos},
      {"zero byte is valid", {"a\0b", 3}, std::string_view::npos},
      {"lone continuation", "ab\x80", 2},
      {"overlong slash, two bytes", "\xC0\xAF", 0},
      {"overlong, C1", "x\xC1\xBF", 1},
      {"overlong, three bytes", "\xE0\x9F\xBF", 0},
      {"overlong, four bytes", "\xF0\x8F\xBF\xBF", 0},
      {"surrogate", "\xED\xA0\x80", 0},
      {"above U+10FFFF", "\xF4\x90\x80\x80", 0},
      {"F5", "\xF5\x80\x80\x80", 0},
      {"FF", "abc\xFF", 3},
      {"cut by ASCII", "\xE2\x82x", 0},
      {"cut by another start", "a\xE2\xC3\xA9", 1},
  };
  for (const InvalidCase& c : cases) {
    EXPECT_EQ(find_invalid_utf8(c.text), c.offset_bytes) << c.what;
  }
}

TEST(ModelErrorText, PrintableKeepsOneHarmlessLine) {
  EXPECT_EQ(printable("plain \xC3\xA9"), "plain \xC3\xA9");
  EXPECT_EQ(printable("a\nb\x1B[31m\x7F"), "a\\x0Ab\\x1B[31m\\x7F");
  EXPECT_EQ(printable("\xFF\xC0"), "\\xFF\\xC0");
  EXPECT_EQ(printable("\xC2\x9B"), "\\xC2\\x9B") << "C1 control";
  EXPECT_EQ(printable("\xE2\x80\xAE"), "\\xE2\\x80\\xAE") << "right-to-left override";
  EXPECT_EQ(printable({"\0", 1}), "\\x00");
  EXPECT_EQ(in_quotes("x"), "'x'");
  const std::string cut = printable(std::string(5000, 'x'));
  EXPECT_LT(cut.size(), 200u);
  EXPECT_TRUE(cut.ends_with("..."));
}

}  // namespace
}  // namespace sampan::llm
