#pragma once

#include <string>

#include "base/node.hpp"
#include "base/result.hpp"
#include "services/config_layers.hpp"
#include "services/manifest.gen.hpp"

namespace spikard::app {

/// What lies over a manifest in this process: the text of `$SPIKARD_CONFIG`, else of `spikard.toml` in the working directory when
/// it is there, and the environment. The one place that reads either; call it where a program begins, never in tests of an
/// application. Errors: invalid_argument when the file that `$SPIKARD_CONFIG` names cannot be read, or it is longer than 1 MiB.
[[nodiscard]] Result<services::ConfigSources> process_config();

/// `manifest` with `sources` over it (services::layered_manifest), checked. An HTTP server without a listener gets the default
/// one, 127.0.0.1:8000. Routes, hooks and dependencies belong to the code that answers them by their place: sources that name
/// them are refused.
[[nodiscard]] Result<services::Manifest> configured_manifest(Value manifest, const services::ConfigSources& sources);

}  // namespace spikard::app
