#include "run_program.h"

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <stdexcept>

namespace sampan_test {
namespace {

struct Close {
  void operator()(std::FILE* file) const { std::fclose(file); }
};
using File = std::unique_ptr<std::FILE, Close>;

std::string content_of(std::FILE* file) {
  std::rewind(file);
  std::string text;
  char chunk[4096];
  for (std::size_t got; (got = std::fread(chunk, 1, sizeof(chunk), file)) > 0;) {
    text.append(chunk, got);
  }
  return text;
}

// In the child.
[[noreturn]] void become(const Program& program, int out, int err) {
  ::dup2(out, STDOUT_FILENO);
  ::dup2(err, STDERR_FILENO);
  for (const auto& [name, value] : program.environment) {
    if (value) {
      ::setenv(name.c_str(), value->c_str(), 1);
    } else {
      ::unsetenv(name.c_str());
    }
  }
  if (!program.folder.empty() && ::chdir(program.folder.c_str()) != 0) ::_exit(126);
  if (program.file_limit_bytes != 0) {
    const struct rlimit limit { program.file_limit_bytes, program.file_limit_bytes };
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  // The alarm stays set through exec and ends a program that hangs.
  ::alarm(program.limit_s);
  std::vector<char*> words;
  for (const std::string& word : program.words) words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);
  ::execv(words[0], words.data());
  ::_exit(127);
}

}  // namespace

Outcome run_program(const Program& program) {
  const File out(std::tmpfile()), err(std::tmpfile());
  if (!out || !err) throw std::runtime_error("no temporary files");
  const pid_t child = ::fork();
  if (child < 0) throw std::runtime_error("no process can be started");
  if (child == 0) become(program, ::fileno(out.get()), ::fileno(err.get()));
  int status = 0;
  while (::waitpid(child, &status, 0) < 0) {
  }
  Outcome outcome;
  outcome.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  outcome.out = content_of(out.get());
  outcome.err = content_of(err.get());
  return outcome;
}

}  // namespace sampan_test
