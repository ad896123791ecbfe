#include "tokenizer_check.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <optional>
#include <vector>

#include "model_error.h"
#include "utf8.h"

namespace sampan::llm {
namespace {

constexpr std::string_view kRemedy =
    "the file is damaged or no SentencePiece model, fetch it again";

// sentencepiece_model.proto: ModelProto, ModelProto.SentencePiece, NormalizerSpec.
enum ModelField : std::uint64_t {
  kPieces = 1,
  kNormalizer = 3,
  kSelfTest = 4,
  kDenormalizer = 5,
};
enum PieceField : std::uint64_t { kPieceText = 1, kPieceType = 3 };
constexpr std::uint64_t kUserDefined = 4;
constexpr std::uint64_t kCharsMap = 2;

constexpr std::size_t kMaxPieces = std::size_t{1} << 20;
constexpr std::size_t kMaxPieceBytes = 1024;
// The library collects the user-defined pieces that match at one place in an array of 64, and each
// of them has a different length.
constexpr std::size_t kMaxUserDefinedBytes = 64;
constexpr std::size_t kMaxCharsMapBytes = std::size_t{4} << 20;
// Normalizer::kMaxTrieResultsSize.
constexpr int kMaxRulesAlike = 32;
// What one character of a prompt may grow to; the longest of NFKC is 33 bytes (U+FDFA).
constexpr std::size_t kMaxRuleBytes = 256;

enum WireType : std::uint64_t { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };

struct Field {
  std::uint64_t number = 0;
  std::uint64_t wire_type = 0;
  std::uint64_t value = 0;       ///< of a number
  std::string_view bytes;        ///< of a string, or of an embedded message
  std::size_t offset_bytes = 0;  ///< of the field within the file
};

// Reads the fields of one message of the protocol-buffer wire format.
class FieldReader {
 public:
  FieldReader(std::string_view bytes, std::size_t offset_bytes, std::string_view file)
      : bytes_(bytes), offset_bytes_(offset_bytes), file_(file) {}

  std::optional<Field> next() {
    if (at_ == bytes_.size()) return std::nullopt;
    Field field;
    field.offset_bytes = offset_bytes_ + at_;
    const std::uint64_t key = varint();
    // The library cuts longer keys to 32 bits, which would make them another field's.
    if (key > 0xFFFFFFFF || key >> 3 == 0) fail_here("no field has the key ", key);
    field.number = key >> 3;
    field.wire_type = key & 7;
    switch (field.wire_type) {
      case kVarint:
        field.value = varint();
        break;
      case kFixed64:
        field.bytes = take(8);
        break;
      case kBytes:
        field.bytes = take(varint());
        break;
      case kFixed32:
        field.bytes = take(4);
        break;
      default:
        fail_here("unknown wire type ", field.wire_type);
    }
    return field;
  }

  // True if `field`, just returned by next(), is the one of that number. Another wire type is
  // refused: the library would pass the field over.
  bool is(const Field& field, std::uint64_t number, std::uint64_t wire_type) const {
    if (field.number != number) return false;
    if (field.wire_type != wire_type) {
      fail_here("field ", number, " has wire type ", field.wire_type, ", not ", wire_type);
    }
    return true;
  }

  // The fields of `field`, an embedded message that next() has just returned.
  FieldReader inside(const Field& field) const {
    return {field.bytes, offset_bytes_ + at_ - field.bytes.size(), file_};
  }

 private:
  template <class... Parts>
  [[noreturn]] void fail_here(const Parts&... parts) const {
    fail(file_, "byte ", offset_bytes_ + at_, ": ", parts..., "; ", kRemedy);
  }

  std::uint64_t varint() {
    std::uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      if (at_ == bytes_.size()) fail_here("a number is cut short");
      const auto byte = static_cast<unsigned char>(bytes_[at_++]);
      value |= static_cast<std::uint64_t>(byte & 0x7F) << shift;
      if (byte < 0x80) return value;
    }
    fail_here("a number has more than 10 bytes");
  }

