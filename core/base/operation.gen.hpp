// Generated from spec/operations by codegen. Do not edit.
#pragma once

#include <cstdint>
#include <string_view>

namespace spikard {

/// Operations of the port, by the number hosts use (`SPK_OP_*`).
enum class Operation : std::uint32_t {
  background_run = 1,
  test_advance = 16,
  test_settle = 17,
};

[[nodiscard]] constexpr std::string_view name_of(Operation operation) noexcept {
  switch (operation) {
    case Operation::background_run: return "background.run";
    case Operation::test_advance: return "test.advance";
    case Operation::test_settle: return "test.settle";
  }
  return "unknown";
}

}  // namespace spikard
