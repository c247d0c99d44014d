// The ops of `cache` (fixtures/README.md section 5) on the C++ client.
#include "toolbox/toolbox.hpp"

namespace spikard::e2e {

Subsystem cache_subsystem() { return {"cache", {}, nullptr}; }

}  // namespace spikard::e2e
