// The command line: one program for an application's manifest and for what lies in its stores.
#include <cstdio>
#include <exception>

#include "command.hpp"
#include "spikard/spikard.h"

int main(int argc, char** argv) try {
  using namespace spikard::cli;
  CLI::App root("Spikard: one core for services, many languages.");
  root.require_subcommand(1);
  Common common;
  root.add_flag("--json", common.json, "JSON for scripts instead of tables");
  root.fallthrough();
  std::vector<Command> commands;
  add_manifest_commands(root, common, commands);
  add_toolbox_commands(root, common, commands);
  add_crashtest(root, common, commands);
  add_completions(root, commands);
  commands.push_back({root.add_subcommand("version", "Print the version"), [] {
                        std::printf("spikard %s (abi %u)\n", SPK_VERSION, SPK_ABI);
                        return 0;
                      }});
  try {
    root.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (root.exit(error) == 0) return 0;  // --help
    return root.got_subcommand("crashtest") ? crashtest_not_made : usage_error;
  }
  for (const Command& command : commands) {
    if (command.app->parsed()) return command.run();
  }
  return usage_error;
} catch (const std::exception& error) {
  std::fprintf(stderr, "spikard: %s\n", error.what());
  return 70;  // EX_SOFTWARE
}
