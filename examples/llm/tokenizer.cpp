#include "tokenizer.h"

#include <sentencepiece_processor.h>

#include <charconv>
#include <exception>
#include <stdexcept>
#include <utility>

#include "model_error.h"
#include "model_file.h"
#include "tokenizer_check.h"
#include "utf8.h"

namespace sampan::llm {
namespace {

constexpr std::uint64_t kMaxTokenizerBytes = 32'000'000;
constexpr std::string_view kReplacement = "\xEF\xBF\xBD";  // U+FFFD

}  // namespace

struct Tokenizer::Impl {
  std::string name;
  sentencepiece::SentencePieceProcessor processor;

  // The token that the library decodes when given `token`: where two have one spelling, the
  // control, unknown or byte token.
  std::int32_t meaning_of(std::int32_t token) const {
    return processor.PieceToId(processor.IdToPiece(token));
  }

  // Byte pieces are spelled <0xNN>; the library has checked that.
  char byte_of(std::int32_t token) const {
    const std::string& piece = processor.IdToPiece(token);
    unsigned value = 0;
    std::from_chars(piece.data() + 3, piece.data() + piece.size(), value, 16);
    return static_cast<char>(value);
  }

  std::string decode(const std::vector<int>& tokens) const {
    std::string text;
    const auto status = processor.Decode(tokens, &text);
    if (!status.ok()) throw std::out_of_range(name + ": " + printable(status.message()));
    return text;
  }
};

Tokenizer::Tokenizer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Tokenizer::Tokenizer(Tokenizer&&) noexcept = default;
Tokenizer& Tokenizer::operator=(Tokenizer&&) noexcept = default;
Tokenizer::~Tokenizer() = default;

Tokenizer Tokenizer::load(const std::filesystem::path& path) {
  const simdjson::padded_string bytes = read_small_file(path, kMaxTokenizerBytes);
  return from_bytes({bytes.data(), bytes.size()}, path.string());
}

Tokenizer Tokenizer::from_bytes(std::string_view bytes, std::string_view name) {
  check_sentencepiece_model(bytes, name);
  auto impl = std::make_unique<Impl>();
  impl->name = name;
  const auto fail_load = [&](std::string_view reason) {
    fail(name, "is not a usable SentencePiece model (", printable(reason), "); fetch it again");
  };
  try {
    const auto status = impl->processor.LoadFromSerializedProto(bytes);
    if (!status.ok()) fail_load(status.message());
  } catch (const ModelError&) {
    throw;
  } catch (const std::exception& error) {  // the library's double array throws
    fail_load(error.what());
  }
  return Tokenizer(std::move(impl));
}

std::int32_t Tokenizer::vocab_size() const { return impl_->processor.GetPieceSize(); }

std::optional<std::int32_t> Tokenizer::bos_id() const {
  const int id = impl_->processor.bos_id();
  return id < 0 ? std::nullopt : std::optional<std::int32_t>(id);
}

std::optional<std::int32_t> Tokenizer::eos_id() const {
  const int id = impl_->processor.eos_id();
  return id < 0 ? std::nullopt : std::optional<std::int32_t>(id);
}

std::vector<std::int32_t> Tokenizer::encode(std::string_view text, std::string_view what) const {
  const std::size_t invalid_at = find_invalid_utf8(text);
  if (invalid_at != text.npos) {
    fail(what, "byte ", invalid_at,
         " is not part of a valid UTF-8 character; give the text as "
         "UTF-8");
  }
  std::vector<int> tokens;
  const auto status = impl_->processor.Encode(text, &tokens);
  if (!status.ok()) {
    fail(impl_->name, "cannot encode ", printable(what), " (", printable(status.message()),
         "); choose another text or tokenizer");
  }
  return tokens;
}

std::string Tokenizer::decode(std::span<const std::int32_t> tokens) const {
  return impl_->decode({tokens.begin(), tokens.end()});
}

void Tokenizer::check_vocab(const LlamaConfig& config, std::string_view config_file) const {
  if (vocab_size() > config.vocab_size) {
    fail(impl_->name, "has ", vocab_size(), " tokens but 'vocab_size' in ", printable(config_file),
         " is ", config.vocab_size, "; the files belong to different models, fetch them again");
  }
}

std::string TextStream::push(std::int32_t token) {
  if (token < 0) throw std::out_of_range("there is no token " + std::to_string(token));
  const auto& impl = *tokenizer_->impl_;
  if (token >= tokenizer_->vocab_size()) return flush_bytes();
  if (!impl.processor.IsByte(impl.meaning_of(token))) {
    std::string text = flush_bytes();
    return text += text_of(token);
  }
  anchor_ = token;  // whatever follows, it gives text before any other token does
  bytes_ += impl.byte_of(token);
  return take_characters();
}

std::string TextStream::finish() {
  std::string text = flush_bytes();
  *this = TextStream(*tokenizer_);
  return text;
}

// Whole characters at the start of bytes_, and U+FFFD for each byte there that starts none.
std::string TextStream::take_characters() {
  std::string text;
  while (!bytes_.empty()) {
    const Utf8Prefix prefix = utf8_prefix(bytes_);
    if (prefix.start == Utf8Start::kIncomplete) break;
    text += prefix.start == Utf8Start::kCharacter ? bytes_.substr(0, prefix.size_bytes)
                                                  : std::string(kReplacement);
    bytes_.erase(0, prefix.size_bytes);
  }
  return text;
}

std::string TextStream::flush_bytes() {
  std::string text;
  for (std::size_t i = 0; i < bytes_.size(); ++i) text += kReplacement;
  bytes_.clear();
  return text;
}

// Asks the library, which knows the rules for spaces, with just the context that they look at.
std::string TextStream::text_of(std::int32_t token) {
  const auto& impl = *tokenizer_->impl_;
  if (anchor_) {
    return impl.decode({*anchor_, token}).substr(impl.decode({*anchor_}).size());
  }
  head_.push_back(token);
  std::string text = impl.decode(head_);
  if (!text.empty()) {
    anchor_ = token;
    return text;
  }
  // Controls have no part in the rules, and a second piece of only a space repeats the first.
  const std::int32_t meaning = impl.meaning_of(token);
  if (impl.processor.IsControl(meaning) || impl.processor.IsUnknown(meaning) || head_.size() > 1) {
    head_.pop_back();
  }
  return text;
}

}  // namespace sampan::llm
