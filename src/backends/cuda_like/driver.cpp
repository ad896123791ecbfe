#include "backends/cuda_like/driver.h"

#include <vector>

#include "backends/common/shared_library.h"
#include "backends/common/test_drivers.h"
#include "backends/cuda_like/error.h"
#include "backends/cuda_like/teardown.h"
#include "backends/cuda_like/vendor.h"

namespace sampan::cuda_like {
namespace {

constexpr const char* kEmulatedSymbol = "sampan_emulated_driver";

common::SharedLibrary open_library(std::span<const char* const> sonames) {
  const std::string folder = common::test_drivers_folder();
  std::vector<std::string> names(sonames.begin(), sonames.end());
  for (std::string& name : names) {
    if (!folder.empty()) name = folder + "/" + name;
  }
  return common::SharedLibrary::open_first(names);
}

// Fills the table; a sentence where a required symbol is missing under both of its names.
std::string load(const common::SharedLibrary& library, std::span<const SymbolRow> rows) {
  for (const SymbolRow& row : rows) {
    const char* name = row.slot.name();
    void* address = library.address(name);
    if (address == nullptr && row.older != nullptr) {
      name = row.older;
      address = library.address(name);
    }
    row.slot.assign(address);
    *row.symbol = name;
    if (address == nullptr && row.slot.required()) {
      return "the library " + library.path() + " has no symbol '" + row.slot.name() +
             "'; it is too old, too new, or not the library it is named after";
    }
  }
  return {};
}

// Why the driver can't work here, where cuInit or hipInit says `code`.
std::string init_failure(Result code, const Driver& driver) {
  struct Row {
    Result code;
    const char* cause;
  };
  constexpr Row kRows[] = {
      {34,
       "the library is the stub that programs are linked with, not a driver; install the "
       "driver, or take the stub's folder out of the library path"},
      {35, "the driver is older than its library needs; update the driver"},
      {100, "the driver finds no device"},
      {101, "the driver finds no device"},
      {802, "the system isn't ready, as the fabric manager of its devices isn't running; start it"},
      {803,
       "the driver's library and its kernel module are of different versions; restart the "
       "machine or reload the module"},
      {804,
       "the compatibility library doesn't support this device; remove it from the library path"},
      {999,
       "the driver failed for an unknown reason; its kernel module may not be loaded, or the "
       "process may not open its device files"}};
  const char* cause = "the driver can't start";
  for (const Row& row : kRows) {
    if (row.code == code) cause = row.cause;
  }
  return std::string(cause) + " (" + driver.api.init.symbol + " in " + driver.path + " returned " +
         driver.shape.error_name(code) + ", " + std::to_string(code) + ")";
}

Driver open_driver() {
  Driver driver;
  const common::SharedLibrary library = open_library(vendor().driver_libraries);
  if (!library) {
    driver.error = std::string("no ") + vendor().title + " driver: " + library.error();
    return driver;
  }
  driver.path = library.path();
  const auto rows = vendor().driver_symbols(driver.api);
  driver.error = load(library, rows);
  if (!driver.error.empty()) return driver;
  driver.shape = vendor().shape();
  driver.emulated = library.address(kEmulatedSymbol) != nullptr;
  const Result code = driver.api.init(0);
  if (code != kSuccess) {
    driver.error = init_failure(code, driver);
    return driver;
  }
  watch_process();
  int version = 0;
  if (driver.api.driver_version(&version) == kSuccess) {
    driver.version = vendor().version_text(version);
  }
  return driver;
}

Compiler open_compiler() {
  Compiler compiler;
  const common::SharedLibrary library = open_library(vendor().compiler_libraries);
  if (!library) {
    compiler.error = std::string(vendor().compiler) + " isn't here (" + library.error() + "); " +
                     vendor().compiler_hint;
    return compiler;
  }
  const auto rows = vendor().compiler_symbols(compiler.api);
  compiler.error = load(library, rows);
  if (!compiler.error.empty()) return compiler;
  int major = 0, minor = 0;
  (void)compiler.api.version(&major, &minor);
  compiler.version = std::to_string(major) + "." + std::to_string(minor) + " " + library.path();
  return compiler;
}

}  // namespace

const Driver& driver() {
  static const auto* const kDriver = new Driver(open_driver());
  return *kDriver;
}

const Compiler& compiler() {
  static const auto* const kCompiler = new Compiler(open_compiler());
  return *kCompiler;
}

}  // namespace sampan::cuda_like
