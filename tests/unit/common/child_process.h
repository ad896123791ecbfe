#pragma once

#include <grp.h>
#include <sys/wait.h>
#include <unistd.h>

#include <exception>
#include <functional>
#include <string>

namespace sampan::common::testing {

enum class Rights { kOwn, kOrdinaryUser };

/// Runs `body` in a forked child and returns what it returned: an empty string for success, else
/// what went wrong. kOrdinaryUser drops root's rights first, since root may write everywhere; a
/// process that is not root has no rights to drop.
inline std::string in_child(Rights rights, const std::function<std::string()>& body) {
  constexpr unsigned kNobody = 65534;
  int ends[2] = {-1, -1};
  if (::pipe(ends) != 0) return "pipe failed";
  const pid_t pid = ::fork();
  if (pid == 0) {
    std::string outcome;
    if (rights == Rights::kOrdinaryUser && ::geteuid() == 0 &&
        (::setgroups(0, nullptr) != 0 || ::setresgid(kNobody, kNobody, kNobody) != 0 ||
         ::setresuid(kNobody, kNobody, kNobody) != 0)) {
      outcome = "cannot drop the rights of root";
    } else {
      try {
        outcome = body();
      } catch (const std::exception& error) {
        outcome = std::string("threw: ") + error.what();
      }
    }
    const bool sent =
        ::write(ends[1], outcome.data(), outcome.size()) == static_cast<ssize_t>(outcome.size());
    ::_exit(sent ? 0 : 1);
  }
  ::close(ends[1]);
  std::string outcome;
  char buffer[4096];
  for (ssize_t got = 0; (got = ::read(ends[0], buffer, sizeof buffer)) > 0;) {
    outcome.append(buffer, static_cast<std::size_t>(got));
  }
  ::close(ends[0]);
  int status = 0;
  if (pid < 0 || ::waitpid(pid, &status, 0) != pid || status != 0) {
    outcome += " (child ended with status " + std::to_string(status) + ")";
  }
  return outcome;
}

}  // namespace sampan::common::testing
