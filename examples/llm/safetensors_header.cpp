#include <algorithm>
#include <array>
#include <optional>
#include <tuple>

#include "json.h"
#include "model_error.h"
#include "safetensors.h"

namespace sampan::llm {
namespace {

struct StoredDTypeRow {
  std::string_view name;
  StoredDType dtype;
  std::uint64_t size_bytes;
};

// In the order of the enumerators.
constexpr std::array kDTypes = {
    StoredDTypeRow{"BOOL", StoredDType::kBool, 1},
    StoredDTypeRow{"U8", StoredDType::kU8, 1},
    StoredDTypeRow{"I8", StoredDType::kI8, 1},
    StoredDTypeRow{"F8_E4M3", StoredDType::kF8E4M3, 1},
    StoredDTypeRow{"F8_E5M2", StoredDType::kF8E5M2, 1},
    StoredDTypeRow{"U16", StoredDType::kU16, 2},
    StoredDTypeRow{"I16", StoredDType::kI16, 2},
    StoredDTypeRow{"F16", StoredDType::kF16, 2},
    StoredDTypeRow{"BF16", StoredDType::kBF16, 2},
    StoredDTypeRow{"U32", StoredDType::kU32, 4},
    StoredDTypeRow{"I32", StoredDType::kI32, 4},
    StoredDTypeRow{"F32", StoredDType::kF32, 4},
    StoredDTypeRow{"U64", StoredDType::kU64, 8},
    StoredDTypeRow{"I64", StoredDType::kI64, 8},
    StoredDTypeRow{"F64", StoredDType::kF64, 8},
};

const StoredDTypeRow& row_of(StoredDType dtype) { return kDTypes[static_cast<std::size_t>(dtype)]; }

constexpr std::string_view kRemedy = "the file is damaged or wrong, fetch it again";

// Reads one tensor's entry of the table; everything it throws names the file and the tensor.
class EntryReader {
 public:
  EntryReader(std::string_view file, std::string_view tensor) : file_(file), tensor_(tensor) {}

  // offset_bytes is still relative to the data, as in the file.
  TensorInfo read(simdjson::dom::element entry) {
    simdjson::dom::object fields;
    if (entry.get_object().get(fields)) fail_tensor("its entry is not an object");
    TensorInfo info;
    info.name = tensor_;
    std::array<bool, 3> seen{};
    for (const auto [key, value] : fields) {
      const auto known = std::find(kFields.begin(), kFields.end(), key);
      if (known == kFields.end()) fail_tensor("unknown field ", in_quotes(key));
      const auto index = static_cast<std::size_t>(known - kFields.begin());
      if (seen[index]) fail_tensor("field ", in_quotes(key), " appears twice");
      seen[index] = true;
      if (index == 0) info.dtype = read_dtype(value);
      if (index == 1) info.shape = read_shape(value);
      if (index == 2) read_offsets(value, info);
    }
    for (std::size_t i = 0; i < seen.size(); ++i) {
      if (!seen[i]) fail_tensor("field ", in_quotes(kFields[i]), " is missing");
    }
    check_size(info);
    return info;
  }

 private:
  static constexpr std::array<std::string_view, 3> kFields = {"dtype", "shape", "data_offsets"};

  template <class... Parts>
  [[noreturn]] void fail_tensor(const Parts&... parts) const {
    fail(file_, "tensor ", in_quotes(tensor_), ": ", parts..., "; ", kRemedy);
  }

  StoredDType read_dtype(simdjson::dom::element value) const {
    std::string_view name;
    if (value.get_string().get(name)) fail_tensor("its dtype is not a string");
    for (const StoredDTypeRow& row : kDTypes) {
      if (row.name == name) return row.dtype;
    }
    fail_tensor("dtype ", in_quotes(name), " is unknown");
  }

  std::vector<std::uint64_t> read_shape(simdjson::dom::element value) const {
    simdjson::dom::array extents;
    if (value.get_array().get(extents)) fail_tensor("its shape is not an array");
    std::vector<std::uint64_t> shape;
    for (const simdjson::dom::element item : extents) {
      std::uint64_t extent = 0;
      if (item.get_uint64().get(extent)) {
        fail_tensor("extent ", shape.size(), " of its shape is not a whole number from 0 up");
      }
      if (shape.size() == TensorInfo::kMaxRank) {
        fail_tensor("its shape has more than ", TensorInfo::kMaxRank, " extents");
      }
      shape.push_back(extent);
    }
    return shape;
  }

  void read_offsets(simdjson::dom::element value, TensorInfo& info) const {
    simdjson::dom::array offsets;
    std::array<std::uint64_t, 2> ends{};
    std::size_t count = 0;
    if (!value.get_array().get(offsets)) {
      for (const simdjson::dom::element item : offsets) {
        if (count == ends.size() || item.get_uint64().get(ends[count])) {
          count = 0;
          break;
        }
        ++count;
      }
    }
    if (count != ends.size()) {
      fail_tensor("its data_offsets are not two whole numbers from 0 up");
    }
    if (ends[1] < ends[0]) {
      fail_tensor("its data_offsets [", ends[0], ", ", ends[1], "] end before they begin");
    }
    info.offset_bytes = ends[0];
    info.size_bytes = ends[1] - ends[0];
  }

