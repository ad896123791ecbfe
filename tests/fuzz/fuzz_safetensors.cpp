// Opens the input as a .safetensors file: it is refused with ModelError, or its tensors cover its
// data exactly and can be read.

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <vector>

#include "memory_file.h"
#include "model_error.h"
#include "safetensors.h"

namespace {

void check(bool holds) {
  if (!holds) std::abort();
}

void check_tensors(const sampan::llm::Safetensors& file) {
  const sampan::llm::TensorInfo* previous = nullptr;
  for (const sampan::llm::TensorInfo& tensor : file.tensors()) {
    check(previous == nullptr || previous->name < tensor.name);
    previous = &tensor;
    check(file.find(tensor.name) == &tensor);
    const auto bytes = file.bytes(tensor);
    check(bytes.size() == tensor.size_bytes);
    std::vector<std::byte> copy(bytes.size());
    file.read(tensor, 0, copy);
    check(std::equal(copy.begin(), copy.end(), bytes.begin()));
    check(!describe(tensor.dtype, tensor.shape).empty());
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size_bytes) {
  const sampan::fuzz::MemoryFile input(data, size_bytes);
  try {
    check_tensors(sampan::llm::Safetensors::open(input.path()));
  } catch (const sampan::llm::ModelError&) {
    return 0;
  }
  return 0;
}
