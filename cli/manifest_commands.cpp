// What can be asked of an application's manifest, and starting the application.
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <memory>

#include "app/application.hpp"
#include "app/process_config.hpp"
#include "base/json.hpp"
#include "command.hpp"
#include "http/openapi.hpp"
#include "services/config_layers.hpp"

namespace spikard::cli {
namespace {

constexpr std::size_t max_manifest = std::size_t{64} << 20;

Result<std::string> command_of_app() {
  auto sources = app::process_config();
  if (!sources.ok()) return std::move(sources).error();
  auto command = services::app_command(*sources);
  if (!command.ok()) return std::move(command).error();
  if (!command->has_value()) {
    return invalid_argument(
        "there is no application to ask: name a manifest file, or put `[app]` with `command = \"...\"` into spikard.toml");
  }
  return std::move(**command);
}

Result<std::string> ask(const std::string& command) {
  // The application prints its manifest and exits instead of serving (docs/guide/configuration.md).
  const std::string line = "SPIKARD_PRINT_MANIFEST=1 exec " + command;
  std::FILE* pipe = ::popen(line.c_str(), "r");
  if (pipe == nullptr) return Error(ErrorKind::unavailable, command + ": " + std::strerror(errno));
  std::string text;
  char buffer[65536];
  for (std::size_t n = 0; (n = std::fread(buffer, 1, sizeof buffer, pipe)) > 0 && text.size() <= max_manifest;)
    text.append(buffer, n);
  const int status = ::pclose(pipe);
  if (text.size() > max_manifest) return Error(ErrorKind::too_large, command + ": its manifest is longer than 64 MiB");
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
    return invalid_argument(command + ": ended with " +
                            (WIFEXITED(status) ? "status " + std::to_string(WEXITSTATUS(status)) : "a signal") +
                            " when asked for its manifest");
  }
  return text;
}

struct Loaded {
  std::string name;  // for messages
  services::Manifest manifest;
};

/// Read, with its layers if wanted, and checked; or an exit code.
std::variant<Loaded, int> load(const ManifestSource& source) {
  const std::string where = source.path.empty() ? "spikard" : source.path;
  auto text = manifest_text(source);
  if (!text.ok()) return fail(where, text.error());
  auto document = json::parse(*text);
  if (!document.ok()) return fail(where, document.error());
  services::ConfigSources sources;
  const bool layers = source.layers || source.path.empty();
  if (layers) {
    auto found = app::process_config();
    if (!found.ok()) return fail(where, found.error());
    sources = std::move(found).value();
  }
  auto manifest = layers ? app::configured_manifest(document->root(), sources) : services::manifest_from_json(document->root());
  if (!manifest.ok()) return fail(where, manifest.error());
  return Loaded{where, std::move(manifest).value()};
}

std::string counted(std::size_t n, std::string_view what) {
  return std::to_string(n) + " " + std::string(what) + (n == 1 ? "" : "s");
}

/// Everything a start would check, without opening anything: structure, ranges, schemas, routes, dependencies.
int check(const ManifestSource& source, bool print) {
  auto loaded = load(source);
  if (const int* code = std::get_if<int>(&loaded)) return *code;
  auto& [where, manifest] = std::get<Loaded>(loaded);
  if (print) {
    NodeBuilder nodes;
    services::to_nodes(manifest, nodes);
    print_json(nodes.root());
  }
  std::string summary = manifest.name + ", " + counted(manifest.http ? manifest.http->routes.size() : 0, "route");
  const auto more = [&](std::size_t n, std::string_view what) {
    if (n > 0) summary += ", " + counted(n, what);
  };
  more(manifest.consumers.size(), "consumer");
  more(manifest.workers.size(), "worker");
  more(manifest.schedules.size(), "schedule");
  auto application = app::Application::create(std::move(manifest));
  if (!application.ok()) return fail(where, application.error());
  if (!print) std::printf("%s: ok (%s)\n", where.c_str(), summary.c_str());
  return 0;
}

int routes(const ManifestSource& source, const Common& common) {
  auto loaded = load(source);
  if (const int* code = std::get_if<int>(&loaded)) return *code;
  const services::Manifest& manifest = std::get<Loaded>(loaded).manifest;
  static const std::vector<services::Route> none;
  const auto& list = manifest.http ? manifest.http->routes : none;
  if (common.json) {
    NodeBuilder out;
    out.begin_array();
    for (const services::Route& route : list) {
      out.begin_object();
      out.key("method"), out.string(services::name_of(route.method));
      out.key("path"), out.string(route.path);
      out.key("name"), out.string(route.name);
      out.end();
    }
    out.end();
    print_json(out.root());
    return 0;
  }
  Table table({"METHOD", "PATH", "NAME"});
  for (const services::Route& route : list) table.add({std::string(services::name_of(route.method)), route.path, route.name});
  table.print("no routes");
  return 0;
}

int openapi(const ManifestSource& source, const std::string& version) {
  auto loaded = load(source);
  if (const int* code = std::get_if<int>(&loaded)) return *code;
  const services::Manifest& manifest = std::get<Loaded>(loaded).manifest;
  const services::HttpConfig empty;
  const Document document = http::openapi(manifest.http ? *manifest.http : empty, {.title = manifest.name, .version = version});
  print_json(document.root());
  return 0;
}

int run(const std::string& roles, const std::vector<std::string>& more) {
  auto command = command_of_app();
  if (!command.ok()) return fail(command.error());
  if (!roles.empty()) ::setenv("SPIKARD_ROLES", roles.c_str(), 1);
  // "$@" keeps further arguments as they are.
  const std::string line = "exec " + *command + " \"$@\"";
  std::vector<const char*> arguments{"/bin/sh", "-c", line.c_str(), "spikard"};
  for (const std::string& one : more) arguments.push_back(one.c_str());
  arguments.push_back(nullptr);
  ::execv("/bin/sh", const_cast<char* const*>(arguments.data()));
  return fail(Error(ErrorKind::unavailable, std::string("/bin/sh: ") + std::strerror(errno)));
}

}  // namespace

