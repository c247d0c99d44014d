// Generated from spec/operations by codegen. Do not edit.
#pragma once

#include <cstdint>
#include <string_view>

namespace spikard {

/// Operations of the port, by the number hosts use (`SPK_OP_*`).
enum class Operation : std::uint32_t {
  shop_buy = 40,
  shop_read = 41,
  shop_write = 42,
};

[[nodiscard]] constexpr std::string_view name_of(Operation operation) noexcept {
  switch (operation) {
    case Operation::shop_buy: return "shop.buy";
    case Operation::shop_read: return "shop.read";
    case Operation::shop_write: return "shop.write";
  }
  return "unknown";
}

}  // namespace spikard
