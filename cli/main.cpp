// The command line: what can be asked of an application's manifest without running it.
#include <unistd.h>

#include <cstdio>
#include <exception>
#include <fstream>
#include <iterator>
#include <string>

#include <CLI/CLI.hpp>

#include "app/application.hpp"
#include "app/process_config.hpp"
#include "base/json.hpp"
#include "services/manifest.gen.hpp"
#include "spikard/spikard.h"

namespace {

using namespace spikard;

constexpr int config_error = 78;  // EX_CONFIG
constexpr int no_input = 66;      // EX_NOINPUT

int read_file(const std::string& path, std::string& text) {
  if (path == "-") {
    char buffer[65536];
    for (std::size_t n = 0; (n = std::fread(buffer, 1, sizeof buffer, stdin)) > 0;) text.append(buffer, n);
    return 0;
  }
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    std::fprintf(stderr, "%s: cannot be read\n", path.c_str());
    return no_input;
  }
  text.assign(std::istreambuf_iterator<char>(file), {});
  return 0;
}

int report(const std::string& path, const Error& error) {
  // One problem a line, each with the file in front, as compilers do.
  const std::string& message = error.message();
  for (std::size_t at = 0; at <= message.size();) {
    const std::size_t end = std::min(message.find('\n', at), message.size());
    std::fprintf(stderr, "%s: %s\n", path.c_str(), message.substr(at, end - at).c_str());
    at = end + 1;
  }
  return config_error;
}

/// Everything a start would check, without opening anything: structure, ranges, schemas, routes, dependencies.
int check(const std::string& path, bool layers, bool print) {
  std::string text;
  if (const int code = read_file(path, text); code != 0) return code;
  auto document = json::parse(text);
  if (!document.ok()) return report(path, document.error());
  services::ConfigSources sources;
  if (layers) {
    auto found = app::process_config();
    if (!found.ok()) return report(path, found.error());
    sources = std::move(found).value();
  }
  auto manifest = layers ? app::configured_manifest(document->root(), sources) : services::manifest_from_json(document->root());
  if (!manifest.ok()) return report(path, manifest.error());
  if (print) {
    NodeBuilder nodes;
    services::to_nodes(*manifest, nodes);
    std::printf("%s\n", json::to_string(nodes.root()).c_str());
  }
  const std::string name = manifest->name;
  const std::size_t routes = manifest->http ? manifest->http->routes.size() : 0;
  auto application = app::Application::create(std::move(manifest).value());
  if (!application.ok()) return report(path, application.error());
  if (!print) std::printf("%s: ok (%s, %zu route%s)\n", path.c_str(), name.c_str(), routes, routes == 1 ? "" : "s");
  return 0;
}

}  // namespace

int main(int argc, char** argv) try {
  CLI::App cli("Spikard: one core for services, many languages.");
  cli.require_subcommand(1);

  std::string path;
  bool layers = false, print = false;
  CLI::App* check_command = cli.add_subcommand("check", "Check a manifest as a start would, without opening anything");
  check_command->add_option("manifest", path, "The manifest (JSON), or - for standard input")->required();
  check_command->add_flag("--layers", layers, "With spikard.toml and the environment over it");
  check_command->add_flag("--print", print, "Print the manifest as it is understood, without defaults");
  CLI::App* version_command = cli.add_subcommand("version", "Print the version");

  CLI11_PARSE(cli, argc, argv);
  if (version_command->parsed()) {
    std::printf("spikard %s (abi %u)\n", SPK_VERSION, SPK_ABI);
    return 0;
  }
  return check(path, layers, print);
} catch (const std::exception& error) {
  std::fprintf(stderr, "spikard: %s\n", error.what());
  return 70;  // EX_SOFTWARE
}
