#include <cstdio>
#include <exception>

#include "commands.h"
#include "sampan/error.h"

namespace {

// One sentence on stderr; a build log or the like behind it.
int report(const std::exception& exception) {
  std::fprintf(stderr, "sampan: %s\n", exception.what());
  if (const auto* error = dynamic_cast<const sampan::Error*>(&exception)) {
    if (!error->info().detail.empty()) {
      std::fprintf(stderr, "%s\n", error->info().detail.c_str());
    }
  }
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Sampan: one API over accelerators of every maker", "sampan");
  app.set_version_flag("--version", SAMPAN_VERSION);
  app.require_subcommand(1);
  int exit_code = 0;
  sampan::cli::add_devices(app, exit_code);
  sampan::cli::add_run(app, exit_code);
  sampan::cli::add_check(app, exit_code);
  sampan::cli::add_compile(app, exit_code);
  sampan::cli::add_env(app, exit_code);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  } catch (const std::exception& exception) {
    return report(exception);
  }
  return exit_code;
}
