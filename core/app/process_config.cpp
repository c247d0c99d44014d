#include "app/process_config.hpp"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <string_view>
#include <utility>

#include <unistd.h>

extern char** environ;

namespace spikard::app {
namespace {

constexpr std::size_t max_file = std::size_t{1} << 20;
constexpr std::string_view config_variable = "SPIKARD_CONFIG";

Value member(Value object, std::string_view name) { return object.exists() && object.is_object() ? object.find(name) : Value(); }

/// Numbers of the port are places in these lists: a layer that changes one would send requests to the wrong handler.
Result<void> same_code(Value manifest, Value layered) {
  for (const std::string_view name : {"routes", "hooks", "dependencies"}) {
    const Value before = member(member(manifest, "http"), name);
    const Value after = member(member(layered, "http"), name);
    if (before.exists() == after.exists() && (!before.exists() || equal(before, after))) continue;
    return invalid_argument("http." + std::string(name) +
                            ": is what the program's code says; spikard.toml and the environment cannot change it");
  }
  return {};
}

}  // namespace

Result<services::ConfigSources> process_config() {
  services::ConfigSources sources;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    const std::size_t equals = text.find('=');
    if (equals == std::string_view::npos) continue;
    sources.environment.emplace(text.substr(0, equals), text.substr(equals + 1));
  }
  const auto named = sources.environment.find(config_variable);
  const bool given = named != sources.environment.end() && !named->second.empty();
  const std::string path = given ? named->second : "spikard.toml";
  if (named != sources.environment.end()) sources.environment.erase(named);
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    if (!given && errno == ENOENT) return sources;
    return invalid_argument((given ? "SPIKARD_CONFIG: " : "") + path + ": " + std::strerror(errno));
  }
  std::string text(max_file + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(file.gcount()));
  if (text.size() > max_file) return invalid_argument(path + ": longer than 1 MiB");
  sources.toml = std::move(text);
  sources.toml_name = path;
  return sources;
}

Result<services::Manifest> configured_manifest(Value manifest, const services::ConfigSources& sources) {
  auto layered = services::layered_manifest(manifest, sources);
  if (!layered.ok()) return std::move(layered).error();
  SPIKARD_TRY(same_code(manifest, layered->root()));
  auto checked = services::manifest_from_json(layered->root());
  if (!checked.ok()) return checked;
  if (checked->http && checked->http->listeners.empty()) checked->http->listeners.emplace_back();
  return checked;
}

}  // namespace spikard::app
