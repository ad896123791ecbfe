// Loads the input as a SentencePiece model: it is refused with ModelError, or a text can be
// encoded, and streaming the tokens gives what decoding them gives. The library itself isn't
// instrumented: its heap faults show, reads past the end inside it only where they reach a page
// that isn't there.

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "model_error.h"
#include "tokenizer.h"
#include "utf8.h"

namespace {

void check(bool holds) {
  if (!holds) std::abort();
}

constexpr std::string_view kText =
    " The ship \xEF\xB7\xBA sails\n "
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
    " \xC3\xA9\xF0\x9F\x98\x80 \xEF\xBC\xA1 <s><user>";

void use(const sampan::llm::Tokenizer& tokenizer) {
  const auto tokens = tokenizer.encode(kText, "text");
  sampan::llm::TextStream stream(tokenizer);
  std::string text;
  for (const std::int32_t token : tokens) {
    const std::string piece = stream.push(token);
    check(sampan::llm::find_invalid_utf8(piece) == std::string::npos);
    text += piece;
  }
  check(text + stream.finish() == tokenizer.decode(tokens));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size_bytes) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size_bytes);
  try {
    use(sampan::llm::Tokenizer::from_bytes(bytes, "tokenizer.model"));
  } catch (const sampan::llm::ModelError&) {
    return 0;
  }
  return 0;
}
