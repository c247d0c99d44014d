#pragma once

#include <cstdlib>
#include <stdexcept>
#include <string>

namespace spikard::contract {

/// What `tools/services env` says of a server: `server_setting("REDIS_URL")` is SPIKARD_TEST_REDIS_URL. A test of a server fails
/// without it, so that none is left out in silence: `tools/services up redis; eval "$(tools/services env)"`.
[[nodiscard]] inline std::string server_setting(const char* name) {
  const std::string variable = std::string("SPIKARD_TEST_") + name;
  const char* value = std::getenv(variable.c_str());
  if (value == nullptr)
    throw std::runtime_error(variable + " is not set: tools/services up NAME, then eval \"$(tools/services env)\"");
  return value;
}

}  // namespace spikard::contract
