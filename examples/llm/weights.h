#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include "model_folder.h"
#include "sampan/sampan.h"

namespace sampan::llm {

/// Called while weights load: bytes done, of how many.
using Progress = std::function<void(std::uint64_t done_bytes, std::uint64_t total_bytes)>;

/// A model's tensors on one device, as they are stored (f32, f16 or bf16).
class Weights {
 public:
  /// Reads the tensors that the config asks for and copies them to the device: the next chunk is
  /// read while the one before is copied. Returns when all are there.
  Weights(const ModelFolder& model, Stream& stream, const Progress& progress);
  /// The same tensors on the stream's device, copied from another one.
  Weights(const Weights& other, Stream& stream);

  /// The tensor of that name; all that the config asks for are there.
  [[nodiscard]] const View& operator[](const std::string& name) const;
  [[nodiscard]] std::uint64_t size_bytes() const noexcept { return size_bytes_; }

 private:
  View add(const std::string& name, DType dtype, std::span<const std::uint64_t> shape,
           Stream& stream);

  std::map<std::string, Buffer> buffers_;
  std::map<std::string, View> views_;
  std::uint64_t size_bytes_ = 0;
};

}  // namespace sampan::llm
