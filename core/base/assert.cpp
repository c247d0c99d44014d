#include "base/assert.hpp"

#include <stdexcept>
#include <string>

namespace spikard::detail {

void assertion_failed(const char* condition, const char* why, const char* file, int line) {
  throw std::logic_error(std::string(file) + ":" + std::to_string(line) + ": assertion failed: " + condition + " (" + why + ")");
}

}  // namespace spikard::detail
