#pragma once

#include <cstdio>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <CLI/CLI.hpp>

#include "base/node.hpp"
#include "base/result.hpp"
#include "services/manifest.gen.hpp"

namespace spikard::cli {

inline constexpr int usage_error = 64;   // EX_USAGE
inline constexpr int no_input = 66;      // EX_NOINPUT
inline constexpr int software = 70;      // EX_SOFTWARE
inline constexpr int config_error = 78;  // EX_CONFIG
/// `crashtest`, of which 1 says that a promise was broken: its options, its configuration, an application that does not start.
inline constexpr int crashtest_not_made = 2;

/// What every command takes.
struct Common {
  bool json = false;  ///< for scripts; else tables for people
};

/// Columns for people: the widest cell decides, the last column is not padded. Text is printed as it is.
class Table {
 public:
  explicit Table(std::vector<std::string> head) { rows_.push_back(std::move(head)); }
  void add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }
  /// Prints the head and the rows, or `none` when there are no rows.
  void print(std::string_view none) const;

 private:
  std::vector<std::vector<std::string>> rows_;
};

/// One JSON document on a line of its own.
void print_json(Value value);
/// `spikard: message` on standard error, one line a problem; returns the exit code that fits its kind.
int fail(const Error& error);
int fail(std::string_view where, const Error& error);

/// How a command finds the application's manifest.
struct ManifestSource {
  std::string path{};   ///< a JSON file, `-` for standard input; empty: the application is asked ([app] command of spikard.toml)
  bool layers = false;  ///< spikard.toml and the environment over it; always when the application is asked
};
/// The text of the manifest as the code states it. Errors name the file or the command.
[[nodiscard]] Result<std::string> manifest_text(const ManifestSource& source);

/// A subcommand with what it does when it was chosen.
struct Command {
  CLI::App* app = nullptr;
  std::function<int()> run;
};

struct EventToSend {
  std::string url, type, source = "/spikard/cli", subject, id, data;
  bool structured = false;
};
int send_event(const EventToSend& what, const Common& common);

void add_manifest_commands(CLI::App& root, Common& common, std::vector<Command>& commands);
void add_toolbox_commands(CLI::App& root, Common& common, std::vector<Command>& commands);
void add_crashtest(CLI::App& root, Common& common, std::vector<Command>& commands);
void add_completions(CLI::App& root, std::vector<Command>& commands);

}  // namespace spikard::cli
