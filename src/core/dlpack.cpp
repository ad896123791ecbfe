#include "sampan/dlpack.h"

#include <algorithm>
#include <array>
#include <memory>
#include <utility>

#include "core/buffer.h"
#include "core/device.h"
#include "core/dlpack_abi.h"
#include "core/error.h"
#include "core/open_device.h"
#include "core/validate/validate.h"

namespace sampan {
namespace {

constexpr std::uint32_t kMajor = 1, kMinor = 1;

struct TypeRow {
  DType dtype;
  DLDataType dl;
};
constexpr std::array kTypes = {
    TypeRow{DType::f32, {kSampanDLFloat, 32, 1}},   TypeRow{DType::f16, {kSampanDLFloat, 16, 1}},
    TypeRow{DType::bf16, {kSampanDLBfloat, 16, 1}}, TypeRow{DType::f64, {kSampanDLFloat, 64, 1}},
    TypeRow{DType::i8, {kSampanDLInt, 8, 1}},       TypeRow{DType::u8, {kSampanDLUInt, 8, 1}},
    TypeRow{DType::i32, {kSampanDLInt, 32, 1}},     TypeRow{DType::u32, {kSampanDLUInt, 32, 1}},
    TypeRow{DType::i64, {kSampanDLInt, 64, 1}},
};

struct DeviceRow {
  std::string_view backend;
  std::int32_t type;
};
constexpr std::array kDevices = {
    DeviceRow{"cpu", kSampanDLCPU},           DeviceRow{"cuda", kSampanDLCUDA},
    DeviceRow{"hip", kSampanDLROCM},          DeviceRow{"opencl", kSampanDLOpenCL},
    DeviceRow{"level_zero", kSampanDLOneAPI},
};

std::int32_t device_type_of(const DeviceInfo& info) {
  for (const DeviceRow& row : kDevices) {
    if (row.backend == info.backend) return row.type;
  }
  core::throw_unsupported("DLPack has no device type for the " + info.backend + " backend");
}

/// Lives as long as the tensor that was handed out.
struct Exported {
  Buffer buffer;
  std::array<std::int64_t, View::kMaxRank> shape{}, strides{};
  DLManagedTensorVersioned tensor{};
};

DLDataType type_of(const View& view) {
  for (const TypeRow& row : kTypes) {
    if (row.dtype == view.dtype()) return row.dl;
  }
  core::throw_unsupported("DLPack has no name for " + std::string(to_string(view.dtype())));
}

DType type_of(const DLDataType& dl) {
  for (const TypeRow& row : kTypes) {
    if (row.dl.code == dl.code && row.dl.bits == dl.bits && row.dl.lanes == dl.lanes) {
      return row.dtype;
    }
  }
  core::throw_invalid("the tensor's element type (code " + std::to_string(dl.code) + ", " +
                      std::to_string(dl.bits) + " bits, " + std::to_string(dl.lanes) +
                      " lanes) is none of Sampan's");
}

struct Layout {
  std::array<std::uint64_t, View::kMaxRank> shape{}, strides{};
  std::size_t rank = 0;
};

Layout layout_of(const DLTensor& tensor) {
  if (tensor.ndim < 0 || tensor.ndim > static_cast<std::int32_t>(View::kMaxRank) ||
      (tensor.ndim > 0 && tensor.shape == nullptr)) {
    core::throw_invalid("the tensor has " + std::to_string(tensor.ndim) +
                        " dimensions; Sampan takes 0 to 6");
  }
  Layout layout;
  layout.rank = static_cast<std::size_t>(tensor.ndim);
  std::uint64_t dense = 1;
  for (std::size_t i = layout.rank; i-- > 0;) {
    const std::int64_t stride =
        tensor.strides != nullptr ? tensor.strides[i] : static_cast<std::int64_t>(dense);
    if (tensor.shape[i] < 0 || stride < 0) {
      core::throw_invalid("the tensor has a negative extent or stride in dimension " +
                          std::to_string(i));
    }
    layout.shape[i] = static_cast<std::uint64_t>(tensor.shape[i]);
    layout.strides[i] = static_cast<std::uint64_t>(stride);
    if (__builtin_mul_overflow(dense, std::max<std::uint64_t>(layout.shape[i], 1), &dense)) {
      core::throw_invalid("the tensor's shape overflows 64 bits");
    }
  }
  return layout;
}

// Bytes from the tensor's data pointer to behind its last element.
std::uint64_t span_bytes(const Layout& layout, DType dtype, std::uint64_t byte_offset) {
  std::uint64_t last = 0;
  for (std::size_t i = 0; i < layout.rank; ++i) {
    if (layout.shape[i] == 0) return byte_offset;
    std::uint64_t step = 0;
    if (__builtin_mul_overflow(layout.shape[i] - 1, layout.strides[i], &step) ||
        __builtin_add_overflow(last, step, &last)) {
      core::throw_invalid("the tensor's shape and strides overflow 64 bits");
    }
  }
  std::uint64_t bytes = 0;
  if (__builtin_mul_overflow(last + 1, std::uint64_t{bits(dtype)} / 8, &bytes) ||
      __builtin_add_overflow(bytes, byte_offset, &bytes)) {
    core::throw_invalid("the tensor's shape and strides overflow 64 bits");
  }
  return bytes;
}

}  // namespace

DLManagedTensorVersioned* to_dlpack(Buffer buffer, const View& view) {
  if (!buffer || view.impl() != buffer.impl()) {
    core::throw_invalid("to_dlpack needs a view into the very buffer that is handed over");
  }
  auto exported = std::make_unique<Exported>();
  const DeviceInfo& info = buffer.impl()->device()->info;
  DLTensor& tensor = exported->tensor.dl_tensor;
  tensor.dtype = type_of(view);
  tensor.device.device_type = device_type_of(info);
  tensor.device.device_id =
      info.backend == "cpu" ? 0 : static_cast<std::int32_t>(buffer.impl()->device()->owner.ordinal);
  const bool is_empty = view.elems() == 0;
  tensor.data = is_empty ? nullptr : buffer.native();
  tensor.byte_offset = is_empty ? 0 : buffer.native_offset_bytes() + view.offset_bytes();
  tensor.ndim = static_cast<std::int32_t>(view.rank());
  for (std::uint32_t i = 0; i < view.rank(); ++i) {
    exported->shape[i] = static_cast<std::int64_t>(view.dim(i));
    exported->strides[i] = static_cast<std::int64_t>(view.stride(i));
  }
  tensor.shape = exported->shape.data();
  tensor.strides = exported->strides.data();
  exported->tensor.version = {kMajor, kMinor};
  exported->tensor.manager_ctx = exported.get();
  exported->tensor.deleter = [](DLManagedTensorVersioned* self) {
    delete static_cast<Exported*>(self->manager_ctx);
  };
  exported->buffer = std::move(buffer);
  return &exported.release()->tensor;
}

Imported from_dlpack(const Device& device, DLManagedTensorVersioned* tensor) {
  if (tensor == nullptr) core::throw_invalid("from_dlpack is given no tensor");
  if (tensor->version.major != kMajor) {
    core::throw_invalid("the tensor is of DLPack " + std::to_string(tensor->version.major) +
                        ".x, Sampan reads 1.x; ask its producer for that version");
  }
  const DLTensor& source = tensor->dl_tensor;
  const DeviceInfo& info = core::require(device).info;
  const bool host_memory =
      source.device.device_type == kSampanDLCPU || source.device.device_type == kSampanDLCUDAHost;
  if (source.device.device_type != device_type_of(info) && !(info.host_access && host_memory)) {
    core::throw_invalid("the tensor's memory (DLPack device type " +
                        std::to_string(source.device.device_type) + ") isn't that of " + info.id);
  }
  const DType dtype = type_of(source.dtype);
  const Layout layout = layout_of(source);
  const std::uint64_t bytes = span_bytes(layout, dtype, source.byte_offset);

  Imported imported;
  imported.buffer =
      bytes == source.byte_offset ? device.allocate(0) : device.wrap(source.data, bytes);
  imported.view = View(imported.buffer, dtype, std::span(layout.shape.data(), layout.rank),
                       std::span(layout.strides.data(), layout.rank),
                       bytes == source.byte_offset ? 0 : source.byte_offset);
  // From here on nothing throws: the tensor is ours.
  imported.buffer.impl()->set_on_release([tensor] {
    if (tensor->deleter != nullptr) tensor->deleter(tensor);
  });
  return imported;
}

}  // namespace sampan
