#include "weights.h"

#include <algorithm>
#include <array>
#include <vector>

namespace sampan::llm {
namespace {

// Large enough that a disk streams, small enough that two of them are no burden.
constexpr std::uint64_t kChunkBytes = 8ull << 20;

DType to_dtype(StoredDType stored) {
  switch (stored) {
    case StoredDType::kF16:
      return DType::f16;
    case StoredDType::kBF16:
      return DType::bf16;
    default:
      return DType::f32;  // check_tensors let nothing else through
  }
}

/// Two pinned buffers in turn: one is filled from disk while the other one's copy runs.
class Uploader {
 public:
  explicit Uploader(Stream& stream) : stream_(stream) {
    for (Slot& slot : slots_) {
      slot.staging = stream.device().allocate(kChunkBytes, MemoryKind::host);
      slot.copied = stream.device().create_event();
    }
  }

  void upload(const View& dst, std::uint64_t offset_bytes, std::uint64_t size_bytes,
              const std::function<void(std::span<std::byte>)>& read) {
    Slot& slot = slots_[next_++ % slots_.size()];
    slot.copied.wait();
    const std::span<std::byte> chunk(slot.staging.host<std::byte>(), size_bytes);
    read(chunk);
    stream_.copy_from_host(dst.slice(0, offset_bytes, size_bytes), std::as_bytes(chunk));
    stream_.record(slot.copied);
  }

 private:
  struct Slot {
    Buffer staging;
    Event copied;
  };
  Stream& stream_;
  std::array<Slot, 2> slots_;
  std::size_t next_ = 0;
};

}  // namespace

View Weights::add(const std::string& name, DType dtype, std::span<const std::uint64_t> shape,
                  Stream& stream) {
  std::uint64_t elems = 1;
  std::vector<std::uint64_t> strides(shape.size());
  for (std::size_t i = shape.size(); i-- > 0; elems *= shape[i]) strides[i] = elems;
  Buffer buffer = stream.allocate(bytes_for(dtype, elems));
  const View view(buffer, dtype, shape, strides);
  size_bytes_ += buffer.size_bytes();
  buffers_.emplace(name, std::move(buffer));
  views_.emplace(name, view);
  return view;
}

Weights::Weights(const ModelFolder& model, Stream& stream, const Progress& progress) {
  const auto expected = expected_tensors(model.config);
  std::uint64_t total = 0, done = 0;
  for (const ExpectedTensor& tensor : expected) {
    total += model.weights.find(tensor.name)->size_bytes;
  }
  Uploader uploader(stream);
  for (const ExpectedTensor& tensor : expected) {
    const TensorInfo& stored = *model.weights.find(tensor.name);
    add(tensor.name, to_dtype(stored.dtype), stored.shape, stream);
    const View bytes = buffers_.at(tensor.name).view(DType::u8);
    for (std::uint64_t at = 0; at < stored.size_bytes; at += kChunkBytes) {
      const std::uint64_t chunk = std::min(kChunkBytes, stored.size_bytes - at);
      uploader.upload(bytes, at, chunk,
                      [&](std::span<std::byte> out) { model.weights.read(stored, at, out); });
      done += chunk;
      if (progress) progress(done, total);
    }
  }
  stream.synchronize();
}

Weights::Weights(const Weights& other, Stream& stream) {
  for (const auto& [name, view] : other.views_) {
    stream.copy(add(name, view.dtype(), view.shape(), stream), view);
  }
  stream.synchronize();
}

const View& Weights::operator[](const std::string& name) const { return views_.at(name); }

}  // namespace sampan::llm
