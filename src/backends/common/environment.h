#pragma once

#include <functional>
#include <string>

namespace sampan::common {

/// The part of a process's surroundings that decisions here depend on. A plain value, so that a
/// test can stand in for a set-uid process or for one without a home.
struct Environment {
  /// True where the process has more rights than whoever started it (set-uid, set-gid, file
  /// capabilities: the kernel's AT_SECURE). That person chose the variables, so none is obeyed.
  bool privileged = false;

  /// A variable's value, or nullptr. An empty function means that nothing is set.
  std::function<const char*(const char* name)> lookup;

  /// The variable's value; empty where it is unset or empty, or the process is privileged.
  [[nodiscard]] std::string value(const char* name) const;

  /// This process's own surroundings. `value` then reads the live environment, which the C
  /// library does not guard against a setenv at the same moment.
  [[nodiscard]] static Environment of_process();
};

}  // namespace sampan::common
