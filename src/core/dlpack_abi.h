#pragma once

#include <cstdint>

// The layout of DLPack 1.x tensors (dmlc/dlpack, dlpack.h): interface facts, declared here so that
// Sampan needs no header of it. Enumerators are the subset that Sampan exchanges.
extern "C" {

enum : std::int32_t {
  kSampanDLCPU = 1,
  kSampanDLCUDA = 2,
  kSampanDLCUDAHost = 3,
  kSampanDLOpenCL = 4,
  kSampanDLROCM = 10,
  kSampanDLOneAPI = 14,
};
enum : std::uint8_t {
  kSampanDLInt = 0,
  kSampanDLUInt = 1,
  kSampanDLFloat = 2,
  kSampanDLBfloat = 4,
};
enum : std::uint64_t { kSampanDLFlagReadOnly = 1 };

struct DLDevice {
  std::int32_t device_type;
  std::int32_t device_id;
};
struct DLDataType {
  std::uint8_t code;
  std::uint8_t bits;
  std::uint16_t lanes;
};
struct DLTensor {
  void* data;
  DLDevice device;
  std::int32_t ndim;
  DLDataType dtype;
  std::int64_t* shape;
  std::int64_t* strides;  // in elements; null: dense
  std::uint64_t byte_offset;
};
struct DLPackVersion {
  std::uint32_t major;
  std::uint32_t minor;
};
struct DLManagedTensorVersioned {
  DLPackVersion version;
  void* manager_ctx;
  void (*deleter)(DLManagedTensorVersioned* self);
  std::uint64_t flags;
  DLTensor dl_tensor;
};
}
