#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/node.hpp"
#include "base/result.hpp"

namespace spikard::services {

using Environment = std::map<std::string, std::string, std::less<>>;

/// What lies over a manifest that was made in code. Plain data: the caller reads the file and the environment.
struct ConfigSources {
  std::optional<std::string> toml{};       ///< the text of spikard.toml: the shape of the manifest, `[http.limits]` and so on
  std::string toml_name = "spikard.toml";  ///< for messages
  Environment environment{};
};

/// The manifest with what lies over it; later wins: `manifest` < spikard.toml < `PORT` and its like < `SPIKARD_...`. Objects are
/// merged member by member, everything else is replaced. The result still goes through manifest_from_json, which checks ranges
/// and fills in the defaults.
///
/// - `SPIKARD_HTTP__LIMITS__BODY_BYTES=1000`: two underscores go one level down, names in any case, a number is a place in a list
/// (`LISTENERS__0__PORT`). The text
///   is read as the type of that member; lists of texts as `a,b` or JSON; objects as JSON; `null` where null may stand.
/// - `DATABASE_URL` is the URL of `services.db.default` and `services.tasks.default`, and of `services.messaging.default` if it
/// is a `sqlite:` one. `SPIKARD_SERVICES__...` wins over it.
/// - `PORT` sets the port of the first listener that has one, or adds a listener, when there is an HTTP server.
/// - `K_SERVICE` (Knative, Cloud Run, Cloud Functions): the listener that `PORT` sets is on 0.0.0.0 where it was on 127.0.0.1 or
/// said nothing. `K_SINK` is the URL of `services.events.default`, the extensions of `K_CE_OVERRIDES` beside it are its
/// `extensions`.
/// - `SPIKARD_` names that are no member of the manifest are refused when they have two underscores in a row or look like a slip
/// of a member's name.
///
/// Errors: invalid_argument naming the file and line, or the variable, and what was expected.
[[nodiscard]] Result<Document> layered_manifest(Value manifest, const ConfigSources& sources);

/// `[app] command` of spikard.toml: what `spikard run` executes. Nothing when there is no file or no `[app]`.
[[nodiscard]] Result<std::optional<std::string>> app_command(const ConfigSources& sources);

}  // namespace spikard::services
