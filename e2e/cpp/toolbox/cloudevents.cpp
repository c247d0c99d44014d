// The ops of `cloudevents` (fixtures/README.md section 5) on the C++ client.
#include "toolbox/toolbox.hpp"

namespace spikard::e2e {

Subsystem cloudevents_subsystem() { return {"cloudevents", {}, nullptr}; }

}  // namespace spikard::e2e
