#include "safetensors.h"

#include <algorithm>
#include <map>
#include <system_error>
#include <utility>

#include "json.h"
#include "model_error.h"

namespace sampan::llm {
namespace {

constexpr std::uint64_t kLengthBytes = 8;
// The format's own limit (MAX_HEADER_SIZE of its reference implementation).
constexpr std::uint64_t kMaxHeaderBytes = 100'000'000;
// An index lists a name and a file per tensor; 100,000 tensors take about 10 MB.
constexpr std::uint64_t kMaxIndexBytes = 64'000'000;
// Each file takes a descriptor, of which a process has 1,024 by default.
constexpr std::size_t kMaxFiles = 512;

constexpr std::string_view kSingleName = "model.safetensors";
constexpr std::string_view kIndexName = "model.safetensors.index.json";
constexpr std::string_view kRemedy = "the file is damaged or wrong, fetch it again";

std::uint64_t little_endian(std::span<const std::byte, kLengthBytes> bytes) {
  std::uint64_t value = 0;
  for (std::size_t i = kLengthBytes; i-- > 0;) {
    value = value << 8 | std::to_integer<std::uint64_t>(bytes[i]);
  }
  return value;
}

std::vector<TensorInfo> read_table(const ModelFile& file) {
  if (file.size_bytes() < kLengthBytes + 2) {
    fail(file.name(), "has ", file.size_bytes(),
         " bytes, too few for a safetensors file; it was cut short, fetch it again");
  }
  std::byte length_bytes[kLengthBytes];
  file.read(0, length_bytes);
  const std::uint64_t header_bytes = little_endian(length_bytes);
  if (header_bytes > file.size_bytes() - kLengthBytes || header_bytes > kMaxHeaderBytes) {
    fail(file.name(), "bytes 0 to 7 ask for a table of ", header_bytes, " bytes, but the file has ",
         file.size_bytes(), " bytes and a table at most ", kMaxHeaderBytes,
         "; it is cut short or no safetensors file, fetch it again");
  }
  // Looked at first, so that a huge file of zeros costs nothing.
  std::byte brace{};
  file.read(kLengthBytes, {&brace, 1});
  if (header_bytes == 0 || brace != std::byte{'{'}) {
    fail(file.name(), "its table does not start with '{' at byte ", kLengthBytes, "; ", kRemedy);
  }
  return parse_safetensors_header(file.read_text(kLengthBytes, header_bytes), file.name(),
                                  kLengthBytes + header_bytes, file.size_bytes());
}

// A name that stays in the folder, whatever the system makes of it.
bool is_plain_name(std::string_view name) {
  constexpr std::size_t kMaxNameBytes = 255;
  return !name.empty() && name.size() <= kMaxNameBytes && name[0] != '.' &&
         name.find_first_of(std::string_view("/\\\0", 3)) == std::string_view::npos;
}

// Tensor name -> file name. Both views live in `parser`.
using WeightMap = std::map<std::string_view, std::string_view>;

WeightMap read_weight_map(simdjson::dom::parser& parser, const simdjson::padded_string& text,
                          std::string_view index) {
  simdjson::dom::object entries;
  bool found = false;
  const JsonSource source{.file = index, .max_depth = 8, .remedy = kRemedy};
  for (const auto [key, value] : parse_json_object(parser, text, source)) {
    if (key != "weight_map") continue;
    if (found) fail(index, "'weight_map' appears twice; ", kRemedy);
    if (value.get_object().get(entries)) fail(index, "'weight_map' is not an object; ", kRemedy);
    found = true;
  }
  if (!found) fail(index, "has no 'weight_map'; ", kRemedy);
  WeightMap map;
  for (const auto [tensor, value] : entries) {
    std::string_view file;
    if (value.get_string().get(file) || !is_plain_name(file)) {
      fail(index, "tensor ", in_quotes(tensor), ": its file ",
           value.is_string() ? in_quotes(file) + " " : "",
           "is not the plain name of a file in the same folder; ", kRemedy);
    }
    if (!map.emplace(tensor, file).second) {
      fail(index, "tensor ", in_quotes(tensor), " appears twice; ", kRemedy);
    }
  }
  return map;
}

bool is_there(const std::filesystem::path& path) {
  std::error_code ignored;
  return std::filesystem::exists(path, ignored);
}

}  // namespace

Safetensors Safetensors::open(const std::filesystem::path& path) {
  std::error_code ignored;
  std::filesystem::path file = path;
  if (std::filesystem::is_directory(path, ignored)) {
    file = path / kSingleName;
    if (!is_there(file)) file = path / kIndexName;
    if (!is_there(file)) {
      fail(path.string(), "the folder holds neither ", kSingleName, " nor ", kIndexName,
           "; check the path given to --model");
    }
  }
  Safetensors result(file.string());
  if (file.extension() == ".json") {
    result.add_index(file);
  } else {
    result.add_file(file);
  }
  result.sort_by_name();
  return result;
}

void Safetensors::add_file(const std::filesystem::path& path) {
  ModelFile file(path);
  std::vector<TensorInfo> table = read_table(file);
  const std::span<const std::byte> bytes = file.map();
  for (TensorInfo& tensor : table) {
    tensor.file_index = files_.size();
    tensors_.push_back(std::move(tensor));
  }
  files_.push_back({std::move(file), bytes});
}

void Safetensors::add_index(const std::filesystem::path& path) {
  simdjson::dom::parser parser;
  const simdjson::padded_string text = read_small_file(path, kMaxIndexBytes);
  WeightMap expected = read_weight_map(parser, text, name_);
  std::map<std::string_view, std::size_t> file_of;
  for (const auto& [tensor, file] : expected) {
    if (!file_of.emplace(file, files_.size()).second) continue;
    if (file_of.size() > kMaxFiles) {
      fail(name_, "names more than ", kMaxFiles, " files; ", kRemedy);
    }
    add_file(path.parent_path() / file);
  }
  for (const TensorInfo& tensor : tensors_) {
    const auto entry = expected.find(tensor.name);
    if (entry == expected.end() || file_of.at(entry->second) != tensor.file_index) {
      fail(file_name(tensor), "tensor ", in_quotes(tensor.name), " is not listed for this file in ",
           printable(name_), "; the files belong to different models, fetch them again");
    }
    expected.erase(entry);
  }
  if (!expected.empty()) {
    const auto& [tensor, file] = *expected.begin();
    fail(files_[file_of.at(file)].file.name(), "tensor ", in_quotes(tensor), " is missing, though ",
         printable(name_),
         " lists it here; the files belong to different models, fetch them again");
  }
}

void Safetensors::sort_by_name() {
  std::sort(tensors_.begin(), tensors_.end(),
            [](const TensorInfo& a, const TensorInfo& b) { return a.name < b.name; });
}

const TensorInfo* Safetensors::find(std::string_view name) const {
  const auto at = std::lower_bound(
      tensors_.begin(), tensors_.end(), name,
      [](const TensorInfo& tensor, std::string_view wanted) { return tensor.name < wanted; });
  return at != tensors_.end() && at->name == name ? &*at : nullptr;
}

std::span<const std::byte> Safetensors::bytes(const TensorInfo& tensor) const {
  return files_[tensor.file_index].bytes.subspan(tensor.offset_bytes, tensor.size_bytes);
}

void Safetensors::read(const TensorInfo& tensor, std::uint64_t offset_bytes,
                       std::span<std::byte> out) const {
  if (offset_bytes > tensor.size_bytes || out.size() > tensor.size_bytes - offset_bytes) {
    fail(file_name(tensor), "tensor ", in_quotes(tensor.name), ": ", out.size(), " bytes at ",
         offset_bytes, " lie outside its ", tensor.size_bytes, " bytes; ask for less");
  }
  files_[tensor.file_index].file.read(tensor.offset_bytes + offset_bytes, out);
}

const std::string& Safetensors::file_name(const TensorInfo& tensor) const {
  return files_[tensor.file_index].file.name();
}

}  // namespace sampan::llm
