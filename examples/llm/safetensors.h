#pragma once

#include <simdjson.h>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "model_file.h"

namespace sampan::llm {

/// Element types of the format that take whole bytes. Values are little-endian in the file.
enum class StoredDType {
  kBool,
  kU8,
  kI8,
  kF8E4M3,
  kF8E5M2,
  kU16,
  kI16,
  kF16,
  kBF16,
  kU32,
  kI32,
  kF32,
  kU64,
  kI64,
  kF64,
};

/// The format's name for `dtype`, such as "BF16".
[[nodiscard]] std::string_view dtype_name(StoredDType dtype);

/// Bytes of one element.
[[nodiscard]] std::uint64_t dtype_size_bytes(StoredDType dtype);

/// One tensor's place in a file. Row-major and dense: size_bytes is the product of the shape times
/// the element's size.
struct TensorInfo {
  std::string name;
  StoredDType dtype{};
  std::vector<std::uint64_t> shape;  ///< at most kMaxRank extents; none for a scalar
  std::uint64_t offset_bytes = 0;    ///< from the start of the file; of no given alignment
  std::uint64_t size_bytes = 0;
  std::size_t file_index = 0;  ///< which of the opened files, see Safetensors::file_name

  static constexpr std::size_t kMaxRank = 8;
};

/// "BF16 [4, 8]", for messages.
[[nodiscard]] std::string describe(StoredDType dtype, std::span<const std::uint64_t> shape);

/// The table of contents of one .safetensors file, whose JSON is `header`, in the order of its
/// data. The data follows at `data_offset_bytes` and ends with the file, of `file_size_bytes`.
/// Throws ModelError naming `file` for every way in which the table can be wrong: no JSON; unknown
/// or repeated fields; a name twice; an unknown dtype; a shape that overflows; offsets that leave
/// the file, overlap, leave a gap, or disagree with the shape.
/// Memory used is proportional to the size of `header`, not to any number in it.
/// Format: https://github.com/huggingface/safetensors, "Format".
[[nodiscard]] std::vector<TensorInfo> parse_safetensors_header(
    const simdjson::padded_string& header, std::string_view file, std::uint64_t data_offset_bytes,
    std::uint64_t file_size_bytes);

/// The tensors of a model: one .safetensors file, or several with an index. Everything in their
/// tables is checked by open(); afterwards every span lies within its file.
/// Move-only. All const calls may run on many threads at once.
class Safetensors {
 public:
  /// Opens `path`: a .safetensors file, a .index.json file, or a folder that holds
  /// model.safetensors or else model.safetensors.index.json.
  /// Maps the files and reads their tables only. Throws ModelError: see parse_safetensors_header;
  /// for an index also: a file name that isn't plain, a tensor that is missing from its file, is in
  /// another one, or isn't listed. The index's "metadata" is not looked at (sizes there are often
  /// wrong in models that load well).
  [[nodiscard]] static Safetensors open(const std::filesystem::path& path);

  /// All tensors, sorted by name.
  [[nodiscard]] std::span<const TensorInfo> tensors() const { return tensors_; }

  /// The tensor of that name, or null. Lives as long as this object stays where it is.
  [[nodiscard]] const TensorInfo* find(std::string_view name) const;

  /// The tensor's bytes in the mapped file; see ModelFile::map about files that shrink.
  /// `tensor` is one of tensors().
  [[nodiscard]] std::span<const std::byte> bytes(const TensorInfo& tensor) const;

  /// Reads out.size() bytes at `offset_bytes` of the tensor, which must lie within it, without the
  /// map: slower by a copy, but a file that shrinks gives an error. Blocks on the disk.
  /// Throws ModelError as ModelFile::read does, and for a range outside the tensor.
  void read(const TensorInfo& tensor, std::uint64_t offset_bytes, std::span<std::byte> out) const;

  /// Path of the file that holds `tensor`, for messages.
  [[nodiscard]] const std::string& file_name(const TensorInfo& tensor) const;

  /// Path that was opened, for messages: the single file, or the index.
  [[nodiscard]] const std::string& name() const { return name_; }

 private:
  struct MappedFile {
    ModelFile file;
    std::span<const std::byte> bytes;
  };

  explicit Safetensors(std::string name) : name_(std::move(name)) {}
  void add_file(const std::filesystem::path& path);
  void add_index(const std::filesystem::path& path);
  void sort_by_name();

  std::string name_;
  std::vector<MappedFile> files_;
  std::vector<TensorInfo> tensors_;
};

}  // namespace sampan::llm
