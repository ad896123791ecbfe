#pragma once

#include "sampan/device.h"
#include "sampan/view.h"

struct DLManagedTensorVersioned;  // dlpack.h 1.x

namespace sampan {

/// Exchange of tensors with other frameworks without copying (DLPack 1.x).
///
/// Hands out the view's memory; `buffer` must be the one the view looks into and moves into the
/// returned tensor, which frees it by its `deleter`. Work that wrote it must be complete, or the
/// consumer must wait for it. unsupported: an element type or device that DLPack has no name for.
[[nodiscard]] DLManagedTensorVersioned* to_dlpack(Buffer buffer, const View& view);

/// A tensor taken over from somebody else: the buffer wraps its memory and calls its deleter when
/// destroyed.
struct Imported {
  Buffer buffer;
  View view;
};
/// `device` is the Sampan device that reaches the tensor's memory. invalid_argument: another major
/// version, a device that is not `device`, negative strides, a lying shape.
[[nodiscard]] Imported from_dlpack(const Device& device, DLManagedTensorVersioned* tensor);

}  // namespace sampan