Result<std::string> manifest_text(const ManifestSource& source) {
  if (source.path.empty()) {
    auto command = command_of_app();
    if (!command.ok()) return std::move(command).error();
    return ask(*command);
  }
  std::string text;
  if (source.path == "-") {
    char buffer[65536];
    for (std::size_t n = 0; (n = std::fread(buffer, 1, sizeof buffer, stdin)) > 0;) text.append(buffer, n);
    return text;
  }
  std::ifstream file(source.path, std::ios::binary);
  if (!file) return Error(ErrorKind::not_found, "cannot be read");
  text.assign(std::istreambuf_iterator<char>(file), {});
  return text;
}

void add_manifest_commands(CLI::App& root, Common& common, std::vector<Command>& commands) {
  struct State {
    ManifestSource source;
    bool print = false;
    std::string version = "0.1.0";
    std::string roles;
    std::vector<std::string> more;
  };
  auto state = std::make_shared<State>();
  const auto with_manifest = [&](CLI::App* command) {
    command->add_option("manifest", state->source.path,
                        "The manifest (JSON), or - for standard input; without it the application of spikard.toml is asked");
    command->add_flag("--layers", state->source.layers, "With spikard.toml and the environment over it");
    return command;
  };
  CLI::App* run_command = root.add_subcommand("run", "Start the application of spikard.toml");
  run_command->add_option("--role", state->roles, "Run only a part: web, consumer, worker, scheduler, separated by commas");
  run_command->add_option("arguments", state->more, "Further arguments of the application, after --");
  commands.push_back({run_command, [state] { return run(state->roles, state->more); }});

  CLI::App* check_command =
      with_manifest(root.add_subcommand("check", "Check a manifest as a start would, without opening anything"));
  check_command->add_flag("--print", state->print, "Print the manifest as it is understood, without defaults");
  commands.push_back({check_command, [state] { return check(state->source, state->print); }});

  CLI::App* routes_command = with_manifest(root.add_subcommand("routes", "List the routes"));
  commands.push_back({routes_command, [state, &common] { return routes(state->source, common); }});

  CLI::App* openapi_command = with_manifest(root.add_subcommand("openapi", "Print the OpenAPI 3.1 document of the routes"));
  openapi_command->add_option("--api-version", state->version, "Version of the API in the document")->capture_default_str();
  commands.push_back({openapi_command, [state] { return openapi(state->source, state->version); }});
}

}  // namespace spikard::cli
