// A shared library of compiled kernels, made on this machine at run time.
#pragma once

#include <stdexcept>
#include <string>
#include <utility>

#include "backends/common/bytes.h"
#include "dialect/cpu_abi.h"

namespace sampan::cpu {

/// Code that this backend can't load or run; the message is one sentence.
struct KernelLibraryError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Owns a mapped library. Movable; nothing may run in it when it is destroyed.
class KernelLibrary {
 public:
  KernelLibrary() = default;
  /// Maps the bytes of a shared object. Throws KernelLibraryError and what TempDir throws.
  explicit KernelLibrary(common::ByteView shared_object);
  KernelLibrary(KernelLibrary&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  KernelLibrary& operator=(KernelLibrary&& other) noexcept {
    std::swap(handle_, other.handle_);
    return *this;
  }
  ~KernelLibrary();

  /// What the library exports under that name; null if there is none.
  [[nodiscard]] const sampan_cpu_kernel* find(const char* name) const;

 private:
  void* handle_ = nullptr;
};

}  // namespace sampan::cpu
