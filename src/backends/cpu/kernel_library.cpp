#include "backends/cpu/kernel_library.h"

#include <dlfcn.h>

#include "backends/common/temp_dir.h"

namespace sampan::cpu {

KernelLibrary::KernelLibrary(common::ByteView shared_object) {
  // A file of its own: the dynamic linker takes two objects of one path for the same. The mapping
  // outlives the file.
  const common::TempDir folder = common::TempDir::create("sampan-cpu");
  const std::string path = folder.write_file("kernels.so", shared_object);
  handle_ = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle_ == nullptr) {
    const char* reason = dlerror();
    throw KernelLibraryError(std::string("the compiled kernels could not be loaded: ") +
                             (reason != nullptr ? reason : "no reason was given") +
                             "; set TMPDIR to a folder from which code may run");
  }
}

KernelLibrary::~KernelLibrary() {
  if (handle_ != nullptr) dlclose(handle_);
}

const sampan_cpu_kernel* KernelLibrary::find(const char* name) const {
  const std::string symbol = std::string("sampan_kernel_") + name;
  return static_cast<const sampan_cpu_kernel*>(dlsym(handle_, symbol.c_str()));
}

}  // namespace sampan::cpu
