// Loaded code.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "kernel_abi.h"

namespace sampan::emulator {

class Context;

/// A mapped image. Kernels that run keep it mapped.
class Module {
 public:
  /// `image` as image.h makes them. Throws Refusal: invalid_image, invalid_ptx, or
  /// no_binary_for_gpu where it is for another kind or generation of device.
  Module(Context& context, const void* image);
  ~Module();
  Module(const Module&) = delete;
  Module& operator=(const Module&) = delete;

  [[nodiscard]] Context& context() const { return context_; }
  /// The entry of an extern "C" kernel; null where there is none of that name.
  [[nodiscard]] const sampan_emulator::KernelEntry* find(const std::string& name) const;
  /// The handle that `make` gave for that kernel when it was first asked for; null as `find`.
  [[nodiscard]] void* function_handle(
      const std::string& name,
      const std::function<void*(const sampan_emulator::KernelEntry&)>& make);
  /// Where a __constant__ variable of C linkage is, and its size; 0 where there is none of that
  /// name.
  struct Global {
    std::uint64_t address = 0;
    std::size_t bytes = 0;
  };
  [[nodiscard]] Global global(const std::string& name) const;

  /// Bytes of the __shared__ variables of a kernel, those of the functions that it may call
  /// included.
  [[nodiscard]] unsigned static_shared_bytes(const std::string& kernel) const;
  /// Fills all __shared__ variables of the calling thread.
  void poison_static_shared(std::byte pattern) const;

 private:
  Context& context_;
  void* library_ = nullptr;
  std::size_t shared_block_bytes_ = 0;  // of all __shared__ variables together
  std::map<std::string, std::size_t>
      shared_bytes_;  // by the function, mangled, whose variables they are
  std::mutex mutex_;
  std::map<std::string, void*> handles_;  // of its kernels
};

/// One kernel of a module.
struct Kernel {
  std::shared_ptr<Module> module;
  const sampan_emulator::KernelEntry* entry = nullptr;
  std::string name;
  unsigned static_shared_bytes = 0;
  std::atomic<unsigned> max_dynamic_bytes{48u << 10};  ///< what a launch may ask for

  [[nodiscard]] Context& context() const { return module->context(); }
  /// Threads per block that it was compiled for.
  [[nodiscard]] unsigned max_threads() const;
  /// Blocks that one multiprocessor holds at a time.
  [[nodiscard]] unsigned occupancy(unsigned threads, std::size_t dynamic_bytes) const;
};

}  // namespace sampan::emulator
