#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config.h"

namespace sampan::llm {

/// A SentencePiece model (tokenizer.model). Move-only; all const calls may run on many threads.
class Tokenizer {
 public:
  /// Loads the file at `path`. Throws ModelError: the file can't be read, is larger than 32 MB, is
  /// no SentencePiece model, or holds something that its library can't be trusted with (see
  /// check_sentencepiece_model).
  [[nodiscard]] static Tokenizer load(const std::filesystem::path& path);

  /// The same from the file's bytes; `name` is its name, for messages.
  [[nodiscard]] static Tokenizer from_bytes(std::string_view bytes, std::string_view name);

  Tokenizer(Tokenizer&&) noexcept;
  Tokenizer& operator=(Tokenizer&&) noexcept;
  ~Tokenizer();

  /// Tokens are numbered from 0 to vocab_size() - 1.
  [[nodiscard]] std::int32_t vocab_size() const;

  /// The tokens that begin and end a text, where the model has them.
  [[nodiscard]] std::optional<std::int32_t> bos_id() const;
  [[nodiscard]] std::optional<std::int32_t> eos_id() const;

  /// The tokens of `text`, without bos and eos. Empty for an empty text.
  /// Throws ModelError "<what>: byte <offset> ..." if `text` isn't valid UTF-8; `what` says what
  /// the text is, such as "--prompt" or a file's name.
  [[nodiscard]] std::vector<std::int32_t> encode(std::string_view text,
                                                 std::string_view what) const;

  /// The text of `tokens` as a whole, from the start of a text.
  /// Throws std::out_of_range for a token outside the vocabulary.
  [[nodiscard]] std::string decode(std::span<const std::int32_t> tokens) const;

  /// Checks that every token of this tokenizer, and the config's bos and eos, have an embedding:
  /// its vocabulary isn't larger than the config's. (A larger one in the config is common: padding,
  /// whose tokens have no text.) Throws ModelError naming both files.
  void check_vocab(const LlamaConfig& config, std::string_view config_file) const;

 private:
  friend class TextStream;
  struct Impl;
  explicit Tokenizer(std::unique_ptr<Impl> impl);

  std::unique_ptr<Impl> impl_;
};

/// Turns tokens into text one at a time. The pieces that push() and finish() return are each valid
/// UTF-8 and together equal Tokenizer::decode of all tokens: a character spelled in several byte
/// tokens comes out whole with the last of them, and the space that the tokenizer puts before a
/// text's first word is left out only at the start. To continue a prompt, push its tokens first and
/// drop what they return. Refers to the tokenizer, which must outlive it. Not for two threads at
/// once.
class TextStream {
 public:
  explicit TextStream(const Tokenizer& tokenizer) : tokenizer_(&tokenizer) {}

  /// The text that `token` adds; often empty. A token from vocab_size() up (see
  /// Tokenizer::check_vocab) has no text. Throws std::out_of_range for a negative token.
  std::string push(std::int32_t token);

  /// The text still held back: U+FFFD for each byte of an unfinished character. The stream is then
  /// as if new.
  std::string finish();

 private:
  std::string take_characters();
  std::string flush_bytes();
  std::string text_of(std::int32_t token);

  const Tokenizer* tokenizer_;
  std::string bytes_;                   ///< an unfinished character
  std::vector<std::int32_t> head_;      ///< tokens at the start that matter but gave no text yet
  std::optional<std::int32_t> anchor_;  ///< a token that gave text; what comes before it is past
};

}  // namespace sampan::llm
