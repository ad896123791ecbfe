#pragma once

#include <string_view>

namespace sampan::llm {

/// Checks the bytes of a SentencePiece model before its library sees them. The library parses any
/// protocol buffer safely but trusts what is inside: its lookup tables index memory by numbers from
/// the file, and its buffers have fixed sizes (seen in 0.1.97: normalizer.cc, unigram_model.cc).
/// Throws ModelError naming `file` unless:
///   - it is a well-formed protocol buffer with 1 to 2^20 pieces;
///   - every piece is valid UTF-8, not empty, at most 1,024 bytes, without a zero byte, and at most
///     64 bytes if user-defined;
///   - the normaliser's table has no loop, every step and text stays inside it, at most 32 rules
///     begin alike, no text is longer than 256 bytes, and it takes at most 4 MB;
///   - there is no denormaliser (it would need the whole text, so that text couldn't stream) and no
///     self-test (which would run, and print, while loading).
/// Time and memory are proportional to the size of `bytes`.
/// Format: sentencepiece_model.proto and normalizer.cc of SentencePiece; darts.h of Darts-clone.
void check_sentencepiece_model(std::string_view bytes, std::string_view file);

}  // namespace sampan::llm
