// The ops of `cron` (fixtures/README.md section 5) on the C++ client.
#include "toolbox/toolbox.hpp"

namespace spikard::e2e {

Subsystem cron_subsystem() { return {"cron", {}, nullptr}; }

}  // namespace spikard::e2e
