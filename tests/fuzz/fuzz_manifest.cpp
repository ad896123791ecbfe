// Parses the input as a plug-in's manifest: it is refused with one sentence, or every field lies in
// the range that manifest.h promises.

#include <algorithm>
#include <cstdint>
#include <cstdlib>

#include "core/backend.h"
#include "core/manifest.h"

namespace {

void check(bool holds) {
  if (!holds) std::abort();
}

void check_fields(const sampan::core::Manifest& manifest) {
  check(sampan::core::is_backend_name(manifest.name));
  check(std::max({manifest.abi_major, manifest.minor_min, manifest.minor_max}) <= 0xffff);
  check(manifest.minor_min <= manifest.minor_max);
  check(!manifest.path.empty() && manifest.path.find('\0') == std::string::npos);
  check(manifest.sha256.empty() || manifest.sha256.size() == 64);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size_bytes) {
  const std::string_view text(reinterpret_cast<const char*>(data), size_bytes);
  std::string problem;
  const auto manifest = sampan::core::parse_manifest(text, problem);
  check(manifest.has_value() == problem.empty());
  check(problem.find('\n') == std::string::npos);
  if (manifest) check_fields(*manifest);
  return 0;
}
