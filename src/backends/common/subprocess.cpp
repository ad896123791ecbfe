#include "backends/common/subprocess.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <optional>
#include <thread>

#include "backends/common/text.h"
#include "backends/common/unique_fd.h"

namespace sampan::common {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr milliseconds kFirstPause(1);
constexpr milliseconds kLongestPause(20);

struct Pipe {
  UniqueFd reader;
  UniqueFd writer;
  int error = 0;
};

// Descriptors 0 to 2 are avoided: where this process has them closed, the pipe would get them and
// the child's redirections would overwrite it.
Pipe make_pipe() {
  int ends[2] = {-1, -1};
  Pipe pipe;
  if (::pipe2(ends, O_CLOEXEC) != 0) {
    pipe.error = errno;
    return pipe;
  }
  const UniqueFd low_reader(ends[0]);
  const UniqueFd low_writer(ends[1]);
  pipe.reader = UniqueFd(::fcntl(ends[0], F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
  pipe.writer = UniqueFd(::fcntl(ends[1], F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
  if (!pipe.reader || !pipe.writer || ::fcntl(pipe.reader.get(), F_SETFL, O_NONBLOCK) != 0) {
    pipe.error = errno;
  }
  return pipe;
}

// What posix_spawn has to do in the child between fork and exec.
class SpawnPlan {
 public:
  explicit SpawnPlan(int output) {
    posix_spawn_file_actions_init(&actions_);
    posix_spawnattr_init(&attributes_);
    note(posix_spawn_file_actions_addopen(&actions_, STDIN_FILENO, "/dev/null", O_RDONLY, 0));
    note(posix_spawn_file_actions_adddup2(&actions_, output, STDOUT_FILENO));
    note(posix_spawn_file_actions_adddup2(&actions_, output, STDERR_FILENO));
    note(posix_spawn_file_actions_addclosefrom_np(&actions_, STDERR_FILENO + 1));
    sigset_t signals;
    sigemptyset(&signals);
    note(posix_spawnattr_setsigmask(&attributes_, &signals));
    sigfillset(&signals);
    note(posix_spawnattr_setsigdefault(&attributes_, &signals));
    note(posix_spawnattr_setpgroup(&attributes_, 0));
    note(posix_spawnattr_setflags(
        &attributes_, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF));
  }
  ~SpawnPlan() {
    posix_spawnattr_destroy(&attributes_);
    posix_spawn_file_actions_destroy(&actions_);
  }
  SpawnPlan(const SpawnPlan&) = delete;
  SpawnPlan& operator=(const SpawnPlan&) = delete;

  // Returns 0 or an errno, that of a failed exec included.
  int spawn(const std::vector<std::string>& argv, pid_t& pid) const {
    if (error_ != 0) return error_;
    std::vector<char*> pointers;
    pointers.reserve(argv.size() + 1);
    for (const std::string& argument : argv)
      pointers.push_back(const_cast<char*>(argument.c_str()));
    pointers.push_back(nullptr);
    return ::posix_spawnp(&pid, pointers[0], &actions_, &attributes_, pointers.data(), environ);
  }

 private:
  void note(int error) {
    if (error_ == 0) error_ = error;
  }

  posix_spawn_file_actions_t actions_;
  posix_spawnattr_t attributes_;
  int error_ = 0;
};

enum class Drained { kNothing, kSomething, kEnd };

// Takes what is in the pipe, but no more than its usual capacity a few times over: a program that
// writes without end must not keep its supervisor from looking at the clock.
Drained drain(int reader, std::size_t max_output_bytes, ProcessResult& result) {
  std::array<char, 65536> buffer;
  Drained drained = Drained::kNothing;
  for (int round = 0; round < 4; ++round) {
    const ssize_t got = ::read(reader, buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno == EAGAIN) return drained;
    if (got <= 0) return Drained::kEnd;
    const std::size_t got_bytes = static_cast<std::size_t>(got);
    const std::size_t kept_bytes = std::min(got_bytes, max_output_bytes - result.output.size());
    result.output.append(buffer.data(), kept_bytes);
    result.dropped_output_bytes += got_bytes - kept_bytes;
    drained = Drained::kSomething;
  }
  return drained;
}

// Leaves the child as a zombie, so that its process group cannot become another's.
bool still_running(pid_t pid) {
  siginfo_t info{};
  const int rc = ::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOHANG | WNOWAIT);
  return rc == 0 && info.si_pid == 0;
}

// Collects output until the program ends; returns false where time ran out first.
bool supervise(pid_t pid, int reader, const ProcessRequest& request, ProcessResult& result) {
  const Clock::time_point deadline = Clock::now() + request.timeout;
  bool open = true;
  for (milliseconds pause = kFirstPause;; pause = std::min(pause * 2, kLongestPause)) {
    if (open) {
      pollfd waiting{.fd = reader, .events = POLLIN, .revents = 0};
      static_cast<void>(::poll(&waiting, 1, static_cast<int>(pause.count())));
      const Drained drained = drain(reader, request.max_output_bytes, result);
      open = drained != Drained::kEnd;
      if (drained != Drained::kNothing) pause = kFirstPause;
    } else {
      std::this_thread::sleep_for(pause);
    }
    if (!still_running(pid)) {
      if (open) static_cast<void>(drain(reader, request.max_output_bytes, result));
      return true;
    }
    if (Clock::now() >= deadline) return false;
  }
}

// Empty where somebody else has already collected the status.
std::optional<int> collect_status(pid_t pid) {
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0) {
    if (errno != EINTR) return std::nullopt;
  }
  return status;
}

void explain_end(const std::string& program, int status, ProcessResult& result) {
  if (WIFSIGNALED(status)) {
    result.signal = WTERMSIG(status);
    const char* const name = ::sigdescr_np(result.signal);
    result.explanation = program + " was ended by signal " + std::to_string(result.signal) +
                         (name != nullptr ? " (" + std::string(name) + ")" : std::string());
    return;
  }
  result.exit_status = WEXITSTATUS(status);
  result.succeeded = result.exit_status == 0;
  result.explanation = program + " ended with exit status " + std::to_string(result.exit_status);
}

std::string reason_refused(const ProcessRequest& request) {
  if (request.argv.empty() || request.argv.front().empty()) return "no program was named";
  for (const std::string& argument : request.argv) {
    if (argument.find('\0') != std::string::npos) {
      return "an argument of " + in_quotes(request.argv.front().c_str()) + " holds a null byte";
    }
  }
  return {};
}

}  // namespace

ProcessResult run_process(const ProcessRequest& request) {
  ProcessResult result;
  result.explanation = reason_refused(request);
  if (!result.explanation.empty()) return result;
  const std::string program = in_quotes(request.argv.front());
  Pipe pipe = make_pipe();
  pid_t pid = -1;
  int error = pipe.error;
  if (error == 0) error = SpawnPlan(pipe.writer.get()).spawn(request.argv, pid);
  if (error != 0) {
    result.explanation = "cannot start " + program + ": " + errno_text(error);
    return result;
  }
  pipe.writer.reset();
  result.started = true;
  result.timed_out = !supervise(pid, pipe.reader.get(), request, result);
  if (result.timed_out) ::kill(-pid, SIGKILL);
  const std::optional<int> status = collect_status(pid);
  if (result.timed_out) {
    result.signal = SIGKILL;
    result.explanation = program + " ran past its limit of " +
                         std::to_string(request.timeout.count()) + " ms and was stopped";
  } else if (status) {
    explain_end(program, *status, result);
  } else {
    result.explanation = "the exit status of " + program +
                         " is lost, because this program ignores SIGCHLD or reaps all children";
  }
  return result;
}

}  // namespace sampan::common
