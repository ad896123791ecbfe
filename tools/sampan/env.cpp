#include <cstdio>

#include "commands.h"
#include "output.h"
#include "sampan/log.h"

namespace sampan::cli {

void add_env(CLI::App& app, int& exit_code) {
  CLI::App* command =
      app.add_subcommand("env", "List the environment variables, their values and meanings");
  command->callback([&exit_code] {
    Table table({"variable", "value", "meaning"});
    for (const EnvironmentVariable& variable : environment()) {
      table.add({variable.name, variable.is_set ? "'" + variable.value + "'" : "(not set)",
                 variable.meaning});
    }
    table.print(3);
    exit_code = 0;
  });
}

}  // namespace sampan::cli
