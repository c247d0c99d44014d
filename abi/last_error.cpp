#include "last_error.hpp"

#include <utility>

namespace spikard::abi {
namespace {
thread_local std::string last_error;
}

void set_last_error(std::string text) { last_error = std::move(text); }
const std::string& get_last_error() { return last_error; }

}  // namespace spikard::abi
