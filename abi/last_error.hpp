#pragma once

#include <string>

namespace spikard::abi {
/// The text of the last error on this thread (spk_error).
void set_last_error(std::string text);
const std::string& get_last_error();
}  // namespace spikard::abi
