#pragma once

#include <CLI/CLI.hpp>

namespace sampan::cli {

/// Each adds one subcommand with its options to the command line; what it does runs after parsing.
/// The command's exit code goes to `exit_code`: 0, or 1 for what went wrong (usage errors are
/// CLI11's).
void add_devices(CLI::App& app, int& exit_code);
void add_run(CLI::App& app, int& exit_code);
void add_check(CLI::App& app, int& exit_code);
void add_compile(CLI::App& app, int& exit_code);
void add_env(CLI::App& app, int& exit_code);

}  // namespace sampan::cli
