#pragma once

#include <span>
#include <string>
#include <type_traits>

namespace sampan::common {

/// A vendor's driver, opened at run time. Copying copies the reference; the library is never
/// closed again, since drivers leave threads, thread-local destructors and exit handlers behind.
class SharedLibrary {
 public:
  /// Nothing opened.
  SharedLibrary() = default;

  /// Opens the first of `names` that the dynamic linker accepts, with RTLD_NOW | RTLD_LOCAL.
  ///
  /// A name is a soname, looked up in the linker's own places, or an absolute path. A relative
  /// path is refused: it would depend on the current directory. Runs the library's constructors.
  /// Does not throw for a library that cannot be opened: see `error`.
  [[nodiscard]] static SharedLibrary open_first(std::span<const std::string> names);

  [[nodiscard]] explicit operator bool() const { return handle_ != nullptr; }

  /// Where nothing could be opened, one sentence with every name tried and why it failed.
  [[nodiscard]] const std::string& error() const { return error_; }

  /// The name of `names` that was opened; empty if none was.
  [[nodiscard]] const std::string& name() const { return name_; }

  /// The file that was mapped, symbolic links resolved; empty if nothing was opened. Tells a
  /// vendor's libcuda.so.1 from another's.
  [[nodiscard]] std::string path() const;

  /// The function called `name`, or nullptr where the library or the function is missing.
  template <typename Function>
  requires std::is_function_v<Function>
  [[nodiscard]] Function* symbol(const char* name) const {
    return reinterpret_cast<Function*>(address(name));
  }

  /// The address of the symbol called `name`, or nullptr.
  [[nodiscard]] void* address(const char* name) const;

 private:
  void* handle_ = nullptr;
  std::string name_;
  std::string error_;
};

/// One line of a driver's symbol table: which symbol goes into which function pointer.
class SymbolSlot {
 public:
  enum class Need { kRequired, kOptional };

  /// `target` receives the address of the symbol `name`; both must outlive the slot.
  template <typename Function>
  requires std::is_function_v<Function>
  constexpr SymbolSlot(const char* name, Function** target, Need need = Need::kRequired)
      : name_(name), target_(target), need_(need), assign_(&assign_as<Function>) {}

  [[nodiscard]] constexpr const char* name() const { return name_; }
  [[nodiscard]] constexpr bool required() const { return need_ == Need::kRequired; }
  void assign(void* address) const { assign_(target_, address); }

 private:
  template <typename Function>
  static void assign_as(void* target, void* address) {
    *static_cast<Function**>(target) = reinterpret_cast<Function*>(address);
  }

  const char* name_;
  void* target_;
  Need need_;
  void (*assign_)(void* target, void* address);
};

/// Fills every slot from `library`; an optional symbol that is missing leaves a null pointer.
///
/// Returns an empty string, or, at the first missing required symbol, one sentence that names it
/// and the library's file; every target is then null, so that no half-filled table is used.
[[nodiscard]] std::string load_symbols(const SharedLibrary& library,
                                       std::span<const SymbolSlot> slots);

}  // namespace sampan::common
