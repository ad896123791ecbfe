// Looking functions up by name.
#pragma once

#include <dlfcn.h>

#include <memory>
#include <stdexcept>
#include <string>

#include "api.h"

namespace sampan::test {

/// Puts a function of `library` into a pointer.
struct Binder {
  void* library;
  template <typename Function>
  void operator()(Function*& function, const char* name) const {
    function = reinterpret_cast<Function*>(dlsym(library, name));
    if (function == nullptr) throw std::runtime_error(std::string("no function ") + name);
  }
};

void bind_control(Functions& f, const Binder& bind);
/// `code` is what the compiler's result is called: "GetCUBIN".
void bind_compiler(Functions& f, const Binder& bind, const std::string& prefix,
                   const std::string& code);

[[nodiscard]] std::unique_ptr<Driver> open_cuda();
[[nodiscard]] std::unique_ptr<Driver> open_hip();

}  // namespace sampan::test
