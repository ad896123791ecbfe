#include "core/loader.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <string_view>
#include <utility>

#include "core/error.h"
#include "core/log.h"

namespace sampan::core {
namespace {

constexpr int kOpenFlags = RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE;

sampan_backend_query_fn query_function(void* library) {
  return reinterpret_cast<sampan_backend_query_fn>(::dlsym(library, SAMPAN_BACKEND_QUERY_NAME));
}

// ---- Trying a foreign plug-in in a child process ----------------------------------------------

enum class Probe : char { opened = 'o', asked = 'a' };

// In the child: opens the plug-in and asks it, telling the parent how far it came. Everything that
// goes wrong ends the child alone.
[[noreturn]] void run_probe(const std::string& path, int report) {
  const auto say = [report](Probe step) {
    const char byte = static_cast<char>(step);
    if (::write(report, &byte, 1) != 1) ::_exit(3);
  };
  const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  for (const int standard : {0, 1, 2}) ::dup2(null, standard);
  // A plug-in that calls exit must not run this program's exit handlers in the child.
  ::on_exit([](int status, void*) { ::_exit(status); }, nullptr);
  try {
    void* library = ::dlopen(path.c_str(), kOpenFlags);
    say(Probe::opened);
    const auto query = library != nullptr ? query_function(library) : nullptr;
    if (query != nullptr) {
      sampan_backend_t backend{};
      backend.size = sizeof(backend);
      ErrorRecord error;
      query(&host_table(), &backend, error.raw());
    }
    say(Probe::asked);
  } catch (...) {
    ::_exit(2);
  }
  ::_exit(0);
}

std::string describe_end(int status, const std::string& step) {
  if (WIFSIGNALED(status)) {
    return step + " ends the process with signal " + std::to_string(WTERMSIG(status)) + " (" +
           ::strsignal(WTERMSIG(status)) + ")";
  }
  if (WEXITSTATUS(status) == 2) return step + " throws a C++ exception";
  return step + " ends the process with status " + std::to_string(WEXITSTATUS(status));
}

// Empty if opening and asking the plug-in is safe; else why not.
std::string probe(const std::string& path, std::chrono::milliseconds limit) {
  int pipe_ends[2];
  if (::pipe2(pipe_ends, O_CLOEXEC) != 0) return "it can't be tried: no file descriptors are left";
  const pid_t child = ::fork();
  if (child < 0) {
    ::close(pipe_ends[0]);
    ::close(pipe_ends[1]);
    return "it can't be tried: no process can be started";
  }
  if (child == 0) run_probe(path, pipe_ends[1]);
  ::close(pipe_ends[1]);

  std::string steps;
  bool timed_out = false;
  while (steps.size() < 2) {
    struct pollfd wait {
      pipe_ends[0], POLLIN, 0
    };
    const int ready = ::poll(&wait, 1, static_cast<int>(limit.count()));
    if (ready < 0 && errno == EINTR) continue;
    char byte = 0;
    timed_out = ready == 0;
    if (ready <= 0 || ::read(pipe_ends[0], &byte, 1) != 1) break;
    steps += byte;
  }
  ::close(pipe_ends[0]);
  if (timed_out) ::kill(child, SIGKILL);
  int status = 0;
  while (::waitpid(child, &status, 0) < 0) {
    if (errno == EINTR) continue;
    // Somebody else reaped it (SIGCHLD ignored): what it reported has to do.
    return steps.size() == 2 ? std::string{} : "it ends the process when opened";
  }
  const std::string step = steps.empty() ? "its constructor" : "its query function";
  if (timed_out) {
    return step + " doesn't return within " + std::to_string(limit.count()) + " ms";
  }
  return steps.size() == 2 ? std::string{} : describe_end(status, step);
}

// ---- Opening for real ---------------------------------------------------------------------------

BackendInfo::Status ask(sampan_backend_query_fn query, Backend& out, std::string& reason) {
  sampan_backend_t theirs{};
  theirs.size = sizeof(theirs);
  ErrorRecord error;
  sampan_code_t code = SAMPAN_INTERNAL;
  try {
    code = query(&host_table(), &theirs, error.raw());
  } catch (const std::exception& exception) {
    reason = std::string("its query function throws: ") + exception.what();
    return BackendInfo::Status::refused;
  } catch (...) {
    reason = "its query function throws a C++ exception";
    return BackendInfo::Status::refused;
  }
  if (code != SAMPAN_OK) {
    reason = to_info(code, error.get(), {}).message;
    return code == SAMPAN_NOT_FOUND ? BackendInfo::Status::absent : BackendInfo::Status::refused;
  }
  reason = adopt(theirs, out);
  return reason.empty() ? BackendInfo::Status::loaded : BackendInfo::Status::refused;
}

BackendInfo::Status open_and_ask(const PluginFile& file, std::chrono::milliseconds probe_limit,
                                 Backend& out, std::string& reason) {
  if (!file.refusal.empty()) {
    reason = file.refusal;
    return BackendInfo::Status::refused;
  }
  if (!file.in_tree) {
    reason = probe(file.path, probe_limit);
    if (!reason.empty()) return BackendInfo::Status::refused;
  }
  void* library = ::dlopen(file.path.c_str(), kOpenFlags);
  if (library == nullptr) {
    const char* text = ::dlerror();
    reason = std::string("it can't be opened: ") + (text != nullptr ? text : "unknown cause");
    return BackendInfo::Status::refused;
  }
  const auto query = query_function(library);
  if (query == nullptr) {
    reason = std::string("it doesn't export ") + SAMPAN_BACKEND_QUERY_NAME;
    return BackendInfo::Status::refused;
  }
  const auto status = ask(query, out, reason);
  if (status == BackendInfo::Status::loaded && out.name != file.name) {
    reason = "it calls itself '" + out.name + "' but was found as '" + file.name + "'";
    return BackendInfo::Status::refused;
  }
  return status;
}

}  // namespace

const sampan_host_t& host_table() {
  static const sampan_host_t table = {
      sizeof(sampan_host_t),
      SAMPAN_ABI_MAJOR,
      0,
      SAMPAN_ABI_MINOR,
      nullptr,
      [](void*, std::size_t size_bytes, std::size_t alignment_bytes) -> void* {
        void* pointer = nullptr;
        const std::size_t alignment = std::max(alignment_bytes, sizeof(void*));
        return ::posix_memalign(&pointer, alignment, size_bytes) == 0 ? pointer : nullptr;
      },
      [](void*, void* pointer) { std::free(pointer); },
      [](void*, std::int32_t level, const char* domain, const char* message) {
        log(static_cast<LogLevel>(level), domain, message);
      },
      [](void*, sampan_device_t*, const sampan_error_t* error) {
        log(LogLevel::error, "device", error->message);
      },
  };
  return table;
}

LoadResult load_plugin(const PluginFile& file, std::chrono::milliseconds probe_limit) {
  LoadResult result;
  auto backend = std::make_unique<Backend>();
  result.info.name = file.name;
  result.info.path = backend->path = file.path;
  result.info.status = open_and_ask(file, probe_limit, *backend, result.info.reason);
  result.info.version = backend->version;
  result.info.driver_path = backend->driver_path;
  const bool loaded = result.info.status == BackendInfo::Status::loaded;
  if (loaded) result.backend = std::move(backend);
  log(loaded ? LogLevel::info : LogLevel::warning, "loader",
      "backend '" + file.name + "' " + std::string(to_string(result.info.status)) +
          (loaded ? "" : ": " + result.info.reason) + " (" + file.path + ")");
  return result;
}

}  // namespace sampan::core
