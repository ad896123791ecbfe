// What a backend declares about the cases it does not pass: conformance.json of its folder.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sampan::conformance {

/// Whether `text` matches `pattern`, in which * stands for any characters.
[[nodiscard]] bool matches(std::string_view pattern, std::string_view text);

/// {"unsupported": [{"test": "Memory.Wrap*", "reason": "…", "driver": "PoCL*"}], "expected_failure":
/// [the same]}. `test` and `driver` are patterns; without `driver` an entry is for every device.
struct Exclusion {
  std::string test, reason, driver;
};

struct Declaration {
  std::vector<Exclusion> unsupported;
  std::vector<Exclusion> expected_failure;

  /// Throws std::runtime_error with the file's name, and what is wrong with it.
  [[nodiscard]] static Declaration read(const std::filesystem::path& file);
  [[nodiscard]] static Declaration parse(std::string_view json, const std::string& name);

  /// The reason of the entry for a case, or nullptr.
  [[nodiscard]] static const std::string* find(const std::vector<Exclusion>& entries,
                                               std::string_view test, std::string_view driver);
};

enum class Outcome { passed, failed, unsupported, expected_failure };
[[nodiscard]] std::string_view to_string(Outcome outcome) noexcept;

/// How a case ended by itself.
enum class Ending { passed, failed, unsupported };

struct Verdict {
  Outcome outcome;
  std::string reason;  ///< the declared one, or what is wrong with the declaration
};

/// A case that answers "unsupported" has to be declared so. A case with an expected failure has to
/// fail. A case that is declared unsupported may pass: one backend drives devices that differ.
[[nodiscard]] Verdict judge(Ending ending, const Declaration& declaration, std::string_view test,
                            std::string_view driver);

}  // namespace sampan::conformance
