// The ops of `db` (fixtures/README.md section 5) on the C++ client.
#include "toolbox/toolbox.hpp"

namespace spikard::e2e {

Subsystem db_subsystem() { return {"db", {}, nullptr}; }

}  // namespace spikard::e2e