  std::string_view take(std::uint64_t size_bytes) {
    const std::size_t left_bytes = bytes_.size() - at_;
    if (size_bytes > left_bytes) {
      fail_here("a field of ", size_bytes, " bytes has only ", left_bytes, " left");
    }
    const std::string_view taken = bytes_.substr(at_, size_bytes);
    at_ += size_bytes;
    return taken;
  }

  std::string_view bytes_;
  std::size_t offset_bytes_;
  std::string_view file_;
  std::size_t at_ = 0;
};

void check_piece(FieldReader reader, std::size_t offset_bytes, std::string_view file) {
  std::string_view text;  // of a field given twice the library takes the last
  bool user_defined = false;
  while (const auto field = reader.next()) {
    if (reader.is(*field, kPieceText, kBytes)) text = field->bytes;
    if (reader.is(*field, kPieceType, kVarint)) {
      user_defined = user_defined || static_cast<std::uint32_t>(field->value) == kUserDefined;
    }
  }
  const std::size_t limit_bytes = user_defined ? kMaxUserDefinedBytes : kMaxPieceBytes;
  if (text.empty() || text.size() > limit_bytes) {
    fail(file, "the piece at byte ", offset_bytes, " has ", text.size(), " bytes, not 1 to ",
         limit_bytes, "; ", kRemedy);
  }
  if (text.find('\0') != text.npos || find_invalid_utf8(text) != text.npos) {
    fail(file, "the piece ", in_quotes(text), " at byte ", offset_bytes,
         " is not valid UTF-8 without a zero; ", kRemedy);
  }
}

// A unit of Darts-clone's double array, in which node `base` has its edge of label c in the unit at
// base ^ c, if that unit has that label.
struct Unit {
  std::uint32_t bits;
  bool has_value() const { return (bits >> 8 & 1) != 0; }
  std::uint32_t value() const { return bits & 0x7FFFFFFF; }
  std::uint32_t label() const { return bits & 0x800000FF; }
  std::uint32_t offset() const { return (bits >> 10) << ((bits & (1u << 9)) >> 6); }
};

class CharsMap {
 public:
  // Layout: the size of the array in bytes (u32), the array, the texts, each ending in zero.
  CharsMap(std::string_view bytes, std::size_t offset_bytes, std::string_view file)
      : offset_bytes_(offset_bytes), file_(file) {
    if (bytes.size() > kMaxCharsMapBytes) {
      fail_map("has ", bytes.size(), " bytes, more than ", kMaxCharsMapBytes);
    }
    std::uint32_t array_bytes = 0;
    if (bytes.size() < sizeof(array_bytes)) fail_map("is cut short");
    std::memcpy(&array_bytes, bytes.data(), sizeof(array_bytes));
    bytes.remove_prefix(sizeof(array_bytes));
    if (array_bytes >= bytes.size() || array_bytes == 0 || array_bytes % sizeof(Unit) != 0) {
      fail_map("has ", bytes.size(), " bytes but claims a table of ", array_bytes);
    }
    units_.resize(array_bytes / sizeof(Unit));
    std::memcpy(units_.data(), bytes.data(), array_bytes);
    texts_ = bytes.substr(array_bytes);
    if (texts_.back() != '\0') fail_map("ends in an unfinished text");
  }

  // Walks depth first over all that a lookup could reach, each node once: Darts-clone lets equal
  // endings share nodes, so the table is a graph, but one without loops.
  void check() {
    progress_.resize(units_.size());
    std::vector<std::uint32_t> path = {follow(0)};
    progress_[path.back()].begun = true;
    while (!path.empty()) {
      Progress& node = progress_[path.back()];
      if (node.next_label == kLabels) {
        path.pop_back();
        continue;
      }
      const std::uint32_t at = path.back() ^ node.next_label;
      if (units_[at].label() != node.next_label) {
        ++node.next_label;
        continue;
      }
      const std::uint32_t child = follow(at);
      if (!progress_[child].begun) {
        progress_[child].begun = true;
        path.push_back(child);  // and come back to this label
        continue;
      }
      finish_child(node, at, child);
    }
  }

