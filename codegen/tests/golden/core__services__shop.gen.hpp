// Generated from spec/services/shop.yaml by codegen. Do not edit.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/node.hpp"
#include "base/result.hpp"

namespace spikard::services {

/// A colour.
enum class Colour : std::uint8_t {
  red,  ///< Like fire.
  none,
};
[[nodiscard]] std::string_view name_of(Colour v) noexcept;
[[nodiscard]] std::optional<Colour> colour_from(std::string_view text) noexcept;

/// A wheel.
struct Wheel {
  std::uint16_t in{};  ///< Its size, in inches.
  std::int32_t spokes = -1;  ///< Spokes; -1: not counted.
};
[[nodiscard]] bool operator==(const Wheel& a, const Wheel& b);
/// Unknown keys, wrong types and values out of range are refused. Errors: invalid_argument, one line a problem, each with its path below `path`.
[[nodiscard]] Result<Wheel> wheel_from_json(Value json, std::string path = {});
/// Appends one value; members that have their default are left out.
void to_nodes(const Wheel& in, NodeBuilder& out);

/// A shop of bikes.
struct Shop {
  std::string name = "the \"shop\"";  ///< Its name.
  bool open = true;  ///< It is open.
  Colour colour = Colour::red;  ///< Of the door.
  std::vector<Colour> colours{};  ///< Of the bikes.
  std::vector<std::string> tags = {"a", "b"};  ///< Words.
  std::vector<Wheel> wheels{};  ///< In store.
  std::optional<Wheel> best{};  ///< The best one.
  std::map<std::string, Wheel> by_name{};  ///< Named ones.
  Document any{};  ///< Anything.
  std::optional<std::uint64_t> limit = 5;  ///< How many; null: any number.
};
[[nodiscard]] bool operator==(const Shop& a, const Shop& b);
/// Unknown keys, wrong types and values out of range are refused. Errors: invalid_argument, one line a problem, each with its path below `path`.
[[nodiscard]] Result<Shop> shop_from_json(Value json, std::string path = {});
/// Appends one value; members that have their default are left out.
void to_nodes(const Shop& in, NodeBuilder& out);

}  // namespace spikard::services
