#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <exception>
#include <iterator>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>

#include "commands.h"
#include "output.h"
#include "sampan/error.h"
#include "sampan/log.h"

namespace {

constexpr int kFailed = 1, kWrongUsage = 2;

// One sentence on stderr; a build log or the like behind it.
int report(const std::exception& exception) {
  std::fprintf(stderr, "sampan: %s\n", sampan::cli::safe_to_show(exception.what()).c_str());
  if (const auto* error = dynamic_cast<const sampan::Error*>(&exception)) {
    if (!error->info().detail.empty()) {
      std::fprintf(stderr, "%s\n", sampan::cli::safe_to_show(error->info().detail).c_str());
    }
  }
  return kFailed;
}

int report_usage(const std::string& problem) {
  std::fprintf(stderr, "sampan: %s; see sampan --help\n",
               sampan::cli::safe_to_show(problem).c_str());
  return kWrongUsage;
}

// Settings that the library, which prints nothing, would ignore when they are wrong.
void check_settings() {
  for (const sampan::EnvironmentVariable& variable : sampan::environment()) {
    if (variable.value.empty()) continue;
    if (variable.name == "SAMPAN_LOG") {
      constexpr std::string_view kLevels[] = {"error", "warning", "info", "debug", "1"};
      if (std::ranges::find(kLevels, variable.value) == std::end(kLevels)) {
        throw std::runtime_error("SAMPAN_LOG is '" + variable.value +
                                 "'; set it to error, warning, info or debug");
      }
    } else if (variable.name == "SAMPAN_TRACE") {
      const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(
          std::fopen(variable.value.c_str(), "ae"), &std::fclose);
      if (!file) {
        throw std::runtime_error("SAMPAN_TRACE is " + variable.value +
                                 ", which can't be written (" +
                                 std::generic_category().message(errno) + "); name another file");
      }
    }
  }
}

int run(CLI::App& app, int& exit_code, int argc, char** argv) {
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() != 0) return report_usage(error.what());
    return app.exit(error);  // --help, --version
  } catch (const std::exception& exception) {
    return report(exception);
  }
  // Not CLI11's require_subcommand: it would hide the word that is no command.
  if (app.get_subcommands().empty()) return report_usage("a command is missing");
  return exit_code;
}

// A full disk or a closed pipe is known when the last of the output has been written.
int finish_output(int exit_code) {
  errno = 0;
  const bool flushed = std::fflush(stdout) == 0;
  if ((flushed && std::ferror(stdout) == 0) || exit_code != 0) return exit_code;
  const std::string why = errno != 0 ? " (" + std::generic_category().message(errno) + ")" : "";
  std::fprintf(stderr, "sampan: the output can't be written%s; check where stdout goes\n",
               why.c_str());
  return kFailed;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Sampan: one API over accelerators of every maker", "sampan");
  app.set_version_flag("--version", SAMPAN_VERSION);
  int exit_code = 0;
  sampan::cli::add_devices(app, exit_code);
  sampan::cli::add_run(app, exit_code);
  sampan::cli::add_check(app, exit_code);
  sampan::cli::add_compile(app, exit_code);
  for (CLI::App* command : app.get_subcommands({})) {
    command->parse_complete_callback(check_settings);
  }
  sampan::cli::add_env(app, exit_code);  // works whatever is set: it is what helps then
  return finish_output(run(app, exit_code, argc, argv));
}
