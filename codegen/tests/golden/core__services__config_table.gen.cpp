// Generated from spec/services by codegen. Do not edit.
#include "services/config_table.gen.hpp"

namespace spikard::services {
namespace {
using enum ConfigType;
constexpr ConfigField wheel_fields[] = {
    {"in", integer, false, json, nullptr},
    {"spokes", integer, false, json, nullptr},
};
constexpr ConfigStruct wheel_config{"Wheel", wheel_fields};
constexpr ConfigField shop_fields[] = {
    {"name", string, false, json, nullptr},
    {"open", boolean, false, json, nullptr},
    {"colour", string, false, json, nullptr},
    {"colours", list, false, string, nullptr},
    {"tags", list, false, string, nullptr},
    {"wheels", list, false, object, &wheel_config},
    {"best", object, true, json, &wheel_config},
    {"by_name", map, false, object, &wheel_config},
    {"any", json, false, json, nullptr},
    {"limit", integer, true, json, nullptr},
};
}  // namespace

const ConfigStruct shop_config{"Shop", shop_fields};

}  // namespace spikard::services
