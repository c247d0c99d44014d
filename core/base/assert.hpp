#pragma once

namespace spikard::detail {
/// Throws std::logic_error; user input can never lead here.
[[noreturn]] void assertion_failed(const char* condition, const char* why, const char* file, int line);
}  // namespace spikard::detail

/// For bugs only. `why` says why the condition must hold.
#define SPIKARD_ASSERT(condition, why) \
  (static_cast<bool>(condition) ? static_cast<void>(0) : ::spikard::detail::assertion_failed(#condition, why, __FILE__, __LINE__))
