// The ops of `storage` (fixtures/README.md section 5) on the C++ client.
#include "toolbox/toolbox.hpp"

namespace spikard::e2e {

Subsystem storage_subsystem() { return {"storage", {}, nullptr}; }

}  // namespace spikard::e2e
