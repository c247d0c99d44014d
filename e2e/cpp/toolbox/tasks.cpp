// The ops of `tasks` (fixtures/README.md section 5) on the C++ client.
#include "toolbox/toolbox.hpp"

namespace spikard::e2e {

Subsystem tasks_subsystem() { return {"tasks", {}, nullptr}; }

}  // namespace spikard::e2e