 private:
  static constexpr std::uint32_t kLabels = 256;

  struct Progress {
    std::uint16_t next_label = 0;
    bool begun = false;
    std::uint8_t rules = 0;  ///< the most that end on one way down from here
  };

  // The node that the unit at `at` leads to, after checking what a lookup does there.
  std::uint32_t follow(std::uint32_t at) const {
    const Unit unit = units_[at];
    const std::uint32_t base = at ^ unit.offset();
    // Any label may be looked up next: all places must exist.
    if ((base | (kLabels - 1)) >= units_.size()) fail_map("leads outside itself");
    if (unit.has_value()) check_text(units_[base].value());
    return base;
  }

  void finish_child(Progress& node, std::uint32_t at, std::uint32_t child) const {
    if (progress_[child].next_label != kLabels) fail_map("has a loop");
    const int rules = progress_[child].rules + (units_[at].has_value() ? 1 : 0);
    if (rules > kMaxRulesAlike) {
      fail_map("has more than ", kMaxRulesAlike, " rules that begin alike");
    }
    node.rules = static_cast<std::uint8_t>(std::max<int>(node.rules, rules));
    ++node.next_label;
  }

  void check_text(std::size_t at) const {
    if (at >= texts_.size()) fail_map("has a rule whose text lies outside it");
    if (texts_.find('\0', at) - at > kMaxRuleBytes) {
      fail_map("has a rule whose text is longer than ", kMaxRuleBytes, " bytes");
    }
  }

  template <class... Parts>
  [[noreturn]] void fail_map(const Parts&... parts) const {
    fail(file_, "the normaliser's table at byte ", offset_bytes_, " ", parts..., "; ", kRemedy);
  }

  std::size_t offset_bytes_;
  std::string_view file_;
  std::vector<Unit> units_;
  std::vector<Progress> progress_;  ///< of each node, by its base
  std::string_view texts_;
};

// Gives every table of a normaliser's message to `visit`.
template <class Visit>
void for_each_chars_map(FieldReader reader, const Visit& visit) {
  while (const auto field = reader.next()) {
    if (reader.is(*field, kCharsMap, kBytes) && !field->bytes.empty()) visit(*field);
  }
}

void check_normalizer(FieldReader reader, std::string_view file) {
  for_each_chars_map(
      reader, [&](const Field& field) { CharsMap(field.bytes, field.offset_bytes, file).check(); });
}

// One without a table does nothing.
void check_denormalizer(FieldReader reader, std::string_view file) {
  for_each_chars_map(reader, [&](const Field& field) {
    fail(file, "holds a denormaliser at byte ", field.offset_bytes,
         ", which is not supported; train the tokenizer without denormalization rules");
  });
}

}  // namespace

void check_sentencepiece_model(std::string_view bytes, std::string_view file) {
  FieldReader reader(bytes, 0, file);
  std::size_t piece_count = 0;
  while (const auto field = reader.next()) {
    if (reader.is(*field, kPieces, kBytes)) {
      if (++piece_count > kMaxPieces) {
        fail(file, "holds more than ", kMaxPieces, " pieces; ", kRemedy);
      }
      check_piece(reader.inside(*field), field->offset_bytes, file);
    }
    if (reader.is(*field, kNormalizer, kBytes)) check_normalizer(reader.inside(*field), file);
    if (reader.is(*field, kDenormalizer, kBytes)) check_denormalizer(reader.inside(*field), file);
    if (reader.is(*field, kSelfTest, kBytes) && !field->bytes.empty()) {
      fail(file, "holds a self-test at byte ", field->offset_bytes,
           ", which is not supported; train the tokenizer without self_test_sample_size");
    }
  }
  if (piece_count == 0) fail(file, "holds no pieces; ", kRemedy);
}

}  // namespace sampan::llm
