// Any text that is a manifest: decode, encode, decode again gives the same, and so does encoding it again. The first byte says
// how much of the input is spikard.toml and how much one environment variable, so that the layers are fuzzed as well.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "base/json.hpp"
#include "services/config_layers.hpp"
#include "services/manifest.gen.hpp"

namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

std::string encoded(const spikard::services::Manifest& manifest) {
  spikard::NodeBuilder out;
  spikard::services::to_nodes(manifest, out);
  return spikard::json::to_string(out.root());
}

void round_trip(spikard::Value value) {
  const auto first = spikard::services::manifest_from_json(value);
  if (!first.ok()) {
    require(!first.error().message().empty());
    return;
  }
  const std::string text = encoded(*first);
  const auto document = spikard::json::parse(text, {.max_depth = 256});
  require(document.ok());
  const auto second = spikard::services::manifest_from_json(document->root());
  require(second.ok() && *second == *first && encoded(*second) == text);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::uint8_t mode = data[0];
  std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  spikard::services::ConfigSources sources;
  const auto take = [&] {
    const std::size_t end = std::min(text.find('\x1e'), text.size());
    std::string part(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    return part;
  };
  if ((mode & 1) != 0) sources.toml = take();
  if ((mode & 2) != 0) {
    const std::string name = take();
    sources.environment["SPIKARD_" + name] = take();
  }
  if ((mode & 4) != 0) sources.environment["PORT"] = take();
  const auto document = spikard::json::parse(text);
  if (!document.ok()) return 0;
  round_trip(document->root());
  if ((mode & 7) != 0) {
    const auto layered = spikard::services::layered_manifest(document->root(), sources);
    if (layered.ok()) round_trip(layered->root());
  }
  return 0;
}