  void check_size(const TensorInfo& info) const {
    std::uint64_t size_bytes = dtype_size_bytes(info.dtype);
    bool overflow = false;
    for (const std::uint64_t extent : info.shape) {
      overflow = overflow || __builtin_mul_overflow(size_bytes, extent, &size_bytes);
    }
    if (overflow) {
      fail_tensor(describe(info.dtype, info.shape), " takes more bytes than any file can hold");
    }
    if (size_bytes != info.size_bytes) {
      fail_tensor("data_offsets [", info.offset_bytes, ", ", info.offset_bytes + info.size_bytes,
                  "] hold ", info.size_bytes, " bytes but ", describe(info.dtype, info.shape),
                  " takes ", size_bytes);
    }
  }

  std::string_view file_;
  std::string_view tensor_;
};

void check_metadata(simdjson::dom::element value, std::string_view file) {
  simdjson::dom::object entries;
  bool valid = !value.get_object().get(entries);
  if (valid) {
    for (const auto [key, text] : entries) valid = valid && text.is_string();
  }
  if (!valid) fail(file, "'__metadata__' is not an object of strings; ", kRemedy);
}

void check_names(const std::vector<TensorInfo>& tensors, std::string_view file) {
  std::vector<std::string_view> names;
  names.reserve(tensors.size());
  for (const TensorInfo& tensor : tensors) names.push_back(tensor.name);
  std::sort(names.begin(), names.end());
  const auto twice = std::adjacent_find(names.begin(), names.end());
  if (twice != names.end()) fail(file, "tensor ", in_quotes(*twice), " appears twice; ", kRemedy);
}

// Sorts by place in the file, requires that the data is covered exactly once, and makes the offsets
// relative to the file.
void lay_out(std::vector<TensorInfo>& tensors, std::string_view file,
             std::uint64_t data_offset_bytes, std::uint64_t file_size_bytes) {
  const auto place = [](const TensorInfo& t) {
    return std::tie(t.offset_bytes, t.size_bytes, t.name);
  };
  std::sort(tensors.begin(), tensors.end(),
            [&](const TensorInfo& a, const TensorInfo& b) { return place(a) < place(b); });
  const std::uint64_t data_size_bytes = file_size_bytes - data_offset_bytes;
  std::uint64_t end = 0;
  for (TensorInfo& tensor : tensors) {
    if (tensor.offset_bytes != end) {
      fail(file, "tensor ", in_quotes(tensor.name), ": its data begins at byte ",
           tensor.offset_bytes, " of the data, ",
           tensor.offset_bytes < end ? "inside" : "with a gap after",
           " the tensor before it, which ends at ", end, "; ", kRemedy);
    }
    if (tensor.size_bytes > data_size_bytes - end) {
      fail(file, "tensor ", in_quotes(tensor.name), ": its ", tensor.size_bytes,
           " bytes begin at byte ", data_offset_bytes + end, " of a file that ends at ",
           file_size_bytes, "; it was cut short, fetch it again");
    }
    end += tensor.size_bytes;
    tensor.offset_bytes += data_offset_bytes;
  }
  if (end != data_size_bytes) {
    fail(file, "the ", data_size_bytes - end, " bytes from byte ", data_offset_bytes + end,
         " to the end belong to no tensor; ", kRemedy);
  }
}

}  // namespace

std::string_view dtype_name(StoredDType dtype) { return row_of(dtype).name; }

std::uint64_t dtype_size_bytes(StoredDType dtype) { return row_of(dtype).size_bytes; }

std::string describe(StoredDType dtype, std::span<const std::uint64_t> shape) {
  std::string out(dtype_name(dtype));
  out += " [";
  for (std::size_t i = 0; i < shape.size(); ++i) {
    out += (i == 0 ? "" : ", ") + std::to_string(shape[i]);
  }
  return out + "]";
}

std::vector<TensorInfo> parse_safetensors_header(const simdjson::padded_string& header,
                                                 std::string_view file,
                                                 std::uint64_t data_offset_bytes,
                                                 std::uint64_t file_size_bytes) {
  simdjson::dom::parser parser;
  // Three levels: the table, an entry, its shape. simdjson counts one more.
  const JsonSource source{.file = file,
                          .first_byte = data_offset_bytes - header.size(),
                          .max_depth = 4,
                          .remedy = kRemedy};
  std::vector<TensorInfo> tensors;
  std::size_t metadata_count = 0;
  for (const auto [key, value] : parse_json_object(parser, header, source)) {
    if (key == "__metadata__") {
      check_metadata(value, file);
      if (++metadata_count == 2) fail(file, "'__metadata__' appears twice; ", kRemedy);
    } else {
      tensors.push_back(EntryReader(file, key).read(value));
    }
  }
  check_names(tensors, file);
  lay_out(tensors, file, data_offset_bytes, file_size_bytes);
  return tensors;
}

}  // namespace sampan::llm
