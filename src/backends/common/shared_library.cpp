#include "backends/common/shared_library.h"

#include <dlfcn.h>
#include <link.h>

#include <filesystem>
#include <vector>

#include "backends/common/text.h"

namespace sampan::common {
namespace {

// Empty where the name may be handed to the dynamic linker. An empty name would open the program.
std::string reason_refused(const std::string& name) {
  if (name.empty()) return "an empty name names no library";
  if (name.front() != '/' && name.find('/') != std::string::npos) {
    return in_quotes(name) + " is a relative path";
  }
  return {};
}

std::string last_loader_error(const std::string& name) {
  const char* const text = ::dlerror();
  return text != nullptr ? std::string(text) : in_quotes(name) + " cannot be opened";
}

}  // namespace

SharedLibrary SharedLibrary::open_first(std::span<const std::string> names) {
  SharedLibrary library;
  std::vector<std::string> reasons;
  for (const std::string& name : names) {
    std::string refused = reason_refused(name);
    if (refused.empty()) {
      library.handle_ = ::dlopen(name.c_str(), RTLD_NOW | RTLD_LOCAL);
      if (library.handle_ != nullptr) {
        library.name_ = name;
        return library;
      }
      refused = last_loader_error(name);
    }
    reasons.push_back(std::move(refused));
  }
  library.error_ = reasons.empty() ? "no library was named"
                                   : "none of " + joined(names, ", ") +
                                         " could be opened: " + joined(reasons, "; ");
  return library;
}

std::string SharedLibrary::path() const {
  const link_map* map = nullptr;
  if (handle_ == nullptr || ::dlinfo(handle_, RTLD_DI_LINKMAP, &map) != 0) return {};
  std::error_code error;
  const std::filesystem::path resolved = std::filesystem::canonical(map->l_name, error);
  return error ? std::string(map->l_name) : resolved.string();
}

void* SharedLibrary::address(const char* name) const {
  return handle_ == nullptr ? nullptr : ::dlsym(handle_, name);
}

std::string load_symbols(const SharedLibrary& library, std::span<const SymbolSlot> slots) {
  for (const SymbolSlot& slot : slots) {
    void* const address = library.address(slot.name());
    slot.assign(address);
    if (address != nullptr || !slot.required()) continue;
    for (const SymbolSlot& any : slots) any.assign(nullptr);
    if (!library) return "no library is open to look for the symbol " + in_quotes(slot.name());
    return "the library " + library.path() + " has no symbol " + in_quotes(slot.name()) +
           "; it is too old, too new, or not the library it is named after";
  }
  return {};
}

}  // namespace sampan::common
