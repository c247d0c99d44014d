// The ops of `telemetry` (fixtures/README.md section 5) on the C++ client.
#include "toolbox/toolbox.hpp"

namespace spikard::e2e {

Subsystem telemetry_subsystem() { return {"telemetry", {}, nullptr}; }

}  // namespace spikard::e2e
