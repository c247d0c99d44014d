// The ops of `messaging` (fixtures/README.md section 5) on the C++ client.
#include "toolbox/toolbox.hpp"

namespace spikard::e2e {

Subsystem messaging_subsystem() { return {"messaging", {}, nullptr}; }

}  // namespace spikard::e2e
